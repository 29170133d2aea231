use serde_json::json;

use super::super::testing::{declare, text};
use super::*;
use crate::model::{Address, Facts, Identity, Map, Sensitive};

fn map(entries: &[(&str, Value)]) -> Value {
    Value::Map(Box::new(entries.iter().map(|(key, value)| (Arc::from(*key), value.clone())).collect::<Map>()))
}

fn checked(fields: &[(&'static str, Value)]) -> Vec<(Code, String)> {
    checked_with(fields, None)
}

fn checked_with(fields: &[(&'static str, Value)], there: Option<&[(&'static str, Value)]>) -> Vec<(Code, String)> {
    let observed = there.map(|there| crate::model::Observed {
        identity: Identity::single("name", "acme"),
        id: "o-1".into(),
        version: None,
        fields: there.iter().cloned().collect(),
        attributes: Fields::default(),
        condition: crate::model::Condition::Ready,
    });
    let fields: Fields = fields.iter().cloned().collect();
    let address = Address::new("organizations", "acme");
    let identity = Identity::single("name", "acme");
    let resource = declare("organizations", "acme", []);
    let collections = std::collections::BTreeMap::new();
    let facts = Facts { provider: super::super::NAME, url: "x".into(), api: "v3", read_only: None };
    let proposal = crate::kind::Proposal { address: &address, identity: &identity, fields: &fields };
    let check = Check {
        resource: &resource,
        proposal,
        observed: observed.as_ref(),
        collections: &collections,
        facts: &facts,
        declared: &IndexMap::new(),
    };
    super::check(check).into_iter().map(|one| (one.code, one.message)).collect()
}

#[test]
fn keys_are_held_to_the_rules_before_anything_is_written() {
    let long = "x".repeat(63);
    let domain = format!("{}.example.com/a", "x".repeat(63));
    for key in ["a", "A_b.c-9", &long, "example.com/team", "sub.cloudfoundry.org/x", &domain] {
        assert_eq!(checked(&[("labels", map(&[(key, text(""))]))]), [], "{key}");
    }
    let (too_long, part) = (format!("{long}x"), format!("{}.com/a", "x".repeat(64)));
    let prefix = format!("{}com/a", "x.".repeat(126));
    for key in [
        "",
        "-a",
        "a-",
        "é",
        "a/b/c",
        "nodot/a",
        "a..b/c",
        "CloudFoundry.org/a",
        "example.com/",
        "a b",
        &too_long,
        &part,
        &prefix,
    ] {
        assert_eq!(
            checked(&[("labels", map(&[(key, text("x"))]))]),
            [(Code::InvalidValue, format!("`{key}` cannot be the key of a label"))]
        );
    }
    let own = checked(&[("annotations", map(&[("trueup-parameters", text("x"))]))]);
    assert_eq!(own, [(Code::InvalidValue, "`trueup-parameters` cannot be the key of an annotation".to_owned())]);
}

#[test]
fn values_are_held_to_the_rules_before_anything_is_written() {
    let of = |field: &'static str, value: Value| checked(&[(field, map(&[("a", value)]))]);
    assert_eq!(of("labels", text(&"x".repeat(63))), []);
    assert_eq!(of("labels", Value::Unknown), []);
    assert_eq!(of("annotations", text(&"é ".repeat(2500))), []);
    for value in ["x".repeat(64), "a b".to_owned(), "-a".to_owned()] {
        assert_eq!(of("labels", text(&value)), [(Code::InvalidValue, "a label cannot have this value".to_owned())]);
    }
    let long = (Code::InvalidValue, "the value of an annotation is too long".to_owned());
    assert_eq!(of("annotations", Sensitive::wrap(text(&"x".repeat(5001)))), [long]);
    let number = (Code::WrongType, "the value of the label `a` has to be a string".to_owned());
    assert_eq!(of("labels", Value::Number(3.into())), [number]);
    let list = (Code::WrongType, "`labels` has to be a mapping".to_owned());
    assert_eq!(checked(&[("labels", Value::List(Vec::new()))]), [list]);
}

#[test]
fn an_annotation_without_text_may_have_any_key_but_trueup_s_own() {
    for value in [text(""), text(" "), Sensitive::wrap(text(""))] {
        assert_eq!(checked(&[("annotations", map(&[("a/b/c", value)]))]), []);
    }
    assert_eq!(checked(&[("annotations", map(&[("a/b/c", text("x"))]))]).len(), 1);
    assert_eq!(checked(&[("annotations", map(&[("trueup-parameters", text(""))]))]).len(), 1);
    assert_eq!(checked(&[("labels", map(&[("a/b/c", text(""))]))]).len(), 1);
}

#[test]
fn more_than_one_object_has_by_default_are_warned_of_where_there_come_to_be_more() {
    let many = |field, from: usize, to: usize| {
        let keys: Vec<String> = (from..to).map(|number| format!("k{number}")).collect();
        (field, map(&keys.iter().map(|key| (key.as_str(), text("x"))).collect::<Vec<_>>()))
    };
    assert_eq!(checked(&[many("labels", 0, 50), many("annotations", 0, 200)]), []);
    let words = |count, what, most| {
        let message = format!("it would have {count} {what}, and a foundation takes {most} unless set up otherwise");
        (Code::InvalidValue, message)
    };
    assert_eq!(
        checked(&[many("labels", 0, 51), many("annotations", 0, 201)]),
        [words(51, "labels", 50), words(201, "annotations", 200)]
    );
    let there = [many("labels", 0, 60)];
    assert_eq!(checked_with(&[many("labels", 5, 55)], Some(&there)), [], "none is new");
    assert_eq!(checked_with(&[many("labels", 59, 62)], Some(&there)), [words(62, "labels", 50)]);
    assert_eq!(checked_with(&[many("labels", 40, 50)], Some(&[many("labels", 0, 40)])), []);
}

#[test]
fn only_what_differs_is_sent() {
    let fields: Fields = [
        ("labels", map(&[("same", text("x")), ("other", text("y"))])),
        ("annotations", map(&[("a", Sensitive::wrap(text("z")))])),
    ]
    .into_iter()
    .collect();
    let observed = crate::model::Observed {
        identity: Identity::single("name", "acme"),
        id: "o-1".into(),
        version: None,
        fields: Fields::default(),
        attributes: Fields::default(),
        condition: crate::model::Condition::Ready,
    };
    let address = Address::new("organizations", "acme");
    let proposal = crate::kind::Proposal { address: &address, identity: &observed.identity, fields: &fields };
    let sent = |changes: &[Path]| Metadata::changed(&Modification { proposal, observed: &observed, changes }).to_json();
    assert_eq!(sent(&[Path::field("labels").key("other")]), json!({"labels": {"other": "y"}}));
    assert_eq!(sent(&[Path::field("annotations")]), json!({"annotations": {"a": "z"}}));
    assert_eq!(sent(&[Path::field("name")]), json!({}));
}

#[test]
fn the_mark_of_parameters_is_kept_apart_from_the_annotations() {
    let parameters = map(&[("size", text("large"))]);
    let mut metadata = Metadata::default();
    metadata.mark_parameters(Some(&parameters));
    let mut read: Metadata = serde_json::from_value(metadata.to_json()).unwrap();
    let mark = read.take_mark().unwrap();
    assert!(mark.is_of(&parameters) && read.is_empty());
    let mut again = Metadata::default();
    again.mark_parameters(Some(&parameters));
    assert_ne!(again, metadata, "each write has a salt of its own");
    metadata.annotations.insert(PARAMETERS.into(), "scribbled over".into());
    assert!(metadata.take_mark().is_none() && metadata.is_empty());
}
