//! End to end: the real binary in an empty environment, against the emulator on loopback or the sandbox.
//!
//! `TRUEUP_BLESS=1` writes committed schemas and pages anew, `INSTA_UPDATE=always` the snapshots.

mod base;
mod bindings;
mod changes;
mod conflicts;
mod dialogue;
mod diagnostics_page;
mod examples;
mod exits;
mod explain;
mod export;
mod foundation;
mod grants;
mod init;
mod interrupt;
mod kaiten;
mod kills;
mod language_page;
mod laws;
mod man;
mod mistakes;
mod pages;
mod played_pages;
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
