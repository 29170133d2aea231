//! `/v3/organizations` (reference section 6.1).

use super::listing::{Page, sift};
use super::query::Parameters;
use super::{Context, jobs, not_found, unprocessable};
use crate::emulator::cloudfoundry::Quota;
use crate::emulator::cloudfoundry::call::{Answer, Reply};
use crate::emulator::cloudfoundry::errors::{Error, Failure};
use crate::emulator::cloudfoundry::metadata::Metadata;
use crate::emulator::cloudfoundry::store::{Deletion, Organization, Store};
use crate::emulator::cloudfoundry::table::Id;
use crate::emulator::cloudfoundry::world::World;

const LIST: Parameters = Parameters { lists: &["names"], ..Parameters::NAMED };

pub(super) fn list(world: &mut World, context: &Context<'_>) -> Answer {
    let query = context.query(&LIST)?;
    let rows = sift(&query, world.store.organizations.iter(), |row| {
        query.admits_folded("names", &row.name) && context.caller.reads_organization(&row.guid)
    });
    let view = context.view(world);
    Ok(Page::of(context, &query, &rows).reply(|row| view.organization(row), None))
}

pub(super) fn get(world: &mut World, context: &Context<'_>) -> Answer {
    let row = readable(&world.store, context)?;
    Ok(Reply::json(200, context.view(world).organization(row)))
}

pub(super) fn create(world: &mut World, context: &Context<'_>) -> Answer {
    let caller = &context.caller;
    if !caller.is_admin() && world.store.flag("user_org_creation") != Some(true) {
        return Err(Error::NotAuthorized.into());
    }
    let mut message = context.message(&["name", "suspended", "metadata"]);
    let name = message.required_name().unwrap_or_default();
    let suspended = message.flag("suspended").unwrap_or(false);
    let change = message.metadata();
    message.finish()?;
    refuse_taken(&world.store, name, None)?;
    let metadata = change.applied_to(&Metadata::default())?;
    let guid = world.guid();
    let managers = if caller.is_admin() { Vec::new() } else { vec![caller.id.clone()] };
    let id = world.store.insert_organization(|id| Organization {
        id,
        guid,
        name: name.to_owned(),
        created_at: context.now,
        updated_at: context.now,
        suspended,
        quota: Quota::UNLIMITED,
        managers,
        metadata,
    });
    Ok(stored(world, context, id, 201))
}

pub(super) fn update(world: &mut World, context: &Context<'_>) -> Answer {
    let row = readable(&world.store, context)?;
    let caller = &context.caller;
    if !caller.manages_organization(&row.guid) {
        return Err(Error::NotAuthorized.into());
    }
    if row.suspended && !caller.is_admin() {
        return Err(Error::OrgSuspended.into());
    }
    let mut message = context.message(&["name", "suspended", "metadata"]);
    let name = message.optional_name();
    let suspended = message.flag("suspended");
    let change = message.metadata();
    message.finish()?;
    if suspended.is_some() && !caller.is_admin() {
        return Err(Error::NotAuthorized.into());
    }
    if let Some(name) = name {
        refuse_taken(&world.store, name, Some(row.id))?;
    }
    let metadata = change.applied_to(&row.metadata)?;
    let id = row.id;
    world.store.change_organization(id, |row| {
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
    let guid = readable(&world.store, context)?.guid.clone();
    if !context.caller.is_admin() {
        return Err(Error::NotAuthorized.into());
    }
    let deletion = Deletion::Organization { guid: guid.clone(), recursive: true };
    Ok(jobs::delete(world, context, "organization", &guid, deletion))
}

fn stored(world: &World, context: &Context<'_>, id: Id, status: u16) -> Reply {
    let row = world.store.organizations.get(id).expect("it was stored a moment ago");
    Reply::json(status, context.view(world).organization(row))
}

fn readable<'a>(store: &'a Store, context: &Context<'_>) -> Result<&'a Organization, Failure> {
    let row = store.organizations.by_guid(context.guids[0]);
    row.filter(|row| context.caller.reads_organization(&row.guid)).ok_or_else(|| not_found("Organization"))
}

fn refuse_taken(store: &Store, name: &str, own: Option<Id>) -> Result<(), Failure> {
    match store.organization_named(name) {
        Some(holder) if Some(holder.id) != own => Err(unprocessable(&format!("Organization '{name}' already exists."))),
        _ => Ok(()),
    }
}
