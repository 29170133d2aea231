//! Kaiten from its YAML to what it stores, in this process: the whole way against the emulator.

mod fields;
mod laws;
mod lives;
mod metadata;
mod seed;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use secrecy::SecretString;
use serde_json::{Map, Value as Json};
use tempfile::TempDir;

use super::tests::endpoint;
use super::{Kaiten, Provided};
use crate::apply::{Ledger, Options, apply};
use crate::clock::Clock;
use crate::emulator::kaiten::{Catalogue, Options as Emulated, SANDBOX_TOKEN};
use crate::emulator::{Running, Sandbox};
use crate::http::Request;
use crate::kind::{Provider as _, Registry, Session};
use crate::model::{Desired, Diagnostic, Diagnostics, Snapshot, Sources};
use crate::observe::{Sessions, observe};
use crate::plan::{Action, Plan, plan};
use crate::settings::{Auth, Endpoint, LoadOptions};

const SETTINGS: &str = "[project]\nname = \"acme\"\n[targets.kaiten]\nprovider = \"kaiten\"\nurl = \"sandbox\"\n";

/// The collections of what can be declared, as Kaiten names them.
const COLLECTIONS: [&str; 11] = [
    "/customers",
    "/deployment-zones",
    "/licenses",
    "/entitlements",
    "/entitlement-groups",
    "/metadata-fields?resourceType=INSTANCE",
    "/metadata-fields?resourceType=DEPLOYMENT_ZONE",
    "/components",
    "/releases",
    "/feature-flags",
    "/instances",
];

/// A project without a file yet, and a Kaiten with nothing in it.
struct Declared {
    directory: TempDir,
    registry: Registry,
    sessions: Sessions,
    kaiten: Arc<Kaiten>,
    /// It is served as long as this is there.
    _served: Running,
}

/// A plan and what it was made from.
struct Planned {
    desired: Desired,
    snapshot: Snapshot,
    plan: Plan,
}

impl Declared {
    async fn empty() -> Self {
        Self::with(Emulated { catalogue: Catalogue::Empty, ..Emulated::default() }).await
    }

    async fn with(options: Emulated) -> Self {
        let served = Sandbox::new().kaiten(0, options).start().await.unwrap();
        let auth = Auth::Token(SecretString::from(SANDBOX_TOKEN));
        let endpoint = Endpoint { auth, seed_writes: true, ..endpoint(served.kaiten().unwrap().url(), None) };
        let kaiten = Arc::new(Provided::connect(&endpoint, &Clock::system()).await.unwrap());
        let session: Arc<dyn Session> = Arc::<Kaiten>::clone(&kaiten);
        let directory = TempDir::new().unwrap();
        std::fs::write(directory.path().join("trueup.toml"), SETTINGS).unwrap();
        let sessions = [("kaiten".into(), session)].into_iter().collect();
        Self { directory, registry: crate::providers::registry(), sessions, kaiten, _served: served }
    }

    fn load(&self, yaml: &str) -> Desired {
        let file = self.directory.path().join("resources.yaml");
        std::fs::write(&file, yaml).unwrap();
        let (mut sources, mut problems) = (Sources::default(), Diagnostics::default());
        let options = LoadOptions { environment: None, variables: &[], env: &|_| None, unconnected: false };
        let settings = crate::settings::load(self.directory.path(), options, &mut sources, &mut problems);
        let settings = settings.expect("the settings are sound");
        let desired = crate::config::load(&[file], &settings, &self.registry, &mut sources, &mut problems);
        desired.unwrap_or_else(|| panic!("{problems:#?}\n{yaml}"))
    }

    async fn plan(&self, yaml: &str) -> Planned {
        let desired = self.load(yaml);
        let mut problems = Diagnostics::default();
        let snapshot = observe(&desired, &self.registry, &self.sessions, &mut problems).await;
        let plan = plan(&desired, &snapshot, &self.registry, problems);
        Planned { desired, snapshot, plan }
    }

    async fn apply(&self, planned: &Planned) -> Ledger {
        let Planned { desired, snapshot, plan } = planned;
        assert!(!plan.errored(), "{:#?}", plan.diagnostics);
        let (_interrupt, interrupted) = tokio::sync::watch::channel(None);
        let options = Options { parallelism: 4, fail_fast: false };
        let (clock, mut ignore) = (Clock::system(), |_| {});
        apply(plan, desired, snapshot, &self.registry, &self.sessions, options, &clock, interrupted, &mut ignore).await
    }

    /// Plans and applies; all of it gets done, and then there is nothing more to do.
    async fn converge(&self, yaml: &str) {
        let planned = self.plan(yaml).await;
        let ledger = self.apply(&planned).await;
        assert!(ledger.is_complete(), "{ledger:#?}\n{yaml}");
        let again = self.plan(yaml).await.plan;
        let pending: Vec<_> = again.steps.iter().filter(|step| step.action != Action::Unchanged).collect();
        assert!(pending.is_empty() && again.diagnostics.is_empty(), "{pending:#?} {:#?}\n{yaml}", again.diagnostics);
    }

    /// What the plan says is wrong, each with its line; nothing is written.
    async fn refusals(&self, yaml: &str) -> Vec<(u32, String)> {
        let Planned { desired, plan, .. } = self.plan(yaml).await;
        let line = |problem: &Diagnostic| problem.span().map_or(0, |span| desired.sources.position(span).line);
        plan.diagnostics.iter().map(|problem| (line(problem), problem.message.clone())).collect()
    }

    /// Every object that is stored, by its collection and its id, and the grants of the license `thing`.
    async fn stored(&self) -> BTreeMap<(&'static str, String), Map<String, Json>> {
        let mut stored = BTreeMap::new();
        for collection in COLLECTIONS.into_iter().chain(["/licenses/thing/entitlements"]) {
            let joint = if collection.contains('?') { '&' } else { '?' };
            let answer = self.kaiten.ask(Request::get(format!("/api{collection}{joint}limit=200"))).await.unwrap();
            let Ok(page) = answer.json::<Json>() else { continue };
            for row in page["items"].as_array().into_iter().flatten() {
                let id = row.get("id").or(row.get("entitlementSlug")).and_then(Json::as_str).unwrap();
                stored.insert((collection, id.to_owned()), row.as_object().unwrap().clone());
            }
        }
        stored
    }

    fn writes(&self) -> u64 {
        self.kaiten.requests().write
    }
}

/// Sections, keys, bodies as YAML, a field a line.
fn yaml(sections: &Map<String, Json>) -> String {
    let mut text = String::new();
    for (section, resources) in sections {
        writeln!(text, "{section}:").unwrap();
        for (key, body) in resources.as_object().unwrap() {
            writeln!(text, "  {key}:").unwrap();
            for (field, value) in body.as_object().unwrap() {
                writeln!(text, "    {field}: {value}").unwrap();
            }
        }
    }
    text
}

/// Puts members over others, key by key down to bodies; `null` takes one away.
fn over(into: &mut Map<String, Json>, patch: &Json) {
    for (key, value) in patch.as_object().unwrap() {
        if value.is_null() {
            into.remove(key);
        } else {
            into.insert(key.clone(), value.clone());
        }
    }
}
