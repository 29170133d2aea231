use super::*;

#[tokio::test]
async fn the_root_links_to_the_host_the_client_dialled() {
    let sandbox = Sandbox::start().await;
    let answer = sandbox.get("", "/").await;
    let links = &answer.body["links"];
    assert_eq!(links["self"]["href"], sandbox.base);
    assert_eq!(links["cloud_controller_v2"]["href"], format!("{}/v2", sandbox.base));
    assert_eq!(links["cloud_controller_v2"]["meta"]["version"], "2.293.0");
    assert_eq!((&links["login"]["href"], &links["uaa"]["href"]), (&json!(sandbox.base), &json!(sandbox.base)));
    assert_eq!(
        links["cloud_controller_v3"],
        json!({"href": format!("{}/v3", sandbox.base), "meta": {"version": "3.228.0"}})
    );
    assert!(links["credhub"].is_null() && links.get("credhub").is_some(), "present, and null");

    let request = sandbox.http.get(format!("{}/", sandbox.base)).header("host", "cf.example.com:81");
    assert_eq!(read(request).await.body["links"]["uaa"]["href"], "http://cf.example.com:81");
}

#[tokio::test]
async fn info_names_the_versions_and_the_user() {
    let sandbox = Sandbox::start().await;
    let nobody = sandbox.get("", "/v2/info").await;
    assert_eq!(nobody.body["api_version"], "2.293.0");
    assert_eq!(nobody.body["token_endpoint"], sandbox.base);
    assert!(nobody.body.get("user").is_none());
    assert_eq!(sandbox.get("developer", "/v2/info").await.body["user"], "user-developer");
}

#[tokio::test]
async fn a_foundation_without_v2_answers_only_info_there() {
    let sandbox = Sandbox::with(|options| options.v2 = false).await;
    assert!(sandbox.get("", "/").await.body["links"].get("cloud_controller_v2").is_none());
    let info = sandbox.get("", "/v2/info").await;
    assert_eq!((&info.body["api_version"], &info.body["support"]), (&json!(""), &json!("CF API v2 is disabled")));
    let v3_shape = json!({"errors": [{"detail": "Unknown request", "title": "CF-NotFound", "code": 10000}]});
    for path in ["/v2/service_instances", "/v2/organizations", "/v2/nothing", "/v2"] {
        let answer = sandbox.get("admin", path).await;
        assert_eq!((answer.status, &answer.body), (404, &v3_shape), "{path}");
        assert_eq!(answer.header("x-vcap-request-id"), None, "nginx answers, not the Cloud Controller");
    }
    assert_eq!(sandbox.v3_get("admin", "organizations").await.status, 200);
}

#[tokio::test]
async fn a_foundation_without_v3_knows_no_path_there() {
    let sandbox = Sandbox::with(|options| options.v3 = false).await;
    let links = &sandbox.get("", "/").await.body["links"];
    assert!(links.get("cloud_controller_v3").is_none() && links.get("cloud_controller_v2").is_some());
    for path in ["/v3", "/v3/info", "/v3/organizations"] {
        let answer = sandbox.get("admin", path).await;
        assert_eq!(answer.v3_error(), (404, 10000, "CF-NotFound", "Unknown request"), "{path}");
    }
    assert_eq!(sandbox.get("admin", "/v2/organizations").await.status, 200);
}

#[tokio::test]
async fn v3_tells_where_its_collections_are_and_who_serves_them() {
    let sandbox = Sandbox::start().await;
    let root = sandbox.get("", "/v3").await;
    assert_eq!(root.status, 200);
    let links = root.body["links"].as_object().expect("links");
    for (name, link) in links.iter().filter(|(name, _)| *name != "self") {
        assert_eq!(link["href"], format!("{}/v3/{name}", sandbox.base));
    }
    assert_eq!(links["self"]["href"], format!("{}/v3", sandbox.base));
    let info = sandbox.get("", "/v3/info").await;
    assert_eq!((info.status, &info.body["osbapi_version"]), (200, &json!("2.15")));
    assert_eq!(info.body["rate_limits"]["enabled"], false);
    assert!(info.body.get("api_version").is_none(), "only the root tells the version of the API");
}

#[tokio::test]
async fn an_unknown_path_is_not_found_in_the_shape_of_its_version() {
    let sandbox = Sandbox::start().await;
    for (method, path) in
        [("GET", "/nothing"), ("GET", "/v2/nothing"), ("PATCH", "/v2/service_instances"), ("GET", "/v2")]
    {
        let answer = sandbox.raw("", method, path, String::new()).await;
        assert_eq!(answer.error(), (404, 10000, "CF-NotFound"), "{method} {path}");
        assert!(answer.text.ends_with('\n'), "v2's errors end in a newline");
    }
    for (method, path) in [("GET", "nothing"), ("PUT", "organizations"), ("GET", "organizations/a/b/c")] {
        let answer = sandbox.v3("", method, path, Value::Null).await;
        assert_eq!(answer.v3_error(), (404, 10000, "CF-NotFound", "Unknown request"), "{method} {path}");
    }
}

#[tokio::test]
async fn the_request_id_of_the_client_comes_back_cleaned_with_one_of_our_own() {
    let sandbox = Sandbox::start().await;
    let long = "a".repeat(300);
    let table = [
        (None, None, String::new()),
        (Some("abc_D-1"), None, "abc_D-1::".to_owned()),
        (Some("a b/c"), Some("other"), "abc::".to_owned()),
        (None, Some("other"), "other::".to_owned()),
        (Some(long.as_str()), None, format!("{}::", "a".repeat(255))),
    ];
    for (vcap, plain, prefix) in table {
        let mut request = sandbox.http.get(format!("{}/v2/info", sandbox.base));
        for (name, value) in [("x-vcap-request-id", vcap), ("x-request-id", plain)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        let answer = read(request).await;
        let id = answer.header("x-vcap-request-id").expect("every answer has one");
        let own = id.strip_prefix(&prefix).unwrap_or_else(|| panic!("{id} begins with {prefix}"));
        assert_eq!(own.len(), 36, "{id}");
    }
}

#[tokio::test]
async fn warnings_are_encoded_one_by_one() {
    let sandbox =
        Sandbox::with(|options| options.warnings = vec!["v2 is old, use v3".to_owned(), "50%".to_owned()]).await;
    for path in ["/v2/info", "/v2/service_instances", "/v3/service_plans", "/v3/nothing"] {
        let answer = sandbox.get("", path).await;
        assert_eq!(answer.header("x-cf-warnings"), Some("v2+is+old%2C+use+v3,50%25"), "{path}");
    }
    assert_eq!(Sandbox::start().await.get("", "/v2/info").await.header("x-cf-warnings"), None);
}
