//! The client of one target.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Method;
use url::Url;

use super::budget::{Budget, Throttle};
use super::response::clean;
use super::retry::{Verdict, Waits, judge};
use super::{Body, Request, Response};
use crate::clock::Clock;
use crate::settings::Endpoint;

/// The largest body that is read, in bytes.
const LARGEST_BODY: usize = 64 * 1024 * 1024;

/// For how much of a body room is made before it is there, in bytes.
const LARGEST_TOLD: usize = 8 * 1024 * 1024;

/// How long making a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Sends requests to one target: never more at a time than its parallelism allows, and none while the target asks to wait.
/// Cheap to clone; clones share the budget and the counts.
#[derive(Clone)]
pub struct Client {
    base: Arc<str>,
    http: reqwest::Client,
    reach: Reach,
    clock: Clock,
    trust: Trust,
    budget: Arc<Budget>,
}

/// A client that cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The extra certificate authorities are not PEM certificates.
    #[error("the certificate authorities cannot be read: {0}")]
    Authorities(String),
    /// Anything else, such as a system without any certificate authority.
    #[error("no connections can be made: {0}")]
    Client(String),
}

/// A request to which no answer came, or none that could be read whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Transport {
    /// What happened.
    pub why: Why,
    /// The same in words: lower case, no full stop, without the URL.
    pub message: String,
    /// The method of the request.
    pub method: Method,
    /// The path of the request, without its query.
    pub path: String,
    /// Whether it was a write that may have taken effect all the same.
    pub uncertain: bool,
}

/// Why no answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// No connection was made; the remote has not seen the request.
    NoConnection,
    /// The certificate is not trusted; the remote has not seen the request.
    Untrusted,
    /// The answer took too long.
    TimedOut,
    /// The connection ended before the answer did.
    Cut,
    /// The answer is larger than is read.
    TooLarge,
    /// The request could not be sent as it is.
    Invalid,
}

#[derive(Clone)]
struct Trust {
    ca: Option<Vec<u8>>,
    skip_tls_verify: bool,
    timeout: Duration,
}

impl Client {
    /// A client for an endpoint, with its certificate authorities, its timeout and its number of requests at a time.
    pub fn new(endpoint: &Endpoint, clock: &Clock) -> Result<Self, BuildError> {
        let reach = Reach::of(&endpoint.url);
        let trust = Trust {
            ca: endpoint.ca.clone(),
            skip_tls_verify: endpoint.skip_tls_verify,
            timeout: endpoint.request_timeout,
        };
        Ok(Self {
            base: base(&endpoint.url),
            http: build(reach, &trust)?,
            reach,
            clock: clock.clone(),
            trust,
            budget: Arc::new(Budget::new(endpoint.parallelism)),
        })
    }

    /// The same client for another URL of the same target, such as its sign-in: shares the budget and the counts, and the
    /// connections if both are reached alike.
    pub fn at(&self, url: &Url) -> Result<Self, BuildError> {
        let reach = Reach::of(url);
        let http = if reach == self.reach { self.http.clone() } else { build(reach, &self.trust)? };
        Ok(Self { base: base(url), http, reach, ..self.clone() })
    }

    /// The base URL, without a slash at its end.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The clock it waits by.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// How many requests that only read have been sent, tries again included.
    pub fn reads(&self) -> u64 {
        self.budget.reads()
    }

    /// How many requests that write have been sent, tries again included.
    pub fn writes(&self) -> u64 {
        self.budget.writes()
    }

    /// What holds requests to the target back now, if anything does.
    pub fn throttle(&self) -> Option<Throttle> {
        self.budget.throttle(self.clock.now())
    }

    /// Sends a request until there is an answer worth having. Any status is an answer; only its absence is an error.
    ///
    /// A read is tried again after lost connections, timeouts, 408, 429 and 5xx; a write only when the remote cannot
    /// have taken it, and otherwise comes back as `uncertain`. Redirects are answers too: none is followed, the token
    /// goes nowhere else.
    pub async fn send(&self, request: Request) -> Result<Response, Transport> {
        let mut waits = Waits::new();
        for attempt in 1.. {
            let turn = self.budget.turn(&self.clock).await;
            let outcome = self.try_once(&request, attempt).await;
            let now = self.clock.now();
            if let Ok(answer) = &outcome {
                turn.learn(answer, now);
            }
            drop(turn);
            let verdict = judge(request.tries, outcome.as_ref(), now);
            let Some(wait) = waits.next(verdict, self.clock.chance()) else { return outcome };
            if let Verdict::After(asked) = verdict {
                self.budget.postpone(now, asked);
            }
            self.clock.sleep(wait).await;
        }
        unreachable!("tries end before numbers do")
    }

    async fn try_once(&self, request: &Request, attempt: u32) -> Result<Response, Transport> {
        self.budget.count(request.writes());
        let begun = Instant::now();
        let outcome = self.exchange(request).await;
        let (method, path) = (&request.method, request.shown_path());
        let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        match &outcome {
            Ok(response) => tracing::debug!(%method, path, status = response.status, ms, attempt, "answered"),
            Err(error) => tracing::debug!(%method, path, why = ?error.why, ms, attempt, "not answered"),
        }
        outcome
    }

