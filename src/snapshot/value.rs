//! Observed values as JSON and back.
//!
//! Texts, numbers, lists and mappings are as in JSON. What JSON has no form for is a mapping with one key that begins with `$`;
//! a mapping that holds such keys itself is written inside one, so that nothing a remote says looks like something else.

use std::sync::Arc;

use serde_json::{Map as Object, Value as Json, json};

use crate::model::{Link, Map, Value};

const LINK: &str = "$link";
const REDACTED: &str = "$redacted";
const MAPPING: &str = "$map";

/// A value that has been redacted: no secret can be in it, and one that is there all the same is left out.
pub(super) fn to_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(bool) => Json::Bool(*bool),
        Value::Number(number) => Json::Number(number.clone()),
        Value::Text(text) => Json::String(text.to_string()),
        Value::List(items) => items.iter().map(to_json).collect(),
        Value::Map(map) => {
            let object: Object<_, _> = map.iter().map(|(key, value)| (key.to_string(), to_json(value))).collect();
            if map.keys().any(|key| key.starts_with('$')) { json!({ MAPPING: object }) } else { Json::Object(object) }
        }
        Value::Link(link) => json!({ LINK: { "name": link.name.as_deref(), "id": link.id.as_deref() } }),
        Value::Redacted
        | Value::Sensitive(_)
        | Value::Fingerprint(_)
        | Value::Unknown
        | Value::Reference(_)
        | Value::Template(_) => json!({ REDACTED: true }),
    }
}

/// The value that was written so.
///
/// # Errors
///
/// What begins with `$` and is none of the forms above.
pub(super) fn from_json(json: &Json) -> Result<Value, String> {
    Ok(match json {
        Json::Array(items) => Value::List(items.iter().map(from_json).collect::<Result<_, _>>()?),
        Json::Object(object) if object.keys().any(|key| key.starts_with('$')) => special(object)?,
        Json::Object(object) => mapping(object)?,
        scalar => Value::from_json(scalar),
    })
}

fn mapping(object: &Object<String, Json>) -> Result<Value, String> {
    let mut map = Map::with_capacity(object.len());
    for (key, value) in object {
        map.insert(key.as_str().into(), from_json(value)?);
    }
    Ok(Value::Map(Box::new(map)))
}

fn special(object: &Object<String, Json>) -> Result<Value, String> {
    let mut entries = object.iter();
    let (Some((key, value)), None) = (entries.next(), entries.next()) else {
        return Err(format!(
            "a key that begins with `$` stands beside others; a mapping of such keys is written in `{MAPPING}`"
        ));
    };
    match (key.as_str(), value) {
        (REDACTED, Json::Bool(true)) => Ok(Value::Redacted),
        (MAPPING, Json::Object(map)) => mapping(map),
        (LINK, Json::Object(link)) => {
            let part = |name: &str| match link.get(name) {
                None | Some(Json::Null) => Ok(None),
                Some(Json::String(text)) => Ok(Some(Arc::from(text.as_str()))),
                Some(_) => Err(format!("the `{name}` of a `{LINK}` is not a string")),
            };
            Ok(Value::Link(Box::new(Link { name: part("name")?, id: part("id")? })))
        }
        (LINK | REDACTED | MAPPING, _) => Err(format!("what is in `{key}` is not what belongs there")),
        _ => Err("a key begins with `$` and is none that this version knows".to_owned()),
    }
}
