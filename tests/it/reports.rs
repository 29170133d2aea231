//! The files a run leaves behind: the ledger of an apply, and the plan.

use serde_json::Value;
use trueup::emulator::Effect;

use crate::same_snapshot;
use crate::support::{Project, Watched, World};

const THREE: &str = "\
customers:
  a1: { name: A }
  b1: { name: B, domain: '${customers.a1.slug}.example' }
  c1: { name: C }
";

fn report(project: &Project) -> Value {
    serde_json::from_str(&project.read("report.json")).unwrap()
}

const APPLY: &[&str] = &["apply", "--yes", "--report", "report.json"];

#[test]
fn a_report_tells_what_was_done() {
    let world = World::declaring(THREE);
    world.run(APPLY).exits(0);
    insta::assert_snapshot!("report_done", world.project.read("report.json"));
    world.run(APPLY).exits(0);
    let again = report(&world.project);
    assert_eq!((&again["exit_code"], &again["summary"]["unchanged"]), (&0.into(), &3.into()));
    assert_eq!(again["outcomes"].as_array().unwrap().len(), 3);
}

#[test]
fn a_report_tells_what_was_not_done_and_because_of_what() {
    let world = World::declaring(THREE);
    world.kaiten().strike("POST", "/api/customers", Effect::status(403));
    world.run(APPLY).exits(5);
    insta::assert_snapshot!("report_partial", world.project.read("report.json"));
    let report = report(&world.project);
    let counts: u64 = report["summary"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(counts, 3, "the counts add up to the plan");
}

#[test]
fn a_report_is_written_also_when_nothing_was_planned() {
    let world = World::declaring("customers:\n  a1: { nmae: A }\n");
    world.run(APPLY).exits(3);
    insta::assert_snapshot!("report_config", world.project.read("report.json"));
    world.declare(THREE);
    world.kaiten().strike_always("GET", "/", Effect::status(401));
    world.run(APPLY).exits(4);
    let report = report(&world.project);
    assert_eq!((&report["exit_code"], &report["outcomes"]), (&4.into(), &Value::Array(Vec::new())));
    assert_eq!(report["diagnostics"][0]["code"], "trueup::remote::sign_in");
    assert_eq!(report["diagnostics"][0]["remote"]["status"], 401);
}

#[test]
fn the_report_is_the_last_line_of_the_stream() {
    let world = World::declaring(THREE);
    world.kaiten().strike("POST", "/api/customers", Effect::status(403));
    let output = world.run(&[APPLY, &["--format", "json"]].concat()).exits(5);
    insta::assert_snapshot!("stream", output);
    let lines = output.json_lines();
    let kinds: Vec<&str> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!((kinds[0], kinds[1], *kinds.last().unwrap()), ("version", "planned", "ledger"));
    let mut last = lines.last().unwrap().clone();
    last.as_object_mut().unwrap().remove("event");
    assert_eq!(last, report(&world.project));
}

#[test]
fn a_report_that_cannot_be_written_is_told_and_does_not_hide_what_was_done() {
    let world = World::declaring(THREE);
    let output = world.run(&["apply", "--yes", "--report", "nowhere/report.json"]).exits(5);
    assert!(output.stderr.contains("cannot write the report to `nowhere/report.json`"), "{output}");
    assert!(output.stdout.contains("Apply complete: 3 done"), "{output}");
}

#[test]
fn a_saved_plan_is_the_plan_in_json_and_fits_its_schema() {
    let world = World::declaring(&format!(
        "{THREE}service_instances:\n  cache:\n    space: sandbox/dev\n    plan: redis/small\n    parameters: {{ id: '${{customers.a1.id}}' }}\n"
    ));
    let printed = world.run(&["plan", "--format", "json", "--out", "plan.json"]).exits(0);
    assert_eq!(world.project.read("plan.json"), printed.stdout);
    same_snapshot!("plan_json", printed);
    let schema: Value = serde_json::from_str(
        &std::fs::read_to_string(crate::support::package().join("schemas/plan.schema.json")).unwrap(),
    )
    .unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let fits = |document: &Value| {
        let problems: Vec<String> = validator.iter_errors(document).map(|error| error.to_string()).collect();
        assert!(problems.is_empty(), "{problems:?}\n{document:#}");
    };
    fits(&printed.json());
    world.run(&["plan", "--out", "human.json"]).exits(0);
    assert_eq!(world.project.read("human.json"), printed.stdout, "the file is the same for people");
    // An errored plan, and one in which something differs, are documents of the same kind.
    world.run(&["apply", "--yes"]).exits(0);
    fits(&world.run(&["plan", "--format", "json"]).exits(0).json());
    world.declare(&THREE.replace("name: C", "name: 'See'"));
    fits(&world.run(&["plan", "--format", "json"]).exits(0).json());
    world.declare("customers:\n  a1: { nmae: A }\n");
    fits(&world.run(&["plan", "--format", "json"]).exits(3).json());
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let project =
        Project::copy_of("examples/platform").env("DATABASE_PASSWORD", "s3cret").env("MAIL_PASSWORD", "s3cret");
    let first = project.run(&["plan", "--format", "json"]).exits(0).stdout;
    assert_eq!(project.run(&["plan", "--format", "json"]).exits(0).stdout, first);
    assert_eq!(project.run(&["plan", "--format", "json", "-v"]).exits(0).stdout, first);
}
