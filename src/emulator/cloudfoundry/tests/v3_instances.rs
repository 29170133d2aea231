use super::super::marketplace::{BrokerStep, Trouble};
use super::super::{Order, Quota};
use super::*;

impl Sandbox {
    fn v3_wish(&self, name: &str, plan: &str) -> Value {
        json!({"type": "managed", "name": name, "relationships": {
            "space": {"data": {"guid": self.dev()}}, "service_plan": {"data": {"guid": self.plan(plan)}},
        }})
    }

    fn v3_user_provided(&self, name: &str) -> Value {
        json!({"type": "user-provided", "name": name, "relationships": {"space": {"data": {"guid": self.dev()}}}})
    }

    /// Asks for an instance, whose job nobody has picked up yet.
    async fn v3_begin(&self, name: &str, plan: &str) -> (String, String) {
        let answer = self.v3("developer", "POST", "service_instances", self.v3_wish(name, plan)).await;
        assert_eq!((answer.status, answer.text.as_str()), (202, ""), "{}", answer.text);
        let list = self.v3_get("admin", &format!("service_instances?names={name}&space_guids={}", self.dev())).await;
        let guid = list.body["resources"][0]["guid"].as_str().expect("it is visible at once").to_owned();
        (guid, self.job_of(&answer))
    }

    fn job_of(&self, answer: &Answer) -> String {
        let location = answer.header("location").unwrap_or_else(|| panic!("no job: {} {}", answer.status, answer.text));
        location.strip_prefix(&format!("{}/v3/", self.base)).expect("an absolute link").to_owned()
    }

    async fn v3_make(&self, name: &str, plan: &str) -> String {
        let (guid, _) = self.v3_begin(name, plan).await;
        self.advance(5000);
        guid
    }

    /// Type and state of the last operation, as v3 tells it.
    async fn v3_operation(&self, guid: &str) -> String {
        let answer = self.v3_get("admin", &format!("service_instances/{guid}")).await;
        if answer.status == 404 {
            return "gone".to_owned();
        }
        let text = |key: &str| answer.body["last_operation"][key].as_str().unwrap_or_default().to_owned();
        format!("{}/{}", text("type"), text("state"))
    }

    async fn job_state(&self, job: &str) -> (String, Value) {
        let job = self.v3_get("admin", job).await;
        (job.body["state"].as_str().unwrap_or_default().to_owned(), job.body["errors"].clone())
    }

    async fn patch(&self, guid: &str, body: Value) -> Answer {
        self.v3("developer", "PATCH", &format!("service_instances/{guid}"), body).await
    }

    fn order(&self, order: Order) {
        self.foundation.order(order);
    }
}

fn refuse() -> Trouble {
    Trouble::Refuse { status: 500, description: "no".to_owned() }
}

