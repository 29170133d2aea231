//! What stands between a mistake and a delete.

use super::{Action, Plan};
use crate::model::{Code, Desired, Diagnostic, Diagnostics, Resource, Span};

/// How many of the steps that delete something are pointed at.
const SHOWN: usize = 8;

/// Refuses a plan that deletes more objects than `limit`: replacements, and what goes with them. What a failed create left
/// does not count.
pub fn guard(plan: &mut Plan, desired: &Desired, limit: u32) {
    let deleting: Vec<_> =
        plan.steps.iter().filter(|step| matches!(step.action, Action::Delete | Action::Replace)).collect();
    let count: usize = deleting.iter().map(|step| 1 + step.takes_along.len()).sum();
    if u32::try_from(count).is_ok_and(|count| count <= limit) {
        return;
    }
    let objects = if count == 1 { "1 object".to_owned() } else { format!("{count} objects") };
    let allowed = if limit == 0 { "none is allowed".to_owned() } else { format!("{limit} at a time are allowed") };
    let mut diagnostic = Diagnostic::error(Code::TooManyDeletes, format!("this plan deletes {objects}, and {allowed}"))
        .help(format!(
            "if that is meant, allow it with `--allow-deletes {count}`, or by `limits.max_deletes` in `trueup.toml`"
        ));
    for (at, step) in deleting.iter().take(SHOWN).enumerate() {
        let span = desired.resources[&step.address].key_span;
        let what = if step.action == Action::Delete { "deleted" } else { "deleted and created anew" };
        let label = match step.takes_along.len() {
            0 => what.to_owned(),
            1 => format!("{what}, and 1 more with it"),
            more => format!("{what}, and {more} more with it"),
        };
        diagnostic = if at == 0 { diagnostic.at(span, label) } else { diagnostic.also(span, label) };
    }
    let mut problems = Diagnostics::default();
    problems.extend(std::mem::take(&mut plan.diagnostics));
    problems.push(diagnostic);
    plan.diagnostics = problems.into_sorted();
}

/// That something would be deleted that is to be kept. `because` says what deletes it, at its place.
pub(super) fn protected(resource: &Resource, protect: Span, because: (Span, String)) -> Diagnostic {
    Diagnostic::error(Code::Protected, format!("this plan would delete `{}`, which is protected", resource.address))
        .at(protect, "this forbids it")
        .also(because.0, because.1)
        .help("take the change back that cannot be made in place; or, if its data may be lost, remove `protect`")
        .on(&resource.address)
}
