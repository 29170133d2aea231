//! trueup brings remote instances into line with YAML kept in git: it reads both sides, plans, and applies the plan.
//!
//! The modules in pipeline order; `docs/architecture.md` follows a resource through them.

pub mod settings;
pub mod config;
pub mod model;
pub mod http;
pub mod kind;
pub mod graph;
pub mod observe;
pub mod snapshot;
pub mod resolve;
pub mod diff;
pub mod providers;
pub mod plan;
pub mod apply;
pub mod render;
pub mod export;
pub mod cli;
pub mod clock;
mod suggest;
pub mod explain;
pub mod init;
pub mod schema;
pub mod emulator;

#[cfg(test)]
mod testing;
