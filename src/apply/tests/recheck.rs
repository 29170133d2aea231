//! What somebody else does between the plan and the apply.

use std::sync::Arc;

use super::{WIDE, outcome, run_after};
use crate::apply::{Ledger, Resolution};
use crate::model::{Code, Condition, Desired, Fields, Observed, Operation, Sensitive, Value};
use crate::testing::{Declared, World, map, object, part_of};

const NOTHING: &[Code] = &[];

fn text(text: &str) -> Value {
    Value::text(text)
}

fn world(objects: &[(&str, &[(&'static str, Value)])]) -> Arc<World> {
    let world = World::able();
    for (slug, fields) in objects {
        world.objects.lock().unwrap().insert((*slug).to_owned(), object(slug, fields.iter().cloned().collect()));
    }
    Arc::new(world)
}

fn edit(world: &World, slug: &str, change: impl FnOnce(&mut Observed)) {
    change(world.objects.lock().unwrap().get_mut(slug).expect("there"));
}

/// `a` is to be renamed, and `b` needs it.
fn wish() -> Desired {
    Declared::new().thing("a", &[("name", text("A"))], &[]).thing("b", &[("name", text("B"))], &["a"]).desired
}

fn old() -> Arc<World> {
    world(&[("a", &[("name", text("old")), ("kind", text("x"))])])
}

/// What is told of `a`: the message, the labels.
fn told(ledger: &Ledger) -> Vec<String> {
    let outcome = ledger.outcomes.iter().find(|it| *it.address.key == *"a").expect("in the ledger");
    let texts = outcome.diagnostics.iter().flat_map(|it| {
        assert!(it.help.is_some(), "{it:?}");
        std::iter::once(it.message.clone()).chain(it.labels.iter().map(|label| label.message.clone()))
    });
    texts.collect()
}

async fn after(desired: &Desired, world: &Arc<World>, meanwhile: impl FnOnce(&World)) -> Ledger {
    run_after(desired, world, WIDE, None, meanwhile).await.0
}

fn writes(world: &World) -> Vec<String> {
    let log = world.log.lock().unwrap();
    log.iter().filter(|line| !line.starts_with("look up")).cloned().collect()
}

#[tokio::test(start_paused = true)]
async fn what_was_changed_meanwhile_is_left_alone_and_what_needs_it_is_skipped() {
    let world = old();
    let ledger = after(&wish(), &world, |world| edit(world, "a", |it| it.fields.set("name", text("theirs")))).await;
    assert_eq!(outcome(&ledger, "a"), (Resolution::Failed, None, vec![Code::Moved]));
    assert_eq!(outcome(&ledger, "b").0, Resolution::Skipped);
    let expected = ["`things.a` was changed, after the plan was made", "`name` was `\"old\"` and is `\"theirs\"`"];
    assert_eq!(told(&ledger), expected);
    assert_eq!(writes(&world), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_was_changed_meanwhile_is_not_told() {
    let world = world(&[("a", &[("notes", map(&[("password", text("hunter2-old"))]))])]);
    let notes = map(&[("password", Sensitive::wrap(text("hunter2-new")))]);
    let desired = Declared::new().thing("a", &[("notes", notes)], &[]).desired;
    let theirs = |world: &World| {
        edit(world, "a", |it| it.fields.set("notes", map(&[("password", text("hunter2-theirs"))])));
    };
    let ledger = after(&desired, &world, theirs).await;
    assert_eq!(told(&ledger)[1], "`notes.password` was a secret and is a secret");
    assert!(!format!("{ledger:?}").contains("hunter2"), "{ledger:?}");
}

#[tokio::test(start_paused = true)]
async fn what_the_step_is_not_about_may_change_and_is_kept() {
    let world = old();
    let theirs = |world: &World| {
        edit(world, "a", |it| {
            it.fields.set("tags", Value::List(vec![text("theirs")]));
            it.version = Some("2".into());
        });
    };
    let ledger = after(&wish(), &world, theirs).await;
    assert_eq!(outcome(&ledger, "a").0, Resolution::Done);
    let objects = world.objects.lock().unwrap();
    assert_eq!(objects["a"].fields.get("tags"), Some(&Value::List(vec![text("theirs")])));
}

#[tokio::test(start_paused = true)]
async fn what_somebody_did_already_is_not_done_again() {
    let world = old();
    let ledger = after(&wish(), &world, |world| edit(world, "a", |it| it.fields.set("name", text("A")))).await;
    assert_eq!((outcome(&ledger, "a").0, outcome(&ledger, "b").0), (Resolution::Done, Resolution::Done));
    assert_eq!(writes(&world), ["create b"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_or_another_is_left_alone() {
    let world = old();
    let ledger = after(&wish(), &world, |world| world.objects.lock().unwrap().clear()).await;
    assert_eq!(told(&ledger)[0], "`things.a` was deleted after the plan was made");
    assert_eq!(writes(&world), [""; 0]);
    let world = old();
    let ledger = after(&wish(), &world, |world| edit(world, "a", |it| it.id = "other".into())).await;
    assert_eq!(told(&ledger), ["another object has the name of `things.a` by now", "its id is `other`"]);
    assert_eq!(writes(&world), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_the_remote_is_at_work_on_is_left_alone() {
    let world = old();
    let busy = |world: &World| {
        let condition = Condition::InProgress { operation: Operation::Update, description: None };
        edit(world, "a", |it| it.condition = condition);
    };
    let ledger = after(&wish(), &world, busy).await;
    assert_eq!(outcome(&ledger, "a").2, [Code::Moved]);
    assert_eq!(told(&ledger)[1], "its update began after the plan was made");
    assert_eq!(writes(&world), [""; 0]);
}

fn anew() -> Declared {
    let consent = |it: &mut crate::model::Lifecycle| {
        it.consent.replace = true;
        it.consent.cascade = true;
    };
    Declared::new().thing("a", &[("kind", text("new"))], &[]).lifecycle("a", consent)
}

#[tokio::test(start_paused = true)]
async fn what_is_to_be_deleted_is_as_it_was_in_everything() {
    let world = old();
    let theirs = |world: &World| {
        edit(world, "a", |it| {
            it.fields.set("name", text("theirs"));
            it.version = Some("2".into());
            it.attributes.set("updated_by", text("ada"));
        });
    };
    let ledger = after(&anew().desired, &world, theirs).await;
    let expected = ["`things.a` was changed by `ada` at 2, after the plan was made", "`name` is another"];
    assert_eq!(told(&ledger), expected);
    assert_eq!(writes(&world), [""; 0]);
    let world = old();
    let ledger = after(&anew().desired, &world, |world| edit(world, "a", |it| it.version = Some("2".into()))).await;
    assert_eq!(told(&ledger)[1], "what was changed of it cannot be seen");
    assert!(after(&anew().desired, &old(), |_| {}).await.is_complete());
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_already_need_not_be_deleted() {
    let world = old();
    let ledger = after(&anew().desired, &world, |world| world.objects.lock().unwrap().clear()).await;
    assert_eq!(outcome(&ledger, "a"), (Resolution::Done, None, NOTHING.to_vec()));
}

#[tokio::test(start_paused = true)]
async fn a_delete_takes_along_what_was_planned_only() {
    let put = |world: &World, key: &str| {
        world.parts.lock().unwrap().insert(format!("a/{key}"), part_of("a", key, Fields::default()));
    };
    let world = old();
    put(&world, "p");
    let ledger = after(&anew().desired, &world, |world| put(world, "q")).await;
    let expected =
        ["a delete of `things.a` would take along more than was planned", "it would take along the part `q` too"];
    assert_eq!(told(&ledger), expected);
    assert_eq!(writes(&world), [""; 0]);
    // What is gone from it meanwhile is no matter.
    let world = old();
    put(&world, "p");
    assert!(after(&anew().desired, &world, |world| world.parts.lock().unwrap().clear()).await.is_complete());
}

#[tokio::test(start_paused = true)]
async fn what_a_failed_create_left_and_somebody_repaired_is_not_cleared_away() {
    let world = old();
    let failed = Condition::Failed { operation: Operation::Create, description: None };
    edit(&world, "a", |it| it.condition = failed);
    let ledger = after(&wish(), &world, |world| edit(world, "a", |it| it.condition = Condition::Ready)).await;
    assert_eq!(outcome(&ledger, "a").2, [Code::Moved]);
    assert_eq!(writes(&world), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn one_is_looked_at_by_itself_and_many_by_their_list() {
    let keys: Vec<String> = (0..40).map(|at| format!("t{at:02}")).collect();
    let declared = |count: usize| {
        keys[..count].iter().fold(Declared::new(), |it, key| it.thing(key, &[("name", text("new"))], &[])).desired
    };
    let fields: &[_] = &[("name", text("old"))];
    let objects: Vec<_> = keys.iter().map(|key| (key.as_str(), fields)).collect();
    let world_of = || world(&objects);
    let looks = |world: &World| world.log.lock().unwrap().iter().filter(|line| line.starts_with("look up")).count();
    let one = world_of();
    assert!(after(&declared(1), &one, |_| {}).await.is_complete());
    assert_eq!(looks(&one), 1);
    let many = world_of();
    let ledger =
        after(&declared(40), &many, |world| edit(world, "t07", |it| it.fields.set("name", text("theirs")))).await;
    assert_eq!(looks(&many), 0, "the list tells");
    assert_eq!((outcome(&ledger, "t07").2, ledger.count(Resolution::Done)), (vec![Code::Moved], 39));
}
