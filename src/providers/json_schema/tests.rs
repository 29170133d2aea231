use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::model::Sensitive;

fn told(schema: &Json, value: &Value) -> Vec<String> {
    let line = |misfit: Misfit| {
        let key = if misfit.at_key { " (key)" } else { "" };
        let meant = misfit.meant.map(|meant| format!("; {meant}?")).unwrap_or_default();
        format!("{}{key} {}{meant}", misfit.path, misfit.words)
    };
    misfits(schema, value, &Path::field("p")).into_iter().map(line).collect()
}

#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "callers write `json!` there")]
fn says(schema: Json, value: Json, expected: &[&str]) {
    assert_eq!(told(&schema, &Value::from_json(&value)), expected, "{value} held against {schema}");
}

#[test]
fn each_misfit_is_told_at_its_value_in_the_words_of_the_schema() {
    let schema = json!({
        "$schema": "http://json-schema.org/draft-04/schema#",
        "type": "object",
        "properties": {
            "size": {"type": "string", "enum": ["small", "large"]},
            "nodes": {"type": "integer", "minimum": 1, "maximum": 5},
            "tags": {"type": "array", "items": {"type": "string", "minLength": 2}, "uniqueItems": true},
            "name": {"type": ["string", "null"], "pattern": "^[a-z]+$", "maxLength": 3},
        },
        "required": ["size"],
        "additionalProperties": false,
    });
    says(schema.clone(), json!({"size": "small", "nodes": 1, "tags": ["ab"], "name": null}), &[]);
    says(
        schema,
        json!({"nodes": 9, "tags": ["ab", "a", "ab"], "name": "ABCD", "sise": "small"}),
        &[
            "p has to have `size`",
            "p.nodes has to be at most 5",
            "p.tags[2] is there already, and items have to be unique",
            "p.tags[1] has to have at least 2 characters",
            "p.name has to have at most 3 characters",
            "p.name has to match `^[a-z]+$`",
            "p.sise (key) is not allowed; size?",
        ],
    );
}

#[test]
fn drafts_differ_in_bounds_references_and_items() {
    says(json!({"minimum": 1, "exclusiveMinimum": true}), json!(1), &["p has to be more than 1"]);
    says(json!({"exclusiveMaximum": 1}), json!(1), &["p has to be less than 1"]);
    let beside =
        |draft: &str| json!({"$schema": draft, "$ref": "#/definitions/a", "definitions": {"a": {}}, "type": "null"});
    says(beside("http://json-schema.org/draft-07/schema#"), json!(1), &[]);
    says(beside("https://json-schema.org/draft/2020-12/schema"), json!(1), &["p has to be `null`"]);
    let list = |first: &str, rest: &str| json!({first: [{"type": "string"}], rest: {"type": "integer"}});
    for schema in [list("items", "additionalItems"), list("prefixItems", "items")] {
        says(schema.clone(), json!(["a", 1]), &[]);
        says(schema, json!([1, "a"]), &["p[0] has to be a string", "p[1] has to be an integer"]);
    }
}

#[test]
fn forms_are_told_apart() {
    let either = json!([{"type": "string"}, {"type": "integer"}]);
    says(json!({"anyOf": either}), json!(1.5), &["p fits none of the forms that are allowed"]);
    says(json!({"oneOf": either}), json!(1), &[]);
    says(json!({"oneOf": [{}, {}]}), json!(1), &["p fits several of the forms of which it has to have one"]);
    says(json!({"not": {"type": "string"}}), json!("a"), &["p has a form that is not allowed"]);
    let conditional = json!({"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": {"maxProperties": 0}});
    says(conditional.clone(), json!({"a": 1}), &["p has to have `b`"]);
    says(conditional, json!({"c": 1}), &["p has to have at most 0 entries"]);
}

#[test]
fn what_is_known_only_after_apply_is_never_wrong() {
    let map = |entries: Vec<(&str, Value)>| {
        Value::Map(Box::new(entries.into_iter().map(|(key, value)| (key.into(), value)).collect()))
    };
    let unknown = map(vec![("a", Value::Unknown)]);
    for schema in [
        json!({"properties": {"a": {"type": "integer", "enum": [1], "not": {}}}}),
        json!({"properties": {"a": false}, "not": {"properties": {"a": {"const": 1}}, "required": ["a"]}}),
        json!({"oneOf": [{"required": ["a"], "properties": {"a": {"const": 1}}}, {"properties": {"a": {"const": 2}}}]}),
        json!({"anyOf": [{"properties": {"a": {"const": 1}}}, {"type": "string"}]}),
        json!({"if": {"properties": {"a": {"const": 1}}}, "then": {"required": ["b"]}, "else": {"required": ["c"]}}),
        json!({"enum": [{"a": 1}]}),
    ] {
        let found = told(&schema, &unknown);
        // `false` refuses whatever the value will be.
        let expected = usize::from(schema["properties"]["a"] == json!(false));
        assert_eq!(found.len(), expected, "{schema}: {found:?}");
    }
    assert_eq!(told(&json!({"required": ["b"]}), &unknown), ["p has to have `b`"], "what is known is still told");
}

