//! Where the values of a resource stand: its body in the tree of its file.

use std::sync::Arc;

use super::yaml::{NodeId, Tree};
use crate::model::{Locate, Path, Span};

/// The body of a resource. Keeps its file's tree alive.
pub(super) struct Body {
    pub tree: Arc<Tree>,
    pub node: NodeId,
    pub key_span: Span,
}

impl Locate for Body {
    fn value(&self, path: &Path) -> (Span, bool) {
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
    fn has(&self, segment: &crate::model::Segment) -> bool {
        self.tree.node(self.node).locate(&Path(vec![segment.clone()])).1
    }
}
