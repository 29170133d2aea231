use super::*;

impl Sandbox {
    /// Makes a broker private to a space.
    fn confine(&self, broker: &str, space: &str) {
        let mut world = self.foundation.world();
        let found = world.store.brokers.iter().find(|row| row.name == broker);
        let id = found.unwrap_or_else(|| panic!("no broker {broker}")).id;
        world.store.brokers.get_mut(id).expect("the broker exists").space_guid = Some(space.to_owned());
    }

    fn broker(&self, name: &str) -> String {
        let world = self.foundation.world();
        let found = world.store.brokers.iter().find(|row| row.name == name);
        found.unwrap_or_else(|| panic!("no broker {name}")).guid.clone()
    }
}

#[tokio::test]
async fn an_offering_is_shown_with_what_it_can_do() {
    let sandbox = Sandbox::start().await;
    let (guid, broker) = (sandbox.offering("search"), sandbox.broker("main-broker"));
    let answer = sandbox.v3_get("admin", &format!("service_offerings/{guid}")).await;
    let link = |path: &str| json!({"href": format!("{}/v3/{path}", sandbox.base)});
    let expected = json!({
        "guid": guid,
        "created_at": "2026-09-01T12:00:00Z",
        "updated_at": "2026-09-01T12:00:00Z",
        "name": "search",
        "description": "The search of the sandbox",
        "available": true,
        "tags": ["search"],
        "requires": [],
        "shareable": true,
        "documentation_url": null,
        "broker_catalog": {
            "id": "main-broker-search",
            "metadata": {"displayName": "search", "shareable": true},
            "features": {
                "plan_updateable": true,
                "bindable": true,
                "instances_retrievable": false,
                "bindings_retrievable": false,
                "allow_context_updates": true,
            },
        },
        "relationships": {"service_broker": {"data": {"guid": broker}}},
        "metadata": {"labels": {}, "annotations": {}},
        "links": {
            "self": link(&format!("service_offerings/{guid}")),
            "service_plans": link(&format!("service_plans?service_offering_guids={guid}")),
            "service_broker": link(&format!("service_brokers/{broker}")),
        },
    });
    assert_eq!(answer.body, expected);
    let own = answer.body["links"]["service_plans"]["href"].as_str().expect("a link").to_owned();
    let plans = sandbox.v3_get("admin", own.strip_prefix(&format!("{}/v3/", sandbox.base)).expect("it is ours")).await;
    assert_eq!(plans.names(), ["basic"], "the link leads to its plans");
    let gone = sandbox.v3_get("admin", "service_offerings/none").await;
    assert_eq!(gone.v3_error(), (404, 10010, "CF-ResourceNotFound", "Service offering not found"));
}

#[tokio::test]
async fn a_plan_is_shown_with_what_follows_from_its_offering() {
    let sandbox = Sandbox::start().await;
    let (guid, offering) = (sandbox.plan("object-store/bucket"), sandbox.offering("object-store"));
    let plan = sandbox.v3_get("developer", &format!("service_plans/{guid}")).await.body;
    let link = |path: &str| json!({"href": format!("{}/v3/{path}", sandbox.base)});
    assert_eq!((&plan["name"], &plan["visibility_type"]), (&json!("bucket"), &json!("public")));
    assert_eq!((&plan["available"], &plan["free"], &plan["costs"]), (&json!(true), &json!(true), &json!([])));
    assert_eq!(plan["broker_catalog"]["id"], "main-broker-object-store-bucket");
    assert_eq!(plan["broker_catalog"]["features"], json!({"bindable": false, "plan_updateable": true}));
    for step in ["create", "update"] {
        assert_eq!(plan["schemas"]["service_instance"][step]["parameters"]["required"], json!(["region"]), "{step}");
    }
    assert_eq!(plan["schemas"]["service_binding"], json!({"create": {"parameters": {}}}));
    assert_eq!(plan["relationships"], json!({"service_offering": {"data": {"guid": offering}}}));
    let links = json!({
        "self": link(&format!("service_plans/{guid}")),
        "service_offering": link(&format!("service_offerings/{offering}")),
        "visibility": link(&format!("service_plans/{guid}/visibility")),
    });
    assert_eq!(plan["links"], links);
    assert_eq!(plan["maintenance_info"], json!({}));
    let features = |path: &str| format!("service_plans/{}", sandbox.plan(path));
    let small = sandbox.v3_get("admin", &features("postgres/small")).await;
    assert_eq!(small.body["maintenance_info"], json!({"version": "1.1.0"}));
    let fixed = sandbox.v3_get("admin", &features("queue/standard")).await;
    assert_eq!(fixed.body["broker_catalog"]["features"]["plan_updateable"], false, "resolved, where v2 says null");
    sandbox.alter_plan("queue/standard", |plan| plan.plan_updateable = Some(true));
    let own = sandbox.v3_get("admin", &features("queue/standard")).await;
    assert_eq!(own.body["broker_catalog"]["features"]["plan_updateable"], true, "the plan's own word counts first");
    let gone = sandbox.v3_get("admin", "service_plans/none").await;
    assert_eq!(gone.v3_error().3, "Service plan not found");
}

