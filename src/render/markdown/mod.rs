//! The plan as a comment below a pull request: what destroys first, the rest as far as it fits.
//!
//! The first line is a marker, the same for every plan of one project and environment, so that a script finds the comment
//! it wrote before and edits that. Whatever the plan says that is not ours stands in code, see `text`.

mod fit;
mod text;

use std::io::{self, Write};

use self::fit::{About, Fitted, Piece, Section, fit};
use self::text::{block, code, code_of};
use super::compared::{Mark, compared};
use super::files::Files;
use super::fingerprint::fingerprint;
use super::graph::Graph;
use super::human::{is_ambiguous, said, summary_line};
use super::layout::{counted, cut};
use super::style::Theme;
use super::{cause, clean_line, coverage, diagnostic, taken, unchanged};
use crate::model::{Diagnostic, Severity, Sources};
use crate::plan::document::Document;
use crate::plan::{Action, Plan, Step};

/// The least that `--max-bytes` may say: what must be said takes no more.
pub const MINIMUM_BYTES: usize = 2000;

/// Characters of a line in a block; nobody scrolls further.
const LINE: usize = 400;
/// Characters of a name in a heading or in what must be said.
const NAME: usize = 40;
/// Lines of one value.
const VALUE: usize = 120;
/// Objects of a kind that are named though nothing declares them.
const UNDECLARED: usize = 20;
/// More resources than this are no picture.
const GRAPH: usize = 30;

/// Writes a plan in at most `most` bytes, which is at least [`MINIMUM_BYTES`].
pub fn plan(out: &mut dyn Write, plan: &Plan, sources: &Sources, files: &Files, most: Option<usize>) -> io::Result<()> {
    let head = head(plan, files);
    let tiers = tiers(plan, sources, files);
    let digest = Document::new(plan, sources).digest;
    let most = most.unwrap_or(usize::MAX).max(MINIMUM_BYTES);
    let room = |fitted: &Fitted| most - head.len() - foot(plan, fitted, &digest).len();
    let mut fitted = fit(&tiers, room(&Fitted::default()));
    if !(fitted.shortened.is_empty() && fitted.left_out.is_empty()) {
        // What is said of it is longest where everything is shortened and left out.
        let mut nothing = fit(&tiers, 0);
        nothing.shortened.clone_from(&nothing.left_out);
        fitted = fit(&tiers, room(&nothing));
    }
    let body = fitted.text.clone() + &foot(plan, &fitted, &digest);
    out.write_all(head.as_bytes())?;
    // The head ends with an empty line, and a heading begins with one.
    out.write_all(body.trim_start_matches('\n').as_bytes())
}

fn head(plan: &Plan, files: &Files) -> String {
    let mut title = "### trueup plan".to_owned();
    if !plan.project.is_empty() {
        title = format!("{title}: {}", code_of(&plan.project, NAME));
    }
    if let Some(environment) = &plan.environment {
        title = format!("{title}, environment {}", code_of(environment, NAME));
    }
    let errors = plan.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
    let mut head = format!("{}\n{title}\n\n", marker(plan, files));
    if errors == 0 || plan.has_changes() {
        head = format!("{head}**{}**\n\n", summary_line(plan));
        if let Some(line) = cause::line(plan, |revision| code_of(revision, NAME)) {
            head = format!("{head}{line}\n\n");
        }
    }
    if let Some(line) = taken::line(plan) {
        head = format!("{head}**{line}**\n\n");
    }
    if errors > 0 {
        head = format!("{head}**This plan cannot be applied: {}.**\n\n", counted(errors, "error"));
    }
    head
}

/// The same for every plan of a project's directory and environment, and for no other. It holds no text that is not ours:
/// names only as far as they are letters, and a hash of them.
fn marker(plan: &Plan, files: &Files) -> String {
    let environment = plan.environment.as_deref().unwrap_or_default();
    let hash = fingerprint(&[files.directory(), environment]);
    let letters = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).take(NAME).collect::<String>();
    let names = [letters(files.directory()), letters(environment)].into_iter().filter(|name| !name.is_empty());
    let names = names.flat_map(|name| [name, " ".to_owned()]).collect::<String>();
    format!("<!-- trueup plan {names}{} -->", &hash[..12])
}

