//! Both remotes, a project that declares something there, and runs of it on a fast clock.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::watch;
use trueup::apply::{Ledger, Options, apply, converge};
use trueup::clock::{Clock, Source};
use trueup::emulator::cloudfoundry::marketplace::{Behaviour, SeedBroker, SeedOffering, SeedPlan};
use trueup::emulator::cloudfoundry::{self, CloudFoundry};
use trueup::emulator::kaiten::{self, Kaiten};
use trueup::emulator::{Recorded, Remote, Running, Sandbox, Served};
use trueup::kind::Registry;
use trueup::model::{Desired, Diagnostics, Snapshot, Sources};
use trueup::observe::{Sessions, observe};
use trueup::plan::{self, Plan};
use trueup::settings::{self, LoadOptions, Settings};
use trueup::{config, providers};

use crate::chance::Chance;
use crate::storm::{End, Storm};
use crate::wish::Speaks;

/// How much faster than the world's the client's clock goes.
const SPEED: u32 = 200;
/// How long a request may take, in the world's time: only those that are never answered should.
const REQUEST_TIMEOUT: Duration = Duration::from_millis(400);

/// How long the remotes take to finish what they were asked, in the world's time.
const SETTLING: Duration = Duration::from_millis(10);

/// A clock that goes faster.
struct Fast(std::time::Instant);

impl Source for Fast {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH.checked_add(self.0.elapsed() * SPEED).expect("within a few years")
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(duration / SPEED))
    }

    fn chance(&self) -> f64 {
        0.5
    }
}

/// The world of one case.
pub struct World {
    speaks: Speaks,
    sandbox: Running,
    kaiten: Kaiten,
    cf: CloudFoundry,
    project: TempDir,
    registry: Registry,
    clock: Clock,
}

/// What the foundation serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serves {
    Both,
    V2,
    V3,
}

/// How a run ended.
pub enum Ended {
    /// Its plan has errors.
    Planless(Plan),
    /// With a ledger.
    Accounted(Plan, Ledger),
    /// Without a word.
    Killed,
}

/// One object as a remote stores it.
pub type Objects = BTreeMap<(String, String), Value>;

impl World {
    /// A fresh one of any sort.
    pub async fn any(chance: &mut Chance) -> Self {
        let speaks = if chance.one_in(4) { Speaks::Seed } else { Speaks::Core };
        Self::new(speaks, *chance.pick(&[Serves::Both, Serves::V2, Serves::V3])).await
    }

    /// A fresh one.
    pub async fn new(speaks: Speaks, serves: Serves) -> Self {
        let dialect =
            if speaks == Speaks::Seed { kaiten::Dialect::Seed { writes: true } } else { kaiten::Dialect::Core };
        let kaiten = Kaiten::new(kaiten::Options { dialect, ..kaiten::Options::default() }, None).expect("it starts");
        let plans = vec![
            SeedPlan::new("fast", Behaviour::synchronous()),
            SeedPlan::new("slow", Behaviour::asynchronous(3)),
            SeedPlan::new("slower", Behaviour::asynchronous(20)),
        ];
        let options = cloudfoundry::Options {
            v2: serves != Serves::V3,
            v3: serves != Serves::V2,
            brokers: vec![SeedBroker::new("broker", vec![SeedOffering::new("database", plans)])],
            job_delay: Duration::from_millis(2),
            ..cloudfoundry::Options::default()
        };
        let cf = CloudFoundry::new(options, None).expect("it starts");
        let (one, other) = (kaiten.clone(), cf.clone());
        let sandbox = Sandbox::new()
            .remote("kaiten", 0, Box::new(move |_, _| Ok(Remote::from(one))))
            .remote("cloudfoundry", 0, Box::new(move |_, _| Ok(Remote::from(other))))
            .start()
            .await
            .expect("ports are free");
        let project = tempfile::tempdir().expect("a temporary directory");
        let secret = project.path().join("secret");
        let token = if speaks == Speaks::Seed { "none" } else { kaiten::SANDBOX_TOKEN };
        std::fs::write(&secret, token).expect("it can be written");
        std::fs::write(project.path().join("password"), "admin").expect("it can be written");
        let url = |name| sandbox.remote(name).expect("it runs").url().to_owned();
        let settings = format!(
            "[project]\nname = \"chaos\"\n\n[targets.kaiten]\nprovider = \"kaiten\"\nurl = \"{}\"\ntoken = {{ file = \"secret\" }}\n{}\n\
             [targets.cf]\nprovider = \"cloudfoundry\"\nurl = \"{}\"\nauth = {{ method = \"password\", username = \"admin\", password = {{ file = \"password\" }} }}\n",
            url("kaiten"),
            if speaks == Speaks::Seed { "dialect = \"seed\"\nseed_writes = true" } else { "" },
            url("cloudfoundry"),
        );
        std::fs::write(project.path().join("trueup.toml"), settings).expect("it can be written");
        let clock = Clock::new(Arc::new(Fast(std::time::Instant::now())));
        Self { speaks, sandbox, kaiten, cf, project, registry: providers::registry(), clock }
    }

    /// What its Kaiten speaks.
    pub fn speaks(&self) -> Speaks {
        self.speaks
    }

    /// Writes down what is declared from now on.
    pub fn declare(&self, yaml: &str) {
        std::fs::write(self.file(), yaml).expect("it can be written");
    }

    fn file(&self) -> PathBuf {
        self.project.path().join("resources.yaml")
    }

