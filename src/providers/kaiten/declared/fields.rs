//! Every field of every kind, one at a time: what is changed moves and nothing else does, what cannot be changed is
//! refused before any write, where it stands.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use super::{Declared, over, yaml};
use crate::model::{ChangeRule, Section};
use crate::plan::{Action, Plan, Step};

/// What becomes of a change.
#[derive(Debug, Clone, Copy)]
enum Outcome {
    /// These members of the stored object move.
    Moves(&'static [&'static str]),
    /// So do these of a grant of the license.
    MovesGrant(&'static [&'static str]),
    /// Nothing is written, and the field's line says so.
    Refused,
    /// It is a part of the natural key: another object is meant.
    Another,
}
use Outcome::{Another, Moves, MovesGrant, Refused};

struct Trial {
    section: &'static str,
    field: &'static str,
    /// What is otherwise than in [`thing`] at first.
    before: Json,
    /// The change, and what has to be declared beside it.
    after: Json,
    outcome: Outcome,
}

fn trial(section: &'static str, field: &'static str, to: impl Into<Json>, outcome: Outcome) -> Trial {
    Trial { section, field, before: json!({}), after: json!({ field: to.into() }), outcome }
}

impl Trial {
    fn before(mut self, before: Json) -> Self {
        self.before = before;
        self
    }

    fn beside(mut self, beside: &Json) -> Self {
        over(self.after.as_object_mut().unwrap(), beside);
        self
    }
}

/// What is there besides.
fn surroundings() -> Json {
    json!({
        "customers": {"one": {"name": "One"}, "two": {"name": "Two"}},
        "deployment_zones": {"north": {"name": "N", "type": "production"}, "south": {"name": "S", "type": "staging"}},
        "entitlement_groups": {"red": {"name": "Red"}, "blue": {"name": "Blue"}},
        "entitlements": {"seats": {"name": "Seats", "type": "NUMBER"}, "sso": {"name": "Sign-on", "type": "BOOLEAN"}},
        "licenses": {"basic": {"name": "Basic", "type": "PAID"}, "large": {"name": "Large", "type": "PAID"}},
        "components": {
            "left": {"name": "left", "version": "1"},
            "right": {"name": "right", "version": "1"},
        },
        "releases": {"first": {"version": "1"}, "second": {"version": "2"}},
    })
}

/// An object of the kind with every field that it can have.
fn thing(section: &str) -> Json {
    match section {
        "customers" => json!({"name": "Acme", "domain": "acme.example", "external_customer_id": "crm-1"}),
        "deployment_zones" => json!({
            "name": "EU", "type": "production", "description": "Europe", "metadata": {"a": 1, "b": [2, {"c": 3}]},
            "release": "first",
        }),
        "licenses" => json!({
            "name": "Growth", "description": "Some", "type": "PAID", "default": false, "version_name": "Winter",
            "lifecycle_state": "PUBLISHED", "entitlements": {"seats": {"value": 5, "overage_percent": 10}, "sso": true},
        }),
        "entitlements" => json!({
            "name": "Calls", "description": "Of the API", "type": "NUMBER", "aggregation_method": "SUM",
            "reset_period": "MONTH", "reset_anchor": "LICENSE_START", "warning_threshold_percent": 80,
            "user_facing": true, "display_order": 3, "icon": "lucide:phone",
            "units": {"singular": "call", "plural": "calls"},
            "sale_units": {"singular": "pack", "plural": "packs", "factor": 10}, "groups": ["red"],
        }),
        "entitlement_groups" => json!({"name": "Group", "description": "Of some"}),
        "metadata_fields" => json!({
            "resource_type": "INSTANCE", "key": "thing", "label": "Thing",
            "json_schema": {"type": "string", "enum": ["a", "b"]},
        }),
        "components" => json!({"name": "api", "version": "1", "description": "The API"}),
        "releases" => json!({"version": "2026.1", "description": "New", "components": ["left"]}),
        "feature_flags" => json!({
            "name": "Checkout", "type": "boolean", "description": "The new one", "enabled": true,
            "variants": [{"name": "on", "value": true}, {"name": "off", "value": false, "description": "Old"}],
            "default_variant": {"type": "basic", "value": "off"},
            "targetings": [{"name": "Busy", "type": "basic", "rule": "__kaiten.entitlements.seats.used > 9", "variant": "on"}],
            "metadata": {"team": "web", "fallback_value": false}, "event_name": "seen",
        }),
        "instances" => json!({
            "slug": "thing", "name": "Production", "description": "Of Acme", "customer": "one", "license": "basic",
            "deployment_zone": "north", "start_license_date": "2026-01-01T00:00:00Z",
            "end_license_date": "2027-01-01T00:00:00Z", "metadata": {"a": 1, "b": {"c": 2}}, "status": "MAINTENANCE",
            "lifecycle_stage": "TRIAL",
        }),
        other => panic!("say what one of `{other}` is with every field"),
    }
}

