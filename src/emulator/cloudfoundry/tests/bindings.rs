//! Bindings that take their time, and apps.

use super::*;
use crate::emulator::cloudfoundry::Order;
use crate::emulator::cloudfoundry::marketplace::{Behaviour, BrokerStep, SeedBroker, SeedOffering, SeedPlan, Trouble};

const BINDINGS: &str = "service_credential_bindings";

fn key(name: &str, instance: &str) -> Value {
    json!({"type": "key", "name": name, "relationships": {"service_instance": {"data": {"guid": instance}}}})
}

/// Begins to make a key in v3: its guid, and that of its job.
async fn begin_key(sandbox: &Sandbox, instance: &str) -> (String, String) {
    let created = sandbox.v3("developer", "POST", BINDINGS, key("k", instance)).await;
    assert_eq!(created.status, 202, "{}", created.text);
    let job = created.header("location").expect("a job").rsplit('/').next().expect("a guid").to_owned();
    let list = sandbox.v3_get("admin", &format!("{BINDINGS}?names=k")).await;
    (list.body["resources"][0]["guid"].as_str().expect("it is there at once").to_owned(), job)
}

async fn key_state(sandbox: &Sandbox, guid: &str) -> String {
    let answer = sandbox.v3_get("admin", &format!("{BINDINGS}/{guid}")).await;
    let operation = &answer.body["last_operation"];
    match answer.status {
        404 => "gone".to_owned(),
        _ => format!("{}/{}", operation["type"].as_str().unwrap(), operation["state"].as_str().unwrap()),
    }
}

async fn job_state(sandbox: &Sandbox, job: &str) -> String {
    let job = sandbox.v3_get("admin", &format!("jobs/{job}")).await;
    let detail = job.body["errors"][0]["detail"].as_str().map(|detail| format!(": {detail}"));
    format!("{}{}", job.body["state"].as_str().unwrap_or_default(), detail.unwrap_or_default())
}

fn slow_bindings(options: &mut Options) {
    let plans = vec![SeedPlan::new("plan", Behaviour::synchronous().binding_in(1000))];
    options.brokers = vec![SeedBroker::new("broker", vec![SeedOffering::new("slow-keys", plans)])];
}

#[tokio::test]
async fn a_key_that_takes_its_broker_a_while_is_polled_by_its_job() {
    let sandbox = Sandbox::with(slow_bindings).await;
    let instance = sandbox.make("a", "slow-keys/plan").await;
    let (guid, job) = begin_key(&sandbox, &instance).await;
    assert_eq!((key_state(&sandbox, &guid).await, job_state(&sandbox, &job).await).0, "create/initial");
    sandbox.advance(100);
    assert_eq!(key_state(&sandbox, &guid).await, "create/in progress");
    assert_eq!(job_state(&sandbox, &job).await, "POLLING");
    let details = format!("{BINDINGS}/{guid}/details");
    assert_eq!(sandbox.v3_get("developer", &details).await.v3_error().3, "Creation of service key in progress");
    sandbox.advance(1000);
    assert_eq!(key_state(&sandbox, &guid).await, "create/succeeded");
    assert_eq!(job_state(&sandbox, &job).await, "COMPLETE");
    let told = sandbox.v3_get("developer", &details).await;
    assert_eq!(told.body["credentials"]["username"], json!(format!("user-{guid}")));

    let deleted = sandbox.v3("developer", "DELETE", &format!("{BINDINGS}/{guid}"), Value::Null).await;
    let job = deleted.header("location").expect("a job").rsplit('/').next().expect("a guid").to_owned();
    sandbox.advance(100);
    assert_eq!(key_state(&sandbox, &guid).await, "delete/in progress");
    let again = sandbox.v3("developer", "DELETE", &format!("{BINDINGS}/{guid}"), Value::Null).await;
    assert_eq!(again.unprocessable(), "There is an operation in progress for the service binding.");
    assert_eq!(sandbox.v3_get("developer", &details).await.v3_error().3, "Deletion of service key in progress");
    sandbox.advance(1000);
    assert_eq!((key_state(&sandbox, &guid).await, job_state(&sandbox, &job).await), ("gone".into(), "COMPLETE".into()));
}

