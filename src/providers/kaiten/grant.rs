//! Grants: what a license gives of each entitlement (reference §10.4). Part of the license in YAML, objects of their own at
//! Kaiten: each is listed, and written, below its license.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::wire::{self, Row};
use super::{Kaiten, change, license};
use crate::http::Method;
use crate::kind::{Check, Modification, Reader, RemoteError, Writer};
use crate::model::{Code, Diagnostic, Fields, Map, Path, Segment, Value};

/// The field of a license.
pub(super) const FIELD: &str = "entitlements";

const OVERAGE: &str = "overage_percent";
const OVERAGE_MEMBER: &str = "limitCapExceededOveragePercent";

/// The grants of a license, by entitlement.
pub(super) type Grants = BTreeMap<String, Row>;

/// A declared grant: `null` for none, a value alone, or `{ value, overage_percent }`.
struct Declared<'v> {
    value: Option<&'v Value>,
    overage: Option<&'v Value>,
}

impl<'v> Declared<'v> {
    fn of(value: &'v Value) -> Self {
        match value {
            Value::Null => Self { value: None, overage: None },
            Value::Map(map) => Self { value: map.get("value"), overage: map.get(OVERAGE) },
            value => Self { value: Some(value), overage: None },
        }
    }
}

/// The declared grants of a license that says anything of them.
fn declared(fields: &Fields) -> Option<&Map> {
    fields.get(FIELD)?.as_map()
}

/// What is there, in the form in which it is declared: a value alone says nothing of the overage. Grants that are not
/// declared are somebody else's.
pub(super) fn as_declared(fields: &Fields, grants: &Grants) -> Option<Value> {
    let told = declared(fields)?.iter().filter_map(|(slug, declared)| {
        let Some(grant) = grants.get(&**slug) else {
            // That nothing is granted is what `null` wants.
            return matches!(declared, Value::Null).then(|| (slug.clone(), Value::Null));
        };
        let value = Value::from_json(grant.get("value").and_then(|value| value.get("value")).unwrap_or(&Json::Null));
        let seen = if matches!(declared, Value::Map(_)) {
            let overage = Value::from_json(grant.get(OVERAGE_MEMBER).unwrap_or(&Json::Null));
            let parts = [("value".into(), value), (OVERAGE.into(), overage)];
            Value::Map(Box::new(parts.into_iter().collect()))
        } else {
            value
        };
        Some((slug.clone(), seen))
    });
    Some(Value::Map(Box::new(told.collect())))
}

/// Reads the grants of a license: there is no list of those of all.
pub(super) async fn read(remote: Reader<'_, Kaiten>, license: &str) -> Result<Grants, RemoteError> {
    let rows =
        remote.rows(&license::SECTION, &format!("{}/entitlements", change::path_of(license::PATH, license))).await?;
    let by_slug = rows.into_iter().filter_map(|row| {
        let slug = row.get("entitlementSlug").and_then(Json::as_str)?.to_owned();
        Some((slug, row))
    });
    Ok(by_slug.collect())
}

impl Writer<'_, Kaiten> {
    /// Grants what is declared of a new license, one write each.
    pub(super) async fn grant_all(&self, license: &str, fields: &Fields) -> Result<(), RemoteError> {
        for (slug, value) in declared(fields).into_iter().flatten() {
            self.grant(license, slug, value, None).await?;
        }
        Ok(())
    }

    /// Brings the grants that change into line, one write each.
    pub(super) async fn regrant(&self, license: &str, modification: Modification<'_>) -> Result<(), RemoteError> {
        if !modification.changes(FIELD) {
            return Ok(());
        }
        let live = read(self.reader(), license).await?;
        let whole = Path::field(FIELD);
        for (slug, value) in declared(modification.proposal.fields).into_iter().flatten() {
            let own = whole.key(slug.clone());
            if modification.changes.iter().any(|path| path.starts_with(&own) || *path == whole) {
                self.grant(license, slug, value, live.get(&**slug)).await?;
            }
        }
        Ok(())
    }

    async fn grant(
        &self,
        license: &str,
        entitlement: &str,
        value: &Value,
        live: Option<&Row>,
    ) -> Result<(), RemoteError> {
        let all = format!("{}/entitlements", change::path_of(license::PATH, license));
        let one = change::path_of(&all, entitlement);
        let section = &license::SECTION;
        let declared = Declared::of(value);
        let sent = match (declared.value, live) {
            (None, None) => Ok(()),
            (None, Some(_)) => self.delete_at(section, &one).await,
            (Some(_), live) => {
                let mut body = Row::new();
                let value = tagged(declared.value, live);
                let unlimited = value.get("value") == Some(&json!(-1));
                body.insert("value".to_owned(), value);
                // Omitted, it would be reset (reference §7.2); that of what was or is unlimited is of no other use.
                let kept = live.and_then(|live| live.get(OVERAGE_MEMBER)).filter(|overage| !overage.is_null());
                let kept = kept.filter(|overage| !unlimited && **overage != json!(-1));
                if let Some(overage) = declared.overage.map(wire::json).as_ref().or(kept) {
                    body.insert(OVERAGE_MEMBER.to_owned(), overage.clone());
                }
                let same = |live: &Row| body.iter().all(|(member, json)| live.get(member) == Some(json));
                match live {
                    Some(live) if same(live) => Ok(()),
                    Some(_) => self.send(Method::PUT, section, &one, Some(body)).await,
                    None => {
                        body.insert("entitlementSlug".to_owned(), entitlement.into());
                        self.send(Method::POST, section, &all, Some(body)).await
                    }
                }
            }
        };
        sent.map_err(|error| {
            let path = Path(vec![Segment::Key(FIELD.into()), Segment::Key(entitlement.into())]);
            let message = format!("the entitlement `{entitlement}` is not granted as declared: {}", error.message);
            let words = error.problem.detail.clone().unwrap_or_else(|| "refused".to_owned());
            let fields = vec![crate::kind::FieldProblem { path, message: words }];
            RemoteError { message, fields, ..error }
        })
    }
}

