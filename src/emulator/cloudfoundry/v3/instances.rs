//! `/v3/service_instances` of both kinds: reading, listing, deleting (reference sections 8, 11.2, 12).

use serde_json::{Value, json};

use super::listing::{Included, Page, sift};
use super::query::{FieldsOf, Parameters, Query};
use super::{Context, jobs, not_found, unprocessable};
use crate::emulator::cloudfoundry::access::{Caller, suspension};
use crate::emulator::cloudfoundry::call::{Answer, Reply};
use crate::emulator::cloudfoundry::errors::{Error, Failure};
use crate::emulator::cloudfoundry::store::{
    Instance, InstanceKind, Offering, OperationKind, OperationState, Plan, Space, Store, Subject, Work,
};
use crate::emulator::cloudfoundry::table::Id;
use crate::emulator::cloudfoundry::world::World;

const LIST: Parameters = Parameters {
    lists: &["names", "space_guids", "organization_guids", "service_plan_guids", "service_plan_names"],
    words: &[("type", &["managed", "user-provided"], "Type must be one of 'managed', 'user-provided'")],
    fields: &[
        ("space", &["guid", "name", "relationships.organization"]),
        ("space.organization", &["guid", "name"]),
        ("service_plan", &["guid", "name", "relationships.service_offering"]),
        (
            "service_plan.service_offering",
            &["guid", "name", "description", "documentation_url", "tags", "relationships.service_broker"],
        ),
        ("service_plan.service_offering.service_broker", &["guid", "name"]),
    ],
    ..Parameters::NAMED
};
const ONE_FIELDS: &[FieldsOf] = &[
    ("space", &["guid", "name"]),
    ("space.organization", &["guid", "name"]),
    ("service_plan", &["guid", "name"]),
    ("service_plan.service_offering", &["guid", "name", "description", "documentation_url", "tags"]),
    ("service_plan.service_offering.service_broker", &["guid", "name"]),
];
const ONE: Parameters = Parameters { fields: ONE_FIELDS, ..Parameters::ONE };

pub(super) fn list(world: &mut World, context: &Context<'_>) -> Answer {
    let query = context.query(&LIST)?;
    let (store, caller) = (&world.store, &context.caller);
    let candidates = candidates(store, caller, &query);
    let rows = sift(&query, candidates.iter().filter_map(|&id| store.instances.get(id)), |row| {
        query.admits("names", &row.name)
            && query.admits_flag_word(row.managed().is_some())
            && is_where_asked(store, &query, row)
            && is_of_plan_asked(store, &query, row)
            && is_readable(caller, row)
    });
    let page = Page::of(context, &query, &rows);
    let view = context.view(world);
    Ok(page.reply(|row| view.instance(row), included(world, context, &query, &page.rows)))
}

impl Query {
    /// Whether the filter by type, if it is set, lets an instance pass.
    fn admits_flag_word(&self, is_managed: bool) -> bool {
        self.word("type").is_none_or(|wanted| (wanted == "managed") == is_managed)
    }
}

