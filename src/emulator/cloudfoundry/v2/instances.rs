//! `/v2/service_instances`: everything but updates (reference sections 8, 11, 17.1).

use std::borrow::Cow;

use serde_json::{Value, json};

use super::Context;
use super::jobs;
use super::listing::{self, Attribute, Filter, Order};
use super::message::{Field, Message, Type};
use super::resources::View;
use crate::emulator::cloudfoundry::access::plan_enabled_in;
use crate::emulator::cloudfoundry::admission::{LONGEST_NAME, are_too_long, check_quotas};
use crate::emulator::cloudfoundry::broker;
use crate::emulator::cloudfoundry::call::{Answer, Reply};
use crate::emulator::cloudfoundry::errors::{Error, Failure};
use crate::emulator::cloudfoundry::index::Shelf;
use crate::emulator::cloudfoundry::marketplace::BrokerStep;
use crate::emulator::cloudfoundry::metadata::Metadata;
use crate::emulator::cloudfoundry::removal::{self, Removal};
use crate::emulator::cloudfoundry::store::{
    Change, Deletion, Instance, InstanceKind, LastOperation, Managed, OperationKind, OperationState, Space, Store,
};
use crate::emulator::cloudfoundry::table::Id;
use crate::emulator::cloudfoundry::world::World;

const FILTERS: &[&str] = &[
    "name",
    "space_guid",
    "service_plan_guid",
    "service_binding_guid",
    "gateway_name",
    "organization_guid",
    "service_key_guid",
];

/// The instances a list can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kinds {
    Managed,
    UserProvided,
    Both,
}

impl Kinds {
    fn of(self, instances: &Shelf) -> &[Id] {
        match self {
            Self::Managed => &instances.managed,
            Self::UserProvided => &instances.user_provided,
            Self::Both => &instances.all,
        }
    }

    fn include(self, row: &Instance) -> bool {
        self == Self::Both || (self == Self::Managed) == row.managed().is_some()
    }
}

pub(super) fn list(world: &mut World, context: &Context<'_>) -> Answer {
    let filters = listing::filters(context.call, FILTERS, &["name", "organization_guid"])?;
    search(world, context, Kinds::Managed, &filters, None)
}

/// `/v2/spaces/:guid/service_instances`: what other spaces share is there too, and so may be the user's own.
pub(super) fn list_of_space(world: &World, context: &Context<'_>, space_guid: &str) -> Answer {
    let kinds = if context.asks("return_user_provided_service_instances") { Kinds::Both } else { Kinds::Managed };
    let filters = listing::filters(context.call, FILTERS, &[])?;
    let index = &world.store.index;
    let within = merge(&[kinds.of(index.instances_in(space_guid)), index.shared_into(space_guid)]);
    search(world, context, kinds, &filters, Some(within))
}

pub(super) fn list_of_plan(world: &mut World, context: &Context<'_>) -> Answer {
    let plan = super::catalog::visible_plan(&world.store, context)?;
    let filters = listing::filters(context.call, FILTERS, &[])?;
    let within = Cow::Borrowed(world.store.index.instances_of_plan(&plan.guid));
    search(world, context, Kinds::Managed, &filters, Some(within))
}

/// Joins ascending lists into one.
fn merge<'a>(lists: &[&'a [Id]]) -> Cow<'a, [Id]> {
    let mut filled = lists.iter().filter(|list| !list.is_empty());
    match (filled.next(), filled.next()) {
        (None, _) => Cow::Borrowed(&[]),
        (Some(only), None) => Cow::Borrowed(only),
        _ => {
            let mut ids = lists.concat();
            ids.sort_unstable();
            ids.dedup();
            Cow::Owned(ids)
        }
    }
}

