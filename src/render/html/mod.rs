//! The plan as one page for a browser, that works without a network.
//!
//! What is not ours is text in elements and attributes, escaped; what a page may do stands in `frame`.

mod frame;
mod steps;

use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Write as _};
use std::io::{self, Write};

pub(super) use frame::{Escaped, Frame, Prose};

use super::files::Files;
use super::human::summary_line;
use super::layout::counted;
use super::style::Theme;
use super::workflow::harmless_line;
use super::{cause, coverage, diagnostic, taken, unchanged};
use crate::model::{Diagnostic, Severity, Sources};
use crate::plan::document::Document;
use crate::plan::{Action, Plan, Step};

const SHEET: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The groups of a page, in its order: what is lost first.
const GROUPS: [(&str, &str, &[Action]); 5] = [
    ("destroyed", "Destroyed or replaced", &[Action::Delete, Action::Replace, Action::Recover]),
    ("blocked", "Blocked", &[Action::Blocked]),
    ("changed", "Changed", &[Action::Update]),
    ("awaited", "Waited for", &[Action::Wait]),
    ("added", "Added", &[Action::Create]),
];

/// Objects of a kind that are named though nothing declares them.
const UNDECLARED: usize = 1000;

/// Writes a plan as a page, `plan --format html`.
pub fn plan(out: &mut dyn Write, plan: &Plan, sources: &Sources, files: &Files) -> io::Result<()> {
    let page = Page { plan, sources, files, numbers: numbers(plan) };
    let mut text = String::new();
    page.write(&mut text).expect("a string can be written to");
    out.write_all(text.as_bytes())
}

/// A page at work.
struct Page<'a> {
    plan: &'a Plan,
    sources: &'a Sources,
    files: &'a Files,
    /// Where each pending step is on the page, by its address.
    numbers: HashMap<String, usize>,
}

fn numbers(plan: &Plan) -> HashMap<String, usize> {
    let pending = plan.steps.iter().enumerate().filter(|(_, step)| step.action != Action::Unchanged);
    pending.map(|(at, step)| (step.address.to_string(), at)).collect()
}

