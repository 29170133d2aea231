//! Updates, replacements, recoveries and waits, against a remote that misbehaves on demand.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use proptest::prelude::*;

use super::{WIDE, log, outcome, run, run_until, weather};
use crate::apply::{Event, Ledger, Resolution};
use crate::kind::Abilities;
use crate::model::{Code, Condition, Desired, Lifecycle, Operation, Value};
use crate::plan::Action;
use crate::testing::{Declared, Weather, World, expression, map, object, part_of, refers_to, was};

/// A world in which `a` is there, named otherwise than `wish` declares.
fn edited() -> Arc<World> {
    holding(&[("a", &[("name", Value::text("edited"))])])
}

pub(super) fn holding(objects: &[(&str, &[(&'static str, Value)])]) -> Arc<World> {
    let world = World::able();
    for (slug, fields) in objects {
        world.objects.lock().unwrap().insert((*slug).to_owned(), object(slug, fields.iter().cloned().collect()));
    }
    Arc::new(world)
}

fn wish() -> Desired {
    Declared::new().thing("a", &[("name", Value::text("A"))], &[]).desired
}

/// A world in which `a` is of another kind than `anew` declares.
fn of_another_kind() -> Arc<World> {
    holding(&[("a", &[("kind", Value::text("old"))])])
}

fn anew(lifecycle: impl FnOnce(&mut Lifecycle)) -> Declared {
    let consent = |it: &mut Lifecycle| {
        it.consent.replace = true;
        it.consent.cascade = true;
        lifecycle(it);
    };
    Declared::new().thing("a", &[("kind", Value::text("new"))], &[]).lifecycle("a", consent)
}

pub(super) fn put(world: &World, slug: &str, condition: Condition) {
    world.objects.lock().unwrap().get_mut(slug).expect("there").condition = condition;
}

fn name(world: &World, slug: &str) -> Option<String> {
    world.objects.lock().unwrap().get(slug)?.fields.text("name").map(str::to_owned)
}

fn id(world: &World, slug: &str) -> Option<String> {
    world.objects.lock().unwrap().get(slug).map(|object| object.id.to_string())
}

/// How `a` ended, what was told of it, and what the remote was asked.
async fn told(desired: &Desired, world: &Arc<World>) -> (Resolution, Vec<Code>, Vec<String>, Ledger) {
    let ledger = run(desired, world).await;
    let (resolution, _, codes) = outcome(&ledger, "a");
    (resolution, codes, log(world), ledger)
}

fn help(ledger: &Ledger) -> String {
    ledger.outcomes[0].diagnostics[0].help.clone().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn an_update_sends_what_differs_and_nothing_else() {
    let same = [("tags", Value::List(vec![Value::text("x")])), ("name", Value::text("edited"))];
    let world = holding(&[("a", &same)]);
    let notes = map(&[("mine", Value::text("x"))]);
    let fields = [same[0].clone(), ("name", Value::text("A")), ("notes", notes)];
    let desired = Declared::new().thing("a", &fields, &[]).desired;
    let ledger = run(&desired, &world).await;
    assert!(ledger.is_complete());
    assert_eq!(ledger.outcomes[0].action, Action::Update);
    assert_eq!(log(&world), ["update a: name, notes.mine"]);
    assert_eq!(run(&desired, &world).await.count(Resolution::Unchanged), 1);
}

/// What comes of an update in each kind of weather.
#[tokio::test(start_paused = true)]
async fn every_weather_of_an_update_has_its_outcome() {
    let update = "update a: name";
    let cases: [(Weather, Resolution, &[Code], usize, &str); 9] = [
        (Weather::Refused, Resolution::Failed, &[Code::Refused], 1, "edited"),
        (Weather::LostAfter, Resolution::Done, &[], 2, "A"),
        (Weather::LostBefore, Resolution::Unknown, &[Code::UncertainWrite], 4, "edited"),
        (Weather::ServerError, Resolution::Failed, &[Code::ServerError], 4, "edited"),
        (Weather::ProxyGivesUp, Resolution::Unknown, &[Code::UncertainWrite], 4, "edited"),
        (Weather::Slow(2), Resolution::Done, &[], 4, "A"),
        (Weather::Fails, Resolution::Failed, &[Code::OperationFailed], 1, "edited"),
        (Weather::FailsLater, Resolution::Failed, &[Code::OperationFailed], 3, "edited"),
        (Weather::Panics, Resolution::Unknown, &[Code::Internal], 1, "edited"),
    ];
    for (mood, resolution, codes, requests, after) in cases {
        let world = edited();
        weather(&world, "update a", mood);
        let (ended, told, log, ledger) = told(&wish(), &world).await;
        assert_eq!((ended, &*told, log.len()), (resolution, codes, requests), "{mood:?}: {log:?}");
        assert_eq!(log.iter().filter(|line| *line == update).count(), 1, "{mood:?}: it is sent once");
        assert_eq!(name(&world, "a").as_deref(), Some(after), "{mood:?}");
        let diagnostic = ledger.outcomes[0].diagnostics.first();
        assert!(diagnostic.is_none_or(|it| !it.message.contains("create")), "{mood:?}: {diagnostic:?}");
        // The next run does what is left.
        assert!(run(&wish(), &world).await.is_complete(), "{mood:?}");
        assert_eq!(name(&world, "a").as_deref(), Some("A"), "{mood:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_that_failed_says_that_all_is_as_before() {
    let world = edited();
    weather(&world, "update a", Weather::FailsLater);
    let (.., ledger) = told(&wish(), &world).await;
    let diagnostic = &ledger.outcomes[0].diagnostics[0];
    assert_eq!(diagnostic.message, "the remote accepted `things.a` and then failed to change it: no more room");
    assert!(help(&ledger).contains("as before"), "{}", help(&ledger));
}

#[tokio::test(start_paused = true)]
async fn an_update_whose_answer_was_lost_while_it_goes_on_is_waited_for() {
    let world = edited();
    weather(&world, "update a", Weather::SlowAndLost(1));
    let (ended, _, log, _) = told(&wish(), &world).await;
    assert_eq!(ended, Resolution::Done);
    assert_eq!(log, ["update a: name", "look up a", "poll", "poll"]);
}

#[tokio::test(start_paused = true)]
async fn an_update_that_comes_to_nothing_writes_nothing() {
    let world = holding(&[("a", &[("kind", Value::text("old"))]), ("b", &[("name", Value::text("green"))])]);
    // What `a` will tell of itself is unknown until it is created anew, and then it is as before.
    let desired = anew(|_| ()).thing("b", &[("name", expression("a", "color"))], &["a"]).desired;
    let ledger = run(&desired, &world).await;
    assert!(ledger.is_complete());
    assert_eq!(ledger.outcomes[1].action, Action::Update);
    assert_eq!(log(&world), ["delete a", "create a"]);
}

#[tokio::test(start_paused = true)]
async fn what_changes_with_an_update_flows_on_to_those_who_read_it() {
    let settings = |size: &str| ("settings", map(&[("size", Value::text(size))]));
    for slow in [false, true] {
        let world = holding(&[("a", &[settings("small")]), ("b", &[("name", Value::text("green"))])]);
        if slow {
            weather(&world, "update a", Weather::Slow(1));
        }
        let read = ("name", expression("a", "color"));
        let desired = Declared::new().thing("a", &[settings("large")], &[]).thing("b", &[read], &["a"]).desired;
        assert!(run(&desired, &world).await.is_complete());
        assert_eq!(name(&world, "b").as_deref(), Some("blue"));
        assert_eq!(run(&desired, &world).await.count(Resolution::Unchanged), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_stored_otherwise_after_an_update_is_named() {
    let world = edited();
    weather(&world, "update a", Weather::StoredOtherwise);
    let (ended, codes, ..) = told(&wish(), &world).await;
    assert_eq!((ended, &*codes), (Resolution::Done, &[Code::NotConverged][..]));
}

#[tokio::test(start_paused = true)]
async fn a_rename_is_one_update_and_its_answer_may_be_lost() {
    let desired = || Declared::new().thing("new", &[], &[]).lifecycle("new", |it| it.was = Some(was("old"))).desired;
    for (mood, looks) in [(None, 0), (Some(Weather::LostAfter), 1), (Some(Weather::ServerError), 6)] {
        let world = holding(&[("old", &[])]);
        if let Some(mood) = mood {
            weather(&world, "update old", mood);
        }
        let ledger = run(&desired(), &world).await;
        assert_eq!(ledger.is_complete(), looks < 6, "{mood:?}");
        let log = log(&world);
        assert_eq!(log[0], "update old: slug");
        assert_eq!(log.len(), 1 + looks, "{mood:?}: it is looked for under both names: {log:?}");
        let kept = if looks < 6 { "new" } else { "old" };
        assert_eq!(id(&world, kept).as_deref(), Some("id-old"), "{mood:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_in_something_renamed_is_changed_after_it() {
    let world = holding(&[("old", &[])]);
    let wheel = part_of("old", "wheel", [("name", Value::text("wheel"))].into_iter().collect());
    world.parts.lock().unwrap().insert("old/wheel".into(), wheel);
    let desired = Declared::new()
        .thing("new", &[], &[])
        .lifecycle("new", |lifecycle| lifecycle.was = Some(was("old")))
        .part("new", "wheel", &[("note", Value::text("round"))])
        .part("new", "seat", &[])
        .desired;
    let ledger = run(&desired, &world).await;
    assert!(ledger.is_complete(), "{ledger:?}");
    assert_eq!(log(&world)[0], "update old: slug");
    assert!(log(&world).contains(&"create new/seat".to_owned()));
    assert!(log(&world).contains(&"update old/wheel: note".to_owned()));
    assert_eq!(run(&desired, &world).await.count(Resolution::Unchanged), 3);
}

#[tokio::test(start_paused = true)]
async fn a_replacement_deletes_waits_and_creates() {
    let world = of_another_kind();
    weather(&world, "delete a", Weather::Slow(1));
    weather(&world, "a", Weather::Slow(1));
    let (ledger, events) = run_until(&anew(|_| ()).desired, &world, WIDE, None).await;
    assert!(ledger.is_complete());
    assert_eq!(log(&world), ["delete a", "poll", "poll", "create a", "poll", "poll"]);
    assert_eq!(ledger.outcomes[0].id.as_deref(), Some("id-a-2"));
    let gone =
        |event: &Event| matches!(event, Event::Progress { description: Some(words), .. } if words.starts_with("gone"));
    assert!(events.iter().any(gone), "{events:?}");
    assert_eq!(run(&anew(|_| ()).desired, &world).await.count(Resolution::Unchanged), 1);
}

#[tokio::test(start_paused = true)]
async fn every_weather_of_a_delete_has_its_outcome() {
    let cases: [(Weather, Resolution, &[Code], &[&str]); 7] = [
        (Weather::Refused, Resolution::Failed, &[Code::Refused], &["delete a"]),
        (Weather::LostAfter, Resolution::Done, &[], &["delete a", "look up a", "create a"]),
        (Weather::SlowAndLost(0), Resolution::Done, &[], &["delete a", "look up a", "poll", "create a"]),
        (
            Weather::LostBefore,
            Resolution::Unknown,
            &[Code::UncertainWrite],
            &["delete a", "look up a", "look up a", "look up a"],
        ),
        (
            Weather::ServerError,
            Resolution::Failed,
            &[Code::ServerError],
            &["delete a", "look up a", "look up a", "look up a"],
        ),
        (Weather::FailsLater, Resolution::Failed, &[Code::OperationFailed], &["delete a", "poll", "poll"]),
        (Weather::Fails, Resolution::Failed, &[Code::OperationFailed], &["delete a"]),
    ];
    for (mood, resolution, codes, requests) in cases {
        let world = of_another_kind();
        weather(&world, "delete a", mood);
        let (ended, told, log, ledger) = told(&anew(|_| ()).desired, &world).await;
        assert_eq!(
            (ended, &*told, &*log),
            (resolution, codes, &*requests.iter().map(ToString::to_string).collect::<Vec<_>>()),
            "{mood:?}"
        );
        let diagnostic = ledger.outcomes[0].diagnostics.first();
        assert!(diagnostic.is_none_or(|it| it.message.contains("delete")), "{mood:?}: {diagnostic:?}");
        assert!(run(&anew(|_| ()).desired, &world).await.is_complete(), "{mood:?}");
        assert_eq!(id(&world, "a").as_deref(), Some("id-a-2"), "{mood:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_deleted_and_not_created_is_said_to_be_and_created_by_the_next_run() {
    let world = of_another_kind();
    weather(&world, "a", Weather::Refused);
    let (ended, _, _, ledger) = told(&anew(|_| ()).desired, &world).await;
    assert_eq!(ended, Resolution::Failed);
    assert!(help(&ledger).ends_with("what was there has been deleted: the next `trueup apply` creates it"));
    let again = run(&anew(|_| ()).desired, &world).await;
    assert_eq!(again.outcomes[0].action, Action::Create);
    assert!(again.is_complete());
}

#[tokio::test(start_paused = true)]
async fn what_depends_on_the_replaced_gets_its_new_id() {
    let world = holding(&[
        ("a", &[("kind", Value::text("old"))]),
        ("b", &[("name", Value::text("id-a")), ("peer", crate::testing::link("a"))]),
    ]);
    let desired = anew(|_| ()).thing("b", &[("name", expression("a", "id")), ("peer", refers_to("a"))], &["a"]).desired;
    assert!(run(&desired, &world).await.is_complete());
    assert_eq!(log(&world), ["delete a", "create a", "update b: name, peer"]);
    assert_eq!(name(&world, "b").as_deref(), Some("id-a-2"));
    assert_eq!(run(&desired, &world).await.count(Resolution::Unchanged), 2);
}

#[tokio::test(start_paused = true)]
async fn what_went_along_and_is_declared_is_created_anew() {
    let world = of_another_kind();
    let wheel = part_of("a", "wheel", [("name", Value::text("wheel"))].into_iter().collect());
    world.parts.lock().unwrap().insert("a/wheel".into(), wheel);
    let desired = anew(|_| ()).part("a", "wheel", &[]).desired;
    assert!(run(&desired, &world).await.is_complete());
    assert_eq!(log(&world), ["delete a", "create a", "create a/wheel"]);
    assert_eq!(run(&desired, &world).await.count(Resolution::Unchanged), 2);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_deleted_that_cannot_be_created_anew() {
    let world = of_another_kind();
    let desired = anew(|_| ()).thing("b", &[], &[]).thing(
        "a",
        &[("kind", Value::text("new")), ("name", expression("b", "nothing"))],
        &["b"],
    );
    let desired = desired.lifecycle("a", |it| it.consent.replace = true).desired;
    let ledger = run(&desired, &world).await;
    assert_eq!(outcome(&ledger, "a"), (Resolution::Failed, None, vec![Code::MalformedAnswer]));
    assert_eq!(log(&world), ["create b"]);
}

/// Left behind by a create that failed.
fn left_over() -> Arc<World> {
    let world = edited();
    put(&world, "a", Condition::Failed { operation: Operation::Create, description: None });
    world
}

#[tokio::test(start_paused = true)]
async fn a_left_over_is_cleared_away_and_created_anew() {
    let world = left_over();
    let (ended, codes, log, ledger) = told(&wish(), &world).await;
    assert_eq!((ended, &*codes), (Resolution::Done, &[][..]));
    assert_eq!(ledger.outcomes[0].action, Action::Recover);
    assert_eq!(log, ["delete a", "create a"]);
    assert_eq!(id(&world, "a").as_deref(), Some("id-a-2"));
}

#[tokio::test(start_paused = true)]
async fn where_a_create_takes_its_place_a_left_over_is_not_deleted() {
    let cases: [(Option<Weather>, Resolution, &[&str]); 4] = [
        (None, Resolution::Done, &["create a"]),
        (Some(Weather::LostAfter), Resolution::Done, &["create a", "look up a"]),
        // What is found is what was there before: nothing was created.
        (Some(Weather::ServerError), Resolution::Failed, &["create a", "look up a", "look up a", "look up a"]),
        (Some(Weather::LostBefore), Resolution::Unknown, &["create a", "look up a", "look up a", "look up a"]),
    ];
    for (mood, resolution, requests) in cases {
        let world = left_over();
        *world.abilities.lock().unwrap() = Abilities { update: true, delete: true, create_over_failed: true };
        if let Some(mood) = mood {
            weather(&world, "a", mood);
        }
        let (ended, _, log, _) = told(&wish(), &world).await;
        assert_eq!((ended, log), (resolution, requests.iter().map(ToString::to_string).collect()), "{mood:?}");
        assert!(run(&wish(), &world).await.is_complete(), "{mood:?}");
        assert_eq!(id(&world, "a").as_deref(), Some("id-a-2"), "{mood:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_that_is_attached_to_and_fails_is_recovered_by_the_next_run() {
    let world = Arc::new(World::able());
    weather(&world, "a", Weather::FailsLater);
    let (ledger, _) = run_until(&wish(), &world, WIDE, Some(Duration::from_millis(100))).await;
    assert_eq!(outcome(&ledger, "a").0, Resolution::Waiting);
    let ledger = run(&wish(), &world).await;
    assert_eq!(ledger.outcomes[0].action, Action::Wait);
    assert_eq!(outcome(&ledger, "a"), (Resolution::Failed, None, vec![Code::OperationFailed]));
    assert!(help(&ledger).contains("clears that away"), "{}", help(&ledger));
    let ledger = run(&wish(), &world).await;
    assert_eq!(ledger.outcomes[0].action, Action::Recover);
    assert!(ledger.is_complete());
}

#[tokio::test(start_paused = true)]
async fn what_is_being_deleted_is_waited_for_and_created() {
    let world = edited();
    put(&world, "a", Condition::InProgress { operation: Operation::Delete, description: None });
    let (ended, codes, log, ledger) = told(&wish(), &world).await;
    assert_eq!((ended, &*codes), (Resolution::Done, &[][..]));
    assert_eq!(log, ["poll", "create a"]);
    assert_eq!((ledger.outcomes[0].action, ledger.outcomes[0].id.as_deref()), (Action::Wait, Some("id-a-2")));
}

#[tokio::test(start_paused = true)]
async fn what_differs_after_somebody_else_s_update_is_left_to_the_next_run() {
    let world = edited();
    put(&world, "a", Condition::InProgress { operation: Operation::Update, description: None });
    let (ended, codes, log, ledger) = told(&wish(), &world).await;
    assert_eq!((ended, &*codes, log), (Resolution::Done, &[Code::NotConverged][..], vec!["poll".to_owned()]));
    assert!(!ledger.is_complete());
    assert!(help(&ledger).contains("makes the change"));
    assert!(run(&wish(), &world).await.is_complete());
}

#[tokio::test(start_paused = true)]
async fn what_is_there_again_after_its_delete_has_begun_is_not_created_anew() {
    let world = of_another_kind();
    weather(&world, "delete a", Weather::Slow(100));
    let other = Arc::clone(&world);
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(2)).await;
        put(&other, "a", Condition::Ready);
    });
    let (ended, codes, log, ledger) = told(&anew(|_| ()).desired, &world).await;
    assert_eq!((ended, &*codes), (Resolution::Failed, &[Code::OperationFailed][..]));
    assert!(!log.contains(&"create a".to_owned()), "{log:?}");
    let diagnostic = &ledger.outcomes[0].diagnostics[0];
    assert_eq!(diagnostic.message, "the remote accepted the delete of `things.a`, and it is still there");
    assert_eq!(ledger.outcomes[0].id.as_deref(), Some("id-a"));
    assert!(run(&anew(|_| ()).desired, &world).await.is_complete());
}

/// What a plan could not know yet is no consent.
#[tokio::test(start_paused = true)]
async fn a_change_that_turns_out_not_to_be_one_in_place_is_not_made() {
    let there = [("name", Value::text("edited")), ("kind", Value::text("green"))];
    let world = holding(&[("a", &there), ("b", &there[..1])]);
    let fields = [("name", Value::text("A")), ("kind", expression("b", "color"))];
    let desired = Declared::new().thing("a", &fields, &["b"]).thing("b", &[("name", Value::text("B"))], &[]).desired;
    // Somebody else changes what `a` takes from `b` while that is changed.
    world.takes.lock().unwrap().insert("update b".to_owned(), Duration::from_secs(1));
    let other = Arc::clone(&world);
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let mut objects = other.objects.lock().unwrap();
        objects.get_mut("b").expect("there").attributes.set("color", Value::text("red"));
    });
    let ledger = run(&desired, &world).await;
    let sent: Vec<String> = log(&world).into_iter().filter(|line| !line.starts_with("look up")).collect();
    assert_eq!(sent, ["update b: name"]);
    assert_eq!(outcome(&ledger, "a"), (Resolution::Blocked, None, vec![Code::Blocked]));
    let blocked = ledger.outcomes.iter().find(|outcome| &*outcome.address.key == "a").expect("in the ledger");
    let diagnostic = &blocked.diagnostics[0];
    assert_eq!(diagnostic.message, "`kind` of `things.a` cannot be changed in place: a thing stays what it is");
    assert_eq!(diagnostic.labels[0].message, "known only now");
    assert_eq!(name(&world, "a").as_deref(), Some("edited"));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_is_for_all_waits_of_a_step_together() {
    let timed = |seconds| anew(|it| it.timeout = Some(Duration::from_secs(seconds))).desired;
    let slow = || {
        let world = of_another_kind();
        weather(&world, "delete a", Weather::Slow(10));
        weather(&world, "a", Weather::Slow(10));
        world
    };
    let whole = {
        let (world, begun) = (slow(), tokio::time::Instant::now());
        assert!(run(&timed(3600), &world).await.is_complete());
        begun.elapsed()
    };
    let world = slow();
    let ledger = run(&timed(whole.as_secs() * 3 / 4), &world).await;
    assert_eq!(outcome(&ledger, "a"), (Resolution::Waiting, None, vec![Code::StillRunning]));
    assert!(log(&world).contains(&"create a".to_owned()), "it is the second wait that is too long");
}

#[tokio::test(start_paused = true)]
async fn parameters_are_sent_again_once_and_only_where_somebody_asks() {
    let desired = |resend| {
        Declared::new()
            .thing("a", &[("name", Value::text("A")), ("input", Value::text("x"))], &[])
            .lifecycle("a", |lifecycle| lifecycle.consent.resend = resend)
            .desired
    };
    let world = holding(&[("a", &[("name", Value::text("A"))])]);
    world.silent.store(true, Ordering::SeqCst);
    assert_eq!(run(&desired(false), &world).await.count(Resolution::Unchanged), 1);
    let ledger = run(&desired(true), &world).await;
    assert!(ledger.is_complete(), "{ledger:?}");
    assert_eq!(log(&world), ["update a: input"]);
    // Nothing tells whether the remote has taken it.
    for (mood, resolution) in [(Weather::LostAfter, Resolution::Unknown), (Weather::ServerError, Resolution::Unknown)] {
        weather(&world, "update a", mood);
        let ledger = run(&desired(true), &world).await;
        assert_eq!(outcome(&ledger, "a").0, resolution, "{mood:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_update_holds_no_slot_and_no_dependent_starts_before_it() {
    let world = holding(&[("a", &[("name", Value::text("edited"))]), ("b", &[("name", Value::text("edited"))])]);
    weather(&world, "update a", Weather::Slow(1));
    let fields = [("name", Value::text("A"))];
    let desired = Declared::new().thing("a", &fields, &[]).thing("b", &fields, &["a"]).thing("c", &[], &[]).desired;
    let options = crate::apply::Options { parallelism: 1, fail_fast: false };
    let (ledger, _) = run_until(&desired, &world, options, None).await;
    assert!(ledger.is_complete());
    assert_eq!(log(&world), ["update a: name", "create c", "poll", "poll", "update b: name"]);
}

/// What may be there, and what is declared beside it.
fn any_name() -> impl Strategy<Value = Option<&'static str>> {
    prop_oneof![Just(None), Just(Some("x")), Just(Some("y"))]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn after_apply_nothing_is_pending_whatever_was_there(
        there in prop::collection::vec((any::<bool>(), any_name(), any_name()), 1..5),
        wanted in prop::collection::vec((any_name(), any_name()), 1..5),
        answers_late in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let fields = |name: Option<&'static str>, kind: Option<&'static str>| {
            let name = name.map(|name| ("name", Value::text(name)));
            name.into_iter().chain(kind.map(|kind| ("kind", Value::text(kind)))).collect::<Vec<_>>()
        };
        runtime.block_on(async {
            let world = Arc::new(World::able());
            world.answers_late.store(answers_late, Ordering::SeqCst);
            for (at, (exists, name, kind)) in there.iter().enumerate() {
                if *exists {
                    let slug = format!("t{at}");
                    let fields = fields(*name, *kind).into_iter().collect();
                    world.objects.lock().unwrap().insert(slug.clone(), object(&slug, fields));
                }
            }
            let mut declared = Declared::new();
            for (at, (name, kind)) in wanted.iter().enumerate() {
                let before = at.checked_sub(1).map(|before| format!("t{before}"));
                let mut fields = fields(*name, *kind);
                fields.extend(before.as_deref().map(|before| ("peer", refers_to(before))));
                let requires: Vec<&str> = before.as_deref().into_iter().collect();
                let key = format!("t{at}");
                declared = declared.thing(&key, &fields, &requires).lifecycle(&key, |it| it.consent.replace = true);
            }
            let ledger = run(&declared.desired, &world).await;
            prop_assert!(ledger.is_complete(), "{ledger:?}");
            let written = log(&world).len();
            let again = run(&declared.desired, &world).await;
            prop_assert_eq!(again.count(Resolution::Unchanged), wanted.len(), "{:?}", log(&world));
            prop_assert_eq!(log(&world).len(), written);
            Ok(())
        })?;
    }
}