/// A list of instances: the narrowest index gives the candidates, and only what it does not answer is tested one by one.
pub(super) fn search(
    world: &World,
    context: &Context<'_>,
    kinds: Kinds,
    filters: &[Filter],
    within: Option<Cow<'_, [Id]>>,
) -> Answer {
    let (store, caller) = (&world.store, &context.caller);
    listing::by_name(context.call, Order::Fixed)?;
    let view = View { store, caller, depth: listing::depth(context.call)? };
    let index = &store.index;
    let wanted = |key: &str| filters.iter().find(|filter| filter.key == key).and_then(Filter::one_of);
    let narrowed = within.is_some();
    let (candidates, answered): (Cow<'_, [Id]>, &str) = if let Some(within) = within {
        (within, "")
    } else if let (Some([name]), Some([space])) = (wanted("name"), wanted("space_guid")) {
        (index.holder(space, name).into_iter().collect(), "")
    } else if let Some(names) = wanted("name") {
        (merge(&names.iter().map(|name| kinds.of(index.instances_named(name))).collect::<Vec<_>>()), "name")
    } else if let Some(spaces) = wanted("space_guid") {
        (merge(&spaces.iter().map(|guid| kinds.of(index.instances_in(guid))).collect::<Vec<_>>()), "space_guid")
    } else if let Some(plans) = wanted("service_plan_guid") {
        (merge(&plans.iter().map(|guid| index.instances_of_plan(guid)).collect::<Vec<_>>()), "service_plan_guid")
    } else if let Some(organizations) = wanted("organization_guid") {
        let spaces = organizations.iter().flat_map(|guid| index.spaces_of(guid)).filter_map(|&id| store.spaces.get(id));
        let lists: Vec<&[Id]> = spaces.map(|space| kinds.of(index.instances_in(&space.guid))).collect();
        (merge(&lists), "organization_guid")
    } else if caller.reads_everything() {
        (Cow::Borrowed(kinds.of(index.instances())), "")
    } else {
        let own = caller.spaces().flat_map(|guid| [kinds.of(index.instances_in(guid)), index.shared_into(guid)]);
        (merge(&own.collect::<Vec<_>>()), "")
    };
    let rest: Vec<&Filter> = filters.iter().filter(|filter| filter.key != answered || answered.is_empty()).collect();
    let needed = !rest.is_empty() || !caller.reads_everything() || narrowed && kinds != Kinds::Both;
    let ids = listing::sift(candidates, needed, |id| {
        store.instances.get(id).is_some_and(|row| {
            kinds.include(row) && is_readable(context, row) && rest.iter().all(|filter| matches(store, filter, row))
        })
    });
    listing::page(context, &ids, |id| Some(view.instance(store.instances.get(id)?)))
}

fn matches(store: &Store, filter: &Filter, row: &Instance) -> bool {
    match filter.key.as_str() {
        "name" => filter.matches(Attribute::Text(&row.name)),
        "space_guid" => filter.matches(Attribute::Text(&row.space_guid)),
        "service_plan_guid" => match row.managed() {
            Some(managed) => filter.matches(Attribute::Text(&managed.plan_guid)),
            None => filter.matches(Attribute::Null),
        },
        "organization_guid" => {
            let space = store.spaces.by_guid(&row.space_guid);
            space.is_some_and(|space| filter.matches(Attribute::Text(&space.organization_guid)))
        }
        "service_key_guid" | "service_binding_guid" => {
            let bindings = store.index.bindings_of(&row.guid).iter().filter_map(|&id| store.bindings.get(id));
            let of_this_sort = bindings.filter(|binding| binding.is_key() == (filter.key == "service_key_guid"));
            filter.matches(Attribute::AnyOf(&of_this_sort.map(|binding| binding.guid.as_str()).collect::<Vec<_>>()))
        }
        _ => filter.matches(Attribute::Null),
    }
}

/// Readers of a space read what is in it and what is shared into it.
fn is_readable(context: &Context<'_>, row: &Instance) -> bool {
    let caller = &context.caller;
    caller.reads_space(&row.space_guid) || row.shared_to.iter().any(|guid| caller.reads_space(guid))
}

pub(super) fn find<'a>(store: &'a Store, context: &Context<'_>) -> Result<&'a Instance, Failure> {
    let guid = context.guids[0];
    store.instances.by_guid(guid).ok_or_else(|| Error::ServiceInstanceNotFound.with(&[guid]))
}

pub(super) fn readable<'a>(store: &'a Store, context: &Context<'_>) -> Result<&'a Instance, Failure> {
    let row = find(store, context)?;
    if is_readable(context, row) { Ok(row) } else { Err(Error::NotAuthorized.into()) }
}

/// Refuses a caller who may not change the instance, in other words if it was shared with them.
pub(super) fn needs_developer(
    world: &World,
    context: &Context<'_>,
    row: &Instance,
    shared: Error,
) -> Result<(), Failure> {
    let caller = &context.caller;
    caller.needs_write_scope()?;
    if caller.writes_in(&world.store, &row.space_guid) {
        Ok(())
    } else if row.shared_to.iter().any(|guid| caller.develops(guid)) && !caller.reads_space(&row.space_guid) {
        Err(shared.into())
    } else {
        Err(Error::NotAuthorized.into())
    }
}

