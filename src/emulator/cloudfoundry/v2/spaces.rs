//! `/v2/spaces` (reference section 6.2).

use std::borrow::Cow;

use super::Context;
use super::listing::{self, Attribute, Order};
use super::message::{Message, Type};
use super::resources::View;
use super::{catalog, instances, jobs};
use crate::emulator::cloudfoundry::call::{Answer, Reply};
use crate::emulator::cloudfoundry::errors::{Error, Failure};
use crate::emulator::cloudfoundry::metadata::Metadata;
use crate::emulator::cloudfoundry::removal;
use crate::emulator::cloudfoundry::store::{Deletion, Space, Store};
use crate::emulator::cloudfoundry::table::Id;
use crate::emulator::cloudfoundry::world::World;

const FILTERS: &[&str] = &["name", "organization_guid", "developer_guid", "app_guid", "isolation_segment_guid"];

pub(super) fn list(world: &mut World, context: &Context<'_>) -> Answer {
    list_of(world, context, None)
}

/// The spaces of one organization, or of all.
pub(super) fn list_of(world: &World, context: &Context<'_>, organization: Option<&str>) -> Answer {
    let (store, caller) = (&world.store, &context.caller);
    let filters = listing::filters(context.call, FILTERS, &[])?;
    let view = View { store, caller, depth: listing::depth(context.call)? };
    let by_name = listing::by_name(context.call, Order::ByName)?;
    let wanted = |key: &str| filters.iter().find(|filter| filter.key == key).and_then(|filter| filter.exactly());
    let candidates = match (organization.or(wanted("organization_guid")), wanted("name")) {
        (_, Some(name)) => store.index.spaces_named(name),
        (Some(guid), None) => store.index.spaces_of(guid),
        (None, None) => store.spaces.ids(),
    };
    let needed = !filters.is_empty() || !caller.reads_everything();
    let mut ids = listing::sift(Cow::Borrowed(candidates), needed, |id| {
        store.spaces.get(id).is_some_and(|row| {
            caller.reads_space(&row.guid)
                && organization.is_none_or(|guid| row.organization_guid == guid)
                && filters.iter().all(|filter| match filter.key.as_str() {
                    "name" => filter.matches(Attribute::Folded(&row.name)),
                    "organization_guid" => filter.matches(Attribute::Text(&row.organization_guid)),
                    _ => filter.matches(Attribute::Null),
                })
        })
    });
    if by_name {
        ids.to_mut().sort_by_key(|&id| store.spaces.get(id).map(|row| row.name.clone()));
    }
    listing::page(context, &ids, |id| Some(view.space(store.spaces.get(id)?)))
}

pub(super) fn get(world: &mut World, context: &Context<'_>) -> Answer {
    let row = readable(&world.store, context)?;
    let depth = listing::depth(context.call)?;
    Ok(Reply::json(200, View { store: &world.store, caller: &context.caller, depth }.space(row)))
}

pub(super) fn service_instances(world: &mut World, context: &Context<'_>) -> Answer {
    let row = readable(&world.store, context)?;
    instances::list_of_space(world, context, &row.guid)
}

pub(super) fn services(world: &mut World, context: &Context<'_>) -> Answer {
    let row = readable(&world.store, context)?;
    catalog::services_of_space(world, context, row)
}

pub(super) fn create(world: &mut World, context: &Context<'_>) -> Answer {
    let fields =
        [("name", Type::Text, true), ("organization_guid", Type::Text, true), ("allow_ssh", Type::Flag, false)];
    let message = Message::read(&context.call.body, &fields)?;
    let name = message.text("name").unwrap_or_default();
    let organization_guid = message.text("organization_guid").unwrap_or_default();
    let organization = world.store.organizations.by_guid(organization_guid).ok_or_else(|| {
        let unknown = format!("Could not find VCAP::CloudController::Organization with guid: {organization_guid}");
        Error::InvalidRelation.with(&[&unknown])
    })?;
    let caller = &context.caller;
    caller.needs_write_scope()?;
    if !caller.is_admin() && (organization.suspended || !caller.manages_organization(organization_guid)) {
        return Err(Error::NotAuthorized.into());
    }
    check_name(&world.store, organization_guid, name, None)?;
    let guid = world.guid();
    let id = world.store.insert_space(|id| Space {
        id,
        guid,
        name: name.to_owned(),
        organization_guid: organization_guid.to_owned(),
        allow_ssh: message.flag("allow_ssh").unwrap_or(true),
        created_at: context.now,
        updated_at: context.now,
        quota: None,
        suspended: false,
        metadata: Metadata::default(),
    });
    Ok(stored(world, context, id))
}

