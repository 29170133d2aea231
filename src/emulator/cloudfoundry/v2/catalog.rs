//! The marketplace: `/v2/services`, `/v2/service_plans`, `/v2/service_brokers`, `/v2/service_plan_visibilities`
//! (reference section 7).

use std::borrow::Cow;

use super::Context;
use super::listing::{self, Attribute, Filter, Order};
use super::message::{Message, Type};
use super::resources::View;
use crate::emulator::cloudfoundry::access::{plan_enabled_in, plan_enabled_in_space};
use crate::emulator::cloudfoundry::call::{Answer, Reply};
use crate::emulator::cloudfoundry::errors::{Error, Failure};
use crate::emulator::cloudfoundry::store::{Offering, Plan, Space, Store, Visibility};
use crate::emulator::cloudfoundry::table::Id;
use crate::emulator::cloudfoundry::world::World;

const SERVICE_FILTERS: &[&str] = &["active", "label", "provider", "service_broker_guid", "unique_id"];
const PLAN_FILTERS: &[&str] = &["active", "service_guid", "service_instance_guid", "service_broker_guid", "unique_id"];

pub(super) fn list_services(world: &mut World, context: &Context<'_>) -> Answer {
    let store = &world.store;
    services(world, context, |row| context.caller.sees_offering(store, row))
}

/// What can be used in a space.
pub(super) fn services_of_space(world: &World, context: &Context<'_>, space: &Space) -> Answer {
    let store = &world.store;
    services(world, context, |row| {
        store.plans_of(row).any(|plan| plan.active && plan_enabled_in_space(store, plan, space))
    })
}

fn services(world: &World, context: &Context<'_>, shown: impl Fn(&Offering) -> bool) -> Answer {
    let store = &world.store;
    let filters = listing::filters(context.call, SERVICE_FILTERS, &[])?;
    let view = View { store, caller: &context.caller, depth: listing::depth(context.call)? };
    listing::by_name(context.call, Order::Fixed)?;
    let ids = listing::sift(Cow::Borrowed(store.offerings.ids()), true, |id| {
        store.offerings.get(id).is_some_and(|row| {
            shown(row)
                && filters.iter().all(|filter| match filter.key.as_str() {
                    "active" => filter.matches(Attribute::Flag(store.plans_of(row).any(|plan| plan.active))),
                    "label" => filter.matches(Attribute::Folded(&row.name)),
                    "service_broker_guid" => filter.matches(Attribute::Text(&row.broker_guid)),
                    "unique_id" => filter.matches(Attribute::Text(&row.unique_id)),
                    _ => filter.matches(Attribute::Null),
                })
        })
    });
    listing::page(context, &ids, |id| Some(view.service(store.offerings.get(id)?)))
}

fn visible_service<'a>(store: &'a Store, context: &Context<'_>) -> Result<&'a Offering, Failure> {
    let guid = context.guids[0];
    let row = store.offerings.by_guid(guid).ok_or_else(|| Error::ServiceNotFound.with(&[guid]))?;
    if context.caller.sees_offering(store, row) { Ok(row) } else { Err(Error::NotAuthorized.into()) }
}

pub(super) fn get_service(world: &mut World, context: &Context<'_>) -> Answer {
    let row = visible_service(&world.store, context)?;
    let depth = listing::depth(context.call)?;
    Ok(Reply::json(200, View { store: &world.store, caller: &context.caller, depth }.service(row)))
}

pub(super) fn plans_of_service(world: &mut World, context: &Context<'_>) -> Answer {
    let row = visible_service(&world.store, context)?;
    plans(&world.store, context, world.store.index.plans_of(&row.guid))
}

pub(super) fn list_plans(world: &mut World, context: &Context<'_>) -> Answer {
    plans(&world.store, context, world.store.plans.ids())
}

fn plans(store: &Store, context: &Context<'_>, candidates: &[Id]) -> Answer {
    let mut filters = listing::filters(context.call, PLAN_FILTERS, &[])?;
    // A quirk of the Cloud Controller: a first filter by broker silences all others.
    if filters.first().is_some_and(|first| first.key == "service_broker_guid") {
        filters.truncate(1);
    }
    let view = View { store, caller: &context.caller, depth: listing::depth(context.call)? };
    listing::by_name(context.call, Order::Fixed)?;
    let used: Vec<Option<Vec<&str>>> = filters.iter().map(|filter| plans_of_instances(store, filter)).collect();
    let ids = listing::sift(Cow::Borrowed(candidates), true, |id| {
        store.plans.get(id).is_some_and(|row| {
            context.caller.sees_plan(store, row)
                && filters.iter().zip(&used).all(|(filter, used)| match filter.key.as_str() {
                    "active" => filter.matches(Attribute::Flag(row.active)),
                    "service_guid" => filter.matches(Attribute::Text(&row.offering_guid)),
                    "service_broker_guid" => filter.matches(Attribute::Text(&store.offering_of(row).broker_guid)),
                    "unique_id" => filter.matches(Attribute::Text(&row.unique_id)),
                    _ => used.as_ref().is_some_and(|plans| plans.contains(&row.guid.as_str())),
                })
        })
    });
    listing::page(context, &ids, |id| Some(view.plan(store.plans.get(id)?)))
}

/// The plans of the instances a `service_instance_guid` filter names: cheaper than asking each plan for its instances.
fn plans_of_instances<'a>(store: &'a Store, filter: &Filter) -> Option<Vec<&'a str>> {
    let guids = filter.one_of().filter(|_| filter.key == "service_instance_guid")?;
    let instances = guids.iter().filter_map(|guid| store.instances.by_guid(guid)?.managed());
    Some(instances.map(|managed| managed.plan_guid.as_str()).collect())
}

