//! `POST /v3/service_instances`, managed and user-provided (reference sections 8, 12, 17.1).

use serde_json::Value;

use super::message::Message;
use super::{Context, instances, jobs, unprocessable};
use crate::emulator::cloudfoundry::access::plan_enabled_in_space;
use crate::emulator::cloudfoundry::admission::{LONGEST_DRAIN_URL, LONGEST_NAME, are_too_long, check_quotas};
use crate::emulator::cloudfoundry::call::Answer;
use crate::emulator::cloudfoundry::errors::{Error, Failure};
use crate::emulator::cloudfoundry::metadata::Metadata;
use crate::emulator::cloudfoundry::store::{
    Instance, InstanceKind, LastOperation, Managed, OperationKind, OperationState, Plan, Space, Store, UserProvided,
    Work,
};
use crate::emulator::cloudfoundry::table::Id;
use crate::emulator::cloudfoundry::world::World;

const MANAGED: &[&str] = &["type", "relationships", "name", "tags", "parameters", "metadata"];
const USER_PROVIDED: &[&str] =
    &["type", "relationships", "name", "tags", "credentials", "syslog_drain_url", "route_service_url", "metadata"];
pub(super) const DONE: &str = "Operation succeeded";

pub(super) fn create(world: &mut World, context: &Context<'_>) -> Answer {
    let enabled = world.store.flag("service_instance_creation") == Some(true);
    if !enabled && !context.caller.is_admin() {
        return Err(Error::FeatureDisabled.with(&["service_instance_creation"]));
    }
    let is_managed = kind(context)?;
    if is_managed { managed(world, context) } else { user_provided(world, context) }
}

/// What both kinds have in common is looked at first, and then what each kind knows.
fn kind(context: &Context<'_>) -> Result<bool, Failure> {
    let known: Vec<&str> = context.body.keys().map(String::as_str).collect();
    let mut message = context.message(&known);
    if !message.field("relationships").is_some_and(Value::is_object) {
        message.fault("Relationships 'relationships' is not an object".to_owned());
    }
    let kind = message.field("type").and_then(Value::as_str);
    if !matches!(kind, Some("managed" | "user-provided")) {
        message.fault("Type must be one of 'managed', 'user-provided'".to_owned());
    }
    message.instance_name();
    message.finish()?;
    Ok(kind == Some("managed"))
}

/// The space of a new instance, if the caller may write there.
fn target<'a>(store: &'a Store, context: &Context<'_>, guid: Option<&str>) -> Result<&'a Space, Failure> {
    let space = guid.and_then(|guid| store.spaces.by_guid(guid));
    let space = space
        .filter(|space| context.caller.reads_space(&space.guid))
        .ok_or_else(|| unprocessable("Invalid space. Ensure that the space exists and you have access to it."))?;
    instances::needs_developer(store, &context.caller, &space.guid)?;
    Ok(space)
}

fn managed(world: &mut World, context: &Context<'_>) -> Answer {
    let mut message = context.message(MANAGED);
    let [space, plan] = message.relationships(["space", "service_plan"]);
    let name = message.instance_name().to_owned();
    let tags = message.tags().unwrap_or_default();
    let parameters = message.object("parameters").unwrap_or_default();
    let change = message.metadata();
    message.finish()?;
    let store = &world.store;
    let space = target(store, context, space)?;
    let plan = usable_plan(store, context, plan, space)?;
    // A create that failed holds its name against everything but another create like it (section 11.3).
    let holder = store.index.holder(&space.guid, &name).and_then(|id| store.instances.get(id));
    let failed = holder.filter(|row| {
        row.space_guid == space.guid && row.managed().is_some() && row.is(OperationKind::Create, OperationState::Failed)
    });
    let replaced = failed.map(|row| row.id);
    check_quotas(store, plan, space, replaced).map_err(|failure| unprocessable(&failure.description))?;
    refuse_model(store, space, &name, &tags, replaced)?;
    let metadata = change.applied_to(&Metadata::default())?;
    let kind = InstanceKind::Managed(Managed {
        plan_guid: plan.guid.clone(),
        parameters,
        maintenance_info: plan.maintenance_info(),
        operation: LastOperation::new(OperationKind::Create, OperationState::Initial, "", context.now),
        pending: None,
        job: None,
    });
    let space_guid = space.guid.clone();
    if let Some(replaced) = replaced {
        world.store.remove_instance(replaced);
    }
    let id = insert(world, context, name, space_guid, tags, metadata, kind);
    let guid = world.store.instances.get(id).expect("it was stored a moment ago").guid.clone();
    let subject = instances::subject(&guid, OperationKind::Create);
    Ok(jobs::enqueue(world, context, "service_instance.create", subject, Work::Provision { instance: guid }))
}

