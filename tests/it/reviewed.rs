//! A reviewed plan is carried out, and nothing beyond it: each way in which the file, the YAML or the remotes can have
//! become others since.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use trueup::emulator::Effect;

use crate::support::{Foundation, Output, Run, Watched, World};

const THREE: &str = "\
customers:
  a1: { name: A }
  b1: { name: B, domain: b.example }
  c1: { name: C }
";

/// A world in which a plan of this has been saved as `plan.json`.
fn reviewed(yaml: &str) -> World {
    let world = World::declaring(yaml);
    save(&world, &[]);
    world
}

fn save(world: &World, more: &[&str]) {
    world.run(&[&["plan", "--out", "plan.json"], more].concat()).exits(0);
    world.kaiten().recorder().clear();
}

fn apply(world: &World) -> Output {
    world.run(&["apply", "plan.json"])
}

/// Somebody changes a customer by hand.
fn edit(world: &World, slug: &str, body: &Value) {
    world.send(world.kaiten(), Method::PUT, &format!("/api/customers/{slug}"), Some(body));
    world.kaiten().recorder().clear();
}

fn written(world: &World) -> usize {
    world.kaiten().writes() + world.cf().writes()
}

/// Whether it says this on stderr, wherever the lines are broken.
#[track_caller]
fn says(output: &Output, text: &str) {
    let words = output.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(text), "{text}: {output}");
}

#[test]
fn it_is_applied_without_a_question_and_again_without_a_change() {
    let world = reviewed(THREE);
    insta::assert_snapshot!("reviewed_applied", apply(&world).exits(0));
    assert_eq!(world.slugs("customers"), ["a1", "b1", "c1"]);
    let again = apply(&world).exits(0);
    assert!(again.stdout.contains("No changes."), "{again}");
}

#[test]
fn what_an_interrupted_apply_has_left_is_done_by_the_next() {
    let world = reviewed(THREE);
    world.kaiten().strike("POST", "/api/customers", Effect::status(503));
    world.kaiten().strike("POST", "/api/customers", Effect::status(403));
    apply(&world).exits(5);
    assert_ne!(world.slugs("customers").len(), 3);
    apply(&world).exits(0);
    assert_eq!(world.slugs("customers"), ["a1", "b1", "c1"]);
}

#[test]
fn what_was_planned_with_is_in_the_file() {
    let world = World::declaring(THREE);
    save(&world, &["--only", "customers.c1", "customers.a1"]);
    let terms = serde_json::from_str::<Value>(&world.project.read("plan.json")).unwrap()["terms"].clone();
    assert_eq!(terms["only"], json!(["customers.a1", "customers.c1"]));
    assert_eq!(terms["declared"].as_object().unwrap().len(), 2);
    // What is not in it may become another.
    world.declare(&THREE.replace("name: B", "name: Bee"));
    world.run(&["apply", "plan.json", "--only", "customers.a1,customers.c1"]).exits(0);
    assert_eq!(world.slugs("customers"), ["a1", "c1"]);
}