impl Page<'_> {
    fn write(&self, out: &mut String) -> fmt::Result {
        let plan = self.plan;
        let project = if plan.project.is_empty() { "trueup" } else { &*plan.project };
        let frame = Frame { title: format!("Plan of {project}"), sheets: &[SHEET], script: SCRIPT };
        frame.begin(out)?;
        self.header(out, project)?;
        self.filter(out)?;
        writeln!(out, "<main>")?;
        self.problems(out, Severity::Error, "Errors")?;
        let (lost, rest) = GROUPS.split_at(2);
        self.groups(out, lost)?;
        self.problems(out, Severity::Warning, "Warnings")?;
        self.groups(out, rest)?;
        self.unchanged(out)?;
        self.covered(out)?;
        writeln!(out, "</main>")?;
        let digest = Document::new(plan, self.sources).digest;
        writeln!(out, "<footer>Digest of the plan: <code>{}</code></footer>", Escaped(&digest))?;
        frame.end(out)
    }

    fn header(&self, out: &mut String, project: &str) -> fmt::Result {
        let plan = self.plan;
        write!(out, "<header>\n<h1>{}", Escaped(project))?;
        if let Some(environment) = &plan.environment {
            write!(out, " <small>environment {}</small>", Escaped(environment))?;
        }
        writeln!(out, "</h1>")?;
        let errors = plan.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
        if errors == 0 || plan.has_changes() {
            writeln!(out, "<p class=\"summary\">{}</p>", summary_line(plan))?;
            if let Some(line) = cause::line(plan, str::to_owned) {
                writeln!(out, "<p>{}</p>", Escaped(&line))?;
            }
        }
        if let Some(line) = taken::line(plan) {
            writeln!(out, "<p class=\"taken\">{}</p>", Escaped(&line))?;
        }
        if errors > 0 {
            writeln!(out, "<p class=\"failed\">This plan cannot be applied: {}.</p>", counted(errors, "error"))?;
        }
        if !plan.targets.is_empty() {
            writeln!(out, "<ul class=\"targets\">")?;
            for (name, facts) in &plan.targets {
                let (name, url) = (Escaped(name), Escaped(&facts.url));
                writeln!(out, "<li>{name}: {} {} at {url}</li>", facts.provider, facts.api)?;
            }
            writeln!(out, "</ul>")?;
        }
        writeln!(out, "</header>")
    }

    /// Hidden until the script has found it: without a script all is shown.
    fn filter(&self, out: &mut String) -> fmt::Result {
        if !self.plan.has_changes() {
            return Ok(());
        }
        let pending = || self.plan.steps.iter().filter(|step| step.action != Action::Unchanged);
        writeln!(
            out,
            "<div class=\"filter\" hidden>\n<form role=\"search\">\n\
             <input type=\"search\" name=\"q\" aria-label=\"Search\" placeholder=\"Search (press /)\" autocomplete=\"off\">\n\
             <fieldset><legend>Actions</legend>"
        )?;
        for action in Action::ALL.into_iter().filter(|action| *action != Action::Unchanged) {
            let count = self.plan.count(action);
            if count > 0 {
                let name = action.as_str();
                writeln!(
                    out,
                    "<label><input type=\"checkbox\" name=\"action\" value=\"{name}\"> {name} ({count})</label>"
                )?;
            }
        }
        writeln!(out, "</fieldset>")?;
        let mut kinds = BTreeMap::<String, usize>::new();
        let mut names = BTreeMap::<String, usize>::new();
        for step in pending() {
            *kinds.entry(step.address.section.to_owned()).or_default() += 1;
            *names.entry(self.files.spot(step.source, self.sources).file).or_default() += 1;
        }
        for (name, all, options) in [("kind", "All kinds", kinds), ("file", "All files", names)] {
            writeln!(out, "<select name=\"{name}\" aria-label=\"{name}\"><option value=\"\">{all}</option>")?;
            for (value, count) in options {
                writeln!(out, "<option value=\"{0}\">{0} ({count})</option>", Escaped(&value))?;
            }
            writeln!(out, "</select>")?;
        }
        writeln!(
            out,
            "<button type=\"button\" data-toggle aria-pressed=\"false\">Open or close all</button>\n\
             <button type=\"reset\">Clear</button>\n<output role=\"status\"></output>\n</form>\n</div>"
        )
    }

    fn groups(&self, out: &mut String, groups: &[(&str, &str, &[Action])]) -> fmt::Result {
        for (name, heading, actions) in groups {
            let steps = self.plan.steps.iter().enumerate().filter(|(_, step)| actions.contains(&step.action));
            let steps: Vec<(usize, &Step)> = steps.collect();
            if steps.is_empty() {
                continue;
            }
            let count = steps.len();
            writeln!(out, "<section data-group=\"{name}\">\n<h2>{heading} (<span data-count>{count}</span>)</h2>")?;
            for (number, step) in steps {
                self.step(out, number, step)?;
            }
            writeln!(out, "</section>")?;
        }
        Ok(())
    }

    fn problems(&self, out: &mut String, severity: Severity, heading: &str) -> fmt::Result {
        let all = self.plan.diagnostics.iter().filter(|problem| problem.severity == severity);
        let all: Vec<&Diagnostic> = all.collect();
        if all.is_empty() {
            return Ok(());
        }
        writeln!(out, "<section>\n<h2>{heading} ({})</h2>", all.len())?;
        for problem in all {
            self.problem(out, problem)?;
        }
        writeln!(out, "</section>")
    }

    fn problem(&self, out: &mut String, problem: &Diagnostic) -> fmt::Result {
        let word = match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        writeln!(
            out,
            "<article class=\"{word}\">\n<details open><summary><span class=\"sign\">{word}</span> \
             <span class=\"name\">{}</span>",
            Prose(&problem.message)
        )?;
        if let Some(span) = problem.span() {
            writeln!(out, "<span class=\"place\">{}</span>", Escaped(&self.files.place(span, self.sources)))?;
        }
        let theme = Theme { width: 120, ..Theme::PLAIN };
        let drawn = drawn(|out| diagnostic::diagnostic(out, problem, self.sources, theme));
        writeln!(out, "</summary>\n<div class=\"body\"><pre tabindex=\"0\">{drawn}</pre></div>\n</details>\n</article>")
    }

    fn unchanged(&self, out: &mut String) -> fmt::Result {
        let same: Vec<&Step> = self.plan.steps.iter().filter(|step| step.action == Action::Unchanged).collect();
        if same.is_empty() {
            return Ok(());
        }
        writeln!(out, "<section>\n<h2>As declared ({})</h2>", same.len())?;
        let theme = Theme { width: 120, ..Theme::PLAIN };
        let blind = drawn(|out| unchanged::blind_spots(out, self.plan, theme));
        if !blind.is_empty() {
            writeln!(out, "<p class=\"hint\">{blind}</p>")?;
        }
        writeln!(out, "<details><summary>Show them</summary>\n<ul class=\"same\">")?;
        for step in same {
            writeln!(out, "<li>{}</li>", Escaped(&step.address.to_string()))?;
        }
        writeln!(out, "</ul>\n</details>\n</section>")
    }

    /// How much of each kind is declared, and what is not.
    fn covered(&self, out: &mut String) -> fmt::Result {
        let Some(all) = &self.plan.undeclared else { return Ok(()) };
        writeln!(out, "<section>\n<h2>Declared of what exists</h2>")?;
        for covered in all.iter().filter(|covered| covered.exists != Some(0)) {
            let at =
                if self.plan.targets.len() > 1 { format!(" at {}", Escaped(&covered.target)) } else { String::new() };
            let (kind, how_much) = (covered.section.name, coverage::how_much(covered));
            if covered.undeclared.is_empty() {
                writeln!(out, "<p class=\"hint\">{kind}{at}: {how_much}</p>")?;
                continue;
            }
            writeln!(out, "<details><summary>{kind}{at}: {how_much}</summary>\n<ul class=\"same\">")?;
            for object in covered.undeclared.iter().take(UNDECLARED) {
                writeln!(out, "<li>{}</li>", Escaped(&object.identity.to_string()))?;
            }
            let more = covered.undeclared.len().saturating_sub(UNDECLARED);
            if more > 0 {
                writeln!(out, "<li>and {more} more</li>")?;
            }
            writeln!(out, "</ul>\n</details>")?;
        }
        for command in coverage::commands(self.plan) {
            writeln!(
                out,
                "<p class=\"hint\">To write down what is not declared, run <code>{}</code>.</p>",
                Escaped(&command)
            )?;
        }
        writeln!(out, "</section>")
    }
}

/// What is drawn for a terminal, escaped line by line.
fn drawn(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
    let mut drawn = Vec::new();
    write(&mut drawn).expect("a vector can be written to");
    let lines = String::from_utf8_lossy(&drawn).into_owned();
    lines.lines().map(|line| Escaped(&harmless_line(line.into())).to_string()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
