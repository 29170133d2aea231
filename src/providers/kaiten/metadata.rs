//! Metadata: what holds for that of every kind (reference §6.2, §10.10).

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{metadata_field, wire};
use crate::kind::Check;
use crate::model::{Code, Collection, Diagnostic, Identity, Map, Path, Value};
use crate::providers::json_schema::{Misfit, misfits};
use crate::suggest::Suggest;

/// The field of both kinds that have it.
const FIELD: &str = "metadata";

/// How many problems of one object are told.
const MOST: usize = 20;

/// The largest integer up to which every integer has a double of its own.
const EXACT: u64 = 1 << 53;

/// Kaiten keeps numbers as doubles: a large integer would come back as another.
pub(super) fn imprecise(check: Check<'_>) -> Vec<Diagnostic> {
    imprecise_in(check, FIELD)
}

/// The same for what another free-form field holds.
pub(super) fn imprecise_in(check: Check<'_>, field: &str) -> Vec<Diagnostic> {
    let mut paths = Vec::new();
    if let Some(value) = check.proposal.fields.get(field) {
        collect(value, Path::field(field), &mut paths);
    }
    let diagnostic = |path: Path| {
        Diagnostic::error(Code::InvalidValue, format!("`{path}` is larger than a number that Kaiten keeps exactly"))
            .on(&check.resource.address)
            .at(check.resource.places.value(&path), "beyond 2^53, digits are lost")
            .help("write it in quotes, as a string")
    };
    paths.into_iter().map(diagnostic).collect()
}

/// Whose metadata it is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Of {
    /// Keys without a field are allowed, and what is declared goes over what is there.
    Instances,
    /// Once one has a field, no other key is allowed; what is declared takes the place of what is there.
    Zones,
}

/// What of it the organization's metadata fields would refuse: those that are active, and those that are declared too.
/// Archived ones are not listed, so that Kaiten alone can tell of their keys.
pub(super) fn against_fields(check: Check<'_>, of: Of) -> Vec<Diagnostic> {
    let Some(Value::Map(declared)) = check.proposal.fields.get(FIELD) else { return Vec::new() };
    let there = check.observed.and_then(|observed| observed.fields.get(FIELD)).and_then(Value::as_map);
    let whole = match (of, there) {
        (Of::Instances, Some(there)) => merged(there, declared),
        _ => (**declared).clone(),
    };
    if there == Some(&whole) {
        // Kaiten does not look at it again either.
        return Vec::new();
    }
    let fields = fields(check, of);
    let mut found = Vec::new();
    for (key, value) in &whole {
        let path = Path::field(FIELD).key(key.clone());
        match fields.get(&**key) {
            Some(schema) => {
                let all = misfits(&schema.map_or(Json::Bool(true), wire::json), value, &path);
                found.extend(all.into_iter().map(|misfit| refused(check, key, misfit, declared.contains_key(key))));
            }
            // What is stored may have had a field that is archived by now.
            None if matches!(of, Of::Zones)
                && !fields.is_empty()
                && there.is_none_or(|there| !there.contains_key(key)) =>
            {
                let keys = fields.keys().copied();
                let help = Suggest::default().nearest(key, keys.clone()).map_or_else(
                    || format!("declare it under `metadata_fields`; there are {}", quoted(keys)),
                    |nearest| format!("did you mean `{nearest}`?"),
                );
                let places = &check.resource.places;
                let at = places.key(&path).unwrap_or_else(|| places.value(&path));
                let error = Diagnostic::error(Code::InvalidMetadata, format!("`{key}` is no metadata field of zones"));
                found.push(error.at(at, "no such field").help(help).on(&check.resource.address));
            }
            None => {}
        }
    }
    found.truncate(MOST);
    found
}

/// The schemas of the metadata fields, by key; none where one is not known yet.
fn fields<'c>(check: Check<'c>, of: Of) -> BTreeMap<&'c str, Option<&'c Value>> {
    let resource_type = match of {
        Of::Instances => "INSTANCE",
        Of::Zones => "DEPLOYMENT_ZONE",
    };
    let section = metadata_field::SECTION.name;
    let key = |identity: &'c Identity| match identity.parts.as_slice() {
        [(_, of_type), (_, key)] if **of_type == *resource_type => Some(&**key),
        _ => None,
    };
    let schema = |schema: &'c Value| Some(schema).filter(|schema| !schema.has_unknown() && !schema.has_template());
    let there = check.collections.get(section).into_iter().flat_map(Collection::iter);
    let there = there.filter_map(|field| Some((key(&field.identity)?, schema(field.fields.get("json_schema")?))));
    let declared = check.declared_in(section).filter(|other| other.target == check.resource.target);
    let declared = declared.filter_map(|field| Some((key(&field.identity)?, schema(field.fields.get("json_schema")?))));
    there.chain(declared).collect()
}

fn refused(check: Check<'_>, key: &str, misfit: Misfit, is_declared: bool) -> Diagnostic {
    let Misfit { path, at_key, words, meant } = misfit;
    let places = &check.resource.places;
    let span = if at_key { places.key(&path) } else { None }.unwrap_or_else(|| places.value(&path));
    let label = if is_declared {
        format!("not taken by the metadata field `{key}`")
    } else {
        format!("what `{key}` holds now is not taken any more when anything else changes")
    };
    let help = match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if is_declared => format!("change the value, or what the metadata field `{key}` takes"),
        None => format!("declare `{key}` too, with a value that is taken"),
    };
    Diagnostic::error(Code::InvalidMetadata, format!("`{path}` {words}"))
        .at(span, label)
        .help(help)
        .on(&check.resource.address)
}

fn merged(there: &Map, declared: &Map) -> Map {
    let mut whole = there.clone();
    for (key, value) in declared {
        let value = match (whole.get(key), value) {
            (Some(Value::Map(there)), Value::Map(declared)) => Value::Map(Box::new(merged(there, declared))),
            _ => value.clone(),
        };
        whole.insert(key.clone(), value);
    }
    whole
}

fn quoted<'k>(keys: impl Iterator<Item = &'k str>) -> String {
    keys.map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}

fn collect(value: &Value, path: Path, into: &mut Vec<Path>) {
    match value {
        Value::Map(map) => map.iter().for_each(|(key, value)| collect(value, path.key(key.clone()), into)),
        Value::List(items) => {
            items.iter().enumerate().for_each(|(index, value)| collect(value, path.index(index), into));
        }
        Value::Sensitive(secret) => collect(secret.expose(), path, into),
        Value::Number(number) => {
            let size = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
            if size.is_some_and(|size| size > EXACT) {
                into.push(path);
            }
        }
        _ => {}
    }
}
