//! What is put into the reach of others only with its parts: a thing called `public` is `private` before.

use std::sync::Arc;

use proptest::prelude::*;

use super::{WIDE, log, outcome, run, run_until, weather};
use crate::apply::{Options, Resolution};
use crate::graph;
use crate::model::{Code, Desired, Diagnostics, Span, Value};
use crate::plan::{Action, only, plan};
use crate::testing::{Declared, Weather, World, address, object, observed, part, registry};

fn public() -> (&'static str, Value) {
    ("name", Value::text("public"))
}

/// `a` with the parts `x` and `y`, and `b` that refers to it.
fn wish() -> Declared {
    Declared::new().thing("a", &[public()], &[]).part("a", "x", &[]).part("a", "y", &[]).thing("b", &[], &["a"])
}

fn holding(slug: &str, name: &str) -> Arc<World> {
    let world = World::able();
    let fields = [("name", Value::text(name))].into_iter().collect();
    world.objects.lock().unwrap().insert(slug.to_owned(), object(slug, fields));
    Arc::new(world)
}

fn name(world: &World, slug: &str) -> Option<String> {
    world.objects.lock().unwrap().get(slug)?.fields.text("name").map(str::to_owned)
}

const NARROW: Options = Options { parallelism: 1, fail_fast: false };

#[tokio::test(start_paused = true)]
async fn parts_come_before_what_others_can_meet_and_others_come_after_them() {
    // Waiting for parts holds no slot: one is enough.
    let world = Arc::new(World::able());
    let (ledger, _) = run_until(&wish().with_parts().desired, &world, NARROW, None).await;
    assert!(ledger.is_complete());
    assert_eq!(log(&world), ["create a", "create a/x", "create a/y", "update a: name", "create b"]);
    assert_eq!(name(&world, "a").as_deref(), Some("public"));
    assert_eq!(ledger.outcomes.len(), 4, "one for each resource");
    assert_eq!(run(&wish().with_parts().desired, &world).await.count(Resolution::Unchanged), 4);
}

