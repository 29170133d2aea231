//! The sandbox steered over HTTP.

use super::*;

fn managed(sandbox: &Sandbox, name: &str, plan: &str) -> Value {
    json!({"type": "managed", "name": name, "relationships": {
        "space": {"data": {"guid": sandbox.dev()}}, "service_plan": {"data": {"guid": sandbox.plan(plan)}}}})
}

async fn state(sandbox: &Sandbox, name: &str) -> String {
    let list = sandbox.v3_get("admin", &format!("service_instances?names={name}")).await;
    let operation = &list.body["resources"][0]["last_operation"];
    format!("{}/{}", operation["type"].as_str().unwrap_or("-"), operation["state"].as_str().unwrap_or("-"))
}

#[tokio::test]
async fn an_order_is_given_obeyed_once_and_taken_back() {
    let sandbox = Sandbox::start().await;
    let order =
        json!({"instance": "a", "step": "provision", "trouble": {"refuse": {"status": 500, "description": "no"}}});
    assert_eq!(sandbox.steer("POST", "broker/orders", order.clone()).await.status, 201);
    assert_eq!(sandbox.steer("GET", "broker/orders", Value::Null).await.body[0]["instance"], "a");
    let wish = sandbox.wish("a", "redis/small");
    assert_eq!(sandbox.post("admin", "/v2/service_instances", wish.clone()).await.status, 502);
    assert_eq!(sandbox.steer("GET", "broker/orders", Value::Null).await.body, json!([]));
    sandbox.steer("POST", "broker/orders", order).await;
    assert_eq!(sandbox.steer("DELETE", "broker/orders", Value::Null).await.status, 204);
    assert_eq!(sandbox.post("admin", "/v2/service_instances", wish).await.status, 201);
    let unknown = sandbox.steer("POST", "broker/orders", json!({"instanse": "a"})).await;
    assert!(unknown.status == 400 && unknown.text.contains("instanse"), "{}", unknown.text);
}

#[tokio::test]
async fn what_is_in_progress_ends_when_it_is_released() {
    let sandbox = Sandbox::start().await;
    let (one, other) = (sandbox.begin("a", "postgres/small").await, sandbox.begin("b", "postgres/small").await);
    let body = json!({"instance": "a", "failure": "no room"});
    assert_eq!(sandbox.steer("POST", "broker/release", body).await.body, json!({"released": 1}));
    assert_eq!(sandbox.operation(&one).await, "create/failed");
    assert_eq!(sandbox.operation(&other).await, "create/in progress");
    assert_eq!(sandbox.steer("POST", "broker/release", json!({})).await.body, json!({"released": 1}));
    assert_eq!(sandbox.operation(&other).await, "create/succeeded");
    assert_eq!(sandbox.steer("POST", "broker/release", json!({"name": "a"})).await.status, 400);
}

#[tokio::test]
async fn jobs_are_held_back_and_run_when_they_are_told_to() {
    let sandbox = Sandbox::start().await;
    assert_eq!(sandbox.steer("PUT", "jobs", json!({"delay_ms": 3_600_000})).await.status, 204);
    sandbox.v3("admin", "POST", "service_instances", managed(&sandbox, "a", "postgres/small")).await;
    sandbox.advance(60_000);
    assert_eq!(state(&sandbox, "a").await, "create/initial");
    assert_eq!(sandbox.steer("POST", "jobs", Value::Null).await.body, json!({"run": 1}));
    assert_eq!(state(&sandbox, "a").await, "create/in progress");
    sandbox.advance(1000);
    assert_eq!(state(&sandbox, "a").await, "create/succeeded");
    let old = sandbox.make("b", "redis/small").await;
    assert_eq!(sandbox.delete("admin", &format!("/v2/service_instances/{old}?async=true")).await.status, 202);
    assert_eq!(sandbox.operation(&old).await, "create/succeeded");
    assert_eq!(sandbox.steer("POST", "jobs", Value::Null).await.body, json!({"run": 1}));
    assert_eq!(sandbox.operation(&old).await, "gone");
    assert_eq!(sandbox.steer("PUT", "jobs", json!({"delay": 1})).await.status, 400);
}

#[tokio::test]
async fn nothing_is_written_into_what_a_job_is_about_to_delete() {
    let sandbox = Sandbox::start().await;
    let guid = sandbox.make("a", "redis/small").await;
    let (space, wish) = (sandbox.dev(), managed(&sandbox, "b", "redis/small"));
    sandbox.steer("PUT", "jobs", json!({"delay_ms": 1000})).await;
    assert_eq!(sandbox.v3("admin", "DELETE", &format!("spaces/{space}"), Value::Null).await.status, 202);
    let saying = (422, 10020, "CF-ResourceBeingDeleted", "The space is being deleted");
    let own = format!("service_instances/{guid}");
    for (method, path, body) in [
        ("POST", "service_instances", wish.clone()),
        ("PATCH", own.as_str(), json!({"tags": []})),
        ("DELETE", own.as_str(), Value::Null),
    ] {
        assert_eq!(sandbox.v3("admin", method, path, body).await.v3_error(), saying, "{method}");
    }
    assert_eq!(sandbox.v3("auditor", "POST", "service_instances", wish).await.v3_error().1, 10003, "roles come first");
    sandbox.advance(1000);
    assert_eq!(sandbox.v3_get("admin", &own).await.status, 404);
}
