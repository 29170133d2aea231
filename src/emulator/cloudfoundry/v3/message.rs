//! The body of a v3 request: unknown fields refused, and all that is wrong told in one sentence after the other.

use serde_json::{Map, Value};

use crate::emulator::cloudfoundry::call::Call;
use crate::emulator::cloudfoundry::errors::{Error, Failure};
use crate::emulator::cloudfoundry::metadata::MetadataChange;

use super::unprocessable;

/// The body of a call. What does not call itself JSON is not looked at, as if nothing had been sent.
pub(super) fn body(call: &Call) -> Result<Map<String, Value>, Failure> {
    let kind = call.header("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if call.body.is_empty() || !kind.eq_ignore_ascii_case("application/json") {
        return Ok(Map::new());
    }
    serde_json::from_slice(&call.body).map_err(|_| Error::MessageParseError.with(&["invalid request body"]))
}

/// The name of a field as it stands at the beginning of a sentence.
pub(super) fn humanized(name: &str) -> String {
    let spaced = name.replace('_', " ");
    let mut letters = spaced.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A body being read. The order in which fields are asked for is the order of the complaints.
#[derive(Debug)]
pub(super) struct Message<'a> {
    fields: &'a Map<String, Value>,
    faults: Vec<String>,
}

impl<'a> Message<'a> {
    /// A message that may hold these fields and no others.
    pub(super) fn new(fields: &'a Map<String, Value>, known: &[&str]) -> Self {
        let unknown: Vec<String> =
            fields.keys().filter(|key| !known.contains(&key.as_str())).map(|key| format!("'{key}'")).collect();
        let mut message = Self { fields, faults: Vec::new() };
        if !unknown.is_empty() {
            message.fault(format!("Unknown field(s): {}", unknown.join(", ")));
        }
        message
    }

    pub(super) fn fault(&mut self, sentence: String) {
        self.faults.push(sentence);
    }

    /// A field that is there, be it null.
    pub(super) fn field(&self, name: &str) -> Option<&'a Value> {
        self.fields.get(name)
    }

    /// A field that is there and not null.
    pub(super) fn value(&self, name: &str) -> Option<&'a Value> {
        self.field(name).filter(|value| !value.is_null())
    }

    /// A name that must be given.
    pub(super) fn required_name(&mut self) -> Option<&'a str> {
        if self.value("name").is_none_or(|value| value.as_str().is_some_and(|name| name.trim().is_empty())) {
            self.fault("Name can't be blank".to_owned());
        }
        self.name(0)
    }

    /// A name that may be given.
    pub(super) fn optional_name(&mut self) -> Option<&'a str> {
        self.name(1)
    }

    fn name(&mut self, shortest: usize) -> Option<&'a str> {
        let value = self.value("name")?;
        let Some(name) = value.as_str() else {
            self.fault("Name must be a string".to_owned());
            return None;
        };
        let length = name.chars().count();
        if length < shortest {
            self.fault(format!("Name is too short (minimum is {shortest} character)"));
        }
        if length > 255 {
            self.fault("Name is too long (maximum is 255 characters)".to_owned());
        }
        if name.chars().any(|letter| letter.is_ascii_control()) {
            self.fault("Name must not contain escaped characters".to_owned());
        }
        Some(name)
    }

    pub(super) fn flag(&mut self, name: &str) -> Option<bool> {
        let value = self.value(name)?;
        if value.as_bool().is_none() {
            self.fault(format!("{} must be a boolean", humanized(name)));
        }
        value.as_bool()
    }

    /// The relationships, all of which must be given, each to one resource: their guids, in order.
    pub(super) fn relationships<const N: usize>(&mut self, names: [&str; N]) -> [Option<&'a str>; N] {
        let Some(related) = self.field("relationships").and_then(Value::as_object) else {
            self.fault("Relationships 'relationships' is not an object".to_owned());
            return [None; N];
        };
        if related.is_empty() {
            self.fault("Relationships 'relationships' must include one or more valid relationships".to_owned());
            return [None; N];
        }
        let unknown: Vec<String> =
            related.keys().filter(|key| !names.contains(&key.as_str())).map(|key| format!("'{key}'")).collect();
        if !unknown.is_empty() {
            self.fault(format!("Relationships Unknown field(s): {}", unknown.join(", ")));
        }
        names.map(|name| {
            if related.get(name).is_none_or(Value::is_null) {
                self.fault(format!("Relationships {} can't be blank", humanized(name)));
            }
            let guid = related.get(name).and_then(to_one);
            match guid {
                None => self.fault(format!(
                    "Relationships {} must be structured like this: \
                     \"{name}: {{\"data\": {{\"guid\": \"valid-guid\"}}}}\"",
                    humanized(name)
                )),
                Some(guid) if !guid.is_string() => {
                    self.fault(format!("Relationships {} guid must be a string", humanized(name)));
                }
                Some(_) => {}
            }
            guid.and_then(Value::as_str)
        })
    }

    pub(super) fn metadata(&mut self) -> MetadataChange {
        let Some(metadata) = self.field("metadata") else { return MetadataChange::default() };
        MetadataChange::read(metadata).unwrap_or_else(|faults| {
            for fault in faults {
                self.fault(format!("Metadata {fault}"));
            }
            MetadataChange::default()
        })
    }

    /// Refuses the message if anything was wrong with it.
    pub(super) fn finish(self) -> Result<(), Failure> {
        if self.faults.is_empty() { Ok(()) } else { Err(unprocessable(&self.faults.join(", "))) }
    }
}

