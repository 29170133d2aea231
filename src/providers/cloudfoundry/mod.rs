//! Cloud Foundry: organizations, spaces, the marketplace, service instances.
//!
//! A kind says once what it means, in its own file, in the words of `api`; `v2` and `v3` say how each API spells
//! them. What a foundation offers is found out in `discovery`, signing in is in `uaa`, refusals are understood in
//! `error`.

mod api;
mod attachment;
mod cli_session;
mod discovery;
mod error;
mod instances;
mod meant;
mod metadata;
mod organization;
mod quota;
mod secrets;
mod service_instance;
mod service_key;
mod service_plan;
mod shared;
mod space;
#[cfg(test)]
mod testing;
mod uaa;
mod user_provided;
mod v2;
mod v3;

pub use attachment::Attachment;
pub use organization::Organization;
pub use quota::Quota;
pub use service_instance::ServiceInstance;
pub use service_key::ServiceKey;
pub use service_plan::ServicePlan;
pub use shared::SharedInstance;
pub use space::Space;
pub use user_provided::UserProvided;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use serde::de::DeserializeOwned;
use url::Url;

use self::api::Api;
use self::discovery::Foundation;
use self::error::Purpose;
use self::uaa::SignIn;
use crate::http::{Client, Method, Request, Response, Throttle, clean};
use crate::kind::{Failure, Proposal, Provider, RemoteError, Requests, Session, Writer};
use crate::model::{
    Attribute, Collection, Facts, Fields, Follows, Format, Link, RemoteId, RemoteProblem, Section, Shape, Value,
};
use crate::settings::{Auth, Endpoint};

/// The provider's name.
pub const NAME: &str = "cloudfoundry";

/// How many different warnings of a foundation are kept.
const MOST_WARNINGS: usize = 20;

/// A foundation, signed in to.
#[derive(Debug)]
pub struct CloudFoundry {
    api: Client,
    /// The API that its kinds use.
    speaks: Api,
    sign_in: SignIn,
    facts: Facts,
    warnings: Mutex<BTreeSet<String>>,
}

impl Session for CloudFoundry {
    fn facts(&self) -> Facts {
        self.facts.clone()
    }

    fn requests(&self) -> Requests {
        Requests { read: self.api.reads(), write: self.api.writes() }
    }

    fn throttle(&self) -> Option<Throttle> {
        self.api.throttle()
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = self.sign_in.notes();
        warnings.extend(self.warnings.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned());
        warnings
    }
}

impl Provider for CloudFoundry {
    const NAME: &'static str = NAME;
    type Session = Self;

    fn can_be() -> Vec<Facts> {
        let facts = |api: Api| Facts { provider: NAME, url: "".into(), api: api.as_str(), read_only: None };
        [Api::V3, Api::V2].map(facts).into()
    }

    async fn connect_with(endpoint: &Endpoint, api: Client) -> Result<Self, RemoteError> {
        let discovered = discover(&api, endpoint.api.as_deref()).await;
        let (foundation, asked) = discovered.map_err(|error| cli_session::untrusted(error, endpoint))?;
        let speaks = choose(endpoint.api.as_deref(), &foundation, &asked)?;
        let uaa = match (&endpoint.auth, foundation.sign_in) {
            // Nothing is asked of the UAA then.
            (Auth::Token(_) | Auth::None, _) => api.clone(),
            (_, None) => {
                return Err(unknown(
                    "the foundation does not tell where to sign in",
                    "use a ready token: `auth = { method = \"token\", token = { env = \"…\" } }`",
                    asked,
                ));
            }
            (_, Some(url)) if !discovery::may_sign_in_at(&url, &endpoint.url) => {
                return Err(unknown(
                    &format!("the foundation wants secrets sent unencrypted, to `{}`", origin(&url)),
                    "ask its operators to name an `https://` address, or use a ready token",
                    asked,
                ));
            }
            (_, Some(url)) => api.at(&url)?,
        };
        let sign_in = SignIn::new(uaa, endpoint.auth.clone(), api.clock());
        // A wrong password is found out now, and by one request.
        sign_in.access().await.map_err(|error| cli_session::untrusted(error, endpoint))?;
        let facts = Facts {
            provider: NAME,
            url: endpoint.url.as_str().trim_end_matches('/').into(),
            api: speaks.as_str(),
            read_only: None,
        };
        Ok(Self { api, speaks, sign_in, facts, warnings: Mutex::default() })
    }
}

/// Takes apart what a read was answered.
fn parsed<T: DeserializeOwned>(answer: &Response) -> Result<T, RemoteError> {
    answer.json().map_err(|error| error::malformed(answer, Purpose::Read, error))
}

