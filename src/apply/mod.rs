//! Carries a plan out.

mod attempt;
mod document;
mod event;
mod executor;
mod ledger;

pub use document::{LedgerDocument, OutcomeDocument};
pub use event::Event;
pub use executor::{Options, apply};
pub use ledger::{Ledger, Outcome, Resolution};

#[cfg(test)]
mod tests;
