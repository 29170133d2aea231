//! Faults: which requests go wrong, and how.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// One thing that goes wrong for some requests.
///
/// As JSON (the form of `/_sandbox/faults`):
/// `{"method":"POST","path":"/api/instances","skip":1,"times":2,"effect":{"reply":{"status":429,"retry_after":"1"}}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The method of the requests concerned; none means any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The path of the requests concerned, without the query: `/api/instances` means that path and all below it,
    /// `/api/instances$` that path alone. With a `*` it must fit the whole path: `*` stands for anything but `/`, `**`
    /// for anything.
    #[serde(default = "everywhere")]
    pub path: String,
    /// How many requests concerned are spared first.
    #[serde(default)]
    pub skip: u32,
    /// How many requests are hit after that; null means all.
    #[serde(default = "once")]
    pub times: Option<u32>,
    /// What happens to them.
    pub effect: Effect,
}

fn everywhere() -> String {
    "/".to_owned()
}

#[expect(clippy::unnecessary_wraps, reason = "the shape serde asks of a default")]
fn once() -> Option<u32> {
    Some(1)
}

impl Fault {
    /// The next request with this method (`*` for any) and path meets `effect`.
    pub fn on(method: &str, path: &str, effect: Effect) -> Self {
        let method = (method != "*").then(|| method.to_owned());
        Self { method, path: path.to_owned(), skip: 0, times: once(), effect }
    }

    /// Spares the first `requests`.
    pub fn skipping(self, requests: u32) -> Self {
        Self { skip: requests, ..self }
    }

    /// Hits so many requests.
    pub fn times(self, requests: u32) -> Self {
        Self { times: Some(requests), ..self }
    }

    /// Hits every request from then on.
    pub fn always(self) -> Self {
        Self { times: None, ..self }
    }

    fn concerns(&self, method: &str, path: &str) -> bool {
        self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method)) && fits(&self.path, path)
    }
}

/// What a fault does to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// An answer of the sandbox in place of the remote's.
    Reply(Reply),
    /// The request is delayed by so many milliseconds, and then goes its way.
    Delay(u64),
    /// The request is held back until the fault is removed, and then goes its way.
    Held,
    /// The connection is closed; the remote never saw the request.
    CutBefore,
    /// The remote has done what was asked; the connection is closed instead of an answer.
    CutAfter,
    /// The remote has done what was asked; the connection is closed in the middle of the answer's body.
    Truncated,
    /// The remote has done what was asked; the answer's body is not JSON although it says so.
    Malformed,
    /// The remote never saw the request, and no answer ever comes.
    SilentBefore,
    /// The remote has done what was asked, and no answer ever comes.
    SilentAfter,
}

impl Effect {
    /// An answer with this status, in the body shape of the remote.
    pub fn status(status: u16) -> Self {
        Self::Reply(Reply { status, ..Reply::default() })
    }

    /// 429, with or without a `Retry-After` (seconds, or an HTTP date).
    pub fn too_many_requests(retry_after: Option<&str>) -> Self {
        Self::Reply(Reply { status: 429, retry_after: retry_after.map(str::to_owned), ..Reply::default() })
    }

    /// 502 with a page of HTML, as a proxy answers.
    pub fn bad_gateway_page() -> Self {
        Self::Reply(Reply { status: 502, body: ReplyBody::Html, ..Reply::default() })
    }
}

/// An answer of the sandbox in place of the remote's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reply {
    /// The status, 200 to 599.
    pub status: u16,
    /// The `Retry-After` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<String>,
    /// The kind of body.
    pub body: ReplyBody,
    /// The remote's error code in a body of the remote's shape, else the generic one of the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The remote's explanation in the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Whether the remote does what was asked all the same, as when a proxy gives up waiting.
    pub processed: bool,
}

impl Default for Reply {
    fn default() -> Self {
        let (retry_after, code, detail) = (None, None, None);
        Self { status: 500, retry_after, body: ReplyBody::Remote, code, detail, processed: false }
    }
}

/// The body of a [`Reply`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplyBody {
    /// The shape of the remote's own errors.
    Remote,
    /// `text/plain`.
    Text,
    /// A page of HTML.
    Html,
    /// None at all.
    Empty,
}

/// The faults in force at one remote.
#[derive(Debug, Default)]
pub struct Faults {
    book: Mutex<Book>,
    /// Whether the book has entries: spares the lock where nothing is to go wrong.
    any: AtomicBool,
}

#[derive(Debug, Default)]
struct Book {
    entries: Vec<Entry>,
    next: u64,
}

/// A fault in force, and how often it struck.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its number, for removal.
    pub id: u64,
    /// How many requests it was spared or hit.
    pub seen: u32,
    /// How many requests it hit.
    pub hits: u32,
    /// The fault as it was added.
    pub fault: Fault,
}

impl Faults {
    /// Puts a fault in force, after those already there. The first one that concerns a request and is due strikes.
    pub fn add(&self, fault: Fault) -> u64 {
        let mut book = self.book();
        let id = book.next;
        book.next += 1;
        book.entries.push(Entry { id, seen: 0, hits: 0, fault });
        self.any.store(true, Ordering::Release);
        id
    }

