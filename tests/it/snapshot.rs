//! Plans without credentials: what the remotes hold is written down once, without secrets, and planned with elsewhere, where
//! no remote can be reached.

use std::fmt::Write as _;
use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};
use trueup::emulator::Effect;

use crate::same_snapshot;
use crate::support::{Foundation, Output, Project, Watched, World};

const CANARY: &str = "canary-in-a-variable";

/// What is behind each of these values may be in no snapshot.
const CANARIES: [&str; 7] = [
    CANARY,
    "canary-in-credentials",
    "canary-in-parameters",
    "canary-in-a-url",
    "canary-by-its-name",
    // The marks of parameters.
    "sha256-v1",
    trueup::emulator::kaiten::SANDBOX_TOKEN,
];

const VARIABLES: &str = "[variables.secret]\nenv = \"SECRET\"\nsensitive = true\n";

const YAML: &str = "\
customers:
  acme: { name: Acme, domain: acme.example }
  globex: { name: Globex }
instances:
  acme-production:
    name: Acme production
    description: 'dial ${var.secret} now'
    customer: acme
    license: growth
    start_license_date: 2026-09-01T00:00:00Z
    end_license_date: 2027-09-01T00:00:00Z
    metadata: { region: eu, password: '${var.secret}', list: ['x-${var.secret}'] }
organizations:
  acme: {}
spaces:
  production: { organization: acme }
service_instances:
  db:
    space: acme/production
    plan: redis/small
    tags: [acme]
    parameters: { password: '${var.secret}', size: canary-in-parameters }
  cache:
    space: sandbox/dev
    plan: postgres/small
user_provided_service_instances:
  mail:
    space: acme/production
    credentials: { user: mail, password: canary-in-credentials, again: '${var.secret}' }
service_keys:
  ci:
    service_instance: db
";

/// Everything that is declared is there, and a few things that nobody declares.
fn world() -> World {
    let mut world = World::new();
    world.project.set("SECRET", CANARY);
    world.project.write("trueup.toml", world.settings(VARIABLES, "parallelism = 1"));
    world.declare(YAML);
    world.run(&["apply", "--yes"]).exits(0);
    let customer = world.get(world.kaiten(), "/api/customers/globex");
    let license = world.get(world.kaiten(), "/api/licenses/growth");
    let stray = json!({
        "name": "Stray", "slug": "stray", "description": "", "customerId": customer["id"], "licenseId": license["id"],
        "startLicenseDate": "2026-01-01T00:00:00Z", "endLicenseDate": "2027-01-01T00:00:00Z",
        "metadata": { "url": "redis://u:canary-in-a-url@db", "apiKey": "canary-by-its-name", "echo": format!("<{CANARY}>"), "zone": "a" },
    });
    world.send(world.kaiten(), Method::POST, "/api/instances", Some(&stray));
    world.user_provide("stray-mail", "production");
    forget(&world);
    world
}

fn forget(world: &World) {
    world.kaiten().recorder().clear();
    world.cf().recorder().clear();
}

fn requests(world: &World) -> u64 {
    world.kaiten().recorder().count() + world.cf().recorder().count()
}

/// Takes one, as it would have been taken at another time.
fn take(world: &World) -> Value {
    world.run(&["snapshot", "--out", "remote.json"]).exits(0);
    let mut taken: Value = serde_json::from_str(&world.project.read("remote.json")).unwrap();
    taken["taken"] = "2026-11-28T10:12:30Z".into();
    world.project.write("remote.json", taken.to_string());
    forget(world);
    taken
}

/// A checkout by somebody who has nothing but the files: no token, no password, no secret.
fn fork(world: &World) -> Project {
    fork_of_files(world).file("remote.json", world.project.read("remote.json"))
}

fn fork_of_files(world: &World) -> Project {
    Project::empty()
        .file("trueup.toml", world.project.read("trueup.toml"))
        .file("resources.yaml", world.project.read("resources.yaml"))
}

