//! Starts the remotes, keeps their state, and ends them.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::middleware::from_fn_with_state;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::cloudfoundry::{self, CloudFoundry};
use super::control;
use super::fault::Faults;
use super::kaiten::{self, Kaiten};
use super::line::{Line, Lines};
use super::recorder::Recorder;
use super::remote::Remote;
use super::state_file::{StateError, StateFile};
use super::weather::{self, Weather};

/// How long a change may wait until it is in the file. Writing the file may take at most a tenth of the time.
const DEBOUNCE: Duration = Duration::from_millis(200);
/// How long requests under way may take to end at a shutdown.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// Why a sandbox did not start, or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The port cannot be had.
    #[error("cannot listen on 127.0.0.1:{port}: {source}")]
    Port {
        /// The port asked for; 0 is any.
        port: u16,
        /// What the system says.
        source: io::Error,
    },
    /// A remote cannot be made.
    #[error("cannot start the sandbox's {name}: {reason}")]
    Remote {
        /// Its name.
        name: &'static str,
        /// What it says.
        reason: String,
    },
    /// The state file cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Makes a remote from its own base URL and from what it saved last time.
pub type Build = Box<dyn FnOnce(&str, Option<Value>) -> Result<Remote, String> + Send>;

/// A sandbox to be started: remotes, served over HTTP on loopback.
///
/// Several can run in one process; they share nothing.
#[derive(Default)]
pub struct Sandbox {
    remotes: Vec<(&'static str, u16, Build)>,
    state: Option<PathBuf>,
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let remotes: Vec<_> = self.remotes.iter().map(|(name, port, _)| (name, port)).collect();
        f.debug_struct("Sandbox").field("remotes", &remotes).field("state", &self.state).finish()
    }
}

impl Sandbox {
    /// One without remotes that forgets everything at its end.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds Kaiten on this port; 0 is any free one.
    pub fn kaiten(self, port: u16, options: kaiten::Options) -> Self {
        self.remote(KAITEN, port, Box::new(move |_, saved| Ok(Remote::from(Kaiten::new(options, saved)?))))
    }

    /// Adds Cloud Foundry, API and UAA together, on this port; 0 is any free one.
    pub fn cloud_foundry(self, port: u16, options: cloudfoundry::Options) -> Self {
        let build = move |_: &str, saved| match CloudFoundry::new(options, saved) {
            Ok(foundation) => Ok(Remote::from(foundation)),
            Err(error) => Err(match std::error::Error::source(&error) {
                Some(source) => format!("{error}: {source}"),
                None => error.to_string(),
            }),
        };
        self.remote(CLOUD_FOUNDRY, port, Box::new(build))
    }

    /// Adds a remote under a name, which is also its name in the state file, on this port; 0 is any free one.
    pub fn remote(mut self, name: &'static str, port: u16, build: Build) -> Self {
        self.remotes.push((name, port, build));
        self
    }

    /// Remembers the remotes in this file. A file that is damaged or somebody else's is refused at the start.
    pub fn state_file(self, path: impl Into<PathBuf>) -> Self {
        Self { state: Some(path.into()), ..self }
    }

