//! `/v3/organization_quotas` and `/v3/space_quotas`, to be looked at. Each organization has a quota of its own, and a space
//! has one if it is limited further.

use super::listing::{Page, sift};
use super::query::Parameters;
use super::{Context, not_found};
use crate::emulator::cloudfoundry::call::{Answer, Reply};
use crate::emulator::cloudfoundry::world::World;

const OF_ORGANIZATIONS: Parameters =
    Parameters { lists: &["names", "organization_guids"], labels: false, ..Parameters::NAMED };
const OF_SPACES: Parameters =
    Parameters { lists: &["names", "organization_guids", "space_guids"], labels: false, ..Parameters::NAMED };

pub(super) fn list_of_organizations(world: &mut World, context: &Context<'_>) -> Answer {
    let query = context.query(&OF_ORGANIZATIONS)?;
    let rows = sift(&query, world.store.organizations.iter(), |row| {
        query.admits("names", &row.name)
            && query.admits("organization_guids", &row.guid)
            && context.caller.reads_organization(&row.guid)
    });
    let view = context.view(world);
    Ok(Page::of(context, &query, &rows).reply(|row| view.organization_quota(row), None))
}

pub(super) fn of_organization(world: &mut World, context: &Context<'_>) -> Answer {
    let row = world.store.organizations.by_guid(context.guids[0]);
    let row = row.filter(|row| context.caller.reads_organization(&row.guid));
    let row = row.ok_or_else(|| not_found("Organization quota"))?;
    Ok(Reply::json(200, context.view(world).organization_quota(row)))
}

pub(super) fn list_of_spaces(world: &mut World, context: &Context<'_>) -> Answer {
    let query = context.query(&OF_SPACES)?;
    let rows = sift(&query, world.store.spaces.iter().filter(|row| row.quota.is_some()), |row| {
        query.admits("names", &row.name)
            && query.admits("organization_guids", &row.organization_guid)
            && query.admits("space_guids", &row.guid)
            && context.caller.reads_space(&row.guid)
    });
    let view = context.view(world);
    Ok(Page::of(context, &query, &rows).reply(|row| view.space_quota(row).unwrap_or_default(), None))
}

pub(super) fn of_space(world: &mut World, context: &Context<'_>) -> Answer {
    let row = world.store.spaces.by_guid(context.guids[0]).filter(|row| context.caller.reads_space(&row.guid));
    let quota = row.and_then(|row| context.view(world).space_quota(row));
    Ok(Reply::json(200, quota.ok_or_else(|| not_found("Space quota"))?))
}
