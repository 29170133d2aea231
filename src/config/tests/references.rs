//! What references mean.

use super::{declared, natural, only, reference, requires, resource};
use crate::config::testing::{Project, load};
use crate::model::To;

const PLACES: &str = "\
organizations:
  acme: {}
  other: { name: Other Org }
spaces:
  prod: { organization: acme, name: production }
  tools: { organization: Other Org }
";

fn instance_in(space: &str) -> String {
    format!("{PLACES}service_instances:\n  db: {{ space: {space}, plan: postgres/small }}\n")
}

#[test]
fn a_reference_is_a_declared_key_first_then_a_declared_name_then_something_remote() {
    for (written, to) in [
        ("prod", declared("spaces", "prod")),
        ("acme/production", declared("spaces", "prod")),
        ("ACME/Production", declared("spaces", "prod")),
        ("other org/tools", declared("spaces", "tools")),
        ("acme/staging", natural("acme/staging")),
        ("'{ guid: abc }'", natural("")),
        ("{ guid: abc }", To::Id { id: "abc".into(), slug: None }),
    ] {
        if written.starts_with('\'') {
            assert!(only(&instance_in(written)).contains("is neither a declared space nor `organization/space`"));
            continue;
        }
        let desired = load(&instance_in(written)).desired();
        let db = resource(&desired, "service_instances", "db");
        assert_eq!(reference(&db, "space"), to, "{written}");
        let needs: Vec<String> = match &to {
            To::Declared(address) => vec![address.to_string()],
            _ => Vec::new(),
        };
        assert_eq!(requires(&db), needs, "{written}");
    }
}

#[test]
fn what_does_not_fold_case_is_compared_as_written() {
    let text = "customers:\n  acme: { name: A }\ninstances:\n  one:\n    name: A\n    customer: acme\n    license: growth\n    \
                start_license_date: 2026-09-01T00:00:00Z\n    end_license_date: 2026-09-01T00:00:00Z\n";
    assert_eq!(
        reference(&resource(&load(text).desired(), "instances", "one"), "customer"),
        declared("customers", "acme")
    );
    let told = only(&text.replace("customer: acme", "customer: Acme"));
    assert!(told.contains("`Acme` is neither a declared customer nor a slug | did you mean `acme`?"), "{told}");
}

#[test]
fn the_name_people_see_leads_to_the_key() {
    let text = "customers:\n  acme-2024: { name: 'Acme, Inc.' }\ninstances:\n  one:\n    name: A\n    customer: 'Acme, Inc.'\n    \
                license: growth\n    start_license_date: 2026-09-01T00:00:00Z\n    end_license_date: 2026-09-01T00:00:00Z\n";
    let told = only(text);
    assert!(told.contains("did you mean `acme-2024`?"), "{told}");
}

#[test]
fn a_plan_is_narrowed_by_its_broker() {
    let text = |broker: &str| format!("service_instances:\n  db: {{ space: a/b, plan: pg/small, broker: {broker} }}\n");
    let desired = load(&text("main")).desired();
    let plan = reference(&resource(&desired, "service_instances", "db"), "plan");
    assert_eq!(plan, To::Natural { name: "pg/small".into(), qualifier: Some("main".into()) });
    let desired = load(&text("'b-${var.region}'")).desired();
    let plan = reference(&resource(&desired, "service_instances", "db"), "plan");
    assert_eq!(plan, To::Natural { name: "pg/small".into(), qualifier: Some("b-eu-west-1".into()) });
    let told = only("service_instances:\n  db: { space: a/b, plan: small }\n");
    assert!(told.contains("`small` is not `offering/plan`"), "{told}");
}

#[test]
fn an_id_is_passed_through_under_its_own_name_only() {
    let told = only("spaces:\n  prod: { organization: { id: x } }\n");
    assert!(told.contains("unknown field `id` | did you mean `guid`?"), "{told}");
    let told = only("spaces:\n  prod: { organization: { guid: 5 } }\n");
    assert!(told.contains("`guid` takes a string, not an integer"), "{told}");
    let told = only("spaces:\n  prod: { organization: {} }\n");
    assert!(told.contains("`organization` names no organization"), "{told}");
    let told = only("spaces:\n  prod: { organization: '' }\n");
    assert!(told.contains("`organization` is empty"), "{told}");
    let told = only("spaces:\n  prod: { organization: [a] }\n");
    assert!(told.contains("`organization` refers to one organization, not a list"), "{told}");
}

#[test]
fn a_slug_stands_beside_an_id_where_the_field_allows() {
    let text = |license: &str, customer: &str| {
        format!(
            "instances:\n  one:\n    name: A\n    customer: {customer}\n    license: {license}\n    start_license_date: \
             2026-09-01T00:00:00Z\n    end_license_date: 2026-09-01T00:00:00Z\n"
        )
    };
    let desired = load(&text("{ id: a, slug: b }", "{ id: c }")).desired();
    let one = resource(&desired, "instances", "one");
    assert_eq!(reference(&one, "license"), To::Id { id: "a".into(), slug: Some("b".into()) });
    assert_eq!(reference(&one, "customer"), To::Id { id: "c".into(), slug: None });
    assert!(only(&text("growth", "{ id: a, slug: b }")).contains("unknown field `slug`"));
}

