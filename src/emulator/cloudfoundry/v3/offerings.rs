//! `/v3/service_offerings` (reference section 7).

use super::listing::{Included, Page, sift};
use super::query::{FieldsOf, Parameters, Query};
use super::{Context, not_found};
use crate::emulator::cloudfoundry::access::{Caller, plan_enabled_in, plan_enabled_in_space};
use crate::emulator::cloudfoundry::call::{Answer, Reply};
use crate::emulator::cloudfoundry::errors::{Error, Failure};
use crate::emulator::cloudfoundry::store::{Offering, Plan, Store};
use crate::emulator::cloudfoundry::world::World;

const FIELDS: &[FieldsOf] = &[("service_broker", &["guid", "name"])];
const LIST: Parameters = Parameters {
    lists: &[
        "names",
        "broker_catalog_ids",
        "service_broker_guids",
        "service_broker_names",
        "organization_guids",
        "space_guids",
    ],
    words: &[Parameters::AVAILABLE],
    fields: FIELDS,
    ..Parameters::NAMED
};
const ONE: Parameters = Parameters { fields: FIELDS, ..Parameters::ONE };

pub(super) fn list(world: &mut World, context: &Context<'_>) -> Answer {
    let query = context.query(&LIST)?;
    let (store, caller) = (&world.store, &context.caller);
    let rows = sift(&query, store.offerings.iter(), |row| {
        query.admits_folded("names", &row.name)
            && query.admits("broker_catalog_ids", &row.unique_id)
            && query.admits("service_broker_guids", &row.broker_guid)
            && query.admits("service_broker_names", &store.broker_of(row).name)
            && query.admits_flag("available", store.plans_of(row).any(|plan| plan.active))
            && store
                .plans_of(row)
                .any(|plan| caller.sees_plan(store, plan) && is_offered_where_asked(store, caller, &query, plan))
    });
    let page = Page::of(context, &query, &rows);
    let view = context.view(world);
    Ok(page.reply(|row| view.offering(row), included(world, context, &query, &page.rows)))
}

/// Whether a plan is in the marketplaces of the organizations and spaces that a list is filtered by.
pub(super) fn is_offered_where_asked(store: &Store, caller: &Caller, query: &Query, plan: &Plan) -> bool {
    let home = store.broker_of(store.offering_of(plan)).space_guid.as_deref();
    let in_organization = |guid: &String| match home.and_then(|space| store.spaces.by_guid(space)) {
        Some(space) => space.organization_guid == *guid,
        None => plan.public || (caller.reads_organization(guid) && plan_enabled_in(store, plan, guid)),
    };
    let in_space = |guid: &String| {
        let space = store.spaces.by_guid(guid).filter(|space| caller.reads_space(&space.guid));
        (plan.public && home.is_none()) || space.is_some_and(|space| plan_enabled_in_space(store, plan, space))
    };
    query.list("organization_guids").is_none_or(|guids| guids.iter().any(in_organization))
        && query.list("space_guids").is_none_or(|guids| guids.iter().any(in_space))
}

fn included(world: &World, context: &Context<'_>, query: &Query, offerings: &[&Offering]) -> Option<Included> {
    let keys = query.fields("service_broker")?;
    let (store, view) = (&world.store, context.view(world));
    let mut included = Included::default();
    let brokers = offerings.iter().map(|row| store.broker_of(row));
    included.add("service_brokers", brokers, Some(keys), |row| view.broker(row));
    Some(included)
}

pub(super) fn get(world: &mut World, context: &Context<'_>) -> Answer {
    let query = context.query(&ONE)?;
    let row = visible(&world.store, context)?;
    let mut body = context.view(world).offering(row);
    if let Some(included) = included(world, context, &query, &[row]) {
        included.put_into(&mut body);
    }
    Ok(Reply::json(200, body))
}

/// Labels and annotations are all that can be changed here.
pub(super) fn update(world: &mut World, context: &Context<'_>) -> Answer {
    let row = visible(&world.store, context)?;
    needs_keeper(&world.store, &context.caller, row)?;
    let mut message = context.message(&["metadata"]);
    let change = message.metadata();
    message.finish()?;
    let (id, metadata) = (row.id, change.applied_to(&row.metadata)?);
    world.store.label_offering(id, metadata);
    let row = world.store.offerings.get(id).expect("it was stored a moment ago");
    Ok(Reply::json(200, context.view(world).offering(row)))
}

/// Refuses those who neither administer the foundation nor develop in the space the broker is private to.
pub(super) fn needs_keeper(store: &Store, caller: &Caller, offering: &Offering) -> Result<(), Failure> {
    let home = store.broker_of(offering).space_guid.as_deref();
    let keeps = caller.is_admin() || home.is_some_and(|space| caller.develops(space));
    if keeps { Ok(()) } else { Err(Error::NotAuthorized.into()) }
}

fn visible<'a>(store: &'a Store, context: &Context<'_>) -> Result<&'a Offering, Failure> {
    let row = store.offerings.by_guid(context.guids[0]);
    row.filter(|row| context.caller.sees_offering(store, row)).ok_or_else(|| not_found("Service offering"))
}
