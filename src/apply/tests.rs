//! The executor against a remote that misbehaves on demand.

mod changes;
mod convergence;
mod interrupted;
mod parts;
mod recheck;
mod tombstones;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;

use super::{Event, Ledger, Options, Resolution, apply};
use crate::model::{Code, Condition, Desired, Diagnostics, OnExists, Operation, Path, Spanned, Value};
use crate::plan::{Action, plan};
use crate::testing::{
    Declared, Weather, World, address, clock, expression, object, observed, refers_to, registry, sessions,
};

const WIDE: Options = Options { parallelism: 8, fail_fast: false };

async fn run_until(
    desired: &Desired,
    world: &Arc<World>,
    options: Options,
    signal_after: Option<Duration>,
) -> (Ledger, Vec<Event>) {
    run_after(desired, world, options, signal_after, |_| {}).await
}

/// The same with something that happens to the remote between the plan and the apply.
async fn run_after(
    desired: &Desired,
    world: &Arc<World>,
    options: Options,
    signal_after: Option<Duration>,
    meanwhile: impl FnOnce(&World),
) -> (Ledger, Vec<Event>) {
    let registry = registry();
    let snapshot = observed(world, desired).await;
    let plan = plan(desired, &snapshot, &registry, Diagnostics::default());
    assert!(!plan.errored(), "the plan is sound: {:?}", plan.diagnostics);
    meanwhile(world);
    let (sender, receiver) = watch::channel(None);
    tokio::spawn(async move {
        match signal_after {
            Some(delay) => {
                tokio::time::sleep(delay).await;
                sender.send(Some(2)).expect("somebody listens");
                sender.closed().await;
            }
            None => sender.closed().await,
        }
    });
    let mut events = Vec::new();
    let mut push = |event| events.push(event);
    let sessions = sessions(world);
    let ledger = apply(&plan, desired, &snapshot, &registry, &sessions, options, &clock(), receiver, &mut push).await;
    assert_eq!(ledger.outcomes.len(), plan.steps.len(), "the ledger adds up to the plan");
    (ledger, events)
}

async fn run(desired: &Desired, world: &Arc<World>) -> Ledger {
    run_until(desired, world, WIDE, None).await.0
}

fn outcome(ledger: &Ledger, key: &str) -> (Resolution, Option<String>, Vec<Code>) {
    let outcome = ledger.outcomes.iter().find(|outcome| *outcome.address.key == *key).expect("in the ledger");
    let because = outcome.because.as_ref().map(ToString::to_string);
    (outcome.resolution, because, outcome.diagnostics.iter().map(|diagnostic| diagnostic.code).collect())
}

/// What was asked for, without the look right before a write, which `recheck` is about.
fn log(world: &World) -> Vec<String> {
    let mut log = world.log.lock().unwrap().clone();
    let mut at = 0;
    while let Some(line) = log.get(at) {
        let key = line.strip_prefix("update ").or_else(|| line.strip_prefix("delete "));
        let key = key.map(|rest| rest.split(':').next().unwrap_or(rest).to_owned());
        let look = key.and_then(|key| log[..at].iter().rposition(|line| *line == format!("look up {key}")));
        match look {
            Some(look) => drop(log.remove(look)),
            None => at += 1,
        }
    }
    log
}

fn creates(world: &World, slug: &str) -> usize {
    log(world).iter().filter(|line| **line == format!("create {slug}")).count()
}

fn weather(world: &World, slug: &str, weather: Weather) {
    world.weather.lock().unwrap().insert(slug.to_owned(), weather);
}

fn plain(keys: &[&str]) -> Desired {
    keys.iter().fold(Declared::new(), |declared, key| declared.thing(key, &[("name", Value::text(*key))], &[])).desired
}