#[test]
fn consents_are_in_the_file() {
    let cache = "service_instances:\n  cache: { space: sandbox/dev, plan: redis/small }\n";
    let world = World::declaring(cache);
    world.run(&["apply", "--yes"]).exits(0);
    world.declare(&cache.replace("redis", "postgres"));
    world.project.write("trueup.toml", world.settings("", "max_deletes = 0"));
    let consents = ["--allow-replace", "service_instances.cache", "--allow-deletes", "1"];
    save(&world, &consents);
    apply(&world).exits(0);
    world.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn the_environment_is_in_the_file() {
    let world = World::new();
    let staging = "[variables.name]\ndefault = \"A\"\n[environments.staging.variables]\nname = \"Staging\"\n";
    world.project.write("trueup.toml", world.settings(staging, ""));
    world.declare("customers:\n  a1: { name: '${var.name}' }\n");
    save(&world, &["-e", "staging"]);
    let other = world.run(&["apply", "plan.json", "-e", "production"]).exits(64);
    says(&other, "`--env` is not what the plan in `plan.json` was made with");
    world.run(&["apply", "plan.json"]).exits(0);
    assert_eq!(world.get(world.kaiten(), "/api/customers/a1")["name"], "Staging");
}

#[test]
fn a_file_is_refused_that_is_not_as_it_was_written() {
    let world = reviewed(THREE);
    let plan = world.project.read("plan.json");
    let mut told = String::new();
    for (name, text, code) in [
        ("altered.json", plan.replace("b.example", "c.example"), 6),
        ("cut.json", plan[..plan.len() / 2].to_owned(), 6),
        ("other.json", plan.replacen("\"format_version\": \"1.0\"", "\"format_version\": \"2.0\"", 1), 6),
        ("resources.json", "{}".to_owned(), 6),
    ] {
        world.project.write(name, text);
        let output = world.run(&["apply", name]).exits(code);
        writeln!(told, "{name}: {output}").unwrap();
    }
    let missing = world.run(&["apply", "nowhere.json"]).exits(64);
    writeln!(told, "nowhere.json: {missing}").unwrap();
    insta::assert_snapshot!("reviewed_damaged", told);
    assert_eq!(world.kaiten().recorder().count(), 0, "nobody was asked anything");
}

#[test]
fn flags_that_contradict_the_file_are_wrong_usage() {
    let world = reviewed(THREE);
    for flags in [
        &["--only", "customers.a1"][..],
        &["--allow-replace", "customers.a1"],
        &["--allow-cascade", "customers.a1"],
        &["--allow-deletes", "3"],
        &["--resend-parameters", "customers.a1"],
        &["-e", "staging"],
    ] {
        let output = world.run(&[&["apply", "plan.json"], flags].concat()).exits(64);
        let flag = if flags[0] == "-e" { "--env" } else { flags[0] };
        says(&output, &format!("`{flag}` is not what the plan in `plan.json` was made with"));
        assert_eq!(output.stdout, "");
    }
    assert_eq!(world.kaiten().recorder().count(), 0, "nobody was asked anything");
    world.run(&["apply", "plan.json", "--yes", "--fail-fast", "--parallelism", "2"]).exits(0);
}

#[test]
fn a_plan_with_errors_cannot_be_applied() {
    let world = World::declaring("service_instances:\n  cache: { space: sandbox/dev, plan: redis/smal }\n");
    world.run(&["plan", "--out", "plan.json"]).exits(1);
    let output = apply(&world).exits(6);
    says(&output, "error[trueup::plan::file]: `plan.json` cannot be applied: the plan in it has errors");
    // Also where there was nothing to plan: what another run left there is not this one's.
    let world = reviewed(THREE);
    world.declare("customers:\n  a1: { nmae: A }\n");
    world.run(&["plan", "--out", "plan.json"]).exits(3);
    world.declare(THREE);
    apply(&world).exits(6);
    assert_eq!(written(&world), 0);
}

#[test]
fn a_plan_of_another_project_is_refused() {
    let world = reviewed(THREE);
    let settings = world.settings("", "").replace("\"acme\"", "\"globex\"");
    world.project.write("trueup.toml", settings);
    let output = apply(&world).exits(6);
    says(&output, "is of the project `acme`, and this one is `globex`");
}

#[test]
fn a_plan_for_another_target_is_refused() {
    let world = reviewed(THREE);
    let other = World::new();
    world.project.write("trueup.toml", other.settings("", ""));
    insta::assert_snapshot!("reviewed_other_target", apply(&world).exits(6));
    assert_eq!(written(&other), 0);
}

#[test]
fn what_is_declared_otherwise_is_refused() {
    let world = reviewed(THREE);
    world.declare(&THREE.replace("b.example", "c.example").replace("  c1: { name: C }\n", "  d1: { name: D }\n"));
    insta::assert_snapshot!("reviewed_missing", apply(&world).exits(6));
    world.declare(&format!("{}  d1: {{ name: D }}\n", THREE.replace("b.example", "c.example")));
    insta::assert_snapshot!("reviewed_redeclared", apply(&world).exits(6));
    assert_eq!(world.kaiten().recorder().count(), 0, "nobody was asked anything");
    // Where it stands is nothing of the plan's.
    world.declare("# A comment.\n");
    world.project.write("other/place.yaml", THREE);
    apply(&world).exits(0);
}

#[test]
fn a_variable_of_the_command_line_has_to_be_given_again() {
    let world = World::new();
    world.project.write("trueup.toml", world.settings("[variables.name]\ndefault = \"A\"\n", ""));
    world.declare("customers:\n  a1: { name: '${var.name}' }\n");
    save(&world, &["--var", "name=Other"]);
    let output = apply(&world).exits(6);
    says(&output, "the same `--var`");
    world.run(&["apply", "plan.json", "--var", "name=Other"]).exits(0);
}

/// Each way in which somebody else can have changed what the plan is about.
#[test]
fn what_the_remote_holds_otherwise_is_refused_and_the_difference_is_told() {
    let world = World::declaring(THREE);
    world.run(&["apply", "--yes"]).exits(0);
    world.declare(
        "customers:\n  a1: { name: Ä }\n  b1: { name: B, domain: new.example }\n  c1: { name: C }\n  d1: { name: D }\n",
    );
    save(&world, &[]);
    edit(&world, "a1", &json!({ "name": "edited" }));
    edit(&world, "c1", &json!({ "name": "edited" }));
    world.send(world.kaiten(), Method::DELETE, "/api/customers/b1", None);
    world.send(world.kaiten(), Method::POST, "/api/customers", Some(&json!({ "slug": "d1", "name": "theirs" })));
    world.kaiten().recorder().clear();
    insta::assert_snapshot!("reviewed_drift", apply(&world).exits(6));
    let lines = world.run(&["apply", "plan.json", "--format", "json", "--report", "report.json"]).exits(6).json_lines();
    let kinds: Vec<&Value> = lines.iter().map(|line| &line["event"]).collect();
    assert_eq!(kinds, ["version", "planned", "ledger"]);
    let ledger = &lines[2];
    assert_eq!(ledger["outcomes"].as_array().unwrap().len(), 4, "the counts add up to the plan");
    assert_eq!(ledger["summary"]["not_started"], 4);
    let codes = ledger["diagnostics"].as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap());
    assert!(codes.eq(["trueup::plan::stale"; 5]), "{ledger}");
    assert_eq!(serde_json::from_str::<Value>(&world.project.read("report.json")).unwrap()["exit_code"], 6);
    assert_eq!(written(&world), 0);
}