#[tokio::test(start_paused = true)]
async fn without_one_of_its_parts_it_stays_out_of_reach_and_the_next_run_goes_on() {
    let world = Arc::new(World::able());
    weather(&world, "a/x", Weather::Refused);
    let desired = wish().with_parts().desired;
    let ledger = run(&desired, &world).await;
    assert_eq!(outcome(&ledger, "x").0, Resolution::Failed);
    assert_eq!(outcome(&ledger, "y").0, Resolution::Done, "its fellow goes on");
    assert_eq!(outcome(&ledger, "a"), (Resolution::Failed, None, vec![Code::HeldBack]));
    assert_eq!(outcome(&ledger, "b"), (Resolution::Skipped, Some("parts.x".to_owned()), vec![]));
    let told = &ledger.outcomes.iter().find(|outcome| outcome.address == address("a")).unwrap().diagnostics[0];
    assert_eq!(told.message, "`things.a` is left with `name: private`, because `parts.x` failed");
    assert_eq!(name(&world, "a").as_deref(), Some("private"));
    world.log.lock().unwrap().clear();
    assert!(run(&desired, &world).await.is_complete());
    assert_eq!(log(&world), ["create a/x", "update a: name", "create b"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_there_is_opened_after_its_parts_too() {
    let world = holding("a", "private");
    assert!(run(&wish().with_parts().desired, &world).await.is_complete());
    assert_eq!(log(&world), ["create a/x", "create a/y", "update a: name", "create b"]);
    // Another name puts nothing into anybody's reach.
    let world = holding("a", "other");
    let other = Declared::new().thing("a", &[("name", Value::text("another"))], &[]).part("a", "x", &[]).with_parts();
    assert!(run(&other.desired, &world).await.is_complete());
    assert_eq!(log(&world), ["update a: name", "create a/x"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_made_anew_is_out_of_reach_until_its_parts_are_made_anew() {
    let world = holding("a", "public");
    world.objects.lock().unwrap().get_mut("a").unwrap().fields.set("kind", Value::text("old"));
    let desired = Declared::new()
        .thing("a", &[public(), ("kind", Value::text("new"))], &[])
        .part("a", "x", &[])
        .lifecycle("a", |it| {
            it.consent.replace = true;
            it.consent.cascade = true;
        })
        .with_parts()
        .desired;
    assert!(run(&desired, &world).await.is_complete());
    assert_eq!(log(&world), ["delete a", "create a", "create a/x", "update a: name"]);
}

#[tokio::test(start_paused = true)]
async fn an_uncertain_part_is_looked_for_and_holds_the_whole_back_if_it_is_not_found() {
    for (mood, resolution) in [(Weather::LostAfter, Resolution::Done), (Weather::LostBefore, Resolution::Failed)] {
        let world = Arc::new(World::able());
        weather(&world, "a/y", mood);
        let ledger = run(&wish().with_parts().desired, &world).await;
        assert_eq!(outcome(&ledger, "a").0, resolution, "{mood:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_signal_between_the_two_is_accounted_for() {
    let world = Arc::new(World::able());
    weather(&world, "a/x", Weather::Hangs);
    let soon = std::time::Duration::from_secs(1);
    let desired = wish().with_parts().desired;
    let (ledger, _) = run_until(&desired, &world, WIDE, Some(soon)).await;
    assert_eq!(outcome(&ledger, "x").0, Resolution::Unknown);
    assert_eq!(outcome(&ledger, "a"), (Resolution::Failed, None, vec![Code::HeldBack]));
    assert_eq!(name(&world, "a").as_deref(), Some("private"));
}

#[tokio::test(start_paused = true)]
async fn a_part_never_begun_leaves_the_whole_waiting() {
    let world = Arc::new(World::able());
    weather(&world, "0", Weather::Refused);
    world.takes.lock().unwrap().insert("0".to_owned(), std::time::Duration::from_millis(15));
    let halting = Options { parallelism: 2, fail_fast: true };
    let desired = Declared::new()
        .thing("0", &[], &[])
        .thing("a", &[public()], &[])
        .part("a", "x", &[])
        .part("a", "y", &[])
        .part("a", "z", &[])
        .with_parts()
        .desired;
    let (ledger, _) = run_until(&desired, &world, halting, None).await;
    assert_eq!(outcome(&ledger, "z").0, Resolution::NotStarted);
    assert_eq!(outcome(&ledger, "a"), (Resolution::Waiting, None, vec![Code::HeldBack]));
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_leaves_parts_out_puts_nothing_into_reach() {
    async fn planned(world: &Arc<World>, wanted: &[crate::model::Address]) -> Vec<(String, Action)> {
        let mut desired: Desired = wish().with_parts().desired;
        only(&mut desired, wanted);
        let snapshot = observed(world, &desired).await;
        let plan = plan(&desired, &snapshot, &registry(), Diagnostics::default());
        plan.steps.iter().map(|step| (step.address.to_string(), step.action)).collect()
    }
    let named =
        |keys: &[(&str, Action)]| keys.iter().map(|(key, action)| ((*key).to_owned(), *action)).collect::<Vec<_>>();
    let world = Arc::new(World::able());
    let all = [("things.a", Action::Create), ("parts.x", Action::Create), ("parts.y", Action::Create)];
    assert_eq!(planned(&world, &[address("a")]).await, named(&all));
    assert_eq!(
        planned(&world, &[part("x")]).await,
        named(&[("things.a", Action::Blocked), ("parts.x", Action::Create)])
    );
    let there = holding("a", "public");
    assert_eq!(
        planned(&there, &[part("x")]).await,
        named(&[("things.a", Action::Unchanged), ("parts.x", Action::Create)])
    );
    let with_b = planned(&world, &[address("b")]).await;
    assert_eq!(with_b.len(), 4, "what refers to it needs all of it: {with_b:?}");
}

/// A thing: what it and each of its parts require besides, which of them the remote refuses, and whether it is there.
#[derive(Debug, Clone)]
struct Drawn {
    requires: Vec<usize>,
    parts: Vec<(Vec<usize>, bool)>,
    refused: bool,
    there: bool,
}

type Tangle = Vec<Drawn>;

fn tangle() -> impl Strategy<Value = Tangle> {
    let edges = || prop::collection::vec(0_usize..6, 0..3);
    let refused = || prop::bool::weighted(0.15);
    let parts = prop::collection::vec((edges(), refused()), 0..3);
    let thing = (edges(), parts, refused(), prop::bool::weighted(0.3));
    let drawn = thing.prop_map(|(requires, parts, refused, there)| Drawn { requires, parts, refused, there });
    prop::collection::vec(drawn, 1..6)
}

fn declare(tangle: &Tangle) -> Desired {
    let thing = |at: &usize| format!("t{at}");
    let mut declared = Declared::new();
    for (at, Drawn { requires, parts, .. }) in tangle.iter().enumerate() {
        let key = thing(&at);
        let known = |requires: &[usize]| -> Vec<String> {
            requires.iter().filter(|to| **to < tangle.len() && **to != at).map(thing).collect()
        };
        let all = known(requires);
        declared = declared.thing(&key, &[public()], &all.iter().map(String::as_str).collect::<Vec<_>>());
        for (nth, (requires, _)) in parts.iter().enumerate() {
            let name = format!("t{at}p{nth}");
            declared = declared.part(&key, &name, &[]);
            let more = known(requires);
            let resource = &mut declared.desired.resources[&part(&name)];
            let span: Span = resource.span;
            resource.requires.extend(more.iter().map(|key| (address(key), span)));
            resource.requires.sort();
            resource.requires.dedup_by(|later, earlier| later.0 == earlier.0);
        }
    }
    declared.with_parts().desired
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, max_global_rejects: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_waits_for_what_every_run_ends_and_nothing_is_met_before_its_parts(
        tangle in tangle(), parallelism in 1_usize..4,
    ) {
        let desired = declare(&tangle);
        let requires = desired.resources.values().map(|resource| (&resource.address, &*resource.requires));
        prop_assume!(graph::cycles(requires).is_empty());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let world = Arc::new(World::able());
            for (at, Drawn { parts, refused, there, .. }) in tangle.iter().enumerate() {
                let slug = format!("t{at}");
                if *there {
                    let fields = [public()].into_iter().collect();
                    world.objects.lock().unwrap().insert(slug.clone(), object(&slug, fields));
                } else if *refused {
                    weather(&world, &slug, Weather::Refused);
                }
                for (nth, _) in parts.iter().enumerate().filter(|(_, (_, refused))| *refused) {
                    weather(&world, &format!("t{at}/t{at}p{nth}"), Weather::Refused);
                }
            }
            let hour = tokio::time::Duration::from_secs(3600);
            let running = run_until(&desired, &world, Options { parallelism, fail_fast: false }, None);
            let ended = tokio::time::timeout(hour, running).await;
            prop_assert!(ended.is_ok(), "it waits for ever: {:?}", log(&world));
            let (ledger, _) = ended.unwrap();
            let open = [Resolution::NotStarted, Resolution::Waiting, Resolution::Unknown];
            prop_assert!(open.iter().all(|open| ledger.count(*open) == 0), "{ledger:?}");
            let in_trouble = |drawn: &Drawn| {
                drawn.refused && !drawn.there || drawn.parts.iter().any(|(_, refused)| *refused)
            };
            let trouble = tangle.iter().any(in_trouble);
            prop_assert_eq!(ledger.is_complete(), !trouble, "{:?}", &ledger);
            let lines = log(&world);
            for (at, Drawn { parts, .. }) in tangle.iter().enumerate() {
                let Some(opened) = lines.iter().position(|line| *line == format!("update t{at}: name")) else { continue };
                for nth in 0..parts.len() {
                    let made = lines.iter().position(|line| *line == format!("create t{at}/t{at}p{nth}"));
                    prop_assert!(made.is_some_and(|made| made < opened), "{lines:?}");
                }
            }
            for resource in desired.resources.values().filter(|resource| resource.address.section == "things") {
                let Some(begun) = lines.iter().position(|line| *line == format!("create {}", resource.address.key)) else {
                    continue;
                };
                for (required, _) in resource.requires.iter().filter(|(required, _)| required.section == "parts") {
                    let of = &desired.resources[required].identity;
                    let made = lines.iter().position(|line| *line == format!("create {of}"));
                    prop_assert!(made.is_some_and(|made| made < begun), "{lines:?}");
                }
            }
            // The next run does what is left.
            world.weather.lock().unwrap().clear();
            let again = run(&desired, &world).await;
            prop_assert!(again.is_complete(), "{again:?}");
            Ok(())
        })?;
    }
}
