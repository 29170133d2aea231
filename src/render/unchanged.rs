//! What a plan leaves as it is, and what nobody can tell of that.

use std::collections::BTreeSet;
use std::io::{self, Write};

use super::clean_line;
use super::human::place;
use super::layout::wrap;
use super::style::{Theme, Tone};
use crate::model::Sources;
use crate::plan::{Action, Change, Plan, Shown, Step};

/// How many resources are named whose values cannot be compared.
const NOT_COMPARED: usize = 3;

/// Lists it, a line each.
pub(super) fn listed(out: &mut dyn Write, plan: &Plan, sources: &Sources, theme: Theme) -> io::Result<()> {
    let mut any = false;
    for step in plan.steps.iter().filter(|step| step.action == Action::Unchanged) {
        let address = clean_line(&step.address.to_string()).into_owned();
        let paths: Vec<_> = not_compared(step).collect();
        let but = if paths.is_empty() { String::new() } else { format!(", {} not compared", paths.join(", ")) };
        // Of what shall not exist, "unchanged" would say little.
        let said = if step.reason.code == "gone" { &*step.reason.message } else { "unchanged" };
        let line = format!("  {address}  {}  {}{but}", place(step.source, sources), clean_line(said));
        writeln!(out, "{}", theme.paint(Tone::Faint, line))?;
        any = true;
    }
    if any { writeln!(out) } else { Ok(()) }
}

/// The paths of an unchanged resource that could not be compared.
fn not_compared(step: &Step) -> impl Iterator<Item = String> {
    step.changes.iter().filter(|change| change.before.is_untold()).map(path)
}

fn path(change: &Change) -> String {
    format!("`{}`", clean_line(&change.path.to_string()))
}

/// What nobody can tell of what passes for unchanged, and what to do about it: once a plan.
pub(super) fn blind_spots(out: &mut dyn Write, plan: &Plan, theme: Theme) -> io::Result<()> {
    for why in [Shown::Unverifiable, Shown::Redacted] {
        if let Some(text) = blind_spot(plan, &why) {
            for line in wrap(&text, theme.width) {
                writeln!(out, "{}", theme.paint(Tone::Faint, line))?;
            }
        }
    }
    Ok(())
}

/// The same of what cannot be told for one reason.
fn blind_spot(plan: &Plan, why: &Shown) -> Option<String> {
    let so = |step: &&Step| step.changes.iter().any(|change| change.before == *why);
    let blind: Vec<&Step> = plan.steps.iter().filter(|step| step.action == Action::Unchanged).filter(so).collect();
    let all = blind.iter().flat_map(|step| &step.changes).filter(|change| change.before == *why);
    let paths: BTreeSet<String> = all.map(path).collect();
    let mut named: Vec<String> = blind.iter().take(NOT_COMPARED).map(|step| step.address.to_string()).collect();
    let first = clean_line(named.first()?).into_owned();
    if blind.len() > named.len() {
        named.push(format!("{} more", blind.len() - named.len()));
    }
    let named = named.iter().map(|name| clean_line(name)).collect::<Vec<_>>().join(", ");
    let it = if paths.len() == 1 { "it" } else { "them" };
    let paths = paths.into_iter().collect::<Vec<_>>().join(", ");
    let cannot = format!("{paths} of {named} cannot be compared");
    Some(match why {
        Shown::Redacted => {
            format!(
                "{cannot}: the snapshot leaves {it} out, or the secret that is declared is not here. A plan from the remotes \
                 compares {it}."
            )
        }
        _ => format!(
            "{cannot}: the remote does not return {it}. To send {it} again, give `--resend-parameters {first}`."
        ),
    })
}
