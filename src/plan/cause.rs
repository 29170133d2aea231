//! Where the changes of a plan come from: from this branch, from the remote, or from being behind another one.
//!
//! Three plans are made against the same snapshot: of what is declared here, at the merge base, and at the tip of the other
//! branch. A change that the merge base does not ask for is `declared` here. One that it does ask for was to be made before
//! this branch: it is `drift`, unless the tip would leave things as they are: then this branch is `behind`, and would undo
//! what has been declared there, and applied, since.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Action, Change, Plan, Step, build};
use crate::diff::Measure;
use crate::kind::Registry;
use crate::model::{
    Address, Condition, Desired, Diagnostics, Fields, Identity, Observed, Path, RemoteId, Resource, Section, Snapshot,
    TargetName, Value,
};
use crate::resolve::Knowledge;

/// Where a change comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// It is declared here, and was not where this branch began.
    Declared,
    /// The remote was otherwise than declared already before this branch.
    Drift,
    /// It would undo what the other branch declares by now.
    Behind,
}

impl Cause {
    /// Every cause, the weightiest first: an action has the first that any of its changes has.
    pub const ALL: [Self; 3] = [Self::Declared, Self::Drift, Self::Behind];

    /// Its name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Drift => "drift",
            Self::Behind => "behind",
        }
    }
}

/// What causes are judged against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// As it was asked for, `origin/main`.
    pub revision: Arc<str>,
    /// The commit that this is.
    pub commit: Arc<str>,
    /// Where this branch has left it.
    pub merge_base: Arc<str>,
}

/// What the other revisions declare, for the targets of this plan. `None` where that cannot be told: then no cause that
/// hangs on it is told either.
#[derive(Debug, Clone, Copy, Default)]
pub struct Revisions<'a> {
    /// Where this branch began.
    pub merge_base: Option<&'a Desired>,
    /// The other branch as it is.
    pub tip: Option<&'a Desired>,
}

/// Judges where each change of a plan comes from, and with them each action. `desired` and `snapshot` are what the plan was
/// made of.
pub fn judge(plan: &mut Plan, desired: &Desired, revisions: Revisions<'_>, snapshot: &Snapshot, registry: &Registry) {
    let Some(merge_base) = revisions.merge_base else { return };
    let steps = std::mem::take(&mut plan.steps);
    let here = Side::new(desired, steps, snapshot, registry);
    let merge_base = Side::planned(merge_base, snapshot, registry);
    let tip = revisions.tip.map(|tip| Side::planned(tip, snapshot, registry));
    let judged: Vec<_> =
        (0..here.steps.len()).map(|at| Case::new(at, &here, &merge_base, tip.as_ref()).judged()).collect();
    plan.steps = here.steps;
    for (step, (cause, causes)) in plan.steps.iter_mut().zip(judged) {
        step.cause = cause;
        for (change, cause) in step.changes.iter_mut().zip(causes) {
            change.cause = cause;
        }
    }
}

/// A revision: what it declares, and what would be done for it.
struct Side<'a> {
    desired: &'a Desired,
    steps: Vec<Step>,
    knowledge: Knowledge<'a>,
    registry: &'a Registry,
    /// What nothing was planned for, because something it needs was not read.
    unplanned: HashSet<&'a Address>,
    /// The steps by the object that they are about, and by their natural key.
    by_object: HashMap<(TargetName, RemoteId), usize>,
    by_key: HashMap<Key, usize>,
}

