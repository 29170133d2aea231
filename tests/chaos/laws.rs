//! What holds after every run, whatever happened to it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use trueup::apply::{Ledger, Outcome, Resolution};
use trueup::emulator::Recorded;
use trueup::model::{Address, Code};
use trueup::plan::{Action, Plan};

use crate::storm::{End, Storm};
use crate::world::{Ended, Objects, World, is_write};

/// Where the objects of each section are, and what their names are kept as.
const TABLES: [(&str, &str, &str); 6] = [
    ("customers", "kaiten/customers", "slug"),
    ("deployment_zones", "kaiten/deployment_zones", "slug"),
    ("instances", "kaiten/instances", "slug"),
    ("service_instances", "cf/instances", "name"),
    ("user_provided_service_instances", "cf/instances", "name"),
    ("service_keys", "cf/keys", "name"),
];

/// What nobody declares here, and nobody may touch.
const OTHERS: [&str; 6] =
    ["kaiten/licenses", "kaiten/license_families", "cf/organizations", "cf/spaces", "cf/plans", "cf/offerings"];

/// What became of the runs, for whoever wants to know how much is tried.
#[derive(Debug, Default)]
pub struct Tally {
    runs: usize,
    killed: usize,
    without_plan: usize,
    /// Objects that were there before a run and not after it.
    deleted: usize,
    /// Runs that found what they wrote as declared.
    converged: usize,
    resolutions: BTreeMap<&'static str, usize>,
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { runs, killed, without_plan, deleted, converged, resolutions: _ } = self;
        write!(f, "{runs} runs, {killed} killed, {without_plan} without a plan, {converged} converged")?;
        write!(f, ", {deleted} objects gone")?;
        self.resolutions.iter().try_for_each(|(resolution, count)| write!(f, ", {count} {resolution}"))
    }
}

/// One run in this weather keeps every law.
pub async fn keeps_them(world: &World, wish: &str, storm: &Storm, tally: &mut Tally) {
    // Of a run that is killed, nobody hears what it had planned.
    let planned = if matches!(storm.end, End::Kill(..)) { Some(world.look().await) } else { None };
    let before = world.objects();
    world.received();
    let ended = world.run(storm).await;
    let received = world.received();
    let after = world.objects();
    let told = || format!("{wish}\n{storm:#?}\n{received:#?}");
    nothing_is_there_twice(&after, &told);
    no_write_is_repeated_blindly(&received);
    tally.runs += 1;
    match &ended {
        Ended::Planless(plan) => {
            tally.without_plan += 1;
            let writes: Vec<_> = received.iter().filter(|request| is_write(request)).collect();
            assert!(writes.is_empty(), "a plan with errors writes: {writes:#?}\n{:#?}", plan.diagnostics);
        }
        Ended::Accounted(plan, ledger) => {
            nothing_else_has_changed(&before, &after, plan, &told);
            nothing_else_is_gone(&before, &after, plan, &told);
            accounts_for_all(plan, ledger, storm);
            for outcome in &ledger.outcomes {
                *tally.resolutions.entry(outcome.resolution.as_str()).or_default() += 1;
            }
            what_is_not_begun_is_not_there(plan, ledger, &before, &after, &told);
            what_is_done_is_done(&world.look().await, ledger, &told);
            tally.deleted += before.keys().filter(|key| !after.contains_key(*key)).count();
            tally.converged += usize::from(ledger.converged == Some(true));
        }
        Ended::Killed => {
            tally.killed += 1;
            let plan = planned.expect("only such runs are killed");
            nothing_else_has_changed(&before, &after, &plan, &told);
            nothing_else_is_gone(&before, &after, &plan, &told);
            // What it had sent last may still arrive; that is none of the next run's doing.
            world.look().await;
        }
    }
}

/// A run in good weather does all that is left, and the next one has nothing to do.
pub async fn converges(world: &World) {
    match world.run(&Storm::none()).await {
        Ended::Accounted(_, ledger) => assert!(ledger.is_complete(), "{:#?}\n{:#?}", ledger.outcomes, world.received()),
        Ended::Planless(plan) => panic!("{:#?}", plan.diagnostics),
        Ended::Killed => unreachable!("nobody kills it"),
    }
    let plan = world.look().await;
    let left: Vec<_> = plan.steps.iter().filter(|step| step.action != Action::Unchanged).collect();
    assert!(left.is_empty() && !plan.errored(), "{left:#?}\n{:#?}", plan.diagnostics);
}

