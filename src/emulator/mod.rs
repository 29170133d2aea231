//! Both remotes, served over real HTTP on loopback.
//!
//! Written from the vendors' documentation, and sharing no type with `providers`: with the same types, both could be
//! wrong together and every test agree.
//!
//! [`Sandbox`] starts the remotes and keeps their state in a file; in front of each stand a [`Recorder`] and the weather
//! ([`Faults`], latency), which are also steered over HTTP at `/_sandbox/…`. A remote is plugged in as a [`Remote`].

pub mod cloudfoundry;
pub mod kaiten;

mod clock;
mod control;
mod fault;
mod line;
mod recorder;
mod remote;
mod sandbox;
mod state_file;
mod weather;

pub use clock::{Clock, Ids};
pub use fault::{Effect, Entry, Fault, Faults, Reply, ReplyBody};
pub use recorder::{Recorded, Recorder};
pub use remote::{Remote, Wording};
pub use sandbox::{Build, Running, Sandbox, SandboxError, Served};
pub use state_file::StateError;
