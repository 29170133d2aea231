//! The course of an apply and its ledger, for people.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::time::Duration;

use super::clean_line;
use super::diagnostic::diagnostic;
use super::human::place;
use super::layout::{counted, spoken, width, wrap};
use super::style::{Theme, Tone};
use crate::apply::{Event, Ledger, Outcome, Resolution};
use crate::model::{Address, Diagnostic, Severity, Sources};
use crate::plan::{Action, Plan};

/// How often a run that says nothing else says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(60);
/// How many resources a heartbeat names.
const NAMED: usize = 5;

/// How far an apply is: what has ended, and what is being worked on.
#[derive(Debug, Clone)]
pub(super) struct Course {
    /// How many resources there is work on.
    pub(super) total: usize,
    /// How those that ended did.
    pub(super) ended: HashMap<Address, Resolution>,
    /// What is being worked on.
    pub(super) running: InFlight,
}

/// What is being worked on, the oldest first. Cheap to take from, since a remote may be at work on thousands.
#[derive(Debug, Clone, Default)]
pub(super) struct InFlight {
    by_age: BTreeMap<u64, (Address, Running)>,
    numbers: HashMap<Address, u64>,
}

/// Work on one resource.
#[derive(Debug, Clone)]
pub(super) struct Running {
    pub(super) action: Action,
    /// When it began, since the apply did.
    pub(super) since: Duration,
    /// The remote's words.
    pub(super) description: Option<String>,
}

impl InFlight {
    pub(super) fn len(&self) -> usize {
        self.by_age.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Address, &Running)> {
        self.by_age.values().map(|(address, running)| (address, running))
    }

    /// The work on a resource; if none is known, `begun` has begun now.
    fn entry(&mut self, address: &Address, begun: Running) -> &mut Running {
        let next = self.by_age.last_key_value().map_or(0, |(number, _)| number + 1);
        let number = *self.numbers.entry(address.clone()).or_insert(next);
        let (_, running) = self.by_age.entry(number).or_insert_with(|| (address.clone(), begun));
        running
    }

    fn remove(&mut self, address: &Address) {
        if let Some(number) = self.numbers.remove(address) {
            self.by_age.remove(&number);
        }
    }
}

impl Course {
    fn new(plan: &Plan) -> Self {
        let total = plan.steps.len() - plan.count(Action::Unchanged);
        Self { total, ended: HashMap::new(), running: InFlight::default() }
    }

    fn follow(&mut self, event: &Event, at: Duration) {
        match event {
            Event::Start { address, action } => {
                self.running.entry(address, Running { action: *action, since: at, description: None });
            }
            Event::Progress { address, action, elapsed, description } => {
                let begun = Running { action: *action, since: at.saturating_sub(*elapsed), description: None };
                self.running.entry(address, begun).description.clone_from(description);
            }
            Event::Complete { address, .. } => self.end(address, Resolution::Done),
            Event::Ended { address, resolution, .. } => self.end(address, *resolution),
            Event::Standing { .. } | Event::Diagnostic(_) => {}
        }
    }

    fn end(&mut self, address: &Address, resolution: Resolution) {
        self.running.remove(address);
        self.ended.insert(address.clone(), resolution);
    }
}

/// Writes an apply line by line: one for each resource that ends, problems in full, and a heartbeat each minute.
#[derive(Debug, Clone)]
pub struct Lines {
    pub(super) course: Course,
    sources: Sources,
    pub(super) theme: Theme,
    heard: Duration,
}

impl Lines {
    /// For an apply of this plan.
    pub fn new(plan: &Plan, sources: &Sources, theme: Theme) -> Self {
        Self { course: Course::new(plan), sources: sources.clone(), theme, heard: Duration::ZERO }
    }

