use super::*;
use crate::emulator::cloudfoundry::{Quota, Role, RoleKind, SeedOrganization, SeedSpace, User};

#[tokio::test]
async fn each_role_may_do_in_v3_what_section_16_says() {
    let sandbox = Sandbox::start().await;
    let (own, dev) = (sandbox.organization("sandbox"), sandbox.dev());
    let (own_space, own_organization) = (format!("spaces/{dev}"), format!("organizations/{own}"));
    let other_space = format!("spaces/{}", sandbox.space("seed/development"));
    let other_organization = format!("organizations/{}", sandbox.organization("seed"));
    let users = ["admin", "manager", "developer", "auditor", "supporter", "reader"];
    let space = json!({"name": "dev", "relationships": {"organization": {"data": {"guid": own}}}});
    // The bodies are wrong in the last thing that is checked, so nothing changes when the role is enough.
    let table = [
        ("GET", &*own_space, json!(null), [200, 200, 200, 200, 200, 200]),
        ("GET", &*own_organization, json!(null), [200, 200, 200, 200, 200, 200]),
        ("GET", &*other_space, json!(null), [200, 10010, 10010, 10010, 10010, 10010]),
        ("GET", &*other_organization, json!(null), [200, 10010, 10010, 10010, 10010, 10010]),
        ("POST", "organizations", json!({"name": "seed"}), [10008, 10003, 10003, 10003, 10003, 10003]),
        ("PATCH", &*own_organization, json!({"name": "seed"}), [10008, 10008, 10003, 10003, 10003, 10003]),
        ("PATCH", &*own_organization, json!({"suspended": false}), [200, 10003, 10003, 10003, 10003, 10003]),
        ("PATCH", &*other_organization, json!({}), [200, 10010, 10010, 10010, 10010, 10003]),
        ("DELETE", &*other_organization, json!(null), [200, 10010, 10010, 10010, 10010, 10003]),
        ("POST", "spaces", space, [10008, 10008, 10003, 10003, 10003, 10003]),
        ("PATCH", &*own_space, json!({"name": ""}), [10008, 10008, 10003, 10003, 10003, 10003]),
        ("PATCH", &*own_space, json!({"suspended": false}), [200, 10003, 10003, 10003, 10003, 10003]),
        ("DELETE", "spaces/none", json!(null), [10010, 10010, 10010, 10010, 10010, 10003]),
    ];
    for (method, path, body, outcomes) in table {
        for (user, outcome) in users.iter().zip(outcomes) {
            let answer = sandbox.v3(user, method, path, body.clone()).await;
            let code = if answer.status < 300 { 200 } else { answer.v3_error().1 };
            assert_eq!(code, outcome, "{user}: {method} {path}: {}", answer.text);
        }
    }
    for user in ["developer", "auditor", "supporter"] {
        assert_eq!(sandbox.v3("", "DELETE", &own_space, Value::Null).await.v3_error().1, 10002);
        assert_eq!(sandbox.v3(user, "DELETE", &own_space, Value::Null).await.v3_error().1, 10003, "{user}");
        assert_eq!(sandbox.v3(user, "DELETE", &own_organization, Value::Null).await.v3_error().1, 10003, "{user}");
    }
    assert_eq!(sandbox.v3("manager", "DELETE", &own_organization, Value::Null).await.v3_error().1, 10003);
    assert_eq!(sandbox.v3("manager", "DELETE", &own_space, Value::Null).await.status, 202);
}

#[tokio::test]
async fn a_space_manager_changes_a_space_and_does_not_delete_it() {
    let sandbox = Sandbox::with(|options| {
        let scopes = ["cloud_controller.read", "cloud_controller.write"];
        let (organization, space) = ("sandbox".to_owned(), Some("dev".to_owned()));
        let role = Role { role: RoleKind::SpaceManager, organization, space };
        options.users.push(User::new("keeper", "keeper", &scopes).with(role));
    })
    .await;
    let path = format!("spaces/{}", sandbox.dev());
    let label = json!({"metadata": {"labels": {"a": "b"}}});
    assert_eq!(sandbox.v3("keeper", "PATCH", &path, label.clone()).await.status, 200);
    assert_eq!(sandbox.v3("keeper", "DELETE", &path, Value::Null).await.v3_error().1, 10003);
    let suspend = sandbox.v3("admin", "PATCH", &path, json!({"suspended": true})).await;
    assert_eq!(suspend.body["suspended"], true);
    let refused = sandbox.v3("keeper", "PATCH", &path, label.clone()).await;
    assert_eq!(refused.v3_error(), (403, 10019, "CF-SpaceSuspended", "The space is suspended"));
    assert_eq!(sandbox.v3("manager", "PATCH", &path, label).await.status, 200, "the organization's manager passes");
    let wish = sandbox.wish("a", "redis/small");
    assert_eq!(sandbox.post("developer", "/v2/service_instances", wish).await.error().1, 10003, "v2 too");
}

