//! Signing in at the UAA, and staying signed in for as long as a run takes.
//!
//! Tokens live in memory only, except those of a borrowed session, see [`cli_session`]. An access token is valid for minutes, a run may wait for hours: it is renewed shortly before it
//! ends, and once more when the Cloud Controller refuses it. All requests share one token and one renewal.

use std::sync::PoisonError;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::cli_session::{self, GivenBack, Replacement};
use super::error::{Purpose, come_back, malformed, problem};
use crate::clock::Clock;
use crate::http::{Client, Method, Request, Response, segment};
use crate::kind::{Failure, RemoteError};
use crate::model::RemoteProblem;
use crate::settings::{Auth, CfCli};

/// A token with less than this left is renewed before it is used, as the cf CLI does (reference, section 4.1).
const MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// While the UAA fails, and the token is still good, it is asked again after this long.
const PAUSE: SignedDuration = SignedDuration::from_secs(10);

/// The client that users sign in with, and its secret.
const CF_CLIENT: (&str, &str) = ("cf", "");

/// Whoever else renews a session has this long to write down what it was renewed to.
const OTHERS: Duration = Duration::from_secs(1);

/// Signed in, or about to be.
pub struct SignIn {
    uaa: Client,
    auth: Auth,
    clock: Clock,
    held: Mutex<Held>,
    /// What the user should know of although signing in went well.
    notes: std::sync::Mutex<Vec<String>>,
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
    /// The access token that was last seen in the cf CLI's file.
    seen: Option<SecretString>,
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
    /// What a JWT says of itself. Its signature is not our business.
    fn of(token: &str) -> Option<Self> {
        let Claims { iat, exp, .. } = Claims::of(token)?;
        let from = iat.and_then(|iat| Timestamp::from_second(iat).ok()).unwrap_or(Timestamp::MIN);
        Some(Self { from, until: Timestamp::from_second(exp?).ok()? })
    }

    /// One that is over.
    const ENDED: Self = Self { from: Timestamp::MIN, until: Timestamp::MIN };

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
    Refresh { token: &'a SecretString, client_id: &'a str, client_secret: &'a str },
}

impl<'a> Grant<'a> {
    fn refresh(token: &'a SecretString) -> Self {
        let (client_id, client_secret) = CF_CLIENT;
        Self::Refresh { token, client_id, client_secret }
    }
}

impl SignIn {
    /// Prepares to sign in at `uaa`; asks nothing yet.
    pub fn new(uaa: Client, auth: Auth, clock: &Clock) -> Self {
        let mut held = Held::default();
        match &auth {
            Auth::Token(token) => {
                let text = token.expose_secret().trim();
                let bare = text.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
                let access = bare.map_or(text, |(_, token)| token.trim());
                held.token = Some(Token { access: access.into(), refresh: None, life: Life::of(access) });
                if Claims::of(access).is_some_and(|claims| claims.is_of_refresh_token()) {
                    held.refused = Some(not_an_access_token());
                }
            }
            Auth::CfCli(session) => held.take(session),
            Auth::RefreshToken(token) => {
                // White space around it came with the file or variable it is kept in.
                let refresh = Some(token.expose_secret().trim().into());
                held.token = Some(Token { access: SecretString::default(), refresh, life: Some(Life::ENDED) });
            }
            Auth::Password { .. } | Auth::ClientCredentials { .. } | Auth::None => {}
        }
        Self { uaa, auth, clock: clock.clone(), held: Mutex::new(held), notes: std::sync::Mutex::default() }
    }