#[tokio::test]
async fn a_create_is_initial_then_in_progress_then_succeeded_and_its_job_follows() {
    let sandbox = Sandbox::start().await;
    let (guid, job) = sandbox.v3_begin("db", "postgres/small").await;
    assert_eq!(sandbox.v3_operation(&guid).await, "create/initial");
    assert_eq!(sandbox.operation(&guid).await, "create/initial", "v2 sees the same");
    let told = sandbox.v3_get("admin", &job).await;
    let link = |path: &str| json!({"href": format!("{}/v3/{path}", sandbox.base)});
    let expected = json!({
        "guid": job.strip_prefix("jobs/").expect("a job"),
        "created_at": "2026-09-01T12:00:00Z", "updated_at": "2026-09-01T12:00:00Z",
        "operation": "service_instance.create", "state": "PROCESSING", "errors": [], "warnings": [],
        "links": {"self": link(&job), "service_instances": link(&format!("service_instances/{guid}"))},
    });
    assert_eq!(told.body, expected);
    sandbox.advance(100);
    assert_eq!(sandbox.v3_operation(&guid).await, "create/in progress");
    assert_eq!(sandbox.job_state(&job).await, ("POLLING".to_owned(), json!([])));
    sandbox.advance(1000);
    assert_eq!(sandbox.v3_operation(&guid).await, "create/succeeded");
    assert_eq!(sandbox.job_state(&job).await, ("COMPLETE".to_owned(), json!([])));
    let read = sandbox.v3_get("auditor", &format!("service_instances/{guid}")).await;
    let path = format!("service_instances/{guid}");
    let expected = json!({
        "guid": guid, "created_at": "2026-09-01T12:00:00Z", "updated_at": "2026-09-01T12:00:00Z",
        "name": "db", "tags": [], "type": "managed",
        "last_operation": {"type": "create", "state": "succeeded", "description": "",
            "created_at": "2026-09-01T12:00:00Z", "updated_at": "2026-09-01T12:00:01Z"},
        "maintenance_info": {"version": "1.1.0"}, "upgrade_available": false, "dashboard_url": null,
        "relationships": {"space": {"data": {"guid": sandbox.dev()}},
            "service_plan": {"data": {"guid": sandbox.plan("postgres/small")}}},
        "metadata": {"labels": {}, "annotations": {}},
        "links": {
            "self": link(&path),
            "space": link(&format!("spaces/{}", sandbox.dev())),
            "service_credential_bindings": link(&format!("service_credential_bindings?service_instance_guids={guid}")),
            "service_route_bindings": link(&format!("service_route_bindings?service_instance_guids={guid}")),
            "service_plan": link(&format!("service_plans/{}", sandbox.plan("postgres/small"))),
            "parameters": link(&format!("{path}/parameters")),
            "shared_spaces": link(&format!("{path}/relationships/shared_spaces")),
        },
    });
    assert_eq!(read.body, expected);
    sandbox.foundation.purge_jobs();
    assert_eq!(sandbox.v3_get("admin", &job).await.v3_error(), (404, 10010, "CF-ResourceNotFound", "Job not found"));
}

#[tokio::test]
async fn what_a_create_of_v3_leaves_when_it_fails_is_kept_and_replaced_by_the_next_one() {
    let sandbox = Sandbox::start().await;
    let refused = "provision could not be completed: Service broker error: out of disks";
    let failed = "create managed could not be completed: the disk caught fire";
    let mute = "provision could not be completed: The request to the service broker timed out";
    let table = [("refuses-create", refused), ("fails-create", failed), ("times-out", mute)];
    for (plan, detail) in table {
        let (guid, job) = sandbox.v3_begin(plan, &format!("faulty/{plan}")).await;
        sandbox.advance(5000);
        assert_eq!(sandbox.v3_operation(&guid).await, "create/failed", "{plan}");
        let error = json!({"code": 10009, "title": "CF-UnableToPerform", "detail": detail});
        assert_eq!(sandbox.job_state(&job).await, ("FAILED".to_owned(), json!([error])), "{plan}");

        let upsi = sandbox.v3("developer", "POST", "service_instances", sandbox.v3_user_provided(plan)).await;
        assert_eq!(upsi.unprocessable(), format!("The service instance name is taken: {plan}."));
        let taken = sandbox.post("admin", "/v2/service_instances", sandbox.wish(plan, "redis/small")).await;
        assert_eq!(taken.error().1, 60002, "v2 does not replace it");
        let path = format!("service_instances/{guid}");
        let missing = format!("The service instance could not be found: {plan}");
        for body in [json!({"tags": []}), json!({"metadata": {"labels": {"a": "b"}}})] {
            let answer = sandbox.patch(&guid, body).await;
            assert_eq!(answer.v3_error(), (404, 60004, "CF-ServiceInstanceNotFound", missing.as_str()));
        }
        assert_eq!(sandbox.v3_get("admin", &format!("{path}/parameters")).await.v3_error().1, 10010);
        let next = sandbox.v3_make(plan, "redis/small").await;
        assert_ne!(next, guid);
        assert_eq!(sandbox.v3_operation(&guid).await, "gone");
        assert_eq!(sandbox.v3_operation(&next).await, "create/succeeded");
    }
}

