//! A request as the emulator reads it, and a reply before it is bytes.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, Response, StatusCode, header};
use serde_json::Value;

use super::errors::Failure;

/// A body above this many bytes is cut off as a connection error: nothing the API knows is nearly as long.
const LONGEST_BODY: usize = 4 << 20;

#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: String,
    pub(super) path: String,
    /// Decoded, in order, repetitions kept.
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Call {
    pub(super) async fn read(request: Request<Body>) -> Result<Self, axum::Error> {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, LONGEST_BODY).await?;
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self {
            method: parts.method.as_str().to_owned(),
            path: parts.uri.path().to_owned(),
            query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            headers: parts.headers,
            body,
        })
    }

    /// The first value of a query parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The origin the client dialled: the port of a sandbox is known to nobody else.
    pub(super) fn origin(&self) -> String {
        let scheme = self.header("x-forwarded-proto").unwrap_or("http");
        format!("{scheme}://{}", self.header("host").unwrap_or("localhost"))
    }
}

/// The handler of a call and what stands where its pattern has `*`: by method, and by path below a root.
pub(super) fn route<'a, Handler: Copy>(
    routes: &[(&str, &str, Handler)],
    root: &str,
    call: &'a Call,
) -> Option<(Handler, Vec<&'a str>)> {
    let path = call.path.strip_prefix(root)?.trim_end_matches('/');
    let segments: Vec<&str> = path.split('/').collect();
    routes.iter().filter(|(method, _, _)| *method == call.method).find_map(|(_, pattern, handler)| {
        let pattern: Vec<&str> = pattern.split('/').collect();
        let fits = pattern.len() == segments.len()
            && pattern.iter().zip(&segments).all(|(&expected, &given)| expected == "*" || expected == given);
        let guids = pattern.iter().zip(&segments).filter(|(expected, _)| **expected == "*").map(|(_, &given)| given);
        fits.then(|| (*handler, guids.collect()))
    })
}

#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    /// What goes into `X-Cf-Warnings`.
    pub(super) warnings: Vec<String>,
    pub(super) body: ReplyBody,
}

#[derive(Clone, Debug)]
pub(super) enum ReplyBody {
    Empty,
    Json(Value),
    /// An error of v2, whose body ends in a newline.
    JsonLine(Value),
    Html(String),
}

pub(super) type Answer = Result<Reply, Failure>;

impl Reply {
    pub(super) fn json(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), warnings: Vec::new(), body: ReplyBody::Json(body) }
    }

    pub(super) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), warnings: Vec::new(), body: ReplyBody::Empty }
    }

    /// A failure as v2 words it.
    pub(super) fn v2_failure(failure: &Failure) -> Self {
        let body = if failure.plain_text {
            ReplyBody::Html(failure.description.clone())
        } else {
            ReplyBody::JsonLine(failure.v2())
        };
        Self { status: failure.status, headers: Vec::new(), warnings: Vec::new(), body }
    }

    /// A failure as v3 words it.
    pub(super) fn v3_failure(failure: &Failure) -> Self {
        Self::json(failure.status, failure.v3())
    }

    /// The reply with one more header. `content-type` replaces the usual one.
    #[must_use]
    pub(super) fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(super) fn into_response(self) -> Response<Body> {
        let (kind, bytes) = match self.body {
            ReplyBody::Empty => (None, Vec::new()),
            ReplyBody::Json(value) => (Some("application/json;charset=utf-8"), value.to_string().into_bytes()),
            ReplyBody::JsonLine(value) => (Some("application/json;charset=utf-8"), format!("{value}\n").into_bytes()),
            ReplyBody::Html(text) => (Some("text/html;charset=utf-8"), text.into_bytes()),
        };
        let mut response = Response::new(Body::from(bytes));
        *response.status_mut() = StatusCode::from_u16(self.status).expect("statuses here are between 200 and 599");
        let headers = response.headers_mut();
        if let Some(kind) = kind {
            headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
        }
        for (name, value) in self.headers {
            if let Ok(value) = header::HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        response
    }
}
