//! Workflow commands of GitHub Actions: annotations beside the lines of a pull request.
//!
//! GitHub keeps ten of each level from a step, so the weightiest are written and the rest is counted in a last notice.

use std::io::{self, Write};

use super::files::Files;
use super::finding::{Finding, Level, of_plan, of_problems};
use super::human::summary_line;
use super::layout::counted;
use super::{cause, taken};
use crate::model::{Diagnostic, Severity, Sources};
use crate::plan::Plan;

/// What GitHub shows of each level.
const MOST: usize = 10;
/// Characters of one annotation: a log line of megabytes helps nobody, and GitHub cuts at 4096.
const TEXT: usize = 3000;

/// Writes what a plan points out, `plan --format github`.
pub fn plan(out: &mut dyn Write, plan: &Plan, sources: &Sources, files: &Files) -> io::Result<()> {
    let errors = plan.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
    let mut summary = match errors {
        0 => summary_line(plan),
        _ => format!("This plan cannot be applied: {}.", counted(errors, "error")),
    };
    if errors > 0 && plan.has_changes() {
        summary = format!("{} {summary}", summary_line(plan));
    }
    if let Some(line) = cause::line(plan, str::to_owned) {
        summary = format!("{summary} {line}");
    }
    if let Some(line) = taken::line(plan) {
        summary = format!("{line} {summary}");
    }
    written(out, &of_plan(plan, sources, files), Some(&summary), "plan")
}

/// Writes the problems of a validation, `validate --format github`.
pub fn validation(out: &mut dyn Write, diagnostics: &[Diagnostic], sources: &Sources, files: &Files) -> io::Result<()> {
    written(out, &of_problems(diagnostics, sources, files), None, "validate")
}

fn written(out: &mut dyn Write, findings: &[Finding], summary: Option<&str>, command: &str) -> io::Result<()> {
    let of = |level| findings.iter().filter(move |finding| finding.level == level).count();
    // The last notice takes the place of one.
    let most = |level| if level == Level::Note { MOST - 1 } else { MOST };
    let mut left = Vec::new();
    for (level, noun) in [(Level::Error, "error"), (Level::Warning, "warning"), (Level::Note, "notice")] {
        if of(level) > most(level) {
            left.push(counted(of(level) - most(level), noun));
        }
    }
    let mut said = [0; 3];
    for finding in findings {
        let count = &mut said[finding.level as usize];
        *count += 1;
        if *count <= most(finding.level) {
            annotation(out, finding)?;
        }
    }
    let more =
        (!left.is_empty()).then(|| format!("Not shown here: {}. `trueup {command}` shows all.", left.join(", ")));
    let last: Vec<&str> = summary.into_iter().chain(more.as_deref()).collect();
    if last.is_empty() {
        return Ok(());
    }
    writeln!(out, "::notice title={}::{}", property(&format!("trueup {command}")), data(&last.join(" ")))
}

fn annotation(out: &mut dyn Write, finding: &Finding) -> io::Result<()> {
    let word = match finding.level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "notice",
    };
    let mut properties = Vec::new();
    if let Some(spot) = &finding.spot {
        let at = spot.position;
        properties.push(format!("file={}", property(&spot.file)));
        properties.push(format!("line={}", at.line));
        if at.line == at.end_line {
            properties.push(format!("col={},endLine={},endColumn={}", at.column, at.end_line, at.end_column));
        } else {
            // Columns count within one line only; an end at the start of a line is the end of the line before.
            let last = if at.end_column == 1 { at.end_line - 1 } else { at.end_line };
            properties.push(format!("endLine={last}"));
        }
    }
    properties.push(format!("title={}", property(&finding.rule.id())));
    let text = match finding.text.char_indices().nth(TEXT) {
        Some((at, _)) => format!("{}…", &finding.text[..at]),
        None => finding.text.clone(),
    };
    writeln!(out, "::{word} {}::{}", properties.join(","), data(&text))
}

/// The text of a command: nothing in it ends the line.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a command: nothing in it ends it or begins another.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Code, SourceFile, Span};
    use crate::render::reviewed::{long, reviewed};
    use crate::render::testing::as_text;

    #[test]
    fn a_plan_with_nasty_values_is_a_command_a_line() {
        let (made, sources) = reviewed();
        let text = as_text(|out| plan(out, &made, &sources, &Files::below("deploy, it:s")));
        for line in text.lines() {
            assert!(["::error ", "::warning ", "::notice "].iter().any(|start| line.starts_with(start)), "{line}");
        }
        assert_eq!(text.lines().count(), 12);
        insta::assert_snapshot!(text);
    }

    #[test]
    fn no_more_is_written_than_github_keeps_and_the_rest_is_counted() {
        let (made, sources) = long("a word", 20);
        let text = as_text(|out| plan(out, &made, &sources, &Files::default()));
        let count = |word: &str| text.lines().filter(|line| line.starts_with(word)).count();
        assert_eq!((count("::error"), count("::warning"), count("::notice")), (10, 10, 10), "{text}");
        let last = text.lines().last().unwrap();
        let counted = "Not shown here: 12 errors, 51 warnings, 71 notices. `trueup plan` shows all.";
        assert!(last.ends_with(counted), "{last}");
        assert_eq!(text.matches("action%3A%3Arecover").count(), 0, "deletes and replacements go first");
    }

    #[test]
    fn a_sound_validation_says_nothing_and_one_of_many_problems_counts_the_rest() {
        let written = |problems: &[Diagnostic], sources: &Sources| {
            as_text(|out| validation(out, problems, sources, &Files::default()))
        };
        assert_eq!(written(&[], &Sources::default()), "");
        let mut sources = Sources::default();
        let file = sources.add(SourceFile::new("a.yaml", "a: 1\nb: 2\n"));
        let problem = |range| Diagnostic::error(Code::UnknownField, "odd").at(Span::new(file, range), "here");
        assert_eq!(
            written(&[problem(0..4), problem(0..10), problem(3..7)], &sources),
            "::error file=a.yaml,line=1,col=1,endLine=1,endColumn=5,title=trueup%3A%3Aconfig%3A%3Aunknown_field::odd%0Ahere\n\
             ::error file=a.yaml,line=1,endLine=2,title=trueup%3A%3Aconfig%3A%3Aunknown_field::odd%0Ahere\n\
             ::error file=a.yaml,line=1,endLine=2,title=trueup%3A%3Aconfig%3A%3Aunknown_field::odd%0Ahere\n"
        );
        let many = written(&vec![problem(0..4); 25], &sources);
        assert_eq!(many.lines().count(), 11);
        assert!(many.ends_with("Not shown here: 15 errors. `trueup validate` shows all.\n"), "{many}");
    }
}