pub(super) fn get(world: &mut World, context: &Context<'_>) -> Answer {
    let row = readable(&world.store, context)?;
    let depth = listing::depth(context.call)?;
    Ok(Reply::json(200, View { store: &world.store, caller: &context.caller, depth }.instance(row)))
}

const CREATE: &[Field] = &[
    ("name", Type::Text, true),
    ("space_guid", Type::Text, true),
    ("service_plan_guid", Type::Text, true),
    ("parameters", Type::Object, false),
    ("tags", Type::Texts, false),
];

pub(super) fn create(world: &mut World, context: &Context<'_>) -> Answer {
    let message = Message::read(&context.call.body, CREATE)?;
    let accepts_incomplete = context.flag("accepts_incomplete")?;
    let (store, caller) = (&world.store, &context.caller);
    let plan = store.plans.by_guid(message.text("service_plan_guid").unwrap_or_default());
    let plan = plan.ok_or_else(|| Error::ServiceInstanceInvalid.with(&["not a valid service plan"]))?;
    let space = store.spaces.by_guid(message.text("space_guid").unwrap_or_default());
    let space = space.ok_or_else(|| Error::ServiceInstanceInvalid.with(&["not a valid space"]))?;
    caller.needs_write_scope()?;
    if !caller.is_admin() {
        if store.flag("service_instance_creation") == Some(false) {
            return Err(Error::FeatureDisabled.with(&["service_instance_creation"]));
        }
        if !caller.writes_in(store, &space.guid) || !caller.sees_plan(store, plan) {
            return Err(Error::NotAuthorized.into());
        }
    }
    let name = message.text("name").unwrap_or_default().trim().to_owned();
    let tags = message.texts("tags").unwrap_or_default();
    if store.index.holder(&space.guid, &name).is_some() {
        return Err(Error::ServiceInstanceNameTaken.with(&[&name]));
    }
    check_quotas(store, plan, space, None)?;
    check_name_and_tags(&name, &tags)?;
    let home = &store.broker_of(store.offering_of(plan)).space_guid;
    if home.as_ref().is_some_and(|home| *home != space.guid) {
        return Err(Error::ServiceInstanceSpaceNotAuthorized.into());
    }
    if !plan.active || (home.is_none() && !plan_enabled_in(store, plan, &space.organization_guid)) {
        return Err(Error::ServiceInstanceOrganizationNotAuthorized.into());
    }
    let answer = world.ask(plan, &name, BrokerStep::Provision, accepts_incomplete, context.now)?;
    let (status, state, pending) = match answer {
        broker::Answer::Done => (201, OperationState::Succeeded, None),
        broker::Answer::InProgress(course) => (202, OperationState::InProgress, Some((course, Change::default()))),
    };
    let managed = Managed {
        plan_guid: plan.guid.clone(),
        parameters: message.object("parameters").cloned().unwrap_or_default(),
        maintenance_info: plan.maintenance_info(),
        operation: LastOperation::new(OperationKind::Create, state, "", context.now),
        pending,
        job: None,
    };
    let (guid, space_guid) = (world.guid(), space.guid.clone());
    let id = world.store.insert_instance(|id| Instance {
        id,
        guid,
        name,
        space_guid,
        tags,
        created_at: context.now,
        updated_at: context.now,
        shared_to: Vec::new(),
        kind: InstanceKind::Managed(managed),
        metadata: Metadata::default(),
    });
    Ok(stored(world, context, id, status))
}

/// An instance that was just written, with the path to it.
pub(super) fn stored(world: &World, context: &Context<'_>, id: Id, status: u16) -> Reply {
    let row = world.store.instances.get(id).expect("it was stored a moment ago");
    let body = View::flat(&world.store, &context.caller).instance(row);
    let url = body["metadata"]["url"].as_str().unwrap_or_default().to_owned();
    Reply::json(status, body).with("location", url)
}

pub(super) fn check_name_and_tags(name: &str, tags: &[String]) -> Result<(), Failure> {
    if name.chars().count() > LONGEST_NAME {
        return Err(Error::ServiceInstanceNameTooLong.into());
    }
    if name.is_empty() {
        return Err(Error::ServiceInstanceNameEmpty.into());
    }
    if are_too_long(tags) {
        return Err(Error::ServiceInstanceTagsTooLong.with(&[name]));
    }
    Ok(())
}

