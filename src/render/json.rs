//! For scripts: the documents, and the events of an apply one a line.
//!
//! What could upset a terminal, or be a command to the runner whose log it is printed to ([`workflow`](super::workflow)), is
//! escaped in the JSON way, which changes nothing for whoever parses it.

use std::fmt::Write as _;
use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::clean::is_unsafe;
use crate::apply::{Event, Ledger, LedgerDocument, Resolution};
use crate::model::{Diagnostic, DiagnosticDocument, FORMAT_VERSION, Sources, ValidationDocument};
use crate::plan::document::Document;
use crate::plan::{Action, Plan};
use crate::snapshot;

/// One line of `apply --format json`. Readers ignore keys and events they do not know.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
#[schemars(title = "trueup apply event")]
pub enum EventDocument {
    /// The first line.
    Version {
        /// The version of this format. Another major one means another meaning.
        format_version: String,
        /// The version of trueup.
        trueup: String,
    },
    /// What is about to be carried out.
    Planned(Box<Document>),
    /// Work on a resource has begun.
    Start {
        /// The resource, `instances.acme-production`.
        address: String,
        /// What is being done.
        action: Action,
    },
    /// The remote is still at work on a resource.
    Progress {
        /// The resource.
        address: String,
        /// What is being done.
        action: Action,
        /// Milliseconds since work on it began.
        elapsed_ms: u64,
        /// The remote's words.
        description: Option<String>,
    },
    /// Work on a resource has ended well.
    Complete {
        /// The resource.
        address: String,
        /// What was done.
        action: Action,
        /// The remote's id of it.
        id: Option<String>,
        /// Milliseconds since work on it began.
        elapsed_ms: u64,
    },
    /// Work on a resource has ended otherwise: it failed, is still running, or how it ended is unknown.
    Failed(EndedDocument),
    /// Work on a resource will not begin: what it requires was not done, it is blocked, or the run ends first.
    Skipped(EndedDocument),
    /// Something to tell.
    Diagnostic(DiagnosticDocument),
    /// The last line: how everything ended.
    Ledger(LedgerDocument),
}

/// How a resource ended that is not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Ended")]
pub struct EndedDocument {
    /// The resource, `instances.acme-production`.
    pub address: String,
    /// What was to be done.
    pub action: Action,
    /// How it ended.
    pub outcome: Resolution,
    /// The resource because of which it was skipped.
    pub because: Option<String>,
}

/// Writes a plan, `plan --format json`.
pub fn plan(out: &mut dyn Write, plan: &Plan, sources: &Sources) -> io::Result<()> {
    pretty(out, &Document::new(plan, sources))
}

/// Writes a snapshot, `trueup snapshot`.
pub fn snapshot(out: &mut dyn Write, document: &snapshot::Document) -> io::Result<()> {
    pretty(out, document)
}

/// Writes the outcome of a validation, `validate --format json`.
pub fn validation(out: &mut dyn Write, diagnostics: &[Diagnostic], sources: &Sources) -> io::Result<()> {
    pretty(out, &ValidationDocument::new(diagnostics, sources))
}

/// Writes a ledger, `apply --report`.
pub fn ledger(out: &mut dyn Write, ledger: &Ledger, exit_code: u8, sources: &Sources) -> io::Result<()> {
    pretty(out, &LedgerDocument::new(ledger, exit_code, sources))
}

/// Writes one line of `apply --format json`.
pub fn line(out: &mut dyn Write, event: &EventDocument) -> io::Result<()> {
    writeln!(out, "{}", safe(serde_json::to_string(event)?))
}

impl EventDocument {
    /// The first line of a stream.
    pub fn version() -> Self {
        Self::Version { format_version: FORMAT_VERSION.to_owned(), trueup: env!("CARGO_PKG_VERSION").to_owned() }
    }

    /// The second line: the plan.
    pub fn planned(plan: &Plan, sources: &Sources) -> Self {
        Self::Planned(Box::new(Document::new(plan, sources)))
    }

    /// A line in between, if the event is told.
    pub fn new(event: &Event, sources: &Sources) -> Option<Self> {
        Some(match event {
            Event::Standing { .. } => return None,
            Event::Start { address, action } => Self::Start { address: address.to_string(), action: *action },
            Event::Progress { address, action, elapsed, description } => Self::Progress {
                address: address.to_string(),
                action: *action,
                elapsed_ms: millis(*elapsed),
                description: description.clone(),
            },
            Event::Complete { address, action, id, elapsed } => Self::Complete {
                address: address.to_string(),
                action: *action,
                id: id.as_deref().map(str::to_owned),
                elapsed_ms: millis(*elapsed),
            },
            Event::Ended { address, action, resolution, because } => {
                let ended = EndedDocument {
                    address: address.to_string(),
                    action: *action,
                    outcome: *resolution,
                    because: because.as_ref().map(ToString::to_string),
                };
                match resolution {
                    Resolution::Skipped | Resolution::Blocked | Resolution::NotStarted => Self::Skipped(ended),
                    _ => Self::Failed(ended),
                }
            }
            Event::Diagnostic(diagnostic) => Self::Diagnostic(DiagnosticDocument::new(diagnostic, sources)),
        })
    }