/// What is left out, and what proves which plan this was.
fn foot(plan: &Plan, fitted: &Fitted, digest: &str) -> String {
    let mut lines = Vec::new();
    if !fitted.shortened.is_empty() {
        lines.push(format!("Named only, to fit: {}.", counts(&fitted.shortened)));
    }
    if !fitted.left_out.is_empty() {
        lines.push(format!("**Left out, to fit: {}.**", counts(&fitted.left_out)));
    }
    if !(fitted.shortened.is_empty() && fitted.left_out.is_empty()) {
        lines.push("`trueup plan` shows them all.".to_owned());
    }
    match plan.count(Action::Unchanged) {
        0 => {}
        1 if plan.has_changes() => lines.push("1 other is as declared.".to_owned()),
        count if plan.has_changes() => lines.push(format!("{count} others are as declared.")),
        1 => lines.push("1 resource is as declared.".to_owned()),
        count => lines.push(format!("{count} resources are as declared.")),
    }
    lines.push(format!("Digest of the whole plan: `{digest}`."));
    format!("\n---\n\n{}\n", lines.join(" "))
}

/// `3 updates, 12 creates, 2 problems`.
fn counts(about: &[About]) -> String {
    let mut parts = Vec::new();
    for action in Action::ALL {
        match about.iter().filter(|about| **about == About::Action(action)).count() {
            0 => {}
            count => parts.push(counted(count, noun(action))),
        }
    }
    match about.iter().filter(|about| **about == About::Problem).count() {
        0 => {}
        count => parts.push(counted(count, "problem")),
    }
    match about.iter().filter(|about| **about == About::Extra).count() {
        0 => {}
        count => parts.push(counted(count, "note")),
    }
    parts.join(", ")
}

fn noun(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Update => "update",
        Action::Replace => "replacement",
        Action::Delete => "delete",
        Action::Recover => "recover",
        Action::Wait => "wait",
        Action::Blocked => "blocked one",
        Action::Unchanged => "unchanged one",
    }
}

/// What there is to say, the most important first.
fn tiers(plan: &Plan, sources: &Sources, files: &Files) -> Vec<Vec<Section>> {
    let of = |actions: &[Action]| {
        let steps = plan.steps.iter().filter(|step| actions.contains(&step.action));
        steps.map(|step| piece(step, plan, sources, files)).collect::<Vec<_>>()
    };
    let section = |head: &str, pieces| Section { head: format!("\n#### {head}\n"), pieces, foot: String::new() };
    let targets = plan.targets.iter().map(|(name, facts)| {
        let api = format!("{} {}", facts.provider, facts.api);
        let line = format!("- {}: {} at {}\n", code_of(name, NAME), code(&api), code_of(&facts.url, LINE));
        Piece { about: About::Extra, brief: None, full: line }
    });
    let mut problems: Vec<Piece> = Vec::new();
    for severity in [Severity::Error, Severity::Warning] {
        let those = plan.diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity);
        problems.extend(those.map(|diagnostic| problem(diagnostic, sources, files)));
    }
    let creates = of(&[Action::Create]);
    let collapsed = |summary: String, pieces| Section {
        head: format!("\n<details><summary>{summary}</summary>\n\n"),
        pieces,
        foot: "\n</details>\n".to_owned(),
    };
    vec![
        vec![
            Section { head: String::new(), pieces: targets.collect(), foot: String::new() },
            section("Destroyed or replaced", of(&[Action::Delete, Action::Replace, Action::Recover])),
            section("Blocked", of(&[Action::Blocked])),
            section("Problems", problems),
        ],
        vec![section("Changed", of(&[Action::Update])), section("Waited for", of(&[Action::Wait]))],
        vec![collapsed(format!("{} to add", creates.len()), creates)],
        vec![section("Not compared", blind_spots(plan))],
        vec![section("Declared of what exists", covered(plan))],
        vec![collapsed("Graph".to_owned(), graph(plan).into_iter().collect())],
    ]
}

