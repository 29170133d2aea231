//! `/v2/service_keys`: credentials for an instance that no app is bound to (reference section 14).

use std::borrow::Cow;

use super::Context;
use super::instances;
use super::listing::{self, Attribute, Order};
use super::message::{Message, Type};
use super::resources::View;
use crate::emulator::cloudfoundry::call::{Answer, Reply};
use crate::emulator::cloudfoundry::errors::{Error, Failure};
use crate::emulator::cloudfoundry::marketplace::BrokerStep;
use crate::emulator::cloudfoundry::metadata::Metadata;
use crate::emulator::cloudfoundry::store::{Binding, Store};
use crate::emulator::cloudfoundry::table::Id;
use crate::emulator::cloudfoundry::work::credentials;
use crate::emulator::cloudfoundry::world::World;

pub(super) fn list(world: &mut World, context: &Context<'_>) -> Answer {
    let store = &world.store;
    let filters = listing::filters(context.call, &["name", "service_instance_guid"], &[])?;
    let wanted = filters.iter().find(|filter| filter.key == "service_instance_guid").and_then(|f| f.exactly());
    page(store, context, wanted.map_or(store.bindings.ids(), |guid| store.index.bindings_of(guid)))
}

pub(super) fn list_of_instance(world: &mut World, context: &Context<'_>) -> Answer {
    let row = instances::readable(&world.store, context)?;
    page(&world.store, context, world.store.index.bindings_of(&row.guid))
}

fn page(store: &Store, context: &Context<'_>, candidates: &[Id]) -> Answer {
    let filters = listing::filters(context.call, &["name", "service_instance_guid"], &[])?;
    listing::by_name(context.call, Order::Fixed)?;
    let ids = listing::sift(Cow::Borrowed(candidates), true, |id| {
        store.bindings.get(id).filter(|row| row.is_key()).is_some_and(|row| {
            is_visible(store, context, row)
                && filters.iter().all(|filter| match filter.key.as_str() {
                    "name" => filter.matches(Attribute::Text(&row.name)),
                    _ => filter.matches(Attribute::Text(&row.instance_guid)),
                })
        })
    });
    let view = View::flat(store, &context.caller);
    listing::page(context, &ids, |id| Some(view.key(store.bindings.get(id)?)))
}

/// Keys are credentials: who may not see those sees no key.
fn is_visible(store: &Store, context: &Context<'_>, row: &Binding) -> bool {
    let instance = store.instances.by_guid(&row.instance_guid);
    instance.is_some_and(|instance| context.caller.sees_secrets_in(&instance.space_guid))
}

fn find<'a>(store: &'a Store, context: &Context<'_>) -> Result<&'a Binding, Failure> {
    let guid = context.guids[0];
    let row = store.bindings.by_guid(guid).filter(|row| row.is_key() && is_visible(store, context, row));
    row.ok_or_else(|| Error::ServiceKeyNotFound.with(&[guid]))
}

pub(super) fn get(world: &mut World, context: &Context<'_>) -> Answer {
    let row = find(&world.store, context)?;
    Ok(Reply::json(200, View::flat(&world.store, &context.caller).key(row)))
}

/// No broker of the sandbox lets its bindings be read.
pub(super) fn parameters(world: &mut World, context: &Context<'_>) -> Answer {
    find(&world.store, context)?;
    Err(Error::ServiceFetchBindingParametersNotSupported.into())
}

pub(super) fn create(world: &mut World, context: &Context<'_>) -> Answer {
    let fields =
        [("name", Type::Text, true), ("service_instance_guid", Type::Text, true), ("parameters", Type::Object, false)];
    let message = Message::read(&context.call.body, &fields)?;
    let store = &world.store;
    let instance_guid = message.text("service_instance_guid").unwrap_or_default();
    let instance = store.instances.by_guid(instance_guid);
    let instance = instance.ok_or_else(|| Error::ServiceInstanceNotFound.with(&[instance_guid]))?;
    context.caller.needs_write_scope()?;
    if !context.caller.writes_in(store, &instance.space_guid) {
        return Err(Error::NotAuthorized.into());
    }
    let Some(managed) = instance.managed() else {
        let refusal = "Service keys are not supported for user-provided service instances.";
        return Err(Error::ServiceKeyNotSupported.with(&[refusal]));
    };
    let plan = store.plans.by_guid(&managed.plan_guid).expect("a plan stays while it has instances");
    if !store.offering_of(plan).bindable {
        return Err(Error::ServiceKeyNotSupported.with(&["This service doesn't support creation of keys."]));
    }
    if instance.busy().is_some() {
        return Err(Error::AsyncServiceInstanceOperationInProgress.with(&[&instance.name]));
    }
    let name = message.text("name").unwrap_or_default().to_owned();
    if name.is_empty() {
        return Err(Error::ServiceKeyInvalid.with(&["name presence"]));
    }
    let mut held = store.index.bindings_of(instance_guid).iter().filter_map(|&id| store.bindings.get(id));
    if held.any(|binding| binding.is_key() && binding.name == name) {
        return Err(Error::ServiceKeyNameTaken.with(&[&name]));
    }
    world.ask(plan, &instance.name, BrokerStep::Bind, false, context.now)?;
    let guid = world.guid();
    let credentials = credentials(&guid);
    let id = world.store.insert_binding(|id| Binding {
        id,
        guid,
        name,
        instance_guid: instance_guid.to_owned(),
        app: None,
        credentials,
        created_at: context.now,
        metadata: Metadata::default(),
        operation: None,
        pending: None,
        job: None,
    });
    let row = world.store.bindings.get(id).expect("it was stored a moment ago");
    let body = View::flat(&world.store, &context.caller).key(row);
    Ok(Reply::json(201, body).with("location", format!("/v2/service_keys/{}", row.guid)))
}

pub(super) fn delete(world: &mut World, context: &Context<'_>) -> Answer {
    let store = &world.store;
    let row = find(store, context)?;
    let instance = store.instances.by_guid(&row.instance_guid).expect("a key goes with its instance");
    context.caller.needs_write_scope()?;
    if !context.caller.writes_in(store, &instance.space_guid) {
        return Err(Error::NotAuthorized.into());
    }
    if instance.busy().is_some() {
        return Err(Error::AsyncServiceInstanceOperationInProgress.with(&[&instance.name]));
    }
    let plan = instance.managed().and_then(|managed| store.plans.by_guid(&managed.plan_guid));
    if let Some(plan) = plan {
        world.ask(plan, &instance.name, BrokerStep::Unbind, false, context.now)?;
    }
    let id = row.id;
    world.store.remove_binding(id);
    Ok(Reply::empty(204))
}
