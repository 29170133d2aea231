//! Integrations given at a create (§10.1, §11.2).

use serde_json::Value;
use url::Url;

use super::body::{Body, Property, Schema, Shape, optional, required};
use super::metadata;
use super::problem::Problem;
use super::record::{Integration, Integrations};
use super::stamp::Stamp;

const INTEGRATION: Schema = &[
    required("external_id", Shape::Text { min: 0, max: 0 }),
    optional("last_error", Shape::Text { min: 0, max: 0 }),
    optional("metadata", Shape::Object),
    optional("synced_at", Shape::ReadOnly),
    optional("web_url", Shape::Text { min: 0, max: 0 }),
];

/// The property of customers and instances.
pub(super) const PROPERTY: Property = optional("integrations", Shape::MapOf(INTEGRATION));

/// The integrations in a body; `operation` is the word in front of the codes.
pub(super) fn read(body: &Body, operation: &str, now: Stamp) -> Result<Integrations, Problem> {
    let refuse = |reason: &str, detail: &str| Problem::new(400, format!("{operation}.{reason}"), detail);
    let mut integrations = Integrations::new();
    for (adapter, entry) in body.object("integrations").into_iter().flatten() {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
        let adapter = adapter.trim();
        if adapter.is_empty() {
            return Err(refuse("InvalidIntegrationAdapter", "the adapter of an integration has no name"));
        }
        let external_id = text("external_id").unwrap_or_default();
        if external_id.trim().is_empty() {
            return Err(refuse("InvalidIntegrationExternalID", "the external id of an integration is empty"));
        }
        let web_url = text("web_url").filter(|url| !url.is_empty());
        if web_url.as_deref().is_some_and(|url| !is_absolute(url)) {
            return Err(refuse(
                "InvalidIntegrationWebURL",
                "the link of an integration is not an absolute http(s) URL",
            ));
        }
        let metadata = entry.get("metadata").and_then(Value::as_object).map(metadata::stored);
        let integration =
            Integration { external_id, metadata, web_url, last_error: text("last_error"), synced_at: now };
        if integrations.insert(adapter.to_owned(), integration).is_some() {
            return Err(refuse("DuplicateIntegrationAdapter", "two integrations have one adapter"));
        }
    }
    Ok(integrations)
}

fn is_absolute(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// Whether a body has integrations; an empty map counts as none.
pub(super) fn given(body: &Body) -> bool {
    body.object("integrations").is_some_and(|integrations| !integrations.is_empty())
}

/// Adds integrations to an object on the wire; none leave no trace.
pub(super) fn show(integrations: &Integrations, object: &mut Value) {
    if integrations.is_empty() {
        return;
    }
    let entries = integrations.iter().map(|(adapter, integration)| {
        let Integration { external_id, metadata, web_url, last_error, synced_at } = integration;
        let mut entry = serde_json::json!({ "external_id": external_id, "synced_at": synced_at });
        if let Some(metadata) = metadata {
            entry["metadata"] = metadata.clone().into();
        }
        for (name, value) in [("web_url", web_url), ("last_error", last_error)] {
            if let Some(value) = value {
                entry[name] = value.as_str().into();
            }
        }
        (adapter.clone(), entry)
    });
    object["integrations"] = Value::Object(entries.collect());
}
