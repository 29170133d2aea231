//! What a plan costs: how many requests carrying it out takes to write.

use std::sync::Arc;

use super::{Action, Step};
use crate::kind::{ErasedDeclared, Modification, Proposal, Registry, Writes};
use crate::model::{Condition, Desired, Fields, Observed, Operation, Path, Resource, Snapshot};

/// Those of a step that creates or changes something, at the most: what is the case already when its turn comes is not sent
/// again.
pub(super) fn of_step(
    kind: &dyn ErasedDeclared,
    resource: &Resource,
    proposal: Proposal<'_>,
    (action, object): (Action, Option<&Observed>),
    changes: &[Path],
) -> u64 {
    let creates = || creation(kind, resource, proposal);
    let deletes = || object.map_or(0, |object| kind.writes(Writes::Delete(object)));
    match action {
        Action::Create => creates(),
        Action::Update => {
            object.map_or(0, |observed| kind.writes(Writes::Update(Modification { proposal, observed, changes })))
        }
        Action::Replace | Action::Recover => deletes() + creates(),
        Action::Wait => match object.map(|object| &object.condition) {
            Some(Condition::InProgress { operation: Operation::Delete, .. }) => creates(),
            _ => 0,
        },
        // Tombstones are decided on when everything else is known.
        Action::Delete | Action::Blocked | Action::Unchanged => 0,
    }
}

/// Those of a create, with what follows it once its parts are there.
fn creation(kind: &dyn ErasedDeclared, resource: &Resource, proposal: Proposal<'_>) -> u64 {
    let held = if resource.parts.is_empty() { Vec::new() } else { kind.held_back(proposal, None) };
    if held.is_empty() {
        return kind.writes(Writes::Create(proposal));
    }
    let mut meanwhile = Fields::clone(proposal.fields);
    let changes: Vec<Path> = held
        .iter()
        .filter(|(name, value)| proposal.fields.get(name).is_some_and(|wanted| wanted != value))
        .map(|(name, _)| Path::field(*name))
        .collect();
    for (name, value) in held {
        meanwhile.set(name, value);
    }
    let first = kind.writes(Writes::Create(Proposal { fields: &meanwhile, ..proposal }));
    let created = Observed {
        identity: proposal.identity.clone(),
        id: Arc::default(),
        version: None,
        fields: meanwhile,
        attributes: Fields::default(),
        condition: Condition::Ready,
    };
    first + kind.writes(Writes::Update(Modification { proposal, observed: &created, changes: &changes }))
}

/// Counts the deletes, and nothing for what is not carried out.
pub(super) fn settle(steps: &mut [Step], desired: &Desired, snapshot: &Snapshot, registry: &Registry) {
    for step in steps {
        let is_tombstone =
            desired.resources.get(&step.address).is_some_and(|resource| resource.lifecycle.absent.is_some());
        match step.action {
            Action::Delete => {
                let kind = registry.kind(step.address.section).and_then(|kind| kind.declared());
                let collection = snapshot.collection(&step.target, step.address.section);
                let object = step.observed.as_ref().and_then(|seen| collection?.with_id(&seen.id));
                step.writes = kind.zip(object).map_or(0, |(kind, object)| kind.writes(Writes::Delete(object)));
            }
            Action::Wait if is_tombstone => step.writes = 0,
            Action::Blocked | Action::Unchanged => step.writes = 0,
            _ => {}
        }
        if !step.executable {
            step.writes = 0;
        }
    }
}
