//! Every kind, every write, every fault, before and after the write took effect.
//!
//! Which requests a write takes is not written down here: it is recorded in good weather first, and then each of them is
//! struck in its turn.

use std::collections::BTreeSet;

use trueup::emulator::{Effect, Fault, Recorded, Reply, ReplyBody};

use crate::laws;
use crate::storm::Storm;
use crate::wish::Speaks;
use crate::world::{Ended, Serves, World, is_write};

/// A kind, and how one of it is created, then changed, and then deleted.
struct Row {
    section: &'static str,
    /// What has to be there first.
    ground: &'static str,
    created: &'static str,
    /// Nothing can be changed of some.
    changed: Option<&'static str>,
    /// What identifies it. Some are never deleted.
    absent: Option<&'static str>,
}

const KAITEN: [Row; 10] = [
    Row {
        section: "customers",
        ground: "customers:\n  other: { name: Other }\n",
        created: "  acme: { name: Acme }\n",
        changed: Some("  acme: { name: Acme Corp }\n"),
        absent: Some("  acme: { lifecycle: { absent: true } }\n"),
    },
    Row {
        section: "deployment_zones",
        ground: "deployment_zones:\n  other: { name: Other, type: production }\n",
        created: "  north: { name: North, type: production }\n",
        changed: Some("  north: { name: North, type: staging }\n"),
        absent: Some("  north: { lifecycle: { absent: true } }\n"),
    },
    Row {
        section: "entitlement_groups",
        ground: "entitlement_groups:\n  other: { name: Other }\n",
        created: "  red: { name: Red }\n",
        changed: Some("  red: { name: Very red }\n"),
        absent: Some("  red: { lifecycle: { absent: true } }\n"),
    },
    Row {
        section: "entitlements",
        ground: "entitlement_groups:\n  red: { name: Red }\nentitlements:\n  other: { name: Other, type: NUMBER }\n",
        created: "  calls: { name: Calls, type: NUMBER }\n",
        changed: Some("  calls: { name: Calls of the API, type: NUMBER, groups: [red] }\n"),
        absent: Some("  calls: { lifecycle: { absent: true } }\n"),
    },
    Row {
        section: "licenses",
        ground: "entitlements:\n  calls: { name: Calls, type: NUMBER }\nlicenses:\n  other: { name: Other, type: PAID }\n",
        created: "  gold: { name: Gold, type: PAID, lifecycle_state: PUBLISHED, entitlements: { calls: 5 } }\n",
        changed: Some("  gold: { name: Golden, type: PAID, lifecycle_state: ARCHIVED, entitlements: { calls: 6 } }\n"),
        absent: Some("  gold: { lifecycle: { absent: true, cascade: true } }\n"),
    },
    Row {
        section: "metadata_fields",
        ground: "metadata_fields:\n  other: { resource_type: INSTANCE, label: Other, json_schema: { type: string } }\n",
        created: "  owner: { resource_type: INSTANCE, label: Owner, json_schema: { type: string } }\n",
        changed: Some("  owner: { resource_type: INSTANCE, label: Who owns it, json_schema: { type: string } }\n"),
        absent: Some("  owner: { resource_type: INSTANCE, lifecycle: { absent: true } }\n"),
    },
    Row {
        section: "components",
        ground: "components:\n  other: { name: other, version: \"1\" }\n",
        created: "  api: { name: api, version: \"1\" }\n",
        changed: Some("  api: { name: api, version: \"1\", description: The API }\n"),
        absent: Some("  api: { lifecycle: { absent: true } }\n"),
    },
    Row {
        section: "releases",
        ground: "components:\n  api: { name: api, version: \"1\" }\nreleases:\n  other: { version: \"1\" }\n",
        created: "  winter: { version: \"2\" }\n",
        changed: Some(
            "  winter: { version: \"2\", description: Cold, components: [api], lifecycle: { replace: true } }\n",
        ),
        absent: Some("  winter: { lifecycle: { absent: true } }\n"),
    },
    Row {
        section: "instances",
        ground: "customers:\n  acme: { name: Acme }\ninstances:\n  other: { name: Other, customer: acme, license: growth, start_license_date: 2026-01-01T00:00:00Z, end_license_date: 2027-01-01T00:00:00Z }\n",
        created: "  live: { name: Live, customer: acme, license: growth, start_license_date: 2026-01-01T00:00:00Z, end_license_date: 2027-01-01T00:00:00Z, status: MAINTENANCE }\n",
        changed: Some(
            "  live: { name: Alive, customer: acme, license: growth, start_license_date: 2026-01-01T00:00:00Z, end_license_date: 2027-01-01T00:00:00Z, status: DEGRADED }\n",
        ),
        absent: Some("  live: { lifecycle: { absent: true } }\n"),
    },
    Row {
        section: "feature_flags",
        ground: "feature_flags:\n  other: { name: Other, type: boolean, enabled: false, variants: [{ name: \"on\", value: true }, { name: \"off\", value: false }], default_variant: { type: basic, value: \"off\" } }\n",
        created: "  cart: { name: Cart, type: boolean, enabled: false, variants: [{ name: \"on\", value: true }, { name: \"off\", value: false }], default_variant: { type: basic, value: \"off\" } }\n",
        changed: Some(
            "  cart: { name: Cart, type: boolean, enabled: true, variants: [{ name: \"on\", value: true }, { name: \"off\", value: false }], default_variant: { type: basic, value: \"on\" } }\n",
        ),
        absent: Some("  cart: { lifecycle: { absent: true } }\n"),
    },
];

