use super::*;
use crate::emulator::cloudfoundry::Quota;

const PATH: &str = "/v2/service_instances";
const INCOMPLETE: &str = "/v2/service_instances?accepts_incomplete=true";

#[tokio::test]
async fn the_request_of_the_seed_document_creates_an_instance() {
    let sandbox = Sandbox::start().await;
    let body = r#"{
"space_guid": "f24c6904-30e0-4559-9523-06d2d93f0c9c",
"name": "my-service-instance",
"service_plan_guid": "6df3af55-8f97-4dbe-9d6b-098eb53d8c17"
}"#;
    let token = sandbox.token("admin").await;
    let request =
        sandbox.http.post(format!("{}{PATH}", sandbox.base)).header("authorization", format!("bearer {token}"));
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
    let answer = read(request).await;
    let guid = answer.guid();
    assert_eq!((answer.status, answer.header("location")), (201, Some(format!("{PATH}/{guid}").as_str())));
    let expected = json!({
        "metadata": {
            "guid": guid, "url": format!("{PATH}/{guid}"),
            "created_at": "2026-09-01T12:00:00Z", "updated_at": "2026-09-01T12:00:00Z"
        },
        "entity": {
            "name": "my-service-instance", "credentials": {},
            "service_plan_guid": "6df3af55-8f97-4dbe-9d6b-098eb53d8c17",
            "service_guid": sandbox.offering("seed-service"),
            "space_guid": "f24c6904-30e0-4559-9523-06d2d93f0c9c",
            "gateway_data": null, "dashboard_url": null, "type": "managed_service_instance",
            "last_operation": {
                "type": "create", "state": "succeeded", "description": "",
                "updated_at": "2026-09-01T12:00:00Z", "created_at": "2026-09-01T12:00:00Z"
            },
            "tags": [], "maintenance_info": {},
            "space_url": "/v2/spaces/f24c6904-30e0-4559-9523-06d2d93f0c9c",
            "service_url": format!("/v2/services/{}", sandbox.offering("seed-service")),
            "service_plan_url": "/v2/service_plans/6df3af55-8f97-4dbe-9d6b-098eb53d8c17",
            "service_bindings_url": format!("{PATH}/{guid}/service_bindings"),
            "service_keys_url": format!("{PATH}/{guid}/service_keys"),
            "routes_url": format!("{PATH}/{guid}/routes"),
            "shared_from_url": format!("{PATH}/{guid}/shared_from"),
            "shared_to_url": format!("{PATH}/{guid}/shared_to"),
            "service_instance_parameters_url": format!("{PATH}/{guid}/parameters")
        }
    });
    assert_eq!(answer.body, expected);
    assert_eq!(sandbox.get("admin", &format!("{PATH}/{guid}")).await.body, expected);
}

#[tokio::test]
async fn an_asynchronous_create_is_in_progress_until_its_time_has_passed() {
    let sandbox = Sandbox::start().await;
    let begun = sandbox.post("admin", INCOMPLETE, sandbox.wish("db", "postgres/small")).await;
    assert_eq!((begun.status, begun.operation().as_str()), (202, "create/in progress"));
    assert_eq!(begun.entity()["maintenance_info"], json!({"version": "1.1.0"}));
    let path = format!("{PATH}/{}", begun.guid());
    assert_eq!(begun.header("location"), Some(path.as_str()));
    sandbox.advance(999);
    assert_eq!(sandbox.get("admin", &path).await.operation(), "create/in progress");
    sandbox.advance(1);
    let done = sandbox.get("admin", &path).await;
    assert_eq!(done.operation(), "create/succeeded");
    assert_eq!(done.entity()["last_operation"]["updated_at"], "2026-09-01T12:00:01Z");
}

#[tokio::test]
async fn a_synchronous_plan_answers_at_once_to_one_who_would_wait() {
    let sandbox = Sandbox::start().await;
    let answer = sandbox.post("admin", INCOMPLETE, sandbox.wish("cache", "redis/small")).await;
    assert_eq!((answer.status, answer.operation().as_str()), (201, "create/succeeded"));
}

