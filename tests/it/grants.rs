//! What a license grants: each grant is an action of its own, and nobody meets the license without them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use trueup::emulator::{Effect, Fault, cloudfoundry, kaiten};

use crate::support::{Output, Watched, World};

const SCALE: &str = "\
customers:
  acme: { name: Acme }
entitlements:
  seats: { name: Seats, type: NUMBER }
  sso: { name: Single sign-on, type: BOOLEAN }
licenses:
  scale:
    name: Scale
    type: PAID
    default: true
    entitlements:
      seats: { value: 5, overage_percent: 10 }
      sso: true
instances:
  live:
    name: Live
    customer: acme
    license: scale
    start_license_date: 2026-01-01T00:00:00Z
    end_license_date: 2027-01-01T00:00:00Z
";

/// What was written to licenses and instances, in order: method, path, and what of it matters here.
fn written(world: &World) -> Vec<String> {
    let all = world.kaiten().recorder().all();
    let writes = all.iter().filter(|request| request.method != "GET");
    let about = writes.filter(|request| request.path.contains("/licenses") || request.path.contains("/instances"));
    about
        .map(|request| {
            let body = request.json().unwrap_or_default();
            let matters = ["lifecycleState", "isDefault", "value"];
            let told = matters.iter().filter_map(|member| Some(format!(" {member}={}", body.get(member)?)));
            format!("{} {}{}", request.method, request.path.trim_start_matches("/api"), told.collect::<String>())
        })
        .collect()
}

fn license(world: &World, slug: &str) -> (Value, Value) {
    let license = world.get(world.kaiten(), &format!("/api/licenses/{slug}"));
    (license["lifecycleState"].clone(), license["isDefault"].clone())
}

/// What is granted, as `seats=5+10`.
fn granted(world: &World, slug: &str) -> Vec<String> {
    let page = world.get(world.kaiten(), &format!("/api/licenses/{slug}/entitlements"));
    let grants = page["items"].as_array().unwrap().iter();
    let mut grants: Vec<String> = grants
        .map(|grant| {
            let overage = grant.get("limitCapExceededOveragePercent").map(|percent| format!("+{percent}"));
            let slug = grant["entitlementSlug"].as_str().unwrap();
            format!("{slug}={}{}", grant["value"]["value"], overage.unwrap_or_default())
        })
        .collect();
    grants.sort();
    grants
}