pub(super) fn get_plan(world: &mut World, context: &Context<'_>) -> Answer {
    let row = visible_plan(&world.store, context)?;
    let depth = listing::depth(context.call)?;
    Ok(Reply::json(200, View { store: &world.store, caller: &context.caller, depth }.plan(row)))
}

/// The plan of the path, if the caller may see it.
pub(super) fn visible_plan<'a>(store: &'a Store, context: &Context<'_>) -> Result<&'a Plan, Failure> {
    let guid = context.guids[0];
    let row = store.plans.by_guid(guid).ok_or_else(|| Error::ServicePlanNotFound.with(&[guid]))?;
    if context.caller.sees_plan(store, row) { Ok(row) } else { Err(Error::NotAuthorized.into()) }
}

pub(super) fn list_brokers(world: &mut World, context: &Context<'_>) -> Answer {
    let store = &world.store;
    let filters = listing::filters(context.call, &["name", "space_guid"], &[])?;
    listing::by_name(context.call, Order::Fixed)?;
    let ids = listing::sift(Cow::Borrowed(store.brokers.ids()), true, |id| {
        store.brokers.get(id).is_some_and(|row| {
            let shared = row.space_guid.as_deref();
            (context.caller.reads_everything() || shared.is_some_and(|guid| context.caller.develops(guid)))
                && filters.iter().all(|filter| match (filter.key.as_str(), shared) {
                    ("name", _) => filter.matches(Attribute::Text(&row.name)),
                    (_, Some(guid)) => filter.matches(Attribute::Text(guid)),
                    (_, None) => filter.matches(Attribute::Null),
                })
        })
    });
    listing::page(context, &ids, |id| Some(View::broker(store.brokers.get(id)?)))
}

pub(super) fn get_broker(world: &mut World, context: &Context<'_>) -> Answer {
    let guid = context.guids[0];
    let row = world.store.brokers.by_guid(guid).ok_or_else(|| Error::ServiceBrokerNotFound.with(&[guid]))?;
    let own = row.space_guid.as_ref().is_some_and(|space| context.caller.develops(space));
    if own || context.caller.reads_everything() {
        Ok(Reply::json(200, View::broker(row)))
    } else {
        Err(Error::NotAuthorized.into())
    }
}

pub(super) fn list_visibilities(world: &mut World, context: &Context<'_>) -> Answer {
    let store = &world.store;
    let filters = listing::filters(context.call, &["organization_guid", "service_plan_guid"], &[])?;
    listing::by_name(context.call, Order::Fixed)?;
    let ids = listing::sift(Cow::Borrowed(store.visibilities.ids()), true, |id| {
        store.visibilities.get(id).is_some_and(|row| {
            context.caller.reads_everything()
                && filters.iter().all(|filter| match filter.key.as_str() {
                    "organization_guid" => filter.matches(Attribute::Text(&row.organization_guid)),
                    _ => filter.matches(Attribute::Text(&row.plan_guid)),
                })
        })
    });
    listing::page(context, &ids, |id| Some(View::visibility(store.visibilities.get(id)?)))
}

fn find_visibility<'a>(store: &'a Store, context: &Context<'_>) -> Result<&'a Visibility, Failure> {
    let guid = context.guids[0];
    store.visibilities.by_guid(guid).ok_or_else(|| Error::ServicePlanVisibilityNotFound.with(&[guid]))
}

pub(super) fn get_visibility(world: &mut World, context: &Context<'_>) -> Answer {
    let row = find_visibility(&world.store, context)?;
    if context.caller.reads_everything() {
        Ok(Reply::json(200, View::visibility(row)))
    } else {
        Err(Error::NotAuthorized.into())
    }
}

fn needs_admin(context: &Context<'_>) -> Result<(), Failure> {
    context.caller.needs_write_scope()?;
    if context.caller.is_admin() { Ok(()) } else { Err(Error::NotAuthorized.into()) }
}

pub(super) fn create_visibility(world: &mut World, context: &Context<'_>) -> Answer {
    let fields = [("service_plan_guid", Type::Text, true), ("organization_guid", Type::Text, true)];
    let message = Message::read(&context.call.body, &fields)?;
    needs_admin(context)?;
    let store = &world.store;
    let plan = message.text("service_plan_guid").unwrap_or_default();
    let organization = message.text("organization_guid").unwrap_or_default();
    let Some(row) = store.plans.by_guid(plan) else {
        return Err(Error::ServicePlanVisibilityInvalid.with(&["service_plan presence"]));
    };
    if store.organizations.by_guid(organization).is_none() {
        return Err(Error::ServicePlanVisibilityInvalid.with(&["organization presence"]));
    }
    if row.public {
        return Err(Error::ServicePlanVisibilityInvalid.with(&["service_plan is publicly available"]));
    }
    if plan_enabled_in(store, row, organization) {
        return Err(Error::ServicePlanVisibilityAlreadyExists.with(&["organization_id and service_plan_id unique"]));
    }
    let id = world.store.insert_visibility(world.options.ids.next(), plan, organization, context.now);
    let row = world.store.visibilities.get(id).expect("it was stored a moment ago");
    Ok(Reply::json(201, View::visibility(row)))
}

pub(super) fn delete_visibility(world: &mut World, context: &Context<'_>) -> Answer {
    let id = find_visibility(&world.store, context)?.id;
    needs_admin(context)?;
    world.store.remove_visibility(id);
    Ok(Reply::empty(204))
}
