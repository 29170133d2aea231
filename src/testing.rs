//! A remote that exists only in tests: things with a slug, that can refer to each other and misbehave on demand.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::{Clock, Source};
use crate::kind::{
    Failure, Kind, Proposal, Provider, Readable, Reader, Registry, RemoteError, Requests, Session, Sole, Wanted, Writer,
};
use crate::model::{
    Address, Attribute, Compare, Condition, Desired, Facts, Field, Fields, FileId, Identity, KeyPart, KeySource,
    Lifecycle, Link, Locate, Map, Observed, Operation, Path, Places, Reference, RemoteProblem, Resource, Section,
    Shape, Snapshot, SourceFile, Sources, Span, Target, Template, TemplatePart, To, Value,
};
use crate::observe::Sessions;
use crate::settings::Endpoint;

pub(crate) static THINGS: Section = Section {
    name: "things",
    singular: "thing",
    provider: "test",
    doc: "A thing.",
    declarable: true,
    apis: &[],
    key: &[KeyPart { name: "slug", from: KeySource::Key, shape: Shape::Text { min: 1, max: 100 } }],
    fold_case: false,
    fields: &[
        Field::new("name", "name", Shape::Text { min: 1, max: 100 }, "Its name."),
        Field::new(
            "peer",
            "peerId",
            Shape::Reference { section: "things", qualifier: Some("maker"), with_slug: false },
            "Another.",
        ),
        Field::new("since", "since", Shape::Instant, "When it began."),
        Field::new("tags", "tags", Shape::Texts { max_total: 100 }, "Tags.").compare(Compare::Set),
        Field::new("notes", "notes", Shape::Object, "Notes.").compare(Compare::DeclaredKeys),
        Field::new("settings", "settings", Shape::Object, "Settings."),
        Field::new("kind", "kind", Shape::Text { min: 1, max: 9 }, "Its kind.").immutable("a thing stays what it is"),
        Field::new("secret", "secret", Shape::Text { min: 0, max: 99 }, "A secret.").sensitive(),
        Field::new("input", "input", Shape::Any, "Goes in and never comes out.").compare(Compare::IfTold),
        Field::new("account", "account", Shape::Object, "Told to some.").compare(Compare::WholeIfTold).sensitive(),
    ],
    attributes: &[Attribute::new("id", "id", "Its id."), Attribute::new("color", "color", "Its colour.")],
};

/// What the remote does with the next create of a slug.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Weather {
    Refused,
    /// Created, but the answer is lost.
    LostAfter,
    /// Not created, and no answer.
    LostBefore,
    /// Not created, and a 500.
    ServerError,
    /// Not created yet, and a 504.
    ProxyGivesUp,
    /// Created, worked on, and deleted by somebody else.
    Vanishes,
    /// Created; this many looks pass until it is ready.
    Slow(u32),
    /// Created; the second look says it failed.
    FailsLater,
    /// Created, with another name.
    StoredOtherwise,
    /// No answer for ever.
    Hangs,
    Panics,
}

/// A remote with its objects and its moods.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) objects: Mutex<BTreeMap<String, Observed>>,
    pub(crate) weather: Mutex<HashMap<String, Weather>>,
    pub(crate) log: Mutex<Vec<String>>,
    /// How many looks pass until an object is ready, and whether it fails then.
    busy: Mutex<HashMap<String, (u32, bool)>>,
    pub(crate) failing_polls: AtomicUsize,
    pub(crate) warning: Mutex<Option<String>>,
    /// In milliseconds.
    pub(crate) a_poll_takes: AtomicU64,
    /// How long creates take that do not take 10 ms.
    pub(crate) takes: Mutex<HashMap<String, Duration>>,
    now: AtomicUsize,
    pub(crate) most_at_once: AtomicUsize,
}

#[derive(Clone)]
pub(crate) struct TestSession(pub(crate) Arc<World>);

impl Session for TestSession {
    fn facts(&self) -> Facts {
        Facts { provider: "test", url: "https://test.example".into(), api: "v1", read_only: None }
    }

    fn requests(&self) -> Requests {
        Requests::default()
    }

    fn warnings(&self) -> Vec<String> {
        self.0.warning.lock().unwrap().iter().cloned().collect()
    }
}

pub(crate) struct TestProvider;

impl Provider for TestProvider {
    const NAME: &'static str = "test";
    type Session = TestSession;

    async fn connect(_: &Endpoint, _: &Clock) -> Result<TestSession, RemoteError> {
        Ok(TestSession(Arc::default()))
    }
}

pub(crate) struct Thing;

