//! Finds the resource files.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use ignore::{DirEntry, WalkBuilder};

use super::{FILE_NAME, Settings};
use crate::model::{Code, Diagnostic, Diagnostics, Span, Spanned};

/// The resource files, relative to the project's directory, each once, ordered by the bytes of their path.
///
/// Without `files`: every `*.yaml` and `*.yml` that is neither hidden nor git-ignored. With it: what it names, where a
/// glob meets hidden files only if it spells the dot. `trueup.toml` is none, nor is anything in `.git` and `.trueup`.
/// Fails with every entry of `files` that names nothing, and with directories that cannot be read.
pub fn resource_files(settings: &Settings) -> Result<Vec<PathBuf>, Diagnostics> {
    let mut search =
        Search { directory: &settings.directory, found: BTreeSet::new(), problems: Diagnostics::default() };
    if settings.files.is_empty() {
        search.default(Span::new(settings.file, 0..0));
    }
    for pattern in &settings.files {
        search.pattern(pattern);
    }
    if search.problems.is_empty() { Ok(search.distinct()) } else { Err(search.problems) }
}

/// Whether a file at this path, relative to the project's directory, would be a resource file if it were there. What git
/// ignores is not looked at.
pub fn is_resource_file(settings: &Settings, path: &Path) -> bool {
    if settings.files.is_empty() {
        let is_hidden = |part: Component<'_>| part.as_os_str().to_string_lossy().starts_with('.');
        let is_yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
        return is_yaml && !path.components().any(is_hidden);
    }
    settings.files.iter().any(|pattern| {
        let pattern: PathBuf =
            Path::new(&pattern.value).components().filter(|part| *part != Component::CurDir).collect();
        let glob = GlobBuilder::new(&pattern.to_string_lossy()).literal_separator(true).build();
        pattern == path || glob.is_ok_and(|glob| glob.compile_matcher().is_match(path))
    })
}

struct Search<'a> {
    directory: &'a Path,
    /// Relative to the directory.
    found: BTreeSet<PathBuf>,
    problems: Diagnostics,
}

impl Search<'_> {
    fn default(&mut self, span: Span) {
        // What a machine's own git configuration ignores would make a plan depend on the machine.
        let mut walk = WalkBuilder::new(self.directory);
        walk.standard_filters(false).hidden(true).parents(true).git_ignore(true);
        let yaml = |path: &Path| path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
        self.walk(&mut walk, span, yaml);
    }

    fn pattern(&mut self, pattern: &Spanned<String>) {
        let Spanned { value, span } = pattern;
        let refuse = |message: String, label: &str, help: &str| {
            Diagnostic::error(Code::SettingsInvalid, message).at(*span, label).help(help)
        };
        let shown = value.escape_debug();
        let inside = |component: Component<'_>| matches!(component, Component::Normal(_) | Component::CurDir);
        if !Path::new(value).components().all(inside) {
            let message = format!("`{shown}` leads out of the project");
            let help = "resource files are below the directory of `trueup.toml`";
            self.problems.push(refuse(message, "not below the directory of `trueup.toml`", help));
            return;
        }
        let value: PathBuf = Path::new(value).components().filter(|part| *part != Component::CurDir).collect();
        let text = value.to_string_lossy();
        if !text.contains(['*', '?', '[', '{']) {
            match std::fs::metadata(self.directory.join(&value)) {
                Ok(metadata) if metadata.is_dir() => {
                    let help = format!("write `{text}/**/*.yaml` for the files in it");
                    self.problems.push(refuse(format!("`{shown}` is a directory"), "not a file", &help));
                }
                Ok(_) => {
                    self.found.insert(value);
                }
                Err(error) => {
                    let why = if error.kind() == ErrorKind::NotFound {
                        "does not exist".to_owned()
                    } else {
                        error.to_string()
                    };
                    let problem = Diagnostic::error(Code::FileUnreadable, format!("file `{shown}`: {why}"));
                    let help = "the path is relative to the directory of `trueup.toml`";
                    self.problems.push(problem.at(*span, "named here").help(help));
                }
            }
            return;
        }
        let glob = match GlobBuilder::new(&text).literal_separator(true).build() {
            Ok(glob) => glob.compile_matcher(),
            Err(error) => {
                let message = format!("`{shown}` is not a glob: {}", error.kind());
                self.problems.push(refuse(
                    message,
                    "cannot be read",
                    "`*`, `**`, `?`, `[a-z]` and `{a,b}` may be used",
                ));
                return;
            }
        };
        if !self.glob(&value, &glob, *span) {
            let message = format!("`{shown}` matches no file");
            self.problems.push(refuse(
                message,
                "nothing there",
                "write one there, or correct the path: `*` stays within one directory, `**` goes into all below",
            ));
        }
    }

    /// Walks what the glob can match. `false` if nothing matches.
    fn glob(&mut self, pattern: &Path, glob: &GlobMatcher, span: Span) -> bool {
        let text = |component: Component<'_>| component.as_os_str().to_string_lossy().into_owned();
        let parts: Vec<String> = pattern.components().map(text).collect();
        let literal = parts.iter().take_while(|part| !part.contains(['*', '?', '[', '{'])).count();
        let root: PathBuf = parts[..literal].iter().collect();
        let root = self.directory.join(root);
        if !root.is_dir() {
            return false;
        }
        let mut walk = WalkBuilder::new(root);
        walk.standard_filters(false).hidden(!parts[literal..].iter().any(|part| part.starts_with('.')));
        self.walk(&mut walk, span, |path| glob.is_match(path))
    }

    /// Adds the files that are wanted. `false` if there is none.
    fn walk(&mut self, walk: &mut WalkBuilder, span: Span, wanted: impl Fn(&Path) -> bool) -> bool {
        let ours =
            |entry: &DirEntry| entry.depth() == 0 || entry.file_name() != ".git" && entry.file_name() != ".trueup";
        let mut any = false;
        for entry in walk.follow_links(true).filter_entry(ours).build() {
            match entry {
                Ok(entry) => {
                    let relative = entry.path().strip_prefix(self.directory).expect("the walk began in it");
                    let file = entry.file_type().is_some_and(|kind| kind.is_file());
                    if file && wanted(relative) && relative != Path::new(FILE_NAME) {
                        any = true;
                        self.found.insert(relative.to_owned());
                    }
                }
                Err(error) => {
                    let Some((path, why)) = unreadable(&error) else { continue };
                    let path = path.strip_prefix(self.directory).unwrap_or(path);
                    let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
                    // Editors mark the files they hold with hidden links to nothing.
                    if why.kind() == ErrorKind::NotFound && (hidden || !wanted(path)) {
                        continue;
                    }
                    let why = if why.kind() == ErrorKind::NotFound {
                        "it is a link to nothing".to_owned()
                    } else {
                        why.kind().to_string()
                    };
                    let message = format!("`{}` cannot be read: {why}", path.display());
                    let problem = Diagnostic::error(Code::FileUnreadable, message);
                    self.problems.push(problem.at(span, "met while looking for resource files"));
                }
            }
        }
        any
    }

    /// What was found, in order; of several names of one file only the first.
    fn distinct(self) -> Vec<PathBuf> {
        let bytes = |path: &PathBuf| path.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
        let mut found: Vec<PathBuf> = self.found.into_iter().collect();
        found.sort_by_cached_key(bytes);
        let mut seen = BTreeSet::new();
        found.retain(|path| {
            let real = self.directory.join(path);
            seen.insert(real.canonicalize().unwrap_or(real))
        });
        found
    }
}

