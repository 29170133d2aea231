//! What a plan or a validation points out at a place: what the annotations of all forges are made from.

use std::collections::HashMap;

use super::files::{Files, Spot};
use super::fingerprint::fingerprint;
use super::human::said;
use super::{cause, clean, clean_line, diagnostic};
use crate::model::{Code, Diagnostic, Severity, Sources};
use crate::plan::{Action, Cause, Plan, Step};

/// How much attention something asks for, most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Error,
    Warning,
    Note,
}

/// What is pointed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    Problem(Code),
    Action(Action),
}

/// Something pointed out at a place. Its texts are safe to show; line breaks are in `text` only.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    pub(super) level: Level,
    pub(super) rule: Rule,
    pub(super) text: String,
    /// The resource.
    pub(super) address: Option<String>,
    pub(super) spot: Option<Spot>,
    /// Further places and what is said of them.
    pub(super) related: Vec<(Spot, String)>,
    /// Where an action comes from, if that was judged.
    pub(super) cause: Option<Cause>,
    /// The same for the same finding, wherever in its file it stands by then.
    pub(super) fingerprint: String,
}

impl Rule {
    /// `trueup::config::unknown_field`, or `trueup::action::delete`.
    pub(super) fn id(self) -> String {
        match self {
            Self::Problem(code) => code.as_str().to_owned(),
            Self::Action(action) => format!("trueup::action::{}", action.as_str()),
        }
    }
}

/// What a plan points out: its problems and its actions, the weightiest first.
pub(super) fn of_plan(plan: &Plan, sources: &Sources, files: &Files) -> Vec<Finding> {
    let steps = plan.steps.iter().filter(|step| step.action != Action::Unchanged);
    let mut findings: Vec<Finding> = steps.map(|step| of_step(step, plan, sources, files)).collect();
    findings.extend(plan.diagnostics.iter().map(|diagnostic| of_problem(diagnostic, sources, files)));
    told_apart(findings)
}

/// What a validation points out: its problems, errors first.
pub(super) fn of_problems(diagnostics: &[Diagnostic], sources: &Sources, files: &Files) -> Vec<Finding> {
    told_apart(diagnostics.iter().map(|diagnostic| of_problem(diagnostic, sources, files)).collect())
}

/// Sorts by weight and gives equal findings fingerprints of their own.
fn told_apart(mut findings: Vec<Finding>) -> Vec<Finding> {
    // Stable: within a weight, problems and steps keep their order.
    findings.sort_by_key(weight);
    let mut seen: HashMap<String, usize> = HashMap::new();
    for finding in &mut findings {
        let count = seen.entry(finding.fingerprint.clone()).or_default();
        *count += 1;
        if *count > 1 {
            finding.fingerprint = fingerprint(&[&finding.fingerprint, &count.to_string()]);
        }
    }
    findings
}

fn weight(finding: &Finding) -> u8 {
    match (finding.rule, finding.level) {
        (Rule::Problem(_), Level::Error) => 0,
        (Rule::Action(Action::Delete | Action::Replace), _) => 1,
        (Rule::Action(Action::Blocked), _) => 2,
        (Rule::Action(Action::Recover), _) => 3,
        // What would undo something is as weighty as what is warned of.
        (Rule::Action(_), Level::Warning) | (Rule::Problem(_), _) => 4,
        (Rule::Action(Action::Update), _) => 5,
        (Rule::Action(_), _) => 6,
    }
}

