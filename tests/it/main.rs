//! End to end: the real binary in an empty environment, against the emulator on loopback or the sandbox.
//!
//! `TRUEUP_BLESS=1` writes committed schemas anew, `INSTA_UPDATE=always` the snapshots.

mod changes;
mod diagnostics_page;
mod examples;
mod exits;
mod interrupt;
mod kaiten;
mod laws;
mod mistakes;
mod preflight;
mod reports;
mod reviews;
mod scripted;
mod secrets;
mod sign_in;
mod silence;
mod suites;
mod support;
mod throttle;
mod tokens;
mod weather;
