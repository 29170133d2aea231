//! What is declared absent is deleted: in the order that the remotes need, with consent to what goes along, and once.

use std::fmt::Write as _;

use reqwest::Method;
use serde_json::{Value, json};

use crate::same_snapshot;
use crate::support::{Output, Project, Watched, World};

/// Resources by section and key, each with its fields and those of them that identify it.
type Declared = &'static [(&'static str, &'static str, &'static str, &'static str)];

const DATES: &str = "start_license_date: 2026-09-01T00:00:00Z, end_license_date: 2027-09-01T00:00:00Z";

/// Every kind of Kaiten's, each referred to by others where anything refers to it.
const CATALOGUE: Declared = &[
    ("components", "web", "name: web, version: '9'", ""),
    ("customers", "northwind", "name: Northwind", ""),
    ("deployment_zones", "dublin", "name: Dublin, type: staging, release: winter", ""),
    ("entitlement_groups", "platform", "name: Platform", ""),
    ("entitlements", "retention", "name: Retention, type: BOOLEAN, groups: [platform]", ""),
    ("instances", "live", "name: Live, customer: northwind, license: team, deployment_zone: dublin, DATES", ""),
    ("licenses", "team", "name: Team, type: PAID, entitlements: { retention: true }", ""),
    (
        "metadata_fields",
        "contacts",
        "resource_type: INSTANCE, label: Whom, json_schema: { type: string }",
        "resource_type: INSTANCE",
    ),
    ("releases", "winter", "version: '2026.4', components: [web]", ""),
];

const SERVICES: Declared = &[
    ("service_instances", "db", "space: sandbox/dev, plan: postgres/small, tags: [a]", "space: sandbox/dev"),
    ("service_keys", "ci", "service_instance: db", "service_instance: sandbox/dev/db"),
    ("user_provided_service_instances", "smtp", "space: sandbox/dev", "space: sandbox/dev"),
];

/// As YAML: to exist, or with no more than what identifies it, and absent.
fn yaml(declared: Declared, absent: bool) -> String {
    let mut text = String::new();
    for (section, key, fields, identifying) in declared {
        let fields = if absent { *identifying } else { *fields };
        let more = if absent { "lifecycle: { absent: true }" } else { "" };
        let joint = if fields.is_empty() || more.is_empty() { "" } else { ", " };
        writeln!(text, "{section}:\n  {key}: {{ {}{joint}{more} }}", fields.replace("DATES", DATES)).unwrap();
    }
    text
}

fn addresses(plan: &Value, action: &str) -> Vec<String> {
    let steps = plan["actions"].as_array().unwrap().iter().filter(|step| step["action"] == action);
    steps.map(|step| step["address"].as_str().unwrap().to_owned()).collect()
}

fn before(order: &[String], first: &str, then: &str) {
    let at = |address: &str| order.iter().position(|other| other == address).unwrap_or_else(|| panic!("{address}"));
    assert!(at(first) < at(then), "{first} before {then}: {order:?}");
}

/// Applied, and nothing is left to do; how it went.
fn converges(world: &World, more: &[&str]) -> Output {
    let applied = world.run(&[&["apply", "--yes"], more].concat()).exits(0);
    world.run(&["plan", "--detailed-exitcode"]).exits(0);
    applied
}