impl Readable for Thing {
    type Provider = TestProvider;
    const SECTION: &'static Section = &THINGS;

    async fn observe(_: &Wanted<'_>, remote: Reader<'_, TestSession>) -> Result<Vec<Observed>, RemoteError> {
        Ok(remote.0.objects.lock().unwrap().values().cloned().collect())
    }
}

impl Kind for Thing {
    fn sole(proposal: Proposal<'_>, _: &Facts) -> Option<Sole> {
        let wants = proposal.fields.text("kind") == Some("only");
        wants.then(|| Sole { field: "kind", value: "only".to_owned(), of: "the world".to_owned(), help: "choose" })
    }

    async fn create(proposal: Proposal<'_>, remote: &Writer<'_, TestSession>) -> Result<Observed, RemoteError> {
        let world = &remote.session().0;
        let slug = proposal.identity.to_string();
        world.log.lock().unwrap().push(format!("create {slug}"));
        let at_once = world.now.fetch_add(1, Ordering::SeqCst) + 1;
        world.most_at_once.fetch_max(at_once, Ordering::SeqCst);
        let takes = world.takes.lock().unwrap().get(&slug).copied().unwrap_or(Duration::from_millis(10));
        tokio::time::sleep(takes).await;
        world.now.fetch_sub(1, Ordering::SeqCst);
        let weather = world.weather.lock().unwrap().remove(&slug);
        match weather {
            Some(Weather::Refused) => return Err(error(Failure::Refused, Some(422), false)),
            Some(Weather::LostBefore) => return Err(error(Failure::Unreachable, None, true)),
            Some(Weather::ServerError) => return Err(error(Failure::Server, Some(500), true)),
            Some(Weather::ProxyGivesUp) => return Err(error(Failure::Server, Some(504), true)),
            Some(Weather::Hangs) => std::future::pending().await,
            Some(Weather::Panics) => panic!("as asked for"),
            _ => {}
        }
        let mut object = object(&slug, proposal.fields.clone());
        match weather {
            Some(Weather::StoredOtherwise) => object.fields.set("name", Value::text("otherwise")),
            Some(Weather::Slow(looks)) => {
                world.busy.lock().unwrap().insert(slug.clone(), (looks, false));
                object.condition = Condition::InProgress { operation: Operation::Create, description: None };
            }
            Some(Weather::Vanishes) => {
                object.condition = Condition::InProgress { operation: Operation::Create, description: None };
                return Ok(object);
            }
            Some(Weather::FailsLater) => {
                world.busy.lock().unwrap().insert(slug.clone(), (1, true));
                object.condition = Condition::InProgress { operation: Operation::Create, description: None };
            }
            _ => {}
        }
        world.objects.lock().unwrap().insert(slug, object.clone());
        if matches!(weather, Some(Weather::LostAfter)) {
            Err(error(Failure::Unreachable, None, true))
        } else {
            Ok(object)
        }
    }

    async fn look_up(proposal: Proposal<'_>, remote: Reader<'_, TestSession>) -> Result<Option<Observed>, RemoteError> {
        remote.0.log.lock().unwrap().push(format!("look up {}", proposal.identity));
        Ok(remote.0.objects.lock().unwrap().get(&proposal.identity.to_string()).cloned())
    }

    async fn poll(pending: &[&Observed], remote: Reader<'_, TestSession>) -> Result<Vec<Observed>, RemoteError> {
        let world = &remote.0;
        world.log.lock().unwrap().push("poll".to_owned());
        tokio::time::sleep(Duration::from_millis(world.a_poll_takes.load(Ordering::SeqCst))).await;
        if world.failing_polls.load(Ordering::SeqCst) > 0 {
            world.failing_polls.fetch_sub(1, Ordering::SeqCst);
            return Err(error(Failure::Server, Some(502), false));
        }
        let mut objects = world.objects.lock().unwrap();
        let mut busy = world.busy.lock().unwrap();
        let mut answer = Vec::new();
        for waiting in pending {
            let slug = waiting.identity.to_string();
            let Some(object) = objects.get_mut(&slug) else { continue };
            let (left, fails) = busy.get(&slug).copied().unwrap_or_default();
            if left > 0 {
                busy.insert(slug, (left - 1, fails));
            } else if fails {
                object.condition =
                    Condition::Failed { operation: Operation::Create, description: Some("no more room".into()) };
            } else {
                object.condition = Condition::Ready;
            }
            answer.push(object.clone());
        }
        Ok(answer)
    }
}