/// What a walk could not read. A loop of links is nothing: what it leads to is met anyway.
fn unreadable(error: &ignore::Error) -> Option<(&Path, &std::io::Error)> {
    let (mut error, mut at) = (error, Path::new(""));
    loop {
        error = match error {
            ignore::Error::WithPath { path, err } => {
                at = path;
                err
            }
            ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => err,
            ignore::Error::Io(why) => return Some((at, why)),
            _ => return None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Sources;
    use crate::settings::{LoadOptions, load};

    /// A project of these files (a name that ends in `/` is a directory).
    struct Project {
        directory: tempfile::TempDir,
        sources: Sources,
    }

    impl Project {
        fn new(files: &[&str]) -> Self {
            let directory = tempfile::tempdir().expect("a directory");
            for name in files {
                let path = directory.path().join(name);
                std::fs::create_dir_all(path.parent().expect("it is below")).expect("made");
                if name.ends_with('/') {
                    std::fs::create_dir_all(path).expect("made");
                } else {
                    std::fs::write(path, "a: b\n").expect("written");
                }
            }
            Self { directory, sources: Sources::default() }
        }

        fn search(&mut self, files: &str) -> Result<Vec<PathBuf>, Diagnostics> {
            let toml = format!("[project]\nname = \"acme\"\n{files}\n");
            std::fs::write(self.directory.path().join(FILE_NAME), toml).expect("written");
            let options = LoadOptions { environment: None, variables: &[], env: &|_| None, unconnected: false };
            let settings = load(self.directory.path(), options, &mut self.sources, &mut Diagnostics::default());
            resource_files(&settings.expect("sound settings"))
        }

        #[track_caller]
        fn found(&mut self, files: &str) -> Vec<String> {
            let found = self.search(files).unwrap_or_else(|problems| panic!("{problems:?}"));
            found.into_iter().map(|path| path.to_str().expect("UTF-8").to_owned()).collect()
        }

        fn told(&mut self, files: &str) -> Vec<String> {
            let problems = self.search(files).expect_err("problems");
            let line = |problem: &Diagnostic| {
                let at = self.sources.position(problem.span().expect("a place"));
                let help = problem.help.as_deref().unwrap_or("-");
                format!("{}:{} {} -- {help}", at.line, at.column, problem.message)
            };
            problems.iter().map(line).collect()
        }
    }

    #[test]
    fn without_globs_every_visible_yaml_file_is_found_in_order() {
        let mut project = Project::new(&[
            "b.yaml",
            "a/z.yml",
            "a-b/x.yaml",
            "a.yaml",
            "readme.md",
            ".hidden.yaml",
            ".ci/x.yaml",
            ".trueup/x.yaml",
            "ignored/x.yaml",
            "a/ignored.yaml",
            ".git/x.yaml",
            "a/trueup.toml",
            "B.yaml",
            "a.yaml.bak",
        ]);
        std::fs::write(project.directory.path().join(".gitignore"), "ignored/\n/a/ignored.yaml\n").expect("written");
        assert_eq!(project.found(""), ["B.yaml", "a-b/x.yaml", "a.yaml", "a/z.yml", "b.yaml"]);
    }

    #[test]
    fn globs_say_which_files() {
        let mut project = Project::new(&[
            "r/a.yaml",
            "r/sub/b.yaml",
            "r/sub/deep/c.yaml",
            "r/.h.yaml",
            "other/d.yaml",
            "ignored/x.yaml",
            ".dot/e.yaml",
            ".git/",
        ]);
        std::fs::write(project.directory.path().join(".gitignore"), "ignored/\n").expect("written");
        let files = |globs: &str| format!("files = [{globs}]");
        for (globs, found) in [
            ("\"r/*.yaml\"", &["r/a.yaml"][..]),
            ("\"r/**/*.yaml\"", &["r/a.yaml", "r/sub/b.yaml", "r/sub/deep/c.yaml"]),
            ("\"./r/**/*.{yaml,yml}\"", &["r/a.yaml", "r/sub/b.yaml", "r/sub/deep/c.yaml"]),
            ("\"r/*/[ab].yaml\"", &["r/sub/b.yaml"]),
            ("\"r/.*.yaml\"", &["r/.h.yaml"]),
            (r#"".dot/*.yaml""#, &[".dot/e.yaml"]),
            ("\"ignored/*.yaml\"", &["ignored/x.yaml"]),
            ("\"r/.h.yaml\", \"other/*\", \"other/d.yaml\"", &["other/d.yaml", "r/.h.yaml"]),
            ("\"*d/*\", \"*\", \"r/a.yaml\"", &["ignored/x.yaml", "r/a.yaml"]),
        ] {
            if globs.contains("\"*\"") {
                // Only `trueup.toml` is there to match.
                let told = project.told(&files(globs));
                assert_eq!(told.len(), 1, "{told:?}");
                continue;
            }
            assert_eq!(project.found(&files(globs)), found, "{globs}");
        }
    }

    #[test]
    fn what_names_nothing_is_told_where_it_is_written() {
        let mut project = Project::new(&["r/a.yaml"]);
        let help = "write one there, or correct the path: `*` stays within one directory, `**` goes into all below";
        let relative = "the path is relative to the directory of `trueup.toml`";
        assert_eq!(
            project.told("files = [\"r/*.yml\", \"nowhere/*.yaml\",\n  \"b.yaml\", \"r\", \"../x/*.yaml\", \"/etc/x\", \"r/[.yaml\"]"),
            [
                format!("3:10 `r/*.yml` matches no file -- {help}"),
                format!("3:21 `nowhere/*.yaml` matches no file -- {help}"),
                format!("4:3 file `b.yaml`: does not exist -- {relative}"),
                "4:13 `r` is a directory -- write `r/**/*.yaml` for the files in it".to_owned(),
                "4:18 `../x/*.yaml` leads out of the project -- resource files are below the directory of `trueup.toml`".to_owned(),
                "4:33 `/etc/x` leads out of the project -- resource files are below the directory of `trueup.toml`".to_owned(),
                "4:43 `r/[.yaml` is not a glob: unclosed character class; missing ']' -- `*`, `**`, `?`, `[a-z]` and `{a,b}` may be used".to_owned(),
            ]
        );
    }

    #[test]
    fn links_are_followed_once() {
        use std::os::unix::fs::symlink;
        let mut project = Project::new(&["real/a.yaml"]);
        let at = |name: &str| project.directory.path().join(name);
        symlink(at("real"), at("linked")).expect("linked");
        symlink(at(""), at("real/loop")).expect("linked");
        symlink(at("nowhere"), at("broken")).expect("linked");
        symlink(at("nowhere"), at(".#locked.yaml")).expect("linked");
        assert_eq!(project.found(""), ["linked/a.yaml"]);
        assert_eq!(project.found("files = [\"real/**/*.yaml\"]").len(), 1);
        symlink(project.directory.path().join("nowhere"), project.directory.path().join("broken.yaml"))
            .expect("linked");
        assert_eq!(project.told(""), ["1:1 `broken.yaml` cannot be read: it is a link to nothing -- -"]);
    }
}
