use super::*;
use crate::emulator::cloudfoundry::Quota;

fn path(guid: &str) -> String {
    format!("/v2/service_instances/{guid}")
}

fn incomplete(guid: &str) -> String {
    format!("/v2/service_instances/{guid}?accepts_incomplete=true")
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_nothing_else() {
    let sandbox = Sandbox::start().await;
    let mut body = sandbox.wish("a", "redis/small");
    body["tags"] = json!(["x"]);
    body["parameters"] = json!({"p": 1, "q": 2});
    let guid = sandbox.post("admin", "/v2/service_instances", body).await.guid();
    let steps = [
        (json!({"name": " b "}), "b", json!(["x"]), "redis/small", json!({"p": 1, "q": 2})),
        (json!({"tags": ["y", "z"]}), "b", json!(["y", "z"]), "redis/small", json!({"p": 1, "q": 2})),
        (json!({"tags": null, "name": null}), "b", json!(["y", "z"]), "redis/small", json!({"p": 1, "q": 2})),
        (json!({"tags": []}), "b", json!([]), "redis/small", json!({"p": 1, "q": 2})),
        (json!({"parameters": {"p": 3}}), "b", json!([]), "redis/small", json!({"p": 3})),
        (json!({"service_plan_guid": sandbox.plan("redis/large")}), "b", json!([]), "redis/large", json!({"p": 3})),
        (json!({"space_guid": sandbox.dev()}), "b", json!([]), "redis/large", json!({"p": 3})),
    ];
    for (number, (change, name, tags, plan, parameters)) in (1..).zip(steps) {
        sandbox.advance(1000);
        let answer = sandbox.put("developer", &path(&guid), change.clone()).await;
        assert_eq!((answer.status, answer.operation().as_str()), (201, "update/succeeded"), "{change}");
        let entity = sandbox.get("admin", &path(&guid)).await;
        assert_eq!(answer.body, entity.body);
        let entity = entity.entity();
        assert_eq!((&entity["name"], &entity["tags"]), (&json!(name), &tags), "{change}");
        assert_eq!(entity["service_plan_guid"], json!(sandbox.plan(plan)), "{change}");
        assert_eq!(entity["last_operation"]["created_at"], format!("2026-09-01T12:00:0{number}Z"));
        assert_eq!(sandbox.get("admin", &format!("{}/parameters", path(&guid))).await.body, parameters, "{change}");
    }
}

#[tokio::test]
async fn an_empty_update_replaces_the_last_operation_too() {
    let sandbox = Sandbox::start().await;
    let guid = sandbox.make("a", "postgres/small").await;
    assert_eq!(sandbox.put("admin", &path(&guid), json!({})).await.operation(), "update/succeeded");
}

#[tokio::test]
async fn the_broker_is_asked_only_when_it_must_know() {
    // On an asynchronous plan the status tells whether it was asked.
    let sandbox = Sandbox::with(|options| {
        options.brokers[0].offerings[4].plans.push(slow_plan("slow"));
    })
    .await;
    let small = sandbox.plan("postgres/small");
    let table = [
        ("postgres/small", json!({"name": "n", "tags": ["t"]}), 201),
        ("postgres/small", json!({"service_plan_guid": small}), 201),
        ("postgres/small", json!({"service_plan_guid": sandbox.plan("postgres/large")}), 202),
        ("postgres/small", json!({"parameters": {}}), 202),
        ("postgres/small", json!({"parameters": null}), 201),
        ("postgres/small", json!({"maintenance_info": {"version": "1.1.0"}}), 201),
        ("search/slow", json!({"name": "same"}), 202),
        ("search/slow", json!({"tags": []}), 201),
    ];
    for (plan, change, status) in table {
        let guid = sandbox.make("same", plan).await;
        let answer = sandbox.put("admin", &incomplete(&guid), change.clone()).await;
        assert_eq!(answer.status, status, "{plan} {change}");
        if status == 202 {
            assert_eq!(answer.header("location"), Some(path(&guid).as_str()));
        }
        sandbox.delete("admin", &format!("{}?purge=true", path(&guid))).await;
    }
}

#[tokio::test]
async fn an_asynchronous_update_writes_the_name_at_once_and_the_plan_when_it_succeeds() {
    let sandbox = Sandbox::start().await;
    let guid = sandbox.make("a", "postgres/small").await;
    let change = json!({"name": "b", "tags": ["t"], "service_plan_guid": sandbox.plan("postgres/large"), "parameters": {"p": 1}});
    let begun = sandbox.put("admin", &incomplete(&guid), change).await;
    assert_eq!((begun.status, begun.operation().as_str()), (202, "update/in progress"));
    assert_eq!((&begun.entity()["name"], &begun.entity()["tags"]), (&json!("b"), &json!(["t"])));
    assert_eq!(begun.entity()["service_plan_guid"], json!(sandbox.plan("postgres/small")), "not yet");
    sandbox.advance(1000);
    let done = sandbox.get("admin", &path(&guid)).await;
    assert_eq!(done.operation(), "update/succeeded");
    assert_eq!(done.entity()["service_plan_guid"], json!(sandbox.plan("postgres/large")));
    assert_eq!(done.entity()["maintenance_info"], json!({}), "copied from the new plan");
    let of_plan = |plan: &str| format!("/v2/service_plans/{}/service_instances", sandbox.plan(plan));
    assert_eq!(sandbox.get("admin", &of_plan("postgres/large")).await.each("name"), ["b"]);
    assert_eq!(sandbox.get("admin", &of_plan("postgres/small")).await.each("name"), [""; 0]);
}

#[tokio::test]
async fn a_failure_takes_the_name_back_only_if_it_comes_at_once() {
    let sandbox = Sandbox::start().await;
    let change = json!({"name": "new", "tags": ["t"], "parameters": {"p": 1}});
    let refused = sandbox.make("old", "faulty/refuses-update").await;
    let answer = sandbox.put("admin", &path(&refused), change.clone()).await;
    assert_eq!(answer.error(), (502, 10001, "CF-ServiceBrokerBadResponse"));
    assert_eq!(answer.body["http"]["method"], "PATCH");
    let after = sandbox.get("admin", &path(&refused)).await;
    assert_eq!((&after.entity()["name"], after.operation().as_str()), (&json!("old"), "update/failed"));
    assert_eq!(after.entity()["last_operation"]["description"], "Service broker error: out of disks");
    sandbox.delete("admin", &path(&refused)).await;

    let failing = sandbox.make("old", "faulty/fails-update").await;
    assert_eq!(sandbox.put("admin", &path(&failing), change.clone()).await.error().2, "CF-AsyncRequired");
    assert_eq!(sandbox.get("admin", &path(&failing)).await.entity()["name"], "old");
    assert_eq!(sandbox.put("admin", &incomplete(&failing), change).await.status, 202);
    sandbox.advance(1000);
    let after = sandbox.get("admin", &path(&failing)).await;
    assert_eq!((&after.entity()["name"], after.operation().as_str()), (&json!("new"), "update/failed"));
    assert_eq!(after.entity()["last_operation"]["description"], "the disk caught fire");
}

#[tokio::test]
async fn what_cannot_be_updated_is_refused_by_name() {
    let sandbox = Sandbox::start().await;
    let other_space = sandbox.new_space("sandbox", "qa").await;
    sandbox.make("taken", "redis/small").await;
    let plan = |plan: &str| json!({"service_plan_guid": sandbox.plan(plan)});
    let version = |version: &str| json!({"maintenance_info": {"version": version}});
    let both = json!({"service_plan_guid": sandbox.plan("postgres/large"), "maintenance_info": {"version": "1.1.0"}});
    let table = [
        (
            "redis/small",
            json!({"space_guid": other_space}),
            400,
            "CF-ServiceInstanceSpaceChangeNotAllowed",
            "create/succeeded",
        ),
        ("redis/small", plan("queue/standard"), 400, "CF-InvalidRelation", "create/succeeded"),
        ("redis/small", json!({"service_plan_guid": "none"}), 400, "CF-InvalidRelation", "create/succeeded"),
        ("queue/standard", plan("queue/dedicated"), 400, "CF-ServicePlanNotUpdateable", "create/succeeded"),
        ("redis/small", json!({"name": "taken"}), 400, "CF-ServiceInstanceNameTaken", "update/failed"),
        ("redis/small", json!({"name": "a".repeat(256)}), 400, "CF-ServiceInstanceNameTooLong", "update/failed"),
        ("redis/small", json!({"name": "  "}), 400, "CF-ServiceInstanceNameEmpty", "update/failed"),
        ("redis/small", json!({"tags": ["t".repeat(2049)]}), 400, "CF-ServiceInstanceTagsTooLong", "update/failed"),
        ("redis/small", json!({"parameters": []}), 400, "CF-MessageParseError", "create/succeeded"),
        ("redis/small", version("1.0.0"), 422, "CF-MaintenanceInfoNotSupported", "create/succeeded"),
        ("postgres/small", version("one"), 422, "CF-MaintenanceInfoNotSemver", "create/succeeded"),
        ("postgres/small", json!({"maintenance_info": {}}), 422, "CF-MaintenanceInfoNotSemver", "create/succeeded"),
        ("postgres/small", both, 422, "CF-MaintenanceInfoNotUpdatableWhenChangingPlan", "create/succeeded"),
        ("postgres/small", version("9.9.9"), 422, "CF-MaintenanceInfoConflict", "update/failed"),
        ("postgres/small", json!({"parameters": {}}), 400, "CF-AsyncRequired", "update/failed"),
    ];
    for (plan, change, status, name, operation) in table {
        let guid = sandbox.make("a", plan).await;
        let answer = sandbox.put("admin", &path(&guid), change.clone()).await;
        assert_eq!((answer.status, answer.error().2), (status, name), "{change}");
        assert_eq!(sandbox.operation(&guid).await, operation, "{change}");
        sandbox.delete("admin", &format!("{}?purge=true", path(&guid))).await;
    }
    let kept = sandbox.make("a", "queue/standard").await;
    assert_eq!(sandbox.put("admin", &path(&kept), plan("queue/standard")).await.status, 201, "it is the plan it has");
    let bad_flag = format!("{}?accepts_incomplete=1", path(&kept));
    assert_eq!(sandbox.put("admin", &bad_flag, json!({})).await.error(), (400, 10004, "CF-InvalidRequest"));
    assert_eq!(
        sandbox.put("admin", &path("none"), json!({})).await.error(),
        (404, 60004, "CF-ServiceInstanceNotFound")
    );
    let provided = json!({"name": "p", "space_guid": sandbox.dev()});
    let provided = sandbox.post("admin", "/v2/user_provided_service_instances", provided).await.guid();
    let answer = sandbox.put("admin", &path(&provided), json!({"name": "q"})).await;
    assert_eq!(answer.error(), (400, 340_002, "CF-UserProvidedServiceInstanceHandlerNeeded"));
}

#[tokio::test]
async fn a_plan_says_for_itself_whether_it_can_be_left() {
    let sandbox = Sandbox::start().await;
    let (redis, queue) = (sandbox.make("r", "redis/small").await, sandbox.make("q", "queue/standard").await);
    sandbox.alter_plan("redis/small", |plan| plan.plan_updateable = Some(false));
    sandbox.alter_plan("queue/standard", |plan| plan.plan_updateable = Some(true));
    let to = |plan: &str| json!({"service_plan_guid": sandbox.plan(plan)});
    assert_eq!(sandbox.put("admin", &path(&redis), to("redis/large")).await.error().1, 110_004);
    assert_eq!(sandbox.put("admin", &path(&queue), to("queue/dedicated")).await.status, 201);
}

#[tokio::test]
async fn an_upgrade_takes_the_version_of_the_plan() {
    let sandbox = Sandbox::start().await;
    let guid = sandbox.make("a", "postgres/small").await;
    sandbox.alter_plan("postgres/small", |plan| plan.maintenance_version = Some("2.0.0".to_owned()));
    assert_eq!(sandbox.get("admin", &path(&guid)).await.entity()["maintenance_info"]["version"], "1.1.0");
    let answer =
        sandbox.put("admin", &incomplete(&guid), json!({"maintenance_info": {"version": "2.0.0", "extra": 1}})).await;
    assert_eq!(answer.status, 202);
    sandbox.advance(1000);
    assert_eq!(sandbox.get("admin", &path(&guid)).await.entity()["maintenance_info"], json!({"version": "2.0.0"}));
}

#[tokio::test]
async fn a_paid_plan_can_be_forbidden_by_quotas() {
    let frugal = Quota { services: None, paid_plans: false };
    for (of_space, code) in [(true, 60013), (false, 60007)] {
        let sandbox = Sandbox::with(|options| {
            let organization = &mut options.organizations[0];
            if of_space {
                organization.spaces[0].quota = Some(frugal);
            } else {
                organization.quota = frugal;
            }
        })
        .await;
        let guid = sandbox.make("a", "postgres/small").await;
        let change = json!({"service_plan_guid": sandbox.plan("postgres/large")});
        assert_eq!(sandbox.put("admin", &incomplete(&guid), change).await.error().1, code);
    }
}

#[tokio::test]
async fn parameters_of_an_instance_whose_plan_is_gone_are_changed_by_admins_only() {
    let sandbox = Sandbox::start().await;
    let guid = sandbox.make("a", "redis/small").await;
    sandbox.alter_plan("redis/small", |plan| plan.active = false);
    let change = json!({"parameters": {"p": 1}});
    let refused = sandbox.put("developer", &path(&guid), change.clone()).await;
    assert_eq!(refused.error(), (403, 60029, "CF-ServiceInstanceWithInaccessiblePlanNotUpdateable"));
    assert_eq!(sandbox.put("developer", &path(&guid), json!({"name": "b"})).await.status, 201);
    assert_eq!(sandbox.put("admin", &path(&guid), change).await.status, 201);
}

#[tokio::test]
async fn a_shared_instance_keeps_its_name_and_is_changed_at_home() {
    let sandbox = Sandbox::start().await;
    let home = sandbox.new_space("seed", "home").await;
    let body = json!({"name": "a", "space_guid": home, "service_plan_guid": sandbox.plan("redis/small")});
    let guid = sandbox.post("admin", "/v2/service_instances", body).await.guid();
    sandbox.share(&guid, &sandbox.dev());
    let refused = sandbox.put("admin", &path(&guid), json!({"name": "b"})).await;
    assert_eq!(refused.error(), (422, 390_003, "CF-SharedServiceInstanceCannotBeRenamed"));
    assert_eq!(sandbox.put("admin", &path(&guid), json!({"name": "a", "tags": ["t"]})).await.status, 201);
    let refused = sandbox.put("developer", &path(&guid), json!({"tags": []})).await;
    assert_eq!(refused.error(), (403, 390_004, "CF-SharedServiceInstanceNotUpdatableInTargetSpace"));
    let refused = sandbox.delete("developer", &path(&guid)).await;
    assert_eq!(refused.error(), (403, 390_005, "CF-SharedServiceInstanceNotDeletableInTargetSpace"));
    let from = sandbox.get("developer", &format!("{}/shared_from", path(&guid))).await;
    assert_eq!(from.body, json!({"space_guid": home, "space_name": "home", "organization_name": "seed"}));
    let to = sandbox.get("admin", &format!("{}/shared_to", path(&guid))).await;
    assert_eq!(to.body["resources"][0]["space_name"], "dev");
}

#[tokio::test]
async fn a_renamed_instance_frees_its_old_name() {
    let sandbox = Sandbox::start().await;
    let guid = sandbox.make("a", "redis/small").await;
    sandbox.put("admin", &path(&guid), json!({"name": "b"})).await;
    assert_eq!(sandbox.get("admin", "/v2/service_instances?q=name:a").await.body["total_results"], 0);
    assert_eq!(sandbox.get("admin", "/v2/service_instances?q=name:b").await.each("name"), ["b"]);
    sandbox.make("a", "redis/small").await;
}
