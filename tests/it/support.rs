//! A project in a directory of its own, the remotes it is planned against, and what a run of the binary said.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use regex_lite::Regex;
use serde_json::json;
use tempfile::TempDir;
use trueup::emulator::cloudfoundry::{self, CountedIds};
use trueup::emulator::kaiten;
use trueup::emulator::{Clock, Effect, Fault, Ids, Recorded, Running, Sandbox, Served};

/// Which API the emulated foundation serves in this run of the tests, by `TRUEUP_TEST_API`: both unless it says `v2` or
/// `v3`. What people read must be the same (see `suites.rs`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foundation {
    Both,
    V2,
    V3,
}

impl Foundation {
    /// Of this run.
    pub fn tested() -> Self {
        match std::env::var("TRUEUP_TEST_API").as_deref() {
            Err(_) => Self::Both,
            Ok("v2") => Self::V2,
            Ok("v3") => Self::V3,
            Ok(other) => panic!("TRUEUP_TEST_API is `v2` or `v3`, not `{other}`"),
        }
    }

    /// A path of the API that trueup chooses there.
    pub fn path(self, rest: &str) -> String {
        let api = if self == Self::V2 { "v2" } else { "v3" };
        format!("/{api}/{rest}")
    }
}

/// The same snapshot whichever API answers, except where the text names paths of v2 or counts requests: then one of its
/// own.
#[macro_export]
macro_rules! same_snapshot {
    ($name:expr, $text:expr) => {{
        let text = $text.to_string();
        let counts = text.contains(r#""requests""#) && $crate::support::Foundation::tested() == $crate::support::Foundation::V2;
        let suffix = if counts || text.contains("/v2/") { "v2" } else { "" };
        insta::with_settings!({ snapshot_suffix => suffix }, { insta::assert_snapshot!($name, text) });
    }};
}

/// The directory of the package.
pub fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A directory of files in which the binary runs, with nothing in its environment but what is given.
#[derive(Debug)]
pub struct Project {
    directory: TempDir,
    environment: Vec<(String, String)>,
}

impl Project {
    /// An empty directory.
    pub fn empty() -> Self {
        Self { directory: tempfile::tempdir().expect("a temporary directory"), environment: Vec::new() }
    }

    /// A copy of a directory of the package, so that what runs leave behind does not end up there.
    pub fn copy_of(directory: &str) -> Self {
        let project = Self::empty();
        copy(&package().join(directory), project.path());
        project
    }

    /// With a file.
    pub fn file(self, path: &str, text: impl AsRef<[u8]>) -> Self {
        self.write(path, text);
        self
    }

    /// With an environment variable.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    /// Sets an environment variable.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Writes a file, in the place of one that is there.
    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("a file is in a directory")).expect("directories can be made");
        fs::write(path, text).expect("the file can be written");
    }

    /// Reads a file.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Runs the binary to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.start(arguments).end()
    }

    /// Starts the binary.
    pub fn start(&self, arguments: &[&str]) -> Run {
        // Files rather than pipes: nobody has to read while the binary runs.
        let stream = || tempfile::NamedTempFile::new().expect("a temporary file");
        let (stdout, stderr) = (stream(), stream());
        let writer = |file: &tempfile::NamedTempFile| file.reopen().expect("it is there");
        let mut command = self.command(arguments);
        command.stdin(Stdio::null()).stdout(writer(&stdout)).stderr(writer(&stderr));
        let child = command.spawn().expect("the binary starts");
        Run { child, stdout, stderr, directory: self.path().to_owned() }
    }

    /// The binary, to be started in the directory.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trueup"));
        command.args(arguments).current_dir(self.path()).env_clear();
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("directories can be made");
    for entry in fs::read_dir(from).expect("the directory can be read").map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_name().to_string_lossy().starts_with('.') {
            // What somebody's own run left behind.
        } else if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("the file can be copied");
        }
    }
}

