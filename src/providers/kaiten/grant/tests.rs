use std::sync::{Arc, Mutex};

use wiremock::matchers::{method, path_regex};
use wiremock::{Mock, MockServer, Request as Received, ResponseTemplate};

use super::super::change::tests::update;
use super::super::tests::{create, endpoint};
use super::super::{Provided, dialect::Dialect};
use super::*;
use crate::clock::Clock;
use crate::diff::diff;
use crate::kind::Provider;
use crate::model::Observed;

/// Kaiten with one license, whose grants are kept as it keeps them.
struct World {
    kaiten: Kaiten,
    server: MockServer,
}

fn row() -> Json {
    json!({"id": "l1", "slug": "growth", "name": "Growth", "description": "", "type": "PAID", "isDefault": false,
        "familyId": "f1", "lifecycleState": "PUBLISHED", "version": "1"})
}

impl World {
    async fn granting(grants: &[(&str, Json, Json)]) -> Self {
        let rows = grants.iter().map(|(slug, value, overage)| {
            let row = json!({"entitlementSlug": slug, "value": value, "limitCapExceededOveragePercent": overage});
            (slug.to_string(), row)
        });
        let grants: Arc<Mutex<BTreeMap<String, Json>>> = Arc::new(Mutex::new(rows.collect()));
        let server = MockServer::start().await;
        let answer = move |request: &Received| {
            let mut grants = grants.lock().unwrap();
            let slug = request.url.path().strip_prefix("/api/licenses/growth/entitlements/").unwrap_or_default();
            let mut body = request.body_json::<Json>().unwrap_or_default();
            match request.method.as_str() {
                "GET" => {
                    let items: Vec<_> = grants.values().collect();
                    return ResponseTemplate::new(200).set_body_json(json!({"items": items, "hasMore": false}));
                }
                "DELETE" => {
                    grants.remove(slug);
                }
                _ => {
                    let slug = body["entitlementSlug"].as_str().unwrap_or(slug).to_owned();
                    let number = body["value"]["type"] == "number";
                    let standard = if body["value"]["value"] == -1 { json!(-1) } else { json!(0) };
                    if body.get(OVERAGE_MEMBER).is_none() {
                        body[OVERAGE_MEMBER] = if number { standard } else { Json::Null };
                    }
                    body["entitlementSlug"] = slug.as_str().into();
                    grants.insert(slug, body);
                }
            }
            ResponseTemplate::new(204)
        };
        Mock::given(path_regex("^/api/licenses/growth/entitlements")).respond_with(answer).mount(&server).await;
        Mock::given(method("GET")).respond_with(ResponseTemplate::new(200).set_body_json(row())).mount(&server).await;
        Mock::given(method("POST")).respond_with(ResponseTemplate::new(201).set_body_json(row())).mount(&server).await;
        let kaiten = Provided::connect(&endpoint(&server.uri(), Some("core")), &Clock::system()).await.unwrap();
        Self { kaiten, server }
    }

    /// What is observed of the license for a declaration.
    async fn observed(&self, declared: &Fields) -> Observed {
        let mut license = wire::project(&license::SECTION, Dialect::Core, row().as_object().unwrap()).unwrap();
        let grants = self.kaiten.rows(&license::SECTION, "/licenses/growth/entitlements").await.unwrap();
        let grants = grants.into_iter().map(|row| (row["entitlementSlug"].as_str().unwrap().to_owned(), row)).collect();
        license.fields.set(FIELD, as_declared(declared, &grants).unwrap());
        license
    }

    async fn differing(&self, declared: &Fields) -> Vec<String> {
        let observed = self.observed(declared).await;
        let differences = diff(&license::SECTION, declared, &observed.fields, &[]);
        differences.iter().map(|difference| difference.path.to_string()).collect()
    }

    async fn written(&self) -> Vec<String> {
        let requests = self.server.received_requests().await.unwrap();
        let writes = requests.iter().filter(|request| request.method.as_str() != "GET");
        writes
            .map(|request| {
                let body = request.body_json::<Json>().map(|body| format!(" {body}")).unwrap_or_default();
                format!("{} {}{body}", request.method, request.url.path().trim_start_matches("/api/licenses/growth"))
            })
            .collect()
    }
}

fn granting(grants: &Json) -> Fields {
    [(FIELD, Value::from_json(grants))].into_iter().collect()
}

fn number(value: i64) -> Json {
    json!({"type": "number", "value": value})
}

#[tokio::test]
async fn each_grant_that_differs_is_one_write_and_then_nothing_differs() {
    let world = World::granting(&[
        ("seats", number(10), json!(20)),
        ("calls", number(5), json!(0)),
        ("sso", json!({"type": "boolean", "value": true}), Json::Null),
        ("beta", json!({"type": "boolean", "value": true}), Json::Null),
        ("limits", json!({"type": "object", "value": {"theirs": 1, "mine": 2}}), Json::Null),
        ("theirs", number(1), json!(0)),
    ])
    .await;
    let declared =
        granting(&json!({"seats": 25, "calls": {"value": 5, "overage_percent": 10}, "sso": true, "beta": null,
        "limits": {"value": {"mine": 3}}, "storage": -1, "none": null}));
    let paths = world.differing(&declared).await;
    assert_eq!(
        paths,
        [
            "entitlements.seats",
            "entitlements.calls.overage_percent",
            "entitlements.beta",
            "entitlements.limits.value.mine",
            "entitlements.storage"
        ]
    );
    let observed = world.observed(&declared).await;
    update(&world.kaiten, "licenses", "growth", &observed, &declared).await.unwrap();
    assert_eq!(
        world.written().await,
        [
            r#"PUT /entitlements/seats {"value":{"type":"number","value":25},"limitCapExceededOveragePercent":20}"#,
            r#"PUT /entitlements/calls {"value":{"type":"number","value":5},"limitCapExceededOveragePercent":10}"#,
            "DELETE /entitlements/beta",
            r#"PUT /entitlements/limits {"value":{"type":"object","value":{"theirs":1,"mine":3}}}"#,
            r#"POST /entitlements {"value":{"type":"number","value":-1},"entitlementSlug":"storage"}"#,
        ]
    );
    assert_eq!(world.differing(&declared).await, [""; 0]);
}

#[tokio::test]
async fn to_and_from_unlimited_the_overage_is_kaiten_s_own() {
    let world = World::granting(&[("up", number(10), json!(20)), ("down", number(-1), json!(-1))]).await;
    let declared = granting(&json!({"up": -1, "down": 10}));
    let observed = world.observed(&declared).await;
    update(&world.kaiten, "licenses", "growth", &observed, &declared).await.unwrap();
    assert_eq!(
        world.written().await,
        [
            r#"PUT /entitlements/up {"value":{"type":"number","value":-1}}"#,
            r#"PUT /entitlements/down {"value":{"type":"number","value":10}}"#
        ]
    );
}

#[tokio::test]
async fn a_new_license_is_granted_what_is_declared() {
    let world = World::granting(&[]).await;
    let mut declared = granting(&json!({"seats": {"value": 5, "overage_percent": 10}, "sso": true, "beta": null}));
    declared.set("name", Value::text("Growth"));
    declared.set("type", Value::text("PAID"));
    let created = create(&world.kaiten, "licenses", "growth", &declared).await.unwrap();
    assert_eq!(world.written().await.len(), 3, "the license and two grants");
    assert_eq!(diff(&license::SECTION, &declared, &created.fields, &[]), []);
}
