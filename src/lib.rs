//! trueup brings remote instances into line with YAML kept in git: it reads both sides, plans, and applies the plan.
//!
//! The modules in pipeline order; `docs/architecture.md` follows a resource through them.

pub mod settings;
pub mod model;
pub mod http;
pub mod kind;
pub mod plan;
pub mod apply;
pub mod providers;
pub mod clock;
pub mod emulator;
