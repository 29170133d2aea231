//! §10.4

use serde_json::{Value, json};

use super::super::Limits;
use super::entitlements::number;
use super::{Api, and, license, without};

const GRANTS: &str = "/api/licenses/growth/entitlements";
const SEATS: &str = "/api/licenses/growth/entitlements/seats";

fn seats(value: f64) -> Value {
    json!({"entitlementSlug": "seats", "value": {"type": "number", "value": value}})
}

/// A license, and an entitlement of each type.
fn catalogue() -> Api {
    let api = Api::empty();
    api.create("/api/licenses", &license("growth"));
    api.create("/api/entitlements", &number("seats"));
    api.create("/api/entitlements", &and(number("sso"), "type", "BOOLEAN"));
    api.create("/api/entitlements", &and(number("theme"), "type", "CONFIG"));
    api
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[test]
fn a_grant_answers_nothing_and_is_read_afterwards() {
    let api = catalogue();
    assert_eq!(api.send("POST", GRANTS, &seats(42.5)), (204, Value::Null));
    let grant = api.get(SEATS);
    assert_eq!(grant["value"], json!({"type": "number", "value": 42.5}));
    assert_eq!(grant["limitCapExceededOveragePercent"], 0);
    let shown = ["licenseSlug", "entitlementSlug", "entitlementName", "entitlementType"].map(|name| &grant[name]);
    assert_eq!(shown, ["growth", "seats", "Seats", "NUMBER"]);
    assert_eq!(api.get(GRANTS)["items"], json!([grant]));
    assert_eq!(
        api.refusal("POST", GRANTS, &seats(1.0)),
        refused(409, "AssociateEntitlementToLicense.AlreadyAssociated")
    );
}

#[test]
fn the_overage_has_a_default_for_numbers_and_is_theirs_alone() {
    let api = catalogue();
    let invalid = refused(400, "AssociateEntitlementToLicense.InvalidLimitCapExceededOveragePercent");
    let overage = |body: Value, percent: i64| and(body, "limitCapExceededOveragePercent", percent);
    let sso = json!({"entitlementSlug": "sso", "value": {"type": "boolean", "value": true}});
    for body in [overage(seats(5.0), -1), overage(seats(5.0), 32768), overage(seats(-1.0), 0), overage(sso.clone(), 0)]
    {
        assert_eq!(api.refusal("POST", GRANTS, &body), invalid, "{body}");
    }
    api.send("POST", GRANTS, &overage(seats(-1.0), -1));
    assert_eq!(api.get(SEATS)["limitCapExceededOveragePercent"], -1);
    api.put(SEATS, &overage(seats(5.0), 20));
    assert_eq!(api.get(SEATS)["limitCapExceededOveragePercent"], 20);
    api.put(SEATS, &without(seats(-2.0), "entitlementSlug"));
    assert_eq!(api.get(SEATS)["limitCapExceededOveragePercent"], 0, "an update that omits it resets it");
    api.put(SEATS, &seats(-1.0));
    assert_eq!(api.get(SEATS)["limitCapExceededOveragePercent"], -1);
    api.send("POST", GRANTS, &sso);
    assert_eq!(api.get("/api/licenses/growth/entitlements/sso").get("limitCapExceededOveragePercent"), None);
}

#[test]
fn a_value_has_the_tag_of_its_entitlement() {
    let api = catalogue();
    let theme = json!({"entitlementSlug": "theme", "value": {"type": "object", "value": {"b": 1.0, "a": null}}});
    assert_eq!(api.send("POST", GRANTS, &theme).0, 204);
    let stored = api.get("/api/licenses/growth/entitlements/theme")["value"].to_string();
    assert_eq!(stored, r#"{"type":"object","value":{"a":null,"b":1}}"#);
    let wrong = json!({"entitlementSlug": "sso", "value": {"type": "number", "value": 1}});
    assert_eq!(api.refusal("POST", GRANTS, &wrong), refused(400, "AssociateEntitlementToLicense.InvalidValue"));
    let cases = [
        (json!({"type": "number", "value": "5"}), "body.value.value", "expected number"),
        (json!({"type": "boolean"}), "body.value", "expected required property value to be present"),
        (json!({"value": 5}), "body.value.type", "expected propertyName value to be present in object"),
        (
            json!({"type": "text", "value": ""}),
            "body.value",
            "expected value to match exactly one schema but matched none",
        ),
        (json!(5), "body.value", "expected object"),
        (json!({"type": "number", "value": 5, "unit": "x"}), "body.value.unit", "unexpected property"),
    ];
    for (value, location, message) in cases {
        let (status, problem) = api.send("POST", GRANTS, &json!({"entitlementSlug": "seats", "value": value}));
        let error = &problem["errors"][0];
        assert_eq!((status, &error["location"], &error["message"]), (422, &json!(location), &json!(message)));
    }
}

#[test]
fn a_grant_needs_a_license_and_an_entitlement_and_stays_with_them() {
    let api = catalogue();
    let code = "AssociateEntitlementToLicense.LicenseNotFound";
    assert_eq!(api.refusal("POST", "/api/licenses/none/entitlements", &seats(1.0)), refused(404, code));
    let code = "AssociateEntitlementToLicense.EntitlementNotFound";
    for body in [and(seats(1.0), "entitlementSlug", "sieges"), without(seats(1.0), "entitlementSlug")] {
        assert_eq!(api.refusal("POST", GRANTS, &body), refused(404, code));
    }
    assert_eq!(api.refusal("PUT", SEATS, &seats(1.0)), refused(404, "UpdateLicenseEntitlement.NotFound"));
    api.send("POST", GRANTS, &seats(1.0));
    let code = "UpdateLicenseEntitlement.EntitlementSlugMismatch";
    assert_eq!(api.refusal("PUT", SEATS, &and(seats(1.0), "entitlementSlug", "sso")), refused(422, code));
    let wrong = json!({"value": {"type": "boolean", "value": true}});
    assert_eq!(api.refusal("PUT", SEATS, &wrong), refused(400, "UpdateLicenseEntitlement.InvalidValue"));
    assert_eq!(api.refusal("GET", "/api/licenses/none/entitlements", &Value::Null).0, 404);
}

#[test]
fn a_license_with_a_grant_cannot_be_deleted() {
    let api = catalogue();
    api.send("POST", GRANTS, &seats(1.0));
    let refusal = || api.refusal("DELETE", "/api/licenses/growth", &Value::Null);
    assert_eq!(refusal(), refused(409, "DeleteLicense.InUseConflict"));
    api.delete(SEATS);
    assert_eq!(api.refusal("DELETE", SEATS, &Value::Null), refused(404, "DeleteLicenseEntitlement.NotFound"));
    api.delete("/api/licenses/growth");
}

#[test]
fn each_license_has_its_own_grants_and_all_count_against_one_limit() {
    let limits = Limits { license_entitlements: Some(2), ..Limits::default() };
    let api = Api::with(|options| options.limits = limits);
    api.create("/api/entitlements", &number("seats"));
    for slug in ["growth", "other", "third"] {
        api.create("/api/licenses", &license(slug));
    }
    for slug in ["growth", "other"] {
        assert_eq!(api.send("POST", &format!("/api/licenses/{slug}/entitlements"), &seats(1.0)).0, 204);
    }
    let full = refused(409, "AssociateEntitlementWithLicense.LicenseEntitlementLimitReached");
    assert_eq!(api.refusal("POST", GRANTS, &seats(1.0)), full, "before the grant that is there already");
    assert_eq!(api.get("/api/licenses/third/entitlements")["items"], json!([]));
    api.delete(SEATS);
    assert_eq!(api.get("/api/licenses/other/entitlements")["items"][0]["licenseSlug"], "other");
    assert_eq!(api.send("POST", "/api/licenses/third/entitlements", &seats(1.0)).0, 204);
}
