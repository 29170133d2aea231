//! Values as people read them: on one line, and spread over several.

use serde_json::Value;

use super::clean_line;

/// A value on one line, close to YAML's flow style. A string is quoted only where it could be taken for something else.
pub(super) fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => string(text, false),
        other => nested(other),
    }
}

fn nested(value: &Value) -> String {
    match value {
        Value::String(text) => string(text, true),
        Value::Array(items) => format!("[{}]", items.iter().map(nested).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let entries = map.iter().map(|(key, value)| format!("{}: {}", string(key, true), nested(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        scalar => scalar.to_string(),
    }
}

fn string(text: &str, inside: bool) -> String {
    let odd = text.is_empty()
        || text.trim() != text
        || text.starts_with(['(', '[', '{', '"', '\'', '~'])
        || text.contains(" -> ")
        || text.contains(super::clean::is_unsafe)
        || matches!(text, "true" | "false" | "null")
        || text.parse::<f64>().is_ok()
        || (inside && text.contains([',', ':', ']', '}']));
    if odd { clean_line(&Value::from(text).to_string()).into_owned() } else { text.to_owned() }
}

/// Whether a value is a string to be shown as the lines it consists of.
pub(super) fn lines(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| text.trim_end_matches('\n').contains('\n'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn strings_are_quoted_only_where_they_could_be_taken_for_something_else() {
        let shown = |value: Value| inline(&value);
        assert_eq!(shown(json!("Acme: production, east")), "Acme: production, east");
        assert_eq!(shown(json!("true")), "\"true\"");
        assert_eq!(shown(json!(true)), "true");
        assert_eq!(shown(json!("1.0")), "\"1.0\"");
        assert_eq!(shown(json!("")), "\"\"");
        assert_eq!(shown(json!(" x")), "\" x\"");
        assert_eq!(shown(json!("(sensitive)")), "\"(sensitive)\"");
        assert_eq!(shown(json!("a -> b")), "\"a -> b\"");
        assert_eq!(shown(json!("one\ntwo")), "\"one\\ntwo\"");
    }

    #[test]
    fn lists_and_mappings_fit_a_line() {
        assert_eq!(
            inline(&json!({ "a": [1, null, "x, y"], "b c": {}, "d": [] })),
            "{a: [1, null, \"x, y\"], b c: {}, d: []}"
        );
    }

    #[test]
    fn no_value_reaches_the_terminal_with_its_escapes() {
        let nasty = "\u{1b}[31m\u{9b}\u{202e}\u{7f}";
        let shown = inline(&json!({ nasty: [nasty] }));
        assert!(!shown.contains(super::super::clean::is_unsafe), "{shown:?}");
    }
}
