//! What may happen between a review and an apply, and what is made of it.

use std::sync::Arc;

use super::*;
use crate::model::{Condition, Diagnostics, Operation, Value};
use crate::plan::{declared, plan};
use crate::testing::{Declared, World, expression, object, observed, part_of, refers_to, registry};

type Fields<'a> = &'a [(&'static str, Value)];

fn name(text: &str) -> (&'static str, Value) {
    ("name", Value::text(text))
}

fn world(objects: &[(&str, Fields<'_>)]) -> Arc<World> {
    let world = World::able();
    for (slug, fields) in objects {
        put(&world, slug, fields);
    }
    Arc::new(world)
}

fn put(world: &World, slug: &str, fields: Fields<'_>) {
    world.objects.lock().unwrap().insert(slug.to_owned(), object(slug, fields.iter().cloned().collect()));
}

fn edit(world: &World, slug: &str, change: impl FnOnce(&mut crate::model::Observed)) {
    change(world.objects.lock().unwrap().get_mut(slug).expect("there"));
}

async fn planned(desired: &Desired, world: &Arc<World>) -> (Plan, Document) {
    let registry = registry();
    let mut plan = plan(desired, &observed(world, desired).await, &registry, Diagnostics::default());
    assert_eq!(plan.diagnostics, [], "the plan is sound");
    plan.terms.declared = declared(desired, &registry);
    let document = Document::new(&plan, &desired.sources);
    (plan, document)
}

/// What goes beyond the plan made before: the first line of each problem but the head, and all labels.
async fn told(desired: &Desired, world: &Arc<World>, reviewed: &Document) -> Vec<String> {
    let (plan, now) = planned(desired, world).await;
    texts(beyond(reviewed, &plan, &now, desired))
}

fn texts(found: Vec<Diagnostic>) -> Vec<String> {
    assert!(found.iter().all(|diagnostic| diagnostic.code == Code::StalePlan));
    let mut found = found.into_iter();
    let Some(head) = found.next() else { return Vec::new() };
    assert!(head.help.is_some() && head.labels.is_empty());
    let text = |diagnostic: Diagnostic| {
        let labels: Vec<String> = diagnostic.labels.into_iter().map(|label| label.message).collect();
        if labels.is_empty() { diagnostic.message } else { labels.join("; ") }
    };
    found.map(text).collect()
}

async fn changed_by(desired: &Desired, world: &Arc<World>, change: impl FnOnce(&World)) -> Vec<String> {
    let (_, reviewed) = planned(desired, world).await;
    change(world);
    told(desired, world, &reviewed).await
}

fn wish() -> Desired {
    Declared::new().thing("a", &[name("A"), ("kind", Value::text("x"))], &[]).desired
}

#[tokio::test]
async fn nothing_has_happened() {
    assert_eq!(changed_by(&wish(), &world(&[]), |_| {}).await, [""; 0]);
    assert_eq!(
        changed_by(&wish(), &world(&[("a", &[name("old"), ("kind", Value::text("x"))])]), |_| {}).await,
        [""; 0]
    );
}

#[tokio::test]
async fn what_is_done_already_is_less() {
    let done = |world: &World| put(world, "a", &[name("A"), ("kind", Value::text("x"))]);
    assert_eq!(changed_by(&wish(), &world(&[]), done).await, [""; 0]);
    let old = world(&[("a", &[name("old"), ("kind", Value::text("x"))])]);
    assert_eq!(changed_by(&wish(), &old, done).await, [""; 0]);
    // One of two values.
    let two = Declared::new().thing("a", &[name("A"), ("tags", Value::List(vec![Value::text("t")]))], &[]).desired;
    let old = world(&[("a", &[name("old")])]);
    assert_eq!(changed_by(&two, &old, |world| put(world, "a", &[name("A")])).await, [""; 0]);
}

#[tokio::test]
async fn what_somebody_made_meanwhile_is_no_create_any_more() {
    let made = |world: &World| put(world, "a", &[name("Other"), ("kind", Value::text("x"))]);
    assert_eq!(changed_by(&wish(), &world(&[]), made).await, ["reviewed: create; now: update"]);
}

#[tokio::test]
async fn what_somebody_changed_meanwhile_is_another_change() {
    let old = || world(&[("a", &[name("old"), ("kind", Value::text("x"))])]);
    let renamed = |world: &World| edit(world, "a", |it| it.fields.set("name", Value::text("older")));
    let told = changed_by(&wish(), &old(), renamed).await;
    assert_eq!(told, [r#"`name`: reviewed: "old" -> "A"; now: "older" -> "A""#]);
    // Of what is to be as it is.
    let as_declared = world(&[("a", &[name("A"), ("kind", Value::text("x"))])]);
    let told = changed_by(&wish(), &as_declared, renamed).await;
    assert_eq!(told, ["reviewed: unchanged; now: update"]);
    // A change more.
    let two = Declared::new().thing("a", &[name("A"), ("tags", Value::List(vec![Value::text("t")]))], &[]).desired;
    let there = world(&[("a", &[name("old"), ("tags", Value::List(vec![Value::text("t")]))])]);
    let untagged = |world: &World| edit(world, "a", |it| it.fields.set("tags", Value::List(Vec::new())));
    assert_eq!(changed_by(&two, &there, untagged).await, [r#"`tags`: reviewed: nothing; now: [] -> ["t"]"#]);
    // What the plan is not about.
    let noted = |world: &World| edit(world, "a", |it| it.version = Some("2".into()));
    assert_eq!(changed_by(&wish(), &old(), noted).await, [""; 0]);
}

#[tokio::test]
async fn what_is_gone_is_not_created() {
    let old = world(&[("a", &[name("old"), ("kind", Value::text("x"))])]);
    let gone = |world: &World| world.objects.lock().unwrap().clear();
    assert_eq!(changed_by(&wish(), &old, gone).await, ["reviewed: update; now: create"]);
    let old = world(&[("a", &[name("old"), ("kind", Value::text("x"))])]);
    let another = |world: &World| edit(world, "a", |it| it.id = "id-other".into());
    assert_eq!(
        changed_by(&wish(), &old, another).await,
        ["it is another object: reviewed with id `id-a`, now `id-other`"]
    );
}

fn anew() -> Declared {
    let consent = |it: &mut crate::model::Lifecycle| {
        it.consent.replace = true;
        it.consent.cascade = true;
    };
    Declared::new().thing("a", &[("kind", Value::text("new"))], &[]).lifecycle("a", consent)
}

fn of_another_kind() -> Arc<World> {
    world(&[("a", &[("kind", Value::text("old"))])])
}

#[tokio::test]
async fn a_replacement_is_of_what_was_reviewed_only() {
    assert_eq!(changed_by(&anew().desired, &of_another_kind(), |_| {}).await, [""; 0]);
    let touched = |world: &World| edit(world, "a", |it| it.version = Some("2".into()));
    assert_eq!(
        changed_by(&anew().desired, &of_another_kind(), touched).await,
        ["it would be deleted, and was changed after the plan was made, at 2"]
    );
}

#[tokio::test]
async fn a_replacement_takes_along_what_was_reviewed_only() {
    let anew = anew().part("a", "p", &[]).desired;
    let with_part = |world: &World, key: &str| {
        world.parts.lock().unwrap().insert(format!("a/{key}"), part_of("a", key, crate::model::Fields::default()));
    };
    let world = of_another_kind();
    with_part(&world, "p");
    let told = changed_by(&anew, &world, |world| with_part(world, "q")).await;
    assert_eq!(told, ["its delete would now take along the part `q` too"]);
}

#[tokio::test]
async fn half_a_replacement_is_less() {
    let gone = |world: &World| world.objects.lock().unwrap().clear();
    assert_eq!(changed_by(&anew().desired, &of_another_kind(), gone).await, [""; 0]);
    let going = |world: &World| {
        edit(world, "a", |it| {
            it.condition = Condition::InProgress { operation: Operation::Delete, description: None };
        });
    };
    assert_eq!(changed_by(&anew().desired, &of_another_kind(), going).await, [""; 0]);
}

#[tokio::test]
async fn what_is_being_done_is_waited_for() {
    let under_way = |operation| {
        move |world: &World| {
            put(world, "a", &[name("A"), ("kind", Value::text("x"))]);
            edit(world, "a", |it| it.condition = Condition::InProgress { operation, description: None });
        }
    };
    assert_eq!(changed_by(&wish(), &world(&[]), under_way(Operation::Create)).await, [""; 0]);
    let old = || world(&[("a", &[name("old"), ("kind", Value::text("x"))])]);
    assert_eq!(changed_by(&wish(), &old(), under_way(Operation::Update)).await, [""; 0]);
    assert_eq!(changed_by(&wish(), &old(), under_way(Operation::Delete)).await, ["reviewed: update; now: wait"]);
    let as_declared = world(&[("a", &[name("A"), ("kind", Value::text("x"))])]);
    let told = changed_by(&wish(), &as_declared, under_way(Operation::Update)).await;
    assert_eq!(told, ["reviewed: unchanged; now: wait"], "somebody else is at work on it");
}

#[tokio::test]
async fn what_a_failed_create_left_is_not_cleared_without_a_review() {
    let failed = |world: &World| {
        put(world, "a", &[]);
        edit(world, "a", |it| it.condition = Condition::Failed { operation: Operation::Create, description: None });
    };
    assert_eq!(changed_by(&wish(), &world(&[]), failed).await, ["reviewed: create; now: recover"]);
}

#[tokio::test]
async fn what_becomes_blocked_is_no_less() {
    let immutable = |world: &World| edit(world, "a", |it| it.fields.set("kind", Value::text("y")));
    let old = world(&[("a", &[name("old"), ("kind", Value::text("x"))])]);
    let told = changed_by(&wish(), &old, immutable).await;
    assert!(told[0].starts_with("reviewed: update; now: blocked, because `kind` cannot be changed"), "{told:?}");
}

#[tokio::test]
async fn what_was_to_be_known_after_apply_may_be_known_by_now() {
    let desired = Declared::new()
        .thing("a", &[("input", expression("b", "id")), ("peer", refers_to("b"))], &["b"])
        .thing("b", &[name("B")], &[])
        .desired;
    assert_eq!(changed_by(&desired, &world(&[]), |world| put(world, "b", &[name("B")])).await, [""; 0]);
}

#[tokio::test]
async fn another_declaration_is_told_without_the_remote() {
    let before = Declared::new().thing("a", &[name("A")], &[]).thing("b", &[], &[]).desired;
    let after = Declared::new().thing("a", &[name("Ä")], &[]).thing("c", &[], &[]).desired;
    let (_, reviewed) = planned(&before, &world(&[])).await;
    let found = |desired: &Desired| texts(redeclared(&reviewed, &declared(desired, &registry()), desired));
    assert_eq!(found(&before), [""; 0]);
    assert_eq!(found(&after), ["changed since", "new since"]);
    assert_eq!(texts(undeclared(&reviewed, &before)), [""; 0]);
    assert_eq!(texts(undeclared(&reviewed, &after)), ["`things.b` is not declared any more"]);
}

#[tokio::test]
async fn another_target_is_told() {
    let (plan, now) = planned(&wish(), &world(&[])).await;
    let mut reviewed = now.clone();
    reviewed.targets.get_mut("test").expect("there").url = "https://other.example".to_owned();
    let found = texts(beyond(&reviewed, &plan, &now, &wish()));
    assert_eq!(
        found,
        [
            "target `test` is test deletes at https://test.example, and the plan was made for test deletes at https://other.example"
        ]
    );
}

#[test]
fn long_values_are_cut_and_secrets_are_not_told() {
    let change = ChangeDocument {
        path: "name".to_owned(),
        before: "x".repeat(99).into(),
        after: "A".into(),
        unknown: false,
        sensitive: false,
        redacted: false,
        unverifiable: false,
        unreadable: false,
        source: None,
        cause: None,
    };
    assert_eq!(told_of(&change), format!("\"{}… -> \"A\"", "x".repeat(59)));
    assert_eq!(told_of(&ChangeDocument { sensitive: true, ..change }), "another secret");
}

fn told_of(change: &ChangeDocument) -> String {
    super::told(change)
}
