//! Problems of resource files as they are found, so many a file and no more.

use std::collections::HashMap;

use crate::model::{Code, Diagnostic, Diagnostics, FileId, Severity};
use crate::suggest::Suggest;

/// How many problems of one file are told; of any more, only the number.
pub(super) const MAX_PER_FILE: usize = 1_000;

/// Where the stages of reading put what they find.
#[derive(Debug, Default)]
pub(super) struct Report {
    found: Diagnostics,
    files: HashMap<FileId, Count>,
    errors: usize,
    /// For "did you mean".
    pub suggest: Suggest,
}

#[derive(Debug)]
struct Count {
    told: usize,
    untold: usize,
    last: Diagnostic,
}

impl Report {
    /// Adds a problem.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.errors += usize::from(diagnostic.severity == Severity::Error);
        let Some(span) = diagnostic.span() else { return self.found.push(diagnostic) };
        match self.files.get_mut(&span.file) {
            None => {
                self.files.insert(span.file, Count { told: 1, untold: 0, last: diagnostic.clone() });
            }
            Some(count) if count.told < MAX_PER_FILE => count.told += 1,
            Some(count) => {
                count.untold += 1;
                if count.last.span() < diagnostic.span() {
                    count.last = diagnostic;
                }
                return;
            }
        }
        self.found.push(diagnostic);
    }

    /// Counts an error that has been told where it is, outside the resource files.
    pub fn note_told(&mut self) {
        self.errors += 1;
    }

    /// How many errors there have been, told or not.
    pub fn errors(&self) -> usize {
        self.errors
    }

    /// Everything that is told.
    pub fn finish(self) -> Diagnostics {
        let mut found = self.found;
        let mut files: Vec<_> = self.files.into_iter().filter(|(_, count)| count.untold > 0).collect();
        files.sort_by_key(|(file, _)| *file);
        for (_, count) in files {
            let span = count.last.span().expect("only what has a place is counted");
            found.push(
                Diagnostic::error(
                    Code::TooManyProblems,
                    format!("{} more problems in this file are not shown", count.untold),
                )
                .at(span, "one of them")
                .help(format!("correct the {MAX_PER_FILE} that are shown first")),
            );
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{SourceFile, Sources, Span};

    #[test]
    fn a_file_tells_a_thousand_problems_and_counts_the_rest() {
        let mut sources = Sources::default();
        let (one, other) = (sources.add(SourceFile::new("a", "")), sources.add(SourceFile::new("b", "")));
        let mut report = Report::default();
        for at in 0..MAX_PER_FILE + 7 {
            report.push(Diagnostic::error(Code::WrongType, "m").at(Span::new(one, at..at + 1), ""));
        }
        report.push(Diagnostic::error(Code::WrongType, "m").at(Span::new(other, 0..1), ""));
        assert_eq!(report.errors(), MAX_PER_FILE + 8);
        let found = report.finish().into_sorted();
        assert_eq!(found.len(), MAX_PER_FILE + 2);
        let closing: Vec<_> = found.iter().filter(|found| found.code == Code::TooManyProblems).collect();
        assert_eq!(closing.len(), 1);
        assert_eq!(closing[0].message, "7 more problems in this file are not shown");
        assert_eq!(closing[0].span().expect("it has a place").start as usize, MAX_PER_FILE + 6);
    }
}
