//! The foundation as a client meets it: over HTTP, with the clock in the test's hand.

mod access;
mod bindings;
mod conflicts;
mod control;
mod create;
mod delete;
mod discovery;
mod keys;
mod limits;
mod lists;
mod marketplace;
mod organizations;
mod state;
mod tokens;
mod update;
mod user_provided;
mod v3_access;
mod v3_instances;
mod v3_keys;
mod v3_marketplace;
mod v3_organizations;
mod v3_user_provided;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use super::clock::{CountedIds, SteppedClock};
use super::marketplace::{Behaviour, SeedPlan};
use super::{CloudFoundry, Options};

/// A foundation that is being served, and a client that signs in as whoever is named.
struct Sandbox {
    foundation: CloudFoundry,
    clock: Arc<SteppedClock>,
    base: String,
    http: reqwest::Client,
    tokens: Mutex<HashMap<String, String>>,
}

#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HeaderMap,
    text: String,
    body: Value,
}

impl Answer {
    /// Status, code and name of an error of v2.
    fn error(&self) -> (u16, u64, &str) {
        let code = self.body["code"].as_u64().unwrap_or_default();
        (self.status, code, self.body["error_code"].as_str().unwrap_or_default())
    }

    /// Status, code and name of the one error of v3, and what it says.
    fn v3_error(&self) -> (u16, u64, &str, &str) {
        let errors = self.body["errors"].as_array().unwrap_or_else(|| panic!("no errors of v3: {}", self.text));
        let [error] = errors.as_slice() else { panic!("not one error: {}", self.text) };
        let text = |key: &str| error[key].as_str().unwrap_or_default();
        (self.status, error["code"].as_u64().unwrap_or_default(), text("title"), text("detail"))
    }

    /// What a refusal with 422 and the usual code says.
    fn unprocessable(&self) -> &str {
        let (status, code, title, detail) = self.v3_error();
        assert_eq!((status, code, title), (422, 10008, "CF-UnprocessableEntity"), "{}", self.text);
        detail
    }

    /// The guid of a resource of v3.
    fn v3_guid(&self) -> String {
        self.body["guid"].as_str().unwrap_or_else(|| panic!("no resource: {}", self.text)).to_owned()
    }

    /// The names in a list of v3.
    fn names(&self) -> Vec<&str> {
        let resources = self.body["resources"].as_array().unwrap_or_else(|| panic!("no list: {}", self.text));
        resources.iter().map(|resource| resource["name"].as_str().unwrap_or_default()).collect()
    }

    fn guid(&self) -> String {
        self.body["metadata"]["guid"].as_str().unwrap_or_else(|| panic!("no resource: {}", self.text)).to_owned()
    }

    fn entity(&self) -> &Value {
        &self.body["entity"]
    }

    fn description(&self) -> &str {
        self.body["description"].as_str().unwrap_or_default()
    }

    /// Type and state of an instance's last operation.
    fn operation(&self) -> String {
        let operation = &self.entity()["last_operation"];
        format!(
            "{}/{}",
            operation["type"].as_str().unwrap_or_default(),
            operation["state"].as_str().unwrap_or_default()
        )
    }

