//! Deleting instances, spaces and organizations, with what hangs on them; and what stands in the way.

use jiff::Timestamp;

use super::broker::Answer;
use super::errors::{Error, Failure};
use super::marketplace::BrokerStep;
use super::store::{
    Binding, Change, Deletion, Instance, InstanceKind, LastOperation, OperationKind, OperationState, Store,
};
use super::table::Id;
use super::work::ask_about_binding;
use super::world::World;

/// How a delete went that was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Removal {
    Gone,
    InProgress,
}

/// Does what a background job was asked to. Jobs never accept incomplete operations.
pub(super) fn delete(world: &mut World, deletion: &Deletion, now: Timestamp) -> Result<(), Failure> {
    match deletion {
        Deletion::Instance { guid, recursive } => match world.store.instances.by_guid(guid).map(|row| row.id) {
            Some(id) => delete_instance(world, id, false, *recursive, now).map(|_| ()),
            None => Ok(()),
        },
        Deletion::Space { guid, recursive } => match world.store.spaces.by_guid(guid).map(|row| row.id) {
            Some(id) => delete_space(world, id, *recursive, now),
            None => Ok(()),
        },
        Deletion::Organization { guid, recursive } => match world.store.organizations.by_guid(guid).map(|r| r.id) {
            Some(id) => delete_organization(world, id, *recursive, now),
            None => Ok(()),
        },
    }
}

/// Refuses if something hangs on the instance that only a recursive delete would take along.
pub(super) fn refuse_attached(world: &World, id: Id) -> Result<(), Failure> {
    let instance = world.store.instances.get(id).expect("the id was read under the same lock");
    if !instance.shared_to.is_empty() {
        return Err(Error::ServiceInstanceDeletionSharesExists.with(&[&instance.name]));
    }
    if !world.store.index.bindings_of(&instance.guid).is_empty() {
        return Err(
            Error::AssociationNotEmpty.with(&["service_bindings, service_keys, and routes", "service_instances"])
        );
    }
    Ok(())
}

/// Refuses while an operation runs that a delete does not cancel: only a create that has begun can be (section 11.4).
pub(super) fn refuse_busy(world: &World, id: Id) -> Result<(), Failure> {
    let instance = world.store.instances.get(id).expect("the id was read under the same lock");
    if instance.busy().is_none() || instance.is(OperationKind::Create, OperationState::InProgress) {
        return Ok(());
    }
    Err(Error::AsyncServiceInstanceOperationInProgress.with(&[&instance.name]))
}

/// Deletes an instance at the broker, and here once the broker is done.
pub(super) fn delete_instance(
    world: &mut World,
    id: Id,
    accepts_incomplete: bool,
    recursive: bool,
    now: Timestamp,
) -> Result<Removal, Failure> {
    let instance = world.store.instances.get(id).expect("the id was read under the same lock");
    let name = instance.name.clone();
    if !recursive {
        refuse_attached(world, id)?;
    }
    refuse_busy(world, id)?;
    if recursive {
        detach(world, id, false, now).map_err(|failure| {
            let child = format!("\t{}", failure.description);
            Error::ServiceInstanceRecursiveDeleteFailed.with(&[&name, &child])
        })?;
    }
    deprovision(world, id, accepts_incomplete, None, now)
}

/// Deletes the bindings of an instance, and shares it no more. What the broker takes its time to unbind stops it, and goes
/// on all the same (section 11.2).
pub(super) fn detach(world: &mut World, id: Id, accepts_incomplete: bool, now: Timestamp) -> Result<(), Failure> {
    let instance = world.store.instances.get(id).expect("the id was read under the same lock");
    let (guid, name) = (instance.guid.clone(), instance.name.clone());
    let mut trouble = None;
    for id in world.store.index.bindings_of(&guid).to_vec() {
        let binding = world.store.bindings.get(id).expect("it is in the index");
        let in_progress = binding_in_progress(binding, &name);
        if binding.busy() == Some(OperationKind::Delete) {
            trouble.get_or_insert(in_progress);
            continue;
        }
        match ask_about_binding(world, binding, BrokerStep::Unbind, accepts_incomplete, now)? {
            Answer::Done => world.store.remove_binding(id),
            Answer::InProgress(course) => {
                world.store.begin_binding_operation(id, OperationKind::Delete, course, None, now);
                trouble.get_or_insert(in_progress);
            }
        }
    }
    if let Some(trouble) = trouble {
        return Err(trouble);
    }
    world.store.change_instance(id, |instance| instance.shared_to.clear());
    Ok(())
}

