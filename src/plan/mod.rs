//! What would be done: a value that every renderer and the executor only read.

mod build;
mod cause;
mod cost;
mod coverage;
mod decide;
pub mod document;
mod guard;
mod likely;
mod mistakes;
mod review;
mod saved;
mod terms;
mod together;
mod tombstone;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use build::{knowledge, only, plan};
pub use cause::{Base, Cause, Revisions, judge};
pub use coverage::{Covered, Undeclared, coverage};
pub use guard::guard;
use jiff::Timestamp;
pub use review::{beyond, redeclared, undeclared};
pub use saved::{Damaged, read};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
pub use terms::{Terms, declared};

use crate::model::{Address, Diagnostic, Facts, Identity, Path, RemoteId, Span, TargetName};

/// A plan. The same input gives the same plan, byte for byte.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The project's name.
    pub project: Arc<str>,
    /// The environment chosen with `-e`.
    pub environment: Option<Arc<str>>,
    /// What the targets turned out to be.
    pub targets: BTreeMap<TargetName, Facts>,
    /// One step per resource, what is required before what requires it, else by address.
    pub steps: Vec<Step>,
    /// What it was made with besides the remotes.
    pub terms: Terms,
    /// What causes were judged against, if they were.
    pub base: Option<Base>,
    /// When the snapshot was taken that it is made from, if it is from a file. Such a plan is not carried out.
    pub taken: Option<Timestamp>,
    /// How many requests were sent to read.
    pub reads: u64,
    /// What was found on the way; with an error among them the plan cannot be applied.
    pub diagnostics: Vec<Diagnostic>,
    /// How much of what exists is declared, where that was asked for.
    pub undeclared: Option<Vec<Covered>>,
}

/// What is to happen to one resource.
#[derive(Debug, Clone)]
pub struct Step {
    /// The resource.
    pub address: Address,
    /// Its target.
    pub target: TargetName,
    /// What is done.
    pub action: Action,
    /// Why, for people and scripts. Apply does not branch on it.
    pub reason: Reason,
    /// Where the resource is declared.
    pub source: Span,
    /// What it is recognised by.
    pub identity: Identity,
    /// The declared resources that come first, sorted; the parts of each ([`Resource::parts`](crate::model::Resource::parts))
    /// come with it.
    pub requires: Vec<Address>,
    /// What changes, in the order of the section's table.
    pub changes: Vec<Change>,
    /// What else is deleted with the object, in words.
    pub takes_along: Vec<String>,
    /// The object as observed: its id and what tells its states apart.
    pub observed: Option<Seen>,
    /// Whether this version carries the action out; otherwise it is shown only.
    pub executable: bool,
    /// How many requests that takes to write, at the most.
    pub writes: u64,
    /// Where it comes from: the first that any of its changes has. `None` if nothing is done, or that was not judged.
    pub cause: Option<Cause>,
}

/// What is done to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is created.
    Create,
    /// It is changed in place.
    Update,
    /// It is deleted and created anew.
    Replace,
    /// It is deleted.
    Delete,
    /// A failed create occupies its name: that is cleared, and it is created.
    Recover,
    /// An operation is running: attach to it.
    Wait,
    /// Nothing can be done until somebody decides.
    Blocked,
    /// Nothing differs.
    Unchanged,
}

impl Plan {
    /// How many requests carrying it out takes to write, at the most: what is the case already when its turn comes is not
    /// sent again.
    pub fn writes(&self) -> u64 {
        self.steps.iter().map(|step| step.writes).sum()
    }
}

impl Action {
    /// Every action, in the order of summaries.
    pub const ALL: [Self; 8] = [
        Self::Create,
        Self::Update,
        Self::Replace,
        Self::Delete,
        Self::Recover,
        Self::Wait,
        Self::Blocked,
        Self::Unchanged,
    ];

    /// Its name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::Recover => "recover",
            Self::Wait => "wait",
            Self::Blocked => "blocked",
            Self::Unchanged => "unchanged",
        }
    }

    /// Its sign in plans for people.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Create => "+",
            Self::Update => "~",
            Self::Replace => "-/+",
            Self::Delete => "-",
            Self::Recover => "!",
            Self::Wait => ">",
            Self::Blocked => "x",
            Self::Unchanged => " ",
        }
    }
}

/// Why an action is what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// A stable word, `absent`, `drift`, `equal`.
    pub code: &'static str,
    /// A sentence without a full stop.
    pub message: String,
}

/// What was observed of the object a step is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The remote's id.
    pub id: RemoteId,
    /// What tells its states apart, `updated_at` where there is one.
    pub version: Option<Arc<str>>,
}

/// One value that changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Which.
    pub path: Path,
    /// As it is.
    pub before: Shown,
    /// As it shall be.
    pub after: Shown,
    /// Where that is declared.
    pub source: Option<Span>,
    /// Where it comes from. `None` if that was not judged, or nobody can tell whether anything differs.
    pub cause: Option<Cause>,
}

impl Step {
    /// Where one of its changes comes from, if that is not where the action as a whole comes from.
    pub fn apart(&self, change: &Change) -> Option<Cause> {
        change.cause.filter(|cause| self.cause != Some(*cause))
    }
}

/// A value in a plan. A secret cannot be put in.
#[derive(Debug, Clone, PartialEq)]
pub enum Shown {
    /// There is none.
    Nothing,
    /// This one.
    Json(serde_json::Value),
    /// Known after apply.
    Unknown,
    /// Not to be shown.
    Sensitive,
    /// The remote cannot tell.
    Unverifiable,
    /// Another one than what is declared, by the fingerprint that was kept of it; which, the remote does not tell.
    Unreadable,
    /// The snapshot that the plan is made from leaves it out, because it may be a secret; or what is declared is not here.
    Redacted,
}

impl Shown {
    /// Whether nobody can tell what it is: of such a value it is not known whether it differs.
    pub fn is_untold(&self) -> bool {
        matches!(self, Self::Unverifiable | Self::Redacted)
    }
}

impl Plan {
    /// How many steps have this action.
    pub fn count(&self, action: Action) -> usize {
        self.steps.iter().filter(|step| step.action == action).count()
    }

    /// Whether anything but `unchanged` is in it.
    pub fn has_changes(&self) -> bool {
        self.steps.iter().any(|step| step.action != Action::Unchanged)
    }

    /// Whether anything in it would be carried out.
    pub fn has_work(&self) -> bool {
        self.steps.iter().any(|step| step.executable && !matches!(step.action, Action::Unchanged | Action::Blocked))
    }

    /// Whether it cannot be applied.
    pub fn errored(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == crate::model::Severity::Error)
    }
}

#[cfg(test)]
mod tests;
