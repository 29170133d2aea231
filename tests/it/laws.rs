//! What holds of any project: order in files changes nothing, nothing is pending after an apply, and requests are few.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;
use trueup::emulator::Effect;

use crate::support::{Foundation, Project, Watched, World};

/// A declared set: documents, in an order in which parents come first.
#[derive(Debug, Clone)]
struct Declared(Vec<String>);

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9 _.:#-]{1,20}",
        "[a-z]{1,5}[äß名前Ж🚀]{1,5}",
        Just("true".to_owned()),
        Just("007".to_owned()),
        Just("null".to_owned()),
        Just("yes".to_owned()),
        Just("1e3".to_owned()),
        Just("0x1f".to_owned()),
        Just("- 'a': b # c".to_owned()),
        Just("&anchor *alias !tag %percent @at `tick`".to_owned()),
        Just("two\nlines\n".to_owned()),
        Just("a \"quoted\" 'thing' $${not an expression}".to_owned()),
    ]
}

/// A value that can stand in free-form metadata, as JSON, which is YAML.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        text().prop_map(|text| Value::String(text).to_string()),
        (-1_000_000_i64..1_000_000).prop_map(|number| number.to_string()),
        Just("1.5".to_owned()),
        Just("true".to_owned()),
        Just("[1, [], {}, \"x\"]".to_owned()),
        Just("{ a: { b: [c] } }".to_owned()),
    ]
}

fn quoted(text: &str) -> Value {
    Value::String(text.to_owned())
}

prop_compose! {
    fn declared()(
        customers in vec((text(), any::<bool>()), 1..4),
        zones in vec((text(), vec(value(), 0..3)), 1..3),
        instances in vec((text(), any::<prop::sample::Index>(), any::<prop::sample::Index>(), vec(value(), 0..4)), 0..5),
        services in vec((any::<bool>(), vec(value(), 0..3), vec("[a-z]{1,6}", 0..3)), 0..4),
    ) -> Declared {
        let mut documents = Vec::new();
        for (at, (name, with_domain)) in customers.iter().enumerate() {
            let domain = if *with_domain { format!("\n    domain: c{at}.example") } else { String::new() };
            documents.push(format!("customers:\n  customer-{at}:\n    name: {}{domain}\n", quoted(name)));
        }
        for (at, (name, metadata)) in zones.iter().enumerate() {
            documents.push(format!(
                "deployment_zones:\n  zone-{at}:\n    name: {}\n    type: production\n    metadata: {{ {} }}\n",
                quoted(name), entries(metadata),
            ));
        }
        for (at, (name, customer, zone, metadata)) in instances.iter().enumerate() {
            let before = if at > 0 { format!("before: '${{instances.instance-{}.id}}', ", at - 1) } else { String::new() };
            documents.push(format!(
                "instances:\n  instance-{at}:\n    name: {}\n    customer: customer-{}\n    license: growth\n    \
                 deployment_zone: zone-{}\n    start_license_date: 2026-09-01T00:00:00Z\n    end_license_date: \
                 2027-09-01T00:00:00Z\n    metadata: {{ {before}{} }}\n",
                quoted(name), customer.index(customers.len()), zone.index(zones.len()), entries(metadata),
            ));
        }
        documents.push("organizations:\n  generated: {}\nspaces:\n  generated-dev:\n    organization: generated\n    name: dev\n".to_owned());
        for (at, (readable, parameters, tags)) in services.iter().enumerate() {
            let plan = if *readable { "redis/small" } else { "queue/standard" };
            documents.push(format!(
                "service_instances:\n  service-{at}:\n    space: generated-dev\n    plan: {plan}\n    tags: {tags:?}\n    \
                 parameters: {{ of: '${{customers.customer-0.id}}', {} }}\n",
                entries(parameters),
            ));
        }
        Declared(documents)
    }
}

fn entries(values: &[String]) -> String {
    values.iter().enumerate().map(|(at, value)| format!("key{at}: {value}")).collect::<Vec<_>>().join(", ")
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config { cases, failure_persistence: None, max_shrink_iters: 40, ..Config::default() })
}

