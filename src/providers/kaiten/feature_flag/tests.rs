use std::collections::BTreeMap;

use serde_json::json;

use super::super::change::tests::update;
use super::super::emulated::{World, named};
use super::*;
use crate::diff::diff;
use crate::model::{Fields, Value};

fn flag(more: &serde_json::Value) -> Fields {
    let mut flag = json!({
        "name": "New checkout",
        "type": "boolean",
        "variants": [{"name": "on", "value": true}, {"name": "off", "value": false, "description": "As it was"}],
        "default_variant": {"type": "basic", "value": "off"},
    });
    flag.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let told = |field: &Field| Some((field.name, Value::from_json(flag.get(field.name)?)));
    SECTION.fields.iter().filter_map(told).collect()
}

fn differences(declared: &Fields, observed: &Observed) -> Vec<String> {
    diff(&SECTION, declared, &observed.fields, &[]).iter().map(|it| it.path.to_string()).collect()
}

#[tokio::test]
async fn what_is_left_out_has_its_default_and_is_no_difference() {
    let world = World::empty().await;
    let declared = flag(&json!({}));
    let created = world.create("feature_flags", "checkout", &declared).await;
    assert_eq!(differences(&declared, &created), [""; 0]);
    for (name, value) in [
        ("description", json!(null)),
        ("enabled", json!(true)),
        ("targetings", json!([])),
        ("metadata", json!({})),
        ("event_name", json!("")),
    ] {
        assert_eq!(created.fields.get(name), Some(&Value::from_json(&value)), "{name}");
    }
    let listed = world.observe("feature_flags", &BTreeMap::new()).await;
    assert_eq!(listed.named("checkout", false).next().map(|flag| &flag.fields), Some(&created.fields));
}

#[tokio::test]
async fn dates_are_compared_as_instants_wherever_they_stand() {
    let world = World::empty().await;
    let step = |date: &str| json!({"variant": "on", "percentage": 5, "date": date});
    let rollout = |start: &str, end: &str| {
        let rollout = json!({"type": "rollout_date", "start": step(start), "end": step(end)});
        let mut targeting = rollout.clone();
        targeting
            .as_object_mut()
            .unwrap()
            .extend([("name".to_owned(), json!("All")), ("rule".to_owned(), json!("true"))]);
        flag(&json!({"default_variant": rollout, "targetings": [targeting]}))
    };
    let declared = rollout("2026-10-01T02:00:00+02:00", "2026-11-01T00:00:00.1234Z");
    let created = world.create("feature_flags", "checkout", &declared).await;
    assert_eq!(differences(&declared, &created), [""; 0]);
    assert_eq!(differences(&rollout("2026-10-01T00:00:00Z", "2026-11-01T00:00:00.123Z"), &created), [""; 0]);
    let later = rollout("2026-10-01T00:00:00Z", "2026-12-01T00:00:00Z");
    assert_eq!(differences(&later, &created), ["default_variant.end.date", "targetings"]);
    let changed = update(&world.kaiten, "feature_flags", "checkout", &created, &later).await.unwrap();
    assert_eq!(differences(&later, &changed), [""; 0]);
}

#[tokio::test]
async fn an_update_keeps_the_slug_and_what_is_not_declared() {
    let world = World::empty().await;
    let targetings = json!([{"type": "basic", "name": "Beta", "rule": "user.cohort == 'beta'", "variant": "on"}]);
    let declared = flag(&json!({"targetings": targetings, "metadata": {"team": "web"}, "event_name": "seen"}));
    let created = world.create("feature_flags", "checkout", &declared).await;
    let mut little = named("Old checkout");
    little.set("enabled", Value::Bool(false));
    let changed = update(&world.kaiten, "feature_flags", "checkout", &created, &little).await.unwrap();
    let found = world.look_up("feature_flags", "checkout").await.expect("it still has its slug");
    assert_eq!((&found.id, &found.fields), (&created.id, &changed.fields));
    assert_eq!(differences(&declared, &found), ["name"]);
    assert_eq!(found.fields.get("enabled"), Some(&Value::Bool(false)));
}

#[tokio::test]
async fn another_way_to_serve_takes_the_place_of_the_one_before() {
    let world = World::empty().await;
    let declared = flag(&json!({}));
    let created = world.create("feature_flags", "checkout", &declared).await;
    let split = json!({"type": "rollout_percentage", "distribution": {"on": 20, "off": 80}});
    let declared = flag(&json!({"default_variant": split}));
    let changed = update(&world.kaiten, "feature_flags", "checkout", &created, &declared).await.unwrap();
    assert_eq!(changed.fields.get("default_variant"), Some(&Value::from_json(&split)), "nothing of `basic` is left");
}

#[tokio::test]
async fn the_order_of_variants_and_of_targetings_matters() {
    let world = World::empty().await;
    let rule = |name: &str| json!({"type": "basic", "name": name, "rule": "true", "variant": "on"});
    let declared = flag(&json!({"targetings": [rule("a"), rule("b")]}));
    let created = world.create("feature_flags", "checkout", &declared).await;
    let turned = flag(&json!({"targetings": [rule("b"), rule("a")]}));
    assert_eq!(differences(&turned, &created), ["targetings"]);
    let changed = update(&world.kaiten, "feature_flags", "checkout", &created, &turned).await.unwrap();
    assert_eq!(differences(&turned, &changed), [""; 0]);
}

#[tokio::test]
async fn what_the_server_refuses_is_told_where_it_stands() {
    let world = World::empty().await;
    let rule =
        json!([{"type": "basic", "name": "a", "rule": "__kaiten.entitlements['seats'].used > 1.0", "variant": "on"}]);
    for (more, path) in [
        (json!({"targetings": rule}), "targetings[0].rule"),
        (json!({"default_variant": {"type": "basic", "value": "maybe"}}), "default_variant"),
        (json!({"type": "number"}), "variants[0].value"),
    ] {
        let error = world.try_create("feature_flags", "checkout", &flag(&more)).await.unwrap_err();
        assert_eq!(error.fields.iter().map(|field| field.path.to_string()).collect::<Vec<_>>(), [path]);
    }
}
