//! Operations on instances and bindings from their begin at the broker to their end, and the jobs of v3 that follow them.

use jiff::Timestamp;
use serde_json::Value;

use super::broker::Course;
use super::errors::{Error, Failure};
use super::store::{Change, Instance, LastOperation, OperationKind, OperationState, Store};
use super::table::Id;
use super::work::credentials;

impl Store {
    /// Begins an operation at the broker, which a job of v3 may follow. The one it takes the place of is over.
    pub(super) fn begin_operation(
        &mut self,
        id: Id,
        operation: LastOperation,
        pending: (Course, Change),
        job: Option<Id>,
    ) {
        self.abandon_job(id, operation.kind);
        if let Some(job) = job {
            self.poll_pollable_job(job, operation.updated_at);
        }
        self.change_instance(id, |instance| {
            if let Some(managed) = instance.managed_mut() {
                managed.operation = operation;
                managed.pending = Some(pending);
                managed.job = job;
            }
        });
    }

    /// Takes note that an instance could not be deleted. What ran before is over.
    pub(super) fn fail_deletion(&mut self, id: Id, description: &str, now: Timestamp) {
        self.abandon_job(id, OperationKind::Delete);
        self.change_instance(id, |instance| {
            if let Some(managed) = instance.managed_mut() {
                managed.operation = LastOperation::new(OperationKind::Delete, OperationState::Failed, description, now);
                managed.pending = None;
            }
        });
    }

    /// A job whose operation is replaced by another one fails, and says by which.
    fn abandon_job(&mut self, id: Id, by: OperationKind) {
        let managed = self.instances.get_mut(id).and_then(Instance::managed_mut);
        if let Some((kind, job)) = managed.and_then(|managed| Some((managed.operation.kind, managed.job.take()?))) {
            let cause = format!("{} in progress", by.verb());
            self.fail_pollable_job(job, &Error::UnableToPerform.with(&[kind.verb(), &cause]));
        }
    }

    /// Ends an operation that has run its course, and the job that followed it.
    pub(super) fn end_operation(&mut self, id: Id) {
        let Some(row) = self.instances.get(id) else { return };
        let Some(managed) = row.managed() else { return };
        let Some((course, change)) = managed.pending.clone() else { return };
        let Some(at) = course.ends_at else { return };
        let (kind, job) = (managed.operation.kind, managed.job);
        let taken =
            change.name.as_ref().filter(|name| self.index.holder(&row.space_guid, name).is_some_and(|h| h != id));
        let failure = match (&course.failure, taken) {
            (Some(description), _) => Some(description.clone()),
            (None, Some(name)) => Some(Error::ServiceInstanceNameTaken.with(&[name]).description),
            (None, None) => None,
        };
        let errors: Vec<Value> = failure
            .iter()
            .map(|description| {
                if course.timed_out {
                    Failure::from(Error::JobTimeout).v3_error()
                } else {
                    Error::UnableToPerform.with(&[kind.asynchronous(), description]).v3_error()
                }
            })
            .collect();
        self.change_instance(id, |instance| {
            if let Some(managed) = instance.managed_mut() {
                (managed.pending, managed.job) = (None, None);
                let state = if failure.is_some() { OperationState::Failed } else { OperationState::Succeeded };
                let held = managed.operation.description.clone();
                managed.operation.become_state(state, failure.as_deref().unwrap_or(&held), at);
            }
            if failure.is_none() {
                instance.apply(change, at);
            }
        });
        if failure.is_none() && kind == OperationKind::Delete {
            self.remove_instance(id);
        }
        if let Some(job) = job {
            self.end_pollable_job(job, errors, at);
        }
    }

    /// Begins to make or delete a binding at the broker, which a job of v3 may follow.
    pub(super) fn begin_binding_operation(
        &mut self,
        id: Id,
        kind: OperationKind,
        course: Course,
        job: Option<Id>,
        at: Timestamp,
    ) {
        if let Some(job) = job {
            self.poll_pollable_job(job, at);
        }
        self.change_binding(id, |binding| {
            match &mut binding.operation {
                Some(operation) if operation.kind == kind => operation.become_state(OperationState::InProgress, "", at),
                operation => *operation = Some(LastOperation::new(kind, OperationState::InProgress, "", at)),
            }
            (binding.pending, binding.job) = (Some(course), job);
        });
    }

