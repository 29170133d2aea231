//! Signing in at the UAA, and staying signed in for as long as a run takes.
//!
//! Tokens live in memory only. An access token is valid for minutes, a run may wait for hours: it is renewed shortly before it
//! ends, and once more when the Cloud Controller refuses it. All requests share one token and one renewal.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::error::{Purpose, malformed, problem};
use crate::clock::Clock;
use crate::http::{Client, Method, Request, Response, segment};
use crate::kind::{Failure, RemoteError};
use crate::model::RemoteProblem;
use crate::settings::Auth;

/// A token with less than this left is renewed before it is used, as the cf CLI does (reference, section 4.1).
const MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// While the UAA fails, and the token is still good, it is asked again after this long.
const PAUSE: SignedDuration = SignedDuration::from_secs(10);

/// The client that users sign in with.
const CF_CLIENT: &str = "cf:";

/// Signed in, or about to be.
pub struct SignIn {
    uaa: Client,
    auth: Auth,
    clock: Clock,
    held: Mutex<Held>,
}

/// The right to send one request.
#[derive(Debug, Clone)]
pub struct Access {
    /// What follows `bearer `.
    pub token: SecretString,
    number: u64,
}

#[derive(Default)]
struct Held {
    token: Option<Token>,
    /// How many tokens there have been: tells a token from the one after it.
    number: u64,
    /// The UAA failed; until this it is left alone if it can be.
    failed_until: Option<Timestamp>,
    /// The UAA's refusal. Asking again with the same secret would only help to lock the account.
    refused: Option<RemoteError>,
}

struct Token {
    access: SecretString,
    refresh: Option<SecretString>,
    life: Option<Life>,
}

/// How long a token is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Life {
    from: Timestamp,
    until: Timestamp,
}

impl Life {
    /// Whether so little is left that a request sent now might arrive too late. Of a short life, half is always used.
    fn ends_soon(self, now: Timestamp) -> bool {
        let margin = MARGIN.min(self.until.duration_since(self.from) / 2);
        self.until.duration_since(now) < margin
    }
}

