use super::*;

const PATH: &str = "/v2/user_provided_service_instances";
const HIDDEN: &str = "[PRIVATE DATA HIDDEN]";

#[tokio::test]
async fn a_user_provided_instance_is_created_changed_and_deleted_at_once() {
    let sandbox = Sandbox::start().await;
    let created = sandbox.post("developer", PATH, json!({"name": "p", "space_guid": sandbox.dev()})).await;
    let guid = created.guid();
    let expected = json!({
        "name": "p", "credentials": {}, "space_guid": sandbox.dev(), "type": "user_provided_service_instance",
        "syslog_drain_url": "", "route_service_url": "", "tags": [],
        "space_url": format!("/v2/spaces/{}", sandbox.dev()),
        "service_bindings_url": format!("{PATH}/{guid}/service_bindings"),
        "routes_url": format!("{PATH}/{guid}/routes")
    });
    assert_eq!((created.status, created.entity()), (201, &expected));
    let path = format!("{PATH}/{guid}");
    assert_eq!(created.header("location"), Some(path.as_str()));
    let change = json!({"credentials": {"a": 1, "b": 2}, "tags": ["t"], "syslog_drain_url": "syslog://x", "name": "q"});
    let changed = sandbox.put("developer", &path, change).await;
    assert_eq!((changed.status, &changed.entity()["name"]), (201, &json!("q")));
    let changed = sandbox.put("developer", &path, json!({"credentials": {"b": 3}, "tags": null})).await;
    assert_eq!(changed.entity()["credentials"], json!({"b": 3}), "replaced whole");
    assert_eq!(
        (&changed.entity()["tags"], &changed.entity()["syslog_drain_url"]),
        (&json!(["t"]), &json!("syslog://x"))
    );
    let managed_path = format!("/v2/service_instances/{guid}");
    assert_eq!(sandbox.get("developer", &managed_path).await.entity()["type"], "user_provided_service_instance");
    assert_eq!(sandbox.delete("developer", &path).await.status, 204);
    assert_eq!(sandbox.get("developer", &path).await.error(), (404, 340_001, "CF-UserProvidedServiceInstanceNotFound"));
}

#[tokio::test]
async fn credentials_are_hidden_from_those_who_only_read() {
    let sandbox = Sandbox::start().await;
    let body = json!({"name": "p", "space_guid": sandbox.dev(), "credentials": {"password": "x"}});
    let path = format!("{PATH}/{}", sandbox.post("admin", PATH, body).await.guid());
    let both = format!("/v2/spaces/{}/service_instances?return_user_provided_service_instances=true", sandbox.dev());
    for (user, shown) in [("admin", true), ("developer", true), ("auditor", false), ("manager", false)] {
        let expected = if shown { json!({"password": "x"}) } else { json!({"redacted_message": HIDDEN}) };
        assert_eq!(sandbox.get(user, &path).await.entity()["credentials"], expected, "{user}");
        for list in [PATH, both.as_str()] {
            assert_eq!(
                sandbox.get(user, list).await.body["resources"][0]["entity"]["credentials"],
                expected,
                "{user} {list}"
            );
        }
    }
    sandbox.make("m", "redis/small").await;
    let managed = sandbox.get("auditor", "/v2/service_instances").await;
    assert_eq!(managed.body["resources"][0]["entity"]["credentials"]["redacted_message"], HIDDEN);
}

