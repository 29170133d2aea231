//! What belongs to no single file of the reader: spans, hostile input, and laws.

#![expect(clippy::format_collect, reason = "inputs are built once and need not be built fast")]

mod hostile;
mod laws;
mod meaning;
mod spans;

use std::sync::Arc;

use super::{Node, Tree, parse};
use crate::model::{Diagnostic, Diagnostics, SourceFile, Sources, Span};

/// A text that has been read.
pub(super) struct Read {
    pub tree: Tree,
    pub problems: Vec<Diagnostic>,
    pub sources: Sources,
}

pub(super) fn read(text: &str) -> Read {
    let mut sources = Sources::default();
    let file = sources.add(SourceFile::new("a.yaml", text));
    let mut diagnostics = Diagnostics::default();
    let tree = parse(file, &Arc::clone(sources.get(file)), &mut diagnostics);
    Read { tree, problems: diagnostics.into_sorted(), sources }
}

/// A text that has nothing wrong with it.
pub(super) fn sound(text: &str) -> Read {
    let read = read(text);
    assert!(read.problems.is_empty(), "{text:?}: {:?}", read.problems);
    read
}

impl Read {
    pub fn root(&self) -> Node<'_> {
        self.tree.documents().next().expect("there is a document")
    }

    pub fn under(&self, span: Span) -> &str {
        self.sources.text(span)
    }

    pub fn place(&self, span: Span) -> String {
        let position = self.sources.position(span);
        format!("{}:{}", position.line, position.column)
    }

    /// Each problem as `code line:column message`, without the codes' common beginning.
    pub fn told(&self) -> Vec<String> {
        let told = |problem: &Diagnostic| {
            let span = problem.span().expect("every problem has a place");
            format!(
                "{} {} {}",
                problem.code.as_str().trim_start_matches("trueup::yaml::"),
                self.place(span),
                problem.message
            )
        };
        self.problems.iter().map(told).collect()
    }
}
