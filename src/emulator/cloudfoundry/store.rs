//! What a foundation holds, whichever API looks at it.
//!
//! All changes go through methods here, so that the indexes and the generation are never forgotten.

mod seed;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::broker::Course;
use super::errors::{Error, Failure};
use super::index::{Due, Index};
use super::marketplace::Behaviour;
use super::metadata::{Metadata, MetadataChange};
use super::options::Quota;
use super::table::{Id, Row, Table};

macro_rules! rows {
    ($($row:ty),+) => {
        $(impl Row for $row {
            fn id(&self) -> Id { self.id }
            fn guid(&self) -> &str { &self.guid }
        })+
    };
}
rows!(Organization, Space, Broker, Offering, Plan, Visibility, Instance, Key, Job, PollableJob);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Organization {
    pub(super) id: Id,
    pub(super) guid: String,
    pub(super) name: String,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) suspended: bool,
    pub(super) quota: Quota,
    /// Guids of the users who became managers by creating it.
    pub(super) managers: Vec<String>,
    #[serde(default)]
    pub(super) metadata: Metadata,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Space {
    pub(super) id: Id,
    pub(super) guid: String,
    pub(super) name: String,
    pub(super) organization_guid: String,
    pub(super) allow_ssh: bool,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) quota: Option<Quota>,
    #[serde(default)]
    pub(super) suspended: bool,
    #[serde(default)]
    pub(super) metadata: Metadata,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Broker {
    pub(super) id: Id,
    pub(super) guid: String,
    pub(super) name: String,
    pub(super) created_at: Timestamp,
    /// The space it is private to.
    pub(super) space_guid: Option<String>,
}

impl Broker {
    /// Where the Cloud Controller would reach it: nobody answers there.
    pub(super) fn url(&self) -> String {
        format!("http://{}.sandbox.invalid", self.name)
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "a broker's catalogue has these switches")]
pub(super) struct Offering {
    pub(super) id: Id,
    pub(super) guid: String,
    pub(super) name: String,
    pub(super) created_at: Timestamp,
    pub(super) broker_guid: String,
    pub(super) unique_id: String,
    pub(super) description: String,
    pub(super) bindable: bool,
    pub(super) plan_updateable: bool,
    pub(super) instances_retrievable: bool,
    pub(super) allow_context_updates: bool,
    pub(super) tags: Vec<String>,
    #[serde(default)]
    pub(super) metadata: Metadata,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "`plan_updateable` is the API's word")]
pub(super) struct Plan {
    pub(super) id: Id,
    pub(super) guid: String,
    pub(super) name: String,
    pub(super) created_at: Timestamp,
    pub(super) offering_guid: String,
    pub(super) unique_id: String,
    pub(super) free: bool,
    pub(super) active: bool,
    pub(super) public: bool,
    pub(super) plan_updateable: Option<bool>,
    pub(super) maintenance_version: Option<String>,
    pub(super) schema: Value,
    pub(super) behaviour: Behaviour,
    #[serde(default)]
    pub(super) metadata: Metadata,
}

impl Plan {
    /// `{"version": …}`, or `{}` for a plan that knows no upgrades.
    pub(super) fn maintenance_info(&self) -> Value {
        self.maintenance_version.as_ref().map_or_else(|| json!({}), |version| json!({"version": version}))
    }
}

/// Makes a plan that is not public usable in one organization.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Visibility {
    pub(super) id: Id,
    pub(super) guid: String,
    pub(super) plan_guid: String,
    pub(super) organization_guid: String,
    pub(super) created_at: Timestamp,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Instance {
    pub(super) id: Id,
    pub(super) guid: String,
    pub(super) name: String,
    pub(super) space_guid: String,
    pub(super) tags: Vec<String>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    /// The other spaces that see it.
    pub(super) shared_to: Vec<String>,
    pub(super) kind: InstanceKind,
    #[serde(default)]
    pub(super) metadata: Metadata,
}

impl Instance {
    pub(super) fn managed(&self) -> Option<&Managed> {
        match &self.kind {
            InstanceKind::Managed(managed) => Some(managed),
            InstanceKind::UserProvided(_) => None,
        }
    }

    pub(super) fn managed_mut(&mut self) -> Option<&mut Managed> {
        match &mut self.kind {
            InstanceKind::Managed(managed) => Some(managed),
            InstanceKind::UserProvided(_) => None,
        }
    }