#[tokio::test]
async fn offerings_and_plans_are_found_by_each_filter() {
    let sandbox = Sandbox::start().await;
    let (second, cache) = (sandbox.broker("second-broker"), sandbox.offering("cache"));
    let (sandbox_org, seed_org) = (sandbox.organization("sandbox"), sandbox.organization("seed"));
    let (dev, development) = (sandbox.dev(), sandbox.space("seed/development"));
    let instance = sandbox.make("db", "redis/large").await;
    let table = [
        ("service_offerings?names=CACHE,redis".to_owned(), vec!["redis", "cache", "cache"]),
        (format!("service_offerings?names=cache&service_broker_guids={second}"), vec!["cache"]),
        ("service_offerings?service_broker_names=second-broker".to_owned(), vec!["cache", "faulty"]),
        ("service_offerings?service_broker_names=Second-Broker".to_owned(), vec![]),
        ("service_offerings?broker_catalog_ids=main-broker-redis".to_owned(), vec!["redis"]),
        (format!("service_offerings?guids={cache}"), vec!["cache"]),
        (format!("service_offerings?names=search,redis&organization_guids={seed_org}"), vec!["redis"]),
        (
            format!("service_offerings?names=search,redis&organization_guids={seed_org},{sandbox_org}"),
            vec!["redis", "search"],
        ),
        (format!("service_offerings?names=search&space_guids={dev}"), vec!["search"]),
        (format!("service_offerings?names=search&space_guids={development}"), vec![]),
        ("service_offerings?available=false".to_owned(), vec![]),
        ("service_offerings?names=redis,queue&order_by=name".to_owned(), vec!["queue", "redis"]),
        ("service_plans?service_offering_names=POSTGRES".to_owned(), vec!["small", "large", "legacy"]),
        ("service_plans?service_offering_names=postgres&available=true".to_owned(), vec!["small", "large"]),
        ("service_plans?service_offering_names=postgres&available=false".to_owned(), vec!["legacy"]),
        ("service_plans?names=SMALL&service_offering_names=cache,redis".to_owned(), vec!["small", "small", "small"]),
        (format!("service_plans?service_offering_guids={cache}"), vec!["small"]),
        (format!("service_plans?names=small&service_broker_guids={second}"), vec!["small"]),
        ("service_plans?names=small&service_broker_names=second-broker".to_owned(), vec!["small"]),
        ("service_plans?broker_catalog_ids=main-broker-redis-large".to_owned(), vec!["large"]),
        (format!("service_plans?service_instance_guids={instance},none"), vec!["large"]),
        (format!("service_plans?names=basic&organization_guids={sandbox_org}"), vec!["basic"]),
        (format!("service_plans?names=basic&organization_guids={seed_org}"), vec![]),
        (format!("service_plans?names=basic&space_guids={dev}"), vec!["basic"]),
        (format!("service_plans?names=basic,seed-plan&space_guids={development}"), vec!["seed-plan"]),
    ];
    for (path, names) in table {
        assert_eq!(sandbox.v3_get("admin", &path).await.names(), names, "{path}");
    }
    for path in ["service_offerings?name=a", "service_plans?available=1", "service_plans?include=service_broker"] {
        assert_eq!(sandbox.v3_get("admin", path).await.v3_error().1, 10005, "{path}");
    }
}

