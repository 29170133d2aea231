//! End to end: the real binary in an empty environment, against the emulator on loopback or the sandbox.
//!
//! `TRUEUP_BLESS=1` writes committed schemas anew, `INSTA_UPDATE=always` the snapshots.

mod base;
mod bindings;
mod changes;
mod conflicts;
mod diagnostics_page;
mod examples;
mod exits;
mod explain;
mod export;
mod foundation;
mod grants;
mod interrupt;
mod kaiten;
mod kills;
mod laws;
mod mistakes;
mod preflight;
mod reliability_page;
mod reports;
mod reviews;
mod reviewed;
mod scripted;
mod secrets;
mod scene;
mod sign_in;
mod silence;
mod snapshot;
mod suites;
mod support;
mod surroundings;
mod throttle;
mod tokens;
mod tombstones;
mod waits;
mod weather;
