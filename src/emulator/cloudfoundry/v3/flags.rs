//! `/v3/feature_flags`, to be looked at: v2 and the options set them.

use super::listing::Page;
use super::query::Parameters;
use super::{Context, not_found};
use crate::emulator::cloudfoundry::call::{Answer, Reply};
use crate::emulator::cloudfoundry::store::FLAGS;
use crate::emulator::cloudfoundry::world::World;

const LIST: Parameters = Parameters { order: Some(&["name"]), ..Parameters::ONE };

/// All flags, in the order of their names: that is how the table has them.
pub(super) fn list(world: &mut World, context: &Context<'_>) -> Answer {
    let query = context.query(&LIST)?;
    let mut names: Vec<&&str> = FLAGS.iter().map(|(name, _)| name).collect();
    if query.order.descending {
        names.reverse();
    }
    let view = context.view(world);
    let enabled = |name: &str| world.store.flag(name).unwrap_or_default();
    Ok(Page::of(context, &query, &names).reply(|name| view.feature_flag(name, enabled(name)), None))
}

pub(super) fn get(world: &mut World, context: &Context<'_>) -> Answer {
    let name = context.guids[0];
    let enabled = world.store.flag(name).ok_or_else(|| not_found("Feature flag"))?;
    Ok(Reply::json(200, context.view(world).feature_flag(name, enabled)))
}
