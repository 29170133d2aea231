//! Remembers the requests a remote received.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::fault::fits;

/// How many requests are kept; older ones are forgotten.
const CAPACITY: usize = 100_000;

/// The requests one remote received, oldest first.
#[derive(Debug)]
pub struct Recorder(Mutex<Tape>);

#[derive(Debug)]
struct Tape {
    requests: VecDeque<Recorded>,
    next: u64,
    cleared_at: u64,
    capacity: usize,
    keeps_bodies: bool,
    under_way: usize,
    most_at_once: usize,
}

/// A request as it came in, and how it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Counts up without gaps, in the order in which requests came in, and goes on after a [`Recorder::clear`].
    pub number: u64,
    /// The method.
    pub method: String,
    /// The path as it was sent, percent-encoded.
    pub path: String,
    /// The query as it was sent.
    pub query: Option<String>,
    /// The headers in lower case; credentials are left out.
    pub headers: Vec<(String, String)>,
    /// The body; empty if bodies are not kept.
    pub body: Bytes,
    /// The status of the answer; none while it is awaited, and none for ever if the connection was cut.
    pub status: Option<u16>,
    /// The fault that struck, by its name.
    pub fault: Option<&'static str>,
}

impl Recorded {
    /// The body as JSON, if it is JSON.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// As `/_sandbox/requests` shows it: `json` where the body is JSON, `text` where it is something else.
    pub(super) fn to_json(&self) -> Value {
        let headers: serde_json::Map<String, Value> =
            self.headers.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        let mut shown = json!({
            "number": self.number, "method": self.method, "path": self.path, "query": self.query,
            "headers": headers, "status": self.status, "fault": self.fault,
        });
        if let Some(body) = self.json() {
            shown["json"] = body;
        } else if !self.body.is_empty() {
            shown["text"] = String::from_utf8_lossy(&self.body).into();
        }
        shown
    }
}

impl Default for Recorder {
    fn default() -> Self {
        Self::holding(CAPACITY)
    }
}

impl Recorder {
    fn holding(capacity: usize) -> Self {
        let requests = VecDeque::new();
        Self(Mutex::new(Tape {
            requests,
            next: 0,
            cleared_at: 0,
            capacity,
            keeps_bodies: true,
            under_way: 0,
            most_at_once: 0,
        }))
    }

    /// The requests so far.
    pub fn all(&self) -> Vec<Recorded> {
        self.tape().requests.iter().cloned().collect()
    }

    /// The requests so far with this method (`*` for any) and a path that fits the pattern (see [`super::Fault::path`]).
    pub fn matching(&self, method: &str, path: &str) -> Vec<Recorded> {
        let tape = self.tape();
        let wanted = |request: &&Recorded| (method == "*" || request.method == method) && fits(path, &request.path);
        tape.requests.iter().filter(wanted).cloned().collect()
    }

    /// How many of the requests [`Recorder::matching`] tells, by method.
    pub fn count_matching(&self, method: &str, path: &str) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for request in &self.tape().requests {
            if (method == "*" || request.method == method) && fits(path, &request.path) {
                *counts.entry(request.method.clone()).or_default() += 1;
            }
        }
        counts
    }

    /// How many requests came in since the last [`Recorder::clear`], including forgotten ones.
    pub fn count(&self) -> u64 {
        let tape = self.tape();
        tape.next - tape.cleared_at
    }

    /// The most requests that were under way at one moment.
    pub fn most_at_once(&self) -> usize {
        self.tape().most_at_once
    }

    /// Forgets all requests.
    pub fn clear(&self) {
        let mut tape = self.tape();
        tape.requests.clear();
        tape.cleared_at = tape.next;
        tape.most_at_once = tape.under_way;
    }

    /// Whether bodies are kept from now on; benchmarks do without.
    pub fn keep_bodies(&self, keep: bool) {
        self.tape().keeps_bodies = keep;
    }

    pub(super) fn begin(
        &self,
        method: &str,
        path: &str,
        query: Option<&str>,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Ticket<'_> {
        let mut tape = self.tape();
        let number = tape.next;
        tape.next += 1;
        tape.under_way += 1;
        tape.most_at_once = tape.most_at_once.max(tape.under_way);
        if tape.requests.len() == tape.capacity {
            tape.requests.pop_front();
        }
        let body = if tape.keeps_bodies { body.clone() } else { Bytes::new() };
        let (method, path, query) = (method.to_owned(), path.to_owned(), query.map(str::to_owned));
        tape.requests.push_back(Recorded {
            number,
            method,
            path,
            query,
            headers: shown(headers),
            body,
            status: None,
            fault: None,
        });
        Ticket { recorder: self, number }
    }

    fn tape(&self) -> MutexGuard<'_, Tape> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request under way. Dropped when it ends, also when the client goes away first.
