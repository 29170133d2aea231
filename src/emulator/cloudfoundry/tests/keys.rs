use super::*;

const PATH: &str = "/v2/service_keys";

#[tokio::test]
async fn a_key_is_made_at_once_with_credentials() {
    let sandbox = Sandbox::start().await;
    let instance = sandbox.make("db", "postgres/small").await;
    let body = json!({"name": "k", "service_instance_guid": instance, "parameters": {}});
    let created = sandbox.post("developer", PATH, body).await;
    let (guid, path) = (created.guid(), format!("{PATH}/{}", created.guid()));
    assert_eq!((created.status, created.header("location")), (201, Some(path.as_str())));
    assert_eq!(created.entity()["credentials"]["username"], format!("user-{guid}"));
    assert_eq!(created.entity()["service_instance_url"], format!("/v2/service_instances/{instance}"));
    assert_eq!(sandbox.get("developer", &path).await.body, created.body);
    assert_eq!(sandbox.get("developer", &format!("{path}/parameters")).await.error().1, 90007);
    for list in [
        format!("{PATH}?q=service_instance_guid:{instance}"),
        format!("{PATH}?q=name:k"),
        format!("/v2/service_instances/{instance}/service_keys"),
    ] {
        assert_eq!(sandbox.get("developer", &list).await.each("name"), ["k"], "{list}");
        assert_eq!(sandbox.get("auditor", &list).await.each("name"), [""; 0], "{list}");
    }
    assert_eq!(sandbox.get("admin", &format!("{PATH}?q=name:other")).await.each("name"), [""; 0]);
    assert_eq!(sandbox.get("auditor", &path).await.error(), (404, 360_003, "CF-ServiceKeyNotFound"));
    assert_eq!(sandbox.delete("developer", &path).await.status, 204);
    assert_eq!(sandbox.get("developer", &path).await.error().1, 360_003);
}

#[tokio::test]
async fn a_key_that_cannot_be_is_refused() {
    let sandbox = Sandbox::start().await;
    let instance = sandbox.make("db", "redis/small").await;
    let bucket = sandbox.make("bucket", "object-store/bucket").await;
    let busy = sandbox.begin("busy", "postgres/small").await;
    let provided = json!({"name": "p", "space_guid": sandbox.dev()});
    let provided = sandbox.post("admin", "/v2/user_provided_service_instances", provided).await.guid();
    let body = |name: &str, guid: &str| json!({"name": name, "service_instance_guid": guid});
    assert_eq!(sandbox.post("admin", PATH, body("k", &instance)).await.status, 201);
    let table = [
        ("admin", body("k", &instance), (400, 360_001, "CF-ServiceKeyNameTaken")),
        ("admin", body("", &instance), (400, 360_002, "CF-ServiceKeyInvalid")),
        ("admin", body("k", &bucket), (400, 360_004, "CF-ServiceKeyNotSupported")),
        ("admin", body("k", &provided), (400, 360_004, "CF-ServiceKeyNotSupported")),
        ("admin", body("k", &busy), (409, 60016, "CF-AsyncServiceInstanceOperationInProgress")),
        ("admin", body("k", "none"), (404, 60004, "CF-ServiceInstanceNotFound")),
        ("admin", json!({"name": "k"}), (400, 1001, "CF-MessageParseError")),
        ("auditor", body("l", &instance), (403, 10003, "CF-NotAuthorized")),
        ("reader", body("l", &instance), (403, 10007, "CF-InsufficientScope")),
    ];
    for (user, body, error) in table {
        assert_eq!(sandbox.post(user, PATH, body.clone()).await.error(), error, "{user} {body}");
    }
}

#[tokio::test]
async fn a_key_cannot_be_deleted_while_its_instance_is_busy() {
    let sandbox = Sandbox::start().await;
    let instance = sandbox.make("db", "postgres/small").await;
    let key = sandbox.post("admin", PATH, json!({"name": "k", "service_instance_guid": instance})).await.guid();
    let update = format!("/v2/service_instances/{instance}?accepts_incomplete=true");
    sandbox.put("admin", &update, json!({"parameters": {}})).await;
    let path = format!("{PATH}/{key}");
    assert_eq!(
        sandbox.delete("admin", &path).await.error(),
        (409, 60016, "CF-AsyncServiceInstanceOperationInProgress")
    );
    assert_eq!(sandbox.delete("reader", &path).await.error().1, 10007);
    sandbox.advance(1000);
    assert_eq!(sandbox.delete("admin", &path).await.status, 204);
}
