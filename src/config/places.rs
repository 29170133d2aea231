//! Where the values of a resource stand: its body in the tree of its file.

use std::sync::Arc;

use super::yaml::{NodeId, Tree};
use crate::model::{Locate, Path, Segment, Span};

/// The body of a resource. Keeps its file's tree alive.
pub(super) struct Body {
    pub tree: Arc<Tree>,
    pub node: NodeId,
    pub key_span: Span,
    /// The field that the body is the value of, where it is not a mapping of fields.
    pub short: Option<&'static str>,
}

impl Locate for Body {
    fn value(&self, path: &Path) -> (Span, bool) {
        if let Some(inner) = self.inside_value(path) {
            return self.tree.node(self.node).locate(&inner);
        }
        let (span, exact) = self.tree.node(self.node).locate(path);
        // What is not declared at all is best told where the resource is named: its body may be a screen long.
        let top = path.0.len() == 1 || path.0.first().is_some_and(|first| !self.has(first));
        if !exact && top { (self.key_span, false) } else { (span, exact) }
    }

    fn key(&self, path: &Path) -> Option<Span> {
        self.tree.node(self.node).key_span(path)
    }
}

impl Body {
    /// The rest of a path into the field that the body is the value of.
    fn inside_value(&self, path: &Path) -> Option<Path> {
        let (Segment::Key(first), rest) = path.0.split_first()? else { return None };
        (self.short? == &**first).then(|| Path(rest.to_vec()))
    }

    fn has(&self, segment: &Segment) -> bool {
        self.tree.node(self.node).locate(&Path(vec![segment.clone()])).1
    }
}