    /// The kind of the operation in progress, if there is one. One that has not begun yet counts (section 8.5).
    pub(super) fn busy(&self) -> Option<OperationKind> {
        let operation = &self.managed()?.operation;
        operation.state.is_underway().then_some(operation.kind)
    }

    /// What was tried last, if anything was.
    pub(super) fn operation(&self) -> Option<&LastOperation> {
        match &self.kind {
            InstanceKind::Managed(managed) => Some(&managed.operation),
            InstanceKind::UserProvided(provided) => provided.operation.as_ref(),
        }
    }

    /// Whether the last operation is this one in this state.
    pub(super) fn is(&self, kind: OperationKind, state: OperationState) -> bool {
        self.operation().is_some_and(|operation| operation.kind == kind && operation.state == state)
    }

    /// Takes over what an update changes.
    pub(super) fn apply(&mut self, change: Change, at: Timestamp) {
        let Change { plan_guid, parameters, maintenance_info, name, tags, metadata } = change;
        if plan_guid.is_some() || name.is_some() || tags.is_some() {
            self.updated_at = at;
        }
        if let Some(managed) = self.managed_mut() {
            managed.plan_guid = plan_guid.unwrap_or_else(|| std::mem::take(&mut managed.plan_guid));
            managed.parameters = parameters.unwrap_or_else(|| std::mem::take(&mut managed.parameters));
            managed.maintenance_info = maintenance_info.unwrap_or_else(|| managed.maintenance_info.take());
        }
        self.name = name.unwrap_or_else(|| std::mem::take(&mut self.name));
        self.tags = tags.unwrap_or_else(|| std::mem::take(&mut self.tags));
        // What would exceed the limits was refused when it was asked for.
        if let Ok(metadata) = metadata.applied_to(&self.metadata) {
            self.metadata = metadata;
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "nearly all instances are managed")]
pub(super) enum InstanceKind {
    Managed(Managed),
    UserProvided(UserProvided),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Managed {
    pub(super) plan_guid: String,
    /// What the broker holds.
    pub(super) parameters: Map<String, Value>,
    pub(super) maintenance_info: Value,
    pub(super) operation: LastOperation,
    /// The running operation's course, and what it will have changed when it succeeds.
    pub(super) pending: Option<(Course, Change)>,
    /// The job of v3 that polls the running operation.
    #[serde(default)]
    pub(super) job: Option<Id>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct UserProvided {
    pub(super) credentials: Map<String, Value>,
    /// Nothing, as v3 leaves it, is not the same as v2's empty text (section 12).
    pub(super) syslog_drain_url: Option<String>,
    pub(super) route_service_url: Option<String>,
    /// v3 alone keeps one.
    #[serde(default)]
    pub(super) operation: Option<LastOperation>,
}

/// What an update changes only once the broker has succeeded.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Change {
    pub(super) plan_guid: Option<String>,
    pub(super) parameters: Option<Map<String, Value>>,
    pub(super) maintenance_info: Option<Value>,
    /// From here on what v2 stores before it asks the broker (section 9).
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) tags: Option<Vec<String>>,
    #[serde(default)]
    pub(super) metadata: MetadataChange,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct LastOperation {
    pub(super) kind: OperationKind,
    pub(super) state: OperationState,
    pub(super) description: String,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

impl LastOperation {
    pub(super) fn new(kind: OperationKind, state: OperationState, description: &str, now: Timestamp) -> Self {
        Self { kind, state, description: description.to_owned(), created_at: now, updated_at: now }
    }

    /// The same operation, further on.
    pub(super) fn become_state(&mut self, state: OperationState, description: &str, now: Timestamp) {
        self.state = state;
        description.clone_into(&mut self.description);
        self.updated_at = now;
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OperationKind {
    Create,
    Update,
    Delete,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OperationState {
    /// Asked of v3, whose job has not picked it up yet.
    Initial,
    #[serde(rename = "in progress")]
    InProgress,
    Succeeded,
    Failed,
}

impl OperationState {
    fn is_underway(self) -> bool {
        matches!(self, Self::Initial | Self::InProgress)
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Key {
    pub(super) id: Id,
    pub(super) guid: String,
    pub(super) name: String,
    pub(super) instance_guid: String,
    pub(super) credentials: Map<String, Value>,
    pub(super) created_at: Timestamp,
    #[serde(default)]
    pub(super) metadata: Metadata,
    /// v3 alone keeps one.
    #[serde(default)]
    pub(super) operation: Option<LastOperation>,
}

impl Key {
    pub(super) fn is(&self, kind: OperationKind, state: OperationState) -> bool {
        self.operation.as_ref().is_some_and(|operation| operation.kind == kind && operation.state == state)
    }

    pub(super) fn updated_at(&self) -> Timestamp {
        self.operation.as_ref().map_or(self.created_at, |operation| operation.updated_at)
    }
}

/// A v2 background job. A job that has ended well has no row any more.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) id: Id,
    pub(super) guid: String,
    pub(super) created_at: Timestamp,
    pub(super) runs_at: Timestamp,
    pub(super) deletion: Deletion,
    /// The v2 error body, once it has failed.
    pub(super) failure: Option<Value>,
}

/// A job of v3 (reference section 10.1). Unlike one of v2 it is kept after its end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct PollableJob {
    pub(super) id: Id,
    pub(super) guid: String,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    /// What it does, in the API's words: `space.delete`.
    pub(super) operation: String,
    pub(super) state: JobState,
    /// Each as v3 writes an error.
    pub(super) errors: Vec<Value>,
    pub(super) subject: Subject,
    /// What is still to be done, and when.
    pub(super) work: Option<(Timestamp, Work)>,
}

/// What a job of v3 does when it is picked up.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "there are never many at once")]
pub(super) enum Work {
    /// Deletes all of it, and waits for no broker.
    Delete(Deletion),
    Provision {
        instance: String,
    },
    Update {
        instance: String,
        change: Change,
    },
    Deprovision {
        instance: String,
    },
    Bind {
        key: String,
    },
    Unbind {
        key: String,
    },
}

/// What a job of v3 is about: it links there as long as that exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Subject {
    /// The name of the link.
    pub(super) link: String,
    /// Where it leads, below `/v3/`.
    pub(super) collection: String,
    pub(super) guid: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum JobState {
    /// Queued or running.
    Processing,
    /// The broker has accepted, and is asked again and again how far it is.
    Polling,
    Complete,
    Failed,
}

/// What a job was asked to delete.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Deletion {
    Instance { guid: String, recursive: bool },
    Space { guid: String, recursive: bool },
    Organization { guid: String, recursive: bool },
}

/// Feature flags and their defaults.
pub(super) const FLAGS: [(&str, bool); 4] = [
    ("hide_marketplace_from_unauthenticated_users", false),
    ("service_instance_creation", true),
    ("service_instance_sharing", true),
    ("user_org_creation", false),
];

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Store {
    next_id: Id,
    pub(super) organizations: Table<Organization>,
    pub(super) spaces: Table<Space>,
    pub(super) brokers: Table<Broker>,
    pub(super) offerings: Table<Offering>,
    pub(super) plans: Table<Plan>,
    pub(super) visibilities: Table<Visibility>,
    pub(super) instances: Table<Instance>,
    pub(super) keys: Table<Key>,
    pub(super) jobs: Table<Job>,
    #[serde(default)]
    pub(super) pollable_jobs: Table<PollableJob>,
    flags: BTreeMap<String, bool>,
    /// `jti`s of refresh tokens that were exchanged for others.
    revoked: Vec<String>,
    #[serde(skip)]
    pub(super) index: Index,
    #[serde(skip)]
    generation: u64,
}

impl Store {
    /// Brings the indexes of a store that was read from its saved form up to date.
    pub(super) fn reindex(&mut self) {
        self.index = Index::of(self);
    }

    /// How many changes there have been since the start.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    fn touch(&mut self) {
        self.generation += 1;
    }

    fn next_id(&mut self) -> Id {
        self.touch();
        self.next_id += 1;
        self.next_id
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        let (_, default) = FLAGS.iter().find(|(known, _)| *known == name)?;
        Some(self.flags.get(name).copied().unwrap_or(*default))
    }

    pub(super) fn set_flag(&mut self, name: &str, enabled: bool) {
        self.touch();
        self.flags.insert(name.to_owned(), enabled);
    }

    pub(super) fn revoke(&mut self, jti: &str) {
        self.touch();
        self.revoked.push(jti.to_owned());
    }

    pub(super) fn is_revoked(&self, jti: &str) -> bool {
        self.revoked.iter().any(|revoked| revoked == jti)
    }

    pub(super) fn insert_organization(&mut self, make: impl FnOnce(Id) -> Organization) -> Id {
        let row = make(self.next_id());
        let id = row.id;
        self.index.organization(&row);
        self.organizations.insert(row);
        id
    }

    pub(super) fn change_organization(&mut self, id: Id, change: impl FnOnce(&mut Organization)) {
        let row = self.organizations.get_mut(id).expect("the id was read under the same lock");
        self.index.forget_organization(row);
        change(row);
        self.index.organization(row);
        self.touch();
    }

    /// Removes an organization, which no longer has spaces, and what made plans visible in it.
    pub(super) fn remove_organization(&mut self, id: Id) {
        if let Some(row) = self.organizations.remove(id) {
            self.index.forget_organization(&row);
            let visibilities: Vec<Id> =
                self.visibilities.iter().filter(|v| v.organization_guid == row.guid).map(|v| v.id).collect();
            for visibility in visibilities {
                self.visibilities.remove(visibility);
            }
            self.touch();
        }
    }

    /// The organization of this name, in any letter case.
    pub(super) fn organization_named(&self, name: &str) -> Option<&Organization> {
        self.organizations.get(self.index.organization_named(name)?)
    }

    pub(super) fn insert_space(&mut self, make: impl FnOnce(Id) -> Space) -> Id {
        let row = make(self.next_id());
        let id = row.id;
        self.index.space(&row);
        self.spaces.insert(row);
        id
    }

    pub(super) fn change_space(&mut self, id: Id, change: impl FnOnce(&mut Space)) {
        let row = self.spaces.get_mut(id).expect("the id was read under the same lock");
        self.index.forget_space(row);
        change(row);
        self.index.space(row);
        self.touch();
    }

    pub(super) fn remove_space(&mut self, id: Id) {
        if let Some(row) = self.spaces.remove(id) {
            self.index.forget_space(&row);
            for instance in self.index.shared_into(&row.guid).to_vec() {
                self.change_instance(instance, |shared| shared.shared_to.retain(|guid| *guid != row.guid));
            }
            self.touch();
        }
    }

    /// The space of this name in an organization, in any letter case.
    pub(super) fn space_named(&self, organization_guid: &str, name: &str) -> Option<&Space> {
        let candidates = self.index.spaces_named(name);
        candidates.iter().filter_map(|&id| self.spaces.get(id)).find(|s| s.organization_guid == organization_guid)
    }

    /// Hangs other labels and annotations on an offering.
    pub(super) fn label_offering(&mut self, id: Id, metadata: Metadata) {
        self.offerings.get_mut(id).expect("the id was read under the same lock").metadata = metadata;
        self.touch();
    }

    /// Hangs other labels and annotations on a plan.
    pub(super) fn label_plan(&mut self, id: Id, metadata: Metadata) {
        self.plans.get_mut(id).expect("the id was read under the same lock").metadata = metadata;
        self.touch();
    }

    /// Changes a plan, as a broker that updates its catalogue does. Returns whether there is one of this guid.
    pub(super) fn change_plan(&mut self, guid: &str, change: impl FnOnce(&mut Plan)) -> bool {
        let Some(id) = self.plans.by_guid(guid).map(|plan| plan.id) else { return false };
        change(self.plans.get_mut(id).expect("it was found a moment ago"));
        self.touch();
        true
    }

    fn insert_plan(&mut self, make: impl FnOnce(Id) -> Plan) {
        let row = make(self.next_id());
        self.index.plan(&row);
        self.plans.insert(row);
    }

    pub(super) fn insert_visibility(&mut self, guid: String, plan: &str, organization: &str, now: Timestamp) -> Id {
        let id = self.next_id();
        self.visibilities.insert(Visibility {
            id,
            guid,
            plan_guid: plan.to_owned(),
            organization_guid: organization.to_owned(),
            created_at: now,
        });
        id
    }

    pub(super) fn remove_visibility(&mut self, id: Id) {
        self.visibilities.remove(id);
        self.touch();
    }

    pub(super) fn offering_of(&self, plan: &Plan) -> &Offering {
        self.offerings.by_guid(&plan.offering_guid).expect("a plan's offering stays as long as the plan")
    }

    pub(super) fn plans_of(&self, offering: &Offering) -> impl Iterator<Item = &Plan> {
        self.index.plans_of(&offering.guid).iter().filter_map(|&id| self.plans.get(id))
    }

    pub(super) fn broker_of(&self, offering: &Offering) -> &Broker {
        self.brokers.by_guid(&offering.broker_guid).expect("an offering's broker stays as long as the offering")
    }

    pub(super) fn insert_instance(&mut self, make: impl FnOnce(Id) -> Instance) -> Id {
        let row = make(self.next_id());
        let id = row.id;
        self.index.instance(&row);
        self.instances.insert(row);
        id
    }

    pub(super) fn change_instance(&mut self, id: Id, change: impl FnOnce(&mut Instance)) {
        let row = self.instances.get_mut(id).expect("the id was read under the same lock");
        let before = super::index::Marks::of(row);
        change(row);
        self.index.instance_changed(row, &before);
        self.touch();
    }

    /// Removes an instance with its keys. A job that polled its operation finds nothing any more.
    pub(super) fn remove_instance(&mut self, id: Id) {
        if let Some(row) = self.instances.remove(id) {
            self.index.forget_instance(&row);
            if let Some(job) = row.managed().and_then(|managed| managed.job) {
                self.fail_pollable_job(job, &Error::ServiceInstanceNotFound.with(&[&row.guid]));
            }
            for key in self.index.keys_of(&row.guid).to_vec() {
                self.remove_key(key);
            }
            self.touch();
        }
    }

    pub(super) fn insert_key(&mut self, make: impl FnOnce(Id) -> Key) -> Id {
        let row = make(self.next_id());
        let id = row.id;
        self.index.key(&row);
        self.keys.insert(row);
        id
    }

    pub(super) fn change_key(&mut self, id: Id, change: impl FnOnce(&mut Key)) {
        change(self.keys.get_mut(id).expect("the id was read under the same lock"));
        self.touch();
    }

    pub(super) fn remove_key(&mut self, id: Id) {
        if let Some(row) = self.keys.remove(id) {
            self.index.forget_key(&row);
            self.touch();
        }
    }

    pub(super) fn insert_job(&mut self, guid: String, deletion: Deletion, now: Timestamp, runs_at: Timestamp) -> Id {
        let id = self.next_id();
        self.index.schedule(runs_at, Due::Job(id));
        self.jobs.insert(Job { id, guid, created_at: now, runs_at, deletion, failure: None });
        id
    }

    /// Takes a job that is due off the schedule and ends it: gone if it went well, kept with its error if not.
    pub(super) fn end_job(&mut self, id: Id, failure: Option<Value>) {
        if let Some(job) = self.jobs.get_mut(id) {
            self.index.unschedule(job.runs_at, Due::Job(id));
            job.failure = failure;
            if job.failure.is_none() {
                self.jobs.remove(id);
            }
            self.touch();
        }
    }

    pub(super) fn insert_pollable_job(&mut self, make: impl FnOnce(Id) -> PollableJob) -> Id {
        let row = make(self.next_id());
        let id = row.id;
        self.index.pollable_job(&row);
        self.pollable_jobs.insert(row);
        id
    }

    /// Takes a job of v3 that is due off the schedule, and what it has to do with it.
    pub(super) fn begin_pollable_job(&mut self, id: Id) -> Option<Work> {
        let job = self.pollable_jobs.get_mut(id)?;
        self.index.forget_pollable_job(job);
        let (_, work) = job.work.take()?;
        self.touch();
        Some(work)
    }

    /// Lets a job of v3 wait for the broker.
    pub(super) fn poll_pollable_job(&mut self, id: Id, at: Timestamp) {
        if let Some(job) = self.pollable_jobs.get_mut(id) {
            job.state = JobState::Polling;
            job.updated_at = at;
            self.touch();
        }
    }

    /// Fails a job of v3 whose operation was taken out of its hands.
    pub(super) fn fail_pollable_job(&mut self, id: Id, failure: &Failure) {
        if let Some(at) = self.pollable_jobs.get(id).map(|job| job.updated_at) {
            self.end_pollable_job(id, vec![failure.v3_error()], at);
        }
    }

    /// Forgets the rows of jobs that have ended, as an old foundation does by their age.
    pub(super) fn purge_pollable_jobs(&mut self) {
        let ended = |job: &&PollableJob| matches!(job.state, JobState::Complete | JobState::Failed);
        let ids: Vec<Id> = self.pollable_jobs.iter().filter(ended).map(|job| job.id).collect();
        for id in ids {
            self.pollable_jobs.remove(id);
            self.touch();
        }
    }

    /// Ends a job of v3, which stays.
    pub(super) fn end_pollable_job(&mut self, id: Id, errors: Vec<Value>, at: Timestamp) {
        if let Some(job) = self.pollable_jobs.get_mut(id) {
            job.state = if errors.is_empty() { JobState::Complete } else { JobState::Failed };
            job.errors = errors;
            job.updated_at = at;
            self.touch();
        }
    }
}

/// An instant as both APIs write it.
pub(super) fn stamp(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