#[test]
fn after_an_apply_of_anything_nothing_is_pending_and_parents_came_before_children() {
    runner(12)
        .run(&declared(), |Declared(documents)| {
            let world = World::declaring(&documents.join("---\n"));
            let plan = world.run(&["plan", "--format", "json"]).exits(0).json();
            let addresses: Vec<&Value> =
                plan["actions"].as_array().unwrap().iter().map(|step| &step["address"]).collect();
            for step in plan["actions"].as_array().unwrap() {
                let at = |address: &Value| addresses.iter().position(|other| *other == address).unwrap();
                for required in step["requires"].as_array().unwrap() {
                    prop_assert!(at(required) < at(&step["address"]), "{required} before {}", step["address"]);
                }
            }
            world.run(&["apply", "--yes"]).exits(0);
            let writes = world.kaiten().writes() + world.cf().writes();
            prop_assert_eq!(writes, addresses.len(), "one write each");
            world.run(&["plan", "--detailed-exitcode"]).exits(0);
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}

/// The plan without the places in the files, which are what shuffling changes.
fn without_places(mut plan: Value) -> Value {
    for step in plan["actions"].as_array_mut().unwrap() {
        step.as_object_mut().unwrap().remove("source");
        for change in step["changes"].as_array_mut().unwrap() {
            change.as_object_mut().unwrap().remove("source");
        }
    }
    plan.as_object_mut().unwrap().remove("digest");
    plan
}

#[test]
fn the_order_of_files_and_documents_changes_nothing() {
    let shuffled = declared().prop_flat_map(|Declared(documents)| {
        (Just(documents.clone()), Just(documents).prop_shuffle(), any::<prop::sample::Index>())
    });
    runner(10)
        .run(&shuffled, |(documents, shuffled, cut)| {
            let world = World::declaring(&documents.join("---\n"));
            let plan = |project: &Project| {
                without_places(project.run(&["plan", "--format", "json"]).exits(0).json()).to_string()
            };
            let first = plan(&world.project);
            let (one, other) = shuffled.split_at(cut.index(shuffled.len()));
            world.declare(&one.join("---\n"));
            world.project.write("a/first.yml", other.join("---\n"));
            prop_assert_eq!(plan(&world.project), first);
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}

fn customers(count: usize) -> String {
    let each = |at| format!("  customer-{at}: {{ name: C{at} }}\n");
    format!("customers:\n{}", (0..count).map(each).collect::<String>())
}

fn services(count: usize) -> String {
    let each = |at| format!("  service-{at}: {{ space: sandbox/dev, plan: redis/small }}\n");
    format!("service_instances:\n{}", (0..count).map(each).collect::<String>())
}

/// How many requests both remotes received since the last time this was asked.
fn requests(world: &World) -> u64 {
    let count = world.kaiten().recorder().count() + world.cf().recorder().count();
    world.kaiten().recorder().clear();
    world.cf().recorder().clear();
    count
}

/// How many requests v3 takes to find what so many creates have created: their answers name a job only.
fn looks_for(creates: usize) -> u64 {
    if Foundation::tested() == Foundation::V2 { 0 } else { creates as u64 }
}

#[test]
fn a_plan_takes_as_many_requests_for_many_resources_as_for_one() {
    let counted = |count: usize| {
        let world = World::declaring(&format!("{}{}", customers(count), services(count)));
        let plan = world.run(&["plan", "--format", "json"]).exits(0).json();
        let empty = requests(&world);
        assert_eq!(plan["requests"]["read"], empty, "the plan says how many it took");
        world.run(&["apply", "--yes"]).exits(0);
        let applied = requests(&world);
        // Then it is looked whether they are ready, once for all of them, and what was written is read again by its lists.
        let more = applied - empty - (2 * count as u64) - looks_for(count);
        assert!(more <= empty + 3, "{more}: an apply takes those of the plan, one for each write, and the lists again");
        world.run(&["plan"]).exits(0);
        (empty, requests(&world))
    };
    let one = counted(1);
    assert_eq!(counted(40), one);
    assert!(one.0 <= 12, "{one:?}");
}

/// Instances of both kinds in one space, with one that is referred to by its name.
const BOTH_KINDS: &str = "\
service_instances:
  cache: { space: sandbox/dev, plan: redis/small }
user_provided_service_instances:
  mail: { space: sandbox/dev, credentials: { password: hush } }
";

#[test]
fn each_list_is_asked_for_once_and_instances_of_both_kinds_are_in_one() {
    let world = World::declaring(BOTH_KINDS);
    world.run(&["apply", "--yes"]).exits(0);
    world.cf().recorder().clear();
    world.run(&["plan", "--detailed-exitcode"]).exits(0);
    let lists: &[&str] = if Foundation::tested() == Foundation::V2 {
        &[
            "organizations",
            "spaces",
            "services",
            "service_plans",
            "service_instances",
            "user_provided_service_instances",
        ]
    } else {
        &["organizations", "spaces", "service_plans", "service_instances"]
    };
    let asked: Vec<String> = world.cf().received("GET", "/").into_iter().map(|request| request.path).collect();
    for list in lists {
        let path = Foundation::tested().path(list);
        assert_eq!(asked.iter().filter(|asked| **asked == path).count(), 1, "{path} in {asked:?}");
    }
    // And what says where to sign in; v3 tells credentials one by one.
    let others = if Foundation::tested() == Foundation::V2 { 1 } else { 2 };
    assert_eq!(asked.len(), lists.len() + others, "{asked:?}");
}

#[test]
fn what_fails_while_everything_is_read_is_told_once() {
    for list in ["organizations", "service_instances"] {
        let world = World::declaring(BOTH_KINDS);
        world.cf().strike_always("GET", &Foundation::tested().path(list), Effect::status(403));
        let plan = world.run(&["plan", "--format", "json"]).exits(4).json();
        let told: Vec<_> =
            plan["diagnostics"].as_array().unwrap().iter().map(|diagnostic| &diagnostic["message"]).collect();
        assert_eq!(told.len(), 1, "{told:?}");
        let words = told[0].as_str().unwrap();
        assert!(words.starts_with(&format!("cannot read the {} at target", list.replace('_', " "))), "{words}");
    }
}

/// What the plan says that applying takes in writes, and what it took.
fn foretold_and_sent(world: &World) -> (u64, u64) {
    let sent = || (world.kaiten().writes() + world.cf().writes()) as u64;
    let before = sent();
    let plan = world.run(&["plan", "--format", "json"]).json();
    world.run(&["apply", "--yes", "--allow-deletes", "20"]).exits(0);
    world.run(&["plan", "--detailed-exitcode"]).exits(0);
    (plan["requests"]["write"].as_u64().unwrap(), sent() - before)
}

const LIVES: &str = "\
customers: { acme: { name: Acme } }
entitlements: { seats: { name: Seats, type: NUMBER } }
licenses:
  scale: { name: Scale, type: PAID, default: true, entitlements: { seats: 5 } }
  plain: { name: Plain, type: PAID }
  draft: { name: Draft, type: PAID, lifecycle_state: DRAFT }
  past: { name: Past, type: PAID, lifecycle_state: ARCHIVED }
instances:
  live: { name: Live, customer: acme, license: plain, start_license_date: 2026-01-01T00:00:00Z, end_license_date: 2027-01-01T00:00:00Z, status: HEALTHY }
  idle: { name: Idle, customer: acme, license: plain, start_license_date: 2026-01-01T00:00:00Z, end_license_date: 2027-01-01T00:00:00Z, status: DEGRADED }
service_instances:
  cache: { space: sandbox/dev, plan: redis/small, tags: [a] }
user_provided_service_instances:
  mail: { space: sandbox/dev, syslog_drain_url: 'syslog://a.example' }
service_keys:
  ci: { service_instance: cache }
";

#[test]
fn a_plan_foretells_how_many_requests_will_write() {
    let world = World::declaring(LIVES);
    // `scale` is made a draft, then published, then made the default; `past` is archived; `idle` is degraded.
    assert_eq!(foretold_and_sent(&world), (16, 16));
    let changed = LIVES
        .replace("Live,", "Alive,")
        .replace("status: HEALTHY", "status: DEGRADED")
        .replace("DRAFT", "ARCHIVED")
        .replace(
            "name: Past, type: PAID, lifecycle_state: ARCHIVED",
            "name: Passed, type: PAID, lifecycle_state: PUBLISHED",
        )
        .replace("tags: [a]", "tags: [b]")
        .replace("a.example", "b.example")
        .replace("seats: 5", "seats: 6");
    world.declare(&changed);
    // Two for `live`, `draft` and `past` each.
    assert_eq!(foretold_and_sent(&world), (9, 9));
    let replaced = changed.replace("redis/small", "postgres/small, lifecycle: { replace: true, cascade: true }");
    world.declare(&replaced);
    // The key that goes along is created again.
    assert_eq!(foretold_and_sent(&world), (3, 3));
    let gone = "\
licenses: { scale: { lifecycle: { absent: true, cascade: true } }, draft: { lifecycle: { absent: true } } }
user_provided_service_instances: { mail: { space: sandbox/dev, lifecycle: { absent: true } } }
";
    world.declare(gone);
    // `scale` with its grant.
    assert_eq!(foretold_and_sent(&world), (4, 4));
}

#[test]
fn polls_are_as_many_for_many_operations_as_for_one() {
    let counted = |count: usize| {
        let yaml = services(count).replace("redis/small", "postgres/small");
        let world = World::declaring(&yaml);
        world.project.write("trueup.toml", world.settings("", "parallelism = 16"));
        world.run(&["plan"]).exits(0);
        let plan = requests(&world);
        world.run(&["apply", "--yes"]).exits(0);
        // And what was written is read again.
        (requests(&world) - plan - count as u64 - looks_for(count), plan)
    };
    // Operations take a second each; looks are half a second apart at first.
    let (one, plan) = counted(1);
    assert!(one <= plan + 4);
    let (many, plan) = counted(12);
    assert!(many <= plan + 6, "not one look each");
}

#[test]
fn what_is_about_to_change_is_looked_at_by_its_list() {
    let world = World::declaring(&customers(40));
    world.run(&["apply", "--yes"]).exits(0);
    world.declare(&customers(40).replace("name: C", "name: D"));
    let lists = |world: &World| world.kaiten().count("GET", "/api/customers$");
    world.kaiten().recorder().clear();
    world.run(&["plan"]).exits(0);
    let plan = lists(&world);
    world.kaiten().recorder().clear();
    world.run(&["apply", "--yes"]).exits(0);
    assert!(lists(&world) <= 3 * plan, "for the plan, right before the writes, and after them: {}", lists(&world));
    // Nothing is changed, so nothing is looked at again.
    world.kaiten().recorder().clear();
    world.run(&["apply", "--yes"]).exits(0);
    assert_eq!(lists(&world), plan);
}

#[test]
fn what_needs_nothing_of_each_other_is_created_at_once_but_not_more_than_allowed() {
    for (limit, most) in [(1, 1), (4, 4)] {
        let world = World::declaring(&customers(12));
        world.project.write("trueup.toml", world.settings("", &format!("parallelism = {limit}")));
        world.kaiten().set_latency(std::time::Duration::from_millis(30));
        world.run(&["apply", "--yes"]).exits(0);
        assert_eq!(world.kaiten().recorder().most_at_once(), most);
        let world = World::declaring(&customers(12));
        world.kaiten().set_latency(std::time::Duration::from_millis(30));
        world.run(&["apply", "--yes", "--parallelism", &limit.to_string()]).exits(0);
        assert_eq!(world.kaiten().recorder().most_at_once(), most, "by the flag");
    }
}