    /// Writes what there is to say about an event; `at` is the time since the apply began.
    pub fn event(&mut self, out: &mut dyn Write, event: &Event, at: Duration) -> io::Result<()> {
        self.course.follow(event, at);
        let theme = self.theme;
        match event {
            Event::Start { .. } | Event::Progress { .. } | Event::Standing { .. } => Ok(()),
            Event::Complete { address, action, id, elapsed } => {
                let id =
                    id.as_ref().map(|id| theme.paint(Tone::Faint, format!(" (id {})", clean_line(id))).to_string());
                let sign = theme.paint(Tone::of(*action), action.sign());
                let (done, elapsed) = (done(*action), spoken(*elapsed));
                writeln!(out, "{sign} {} {done} in {elapsed}{}", said(address), id.unwrap_or_default())
            }
            Event::Ended { address, action: _, resolution, because } => {
                let (sign, tone) = sign(*resolution);
                let how = match because {
                    Some(because) => {
                        let cause = self.course.ended.get(because).copied();
                        format!(
                            "{} because {} {}",
                            ended(*resolution),
                            said(because),
                            cause.map_or("was not done", was)
                        )
                    }
                    None => ended(*resolution).to_owned(),
                };
                writeln!(out, "{} {} {how}", theme.paint(tone, sign), said(address))
            }
            Event::Diagnostic(problem) => diagnostic(out, problem, &self.sources, theme),
        }
    }

    /// Writes a heartbeat if a minute has passed since the last one; `at` is the time since the apply began.
    pub fn heartbeat(&mut self, out: &mut dyn Write, at: Duration) -> io::Result<()> {
        if at < self.heard + HEARTBEAT {
            return Ok(());
        }
        self.heard = at;
        let Course { total, ended, running } = &self.course;
        let mut text = format!("{}: {} of {total} finished", spoken(at), ended.len());
        if running.len() > 0 {
            let mut named: Vec<_> = running
                .iter()
                .take(NAMED)
                .map(|(address, work)| {
                    let since = spoken(at.saturating_sub(work.since));
                    let words = work.description.as_deref().map(|words| format!(", {}", clean_line(words.trim())));
                    let words = words.unwrap_or_default();
                    format!("{} {} ({since}{words})", doing(work.action), said(address))
                })
                .collect();
            if running.len() > NAMED {
                named.push(format!("{} more", running.len() - NAMED));
            }
            text = format!("{text}; {}", named.join("; "));
        }
        self.remark(out, &text)
    }

    /// Writes something by the way.
    pub(super) fn remark(&self, out: &mut dyn Write, text: &str) -> io::Result<()> {
        let lines = wrap(text, self.theme.width.saturating_sub(4));
        writeln!(out, "{}", self.theme.paint(Tone::Faint, format!("  {}", lines.join("\n    "))))
    }
}

/// Writes the account of a run that ended before anything was begun; why has been told.
pub fn nothing(out: &mut dyn Write, ledger: &Ledger, theme: Theme) -> io::Result<()> {
    match ledger.signal {
        Some(signal) => {
            let line = format!("Interrupted by {}: nothing was changed.", signal_name(signal));
            writeln!(out, "{}", theme.paint(Tone::Warning, line))
        }
        None => writeln!(out, "Nothing was changed."),
    }
}

fn signal_name(signal: u8) -> &'static str {
    match signal {
        2 => "SIGINT",
        15 => "SIGTERM",
        _ => "a signal",
    }
}

