//! After the writes: what was touched is read again by its collections and planned again, and should need nothing.

use std::collections::HashMap;

use super::ledger::{Ledger, Outcome, Resolution};
use super::words;
use crate::diff::Difference;
use crate::kind::Registry;
use crate::model::{Address, Code, Desired, Diagnostic, Diagnostics, Resource, Severity};
use crate::observe::{Sessions, observe};
use crate::plan::{Action, Step, only, plan};

/// Adds to each outcome in what way it is not as declared, and to the ledger whether all is. What is added is returned too.
/// Nothing is read if nothing was written.
pub async fn converge(
    ledger: &mut Ledger,
    desired: &Desired,
    registry: &Registry,
    sessions: &Sessions,
) -> Vec<Diagnostic> {
    let is_touched = |outcome: &&Outcome| outcome.resolution == Resolution::Done && outcome.action != Action::Unchanged;
    let touched: Vec<Address> = ledger.outcomes.iter().filter(is_touched).map(|it| it.address.clone()).collect();
    if touched.is_empty() {
        return Vec::new();
    }
    let mut desired = desired.clone();
    only(&mut desired, &touched);
    for resource in desired.resources.values_mut() {
        // It has been sent again.
        resource.lifecycle.consent.resend = false;
    }
    let mut problems = Diagnostics::default();
    let snapshot = observe(&desired, registry, sessions, &mut problems).await;
    if problems.has_errors() {
        let errors = problems.into_sorted().into_iter().filter(|problem| problem.severity == Severity::Error);
        let unread: Vec<Diagnostic> = errors.map(words::not_read_again).collect();
        ledger.diagnostics.extend(unread.iter().cloned());
        return unread;
    }
    let plan = plan(&desired, &snapshot, registry, Diagnostics::default());
    let steps: HashMap<&Address, &Step> = plan.steps.iter().map(|step| (&step.address, step)).collect();
    let mut told = Vec::new();
    for outcome in ledger.outcomes.iter_mut().filter(|outcome| is_touched(&&**outcome)) {
        let Some(step) = steps.get(&outcome.address) else { continue };
        let mut found = mismatches(step, &desired.resources[&step.address]);
        // The answer to the write may have told already.
        found.retain(|problem| !outcome.diagnostics.iter().any(|known| is_same(known, problem)));
        told.extend(found.iter().cloned());
        outcome.diagnostics.extend(found);
    }
    let is_as_declared = |outcome: &Outcome| outcome.diagnostics.iter().all(|it| it.code != Code::NotConverged);
    ledger.converged = Some(ledger.outcomes.iter().all(is_as_declared));
    told
}

/// Whether both say of the same place in the YAML that it is not so.
fn is_same(known: &Diagnostic, problem: &Diagnostic) -> bool {
    let place = |diagnostic: &Diagnostic| diagnostic.labels.first().map(|label| label.span);
    known.code == problem.code && place(known) == place(problem)
}

/// In what way a resource that was written is not as declared.
fn mismatches(step: &Step, resource: &Resource) -> Vec<Diagnostic> {
    let changes = step.changes.iter().filter(|change| !change.before.is_untold());
    let differing = changes.map(|change| {
        let (path, before, after) = (change.path.clone(), change.before.clone(), change.after.clone());
        words::not_converged(resource, &Difference { path, before, after, immutable: None, resent: false })
    });
    match step.action {
        Action::Unchanged => Vec::new(),
        Action::Update | Action::Replace | Action::Blocked => differing.collect(),
        Action::Create | Action::Delete | Action::Recover | Action::Wait => {
            vec![words::not_lasting(resource, step.action)]
        }
    }
}
