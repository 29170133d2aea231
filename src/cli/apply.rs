//! `trueup apply`: plans, shows, asks, and does it.

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::ProgressDrawTarget;

use super::account::{Known, lock};
use super::consents::Consents;
use super::exit::Exit;
use super::plan::{self, Asked, Planned};
use super::project::Stop;
use super::question::{self, Answer};
use super::reviewed::Reviewed;
use super::terminal::Terminal;
use super::{Format, Global, remote, signal};
use crate::apply::{Event, Ledger, Options, apply, converge};
use crate::clock::Clock;
use crate::model::{Code, Diagnostic, Sources};
use crate::observe::Sessions;
use crate::plan::Plan;
use crate::render;
use crate::render::json::{self, EventDocument};
use crate::render::progress::Progress;

/// Plan, show the plan, ask for `yes`, and carry it out in dependency order
#[derive(Debug, Args)]
pub(super) struct Apply {
    /// Carry out this plan, as `trueup plan --out FILE` wrote it, and nothing beyond it; it is not asked
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Do not ask
    #[arg(short, long, visible_alias = "auto-approve", env = "TRUEUP_YES", hide_env = true, value_parser = clap::builder::BoolishValueParser::new())]
    yes: bool,
    /// Apply only these resources and what they require
    #[arg(long, value_name = "ADDRESS", num_args = 1.., env = "TRUEUP_ONLY", hide_env = true, value_delimiter = ',')]
    only: Vec<String>,
    #[command(flatten)]
    consents: Consents,
    /// Start nothing more once something has failed
    #[arg(long, env = "TRUEUP_FAIL_FAST", hide_env = true, value_parser = clap::builder::BoolishValueParser::new())]
    fail_fast: bool,
    /// Write to a target N times at once at most; else `limits.parallelism`
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256), env = "TRUEUP_PARALLELISM", hide_env = true)]
    parallelism: Option<u16>,
    /// How to tell what happens: for people, or one JSON object a line
    #[arg(long, value_name = "FORMAT", default_value = "human", env = "TRUEUP_FORMAT", hide_env = true)]
    format: Format,
    /// Write the ledger as JSON to FILE, whatever happens
    #[arg(long, value_name = "FILE", env = "TRUEUP_REPORT", hide_env = true)]
    report: Option<PathBuf>,
}

pub(super) async fn run(command: &Apply, global: &Global, terminal: &Terminal) -> Exit {
    let known = Known::new(command.format, command.report.as_deref().map(|report| global.path(report)), terminal);
    let end_early = |early, sources: &Sources| command.end_early(early, sources, &known, terminal);
    let reviewed = match command.reviewed(global) {
        Ok(reviewed) => reviewed,
        Err(diagnostic) => return end_early(Early::with(vec![diagnostic]), &Sources::default()),
    };
    let last_words = known.clone();
    let mut interrupt = signal::watch_with(move |number| last_words.last_words(number));
    let clock = Clock::system();
    let made = tokio::select! {
        made = command.make(reviewed.as_ref(), global, &clock, terminal) => made,
        number = signal::first(&mut interrupt) => {
            return end_early(Early::by(number), &Sources::default());
        }
    };
    let Planned { project, registry, remotes, snapshot, plan } = match made {
        Ok(mut planned) => {
            if command.format == Format::Json {
                planned.seal();
            }
            planned
        }
        Err(Stop { diagnostics, sources }) => return end_early(Early::with(diagnostics), &sources),
    };
    let sources = &project.desired.sources;
    let beyond = match &reviewed {
        Some(reviewed) if !plan.errored() => reviewed.beyond(&plan, &project.desired, sources),
        _ => Vec::new(),
    };
    // Of a plan that is not carried out because of how it differs, that is what there is to read.
    if beyond.is_empty() || command.format == Format::Json {
        command.show(&plan, sources, terminal);
    }
    let stop = if plan.errored() {
        Some(Early::with(plan.diagnostics.clone()))
    } else if beyond.is_empty() {
        if command.format == Format::Human {
            terminal.problems(&plan.diagnostics, sources);
        }
        let asked = plan.has_work() && !command.yes && reviewed.is_none();
        if asked { ask(&mut interrupt).await } else { None }
    } else {
        Some(Early::with(beyond))
    };
    if let Some(stop) = stop {
        return end_early(stop.of(&plan), sources);
    }
    let options = Options { parallelism: project.settings.limits.parallelism, fail_fast: command.fail_fast };
    let course = Course::new(command.format, &plan, sources, terminal);
    known.planned(&plan, sources, course.progress.clone());
    let ticking = course.tick(remotes.sessions.clone());
    let mut watch = |event: Event| {
        known.event(&event);
        course.event(&event, sources);
    };
    let (desired, sessions) = (&project.desired, &remotes.sessions);
    let signals = interrupt.clone();
    let mut ledger = apply(&plan, desired, &snapshot, &registry, sessions, options, &clock, signals, &mut watch).await;
    known.ended(&ledger, false);
    if ledger.signal.is_none() {
        tokio::select! {
            found = converge(&mut ledger, desired, &registry, sessions) => {
                for problem in found {
                    watch(Event::Diagnostic(problem));
                }
            }
            // All is done by then; only whether it is as declared is not known.
            number = signal::first(&mut interrupt) => ledger.signal = Some(number),
        }
    }
    let exit = match ledger.signal {
        Some(number) => Exit::Signal(number),
        None if ledger.is_complete() => Exit::Success,
        None => Exit::Incomplete,
    };
    ticking.abort();
    known.ended(&ledger, true);
    course.end(&ledger, exit, sources);
    let closed = remotes.close().await;
    if let Err(error) = &closed {
        terminal.note(error);
    }
    // What was to be done is done; whoever waits for the report has to know that there is none.
    let reported = known.report(&ledger, exit, sources);
    if exit == Exit::Success && (closed.is_err() || !reported) { Exit::Incomplete } else { exit }
}