#[test]
fn what_the_plan_is_not_about_may_change() {
    let world = World::declaring("customers:\n  a1: { name: A }\n");
    world.run(&["apply", "--yes"]).exits(0);
    world.declare("customers:\n  a1: { name: Ä }\n");
    save(&world, &[]);
    edit(&world, "a1", &json!({ "name": "A", "domain": "theirs.example" }));
    apply(&world).exits(0);
    let customer = world.get(world.kaiten(), "/api/customers/a1");
    assert_eq!((&customer["name"], &customer["domain"]), (&json!("Ä"), &json!("theirs.example")));
}

#[test]
fn what_was_reviewed_as_blocked_stops_only_what_needs_it() {
    let cache = "service_instances:\n  cache: { space: sandbox/dev, plan: redis/small }\n";
    let world = World::declaring(cache);
    world.run(&["apply", "--yes"]).exits(0);
    world.declare(&format!("{THREE}{}", cache.replace("redis", "postgres")));
    world.run(&["plan", "--out", "plan.json"]).exits(1);
    let output = apply(&world).exits(5);
    assert!(output.stdout.contains("3 done, 1 blocked"), "{output}");
}

#[test]
fn a_secret_is_not_in_the_file_and_is_taken_from_its_source_again() {
    let mut world = World::declaring(
        "user_provided_service_instances:\n  mail:\n    space: sandbox/dev\n    credentials: { password: '${var.secret}', user: literal-user }\n",
    );
    world.project.write("trueup.toml", world.settings("[variables.secret]\nenv = \"SECRET\"\nsensitive = true\n", ""));
    world.project =
        std::mem::replace(&mut world.project, crate::support::Project::empty()).env("SECRET", "hunter2-first");
    save(&world, &[]);
    let first = world.project.read("plan.json");
    assert!(!first.contains("hunter2") && !first.contains("literal-user"), "{first}");
    // Another secret makes no other file: there is no mark of it in there.
    world.project =
        std::mem::replace(&mut world.project, crate::support::Project::empty()).env("SECRET", "hunter2-other");
    save(&world, &[]);
    assert_eq!(world.project.read("plan.json"), first);
    let output = apply(&world).exits(0);
    assert!(!output.to_string().contains("hunter2"), "{output}");
    let sent = world.cf().recorder().all().into_iter().filter(|it| it.method == "POST");
    assert!(sent.map(|it| format!("{it:?}")).any(|it| it.contains("hunter2-other")), "it is sent as it is now");
}