#[test]
fn expressions_may_name_what_is_referred_to() {
    for written in [
        "'${spaces.prod.guid}'",
        "'${spaces.prod.name}'",
        "{ guid: '${spaces.prod.guid}' }",
        "'${organizations.acme.name}/production'",
        "'acme/${spaces.prod.name}'",
    ] {
        let desired = load(&instance_in(written)).desired();
        let db = resource(&desired, "service_instances", "db");
        assert_eq!(reference(&db, "space"), declared("spaces", "prod"), "{written}");
    }
    let desired = load(&instance_in("'acme/${var.region}'")).desired();
    let db = resource(&desired, "service_instances", "db");
    assert_eq!(reference(&db, "space"), natural("acme/eu-west-1"));
    let told = only(&instance_in("'acme/${organizations.acme.guid}'"));
    assert!(told.contains("what `space` refers to would be known only after apply"), "{told}");
    let told = only(&instance_in("'acme/${var.password}'"));
    assert!(told.contains("a sensitive variable cannot be part of `space`"), "{told}");
}

#[test]
fn a_reference_stays_on_its_target() {
    let project = |space: &str| {
        let text = format!(
            "organizations:\n  acme: {{ target: cf }}\n  beta: {{ target: cf2, name: acme }}\nspaces:\n  prod: {{ target: cf2, \
             organization: {space} }}\n"
        );
        Project::new().target("cf2", "cloudfoundry", None).file("a.yaml", text).load()
    };
    insta::assert_snapshot!(project("'${organizations.acme.guid}'").shown(), @r"
    a.yaml:5:38-5:66 config::invalid_target: `organizations.acme` is on another target
        here: `spaces.prod` is on `cf2`
        a.yaml:2:3-2:7: this one is on `cf`
        help: a reference stays on its target: refer to an object there, or correct `target`
    ");
    let desired = project("acme").desired();
    let prod = resource(&desired, "spaces", "prod");
    assert_eq!(reference(&prod, "organization"), declared("organizations", "beta"), "the name on its own target");
    let elsewhere = "organizations:\n  acme: { target: cf }\nspaces:\n  prod: { target: cf2, organization: acme }\n";
    let loaded = Project::new().target("cf2", "cloudfoundry", None).file("a.yaml", elsewhere).load();
    assert!(loaded.shown().contains("`organizations.acme` is on another target"), "{}", loaded.shown());
}

#[test]
fn cycles_are_told_edge_by_edge_over_references_expressions_and_depends_on() {
    let text = "\
customers:
  aa: { name: '${customers.bb.name}' }
  bb: { name: B, lifecycle: { depends_on: [organizations.o] } }
organizations:
  o: { name: o, lifecycle: { depends_on: [spaces.s] } }
spaces:
  s: { organization: o, name: 'x${customers.aa.name}' }
";
    let shown = load(text).shown();
    insta::assert_snapshot!(shown, @r"
    a.yaml:2:16-2:36 config::cycle: `customers.aa` needs itself, by way of 3 others
        here: `customers.aa` needs `customers.bb` here
        a.yaml:3:44-3:59: `customers.bb` needs `organizations.o` here
        a.yaml:5:43-5:51: `organizations.o` needs `spaces.s` here
        a.yaml:7:33-7:53: `spaces.s` needs `customers.aa` here
        help: none of them could be created first: remove one of these edges
    ");
}

#[test]
fn what_a_list_or_a_mapping_names_comes_first_where_it_is_declared() {
    let load = |text: &str| Project::new().file("a.yaml", text).load_by(&crate::providers::registry());
    let desired = load(
        "components:\n  api-1: { name: api, version: '1' }\nreleases:\n  winter: { version: '1', components: [web-1, api-1] }\n",
    )
    .desired();
    let release = resource(&desired, "releases", "winter");
    assert_eq!(requires(&release), ["components.api-1"]);
    let place = desired.sources.position(release.requires[0].1);
    assert_eq!((place.line, place.column), (4, 47));
    let twice = load("releases:\n  winter: { version: '1', components: [web-1, api-1, web-1] }\n").shown();
    assert!(twice.contains("a.yaml:2:54") && twice.contains("`components` names the same twice"), "{twice}");
    let number = load("releases:\n  winter: { version: '1', components: [1] }\n").shown();
    assert!(number.contains("`components` takes strings, not an integer"), "{number}");
}

#[test]
fn what_is_named_is_on_the_same_target() {
    let text = "components:\n  api-1: { name: api, version: '1', target: second }\nreleases:\n  winter: { version: '1', components: [api-1], target: kaiten }\n";
    let project = Project::new().target("second", "kaiten", None).file("a.yaml", text);
    let shown = project.load_by(&crate::providers::registry()).shown();
    assert!(shown.contains("`components.api-1` is on another target"), "{shown}");
}
