//! The exit statuses of the contract, and what stands on stdout where JSON was asked for.

use std::fmt::Write as _;

use serde_json::Value;
use trueup::emulator::Effect;

use crate::support::{Project, Watched, World};

const CUSTOMER: &str = "customers:\n  acme: { name: Acme }\n";
const BROKEN: &str = "customers:\n  acme: { nmae: Acme }\n";
const DANGLING: &str = "\
instances:
  acme-production:
    name: Acme production
    customer: acme
    license: growth
    start_license_date: 2026-09-01T00:00:00Z
    end_license_date: 2027-09-01T00:00:00Z
";

#[test]
fn success_is_0_and_changes_are_2_where_they_are_asked_for() {
    let world = World::declaring(CUSTOMER);
    world.run(&["validate"]).exits(0);
    world.run(&["plan"]).exits(0);
    world.run(&["plan", "--detailed-exitcode"]).exits(2);
    world.run(&["apply", "--yes"]).exits(0);
    world.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn a_failure_before_the_first_write_is_1() {
    let world = World::declaring(DANGLING);
    world.run(&["validate"]).exits(0);
    world.run(&["plan"]).exits(1);
    world.run(&["plan", "--detailed-exitcode"]).exits(1);
    world.run(&["apply", "--yes"]).exits(1);
    assert_eq!(world.kaiten().writes(), 0);
}

/// What it is called, how it comes to it, and what `apply` is given.
type Case<'a> = (&'a str, &'a dyn Fn(&World), &'a [&'a str]);

/// Each guard, and all that is said where it refuses: that nothing was changed, and that once.
#[test]
fn what_a_guard_refuses_is_6_and_said_to_have_changed_nothing_once() {
    const CACHE: &str = "service_instances:\n  cache: { space: sandbox/dev, plan: redis/small }\n";
    let too_many = |world: &World| {
        world.project.write("trueup.toml", world.settings("", "max_deletes = 0"));
        world.declare("customers:\n  acme: { lifecycle: { absent: true } }\n");
    };
    let protected = |world: &World| {
        let lifecycle = "plan: postgres/small, lifecycle: { replace: true, protect: true }";
        world.declare(&CACHE.replace("plan: redis/small", lifecycle));
    };
    let file = |change: fn(&World)| {
        move |world: &World| {
            world.declare(&CUSTOMER.replace("Acme", "Acme Corp"));
            world.run(&["plan", "--out", "plan.json"]).exits(0);
            change(world);
        }
    };
    let rewritten = |world: &World, from: &str, to: &str| {
        let text = world.project.read("plan.json");
        assert!(text.contains(from), "{text}");
        world.project.write("plan.json", text.replacen(from, to, 1));
    };
    let drifted = file(|world| {
        let body = serde_json::json!({ "name": "theirs" });
        world.send(world.kaiten(), reqwest::Method::PUT, "/api/customers/acme", Some(&body));
    });
    let redeclared = file(|world| world.declare(&CUSTOMER.replace("Acme", "Acme Inc")));
    let other_project = file(|world| {
        world.project.write("trueup.toml", world.settings("", "").replace("\"acme\"", "\"globex\""));
    });
    let other_target = file(|world| {
        let settings = world.settings("", "").replace(world.cf().url(), "https://cf.invalid");
        world.project.write("trueup.toml", settings.replace(world.kaiten().url(), world.cf().url()));
    });
    let (altered, version, cut) = (file(|_| ()), file(|_| ()), file(|_| ()));
    let altered = |world: &World| {
        altered(world);
        rewritten(world, "Acme Corp", "Acme AG");
    };
    let version = |world: &World| {
        version(world);
        rewritten(world, "\"format_version\": \"1.0\"", "\"format_version\": \"2.0\"");
    };
    let cut = |world: &World| {
        cut(world);
        let text = world.project.read("plan.json");
        world.project.write("plan.json", &text[..text.len() / 2]);
    };
    let errored = |world: &World| {
        world.declare(&CACHE.replace("redis", "rediss"));
        world.run(&["plan", "--out", "plan.json"]).exits(1);
    };
    let cases: [Case<'_>; 10] = [
        ("too many deletes", &too_many, &["--yes"]),
        ("protected", &protected, &["--yes"]),
        ("drifted", &drifted, &["plan.json"]),
        ("redeclared", &redeclared, &["plan.json"]),
        ("another project", &other_project, &["plan.json"]),
        ("another target", &other_target, &["plan.json"]),
        ("altered", &altered, &["plan.json"]),
        ("another version", &version, &["plan.json"]),
        ("cut", &cut, &["plan.json"]),
        ("errored", &errored, &["plan.json"]),
    ];
    let mut all = String::new();
    for (name, change, arguments) in cases {
        let world = World::declaring(&format!("{CUSTOMER}{CACHE}"));
        world.run(&["apply", "--yes"]).exits(0);
        world.declare(CUSTOMER);
        change(&world);
        let before = (world.kaiten().writes(), world.cf().writes());
        let command = [&["apply"], arguments].concat();
        let refused = world.run(&command);
        if name == "another target" {
            // Nothing there is a Kaiten.
            assert!([1, 6].contains(&refused.code), "{refused}");
        } else {
            assert_eq!(refused.code, 6, "{name}: {refused}");
        }
        let words = refused.to_string().split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        assert_eq!(words.matches("nothing was changed").count(), 1, "{name}: {refused}");
        assert!(refused.stdout.ends_with("Nothing was changed.\n"), "{name}: {refused}");
        let json = world.run(&[&command[..], &["--format", "json", "--report", "report.json"]].concat());
        assert_eq!(json.code, refused.code, "{name}: {json}");
        let ledger = json.json_lines().pop().expect("there is always a ledger");
        assert_eq!(ledger["exit_code"], json.code, "{name}");
        let done = &ledger["summary"]["done"];
        assert!(done.is_null() || *done == 0, "{name}: {ledger}");
        assert_eq!((world.kaiten().writes(), world.cf().writes()), before, "{name}");
        if ["too many deletes", "protected"].contains(&name) {
            writeln!(all, "{name}: {refused}").unwrap();
        }
    }
    insta::assert_snapshot!("refused_by_guards", all);
}

/// `-C DIR` is as with `git` and `make`: all paths are from there.
#[test]
fn files_of_the_command_line_are_where_the_run_was_told_to_be() {
    let world = World::new();
    let settings = world.project.read("trueup.toml");
    let project = Project::empty()
        .env("KAITEN_AUTH_TOKEN", trueup::emulator::kaiten::SANDBOX_TOKEN)
        .env("CF_PASSWORD", crate::support::CF_PASSWORD)
        .file("deploy/trueup.toml", settings)
        .file("deploy/a.yaml", CUSTOMER);
    let planned = project.run(&["-C", "deploy", "plan", "--out", "plan.json"]).exits(0);
    assert!(planned.stderr.contains("To carry out just this, run `trueup -C deploy apply plan.json`."), "{planned}");
    project.run(&["-C", "deploy", "apply", "plan.json", "--report", "report.json"]).exits(0);
    project.run(&["-C", "deploy", "export", "--target", "kaiten", "--undeclared", "--dir", "more"]).exits(0);
    project.run(&["-C", "deploy", "snapshot", "--out", "remote.json"]).exits(0);
    project.run(&["-C", "deploy", "plan", "--remote", "remote.json"]).exits(0);
    project.run(&["-C", "deploy", "graph", "--remote", "remote.json"]).exits(0);
    for file in ["plan.json", "report.json", "remote.json"] {
        assert!(project.path().join("deploy").join(file).exists() && !project.path().join(file).exists(), "{file}");
    }
    let missing = project.run(&["-C", "deploy", "apply", "nowhere.json"]).exits(64);
    assert!(missing.stderr.contains("there is no file `deploy/nowhere.json`"), "{missing}");
    let failed = project.run(&["-C", "deploy", "plan", "--out", "no/such/plan.json"]).exits(1);
    assert!(failed.stderr.contains("deploy/no/such"), "{failed}");
    // What an earlier run has left must not pass for this one's.
    project.write("deploy/a.yaml", BROKEN);
    project.run(&["-C", "deploy", "plan", "--out", "plan.json"]).exits(3);
    project.write("deploy/a.yaml", CUSTOMER);
    project.run(&["-C", "deploy", "apply", "plan.json"]).exits(6);
}

#[test]
fn an_invalid_configuration_is_3() {
    let world = World::declaring(BROKEN);
    world.run(&["validate"]).exits(3);
    assert_eq!(world.kaiten().recorder().count(), 0, "nobody was asked anything");
    let runs = [&["plan"][..], &["apply", "--yes"]];
    for command in runs {
        world.run(command).exits(3);
    }
    // Signing in, which for Kaiten is one read, begins before all is judged; no more than that is asked.
    let asked = world.kaiten().recorder().all();
    assert!(asked.len() <= runs.len() && asked.iter().all(|request| request.method == "GET"), "{asked:?}");
    let none = Project::empty();
    for command in [&["validate"][..], &["plan"], &["apply", "--yes"]] {
        let output = none.run(command).exits(3);
        assert!(output.stderr.contains("error[trueup::settings::missing]: no `trueup.toml` in"), "{output}");
    }
}

#[test]
fn a_secret_that_is_not_there_is_3_and_no_concern_of_validate() {
    let world = World::declaring(CUSTOMER);
    let project = Project::empty().file("trueup.toml", world.settings("", "")).file("a.yaml", CUSTOMER);
    project.run(&["validate"]).exits(0);
    insta::assert_snapshot!(project.run(&["plan"]).exits(3));
}

#[test]
fn not_signed_in_and_not_permitted_while_reading_are_4() {
    for status in [401, 403] {
        let world = World::declaring(CUSTOMER);
        world.kaiten().strike_always("GET", "/", Effect::status(status));
        world.run(&["plan"]).exits(4);
        world.run(&["apply", "--yes"]).exits(4);
        assert_eq!(world.kaiten().writes(), 0);
    }
}

#[test]
fn a_wrong_password_is_4_and_is_asked_for_once() {
    let world = World::new();
    let project = Project::empty()
        .env("CF_PASSWORD", "wrong-one")
        .file("trueup.toml", world.settings("", ""))
        .file("a.yaml", "service_instances:\n  a: { space: sandbox/dev, plan: redis/small }\n");
    let output = project.run(&["plan"]).exits(4);
    assert!(!output.to_string().contains("wrong-one"), "{output}");
    insta::assert_snapshot!(output);
    // Accounts are locked after a few wrong passwords.
    assert_eq!(world.cf().count("POST", "/oauth/token"), 1);
}

#[test]
fn something_that_is_not_done_is_5() {
    let world = World::declaring(CUSTOMER);
    world.kaiten().strike("POST", "/api/customers", Effect::status(403));
    world.run(&["apply", "--yes"]).exits(5);
}

#[test]
fn wrong_usage_is_64() {
    let world = World::declaring(CUSTOMER);
    for command in [
        &["apply"][..],
        &["plan", "--only", "customers.acne"],
        &["apply", "--yes", "--only", "customers.acne"],
        &["plan", "--nope"],
        &["nope"],
        &[],
        &["plan", "--var", "region"],
        &["plan", "-C", "nowhere"],
        &["apply", "--yes", "plan.json"],
    ] {
        let output = world.run(command);
        assert_eq!(output.code, 64, "{command:?}: {output}");
        assert_eq!(output.stdout, "", "{command:?}");
    }
    insta::assert_snapshot!("no_terminal", world.run(&["apply"]));
    insta::assert_snapshot!("unknown_address", world.run(&["plan", "--only", "customers.acne"]));
    assert_eq!(world.kaiten().writes(), 0);
    world.run(&["--help"]).exits(0);
    assert_eq!(world.run(&["version"]).exits(0).stdout, format!("trueup {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_consent_to_what_is_not_declared_or_cannot_be_is_a_wrong_command() {
    let world = World::declaring(CUSTOMER);
    for command in ["plan", "apply"] {
        for flag in ["--allow-replace", "--allow-cascade", "--resend-parameters"] {
            let told = world.run(&[command, flag, "customers.acne", "--format", "human"]).exits(64);
            assert_eq!(told.stdout, "");
        }
    }
    for flag in ["--allow-replace", "--allow-cascade"] {
        world.run(&["plan", flag, "customers.acme"]).exits(0);
    }
    let told = world.run(&["plan", "--resend-parameters", "customers.acme"]).exits(64);
    assert!(told.stderr.contains("`customers.acme` declares nothing that could be"), "{}", told.stderr);
    assert!(told.stderr.contains("of customers everything can be read and compared"), "{}", told.stderr);
}

#[test]
fn an_earlier_name_is_3_where_nothing_can_be_renamed() {
    let world =
        World::declaring("service_keys:\n  new:\n    service_instance: sandbox/dev/db\n    lifecycle: { was: old }\n");
    let told = world.run(&["plan"]).exits(3);
    assert!(told.stderr.contains("rename"), "{}", told.stderr);
    assert!(told.stderr.contains("resources.yaml:4:18"), "{}", told.stderr);
}

#[test]
fn an_unknown_environment_and_an_unknown_variable_are_told() {
    let world = World::declaring(CUSTOMER);
    insta::assert_snapshot!("unknown_environment", world.run(&["plan", "-e", "stagin"]).exits(3));
    insta::assert_snapshot!("unknown_variable", world.run(&["plan", "--var", "regoin=x"]));
}

/// Every way to fail, with `--format json`: the same status as for people, and nothing but JSON on stdout.
#[test]
fn stdout_is_json_only_where_json_was_asked_for() {
    let world = World::new();
    for (yaml, fault) in [
        (CUSTOMER, None),
        (BROKEN, None),
        (DANGLING, None),
        ("customers: [", None),
        (CUSTOMER, Some(("GET", Effect::status(401)))),
        (CUSTOMER, Some(("GET", Effect::Malformed))),
        (CUSTOMER, Some(("POST", Effect::status(409)))),
    ] {
        world.declare(yaml);
        for command in [&["validate"][..], &["plan"], &["apply", "--yes"], &["apply"], &["plan", "--only", "x.y"]] {
            let weather = || {
                world.kaiten().faults().clear();
                if let Some((method, effect)) = &fault {
                    world.kaiten().strike_always(method, "/api", effect.clone());
                }
            };
            weather();
            let with_json = world.run(&[command, &["--format", "json"]].concat());
            // What has been created by the first would be unchanged for the second.
            if command == ["apply", "--yes"] && with_json.code == 0 {
                continue;
            }
            weather();
            assert_eq!(with_json.code, world.run(command).code, "{command:?} {yaml} {fault:?}\n{with_json}");
            if command[0] == "apply" {
                let lines = with_json.json_lines();
                let ledger = lines.last().expect("there is always a ledger");
                assert_eq!((&ledger["event"], &ledger["exit_code"]), (&Value::from("ledger"), &with_json.code.into()));
            } else {
                let document = with_json.json();
                assert_eq!(document["format_version"], "1.0");
                if command[0] == "plan" {
                    assert_eq!(document["errored"], with_json.code != 0, "{with_json}");
                } else {
                    assert_eq!(document["valid"], with_json.code == 0);
                }
            }
            assert_eq!(with_json.stderr, "", "{command:?} {yaml}");
        }
    }
}

/// Every way out of an apply but signals: the status, the last line for scripts and the report say the same, whatever the
/// format, and the counts add up.
#[test]
fn every_way_out_of_an_apply_is_told_alike() {
    const YES: &[&str] = &["--yes"];
    let two = format!("{CUSTOMER}  globex: {{ name: Globex }}\n");
    let refused = || Some(("POST", "/api/customers", Effect::status(403)));
    let cases = [
        (CUSTOMER, YES, None, 0, 1),
        ("customers: {}\n", YES, None, 0, 0),
        (&two, YES, refused(), 5, 2),
        (&two, &["--yes", "--fail-fast"], refused(), 5, 2),
        (DANGLING, YES, None, 1, 1),
        (BROKEN, YES, None, 3, 0),
        (CUSTOMER, YES, Some(("GET", "/", Effect::status(401))), 4, 0),
        (CUSTOMER, YES, Some(("GET", "/", Effect::Malformed)), 1, 0),
        (CUSTOMER, &[], None, 64, 0),
        (CUSTOMER, &["--yes", "--only", "customers.acne"], None, 64, 0),
        (CUSTOMER, &["nowhere.json"], None, 64, 0),
        (CUSTOMER, &["resources.yaml"], None, 6, 0),
        (CUSTOMER, &["--yes", "-e", "nowhere"], None, 3, 0),
    ];
    for (yaml, arguments, fault, code, outcomes) in cases {
        let run = |format: &str| {
            let world = World::declaring(yaml);
            if let Some((method, path, effect)) = &fault {
                world.kaiten().strike_always(method, path, effect.clone());
            }
            let more = ["--report", "report.json", "--format", format];
            let output = world.run(&[&["apply"], arguments, &more].concat()).exits(code);
            (output, serde_json::from_str::<Value>(&world.project.read("report.json")).expect("a report"))
        };
        let (_, for_people) = run("human");
        let (output, report) = run("json");
        let name = format!("{arguments:?} {yaml} {fault:?}");
        assert_eq!(output.stderr, "", "{name}");
        let mut last = output.json_lines().pop().expect("there is always a ledger");
        assert_eq!(last.as_object_mut().unwrap().remove("event"), Some("ledger".into()), "{name}");
        assert_eq!(last, report, "{name}");
        assert_eq!(report["exit_code"], code, "{name}");
        assert_eq!(report["summary"], for_people["summary"], "{name}");
        let counts: u64 = report["summary"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
        let accounted = report["outcomes"].as_array().unwrap().len();
        assert_eq!((counts, u64::try_from(accounted).unwrap()), (outcomes, outcomes), "{name}");
        let told = |it: &Value| !it["diagnostics"].as_array().is_none_or(Vec::is_empty);
        let is_told = told(&report) || report["outcomes"].as_array().unwrap().iter().any(told);
        assert_eq!(is_told, code != 0, "{name}: {report}");
        let converged = if code == 0 && outcomes > 0 { Value::Bool(true) } else { Value::Null };
        assert_eq!(report["converged"], converged, "{name}");
    }
}

#[test]
fn wrong_usage_is_told_in_json_too() {
    let world = World::declaring(CUSTOMER);
    let document = world.run(&["plan", "--format", "json", "--nope"]).exits(64).json();
    assert_eq!(document["diagnostics"][0]["code"], "trueup::cli::usage");
}

#[test]
fn only_some_are_planned_and_what_they_require() {
    let world = World::declaring(
        "customers:\n  a1: { name: A }\n  b1: { name: B, domain: '${customers.a1.slug}.com' }\n  c1: { name: C }\n",
    );
    let plan = world.run(&["plan", "--only", "customers.b1", "--format", "json"]).exits(0).json();
    let addresses: Vec<_> = plan["actions"].as_array().unwrap().iter().map(|action| &action["address"]).collect();
    assert_eq!(addresses, ["customers.a1", "customers.b1"]);
    world.run(&["apply", "--yes", "--only", "customers.a1"]).exits(0);
    assert_eq!(world.slugs("customers"), ["a1"]);
}

#[test]
fn fail_fast_starts_nothing_more() {
    let world = World::declaring("customers:\n  a1: { name: A }\n  b1: { name: B }\n  c1: { name: C }\n");
    world.kaiten().strike("POST", "/api/customers", Effect::status(409));
    world.run(&["apply", "--yes", "--fail-fast"]).exits(5);
    assert_eq!(world.kaiten().writes(), 1);
    world.kaiten().strike("POST", "/api/customers", Effect::status(409));
    world.run(&["apply", "--yes"]).exits(5);
    assert_eq!(world.slugs("customers"), ["b1", "c1"]);
}