    /// Takes one fault out of force; says whether there was one.
    pub fn remove(&self, id: u64) -> bool {
        let mut book = self.book();
        let before = book.entries.len();
        book.entries.retain(|entry| entry.id != id);
        self.any.store(!book.entries.is_empty(), Ordering::Release);
        book.entries.len() < before
    }

    /// Takes all faults out of force.
    pub fn clear(&self) {
        let mut book = self.book();
        book.entries.clear();
        self.any.store(false, Ordering::Release);
    }

    /// All faults added and not removed, the spent ones included.
    pub fn list(&self) -> Vec<Entry> {
        self.book().entries.clone()
    }

    /// Whether a fault has not been removed.
    pub(super) fn has(&self, id: u64) -> bool {
        self.book().entries.iter().any(|entry| entry.id == id)
    }

    /// What happens to this request, if anything, by which fault; counts it.
    pub(super) fn strike(&self, method: &str, path: &str) -> Option<(u64, Effect)> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        for entry in &mut self.book().entries {
            let spent = entry.fault.times.is_some_and(|times| entry.hits >= times);
            if spent || !entry.fault.concerns(method, path) {
                continue;
            }
            entry.seen = entry.seen.saturating_add(1);
            if entry.seen > entry.fault.skip {
                entry.hits = entry.hits.saturating_add(1);
                return Some((entry.id, entry.fault.effect.clone()));
            }
        }
        None
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a path fits a pattern; see [`Fault::path`].
pub(super) fn fits(pattern: &str, path: &str) -> bool {
    if pattern.contains('*') {
        return glob(pattern.as_bytes(), path.as_bytes());
    }
    if let Some(exact) = pattern.strip_suffix('$') {
        return exact == path;
    }
    let prefix = pattern.trim_end_matches('/');
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn glob(pattern: &[u8], path: &[u8]) -> bool {
    match pattern {
        [] => path.is_empty(),
        [b'*', b'*', rest @ ..] => (0..=path.len()).any(|taken| glob(rest, &path[taken..])),
        [b'*', rest @ ..] => {
            let end = path.iter().position(|byte| *byte == b'/').unwrap_or(path.len());
            (0..=end).any(|taken| glob(rest, &path[taken..]))
        }
        [byte, rest @ ..] => path.first() == Some(byte) && glob(rest, &path[1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_prefix_by_segments_an_exact_path_or_a_glob() {
        let cases = [
            ("/", "/api/x", true),
            ("/api/instances", "/api/instances", true),
            ("/api/instances", "/api/instances/a", true),
            ("/api/instances", "/api/instances-old", false),
            ("/api/instances$", "/api/instances/a", false),
            ("/api/instances$", "/api/instances", true),
            ("/api/*/a", "/api/instances/a", true),
            ("/api/*", "/api/instances/a", false),
            ("/api/**", "/api/instances/a", true),
            ("/v2/service_instances/*/routes/**", "/v2/service_instances/1/routes/2/3", true),
        ];
        for (pattern, path, expected) in cases {
            assert_eq!(fits(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn a_fault_spares_the_first_requests_and_is_spent_in_the_end() {
        let faults = Faults::default();
        faults.add(Fault::on("POST", "/a", Effect::CutAfter).skipping(1).times(2));
        let struck: Vec<bool> = (0..5).map(|_| faults.strike("POST", "/a").is_some()).collect();
        assert_eq!(struck, [false, true, true, false, false]);
        assert_eq!(faults.strike("GET", "/a"), None);
        assert_eq!((faults.list()[0].seen, faults.list()[0].hits), (3, 2));
    }

    #[test]
    fn the_first_fault_that_is_due_strikes() {
        let faults = Faults::default();
        let first = faults.add(Fault::on("*", "/", Effect::CutBefore).skipping(1).always());
        faults.add(Fault::on("*", "/", Effect::Malformed).always());
        let struck = || faults.strike("GET", "/").map(|(_, effect)| effect);
        assert_eq!(struck(), Some(Effect::Malformed));
        assert_eq!(struck(), Some(Effect::CutBefore));
        assert!(faults.remove(first));
        assert!(!faults.remove(first));
        assert_eq!(struck(), Some(Effect::Malformed));
    }

    #[test]
    fn a_fault_in_json_needs_only_an_effect_and_refuses_unknown_members() {
        let fault: Fault = serde_json::from_str(r#"{"effect":"cut_after"}"#).unwrap();
        assert_eq!(fault, Fault::on("*", "/", Effect::CutAfter));
        let fault: Fault =
            serde_json::from_str(r#"{"times":null,"effect":{"reply":{"status":502,"body":"html"}}}"#).unwrap();
        assert_eq!(fault, Fault::on("*", "/", Effect::bad_gateway_page()).always());
        assert!(serde_json::from_str::<Fault>(r#"{"effect":"cut_after","tmies":3}"#).is_err());
    }
}
