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
    /// How a resource that is being worked on would end if the run ended now, until the next of these or its end. Not told
    /// to anybody as it happens: it is for the account of a run that is cut off.
    Standing {
        /// The resource.
        address: Address,
        /// How it would end: what has been answered is known, and only what has not is unknown.
        resolution: Resolution,
        /// The remote's id of it, where known.
        id: Option<RemoteId>,
        /// What there would be to say.
        diagnostic: Diagnostic,
    },
    /// Something to tell.
    Diagnostic(Diagnostic),
}