/// Of the older dialect.
const SEED: [Row; 1] = [Row {
    section: "instances",
    ground: "instances:\n  other: { name: Other, customer: { id: 123e4567-e89b-12d3-a456-426614174003 }, license: { id: 123e4567-e89b-12d3-a456-426614174004, slug: my-license }, start_license_date: 2026-01-01T00:00:00Z, end_license_date: 2027-01-01T00:00:00Z }\n",
    created: "  live: { name: Live, customer: { id: 123e4567-e89b-12d3-a456-426614174003 }, license: { id: 123e4567-e89b-12d3-a456-426614174004, slug: my-license }, start_license_date: 2026-01-01T00:00:00Z, end_license_date: 2027-01-01T00:00:00Z }\n",
    changed: Some(
        "  live: { name: Live, customer: { id: 123e4567-e89b-12d3-a456-426614174003 }, license: { id: 123e4567-e89b-12d3-a456-426614174004, slug: my-license }, start_license_date: 2026-01-01T00:00:00Z, end_license_date: 2028-01-01T00:00:00Z }\n",
    ),
    absent: Some(
        "  live: { name: Live, customer: { id: 123e4567-e89b-12d3-a456-426614174003 }, lifecycle: { absent: true } }\n",
    ),
}];

const CLOUD_FOUNDRY: [Row; 6] = [
    Row {
        section: "organizations",
        ground: "organizations:\n  other: {}\n",
        created: "  acme: {}\n",
        changed: Some("  acme-corp: { lifecycle: { was: acme } }\n"),
        absent: None,
    },
    Row {
        section: "spaces",
        ground: "spaces:\n  other: { organization: sandbox }\n",
        created: "  live: { organization: sandbox }\n",
        changed: Some("  alive: { organization: sandbox, lifecycle: { was: live } }\n"),
        absent: None,
    },
    Row {
        section: "service_instances",
        ground: "service_instances:\n  other: { space: sandbox/dev, plan: database/fast }\n",
        created: "  db: { space: sandbox/dev, plan: database/fast }\n",
        changed: Some("  db: { space: sandbox/dev, plan: database/slow, tags: [a] }\n"),
        absent: Some("  db: { space: sandbox/dev, lifecycle: { absent: true } }\n"),
    },
    Row {
        section: "service_instances",
        ground: "service_instances:\n  other: { space: sandbox/dev, plan: database/fast }\n",
        created: "  db: { space: sandbox/dev, plan: database/slow }\n",
        changed: Some("  db: { space: sandbox/dev, plan: database/slow, tags: [a] }\n"),
        absent: Some("  db: { space: sandbox/dev, lifecycle: { absent: true } }\n"),
    },
    Row {
        section: "user_provided_service_instances",
        ground: "user_provided_service_instances:\n  other: { space: sandbox/dev }\n",
        created: "  logs: { space: sandbox/dev, syslog_drain_url: \"https://one.example.com\" }\n",
        changed: Some("  logs: { space: sandbox/dev, syslog_drain_url: \"https://two.example.com\" }\n"),
        absent: Some("  logs: { space: sandbox/dev, lifecycle: { absent: true } }\n"),
    },
    Row {
        section: "service_keys",
        ground: "service_instances:\n  db: { space: sandbox/dev, plan: database/fast }\nservice_keys:\n  other: { service_instance: db }\n",
        created: "  ci: { service_instance: db }\n",
        changed: None,
        absent: Some("  ci: { service_instance: db, lifecycle: { absent: true } }\n"),
    },
];

/// What goes wrong with a write.
fn effects() -> Vec<Effect> {
    let mut effects = vec![
        Effect::CutBefore,
        Effect::CutAfter,
        Effect::SilentBefore,
        Effect::SilentAfter,
        Effect::Truncated,
        Effect::Malformed,
        Effect::too_many_requests(Some("1")),
    ];
    for status in [500, 502, 503, 504] {
        for processed in [false, true] {
            let body = if status == 502 { ReplyBody::Html } else { ReplyBody::Remote };
            effects.push(Effect::Reply(Reply { status, processed, body, ..Reply::default() }));
        }
    }
    effects
}