#[tokio::test(start_paused = true)]
async fn what_is_required_comes_first_and_its_values_flow() {
    let world = Arc::new(World::default());
    let desired = Declared::new()
        .thing(
            "a",
            &[("peer", refers_to("b")), ("input", expression("b", "id")), ("name", expression("b", "color"))],
            &["b"],
        )
        .thing("b", &[("name", Value::text("b"))], &[])
        .desired;
    let ledger = run(&desired, &world).await;
    assert!(ledger.is_complete());
    assert_eq!(log(&world), ["create b", "create a"]);
    let objects = world.objects.lock().unwrap();
    let fields = &objects["a"].fields;
    assert_eq!(fields.link("peer").and_then(|link| link.id.as_deref()), Some("id-b"));
    assert_eq!(fields.text("input"), Some("id-b"));
    assert_eq!(fields.text("name"), Some("green"));
}

#[tokio::test(start_paused = true)]
async fn after_apply_nothing_is_pending() {
    let world = Arc::new(World::default());
    let desired = plain(&["a", "b"]);
    assert!(run(&desired, &world).await.is_complete());
    let again = run(&desired, &world).await;
    assert_eq!(again.count(Resolution::Unchanged), 2);
    assert_eq!(log(&world).len(), 2, "the second run writes nothing");
}

#[tokio::test(start_paused = true)]
async fn an_error_stops_only_its_dependents_and_they_name_the_cause() {
    let world = Arc::new(World::default());
    weather(&world, "a", Weather::Refused);
    let desired = Declared::new()
        .thing("a", &[], &[])
        .thing("b", &[], &["a"])
        .thing("c", &[], &["b"])
        .thing("d", &[("name", Value::text("d"))], &[])
        .desired;
    let ledger = run(&desired, &world).await;
    assert_eq!(outcome(&ledger, "a"), (Resolution::Failed, None, vec![Code::Refused]));
    assert_eq!(outcome(&ledger, "b"), (Resolution::Skipped, Some("things.a".into()), vec![]));
    assert_eq!(outcome(&ledger, "c"), (Resolution::Skipped, Some("things.a".into()), vec![]));
    assert_eq!(outcome(&ledger, "d").0, Resolution::Done);
}

#[tokio::test(start_paused = true)]
async fn fail_fast_starts_nothing_more() {
    let world = Arc::new(World::default());
    weather(&world, "a", Weather::Refused);
    let options = Options { parallelism: 1, fail_fast: true };
    let (ledger, _) = run_until(&plain(&["a", "b"]), &world, options, None).await;
    assert_eq!(outcome(&ledger, "b").0, Resolution::NotStarted);
    assert_eq!(creates(&world, "b"), 0);
}

