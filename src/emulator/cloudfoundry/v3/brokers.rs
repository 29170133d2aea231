//! `/v3/service_brokers`, which can only be looked at: the sandbox's brokers are simulated.

use super::listing::{Page, sift};
use super::query::Parameters;
use super::{Context, not_found};
use crate::emulator::cloudfoundry::call::{Answer, Reply};
use crate::emulator::cloudfoundry::store::Broker;
use crate::emulator::cloudfoundry::world::World;

const LIST: Parameters = Parameters { lists: &["names", "space_guids"], ..Parameters::NAMED };

pub(super) fn list(world: &mut World, context: &Context<'_>) -> Answer {
    let query = context.query(&LIST)?;
    let rows = sift(&query, world.store.brokers.iter(), |row| {
        query.admits("names", &row.name)
            && query.admits("space_guids", row.space_guid.as_deref().unwrap_or_default())
            && is_visible(context, row)
    });
    let view = context.view(world);
    Ok(Page::of(context, &query, &rows).reply(|row| view.broker(row), None))
}

pub(super) fn get(world: &mut World, context: &Context<'_>) -> Answer {
    let row = world.store.brokers.by_guid(context.guids[0]).filter(|row| is_visible(context, row));
    let row = row.ok_or_else(|| not_found("Service broker"))?;
    Ok(Reply::json(200, context.view(world).broker(row)))
}

fn is_visible(context: &Context<'_>, row: &Broker) -> bool {
    let own = row.space_guid.as_ref().is_some_and(|space| context.caller.develops(space));
    own || context.caller.reads_everything()
}