/// Writes how everything ended: the counts, what is not done and why, and what to do about it.
pub fn ledger(out: &mut dyn Write, ledger: &Ledger, sources: &Sources, theme: Theme) -> io::Result<()> {
    if let Some(signal) = ledger.signal {
        let mut line = format!("Interrupted by {}: nothing new was started.", signal_name(signal));
        if ledger.count(Resolution::Waiting) > 0 {
            line.push_str(" What is still running goes on at the remote.");
        }
        for line in wrap(&line, theme.width) {
            writeln!(out, "{}", theme.paint(Tone::Warning, line))?;
        }
    }
    let counts: Vec<String> = Resolution::ALL
        .into_iter()
        .filter_map(|resolution| match ledger.count(resolution) {
            0 => None,
            count => Some(format!("{count} {}", counted_as(resolution))),
        })
        .collect();
    let mut undone: Vec<&Outcome> = ledger.outcomes.iter().filter(|outcome| !is_settled(outcome)).collect();
    if ledger.outcomes.is_empty() {
        return writeln!(out, "Nothing was applied.");
    }
    let complete = undone.is_empty() && ledger.signal.is_none();
    let verdict = if complete { "Apply complete" } else { "Apply incomplete" };
    let tone = if complete { Tone::Add } else { Tone::Error };
    let total = counted(ledger.outcomes.len(), "resource");
    let again = match ledger.converged {
        Some(true) if complete => " Converged.",
        Some(false) => " Not converged.",
        // Of what was written all may be as declared, and that is not what matters then.
        Some(true) | None => "",
    };
    writeln!(out, "{} {} ({total}).{again}", theme.paint(tone, format!("{verdict}:")), counts.join(", "))?;
    if undone.is_empty() {
        return Ok(());
    }

    // What went wrong by itself stands before what followed from it.
    undone.sort_by_key(|outcome| rank(outcome));
    let ways: HashMap<&Address, Resolution> =
        ledger.outcomes.iter().map(|outcome| (&outcome.address, outcome.resolution)).collect();
    writeln!(out, "\nNot done:")?;
    let names = undone.iter().map(|outcome| width(&said(&outcome.address))).filter(|name| *name <= theme.width / 2);
    let column = names.max().unwrap_or(0);
    for outcome in &undone {
        let (sign, tone) = sign(outcome.resolution);
        let address = said(&outcome.address);
        let gap = column.saturating_sub(width(&address)) + 2;
        let indent = column + 6;
        write!(out, "  {} {address}", theme.paint(tone, sign))?;
        if width(&address) > column {
            write!(out, "\n{:indent$}", "")?;
        } else {
            write!(out, "{:gap$}", "")?;
        }
        let lines = wrap(&why(outcome, &ways, sources), theme.width.saturating_sub(indent).max(30));
        writeln!(out, "{}", lines.join(&format!("\n{:indent$}", "")))?;
    }
    writeln!(out)?;
    for advice in next(ledger, &undone) {
        for line in wrap(advice, theme.width) {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

fn is_settled(outcome: &Outcome) -> bool {
    let is_error = |diagnostic: &Diagnostic| diagnostic.severity == Severity::Error;
    matches!(outcome.resolution, Resolution::Done | Resolution::Unchanged) && !outcome.diagnostics.iter().any(is_error)
}

fn rank(outcome: &Outcome) -> usize {
    let order = [
        Resolution::Failed,
        Resolution::Unknown,
        Resolution::Done,
        Resolution::Unchanged,
        Resolution::Waiting,
        Resolution::Blocked,
        Resolution::Skipped,
        Resolution::NotStarted,
    ];
    order.iter().position(|resolution| *resolution == outcome.resolution).unwrap_or(order.len())
}

/// Why a resource is not done, on one line.
fn why(outcome: &Outcome, ways: &HashMap<&Address, Resolution>, sources: &Sources) -> String {
    let Outcome { address: _, action: _, resolution, id, because, diagnostics } = outcome;
    let mut text = match (resolution, because) {
        (_, Some(because)) => {
            let cause = ways.get(because).copied().map_or("was not done", was);
            format!("{} because {} {cause}", ended(*resolution), said(because))
        }
        (Resolution::Done | Resolution::Unchanged, None) => "done, but not as declared".to_owned(),
        (resolution, None) => ended(*resolution).to_owned(),
    };
    if let (Resolution::Unknown | Resolution::Waiting | Resolution::Failed, Some(id)) = (resolution, id) {
        text = format!("{text} (id {})", clean_line(id));
    }
    let error = diagnostics.iter().find(|diagnostic| diagnostic.severity == Severity::Error);
    let Some(problem) = error.or(diagnostics.first()) else { return text };
    if *resolution == Resolution::Unknown {
        // The problem says in what way.
        "unknown".clone_into(&mut text);
    }
    if let Some(span) = problem.span() {
        // Nothing happened at that place for certain.
        let at = if *resolution == Resolution::Unknown { ", declared at" } else { " at" };
        text = format!("{text}{at} {}", place(span, sources));
    }
    text = format!("{text}: {}", clean_line(&problem.message));
    match problem.remote.as_ref().and_then(|remote| remote.detail.as_deref()) {
        Some(detail) => format!("{text} ({})", clean_line(detail.trim())),
        None => text,
    }
}

/// What to do about what is not done.
fn next(ledger: &Ledger, undone: &[&Outcome]) -> Vec<&'static str> {
    let count = |resolution| undone.iter().filter(|outcome| outcome.resolution == resolution).count();
    let mut advice = Vec::new();
    if count(Resolution::Failed) > 0 {
        advice.push(
            "Fix what failed, then run `trueup apply` again: it looks at the remote first and does only what is left.",
        );
    } else if count(Resolution::Unknown) + count(Resolution::Waiting) + count(Resolution::NotStarted) > 0
        || ledger.signal.is_some()
    {
        advice.push(
            "Run `trueup apply` again: it looks at the remote first, attaches to what is still running there and does \
             only what is left.",
        );
    }
    if count(Resolution::Blocked) > 0 {
        advice.push("What is blocked needs a decision: `trueup plan` says which.");
    }
    let is_of = |outcome: &&&Outcome| matches!(outcome.resolution, Resolution::Done | Resolution::Unchanged);
    let (waited_for, others): (Vec<&Outcome>, Vec<&Outcome>) =
        undone.iter().filter(is_of).copied().partition(|outcome| outcome.action == Action::Wait);
    if !waited_for.is_empty() {
        advice.push(
            "What was only waited for and still differs: `trueup plan` shows it, `trueup apply` makes the change.",
        );
    }
    if !others.is_empty() {
        advice.push("What is not as declared: `trueup plan` shows how it differs.");
    }
    advice
}

fn said(address: &Address) -> String {
    clean_line(&address.to_string()).into_owned()
}

fn sign(resolution: Resolution) -> (&'static str, Tone) {
    match resolution {
        Resolution::Failed | Resolution::Blocked => ("x", Tone::Error),
        Resolution::Unknown => ("?", Tone::Error),
        Resolution::Waiting => (">", Tone::Wait),
        Resolution::Done | Resolution::Unchanged => ("!", Tone::Warning),
        Resolution::Skipped | Resolution::NotStarted => (".", Tone::Faint),
    }
}

/// What is happening to a resource.
pub(super) fn doing(action: Action) -> &'static str {
    match action {
        Action::Create => "creating",
        Action::Update => "changing",
        Action::Replace => "replacing",
        Action::Delete => "deleting",
        Action::Recover => "recovering",
        Action::Wait | Action::Blocked | Action::Unchanged => "waiting for",
    }
}

/// What has happened to a resource.
fn done(action: Action) -> &'static str {
    match action {
        Action::Create => "created",
        Action::Update => "changed",
        Action::Replace => "replaced",
        Action::Delete => "deleted",
        Action::Recover => "recovered",
        Action::Wait => "ready",
        Action::Blocked | Action::Unchanged => "settled",
    }
}

