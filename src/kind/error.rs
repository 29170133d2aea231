//! Why a request came to nothing, and how that is told at the place in the YAML that asked for it.

use crate::http::{BuildError, Transport, Why};
use crate::model::{Code, Diagnostic, Path, RemoteProblem, Resource, Secrets};

/// Why a request came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// No connection, or no answer.
    Unreachable,
    /// 401, or the sign-in itself was refused.
    SignIn,
    /// 403.
    Forbidden,
    /// 404.
    NotFound,
    /// 409, or a name that is taken.
    Conflict,
    /// Any other 4xx.
    Refused,
    /// 429, for longer than is waited.
    RateLimited,
    /// 5xx.
    Server,
    /// An answer that cannot be read.
    Malformed,
    /// What answers could not be told from what it says.
    UnknownDialect,
}

impl Failure {
    /// The code of its diagnostic.
    pub fn code(self) -> Code {
        match self {
            Self::Unreachable => Code::Unreachable,
            Self::SignIn => Code::SignInRefused,
            Self::Forbidden => Code::Forbidden,
            Self::NotFound => Code::NotFound,
            Self::Conflict => Code::Conflict,
            Self::Refused => Code::Refused,
            Self::RateLimited => Code::RateLimited,
            Self::Server => Code::ServerError,
            Self::Malformed => Code::MalformedAnswer,
            Self::UnknownDialect => Code::UnknownDialect,
        }
    }
}

/// A request that came to nothing, in terms of the YAML as far as the remote names fields.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RemoteError {
    /// Why.
    pub failure: Failure,
    /// Lower case, no full stop: `the remote refused the request`.
    pub message: String,
    /// What to do next.
    pub help: Option<String>,
    /// What was asked and answered.
    pub problem: Box<RemoteProblem>,
    /// The fields the remote complains about, by their path in YAML.
    pub fields: Vec<FieldProblem>,
    /// Whether a write may have taken effect all the same. Always `false` for reads.
    pub uncertain: bool,
}

impl RemoteError {
    /// The same without these secrets: what a remote says can repeat what was sent to it.
    pub(super) fn without(mut self, secrets: &Secrets) -> Self {
        secrets.take_out(&mut self.message);
        let RemoteProblem { method: _, path: _, status: _, code, detail, request_id } = &mut *self.problem;
        for text in [code, detail, request_id].into_iter().flatten() {
            secrets.take_out(text);
        }
        for field in &mut self.fields {
            secrets.take_out(&mut field.message);
        }
        self
    }

    /// As a diagnostic that points at the YAML as precisely as the remote's answer allows. `doing` completes "cannot".
    pub fn diagnose(&self, doing: &str, resource: Option<&Resource>) -> Diagnostic {
        let mut diagnostic = Diagnostic::error(self.failure.code(), format!("cannot {doing}: {}", self.message))
            .remote((*self.problem).clone());
        diagnostic.help.clone_from(&self.help);
        let Some(resource) = resource else { return diagnostic };
        diagnostic = diagnostic.on(&resource.address);
        let mut fields = self.fields.iter();
        match fields.next() {
            Some(first) => {
                diagnostic = diagnostic.at(place(resource, &first.path), first.message.as_str());
                for field in fields {
                    diagnostic = diagnostic.also(place(resource, &field.path), field.message.as_str());
                }
                diagnostic
            }
            None => diagnostic.at(resource.key_span, "needed here"),
        }
    }
}

/// The value of a field; the resource's key if the field is not written.
fn place(resource: &Resource, path: &Path) -> crate::model::Span {
    let written = path.0.first().is_some_and(|first| resource.places.exact(&Path(vec![first.clone()])).is_some());
    if written { resource.places.value(path) } else { resource.key_span }
}

/// A field the remote complains about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// The field, as in YAML.
    pub path: Path,
    /// The remote's words, or ours where it has none.
    pub message: String,
}

impl From<Transport> for RemoteError {
    fn from(lost: Transport) -> Self {
        let help = match lost.why {
            Why::NoConnection => Some("check the target's `url` in `trueup.toml`, and the network"),
            Why::Untrusted => Some("name the certificate authority's file as the target's `ca_file` in `trueup.toml`"),
            Why::Invalid => Some("check the target's `url` in `trueup.toml`"),
            Why::TimedOut | Why::Cut => Some("try again; if it stays so, look at what is between here and the remote"),
            Why::TooLarge => None,
        };
        Self {
            failure: if lost.why == Why::TooLarge { Failure::Malformed } else { Failure::Unreachable },
            message: lost.message,
            help: help.map(str::to_owned),
            problem: Box::new(RemoteProblem {
                method: lost.method.to_string(),
                path: lost.path,
                ..RemoteProblem::default()
            }),
            fields: Vec::new(),
            uncertain: lost.uncertain,
        }
    }
}

impl From<BuildError> for RemoteError {
    fn from(error: BuildError) -> Self {
        Self {
            failure: Failure::Unreachable,
            message: error.to_string(),
            help: Some(
                "check the target's `ca_file` in `trueup.toml`, and the system's certificate authorities".to_owned(),
            ),
            problem: Box::default(),
            fields: Vec::new(),
            uncertain: false,
        }
    }
}
