//! `trueup export`: what exists, as YAML whose plan is empty.

use std::mem::ManuallyDrop;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::exit::Exit;
use super::project::{self, Project, Stop};
use super::terminal::Terminal;
use super::written::{self, Refused};
use super::{Global, remote, signal};
use crate::clock::Clock;
use crate::export::{self, Ask, Declared, Document, Exported, Within};
use crate::kind::Registry;
use crate::model::{Class, Code, Diagnostic, Diagnostics, Observed, RemoteId, Severity, Snapshot, Sources, TargetName};
use crate::observe::observe_whole;
use crate::render::clean_line;
use crate::settings::{self, Settings, TargetSettings};
use crate::suggest::Suggest;
use crate::{plan, providers};

/// Where a project keeps the schema of its resource files.
const SCHEMA: &str = "schemas/trueup.schema.json";

/// Write down what exists as YAML; planning it yields no change
#[derive(Debug, Args)]
pub(super) struct Export {
    /// The target to read; needed if there are several
    #[arg(long, value_name = "NAME", env = "TRUEUP_TARGET", hide_env = true)]
    target: Option<String>,
    /// Only what is in this space
    #[arg(long, value_name = "ORG/SPACE", env = "TRUEUP_SPACE", hide_env = true, conflicts_with = "customer")]
    space: Option<String>,
    /// Only this customer and its instances
    #[arg(long, value_name = "SLUG", env = "TRUEUP_CUSTOMER", hide_env = true)]
    customer: Option<String>,
    /// Leave out what this project's files declare already
    #[arg(long, env = "TRUEUP_UNDECLARED", hide_env = true, value_parser = clap::builder::BoolishValueParser::new())]
    undeclared: bool,
    /// Write into DIR, a file for each customer or space; otherwise all goes to stdout
    #[arg(long, value_name = "DIR", env = "TRUEUP_DIR", hide_env = true)]
    dir: Option<PathBuf>,
    /// Replace files in DIR that are there already
    #[arg(long, env = "TRUEUP_OVERWRITE", hide_env = true, requires = "dir", conflicts_with = "undeclared", value_parser = clap::builder::BoolishValueParser::new())]
    overwrite: bool,
}

pub(super) async fn run(command: &Export, global: &Global, terminal: &Terminal) -> Exit {
    let mut interrupt = signal::watch();
    let clock = Clock::system();
    let made = tokio::select! {
        made = command.make(global, &clock, terminal) => made,
        number = signal::first(&mut interrupt) => {
            terminal.note("interrupted while reading; nothing was written");
            return Exit::Signal(number);
        }
    };
    match made {
        Ok(Made { exported, settings, target, unread, sources }) => {
            terminal.problems(&unread, &sources);
            let exit = command.hand_over(&exported, &settings, &target, global, terminal);
            if exit == Exit::Success { Exit::of(&unread) } else { exit }
        }
        Err(Stop { diagnostics, sources }) => {
            terminal.problems(&diagnostics, &sources);
            Exit::of(&diagnostics)
        }
    }
}

/// An export, and what is needed to hand it over.
struct Made {
    exported: Exported,
    settings: Settings,
    target: TargetName,
    /// The collections that this user may not read, and warnings.
    unread: Vec<Diagnostic>,
    sources: Sources,
}