/// How a resource ended, said of itself.
fn ended(resolution: Resolution) -> &'static str {
    match resolution {
        Resolution::Done => "done",
        Resolution::Unchanged => "unchanged",
        Resolution::Failed => "failed",
        Resolution::Skipped => "skipped",
        Resolution::Blocked => "blocked",
        Resolution::NotStarted => "not started",
        Resolution::Unknown => "unknown: it may or may not have happened",
        Resolution::Waiting => "still running at the remote",
    }
}

/// How a resource ended, said where another had to be skipped because of it.
fn was(resolution: Resolution) -> &'static str {
    match resolution {
        Resolution::Done | Resolution::Unchanged => "is not as declared",
        Resolution::Failed => "failed",
        Resolution::Skipped => "was skipped",
        Resolution::Blocked => "is blocked",
        Resolution::NotStarted => "was not started",
        Resolution::Unknown => "may or may not exist",
        Resolution::Waiting => "is still running",
    }
}

fn counted_as(resolution: Resolution) -> &'static str {
    match resolution {
        Resolution::NotStarted => "not started",
        Resolution::Waiting => "still running",
        other => other.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Code, FileId, RemoteProblem, SourceFile, Span};
    use crate::render::testing::{a_course, address, as_text, in_color, planned};

    fn lines(theme: Theme) -> Lines {
        let (plan, sources) = planned();
        Lines::new(&plan, &sources, theme)
    }

    fn told(theme: Theme) -> String {
        let mut lines = lines(theme);
        as_text(|out| {
            for (at, event) in a_course() {
                lines.heartbeat(out, at)?;
                lines.event(out, &event, at)?;
            }
            lines.heartbeat(out, Duration::from_secs(240))
        })
    }

    #[test]
    fn an_apply_is_told_line_by_line() {
        insta::assert_snapshot!(told(Theme::PLAIN));
    }

    #[test]
    fn an_apply_is_told_in_color() {
        insta::assert_snapshot!(in_color(&told(Theme { color: true, ..Theme::PLAIN })));
    }

    #[test]
    fn a_heartbeat_comes_once_a_minute() {
        let mut lines = lines(Theme::PLAIN);
        let text = as_text(|out| (0..=150).try_for_each(|at| lines.heartbeat(out, Duration::from_secs(at))));
        assert_eq!(text, "  1 min: 0 of 6 finished\n  2 min: 0 of 6 finished\n");
    }

    #[test]
    fn a_heartbeat_names_a_few_of_many() {
        let mut lines = lines(Theme::PLAIN);
        let text = as_text(|out| {
            for at in 0..20 {
                let event = Event::Start { address: address("customers", &format!("c{at}")), action: Action::Create };
                lines.event(out, &event, Duration::from_secs(at))?;
            }
            lines.heartbeat(out, Duration::from_secs(60))
        });
        assert!(text.contains("customers.c4 (56 s); 15 more") && !text.contains("customers.c5"), "{text}");
    }

    #[test]
    fn what_a_remote_says_cannot_move_the_cursor() {
        let mut lines = lines(Theme::PLAIN);
        let nasty = "\u{1b}[2J\u{202e}";
        let events = [
            Event::Progress {
                address: address("customers", "a"),
                action: Action::Create,
                elapsed: Duration::ZERO,
                description: Some(nasty.into()),
            },
            Event::Complete {
                address: address("customers", nasty),
                action: Action::Create,
                id: Some(nasty.into()),
                elapsed: Duration::ZERO,
            },
        ];
        let text = as_text(|out| {
            events.iter().try_for_each(|event| lines.event(out, event, Duration::ZERO))?;
            lines.heartbeat(out, HEARTBEAT)
        });
        assert!(!text.contains(|char| super::super::clean::is_unsafe(char) && char != '\n'), "{text:?}");
    }

    fn outcome(section: &'static str, key: &str, resolution: Resolution) -> Outcome {
        Outcome {
            address: address(section, key),
            action: Action::Create,
            resolution,
            id: None,
            because: None,
            diagnostics: Vec::new(),
        }
    }

    fn sources() -> (Sources, FileId) {
        let mut sources = Sources::default();
        let file = sources.add(SourceFile::new("resources/acme.yaml", "customers:\n  globex:\n    domain: x\n"));
        (sources, file)
    }

    fn of_all_kinds() -> Ledger {
        let refused = Diagnostic::error(Code::Refused, "the remote refused the request")
            .at(Span::new(sources().1, 20..23), "here")
            .remote(RemoteProblem { detail: Some("domain is taken".into()), ..RemoteProblem::default() });
        let differs = Diagnostic::error(Code::NotConverged, "the remote stored another `domain` than was sent");
        let skipped = |key: &str, because: Address| Outcome {
            because: Some(because),
            ..outcome("instances", key, Resolution::Skipped)
        };
        Ledger {
            outcomes: vec![
                outcome("licenses", "growth", Resolution::Unchanged),
                outcome("customers", "acme", Resolution::Done),
                Outcome { diagnostics: vec![differs], ..outcome("customers", "hooli", Resolution::Done) },
                outcome("instances", "moved", Resolution::Blocked),
                skipped("globex-production", address("customers", "globex")),
                skipped("globex-with-a-rather-long-name-that-is-not-short", address("instances", "globex-production")),
                Outcome { diagnostics: vec![refused], ..outcome("customers", "globex", Resolution::Failed) },
                outcome("customers", "initech", Resolution::Unknown),
                Outcome { id: Some("b-7".into()), ..outcome("service_instances", "db", Resolution::Waiting) },
                outcome("service_keys", "db-key", Resolution::NotStarted),
            ],
            ..Ledger::default()
        }
    }

    fn account(of: &Ledger, theme: Theme) -> String {
        as_text(|out| ledger(out, of, &sources().0, theme))
    }

    #[test]
    fn a_ledger_of_every_resolution() {
        insta::assert_snapshot!(account(&of_all_kinds(), Theme::PLAIN));
        insta::assert_snapshot!("ledger_140", account(&of_all_kinds(), Theme { width: 140, ..Theme::PLAIN }));
        insta::assert_snapshot!(
            "ledger_in_color",
            in_color(&account(&of_all_kinds(), Theme { color: true, ..Theme::PLAIN }))
        );
    }

    #[test]
    fn the_counts_add_up() {
        let of = of_all_kinds();
        let text = account(&of, Theme::PLAIN);
        let line = text.lines().find(|line| line.starts_with("Apply")).expect("a line of counts");
        let numbers: Vec<usize> = line
            .split(|char: char| !char.is_ascii_digit())
            .filter(|number| !number.is_empty())
            .map(|number| number.parse().expect("digits"))
            .collect();
        let (total, counts) = numbers.split_last().expect("numbers");
        assert_eq!((counts.iter().sum::<usize>(), *total), (of.outcomes.len(), of.outcomes.len()), "{line}");
    }

    #[test]
    fn an_interrupt_is_told_and_how_to_go_on() {
        let interrupted = Ledger {
            outcomes: vec![
                outcome("customers", "acme", Resolution::Done),
                outcome("customers", "globex", Resolution::NotStarted),
                outcome("service_instances", "db", Resolution::Waiting),
            ],
            signal: Some(15),
            ..Ledger::default()
        };
        insta::assert_snapshot!(account(&interrupted, Theme::PLAIN));
    }

    #[test]
    fn a_complete_apply_takes_one_line() {
        let done = Ledger {
            outcomes: vec![
                outcome("customers", "acme", Resolution::Done),
                outcome("licenses", "growth", Resolution::Unchanged),
            ],
            ..Ledger::default()
        };
        assert_eq!(account(&done, Theme::PLAIN), "Apply complete: 1 done, 1 unchanged (2 resources).\n");
        let seen = |converged| account(&Ledger { converged: Some(converged), ..done.clone() }, Theme::PLAIN);
        assert_eq!(seen(true), "Apply complete: 1 done, 1 unchanged (2 resources). Converged.\n");
        assert_eq!(seen(false), "Apply complete: 1 done, 1 unchanged (2 resources). Not converged.\n");
        assert_eq!(account(&Ledger::default(), Theme::PLAIN), "Nothing was applied.\n");
    }
}
