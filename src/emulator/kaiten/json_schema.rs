//! JSON Schema 2020-12, as far as metadata fields go (§10.10): the keywords that look at one value, its members and its
//! items. Formats are asserted. What else the standard has, references above all, a sandbox refuses by name when a field
//! is written, so that no value is judged by half a schema.

use regex_lite::Regex;
use serde_json::{Map, Value};

use super::body::is_uuid;
use super::problem::Problem;
use super::stamp::Stamp;

const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];

/// Keywords that say nothing about a value.
const REMARKS: [&str; 11] = [
    "$comment",
    "$id",
    "$schema",
    "contentEncoding",
    "contentMediaType",
    "default",
    "deprecated",
    "description",
    "examples",
    "readOnly",
    "title",
];

/// Whether a field may have this schema; 422 otherwise.
pub(super) fn check(schema: &Map<String, Value>) -> Result<(), Problem> {
    let refuse =
        |reason: &str, detail: String| Problem::new(422, format!("MetadataField.SchemaShape.{reason}"), detail);
    let schema = Value::Object(schema.clone());
    sound(&schema, "").map_err(|fault| refuse("Invalid", format!("jsonSchema is not a valid JSON Schema: {fault}")))?;
    match array_without_items(&schema, "") {
        None => Ok(()),
        Some(place) => {
            let place = if place.is_empty() { "(root)" } else { &place };
            Err(refuse("ArrayMissingItems", format!("the array at {place} must declare items")))
        }
    }
}

/// What is wrong with a schema itself.
fn sound(schema: &Value, at: &str) -> Result<(), String> {
    let map = match schema {
        Value::Bool(_) => return Ok(()),
        Value::Object(map) => map,
        _ => return Err(format!("{at}: a schema is an object or a boolean")),
    };
    for (keyword, value) in map {
        let here = format!("{at}/{keyword}");
        let wrong = |what: &str| Err(format!("{here}: {what}"));
        match keyword.as_str() {
            "type" if !types(value).iter().all(|name| name.is_some_and(|name| TYPES.contains(&name))) => {
                return wrong("unknown type");
            }
            "enum" | "required" if !value.is_array() => return wrong("expected array"),
            "required" if !value.as_array().is_some_and(|names| names.iter().all(Value::is_string)) => {
                return wrong("expected strings");
            }
            "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties" => {
                if !value.as_f64().is_some_and(|number| number >= 0.0 && number.fract() == 0.0) {
                    return wrong("expected a whole number that is not negative");
                }
            }
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" if !value.is_number() => {
                return wrong("expected number");
            }
            "multipleOf" if !value.as_f64().is_some_and(|number| number > 0.0) => {
                return wrong("expected number > 0");
            }
            "uniqueItems" if !value.is_boolean() => return wrong("expected boolean"),
            "format" if !value.is_string() => return wrong("expected string"),
            "type" | "enum" | "const" | "required" | "minimum" | "maximum" | "exclusiveMinimum"
            | "exclusiveMaximum" | "multipleOf" | "uniqueItems" | "format" => {}
            "pattern" => match value.as_str().map(Regex::new) {
                Some(Ok(_)) => {}
                Some(Err(error)) => return wrong(&error.to_string()),
                None => return wrong("expected string"),
            },
            "items" | "additionalProperties" | "not" => sound(value, &here)?,
            "properties" => {
                let Some(members) = value.as_object() else { return wrong("expected object") };
                for (name, member) in members {
                    sound(member, &format!("{here}/{name}"))?;
                }
            }
            "allOf" | "anyOf" | "oneOf" => {
                let Some(branches) = value.as_array().filter(|branches| !branches.is_empty()) else {
                    return wrong("expected schemas");
                };
                for (index, branch) in branches.iter().enumerate() {
                    sound(branch, &format!("{here}/{index}"))?;
                }
            }
            _ if REMARKS.contains(&keyword.as_str()) => {}
            _ => return wrong("the sandbox does not know this keyword"),
        }
    }
    Ok(())
}

/// The names in `type`; none where one is not a string.
fn types(value: &Value) -> Vec<Option<&str>> {
    match value {
        Value::Array(names) => names.iter().map(Value::as_str).collect(),
        name => vec![name.as_str()],
    }
}

