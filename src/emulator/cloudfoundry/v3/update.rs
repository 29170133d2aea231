//! `PATCH /v3/service_instances/:guid`, managed and user-provided (reference sections 9, 12).

use super::create::{DONE, Provided, refuse_length, usable_plan};
use super::{Context, instances, jobs, unprocessable};
use crate::emulator::cloudfoundry::admission::{LONGEST_NAME, are_too_long, check_price};
use crate::emulator::cloudfoundry::call::Answer;
use crate::emulator::cloudfoundry::errors::{Error, Failure};
use crate::emulator::cloudfoundry::metadata::MetadataChange;
use crate::emulator::cloudfoundry::removal::refuse_binding;
use crate::emulator::cloudfoundry::store::{
    Change, Instance, InstanceKind, LastOperation, Managed, OperationKind, OperationState, Plan, Space, Store, Work,
};
use crate::emulator::cloudfoundry::world::World;

const MANAGED: &[&str] = &["name", "tags", "parameters", "relationships", "maintenance_info", "metadata"];
const USER_PROVIDED: &[&str] = &["name", "tags", "credentials", "syslog_drain_url", "route_service_url", "metadata"];

pub(super) fn update(world: &mut World, context: &Context<'_>) -> Answer {
    let row = instances::writable(&world.store, context)?;
    if row.managed().is_some() { managed(world, context) } else { user_provided(world, context) }
}

/// Whether labels and annotations are all that is to be changed: then the last operation stays what it was.
fn is_metadata_only(context: &Context<'_>) -> bool {
    context.body.len() == 1 && context.body.contains_key("metadata")
}

/// What a request wants of a managed instance.
struct Wish<'a> {
    name: Option<&'a str>,
    tags: Option<Vec<String>>,
    /// Sent as null they are asked for too, and empty.
    parameters: Option<serde_json::Map<String, serde_json::Value>>,
    plan_guid: Option<&'a str>,
    version: Option<&'a str>,
    metadata: MetadataChange,
}

impl<'a> Wish<'a> {
    fn read(context: &'a Context<'_>) -> Result<Self, Failure> {
        let mut message = context.message(MANAGED);
        let [plan_guid] = match message.field("relationships") {
            Some(_) => message.relationships(["service_plan"]),
            None => [None],
        };
        let wish = Self {
            name: message.new_instance_name(),
            tags: message.tags(),
            parameters: message.object("parameters"),
            plan_guid,
            version: message.maintenance_version(),
            metadata: message.metadata(),
        };
        message.finish()?;
        Ok(wish)
    }
}

fn managed(world: &mut World, context: &Context<'_>) -> Answer {
    let store = &world.store;
    let row = instances::writable(store, context)?;
    let held = row.managed().expect("it was looked at");
    let wish = Wish::read(context)?;
    let space = store.spaces.by_guid(&row.space_guid).expect("an instance has its space");
    let current = store.plans.by_guid(&held.plan_guid).expect("a plan stays while it has instances");
    let asked = match wish.plan_guid {
        Some(guid) => Some(usable_plan(store, context, Some(guid), space)?),
        None => None,
    };
    if asked.is_some_and(|plan| plan.offering_guid != current.offering_guid) {
        return Err(Error::InvalidRelation.with(&["service plan relates to a different service offering"]));
    }
    if row.is(OperationKind::Create, OperationState::Failed) {
        return Err(Error::ServiceInstanceNotFound.with(&[&row.name]));
    }
    let metadata = wish.metadata.clone().applied_to(&row.metadata)?;
    let id = row.id;
    if is_metadata_only(context) {
        if row.busy() == Some(OperationKind::Delete) {
            return Err(Error::AsyncServiceInstanceOperationInProgress.with(&[&row.name]));
        }
        world.store.change_instance(id, |row| row.metadata = metadata);
        return Ok(instances::stored(world, context, id, 200));
    }
    refuse_model(store, row, space, asked.unwrap_or(current), &wish)?;
    if wish.name.is_some() && !row.shared_to.is_empty() {
        return Err(unprocessable(&Failure::from(Error::SharedServiceInstanceCannotBeRenamed).description));
    }
    let offering = store.offering_of(current);
    // Even where it names the plan the instance has.
    if asked.is_some() && !current.plan_updateable.unwrap_or(offering.plan_updateable) {
        return Err(unprocessable(&Failure::from(Error::ServicePlanNotUpdateable).description));
    }
    let next = asked.filter(|plan| plan.guid != current.guid);
    refuse_version(held, current, next, wish.version)?;
    let upgrade = wish.version.filter(|version| held.maintenance_info["version"] != **version);
    refuse_inactive(current, offering.allow_context_updates, &wish, upgrade)?;
    if row.busy().is_some() {
        return Err(Error::AsyncServiceInstanceOperationInProgress.with(&[&row.name]));
    }
    refuse_binding(store, row)?;
    let asks_broker = wish.parameters.is_some()
        || next.is_some()
        || upgrade.is_some()
        || (wish.name.is_some() && offering.allow_context_updates);
    let change = Change {
        plan_guid: next.map(|plan| plan.guid.clone()),
        parameters: wish.parameters,
        maintenance_info: next.map(Plan::maintenance_info).or(upgrade.map(|_| current.maintenance_info())),
        name: wish.name.map(str::to_owned),
        tags: wish.tags,
        metadata: wish.metadata,
    };
    let guid = row.guid.clone();
    let state = if asks_broker { OperationState::InProgress } else { OperationState::Succeeded };
    let operation = LastOperation::new(OperationKind::Update, state, "", context.now);
    world.store.change_instance(id, |row| {
        if let Some(managed) = row.managed_mut() {
            managed.operation = operation;
        }
    });
    if asks_broker {
        let subject = instances::subject(&guid, OperationKind::Update);
        let work = Work::Update { instance: guid, change };
        return Ok(jobs::enqueue(world, context, "service_instance.update", subject, work));
    }
    world.store.change_instance(id, |row| row.apply(change, context.now));
    Ok(instances::stored(world, context, id, 200))
}

