//! The course of one step: the writes and waits it takes, one after the other.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::{Id, JoinError};

use super::attempt::{Attempt, Before, Task, Write, attempt};
use super::event::Event;
use super::executor::Run;
use super::ledger::Resolution;
use super::parts::Held;
use super::words;
use crate::diff::{Difference, Measure};
use crate::kind::{ErasedDeclared, Proposal};
use crate::model::{
    Code, Condition, Diagnostic, Fields, Identity, Lifecycle, Observed, OnExists, Operation, Path, Resource, Secrets,
    Section,
};
use crate::plan::Action;

/// A part of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leg {
    /// Wait for what the remote is at work on already.
    Attach(Operation),
    /// Write, and wait for it.
    Write(Operation),
    /// Wait for the parts of what is there.
    Parts,
}

/// A step that has been started.
pub(super) struct Started {
    pub(super) at: Timestamp,
    pub(super) fields: Arc<Fields>,
    identity: Identity,
    /// What is being done.
    pub(super) doing: Operation,
    /// Whether something of it has been written in this run.
    wrote: bool,
    /// What is to be done after that.
    then: VecDeque<Leg>,
    /// The object as it was before.
    pub(super) object: Option<Observed>,
    /// What of it is not done with its create.
    held: Option<Held>,
    /// Whether it was created and only a look tells so.
    found: bool,
    /// Whether that is gone.
    pub(super) deleted: bool,
    /// How long has been waited, all waits that have ended together.
    pub(super) waited: Duration,
}

