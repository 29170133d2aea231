//! Metadata: what holds for that of every kind (reference §6.2).

use crate::kind::Check;
use crate::model::{Code, Diagnostic, Path, Value};

/// The largest integer up to which every integer has a double of its own.
const EXACT: u64 = 1 << 53;

/// Kaiten keeps numbers as doubles: a large integer would come back as another.
pub(super) fn imprecise(check: Check<'_>) -> Vec<Diagnostic> {
    imprecise_in(check, "metadata")
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
