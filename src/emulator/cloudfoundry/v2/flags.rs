//! `/v2/config/feature_flags`.

use serde_json::{Value, json};

use super::Context;
use super::message::{Message, Type};
use crate::emulator::cloudfoundry::call::{Answer, Reply};
use crate::emulator::cloudfoundry::errors::Error;
use crate::emulator::cloudfoundry::store::FLAGS;
use crate::emulator::cloudfoundry::world::World;

fn flag(name: &str, enabled: bool) -> Value {
    let url = format!("/v2/config/feature_flags/{name}");
    json!({"name": name, "enabled": enabled, "error_message": null, "url": url})
}

#[expect(clippy::unnecessary_wraps, reason = "all handlers have one signature")]
pub(super) fn list(world: &mut World, _: &Context<'_>) -> Answer {
    let flags = FLAGS.iter().filter_map(|(name, _)| Some(flag(name, world.store.flag(name)?)));
    Ok(Reply::json(200, flags.collect()))
}

pub(super) fn get(world: &mut World, context: &Context<'_>) -> Answer {
    let name = context.guids[0];
    let enabled = world.store.flag(name).ok_or_else(|| Error::FeatureFlagNotFound.with(&[name]))?;
    Ok(Reply::json(200, flag(name, enabled)))
}

pub(super) fn update(world: &mut World, context: &Context<'_>) -> Answer {
    let message = Message::read(&context.call.body, &[("enabled", Type::Flag, true)])?;
    context.caller.needs_write_scope()?;
    if !context.caller.is_admin() {
        return Err(Error::NotAuthorized.into());
    }
    let name = context.guids[0];
    world.store.flag(name).ok_or_else(|| Error::FeatureFlagNotFound.with(&[name]))?;
    let enabled = message.flag("enabled").unwrap_or_default();
    world.store.set_flag(name, enabled);
    Ok(Reply::json(200, flag(name, enabled)))
}
