//! What a foundation holds, whichever API looks at it.
//!
//! All changes go through methods here, so that the indexes and the generation are never forgotten.

mod seed;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::broker::Course;
use super::index::{Due, Index};
use super::marketplace::Behaviour;
use super::metadata::Metadata;
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

    /// The kind of the operation in progress, if there is one.
    pub(super) fn busy(&self) -> Option<OperationKind> {
        let operation = &self.managed()?.operation;
        (operation.state == OperationState::InProgress).then_some(operation.kind)
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
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct UserProvided {
    pub(super) credentials: Map<String, Value>,
    pub(super) syslog_drain_url: String,
    pub(super) route_service_url: String,
}

/// What an update changes only once the broker has succeeded.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Change {
    pub(super) plan_guid: Option<String>,
    pub(super) parameters: Option<Map<String, Value>>,
    pub(super) maintenance_info: Option<Value>,
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
    #[serde(rename = "in progress")]
    InProgress,
    Succeeded,
    Failed,
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
    pub(super) work: Option<(Timestamp, Deletion)>,
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
pub(super) const FLAGS: [(&str, bool); 3] = [
    ("hide_marketplace_from_unauthenticated_users", false),
    ("service_instance_creation", true),
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

    /// Removes an instance with its keys.
    pub(super) fn remove_instance(&mut self, id: Id) {
        if let Some(row) = self.instances.remove(id) {
            self.index.forget_instance(&row);
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
    pub(super) fn begin_pollable_job(&mut self, id: Id) -> Option<Deletion> {
        let job = self.pollable_jobs.get_mut(id)?;
        self.index.forget_pollable_job(job);
        let (_, deletion) = job.work.take()?;
        self.touch();
        Some(deletion)
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

    /// Ends an operation that has run its course.
    pub(super) fn end_operation(&mut self, id: Id) {
        let Some(managed) = self.instances.get(id).and_then(Instance::managed) else { return };
        let Some((course, change)) = managed.pending.clone() else { return };
        let Some(at) = course.ends_at else { return };
        if course.failure.is_none() && managed.operation.kind == OperationKind::Delete {
            self.remove_instance(id);
            return;
        }
        self.change_instance(id, |instance| {
            if let Some(managed) = instance.managed_mut() {
                managed.pending = None;
                managed.operation.updated_at = at;
                if let Some(description) = course.failure {
                    managed.operation.state = OperationState::Failed;
                    managed.operation.description = description;
                } else {
                    managed.operation.state = OperationState::Succeeded;
                    managed.apply(change);
                }
            }
        });
    }
}

impl Managed {
    /// Takes over what an update changes.
    pub(super) fn apply(&mut self, change: Change) {
        let Change { plan_guid, parameters, maintenance_info } = change;
        self.plan_guid = plan_guid.unwrap_or_else(|| std::mem::take(&mut self.plan_guid));
        self.parameters = parameters.unwrap_or_else(|| std::mem::take(&mut self.parameters));
        self.maintenance_info = maintenance_info.unwrap_or_else(|| self.maintenance_info.take());
    }
}

/// An instant as both APIs write it.
pub(super) fn stamp(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
