//! What people get wrong about Kaiten: ids for slugs, the seed dialect, two of what there is one of, dates without an end.

use crate::support::{Output, Project};

const CORE: &str = "\
[project]
name = \"acme\"
[targets.kaiten]
provider = \"kaiten\"
url = \"sandbox\"
";

fn seed() -> String {
    format!("{CORE}dialect = \"seed\"\n")
}

fn instance(key: &str, more: &str) -> String {
    format!(
        "  {key}:\n    name: Production\n    start_license_date: 2026-01-01T00:00:00Z\n    \
         end_license_date: 9999-12-31T23:59:59Z\n{more}"
    )
}

/// Code and help of each problem.
fn told(output: &Output) -> Vec<(String, String)> {
    let output = output.json();
    let problems = output["diagnostics"].as_array().unwrap().iter();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    problems.map(|problem| (text(&problem["code"]), text(&problem["help"]))).collect()
}

fn plan(settings: &str, yaml: String, code: i32) -> Vec<(String, String)> {
    let project = Project::empty().file("trueup.toml", settings).file("acme.yaml", yaml);
    told(&project.run(&["plan", "--format", "json"]).exits(code))
}

#[test]
fn an_instance_without_an_end_is_created_once() {
    let yaml = format!(
        "customers:\n  acme: {{name: Acme}}\ninstances:\n{}",
        instance("production", "    customer: acme\n    license: growth\n")
    );
    let project = Project::empty().file("trueup.toml", CORE).file("acme.yaml", yaml);
    project.run(&["apply", "--yes"]).exits(0);
    project.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn an_id_where_a_slug_belongs_is_recognised() {
    const ID: &str = "123e4567-e89b-42d3-a456-426614174000";
    let fields = format!("    customer: {ID}\n    license: growth\n");
    let problems = plan(CORE, format!("instances:\n{}", instance("production", &fields)), 1);
    let help = format!("an id is passed through if it is written `{{ id: {ID} }}`");
    assert_eq!(problems, [("trueup::plan::reference_not_found".to_owned(), help)]);
}

#[test]
fn the_seed_dialect_asks_for_ids() {
    let yaml = format!("instances:\n{}", instance("production", "    customer: acme\n    license: growth\n"));
    let not_found = "trueup::plan::reference_not_found".to_owned();
    assert_eq!(
        plan(&seed(), yaml, 1),
        [
            (not_found.clone(), "this API does not list customers: write `{ id: … }`".to_owned()),
            (not_found, "this API does not list licenses: write `{ id: …, slug: … }`".to_owned())
        ]
    );
}

#[test]
fn in_the_seed_dialect_two_instances_of_one_customer_and_name_need_slugs() {
    let ids = "    customer: { id: 123e4567-e89b-12d3-a456-426614174003 }\n    \
               license: { id: 123e4567-e89b-12d3-a456-426614174004 }\n";
    let yaml = format!("instances:\n{}{}", instance("one", ids), instance("two", ids));
    let problems = plan(&seed(), yaml, 3);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].0, "trueup::config::invalid_value");

    let slugs = |key: &str| instance(key, &format!("{ids}    slug: {key}\n"));
    let project = Project::empty()
        .file("trueup.toml", seed())
        .file("acme.yaml", format!("instances:\n{}{}", slugs("one"), slugs("two")));
    project.run(&["apply", "--yes"]).exits(0);
    project.run(&["plan", "--detailed-exitcode"]).exits(0);

    // Two are there, and the YAML does not say which.
    project.write("acme.yaml", format!("instances:\n{}", instance("one", ids)));
    let problems = told(&project.run(&["plan", "--format", "json"]).exits(1));
    assert_eq!(problems[0].0, "trueup::plan::ambiguous_name");
    assert_eq!(problems[0].1, "they are `one`, `two`: write the `slug` of the one that is meant");
}

