//! One foundation at work: answers a call, having first let happen what was due.

use std::sync::Arc;

use jiff::Timestamp;

use super::call::{Call, Reply};
use super::errors::{Error, Failure};
use super::index::Due;
use super::limits::Limiter;
use super::options::Options;
use super::store::Store;
use super::uaa::{self, Attempts, TokenEndpoint};
use super::{discovery, removal, v2, v3};

#[derive(Debug)]
pub(super) struct World {
    pub(super) options: Arc<Options>,
    pub(super) store: Store,
    attempts: Attempts,
    pub(super) limiter: Limiter,
    pub(super) v2_limiter: Limiter,
}

impl World {
    pub(super) fn new(options: Options, store: Store) -> Self {
        Self {
            options: Arc::new(options),
            store,
            attempts: Attempts::default(),
            limiter: Limiter::default(),
            v2_limiter: Limiter::default(),
        }
    }

    /// A new guid for something that will be stored.
    pub(super) fn guid(&self) -> String {
        self.options.ids.next()
    }

    pub(super) fn answer(&mut self, call: &Call) -> Reply {
        let now = self.options.clock.now();
        self.settle(now);
        let options = Arc::clone(&self.options);
        match (call.method.as_str(), call.path.as_str()) {
            ("POST", "/oauth/token") => {
                let (store, attempts) = (&mut self.store, &mut self.attempts);
                TokenEndpoint { options: &options, store, attempts, now }.answer(call)
            }
            ("GET", "/login" | "/info") => uaa::prompts(call),
            // Where v2 is off, nginx answers, and the Cloud Controller adds nothing.
            (_, path) if is_below(path, "/v2") && path != "/v2/info" && !options.v2 => not_found_in_v3(),
            _ => {
                let mut reply = self.controller(call, now);
                let warnings: Vec<String> = options
                    .warnings
                    .iter()
                    .chain(&reply.warnings)
                    .map(|warning| url::form_urlencoded::byte_serialize(warning.as_bytes()).collect())
                    .collect();
                if !warnings.is_empty() {
                    reply = reply.with("x-cf-warnings", warnings.join(","));
                }
                reply.with("x-vcap-request-id", request_id(call, &options.request_ids.next()))
            }
        }
    }

    fn controller(&mut self, call: &Call, now: Timestamp) -> Reply {
        match (call.method.as_str(), call.path.as_str()) {
            ("GET", "/") => discovery::root(self, call),
            ("GET", "/v2/info") => discovery::info(self, call, now),
            (_, path) if is_below(path, "/v2") => v2::answer(self, call, now),
            (_, path) if is_below(path, "/v3") && !self.options.v3 => not_found_in_v3(),
            ("GET", "/v3") => discovery::v3_root(call),
            ("GET", "/v3/info") => v3::limited(self, call, now, |world, _| Ok(discovery::v3_info(world, call))),
            (_, path) if is_below(path, "/v3") => v3::answer(self, call, now),
            _ => Reply::v2_failure(&Error::NotFound.into()),
        }
    }

    /// Lets everything happen that was due by `now`, in its order.
    fn settle(&mut self, now: Timestamp) {
        while let Some((at, due)) = self.store.index.next_due(now) {
            match due {
                Due::Operation(id) => self.store.end_operation(id),
                Due::Job(id) => {
                    let deletion = self.store.jobs.get(id).map(|job| job.deletion.clone());
                    let failure = deletion.and_then(|deletion| removal::delete(self, &deletion, at).err());
                    self.store.end_job(id, failure.as_ref().map(Failure::v2));
                }
                Due::PollableJob(id) => {
                    let deletion = self.store.begin_pollable_job(id);
                    let failure = deletion.and_then(|deletion| removal::delete(self, &deletion, at).err());
                    let errors = failure.iter().map(Failure::v3_error).collect();
                    self.store.end_pollable_job(id, errors, at);
                }
            }
        }
    }
}

fn not_found_in_v3() -> Reply {
    Reply::v3_failure(&Error::NotFound.into())
}

fn is_below(path: &str, root: &str) -> bool {
    path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The client's own id, cleaned, with ours behind it; or ours alone (reference section 1.2).
fn request_id(call: &Call, own: &str) -> String {
    let sent = call.header("x-vcap-request-id").or_else(|| call.header("x-request-id"));
    let clean: String = sent
        .unwrap_or_default()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        .take(255)
        .collect();
    if clean.is_empty() { own.to_owned() } else { format!("{clean}::{own}") }
}
