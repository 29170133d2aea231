//! From a value to the plain data it means, and from a path to where it was written.

use std::sync::Arc;

use super::tree::{Content, Node};
use crate::model::{Path, Segment, Span, Value};

impl Node<'_> {
    /// The value as data, with strings as they stand; what is invalid becomes `null`.
    pub fn to_value(self) -> Value {
        match self.content() {
            Content::Null | Content::Invalid => Value::Null,
            Content::Bool(bool) => Value::Bool(bool),
            Content::Integer(integer) => Value::Number(integer.into()),
            Content::Unsigned(integer) => Value::Number(integer.into()),
            Content::Float(float) => {
                Value::Number(serde_json::Number::from_f64(float).expect("the parser refuses what is not finite"))
            }
            Content::Text(text) => Value::text(text),
            Content::List(items) => Value::List(items.map(Node::to_value).collect()),
            Content::Map(entries) => {
                Value::Map(Box::new(entries.map(|entry| (Arc::from(entry.key), entry.value.to_value())).collect()))
            }
        }
    }

    /// Where the value at a path below this one was written, and whether it is exactly that value (`true`) or the
    /// nearest one around it.
    pub fn locate(self, path: &Path) -> (Span, bool) {
        let mut node = self;
        for segment in &path.0 {
            match node.child(segment) {
                Some((child, _)) => node = child,
                None => return (node.span(), false),
            }
        }
        (node.span(), true)
    }

    /// Where the key of the value at a path below this one was written; `None` if it is not there, or an item of a list.
    pub fn key_span(self, path: &Path) -> Option<Span> {
        let mut at = (self, None);
        for segment in &path.0 {
            at = at.0.child(segment)?;
        }
        at.1
    }

    fn child(self, segment: &Segment) -> Option<(Self, Option<Span>)> {
        match segment {
            Segment::Key(key) => self.get(key).map(|entry| (entry.value, Some(entry.key_span))),
            Segment::Index(index) => Some((self.items()?.nth(*index)?, None)),
        }
    }
}