#[tokio::test]
async fn one_particular_request_goes_otherwise_when_the_broker_is_told_so() {
    let sandbox = Sandbox::with(|options| options.longest_operation = Duration::from_secs(300)).await;
    sandbox.order(Order::on(BrokerStep::Provision, "slow").taking(3000));
    let (slow, job) = sandbox.v3_begin("slow", "redis/small").await;
    sandbox.advance(3000);
    assert_eq!(sandbox.job_state(&job).await.0, "POLLING");
    sandbox.advance(100);
    assert_eq!(sandbox.v3_operation(&slow).await, "create/succeeded");

    sandbox.order(Order::on(BrokerStep::Provision, "stuck").but(Trouble::NeverEnd));
    let (stuck, job) = sandbox.v3_begin("stuck", "redis/small").await;
    sandbox.advance(200_000);
    assert_eq!(sandbox.v3_operation(&stuck).await, "create/in progress");
    assert_eq!(sandbox.foundation.release(Some("other"), None), 0);
    assert_eq!(sandbox.foundation.release(Some("stuck"), None), 1);
    assert_eq!(sandbox.v3_operation(&stuck).await, "create/succeeded");
    assert_eq!(sandbox.job_state(&job).await.0, "COMPLETE");

    let look = Trouble::EndAtLook { look: 3, failure: Some("third time unlucky".to_owned()) };
    sandbox.order(Order::on(BrokerStep::Provision, "counted").but(look));
    let (counted, job) = sandbox.v3_begin("counted", "redis/small").await;
    sandbox.advance(100);
    assert_eq!(sandbox.v3_get("admin", "organizations").await.status, 200, "that is no look at it");
    assert_eq!(sandbox.v3_operation(&counted).await, "create/in progress");
    assert_eq!(sandbox.job_state(&job).await.0, "POLLING");
    assert_eq!(sandbox.v3_operation(&counted).await, "create/failed");

    sandbox.order(Order::on(BrokerStep::Update, "slow").but(Trouble::NeverEnd));
    let job = sandbox.job_of(&sandbox.patch(&slow, json!({"parameters": {}})).await);
    sandbox.advance(300_100);
    let error = json!({"code": 290_006, "title": "CF-JobTimeout", "detail": "The job execution has timed out."});
    assert_eq!(sandbox.job_state(&job).await, ("FAILED".to_owned(), json!([error])));
    assert_eq!(sandbox.v3_operation(&slow).await, "update/failed");
}

#[tokio::test]
async fn a_create_that_cannot_be_is_refused_in_the_order_of_the_checks() {
    let sandbox = Sandbox::start().await;
    sandbox.v3_make("held", "redis/small").await;
    let having = |plan: &str, field: &str, value: Value| {
        let mut wish = sandbox.v3_wish("a", plan);
        wish[field] = value;
        wish
    };
    let elsewhere = |plan: &str| {
        let mut wish = sandbox.v3_wish("a", plan);
        wish["relationships"]["space"]["data"]["guid"] = json!(sandbox.space("seed/development"));
        wish
    };
    let unplanned = |guid: &str| {
        let mut wish = sandbox.v3_wish("a", "redis/small");
        wish["relationships"]["service_plan"]["data"]["guid"] = json!(guid);
        wish
    };
    let table = [
        (
            json!({}),
            "Relationships 'relationships' is not an object, Type must be one of 'managed', 'user-provided', \
             Name must be a string, Name can't be blank",
        ),
        (having("redis/small", "gateway_data", json!(1)), "Unknown field(s): 'gateway_data'"),
        (having("redis/small", "parameters", json!([])), "Parameters must be an object"),
        (having("redis/small", "tags", json!("a")), "Tags must be an array"),
        (having("redis/small", "tags", json!([1])), "Tags must be a list of strings"),
        (
            unplanned("none"),
            "Invalid service plan. Ensure that the service plan exists, is available, and you have access to it.",
        ),
        (
            sandbox.v3_wish("a", "postgres/legacy"),
            "Invalid service plan. The service plan has been removed from the service broker's catalog. \
             It is not possible to create new service instances using this plan.",
        ),
        (having("redis/small", "name", json!("held")), "The service instance name is taken: held."),
        (having("redis/small", "name", json!("a".repeat(256))), "name max_length"),
        (having("redis/small", "tags", json!(["t".repeat(2049)])), "tags too_long"),
    ];
    for (body, detail) in table {
        let answer = sandbox.v3("admin", "POST", "service_instances", body.clone()).await;
        assert_eq!(answer.unprocessable(), detail, "{body}");
    }
    for plan in ["search/basic", "private/small"] {
        let answer = sandbox.v3("admin", "POST", "service_instances", elsewhere(plan)).await;
        assert!(answer.unprocessable().starts_with("Invalid service plan. This could be due to"), "{plan}");
    }
    let unreadable = sandbox.v3("developer", "POST", "service_instances", elsewhere("redis/small")).await;
    let detail = "Invalid space. Ensure that the space exists and you have access to it.";
    assert_eq!(unreadable.unprocessable(), detail);
    let forbidden = sandbox.v3("auditor", "POST", "service_instances", sandbox.v3_wish("a", "redis/small")).await;
    assert_eq!(forbidden.v3_error().1, 10003);
    sandbox.foundation.world().store.set_flag("service_instance_creation", false);
    let off = sandbox.v3("developer", "POST", "service_instances", json!({})).await;
    assert_eq!((off.status, off.v3_error().1), (403, 330_002), "before the body is looked at");
}

