//! The body of a v2 request: nulls and unknown fields dropped, the rest checked field by field, all errors at once.

use serde_json::{Map, Value};

use crate::emulator::cloudfoundry::errors::{Error, Failure};

/// What a field must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Texts,
    Object,
    Flag,
}

/// A field of a message: its name, its type, and whether it must be there.
pub(super) type Field = (&'static str, Type, bool);

#[derive(Clone, Debug)]
pub(super) struct Message(Map<String, Value>);

impl Message {
    pub(super) fn read(body: &[u8], fields: &[Field]) -> Result<Self, Failure> {
        let parsed: Value =
            serde_json::from_slice(body).map_err(|error| Error::MessageParseError.with(&[&error.to_string()]))?;
        let Value::Object(mut sent) = parsed else {
            return Err(Error::MessageParseError.with(&[&format!("expected an object, got {}", class(&parsed))]));
        };
        sent.retain(|name, value| !value.is_null() && fields.iter().any(|(known, _, _)| known == name));
        let errors: Vec<String> = fields
            .iter()
            .filter_map(|&(name, kind, required)| match sent.get(name) {
                None if required => Some(format!("Field: {name}, Error: Missing field {name}")),
                None => None,
                Some(value) => fault(kind, value).map(|fault| format!("Field: {name}, Error: {fault}")),
            })
            .collect();
        if errors.is_empty() { Ok(Self(sent)) } else { Err(Error::MessageParseError.with(&[&errors.join(", ")])) }
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    pub(super) fn texts(&self, name: &str) -> Option<Vec<String>> {
        Some(self.0.get(name)?.as_array()?.iter().filter_map(|text| text.as_str().map(str::to_owned)).collect())
    }

    pub(super) fn object(&self, name: &str) -> Option<&Map<String, Value>> {
        self.0.get(name)?.as_object()
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.0.get(name)?.as_bool()
    }
}

fn fault(kind: Type, value: &Value) -> Option<String> {
    let expected = match kind {
        Type::Text if !value.is_string() => "an instance of String",
        Type::Object if !value.is_object() => "an instance of Hash",
        Type::Flag if !value.is_boolean() => "an instance of true or false",
        Type::Texts => match value.as_array() {
            None => "an instance of Array",
            Some(items) => {
                let (place, odd) = items.iter().enumerate().find(|(_, item)| !item.is_string())?;
                return Some(format!(
                    "At index {place}: Expected instance of String, given an instance of {}",
                    class(odd)
                ));
            }
        },
        Type::Text | Type::Object | Type::Flag => return None,
    };
    let expected = expected.trim_start_matches("an ");
    Some(format!("Expected {expected}, given an instance of {}", class(value)))
}

/// The Ruby class of a value: messages name it.
fn class(value: &Value) -> &'static str {
    match value {
        Value::Null => "NilClass",
        Value::Bool(true) => "TrueClass",
        Value::Bool(false) => "FalseClass",
        Value::Number(number) if number.is_f64() => "Float",
        Value::Number(_) => "Integer",
        Value::String(_) => "String",
        Value::Array(_) => "Array",
        Value::Object(_) => "Hash",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &[Field] =
        &[("name", Type::Text, true), ("tags", Type::Texts, false), ("parameters", Type::Object, false)];

    fn description(body: &str) -> String {
        Message::read(body.as_bytes(), FIELDS).expect_err("the message is wrong").description
    }

    #[test]
    fn all_faults_of_a_message_are_told_at_once() {
        let table = [
            (r"{}", "Field: name, Error: Missing field name"),
            (r#"{"name":null}"#, "Field: name, Error: Missing field name"),
            (
                r#"{"name":1,"tags":"a","parameters":[]}"#,
                "Field: name, Error: Expected instance of String, given an instance of Integer, \
                 Field: tags, Error: Expected instance of Array, given an instance of String, \
                 Field: parameters, Error: Expected instance of Hash, given an instance of Array",
            ),
            (
                r#"{"name":"a","tags":["a",true]}"#,
                "Field: tags, Error: At index 1: Expected instance of String, given an instance of TrueClass",
            ),
        ];
        for (body, expected) in table {
            assert_eq!(description(body), format!("Request invalid due to parse error: {expected}"), "{body}");
        }
    }

    #[test]
    fn what_is_not_a_json_object_is_a_parse_error() {
        for body in ["", "{", "[]", "\"a\"", "null"] {
            assert!(description(body).starts_with("Request invalid due to parse error: "), "{body}");
        }
    }

    #[test]
    fn nulls_and_unknown_fields_are_dropped() {
        let message =
            Message::read(br#"{"name":"a","tags":null,"gateway_data":"x","gateway":1}"#, FIELDS).expect("fine");
        assert_eq!((message.text("name"), message.texts("tags")), (Some("a"), None));
        assert_eq!(message.0.len(), 1);
    }
}
