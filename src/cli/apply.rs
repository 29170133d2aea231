//! `trueup apply`: plans, shows, asks, and does it.

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::ProgressDrawTarget;

use super::consents::Consents;
use super::exit::Exit;
use super::plan::{self, Planned};
use super::project::Stop;
use super::terminal::Terminal;
use super::{Format, Global, remote, signal};
use crate::apply::{Event, Ledger, Options, apply};
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
    /// A reviewed plan, as `trueup plan --out FILE` wrote it
    #[arg(value_name = "FILE", hide = true)]
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
    if let Some(diagnostic) = refusal(command) {
        return command.end_early(vec![diagnostic], &Sources::default(), None, terminal);
    }
    let mut interrupt = signal::watch();
    let clock = Clock::system();
    let made = tokio::select! {
        made = plan::make(global, &command.only, &command.consents, command.parallelism, &clock, terminal) => made,
        number = signal::first(&mut interrupt) => {
            terminal.note("interrupted while reading; nothing was changed");
            return command.end_early(Vec::new(), &Sources::default(), Some(number), terminal);
        }
    };
    let Planned { project, registry, remotes, snapshot, plan } = match made {
        Ok(planned) => planned,
        Err(Stop { diagnostics, sources }) => return command.end_early(diagnostics, &sources, None, terminal),
    };
    let sources = &project.desired.sources;
    command.show(&plan, sources, terminal);
    if plan.errored() {
        return command.end_early(plan.diagnostics, sources, None, terminal);
    }
    if command.format == Format::Human {
        terminal.problems(&plan.diagnostics, sources);
    }
    if plan.has_work() && !command.yes {
        match ask(&mut interrupt).await {
            Answer::Yes => {}
            Answer::Signal(number) => return command.end_early(Vec::new(), sources, Some(number), terminal),
            Answer::No => {
                let diagnostic = Diagnostic::error(Code::Declined, "not applied: the answer was not `yes`")
                    .help("nothing was changed; run it again and answer `yes` in full");
                return command.end_early(vec![diagnostic], sources, None, terminal);
            }
        }
    }
    let options = Options { parallelism: project.settings.limits.parallelism, fail_fast: command.fail_fast };
    let course = Course::new(command.format, &plan, sources, terminal);
    let ticking = course.tick(remotes.sessions.clone());
    let mut watch = |event: Event| course.event(&event, sources);
    let ledger =
        apply(&plan, &project.desired, &snapshot, &registry, &remotes.sessions, options, &clock, interrupt, &mut watch)
            .await;
    let exit = match ledger.signal {
        Some(number) => Exit::Signal(number),
        None if ledger.is_complete() => Exit::Success,
        None => Exit::Incomplete,
    };
    ticking.abort();
    course.end(&ledger, exit, sources);
    let closed = remotes.close().await;
    if let Err(error) = &closed {
        terminal.note(error);
    }
    match command.report(&ledger, exit, sources, terminal) {
        Exit::Success if closed.is_err() && exit == Exit::Success => Exit::Incomplete,
        Exit::Success => exit,
        failed if exit == Exit::Success => failed,
        _ => exit,
    }
}

/// What is refused before anything is read.
fn refusal(command: &Apply) -> Option<Diagnostic> {
    if let Some(file) = &command.file {
        let message = format!("this version does not apply a saved plan (`{}`)", file.display());
        return Some(Diagnostic::error(Code::Usage, message).help("run `trueup apply`; it plans again and asks"));
    }
    if !command.yes && !Terminal::can_ask() {
        let message = "there is no terminal to ask on";
        return Some(
            Diagnostic::error(Code::Usage, message).help("review `trueup plan`, then run `trueup apply --yes`"),
        );
    }
    None
}

/// What was answered.
enum Answer {
    Yes,
    No,
    Signal(u8),
}

