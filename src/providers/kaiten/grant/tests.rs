use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use wiremock::matchers::path_regex;
use wiremock::{Mock, MockServer, Request as Received, ResponseTemplate};

use super::super::tests::endpoint;
use super::*;
use crate::clock::Clock;
use crate::diff::diff;
use crate::kind::Provider;
use crate::model::Address;

/// Kaiten with one license, whose grants are kept as it keeps them.
struct World {
    kaiten: Kaiten,
    server: MockServer,
}

impl World {
    async fn granting(grants: &[(&str, Json, Json)]) -> Self {
        let rows = grants.iter().map(|(slug, value, overage)| {
            let row = json!({"licenseId": "l1", "entitlementSlug": slug, "value": value, "limitCapExceededOveragePercent": overage});
            (slug.to_string(), row)
        });
        let grants: Arc<Mutex<BTreeMap<String, Json>>> = Arc::new(Mutex::new(rows.collect()));
        let server = MockServer::start().await;
        let answer = move |request: &Received| {
            let mut grants = grants.lock().unwrap();
            let slug = request.url.path().strip_prefix("/api/licenses/growth/entitlements/").unwrap_or_default();
            let mut body = request.body_json::<Json>().unwrap_or_default();
            match request.method.as_str() {
                "GET" if !slug.is_empty() => {
                    return match grants.get(slug) {
                        Some(grant) => ResponseTemplate::new(200).set_body_json(grant),
                        None => ResponseTemplate::new(404).set_body_json(json!({"status": 404})),
                    };
                }
                "GET" => {
                    let items: Vec<_> = grants.values().collect();
                    return ResponseTemplate::new(200).set_body_json(json!({"items": items, "hasMore": false}));
                }
                "POST" if grants.contains_key(body["entitlementSlug"].as_str().unwrap_or_default()) => {
                    let problem = json!({"status": 409, "code": "AssociateEntitlementToLicense.AlreadyAssociated"});
                    return ResponseTemplate::new(409).set_body_json(problem);
                }
                _ => {
                    let slug = body["entitlementSlug"].as_str().unwrap_or(slug).to_owned();
                    let number = body["value"]["type"] == "number";
                    let standard = if body["value"]["value"] == -1 { json!(-1) } else { json!(0) };
                    if body.get(OVERAGE_MEMBER).is_none() {
                        body[OVERAGE_MEMBER] = if number { standard } else { Json::Null };
                    }
                    body["entitlementSlug"] = slug.as_str().into();
                    body["licenseId"] = "l1".into();
                    grants.insert(slug, body);
                }
            }
            ResponseTemplate::new(204)
        };
        Mock::given(path_regex("^/api/licenses/growth/entitlements")).respond_with(answer).mount(&server).await;
        let kaiten = Provided::connect(&endpoint(&server.uri(), Some("core")), &Clock::system()).await.unwrap();
        Self { kaiten, server }
    }

    /// The grants as they are listed.
    async fn observed(&self) -> BTreeMap<String, Observed> {
        let rows = self.kaiten.rows(&SECTION, "/licenses/growth/entitlements").await.unwrap();
        let grants = rows.iter().map(|row| {
            let slug = row["entitlementSlug"].as_str().unwrap();
            (slug.to_owned(), project(row, link("growth", "l1"), link(slug, slug)))
        });
        grants.collect()
    }

