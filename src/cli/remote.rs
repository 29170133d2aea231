//! Connects to the targets; those with `url = "sandbox"` get an emulator of their own first.

use std::collections::BTreeSet;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::task::JoinSet;
use url::Url;

use super::project::environment;
use super::terminal::Terminal;
use crate::clock::Clock;
use crate::emulator::{Running, Sandbox, cloudfoundry, kaiten};
use crate::http::{Client, Throttle};
use crate::kind::{Registry, RemoteError};
use crate::model::{Code, Diagnostic, Diagnostics, Snapshot, TargetName};
use crate::observe::Sessions;
use crate::providers;
use crate::render::throttle::Throttles;
use crate::settings::{self, Auth, Endpoint, Settings, TargetSettings, TargetUrl};

/// How often the targets are looked at while they are read.
const LOOK: Duration = Duration::from_millis(500);

/// The connections of a run, and the emulators behind some of them.
pub(super) struct Remotes {
    pub(super) sessions: Sessions,
    sandboxes: Vec<Running>,
}

impl Remotes {
    /// No connection at all.
    pub(super) fn none() -> Self {
        Self { sessions: Sessions::new(), sandboxes: Vec::new() }
    }

    /// Lets the emulators write down what they hold.
    pub(super) async fn close(self) -> Result<(), String> {
        drop(self.sessions);
        for sandbox in self.sandboxes {
            sandbox.shutdown().await.map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}

/// What holds requests to targets back now.
pub(super) fn held(sessions: &Sessions) -> Vec<(TargetName, Throttle)> {
    let held = sessions.iter().filter_map(|(target, session)| Some((Arc::clone(target), session.throttle()?)));
    held.collect()
}

/// Waits for `reading`, and says so when a target makes it wait: nothing else is seen of it.
pub(super) async fn patiently<T>(reading: impl Future<Output = T>, sessions: &Sessions, terminal: &Terminal) -> T {
    watched(reading, || held(sessions), terminal).await
}

/// The same for whatever is held back.
async fn watched<T>(
    reading: impl Future<Output = T>,
    held: impl Fn() -> Vec<(TargetName, Throttle)>,
    terminal: &Terminal,
) -> T {
    let begun = Instant::now();
    let mut throttles = Throttles::default();
    let mut reading = std::pin::pin!(reading);
    loop {
        tokio::select! {
            read = &mut reading => return read,
            () = tokio::time::sleep(LOOK) => {
                for news in throttles.news(&held(), begun.elapsed()) {
                    terminal.remark(&news);
                }
            }
        }
    }
}

/// Connects to every target that is wanted. What could be connected to is returned with the problems.
pub(super) async fn connect(
    settings: &Settings,
    wanted: impl Fn(&TargetName) -> bool,
    registry: &Registry,
    clock: &Clock,
    problems: &mut Diagnostics,
    terminal: &Terminal,
) -> Remotes {
    let mut remotes = Remotes::none();
    let mut endpoints = Vec::new();
    for target in settings.targets.values().filter(|target| wanted(&target.name)) {
        let endpoint = match target.url {
            TargetUrl::Sandbox => sandbox(target, settings, &mut remotes.sandboxes).await,
            // A secret's command may take its time.
            TargetUrl::Url(_) | TargetUrl::CfCli { .. } | TargetUrl::Unsaid => {
                tokio::task::block_in_place(|| settings::endpoint(target, settings, &environment))
            }
        };
        let endpoint = match endpoint {
            Ok(endpoint) => endpoint,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        match Client::new(&endpoint, clock) {
            Ok(client) => endpoints.push((target, endpoint, client)),
            Err(error) => problems.push(unconnected(target, &error.into())),
        }
    }
    let connecting = endpoints
        .iter()
        .map(async |(target, endpoint, client)| (*target, registry.connect_with(endpoint, client.clone()).await));
    let held = || {
        let held =
            endpoints.iter().filter_map(|(target, _, client)| Some((Arc::clone(&target.name), client.throttle()?)));
        held.collect()
    };
    for (target, outcome) in watched(join_all(connecting), held, terminal).await {
        match outcome.expect("settings know only providers that have kinds") {
            Ok(session) => drop(remotes.sessions.insert(Arc::clone(&target.name), Arc::from(session))),
            Err(error) => problems.push(unconnected(target, &error)),
        }
    }
    remotes
}

/// Connections that are being made while what is declared is still judged: signing in takes its time, and so does that.
/// Given up when it is dropped.
#[derive(Default)]
pub(super) struct Early {
    targets: BTreeSet<TargetName>,
    connecting: JoinSet<(Remotes, Diagnostics)>,
}

impl Early {
    /// Begins with the targets that something is declared for without doubt: the only ones of their providers. Sandboxes
    /// are no hurry, and leave files behind.
    pub(super) fn begin(
        &mut self,
        settings: &Settings,
        used: &BTreeSet<&'static str>,
        clock: &Clock,
        terminal: Terminal,
    ) {
        let sole = |target: &&TargetSettings| {
            let mut others = settings.targets.values().filter(|other| other.name != target.name);
            others.all(|other| other.provider != target.provider)
        };
        let wanted = settings.targets.values().filter(|target| used.contains(target.provider));
        let wanted = wanted.filter(sole).filter(|target| target.url != TargetUrl::Sandbox);
        self.targets = wanted.map(|target| Arc::clone(&target.name)).collect();
        let (settings, targets, clock) = (settings.clone(), self.targets.clone(), clock.clone());
        self.connecting.spawn(async move {
            let mut problems = Diagnostics::default();
            let wanted = |target: &TargetName| targets.contains(target);
            let registry = providers::registry();
            let remotes = connect(&settings, wanted, &registry, &clock, &mut problems, &terminal).await;
            (remotes, problems)
        });
    }

    /// Connects to what else is wanted, and waits for all of it.
    pub(super) async fn and(
        mut self,
        settings: &Settings,
        wanted: impl Fn(&TargetName) -> bool,
        registry: &Registry,
        clock: &Clock,
        problems: &mut Diagnostics,
        terminal: &Terminal,
    ) -> Remotes {
        let others = |target: &TargetName| wanted(target) && !self.targets.contains(target);
        let mut remotes = connect(settings, others, registry, clock, problems, terminal).await;
        if let Some(connected) = self.connecting.join_next().await {
            let (early, found) = connected.unwrap_or_else(|error| resume_unwind(error.into_panic()));
            remotes.sessions.extend(early.sessions);
            problems.extend(found.into_sorted());
        }
        remotes
    }
}

fn unconnected(target: &TargetSettings, error: &RemoteError) -> Diagnostic {
    error.diagnose(&format!("connect to target `{}`", target.name), None).at(target.span, "declared here")
}

/// A sandbox has another port each time; what is planned against it shall not differ for that.
pub(super) fn name_sandboxes(settings: &Settings, snapshot: &mut Snapshot) {
    for (name, facts) in &mut snapshot.targets {
        if settings.targets.get(name).is_some_and(|target| target.url == TargetUrl::Sandbox) {
            facts.url = "sandbox".into();
        }
    }
}

/// Starts the emulator of one target. It keeps what it holds beside `trueup.toml`, so that the next run finds it.
async fn sandbox(
    target: &TargetSettings,
    settings: &Settings,
    running: &mut Vec<Running>,
) -> Result<Endpoint, Diagnostic> {
    let fail = |what: &str| {
        Diagnostic::error(Code::Unreachable, format!("cannot start the sandbox of target `{}`: {what}", target.name))
            .at(target.span, "its `url` is \"sandbox\"")
    };
    let directory = settings.directory.join(".trueup");
    let ignore = directory.join(".gitignore");
    let prepared = std::fs::create_dir_all(&directory)
        .and_then(|()| if ignore.exists() { Ok(()) } else { std::fs::write(&ignore, "*\n") });
    prepared.map_err(|error| fail(&format!("cannot write to `.trueup`: {error}")))?;
    let environment = settings.environment.as_deref().map(|name| format!("{name}.")).unwrap_or_default();
    let state = directory.join(format!("sandbox.{environment}{}.json", target.name));
    let sandbox = Sandbox::new().state_file(state);
    let (sandbox, auth) = if target.provider == "kaiten" {
        let seed = target.api.as_deref() == Some("seed");
        let dialect = if seed { kaiten::Dialect::Seed { writes: target.seed_writes } } else { kaiten::Dialect::Core };
        let options = kaiten::Options { dialect, ..kaiten::Options::default() };
        let auth = if seed { Auth::None } else { Auth::Token(kaiten::SANDBOX_TOKEN.into()) };
        (sandbox.kaiten(0, options), auth)
    } else {
        let (username, password) = cloudfoundry::DEFAULT_USER;
        let auth = Auth::Password { username: username.to_owned(), password: password.into(), origin: None };
        (sandbox.cloud_foundry(0, cloudfoundry::Options::default()), auth)
    };
    let started = sandbox.start().await.map_err(|error| fail(&error.to_string()))?;
    let served = started.kaiten().or(started.cloud_foundry()).expect("one remote was asked for");
    let url = Url::parse(served.url()).expect("the sandbox has a URL");
    running.push(started);
    settings::endpoint_at(target, settings, url, auth)
}
