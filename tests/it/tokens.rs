//! A run takes longer than its tokens are good for.

use std::time::Duration;

use trueup::emulator::cloudfoundry::marketplace::{Behaviour, SeedBroker, SeedOffering, SeedPlan};
use trueup::emulator::cloudfoundry::{Options, Refresh};
use trueup::emulator::{Effect, Fault, Reply, ReplyBody, kaiten};

use crate::support::{Foundation, Watched, World};

/// Longer than three tokens last.
const SLOW: &str = "\
service_instances:
  acme-db:
    space: sandbox/dev
    plan: database/slow
  acme-queue:
    space: sandbox/dev
    plan: database/fast
    parameters:
      of: ${service_instances.acme-db.guid}
";

fn world(refresh: Refresh, refresh_token_validity: Duration) -> World {
    let plans =
        vec![SeedPlan::new("slow", Behaviour::asynchronous(3500)), SeedPlan::new("fast", Behaviour::synchronous())];
    let brokers = vec![SeedBroker::new("broker", vec![SeedOffering::new("database", plans)])];
    let access_token_validity = Duration::from_secs(1);
    let options = Options { brokers, access_token_validity, refresh_token_validity, refresh, ..Options::default() };
    let world = World::with(kaiten::Options::default(), options);
    world.declare(SLOW);
    world
}

/// How many grants of a kind were asked for.
fn grants(world: &World, kind: &str) -> usize {
    let asked = world.cf().recorder().all().into_iter().filter(|request| request.path == "/oauth/token");
    asked.filter(|request| String::from_utf8_lossy(&request.body).contains(&format!("grant_type={kind}"))).count()
}

fn ends_well(world: &World) {
    let applied = world.run(&["apply", "--yes"]).exits(0);
    assert!(applied.stdout.contains("2 done"), "{applied}");
    let created = world.cf().recorder().all();
    let path = Foundation::tested().path("service_instances");
    let created = created.iter().filter(|one| one.method == "POST" && one.path == path).count();
    assert_eq!(created, 2);
}

#[test]
fn an_apply_that_outlives_its_tokens_refreshes_them_in_the_middle_of_waiting() {
    for refresh in [Refresh::Rotate, Refresh::Repeat, Refresh::Omit] {
        let world = world(refresh, Duration::from_secs(600));
        ends_well(&world);
        assert_eq!(grants(&world, "password"), 1, "{refresh:?}");
        assert!(grants(&world, "refresh_token") >= 3, "{refresh:?}");
    }
}

#[test]
fn where_the_refresh_token_has_ended_too_the_password_is_used_again() {
    let world = world(Refresh::Repeat, Duration::ZERO);
    ends_well(&world);
    assert!(grants(&world, "password") >= 3);
}

#[test]
fn a_token_that_is_refused_in_the_middle_of_waiting_is_replaced_once() {
    let world = world(Refresh::Rotate, Duration::from_secs(600));
    let reply = |status| Effect::Reply(Reply { status, body: ReplyBody::Empty, ..Reply::default() });
    // One is looked at by itself in v2, and in a list in v3.
    match Foundation::tested() {
        Foundation::V2 => world.cf().strike("GET", "/v2/service_instances/*", reply(401)),
        _ => {
            world.cf().faults().add(Fault::on("GET", "/v3/service_instances", reply(401)).skipping(1));
        }
    }
    ends_well(&world);
}
