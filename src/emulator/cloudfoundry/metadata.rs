//! Labels and annotations: what v3 hangs on its resources, and v2 knows nothing of (reference section 13).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::errors::{Error, Failure};

const MOST_LABELS: usize = 50;
const MOST_ANNOTATIONS: usize = 200;
const LONGEST_NAME: usize = 63;
const LONGEST_PREFIX: usize = 253;
const LONGEST_ANNOTATION: usize = 5000;

/// What hangs on one resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Metadata {
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
}

impl Metadata {
    pub(super) fn to_json(&self) -> Value {
        json!({"labels": self.labels, "annotations": self.annotations})
    }
}

/// Keys to set and, where there is no value, to delete. What is not named stays.
type Entries = Vec<(String, Option<String>)>;

/// What a request wants done to the metadata of a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct MetadataChange {
    labels: Entries,
    annotations: Entries,
}

impl MetadataChange {
    /// Reads the `metadata` of a message, or tells everything that is wrong with it.
    pub(super) fn read(metadata: &Value) -> Result<Self, Vec<String>> {
        let Some(parts) = metadata.as_object() else { return Err(vec!["must be an object".to_owned()]) };
        let mut faults = Vec::new();
        let unexpected: Vec<String> = parts
            .keys()
            .filter(|key| !matches!(key.as_str(), "labels" | "annotations"))
            .map(|key| format!("'{key}'"))
            .collect();
        if !unexpected.is_empty() {
            faults.push(format!("has unexpected field(s): {}", unexpected.join(" ")));
        }
        let labels = part(parts, "labels", &mut faults);
        for (key, value) in &labels {
            faults.extend(key_fault(key).map(|fault| format!("label key error: {fault}")));
            let fault = value.as_deref().and_then(value_fault);
            faults.extend(fault.map(|fault| format!("label value error: {fault}")));
        }
        let annotations = part(parts, "annotations", &mut faults);
        for (key, value) in &annotations {
            let value = value.as_deref().unwrap_or_default();
            // With a blank value the key is not looked at, so that what an older release let in can be deleted.
            if !value.trim().is_empty() {
                faults.extend(key_fault(key).map(|fault| format!("annotation key error: {fault}")));
            }
            if value.chars().count() > LONGEST_ANNOTATION {
                let begin = begin_of(value);
                faults.push(format!(
                    "annotation value error: '{begin}...' is greater than {LONGEST_ANNOTATION} characters"
                ));
            }
        }
        if faults.is_empty() { Ok(Self { labels, annotations }) } else { Err(faults) }
    }

    /// What the metadata is after the change. Too many entries are refused only if the change adds some.
    pub(super) fn applied_to(self, metadata: &Metadata) -> Result<Metadata, Failure> {
        let Metadata { labels, annotations } = metadata;
        Ok(Metadata {
            labels: merge(labels, self.labels, MOST_LABELS, Error::LabelLimitExceeded)?,
            annotations: merge(annotations, self.annotations, MOST_ANNOTATIONS, Error::AnnotationLimitExceeded)?,
        })
    }
}

fn merge(
    held: &BTreeMap<String, String>,
    entries: Entries,
    most: usize,
    error: Error,
) -> Result<BTreeMap<String, String>, Failure> {
    let (mut merged, sent) = (held.clone(), entries.len());
    for (key, value) in entries {
        match value {
            Some(value) => merged.insert(key, value),
            None => merged.remove(&key),
        };
    }
    if merged.len() > most && merged.len() > held.len() {
        return Err(error.with(&[&sent.to_string(), &most.to_string()]));
    }
    Ok(merged)
}

fn part(parts: &Map<String, Value>, name: &str, faults: &mut Vec<String>) -> Entries {
    match parts.get(name) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Object(entries)) => entries.iter().map(|(key, value)| (key.clone(), text_of(value))).collect(),
        Some(_) => {
            faults.push(format!("'{name}' is not an object"));
            Vec::new()
        }
    }
}

/// A value as it is stored: always a text.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn begin_of(text: &str) -> String {
    text.chars().take(8).collect()
}

/// What is wrong with a key, `[prefix/]name`.
pub(super) fn key_fault(key: &str) -> Option<String> {
    let empty = || Some("key cannot be empty string".to_owned());
    if key.trim().is_empty() {
        return empty();
    }
    if key.matches('/').count() > 1 {
        return Some("key has more than one '/'".to_owned());
    }
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    if let Some(prefix) = prefix {
        if !is_domain(prefix) {
            return Some(format!("prefix '{prefix}' must be in valid dns format"));
        }
        if prefix.len() > LONGEST_PREFIX {
            return Some(format!("prefix '{}...' is greater than {LONGEST_PREFIX} characters", begin_of(prefix)));
        }
        if prefix.eq_ignore_ascii_case("cloudfoundry.org") {
            return Some("prefix 'cloudfoundry.org' is reserved".to_owned());
        }
    }
    if name.trim().is_empty() { empty() } else { word_fault(name) }
}

/// What is wrong with a label's value.
pub(super) fn value_fault(value: &str) -> Option<String> {
    if value.is_empty() { None } else { word_fault(value) }
}

