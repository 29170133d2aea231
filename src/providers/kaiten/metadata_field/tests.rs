use serde_json::json;
use wiremock::matchers::{body_json, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::super::tests::endpoint;
use super::*;
use crate::clock::Clock;
use crate::diff::diff;
use crate::kind::Provider;
use crate::model::{Address, Fields};

fn row() -> Json {
    json!({"id": "m1", "resourceType": "INSTANCE", "key": "region", "label": "Region", "displayOrder": 2,
        "jsonSchema": {"type": "string", "enum": ["eu", "us"]}, "createdAt": "2026-01-01T00:00:00Z"})
}

fn declared(label: &str, values: &[&str]) -> Fields {
    let schema = json!({"type": "string", "enum": values});
    [
        ("resource_type", Value::text("INSTANCE")),
        ("label", Value::text(label)),
        ("json_schema", Value::from_json(&schema)),
    ]
    .into_iter()
    .collect()
}

fn identity() -> Identity {
    Identity { parts: vec![("resource_type", "INSTANCE".into()), ("key", "region".into())] }
}

async fn world(rows: &Json) -> (MockServer, Kaiten) {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/api/metadata-fields"))
        .and(query_param("resourceType", "INSTANCE"))
        .and(query_param("limit", "200"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"items": rows, "hasMore": false})))
        .mount(&server)
        .await;
    let kaiten = Provided::connect(&endpoint(&server.uri(), Some("core")), &Clock::system()).await.unwrap();
    (server, kaiten)
}

#[tokio::test]
async fn a_field_is_created_under_its_key_and_told_so() {
    let (server, kaiten) = world(&json!([])).await;
    Mock::given(method("POST"))
        .and(body_json(json!({"resourceType": "INSTANCE", "key": "region", "label": "Region",
            "jsonSchema": {"type": "string", "enum": ["eu", "us"]}})))
        .respond_with(ResponseTemplate::new(201).set_body_json(row()))
        .expect(1)
        .mount(&server)
        .await;
    let (address, identity) = (Address::new("metadata_fields", "region"), identity());
    let fields = declared("Region", &["eu", "us"]);
    let proposal = Proposal { address: &address, identity: &identity, fields: &fields };
    let registry = crate::providers::registry();
    let kind = registry.kind("metadata_fields").unwrap().declared().unwrap();
    let created = kind.create(proposal, &kaiten).await.unwrap();
    assert_eq!((&created.identity, &*created.id), (&identity, "m1"));
    assert_eq!(diff(&SECTION, &fields, &created.fields, &[]), []);
    assert!(kind.look_up(proposal, &kaiten).await.unwrap().is_none());
}

#[tokio::test]
async fn a_change_repeats_what_cannot_be_changed_and_a_delete_archives() {
    let (server, kaiten) = world(&json!([row()])).await;
    Mock::given(method("PATCH"))
        .and(path("/api/metadata-fields/m1"))
        .and(body_json(json!({"resourceType": "INSTANCE", "key": "region", "label": "Where",
            "jsonSchema": {"type": "string", "enum": ["eu", "us"]}})))
        .respond_with(ResponseTemplate::new(200).set_body_json(row()))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path("/api/metadata-fields/m1/archive"))
        .respond_with(ResponseTemplate::new(200).set_body_json(row()))
        .expect(1)
        .mount(&server)
        .await;
    let observed = read(row().as_object().unwrap()).unwrap();
    let registry = crate::providers::registry();
    let kind = registry.kind("metadata_fields").unwrap().declared().unwrap();
    let (address, identity, changes) = (Address::new("metadata_fields", "region"), identity(), [Path::field("label")]);
    let fields = declared("Where", &["eu"]);
    let proposal = Proposal { address: &address, identity: &identity, fields: &fields };
    kind.update(Modification { proposal, observed: &observed, changes: &changes }, &kaiten).await.unwrap();
    kind.delete(&observed, false, &kaiten).await.unwrap();
    let gone = Observed { id: "m9".into(), ..observed };
    assert!(kind.delete(&gone, false, &kaiten).await.unwrap().is_none(), "archived already");
}

#[test]
fn the_type_of_values_stays_and_their_list_may_change() {
    let of = |schema: Json| form(&Value::from_json(&schema));
    assert_eq!(of(json!({"type": "string", "enum": ["a"]})), of(json!({"type": "string", "enum": ["b", "c"]})));
    assert_eq!(of(json!({"type": "integer"})), of(json!({"type": "number", "minimum": 3})));
    for (was, is) in [
        (json!({"type": "string"}), json!({"type": "string", "enum": ["a"]})),
        (json!({"type": "string"}), json!({"type": "boolean"})),
        (
            json!({"type": "array", "items": {"type": "string"}}),
            json!({"type": "array", "items": {"type": "string", "enum": ["a"]}}),
        ),
    ] {
        assert_ne!(of(was.clone()), of(is.clone()), "{was} {is}");
    }
}