/// A path in which what differs from world to world is left open.
fn pattern(path: &str) -> String {
    let is_id = |segment: &str| segment.len() == 36 && segment.matches('-').count() == 4;
    let segments: Vec<&str> = path.split('/').map(|segment| if is_id(segment) { "*" } else { segment }).collect();
    let pattern = segments.join("/");
    if pattern.contains('*') { pattern } else { format!("{pattern}$") }
}

/// The steps of one kind: what is declared before, and what then.
fn steps(row: &Row) -> Vec<(String, String)> {
    let ground = row.ground.to_owned();
    let created = format!("{ground}{}", row.created);
    let mut steps = vec![(ground.clone(), created.clone())];
    if let Some(changed) = row.changed {
        steps.push((created.clone(), format!("{ground}{changed}")));
    }
    if let Some(absent) = row.absent {
        steps.push((created, format!("{ground}{absent}")));
    }
    steps
}

async fn world(speaks: Speaks, serves: Serves, before: &str) -> World {
    let world = World::new(speaks, serves).await;
    world.declare(before);
    laws::converges(&world).await;
    world.received();
    world
}

/// The writes that it takes, in order.
async fn writes(speaks: Speaks, serves: Serves, before: &str, after: &str) -> Vec<(String, String)> {
    let world = world(speaks, serves, before).await;
    world.declare(after);
    laws::converges(&world).await;
    let received = world.received();
    world.end().await;
    let writes = received.iter().filter(|request| is_write(request));
    writes.map(|Recorded { method, path, .. }| (method.clone(), pattern(path))).collect()
}

/// Every write of these kinds meets every fault. Returns how many cells that were.
async fn weather(rows: &[Row], speaks: Speaks, serves: Serves) -> usize {
    let mut cells = 0;
    for row in rows {
        for (before, after) in steps(row) {
            let writes = writes(speaks, serves, &before, &after).await;
            assert!(!writes.is_empty(), "nothing is written for {after}");
            let mut skipped = std::collections::BTreeMap::new();
            for (method, path) in &writes {
                let skip = skipped.entry((method, path)).or_insert(0);
                for effect in effects() {
                    let fault = Fault::on(method, path, effect).skipping(*skip);
                    cell(speaks, serves, &before, &after, fault).await;
                    cells += 1;
                }
                *skip += 1;
            }
        }
    }
    cells
}

async fn cell(speaks: Speaks, serves: Serves, before: &str, after: &str, fault: Fault) {
    let world = world(speaks, serves, before).await;
    world.declare(after);
    let mut storm = Storm::none();
    storm.kaiten.push(fault.clone());
    storm.cf.push(fault);
    let told = || format!("{after}\n{storm:#?}");
    let ended = world.run(&storm).await;
    let received = world.received();
    laws::no_write_is_repeated_blindly(&received);
    laws::no_name_is_there_twice(&world.objects(), &told);
    let Ended::Accounted(plan, ledger) = ended else { panic!("reading was not struck: {}", told()) };
    laws::accounts_for_all(&plan, &ledger, &storm);
    laws::what_is_done_is_done(&world.look().await, &ledger, &told);
    assert!(received.iter().any(|request| request.fault.is_some()), "nothing was struck: {}\n{received:#?}", told());
    laws::converges(&world).await;
    laws::no_name_is_there_twice(&world.objects(), &told);
    world.end().await;
}

fn run(rows: &[Row], speaks: Speaks, serves: Serves) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let cells = runtime.block_on(weather(rows, speaks, serves));
    println!("{cells} cells: {speaks:?}, {serves:?}");
}

#[test]
fn every_write_of_every_kind_of_kaiten_survives_every_fault() {
    run(&KAITEN, Speaks::Core, Serves::V3);
}

#[test]
fn so_does_an_instance_of_the_older_dialect() {
    run(&SEED, Speaks::Seed, Serves::V3);
}

#[test]
fn every_write_of_every_kind_of_cloud_foundry_survives_every_fault_in_v3() {
    run(&CLOUD_FOUNDRY, Speaks::Core, Serves::V3);
}

#[test]
fn every_write_of_every_kind_of_cloud_foundry_survives_every_fault_in_v2() {
    run(&CLOUD_FOUNDRY, Speaks::Core, Serves::V2);
}

#[test]
fn no_kind_is_forgotten() {
    let registry = trueup::providers::registry();
    let rows = || KAITEN.iter().chain(&CLOUD_FOUNDRY);
    let mut tried: BTreeSet<&str> = rows().map(|row| row.section).collect();
    // They are written inside of licenses.
    tried.insert("grants");
    let declarable =
        registry.sections().filter(|section| registry.kind(section.name).is_some_and(|kind| kind.declared().is_some()));
    let declarable: BTreeSet<&str> = declarable.map(|section| section.name).collect();
    assert_eq!(tried, declarable);
    for row in rows() {
        let never = registry.kind(row.section).and_then(|kind| kind.declared()?.deletion().never);
        assert_eq!(row.absent.is_none(), never.is_some(), "{}", row.section);
    }
}