/// The files below a directory with this extension, in order.
pub fn files_below(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("the directory can be read").map(Result::unwrap) {
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if path.is_dir() {
            found.extend(files_below(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The binary at work.
#[derive(Debug)]
pub struct Run {
    child: Child,
    stdout: tempfile::NamedTempFile,
    stderr: tempfile::NamedTempFile,
    directory: PathBuf,
}

impl Run {
    /// Sends it a signal, by its number.
    pub fn signal(&self, number: u8) {
        let sent = Command::new("kill").args([format!("-{number}"), self.child.id().to_string()]).status();
        assert!(sent.expect("`kill` is there").success());
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().expect("its status can be had").is_none()
    }

    /// What it has printed so far.
    pub fn printed(&self) -> String {
        text(&self.stdout)
    }

    /// Waits until something holds, while it runs.
    #[track_caller]
    pub fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !holds(self) {
            let over = !self.runs() || Instant::now() > deadline;
            assert!(!over, "never {what}:\n{}\n{}", text(&self.stdout), text(&self.stderr));
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for its end.
    pub fn end(mut self) -> Output {
        use std::os::unix::process::ExitStatusExt;
        let deadline = Instant::now() + Duration::from_secs(60);
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("its status can be had") {
                break status;
            }
            if Instant::now() > deadline {
                let _ = self.child.kill();
                panic!("it does not end:\n{}\n{}", text(&self.stdout), text(&self.stderr));
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let code = status.code().unwrap_or_else(|| -status.signal().expect("no code means a signal"));
        Output { stdout: text(&self.stdout), stderr: text(&self.stderr), code, directory: self.directory }
    }
}

fn text(file: &tempfile::NamedTempFile) -> String {
    String::from_utf8(fs::read(file.path()).expect("it is there")).expect("output is UTF-8")
}

/// What a run said, and how it ended. Shown as one text for snapshots, without what differs from run to run.
#[derive(Debug)]
pub struct Output {
    pub stdout: String,
    pub stderr: String,
    /// The exit status; the negative number of the signal if one killed it.
    pub code: i32,
    directory: PathBuf,
}

impl Output {
    /// What a run in a directory said, all of it on stdout.
    pub fn of(directory: PathBuf, stdout: String, code: i32) -> Self {
        Self { stdout, stderr: String::new(), code, directory }
    }

    /// The same, if it ended so.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self}");
        self
    }

    /// stdout as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// stdout as one JSON value a line.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<serde_json::Value> {
        let line = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.stdout.lines().map(line).collect()
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stdout, stderr, code, directory } = self;
        let text = format!("exit {code}\n─── stdout ───\n{stdout}─── stderr ───\n{stderr}");
        let text = text.replace(&directory.display().to_string(), "[directory]");
        // "Same YAML, same plan": what is left must be equal.
        let text = match Foundation::tested() {
            Foundation::V2 => {
                text.replace("cloudfoundry v2 ", "cloudfoundry v3 ").replace(r#""api": "v2""#, r#""api": "v3""#)
            }
            Foundation::V3 | Foundation::Both => text,
        };
        let vary = [
            (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
            // At the end of a line that was broken within it.
            (r"\b0\.0\.1:\d+", "0.0.1:PORT"),
            // It covers the port too.
            (r"sha256:[0-9a-f]{64}", "sha256:DIGEST"),
            (r" (created|ready) in \d+(\.\d+)? s\b", " $1 in T s"),
            (r#""elapsed_ms":\d+"#, r#""elapsed_ms":0"#),
            // It is of the port too.
            (r"sha256:[0-9a-f]{64}", "sha256:DIGEST"),
        ];
        let text = vary.iter().fold(text, |text, (pattern, fixed)| {
            Regex::new(pattern).expect("a pattern").replace_all(&text, *fixed).into_owned()
        });
        f.write_str(&text)
    }
}

/// A project and the two remotes it is planned against, served from this process.
#[derive(Debug)]
pub struct World {
    pub project: Project,
    // Before the runtime: it is served there.
    remotes: Option<Running>,
    runtime: tokio::runtime::Runtime,
}

/// What the default settings sign in with.
pub const CF_PASSWORD: &str = cloudfoundry::DEFAULT_USER.1;
/// What a test signs in with itself.
const CF_TOKEN: &str = "the-test-itself";

impl World {
    /// The sandbox's own contents, the same ids each time, and one request at a time.
    pub fn new() -> Self {
        Self::with(kaiten::Options::default(), cloudfoundry::Options::default())
    }

    /// Remotes with other options.
    pub fn with(kaiten: kaiten::Options, cloud_foundry: cloudfoundry::Options) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let start = "2026-01-01T00:00:00Z".parse().expect("a timestamp");
        let clock = Clock::stepping(start, jiff::SignedDuration::from_secs(1));
        let kaiten = kaiten::Options { ids: Ids::seeded(1), clock, ..kaiten };
        let counted = || std::sync::Arc::new(CountedIds::default());
        let fixed_token = Some((CF_TOKEN.to_owned(), "admin".to_owned()));
        let foundation = Foundation::tested();
        let (v2, v3) = (foundation != Foundation::V3, foundation != Foundation::V2);
        let cloud_foundry =
            cloudfoundry::Options { ids: counted(), request_ids: counted(), fixed_token, v2, v3, ..cloud_foundry };
        let sandbox = Sandbox::new().kaiten(0, kaiten).cloud_foundry(0, cloud_foundry);
        let remotes = runtime.block_on(sandbox.start()).expect("the sandbox starts");
        let world = Self {
            project: Project::empty().env("KAITEN_AUTH_TOKEN", kaiten::SANDBOX_TOKEN).env("CF_PASSWORD", CF_PASSWORD),
            remotes: Some(remotes),
            runtime,
        };
        world.project.write("trueup.toml", world.settings("", "parallelism = 1"));
        world
    }

    /// The sandbox's own contents, and these resources declared.
    pub fn declaring(yaml: &str) -> Self {
        let world = Self::new();
        world.declare(yaml);
        world
    }

    /// `trueup.toml` with both targets, something after the project's table, and limits.
    pub fn settings(&self, more: &str, limits: &str) -> String {
        format!(
            r#"[project]
name = "acme"
{more}
[targets.kaiten]
provider = "kaiten"
url = "{}"

[targets.cf]
provider = "cloudfoundry"
url = "{}"
auth = {{ method = "password", username = "admin", password = {{ env = "CF_PASSWORD" }} }}

[limits]
{limits}
"#,
            self.kaiten().url(),
            self.cf().url()
        )
    }

    /// Declares these resources, in the place of others.
    pub fn declare(&self, yaml: &str) {
        self.project.write("resources.yaml", yaml);
    }

    /// Runs the binary in the project.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.project.run(arguments)
    }

    /// Kaiten.
    pub fn kaiten(&self) -> &Served {
        self.remotes.as_ref().and_then(Running::kaiten).expect("it is served")
    }

    /// Cloud Foundry.
    pub fn cf(&self) -> &Served {
        self.remotes.as_ref().and_then(Running::cloud_foundry).expect("it is served")
    }

    /// Waits for something in this process.
    pub fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// What is at a remote's path, asked by the test itself, before the weather.
    #[track_caller]
    pub fn get(&self, served: &Served, path: &str) -> serde_json::Value {
        self.send(served, reqwest::Method::GET, path, None)
    }

    /// Changes something at a remote behind the back of trueup.
    #[track_caller]
    pub fn send(
        &self,
        served: &Served,
        method: reqwest::Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> serde_json::Value {
        served.faults().clear();
        self.send_in_the_weather(served, method, path, body)
    }

    /// The same, and what goes wrong at the remote goes on.
    #[track_caller]
    pub fn send_in_the_weather(
        &self,
        served: &Served,
        method: reqwest::Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> serde_json::Value {
        let is_cf = served.url() == self.cf().url();
        let token = if is_cf { CF_TOKEN } else { kaiten::SANDBOX_TOKEN };
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let mut request = client.request(method, format!("{}{path}", served.url())).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(body);
        }
        self.runtime.block_on(async {
            let answer = request.send().await.unwrap();
            let (status, text) = (answer.status(), answer.text().await.unwrap());
            assert!(status.is_success(), "{path}: {status} {text}");
            serde_json::from_str(&text).unwrap_or(serde_json::Value::Null)
        })
    }

    /// The slugs of what Kaiten holds of a kind, in order.
    #[track_caller]
    pub fn slugs(&self, collection: &str) -> Vec<String> {
        let page = self.get(self.kaiten(), &format!("/api/{collection}?limit=200"));
        sorted(page["items"].as_array().unwrap().iter().map(|row| &row["slug"]))
    }

    /// Makes a user-provided instance behind the back of trueup.
    #[track_caller]
    pub fn user_provide(&self, name: &str, space: &str) {
        let foundation = Foundation::tested();
        let spaces = self.get(self.cf(), &foundation.path("spaces"));
        let mut spaces = spaces["resources"].as_array().unwrap().iter();
        let (path, body) = if foundation == Foundation::V2 {
            let space = spaces.find(|one| one["entity"]["name"] == space).unwrap();
            let body = json!({ "name": name, "space_guid": space["metadata"]["guid"] });
            ("/v2/user_provided_service_instances", body)
        } else {
            let space = spaces.find(|one| one["name"] == space).unwrap();
            let relationships = json!({ "space": { "data": { "guid": space["guid"] } } });
            let body = json!({ "type": "user-provided", "name": name, "relationships": relationships });
            ("/v3/service_instances", body)
        };
        self.send(self.cf(), reqwest::Method::POST, path, Some(&body));
    }

    /// The names of the service instances of the foundation, in order.
    #[track_caller]
    pub fn service_instances(&self) -> Vec<String> {
        let foundation = Foundation::tested();
        let page = self.get(self.cf(), &foundation.path("service_instances"));
        let rows = page["resources"].as_array().unwrap().iter();
        sorted(rows.map(|row| if foundation == Foundation::V2 { &row["entity"]["name"] } else { &row["name"] }))
    }
}

fn sorted<'v>(values: impl Iterator<Item = &'v serde_json::Value>) -> Vec<String> {
    let mut values: Vec<String> = values.map(|value| value.as_str().expect("a name").to_owned()).collect();
    values.sort();
    values
}

impl Drop for World {
    fn drop(&mut self) {
        self.remotes.take();
    }
}

/// What tests ask of a remote.
pub trait Watched {
    /// The next request with this method and path meets this effect.
    fn strike(&self, method: &str, path: &str, effect: Effect);
    /// Every request with this method and path meets this effect.
    fn strike_always(&self, method: &str, path: &str, effect: Effect);
    /// The requests received with this method and path.
    fn received(&self, method: &str, path: &str) -> Vec<Recorded>;
    /// How many there were.
    fn count(&self, method: &str, path: &str) -> usize {
        self.received(method, path).len()
    }
    /// How many requests changed something, or tried to; signing in does not count.
    fn writes(&self) -> usize;
}

impl Watched for Served {
    fn strike(&self, method: &str, path: &str, effect: Effect) {
        self.faults().add(Fault::on(method, path, effect));
    }

    fn strike_always(&self, method: &str, path: &str, effect: Effect) {
        self.faults().add(Fault::on(method, path, effect).always());
    }

    fn received(&self, method: &str, path: &str) -> Vec<Recorded> {
        self.recorder().matching(method, path)
    }

    fn writes(&self) -> usize {
        let is_write = |request: &&Recorded| request.method != "GET" && request.path != "/oauth/token";
        self.recorder().all().iter().filter(is_write).count()
    }
}
