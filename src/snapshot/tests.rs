use std::collections::BTreeMap;

use indexmap::IndexMap;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::kind::Registry;
use crate::model::{
    Collection, Condition, Desired, Facts, Fields, Fingerprint, Identity, Link, Map, Observed, Operation, Sensitive,
    Snapshot, Value,
};
use crate::providers;

const TAKEN: &str = "2026-11-28T10:12:30Z";

fn about() -> About {
    About {
        project: "acme".into(),
        environment: None,
        declared: BTreeMap::from([("customers.acme".to_owned(), "sha256:…".to_owned())]),
        taken: TAKEN.parse().expect("a point in time"),
    }
}

fn object(parts: &[(&'static str, &str)], id: &str, fields: Vec<(&'static str, Value)>) -> Observed {
    Observed {
        identity: Identity { parts: parts.iter().map(|(part, value)| (*part, (*value).into())).collect() },
        id: id.into(),
        version: None,
        fields: fields.into_iter().collect(),
        attributes: Fields::default(),
        condition: Condition::Ready,
    }
}

fn map(entries: &[(&str, Value)]) -> Value {
    Value::Map(Box::new(entries.iter().map(|(key, value)| ((*key).into(), value.clone())).collect()))
}

fn text(text: &str) -> Value {
    Value::text(text)
}

fn secret(value: &str) -> Value {
    Sensitive::wrap(text(value))
}

/// One target with these objects.
fn holding(provider: &'static str, api: &'static str, sections: Vec<(&'static str, Vec<Observed>)>) -> Snapshot {
    let facts = Facts { provider, url: "https://it.example".into(), api, read_only: None };
    let collections = sections.into_iter().map(|(section, objects)| (section, Collection::new(objects, false)));
    Snapshot {
        targets: [("it".into(), facts)].into(),
        collections: [("it".into(), collections.collect())].into(),
        ..Snapshot::default()
    }
}

fn redacted(snapshot: &Snapshot, variables: &[Value]) -> Snapshot {
    redact(snapshot, &Desired::default(), &providers::registry(), variables)
}

fn written(snapshot: &Snapshot) -> String {
    serde_json::to_string_pretty(&Document::new(about(), snapshot)).expect("plain data")
}

fn read_back(text: &str) -> Snapshot {
    read(text.as_bytes(), &providers::registry()).unwrap_or_else(|damaged| panic!("{damaged}: {text}")).snapshot
}

/// All there is to know of a snapshot.
fn told(snapshot: &Snapshot) -> String {
    let objects = |collection: &Collection| collection.iter().cloned().collect::<Vec<_>>();
    let sections = |(target, all): (_, &BTreeMap<&'static str, Collection>)| {
        (target, all.iter().map(|(section, collection)| (*section, objects(collection))).collect::<Vec<_>>())
    };
    format!(
        "{:#?} {:#?}",
        snapshot.targets,
        snapshot.collections.iter().map(|(name, all)| sections((name, all))).collect::<Vec<_>>()
    )
}

/// A foundation with a secret in each place for one.
fn foundation() -> Snapshot {
    let space = Value::Link(Box::new(Link { name: Some("acme/production".into()), id: Some("s-1".into()) }));
    let mark = Value::Fingerprint(Box::new(Fingerprint::of(&text("canary"), "salt").expect("known")));
    let at = |name: &'static str| [("space", "acme/production"), ("name", name)];
    let named = |name: &str, more: Vec<(&'static str, Value)>| {
        [vec![("space", space.clone()), ("name", text(name))], more].concat()
    };
    let mut told =
        object(&at("told"), "i-1", named("told", vec![("parameters", map(&[("password", text("canary"))]))]));
    told.condition =
        Condition::Failed { operation: Operation::Update, description: Some("no such user `canary-user`".into()) };
    told.attributes.set("dashboard_url", text("https://me:canary@dashboard.example"));
    let mut marked = object(&at("marked"), "i-2", named("marked", vec![("parameters", mark)]));
    marked.condition = Condition::InProgress { operation: Operation::Create, description: Some("half done".into()) };
    marked.attributes.set("job", text("canary-job"));
    let credentials = map(&[("user", secret("canary-user")), ("password", secret("canary-password"))]);
    let mail = object(
        &at("mail"),
        "u-1",
        named(
            "mail",
            vec![
                ("credentials", credentials),
                ("syslog_drain_url", text("syslog://logs.example/?token=canary-password")),
                ("route_service_url", text("")),
                ("tags", Value::List(vec![text("acme"), text("of canary-user")])),
                ("annotations", map(&[("dbPassword", text("canary")), ("owner", text("acme")), ("$odd", text("x"))])),
            ],
        ),
    );
    let mut key = object(&[("service_instance", "acme/production/told"), ("name", "ci")], "k-1", vec![]);
    key.attributes.set("credentials", Sensitive::wrap(map(&[("password", text("canary-key"))])));
    key.attributes.set("guid", text("k-1"));
    holding(
        "cloudfoundry",
        "v3",
        vec![
            ("service_instances", vec![told, marked]),
            ("user_provided_service_instances", vec![mail, object(&at("unasked"), "u-2", named("unasked", vec![]))]),
            ("service_keys", vec![key]),
            ("spaces", vec![]),
        ],
    )
}

#[test]
fn what_is_secret_is_left_out_wherever_it_stands() {
    let text = written(&redacted(&foundation(), &[secret("canary-variable")]));
    assert!(!text.contains("canary"), "{text}");
    insta::assert_snapshot!("redacted", text);
}

#[test]
fn a_known_secret_is_found_in_what_is_no_secret_by_itself() {
    let instance = |metadata: Value| {
        object(&[("slug", "a")], "1", vec![("name", text("hunter2 the name")), ("metadata", metadata)])
    };
    let metadata = map(&[
        ("exact", text("hunter2")),
        ("inside", text("it is hunter2!")),
        ("number", Value::Number(471_100.into())),
        ("list", Value::List(vec![map(&[("deep", text("hunter2"))])])),
        ("keys", map(&[("hunter2", Value::Bool(true))])),
        ("short", text("abc")),
        ("plain", text("hunter")),
    ]);
    let snapshot = holding("kaiten", "core", vec![("instances", vec![instance(metadata)])]);
    let variables = [secret("hunter2"), Sensitive::wrap(Value::Number(471_100.into())), secret("abc")];
    let redacted = redacted(&snapshot, &variables);
    let object = redacted.collection("it", "instances").and_then(|all| all.with_id("1")).expect("it stays");
    assert_eq!(object.fields.text("name"), Some("hunter2 the name"), "what it is called by is not hidden");
    let metadata = object.fields.get("metadata").and_then(Value::as_map).expect("a mapping");
    let hidden: Vec<&str> =
        metadata.iter().filter(|(_, value)| **value == Value::Redacted).map(|(key, _)| &**key).collect();
    // What is as short as a word of many is not looked for.
    assert_eq!(hidden, ["exact", "inside", "number", "list", "keys"]);
}

#[test]
fn what_is_nested_too_deep_to_be_read_again_is_left_out() {
    let deep = (0..300)
        .fold(text("x"), |value, at| if at % 2 == 0 { map(&[("$a", value)]) } else { Value::List(vec![value]) });
    let wide = map(&[("deep", deep), ("flat", text("y"))]);
    let snapshot =
        holding("kaiten", "core", vec![("instances", vec![object(&[("slug", "a")], "1", vec![("metadata", wide)])])]);
    let snapshot = redacted(&snapshot, &[]);
    assert_eq!(told(&read_back(&written(&snapshot))), told(&snapshot));
    let object = snapshot.collection("it", "instances").and_then(|all| all.with_id("1")).expect("it stays");
    assert!(object.fields.get("metadata").is_some_and(Value::has_redacted));
}

#[test]
fn a_snapshot_reads_back_as_it_was() {
    let snapshot = redacted(&foundation(), &[]);
    let read = read_back(&written(&snapshot));
    assert_eq!(told(&read), told(&snapshot));
    assert_eq!(read.taken, Some(TAKEN.parse().expect("a point in time")));
    let again = redacted(&snapshot, &[]);
    assert_eq!(written(&again), written(&snapshot), "what has been redacted stays as it is");
}

#[test]
fn names_that_this_version_does_not_know_are_left_out() {
    let mut json = serde_json::to_value(Document::new(about(), &redacted(&foundation(), &[]))).expect("plain data");
    let before = told(&read_back(&json.to_string()));
    json["targets"]["it"]["collections"]["new"] = json!([{ "identity": {}, "id": "1" }]);
    json["targets"]["it"]["collections"]["service_keys"][0]["fields"]["new"] = json!({ "$new": 1 });
    json["targets"]["new"] = json!({ "provider": "new", "url": "", "api": "", "collections": {} });
    assert_eq!(told(&read_back(&json.to_string())), before);
}

/// Every section, so that none has names of its own that would be lost.
fn sections(registry: &Registry) -> Vec<&'static crate::model::Section> {
    registry.sections().collect()
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        Just(Value::Redacted),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|number| Value::Number(number.into())),
        any::<f64>().prop_filter_map("JSON has no other", |it| serde_json::Number::from_f64(it).map(Value::Number)),
        ".{0,8}".prop_map(Value::text),
        (proptest::option::of(".{0,4}"), proptest::option::of(".{0,4}")).prop_map(|(name, id)| {
            Value::Link(Box::new(Link { name: name.map(Into::into), id: id.map(Into::into) }))
        }),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            prop::collection::vec(("[$a-c]{0,2}|\\$(map|link|redacted)", inner), 0..4).prop_map(|entries| {
                Value::Map(Box::new(entries.into_iter().map(|(key, value)| (key.into(), value)).collect::<Map>()))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_value_reads_back(value in values()) {
        let json = value::to_json(&value);
        let text = json.to_string();
        let json = serde_json::from_str(&text).expect("JSON");
        prop_assert_eq!(value::from_json(&json), Ok(value), "{}", text);
    }

    #[test]
    fn any_object_reads_back(
        at in any::<prop::sample::Index>(),
        values in prop::collection::vec(values(), 12),
        words in prop::collection::vec(".{0,6}", 4),
        condition in prop_oneof![
            Just(Condition::Ready),
            Just(Condition::Failed { operation: Operation::Create, description: Some("x".into()) }),
            Just(Condition::InProgress { operation: Operation::Delete, description: None }),
        ],
    ) {
        let registry = providers::registry();
        let sections = sections(&registry);
        let section = at.get(&sections);
        let parts = section.key.iter().zip(&words).map(|(part, word)| (part.name, word.as_str().into())).collect();
        let mut values = values.into_iter().cycle();
        let mut take = |names: Vec<&'static str>| -> Fields { names.into_iter().zip(&mut values).collect() };
        let object = Observed {
            identity: Identity { parts },
            id: words[3].as_str().into(),
            version: Some(words[2].as_str().into()).filter(|_| words[2].len() % 2 == 0),
            fields: take(section.fields.iter().map(|field| field.name).collect()),
            attributes: take(section.attributes.iter().map(|attribute| attribute.name).collect()),
            condition,
        };
        let api = if section.provider == "kaiten" { "core" } else { "v3" };
        let snapshot = holding(section.provider, api, vec![(section.name, vec![object])]);
        prop_assert_eq!(told(&read_back(&written(&snapshot))), told(&snapshot));
    }
}

#[test]
fn a_value_that_claims_a_form_it_has_not_is_refused() {
    for json in [
        json!({ "$redacted": false }),
        json!({ "$redacted": true, "a": 1 }),
        json!({ "$map": [] }),
        json!({ "$link": { "name": 1 } }),
        json!({ "$": 1 }),
        json!([{ "a": { "$later": 1 } }]),
    ] {
        assert!(value::from_json(&json).is_err(), "{json}");
    }
    let plain: IndexMap<_, _> = [("$a".into(), text("x"))].into();
    assert_eq!(value::from_json(&json!({ "$map": { "$a": "x" } })), Ok(Value::Map(Box::new(plain))));
}