    /// Brings each grant into line by itself, and tells the paths that differed.
    async fn converge(&self, declared: &[(&str, Fields)]) -> Vec<String> {
        let observed = self.observed().await;
        let mut paths = Vec::new();
        for (slug, fields) in declared {
            let identity = identity(slug);
            let address = Address::new("grants", identity.to_string());
            let proposal = Proposal { address: &address, identity: &identity, fields };
            let remote = Writer::to(&self.kaiten);
            let stored = match observed.get(*slug) {
                None => {
                    paths.push(format!("+ {slug}"));
                    Grant::create(proposal, &remote).await.unwrap()
                }
                Some(observed) => {
                    let changes: Vec<Path> =
                        diff(&SECTION, fields, &observed.fields, &[]).into_iter().map(|it| it.path).collect();
                    if changes.is_empty() {
                        continue;
                    }
                    paths.extend(changes.iter().map(|path| format!("{slug}: {path}")));
                    Grant::update(Modification { proposal, observed, changes: &changes }, &remote).await.unwrap()
                }
            };
            assert_eq!(diff(&SECTION, fields, &stored.fields, &[]), [], "{slug} is as declared");
        }
        paths
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

fn identity(slug: &str) -> Identity {
    Identity { parts: vec![("license", "growth".into()), ("entitlement", slug.into())] }
}

fn link(name: &str, id: &str) -> Link {
    Link { name: Some(name.into()), id: Some(id.into()) }
}

/// Grants as they are declared, in the order of their entitlements: a value, or `{ value, overage_percent }`.
fn granting(grants: Json) -> Vec<(&'static str, Fields)> {
    let Json::Object(grants) = grants else { unreachable!("a mapping") };
    let fields = grants.into_iter().map(|(slug, grant)| {
        let slug: &'static str = slug.leak();
        let mut fields: Fields = [
            ("license", Value::Link(Box::new(link("growth", "l1")))),
            ("entitlement", Value::Link(Box::new(link(slug, slug)))),
        ]
        .into_iter()
        .collect();
        match grant {
            Json::Object(grant) => {
                for name in [VALUE, OVERAGE].into_iter().filter(|name| grant.contains_key(*name)) {
                    fields.set(name, Value::from_json(&grant[name]));
                }
            }
            value => fields.set(VALUE, Value::from_json(&value)),
        }
        (slug, fields)
    });
    fields.collect()
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
        ("limits", json!({"type": "object", "value": {"theirs": 1, "mine": 2}}), Json::Null),
        ("theirs", number(1), json!(0)),
    ])
    .await;
    let declared = || {
        granting(json!({"calls": {"value": 5, "overage_percent": 10}, "limits": {"value": {"mine": 3}}, "seats": 25,
            "sso": true, "storage": -1}))
    };
    let mut paths = world.converge(&declared()).await;
    paths.sort_unstable();
    assert_eq!(paths, ["+ storage", "calls: overage_percent", "limits: value.mine", "seats: value"]);
    let mut written = world.written().await;
    written.sort_unstable();
    assert_eq!(
        written,
        [
            r#"POST /entitlements {"value":{"type":"number","value":-1},"entitlementSlug":"storage"}"#,
            r#"PUT /entitlements/calls {"value":{"type":"number","value":5},"limitCapExceededOveragePercent":10}"#,
            r#"PUT /entitlements/limits {"value":{"type":"object","value":{"theirs":1,"mine":3}}}"#,
            r#"PUT /entitlements/seats {"value":{"type":"number","value":25},"limitCapExceededOveragePercent":20}"#,
        ]
    );
    assert_eq!(world.converge(&declared()).await, [""; 0]);
    let theirs = &world.observed().await["theirs"];
    assert_eq!(theirs.fields.get(VALUE), Some(&Value::from_json(&json!(1))), "what is not declared is left alone");
}

#[tokio::test]
async fn to_and_from_unlimited_the_overage_is_kaiten_s_own() {
    let world = World::granting(&[("up", number(10), json!(20)), ("down", number(-1), json!(-1))]).await;
    world.converge(&granting(json!({"up": -1, "down": 10}))).await;
    let mut written = world.written().await;
    written.sort_unstable();
    assert_eq!(
        written,
        [
            r#"PUT /entitlements/down {"value":{"type":"number","value":10}}"#,
            r#"PUT /entitlements/up {"value":{"type":"number","value":-1}}"#,
        ]
    );
}

/// What comes of a create where somebody has granted it meanwhile.
async fn granted_meanwhile(theirs: i64) -> (Result<Observed, RemoteError>, Vec<String>) {
    let world = World::granting(&[("seats", number(theirs), json!(0))]).await;
    let (_, fields) = granting(json!({"seats": 5})).remove(0);
    let identity = identity("seats");
    let address = Address::new("grants", "growth/seats");
    let proposal = Proposal { address: &address, identity: &identity, fields: &fields };
    let created = Grant::create(proposal, &Writer::to(&world.kaiten)).await;
    (created, world.written().await)
}

#[tokio::test]
async fn what_somebody_has_granted_meanwhile_is_adopted_if_it_is_the_same_and_else_refused() {
    let (same, written) = granted_meanwhile(5).await;
    assert_eq!(same.unwrap().identity, identity("seats"));
    assert_eq!(written.len(), 1, "asked for once");
    let (other, written) = granted_meanwhile(6).await;
    let error = other.unwrap_err();
    assert_eq!((error.failure, error.uncertain), (Failure::Conflict, false));
    assert_eq!(error.message, "it is granted by now, and otherwise than declared");
    assert_eq!(written.len(), 1, "and not written over");
}

#[tokio::test]
async fn a_grant_of_a_license_that_was_made_anew_is_not_touched() {
    let world = World::granting(&[("seats", number(10), json!(0))]).await;
    let mut observed = world.observed().await.remove("seats").unwrap();
    observed.fields.set("license", Value::Link(Box::new(link("growth", "the one before"))));
    let (_, fields) = granting(json!({"seats": 5})).remove(0);
    let (address, identity) = (Address::new("grants", "growth/seats"), identity("seats"));
    let proposal = Proposal { address: &address, identity: &identity, fields: &fields };
    let changes = [Path::field(VALUE)];
    let modification = Modification { proposal, observed: &observed, changes: &changes };
    let error = Grant::update(modification, &Writer::to(&world.kaiten)).await.unwrap_err();
    assert_eq!(error.failure, Failure::NotFound);
    assert_eq!(world.written().await, [""; 0]);
}
