//! Desired x Snapshot -> `Plan`. Pure: the same input gives the same plan.

use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::decide::{Case, Decision, decide};
use super::guard::protected;
use super::mistakes::{ambiguous, api_problems, both_names, rename_refused};
use super::{Action, Change, Plan, Seen, Shown, Step, Terms};
use crate::diff::{Difference, Measure, creation, earlier};
use crate::graph;
use crate::kind::{Check, ErasedDeclared, Proposal, Registry, Sole};
use crate::model::{
    Address, Code, Collection, Condition, Desired, Diagnostic, Diagnostics, Facts, Identity, KeySource, Observed,
    Operation, Path, Resource, Section, Severity, Snapshot, TargetName, To, Value,
};
use crate::resolve::Knowledge;

/// Decides what happens to each declared resource. `problems` are those of observing; those of planning join them.
pub fn plan(desired: &Desired, snapshot: &Snapshot, registry: &Registry, mut problems: Diagnostics) -> Plan {
    let mut planner = Planner {
        desired,
        snapshot,
        registry,
        knowledge: Knowledge::new(desired, snapshot, registry),
        claimed: HashMap::new(),
        soles: HashMap::new(),
        unread: HashSet::new(),
        deleted: HashSet::new(),
        problems: Diagnostics::default(),
    };
    let steps = graph::order(desired)
        .iter()
        .filter_map(|address| planner.step_unless_unread(&desired.resources[address]))
        .collect();
    problems.extend(planner.problems);
    Plan {
        project: Arc::clone(&desired.project),
        environment: desired.environment.clone(),
        targets: snapshot.targets.clone(),
        steps,
        terms: Terms::default(),
        reads: snapshot.reads,
        diagnostics: problems.into_sorted(),
    }
}

/// The objects behind the declared resources of a plan, for whoever carries it out.
pub fn knowledge<'a>(
    plan: &Plan,
    desired: &'a Desired,
    snapshot: &'a Snapshot,
    registry: &'a Registry,
) -> Knowledge<'a> {
    let mut knowledge = Knowledge::new(desired, snapshot, registry);
    for step in &plan.steps {
        let collection = snapshot.collection(&step.target, step.address.section);
        let object = step.observed.as_ref().and_then(|seen| collection?.with_id(&seen.id));
        if let Some(object) = object.filter(|object| lasts(object) && step.action != Action::Replace) {
            knowledge.learn(step.address.clone(), Cow::Borrowed(object));
        }
    }
    knowledge
}

/// Whether what it tells of itself stays true: not if it is on its way out, or what a failed create left.
fn lasts(object: &Observed) -> bool {
    match &object.condition {
        Condition::Ready => true,
        Condition::InProgress { operation, .. } => *operation != Operation::Delete,
        Condition::Failed { operation, .. } => *operation != Operation::Create,
    }
}

struct Planner<'a> {
    desired: &'a Desired,
    snapshot: &'a Snapshot,
    registry: &'a Registry,
    knowledge: Knowledge<'a>,
    /// Which declared resource an object has been recognised as.
    claimed: HashMap<Arc<str>, Address>,
    /// Which resource wants what only one can have, by target.
    soles: HashMap<(TargetName, &'static str, Sole), Address>,
    /// What nothing can be said about, because something could not be read.
    unread: HashSet<Address>,
    /// Whose objects are deleted, to be created anew.
    deleted: HashSet<Address>,
    problems: Diagnostics,
}

/// What a resource was recognised as.
struct Recognised<'c> {
    objects: Vec<&'c Observed>,
    warning: Option<Diagnostic>,
}

impl<'a> Planner<'a> {
    /// The step of a resource; `None` if its target, its collection or one it depends on could not be read, which has
    /// been reported.
    fn step_unless_unread(&mut self, resource: &'a Resource) -> Option<Step> {
        let step = if self.depends_on_unread(resource) { None } else { self.step(resource) };
        if step.is_none() {
            self.unread.insert(resource.address.clone());
        }
        step
    }

    /// What could not be read must not pass for what does not exist.
    fn depends_on_unread(&self, resource: &Resource) -> bool {
        let section = self.registry.section(resource.address.section);
        let unread = |section| self.snapshot.collection(&resource.target, section).is_none();
        let is_unread = |name: &str, value: &Value| match value {
            Value::Reference(reference) => matches!(reference.to, To::Natural { .. }) && unread(reference.section),
            _ => section.and_then(|section| section.field(name)?.shape.names()).is_some_and(unread),
        };
        resource.requires.iter().any(|(address, _)| self.unread.contains(address))
            || resource.fields.iter().any(|(name, value)| is_unread(name, value))
    }