fn word_fault(word: &str) -> Option<String> {
    if !word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')) {
        return Some(format!("'{word}' contains invalid characters"));
    }
    let outer = |c: char| c.is_ascii_alphanumeric();
    if !(word.starts_with(outer) && word.ends_with(outer)) {
        return Some(format!("'{word}' starts or ends with invalid characters"));
    }
    (word.len() > LONGEST_NAME).then(|| format!("'{}...' is greater than {LONGEST_NAME} characters", begin_of(word)))
}

/// Whether a text is a DNS name of at least two parts.
fn is_domain(text: &str) -> bool {
    let is_part = |part: &str| {
        (1..=63).contains(&part.len())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    text.contains('.') && text.split('.').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_judged_part_by_part() {
        let long = "a".repeat(64);
        let long_prefix = format!("{}.com/a", vec!["b".repeat(63); 4].join("."));
        let table = [
            ("a", None),
            ("a_b-c.D9", None),
            ("example.com/a", None),
            ("EXAMPLE.com/a", None),
            ("sub.cloudfoundry.org/a", None),
            ("", Some("key cannot be empty string")),
            ("example.com/", Some("key cannot be empty string")),
            ("a/b/c", Some("key has more than one '/'")),
            ("example/a", Some("prefix 'example' must be in valid dns format")),
            ("/a", Some("prefix '' must be in valid dns format")),
            ("-a.com/a", Some("prefix '-a.com' must be in valid dns format")),
            (&long_prefix, Some("prefix 'bbbbbbbb...' is greater than 253 characters")),
            ("CloudFoundry.org/a", Some("prefix 'cloudfoundry.org' is reserved")),
            ("a b", Some("'a b' contains invalid characters")),
            ("ключ", Some("'ключ' contains invalid characters")),
            ("-a", Some("'-a' starts or ends with invalid characters")),
            ("a.", Some("'a.' starts or ends with invalid characters")),
            (&long, Some("'aaaaaaaa...' is greater than 63 characters")),
        ];
        for (key, fault) in table {
            assert_eq!(key_fault(key).as_deref(), fault, "{key}");
        }
        assert_eq!((value_fault(""), value_fault("a")), (None, None));
        assert!(value_fault("a/b").is_some());
    }

    #[test]
    fn everything_wrong_with_metadata_is_told_at_once() {
        let long = "x".repeat(5001);
        let table = [
            (json!(null), vec!["must be an object"]),
            (
                json!({"label": {}, "labels": [], "x": 1}),
                vec!["has unexpected field(s): 'label' 'x'", "'labels' is not an object"],
            ),
            (
                json!({"labels": {"": "a b"}, "annotations": {"k!": long}}),
                vec![
                    "label key error: key cannot be empty string",
                    "label value error: 'a b' contains invalid characters",
                    "annotation key error: 'k!' contains invalid characters",
                    "annotation value error: 'xxxxxxxx...' is greater than 5000 characters",
                ],
            ),
        ];
        for (metadata, faults) in table {
            assert_eq!(MetadataChange::read(&metadata).expect_err("it is wrong"), faults);
        }
        let blank = json!({"labels": null, "annotations": {"k!": null, "l!": " "}});
        assert!(MetadataChange::read(&blank).is_ok(), "with a blank value any key will do");
    }

    #[test]
    fn a_change_merges_key_by_key_and_null_deletes() {
        let read = |change: Value| MetadataChange::read(&change).expect("the change is fine");
        let first = read(json!({"labels": {"a": "1", "b": "", "n": 3}, "annotations": {"a": "any text"}}));
        let first = first.applied_to(&Metadata::default()).expect("few enough");
        assert_eq!(first.to_json(), json!({"labels": {"a": "1", "b": "", "n": "3"}, "annotations": {"a": "any text"}}));
        let second = read(json!({"labels": {"a": null, "b": "2", "c": null}})).applied_to(&first).expect("few enough");
        assert_eq!(second.to_json(), json!({"labels": {"b": "2", "n": "3"}, "annotations": {"a": "any text"}}));
    }

    #[test]
    fn too_many_entries_are_refused_where_their_number_grows() {
        let labels = |range: std::ops::Range<usize>| {
            let labels: Map<String, Value> = range.map(|number| (format!("k{number}"), json!("v"))).collect();
            MetadataChange::read(&json!({"labels": labels, "annotations": labels})).expect("the change is fine")
        };
        let full = labels(0..50).applied_to(&Metadata::default()).expect("just enough");
        let over = labels(49..52).applied_to(&full).expect_err("too many");
        assert_eq!((over.code, over.status), (390_020, 422));
        assert_eq!(over.description, "Failed to add 3 labels because it would exceed maximum of 50");
        assert!(labels(0..3).applied_to(&full).is_ok(), "the same keys again");
        let annotations: Map<String, Value> = (0..201).map(|number| (format!("k{number}"), json!("v"))).collect();
        let over = MetadataChange::read(&json!({"annotations": annotations})).expect("the change is fine");
        assert_eq!(over.applied_to(&full).expect_err("too many").code, 390_023);
    }
}