    /// Starts the remotes. Needs a running Tokio runtime.
    pub async fn start(self) -> Result<Running, SandboxError> {
        let (file, mut saved) = match self.state {
            Some(path) => StateFile::open(&path).map(|(file, saved)| (Some(file), saved))?,
            None => (None, BTreeMap::new()),
        };
        let (close, closing) = watch::channel(false);
        let mut started = Vec::new();
        for (name, port, build) in self.remotes {
            let on_port = |source| SandboxError::Port { port, source };
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(on_port)?;
            let url = format!("http://{}", listener.local_addr().map_err(on_port)?);
            let state = saved.remove(name);
            let known = state.is_some();
            let remote = build(&url, state).map_err(|reason| match &file {
                Some(file) if known => StateError::Damaged { path: file.path().to_owned(), reason }.into(),
                _ => SandboxError::Remote { name, reason },
            })?;
            started.push((name, listener, url, remote, known));
        }
        let mut served = Vec::new();
        let mut kept = Vec::new();
        let mut all_known = true;
        for (name, listener, url, remote, known) in started {
            let Remote { router, save, generation, wording, control: own } = remote;
            let weather = Arc::new(Weather::new(wording, closing.clone()));
            let routes = Router::new()
                .nest("/_sandbox", control::router(name, Arc::clone(&weather)).merge(own))
                .fallback_service(router.layer(from_fn_with_state(Arc::clone(&weather), weather::pass)));
            let task = tokio::spawn(serve(listener, routes, closing.clone()));
            served.push(Served { name, url, weather, task });
            kept.push(Kept { name, save, generation });
            all_known &= known;
        }
        let mut running = Running { served, close, keeper: None, keeping: None };
        if let Some(file) = file {
            let keeper = Arc::new(Keeper::new(file, saved, kept, all_known));
            // A file that cannot be written, and ids made up for the first objects, are not left to the first change.
            keeper.flush()?;
            running.keeping = Some(tokio::spawn(keep(Arc::clone(&keeper), closing)));
            running.keeper = Some(keeper);
        }
        Ok(running)
    }
}

const KAITEN: &str = "kaiten";
const CLOUD_FOUNDRY: &str = "cloudfoundry";

async fn serve(listener: TcpListener, routes: Router, mut closing: watch::Receiver<bool>) {
    let service = routes.into_make_service_with_connect_info::<Line>();
    let closed = async move {
        // An error means the sandbox is gone, which is as good as closing.
        let _ = closing.wait_for(|closing| *closing).await;
    };
    if let Err(error) = axum::serve(Lines(listener), service).with_graceful_shutdown(closed).await {
        tracing::error!(%error, "the sandbox no longer serves");
    }
}

/// A sandbox that serves. Dropping it ends it and saves its state; [`Running::shutdown`] also tells if that failed.
#[derive(Debug)]
pub struct Running {
    served: Vec<Served>,
    close: watch::Sender<bool>,
    keeper: Option<Arc<Keeper>>,
    keeping: Option<JoinHandle<()>>,
}

impl Running {
    /// Kaiten, if it was added.
    pub fn kaiten(&self) -> Option<&Served> {
        self.remote(KAITEN)
    }

    /// Cloud Foundry, if it was added.
    pub fn cloud_foundry(&self) -> Option<&Served> {
        self.remote(CLOUD_FOUNDRY)
    }

    /// The remote of this name.
    pub fn remote(&self, name: &str) -> Option<&Served> {
        self.served.iter().find(|served| served.name == name)
    }

    /// Ends the sandbox: requests under way may finish, for two seconds at most, and the state is saved.
    pub async fn shutdown(mut self) -> Result<(), SandboxError> {
        // Nobody listening means everything has ended already.
        let _ = self.close.send(true);
        let deadline = Instant::now() + PATIENCE;
        for served in &mut self.served {
            if tokio::time::timeout_at(deadline.into(), &mut served.task).await.is_err() {
                served.task.abort();
            }
        }
        if let Some(keeping) = self.keeping.take() {
            // It ends with the sandbox; a write under way is waited for by the one that follows.
            let _ = keeping.await;
        }
        if let Some(keeper) = &self.keeper {
            keeper.close()?;
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.close.send(true);
        if let Some(Err(error)) = self.keeper.as_ref().map(|keeper| keeper.close()) {
            tracing::error!(%error, "the state of the sandbox is lost");
        }
    }
}

/// One remote being served.
#[derive(Debug)]
pub struct Served {
    name: &'static str,
    url: String,
    weather: Arc<Weather>,
    task: JoinHandle<()>,
}

impl Served {
    /// Its base URL, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What goes wrong here.
    pub fn faults(&self) -> &Faults {
        &self.weather.faults
    }

    /// What was received here.
    pub fn recorder(&self) -> &Recorder {
        &self.weather.recorder
    }

