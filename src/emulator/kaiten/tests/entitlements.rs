//! §10.5 and §10.6

use serde_json::{Value, json};

use super::super::Limits;
use super::{Api, and, without};

const ENTITLEMENTS: &str = "/api/entitlements";
const GROUPS: &str = "/api/entitlement-groups";
const SEATS: &str = "/api/entitlements/seats";

pub(super) fn number(slug: &str) -> Value {
    json!({"slug": slug, "name": "Seats", "description": null, "type": "NUMBER"})
}

fn boolean() -> Value {
    and(number("sso"), "type", "BOOLEAN")
}

fn group(slug: &str) -> Value {
    json!({"slug": slug, "name": slug, "description": null})
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[test]
fn a_number_is_summed_and_has_defaults_for_the_rest() {
    let api = Api::empty();
    let created = api.create(ENTITLEMENTS, &number("seats"));
    assert_eq!(api.get(SEATS), created);
    assert_eq!(
        without(without(without(created, "id"), "createdAt"), "updatedAt"),
        json!({
            "slug": "seats", "name": "Seats", "description": null, "type": "NUMBER", "aggregationMethod": "SUM",
            "userFacing": false, "displayOrder": 0, "warningThresholdPercent": 0, "entitlementGroups": [],
        })
    );
}

#[test]
fn the_description_must_be_named_and_may_be_null() {
    let api = Api::empty();
    for path in [ENTITLEMENTS, GROUPS] {
        let (status, problem) = api.send("POST", path, &json!({"name": "Seats"}));
        assert_eq!((status, &problem["errors"][0]["location"]), (422, &json!("body")));
        assert_eq!(problem["errors"][0]["message"], "expected required property description to be present");
        assert_eq!(api.create(path, &json!({"name": "Seats", "description": null}))["description"], Value::Null);
    }
}

#[test]
fn what_is_no_number_drops_its_aggregation_and_refuses_a_warning_of_zero() {
    let api = Api::empty();
    let created = api.create(ENTITLEMENTS, &and(boolean(), "aggregationMethod", "MAX"));
    assert_eq!((created.get("aggregationMethod"), created.get("warningThresholdPercent")), (None, None));
    let body = and(and(boolean(), "slug", "other"), "warningThresholdPercent", 0);
    let code = "CreateEntitlement.InvalidEnforcementPolicyConfiguration";
    assert_eq!(api.refusal("POST", ENTITLEMENTS, &body), refused(400, code));
    let update = and(boolean(), "aggregationMethod", "MAX");
    let code = "UpdateEntitlement.ImmutableAggregationMethod";
    assert_eq!(api.refusal("PUT", "/api/entitlements/sso", &update), refused(400, code));
    api.put("/api/entitlements/sso", &boolean());
}

#[test]
fn each_configuration_that_does_not_fit_has_its_code() {
    let api = Api::empty();
    let sale = |body: Value| and(and(body, "saleUnitSingular", "box"), "saleUnitPlural", "boxes");
    let unit = |body: Value| and(and(body, "unitSingular", "seat"), "unitPlural", "seats");
    let cases = [
        (and(number("ab"), "unitSingular", "seat"), "InvalidUnitsConfiguration"),
        (sale(unit(number("ab"))), "InvalidUnitsConfiguration"),
        (and(sale(number("ab")), "saleUnitFactor", 2), "InvalidUnitsConfiguration"),
        (unit(boolean()), "InvalidUnitsConfiguration"),
        (and(number("ab"), "resetAnchor", "CALENDAR"), "InvalidResetConfiguration"),
        (and(boolean(), "resetPeriod", "DAY"), "InvalidResetConfiguration"),
        (and(and(number("ab"), "resetPeriod", "DAY"), "aggregationMethod", "LATEST"), "InvalidResetConfiguration"),
        (and(number("ab"), "icon", "feather:user"), "InvalidIcon"),
    ];
    for (body, code) in cases {
        let code = format!("CreateEntitlement.{code}");
        assert_eq!(api.refusal("POST", ENTITLEMENTS, &body), (400, code), "{body}");
    }
    for (name, value) in [
        ("icon", json!("lucide")),
        ("saleUnitFactor", json!(0)),
        ("displayOrder", json!(-1)),
        ("displayOrder", json!(1.5)),
        ("warningThresholdPercent", json!(101)),
        ("groupSlugs", json!([1])),
        ("groupSlugs", json!("a")),
    ] {
        let (status, problem) = api.send("POST", ENTITLEMENTS, &and(number("ab"), name, value.clone()));
        assert_eq!(status, 422, "{name} {value}");
        assert!(problem["errors"][0]["location"].as_str().unwrap().starts_with(&format!("body.{name}")), "{problem}");
    }
    let body = and(and(sale(unit(number("ab"))), "saleUnitFactor", 2.0), "icon", "lucide:user-round");
    let created = api.create(ENTITLEMENTS, &body);
    assert_eq!((&created["saleUnitFactor"], &created["unitPlural"]), (&json!(2), &json!("seats")));
}

#[test]
fn an_update_clears_what_it_omits_and_keeps_groups() {
    let api = Api::empty();
    api.create(GROUPS, &group("quotas"));
    let mut body = number("seats");
    let more = json!({
        "icon": "lucide:user", "unitSingular": "seat", "unitPlural": "seats", "userFacing": true, "displayOrder": 3,
        "warningThresholdPercent": 80, "groupSlugs": ["quotas"],
    });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    let created = api.create(ENTITLEMENTS, &body);
    assert_eq!(created["entitlementGroups"][0]["slug"], "quotas");
    api.put(SEATS, &without(number("seats"), "type"));
    let updated = api.get(SEATS);
    let expected =
        and(api.create(ENTITLEMENTS, &number("plain")), "entitlementGroups", created["entitlementGroups"].clone());
    for (name, value) in expected.as_object().unwrap() {
        if !["id", "slug", "createdAt", "updatedAt"].contains(&name.as_str()) {
            assert_eq!(&updated[name], value, "{name}");
        }
    }
    assert_eq!(updated.as_object().unwrap().len(), expected.as_object().unwrap().len());
    api.put(SEATS, &and(number("seats"), "groupSlugs", json!([])));
    assert_eq!(api.get(SEATS)["entitlementGroups"], json!([]));
}

#[test]
fn type_and_reset_are_immutable_and_leaving_out_a_reset_that_is_set_is_a_change() {
    let api = Api::empty();
    api.create(ENTITLEMENTS, &number("seats"));
    let refusal = |body: &Value| api.refusal("PUT", SEATS, body);
    assert_eq!(refusal(&and(number("seats"), "type", "CONFIG")), refused(400, "UpdateEntitlement.ImmutableType"));
    assert_eq!(refusal(&number("other")), refused(422, "UpdateEntitlement.SlugNotRenameable"));
    api.put(SEATS, &and(number("seats"), "resetPeriod", "MONTH"));
    let reset = api.get(SEATS);
    assert_eq!((&reset["resetPeriod"], &reset["resetAnchor"]), (&json!("MONTH"), &json!("CALENDAR")));
    assert_eq!(refusal(&number("seats")), refused(400, "UpdateEntitlement.ImmutableResetPeriod"));
    let without_anchor = and(number("seats"), "resetPeriod", "MONTH");
    assert_eq!(refusal(&without_anchor), refused(400, "UpdateEntitlement.ImmutableResetAnchor"));
    api.put(SEATS, &reset);
    assert_ne!(api.get(SEATS)["updatedAt"], reset["updatedAt"]);
}

#[test]
fn groups_of_an_entitlement_are_trimmed_deduplicated_and_sorted() {
    let api = Api::empty();
    api.create(GROUPS, &group("b1"));
    api.create(GROUPS, &group("a1"));
    let created = api.create(ENTITLEMENTS, &and(number("seats"), "groupSlugs", json!(["b1", " a1 ", "b1"])));
    let groups = created["entitlementGroups"].as_array().unwrap();
    let slugs: Vec<_> = groups.iter().map(|group| group["slug"].clone()).collect();
    assert_eq!(slugs, ["a1", "b1"]);
    let unknown = and(number("other"), "groupSlugs", json!(["nowhere"]));
    assert_eq!(api.refusal("POST", ENTITLEMENTS, &unknown), refused(404, "CreateEntitlement.GroupNotFound"));
    assert_eq!(
        api.refusal("PUT", SEATS, &and(unknown, "slug", "seats")),
        refused(404, "UpdateEntitlement.GroupNotFound")
    );
}

#[test]
fn members_join_and_leave_from_the_side_of_the_group_too() {
    let api = Api::empty();
    api.create(GROUPS, &group("quotas"));
    api.create(ENTITLEMENTS, &number("seats"));
    let members = "/api/entitlement-groups/quotas/entitlements";
    let seats = json!({"entitlementSlug": "seats"});
    assert_eq!(api.send("POST", members, &seats), (201, Value::Null));
    assert_eq!(api.refusal("POST", members, &seats), refused(409, "AddEntitlementToGroup.AlreadyMember"));
    assert_eq!(api.get(SEATS)["entitlementGroups"][0]["slug"], "quotas");
    assert_eq!(api.refusal("POST", members, &json!({"entitlementSlug": "sieges"})).0, 404);
    assert_eq!(api.refusal("POST", "/api/entitlement-groups/none/entitlements", &seats).0, 404);
    let member = format!("{members}/seats");
    api.delete(&member);
    assert_eq!(api.refusal("DELETE", &member, &Value::Null).0, 404);
    // A group goes without its members.
    api.send("POST", members, &seats);
    api.delete("/api/entitlement-groups/quotas");
    assert_eq!(api.get(SEATS)["entitlementGroups"], json!([]));
}

#[test]
fn a_group_is_renamed_in_words_only() {
    let api = Api::empty();
    let created = api.create(GROUPS, &and(group("quotas"), "description", "What is metered"));
    let members: Vec<_> = created.as_object().unwrap().keys().collect();
    assert_eq!(members, ["id", "slug", "name", "description"]);
    api.put("/api/entitlement-groups/quotas", &json!({"name": "Quotas", "description": null}));
    let updated = api.get("/api/entitlement-groups/quotas");
    assert_eq!((&updated["name"], &updated["description"]), (&json!("Quotas"), &Value::Null));
    let refusal = |method: &str, path: &str, body: &Value| api.refusal(method, path, body);
    assert_eq!(
        refusal("PUT", "/api/entitlement-groups/quotas", &group("other")),
        refused(422, "UpdateEntitlementGroup.SlugNotRenameable")
    );
    assert_eq!(refusal("POST", GROUPS, &group("quotas")), refused(409, "CreateEntitlementGroup.SlugConflict"));
    assert_eq!(
        refusal("DELETE", "/api/entitlement-groups/none", &Value::Null),
        refused(404, "DeleteEntitlementGroup.NotFound")
    );
}

#[test]
fn deleting_an_entitlement_that_is_granted_is_an_unmapped_failure() {
    let (api, _) = Api::peopled();
    api.create(ENTITLEMENTS, &number("seats"));
    let grant = json!({"entitlementSlug": "seats", "value": {"type": "number", "value": 5}});
    assert_eq!(api.send("POST", "/api/licenses/growth/entitlements", &grant).0, 204);
    assert_eq!(api.refusal("DELETE", SEATS, &Value::Null), refused(500, "INTERNAL"));
    api.delete("/api/licenses/growth/entitlements/seats");
    api.delete(SEATS);
    assert_eq!(api.refusal("DELETE", SEATS, &Value::Null), refused(404, "DeleteEntitlement.NotFound"));
}

#[test]
fn entitlements_and_groups_have_limits_with_codes_of_their_own() {
    let limits = Limits { entitlements: Some(0), entitlement_groups: Some(0), ..Limits::default() };
    let api = Api::with(|options| options.limits = limits);
    let code = "CreateEntitlement.EntitlementLimitReached";
    assert_eq!(api.refusal("POST", ENTITLEMENTS, &number("seats")), refused(409, code));
    let code = "CreateEntitlementGroup.EntitlementGroupLimitReached";
    assert_eq!(api.refusal("POST", GROUPS, &group("quotas")), refused(409, code));
}