    /// The last line.
    pub fn ledger(ledger: &Ledger, exit_code: u8, sources: &Sources) -> Self {
        Self::Ledger(LedgerDocument::new(ledger, exit_code, sources))
    }
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Writes a document over several lines.
pub(super) fn pretty(out: &mut dyn Write, document: &impl Serialize) -> io::Result<()> {
    writeln!(out, "{}", safe(serde_json::to_string_pretty(document)?))
}

/// Outside of strings JSON has line breaks and nothing else that could be unsafe, so what is found is in a string.
fn safe(json: String) -> String {
    // `::` at the start of a line cannot be: a string holds no line break.
    let json = if json.contains("##[") { json.replace("##[", "\\u0023#[") } else { json };
    let is_odd = |char| is_unsafe(char) && char != '\n';
    if !json.contains(is_odd) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 16);
    for char in json.chars() {
        if is_odd(char) {
            for unit in char.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}").expect("a string can be written to");
            }
        } else {
            out.push(char);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::apply::Outcome;
    use crate::model::Code;
    use crate::render::testing::{a_course, address, as_text, planned};

    #[test]
    fn what_is_written_out_is_read_as_it_was() {
        let text = "a\u{1b}\u{202e}\u{200b}\u{e0041}b ###[group]";
        let json = as_text(|out| pretty(out, &text));
        assert_eq!(json, "\"a\\u001b\\u202e\\u200b\\udb40\\udc41b #\\u0023#[group]\"\n");
        assert_eq!(serde_json::from_str::<String>(&json).expect("JSON"), text);
    }

    fn stream() -> String {
        let sources = Sources::default();
        let outcome = Outcome {
            address: address("customers", "acme"),
            action: Action::Create,
            resolution: Resolution::Done,
            id: Some("c-1".into()),
            because: None,
            diagnostics: Vec::new(),
        };
        let account = Ledger { outcomes: vec![outcome], ..Ledger::default() };
        as_text(|out| {
            line(out, &EventDocument::version())?;
            for (_, event) in a_course() {
                line(out, &EventDocument::new(&event, &sources).expect("a course is told"))?;
            }
            line(out, &EventDocument::ledger(&account, 5, &sources))
        })
    }

    #[test]
    fn an_apply_is_one_object_a_line() {
        insta::assert_snapshot!(stream());
    }

    #[test]
    fn only_the_kinds_of_the_contract_occur() {
        let planned = as_text(|out| line(out, &EventDocument::planned(&planned().0, &planned().1)));
        assert_eq!(planned.lines().count(), 1);
        let kinds =
            ["version", "planned", "start", "progress", "complete", "failed", "skipped", "diagnostic", "ledger"];
        let mut seen = Vec::new();
        for line in planned.lines().chain(stream().lines()) {
            let event: Value = serde_json::from_str(line).expect("a line is an object");
            let kind = event["event"].as_str().expect("with its kind").to_owned();
            assert!(kinds.contains(&kind.as_str()), "{kind}");
            seen.push(kind);
        }
        assert!(kinds.iter().all(|kind| seen.iter().any(|seen| seen == kind)), "{seen:?}");
    }

    #[test]
    fn documents_end_with_a_line_break_and_read_back_the_same() {
        let nasty = "\u{1b}[2J\u{7f}\u{9b}\u{202e}\u{feff} é\n\"";
        let diagnostics = [Diagnostic::error(Code::Refused, nasty)];
        let json = as_text(|out| validation(out, &diagnostics, &Sources::default()));
        assert!(json.ends_with("}\n") && !json.ends_with("\n\n"), "{json}");
        assert!(!json.contains(|char| is_unsafe(char) && char != '\n'), "{json:?}");
        let value: Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(value["diagnostics"][0]["message"], nasty);

        let first = as_text(|out| plan(out, &planned().0, &planned().1));
        assert_eq!(first, as_text(|out| plan(out, &planned().0, &planned().1)));
        assert!(first.starts_with("{\n  \"format_version\": \"1.0\",\n") && first.ends_with("}\n"), "{first}");
        let report = as_text(|out| ledger(out, &Ledger::default(), 4, &Sources::default()));
        let value: Value = serde_json::from_str(&report).expect("JSON");
        assert_eq!((&value["exit_code"], &value["outcomes"]), (&Value::from(4), &Value::from(Vec::<Value>::new())));
    }
}
