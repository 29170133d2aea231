//! `/v2/user_provided_service_instances`, which no broker knows of: always synchronous (reference section 12).

use super::Context;
use super::instances::{self, Kinds, check_name_and_tags, stored};
use super::jobs;
use super::listing;
use super::message::{Field, Message, Type};
use super::resources::View;
use crate::emulator::cloudfoundry::admission::LONGEST_DRAIN_URL;
use crate::emulator::cloudfoundry::call::{Answer, Reply};
use crate::emulator::cloudfoundry::errors::{Error, Failure};
use crate::emulator::cloudfoundry::metadata::Metadata;
use crate::emulator::cloudfoundry::removal;
use crate::emulator::cloudfoundry::store::{Deletion, Instance, InstanceKind, Store, UserProvided};
use crate::emulator::cloudfoundry::world::World;

const NO_ROUTE_SERVICES: &str =
    "Support for route services is disabled. This service instance cannot be bound to a route.";

const FIELDS: [Field; 6] = [
    ("name", Type::Text, false),
    ("space_guid", Type::Text, false),
    ("credentials", Type::Object, false),
    ("syslog_drain_url", Type::Text, false),
    ("route_service_url", Type::Text, false),
    ("tags", Type::Texts, false),
];

pub(super) fn list(world: &mut World, context: &Context<'_>) -> Answer {
    let filters = listing::filters(context.call, &["name", "space_guid", "organization_guid"], &[])?;
    instances::search(world, context, Kinds::UserProvided, &filters, None)
}

pub(super) fn get(world: &mut World, context: &Context<'_>) -> Answer {
    let row = find(&world.store, context)?;
    if !context.caller.reads_space(&row.space_guid) {
        return Err(Error::NotAuthorized.into());
    }
    let depth = listing::depth(context.call)?;
    Ok(Reply::json(200, View { store: &world.store, caller: &context.caller, depth }.instance(row)))
}

fn find<'a>(store: &'a Store, context: &Context<'_>) -> Result<&'a Instance, Failure> {
    let guid = context.guids[0];
    let row = store.instances.by_guid(guid).filter(|row| row.managed().is_none());
    row.ok_or_else(|| Error::UserProvidedServiceInstanceNotFound.with(&[guid]))
}

fn check_urls(message: &Message) -> Result<(), Failure> {
    let drain = message.text("syslog_drain_url").unwrap_or_default();
    if drain.chars().count() > LONGEST_DRAIN_URL {
        return Err(Error::ServiceInstanceInvalid.with(&["syslog_drain_url max_length"]));
    }
    let route = message.text("route_service_url").unwrap_or_default();
    let secure = url::Url::parse(route).is_ok_and(|url| url.scheme() == "https" && url.has_host());
    if route.is_empty() || secure { Ok(()) } else { Err(Error::ServiceInstanceRouteServiceURLInvalid.with(&[route])) }
}

/// There is no router in the sandbox, and the Cloud Controller of a foundation without route services says so.
fn warned(reply: Reply, message: &Message) -> Reply {
    let routed = message.text("route_service_url").is_some_and(|url| !url.is_empty());
    let warnings = if routed { vec![NO_ROUTE_SERVICES.to_owned()] } else { Vec::new() };
    Reply { warnings, ..reply }
}

pub(super) fn create(world: &mut World, context: &Context<'_>) -> Answer {
    let required = FIELDS.map(|(name, kind, _)| (name, kind, matches!(name, "name" | "space_guid")));
    let message = Message::read(&context.call.body, &required)?;
    let (store, caller) = (&world.store, &context.caller);
    let space = store.spaces.by_guid(message.text("space_guid").unwrap_or_default());
    let space = space.ok_or_else(|| Error::ServiceInstanceInvalid.with(&["not a valid space"]))?;
    caller.needs_write_scope()?;
    if !caller.is_admin() && store.flag("service_instance_creation") == Some(false) {
        return Err(Error::FeatureDisabled.with(&["service_instance_creation"]));
    }
    if !caller.writes_in(store, &space.guid) {
        return Err(Error::NotAuthorized.into());
    }
    let name = message.text("name").unwrap_or_default().trim().to_owned();
    let tags = message.texts("tags").unwrap_or_default();
    if store.index.holder(&space.guid, &name).is_some() {
        return Err(Error::ServiceInstanceNameTaken.with(&[&name]));
    }
    check_name_and_tags(&name, &tags)?;
    check_urls(&message)?;
    // What is not sent is an empty text, unlike in v3.
    let text = |field: &str| Some(message.text(field).unwrap_or_default().to_owned());
    let kind = InstanceKind::UserProvided(UserProvided {
        credentials: message.object("credentials").cloned().unwrap_or_default(),
        syslog_drain_url: text("syslog_drain_url"),
        route_service_url: text("route_service_url"),
        operation: None,
    });
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
        kind,
        metadata: Metadata::default(),
    });
    Ok(warned(stored(world, context, id, 201), &message))
}

pub(super) fn update(world: &mut World, context: &Context<'_>) -> Answer {
    let message = Message::read(&context.call.body, &FIELDS)?;
    let store = &world.store;
    let row = find(store, context)?;
    context.caller.needs_write_scope()?;
    if !context.caller.writes_in(store, &row.space_guid) {
        return Err(Error::NotAuthorized.into());
    }
    if message.text("space_guid").is_some_and(|guid| guid != row.space_guid) {
        return Err(Error::ServiceInstanceInvalid.with(&["space cannot be changed"]));
    }
    let name = message.text("name").unwrap_or(&row.name).trim().to_owned();
    let tags = message.texts("tags").unwrap_or_else(|| row.tags.clone());
    if store.index.holder(&row.space_guid, &name).is_some_and(|holder| holder != row.id) {
        return Err(Error::ServiceInstanceNameTaken.with(&[&name]));
    }
    check_name_and_tags(&name, &tags)?;
    check_urls(&message)?;
    let id = row.id;
    world.store.change_instance(id, |row| {
        row.name = name;
        row.tags = tags;
        row.updated_at = context.now;
        if let InstanceKind::UserProvided(provided) = &mut row.kind {
            let replace = |field: &str, held: &mut Option<String>| {
                if let Some(text) = message.text(field) {
                    *held = Some(text.to_owned());
                }
            };
            replace("syslog_drain_url", &mut provided.syslog_drain_url);
            replace("route_service_url", &mut provided.route_service_url);
            if let Some(credentials) = message.object("credentials") {
                // Replaced whole, never merged.
                provided.credentials.clone_from(credentials);
            }
        }
    });
    Ok(warned(stored(world, context, id, 201), &message))
}

/// The Cloud Controller's own action checks neither existence nor rights (reference section 12); this one does both.
pub(super) fn delete(world: &mut World, context: &Context<'_>) -> Answer {
    let row = find(&world.store, context)?;
    let (id, guid) = (row.id, row.guid.clone());
    context.caller.needs_write_scope()?;
    if !context.caller.writes_in(&world.store, &row.space_guid) {
        return Err(Error::NotAuthorized.into());
    }
    let recursive = context.asks("recursive");
    if !recursive {
        removal::refuse_attached(world, id)?;
    }
    if context.asks("async") {
        return Ok(jobs::enqueue(world, context, Deletion::Instance { guid, recursive }));
    }
    world.store.remove_instance(id);
    Ok(Reply::empty(204))
}
