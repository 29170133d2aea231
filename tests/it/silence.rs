//! A reply that never comes. The binary waits for one as long as the contract of a remote allows, so this is tried
//! in the process, with a short patience.

use std::sync::Arc;
use std::time::Duration;

use trueup::apply::{Ledger, Options, Resolution, apply};
use trueup::clock::Clock;
use trueup::emulator::Effect;
use trueup::model::{Code, Diagnostics, Sources};
use trueup::observe::{Sessions, observe};
use trueup::plan::plan;
use trueup::providers::registry;
use trueup::settings::{self, LoadOptions};
use trueup::{config, emulator};

use crate::support::{Foundation, Watched, World};

/// Applies the project with half a second of patience for each answer.
fn apply_impatiently(world: &World) -> Ledger {
    let (registry, clock) = (registry(), Clock::system());
    let (mut sources, mut problems) = (Sources::default(), Diagnostics::default());
    let env = |name: &str| match name {
        "KAITEN_AUTH_TOKEN" => Some(emulator::kaiten::SANDBOX_TOKEN.to_owned()),
        "CF_PASSWORD" => Some(crate::support::CF_PASSWORD.to_owned()),
        _ => None,
    };
    let options = LoadOptions { environment: None, variables: &[], env: &env, unconnected: false };
    let settings = settings::load(world.project.path(), options, &mut sources, &mut problems).expect("sound settings");
    let files = settings::resource_files(&settings).expect("readable files");
    let desired = config::load(&files, &settings, &registry, &mut sources, &mut problems).expect("sound files");
    world.wait(async {
        let mut sessions = Sessions::new();
        for target in settings.targets.values().filter(|target| desired.targets.contains_key(&target.name)) {
            let mut endpoint = settings::endpoint(target, &settings, &env).expect("secrets are there");
            endpoint.request_timeout = Duration::from_millis(500);
            let session = registry.connect(&endpoint, &clock).await.expect("a provider").expect("a connection");
            sessions.insert(Arc::clone(&target.name), Arc::from(session));
        }
        let snapshot = observe(&desired, &registry, &sessions, &mut problems).await;
        let plan = plan(&desired, &snapshot, &registry, problems);
        assert!(!plan.errored(), "{:?}", plan.diagnostics);
        let (_sender, interrupt) = tokio::sync::watch::channel(None);
        let options = Options { parallelism: 4, fail_fast: false };
        apply(&plan, &desired, &snapshot, &registry, &sessions, options, &clock, interrupt, &mut |_| ()).await
    })
}

const CUSTOMERS: &str = "customers:\n  acme: { name: Acme }\n";
const SERVICES: &str = "service_instances:\n  cache: { space: sandbox/dev, plan: redis/small }\n";

#[test]
fn a_create_that_was_done_and_never_answered_is_found() {
    let services = Foundation::tested().path("service_instances$");
    for (yaml, is_kaiten, path) in [(CUSTOMERS, true, "/api/customers$"), (SERVICES, false, &services)] {
        let world = World::declaring(yaml);
        let remote = if is_kaiten { world.kaiten() } else { world.cf() };
        remote.strike("POST", path, Effect::SilentAfter);
        let ledger = apply_impatiently(&world);
        assert_eq!(ledger.outcomes[0].resolution, Resolution::Done, "{ledger:?}");
        assert_eq!(remote.count("POST", path), 1);
        world.run(&["plan", "--detailed-exitcode"]).exits(0);
    }
}

#[test]
fn a_create_that_was_never_seen_nor_answered_is_unknown_and_not_sent_again() {
    let services = Foundation::tested().path("service_instances$");
    for (yaml, is_kaiten, path) in [(CUSTOMERS, true, "/api/customers$"), (SERVICES, false, &services)] {
        let world = World::declaring(yaml);
        let remote = if is_kaiten { world.kaiten() } else { world.cf() };
        remote.strike("POST", path, Effect::SilentBefore);
        let ledger = apply_impatiently(&world);
        let outcome = &ledger.outcomes[0];
        assert_eq!((outcome.resolution, outcome.diagnostics[0].code), (Resolution::Unknown, Code::UncertainWrite));
        assert!(outcome.diagnostics[0].message.ends_with("no answer in time"), "{:?}", outcome.diagnostics);
        assert_eq!(remote.count("POST", path), 1);
        world.run(&["plan", "--detailed-exitcode"]).exits(2);
        world.run(&["apply", "--yes"]).exits(0);
    }
}

#[test]
fn a_read_that_is_never_answered_is_tried_again() {
    let world = World::declaring(CUSTOMERS);
    world.kaiten().strike("GET", "/api/customers", Effect::SilentBefore);
    assert_eq!(apply_impatiently(&world).outcomes[0].resolution, Resolution::Done);
}