#[tokio::test]
async fn a_suspended_organization_binds_all_but_admins() {
    let sandbox = Sandbox::start().await;
    let own = sandbox.organization("sandbox");
    let (organization, space) = (format!("organizations/{own}"), format!("spaces/{}", sandbox.dev()));
    let suspended = sandbox.v3("admin", "PATCH", &organization, json!({"suspended": true})).await;
    assert_eq!(suspended.body["suspended"], true);
    let new = json!({"name": "qa", "relationships": {"organization": {"data": {"guid": own}}}});
    let table = [
        ("PATCH", organization.as_str(), json!({})),
        ("POST", "spaces", new.clone()),
        ("PATCH", space.as_str(), json!({})),
        ("DELETE", space.as_str(), json!(null)),
    ];
    for (method, path, body) in table {
        let answer = sandbox.v3("manager", method, path, body).await;
        assert_eq!(
            answer.v3_error(),
            (403, 10017, "CF-OrgSuspended", "The organization is suspended"),
            "{method} {path}"
        );
    }
    assert_eq!(sandbox.v3_get("manager", &space).await.status, 200, "reading goes on");
    assert_eq!(sandbox.v3("admin", "POST", "spaces", new).await.status, 201);
}

#[tokio::test]
async fn lists_show_in_v3_what_one_may_read() {
    let sandbox = Sandbox::start().await;
    let table = [
        ("admin", vec!["sandbox", "seed"], vec!["dev", "development"]),
        ("manager", vec!["sandbox"], vec!["dev"]),
        ("developer", vec!["sandbox"], vec!["dev"]),
        ("supporter", vec!["sandbox"], vec!["dev"]),
    ];
    for (user, organizations, spaces) in table {
        assert_eq!(sandbox.v3_get(user, "organizations").await.names(), organizations, "{user}");
        assert_eq!(sandbox.v3_get(user, "spaces").await.names(), spaces, "{user}");
        assert_eq!(sandbox.v3_get(user, "organization_quotas").await.names(), organizations, "{user}");
    }
}

#[tokio::test]
async fn who_creates_an_organization_manages_it() {
    let sandbox = Sandbox::with(|options| options.feature_flags = vec![("user_org_creation".to_owned(), true)]).await;
    let guid = sandbox.v3("developer", "POST", "organizations", json!({"name": "mine"})).await.v3_guid();
    let space = json!({"name": "space", "relationships": {"organization": {"data": {"guid": guid}}}});
    assert_eq!(sandbox.v3("developer", "POST", "spaces", space).await.status, 201);
    assert_eq!(sandbox.v3_get("developer", "spaces").await.names(), ["dev", "space"]);
}

