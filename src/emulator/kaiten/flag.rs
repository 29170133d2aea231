//! `/feature-flags` (§10.11). Flags are kept and checked, not evaluated.

use serde_json::{Map, Value, json};

use super::auth::Access::{Read, Write};
use super::auth::Caller;
use super::body::{Body, Schema, Shape, TEXT, named, optional, required};
use super::call::{Answer, Call, Outcome};
use super::page::Window;
use super::problem::{Problem, Violation};
use super::record::Flag;
use super::{Service, metadata, rule, store::Store};

const MODULE: &str = "feature_flags";

const COUNT: Shape = Shape::Integer { min: i64::MIN, max: i64::MAX };

const STEP: Shape =
    Shape::Fields(&[required("date", Shape::Instant), required("percentage", COUNT), required("variant", TEXT)]);

const DISTRIBUTION: Shape = Shape::MapTo(&COUNT);

const RULE: Shape = Shape::Text { min: 0, max: 10_000 };

const VARIANT: Shape =
    Shape::Fields(&[required("description", TEXT), required("name", TEXT), required("value", Shape::Anything)]);

const DEFAULT_VARIANT: Shape = Shape::Tagged(&[
    ("basic", &[required("type", TEXT), required("value", TEXT)]),
    ("rollout_date", &[required("end", STEP), required("start", STEP), required("type", TEXT)]),
    ("rollout_percentage", &[required("distribution", DISTRIBUTION), required("type", TEXT)]),
]);

const TARGETING: Shape = Shape::AnyOf(&[
    ("basic", &[required("name", TEXT), required("rule", RULE), required("type", TEXT), required("variant", TEXT)]),
    (
        "rollout_date",
        &[
            required("end", STEP),
            required("name", TEXT),
            required("rule", RULE),
            required("start", STEP),
            required("type", TEXT),
        ],
    ),
    (
        "rollout_percentage",
        &[
            required("distribution", DISTRIBUTION),
            required("name", TEXT),
            required("rule", RULE),
            required("type", TEXT),
        ],
    ),
]);

const FLAG: Schema = &[
    required("default_variant", DEFAULT_VARIANT),
    named("description", TEXT),
    required("enabled", Shape::Boolean),
    required("event_name", TEXT),
    optional("id", Shape::ReadOnly),
    required("metadata", Shape::Object),
    required("name", Shape::Text { min: 1, max: 0 }),
    optional("slug", Shape::Slug),
    named("targetings", Shape::ListOf(&TARGETING)),
    required("type", Shape::Choice(&["boolean", "string", "number", "object"])),
    named("variants", Shape::ListOf(&VARIANT)),
];

pub(super) fn list(service: &Service, call: &Call, caller: &Caller) -> Outcome {
    let window = Window::of(call)?;
    caller.may(Read, MODULE)?;
    let store = service.read();
    window.answer(&store.flags, service.options.lists, "FeatureFlags", view).map(Answer::Found)
}

pub(super) fn get(service: &Service, slug: &str, caller: &Caller) -> Outcome {
    caller.may(Read, MODULE)?;
    let store = service.read();
    Ok(Answer::Found(view(find(&store, slug, "GetFeatureFlag")?)))
}

pub(super) fn create(service: &Service, call: &Call, caller: &Caller) -> Outcome {
    let body = Body::read(&call.body, FLAG)?;
    caller.may(Write, MODULE)?;
    let mut store = service.write();
    let flag = consistent(&store, &body)?;
    service.within_limit(store.flags.len(), service.options.limits.feature_flags, "CreateFeatureFlag")?;
    let slug = service.new_slug(&body, &flag.name, "CreateFeatureFlag", |slug| store.flags.has_slug(slug))?;
    let id = service.new_id(|id| store.flags.get(id).is_some());
    let flag = store.flags.put(Flag { id, slug, ..flag });
    Ok(Answer::Created(view(&flag)))
}

/// The definition is checked before anybody looks whether the flag is there. The slug is written as it is in the body:
/// without one the flag has none, and cannot be addressed any more.
pub(super) fn update(service: &Service, slug: &str, call: &Call, caller: &Caller) -> Outcome {
    let body = Body::read(&call.body, FLAG)?;
    caller.may(Write, MODULE)?;
    let mut store = service.write();
    let flag = consistent(&store, &body)?;
    let id = find(&store, slug, "UpdateFeatureFlag")?.id.clone();
    let renamed = body.owned("slug").unwrap_or_default();
    if renamed != slug && store.flags.has_slug(&renamed) {
        // The unique violation is not mapped.
        return Err(Problem::internal());
    }
    store.flags.put(Flag { id, slug: renamed, ..flag });
    Ok(Answer::Done)
}

