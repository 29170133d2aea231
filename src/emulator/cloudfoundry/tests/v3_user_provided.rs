use super::*;

const PATH: &str = "service_instances";

#[tokio::test]
async fn a_user_provided_instance_is_made_read_changed_and_deleted_at_once() {
    let sandbox = Sandbox::start().await;
    let space = json!({"space": {"data": {"guid": sandbox.dev()}}});
    let body = json!({"type": "user-provided", "name": "u", "relationships": space, "credentials": {"a": 1}});
    let created = sandbox.v3("developer", "POST", PATH, body.clone()).await;
    assert_eq!(created.status, 201);
    let guid = created.v3_guid();
    assert_eq!((&created.body["type"], &created.body["syslog_drain_url"]), (&json!("user-provided"), &Value::Null));
    assert_eq!(created.body["last_operation"]["description"], "Operation succeeded");
    assert_eq!(created.body.get("credentials"), None);
    let path = format!("{PATH}/{guid}");
    let secret = format!("{path}/credentials");
    assert_eq!(sandbox.v3_get("developer", &secret).await.body, json!({"a": 1}));
    assert_eq!(sandbox.v3_get("auditor", &secret).await.v3_error().1, 10003);
    assert_eq!(sandbox.v3_get("developer", &format!("{path}/parameters")).await.v3_error().1, 120_004);
    let taken = sandbox.v3("developer", "POST", PATH, body).await;
    assert_eq!(taken.unprocessable(), "The service instance name is taken: u.");
    let change = json!({"credentials": {"b": 2}, "syslog_drain_url": "syslog://x.example", "tags": ["t"]});
    let changed = sandbox.v3("developer", "PATCH", &path, change).await;
    assert_eq!((changed.status, &changed.body["last_operation"]["type"]), (200, &json!("update")));
    assert_eq!(sandbox.v3_get("developer", &secret).await.body, json!({"b": 2}));
    let cleared = json!({"credentials": null, "syslog_drain_url": null, "tags": null});
    let cleared = sandbox.v3("developer", "PATCH", &path, cleared).await;
    assert_eq!((&cleared.body["syslog_drain_url"], &cleared.body["tags"]), (&Value::Null, &json!([])));
    assert_eq!(sandbox.v3_get("developer", &secret).await.body, json!({}));
    let table = [
        (json!({"route_service_url": "http://x.example"}), "Route service url must be https"),
        (json!({"syslog_drain_url": "no url"}), "Syslog drain url must be a valid URI"),
        (json!({"credentials": 1}), "Credentials must be an object"),
        (json!({"parameters": {}}), "Unknown field(s): 'parameters'"),
    ];
    for (body, detail) in table {
        assert_eq!(sandbox.v3("developer", "PATCH", &path, body).await.unprocessable(), detail);
    }
    assert_eq!(sandbox.v3("developer", "DELETE", &path, Value::Null).await.status, 204);
    let managed = sandbox.make("m", "redis/small").await;
    assert_eq!(sandbox.v3_get("developer", &format!("{PATH}/{managed}/credentials")).await.v3_error().1, 10010);
}

#[tokio::test]
async fn what_v2_made_reads_as_empty_texts_and_without_an_operation() {
    let sandbox = Sandbox::start().await;
    let body = json!({"name": "u", "space_guid": sandbox.dev()});
    let guid = sandbox.post("admin", "/v2/user_provided_service_instances", body).await.guid();
    let read = sandbox.v3_get("developer", &format!("{PATH}/{guid}")).await;
    assert_eq!((&read.body["syslog_drain_url"], &read.body["last_operation"]), (&json!(""), &json!({})));
}

