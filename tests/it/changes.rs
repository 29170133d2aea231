//! What exists is changed in place, renamed, replaced or recovered, whichever API answers.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use trueup::emulator::cloudfoundry::Options;
use trueup::emulator::cloudfoundry::marketplace::{Behaviour, SeedBroker, SeedOffering, SeedPlan};
use trueup::emulator::kaiten;

use crate::support::{Foundation, Watched, World};

/// Applies, and finds nothing left to do.
fn converges(world: &World) -> String {
    let applied = world.run(&["apply", "--yes"]).exits(0);
    world.run(&["plan", "--detailed-exitcode"]).exits(0);
    applied.to_string()
}

fn creates(world: &World) -> usize {
    world.cf().count("POST", &Foundation::tested().path("service_instances$"))
}

const CACHE: &str = "service_instances:\n  cache: { space: sandbox/dev, plan: redis/small, tags: [a] }\n";

#[test]
fn an_instance_is_renamed_and_changed_in_place() {
    let world = World::declaring(CACHE);
    converges(&world);
    world.cf().recorder().clear();
    world.declare(
        "service_instances:\n  store:\n    space: sandbox/dev\n    plan: redis/small\n    tags: [a, b]\n    lifecycle: { was: cache }\n",
    );
    let applied = converges(&world);
    assert!(applied.contains("~ name") && applied.contains("cache -> store"), "{applied}");
    assert_eq!((creates(&world), world.cf().writes()), (0, 1), "{applied}");
    assert_eq!(world.service_instances(), ["store"]);
}

#[test]
fn a_plan_is_changed_in_place_where_its_offering_allows() {
    let world = World::declaring("service_instances:\n  db: { space: sandbox/dev, plan: postgres/small }\n");
    converges(&world);
    world.cf().recorder().clear();
    world.declare("service_instances:\n  db: { space: sandbox/dev, plan: postgres/large }\n");
    let applied = converges(&world);
    assert_eq!((creates(&world), world.cf().writes()), (0, 1), "{applied}");
}

#[test]
fn what_cannot_be_changed_is_replaced_with_consent_only() {
    let world = World::declaring(CACHE);
    converges(&world);
    let before = world.run(&["plan", "--format", "json"]).json()["actions"][0]["observed"]["id"].clone();
    world.declare(&CACHE.replace("redis/small", "postgres/small"));
    let blocked = world.run(&["plan"]).exits(1);
    assert!(blocked.stdout.contains("--allow-replace service_instances.cache"), "{blocked}");
    world.run(&["apply", "--yes"]).exits(5);
    let replaced = world.run(&["apply", "--yes", "--allow-replace", "service_instances.cache"]).exits(0);
    assert!(replaced.stdout.contains("-/+ service_instances.cache"), "{replaced}");
    let after = world.run(&["plan", "--detailed-exitcode", "--format", "json"]).exits(0).json();
    assert_ne!(after["actions"][0]["observed"]["id"], before);
    assert_eq!(world.service_instances(), ["cache"]);
}

#[test]
fn what_a_protected_instance_would_lose_is_refused() {
    let world = World::declaring(CACHE);
    converges(&world);
    world.declare(&CACHE.replace("redis/small", "postgres/small").replace("tags: [a]", "lifecycle: { protect: true }"));
    world.run(&["plan", "--allow-replace", "service_instances.cache"]).exits(6);
    world.run(&["apply", "--yes", "--allow-replace", "service_instances.cache"]).exits(6);
    assert_eq!(world.service_instances(), ["cache"]);
}

#[test]
fn a_key_goes_along_with_its_instance_only_with_consent() {
    let world = World::declaring(
        "service_instances:\n  db: { space: sandbox/dev, plan: postgres/small }\nservice_keys:\n  ci: { service_instance: db }\n",
    );
    converges(&world);
    world.declare("service_instances:\n  db: { space: sandbox/dev, plan: redis/small }\n");
    let only = ["--allow-replace", "service_instances.db"];
    let blocked = world.run(&[&["plan"], &only[..]].concat()).exits(1);
    let words = blocked.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("takes along the service key `ci`"), "{blocked}");
    assert!(words.contains("--allow-cascade service_instances.db"), "{blocked}");
    let both = ["apply", "--yes", "--allow-replace", "service_instances.db", "--allow-cascade", "service_instances.db"];
    world.run(&both).exits(0);
    world.run(&["plan", "--detailed-exitcode"]).exits(0);
}

/// Has the broker do something else with the next request of a kind.
fn order(world: &World, order: &Value) {
    world.send(world.cf(), Method::POST, "/_sandbox/broker/orders", Some(order));
}

/// An instance whose broker needs a moment for each change.
fn slow_instance() -> World {
    let world = slow_world(100);
    converges(&world);
    world.cf().recorder().clear();
    world
}

