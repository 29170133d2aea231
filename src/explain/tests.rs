use super::*;
use crate::model::{Code, LIFECYCLE, Sources};
use crate::providers::registry;
use crate::render::{self, Theme};
use crate::settings::{self, LoadOptions};

/// What is told of it, as the binary prints it.
#[track_caller]
fn told(word: &str) -> String {
    let registry = registry();
    let subject = if word.is_empty() { Subject::Everything } else { find(word, &registry).expect(word) };
    let mut out = Vec::new();
    let theme = Theme::PLAIN;
    let written = match (subject, page(subject, &registry)) {
        (Subject::Code(code), _) => render::explain::code(&mut out, code, theme),
        (_, page) => render::explain::page(&mut out, &page.expect("what is no code has a page"), theme),
    };
    written.expect("a vector can be written to");
    String::from_utf8(out).expect("text")
}

/// Why it is not known, and what may be meant.
#[track_caller]
fn untold(word: &str) -> String {
    let problem = find(word, &registry()).expect_err(word);
    assert_eq!(problem.code, Code::Usage);
    format!("{}: {}", problem.message, problem.help.expect("a way to go on"))
}

#[test]
fn each_form_is_told() {
    for (name, word) in [
        ("kinds", ""),
        ("instances", "instances"),
        ("service_instances", "service_instances"),
        ("spaces", "spaces"),
        ("grants", "grants"),
        ("service_plans", "service_plans"),
        ("field", "instances.deployment_zone"),
        ("immutable_field", "service_instances.broker"),
        ("field_of_parts", "licenses.entitlements"),
        ("attribute", "service_keys.credentials"),
        ("lifecycle", "lifecycle"),
        ("lifecycle_was", "lifecycle.was"),
        ("target", "instances.target"),
    ] {
        insta::assert_snapshot!(name, told(word));
    }
}

#[test]
fn every_kind_and_all_it_has_can_be_explained() {
    let registry = registry();
    for section in registry.sections() {
        let page = told(section.name);
        assert!(page.starts_with(section.name), "{page}");
        let listed = section.declarable || matches!(section.name, "grants" | "service_plans");
        assert_eq!(told("").contains(&format!("\n  {}  ", section.name)), listed, "{}", section.name);
        for field in section.fields {
            assert!(page.contains(&format!("\n  {}", field.name)), "{}.{}", section.name, field.name);
            let alone = told(&format!("{}.{}", section.name, field.name));
            let first = field.doc.split(' ').next().unwrap();
            assert!(
                alone.contains(first) && alone.contains("\n  takes  ") && alone.contains(&format!("`{}`.", field.wire)),
                "{alone}"
            );
        }
        for attribute in section.attributes.iter().filter(|_| section.declarable) {
            told(&format!("{}.{}", section.name, attribute.name));
        }
        if section.declarable {
            assert_eq!(told(&format!("{}.lifecycle.was", section.name)), told("lifecycle.was"));
        }
    }
    for field in LIFECYCLE {
        assert!(told(&format!("lifecycle.{}", field.name)).contains(field.example), "{}", field.name);
        assert!(told("lifecycle").contains(field.name));
    }
}

#[test]
fn every_code_can_be_explained_by_its_name_and_by_an_end_that_no_other_has() {
    for code in Code::ALL {
        assert!(told(code.as_str()).starts_with(code.as_str()));
        assert!(registry().section(code.as_str()).is_none());
        let short = code.as_str().trim_start_matches("trueup::");
        assert!(told(short).starts_with(code.as_str()), "{short}");
    }
    assert_eq!(told("protected"), told("trueup::plan::protected"));
    assert_eq!(
        untold("syntax"),
        "`syntax` is the end of 2 codes: write `trueup::yaml::syntax` or `trueup::settings::syntax`"
    );
}

