//! What jobs of v3 do when they are picked up (reference section 10.1).

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::broker::Answer;
use super::errors::{Error, Failure};
use super::marketplace::BrokerStep;
use super::removal::{self, Removal};
use super::store::{Binding, Change, LastOperation, OperationKind, OperationState, Plan, Work};
use super::table::Id;
use super::world::World;

/// How far a job got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Over,
    /// It follows the operation at the broker, and ends with it.
    Polling,
}

/// Does what a job is there for. It is over then, unless the broker takes its time.
pub(super) fn run(world: &mut World, job: Id, at: Timestamp) {
    let Some(work) = world.store.begin_pollable_job(job) else { return };
    let progress = match work {
        Work::Delete(deletion) => removal::delete(world, &deletion, at).map(|()| Progress::Over),
        Work::Provision { instance } => provision(world, job, &instance, at),
        Work::Update { instance, change } => update(world, job, &instance, change, at),
        Work::Deprovision { instance } => deprovision(world, job, &instance, at),
        Work::Bind { binding } => bind(world, job, &binding, at),
        Work::Unbind { binding } => unbind(world, job, &binding, at),
    };
    match progress {
        Ok(Progress::Polling) => {}
        Ok(Progress::Over) => world.store.end_pollable_job(job, Vec::new(), at),
        Err(failure) => world.store.end_pollable_job(job, vec![failure.v3_error()], at),
    }
}

/// A broker's refusal as a job words it. What is an error of the Cloud Controller already stays what it is.
fn unable(verb: &str, failure: Failure) -> Failure {
    if failure.code == 10001 { Error::UnableToPerform.with(&[verb, &failure.description]) } else { failure }
}

/// The managed instance of a job, with its plan, its name, and the operation it is in.
struct Target<'a> {
    id: Id,
    name: String,
    plan: &'a Plan,
    operation: LastOperation,
}

fn target<'a>(world: &'a World, guid: &str, kind: OperationKind) -> Result<Target<'a>, Failure> {
    let row = world.store.instances.by_guid(guid);
    let found = row.and_then(|row| row.managed().map(|managed| (row, managed)));
    let (row, managed) = found.ok_or_else(|| Error::ServiceInstanceNotFound.with(&[guid]))?;
    if managed.operation.kind != kind {
        let cause = format!("{} in progress", managed.operation.kind.verb());
        return Err(Error::UnableToPerform.with(&[kind.verb(), &cause]));
    }
    let plan = world.store.plans.by_guid(&managed.plan_guid).expect("a plan stays while it has instances");
    Ok(Target { id: row.id, name: row.name.clone(), plan, operation: managed.operation.clone() })
}

fn provision(world: &mut World, job: Id, guid: &str, at: Timestamp) -> Result<Progress, Failure> {
    let Target { id, name, plan, operation } = target(world, guid, OperationKind::Create)?;
    let answer = world.ask(plan, &name, BrokerStep::Provision, true, at);
    conclude(world, job, id, operation, Change::default(), answer, at).map_err(|failure| unable("provision", failure))
}

fn update(world: &mut World, job: Id, guid: &str, change: Change, at: Timestamp) -> Result<Progress, Failure> {
    let Target { id, name, plan, operation } = target(world, guid, OperationKind::Update)?;
    let answer = world.ask(plan, &name, BrokerStep::Update, true, at);
    conclude(world, job, id, operation, change, answer, at).map_err(|failure| unable("update", failure))
}