#[tokio::test]
async fn a_key_that_its_broker_fails_later_fails_with_its_job() {
    let sandbox = Sandbox::start().await;
    let instance = sandbox.make("a", "redis/small").await;
    let fail = || Trouble::FailLater("no more users".to_owned());
    sandbox.foundation.order(Order::on(BrokerStep::Bind, "a").taking(1000).but(fail()));
    let (guid, job) = begin_key(&sandbox, &instance).await;
    sandbox.advance(1100);
    assert_eq!(key_state(&sandbox, &guid).await, "create/failed");
    assert_eq!(job_state(&sandbox, &job).await, "FAILED: bind could not be completed: no more users");

    let (guid, _) = begin_key(&sandbox, &instance).await;
    sandbox.advance(100);
    sandbox.foundation.order(Order::on(BrokerStep::Unbind, "a").taking(1000).but(fail()));
    let deleted = sandbox.v3("developer", "DELETE", &format!("{BINDINGS}/{guid}"), Value::Null).await;
    let job = deleted.header("location").expect("a job").rsplit('/').next().expect("a guid").to_owned();
    sandbox.advance(1100);
    assert_eq!(key_state(&sandbox, &guid).await, "delete/failed");
    assert_eq!(job_state(&sandbox, &job).await, "FAILED: unbind could not be completed: no more users");
    assert_eq!(sandbox.v3("developer", "POST", BINDINGS, key("k", &instance)).await.status, 422, "its name is taken");
}

#[tokio::test]
async fn a_key_ends_when_it_is_released_or_looked_at_often_enough() {
    let sandbox = Sandbox::start().await;
    let instance = sandbox.make("a", "redis/small").await;
    sandbox.foundation.order(Order::on(BrokerStep::Bind, "a").but(Trouble::NeverEnd));
    let (guid, _) = begin_key(&sandbox, &instance).await;
    sandbox.advance(60_000);
    assert_eq!(key_state(&sandbox, &guid).await, "create/in progress");
    assert_eq!(sandbox.foundation.release(Some("b"), None), 0);
    assert_eq!(sandbox.foundation.release(Some("a"), None), 1);
    assert_eq!(key_state(&sandbox, &guid).await, "create/succeeded");
    sandbox.foundation.order(Order::on(BrokerStep::Unbind, "a").but(Trouble::EndAtLook { look: 2, failure: None }));
    sandbox.v3("developer", "DELETE", &format!("{BINDINGS}/{guid}"), Value::Null).await;
    sandbox.advance(100);
    assert_eq!(key_state(&sandbox, &guid).await, "delete/in progress");
    assert_eq!(key_state(&sandbox, &guid).await, "gone");
}

/// v2 knows only keys that are made at once.
#[tokio::test]
async fn v2_refuses_a_key_that_takes_its_time() {
    let sandbox = Sandbox::with(slow_bindings).await;
    let instance = sandbox.make("a", "slow-keys/plan").await;
    let body = json!({"name": "k", "service_instance_guid": instance});
    let refused = sandbox.post("developer", "/v2/service_keys", body).await;
    assert_eq!(refused.error(), (400, 10001, "CF-AsyncRequired"));
}

#[tokio::test]
async fn v3_deletes_an_instance_only_when_its_slow_unbinds_are_done() {
    let sandbox = Sandbox::with(slow_bindings).await;
    let instance = sandbox.make("a", "slow-keys/plan").await;
    let (guid, _) = begin_key(&sandbox, &instance).await;
    sandbox.advance(1100);
    let path = format!("service_instances/{instance}");
    for _ in 0..2 {
        let deleted = sandbox.v3("developer", "DELETE", &path, Value::Null).await;
        let job = deleted.header("location").expect("a job").rsplit('/').next().expect("a guid").to_owned();
        sandbox.advance(100);
        let detail = "delete could not be completed: An operation for service key k is in progress.";
        let job = sandbox.v3_get("admin", &format!("jobs/{job}")).await;
        assert_eq!(job.body["state"], "FAILED");
        assert!(job.body["errors"][0]["detail"].as_str().is_some_and(|said| detail.ends_with(said)), "{}", job.text);
        assert_eq!(sandbox.operation(&instance).await, "delete/failed");
        assert_eq!(key_state(&sandbox, &guid).await, "delete/in progress");
    }
    sandbox.advance(1000);
    assert_eq!(key_state(&sandbox, &guid).await, "gone");
    sandbox.v3("developer", "DELETE", &path, Value::Null).await;
    sandbox.advance(100);
    assert_eq!(sandbox.operation(&instance).await, "gone");
}

