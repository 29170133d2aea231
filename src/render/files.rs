//! How the formats for reviewers name a file: as the repository does.
//!
//! A project may lie anywhere in its repository, and a pull request knows only paths from the repository's root.

use super::clean_line;
use crate::model::{Position, Sources, Span};

/// Where the project lies in its repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    prefix: String,
}

/// A place as a pull request names it. The end is exclusive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    /// The file, relative to the repository's root, with `/`.
    pub(super) file: String,
    pub(super) position: Position,
}

impl Files {
    /// A project in this directory of its repository, with `/`; empty if it is the root.
    pub fn below(prefix: impl Into<String>) -> Self {
        let prefix: String = prefix.into();
        Self { prefix: prefix.trim_matches('/').to_owned() }
    }

    /// The directory of the project, relative to the root; `.` if it is the root.
    pub(super) fn directory(&self) -> &str {
        if self.prefix.is_empty() { "." } else { &self.prefix }
    }

    /// The path of a file from the repository's root.
    pub(super) fn name(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}/{name}", self.prefix) }
    }

    /// A span with its file.
    pub(super) fn spot(&self, span: Span, sources: &Sources) -> Spot {
        Spot { file: self.name(sources.get(span.file).name()), position: sources.position(span) }
    }

    /// `deploy/resources/acme.yaml:8`, safe to show on one line.
    pub(super) fn place(&self, span: Span, sources: &Sources) -> String {
        let Spot { file, position } = self.spot(span, sources);
        format!("{}:{}", clean_line(&file), position.line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SourceFile;

    #[test]
    fn a_file_is_named_from_the_root_of_the_repository() {
        let mut sources = Sources::default();
        let file = sources.add(SourceFile::new("resources/acme.yaml", "a:\n  b: 1\n"));
        let span = Span::new(file, 5..9);
        assert_eq!(Files::default().place(span, &sources), "resources/acme.yaml:2");
        assert_eq!(Files::below("deploy/acme/").place(span, &sources), "deploy/acme/resources/acme.yaml:2");
        assert_eq!((Files::default().directory(), Files::below("deploy").directory()), (".", "deploy"));
    }
}
