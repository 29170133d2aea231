//! `trueup plan`: reads both sides and shows what `apply` would do.

use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::consents::Consents;
use super::exit::Exit;
use super::project::{self, Project, Stop};
use super::remote::Early;
use super::reviewed::Reviewed;
use super::snapshot::Instead;
use super::terminal::Terminal;
use super::{Global, base, remote, repository, signal};
use crate::clock::Clock;
use crate::kind::Registry;
use crate::model::{Code, Diagnostic, Diagnostics, Snapshot, Sources, TargetName};
use crate::observe::{observe, observe_whole};
use crate::plan::{self, Action, Plan};
use crate::render::{Files, github, html, json, markdown, sarif};
use crate::{providers, render, snapshot};

/// Read both sides and show what `apply` would do; never writes
#[derive(Debug, Args)]
pub(super) struct PlanCommand {
    /// How to print the plan
    #[arg(long, value_name = "FORMAT", default_value = "human", env = "TRUEUP_FORMAT", hide_env = true)]
    format: PlanFormat,
    /// Keep the Markdown to N bytes, for instance 65000 for a comment on GitHub: what destroys comes first
    #[arg(long, value_name = "N", value_parser = byte_count, env = "TRUEUP_MAX_BYTES", hide_env = true)]
    max_bytes: Option<usize>,
    /// Also write the plan to FILE, as JSON, for `trueup apply FILE`
    #[arg(long, value_name = "FILE", env = "TRUEUP_OUT", hide_env = true)]
    out: Option<PathBuf>,
    /// Exit with 2 if there are changes
    #[arg(long, env = "TRUEUP_DETAILED_EXITCODE", hide_env = true, value_parser = clap::builder::BoolishValueParser::new())]
    detailed_exitcode: bool,
    /// Plan only these resources and what they require
    #[arg(long, value_name = "ADDRESS", num_args = 1.., env = "TRUEUP_ONLY", hide_env = true, value_delimiter = ',')]
    only: Vec<String>,
    /// Say of each change whether it is declared here, drift, or would undo what REV declares, such as origin/main
    #[arg(long, value_name = "REV", env = "TRUEUP_BASE", hide_env = true)]
    base: Option<String>,
    /// Plan from FILE, written by `trueup snapshot`, instead of the remotes: without a connection, a token or a secret
    #[arg(long, value_name = "FILE", env = "TRUEUP_REMOTE", hide_env = true)]
    remote: Option<PathBuf>,
    /// Also show what exists and is not declared; it is no change and is left alone
    #[arg(long, env = "TRUEUP_UNDECLARED", hide_env = true, conflicts_with = "only", value_parser = clap::builder::BoolishValueParser::new())]
    undeclared: bool,
    #[command(flatten)]
    consents: Consents,
}

/// How a plan is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PlanFormat {
    Human,
    // stdout is JSON only, errors included.
    Json,
    // A comment for a pull request.
    Markdown,
    // One page that needs no network.
    Html,
    // Annotations of GitHub Actions.
    Github,
    Sarif,
}

fn byte_count(text: &str) -> Result<usize, String> {
    let least = markdown::MINIMUM_BYTES;
    text.parse().ok().filter(|count| *count >= least).ok_or_else(|| format!("give a number, {least} or more"))
}

/// A plan and what it was made from. What is large is kept until the process ends, as in [`Project`].
pub(super) struct Planned {
    pub(super) project: Project,
    pub(super) registry: Registry,
    pub(super) remotes: remote::Remotes,
    pub(super) snapshot: ManuallyDrop<Snapshot>,
    pub(super) plan: ManuallyDrop<Plan>,
}

impl Planned {
    /// Adds to the plan what it says of the declarations it was made of. Only whoever keeps a plan asks for it, or shows
    /// its digest: to people it says nothing.
    pub(super) fn seal(&mut self) {
        self.plan.terms.declared = plan::declared(&self.project.desired, &self.registry);
    }
}

/// What a plan is to be about.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) only: &'a [String],
    pub(super) consents: &'a Consents,
    /// What is declared has to be as this one has it.
    pub(super) reviewed: Option<&'a Reviewed>,
    /// Overrides the settings'.
    pub(super) parallelism: Option<u16>,
    /// Whether all is read that exists, at every target of the project.
    pub(super) undeclared: bool,
    /// The snapshot that is taken for the remotes.
    pub(super) remote: Option<&'a Path>,
}

