//! Carries a plan out.

mod document;
mod event;
mod ledger;

pub use document::{LedgerDocument, OutcomeDocument};
pub use event::Event;
pub use ledger::{Ledger, Outcome, Resolution};