fn actions(output: &Output) -> Vec<String> {
    let plan = output.json();
    let steps = plan["actions"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    steps.map(|step| format!("{} {}", text(&step["action"]), text(&step["address"]))).collect()
}

fn planned(world: &World, arguments: &[&str]) -> Vec<String> {
    let plan = world.run(&[&["plan", "--format", "json"], arguments].concat());
    actions(&plan).into_iter().filter(|line| !line.starts_with("unchanged ")).collect()
}

fn outcomes(world: &World) -> Vec<String> {
    let report: Value = serde_json::from_str(&world.project.read("report.json")).unwrap();
    let ends = report["outcomes"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    ends.map(|end| format!("{} {}", text(&end["address"]), text(&end["outcome"]))).collect()
}

fn converged(world: &World) {
    world.run(&["apply", "--yes"]).exits(0);
    world.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn a_license_is_a_draft_until_all_is_granted_and_an_instance_comes_last() {
    let world = World::declaring(SCALE);
    let plan = world.run(&["plan"]).exits(0);
    insta::assert_snapshot!("grants_planned", plan);
    world.run(&["apply", "--yes"]).exits(0);
    assert_eq!(
        written(&world),
        [
            r#"POST /licenses lifecycleState="DRAFT" isDefault=false"#,
            r#"POST /licenses/scale/entitlements value={"type":"number","value":5}"#,
            r#"POST /licenses/scale/entitlements value={"type":"boolean","value":true}"#,
            "POST /licenses/scale/publish",
            "PUT /licenses/scale isDefault=true",
            "POST /instances",
        ]
    );
    assert_eq!(license(&world, "scale"), (json!("PUBLISHED"), json!(true)));
    assert_eq!(granted(&world, "scale"), ["seats=5+10", "sso=true"]);
    world.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn a_license_that_grants_nothing_is_published_at_once() {
    let world = World::declaring("licenses:\n  plain: { name: Plain, type: PAID }\n");
    converged(&world);
    assert_eq!(written(&world), [r#"POST /licenses lifecycleState="PUBLISHED" isDefault=false"#]);
}

#[test]
fn a_refused_grant_leaves_a_draft_that_nobody_has_and_the_next_run_finishes() {
    let world = World::declaring(SCALE);
    world.kaiten().strike("POST", "/api/licenses/scale/entitlements", Effect::status(422));
    let applied = world.run(&["apply", "--yes", "--report", "report.json"]).exits(5);
    insta::assert_snapshot!("a_grant_refused", applied);
    assert_eq!(
        outcomes(&world),
        [
            "customers.acme done",
            "entitlements.seats done",
            "entitlements.sso done",
            "licenses.scale failed",
            "grants.scale/seats failed",
            "grants.scale/sso done",
            "instances.live skipped",
        ]
    );
    assert_eq!(license(&world, "scale"), (json!("DRAFT"), json!(false)));
    assert_eq!(granted(&world, "scale"), ["sso=true"]);
    assert_eq!(planned(&world, &[]), ["update licenses.scale", "create grants.scale/seats", "create instances.live"]);
    world.kaiten().recorder().clear();
    converged(&world);
    assert_eq!(
        written(&world),
        [
            r#"POST /licenses/scale/entitlements value={"type":"number","value":5}"#,
            "POST /licenses/scale/publish",
            "PUT /licenses/scale isDefault=true",
            "POST /instances",
        ]
    );
    assert_eq!(license(&world, "scale"), (json!("PUBLISHED"), json!(true)));
}

#[test]
fn a_draft_whose_state_nothing_declares_says_how_to_go_on() {
    let world = World::declaring(&SCALE.replace("    default: true\n", ""));
    world.kaiten().strike("POST", "/api/licenses/scale/entitlements", Effect::status(422));
    let applied = world.run(&["apply", "--yes"]).exits(5);
    let help = "write `lifecycle_state: PUBLISHED`, since what is not declared is left alone";
    assert!(applied.stderr.replace("\n          ", " ").contains(help), "{applied}");
    world.run(&["apply", "--yes"]).exits(0);
    assert_eq!(license(&world, "scale").0, "DRAFT");
    let plan = world.run(&["plan"]).exits(0);
    assert!(plan.stderr.contains("`licenses.scale` is a `DRAFT`"), "{plan}");
    world.declare(&SCALE.replace("default: true", "lifecycle_state: PUBLISHED"));
    converged(&world);
    assert_eq!(license(&world, "scale").0, "PUBLISHED");
}

#[test]
fn an_answer_that_is_lost_is_looked_for_and_not_sent_again() {
    for effect in [Effect::CutAfter, Effect::Malformed] {
        let world = World::declaring(SCALE);
        world.kaiten().strike("POST", "/api/licenses/scale/entitlements", effect);
        converged(&world);
        assert_eq!(world.kaiten().count("POST", "/api/licenses/scale/entitlements"), 2, "one each");
    }
}

#[test]
fn a_value_is_changed_and_a_grant_taken_away_by_one_write_each() {
    let world = World::declaring(SCALE);
    converged(&world);
    world.kaiten().recorder().clear();
    world.declare(&SCALE.replace("value: 5", "value: 7").replace("sso: true", "sso: null"));
    assert_eq!(planned(&world, &[]), ["delete grants.scale/sso", "update grants.scale/seats"]);
    converged(&world);
    // Neither waits for the other.
    let mut written = written(&world);
    written.sort();
    assert_eq!(
        written,
        [
            "DELETE /licenses/scale/entitlements/sso",
            r#"PUT /licenses/scale/entitlements/seats value={"type":"number","value":7}"#,
        ]
    );
    assert_eq!(granted(&world, "scale"), ["seats=7+10"]);
}

#[test]
fn what_is_not_declared_or_ignored_is_left_alone() {
    let world = World::declaring(SCALE);
    converged(&world);
    let ignoring = "    lifecycle: { ignore: [entitlements.seats.overage_percent] }\n    entitlements:\n";
    let without = SCALE
        .replace("      sso: true\n", "")
        .replace("value: 5, overage_percent: 10", "value: 5, overage_percent: 99");
    world.declare(&without.replace("    entitlements:\n", ignoring));
    world.run(&["plan", "--detailed-exitcode"]).exits(0);
    world.declare(&without.replace("value: 5", "value: 6").replace("    entitlements:\n", ignoring));
    assert_eq!(planned(&world, &[]), ["update grants.scale/seats"]);
    let whole = ignoring.replace("entitlements.seats.overage_percent", "entitlements.seats");
    world.declare(&without.replace("    entitlements:\n", &whole));
    world.run(&["plan", "--detailed-exitcode"]).exits(0);
    assert_eq!(granted(&world, "scale"), ["seats=5+10", "sso=true"]);
}

#[test]
fn the_default_moves_to_a_version_only_with_its_grants() {
    let world = World::declaring(SCALE);
    converged(&world);
    let next = "  scale-2:\n    name: Scale\n    type: PAID\n    family: \"${licenses.scale.slug}\"\n    default: true\n    \
                entitlements: { seats: 50, sso: true }\ninstances:\n";
    let moved = SCALE.replace("default: true", "default: false").replace("instances:\n", next);
    world.declare(&moved);
    world.kaiten().strike("POST", "/api/licenses/scale-2/entitlements", Effect::status(422));
    world.run(&["apply", "--yes"]).exits(5);
    assert_eq!(license(&world, "scale-2"), (json!("DRAFT"), json!(false)));
    converged(&world);
    assert_eq!(license(&world, "scale"), (json!("PUBLISHED"), json!(false)));
    assert_eq!(license(&world, "scale-2"), (json!("PUBLISHED"), json!(true)));
}

#[test]
fn an_archived_license_is_granted_before_it_is_published_and_archived() {
    let world = World::declaring(
        SCALE.replace("default: true", "lifecycle_state: ARCHIVED").split("instances:").next().unwrap(),
    );
    converged(&world);
    let steps: Vec<String> =
        written(&world).iter().map(|line| line.split(" value").next().unwrap().to_owned()).collect();
    assert_eq!(
        steps,
        [
            r#"POST /licenses lifecycleState="DRAFT" isDefault=false"#,
            "POST /licenses/scale/entitlements",
            "POST /licenses/scale/entitlements",
            "POST /licenses/scale/publish",
            "POST /licenses/scale/archive",
        ]
    );
}

#[test]
fn a_run_killed_between_grants_is_resumed() {
    let world = World::declaring(SCALE);
    let second = Fault::on("POST", "/api/licenses/scale/entitlements", Effect::SilentBefore).skipping(1);
    world.kaiten().faults().add(second);
    let run = world.project.start(&["apply", "--yes"]);
    let deadline = Instant::now() + Duration::from_secs(30);
    while world.kaiten().count("POST", "/api/licenses/scale/entitlements") < 2 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    run.signal(9);
    assert_eq!(run.end().code, -9);
    assert_eq!(license(&world, "scale"), (json!("DRAFT"), json!(false)));
    assert_eq!(granted(&world, "scale"), ["seats=5+10"]);
    converged(&world);
    assert_eq!(license(&world, "scale"), (json!("PUBLISHED"), json!(true)));
    assert_eq!(granted(&world, "scale"), ["seats=5+10", "sso=true"]);
}

#[test]
fn a_grant_can_be_planned_alone_and_a_license_with_all_of_its_grants() {
    let world = World::declaring(SCALE);
    let all = ["create entitlements.seats", "create entitlements.sso", "create licenses.scale"];
    let grants = ["create grants.scale/seats", "create grants.scale/sso"];
    assert_eq!(planned(&world, &["--only", "licenses.scale"]), [&all[..], &grants].concat());
    let alone = planned(&world, &["--only", "grants.scale/seats"]);
    assert_eq!(alone, ["create entitlements.seats", "blocked licenses.scale", "create grants.scale/seats"]);
    converged(&world);
    world.declare(&SCALE.replace("value: 5", "value: 7").replace("sso: true", "sso: false"));
    assert_eq!(planned(&world, &["--only", "grants.scale/seats"]), ["update grants.scale/seats"]);
    world.run(&["apply", "--yes", "--only", "grants.scale/seats"]).exits(0);
    assert_eq!(granted(&world, "scale"), ["seats=7+10", "sso=true"]);
}

#[test]
fn the_value_of_a_grant_can_come_from_another_resource() {
    let yaml = SCALE.replace("sso: true", "sso: ${licenses.scale.default}");
    let world = World::declaring(&yaml);
    converged(&world);
    assert_eq!(granted(&world, "scale"), ["seats=5+10", "sso=true"]);
    // What has the license cannot decide what the license grants.
    world.declare(&yaml.replace("${licenses.scale.default}", "${instances.live.status}"));
    let cycle = world.run(&["validate"]).exits(3);
    assert!(cycle.stderr.contains("grants.scale/sso") && cycle.stderr.contains("instances.live"), "{cycle}");
}

#[test]
fn grants_are_read_with_one_list_for_each_license_that_declares_some() {
    let world = World::declaring(SCALE);
    converged(&world);
    world.kaiten().recorder().clear();
    world.run(&["plan"]).exits(0);
    // There are other licenses, of which nothing is asked.
    assert_eq!(world.kaiten().count("GET", "/api/licenses/*/entitlements"), 1);
    assert_eq!(world.kaiten().count("GET", "/api/licenses/*/entitlements/*"), 0);
}

/// Where each problem is, and what it is.
fn told(output: &Output) -> Vec<String> {
    let output = output.json();
    let problems = output["diagnostics"].as_array().unwrap().iter();
    problems
        .map(|problem| {
            let at = &problem["labels"][0];
            format!("{}:{} {}", at["line"], at["column"], problem["message"].as_str().unwrap())
        })
        .collect()
}

#[test]
fn mistakes_in_grants_are_told_where_they_are() {
    let world = World::declaring(
        "licenses:\n  scale:\n    name: Scale\n    type: PAID\n    entitlements:\n      seats: { days: 5 }\n      sso: { value: \
         true, overage: 5 }\n      calls: { value: 1, overage_percent: ten }\n  other:\n    name: \
         ${licenses.scale.entitlements.seats}\n    type: PAID\n    entitlements: 5\ngrants:\n  scale/seats: { value: 5 }\n",
    );
    assert_eq!(
        told(&world.run(&["validate", "--format", "json"]).exits(3)),
        [
            "6:7 `seats` does not say what its value is",
            "7:27 unknown field `overage`",
            "8:43 `overage_percent` takes an integer, not a string",
            "10:11 `licenses` have no `entitlements` that could be read",
            "12:19 `entitlements` takes a mapping that is written out, not an integer",
            "13:1 `grants` are declared inside `licenses`",
        ]
    );
}

#[test]
fn what_cannot_be_granted_is_told_by_a_plan_at_its_line() {
    let yaml =
        SCALE.replace("seats: { value: 5, overage_percent: 10 }", "seats: true").replace("sso: true", "ssso: true");
    let world = World::declaring(&yaml);
    let problems = told(&world.run(&["plan", "--format", "json"]).exits(3));
    assert_eq!(
        problems,
        ["12:14 `seats` is an entitlement of type `NUMBER`, and this is a boolean", "13:7 no entitlement `ssso`"]
    );
}

#[test]
fn a_plan_of_a_customer_alone_needs_no_right_to_read_instances() {
    let tokens = vec![
        kaiten::Token::admin(kaiten::SANDBOX_TOKEN),
        kaiten::Token::new("ksh_customers", "customers", &["read:customers", "read:deployment_zones"]),
    ];
    let options = kaiten::Options { tokens, ..kaiten::Options::default() };
    let mut world = World::with(options, cloudfoundry::Options::default());
    world.project = std::mem::replace(&mut world.project, crate::support::Project::empty())
        .env("KAITEN_AUTH_TOKEN", "ksh_customers");
    let yaml = "customers:\n  acme: { name: Acme }\ndeployment_zones:\n  eu: { name: EU, type: production }\n";
    world.declare(yaml);
    world.run(&["plan"]).exits(0);
    // What would go along with them has to be read.
    world.declare(&yaml.replace("name: Acme", "name: Acme, lifecycle: { replace: true }"));
    world.run(&["plan"]).exits(4);
}