#[tokio::test(start_paused = true)]
async fn what_the_plan_says_is_blocked_is_no_failure_to_stop_at() {
    let world = Arc::new(World::default());
    let mut left = object("a", [("name", Value::text("a"))].into_iter().collect());
    left.condition = Condition::Failed { operation: Operation::Create, description: None };
    world.objects.lock().unwrap().insert("a".into(), left);
    let options = Options { parallelism: 1, fail_fast: true };
    let (ledger, _) = run_until(&plain(&["a", "b"]), &world, options, None).await;
    assert_eq!(outcome(&ledger, "a"), (Resolution::Blocked, None, vec![Code::Blocked]));
    assert!(ledger.outcomes[0].diagnostics[0].help.as_ref().unwrap().contains("remove it at the remote"));
    assert_eq!(outcome(&ledger, "b").0, Resolution::Done);
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_answer_was_lost_is_looked_up_and_not_repeated() {
    let world = Arc::new(World::default());
    weather(&world, "a", Weather::LostAfter);
    let ledger = run(&plain(&["a"]), &world).await;
    assert_eq!(outcome(&ledger, "a"), (Resolution::Done, None, vec![]));
    assert_eq!(log(&world), ["create a", "look up a"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_lost_create_left_undone_is_done_by_an_update() {
    let world = Arc::new(World::able());
    weather(&world, "a", Weather::LostHalfway);
    let declared = Declared::new().thing("a", &[("name", Value::text("A"))], &[]);
    let ignored = Spanned { value: Path::field("name"), span: declared.desired.resources[0].span };
    // What is ignored is about what is there already.
    let desired = declared.lifecycle("a", |lifecycle| lifecycle.ignore = vec![ignored]).desired;
    assert!(run(&desired, &world).await.is_complete());
    assert_eq!(*world.log.lock().unwrap(), ["create a", "look up a", "update a: name"]);
    assert_eq!(world.objects.lock().unwrap()["a"].fields.text("name"), Some("A"));
}

#[tokio::test(start_paused = true)]
async fn what_a_lost_create_left_undone_is_tried_once_and_told() {
    let desired = plain(&["a"]);
    for (mood, expected) in [
        (Weather::StoredOtherwise, (Resolution::Done, None, vec![Code::NotConverged])),
        (Weather::Refused, (Resolution::Failed, None, vec![Code::Refused])),
        (Weather::LostAfter, (Resolution::Done, None, vec![])),
        (Weather::LostBefore, (Resolution::Unknown, None, vec![Code::UncertainWrite])),
    ] {
        let world = Arc::new(World::able());
        weather(&world, "a", Weather::LostHalfway);
        weather(&world, "update a", mood);
        let ledger = run(&desired, &world).await;
        assert_eq!(outcome(&ledger, "a"), expected, "{mood:?}");
        let writes: Vec<String> = log(&world).into_iter().filter(|line| !line.starts_with("look")).collect();
        assert_eq!(writes, ["create a", "update a: name"], "{mood:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_lost_create_left_undone_and_no_update_may_do_is_told() {
    let desired = |on_exists| {
        let declared = Declared::new().thing("a", &[("name", Value::text("A"))], &[]);
        declared.lifecycle("a", move |lifecycle| lifecycle.on_exists = on_exists).desired
    };
    for (world, on_exists) in [(World::default(), OnExists::Adopt), (World::able(), OnExists::AdoptIfEqual)]
        .map(|(it, on)| (Arc::new(it), on))
    {
        weather(&world, "a", Weather::LostHalfway);
        let ledger = run(&desired(on_exists), &world).await;
        assert_eq!(outcome(&ledger, "a"), (Resolution::Done, None, vec![Code::NotConverged]));
        assert_eq!(log(&world), ["create a", "look up a"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_signal_before_the_rest_of_a_lost_create_is_accounted_for() {
    let world = Arc::new(World::able());
    weather(&world, "a", Weather::LostHalfway);
    let desired = plain(&["a"]);
    let (ledger, _) = run_until(&desired, &world, WIDE, Some(Duration::from_millis(5))).await;
    assert_eq!(outcome(&ledger, "a"), (Resolution::Waiting, None, vec![Code::HeldBack]));
    let message = &ledger.outcomes[0].diagnostics[0].message;
    assert_eq!(*message, "`things.a` is left with `name: otherwise`, because the run ended first");
    let next = run(&desired, &world).await;
    assert!(next.is_complete() && next.outcomes[0].action == Action::Update);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_left_no_trace_is_unknown_after_looking() {
    let world = Arc::new(World::default());
    weather(&world, "a", Weather::LostBefore);
    let ledger = run(&plain(&["a"]), &world).await;
    assert_eq!(outcome(&ledger, "a"), (Resolution::Unknown, None, vec![Code::UncertainWrite]));
    assert_eq!(creates(&world, "a"), 1);
    assert_eq!(log(&world).len(), 4, "it is looked for more than once");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_failed_and_created_nothing_has_failed() {
    let world = Arc::new(World::default());
    weather(&world, "a", Weather::ServerError);
    let ledger = run(&plain(&["a"]), &world).await;
    assert_eq!(outcome(&ledger, "a"), (Resolution::Failed, None, vec![Code::ServerError]));
    assert_eq!(creates(&world, "a"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_a_proxy_did_not_wait_for_is_unknown() {
    let world = Arc::new(World::default());
    weather(&world, "a", Weather::ProxyGivesUp);
    let ledger = run(&plain(&["a"]), &world).await;
    assert_eq!(outcome(&ledger, "a"), (Resolution::Unknown, None, vec![Code::UncertainWrite]));
    assert_eq!(creates(&world, "a"), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_deleted_while_it_is_created_is_gone_and_nothing_is_left_to_remove() {
    let world = Arc::new(World::default());
    weather(&world, "a", Weather::Vanishes);
    let ledger = run(&plain(&["a"]), &world).await;
    assert_eq!(outcome(&ledger, "a"), (Resolution::Failed, None, vec![Code::OperationFailed]));
    let diagnostic = &ledger.outcomes[0].diagnostics[0];
    assert!(diagnostic.message.contains("is gone"), "{}", diagnostic.message);
    assert!(!diagnostic.help.as_ref().unwrap().contains("remove"), "{:?}", diagnostic.help);
}

#[tokio::test(start_paused = true)]
async fn a_signal_that_came_before_the_work_lets_none_begin() {
    let world = Arc::new(World::default());
    let desired = plain(&["a"]);
    let registry = registry();
    let snapshot = observed(&world, &desired).await;
    let plan = plan(&desired, &snapshot, &registry, Diagnostics::default());
    let (sender, mut receiver) = watch::channel(None);
    sender.send(Some(2)).unwrap();
    // Whoever asked for the user's yes has seen it.
    receiver.mark_unchanged();
    let (sessions, clock) = (sessions(&world), clock());
    let ledger = apply(&plan, &desired, &snapshot, &registry, &sessions, WIDE, &clock, receiver, &mut |_| ()).await;
    assert_eq!(outcome(&ledger, "a").0, Resolution::NotStarted);
    assert_eq!((ledger.signal, creates(&world, "a")), (Some(2), 0));
}

#[tokio::test(start_paused = true)]
async fn work_goes_on_where_no_signal_can_come() {
    let world = Arc::new(World::default());
    weather(&world, "a", Weather::Slow(2));
    let desired = plain(&["a"]);
    let registry = registry();
    let snapshot = observed(&world, &desired).await;
    let plan = plan(&desired, &snapshot, &registry, Diagnostics::default());
    let (_, receiver) = watch::channel(None);
    let (sessions, clock) = (sessions(&world), clock());
    let ledger = apply(&plan, &desired, &snapshot, &registry, &sessions, WIDE, &clock, receiver, &mut |_| ()).await;
    assert!(ledger.is_complete());
}

#[tokio::test(start_paused = true)]
async fn a_slow_create_is_waited_for_and_holds_no_slot() {
    let world = Arc::new(World::default());
    weather(&world, "a", Weather::Slow(3));
    let options = Options { parallelism: 1, fail_fast: false };
    let (ledger, events) = run_until(&plain(&["a", "b"]), &world, options, None).await;
    assert!(ledger.is_complete());
    let log = log(&world);
    let first_poll = log.iter().position(|line| line == "poll").expect("it is polled");
    assert!(log[..first_poll].contains(&"create b".to_owned()), "{log:?}");
    assert!(events.iter().any(|event| matches!(event, Event::Progress { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_dependent_waits_for_a_slow_create() {
    let world = Arc::new(World::default());
    weather(&world, "a", Weather::Slow(2));
    let desired = Declared::new().thing("a", &[], &[]).thing("b", &[], &["a"]).desired;
    assert!(run(&desired, &world).await.is_complete());
    assert_eq!(log(&world), ["create a", "poll", "poll", "poll", "create b"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_created_during_a_look_is_not_missed_by_it() {
    let world = Arc::new(World::default());
    weather(&world, "a", Weather::Slow(0));
    weather(&world, "b", Weather::Slow(0));
    weather(&world, "c", Weather::Slow(0));
    world.a_poll_takes.store(1000, Ordering::SeqCst);
    // The first look is for `a` and `c`; while it goes on, `b` is begun and is ready to be looked for.
    world.takes.lock().unwrap().insert("b".to_owned(), Duration::from_millis(800));
    let ledger = run(&plain(&["a", "b", "c"]), &world).await;
    assert_eq!(outcome(&ledger, "b"), (Resolution::Done, None, vec![]));
    assert!(ledger.is_complete());
    assert_eq!(log(&world).iter().filter(|line| *line == "poll").count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_slow_to_answer_delays_no_other() {
    let (slow, quick) = (Arc::new(World::default()), Arc::new(World::default()));
    slow.a_poll_takes.store(100_000, Ordering::SeqCst);
    weather(&slow, "a", Weather::Slow(0));
    weather(&quick, "b", Weather::Slow(3));
    let mut desired = plain(&["a", "b"]);
    let mut other = desired.targets["test"].clone();
    other.name = "other".into();
    desired.targets.insert(other.name.clone(), other);
    desired.resources[&address("b")].target = "other".into();
    let registry = registry();
    let mut both = sessions(&slow);
    both.insert("other".into(), sessions(&quick)["test"].clone());
    let mut problems = Diagnostics::default();
    let snapshot = crate::observe::observe(&desired, &registry, &both, &mut problems).await;
    let plan = plan(&desired, &snapshot, &registry, problems);
    let (sender, receiver) = watch::channel(None);
    let mut ends = Vec::new();
    let mut push = |event| {
        if let Event::Complete { address, elapsed, .. } = event {
            ends.push((address.key.to_string(), elapsed.as_secs()));
        }
    };
    let ledger = apply(&plan, &desired, &snapshot, &registry, &both, WIDE, &clock(), receiver, &mut push).await;
    drop(sender);
    assert!(ledger.is_complete());
    assert_eq!(ends, [("b".to_owned(), 2), ("a".to_owned(), 100)]);
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_during_a_look_leaves_what_it_was_for_waiting() {
    let world = Arc::new(World::default());
    weather(&world, "a", Weather::Slow(0));
    world.a_poll_takes.store(60_000, Ordering::SeqCst);
    let (ledger, _) = run_until(&plain(&["a"]), &world, WIDE, Some(Duration::from_secs(5))).await;
    assert_eq!(outcome(&ledger, "a"), (Resolution::Waiting, None, vec![Code::StillRunning]));
}

#[tokio::test(start_paused = true)]
async fn one_failed_poll_never_ends_a_wait() {
    let world = Arc::new(World::default());
    weather(&world, "a", Weather::Slow(1));
    world.failing_polls.store(20, Ordering::SeqCst);
    let (ledger, events) = run_until(&plain(&["a"]), &world, WIDE, None).await;
    assert!(ledger.is_complete());
    let told = |event: &Event| matches!(event, Event::Progress { description: Some(words), .. } if words.ends_with("as asked for"));
    assert!(events.iter().any(told), "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_fails_later_is_a_failure_with_the_remote_s_words() {
    let world = Arc::new(World::default());
    weather(&world, "a", Weather::FailsLater);
    let ledger = run(&plain(&["a"]), &world).await;
    assert_eq!(outcome(&ledger, "a"), (Resolution::Failed, None, vec![Code::OperationFailed]));
    assert!(ledger.outcomes[0].diagnostics[0].message.contains("no more room"));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_ends_the_wait_and_leaves_the_operation() {
    let world = Arc::new(World::default());
    weather(&world, "a", Weather::Slow(1000));
    let desired = Declared::new()
        .thing("a", &[], &[])
        .lifecycle("a", |lifecycle| lifecycle.timeout = Some(Duration::from_secs(60)))
        .desired;
    let ledger = run(&desired, &world).await;
    assert_eq!(outcome(&ledger, "a"), (Resolution::Waiting, None, vec![Code::StillRunning]));
    let polls = log(&world).len();
    assert!((10..40).contains(&polls), "looks become rarer: {polls}");
}

#[tokio::test(start_paused = true)]
async fn what_is_stored_otherwise_is_named() {
    let world = Arc::new(World::default());
    weather(&world, "a", Weather::StoredOtherwise);
    let ledger = run(&plain(&["a"]), &world).await;
    assert_eq!(outcome(&ledger, "a"), (Resolution::Done, None, vec![Code::NotConverged]));
    assert!(!ledger.is_complete());
    assert!(ledger.outcomes[0].diagnostics[0].message.contains("stored `name` of"));
}

#[tokio::test(start_paused = true)]
async fn never_more_writes_at_once_than_allowed() {
    let world = Arc::new(World::default());
    let keys: Vec<String> = (0..40).map(|at| format!("t{at}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let options = Options { parallelism: 3, fail_fast: false };
    let (ledger, _) = run_until(&plain(&keys), &world, options, None).await;
    assert!(ledger.is_complete());
    assert_eq!(world.most_at_once.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_leaves_a_true_ledger_within_its_grace() {
    let world = Arc::new(World::default());
    weather(&world, "a", Weather::Hangs);
    weather(&world, "b", Weather::Slow(1000));
    let desired = Declared::new()
        .thing("a", &[], &[])
        .thing("b", &[], &[])
        .thing("c", &[("name", Value::text("c"))], &[])
        .thing("d", &[], &["b"])
        .desired;
    let begun = tokio::time::Instant::now();
    let (ledger, _) = run_until(&desired, &world, WIDE, Some(Duration::from_secs(30))).await;
    assert!(begun.elapsed() < Duration::from_secs(35), "{:?}", begun.elapsed());
    assert_eq!(ledger.signal, Some(2));
    assert_eq!(outcome(&ledger, "a").0, Resolution::Unknown);
    assert_eq!(outcome(&ledger, "b").0, Resolution::Waiting);
    assert_eq!(outcome(&ledger, "c").0, Resolution::Done);
    assert_eq!(outcome(&ledger, "d"), (Resolution::Skipped, Some("things.b".into()), vec![]));
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_lets_what_is_in_flight_finish_and_starts_nothing_new() {
    let world = Arc::new(World::default());
    let options = Options { parallelism: 1, fail_fast: false };
    let (ledger, _) = run_until(&plain(&["a", "b", "c"]), &world, options, Some(Duration::from_millis(15))).await;
    assert_eq!(outcome(&ledger, "a").0, Resolution::Done);
    assert_eq!(outcome(&ledger, "b").0, Resolution::Done);
    assert_eq!(outcome(&ledger, "c").0, Resolution::NotStarted);
    assert_eq!(creates(&world, "c"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_panic_costs_one_resource_and_not_the_ledger() {
    let world = Arc::new(World::default());
    weather(&world, "a", Weather::Panics);
    let ledger = run(&plain(&["a", "b"]), &world).await;
    assert_eq!(outcome(&ledger, "a"), (Resolution::Unknown, None, vec![Code::Internal]));
    assert_eq!(outcome(&ledger, "b").0, Resolution::Done);
}

#[tokio::test(start_paused = true)]
async fn an_operation_already_running_is_attached_to() {
    let world = Arc::new(World::default());
    let mut busy = object("a", [("name", Value::text("a"))].into_iter().collect());
    busy.condition = Condition::InProgress { operation: Operation::Create, description: None };
    world.objects.lock().unwrap().insert("a".into(), busy);
    let ledger = run(&plain(&["a"]), &world).await;
    assert_eq!(ledger.outcomes[0].action, Action::Wait);
    assert!(ledger.is_complete());
    assert_eq!(creates(&world, "a"), 0);
}

#[tokio::test(start_paused = true)]
async fn an_update_is_not_carried_out_and_stops_only_what_is_not_there_yet() {
    let world = Arc::new(World::default());
    for (slug, name) in [("a", "edited by hand"), ("b", "b")] {
        let fields = [("name", Value::text(name))].into_iter().collect();
        world.objects.lock().unwrap().insert(slug.into(), object(slug, fields));
    }
    let desired = Declared::new()
        .thing("a", &[("name", Value::text("a"))], &[])
        .thing("b", &[("name", Value::text("b"))], &["a"])
        .thing("c", &[], &["a"])
        .desired;
    let ledger = run(&desired, &world).await;
    assert_eq!(outcome(&ledger, "a"), (Resolution::Blocked, None, vec![Code::Blocked]));
    assert_eq!(outcome(&ledger, "b").0, Resolution::Unchanged);
    assert_eq!(outcome(&ledger, "c"), (Resolution::Skipped, Some("things.a".into()), vec![]));
    assert_eq!(log(&world), Vec::<String>::new());
}