impl Export {
    async fn make(&self, global: &Global, clock: &Clock, terminal: &Terminal) -> Result<Made, Stop> {
        let registry = providers::registry();
        let project = if self.undeclared { project::load(global, &registry)? } else { project::load_settings(global)? };
        let stop = |diagnostics: Vec<Diagnostic>| Stop { diagnostics, sources: project.desired.sources.clone() };
        let target = self.choose(&project.settings).map_err(|problem| stop(vec![*problem]))?;
        let mut problems = Diagnostics::default();
        problems.extend(project.warnings.iter().cloned());
        let wanted = |name: &TargetName| *name == target.name;
        let remotes = remote::connect(&project.settings, wanted, &registry, clock, &mut problems, terminal).await;
        let reading = observe_whole(&project.desired, &registry, &remotes.sessions, &mut problems);
        let mut snapshot = remote::patiently(reading, &remotes.sessions, terminal).await;
        remote::name_sandboxes(&project.settings, &mut snapshot);
        let closed = remotes.close().await;
        let unread = problems.into_sorted();
        let is_fatal =
            |problem: &Diagnostic| problem.severity == Severity::Error && problem.code.class() != Class::SignIn;
        if !snapshot.targets.contains_key(&target.name) || unread.iter().any(is_fatal) {
            return Err(stop(unread));
        }
        closed.map_err(|error| stop(vec![Diagnostic::error(Code::Unreachable, error)]))?;
        let home = self.home(target, &snapshot).map_err(|problem| stop(vec![*problem]))?;
        let ask = Ask {
            target: Arc::clone(&target.name),
            within: home.as_ref().map_or(Within::Target, Within::Home),
            settings: &project.settings,
            snapshot: &snapshot,
            registry: &registry,
            declared: declared(&project, target, &snapshot, &registry, self.undeclared),
            schema: Some(self.schema(&project.settings, global)),
            split: self.dir.is_some(),
        };
        let exported = export::export(&ask).map_err(|(diagnostics, sources)| Stop { diagnostics, sources })?;
        let target = Arc::clone(&target.name);
        Ok(Made {
            exported,
            target,
            unread,
            sources: ManuallyDrop::into_inner(project.desired).sources,
            settings: project.settings,
        })
    }

