//! Desired x Snapshot -> `Plan`. Pure: the same input gives the same plan.

use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::decide::{Case, Decision, decide};
use super::guard::protected;
use super::likely::{self, Creation};
use super::mistakes::{ambiguous, api_problems, both_names, rename_refused};
use super::together::{Created, together};
use super::{Action, Change, Plan, Seen, Shown, Step, Terms, cost, tombstone};
use crate::diff::{Difference, Measure, creation, earlier};
use crate::graph;
use crate::kind::{Check, ErasedDeclared, Proposal, Registry, Sole};
use crate::model::{
    Address, Attribute, Code, Collection, Condition, Desired, Diagnostic, Diagnostics, Facts, Follows, Identity,
    KeySource, Observed, Operation, Path, Resource, Section, Severity, Snapshot, TargetName, To, Value,
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
        created: Vec::new(),
        creations: Vec::new(),
        problems: Diagnostics::default(),
    };
    let mut steps: Vec<Step> = graph::order(desired)
        .iter()
        .filter_map(|address| planner.step_unless_unread(&desired.resources[address]))
        .collect();
    problems.extend(likely::renames(&planner.creations, &planner.claimed, desired, snapshot));
    problems.extend(planner.problems);
    problems.extend(together(&planner.created, desired, snapshot, registry, &mut steps));
    let mut plan = Plan {
        project: Arc::clone(&desired.project),
        environment: desired.environment.clone(),
        targets: snapshot.targets.clone(),
        steps,
        terms: Terms::default(),
        base: None,
        taken: snapshot.taken,
        reads: snapshot.reads,
        diagnostics: Vec::new(),
        undeclared: None,
    };
    problems.extend(tombstone::settle(&mut plan, desired, snapshot, registry));
    cost::settle(&mut plan.steps, desired, snapshot, registry);
    plan.diagnostics = problems.into_sorted();
    plan
}

/// The objects behind the declared resources of a plan, for whoever carries it out.
pub fn knowledge<'a>(
    plan: &Plan,
    desired: &'a Desired,
    snapshot: &'a Snapshot,
    registry: &'a Registry,
) -> Knowledge<'a> {
    knowledge_of(&plan.steps, desired, snapshot, registry)
}

