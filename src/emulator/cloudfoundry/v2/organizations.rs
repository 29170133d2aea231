//! `/v2/organizations` (reference section 6.2).

use std::borrow::Cow;

use super::Context;
use super::jobs;
use super::listing::{self, Attribute, Order};
use super::message::{Message, Type};
use super::resources::View;
use crate::emulator::cloudfoundry::call::{Answer, Reply};
use crate::emulator::cloudfoundry::errors::{Error, Failure};
use crate::emulator::cloudfoundry::metadata::Metadata;
use crate::emulator::cloudfoundry::removal;
use crate::emulator::cloudfoundry::store::{Deletion, Organization, Store};
use crate::emulator::cloudfoundry::table::Id;
use crate::emulator::cloudfoundry::world::World;

const FILTERS: &[&str] =
    &["name", "space_guid", "user_guid", "manager_guid", "billing_manager_guid", "auditor_guid", "status"];

pub(super) fn list(world: &mut World, context: &Context<'_>) -> Answer {
    let (store, caller) = (&world.store, &context.caller);
    let filters = listing::filters(context.call, FILTERS, &[])?;
    let view = View { store, caller, depth: listing::depth(context.call)? };
    let by_name = listing::by_name(context.call, Order::ByName)?;
    let named = filters.iter().find(|filter| filter.key == "name").and_then(|filter| filter.exactly());
    let candidates: Cow<'_, [Id]> = match named {
        Some(name) => store.organization_named(name).map(|row| row.id).into_iter().collect(),
        None => Cow::Borrowed(store.organizations.ids()),
    };
    let needed = !filters.is_empty() || !caller.reads_everything();
    let mut ids = listing::sift(candidates, needed, |id| {
        store.organizations.get(id).is_some_and(|row| {
            caller.reads_organization(&row.guid)
                && filters.iter().all(|filter| match filter.key.as_str() {
                    "name" => filter.matches(Attribute::Folded(&row.name)),
                    "status" => filter.matches(Attribute::Text(if row.suspended { "suspended" } else { "active" })),
                    "space_guid" => {
                        let spaces = store.index.spaces_of(&row.guid).iter().filter_map(|&id| store.spaces.get(id));
                        filter.matches(Attribute::AnyOf(&spaces.map(|s| s.guid.as_str()).collect::<Vec<_>>()))
                    }
                    "manager_guid" | "user_guid" => {
                        let managers: Vec<&str> = row.managers.iter().map(String::as_str).collect();
                        filter.matches(Attribute::AnyOf(&managers))
                    }
                    _ => filter.matches(Attribute::Null),
                })
        })
    });
    if by_name {
        ids.to_mut().sort_by_key(|&id| store.organizations.get(id).map(|row| row.name.clone()));
    }
    listing::page(context, &ids, |id| Some(view.organization(store.organizations.get(id)?)))
}

pub(super) fn get(world: &mut World, context: &Context<'_>) -> Answer {
    let row = readable(&world.store, context)?;
    let depth = listing::depth(context.call)?;
    Ok(Reply::json(200, View { store: &world.store, caller: &context.caller, depth }.organization(row)))
}

pub(super) fn spaces(world: &mut World, context: &Context<'_>) -> Answer {
    let row = readable(&world.store, context)?;
    super::spaces::list_of(world, context, Some(&row.guid))
}

pub(super) fn create(world: &mut World, context: &Context<'_>) -> Answer {
    let fields = [("name", Type::Text, true), ("status", Type::Text, false)];
    let message = Message::read(&context.call.body, &fields)?;
    let caller = &context.caller;
    caller.needs_write_scope()?;
    if !caller.is_admin() && world.store.flag("user_org_creation") != Some(true) {
        return Err(Error::NotAuthorized.into());
    }
    let name = message.text("name").unwrap_or_default();
    check_name(&world.store, name, None)?;
    let suspended = suspension(message.text("status"))?.unwrap_or(false);
    let guid = world.guid();
    let managers = if caller.is_admin() { Vec::new() } else { vec![caller.id.clone()] };
    let id = world.store.insert_organization(|id| Organization {
        id,
        guid,
        name: name.to_owned(),
        created_at: context.now,
        updated_at: context.now,
        suspended,
        quota: crate::emulator::cloudfoundry::Quota::UNLIMITED,
        managers,
        metadata: Metadata::default(),
    });
    Ok(stored(world, context, id))
}

