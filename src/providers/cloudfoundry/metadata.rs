//! Labels and annotations, which only v3 has (reference, section 13).

use std::sync::Arc;

use indexmap::IndexMap;
use serde::Deserialize;

use crate::kind::Modification;
use crate::model::{Fields, Fingerprint, Path, Value};

/// The annotation that keeps the fingerprint of the parameters of an instance.
const PARAMETERS: &str = "trueup-parameters";

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

    /// Those that are declared and differ: keys of others stay.
    pub fn changed(modification: &Modification<'_>) -> Self {
        let Self { mut labels, mut annotations } = Self::declared(modification.proposal.fields);
        let differs = |field: &str, key: &Arc<str>| {
            let own = Path::field(field).key(Arc::clone(key));
            modification.changes.iter().any(|path| path.starts_with(&own) || own.starts_with(path))
        };
        labels.retain(|key, _| differs("labels", key));
        annotations.retain(|key, _| differs("annotations", key));
        Self { labels, annotations }
    }

    /// Sets the mark that tells later what parameters were sent with it. Without a prefix, it is not sent to the broker.
    pub fn mark_parameters(&mut self, parameters: Option<&Value>) {
        let salt = uuid::Uuid::new_v4().simple().to_string();
        if let Some(mark) = parameters.and_then(|parameters| Fingerprint::of(parameters, &salt)) {
            self.annotations.insert(PARAMETERS.into(), mark.to_string().into());
        }
    }

    /// Takes out that mark: it is nobody's annotation.
    pub fn take_mark(&mut self) -> Option<Fingerprint> {
        Fingerprint::parse(&self.annotations.shift_remove(PARAMETERS)?)
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
