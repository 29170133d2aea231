//! One create, sent once. If its answer is lost, what is there decides, not another try.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::kind::{ErasedKind, Proposal, RemoteError, Session};
use crate::model::{Address, Fields, Identity, Observed};

/// What came of a create.
#[derive(Debug)]
pub(super) enum Attempt {
    /// The object is there, perhaps still being worked on.
    Created {
        /// It.
        object: Observed,
    },
    /// It was not created.
    Failed(RemoteError),
    /// Nobody can say: no answer came, and looking for it did not settle the matter.
    Unknown {
        /// What became of the request.
        error: RemoteError,
        /// Whether it could be looked for; it was not there then.
        looked: bool,
    },
}

/// How long to wait before each look for what may have been created. A remote that was cut off mid-request may take a
/// moment to finish it.
const LOOKS: [Duration; 3] = [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(2)];

/// Creates an object and finds out what came of it.
pub(super) async fn attempt(
    kind: Arc<dyn ErasedKind>,
    session: Arc<dyn Session>,
    address: Address,
    identity: Identity,
    fields: Arc<Fields>,
    clock: Clock,
) -> Attempt {
    let proposal = Proposal { address: &address, identity: &identity, fields: &fields };
    let declared = kind.declared().expect("only what can be declared is created");
    let mut error = match declared.create(proposal, &*session).await {
        Ok(object) => return Attempt::Created { object },
        Err(error) if !error.uncertain => return Attempt::Failed(error),
        Err(error) => error,
    };
    tracing::debug!(%address, "the answer to a create was lost; looking for it");
    let mut looked = false;
    for pause in LOOKS {
        clock.sleep(pause).await;
        match declared.look_up(proposal, &*session).await {
            Ok(Some(object)) => return Attempt::Created { object },
            Ok(None) => looked = true,
            Err(problem) => tracing::debug!(%address, %problem, "could not look for it"),
        }
    }
    // A server that answered has finished with the request; one that did not, or whose proxy did not wait for it (408,
    // 504), may still be at it.
    if !looked || matches!(error.problem.status, None | Some(408 | 504)) {
        return Attempt::Unknown { error, looked };
    }
    let looked = "it was looked for afterwards, and is not there: `trueup apply` can be run again";
    error.help = Some(error.help.map_or_else(|| looked.to_owned(), |help| format!("{help}; {looked}")));
    Attempt::Failed(error)
}
