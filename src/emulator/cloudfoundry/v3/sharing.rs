//! `/v3/service_instances/:guid/relationships/shared_spaces`: instances that other spaces see.

use serde_json::{Value, json};

use super::instances::{needs_developer, readable};
use super::listing::Included;
use super::query::Parameters;
use super::{Context, unprocessable};
use crate::emulator::cloudfoundry::access::plan_enabled_in_space;
use crate::emulator::cloudfoundry::call::{Answer, Reply};
use crate::emulator::cloudfoundry::errors::{Error, Failure};
use crate::emulator::cloudfoundry::store::{Instance, OperationKind, OperationState, Space, Store};
use crate::emulator::cloudfoundry::world::World;

const SHOW: Parameters = Parameters {
    fields: &[("space", &["guid", "name", "relationships.organization"]), ("space.organization", &["guid", "name"])],
    ..Parameters::ONE
};

fn shares(context: &Context<'_>, world: &World, row: &Instance) -> Value {
    let path = format!("service_instances/{}/relationships/shared_spaces", row.guid);
    let data: Value = row.shared_to.iter().map(|guid| json!({"guid": guid})).collect();
    json!({"data": data, "links": {"self": context.view(world).link(&path)}})
}

pub(super) fn list(world: &mut World, context: &Context<'_>) -> Answer {
    let row = readable(&world.store, context)?;
    let query = context.query(&SHOW)?;
    let (store, view) = (&world.store, context.view(world));
    let spaces = || row.shared_to.iter().filter_map(|guid| store.spaces.by_guid(guid));
    let mut included = Included::default();
    if let Some(keys) = query.fields("space") {
        included.add("spaces", spaces(), Some(keys), |space| view.space(space));
    }
    if let Some(keys) = query.fields("space.organization") {
        let organizations = spaces().filter_map(|space| store.organizations.by_guid(&space.organization_guid));
        included.add("organizations", organizations, Some(keys), |organization| view.organization(organization));
    }
    let mut body = shares(context, world, row);
    if !included.is_empty() {
        included.put_into(&mut body);
    }
    Ok(Reply::json(200, body))
}

/// How often apps of the other spaces use the instance: there are none in the sandbox.
pub(super) fn usage(world: &mut World, context: &Context<'_>) -> Answer {
    let row = readable(&world.store, context)?;
    let view = context.view(world);
    let path = format!("service_instances/{}", row.guid);
    let usage: Value =
        row.shared_to.iter().map(|guid| json!({"space": {"guid": guid}, "bound_app_count": 0})).collect();
    let body = json!({
        "usage_summary": usage,
        "links": {
            "self": view.link(&format!("{path}/relationships/shared_spaces/usage_summary")),
            "shared_spaces": view.link(&format!("{path}/relationships/shared_spaces")),
            "service_instance": view.link(&path),
        },
    });
    Ok(Reply::json(200, body))
}

pub(super) fn share(world: &mut World, context: &Context<'_>) -> Answer {
    if world.store.flag("service_instance_sharing") == Some(false) {
        return Err(Error::FeatureDisabled.with(&["service_instance_sharing"]));
    }
    let store = &world.store;
    let row = readable(store, context)?;
    needs_developer(store, &context.caller, &row.space_guid)?;
    let guids = guids(context)?;
    let spaces = reachable(store, context, row, &guids)?;
    refuse(store, row, &spaces)?;
    let (id, added): (_, Vec<String>) = (row.id, spaces.iter().map(|space| space.guid.clone()).collect());
    world.store.change_instance(id, |row| {
        for guid in added {
            if !row.shared_to.contains(&guid) {
                row.shared_to.push(guid);
            }
        }
    });
    let row = world.store.instances.get(id).expect("it was changed a moment ago");
    Ok(Reply::json(200, shares(context, world, row)))
}

/// The guids in `{"data": [{"guid": …}]}`.
fn guids(context: &Context<'_>) -> Result<Vec<String>, Failure> {
    let mut message = context.message(&["data"]);
    let mut guids = Vec::new();
    match message.field("data").and_then(Value::as_array) {
        None => message.fault("Data must be an array".to_owned()),
        Some(items) => {
            for (place, item) in items.iter().enumerate() {
                let only = item.as_object().is_some_and(|item| item.len() == 1);
                match item.get("guid").and_then(Value::as_str).filter(|_| only) {
                    Some(guid) => guids.push(guid.to_owned()),
                    None => message.fault(format!("Invalid data object at index {place}")),
                }
            }
        }
    }
    message.finish()?;
    Ok(guids)
}