#[tokio::test]
async fn quotas_refuse_under_one_code_in_the_words_of_v2() {
    let full = Some(Quota { services: Some(0), paid_plans: true });
    let frugal = Some(Quota { services: None, paid_plans: false });
    let table = [
        (full, None, "redis/small", "You have exceeded your space's services limit."),
        (None, full, "redis/small", "You have exceeded your organization's services limit."),
        (
            frugal,
            None,
            "postgres/large",
            "The service instance cannot be created because paid service plans are not allowed for your space.",
        ),
        (
            None,
            frugal,
            "postgres/large",
            "The service instance cannot be created because paid service plans are not allowed.",
        ),
    ];
    for (space, organization, plan, detail) in table {
        let sandbox = Sandbox::with(|options| {
            options.organizations[0].quota = organization.unwrap_or(Quota::UNLIMITED);
            options.organizations[0].spaces[0].quota = space;
        })
        .await;
        let answer = sandbox.v3("admin", "POST", "service_instances", sandbox.v3_wish("a", plan)).await;
        assert_eq!(answer.unprocessable(), detail, "{plan}");
    }
}

#[tokio::test]
async fn a_patch_is_asynchronous_only_where_the_broker_must_be_asked() {
    let sandbox = Sandbox::start().await;
    let guid = sandbox.v3_make("a", "redis/small").await;
    let told = sandbox.v3_make("b", "search/basic").await;
    let plan = |path: &str| json!({"relationships": {"service_plan": {"data": {"guid": sandbox.plan(path)}}}});
    let table = [
        (&guid, json!({}), 200),
        (&guid, json!({"name": "a"}), 200),
        (&guid, json!({"tags": ["x"]}), 200),
        (&guid, plan("redis/small"), 200),
        (&guid, plan("redis/large"), 202),
        (&guid, json!({"parameters": {}}), 202),
        (&guid, json!({"parameters": null}), 202),
        (&told, json!({"tags": ["x"]}), 200),
        (&told, json!({"name": "b"}), 202),
    ];
    for (guid, body, status) in table {
        let answer = sandbox.patch(guid, body.clone()).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text);
        let state = if status == 200 { "update/succeeded" } else { "update/in progress" };
        assert_eq!(sandbox.v3_operation(guid).await, state, "{body}");
        sandbox.advance(1000);
        assert_eq!(sandbox.v3_operation(guid).await, "update/succeeded", "{body}");
    }
    let read = sandbox.v3_get("admin", &format!("service_instances/{guid}")).await;
    assert_eq!(read.body["relationships"]["service_plan"]["data"]["guid"], json!(sandbox.plan("redis/large")));
}

#[tokio::test]
async fn labels_alone_leave_the_last_operation_as_it_was() {
    let sandbox = Sandbox::start().await;
    for guid in [
        sandbox.v3_make("a", "redis/small").await,
        sandbox.v3("developer", "POST", "service_instances", sandbox.v3_user_provided("u")).await.v3_guid(),
    ] {
        let before = sandbox.v3_get("admin", &format!("service_instances/{guid}")).await;
        let answer = sandbox.patch(&guid, json!({"metadata": {"labels": {"a": "b", "c": "d"}}})).await;
        assert_eq!((answer.status, &answer.body["last_operation"]), (200, &before.body["last_operation"]));
        let answer = sandbox.patch(&guid, json!({"metadata": {"labels": {"a": null}}})).await;
        assert_eq!(answer.body["metadata"]["labels"], json!({"c": "d"}));
        assert_eq!(sandbox.v3_operation(&guid).await, "create/succeeded");
        let found = sandbox.v3_get("admin", &format!("service_instances?label_selector=c&guids={guid}")).await;
        assert_eq!(found.names().len(), 1);
    }
}