#[derive(Clone, Copy)]
enum Grant<'a> {
    Password { username: &'a str, password: &'a SecretString, origin: Option<&'a str> },
    ClientCredentials { client_id: &'a str, client_secret: &'a SecretString },
    Refresh(&'a SecretString),
}

impl SignIn {
    /// Prepares to sign in at `uaa`; asks nothing yet.
    pub fn new(uaa: Client, auth: Auth, clock: &Clock) -> Self {
        let mut held = Held::default();
        if let Auth::Token(token) = &auth {
            let text = token.expose_secret().trim();
            let bare = text.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
            let access = bare.map_or(text, |(_, token)| token.trim());
            let life = expiry_of(access).map(|until| Life { from: Timestamp::MIN, until });
            held.token = Some(Token { access: access.into(), refresh: None, life });
        }
        Self { uaa, auth, clock: clock.clone(), held: Mutex::new(held) }
    }

    /// A token that is good for a request now.
    pub async fn access(&self) -> Result<Access, RemoteError> {
        let mut held = self.held.lock().await;
        let now = self.clock.now();
        if let Some(token) = &held.token {
            match (&self.auth, token.life) {
                (Auth::Token(_), Some(life)) if life.until <= now => return Err(expired(life.until)),
                (Auth::Token(_), _) | (_, None) => return Ok(held.current()),
                (_, Some(life)) if !life.ends_soon(now) => return Ok(held.current()),
                (_, Some(life)) if now < life.until && held.failed_until.is_some_and(|until| now < until) => {
                    return Ok(held.current());
                }
                _ => {}
            }
        }
        let outcome = self.renew(&mut held).await;
        let now = self.clock.now();
        let still_good = held.token.as_ref().and_then(|token| token.life).is_some_and(|life| now < life.until);
        match outcome {
            // A UAA that is away for a moment takes nothing from a token that has not ended.
            Err(error) if error.failure != Failure::SignIn && still_good => {
                held.failed_until = now.checked_add(PAUSE).ok();
                Ok(held.current())
            }
            outcome => outcome,
        }
    }

    /// Another token than one that was refused: the one that somebody else has fetched meanwhile, or a new one. `None` if
    /// there is no way to another.
    pub async fn replace(&self, refused: &Access) -> Result<Option<Access>, RemoteError> {
        if matches!(self.auth, Auth::Token(_) | Auth::None) {
            return Ok(None);
        }
        let mut held = self.held.lock().await;
        if held.number != refused.number {
            return Ok(Some(held.current()));
        }
        self.renew(&mut held).await.map(Some)
    }

    async fn renew(&self, held: &mut Held) -> Result<Access, RemoteError> {
        if let Some(refused) = &held.refused {
            return Err(refused.clone());
        }
        let outcome = self.obtain(held.token.as_ref().and_then(|token| token.refresh.clone())).await;
        match outcome {
            Ok(token) => {
                held.token = Some(token);
                held.number += 1;
                Ok(held.current())
            }
            Err(error) => {
                if error.failure == Failure::SignIn {
                    held.refused = Some(error.clone());
                }
                Err(error)
            }
        }
    }

    async fn obtain(&self, refresh: Option<SecretString>) -> Result<Token, RemoteError> {
        match &self.auth {
            Auth::Password { username, password, origin } => {
                if let Some(refresh) = refresh {
                    match self.ask(Grant::Refresh(&refresh)).await {
                        // A server that does not rotate refresh tokens leaves the old one valid.
                        Ok(token) => return Ok(Token { refresh: token.refresh.or(Some(refresh)), ..token }),
                        Err(error) if error.failure == Failure::SignIn => {}
                        Err(error) => return Err(error),
                    }
                }
                self.ask(Grant::Password { username, password, origin: origin.as_deref() }).await
            }
            Auth::ClientCredentials { client_id, client_secret } => {
                self.ask(Grant::ClientCredentials { client_id, client_secret }).await
            }
            Auth::Token(_) | Auth::None => Err(not_configured()),
        }
    }

    async fn ask(&self, grant: Grant<'_>) -> Result<Token, RemoteError> {
        let answer = self.uaa.send(request(grant)).await?;
        let now = self.clock.now();
        if !answer.is_success() {
            return Err(refusal(&answer, grant));
        }
        token(&answer, now)
    }
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SignIn({:?})", self.uaa)
    }
}

impl Held {
    fn current(&self) -> Access {
        let token = self.token.as_ref().expect("a token is held when it is handed out");
        Access { token: token.access.clone(), number: self.number }
    }
}

fn request(grant: Grant<'_>) -> Request {
    let mut path = "/oauth/token".to_owned();
    if let Grant::Password { origin: Some(origin), .. } = grant {
        path.push_str("?login_hint=");
        path.push_str(&segment(&serde_json::json!({ "origin": origin }).to_string()));
    }
    // A repeated grant changes nothing but the token that is held.
    let request = Request::read(Method::POST, path).header(reqwest::header::ACCEPT, "application/json");
    let as_cf = |request: Request| request.authorization("Basic", &BASE64_STANDARD.encode(CF_CLIENT));
    match grant {
        Grant::Password { username, password, .. } => as_cf(request).form([
            ("grant_type", "password"),
            ("username", username),
            ("password", password.expose_secret()),
        ]),
        Grant::Refresh(token) => {
            as_cf(request).form([("grant_type", "refresh_token"), ("refresh_token", token.expose_secret())])
        }
        Grant::ClientCredentials { client_id, client_secret } => request.form([
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("client_secret", client_secret.expose_secret()),
        ]),
    }
}