/// A step: named with its place, and in full with its values.
fn piece(step: &Step, plan: &Plan, sources: &Sources, files: &Files) -> Piece {
    let sign = code(step.action.sign().trim());
    let target = if is_ambiguous(plan, &step.target) { format!(" on {}", code(&step.target)) } else { String::new() };
    let place = code(&files.place(step.source, sources));
    let came = step.cause.map(|cause| format!(", {}", cause::word(cause))).unwrap_or_default();
    let name = format!("{sign} {}{target} ({place}){came}", code(&step.address.to_string()));
    let mut lines = Vec::new();
    let (lead, taken) = match step.action {
        Action::Delete | Action::Replace | Action::Recover => ("-", "-"),
        Action::Blocked => ("!", "!"),
        Action::Create | Action::Update | Action::Wait | Action::Unchanged => ("#", "!"),
    };
    lines.push(format!("{lead} {}", said(step)));
    if !step.executable && step.action != Action::Blocked {
        lines.push("! shown only: this version does not carry it out".to_owned());
    }
    lines.extend(step.takes_along.iter().map(|words| format!("{taken} takes along {}", clean_line(words))));
    for change in &step.changes {
        let mark = step.apart(change).map(|cause| format!(" ({})", cause::word(cause))).unwrap_or_default();
        for row in compared(change, VALUE) {
            let indent = if row.inline { String::new() } else { "  ".to_owned() };
            if !row.inline {
                let all = |mark| row.lines.iter().all(|line| line.mark == mark);
                let sign = if all(Mark::Added) {
                    '+'
                } else if all(Mark::Removed) {
                    '-'
                } else {
                    ' '
                };
                lines.push(format!("{sign} {}{mark}:", row.path));
            }
            for line in &row.lines {
                let sign = match line.mark {
                    Mark::Same => ' ',
                    Mark::Added => '+',
                    Mark::Removed => '-',
                    Mark::Noted => '!',
                };
                let path = if row.inline { format!("{}{mark}: ", row.path) } else { String::new() };
                lines.push(format!("{sign} {indent}{path}{}", line.text()).trim_end().to_owned());
            }
        }
    }
    let lines: Vec<String> = lines.iter().map(|line| cut(line, LINE)).collect();
    Piece {
        about: About::Action(step.action),
        brief: Some(format!("- {name}\n")),
        full: format!("\n{name}\n\n{}", block("diff", &lines)),
    }
}

fn problem(diagnostic: &Diagnostic, sources: &Sources, files: &Files) -> Piece {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let place = diagnostic.span().map(|span| format!(" ({})", code(&files.place(span, sources)))).unwrap_or_default();
    let head = format!("**{severity}** `{}`{place}", diagnostic.code);
    let mut drawn = Vec::new();
    let theme = Theme { width: 100, ..Theme::PLAIN };
    diagnostic::diagnostic(&mut drawn, diagnostic, sources, theme).expect("a vector can be written to");
    let drawn = String::from_utf8_lossy(&drawn);
    let lines: Vec<String> = drawn.lines().map(|line| cut(line, LINE)).collect();
    Piece {
        about: About::Problem,
        brief: Some(format!("- {head}: {}\n", code_of(&diagnostic.message, LINE))),
        full: format!("\n{head}\n\n{}", block("text", &lines)),
    }
}

/// What passes for unchanged because nobody can tell.
fn blind_spots(plan: &Plan) -> Vec<Piece> {
    let mut drawn = Vec::new();
    unchanged::blind_spots(&mut drawn, plan, Theme { width: 100, ..Theme::PLAIN }).expect("a vector can be written to");
    let lines: Vec<String> = String::from_utf8_lossy(&drawn).lines().map(|line| cut(line, LINE)).collect();
    if lines.is_empty() {
        return Vec::new();
    }
    vec![Piece { about: About::Extra, brief: None, full: format!("\n{}", block("text", &lines)) }]
}

/// How much of each kind is declared.
fn covered(plan: &Plan) -> Vec<Piece> {
    let extra = |full: String| Piece { about: About::Extra, brief: None, full };
    let some = plan.undeclared.iter().flatten().filter(|covered| covered.exists != Some(0));
    let mut pieces: Vec<Piece> = some
        .map(|covered| {
            let target = if plan.targets.len() > 1 { format!(" at {}", code(&covered.target)) } else { String::new() };
            let names = coverage::names(covered, UNDECLARED, |name| code_of(name, LINE));
            let names = names.map(|names| format!("; not {names}")).unwrap_or_default();
            extra(format!("- `{}`{target}: {}{names}\n", covered.section.name, coverage::how_much(covered)))
        })
        .collect();
    for command in coverage::commands(plan) {
        pieces.push(extra(format!("\nTo write down what is not declared, run {}.\n", code(&command))));
    }
    pieces
}

/// What is touched and in which order, where that is small enough to help.
fn graph(plan: &Plan) -> Option<Piece> {
    let graph = Graph::touched(plan);
    if graph.len() > GRAPH || graph.is_loose() {
        return None;
    }
    let full = format!("\n{}", block("mermaid", &graph.mermaid_lines()));
    Some(Piece { about: About::Extra, brief: None, full })
}

#[cfg(test)]
pub(super) use tests::problem_of;

#[cfg(test)]
mod tests;
