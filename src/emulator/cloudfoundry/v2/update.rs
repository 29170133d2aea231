//! `PUT /v2/service_instances/:guid`, which despite its name changes only what it is given (reference section 9).

use super::Context;
use super::instances;
use super::message::{Field, Message, Type};
use crate::emulator::cloudfoundry::admission::{check_price, is_semantic};
use crate::emulator::cloudfoundry::broker;
use crate::emulator::cloudfoundry::call::Answer;
use crate::emulator::cloudfoundry::errors::{Error, Failure};
use crate::emulator::cloudfoundry::marketplace::BrokerStep;
use crate::emulator::cloudfoundry::removal::refuse_binding;
use crate::emulator::cloudfoundry::store::{
    Change, Instance, LastOperation, Managed, OperationKind, OperationState, Plan,
};
use crate::emulator::cloudfoundry::table::Id;
use crate::emulator::cloudfoundry::world::World;

const UPDATE: &[Field] = &[
    ("name", Type::Text, false),
    ("service_plan_guid", Type::Text, false),
    ("parameters", Type::Object, false),
    ("tags", Type::Texts, false),
    ("space_guid", Type::Text, false),
    ("maintenance_info", Type::Object, false),
];

pub(super) fn update(world: &mut World, context: &Context<'_>) -> Answer {
    let message = Message::read(&context.call.body, UPDATE)?;
    let accepts_incomplete = context.flag("accepts_incomplete")?;
    let row = instances::find(&world.store, context)?;
    let managed = row.managed().ok_or(Error::UserProvidedServiceInstanceHandlerNeeded)?;
    instances::needs_developer(world, context, row, Error::SharedServiceInstanceNotUpdatableInTargetSpace)?;
    if message.text("space_guid").is_some_and(|guid| guid != row.space_guid) {
        return Err(Error::ServiceInstanceSpaceChangeNotAllowed.into());
    }
    let name = message.text("name").map(str::trim);
    if name.is_some_and(|name| name != row.name) && !row.shared_to.is_empty() {
        return Err(Error::SharedServiceInstanceCannotBeRenamed.into());
    }
    let current = world.store.plans.by_guid(&managed.plan_guid).expect("a plan stays while it has instances");
    let next = next_plan(world, context, &message, row, current)?;
    let caller = &context.caller;
    if message.object("parameters").is_some()
        && !caller.is_admin()
        && !(current.active && caller.sees_plan(&world.store, current))
    {
        return Err(Error::ServiceInstanceWithInaccessiblePlanNotUpdateable.with(&["parameters"]));
    }
    let version = maintenance_version(&message, current, next)?;
    if row.busy().is_some() {
        return Err(Error::AsyncServiceInstanceOperationInProgress.with(&[&row.name]));
    }
    refuse_binding(&world.store, row)?;

    // From here on the instance is locked, and whatever goes wrong is its last operation.
    let id = row.id;
    let told_of_names = world.store.offering_of(current).allow_context_updates;
    let upgrade = version.filter(|version| managed.maintenance_info["version"] != **version);
    let asks_broker = message.object("parameters").is_some()
        || next.is_some()
        || upgrade.is_some()
        || (name.is_some() && told_of_names);
    let change = Change {
        plan_guid: next.map(|plan| plan.guid.clone()),
        parameters: message.object("parameters").cloned(),
        maintenance_info: next.map(Plan::maintenance_info).or(upgrade.map(|_| current.maintenance_info())),
        ..Change::default()
    };
    let tags = message.texts("tags");
    let answer =
        check_model(world, row, name, tags.as_deref()).and_then(|()| check_version(current, upgrade)).and_then(|()| {
            if asks_broker {
                world.ask(current, &row.name, BrokerStep::Update, accepts_incomplete, context.now)
            } else {
                Ok(broker::Answer::Done)
            }
        });
    let name = name.map(str::to_owned);
    match answer {
        Err(failure) => {
            let description = if failure.code == 10001 { failure.description.as_str() } else { "" };
            let failed = LastOperation::new(OperationKind::Update, OperationState::Failed, description, context.now);
            conclude(world, context, id, |managed| managed.operation = failed);
            Err(failure)
        }
        Ok(broker::Answer::Done) => {
            let done = LastOperation::new(OperationKind::Update, OperationState::Succeeded, "", context.now);
            conclude(world, context, id, |managed| managed.operation = done);
            world.store.change_instance(id, |row| row.apply(change, context.now));
            relabel(world, id, name, tags);
            Ok(instances::stored(world, context, id, 201))
        }
        Ok(broker::Answer::InProgress(course)) => {
            let started = LastOperation::new(OperationKind::Update, OperationState::InProgress, "", context.now);
            conclude(world, context, id, |managed| {
                managed.operation = started;
                managed.pending = Some((course, change));
            });
            // Written before the broker is asked, and not taken back if it fails later.
            relabel(world, id, name, tags);
            Ok(instances::stored(world, context, id, 202))
        }
    }
}

