//! Problems and planned actions as SARIF 2.1.0, for code scanning and the editors that show it.

mod document;

use std::io::{self, Write};

use self::document::{
    ArtifactLocation, Configuration, Driver, Help, Invocation, Location, Log, LogicalLocation, Notification,
    PhysicalLocation, Region, Result, Rule, Run, Text, Tool,
};
use super::explanation::Explanation;
use super::files::{Files, Spot};
use super::finding::{self, Finding, Level, of_plan, of_problems};
use super::json;
use super::layout::counted;
use super::taken;
use crate::model::{Code, Diagnostic, Severity, Sources};
use crate::plan::{Action, Plan};

/// GitHub takes no more results than this from an upload into account.
const MOST: usize = 5000;

/// Writes what a plan points out, `plan --format sarif`.
pub fn plan(out: &mut dyn Write, plan: &Plan, sources: &Sources, files: &Files) -> io::Result<()> {
    let findings = of_plan(plan, sources, files);
    json::pretty(out, &log("plan", findings, !plan.errored(), taken::line(plan)))
}

/// Writes the problems of a validation, `validate --format sarif`.
pub fn validation(out: &mut dyn Write, diagnostics: &[Diagnostic], sources: &Sources, files: &Files) -> io::Result<()> {
    let sound = diagnostics.iter().all(|diagnostic| diagnostic.severity != Severity::Error);
    json::pretty(out, &log("validate", of_problems(diagnostics, sources, files), sound, None))
}

/// `note` is what else there is to know of the run.
fn log(command: &str, mut findings: Vec<Finding>, successful: bool, note: Option<String>) -> Log {
    let left = findings.len().saturating_sub(MOST);
    findings.truncate(MOST);
    let mut ids: Vec<(String, finding::Rule)> =
        findings.iter().map(|finding| (finding.rule.id(), finding.rule)).collect();
    ids.sort_by(|one, other| one.0.cmp(&other.0));
    ids.dedup_by(|one, other| one.0 == other.0);
    let index = |id: &str| ids.binary_search_by(|(known, _)| known.as_str().cmp(id)).unwrap_or_default();
    let results = findings.into_iter().map(|finding| {
        let index = index(&finding.rule.id());
        result(finding, index)
    });
    let notifications = (left > 0).then(|| Notification {
        level: "warning",
        message: Text { text: format!("{} left out: code scanning takes {MOST}", counted(left, "result")) },
    });
    let note = note.map(|text| Notification { level: "note", message: Text { text } });
    Log {
        schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            // Runs of different commands do not replace each other's alerts.
            automation_details: document::AutomationDetails { id: format!("trueup/{command}/") },
            tool: Tool {
                driver: Driver {
                    name: "trueup",
                    version: env!("CARGO_PKG_VERSION"),
                    semantic_version: env!("CARGO_PKG_VERSION"),
                    rules: ids.iter().map(|(id, rule)| self::rule(id.clone(), *rule)).collect(),
                },
            },
            invocations: [Invocation {
                execution_successful: successful,
                tool_execution_notifications: note.into_iter().chain(notifications).collect(),
            }],
            results: results.collect(),
            column_kind: "unicodeCodePoints",
        }],
    }
}

fn rule(id: String, rule: finding::Rule) -> Rule {
    let (short, full, help, level) = match rule {
        finding::Rule::Problem(code) => {
            let level = if code == Code::RemoteWarning { "warning" } else { "error" };
            let explanation = Explanation::of(code);
            let help = Help { text: explanation.text(), markdown: Some(explanation.markdown().to_owned()) };
            (explanation.short(), explanation.text(), help, level)
        }
        finding::Rule::Action(action) => {
            let (short, level) = of_action(action);
            let help = "See the plan, `trueup plan`; `trueup apply` carries it out.";
            let help = Help { text: help.to_owned(), markdown: None };
            (short.to_owned(), short.to_owned(), help, level)
        }
    };
    Rule {
        id,
        short_description: Text { text: short },
        full_description: Text { text: full },
        help,
        default_configuration: Configuration { level },
    }
}

fn of_action(action: Action) -> (&'static str, &'static str) {
    match action {
        Action::Create => ("A resource will be created.", "note"),
        Action::Update => ("A resource will be changed in place.", "note"),
        Action::Replace => ("A resource will be deleted and created anew: what it holds is lost.", "warning"),
        Action::Delete => ("A resource will be deleted: what it holds is lost.", "warning"),
        Action::Recover => ("What a failed create left will be cleared away, and it will be created.", "warning"),
        Action::Wait => ("An operation of the remote is running and will be waited for.", "note"),
        Action::Blocked => ("A resource cannot be brought into line until somebody decides.", "error"),
        Action::Unchanged => ("A resource is as declared.", "none"),
    }
}

fn result(finding: Finding, rule_index: usize) -> Result {
    let Finding { level, rule, text, address, spot, related, cause, fingerprint } = finding;
    let logical =
        address.into_iter().map(|address| LogicalLocation { fully_qualified_name: address, kind: "resource" });
    let logical_locations: Vec<LogicalLocation> = logical.collect();
    let place = |spot: Spot| PhysicalLocation {
        artifact_location: ArtifactLocation { uri: uri(&spot.file), uri_base_id: "%SRCROOT%" },
        region: region(&spot),
    };
    let located = spot.is_some() || !logical_locations.is_empty();
    let location = Location { physical_location: spot.map(place), logical_locations, message: None };
    Result {
        rule_id: rule.id(),
        rule_index,
        level: match level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "note",
        },
        message: Text { text: unlinked(&text) },
        locations: if located { vec![location] } else { Vec::new() },
        related_locations: related
            .into_iter()
            .map(|(spot, words)| Location {
                physical_location: Some(place(spot)),
                logical_locations: Vec::new(),
                message: Some(Text { text: unlinked(&words) }),
            })
            .collect(),
        partial_fingerprints: document::Fingerprints { trueup: fingerprint },
        properties: cause.map(|cause| document::Properties { cause: cause.as_str() }),
    }
}

fn region(spot: &Spot) -> Region {
    let at = spot.position;
    Region { start_line: at.line, start_column: at.column, end_line: at.end_line, end_column: at.end_column }
}

/// A text that makes no link: in a message of SARIF `[words](place)` is one.
fn unlinked(text: &str) -> String {
    text.replace("](", "] (")
}

/// A relative path as a URI reference.
fn uri(path: &str) -> String {
    use std::fmt::Write as _;
    path.bytes().fold(String::with_capacity(path.len()), |mut uri, byte| {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            write!(uri, "%{byte:02X}").expect("a string can be written to");
        }
        uri
    })
}

#[cfg(test)]
mod tests;
