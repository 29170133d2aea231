//! What can be told only of several resources at once, after each has been looked at by itself.

use indexmap::IndexMap;

use super::decide::refused;
use super::{Action, Step};
use crate::kind::{Check, Proposal, Registry};
use crate::model::{Desired, Diagnostic, Fields, Identity, Resource, Severity, Snapshot, TargetName};

/// A resource that is created where nothing is.
pub(super) struct Created<'a> {
    pub(super) resource: &'a Resource,
    pub(super) identity: Identity,
    pub(super) fields: Fields,
}

/// What is wrong with all that is created, kind by kind and target by target. The steps that an error is about are not to
/// be carried out.
pub(super) fn together(
    created: &[Created<'_>],
    desired: &Desired,
    snapshot: &Snapshot,
    registry: &Registry,
    steps: &mut [Step],
) -> Vec<Diagnostic> {
    let mut groups: IndexMap<(&TargetName, &'static str), Vec<Check<'_>>> = IndexMap::new();
    for Created { resource, identity, fields } in created {
        let Resource { address, target, .. } = resource;
        let (Some(facts), Some(collections)) = (snapshot.targets.get(target), snapshot.collections.get(target)) else {
            continue;
        };
        let proposal = Proposal { address, identity, fields };
        let check = Check { resource, proposal, observed: None, collections, facts, declared: &desired.resources };
        groups.entry((target, address.section)).or_default().push(check);
    }
    let mut found = Vec::new();
    for ((_, section), checks) in groups {
        let kind = registry.kind(section).and_then(|kind| kind.declared());
        found.extend(kind.into_iter().flat_map(|kind| kind.check_together(&checks)));
    }
    for problem in found.iter().filter(|problem| problem.severity == Severity::Error) {
        let about = |step: &&mut Step| problem.address.as_ref() == Some(&step.address);
        if let Some(step) = steps.iter_mut().find(about)
            && step.action != Action::Blocked
        {
            step.action = Action::Blocked;
            step.reason = refused(problem.message.clone());
            step.takes_along.clear();
        }
    }
    found
}