#[tokio::test]
async fn what_a_failed_create_leaves_depends_on_when_it_failed() {
    let sandbox = Sandbox::start().await;
    // Refused at once: nothing is left, and the name is free.
    let table = [
        (PATH, "postgres/small", (400, 10001, "CF-AsyncRequired")),
        ("/v2/service_instances?accepts_incomplete=false", "postgres/small", (400, 10001, "CF-AsyncRequired")),
        (PATH, "faulty/refuses-create", (502, 10001, "CF-ServiceBrokerBadResponse")),
        (INCOMPLETE, "faulty/refuses-create", (502, 10001, "CF-ServiceBrokerBadResponse")),
    ];
    for (path, plan, error) in table {
        let answer = sandbox.post("admin", path, sandbox.wish("db", plan)).await;
        assert_eq!(answer.error(), error, "{plan}");
        if error.0 == 502 {
            assert_eq!(answer.body["http"], json!({"method": "PUT", "status": 500}));
        }
        assert_eq!(sandbox.get("admin", PATH).await.body["total_results"], 0);
    }
    // Failed later: the record stays, and so does its name.
    let guid = sandbox.begin("db", "faulty/fails-create").await;
    sandbox.advance(1000);
    let failed = sandbox.get("admin", &format!("{PATH}/{guid}")).await;
    assert_eq!(failed.operation(), "create/failed");
    assert_eq!(failed.entity()["last_operation"]["description"], "the disk caught fire");
    let again = sandbox.post("admin", PATH, sandbox.wish("db", "redis/small")).await;
    assert_eq!(again.error(), (400, 60002, "CF-ServiceInstanceNameTaken"));
    // It can still be given a key, be changed, and be deleted.
    let key = json!({"name": "k", "service_instance_guid": guid});
    assert_eq!(sandbox.post("admin", "/v2/service_keys", key).await.status, 201);
    let path = format!("{PATH}/{guid}?accepts_incomplete=true");
    assert_eq!(sandbox.put("admin", &path, json!({"parameters": {}})).await.status, 202);
    sandbox.advance(1000);
    assert_eq!(sandbox.delete("admin", &format!("{path}&recursive=true")).await.status, 202);
    sandbox.advance(1000);
    assert_eq!(sandbox.post("admin", PATH, sandbox.wish("db", "redis/small")).await.status, 201);
}