impl CloudFoundry {
    async fn get<T: DeserializeOwned>(&self, path: String) -> Result<T, RemoteError> {
        parsed(&self.answer(path).await?)
    }

    /// An answer that is not taken apart yet.
    async fn answer(&self, path: String) -> Result<Response, RemoteError> {
        self.exchange(Request::get(path), Purpose::Read).await
    }

    /// Sends a request with a token. After a 401, which says that nothing was done, once more with another token.
    async fn exchange(&self, request: Request, purpose: Purpose) -> Result<Response, RemoteError> {
        let access = self.sign_in.access().await?;
        let mut answer = self.send(&request, &access).await?;
        if answer.status == 401
            && let Some(access) = self.sign_in.replace(&access).await?
        {
            answer = self.send(&request, &access).await?;
        }
        self.note_warnings(&answer);
        if answer.is_success() { Ok(answer) } else { Err(error::refusal(&answer, purpose)) }
    }

    /// `X-Cf-Warnings`: a list of words, each form-encoded (reference, section 1.2).
    fn note_warnings(&self, answer: &Response) {
        let Some(list) = answer.header("x-cf-warnings") else { return };
        let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        for one in list.split(',').map(str::trim).filter(|one| !one.is_empty()) {
            // As if it were the key of a form.
            let one = one.replace('&', "%26").replace('=', "%3D");
            let words = url::form_urlencoded::parse(one.as_bytes()).next().map(|(words, _)| clean(&words, 200));
            if let Some(words) = words.filter(|_| warnings.len() < MOST_WARNINGS) {
                warnings.insert(words);
            }
        }
    }

    async fn send(&self, request: &Request, access: &uaa::Access) -> Result<Response, RemoteError> {
        use secrecy::ExposeSecret as _;
        Ok(self.api.send(request.clone().authorization("bearer", access.token.expose_secret())).await?)
    }
}

impl Writer<'_, CloudFoundry> {
    /// Changes something, with one request that is not sent twice unless it cannot have been taken.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
        section: &'static Section,
    ) -> Result<Response, RemoteError> {
        let mut request = Request::write(method, path).untaken(error::says_untaken);
        if let Some(body) = body {
            request = request.json(body);
        }
        self.session().exchange(request, Purpose::Write(section)).await
    }

    /// The same, where the answer tells the object.
    async fn told<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &serde_json::Value,
        section: &'static Section,
    ) -> Result<T, RemoteError> {
        let answer = self.send(method, path, Some(body), section).await?;
        answer.json().map_err(|error| error::malformed(&answer, Purpose::Write(section), error))
    }

    /// Deletes something; `None` if it is gone already, which is what was asked for.
    async fn delete(&self, path: &str, section: &'static Section) -> Result<Option<Response>, RemoteError> {
        match self.send(Method::DELETE, path, None, section).await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error::says_gone(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The API to speak: the one that is insisted on, else v3 where there is one.
fn choose(wanted: Option<&str>, foundation: &Foundation, asked: &RemoteProblem) -> Result<Api, RemoteError> {
    let asked = || Box::new(asked.clone());
    match wanted {
        Some("v2") if !foundation.v2 => Err(error::v2_is_off(asked())),
        Some("v2") => Ok(Api::V2),
        Some("v3") if !foundation.v3 => Err(unknown(
            "this foundation does not offer v3, and the target asks for it",
            "set `api = \"v2\"` or `api = \"auto\"` for this target in `trueup.toml`",
            asked(),
        )),
        Some("v3") => Ok(Api::V3),
        _ if foundation.v3 => Ok(Api::V3),
        _ if foundation.v2 => Ok(Api::V2),
        _ => Err(error::v2_is_off(asked())),
    }
}

/// Asks what is there; also returns what was asked, for errors about the answer.
async fn discover(api: &Client, wanted: Option<&str>) -> Result<(Foundation, Box<RemoteProblem>), RemoteError> {
    let root = api.send(Request::get("/")).await?;
    let known = root.is_success().then(|| Foundation::from_root(&root.body)).flatten();
    let asked = error::problem(&root, None, None);
    if let Some(foundation) = &known
        && foundation.sign_in.is_some()
    {
        return Ok((foundation.clone(), asked));
    }
    let info = api.send(Request::get("/v2/info")).await?;
    let told = info.is_success().then(|| Foundation::from_info(&info.body)).flatten();
    match (known, told) {
        (Some(known), told) => Ok((Foundation { sign_in: told.and_then(|told| told.sign_in), ..known }, asked)),
        (None, Some(told)) => {
            let v3 = told.v3 || (wanted == Some(Api::V3.as_str()) && has_v3(api).await?);
            Ok((Foundation { v3, ..told }, error::problem(&info, None, None)))
        }
        (None, None) if root.status >= 500 || root.status == 429 => Err(error::refusal(&root, Purpose::Read)),
        (None, None) => Err(unknown(
            "what answers is not the API of a Cloud Foundry",
            "check the target's `url` in `trueup.toml`: it is what `cf api` shows",
            error::problem(&root, None, root.excerpt()),
        )),
    }
}

/// Asks v3 itself, where nothing else tells.
async fn has_v3(api: &Client) -> Result<bool, RemoteError> {
    let answer = api.send(Request::get("/v3")).await?;
    Ok(answer.is_success() && discovery::is_v3(&answer.body))
}

fn unknown(message: &str, help: &str, problem: Box<RemoteProblem>) -> RemoteError {
    RemoteError {
        failure: Failure::UnknownDialect,
        message: message.to_owned(),
        help: Some(help.to_owned()),
        problem,
        fields: Vec::new(),
        uncertain: false,
    }
}

/// Where a URL points to, without what it may carry.
fn origin(url: &Url) -> String {
    format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default())
}

/// What all names must look like: the remote strips white space around them, so that a padded name would never be found again.
static NAME_FORMAT: Format = Format {
    what: "a name",
    pattern: r"^\S([\s\S]*\S)?$",
    min: 1,
    max: 255,
    help: "1 to 255 characters without white space at either end",
};

/// The shape of a name.
const NAME_SHAPE: Shape = Shape::Format(&NAME_FORMAT);

const GUID: Attribute = Attribute::new("guid", "guid", "The remote's id.");
const CREATED_AT: Attribute = Attribute::new("created_at", "created_at", "When it was created.");
const UPDATED_AT: Attribute =
    Attribute::new("updated_at", "updated_at", "When it was last changed.").follows(Follows::Anything);

const LABELS_DOC: &str =
    "Labels: a mapping from key to text of at most 63 characters; only the declared keys are managed.";
const ANNOTATIONS_DOC: &str =
    "Annotations: a mapping from key to text of at most 5000 characters; only the declared keys are managed.";

/// What both APIs say of every object.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    guid: Arc<str>,
    created_at: Option<Arc<str>>,
    updated_at: Option<Arc<str>>,
}

