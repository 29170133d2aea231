//! The lives of objects: versions of a family of licenses that come, go from state to state and hand the default on, and
//! instances that get other slugs. After each apply nothing is pending (reference §10.3, §10.1).

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value as Json, json};

use super::{Declared, yaml};

const VERSIONS: [&str; 3] = ["first", "second", "third"];

/// What is declared of a family at one time.
#[derive(Debug, Clone, Copy, Default)]
struct Family {
    /// The state of each version that there is.
    states: [Option<&'static str>; 3],
    /// Which of them is the default.
    default: Option<usize>,
    /// What each grants.
    seats: u32,
}

impl Family {
    /// What can follow this of what is wanted: there is no way back to a draft, a version that is there stays, and a default
    /// is published. It may be archived by the same apply that hands it on, or takes it away.
    fn then(self, wanted: Self) -> Self {
        let mut next = Self { default: self.default, ..wanted };
        for (at, state) in next.states.iter_mut().enumerate() {
            let before = self.states[at];
            let is_reached = match (before, *state) {
                (Some("PUBLISHED" | "ARCHIVED"), to) => matches!(to, Some("PUBLISHED" | "ARCHIVED")),
                (Some(_), to) => to.is_some(),
                // The first one opens the family.
                (None, to) => to.is_some() || at > 0,
            };
            if !is_reached {
                *state = before.or(Some("DRAFT"));
            }
        }
        if wanted.default.is_none_or(|at| next.states[at] == Some("PUBLISHED")) {
            next.default = wanted.default;
        }
        if let Some(at) = next.default {
            next.states[at] = Some("PUBLISHED");
        }
        next
    }

    fn declared(self) -> String {
        let mut licenses = Map::new();
        for (at, (version, state)) in VERSIONS.into_iter().zip(self.states).enumerate() {
            let Some(state) = state else { continue };
            let mut license = json!({
                "name": format!("The {version}"), "type": "PAID", "lifecycle_state": state,
                "default": self.default == Some(at), "entitlements": {"seats": self.seats},
            });
            if at > 0 {
                license["family"] = json!("${licenses.first.slug}");
            }
            licenses.insert(version.to_owned(), license);
        }
        let entitlements = json!({"seats": {"name": "Seats", "type": "NUMBER"}});
        yaml(&Map::from_iter([
            ("entitlements".to_owned(), entitlements),
            ("licenses".to_owned(), Json::Object(licenses)),
        ]))
    }
}

fn family() -> impl Strategy<Value = Family> {
    let state = || proptest::option::of(select(vec!["DRAFT", "PUBLISHED", "ARCHIVED"]));
    ([state(), state(), state()], proptest::option::of(0..3_usize), 0..3_u32)
        .prop_map(|(states, default, seats)| Family { states, default, seats })
}

/// An instance that is renamed, with the status it has then.
fn instance(slug: &str, was: Option<&str>, status: &str) -> String {
    let mut body = json!({
        "name": "Main", "customer": "one", "license": "basic", "status": status,
        "start_license_date": "2026-01-01T00:00:00Z", "end_license_date": "2027-01-01T00:00:00Z",
    });
    if let Some(was) = was {
        body["lifecycle"] = json!({"was": was});
    }
    let one = |section: &str, key: &str, body: Json| (section.to_owned(), json!({key: body}));
    yaml(&Map::from_iter([
        one("customers", "one", json!({"name": "One"})),
        one("licenses", "basic", json!({"name": "Basic", "type": "PAID"})),
        one("instances", slug, body),
    ]))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_family_lives_as_it_is_declared(wanted in vec(family(), 1..5)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = Declared::empty().await;
            let mut family = Family::default();
            for next in wanted {
                family = family.then(next);
                world.converge(&family.declared()).await;
                for (version, state) in VERSIONS.iter().zip(family.states) {
                    let stored = world.stored().await;
                    let stored = stored.values().find(|row| row["slug"] == *version).map(|row| row["lifecycleState"].clone());
                    assert_eq!(stored, state.map(Json::from), "{version} of {family:?}");
                }
            }
        });
    }

    #[test]
    fn an_instance_is_the_same_under_each_of_its_slugs(
        slugs in vec("[a-z]{1,4}-[0-9]", 1..4),
        status in select(vec!["HEALTHY", "INCIDENT"]),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = Declared::empty().await;
            world.converge(&instance("begin", None, "HEALTHY")).await;
            let id = |stored: &std::collections::BTreeMap<(&str, String), Map<String, Json>>| {
                stored.keys().filter(|(collection, _)| *collection == "/instances").map(|(_, id)| id.clone()).collect::<Vec<_>>()
            };
            let first = id(&world.stored().await);
            let mut was = "begin".to_owned();
            for slug in slugs {
                if slug == was {
                    continue;
                }
                world.converge(&instance(&slug, Some(&was), status)).await;
                world.converge(&instance(&slug, None, status)).await;
                assert_eq!(id(&world.stored().await), first, "{was} became {slug}");
                was = slug;
            }
        });
    }
}
