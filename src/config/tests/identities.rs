//! Natural keys.

use super::{only, resource};
use crate::config::testing::{Project, load};
use crate::model::Identity;

fn identity(text: &str, section: &'static str, key: &str) -> Identity {
    resource(&load(text).desired(), section, key).identity
}

#[test]
fn a_natural_key_is_the_key_unless_a_field_says_otherwise() {
    let text = "organizations:\n  acme: { name: Acme Inc }\n  other: {}\nspaces:\n  prod: { organization: acme, name: Prod }\n  \
                dev: { organization: other }\n  far: { organization: Elsewhere }\n  raw: { organization: { guid: g-1 } }\n\
                service_instances:\n  db: { space: prod, plan: a/b }\n  queue: { space: Elsewhere/far, plan: a/b, name: the/queue }\n";
    let shown = |section, key| identity(text, section, key).to_string();
    assert_eq!(shown("organizations", "acme"), "Acme Inc");
    assert_eq!(shown("spaces", "prod"), "Acme Inc/Prod");
    assert_eq!(shown("spaces", "dev"), "other/dev");
    assert_eq!(shown("spaces", "far"), "Elsewhere/far");
    assert_eq!(shown("spaces", "raw"), "g-1/raw");
    assert_eq!(shown("service_instances", "queue"), "Elsewhere/far/the/queue");
    let db = identity(text, "service_instances", "db");
    assert_eq!(db.parts, [("space", "Acme Inc/Prod".into()), ("name", "db".into())]);
}

#[test]
fn names_are_read_from_other_resources_as_far_as_files_say_them() {
    let text = "customers:\n  acme: { name: Acme, domain: 'a.${customers.beta.domain}' }\n  beta: { name: '${var.region}', domain: b.c }\n\
                organizations:\n  one: { name: '${customers.acme.slug}-${customers.acme.domain}-${customers.beta.name}' }\n  \
                two: { name: '${organizations.one.name}-2' }\nspaces:\n  s: { organization: '${organizations.two.name}' }\n";
    let desired = load(text).desired();
    let shown = |section, key| resource(&desired, section, key).identity.to_string();
    assert_eq!(shown("organizations", "one"), "acme-a.b.c-eu-west-1");
    assert_eq!(shown("organizations", "two"), "acme-a.b.c-eu-west-1-2");
    assert_eq!(shown("spaces", "s"), "acme-a.b.c-eu-west-1-2/s");
}

#[test]
fn a_name_that_only_the_remote_can_tell_is_refused() {
    let told = only("customers:\n  acme: { name: A }\norganizations:\n  one: { name: 'x-${customers.acme.id}' }\n");
    assert!(
        told.starts_with("4:16 unknown_identity | the name of `organizations.one` would be known only after apply"),
        "{told}"
    );
    let told = only("customers:\n  acme: { name: A }\norganizations:\n  one: { name: '${customers.acme.domain}' }\n");
    assert!(told.starts_with("4:16 unknown_identity"), "a field that is not declared: {told}");
}

#[test]
fn a_slug_is_checked_where_it_comes_from() {
    assert_eq!(
        only("customers:\n  Acme_1: { name: A }\n"),
        "2:3 invalid_key | `Acme_1` is not a slug | 2 to 100 characters: `a` to `z`, digits and `-`, which neither starts nor \
         ends it"
    );
    let body = "name: A, customer: acme, license: growth, start_license_date: 2026-09-01T00:00:00Z, end_license_date: \
                2026-09-01T00:00:00Z";
    let told = only(&format!("instances:\n  Acme_1: {{ {body} }}\n"));
    assert!(told.ends_with("; or keep the key and declare `slug: …`"), "{told}");
    let desired = load(&format!("instances:\n  Acme_1: {{ {body}, slug: acme-1 }}\n")).desired();
    assert_eq!(desired.resources[0].identity, Identity::single("slug", "acme-1"));
    let told = only(&format!("instances:\n  acme: {{ {body}, slug: Acme }}\n"));
    assert!(told.contains("invalid_value | `Acme` is not a slug"), "{told}");
    let told = only(&format!("instances:\n  acme: {{ {body}, slug: '${{var.region}}_' }}\n"));
    assert!(told.contains("invalid_value | `eu-west-1_` is not a slug"), "{told}");
}

#[test]
fn two_resources_that_mean_one_object_are_told_at_both() {
    let text = "organizations:\n  a: { name: Acme }\n  b: { name: ACME }\nspaces:\n  x: { organization: a, name: Prod }\n  \
                y: { organization: aCme, name: prod }\n";
    insta::assert_snapshot!(load(text).shown(), @r"
    a.yaml:3:3-3:4 config::duplicate_identity: `organizations.a` and `organizations.b` mean the same organization
        here: `ACME` again
        a.yaml:2:3-2:4: declared first here
        help: keep one of them, or give one another name
    a.yaml:6:22-6:26 config::unresolved_reference: `aCme` means both `organizations.a` and `organizations.b`
        here: which one?
        help: write its key, `a`
    ");
}

#[test]
fn names_that_differ_in_case_are_two_objects_where_the_remote_says_so() {
    let instances = |one: &str, two: &str| {
        format!(
            "service_instances:\n  a: {{ space: {one}, plan: p/q, name: DB }}\n  b: {{ space: {two}, plan: p/q, name: db }}\n"
        )
    };
    assert_eq!(load(&instances("o/s", "o/s")).desired().resources.len(), 2);
    let same = instances("o/s", "O/S").replace("DB", "db");
    assert!(only(&same).contains("mean the same service instance"), "the space folds, the name does not");
}

#[test]
fn the_same_name_on_another_target_is_another_object() {
    let text = "organizations:\n  a: { name: acme, target: cf }\n  b: { name: acme, target: cf2 }\n";
    let loaded = Project::new().target("cf2", "cloudfoundry", None).file("a.yaml", text).load();
    assert_eq!(loaded.desired().resources.len(), 2);
}

#[test]
fn an_identity_that_hangs_on_itself_is_told_once() {
    let told =
        only("organizations:\n  a: { name: '${organizations.b.name}' }\n  b: { name: '${organizations.a.name}' }\n");
    assert!(told.contains("cycle | `organizations.a` and `organizations.b` need each other"), "{told}");
    // No reference is to anything declared, but which names there are hangs on this name.
    let text = "spaces:\n  s: { organization: nowhere, name: '${service_instances.i.tags[0]}' }\nservice_instances:\n  i: { space: \
                nowhere/x, plan: p/q, tags: ['${service_instances.j.broker}'] }\n  j: { space: 'nowhere/y', plan: p/q }\n";
    assert!(only(text).contains("unknown_identity | the name of `spaces.s` would be known only after apply"));
}
