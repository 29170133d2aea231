//! How each resource ended.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Address, Diagnostic, RemoteId};
use crate::plan::{Action, Plan, Step};

/// The account of an apply: one outcome per step of the plan, in its order.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// The outcomes.
    pub outcomes: Vec<Outcome>,
    /// What cannot be said of one resource: a failed sign-in, an invalid configuration.
    pub diagnostics: Vec<Diagnostic>,
    /// Whether what was written was as declared when it was read again; `None` if it was not.
    pub converged: Option<bool>,
    /// The signal that interrupted it, 2 or 15.
    pub signal: Option<u8>,
}

/// How one resource ended.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The resource.
    pub address: Address,
    /// What was to be done.
    pub action: Action,
    /// How it ended.
    pub resolution: Resolution,
    /// The remote's id, where known.
    pub id: Option<RemoteId>,
    /// The resource because of which it was skipped.
    pub because: Option<Address>,
    /// What there is to say about it.
    pub diagnostics: Vec<Diagnostic>,
}

/// How a resource ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// As planned.
    Done,
    /// There was nothing to do.
    Unchanged,
    /// The remote refused or failed.
    Failed,
    /// Not begun, because something it requires was not done.
    Skipped,
    /// Not begun: somebody has to decide something.
    Blocked,
    /// Not begun: the run ended first.
    NotStarted,
    /// Whether it happened could not be found out.
    Unknown,
    /// The remote is still at work; the next run attaches.
    Waiting,
}

impl Resolution {
    /// Whether what was declared is so.
    pub fn is_good(self) -> bool {
        matches!(self, Self::Done | Self::Unchanged)
    }

    /// Every resolution, in the order of summaries.
    pub const ALL: [Self; 8] = [
        Self::Done,
        Self::Unchanged,
        Self::Failed,
        Self::Skipped,
        Self::Blocked,
        Self::NotStarted,
        Self::Unknown,
        Self::Waiting,
    ];

    /// Its name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Unchanged => "unchanged",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Blocked => "blocked",
            Self::NotStarted => "not_started",
            Self::Unknown => "unknown",
            Self::Waiting => "waiting",
        }
    }
}

impl Ledger {
    /// That of a plan of which nothing has been begun.
    pub fn not_begun(plan: &Plan) -> Self {
        let outcome = |step: &Step| Outcome {
            address: step.address.clone(),
            action: step.action,
            resolution: match step.action {
                Action::Unchanged => Resolution::Unchanged,
                Action::Blocked => Resolution::Blocked,
                _ => Resolution::NotStarted,
            },
            id: step.observed.as_ref().map(|seen| seen.id.clone()),
            because: None,
            diagnostics: Vec::new(),
        };
        Self { outcomes: plan.steps.iter().map(outcome).collect(), ..Self::default() }
    }

    /// How many ended so.
    pub fn count(&self, resolution: Resolution) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.resolution == resolution).count()
    }

    /// Whether everything is done or was so already, and nothing came back different.
    pub fn is_complete(&self) -> bool {
        let fine = |outcome: &Outcome| {
            matches!(outcome.resolution, Resolution::Done | Resolution::Unchanged)
                && outcome.diagnostics.iter().all(|diagnostic| diagnostic.severity != crate::model::Severity::Error)
        };
        self.outcomes.iter().all(fine)
    }
}