/// A target, a section, a natural key.
type Key = (TargetName, &'static str, String);

impl<'a> Side<'a> {
    fn planned(desired: &'a Desired, snapshot: &'a Snapshot, registry: &'a Registry) -> Self {
        let plan = build::plan(desired, snapshot, registry, Diagnostics::default());
        Self::new(desired, plan.steps, snapshot, registry)
    }

    fn new(desired: &'a Desired, steps: Vec<Step>, snapshot: &'a Snapshot, registry: &'a Registry) -> Self {
        let knowledge = build::knowledge_of(&steps, desired, snapshot, registry);
        let mut side = Self {
            desired,
            knowledge,
            registry,
            unplanned: desired.resources.keys().collect(),
            by_object: HashMap::new(),
            by_key: HashMap::new(),
            steps,
        };
        for (at, step) in side.steps.iter().enumerate() {
            if let Some(seen) = &step.observed {
                side.by_object.insert((Arc::clone(&step.target), Arc::clone(&seen.id)), at);
            }
            side.by_key.insert(side.key(step), at);
            side.unplanned.remove(&step.address);
        }
        side
    }

    fn section(&self, step: &Step) -> &'static Section {
        self.registry.section(step.address.section).expect("planned kinds are registered")
    }

    fn key(&self, step: &Step) -> Key {
        let name = step.identity.to_string();
        let name = if self.section(step).fold_case { name.to_lowercase() } else { name };
        (Arc::clone(&step.target), step.address.section, name)
    }

    /// What another revision's step is about, here.
    fn counterpart(&self, of: &Step) -> Counterpart {
        let object = of.observed.as_ref().map(|seen| (Arc::clone(&of.target), Arc::clone(&seen.id)));
        let at = object.and_then(|object| self.by_object.get(&object)).or_else(|| self.by_key.get(&self.key(of)));
        match at {
            Some(at) => Counterpart::Step(*at),
            None if self.unplanned.contains(&of.address) => Counterpart::Unplanned,
            None => Counterpart::Undeclared,
        }
    }

    /// What it would do about what another revision's step is about.
    fn would(&self, of: &Step) -> Would<'_> {
        match self.counterpart(of) {
            Counterpart::Undeclared => Would::Nothing,
            Counterpart::Unplanned => Would::Unknown,
            Counterpart::Step(at) => Would::Do { step: &self.steps[at], wants: self.wants(at) },
        }
    }

    /// Whether it shall exist.
    fn wants(&self, at: usize) -> bool {
        self.resource(at).lifecycle.absent.is_none()
    }

    fn resource(&self, at: usize) -> &'a Resource {
        &self.desired.resources[&self.steps[at].address]
    }
}

/// What a revision says of something.
enum Counterpart {
    /// Nothing.
    Undeclared,
    /// Something that nothing was planned for.
    Unplanned,
    /// This step.
    Step(usize),
}

/// What a revision would do.
#[derive(Clone, Copy)]
enum Would<'s> {
    /// Nobody can tell.
    Unknown,
    /// Nothing: it does not declare it.
    Nothing,
    /// This, and whether it shall exist then.
    Do { step: &'s Step, wants: bool },
}

impl Would<'_> {
    /// Whether it would touch this value, as far as that can be told.
    fn touches(self, path: &Path) -> Option<bool> {
        match self {
            Self::Unknown => None,
            Self::Nothing => Some(false),
            Self::Do { step, .. } => {
                Some(step.changes.iter().any(|change| is_real(change) && meet(&change.path, path)))
            }
        }
    }
}

/// One step and what the other revisions say of it.
struct Case<'s> {
    step: &'s Step,
    /// Whether it shall exist.
    wants: bool,
    /// Which values differ from what the merge base declares; `None`: all of them.
    altered: Option<Vec<Path>>,
    merge_base: Would<'s>,
    tip: Would<'s>,
}

impl<'s> Case<'s> {
    fn new(at: usize, here: &'s Side<'_>, merge_base: &'s Side<'_>, tip: Option<&'s Side<'_>>) -> Self {
        let step = &here.steps[at];
        let altered = match merge_base.counterpart(step) {
            Counterpart::Step(other) => altered((here, at), (merge_base, other)),
            Counterpart::Undeclared | Counterpart::Unplanned => None,
        };
        let tip = tip.map_or(Would::Unknown, |tip| tip.would(step));
        Self { step, wants: here.wants(at), altered, merge_base: merge_base.would(step), tip }
    }

    /// The cause of the action and those of its changes.
    fn judged(&self) -> (Option<Cause>, Vec<Option<Cause>>) {
        let causes: Vec<_> = self.step.changes.iter().map(|change| self.of_change(change)).collect();
        let first = causes.iter().flatten().min().copied();
        let cause = match self.step.action {
            Action::Unchanged => None,
            _ => first.or_else(|| self.of_action()),
        };
        (cause, causes)
    }

