//! The tree: an arena of small nodes, and a handle to walk it.

use std::fmt;
use std::sync::Arc;

use super::scalar::{self, Integer, Meaning};
use crate::model::{FileId, SourceFile, Span};

/// A value in its [`Tree`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(super) u32);

/// What was written in one file: its documents, without the empty ones and without those that are broken.
///
/// Scalars are slices of the file's text wherever the text says them literally, so a tree costs some 50 bytes a field.
pub struct Tree {
    pub(super) file: FileId,
    pub(super) source: Arc<SourceFile>,
    pub(super) documents: Vec<NodeId>,
    pub(super) nodes: Vec<Slot>,
    /// Items of lists; of mappings, keys and values by turns.
    pub(super) children: Vec<NodeId>,
    /// Texts that the source does not contain literally: with escapes, or folded from several lines.
    pub(super) decoded: String,
    /// Mappings with an entry that was refused and left out.
    pub(super) incomplete: Vec<NodeId>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Invalid,
    Null {
        left_out: bool,
    },
    Bool(bool),
    Integer,
    Float,
    Text {
        start: u32,
        len: u32,
        decoded: bool,
        quoted: bool,
    },
    List {
        first: u32,
        len: u32,
    },
    /// `len` counts entries.
    Map {
        first: u32,
        len: u32,
    },
    /// The target comes before its alias, so following aliases ends.
    Alias(NodeId),
}

impl Tree {
    pub(super) fn new(file: FileId, source: &Arc<SourceFile>) -> Self {
        Self {
            file,
            source: Arc::clone(source),
            documents: Vec::new(),
            nodes: Vec::new(),
            children: Vec::new(),
            decoded: String::new(),
            incomplete: Vec::new(),
        }
    }

    /// The roots of the documents, in order.
    pub fn documents(&self) -> impl ExactSizeIterator<Item = Node<'_>> {
        self.documents.iter().map(|id| self.node(*id))
    }

    /// The value of this number.
    pub fn node(&self, id: NodeId) -> Node<'_> {
        Node { tree: self, id }
    }

    pub(super) fn slot(&self, id: NodeId) -> Slot {
        self.nodes[id.0 as usize]
    }

    /// The text of a string; empty for anything else.
    pub(super) fn text(&self, id: NodeId) -> &str {
        match self.slot(id).kind {
            Kind::Text { start, len, decoded, .. } => {
                let within = if decoded { self.decoded.as_str() } else { self.source.text() };
                &within[start as usize..(start + len) as usize]
            }
            _ => "",
        }
    }

    fn children(&self, first: u32, len: u32) -> &[NodeId] {
        &self.children[first as usize..(first + len) as usize]
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The values may be secret, so only the shape is told.
        write!(f, "Tree({:?}, {} documents, {} nodes)", self.source, self.documents.len(), self.nodes.len())
    }
}

/// A value and the tree it is in. An alias shows what it stands for; only its span is its own.
///
/// Walking a tree through its aliases is bounded: [`parse`](super::parse()) has counted what they expand to.
#[derive(Clone, Copy)]
pub struct Node<'t> {
    tree: &'t Tree,
    id: NodeId,
}

