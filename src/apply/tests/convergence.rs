//! What was written is read again.

use std::sync::Arc;

use super::{WIDE, log, plain, run_until};
use crate::apply::{Ledger, Resolution, converge};
use crate::model::{Code, Condition, Desired, Observed, Operation, Value};
use crate::testing::{Declared, World, registry, sessions};

/// Applies, lets something happen to the remote, and reads again.
async fn after(desired: &Desired, world: &Arc<World>, meanwhile: impl FnOnce(&World)) -> (Ledger, Vec<String>) {
    let (mut ledger, _) = run_until(desired, world, WIDE, None).await;
    assert!(ledger.is_complete() && ledger.converged.is_none());
    meanwhile(world);
    let told = converge(&mut ledger, desired, &registry(), &sessions(world)).await;
    assert!(told.iter().all(|it| it.code == Code::NotConverged && it.address.is_some() && !it.labels.is_empty()));
    assert_eq!(ledger.is_complete(), told.is_empty());
    (ledger, told.into_iter().map(|it| it.message).collect())
}

fn edit(world: &World, slug: &str, change: impl FnOnce(&mut Observed)) {
    change(world.objects.lock().unwrap().get_mut(slug).expect("there"));
}

#[tokio::test(start_paused = true)]
async fn what_is_as_declared_has_converged() {
    let (ledger, told) = after(&plain(&["a", "b"]), &Arc::new(World::able()), |_| {}).await;
    assert_eq!((ledger.converged, told), (Some(true), Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn each_way_not_to_be_as_declared_is_named() {
    let theirs = |world: &World| {
        edit(world, "a", |it| it.fields.set("name", Value::text("theirs")));
        world.objects.lock().unwrap().remove("b");
        let condition = Condition::InProgress { operation: Operation::Update, description: None };
        edit(world, "c", |it| it.condition = condition);
        let condition = Condition::Failed { operation: Operation::Create, description: None };
        edit(world, "d", |it| it.condition = condition);
    };
    let (ledger, told) = after(&plain(&["a", "b", "c", "d", "e"]), &Arc::new(World::able()), theirs).await;
    assert_eq!(ledger.converged, Some(false));
    let expected = [
        "the remote stored `name` of `things.a` as `\"theirs\"`",
        "`things.b` was written, and is not there when it is looked for again",
        "`things.c` was written, and the remote is at work on it again",
        "`things.d` was created, and has failed since",
    ];
    assert_eq!(told, expected);
    assert!(ledger.outcomes[4].diagnostics.is_empty());
    assert_eq!(ledger.count(Resolution::Done), 5);
}

#[tokio::test(start_paused = true)]
async fn what_was_not_written_is_not_read_again() {
    let world = Arc::new(World::able());
    let desired = plain(&["a"]);
    after(&desired, &world, |_| {}).await;
    // It is unchanged in this run, whatever becomes of it meanwhile.
    let (ledger, told) = after(&desired, &world, |world| world.objects.lock().unwrap().clear()).await;
    assert_eq!((ledger.converged, told), (None, Vec::new()));
    // And of what was, only that.
    let two = plain(&["a", "b"]);
    let world = Arc::new(World::able());
    after(&plain(&["a"]), &world, |_| {}).await;
    let theirs = |world: &World| edit(world, "a", |it| it.fields.set("name", Value::text("theirs")));
    let (ledger, told) = after(&two, &world, theirs).await;
    assert_eq!((ledger.converged, told), (Some(true), Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_again_is_not_to_be_sent_once_more() {
    let world = Arc::new(World::able());
    let desired = || Declared::new().thing("a", &[("input", Value::text("x"))], &[]);
    after(&desired().desired, &world, |_| {}).await;
    world.silent.store(true, std::sync::atomic::Ordering::SeqCst);
    let again = desired().lifecycle("a", |it| it.consent.resend = true).desired;
    let (ledger, told) = after(&again, &world, |_| {}).await;
    assert_eq!((ledger.converged, told), (Some(true), Vec::new()));
    assert_eq!(log(&world).last().map(String::as_str), Some("update a: input"));
}
