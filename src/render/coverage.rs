//! How much of what exists is declared, and what is not.

use std::io::{self, Write};

use super::clean_line;
use super::layout::wrap;
use super::style::{Theme, Tone};
use crate::plan::{Covered, Plan};

/// How many objects of a kind are named, unless everything was asked for.
const NAMED: usize = 8;

/// Writes it for people, where it was asked for.
pub(super) fn listed(out: &mut dyn Write, plan: &Plan, theme: Theme, verbose: bool) -> io::Result<()> {
    let Some(covered) = &plan.undeclared else { return Ok(()) };
    let some = || covered.iter().filter(|covered| covered.exists != Some(0));
    let widest = some().map(|covered| covered.section.name.len()).max().unwrap_or(0);
    let mut target = None;
    for covered in some() {
        if target != Some(&covered.target) {
            let heading = format!("Declared of what exists at {}:", clean_line(&covered.target));
            writeln!(out, "\n{}", theme.paint(Tone::Strong, heading))?;
            target = Some(&covered.target);
        }
        let name = covered.section.name;
        writeln!(out, "  {name:widest$}  {}", how_much(covered))?;
        let most = if verbose { usize::MAX } else { NAMED };
        if let Some(names) = names(covered, most, |name| clean_line(name).into_owned()) {
            let more = if covered.undeclared.len() > most { " (`-v` names all)" } else { "" };
            for line in wrap(&format!("not: {names}{more}"), theme.width.saturating_sub(6)) {
                writeln!(out, "      {}", theme.paint(Tone::Faint, line))?;
            }
        }
    }
    if target.is_none() {
        return writeln!(out, "\nNothing exists that could be declared.");
    }
    let commands = commands(plan);
    match commands.as_slice() {
        [] => writeln!(out, "\nEverything that exists is declared."),
        commands => {
            let commands = commands.iter().map(|command| format!("`{command}`")).collect::<Vec<_>>().join(" and ");
            writeln!(out, "\nWhat is not declared is left alone. To write it down, run {commands}.")
        }
    }
}

/// `47 of 50`, `all 12`.
pub(super) fn how_much(covered: &Covered) -> String {
    match covered.exists {
        None => "could not be read".to_owned(),
        Some(exists) if covered.undeclared.is_empty() => format!("all {exists}"),
        Some(exists) => format!("{} of {exists}", covered.declared()),
    }
}

/// The names of those that are not declared, at most so many; `None` if there is none.
pub(super) fn names(covered: &Covered, most: usize, name: impl Fn(&str) -> String) -> Option<String> {
    let shown: Vec<String> =
        covered.undeclared.iter().take(most).map(|object| name(&object.identity.to_string())).collect();
    let more = covered.undeclared.len() - shown.len();
    match (shown.is_empty(), more) {
        (true, 0) => None,
        (_, 0) => Some(shown.join(", ")),
        _ => Some(format!("{} and {more} more", shown.join(", "))),
    }
}

/// What writes down what is not declared, for each target that has any.
pub(super) fn commands(plan: &Plan) -> Vec<String> {
    let covered = plan.undeclared.iter().flatten().filter(|covered| !covered.undeclared.is_empty());
    let mut targets: Vec<&str> = covered.map(|covered| &*covered.target).collect();
    targets.dedup();
    let command = |target: &str| {
        let several = plan.targets.len() > 1;
        let target = if several { format!(" --target {}", clean_line(target)) } else { String::new() };
        format!("trueup export --undeclared{target}")
    };
    targets.into_iter().map(command).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::reviewed::reviewed_with;
    use crate::render::testing::as_text;

    fn shown(plan: &Plan, verbose: bool) -> String {
        as_text(|out| listed(out, plan, Theme { width: 60, ..Theme::PLAIN }, verbose))
    }

    #[test]
    fn what_is_not_declared_is_counted_and_named() {
        let (mut plan, _) = reviewed_with("globex-\u{1b}[31m\nstaging");
        insta::assert_snapshot!(shown(&plan, false));
        plan.undeclared.as_mut().unwrap().retain(|covered| covered.section.name == "customers");
        assert_eq!(
            shown(&plan, false),
            "\nDeclared of what exists at kaiten:\n  customers  all 3\n\nEverything that exists is declared.\n"
        );
        plan.undeclared = Some(Vec::new());
        assert_eq!(shown(&plan, false), "\nNothing exists that could be declared.\n");
        plan.undeclared = None;
        assert_eq!(shown(&plan, false), "");
    }

    #[test]
    fn of_many_the_first_are_named_unless_all_are_asked_for() {
        let (mut plan, _) = reviewed_with("x");
        let instances = &mut plan.undeclared.as_mut().unwrap()[1];
        let one = instances.undeclared[0].clone();
        instances.undeclared = vec![one; 20];
        instances.exists = Some(20);
        let capped = shown(&plan, false);
        let words = capped.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("0 of 20") && words.contains("and 12 more (`-v` names all)"), "{capped}");
        let whole = shown(&plan, true);
        assert_eq!(whole.matches("initech-production").count(), 20);
        assert!(!whole.contains("more"), "{whole}");
    }
}