    fn step(&mut self, resource: &'a Resource) -> Option<Step> {
        let kind = self.registry.kind(resource.address.section)?;
        let section = kind.section();
        let declared = kind.declared()?;
        let facts = self.snapshot.targets.get(&resource.target)?;
        let collections = self.snapshot.collections.get(&resource.target)?;
        let mut found = api_problems(resource, section, facts);
        found.extend(rename_refused(resource, section, declared.abilities(facts)));

        let mut identity = resource.identity.clone();
        let mut observed = None;
        let mut decision = match self.knowledge.resolve(resource) {
            Err(problems) => {
                let decision = Decision::new(Action::Blocked, "unresolved", first_line(&problems));
                found.extend(problems);
                decision
            }
            Ok(fields) => {
                identity = self.knowledge.identity(resource, &fields);
                let proposal = Proposal { address: &resource.address, identity: &identity, fields: &fields };
                let collection = collections.get(section.name)?;
                let there = self.recognise(proposal, resource, section, declared, collection, facts);
                found.extend(there.warning);
                match there.objects.as_slice() {
                    [_, _, ..] => {
                        found.push(ambiguous(resource, section, &identity, &there.objects));
                        Decision::new(
                            Action::Blocked,
                            "ambiguous",
                            format!("{identity} is the name of several objects"),
                        )
                    }
                    objects => {
                        observed = objects.first().copied();
                        if let Some(problem) = observed.and_then(|object| self.claim(resource, object)) {
                            found.push(problem);
                        }
                        let declarations = &self.desired.resources;
                        let check = Check { resource, proposal, observed, collections, facts, declared: declarations };
                        found.extend(declared.check(check));
                        let sole = declared.sole(proposal, facts);
                        found.extend(sole.and_then(|sole| self.want(resource, section, sole)));
                        let case = Case {
                            resource,
                            measure: Measure {
                                section,
                                identity: &identity,
                                fields: &fields,
                                lifecycle: &resource.lifecycle,
                            },
                            observed,
                            kind: declared,
                            collections,
                            facts,
                            recognised_by: declared.recognised_by(proposal, facts),
                            forbidden: found.iter().find(|problem| forbids(problem)).map(|it| it.message.clone()),
                        };
                        match self.goes_with(resource, section).filter(|_| observed.is_some()) {
                            Some(outer) => {
                                let message = format!("it goes with `{outer}`, which is deleted and created anew");
                                Decision::new(Action::Create, "goes_along", message).with(creation(section, &fields))
                            }
                            None => decide(&case),
                        }
                    }
                }
            }
        };
        let goes_along = observed.is_some() && decision.action == Action::Create;
        if (goes_along || decision.action == Action::Replace)
            && let Some(protect) = resource.lifecycle.protect
        {
            let because = (resource.key_span, decision.reason.message.clone());
            found.retain(|problem| !forbids(problem));
            found.push(protected(resource, protect, because));
        }
        if let Some(error) = found.iter().find(|problem| problem.severity == Severity::Error)
            && decision.action != Action::Blocked
        {
            decision = decision.refused(error.message.clone());
        }
        let deleted = goes_along || decision.action == Action::Replace;
        if deleted {
            // What they warn of is what it is replaced for.
            found.retain(|problem| !forbids(problem));
            self.deleted.insert(resource.address.clone());
        } else if let Some(object) = observed.filter(|object| lasts(object)) {
            self.knowledge.learn(resource.address.clone(), Cow::Borrowed(object));
        }
        self.problems.extend(found);
        let Decision { action, reason, differences, takes_along, executable } = decision;
        Some(Step {
            address: resource.address.clone(),
            target: Arc::clone(&resource.target),
            action,
            reason,
            source: resource.span,
            identity,
            requires: resource.requires.iter().map(|(address, _)| address.clone()).collect(),
            changes: differences.into_iter().map(|difference| change(resource, difference)).collect(),
            takes_along,
            observed: observed
                .filter(|_| !goes_along)
                .map(|object| Seen { id: Arc::clone(&object.id), version: object.version.clone() }),
            executable,
        })
    }

