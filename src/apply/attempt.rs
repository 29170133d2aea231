//! One write, sent once. If its answer is lost, what is there decides, not another try.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::diff::{Difference, Measure};
use crate::kind::{ErasedDeclared, ErasedKind, Modification, Proposal, RemoteError, Session};
use crate::model::{Address, Condition, Fields, Identity, Lifecycle, Observed, Operation, Path, RemoteId, Section};

/// What came of a write.
#[derive(Debug)]
pub(super) enum Attempt {
    /// The remote took it: the object as it is, perhaps still being worked on; `None` if it is gone.
    Taken(Option<Observed>),
    /// The answer to a create was lost, and this is there. What the kind does after its first request may not have happened.
    Found(Observed),
    /// It did not.
    Failed(RemoteError),
    /// Nobody can say: no answer came, and looking did not settle the matter.
    Unknown {
        /// What became of the request.
        error: RemoteError,
        /// Whether it could be looked at; what was asked for had not happened then.
        looked: bool,
    },
}

/// What is written.
#[derive(Debug)]
pub(super) enum Write {
    /// A create. What has one of these ids is no outcome of it.
    Create { before: Option<Before> },
    /// These changes of an object.
    Update { object: Observed, changes: Vec<Difference> },
    /// The delete of an object.
    Delete {
        object: Observed,
        /// Whether somebody has consented to what goes along.
        along: bool,
    },
}

/// What had the name before it was created.
#[derive(Debug)]
pub(super) struct Before {
    pub(super) id: RemoteId,
    /// Whether it is known to be gone; otherwise it is what a failed create left.
    pub(super) gone: bool,
}

/// A write and all it needs, apart from the run.
pub(super) struct Task {
    pub(super) kind: Arc<dyn ErasedKind>,
    pub(super) session: Arc<dyn Session>,
    pub(super) address: Address,
    pub(super) identity: Identity,
    pub(super) fields: Arc<Fields>,
    pub(super) lifecycle: Lifecycle,
    pub(super) clock: Clock,
    pub(super) write: Write,
}

/// How long to wait before each look at what may have happened. A remote that was cut off mid-request may take a moment
/// to finish it.
const LOOKS: [Duration; 3] = [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(2)];

/// What a look says.
enum Look {
    /// It has happened, or is happening.
    Taken(Option<Observed>),
    /// Not, so far.
    NotYet,
    /// It would look the same either way.
    CannotTell,
}

/// Writes, and finds out what came of it.
pub(super) async fn attempt(task: Task) -> Attempt {
    let mut error = match task.send().await {
        Ok(object) => return Attempt::Taken(object),
        Err(error) if !error.uncertain => return Attempt::Failed(error),
        Err(error) => error,
    };
    let (address, operation) = (&task.address, task.write.operation());
    tracing::debug!(%address, %operation, "the answer was lost; looking what came of it");
    let (mut looked, mut alike) = (false, false);
    for pause in LOOKS {
        task.clock.sleep(pause).await;
        match task.look().await {
            Ok(Look::Taken(Some(object))) if operation == Operation::Create => return Attempt::Found(object),
            Ok(Look::Taken(object)) => return Attempt::Taken(object),
            Ok(Look::NotYet) => looked = true,
            Ok(Look::CannotTell) => (looked, alike) = (true, true),
            Err(problem) => tracing::debug!(%address, %problem, "could not look"),
        }
    }
    // A server that answered has finished with the request; one that did not, or whose proxy did not wait for it (408,
    // 504), may still be at it.
    if !looked || alike || matches!(error.problem.status, None | Some(408 | 504)) {
        return Attempt::Unknown { error, looked };
    }
    let looked = match operation {
        Operation::Create => "it was looked for afterwards, and is not there: `trueup apply` can be run again",
        Operation::Update => "it was looked at afterwards, and is as before: `trueup apply` can be run again",
        Operation::Delete => "it was looked at afterwards, and is still there: `trueup apply` can be run again",
    };
    error.help = Some(error.help.map_or_else(|| looked.to_owned(), |help| format!("{help}; {looked}")));
    Attempt::Failed(error)
}

impl Write {
    fn operation(&self) -> Operation {
        match self {
            Self::Create { .. } => Operation::Create,
            Self::Update { .. } => Operation::Update,
            Self::Delete { .. } => Operation::Delete,
        }
    }
}

