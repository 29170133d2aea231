//! Diagnostics as JSON: the one shape they have in every command's output.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Diagnostic, Label, RemoteProblem, Severity, Sources, Span};

/// The version of every JSON document trueup writes. A reader refuses another major one and ignores keys it does not know.
pub const FORMAT_VERSION: &str = "1.0";

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Diagnostic")]
pub struct DiagnosticDocument {
    /// How bad it is.
    pub severity: Severity,
    /// Which problem: stable, documented, `trueup::config::unknown_field`.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// The next edit or command.
    pub help: Option<String>,
    /// The resource it concerns, `instances.acme-production`.
    pub address: Option<String>,
    /// The places, the primary one first.
    pub labels: Vec<LabelDocument>,
    /// What the remote said, where it was the remote that saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<RemoteDocument>,
}

/// A marked place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Label")]
pub struct LabelDocument {
    /// The place.
    #[serde(flatten)]
    pub place: PlaceDocument,
    /// Whether this is the place to go to.
    pub primary: bool,
    /// What is wrong here.
    pub message: String,
}

/// A place in a file. Lines and columns count from 1, columns in Unicode scalar values; the end is exclusive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Place")]
pub struct PlaceDocument {
    /// The file, relative to the directory of `trueup.toml`, with `/`.
    pub file: String,
    /// The line of the first character.
    pub line: u32,
    /// The column of the first character.
    pub column: u32,
    /// The line of the end.
    pub end_line: u32,
    /// The column one past the last character.
    pub end_column: u32,
}

/// What a remote answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Remote")]
pub struct RemoteDocument {
    /// The request's method.
    pub method: String,
    /// The request's path, without query.
    pub path: String,
    /// The HTTP status; `null` if no answer came.
    pub status: Option<u16>,
    /// The remote's own error code or name.
    pub code: Option<String>,
    /// The remote's own words.
    pub detail: Option<String>,
    /// The id under which the remote's operators find the request.
    pub request_id: Option<String>,
}

/// What `validate --format json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Validation")]
pub struct ValidationDocument {
    /// [`FORMAT_VERSION`].
    pub format_version: String,
    /// Whether there is no error.
    pub valid: bool,
    /// How many errors there are.
    pub errors: usize,
    /// How many warnings there are.
    pub warnings: usize,
    /// The problems, in the order they were handed in.
    pub diagnostics: Vec<DiagnosticDocument>,
}

impl DiagnosticDocument {
    /// A diagnostic with its spans turned into lines and columns.
    pub fn new(diagnostic: &Diagnostic, sources: &Sources) -> Self {
        let Diagnostic { severity, code, message, help, address, labels, remote } = diagnostic;
        Self {
            severity: *severity,
            code: code.as_str().to_owned(),
            message: message.clone(),
            help: help.clone(),
            address: address.as_ref().map(ToString::to_string),
            labels: labels.iter().map(|label| LabelDocument::new(label, sources)).collect(),
            remote: remote.as_deref().map(RemoteDocument::new),
        }
    }

    /// Many of them.
    pub fn all<'a>(diagnostics: impl IntoIterator<Item = &'a Diagnostic>, sources: &Sources) -> Vec<Self> {
        diagnostics.into_iter().map(|diagnostic| Self::new(diagnostic, sources)).collect()
    }
}

impl LabelDocument {
    fn new(label: &Label, sources: &Sources) -> Self {
        let Label { span, message, primary } = label;
        Self { place: PlaceDocument::new(*span, sources), primary: *primary, message: message.clone() }
    }
}

impl PlaceDocument {
    /// A span in the terms of an editor.
    pub fn new(span: Span, sources: &Sources) -> Self {
        let at = sources.position(span);
        Self {
            file: sources.get(span.file).name().to_owned(),
            line: at.line,
            column: at.column,
            end_line: at.end_line,
            end_column: at.end_column,
        }
    }
}

impl RemoteDocument {
    fn new(problem: &RemoteProblem) -> Self {
        let RemoteProblem { method, path, status, code, detail, request_id } = problem.clone();
        Self { method, path, status, code, detail, request_id }
    }
}

impl ValidationDocument {
    /// The outcome of a validation, from its diagnostics.
    pub fn new<'a>(diagnostics: impl IntoIterator<Item = &'a Diagnostic>, sources: &Sources) -> Self {
        let diagnostics = DiagnosticDocument::all(diagnostics, sources);
        let count = |severity| diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
        let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
        Self { format_version: FORMAT_VERSION.to_owned(), valid: errors == 0, errors, warnings, diagnostics }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Address, Code, SourceFile};

    fn misspelled(sources: &mut Sources) -> Diagnostic {
        let file = sources.add(SourceFile::new("resources/acme.yaml", "instances:\n  é: { licence: growth }\n"));
        Diagnostic::error(Code::UnknownField, "unknown field `licence`")
            .at(Span::new(file, 19..26), "not a field of `instances`")
            .help("did you mean `license`?")
            .on(&Address::new("instances", "acme-production"))
    }

    #[test]
    fn a_diagnostic_has_the_shape_of_the_contract() {
        let mut sources = Sources::default();
        let diagnostic = misspelled(&mut sources);
        let document = serde_json::to_value(DiagnosticDocument::new(&diagnostic, &sources)).expect("plain data");
        assert_eq!(
            document.to_string(),
            json!({
                "severity": "error", "code": "trueup::config::unknown_field", "message": "unknown field `licence`",
                "help": "did you mean `license`?", "address": "instances.acme-production",
                "labels": [{
                    "file": "resources/acme.yaml", "line": 2, "column": 8, "end_line": 2, "end_column": 15,
                    "primary": true, "message": "not a field of `instances`",
                }],
            })
            .to_string()
        );
    }

    #[test]
    fn what_the_remote_said_is_beside_the_labels() {
        let problem = RemoteProblem { method: "POST".into(), path: "/instances".into(), ..RemoteProblem::default() };
        let diagnostic = Diagnostic::error(Code::Refused, "the remote refused the request").remote(problem);
        let document = DiagnosticDocument::new(&diagnostic, &Sources::default());
        let json = serde_json::to_value(&document).expect("plain data");
        assert_eq!(
            json["remote"],
            json!({ "method": "POST", "path": "/instances", "status": null, "code": null, "detail": null, "request_id": null })
        );
        assert_eq!(json["help"], json!(null));
        assert_eq!(serde_json::from_value::<DiagnosticDocument>(json).expect("reads back"), document);
    }

    #[test]
    fn a_warning_leaves_a_project_valid_and_an_error_does_not() {
        let mut sources = Sources::default();
        let error = misspelled(&mut sources);
        let warning = Diagnostic::warning(Code::InvalidValue, "odd");
        let document = ValidationDocument::new([&warning], &sources);
        assert!(document.valid && document.errors == 0 && document.warnings == 1, "{document:?}");
        let document = ValidationDocument::new([&warning, &error], &sources);
        assert!(!document.valid && document.errors == 1 && document.warnings == 1, "{document:?}");
        assert_eq!(document.diagnostics.len(), 2);
    }
}
