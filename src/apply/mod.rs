//! Carries a plan out.

mod account;
mod attempt;
mod convergence;
mod course;
mod document;
mod event;
mod executor;
mod ledger;
mod parts;
mod recheck;
mod wait;
mod words;

pub use account::Account;
pub use convergence::converge;
pub use document::{LedgerDocument, OutcomeDocument};
pub use event::Event;
pub use executor::{Options, apply};
pub use ledger::{Ledger, Outcome, Resolution};

#[cfg(test)]
mod tests;
