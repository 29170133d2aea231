use super::*;

const PATH: &str = "/v2/service_instances";

async fn provided(sandbox: &Sandbox, name: &str, space: &str) -> String {
    let body = json!({"name": name, "space_guid": space});
    sandbox.post("admin", "/v2/user_provided_service_instances", body).await.guid()
}

#[tokio::test]
async fn instances_are_found_by_what_they_are_and_where() {
    let sandbox = Sandbox::start().await;
    let (dev, seed) = (sandbox.dev(), sandbox.space("seed/development"));
    let small = sandbox.plan("redis/small");
    sandbox.make("a", "redis/small").await;
    let b = sandbox.make("b", "redis/large").await;
    let key = sandbox.post("admin", "/v2/service_keys", json!({"name": "k", "service_instance_guid": b})).await.guid();
    for name in ["a", "c"] {
        let body = json!({"name": name, "space_guid": seed, "service_plan_guid": small});
        sandbox.post("admin", PATH, body).await.guid();
    }
    provided(&sandbox, "p", &dev).await;
    let (sandbox_org, seed_org) = (sandbox.organization("sandbox"), sandbox.organization("seed"));
    let table = [
        (String::new(), vec!["a", "b", "a", "c"]),
        ("q=name:a".to_owned(), vec!["a", "a"]),
        ("q=name:A".to_owned(), vec![]),
        ("q=name:p".to_owned(), vec![]),
        ("q=name%20IN%20b,c,p".to_owned(), vec!["b", "c"]),
        ("q=name%3Ea".to_owned(), vec!["b", "c"]),
        ("q=name:".to_owned(), vec![]),
        (format!("q=space_guid:{dev}"), vec!["a", "b"]),
        (format!("q=space_guid%20IN%20{dev},{seed}"), vec!["a", "b", "a", "c"]),
        (format!("q=name:a&q=space_guid:{seed}"), vec!["a"]),
        (format!("q=name:p&q=space_guid:{dev}"), vec![]),
        (format!("q=name:b&q=space_guid:{seed}"), vec![]),
        (format!("q=service_plan_guid:{small}"), vec!["a", "a", "c"]),
        (format!("q=service_plan_guid:{small}&q=space_guid:{dev}"), vec!["a"]),
        (format!("q=organization_guid:{seed_org}"), vec!["a", "c"]),
        (format!("q=organization_guid%20IN%20{seed_org},{sandbox_org}"), vec!["a", "b", "a", "c"]),
        (format!("q=organization_guid:{seed_org}&q=name:c"), vec!["c"]),
        (format!("q=service_key_guid:{key}"), vec!["b"]),
        ("q=service_binding_guid:none".to_owned(), vec![]),
        ("q=gateway_name:".to_owned(), vec!["a", "b", "a", "c"]),
        ("order-direction=desc".to_owned(), vec!["c", "a", "b", "a"]),
        (format!("q=space_guid:{dev};name:b"), vec!["b"]),
    ];
    for (query, names) in table {
        assert_eq!(sandbox.get("admin", &format!("{PATH}?{query}")).await.each("name"), names, "{query}");
    }
    assert_eq!(sandbox.get("admin", "/v2/managed_service_instances").await.body["total_results"], 4);
    let of_plan = format!("/v2/service_plans/{small}/service_instances?q=space_guid:{dev}");
    assert_eq!(sandbox.get("admin", &of_plan).await.each("name"), ["a"]);
}

#[tokio::test]
async fn a_filter_by_name_takes_the_whole_value_but_not_below_a_space() {
    let sandbox = Sandbox::start().await;
    let dev = sandbox.dev();
    let odd = format!("a;space_guid:{dev}");
    for name in ["a", odd.as_str(), "x;y", "x;;y"] {
        sandbox.make(name, "redis/small").await;
    }
    let below = format!("/v2/spaces/{dev}/service_instances");
    let table = [
        (PATH, format!("name:a;space_guid:{dev}"), vec![odd.as_str()]),
        (PATH, "name:x;y".to_owned(), vec!["x;y"]),
        (PATH, "name:x;;y".to_owned(), vec!["x;;y"]),
        (below.as_str(), format!("name:a;space_guid:{dev}"), vec!["a"]),
        (below.as_str(), "name:x;;y".to_owned(), vec!["x;y"]),
    ];
    for (path, q, names) in table {
        let query: String = url::form_urlencoded::byte_serialize(q.as_bytes()).collect();
        assert_eq!(sandbox.get("admin", &format!("{path}?q={query}")).await.each("name"), names, "{path} {q}");
    }
}