fn array_without_items(schema: &Value, at: &str) -> Option<String> {
    let map = schema.as_object()?;
    if map.get("type").and_then(Value::as_str) == Some("array") && !map.contains_key("items") {
        return Some(at.to_owned());
    }
    let mut below: Vec<(String, &Value)> = Vec::new();
    for keyword in ["items", "not"] {
        below.extend(map.get(keyword).map(|schema| (format!("{at}/{keyword}"), schema)));
    }
    for (name, schema) in map.get("properties").and_then(Value::as_object).into_iter().flatten() {
        below.push((format!("{at}/properties/{name}"), schema));
    }
    for keyword in ["allOf", "anyOf", "oneOf"] {
        for (index, schema) in map.get(keyword).and_then(Value::as_array).into_iter().flatten().enumerate() {
            below.push((format!("{at}/{keyword}/{index}"), schema));
        }
    }
    below.into_iter().find_map(|(at, schema)| array_without_items(schema, &at))
}

/// Whether a value satisfies a schema that [`check`] let pass.
pub(super) fn accepts(schema: &Value, value: &Value) -> bool {
    let map = match schema {
        Value::Bool(everything) => return *everything,
        Value::Object(map) => map,
        _ => return false,
    };
    map.iter().all(|(keyword, rule)| keeps(keyword, rule, map, value))
}

fn keeps(keyword: &str, rule: &Value, schema: &Map<String, Value>, value: &Value) -> bool {
    let bound = rule.as_f64().unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "nothing here is that long")]
    let at_least = |count: usize| count as f64 >= bound;
    #[expect(clippy::cast_precision_loss, reason = "nothing here is that long")]
    let at_most = |count: usize| count as f64 <= bound;
    let branches = || rule.as_array().into_iter().flatten();
    let (text, number) = (value.as_str(), value.as_f64().filter(|_| value.is_number()));
    let (items, members) = (value.as_array(), value.as_object());
    match keyword {
        "type" => types(rule).into_iter().flatten().any(|name| is_of(name, value)),
        "enum" => branches().any(|allowed| same(allowed, value)),
        "const" => same(rule, value),
        "minLength" => text.is_none_or(|text| at_least(text.chars().count())),
        "maxLength" => text.is_none_or(|text| at_most(text.chars().count())),
        "pattern" => text.is_none_or(|text| {
            rule.as_str().and_then(|pattern| Regex::new(pattern).ok()).is_none_or(|pattern| pattern.is_match(text))
        }),
        "format" => text.is_none_or(|text| has_format(rule.as_str().unwrap_or_default(), text)),
        "minimum" => number.is_none_or(|number| number >= bound),
        "maximum" => number.is_none_or(|number| number <= bound),
        "exclusiveMinimum" => number.is_none_or(|number| number > bound),
        "exclusiveMaximum" => number.is_none_or(|number| number < bound),
        "multipleOf" => number.is_none_or(|number| (number / bound).fract() == 0.0),
        "minItems" => items.is_none_or(|items| at_least(items.len())),
        "maxItems" => items.is_none_or(|items| at_most(items.len())),
        "uniqueItems" if rule == true => items.is_none_or(|items| {
            items.iter().enumerate().all(|(at, item)| items[..at].iter().all(|before| !same(before, item)))
        }),
        "items" => items.is_none_or(|items| items.iter().all(|item| accepts(rule, item))),
        "minProperties" => members.is_none_or(|members| at_least(members.len())),
        "maxProperties" => members.is_none_or(|members| at_most(members.len())),
        "required" => {
            members.is_none_or(|members| branches().filter_map(Value::as_str).all(|name| members.contains_key(name)))
        }
        "properties" => members.is_none_or(|members| {
            let rules = rule.as_object().into_iter().flatten();
            rules.into_iter().all(|(name, rule)| members.get(name).is_none_or(|member| accepts(rule, member)))
        }),
        "additionalProperties" => members.is_none_or(|members| {
            let known = schema.get("properties").and_then(Value::as_object);
            let mut others = members.iter().filter(|(name, _)| !known.is_some_and(|known| known.contains_key(*name)));
            others.all(|(_, member)| accepts(rule, member))
        }),
        "allOf" => branches().all(|branch| accepts(branch, value)),
        "anyOf" => branches().any(|branch| accepts(branch, value)),
        "oneOf" => branches().filter(|branch| accepts(branch, value)).count() == 1,
        "not" => !accepts(rule, value),
        _ => true,
    }
}

