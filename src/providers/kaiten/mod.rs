//! Kaiten, the control plane: one client for both of its dialects.
//!
//! Today's contract ("core") and the older one of the seed document ("seed") differ in paths, lists, fields and errors
//! (reference §12). Which one answers is found out by reads; after that `wire` spells requests accordingly and the kinds
//! need not know.

mod change;
mod component;
mod customer;
mod deployment_zone;
mod dialect;
mod entitlement;
mod entitlement_group;
mod feature_flag;
mod grant;
mod instance;
mod license;
mod metadata;
mod metadata_field;
mod page;
mod problem;
mod release;
mod wire;

pub use component::Component;
pub use customer::Customer;
pub use deployment_zone::DeploymentZone;
pub use entitlement::Entitlement;
pub use entitlement_group::EntitlementGroup;
pub use feature_flag::FeatureFlag;
pub use grant::Grant;
pub use instance::Instance;
pub use license::{License, LicenseFamily};
pub use metadata_field::MetadataField;
pub use release::Release;

use std::sync::{Arc, Mutex, PoisonError};

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value as Json;

use crate::http::{Client, Method, Request, Response, Throttle, segment};
use crate::kind::{Failure, Proposal, Provider, RemoteError, Requests, Session, Writer};
use crate::model::{Attribute, Facts, Follows, Format, Observed, Section};
use crate::settings::{Auth, Endpoint};

use dialect::{Dialect, Probe};
use wire::Row;

/// The provider.
#[derive(Debug)]
pub struct Provided;

/// A connection to one Kaiten.
#[derive(Debug)]
pub struct Kaiten {
    client: Client,
    url: Arc<str>,
    dialect: Dialect,
    /// What comes between the base URL and a collection: `/api` or nothing.
    prefix: &'static str,
    token: Option<SecretString>,
    /// The user says that the seed dialect's undocumented updates and deletes are there.
    seed_writes: bool,
    /// What detection read, the beginning of the list of instances, until that list is observed.
    first_page: Mutex<Option<Response>>,
}

/// Slugs of every kind (reference §5).
static SLUG: Format = Format {
    what: "a slug",
    pattern: "^[a-z0-9][a-z0-9-]*[a-z0-9]$",
    min: 2,
    max: 100,
    help: "a slug is 2 to 100 characters of `a` to `z`, `0` to `9` and `-`, with no `-` at either end",
};

/// Objects a page, the most there can be (reference §4).
const PER_PAGE: usize = 200;

/// Where the API sets no limit to the length of a string.
const UNLIMITED: usize = usize::MAX;

const ID: Attribute = Attribute::new("id", "id", "The id that Kaiten gave it.");
const SLUG_ATTRIBUTE: Attribute = Attribute::new("slug", "slug", "Its slug.");
const CREATED_AT: Attribute = Attribute::new("created_at", "createdAt", "When it was created.");
const UPDATED_AT: Attribute =
    Attribute::new("updated_at", "updatedAt", "When it was last changed.").follows(Follows::Anything);

impl Provider for Provided {
    const NAME: &'static str = "kaiten";
    type Session = Kaiten;

    fn can_be() -> Vec<Facts> {
        [Dialect::Core, Dialect::Seed].map(|dialect| facts(dialect, false, "".into())).into()
    }

    async fn connect_with(endpoint: &Endpoint, client: Client) -> Result<Kaiten, RemoteError> {
        let token = match &endpoint.auth {
            Auth::None => None,
            Auth::Token(token) if problem::is_token(token.expose_secret()) => Some(token.clone()),
            Auth::Token(_) => {
                return Err(problem::ours(
                    Failure::SignIn,
                    "the token is empty, or holds characters that no token can hold",
                    "check where the target's `token` comes from: there may be a blank or a line break in it",
                ));
            }
            Auth::Password { .. } | Auth::ClientCredentials { .. } | Auth::RefreshToken(_) | Auth::CfCli(_) => {
                return Err(problem::ours(
                    Failure::SignIn,
                    "Kaiten signs in with a token and nothing else",
                    "write `token = { env = \"KAITEN_AUTH_TOKEN\" }` in the target's table",
                ));
            }
        };
        let client = client.at(&dialect::root(&endpoint.url))?;
        let url = endpoint.url.as_str().trim_end_matches('/').into();
        let seed_writes = endpoint.seed_writes;
        let mut kaiten = Self::Session {
            client,
            url,
            dialect: Dialect::Core,
            prefix: "/api",
            token,
            seed_writes,
            first_page: Mutex::default(),
        };
        match endpoint.api.as_deref() {
            Some("core") => {}
            Some("seed") => {
                kaiten.dialect = Dialect::Seed;
                kaiten.prefix = if dialect::names_api(&endpoint.url) { "/api" } else { "" };
            }
            _ => kaiten.detect().await?,
        }
        Ok(kaiten)
    }
}

