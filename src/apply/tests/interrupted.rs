//! Runs that end at any point, by a signal or by the end of the process, and the next run.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;

use super::{WIDE, log, outcome, run, run_until, weather};
use crate::apply::{Account, Event, Ledger, Resolution, apply};
use crate::model::{Code, Condition, Desired, Diagnostics, Operation, Value};
use crate::plan::{Action, plan};
use crate::testing::{Declared, Weather, World, clock, object, observed, refers_to, registry, sessions};

/// One to create, one to change, one to replace, one to recover, one that is being deleted, and one that needs them all.
fn everything() -> Desired {
    let name = |name: &str| [("name", Value::text(name))];
    let replaced = [("kind", Value::text("new"))];
    let all = ["changed", "created", "deleted", "recovered", "replaced"];
    Declared::new()
        .thing("created", &name("created"), &[])
        .thing("changed", &name("changed"), &[])
        .thing("deleted", &name("deleted"), &[])
        .thing("recovered", &name("recovered"), &[])
        .thing("replaced", &replaced, &[])
        .lifecycle("replaced", |lifecycle| lifecycle.consent.replace = true)
        .thing("last", &[("peer", refers_to("replaced"))], &all)
        .desired
}

fn world(answers_late: bool) -> Arc<World> {
    let world = World::able();
    world.answers_late.store(answers_late, Ordering::SeqCst);
    for slug in ["changed", "deleted", "recovered", "replaced"] {
        let mut object = object(slug, [("name", Value::text("as it was"))].into_iter().collect());
        object.condition = match slug {
            "deleted" => Condition::InProgress { operation: Operation::Delete, description: None },
            "recovered" => Condition::Failed { operation: Operation::Create, description: None },
            _ => Condition::Ready,
        };
        if slug == "replaced" {
            object.fields.set("kind", Value::text("old"));
        }
        world.objects.lock().unwrap().insert(slug.to_owned(), object);
    }
    for to in ["created", "update changed", "delete replaced", "delete recovered", "replaced"] {
        world.weather.lock().unwrap().insert(to.to_owned(), Weather::Slow(2));
    }
    Arc::new(world)
}

/// Applies until this moment, and then is no more. Whether it came to its end before, and what was known then.
async fn killed(desired: &Desired, world: &Arc<World>, after: Duration) -> (bool, Ledger) {
    let registry = registry();
    let snapshot = observed(world, desired).await;
    let plan = plan(desired, &snapshot, &registry, Diagnostics::default());
    assert!(!plan.errored(), "{:?}", plan.diagnostics);
    let (_sender, receiver) = watch::channel(None);
    let (sessions, clock) = (sessions(world), clock());
    let mut account = Account::new(&plan);
    let mut follow = |event: Event| account.follow(&event);
    let run = apply(&plan, desired, &snapshot, &registry, &sessions, WIDE, &clock, receiver, &mut follow);
    let ended = tokio::time::timeout(after, run).await.is_ok();
    (ended, account.cut_off(15))
}

