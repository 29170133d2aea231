//! What git shall leave alone in a project.

/// What runs leave behind, as git's rules spell it: what the sandbox holds, and a plan that is kept for a review.
pub const IGNORED: [&str; 2] = [".trueup/", "plan.json"];

/// What has to be put behind a `.gitignore` so that it has these rules.
pub fn ignoring(before: &[u8], rules: &[&str]) -> String {
    let mut more = String::new();
    if before.last().is_some_and(|last| *last != b'\n') {
        more.push('\n');
    }
    for rule in rules {
        more.push_str(rule);
        more.push('\n');
    }
    more
}
