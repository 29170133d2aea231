//! The conflict matrix (reference section 11.4), cell by cell.

use super::*;
use crate::emulator::cloudfoundry::Order;
use crate::emulator::cloudfoundry::marketplace::{BrokerStep, Trouble};

/// What happens to a new request, as the reference has it: the status, and with what else it says where that is one of
/// several. Where it says "proceeds", it is the status of what proceeds.
const MATRIX: &str = "
| current LO           | v2 update | v2 delete | v3 update | v3 metadata-only | v3 delete | v2 key    | v3 key |
| create / initial     | 409 60016 | 409 60016 | 409 60016 | 200              | 422 10008 | 409 60016 | 422 10008 |
| create / in progress | 409 60016 | 204       | 409 60016 | 200              | 202       | 409 60016 | 422 10008 |
| update / in progress | 409 60016 | 409 60016 | 409 60016 | 200              | 422 10008 | 409 60016 | 422 10008 |
| delete / in progress | 409 60016 | 409 60016 | 409 60016 | 409 60016        | 422 10008 | 409 60016 | 422 10008 |
| create / failed      | 201       | 204       | 404 60004 | 404 60004        | 202       | 201       | 422 10008 |
| update / failed      | 201       | 204       | 200       | 200              | 202       | 201       | 202 |
| delete / failed      | 201       | 204       | 200       | 200              | 202       | 201       | 202 |
| create / succeeded   | 201       | 204       | 200       | 200              | 202       | 201       | 202 |
| update / succeeded   | 201       | 204       | 200       | 200              | 202       | 201       | 202 |
";

fn cells(line: &str) -> Vec<&str> {
    line.trim().trim_matches('|').split('|').map(str::trim).collect()
}

/// An instance in this state: its guid.
async fn bring(sandbox: &Sandbox, state: &str) -> String {
    let (kind, state) = state.split_once(" / ").expect("an operation and its state");
    let step = match kind {
        "create" => BrokerStep::Provision,
        "update" => BrokerStep::Update,
        _ => BrokerStep::Deprovision,
    };
    if kind != "create" {
        sandbox.make("db", "redis/small").await;
    }
    match state {
        "in progress" => sandbox.foundation.order(Order::on(step, "db").but(Trouble::NeverEnd)),
        "failed" => sandbox.foundation.order(Order::on(step, "db").but(Trouble::FailLater("no".to_owned()))),
        _ => {}
    }
    let list = || async { sandbox.v3_get("admin", "service_instances?names=db").await };
    let guid = |list: &Answer| list.body["resources"][0]["guid"].as_str().unwrap_or_default().to_owned();
    if kind == "create" {
        let (space, plan) = (sandbox.dev(), sandbox.plan("redis/small"));
        let relationships = json!({"space": {"data": {"guid": space}}, "service_plan": {"data": {"guid": plan}}});
        let body = json!({"type": "managed", "name": "db", "relationships": relationships});
        assert_eq!(sandbox.v3("admin", "POST", "service_instances", body).await.status, 202);
        if state == "initial" {
            return guid(&list().await);
        }
    } else {
        let own = format!("service_instances/{}", guid(&list().await));
        let (method, body) =
            if kind == "update" { ("PATCH", json!({"parameters": {}})) } else { ("DELETE", Value::Null) };
        assert_eq!(sandbox.v3("admin", method, &own, body).await.status, 202);
    }
    sandbox.advance(100);
    sandbox.advance(1);
    guid(&list().await)
}

/// Sends what a column is about.
async fn send(sandbox: &Sandbox, column: &str, guid: &str) -> Answer {
    let (v2, v3) = (format!("/v2/service_instances/{guid}"), format!("service_instances/{guid}"));
    let key = json!({"type": "key", "name": "k", "relationships": {"service_instance": {"data": {"guid": guid}}}});
    match column {
        "v2 update" => sandbox.put("admin", &v2, json!({"tags": ["b"]})).await,
        "v2 delete" => sandbox.delete("admin", &format!("{v2}?accepts_incomplete=true")).await,
        "v2 key" => {
            sandbox.post("admin", "/v2/service_keys", json!({"name": "k", "service_instance_guid": guid})).await
        }
        "v3 update" => sandbox.v3("admin", "PATCH", &v3, json!({"tags": ["b"]})).await,
        "v3 metadata-only" => sandbox.v3("admin", "PATCH", &v3, json!({"metadata": {"labels": {"a": "b"}}})).await,
        "v3 delete" => sandbox.v3("admin", "DELETE", &v3, Value::Null).await,
        "v3 key" => sandbox.v3("admin", "POST", "service_credential_bindings", key).await,
        _ => panic!("nobody knows `{column}`"),
    }
}

#[tokio::test]
async fn a_request_meets_what_the_matrix_says() {
    let mut lines = MATRIX.trim().lines().map(cells);
    let columns = lines.next().expect("it has a head");
    for row in lines {
        let state = row[0];
        for (column, expected) in columns.iter().zip(&row).skip(1) {
            let sandbox = Sandbox::start().await;
            let guid = bring(&sandbox, state).await;
            let is = sandbox.v3_get("admin", &format!("service_instances/{guid}")).await;
            let last = &is.body["last_operation"];
            let is = format!("{} / {}", last["type"].as_str().unwrap(), last["state"].as_str().unwrap());
            assert_eq!(is, state);
            let answer = send(&sandbox, column, &guid).await;
            let code = answer.body["code"].as_u64().or_else(|| answer.body["errors"][0]["code"].as_u64());
            let met = code.map_or_else(|| answer.status.to_string(), |code| format!("{} {code}", answer.status));
            assert_eq!(met, *expected, "{column} of {state}: {}", answer.text);
        }
    }
}
