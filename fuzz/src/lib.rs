//! What must take any bytes: the two kinds of files people write, a saved plan or snapshot, and the answers of both remotes. Nothing here may
//! panic or hang; what it says about them is for other tests.

use std::cell::RefCell;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use trueup::clock::{Clock, Source};
use trueup::kind::Registry;
use trueup::model::{Desired, Diagnostic, Diagnostics, Snapshot, Sources};
use trueup::observe::{Sessions, observe};
use trueup::plan::document::Document;
use trueup::plan::{self, Plan};
use trueup::render::{self, Theme};
use trueup::settings::{self, LoadOptions, Settings};
use trueup::{config, providers, snapshot};

/// Both providers, a variable and a secret one.
const SETTINGS: &str = "\
[project]
name = \"fuzz\"
[targets.kaiten]
provider = \"kaiten\"
url = \"http://127.0.0.1:1\"
token = { env = \"TOKEN\" }
[targets.cf]
provider = \"cloudfoundry\"
url = \"http://127.0.0.1:1\"
auth = { method = \"token\", token = { env = \"TOKEN\" } }
[variables.region]
default = \"eu\"
[variables.secret]
env = \"TOKEN\"
sensitive = true
";

const KAITEN: &str = "\
customers:
  acme: { name: Acme }
instances:
  live: { name: Live, customer: acme, license: growth, deployment_zone: eu, start_license_date: 2026-01-01T00:00:00Z, end_license_date: 2027-01-01T00:00:00Z, metadata: { a: 1 } }
";

const CLOUD_FOUNDRY: &str = "\
service_instances:
  db: { space: sandbox/dev, plan: postgres/small, parameters: { a: 1 }, tags: [a] }
service_keys:
  ci: { service_instance: db }
";

fn environment(name: &str) -> Option<String> {
    (name == "TOKEN").then(|| "token".to_owned())
}

fn load_settings(directory: &Path, problems: &mut Diagnostics, sources: &mut Sources) -> Option<Settings> {
    let options = LoadOptions { environment: None, variables: &[], env: &environment, unconnected: false };
    settings::load(directory, options, sources, problems)
}

fn tell(problems: &[Diagnostic], sources: &Sources) {
    render::diagnostic::diagnostics(&mut std::io::sink(), problems, sources, Theme::PLAIN).expect("a sink takes all");
    render::json::validation(&mut std::io::sink(), problems, sources).expect("a sink takes all");
}

/// A resource file.
pub fn resources(data: &[u8]) {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("resources.yaml");
    std::fs::write(directory.path().join("trueup.toml"), SETTINGS).expect("it can be written");
    std::fs::write(&file, data).expect("it can be written");
    let (mut sources, mut problems) = (Sources::default(), Diagnostics::default());
    let settings = load_settings(directory.path(), &mut problems, &mut sources).expect("they are sound");
    let desired = config::load(&[file], &settings, &providers::registry(), &mut sources, &mut problems);
    let problems = problems.into_sorted();
    assert!(desired.is_some() || !problems.is_empty(), "refused without a word");
    tell(&problems, &sources);
}

/// A `trueup.toml`.
pub fn settings(data: &[u8]) {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("trueup.toml"), data).expect("it can be written");
    let (mut sources, mut problems) = (Sources::default(), Diagnostics::default());
    let settings = load_settings(directory.path(), &mut problems, &mut sources);
    let problems = problems.into_sorted();
    assert!(settings.is_some() || !problems.is_empty(), "refused without a word");
    tell(&problems, &sources);
}

thread_local! {
    /// What saved plans are held to: a project of both providers, and its plan where nothing is there.
    static PLANNED: (Project, Plan) = {
        let project = project(&format!("{KAITEN}{CLOUD_FOUNDRY}"));
        let planned = plan::plan(&project.desired, &Snapshot::default(), &project.registry, Diagnostics::default());
        (project, planned)
    };
}

/// A plan as `apply FILE` reads it. What is JSON is read once more under a digest that is right, as somebody would write it
/// who means harm; otherwise nothing behind the digest would ever be seen.
pub fn plan(data: &[u8]) {
    let as_it_is = plan::read(data);
    if let Err(damaged) = &as_it_is {
        assert!(!damaged.to_string().is_empty(), "refused without a word");
    }
    let sealed = serde_json::from_slice::<serde_json::Value>(data).ok().and_then(|mut json| {
        let digest = plan::document::digest(&json);
        json.as_object_mut()?.insert("digest".to_owned(), digest.into());
        plan::read(json.to_string().as_bytes()).ok()
    });
    for document in as_it_is.into_iter().chain(sealed) {
        let again = serde_json::to_vec(&document).expect("what was read can be written");
        assert!(serde_json::from_slice::<Document>(&again).is_ok_and(|again| again == document), "it reads back");
        PLANNED.with(|(Project { desired, registry, .. }, planned)| {
            let mut told = plan::undeclared(&document, desired);
            told.extend(plan::redeclared(&document, &plan::declared(desired, registry), desired));
            told.extend(plan::beyond(&document, planned, &Document::new(planned, &desired.sources), desired));
            tell(&told, &desired.sources);
        });
    }
}

/// A snapshot as `plan --remote FILE` reads it, and what is planned with one that is read.
pub fn snapshot(data: &[u8]) {
    PLANNED.with(|(Project { settings, desired, registry }, _)| {
        let saved = match snapshot::read(data, registry) {
            Ok(saved) => saved,
            Err(damaged) => return assert!(!damaged.to_string().is_empty(), "refused without a word"),
        };
        let again = serde_json::to_vec(&saved.document).expect("what was read can be written");
        let again = snapshot::read(&again, registry).expect("it reads back");
        assert!(again.document == saved.document, "it reads back");
        let then = saved.document.declared.clone();
        match saved.fit("it", settings, desired, |_| true, registry) {
            Ok(snapshot) => {
                let mut planned = plan::plan(desired, &snapshot, registry, Diagnostics::default());
                planned.diagnostics.extend(snapshot::partial(&planned, desired, registry, &then));
                render::json::plan(&mut std::io::sink(), &planned, &desired.sources).expect("a sink takes all");
                let options = render::human::PlanOptions { verbose: true, hint: true };
                render::human::plan(&mut std::io::sink(), &planned, &desired.sources, Theme::PLAIN, options)
                    .expect("a sink takes all");
                tell(&planned.diagnostics, &desired.sources);
            }
            Err(problems) => {
                assert!(!problems.is_empty(), "refused without a word");
                tell(&problems, &desired.sources);
            }
        }
    });
}

/// Every answer of Kaiten: a byte for the status, the rest is the body.
pub fn kaiten(data: &[u8]) {
    answers("kaiten", KAITEN, data);
}

/// Every answer of Cloud Foundry, likewise.
pub fn cloudfoundry(data: &[u8]) {
    answers("cf", CLOUD_FOUNDRY, data);
}

/// A clock on which no wait takes long.
struct Hasty;

impl Source for Hasty {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }

    fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::task::yield_now())
    }

    fn chance(&self) -> f64 {
        0.0
    }
}

