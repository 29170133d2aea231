//! YAML 1.2 as a tree in which every value knows where it was written.
//!
//! [`decode`] turns a file's bytes into text, [`parse`] turns text into a [`Tree`] and reports what is wrong with it.
//! A broken document costs its own tree only: its siblings in the file are still read. What a value means to a field is
//! the business of whoever reads the tree.
//!
//! What is read is the core schema of YAML 1.2.2 with strings as keys. Merge keys, tags beyond the core schema's and
//! other keys are refused, each in its own words, because tools disagree about them.

mod decode;
mod locate;
mod parse;
mod place;
mod scalar;
mod syntax;
mod tree;

#[cfg(test)]
mod tests;

pub use decode::{MAX_BYTES, Undecodable, decode};
pub use parse::{MAX_DEPTH, MAX_EXPANDED, MAX_PROBLEMS, MAX_VALUES, parse};
pub(crate) use scalar::is_text;
pub use tree::{Content, Entries, Entry, Items, Node, NodeId, Tree};
