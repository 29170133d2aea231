//! Secrets do not leave: not in any output, format, log, report, plan file, export, error or panic.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use trueup::apply::{Options, apply, converge};
use trueup::clock::Clock;
use trueup::emulator::{Effect, Reply};
use trueup::http::Request;
use trueup::model::{Diagnostics, Sources};
use trueup::observe::{Sessions, observe};
use trueup::settings::{self, LoadOptions};
use trueup::{config, plan, providers};

use crate::support::{Foundation, Output, Project, Watched, World, files_below, package};

const VARIABLE: &str = "canary-in-a-variable";
const TOKEN: &str = "ksh_canary_token";
const PASSWORD: &str = "canary-password";

/// The variable everywhere it can go: alone, inside a text, and nested.
const YAML: &str = "\
customers:
  acme:
    name: Acme
instances:
  acme-production:
    name: Acme production
    description: 'dial ${var.secret} now'
    customer: acme
    license: growth
    start_license_date: 2026-09-01T00:00:00Z
    end_license_date: 2027-09-01T00:00:00Z
    metadata:
      password: ${var.secret}
      list: [{ deep: 'x-${var.secret}' }]
      cache: 'redis://${service_keys.ci.credentials.username}:${service_keys.ci.credentials.password}@cache'
service_instances:
  acme-db:
    space: sandbox/dev
    plan: redis/small
    parameters:
      password: ${var.secret}
service_keys:
  ci:
    service_instance: acme-db
    parameters: { password: '${var.secret}' }
    lifecycle: { replace: true }
user_provided_service_instances:
  mail:
    space: sandbox/dev
    credentials:
      written: canary-in-the-yaml
      list: [canary-in-a-list, { deep: &deep canary-deep-inside }]
      again: *deep
      variable: ${var.secret}
      key: ${service_keys.ci.credentials.password}
";

fn world() -> World {
    use trueup::emulator::{cloudfoundry, kaiten};
    let kaiten = kaiten::Options {
        tokens: vec![kaiten::Token::admin(TOKEN), kaiten::Token::admin(kaiten::SANDBOX_TOKEN)],
        ..kaiten::Options::default()
    };
    let admin = cloudfoundry::User::new("admin", PASSWORD, &["cloud_controller.admin", "openid", "uaa.user"]);
    let cf = cloudfoundry::Options { users: vec![admin], ..cloudfoundry::Options::default() };
    let mut world = World::with(kaiten, cf);
    world.project = Project::empty()
        .env("KAITEN_AUTH_TOKEN", TOKEN)
        .env("CF_PASSWORD", PASSWORD)
        .env("SECRET", VARIABLE)
        .file("trueup.toml", world.settings("[variables.secret]\nenv = \"SECRET\"\nsensitive = true\n", ""));
    world.declare(YAML);
    world
}

/// Runs every command in every format, with logs, and looks at all that was said and written.
#[track_caller]
fn says_nothing(world: &World, expected: &[i32]) {
    for more in [&[][..], &["-v"], &["-vv"], &["-vvv"], &["--color", "always"]] {
        for command in [
            &["validate"][..],
            &["validate", "--format", "json"],
            &["plan", "--out", "plan.json"],
            &["plan", "--format", "json"],
            &["apply", "--yes", "--report", "report.json"],
            &["apply", "--yes", "--format", "json"],
        ] {
            let output = world.run(&[command, more].concat());
            assert!(expected.contains(&output.code), "{command:?}: {output}");
            holds_no_secret(world, &output, &[command, more].concat());
        }
    }
    for more in [&[][..], &["-vvv"]] {
        for command in OTHERS {
            let output = world.run(&[command, more].concat());
            // Of a plan file there may be none, or one that cannot be applied; what does not read what is declared ends by
            // itself; the rest ends as the plan does.
            let alone = ["explain", "export", "schema", "version"].contains(&command[0]);
            assert!(
                expected.contains(&output.code) || [6, 64].contains(&output.code) || alone,
                "{command:?}: {output}"
            );
            holds_no_secret(world, &output, &[command, more].concat());
        }
    }
}

