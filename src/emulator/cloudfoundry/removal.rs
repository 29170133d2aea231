//! Deleting instances, spaces and organizations, with what hangs on them.

use jiff::Timestamp;

use super::broker::{self, Answer};
use super::errors::{Error, Failure};
use super::marketplace::BrokerStep;
use super::store::{Change, Deletion, InstanceKind, LastOperation, OperationKind, OperationState};
use super::table::Id;
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
    if !world.store.index.keys_of(&instance.guid).is_empty() {
        return Err(
            Error::AssociationNotEmpty.with(&["service_bindings, service_keys, and routes", "service_instances"])
        );
    }
    Ok(())
}

/// Refuses while an operation runs that a delete does not cancel: only a create can be cancelled (section 11.4).
pub(super) fn refuse_busy(world: &World, id: Id) -> Result<(), Failure> {
    let instance = world.store.instances.get(id).expect("the id was read under the same lock");
    match instance.busy() {
        Some(OperationKind::Update | OperationKind::Delete) => {
            Err(Error::AsyncServiceInstanceOperationInProgress.with(&[&instance.name]))
        }
        Some(OperationKind::Create) | None => Ok(()),
    }
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
    let InstanceKind::Managed(managed) = &instance.kind else {
        world.store.remove_instance(id);
        return Ok(Removal::Gone);
    };
    if !recursive {
        refuse_attached(world, id)?;
    }
    refuse_busy(world, id)?;
    let plan = world.store.plans.by_guid(&managed.plan_guid).expect("a plan stays while it has instances");
    let (name, guid, behaviour) = (instance.name.clone(), instance.guid.clone(), plan.behaviour.clone());
    if recursive {
        for key in world.store.index.keys_of(&guid).to_vec() {
            if let Err(failure) = broker::ask(&behaviour, BrokerStep::Unbind, false, now) {
                let child = format!("\t{}", failure.description);
                return Err(Error::ServiceInstanceRecursiveDeleteFailed.with(&[&name, &child]));
            }
            world.store.remove_key(key);
        }
        world.store.change_instance(id, |instance| instance.shared_to.clear());
    }
    match broker::ask(&behaviour, BrokerStep::Deprovision, accepts_incomplete, now) {
        Ok(Answer::Done) => {
            world.store.remove_instance(id);
            Ok(Removal::Gone)
        }
        Ok(Answer::InProgress(course)) => {
            world.store.change_instance(id, |instance| {
                if let Some(managed) = instance.managed_mut() {
                    managed.operation = LastOperation::new(OperationKind::Delete, OperationState::InProgress, "", now);
                    managed.pending = Some((course, Change::default()));
                }
            });
            Ok(Removal::InProgress)
        }
        Err(mut failure) => {
            failure.description = format!("Service instance {name}: {}", failure.description);
            world.store.change_instance(id, |instance| {
                if let Some(managed) = instance.managed_mut() {
                    managed.operation =
                        LastOperation::new(OperationKind::Delete, OperationState::Failed, &failure.description, now);
                    managed.pending = None;
                }
            });
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