pub(crate) fn error(failure: Failure, status: Option<u16>, uncertain: bool) -> RemoteError {
    let problem = RemoteProblem { method: "POST".into(), path: "/things".into(), status, ..RemoteProblem::default() };
    RemoteError {
        failure,
        message: "as asked for".into(),
        help: None,
        problem: Box::new(problem),
        fields: Vec::new(),
        uncertain,
    }
}

/// An object of the remote.
pub(crate) fn object(slug: &str, fields: Fields) -> Observed {
    Observed {
        identity: Identity::single("slug", slug),
        id: format!("id-{slug}").into(),
        version: Some("1".into()),
        fields,
        attributes: [("color", Value::text("green"))].into_iter().collect(),
        condition: Condition::Ready,
    }
}

pub(crate) fn address(key: &str) -> Address {
    Address::new("things", key)
}

pub(crate) fn map(entries: &[(&str, Value)]) -> Value {
    Value::Map(Box::new(entries.iter().map(|(key, value)| ((*key).into(), value.clone())).collect::<Map>()))
}

/// `${things.KEY.FIELD}`
pub(crate) fn expression(key: &str, field: &str) -> Value {
    let part = TemplatePart::Field { address: address(key), path: Path::parse(field).expect("a path") };
    Value::Template(Box::new(Template { parts: vec![part], sensitive: false }))
}

pub(crate) fn refers_to(key: &str) -> Value {
    Value::Reference(Box::new(Reference { section: "things", to: To::Declared(address(key)) }))
}

pub(crate) fn named(name: &str, qualifier: Option<&str>) -> Value {
    let to = To::Natural { name: name.into(), qualifier: qualifier.map(Into::into) };
    Value::Reference(Box::new(Reference { section: "things", to }))
}

pub(crate) fn link(name: &str) -> Value {
    Value::Link(Box::new(Link { name: Some(name.into()), id: Some(format!("id-{name}").into()) }))
}

/// Everything stands on the line of its resource.
struct OneLine(Span);

impl Locate for OneLine {
    fn value(&self, _: &Path) -> (Span, bool) {
        (self.0, true)
    }

    fn key(&self, _: &Path) -> Option<Span> {
        Some(self.0)
    }
}

/// A project of things, one a line.
pub(crate) struct Declared {
    pub(crate) desired: Desired,
    file: FileId,
}

impl Declared {
    pub(crate) fn new() -> Self {
        let mut sources = Sources::default();
        let file = sources.add(SourceFile::new("things.yaml", "x\n".repeat(1000)));
        let target = Target { name: "test".into(), provider: "test", api: None };
        let targets = [(target.name.clone(), target)].into_iter().collect();
        Self { desired: Desired { project: "test".into(), targets, sources, ..Desired::default() }, file }
    }

    pub(crate) fn thing(mut self, key: &str, fields: &[(&'static str, Value)], requires: &[&str]) -> Self {
        let at = self.desired.resources.len() * 2;
        let span = Span::new(self.file, at..at + 1);
        let resource = Resource {
            address: address(key),
            target: "test".into(),
            identity: Identity::single("slug", key),
            fields: fields.iter().cloned().collect(),
            lifecycle: Lifecycle::default(),
            span,
            key_span: span,
            places: Places::new(Arc::new(OneLine(span))),
            requires: requires.iter().map(|key| (address(key), span)).collect(),
        };
        self.desired.resources.insert(address(key), resource);
        self.desired.resources.sort_keys();
        self
    }

    pub(crate) fn lifecycle(mut self, key: &str, change: impl FnOnce(&mut Lifecycle)) -> Self {
        change(&mut self.desired.resources[&address(key)].lifecycle);
        self
    }
}

pub(crate) fn registry() -> Registry {
    Registry::default().with::<Thing>()
}

pub(crate) fn sessions(world: &Arc<World>) -> Sessions {
    let session: Arc<dyn Session> = Arc::new(TestSession(Arc::clone(world)));
    [("test".into(), session)].into_iter().collect()
}

/// The world as observed.
pub(crate) async fn observed(world: &Arc<World>, desired: &Desired) -> Snapshot {
    let mut problems = crate::model::Diagnostics::default();
    crate::observe::observe(desired, &registry(), &sessions(world), &mut problems).await
}

/// A clock that follows Tokio's, which tests stop.
pub(crate) fn clock() -> Clock {
    struct Virtual(tokio::time::Instant);

    impl Source for Virtual {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH + self.0.elapsed()
        }

        fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
            Box::pin(tokio::time::sleep(duration))
        }

        fn chance(&self) -> f64 {
            0.5
        }
    }

    Clock::new(Arc::new(Virtual(tokio::time::Instant::now())))
}