/// The same, of the steps of a plan.
pub(super) fn knowledge_of<'a>(
    steps: &[Step],
    desired: &'a Desired,
    snapshot: &'a Snapshot,
    registry: &'a Registry,
) -> Knowledge<'a> {
    let mut knowledge = Knowledge::new(desired, snapshot, registry);
    for step in steps {
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
    /// What is created where nothing is.
    created: Vec<Created<'a>>,
    /// What is to be created and may be there under another name.
    creations: Vec<Creation>,
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
            || resource.fields.iter().any(|(name, value)| {
                section.is_none_or(|section| resource.regards(section, name)) && is_unread(name, value)
            })
    }

    fn step(&mut self, resource: &'a Resource) -> Option<Step> {
        let kind = self.registry.kind(resource.address.section)?;
        let section = kind.section();
        let declared = kind.declared()?;
        let facts = self.snapshot.targets.get(&resource.target)?;
        let collections = self.snapshot.collections.get(&resource.target)?;
        let mut found = api_problems(resource, section, facts);
        let absent = resource.lifecycle.absent.is_some();
        found.extend(rename_refused(resource, section, declared.abilities(facts)));

        let mut identity = resource.identity.clone();
        let mut observed = None;
        let mut resolved = None;
        let mut new = None;
        let mut decision = match self.knowledge.resolve(resource) {
            // What it would be in is not there.
            Err(problems) if absent && problems.iter().all(|problem| problem.code == Code::ReferenceNotFound) => {
                tombstone::gone(&first_line(&problems))
            }
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
                let decision = match there.objects.as_slice() {
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
                        if absent {
                            found.extend(declared.unrecognisable(resource, facts).filter(|_| observed.is_none()));
                        } else {
                            found.extend(declared.check(check));
                            let sole = declared.sole(proposal, facts);
                            found.extend(sole.and_then(|sole| self.want(resource, section, sole)));
                        }
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
                        let outer = self.goes_with(resource, section).filter(|_| observed.is_some() && !absent);
                        if let Some(outer) = outer {
                            let message = format!("it goes with `{outer}`, which is deleted and created anew");
                            Decision::new(Action::Create, "goes_along", message).with(creation(section, &fields))
                        } else {
                            let decision = decide(&case);
                            let may_be_there = !collection.is_empty() && section.renaming().is_some();
                            if decision.action == Action::Create
                                && may_be_there
                                && resource.lifecycle.was.is_none()
                                && declared.abilities(facts).update
                            {
                                let (address, identity) = (resource.address.clone(), identity.clone());
                                new = Some(Creation { address, section, identity, fields: fields.clone() });
                            }
                            self.with_all_parts(resource, proposal, observed, declared, decision)
                        }
                    }
                };
                resolved = Some(fields);
                decision
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
        if deleted || observed.is_some_and(|object| !lasts(object)) {
            // What they warn of is what it is replaced for, or of what will not be there any more.
            found.retain(|problem| !forbids(problem));
        }
        if deleted {
            self.deleted.insert(resource.address.clone());
        } else if let Some(object) = observed.filter(|object| lasts(object)) {
            self.knowledge.learn(resource.address.clone(), as_it_will_be(section, object, &decision));
        }
        let writes = resolved.as_ref().map_or(0, |fields| {
            let proposal = Proposal { address: &resource.address, identity: &identity, fields };
            let paths: Vec<Path> = decision.differences.iter().map(|difference| difference.path.clone()).collect();
            let about = (decision.action, observed.filter(|_| !goes_along));
            cost::of_step(declared, resource, proposal, about, &paths)
        });
        self.creations.extend(new.filter(|_| decision.action == Action::Create));
        self.problems.extend(found);
        if observed.is_none()
            && decision.action == Action::Create
            && let Some(fields) = resolved
        {
            self.created.push(Created { resource, identity: identity.clone(), fields });
        }
        let Decision { action, reason, differences, takes_along, executable } = decision;
        Some(Step {
            address: resource.address.clone(),
            target: Arc::clone(&resource.target),
            action,
            reason,
            source: resource.span,
            identity,
            requires: self.requires(resource),
            changes: differences.into_iter().map(|difference| change(resource, difference)).collect(),
            takes_along,
            cause: None,
            observed: observed
                .filter(|_| !goes_along)
                .map(|object| Seen { id: Arc::clone(&object.id), version: object.version.clone() }),
            executable,
            writes,
        })
    }

    /// What comes first, without the parts of that: they come with it.
    fn requires(&self, resource: &Resource) -> Vec<Address> {
        let required = || resource.requires.iter().map(|(address, _)| address);
        let parts = required().filter_map(|whole| self.desired.resources.get(whole)).flat_map(|whole| &whole.parts);
        let parts: HashSet<&Address> = parts.collect();
        required().filter(|address| !parts.contains(address)).cloned().collect()
    }

    /// What is put into the reach of others only with all of its parts cannot be so by a plan that leaves some out.
    fn with_all_parts(
        &self,
        resource: &Resource,
        proposal: Proposal<'_>,
        observed: Option<&Observed>,
        kind: &dyn ErasedDeclared,
        decision: Decision,
    ) -> Decision {
        let before = match decision.action {
            Action::Update => observed,
            Action::Create | Action::Replace | Action::Recover | Action::Wait => None,
            Action::Delete | Action::Blocked | Action::Unchanged => return decision,
        };
        let left_out = resource.parts.iter().find(|part| !self.desired.resources.contains_key(*part));
        match left_out {
            Some(part) if !kind.held_back(proposal, before).is_empty() => decision.refused(format!(
                "it must not be met without `{part}`, which is not in this plan: name `{}` to have all of it",
                resource.address
            )),
            _ => decision,
        }
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

/// What others may know of an object that is changed, or that the remote is still at work on: not what may change with that.
fn as_it_will_be<'o>(section: &'static Section, object: &'o Observed, decision: &Decision) -> Cow<'o, Observed> {
    let changes = |field: &str| {
        let mut real = decision.differences.iter().filter(|difference| !difference.is_unverifiable());
        real.any(|difference| difference.path.starts_with(&Path::field(field)))
    };
    let may_change = |attribute: &&Attribute| match (decision.action, attribute.follows) {
        (Action::Update | Action::Wait, Follows::Anything) | (Action::Wait, Follows::Fields(_)) => true,
        (Action::Update, Follows::Fields(fields)) => fields.iter().any(|field| changes(field)),
        _ => false,
    };
    let mut will_be = Cow::Borrowed(object);
    for attribute in section.attributes.iter().filter(may_change) {
        will_be.to_mut().attributes.set(attribute.name, Value::Unknown);
    }
    will_be
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
        cause: None,
    }
}

/// Only these resources with their parts, what they require, and what has to go before those of them that shall not exist.
pub fn only(desired: &mut Desired, wanted: &[Address]) {
    let is_tombstone = |resource: &&Resource| resource.lifecycle.absent.is_some();
    let mut before: HashMap<&Address, Vec<&Address>> = HashMap::new();
    for resource in desired.resources.values().filter(is_tombstone) {
        for (required, _) in &resource.requires {
            before.entry(required).or_default().push(&resource.address);
        }
    }
    let mut keep: BTreeSet<Address> = BTreeSet::new();
    let parts = |address: &Address| desired.resources.get(address).map_or(&[][..], |resource| &resource.parts);
    let mut queue: Vec<&Address> = wanted.iter().collect();
    queue.extend(wanted.iter().flat_map(parts));
    while let Some(address) = queue.pop() {
        if keep.insert(address.clone())
            && let Some(resource) = desired.resources.get(address)
        {
            for (required, _) in &resource.requires {
                queue.push(required);
                // A part alone asks for nothing but what it is a part of.
                let of_it = parts(required);
                if !of_it.contains(address) {
                    queue.extend(of_it);
                }
            }
            if is_tombstone(&resource) {
                queue.extend(before.get(address).into_iter().flatten());
            }
        }
    }
    desired.resources.retain(|address, _| keep.contains(address));
    desired.targets.retain(|name, _| desired.resources.values().any(|resource| resource.target == *name));
}
