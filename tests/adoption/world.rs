//! One emulated remote, a project for it, and what a run does with both.

use std::sync::Arc;

use tempfile::TempDir;
use trueup::clock::Clock;
use trueup::emulator::cloudfoundry::marketplace::{Behaviour, SeedBroker, SeedOffering, SeedPlan};
use trueup::emulator::{Running, Sandbox, cloudfoundry, kaiten};
use trueup::export::{self, Ask, Declared, Document, Exported, Within};
use trueup::kind::{Proposal, Registry};
use trueup::model::{
    Address, Collection, Condition, Desired, Diagnostics, Fields, Identity, Observed, RemoteId, Shape, Snapshot,
    Sources, Value,
};
use trueup::observe::{Sessions, observe, observe_for_others, observe_whole};
use trueup::plan::{self, Plan};
use trueup::settings::{self, LoadOptions, Settings};
use trueup::snapshot::{self, About};
use trueup::{config, providers};

/// What the remote speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Core,
    Seed,
    V2,
    V3,
}

/// The world of one case.
pub struct World {
    pub dialect: Dialect,
    sandbox: Running,
    registry: Registry,
    settings: Settings,
    sessions: Sessions,
    project: TempDir,
}

impl World {
    pub async fn new(dialect: Dialect) -> Self {
        let sandbox = match dialect {
            Dialect::Core => Sandbox::new().kaiten(0, kaiten::Options::default()),
            Dialect::Seed => {
                let dialect = kaiten::Dialect::Seed { writes: true };
                Sandbox::new().kaiten(0, kaiten::Options { dialect, ..kaiten::Options::default() })
            }
            Dialect::V2 | Dialect::V3 => {
                let plans = || {
                    vec![
                        SeedPlan::new("fast", Behaviour::synchronous()),
                        SeedPlan::new("slow", Behaviour::asynchronous(2)),
                    ]
                };
                let brokers = ["one", "other"]
                    .map(|name| SeedBroker::new(name, vec![SeedOffering::new("data base", plans())]))
                    .into_iter()
                    .chain([SeedBroker::new("third", vec![SeedOffering::new("cache", plans())])]);
                Sandbox::new().cloud_foundry(
                    0,
                    cloudfoundry::Options {
                        v2: dialect == Dialect::V2,
                        v3: dialect == Dialect::V3,
                        brokers: brokers.collect(),
                        job_delay: std::time::Duration::from_millis(1),
                        ..cloudfoundry::Options::default()
                    },
                )
            }
        };
        let sandbox = sandbox.start().await.expect("ports are free");
        let served = sandbox.kaiten().or(sandbox.cloud_foundry()).expect("it runs");
        let project = tempfile::tempdir().expect("a temporary directory");
        let secret = if dialect == Dialect::Core { kaiten::SANDBOX_TOKEN } else { "admin" };
        std::fs::write(project.path().join("secret"), secret).expect("it can be written");
        let more = match dialect {
            Dialect::Core => "provider = \"kaiten\"\ntoken = { file = \"secret\" }",
            Dialect::Seed => {
                "provider = \"kaiten\"\ntoken = { file = \"secret\" }\ndialect = \"seed\"\nseed_writes = true"
            }
            Dialect::V2 | Dialect::V3 => {
                "provider = \"cloudfoundry\"\nauth = { method = \"password\", username = \"admin\", password = { file = \"secret\" } }"
            }
        };
        let toml = format!("[project]\nname = \"adoption\"\n[targets.it]\nurl = \"{}\"\n{more}\n", served.url());
        std::fs::write(project.path().join("trueup.toml"), toml).expect("it can be written");
        let (mut sources, mut problems) = (Sources::default(), Diagnostics::default());
        let options = LoadOptions { environment: None, variables: &[], env: &|_| None, unconnected: false };
        let settings = settings::load(project.path(), options, &mut sources, &mut problems);
        let settings = settings.unwrap_or_else(|| panic!("{problems:?}"));
        let registry = providers::registry();
        let endpoint = settings::endpoint(&settings.targets["it"], &settings, &|_| None).expect("the secret is there");
        let session = registry.connect(&endpoint, &Clock::system()).await.expect("a provider").expect("it answers");
        let sessions = Sessions::from([("it".into(), Arc::from(session))]);
        Self { dialect, sandbox, registry, settings, sessions, project }
    }