    /// Makes each request from now on take so much longer, in whole milliseconds.
    pub fn set_latency(&self, latency: Duration) {
        let milliseconds = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        self.weather.latency.store(milliseconds, Ordering::Relaxed);
    }
}

struct Kept {
    name: &'static str,
    save: Box<dyn Fn() -> Value + Send + Sync>,
    generation: Box<dyn Fn() -> u64 + Send + Sync>,
}

/// Brings the state of the remotes into the file.
struct Keeper {
    /// Remotes the file knows and this sandbox does not serve.
    others: BTreeMap<String, Value>,
    remotes: Vec<Kept>,
    /// Locked while the file is written.
    desk: Mutex<Desk>,
}

#[derive(Debug)]
struct Desk {
    /// None once the sandbox has ended: another one may have the file.
    file: Option<StateFile>,
    /// The generations in the file; none if the file lacks a remote altogether.
    written: Option<Vec<u64>>,
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper").field("desk", &self.desk).finish_non_exhaustive()
    }
}

impl Keeper {
    fn new(file: StateFile, others: BTreeMap<String, Value>, remotes: Vec<Kept>, all_known: bool) -> Self {
        let generations = remotes.iter().map(|remote| (remote.generation)()).collect();
        let desk = Desk { file: Some(file), written: all_known.then_some(generations) };
        Self { others, remotes, desk: Mutex::new(desk) }
    }

    /// Writes the file if anything changed since the last time.
    fn flush(&self) -> Result<(), StateError> {
        let mut desk = self.desk.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(file) = &desk.file else { return Ok(()) };
        // Read before saving: a change in between is then written once too often, and never too rarely.
        let generations: Vec<u64> = self.remotes.iter().map(|remote| (remote.generation)()).collect();
        if desk.written.as_ref() == Some(&generations) {
            return Ok(());
        }
        let mut remotes = self.others.clone();
        remotes.extend(self.remotes.iter().map(|remote| (remote.name.to_owned(), (remote.save)())));
        file.write(remotes)?;
        desk.written = Some(generations);
        Ok(())
    }

    /// Writes what is left to write, and lets go of the file.
    fn close(&self) -> Result<(), StateError> {
        let flushed = self.flush();
        self.desk.lock().unwrap_or_else(PoisonError::into_inner).file = None;
        flushed
    }
}

