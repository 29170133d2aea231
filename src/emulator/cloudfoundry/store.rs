//! What a foundation holds, whichever API looks at it.
//!
//! All changes go through methods here, so that the indexes and the generation are never forgotten.

mod seed;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::errors::{Error, Failure};
use super::index::{Due, Index};
use super::metadata::Metadata;
use super::table::{Id, Table};

pub(super) use super::rows::{
    App, Binding, Broker, Change, Deletion, Instance, InstanceKind, Job, JobState, LastOperation, Managed, Offering,
    OperationKind, OperationState, Organization, Plan, PollableJob, Space, Subject, UserProvided, Visibility, Work,
};

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
    /// Under the name that saved states have for them.
    #[serde(rename = "keys")]
    pub(super) bindings: Table<Binding>,
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

    /// Removes an instance with its bindings. A job that polled its operation finds nothing any more.
    pub(super) fn remove_instance(&mut self, id: Id) {
        if let Some(row) = self.instances.remove(id) {
            self.index.forget_instance(&row);
            if let Some(job) = row.managed().and_then(|managed| managed.job) {
                self.fail_pollable_job(job, &Error::ServiceInstanceNotFound.with(&[&row.guid]));
            }
            for key in self.index.bindings_of(&row.guid).to_vec() {
                self.remove_binding(key);
            }
            self.touch();
        }
    }

    pub(super) fn insert_binding(&mut self, make: impl FnOnce(Id) -> Binding) -> Id {
        let row = make(self.next_id());
        let id = row.id;
        self.index.binding(&row);
        self.bindings.insert(row);
        id
    }

    pub(super) fn change_binding(&mut self, id: Id, change: impl FnOnce(&mut Binding)) {
        let row = self.bindings.get_mut(id).expect("the id was read under the same lock");
        self.index.forget_binding(row);
        change(row);
        self.index.binding(row);
        self.touch();
    }

    /// Removes a binding. A job that polled its operation finds nothing any more.
    pub(super) fn remove_binding(&mut self, id: Id) {
        if let Some(row) = self.bindings.remove(id) {
            self.index.forget_binding(&row);
            if let Some(job) = row.job {
                let gone = format!("The binding could not be found: {}", row.guid);
                self.fail_pollable_job(job, &Error::ResourceNotFound.with(&[&gone]));
            }
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