#[tokio::test]
async fn what_comes_first_is_refused_first() {
    let sandbox = Sandbox::start().await;
    let send = async |token: Option<&str>, method: &str, path: &str, body: &str| {
        let request = sandbox.http.request(method.parse().expect("a method"), format!("{}/v3/{path}", sandbox.base));
        let request = request.header("content-type", "application/json").body(body.to_owned());
        let request = match token {
            Some(token) => request.header("authorization", format!("bearer {token}")),
            None => request,
        };
        read(request).await.v3_error().1
    };
    let (admin, reader) = (sandbox.token("admin").await, sandbox.token("reader").await);
    assert_eq!(send(None, "POST", "nowhere", "{").await, 10000, "a path that is unknown");
    assert_eq!(send(None, "POST", "organizations", "{").await, 1001, "then a body that cannot be read");
    assert_eq!(send(None, "POST", "organizations", "{}").await, 10002, "then a token that is missing");
    assert_eq!(send(Some("x"), "POST", "organizations", "{}").await, 1000, "or is no good");
    assert_eq!(send(Some(&reader), "POST", "organizations", "{}").await, 10003, "or has not the scope");
    assert_eq!(send(Some(&admin), "POST", "organizations", "{}").await, 10008, "then what the body says");
    let plain = sandbox.raw("admin", "POST", "/v3/organizations", r#"{"name":"a"}"#.to_owned()).await;
    assert_eq!(plain.unprocessable(), "Name can't be blank", "without a content type there is no body");
}

#[tokio::test]
async fn quotas_are_those_of_organizations_and_spaces() {
    let sandbox = Sandbox::with(|options| {
        let quota = Quota { services: Some(3), paid_plans: false };
        let space = SeedSpace { quota: Some(Quota { services: Some(1), paid_plans: true }), ..SeedSpace::new("small") };
        let own = SeedOrganization::new("own").space(space).space(SeedSpace::new("free"));
        options.organizations.push(SeedOrganization { quota, ..own });
    })
    .await;
    let organization = sandbox.v3_get("admin", "organizations?names=own").await.body;
    let guid = organization["resources"][0]["relationships"]["quota"]["data"]["guid"].as_str().expect("a guid");
    let quota = sandbox.v3_get("admin", &format!("organization_quotas/{guid}")).await.body;
    let services = json!({"paid_services_allowed": false, "total_service_instances": 3, "total_service_keys": null});
    assert_eq!(quota["services"], services);
    assert_eq!(quota["relationships"]["organizations"]["data"], json!([{"guid": sandbox.organization("own")}]));
    let unlimited = sandbox.v3_get("admin", "organization_quotas?names=sandbox").await.body;
    assert_eq!(unlimited["resources"][0]["services"]["total_service_instances"], json!(null));

    let space = sandbox.v3_get("admin", "spaces?names=small").await.body;
    let related = &space["resources"][0]["relationships"];
    let guid = related["quota"]["data"]["guid"].as_str().expect("a guid");
    let quota = sandbox.v3_get("admin", &format!("space_quotas/{guid}")).await.body;
    assert_eq!((&quota["name"], &quota["services"]["total_service_instances"]), (&json!("small"), &json!(1)));
    assert_eq!(quota["relationships"]["organization"], related["organization"]);
    let v2 = sandbox.get("admin", "/v2/spaces?q=name:small").await;
    assert_eq!(v2.each("space_quota_definition_guid"), [guid], "v2 names the same quota");
    assert_eq!(sandbox.v3_get("admin", "space_quotas").await.names(), ["small"], "not every space has one");
    let free = format!("space_quotas/{}", sandbox.space("own/free"));
    for (user, path, what) in [
        ("admin", free.as_str(), "Space quota"),
        ("developer", &format!("space_quotas/{guid}"), "Space quota"),
        ("developer", &format!("organization_quotas/{}", sandbox.organization("own")), "Organization quota"),
    ] {
        assert_eq!(sandbox.v3_get(user, path).await.v3_error().3, format!("{what} not found"), "{user}: {path}");
    }
}

#[tokio::test]
async fn feature_flags_are_read() {
    let sandbox = Sandbox::start().await;
    let names = ["hide_marketplace_from_unauthenticated_users", "service_instance_creation", "user_org_creation"];
    let all = sandbox.v3_get("developer", "feature_flags").await;
    assert_eq!(all.names(), names);
    assert_eq!(all.body["resources"][1]["enabled"], true);
    let last = sandbox.v3_get("developer", "feature_flags?order_by=-name&per_page=1").await;
    assert_eq!((last.names(), &last.body["pagination"]["total_results"]), (vec![names[2]], &json!(3)));
    let one = sandbox.v3_get("developer", "feature_flags/user_org_creation").await;
    let href = format!("{}/v3/feature_flags/user_org_creation", sandbox.base);
    assert_eq!((&one.body["enabled"], &one.body["links"]["self"]["href"]), (&json!(false), &json!(href)));
    sandbox.put("admin", "/v2/config/feature_flags/user_org_creation", json!({"enabled": true})).await;
    assert_eq!(sandbox.v3_get("developer", "feature_flags/user_org_creation").await.body["enabled"], true);
    assert_eq!(sandbox.v3_get("developer", "feature_flags/none").await.v3_error().3, "Feature flag not found");
}

#[tokio::test]
async fn a_list_is_walked_by_its_links() {
    let sandbox = Sandbox::start().await;
    let own = sandbox.organization("sandbox");
    for number in 0..22 {
        sandbox.new_space("sandbox", &format!("s{number:02}")).await;
    }
    let mut path = format!("spaces?per_page=10&organization_guids={own}&order_by=-name");
    let (mut names, mut pages) = (Vec::new(), 0);
    loop {
        let answer = sandbox.v3_get("admin", &path).await;
        let pagination = &answer.body["pagination"];
        assert_eq!((&pagination["total_results"], &pagination["total_pages"]), (&json!(23), &json!(3)));
        names.extend(answer.names().into_iter().map(str::to_owned));
        pages += 1;
        let Some(next) = pagination["next"]["href"].as_str() else { break };
        let below = next.strip_prefix(&format!("{}/v3/", sandbox.base));
        path = below.unwrap_or_else(|| panic!("absolute: {next}")).to_owned();
    }
    let mut expected: Vec<String> = (0..22).rev().map(|number| format!("s{number:02}")).collect();
    expected.push("dev".to_owned());
    assert_eq!((pages, names), (3, expected));
    assert_eq!(sandbox.v3_get("admin", "spaces").await.names().len(), 24, "fifty fit on a page by default");
    let past = sandbox.v3_get("admin", "spaces?page=9").await;
    assert_eq!((past.names(), &past.body["pagination"]["total_results"]), (vec![], &json!(0)));
}