/// What the database would refuse. What it refuses without a word for it is an unknown error (section 9).
fn refuse_model(store: &Store, row: &Instance, space: &Space, plan: &Plan, wish: &Wish<'_>) -> Result<(), Failure> {
    if wish.name.is_none() && wish.tags.is_none() && wish.plan_guid.is_none() {
        return Ok(());
    }
    let name = wish.name.unwrap_or(&row.name);
    if store.index.holder(&row.space_guid, name).is_some_and(|holder| holder != row.id) {
        return Err(unprocessable(&Error::ServiceInstanceNameTaken.with(&[name]).description));
    }
    check_price(store, plan, space).map_err(|failure| unprocessable(&failure.description))?;
    let tags = wish.tags.as_deref().unwrap_or(&row.tags);
    if name.is_empty() || name.chars().count() > LONGEST_NAME || are_too_long(tags) {
        return Err(Failure::unknown());
    }
    Ok(())
}

/// An instance can be brought to the version of its plan, and no other.
fn refuse_version(held: &Managed, current: &Plan, next: Option<&Plan>, version: Option<&str>) -> Result<(), Failure> {
    let Some(version) = version else { return Ok(()) };
    let error = if next.is_some() {
        Error::MaintenanceInfoNotUpdatableWhenChangingPlan
    } else if current.maintenance_version.is_none() {
        Error::MaintenanceInfoNotSupported
    } else if current.maintenance_version.as_deref() != Some(version) && held.maintenance_info["version"] != *version {
        Error::MaintenanceInfoConflict
    } else {
        return Ok(());
    };
    Err(unprocessable(&Failure::from(error).description))
}

/// What the broker would have to be told about a plan that it offers no longer.
fn refuse_inactive(current: &Plan, told_of_names: bool, wish: &Wish<'_>, upgrade: Option<&str>) -> Result<(), Failure> {
    let what = if current.active {
        return Ok(());
    } else if wish.parameters.is_some() {
        "parameters"
    } else if wish.name.is_some() && told_of_names {
        "name"
    } else if upgrade.is_some() {
        "maintenance_info"
    } else {
        return Ok(());
    };
    Err(unprocessable(&Error::ServiceInstanceWithInaccessiblePlanNotUpdateable.with(&[what]).description))
}

fn user_provided(world: &mut World, context: &Context<'_>) -> Answer {
    let mut message = context.message(USER_PROVIDED);
    let name = message.new_instance_name().map(str::to_owned);
    let tags = message.tags();
    let sent = Provided::read(&mut message);
    let change = message.metadata();
    message.finish()?;
    let row = instances::writable(&world.store, context)?;
    let InstanceKind::UserProvided(mut provided) = row.kind.clone() else { unreachable!("it was looked at") };
    let name = name.unwrap_or_else(|| row.name.clone());
    let tags = tags.unwrap_or_else(|| row.tags.clone());
    if world.store.index.holder(&row.space_guid, &name).is_some_and(|holder| holder != row.id) {
        return Err(unprocessable(&format!("The service instance name is taken: {name}.")));
    }
    refuse_length(&name, &tags)?;
    sent.put_into(&mut provided)?;
    let metadata = change.applied_to(&row.metadata)?;
    let is_metadata_only = is_metadata_only(context);
    if !is_metadata_only {
        let done = LastOperation::new(OperationKind::Update, OperationState::Succeeded, DONE, context.now);
        provided.operation = Some(done);
    }
    let id = row.id;
    world.store.change_instance(id, |row| {
        row.name = name;
        row.tags = tags;
        row.kind = InstanceKind::UserProvided(provided);
        row.metadata = metadata;
        if !is_metadata_only {
            row.updated_at = context.now;
        }
    });
    Ok(instances::stored(world, context, id, 200))
}
