//! That a plan is made from a snapshot, in words.

use jiff::Timestamp;

use crate::plan::Plan;

/// What a plan is made from if not from the remotes, for whoever might take it for what would happen now.
pub(crate) fn line(plan: &Plan) -> Option<String> {
    let taken = plan.taken?;
    Some(format!(
        "Made from a snapshot taken {}, not from the remotes as they are now. To apply, plan from the remotes.",
        moment(taken)
    ))
}

/// `2026-11-28 10:12 UTC`.
fn moment(taken: Timestamp) -> String {
    taken.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