fn offline(project: &Project, more: &[&str]) -> Output {
    project.run(&[&["plan", "--remote", "remote.json"], more].concat())
}

/// Whether it says this on stderr, wherever the lines are broken.
#[track_caller]
fn says(output: &Output, text: &str) {
    let words = output.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(text), "{text}: {output}");
}

fn actions(plan: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    plan["actions"].as_array().unwrap().iter().map(|step| (text(&step["address"]), text(&step["action"]))).collect()
}

/// The actions of two plans are the same, but for the values that one of them could not compare.
#[track_caller]
fn same_but_for_redacted(live: &Value, offline: &Value) {
    let (live, offline) = (live["actions"].as_array().unwrap(), offline["actions"].as_array().unwrap());
    assert_eq!(live.len(), offline.len());
    for (live, offline) in live.iter().zip(offline) {
        let redacted = |change: &&Value| change["redacted"] == true;
        let hidden: Vec<Value> = offline["changes"].as_array().unwrap().iter().filter(redacted).cloned().collect();
        let is_hidden = |change: &Value| {
            let path = change["path"].as_str().unwrap();
            hidden.iter().any(|hidden| path.starts_with(hidden["path"].as_str().unwrap()))
        };
        let seen = |step: &Value| {
            let mut step = step.clone();
            step["changes"].as_array_mut().unwrap().retain(|change| !is_hidden(change));
            if !hidden.is_empty() {
                step["reason"] = Value::Null;
            }
            step
        };
        assert_eq!(seen(live), seen(offline));
    }
}

#[test]
fn what_is_secret_is_not_in_it_and_to_take_it_changes_nothing() {
    let world = world();
    let said = world.run(&["snapshot", "--out", "remote.json", "-vv"]).exits(0);
    let file = world.project.read("remote.json");
    let all = format!("{said}{file}");
    let leaked: Vec<_> = CANARIES.iter().filter(|canary| all.contains(**canary)).collect();
    assert!(leaked.is_empty(), "{leaked:?}: {file}");
    assert_eq!(world.kaiten().writes() + world.cf().writes(), 0, "to look is not to touch");
    for kept in ["acme.example", "\"stray\"", "stray-mail", "\"zone\": \"a\"", "\"region\": \"eu\""] {
        assert!(file.contains(kept), "{kept}: {file}");
    }

    let quiet = world.run(&["snapshot", "-q"]).exits(0);
    assert_eq!(quiet.stderr, "");
    let written = |text: &str| serde_json::from_str::<Value>(text).unwrap()["targets"].clone();
    assert_eq!(written(&quiet.stdout), written(&file), "stdout holds the same");
}

