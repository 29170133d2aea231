//! What `trueup init` writes: the texts of a project's first files, decided by a few answers. Nobody is asked here, and
//! nothing is written.

mod example;
mod ignored;
mod place;
mod settings;

#[cfg(test)]
mod tests;

use std::path::Path;

use crate::kind::Registry;
use crate::schema;
use crate::settings::FILE_NAME;

pub use ignored::{IGNORED, ignoring};
pub use place::{Place, Refused, place};

/// Where the example is.
pub const EXAMPLE: &str = "resources/example.yaml";
/// What the project is called whose directory has no name of any use.
const NAMELESS: &str = "project";

/// What a new project is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// Its name: not empty, and one line.
    pub name: String,
    /// Where Kaiten is, if it has a part in it.
    pub kaiten: Option<Place>,
    /// Where Cloud Foundry is, likewise.
    pub cloud_foundry: Option<Place>,
}

/// A file of a new project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Below the project's directory.
    pub path: &'static str,
    /// What it is for, in a few words.
    pub what: &'static str,
    /// All of it.
    pub text: String,
}

/// The files of a new project. `trueup.toml` is the last: where it is, all others are.
pub fn files(answers: &Answers, registry: &Registry) -> Vec<File> {
    let file = |path, what, text| File { path, what, text };
    vec![
        file("schemas/trueup.schema.json", "for editors", schema::text(&schema::resources(registry))),
        file("schemas/settings.schema.json", "for editors", schema::text(&schema::settings())),
        file(EXAMPLE, "what should exist there", example::text(answers)),
        file(FILE_NAME, "where the remotes are", settings::text(answers)),
    ]
}

/// Why this cannot be a project's name.
pub fn name_problem(name: &str) -> Option<&'static str> {
    match name {
        _ if name.trim().is_empty() => Some("is empty"),
        _ if name.chars().any(char::is_control) => Some("has a line break or another control character in it"),
        _ => None,
    }
}

/// What a project in this directory is called if nobody says otherwise.
pub fn name_of(directory: &Path) -> String {
    let name = directory.file_name().map(|name| name.to_string_lossy().into_owned());
    name.filter(|name| name_problem(name).is_none()).unwrap_or_else(|| NAMELESS.to_owned())
}