/// The spaces, all of which must exist, be seen by the caller, and let them write.
fn reachable<'a>(
    store: &'a Store,
    context: &Context<'_>,
    row: &Instance,
    guids: &[String],
) -> Result<Vec<&'a Space>, Failure> {
    let caller = &context.caller;
    let (mut spaces, mut unreadable, mut unwritable) = (Vec::new(), Vec::new(), Vec::new());
    for guid in guids {
        match store.spaces.by_guid(guid).filter(|space| caller.reads_space(&space.guid)) {
            None => unreadable.push(format!("'{guid}'")),
            Some(_) if !caller.writes_in(store, guid) => unwritable.push(format!("'{guid}'")),
            Some(space) => spaces.push(space),
        }
    }
    let refusal = |spaces: &[String], why: &str| {
        let named = spaces.join(", ");
        (!spaces.is_empty())
            .then(|| format!("Unable to share service instance {} with spaces [{named}]. {why}", row.name))
    };
    let refusals: Vec<String> = [
        refusal(&unreadable, "Ensure the spaces exist and that you have access to them."),
        refusal(
            &unwritable,
            "Write permission is required in order to share a service instance with a space and the containing \
             organization must not be suspended.",
        ),
    ]
    .into_iter()
    .flatten()
    .collect();
    if refusals.is_empty() { Ok(spaces) } else { Err(unprocessable(&refusals.join("\n"))) }
}

fn refuse(store: &Store, row: &Instance, spaces: &[&Space]) -> Result<(), Failure> {
    let Some(managed) = row.managed() else { return Err(unprocessable("User-provided services cannot be shared.")) };
    let name = &row.name;
    let plan = store.plans.by_guid(&managed.plan_guid).expect("a plan stays while it has instances");
    if spaces.iter().any(|space| space.guid == row.space_guid) {
        return Err(unprocessable(&format!(
            "Unable to share service instance '{name}' with space '{}'. \
             Service instances cannot be shared into the space where they were created.",
            row.space_guid
        )));
    }
    if !plan.active {
        let refusal = format!("The service instance could not be shared as the {} plan is inactive.", plan.name);
        return Err(unprocessable(&refusal));
    }
    for space in spaces {
        if !plan_enabled_in_space(store, plan, space) {
            let organization = store.organizations.by_guid(&space.organization_guid);
            return Err(unprocessable(&format!(
                "Access to service {} and plan {} is not enabled in {}/{}.",
                store.offering_of(plan).name,
                plan.name,
                organization.map(|organization| organization.name.as_str()).unwrap_or_default(),
                space.name,
            )));
        }
        let holder = store.index.holder(&space.guid, name).and_then(|id| store.instances.get(id));
        match holder {
            Some(holder) if holder.space_guid == space.guid => {
                let refusal = format!("A service instance called {name} already exists in {}.", space.name);
                return Err(unprocessable(&refusal));
            }
            Some(holder) if holder.id != row.id => {
                let refusal = format!("A service instance called {name} has already been shared with {}.", space.name);
                return Err(unprocessable(&refusal));
            }
            _ => {}
        }
    }
    if row.is(OperationKind::Create, OperationState::Failed) {
        return Err(Error::ServiceInstanceNotFound.with(&[name]));
    }
    match row.busy() {
        Some(OperationKind::Create) => Err(unprocessable(
            "Service instance is currently being created. It can be shared after its creation succeeded.",
        )),
        Some(OperationKind::Delete) => Err(unprocessable("The service instance is getting deleted.")),
        Some(OperationKind::Update) | None => Ok(()),
    }
}

pub(super) fn unshare(world: &mut World, context: &Context<'_>) -> Answer {
    let store = &world.store;
    let row = readable(store, context)?;
    needs_developer(store, &context.caller, &row.space_guid)?;
    let space = context.guids[1];
    if !row.shared_to.iter().any(|guid| guid == space) {
        return Err(unprocessable(&format!(
            "Unable to unshare service instance from space {space}. \
             Ensure the space exists and the service instance has been shared to this space."
        )));
    }
    let id = row.id;
    world.store.change_instance(id, |row| row.shared_to.retain(|guid| guid != space));
    Ok(Reply::empty(204))
}