/// Of objects that all have names of their own, none is there a second time.
pub fn no_name_is_there_twice(objects: &Objects, told: &dyn Fn() -> String) {
    let mut seen = BTreeSet::new();
    for ((table, _), row) in objects {
        let parts = [
            "customer_id",
            "space_guid",
            "instance_guid",
            "organization_guid",
            "family_id",
            "resource_type",
            "key",
            "name",
            "version",
        ];
        let key: Vec<&str> = parts.into_iter().map(|part| text(row, part)).collect();
        // What has no name is no declared object: a job, a link.
        let named = !text(row, "name").is_empty() || !text(row, "key").is_empty();
        assert!(!named || seen.insert((table.clone(), key.join("/"))), "twice: {row:#}\n{}", told());
    }
}

/// A write whose answer was lost, or says that something failed, is not sent again before somebody has looked.
pub fn no_write_is_repeated_blindly(received: &[Recorded]) {
    for (at, write) in received.iter().enumerate().filter(|(_, request)| is_write(request)) {
        let same =
            |other: &&Recorded| (&other.method, &other.path, &other.body) == (&write.method, &write.path, &write.body);
        let doubtful = write.status.is_none_or(|status| status >= 500 || status == 408);
        let next = received[at + 1..].iter().take_while(|request| request.method != "GET").find(same);
        assert!(!doubtful || next.is_none(), "sent again, unseen: {write:#?}\n{next:#?}");
    }
}

fn text<'v>(row: &'v Value, name: &str) -> &'v str {
    row.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn nothing_is_there_twice(objects: &Objects, told: &dyn Fn() -> String) {
    let mut seen = BTreeSet::new();
    for ((table, id), row) in objects {
        let key = match table.as_str() {
            // Kaiten keeps slugs apart by itself; in the older dialect only trueup keeps these apart.
            "kaiten/instances" => [text(row, "customer_id"), text(row, "name"), &with_slug(row)].join("/"),
            "cf/instances" => [text(row, "space_guid"), text(row, "name")].join("/"),
            "cf/keys" => [text(row, "instance_guid"), text(row, "name")].join("/"),
            _ => continue,
        };
        assert!(seen.insert((table.clone(), key.clone())), "{table} has {key} twice ({id})\n{}", told());
    }
}

/// Of the API of today, the slug; what the older dialect makes up is none.
fn with_slug(row: &Value) -> String {
    let slug = text(row, "slug");
    if slug.starts_with("i-") { slug.to_owned() } else { String::new() }
}

/// The tables and names of the steps with these actions.
fn names(plan: &Plan, of: impl Fn(Action) -> bool) -> BTreeSet<(&'static str, String)> {
    plan.steps.iter().filter(|step| of(step.action)).map(|step| place(&step.address)).collect()
}

/// Whether the plan says that this goes, or is changed, with a delete.
fn goes_along(plan: &Plan, name: &str) -> bool {
    plan.steps.iter().flat_map(|step| &step.takes_along).any(|along| along.contains(&format!("`{name}`")))
}

fn place(address: &Address) -> (&'static str, String) {
    let (_, table, _) = TABLES.iter().find(|(section, ..)| *section == address.section).expect("a declared section");
    (table, address.key.to_string())
}

/// The name under which a row would be declared.
fn name_of(table: &str, row: &Value) -> String {
    let (_, _, field) = TABLES.iter().find(|(_, of, _)| *of == table).expect("a declared table");
    // In the older dialect the YAML gives no slug.
    let name = text(row, "name");
    if table == "kaiten/instances" && name.starts_with("instance ") {
        return name.replace("instance ", "i-");
    }
    text(row, field).to_owned()
}

fn nothing_else_has_changed(before: &Objects, after: &Objects, plan: &Plan, told: &dyn Fn() -> String) {
    let touched = names(plan, |action| !matches!(action, Action::Unchanged | Action::Blocked));
    let declarable = |table: &str| TABLES.iter().find(|(_, of, _)| *of == table).map(|(_, of, _)| *of);
    let may = |table: &str, row: &Value| {
        let named = |table| touched.contains(&(table, name_of(table, row))) || goes_along(plan, &name_of(table, row));
        declarable(table).is_some_and(named) || is_being_worked_on(row)
    };
    let watched = |table: &str| declarable(table).is_some() || OTHERS.contains(&table);
    for (key, row) in before.iter().filter(|((table, _), _)| watched(table)) {
        assert!(
            may(&key.0, row) || after.get(key) == Some(row),
            "{key:?} was {row:#}\nand is {:#?}\n{}",
            after.get(key),
            told()
        );
    }
    for (key, row) in after.iter().filter(|((table, _), _)| watched(table)) {
        assert!(before.contains_key(key) || may(&key.0, row), "{key:?} is new: {row:#}\n{}", told());
    }
}