/// What else prints something of a project.
const OTHERS: &[&[&str]] = &[
    &["validate", "--format", "github"],
    &["validate", "--format", "sarif"],
    &["validate", "--format", "gitlab"],
    &["plan", "--format", "markdown"],
    &["plan", "--format", "html"],
    &["plan", "--format", "github"],
    &["plan", "--format", "sarif"],
    &["plan", "--out", "plan.json"],
    &["apply", "plan.json", "--report", "report.json"],
    &["apply", "plan.json", "--format", "json"],
    &["graph"],
    &["graph", "--actions"],
    &["graph", "--actions", "--format", "dot"],
    &["graph", "--actions", "--format", "svg"],
    &["graph", "--actions", "--format", "html"],
    &["graph", "--format", "html"],
    &["plan", "--undeclared"],
    &["plan", "--undeclared", "--format", "markdown"],
    &["plan", "--undeclared", "--format", "html"],
    &["export", "--target", "kaiten"],
    &["export", "--target", "cf"],
    &["export", "--target", "kaiten", "--dir", EXPORTED, "--overwrite"],
    &["export", "--target", "cf", "--dir", EXPORTED, "--overwrite"],
    &["explain", "instances"],
    &["explain", "service_keys.parameters"],
    &["explain", "trueup::settings::variable_unset"],
    &["schema"],
    &["version"],
];

/// Hidden, so that it is none of the project's files.
const EXPORTED: &str = ".exported";

#[track_caller]
fn holds_no_secret(world: &World, output: &Output, command: &[&str]) {
    let mut said = output.to_string();
    for file in ["plan.json", "report.json"] {
        if world.project.path().join(file).exists() {
            said += &world.project.read(file);
        }
    }
    let exported = world.project.path().join(EXPORTED);
    if exported.exists() {
        for file in files_below(&exported, "yaml") {
            said += &std::fs::read_to_string(file).unwrap();
        }
    }
    for secret in [VARIABLE, TOKEN, PASSWORD, "canary"] {
        assert!(!said.contains(secret), "{command:?} says `{secret}`: {said}");
    }
    // The token that UAA gave is a secret too; it is a JWT.
    assert!(!said.contains("eyJ"), "{command:?} shows a token: {said}");
}

#[test]
fn a_sound_run_shows_no_secret() {
    let world = world();
    let plan = world.run(&["plan"]).exits(0);
    assert!(plan.stdout.contains("(sensitive)"), "{plan}");
    says_nothing(&world, &[0]);
    let sent = world.kaiten().received("POST", "/api/instances")[0].json().unwrap();
    assert_eq!(sent["metadata"]["password"], VARIABLE, "it did reach the remote");
    assert_eq!(sent["description"], format!("dial {VARIABLE} now"));
}

