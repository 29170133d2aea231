//! Where the project lies in its repository: reviewers know files by their path from the repository's root.

use std::path::{Component, Path};

use super::Global;
use crate::render::Files;
use crate::settings;

/// How files are named to reviewers: from the root of the git repository; where there is none, from the directory the
/// command was started in, as far as the project lies below it.
pub(super) fn files(global: &Global) -> Files {
    let here = Path::new(".");
    let start = global.chdir.as_deref().unwrap_or(here);
    let (Ok(start), Ok(here)) = (start.canonicalize(), here.canonicalize()) else { return Files::default() };
    let project = start.ancestors().find(|directory| directory.join(settings::FILE_NAME).is_file()).unwrap_or(&start);
    // A file in a worktree or submodule, a directory elsewhere.
    let repository = project.ancestors().find(|directory| directory.join(".git").exists());
    let below = project.strip_prefix(repository.unwrap_or(&here)).unwrap_or(Path::new(""));
    let names = below.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_string_lossy()),
        _ => None,
    });
    Files::below(names.collect::<Vec<_>>().join("/"))
}
