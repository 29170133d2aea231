//! Files, documents, sections, keys, targets.

use super::{only, resource};
use crate::config::testing::{Project, load};

const ACME: &str = "customers:\n  acme: { name: Acme }\n";

#[test]
fn resources_of_all_documents_and_files_come_in_the_order_of_their_addresses() {
    let loaded = Project::new()
        .file("b.yaml", "---\n---\ncustomers:\n  b: { name: B }\n---\norganizations: { z: {} }\n")
        .file("a/a.yaml", "customers: { aa: { name: A } }\norganizations:\n")
        .load();
    let names: Vec<_> = loaded.diagnostics.iter().map(|found| found.message.clone()).collect();
    assert_eq!(names, ["`b` is not a slug"], "one character is too short for a slug");
    let desired = Project::new()
        .file("b.yaml", "---\n---\ncustomers:\n  bb: { name: B }\n---\norganizations: { z: {} }\n")
        .file("a/a.yaml", "customers: { aa: { name: A } }\norganizations:\n")
        .load()
        .desired();
    let addresses: Vec<String> = desired.resources.keys().map(ToString::to_string).collect();
    assert_eq!(addresses, ["customers.aa", "customers.bb", "organizations.z"]);
    let place = desired.sources.position(resource(&desired, "customers", "bb").key_span);
    assert_eq!((place.line, place.column), (4, 3));
    let file = resource(&desired, "customers", "aa").span.file;
    assert_eq!(desired.sources.get(file).name(), "a/a.yaml");
    let targets: Vec<_> = desired.targets.keys().map(ToString::to_string).collect();
    assert_eq!(targets, ["kaiten", "cf"]);
}

#[test]
fn empty_files_declare_nothing() {
    for text in ["", "\n# nothing\n", "---\n---\n", "{}", "customers:\n", "customers: {}\n", "~"] {
        let desired = load(text).desired();
        assert!(desired.resources.is_empty() && desired.targets.is_empty(), "{text:?}");
    }
}

#[test]
fn what_is_not_indented_below_its_section_is_told_so() {
    let help = |text: &str| {
        let loaded = load(text);
        assert_eq!(loaded.diagnostics.len(), 1, "{text}");
        loaded.diagnostics[0].help.clone().unwrap_or_default()
    };
    let indent = "if it belongs to `customers`, indent it and what is below it";
    assert_eq!(help("customers:\nacme:\n  name: Acme\n"), indent);
    assert_eq!(help("customers:\ninstance:\n  a: {}\n"), "did you mean `instances`?");
    assert!(help("customers: {}\nacme:\n  name: Acme\n").starts_with("sections are"));
}

