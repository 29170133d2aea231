//! The v2 API: which path does what, and what holds for all of them.

mod bindings;
mod catalog;
mod flags;
mod instances;
mod jobs;
mod keys;
mod listing;
mod message;
mod organizations;
mod resources;
mod spaces;
mod update;
mod user_provided;

use jiff::Timestamp;

use super::access::Caller;
use super::call::{self, Answer, Call, Reply};
use super::errors::{Error, Failure};
use super::world::World;
use super::{limits, uaa};

/// What a handler needs besides the world.
struct Context<'a> {
    call: &'a Call,
    caller: Caller,
    now: Timestamp,
    /// What stands where the pattern has `*`.
    guids: Vec<&'a str>,
}

impl Context<'_> {
    /// A query parameter that must be `true` or `false`, if it is there.
    fn flag(&self, name: &str) -> Result<bool, Failure> {
        match self.call.parameter(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Error::InvalidRequest.into()),
        }
    }

    /// A query parameter that counts only if it says `true`.
    fn asks(&self, name: &str) -> bool {
        self.call.parameter(name) == Some("true")
    }
}

type Handler = fn(&mut World, &Context<'_>) -> Answer;

const ROUTES: &[(&str, &str, Handler)] = &[
    ("GET", "organizations", organizations::list),
    ("POST", "organizations", organizations::create),
    ("GET", "organizations/*", organizations::get),
    ("PUT", "organizations/*", organizations::update),
    ("DELETE", "organizations/*", organizations::delete),
    ("GET", "organizations/*/spaces", organizations::spaces),
    ("GET", "spaces", spaces::list),
    ("POST", "spaces", spaces::create),
    ("GET", "spaces/*", spaces::get),
    ("PUT", "spaces/*", spaces::update),
    ("DELETE", "spaces/*", spaces::delete),
    ("GET", "spaces/*/service_instances", spaces::service_instances),
    ("GET", "spaces/*/services", spaces::services),
    ("GET", "services", catalog::list_services),
    ("GET", "services/*", catalog::get_service),
    ("GET", "services/*/service_plans", catalog::plans_of_service),
    ("GET", "service_plans", catalog::list_plans),
    ("GET", "service_plans/*", catalog::get_plan),
    ("GET", "service_plans/*/service_instances", instances::list_of_plan),
    ("GET", "service_brokers", catalog::list_brokers),
    ("GET", "service_brokers/*", catalog::get_broker),
    ("GET", "service_plan_visibilities", catalog::list_visibilities),
    ("POST", "service_plan_visibilities", catalog::create_visibility),
    ("GET", "service_plan_visibilities/*", catalog::get_visibility),
    ("DELETE", "service_plan_visibilities/*", catalog::delete_visibility),
    ("GET", "service_instances", instances::list),
    ("GET", "managed_service_instances", instances::list),
    ("POST", "service_instances", instances::create),
    ("GET", "service_instances/*", instances::get),
    ("PUT", "service_instances/*", update::update),
    ("DELETE", "service_instances/*", instances::delete),
    ("GET", "service_instances/*/parameters", instances::parameters),
    ("GET", "service_instances/*/permissions", instances::permissions),
    ("GET", "service_instances/*/shared_from", instances::shared_from),
    ("GET", "service_instances/*/shared_to", instances::shared_to),
    ("GET", "service_instances/*/service_keys", keys::list_of_instance),
    ("GET", "service_instances/*/service_bindings", bindings::list_of_instance),
    ("GET", "service_instances/*/routes", instances::no_routes),
    ("GET", "user_provided_service_instances", user_provided::list),
    ("POST", "user_provided_service_instances", user_provided::create),
    ("GET", "user_provided_service_instances/*", user_provided::get),
    ("PUT", "user_provided_service_instances/*", user_provided::update),
    ("DELETE", "user_provided_service_instances/*", user_provided::delete),
    ("GET", "user_provided_service_instances/*/service_bindings", bindings::list_of_instance),
    ("GET", "user_provided_service_instances/*/routes", instances::no_routes),
    ("GET", "service_bindings", bindings::list),
    ("GET", "service_bindings/*", bindings::get),
    ("DELETE", "service_bindings/*", bindings::delete),
    ("GET", "service_keys", keys::list),
    ("POST", "service_keys", keys::create),
    ("GET", "service_keys/*", keys::get),
    ("DELETE", "service_keys/*", keys::delete),
    ("GET", "service_keys/*/parameters", keys::parameters),
    ("GET", "jobs/*", jobs::get),
    ("GET", "config/feature_flags", flags::list),
    ("GET", "config/feature_flags/*", flags::get),
    ("PUT", "config/feature_flags/*", flags::update),
];

/// Whether a request needs no token: the marketplace, unless a flag hides it (reference section 7.2).
fn is_open(world: &World, call: &Call) -> bool {
    call.method == "GET"
        && matches!(call.path.trim_end_matches('/'), "/v2/services" | "/v2/service_plans")
        && world.store.flag("hide_marketplace_from_unauthenticated_users") == Some(false)
}

pub(super) fn answer(world: &mut World, call: &Call, now: Timestamp) -> Reply {
    let caller = uaa::authenticate(&world.options, &world.store, call, now);
    // A token that is no good is answered as such even beyond the limit.
    let verdicts = caller.as_ref().map(|caller| limits::count(world, caller, true, now)).unwrap_or_default();
    let broker = || {
        let caller = caller.as_ref().ok()?;
        limits::refuse_broker(world, call, caller, now, Reply::v2_failure)
    };
    let refusal = verdicts.refusal(Reply::v2_failure).or_else(broker);
    let reply = refusal
        .unwrap_or_else(|| dispatch(world, call, caller, now).unwrap_or_else(|failure| Reply::v2_failure(&failure)));
    verdicts.told_in(reply)
}

fn dispatch(world: &mut World, call: &Call, caller: Result<Caller, Failure>, now: Timestamp) -> Answer {
    let (handler, guids) = call::route(ROUTES, "/v2/", call).ok_or(Error::NotFound)?;
    let caller = caller?;
    if caller.is_for_v3_only() {
        let sentence =
            "You are not authorized to perform the requested action. See section 'Space Supporter' for details.";
        return Err(Failure::sentence(403, sentence));
    }
    if caller.is_signed_in() {
        if call.method == "GET" {
            caller.needs_read_scope()?;
        }
    } else if !is_open(world, call) {
        return Err(Error::NotAuthenticated.into());
    }
    handler(world, &Context { call, caller, now, guids })
}
