use super::*;

#[tokio::test]
async fn each_role_may_do_what_section_16_says() {
    let sandbox = Sandbox::start().await;
    let dev = sandbox.dev();
    let instance = sandbox.make("a", "redis/small").await;
    let (sandbox_org, seed) = (sandbox.organization("sandbox"), sandbox.organization("seed"));
    // Admin, organization manager, space developer, space auditor, a token for reading only.
    let users = ["admin", "manager", "developer", "auditor", "reader"];
    let one = format!("/v2/service_instances/{instance}");
    let parameters = format!("{one}/parameters");
    let create = json!({"name": "a", "space_guid": dev, "service_plan_guid": sandbox.plan("redis/small")});
    let space = json!({"name": "dev", "organization_guid": sandbox_org});
    let (own_space, own_organization) = (format!("/v2/spaces/{dev}"), format!("/v2/organizations/{sandbox_org}"));
    let (other_space, other_organization) =
        (format!("/v2/spaces/{}", sandbox.space("seed/development")), format!("/v2/organizations/{seed}"));
    // The bodies are wrong in the last thing that is checked, so nothing changes when the role is enough.
    let table = [
        ("GET", &*one, json!(null), [200, 200, 200, 200, 200]),
        ("GET", &*parameters, json!(null), [200, 200, 200, 200, 200]),
        ("POST", "/v2/service_instances", create, [60002, 10003, 60002, 10003, 10007]),
        ("PUT", &*one, json!({"name": ""}), [60001, 10003, 60001, 10003, 10007]),
        ("POST", "/v2/spaces", space, [40002, 40002, 10003, 10003, 10007]),
        ("PUT", &*own_space, json!({"name": ""}), [40001, 40001, 10003, 10003, 10007]),
        ("DELETE", &*own_space, json!(null), [290_011, 290_011, 10003, 10003, 10007]),
        ("POST", "/v2/organizations", json!({"name": "seed"}), [30002, 10003, 10003, 10003, 10007]),
        ("PUT", &*own_organization, json!({"name": ""}), [30001, 30001, 10003, 10003, 10007]),
        ("DELETE", &*own_organization, json!(null), [10006, 10003, 10003, 10003, 10007]),
        ("GET", &*own_space, json!(null), [200, 200, 200, 200, 200]),
        ("GET", &*own_organization, json!(null), [200, 200, 200, 200, 200]),
        ("GET", &*other_space, json!(null), [200, 10003, 10003, 10003, 10003]),
        ("GET", &*other_organization, json!(null), [200, 10003, 10003, 10003, 10003]),
    ];
    for (method, path, body, outcomes) in table {
        for (user, outcome) in users.iter().zip(outcomes) {
            let answer = sandbox.raw(user, method, path, body.to_string()).await;
            let code = if answer.status < 300 { 200 } else { answer.error().1 };
            assert_eq!(code, outcome, "{user}: {method} {path}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn lists_show_what_one_may_read() {
    let sandbox = Sandbox::start().await;
    let seed = sandbox.space("seed/development");
    sandbox.make("own", "redis/small").await;
    let foreign = json!({"name": "foreign", "space_guid": seed, "service_plan_guid": sandbox.plan("redis/small")});
    let foreign = sandbox.post("admin", "/v2/service_instances", foreign).await.guid();
    let table = [
        ("admin", vec!["sandbox", "seed"], vec!["dev", "development"], vec!["own", "foreign"]),
        ("manager", vec!["sandbox"], vec!["dev"], vec!["own"]),
        ("developer", vec!["sandbox"], vec!["dev"], vec!["own"]),
        ("auditor", vec!["sandbox"], vec!["dev"], vec!["own"]),
    ];
    for (user, organizations, spaces, instances) in table {
        assert_eq!(sandbox.get(user, "/v2/organizations").await.each("name"), organizations, "{user}");
        assert_eq!(sandbox.get(user, "/v2/spaces").await.each("name"), spaces, "{user}");
        assert_eq!(sandbox.get(user, "/v2/service_instances").await.each("name"), instances, "{user}");
    }
    let by_space = format!("/v2/service_instances?q=space_guid:{seed}");
    assert_eq!(sandbox.get("developer", &by_space).await.each("name"), [""; 0]);
    let one = format!("/v2/service_instances/{foreign}");
    assert_eq!(sandbox.get("developer", &one).await.error(), (403, 10003, "CF-NotAuthorized"));
    sandbox.share(&foreign, &sandbox.dev());
    assert_eq!(sandbox.get("developer", "/v2/service_instances").await.each("name"), ["own", "foreign"]);
    assert_eq!(sandbox.get("developer", &one).await.status, 200);
}

#[tokio::test]
async fn permissions_are_told_to_everybody() {
    let sandbox = Sandbox::start().await;
    let path = format!("/v2/service_instances/{}/permissions", sandbox.make("a", "redis/small").await);
    for (user, manage) in [("admin", true), ("developer", true), ("auditor", false)] {
        assert_eq!(sandbox.get(user, &path).await.body, json!({"manage": manage, "read": true}), "{user}");
    }
    assert_eq!(sandbox.get("admin", "/v2/service_instances/none/permissions").await.error().1, 60004);
}

#[tokio::test]
async fn a_space_supporter_is_turned_away_with_a_sentence() {
    let sandbox = Sandbox::start().await;
    let answer = sandbox.get("supporter", "/v2/service_instances").await;
    assert_eq!((answer.status, &answer.body), (403, &Value::Null));
    assert_eq!(answer.header("content-type"), Some("text/html;charset=utf-8"));
    assert!(answer.text.starts_with("You are not authorized"), "{}", answer.text);
    assert_eq!(sandbox.get("supporter", "/v2/info").await.status, 200);
}

#[tokio::test]
async fn nobody_but_admins_writes_in_a_suspended_organization() {
    let sandbox = Sandbox::start().await;
    let path = format!("/v2/organizations/{}", sandbox.organization("sandbox"));
    assert_eq!(sandbox.put("manager", &path, json!({"status": "suspended"})).await.error().1, 10003);
    assert_eq!(sandbox.put("admin", &path, json!({"status": "suspended"})).await.entity()["status"], "suspended");
    let wish = sandbox.wish("a", "redis/small");
    assert_eq!(sandbox.post("developer", "/v2/service_instances", wish.clone()).await.error().1, 10003);
    assert_eq!(sandbox.put("manager", &path, json!({"name": "x"})).await.error().1, 10003);
    let space = json!({"name": "qa", "organization_guid": sandbox.organization("sandbox")});
    assert_eq!(sandbox.post("manager", "/v2/spaces", space).await.error().1, 10003);
    assert_eq!(sandbox.get("developer", "/v2/spaces").await.each("name"), ["dev"], "reading goes on");
    assert_eq!(sandbox.post("admin", "/v2/service_instances", wish).await.status, 201);
    sandbox.put("admin", &path, json!({"status": "active"})).await;
    assert_eq!(sandbox.post("developer", "/v2/service_instances", sandbox.wish("b", "redis/small")).await.status, 201);
}

#[tokio::test]
async fn a_user_who_creates_an_organization_manages_it() {
    let sandbox = Sandbox::with(|options| options.feature_flags = vec![("user_org_creation".to_owned(), true)]).await;
    let created = sandbox.post("developer", "/v2/organizations", json!({"name": "mine"})).await;
    assert_eq!(created.status, 201);
    let body = json!({"name": "space", "organization_guid": created.guid()});
    assert_eq!(sandbox.post("developer", "/v2/spaces", body.clone()).await.status, 201);
    assert_eq!(sandbox.get("developer", "/v2/spaces").await.each("name"), ["dev", "space"]);
    assert_eq!(sandbox.post("auditor", "/v2/spaces", body).await.error().1, 10003);
    let managed = "/v2/organizations?q=manager_guid:user-developer";
    assert_eq!(sandbox.get("developer", managed).await.each("name"), ["mine"]);
}
