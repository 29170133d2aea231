//! What the environment says, and who listens to what is printed there.

use serde_json::Value;
use trueup::emulator::{Effect, Reply};

use crate::support::{Output, Project, Watched, World};

const CUSTOMER: &str = "customers:\n  acme: { name: Acme }\n";

/// A world in whose environment this is set.
fn with(name: &str, value: &str) -> World {
    let mut world = World::new();
    let settings = world.project.read("trueup.toml");
    world.project = Project::empty()
        .env("KAITEN_AUTH_TOKEN", trueup::emulator::kaiten::SANDBOX_TOKEN)
        .env("CF_PASSWORD", crate::support::CF_PASSWORD)
        .env(name, value)
        .file("trueup.toml", settings);
    world.declare(CUSTOMER);
    world
}

#[test]
fn a_format_that_only_some_commands_have_is_left_to_them() {
    let world = with("TRUEUP_FORMAT", "markdown");
    assert!(world.run(&["plan"]).exits(0).stdout.contains("### "), "a heading of Markdown");
    assert!(world.run(&["graph"]).exits(0).stdout.starts_with("graph "));
    assert!(world.run(&["validate"]).exits(0).stdout.starts_with("Valid"));
    assert!(world.run(&["apply", "--yes"]).exits(0).stdout.contains("Apply complete"));
    let world = with("TRUEUP_FORMAT", "json");
    assert_eq!(world.run(&["plan"]).exits(0).json()["format_version"], "1.0");
    assert_eq!(world.run(&["validate"]).exits(0).json()["valid"], true);
    assert!(world.run(&["graph"]).exits(0).stdout.starts_with("graph "));
    assert_eq!(world.run(&["apply", "--yes"]).exits(0).json_lines().pop().unwrap()["event"], "ledger");
    assert!(world.run(&["plan", "--format", "human"]).exits(0).stdout.contains("No changes."));
}

#[test]
fn a_value_that_no_command_knows_is_refused_and_the_variable_named() {
    let world = with("TRUEUP_FORMAT", "jsn");
    for command in [&["plan"][..], &["apply", "--yes"], &["validate"], &["graph"]] {
        let refused = world.run(command).exits(64);
        assert!(refused.stderr.contains("'jsn'"), "{refused}");
        assert!(refused.stderr.contains("the environment variable `TRUEUP_FORMAT` says so"), "{refused}");
    }
    let given = world.run(&["plan", "--format", "jsn"]).exits(64);
    assert!(!given.stderr.contains("TRUEUP_FORMAT"), "{given}");
    world.run(&["plan", "--format", "json"]).exits(0);
    let world = with("TRUEUP_PARALLELISM", "none");
    let refused = world.run(&["apply", "--yes"]).exits(64);
    assert!(refused.stderr.contains("the environment variable `TRUEUP_PARALLELISM` says so"), "{refused}");
    let refused = world.run(&["apply", "--yes", "--format", "json"]).exits(64).json();
    let told = refused["diagnostics"][0]["message"].as_str().unwrap();
    assert!(told.ends_with("which the environment variable `TRUEUP_PARALLELISM` says"), "{told}");
}

#[test]
fn a_wrong_command_is_told_as_json_where_the_environment_asks_for_json() {
    let refused = with("TRUEUP_FORMAT", "json").run(&["plan", "--nope"]).exits(64);
    assert_eq!((&refused.json()["valid"], refused.stderr.as_str()), (&Value::from(false), ""));
}

#[test]
fn a_limit_of_markdown_in_the_environment_is_about_markdown() {
    let world = with("TRUEUP_MAX_BYTES", "65000");
    for format in ["human", "json", "markdown"] {
        world.run(&["plan", "--format", format]).exits(0);
    }
    let refused = world.run(&["plan", "--format", "json", "--max-bytes", "65000"]).exits(64);
    assert!(refused.stdout.contains("`--max-bytes` is about Markdown only"), "{refused}");
}

/// Lines that the runner of GitHub Actions would obey.
fn obeyed(output: &Output) -> Vec<String> {
    let lines = output.stdout.lines().chain(output.stderr.lines());
    lines.filter(|line| line.trim_start().starts_with("::") || line.contains("##[")).map(str::to_owned).collect()
}

#[test]
fn nothing_that_others_wrote_is_a_command_to_github_actions() {
    // Nothing is obeyed elsewhere, so that there it is shown as it is.
    for (value, harmless) in [("true", true), ("false", false)] {
        let world = with("GITHUB_ACTIONS", value);
        let detail =
            "no\n::error::all is lost\n##[group]hidden ".to_owned() + &"word ".repeat(14) + "::stop-commands::x";
        let reply = Reply { status: 422, detail: Some(detail), ..Reply::default() };
        world.kaiten().strike_always("POST", "/api/customers", Effect::Reply(reply));
        world.declare(
            "customers:\n  acme:\n    name: |\n      Acme\n      ::add-mask::e\n    external_customer_id: '##[endgroup]'\n\
             #\n::warning::x: 1\n",
        );
        let refused = world.run(&["validate"]).exits(3);
        world.declare(
            "customers:\n  acme:\n    name: \"Acme\\n::add-mask::e\"\n    external_customer_id: '##[endgroup]'\n",
        );
        let planned = world.run(&["plan"]).exits(0);
        let applied = world.run(&["apply", "--yes", "-vv"]).exits(5);
        let found: Vec<_> = [&refused, &planned, &applied].map(obeyed).into_iter().collect();
        if harmless {
            assert_eq!(found, [Vec::<String>::new(), Vec::new(), Vec::new()]);
            assert!(applied.to_string().contains("\\u{23}#[group]hidden"), "{applied}");
        } else {
            assert!(!found[1].is_empty() && !found[2].is_empty(), "the test shows nothing: {found:#?}\n{applied}");
        }
        let annotated = world.run(&["plan", "--format", "github"]).exits(0);
        assert!(annotated.stdout.starts_with("::notice "), "{annotated}");
    }
}
