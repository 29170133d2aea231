//! `/v3/spaces` (reference section 6.1).

use super::listing::{Included, Page, sift};
use super::query::{Parameters, Query};
use super::{Context, jobs, not_found, unprocessable};
use crate::emulator::cloudfoundry::access::suspension;
use crate::emulator::cloudfoundry::call::{Answer, Reply};
use crate::emulator::cloudfoundry::errors::{Error, Failure};
use crate::emulator::cloudfoundry::metadata::Metadata;
use crate::emulator::cloudfoundry::store::{Deletion, Space, Store};
use crate::emulator::cloudfoundry::table::Id;
use crate::emulator::cloudfoundry::world::World;

const INCLUDE: &[&str] = &["org", "organization"];
const LIST: Parameters = Parameters { lists: &["names", "organization_guids"], include: INCLUDE, ..Parameters::NAMED };
const ONE: Parameters = Parameters { include: INCLUDE, ..Parameters::ONE };

pub(super) fn list(world: &mut World, context: &Context<'_>) -> Answer {
    let query = context.query(&LIST)?;
    let rows = sift(&query, world.store.spaces.iter(), |row| {
        query.admits_folded("names", &row.name)
            && query.admits("organization_guids", &row.organization_guid)
            && context.caller.reads_space(&row.guid)
    });
    let page = Page::of(context, &query, &rows);
    let view = context.view(world);
    Ok(page.reply(|row| view.space(row), included(world, context, &query, &page.rows)))
}

/// The organizations of spaces, if they are asked for.
fn included(world: &World, context: &Context<'_>, query: &Query, spaces: &[&Space]) -> Option<Included> {
    if !INCLUDE.iter().any(|name| query.includes(name)) {
        return None;
    }
    let (store, view) = (&world.store, context.view(world));
    let organizations = spaces.iter().filter_map(|space| store.organizations.by_guid(&space.organization_guid));
    let mut included = Included::default();
    included.add("organizations", organizations, None, |row| view.organization(row));
    Some(included)
}

pub(super) fn get(world: &mut World, context: &Context<'_>) -> Answer {
    let row = readable(&world.store, context)?;
    let query = context.query(&ONE)?;
    let mut body = context.view(world).space(row);
    if let Some(included) = included(world, context, &query, &[row]) {
        included.put_into(&mut body);
    }
    Ok(Reply::json(200, body))
}

pub(super) fn create(world: &mut World, context: &Context<'_>) -> Answer {
    let mut message = context.message(&["name", "relationships", "metadata"]);
    let [organization] = message.relationships(["organization"]);
    let name = message.required_name().unwrap_or_default();
    let change = message.metadata();
    message.finish()?;
    let (store, caller) = (&world.store, &context.caller);
    let organization = organization.and_then(|guid| store.organizations.by_guid(guid));
    let organization = organization.filter(|row| caller.reads_organization(&row.guid)).ok_or_else(|| {
        unprocessable("Invalid organization. Ensure the organization exists and you have access to it.")
    })?;
    if !caller.manages_organization(&organization.guid) {
        return Err(Error::NotAuthorized.into());
    }
    if organization.suspended && !caller.is_admin() {
        return Err(Error::OrgSuspended.into());
    }
    refuse_taken(store, &organization.guid, name, None)?;
    let metadata = change.applied_to(&Metadata::default())?;
    let (guid, organization_guid) = (world.guid(), organization.guid.clone());
    let id = world.store.insert_space(|id| Space {
        id,
        guid,
        name: name.to_owned(),
        organization_guid,
        allow_ssh: true,
        created_at: context.now,
        updated_at: context.now,
        quota: None,
        suspended: false,
        metadata,
    });
    Ok(stored(world, context, id, 201))
}

pub(super) fn update(world: &mut World, context: &Context<'_>) -> Answer {
    let row = readable(&world.store, context)?;
    let caller = &context.caller;
    if !caller.manages_organization(&row.organization_guid) && !caller.manages_space(&row.guid) {
        return Err(Error::NotAuthorized.into());
    }
    refuse_suspended(&world.store, context, row)?;
    let mut message = context.message(&["name", "suspended", "metadata"]);
    let name = message.optional_name();
    let suspended = message.flag("suspended");
    let change = message.metadata();
    message.finish()?;
    if suspended.is_some() && !caller.is_admin() {
        return Err(Error::NotAuthorized.into());
    }
    if let Some(name) = name {
        refuse_taken(&world.store, &row.organization_guid, name, Some(row.id))?;
    }
    let metadata = change.applied_to(&row.metadata)?;
    let id = row.id;
    world.store.change_space(id, |row| {
        if let Some(name) = name {
            name.clone_into(&mut row.name);
        }
        row.suspended = suspended.unwrap_or(row.suspended);
        // Labels and annotations are rows of their own in the database, and do not touch this one.
        if name.is_some() || suspended.is_some() {
            row.updated_at = context.now;
        }
        row.metadata = metadata;
    });
    Ok(stored(world, context, id, 200))
}

pub(super) fn delete(world: &mut World, context: &Context<'_>) -> Answer {
    let row = readable(&world.store, context)?;
    // Managing a space is not enough to delete it: that takes its organization's manager.
    if !context.caller.manages_organization(&row.organization_guid) {
        return Err(Error::NotAuthorized.into());
    }
    refuse_suspended(&world.store, context, row)?;
    let guid = row.guid.clone();
    let deletion = Deletion::Space { guid: guid.clone(), recursive: true };
    Ok(jobs::delete(world, context, "space", &guid, deletion))
}

fn stored(world: &World, context: &Context<'_>, id: Id, status: u16) -> Reply {
    let row = world.store.spaces.get(id).expect("it was stored a moment ago");
    Reply::json(status, context.view(world).space(row))
}

/// The space of the path, if the caller may see it.
pub(super) fn readable<'a>(store: &'a Store, context: &Context<'_>) -> Result<&'a Space, Failure> {
    let row = store.spaces.by_guid(context.guids[0]);
    row.filter(|row| context.caller.reads_space(&row.guid)).ok_or_else(|| not_found("Space"))
}

/// A suspended organization binds everyone but admins. A suspended space does not bind the organization's manager.
fn refuse_suspended(store: &Store, context: &Context<'_>, row: &Space) -> Result<(), Failure> {
    let caller = &context.caller;
    match suspension(store, &row.guid) {
        None => Ok(()),
        Some(_) if caller.is_admin() => Ok(()),
        Some(Error::SpaceSuspended) if caller.manages_organization(&row.organization_guid) => Ok(()),
        Some(error) => Err(error.into()),
    }
}

fn refuse_taken(store: &Store, organization_guid: &str, name: &str, own: Option<Id>) -> Result<(), Failure> {
    match store.space_named(organization_guid, name) {
        Some(holder) if Some(holder.id) != own => Err(unprocessable("Name must be unique per organization")),
        _ => Ok(()),
    }
}