/// How often each object was created, by slug.
fn creates(world: &World) -> Vec<(String, usize)> {
    let log = log(world);
    let created = |slug: &str| log.iter().filter(|line| **line == format!("create {slug}")).count();
    ["changed", "created", "deleted", "last", "recovered", "replaced"]
        .map(|slug| (slug.to_owned(), created(slug)))
        .into()
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_killed_at_any_moment_is_resumed_by_the_next() {
    let desired = everything();
    for answers_late in [false, true] {
        let mut moments = 0;
        for millis in (0..).step_by(7) {
            let world = world(answers_late);
            let (ended, _) = killed(&desired, &world, Duration::from_millis(millis)).await;
            let ledger = run(&desired, &world).await;
            assert!(ledger.is_complete(), "killed after {millis} ms: {ledger:?}");
            let again = run(&desired, &world).await;
            assert_eq!(again.count(Resolution::Unchanged), 6, "killed after {millis} ms: {:?}", log(&world));
            for (slug, times) in creates(&world) {
                let expected = usize::from(slug != "changed");
                // A create that was cut off before it had any effect is sent anew: there was nothing to be found.
                let most = if answers_late { expected } else { expected * 2 };
                assert!(
                    (expected..=most).contains(&times),
                    "killed after {millis} ms: {slug} {times}: {:?}",
                    log(&world)
                );
            }
            assert_eq!(world.objects.lock().unwrap().len(), 6);
            moments += 1;
            if ended {
                break;
            }
        }
        assert!(moments > 50, "{moments}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_told_of_a_run_that_is_cut_off_at_any_moment_is_true() {
    let desired = everything();
    for answers_late in [false, true] {
        let mut seen = std::collections::BTreeSet::new();
        for millis in (0..).step_by(7) {
            let world = world(answers_late);
            let before = world.objects.lock().unwrap().clone();
            let (ended, ledger) = killed(&desired, &world, Duration::from_millis(millis)).await;
            assert_eq!((ledger.outcomes.len(), ledger.signal), (6, Some(15)));
            for outcome in &ledger.outcomes {
                seen.insert(outcome.resolution);
                let key = &*outcome.address.key;
                let there = world.objects.lock().unwrap().get(key).cloned();
                let told = outcome.diagnostics.iter().map(|problem| problem.code).collect::<Vec<_>>();
                match outcome.resolution {
                    Resolution::Done => {
                        let ready = there.is_some_and(|object| object.condition == Condition::Ready);
                        assert!(ready && told.is_empty(), "cut off after {millis} ms: {outcome:?}");
                    }
                    Resolution::NotStarted => {
                        let same = there.map(|object| object.fields) == before.get(key).map(|it| it.fields.clone());
                        assert!(same && told.is_empty(), "cut off after {millis} ms: {outcome:?}");
                    }
                    Resolution::Unknown => {
                        assert_eq!(told, [Code::UncertainWrite]);
                        let help = outcome.diagnostics[0].help.as_deref();
                        let looks = format!("run `trueup plan`: it looks for the thing with slug {key}");
                        assert_eq!(help, Some(&*looks));
                    }
                    // It has been answered: the remote is at work on it, or is done with what was asked first.
                    Resolution::Waiting => {
                        assert_eq!(told, [Code::StillRunning], "cut off after {millis} ms: {outcome:?}");
                        let gone = outcome.diagnostics[0].message.contains("is deleted and not created anew yet");
                        assert_eq!(there.is_none(), gone, "cut off after {millis} ms: {outcome:?}");
                        assert!(gone || outcome.id.is_some(), "cut off after {millis} ms: {outcome:?}");
                    }
                    _ => panic!("cut off after {millis} ms: {outcome:?}"),
                }
            }
            if ended {
                assert!(ledger.outcomes.iter().all(|outcome| outcome.resolution == Resolution::Done), "{ledger:?}");
                break;
            }
        }
        assert_eq!(
            seen.into_iter().collect::<Vec<_>>(),
            [Resolution::Done, Resolution::NotStarted, Resolution::Unknown, Resolution::Waiting]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_interrupted_at_any_moment_has_a_true_ledger() {
    let desired = everything();
    for millis in (0..6000).step_by(41) {
        let world = world(true);
        let (ledger, _) = run_until(&desired, &world, WIDE, Some(Duration::from_millis(millis))).await;
        for outcome in &ledger.outcomes {
            let there = world.objects.lock().unwrap().get(&*outcome.address.key).cloned();
            let ready = there.as_ref().is_some_and(|object| object.condition == Condition::Ready);
            match outcome.resolution {
                Resolution::Done => assert!(ready, "interrupted after {millis} ms: {outcome:?}"),
                Resolution::NotStarted | Resolution::Skipped | Resolution::Waiting => {}
                _ => panic!("interrupted after {millis} ms: {outcome:?}"),
            }
        }
        assert!(run(&desired, &world).await.is_complete(), "interrupted after {millis} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_deleted_when_a_signal_comes_is_created_all_the_same() {
    let world = World::able();
    let fields = [("kind", Value::text("old"))].into_iter().collect();
    world.objects.lock().unwrap().insert("a".to_owned(), object("a", fields));
    let world = Arc::new(world);
    let desired = Declared::new()
        .thing("a", &[("kind", Value::text("new"))], &[])
        .lifecycle("a", |lifecycle| lifecycle.consent.replace = true)
        .desired;
    let (ledger, _) = run_until(&desired, &world, WIDE, Some(Duration::from_millis(5))).await;
    assert_eq!(outcome(&ledger, "a"), (Resolution::Done, None, vec![]));
    assert_eq!(log(&world), ["delete a", "create a"]);
}

/// After a signal there is a grace for the create that a delete was made for, but not for ever.
#[tokio::test(start_paused = true)]
async fn what_is_deleted_and_cannot_be_created_in_the_time_of_grace_is_said_to_be_so() {
    let world = World::able();
    for (slug, field) in [("a", "kind"), ("b", "name")] {
        let fields = [(field, Value::text("old"))].into_iter().collect();
        world.objects.lock().unwrap().insert(slug.to_owned(), object(slug, fields));
    }
    let world = Arc::new(world);
    weather(&world, "delete a", Weather::Slow(0));
    weather(&world, "update b", Weather::Hangs);
    let desired = Declared::new()
        .thing("a", &[("kind", Value::text("new"))], &[])
        .lifecycle("a", |lifecycle| lifecycle.consent.replace = true)
        .thing("b", &[("name", Value::text("new"))], &[])
        .desired;
    let narrow = crate::apply::Options { parallelism: 1, fail_fast: false };
    let begun = tokio::time::Instant::now();
    let (ledger, _) = run_until(&desired, &world, narrow, Some(Duration::from_secs(2))).await;
    assert!((Duration::from_secs(5)..Duration::from_secs(7)).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    assert_eq!(log(&world), ["delete a", "update b: name", "poll"]);
    assert_eq!(outcome(&ledger, "a"), (Resolution::Waiting, None, vec![Code::StillRunning]));
    let diagnostic = &ledger.outcomes[0].diagnostics[0];
    assert_eq!(diagnostic.message, "`things.a` is deleted and not created anew yet: the run was interrupted");
    assert_eq!(outcome(&ledger, "b"), (Resolution::Unknown, None, vec![Code::UncertainWrite]));
    let next = run(&desired, &world).await;
    assert!(next.is_complete());
    assert_eq!((next.outcomes[0].action, next.outcomes[1].action), (Action::Create, Action::Update));
}

#[tokio::test(start_paused = true)]
async fn a_signal_during_each_kind_of_write_says_what_is_not_known() {
    for (to, done, kind) in [("update a", "changed", "old"), ("delete a", "deleted", "new")] {
        let world = World::able();
        let fields = [("kind", Value::text("old"))].into_iter().collect();
        world.objects.lock().unwrap().insert("a".to_owned(), object("a", fields));
        let world = Arc::new(world);
        weather(&world, to, Weather::Hangs);
        let desired = Declared::new()
            .thing("a", &[("kind", Value::text(kind)), ("name", Value::text("A"))], &[])
            .lifecycle("a", |lifecycle| lifecycle.consent.replace = true)
            .desired;
        let (ledger, _) = run_until(&desired, &world, WIDE, Some(Duration::from_secs(1))).await;
        assert_eq!(outcome(&ledger, "a"), (Resolution::Unknown, None, vec![Code::UncertainWrite]));
        let message = &ledger.outcomes[0].diagnostics[0].message;
        assert_eq!(*message, format!("interrupted while `things.a` was being {done}"));
    }
}
