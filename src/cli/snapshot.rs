//! `trueup snapshot`: what the remotes hold, in a file, for plans without credentials; and such a file in their place.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::Exit;
use super::plan::save;
use super::project::{self, Project, Stop};
use super::terminal::Terminal;
use super::{Global, remote, signal};
use crate::clock::Clock;
use crate::kind::Registry;
use crate::model::{Class, Code, Diagnostic, Diagnostics, Severity, Snapshot, Sources, TargetName};
use crate::observe::observe_for_others;
use crate::render::json;
use crate::snapshot::{AGAIN, About, Damaged, Document, MOST_BYTES, read, redact};
use crate::{plan, providers};

/// Write down what the remotes hold, without secrets, for `trueup plan --remote`; needs only read rights
#[derive(Debug, Args)]
pub(super) struct SnapshotCommand {
    /// Write to FILE, whole or not at all; otherwise all goes to stdout
    #[arg(long, value_name = "FILE", env = "TRUEUP_OUT", hide_env = true)]
    out: Option<PathBuf>,
}

pub(super) async fn run(command: &SnapshotCommand, global: &Global, terminal: &Terminal) -> Exit {
    let mut interrupt = signal::watch();
    let clock = Clock::system();
    let made = tokio::select! {
        made = make(global, &clock, terminal) => made,
        number = signal::first(&mut interrupt) => {
            terminal.note("interrupted while reading; nothing was written");
            return Exit::Signal(number);
        }
    };
    match made {
        Ok(Made { document, warnings, sources }) => {
            terminal.problems(&warnings, &sources);
            command.hand_over(&document, global, terminal)
        }
        Err(Stop { diagnostics, sources }) => {
            terminal.problems(&diagnostics, &sources);
            Exit::of(&diagnostics)
        }
    }
}

/// A snapshot to hand over.
struct Made {
    document: Document,
    warnings: Vec<Diagnostic>,
    sources: Sources,
}

async fn make(global: &Global, clock: &Clock, terminal: &Terminal) -> Result<Made, Stop> {
    let registry = providers::registry();
    let project = project::load(global, &registry)?;
    let stop = |diagnostics: Vec<Diagnostic>| Stop { diagnostics, sources: project.desired.sources.clone() };
    let mut problems = Diagnostics::default();
    problems.extend(project.warnings.iter().cloned());
    let remotes = remote::connect(&project.settings, |_| true, &registry, clock, &mut problems, terminal).await;
    let taken = clock.now();
    let reading = observe_for_others(&project.desired, &registry, &remotes.sessions, &mut problems);
    let mut snapshot = remote::patiently(reading, &remotes.sessions, terminal).await;
    remote::name_sandboxes(&project.settings, &mut snapshot);
    let closed = remotes.close().await;
    let mut problems = problems.into_sorted();
    // What this user may not read and nothing declared needs is left out; whoever needs it is told so.
    let is_fatal = |problem: &Diagnostic| {
        let unneeded = problem.code.class() == Class::SignIn && problem.address.is_none();
        problem.severity == Severity::Error && !unneeded
    };
    let all_answer = project.settings.targets.keys().all(|target| snapshot.targets.contains_key(target));
    if !all_answer || problems.iter().any(is_fatal) {
        return Err(stop(problems));
    }
    closed.map_err(|error| stop(vec![Diagnostic::error(Code::Unreachable, error)]))?;
    for problem in &mut problems {
        if problem.severity == Severity::Error {
            problem.severity = Severity::Warning;
            problem.message = format!("left out of the snapshot: {}", problem.message);
        }
    }
    let variables = project.settings.variables.values().map(|variable| &variable.value);
    let redacted = redact(&snapshot, &project.desired, &registry, variables);
    let about = About {
        project: project.desired.project.clone(),
        environment: project.desired.environment.clone(),
        declared: plan::declared(&project.desired, &registry),
        taken,
    };
    let document = Document::new(about, &redacted);
    Ok(Made { document, warnings: problems, sources: project.desired.sources.clone() })
}

impl SnapshotCommand {
    fn hand_over(&self, document: &Document, global: &Global, terminal: &Terminal) -> Exit {
        let count =
            |count: usize, noun: &str| if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") };
        let what = format!("{} of {}", count(document.objects(), "object"), count(document.targets.len(), "target"));
        let out = self.out.as_deref().map(|path| global.path(path));
        let written = match &out {
            None => terminal.write(|out| json::snapshot(out, document)),
            Some(path) => match save(path, |out| json::snapshot(out, document)) {
                Ok(()) => Exit::Success,
                Err(error) => {
                    terminal.note(&format!("cannot write the snapshot to `{}`: {error}", path.display()));
                    Exit::Failure
                }
            },
        };
        if written == Exit::Success {
            let place = out.map(|path| format!(" to `{}`", path.display())).unwrap_or_default();
            terminal.remark(&format!("Wrote {what}{place}. What may be a secret is left out; names are not."));
        }
        written
    }
}

/// A snapshot in the place of the remotes.
pub(super) struct Instead {
    pub(super) snapshot: Snapshot,
    /// What was declared when it was taken.
    pub(super) declared: BTreeMap<String, String>,
}

impl Instead {
    /// Reads the file, and refuses what is not of these targets of the project.
    pub(super) fn read(
        path: &Path,
        project: &Project,
        wanted: impl Fn(&TargetName) -> bool,
        registry: &Registry,
    ) -> Result<Self, Stop> {
        let name = path.display().to_string();
        let stop = |diagnostics| Stop { diagnostics, sources: project.desired.sources.clone() };
        let bytes = bytes(path, &name).map_err(|problem| stop(vec![*problem]))?;
        let saved = read(&bytes, registry).map_err(|damaged| {
            let help = match damaged {
                Damaged::OtherVersion(_) => format!("use the version of trueup that wrote it, or {AGAIN}"),
                Damaged::NotJson(_) | Damaged::NotASnapshot(_) => AGAIN.to_owned(),
            };
            let message = format!("`{name}` cannot be planned with: {damaged}");
            stop(vec![Diagnostic::error(Code::SnapshotFile, message).help(help)])
        })?;
        let declared = saved.document.declared.clone();
        let snapshot = saved.fit(&name, &project.settings, &project.desired, wanted, registry).map_err(stop)?;
        Ok(Self { snapshot, declared })
    }
}

fn bytes(path: &Path, name: &str) -> Result<Vec<u8>, Box<Diagnostic>> {
    let unreadable = |error: std::io::Error| {
        let message = match error.kind() {
            std::io::ErrorKind::NotFound => format!("there is no file `{name}`"),
            kind => format!("cannot read `{name}`: {kind}"),
        };
        Box::new(Diagnostic::error(Code::Usage, message).help("`trueup snapshot --out FILE` writes one"))
    };
    if std::fs::metadata(path).map_err(unreadable)?.len() > MOST_BYTES {
        let message = format!("`{name}` cannot be planned with: it is larger than {} MiB", MOST_BYTES >> 20);
        return Err(Box::new(Diagnostic::error(Code::SnapshotFile, message).help("is it the right file?")));
    }
    std::fs::read(path).map_err(unreadable)
}