pub(super) fn update(world: &mut World, context: &Context<'_>) -> Answer {
    let fields =
        [("name", Type::Text, false), ("organization_guid", Type::Text, false), ("allow_ssh", Type::Flag, false)];
    let message = Message::read(&context.call.body, &fields)?;
    let row = find(&world.store, context)?;
    let caller = &context.caller;
    caller.needs_write_scope()?;
    if !may_administer(&world.store, context, row) && !caller.manages_space(&row.guid) {
        return Err(Error::NotAuthorized.into());
    }
    if message.text("organization_guid").is_some_and(|guid| guid != row.organization_guid) {
        return Err(Error::SpaceInvalid.with(&["organization cannot be changed"]));
    }
    if let Some(name) = message.text("name") {
        check_name(&world.store, &row.organization_guid, name, Some(row.id))?;
    }
    let id = row.id;
    world.store.change_space(id, |row| {
        row.name = message.text("name").map_or_else(|| row.name.clone(), str::to_owned);
        row.allow_ssh = message.flag("allow_ssh").unwrap_or(row.allow_ssh);
        row.updated_at = context.now;
    });
    Ok(stored(world, context, id))
}

pub(super) fn delete(world: &mut World, context: &Context<'_>) -> Answer {
    let row = find(&world.store, context)?;
    let (id, guid, name) = (row.id, row.guid.clone(), row.name.clone());
    context.caller.needs_write_scope()?;
    if !may_administer(&world.store, context, row) {
        return Err(Error::NotAuthorized.into());
    }
    let recursive = context.asks("recursive");
    if context.asks("async") {
        // Refused at once, not by the job.
        if !recursive && !world.store.index.instances_in(&guid).all.is_empty() {
            return Err(Error::NonrecursiveSpaceDeletionFailed.with(&[&name]));
        }
        return Ok(jobs::enqueue(world, context, Deletion::Space { guid, recursive }));
    }
    removal::delete_space(world, id, recursive, context.now)?;
    Ok(Reply::empty(204))
}

/// Managing a space is not enough to delete it: that takes its organization's manager.
fn may_administer(store: &Store, context: &Context<'_>, row: &Space) -> bool {
    let suspended =
        store.organizations.by_guid(&row.organization_guid).is_some_and(|organization| organization.suspended);
    let caller = &context.caller;
    caller.is_admin() || (!suspended && caller.manages_organization(&row.organization_guid))
}

fn stored(world: &World, context: &Context<'_>, id: Id) -> Reply {
    let row = world.store.spaces.get(id).expect("it was stored a moment ago");
    let reply = Reply::json(201, View::flat(&world.store, &context.caller).space(row));
    reply.with("location", format!("/v2/spaces/{}", row.guid))
}

fn find<'a>(store: &'a Store, context: &Context<'_>) -> Result<&'a Space, Failure> {
    let guid = context.guids[0];
    store.spaces.by_guid(guid).ok_or_else(|| Error::SpaceNotFound.with(&[guid]))
}

fn readable<'a>(store: &'a Store, context: &Context<'_>) -> Result<&'a Space, Failure> {
    let row = find(store, context)?;
    if context.caller.reads_space(&row.guid) { Ok(row) } else { Err(Error::NotAuthorized.into()) }
}

fn check_name(store: &Store, organization_guid: &str, name: &str, own: Option<Id>) -> Result<(), Failure> {
    if name.trim().is_empty() {
        return Err(Error::SpaceInvalid.with(&["name presence"]));
    }
    if name.chars().count() > 255 {
        return Err(Error::SpaceInvalid.with(&["name max_length"]));
    }
    match store.space_named(organization_guid, name) {
        Some(holder) if Some(holder.id) != own => Err(Error::SpaceNameTaken.with(&[name])),
        _ => Ok(()),
    }
}
