//! `plan --base REV`: what is declared at another revision and where this branch has left it, and with that the cause of
//! each change.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use toml::de::DeTable;

use super::Global;
use super::git::{self, Git, GitError, What};
use super::plan::Planned;
use super::project::{self, Stop, environment};
use crate::kind::Registry;
use crate::model::{Code, Desired, Diagnostic, Diagnostics, Severity, Sources};
use crate::plan::{self, Base, Revisions};
use crate::settings::{self, FILE_NAME, LoadOptions, Settings};

/// What to do about a clone that does not know enough.
const SHALLOW: &str =
    "this clone is shallow: fetch all of it with `git fetch --unshallow`, or in CI with `fetch-depth: 0`";

/// Two other revisions of the project.
pub(super) struct Others {
    base: Base,
    merge_base: Revision,
    tip: Revision,
}

/// A revision of the project.
struct Revision {
    /// What people call it.
    name: String,
    declares: Declares,
    /// The submodules below the project, relative to it: their files are another repository's.
    submodules: Vec<PathBuf>,
}

/// What is declared at a revision.
enum Declares {
    /// Nothing: the project, or the environment, is not there yet.
    Nothing,
    /// This.
    Project(Box<(Settings, Desired)>),
    /// Nobody can tell, because of this.
    Unreadable { why: String, help: String },
}

/// Reads both revisions.
///
/// # Errors
///
/// A revision that there is not, or that shares nothing with this branch; no repository, no git. What cannot be made of the
/// files of a revision is no error: it is told by [`Others::judge`]. `unconnected` as in [`project::load_telling`].
pub(super) async fn load(
    revision: &str,
    global: &Global,
    registry: &Registry,
    unconnected: bool,
) -> Result<Others, Stop> {
    let refuse = |diagnostic: Diagnostic| Stop { diagnostics: vec![diagnostic], sources: Sources::default() };
    let start = project::start(global)?;
    let start = start.canonicalize().unwrap_or(start);
    // That there is no project is told by whoever loads it.
    let directory = start.ancestors().find(|directory| directory.join(FILE_NAME).is_file()).unwrap_or(&start);
    let asked = |error| refuse(no_git(&error));
    let git = Git::of(directory).await.map_err(asked)?;
    let Some(commit) = git.commit(revision).await.map_err(asked)? else {
        return Err(refuse(unknown(revision, git.is_shallow().await)));
    };
    let Some(head) = git.commit("HEAD").await.map_err(asked)? else {
        let diagnostic = Diagnostic::error(Code::Usage, "`--base` compares with a branch that has no commit yet")
            .help("commit first, or leave `--base` out");
        return Err(refuse(diagnostic));
    };
    let Some(merge_base) = git.merge_base(&head, &commit).await.map_err(asked)? else {
        return Err(refuse(nothing_shared(revision, git.is_shallow().await)));
    };
    let root = git.root().canonicalize().unwrap_or_else(|_| git.root().to_owned());
    let below = directory.strip_prefix(&root).unwrap_or(Path::new("")).to_path_buf();
    let reader = Reader { git: &git, below: &below, global, registry, unconnected };
    let tip = reader.read(revision.to_owned(), &commit).await.map_err(asked)?;
    let name = format!("the merge base with `{revision}`, {}", short(&merge_base));
    let merge_base_is = reader.read(name, &merge_base).await.map_err(asked)?;
    let base = Base { revision: revision.into(), commit: commit.into(), merge_base: merge_base.into() };
    Ok(Others { base, merge_base: merge_base_is, tip: Revision { name: format!("`{}`", tip.name), ..tip } })
}

impl Others {
    /// Says of each change of a plan where it comes from, and warns where that cannot be told.
    pub(super) fn judge(self, planned: &mut Planned) {
        let Self { base, merge_base, tip } = self;
        let Planned { project, registry, snapshot, plan, .. } = planned;
        let (merge_base, tip) = if base.commit == base.merge_base {
            // One revision is told of once.
            let declared = merge_base.named(tip.name).declared(&project.settings, &mut plan.diagnostics);
            (declared.clone(), declared)
        } else {
            let merge_base = merge_base.declared(&project.settings, &mut plan.diagnostics);
            (merge_base, tip.declared(&project.settings, &mut plan.diagnostics))
        };
        plan.base = Some(base);
        let revisions = Revisions { merge_base: merge_base.as_ref(), tip: tip.as_ref() };
        plan::judge(plan, &project.desired, revisions, snapshot, registry);
    }
}

impl Revision {
    fn named(self, name: String) -> Self {
        Self { name, ..self }
    }

