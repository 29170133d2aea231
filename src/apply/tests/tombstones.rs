//! Deletes: in order, once, and followed to their end.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::changes::{holding, put};
use super::{WIDE, log, outcome, run, run_until, weather};
use crate::apply::Resolution;
use crate::model::{Code, Condition, Desired, Operation, Value};
use crate::testing::{Declared, Weather, World, link, refers_to};

fn there(world: &World) -> Vec<String> {
    world.objects.lock().unwrap().keys().cloned().collect()
}

fn writes(world: &World) -> Vec<String> {
    log(world).into_iter().filter(|line| !line.starts_with("look") && line != "poll").collect()
}

/// `b` refers to `a`, and neither shall be.
fn both() -> Desired {
    Declared::new().thing("a", &[], &[]).thing("b", &[("peer", refers_to("a"))], &["a"]).absent(&["a", "b"]).desired
}

fn one() -> Desired {
    Declared::new().thing("a", &[], &[]).absent(&["a"]).desired
}

fn running(operation: Operation) -> Condition {
    Condition::InProgress { operation, description: None }
}

#[tokio::test(start_paused = true)]
async fn what_depends_is_deleted_first_and_then_both_are_gone() {
    let world = holding(&[("a", &[]), ("b", &[("peer", link("a")), ("kind", Value::text("holder"))])]);
    assert!(run(&both(), &world).await.is_complete());
    assert_eq!(log(&world), ["delete b", "delete a"]);
    assert_eq!(there(&world), [""; 0]);
    let again = run(&both(), &world).await;
    assert!(again.outcomes.iter().all(|outcome| outcome.resolution == Resolution::Unchanged));
    assert_eq!(log(&world).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_delete_that_the_remote_works_on_is_followed_before_what_comes_after() {
    let world = holding(&[("a", &[]), ("b", &[("peer", link("a")), ("kind", Value::text("holder"))])]);
    weather(&world, "delete b", Weather::Slow(3));
    assert!(run(&both(), &world).await.is_complete());
    assert_eq!(writes(&world), ["delete b", "delete a"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_being_deleted_is_waited_for_and_not_created_anew() {
    let world = holding(&[("a", &[])]);
    put(&world, "a", running(Operation::Delete));
    assert!(run(&one(), &world).await.is_complete());
    assert_eq!((writes(&world), there(&world)), (vec![], vec![]));
}

#[tokio::test(start_paused = true)]
async fn what_the_remote_is_at_work_on_is_deleted_once_that_has_ended() {
    for operation in [Operation::Create, Operation::Update] {
        let world = holding(&[("a", &[])]);
        put(&world, "a", running(operation));
        assert!(run(&one(), &world).await.is_complete());
        assert_eq!(log(&world), ["poll", "delete a"]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_failed_create_has_left_is_deleted_too() {
    let world = holding(&[("a", &[])]);
    put(&world, "a", Condition::Failed { operation: Operation::Create, description: None });
    assert!(run(&one(), &world).await.is_complete());
    assert_eq!((writes(&world), there(&world)), (vec!["delete a".to_owned()], vec![]));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_deleted_after_a_signal_that_had_to_wait_first() {
    let world = holding(&[("a", &[])]);
    put(&world, "a", running(Operation::Update));
    world.a_poll_takes.store(3000, std::sync::atomic::Ordering::SeqCst);
    let (ledger, _) = run_until(&one(), &world, WIDE, Some(Duration::from_secs(1))).await;
    assert_eq!(outcome(&ledger, "a"), (Resolution::Waiting, None, vec![Code::StillRunning]));
    assert_eq!((writes(&world), there(&world)), (vec![], vec!["a".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn a_delete_that_fails_keeps_what_it_needs_and_can_be_tried_again() {
    for (mood, at_once) in [(Weather::Refused, true), (Weather::FailsLater, false), (Weather::Fails, false)] {
        let world = holding(&[("a", &[]), ("b", &[("peer", link("a")), ("kind", Value::text("holder"))])]);
        weather(&world, "delete b", mood);
        let ledger = run(&both(), &world).await;
        let code = if at_once { Code::Refused } else { Code::OperationFailed };
        assert_eq!(outcome(&ledger, "b"), (Resolution::Failed, None, vec![code]), "{mood:?}");
        assert_eq!(outcome(&ledger, "a"), (Resolution::Skipped, Some("things.b".to_owned()), vec![]));
        assert!(run(&both(), &world).await.is_complete(), "{mood:?}");
        assert_eq!(there(&world), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_delete_whose_answer_is_lost_is_looked_at_and_not_sent_again() {
    let world = holding(&[("a", &[])]);
    weather(&world, "delete a", Weather::LostAfter);
    assert!(run(&one(), &world).await.is_complete());
    assert_eq!(writes(&world), ["delete a"]);
    let world = holding(&[("a", &[])]);
    weather(&world, "delete a", Weather::LostBefore);
    let ledger = run(&one(), &world).await;
    assert_eq!(outcome(&ledger, "a"), (Resolution::Unknown, None, vec![Code::UncertainWrite]));
    assert_eq!(writes(&world), ["delete a"]);
}

/// Things that hold each other, the greater number the lesser, and which of them shall be gone.
type Held = Vec<(Option<usize>, bool)>;

fn key(at: usize) -> String {
    format!("t{at:02}")
}

/// What is declared of the held: those that shall be are not declared, or let go of their peer.
fn of_held(held: &Held, declared: bool) -> (Desired, Arc<World>) {
    let world = holding(&[]);
    let mut wish = Declared::new();
    let mut absent = Vec::new();
    for (at, (peer, goes)) in held.iter().enumerate() {
        let peer = peer.map(key);
        let mut fields = vec![("kind", Value::text("holder"))];
        fields.extend(peer.as_ref().map(|peer| ("peer", link(peer))));
        let object = crate::testing::object(&key(at), fields.into_iter().collect());
        world.objects.lock().unwrap().insert(key(at), object);
        if *goes {
            wish = wish.thing(&key(at), &[], &[]);
            absent.push(key(at));
        } else if declared {
            wish = wish.thing(&key(at), &[("peer", Value::Null)], &[]);
        }
    }
    let absent: Vec<&str> = absent.iter().map(String::as_str).collect();
    (wish.absent(&absent).desired, world)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_delete_comes_before_that_of_what_refers_to_it(
        held in prop::collection::vec((any::<Option<prop::sample::Index>>(), any::<bool>()), 1..12),
        declared in any::<bool>(),
    ) {
        let held: Held = held
            .iter()
            .enumerate()
            .map(|(at, (peer, goes))| (peer.filter(|_| at > 0).map(|peer| peer.index(at)), *goes))
            .collect();
        let (desired, world) = of_held(&held, declared);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let ledger = runtime.block_on(run(&desired, &world));
        // The remote refuses what is held: nothing is sent that it does not take.
        for outcome in &ledger.outcomes {
            prop_assert!(
                matches!(outcome.resolution, Resolution::Done | Resolution::Unchanged | Resolution::Blocked | Resolution::Skipped),
                "{} {:?}",
                outcome.address,
                outcome.resolution
            );
        }
        if declared {
            prop_assert!(ledger.is_complete());
            let left: Vec<String> = (0..held.len()).filter(|at| !held[*at].1).map(key).collect();
            prop_assert_eq!(there(&world), left);
        }
    }
}
