//! A snapshot that was saved: read back only if it is whole.

use serde_json::Value as Json;

use super::document::Document;
use crate::kind::Registry;
use crate::model::{FORMAT_VERSION, Snapshot};

/// A file has at most so many bytes: about a million objects.
pub const MOST_BYTES: u64 = 1 << 30;

/// Why a file is no snapshot that could be planned with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damaged {
    /// It is not JSON, or not whole.
    #[error("it is not JSON: {0}")]
    NotJson(String),
    /// It is JSON, and not a snapshot.
    #[error("it is not a snapshot: {0}")]
    NotASnapshot(String),
    /// It is of another major version of the format.
    #[error("its format is `{0}`, and this version of trueup reads `{FORMAT_VERSION}`")]
    OtherVersion(String),
}

/// A snapshot that has been read: what the file says, and what that means.
#[derive(Debug, Clone)]
pub struct Saved {
    /// What the file says.
    pub document: Document,
    /// What the remotes held.
    pub snapshot: Snapshot,
}

/// Reads a snapshot as `trueup snapshot --out FILE` wrote it.
///
/// # Errors
///
/// It is none, or of a version that this one does not read.
pub fn read(bytes: &[u8], registry: &Registry) -> Result<Saved, Damaged> {
    let json: Json = serde_json::from_slice(bytes).map_err(|error| Damaged::NotJson(error.to_string()))?;
    let Some(version) = json.get("format_version").and_then(Json::as_str) else {
        return Err(Damaged::NotASnapshot("it has no `format_version`".to_owned()));
    };
    // Before anything else is looked at: there, everything may mean something else.
    let major = |version: &str| version.split_once('.').map_or(version, |(major, _)| major).to_owned();
    if major(version) != major(FORMAT_VERSION) {
        return Err(Damaged::OtherVersion(version.to_owned()));
    }
    if json.get("actions").is_some() {
        return Err(Damaged::NotASnapshot("it is a plan".to_owned()));
    }
    let document: Document = serde_json::from_value(json).map_err(|error| Damaged::NotASnapshot(error.to_string()))?;
    let snapshot = document.restore(registry).map_err(Damaged::NotASnapshot)?;
    Ok(Saved { document, snapshot })
}
