use std::collections::BTreeMap;

use serde_json::json;

use super::super::dialect::Dialect;
use super::super::wire::project;
use super::*;
use crate::model::{Address, Facts, Fields, FileId, Identity, Lifecycle, Locate, Places, SourceFile, Sources, Span};

struct Nowhere(FileId);

impl Locate for Nowhere {
    fn value(&self, _: &Path) -> (Span, bool) {
        (Span::new(self.0, 0..1), false)
    }

    fn key(&self, _: &Path) -> Option<Span> {
        None
    }
}

fn check(fields: &[(&'static str, Value)], requires: &[&str], exists: bool) -> Vec<(Code, Option<String>)> {
    check_as("growth-v2", fields, requires, exists)
}

fn check_as(
    slug: &str,
    fields: &[(&'static str, Value)],
    requires: &[&str],
    exists: bool,
) -> Vec<(Code, Option<String>)> {
    let license = json!({"id": "l2", "slug": "growth-v2", "familyId": "f1"});
    let license = project(&SECTION, Dialect::Core, license.as_object().unwrap()).unwrap();
    check_over(slug, fields, requires, exists.then_some(&license))
}

/// What is found about a license that is like this.
fn check_from(is: &[(&'static str, serde_json::Value)], fields: &[(&'static str, Value)]) -> Vec<Code> {
    let mut license = json!({"id": "l2", "slug": "growth-v2", "familyId": "f1"});
    for (name, value) in is {
        license[SECTION.field(name).unwrap().wire] = value.clone();
    }
    let license = project(&SECTION, Dialect::Core, license.as_object().unwrap()).unwrap();
    check_over("growth-v2", fields, &[], Some(&license)).into_iter().map(|(code, _)| code).collect()
}

fn check_over(
    slug: &str,
    fields: &[(&'static str, Value)],
    requires: &[&str],
    observed: Option<&Observed>,
) -> Vec<(Code, Option<String>)> {
    let file = Sources::default().add(SourceFile::new("acme.yaml", ""));
    let span = Span::new(file, 0..1);
    let fields: Fields = fields.iter().cloned().collect();
    let resource = crate::model::Resource {
        address: Address::new("licenses", slug),
        target: "kaiten".into(),
        identity: Identity::single("slug", "growth-v2"),
        fields: fields.clone(),
        lifecycle: Lifecycle::default(),
        span,
        key_span: span,
        places: Places::new(Arc::new(Nowhere(file))),
        requires: requires.iter().map(|key| (Address::new("licenses", *key), span)).collect(),
        parts: Vec::new(),
    };
    let family = json!({"id": "f1", "slug": "growth"});
    let family = project(&FAMILIES, Dialect::Core, family.as_object().unwrap()).unwrap();
    let identity = Identity::single("slug", slug);
    let found = License::check(Check {
        resource: &resource,
        proposal: Proposal { address: &resource.address, identity: &identity, fields: &fields },
        observed,
        collections: &BTreeMap::from([("license_families", Collection::new(vec![family], false))]),
        facts: &facts(),
        declared: &indexmap::IndexMap::new(),
    });
    found.into_iter().map(|found| (found.code, found.help)).collect()
}

fn facts() -> Facts {
    Facts { provider: "kaiten", url: "http://localhost".into(), api: "core", read_only: None }
}

#[test]
fn a_license_does_not_open_a_family_that_is_there() {
    let same = |fields: &[(&'static str, Value)], exists| {
        check_as("growth", fields, &[], exists).into_iter().map(|(code, _)| code).collect::<Vec<_>>()
    };
    assert_eq!(same(&[], false), [Code::NameTaken]);
    assert_eq!(same(&[("family", Value::text("growth"))], false), [Code::NameTaken]);
    assert_eq!(same(&[("family", Value::text("growth"))], true), []);
    assert_eq!(codes(&[], false), [], "another slug");
    let joins = check_as("growth", &[("family", Value::text("scale"))], &["scale"], false);
    assert_eq!(joins, [], "it opens none");
}

fn codes(fields: &[(&'static str, Value)], exists: bool) -> Vec<Code> {
    check(fields, &[], exists).into_iter().map(|(code, _)| code).collect()
}

#[test]
fn a_published_license_is_no_draft_again() {
    for (was, state, expected) in [
        ("DRAFT", "DRAFT", &[][..]),
        ("PUBLISHED", "DRAFT", &[Code::Blocked]),
        ("ARCHIVED", "DRAFT", &[Code::Blocked]),
        ("DRAFT", "ARCHIVED", &[]),
        ("ARCHIVED", "PUBLISHED", &[]),
    ] {
        let found = check_from(&[("lifecycle_state", was.into())], &[("lifecycle_state", Value::text(state))]);
        assert_eq!(found, expected, "{was} to {state}");
    }
}

#[test]
fn a_default_is_not_archived_unless_it_is_one_no_more() {
    let default = || [("lifecycle_state", "PUBLISHED".into()), ("default", json!(true))];
    let archived = ("lifecycle_state", Value::text("ARCHIVED"));
    assert_eq!(check_from(&default(), std::slice::from_ref(&archived)), [Code::Blocked]);
    assert_eq!(check_from(&default(), &[archived, ("default", Value::Bool(false))]), []);
}

#[test]
fn only_a_published_license_is_a_default() {
    let with = |state: &str| codes(&[("default", Value::Bool(true)), ("lifecycle_state", Value::text(state))], true);
    assert_eq!(with("DRAFT"), [Code::InvalidValue]);
    assert_eq!(with("ARCHIVED"), [Code::InvalidValue]);
    assert_eq!(with("PUBLISHED"), []);
}

#[test]
fn a_family_has_one_default() {
    let wants = |slug: &str, fields: &[(&'static str, Value)]| {
        let fields: Fields = fields.iter().cloned().collect();
        let (address, identity) = (Address::new("licenses", slug), Identity::single("slug", slug));
        License::sole(Proposal { address: &address, identity: &identity, fields: &fields }, &facts())
    };
    let default = || ("default", Value::Bool(true));
    let opens = wants("growth", &[default()]);
    assert_eq!(opens.clone().map(|sole| sole.of).as_deref(), Some("the family `growth`"));
    assert_eq!(wants("growth-v2", &[("family", Value::text("growth")), default()]), opens);
    assert_ne!(wants("growth-v2", &[("family", Value::text("scale")), default()]), opens);
    assert_eq!(wants("growth", &[("default", Value::Bool(false))]), None);
    assert_eq!(wants("growth-v2", &[("family", Value::Unknown), default()]), None);
}

#[test]
fn a_family_exists_or_comes_with_a_license_that_is_created_first() {
    let family = |slug: &str| [("family", Value::text(slug))];
    assert_eq!(codes(&family("growth"), false), []);
    assert_eq!(codes(&family("growth-v2"), false), [], "its own");
    let declared = check(&family("entirely-other"), &[], false).remove(0).1.unwrap();
    assert!(declared.contains("`family: ${licenses.entirely-other.slug}`"), "{declared}");
    let missing = check(&family("grwoth"), &[], false);
    assert_eq!(missing, [(Code::ReferenceNotFound, Some("did you mean `growth`?".to_owned()))]);
    assert_eq!(check(&family("scale"), &["scale"], false), []);
    assert_eq!(codes(&[("family", Value::Unknown)], false), []);
}
