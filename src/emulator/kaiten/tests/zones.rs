//! §10.7

use serde_json::{Value, json};

use super::super::Limits;
use super::{Api, and, without};

const ZONES: &str = "/api/deployment-zones";

fn zone() -> Value {
    json!({"slug": "eu", "name": "EU", "type": "production", "description": ""})
}

#[test]
fn metadata_that_is_absent_null_or_empty_is_the_same() {
    let api = Api::empty();
    let created = api.create(ZONES, &and(zone(), "metadata", json!({"b": 1, "a": 2.0})));
    assert_eq!(created["metadata"].to_string(), r#"{"a":2,"b":1}"#);
    for metadata in [Value::Null, json!({})] {
        api.put("/api/deployment-zones/eu", &and(zone(), "metadata", json!({"a": 1})));
        api.put("/api/deployment-zones/eu", &and(zone(), "metadata", metadata));
        assert_eq!(api.get("/api/deployment-zones/eu").get("metadata"), None);
    }
}

#[test]
fn name_type_and_description_are_needed_and_the_slug_stays() {
    let api = Api::empty();
    for name in ["name", "type", "description"] {
        let (status, problem) = api.send("POST", ZONES, &without(zone(), name));
        assert_eq!((status, &problem["errors"][0]["location"]), (422, &json!("body")));
    }
    api.create(ZONES, &zone());
    let refusal = |method: &str, path: &str, body: &Value| api.refusal(method, path, body);
    let conflict = "CreateDeploymentZone.SlugConflict".to_owned();
    assert_eq!(refusal("POST", ZONES, &zone()), (409, conflict));
    let renamed = and(zone(), "slug", "us");
    let not_renameable = "UpdateDeploymentZone.SlugNotRenameable".to_owned();
    assert_eq!(refusal("PUT", "/api/deployment-zones/eu", &renamed), (422, not_renameable));
    let missing = "UpdateDeploymentZone.NotFound".to_owned();
    assert_eq!(refusal("PUT", "/api/deployment-zones/us", &renamed), (404, missing));
}

#[test]
fn an_unknown_release_is_a_404_also_on_create() {
    let api = Api::empty();
    let body = and(zone(), "releaseId", "123e4567-e89b-12d3-a456-426614174000");
    let expected = (404, "CreateDeployment.ReleaseNotFound".to_owned());
    assert_eq!(api.refusal("POST", ZONES, &body), expected);
    api.create(ZONES, &zone());
    assert_eq!(api.refusal("PUT", "/api/deployment-zones/eu", &body), expected);
}

#[test]
fn deleting_a_zone_detaches_its_instances() {
    let (api, world) = Api::peopled();
    let before = api.create("/api/instances", &and(world.instance("one"), "deploymentZoneId", world.zone.clone()));
    assert_eq!(before["deploymentZoneSlug"], "eu");
    api.delete("/api/deployment-zones/eu");
    let after = api.get("/api/instances/one");
    assert_eq!(after, without(without(before, "deploymentZoneId"), "deploymentZoneSlug"));
}

#[test]
fn zones_have_a_limit_of_their_own() {
    let api = Api::with(|options| options.limits = Limits { deployment_zones: Some(0), ..Limits::default() });
    assert_eq!(api.refusal("POST", ZONES, &zone()), (409, "CreateDeploymentZone.EntitlementLimitReached".to_owned()));
}