#[test]
fn what_is_not_known_is_told_with_what_may_be_meant() {
    for (word, meant) in [
        ("instance", "did you mean `instances`?"),
        ("licences", "did you mean `licenses`?"),
        ("instances.startLicenseDate", "did you mean `instances.start_license_date`?"),
        ("instances.metadata.region", "did you mean `instances.metadata`?"),
        ("instances.created", "`instances` has `slug`, `name`"),
        ("instance.name", "did you mean `instances.name`?"),
        ("deployment_zone", "did you mean `deployment_zones`?"),
        ("syslog_drain_url", "did you mean `user_provided_service_instances.syslog_drain_url`?"),
        ("was", "did you mean `lifecycle.was`?"),
        ("lifecycle.cascades", "did you mean `lifecycle.cascade`?"),
        ("lifecycle.x", "`lifecycle` has `depends_on`, `absent`"),
        ("trueup::plan::protcted", "did you mean `trueup::plan::protected`?"),
        ("plan::protcted", "did you mean `plan::protected`?"),
        ("unknwon_field", "did you mean `unknown_field`?"),
        ("grants.target", "did you mean"),
        ("nothing-like-it", "`trueup explain` lists the kinds"),
        ("nothing.like", "`trueup explain` lists the kinds"),
    ] {
        let told = untold(word);
        let (message, help) = told.split_once("`: ").expect("a message and a help");
        assert_eq!(message, format!("there is no kind, field or code `{word}"));
        assert!(help.starts_with(meant), "{word}: {help}");
    }
}

/// The sections of which a file declares something.
#[track_caller]
fn declared(yaml: &str) -> Vec<&'static str> {
    let directory = tempfile::tempdir().expect("a directory");
    let settings = "[project]\nname = \"acme\"\n[targets.kaiten]\nprovider = \"kaiten\"\nurl = \"sandbox\"\n\
                    [targets.cf]\nprovider = \"cloudfoundry\"\nurl = \"sandbox\"\n";
    std::fs::write(directory.path().join("trueup.toml"), settings).expect("a file");
    let file = directory.path().join("a.yaml");
    std::fs::write(&file, yaml).expect("a file");
    let (mut sources, mut problems) = (Sources::default(), crate::model::Diagnostics::default());
    let options = LoadOptions { environment: None, variables: &[], env: &|_| None, unconnected: false };
    let settings = settings::load(directory.path(), options, &mut sources, &mut problems).expect("settings");
    let desired = crate::config::load(&[file], &settings, &registry(), &mut sources, &mut problems);
    let found = problems.into_sorted();
    assert!(found.is_empty(), "{yaml}: {found:?}");
    desired.expect("it is sound").resources.keys().map(|address| address.section).collect()
}

#[test]
fn every_kind_that_can_be_declared_has_an_example_that_loads_and_declares_one() {
    let registry = registry();
    for section in registry.sections().filter(|section| registry.kind(section.name).unwrap().declared().is_some()) {
        assert!(declared(section.example).contains(&section.name), "{}", section.name);
    }
}

#[test]
fn every_word_of_lifecycle_has_an_example_that_loads() {
    for field in LIFECYCLE {
        let instance = registry().section("instances").expect("a kind").example;
        let service = registry().section("service_instances").expect("a kind").example;
        declared(&format!("{service}{instance}    lifecycle: {}\n", field.example));
    }
}

#[test]
fn the_reference_has_every_word_that_can_be_written() {
    let reference = reference(&registry());
    let words = |page: &Page| -> Vec<String> {
        let entries = page.blocks.iter().filter_map(|block| match block {
            Block::Entries(entries) => Some(entries),
            _ => None,
        });
        entries.flatten().map(|entry| entry.name.clone()).collect()
    };
    assert_eq!(words(&reference.lifecycle), LIFECYCLE.iter().map(|field| field.name).collect::<Vec<_>>());
    let pages: Vec<&Page> = reference.kinds.iter().flat_map(|(_, pages)| pages).collect();
    for section in registry().sections().filter(|section| section.declarable) {
        let page = pages.iter().find(|page| page.title.0 == section.name).expect(section.name);
        assert_eq!(words(page), section.fields.iter().map(|field| field.name).collect::<Vec<_>>());
        assert!(matches!(&page.blocks[1], Block::Lines { text, .. } if text == section.example), "{}", section.name);
    }
}