    fn served(&self) -> [&Served; 2] {
        ["kaiten", "cloudfoundry"].map(|name| self.sandbox.remote(name).expect("it runs"))
    }

    /// What has been received since the last time, by both.
    pub fn received(&self) -> Vec<Recorded> {
        let received = self.served().into_iter().flat_map(|served| {
            let all = served.recorder().all();
            served.recorder().clear();
            all
        });
        received.collect()
    }

    fn writes(&self) -> u64 {
        let all = self.served().into_iter().flat_map(|served| served.recorder().all());
        all.filter(is_write).count().try_into().expect("not that many")
    }

    /// All that both hold.
    pub fn objects(&self) -> Objects {
        let mut objects = Objects::new();
        collect(&self.kaiten.save(), "kaiten", &mut objects);
        collect(&self.cf.save()["store"], "cf", &mut objects);
        objects
    }

    fn load(&self) -> (Settings, Desired) {
        let mut sources = Sources::default();
        let mut problems = Diagnostics::default();
        let options = LoadOptions { environment: None, variables: &[], env: &|_| None, unconnected: false };
        let settings = settings::load(self.project.path(), options, &mut sources, &mut problems);
        let settings = settings.unwrap_or_else(|| panic!("{problems:?}"));
        let desired = config::load(&[self.file()], &settings, &self.registry, &mut sources, &mut problems);
        let desired =
            desired.unwrap_or_else(|| panic!("{problems:?}\n{}", std::fs::read_to_string(self.file()).unwrap()));
        (settings, desired)
    }

    async fn plan(&self) -> (Desired, Snapshot, Sessions, Plan) {
        let (settings, desired) = self.load();
        let mut problems = Diagnostics::default();
        let mut sessions = Sessions::new();
        for target in settings.targets.values() {
            let mut endpoint = settings::endpoint(target, &settings, &|_| None).expect("the secrets are there");
            endpoint.request_timeout = REQUEST_TIMEOUT;
            match self.registry.connect(&endpoint, &self.clock).await.expect("both are known") {
                Ok(session) => drop(sessions.insert(target.name.clone(), Arc::from(session))),
                Err(error) => problems.push(error.diagnose("connect", None)),
            }
        }
        let snapshot = observe(&desired, &self.registry, &sessions, &mut problems).await;
        let mut plan = plan::plan(&desired, &snapshot, &self.registry, problems);
        plan::guard(&mut plan, &desired, u32::MAX);
        (desired, snapshot, sessions, plan)
    }

    /// What a run would do now, in good weather.
    pub async fn look(&self) -> Plan {
        self.plan().await.3
    }

    /// One run in this weather; afterwards it is good again.
    pub async fn run(&self, storm: &Storm) -> Ended {
        let [kaiten, cf] = self.served();
        storm.kaiten.iter().for_each(|fault| {
            kaiten.faults().add(fault.clone());
        });
        storm.cf.iter().for_each(|fault| {
            cf.faults().add(fault.clone());
        });
        storm.orders.iter().for_each(|order| self.cf.order(order.clone()));
        let (signal, interrupt) = watch::channel(None);
        let ended = tokio::select! {
            ended = self.uninterrupted(interrupt) => ended,
            () = self.outside(storm.end, signal) => Ended::Killed,
        };
        kaiten.faults().clear();
        cf.faults().clear();
        self.cf.forget_orders();
        // What was under way when the run ended is not taken for the next one's.
        tokio::time::sleep(SETTLING).await;
        ended
    }

    async fn uninterrupted(&self, interrupt: watch::Receiver<Option<u8>>) -> Ended {
        let (desired, snapshot, sessions, plan) = self.plan().await;
        if plan.errored() {
            return Ended::Planless(plan);
        }
        let options = Options { parallelism: 4, fail_fast: false };
        let (registry, clock) = (&self.registry, &self.clock);
        let mut ledger =
            apply(&plan, &desired, &snapshot, registry, &sessions, options, clock, interrupt, &mut |_| {}).await;
        if ledger.signal.is_none() {
            converge(&mut ledger, &desired, registry, &sessions).await;
        }
        Ended::Accounted(plan, ledger)
    }

    /// Ends when the run is to be killed.
    async fn outside(&self, end: End, signal: watch::Sender<Option<u8>>) {
        let (End::Signal(writes, wait) | End::Kill(writes, wait)) = end else { return std::future::pending().await };
        while self.writes() < writes {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_millis(wait)).await;
        if matches!(end, End::Signal(..)) {
            let _ = signal.send(Some(15));
            std::future::pending::<()>().await;
        }
    }

    /// Takes the remotes down.
    pub async fn end(self) {
        self.sandbox.shutdown().await.expect("nothing is kept");
    }
}

/// Whether it changes something.
pub fn is_write(request: &Recorded) -> bool {
    request.method != "GET" && !request.path.starts_with("/oauth")
}

/// The rows of every table, by table and name.
fn collect(saved: &Value, remote: &str, objects: &mut Objects) {
    for (table, rows) in saved.as_object().expect("tables") {
        let rows = match rows {
            Value::Array(rows) => rows,
            other => match other.get("rows") {
                Some(Value::Array(rows)) => rows,
                _ => continue,
            },
        };
        for row in rows {
            let id = ["guid", "id"].iter().find_map(|name| row.get(name)).unwrap_or(&Value::Null);
            let name = ["slug", "name"].iter().find_map(|name| row.get(name)?.as_str()).unwrap_or_default();
            objects.insert((format!("{remote}/{table}"), format!("{name} {id}")), row.clone());
        }
    }
}
