//! The v2 API: which path does what, and what holds for all of them.

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
use super::call::{Answer, Call, Reply};
use super::errors::{Error, Failure};
use super::limits::Verdict;
use super::uaa;
use super::world::World;

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
    ("GET", "service_instances/*/service_bindings", instances::nothing_attached),
    ("GET", "service_instances/*/routes", instances::nothing_attached),
    ("GET", "user_provided_service_instances", user_provided::list),
    ("POST", "user_provided_service_instances", user_provided::create),
    ("GET", "user_provided_service_instances/*", user_provided::get),
    ("PUT", "user_provided_service_instances/*", user_provided::update),
    ("DELETE", "user_provided_service_instances/*", user_provided::delete),
    ("GET", "user_provided_service_instances/*/service_bindings", instances::nothing_attached),
    ("GET", "user_provided_service_instances/*/routes", instances::nothing_attached),
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

fn route(call: &Call) -> Option<(Handler, Vec<&str>)> {
    let path = call.path.strip_prefix("/v2/")?.trim_end_matches('/');
    let segments: Vec<&str> = path.split('/').collect();
    ROUTES.iter().filter(|(method, _, _)| *method == call.method).find_map(|(_, pattern, handler)| {
        let pattern: Vec<&str> = pattern.split('/').collect();
        let fits = pattern.len() == segments.len()
            && pattern.iter().zip(&segments).all(|(&expected, &given)| expected == "*" || expected == given);
        let guids = pattern.iter().zip(&segments).filter(|(expected, _)| **expected == "*").map(|(_, &given)| given);
        fits.then(|| (*handler, guids.collect()))
    })
}

/// Whether a request needs no token: the marketplace, unless a flag hides it (reference section 7.2).
fn is_open(world: &World, call: &Call) -> bool {
    call.method == "GET"
        && matches!(call.path.trim_end_matches('/'), "/v2/services" | "/v2/service_plans")
        && world.store.flag("hide_marketplace_from_unauthenticated_users") == Some(false)
}

pub(super) fn answer(world: &mut World, call: &Call, now: Timestamp) -> Reply {
    let caller = uaa::authenticate(&world.options, &world.store, call, now);
    // A token that is no good is answered as such even beyond the limit.
    let verdicts = caller.as_ref().map(|caller| count(world, caller, now)).unwrap_or_default();
    let answer = match verdicts.iter().find(|(_, _, verdict)| verdict.exceeded) {
        Some((_, error, verdict)) => {
            let reply = Reply::v2_failure(&(*error).into());
            Ok(reply
                .with("retry-after", verdict.retry_after.to_string())
                .with("content-type", "text/plain; charset=utf-8".to_owned()))
        }
        None => dispatch(world, call, caller, now),
    };
    let mut reply = answer.unwrap_or_else(|failure| Reply::v2_failure(&failure));
    for (names, _, verdict) in verdicts {
        reply = reply
            .with(names[0], verdict.limit.to_string())
            .with(names[1], verdict.remaining.to_string())
            .with(names[2], verdict.reset.to_string());
    }
    reply
}

type Counted = ([&'static str; 3], Error, Verdict);

/// Counts the request with each limiter that is set up.
fn count(world: &mut World, caller: &Caller, now: Timestamp) -> Vec<Counted> {
    let mut verdicts = Vec::new();
    if let Some(limit) = world.options.rate_limit
        && !caller.is_admin()
    {
        let names = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"];
        let error = if caller.is_signed_in() { Error::RateLimitExceeded } else { Error::IPBasedRateLimitExceeded };
        verdicts.push((names, error, world.limiter.count(limit, &caller.id, now)));
    }
    if let Some(limit) = world.options.v2_rate_limit
        && !caller.is_exempt_from_the_v2_limit()
    {
        let names = ["x-ratelimit-limit-v2-api", "x-ratelimit-remaining-v2-api", "x-ratelimit-reset-v2-api"];
        verdicts.push((names, Error::RateLimitV2APIExceeded, world.v2_limiter.count(limit, &caller.id, now)));
    }
    verdicts
}

fn dispatch(world: &mut World, call: &Call, caller: Result<Caller, Failure>, now: Timestamp) -> Answer {
    let (handler, guids) = route(call).ok_or(Error::NotFound)?;
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