#[tokio::test]
async fn one_request_tells_a_plan_its_offering_and_its_broker() {
    let sandbox = Sandbox::start().await;
    let path = "service_plans?names=small&service_offering_names=cache&include=service_offering\
                &fields[service_offering.service_broker]=name,guid&per_page=5000";
    let body = sandbox.v3_get("developer", path).await.body;
    assert_eq!(body["pagination"]["total_results"], 2);
    let (offerings, brokers) = (&body["included"]["service_offerings"], &body["included"]["service_brokers"]);
    let expected = json!([
        {"name": "main-broker", "guid": sandbox.broker("main-broker")},
        {"name": "second-broker", "guid": sandbox.broker("second-broker")},
    ]);
    assert_eq!(brokers, &expected, "only what was asked for");
    for (place, plan) in body["resources"].as_array().expect("a list").iter().enumerate() {
        let offering = &offerings[place];
        assert_eq!(plan["relationships"]["service_offering"]["data"]["guid"], offering["guid"]);
        assert_eq!(offering["relationships"]["service_broker"]["data"]["guid"], brokers[place]["guid"]);
    }
    let first = body["pagination"]["first"]["href"].as_str().expect("a link");
    assert!(
        first.contains("fields%5Bservice_offering.service_broker%5D=name%2Cguid&include=service_offering"),
        "{first}"
    );

    let one = format!("service_plans/{}?include=service_offering", sandbox.plan("redis/small"));
    let one = sandbox.v3_get("admin", &one).await.body;
    assert_eq!(one["included"]["service_offerings"][0]["name"], "redis");
    let offering = format!("service_offerings/{}?fields[service_broker]=name", sandbox.offering("redis"));
    let offering = sandbox.v3_get("admin", &offering).await.body;
    assert_eq!(offering["included"], json!({"service_brokers": [{"name": "main-broker"}]}));
    let none = sandbox.v3_get("admin", "service_plans?names=none&include=space.organization").await.body;
    assert_eq!(none["included"], json!({"spaces": [], "organizations": []}));
}

#[tokio::test]
async fn the_marketplace_shows_what_one_may_use() {
    let sandbox = Sandbox::start().await;
    sandbox.confine("second-broker", &sandbox.space("seed/development"));
    let basic = format!("service_plans/{}", sandbox.plan("search/basic"));
    let faulty = format!("service_plans/{}", sandbox.plan("faulty/never-finishes"));
    let table = [
        ("", false, false),
        ("admin", true, true),
        ("developer", true, false),
        ("auditor", true, false),
        ("supporter", true, false),
    ];
    for (user, sees_basic, sees_faulty) in table {
        for (path, seen) in [(&basic, sees_basic), (&faulty, sees_faulty)] {
            let answer = sandbox.v3_get(user, path).await;
            assert_eq!(answer.status, if seen { 200 } else { 404 }, "{user}: {path}");
        }
        let offerings = sandbox.v3_get(user, "service_offerings?names=search,faulty,redis").await;
        let mut expected = vec!["redis"];
        expected.extend(sees_basic.then_some("search"));
        expected.extend(sees_faulty.then_some("faulty"));
        assert_eq!(offerings.names(), expected, "{user}");
    }
    let visibility = sandbox.v3_get("developer", &format!("{basic}/visibility")).await.body;
    let organizations = json!([{"name": "sandbox", "guid": sandbox.organization("sandbox")}]);
    assert_eq!(visibility, json!({"type": "organization", "organizations": organizations}));
    let public = format!("service_plans/{}/visibility", sandbox.plan("redis/small"));
    assert_eq!(sandbox.v3_get("developer", &public).await.body, json!({"type": "public"}));
    assert_eq!(sandbox.v3_get("", &public).await.v3_error().1, 10002, "this takes a token");
    let space = sandbox.space("seed/development");
    let private = sandbox.v3_get("admin", &format!("{faulty}/visibility")).await.body;
    assert_eq!(private, json!({"type": "space", "space": {"name": "development", "guid": space}}));
    let plan = sandbox.v3_get("admin", &format!("{faulty}?include=space.organization")).await.body;
    assert_eq!(plan["relationships"]["space"]["data"]["guid"], json!(space));
    assert_eq!(plan["included"]["spaces"][0]["name"], "development");
    assert_eq!(plan["included"]["organizations"][0]["name"], "seed");

    let flag = "/v2/config/feature_flags/hide_marketplace_from_unauthenticated_users";
    sandbox.put("admin", flag, json!({"enabled": true})).await;
    for path in ["service_offerings", "service_plans", public.as_str()] {
        assert_eq!(sandbox.v3_get("", path).await.v3_error().1, 10002, "{path}");
    }
}

