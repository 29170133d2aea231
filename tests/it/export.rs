//! What exists is written down as YAML whose plan is empty, and nothing on disk is lost for it.

use serde_json::json;
use trueup::emulator::{cloudfoundry, kaiten};

use crate::support::{Project, Watched, World, files_below};

/// A bit of everything; the canaries may be in no file.
const YAML: &str = "\
customers:
  acme:
    name: 'Acme: the \"first\" ${var.mark}'
    domain: acme.example
  globex:
    name: Globex
deployment_zones:
  eu:
    name: EU
    type: production
entitlements:
  seats: { name: Seats, type: NUMBER, units: { singular: seat, plural: seats } }
licenses:
  team:
    name: Team
    type: PAID
    entitlements: { seats: { value: 25, overage_percent: 20 } }
instances:
  acme-production:
    name: Acme production
    description: |
      Runs the shop.

      Call somebody before touching it.
    customer: acme
    license: team
    deployment_zone: eu
    start_license_date: 2026-09-01T00:00:00Z
    end_license_date: 2027-09-01T00:00:00Z
    metadata: { region: eu, replicas: 3, database: { url: 'postgres://app:canary-in-a-url@db' }, apiKey: canary-key }
  globex-production:
    name: Globex production
    customer: globex
    license: team
    start_license_date: 2026-09-01T00:00:00Z
    end_license_date: 2027-09-01T00:00:00Z
organizations:
  acme: {}
spaces:
  production: { organization: acme }
service_instances:
  db:
    space: acme/production
    plan: postgres/small
    tags: [acme, 'on']
    parameters: { password: canary-in-parameters }
  dev-db:
    space: sandbox/dev
    name: db
    plan: redis/small
user_provided_service_instances:
  mail:
    space: acme/production
    credentials: { password: canary-credentials }
service_keys:
  reporting:
    service_instance: acme/production/db
";

const TARGETS: [&str; 2] = ["kaiten", "cf"];

/// Both remotes with something in them, and a project that declares nothing yet.
fn grown() -> World {
    let mut world = World::new();
    world.project.write("trueup.toml", world.settings("[variables.mark]\ndefault = \"$${x}\"\n", ""));
    world.declare(YAML);
    world.run(&["apply", "--yes"]).exits(0);
    let settings = world.settings("", "parallelism = 1");
    world.project = Project::empty()
        .env("KAITEN_AUTH_TOKEN", kaiten::SANDBOX_TOKEN)
        .env("CF_PASSWORD", crate::support::CF_PASSWORD)
        .file("trueup.toml", settings);
    world
}

/// All that is in a project's YAML, with the names of the files.
fn written(world: &World) -> String {
    let directory = world.project.path();
    let file = |path: &std::path::PathBuf| {
        let name = path.strip_prefix(directory).unwrap().display().to_string();
        format!("─── {name} ───\n{}", world.project.read(&name))
    };
    files_below(directory, "yaml").iter().map(file).collect()
}

fn writes(world: &World) -> usize {
    world.kaiten().writes() + world.cf().writes()
}

#[test]
fn what_is_exported_is_a_project_in_which_nothing_is_to_be_done() {
    let world = grown();
    let before = writes(&world);
    for target in TARGETS {
        let told = world.run(&["export", "--target", target, "--dir", "resources", "-vv"]).exits(0);
        assert!(!told.to_string().contains("canary"), "{told}");
    }
    let files = written(&world);
    assert!(!files.contains("canary"), "{files}");
    insta::assert_snapshot!("exported_files", files);

    let plan = world.run(&["plan", "--undeclared", "--detailed-exitcode"]).exits(0);
    insta::assert_snapshot!("plan_of_what_was_exported", plan);
    assert_eq!(writes(&world), before, "to look is not to touch");

    // Once more, to stdout: the same of each target.
    for target in TARGETS {
        let (once, again) = (world.run(&["export", "--target", target]), world.run(&["export", "--target", target]));
        assert_eq!((once.code, &once.stdout), (0, &again.stdout));
        assert!(!once.stdout.contains("canary"), "{once}");
    }
}

#[test]
fn an_export_can_be_narrowed_to_a_customer_or_a_space() {
    let world = grown();
    insta::assert_snapshot!("export_of_a_customer", world.run(&["export", "--customer", "globex"]).exits(0));
    insta::assert_snapshot!("export_of_a_space", world.run(&["export", "--space", "Sandbox/dev"]).exits(0));
}