fn facts(dialect: Dialect, seed_writes: bool, url: Arc<str>) -> Facts {
    let read_only = (dialect == Dialect::Seed && !seed_writes).then_some(
        "the seed dialect documents neither update nor delete; `seed_writes = true` at the target says that it has them all the same",
    );
    Facts { provider: Provided::NAME, url, api: dialect.as_str(), read_only }
}

impl Session for Kaiten {
    fn facts(&self) -> Facts {
        facts(self.dialect, self.seed_writes, Arc::clone(&self.url))
    }

    fn requests(&self) -> Requests {
        Requests { read: self.client.reads(), write: self.client.writes() }
    }

    fn throttle(&self) -> Option<Throttle> {
        self.client.throttle()
    }
}

impl Kaiten {
    /// Finds out by reads which dialect answers, and under which prefix (reference §12).
    async fn detect(&mut self) -> Result<(), RemoteError> {
        let mut statuses = Vec::new();
        for prefix in ["/api", ""] {
            let response = self.ask(Request::get(format!("{prefix}/instances?limit={PER_PAGE}"))).await?;
            match dialect::judge(response.status, response.json::<Json>().ok().as_ref(), prefix) {
                Probe::Is(dialect) => {
                    (self.dialect, self.prefix) = (dialect, prefix);
                    self.first_page = Mutex::new(Some(response).filter(Response::is_success));
                    return Ok(());
                }
                Probe::Refused => return Err(self.refusal(&response, None)),
                Probe::Elsewhere => statuses.push((prefix, response)),
            }
        }
        Err(dialect::unknown(&self.url, &statuses))
    }

    /// The instances as [`Kaiten::collection`] has them, beginning with the page that detection has read.
    async fn instances(&self, section: &'static Section, collection: &str) -> Result<Vec<Observed>, RemoteError> {
        let first = self.take_first_page();
        self.pages(section, collection, first).await
    }

