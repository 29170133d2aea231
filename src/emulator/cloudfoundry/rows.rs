//! The rows of a foundation's tables: what there is to know about each thing in it.
//!
//! Who changes them is [`super::store::Store`].

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::broker::Course;
use super::marketplace::Behaviour;
use super::metadata::{Metadata, MetadataChange};
use super::options::Quota;
use super::table::{Id, Row};

macro_rules! rows {
    ($($row:ty),+) => {
        $(impl Row for $row {
            fn id(&self) -> Id { self.id }
            fn guid(&self) -> &str { &self.guid }
        })+
    };
}
rows!(Organization, Space, Broker, Offering, Plan, Visibility, Instance, Binding, Job, PollableJob);

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

/// Credentials for an instance: a service key, or what an app is bound with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Binding {
    pub(super) id: Id,
    pub(super) guid: String,
    /// Of a key always, of an app's binding only if somebody gave it one.
    pub(super) name: String,
    pub(super) instance_guid: String,
    /// The app that is bound; a key has none.
    #[serde(default)]
    pub(super) app: Option<App>,
    pub(super) credentials: Map<String, Value>,
    pub(super) created_at: Timestamp,
    #[serde(default)]
    pub(super) metadata: Metadata,
    /// v3 alone keeps one.
    #[serde(default)]
    pub(super) operation: Option<LastOperation>,
    /// The course of what the broker is at work on.
    #[serde(default)]
    pub(super) pending: Option<Course>,
    /// The job of v3 that polls it.
    #[serde(default)]
    pub(super) job: Option<Id>,
}

/// What is known of an app: the sandbox runs none, and lets them be bound all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct App {
    pub(super) guid: String,
    pub(super) name: String,
}

impl Binding {
    pub(super) fn is_key(&self) -> bool {
        self.app.is_none()
    }

    /// The operation it is in, if there is one; one that has not begun yet counts.
    pub(super) fn busy(&self) -> Option<OperationKind> {
        self.operation.as_ref().filter(|operation| operation.state.is_underway()).map(|operation| operation.kind)
    }

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
        binding: String,
    },
    Unbind {
        binding: String,
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