impl Stamp {
    /// The attributes that every kind has.
    fn attributes(&self) -> Fields {
        let text = |text: &Option<Arc<str>>| text.clone().map(Value::Text);
        let all = [
            ("guid", Some(Value::Text(self.guid.clone()))),
            ("created_at", text(&self.created_at)),
            ("updated_at", text(&self.updated_at)),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// The shape of a field that names a space.
const SPACE_SHAPE: Shape = Shape::Reference { section: "spaces", qualifier: None, with_slug: false };

/// A space by its guid, with its natural key where it can be seen.
fn space_link(guid: &RemoteId, spaces: &Collection) -> Link {
    Link { name: spaces.with_id(guid).map(|space| space.identity.to_string().into()), id: Some(Arc::clone(guid)) }
}

/// The name a proposal asks for: the last part of its natural key, declared or not.
fn own_name_of(proposal: Proposal<'_>) -> &str {
    proposal.identity.parts.last().map_or("", |(_, name)| name)
}

/// The guid of what a field links to.
fn linked_id<'a>(proposal: Proposal<'a>, field: &str) -> &'a str {
    let id = proposal.fields.link(field).and_then(|link| link.id.as_deref());
    id.expect("while applying, what is referred to exists")
}

/// The natural key of what a field links to.
fn linked_name(proposal: Proposal<'_>, field: &str) -> Option<Arc<str>> {
    proposal.fields.link(field)?.name.clone()
}

/// A declared value as JSON for a request body, secrets included.
fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(bool) => (*bool).into(),
        Value::Number(number) => serde_json::Value::Number(number.clone()),
        Value::Text(text) => (**text).into(),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(map) => map.iter().map(|(key, value)| (key.to_string(), json(value))).collect(),
        Value::Sensitive(secret) => json(secret.expose()),
        Value::Link(link) => link.shown().into(),
        Value::Reference(_) | Value::Template(_) | Value::Unknown | Value::Fingerprint(_) | Value::Redacted => {
            unreachable!("while applying, everything has been looked up")
        }
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod emulated;

#[cfg(test)]
mod tls;
