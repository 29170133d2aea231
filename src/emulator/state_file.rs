//! The one file in which the sandbox remembers its remotes.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Says whose file it is; anything else is not touched.
const FORMAT: &str = "trueup-sandbox";
/// Rises when a file can no longer be read by an older sandbox.
const VERSION: u32 = 1;

/// Why a state file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It exists and cannot be read.
    #[error("cannot read the sandbox state `{}`: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is not JSON, or its content does not fit together.
    #[error("the sandbox state `{}` is damaged ({reason}); restore it, or move it away to start empty", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// It is JSON of somebody else.
    #[error("`{}` is not a sandbox state; it is left as it is", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A newer sandbox wrote it.
    #[error("the sandbox state `{}` has version {version}, this sandbox knows up to {VERSION}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
    /// Another sandbox holds it.
    #[error("the sandbox state `{}` is in use by another run or sandbox: wait for it to end, or stop it", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be written.
    #[error("cannot write the sandbox state `{}`: {source}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

#[derive(Serialize, Deserialize)]
struct Content {
    format: String,
    version: u32,
    remotes: BTreeMap<String, Value>,
}

/// A state file, held by one sandbox at a time.
#[derive(Debug)]
pub(super) struct StateFile {
    path: PathBuf,
    /// Held until the end; the lock is the system's, so it ends with the process at the latest.
    _lock: File,
}

impl StateFile {
    /// Takes the file and reads what it holds: nothing, if there is none yet.
    pub(super) fn open(path: &Path) -> Result<(Self, BTreeMap<String, Value>), StateError> {
        let owned = || path.to_owned();
        let lock = lock(path)?;
        let remotes = match fs::read(path) {
            Ok(bytes) => read(path, &bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(source) => return Err(StateError::Unreadable { path: owned(), source }),
        };
        Ok((Self { path: owned(), _lock: lock }, remotes))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the content as a whole: a reader, or a crash, meets the old one or the new one.
    pub(super) fn write(&self, remotes: BTreeMap<String, Value>) -> Result<(), StateError> {
        let content = Content { format: FORMAT.to_owned(), version: VERSION, remotes };
        replace(&self.path, &content).map_err(|source| StateError::Unwritable { path: self.path.clone(), source })
    }
}

fn read(path: &Path, bytes: &[u8]) -> Result<BTreeMap<String, Value>, StateError> {
    let path = path.to_owned();
    let value: Value = match serde_json::from_slice(bytes) {
        Ok(value) => value,
        Err(error) => return Err(StateError::Damaged { path, reason: error.to_string() }),
    };
    if value.get("format").and_then(Value::as_str) != Some(FORMAT) {
        return Err(StateError::Foreign { path });
    }
    let content: Content = match serde_json::from_value(value) {
        Ok(content) => content,
        Err(error) => return Err(StateError::Damaged { path, reason: error.to_string() }),
    };
    if content.version > VERSION {
        return Err(StateError::Newer { path, version: content.version });
    }
    Ok(content.remotes)
}

fn replace(path: &Path, content: &Content) -> io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(".trueup-sandbox-").tempfile_in(directory(path))?;
    let mut writer = BufWriter::new(&mut file);
    serde_json::to_writer(&mut writer, content)?;
    writer.flush()?;
    drop(writer);
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// A lock beside the file: the file itself is replaced by each write.
fn lock(path: &Path) -> Result<File, StateError> {
    let unwritable = |source| StateError::Unwritable { path: path.to_owned(), source };
    let Some(name) = path.file_name() else { return Err(unwritable(io::ErrorKind::IsADirectory.into())) };
    let beside = directory(path).join(format!(".{}.lock", name.to_string_lossy()));
    let file = File::options().create(true).append(true).open(beside).map_err(unwritable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(StateError::InUse { path: path.to_owned() }),
        Err(fs::TryLockError::Error(source)) => Err(unwritable(source)),
    }
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.json");
        let (file, remotes) = StateFile::open(&path).unwrap();
        assert!(remotes.is_empty());
        file.write([("kaiten".to_owned(), Value::from(1))].into()).unwrap();
        file.write([("kaiten".to_owned(), Value::from(2))].into()).unwrap();
        drop(file);
        assert_eq!(StateFile::open(&path).unwrap().1["kaiten"], 2);
        let left: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "the file and its lock: {left:?}");
    }

    #[test]
    fn a_file_of_somebody_else_is_refused_and_left_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.json");
        let cases = [
            ("", "is damaged"),
            ("{\"format\":\"trueup-sandbox\",\"version\":1,\"rem", "is damaged"),
            ("{\"name\":\"package\"}", "is not a sandbox state"),
            ("{\"format\":\"trueup-sandbox\",\"version\":2,\"remotes\":{}}", "has version 2"),
            ("{\"format\":\"trueup-sandbox\",\"version\":1}", "is damaged"),
        ];
        for (text, expected) in cases {
            fs::write(&path, text).unwrap();
            let error = StateFile::open(&path).unwrap_err();
            assert!(error.to_string().contains(expected), "{text}: {error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn a_file_in_use_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.json");
        let held = StateFile::open(&path).unwrap();
        assert!(matches!(StateFile::open(&path), Err(StateError::InUse { .. })));
        drop(held);
        assert!(StateFile::open(&path).is_ok());
    }
}
