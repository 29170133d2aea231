//! §10.11

use serde_json::{Value, json};

use super::super::Limits;
use super::entitlements::number;
use super::{Api, and, without};

const FLAGS: &str = "/api/feature-flags";
const CHECKOUT: &str = "/api/feature-flags/checkout";

fn flag() -> Value {
    json!({
        "slug": "checkout", "name": "New checkout", "type": "boolean", "description": null, "enabled": true,
        "event_name": "", "metadata": {"team": "web"}, "targetings": null,
        "variants": [
            {"name": "on", "description": "", "value": true}, {"name": "off", "description": "", "value": false},
        ],
        "default_variant": {"type": "basic", "value": "off"},
    })
}

fn targeting(rule: &str) -> Value {
    json!([{"type": "basic", "name": "Some", "rule": rule, "variant": "on"}])
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[test]
fn a_flag_comes_back_as_it_was_sent() {
    let api = Api::empty();
    let step = |variant: &str| json!({"variant": variant, "percentage": 50, "date": "2026-01-01T00:00:00Z"});
    let body = and(
        flag(),
        "targetings",
        json!([
            {"type": "rollout_percentage", "name": "a", "rule": "true", "distribution": {"on": 20, "off": 80}},
            {"type": "rollout_date", "name": "b", "rule": "x == 1", "start": step("on"), "end": step("off")},
        ]),
    );
    let created = api.create(FLAGS, &body);
    assert_eq!(without(created.clone(), "id"), body);
    assert_eq!(api.get(CHECKOUT), created);
    assert_eq!(api.create(FLAGS, &and(flag(), "slug", "other"))["targetings"], json!([]));
    assert_eq!(api.refusal("POST", FLAGS, &flag()), refused(409, "CreateFeatureFlag.SlugConflict"));
}

#[test]
fn everything_but_the_slug_is_needed() {
    let api = Api::empty();
    for name in flag().as_object().unwrap().keys().filter(|name| *name != "slug") {
        let (status, problem) = api.send("POST", FLAGS, &without(flag(), name));
        assert_eq!((status, &problem["errors"][0]["location"]), (422, &json!("body")), "{name}");
    }
    let made_up = api.create(FLAGS, &without(flag(), "slug"));
    assert!(made_up["slug"].as_str().unwrap().starts_with("new-checkout-"), "{made_up}");
    let rule = |rule: Value| and(flag(), "targetings", json!([{"type": "basic", "name": "", "rule": rule}]));
    for (body, location) in [
        (rule(json!("true")), "body.targetings[0]"),
        (rule(json!("x".repeat(10_001))), "body.targetings[0]"),
        (and(flag(), "variants", json!([{"name": "on", "description": ""}])), "body.variants[0]"),
        (and(flag(), "default_variant", json!({"type": "basic"})), "body.default_variant"),
        (and(flag(), "default_variant", json!("off")), "body.default_variant"),
        (and(flag(), "type", "text"), "body.type"),
    ] {
        let (status, problem) = api.send("POST", FLAGS, &body);
        assert_eq!((status, &problem["errors"][0]["location"]), (422, &json!(location)), "{body}");
    }
}

#[test]
fn a_definition_that_does_not_fit_together_is_refused_where_it_does_not() {
    let api = Api::empty();
    api.create("/api/entitlements", &number("seats"));
    let value = |value: Value| json!([{"name": "off", "description": "", "value": value}]);
    let split = json!({"type": "rollout_percentage", "distribution": {}});
    let cases = [
        ("default_variant", json!({"type": "basic", "value": "maybe"}), "body.default_variant"),
        ("default_variant", split, "body.default_variant"),
        ("variants", value(json!("yes")), "body.variants[0].value"),
        ("variants", value(Value::Null), "body.variants[0].value"),
        ("metadata", json!({"fallback_value": 1}), "body.metadata.fallback_value"),
        (
            "targetings",
            json!([{"type": "basic", "name": "", "rule": "true", "variant": "maybe"}]),
            "body.targetings[0]",
        ),
        ("targetings", targeting(""), "body.targetings[0].rule"),
        ("targetings", targeting("a == ("), "body.targetings[0].rule"),
        ("targetings", targeting("__kaiten.entitlements['sieges'].used > 1.0"), "body.targetings[0].rule"),
        ("targetings", targeting("__kaiten.plan.slug == 'growth'"), "body.targetings[0].rule"),
    ];
    for (name, value, location) in cases {
        let (status, problem) = api.send("POST", FLAGS, &and(flag(), name, value));
        assert_eq!((status, &problem["code"]), (400, &json!("VALIDATION_FAILED")), "{problem}");
        assert_eq!(problem["errors"][0]["location"], location);
    }
    let rule = targeting("__kaiten.entitlements['seats'].percentage >= 0.9");
    api.create(FLAGS, &and(flag(), "targetings", rule.clone()));
    // Nobody looks again when the entitlement goes, until the next write.
    api.delete("/api/entitlements/seats");
    let update = and(flag(), "targetings", rule);
    assert_eq!(api.refusal("PUT", CHECKOUT, &update), refused(400, "VALIDATION_FAILED"));
}

#[test]
fn an_update_writes_the_slug_as_it_is_sent_or_not_sent() {
    let api = Api::empty();
    api.create(FLAGS, &flag());
    api.put(CHECKOUT, &and(flag(), "slug", "renamed"));
    assert_eq!(api.refusal("GET", CHECKOUT, &Value::Null), refused(404, "GetFeatureFlag.NotFound"));
    api.create(FLAGS, &flag());
    let onto_another = and(flag(), "slug", "renamed");
    assert_eq!(api.refusal("PUT", CHECKOUT, &onto_another), refused(500, "INTERNAL"));
    api.put(CHECKOUT, &without(flag(), "slug"));
    assert_eq!(api.refusal("GET", CHECKOUT, &Value::Null).0, 404, "it cannot be addressed any more");
    let slugs = || {
        let items = api.get(FLAGS)["items"].clone();
        items.as_array().unwrap().iter().filter(|flag| flag["slug"] == "").count()
    };
    assert_eq!(slugs(), 1);
    // A second one without a slug meets the first.
    let refusal = api.refusal("PUT", "/api/feature-flags/renamed", &without(flag(), "slug"));
    assert_eq!(refusal, refused(500, "INTERNAL"));
    assert_eq!(api.restarted().get(FLAGS), api.get(FLAGS));
}

#[test]
fn a_definition_is_checked_before_the_flag_is_looked_for() {
    let api = Api::empty();
    let bad = and(flag(), "targetings", targeting(""));
    assert_eq!(api.refusal("PUT", CHECKOUT, &bad), refused(400, "VALIDATION_FAILED"));
    assert_eq!(api.refusal("PUT", CHECKOUT, &flag()), refused(404, "UpdateFeatureFlag.NotFound"));
    assert_eq!(api.refusal("DELETE", CHECKOUT, &Value::Null), refused(404, "DeleteFeatureFlag.NotFound"));
    let full = Api::with(|options| options.limits = Limits { feature_flags: Some(0), ..Limits::default() });
    assert_eq!(full.refusal("POST", FLAGS, &bad), refused(400, "VALIDATION_FAILED"));
    let code = "CreateFeatureFlag.EntitlementLimitReached";
    assert_eq!(full.refusal("POST", FLAGS, &flag()), refused(409, code));
}

#[test]
fn flags_are_listed_by_id_and_their_cursor_holds_nothing_else() {
    let api = Api::empty();
    for number in 0..5 {
        api.create(FLAGS, &and(flag(), "slug", format!("flag-{number}")));
    }
    let mut ids: Vec<String> = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = api.get(&format!("{FLAGS}?limit=2&cursor={cursor}"));
        ids.extend(page["items"].as_array().unwrap().iter().map(|flag| flag["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["nextCursor"].as_str() else { break };
        next.clone_into(&mut cursor);
    }
    assert_eq!(ids.len(), 5);
    assert!(ids.is_sorted_by(|one, next| one > next), "{ids:?}");
    // That of another kind holds a time.
    assert_eq!(
        api.refusal("GET", &format!("/api/customers?cursor={cursor}"), &Value::Null),
        refused(400, "Customers.InvalidCursor")
    );
}