    /// The target that is meant.
    fn choose<'s>(&self, settings: &'s Settings) -> Result<&'s TargetSettings, Box<Diagnostic>> {
        let refuse = |message: String, help: String| Err(Box::new(Diagnostic::error(Code::Usage, message).help(help)));
        let provider = match (&self.space, &self.customer) {
            (Some(_), _) => Some(("--space", "cloudfoundry")),
            (_, Some(_)) => Some(("--customer", "kaiten")),
            _ => None,
        };
        let fits = |target: &&TargetSettings| provider.is_none_or(|(_, provider)| target.provider == provider);
        if let Some(name) = &self.target {
            let Some(target) = settings.targets.get(name.as_str()) else {
                let names = settings.targets.keys().map(|name| &**name);
                let help = match Suggest::default().nearest(name, names.clone()) {
                    Some(nearest) => format!("did you mean `{nearest}`?"),
                    None => format!("`trueup.toml` has {}", quoted(names)),
                };
                return refuse(format!("there is no target `{name}`"), help);
            };
            return match provider {
                Some((flag, provider)) if !fits(&target) => refuse(
                    format!("`{flag}` is about {provider}, and target `{name}` is {}", target.provider),
                    "leave one of the two out".to_owned(),
                ),
                _ => Ok(target),
            };
        }
        let mut all = settings.targets.values().filter(fits);
        match (all.next(), all.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => {
                let of = provider.map(|(_, provider)| format!(" with provider `{provider}`")).unwrap_or_default();
                refuse(format!("`trueup.toml` has no target{of}"), "declare one: `[targets.NAME]`".to_owned())
            }
            (Some(_), Some(_)) => {
                let names = settings.targets.values().filter(fits).map(|target| &*target.name);
                refuse("which target?".to_owned(), format!("give `--target` with one of {}", quoted(names)))
            }
        }
    }

    /// The customer or space that is meant, if one is.
    fn home(&self, target: &TargetSettings, snapshot: &Snapshot) -> Result<Option<RemoteId>, Box<Diagnostic>> {
        let (flag, section, singular, name) = match (&self.space, &self.customer) {
            (Some(name), _) => ("--space", "spaces", "space", name),
            (_, Some(name)) => ("--customer", "customers", "customer", name),
            _ => return Ok(None),
        };
        let refuse = |message: String, help: String| Err(Box::new(Diagnostic::error(Code::Usage, message).help(help)));
        let Some(collection) = snapshot.collection(&target.name, section) else {
            return refuse(
                format!("the {section} of target `{}` cannot be read", target.name),
                format!("leave `{flag}` out"),
            );
        };
        let found: Vec<&Observed> = collection.named(name, section == "spaces").collect();
        match found.as_slice() {
            [only] => Ok(Some(Arc::clone(&only.id))),
            [] => {
                let names: Vec<String> = collection.iter().map(|object| object.identity.to_string()).collect();
                let help = match Suggest::default().nearest(name, names.iter().map(String::as_str)) {
                    Some(nearest) => format!("did you mean `{nearest}`?"),
                    None if names.is_empty() => format!("target `{}` shows no {singular} at all", target.name),
                    None if section == "spaces" && !name.contains('/') => "write it as ORG/SPACE".to_owned(),
                    None => format!("there are {}", quoted(names.iter().take(10).map(String::as_str))),
                };
                refuse(format!("there is no {singular} `{name}` at target `{}`", target.name), help)
            }
            _ => {
                refuse(format!("there are {} {section} `{name}`", found.len()), format!("export all without `{flag}`"))
            }
        }
    }

    /// The schema, as the files that are written name it.
    fn schema(&self, settings: &Settings, global: &Global) -> PathBuf {
        let project = absolute(&settings.directory);
        let from = self.dir.as_ref().map_or_else(|| project.clone(), |dir| absolute(&global.path(dir)));
        relative(&from, &project.join(SCHEMA))
    }

    /// Prints or writes an export, and tells what is in it and what is not.
    fn hand_over(
        &self,
        exported: &Exported,
        settings: &Settings,
        target: &TargetName,
        global: &Global,
        terminal: &Terminal,
    ) -> Exit {
        let exit = match &self.dir {
            None => {
                let text: String = exported.documents.iter().map(|document| document.text.as_str()).collect();
                terminal.result(&text)
            }
            Some(shown) => {
                let directory = global.path(shown);
                match self.twice(exported, &directory, settings, global) {
                    Some(diagnostic) => {
                        terminal.problems(std::slice::from_ref(&diagnostic), &Sources::default());
                        Exit::of([&diagnostic])
                    }
                    None => self.write(&exported.documents, &directory, shown, settings, terminal),
                }
            }
        };
        if exit == Exit::Success {
            tell(exported, target, self.undeclared, terminal);
        }
        exit
    }

    /// Why the project could not be planned with these files beside its own, if they declare the same.
    fn twice(&self, exported: &Exported, directory: &Path, settings: &Settings, global: &Global) -> Option<Diagnostic> {
        let written: Vec<PathBuf> =
            exported.documents.iter().map(|document| absolute(&directory.join(&document.path))).collect();
        let project = absolute(&settings.directory);
        let is_read = |path: &PathBuf| {
            path.strip_prefix(&project).is_ok_and(|relative| settings::is_resource_file(settings, relative))
        };
        if self.undeclared || !written.iter().any(is_read) {
            return None;
        }
        // A project that cannot be read is not the worse for it.
        let there = project::load(global, &providers::registry()).ok()?.desired;
        let elsewhere = there.resources.values().filter(|resource| {
            let file = project.join(there.sources.get(resource.span.file).name());
            exported.addresses.contains(&resource.address) && !written.contains(&plain(&file))
        });
        let mut elsewhere = elsewhere.map(|resource| resource.address.to_string());
        let first = elsewhere.next()?;
        let more = elsewhere.count();
        let more = if more > 0 { format!(" and {more} more are") } else { " is".to_owned() };
        let message = format!("`{first}`{more} declared in this project's files already, and nothing was written");
        Some(Diagnostic::error(Code::Usage, message).help("give `--undeclared` to leave out what is declared"))
    }

    fn write(
        &self,
        documents: &[Document],
        directory: &Path,
        shown: &Path,
        settings: &Settings,
        terminal: &Terminal,
    ) -> Exit {
        let files = documents.iter().map(|document| (&*document.path, document.text.as_str()));
        let as_given = |path: &Path| shown.join(path.strip_prefix(directory).unwrap_or(path)).display().to_string();
        let diagnostic = match written::write(directory, files, self.overwrite) {
            Ok(written) => {
                let shown = clean_line(&shown.display().to_string()).into_owned();
                match written.len() {
                    0 => terminal.remark(&format!("All files in `{shown}` are as they would be written.")),
                    1 => terminal.remark(&format!("Wrote `{}`.", as_given(&written[0]))),
                    count => terminal.remark(&format!("Wrote {count} files to `{shown}`.")),
                }
                if let Some(outside) = outside(documents, directory, settings) {
                    terminal.note(&format!(
                        "`{}` is none of this project's resource files: add it to `files` in `trueup.toml`",
                        as_given(&outside)
                    ));
                }
                return Exit::Success;
            }
            Err(Refused::Exist(there)) => {
                let (files, are, them) = if there.len() == 1 { ("file", "is", "it") } else { ("files", "are", "them") };
                let message = format!("{} {files} {are} there already, and nothing was written", there.len());
                for path in &there {
                    terminal.note(&format!("there already: {}", clean_line(&as_given(path))));
                }
                let help = if self.undeclared {
                    "write to another directory".to_owned()
                } else {
                    format!("write to another directory, or give `--overwrite` to replace {them}")
                };
                Diagnostic::error(Code::Usage, message).help(help)
            }
            Err(Refused::Failed { path, error, written }) => {
                let written: Vec<String> = written.iter().map(|path| as_given(path)).collect();
                let before = match written.as_slice() {
                    [] => "nothing was written".to_owned(),
                    written => format!("written before: {}", quoted(written.iter().map(String::as_str))),
                };
                terminal.note(&format!("cannot write `{}`: {error}; {before}", as_given(&path)));
                return Exit::Failure;
            }
        };
        terminal.problems(std::slice::from_ref(&diagnostic), &Sources::default());
        Exit::of([&diagnostic])
    }
}