/// What is said, without its line breaks.
fn words(output: &Output) -> String {
    output.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_whole_catalogue_goes_in_the_order_that_kaiten_needs() {
    let world = World::new();
    let held = |world: &World| {
        let collections =
            ["components", "customers", "deployment-zones", "entitlement-groups", "entitlements", "instances"];
        let more = ["licenses", "metadata-fields?resourceType=INSTANCE", "releases"];
        let held = collections.into_iter().chain(more).map(|collection| {
            let joint = if collection.contains('?') { "&" } else { "?" };
            world.get(world.kaiten(), &format!("/api/{collection}{joint}limit=200"))["items"].clone()
        });
        held.collect::<Vec<_>>()
    };
    let without = |held: Vec<Value>| held.iter().map(|rows| rows.as_array().unwrap().len()).collect::<Vec<_>>();
    let at_first = without(held(&world));
    world.declare(&yaml(CATALOGUE, false));
    converges(&world, &[]);
    let more: Vec<usize> = at_first.iter().map(|count| count + 1).collect();
    assert_eq!(without(held(&world)), more, "one of each");

    world.declare(&yaml(CATALOGUE, true));
    let asked = ["--allow-deletes", "20", "--allow-cascade", "licenses.team"];
    let plan = world.run(&[&["plan", "--format", "json"], &asked[..]].concat()).exits(0).json();
    let order = addresses(&plan, "delete");
    assert_eq!(order.len(), CATALOGUE.len());
    for (first, then) in [
        ("instances.live", "licenses.team"),
        ("instances.live", "customers.northwind"),
        ("instances.live", "deployment_zones.dublin"),
        ("instances.live", "entitlements.retention"),
        ("instances.live", "metadata_fields.contacts"),
        ("licenses.team", "entitlements.retention"),
        ("entitlements.retention", "entitlement_groups.platform"),
        ("deployment_zones.dublin", "releases.winter"),
        ("releases.winter", "components.web"),
        ("deployment_zones.dublin", "metadata_fields.contacts"),
    ] {
        before(&order, first, then);
    }
    converges(&world, &asked);
    assert_eq!(without(held(&world)), at_first, "only those are gone");
    world.kaiten().recorder().clear();
    converges(&world, &[]);
    assert_eq!(world.kaiten().writes(), 0, "gone is gone");
}

#[test]
fn each_of_kaiten_can_go_alone_where_nothing_needs_it() {
    for one in CATALOGUE.iter().map(std::slice::from_ref) {
        let (section, key, ..) = one[0];
        if ["licenses", "entitlements", "releases", "components"].contains(&section) {
            continue;
        }
        let world = World::declaring(&yaml(CATALOGUE, false));
        converges(&world, &[]);
        world.declare(&yaml(one, true));
        world.kaiten().recorder().clear();
        converges(&world, &["--allow-cascade", &format!("{section}.{key}")]);
        assert_eq!(world.kaiten().writes(), 1, "{section}");
    }
}

#[test]
fn what_needs_it_is_named_and_keeps_it() {
    let world = World::declaring(&yaml(CATALOGUE, false));
    converges(&world, &[]);
    for (address, holder) in [
        ("licenses.team", "the instance `live`"),
        ("entitlements.retention", "the license `team`"),
        ("releases.winter", "the deployment zone `dublin`"),
        ("components.web", "the release `winter`"),
    ] {
        let (section, key) = address.split_once('.').unwrap();
        world.declare(&format!("{section}:\n  {key}: {{ lifecycle: {{ absent: true, cascade: true }} }}\n"));
        let plan = world.run(&["plan"]).exits(1);
        let expected = format!("it cannot be deleted while {holder} needs it");
        assert!(words(&plan).contains(&expected), "{plan}");
        world.kaiten().recorder().clear();
        world.run(&["apply", "--yes"]).exits(5);
        assert_eq!(world.kaiten().writes(), 0, "{address}");
    }
}

#[test]
fn an_instance_is_moved_off_a_license_before_that_goes() {
    let instance = |license: &str| {
        format!(
            "customers:\n  acme: {{ name: Acme }}\ninstances:\n  live: {{ name: Live, customer: acme, license: {license}, {DATES} }}\n"
        )
    };
    let old = "licenses:\n  old: { name: Old, type: PAID }\n";
    let world = World::declaring(&format!("{}{old}", instance("old")));
    converges(&world, &[]);
    world.declare(&format!("{}licenses:\n  old: {{ lifecycle: {{ absent: true }} }}\n", instance("growth")));
    let plan = world.run(&["plan", "--format", "json"]).exits(0).json();
    let steps = plan["actions"].as_array().unwrap();
    let delete = steps.iter().find(|step| step["action"] == "delete").unwrap();
    assert_eq!(delete["requires"], json!(["instances.live"]));
    converges(&world, &[]);
    assert!(!world.slugs("licenses").contains(&"old".to_owned()));
}

#[test]
fn what_a_customer_takes_along_is_named_consented_to_and_counted() {
    let world = World::declaring(&yaml(CATALOGUE, false));
    converges(&world, &[]);
    world.declare("customers:\n  northwind: { lifecycle: { absent: true } }\n");
    same_snapshot!("a_customer_with_an_instance", world.run(&["plan"]).exits(1));
    let consent = ["--allow-cascade", "customers.northwind"];
    let settings = world.settings("", "max_deletes = 1");
    world.project.write("trueup.toml", settings);
    let refused = world.run(&[&["plan"], &consent[..]].concat()).exits(6);
    assert!(refused.stderr.contains("this plan deletes 2 objects"), "{refused}");
    let allowed = [&consent[..], &["--allow-deletes", "2"]].concat();
    same_snapshot!("a_customer_and_its_instance", world.run(&[&["plan"], &allowed[..]].concat()).exits(0));
    converges(&world, &allowed);
    assert!(!world.slugs("instances").contains(&"live".to_owned()));
    // With tombstones of their own nothing goes along.
    let world = World::declaring(&yaml(CATALOGUE, false));
    converges(&world, &[]);
    world.declare(
        "customers:\n  northwind: { lifecycle: { absent: true } }\ninstances:\n  live: { lifecycle: { absent: true } }\n",
    );
    let plan = world.run(&["plan", "--format", "json"]).exits(0).json();
    assert_eq!(addresses(&plan, "delete"), ["instances.live", "customers.northwind"]);
    converges(&world, &[]);
}

/// What a license and a zone are held by goes along with the customer, so that comes first, and each thing is counted once.
#[test]
fn what_goes_along_with_one_thing_holds_no_other() {
    let world = World::declaring(&yaml(CATALOGUE, false));
    converges(&world, &[]);
    let absent = |cascade: bool| {
        let rest = CATALOGUE.iter().filter(|(section, ..)| *section != "instances");
        let rest = rest.fold(String::new(), |mut text, (section, key, _, identifying)| {
            let joint = if identifying.is_empty() { "" } else { ", " };
            let consent = if *section == "customers" && !cascade { "" } else { ", cascade: true" };
            writeln!(text, "{section}:\n  {key}: {{ {identifying}{joint}lifecycle: {{ absent: true{consent} }} }}")
                .unwrap();
            text
        });
        world.declare(&rest);
    };
    absent(false);
    let plan = world.run(&["plan", "--allow-deletes", "10"]).exits(1);
    assert!(words(&plan).contains("it cannot be deleted while the instance `live` needs it"), "{plan}");
    absent(true);
    let plan = world.run(&["plan", "--format", "json", "--allow-deletes", "10"]).exits(0).json();
    let order = addresses(&plan, "delete");
    for then in ["licenses.team", "deployment_zones.dublin"] {
        before(&order, "customers.northwind", then);
    }
    let along = |step: &Value| step["takes_along"].as_array().map_or(0, Vec::len);
    assert_eq!(
        plan["actions"].as_array().unwrap().iter().map(along).sum::<usize>(),
        2,
        "an instance and a grant: {plan:#}"
    );
    converges(&world, &["--allow-deletes", "10"]);
    assert!(!world.slugs("instances").contains(&"live".to_owned()));
    assert!(!world.slugs("licenses").contains(&"team".to_owned()));
}

#[test]
fn a_plan_without_deletes_reads_nothing_for_their_sake() {
    let world = World::declaring("customers:\n  acme: { name: Acme }\n");
    world.kaiten().recorder().clear();
    world.run(&["plan"]).exits(0);
    // One of detection, whose page is not read on.
    assert_eq!(world.kaiten().count("GET", "/api/instances"), 1);
}

#[test]
fn services_and_their_keys_go_together_or_with_consent() {
    let world = World::declaring(&yaml(SERVICES, false));
    let at_first = world.service_instances();
    converges(&world, &[]);
    world.declare(&yaml(SERVICES, true));
    let plan = world.run(&["plan", "--format", "json"]).exits(0).json();
    let order = addresses(&plan, "delete");
    assert_eq!(order.len(), 3);
    before(&order, "service_keys.ci", "service_instances.db");
    converges(&world, &[]);
    assert_eq!(world.service_instances(), at_first);

    world.declare(&yaml(SERVICES, false));
    converges(&world, &[]);
    world.declare("service_instances:\n  db: { space: sandbox/dev, lifecycle: { absent: true } }\n");
    let blocked = world.run(&["plan"]).exits(1);
    assert!(words(&blocked).contains("deleting it takes along the service key `ci`"), "{blocked}");
    converges(&world, &["--allow-cascade", "service_instances.db"]);
    assert!(!world.service_instances().contains(&"db".to_owned()));
}

/// While a broker is at work on an instance, it gives up no key of it: the delete has to wait for that.
#[test]
fn a_key_goes_after_the_update_of_its_instance_that_the_same_run_makes() {
    for milliseconds in [0, 1500] {
        let world = World::declaring(&yaml(SERVICES, false));
        converges(&world, &[]);
        let step = json!({ "instance": "db", "step": "update", "milliseconds": milliseconds });
        order(&world, &step);
        let instance = "service_instances:\n  db: { space: sandbox/dev, plan: postgres/large, tags: [a, b] }\n";
        let key = "service_keys:\n  ci: { service_instance: db, lifecycle: { absent: true } }\n";
        world.declare(&format!("{key}{instance}"));
        let plan = world.run(&["plan", "--format", "json"]).exits(0).json();
        assert_eq!(
            (addresses(&plan, "update"), addresses(&plan, "delete")),
            (vec!["service_instances.db".to_owned()], vec!["service_keys.ci".to_owned()],)
        );
        let delete = plan["actions"].as_array().unwrap().iter().find(|step| step["action"] == "delete").unwrap();
        assert_eq!(delete["requires"], json!(["service_instances.db"]));
        world.cf().recorder().clear();
        let applied = converges(&world, &["--parallelism", "8"]);
        let writes = world.cf().recorder().all().into_iter();
        let writes = writes.filter(|request| request.method != "GET" && !request.path.starts_with("/oauth"));
        let writes: Vec<_> = writes.map(|request| (request.method, request.status.unwrap())).collect();
        let [(update, _), (delete, deleted)] = &writes[..] else { panic!("one each: {writes:?}") };
        assert!(["PATCH", "PUT"].contains(&&**update) && delete == "DELETE" && *deleted < 300, "{writes:?}");
        let ended = |what: &str| applied.stderr.find(what).unwrap_or_else(|| panic!("{what}: {applied}"));
        assert!(ended("service_instances.db changed") < ended("service_keys.ci deleted"), "{applied}");
    }
}

/// Has the broker do something else with the next request of a kind.
fn order(world: &World, order: &Value) {
    world.send(world.cf(), Method::POST, "/_sandbox/broker/orders", Some(order));
}

const DB: &str = "service_instances:\n  db: { space: sandbox/dev, plan: postgres/small }\n";
const NO_DB: &str = "service_instances:\n  db: { space: sandbox/dev, lifecycle: { absent: true } }\n";

#[test]
fn a_delete_that_the_broker_fails_leaves_it_and_is_tried_again() {
    let world = World::declaring(DB);
    converges(&world, &[]);
    world.declare(NO_DB);
    order(
        &world,
        &json!({ "instance": "db", "step": "deprovision", "milliseconds": 100, "trouble": { "fail_later": "still used" } }),
    );
    let failed = world.run(&["apply", "--yes"]).exits(5);
    assert!(failed.stderr.contains("still used"), "{failed}");
    assert!(world.service_instances().contains(&"db".to_owned()));
    converges(&world, &[]);
    assert!(!world.service_instances().contains(&"db".to_owned()));
}

#[test]
fn a_delete_under_way_is_attached_to() {
    let world = World::declaring(DB);
    converges(&world, &[]);
    order(&world, &json!({ "instance": "db", "step": "deprovision", "milliseconds": 2500 }));
    world.declare(&NO_DB.replace("absent: true", "absent: true, timeout: 1s"));
    let waiting = world.run(&["apply", "--yes"]).exits(5);
    assert!(waiting.stdout.contains("1 still running"), "{waiting}");
    world.declare(NO_DB);
    let plan = world.run(&["plan"]).exits(0);
    assert!(words(&plan).contains("> service_instances.db") && !words(&plan).contains("created"), "{plan}");
    world.cf().recorder().clear();
    converges(&world, &[]);
    assert_eq!(world.cf().writes(), 0, "nothing is sent twice");
}

#[test]
fn a_name_can_go_from_a_service_to_one_that_the_user_provides() {
    let world = World::declaring(DB);
    converges(&world, &[]);
    let provided = "user_provided_service_instances:\n  db: { space: sandbox/dev }\n";
    world.declare(&format!("{NO_DB}{provided}"));
    let plan = world.run(&["plan", "--format", "json"]).exits(0).json();
    let create = plan["actions"].as_array().unwrap().iter().find(|step| step["action"] == "create").unwrap();
    assert_eq!(create["requires"], json!(["service_instances.db"]));
    converges(&world, &[]);
    world.declare(
        "user_provided_service_instances:\n  db: { space: sandbox/dev, lifecycle: { absent: true } }\n\
         service_instances:\n  db: { space: sandbox/dev, plan: postgres/small }\n",
    );
    converges(&world, &[]);
}

#[test]
fn a_space_that_is_not_there_holds_nothing_to_delete() {
    let world = World::declaring(&NO_DB.replace("sandbox/dev", "sandbox/nowhere"));
    let plan = world.run(&["plan", "--detailed-exitcode", "-v"]).exits(0);
    assert!(words(&plan).contains("already gone: no space `sandbox/nowhere`"), "{plan}");
}

#[test]
fn organizations_and_spaces_are_not_deleted() {
    let world = World::declaring(
        "organizations:\n  sandbox: { lifecycle: { absent: true } }\n\
         spaces:\n  dev: { organization: sandbox, lifecycle: { absent: true } }\n",
    );
    let refused = world.run(&["validate"]).exits(3);
    assert!(refused.stderr.contains("organizations are not deleted"), "{refused}");
    assert!(refused.stderr.contains("spaces are not deleted"), "{refused}");
}

#[test]
fn the_seed_dialect_deletes_only_where_the_target_says_so_and_wants_to_know_which() {
    let settings =
        "[project]\nname = \"acme\"\n[targets.kaiten]\nprovider = \"kaiten\"\nurl = \"sandbox\"\ndialect = \"seed\"\n";
    let ids =
        "customer: { id: 123e4567-e89b-12d3-a456-426614174003 }, license: { id: 123e4567-e89b-12d3-a456-426614174004 }";
    let project = Project::empty()
        .file("trueup.toml", settings)
        .file("acme.yaml", format!("instances:\n  one: {{ slug: one, name: One, {ids}, {DATES} }}\n"));
    project.run(&["apply", "--yes"]).exits(0);
    project.write("acme.yaml", "instances:\n  one: { lifecycle: { absent: true } }\n");
    let unsaid = project.run(&["plan"]).exits(3);
    assert!(unsaid.stderr.contains("trueup::config::missing_field"), "{unsaid}");
    project.write("acme.yaml", "instances:\n  one: { slug: one, lifecycle: { absent: true } }\n");
    let blocked = project.run(&["plan"]).exits(1);
    assert!(words(&blocked).contains("it cannot be deleted: the seed dialect documents neither"), "{blocked}");
    project.write("trueup.toml", format!("{settings}seed_writes = true\n"));
    project.run(&["apply", "--yes"]).exits(0);
    project.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn what_was_renamed_in_the_yaml_alone_is_pointed_out() {
    let world =
        World::declaring("service_instances:\n  cache: { space: sandbox/dev, plan: redis/small, tags: [a, b] }\n");
    converges(&world, &[]);
    world.declare("service_instances:\n  store: { space: sandbox/dev, plan: redis/small, tags: [a, b] }\n");
    let plan = world.run(&["plan"]).exits(0);
    assert!(plan.stderr.contains("trueup::plan::likely_rename"), "{plan}");
    assert!(plan.stderr.contains("was: cache"), "{plan}");
    let json = world.run(&["plan", "--format", "json"]).exits(0).json();
    assert_eq!(json["diagnostics"][0]["severity"], "warning");
}

#[test]
fn adopted_only_if_equal_nothing_is_ever_updated() {
    let cache = "service_instances:\n  cache: { space: sandbox/dev, plan: redis/small, tags: [a], lifecycle: { on_exists: adopt_if_equal } }\n";
    let world = World::declaring(cache);
    converges(&world, &[]);
    world.declare(&cache.replace("tags: [a]", "tags: [b]"));
    let plan = world.run(&["plan", "--format", "json"]).exits(1).json();
    let step = &plan["actions"][0];
    assert_eq!((step["action"].as_str(), step["reason"]["code"].as_str()), (Some("blocked"), Some("not_equal")));
    world.cf().recorder().clear();
    world.run(&["apply", "--yes"]).exits(5);
    assert_eq!(world.cf().writes(), 0);
    world.declare(&cache.replace("tags: [a], lifecycle: { on_exists: adopt_if_equal }", "tags: [b]"));
    converges(&world, &[]);
}