pub(super) struct Ticket<'a> {
    recorder: &'a Recorder,
    number: u64,
}

impl Ticket<'_> {
    pub(super) fn struck_by(&self, fault: &'static str) {
        self.amend(|request| request.fault = Some(fault));
    }

    pub(super) fn answered(&self, status: u16) {
        self.amend(|request| request.status = Some(status));
    }

    fn amend(&self, change: impl FnOnce(&mut Recorded)) {
        let mut tape = self.recorder.tape();
        // The tape may have been cleared or have run over since; its numbers are without gaps.
        let Some(first) = tape.requests.front().map(|request| request.number) else { return };
        let Some(position) = self.number.checked_sub(first).and_then(|offset| usize::try_from(offset).ok()) else {
            return;
        };
        if let Some(request) = tape.requests.get_mut(position) {
            change(request);
        }
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.recorder.tape().under_way -= 1;
    }
}

fn shown(headers: &HeaderMap) -> Vec<(String, String)> {
    let secret = |name: &str| matches!(name, "authorization" | "proxy-authorization" | "cookie");
    headers
        .iter()
        .filter(|(name, _)| !secret(name.as_str()))
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(recorder: &Recorder, path: &str) {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "Bearer ksh_secret".parse().unwrap());
        headers.insert("accept", "text/plain".parse().unwrap());
        recorder.begin("GET", path, None, &headers, &Bytes::from_static(b"{\"a\":1}")).answered(200);
    }

    #[test]
    fn the_oldest_requests_are_forgotten_and_the_count_goes_on() {
        let recorder = Recorder::holding(2);
        for path in ["/a", "/b", "/c"] {
            record(&recorder, path);
        }
        let paths: Vec<_> = recorder.all().into_iter().map(|request| (request.path, request.status)).collect();
        assert_eq!(paths, [("/b".to_owned(), Some(200)), ("/c".to_owned(), Some(200))]);
        assert_eq!(recorder.count(), 3);
    }

    #[test]
    fn credentials_are_not_remembered() {
        let recorder = Recorder::default();
        record(&recorder, "/a");
        let shown = recorder.all()[0].to_json().to_string();
        assert!(!shown.contains("ksh_secret") && shown.contains("text/plain"), "{shown}");
    }

    #[test]
    fn bodies_can_be_left_out() {
        let recorder = Recorder::default();
        record(&recorder, "/a");
        recorder.keep_bodies(false);
        record(&recorder, "/b");
        let bodies: Vec<_> = recorder.all().iter().map(Recorded::json).collect();
        assert_eq!(bodies, [Some(json!({"a": 1})), None]);
    }

    #[test]
    fn a_request_answered_after_the_tape_was_cleared_disturbs_nothing() {
        let recorder = Recorder::default();
        let ticket = recorder.begin("GET", "/a", None, &HeaderMap::new(), &Bytes::new());
        recorder.clear();
        assert_eq!((recorder.most_at_once(), recorder.count()), (1, 0));
        let other = recorder.begin("GET", "/b", None, &HeaderMap::new(), &Bytes::new());
        ticket.answered(200);
        assert_eq!(recorder.all()[0].status, None);
        other.answered(204);
        assert_eq!(recorder.all()[0].status, Some(204));
    }
}
