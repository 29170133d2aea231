//! What is declared absent: whether it can go, what goes with it, and after what.
//!
//! A delete is decided on last, when every other step is known: what would hold an object, or go with it, may be on its way
//! out too, or be moved to another one by the same plan. Deletes come in the reverse order of references, by what is
//! declared and by what is observed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::decide::{Case, Decision, listed};
use super::{Action, Change, Plan, Step};
use crate::graph::{self, Requirement};
use crate::kind::{ErasedDeclared, Registry, Tied};
use crate::model::{
    Address, Collection, Condition, Desired, Diagnostic, Facts, Observed, Operation, Path, RemoteId, Resource, Section,
    Snapshot, Value,
};

/// What is to happen to something that shall not exist, as far as it can be told by itself.
pub(super) fn decide(case: &Case<'_>) -> Decision {
    let section = case.measure.section;
    let Some(object) = case.observed else {
        let by = case.recognised_by.clone().unwrap_or_else(|| case.measure.identity.in_words());
        return gone(&format!("no {} {by}", section.singular));
    };
    if matches!(object.condition, Condition::InProgress { operation: Operation::Delete, .. }) {
        return Decision::new(Action::Wait, "delete_in_progress", "it is being deleted");
    }
    if let Some(because) = case.facts.read_only {
        return Decision::new(Action::Blocked, "read_only", format!("it cannot be deleted: {because}"));
    }
    if !case.kind.abilities(case.facts).delete {
        let section = section.name.replace('_', " ");
        let message =
            format!("this version does not delete {section}; delete it yourself, and take this declaration out");
        return Decision::new(Action::Blocked, "not_deletable", message);
    }
    let mut message = "it is declared absent".to_owned();
    if let Condition::InProgress { operation, .. } = &object.condition {
        message = format!("{message}; the remote is still at work on its {operation}, and that is waited for first");
    }
    if let Some(loses) = case.kind.deletion().loses {
        message = format!("{message}; lost with it: {loses}");
    }
    Decision::new(Action::Delete, "declared_absent", message)
}

/// It is as declared.
pub(super) fn gone(why: &str) -> Decision {
    Decision::new(Action::Unchanged, "gone", format!("already gone: {why}"))
}

/// Decides on the deletes of a plan, and puts its steps into the order in which they are carried out.
pub(super) fn settle(plan: &mut Plan, desired: &Desired, snapshot: &Snapshot, registry: &Registry) -> Vec<Diagnostic> {
    if desired.resources.values().all(|resource| resource.lifecycle.absent.is_none()) {
        return Vec::new();
    }
    let steps = std::mem::take(&mut plan.steps);
    let mut deletes = Deletes::new(&steps, desired, snapshot, registry);
    deletes.declared();
    deletes.by_kind();
    deletes.observed();
    deletes.names();
    deletes.taken();
    let judged: Vec<_> = (0..steps.len()).map(|at| deletes.judge(at)).collect();
    let requires = deletes.requires;
    let mut steps = steps;
    for ((step, judged), requires) in steps.iter_mut().zip(judged).zip(requires) {
        step.requires = requires.into_iter().collect();
        match judged {
            Judged::Goes { along } => step.takes_along = along,
            Judged::Blocked { code, message } => {
                step.action = Action::Blocked;
                step.reason = super::Reason { code, message };
            }
            Judged::NoDelete => {}
        }
    }
    let (steps, problems) = in_order(steps, desired);
    plan.steps = steps;
    problems
}