/// The narrowest list an index knows that holds all instances the query can mean.
fn candidates(store: &Store, caller: &Caller, query: &Query) -> Vec<Id> {
    let index = &store.index;
    let mut ids: Vec<Id> = if let Some(names) = query.list("names") {
        names.iter().flat_map(|name| &index.instances_named(name).all).copied().collect()
    } else if let Some(spaces) = query.list("space_guids") {
        let in_space = |guid: &String| [&index.instances_in(guid).all[..], index.shared_into(guid)].concat();
        spaces.iter().flat_map(in_space).collect()
    } else if let Some(plans) = query.list("service_plan_guids") {
        plans.iter().flat_map(|guid| index.instances_of_plan(guid)).copied().collect()
    } else if caller.reads_everything() {
        return index.instances().all.clone();
    } else {
        let in_space = |guid| [&index.instances_in(guid).all[..], index.shared_into(guid)].concat();
        caller.spaces().flat_map(in_space).collect()
    };
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// A space holds what is in it and what is shared into it, and so does its organization (section 8.6).
fn is_where_asked(store: &Store, query: &Query, row: &Instance) -> bool {
    let mut spaces = std::iter::once(&row.space_guid).chain(&row.shared_to);
    let organization = |guid: &String| store.spaces.by_guid(guid).map(|space| space.organization_guid.as_str());
    spaces.clone().any(|guid| query.admits("space_guids", guid))
        && spaces.any(|guid| organization(guid).is_some_and(|guid| query.admits("organization_guids", guid)))
}

fn is_of_plan_asked(store: &Store, query: &Query, row: &Instance) -> bool {
    match row.managed().and_then(|managed| store.plans.by_guid(&managed.plan_guid)) {
        Some(plan) => {
            query.admits("service_plan_guids", &plan.guid) && query.admits_folded("service_plan_names", &plan.name)
        }
        None => query.list("service_plan_guids").or(query.list("service_plan_names")).is_none(),
    }
}

/// What `fields` asks for. What concerns plans is left out where there are only instances without any.
fn included(world: &World, context: &Context<'_>, query: &Query, rows: &[&Instance]) -> Option<Included> {
    let (store, view) = (&world.store, context.view(world));
    let spaces = || rows.iter().filter_map(|row| store.spaces.by_guid(&row.space_guid));
    let mut included = Included::default();
    if let Some(keys) = query.fields("space") {
        included.add("spaces", spaces(), Some(keys), |row| {
            let mut space = view.space(row);
            if !context.caller.reads_space(&row.guid)
                && let Some(space) = space.as_object_mut()
            {
                space.remove("name");
            }
            space
        });
    }
    if let Some(keys) = query.fields("space.organization") {
        let organizations = spaces().filter_map(|row: &Space| store.organizations.by_guid(&row.organization_guid));
        included.add("organizations", organizations, Some(keys), |row| view.organization(row));
    }
    let plans =
        || rows.iter().filter_map(|row| row.managed()).filter_map(|managed| store.plans.by_guid(&managed.plan_guid));
    let offerings = || plans().map(|plan: &Plan| store.offering_of(plan));
    if plans().next().is_some() {
        if let Some(keys) = query.fields("service_plan") {
            included.add("service_plans", plans(), Some(keys), |row| view.plan(row));
        }
        if let Some(keys) = query.fields("service_plan.service_offering") {
            included.add("service_offerings", offerings(), Some(keys), |row| view.offering(row));
        }
        if let Some(keys) = query.fields("service_plan.service_offering.service_broker") {
            let brokers = offerings().map(|row: &Offering| store.broker_of(row));
            included.add("service_brokers", brokers, Some(keys), |row| view.broker(row));
        }
    }
    (!included.is_empty()).then_some(included)
}

/// Readers of a space read what is in it and what is shared into it.
pub(super) fn is_readable(caller: &Caller, row: &Instance) -> bool {
    caller.reads_space(&row.space_guid) || row.shared_to.iter().any(|guid| caller.reads_space(guid))
}

pub(super) fn readable<'a>(store: &'a Store, context: &Context<'_>) -> Result<&'a Instance, Failure> {
    let row = store.instances.by_guid(context.guids[0]);
    row.filter(|row| is_readable(&context.caller, row)).ok_or_else(|| not_found("Service instance"))
}

/// Refuses who may not write in a space, then everybody while it is being deleted, and then who may not because it is
/// suspended (section 17.1, step 7).
pub(super) fn needs_developer(store: &Store, caller: &Caller, space_guid: &str) -> Result<(), Failure> {
    if !caller.develops(space_guid) {
        return Err(Error::NotAuthorized.into());
    }
    let organization = store.spaces.by_guid(space_guid).map(|space| space.organization_guid.as_str());
    for (what, guid) in [("organization", organization), ("space", Some(space_guid))] {
        if guid.is_some_and(|guid| store.index.is_condemned(guid)) {
            return Err(Error::ResourceBeingDeleted.with(&[what]));
        }
    }
    match suspension(store, space_guid) {
        Some(error) if !caller.is_admin() => Err(error.into()),
        _ => Ok(()),
    }
}

pub(super) fn writable<'a>(store: &'a Store, context: &Context<'_>) -> Result<&'a Instance, Failure> {
    let row = readable(store, context)?;
    needs_developer(store, &context.caller, &row.space_guid)?;
    Ok(row)
}

pub(super) fn get(world: &mut World, context: &Context<'_>) -> Answer {
    let row = readable(&world.store, context)?;
    let query = context.query(&ONE)?;
    let mut body = context.view(world).instance(row);
    if let Some(included) = included(world, context, &query, &[row]) {
        included.put_into(&mut body);
    }
    Ok(Reply::json(200, body))
}

pub(super) fn stored(world: &World, context: &Context<'_>, id: Id, status: u16) -> Reply {
    let row = world.store.instances.get(id).expect("it was stored a moment ago");
    Reply::json(status, context.view(world).instance(row))
}

/// What a job about an instance links to. A delete names the link in the singular (section 10.1).
pub(super) fn subject(guid: &str, kind: OperationKind) -> Subject {
    let link = if kind == OperationKind::Delete { "service_instance" } else { "service_instances" };
    Subject { link: link.to_owned(), collection: "service_instances".to_owned(), guid: guid.to_owned() }
}

/// Takes along whatever hangs on the instance, without being asked to.
pub(super) fn delete(world: &mut World, context: &Context<'_>) -> Answer {
    let store = &world.store;
    let row = writable(store, context)?;
    let (id, guid) = (row.id, row.guid.clone());
    if context.call.parameter("purge") == Some("true") {
        let plan = row.managed().and_then(|managed| store.plans.by_guid(&managed.plan_guid));
        let home = plan.and_then(|plan| store.broker_of(store.offering_of(plan)).space_guid.as_ref());
        let may = row.managed().is_none()
            || context.caller.is_admin()
            || home.is_some_and(|home| context.caller.develops(home));
        if !may {
            return Err(Error::NotAuthorized.into());
        }
        world.store.remove_instance(id);
        return Ok(Reply::empty(204));
    }
    if row.busy().is_some() && !row.is(OperationKind::Create, OperationState::InProgress) {
        return Err(unprocessable("There is an operation in progress for the service instance."));
    }
    if row.managed().is_none() {
        world.store.remove_instance(id);
        return Ok(Reply::empty(204));
    }
    let subject = subject(&guid, OperationKind::Delete);
    Ok(jobs::enqueue(world, context, "service_instance.delete", subject, Work::Deprovision { instance: guid }))
}

/// What a user-provided instance holds; a managed one has no such thing.
pub(super) fn credentials(world: &mut World, context: &Context<'_>) -> Answer {
    let row = readable(&world.store, context)?;
    let InstanceKind::UserProvided(provided) = &row.kind else { return Err(not_found("Service instance")) };
    if !context.caller.sees_secrets_in(&row.space_guid) {
        return Err(Error::NotAuthorized.into());
    }
    Ok(Reply::json(200, Value::Object(provided.credentials.clone())))
}

/// What the broker holds, if it tells (section 8.7).
pub(super) fn parameters(world: &mut World, context: &Context<'_>) -> Answer {
    let store = &world.store;
    let row = readable(store, context)?;
    // Unlike the instance itself, its parameters are not shared.
    if !context.caller.reads_space(&row.space_guid) {
        return Err(Error::NotAuthorized.into());
    }
    if row.is(OperationKind::Create, OperationState::Failed) {
        return Err(not_found("Service instance"));
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

/// Answers about instances the caller may not read too.
pub(super) fn permissions(world: &mut World, context: &Context<'_>) -> Answer {
    let (store, caller) = (&world.store, &context.caller);
    let row = store.instances.by_guid(context.guids[0]).ok_or_else(|| not_found("Service instance"))?;
    Ok(Reply::json(200, json!({"manage": caller.writes_in(store, &row.space_guid), "read": is_readable(caller, row)})))
}