/// Asks on stderr, where a terminal shows it even if the plan is piped away.
async fn ask(interrupt: &mut tokio::sync::watch::Receiver<Option<u8>>) -> Answer {
    let mut err = std::io::stderr().lock();
    let _ = write!(err, "\nApply this plan? Only `yes` is accepted: ").and_then(|()| err.flush());
    drop(err);
    let answer = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    tokio::select! {
        answer = answer => match answer {
            Ok(Ok(line)) if line.trim() == "yes" => Answer::Yes,
            _ => Answer::No,
        },
        number = signal::first(interrupt) => Answer::Signal(number),
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
                // A line at a time: written piece by piece, the lines of a large plan cost more than its requests.
                let mut lines = std::io::LineWriter::new(std::io::stderr().lock());
                let mut nowhere = std::io::sink();
                let went_well = matches!(event, Event::Start { .. } | Event::Progress { .. } | Event::Complete { .. });
                let out: &mut dyn Write = if self.terminal.quiet && went_well { &mut nowhere } else { &mut lines };
                // Nobody reads stderr any more: the work goes on all the same.
                let _ = lock(progress).event(out, event, at);
            }
            None => {
                self.terminal.write(|out| json::line(out, &EventDocument::new(event, sources)));
            }
        }
    }

    /// Keeps the times on the bar moving, and the heartbeat of a log going.
    fn tick(&self, sessions: Sessions) -> tokio::task::JoinHandle<()> {
        let course = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(500)).await;
                if let Some(progress) = &course.progress {
                    let held = remote::held(&sessions);
                    let at = course.begun.elapsed();
                    let _ = lock(progress).tick(&mut std::io::stderr().lock(), held, at);
                }
            }
        })
    }

    fn end(&self, ledger: &Ledger, exit: Exit, sources: &Sources) {
        match &self.progress {
            Some(progress) => {
                lock(progress).finish();
                self.terminal.write(|out| render::apply::ledger(out, ledger, sources, self.terminal.stdout_theme()));
            }
            None => {
                self.terminal.write(|out| json::line(out, &EventDocument::ledger(ledger, exit.code(), sources)));
            }
        }
    }
}

fn lock(progress: &Mutex<Progress>) -> MutexGuard<'_, Progress> {
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Apply {
    fn show(&self, plan: &Plan, sources: &Sources, terminal: &Terminal) {
        match self.format {
            Format::Human => {
                let options = render::human::PlanOptions { verbose: terminal.verbose > 0, hint: false };
                terminal.write(|out| render::human::plan(out, plan, sources, terminal.stdout_theme(), options));
            }
            Format::Json => {
                terminal.write(|out| {
                    json::line(out, &EventDocument::version())?;
                    json::line(out, &EventDocument::planned(plan, sources))
                });
            }
        }
    }

    /// Ends before anything was written.
    fn end_early(
        &self,
        diagnostics: Vec<Diagnostic>,
        sources: &Sources,
        signal: Option<u8>,
        terminal: &Terminal,
    ) -> Exit {
        let exit = signal.map_or_else(|| Exit::of(&diagnostics), Exit::Signal);
        let ledger = Ledger { outcomes: Vec::new(), diagnostics, signal };
        match self.format {
            Format::Human => terminal.problems(&ledger.diagnostics, sources),
            Format::Json => {
                terminal.write(|out| json::line(out, &EventDocument::ledger(&ledger, exit.code(), sources)));
            }
        }
        self.report(&ledger, exit, sources, terminal);
        exit
    }

    fn report(&self, ledger: &Ledger, exit: Exit, sources: &Sources, terminal: &Terminal) -> Exit {
        let Some(path) = &self.report else { return Exit::Success };
        match plan::save(path, |out| json::ledger(out, ledger, exit.code(), sources)) {
            Ok(()) => Exit::Success,
            Err(error) => {
                terminal.note(&format!("cannot write the report to `{}`: {error}", path.display()));
                Exit::Failure
            }
        }
    }
}