fn conclude(world: &mut World, context: &Context<'_>, id: Id, end: impl FnOnce(&mut Managed)) {
    world.store.change_instance(id, |row| {
        row.updated_at = context.now;
        if let Some(managed) = row.managed_mut() {
            end(managed);
        }
    });
}

fn relabel(world: &mut World, id: Id, name: Option<String>, tags: Option<Vec<String>>) {
    world.store.change_instance(id, |row| {
        row.name = name.unwrap_or_else(|| std::mem::take(&mut row.name));
        row.tags = tags.unwrap_or_else(|| std::mem::take(&mut row.tags));
    });
}

/// The plan to change to, if the request names another than the current one.
fn next_plan<'a>(
    world: &'a World,
    context: &Context<'_>,
    message: &Message,
    row: &Instance,
    current: &Plan,
) -> Result<Option<&'a Plan>, Failure> {
    let store = &world.store;
    let Some(guid) = message.text("service_plan_guid").filter(|guid| *guid != current.guid) else { return Ok(None) };
    let next = store.plans.by_guid(guid).ok_or_else(|| Error::InvalidRelation.with(&["Plan"]))?;
    if !context.caller.sees_plan(store, next) {
        return Err(Error::NotAuthorized.into());
    }
    if next.offering_guid != current.offering_guid {
        return Err(Error::InvalidRelation.with(&["Plan"]));
    }
    let offering = store.offering_of(current);
    if !current.plan_updateable.unwrap_or(offering.plan_updateable) {
        return Err(Error::ServicePlanNotUpdateable.into());
    }
    let space = store.spaces.by_guid(&row.space_guid).expect("an instance has its space");
    check_price(store, next, space)?;
    Ok(Some(next))
}

/// The version of an upgrade that is asked for, if one can be.
fn maintenance_version<'a>(
    message: &'a Message,
    current: &Plan,
    next: Option<&Plan>,
) -> Result<Option<&'a str>, Failure> {
    let Some(info) = message.object("maintenance_info") else { return Ok(None) };
    if next.is_some() {
        return Err(Error::MaintenanceInfoNotUpdatableWhenChangingPlan.into());
    }
    if current.maintenance_version.is_none() {
        return Err(Error::MaintenanceInfoNotSupported.into());
    }
    let version = info.get("version").and_then(|version| version.as_str()).filter(|version| is_semantic(version));
    version.map(Some).ok_or_else(|| Error::MaintenanceInfoNotSemver.into())
}

fn check_model(world: &World, row: &Instance, name: Option<&str>, tags: Option<&[String]>) -> Result<(), Failure> {
    let name = name.unwrap_or(&row.name);
    if world.store.index.holder(&row.space_guid, name).is_some_and(|holder| holder != row.id) {
        return Err(Error::ServiceInstanceNameTaken.with(&[name]));
    }
    instances::check_name_and_tags(name, tags.unwrap_or(&row.tags))
}

/// The broker knows one version: its plan's.
fn check_version(current: &Plan, upgrade: Option<&str>) -> Result<(), Failure> {
    match upgrade {
        Some(version) if current.maintenance_version.as_deref() != Some(version) => {
            let description = "Service broker error: the requested version is not the plan's".to_owned();
            Err(Failure::broker("MaintenanceInfoConflict", 422, description, None))
        }
        _ => Ok(()),
    }
}
