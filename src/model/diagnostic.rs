//! A problem, told with its place, its code and what to do next. Plain data: `render` prints it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Address, Code, Span};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Stops what was asked for.
    Error,
    /// Worth reading; stops nothing.
    Warning,
}

/// A marked place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What is wrong *here*; lower case, no full stop.
    pub message: String,
    /// Whether this is the place to go to.
    pub primary: bool,
}

/// What a remote said, for people and scripts. Holds no secret and no request body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RemoteProblem {
    /// The request's method.
    pub method: String,
    /// The request's path, without query.
    pub path: String,
    /// The HTTP status; `None` if no answer came.
    pub status: Option<u16>,
    /// The remote's own error code or name.
    pub code: Option<String>,
    /// The remote's own words.
    pub detail: Option<String>,
    /// The id under which the remote's operators find the request.
    pub request_id: Option<String>,
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Which problem; stable and documented.
    pub code: Code,
    /// Lower case, no full stop, names in backticks.
    pub message: String,
    /// The next edit or command.
    pub help: Option<String>,
    /// The resource it concerns.
    pub address: Option<Address>,
    /// The places, the primary one first.
    pub labels: Vec<Label>,
    /// What the remote said, if it was the remote that saw it.
    pub remote: Option<Box<RemoteProblem>>,
}

impl Diagnostic {
    /// An error without a place yet.
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            help: None,
            address: None,
            labels: Vec::new(),
            remote: None,
        }
    }

    /// A warning without a place yet.
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Marks the primary place.
    pub fn at(mut self, span: Span, message: impl Into<String>) -> Self {
        self.labels.insert(0, Label { span, message: message.into(), primary: true });
        self
    }

    /// Marks a further place.
    pub fn also(mut self, span: Span, message: impl Into<String>) -> Self {
        self.labels.push(Label { span, message: message.into(), primary: false });
        self
    }

    /// Says what to do next.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Names the resource.
    pub fn on(mut self, address: &Address) -> Self {
        self.address = Some(address.clone());
        self
    }

    /// Adds what the remote said.
    pub fn remote(mut self, problem: RemoteProblem) -> Self {
        self.remote = Some(Box::new(problem));
        self
    }

    /// The primary place, if there is any.
    pub fn span(&self) -> Option<Span> {
        self.labels.first().map(|label| label.span)
    }
}

/// Problems as they are found. A stage goes on after one and reports all it can.
#[derive(Debug, Clone, Default)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Adds many.
    pub fn extend(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        self.0.extend(diagnostics);
    }

    /// Whether one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Whether there is none at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All, as found.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }

    /// All, ordered by file and position; those without a place come last, in the order found. Exact repeats are dropped.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.0.sort_by_key(|diagnostic| diagnostic.span().map_or((1, None), |span| (0, Some(span))));
        self.0.dedup();
        self.0
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