#[test]
fn of_a_secret_neither_value_nor_keys_are_told() {
    let secret = Sensitive::wrap(Value::from_json(&json!({"hush": "hush", "x": {"hush2": 1}})));
    let schema = json!({
        "additionalProperties": false, "properties": {"x": {"type": "object", "additionalProperties": {"type": "string"}}},
        "dependencies": {"hush": ["other"]}, "maxProperties": 1,
    });
    let found = told(&schema, &secret);
    assert!(!found.is_empty());
    for line in found {
        assert!(!line.contains("hush") && line.starts_with("p "), "{line}");
    }
}

#[test]
fn what_is_not_understood_is_no_error() {
    for schema in [
        json!({"$ref": "https://example.com/schema.json"}),
        json!({"$ref": "#anchor"}),
        json!({"$ref": "#/nowhere"}),
        json!({"$ref": "#"}),
        json!({"type": "file", "pattern": "(?=x)", "minimum": "a lot", "required": true, "items": 5}),
        json!({"not": {"$ref": "https://example.com/schema.json"}}),
        json!({"allOf": {}, "enum": "a", "properties": []}),
        json!("a schema"),
        json!({"properties": {"a": {"$id": "x", "$ref": "#/definitions/b"}}, "definitions": {"b": false}}),
    ] {
        says(schema.clone(), json!({"a": 1}), &[]);
        says(schema, json!("text"), &[]);
    }
}

#[test]
fn a_schema_that_never_ends_does() {
    let schema = json!({"allOf": [{"$ref": "#"}, {"$ref": "#"}, {"$ref": "#"}]});
    says(schema, json!(1), &[]);
}

fn value() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Json::from),
        (-3i64..4).prop_map(Json::from),
        Just(json!(1.5)),
        "[ab]{0,3}".prop_map(Json::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Json::from),
            prop::collection::btree_map("[ab]", inner, 0..3).prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

fn schema() -> impl Strategy<Value = Json> {
    let types = prop::sample::select(vec!["string", "integer", "number", "boolean", "array", "object", "null"]);
    let leaf = prop_oneof![
        Just(json!({})),
        types.prop_map(|one| json!({ "type": one })),
        value().prop_map(|value| json!({ "const": value })),
        prop::collection::vec(value(), 1..3).prop_map(|values| json!({ "enum": values })),
        (-2i64..3).prop_map(|bound| json!({"minimum": bound, "exclusiveMaximum": bound + 2})),
        (0u64..3).prop_map(|bound| json!({"minLength": bound, "maxItems": bound, "minProperties": bound})),
        Just(json!({"uniqueItems": true, "pattern": "^a", "required": ["a"]})),
        Just(json!({"multipleOf": 2, "dependentRequired": {"a": ["b"]}})),
    ];
    leaf.prop_recursive(3, 16, 3, |inner| {
        let several = prop::collection::vec(inner.clone(), 1..3);
        prop_oneof![
            (inner.clone(), inner.clone())
                .prop_map(|(a, rest)| json!({"properties": {"a": a}, "additionalProperties": rest})),
            (inner.clone(), inner.clone()).prop_map(|(first, rest)| json!({"prefixItems": [first], "items": rest})),
            inner.clone().prop_map(|one| json!({ "contains": one })),
            inner.clone().prop_map(|one| json!({ "not": one })),
            inner
                .clone()
                .prop_map(|one| json!({"propertyNames": one, "patternProperties": {"^b": {"type": "string"}}})),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| json!({"if": a, "then": b, "else": c})),
            several.clone().prop_map(|several| json!({ "anyOf": several })),
            several.clone().prop_map(|several| json!({ "allOf": several })),
            several.prop_map(|several| json!({ "oneOf": several })),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn a_validator_that_others_wrote_agrees(schema in schema(), value in value()) {
        let mut schema = schema;
        schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
        let theirs = jsonschema::validator_for(&schema).expect("a sound schema").is_valid(&value);
        let ours = told(&schema, &Value::from_json(&value));
        prop_assert_eq!(ours.is_empty(), theirs, "{:?}", ours);
    }

    /// Whatever becomes of what is not known: an error that is told now is one then.
    #[test]
    fn what_is_told_of_a_part_holds_for_the_whole(schema in schema(), a in value(), b in value()) {
        let mut schema = schema;
        schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
        let whole = json!({"a": a, "b": b});
        let part: Map = [("a".into(), Value::Unknown), ("b".into(), Value::from_json(&b))].into_iter().collect();
        if !told(&schema, &Value::Map(Box::new(part))).is_empty() {
            prop_assert!(!told(&schema, &Value::from_json(&whole)).is_empty());
        }
    }
}
