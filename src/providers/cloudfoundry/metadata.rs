//! Labels and annotations, which only v3 has (reference, section 13).

use std::sync::Arc;

use indexmap::IndexMap;
use serde::Deserialize;

use crate::kind::{Check, Modification};
use crate::model::{Code, Diagnostic, Fields, Fingerprint, Path, Value};

/// The annotation that keeps the fingerprint of the parameters of an instance.
const PARAMETERS: &str = "trueup-parameters";

/// The longest value of a label, and the longest name in a key.
const MOST_LABEL: usize = 63;
/// The longest prefix of a key.
const MOST_PREFIX: usize = 253;
/// The longest value of an annotation.
const MOST_ANNOTATION: usize = 5000;
/// How many labels one object has at most, by default.
const MOST_LABELS: usize = 50;
/// How many annotations one object has at most, by default.
const MOST_ANNOTATIONS: usize = 200;
/// The prefix that nobody may use.
const RESERVED: &str = "cloudfoundry.org";

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

/// What v3 would refuse in the declared labels and annotations, each at its place.
pub fn check(check: Check<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (field, what) in [("labels", "label"), ("annotations", "annotation")] {
        let Some(value) = check.proposal.fields.get(field) else { continue };
        let Some(map) = exposed_map(value) else {
            if !value.has_unknown() {
                let message = format!("`{field}` has to be a mapping");
                let label = format!("this is {}", value.describe());
                found.push(at(check, &Path::field(field), Diagnostic::error(Code::WrongType, message), label));
            }
            continue;
        };
        found.extend(too_many(check, field, map));
        for (key, value) in map {
            let path = Path::field(field).key(Arc::clone(key));
            let complain = |code, (message, label, help): (String, String, &str)| {
                at(check, &path, Diagnostic::error(code, message).help(help), label)
            };
            // An annotation without text is not looked at, so that those of former rules can be taken away.
            let unchecked = what == "annotation" && &**key != PARAMETERS && is_blank(value);
            if let Some((message, label, help)) = wrong_key(key, what).filter(|_| !unchecked) {
                let places = &check.resource.places;
                let span = places.key(&path).unwrap_or_else(|| places.value(&path));
                let diagnostic = Diagnostic::error(Code::InvalidValue, message).help(help);
                found.push(diagnostic.at(span, label).on(check.proposal.address));
                continue;
            }
            match exposed(value) {
                Value::Unknown | Value::Redacted | Value::Link(_) => {}
                Value::Text(text) => {
                    found.extend(wrong_value(text, what).map(|wrong| complain(Code::InvalidValue, wrong)));
                }
                _ => {
                    let message = format!("the value of the {what} `{key}` has to be a string");
                    let label = format!("this is {}", value.describe());
                    found.push(complain(Code::WrongType, (message, label, "write it in quotes")));
                }
            }
        }
    }
    found
}

fn is_blank(value: &Value) -> bool {
    matches!(exposed(value), Value::Text(text) if text.trim().is_empty())
}

/// More than the Cloud Controller takes of one object, unless its operators have set another limit: so a warning. It counts
/// only when there come to be more (section 13).
fn too_many(check: Check<'_>, field: &'static str, declared: &crate::model::Map) -> Option<Diagnostic> {
    let (what, most, setting) = match field {
        "labels" => ("labels", MOST_LABELS, "max_labels_per_resource"),
        _ => ("annotations", MOST_ANNOTATIONS, "max_annotations_per_resource"),
    };
    let there = check.observed.and_then(|observed| exposed_map(observed.fields.get(field)?));
    let is_new = |key: &Arc<str>| there.is_none_or(|there| !there.contains_key(key));
    let before = there.map_or(0, crate::model::Map::len);
    let new = declared.keys().filter(|key| is_new(key)).count();
    if new == 0 || before + new <= most {
        return None;
    }
    let message =
        format!("it would have {} {what}, and a foundation takes {most} unless set up otherwise", before + new);
    let diagnostic = Diagnostic::warning(Code::InvalidValue, message)
        .help(format!("take some out, or ask its operators for the `{setting}` of the foundation"));
    Some(at(
        check,
        &Path::field(field),
        diagnostic,
        format!("{new} of them {}", if new == 1 { "is new" } else { "are new" }),
    ))
}

fn at(check: Check<'_>, path: &Path, diagnostic: Diagnostic, label: String) -> Diagnostic {
    diagnostic.at(check.resource.places.value(path), label).on(check.proposal.address)
}

/// Message, label and help for a key that is refused.
fn wrong_key(key: &str, what: &str) -> Option<(String, String, &'static str)> {
    let message = || format!("`{key}` cannot be the key of a {what}").replace("a annotation", "an annotation");
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    if key == PARAMETERS {
        return Some((message(), "trueup keeps its own mark there".to_owned(), "choose another key"));
    }
    if prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case(RESERVED)) {
        let label = format!("the prefix `{RESERVED}` is reserved");
        return Some((message(), label, "choose another prefix, such as a domain of your own"));
    }
    if prefix.is_some_and(|prefix| !is_domain(prefix)) {
        let label = "what is before the `/` is not a domain name".to_owned();
        return Some((
            message(),
            label,
            "a prefix is a domain name with a dot, at most 253 characters: `example.com/team`",
        ));
    }
    if name.is_empty() || !is_word(name) {
        let label = "not the name of a key".to_owned();
        let help = "1 to 63 of A-Z, a-z, 0-9, `_`, `.` and `-`, beginning and ending with a letter or digit";
        return Some((message(), label, help));
    }
    None
}

/// Message, label and help for a value that is refused; does not repeat it.
fn wrong_value(text: &str, what: &str) -> Option<(String, String, &'static str)> {
    let length = text.chars().count();
    if what == "annotation" {
        return (length > MOST_ANNOTATION).then(|| {
            let label = format!("{length} characters");
            ("the value of an annotation is too long".to_owned(), label, "at most 5000 characters")
        });
    }
    (!text.is_empty() && !is_word(text)).then(|| {
        let label = if length > MOST_LABEL { format!("{length} characters") } else { "not such a value".to_owned() };
        let help = "at most 63 of A-Z, a-z, 0-9, `_`, `.` and `-`, beginning and ending with a letter or digit; \
                    an annotation can hold any text";
        ("a label cannot have this value".to_owned(), label, help)
    })
}

fn is_word(text: &str) -> bool {
    let inner = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '.' | '-');
    let ends = |character: Option<char>| character.is_some_and(|character| character.is_ascii_alphanumeric());
    text.len() <= MOST_LABEL && text.chars().all(inner) && ends(text.chars().next()) && ends(text.chars().next_back())
}

fn is_domain(prefix: &str) -> bool {
    let part = |part: &str| {
        let inner = |character: char| character.is_ascii_alphanumeric() || character == '-';
        (1..=MOST_LABEL).contains(&part.len())
            && part.chars().all(inner)
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    prefix.len() <= MOST_PREFIX && prefix.contains('.') && prefix.split('.').all(part)
}

#[cfg(test)]
mod tests;