#[tokio::test]
async fn nothing_an_update_changes_is_stored_before_the_broker_has_succeeded() {
    let sandbox = Sandbox::start().await;
    let guid = sandbox.v3_make("a", "redis/small").await;
    let body = json!({"name": "b", "tags": ["t"], "parameters": {"x": 1}, "metadata": {"labels": {"l": "v"}},
        "relationships": {"service_plan": {"data": {"guid": sandbox.plan("redis/large")}}}});
    let path = format!("service_instances/{guid}");
    let shown = |answer: &Answer| {
        let body = &answer.body;
        json!([body["name"], body["tags"], body["metadata"]["labels"], body["relationships"]["service_plan"]])
    };
    let before = shown(&sandbox.v3_get("admin", &path).await);
    for trouble in [refuse(), Trouble::FailLater("later".to_owned())] {
        sandbox.order(Order::on(BrokerStep::Update, "a").taking(1000).but(trouble.clone()));
        let job = sandbox.job_of(&sandbox.patch(&guid, body.clone()).await);
        sandbox.advance(100);
        assert_eq!(shown(&sandbox.v3_get("admin", &path).await), before);
        sandbox.advance(1000);
        assert_eq!(sandbox.v3_operation(&guid).await, "update/failed");
        assert_eq!(shown(&sandbox.v3_get("admin", &path).await), before, "{trouble:?}");
        let (state, errors) = sandbox.job_state(&job).await;
        let detail = errors[0]["detail"].as_str().expect("an error").to_owned();
        assert!(state == "FAILED" && detail.starts_with("update could not be completed: "), "{detail}");
    }
    sandbox.patch(&guid, body).await;
    sandbox.advance(1000);
    let after = shown(&sandbox.v3_get("admin", &path).await);
    let plan = json!({"data": {"guid": sandbox.plan("redis/large")}});
    assert_eq!(after, json!(["b", ["t"], {"l": "v"}, plan]));
    assert_eq!(sandbox.v3_get("admin", &format!("{path}/parameters")).await.body, json!({"x": 1}));
    assert_eq!(sandbox.get("admin", &format!("/v2/{path}")).await.entity()["name"], "b");
}

#[tokio::test]
async fn an_update_that_cannot_be_is_refused() {
    let sandbox = Sandbox::start().await;
    let guid = sandbox.v3_make("a", "postgres/small").await;
    sandbox.v3_make("held", "redis/small").await;
    let fixed = sandbox.v3_make("q", "queue/standard").await;
    let plan = |path: &str| json!({"relationships": {"service_plan": {"data": {"guid": sandbox.plan(path)}}}});
    let version = |version: &str| json!({"maintenance_info": {"version": version}});
    let mut both = plan("postgres/large");
    both["maintenance_info"] = json!({"version": "1.1.0"});
    let conflict = "maintenance_info.version requested is invalid. Please ensure the catalog is up to date and you are \
                    providing a version supported by this service plan.";
    let table = [
        (&guid, json!({"type": "managed"}), "Unknown field(s): 'type'"),
        (&guid, json!({"name": "held"}), "The service instance name is taken: held"),
        (&fixed, plan("queue/dedicated"), "The service does not support changing plans."),
        (&fixed, plan("queue/standard"), "The service does not support changing plans."),
        (&guid, both, "maintenance_info should not be changed when switching to different plan."),
        (&guid, version("9.9.9"), conflict),
        (
            &fixed,
            version("1.0.0"),
            "The service broker does not support upgrades for service instances created from this plan.",
        ),
    ];
    for (guid, body, detail) in table {
        assert_eq!(sandbox.patch(guid, body.clone()).await.unprocessable(), detail, "{body}");
    }
    let space = json!({"relationships": {"space": {"data": {"guid": sandbox.dev()}}}});
    assert!(sandbox.patch(&guid, space).await.unprocessable().starts_with("Relationships Unknown field(s): 'space'"));
    let other = sandbox.patch(&guid, plan("redis/small")).await;
    let detail = "service plan relates to a different service offering";
    assert_eq!(other.v3_error(), (400, 1002, "CF-InvalidRelation", detail));
    for body in [json!({"name": "n".repeat(256)}), json!({"tags": ["t".repeat(2049)]})] {
        assert_eq!(
            sandbox.patch(&guid, body).await.v3_error(),
            (500, 10001, "UnknownError", "An unknown error occurred.")
        );
    }
    assert_eq!(sandbox.patch(&guid, version("1.1.0")).await.status, 200, "the version it has");
    sandbox.alter_plan("postgres/small", |plan| plan.maintenance_version = Some("2.0.0".to_owned()));
    let read = sandbox.v3_get("admin", &format!("service_instances/{guid}")).await;
    assert_eq!(read.body["upgrade_available"], true);
    assert_eq!(sandbox.patch(&guid, version("2.0.0")).await.status, 202);
    sandbox.advance(1100);
    let read = sandbox.v3_get("admin", &format!("service_instances/{guid}")).await;
    assert_eq!(
        (&read.body["upgrade_available"], &read.body["maintenance_info"]["version"]),
        (&json!(false), &json!("2.0.0"))
    );
    sandbox.alter_plan("postgres/small", |plan| plan.active = false);
    let gone = sandbox.patch(&guid, json!({"parameters": {}})).await;
    let detail = "Cannot update parameters of a service instance that belongs to inaccessible plan";
    assert_eq!(gone.unprocessable(), detail);
    let other = sandbox.new_space("sandbox", "qa").await;
    sandbox.share(&guid, &other);
    let shared = sandbox.patch(&guid, json!({"name": "a"})).await;
    assert_eq!(shared.unprocessable(), "Service instances that have been shared cannot be renamed");
}