/// Loads, connects, observes and plans. Problems with a remote are in the plan.
pub(super) async fn make(
    global: &Global,
    asked: Asked<'_>,
    clock: &Clock,
    terminal: &Terminal,
) -> Result<Planned, Stop> {
    let Asked { only, consents, reviewed, parallelism, undeclared, remote } = asked;
    let registry = providers::registry();
    let mut early = Early::default();
    // Not where something can still decide that a target is not needed.
    let hurry = only.is_empty() && reviewed.is_none() && remote.is_none();
    let mut project = project::load_telling(global, &registry, remote.is_some(), |settings, used| {
        if hurry {
            let mut settings = settings.clone();
            settings.limits.parallelism = parallelism.map_or(settings.limits.parallelism, Into::into);
            early.begin(&settings, used, clock, *terminal);
        }
    })?;
    if let Some(parallelism) = parallelism {
        project.settings.limits.parallelism = parallelism.into();
    }
    if let Some(reviewed) = reviewed {
        reviewed.is_of(&project)?;
    }
    consents.give(&mut project.desired, &registry)?;
    if !only.is_empty() {
        let wanted = project::addresses(only, &project.desired)?;
        plan::only(&mut project.desired, &wanted);
    }
    if let Some(reviewed) = reviewed {
        reviewed.is_made_of(&plan::declared(&project.desired, &registry), &project.desired)?;
    }
    let mut problems = Diagnostics::default();
    problems.extend(project.warnings.iter().cloned());
    let wanted = |target: &TargetName| undeclared || project.desired.targets.contains_key(target);
    if let Some(file) = remote {
        let Instead { snapshot, declared } = Instead::read(&global.path(file), &project, wanted, &registry)?;
        let mut planned = planned(project, registry, remote::Remotes::none(), snapshot, problems, asked);
        let partial = snapshot::partial(&planned.plan, &planned.project.desired, &planned.registry, &declared);
        let mut problems = Diagnostics::default();
        problems.extend(std::mem::take(&mut planned.plan.diagnostics));
        problems.extend(partial);
        planned.plan.diagnostics = problems.into_sorted();
        return Ok(planned);
    }
    let remotes = early.and(&project.settings, wanted, &registry, clock, &mut problems, terminal).await;
    let mut snapshot = if undeclared {
        let reading = observe_whole(&project.desired, &registry, &remotes.sessions, &mut problems);
        remote::patiently(reading, &remotes.sessions, terminal).await
    } else {
        let reading = observe(&project.desired, &registry, &remotes.sessions, &mut problems);
        remote::patiently(reading, &remotes.sessions, terminal).await
    };
    remote::name_sandboxes(&project.settings, &mut snapshot);
    Ok(planned(project, registry, remotes, snapshot, problems, asked))
}

/// Plans, once what the remotes hold is known.
fn planned(
    project: Project,
    registry: Registry,
    remotes: remote::Remotes,
    snapshot: Snapshot,
    problems: Diagnostics,
    asked: Asked<'_>,
) -> Planned {
    let Asked { only, consents, undeclared, .. } = asked;
    let mut plan = plan::plan(&project.desired, &snapshot, &registry, problems);
    plan.terms = consents.terms(only);
    if undeclared {
        plan.undeclared = Some(plan::coverage(&plan, &snapshot, &registry));
    }
    plan::guard(&mut plan, &project.desired, consents.deletes(project.settings.limits.max_deletes));
    Planned { project, registry, remotes, snapshot: ManuallyDrop::new(snapshot), plan: ManuallyDrop::new(plan) }
}