async fn keep(keeper: Arc<Keeper>, mut closing: watch::Receiver<bool>) {
    let mut pause = DEBOUNCE;
    while tokio::time::timeout(pause, closing.wait_for(|closing| *closing)).await.is_err() {
        let began = Instant::now();
        let at_work = Arc::clone(&keeper);
        match tokio::task::spawn_blocking(move || at_work.flush()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "will be tried again"),
            Err(error) => tracing::error!(%error, "saving the state of the sandbox failed"),
        }
        pause = DEBOUNCE.max(began.elapsed() * 9);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::emulator::kaiten::{Catalogue, Options, SANDBOX_TOKEN};

    fn empty() -> Options {
        Options { catalogue: Catalogue::Empty, ..Options::default() }
    }

    async fn create(sandbox: &Running, slug: &str) -> u16 {
        let request = reqwest::Client::new().post(format!("{}/api/customers", sandbox.kaiten().unwrap().url()));
        let body = json!({ "name": "Acme", "slug": slug });
        request.bearer_auth(SANDBOX_TOKEN).json(&body).send().await.unwrap().status().as_u16()
    }

    async fn slugs(sandbox: &Running) -> Vec<String> {
        let request = reqwest::Client::new().get(format!("{}/api/customers", sandbox.kaiten().unwrap().url()));
        let page: Value = request.bearer_auth(SANDBOX_TOKEN).send().await.unwrap().json().await.unwrap();
        page["items"].as_array().unwrap().iter().map(|row| row["slug"].as_str().unwrap().to_owned()).collect()
    }

    #[tokio::test]
    async fn several_sandboxes_in_one_process_share_nothing() {
        let one = Sandbox::new().kaiten(0, empty()).start().await.unwrap();
        let other = Sandbox::new().kaiten(0, empty()).start().await.unwrap();
        assert_eq!(create(&one, "acme").await, 201);
        assert_eq!((slugs(&one).await.len(), slugs(&other).await.len()), (1, 0));
        assert_eq!((one.kaiten().unwrap().recorder().count(), other.kaiten().unwrap().recorder().count()), (2, 1));
        assert!(one.cloud_foundry().is_none());
    }

    #[tokio::test]
    async fn a_second_run_sees_the_first_whether_it_was_shut_down_or_dropped() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.json");
        let start = || Sandbox::new().kaiten(0, empty()).state_file(&path).start();
        let first = start().await.unwrap();
        create(&first, "one").await;
        first.shutdown().await.unwrap();
        let second = start().await.unwrap();
        create(&second, "two").await;
        drop(second);
        assert_eq!(slugs(&start().await.unwrap()).await, ["two", "one"]);
    }

    #[tokio::test]
    async fn a_change_reaches_the_file_while_the_sandbox_runs() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.json");
        let running = Sandbox::new().kaiten(0, empty()).state_file(&path).start().await.unwrap();
        assert!(path.exists(), "what cannot be written is found out at the start");
        create(&running, "acme").await;
        let deadline = Instant::now() + Duration::from_secs(10);
        while !std::fs::read_to_string(&path).unwrap().contains("acme") {
            assert!(Instant::now() < deadline, "the change is not in the file");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        running.shutdown().await.unwrap();
    }

    #[tokio::test]
    async fn a_remote_that_is_not_served_keeps_its_part_of_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.json");
        let text = r#"{"format":"trueup-sandbox","version":1,"remotes":{"cloudfoundry":{"spaces":[1]}}}"#;
        std::fs::write(&path, text).unwrap();
        let running = Sandbox::new().kaiten(0, empty()).state_file(&path).start().await.unwrap();
        create(&running, "acme").await;
        running.shutdown().await.unwrap();
        let kept: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(kept["remotes"]["cloudfoundry"], json!({"spaces": [1]}));
        assert_eq!(kept["remotes"]["kaiten"]["customers"][0]["slug"], "acme");
    }

    #[tokio::test]
    async fn a_state_its_remote_does_not_understand_is_refused_and_left_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.json");
        let text = r#"{"format":"trueup-sandbox","version":1,"remotes":{"kaiten":{"customers":7}}}"#;
        std::fs::write(&path, text).unwrap();
        let error = Sandbox::new().kaiten(0, empty()).state_file(&path).start().await.unwrap_err();
        assert!(matches!(error, SandboxError::State(StateError::Damaged { .. })), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }

    #[tokio::test]
    async fn both_remotes_are_served_and_kept_in_one_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.json");
        let start = || {
            let foundry = cloudfoundry::Options::default();
            Sandbox::new().kaiten(0, empty()).cloud_foundry(0, foundry).state_file(&path).start()
        };
        let first = start().await.unwrap();
        create(&first, "acme").await;
        let info = format!("{}/v2/info", first.cloud_foundry().unwrap().url());
        assert_eq!(reqwest::get(&info).await.unwrap().status(), 200);
        let outage = crate::emulator::Effect::status(503);
        first.cloud_foundry().unwrap().faults().add(crate::emulator::Fault::on("GET", "/v2/info", outage));
        let refused: Value = reqwest::get(&info).await.unwrap().json().await.unwrap();
        assert_eq!(refused["error_code"], "CF-ServiceUnavailable");
        first.shutdown().await.unwrap();
        let written = || serde_json::from_slice::<Value>(&std::fs::read(&path).unwrap()).unwrap();
        let before = written();
        let second = start().await.unwrap();
        assert_eq!(slugs(&second).await, ["acme"]);
        second.shutdown().await.unwrap();
        assert_eq!(written(), before, "a run without a change leaves the file as it is");
    }

    #[tokio::test]
    async fn a_port_in_use_is_an_error() {
        let held = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = held.local_addr().unwrap().port();
        let error = Sandbox::new().kaiten(port, empty()).start().await.unwrap_err();
        assert!(error.to_string().starts_with(&format!("cannot listen on 127.0.0.1:{port}: ")), "{error}");
    }
}