    /// The objects that a resource could be: under its name, else under its earlier one.
    fn recognise<'c>(
        &self,
        proposal: Proposal<'_>,
        resource: &Resource,
        section: &'static Section,
        kind: &dyn ErasedDeclared,
        collection: &'c Collection,
        facts: &Facts,
    ) -> Recognised<'c> {
        let present = self.as_still_named(resource, section, proposal.identity);
        let objects = kind.recognise(Proposal { identity: &present, ..proposal }, collection, facts);
        let renamed =
            resource.lifecycle.was.as_ref().and_then(|was| Some((was, earlier(section, &present, &was.value)?)));
        let Some((was, identity)) = renamed else { return Recognised { objects, warning: None } };
        let mut fields = proposal.fields.clone();
        if let Some(field) = section.renaming()
            && let Some(name) = fields.get_mut(field.name)
        {
            *name = Value::Text(Arc::clone(&was.value));
        }
        let proposal = Proposal { identity: &identity, fields: &fields, ..proposal };
        let mut under_earlier = kind.recognise(proposal, collection, facts);
        under_earlier.retain(|object| lasts(object) && objects.iter().all(|other| other.id != object.id));
        match (objects.is_empty(), under_earlier.is_empty()) {
            (true, _) => Recognised { objects: under_earlier, warning: None },
            (false, true) => Recognised { objects, warning: None },
            (false, false) => Recognised { warning: both_names(resource, section, &present), objects },
        }
    }

    /// The natural key with outer objects by the names that they have, be they renamed by the same plan.
    fn as_still_named(&self, resource: &Resource, section: &'static Section, identity: &Identity) -> Identity {
        let mut identity = identity.clone();
        for (part, (name, value)) in section.key.iter().zip(&mut identity.parts) {
            if part.from == KeySource::Reference
                && let Some(outer) = declared_outer(resource, name)
                && let Some(object) = self.knowledge.object(outer)
            {
                *value = object.identity.to_string().into();
            }
        }
        identity
    }

    /// What it is in and is deleted with.
    fn goes_with<'r>(&self, resource: &'r Resource, section: &'static Section) -> Option<&'r Address> {
        let outer = section.key.iter().filter(|part| part.from == KeySource::Reference);
        let mut outer = outer.filter_map(|part| declared_outer(resource, part.name));
        outer.find(|outer| self.deleted.contains(*outer))
    }

    /// Two resources cannot both have what only one can.
    fn want(&mut self, resource: &Resource, section: &'static Section, sole: Sole) -> Option<Diagnostic> {
        let Sole { field, of, help, .. } = &sole;
        let help = *help;
        let path = Path::field(*field);
        if resource.lifecycle.ignore.iter().any(|ignored| path.starts_with(&ignored.value)) {
            return None;
        }
        let message = format!("only one of the {} of {of} can have this `{field}`", section.name);
        let key = (Arc::clone(&resource.target), section.name, sole);
        let first = match self.soles.entry(key) {
            Entry::Vacant(vacant) => {
                vacant.insert(resource.address.clone());
                return None;
            }
            Entry::Occupied(first) => first.get().clone(),
        };
        let other = &self.desired.resources[&first];
        Some(
            Diagnostic::error(Code::InvalidValue, message)
                .at(resource.places.value(&path), "asks for it too")
                .also(other.places.value(&path), format!("`{first}` asks for it"))
                .help(help)
                .on(&resource.address),
        )
    }

    /// One object cannot be two declared resources.
    fn claim(&mut self, resource: &Resource, object: &Observed) -> Option<Diagnostic> {
        let first = self.claimed.insert(Arc::clone(&object.id), resource.address.clone())?;
        let other = &self.desired.resources[&first];
        Some(
            Diagnostic::error(
                Code::AmbiguousName,
                format!("`{}` and `{first}` are the same object at target `{}`", resource.address, resource.target),
            )
            .at(resource.key_span, "this one")
            .also(other.key_span, "and this one")
            .help("declare it once")
            .on(&resource.address),
        )
    }
}

/// A kind warns so where only this one object is to be left alone.
fn forbids(problem: &Diagnostic) -> bool {
    problem.severity == Severity::Warning && problem.code == Code::Blocked
}

/// The declared resource that a field refers to.
fn declared_outer<'r>(resource: &'r Resource, field: &str) -> Option<&'r Address> {
    match resource.fields.get(field)? {
        Value::Reference(reference) => match &reference.to {
            To::Declared(address) => Some(address),
            _ => None,
        },
        _ => None,
    }
}

fn first_line(problems: &[Diagnostic]) -> String {
    problems.first().map(|problem| problem.message.clone()).unwrap_or_default()
}

fn change(resource: &Resource, difference: Difference) -> Change {
    let removed = difference.after == Shown::Nothing;
    Change {
        source: Some(resource.places.value(&difference.path)).filter(|_| !removed),
        path: difference.path,
        before: difference.before,
        after: difference.after,
    }
}

/// Only these resources and what they require.
pub fn only(desired: &mut Desired, wanted: &[Address]) {
    let mut keep: BTreeSet<Address> = BTreeSet::new();
    let mut queue: Vec<Address> = wanted.to_vec();
    while let Some(address) = queue.pop() {
        if keep.insert(address.clone())
            && let Some(resource) = desired.resources.get(&address)
        {
            queue.extend(resource.requires.iter().map(|(address, _)| address.clone()));
        }
    }
    desired.resources.retain(|address, _| keep.contains(address));
    desired.targets.retain(|name, _| desired.resources.values().any(|resource| resource.target == *name));
}
