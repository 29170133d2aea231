//! §10.12

use serde_json::{Value, json};

use super::super::Limits;
use super::{Api, and, license, without};

const INSTANCES: &str = "/api/instances";
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

#[test]
fn an_instance_comes_back_with_what_it_refers_to() {
    let (api, world) = Api::peopled();
    let body = and(world.instance("one"), "metadata", json!({"big": 9_007_199_254_740_993_u64, "a": 1e3}));
    let created = api.create(INSTANCES, &and(body, "deploymentZoneId", world.zone.clone()));
    assert_eq!(api.get("/api/instances/one"), created);
    assert_eq!(created["metadata"].to_string(), r#"{"a":1000,"big":9007199254740992}"#);
    let slugs = ["customerSlug", "licenseSlug", "deploymentZoneSlug"].map(|name| created[name].clone());
    assert_eq!(slugs, ["acme", "growth", "eu"]);
    assert_eq!((&created["status"], created.get("lifecycleStage")), (&json!("HEALTHY"), None));
    let bare = api.create(INSTANCES, &world.instance("two"));
    assert_eq!((&bare["metadata"], bare.get("deploymentZoneId")), (&json!({}), None));
}

#[test]
fn dates_keep_milliseconds_and_lose_their_offset() {
    let (api, world) = Api::peopled();
    let body = and(world.instance("one"), "startLicenseDate", "2026-01-01T12:00:00.1235+02:00");
    assert_eq!(api.create(INSTANCES, &body)["startLicenseDate"], "2026-01-01T12:00:00.124Z");
}

#[test]
fn a_create_meets_limit_archived_license_slug_customer_license_and_zone_in_this_order() {
    let (api, world) = Api::peopled();
    api.create("/api/licenses", &license("old"));
    let archived = api.send("POST", "/api/licenses/old/archive", &Value::Null).1["id"].clone();
    api.create(INSTANCES, &world.instance("taken"));
    let broken = json!({"slug": "taken", "customerId": NOBODY, "licenseId": archived, "deploymentZoneId": NOBODY});
    let mut body = world.instance("taken");
    for (name, value) in broken.as_object().unwrap() {
        body[name] = value.clone();
    }
    let mut expect = |status: u16, code: &str, name: &str, repaired: Value| {
        assert_eq!(api.refusal("POST", INSTANCES, &body), (status, format!("CreateInstance.{code}")));
        body[name] = repaired;
    };
    expect(422, "LicenseArchived", "licenseId", json!(NOBODY));
    expect(409, "SlugConflict", "slug", json!("free"));
    expect(404, "CustomerNotFound", "customerId", json!(world.customer));
    expect(404, "LicenseNotFound", "licenseId", json!(world.license));
    expect(404, "DeploymentZoneNotFound", "deploymentZoneId", json!(world.zone));
    api.create(INSTANCES, &body);

    let full = Api::with(|options| options.limits = Limits { instances: Some(0), ..Limits::default() });
    let refusal = full.refusal("POST", INSTANCES, &body);
    assert_eq!(refusal, (409, "CreateInstance.EntitlementLimitReached".to_owned()));
}

#[test]
fn a_member_of_the_seed_dialect_is_unexpected() {
    let (api, world) = Api::peopled();
    let (status, problem) = api.send("POST", INSTANCES, &and(world.instance("one"), "platform", json!({})));
    assert_eq!((status, &problem["errors"][0]["location"]), (422, &json!("body.platform")));
}

#[test]
fn an_update_keeps_slug_and_zone_and_replaces_metadata() {
    let (api, world) = Api::peopled();
    let body = and(world.instance("one"), "deploymentZoneId", world.zone.clone());
    let created = api.create(INSTANCES, &and(body, "metadata", json!({"a": 1})));
    api.put("/api/instances/one", &without(world.instance("one"), "slug"));
    let updated = api.get("/api/instances/one");
    assert_eq!(updated["deploymentZoneId"], created["deploymentZoneId"]);
    assert_eq!(updated["metadata"], json!({}));
    assert_ne!(updated["updatedAt"], created["updatedAt"]);
}

#[test]
fn an_instance_can_be_renamed_unless_the_slug_is_taken() {
    let (api, world) = Api::peopled();
    api.create(INSTANCES, &world.instance("one"));
    api.create(INSTANCES, &world.instance("two"));
    let refusal = api.refusal("PUT", "/api/instances/one", &world.instance("two"));
    assert_eq!(refusal, (409, "UpdateInstance.SlugConflict".to_owned()));
    api.put("/api/instances/one", &world.instance("three"));
    assert_eq!(api.refusal("GET", "/api/instances/one", &Value::Null), (404, "GetInstance.NotFound".to_owned()));
    assert_eq!(api.get("/api/instances/three")["name"], "Acme");
    api.create(INSTANCES, &world.instance("one"));
}

#[test]
fn an_update_refuses_what_is_not_there_and_what_cannot_be_set() {
    let (api, world) = Api::peopled();
    api.create(INSTANCES, &world.instance("one"));
    let refusal =
        |path: &str, name: &str, value: Value| api.refusal("PUT", path, &and(world.instance("one"), name, value));
    let one = "/api/instances/one";
    assert_eq!(refusal("/api/instances/two", "name", json!("x")), (404, "GetInstance.NotFound".to_owned()));
    assert_eq!(refusal(one, "customerId", json!(NOBODY)), (404, "UpdateInstance.CustomerNotFound".to_owned()));
    assert_eq!(refusal(one, "licenseId", json!(NOBODY)), (404, "UpdateInstance.LicenseNotFound".to_owned()));
    assert_eq!(
        refusal(one, "deploymentZoneId", json!(NOBODY)),
        (404, "UpdateInstance.DeploymentZoneNotFound".to_owned())
    );
    let links = json!({"crm": {"external_id": "1"}});
    assert_eq!(refusal(one, "integrations", links), (422, "UpdateInstance.IntegrationsNotSettable".to_owned()));
}

#[test]
fn an_archived_license_stays_where_it_is_and_cannot_be_assigned_anew() {
    let (api, world) = Api::peopled();
    let other = api.create("/api/licenses", &license("other"));
    api.create(INSTANCES, &world.instance("one"));
    api.create(INSTANCES, &and(world.instance("two"), "licenseId", other["id"].clone()));
    assert_eq!(api.send("POST", "/api/licenses/growth/archive", &Value::Null).0, 200);
    api.put("/api/instances/one", &world.instance("one"));
    let refusal = api.refusal("PUT", "/api/instances/two", &world.instance("two"));
    assert_eq!(refusal, (422, "UpdateInstance.LicenseArchived".to_owned()));
    let draft = api.create("/api/licenses", &and(license("next"), "lifecycleState", "DRAFT"));
    api.put("/api/instances/two", &and(world.instance("two"), "licenseId", draft["id"].clone()));
    // The license it left is free, the one it took is not.
    api.delete("/api/licenses/other");
    assert_eq!(api.refusal("DELETE", "/api/licenses/next", &Value::Null).0, 409);
}

#[test]
fn a_patch_sets_status_and_stage_and_does_nothing_if_they_are_so() {
    let (api, world) = Api::peopled();
    let created = api.create(INSTANCES, &world.instance("one"));
    let patch = |body: Value| api.send("PATCH", "/api/instances/one", &body);
    assert_eq!(patch(json!({"status": "HEALTHY"})), (204, Value::Null));
    assert_eq!(patch(json!({})), (204, Value::Null));
    assert_eq!(api.get("/api/instances/one"), created);
    assert_eq!(patch(json!({"status": "INCIDENT", "lifecycleStage": "AT_RISK"})).0, 204);
    let patched = api.get("/api/instances/one");
    assert_eq!((&patched["status"], &patched["lifecycleStage"]), (&json!("INCIDENT"), &json!("AT_RISK")));
    assert_ne!(patched["updatedAt"], created["updatedAt"]);
    assert_eq!(patch(json!({"lifecycleStage": ""})).0, 422);
    assert_eq!(patch(json!({"status": "BROKEN"})).0, 422);
    assert_eq!(patch(json!({"name": "x"})).0, 422);
    let missing = api.refusal("PATCH", "/api/instances/two", &json!({}));
    assert_eq!(missing, (404, "PatchInstance.NotFound".to_owned()));
    // A PUT leaves both as they are, even if it names them.
    api.put("/api/instances/one", &and(world.instance("one"), "status", "HEALTHY"));
    assert_eq!(api.get("/api/instances/one")["status"], "INCIDENT");
}

#[test]
fn an_external_id_taken_by_another_instance_is_an_unmapped_failure() {
    let (api, world) = Api::peopled();
    let links = json!({"crm": {"external_id": "1"}});
    api.create(INSTANCES, &and(world.instance("one"), "integrations", links.clone()));
    let two = and(world.instance("two"), "integrations", links);
    assert_eq!(api.refusal("POST", INSTANCES, &two), (500, "INTERNAL".to_owned()));
    assert_eq!(api.refusal("GET", "/api/instances/two", &Value::Null).0, 404);
    api.delete("/api/instances/one");
    api.create(INSTANCES, &two);
}

#[test]
fn what_is_written_is_signed_with_the_name_of_the_token() {
    let (api, world) = Api::peopled();
    let operator = Some("Bearer ksh_operator");
    let body = |name: &str| and(world.instance("one"), "name", name).to_string();
    let (_, created) = api.raw("POST", INSTANCES, operator, body("One"));
    assert_eq!(
        (&created["createdBy"]["name"], &created["updatedBy"]["name"]),
        (&json!("operator"), &json!("operator"))
    );
    api.put("/api/instances/one", &world.instance("one"));
    let updated = api.get("/api/instances/one");
    assert_eq!((&updated["createdBy"]["name"], &updated["updatedBy"]["name"]), (&json!("operator"), &json!("sandbox")));
}

#[test]
fn a_second_delete_is_a_404() {
    let (api, world) = Api::peopled();
    api.create(INSTANCES, &world.instance("one"));
    api.delete("/api/instances/one");
    let again = api.refusal("DELETE", "/api/instances/one", &Value::Null);
    assert_eq!(again, (404, "DeleteInstance.NotFound".to_owned()));
}
