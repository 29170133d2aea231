//! What the tests of this provider share: a clock that is set by hand, a foundation of canned answers, declarations.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::meant::Declared;
use crate::clock::{Clock, Source};
use crate::kind::{Registry, RemoteError, Session};
use crate::model::{
    Address, Collection, Fields, FileId, Lifecycle, Locate, Path, Places, Reference, Resource, SourceFile, Sources,
    Span, To, Value,
};
use crate::settings::{Auth, Endpoint};

/// A clock that stands still; sleeping moves it.
pub struct Hand(Mutex<Timestamp>);

impl Hand {
    pub fn clock() -> (Arc<Self>, Clock) {
        let hand = Arc::new(Self(Mutex::new(Timestamp::from_second(1_800_000_000).unwrap())));
        (Arc::clone(&hand), Clock::new(hand))
    }

    pub fn advance(&self, seconds: i64) {
        *self.0.lock().unwrap() += SignedDuration::from_secs(seconds);
    }
}

impl Source for Hand {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.advance(i64::try_from(duration.as_secs()).unwrap() + 1);
        Box::pin(std::future::ready(()))
    }

    fn chance(&self) -> f64 {
        0.0
    }
}

pub fn endpoint(url: &str, auth: Auth) -> Endpoint {
    Endpoint {
        name: "cf".into(),
        provider: "cloudfoundry",
        url: url.parse().unwrap(),
        api: None,
        auth,
        ca: None,
        skip_tls_verify: false,
        seed_writes: false,
        parallelism: 16,
        request_timeout: Duration::from_secs(5),
    }
}

pub fn password() -> Auth {
    Auth::Password { username: "ci".to_owned(), password: "hush".into(), origin: None }
}

pub fn registry() -> Registry {
    Registry::default()
        .with::<super::Organization>()
        .with::<super::Space>()
        .with_readable::<super::ServicePlan>()
        .with::<super::ServiceInstance>()
        .with::<super::UserProvided>()
        .with::<super::ServiceKey>()
        .with_readable::<super::Attachment>()
        .with_readable::<super::Quota>()
        .with_readable::<super::SharedInstance>()
}

/// A foundation of canned answers with v2 switched on and itself as its UAA.
pub async fn foundation() -> MockServer {
    let server = MockServer::start().await;
    let links = json!({"links": {
        "cloud_controller_v2": {"href": format!("{}/v2", server.uri())},
        "login": {"href": server.uri()},
    }});
    Mock::given(method("GET"))
        .and(path("/"))
        .respond_with(ResponseTemplate::new(200).set_body_json(links))
        .mount(&server)
        .await;
    server
}

/// Signed in to a foundation of canned answers with a ready token.
pub async fn session(server: &MockServer) -> Box<dyn Session> {
    connect(server, Auth::Token("ready".into())).await.unwrap()
}

pub async fn connect(server: &MockServer, auth: Auth) -> Result<Box<dyn Session>, RemoteError> {
    let (_, clock) = Hand::clock();
    registry().connect(&endpoint(&server.uri(), auth), &clock).await.unwrap()
}

/// The same for a target that asks for one API.
pub async fn insist(server: &MockServer, auth: Auth, api: &str) -> Result<Box<dyn Session>, RemoteError> {
    let (_, clock) = Hand::clock();
    let mut endpoint = endpoint(&server.uri(), auth);
    endpoint.api = Some(api.into());
    registry().connect(&endpoint, &clock).await.unwrap()
}

/// The same, as what it is.
pub async fn connect_to(server: &MockServer) -> super::CloudFoundry {
    let (_, clock) = Hand::clock();
    let endpoint = endpoint(&server.uri(), Auth::Token("ready".into()));
    <super::CloudFoundry as crate::kind::Provider>::connect(&endpoint, &clock).await.unwrap()
}

