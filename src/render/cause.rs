//! Where the actions of a plan come from, in words.

use super::clean_line;
use crate::plan::{Action, Cause, Plan};

/// What a mark says, one word where it can.
pub(super) fn word(cause: Cause) -> &'static str {
    match cause {
        Cause::Declared => "declared here",
        Cause::Drift => "drift",
        Cause::Behind => "behind",
    }
}

/// What it means, for somebody who sees one action only.
pub(super) fn meaning(cause: Cause, plan: &Plan) -> String {
    match cause {
        Cause::Declared => "declared here".to_owned(),
        Cause::Drift => "drift: it was otherwise than declared before this branch".to_owned(),
        Cause::Behind => format!("behind: this would undo what {} declares", revision(plan)),
    }
}

/// `3 declared here, 1 drift, 1 would undo what origin/main declares.` Nothing where no cause was asked for, or nothing is
/// to be done. `quote` is how a name is written.
pub(super) fn line(plan: &Plan, quote: impl Fn(&str) -> String) -> Option<String> {
    plan.base.as_ref()?;
    let pending: Vec<_> = plan.steps.iter().filter(|step| step.action != Action::Unchanged).collect();
    let count = |cause| pending.iter().filter(|step| step.cause == cause).count();
    let mut parts = Vec::new();
    for cause in Cause::ALL {
        let words = match cause {
            Cause::Declared | Cause::Drift => word(cause).to_owned(),
            Cause::Behind => format!("would undo what {} declares", quote(&revision(plan))),
        };
        parts.push((count(Some(cause)), words));
    }
    parts.push((count(None), format!("not judged against {}", quote(&revision(plan)))));
    let parts: Vec<_> = parts.into_iter().filter(|(count, _)| *count > 0).collect();
    let told: Vec<_> = parts.iter().map(|(count, words)| format!("{count} {words}")).collect();
    (!told.is_empty()).then(|| format!("{}.", told.join(", ")))
}

/// The other revision, as it was asked for.
pub(super) fn revision(plan: &Plan) -> String {
    plan.base.as_ref().map(|base| clean_line(&base.revision).into_owned()).unwrap_or_default()
}
