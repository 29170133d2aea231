//! What goes wrong during one run.

use trueup::emulator::cloudfoundry::Order;
use trueup::emulator::cloudfoundry::marketplace::{BrokerStep, Trouble};
use trueup::emulator::{Effect, Fault, Reply, ReplyBody};

use crate::chance::Chance;
use crate::wish::Speaks;

/// How a run is ended from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Not at all.
    Itself,
    /// A signal asks it to stop, once so many writes have arrived and so many milliseconds have passed.
    Signal(u64, u64),
    /// The process is gone, likewise.
    Kill(u64, u64),
}

/// What goes wrong during one run.
#[derive(Debug, Clone)]
pub struct Storm {
    pub kaiten: Vec<Fault>,
    pub cf: Vec<Fault>,
    pub orders: Vec<Order>,
    pub end: End,
}

const CORE: [&str; 7] = [
    "/api",
    "/api/customers",
    "/api/customers/*",
    "/api/instances",
    "/api/instances/*",
    "/api/deployment-zones",
    "/api/deployment-zones/*",
];
const SEED: [&str; 2] = ["/instances", "/instances/*"];
const CLOUD_FOUNDRY: [&str; 13] = [
    "/v3/service_instances",
    "/v3/service_instances/*",
    "/v3/service_credential_bindings",
    "/v3/service_credential_bindings/*",
    "/v3/jobs",
    "/v3/spaces",
    "/v2/service_instances",
    "/v2/service_instances/*",
    "/v2/user_provided_service_instances",
    "/v2/user_provided_service_instances/*",
    "/v2/service_keys",
    "/v2/service_keys/*",
    "/oauth/token",
];
const METHODS: [&str; 9] = ["*", "GET", "POST", "POST", "POST", "PUT", "PATCH", "DELETE", "DELETE"];

impl Storm {
    /// Good weather.
    pub fn none() -> Self {
        Self { kaiten: Vec::new(), cf: Vec::new(), orders: Vec::new(), end: End::Itself }
    }

    /// Any.
    pub fn random(chance: &mut Chance, speaks: Speaks) -> Self {
        let (writes, wait) = (u64_below(chance, 6), u64_below(chance, 12));
        let end = match chance.below(6) {
            0 => End::Kill(writes, wait),
            1 => End::Signal(writes, wait),
            _ => End::Itself,
        };
        let mut faults = |paths: &[&str]| (0..=chance.below(5)).map(|_| fault(chance, paths)).collect();
        let (kaiten, cf) = (faults(if speaks == Speaks::Seed { &SEED } else { &CORE }), faults(&CLOUD_FOUNDRY));
        let orders = if chance.one_in(3) { vec![order(chance)] } else { Vec::new() };
        Self { kaiten, cf, orders, end }
    }
}

fn u64_below(chance: &mut Chance, end: usize) -> u64 {
    chance.below(end).try_into().expect("a small number")
}

fn fault(chance: &mut Chance, paths: &[&str]) -> Fault {
    let method = *chance.pick(&METHODS);
    let path = *chance.pick(paths);
    let skip = u32::try_from(chance.below(4)).expect("a small number");
    // Six are more than are tried.
    let times = *chance.pick(&[1, 1, 1, 2, 6]);
    Fault::on(method, path, effect(chance)).skipping(skip).times(times)
}

fn effect(chance: &mut Chance) -> Effect {
    let reply = |status, processed, body| Effect::Reply(Reply { status, processed, body, ..Reply::default() });
    match chance.below(16) {
        0..=2 => Effect::CutBefore,
        3..=5 => Effect::CutAfter,
        6 => Effect::Truncated,
        7 => Effect::Malformed,
        8 => Effect::too_many_requests(Some("1")),
        9 => Effect::too_many_requests(None),
        10 => Effect::bad_gateway_page(),
        11 => Effect::SilentAfter,
        12 => Effect::SilentBefore,
        13 => reply(*chance.pick(&[500, 502, 503, 504]), true, ReplyBody::Remote),
        14 => reply(*chance.pick(&[500, 502, 503, 504]), false, ReplyBody::Html),
        _ => reply(*chance.pick(&[401, 403, 409, 422, 500]), false, ReplyBody::Remote),
    }
}

fn order(chance: &mut Chance) -> Order {
    let step =
        *chance.pick(&[BrokerStep::Provision, BrokerStep::Provision, BrokerStep::Update, BrokerStep::Deprovision]);
    let instance = *chance.pick(&["si-0", "si-1", "si-2"]);
    let trouble = match chance.below(3) {
        0 => Trouble::FailLater("the disk caught fire".to_owned()),
        1 => Trouble::Refuse { status: 500, description: "the disk caught fire".to_owned() },
        _ => Trouble::TimeOut,
    };
    Order::on(step, instance).taking(4).but(trouble)
}