    /// What the user should know of although signing in went well.
    pub fn notes(&self) -> Vec<String> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A token that is good for a request now.
    pub async fn access(&self) -> Result<Access, RemoteError> {
        let mut held = self.held.lock().await;
        if let (Auth::Token(_), Some(refused)) = (&self.auth, &held.refused) {
            return Err(refused.clone());
        }
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
        let refresh = held.token.as_ref().and_then(|token| token.refresh.clone());
        let outcome = match &self.auth {
            Auth::CfCli(session) => self.renew_borrowed(session, refresh, &mut held.seen).await,
            _ => self.obtain(refresh).await,
        };
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
                    match self.exchange(refresh).await {
                        Ok(token) => return Ok(token),
                        Err(error) if error.failure == Failure::SignIn => {}
                        Err(error) => return Err(error),
                    }
                }
                self.ask(Grant::Password { username, password, origin: origin.as_deref() }).await
            }
            Auth::ClientCredentials { client_id, client_secret } => {
                self.ask(Grant::ClientCredentials { client_id, client_secret }).await
            }
            Auth::RefreshToken(_) => self.exchange(refresh.expect("there is one from the start")).await,
            Auth::CfCli(_) => unreachable!("borrowed sessions are renewed otherwise"),
            Auth::Token(_) | Auth::None => Err(not_configured()),
        }
    }

    async fn exchange(&self, refresh: SecretString) -> Result<Token, RemoteError> {
        let token = self.ask(Grant::refresh(&refresh)).await?;
        // A server that does not rotate refresh tokens leaves the old one valid.
        Ok(Token { refresh: token.refresh.or(Some(refresh)), ..token })
    }

    /// Takes what the cf CLI has renewed meanwhile, else renews its session, and gives it back if its refresh token was
    /// good for one use only. `own`: a refresh token that could not be given back.
    async fn renew_borrowed(
        &self,
        borrowed: &CfCli,
        own: Option<SecretString>,
        seen: &mut Option<SecretString>,
    ) -> Result<Token, RemoteError> {
        let text = |secret: &Option<SecretString>| secret.as_ref().map(|secret| secret.expose_secret().to_owned());
        let mut refused: Option<(SecretString, RemoteError)> = None;
        loop {
            let session = cli_session::read_again(borrowed)?;
            let theirs = session.access_token.as_ref().filter(|_| text(&session.access_token) != text(seen));
            if let Some(access) = theirs {
                *seen = Some(access.clone());
                let life = Life::of(access.expose_secret());
                if life.is_none_or(|life| !life.ends_soon(self.clock.now())) {
                    return Ok(Token { access: access.clone(), refresh: None, life });
                }
            }
            let Some(refresh) = own.clone().or_else(|| session.refresh_token.clone()) else {
                if session.of_client && !session.client_secret.expose_secret().is_empty() {
                    let (client_id, client_secret) = (&session.client_id, &session.client_secret);
                    return self.ask(Grant::ClientCredentials { client_id, client_secret }).await;
                }
                return Err(cli_session::cannot_be_renewed(&session));
            };
            if let Some((sent, error)) = &refused
                && sent.expose_secret() == refresh.expose_secret()
            {
                return Err(error.clone());
            }
            let replacement = Replacement::prepare(&session.file)?;
            let client_secret = session.client_secret.expose_secret();
            let grant = Grant::Refresh { token: &refresh, client_id: &session.client_id, client_secret };
            let again = refused.is_some();
            match self.ask(grant).await {
                Ok(token) => {
                    let token = Token { refresh: token.refresh.or(own), ..token };
                    return Ok(self.give_back(token, session.refresh_token.as_ref(), replacement, seen));
                }
                // Somebody else may have used it just now, and writes down the next one.
                Err(error) if error.failure == Failure::SignIn && !again => {
                    let help = Some("the session has ended: run `cf login`".to_owned());
                    refused = Some((refresh, RemoteError { help, ..error }));
                    self.clock.sleep(OTHERS).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Sees to it that the file has the refresh token that is good from now on. `was`: the one that was there.
    fn give_back(
        &self,
        token: Token,
        was: Option<&SecretString>,
        replacement: Replacement,
        seen: &mut Option<SecretString>,
    ) -> Token {
        let was = was.map_or("", |was| was.expose_secret());
        let next = token.refresh.as_ref().filter(|next| next.expose_secret() != was);
        let Some(next) = next else { return Token { refresh: None, ..token } };
        match replacement.give_back(was, &token.access, next) {
            GivenBack::Written => {
                *seen = Some(token.access.clone());
                Token { refresh: None, ..token }
            }
            GivenBack::Overtaken => Token { refresh: None, ..token },
            GivenBack::Lost(why) => {
                let note =
                    format!("the cf CLI's session was renewed and could not be written back, run `cf login`: {why}");
                self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(note);
                token
            }
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
    fn take(&mut self, session: &CfCli) {
        let access = session.access_token.clone();
        self.seen.clone_from(&access);
        self.token = access.map(|access| {
            let life = Life::of(access.expose_secret());
            Token { access, refresh: None, life }
        });
    }

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
    let signed = |request: Request, client_id: &str, client_secret: &str| {
        request.authorization("Basic", &BASE64_STANDARD.encode(format!("{client_id}:{client_secret}")))
    };
    match grant {
        Grant::Password { username, password, .. } => signed(request, CF_CLIENT.0, CF_CLIENT.1).form([
            ("grant_type", "password"),
            ("username", username),
            ("password", password.expose_secret()),
        ]),
        Grant::Refresh { token, client_id, client_secret } => signed(request, client_id, client_secret)
            .form([("grant_type", "refresh_token"), ("refresh_token", token.expose_secret())]),
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
    let until = by_answer.or_else(|| Life::of(&granted.access_token).map(|life| life.until));
    Ok(Token {
        access: granted.access_token.into(),
        refresh: granted.refresh_token.filter(|token| !token.is_empty()).map(Into::into),
        life: until.map(|until| Life { from: now, until }),
    })
}

/// What a JWT says of itself.
#[derive(Deserialize)]
struct Claims {
    iat: Option<i64>,
    exp: Option<i64>,
    jti: Option<String>,
}

impl Claims {
    fn of(token: &str) -> Option<Self> {
        let payload = token.split('.').nth(1)?;
        let claims = BASE64_URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
        serde_json::from_slice(&claims).ok()
    }

    /// The Cloud Controller refuses them (reference, section 4.2).
    fn is_of_refresh_token(&self) -> bool {
        self.jti.as_ref().is_some_and(|jti| jti.ends_with("-r"))
    }
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
        | Grant::Refresh { token: secret, .. } => secret.expose_secret(),
    };
    let words = words.map(|words| if secret.is_empty() { words } else { words.replace(secret, "[redacted]") });
    let locked = words.as_ref().is_some_and(|words| words.to_lowercase().contains("locked"));
    let help = match (failure, code.as_deref(), grant) {
        (Failure::SignIn, _, _) if locked => {
            "the account is locked: wait some minutes, or have an administrator unlock it; then check the password"
        }
        (Failure::SignIn, Some("invalid_client"), Grant::ClientCredentials { .. }) => {
            "check `client_id` and `client_secret` of the target's `auth`, and that the client may use this grant"
        }
        (Failure::SignIn, Some("invalid_client"), _) => {
            "the UAA does not accept the cf CLI's own client: sign in with `method = \"client-credentials\"`"
        }
        (Failure::SignIn, _, Grant::Refresh { .. }) => {
            "the refresh token has ended, was revoked, or was good for one use only: provide a new one"
        }
        (Failure::SignIn, Some("unauthorized"), Grant::Password { origin: None, .. }) => {
            "check `username` and `password` of the target's `auth`; users of another identity provider need its `origin`"
        }
        (Failure::SignIn, Some("unauthorized"), Grant::Password { .. }) => {
            "check `username`, `password` and `origin` of the target's `auth`"
        }
        (Failure::SignIn, _, _) => "check the target's `auth` in `trueup.toml`",
        (Failure::RateLimited | Failure::Server, _, _) => "try again later",
        _ => "check that `url` is the API of a Cloud Foundry, and nothing in between answers for its UAA",
    };
    let help = come_back(failure, answer).or_else(|| Some(help.to_owned()));
    RemoteError {
        failure,
        message: match failure {
            Failure::SignIn => "signing in was refused",
            Failure::RateLimited => "the UAA asks to come back later",
            Failure::Server => "the UAA failed",
            _ => "what answers in the UAA's place cannot be understood",
        }
        .to_owned(),
        help,
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

fn not_an_access_token() -> RemoteError {
    local(
        "the token is a refresh token, which no API accepts".to_owned(),
        "write `method = \"refresh-token\"`, or provide an access token: `cf oauth-token` prints one",
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
