//! What the frame knows about a remote.

use axum::Router;
use serde_json::{Value, json};

use super::fault::Reply;
use super::kaiten::{Kaiten, generic_code, problem_type};

/// One remote behind the frame: the frame serves it, makes weather in front of it, and keeps its state in the file.
pub struct Remote {
    /// Its routes.
    pub router: Router,
    /// Its state, as it will be handed to the next one. Called while requests are served.
    pub save: Box<dyn Fn() -> Value + Send + Sync>,
    /// Rises with each change of the state.
    pub generation: Box<dyn Fn() -> u64 + Send + Sync>,
    /// How it words errors.
    pub wording: Wording,
    /// What it adds to `/_sandbox`, without that prefix.
    pub control: Router,
}

impl From<Kaiten> for Remote {
    fn from(kaiten: Kaiten) -> Self {
        let (router, wording, watched) = (kaiten.router(), kaiten.wording(), kaiten.clone());
        let save = Box::new(move || kaiten.save());
        Self { router, save, generation: Box::new(move || watched.generation()), wording, control: Router::new() }
    }
}

/// How a remote words an error that the sandbox makes up in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wording {
    /// A problem document of RFC 9457 with Kaiten's `code`.
    Kaiten,
    /// As [`Wording::Kaiten`], without `code`: the dialect of the seed document.
    KaitenSeed,
    /// `errors[]` below `/v3`, an `OAuth` error below `/oauth`, else the v2 shape.
    CloudFoundry,
}

impl Wording {
    /// Content type and body of an error.
    pub(super) fn error(self, reply: &Reply, path: &str) -> (&'static str, String) {
        let status = reply.status;
        let title = title(status);
        let detail = reply.detail.as_deref().unwrap_or("the sandbox was told to refuse this");
        match self {
            Self::Kaiten | Self::KaitenSeed => {
                let mut problem = json!({
                    "type": problem_type(status), "title": title, "status": status,
                    "detail": detail, "instance": path,
                });
                if self == Self::Kaiten {
                    let generic = generic_code(status);
                    problem["code"] = reply.code.as_deref().unwrap_or(generic).into();
                }
                ("application/problem+json", problem.to_string())
            }
            Self::CloudFoundry => {
                let code = reply.code.as_deref().unwrap_or(cloud_foundry_code(status).1);
                let number = cloud_foundry_code(status).0;
                let body = if path.starts_with("/v3") {
                    json!({ "errors": [{ "code": number, "title": code, "detail": detail }] })
                } else if path.starts_with("/oauth") || path.contains("/oauth/") {
                    json!({ "error": reply.code.as_deref().unwrap_or("unauthorized"), "error_description": detail })
                } else {
                    json!({ "code": number, "error_code": code, "description": detail })
                };
                ("application/json;charset=utf-8", body.to_string())
            }
        }
    }
}

/// The reason phrase of a status.
fn title(status: u16) -> &'static str {
    axum::http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Unknown")
}

/// The generic error of a status: code and title, alike in v2 and v3.
fn cloud_foundry_code(status: u16) -> (u32, &'static str) {
    match status {
        400 => (1001, "CF-MessageParseError"),
        401 => (1000, "CF-InvalidAuthToken"),
        403 => (10003, "CF-NotAuthorized"),
        404 => (10010, "CF-ResourceNotFound"),
        409 => (60016, "CF-AsyncServiceInstanceOperationInProgress"),
        422 => (10008, "CF-UnprocessableEntity"),
        429 => (10013, "CF-RateLimitExceeded"),
        503 => (10015, "CF-ServiceUnavailable"),
        _ => (10001, "CF-UnknownError"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_remote_words_an_error_in_its_own_shape() {
        let reply = Reply { status: 503, ..Reply::default() };
        let body =
            |wording: Wording, path: &str| serde_json::from_str::<Value>(&wording.error(&reply, path).1).unwrap();
        assert_eq!(body(Wording::Kaiten, "/api/x")["code"], "UNAVAILABLE");
        assert_eq!(body(Wording::KaitenSeed, "/x").get("code"), None);
        assert_eq!(body(Wording::CloudFoundry, "/v2/info")["error_code"], "CF-ServiceUnavailable");
        assert_eq!(body(Wording::CloudFoundry, "/v3/spaces")["errors"][0]["code"], 10015);
        assert_eq!(body(Wording::CloudFoundry, "/oauth/token")["error"], "unauthorized");
    }
}
