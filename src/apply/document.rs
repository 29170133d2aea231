//! A ledger as JSON: what `apply --report FILE` writes, and the last event of `apply --format json`.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Ledger, Outcome, Resolution};
use crate::model::{DiagnosticDocument, FORMAT_VERSION, Sources};
use crate::plan::Action;

/// How an apply ended. Readers ignore keys they do not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "trueup ledger")]
pub struct LedgerDocument {
    /// The version of this format. Another major one means another meaning.
    pub format_version: String,
    /// The exit code of the command.
    pub exit_code: u8,
    /// How many resources ended in each way; the counts add up to the plan.
    pub summary: IndexMap<Resolution, usize>,
    /// Whether what was written was as declared when it was read again afterwards; `null` if nothing was written or read.
    pub converged: Option<bool>,
    /// One entry per resource, in the order of the plan.
    pub outcomes: Vec<OutcomeDocument>,
    /// What cannot be said of one resource. Absent if there is nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<DiagnosticDocument>,
}

/// How one resource ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Outcome")]
pub struct OutcomeDocument {
    /// The resource, `instances.acme-production`.
    pub address: String,
    /// What was to be done.
    pub action: Action,
    /// How it ended.
    pub outcome: Resolution,
    /// The remote's id, where it is known.
    pub id: Option<String>,
    /// The resource because of which it was skipped.
    pub because: Option<String>,
    /// What there is to say about it.
    pub diagnostics: Vec<DiagnosticDocument>,
}

impl LedgerDocument {
    /// The account of an apply that ends with this exit code.
    pub fn new(ledger: &Ledger, exit_code: u8, sources: &Sources) -> Self {
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            exit_code,
            summary: Resolution::ALL.into_iter().map(|resolution| (resolution, ledger.count(resolution))).collect(),
            converged: ledger.converged,
            outcomes: ledger.outcomes.iter().map(|outcome| OutcomeDocument::new(outcome, sources)).collect(),
            diagnostics: DiagnosticDocument::all(&ledger.diagnostics, sources),
        }
    }
}

impl OutcomeDocument {
    fn new(outcome: &Outcome, sources: &Sources) -> Self {
        let Outcome { address, action, resolution, id, because, diagnostics } = outcome;
        Self {
            address: address.to_string(),
            action: *action,
            outcome: *resolution,
            id: id.as_deref().map(str::to_owned),
            because: because.as_ref().map(ToString::to_string),
            diagnostics: DiagnosticDocument::all(diagnostics, sources),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Address, Code, Diagnostic};

    #[test]
    fn a_ledger_has_the_shape_of_the_contract() {
        let acme = Address::new("customers", "acme");
        let outcome = |address: &Address, resolution, id: Option<&str>, because: Option<&Address>| Outcome {
            address: address.clone(),
            action: Action::Create,
            resolution,
            id: id.map(Into::into),
            because: because.cloned(),
            diagnostics: Vec::new(),
        };
        let ledger = Ledger {
            outcomes: vec![
                outcome(&acme, Resolution::Failed, None, None),
                outcome(&Address::new("instances", "acme"), Resolution::Skipped, None, Some(&acme)),
                outcome(&Address::new("licenses", "growth"), Resolution::Done, Some("l-1"), None),
            ],
            ..Ledger::default()
        };
        let document = LedgerDocument::new(&ledger, 5, &Sources::default());
        let json = serde_json::to_value(&document).expect("plain data");
        let line = |address, outcome, id: Option<&str>, because: Option<&str>| json!({ "address": address, "action": "create", "outcome": outcome, "id": id, "because": because, "diagnostics": [] });
        let expected = json!({
            "format_version": "1.0", "exit_code": 5,
            "summary": { "done": 1, "unchanged": 0, "failed": 1, "skipped": 1, "blocked": 0, "not_started": 0, "unknown": 0, "waiting": 0 },
            "converged": null,
            "outcomes": [
                line("customers.acme", "failed", None, None),
                line("instances.acme", "skipped", None, Some("customers.acme")),
                line("licenses.growth", "done", Some("l-1"), None),
            ],
        });
        assert_eq!(json.to_string(), expected.to_string());
        assert_eq!(serde_json::from_value::<LedgerDocument>(json).expect("reads back"), document);
    }

    #[test]
    fn an_apply_that_failed_before_planning_still_reports() {
        let ledger = Ledger {
            diagnostics: vec![Diagnostic::error(Code::SignInRefused, "the remote refused the token")],
            ..Ledger::default()
        };
        let json = serde_json::to_value(LedgerDocument::new(&ledger, 4, &Sources::default())).expect("plain data");
        assert_eq!(json["outcomes"], json!([]));
        assert_eq!(json["diagnostics"][0]["code"], json!("trueup::remote::sign_in"));
    }

    #[test]
    fn resolutions_are_named_in_json_as_everywhere() {
        for resolution in Resolution::ALL {
            assert_eq!(serde_json::to_value(resolution).expect("a string"), json!(resolution.as_str()));
        }
    }
}
