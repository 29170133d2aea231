//! Declared parameters against the schema that the plan's broker publishes (reference, section 7.1).
//!
//! A misfit is a warning. The Cloud Controller does not hold parameters against the schema; it hands them to the broker, which
//! publishes the schema for the forms of user interfaces and judges by its own rules. Mostly it will refuse them, but an error
//! here would keep from the broker what it may take, and nobody could do anything about it.

use crate::kind::Check;
use crate::model::{Code, Condition, Diagnostic, Operation, Path, Value};
use crate::providers::json_schema::{Misfit, misfits};

use super::{at, declared_plan};

/// The Cloud Controller takes no larger schema from a broker.
const LARGEST: usize = 64 << 10;

/// How many problems of one instance are told.
const MOST: usize = 20;

/// What the broker would probably refuse.
pub(super) fn parameters(check: Check<'_>) -> Vec<Diagnostic> {
    let Some(value) = check.proposal.fields.get("parameters") else { return Vec::new() };
    match exposed(value) {
        Value::Unknown | Value::Redacted => Vec::new(),
        Value::Map(_) => against_schema(check, value),
        _ => {
            // An expression may come to something that is not a mapping.
            let diagnostic = Diagnostic::error(Code::WrongType, "`parameters` has to be a mapping".to_owned());
            vec![at(check, "parameters", diagnostic, &format!("this is {}", value.describe()))]
        }
    }
}

fn exposed(value: &Value) -> &Value {
    match value {
        Value::Sensitive(secret) => secret.expose(),
        value => value,
    }
}

/// Which of the plan's schemas is about what would be sent; `None` where nothing would be.
fn operation(check: Check<'_>, value: &Value) -> Option<&'static str> {
    let Some(observed) = check.observed else { return Some("create") };
    if matches!(observed.condition, Condition::Failed { operation: Operation::Create, .. }) {
        return Some("create");
    }
    match observed.fields.get("parameters")? {
        Value::Fingerprint(mark) => (!mark.is_of(value)).then_some("update"),
        // Whether any would be sent cannot be told.
        Value::Redacted => None,
        // What the broker tells beyond what is declared is not ours.
        told => {
            let same = told.as_map().zip(exposed(value).as_map()).is_some_and(|(told, declared)| {
                declared.iter().all(|(key, value)| told.get(key) == Some(exposed(value)))
            });
            (!same).then_some("update")
        }
    }
}

fn against_schema(check: Check<'_>, value: &Value) -> Vec<Diagnostic> {
    let schema = || {
        // Most plans have none, and then nobody needs to know what would be sent.
        let schemas = declared_plan(check)?.attributes.get("schemas")?.as_map()?.get("service_instance")?.as_map()?;
        let schema = schemas.get(operation(check, value)?)?.as_map()?.get("parameters")?;
        let schema = Some(schema).filter(|schema| !schema.has_unknown())?;
        Some(super::super::super::json(schema)).filter(|schema| schema.to_string().len() <= LARGEST)
    };
    let Some(schema) = schema() else { return Vec::new() };
    let mut found: Vec<Misfit> = Vec::new();
    for misfit in misfits(&schema, value, &Path::field("parameters")) {
        if !found.contains(&misfit) {
            found.push(misfit);
        }
    }
    found.truncate(MOST);
    found.into_iter().map(|misfit| diagnostic(check, misfit)).collect()
}

fn diagnostic(check: Check<'_>, Misfit { path, at_key, words, meant }: Misfit) -> Diagnostic {
    let places = &check.resource.places;
    let span = if at_key { places.key(&path) } else { None }.unwrap_or_else(|| places.value(&path));
    let plan = check
        .proposal
        .fields
        .link("plan")
        .map_or_else(String::new, |plan| format!(" by the schema of the plan `{}`", plan.shown()));
    let message = format!("`{path}` {words}");
    let help = match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "see what the broker documents of its parameters".to_owned(),
    };
    Diagnostic::warning(Code::InvalidParameters, message).at(span, format!("not allowed{plan}")).help(help)
}
