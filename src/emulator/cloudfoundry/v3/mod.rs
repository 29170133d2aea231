//! The v3 API: which path does what, and what holds for all of them.

mod bindings;
mod brokers;
mod create;
mod flags;
mod instance_message;
mod instance_resources;
mod instances;
mod jobs;
mod listing;
mod message;
mod offerings;
mod organizations;
mod plans;
mod query;
mod quotas;
mod resources;
mod selector;
mod sharing;
mod spaces;
mod update;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::access::Caller;
use super::call::{self, Answer, Call, Reply};
use super::errors::{Error, Failure};
use super::world::World;
use super::{limits, uaa};
use message::Message;
use query::{Parameters, Query};
use resources::View;

/// What a handler needs besides the world.
struct Context<'a> {
    call: &'a Call,
    caller: Caller,
    now: Timestamp,
    /// What stands where the pattern has `*`.
    guids: Vec<&'a str>,
    /// The body, `{}` if there is none.
    body: Map<String, Value>,
    /// What absolute links begin with.
    origin: String,
}

impl Context<'_> {
    fn query(&self, parameters: &Parameters) -> Result<Query, Failure> {
        Query::read(self.call, parameters)
    }

    /// The body as a message that may hold these fields and no others.
    fn message(&self, fields: &[&str]) -> Message<'_> {
        Message::new(&self.body, fields)
    }

    fn view<'v>(&'v self, world: &'v World) -> View<'v> {
        View { store: &world.store, origin: &self.origin }
    }
}

type Handler = fn(&mut World, &Context<'_>) -> Answer;

const ROUTES: &[(&str, &str, Handler)] = &[
    ("GET", "jobs/*", jobs::get),
    ("GET", "organizations", organizations::list),
    ("POST", "organizations", organizations::create),
    ("GET", "organizations/*", organizations::get),
    ("PATCH", "organizations/*", organizations::update),
    ("DELETE", "organizations/*", organizations::delete),
    ("GET", "spaces", spaces::list),
    ("POST", "spaces", spaces::create),
    ("GET", "spaces/*", spaces::get),
    ("PATCH", "spaces/*", spaces::update),
    ("DELETE", "spaces/*", spaces::delete),
    ("GET", "organization_quotas", quotas::list_of_organizations),
    ("GET", "organization_quotas/*", quotas::of_organization),
    ("GET", "space_quotas", quotas::list_of_spaces),
    ("GET", "space_quotas/*", quotas::of_space),
    ("GET", "feature_flags", flags::list),
    ("GET", "feature_flags/*", flags::get),
    ("GET", "service_instances", instances::list),
    ("POST", "service_instances", create::create),
    ("GET", "service_instances/*", instances::get),
    ("PATCH", "service_instances/*", update::update),
    ("DELETE", "service_instances/*", instances::delete),
    ("GET", "service_instances/*/credentials", instances::credentials),
    ("GET", "service_instances/*/parameters", instances::parameters),
    ("GET", "service_instances/*/permissions", instances::permissions),
    ("GET", "service_instances/*/relationships/shared_spaces", sharing::list),
    ("POST", "service_instances/*/relationships/shared_spaces", sharing::share),
    ("GET", "service_instances/*/relationships/shared_spaces/usage_summary", sharing::usage),
    ("DELETE", "service_instances/*/relationships/shared_spaces/*", sharing::unshare),
    ("GET", "service_credential_bindings", bindings::list),
    ("POST", "service_credential_bindings", bindings::create),
    ("GET", "service_credential_bindings/*", bindings::get),
    ("PATCH", "service_credential_bindings/*", bindings::update),
    ("DELETE", "service_credential_bindings/*", bindings::delete),
    ("GET", "service_credential_bindings/*/details", bindings::details),
    ("GET", "service_credential_bindings/*/parameters", bindings::parameters),
    ("GET", "service_offerings", offerings::list),
    ("GET", "service_offerings/*", offerings::get),
    ("PATCH", "service_offerings/*", offerings::update),
    ("GET", "service_plans", plans::list),
    ("GET", "service_plans/*", plans::get),
    ("PATCH", "service_plans/*", plans::update),
    ("GET", "service_plans/*/visibility", plans::visibility),
    ("GET", "service_brokers", brokers::list),
    ("GET", "service_brokers/*", brokers::get),
];

/// Whether a request needs no token: the marketplace, unless a flag hides it (reference section 7.2).
fn is_open(world: &World, call: &Call) -> bool {
    let collection = call.path.strip_prefix("/v3/").and_then(|path| path.split('/').next());
    call.method == "GET"
        && matches!(collection, Some("service_offerings" | "service_plans"))
        && !call.path.ends_with("/visibility")
        && world.store.flag("hide_marketplace_from_unauthenticated_users") == Some(false)
}

pub(super) fn answer(world: &mut World, call: &Call, now: Timestamp) -> Reply {
    limited(world, call, now, |world, caller| dispatch(world, call, caller, now))
}

/// Answers a call within the rate limits. Whether a token is needed, and any good, is left to the answer.
pub(super) fn limited(
    world: &mut World,
    call: &Call,
    now: Timestamp,
    answer: impl FnOnce(&mut World, Result<Caller, Failure>) -> Answer,
) -> Reply {
    let caller = uaa::authenticate(&world.options, &world.store, call, now);
    // A token that is no good is answered as such even beyond the limit.
    let verdicts = caller.as_ref().map(|caller| limits::count(world, caller, false, now)).unwrap_or_default();
    let broker = || {
        let caller = caller.as_ref().ok()?;
        limits::refuse_broker(world, call, caller, now, Reply::v3_failure)
    };
    let refusal = verdicts.refusal(Reply::v3_failure).or_else(broker);
    let reply = refusal.unwrap_or_else(|| answer(world, caller).unwrap_or_else(|failure| Reply::v3_failure(&failure)));
    verdicts.told_in(reply)
}

fn dispatch(world: &mut World, call: &Call, caller: Result<Caller, Failure>, now: Timestamp) -> Answer {
    let (handler, guids) = call::route(ROUTES, "/v3/", call).ok_or(Error::NotFound)?;
    let body = message::body(call)?;
    let caller = caller?.with_supported_spaces();
    if caller.is_signed_in() {
        let open = is_open(world, call);
        let enough = if call.method == "GET" { open || caller.has_read_scope() } else { caller.has_write_scope() };
        if !enough {
            return Err(Error::NotAuthorized.into());
        }
    } else if !is_open(world, call) {
        return Err(Error::NotAuthenticated.into());
    }
    handler(world, &Context { call, caller, now, guids, body, origin: call.origin() })
}

/// What is not there, or not to be seen by the caller.
fn not_found(what: &str) -> Failure {
    Error::ResourceNotFound.with(&[&format!("{what} not found")])
}

/// Almost every refusal of v3 (reference section 17.1).
fn unprocessable(detail: &str) -> Failure {
    Error::UnprocessableEntity.with(&[detail])
}