impl Task {
    fn kind(&self) -> &dyn ErasedDeclared {
        self.kind.declared().expect("only what can be declared is written")
    }

    fn section(&self) -> &'static Section {
        self.kind.section()
    }

    fn proposal(&self) -> Proposal<'_> {
        Proposal { address: &self.address, identity: &self.identity, fields: &self.fields }
    }

    async fn send(&self) -> Result<Option<Observed>, RemoteError> {
        let (kind, proposal, session) = (self.kind(), self.proposal(), &*self.session);
        match &self.write {
            Write::Create { .. } => kind.create(proposal, session).await.map(Some),
            Write::Update { object, changes } => {
                let changes: Vec<Path> = changes.iter().map(|difference| difference.path.clone()).collect();
                let modification = Modification { proposal, observed: object, changes: &changes };
                kind.update(modification, session).await.map(Some)
            }
            Write::Delete { object, along } => kind.delete(object, *along, session).await,
        }
    }

    async fn look(&self) -> Result<Look, RemoteError> {
        match &self.write {
            Write::Create { before } => {
                let found = self.kind().look_up(self.proposal(), &*self.session).await?;
                Ok(found
                    .filter(|object| !is_left(before.as_ref(), object))
                    .map_or(Look::NotYet, |it| Look::Taken(Some(it))))
            }
            Write::Update { object, changes } => {
                Ok(self.find(object).await?.map_or(Look::NotYet, |now| self.changed(object, changes, now)))
            }
            Write::Delete { object, along: _ } => {
                let Some(now) = self.find(object).await? else { return Ok(Look::Taken(None)) };
                let deleting = matches!(now.condition, Condition::InProgress { operation: Operation::Delete, .. });
                let taken = deleting || has_failed_since(object, &now, Operation::Delete);
                Ok(if taken { Look::Taken(Some(now)) } else { Look::NotYet })
            }
        }
    }

    /// The object as it is now: by its name, the earlier one too, and that of no other.
    async fn find(&self, object: &Observed) -> Result<Option<Observed>, RemoteError> {
        let found = self.kind().look_up(self.proposal(), &*self.session).await?;
        if let Some(found) = found.filter(|found| found.id == object.id) {
            return Ok(Some(found));
        }
        if object.identity == self.identity {
            return Ok(None);
        }
        let proposal = Proposal { identity: &object.identity, ..self.proposal() };
        let found = self.kind().look_up(proposal, &*self.session).await?;
        Ok(found.filter(|found| found.id == object.id))
    }

    /// What has become of an update, by the object before and after.
    fn changed(&self, before: &Observed, changes: &[Difference], now: Observed) -> Look {
        if matches!(now.condition, Condition::InProgress { .. }) || has_failed_since(before, &now, Operation::Update) {
            return Look::Taken(Some(now));
        }
        let (section, identity, fields, lifecycle) = (self.section(), &self.identity, &*self.fields, &self.lifecycle);
        let left = Measure { section, identity, fields, lifecycle }.differences(&now);
        let overlap = |a: &Path, b: &Path| a.starts_with(b) || b.starts_with(a);
        let sent = |difference: &&Difference| changes.iter().any(|change| overlap(&change.path, &difference.path));
        let left: Vec<&Difference> = left.iter().filter(sent).collect();
        if left.iter().any(|difference| !difference.is_unverifiable()) {
            Look::NotYet
        } else if !left.is_empty() || changes.iter().all(|change| change.resent) {
            Look::CannotTell
        } else {
            Look::Taken(Some(now))
        }
    }
}

/// Whether this is what was there before the create.
fn is_left(before: Option<&Before>, object: &Observed) -> bool {
    let failed = matches!(object.condition, Condition::Failed { operation: Operation::Create, .. });
    before.is_some_and(|before| before.id == object.id && (before.gone || failed))
}

/// Whether an operation has failed that had not when it was seen last.
fn has_failed_since(before: &Observed, now: &Observed, which: Operation) -> bool {
    let failed =
        |object: &Observed| matches!(&object.condition, Condition::Failed { operation, .. } if *operation == which);
    failed(now) && (!failed(before) || before.version.is_some() && before.version != now.version)
}