#[tokio::test]
async fn each_row_of_the_conflict_matrix_holds() {
    let creating = ("create/in progress", [409, 200, 202, 422]);
    let rows = [
        ("create/initial", [409, 200, 422, 422]),
        creating,
        ("update/in progress", [409, 200, 422, 422]),
        ("delete/in progress", [409, 409, 422, 422]),
        ("create/failed", [404, 404, 202, 422]),
        ("update/failed", [200, 200, 202, 202]),
        ("delete/failed", [200, 200, 202, 202]),
        ("create/succeeded", [200, 200, 202, 202]),
    ];
    for (state, expected) in rows {
        for (request, status) in expected.into_iter().enumerate() {
            let sandbox = Sandbox::start().await;
            let guid = sandbox.in_state(state).await;
            assert_eq!(sandbox.v3_operation(&guid).await, state);
            let path = format!("service_instances/{guid}");
            let key = json!({"type": "key", "name": "k",
                "relationships": {"service_instance": {"data": {"guid": guid}}}});
            let answer = match request {
                0 => sandbox.patch(&guid, json!({"tags": ["x"]})).await,
                1 => sandbox.patch(&guid, json!({"metadata": {"labels": {"a": "b"}}})).await,
                2 => sandbox.v3("developer", "DELETE", &path, Value::Null).await,
                _ => sandbox.v3("developer", "POST", "service_credential_bindings", key).await,
            };
            assert_eq!(answer.status, status, "{state}, request {request}: {}", answer.text);
            if status == 409 {
                assert_eq!(answer.v3_error().1, 60016);
            }
        }
        let (update, delete) = match state {
            "create/initial" | "update/in progress" | "delete/in progress" => (409, 409),
            "create/in progress" => (409, 202),
            _ => (201, 202),
        };
        let sandbox = Sandbox::start().await;
        let guid = sandbox.in_state(state).await;
        let path = format!("/v2/service_instances/{guid}?accepts_incomplete=true");
        assert_eq!(sandbox.put("developer", &path, json!({"tags": ["x"]})).await.status, update, "{state}, v2 update");
        sandbox.order(Order::on(BrokerStep::Deprovision, "a").taking(1000));
        assert_eq!(sandbox.delete("developer", &path).await.status, delete, "{state}, v2 delete");
    }
}