#[tokio::test]
async fn the_first_thing_wrong_with_a_create_is_the_one_that_is_told() {
    // Each row adds one more thing that is wrong, so that it must win over all rows before it.
    let sandbox = Sandbox::start().await;
    sandbox.make("taken", "redis/small").await;
    let tags = json!(["t".repeat(2049)]);
    let (space, inactive) = (sandbox.dev(), sandbox.plan("postgres/legacy"));
    let seed = sandbox.space("seed/development");
    let table = [
        ("admin", PATH, json!({"name": "a", "space_guid": space, "service_plan_guid": inactive}), 60010),
        ("admin", PATH, json!({"name": "a", "space_guid": space, "service_plan_guid": inactive, "tags": tags}), 60015),
        ("admin", PATH, json!({"name": " ", "space_guid": space, "service_plan_guid": inactive, "tags": tags}), 60001),
        (
            "admin",
            PATH,
            json!({"name": "a".repeat(256), "space_guid": space, "service_plan_guid": inactive, "tags": tags}),
            60009,
        ),
        (
            "admin",
            PATH,
            json!({"name": "taken", "space_guid": space, "service_plan_guid": inactive, "tags": tags}),
            60002,
        ),
        (
            "developer",
            PATH,
            json!({"name": "taken", "space_guid": seed, "service_plan_guid": inactive, "tags": tags}),
            10003,
        ),
        (
            "auditor",
            PATH,
            json!({"name": "taken", "space_guid": space, "service_plan_guid": inactive, "tags": tags}),
            10003,
        ),
        (
            "reader",
            PATH,
            json!({"name": "taken", "space_guid": space, "service_plan_guid": inactive, "tags": tags}),
            10007,
        ),
        (
            "reader",
            PATH,
            json!({"name": "taken", "space_guid": "none", "service_plan_guid": inactive, "tags": tags}),
            60003,
        ),
        (
            "reader",
            PATH,
            json!({"name": "taken", "space_guid": "none", "service_plan_guid": "none", "tags": tags}),
            60003,
        ),
        (
            "reader",
            "/v2/service_instances?accepts_incomplete=yes",
            json!({"name": "taken", "space_guid": "none", "service_plan_guid": "none"}),
            10004,
        ),
        (
            "reader",
            "/v2/service_instances?accepts_incomplete=yes",
            json!({"space_guid": "none", "service_plan_guid": "none"}),
            1001,
        ),
        (
            "",
            "/v2/service_instances?accepts_incomplete=yes",
            json!({"space_guid": "none", "service_plan_guid": "none"}),
            10002,
        ),
    ];
    for (user, path, body, code) in table {
        assert_eq!(sandbox.post(user, path, body.clone()).await.error().1, code, "{user} {body}");
    }
    let unknown = |space: &str| json!({"name": "a", "space_guid": space, "service_plan_guid": "none"});
    let answer = sandbox.post("admin", PATH, unknown("none")).await;
    assert_eq!(answer.description(), "The service instance is invalid: not a valid service plan");
    let no_space = json!({"name": "a", "space_guid": "none", "service_plan_guid": inactive});
    let answer = sandbox.post("admin", PATH, no_space).await;
    assert_eq!(answer.description(), "The service instance is invalid: not a valid space");
    let answer = sandbox.raw("admin", "POST", PATH, "{".to_owned()).await;
    assert_eq!(answer.error(), (400, 1001, "CF-MessageParseError"));
    let answer = sandbox.post("admin", PATH, json!({"tags": "a"})).await;
    assert_eq!(
        answer.description(),
        "Request invalid due to parse error: Field: name, Error: Missing field name, Field: space_guid, Error: \
         Missing field space_guid, Field: service_plan_guid, Error: Missing field service_plan_guid, Field: tags, \
         Error: Expected instance of Array, given an instance of String"
    );
}

#[tokio::test]
async fn the_feature_flag_stops_all_but_admins() {
    let sandbox =
        Sandbox::with(|options| options.feature_flags = vec![("service_instance_creation".to_owned(), false)]).await;
    let refused = sandbox.post("auditor", PATH, sandbox.wish("a", "redis/small")).await;
    assert_eq!(refused.error(), (403, 330_002, "CF-FeatureDisabled"), "before the role is looked at");
    assert_eq!(refused.description(), "Feature Disabled: service_instance_creation");
    let provided = json!({"name": "a", "space_guid": sandbox.dev()});
    assert_eq!(sandbox.post("developer", "/v2/user_provided_service_instances", provided).await.error().1, 330_002);
    assert_eq!(sandbox.post("admin", PATH, sandbox.wish("a", "redis/small")).await.status, 201);
}

