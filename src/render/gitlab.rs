//! The problems of a validation as GitLab's code quality report.

use std::io::{self, Write};

use serde::Serialize;

use super::files::Files;
use super::finding::{Level, of_problems};
use super::json;
use crate::model::{Diagnostic, Sources};

/// One entry; what GitLab requires and nothing more.
#[derive(Debug, Serialize)]
struct Entry {
    description: String,
    check_name: String,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Debug, Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Debug, Serialize)]
struct Lines {
    begin: u32,
    end: u32,
}

/// Writes the problems of a validation, `validate --format gitlab`.
pub fn validation(out: &mut dyn Write, diagnostics: &[Diagnostic], sources: &Sources, files: &Files) -> io::Result<()> {
    let entries: Vec<Entry> = of_problems(diagnostics, sources, files)
        .into_iter()
        .map(|finding| Entry {
            check_name: finding.rule.id(),
            description: finding.text,
            fingerprint: finding.fingerprint,
            severity: match finding.level {
                Level::Error => "major",
                Level::Warning => "minor",
                Level::Note => "info",
            },
            location: match finding.spot {
                Some(spot) => Location {
                    path: spot.file,
                    lines: Lines { begin: spot.position.line, end: spot.position.end_line },
                },
                // GitLab takes no entry without a place.
                None => Location { path: files.name("trueup.toml"), lines: Lines { begin: 1, end: 1 } },
            },
        })
        .collect();
    json::pretty(out, &entries)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::render::reviewed::reviewed;
    use crate::render::testing::as_text;

    #[test]
    fn problems_with_nasty_texts_are_a_report() {
        let (plan, sources) = reviewed();
        let text = as_text(|out| validation(out, &plan.diagnostics, &sources, &Files::below("deploy")));
        insta::assert_snapshot!(text);
        let entries: Vec<Value> = serde_json::from_str(&text).expect("JSON");
        let paths: Vec<_> = entries.iter().map(|entry| entry["location"]["path"].as_str().unwrap()).collect();
        assert_eq!(paths, ["deploy/resources/acme.yaml", "deploy/trueup.toml", "deploy/resources/acme.yaml"]);
        assert_eq!(as_text(|out| validation(out, &[], &sources, &Files::default())), "[]\n");
    }
}
