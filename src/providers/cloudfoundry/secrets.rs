//! Credentials: which of them a run has any use for, and what hides them.

use std::collections::HashSet;

use super::meant::Declared;
use crate::model::{Address, Segment, Sensitive, TemplatePart, Value};

/// What readers get who may not see credentials (reference, section 12).
const REDACTED: (&str, &str) = ("redacted_message", "[PRIVATE DATA HIDDEN]");

/// Credentials as the remote tells them, each of them hidden. `None`: it does not tell this reader.
pub fn told(credentials: &serde_json::Value) -> Option<Value> {
    let serde_json::Value::Object(map) = credentials else { return None };
    let (key, words) = REDACTED;
    if map.len() == 1 && map.get(key).is_some_and(|value| value == words) {
        return None;
    }
    let hidden = |value| Sensitive::wrap(Value::from_json(value));
    Some(Value::Map(Box::new(map.iter().map(|(key, value)| (key.as_str().into(), hidden(value))).collect())))
}

/// The resources of a section whose `credentials` some expression reads.
pub fn read<'d>(declared: &'d Declared, section: &str) -> HashSet<&'d Address> {
    let mut found = HashSet::new();
    for resource in declared.values() {
        for (_, value) in resource.fields.iter() {
            search(value, section, &mut found);
        }
    }
    found
}

fn search<'d>(value: &'d Value, section: &str, found: &mut HashSet<&'d Address>) {
    match value {
        Value::List(items) => items.iter().for_each(|item| search(item, section, found)),
        Value::Map(map) => map.values().for_each(|value| search(value, section, found)),
        Value::Template(template) => {
            for part in &template.parts {
                if let TemplatePart::Field { address, path } = part
                    && address.section == section
                    && matches!(path.0.first(), Some(Segment::Key(field)) if **field == *"credentials")
                {
                    found.insert(address);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{declare, declared};
    use super::*;
    use crate::model::{Path, Template};

    #[test]
    fn each_credential_is_hidden_and_a_note_that_they_are_is_none() {
        let told = |credentials| told(&credentials);
        assert_eq!(told(json!({"redacted_message": "[PRIVATE DATA HIDDEN]"})), None);
        assert_eq!(told(json!(null)), None);
        assert_eq!(told(json!({})), Some(Value::Map(Box::default())));
        let Some(Value::Map(map)) = told(json!({"password": "hush", "hosts": ["hush"]})) else { panic!("a mapping") };
        assert!(map.values().all(|value| matches!(value, Value::Sensitive(_))));
        assert!(!format!("{map:?}").contains("hush"));
        assert!(told(json!({"redacted_message": "mine"})).is_some(), "a credential of that name");
    }

    #[test]
    fn credentials_are_found_to_be_read_wherever_an_expression_stands() {
        let reads = |key: &str, path: &str| {
            let address = Address::new("service_keys", key);
            let part = TemplatePart::Field { address, path: Path::parse(path).unwrap() };
            Value::Template(Box::new(Template { parts: vec![part], sensitive: false, redacted: false }))
        };
        let inside = Value::List(vec![Value::Map(Box::new([("a".into(), reads("b", "credentials.x"))].into()))]);
        let all = declared([declare(
            "instances",
            "i",
            [("name", reads("a", "credentials")), ("metadata", inside), ("customer", reads("c", "guid"))],
        )]);
        let mut found: Vec<_> = read(&all, "service_keys").into_iter().map(|address| &*address.key).collect();
        found.sort_unstable();
        assert_eq!(found, ["a", "b"]);
        assert!(read(&all, "user_provided_service_instances").is_empty());
    }
}