#[tokio::test]
async fn a_plan_must_be_enabled_where_the_instance_is_to_be() {
    let sandbox = Sandbox::start().await;
    let wish =
        |plan: &str, space: String| json!({"name": plan, "space_guid": space, "service_plan_guid": sandbox.plan(plan)});
    let elsewhere = wish("search/basic", sandbox.space("seed/development"));
    assert_eq!(
        sandbox.post("admin", PATH, elsewhere).await.error(),
        (403, 60010, "CF-ServiceInstanceOrganizationNotAuthorized")
    );
    assert_eq!(sandbox.post("developer", PATH, wish("search/basic", sandbox.dev())).await.status, 201);
    assert_eq!(sandbox.post("developer", PATH, sandbox.wish("b", "postgres/legacy")).await.error().1, 60010);
    // A plan of a broker that is private to a space.
    let (broker, home) = ("second-broker", sandbox.dev());
    {
        let mut world = sandbox.foundation.world();
        let id = world.store.brokers.iter().find(|row| row.name == broker).expect("the broker exists").id;
        world.store.brokers.get_mut(id).expect("the broker exists").space_guid = Some(home.clone());
    }
    let elsewhere = wish("faulty/fails-create", sandbox.space("seed/development"));
    assert_eq!(
        sandbox.post("admin", PATH, elsewhere).await.error(),
        (403, 60018, "CF-ServiceInstanceSpaceNotAuthorized")
    );
    assert_eq!(sandbox.post("developer", INCOMPLETE, wish("faulty/fails-create", home)).await.status, 202);
    assert_eq!(sandbox.get("developer", "/v2/service_brokers").await.each("name"), [broker, "dev-broker"]);
}

#[tokio::test]
async fn quotas_limit_the_number_of_instances_and_forbid_paid_plans() {
    let full = Some(Quota { services: Some(0), paid_plans: true });
    let frugal = Some(Quota { services: None, paid_plans: false });
    // (quota of the space, quota of the organization, plan) -> code
    let table = [
        (full, full, "redis/small", 60012),
        (None, full, "redis/small", 60005),
        (frugal, full, "postgres/large", 60005),
        (frugal, frugal, "postgres/large", 60013),
        (None, frugal, "postgres/large", 60007),
    ];
    for (space, organization, plan, code) in table {
        let sandbox = Sandbox::with(|options| {
            options.organizations[0].spaces[0].quota = space;
            options.organizations[0].quota = organization.unwrap_or(Quota::UNLIMITED);
        })
        .await;
        let answer = sandbox.post("admin", INCOMPLETE, sandbox.wish("a", plan)).await;
        assert_eq!((answer.status, answer.error().1), (400, code), "{space:?} {organization:?}");
        if organization == frugal {
            assert_eq!(sandbox.post("admin", PATH, sandbox.wish("a", "redis/small")).await.status, 201);
        }
    }
    let one = Quota { services: Some(1), paid_plans: true };
    let sandbox = Sandbox::with(|options| options.organizations[0].quota = one).await;
    let guid = sandbox.make("a", "redis/small").await;
    assert_eq!(sandbox.post("admin", PATH, sandbox.wish("b", "redis/small")).await.error().1, 60005);
    let elsewhere = json!({"name": "a", "space_guid": sandbox.new_space("sandbox", "qa").await, "service_plan_guid": sandbox.plan("redis/small")});
    assert_eq!(sandbox.post("admin", PATH, elsewhere).await.error().1, 60005, "all its spaces count together");
    sandbox.delete("admin", &format!("{PATH}/{guid}")).await;
    assert_eq!(sandbox.post("admin", PATH, sandbox.wish("b", "redis/small")).await.status, 201);
}

#[tokio::test]
async fn names_are_unique_in_a_space_across_kinds_and_shares_and_by_letter_case() {
    let sandbox = Sandbox::start().await;
    let other = sandbox.new_space("sandbox", "qa").await;
    let shared = sandbox.make("managed", "redis/small").await;
    sandbox.share(&shared, &other);
    let provided = |name: &str, space: &str| json!({"name": name, "space_guid": space});
    let upsi = "/v2/user_provided_service_instances";
    assert_eq!(sandbox.post("admin", upsi, provided("provided", &sandbox.dev())).await.status, 201);
    let managed = |name: &str, space: &str| json!({"name": name, "space_guid": space, "service_plan_guid": sandbox.plan("redis/small")});
    let dev = sandbox.dev();
    let table = [
        (PATH, managed("managed", &dev), 60002),
        (PATH, managed("provided", &dev), 60002),
        (PATH, managed(" managed ", &dev), 60002),
        (PATH, managed("managed", &other), 60002),
        (upsi, provided("managed", &dev), 60002),
        (upsi, provided("provided", &dev), 60002),
        (upsi, provided("managed", &other), 60002),
        (PATH, managed("Managed", &dev), 0),
        (PATH, managed("provided", &other), 0),
        (PATH, managed("a/b,c;d äöü 数", &dev), 0),
    ];
    for (path, body, code) in table {
        assert_eq!(sandbox.post("admin", path, body.clone()).await.error().1, code, "{path} {body}");
    }
}

