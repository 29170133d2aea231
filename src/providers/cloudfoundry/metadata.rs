//! Labels and annotations, which only v3 has (reference, section 13).

use std::sync::Arc;

use indexmap::IndexMap;
use serde::Deserialize;

use crate::model::{Fields, Value};

/// Labels and annotations: those an object has, or those that are to be set on it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// Short, and lists can be filtered by them.
    pub labels: IndexMap<Arc<str>, Arc<str>>,
    /// Of any form.
    pub annotations: IndexMap<Arc<str>, Arc<str>>,
}

impl Metadata {
    /// Those that are declared.
    pub fn declared(fields: &Fields) -> Self {
        let texts = |field| {
            let map = fields.get(field).and_then(exposed_map);
            let entries = map.into_iter().flat_map(|map| map.iter());
            entries.filter_map(|(key, value)| Some((Arc::clone(key), exposed_text(value)?))).collect()
        };
        Self { labels: texts("labels"), annotations: texts("annotations") }
    }

    /// Whether there is nothing to set.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.annotations.is_empty()
    }

    /// As it is sent: what is not named stays as it is.
    pub fn to_json(&self) -> serde_json::Value {
        let object = |texts: &IndexMap<Arc<str>, Arc<str>>| -> serde_json::Value {
            texts.iter().map(|(key, text)| (key.to_string(), serde_json::Value::from(&**text))).collect()
        };
        let mut json = serde_json::json!({});
        for (name, texts) in [("labels", &self.labels), ("annotations", &self.annotations)] {
            if !texts.is_empty() {
                json[name] = object(texts);
            }
        }
        json
    }

    /// As the fields in which they are declared.
    pub fn fields(self) -> [(&'static str, Value); 2] {
        let map = |texts: IndexMap<Arc<str>, Arc<str>>| {
            Value::Map(Box::new(texts.into_iter().map(|(key, text)| (key, Value::Text(text))).collect()))
        };
        [("labels", map(self.labels)), ("annotations", map(self.annotations))]
    }
}

fn exposed(value: &Value) -> &Value {
    match value {
        Value::Sensitive(secret) => secret.expose(),
        value => value,
    }
}

fn exposed_map(value: &Value) -> Option<&crate::model::Map> {
    exposed(value).as_map()
}

fn exposed_text(value: &Value) -> Option<Arc<str>> {
    match exposed(value) {
        Value::Text(text) => Some(Arc::clone(text)),
        Value::Link(link) => Some(link.shown().into()),
        _ => None,
    }
}