#[test]
fn only_one_license_of_a_family_is_its_default() {
    let license = |key: &str, more: &str| format!("  {key}: {{name: Scale, type: PAID, default: true{more}}}\n");
    let family = ", family: \"${licenses.scale.slug}\"";
    let yaml = format!("licenses:\n{}{}", license("scale", ""), license("scale-v2", family));
    let problems = plan(CORE, yaml, 3);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].0, "trueup::config::invalid_value");
}

#[test]
fn a_plan_that_cannot_be_written_is_told_by_the_name_that_was_given() {
    let project = Project::empty().file("trueup.toml", CORE).file("acme.yaml", "customers:\n  acme: {name: Acme}\n");
    let output = project.run(&["plan", "--out", "no/such/plan.json"]).exits(1);
    assert!(output.stderr.contains("`no/such/plan.json`: there is no directory `no/such`\n"), "{output}");
}

/// A flag that is sound but for what is put into it.
fn flag(more: &str) -> String {
    format!(
        "entitlements:\n  seats: {{ name: Seats, type: NUMBER }}\nfeature_flags:\n  checkout:\n    name: New checkout\n    \
         type: boolean\n    variants:\n      - {{ name: \"on\", value: true }}\n      - {{ name: \"off\", value: false }}\n{more}"
    )
}

#[test]
fn an_entitlement_that_a_rule_reads_comes_first_and_has_to_be_somewhere() {
    let targeting = |slug: &str| {
        format!(
            "    default_variant: {{ type: basic, value: \"off\" }}\n    targetings:\n      - type: basic\n        name: Busy\n        \
             rule: __kaiten.entitlements['{slug}'].used > 10.0\n        variant: \"on\"\n"
        )
    };
    let project = Project::empty().file("trueup.toml", CORE).file("acme.yaml", flag(&targeting("seats")));
    let plan = project.run(&["plan", "--format", "json"]).exits(0).json();
    let flag_step = plan["actions"].as_array().unwrap().iter().find(|step| step["kind"] == "feature_flags").unwrap();
    assert_eq!(flag_step["requires"], serde_json::json!(["entitlements.seats"]));
    project.run(&["apply", "--yes"]).exits(0);
    project.run(&["plan", "--detailed-exitcode"]).exits(0);
    // It is there now, declared or not.
    let declared = flag(&targeting("seats"));
    let alone = &declared[declared.find("feature_flags:").unwrap()..];
    project.write("acme.yaml", alone);
    project.run(&["plan", "--detailed-exitcode"]).exits(0);
    project.write("acme.yaml", flag(&targeting("sieges")));
    insta::assert_snapshot!(project.run(&["plan"]).exits(1));
}

#[test]
fn a_flag_that_does_not_fit_together_is_told_where_it_does_not() {
    let yaml = "\
feature_flags:
  checkout:
    name: New checkout
    type: boolean
    variants:
      - { name: \"on\", value: \"yes\" }
      - { name: \"off\", value: false, colour: red }
      - { value: true }
    default_variant: { type: rollout, value: \"off\" }
    targetings:
      - { type: basic, name: a, rule: \"a == (\", variant: \"on\" }
      - { type: basic, name: b, rule: \"true\", value: \"on\" }
      - { type: rollout_percentage, name: c, rule: \"\", distribution: {} }
      - { name: d }
      - { type: rollout_date, name: e, rule: \"true\", start: { variant: \"on\", percentage: 1.5, date: soon }, end: 7 }
    metadata: { fallback_value: 1 }
  theme:
    name: Theme
    type: object
    variants:
      - { name: light, value: { huge: 9007199254740993 } }
      - { name: light, value: null }
    default_variant: { type: rollout_percentage, distribution: { lihgt: 50 } }
";
    let project = Project::empty().file("trueup.toml", CORE).file("acme.yaml", yaml);
    insta::assert_snapshot!(project.run(&["plan"]).exits(3));
}