/// What becomes of a step.
enum Judged {
    /// It is no delete, or one that is decided on already.
    NoDelete,
    /// It can go, with this.
    Goes { along: Vec<String> },
    /// It cannot.
    Blocked { code: &'static str, message: String },
}

struct Deletes<'a> {
    steps: &'a [Step],
    desired: &'a Desired,
    snapshot: &'a Snapshot,
    registry: &'a Registry,
    /// The steps by what they are about: target and id.
    of: HashMap<(&'a str, &'a str), usize>,
    /// And by target, section and natural key.
    named: HashMap<(&'a str, &'static str, String), usize>,
    /// The deletes that take something along with consent, by what they take: target and id.
    taken: HashMap<(&'a str, RemoteId), usize>,
    /// What comes first, for each step.
    requires: Vec<BTreeSet<Address>>,
}

impl<'a> Deletes<'a> {
    fn new(steps: &'a [Step], desired: &'a Desired, snapshot: &'a Snapshot, registry: &'a Registry) -> Self {
        let mut deletes = Self {
            steps,
            desired,
            snapshot,
            registry,
            of: HashMap::new(),
            named: HashMap::new(),
            taken: HashMap::new(),
            requires: vec![BTreeSet::new(); steps.len()],
        };
        for (at, step) in steps.iter().enumerate() {
            if let Some(object) = deletes.object(at) {
                deletes.of.insert((&*step.target, &*object.id), at);
                deletes.named.insert((&*step.target, step.address.section, object.identity.to_string()), at);
            }
        }
        deletes
    }

    fn resource(&self, at: usize) -> &'a Resource {
        &self.desired.resources[&self.steps[at].address]
    }