#[tokio::test]
async fn instances_are_found_by_each_filter_and_shared_ones_in_both_spaces() {
    let sandbox = Sandbox::start().await;
    let (dev, qa) = (sandbox.dev(), sandbox.new_space("sandbox", "qa").await);
    let elsewhere = sandbox.space("seed/development");
    let small = sandbox.make("one", "redis/small").await;
    sandbox.make("two", "postgres/small").await;
    let body = json!({"name": "three", "space_guid": qa});
    sandbox.post("admin", "/v2/user_provided_service_instances", body).await.guid();
    let share = format!("{PATH}/{small}/relationships/shared_spaces");
    let spaces = json!({"data": [{"guid": qa}, {"guid": elsewhere}]});
    let shared = sandbox.v3("admin", "POST", &share, spaces).await;
    assert_eq!((shared.status, &shared.body["data"]), (200, &json!([{"guid": qa}, {"guid": elsewhere}])));
    let (own, seed) = (sandbox.organization("sandbox"), sandbox.organization("seed"));
    let plan = sandbox.plan("postgres/small");
    let table = [
        (String::new(), vec!["one", "two", "three"]),
        ("?names=two,three".to_owned(), vec!["two", "three"]),
        ("?names=Two".to_owned(), vec![]),
        (format!("?guids={small}"), vec!["one"]),
        ("?type=managed".to_owned(), vec!["one", "two"]),
        ("?type=user-provided".to_owned(), vec!["three"]),
        (format!("?space_guids={dev}"), vec!["one", "two"]),
        (format!("?space_guids={qa}"), vec!["one", "three"]),
        (format!("?organization_guids={seed}"), vec!["one"]),
        (format!("?organization_guids={own}&type=managed"), vec!["one", "two"]),
        (format!("?service_plan_guids={plan}"), vec!["two"]),
        ("?service_plan_names=SMALL".to_owned(), vec!["one", "two"]),
        ("?order_by=name&per_page=2".to_owned(), vec!["one", "three"]),
    ];
    for (query, names) in table {
        assert_eq!(sandbox.v3_get("admin", &format!("{PATH}{query}")).await.names(), names, "{query}");
    }
    let fields = "fields[space]=guid,name,relationships.organization&fields[space.organization]=guid,name\
                  &fields[service_plan]=guid,name,relationships.service_offering\
                  &fields[service_plan.service_offering]=guid,name&\
                  fields[service_plan.service_offering.service_broker]=guid,name";
    let list = sandbox.v3_get("admin", &format!("{PATH}?names=one&{fields}")).await;
    let included = &list.body["included"];
    assert_eq!(included["spaces"][0]["relationships"]["organization"]["data"]["guid"], json!(own));
    let name = |collection: &str| included[collection][0]["name"].as_str().unwrap_or_default();
    let names = ["spaces", "organizations", "service_plans", "service_offerings", "service_brokers"].map(name);
    assert_eq!(names, ["dev", "sandbox", "small", "redis", "main-broker"]);
    let provided = sandbox.v3_get("admin", &format!("{PATH}?names=three&{fields}")).await;
    assert_eq!(provided.body["included"].get("service_plans"), None, "there are no plans to tell of");
    let one = sandbox.v3_get("admin", &format!("{PATH}/{small}?fields[space]=guid,relationships.organization")).await;
    assert_eq!(one.v3_error().1, 10005, "one instance has fewer fields");

    let body = json!({"name": "one", "space_guid": qa, "service_plan_guid": sandbox.plan("redis/small")});
    assert_eq!(sandbox.post("admin", "/v2/service_instances", body).await.error().1, 60002, "its name counts there");
    let again = sandbox.v3("admin", "POST", &share, json!({"data": [{"guid": dev}]})).await;
    assert!(again.unprocessable().starts_with("Unable to share service instance 'one' with space"));
    let unknown = sandbox.v3("admin", "POST", &share, json!({"data": [{"guid": "none"}]})).await;
    assert!(unknown.unprocessable().ends_with("Ensure the spaces exist and that you have access to them."));
    assert_eq!(sandbox.v3("admin", "DELETE", &format!("{share}/{qa}"), Value::Null).await.status, 204);
    assert_eq!(sandbox.v3_get("admin", &format!("{PATH}?space_guids={qa}")).await.names(), ["three"]);
    let permissions = sandbox.v3_get("auditor", &format!("{PATH}/{small}/permissions")).await;
    assert_eq!(permissions.body, json!({"manage": false, "read": true}));
    assert_eq!(sandbox.v3_get("supporter", &format!("{PATH}/{small}/parameters")).await.status, 200);
}