pub(super) fn delete(service: &Service, slug: &str, caller: &Caller) -> Outcome {
    caller.may(Write, MODULE)?;
    let mut store = service.write();
    let id = find(&store, slug, "DeleteFeatureFlag")?.id.clone();
    store.flags.remove(&id);
    Ok(Answer::Done)
}

/// The flag of a body, without id and slug, if its parts fit together: the first thing that does not is refused.
fn consistent(store: &Store, body: &Body) -> Result<Flag, Problem> {
    let list = |name: &str| body.list(name).cloned().unwrap_or_default();
    let (kind, variants, targetings) = (body.demanded("type"), list("variants"), list("targetings"));
    let default_variant = body.value("default_variant").expect("the schema demands it");
    let names: Vec<&str> = variants.iter().filter_map(|variant| variant["name"].as_str()).collect();

    let served = served(default_variant);
    if served.is_empty() {
        return Err(refused("body.default_variant", "the default variant serves nothing", default_variant));
    }
    if let Some(unknown) = served.iter().find(|name| !names.contains(name)) {
        let message = format!("the default variant serves {unknown}, which is no variant");
        return Err(refused("body.default_variant", &message, default_variant));
    }
    for (index, variant) in variants.iter().enumerate() {
        if !is_of(&kind, &variant["value"]) {
            let message = format!("the value does not fit a flag of type {kind}");
            return Err(refused(&format!("body.variants[{index}].value"), &message, &variant["value"]));
        }
    }
    let metadata = body.object("metadata").map(metadata::stored).unwrap_or_default();
    if let Some(fallback) = metadata.get("fallback_value").filter(|value| !value.is_null() && !is_of(&kind, value)) {
        let message = format!("the value does not fit a flag of type {kind}");
        return Err(refused("body.metadata.fallback_value", &message, fallback));
    }
    for (index, targeting) in targetings.iter().enumerate() {
        if let Some(unknown) = self::served(targeting).iter().find(|name| !names.contains(name)) {
            let message = format!("the targeting serves {unknown}, which is no variant");
            return Err(refused(&format!("body.targetings[{index}]"), &message, targeting));
        }
    }
    for (index, targeting) in targetings.iter().enumerate() {
        let text = targeting["rule"].as_str().unwrap_or_default();
        if let Some(fault) = rule::fault(text, |slug| store.entitlements.has_slug(slug)) {
            return Err(refused(&format!("body.targetings[{index}].rule"), &fault, &targeting["rule"]));
        }
    }
    Ok(Flag {
        id: String::new(),
        slug: String::new(),
        name: body.demanded("name"),
        kind,
        default_variant: default_variant.clone(),
        description: body.owned("description"),
        metadata,
        enabled: body.is_true("enabled"),
        event_name: body.demanded("event_name"),
        variants,
        targetings,
    })
}

/// The variants a default or a targeting serves.
fn served(serving: &Value) -> Vec<&str> {
    let text = |value: &'_ Value| value.as_str().is_some();
    match serving["type"].as_str() {
        Some("basic") => ["value", "variant"].iter().filter_map(|name| serving[*name].as_str()).collect(),
        Some("rollout_percentage") => {
            serving["distribution"].as_object().map(Map::keys).into_iter().flatten().map(String::as_str).collect()
        }
        _ => {
            let steps = [&serving["start"]["variant"], &serving["end"]["variant"]];
            steps.into_iter().filter(|value| text(value)).filter_map(Value::as_str).collect()
        }
    }
}

/// Null is no value of any type; of the type `object`, everything else is one.
fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        _ => !value.is_null(),
    }
}

fn refused(location: &str, message: &str, value: &Value) -> Problem {
    let violation = Violation { location: location.to_owned(), message: message.to_owned(), value: value.clone() };
    Problem { errors: vec![violation], ..Problem::new(400, "VALIDATION_FAILED", message) }
}

fn find<'a>(store: &'a Store, slug: &str, operation: &str) -> Result<&'a Flag, Problem> {
    let missing = || Problem::new(404, format!("{operation}.NotFound"), "feature flag not found");
    store.flags.find(slug).map(AsRef::as_ref).ok_or_else(missing)
}

fn view(flag: &Flag) -> Value {
    let Flag {
        id,
        slug,
        name,
        kind,
        variants,
        default_variant,
        targetings,
        description,
        metadata,
        enabled,
        event_name,
    } = flag;
    json!({
        "id": id, "slug": slug, "name": name, "type": kind, "variants": variants, "default_variant": default_variant,
        "targetings": targetings, "description": description, "metadata": metadata, "enabled": enabled,
        "event_name": event_name,
    })
}
