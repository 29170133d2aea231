//! Several files written together: nothing is replaced unless that is asked for, and a failure leaves none half-written.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Why files were not written.
#[derive(Debug)]
pub(super) enum Refused {
    /// These are there already.
    Exist(Vec<PathBuf>),
    /// This one could not be written; of the files before it, those that are named have been.
    Failed { path: PathBuf, error: io::Error, written: Vec<PathBuf> },
}

/// Writes texts below a directory, which is made if need be. All are put beside their places first, so that what fails,
/// fails before any is in its place. Returns those that are new or other than they were.
pub(super) fn write<'t>(
    directory: &Path,
    files: impl IntoIterator<Item = (&'t Path, &'t str)>,
    overwrite: bool,
) -> Result<Vec<PathBuf>, Refused> {
    let files: Vec<(PathBuf, &str)> = files.into_iter().map(|(path, text)| (directory.join(path), text)).collect();
    let is_there = |path: &Path| path.symlink_metadata().is_ok();
    let there: Vec<PathBuf> = files.iter().map(|(path, _)| path).filter(|path| is_there(path)).cloned().collect();
    if !overwrite && !there.is_empty() {
        return Err(Refused::Exist(there));
    }
    let failed = |path: &Path, error, written: &[PathBuf]| Refused::Failed {
        path: path.to_owned(),
        error,
        written: written.to_vec(),
    };
    let mut ready = Vec::new();
    for (path, text) in &files {
        if std::fs::read(path).is_ok_and(|before| before == text.as_bytes()) {
            continue;
        }
        ready.push((path, prepare(path, text).map_err(|error| failed(path, error, &[]))?));
    }
    let mut written = Vec::new();
    for (path, file) in ready {
        let put = if overwrite { file.persist(path) } else { file.persist_noclobber(path) };
        match put {
            Ok(_) => written.push(path.clone()),
            // Somebody was faster.
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists && written.is_empty() => {
                return Err(Refused::Exist(vec![path.clone()]));
            }
            Err(error) => return Err(failed(path, error.error, &written)),
        }
    }
    Ok(written)
}

/// The text in a file beside its place.
fn prepare(path: &Path, text: &str) -> io::Result<NamedTempFile> {
    let directory = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory)?;
    let mut file = with_usual_permissions().tempfile_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.flush()?;
    Ok(file)
}

/// Temporary files are for their owner alone; these are for a repository.
fn with_usual_permissions() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".trueup-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // What the process may not give is taken off by the system.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files<'t>(of: &[(&'t str, &'t str)]) -> Vec<(&'t Path, &'t str)> {
        of.iter().map(|(path, text)| (Path::new(*path), *text)).collect()
    }

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> = ignore::WalkBuilder::new(directory)
            .standard_filters(false)
            .build()
            .filter_map(Result::ok)
            .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
            .map(|entry| entry.path().strip_prefix(directory).unwrap().display().to_string())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn all_that_is_there_is_named_and_nothing_is_touched() {
        let directory = tempfile::tempdir().unwrap();
        let all = [("a.yaml", "new"), ("b/c.yaml", "new"), ("b/d.yaml", "new")];
        write(directory.path(), files(&[("a.yaml", "old"), ("b/d.yaml", "old")]), false).unwrap();
        let Err(Refused::Exist(there)) = write(directory.path(), files(&all), false) else { panic!("it is refused") };
        assert_eq!(there, [directory.path().join("a.yaml"), directory.path().join("b/d.yaml")]);
        assert_eq!(names(directory.path()), ["a.yaml", "b/d.yaml"]);
        assert_eq!(std::fs::read_to_string(directory.path().join("a.yaml")).unwrap(), "old");

        let written = write(directory.path(), files(&all), true).unwrap();
        assert_eq!(written.len(), 3);
        assert_eq!(names(directory.path()), ["a.yaml", "b/c.yaml", "b/d.yaml"]);
        assert!(write(directory.path(), files(&all), true).unwrap().is_empty(), "nothing is new");
    }

    #[test]
    fn what_cannot_be_written_leaves_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("b"), "a file, where a directory would be needed").unwrap();
        let outcome = write(directory.path(), files(&[("a.yaml", "new"), ("b/c.yaml", "new")]), false);
        let Err(Refused::Failed { path, written, .. }) = outcome else { panic!("it fails") };
        assert_eq!((path, written.len()), (directory.path().join("b/c.yaml"), 0));
        assert_eq!(names(directory.path()), ["b"]);
    }

    #[cfg(unix)]
    #[test]
    fn files_are_for_others_too() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), files(&[("a.yaml", "new")]), false).unwrap();
        std::fs::write(directory.path().join("usual"), "").unwrap();
        let mode = |name: &str| directory.path().join(name).metadata().unwrap().permissions().mode();
        assert_eq!(mode("a.yaml"), mode("usual"));
    }
}