    /// Ends an operation on a binding that has run its course, and the job that followed it.
    pub(super) fn end_binding_operation(&mut self, id: Id) {
        let Some(row) = self.bindings.get(id) else { return };
        let (Some(Course { ends_at: Some(at), failure, timed_out, .. }), Some(operation)) =
            (row.pending.clone(), &row.operation)
        else {
            return;
        };
        let (kind, job) = (operation.kind, row.job);
        let verb = if kind == OperationKind::Delete { "unbind" } else { "bind" };
        let errors = failure.iter().map(|description| {
            if timed_out {
                Failure::from(Error::JobTimeout).v3_error()
            } else {
                Error::UnableToPerform.with(&[verb, description]).v3_error()
            }
        });
        let errors: Vec<Value> = errors.collect();
        self.conclude_binding(id, failure.as_deref(), at);
        if failure.is_none() && kind == OperationKind::Delete {
            self.remove_binding(id);
        }
        if let Some(job) = job {
            self.end_pollable_job(job, errors, at);
        }
    }

    /// Writes down how the making or deleting of a binding ended.
    pub(super) fn conclude_binding(&mut self, id: Id, failure: Option<&str>, at: Timestamp) {
        self.change_binding(id, |binding| {
            (binding.pending, binding.job) = (None, None);
            if failure.is_none() {
                binding.credentials = credentials(&binding.guid);
            }
            if let Some(operation) = &mut binding.operation {
                let state = if failure.is_some() { OperationState::Failed } else { OperationState::Succeeded };
                operation.become_state(state, failure.unwrap_or_default(), at);
            }
        });
    }

    /// Ends, well or not, what the broker was told to keep in progress: of the instances of one name and their bindings, or
    /// of all.
    pub(super) fn release(&mut self, name: Option<&str>, failure: Option<&str>, now: Timestamp) -> usize {
        let bindings: Vec<Id> = self
            .bindings
            .iter()
            .filter(|binding| {
                let instance = self.instances.by_guid(&binding.instance_guid);
                binding.pending.is_some() && name.is_none_or(|name| instance.is_some_and(|row| row.name == name))
            })
            .map(|binding| binding.id)
            .collect();
        for &id in &bindings {
            self.cut_binding_short(id, failure, now);
        }
        let instances = name.map_or(self.index.instances(), |name| self.index.instances_named(name));
        let is_pending =
            |id: &Id| self.instances.get(*id).and_then(Instance::managed).is_some_and(|m| m.pending.is_some());
        let pending: Vec<Id> = instances.managed.iter().copied().filter(is_pending).collect();
        for &id in &pending {
            self.cut_short(id, failure, now);
        }
        bindings.len() + pending.len()
    }

    /// Lets an operation on a binding end now.
    fn cut_binding_short(&mut self, id: Id, failure: Option<&str>, now: Timestamp) {
        self.change_binding(id, |binding| binding.pending = Some(Course::ending(now, failure)));
        self.end_binding_operation(id);
    }

    /// Lets an operation end now.
    fn cut_short(&mut self, id: Id, failure: Option<&str>, now: Timestamp) {
        self.change_instance(id, |instance| {
            if let Some((course, _)) = instance.managed_mut().and_then(|managed| managed.pending.as_mut()) {
                *course = Course::ending(now, failure);
            }
        });
        self.end_operation(id);
    }

    /// Somebody looks at an instance: an operation that ends after so many looks is one look nearer to its end.
    pub(super) fn look_at(&mut self, id: Id, now: Timestamp) {
        let mut over = None;
        self.change_instance(id, |instance| {
            if let Some((course, _)) = instance.managed_mut().and_then(|managed| managed.pending.as_mut())
                && course.is_over_at_this_look()
            {
                over = Some(course.failure.clone());
            }
        });
        if let Some(failure) = over {
            self.cut_short(id, failure.as_deref(), now);
        }
    }

    /// Somebody looks at a binding, as [`Store::look_at`] an instance.
    pub(super) fn look_at_binding(&mut self, id: Id, now: Timestamp) {
        let mut over = None;
        self.change_binding(id, |binding| {
            if let Some(course) = &mut binding.pending
                && course.is_over_at_this_look()
            {
                over = Some(course.failure.clone());
            }
        });
        if let Some(failure) = over {
            self.cut_binding_short(id, failure.as_deref(), now);
        }
    }
}

impl OperationKind {
    pub(super) fn verb(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    /// What a job calls an operation that the broker accepted and failed later (section 10.1).
    fn asynchronous(self) -> &'static str {
        if self == Self::Create { "create managed" } else { self.verb() }
    }
}