#[test]
fn neither_what_a_secret_was_before_nor_what_a_broker_gave_is_in_it() {
    let world = world();
    // The credentials of the key are read, and go into the metadata of an instance.
    let metadata = "key: '${service_keys.ci.credentials.password}', ";
    world.declare(&YAML.replacen("region: eu, ", &format!("region: eu, {metadata}"), 1));
    world.run(&["apply", "--yes"]).exits(0);
    let instance = world.get(world.kaiten(), "/api/instances/acme-production");
    let given = instance["metadata"]["key"].as_str().expect("the broker's").to_owned();
    // By now the variable has another value: what the remotes hold is still the one of before.
    let mut project = fork_of_files(&world).env("SECRET", "another-canary");
    project.set("KAITEN_AUTH_TOKEN", trueup::emulator::kaiten::SANDBOX_TOKEN);
    project.set("CF_PASSWORD", crate::support::CF_PASSWORD);
    let text = project.run(&["snapshot"]).exits(0).stdout;
    for secret in [&*given, CANARY, "canary"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

#[test]
fn a_fork_plans_what_is_declared_without_a_connection_or_a_secret() {
    let world = world();
    take(&world);
    let fork = fork(&world);
    let plan = offline(&fork, &["--detailed-exitcode"]).exits(0);
    same_snapshot!("snapshot_of_what_is_declared", plan);
    same_snapshot!("snapshot_of_what_is_declared_with_all", offline(&fork, &["-v"]).exits(0));
    assert_eq!(requests(&world), 0, "nobody was asked anything");
    let live = world.run(&["plan", "--format", "json"]).exits(0).json();
    let offline = offline(&fork, &["--format", "json"]).exits(0).json();
    same_but_for_redacted(&live, &offline);
    assert_eq!(offline["snapshot"], json!({ "taken": "2026-11-28T10:12:30Z" }));
    assert_eq!((&offline["requests"]["read"], &live["snapshot"]), (&json!(0), &Value::Null));
}

/// A change of each sort: what is told apart is what a live plan tells apart.
const CHANGED: [(&str, &str); 5] = [
    ("name: Acme, domain: acme.example", "name: Acme Corp, domain: acme.example"),
    ("region: eu", "region: us, more: { x: [1] }"),
    ("tags: [acme]", "tags: [acme, shop]"),
    ("user: mail, ", ""),
    ("  globex: { name: Globex }\n", "  initech: { name: Initech }\n"),
];

#[test]
fn a_fork_sees_of_its_changes_what_a_live_plan_shows() {
    let world = world();
    take(&world);
    let yaml = CHANGED.iter().fold(YAML.to_owned(), |yaml, (from, to)| yaml.replacen(from, to, 1));
    world.declare(&yaml);
    let fork = fork(&world);
    same_snapshot!("snapshot_of_changes", offline(&fork, &["--detailed-exitcode"]).exits(2));
    let live = world.run(&["plan", "--format", "json"]).exits(0).json();
    same_but_for_redacted(&live, &offline(&fork, &["--format", "json"]).exits(0).json());
}

#[test]
fn a_secret_that_has_changed_is_never_a_change_nor_said_to_be_none() {
    let world = world();
    take(&world);
    let fork = fork(&world);
    for given in [&[][..], &["--var", "secret=another-one"], &["--var", &format!("secret={CANARY}")]] {
        let plan = offline(&fork, &[&["--format", "json"], given].concat()).exits(0).json();
        assert!(actions(&plan).iter().all(|(_, action)| action == "unchanged"), "{given:?}: {plan:#}");
        let changes = plan["actions"].as_array().unwrap().iter().flat_map(|step| {
            step["changes"].as_array().unwrap().iter().map(|change| {
                assert_eq!((&change["unverifiable"], &change["redacted"]), (&json!(true), &json!(true)), "{change}");
                assert_eq!(change["before"], Value::Null);
                format!("{}: {}", step["address"].as_str().unwrap(), change["path"].as_str().unwrap())
            })
        });
        insta::allow_duplicates! {
            insta::assert_snapshot!("snapshot_of_secrets", changes.collect::<Vec<_>>().join("\n"));
        }
    }
    // A new resource with it is planned too.
    let more = YAML.replacen("customers:\n", "customers:\n  new: { name: 'New ${var.secret}' }\n", 1);
    fork.write("resources.yaml", more);
    let plan = offline(&fork, &["--format", "json"]).exits(0).json();
    let new = plan["actions"].as_array().unwrap().iter().find(|step| step["address"] == "customers.new").unwrap();
    assert_eq!(new["changes"][0]["sensitive"], true, "{new}");
    // Variables that are no secret have to be known.
    fork.write("trueup.toml", fork.read("trueup.toml").replace("sensitive = true\n", ""));
    let unset = offline(&fork, &[]).exits(3);
    assert!(unset.stderr.contains("set SECRET in the environment"), "{unset}");
}

#[test]
fn what_of_a_snapshot_an_expression_reads_is_not_made_up() {
    let world = world();
    let reads = YAML.replacen(
        "region: eu,",
        "region: eu, key: '${service_keys.ci.credentials.password}', db: '${service_instances.db.guid}',",
        1,
    );
    world.declare(&reads);
    world.run(&["apply", "--yes"]).exits(0);
    take(&world);
    let live = world.run(&["plan", "--format", "json"]).exits(0).json();
    let plan = offline(&fork(&world), &["--format", "json"]).exits(0).json();
    same_but_for_redacted(&live, &plan);
    let instance = plan["actions"].as_array().unwrap().iter().find(|step| step["kind"] == "instances").unwrap();
    let paths: Vec<_> = instance["changes"].as_array().unwrap().iter().map(|change| change["path"].clone()).collect();
    assert_eq!(paths, ["description", "metadata.key", "metadata.password", "metadata.list"], "{instance:#}");
}

#[test]
fn every_format_says_what_the_plan_is_made_from() {
    let world = world();
    take(&world);
    world.declare(&YAML.replace("name: Acme,", "name: Acme Corp,"));
    let fork = fork(&world);
    let words = "Made from a snapshot taken 2026-11-28 10:12 UTC, not from the remotes as they are now.";
    for format in ["human", "markdown", "html", "github", "sarif"] {
        let told = offline(&fork, &["--format", format]).exits(0);
        let text = told.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(words), "{format}: {told}");
        assert!(!text.contains("To carry this out"), "{format}: {told}");
    }
    let graph = fork.run(&["graph", "--actions", "--remote", "remote.json"]).exits(0);
    assert!(graph.stdout.contains("~ customers.acme") && graph.stderr.contains(words), "{graph}");
    assert_eq!(requests(&world), 0);
}

#[test]
fn such_a_plan_is_not_applied() {
    let world = world();
    take(&world);
    world.declare(&YAML.replace("name: Acme,", "name: Acme Corp,"));
    let mut told = format!("{}", offline(&world.project, &["--out", "plan.json"]).exits(64));
    assert!(!world.project.path().join("plan.json").exists());
    let plan = offline(&world.project, &["--format", "json"]).exits(0);
    world.project.write("plan.json", &plan.stdout);
    write!(told, "{}", world.run(&["apply", "plan.json"]).exits(6)).unwrap();
    insta::assert_snapshot!("snapshot_not_applied", told);
    assert_eq!(requests(&world), 0);
}

#[test]
fn consents_only_and_undeclared_are_those_of_any_plan() {
    let world = world();
    take(&world);
    world.declare(&YAML.replace("plan: postgres/small", "plan: redis/small"));
    let fork = fork(&world);
    let cache = "service_instances.cache";
    let blocked = offline(&fork, &["--only", cache, "--format", "json"]).exits(1).json();
    let replaced = offline(&fork, &["--only", cache, "--allow-replace", cache, "--format", "json"]).exits(0).json();
    let action = |plan: &Value| actions(plan).into_iter().find(|(address, _)| address == cache).unwrap().1;
    assert_eq!((action(&blocked), action(&replaced)), ("blocked".to_owned(), "replace".to_owned()));
    let undeclared = offline(&fork, &["--undeclared", "--format", "json"]).exits(1).json();
    let live = world.run(&["plan", "--undeclared", "--format", "json"]).exits(1).json();
    assert_eq!(undeclared["undeclared"], live["undeclared"]);
    assert!(undeclared["undeclared"].to_string().contains("stray"), "{undeclared:#}");
}

#[test]
fn causes_are_judged_by_it_too() {
    let world = world();
    take(&world);
    let path = std::env::var("PATH").expect("programs are found by it");
    let fork = fork(&world).env("PATH", &path);
    let git = |arguments: &[&str]| {
        let who = ["-c", "user.name=trueup", "-c", "user.email=trueup@example.com"];
        let mut command = Command::new("git");
        command.args(who).args(arguments).current_dir(fork.path()).env_clear().env("PATH", &path);
        command.envs([("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_CONFIG_GLOBAL", "/dev/null")]);
        assert!(command.status().expect("git is there").success());
    };
    git(&["init", "-q", "-b", "main"]);
    git(&["add", "-A"]);
    git(&["commit", "-q", "-m", "first"]);
    git(&["checkout", "-q", "-b", "branch"]);
    fork.write("resources.yaml", YAML.replace("name: Acme,", "name: Acme Corp,"));
    let plan = offline(&fork, &["--base", "main", "--format", "json"]).exits(0).json();
    let caused = plan["actions"].as_array().unwrap().iter().filter(|step| step["cause"] != Value::Null);
    let caused: Vec<_> = caused.map(|step| (step["address"].as_str(), step["cause"].as_str())).collect();
    assert_eq!(caused, [(Some("customers.acme"), Some("declared"))]);
    assert_eq!(plan["diagnostics"], json!([]), "the secret is missing at the other revision too");
}

#[test]
fn what_is_read_only_as_far_as_it_is_declared_is_told_to_be_missing() {
    let world = world();
    take(&world);
    let more = YAML.replace(
        "  cache:\n",
        "  queue: { space: sandbox/dev, plan: redis/small }\n  cache:\n    lifecycle: { absent: true }\n",
    );
    world.declare(&more);
    let plan = offline(&fork(&world), &[]).exits(0);
    same_snapshot!("snapshot_partial", plan);
    // Nothing of the kind where nothing is to be looked at.
    world.declare(&YAML.replace("tags: [acme]", "tags: [shop]").replace("name: Acme,", "name: Acme Corp,"));
    let plan = offline(&fork(&world), &["--format", "json"]).exits(0).json();
    assert_eq!(plan["diagnostics"], json!([]));
}

#[test]
fn a_file_that_is_no_snapshot_is_refused() {
    let world = World::declaring("customers:\n  acme: { name: Acme }\n");
    let taken = take(&world);
    let text = taken.to_string();
    let with = |pointer: &str, value: Value| {
        let mut other = taken.clone();
        *other.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
        other.to_string()
    };
    let customers = "/targets/kaiten/collections/customers";
    let object = |more: Value| {
        let mut object = json!({ "identity": { "slug": "acme" }, "id": "1", "fields": {} });
        object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        with(customers, json!([object]))
    };
    let plan = world.run(&["plan", "--format", "json"]).exits(0).stdout;
    forget(&world);
    let mut told = String::new();
    for (name, text) in [
        ("not JSON", "customers:\n  acme: {}\n".to_owned()),
        ("nothing", String::new()),
        ("cut", text[..60].to_owned()),
        ("a plan", plan),
        ("a list", "[]".to_owned()),
        ("another major version", text.replacen("\"format_version\":\"1.0\"", "\"format_version\":\"2.0\"", 1)),
        ("another project", with("/project", "other\u{1b}[31m\n::error::x".into())),
        ("another environment", with("/environment", "staging".into())),
        ("no time", with("/taken", "yesterday".into())),
        ("no targets", with("/targets", json!([]))),
        ("an object that is none", with(customers, json!([1]))),
        ("without its key", object(json!({ "identity": { "name": "acme" } }))),
        ("an unknown API", with("/targets/kaiten/api", "v9".into())),
        ("an unknown form", object(json!({ "fields": { "name": { "$secret": "x" } } }))),
        ("a broken link", object(json!({ "fields": { "name": { "$link": { "id": 1 } } } }))),
        ("two forms in one", object(json!({ "fields": { "name": { "$map": {}, "$link": {} } } }))),
        ("a number for a text", object(json!({ "id": 7 }))),
        ("too deep", format!("{{\"format_version\":\"1.0\",\"taken\":{}", "[".repeat(100_000))),
    ] {
        world.project.write("remote.json", text);
        let output = offline(&world.project, &[]).exits(6);
        assert!(!output.to_string().contains('\u{1b}'), "{name}");
        writeln!(told, "{name}:\n{}", output.stderr).unwrap();
    }
    let missing = world.run(&["plan", "--remote", "nowhere.json"]).exits(64);
    writeln!(told, "nowhere:\n{}", missing.stderr).unwrap();
    let large = std::fs::File::create(world.project.path().join("large.json")).unwrap();
    large.set_len((1 << 30) + 1).unwrap();
    let large = world.run(&["plan", "--remote", "large.json"]).exits(6);
    writeln!(told, "large:\n{}", large.stderr).unwrap();
    insta::assert_snapshot!("snapshot_damaged", told);
    assert_eq!(requests(&world), 0);
}

#[test]
fn what_a_later_version_adds_is_ignored_and_what_is_odd_does_no_harm() {
    let world = World::declaring("customers:\n  acme: { name: Acme }\n");
    let mut taken = take(&world);
    taken["format_version"] = "1.9".into();
    taken["from_the_future"] = json!({ "$x": 1 });
    let kaiten = &mut taken["targets"]["kaiten"];
    kaiten["from_the_future"] = 1.into();
    kaiten["collections"]["from_the_future"] = json!([{ "identity": {}, "id": "1" }]);
    kaiten["collections"]["customers"] = json!([
        {
            "identity": { "slug": "acme", "from_the_future": "x" }, "id": "c\u{1b}[2J", "from_the_future": 1,
            "fields": { "name": "old \u{1b}[31m\u{202e}\n::error::x", "domain": 7, "from_the_future": { "$x": 1 } },
            "attributes": { "created_at": [true], "from_the_future": { "$x": 1 } },
        },
        { "identity": { "slug": "acme" }, "id": "c\u{1b}[2J" },
    ]);
    taken["targets"]["later"] = json!({ "provider": "later", "url": "", "api": "v1", "collections": {} });
    world.project.write("remote.json", taken.to_string());
    let plan = offline(&world.project, &["-v"]).exits(0);
    insta::assert_snapshot!("snapshot_nasty", plan);
    for format in ["json", "markdown", "html", "github", "sarif"] {
        let plan = offline(&world.project, &["--format", format]).exits(0);
        assert!(!plan.stdout.contains(['\u{1b}', '\u{202e}']), "{format}: {plan}");
    }
}

#[test]
fn one_of_other_remotes_is_refused() {
    let world = world();
    let taken = take(&world);
    let settings = world.project.read("trueup.toml");
    let mut told = String::new();
    let mut refused = |name: &str, taken: &Value, settings: &str| {
        let fork = fork(&world).file("remote.json", taken.to_string()).file("trueup.toml", settings);
        let output = offline(&fork, &[]).exits(6);
        let output = output.to_string();
        let (_, stderr) = output.split_once("─── stderr ───\n").unwrap();
        writeln!(told, "{name}:\n{stderr}").unwrap();
    };
    let mut without = taken.clone();
    without["targets"].as_object_mut().unwrap().shift_remove("cf");
    refused("a target is missing", &without, &settings);
    let mut without = taken.clone();
    for section in ["spaces", "customers"] {
        for target in ["kaiten", "cf"] {
            without["targets"][target]["collections"].as_object_mut().unwrap().shift_remove(section);
        }
    }
    refused("collections are missing", &without, &settings);
    let elsewhere = settings.replacen("http://127.0.0.1", "https://kaiten.example.com", 1);
    let elsewhere =
        regex_lite::Regex::new(r"kaiten\.example\.com:\d+").unwrap().replace(&elsewhere, "kaiten.example.com");
    refused("it is elsewhere", &taken, &elsewhere);
    let mut other = taken.clone();
    other["targets"]["kaiten"]["provider"] = "cloudfoundry".into();
    other["targets"]["kaiten"]["api"] = "v3".into();
    refused("it is something else", &other, &settings);
    let (asked, has) = if Foundation::tested() == Foundation::V2 { ("v3", "v2") } else { ("v2", "v3") };
    let asking = settings.replacen("\"cloudfoundry\"\n", &format!("\"cloudfoundry\"\napi = \"{asked}\"\n"), 1);
    let other = offline(&fork(&world).file("trueup.toml", asking), &[]).exits(6);
    says(&other, &format!("the snapshot of target `cf` was taken with `{has}`, not with `{asked}`"));
    insta::assert_snapshot!("snapshot_of_others", told);

    // Targets that nothing is declared at do not matter.
    let fork = fork(&world).file("resources.yaml", "customers:\n  acme: { name: Acme, domain: acme.example }\n");
    fork.write("remote.json", {
        let mut without = taken.clone();
        without["targets"].as_object_mut().unwrap().shift_remove("cf");
        without.to_string()
    });
    let plan = offline(&fork, &["--detailed-exitcode"]).exits(0);
    assert!(!plan.stdout.contains("cf "), "{plan}");
}

#[test]
fn an_environment_has_snapshots_of_its_own() {
    let world = World::declaring("customers:\n  acme: { name: '${var.name}' }\n");
    let more = "[variables.name]\ndefault = \"A\"\n[environments.staging.variables]\nname = \"Staging\"\n";
    world.project.write("trueup.toml", world.settings(more, ""));
    world.run(&["snapshot", "-e", "staging", "--out", "remote.json"]).exits(0);
    offline(&world.project, &["-e", "staging"]).exits(0);
    let other = offline(&world.project, &[]).exits(6);
    says(&other, "the snapshot in `remote.json` is of the environment `staging`, and this plan of no environment");
}

#[test]
fn where_a_target_is_need_not_be_known() {
    let world = World::declaring("customers:\n  acme: { name: Acme }\n");
    take(&world);
    let settings = "[project]\nname = \"acme\"\n[targets.kaiten]\nprovider = \"kaiten\"\n[targets.cf]\nprovider = \"cloudfoundry\"\n";
    let fork = fork(&world).file("trueup.toml", settings);
    let plan = offline(&fork, &["--undeclared"]).exits(0);
    assert!(plan.stdout.contains("1 to add"), "{plan}");
    fork.run(&["plan"]).exits(3);
}

#[test]
fn it_is_written_whole_or_not_at_all() {
    let world = World::declaring("customers:\n  acme: { name: Acme }\n");
    world.project.write("remote.json", "as it was");
    world.kaiten().strike_always("GET", "/api/customers", Effect::status(403));
    let refused = world.run(&["snapshot", "--out", "remote.json"]).exits(4);
    assert_eq!((world.project.read("remote.json").as_str(), refused.stdout.as_str()), ("as it was", ""));
    world.kaiten().faults().clear();
    let nowhere = world.run(&["snapshot", "--out", "nowhere/remote.json"]).exits(1);
    assert!(nowhere.stderr.contains("there is no directory `nowhere`"), "{nowhere}");
    world.declare("customers:\n  acme: { nmae: Acme }\n");
    world.run(&["snapshot"]).exits(3);
}

#[test]
fn what_may_not_be_read_is_left_out_and_missed_by_whoever_needs_it() {
    let world = World::declaring("customers:\n  acme: { name: Acme }\n");
    world.kaiten().strike_always("GET", "/api/releases", Effect::status(403));
    let told = world.run(&["snapshot", "--out", "remote.json"]).exits(0);
    assert!(told.stderr.contains("warning[trueup::remote::forbidden]: left out of the snapshot"), "{told}");
    offline(&world.project, &[]).exits(0);
    world.declare("releases:\n  one: { version: '1', components: [] }\n");
    let missed = offline(&world.project, &[]).exits(6);
    insta::assert_snapshot!("snapshot_left_out", missed);
}

#[test]
fn an_interrupt_while_reading_leaves_no_file() {
    let world = World::declaring("customers:\n  acme: { name: Acme }\n");
    world.kaiten().strike_always("GET", "/api/customers", Effect::SilentBefore);
    let mut run = world.project.start(&["snapshot", "--out", "remote.json"]);
    run.until("asked", |_| world.kaiten().count("GET", "/api/customers") > 0);
    run.signal(15);
    let output = run.end().exits(143);
    assert!(output.stderr.contains("interrupted while reading; nothing was written"), "{output}");
    assert!(!world.project.path().join("remote.json").exists());
}