/// What the project declares of the target, if that is to be left out.
fn declared(
    project: &Project,
    target: &TargetSettings,
    snapshot: &Snapshot,
    registry: &Registry,
    wanted: bool,
) -> Declared {
    if !wanted {
        return Declared::default();
    }
    let plan = plan::plan(&project.desired, snapshot, registry, Diagnostics::default());
    let seen = plan.steps.iter().filter(|step| step.target == target.name).filter_map(|step| {
        let id = &step.observed.as_ref()?.id;
        Some(((step.address.section, Arc::clone(id)), Arc::clone(&step.address.key)))
    });
    let keys = project.desired.resources.keys().map(|address| (address.section, Arc::clone(&address.key)));
    Declared {
        files: settings::resource_files(&project.settings).unwrap_or_default(),
        objects: seen.collect(),
        keys: keys.collect(),
    }
}

/// Tells what is in an export, and what is not.
fn tell(exported: &Exported, target: &str, undeclared: bool, terminal: &Terminal) {
    if !exported.left.is_empty() {
        terminal.note(&format!(
            "Not declared, and named in a comment where {} would be:",
            if exported.left.len() == 1 { "it" } else { "they" }
        ));
        for left in &exported.left {
            terminal.note(&format!("  {} {}: {}", left.section, clean_line(&left.name), clean_line(&left.because)));
        }
    }
    let counts: Vec<String> = exported
        .counts
        .iter()
        .map(|(section, count)| match count {
            1 => format!("1 {}", section.singular),
            count => format!("{count} {}", section.name.replace('_', " ")),
        })
        .collect();
    terminal.remark(&match counts.as_slice() {
        [] if undeclared => format!("There is nothing at target `{target}` that is not declared."),
        [] => format!("There is nothing at target `{target}` that could be declared."),
        counts => format!(
            "Exported of target `{target}`: {}. `trueup plan` finds nothing to change in it.",
            counts.join(", ")
        ),
    });
}

/// The first document that the project would not read from where it has been written.
fn outside(documents: &[Document], directory: &Path, settings: &Settings) -> Option<PathBuf> {
    let read = settings::resource_files(settings).unwrap_or_default();
    let read: Vec<PathBuf> = read.iter().map(|path| absolute(&settings.directory.join(path))).collect();
    let written = documents.iter().map(|document| directory.join(&document.path));
    written.into_iter().find(|path| !read.contains(&absolute(path)))
}

/// A path from the root, also of what is not there yet.
fn absolute(path: &Path) -> PathBuf {
    plain(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}

/// A path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(plain.pop()),
            other => plain.push(other),
        }
    }
    plain
}

/// How one gets from a directory to a file.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let shared = from.components().zip(to.components()).take_while(|(one, other)| one == other).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(to.components().skip(shared)).collect()
}

fn quoted<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.map(|name| format!("`{}`", clean_line(name))).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_named_from_where_the_files_are() {
        let relative = |from: &str, to: &str| relative(Path::new(from), Path::new(to)).display().to_string();
        assert_eq!(relative("/p", "/p/schemas/s.json"), "schemas/s.json");
        assert_eq!(relative("/p/resources", "/p/schemas/s.json"), "../schemas/s.json");
        assert_eq!(relative("/q/r", "/p/s.json"), "../../p/s.json");
        assert_eq!(plain(Path::new("/a/./b/../c")), Path::new("/a/c"));
    }
}