/// A row for every field of every kind; some have several.
fn trials() -> Vec<Trial> {
    let rollout = json!({"type": "rollout_percentage", "distribution": {"on": 1, "off": 99}});
    let all = json!([{"name": "All", "type": "basic", "rule": "true", "variant": "off"}]);
    let no_reset = || json!({"reset_period": null, "reset_anchor": null});
    vec![
        trial("customers", "name", "Acme Corp", Moves(&["name"])),
        trial("customers", "domain", "acme.test", Moves(&["domain"])),
        trial("customers", "external_customer_id", "crm-2", Moves(&["externalCustomerId"])),
        trial("deployment_zones", "name", "Europe", Moves(&["name"])),
        trial("deployment_zones", "type", "staging", Moves(&["type"])),
        trial("deployment_zones", "description", "", Moves(&["description"])),
        trial("deployment_zones", "metadata", json!({"a": 2}), Moves(&["metadata"])),
        trial("deployment_zones", "release", "second", Moves(&["releaseId"])),
        trial("licenses", "name", "Growing", Moves(&["name"])),
        trial("licenses", "description", "", Moves(&["description"])),
        trial("licenses", "type", "TRIAL", Moves(&["type"])),
        trial("licenses", "family", "basic", Refused),
        trial("licenses", "default", true, Moves(&["isDefault"])),
        trial("licenses", "default", false, Moves(&["isDefault"])).before(json!({"default": true})),
        // The default is a published one.
        trial("licenses", "default", true, Moves(&["isDefault", "lifecycleState"]))
            .before(json!({"lifecycle_state": "DRAFT"})),
        trial("licenses", "version_name", "Summer", Moves(&["versionName"])),
        trial("licenses", "lifecycle_state", "ARCHIVED", Moves(&["lifecycleState"])),
        trial("licenses", "lifecycle_state", "PUBLISHED", Moves(&["lifecycleState"]))
            .before(json!({"lifecycle_state": "DRAFT"})),
        trial("licenses", "lifecycle_state", "PUBLISHED", Moves(&["lifecycleState"]))
            .before(json!({"lifecycle_state": "ARCHIVED"})),
        trial("licenses", "lifecycle_state", "DRAFT", Refused),
        trial("licenses", "entitlements", json!({"seats": 7}), MovesGrant(&["value"])),
        trial(
            "licenses",
            "entitlements",
            json!({"seats": {"value": 5, "overage_percent": 20}}),
            MovesGrant(&["limitCapExceededOveragePercent"]),
        ),
        trial("entitlements", "name", "API calls", Moves(&["name"])),
        trial("entitlements", "description", "", Moves(&["description"])),
        trial("entitlements", "type", "BOOLEAN", Refused),
        trial("entitlements", "aggregation_method", "MAX", Refused),
        trial("entitlements", "reset_period", "DAY", Moves(&["resetPeriod", "resetAnchor"])).before(no_reset()),
        trial("entitlements", "reset_period", "DAY", Refused),
        trial("entitlements", "reset_anchor", "LICENSE_START", Moves(&["resetPeriod", "resetAnchor"]))
            .before(no_reset())
            .beside(&json!({"reset_period": "DAY"})),
        trial("entitlements", "reset_anchor", "CALENDAR", Refused),
        trial("entitlements", "warning_threshold_percent", 0, Moves(&["warningThresholdPercent"])),
        trial("entitlements", "user_facing", false, Moves(&["userFacing"])),
        trial("entitlements", "display_order", 0, Moves(&["displayOrder"])),
        trial("entitlements", "icon", "lucide:rocket", Moves(&["icon"])),
        trial(
            "entitlements",
            "units",
            json!({"singular": "request", "plural": "requests"}),
            Moves(&["unitSingular", "unitPlural"]),
        ),
        trial(
            "entitlements",
            "sale_units",
            json!({"singular": "box", "plural": "boxes", "factor": 2.5}),
            Moves(&["saleUnitSingular", "saleUnitPlural", "saleUnitFactor"]),
        ),
        trial("entitlements", "groups", json!(["red", "blue"]), Moves(&["entitlementGroups"])),
        trial("entitlements", "groups", json!([]), Moves(&["entitlementGroups"])),
        trial("entitlement_groups", "name", "Groups", Moves(&["name"])),
        trial("entitlement_groups", "description", "", Moves(&["description"])),
        trial("metadata_fields", "resource_type", "DEPLOYMENT_ZONE", Another),
        trial("metadata_fields", "key", "other", Another),
        trial("metadata_fields", "label", "The thing", Moves(&["label"])),
        trial("metadata_fields", "json_schema", json!({"type": "string", "enum": ["b", "c"]}), Moves(&["jsonSchema"])),
        trial("metadata_fields", "json_schema", json!({"type": "number"}), Refused),
        trial("components", "name", "web", Refused),
        trial("components", "version", "2", Refused),
        trial("components", "description", "It", Moves(&["description"])),
        trial("releases", "version", "2026.2", Refused),
        trial("releases", "description", "Newer", Refused),
        trial("releases", "components", json!(["left", "right"]), Refused),
        trial("feature_flags", "name", "New checkout", Moves(&["name"])),
        trial("feature_flags", "type", "object", Moves(&["type"])),
        trial("feature_flags", "description", "", Moves(&["description"])),
        trial("feature_flags", "enabled", false, Moves(&["enabled"])),
        trial(
            "feature_flags",
            "variants",
            json!([{"name": "off", "value": true}, {"name": "on", "value": true}]),
            Moves(&["variants"]),
        ),
        trial("feature_flags", "default_variant", rollout, Moves(&["default_variant"])),
        trial("feature_flags", "targetings", all, Moves(&["targetings"])),
        trial("feature_flags", "targetings", json!([]), Moves(&["targetings"])),
        trial("feature_flags", "metadata", json!({"team": "app"}), Moves(&["metadata"])),
        trial("feature_flags", "event_name", "", Moves(&["event_name"])),
        trial("instances", "slug", "renamed", Moves(&["slug"])).beside(&json!({"lifecycle": {"was": "thing"}})),
        trial("instances", "name", "Live", Moves(&["name"])),
        trial("instances", "description", "", Moves(&["description"])),
        trial("instances", "customer", "two", Moves(&["customerId", "customerSlug"])),
        trial("instances", "license", "large", Moves(&["licenseId", "licenseSlug"])),
        trial("instances", "deployment_zone", "south", Moves(&["deploymentZoneId", "deploymentZoneSlug"])),
        trial("instances", "start_license_date", "2026-01-02T00:00:00.5+02:00", Moves(&["startLicenseDate"])),
        trial("instances", "end_license_date", "2028-01-01T00:00:00Z", Moves(&["endLicenseDate"])),
        trial("instances", "metadata", json!({"b": {"d": 3}}), Moves(&["metadata"])),
        trial("instances", "status", "INCIDENT", Moves(&["status"])),
        trial("instances", "lifecycle_stage", "ACTIVE", Moves(&["lifecycleStage"])),
    ]
}

