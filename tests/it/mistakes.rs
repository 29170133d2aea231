//! Mistakes in files: each is told, where it is, to people and to scripts; the schemas see what a schema can see.

use serde_json::Value;

use crate::examples::documents;
use crate::support::{Output, Project, files_below, package};

const SETTINGS: &str = "\
[project]
name = \"acme\"
[targets.kaiten]
provider = \"kaiten\"
url = \"sandbox\"
[targets.cf]
provider = \"cloudfoundry\"
url = \"sandbox\"
";

fn fixture(path: &str) -> String {
    std::fs::read_to_string(package().join("tests/fixtures").join(path)).unwrap()
}

/// Each problem as `file:line:column code`.
fn places(output: &Output) -> Vec<String> {
    let problem = |problem: &Value| {
        let labels = problem["labels"].as_array().unwrap();
        let label = labels.iter().find(|label| label["primary"] == true).expect("one is primary");
        let code = problem["code"].as_str().unwrap().trim_start_matches("trueup::");
        format!("{}:{}:{} {code}", label["file"].as_str().unwrap(), label["line"], label["column"])
    };
    output.json()["diagnostics"].as_array().unwrap().iter().map(problem).collect()
}

#[test]
fn ten_and_more_mistakes_in_two_files_are_all_told_where_they_are() {
    let project = Project::empty()
        .file("trueup.toml", SETTINGS)
        .file("customers.yaml", fixture("mistakes/customers.yaml"))
        .file("instances.yaml", fixture("mistakes/instances.yaml"));
    insta::assert_snapshot!("mistakes", project.run(&["validate"]).exits(3));
    let output = project.run(&["validate", "--format", "json"]).exits(3);
    insta::assert_snapshot!("mistakes_json", output);
    assert_eq!(
        places(&output),
        [
            "customers.yaml:3:11 config::unknown_field",
            "customers.yaml:4:3 config::invalid_key",
            "customers.yaml:4:37 config::unknown_field",
            "customers.yaml:5:34 config::wrong_type",
            "customers.yaml:7:1 config::unknown_section",
            "customers.yaml:10:33 config::invalid_value",
            "instances.yaml:2:3 config::duplicate_address",
            "instances.yaml:5:16 config::unknown_variable",
            "instances.yaml:8:5 config::unknown_field",
            "instances.yaml:9:23 config::invalid_value",
            "instances.yaml:11:11 config::unresolved_reference",
            "instances.yaml:17:23 config::date_order",
            "instances.yaml:23:23 config::cycle",
            "instances.yaml:27:63 config::unknown_expression_field",
        ]
    );
    for command in [&["plan"][..], &["apply", "--yes"]] {
        let same = project.run(command).exits(3);
        assert_eq!(same.stderr, project.run(&["validate"]).stderr, "every command tells the same");
    }
}

#[test]
fn mistakes_in_the_settings_are_all_told_where_they_are() {
    let project = Project::empty()
        .file("trueup.toml", fixture("mistakes/trueup.toml"))
        .file("a.yaml", "customers:\n  acme: { name: Acme }\n");
    let output = project.run(&["validate"]).exits(3);
    assert!(!output.to_string().contains("canary"), "{output}");
    insta::assert_snapshot!("settings_mistakes", output);
    let output = project.run(&["validate", "--format", "json"]).exits(3);
    assert!(!output.to_string().contains("canary"), "{output}");
    insta::assert_snapshot!("settings_mistakes_places", places(&output).join("\n"));
}

/// Bad files that fit the schema all the same, since no schema can tell: what is wrong is in another place, in the
/// order of values, or in what the text of a string means.
const NOT_FOR_SCHEMAS: &[&str] = &[
    "broken-expression",
    "cycle",
    "duplicate-address",
    "end-before-start",
    "refers-to-absent",
    "tags-too-long",
    "unknown-expression-field",
    "unknown-target",
    "unknown-variable",
    "unresolved-expression",
    "unsupported-lifecycle",
];

/// Bad files that are no JSON-like documents at all, or too large ones, so that no schema comes to see them.
const NOT_EVEN_YAML: &[&str] = &[
    "alias-bomb",
    "deep-nesting",
    "duplicate-key",
    "huge-number",
    "never-closed",
    "not-utf-8",
    "tab-indentation",
    "unknown-anchor",
];

#[test]
fn every_bad_file_is_refused_for_what_it_says_and_by_the_schema_where_a_schema_can_tell() {
    let schema = jsonschema::validator_for(&trueup::schema::resources(&trueup::providers::registry())).unwrap();
    let files = files_below(&package().join("tests/fixtures/bad"), "yaml");
    let mut exceptions = [NOT_FOR_SCHEMAS, NOT_EVEN_YAML].concat();
    for path in &files {
        let bytes = std::fs::read(path).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let first = String::from_utf8_lossy(&bytes).lines().next().unwrap().to_owned();
        let expected: Vec<&str> = first.trim_start_matches("# ").split(' ').collect();

        let project = Project::empty().file("trueup.toml", SETTINGS).file("a.yaml", &bytes);
        let output = project.run(&["validate", "--format", "json"]);
        assert_eq!(output.code, 3, "{name}: {output}");
        let document = output.json();
        let problems = document["diagnostics"].as_array().unwrap();
        let mut codes: Vec<&str> = problems.iter().map(|problem| problem["code"].as_str().unwrap()).collect();
        codes.sort_unstable();
        codes.dedup();
        let mut sorted = expected.clone();
        sorted.sort_unstable();
        assert_eq!(codes, sorted, "{name}: {output}");

        if NOT_EVEN_YAML.contains(&name) {
            exceptions.retain(|exception| *exception != name);
            continue;
        }
        let fits = documents(&String::from_utf8(bytes).unwrap()).iter().all(|document| schema.is_valid(document));
        assert_eq!(fits, NOT_FOR_SCHEMAS.contains(&name), "whether the schema takes {name}");
        exceptions.retain(|exception| *exception != name);
    }
    assert_eq!(exceptions, Vec::<&str>::new(), "exceptions without a file");
    assert!(files.len() > 25);
}

#[test]
fn a_byte_order_mark_and_carriage_returns_shift_nothing() {
    let text = fixture("mistakes/instances.yaml");
    let told = |text: String| {
        let project = Project::empty().file("trueup.toml", SETTINGS).file("a.yaml", text);
        places(&project.run(&["validate", "--format", "json"]).exits(3))
    };
    let plain = told(text.clone());
    assert!(plain.len() >= 7, "{plain:?}");
    assert_eq!(told(format!("\u{feff}{text}")), plain);
    assert_eq!(told(text.replace('\n', "\r\n")), plain);
}
