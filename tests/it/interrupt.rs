//! An apply is interrupted: what is under way is told, and the next run attaches to it.

use std::time::{Duration, Instant};

use trueup::emulator::cloudfoundry::Options;
use trueup::emulator::cloudfoundry::marketplace::{Behaviour, SeedBroker, SeedOffering, SeedPlan};
use trueup::emulator::{Effect, Served, kaiten};

use crate::support::{Foundation, Output, Run, Watched, World};

/// The first takes its broker three seconds; the second waits for it.
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

/// Where they are created.
fn instances() -> String {
    Foundation::tested().path("service_instances")
}

fn slow_world() -> World {
    let plans =
        vec![SeedPlan::new("slow", Behaviour::asynchronous(3000)), SeedPlan::new("fast", Behaviour::synchronous())];
    let brokers = vec![SeedBroker::new("broker", vec![SeedOffering::new("database", plans)])];
    let world = World::with(kaiten::Options::default(), Options { brokers, ..Options::default() });
    world.declare(SLOW);
    world
}

/// Starts an apply and waits until so many creates have arrived at the remote.
fn start(world: &World, served: &Served, path: &str, creates: usize) -> Run {
    let run = world.project.start(&["apply", "--yes", "--report", "report.json"]);
    let deadline = Instant::now() + Duration::from_secs(20);
    while served.count("POST", path) < creates {
        assert!(Instant::now() < deadline, "no create came: {}", run.end());
        std::thread::sleep(Duration::from_millis(10));
    }
    // It shall have the answer, if there is one.
    std::thread::sleep(Duration::from_millis(200));
    run
}

fn signalled(run: Run, number: u8) -> (Output, Duration) {
    let sent = Instant::now();
    run.signal(number);
    let output = run.end();
    (output, sent.elapsed())
}

