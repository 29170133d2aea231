//! Whatever a remote holds: what is exported of it plans empty, each time the same, and leaves nothing out unsaid. Random
//! objects of every kind with names that YAML, file systems and terminals have opinions on, against both emulated remotes in
//! every dialect. What fails prints its number; `TRUEUP_ADOPTION_SEED=NUMBER cargo test --test adoption` plays it again.

#![expect(clippy::print_stderr, reason = "a failed case is told by its number")]

#[path = "../chaos/chance.rs"]
mod chance;
mod people;
mod world;

use std::collections::BTreeSet;

use chance::Chance;
use trueup::export::{Exported, Within};
use trueup::model::{Resource, Snapshot, Value};
use trueup::plan::{Action, Change, Shown, Step};
use world::{Dialect, World};

/// Cases of each dialect.
const CASES: u64 = 25;

fn play(dialect: Dialect) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let seed = std::env::var("TRUEUP_ADOPTION_SEED").ok().map(|text| text.parse().expect("it is a number"));
    let seeds = seed.map_or(0..CASES, |seed| seed..seed + 1);
    for seed in seeds {
        let played = std::panic::AssertUnwindSafe(|| runtime.block_on(case(seed, dialect)));
        if let Err(panic) = std::panic::catch_unwind(played) {
            eprintln!(
                "case {seed} of {dialect:?} failed; again: TRUEUP_ADOPTION_SEED={seed} cargo test --test adoption"
            );
            std::panic::resume_unwind(panic);
        }
    }
}

async fn case(seed: u64, dialect: Dialect) {
    let mut chance = Chance::new(seed);
    let world = World::new(dialect).await;
    world.people(&mut chance).await;
    let snapshot = world.observe_whole().await;
    let exists: BTreeSet<(&str, String)> = declarable(&snapshot, &world);

    let whole = world.export(&snapshot, Within::Target, false);
    assert_eq!(whole.documents.len(), 1);
    assert_adopts(&world, &whole, &exists).await;
    assert_eq!(world.export(&world.observe_whole().await, Within::Target, false).documents, whole.documents);

    assert_plans_offline(&world, &whole, &mut chance).await;

    let split = world.export(&snapshot, Within::Target, true);
    assert_adopts(&world, &split, &exists).await;
    let paths: BTreeSet<String> =
        split.documents.iter().map(|document| document.path.to_string_lossy().to_lowercase()).collect();
    assert_eq!(paths.len(), split.documents.len(), "no two files are one where case does not count");

    // What is exported home by home goes together with the rest.
    let mut parts = Vec::new();
    for home in world.homes(&snapshot) {
        let part = world.export(&snapshot, Within::Home(&home), true);
        assert_adopts(&world, &part, &BTreeSet::new()).await;
        parts.extend(part.documents);
    }
    for part in &parts {
        assert!(split.documents.contains(part), "{} differs when it is exported alone", part.path.display());
    }
    world.end().await;
}

/// Every object that can be declared or is a part of one.
fn declarable(snapshot: &Snapshot, world: &World) -> BTreeSet<(&'static str, String)> {
    let collections = snapshot.collections.values().flatten();
    let of_kinds = collections.filter(|(section, _)| world.is_declared(section));
    of_kinds.flat_map(|(section, all)| all.iter().map(|object| (*section, object.id.to_string()))).collect()
}

