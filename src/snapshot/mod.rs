//! What the remotes hold, in a file and without what may be secret: for plans where no credentials are, such as those of a
//! fork, and for reports of bugs.
//!
//! [`redact`] takes out what is secret, [`Document`] is the file, [`read`] reads it back only if it is sound, and [`Saved::fit`]
//! puts it in the place of the remotes only if it is of them. Values that were taken out are [`Value::Redacted`]: a plan tells
//! of each that nobody can compare it.
//!
//! [`Value::Redacted`]: crate::model::Value::Redacted

mod document;
mod fit;
mod redact;
mod saved;
mod value;

pub use document::{
    About, ConditionDocument, Document, ObjectDocument, OperationDocument, StateDocument, TargetDocument,
};
pub use fit::{AGAIN, partial};
pub use redact::redact;
pub use saved::{Damaged, MOST_BYTES, Saved, read};

#[cfg(test)]
mod tests;
