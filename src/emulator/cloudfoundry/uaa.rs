//! The UAA: signs users and clients in, and reads the tokens it gave out.
//!
//! Tokens are JWTs in form, signed with a key that everybody can read here. Everything is in the token, so one that was
//! given out before a restart is still good after it.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::access::Caller;
use super::call::{Call, Reply};
use super::errors::{Error, Failure};
use super::options::{Client, Options, Refresh, User};
use super::store::Store;

const KEY: &str = "the sandbox guards nothing";

/// Wrong passwords in a row, by user. Forgotten on a restart.
#[derive(Debug, Default)]
pub(super) struct Attempts(HashMap<String, u32>);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Claims {
    jti: String,
    sub: String,
    scope: Vec<String>,
    client_id: String,
    cid: String,
    azp: String,
    grant_type: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    user_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    origin: Option<String>,
    iat: i64,
    exp: i64,
    iss: String,
    zid: String,
    aud: Vec<String>,
}

fn sign(signed: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{KEY}.{signed}")))
}

fn encode(claims: &Claims) -> String {
    let header = URL_SAFE_NO_PAD.encode(json!({"alg": "HS256", "kid": "sandbox", "typ": "JWT"}).to_string());
    let payload = serde_json::to_string(claims).expect("claims are plain data");
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(payload));
    let signature = sign(&signed);
    format!("{signed}.{signature}")
}

/// The claims of a token that was given out here and has not expired.
fn decode(token: &str, now: Timestamp) -> Option<Claims> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (_, payload) = signed.split_once('.')?;
    if sign(signed) != signature {
        return None;
    }
    let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    (claims.exp > now.as_second()).then_some(claims)
}

/// Who sends a request to the Cloud Controller: nobody, the holder of a good token, or a refusal (reference section 4.2).
pub(super) fn authenticate(options: &Options, store: &Store, call: &Call, now: Timestamp) -> Result<Caller, Failure> {
    let Some(header) = call.header("authorization") else { return Ok(Caller::nobody()) };
    let bearer = header.split_once(' ').filter(|(kind, _)| kind.eq_ignore_ascii_case("bearer"));
    let Some((_, token)) = bearer else { return Err(Error::InvalidAuthToken.into()) };
    if let Some((fixed, name)) = &options.fixed_token
        && token.trim() == fixed
    {
        let user = options.users.iter().find(|user| user.name == *name);
        let user = user.expect("the fixed token's user was looked up at the start");
        return Ok(Caller::new(store, &user.guid, user.scopes.clone(), Some(user)));
    }
    let claims = decode(token.trim(), now).filter(|claims| !claims.jti.ends_with("-r"));
    let Some(claims) = claims else { return Err(Error::InvalidAuthToken.into()) };
    let user = claims.user_id.as_ref().and_then(|id| options.users.iter().find(|user| user.guid == *id));
    Ok(Caller::new(store, &claims.sub, claims.scope, user))
}

/// What UAA says to a request it does not grant.
struct Refusal {
    status: u16,
    error: &'static str,
    description: String,
}

fn refused(status: u16, error: &'static str, description: &str) -> Refusal {
    Refusal { status, error, description: description.to_owned() }
}

/// `GET /login` and `GET /info`: what a client may ask its user for.
pub(super) fn prompts(call: &Call) -> Reply {
    let origin = call.origin();
    Reply::json(
        200,
        json!({
            "app": {"version": "77.0.0"},
            "links": {"uaa": origin, "login": origin},
            "zone_name": "uaa",
            "prompts": {"username": ["text", "Email"], "password": ["password", "Password"]}
        }),
    )
}

/// The part of UAA behind `POST /oauth/token`, for the length of one request.
pub(super) struct TokenEndpoint<'a> {
    pub(super) options: &'a Options,
    pub(super) store: &'a mut Store,
    pub(super) attempts: &'a mut Attempts,
    pub(super) now: Timestamp,
}

