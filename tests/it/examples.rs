//! The examples do what they say, and the schemas know them.

use serde_json::json;

use crate::support::{Project, Watched, World, files_below, package};

const NO_CHANGES: &str = "No changes. Everything is as declared.\n";

/// Validates, plans, applies and plans again, on the sandbox of the project.
fn converge(project: &Project, more: &[&str]) {
    let run = |arguments: &[&str]| project.run(&[arguments, more].concat());
    run(&["validate"]).exits(0);
    let plan = run(&["plan", "--detailed-exitcode"]).exits(2);
    assert_eq!(plan.stderr, "", "an example gives nothing to warn about");
    let applied = run(&["apply", "--yes"]).exits(0);
    assert!(applied.stdout.contains("\nApply complete: "), "{applied}");
    let again = run(&["plan", "--detailed-exitcode"]).exits(0);
    let (_, note) = again.stdout.split_once(&format!("\n\n{NO_CHANGES}")).expect("nothing is left to do");
    assert!(note.is_empty() || note.starts_with("`parameters` of "), "{again}");
    assert_eq!(again.stderr, "");
    let idle = run(&["apply"]);
    assert_eq!(idle.code, 64, "no terminal to ask on: {idle}");
    let idle = run(&["apply", "--yes"]).exits(0);
    assert!(idle.stdout.contains(NO_CHANGES), "{idle}");
}

#[test]
fn the_quickstart_converges() {
    converge(&Project::copy_of("examples/quickstart"), &[]);
}

#[test]
fn the_seed_example_of_kaiten_converges() {
    converge(&Project::copy_of("examples/seed-kaiten"), &[]);
}

#[test]
fn the_seed_example_of_cloud_foundry_converges() {
    converge(&Project::copy_of("examples/seed-cloudfoundry"), &[]);
}

#[test]
fn the_platform_converges_in_production_and_in_staging_by_themselves() {
    let project =
        Project::copy_of("examples/platform").env("DATABASE_PASSWORD", "s3cret").env("MAIL_PASSWORD", "s3cret");
    converge(&project, &[]);
    converge(&project, &["-e", "staging"]);
    let plan = project.run(&["plan", "--format", "json", "-e", "staging"]).exits(0).json();
    let actions = plan["actions"].as_array().unwrap();
    assert!(actions.len() >= 20, "it is a platform of some size: {}", actions.len());
    assert_eq!(plan["environment"], "staging");
    for provider in ["kaiten", "cloudfoundry"] {
        let has_it = plan["targets"].as_object().unwrap().values().any(|target| target["provider"] == provider);
        assert!(has_it, "{provider}");
    }
}

#[test]
fn the_catalogue_of_a_vendor_converges_in_production_and_in_staging_and_follows_what_is_declared_anew() {
    let project = Project::copy_of("examples/saas-catalogue");
    converge(&project, &[]);
    converge(&project, &["-e", "staging"]);
    let plan = project.run(&["plan", "--format", "json", "-e", "staging"]).exits(0).json();
    let instances = plan["actions"].as_array().unwrap().iter().filter(|action| action["kind"] == "instances");
    assert_eq!(instances.count(), 50, "each customer has one");
    let mut plans = project.read("resources/plans.yaml");
    for (was, is) in [
        ("seats: { value: 25, overage_percent: 20 }", "seats: { value: 30, overage_percent: 20 }"),
        ("      single-sign-on: false\n", "      single-sign-on: null\n"),
        ("lifecycle_state: DRAFT", "lifecycle_state: PUBLISHED"),
        ("groups: [collaboration]", "groups: [platform, collaboration]"),
        ("warning_threshold_percent: 80", "warning_threshold_percent: 90"),
        ("    description: What runs below the product.\n", "    description: Below the product.\n"),
        ("    version_name: \"2026\"\n    default: true\n", "    version_name: \"2026\"\n    default: false\n"),
        ("    version_name: \"2027\"\n", "    version_name: \"2027\"\n    default: true\n"),
    ] {
        assert!(plans.contains(was), "{was}");
        plans = plans.replace(was, is);
    }
    project.write("resources/plans.yaml", plans);
    let product = project.read("resources/product.yaml");
    let product = product
        .replace("release: autumn", "release: winter")
        .replace("[public, internal, confidential]", "[internal, confidential]")
        .replace("provider: hetzner", "provider: exoscale");
    project.write("resources/product.yaml", product);
    let customers = project.read("resources/customers/europe.yaml");
    let customers = customers.replace("MAINTENANCE", "HEALTHY").replace("crm-1001", "crm-2");
    project.write("resources/customers/europe.yaml", customers);
    converge(&project, &[]);
}

#[test]
fn what_the_sandbox_remembers_is_not_for_git() {
    let project = Project::copy_of("examples/quickstart");
    project.run(&["plan"]).exits(0);
    assert_eq!(project.read(".trueup/.gitignore"), "*\n");
}

#[test]
fn a_newcomer_reads_this() {
    let project = Project::copy_of("examples/quickstart");
    let mut plan = project.run(&["plan"]);
    insta::assert_snapshot!("quickstart_plan", plan);
    plan = project.run(&["validate"]);
    insta::assert_snapshot!("quickstart_validate", plan);
}

