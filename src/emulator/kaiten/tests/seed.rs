//! The dialect of the seed document (§12).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Api, and};

/// The request of the seed document.
fn sample() -> Value {
    json!({
        "customerId": "123e4567-e89b-12d3-a456-426614174003", "description": "This is a sample instance description",
        "endLicenseDate": "2024-10-01T12:00:00Z", "licenseId": "123e4567-e89b-12d3-a456-426614174004",
        "licenseSlug": "my-license", "metadata": {"key": "value"}, "name": "My Instance",
        "platform": {"type": "kubernetes", "version": "1.21"}, "startLicenseDate": "2023-10-01T12:00:00Z",
    })
}

fn without_token(api: &Api, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let bytes = if body.is_null() { String::new() } else { body.to_string() };
    api.raw(method, path, None, bytes)
}

#[test]
fn the_request_of_the_seed_document_is_answered_in_its_shape() {
    let api = Api::seed(false);
    let body = and(sample(), "deploymentZoneId", "123e4567-e89b-12d3-a456-426614174005");
    let (status, created) = without_token(&api, "POST", "/instances", &body);
    assert_eq!(status, 201, "{created}");
    for (name, value) in body.as_object().unwrap() {
        assert_eq!(&created[name], value, "{name}");
    }
    assert_eq!((&created["slug"], &created["customerSlug"]), (&json!("my-instance"), &json!("acme-corp")));
    let members: BTreeSet<_> = created.as_object().unwrap().keys().map(String::as_str).collect();
    let documented = [
        "createdAt",
        "createdBy",
        "customerId",
        "customerSlug",
        "deploymentZoneId",
        "description",
        "endLicenseDate",
        "id",
        "licenseId",
        "licenseSlug",
        "metadata",
        "name",
        "platform",
        "slug",
        "startLicenseDate",
        "updatedAt",
        "updatedBy",
    ];
    assert_eq!(members, BTreeSet::from(documented), "deletedAt was never written, the rest came later");
}

#[test]
fn a_list_is_a_bare_array_of_everything() {
    let api = Api::seed(false);
    assert_eq!(without_token(&api, "GET", "/instances?include_deleted=true", &Value::Null), (200, json!([])));
    for number in 0..60 {
        let body = and(sample(), "slug", format!("i-{number}"));
        assert_eq!(without_token(&api, "POST", "/instances", &body).0, 201);
    }
    let (_, list) = without_token(&api, "GET", "/instances", &Value::Null);
    assert_eq!((list.as_array().unwrap().len(), &list[0]["slug"]), (60, &json!("i-59")));
}

#[test]
fn a_name_twice_gives_two_slugs() {
    let api = Api::seed(false);
    let slug = || without_token(&api, "POST", "/instances", &sample()).1["slug"].as_str().unwrap().to_owned();
    assert_eq!(slug(), "my-instance");
    assert!(slug().starts_with("my-instance-"));
}

#[test]
fn a_problem_has_no_code() {
    let api = Api::seed(false);
    let (status, problem) = without_token(&api, "POST", "/instances", &and(sample(), "integrations", json!({})));
    assert_eq!((status, problem.get("code")), (422, None));
    assert_eq!(
        (&problem["instance"], &problem["errors"][0]["location"]),
        (&json!("/instances"), &json!("body.integrations"))
    );
    let unknown = and(sample(), "customerId", "123e4567-e89b-12d3-a456-426614174009");
    assert_eq!(without_token(&api, "POST", "/instances", &unknown).0, 404);
}

#[test]
fn only_two_operations_are_there_unless_more_are_asked_for() {
    let (documented, more) = (Api::seed(false), Api::seed(true));
    for api in [&documented, &more] {
        assert_eq!(without_token(api, "POST", "/instances", &sample()).0, 201);
        for path in ["/api/instances", "/customers", "/licenses"] {
            assert_eq!(without_token(api, "GET", path, &Value::Null).0, 404, "{path}");
        }
    }
    let path = "/instances/my-instance";
    assert_eq!(without_token(&documented, "GET", path, &Value::Null).0, 404);
    assert_eq!(without_token(&documented, "DELETE", path, &Value::Null).0, 404);
    assert_eq!(without_token(&more, "PUT", path, &and(sample(), "name", "Renamed")).0, 204);
    assert_eq!(without_token(&more, "GET", path, &Value::Null).1["name"], "Renamed");
    assert_eq!(without_token(&more, "DELETE", path, &Value::Null).0, 204);
}