    fn take_first_page(&self) -> Option<Response> {
        self.first_page.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The objects of a collection, in our terms. A dialect that cannot manage the kind has none that it could tell.
    async fn collection(&self, section: &'static Section, collection: &str) -> Result<Vec<Observed>, RemoteError> {
        self.pages(section, collection, None).await
    }

    async fn pages(
        &self,
        section: &'static Section,
        collection: &str,
        first: Option<Response>,
    ) -> Result<Vec<Observed>, RemoteError> {
        let project = |row: Row| wire::project(section, self.dialect, &row);
        self.walk(section, collection, first, project).await
    }

    /// A list that is only a part of an object, as it is.
    async fn rows(&self, section: &'static Section, collection: &str) -> Result<Vec<Row>, RemoteError> {
        self.walk(section, collection, None, Ok).await
    }

    async fn walk<T>(
        &self,
        section: &'static Section,
        collection: &str,
        first: Option<Response>,
        read: impl Fn(Row) -> Result<T, String>,
    ) -> Result<Vec<T>, RemoteError> {
        if !self.dialect.is_among(section.apis) {
            return Ok(Vec::new());
        }
        let joint = if collection.contains('?') { '&' } else { '?' };
        let path = |walk: &page::Walk| match self.dialect {
            Dialect::Core => format!("{}{collection}{joint}limit={PER_PAGE}{}", self.prefix, walk.query()),
            // The only query this dialect documents is `include_deleted`, which never revealed anything.
            Dialect::Seed => format!("{}{collection}", self.prefix),
        };
        let project = |rows: Vec<Row>| -> Result<Vec<T>, RemoteError> {
            rows.into_iter()
                .map(&read)
                .collect::<Result<_, _>>()
                .map_err(|detail| problem::malformed_at("GET", format!("{}{collection}", self.prefix), detail))
        };
        let mut objects = Vec::new();
        let mut walk = page::Walk::default();
        let mut response = match first {
            Some(first) => first,
            None => self.ask(Request::get(path(&walk))).await?,
        };
        loop {
            if !response.is_success() {
                let mut error = self.refusal(&response, Some(section));
                if error.failure == Failure::NotFound {
                    // A collection that is there is found, also an empty one.
                    error.help = Some("check the target's `url` and `dialect` in `trueup.toml`".to_owned());
                }
                return Err(error);
            }
            let page = response.json::<Json>().map_err(|error| problem::malformed(&response, error.detail))?;
            let ended = walk.take(page).map_err(|detail| problem::malformed(&response, detail))?;
            // Page by page: a row as JSON is many times as large as the object it tells.
            let rows = std::mem::take(&mut walk.rows);
            if ended {
                objects.extend(project(rows)?);
                return Ok(objects);
            }
            // The next page is on its way while this one is read.
            let (next, read) = tokio::join!(self.ask(Request::get(path(&walk))), async { project(rows) });
            objects.extend(read?);
            response = next?;
        }
    }

    /// Reads one object by its slug; `None` if Kaiten says that there is none.
    async fn find(
        &self,
        section: &'static Section,
        collection: &str,
        slug: &str,
    ) -> Result<Option<Observed>, RemoteError> {
        self.find_at(section, &format!("{collection}/{}", segment(slug))).await
    }

    /// The same for any path.
    async fn find_at(&self, section: &'static Section, path: &str) -> Result<Option<Observed>, RemoteError> {
        let response = self.ask(Request::get(format!("{}{path}", self.prefix))).await?;
        // A proxy's 404 says nothing about the object.
        if response.status == 404 && problem::is_problem(&response) {
            return Ok(None);
        }
        self.object(section, &response).map(Some)
    }

    /// Reads an answer as one object.
    fn object(&self, section: &'static Section, response: &Response) -> Result<Observed, RemoteError> {
        if !response.is_success() {
            return Err(self.refusal(response, Some(section)));
        }
        let row = response.json::<Row>().map_err(|error| error.detail);
        row.and_then(|row| wire::project(section, self.dialect, &row))
            .map_err(|detail| problem::malformed(response, detail))
    }

    /// Any request. Private to this provider: only [`Writer`] offers what writes.
    async fn ask(&self, request: Request) -> Result<Response, RemoteError> {
        let request = match &self.token {
            // The scheme is matched with its case.
            Some(token) => request.authorization("Bearer", token.expose_secret()),
            None => request,
        };
        Ok(self.client.send(request).await?)
    }

    fn refusal(&self, response: &Response, section: Option<&'static Section>) -> RemoteError {
        let mut error = problem::refusal(response, section, self.client.clock().now());
        if error.failure == Failure::SignIn {
            let token = self.token.as_ref().map(|token| token.expose_secret().trim_start());
            error.help = Some(problem::sign_in_help(token).to_owned());
        }
        error
    }
}

impl Writer<'_, Kaiten> {
    /// Creates an object with one request.
    async fn post(&self, section: &'static Section, collection: &str, body: Row) -> Result<Observed, RemoteError> {
        let kaiten = self.session();
        // What was read before a write says nothing after it.
        kaiten.take_first_page();
        let request = Request::write(Method::POST, format!("{}{collection}", kaiten.prefix))
            .json(&Json::Object(body))
            .untaken(problem::nothing_written);
        let response = kaiten.ask(request).await?;
        kaiten.object(section, &response)
    }

    /// The body of a create: the fields, and the slug, which is always ours (a generated one could never be declared).
    fn body(&self, section: &'static Section, proposal: Proposal<'_>, without: &[&str]) -> Row {
        let dialect = self.session().dialect;
        let mut body = Row::new();
        if dialect == Dialect::Core {
            body.insert("slug".to_owned(), proposal.identity.to_string().into());
        }
        body.extend(wire::encode(section, dialect, proposal.fields, without));
        body
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod emulated;
#[cfg(test)]
mod declared;
