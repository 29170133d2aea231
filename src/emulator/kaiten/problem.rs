//! Error answers (§3).

use serde_json::{Value, json};

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Problem {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) detail: String,
    pub(super) errors: Vec<Violation>,
}

/// One place where a request breaks the schema.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Violation {
    pub(super) location: String,
    pub(super) message: String,
    pub(super) value: Value,
}

impl Problem {
    /// A refusal with a code of its operation: `CreateCustomer.SlugConflict`.
    pub(super) fn new(status: u16, code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { status, code: code.into(), detail: detail.into(), errors: Vec::new() }
    }

    /// A refusal in which no business rule spoke.
    pub(super) fn generic(status: u16, detail: impl Into<String>) -> Self {
        Self::new(status, generic_code(status), detail)
    }

    /// The schema is broken in these places.
    pub(super) fn schema(errors: Vec<Violation>) -> Self {
        Self { errors, ..Self::generic(422, "validation failed") }
    }

    /// A failure the server has no words for.
    pub(super) fn internal() -> Self {
        Self::generic(500, "an unexpected error occurred")
    }

    /// The problem document of the current contract.
    pub(super) fn document(&self, path: &str, error_id: impl FnOnce() -> String) -> Value {
        let mut document = self.seed_document(path);
        document["code"] = self.code.as_str().into();
        if self.status == 500 {
            document["errorId"] = error_id().into();
        }
        document
    }

    /// The problem document of the seed dialect: no `code`, no `errorId` (§12).
    pub(super) fn seed_document(&self, path: &str) -> Value {
        let mut document = json!({
            "type": problem_type(self.status), "title": title(self.status), "status": self.status,
            "detail": self.detail, "instance": path,
        });
        if !self.errors.is_empty() {
            let errors = self
                .errors
                .iter()
                .map(|error| json!({ "location": error.location, "message": error.message, "value": error.value }));
            document["errors"] = errors.collect();
        }
        document
    }
}

fn title(status: u16) -> &'static str {
    axum::http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Unknown")
}

/// The `type` of a problem with this status (§3.1).
pub(in super::super) fn problem_type(status: u16) -> String {
    let section = match status {
        400 => "rfc7231#section-6.5.1",
        401 => "rfc7235#section-3.1",
        403 => "rfc7231#section-6.5.3",
        404 => "rfc7231#section-6.5.4",
        409 => "rfc7231#section-6.5.8",
        422 => "rfc4918#section-11.2",
        503 => "rfc7231#section-6.6.4",
        _ => "rfc7231#section-6.6.1",
    };
    format!("https://tools.ietf.org/html/{section}")
}

/// The `code` of a problem with this status when no business rule spoke (§3.3).
pub(in super::super) fn generic_code(status: u16) -> &'static str {
    match status {
        400 => "VALIDATION",
        401 => "UNAUTHORIZED",
        403 => "FORBIDDEN",
        404 => "NOT_FOUND",
        409 => "CONFLICT",
        422 => "UNPROCESSABLE",
        500 => "INTERNAL",
        503 => "UNAVAILABLE",
        _ => "UNKNOWN",
    }
}
