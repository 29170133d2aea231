//! One foundation at work: answers a call, having first let happen what was due.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::call::{Call, Reply};
use super::errors::{Error, Failure};
use super::index::Due;
use super::limits::{BrokerLimiter, Limiter};
use super::marketplace::BrokerStep;
use super::metadata::Metadata;
use super::options::Options;
use super::orders::Orders;
use super::store::{App, Binding, LastOperation, OperationKind, OperationState, Plan, Store};
use super::table::Id;
use super::uaa::{self, Attempts, TokenEndpoint};
use super::{broker, discovery, removal, v2, v3, work};

#[derive(Debug)]
pub(super) struct World {
    pub(super) options: Arc<Options>,
    pub(super) store: Store,
    attempts: Attempts,
    pub(super) limiter: Limiter,
    pub(super) v2_limiter: Limiter,
    pub(super) broker_limiter: BrokerLimiter,
    /// How long a job stays queued, if somebody has decided otherwise than the options.
    pub(super) job_delay: Option<Duration>,
    pub(super) orders: Orders,
}

impl World {
    pub(super) fn new(options: Options, store: Store) -> Self {
        Self {
            options: Arc::new(options),
            store,
            attempts: Attempts::default(),
            limiter: Limiter::default(),
            v2_limiter: Limiter::default(),
            broker_limiter: BrokerLimiter::default(),
            job_delay: None,
            orders: Orders::default(),
        }
    }

    /// A new guid for something that will be stored.
    pub(super) fn guid(&self) -> String {
        self.options.ids.next()
    }

    /// How long a job stays queued before it runs.
    pub(super) fn job_delay(&self) -> Duration {
        self.job_delay.unwrap_or(self.options.job_delay)
    }

    /// Sends a request about an instance of a plan to the broker, which an order may tell to act otherwise.
    pub(super) fn ask(
        &self,
        plan: &Plan,
        instance: &str,
        step: BrokerStep,
        accepts_incomplete: bool,
        now: Timestamp,
    ) -> Result<broker::Answer, Failure> {
        let ordered = self.orders.obey(step, instance);
        let behaviour = ordered.as_ref().unwrap_or(&plan.behaviour);
        broker::ask(behaviour, step, accepts_incomplete, self.options.longest_operation, now)
    }

    pub(super) fn answer(&mut self, call: &Call) -> Reply {
        let now = self.options.clock.now();
        self.settle(now);
        if call.method == "GET" {
            self.count_looks(&call.path, now);
        }
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

    /// Operations that end after so many looks: at the instance or the binding, at its job, or at a list of such.
    fn count_looks(&mut self, path: &str, now: Timestamp) {
        let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let is_job = |job: Option<Id>| {
            let job = job.and_then(|job| self.store.pollable_jobs.get(job));
            job.is_some_and(|job| job.guid == last)
        };
        let is_list = last == "service_instances";
        let is_looked_at = |id: &Id| {
            let Some(row) = self.store.instances.get(*id) else { return false };
            is_list || row.guid == last || is_job(row.managed().and_then(|managed| managed.job))
        };
        let looked_at: Vec<Id> = self.store.index.counting_looks().iter().copied().filter(is_looked_at).collect();
        let is_list = last == "service_credential_bindings";
        let is_looked_at = |id: &Id| {
            let Some(row) = self.store.bindings.get(*id) else { return false };
            is_list || row.guid == last || is_job(row.job)
        };
        let index = &self.store.index;
        let bindings: Vec<Id> = index.bindings_counting_looks().iter().copied().filter(is_looked_at).collect();
        for id in looked_at {
            self.store.look_at(id, now);
        }
        for id in bindings {
            self.store.look_at_binding(id, now);
        }
    }

    /// Lets everything happen that was due by `now`, in its order.
    fn settle(&mut self, now: Timestamp) {
        while let Some((at, due)) = self.store.index.next_due(now) {
            match due {
                Due::Operation(id) => self.store.end_operation(id),
                Due::Binding(id) => self.store.end_binding_operation(id),
                Due::Job(id) => self.run_job(id, at),
                Due::PollableJob(id) => work::run(self, id, at),
            }
        }
    }

    /// Runs a background job of v2.
    fn run_job(&mut self, id: Id, at: Timestamp) {
        let deletion = self.store.jobs.get(id).map(|job| job.deletion.clone());
        let failure = deletion.and_then(|deletion| removal::delete(self, &deletion, at).err());
        self.store.end_job(id, failure.as_ref().map(Failure::v2));
    }

    /// Runs the jobs that are still queued, of both APIs, and says how many those were.
    pub(super) fn run_jobs(&mut self, now: Timestamp) -> usize {
        let queued = self.store.jobs.iter().filter(|job| job.failure.is_none());
        let of_v2: Vec<Id> = queued.map(|job| job.id).collect();
        let queued = self.store.pollable_jobs.iter().filter(|job| job.work.is_some());
        let of_v3: Vec<Id> = queued.map(|job| job.id).collect();
        for &id in &of_v2 {
            self.run_job(id, now);
        }
        for &id in &of_v3 {
            work::run(self, id, now);
        }
        of_v2.len() + of_v3.len()
    }

    /// Binds an app of this name, whatever a broker says: to the instance of this guid, or the only one of this name. Returns
    /// the guid of the binding. If it is in progress, it stays so until it is released.
    pub(super) fn bind_app(&mut self, instance: &str, app: &str, in_progress: bool) -> Result<String, String> {
        let now = self.options.clock.now();
        let named = self.store.index.instances_named(instance).all.as_slice();
        let by_guid = self.store.instances.by_guid(instance).map(|row| row.id);
        let id = match (by_guid, named) {
            (Some(id), _) => id,
            (None, [id]) => *id,
            (None, []) => return Err(format!("no instance has the guid or the name `{instance}`")),
            (None, _) => return Err(format!("several instances have the name `{instance}`: give a guid")),
        };
        let instance_guid = self.store.instances.get(id).expect("it is in the index").guid.clone();
        let known = self.store.bindings.iter().filter_map(|row| row.app.as_ref()).find(|known| known.name == app);
        let app = known.cloned().unwrap_or_else(|| App { guid: self.guid(), name: app.to_owned() });
        let guid = self.guid();
        let state = if in_progress { OperationState::InProgress } else { OperationState::Succeeded };
        self.store.insert_binding(|id| Binding {
            id,
            guid: guid.clone(),
            name: String::new(),
            instance_guid,
            app: Some(app),
            credentials: if in_progress { serde_json::Map::new() } else { work::credentials(&guid) },
            created_at: now,
            metadata: Metadata::default(),
            operation: Some(LastOperation::new(OperationKind::Create, state, "", now)),
            pending: in_progress.then(broker::Course::default),
            job: None,
        });
        Ok(guid)
    }

    /// Takes away all that apps are bound with, and says how many those were.
    pub(super) fn unbind_apps(&mut self) -> usize {
        let bound: Vec<Id> = self.store.bindings.iter().filter(|row| !row.is_key()).map(|row| row.id).collect();
        for &id in &bound {
            self.store.remove_binding(id);
        }
        bound.len()
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