    /// Creates an object and waits until it is there; `None` if the remote would have none of it.
    pub async fn create(
        &self,
        section: &'static str,
        parts: &[(&'static str, &str)],
        fields: Fields,
    ) -> Option<Observed> {
        let session = &*self.sessions["it"];
        let kind = self.registry.kind(section).expect("a kind");
        let declared = kind.declared().expect("it can be declared");
        let identity = Identity { parts: parts.iter().map(|(part, value)| (*part, Arc::from(*value))).collect() };
        let address = Address::new(section, "any");
        let proposal = Proposal { address: &address, identity: &identity, fields: &fields };
        let mut object = declared.create(proposal, session).await.ok()?;
        while matches!(object.condition, Condition::InProgress { .. }) {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            object = declared.poll(&[&object], session).await.expect("it can be asked").pop()?;
        }
        assert_eq!(object.condition, Condition::Ready);
        Some(object)
    }

    /// Whether objects of a section are declared, by themselves or inside others.
    pub fn is_declared(&self, section: &str) -> bool {
        let inside = |shape: Shape| matches!(shape, Shape::Parts { section: of } if of == section);
        self.registry.sections().any(|table| {
            table.declarable && table.name == section || table.fields.iter().any(|field| inside(field.shape))
        })
    }

    pub async fn observe_whole(&self) -> Snapshot {
        let mut problems = Diagnostics::default();
        let snapshot = observe_whole(&Desired::default(), &self.registry, &self.sessions, &mut problems).await;
        assert!(problems.is_empty(), "{problems:?}");
        snapshot
    }

    /// The ids of the customers or spaces.
    pub fn homes(&self, snapshot: &Snapshot) -> Vec<RemoteId> {
        let section = if self.dialect == Dialect::Core { "customers" } else { "spaces" };
        snapshot.collection("it", section).into_iter().flat_map(Collection::iter).map(|home| home.id.clone()).collect()
    }

    pub fn export(&self, snapshot: &Snapshot, within: Within<'_>, split: bool) -> Exported {
        let ask = Ask {
            target: "it".into(),
            within,
            settings: &self.settings,
            snapshot,
            registry: &self.registry,
            declared: Declared::default(),
            schema: Some("schemas/trueup.schema.json".into()),
            split,
        };
        export::export(&ask).unwrap_or_else(|(problems, _)| panic!("{problems:#?}"))
    }

    /// Writes documents to files and plans these as anybody would.
    pub async fn plan(&self, documents: &[Document]) -> Plan {
        self.plan_of(&self.declared(documents)).await
    }

    /// Plans by the remote.
    pub async fn plan_of(&self, desired: &Desired) -> Plan {
        let mut problems = Diagnostics::default();
        let snapshot = observe(desired, &self.registry, &self.sessions, &mut problems).await;
        plan::plan(desired, &snapshot, &self.registry, problems)
    }

    /// Takes a snapshot of the remote, as the text of its file.
    pub async fn snapshot(&self, desired: &Desired) -> String {
        let mut problems = Diagnostics::default();
        let snapshot = observe_for_others(desired, &self.registry, &self.sessions, &mut problems).await;
        assert!(problems.is_empty(), "{problems:?}");
        let about = About {
            project: desired.project.clone(),
            environment: None,
            declared: plan::declared(desired, &self.registry),
            taken: Clock::system().now(),
        };
        let redacted = snapshot::redact(&snapshot, desired, &self.registry, []);
        serde_json::to_string(&snapshot::Document::new(about, &redacted)).expect("plain data")
    }

    /// Plans by a snapshot alone.
    pub fn plan_offline(&self, desired: &Desired, text: &str) -> Plan {
        let saved =
            snapshot::read(text.as_bytes(), &self.registry).unwrap_or_else(|damaged| panic!("{damaged}: {text}"));
        let snapshot = saved.fit("it", &self.settings, desired, |_| true, &self.registry);
        let snapshot = snapshot.unwrap_or_else(|problems| panic!("{problems:#?}"));
        plan::plan(desired, &snapshot, &self.registry, Diagnostics::default())
    }

    /// Writes documents to files and reads what they declare.
    pub fn declared(&self, documents: &[Document]) -> Desired {
        let directory = self.project.path();
        let _ = std::fs::remove_dir_all(directory.join("resources"));
        let mut files = Vec::new();
        for document in documents {
            let path = directory.join("resources").join(&document.path);
            std::fs::create_dir_all(path.parent().expect("a directory")).expect("it can be made");
            std::fs::write(&path, &document.text).expect("it can be written");
            files.push(path);
        }
        let (mut sources, mut problems) = (Sources::default(), Diagnostics::default());
        let desired = config::load(&files, &self.settings, &self.registry, &mut sources, &mut problems);
        desired.unwrap_or_else(|| panic!("{problems:#?}\n{}", documents[0].text))
    }

    pub async fn end(self) {
        drop(self.sessions);
        self.sandbox.shutdown().await.expect("nothing is kept");
    }
}

/// An object as others refer to it.
pub fn link(object: &Observed) -> Value {
    let name = Some(object.identity.to_string().into());
    Value::Link(Box::new(trueup::model::Link { name, id: Some(object.id.clone()) }))
}
