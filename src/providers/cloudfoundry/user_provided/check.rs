//! What can be told before an instance is written that the remote would refuse.

use super::super::metadata;
use super::super::shared::{self, Other};
use super::ROUTE_SERVICE_URL;
use crate::kind::Check;
use crate::model::{Code, Diagnostic, Path, Value};

/// All that can be told.
pub fn all(check: Check<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    found.extend(name(check).or_else(|| declared_name(check)));
    found.extend(credentials(check));
    found.extend(route_service_url(check));
    found.extend(metadata::check(check));
    found.into_iter().map(|diagnostic| diagnostic.on(check.proposal.address)).collect()
}

fn at(check: Check<'_>, field: &'static str, diagnostic: Diagnostic, label: &str) -> Diagnostic {
    diagnostic.at(check.resource.places.value(&Path::field(field)), label)
}

const MANAGED: Other = Other { section: "service_instances", words: "service instance", known_as: "service instance" };

/// Names are unique in a space across managed and user-provided instances and those shared into it.
fn name(check: Check<'_>) -> Option<Diagnostic> {
    let (holder, help) = shared::holder(check, &MANAGED)?;
    let message = format!("the name `{}` is taken by {holder}", check.proposal.identity);
    Some(taken(check, message).help(help))
}

/// Nor can both be made in the same run.
fn declared_name(check: Check<'_>) -> Option<Diagnostic> {
    let resource = check.resource;
    let other = check.declared_in("service_instances").find(|other| {
        other.target == resource.target && other.identity == resource.identity && other.lifecycle.absent.is_none()
    })?;
    if resource.lifecycle.absent.is_some() {
        return None;
    }
    let message = format!("`{}` and `{}` have the same name in the same space", resource.address, other.address);
    let taken = taken(check, message).also(other.key_span, "the service instance of this name");
    Some(taken.help("give one of them another `name`"))
}

fn taken(check: Check<'_>, message: String) -> Diagnostic {
    let places = &check.resource.places;
    let span = places.exact(&Path::field("name")).unwrap_or(check.resource.key_span);
    Diagnostic::error(Code::NameTaken, message).at(span, "taken in this space")
}

/// An expression may come to something that is not a mapping, which the remote refuses.
fn credentials(check: Check<'_>) -> Option<Diagnostic> {
    let value = exposed(check.proposal.fields.get("credentials")?);
    if matches!(value, Value::Map(_) | Value::Unknown | Value::Redacted) {
        return None;
    }
    let diagnostic = Diagnostic::error(Code::WrongType, "`credentials` has to be a mapping".to_owned());
    Some(at(check, "credentials", diagnostic, &format!("this is {}", value.describe())))
}

/// An expression may come to a URL that the remote refuses.
fn route_service_url(check: Check<'_>) -> Option<Diagnostic> {
    let url = exposed(check.proposal.fields.get("route_service_url")?).as_text()?;
    if url.is_empty() || url.starts_with("https://") {
        return None;
    }
    let message = "`route_service_url` has to begin with `https://`".to_owned();
    let diagnostic = Diagnostic::error(Code::InvalidValue, message).help(ROUTE_SERVICE_URL.help);
    Some(at(check, "route_service_url", diagnostic, "this does not"))
}

fn exposed(value: &Value) -> &Value {
    match value {
        Value::Sensitive(secret) => secret.expose(),
        value => value,
    }
}