pub(super) fn update(world: &mut World, context: &Context<'_>) -> Answer {
    let fields = [("name", Type::Text, false), ("status", Type::Text, false)];
    let message = Message::read(&context.call.body, &fields)?;
    let row = find(&world.store, context)?;
    let caller = &context.caller;
    caller.needs_write_scope()?;
    if !caller.is_admin() && (row.suspended || !caller.manages_organization(&row.guid)) {
        return Err(Error::NotAuthorized.into());
    }
    let suspended = suspension(message.text("status"))?;
    if suspended.is_some() && !caller.is_admin() {
        return Err(Error::NotAuthorized.into());
    }
    if let Some(name) = message.text("name") {
        check_name(&world.store, name, Some(row.id))?;
    }
    let id = row.id;
    world.store.change_organization(id, |row| {
        row.name = message.text("name").map_or_else(|| row.name.clone(), str::to_owned);
        row.suspended = suspended.unwrap_or(row.suspended);
        row.updated_at = context.now;
    });
    Ok(stored(world, context, id))
}

pub(super) fn delete(world: &mut World, context: &Context<'_>) -> Answer {
    let row = find(&world.store, context)?;
    let (id, guid) = (row.id, row.guid.clone());
    context.caller.needs_write_scope()?;
    if !context.caller.is_admin() {
        return Err(Error::NotAuthorized.into());
    }
    let recursive = context.asks("recursive");
    if context.asks("async") {
        // Refused at once, not by the job.
        if !recursive && !world.store.index.spaces_of(&guid).is_empty() {
            return Err(Error::AssociationNotEmpty.with(&["spaces", "organizations"]));
        }
        return Ok(jobs::enqueue(world, context, Deletion::Organization { guid, recursive }));
    }
    removal::delete_organization(world, id, recursive, context.now)?;
    Ok(Reply::empty(204))
}

fn stored(world: &World, context: &Context<'_>, id: Id) -> Reply {
    let row = world.store.organizations.get(id).expect("it was stored a moment ago");
    let reply = Reply::json(201, View::flat(&world.store, &context.caller).organization(row));
    reply.with("location", format!("/v2/organizations/{}", row.guid))
}

fn find<'a>(store: &'a Store, context: &Context<'_>) -> Result<&'a Organization, Failure> {
    let guid = context.guids[0];
    store.organizations.by_guid(guid).ok_or_else(|| Error::OrganizationNotFound.with(&[guid]))
}

fn readable<'a>(store: &'a Store, context: &Context<'_>) -> Result<&'a Organization, Failure> {
    let row = find(store, context)?;
    if context.caller.reads_organization(&row.guid) { Ok(row) } else { Err(Error::NotAuthorized.into()) }
}

fn check_name(store: &Store, name: &str, own: Option<Id>) -> Result<(), Failure> {
    if name.trim().is_empty() {
        return Err(Error::OrganizationInvalid.with(&["name presence"]));
    }
    if name.chars().count() > 255 {
        return Err(Error::OrganizationInvalid.with(&["name max_length"]));
    }
    match store.organization_named(name) {
        Some(holder) if Some(holder.id) != own => Err(Error::OrganizationNameTaken.with(&[name])),
        _ => Ok(()),
    }
}

fn suspension(status: Option<&str>) -> Result<Option<bool>, Failure> {
    match status {
        None => Ok(None),
        Some("active") => Ok(Some(false)),
        Some("suspended") => Ok(Some(true)),
        Some(_) => Err(Error::OrganizationInvalid.with(&["status includes"])),
    }
}
