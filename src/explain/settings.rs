//! The keys of `trueup.toml`, from its schema.

use serde_json::Value;

use super::page::{Entry, Page};
use super::words::names;
use crate::schema;

/// The tables of the file, and where the schema has them.
const TABLES: [(&str, &str); 7] = [
    ("`[project]`", "/properties/project"),
    ("`[targets.NAME]`", "/$defs/target"),
    ("`auth`", "/$defs/auth"),
    ("a secret's place", "/$defs/secret"),
    ("`[variables.NAME]`", "/$defs/variable"),
    ("`[limits]`", "/$defs/limits"),
    ("`[environments.NAME]`", "/$defs/environment"),
];

pub(super) fn settings() -> Page {
    let schema = schema::settings();
    // Of a target only what an environment lays over it need not say everything.
    let of_targets = &schema["properties"]["targets"]["additionalProperties"];
    let mut page = Page::about("trueup.toml", "where the remotes are, how to sign in, and limits");
    for (name, pointer) in TABLES {
        let table = schema.pointer(pointer).expect("the schema has every table");
        let required = |key: &str| requires(table, key) || pointer == "/$defs/target" && requires(of_targets, key);
        page = page.heading(name).text(text(table)).entries(match methods(table) {
            Some(methods) => methods,
            None => entries(table, &required),
        });
    }
    page
}

fn entries(table: &Value, required: &dyn Fn(&str) -> bool) -> Vec<Entry> {
    let keys = table["properties"].as_object().expect("a table has keys");
    let entry = |(key, schema): (&String, &Value)| {
        let default = schema.get("default").map(|default| format!("default `{default}`"));
        let required = required(key).then(|| "required".to_owned());
        let marks: Vec<String> = [Some(takes(schema)), required, default].into_iter().flatten().collect();
        Entry::new(key, text(schema)).marked(marks.join("; "))
    };
    keys.iter().map(entry).collect()
}

/// Ways to sign in, each of which is a table with a `method`.
fn methods(schema: &Value) -> Option<Vec<Entry>> {
    let of_method = |table: &Value| {
        let method = table["properties"]["method"]["const"].as_str().expect("a way to sign in has a name");
        let keys = table["properties"].as_object().expect("a table has keys");
        let (required, optional): (Vec<&str>, Vec<&str>) =
            keys.keys().map(String::as_str).filter(|key| *key != "method").partition(|key| requires(table, key));
        let optional = (!optional.is_empty()).then(|| format!("optional {}", names(optional, "and")));
        let required = (!required.is_empty()).then(|| names(required, "and"));
        let marks: Vec<String> = required.into_iter().chain(optional).collect();
        Entry::new(format!("method = \"{method}\""), text(table)).marked(marks.join("; "))
    };
    Some(schema["oneOf"].as_array()?.iter().map(of_method).collect())
}

fn requires(table: &Value, key: &str) -> bool {
    table["required"].as_array().is_some_and(|required| required.iter().any(|name| name == key))
}

fn text(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().to_owned()
}

/// What a value may be.
fn takes(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        return match reference.rsplit('/').next() {
            Some("secret") => "a secret's place".to_owned(),
            _ => "a table".to_owned(),
        };
    }
    if let Some(words) = schema["enum"].as_array() {
        return names(words.iter().filter_map(Value::as_str), "or");
    }
    let bounds = (schema["minimum"].as_u64(), schema["maximum"].as_u64().filter(|most| *most < u64::from(u32::MAX)));
    match (schema["type"].as_str(), bounds) {
        (Some("string"), _) => "a string".to_owned(),
        (Some("boolean"), _) => "`true` or `false`".to_owned(),
        (Some("integer"), (Some(least), Some(most))) => format!("an integer from {least} to {most}"),
        (Some("integer"), (Some(least), None)) => format!("an integer, at least {least}"),
        (Some("array"), _) => "a list of strings".to_owned(),
        (Some("object"), _) => "a table".to_owned(),
        _ => "anything".to_owned(),
    }
}