/// Writes down what the broker answered.
fn conclude(
    world: &mut World,
    job: Id,
    id: Id,
    mut operation: LastOperation,
    change: Change,
    answer: Result<Answer, Failure>,
    at: Timestamp,
) -> Result<Progress, Failure> {
    match answer {
        Ok(Answer::InProgress(course)) => {
            operation.become_state(OperationState::InProgress, "", at);
            world.store.begin_operation(id, operation, (course, change), Some(job));
            Ok(Progress::Polling)
        }
        Ok(Answer::Done) => {
            operation.become_state(OperationState::Succeeded, "", at);
            world.store.change_instance(id, |instance| {
                if let Some(managed) = instance.managed_mut() {
                    managed.operation = operation;
                }
                instance.apply(change, at);
            });
            Ok(Progress::Over)
        }
        Err(failure) => {
            operation.become_state(OperationState::Failed, &failure.description, at);
            world.store.change_instance(id, |instance| {
                if let Some(managed) = instance.managed_mut() {
                    managed.operation = operation;
                }
            });
            Err(failure)
        }
    }
}

/// What is gone already needs no deleting.
fn deprovision(world: &mut World, job: Id, guid: &str, at: Timestamp) -> Result<Progress, Failure> {
    let Some(id) = world.store.instances.by_guid(guid).map(|row| row.id) else { return Ok(Progress::Over) };
    removal::refuse_busy(world, id)?;
    let removal =
        removal::detach(world, id, true, at).and_then(|()| removal::deprovision(world, id, true, Some(job), at));
    match removal {
        Ok(Removal::Gone) => Ok(Progress::Over),
        Ok(Removal::InProgress) => Ok(Progress::Polling),
        Err(failure) => {
            world.store.fail_deletion(id, &failure.description, at);
            Err(unable("delete", failure))
        }
    }
}

/// What a broker of the sandbox hands out for a binding.
pub(super) fn credentials(guid: &str) -> Map<String, Value> {
    Map::from_iter([
        ("username".to_owned(), json!(format!("user-{guid}"))),
        ("password".to_owned(), json!(format!("password-{guid}"))),
    ])
}

fn bind(world: &mut World, job: Id, guid: &str, at: Timestamp) -> Result<Progress, Failure> {
    let binding = world.store.bindings.by_guid(guid).ok_or_else(|| not_found(guid))?;
    let id = binding.id;
    match ask_about_binding(world, binding, BrokerStep::Bind, true, at) {
        Ok(Answer::InProgress(course)) => {
            world.store.begin_binding_operation(id, OperationKind::Create, course, Some(job), at);
            Ok(Progress::Polling)
        }
        Ok(Answer::Done) => {
            world.store.conclude_binding(id, None, at);
            Ok(Progress::Over)
        }
        Err(failure) => {
            world.store.conclude_binding(id, Some(&failure.description), at);
            Err(unable("bind", failure))
        }
    }
}

fn unbind(world: &mut World, job: Id, guid: &str, at: Timestamp) -> Result<Progress, Failure> {
    let Some(binding) = world.store.bindings.by_guid(guid) else { return Ok(Progress::Over) };
    let id = binding.id;
    match ask_about_binding(world, binding, BrokerStep::Unbind, true, at) {
        Ok(Answer::InProgress(course)) => {
            world.store.begin_binding_operation(id, OperationKind::Delete, course, Some(job), at);
            Ok(Progress::Polling)
        }
        Ok(Answer::Done) => {
            world.store.remove_binding(id);
            Ok(Progress::Over)
        }
        Err(failure) => {
            let failed = LastOperation::new(OperationKind::Delete, OperationState::Failed, &failure.description, at);
            world.store.change_binding(id, |binding| binding.operation = Some(failed));
            Err(unable("unbind", failure))
        }
    }
}

pub(super) fn ask_about_binding(
    world: &World,
    binding: &Binding,
    step: BrokerStep,
    accepts_incomplete: bool,
    at: Timestamp,
) -> Result<Answer, Failure> {
    let instance = world.store.instances.by_guid(&binding.instance_guid).expect("a binding goes with its instance");
    let plan = instance.managed().and_then(|managed| world.store.plans.by_guid(&managed.plan_guid));
    plan.map_or(Ok(Answer::Done), |plan| world.ask(plan, &instance.name, step, accepts_incomplete, at))
}

fn not_found(guid: &str) -> Failure {
    Error::ResourceNotFound.with(&[&format!("The binding could not be found: {guid}")])
}