pub(super) fn delete(world: &mut World, context: &Context<'_>) -> Answer {
    let row = find(&world.store, context)?;
    let (id, guid) = (row.id, row.guid.clone());
    let accepts_incomplete = context.flag("accepts_incomplete")?;
    if context.asks("purge") {
        return purge(world, context, id);
    }
    needs_developer(world, context, row, Error::SharedServiceInstanceNotDeletableInTargetSpace)?;
    let recursive = context.asks("recursive");
    if context.asks("async") && !accepts_incomplete {
        if !recursive {
            removal::refuse_attached(world, id)?;
        }
        removal::refuse_busy(world, id)?;
        return Ok(jobs::enqueue(world, context, Deletion::Instance { guid, recursive }));
    }
    match removal::delete_instance(world, id, accepts_incomplete, recursive, context.now)? {
        Removal::Gone => Ok(Reply::empty(204)),
        Removal::InProgress => Ok(stored(world, context, id, 202)),
    }
}

/// Forgets an instance and what hangs on it, and tells the broker nothing.
fn purge(world: &mut World, context: &Context<'_>, id: Id) -> Answer {
    let (store, caller) = (&world.store, &context.caller);
    caller.needs_write_scope()?;
    let row = store.instances.get(id).expect("the id was read under the same lock");
    let broker = row.managed().and_then(|managed| store.plans.by_guid(&managed.plan_guid));
    let home = broker.and_then(|plan| store.broker_of(store.offering_of(plan)).space_guid.as_ref());
    if !caller.is_admin() && !home.is_some_and(|home| caller.develops(home)) {
        return Err(Error::NotAuthorized.into());
    }
    world.store.remove_instance(id);
    Ok(Reply::empty(204))
}

pub(super) fn parameters(world: &mut World, context: &Context<'_>) -> Answer {
    let store = &world.store;
    let row = find(store, context)?;
    // Unlike the instance itself, its parameters are not shared.
    if !context.caller.reads_space(&row.space_guid) {
        return Err(Error::NotAuthorized.into());
    }
    let managed = row.managed().ok_or(Error::ServiceFetchInstanceParametersNotSupported)?;
    let plan = store.plans.by_guid(&managed.plan_guid).expect("a plan stays while it has instances");
    if !store.offering_of(plan).instances_retrievable {
        return Err(Error::ServiceFetchInstanceParametersNotSupported.into());
    }
    if row.busy().is_some() {
        return Err(Error::AsyncServiceInstanceOperationInProgress.with(&[&row.name]));
    }
    Ok(Reply::json(200, Value::Object(managed.parameters.clone())))
}

pub(super) fn permissions(world: &mut World, context: &Context<'_>) -> Answer {
    let row = find(&world.store, context)?;
    let manage = context.caller.develops(&row.space_guid);
    Ok(Reply::json(200, json!({"manage": manage, "read": is_readable(context, row)})))
}

/// Where a shared instance comes from; nothing for one that is not shared.
pub(super) fn shared_from(world: &mut World, context: &Context<'_>) -> Answer {
    let row = readable(&world.store, context)?;
    if row.shared_to.is_empty() {
        return Ok(Reply::empty(204));
    }
    let space = world.store.spaces.by_guid(&row.space_guid).expect("an instance has its space");
    Ok(Reply::json(200, space_and_organization(&world.store, space)))
}

pub(super) fn shared_to(world: &mut World, context: &Context<'_>) -> Answer {
    let store = &world.store;
    let row = readable(store, context)?;
    let spaces: Vec<Id> = row.shared_to.iter().filter_map(|guid| Some(store.spaces.by_guid(guid)?.id)).collect();
    listing::page(context, &spaces, |id| {
        let mut resource = space_and_organization(store, store.spaces.get(id)?);
        resource["bound_app_count"] = json!(0);
        Some(resource)
    })
}

fn space_and_organization(store: &Store, space: &Space) -> Value {
    let organization = store.organizations.by_guid(&space.organization_guid);
    json!({
        "space_guid": space.guid,
        "space_name": space.name,
        "organization_name": organization.map(|organization| organization.name.as_str()),
    })
}

/// The routes of an instance: there is no router in the sandbox, so there are none.
pub(super) fn no_routes(world: &mut World, context: &Context<'_>) -> Answer {
    readable(&world.store, context)?;
    listing::page(context, &[], |_| None)
}