fn section(name: &str) -> &'static Section {
    crate::providers::registry().section(name).unwrap()
}

/// The surroundings and one thing.
pub(super) fn declaring(section: &str, body: Json) -> Map<String, Json> {
    let Json::Object(mut all) = surroundings() else { unreachable!("it is a mapping") };
    let of_section = all.entry(section).or_insert_with(|| json!({}));
    of_section.as_object_mut().unwrap().insert("thing".to_owned(), body);
    all
}

/// The line of a field of the thing, from 1.
fn line(text: &str, field: &str) -> u32 {
    let mut lines = text.lines().enumerate().skip_while(|(_, line)| *line != "  thing:");
    let (above, _) = lines.find(|(_, line)| line.starts_with(&format!("    {field}: "))).unwrap();
    u32::try_from(above).unwrap() + 1
}

fn pending(plan: &Plan) -> Vec<&Step> {
    plan.steps.iter().filter(|step| step.action != Action::Unchanged).collect()
}

async fn try_one(trial: &Trial) {
    let Trial { section: name, field, before, after, outcome } = trial;
    let world = Declared::empty().await;
    let Json::Object(mut whole) = thing(name) else { unreachable!("it is a mapping") };
    over(&mut whole, before);
    world.converge(&yaml(&declaring(name, Json::Object(whole.clone())))).await;
    let (stored, writes) = (world.stored().await, world.writes());

    // Declared is now only what has to be, and the change: everything else is left alone.
    let table = section(name);
    let is_needed = |name: &String| {
        table.field(name).is_some_and(|field| field.required || table.key.iter().any(|part| part.name == field.name))
    };
    let mut body: Map<String, Json> = whole.into_iter().filter(|(name, _)| is_needed(name)).collect();
    over(&mut body, after);
    let text = yaml(&declaring(name, Json::Object(body)));
    let planned = world.plan(&text).await;
    let steps = pending(&planned.plan);
    let at_line = |step: &Step| {
        let lines =
            step.changes.iter().filter_map(|change| Some(planned.desired.sources.position(change.source?).line));
        lines.collect::<BTreeSet<_>>()
    };
    let beside = after.as_object().unwrap().keys().filter(|name| table.field(name).is_some());
    let expected: BTreeSet<u32> = beside.map(|field| line(&text, field)).collect();

    let (at, members) = match *outcome {
        Refused => {
            let [step] = steps.as_slice() else { panic!("{steps:#?}") };
            assert_eq!((step.action, at_line(step)), (Action::Blocked, expected), "{step:#?}\n{text}");
            assert_eq!((world.writes(), world.stored().await), (writes, stored));
            return;
        }
        Another => {
            let actions: Vec<Action> = steps.iter().map(|step| step.action).collect();
            assert_eq!(actions, [Action::Create]);
            world.apply(&planned).await;
            let now = world.stored().await;
            assert!(stored.iter().all(|(key, row)| now.get(key) == Some(row)), "what was there is left alone");
            return;
        }
        Moves(members) => {
            let is_it = |row: &Map<String, Json>| {
                row.get("slug").or(row.get("key")).is_some_and(|name| name == "thing") && row.contains_key("id")
            };
            let of_kind = |collection: &str| collection[1..].replace('-', "_").starts_with(name);
            (stored.iter().find(|((at, _), row)| of_kind(at) && is_it(row)).unwrap().0.clone(), members)
        }
        MovesGrant(members) => (("/licenses/thing/entitlements", "seats".to_owned()), members),
    };
    let moved: Vec<u32> = steps.iter().flat_map(|step| at_line(step)).collect();
    assert!(steps.iter().all(|step| step.action == Action::Update), "{steps:#?}");
    assert_eq!(moved.into_iter().collect::<BTreeSet<_>>(), expected, "{steps:#?}\n{text}");
    world.converge(&text).await;
    let now = world.stored().await;
    assert_eq!(now.keys().collect::<Vec<_>>(), stored.keys().collect::<Vec<_>>());
    for (key, row) in &now {
        let was = &stored[key];
        let names: BTreeSet<&String> = row.keys().chain(was.keys()).collect();
        let differ = names.into_iter().filter(|name| row.get(*name) != was.get(*name));
        let differ: BTreeSet<&str> = differ.map(String::as_str).filter(|name| !name.starts_with("updated")).collect();
        let expected: &[&str] = if *key == at { members } else { &[] };
        assert_eq!(differ, expected.iter().copied().collect(), "{name}.{field}: {was:#?} became {row:#?}");
    }
}

