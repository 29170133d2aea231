//! Carries a plan out.

mod event;
mod ledger;

pub use event::Event;
pub use ledger::{Ledger, Outcome, Resolution};
