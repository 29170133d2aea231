use serde_json::Value;

use super::*;
use crate::render::reviewed::{long, reviewed, reviewed_with};
use crate::render::testing::as_text;

fn written(made: &(Plan, Sources)) -> Value {
    let text = as_text(|out| plan(out, &made.0, &made.1, &Files::below("deploy")));
    serde_json::from_str(&text).expect("JSON")
}

/// The official schema, as the crate `serde-sarif` carries it.
fn assert_fits(document: &Value) {
    let schema =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/sarif/sarif-schema-2.1.0.json"));
    // One pattern in it is not a regular expression; it is of a property that is not written.
    let schema = schema.expect("it is there").replace("^[a-zA-Z]{2}|^[a-zA-Z]{2}-[a-zA-Z]{2}]?$", "^[a-zA-Z-]+$");
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let problems: Vec<String> = validator.iter_errors(document).map(|error| error.to_string()).collect();
    assert!(problems.is_empty(), "{problems:?}");
}

#[test]
fn a_plan_with_nasty_values_fits_the_official_schema() {
    let mut document = written(&reviewed());
    assert_fits(&document);
    let rules = document["runs"][0]["tool"]["driver"]["rules"].as_array_mut().unwrap();
    for rule in rules.iter_mut().filter(|rule| !rule["help"]["markdown"].is_null()) {
        assert!(rule["help"]["markdown"].as_str().unwrap().contains("```text"), "{rule}");
        rule["help"]["markdown"] = "…".into();
    }
    insta::assert_snapshot!(format!("{document:#}"));
}

#[test]
fn every_result_names_its_rule_by_its_index() {
    let document = written(&reviewed());
    let run = &document["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 11);
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"], "{result}");
    }
}

#[test]
fn a_text_makes_no_link() {
    let document = written(&reviewed_with("[click](http://evil.example)"));
    let text = document["runs"][0].to_string();
    assert!(text.contains("[click] (http://evil.example)") && !text.contains("[click]("), "{text}");
}

#[test]
fn what_is_more_than_can_be_taken_is_told() {
    let document = written(&long("a word", 700));
    assert_fits(&document);
    let run = &document["runs"][0];
    assert_eq!(run["results"].as_array().unwrap().len(), 5000);
    let notice = &run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"];
    assert_eq!(notice, "603 results left out: code scanning takes 5000");
}

#[test]
fn a_validation_without_problems_is_a_run_without_results() {
    let text = as_text(|out| validation(out, &[], &Sources::default(), &Files::default()));
    let document: Value = serde_json::from_str(&text).expect("JSON");
    assert_fits(&document);
    let run = &document["runs"][0];
    assert_eq!((&run["results"], &run["invocations"][0]["executionSuccessful"]), (&Value::Array(vec![]), &true.into()));
}

#[test]
fn a_path_of_any_characters_is_a_relative_reference() {
    assert_eq!(uri("deploy/a b/ü#?%.yaml"), "deploy/a%20b/%C3%BC%23%3F%25.yaml");
    assert_eq!(uri("c:x.yaml"), "c%3Ax.yaml");
}