    /// What it declares for the targets of this project; `None` if that cannot be told, of which is warned.
    fn declared(self, here: &Settings, problems: &mut Vec<Diagnostic>) -> Option<Desired> {
        let Self { name, declares, submodules } = self;
        let mut warn = |why: String, help: String| {
            let message = format!("what is declared at {name} cannot be told: {why}");
            problems.push(Diagnostic::warning(Code::BaseUnreadable, message).help(help));
        };
        let files = settings::resource_files(here).unwrap_or_default();
        if let Some(submodule) = submodules.iter().find(|path| files.iter().any(|file| file.starts_with(path))) {
            let why = format!("resource files are in the submodule `{}`, another repository", submodule.display());
            warn(why, "plan that repository by itself, or leave `--base` out".to_owned());
            return None;
        }
        match declares {
            Declares::Nothing => Some(Desired::default()),
            Declares::Project(project) => Some(at_targets_of(here, *project)),
            Declares::Unreadable { why, help } => {
                warn(why, help);
                None
            }
        }
    }
}

/// What is declared there, by the names that the same targets have here. What is at other targets is not the same object.
fn at_targets_of(here: &Settings, (settings, mut desired): (Settings, Desired)) -> Desired {
    let same = |name: &str| {
        let there = settings.targets.get(name)?;
        let alike = |target: &&settings::TargetSettings| target.provider == there.provider && target.url == there.url;
        let by_name = here.targets.get(name).filter(alike);
        by_name.or_else(|| here.targets.values().find(alike)).map(|target| Arc::clone(&target.name))
    };
    desired.resources.retain(|_, resource| match same(&resource.target) {
        Some(name) => {
            resource.target = name;
            true
        }
        None => false,
    });
    desired
}

/// Reads revisions of a project.
struct Reader<'a> {
    git: &'a Git,
    /// Where the project is in its repository.
    below: &'a Path,
    global: &'a Global,
    registry: &'a Registry,
    unconnected: bool,
}

impl Reader<'_> {
    async fn read(&self, name: String, commit: &str) -> Result<Revision, GitError> {
        let entries = self.git.entries(commit).await?;
        let toml = self.below.join(FILE_NAME);
        let submodules = entries.iter().filter(|entry| entry.what == What::Submodule);
        let submodules = submodules.filter_map(|entry| Path::new(&entry.path).strip_prefix(self.below).ok());
        let submodules = submodules.map(Path::to_path_buf).collect();
        if !entries.iter().any(|entry| Path::new(&entry.path) == toml) {
            let moved = entries.iter().find(|entry| {
                let path = Path::new(&entry.path);
                path.file_name() == Some(FILE_NAME.as_ref()) && !self.git.root().join(path).exists()
            });
            let declares = match moved {
                // Whether that was this project, only somebody who knows both can say.
                Some(entry) => Declares::Unreadable {
                    why: format!("it has no `{}`, but a `{}`", toml.display(), entry.path),
                    help: "if the project was moved, changes can be judged again once the move is merged".to_owned(),
                },
                None => Declares::Nothing,
            };
            return Ok(Revision { name, declares, submodules });
        }
        let linked = entries.iter().any(|entry| entry.what == What::Link && self.is_below(&entry.path));
        let wanted = Wanted::of(&self.git.text(commit, toml.to_str().unwrap_or_default()).await?);
        let paths: Vec<&str> = entries
            .iter()
            .filter(|entry| entry.what != What::Submodule)
            // A link may lead to anywhere in the repository.
            .filter(|entry| {
                entry.what == What::Link || is_about_ignoring(&entry.path) || linked || self.is_below(&entry.path)
            })
            .filter(|entry| entry.what == What::Link || wanted.takes(&entry.path, self.below))
            .map(|entry| entry.path.as_str())
            .collect();
        let directory = self.git.check_out(commit, &paths).await?;
        let declares = self.evaluate(&directory);
        Ok(Revision { name, declares, submodules })
    }

    fn is_below(&self, path: &str) -> bool {
        Path::new(path).starts_with(self.below)
    }

    /// Reads the files as those of the work tree are read, with the same environment and variables.
    fn evaluate(&self, directory: &TempDir) -> Declares {
        let start = git::tree(directory).join(self.below);
        let text = std::fs::read_to_string(start.join(FILE_NAME)).unwrap_or_default();
        let declared = variables(&text);
        // One that this branch has added means nothing there.
        let given = self.global.variables.iter().filter(|(name, _)| declared.contains(name));
        let given: Vec<(String, String)> = given.cloned().collect();
        let options = LoadOptions {
            environment: self.global.env.as_deref(),
            variables: &given,
            env: &environment,
            unconnected: self.unconnected,
        };
        let (mut sources, mut problems) = (Sources::default(), Diagnostics::default());
        let loaded = project::read(&start, options, self.registry, &mut sources, &mut problems);
        if let Some(loaded) = loaded.filter(|_| !problems.has_errors()) {
            return Declares::Project(Box::new(loaded));
        }
        let errors = problems.into_sorted();
        let mut errors = errors.iter().filter(|problem| problem.severity == Severity::Error);
        if errors.clone().all(|problem| problem.code == Code::SettingsUnknownEnvironment) {
            return Declares::Nothing;
        }
        let first = errors.next();
        let more = match errors.count() {
            0 => String::new(),
            1 => ", and 1 more error".to_owned(),
            count => format!(", and {count} more errors"),
        };
        let why = first.map(|problem| format!("{}{}{more}", place(problem, &sources), problem.message));
        let help = match first.map(|problem| (problem.code, problem.help.clone())) {
            Some((Code::SettingsVariableUnset, Some(help))) => help,
            _ => "changes can be judged again once `trueup validate` passes there".to_owned(),
        };
        Declares::Unreadable { why: why.unwrap_or_default(), help }
    }
}

