//! A request, before it is sent.

use std::fmt::{self, Write as _};

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::Response;

/// A request to a target.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// What follows the base URL: starts with `/`, is percent-encoded already, and may have a query.
    pub path: String,
    /// Headers. Those that sign in are marked as sensitive.
    pub headers: HeaderMap,
    /// What is sent along.
    pub body: Body,
    /// Whether it may be sent again.
    pub tries: Tries,
}

/// The body of a request.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// None.
    None,
    /// JSON text.
    Json(Vec<u8>),
    /// A form, encoded.
    Form(Vec<u8>),
}

/// When a request may be sent again.
#[derive(Clone, Copy, Debug)]
pub enum Tries {
    /// It changes nothing, whatever its method: sent again whenever that may help.
    Read,
    /// It changes something: sent again only when the remote cannot have taken it, that is when no connection was made,
    /// after 429, and after a 5xx of which the caller knows that nothing was written.
    Write(fn(&Response) -> bool),
}

impl Request {
    /// A GET.
    pub fn get(path: impl Into<String>) -> Self {
        Self::read(Method::GET, path)
    }

    /// A request that changes nothing though its method is another, such as a sign-in.
    pub fn read(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), headers: HeaderMap::new(), body: Body::None, tries: Tries::Read }
    }

    /// A request that changes something.
    pub fn write(method: Method, path: impl Into<String>) -> Self {
        Self { tries: Tries::Write(|_| false), ..Self::read(method, path) }
    }

    /// Sends JSON along.
    pub fn json(mut self, json: &serde_json::Value) -> Self {
        self.body = Body::Json(json.to_string().into_bytes());
        self
    }

    /// Sends a form along.
    pub fn form<'a>(mut self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(pairs);
        self.body = Body::Form(form.finish().into_bytes());
        self
    }

    /// Adds a header. A value that no header can have (a line break in a token) leaves an empty one, which is refused
    /// by the remote and not by a message that would have to show it.
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        let value = HeaderValue::from_str(value).unwrap_or_else(|_| HeaderValue::from_static(""));
        self.headers.insert(name, value);
        self
    }

    /// Signs in: `bearer` is `Bearer` or `bearer`, as the remote wants it.
    pub fn authorization(mut self, scheme: &str, credentials: &str) -> Self {
        let mut value =
            HeaderValue::from_str(&format!("{scheme} {credentials}")).unwrap_or_else(|_| HeaderValue::from_static(""));
        value.set_sensitive(true);
        self.headers.insert(reqwest::header::AUTHORIZATION, value);
        self
    }

    /// What it signs in with, without the scheme.
    pub(super) fn credentials(&self) -> Option<&str> {
        let (_, credentials) = self.headers.get(reqwest::header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        Some(credentials).filter(|credentials| !credentials.is_empty())
    }

    /// For a write: tells from a 5xx answer that nothing was written, so that it may be sent again.
    pub fn untaken(mut self, untaken: fn(&Response) -> bool) -> Self {
        self.tries = Tries::Write(untaken);
        self
    }

    /// The path without its query, for messages.
    pub fn shown_path(&self) -> &str {
        self.path.split_once('?').map_or(&self.path, |(path, _)| path)
    }

    /// Whether it changes something.
    pub fn writes(&self) -> bool {
        matches!(self.tries, Tries::Write(_))
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.shown_path())
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "no body",
            Self::Json(_) => "JSON",
            Self::Form(_) => "a form",
        })
    }
}

/// Percent-encodes one segment of a path, or one value of a query.
pub fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(char::from(byte)),
            byte => write!(encoded, "%{byte:02X}").expect("writing to a string cannot fail"),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_cannot_leave_its_place() {
        assert_eq!(segment("a/b?c=d&e#f g%ü"), "a%2Fb%3Fc%3Dd%26e%23f%20g%25%C3%BC");
        assert_eq!(segment("acme-corp_1.2~"), "acme-corp_1.2~");
    }

    #[test]
    fn a_request_shows_neither_query_nor_headers_nor_body() {
        let request = Request::write(Method::POST, "/oauth/token?client_secret=hush")
            .authorization("Bearer", "hush")
            .form([("password", "hush")]);
        let shown = format!("{request:?} {:?} {:?}", request.headers, request.body);
        assert!(shown.starts_with("POST /oauth/token "), "{shown}");
        assert!(!shown.contains("hush"), "{shown}");
    }
}
