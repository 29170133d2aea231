//! What happens while a plan is carried out, as it happens.

use std::time::Duration;

use super::ledger::Resolution;
use crate::model::{Address, Diagnostic, RemoteId};
use crate::plan::Action;

/// One thing that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// Work on a resource has begun.
    Start {
        /// The resource.
        address: Address,
        /// What is being done.
        action: Action,
    },
    /// The remote is still at work on it.
    Progress {
        /// The resource.
        address: Address,
        /// What is being done.
        action: Action,
        /// Since work on it began.
        elapsed: Duration,
        /// The remote's words.
        description: Option<String>,
    },
    /// Work on a resource has ended well.
    Complete {
        /// The resource.
        address: Address,
        /// What was done.
        action: Action,
        /// The remote's id of it.
        id: Option<RemoteId>,
        /// Since work on it began.
        elapsed: Duration,
    },
    /// Work on a resource has ended otherwise, or will not begin.
    Ended {
        /// The resource.
        address: Address,
        /// What was to be done.
        action: Action,
        /// How it ended; neither done nor unchanged.
        resolution: Resolution,
        /// The resource because of which it was skipped.
        because: Option<Address>,
    },
    /// Something to tell.
    Diagnostic(Diagnostic),
}