impl TokenEndpoint<'_> {
    pub(super) fn answer(&mut self, call: &Call) -> Reply {
        let form: HashMap<String, String> = url::form_urlencoded::parse(&call.body).into_owned().collect();
        self.grant(call, &form)
            .unwrap_or_else(|Refusal { status, error, description }| {
                Reply::json(status, json!({"error": error, "error_description": description}))
            })
            .with("cache-control", "no-store".to_owned())
    }

    fn grant(&mut self, call: &Call, form: &HashMap<String, String>) -> Result<Reply, Refusal> {
        let client = self.client(call, form)?.clone();
        let field = |name: &str| form.get(name).map(String::as_str).filter(|value| !value.is_empty());
        let grant = field("grant_type").ok_or_else(|| refused(400, "invalid_request", "Missing grant type"))?;
        if !["password", "client_credentials", "refresh_token"].contains(&grant) {
            let description = format!("Unsupported grant type: {grant}");
            return Err(refused(400, "unsupported_grant_type", &description));
        }
        if !client.grants.iter().any(|allowed| allowed == grant) {
            return Err(refused(401, "invalid_client", &format!("Unauthorized grant type: {grant}")));
        }
        let wanted: Vec<&str> = field("scope").map(|scope| scope.split_whitespace().collect()).unwrap_or_default();
        match grant {
            "password" => {
                let origin = call
                    .parameter("login_hint")
                    .or(field("login_hint"))
                    .and_then(|hint| serde_json::from_str::<Value>(hint).ok())
                    .and_then(|hint| hint["origin"].as_str().map(str::to_owned));
                let name = field("username");
                let password = form.get("password");
                let (Some(name), Some(password)) = (name, password) else {
                    return Err(refused(401, "unauthorized", "Bad credentials"));
                };
                let user = self.user(name, password, origin.as_deref())?;
                let scope = narrow(&user.scopes, &wanted)?;
                let access = self.access_claims(call, &client, grant, Some(&user), scope);
                let refresh = encode(&self.refresh_claims(&access));
                Ok(self.token(&access, Some(refresh)))
            }
            "client_credentials" => {
                let scope = narrow(&client.authorities, &wanted)?;
                let access = self.access_claims(call, &client, grant, None, scope);
                Ok(self.token(&access, None))
            }
            _ => {
                let sent =
                    field("refresh_token").ok_or_else(|| refused(400, "invalid_request", "Missing refresh_token"))?;
                self.refresh(call, &client, sent, &wanted)
            }
        }
    }

    fn client(&self, call: &Call, form: &HashMap<String, String>) -> Result<&Client, Refusal> {
        let basic = call.header("authorization").and_then(|header| {
            let (kind, encoded) = header.split_once(' ')?;
            let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
            let (id, secret) = decoded.split_once(':')?;
            kind.eq_ignore_ascii_case("basic").then(|| (id.to_owned(), secret.to_owned()))
        });
        let body = || Some((form.get("client_id")?.clone(), form.get("client_secret").cloned().unwrap_or_default()));
        let known = basic.or_else(body).and_then(|(id, secret)| {
            self.options.clients.iter().find(|client| client.id == id && client.secret == secret)
        });
        known.ok_or_else(|| refused(401, "invalid_client", "Bad credentials"))
    }

    fn user(&mut self, name: &str, password: &str, origin: Option<&str>) -> Result<User, Refusal> {
        let bad = || refused(401, "unauthorized", "Bad credentials");
        let user = self.options.users.iter().find(|user| user.name == name);
        let user = user.filter(|user| origin.is_none_or(|origin| user.origin == origin)).ok_or_else(bad)?;
        let failed = self.attempts.0.entry(user.guid.clone()).or_default();
        if self.options.lock_after.is_some_and(|limit| *failed >= limit) {
            let locked = "Your account has been locked because of too many failed attempts to login.";
            return Err(refused(401, "unauthorized", locked));
        }
        if user.password != password {
            *failed += 1;
            return Err(bad());
        }
        *failed = 0;
        Ok(user.clone())
    }

    fn refresh(&mut self, call: &Call, client: &Client, sent: &str, wanted: &[&str]) -> Result<Reply, Refusal> {
        let old = decode(sent, self.now)
            .filter(|claims| claims.jti.ends_with("-r") && claims.client_id == client.id)
            .filter(|claims| !self.store.is_revoked(&claims.jti))
            .ok_or_else(|| refused(401, "invalid_token", "The refresh token expired or was revoked"))?;
        let known = self.options.users.iter().find(|user| Some(&user.guid) == old.user_id.as_ref());
        let user = known.cloned().ok_or_else(|| refused(401, "invalid_token", "The user no longer exists"))?;
        let scope = narrow(&old.scope, wanted)?;
        let access = self.access_claims(call, client, &old.grant_type, Some(&user), scope);
        let refresh = match self.options.refresh {
            Refresh::Repeat => Some(sent.to_owned()),
            Refresh::Omit => None,
            Refresh::Rotate => {
                self.store.revoke(&old.jti);
                Some(encode(&self.refresh_claims(&access)))
            }
        };
        Ok(self.token(&access, refresh))
    }

    fn access_claims(
        &self,
        call: &Call,
        client: &Client,
        grant: &str,
        user: Option<&User>,
        scope: Vec<String>,
    ) -> Claims {
        let validity = i64::try_from(self.options.access_token_validity.as_secs()).unwrap_or(i64::MAX);
        let now = self.now.as_second();
        Claims {
            jti: self.options.request_ids.next().replace('-', ""),
            sub: user.map_or_else(|| client.id.clone(), |user| user.guid.clone()),
            scope,
            client_id: client.id.clone(),
            cid: client.id.clone(),
            azp: client.id.clone(),
            grant_type: grant.to_owned(),
            user_id: user.map(|user| user.guid.clone()),
            user_name: user.map(|user| user.name.clone()),
            email: user.map(|user| format!("{}@sandbox.invalid", user.name)),
            origin: user.map(|user| user.origin.clone()),
            iat: now,
            exp: now.saturating_add(validity),
            iss: format!("{}/oauth/token", call.origin()),
            zid: "uaa".to_owned(),
            aud: vec!["cloud_controller".to_owned(), client.id.clone()],
        }
    }

    fn refresh_claims(&self, access: &Claims) -> Claims {
        let validity = i64::try_from(self.options.refresh_token_validity.as_secs()).unwrap_or(i64::MAX);
        let jti = format!("{}-r", self.options.request_ids.next().replace('-', ""));
        Claims { jti, exp: access.iat.saturating_add(validity), ..access.clone() }
    }

    fn token(&self, access: &Claims, refresh: Option<String>) -> Reply {
        let mut body = json!({
            "access_token": encode(access),
            "token_type": "bearer",
            // Like UAA, one second has passed when the client reads it.
            "expires_in": self.options.access_token_validity.as_secs().saturating_sub(1),
            "scope": access.scope.join(" "),
            "jti": access.jti,
        });
        if let Some(refresh) = refresh {
            body["refresh_token"] = Value::String(refresh);
        }
        Reply::json(200, body)
    }
}

/// The scopes to put into a token: all that are held, or those wanted, which must be held.
fn narrow(held: &[String], wanted: &[&str]) -> Result<Vec<String>, Refusal> {
    if wanted.is_empty() {
        return Ok(held.to_vec());
    }
    match wanted.iter().find(|scope| !held.iter().any(|held| held == *scope)) {
        Some(scope) => Err(refused(400, "invalid_scope", &format!("{scope} is invalid."))),
        None => Ok(wanted.iter().map(|&scope| scope.to_owned()).collect()),
    }
}
