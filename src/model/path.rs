//! Where inside a resource: `metadata.region`, `tags[0]`, `metadata["a.b"]`.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// One step of a [`Path`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Segment {
    /// A key of a mapping.
    Key(Arc<str>),
    /// An item of a list, from 0.
    Index(usize),
}

/// A way from a resource's body to a value in it. The empty path is the body.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path(pub Vec<Segment>);

impl Path {
    /// The path of a top-level field.
    pub fn field(name: impl Into<Arc<str>>) -> Self {
        Self(vec![Segment::Key(name.into())])
    }

    /// This path and one key more.
    pub fn key(&self, key: impl Into<Arc<str>>) -> Self {
        let mut segments = self.0.clone();
        segments.push(Segment::Key(key.into()));
        Self(segments)
    }

    /// This path and one index more.
    pub fn index(&self, index: usize) -> Self {
        let mut segments = self.0.clone();
        segments.push(Segment::Index(index));
        Self(segments)
    }

    /// Whether this path is `other` or lies inside it.
    pub fn starts_with(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// Reads the written form. `None` if it is not one: an empty segment, an unclosed bracket or quote.
    pub fn parse(text: &str) -> Option<Self> {
        let mut segments = Vec::new();
        let mut rest = text;
        loop {
            if let Some(after) = rest.strip_prefix('[') {
                if after.starts_with('"') {
                    let mut quoted = serde_json::Deserializer::from_str(after).into_iter::<String>();
                    let key = quoted.next()?.ok()?;
                    segments.push(Segment::Key(key.into()));
                    rest = after[quoted.byte_offset()..].strip_prefix(']')?;
                } else {
                    let (index, after) = after.split_once(']')?;
                    segments.push(Segment::Index(index.parse().ok()?));
                    rest = after;
                }
            } else {
                let end = rest.find(['.', '[']).unwrap_or(rest.len());
                if end == 0 {
                    return None;
                }
                segments.push(Segment::Key(rest[..end].into()));
                rest = &rest[end..];
            }
            if rest.is_empty() {
                return Some(Self(segments));
            }
            if let Some(after) = rest.strip_prefix('.') {
                if after.starts_with('[') {
                    return None;
                }
                rest = after;
            } else if !rest.starts_with('[') {
                return None;
            }
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key)
                    if key.is_empty() || key.contains(['.', '[', ']', '"']) || key.contains(char::is_control) =>
                {
                    write!(f, "[{}]", serde_json::Value::from(&**key))?;
                }
                Segment::Key(key) if at == 0 => f.write_str(key)?,
                Segment::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Path {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_reads_back() {
        for text in [
            "name",
            "metadata.region",
            "tags[0]",
            "a[1][2].b",
            "metadata[\"a.b\"].c",
            "metadata[\"\"]",
            "[\"x]\\\"y\"]",
        ] {
            let path = Path::parse(text).unwrap_or_else(|| panic!("{text} is a path"));
            assert_eq!(path.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in ["", ".", "a.", ".a", "a..b", "a[", "a[x]", "a[0", "a[\"b]", "a[0]b", "a.[0]"] {
            assert_eq!(Path::parse(text), None, "{text}");
        }
    }
}