#[tokio::test]
async fn what_is_changed_moves_and_nothing_else_and_what_cannot_be_is_refused_where_it_stands() {
    for trial in trials() {
        try_one(&trial).await;
    }
}

#[test]
fn every_field_of_every_kind_is_tried() {
    let trials = trials();
    let sections: Vec<_> = crate::providers::registry().sections().collect();
    let sections = sections.into_iter().filter(|section| section.provider == "kaiten" && section.declarable);
    for section in sections {
        let all = thing(section.name);
        for field in section.fields.iter().filter(|field| field.apis.is_empty() || field.apis.contains(&"core")) {
            let name = format!("{}.{}", section.name, field.name);
            let identifies = section.key.iter().any(|part| part.name == field.name);
            let mut tried = trials.iter().filter(|trial| (trial.section, trial.field) == (section.name, field.name));
            let as_told = |trial: &Trial| match (field.change, trial.outcome) {
                (ChangeRule::InPlace, Moves(_) | MovesGrant(_)) => true,
                (ChangeRule::Never(_), Refused) => !identifies,
                (ChangeRule::Never(_), Another) => identifies,
                _ => false,
            };
            assert!(tried.any(as_told), "{name} is tried, as its table says that it can be changed");
            // A license opens a family of its own.
            assert!(all.get(field.name).is_some() || name == "licenses.family", "{name} is set at first");
        }
    }
}