    /// One field of each resource of a list.
    fn each(&self, field: &str) -> Vec<&str> {
        let resources = self.body["resources"].as_array().unwrap_or_else(|| panic!("no list: {}", self.text));
        resources.iter().map(|resource| resource["entity"][field].as_str().unwrap_or_default()).collect()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl Sandbox {
    async fn start() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(edit: impl FnOnce(&mut Options)) -> Self {
        Self::restored(None, edit).await
    }

    async fn restored(saved: Option<Value>, edit: impl FnOnce(&mut Options)) -> Self {
        let start: Timestamp = "2026-09-01T12:00:00Z".parse().expect("a timestamp");
        let clock = Arc::new(SteppedClock::at(start));
        let mut options = Options {
            clock: Arc::<SteppedClock>::clone(&clock),
            ids: Arc::new(CountedIds::default()),
            request_ids: Arc::new(CountedIds::default()),
            ..Options::default()
        };
        edit(&mut options);
        let foundation = CloudFoundry::new(options, saved).expect("the options are fine");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let base = format!("http://{}", listener.local_addr().expect("the listener is bound"));
        let control = super::control::router(foundation.clone());
        let router = axum::Router::new().nest("/_sandbox", control).fallback_service(foundation.router());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let http = reqwest::Client::builder().no_proxy().build().expect("a plain client");
        Self { foundation, clock, base, http, tokens: Mutex::default() }
    }

    fn advance(&self, milliseconds: u64) {
        self.clock.advance(Duration::from_millis(milliseconds));
    }

    async fn grant(&self, client: &str, secret: &str, form: &[(&str, &str)]) -> Answer {
        let request = self.http.post(format!("{}/oauth/token", self.base)).basic_auth(client, Some(secret)).form(form);
        read(request).await
    }

    async fn sign_in(&self, user: &str) -> String {
        let form = [("grant_type", "password"), ("username", user), ("password", user)];
        let answer = self.grant("cf", "", &form).await;
        let token = answer.body["access_token"].as_str();
        token.unwrap_or_else(|| panic!("{user} cannot sign in: {}", answer.text)).to_owned()
    }

    async fn token(&self, user: &str) -> String {
        if let Some(token) = self.tokens.lock().expect("no panics under this lock").get(user) {
            return token.clone();
        }
        let token = self.sign_in(user).await;
        self.tokens.lock().expect("no panics under this lock").insert(user.to_owned(), token.clone());
        token
    }

    /// A request with a body exactly as given; nobody signs in as `""`.
    async fn raw(&self, user: &str, method: &str, path: &str, body: String) -> Answer {
        let method = method.parse().expect("a method");
        let mut request = self.http.request(method, format!("{}{path}", self.base)).body(body);
        if !user.is_empty() {
            request = request.header("authorization", format!("bearer {}", self.token(user).await));
        }
        read(request).await
    }

    async fn get(&self, user: &str, path: &str) -> Answer {
        self.raw(user, "GET", path, String::new()).await
    }

    async fn post(&self, user: &str, path: &str, body: Value) -> Answer {
        self.raw(user, "POST", path, body.to_string()).await
    }

    /// A request of v3, with its body as JSON; null is none.
    async fn v3(&self, user: &str, method: &str, path: &str, body: Value) -> Answer {
        let method = method.parse().expect("a method");
        let mut request = self.http.request(method, format!("{}/v3/{path}", self.base));
        if !user.is_empty() {
            request = request.header("authorization", format!("bearer {}", self.token(user).await));
        }
        if !body.is_null() {
            request = request.json(&body);
        }
        read(request).await
    }

    async fn v3_get(&self, user: &str, path: &str) -> Answer {
        self.v3(user, "GET", path, Value::Null).await
    }

    async fn put(&self, user: &str, path: &str, body: Value) -> Answer {
        self.raw(user, "PUT", path, body.to_string()).await
    }

    async fn delete(&self, user: &str, path: &str) -> Answer {
        self.raw(user, "DELETE", path, String::new()).await
    }

    fn organization(&self, name: &str) -> String {
        let world = self.foundation.world();
        world.store.organization_named(name).unwrap_or_else(|| panic!("no organization {name}")).guid.clone()
    }

    /// The guid of a space, written `organization/space`.
    fn space(&self, path: &str) -> String {
        let (organization, space) = path.split_once('/').expect("organization/space");
        let organization = self.organization(organization);
        let world = self.foundation.world();
        world.store.space_named(&organization, space).unwrap_or_else(|| panic!("no space {path}")).guid.clone()
    }

    fn dev(&self) -> String {
        self.space("sandbox/dev")
    }

    /// The guid of a plan, written `offering/plan`; the first of that name.
    fn plan(&self, path: &str) -> String {
        let (offering, plan) = path.split_once('/').expect("offering/plan");
        let world = self.foundation.world();
        let found = world.store.plans.iter().find(|p| p.name == plan && world.store.offering_of(p).name == offering);
        found.unwrap_or_else(|| panic!("no plan {path}")).guid.clone()
    }

    fn offering(&self, name: &str) -> String {
        let world = self.foundation.world();
        let found = world.store.offerings.iter().find(|offering| offering.name == name);
        found.unwrap_or_else(|| panic!("no offering {name}")).guid.clone()
    }

    async fn new_space(&self, organization: &str, name: &str) -> String {
        let body = json!({"name": name, "organization_guid": self.organization(organization)});
        self.post("admin", "/v2/spaces", body).await.guid()
    }

    fn wish(&self, name: &str, plan: &str) -> Value {
        json!({"name": name, "space_guid": self.dev(), "service_plan_guid": self.plan(plan)})
    }

    /// An instance in `sandbox/dev`, still in progress if its plan is asynchronous.
    async fn begin(&self, name: &str, plan: &str) -> String {
        self.post("admin", "/v2/service_instances?accepts_incomplete=true", self.wish(name, plan)).await.guid()
    }

    /// The same, when its create is over.
    async fn make(&self, name: &str, plan: &str) -> String {
        let guid = self.begin(name, plan).await;
        self.advance(5000);
        guid
    }

    /// A request that steers the sandbox itself.
    async fn steer(&self, method: &str, path: &str, body: Value) -> Answer {
        self.raw("", method, &format!("/_sandbox/{path}"), body.to_string()).await
    }

    async fn operation(&self, guid: &str) -> String {
        let answer = self.get("admin", &format!("/v2/service_instances/{guid}")).await;
        if answer.status == 404 { "gone".to_owned() } else { answer.operation() }
    }

    /// Shares an instance, which v2 itself cannot.
    fn share(&self, guid: &str, space: &str) {
        let mut world = self.foundation.world();
        let id = world.store.instances.by_guid(guid).expect("the instance exists").id;
        world.store.change_instance(id, |instance| instance.shared_to.push(space.to_owned()));
    }

    /// Changes a plan, as a broker that updates its catalogue does.
    fn alter_plan(&self, path: &str, alter: impl FnOnce(&mut super::store::Plan)) {
        let guid = self.plan(path);
        let mut world = self.foundation.world();
        let id = world.store.plans.by_guid(&guid).expect("the plan exists").id;
        alter(world.store.plans.get_mut(id).expect("the plan exists"));
    }
}

async fn read(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.expect("the sandbox answers");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.expect("a body of text");
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Answer { status, headers, text, body }
}

/// An asynchronous plan for a foundation of one's own.
fn slow_plan(name: &str) -> SeedPlan {
    SeedPlan::new(name, Behaviour::asynchronous(1000))
}