/// Each way in which `trueup.toml` can say where a secret is.
#[test]
fn a_secret_from_a_file_or_a_command_is_not_shown() {
    let world = world();
    let settings = world.project.read("trueup.toml");
    let (variable, command) = (r#"{ env = "CF_PASSWORD" }"#, r#"{ command = ["cat", "password.txt"] }"#);
    let settings = settings
        .replace(variable, command)
        .replace("provider = \"kaiten\"\n", "provider = \"kaiten\"\ntoken = { file = \"token.txt\" }\n");
    world.project.write("trueup.toml", &settings);
    world.project.write("token.txt", format!("{TOKEN}\n"));
    world.project.write("password.txt", PASSWORD);
    assert_eq!(settings.matches(".txt").count(), 2, "{settings}");
    says_nothing(&world, &[0]);
    // What is kept there is no secret by its form, or the command fails after it has said it.
    world.project.write("token.txt", format!("{TOKEN}\nand more"));
    let failing = r#"{ command = ["sh", "-c", "cat password.txt; cat password.txt >&2; exit 1"] }"#;
    world.project.write("trueup.toml", settings.replace(command, failing));
    says_nothing(&world, &[0, 3]);
}

#[test]
fn an_export_leaves_out_what_holds_a_sensitive_variable() {
    let world = world();
    world.run(&["apply", "--yes"]).exits(0);
    let exported = world.run(&["export", "--target", "kaiten"]).exits(0);
    let why = "# description, left out: the value of a sensitive variable is in it";
    assert!(exported.stdout.contains(why), "{exported}");
}

/// What a panic says that is about this: an `expect` shows the error.
fn said_by_a_panic(value: impl Debug) -> String {
    let fails = |value| -> Result<(), _> { Err(value) };
    let panicked = catch_unwind(AssertUnwindSafe(|| fails(value).expect("a defect")));
    let said = panicked.expect_err("an error is not expected");
    said.downcast_ref::<String>().expect("it has a message").clone()
}

/// A defect can strike anywhere, with any value of any stage at hand.
#[test]
fn a_panic_with_a_secret_at_hand_does_not_show_it() {
    let world = world();
    let reply = |detail: String| Effect::Reply(Reply { status: 422, detail: Some(detail), ..Reply::default() });
    world.kaiten().strike_always("POST", "/api/instances", reply(format!("`{VARIABLE}` is bad, so is {TOKEN}")));
    let env = |name: &str| {
        let known = [("KAITEN_AUTH_TOKEN", TOKEN), ("CF_PASSWORD", PASSWORD), ("SECRET", VARIABLE)];
        known.into_iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
    };
    let (registry, clock) = (providers::registry(), Clock::system());
    let (mut sources, mut problems) = (Sources::default(), Diagnostics::default());
    let options = LoadOptions { environment: None, variables: &[], env: &env, unconnected: false };
    let settings = settings::load(world.project.path(), options, &mut sources, &mut problems).expect("it is sound");
    let files = [world.project.path().join("resources.yaml")];
    let desired = config::load(&files, &settings, &registry, &mut sources, &mut problems).expect("it is sound");
    let mut said = vec![said_by_a_panic(&settings), said_by_a_panic(&desired), said_by_a_panic(&sources)];
    world.wait(async {
        let mut sessions = Sessions::new();
        for target in settings.targets.values() {
            let endpoint = settings::endpoint(target, &settings, &env).expect("the secrets are there");
            let session = registry.connect(&endpoint, &clock).await.expect("it is known").expect("it is there");
            sessions.insert(target.name.clone(), Arc::from(session));
            said.push(said_by_a_panic(endpoint));
        }
        let snapshot = observe(&desired, &registry, &sessions, &mut problems).await;
        let plan = plan::plan(&desired, &snapshot, &registry, problems);
        let options = Options { parallelism: 4, fail_fast: false };
        let (_signal, interrupt) = tokio::sync::watch::channel(None);
        let mut events = Vec::new();
        let mut push = |event| events.push(event);
        let mut ledger =
            apply(&plan, &desired, &snapshot, &registry, &sessions, options, &clock, interrupt, &mut push).await;
        let found = converge(&mut ledger, &desired, &registry, &sessions).await;
        assert!(format!("{ledger:?}").contains("[redacted]` is bad"), "the remote has repeated it: {ledger:?}");
        // With what is there by now, too: what the remote keeps of it.
        let after = observe(&desired, &registry, &sessions, &mut Diagnostics::default()).await;
        said.extend([said_by_a_panic(snapshot), said_by_a_panic(plan), said_by_a_panic(after)]);
        said.extend([said_by_a_panic(events), said_by_a_panic(ledger), said_by_a_panic(found)]);
    });
    let body = serde_json::json!({ "password": VARIABLE });
    said.push(said_by_a_panic(Request::get(format!("/x?token={TOKEN}")).authorization("Bearer", TOKEN).json(&body)));
    assert!(said.iter().any(|said| said.contains("[redacted]") || said.contains("[REDACTED]")), "{said:#?}");
    for said in said {
        assert!(said.starts_with("a defect: "), "{said}");
        for secret in [VARIABLE, TOKEN, PASSWORD, "canary", "eyJ"] {
            assert!(!said.contains(secret), "a panic says `{secret}`: {said}");
        }
    }
}

/// The words of a defect are written out; a value in them could be anything.
#[test]
fn no_panic_formats_what_is_at_hand() {
    let own = |path: &std::path::Path| {
        let parts = path.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
        let for_tests = [
            "emulator",
            "testing",
            "tests",
            "declared",
            "emulated",
            "tests.rs",
            "testing.rs",
            "emulated.rs",
            "tls.rs",
            "breakout.rs",
            "reviewed.rs",
            "schema",
        ];
        !parts.into_iter().any(|part| for_tests.contains(&&*part))
    };
    let mut looked_at = 0;
    for file in files_below(&package().join("src"), "rs").into_iter().filter(|file| own(file)) {
        let text = std::fs::read_to_string(&file).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        looked_at += 1;
        for (number, line) in text.lines().enumerate() {
            let panics = ["panic!(", "unreachable!(", "assert!(", "assert_eq!(", "assert_ne!(", "dbg!(", ".expect(&"];
            let found = panics.iter().find_map(|panic| line.split_once(panic)).map_or("", |(_, words)| words);
            assert!(!found.contains(['{', '&']), "{}:{}: {line}", file.display(), number + 1);
        }
    }
    assert!(looked_at > 150, "{looked_at}");
}

/// The credentials of the only key.
fn key_of(world: &World) -> [String; 2] {
    let key = if Foundation::tested() == Foundation::V3 {
        let keys = world.get(world.cf(), "/v3/service_credential_bindings?type=key");
        let guid = keys["resources"][0]["guid"].as_str().unwrap().to_owned();
        world.get(world.cf(), &format!("/v3/service_credential_bindings/{guid}/details"))["credentials"].clone()
    } else {
        world.get(world.cf(), "/v2/service_keys")["resources"][0]["entity"]["credentials"].clone()
    };
    ["username", "password"].map(|field| key[field].as_str().unwrap().to_owned())
}

#[test]
fn credentials_that_only_a_remote_knew_reach_another_and_are_not_shown() {
    let world = world();
    world.run(&["apply", "--yes"]).exits(0);
    let [username, password] = key_of(&world);
    let sent = world.kaiten().received("POST", "/api/instances")[0].json().unwrap();
    assert_eq!(sent["metadata"]["cache"], format!("redis://{username}:{password}@cache"));
    let posts =
        ["/v2/user_provided_service_instances", "/v3/service_instances"].map(|at| world.cf().received("POST", at));
    let bodies = posts.iter().flatten().filter_map(trueup::emulator::Recorded::json);
    let provided = bodies.into_iter().find(|body| body["name"] == "mail").unwrap();
    assert_eq!(provided["credentials"]["key"], password);
    assert_eq!(provided["credentials"]["again"], "canary-deep-inside");
    world.declare(&YAML.replace("redis://", "rediss://").replace("written: canary", "written: another-canary"));
    for more in [&[][..], &["-vvv"], &["--format", "json"]] {
        let plan = world.run(&[&["plan"], more].concat()).exits(0);
        assert!(plan.stdout.contains("credentials.written"), "{plan}");
        assert!(plan.stdout.contains("metadata.cache"), "{plan}");
        for secret in [&*username, &*password, "canary"] {
            assert!(!plan.to_string().contains(secret), "{more:?} says `{secret}`: {plan}");
        }
    }
    // A remote that repeats them is not quoted either.
    let reply = Reply { status: 422, detail: Some(format!("bad: {password}")), ..Reply::default() };
    world.kaiten().strike_always("POST", "/api/instances", Effect::Reply(reply));
    world.declare(&YAML.replace("  acme-production:", "  acme-staging:"));
    let output = world.run(&["apply", "--yes", "-vv"]).exits(5).to_string();
    assert!(output.contains("bad: ") && !output.contains(&password), "{output}");
}

#[test]
fn a_mistake_beside_written_credentials_does_not_show_them() {
    let world = world();
    for (right, wrong) in [
        ("again: *deep\n", "again: *deep\n    tags: 1\n"),
        ("      written:", "      written: canary-twice\n      written:"),
        ("variable: ${var.secret}", "variable: 'canary ${var.secrt}'"),
        ("    space: sandbox/dev\n    credentials:", "    credentials:"),
    ] {
        assert!(YAML.contains(right), "{right}");
        world.declare(&YAML.replace(right, wrong));
        says_nothing(&world, &[3]);
    }
}

#[test]
fn a_remote_that_repeats_secrets_in_its_errors_is_not_quoted() {
    for status in [400, 401, 403, 404, 409, 422, 500, 503] {
        let world = world();
        let reply = |detail: String| Effect::Reply(Reply { status, detail: Some(detail), ..Reply::default() });
        world.kaiten().strike_always("POST", "/api/instances", reply(format!("`{VARIABLE}` is bad, so is {TOKEN}")));
        let controller = Foundation::tested().path("service_instances");
        world.cf().strike_always("POST", &controller, reply(format!("bad, so is it: {VARIABLE}")));
        let output = world.run(&["apply", "--yes", "-vv", "--report", "report.json"]).exits(5);
        let said = format!("{output}{}", world.project.read("report.json"));
        let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("bad, so is it:"), "the rest of the words is quoted: {said}");
        assert!(!said.contains("canary"), "{status}: {said}");
    }
}

