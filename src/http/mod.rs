//! Requests to one target: sent through one budget, tried again where that cannot do harm, answers kept within bounds.
//!
//! What an answer means is left to the providers. Nothing here prints headers, bodies or queries: they may hold secrets.

mod budget;
mod client;
mod request;
mod response;
mod retry;

pub use budget::Throttle;
pub use client::{BuildError, Client, Transport, Why};
pub use request::{Body, Request, Tries, segment};
pub use reqwest::Method;
pub(crate) use response::clean;
pub use response::{Malformed, Response};
pub use retry::LONGEST_WAIT;
