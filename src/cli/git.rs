//! Asks git, the program, for other revisions of the project. The work tree and the index are left alone.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use futures_util::future::join;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// Variables by which a hook names the repository that it runs for; ours is found from the project's directory.
const OF_HOOKS: [&str; 7] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_NAMESPACE",
];

/// A repository, by the directory of its work tree.
#[derive(Debug)]
pub(super) struct Git {
    root: PathBuf,
}

/// Why git gives no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum GitError {
    /// There is no such program.
    #[error("git, the program, is not there")]
    NoProgram,
    /// It says no, in its own words.
    #[error("git says: {0}")]
    Refused(String),
    /// It cannot be run, or there is no room for what it writes.
    #[error("{0}")]
    Failed(#[from] std::io::Error),
}

/// What a commit has at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// What it is.
    pub(super) what: What,
    /// Relative to the root of the repository, with `/`.
    pub(super) path: String,
}

/// What can be at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// A file.
    File,
    /// A symbolic link.
    Link,
    /// A submodule: a commit of another repository.
    Submodule,
}

impl Git {
    /// The repository that a directory is in.
    pub(super) async fn of(directory: &Path) -> Result<Self, GitError> {
        let outside = Self { root: directory.to_owned() };
        let root = outside.ask(&["rev-parse", "--show-toplevel"]).await?;
        Ok(Self { root: root.into() })
    }

    /// The directory of its work tree.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The commit that a revision means; `None` if it means none.
    pub(super) async fn commit(&self, revision: &str) -> Result<Option<String>, GitError> {
        // What begins with a dash would be an option, and no revision begins with one.
        if revision.is_empty() || revision.starts_with('-') || revision.contains(['\0', '\n']) {
            return Ok(None);
        }
        self.maybe(&["rev-parse", "--verify", "--quiet", &format!("{revision}^{{commit}}")]).await
    }

    /// Where two commits have parted; `None` if nothing is known that they share.
    pub(super) async fn merge_base(&self, one: &str, other: &str) -> Result<Option<String>, GitError> {
        self.maybe(&["merge-base", one, other]).await
    }

    /// Whether the history was cut off when it was fetched.
    pub(super) async fn is_shallow(&self) -> bool {
        self.ask(&["rev-parse", "--is-shallow-repository"]).await.is_ok_and(|answer| answer == "true")
    }

    /// Everything that a commit has. Paths that are not UTF-8 are left out: no resource file can have one.
    pub(super) async fn entries(&self, commit: &str) -> Result<Vec<Entry>, GitError> {
        let output = said(self.run(&["ls-tree", "-r", "-z", "--full-tree", commit], None, b"").await?)?;
        let entry = |line: &[u8]| {
            let (head, path) = std::str::from_utf8(line).ok()?.split_once('\t')?;
            let what = match head.split(' ').next()? {
                "120000" => What::Link,
                "160000" => What::Submodule,
                _ => What::File,
            };
            Some(Entry { what, path: path.to_owned() })
        };
        Ok(output.stdout.split(|byte| *byte == 0).filter_map(entry).collect())
    }

    /// The text of a file as the commit has it.
    pub(super) async fn text(&self, commit: &str, path: &str) -> Result<String, GitError> {
        let output = said(self.run(&["cat-file", "blob", &format!("{commit}:{path}")], None, b"").await?)?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Writes files of a commit into a temporary directory, as checking them out would: links are links, and line ends and
    /// filters are as configured. The directory is gone when it is dropped.
    pub(super) async fn check_out(&self, commit: &str, paths: &[&str]) -> Result<TempDir, GitError> {
        let directory = tempfile::Builder::new().prefix("trueup-").tempdir()?;
        let index = directory.path().join("index");
        said(self.run(&["read-tree", commit], Some(&index), b"").await?)?;
        let tree = tree(&directory);
        // Whoever looks for files there has to take it for a repository, or nothing in it would be git-ignored.
        std::fs::create_dir_all(tree.join(".git"))?;
        let mut prefix = std::ffi::OsString::from("--prefix=");
        prefix.push(&tree);
        prefix.push("/");
        let paths: Vec<u8> = paths.iter().flat_map(|path| path.bytes().chain([0])).collect();
        let arguments: [&OsStr; 5] =
            ["checkout-index".as_ref(), "--quiet".as_ref(), "-z".as_ref(), "--stdin".as_ref(), &prefix];
        said(self.run(&arguments, Some(&index), &paths).await?)?;
        Ok(directory)
    }

    /// One line of an answer.
    async fn ask(&self, arguments: &[&str]) -> Result<String, GitError> {
        Ok(line(&said(self.run(arguments, None, b"").await?)?))
    }

    /// The same, where git says by its status alone that there is none.
    async fn maybe(&self, arguments: &[&str]) -> Result<Option<String>, GitError> {
        let output = self.run(arguments, None, b"").await?;
        if output.status.code() == Some(1) && output.stderr.is_empty() {
            return Ok(None);
        }
        Ok(Some(line(&said(output)?)))
    }

    async fn run(
        &self,
        arguments: &[impl AsRef<OsStr>],
        index: Option<&Path>,
        input: &[u8],
    ) -> Result<Output, GitError> {
        let mut command = Command::new("git");
        // What runs for a work tree, such as a monitor of its files, is not needed; a sparse one has not all files.
        command.args(["-c", "core.fsmonitor=false", "-c", "core.sparseCheckout=false"]).args(arguments);
        for variable in OF_HOOKS {
            command.env_remove(variable);
        }
        command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C");
        command.envs(index.map(|index| ("GIT_INDEX_FILE", index)));
        command.current_dir(&self.root).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Ctrl-C is for us to answer; whoever stops waiting for git ends it.
        command.process_group(0).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => GitError::NoProgram,
            _ => GitError::Failed(error),
        })?;
        let stdin = child.stdin.take();
        let writing = async {
            if let Some(mut stdin) = stdin {
                // If it does not read to the end, its status says why.
                let _ = stdin.write_all(input).await;
            }
        };
        let ((), output) = join(writing, child.wait_with_output()).await;
        Ok(output?)
    }
}

/// Where the files are in a directory that [`Git::check_out`] made.
pub(super) fn tree(directory: &TempDir) -> PathBuf {
    directory.path().join("tree")
}

fn said(output: Output) -> Result<Output, GitError> {
    if output.status.success() {
        return Ok(output);
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let words = words.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned);
    Err(GitError::Refused(words.unwrap_or_else(|| format!("nothing ({})", output.status))))
}

fn line(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim_end_matches(['\r', '\n']).to_owned()
}
