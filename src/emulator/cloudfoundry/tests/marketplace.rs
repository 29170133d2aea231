use super::*;

#[tokio::test]
async fn the_marketplace_is_open_unless_a_flag_hides_it() {
    let sandbox = Sandbox::start().await;
    let shown = sandbox.get("", "/v2/services?results-per-page=100").await;
    let labels = ["postgres", "redis", "queue", "object-store", "cache", "cache", "faulty", "seed-service"];
    assert_eq!(shown.each("label"), labels, "all but `search`, which is not public");
    assert!(!sandbox.get("", "/v2/service_plans").await.each("name").contains(&"basic"));
    let flag = "/v2/config/feature_flags/hide_marketplace_from_unauthenticated_users";
    assert_eq!(sandbox.put("admin", flag, json!({"enabled": true})).await.body["enabled"], true);
    for path in ["/v2/services", "/v2/service_plans"] {
        assert_eq!(sandbox.get("", path).await.error().1, 10002, "{path}");
    }
}

#[tokio::test]
async fn services_are_filtered_and_hold_their_plans() {
    let sandbox = Sandbox::start().await;
    let both = sandbox.get("admin", "/v2/services?q=label:CACHE&inline-relations-depth=1").await;
    assert_eq!(both.each("service_broker_name"), ["main-broker", "second-broker"]);
    for service in both.body["resources"].as_array().expect("a list") {
        assert_eq!(service["entity"]["service_plans"][0]["entity"]["name"], "small");
    }
    let flat = sandbox.get("admin", "/v2/services?q=label:postgres").await;
    assert!(flat.body["resources"][0]["entity"].get("service_plans").is_none());
    let extra = flat.body["resources"][0]["entity"]["extra"].as_str().expect("JSON in a string");
    assert!(serde_json::from_str::<Value>(extra).is_ok());
    let broker = both.each("service_broker_guid")[1].to_owned();
    let table = [
        (format!("q=label:cache&q=service_broker_guid:{broker}"), vec!["cache"]),
        ("q=unique_id:main-broker-redis".to_owned(), vec!["redis"]),
        (
            "q=provider:".to_owned(),
            vec![
                "postgres",
                "redis",
                "queue",
                "object-store",
                "search",
                "cache",
                "cache",
                "faulty",
                "seed-service",
                "private",
            ],
        ),
        ("q=provider:core".to_owned(), vec![]),
        ("q=active:false".to_owned(), vec![]),
    ];
    for (query, labels) in table {
        assert_eq!(sandbox.get("admin", &format!("/v2/services?{query}")).await.each("label"), labels, "{query}");
    }
    assert_eq!(sandbox.get("admin", "/v2/services?q=name:a").await.error().1, 10005);
}

#[tokio::test]
async fn plans_are_filtered_by_everything_but_their_name() {
    let sandbox = Sandbox::start().await;
    let instance = sandbox.make("db", "redis/large").await;
    let postgres = sandbox.offering("postgres");
    let brokers = sandbox.get("admin", "/v2/service_brokers?q=name:seed-broker").await;
    let broker = brokers.body["resources"][0]["metadata"]["guid"].as_str().expect("a guid").to_owned();
    let table = [
        (format!("/v2/service_plans?q=service_guid:{postgres}"), vec!["small", "large", "legacy"]),
        (format!("/v2/service_plans?q=service_guid:{postgres}&q=active:true"), vec!["small", "large"]),
        (format!("/v2/service_plans?q=service_guid:{postgres}&q=active:false"), vec!["legacy"]),
        (format!("/v2/services/{postgres}/service_plans"), vec!["small", "large", "legacy"]),
        (format!("/v2/services/{postgres}/service_plans?q=active:f"), vec!["legacy"]),
        (format!("/v2/service_plans?q=service_instance_guid%20IN%20{instance},none"), vec!["large"]),
        (format!("/v2/service_plans?q=service_broker_guid:{broker}"), vec!["seed-plan"]),
        // A first filter by broker silences the others; a later one does not.
        (format!("/v2/service_plans?q=service_broker_guid:{broker}&q=active:false"), vec!["seed-plan"]),
        (format!("/v2/service_plans?q=active:false&q=service_broker_guid:{broker}"), vec![]),
        ("/v2/service_plans?q=unique_id:main-broker-postgres-large".to_owned(), vec!["large"]),
    ];
    for (path, names) in table {
        assert_eq!(sandbox.get("admin", &path).await.each("name"), names, "{path}");
    }
    assert_eq!(
        sandbox.get("admin", "/v2/service_plans?q=name:small").await.error(),
        (400, 10005, "CF-BadQueryParameter")
    );
}

#[tokio::test]
async fn a_plan_tells_its_price_its_schema_and_what_it_can() {
    let sandbox = Sandbox::start().await;
    let plan = |path: &str| format!("/v2/service_plans/{}", sandbox.plan(path));
    let large = sandbox.get("admin", &plan("postgres/large")).await;
    assert_eq!((&large.entity()["free"], &large.entity()["plan_updateable"]), (&json!(false), &json!(null)));
    let small = sandbox.get("admin", &format!("{}?inline-relations-depth=1", plan("postgres/small"))).await;
    assert_eq!(small.entity()["maintenance_info"], json!({"version": "1.1.0"}));
    assert_eq!(small.entity()["service"]["entity"]["label"], "postgres");
    assert_eq!(small.entity()["schemas"]["service_instance"]["create"]["parameters"], json!({}));
    let bucket = sandbox.get("admin", &plan("object-store/bucket")).await;
    assert_eq!(bucket.entity()["schemas"]["service_instance"]["create"]["parameters"]["required"], json!(["region"]));
    let queue = sandbox.get("admin", &format!("/v2/services/{}", sandbox.offering("queue"))).await;
    assert_eq!(queue.entity()["plan_updateable"], false);
    for (path, code) in
        [("/v2/service_plans/none", 110_003), ("/v2/services/none", 120_003), ("/v2/service_brokers/none", 270_004)]
    {
        let answer = sandbox.get("admin", path).await;
        assert_eq!((answer.status, answer.error().1), (404, code), "{path}");
    }
}

