//! Loads the project: `trueup.toml`, then the resource files, with every problem of both.

use std::collections::BTreeSet;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use super::Global;
use crate::config;
use crate::kind::Registry;
use crate::model::{Address, Code, Desired, Diagnostic, Diagnostics, Sources};
use crate::settings::{self, LoadOptions, Settings};
use crate::suggest::Suggest;

/// A project that can be planned, and what is to be warned about.
///
/// What is declared is never given back: the process ends when it is of no use any more, and to free its many small
/// pieces one by one takes a good part of the time that a plan takes.
pub(super) struct Project {
    pub(super) settings: Settings,
    pub(super) desired: ManuallyDrop<Desired>,
    pub(super) warnings: Vec<Diagnostic>,
}

/// What stopped a command, for a reader in either format.
pub(super) struct Stop {
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) sources: Sources,
}

/// The environment of the process.
pub(super) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The directory from which the project is looked for.
pub(super) fn start(global: &Global) -> Result<PathBuf, Stop> {
    let start = global.chdir.clone().unwrap_or_else(|| PathBuf::from("."));
    if start.is_dir() {
        return Ok(start);
    }
    let diagnostic = Diagnostic::error(Code::Usage, format!("there is no directory `{}`", start.display()))
        .help("`-C` takes the directory of trueup.toml, or one below it");
    Err(Stop { diagnostics: vec![diagnostic], sources: Sources::default() })
}

/// Reads `trueup.toml` alone: as a project that declares nothing.
pub(super) fn load_settings(global: &Global) -> Result<Project, Stop> {
    let mut sources = Sources::default();
    let mut problems = Diagnostics::default();
    let start = start(global)?;
    let options = LoadOptions {
        environment: global.env.as_deref(),
        variables: &global.variables,
        env: &environment,
        unconnected: false,
    };
    match settings::load(&start, options, &mut sources, &mut problems) {
        Some(settings) if !problems.has_errors() => {
            let desired = Desired { project: settings.project.clone(), sources, ..Desired::default() };
            let desired = ManuallyDrop::new(desired);
            Ok(Project { settings, desired, warnings: problems.into_sorted() })
        }
        _ => Err(Stop { diagnostics: problems.into_sorted(), sources }),
    }
}

/// Reads everything that can be known offline.
pub(super) fn load(global: &Global, registry: &Registry) -> Result<Project, Stop> {
    load_telling(global, registry, false, |_, _| {})
}

/// The same, and tells as soon as it is known of which providers there is something, see [`config::load_telling`].
/// `unconnected`: by somebody who connects to nothing, and need not have what that takes.
pub(super) fn load_telling(
    global: &Global,
    registry: &Registry,
    unconnected: bool,
    providers: impl FnOnce(&Settings, &BTreeSet<&'static str>),
) -> Result<Project, Stop> {
    let mut sources = Sources::default();
    let mut problems = Diagnostics::default();
    let start = start(global)?;
    let options = LoadOptions {
        environment: global.env.as_deref(),
        variables: &global.variables,
        env: &environment,
        unconnected,
    };
    match read_telling(&start, options, registry, &mut sources, &mut problems, providers) {
        Some((settings, desired)) if !problems.has_errors() => {
            let desired = ManuallyDrop::new(desired);
            Ok(Project { settings, desired, warnings: problems.into_sorted() })
        }
        _ => Err(Stop { diagnostics: problems.into_sorted(), sources }),
    }
}

/// What the project at or above a directory says, and what is declared in it.
pub(super) fn read(
    start: &Path,
    options: LoadOptions<'_>,
    registry: &Registry,
    sources: &mut Sources,
    problems: &mut Diagnostics,
) -> Option<(Settings, Desired)> {
    read_telling(start, options, registry, sources, problems, |_, _| {})
}

fn read_telling(
    start: &Path,
    options: LoadOptions<'_>,
    registry: &Registry,
    sources: &mut Sources,
    problems: &mut Diagnostics,
    providers: impl FnOnce(&Settings, &BTreeSet<&'static str>),
) -> Option<(Settings, Desired)> {
    let settings = settings::load(start, options, sources, problems)?;
    let files = match settings::resource_files(&settings) {
        Ok(files) => files,
        Err(missing) => {
            problems.extend(missing);
            return None;
        }
    };
    let told = |known: &BTreeSet<&'static str>| providers(&settings, known);
    let desired = config::load_telling(&files, &settings, registry, sources, problems, told)?;
    Some((settings, desired))
}

/// The addresses given to a flag, all of them declared.
pub(super) fn addresses(given: &[String], desired: &Desired) -> Result<Vec<Address>, Stop> {
    let mut found = Vec::new();
    let mut unknown = Vec::new();
    for text in given {
        match desired.resources.keys().find(|address| address.to_string() == *text) {
            Some(address) => found.push(address.clone()),
            None => unknown.push(unknown_address(text, desired)),
        }
    }
    if unknown.is_empty() { Ok(found) } else { Err(Stop { diagnostics: unknown, sources: desired.sources.clone() }) }
}

fn unknown_address(text: &str, desired: &Desired) -> Diagnostic {
    let known: Vec<String> = desired.resources.keys().map(ToString::to_string).collect();
    let nearest = Suggest::default().nearest(text, known.iter().map(String::as_str));
    let help = match nearest {
        Some(address) => format!("did you mean `{address}`?"),
        None => "an address is SECTION.KEY, as declared in the YAML".to_owned(),
    };
    Diagnostic::error(Code::Usage, format!("`{text}` is not declared")).help(help)
}