/// What stands in the way while a binding is made or deleted.
fn binding_in_progress(binding: &Binding, instance: &str) -> Failure {
    let error = Error::AsyncServiceBindingOperationInProgress;
    if let Some(app) = &binding.app {
        return error.with(&[&app.name, instance]);
    }
    let description = format!("An operation for service key {} is in progress.", binding.name);
    Failure { description, ..error.into() }
}

/// Refuses to change an instance to which an app is being bound, or no longer (section 9).
pub(super) fn refuse_binding(store: &Store, instance: &Instance) -> Result<(), Failure> {
    let bindings = store.index.bindings_of(&instance.guid).iter().filter_map(|&id| store.bindings.get(id));
    let busy = bindings.filter(|binding| !binding.is_key()).find(|binding| binding.busy().is_some());
    busy.map_or(Ok(()), |binding| Err(binding_in_progress(binding, &instance.name)))
}

/// Asks the broker to delete a managed instance, which a job of v3 may follow.
pub(super) fn deprovision(
    world: &mut World,
    id: Id,
    accepts_incomplete: bool,
    job: Option<Id>,
    now: Timestamp,
) -> Result<Removal, Failure> {
    let instance = world.store.instances.get(id).expect("the id was read under the same lock");
    let InstanceKind::Managed(managed) = &instance.kind else {
        world.store.remove_instance(id);
        return Ok(Removal::Gone);
    };
    let plan = world.store.plans.by_guid(&managed.plan_guid).expect("a plan stays while it has instances");
    match world.ask(plan, &instance.name, BrokerStep::Deprovision, accepts_incomplete, now) {
        Ok(Answer::Done) => {
            world.store.remove_instance(id);
            Ok(Removal::Gone)
        }
        Ok(Answer::InProgress(course)) => {
            let operation = LastOperation::new(OperationKind::Delete, OperationState::InProgress, "", now);
            world.store.begin_operation(id, operation, (course, Change::default()), job);
            Ok(Removal::InProgress)
        }
        Err(mut failure) => {
            failure.description = format!("Service instance {}: {}", instance.name, failure.description);
            world.store.fail_deletion(id, &failure.description, now);
            Err(failure)
        }
    }
}

/// Deletes a space. What is still going on inside when it returns an error goes on.
pub(super) fn delete_space(world: &mut World, id: Id, recursive: bool, now: Timestamp) -> Result<(), Failure> {
    let space = world.store.spaces.get(id).expect("the id was read under the same lock");
    let (name, instances) = (space.name.clone(), world.store.index.instances_in(&space.guid).all.clone());
    if !recursive && !instances.is_empty() {
        return Err(Error::NonrecursiveSpaceDeletionFailed.with(&[&name]));
    }
    let mut troubles = Vec::new();
    for instance in instances {
        let label = world.store.instances.get(instance).map(|row| row.name.clone()).unwrap_or_default();
        match delete_instance(world, instance, true, true, now) {
            Ok(Removal::Gone) => {}
            Ok(Removal::InProgress) => {
                troubles.push(Error::AsyncServiceInstanceOperationInProgress.with(&[&label]).description);
            }
            Err(failure) => troubles.push(failure.description),
        }
    }
    if troubles.is_empty() {
        world.store.remove_space(id);
        Ok(())
    } else {
        Err(Error::SpaceDeletionFailed.with(&[&name, &indented(&troubles)]))
    }
}

/// Deletes an organization, all its spaces first.
pub(super) fn delete_organization(world: &mut World, id: Id, recursive: bool, now: Timestamp) -> Result<(), Failure> {
    let organization = world.store.organizations.get(id).expect("the id was read under the same lock");
    let (name, spaces) = (organization.name.clone(), world.store.index.spaces_of(&organization.guid).to_vec());
    if !recursive && !spaces.is_empty() {
        return Err(Error::AssociationNotEmpty.with(&["spaces", "organizations"]));
    }
    let mut troubles = Vec::new();
    for space in spaces {
        if let Err(failure) = delete_space(world, space, true, now) {
            troubles.push(failure.description);
        }
    }
    if troubles.is_empty() {
        world.store.remove_organization(id);
        Ok(())
    } else {
        Err(Error::OrganizationDeletionFailed.with(&[&name, &indented(&troubles)]))
    }
}

fn indented(troubles: &[String]) -> String {
    troubles.iter().map(|trouble| format!("\t{}", trouble.replace('\n', "\n\t"))).collect::<Vec<_>>().join("\n\n")
}