impl<'a> Run<'a> {
    pub(super) fn resource(&self, step: usize) -> &'a Resource {
        &self.desired.resources[&self.plan.steps[step].address]
    }

    pub(super) fn kind(&self, at: usize) -> &'a dyn ErasedDeclared {
        let kind = self.registry.kind(self.plan.steps[at].address.section).expect("planned kinds are registered");
        kind.declared().expect("planned kinds can be declared")
    }

    fn measure(&self, at: usize) -> Measure<'_> {
        let started = &self.started[&at];
        let lifecycle = &self.resource(at).lifecycle;
        Measure { section: self.section(at), identity: &started.identity, fields: &started.fields, lifecycle }
    }

    /// The object that a step is about, as it was observed.
    pub(super) fn seen(&self, at: usize) -> Option<Observed> {
        let step = &self.plan.steps[at];
        let id = &step.observed.as_ref()?.id;
        self.snapshot.collection(&step.target, step.address.section)?.with_id(id).cloned()
    }

    /// Whether a left-over of a failed create can be dealt with, and if so by a create alone.
    pub(super) fn recovers(&self, at: usize) -> (bool, bool) {
        let Some(facts) = self.plan.targets.get(&self.plan.steps[at].target) else { return (false, false) };
        let abilities = self.kind(at).abilities(facts);
        (abilities.delete || abilities.create_over_failed, abilities.create_over_failed)
    }

    fn is_tombstone(&self, at: usize) -> bool {
        self.resource(at).lifecycle.absent.is_some()
    }

    fn legs(&self, at: usize, object: Option<&Observed>) -> VecDeque<Leg> {
        let create = Leg::Write(Operation::Create);
        let delete = Leg::Write(Operation::Delete);
        let legs = match self.plan.steps[at].action {
            Action::Create => vec![create],
            Action::Update => vec![Leg::Write(Operation::Update)],
            Action::Delete => match object.map(|object| &object.condition) {
                Some(Condition::InProgress { operation, .. }) if *operation != Operation::Delete => {
                    vec![Leg::Attach(*operation), delete]
                }
                _ => vec![delete],
            },
            Action::Recover if self.recovers(at).1 => vec![create],
            Action::Replace | Action::Recover => vec![delete, create],
            Action::Wait => match object.map(|object| &object.condition) {
                Some(Condition::InProgress { operation: Operation::Delete, .. }) if self.is_tombstone(at) => {
                    vec![Leg::Attach(Operation::Delete)]
                }
                Some(Condition::InProgress { operation: Operation::Delete, .. }) => {
                    vec![Leg::Attach(Operation::Delete), create]
                }
                Some(Condition::InProgress { operation, .. }) => vec![Leg::Attach(*operation)],
                _ => unreachable!("only what the remote is at work on is waited for"),
            },
            Action::Blocked | Action::Unchanged => unreachable!("settled without work"),
        };
        legs.into()
    }

    pub(super) fn start(&mut self, at: usize) {
        let step = &self.plan.steps[at];
        let resource = self.resource(at);
        (self.events)(Event::Start { address: step.address.clone(), action: step.action });
        let mut fields = match self.knowledge.resolve(resource) {
            Ok(fields) => Arc::new(fields),
            Err(problems) => return self.settle(at, Resolution::Failed, None, problems),
        };
        let object = self.seen_last(at);
        let mut then = self.legs(at, object.as_ref());
        let writes = then.iter().any(|leg| matches!(leg, Leg::Write(Operation::Create | Operation::Update)));
        // Before anything is deleted: what cannot be created anew stays.
        if writes && let Some((name, _)) = fields.iter().find(|(_, value)| value.has_unknown()) {
            let path = Path::field(name);
            let operation = if step.action == Action::Update { Operation::Update } else { Operation::Create };
            let problem = Diagnostic::error(
                Code::MalformedAnswer,
                format!("cannot {operation} `{}`: `{name}` is still not known", step.address),
            )
            .at(resource.places.value(&path), "the remote did not tell this value of what it created")
            .on(&step.address);
            return self.settle(at, Resolution::Failed, None, vec![problem]);
        }
        let identity = self.knowledge.identity(resource, &fields);
        let held = self.hold_back(at, &identity, &mut fields, &mut then);
        let started = Started {
            at: self.clock.now(),
            fields,
            identity,
            doing: Operation::Create,
            wrote: false,
            then,
            object,
            held,
            found: false,
            deleted: false,
            waited: Duration::ZERO,
        };
        self.started.insert(at, started);
        if matches!(step.action, Action::Update | Action::Replace) && self.needs_nothing(at) {
            return;
        }
        self.proceed(at);
    }

    /// Lets what is not to be met without its parts wait for them.
    fn hold_back(
        &self,
        at: usize,
        identity: &Identity,
        fields: &mut Arc<Fields>,
        legs: &mut VecDeque<Leg>,
    ) -> Option<Held> {
        let address = &self.plan.steps[at].address;
        if self.parts.of(at).is_empty() {
            return None;
        }
        let proposal = Proposal { address, identity, fields };
        let update = Leg::Write(Operation::Update);
        match legs.back() {
            Some(Leg::Write(Operation::Create)) => {
                let held = self.kind(at).held_back(proposal, None);
                if held.is_empty() {
                    return None;
                }
                legs.extend([Leg::Parts, update]);
                Some(Held::take(held, self.section(at), fields))
            }
            Some(Leg::Write(Operation::Update)) => {
                if !self.kind(at).held_back(proposal, self.seen(at).as_ref()).is_empty() {
                    legs.push_front(Leg::Parts);
                }
                None
            }
            _ => None,
        }
    }

    /// What a look for the object of a step is for: `the license with slug team`.
    pub(super) fn sought(&self, at: usize) -> String {
        let (step, started) = (&self.plan.steps[at], &self.started[&at]);
        let proposal = Proposal { address: &step.address, identity: &started.identity, fields: &started.fields };
        let facts = self.plan.targets.get(&step.target);
        let by = facts.and_then(|facts| self.kind(at).recognised_by(proposal, facts));
        let by = by.unwrap_or_else(|| started.identity.in_words());
        format!("the {} {by}", self.section(at).singular)
    }

    /// Tells how a step that goes on would end if the run ended now.
    pub(super) fn stand(&mut self, at: usize, resolution: Resolution, diagnostic: Diagnostic) {
        let address = self.plan.steps[at].address.clone();
        let id = self.started[&at].object.as_ref().map(|object| Arc::clone(&object.id));
        (self.events)(Event::Standing { address, resolution, id, diagnostic });
    }

    fn section(&self, at: usize) -> &'static Section {
        self.registry.section(self.plan.steps[at].address.section).expect("planned kinds are registered")
    }

    /// What is to be changed of an object: after its create, what was not done with it.
    pub(super) fn left(&self, at: usize, object: &Observed) -> Vec<Difference> {
        match &self.started[&at].held {
            Some(held) => held.left(self.measure(at), object),
            None => self.real_differences(at, object),
        }
    }

    /// With all values known, a difference may turn out to be none, or one that was not approved to be made so.
    fn needs_nothing(&mut self, at: usize) -> bool {
        let object = self.started[&at].object.clone().expect("what is changed has been observed");
        let real: Vec<Difference> = self.real_differences(at, &object);
        if real.is_empty() {
            self.complete(at, object);
            return true;
        }
        let immutable = real.iter().find_map(|difference| Some((difference, difference.immutable?)));
        if self.plan.steps[at].action == Action::Update
            && let Some((difference, because)) = immutable
        {
            let problem = words::not_in_place(difference, because, self.resource(at));
            self.settle(at, Resolution::Blocked, Some(object.id), vec![problem]);
            return true;
        }
        false
    }

    fn real_differences(&self, at: usize, object: &Observed) -> Vec<Difference> {
        let mut differences = self.measure(at).to_send(object);
        differences.retain(|difference| !difference.is_unverifiable());
        differences
    }

    /// Begins the next part of a step.
    pub(super) fn proceed(&mut self, at: usize) {
        let step = &self.plan.steps[at];
        let started = self.started.get_mut(&at).expect("what goes on has been started");
        let leg = started.then.pop_front().expect("somebody looked whether there is more to do");
        let object = started.object.clone();
        let operation = match leg {
            Leg::Attach(operation) => {
                started.doing = operation;
                return self.wait(at, object.expect("what is waited for has been observed"));
            }
            Leg::Parts => return self.wait_for_parts(at, object.expect("it has been observed, or created")),
            Leg::Write(operation) => operation,
        };
        started.doing = operation;
        let nothing = |object: &Observed| operation == Operation::Update && self.left(at, object).is_empty();
        if let Some(object) = object.as_ref().filter(|object| nothing(object)) {
            return self.complete(at, object.clone());
        }
        let started = self.started.get_mut(&at).expect("what goes on has been started");
        started.wrote = true;
        let observed = || object.clone().expect("what is changed or deleted has been observed");
        let write = match operation {
            Operation::Create => {
                let gone = started.deleted;
                Write::Create { before: object.as_ref().map(|object| Before { id: Arc::clone(&object.id), gone }) }
            }
            Operation::Update => {
                let object = observed();
                Write::Update { changes: self.left(at, &object), object }
            }
            Operation::Delete => {
                let along = self.resource(at).lifecycle.consent.cascade;
                Write::Delete { object: observed(), along }
            }
        };
        let started = &self.started[&at];
        let fields = match &started.held {
            Some(held) if operation == Operation::Create => Arc::clone(&held.meanwhile),
            _ => Arc::clone(&started.fields),
        };
        let lifecycle = match &started.held {
            Some(_) => Lifecycle::default(),
            None => self.resource(at).lifecycle.clone(),
        };
        let task = Task {
            kind: Arc::clone(self.registry.kind(step.address.section).expect("planned kinds are registered")),
            session: Arc::clone(&self.sessions[&step.target]),
            address: step.address.clone(),
            identity: started.identity.clone(),
            fields,
            lifecycle,
            clock: self.clock.clone(),
            write,
        };
        self.stand(at, Resolution::Unknown, words::interrupted(operation, &self.sought(at), self.resource(at)));
        let handle = self.running.spawn(attempt(task));
        self.tasks.insert(handle.id(), at);
    }

    pub(super) fn attempted(&mut self, joined: Result<(Id, Attempt), JoinError>) {
        let (id, attempt) = match joined {
            Ok((id, attempt)) => (id, Some(attempt)),
            Err(error) => (error.id(), None),
        };
        let Some(at) = self.tasks.remove(&id) else { return };
        let (operation, resource) = (self.started[&at].doing, self.resource(at));
        let (resolution, diagnostic) = match attempt {
            Some(Attempt::Taken(object)) => return self.taken(at, object),
            Some(Attempt::Found(object)) => {
                self.started.get_mut(&at).expect("what goes on has been started").found = true;
                return self.taken(at, Some(object));
            }
            Some(Attempt::Failed(error)) => (Resolution::Failed, words::refused(&error, operation, resource)),
            Some(Attempt::Unknown { error, looked }) => {
                (Resolution::Unknown, words::uncertain(&error, looked, operation, &self.sought(at), resource))
            }
            None => (Resolution::Unknown, words::defect(operation, &self.sought(at), resource)),
        };
        self.end(at, resolution, None, diagnostic);
    }

    /// How things stand after a write or a look.
    pub(super) fn taken(&mut self, at: usize, object: Option<Observed>) {
        let doing = self.started[&at].doing;
        let Some(object) = object else {
            if doing == Operation::Delete || self.is_tombstone(at) {
                return self.deleted(at);
            }
            let id = self.started[&at].object.as_ref().map(|object| Arc::clone(&object.id));
            return self.end(at, Resolution::Failed, id, words::gone(self.resource(at)));
        };
        match &object.condition {
            Condition::InProgress { .. } => self.wait(at, object),
            // However that has ended: it is to go.
            Condition::Ready | Condition::Failed { .. } if doing != Operation::Delete && self.is_tombstone(at) => {
                self.started.get_mut(&at).expect("what goes on has been started").object = Some(object);
                self.stand(at, Resolution::Waiting, words::not_deleted_yet(self.resource(at)));
                self.resumed.push_back(at);
            }
            Condition::Failed { operation, description } if *operation == doing && !self.is_as_wanted(at, &object) => {
                let description = description.clone();
                self.operation_failed(at, object, description.as_deref());
            }
            // Somebody else's update of what a failed create left cannot make it one that was created.
            Condition::Failed { operation: Operation::Create, description } if doing == Operation::Update => {
                let description = description.clone();
                self.operation_failed(at, object, description.as_deref());
            }
            Condition::Ready | Condition::Failed { .. } if doing == Operation::Delete => {
                self.end(at, Resolution::Failed, Some(Arc::clone(&object.id)), words::still_there(self.resource(at)));
            }
            Condition::Ready | Condition::Failed { .. } => self.complete(at, object),
        }
    }

    /// Whether an update that the remote says has failed changed all the same what it should: the remote can be telling of
    /// an earlier one.
    fn is_as_wanted(&self, at: usize, object: &Observed) -> bool {
        self.started[&at].doing == Operation::Update && self.real_differences(at, object).is_empty()
    }

    fn operation_failed(&mut self, at: usize, object: Observed, words: Option<&str>) {
        let doing = self.started[&at].doing;
        let mut words = words.map(str::to_owned);
        if let Some(words) = &mut words {
            Secrets::of(&self.started[&at].fields).take_out(words);
        }
        let diagnostic = words::operation_failed(doing, words.as_deref(), self.recovers(at).0, self.resource(at));
        self.end(at, Resolution::Failed, Some(object.id), diagnostic);
    }

    /// What was to go is gone.
    fn deleted(&mut self, at: usize) {
        let now = self.clock.now();
        let started = self.started.get_mut(&at).expect("what goes on has been started");
        started.deleted = true;
        if started.then.iter().all(|leg| *leg == Leg::Write(Operation::Delete)) {
            let id = started.object.as_ref().map(|object| Arc::clone(&object.id));
            return self.settle(at, Resolution::Done, id, Vec::new());
        }
        let step = &self.plan.steps[at];
        let (address, action, elapsed) = (step.address.clone(), step.action, self.elapsed(at, now));
        let description = Some("gone; it is created anew".to_owned());
        (self.events)(Event::Progress { address, action, elapsed, description });
        self.stand(at, Resolution::Waiting, words::not_created_yet(self.resource(at)));
        self.resumed.push_back(at);
    }

    /// Compares what is there with what was wanted, and goes on to what requires it.
    fn complete(&mut self, at: usize, object: Observed) {
        let resource = self.resource(at);
        if self.is_unfinished(at, &object) {
            let section = self.section(at);
            let started = self.started.get_mut(&at).expect("what goes on has been started");
            started.held = Some(Held::everything(started.held.take(), section, &started.fields));
            // With parts, there is an update after them already.
            if started.then.is_empty() {
                started.then.push_back(Leg::Write(Operation::Update));
                started.object = Some(object);
                started.deleted = false;
                self.stand_held_back(at);
                return self.resumed.push_back(at);
            }
        }
        let started = self.started.get_mut(&at).expect("what goes on has been started");
        if started.then.front() == Some(&Leg::Parts) {
            started.object = Some(object);
            started.deleted = false;
            return self.proceed(at);
        }
        let wrote = started.wrote;
        let differences = self.measure(at).differences(&object);
        let differing = differences.iter().filter(|difference| !difference.is_unverifiable());
        let tell = if wrote { words::not_converged } else { words::not_as_declared };
        let problems = differing.map(|difference| tell(resource, difference)).collect();
        let id = Arc::clone(&object.id);
        self.knowledge.learn(resource.address.clone(), Cow::Owned(object));
        self.settle(at, Resolution::Done, Some(id), problems);
    }

    /// Whether an object that was found after the answer to its create was lost is not as declared, and an update may make
    /// it so: creates can take several requests, and the lost answer need not be the last one's.
    fn is_unfinished(&mut self, at: usize, object: &Observed) -> bool {
        let started = self.started.get_mut(&at).expect("what goes on has been started");
        if !std::mem::take(&mut started.found) || self.resource(at).lifecycle.on_exists == OnExists::AdoptIfEqual {
            return false;
        }
        let able = self
            .plan
            .targets
            .get(&self.plan.steps[at].target)
            .is_some_and(|facts| self.kind(at).abilities(facts).update);
        let lifecycle = Lifecycle::default();
        let mut left = Measure { lifecycle: &lifecycle, ..self.measure(at) }.differences(object);
        left.retain(|difference| !difference.is_unverifiable());
        able && !left.is_empty() && left.iter().all(|difference| difference.immutable.is_none())
    }

    /// Ends a step that did not come to its end.
    pub(super) fn end(
        &mut self,
        at: usize,
        resolution: Resolution,
        id: Option<crate::model::RemoteId>,
        diagnostic: Diagnostic,
    ) {
        let deleted = self.started[&at].deleted;
        let diagnostic = if deleted { words::deleted_only(diagnostic) } else { diagnostic };
        self.settle(at, resolution, id, vec![diagnostic]);
    }
}
