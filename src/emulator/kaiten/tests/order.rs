//! The order of checks (§3.3), and the problem document (§3.1).

use serde_json::{Value, json};

use super::Api;

fn code((status, problem): (u16, Value)) -> (u16, String) {
    (status, problem["code"].as_str().unwrap().to_owned())
}

#[test]
fn a_request_meets_token_route_body_schema_scope_and_rules_in_this_order() {
    let api = Api::empty();
    let (reader, admin) = (Some("Bearer ksh_reader"), Some("Bearer ksh_admin"));
    let refused = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(code(api.raw("GET", "/api/nowhere", None, "")), refused(401, "Auth.MissingAuthorizationHeader"));
    assert_eq!(code(api.raw("GET", "/api/nowhere", reader, "")), refused(404, "NOT_FOUND"));
    assert_eq!(code(api.raw("POST", "/api/customers", reader, "{")), refused(400, "VALIDATION"));
    assert_eq!(code(api.raw("POST", "/api/customers", reader, "{}")), refused(422, "UNPROCESSABLE"));
    assert_eq!(code(api.raw("POST", "/api/customers", reader, r#"{"name":"a"}"#)), refused(403, "Auth.MissingScope"));
    assert_eq!(code(api.raw("PUT", "/api/customers/x", reader, r#"{"name":"a"}"#)), refused(403, "Auth.MissingScope"));
    assert_eq!(
        code(api.raw("PUT", "/api/customers/x", admin, r#"{"name":"a"}"#)),
        refused(404, "UpdateCustomer.NotFound")
    );
    assert_eq!(
        code(api.raw("GET", "/api/customers?limit=0", Some("Bearer ksh_x"), "")),
        refused(401, "ValidateToken.Invalid")
    );
    assert_eq!(code(api.raw("PATCH", "/api/customers", admin, "")), refused(405, "UNKNOWN"));
    for path in ["releases/v1", "licenses/a/publish", "metadata-fields/a", "entitlement-groups/a/entitlements/b"] {
        assert_eq!(code(api.raw("PUT", &format!("/api/{path}"), admin, "{}")), refused(405, "UNKNOWN"), "{path}");
    }
    for path in ["licenses/a/sell", "entitlement-groups/a/usage", "releases/a/b", "service-accounts"] {
        assert_eq!(code(api.raw("POST", &format!("/api/{path}"), admin, "{}")), refused(404, "NOT_FOUND"), "{path}");
    }
}

#[test]
fn each_operation_needs_the_scope_of_its_module() {
    let api = Api::empty();
    let sales = Some("Bearer ksh_sales");
    for (path, module) in [
        ("deployment-zones", "deployment_zones"),
        ("license-families", "licenses"),
        ("licenses", "licenses"),
        ("instances", "instances"),
        ("licenses/none/entitlements", "licenses"),
        ("entitlements", "entitlements"),
        ("entitlement-groups", "entitlements"),
        ("components", "components"),
        ("releases", "releases"),
        ("metadata-fields?resourceType=INSTANCE", "metadata_fields"),
        ("feature-flags", "feature_flags"),
    ] {
        let (status, problem) = api.raw("GET", &format!("/api/{path}"), sales, "");
        assert_eq!((status, &problem["code"]), (403, &json!("Auth.MissingScope")));
        assert_eq!(problem["detail"], format!("missing required scope: read:{module}"));
        let expected = if path.contains("none") { 404 } else { 200 };
        assert_eq!(api.raw("GET", &format!("/api/{path}"), Some("Bearer ksh_reader"), "").0, expected);
    }
    assert_eq!(api.raw("POST", "/api/customers", sales, r#"{"name":"a"}"#).0, 201);
    assert_eq!(api.raw("GET", "/api/customers", sales, "").0, 200);
}

#[test]
fn a_problem_has_the_members_of_the_reference() {
    let api = Api::empty();
    let (_, problem) = api.send("GET", "/api/customers/nobody?x=1", &Value::Null);
    assert_eq!(
        problem,
        json!({
            "type": "https://tools.ietf.org/html/rfc7231#section-6.5.4", "title": "Not Found", "status": 404,
            "detail": "customer not found", "instance": "/api/customers/nobody", "code": "GetCustomer.NotFound",
        })
    );
    let (_, problem) = api.send("POST", "/api/customers", &json!({"slug": "ab"}));
    assert_eq!(problem["type"], "https://tools.ietf.org/html/rfc4918#section-11.2");
    assert_eq!(problem["detail"], "validation failed");
    let message = "expected required property name to be present";
    assert_eq!(problem["errors"], json!([{"location": "body", "message": message, "value": {"slug": "ab"}}]));
}

#[test]
fn only_an_unmapped_failure_has_an_error_id() {
    let (api, world) = Api::peopled();
    let body = super::and(world.instance("a1"), "startLicenseDate", "0001-01-01T00:00:00Z");
    let (status, problem) = api.send("POST", "/api/instances", &body);
    assert_eq!((status, problem["code"].as_str()), (500, Some("INTERNAL")));
    assert_eq!(problem["errorId"].as_str().unwrap().len(), 36);
    assert_eq!(api.send("GET", "/api/instances/a1", &Value::Null).1.get("errorId"), None);
}

#[test]
fn health_needs_no_token_with_and_without_the_base_path() {
    for path in ["/api/healthz", "/api/readyz", "/healthz", "/readyz"] {
        assert_eq!(Api::empty().raw("GET", path, None, "").0, 200, "{path}");
    }
    assert_eq!(Api::empty().raw("GET", "/customers", None, "").0, 404);
}

#[test]
fn a_slash_at_the_end_is_the_collection() {
    assert_eq!(Api::empty().get("/api/customers/")["items"], json!([]));
}
