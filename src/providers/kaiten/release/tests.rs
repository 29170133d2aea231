use serde_json::json;
use wiremock::matchers::{body_json, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::super::change::tests::update;
use super::super::dialect::Dialect;
use super::super::tests::{create, endpoint, link};
use super::super::{deployment_zone, wire};
use super::*;
use crate::clock::Clock;
use crate::diff::diff;
use crate::kind::Provider;
use crate::model::{Fields, Value};

async fn connected(server: &MockServer) -> Kaiten {
    Provided::connect(&endpoint(&server.uri(), Some("core")), &Clock::system()).await.unwrap()
}

async fn answers(server: &MockServer, verb: &str, at: &str, status: u16, body: serde_json::Value) {
    let with = ResponseTemplate::new(status).set_body_json(body);
    Mock::given(method(verb)).and(path(at)).respond_with(with).mount(server).await;
}

fn texts(texts: &[&str]) -> Value {
    Value::List(texts.iter().map(|text| Value::text(*text)).collect())
}

#[tokio::test]
async fn a_release_is_sent_the_ids_of_its_components_and_tells_their_slugs() {
    let server = MockServer::start().await;
    let components = json!([{"id": "c1", "slug": "api-1"}, {"id": "c2", "slug": "web-1"}]);
    answers(&server, "GET", "/api/components", 200, json!({"items": components, "hasMore": false})).await;
    let row = json!({"id": "r1", "slug": "winter", "version": "1", "components": [components[1], components[0]]});
    Mock::given(method("POST"))
        .and(path("/api/releases"))
        .and(body_json(json!({"slug": "winter", "version": "1", "componentIds": ["c1", "c2"]})))
        .respond_with(ResponseTemplate::new(201).set_body_json(row))
        .expect(1)
        .mount(&server)
        .await;
    let declared: Fields =
        [("version", Value::text("1")), ("components", texts(&["api-1", "web-1"]))].into_iter().collect();
    let kaiten = connected(&server).await;
    let created = create(&kaiten, "releases", "winter", &declared).await.unwrap();
    assert_eq!(diff(&SECTION, &declared, &created.fields, &[]), [], "the order does not matter");
    let gone: Fields = [("version", Value::text("1")), ("components", texts(&["api-9"]))].into_iter().collect();
    let error = create(&kaiten, "releases", "winter", &gone).await.unwrap_err();
    assert_eq!((error.failure, kaiten.client.writes()), (Failure::NotFound, 1), "nothing is sent");
}

#[test]
fn a_release_cannot_be_changed_in_place() {
    let row = json!({"id": "r1", "slug": "winter", "version": "1", "components": null});
    let observed = wire::project(&SECTION, Dialect::Core, row.as_object().unwrap()).unwrap();
    let same: Fields = [("version", Value::text("1")), ("components", texts(&[]))].into_iter().collect();
    assert_eq!(diff(&SECTION, &same, &observed.fields, &[]), []);
    for (name, value) in
        [("version", Value::text("2")), ("description", Value::text("x")), ("components", texts(&["a"]))]
    {
        let differences = diff(&SECTION, &[(name, value)].into_iter().collect(), &observed.fields, &[]);
        assert!(differences[0].immutable.is_some(), "{name}");
    }
}

#[tokio::test]
async fn a_component_keeps_its_name_and_version_in_a_put() {
    let server = MockServer::start().await;
    let row = json!({"id": "c1", "slug": "api-1", "name": "api", "version": "1"});
    answers(&server, "GET", "/api/components/api-1", 200, row.clone()).await;
    Mock::given(method("PUT"))
        .and(body_json(json!({"name": "api", "version": "1", "description": "Front door"})))
        .respond_with(ResponseTemplate::new(200).set_body_json(&row))
        .expect(1)
        .mount(&server)
        .await;
    let observed = wire::project(&component::SECTION, Dialect::Core, row.as_object().unwrap()).unwrap();
    let declared: Fields = [("description", Value::text("Front door"))].into_iter().collect();
    update(&connected(&server).await, "components", "api-1", &observed, &declared).await.unwrap();
}

#[tokio::test]
async fn a_zone_s_release_is_sent_only_where_it_changes() {
    let server = MockServer::start().await;
    let row = json!({"id": "z1", "slug": "eu", "name": "EU", "type": "production", "description": "",
        "releaseId": "r1", "metadata": null});
    answers(&server, "GET", "/api/deployment-zones/eu", 200, row.clone()).await;
    Mock::given(method("PUT")).respond_with(ResponseTemplate::new(204)).mount(&server).await;
    let observed = wire::project(&deployment_zone::SECTION, Dialect::Core, row.as_object().unwrap()).unwrap();
    let kaiten = connected(&server).await;
    for declared in [("name", Value::text("Europe")), ("release", link(Some("winter"), "r2"))] {
        update(&kaiten, "deployment_zones", "eu", &observed, &[declared].into_iter().collect()).await.unwrap();
    }
    let requests = server.received_requests().await.unwrap();
    let sent: Vec<serde_json::Value> = requests
        .iter()
        .filter(|request| request.method.as_str() == "PUT")
        .map(|request| request.body_json().unwrap())
        .collect();
    assert_eq!(sent[0], json!({"name": "Europe", "type": "production", "description": ""}));
    assert_eq!(sent[1], json!({"name": "EU", "type": "production", "description": "", "releaseId": "r2"}));
}
