//! §10.8, §10.9, and the releases of zones in §10.7

use serde_json::{Value, json};

use super::super::Limits;
use super::{Api, and, without};

const COMPONENTS: &str = "/api/components";
const RELEASES: &str = "/api/releases";
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

fn component(slug: &str, version: &str) -> Value {
    json!({"slug": slug, "name": "Gateway", "version": version, "description": "The only part"})
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[test]
fn a_component_is_unique_by_slug_and_by_name_and_version() {
    let api = Api::empty();
    let first = api.create(COMPONENTS, &component("gateway", "1.0.0"));
    assert_eq!(api.get("/api/components/gateway"), first);
    assert_eq!(first.get("updatedAt"), None);
    let refusal = |body: &Value| api.refusal("POST", COMPONENTS, body);
    assert_eq!(refusal(&component("gateway", "1.0.0")), refused(409, "Component.SlugConflict"));
    assert_eq!(refusal(&component("other", "1.0.0")), refused(409, "Component.NameVersionConflict"));
    let next = and(without(component("", "1.1.0"), "slug"), "previousComponentId", first["id"].clone());
    let next = api.create(COMPONENTS, &next);
    assert_eq!(next["previousComponentId"], first["id"]);
    assert!(next["slug"].as_str().unwrap().starts_with("gateway-1-1-0-"), "{next}");
    let unknown = and(component("other", "2.0.0"), "previousComponentId", NOBODY);
    assert_eq!(refusal(&unknown), refused(404, "Component.NotFound"));
    assert_eq!(api.refusal("DELETE", "/api/components/none", &Value::Null), refused(404, "Component.NotFound"));
}

#[test]
fn a_component_in_no_release_is_updated_in_place() {
    let api = Api::empty();
    let created = api.create(COMPONENTS, &component("gateway", "1.0.0"));
    api.create(COMPONENTS, &component("taken", "2.0.0"));
    let (status, updated) = api.send("PUT", "/api/components/gateway", &json!({"name": "Gateway", "version": "1.0.1"}));
    assert_eq!(status, 200);
    assert_eq!(updated, and(created, "version", "1.0.1"), "the description is kept");
    assert_eq!(api.get("/api/components/gateway"), updated);
    let refusal = |body: &Value| api.refusal("PUT", "/api/components/gateway", body);
    assert_eq!(refusal(&component("taken", "1.0.2")), refused(409, "Component.SlugConflict"));
    assert_eq!(refusal(&component("gateway", "2.0.0")), refused(409, "Component.NameVersionConflict"));
    // The version it left is free.
    api.create(COMPONENTS, &component("other", "1.0.0"));
}

#[test]
fn a_component_in_a_release_becomes_another_one() {
    let api = Api::empty();
    let first = api.create(COMPONENTS, &component("gateway", "1.0.0"));
    api.create(RELEASES, &json!({"slug": "v1", "version": "1", "componentIds": [first["id"]]}));
    let same = json!({"name": "Gateway", "version": "1.0.0", "description": "edited"});
    let refusal = api.refusal("PUT", "/api/components/gateway", &same);
    assert_eq!(refusal, refused(400, "UpdateComponent.LinkedComponentRequiresNewVersion"));
    let (status, second) = api.send("PUT", "/api/components/gateway", &and(same, "version", "1.0.1"));
    assert_eq!((status, &second["previousComponentId"]), (200, &first["id"]));
    assert_ne!(second["id"], first["id"]);
    assert!(second["slug"].as_str().unwrap().starts_with("gateway-1-0-1-"), "{second}");
    assert_eq!(api.get("/api/components/gateway"), first);
    assert_eq!(
        api.refusal("DELETE", "/api/components/gateway", &Value::Null),
        refused(409, "DeleteComponent.LinkedComponentConflict")
    );
    api.delete(&format!("/api/components/{}", second["slug"].as_str().unwrap()));
    api.delete("/api/releases/v1");
    api.delete("/api/components/gateway");
}

#[test]
fn a_release_shows_its_components_once_and_has_no_update() {
    let api = Api::empty();
    let part = api.create(COMPONENTS, &component("gateway", "1.0.0"));
    let id = &part["id"];
    let body = json!({"slug": "v1", "version": "1.0.0", "componentIds": [id, id]});
    let created = api.create(RELEASES, &body);
    assert_eq!((&created["components"], created.get("componentIds")), (&json!([part]), None));
    assert_eq!(api.get("/api/releases/v1"), created);
    assert_eq!(api.refusal("PUT", "/api/releases/v1", &body).0, 405);
    let refusal = |body: Value| api.refusal("POST", RELEASES, &body);
    assert_eq!(refusal(json!({"slug": "v1", "version": "2"})), refused(409, "CreateRelease.SlugConflict"));
    assert_eq!(refusal(json!({"slug": "v2", "version": "1.0.0"})), refused(409, "CreateRelease.VersionConflict"));
    assert_eq!(refusal(json!({"version": "2", "componentIds": [NOBODY]})), refused(404, "Component.NotFound"));
    let (status, problem) = api.send("POST", RELEASES, &json!({"version": "2", "componentIds": ["x"]}));
    assert_eq!((status, &problem["errors"][0]["location"]), (422, &json!("body")));
    let bare = api.create(RELEASES, &json!({"version": "2.0", "componentIds": null}));
    assert_eq!(bare["components"], json!([]));
    assert!(bare["slug"].as_str().unwrap().starts_with("2-0-"), "{bare}");
}

#[test]
fn a_zone_remembers_each_release_and_keeps_it_from_being_deleted() {
    let api = Api::empty();
    let ids = ["v1", "v2"].map(|slug| api.create(RELEASES, &json!({"slug": slug, "version": slug}))["id"].clone());
    let zone = json!({"slug": "eu", "name": "EU", "type": "production", "description": "", "releaseId": ids[0]});
    assert_eq!(api.create("/api/deployment-zones", &zone)["releaseId"], ids[0]);
    api.put("/api/deployment-zones/eu", &without(zone.clone(), "releaseId"));
    assert_eq!(api.get("/api/deployment-zones/eu")["releaseId"], ids[0], "what is deployed cannot be unset");
    api.put("/api/deployment-zones/eu", &and(zone.clone(), "releaseId", ids[1].clone()));
    let refusal = |slug: &str| api.refusal("DELETE", &format!("/api/releases/{slug}"), &Value::Null);
    for slug in ["v1", "v2"] {
        assert_eq!(refusal(slug), refused(409, "DeleteRelease.InUseConflict"));
    }
    let again = api.restarted();
    assert_eq!(again.get("/api/deployment-zones/eu")["releaseId"], ids[1]);
    assert_eq!(again.refusal("DELETE", "/api/releases/v1", &Value::Null).0, 409, "the past counts, too");
    // Back to the first one, and then the zone goes with its history.
    api.put("/api/deployment-zones/eu", &zone);
    assert_eq!(api.get("/api/deployment-zones/eu")["releaseId"], ids[0]);
    api.delete("/api/deployment-zones/eu");
    api.delete("/api/releases/v1");
    api.delete("/api/releases/v2");
    assert_eq!(refusal("v1"), refused(404, "DeleteRelease.NotFound"));
}

#[test]
fn components_and_releases_have_limits() {
    let limits = Limits { components: Some(0), releases: Some(0), ..Limits::default() };
    let api = Api::with(|options| options.limits = limits);
    let code = "CreateComponent.EntitlementLimitReached";
    assert_eq!(api.refusal("POST", COMPONENTS, &component("gateway", "1")), refused(409, code));
    let code = "CreateRelease.EntitlementLimitReached";
    assert_eq!(api.refusal("POST", RELEASES, &json!({"version": "1"})), refused(409, code));
}