fn is_of(name: &str, value: &Value) -> bool {
    match name {
        "array" => value.is_array(),
        "boolean" => value.is_boolean(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "object" => value.is_object(),
        _ => value.is_string(),
    }
}

/// Equality of JSON: `1` is `1.0`, and the order of members does not matter.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let is_there = |(name, member): (&String, &Value)| other.get(name).is_some_and(|other| same(member, other));
            one.len() == other.len() && one.iter().all(is_there)
        }
        (one, other) => one == other,
    }
}

/// An unknown format is none.
fn has_format(format: &str, text: &str) -> bool {
    match format {
        "date" => text.len() == 10 && text.is_ascii() && Stamp::parse(&format!("{text}T00:00:00Z")).is_some(),
        "time" => Stamp::parse(&format!("2000-01-01T{text}")).is_some(),
        "date-time" => Stamp::parse(text).is_some(),
        "uuid" => is_uuid(text),
        "ipv4" => text.parse::<std::net::Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<std::net::Ipv6Addr>().is_ok(),
        "uri" => url::Url::parse(text).is_ok(),
        "email" => text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && is_host(host)),
        "hostname" => is_host(text),
        "regex" => Regex::new(text).is_ok(),
        _ => true,
    }
}

fn is_host(text: &str) -> bool {
    let label = |label: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=63).contains(&label.len()) && label.bytes().all(plain) && !label.starts_with('-') && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_judged_as_an_independent_validator_judges_them() {
        let schemas = [
            json!({"type": "string", "enum": ["eu", "us"]}),
            json!({"type": ["string", "null"], "minLength": 2, "maxLength": 3, "pattern": "^e"}),
            json!({"type": "integer", "minimum": 1, "exclusiveMaximum": 5}),
            json!({"type": "number", "multipleOf": 0.5, "maximum": 2, "exclusiveMinimum": 0}),
            json!({"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2, "uniqueItems": true}),
            json!({"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"],
                "additionalProperties": false, "maxProperties": 1}),
            json!({"properties": {"a": true}, "additionalProperties": {"type": "number"}, "minProperties": 1}),
            json!({"anyOf": [{"const": 1}, {"type": "string"}], "not": {"const": "us"}}),
            json!({"oneOf": [{"type": "integer"}, {"minimum": 2}]}),
            json!({"allOf": [{"type": "string"}, {"format": "date"}]}),
            json!({"format": "ipv4"}),
            json!({"format": "uuid"}),
            json!({"format": "date-time"}),
            json!({"format": "hostname"}),
            json!({}),
        ];
        let values = [
            json!("eu"),
            json!("us"),
            json!("e"),
            json!("2026-02-28"),
            json!("2026-02-30"),
            json!("2026-02-28T12:00:00Z"),
            json!("127.0.0.1"),
            json!("127.0.0.256"),
            json!("123e4567-e89b-12d3-a456-426614174000"),
            json!("a_b"),
            json!(null),
            json!(true),
            json!(1),
            json!(1.0),
            json!(1.5),
            json!(5),
            json!([]),
            json!(["a"]),
            json!(["a", "a"]),
            json!([1, 2, 3]),
            json!({}),
            json!({"a": true}),
            json!({"a": 1}),
            json!({"a": true, "b": 1}),
        ];
        for schema in &schemas {
            let options = jsonschema::options().should_validate_formats(true);
            let oracle = options.build(schema).unwrap();
            assert!(check(schema.as_object().unwrap()).is_ok(), "{schema}");
            for value in &values {
                assert_eq!(accepts(schema, value), oracle.is_valid(value), "{schema} {value}");
            }
        }
    }

    #[test]
    fn a_schema_that_is_none_is_refused() {
        let cases = [
            (json!({"type": "text"}), "Invalid"),
            (json!({"enum": "eu"}), "Invalid"),
            (json!({"minLength": -1}), "Invalid"),
            (json!({"pattern": "("}), "Invalid"),
            (json!({"properties": {"a": {"type": 7}}}), "Invalid"),
            (json!({"anyOf": []}), "Invalid"),
            (json!({"$ref": "#/$defs/a"}), "Invalid"),
            (json!({"type": "array"}), "ArrayMissingItems"),
            (json!({"properties": {"a": {"anyOf": [{"type": "array"}]}}}), "ArrayMissingItems"),
        ];
        for (schema, reason) in cases {
            let problem = check(schema.as_object().unwrap()).unwrap_err();
            assert_eq!(
                (problem.status, problem.code),
                (422, format!("MetadataField.SchemaShape.{reason}")),
                "{schema}"
            );
        }
    }
}