#[tokio::test]
async fn what_a_user_provided_instance_cannot_be_is_refused() {
    let sandbox = Sandbox::start().await;
    sandbox.make("taken", "redis/small").await;
    let dev = sandbox.dev();
    let guid = sandbox.post("admin", PATH, json!({"name": "p", "space_guid": dev})).await.guid();
    let path = format!("{PATH}/{guid}");
    let table = [
        (json!({"name": "taken"}), 60002, "name"),
        (json!({"name": " "}), 60001, "empty name"),
        (json!({"name": "n".repeat(256)}), 60009, "long name"),
        (json!({"tags": ["t".repeat(2049)]}), 60015, "tags"),
        (json!({"route_service_url": "http://x.example"}), 60019, "insecure route service"),
        (json!({"route_service_url": "nonsense"}), 60019, "no route service"),
        (json!({"syslog_drain_url": "s".repeat(10_001)}), 60003, "long drain"),
        (json!({"space_guid": sandbox.space("seed/development")}), 60003, "another space"),
        (json!({"credentials": "x"}), 1001, "credentials"),
    ];
    for (change, code, what) in table {
        assert_eq!(sandbox.put("admin", &path, change.clone()).await.error().1, code, "update: {what}");
        let mut body = json!({"name": "new", "space_guid": dev});
        for (field, value) in change.as_object().expect("an object").iter().filter(|(field, _)| *field != "space_guid")
        {
            body[field] = value.clone();
        }
        let expected = if what == "another space" { 0 } else { code };
        assert_eq!(sandbox.post("admin", PATH, body).await.error().1, expected, "create: {what}");
    }
    assert_eq!(sandbox.post("admin", PATH, json!({"name": "x", "space_guid": "none"})).await.error().1, 60003);
    assert_eq!(sandbox.post("admin", PATH, json!({})).await.error().1, 1001);
    assert_eq!(sandbox.post("auditor", PATH, json!({"name": "x", "space_guid": dev})).await.error().1, 10003);
    assert_eq!(sandbox.post("reader", PATH, json!({"name": "x", "space_guid": dev})).await.error().1, 10007);
    for method in ["GET", "PUT", "DELETE"] {
        let answer = sandbox.raw("admin", method, &format!("{PATH}/none"), "{}".to_owned()).await;
        assert_eq!(answer.error().1, 340_001, "{method}");
    }
    for method in ["PUT", "DELETE"] {
        assert_eq!(sandbox.raw("auditor", method, &path, "{}".to_owned()).await.error().1, 10003, "{method}");
    }
}

#[tokio::test]
async fn a_route_service_is_kept_with_a_warning() {
    let sandbox = Sandbox::start().await;
    let body = json!({"name": "p", "space_guid": sandbox.dev(), "route_service_url": "https://x.example"});
    let answer = sandbox.post("admin", PATH, body).await;
    assert_eq!((answer.status, &answer.entity()["route_service_url"]), (201, &json!("https://x.example")));
    let warning = answer.header("x-cf-warnings").expect("a warning");
    assert_eq!(warning, "Support+for+route+services+is+disabled.+This+service+instance+cannot+be+bound+to+a+route.");
}

#[tokio::test]
async fn a_user_provided_instance_is_deleted_by_either_path_and_by_job() {
    let sandbox = Sandbox::start().await;
    let make =
        async |name: &str| sandbox.post("admin", PATH, json!({"name": name, "space_guid": sandbox.dev()})).await.guid();
    let first = make("a").await;
    assert_eq!(sandbox.delete("auditor", &format!("/v2/service_instances/{first}")).await.error().1, 10003);
    assert_eq!(sandbox.delete("developer", &format!("/v2/service_instances/{first}")).await.status, 204);
    let second = make("b").await;
    assert_eq!(sandbox.delete("developer", &format!("{PATH}/{second}?async=true")).await.status, 202);
    sandbox.advance(100);
    assert_eq!(sandbox.get("admin", PATH).await.body["total_results"], 0);
}

#[tokio::test]
async fn only_user_provided_instances_are_listed() {
    let sandbox = Sandbox::start().await;
    sandbox.make("m", "redis/small").await;
    for name in ["p", "q"] {
        sandbox.post("admin", PATH, json!({"name": name, "space_guid": sandbox.dev()})).await.guid();
    }
    let seed = sandbox.organization("seed");
    let table = [
        (String::new(), vec!["p", "q"]),
        ("q=name:q".to_owned(), vec!["q"]),
        ("q=name:m".to_owned(), vec![]),
        (format!("q=name:m&q=space_guid:{}", sandbox.dev()), vec![]),
        (format!("q=space_guid:{}", sandbox.dev()), vec!["p", "q"]),
        (format!("q=organization_guid:{seed}"), vec![]),
        ("q=name:p;name:p".to_owned(), vec!["p"]),
    ];
    for (query, names) in table {
        assert_eq!(sandbox.get("developer", &format!("{PATH}?{query}")).await.each("name"), names, "{query}");
    }
    assert_eq!(sandbox.get("admin", &format!("{PATH}?q=service_plan_guid:x")).await.error().1, 10005);
    let managed = sandbox.make("n", "redis/small").await;
    assert_eq!(sandbox.get("admin", &format!("{PATH}/{managed}")).await.error().1, 340_001);
}
