//! Desired x Snapshot -> `Plan`. Pure: the same input gives the same plan.

use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::{Action, Change, Plan, Reason, Seen, Shown, Step};
use crate::diff::{Difference, creation, diff};
use crate::graph;
use crate::kind::{Check, Proposal, Registry, Sole};
use crate::model::{
    Address, Code, Condition, Desired, Diagnostic, Diagnostics, Facts, Fields, Identity, KeyPart, KeySource, Observed,
    OnExists, Operation, Path, Resource, Secrets, Section, Severity, Snapshot, TargetName, To, Value,
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
        if let Some(object) = object.filter(|object| lasts(object)) {
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
    problems: Diagnostics,
}

/// What is decided about a resource.
struct Decision {
    action: Action,
    reason: Reason,
    differences: Vec<Difference>,
    executable: bool,
}

impl Decision {
    fn new(action: Action, code: &'static str, message: impl Into<String>) -> Self {
        let reason = Reason { code, message: message.into() };
        Self { action, reason, differences: Vec::new(), executable: true }
    }

    fn with(mut self, differences: Vec<Difference>) -> Self {
        self.differences = differences;
        self
    }

    fn shown_only(mut self) -> Self {
        self.executable = false;
        self
    }
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
        let is_unread = |value: &Value| match value {
            Value::Reference(reference) => {
                matches!(reference.to, To::Natural { .. })
                    && self.snapshot.collection(&resource.target, reference.section).is_none()
            }
            _ => false,
        };
        resource.requires.iter().any(|(address, _)| self.unread.contains(address))
            || resource.fields.iter().any(|(_, value)| is_unread(value))
    }

    fn step(&mut self, resource: &'a Resource) -> Option<Step> {
        let kind = self.registry.kind(resource.address.section)?;
        let section = kind.section();
        let declared = kind.declared()?;
        let facts = self.snapshot.targets.get(&resource.target)?;
        let collections = self.snapshot.collections.get(&resource.target)?;
        let mut found = api_problems(resource, section, facts);

        let mut identity = resource.identity.clone();
        let mut observed = None;
        let decision = match self.knowledge.resolve(resource) {
            Err(problems) => {
                let decision = Decision::new(Action::Blocked, "unresolved", first_line(&problems));
                found.extend(problems);
                decision
            }
            Ok(fields) => {
                identity = self.knowledge.identity(resource, &fields);
                let proposal = Proposal { address: &resource.address, identity: &identity, fields: &fields };
                let collection = collections.get(section.name)?;
                let objects = declared.recognise(proposal, collection, facts);
                match objects.as_slice() {
                    [_, _, ..] => {
                        found.push(ambiguous(resource, section, &identity, &objects));
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
                        let recognised_by = declared.recognised_by(proposal, facts);
                        decide(resource, section, &identity, &fields, observed, facts, recognised_by)
                    }
                }
            }
        };
        // A kind warns where only this one object is to be left alone.
        let forbids = |problem: &&Diagnostic| problem.severity == Severity::Warning && problem.code == Code::Blocked;
        let decision = match found.iter().find(forbids) {
            Some(warning) if decision.action == Action::Update => {
                let reason = Reason { code: "immutable", message: warning.message.clone() };
                Decision { action: Action::Blocked, reason, executable: true, ..decision }
            }
            _ => decision,
        };
        let decision = if let Some(error) = found.iter().find(|problem| problem.severity == Severity::Error)
            && decision.action != Action::Blocked
        {
            let reason = Reason { code: "refused", message: error.message.clone() };
            Decision { action: Action::Blocked, reason, executable: true, ..decision }
        } else {
            decision
        };
        self.problems.extend(found);
        if let Some(object) = observed.filter(|object| lasts(object)) {
            self.knowledge.learn(resource.address.clone(), Cow::Borrowed(object));
        }
        Some(Step {
            address: resource.address.clone(),
            target: Arc::clone(&resource.target),
            action: decision.action,
            reason: decision.reason,
            source: resource.span,
            identity,
            requires: resource.requires.iter().map(|(address, _)| address.clone()).collect(),
            changes: decision.differences.into_iter().map(|difference| change(resource, difference)).collect(),
            observed: observed.map(|object| Seen { id: Arc::clone(&object.id), version: object.version.clone() }),
            executable: decision.executable,
        })
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

fn decide(
    resource: &Resource,
    section: &'static Section,
    identity: &Identity,
    fields: &Fields,
    observed: Option<&Observed>,
    facts: &Facts,
    recognised_by: Option<String>,
) -> Decision {
    let Some(object) = observed else {
        let by = recognised_by.unwrap_or_else(|| in_words(identity));
        let message = format!("no {} {by}", section.singular);
        return Decision::new(Action::Create, "absent", message).with(creation(section, fields));
    };
    let ignored: Vec<&Path> = resource.lifecycle.ignore.iter().map(|path| &path.value).collect();
    let differences = diff(section, fields, &object.fields, &ignored);
    match &object.condition {
        Condition::InProgress { operation: Operation::Delete, .. } => {
            Decision::new(Action::Wait, "delete_in_progress", "it is being deleted; it can be created once it is gone")
                .shown_only()
        }
        Condition::InProgress { operation, .. } => {
            Decision::new(Action::Wait, "in_progress", format!("the remote is still at work on its {operation}"))
        }
        Condition::Failed { operation: Operation::Create, description } => {
            let mut words = description.as_ref().map(|words| format!(": {words}")).unwrap_or_default();
            Secrets::of(fields).take_out(&mut words);
            Decision::new(
                Action::Recover,
                "create_failed",
                format!("an earlier create failed and occupies the name{words}"),
            )
            .with(differences)
            .shown_only()
        }
        Condition::Ready | Condition::Failed { .. } => compare(resource, differences, facts),
    }
}

/// `with name db in space acme/production`.
fn in_words(identity: &Identity) -> String {
    let (outer, own) = identity.parts.split_at(identity.parts.len().saturating_sub(1));
    let own = own.iter().map(|(part, value)| format!("with {part} {value}"));
    let outer = outer.iter().map(|(part, value)| format!("in {part} {value}"));
    own.chain(outer).collect::<Vec<_>>().join(" ")
}

fn compare(resource: &Resource, differences: Vec<Difference>, facts: &Facts) -> Decision {
    let real = || differences.iter().filter(|difference| !difference.is_unverifiable());
    let count = real().count();
    if count == 0 {
        let reason = if differences.is_empty() { "nothing differs" } else { "nothing that can be compared differs" };
        return Decision::new(Action::Unchanged, "equal", reason).with(differences);
    }
    if let Some((path, because)) = real().find_map(|difference| Some((&difference.path, difference.immutable?))) {
        let message = format!("`{path}` cannot be changed in place: {because}");
        return Decision::new(Action::Blocked, "immutable", message).with(differences);
    }
    if resource.lifecycle.on_exists == OnExists::AdoptIfEqual {
        let message = format!(
            "it exists and {count} {}, and `on_exists: adopt_if_equal` forbids to update it",
            if count == 1 { "field differs" } else { "fields differ" }
        );
        return Decision::new(Action::Blocked, "not_equal", message).with(differences);
    }
    if let Some(because) = facts.read_only {
        let message = format!("it cannot be changed: {because}");
        return Decision::new(Action::Blocked, "read_only", message).with(differences);
    }
    let message =
        format!("{count} {} from what is declared", if count == 1 { "value differs" } else { "values differ" });
    Decision::new(Action::Update, "drift", message).with(differences).shown_only()
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

/// What the API that answers does not have.
fn api_problems(resource: &Resource, section: &'static Section, facts: &Facts) -> Vec<Diagnostic> {
    let lacks = |apis: &[&str]| !apis.is_empty() && !apis.contains(&facts.api);
    let mut problems = Vec::new();
    if lacks(section.apis) {
        problems.push(
            Diagnostic::error(Code::ApiMismatch, format!("`{}` has no {}", facts.api, section.name.replace('_', " ")))
                .at(resource.key_span, format!("target `{}` speaks `{}`", resource.target, facts.api))
                .help(format!(
                    "only `{}` can manage it: take this declaration out, and refer to what exists with `{{ {}: … }}`",
                    section.apis.join("`, `"),
                    section.id_name()
                ))
                .on(&resource.address),
        );
    }
    for (name, _) in resource.fields.iter() {
        let Some(field) = section.field(name) else { continue };
        if lacks(field.apis) {
            let path = Path::field(name);
            problems.push(
                Diagnostic::error(Code::ApiMismatch, format!("`{}` has no `{name}`", facts.api))
                    .at(
                        resource.places.key(&path).unwrap_or(resource.key_span),
                        format!("target `{}` speaks `{}`", resource.target, facts.api),
                    )
                    .help(format!("only `{}` has it: remove it", field.apis.join("`, `")))
                    .on(&resource.address),
            );
        }
    }
    problems
}

fn ambiguous(resource: &Resource, section: &'static Section, identity: &Identity, objects: &[&Observed]) -> Diagnostic {
    let listed = |word: &dyn Fn(&Observed) -> String| {
        objects.iter().map(|object| format!("`{}`", word(object))).collect::<Vec<_>>().join(", ")
    };
    let help = match section.key {
        // Recognised by something else than their names, which do tell them apart.
        [KeyPart { name, from: KeySource::FieldOrKey, .. }] if tell_apart(objects, name) => {
            let own = listed(&|object| object.identity.to_string());
            format!("they are {own}: write the `{name}` of the one that is meant")
        }
        _ => {
            let ids = listed(&|object| object.id.to_string());
            format!("they are {ids}; rename or remove all but one of them at the remote")
        }
    };
    Diagnostic::error(
        Code::AmbiguousName,
        format!("{} {} could be this one", objects.len(), section.name.replace('_', " ")),
    )
    .at(resource.key_span, format!("`{identity}` does not tell them apart"))
    .help(help)
    .on(&resource.address)
}

/// Whether the objects' own names, written as this field, would do.
fn tell_apart(objects: &[&Observed], name: &str) -> bool {
    let names: HashSet<_> = objects.iter().filter_map(|object| object.fields.text(name)).collect();
    names.len() == objects.len()
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