pub(super) async fn run(command: &PlanCommand, global: &Global, terminal: &Terminal) -> Exit {
    let files = repository::files(global);
    if command.max_bytes.is_some() && command.format != PlanFormat::Markdown {
        let diagnostic = Diagnostic::error(Code::Usage, "`--max-bytes` is about Markdown only")
            .help("give `--format markdown` with it, or leave it out");
        return command.stopped(vec![diagnostic], &Sources::default(), global, &files, terminal);
    }
    if command.undeclared && !command.format.shows_undeclared() {
        let diagnostic = Diagnostic::error(Code::Usage, "this format has no place for what is not declared")
            .help("leave `--undeclared` out, or give `--format` with human, json, markdown or html");
        return command.stopped(vec![diagnostic], &Sources::default(), global, &files, terminal);
    }
    if command.remote.is_some() && command.out.is_some() {
        let diagnostic = Diagnostic::error(Code::Usage, "a plan made from a snapshot is not one to apply")
            .help("leave `--out` out, or `--remote`: what is applied has to be planned from the remotes as they are");
        return command.stopped(vec![diagnostic], &Sources::default(), global, &files, terminal);
    }
    let mut interrupt = signal::watch();
    let clock = Clock::system();
    let made = tokio::select! {
        made = command.make(global, &clock, terminal) => made,
        number = signal::first(&mut interrupt) => {
            terminal.note("interrupted while reading; nothing was changed");
            return Exit::Signal(number);
        }
    };
    let mut planned = match made {
        Ok(planned) => planned,
        Err(Stop { diagnostics, sources }) => {
            return command.stopped(diagnostics, &sources, global, &files, terminal);
        }
    };
    if command.out.is_some() || command.format != PlanFormat::Human {
        planned.seal();
    }
    let Planned { project, plan, remotes, .. } = planned;
    let sources = &project.desired.sources;
    let shown = command.show(&plan, sources, &files, terminal);
    if let Some(path) = &command.out {
        if !PlanCommand::save(&global.path(path), &plan, sources, terminal) {
            return Exit::Failure;
        }
        if plan.has_work() && !plan.errored() {
            let chdir = global.chdir.as_ref().map(|start| format!("-C {} ", start.display())).unwrap_or_default();
            terminal.remark(&format!("To carry out just this, run `trueup {chdir}apply {}`.", path.display()));
        }
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

impl PlanCommand {
    /// Makes the plan, and judges it where that was asked for.
    async fn make(&self, global: &Global, clock: &Clock, terminal: &Terminal) -> Result<Planned, Stop> {
        // Before a remote is asked: what is wrong with a revision is soon told.
        let others = match &self.base {
            Some(revision) => Some(base::load(revision, global, &providers::registry(), self.remote.is_some()).await?),
            None => None,
        };
        let asked = Asked {
            only: &self.only,
            consents: &self.consents,
            reviewed: None,
            parallelism: None,
            undeclared: self.undeclared,
            remote: self.remote.as_deref(),
        };
        let mut planned = make(global, asked, clock, terminal).await?;
        if let Some(others) = others {
            others.judge(&mut planned);
        }
        Ok(planned)
    }

    /// `--max-bytes` is from the environment, where it is meant for all plans in Markdown.
    pub(super) fn limit_markdown_only(&mut self) {
        if self.format != PlanFormat::Markdown {
            self.max_bytes = None;
        }
    }

    /// Prints a plan, and its problems for who reads the log.
    fn show(&self, plan: &Plan, sources: &Sources, files: &Files, terminal: &Terminal) -> Exit {
        let shown = terminal.write(|out| match self.format {
            PlanFormat::Human => {
                let options = render::human::PlanOptions { verbose: terminal.verbose > 0, hint: self.out.is_none() };
                terminal
                    .for_people(out, |out| render::human::plan(out, plan, sources, terminal.stdout_theme(), options))
            }
            PlanFormat::Json => json::plan(out, plan, sources),
            PlanFormat::Markdown => markdown::plan(out, plan, sources, files, self.max_bytes),
            PlanFormat::Html => html::plan(out, plan, sources, files),
            PlanFormat::Github => github::plan(out, plan, sources, files),
            PlanFormat::Sarif => sarif::plan(out, plan, sources, files),
        });
        if self.format.is_a_document() || self.format == PlanFormat::Human {
            terminal.problems(&plan.diagnostics, sources);
        }
        shown
    }

    /// Tells why there is no plan, in the format asked for.
    fn stopped(
        &self,
        diagnostics: Vec<Diagnostic>,
        sources: &Sources,
        global: &Global,
        files: &Files,
        terminal: &Terminal,
    ) -> Exit {
        let exit = Exit::of(&diagnostics);
        let environment = match self.format {
            PlanFormat::Human | PlanFormat::Json => None,
            // A comment is that of its environment, also where there is no plan.
            _ => global.env.as_deref().map(Into::into),
        };
        let empty = Plan { environment, diagnostics, ..Plan::default() };
        if self.format == PlanFormat::Human {
            terminal.problems(&empty.diagnostics, sources);
        } else {
            self.show(&empty, sources, files, terminal);
        }
        // What an earlier run has left there must not pass for this one's.
        if let Some(path) = self.out.as_deref().map(|path| global.path(path)).filter(|path| path.exists()) {
            Self::save(&path, &Plan { environment: None, ..empty }, sources, terminal);
        }
        exit
    }

    /// Whether the plan could be written there; if not, that has been told.
    fn save(path: &Path, plan: &Plan, sources: &Sources, terminal: &Terminal) -> bool {
        match save(path, |out| json::plan(out, plan, sources)) {
            Ok(()) => true,
            Err(error) => {
                terminal.note(&format!("cannot write the plan to `{}`: {error}", path.display()));
                false
            }
        }
    }
}

impl PlanFormat {
    /// Whether it is about more than places in files.
    fn shows_undeclared(self) -> bool {
        !matches!(self, Self::Github | Self::Sarif)
    }

    /// Whether it goes into a file or comment, so that a log would not show the problems.
    fn is_a_document(self) -> bool {
        matches!(self, Self::Markdown | Self::Html | Self::Sarif)
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