struct Project {
    settings: Settings,
    desired: Desired,
    registry: Registry,
}

fn project(yaml: &str) -> Project {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("resources.yaml");
    std::fs::write(directory.path().join("trueup.toml"), SETTINGS).expect("it can be written");
    std::fs::write(&file, yaml).expect("it can be written");
    let (mut sources, mut problems) = (Sources::default(), Diagnostics::default());
    let registry = providers::registry();
    let settings = load_settings(directory.path(), &mut problems, &mut sources).expect("they are sound");
    let desired = config::load(&[file], &settings, &registry, &mut sources, &mut problems).expect("it is sound");
    Project { settings, desired, registry }
}

thread_local! {
    static RUNTIME: RefCell<tokio::runtime::Runtime> =
        RefCell::new(tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime"));
}

fn answers(target: &str, yaml: &str, data: &[u8]) {
    let (status, body) = data.split_first().map_or((200, &[][..]), |(first, rest)| (status(*first), rest));
    // Of several bodies each is one answer; the last one goes on for ever.
    let bodies: Vec<Vec<u8>> = body.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect();
    RUNTIME.with_borrow(|runtime| {
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
            let address = listener.local_addr().expect("it has one");
            let serving = tokio::spawn(serve(listener, status, bodies));
            read(target, yaml, &format!("http://{address}")).await;
            serving.abort();
        });
    });
}

fn status(byte: u8) -> u16 {
    const STATUSES: [u16; 12] = [200, 200, 200, 200, 201, 202, 204, 401, 403, 404, 422, 500];
    STATUSES[usize::from(byte) % STATUSES.len()]
}

async fn serve(listener: TcpListener, status: u16, bodies: Vec<Vec<u8>>) {
    for at in 0.. {
        let Ok((mut stream, _)) = listener.accept().await else { return };
        let mut request = [0; 8192];
        let _ = stream.read(&mut request).await;
        let body = &bodies[at.min(bodies.len() - 1)];
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        let _ = stream.write_all(head.as_bytes()).await;
        let _ = stream.write_all(body).await;
    }
}

async fn read(name: &str, yaml: &str, url: &str) {
    let Project { settings, desired, registry } = project(yaml);
    let target = &settings.targets[name];
    let mut endpoint = settings::endpoint(target, &settings, &environment).expect("the secrets are there");
    endpoint.url = url.parse().expect("it is one");
    let clock = Clock::new(Arc::new(Hasty));
    let (mut problems, mut sessions) = (Diagnostics::default(), Sessions::new());
    match registry.connect(&endpoint, &clock).await.expect("both are known") {
        Ok(session) => drop(sessions.insert(target.name.clone(), Arc::from(session))),
        Err(error) => problems.push(error.diagnose("connect", None)),
    }
    let snapshot = observe(&desired, &registry, &sessions, &mut problems).await;
    let planned = plan::plan(&desired, &snapshot, &registry, problems);
    render::json::plan(&mut std::io::sink(), &planned, &desired.sources).expect("a sink takes all");
    tell(&planned.diagnostics, &desired.sources);
}