/// A value as Kaiten takes it; a configuration goes over the one that is there, whose other keys are not ours.
fn tagged(value: Option<&Value>, live: Option<&Row>) -> Json {
    let declared = value.map_or(Json::Null, wire::json);
    let tag = match &declared {
        Json::Bool(_) => "boolean",
        Json::Object(_) => "object",
        _ => "number",
    };
    let there = live.and_then(|live| live.get("value")?.get("value")).filter(|there| there.is_object());
    let value = match there {
        Some(there) if declared.is_object() => {
            let mut merged = there.clone();
            wire::merge(&mut merged, &declared);
            merged
        }
        _ => declared,
    };
    json!({"type": tag, "value": value})
}

/// What is declared of grants has a form, and a value of the entitlement's type.
pub(super) fn check(check: Check<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let entitlements = check.collections.get(FIELD);
    for (slug, value) in declared(check.proposal.fields).into_iter().flatten() {
        let path = Path::field(FIELD).key(slug.clone());
        let mut tell = |path: &Path, message: String, label: &str, help: &str| {
            found.push(
                Diagnostic::error(Code::InvalidValue, message)
                    .on(&check.resource.address)
                    .at(check.resource.places.value(path), label)
                    .help(help),
            );
        };
        if let Value::Map(map) = value
            && (!map.contains_key("value") || map.keys().any(|key| !["value", OVERAGE].contains(&&**key)))
        {
            let help = format!("write `{slug}: {{ value: … }}`, with `{OVERAGE}` beside it for a number");
            tell(&path, format!("`{slug}` does not say what is granted"), "neither a value nor `{ value: … }`", &help);
            continue;
        }
        let Declared { value: Some(granted), overage } = Declared::of(value) else { continue };
        let takes = match granted {
            Value::Bool(_) => "BOOLEAN",
            Value::Number(_) => "NUMBER",
            Value::Map(_) => "CONFIG",
            Value::Unknown | Value::Sensitive(_) => continue,
            other => {
                let message = format!("`{slug}` cannot be {}", other.describe());
                tell(&path, message, other.describe(), "write `true` or `false`, a number, or `{ value: { … } }`");
                continue;
            }
        };
        let known = entitlements.and_then(|all| all.named(slug, false).next()?.fields.text("type"));
        if let Some(known) = known.filter(|known| !known.starts_with(takes)) {
            let message = format!("`{slug}` is an entitlement of type `{known}`, and this is {}", granted.describe());
            tell(&path, message, granted.describe(), "write a value of that type");
        }
        let Some(overage) = overage else { continue };
        let at = path.key(OVERAGE);
        let percent = match overage {
            Value::Number(number) => number.as_i64(),
            Value::Unknown | Value::Sensitive(_) => continue,
            _ => None,
        };
        let unlimited = matches!(granted, Value::Number(number) if number.as_f64() == Some(-1.0));
        let wrong = match percent {
            _ if takes != "NUMBER" => Some("only a number has an overage"),
            Some(-1) if unlimited => None,
            _ if unlimited => Some("what is unlimited has no overage"),
            Some(0..=32767) => None,
            _ => Some("it is 0 to 32767"),
        };
        if let Some(wrong) = wrong {
            tell(&at, format!("`{OVERAGE}` of `{slug}` is not allowed"), wrong, "remove it, or write another");
        }
    }
    found
}

#[cfg(test)]
mod tests;
