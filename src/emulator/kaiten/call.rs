//! A request, taken apart, and its answer.

use axum::http::{Method, Uri};
use serde_json::Value;

use super::problem::Problem;

/// A request as the operations see it.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    /// The path's segments, percent-decoded, without the base path.
    pub(super) segments: Vec<String>,
    query: Vec<(String, String)>,
    pub(super) authorization: Option<String>,
    pub(super) body: axum::body::Bytes,
}

impl Call {
    pub(super) fn new(method: Method, uri: &Uri, authorization: Option<String>, body: axum::body::Bytes) -> Self {
        // A slash at the end addresses the collection, as an empty slug does.
        let trimmed = uri.path().trim_start_matches('/').trim_end_matches('/');
        let segments = trimmed.split('/').map(decoded).collect();
        let query = uri.query().unwrap_or_default();
        let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Self { method, segments, query, authorization, body }
    }

    /// The first value of a query parameter. Unknown parameters are ignored.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    }
}

fn decoded(segment: &str) -> String {
    let bytes = segment.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = segment.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        if let Some(byte) = escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            plain.push(byte);
            at += 3;
        } else {
            plain.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// A successful answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    /// 200 with this.
    Found(Value),
    /// 201 with this.
    Created(Value),
    /// 201 without a body.
    Accepted,
    /// 204.
    Done,
}

/// What an operation ends with.
pub(super) type Outcome = Result<Answer, Problem>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_split_first_and_decoded_then() {
        let uri: Uri = "/api/customers/a%2Fb%20c/?limit=2&limit=3&cursor=a%3D".parse().unwrap();
        let call = Call::new(Method::GET, &uri, None, axum::body::Bytes::new());
        assert_eq!(call.segments, ["api", "customers", "a/b c"]);
        assert_eq!((call.parameter("limit").as_deref(), call.parameter("cursor").as_deref()), (Some("2"), Some("a=")));
    }
}