#[tokio::test]
async fn an_app_is_bound_by_control_and_seen_by_both_apis() {
    let sandbox = Sandbox::start().await;
    let instance = sandbox.make("a", "redis/small").await;
    sandbox.post("admin", "/v2/service_keys", json!({"name": "k", "service_instance_guid": instance})).await.guid();
    let bound = sandbox.steer("POST", "bindings", json!({"instance": "a", "app": "web"})).await;
    assert_eq!(bound.status, 201);
    let guid = bound.v3_guid();

    let list =
        sandbox.v3_get("auditor", &format!("{BINDINGS}?type=app&include=app&service_instance_guids={instance}")).await;
    let row = &list.body["resources"][0];
    assert_eq!((&row["guid"], &row["type"], &row["name"]), (&json!(guid), &json!("app"), &Value::Null));
    let app = row["relationships"]["app"]["data"]["guid"].as_str().expect("an app").to_owned();
    assert_eq!(
        (&list.body["included"]["apps"][0]["guid"], &list.body["included"]["apps"][0]["name"]),
        (&json!(app), &json!("web"))
    );
    for (query, names) in [
        ("type=key".to_owned(), vec!["k"]),
        (format!("app_guids={app}"), vec![""]),
        ("app_names=web".to_owned(), vec![""]),
        ("app_names=other".to_owned(), vec![]),
        ("service_plan_names=small".to_owned(), vec!["k", ""]),
    ] {
        assert_eq!(sandbox.v3_get("admin", &format!("{BINDINGS}?{query}")).await.names(), names, "{query}");
    }
    let details = sandbox.v3_get("developer", &format!("{BINDINGS}/{guid}/details")).await;
    assert_eq!(details.body["credentials"]["username"], json!(format!("user-{guid}")));

    for list in [
        format!("/v2/service_bindings?q=service_instance_guid:{instance}"),
        format!("/v2/service_bindings?q=app_guid:{app}"),
        format!("/v2/service_instances/{instance}/service_bindings"),
    ] {
        assert_eq!(sandbox.get("auditor", &list).await.each("app_guid"), [&*app], "{list}");
    }
    assert_eq!(sandbox.get("admin", "/v2/service_keys").await.each("name"), ["k"], "a binding is no key");
    let hidden = sandbox.get("auditor", &format!("/v2/service_bindings/{guid}")).await;
    assert_eq!(hidden.entity()["credentials"]["redacted_message"], "[PRIVATE DATA HIDDEN]");
    let found = sandbox.get("admin", &format!("/v2/service_instances?q=service_binding_guid:{guid}")).await;
    assert_eq!(found.each("name"), ["a"]);
    assert_eq!(
        sandbox.get("admin", "/v2/service_bindings/none").await.error(),
        (404, 90004, "CF-ServiceBindingNotFound")
    );

    sandbox.steer("POST", "bindings", json!({"instance": instance, "app": "web"})).await;
    let twice = sandbox.v3_get("admin", &format!("{BINDINGS}?app_guids={app}&include=app")).await;
    assert_eq!((twice.names().len(), twice.body["included"]["apps"].as_array().unwrap().len()), (2, 1), "the same app");
    assert_eq!(sandbox.delete("auditor", &format!("/v2/service_bindings/{guid}")).await.error().1, 10003);
    assert_eq!(sandbox.delete("developer", &format!("/v2/service_bindings/{guid}")).await.status, 204);
    assert_eq!(sandbox.steer("DELETE", "bindings", Value::Null).await.body, json!({"unbound": 1}));
    for (body, status) in [
        (json!({"instance": "nope", "app": "web"}), 404),
        (json!({"instance": "a"}), 400),
        (json!({"instance": "a", "app": "web", "more": 1}), 400),
    ] {
        assert_eq!(sandbox.steer("POST", "bindings", body.clone()).await.status, status, "{body}");
    }
}

