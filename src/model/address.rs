//! Names of ours: what a resource and a target are called.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// `section.key`: the stable name of a declared resource, unique in a project.
///
/// Orders by section, then key.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// The section it is declared in, `instances`.
    pub section: &'static str,
    /// Its key there, `acme-production`.
    pub key: Arc<str>,
}

impl Address {
    /// An address in a section that a registry knows.
    pub fn new(section: &'static str, key: impl Into<Arc<str>>) -> Self {
        Self { section, key: key.into() }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.section, self.key)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The name of a target of `trueup.toml`, `kaiten` in `[targets.kaiten]`.
pub type TargetName = Arc<str>;
