use super::*;

/// Something of everything that can be stored.
async fn furnish(sandbox: &Sandbox) {
    sandbox.post("admin", "/v2/organizations", json!({"name": "acme"})).await.guid();
    sandbox.new_space("acme", "production").await;
    let done = sandbox.make("done", "redis/small").await;
    sandbox.share(&done, &sandbox.space("acme/production"));
    sandbox.post("admin", "/v2/service_keys", json!({"name": "k", "service_instance_guid": done})).await.guid();
    let provided = json!({"name": "p", "space_guid": sandbox.dev(), "credentials": {"a": 1}});
    sandbox.post("admin", "/v2/user_provided_service_instances", provided).await.guid();
    sandbox.put("admin", "/v2/config/feature_flags/user_org_creation", json!({"enabled": true})).await;
    sandbox.begin("busy", "postgres/small").await;
    let empty = sandbox.new_space("acme", "empty").await;
    sandbox.delete("admin", &format!("/v2/spaces/{empty}?async=true")).await;
    let metadata = json!({"metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}}});
    for path in [
        format!("organizations/{}", sandbox.organization("acme")),
        format!("spaces/{}", sandbox.space("acme/production")),
        format!("service_offerings/{}", sandbox.offering("redis")),
        format!("service_plans/{}", sandbox.plan("redis/small")),
    ] {
        assert_eq!(sandbox.v3("admin", "PATCH", &path, metadata.clone()).await.status, 200, "{path}");
    }
    let doomed = sandbox.new_space("acme", "doomed").await;
    assert_eq!(sandbox.v3("admin", "DELETE", &format!("spaces/{doomed}"), Value::Null).await.status, 202);
}

/// What stands in the state, with the address of the one that tells it taken out.
async fn told(sandbox: &Sandbox, teller: &Sandbox, path: &str) -> String {
    let answer = teller.get("admin", path).await;
    assert_eq!(answer.status, 200, "{path}");
    answer.text.replace(&sandbox.base, "").replace(&teller.base, "")
}

#[tokio::test]
async fn a_restored_foundation_goes_on_where_it_stopped() {
    let first = Sandbox::start().await;
    furnish(&first).await;
    let saved = first.foundation.save();
    let saved: Value = serde_json::from_str(&saved.to_string()).expect("it is JSON");
    let second = Sandbox::restored(Some(saved.clone()), |options| {
        options.ids = Arc::new(super::super::RandomIds);
    })
    .await;
    assert_eq!(second.foundation.save(), saved, "nothing is lost");
    second.clock.advance(Duration::from_secs(5));
    let token = first.token("admin").await;
    second.tokens.lock().expect("no panics under this lock").insert("admin".to_owned(), token);
    for path in [
        "/v2/organizations",
        "/v2/spaces",
        "/v2/service_instances",
        "/v2/user_provided_service_instances",
        "/v2/service_keys",
        "/v2/service_plans?results-per-page=100",
        "/v2/service_plan_visibilities",
        "/v2/config/feature_flags",
        "/v2/service_instances?q=name:done",
        "/v3/organizations",
        "/v3/spaces",
        "/v3/service_offerings?label_selector=a=b",
        "/v3/service_plans?label_selector=a=b",
        "/v3/service_brokers",
    ] {
        assert_eq!(told(&first, &second, path).await, told(&second, &first, path).await, "{path}");
    }
    second.advance(1000);
    let names = second.get("admin", "/v2/spaces").await;
    assert_eq!(names.each("name"), ["dev", "development", "production"], "the job ran");
    let busy = second.get("admin", "/v2/service_instances?q=name:busy").await;
    assert_eq!(busy.body["resources"][0]["entity"]["last_operation"]["state"], "succeeded");
    let refused = second.post("admin", "/v2/service_instances", second.wish("done", "redis/small")).await;
    assert_eq!(refused.error().1, 60002, "the indexes are back");
    second.make("new", "redis/small").await;
}

#[tokio::test]
async fn a_saved_state_of_another_kind_is_refused() {
    let table = [
        (json!({"version": 2, "store": {}}), "the saved Cloud Foundry state has version `2`, and this build reads `1`"),
        (json!({}), "the saved Cloud Foundry state has version `null`, and this build reads `1`"),
        (json!({"version": 1, "store": {}}), "the saved Cloud Foundry state is damaged"),
    ];
    for (saved, message) in table {
        let error = CloudFoundry::new(Options::default(), Some(saved)).expect_err(message);
        assert_eq!(error.to_string(), message);
    }
}

#[tokio::test]
async fn the_generation_grows_with_changes_and_only_then() {
    let sandbox = Sandbox::start().await;
    sandbox.token("admin").await;
    let mut before = sandbox.foundation.generation();
    let mut grown = |what: &str| {
        let now = sandbox.foundation.generation();
        assert_eq!(now > before, !what.starts_with("reading"), "{what}");
        before = now;
    };
    sandbox.get("admin", "/v2/service_instances").await;
    grown("reading");
    let guid = sandbox.begin("a", "postgres/small").await;
    grown("creating");
    sandbox.get("admin", "/v2/spaces").await;
    grown("reading while an operation runs");
    sandbox.advance(1000);
    sandbox.get("admin", "/v2/spaces").await;
    grown("an operation's end");
    sandbox.put("admin", &format!("/v2/service_instances/{guid}"), json!({"name": "b"})).await;
    grown("updating");
    sandbox.put("admin", "/v2/config/feature_flags/user_org_creation", json!({"enabled": true})).await;
    grown("setting a flag");
    let space = sandbox.new_space("sandbox", "qa").await;
    grown("creating a space");
    sandbox.put("admin", &format!("/v2/spaces/{space}"), json!({"name": "QA"})).await;
    grown("renaming a space");
    sandbox.delete("admin", &format!("/v2/spaces/{space}")).await;
    grown("deleting a space");
    sandbox.delete("admin", &format!("/v2/service_instances/{guid}?purge=true")).await;
    grown("purging");
    sandbox.delete("admin", &format!("/v2/service_instances/{guid}")).await;
    grown("reading in vain");
    let labels = json!({"metadata": {"labels": {"a": "b"}}});
    sandbox.v3("admin", "PATCH", &format!("service_plans/{}", sandbox.plan("redis/small")), labels.clone()).await;
    grown("labelling a plan");
    sandbox.v3("admin", "PATCH", &format!("service_offerings/{}", sandbox.offering("redis")), labels).await;
    grown("labelling an offering");
    sandbox.v3("admin", "DELETE", &format!("spaces/{}", sandbox.dev()), Value::Null).await;
    grown("queueing a job of v3");
    sandbox.advance(100);
    sandbox.v3_get("admin", "spaces").await;
    grown("the end of a job of v3");
    sandbox.v3_get("admin", "spaces").await;
    grown("reading in v3");
}

#[tokio::test]
async fn a_state_saved_before_there_was_v3_is_read() {
    let first = Sandbox::start().await;
    let mut saved = first.foundation.save();
    let store = saved["store"].as_object_mut().expect("the store is an object");
    store.remove("pollable_jobs");
    for table in ["organizations", "spaces", "offerings", "plans"] {
        for row in store[table].as_array_mut().expect("a table is a list") {
            let row = row.as_object_mut().expect("a row is an object");
            assert!(row.remove("metadata").is_some(), "{table}");
            assert!(row.remove("suspended").is_some() || table != "spaces");
            if table == "organizations" {
                row.insert("suspended".to_owned(), json!(false));
            }
        }
    }
    let second = Sandbox::restored(Some(saved), |_| {}).await;
    let spaces = second.v3_get("admin", "spaces").await;
    assert_eq!(spaces.names(), ["dev", "development"]);
    assert_eq!(spaces.body["resources"][0]["metadata"], json!({"labels": {}, "annotations": {}}));
}

#[tokio::test]
async fn guids_do_not_depend_on_how_often_one_asks() {
    let (quiet, busy) = (Sandbox::start().await, Sandbox::start().await);
    for _ in 0..5 {
        busy.get("admin", "/v2/spaces").await;
    }
    assert_eq!(quiet.make("a", "redis/small").await, busy.make("a", "redis/small").await);
}