/// The guid in `{"data": {"guid": …}}`.
fn to_one(relationship: &Value) -> Option<&Value> {
    let only =
        |value: &'_ Value, key: &str| value.as_object().is_some_and(|map| map.len() == 1 && map.contains_key(key));
    (only(relationship, "data") && only(&relationship["data"], "guid")).then(|| &relationship["data"]["guid"])
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use axum::http::HeaderMap;
    use serde_json::json;

    use super::*;

    fn call(kind: Option<&str>, body: &str) -> Call {
        let mut headers = HeaderMap::new();
        if let Some(kind) = kind {
            headers.insert("content-type", kind.parse().expect("a header"));
        }
        let body = Bytes::copy_from_slice(body.as_bytes());
        Call { method: "POST".to_owned(), path: "/v3/x".to_owned(), query: Vec::new(), headers, body }
    }

    #[test]
    fn a_body_is_read_if_it_says_it_is_json() {
        let read = |kind, text| body(&call(kind, text)).map(Value::Object);
        let given = json!({"name": "a"});
        for kind in ["application/json", "Application/JSON; charset=utf-8"] {
            assert_eq!(read(Some(kind), r#"{"name":"a"}"#).expect("an object"), given, "{kind}");
        }
        for kind in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
            assert_eq!(read(kind, r#"{"name":"a"}"#).expect("not looked at"), json!({}), "{kind:?}");
        }
        assert_eq!(read(Some("application/json"), "").expect("nothing"), json!({}));
        for text in ["{", "[]", "null", "\"a\""] {
            let failure = read(Some("application/json"), text).expect_err(text);
            assert_eq!((failure.code, failure.status), (1001, 400), "{text}");
            assert_eq!(failure.description, "Request invalid due to parse error: invalid request body");
        }
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once_in_the_order_of_asking() {
        let structure = "Relationships Organization must be structured like this: \
                         \"organization: {\"data\": {\"guid\": \"valid-guid\"}}\"";
        let table = [
            (json!({}), "Relationships 'relationships' is not an object, Name can't be blank".to_owned()),
            (
                json!({"x": 1, "y": 2, "name": 1, "relationships": {}, "suspended": "no"}),
                "Unknown field(s): 'x', 'y', \
                 Relationships 'relationships' must include one or more valid relationships, \
                 Name must be a string, Suspended must be a boolean"
                    .to_owned(),
            ),
            (
                json!({"name": " ", "relationships": {"space": {}}}),
                format!(
                    "Relationships Unknown field(s): 'space', Relationships Organization can't be blank, \
                     {structure}, Name can't be blank"
                ),
            ),
            (
                json!({"name": "a".repeat(256), "relationships": {"organization": {"data": {"guid": "o", "x": 1}}}}),
                format!("{structure}, Name is too long (maximum is 255 characters)"),
            ),
            (
                json!({"name": "a", "relationships": {"organization": {"data": {"guid": 1}}}, "metadata": {"labels": 1}}),
                "Relationships Organization guid must be a string, Metadata 'labels' is not an object".to_owned(),
            ),
        ];
        for (sent, expected) in table {
            let sent = sent.as_object().expect("an object").clone();
            let mut message = Message::new(&sent, &["name", "relationships", "suspended", "metadata"]);
            message.relationships(["organization"]);
            message.required_name();
            message.flag("suspended");
            message.metadata();
            let failure = message.finish().expect_err("it is wrong");
            assert_eq!((failure.code, failure.status), (10008, 422));
            assert_eq!(failure.description, expected);
        }
    }

    #[test]
    fn a_name_that_need_not_be_given_must_not_be_empty() {
        let sent = json!({"name": ""}).as_object().expect("an object").clone();
        let mut message = Message::new(&sent, &["name"]);
        message.optional_name();
        let failure = message.finish().expect_err("it is wrong");
        assert_eq!(failure.description, "Name is too short (minimum is 1 character)");
        let mut message = Message::new(&sent, &["name"]);
        assert_eq!(message.flag("absent"), None);
        assert!(message.finish().is_ok(), "nobody asked for the name");
    }
}