/// The example against recorded remotes: their URLs take the place of `"sandbox"`.
fn seed(example: &str, url: &str, auth: &str) -> Project {
    let project = Project::copy_of(&format!("examples/{example}")).env("CF_PASSWORD", "admin");
    let settings = project.read("trueup.toml").replace("url = \"sandbox\"", &format!("url = \"{url}\"\n{auth}"));
    assert!(settings.contains(url));
    project.write("trueup.toml", settings);
    project
}

#[test]
fn the_seed_request_of_kaiten_is_the_documented_one() {
    use trueup::emulator::kaiten::{Dialect, Options};
    let options = Options { dialect: Dialect::Seed { writes: false }, ..Options::default() };
    let world = World::with(options, trueup::emulator::cloudfoundry::Options::default());
    let project = seed("seed-kaiten", world.kaiten().url(), "");
    project.run(&["apply", "--yes"]).exits(0);
    assert_eq!(world.kaiten().writes(), 1);
    let sent = &world.kaiten().received("POST", "/")[0];
    assert_eq!((sent.path.as_str(), sent.query.as_deref(), sent.status), ("/instances", None, Some(201)));
    let content_type = sent.headers.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.as_str());
    assert_eq!(content_type, Some("application/json"));
    let documented = json!({
        "customerId": "123e4567-e89b-12d3-a456-426614174003",
        "description": "This is a sample instance description",
        "endLicenseDate": "2024-10-01T12:00:00Z",
        "licenseId": "123e4567-e89b-12d3-a456-426614174004",
        "licenseSlug": "my-license",
        "metadata": { "key": "value" },
        "name": "My Instance",
        "platform": { "type": "kubernetes", "version": "1.21" },
        "startLicenseDate": "2023-10-01T12:00:00Z"
    });
    assert_eq!(sent.json(), Some(documented));
}

#[test]
fn the_seed_request_of_cloud_foundry_is_the_documented_one() {
    let world = World::new();
    let auth = r#"auth = { method = "password", username = "admin", password = { env = "CF_PASSWORD" } }"#;
    let project = seed("seed-cloudfoundry", world.cf().url(), auth);
    project.run(&["apply", "--yes"]).exits(0);
    assert_eq!(world.cf().writes(), 1);
    let sent = &world.cf().received("POST", "/v2")[0];
    assert_eq!((sent.path.as_str(), sent.status), ("/v2/service_instances", Some(201)));
    let documented = json!({
        "space_guid": "f24c6904-30e0-4559-9523-06d2d93f0c9c",
        "name": "my-service-instance",
        "service_plan_guid": "6df3af55-8f97-4dbe-9d6b-098eb53d8c17"
    });
    assert_eq!(sent.json(), Some(documented));
}

#[test]
fn the_field_its_documented_example_leaves_out_is_sent_where_it_is_declared() {
    let world = World::new();
    let auth = r#"auth = { method = "password", username = "admin", password = { env = "CF_PASSWORD" } }"#;
    let project = seed("seed-cloudfoundry", world.cf().url(), auth);
    let yaml = project.read("resources/service-instance.yaml") + "    gateway_data: CONFIGURATION\n";
    project.write("resources/service-instance.yaml", yaml);
    project.run(&["apply", "--yes"]).exits(0);
    let sent = world.cf().received("POST", "/v2")[0].json().unwrap();
    assert_eq!(sent["gateway_data"], "CONFIGURATION");
    project.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn every_example_fits_its_schema() {
    let schema = jsonschema::validator_for(&trueup::schema::resources(&trueup::providers::registry())).unwrap();
    let mut seen = 0;
    for path in files_below(&package().join("examples"), "yaml") {
        seen += 1;
        fits(&schema, &path.display().to_string(), &std::fs::read_to_string(&path).unwrap());
    }
    assert!(seen >= 9, "{seen}");
    let settings = jsonschema::validator_for(&trueup::schema::settings()).unwrap();
    for path in files_below(&package().join("examples"), "toml") {
        let table: toml::Table = std::fs::read_to_string(&path).unwrap().parse().unwrap();
        let value = serde_json::to_value(table).unwrap();
        assert!(settings.is_valid(&value), "{}: {:?}", path.display(), settings.validate(&value));
    }
}

/// Every document of a text fits the schema.
#[track_caller]
pub fn fits(schema: &jsonschema::Validator, name: &str, text: &str) {
    for document in documents(text) {
        let problems: Vec<String> = schema.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(problems.is_empty(), "{name}: {problems:?}");
    }
}

/// The documents of a text, read by a reader that is not ours.
pub fn documents(text: &str) -> Vec<serde_json::Value> {
    use serde::Deserialize;
    serde_yaml::Deserializer::from_str(text)
        .map(|document| serde_json::Value::deserialize(document).expect("YAML that maps to JSON"))
        .collect()
}

/// Compares a committed schema with what is generated; `TRUEUP_BLESS=1` writes it anew.
#[test]
fn the_committed_schema_of_resources_is_the_generated_one() {
    let path = package().join("schemas/trueup.schema.json");
    let generated = trueup::schema::text(&trueup::schema::resources(&trueup::providers::registry()));
    if std::env::var_os("TRUEUP_BLESS").is_some() {
        std::fs::write(&path, &generated).expect("the schema can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == generated, "schemas/trueup.schema.json is out of date: run the tests with TRUEUP_BLESS=1");
    assert_eq!(Project::empty().run(&["schema"]).exits(0).stdout, generated);
}