fn edited(tags: &str) -> String {
    format!("service_instances:\n  db: {{ space: sandbox/dev, plan: database/slow, {tags} }}\n")
}

#[test]
fn a_change_that_the_broker_fails_later_leaves_what_was_there_and_can_be_tried_again() {
    let world = slow_instance();
    world.declare(&edited("tags: [a], parameters: { size: 2 }"));
    if Foundation::tested() == Foundation::V2 {
        // Of parameters v2 keeps no mark: they have to be sent on purpose.
        world.run(&["plan", "--detailed-exitcode"]).exits(0);
        return;
    }
    // No mark was kept of parameters that were never declared.
    let resend = ["apply", "--yes", "--resend-parameters", "service_instances.db"];
    order(
        &world,
        &json!({ "instance": "db", "step": "update", "milliseconds": 100, "trouble": { "fail_later": "no room" } }),
    );
    let failed = world.run(&resend).exits(5);
    assert!(failed.stderr.contains("no room"), "{failed}");
    world.run(&resend).exits(0);
    world.run(&["plan", "--detailed-exitcode"]).exits(0);
    assert_eq!(world.service_instances(), ["db"]);
}

#[test]
fn what_a_failed_create_left_is_recovered_by_the_next_apply() {
    let world = slow_world(100);
    order(
        &world,
        &json!({ "instance": "db", "step": "provision", "milliseconds": 100, "trouble": { "fail_later": "no room" } }),
    );
    let failed = world.run(&["apply", "--yes"]).exits(5);
    assert!(failed.stderr.contains("no room"), "{failed}");
    let plan = world.run(&["plan"]).exits(0);
    assert!(plan.stdout.contains("! service_instances.db") && plan.stdout.contains("1 to recover"), "{plan}");
    converges(&world);
    assert_eq!((world.service_instances(), creates(&world)), (vec!["db".to_owned()], 2));
}

#[test]
fn what_is_being_deleted_is_waited_for_and_created() {
    let world = slow_instance();
    order(&world, &json!({ "instance": "db", "step": "deprovision", "milliseconds": 1500 }));
    let seen = world.run(&["plan", "--format", "json"]).exits(0).json();
    let guid = seen["actions"][0]["observed"]["id"].as_str().unwrap().to_owned();
    let path = Foundation::tested().path(&format!("service_instances/{guid}"));
    let path = if Foundation::tested() == Foundation::V2 { path + "?accepts_incomplete=true" } else { path };
    world.send(world.cf(), Method::DELETE, &path, None);
    // In v3 a job takes it up a moment later.
    let path = Foundation::tested().path(&format!("service_instances/{guid}"));
    while !world.get(world.cf(), &path).to_string().contains(r#""type":"delete""#) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let plan = world.run(&["plan"]).exits(0);
    assert!(plan.stdout.contains("> service_instances.db"), "{plan}");
    converges(&world);
    assert_eq!((world.service_instances(), creates(&world)), (vec!["db".to_owned()], 1));
}

#[test]
fn a_wait_that_times_out_is_attached_to_by_the_next_run() {
    let world = slow_world(3000);
    let yaml = edited("tags: [a], lifecycle: { timeout: 1s }");
    world.declare(&yaml);
    let waiting = world.run(&["apply", "--yes"]).exits(5);
    assert!(waiting.stdout.contains("1 still running"), "{waiting}");
    world.declare(&yaml.replace(", lifecycle: { timeout: 1s }", ""));
    converges(&world);
    assert_eq!((world.service_instances(), creates(&world)), (vec!["db".to_owned()], 1));
}

#[test]
fn labels_are_changed_key_by_key_where_there_are_any() {
    if Foundation::tested() == Foundation::V2 {
        let world = World::declaring(&CACHE.replace("tags: [a]", "labels: { team: core }"));
        let told = world.run(&["plan"]).exits(1);
        assert!(told.stderr.contains("`v2` has no `labels`"), "{told}");
        return;
    }
    let world = World::declaring(&CACHE.replace("tags: [a]", "labels: { team: core }, annotations: { note: hello }"));
    converges(&world);
    world.cf().recorder().clear();
    world.declare(&CACHE.replace("tags: [a]", "labels: { team: edge }, annotations: { note: hello }"));
    converges(&world);
    let sent = &world.cf().received("PATCH", "/v3/service_instances/*")[0];
    assert_eq!(sent.json(), Some(json!({ "metadata": { "labels": { "team": "edge" } } })));
}

fn slow_world(milliseconds: u64) -> World {
    let plans = vec![SeedPlan::new("slow", Behaviour::asynchronous(milliseconds))];
    let brokers = vec![SeedBroker::new("broker", vec![SeedOffering::new("database", plans)])];
    let world = World::with(kaiten::Options::default(), Options { brokers, ..Options::default() });
    world.declare("service_instances:\n  db: { space: sandbox/dev, plan: database/slow, tags: [a] }\n");
    world
}