#[test]
fn the_same_plan_is_the_same_file() {
    let world = reviewed(THREE);
    let first = world.project.read("plan.json");
    save(&world, &[]);
    assert_eq!(world.project.read("plan.json"), first);
}

/// Starts an apply whose first create, of a customer, takes its time, and waits until that is under way.
fn start_slowly(world: &World, arguments: &[&str]) -> Run {
    world.kaiten().recorder().clear();
    world.kaiten().strike("POST", "/api/customers", Effect::Delay(4000));
    let run = world.project.start(arguments);
    let deadline = Instant::now() + Duration::from_secs(20);
    while world.kaiten().count("POST", "/api/customers") == 0 {
        assert!(Instant::now() < deadline, "no create came: {}", run.end());
        std::thread::sleep(Duration::from_millis(10));
    }
    run
}

/// Somebody is at the remote while an apply is at work.
#[test]
fn what_is_changed_during_an_apply_is_left_alone_and_the_rest_is_done() {
    let world = World::declaring("customers:\n  a1: { name: A }\n  b1: { name: B }\n");
    world.run(&["apply", "--yes"]).exits(0);
    world.declare(
        "customers:\n  a1:\n    name: Ä\n    lifecycle: { depends_on: [customers.c1] }\n  b1: { name: Bee }\n  c1: { name: C }\n\
         entitlement_groups:\n  g1: { name: G, description: '${customers.a1.id}' }\n",
    );
    world.run(&["plan", "--out", "plan.json"]).exits(0);
    let run = start_slowly(&world, &["apply", "plan.json", "--report", "report.json"]);
    world.send(world.kaiten(), Method::PUT, "/api/customers/a1", Some(&json!({ "name": "theirs" })));
    insta::assert_snapshot!("reviewed_moved", run.end().exits(5));
    assert_eq!(world.get(world.kaiten(), "/api/customers/a1")["name"], "theirs");
    assert_eq!(world.get(world.kaiten(), "/api/customers/b1")["name"], "Bee");
    let report: Value = serde_json::from_str(&world.project.read("report.json")).unwrap();
    let outcomes: Vec<(&str, &str)> = report["outcomes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["address"].as_str().unwrap(), it["outcome"].as_str().unwrap()))
        .collect();
    let expected = [
        ("customers.b1", "done"),
        ("customers.c1", "done"),
        ("customers.a1", "failed"),
        ("entitlement_groups.g1", "skipped"),
    ];
    assert_eq!(outcomes, expected);
}

/// v3 deletes what is attached to an instance without asking, and whoever consented to that knew of what was there then.
#[test]
fn a_key_that_is_made_during_an_apply_is_not_deleted_along() {
    let cache = "service_instances:\n  cache:\n    space: sandbox/dev\n    plan: redis/small\n";
    let world = World::declaring(cache);
    world.run(&["apply", "--yes"]).exits(0);
    let guid = world.run(&["plan", "--format", "json"]).json()["actions"][0]["observed"]["id"].clone();
    let anew =
        "    lifecycle: { replace: true, cascade: true, depends_on: [customers.c1] }\ncustomers:\n  c1: { name: C }\n";
    world.declare(&format!("{}{anew}", cache.replace("redis", "postgres")));
    let run = start_slowly(&world, &["apply", "--yes"]);
    let (path, key) = if Foundation::tested() == Foundation::V2 {
        ("/v2/service_keys", json!({ "name": "theirs", "service_instance_guid": guid }))
    } else {
        let relationships = json!({ "service_instance": { "data": { "guid": guid } } });
        ("/v3/service_credential_bindings", json!({ "type": "key", "name": "theirs", "relationships": relationships }))
    };
    world.send(world.cf(), Method::POST, path, Some(&key));
    let output = run.end().exits(5);
    says(&output, "a delete of `service_instances.cache` would take along more than was planned");
    assert!(output.stderr.contains("the service key `theirs`"), "{output}");
    assert_eq!(world.cf().count("DELETE", &Foundation::tested().path("service_instances")), 0);
    assert_eq!(world.service_instances(), ["cache"]);
}