/// What a value is.
#[derive(Debug, Clone)]
pub enum Content<'t> {
    /// `null`, `~`, or nothing at all: see [`Node::is_left_out`].
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer of 64 bits.
    Integer(i64),
    /// An integer too large for [`Content::Integer`].
    Unsigned(u64),
    /// Any other number; finite.
    Float(f64),
    /// A string.
    Text(&'t str),
    /// A list.
    List(Items<'t>),
    /// A mapping.
    Map(Entries<'t>),
    /// Something that has been reported already: say nothing more about it.
    Invalid,
}

/// One entry of a mapping.
#[derive(Clone, Copy)]
pub struct Entry<'t> {
    /// The key.
    pub key: &'t str,
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub value: Node<'t>,
}

impl<'t> Node<'t> {
    /// Its number, to come back to it with [`Tree::node`].
    pub fn id(self) -> NodeId {
        self.id
    }

    /// Where it was written; an alias: where the alias is. A value left out has the span of its key, or of the `-`.
    ///
    /// A block ends with its last value, before any comment or blank line; a text block starts at its `|` or `>`.
    pub fn span(self) -> Span {
        let slot = self.tree.slot(self.id);
        Span { file: self.tree.file, start: slot.start, end: slot.end }
    }

    /// Where what it stands for was written; an alias: where its anchor is.
    pub fn written(self) -> Span {
        self.target().span()
    }

    /// What it is.
    pub fn content(self) -> Content<'t> {
        let target = self.target();
        match target.slot().kind {
            Kind::Null { .. } => Content::Null,
            Kind::Bool(bool) => Content::Bool(bool),
            Kind::Integer | Kind::Float => match scalar::resolve(target.lexeme()) {
                Meaning::Integer(Integer::Signed(integer)) => Content::Integer(integer),
                Meaning::Integer(Integer::Unsigned(integer)) => Content::Unsigned(integer),
                Meaning::Float(float) => Content::Float(float),
                // Not what it means: that may be a secret.
                _ => unreachable!("a lexeme means what it meant when it was read"),
            },
            Kind::Text { .. } => Content::Text(self.tree.text(target.id)),
            Kind::List { first, len } => Content::List(Items { tree: self.tree, ids: self.tree.children(first, len) }),
            Kind::Map { first, len } => {
                Content::Map(Entries { tree: self.tree, ids: self.tree.children(first, 2 * len) })
            }
            Kind::Invalid => Content::Invalid,
            Kind::Alias(_) => unreachable!("aliases have been followed"),
        }
    }

    /// The string, if it is one.
    pub fn text(self) -> Option<&'t str> {
        match self.content() {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The items, if it is a list.
    pub fn items(self) -> Option<Items<'t>> {
        match self.content() {
            Content::List(items) => Some(items),
            _ => None,
        }
    }

    /// The entries, if it is a mapping.
    pub fn entries(self) -> Option<Entries<'t>> {
        match self.content() {
            Content::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The entry under a key, if it is a mapping that has it. Looks at one entry after the other.
    pub fn get(self, key: &str) -> Option<Entry<'t>> {
        self.entries()?.find(|entry| entry.key == key)
    }

    /// What was written, quotes and all: `01234` of an integer, `"a\tb"` of a string.
    pub fn lexeme(self) -> &'t str {
        let slot = self.target().slot();
        match slot.kind {
            Kind::Null { left_out: true } => "",
            _ => &self.tree.source.text()[slot.start as usize..slot.end as usize],
        }
    }

    /// Whether it is a string in quotes or a text block, so that it was surely meant as a string.
    pub fn is_quoted(self) -> bool {
        matches!(self.target().slot().kind, Kind::Text { quoted: true, .. })
    }

    /// Whether nothing was written where a value could be: `key:` alone.
    pub fn is_left_out(self) -> bool {
        matches!(self.target().slot().kind, Kind::Null { left_out: true })
    }

    /// Whether an entry of this mapping has been reported and left out, so that what is missing may have been in it.
    pub fn is_incomplete(self) -> bool {
        self.tree.incomplete.contains(&self.target().id)
    }

    /// Whether it has been reported already.
    pub fn is_invalid(self) -> bool {
        matches!(self.target().slot().kind, Kind::Invalid)
    }

    /// What it is, with its article, for messages: `a string`, `an integer`.
    pub fn describe(self) -> &'static str {
        match self.target().slot().kind {
            Kind::Null { .. } => "nothing",
            Kind::Bool(_) => "a boolean",
            Kind::Integer => "an integer",
            Kind::Float => "a number",
            Kind::Text { .. } => "a string",
            Kind::List { .. } => "a list",
            Kind::Map { .. } => "a mapping",
            Kind::Invalid | Kind::Alias(_) => "something invalid",
        }
    }

    fn slot(self) -> Slot {
        self.tree.slot(self.id)
    }

    fn target(self) -> Self {
        let mut node = self;
        while let Kind::Alias(id) = node.slot().kind {
            node.id = id;
        }
        node
    }
}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({}, {} at {:?})", self.id.0, self.describe(), self.span().range())
    }
}

impl fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry({}: {:?})", self.key, self.value)
    }
}

/// The items of a list, in order.
#[derive(Clone)]
pub struct Items<'t> {
    tree: &'t Tree,
    ids: &'t [NodeId],
}

impl<'t> Iterator for Items<'t> {
    type Item = Node<'t>;

    fn next(&mut self) -> Option<Node<'t>> {
        let (id, rest) = self.ids.split_first()?;
        self.ids = rest;
        Some(self.tree.node(*id))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.ids.len(), Some(self.ids.len()))
    }
}

impl ExactSizeIterator for Items<'_> {}

impl fmt::Debug for Items<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

/// The entries of a mapping, in order; no key comes twice.
#[derive(Clone)]
pub struct Entries<'t> {
    tree: &'t Tree,
    ids: &'t [NodeId],
}

impl<'t> Iterator for Entries<'t> {
    type Item = Entry<'t>;

    fn next(&mut self) -> Option<Entry<'t>> {
        let ([key, value], rest) = self.ids.split_first_chunk()?;
        self.ids = rest;
        let tree = self.tree;
        Some(Entry { key: tree.text(*key), key_span: tree.node(*key).span(), value: tree.node(*value) })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.ids.len() / 2, Some(self.ids.len() / 2))
    }
}

impl ExactSizeIterator for Entries<'_> {}

impl fmt::Debug for Entries<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_stays_small() {
        assert_eq!(size_of::<Slot>(), 20);
    }
}