#[tokio::test]
async fn a_list_that_is_asked_for_wrongly_is_refused() {
    let sandbox = Sandbox::start().await;
    let table = [
        ("order-by=name", 500, 10012),
        ("order-by=id", 500, 10012),
        ("results-per-page=101", 400, 10005),
        ("page=one", 500, 10001),
        ("order-direction=down", 400, 10005),
        ("inline-relations-depth=4", 400, 10005),
        ("q=label:a", 400, 10005),
    ];
    for (query, status, code) in table {
        let answer = sandbox.get("admin", &format!("{PATH}?{query}")).await;
        assert_eq!((answer.status, answer.error().1), (status, code), "{query}");
    }
    assert_eq!(sandbox.get("admin", &format!("{PATH}?page=one")).await.error().2, "UnknownError", "without a prefix");
}

#[tokio::test]
async fn pages_are_walked_by_their_links() {
    let sandbox = Sandbox::start().await;
    for number in 0..23 {
        sandbox.make(&format!("i{number:02}"), "redis/small").await;
    }
    let mut path = format!("{PATH}?results-per-page=10&q=space_guid:{}", sandbox.dev());
    let mut names = Vec::new();
    let mut pages = 0;
    loop {
        let answer = sandbox.get("admin", &path).await;
        assert_eq!((&answer.body["total_results"], &answer.body["total_pages"]), (&json!(23), &json!(3)));
        names.extend(answer.each("name").into_iter().map(str::to_owned));
        pages += 1;
        let Some(next) = answer.body["next_url"].as_str() else { break };
        assert!(next.starts_with("/v2/service_instances?"), "relative: {next}");
        path = next.to_owned();
    }
    assert_eq!((pages, names), (3, (0..23).map(|number| format!("i{number:02}")).collect()));
    assert_eq!(sandbox.get("admin", PATH).await.body["resources"].as_array().expect("a list").len(), 23);
}

#[tokio::test]
async fn a_space_lists_both_kinds_if_asked_and_what_is_shared_with_it() {
    let sandbox = Sandbox::start().await;
    let (dev, qa) = (sandbox.dev(), sandbox.new_space("sandbox", "qa").await);
    let shared = sandbox.make("shared", "redis/small").await;
    sandbox.share(&shared, &qa);
    provided(&sandbox, "p", &qa).await;
    let body = json!({"name": "own", "space_guid": qa, "service_plan_guid": sandbox.plan("redis/small")});
    sandbox.post("admin", PATH, body).await.guid();
    let below = |space: &str, query: &str| format!("/v2/spaces/{space}/service_instances{query}");
    let both = "?return_user_provided_service_instances=true";
    let table = [
        (below(&qa, ""), vec!["shared", "own"]),
        (below(&qa, both), vec!["shared", "p", "own"]),
        (below(&qa, &format!("{both}&q=name:p")), vec!["p"]),
        (below(&dev, both), vec!["shared"]),
        (format!("{PATH}?q=space_guid:{qa}"), vec!["own"]),
    ];
    for (path, names) in table {
        assert_eq!(sandbox.get("admin", &path).await.each("name"), names, "{path}");
    }
    let home = sandbox.get("admin", &below(&qa, "")).await;
    assert_eq!(home.each("space_guid"), [dev.as_str(), qa.as_str()], "a shared one says where it lives");
    assert_eq!(sandbox.get("admin", &below("none", "")).await.error().1, 40004);
}

#[tokio::test]
async fn relations_are_put_into_their_parents_on_demand() {
    let sandbox = Sandbox::start().await;
    sandbox.make("a", "redis/small").await;
    let deep = sandbox.get("admin", &format!("{PATH}?inline-relations-depth=1")).await;
    let entity = &deep.body["resources"][0]["entity"];
    assert_eq!(entity["space"]["entity"]["name"], "dev");
    assert_eq!(entity["service_plan"]["entity"]["name"], "small");
    let flat = sandbox.get("admin", PATH).await;
    assert!(flat.body["resources"][0]["entity"].get("space").is_none());
    let organization = format!("/v2/organizations/{}?inline-relations-depth=1", sandbox.organization("sandbox"));
    assert_eq!(sandbox.get("admin", &organization).await.entity()["spaces"][0]["entity"]["name"], "dev");
    for number in 0..50 {
        sandbox.new_space("sandbox", &format!("s{number}")).await;
    }
    assert!(sandbox.get("admin", &organization).await.entity().get("spaces").is_none(), "more than 50 are not");
}

#[tokio::test]
async fn nothing_is_bound_to_an_instance() {
    let sandbox = Sandbox::start().await;
    let guid = sandbox.make("a", "redis/small").await;
    let own = provided(&sandbox, "p", &sandbox.dev()).await;
    for path in [
        format!("{PATH}/{guid}/service_bindings"),
        format!("{PATH}/{guid}/routes"),
        format!("/v2/user_provided_service_instances/{own}/service_bindings"),
        format!("/v2/user_provided_service_instances/{own}/routes"),
    ] {
        assert_eq!(sandbox.get("admin", &path).await.body["total_results"], 0, "{path}");
    }
    assert_eq!(sandbox.get("admin", &format!("{PATH}/{guid}/shared_from")).await.status, 204);
}