#[test]
fn a_remote_that_repeats_what_was_signed_in_with_is_not_quoted() {
    for status in [401, 403, 500] {
        let world = world();
        let reply = |detail: String| Effect::Reply(Reply { status, detail: Some(detail), ..Reply::default() });
        world.kaiten().strike_always("GET", "/", reply(format!("`{TOKEN}` may not")));
        world.cf().strike_always("POST", "/oauth/token", reply(format!("`{PASSWORD}` is wrong")));
        says_nothing(&world, &[0, 1, 4]);
    }
}

#[test]
fn a_broker_that_repeats_a_secret_is_not_quoted() {
    use trueup::emulator::cloudfoundry::Options;
    use trueup::emulator::cloudfoundry::marketplace::{
        Behaviour, BrokerStep, SeedBroker, SeedOffering, SeedPlan, Trouble,
    };
    let words = format!("`{VARIABLE}` is too short");
    let behaviour = Behaviour::asynchronous(300).but(BrokerStep::Provision, Trouble::FailLater(words));
    let offering = SeedOffering::new("redis", vec![SeedPlan::new("small", behaviour)]);
    let brokers = vec![SeedBroker::new("broker", vec![offering])];
    let mut world = world();
    let other = World::with(trueup::emulator::kaiten::Options::default(), Options { brokers, ..Options::default() });
    let settings = other.settings("[variables.secret]\nenv = \"SECRET\"\nsensitive = true\n", "");
    world.project = Project::empty()
        .env("KAITEN_AUTH_TOKEN", trueup::emulator::kaiten::SANDBOX_TOKEN)
        .env("CF_PASSWORD", crate::support::CF_PASSWORD)
        .env("SECRET", VARIABLE)
        .file("trueup.toml", settings);
    world.declare(YAML);
    let output = world.run(&["apply", "--yes", "--report", "report.json"]).exits(5);
    assert!(output.stdout.contains("`[redacted]` is too short"), "{output}");
    says_nothing(&world, &[0, 5]);
}