#[tokio::test]
async fn a_bound_app_stands_in_the_way_in_v2_and_goes_along_in_v3() {
    let sandbox = Sandbox::start().await;
    let instance = sandbox.make("a", "redis/small").await;
    let provided = json!({"name": "u", "space_guid": sandbox.dev()});
    let provided = sandbox.post("admin", "/v2/user_provided_service_instances", provided).await.guid();
    for name in ["a", "u"] {
        sandbox.steer("POST", "bindings", json!({"instance": name, "app": "web"})).await;
    }
    for path in [
        format!("/v2/service_instances/{instance}"),
        format!("/v2/service_instances/{provided}"),
        format!("/v2/user_provided_service_instances/{provided}"),
    ] {
        assert_eq!(sandbox.delete("admin", &path).await.error(), (400, 10006, "CF-AssociationNotEmpty"), "{path}");
    }
    assert_eq!(sandbox.delete("admin", &format!("/v2/service_instances/{provided}?recursive=true")).await.status, 204);
    assert_eq!(sandbox.v3("admin", "DELETE", &format!("service_instances/{instance}"), Value::Null).await.status, 202);
    sandbox.advance(100);
    assert_eq!(sandbox.v3_get("admin", BINDINGS).await.names(), [""; 0]);
}

/// Section 9, "app binding of the instance in progress".
#[tokio::test]
async fn an_instance_is_not_changed_while_an_app_is_being_bound() {
    let sandbox = Sandbox::start().await;
    let instance = sandbox.make("a", "redis/small").await;
    let body = json!({"instance": "a", "app": "web", "in_progress": true});
    let binding = sandbox.steer("POST", "bindings", body).await.v3_guid();
    let refused = sandbox.put("admin", &format!("/v2/service_instances/{instance}"), json!({"tags": ["x"]})).await;
    assert_eq!(refused.error(), (409, 90008, "CF-AsyncServiceBindingOperationInProgress"));
    let sentence = "An operation for the service binding between app web and service instance a is in progress.";
    assert_eq!(refused.description(), sentence);
    let path = format!("service_instances/{instance}");
    let refused = sandbox.v3("admin", "PATCH", &path, json!({"tags": ["x"]})).await;
    assert_eq!(refused.v3_error(), (409, 90008, "CF-AsyncServiceBindingOperationInProgress", sentence));
    let labels = json!({"metadata": {"labels": {"a": "b"}}});
    assert_eq!(sandbox.v3("admin", "PATCH", &path, labels).await.status, 200);
    assert_eq!(sandbox.foundation.release(Some("a"), None), 1);
    assert_eq!(key_state(&sandbox, &binding).await, "create/succeeded");
    assert_eq!(sandbox.v3("admin", "PATCH", &path, json!({"tags": ["x"]})).await.status, 200);
}

#[tokio::test]
async fn bindings_under_way_outlive_a_restart() {
    let sandbox = Sandbox::with(slow_bindings).await;
    let instance = sandbox.make("a", "slow-keys/plan").await;
    let (guid, job) = begin_key(&sandbox, &instance).await;
    sandbox.steer("POST", "bindings", json!({"instance": "a", "app": "web"})).await;
    sandbox.advance(100);
    assert_eq!(key_state(&sandbox, &guid).await, "create/in progress");
    let saved = sandbox.foundation.save();
    let restored = Sandbox::restored(Some(saved), |_| {}).await;
    assert_eq!(key_state(&restored, &guid).await, "create/in progress");
    restored.advance(10_000);
    assert_eq!(key_state(&restored, &guid).await, "create/succeeded");
    assert_eq!(job_state(&restored, &job).await, "COMPLETE");
    assert_eq!(restored.v3_get("admin", &format!("{BINDINGS}?app_names=web")).await.names(), [""]);
}
