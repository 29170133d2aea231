//! `/v3/service_plans` (reference section 7).

use serde_json::{Value, json};

use super::listing::{Included, Page, sift};
use super::offerings::{is_offered_where_asked, needs_keeper};
use super::query::{FieldsOf, Parameters, Query};
use super::{Context, not_found};
use crate::emulator::cloudfoundry::call::{Answer, Reply};
use crate::emulator::cloudfoundry::errors::Failure;
use crate::emulator::cloudfoundry::store::{Plan, Space, Store};
use crate::emulator::cloudfoundry::world::World;

const INCLUDE: &[&str] = &["service_offering", "space.organization"];
const FIELDS: &[FieldsOf] = &[("service_offering.service_broker", &["guid", "name"])];
const LIST: Parameters = Parameters {
    lists: &[
        "names",
        "broker_catalog_ids",
        "service_broker_guids",
        "service_broker_names",
        "service_offering_guids",
        "service_offering_names",
        "service_instance_guids",
        "organization_guids",
        "space_guids",
    ],
    words: &[Parameters::AVAILABLE],
    include: INCLUDE,
    fields: FIELDS,
    ..Parameters::NAMED
};
const ONE: Parameters = Parameters { include: INCLUDE, fields: FIELDS, ..Parameters::ONE };

pub(super) fn list(world: &mut World, context: &Context<'_>) -> Answer {
    let query = context.query(&LIST)?;
    let (store, caller) = (&world.store, &context.caller);
    let used: Option<Vec<&str>> = query.list("service_instance_guids").map(|guids| {
        let instances = guids.iter().filter_map(|guid| store.instances.by_guid(guid)?.managed());
        instances.map(|managed| managed.plan_guid.as_str()).collect()
    });
    let rows = sift(&query, store.plans.iter(), |row| {
        let offering = store.offering_of(row);
        query.admits_folded("names", &row.name)
            && query.admits("broker_catalog_ids", &row.unique_id)
            && query.admits("service_offering_guids", &offering.guid)
            && query.admits_folded("service_offering_names", &offering.name)
            && query.admits("service_broker_guids", &offering.broker_guid)
            && query.admits("service_broker_names", &store.broker_of(offering).name)
            && query.admits_flag("available", row.active)
            && used.as_ref().is_none_or(|plans| plans.contains(&row.guid.as_str()))
            && caller.sees_plan(store, row)
            && is_offered_where_asked(store, caller, &query, row)
    });
    let page = Page::of(context, &query, &rows);
    let view = context.view(world);
    Ok(page.reply(|row| view.plan(row), included(world, context, &query, &page.rows)))
}

fn included(world: &World, context: &Context<'_>, query: &Query, plans: &[&Plan]) -> Option<Included> {
    let (store, view) = (&world.store, context.view(world));
    let offerings = || plans.iter().map(|row| store.offering_of(row));
    let mut included = Included::default();
    if query.includes("service_offering") {
        included.add("service_offerings", offerings(), None, |row| view.offering(row));
    }
    if query.includes("space.organization") {
        let homes = || {
            let homes = offerings().filter_map(|row| store.broker_of(row).space_guid.as_deref());
            homes.filter_map(|guid| store.spaces.by_guid(guid))
        };
        let organizations = homes().filter_map(|space: &Space| store.organizations.by_guid(&space.organization_guid));
        included.add("spaces", homes(), None, |row| view.space(row));
        included.add("organizations", organizations, None, |row| view.organization(row));
    }
    if let Some(keys) = query.fields("service_offering.service_broker") {
        let brokers = offerings().map(|row| store.broker_of(row));
        included.add("service_brokers", brokers, Some(keys), |row| view.broker(row));
    }
    (!included.is_empty()).then_some(included)
}

pub(super) fn get(world: &mut World, context: &Context<'_>) -> Answer {
    let query = context.query(&ONE)?;
    let row = visible(&world.store, context)?;
    let mut body = context.view(world).plan(row);
    if let Some(included) = included(world, context, &query, &[row]) {
        included.put_into(&mut body);
    }
    Ok(Reply::json(200, body))
}

/// Labels and annotations are all that can be changed here.
pub(super) fn update(world: &mut World, context: &Context<'_>) -> Answer {
    let store = &world.store;
    let row = visible(store, context)?;
    needs_keeper(store, &context.caller, store.offering_of(row))?;
    let mut message = context.message(&["metadata"]);
    let change = message.metadata();
    message.finish()?;
    let (id, metadata) = (row.id, change.applied_to(&row.metadata)?);
    world.store.label_plan(id, metadata);
    let row = world.store.plans.get(id).expect("it was stored a moment ago");
    Ok(Reply::json(200, context.view(world).plan(row)))
}

/// Whom the plan is for. Of the organizations, those are named that the caller may see.
pub(super) fn visibility(world: &mut World, context: &Context<'_>) -> Answer {
    let store = &world.store;
    let row = visible(store, context)?;
    let kind = context.view(world).visibility_type(row);
    let named = |name: &str, guid: &str| json!({"name": name, "guid": guid});
    let mut body = json!({"type": kind});
    match kind {
        "space" => {
            let home = store.broker_of(store.offering_of(row)).space_guid.as_deref();
            let space = home.and_then(|guid| store.spaces.by_guid(guid));
            body["space"] = space.map_or(Value::Null, |space| named(&space.name, &space.guid));
        }
        "organization" => {
            let seen = store.visibilities.iter().filter(|seen| seen.plan_guid == row.guid);
            let organizations = seen.filter_map(|seen| store.organizations.by_guid(&seen.organization_guid));
            body["organizations"] = organizations
                .filter(|row| context.caller.reads_organization(&row.guid))
                .map(|row| named(&row.name, &row.guid))
                .collect();
        }
        _ => {}
    }
    Ok(Reply::json(200, body))
}

fn visible<'a>(store: &'a Store, context: &Context<'_>) -> Result<&'a Plan, Failure> {
    let row = store.plans.by_guid(context.guids[0]);
    row.filter(|row| context.caller.sees_plan(store, row)).ok_or_else(|| not_found("Service plan"))
}