    async fn exchange(&self, request: &Request) -> Result<Response, Transport> {
        let lost = |error: reqwest::Error| Transport::lost(request, error);
        let mut sending = self
            .http
            .request(request.method.clone(), format!("{}{}", self.base, request.path))
            .header("accept", "application/json")
            .headers(request.headers.clone());
        sending = match &request.body {
            Body::None => sending,
            Body::Json(json) => sending.header("content-type", "application/json").body(json.clone()),
            Body::Form(form) => sending.header("content-type", "application/x-www-form-urlencoded").body(form.clone()),
        };
        let mut answer = sending.send().await.map_err(lost)?;
        // A size that is told may be wrong, so it only spares the body from being copied while it grows.
        let told = answer.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or_default();
        let mut body = Vec::with_capacity(told.min(LARGEST_TOLD));
        while let Some(chunk) = answer.chunk().await.map_err(lost)? {
            // Counted after decompression: a small answer can be a large one.
            if body.len() + chunk.len() > LARGEST_BODY {
                return Err(Transport::too_large(request));
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = Response {
            status: answer.status().as_u16(),
            headers: std::mem::take(answer.headers_mut()),
            body,
            method: request.method.clone(),
            path: request.shown_path().to_owned(),
            uncertain: false,
        };
        response.forget(request.credentials());
        response.uncertain = match request.tries {
            super::Tries::Read => false,
            super::Tries::Write(untaken) => (response.status >= 500 || response.status == 408) && !untaken(&response),
        };
        Ok(response)
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Client({})", self.base)
    }
}

impl Transport {
    fn lost(request: &Request, error: reqwest::Error) -> Self {
        let why = if error.is_builder() {
            Why::Invalid
        } else if error.is_connect() {
            if chain(&error).any(|cause| cause.to_string().contains("certificate")) {
                Why::Untrusted
            } else {
                Why::NoConnection
            }
        } else if error.is_timeout() {
            Why::TimedOut
        } else {
            Why::Cut
        };
        let whom = error.url().map(|url| format!(" to {}", url.origin().ascii_serialization())).unwrap_or_default();
        // The outermost messages repeat the URL and say little; the innermost one is the reason.
        let error = error.without_url();
        let reason = chain(&error).last().map(|cause| clean(&cause.to_string(), 200)).unwrap_or_default();
        let message = match why {
            Why::NoConnection if error.is_timeout() => format!("no connection{whom} within 10 s"),
            Why::NoConnection => format!("no connection{whom}: {reason}"),
            Why::Untrusted => format!("the certificate is not trusted: {reason}"),
            Why::TimedOut => "no answer in time".to_owned(),
            Why::Invalid => "the request cannot be sent as it is".to_owned(),
            Why::Cut | Why::TooLarge => format!("the connection ended before the answer: {reason}"),
        };
        Self::new(request, why, message)
    }

    fn too_large(request: &Request) -> Self {
        Self::new(request, Why::TooLarge, format!("the answer is larger than {} MiB", LARGEST_BODY >> 20))
    }

    fn new(request: &Request, why: Why, message: String) -> Self {
        let seen = matches!(why, Why::TimedOut | Why::Cut | Why::TooLarge);
        Self {
            why,
            message,
            method: request.method.clone(),
            path: request.shown_path().to_owned(),
            uncertain: request.writes() && seen,
        }
    }

    #[cfg(test)]
    pub(super) fn sample() -> Self {
        Self::new(&Request::get("/x"), Why::Cut, "cut".to_owned())
    }
}

fn chain(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error as &(dyn std::error::Error + 'static)), |error| error.source())
}

fn base(url: &Url) -> Arc<str> {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.as_str().trim_end_matches('/').into()
}

/// What is between here and a URL, as far as connections are made differently for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// This machine, unencrypted.
    Here,
    /// This machine, encrypted.
    HereEncrypted,
    /// Any other.
    There,
}

impl Reach {
    fn of(url: &Url) -> Self {
        match (is_loopback(url), url.scheme()) {
            (true, "http") => Self::Here,
            (true, _) => Self::HereEncrypted,
            (false, _) => Self::There,
        }
    }
}

fn build(reach: Reach, trust: &Trust) -> Result<reqwest::Client, BuildError> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("trueup/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(trust.timeout);
    if reach != Reach::There {
        // No proxy knows this machine by that name.
        builder = builder.no_proxy();
    }
    if reach == Reach::Here {
        // Reading the system's certificate authorities costs more than a whole plan against the sandbox.
        return builder.tls_certs_only([]).build().map_err(|error| BuildError::Client(reason(&error)));
    }
    if let Some(pem) = &trust.ca {
        let authorities =
            reqwest::Certificate::from_pem_bundle(pem).map_err(|error| BuildError::Authorities(reason(&error)))?;
        if authorities.is_empty() {
            return Err(BuildError::Authorities("there is no certificate in the file".to_owned()));
        }
        builder = builder.tls_certs_merge(authorities);
    }
    builder
        .tls_danger_accept_invalid_certs(trust.skip_tls_verify)
        .build()
        .map_err(|error| BuildError::Client(reason(&error)))
}

fn reason(error: &reqwest::Error) -> String {
    chain(error).last().map(|cause| clean(&cause.to_string(), 200)).unwrap_or_default()
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests;