fn of_problem(problem: &Diagnostic, sources: &Sources, files: &Files) -> Finding {
    let Diagnostic { severity, code, message, help, address, labels, remote } = problem;
    let mut text = clean_line(message).into_owned();
    let primary = labels.first();
    if let Some(label) = primary.filter(|label| !label.message.is_empty()) {
        text = format!("{text}\n{}", clean_line(&label.message));
    }
    if let Some(remote) = remote {
        text = format!("{text}\nremote: {}", diagnostic::said_by_remote(remote));
    }
    if let Some(help) = help {
        text = format!("{text}\nhelp: {}", clean(help));
    }
    let address = address.as_ref().map(|address| clean_line(&address.to_string()).into_owned());
    let spot = primary.map(|label| files.spot(label.span, sources));
    let file = spot.as_ref().map(|spot| spot.file.clone()).unwrap_or_default();
    let marked =
        primary.map(|label| sources.get(label.span.file).display().get(label.span.range()).unwrap_or_default());
    let named = address.clone().unwrap_or_default();
    Finding {
        level: match severity {
            Severity::Error => Level::Error,
            Severity::Warning => Level::Warning,
        },
        rule: Rule::Problem(*code),
        fingerprint: fingerprint(&[code.as_str(), &file, &named, message, marked.unwrap_or_default()]),
        text,
        address,
        spot,
        cause: None,
        related: labels
            .iter()
            .skip(1)
            .map(|label| (files.spot(label.span, sources), clean_line(&label.message).into_owned()))
            .collect(),
    }
}

fn of_step(step: &Step, plan: &Plan, sources: &Sources, files: &Files) -> Finding {
    let address = clean_line(&step.address.to_string()).into_owned();
    let mut text = format!("{address} {}", said(step));
    if step.action == Action::Blocked {
        text = format!("{address} is {}", said(step));
    }
    if !step.executable && step.action != Action::Blocked {
        text = format!("{text}\nshown only: this version does not carry it out");
    }
    for words in &step.takes_along {
        text = format!("{text}\ntakes along {}", clean_line(words));
    }
    if !step.changes.is_empty() && step.action == Action::Update {
        let paths: Vec<_> =
            step.changes.iter().map(|change| clean_line(&change.path.to_string()).into_owned()).collect();
        text = format!("{text}\nchanges {}", paths.join(", "));
    }
    if let Some(cause) = step.cause {
        text = format!("{text}\n{}", cause::meaning(cause, plan));
    }
    let spot = files.spot(step.source, sources);
    let rule = Rule::Action(step.action);
    Finding {
        level: match step.action {
            Action::Blocked => Level::Error,
            Action::Delete | Action::Replace | Action::Recover => Level::Warning,
            _ if step.cause == Some(Cause::Behind) => Level::Warning,
            Action::Create | Action::Update | Action::Wait | Action::Unchanged => Level::Note,
        },
        rule,
        text,
        fingerprint: fingerprint(&[&rule.id(), &spot.file, &address]),
        address: Some(address),
        spot: Some(spot),
        cause: step.cause,
        related: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{SourceFile, Span};
    use crate::render::reviewed::reviewed;

    #[test]
    fn the_weightiest_comes_first() {
        let (plan, sources) = reviewed();
        let rules: Vec<String> =
            of_plan(&plan, &sources, &Files::default()).iter().map(|finding| finding.rule.id()).collect();
        let expected = [
            "trueup::plan::reference_not_found",
            "trueup::remote::refused",
            "trueup::action::replace",
            "trueup::action::delete",
            "trueup::action::blocked",
            "trueup::action::recover",
            "trueup::remote::warning",
            "trueup::action::update",
            "trueup::action::create",
            "trueup::action::create",
            "trueup::action::wait",
        ];
        assert_eq!(rules, expected);
    }

    #[test]
    fn a_finding_is_the_same_where_lines_moved_and_another_where_there_are_two() {
        let found = |text: &str, times: usize| {
            let mut sources = Sources::default();
            let file = sources.add(SourceFile::new("a.yaml", text));
            let at = text.find("nmae").expect("it is there");
            let problem = Diagnostic::error(Code::UnknownField, "unknown field `nmae`")
                .at(Span::new(file, at..at + 4), "not a field");
            let findings = of_problems(&vec![problem; times], &sources, &Files::default());
            findings.into_iter().map(|finding| finding.fingerprint).collect::<Vec<_>>()
        };
        let one = found("nmae: x\n", 1);
        assert_eq!(one, found("# a comment\n\n  nmae: x\n", 1));
        let two = found("nmae: x\n", 2);
        assert_eq!(one[0], two[0]);
        assert_ne!(two[0], two[1]);
    }
}