#[tokio::test]
async fn a_plan_that_is_not_public_is_seen_where_it_is_enabled() {
    let sandbox = Sandbox::start().await;
    sandbox.new_space("seed", "other").await;
    let (dev, other) = (sandbox.dev(), sandbox.space("seed/other"));
    let search = |space: &str| format!("/v2/spaces/{space}/services?q=label:search");
    assert_eq!(sandbox.get("admin", &search(&dev)).await.each("label"), ["search"]);
    assert_eq!(sandbox.get("admin", &search(&other)).await.each("label"), [""; 0]);
    assert_eq!(sandbox.get("developer", "/v2/services?q=label:search").await.each("label"), ["search"]);

    let (plan, seed) = (sandbox.plan("search/basic"), sandbox.organization("seed"));
    let body = json!({"service_plan_guid": plan, "organization_guid": seed});
    assert_eq!(sandbox.post("developer", "/v2/service_plan_visibilities", body.clone()).await.error().1, 10003);
    let created = sandbox.post("admin", "/v2/service_plan_visibilities", body.clone()).await;
    assert_eq!(created.status, 201);
    assert_eq!(sandbox.post("admin", "/v2/service_plan_visibilities", body).await.error().1, 260_002);
    assert_eq!(sandbox.get("admin", &search(&other)).await.each("label"), ["search"]);
    let list = format!("/v2/service_plan_visibilities?q=organization_guid:{seed}");
    assert_eq!(sandbox.get("admin", &list).await.each("service_plan_guid"), [plan.as_str()]);
    assert_eq!(sandbox.get("developer", &list).await.body["total_results"], 0);
    let path = format!("/v2/service_plan_visibilities/{}", created.guid());
    assert_eq!(sandbox.get("developer", &path).await.error().1, 10003);
    assert_eq!(sandbox.get("admin", &path).await.entity()["organization_guid"], json!(seed));
    assert_eq!(sandbox.delete("admin", &path).await.status, 204);
    assert_eq!(sandbox.get("admin", &path).await.error().1, 260_003);
    assert_eq!(sandbox.get("admin", &search(&other)).await.each("label"), [""; 0]);
    for body in [
        json!({"service_plan_guid": "none", "organization_guid": seed}),
        json!({"service_plan_guid": sandbox.plan("search/basic"), "organization_guid": "none"}),
        json!({"service_plan_guid": sandbox.plan("redis/small"), "organization_guid": seed}),
    ] {
        let answer = sandbox.post("admin", "/v2/service_plan_visibilities", body.clone()).await;
        assert_eq!(answer.error(), (400, 260_001, "CF-ServicePlanVisibilityInvalid"), "{body}");
    }
}

#[tokio::test]
async fn a_service_without_active_plans_cannot_be_used_but_is_listed() {
    let sandbox = Sandbox::start().await;
    sandbox.alter_plan("seed-service/seed-plan", |plan| plan.active = false);
    let in_space = format!("/v2/spaces/{}/services?q=label:seed-service", sandbox.dev());
    assert_eq!(sandbox.get("admin", &in_space).await.each("label"), [""; 0]);
    let all = sandbox.get("developer", "/v2/services?q=label:seed-service").await;
    assert_eq!(all.body["resources"][0]["entity"]["active"], false);
    assert_eq!(sandbox.get("admin", "/v2/services?q=active:false").await.each("label"), ["seed-service"]);
}

#[tokio::test]
async fn brokers_are_shown_to_those_who_read_everything() {
    let sandbox = Sandbox::start().await;
    let all = sandbox.get("admin", "/v2/service_brokers").await;
    assert_eq!(all.each("name"), ["main-broker", "second-broker", "seed-broker", "dev-broker"]);
    let path = all.body["resources"][0]["metadata"]["url"].as_str().expect("a path").to_owned();
    assert_eq!(sandbox.get("admin", &path).await.entity()["name"], "main-broker");
    let own = sandbox.get("developer", "/v2/service_brokers").await;
    assert_eq!(own.each("name"), ["dev-broker"], "the one of their space");
    assert_eq!(sandbox.get("developer", &path).await.error().1, 10003);
}

#[tokio::test]
async fn feature_flags_are_read_by_all_and_set_by_admins() {
    let sandbox = Sandbox::with(|options| options.feature_flags = vec![("user_org_creation".to_owned(), true)]).await;
    let all = sandbox.get("auditor", "/v2/config/feature_flags").await;
    let enabled: Vec<&Value> = all.body.as_array().expect("a list").iter().map(|flag| &flag["enabled"]).collect();
    assert_eq!(enabled, [&json!(false), &json!(true), &json!(true), &json!(true)]);
    let path = "/v2/config/feature_flags/service_instance_creation";
    assert_eq!(sandbox.get("auditor", path).await.body["enabled"], true);
    assert_eq!(sandbox.put("auditor", path, json!({"enabled": false})).await.error().1, 10003);
    assert_eq!(sandbox.put("admin", path, json!({"enabled": "no"})).await.error().1, 1001);
    let unknown = "/v2/config/feature_flags/none";
    assert_eq!(sandbox.get("admin", unknown).await.error(), (404, 330_000, "CF-FeatureFlagNotFound"));
    assert_eq!(sandbox.put("admin", unknown, json!({"enabled": true})).await.error().1, 330_000);
}