#[test]
fn a_mistake_beside_a_secret_does_not_show_it() {
    let world = world();
    world.declare(
        &YAML
            .replace("license: growth", "license: ${var.secret}")
            .replace("name: Acme\n", "name: [\"${var.secret}\"]\n"),
    );
    says_nothing(&world, &[3]);
}

#[test]
fn a_secret_that_changed_is_not_shown_either() {
    let mut world = world();
    world.run(&["apply", "--yes"]).exits(0);
    let settings = world.project.read("trueup.toml");
    world.project = Project::empty()
        .env("KAITEN_AUTH_TOKEN", TOKEN)
        .env("CF_PASSWORD", PASSWORD)
        .env("SECRET", "canary-of-tomorrow")
        .file("trueup.toml", settings);
    world.declare(YAML);
    let plan = world.run(&["plan"]).exits(0);
    assert!(plan.stdout.contains("~ instances.acme-production"), "{plan}");
    says_nothing(&world, &[0, 5]);
}

#[test]
fn what_a_reviewed_plan_differs_by_is_told_without_secrets() {
    let world = world();
    world.run(&["plan", "--out", "plan.json"]).exits(0);
    world.run(&["apply", "--yes"]).exits(0);
    // What was to be created has been, by others as far as the file knows, and differs in everything that is secret.
    let renamed = YAML.replace("name: Acme production", "name: Renamed");
    world.declare(&renamed);
    for more in [&[][..], &["-vv"], &["--format", "json"]] {
        let command = [&["apply", "plan.json", "--report", "report.json"], more].concat();
        let output = world.run(&command).exits(6);
        holds_no_secret(&world, &output, &command);
    }
    // Now one that is about something else, and then the secret is another one.
    world.run(&["plan", "--out", "plan.json"]).exits(0);
    let (settings, file) = (world.project.read("trueup.toml"), world.project.read("plan.json"));
    let mut world = world;
    world.project = Project::empty()
        .env("KAITEN_AUTH_TOKEN", TOKEN)
        .env("CF_PASSWORD", PASSWORD)
        .env("SECRET", "canary-of-tomorrow")
        .file("trueup.toml", settings)
        .file("plan.json", file);
    world.declare(&renamed);
    for more in [&[][..], &["-vv"], &["--format", "json"]] {
        let command = [&["apply", "plan.json", "--report", "report.json"], more].concat();
        let output = world.run(&command).exits(6);
        holds_no_secret(&world, &output, &command);
        // Between these words a line may end.
        let told = ["`metadata.password`", "reviewed: nothing", "secret"];
        assert!(told.iter().all(|words| output.to_string().contains(words)), "{output}");
    }
}

#[test]
fn what_is_told_at_a_signal_is_told_without_secrets() {
    let controller = Foundation::tested().path("service_instances");
    for signals in [1, 2] {
        for format in ["human", "json"] {
            let world = world();
            world.cf().strike_always("POST", &controller, Effect::SilentAfter);
            let command = ["apply", "--yes", "-vv", "--format", format, "--report", "report.json"];
            let mut run = world.project.start(&command);
            run.until("sent a secret", |_| world.cf().count("POST", &controller) > 0);
            for signal in 0..signals {
                std::thread::sleep(std::time::Duration::from_millis(200 * signal));
                run.signal(2);
            }
            let output = run.end().exits(130);
            assert!(world.project.read("report.json").contains("\"unknown\""), "{output}");
            holds_no_secret(&world, &output, &command);
        }
    }
}
