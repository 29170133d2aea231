//! What `trueup explain` tells: which subject a word means, and the page about it. Everything is taken from the tables of
//! the kinds; how a page looks is for rendering to say, and so is what stands in `docs/diagnostics.md`.

mod kinds;
mod page;
mod reference;
mod settings;
mod subject;
mod words;

#[cfg(test)]
mod tests;

pub use page::{Block, Entry, Page};
pub use reference::{Reference, reference};
pub use subject::{Subject, find};
pub(crate) use words::capital;

use crate::kind::Registry;

/// The page about a subject. None of a code: that is in `docs/diagnostics.md`.
pub fn page(subject: Subject, registry: &Registry) -> Option<Page> {
    Some(match subject {
        Subject::Everything => kinds::overview(registry),
        Subject::Kind(section) => kinds::kind(section, registry),
        Subject::Field(section, field) => kinds::field(section, field, registry),
        Subject::Attribute(section, attribute) => kinds::attribute(section, attribute),
        Subject::Lifecycle => kinds::lifecycle(),
        Subject::LifecycleField(field) => kinds::lifecycle_field(field, registry),
        Subject::Target(section) => kinds::target(section),
        Subject::Code(_) => return None,
    })
}