#[test]
fn one_address_in_two_files_is_told_at_both() {
    let loaded = Project::new().file("a.yaml", ACME).file("b.yaml", format!("---\n{ACME}")).load();
    insta::assert_snapshot!(loaded.shown(), @r"
    b.yaml:3:3-3:7 config::duplicate_address: `customers.acme` is declared twice
        here: declared again
        a.yaml:2:3-2:7: declared first here
        help: keep one of them, or give one another key
    ");
}

#[test]
fn a_file_that_cannot_be_read_stops_no_other() {
    let loaded = Project::new()
        .unwritten_file("missing.yaml")
        .file("latin.yaml", b"customers:\n  acme: { name: \xc4pfel }\n")
        .file("broken.yaml", "customers: [\n---\ncustomers:\n  other: { nam: x }\n")
        .file("c.yaml", "customers:\n  acme: {}\n")
        .load();
    let codes: Vec<_> = loaded.diagnostics.iter().map(|found| found.code.as_str()).collect();
    assert!(codes.contains(&"trueup::config::file_unreadable"), "{codes:?}");
    assert!(codes.contains(&"trueup::yaml::encoding"), "{codes:?}");
    assert!(codes.contains(&"trueup::yaml::syntax"), "{codes:?}");
    assert!(codes.contains(&"trueup::config::unknown_field"), "the second document is read: {codes:?}");
    assert!(codes.contains(&"trueup::config::missing_field"), "the last file is read: {codes:?}");
}

#[test]
fn what_a_broken_document_may_declare_is_not_called_undeclared() {
    let broken = "customers:\n  acme: { name: [ }\n---\n";
    let using =
        "organizations:\n  x: { name: 'x-${customers.acme.slug}', lifecycle: { depends_on: [customers.acme] } }\n";
    let codes: Vec<_> = load(&format!("{broken}{using}")).diagnostics.iter().map(|found| found.code.as_str()).collect();
    assert_eq!(codes, ["trueup::yaml::syntax"]);
    assert_eq!(load(using).diagnostics.len(), 2);
}

#[test]
fn sections_are_suggested_by_their_spelling_and_by_what_they_hold() {
    for (wrong, right) in [
        ("customer", "customers"),
        ("serviceInstances", "service_instances"),
        ("service_instance", "service_instances"),
        ("organisations", "organizations"),
        ("Spaces", "spaces"),
    ] {
        assert_eq!(
            only(&format!("{wrong}: {{}}")),
            format!("1:1 unknown_section | unknown section `{wrong}` | did you mean `{right}`?")
        );
    }
}

#[test]
fn keys_are_letters_digits_underscores_and_hyphens() {
    let desired = load("organizations:\n  Отдел_1-日本: {}\n").desired();
    assert_eq!(desired.resources[0].address.to_string(), "organizations.Отдел_1-日本");
    let most = "ü".repeat(255);
    assert_eq!(load(&format!("organizations:\n  {most}: {{}}\n")).desired().resources.len(), 1);
    for (key, shown) in
        [("a.b", "a.b"), ("'a b'", "a b"), ("a/b", "a/b"), ("''", ""), ("'a\tb'", "a b"), ("a🚀", "a🚀")]
    {
        let told = only(&format!("organizations:\n  {key}: {{}}\n"));
        let message = format!("2:3 invalid_key | `{shown}` cannot be the key of an organization | ");
        assert!(told.starts_with(&message), "{told}");
        assert!(told.ends_with("its real name goes into the body: `name: …`"), "{told}");
    }
    let told = only(&format!("organizations:\n  {most}x: {{}}\n"));
    assert!(told.starts_with("2:3 invalid_key"), "{told}");
}

#[test]
fn a_target_is_found_by_its_provider_unless_there_are_several() {
    let two = || Project::new().target("second", "kaiten", None);
    let loaded = two().file("a.yaml", ACME).load();
    insta::assert_snapshot!(loaded.shown(), @r"
    a.yaml:2:3-2:7 config::invalid_target: which target does `customers.acme` belong to?
        here: several targets have customers
        help: add `target: …` with `kaiten` or `second`
    ");
    let desired = two().file("a.yaml", "customers:\n  acme: { name: A, target: second }\n").load().desired();
    assert_eq!(&*desired.resources[0].target, "second");
    assert_eq!(desired.targets.len(), 1);
    let loaded = two().file("a.yaml", "customers:\n  acme: { name: A, target: secnod }\n").load();
    assert!(loaded.shown().contains("help: did you mean `second`?"), "{}", loaded.shown());
}

#[test]
fn a_section_without_any_target_is_told_once() {
    let mut project = Project::new().file("a.yaml", "customers:\n  acme: { name: A }\n  beta: { name: B }\n");
    project.settings.targets.clear();
    insta::assert_snapshot!(project.load().shown(), @r#"
    a.yaml:2:3-2:7 config::invalid_target: no target has `customers`
        here: needs a target of provider `kaiten`
        help: add one to `trueup.toml`: `[targets.kaiten]` with `provider = "kaiten"`
    "#);
}

#[test]
fn a_field_of_another_api_is_refused_where_the_api_is_fixed() {
    let text = "service_instances:\n  db: { space: a/b, plan: c/d, gateway_data: { a: 1 } }\n";
    assert_eq!(Project::new().file("a.yaml", text).load().desired().resources.len(), 1, "with `auto` the plan tells");
    let fixed = |api| Project::new().target("cf", "cloudfoundry", Some(api)).file("a.yaml", text).load();
    assert_eq!(fixed("v2").desired().targets["cf"].api.as_deref(), Some("v2"));
    insta::assert_snapshot!(fixed("v3").shown(), @r"
    a.yaml:2:32-2:44 config::not_in_api: `v3` has no `gateway_data`
        here: target `cf` is set to `v3`
        help: only `v2` has it: remove it
    ");
}