    fn kind(&self, at: usize) -> &'a dyn ErasedDeclared {
        let kind = self.registry.kind(self.steps[at].address.section).expect("planned kinds are registered");
        kind.declared().expect("planned kinds can be declared")
    }

    /// The object that a step is about, as it is.
    fn object(&self, at: usize) -> Option<&'a Observed> {
        let step = &self.steps[at];
        let seen = step.observed.as_ref()?;
        self.snapshot.collection(&step.target, step.address.section)?.with_id(&seen.id)
    }

    /// Whether it is declared absent and there.
    fn is_going(&self, at: usize) -> bool {
        self.resource(at).lifecycle.absent.is_some() && self.steps[at].observed.is_some()
    }

    /// Whether something is done to what stays.
    fn is_worked_on(&self, at: usize) -> bool {
        matches!(self.steps[at].action, Action::Update | Action::Wait)
    }

    fn is_tombstone(&self, address: &Address) -> bool {
        self.desired.resources.get(address).is_some_and(|resource| resource.lifecycle.absent.is_some())
    }

    fn first(&mut self, first: usize, then: usize) {
        if first != then {
            self.requires[then].insert(self.steps[first].address.clone());
        }
    }

    /// As declared: what requires another comes after it, and goes before it. What shall exist comes before a delete where
    /// that says so in so many words, and where it is worked on itself: of an instance that is being changed, no key can be
    /// deleted.
    fn declared(&mut self) {
        let index: HashMap<&Address, usize> =
            self.steps.iter().enumerate().map(|(at, step)| (&step.address, at)).collect();
        for at in 0..self.steps.len() {
            let resource = self.resource(at);
            if resource.lifecycle.absent.is_none() {
                let requires = self.steps[at].requires.iter().filter(|other| !self.is_tombstone(other)).cloned();
                let requires: Vec<Address> = requires.collect();
                self.requires[at].extend(requires);
                continue;
            }
            for (other, _) in &resource.requires {
                if self.is_tombstone(other) {
                    if let Some(other) = index.get(other).copied() {
                        self.first(at, other);
                    }
                } else if resource.lifecycle.depends_on.iter().any(|depends| depends.value == *other)
                    || index.get(other).is_some_and(|other| self.is_worked_on(*other))
                {
                    self.requires[at].insert(other.clone());
                }
            }
        }
    }

    /// What nothing observed tells, and the kind knows.
    fn by_kind(&mut self) {
        let going: Vec<usize> = (0..self.steps.len()).filter(|at| self.is_going(*at)).collect();
        for then in going.iter().copied() {
            let after = self.kind(then).deletion().after;
            for first in going.iter().copied() {
                let (one, other) = (&self.steps[first], &self.steps[then]);
                let applies = after.contains(&one.address.section) && one.target == other.target;
                // Whoever declares it the other way round knows why.
                if applies && !self.requires[first].contains(&other.address) {
                    self.first(first, then);
                }
            }
        }
    }

    /// As observed: what refers to an object goes before it, or is moved away from it first.
    fn observed(&mut self) {
        for at in 0..self.steps.len() {
            let going = self.is_going(at);
            if !going && !matches!(self.steps[at].action, Action::Update | Action::Replace) {
                continue;
            }
            let Some(object) = self.object(at) else { continue };
            for (field, to) in self.links(at, object) {
                let lets_go = going || self.lets_go(at, field);
                if to != at && lets_go && (self.is_going(to) || going && self.steps[to].action == Action::Replace) {
                    self.first(at, to);
                }
            }
        }
    }

    /// Names that become free.
    fn names(&mut self) {
        for then in 0..self.steps.len() {
            if self.steps[then].action != Action::Create {
                continue;
            }
            let step = &self.steps[then];
            for section in self.kind(then).deletion().shares_names_with {
                let key = (&*step.target, *section, step.identity.to_string());
                if let Some(first) = self.named.get(&key).copied().filter(|first| self.is_going(*first)) {
                    self.first(first, then);
                }
            }
        }
    }

    /// What goes along with a delete that has the consent for it.
    fn taken(&mut self) {
        for at in 0..self.steps.len() {
            let step = &self.steps[at];
            if !self.is_going(at) || step.action != Action::Delete || !self.resource(at).lifecycle.consent.cascade {
                continue;
            }
            let along = self.tied(at, |kind, object, collections, facts| kind.takes_along(object, collections, facts));
            let along = along.into_iter().flatten().filter(|tied| !tied.stays);
            self.taken.extend(along.map(|tied| ((&*step.target, tied.id), at)));
        }
    }

    /// The steps of the declared objects that an object refers to, each with the field that says so.
    fn links(&self, at: usize, object: &Observed) -> Vec<(&'static str, usize)> {
        let target = &*self.steps[at].target;
        let section = self.section(at);
        let mut found = Vec::new();
        for (name, value) in object.fields.iter() {
            if let Value::Link(link) = value {
                let to = link.id.as_deref().and_then(|id| self.of.get(&(target, id)));
                found.extend(to.map(|to| (name, *to)));
            }
            let Some(shape) = section.field(name).map(|field| field.shape) else { continue };
            let Some(of) = shape.names() else { continue };
            for (_, named) in shape.named(value) {
                let to = self.named.get(&(target, of, named.to_owned()));
                found.extend(to.map(|to| (name, *to)));
            }
        }
        found
    }

    fn section(&self, at: usize) -> &'static Section {
        self.registry.section(self.steps[at].address.section).expect("planned kinds are registered")
    }

    /// Whether a step will have made its object refer to something else in this field.
    fn lets_go(&self, at: usize, field: &'static str) -> bool {
        let step = &self.steps[at];
        let path = Path::field(field);
        match step.action {
            Action::Replace => step.executable,
            Action::Update => {
                step.executable && step.changes.iter().any(|change: &Change| change.path.starts_with(&path))
            }
            _ => false,
        }
    }

    fn judge(&mut self, at: usize) -> Judged {
        let step = &self.steps[at];
        if !self.is_going(at) || step.action != Action::Delete {
            return Judged::NoDelete;
        }
        let held = self.tied(at, |kind, object, collections, facts| kind.held_by(object, collections, facts));
        let along = self.tied(at, |kind, object, collections, facts| kind.takes_along(object, collections, facts));
        let (Some(held), Some(along)) = (held, along) else { return Judged::NoDelete };
        let held: Vec<String> = held.into_iter().filter(|tied| !self.yields(at, tied)).map(|tied| tied.words).collect();
        if !held.is_empty() {
            let message = format!(
                "it cannot be deleted while {} {}; delete that first, or declare it absent too",
                listed(&held),
                if held.len() == 1 { "needs it" } else { "need it" }
            );
            return Judged::Blocked { code: "held", message };
        }
        let along: Vec<Tied> = along.into_iter().filter(|tied| !self.yields(at, tied)).collect();
        let kept: Vec<String> =
            along.iter().filter(|tied| !tied.stays).filter_map(|tied| self.keeper(at, &tied.id)).collect();
        if !kept.is_empty() {
            let (is, what) = if kept.len() == 1 { ("is", "it") } else { ("are", "them") };
            let message = format!(
                "a delete of it takes along {}, which {is} declared; declare {what} absent too, or give {what} another one \
                 first",
                listed(&kept)
            );
            return Judged::Blocked { code: "held", message };
        }
        let along: Vec<String> = along.into_iter().map(|tied| tied.words).collect();
        if !along.is_empty() && !self.resource(at).lifecycle.consent.cascade {
            let message = format!(
                "deleting it takes along {}: to allow that, write `lifecycle: {{ cascade: true }}` or give `--allow-cascade \
                 {}`",
                listed(&along),
                step.address
            );
            return Judged::Blocked { code: "cascade", message };
        }
        Judged::Goes { along }
    }

    /// What is tied to the object of a step, as its kind tells by `tell`; `None` where that cannot be told.
    fn tied(
        &self,
        at: usize,
        tell: impl FnOnce(&dyn ErasedDeclared, &Observed, &BTreeMap<&'static str, Collection>, &Facts) -> Vec<Tied>,
    ) -> Option<Vec<Tied>> {
        let target = &self.steps[at].target;
        let (facts, collections) = (self.snapshot.targets.get(target)?, self.snapshot.collections.get(target)?);
        Some(tell(self.kind(at), self.object(at)?, collections, facts))
    }

    /// Whether what is tied to an object is out of the way before its delete: it is deleted too, by itself or along with
    /// something else, or moved to another one.
    fn yields(&mut self, at: usize, tied: &Tied) -> bool {
        let target = &*self.steps[at].target;
        let owners: Vec<usize> = [Some(&tied.id), tied.within.as_ref()]
            .into_iter()
            .flatten()
            .filter_map(|id| self.of.get(&(target, &**id)).copied())
            .collect();
        for owner in owners {
            let Some(object) = self.object(owner) else { continue };
            let lets_go = |(field, to)| to == at && self.lets_go(owner, field);
            if self.is_going(owner) || self.links(owner, object).into_iter().any(lets_go) {
                self.first(owner, at);
                return true;
            }
        }
        let taker = self.taken.get(&(target, Arc::clone(&tied.id))).copied();
        // Of two that would take the same thing along, one is told of it; and not if that one has to wait for this delete.
        let taker = taker.filter(|taker| *taker != at && !self.requires[*taker].contains(&self.steps[at].address));
        if let Some(taker) = taker {
            self.first(taker, at);
        }
        taker.is_some()
    }

    /// The address of what is declared to exist and has this id.
    fn keeper(&self, at: usize, id: &RemoteId) -> Option<String> {
        let owner = *self.of.get(&(&*self.steps[at].target, &**id))?;
        (!self.is_going(owner)).then(|| format!("`{}`", self.steps[owner].address))
    }
}

/// What is required before what requires it, else by address.
fn in_order(steps: Vec<Step>, desired: &Desired) -> (Vec<Step>, Vec<Diagnostic>) {
    let requires: Vec<(Address, Vec<Requirement>)> = steps
        .iter()
        .map(|step| {
            let span = |address: &Address| desired.resources[address].key_span;
            let requires = step.requires.iter().filter(|address| desired.resources.contains_key(*address));
            (step.address.clone(), requires.map(|address| (address.clone(), span(address))).collect())
        })
        .collect();
    let nodes = || requires.iter().map(|(address, requires)| (address, &**requires));
    let order = graph::order_by(nodes());
    let mut by_address: HashMap<Address, Step> = HashMap::with_capacity(steps.len());
    let mut rest: Vec<Address> = Vec::new();
    for step in steps {
        rest.push(step.address.clone());
        by_address.insert(step.address.clone(), step);
    }
    let mut ordered: Vec<Step> = order.iter().filter_map(|address| by_address.remove(address)).collect();
    let problems = if by_address.is_empty() { Vec::new() } else { graph::cycles(nodes()) };
    ordered.extend(rest.iter().filter_map(|address| by_address.remove(address)));
    (ordered, problems)
}
