use serde_json::json;

use super::*;

const THING: Schema = &[
    optional("createdAt", Shape::ReadOnly),
    optional("customerId", Shape::Uuid),
    optional("domain", Shape::Domain),
    optional("kind", Shape::Choice(&["PAID", "TRIAL"])),
    optional("links", Shape::MapOf(&[required("url", Shape::Text { min: 1, max: 0 })])),
    optional("metadata", Shape::Object),
    required("name", Shape::Text { min: 1, max: 5 }),
    optional("on", Shape::Boolean),
    optional("slug", Shape::Slug),
    optional("start", Shape::Instant),
];

fn read(body: &Value) -> Result<Body, Problem> {
    Body::read(body.to_string().as_bytes(), THING)
}

fn complaints(body: &Value) -> Vec<(String, String)> {
    let problem = read(body).unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (422, "UNPROCESSABLE"));
    problem.errors.into_iter().map(|error| (error.location, error.message)).collect()
}

fn complaint(body: &Value) -> (String, String) {
    let mut all = complaints(body);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[test]
fn a_missing_property_is_reported_at_its_parent_and_so_is_null() {
    for body in [json!({}), json!({"name": null})] {
        let problem = read(&body).unwrap_err();
        assert_eq!(problem.errors[0].location, "body");
        assert_eq!(problem.errors[0].message, "expected required property name to be present");
        assert_eq!(problem.errors[0].value, body);
    }
    let nested = complaint(&json!({"name": "a", "links": {"crm": {}}}));
    assert_eq!(nested, ("body.links.crm".to_owned(), "expected required property url to be present".to_owned()));
}

#[test]
fn an_unknown_property_is_refused_where_it_stands() {
    let body = json!({"name": "a", "platform": {}});
    assert_eq!(complaint(&body), ("body.platform".to_owned(), "unexpected property".to_owned()));
    assert_eq!(read(&body).unwrap_err().errors[0].value, body);
}

#[test]
fn each_wrong_value_is_refused_in_the_words_of_the_framework() {
    let cases = [
        ("name", json!(""), "expected length >= 1"),
        ("name", json!("äöüßéé"), "expected length <= 5"),
        ("name", json!(7), "expected string"),
        ("slug", json!("Bad_Slug"), "expected string to match pattern ^[a-z0-9][a-z0-9-]*[a-z0-9]$"),
        ("slug", json!("a".repeat(101)), "expected length <= 100"),
        ("domain", json!("acme"), r"expected string to match pattern ^[a-z0-9_-]+(\.[a-z0-9_-]+)+$"),
        ("domain", json!("Acme.com"), r"expected string to match pattern ^[a-z0-9_-]+(\.[a-z0-9_-]+)+$"),
        ("kind", json!("paid"), "expected value to be one of \"PAID, TRIAL\""),
        ("on", json!("true"), "expected boolean"),
        ("metadata", json!([]), "expected object"),
        ("start", json!("2026-01-01"), "expected string to be RFC 3339 date-time"),
    ];
    for (name, value, message) in cases {
        let mut body = json!({"name": "a"});
        body[name] = value.clone();
        assert_eq!(complaint(&body), (format!("body.{name}"), message.to_owned()));
        assert_eq!(read(&body).unwrap_err().errors[0].value, value);
    }
}

#[test]
fn all_violations_are_reported_together() {
    let places: Vec<_> = complaints(&json!({"slug": "X", "on": 1, "zzz": 1})).into_iter().map(|(at, _)| at).collect();
    assert_eq!(places, ["body", "body.on", "body.slug", "body.slug", "body.zzz"]);
}

#[test]
fn a_malformed_uuid_fails_only_in_decoding() {
    let body = json!({"name": "a", "customerId": "123e4567-e89b-12d3-a2456-426614174000"});
    assert_eq!(complaint(&body), ("body".to_owned(), "invalid UUID length: 37".to_owned()));
    let both = json!({"name": "", "customerId": "x"});
    assert_eq!(complaint(&both).0, "body.name");
}

#[test]
fn read_only_properties_nulls_and_other_spellings_are_tolerated() {
    let body = read(&json!({"Name": "a", "createdAt": 5, "slug": null})).unwrap();
    assert_eq!(body, Body(Map::from_iter([("name".to_owned(), json!("a"))])));
}

#[test]
fn a_body_that_is_missing_or_not_json_is_a_400() {
    for bytes in [&b""[..], b"{", b"{\"name\":}"] {
        let problem = Body::read(bytes, THING).unwrap_err();
        assert_eq!((problem.status, problem.code.as_str()), (400, "VALIDATION"));
    }
    assert_eq!(Body::read(b"[]", THING).unwrap_err().status, 422);
}