    fn of_change(&self, change: &Change) -> Option<Cause> {
        let is_altered = self.altered.as_ref().is_none_or(|paths| paths.iter().any(|path| meet(path, &change.path)));
        let asked_before = self.merge_base.touches(&change.path)?;
        if is_altered {
            return Some(Cause::Declared);
        }
        if !is_real(change) {
            return None;
        }
        if !asked_before {
            return Some(Cause::Declared);
        }
        Some(if self.tip.touches(&change.path)? { Cause::Drift } else { Cause::Behind })
    }

    /// Of an action without changes that could be judged: whether the other revisions would do it too.
    fn of_action(&self) -> Option<Cause> {
        let alters = self.altered.as_ref().is_none_or(|paths| !paths.is_empty());
        match self.merge_base {
            Would::Unknown => return None,
            Would::Do { step, .. } if step.action == self.step.action && !alters => {}
            Would::Nothing | Would::Do { .. } => return Some(Cause::Declared),
        }
        match self.tip {
            Would::Unknown => None,
            Would::Do { step, wants } if step.action != Action::Unchanged && wants == self.wants => Some(Cause::Drift),
            Would::Nothing | Would::Do { .. } => Some(Cause::Behind),
        }
    }
}

/// Whether a change is one: not only something that cannot be compared.
fn is_real(change: &Change) -> bool {
    !change.before.is_untold()
}

/// Whether one path lies in the other.
fn meet(one: &Path, other: &Path) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

/// The values that are declared otherwise than by another revision; `None` where everything is. Secrets are compared in
/// memory, and only that they differ goes on.
fn altered((here, at): (&Side<'_>, usize), (other, with): (&Side<'_>, usize)) -> Option<Vec<Path>> {
    let (resource, before) = (here.resource(at), other.resource(with));
    if resource.lifecycle.absent.is_some() != before.lifecycle.absent.is_some() {
        return None;
    }
    if resource.lifecycle.absent.is_some() {
        return Some(Vec::new());
    }
    let (step, was) = (&here.steps[at], &other.steps[with]);
    let section = here.section(step);
    let (Ok(fields), Ok(before_fields)) = (here.knowledge.resolve(resource), other.knowledge.resolve(before)) else {
        let names = section.fields.iter().map(|field| field.name);
        let differ = names.filter(|name| resource.fields.get(name) != before.fields.get(name));
        return Some(differ.map(Path::field).collect());
    };
    let measure = Measure { section, identity: &step.identity, fields: &fields, lifecycle: &resource.lifecycle };
    let differences = measure.differences(&as_object(section, &was.identity, &before_fields));
    let paths = differences.into_iter().map(|difference| difference.path);
    let unsettled = |path: &Path| {
        let name = section.fields.iter().map(|field| field.name).find(|name| path.starts_with(&Path::field(*name)));
        name.is_some_and(|name| {
            let same = resource.fields.get(name) == before.fields.get(name);
            same && is_unsettled(fields.get(name), before_fields.get(name))
        })
    };
    // What nothing was to come of there comes of what is declared here.
    let ignored = before.lifecycle.ignore.iter().map(|ignored| ignored.value.clone());
    Some(paths.filter(|path| !unsettled(path)).chain(ignored).collect())
}

/// Whether two values that are declared alike may look different only because one is not known yet.
fn is_unsettled(here: Option<&Value>, before: Option<&Value>) -> bool {
    match (here, before) {
        (Some(Value::Link(here)), Some(Value::Link(before))) => here.name == before.name,
        (Some(here), Some(before)) => here.has_unknown() || before.has_unknown(),
        _ => false,
    }
}

/// What is declared, as an object that is just so.
fn as_object(section: &Section, identity: &Identity, fields: &Fields) -> Observed {
    let form = |name: &'static str, value: &Value| match section.field(name).and_then(|field| field.form) {
        Some(form) => form(value),
        None => value.clone(),
    };
    Observed {
        identity: identity.clone(),
        id: RemoteId::from(""),
        version: None,
        fields: fields.iter().map(|(name, value)| (name, form(name, value))).collect(),
        attributes: Fields::default(),
        condition: Condition::Ready,
    }
}
