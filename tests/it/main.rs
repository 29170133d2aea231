//! End to end: the real binary in an empty environment, against the emulator on loopback or the sandbox.
//!
//! `TRUEUP_BLESS=1` writes committed schemas anew, `INSTA_UPDATE=always` the snapshots.

mod examples;
mod support;
mod weather;
mod exits;
mod interrupt;
mod scripted;
mod mistakes;
mod reports;
mod tokens;