impl Sandbox {
    /// An instance `a` whose last operation is this.
    async fn in_state(&self, state: &str) -> String {
        let (kind, state) = state.split_once('/').expect("type/state");
        let step = match kind {
            "create" => BrokerStep::Provision,
            "update" => BrokerStep::Update,
            _ => BrokerStep::Deprovision,
        };
        match state {
            "failed" => self.order(Order::on(step, "a").but(refuse())),
            "in progress" => self.order(Order::on(step, "a").but(Trouble::NeverEnd)),
            _ => {}
        }
        let (guid, _) = self.v3_begin("a", "redis/small").await;
        if state != "initial" {
            self.advance(100);
        }
        match kind {
            "update" => drop(self.patch(&guid, json!({"parameters": {}})).await),
            "delete" => drop(self.v3("admin", "DELETE", &format!("service_instances/{guid}"), Value::Null).await),
            _ => return guid,
        }
        self.advance(100);
        guid
    }
}

#[tokio::test]
async fn a_delete_takes_along_all_that_hangs_on_the_instance() {
    let sandbox = Sandbox::start().await;
    let guid = sandbox.v3_make("a", "postgres/small").await;
    let path = format!("service_instances/{guid}");
    sandbox.post("admin", "/v2/service_keys", json!({"name": "k", "service_instance_guid": guid})).await.guid();
    let other = sandbox.new_space("sandbox", "qa").await;
    sandbox.share(&guid, &other);
    let answer = sandbox.v3("developer", "DELETE", &path, Value::Null).await;
    let job = sandbox.job_of(&answer);
    let told = sandbox.v3_get("admin", &job).await;
    assert_eq!(told.body["operation"], "service_instance.delete");
    assert!(told.body["links"]["service_instance"]["href"].as_str().expect("a link").ends_with(&path));
    sandbox.advance(100);
    assert_eq!(sandbox.v3_operation(&guid).await, "delete/in progress");
    sandbox.advance(1000);
    assert_eq!(sandbox.v3_operation(&guid).await, "gone");
    let told = sandbox.v3_get("admin", &job).await;
    assert_eq!((&told.body["state"], told.body["links"].get("service_instance")), (&json!("COMPLETE"), None));
    assert_eq!(sandbox.v3_get("admin", "service_credential_bindings").await.names(), [""; 0]);
    let gone = sandbox.v3("developer", "DELETE", &path, Value::Null).await;
    assert_eq!(gone.v3_error(), (404, 10010, "CF-ResourceNotFound", "Service instance not found"));
}

#[tokio::test]
async fn a_delete_that_fails_leaves_the_instance_and_can_be_repeated() {
    let sandbox = Sandbox::start().await;
    let guid = sandbox.v3_make("a", "redis/small").await;
    let path = format!("service_instances/{guid}");
    sandbox.order(Order::on(BrokerStep::Deprovision, "a").but(refuse()));
    let job = sandbox.job_of(&sandbox.v3("developer", "DELETE", &path, Value::Null).await);
    sandbox.advance(100);
    assert_eq!(sandbox.v3_operation(&guid).await, "delete/failed");
    let (state, errors) = sandbox.job_state(&job).await;
    let detail = "delete could not be completed: Service instance a: Service broker error: no";
    assert_eq!((state.as_str(), &errors[0]["detail"]), ("FAILED", &json!(detail)));
    assert_eq!(sandbox.v3("developer", "DELETE", &format!("{path}?purge=true"), Value::Null).await.v3_error().1, 10003);
    sandbox.v3("developer", "DELETE", &path, Value::Null).await;
    sandbox.advance(100);
    assert_eq!(sandbox.v3_operation(&guid).await, "gone");
    let (private, _) = sandbox.v3_begin("p", "private/small").await;
    let purge = format!("service_instances/{private}?purge=true");
    assert_eq!(sandbox.v3("developer", "DELETE", &purge, Value::Null).await.status, 204, "the broker is their own");
}

#[tokio::test]
async fn a_delete_cancels_a_create_and_the_job_of_the_create_says_so() {
    let sandbox = Sandbox::start().await;
    let (guid, create) = sandbox.v3_begin("a", "faulty/never-finishes").await;
    sandbox.advance(100);
    sandbox.order(Order::on(BrokerStep::Deprovision, "a").taking(1000));
    sandbox.v3("developer", "DELETE", &format!("service_instances/{guid}"), Value::Null).await;
    sandbox.advance(100);
    let (state, errors) = sandbox.job_state(&create).await;
    let detail = "create could not be completed: delete in progress";
    assert_eq!((state.as_str(), &errors[0]["detail"]), ("FAILED", &json!(detail)));
    sandbox.advance(1000);
    assert_eq!(sandbox.v3_operation(&guid).await, "gone");
}