#[tokio::test]
async fn names_are_stripped_nulls_dropped_and_gateway_data_ignored() {
    let sandbox = Sandbox::start().await;
    let mut body = sandbox.wish("  db  ", "redis/small");
    body["gateway_data"] = json!("CONFIGURATION");
    body["parameters"] = json!(null);
    body["tags"] = json!(["a", "b"]);
    body["unknown"] = json!(1);
    let answer = sandbox.post("admin", PATH, body).await;
    assert_eq!((&answer.entity()["name"], &answer.entity()["tags"]), (&json!("db"), &json!(["a", "b"])));
    assert!(answer.entity()["gateway_data"].is_null());
    let mut longest = sandbox.wish(&"ж".repeat(255), "redis/small");
    longest["tags"] = json!(["t".repeat(1024), "t".repeat(1024)]);
    assert_eq!(sandbox.post("admin", PATH, longest).await.status, 201);
}

#[tokio::test]
async fn parameters_come_back_only_from_a_broker_that_returns_them() {
    let sandbox = Sandbox::start().await;
    let mut body = sandbox.wish("a", "redis/small");
    body["parameters"] = json!({"memory": 2, "nested": {"x": null}});
    let guid = sandbox.post("admin", PATH, body).await.guid();
    let parameters = |guid: &str| format!("{PATH}/{guid}/parameters");
    assert_eq!(sandbox.get("auditor", &parameters(&guid)).await.body, json!({"memory": 2, "nested": {"x": null}}));
    let none = sandbox.make("b", "redis/small").await;
    assert_eq!(sandbox.get("admin", &parameters(&none)).await.body, json!({}));

    let silent = sandbox.make("c", "queue/standard").await;
    let provided = sandbox
        .post("admin", "/v2/user_provided_service_instances", json!({"name": "d", "space_guid": sandbox.dev()}))
        .await
        .guid();
    for guid in [silent, provided] {
        let answer = sandbox.get("admin", &parameters(&guid)).await;
        assert_eq!(answer.error(), (400, 120_004, "CF-ServiceFetchInstanceParametersNotSupported"));
    }
    assert_eq!(sandbox.get("admin", &parameters("none")).await.error().1, 60004);
    let elsewhere = sandbox.new_space("seed", "qa").await;
    let hidden = json!({"name": "a", "space_guid": elsewhere, "service_plan_guid": sandbox.plan("redis/small")});
    let hidden = sandbox.post("admin", PATH, hidden).await.guid();
    sandbox.share(&hidden, &sandbox.dev());
    assert_eq!(sandbox.get("developer", &format!("{PATH}/{hidden}")).await.status, 200);
    assert_eq!(sandbox.get("developer", &parameters(&hidden)).await.error().1, 10003, "sharing does not share them");
}

#[tokio::test]
async fn parameters_cannot_be_read_while_an_operation_runs() {
    let sandbox = Sandbox::with(|options| {
        options.brokers[0].offerings[1].plans.push(slow_plan("slow"));
    })
    .await;
    let guid = sandbox.begin("a", "redis/slow").await;
    let path = format!("{PATH}/{guid}/parameters");
    assert_eq!(sandbox.get("admin", &path).await.error(), (409, 60016, "CF-AsyncServiceInstanceOperationInProgress"));
    sandbox.advance(1000);
    assert_eq!(sandbox.get("admin", &path).await.status, 200);
}