/// The next run attaches and ends with one of each.
fn resumes(world: &World) {
    let plan = world.run(&["plan"]).exits(0);
    assert!(plan.stdout.contains("> service_instances.acme-db"), "the remote is still at it: {plan}");
    let applied = world.run(&["apply", "--yes"]).exits(0);
    assert!(applied.stderr.contains("> service_instances.acme-db ready in"), "{applied}");
    assert_eq!(world.cf().count("POST", &instances()), 2, "one create of each");
    assert_eq!(world.service_instances(), ["acme-db", "acme-queue"]);
    world.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn an_interrupted_apply_tells_what_goes_on_and_the_next_one_attaches_to_it() {
    for (number, code) in [(2, 130), (15, 143)] {
        let world = slow_world();
        let (output, took) = signalled(start(&world, world.cf(), &instances(), 1), number);
        let output = output.exits(code);
        assert!(took < Duration::from_secs(5), "{took:?}");
        insta::assert_snapshot!(format!("interrupted_by_{number}"), output);
        let report: serde_json::Value = serde_json::from_str(&world.project.read("report.json")).unwrap();
        assert_eq!(report["exit_code"], code);
        let outcomes: Vec<_> = report["outcomes"].as_array().unwrap().iter().map(|end| &end["outcome"]).collect();
        assert_eq!(outcomes, ["waiting", "skipped"]);
        resumes(&world);
    }
}

#[test]
fn a_killed_apply_is_resumed_all_the_same() {
    let world = slow_world();
    let (output, _) = signalled(start(&world, world.cf(), &instances(), 1), 9);
    assert_eq!(output.code, -9);
    resumes(&world);
}

const INSTANCE: &str = "\
customers:
  acme: { name: Acme }
";

#[test]
fn a_create_whose_answer_is_awaited_ends_unknown_and_is_not_sent_again() {
    let world = World::declaring(INSTANCE);
    world.kaiten().strike("POST", "/api/customers", Effect::SilentAfter);
    let (output, took) = signalled(start(&world, world.kaiten(), "/api/customers", 1), 15);
    assert!((Duration::from_secs(1)..Duration::from_secs(5)).contains(&took), "it waits a little: {took:?}");
    insta::assert_snapshot!(output.exits(143));
    assert_eq!(world.slugs("customers"), ["acme"]);
    let next = world.run(&["apply", "--yes"]).exits(0);
    assert!(next.stdout.contains("No changes."), "{next}");
    assert_eq!(world.kaiten().count("POST", "/api/customers"), 1);
}

/// One that is done, one whose create is never answered, and one that is not begun.
const THREE: &str = "\
customers:
  acme: { name: Acme }
licenses:
  team: { name: Team, type: PAID }
instances:
  live:
    name: Live
    customer: acme
    license: team
    start_license_date: 2026-09-01T00:00:00Z
    end_license_date: 2027-09-01T00:00:00Z
";

/// Applies those, and signals twice.
fn signalled_twice(format: &str) -> (World, Output) {
    let world = World::declaring(THREE);
    world.kaiten().strike("POST", "/api/licenses", Effect::SilentBefore);
    let mut run = world.project.start(&["apply", "--yes", "--format", format, "--report", "report.json"]);
    run.until("asked for both", |_| world.kaiten().count("POST", "/api/licenses") == 1);
    std::thread::sleep(Duration::from_millis(200));
    run.signal(2);
    std::thread::sleep(Duration::from_millis(200));
    let (output, took) = signalled(run, 15);
    assert!(took < Duration::from_secs(2), "{took:?}");
    (world, output.exits(143))
}

#[test]
fn a_second_signal_ends_at_once_and_tells_what_is_known() {
    let (world, output) = signalled_twice("human");
    insta::assert_snapshot!(output);
    let report: serde_json::Value = serde_json::from_str(&world.project.read("report.json")).unwrap();
    assert_eq!(report["exit_code"], 143);
    let outcomes = report["outcomes"].as_array().unwrap().iter();
    let outcomes: Vec<_> =
        outcomes.map(|end| (end["address"].as_str().unwrap(), end["outcome"].as_str().unwrap())).collect();
    let expected = [("customers.acme", "done"), ("licenses.team", "unknown"), ("instances.live", "not_started")];
    assert_eq!(outcomes, expected);
    assert_eq!(report["outcomes"][1]["diagnostics"][0]["code"], "trueup::apply::uncertain_write");
}

/// One whose create the remote has answered and is at work on, one whose create it never answers, and one that is not begun.
#[test]
fn a_second_signal_takes_nothing_for_unknown_that_was_answered() {
    let world = slow_world();
    world.declare(&format!("{SLOW}customers:\n  acme: {{ name: Acme }}\n"));
    world.kaiten().strike("POST", "/api/customers", Effect::SilentAfter);
    let command = ["apply", "--yes", "--parallelism", "4", "--report", "report.json"];
    let mut run = world.project.start(&command);
    let asked = || world.kaiten().count("POST", "/api/customers") == 1 && world.cf().count("POST", &instances()) == 1;
    run.until("asked for both", |_| asked());
    std::thread::sleep(Duration::from_millis(300));
    run.signal(2);
    std::thread::sleep(Duration::from_millis(200));
    let (output, _) = signalled(run, 2);
    insta::assert_snapshot!(output.exits(130));
    let report: serde_json::Value = serde_json::from_str(&world.project.read("report.json")).unwrap();
    let outcomes = report["outcomes"].as_array().unwrap().iter();
    let outcomes: Vec<_> =
        outcomes.map(|end| (end["address"].as_str().unwrap(), end["outcome"].as_str().unwrap())).collect();
    let expected = [
        ("customers.acme", "unknown"),
        ("service_instances.acme-db", "waiting"),
        ("service_instances.acme-queue", "not_started"),
    ];
    assert_eq!(outcomes, expected);
    assert!(report["outcomes"][1]["id"].is_string(), "{report}");
    let help = report["outcomes"][0]["diagnostics"][0]["help"].as_str().unwrap();
    assert_eq!(help, "run `trueup plan`: it looks for the customer with slug acme");
    world.kaiten().faults().clear();
    world.run(&["apply", "--yes"]).exits(0);
    assert_eq!((world.kaiten().count("POST", "/api/customers"), world.cf().count("POST", &instances())), (1, 2));
}

#[test]
fn a_second_signal_ends_the_stream_with_the_ledger_too() {
    let (world, output) = signalled_twice("json");
    let mut last = output.json_lines().pop().unwrap();
    assert_eq!(last.as_object_mut().unwrap().remove("event"), Some("ledger".into()));
    let report: serde_json::Value = serde_json::from_str(&world.project.read("report.json")).unwrap();
    assert_eq!(last, report);
}

#[test]
fn a_report_of_a_run_that_is_interrupted_while_it_reads_says_that_nothing_was_done() {
    let world = World::declaring(INSTANCE);
    world.kaiten().strike_always("GET", "/api/customers", Effect::SilentBefore);
    let mut run = world.project.start(&["apply", "--yes", "--report", "report.json"]);
    run.until("read", |_| world.kaiten().count("GET", "/api/customers") > 0);
    let (output, _) = signalled(run, 15);
    let output = output.exits(143);
    let said = (output.stdout.as_str(), output.stderr.as_str());
    assert_eq!(said, ("Interrupted by SIGTERM: nothing was changed.\n", ""));
    let report: serde_json::Value = serde_json::from_str(&world.project.read("report.json")).unwrap();
    assert_eq!((&report["exit_code"], &report["outcomes"]), (&143.into(), &serde_json::json!([])));
}

#[test]
fn a_plan_that_is_interrupted_has_changed_nothing() {
    for (number, code) in [(2, 130), (15, 143)] {
        let world = World::declaring(INSTANCE);
        world.kaiten().strike_always("GET", "/api/customers", Effect::SilentBefore);
        let run = world.project.start(&["plan"]);
        while world.kaiten().count("GET", "/api/customers") == 0 {
            std::thread::sleep(Duration::from_millis(10));
        }
        let (output, took) = signalled(run, number);
        let output = output.exits(code);
        assert!(took < Duration::from_secs(2), "{took:?}");
        assert_eq!(
            (output.stdout.as_str(), output.stderr.as_str()),
            ("", "interrupted while reading; nothing was changed\n")
        );
    }
}

#[test]
fn a_sandbox_that_is_told_to_end_has_ended_well() {
    let project = crate::support::Project::empty();
    let mut run = project.start(&["sandbox", "--kaiten-port", "0", "--cf-port", "0", "--state", "state.json"]);
    let deadline = Instant::now() + Duration::from_secs(20);
    while !project.path().join("state.json").exists() && Instant::now() < deadline {
        assert!(run.runs());
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(100));
    let (output, _) = signalled(run, 15);
    insta::assert_snapshot!(output.exits(0));
}