/// Planning it changes nothing, and `exists` is in it.
async fn assert_adopts(world: &World, exported: &Exported, exists: &BTreeSet<(&'static str, String)>) {
    for document in &exported.documents {
        let text = &document.text;
        assert!(!text.contains(people::SECRET), "a secret got out:\n{text}");
        let unwritten = text.lines().filter(|line| line.contains(", left out: "));
        let unwritten: Vec<&str> =
            unwritten.filter(|line| !line.ends_with("parameters, left out: set, and cannot be read back")).collect();
        assert!(unwritten.is_empty(), "something could not be written down: {unwritten:?}\n{text}");
        let harmless = |char: char| char == '\n' || !char.is_control() && !('\u{202a}'..='\u{202e}').contains(&char);
        assert!(text.chars().all(harmless), "{text:?}");
    }
    assert!(exported.left.is_empty(), "{:?}", exported.left);
    let plan = world.plan(&exported.documents).await;
    assert!(plan.diagnostics.is_empty(), "{:#?}\n{}", plan.diagnostics, exported.documents[0].text);
    for step in &plan.steps {
        assert_eq!(step.action, Action::Unchanged, "{step:#?}\n{}", exported.documents[0].text);
    }
    let adopted: BTreeSet<(&str, String)> = plan
        .steps
        .iter()
        .filter_map(|step| Some((step.address.section, step.observed.as_ref()?.id.to_string())))
        .collect();
    let missing: Vec<_> = exists.difference(&adopted).collect();
    assert!(missing.is_empty(), "{missing:?} were not exported");
}

/// A snapshot of it holds no secret, and is planned with as the remote itself, but for what it leaves out: as it is, and once
/// some of it is declared otherwise.
async fn assert_plans_offline(world: &World, exported: &Exported, chance: &mut Chance) {
    let mut desired = world.declared(&exported.documents);
    let text = world.snapshot(&desired).await;
    assert!(!text.contains(people::SECRET) && !text.contains("sha256-v1"), "a secret got out:\n{text}");
    for changed in [false, true] {
        if changed {
            for resource in desired.resources.values_mut() {
                if chance.one_in(2) {
                    otherwise(resource, chance);
                }
            }
        }
        let (live, offline) = (world.plan_of(&desired).await, world.plan_offline(&desired, &text));
        assert_eq!(live.steps.len(), offline.steps.len());
        for (live, offline) in live.steps.iter().zip(&offline.steps) {
            assert_same_but_for_redacted(live, offline);
        }
        assert_eq!(format!("{:?}", live.diagnostics), format!("{:?}", offline.diagnostics));
        let touched = offline.steps.iter().any(|step| step.action != Action::Unchanged);
        assert!(changed || !touched, "nothing is made up");
    }
}

/// Declares something of a resource otherwise.
fn otherwise(resource: &mut Resource, chance: &mut Chance) {
    let word = Value::text(format!("other-{}", chance.below(3)));
    for name in ["description", "tags", "metadata", "end_license_date", "credentials"] {
        match resource.fields.get_mut(name) {
            Some(Value::List(items)) => items.push(word.clone()),
            Some(Value::Map(map)) => drop(map.insert("other".into(), word.clone())),
            Some(Value::Text(text)) if name == "description" => *text = "another".into(),
            Some(Value::Text(text)) => *text = "2999-01-01T00:00:00Z".into(),
            _ => {}
        }
    }
}

fn assert_same_but_for_redacted(live: &Step, offline: &Step) {
    let redacted = |change: &&Change| change.before == Shown::Redacted;
    let hidden: Vec<&Change> = offline.changes.iter().filter(redacted).collect();
    let seen = |step: &Step| -> Vec<Change> {
        let is_seen = |change: &&Change| !hidden.iter().any(|hidden| change.path.starts_with(&hidden.path));
        step.changes.iter().filter(is_seen).cloned().collect()
    };
    assert_eq!(seen(live), seen(offline), "{live:#?}\n{offline:#?}");
    assert_eq!((&live.address, &live.observed), (&offline.address, &offline.observed));
    let told_apart = live.changes.iter().any(|change| !change.before.is_untold() && !seen(live).contains(change));
    if !told_apart {
        assert_eq!(live.action, offline.action, "{live:#?}\n{offline:#?}");
    }
}

#[test]
fn what_kaiten_holds_is_adopted() {
    play(Dialect::Core);
}

#[test]
fn what_the_older_kaiten_holds_is_adopted() {
    play(Dialect::Seed);
}

#[test]
fn what_a_foundation_of_today_holds_is_adopted() {
    play(Dialect::V3);
}

#[test]
fn what_an_older_foundation_holds_is_adopted() {
    play(Dialect::V2);
}