#[tokio::test]
async fn a_plan_for_nobody_is_for_admins() {
    let sandbox = Sandbox::start().await;
    sandbox.alter_plan("redis/small", |plan| plan.public = false);
    let path = format!("service_plans/{}", sandbox.plan("redis/small"));
    assert_eq!(sandbox.v3_get("admin", &path).await.body["visibility_type"], "admin");
    assert_eq!(sandbox.v3_get("admin", &format!("{path}/visibility")).await.body, json!({"type": "admin"}));
    assert_eq!(sandbox.v3_get("developer", &path).await.status, 404);
}

#[tokio::test]
async fn offerings_and_plans_are_labelled_by_their_keepers() {
    let sandbox = Sandbox::start().await;
    let offering = format!("service_offerings/{}", sandbox.offering("redis"));
    let plan = format!("service_plans/{}", sandbox.plan("redis/small"));
    for path in [&offering, &plan] {
        let body = json!({"metadata": {"labels": {"tier": "gold"}}});
        let refused = sandbox.v3("developer", "PATCH", path, body.clone()).await;
        assert_eq!(refused.v3_error().1, 10003, "{path}");
        let labelled = sandbox.v3("admin", "PATCH", path, body).await;
        assert_eq!((labelled.status, &labelled.body["metadata"]["labels"]), (200, &json!({"tier": "gold"})), "{path}");
        let wrong = sandbox.v3("admin", "PATCH", path, json!({"name": "a"})).await;
        assert_eq!(wrong.unprocessable(), "Unknown field(s): 'name'", "{path}");
    }
    assert_eq!(sandbox.v3_get("admin", "service_offerings?label_selector=tier%3Dgold").await.names(), ["redis"]);
    assert_eq!(sandbox.v3_get("admin", "service_plans?label_selector=tier").await.names(), ["small"]);
}

#[tokio::test]
async fn brokers_are_shown_to_those_who_read_everything_and_to_their_owners() {
    let sandbox = Sandbox::start().await;
    let path = format!("service_brokers/{}", sandbox.broker("second-broker"));
    let all = ["main-broker", "second-broker", "seed-broker"];
    assert_eq!(sandbox.v3_get("admin", "service_brokers").await.names(), all);
    assert_eq!(sandbox.v3_get("admin", "service_brokers?names=seed-broker,x").await.names(), ["seed-broker"]);
    assert_eq!(sandbox.v3_get("admin", "service_brokers?names=Seed-Broker").await.names(), [""; 0]);
    assert_eq!(sandbox.v3_get("developer", "service_brokers").await.names(), [""; 0]);
    assert_eq!(sandbox.v3_get("developer", &path).await.v3_error().3, "Service broker not found");
    let dev = sandbox.dev();
    sandbox.confine("second-broker", &dev);
    assert_eq!(sandbox.v3_get("developer", "service_brokers").await.names(), ["second-broker"]);
    let broker = sandbox.v3_get("developer", &path).await.body;
    assert_eq!(broker["relationships"], json!({"space": {"data": {"guid": dev}}}));
    assert_eq!(sandbox.v3_get("admin", &format!("service_brokers?space_guids={dev}")).await.names(), ["second-broker"]);
    let own = sandbox.v3_get("developer", "service_plans?names=never-finishes").await;
    assert_eq!(own.body["resources"][0]["visibility_type"], "space");
}