fn token(answer: &Response, now: Timestamp) -> Result<Token, RemoteError> {
    #[derive(Deserialize)]
    struct Granted {
        access_token: String,
        refresh_token: Option<String>,
        expires_in: Option<i64>,
    }
    let granted: Granted = answer.json().map_err(|error| malformed(answer, Purpose::Read, error))?;
    // The server's clock may differ from ours, so its "in … seconds" is better than its "at …".
    let by_answer = granted.expires_in.and_then(|seconds| now.checked_add(SignedDuration::from_secs(seconds)).ok());
    let until = by_answer.or_else(|| expiry_of(&granted.access_token));
    Ok(Token {
        access: granted.access_token.into(),
        refresh: granted.refresh_token.filter(|token| !token.is_empty()).map(Into::into),
        life: until.map(|until| Life { from: now, until }),
    })
}

/// When a JWT says it ends. Its signature is not our business.
fn expiry_of(token: &str) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Claims {
        exp: i64,
    }
    let payload = token.split('.').nth(1)?;
    let claims = BASE64_URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let Claims { exp } = serde_json::from_slice(&claims).ok()?;
    Timestamp::from_second(exp).ok()
}

/// What the UAA's refusal means (reference, section 4.1). Its words never show the secret, even if it should repeat it.
fn refusal(answer: &Response, grant: Grant<'_>) -> RemoteError {
    #[derive(Deserialize)]
    struct Refused {
        error: String,
        error_description: Option<String>,
    }
    let refused = answer.json::<Refused>().ok();
    let failure = match answer.status {
        429 => Failure::RateLimited,
        500.. => Failure::Server,
        400..500 if refused.is_some() => Failure::SignIn,
        401 | 403 => Failure::SignIn,
        _ => Failure::Malformed,
    };
    let (code, words) = match refused {
        Some(refused) => (Some(refused.error), refused.error_description),
        None => (None, answer.excerpt()),
    };
    let secret = match grant {
        Grant::Password { password: secret, .. }
        | Grant::ClientCredentials { client_secret: secret, .. }
        | Grant::Refresh(secret) => secret.expose_secret(),
    };
    let words = words.map(|words| if secret.is_empty() { words } else { words.replace(secret, "[redacted]") });
    let help = match (failure, code.as_deref()) {
        (Failure::SignIn, Some("invalid_client")) => {
            Some("check `client_id` and `client_secret` of the target's `auth`")
        }
        (Failure::SignIn, Some("invalid_token")) => Some("sign in again"),
        (Failure::SignIn, _) => Some("check the target's `auth` in `trueup.toml`, and that the account is not locked"),
        (Failure::RateLimited | Failure::Server, _) => Some("try again later"),
        _ => Some("check that `url` is the API of a Cloud Foundry, and nothing in between answers for its UAA"),
    };
    RemoteError {
        failure,
        message: match failure {
            Failure::SignIn => "signing in was refused",
            Failure::RateLimited => "the UAA asks to come back later",
            Failure::Server => "the UAA failed",
            _ => "what answers in the UAA's place cannot be understood",
        }
        .to_owned(),
        help: help.map(str::to_owned),
        problem: problem(answer, code, words),
        fields: Vec::new(),
        uncertain: false,
    }
}

fn expired(at: Timestamp) -> RemoteError {
    local(
        format!("the token expired at {at:.0}"),
        "provide a new token, or configure `auth` with a method that can renew it: `password` or `client-credentials`",
    )
}

fn not_configured() -> RemoteError {
    local("not signed in".to_owned(), "configure `auth` for this target in `trueup.toml`")
}

/// A refusal of ours, before anything was asked.
fn local(message: String, help: &str) -> RemoteError {
    RemoteError {
        failure: Failure::SignIn,
        message,
        help: Some(help.to_owned()),
        problem: Box::new(RemoteProblem::default()),
        fields: Vec::new(),
        uncertain: false,
    }
}

#[cfg(test)]
mod tests;
