use super::super::Order;
use super::super::marketplace::{BrokerStep, Trouble};
use super::*;

fn key(name: &str, instance: &str) -> Value {
    json!({"type": "key", "name": name, "relationships": {"service_instance": {"data": {"guid": instance}}}})
}

const KEYS: &str = "service_credential_bindings";

#[tokio::test]
async fn a_key_is_made_by_a_job_and_its_credentials_are_kept_apart() {
    let sandbox = Sandbox::start().await;
    let instance = sandbox.make("a", "redis/small").await;
    let created = sandbox.v3("developer", "POST", KEYS, key("k", &instance)).await;
    assert_eq!((created.status, created.text.as_str()), (202, ""));
    let list = sandbox.v3_get("auditor", &format!("{KEYS}?include=service_instance&names=k")).await;
    let row = &list.body["resources"][0];
    let guid = row["guid"].as_str().expect("it is visible at once").to_owned();
    assert_eq!((&row["type"], &row["last_operation"]["state"]), (&json!("key"), &json!("initial")));
    assert_eq!(row.get("credentials"), None);
    assert_eq!(list.body["included"]["service_instances"][0]["name"], "a");
    let details = format!("{KEYS}/{guid}/details");
    let early = sandbox.v3_get("developer", &details).await;
    assert_eq!(early.v3_error(), (404, 10010, "CF-ResourceNotFound", "Creation of service key in progress"));
    let busy = sandbox.v3("developer", "DELETE", &format!("{KEYS}/{guid}"), Value::Null).await;
    assert_eq!(busy.unprocessable(), "There is an operation in progress for the service binding.");
    sandbox.advance(100);
    let told = sandbox.v3_get("developer", &details).await;
    assert_eq!(told.body["credentials"]["username"], json!(format!("user-{guid}")));
    assert_eq!(sandbox.v3_get("auditor", &details).await.v3_error().3, "Service credential binding not found");
    let v2 = sandbox.get("developer", &format!("/v2/service_keys/{guid}")).await;
    assert_eq!(v2.entity()["credentials"], told.body["credentials"]);
    let location = created.header("location").expect("a job").rsplit('/').next().expect("a guid").to_owned();
    let job = sandbox.v3_get("auditor", &format!("jobs/{location}")).await;
    assert_eq!((&job.body["operation"], &job.body["state"]), (&json!("service_keys.create"), &json!("COMPLETE")));
    assert!(job.body["links"].get("service_credential_binding").is_some());
    let labels = json!({"metadata": {"labels": {"a": "b"}}});
    let labelled = sandbox.v3("developer", "PATCH", &format!("{KEYS}/{guid}"), labels).await;
    assert_eq!((labelled.status, &labelled.body["metadata"]["labels"]), (200, &json!({"a": "b"})));
    let named = sandbox.v3("developer", "PATCH", &format!("{KEYS}/{guid}"), json!({"name": "x"})).await;
    assert_eq!(named.unprocessable(), "Unknown field(s): 'name'");
    assert_eq!(sandbox.v3("developer", "DELETE", &format!("{KEYS}/{guid}"), Value::Null).await.status, 202);
    sandbox.advance(100);
    assert_eq!(sandbox.v3_get("developer", &format!("{KEYS}/{guid}")).await.status, 404);
}

#[tokio::test]
async fn a_key_that_cannot_be_is_refused() {
    let sandbox = Sandbox::start().await;
    let instance = sandbox.make("a", "redis/small").await;
    let bucket = sandbox.make("b", "object-store/bucket").await;
    let slow = sandbox.begin("c", "postgres/small").await;
    let body = json!({"name": "u", "space_guid": sandbox.dev()});
    let provided = sandbox.post("admin", "/v2/user_provided_service_instances", body).await.guid();
    sandbox.post("admin", "/v2/service_keys", json!({"name": "k", "service_instance_guid": instance})).await.guid();
    let app = json!({"type": "app", "relationships": {
        "service_instance": {"data": {"guid": instance}}, "app": {"data": {"guid": "x"}}}});
    let table = [
        (key("k", "none"), "The service instance could not be found: 'none'"),
        (key("", &instance), "Name can't be blank"),
        (app, "The app could not be found: 'x'"),
        (
            key("k", &instance),
            "The binding name is invalid. Key binding names must be unique. \
             The service instance already has a key binding with name 'k'.",
        ),
        (key("k", &bucket), "Service plan does not allow bindings."),
        (key("k", &slow), "There is an operation in progress for the service instance"),
        (
            key("k", &provided),
            "Service credential bindings of type 'key' are not supported for user-provided service instances.",
        ),
    ];
    for (body, detail) in table {
        assert_eq!(sandbox.v3("developer", "POST", KEYS, body.clone()).await.unprocessable(), detail, "{body}");
    }
    assert_eq!(sandbox.v3("auditor", "POST", KEYS, key("x", &instance)).await.v3_error().1, 10003);
    let old = sandbox.v3_get("admin", KEYS).await;
    assert_eq!(old.body["resources"][0]["last_operation"], Value::Null, "v2 keeps none");
}

#[tokio::test]
async fn a_key_whose_create_failed_is_replaced_by_the_next_of_its_name() {
    let sandbox = Sandbox::start().await;
    let instance = sandbox.make("a", "redis/small").await;
    let trouble = Trouble::Refuse { status: 500, description: "no".to_owned() };
    sandbox.foundation.order(Order::on(BrokerStep::Bind, "a").but(trouble));
    let created = sandbox.v3("developer", "POST", KEYS, key("k", &instance)).await;
    sandbox.advance(100);
    let guid = sandbox.v3_get("admin", KEYS).await.body["resources"][0]["guid"].as_str().expect("a key").to_owned();
    let failed = sandbox.v3_get("developer", &format!("{KEYS}/{guid}/details")).await;
    assert_eq!(failed.v3_error().3, "Creation of service key failed");
    let job = created.header("location").expect("a job").rsplit('/').next().expect("a guid").to_owned();
    let job = sandbox.v3_get("admin", &format!("jobs/{job}")).await;
    assert_eq!(job.body["errors"][0]["detail"], "bind could not be completed: Service broker error: no");
    assert_eq!(sandbox.v3("developer", "POST", KEYS, key("k", &instance)).await.status, 202);
    sandbox.advance(100);
    let list = sandbox.v3_get("admin", KEYS).await;
    assert_eq!((list.names(), &list.body["resources"][0]["last_operation"]["state"]), (vec!["k"], &json!("succeeded")));
}