/// A foundation of canned answers that speaks v3 only.
pub async fn foundation_v3() -> MockServer {
    let server = MockServer::start().await;
    let links = json!({"links": {
        "cloud_controller_v3": {"href": format!("{}/v3", server.uri())},
        "login": {"href": server.uri()},
    }});
    Mock::given(method("GET"))
        .and(path("/"))
        .respond_with(ResponseTemplate::new(200).set_body_json(links))
        .mount(&server)
        .await;
    server
}

/// One page of v3 that is all there is.
pub fn page_v3(resources: &[Json]) -> Json {
    json!({
        "pagination": {"total_results": resources.len(), "total_pages": 1, "next": null},
        "resources": resources,
    })
}

/// One page that is all there is.
pub fn page(resources: &[Json]) -> Json {
    json!({"total_results": resources.len(), "total_pages": 1, "resources": resources})
}

#[expect(clippy::needless_pass_by_value, reason = "callers write `json!` there")]
pub fn object(guid: &str, entity: Json) -> Json {
    json!({"metadata": {"guid": guid, "created_at": "2026-01-01T00:00:00Z", "updated_at": null}, "entity": entity})
}

struct OnePlace(Span);

impl Locate for OnePlace {
    fn value(&self, _: &Path) -> (Span, bool) {
        (self.0, true)
    }

    fn key(&self, _: &Path) -> Option<Span> {
        Some(self.0)
    }
}

pub fn span() -> Span {
    let id: FileId = Sources::default().add(SourceFile::new("x.yaml", "x: 1"));
    Span::new(id, 0..1)
}

pub fn declare(section: &'static str, key: &str, fields: impl IntoIterator<Item = (&'static str, Value)>) -> Resource {
    Resource {
        address: Address::new(section, key),
        target: "cf".into(),
        identity: crate::model::Identity::single("name", key),
        fields: fields.into_iter().collect::<Fields>(),
        lifecycle: Lifecycle::default(),
        span: span(),
        key_span: span(),
        places: Places::new(Arc::new(OnePlace(span()))),
        requires: Vec::new(),
        parts: Vec::new(),
    }
}

pub fn declared(resources: impl IntoIterator<Item = Resource>) -> Declared {
    resources.into_iter().map(|resource| (resource.address.clone(), resource)).collect()
}

pub fn to(section: &'static str, to: To) -> Reference {
    Reference { section, to }
}

pub fn named(section: &'static str, name: &str) -> Value {
    Value::Reference(Box::new(to(section, To::Natural { name: name.into(), qualifier: None })))
}

pub fn of_guid(section: &'static str, guid: &str) -> Value {
    Value::Reference(Box::new(to(section, To::Id { id: guid.into(), slug: None })))
}

pub fn of_key(section: &'static str, key: &str) -> Value {
    Value::Reference(Box::new(to(section, To::Declared(Address::new(section, key)))))
}

pub fn link(name: &str, guid: &str) -> Value {
    Value::Link(Box::new(crate::model::Link { name: Some(name.into()), id: Some(guid.into()) }))
}

pub fn text(text: &str) -> Value {
    Value::text(text)
}

/// The organizations `acme` and `a/b`, as observed.
pub fn organizations() -> Collection {
    let organization = |guid: &str, name: &str| crate::model::Observed {
        identity: crate::model::Identity::single("name", name),
        id: guid.into(),
        version: None,
        fields: Fields::from_iter([("name", text(name))]),
        attributes: Fields::from_iter([("guid", text(guid))]),
        condition: crate::model::Condition::Ready,
    };
    Collection::new(vec![organization("o-1", "acme"), organization("o-2", "a/b")], true)
}

/// The spaces `production` and `staging` of `acme`, as observed.
pub fn spaces() -> Collection {
    let space = |guid: &str, name: &str| crate::model::Observed {
        identity: crate::model::Identity { parts: vec![("organization", "acme".into()), ("name", name.into())] },
        id: guid.into(),
        version: None,
        fields: Fields::from_iter([("organization", link("acme", "o-1")), ("name", text(name))]),
        attributes: Fields::from_iter([("guid", text(guid))]),
        condition: crate::model::Condition::Ready,
    };
    Collection::new(vec![space("s-1", "production"), space("s-2", "staging")], true)
}