fn user_provided(world: &mut World, context: &Context<'_>) -> Answer {
    let mut message = context.message(USER_PROVIDED);
    let [space] = message.relationships(["space"]);
    let name = message.instance_name().to_owned();
    let tags = message.tags().unwrap_or_default();
    let sent = Provided::read(&mut message);
    let change = message.metadata();
    message.finish()?;
    let store = &world.store;
    let space = target(store, context, space)?;
    refuse_model(store, space, &name, &tags, None)?;
    let mut provided = UserProvided {
        credentials: serde_json::Map::new(),
        syslog_drain_url: None,
        route_service_url: None,
        operation: Some(LastOperation::new(OperationKind::Create, OperationState::Succeeded, DONE, context.now)),
    };
    sent.put_into(&mut provided)?;
    let metadata = change.applied_to(&Metadata::default())?;
    let space_guid = space.guid.clone();
    let id = insert(world, context, name, space_guid, tags, metadata, InstanceKind::UserProvided(provided));
    Ok(instances::stored(world, context, id, 201))
}

fn insert(
    world: &mut World,
    context: &Context<'_>,
    name: String,
    space_guid: String,
    tags: Vec<String>,
    metadata: Metadata,
    kind: InstanceKind,
) -> Id {
    let guid = world.guid();
    world.store.insert_instance(|id| Instance {
        id,
        guid,
        name,
        space_guid,
        tags,
        created_at: context.now,
        updated_at: context.now,
        shared_to: Vec::new(),
        kind,
        metadata,
    })
}

/// The plan an instance in a space may have, admins included (section 17.1, step 8).
pub(super) fn usable_plan<'a>(
    store: &'a Store,
    context: &Context<'_>,
    guid: Option<&str>,
    space: &Space,
) -> Result<&'a Plan, Failure> {
    let plan = guid.and_then(|guid| store.plans.by_guid(guid));
    let plan = plan.filter(|plan| context.caller.sees_plan(store, plan)).ok_or_else(|| {
        unprocessable(
            "Invalid service plan. Ensure that the service plan exists, is available, and you have access to it.",
        )
    })?;
    if !plan.active {
        return Err(unprocessable(
            "Invalid service plan. The service plan has been removed from the service broker's catalog. \
             It is not possible to create new service instances using this plan.",
        ));
    }
    if !plan_enabled_in_space(store, plan, space) {
        return Err(unprocessable(&format!(
            "Invalid service plan. This could be due to a space-scoped broker which is offering the service plan \
             '{}' with guid '{}' in another space or that the plan is not enabled in this organization. \
             Ensure that the service plan is visible in your current space '{}' with guid '{}'.",
            plan.name, plan.guid, space.name, space.guid
        )));
    }
    Ok(plan)
}

/// What the database refuses of a new instance.
fn refuse_model(
    store: &Store,
    space: &Space,
    name: &str,
    tags: &[String],
    replaced: Option<Id>,
) -> Result<(), Failure> {
    let holder = store.index.holder(&space.guid, name);
    if holder.is_some() && holder != replaced {
        return Err(unprocessable(&format!("The service instance name is taken: {name}.")));
    }
    refuse_length(name, tags)
}

pub(super) fn refuse_length(name: &str, tags: &[String]) -> Result<(), Failure> {
    if name.chars().count() > LONGEST_NAME {
        return Err(unprocessable("name max_length"));
    }
    if are_too_long(tags) {
        return Err(unprocessable("tags too_long"));
    }
    Ok(())
}

/// The fields that only a user-provided instance has; what is not sent stays.
#[derive(Debug)]
pub(super) struct Provided<'a> {
    credentials: Option<serde_json::Map<String, Value>>,
    syslog_drain_url: Option<&'a Value>,
    route_service_url: Option<&'a Value>,
}

impl<'a> Provided<'a> {
    pub(super) fn read(message: &mut Message<'a>) -> Self {
        Self {
            credentials: message.object("credentials"),
            syslog_drain_url: message.url("syslog_drain_url"),
            route_service_url: message.url("route_service_url"),
        }
    }

    /// Credentials are replaced whole, never merged.
    pub(super) fn put_into(self, provided: &mut UserProvided) -> Result<(), Failure> {
        let drain = self.syslog_drain_url.and_then(Value::as_str).unwrap_or_default();
        if drain.chars().count() > LONGEST_DRAIN_URL {
            return Err(unprocessable("syslog_drain_url max_length"));
        }
        if let Some(credentials) = self.credentials {
            provided.credentials = credentials;
        }
        if let Some(url) = self.syslog_drain_url {
            provided.syslog_drain_url = url.as_str().map(str::to_owned);
        }
        if let Some(url) = self.route_service_url {
            provided.route_service_url = url.as_str().map(str::to_owned);
        }
        Ok(())
    }
}
