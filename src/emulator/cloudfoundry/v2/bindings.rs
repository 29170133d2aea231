//! `/v2/service_bindings`: what apps are bound with. The sandbox has no apps, so they are bound through its control routes.

use std::borrow::Cow;

use super::Context;
use super::instances;
use super::listing::{self, Attribute, Order};
use super::resources::View;
use crate::emulator::cloudfoundry::broker;
use crate::emulator::cloudfoundry::call::{Answer, Reply};
use crate::emulator::cloudfoundry::errors::{Error, Failure};
use crate::emulator::cloudfoundry::marketplace::BrokerStep;
use crate::emulator::cloudfoundry::store::{Binding, OperationKind, Store};
use crate::emulator::cloudfoundry::table::Id;
use crate::emulator::cloudfoundry::work::ask_about_binding;
use crate::emulator::cloudfoundry::world::World;

const FILTERS: &[&str] = &["name", "app_guid", "service_instance_guid"];

pub(super) fn list(world: &mut World, context: &Context<'_>) -> Answer {
    page(&world.store, context, world.store.bindings.ids())
}

pub(super) fn list_of_instance(world: &mut World, context: &Context<'_>) -> Answer {
    let row = instances::readable(&world.store, context)?;
    page(&world.store, context, world.store.index.bindings_of(&row.guid))
}

fn page(store: &Store, context: &Context<'_>, candidates: &[Id]) -> Answer {
    let filters = listing::filters(context.call, FILTERS, &[])?;
    listing::by_name(context.call, Order::Fixed)?;
    let ids = listing::sift(Cow::Borrowed(candidates), true, |id| {
        let Some(row) = store.bindings.get(id) else { return false };
        let Some(app) = &row.app else { return false };
        is_visible(store, context, row)
            && filters.iter().all(|filter| match filter.key.as_str() {
                "name" if row.name.is_empty() => filter.matches(Attribute::Null),
                "name" => filter.matches(Attribute::Text(&row.name)),
                "app_guid" => filter.matches(Attribute::Text(&app.guid)),
                _ => filter.matches(Attribute::Text(&row.instance_guid)),
            })
    });
    let view = View::flat(store, &context.caller);
    listing::page(context, &ids, |id| view.app_binding(store.bindings.get(id)?))
}

/// Unlike keys they are there for all who read the space, without their credentials.
fn is_visible(store: &Store, context: &Context<'_>, row: &Binding) -> bool {
    let instance = store.instances.by_guid(&row.instance_guid);
    instance.is_some_and(|instance| context.caller.reads_space(&instance.space_guid))
}

fn find<'a>(store: &'a Store, context: &Context<'_>) -> Result<&'a Binding, Failure> {
    let guid = context.guids[0];
    let row = store.bindings.by_guid(guid).filter(|row| !row.is_key());
    let row = row.ok_or_else(|| Error::ServiceBindingNotFound.with(&[guid]))?;
    if is_visible(store, context, row) { Ok(row) } else { Err(Error::NotAuthorized.into()) }
}

pub(super) fn get(world: &mut World, context: &Context<'_>) -> Answer {
    let row = find(&world.store, context)?;
    let body = View::flat(&world.store, &context.caller).app_binding(row);
    Ok(Reply::json(200, body.expect("an app is bound with it")))
}

pub(super) fn delete(world: &mut World, context: &Context<'_>) -> Answer {
    let accepts_incomplete = context.flag("accepts_incomplete")?;
    let store = &world.store;
    let row = find(store, context)?;
    let instance = store.instances.by_guid(&row.instance_guid).expect("a binding goes with its instance");
    context.caller.needs_write_scope()?;
    if !context.caller.writes_in(store, &instance.space_guid) {
        return Err(Error::NotAuthorized.into());
    }
    if instance.busy().is_some() {
        return Err(Error::AsyncServiceInstanceOperationInProgress.with(&[&instance.name]));
    }
    let (id, app) = (row.id, row.app.as_ref().expect("an app is bound with it"));
    if row.busy().is_some() {
        return Err(Error::AsyncServiceBindingOperationInProgress.with(&[&app.name, &instance.name]));
    }
    match ask_about_binding(world, row, BrokerStep::Unbind, accepts_incomplete, context.now)? {
        broker::Answer::Done => {
            world.store.remove_binding(id);
            Ok(Reply::empty(204))
        }
        broker::Answer::InProgress(course) => {
            world.store.begin_binding_operation(id, OperationKind::Delete, course, None, context.now);
            let row = world.store.bindings.get(id).expect("it is being deleted");
            let body = View::flat(&world.store, &context.caller).app_binding(row);
            Ok(Reply::json(202, body.expect("an app is bound with it")))
        }
    }
}