#[test]
fn what_is_asked_for_and_not_there_is_told_what_it_is_near_to() {
    let world = grown();
    let asked = [
        &["export"][..],
        &["export", "--target", "kaitne"],
        &["export", "--customer", "acmee"],
        &["export", "--space", "acme/prodution"],
        &["export", "--space", "production"],
        &["export", "--target", "kaiten", "--space", "acme/production"],
        &["plan", "--undeclared", "--format", "github"],
        &["plan", "--undeclared", "--only", "customers.acme"],
        &["export", "--target", "cf", "--dir", "x", "--undeclared", "--overwrite"],
    ];
    let told: Vec<String> = asked.iter().map(|arguments| world.run(arguments).exits(64).to_string()).collect();
    let told = told.iter().flat_map(|told| [told, "\n\n"]).collect::<String>();
    insta::assert_snapshot!("asked_for_and_not_there", told);
}

#[test]
fn nothing_on_disk_is_replaced_unless_that_is_asked_for() {
    let world = grown();
    let mine = "customers:\n  acme:\n    name: Mine\n";
    world.project.write("out/customers/acme.yaml", mine);
    let export = ["export", "--target", "kaiten", "--dir", "out"];
    let told = world.run(&export).exits(64);
    insta::assert_snapshot!("there_already", told);
    assert_eq!(files_below(world.project.path(), "yaml").len(), 1, "nothing is written");
    assert_eq!(world.project.read("out/customers/acme.yaml"), mine);

    world.run(&[&export[..], &["--overwrite"]].concat()).exits(0);
    assert!(world.project.read("out/customers/acme.yaml").contains("domain: acme.example"));
    let files = written(&world);
    let told = world.run(&[&export[..], &["--overwrite"]].concat()).exits(0);
    assert!(told.stderr.contains("All files in `out` are as they would be written."), "{told}");
    assert_eq!(written(&world), files);
    world.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn what_is_declared_already_is_left_out_or_the_export_refused() {
    let world = grown();
    world.declare("customers:\n  acme: { name: Another }\n  new: { name: New }\n");
    let told = world.run(&["export", "--target", "kaiten", "--dir", "rest"]).exits(64);
    insta::assert_snapshot!("declared_twice", told);
    assert_eq!(files_below(world.project.path(), "yaml").len(), 1, "nothing is written");

    let plan = world.run(&["plan", "--undeclared"]).exits(0);
    insta::assert_snapshot!("plan_with_what_is_not_declared", plan);
    for target in TARGETS {
        world.run(&["export", "--undeclared", "--target", target, "--dir", "rest"]).exits(0);
    }
    assert!(
        !world.project.path().join("rest/customers/acme.yaml").exists() || !written(&world).contains("acme.example")
    );
    let plan = world.run(&["plan", "--undeclared", "--format", "json"]).exits(0).json();
    assert_eq!(
        plan["summary"],
        json!({"create": 1, "update": 1, "replace": 0, "delete": 0, "recover": 0, "wait": 0, "blocked": 0, "unchanged": plan["summary"]["unchanged"]})
    );
    for covered in plan["undeclared"].as_array().unwrap() {
        assert_eq!(covered["exists"], covered["declared"], "{covered}");
        assert_eq!(covered["objects"], json!([]));
    }
    assert!(world.run(&["plan", "--format", "json"]).json().get("undeclared").is_none(), "only where it is asked for");
}

#[test]
fn what_cannot_be_declared_is_named_with_the_reason() {
    let world = World::new();
    world.declare("service_instances:\n  broken: { space: sandbox/dev, plan: faulty/fails-create }\n");
    world.run(&["apply", "--yes"]).exits(5);
    insta::assert_snapshot!("what_cannot_be_declared", world.run(&["export", "--space", "sandbox/dev"]).exits(0));
}

#[test]
fn what_may_not_be_read_is_told_and_the_rest_is_exported() {
    let reads = ["read:customers", "read:instances", "read:licenses", "read:entitlements", "read:license-families"];
    let token = kaiten::Token::new("reader", "reader", &reads);
    let tokens = vec![token, kaiten::Token::admin(kaiten::SANDBOX_TOKEN)];
    let options = kaiten::Options { tokens, ..kaiten::Options::default() };
    let mut world = World::with(options, cloudfoundry::Options::default());
    world.declare("customers:\n  acme: { name: Acme }\n");
    world.run(&["apply", "--yes"]).exits(0);
    let settings = world.settings("", "parallelism = 1");
    world.project = Project::empty().env("KAITEN_AUTH_TOKEN", "reader").file("trueup.toml", settings);
    insta::assert_snapshot!("export_of_what_may_be_read", world.run(&["export", "--target", "kaiten"]).exits(4));
}