/// Why a run ends before anything was written.
#[derive(Default)]
struct Early<'a> {
    diagnostics: Vec<Diagnostic>,
    signal: Option<u8>,
    /// What would have been done, if that is known.
    plan: Option<&'a Plan>,
}

impl<'a> Early<'a> {
    fn with(diagnostics: Vec<Diagnostic>) -> Self {
        Self { diagnostics, ..Self::default() }
    }

    fn by(signal: u8) -> Self {
        Self { signal: Some(signal), ..Self::default() }
    }

    fn of(self, plan: &'a Plan) -> Self {
        Self { plan: Some(plan), ..self }
    }
}

/// Asks whether to go on. `None`: the answer was `yes`.
async fn ask(interrupt: &mut tokio::sync::watch::Receiver<Option<u8>>) -> Option<Early<'static>> {
    match question::ask("\nApply this plan? Only `yes` is accepted: ", interrupt).await {
        Answer::Line(line) if line == "yes" => None,
        Answer::Line(_) | Answer::Nothing => {
            let diagnostic = Diagnostic::error(Code::Declined, "not applied: the answer was not `yes`")
                .help("run it again and answer `yes` in full");
            Some(Early::with(vec![diagnostic]))
        }
        Answer::Signal(number) => Some(Early::by(number)),
    }
}

/// Tells the course of an apply: lines and a live bar on stderr for people, one JSON object a line for scripts.
#[derive(Clone)]
struct Course {
    terminal: Terminal,
    begun: Instant,
    /// `None`: for scripts.
    progress: Option<Arc<Mutex<Progress>>>,
}

impl Course {
    fn new(format: Format, plan: &Plan, sources: &Sources, terminal: &Terminal) -> Self {
        let target = if terminal.quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let progress = || Progress::new(plan, sources, terminal.stderr_theme(), target);
        let progress = (format == Format::Human).then(|| Arc::new(Mutex::new(progress())));
        Self { terminal: *terminal, begun: Instant::now(), progress }
    }

    fn event(&self, event: &Event, sources: &Sources) {
        let at = self.begun.elapsed();
        match &self.progress {
            Some(progress) => {
                // The bar before the stream, as `tick` takes them: the other way round, each would wait for the other.
                let mut progress = lock(progress);
                let mut lines = self.terminal.stderr();
                let mut nowhere = std::io::sink();
                let went_well = matches!(
                    event,
                    Event::Start { .. } | Event::Progress { .. } | Event::Complete { .. } | Event::Standing { .. }
                );
                let out: &mut dyn Write = if self.terminal.quiet && went_well { &mut nowhere } else { &mut lines };
                // Nobody reads stderr any more: the work goes on all the same.
                let _ = progress.event(out, event, at);
            }
            None => {
                if let Some(document) = EventDocument::new(event, sources) {
                    self.terminal.write(|out| json::line(out, &document));
                }
            }
        }
    }

