//! `trueup plan`: reads both sides and shows what `apply` would do.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::consents::Consents;
use super::exit::Exit;
use super::project::{self, Project, Stop};
use super::terminal::Terminal;
use super::{Format, Global, remote, signal};
use crate::clock::Clock;
use crate::kind::Registry;
use crate::model::{Diagnostic, Diagnostics, Snapshot, Sources};
use crate::observe::observe;
use crate::plan::{self, Action, Plan};
use crate::render::json;
use crate::{providers, render};

/// Read both sides and show what `apply` would do; never writes
#[derive(Debug, Args)]
pub(super) struct PlanCommand {
    /// How to print the plan
    #[arg(long, value_name = "FORMAT", default_value = "human", env = "TRUEUP_FORMAT", hide_env = true)]
    format: Format,
    /// Also write the plan as JSON to FILE
    #[arg(long, value_name = "FILE", env = "TRUEUP_OUT", hide_env = true)]
    out: Option<PathBuf>,
    /// Exit with 2 if there are changes
    #[arg(long, env = "TRUEUP_DETAILED_EXITCODE", hide_env = true, value_parser = clap::builder::BoolishValueParser::new())]
    detailed_exitcode: bool,
    /// Plan only these resources and what they require
    #[arg(long, value_name = "ADDRESS", num_args = 1.., env = "TRUEUP_ONLY", hide_env = true, value_delimiter = ',')]
    only: Vec<String>,
    #[command(flatten)]
    consents: Consents,
}

/// A plan and what it was made from.
pub(super) struct Planned {
    pub(super) project: Project,
    pub(super) registry: Registry,
    pub(super) remotes: remote::Remotes,
    pub(super) snapshot: Snapshot,
    pub(super) plan: Plan,
}

/// Loads, connects, observes and plans. Problems with a remote are in the plan. `parallelism` overrides the settings'.
pub(super) async fn make(
    global: &Global,
    only: &[String],
    consents: &Consents,
    parallelism: Option<u16>,
    clock: &Clock,
    terminal: &Terminal,
) -> Result<Planned, Stop> {
    let registry = providers::registry();
    let mut project = project::load(global, &registry)?;
    if let Some(parallelism) = parallelism {
        project.settings.limits.parallelism = parallelism.into();
    }
    consents.give(&mut project.desired, &registry)?;
    if !only.is_empty() {
        let wanted = project::addresses(only, &project.desired)?;
        plan::only(&mut project.desired, &wanted);
    }
    let mut problems = Diagnostics::default();
    problems.extend(project.warnings.iter().cloned());
    let remotes = remote::connect(&project.settings, &project.desired, &registry, clock, &mut problems).await;
    let reading = observe(&project.desired, &registry, &remotes.sessions, &mut problems);
    let mut snapshot = remote::patiently(reading, &remotes.sessions, terminal).await;
    remote::name_sandboxes(&project.settings, &mut snapshot);
    let mut plan = plan::plan(&project.desired, &snapshot, &registry, problems);
    plan::guard(&mut plan, &project.desired, consents.deletes(project.settings.limits.max_deletes));
    Ok(Planned { project, registry, remotes, snapshot, plan })
}

pub(super) async fn run(command: &PlanCommand, global: &Global, terminal: &Terminal) -> Exit {
    let mut interrupt = signal::watch();
    let clock = Clock::system();
    let made = tokio::select! {
        made = make(global, &command.only, &command.consents, None, &clock, terminal) => made,
        number = signal::first(&mut interrupt) => {
            terminal.note("interrupted while reading; nothing was changed");
            return Exit::Signal(number);
        }
    };
    let planned = match made {
        Ok(planned) => planned,
        Err(Stop { diagnostics, sources }) => {
            stopped(command.format, &diagnostics, &sources, terminal);
            return Exit::of(&diagnostics);
        }
    };
    let Planned { project, plan, remotes, .. } = planned;
    let sources = &project.desired.sources;
    let shown = match command.format {
        Format::Json => terminal.write(|out| json::plan(out, &plan, sources)),
        Format::Human => {
            let shown = terminal.write(|out| {
                let options = render::human::PlanOptions { verbose: terminal.verbose > 0, hint: true };
                render::human::plan(out, &plan, sources, terminal.stdout_theme(), options)
            });
            terminal.problems(&plan.diagnostics, sources);
            shown
        }
    };
    if let Some(path) = &command.out
        && let Err(error) = save(path, |out| json::plan(out, &plan, sources))
    {
        terminal.note(&format!("cannot write the plan to `{}`: {error}", path.display()));
        return Exit::Failure;
    }
    if let Err(error) = remotes.close().await {
        terminal.note(&error);
        return Exit::Failure;
    }
    match exit(&plan) {
        Exit::Success if shown != Exit::Success => shown,
        Exit::Success if command.detailed_exitcode && plan.has_changes() => Exit::Changes,
        exit => exit,
    }
}

/// A plan that is sound but has something blocked is a red check too.
fn exit(plan: &Plan) -> Exit {
    match Exit::of(&plan.diagnostics) {
        Exit::Success if plan.count(Action::Blocked) > 0 => Exit::Failure,
        exit => exit,
    }
}

/// Tells why there is no plan, in the format asked for.
pub(super) fn stopped(format: Format, diagnostics: &[Diagnostic], sources: &Sources, terminal: &Terminal) {
    match format {
        Format::Json => {
            let empty = Plan { diagnostics: diagnostics.to_vec(), ..Plan::default() };
            terminal.write(|out| json::plan(out, &empty, sources));
        }
        Format::Human => terminal.problems(diagnostics, sources),
    }
}

/// Writes a file whole or not at all.
pub(super) fn save(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Its own words name a file that nobody has asked for.
    let plain = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => io::Error::other(format!("there is no directory `{}`", directory.display())),
        kind => kind.into(),
    };
    let mut file = io::BufWriter::new(tempfile::NamedTempFile::new_in(directory).map_err(plain)?);
    write(&mut file)?;
    file.into_inner()?.persist(path)?;
    Ok(())
}