fn place(problem: &Diagnostic, sources: &Sources) -> String {
    let place =
        |span: crate::model::Span| format!("{}:{}: ", sources.get(span.file).name(), sources.position(span).line);
    problem.span().map(place).unwrap_or_default()
}

/// Which files of a revision are needed.
struct Wanted {
    globs: globset::GlobSet,
}

impl Wanted {
    /// By what `trueup.toml` says of its `files`.
    fn of(toml: &str) -> Self {
        let (root, _) = DeTable::parse_recoverable(toml);
        let files = root.get_ref().get("project").and_then(|project| project.get_ref().get("files"));
        let files = files.and_then(|files| files.get_ref().as_array()).into_iter().flatten();
        let mut globs = globset::GlobSetBuilder::new();
        for pattern in files.filter_map(|file| file.get_ref().as_str()) {
            // What is no glob is told when the files are looked for.
            if let Ok(glob) = globset::Glob::new(pattern.trim_start_matches("./")) {
                globs.add(glob);
            }
        }
        Self { globs: globs.build().unwrap_or_default() }
    }

    fn takes(&self, path: &str, below: &Path) -> bool {
        let path = Path::new(path);
        let yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
        let is_settings = path.file_name() == Some(FILE_NAME.as_ref()) && path.parent() == Some(below);
        let named = path.strip_prefix(below).is_ok_and(|path| self.globs.is_match(path));
        yaml || is_settings || named || path.file_name() == Some(".gitignore".as_ref())
    }
}

fn is_about_ignoring(path: &str) -> bool {
    Path::new(path).file_name() == Some(".gitignore".as_ref())
}

/// The names of the variables that a `trueup.toml` declares.
fn variables(toml: &str) -> Vec<String> {
    let (root, _) = DeTable::parse_recoverable(toml);
    let table = root.get_ref().get("variables").and_then(|variables| variables.get_ref().as_table());
    table.into_iter().flat_map(|table| table.keys()).map(|name| name.get_ref().to_string()).collect()
}

/// As much of a commit's name as people write.
fn short(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}

fn no_git(error: &GitError) -> Diagnostic {
    let help = match error {
        GitError::NoProgram => "install git, or leave `--base` out",
        GitError::Refused(_) | GitError::Failed(_) => {
            "`--base` needs the project in a git repository that this user may read; else leave it out"
        }
    };
    Diagnostic::error(Code::Usage, format!("`--base` cannot look at other revisions: {error}")).help(help)
}

fn unknown(revision: &str, shallow: bool) -> Diagnostic {
    let help = if shallow {
        SHALLOW
    } else {
        "name a commit, tag or branch that `git rev-parse` knows, such as `origin/main`; `git fetch` first"
    };
    Diagnostic::error(
        Code::Usage,
        format!("`--base` names no revision of this repository: `{}`", revision.escape_debug()),
    )
    .help(help)
}

fn nothing_shared(revision: &str, shallow: bool) -> Diagnostic {
    let help = if shallow { SHALLOW } else { "name a revision that this branch comes from" };
    let message = format!("`{}` and this branch have no commit in common here", revision.escape_debug());
    Diagnostic::error(Code::Usage, message).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wanted_is_what_could_be_a_resource_file_and_what_says_so() {
        let wanted = Wanted::of("[project]\nname = \"acme\"\nfiles = [\"./res/**/*.txt\", \"[\", \"one\"]\n");
        let below = Path::new("deploy");
        for path in
            ["deploy/a.yaml", "other/b.yml", "deploy/res/x/c.txt", "deploy/one", "deploy/trueup.toml", ".gitignore"]
        {
            assert!(wanted.takes(path, below), "{path}");
        }
        for path in ["deploy/two", "res/x/c.txt", "trueup.toml", "deploy/main.rs"] {
            assert!(!wanted.takes(path, below), "{path}");
        }
    }

    #[test]
    fn variables_are_found_also_where_something_else_is_wrong() {
        assert_eq!(variables("[variables.a]\nenv = \"A\"\n[variables.b]\n[oops\n"), ["a", "b"]);
        assert!(variables("variables = 1").is_empty());
    }
}