    /// Keeps the times on the bar moving, and the heartbeat of a log going. Takes the bar before the stream.
    fn tick(&self, sessions: Sessions) -> tokio::task::JoinHandle<()> {
        let course = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(500)).await;
                if let Some(progress) = &course.progress {
                    let held = remote::held(&sessions);
                    let at = course.begun.elapsed();
                    let _ = lock(progress).tick(&mut course.terminal.stderr(), held, at);
                }
            }
        })
    }

    fn end(&self, ledger: &Ledger, exit: Exit, sources: &Sources) {
        match &self.progress {
            Some(progress) => {
                lock(progress).finish();
                self.terminal.tell(|out| render::apply::ledger(out, ledger, sources, self.terminal.stdout_theme()));
            }
            None => {
                self.terminal.write(|out| json::line(out, &EventDocument::ledger(ledger, exit.code(), sources)));
            }
        }
    }
}

impl Apply {
    fn show(&self, plan: &Plan, sources: &Sources, terminal: &Terminal) {
        match self.format {
            Format::Human => {
                let options = render::human::PlanOptions { verbose: terminal.verbose > 0, hint: false };
                terminal.tell(|out| render::human::plan(out, plan, sources, terminal.stdout_theme(), options));
            }
            Format::Json => {
                terminal.write(|out| {
                    json::line(out, &EventDocument::version())?;
                    json::line(out, &EventDocument::planned(plan, sources))
                });
            }
        }
    }

    /// Plans, with what a reviewed plan was made with if there is one.
    async fn make(
        &self,
        reviewed: Option<&Reviewed>,
        global: &Global,
        clock: &Clock,
        terminal: &Terminal,
    ) -> Result<Planned, Stop> {
        let Some(reviewed) = reviewed else {
            return plan::make(global, self.asked(&self.only, &self.consents, None), clock, terminal).await;
        };
        let (global, only, consents) = reviewed.arguments(global);
        plan::make(&global, self.asked(&only, &consents, Some(reviewed)), clock, terminal).await
    }

    fn asked<'a>(&self, only: &'a [String], consents: &'a Consents, reviewed: Option<&'a Reviewed>) -> Asked<'a> {
        Asked { only, consents, reviewed, parallelism: self.parallelism, undeclared: false, remote: None }
    }

    /// The plan in the file, if one is given; otherwise somebody has to be there to be asked.
    fn reviewed(&self, global: &Global) -> Result<Option<Reviewed>, Diagnostic> {
        let Some(path) = &self.file else {
            if self.yes || Terminal::can_ask() {
                return Ok(None);
            }
            let help = "review `trueup plan`, then run `trueup apply --yes`";
            return Err(Diagnostic::error(Code::Usage, "there is no terminal to ask on").help(help));
        };
        let reviewed = Reviewed::read(&global.path(path))?;
        match reviewed.contradiction(global, &self.only, &self.consents) {
            Some(diagnostic) => Err(diagnostic),
            None => Ok(Some(reviewed)),
        }
    }

    /// Ends before anything was written.
    fn end_early(&self, early: Early<'_>, sources: &Sources, known: &Known, terminal: &Terminal) -> Exit {
        let Early { diagnostics, signal, plan } = early;
        let exit = signal.map_or_else(|| Exit::of(&diagnostics), Exit::Signal);
        let ledger = Ledger { diagnostics, signal, ..plan.map(Ledger::not_begun).unwrap_or_default() };
        match self.format {
            Format::Human => {
                terminal.problems(&ledger.diagnostics, sources);
                // A command that could not even be understood has no result.
                if exit != Exit::Usage {
                    terminal.tell(|out| render::apply::nothing(out, &ledger, terminal.stdout_theme()));
                }
            }
            Format::Json => {
                terminal.write(|out| json::line(out, &EventDocument::ledger(&ledger, exit.code(), sources)));
            }
        }
        known.report(&ledger, exit, sources);
        exit
    }
}