/// What is gone was declared absent, or is what a failed create left, or goes along with such a one, as the plan says.
fn nothing_else_is_gone(before: &Objects, after: &Objects, plan: &Plan, told: &dyn Fn() -> String) {
    let going = names(plan, |action| matches!(action, Action::Delete | Action::Recover | Action::Wait));
    for ((table, id), row) in before.iter().filter(|(key, _)| !after.contains_key(*key)) {
        let Some((_, table, _)) = TABLES.iter().find(|(_, of, _)| of == table) else { continue };
        let name = name_of(table, row);
        assert!(
            going.contains(&(table, name.clone())) || goes_along(plan, &name) || is_being_worked_on(row),
            "{table} {id} is gone: {row:#}\n{}",
            told()
        );
    }
}

/// Whether a broker changes it whatever trueup does.
fn is_being_worked_on(row: &Value) -> bool {
    let state = row.pointer("/kind/managed/operation/state").and_then(Value::as_str);
    matches!(state, Some("initial" | "in progress"))
}

pub fn accounts_for_all(plan: &Plan, ledger: &Ledger, storm: &Storm) {
    let planned: Vec<_> = plan.steps.iter().map(|step| (&step.address, step.action)).collect();
    let accounted: Vec<_> = ledger.outcomes.iter().map(|outcome| (&outcome.address, outcome.action)).collect();
    assert_eq!(planned, accounted);
    assert_eq!(Resolution::ALL.into_iter().map(|end| ledger.count(end)).sum::<usize>(), plan.steps.len());
    assert!(ledger.signal.is_none() || matches!(storm.end, End::Signal(..)));
    for outcome in &ledger.outcomes {
        let quiet = matches!(
            outcome.resolution,
            Resolution::Done | Resolution::Unchanged | Resolution::Skipped | Resolution::NotStarted
        );
        assert!(quiet || !outcome.diagnostics.is_empty(), "{outcome:#?} says nothing");
        assert_eq!(outcome.because.is_some(), outcome.resolution == Resolution::Skipped, "{outcome:#?}");
    }
}

/// What is called done, or unchanged, is as declared.
pub fn what_is_done_is_done(now: &Plan, ledger: &Ledger, told: &dyn Fn() -> String) {
    let done = |outcome: &&Outcome| outcome.resolution == Resolution::Done;
    let as_declared = |outcome: &Outcome| outcome.diagnostics.iter().all(|it| it.code != Code::NotConverged);
    assert!(ledger.converged != Some(true) || ledger.outcomes.iter().filter(done).all(as_declared), "{}", told());
    assert!(!now.errored(), "{:#?}\n{}", now.diagnostics, told());
    let steps: BTreeMap<_, _> = now.steps.iter().map(|step| (&step.address, step)).collect();
    for outcome in &ledger.outcomes {
        if matches!(outcome.resolution, Resolution::Done | Resolution::Unchanged) {
            let step = steps[&outcome.address];
            assert_eq!(step.action, Action::Unchanged, "{outcome:#?}\n{step:#?}\n{}", told());
        }
    }
}

/// What is called not begun has left no trace.
fn what_is_not_begun_is_not_there(
    plan: &Plan,
    ledger: &Ledger,
    before: &Objects,
    after: &Objects,
    told: &dyn Fn() -> String,
) {
    for (outcome, step) in ledger.outcomes.iter().zip(&plan.steps) {
        let (table, name) = place(&outcome.address);
        let there = |objects: &Objects| objects.iter().any(|((of, _), row)| of == table && name_of(table, row) == name);
        let idle = matches!(outcome.resolution, Resolution::Skipped | Resolution::NotStarted | Resolution::Blocked);
        if idle && step.action == Action::Create {
            assert!(there(before) || !there(after), "{outcome:#?}\n{}", told());
        }
    }
}
