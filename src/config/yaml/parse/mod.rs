//! Parser events to a [`Tree`], with every problem reported and reading resumed where that is possible.

mod aliases;
mod keys;
mod scalars;

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScanError, StructureStyle, Tag, YamlVersion};

use super::place;
use super::syntax::{self, Context};
use super::tree::{Kind, NodeId, Slot, Tree};
use crate::model::{Code, Diagnostic, Diagnostics, FileId, SourceFile, Span};

/// How deep lists and mappings may be nested, aliases followed.
pub const MAX_DEPTH: usize = 255;
/// How many values a file may hold: scalars, lists and mappings, but not keys.
pub const MAX_VALUES: usize = 5_000_000;
/// How many values the aliases of a file may stand for.
pub const MAX_EXPANDED: u64 = 1_000_000;
/// After how many problems the rest of a file is not read any more.
pub const MAX_PROBLEMS: usize = 100;

/// Mappings up to this size are searched for a duplicate key one by one; larger ones get an index.
const FEW_KEYS: usize = 16;

/// Reads a file's documents. What is wrong is added to `diagnostics`: a document that cannot be read on is left out of the
/// tree, and any other problem leaves a value that says [`Content::Invalid`](super::Content::Invalid).
pub fn parse(file: FileId, source: &Arc<SourceFile>, diagnostics: &mut Diagnostics) -> Tree {
    parse_within(MAX_VALUES, file, source, diagnostics)
}

/// [`parse()`] with another limit than [`MAX_VALUES`].
pub(super) fn parse_within(
    max_values: usize,
    file: FileId,
    source: &Arc<SourceFile>,
    diagnostics: &mut Diagnostics,
) -> Tree {
    let mut builder = Builder {
        text: source.text(),
        tree: Tree::new(file, source),
        diagnostics,
        problems: 0,
        max_values,
        values: 0,
        expanded: 0,
        stack: Vec::new(),
        pending: Vec::new(),
        anchors: HashMap::new(),
        root: None,
        last_end: 0,
        start: Mark::default(),
        warned: false,
    };
    // Most files have more than ten bytes a node, so one allocation does; doubling would need twice the memory.
    builder.tree.nodes.reserve(source.text().len() / 10);
    builder.tree.children.reserve(source.text().len() / 10);
    builder.run();
    let mut tree = builder.tree;
    tree.nodes.shrink_to_fit();
    tree.children.shrink_to_fit();
    tree.decoded.shrink_to_fit();
    tree
}

/// What comes after an event.
enum Step {
    Next,
    /// Give this document up and go to the next one.
    NextDocument,
    /// Read no further.
    Stop,
}

struct Builder<'s, 'd> {
    text: &'s str,
    tree: Tree,
    diagnostics: &'d mut Diagnostics,
    problems: usize,
    max_values: usize,
    values: usize,
    expanded: u64,
    stack: Vec<Frame<'s>>,
    /// Children of the collections on the stack, those of the innermost last.
    pending: Vec<NodeId>,
    /// By the parser's number, those of this document.
    anchors: HashMap<usize, Anchor>,
    root: Option<NodeId>,
    /// Where the last value, key or bracket ended.
    last_end: usize,
    /// Where this document starts in the tree.
    start: Mark,
    /// Whether the YAML version has been remarked upon; once a file is enough.
    warned: bool,
}

/// How full the tree's parts were when a document began.
#[derive(Default)]
struct Mark {
    nodes: usize,
    children: usize,
    decoded: usize,
    documents: usize,
}

/// A list or mapping that is being read.
struct Frame<'s> {
    id: NodeId,
    first_pending: usize,
    map: bool,
    flow: bool,
    /// Has been reported; its content is still read, for the problems in it.
    invalid: bool,
    anchor: usize,
    size: Size,
    key: Key,
    /// The keys so far, once they are many.
    index: Option<HashMap<Cow<'s, str>, NodeId>>,
}

/// Where a mapping stands between a key and its value.
#[derive(Clone, Copy)]
enum Key {
    Expected,
    Read(NodeId),
    /// Reported: the value is read and dropped.
    Refused {
        start: u32,
        end: u32,
    },
}

/// What a value expands to when aliases are followed.
#[derive(Clone, Copy)]
struct Size {
    values: u64,
    height: usize,
}

const SCALAR: Size = Size { values: 1, height: 0 };

struct Anchor {
    id: NodeId,
    /// Where `&name` stands, once the parser has said so.
    name: Option<Range<usize>>,
    /// `None` while its value is being read.
    size: Option<Size>,
}

impl<'s> Builder<'s, '_> {
    fn run(&mut self) {
        let options = granit_parser::options! {
            emit_comments: false,
            emit_unresolved_aliases: true,
            emit_anchor_events: true,
            flow_nesting_limit: MAX_DEPTH + 1,
            block_nesting_limit: MAX_DEPTH + 1,
        };
        let mut parser = Parser::new_from_str_with_options(self.text, options);
        while let Some(next) = parser.next_event() {
            let step = match next {
                Ok((event, span)) => self.event(event, &span),
                Err(error) => self.syntax_error(&error),
            };
            let give_up = self.problems >= MAX_PROBLEMS || matches!(step, Step::Stop);
            if give_up || matches!(step, Step::NextDocument) {
                self.abandon_document();
            }
            if give_up {
                return;
            }
            if matches!(step, Step::NextDocument) && !matches!(parser.proceed_next_document(), Ok(true)) {
                return;
            }
        }
    }

    fn event(&mut self, event: Event<'s>, span: &granit_parser::Span) -> Step {
        let at = span.byte_range().expect("the parser counts bytes of a `&str`");
        match event {
            Event::DocumentStart(_, version) => {
                self.open_document(&at, version);
                Step::Next
            }
            Event::DocumentEnd => {
                self.close_document();
                Step::Next
            }
            Event::Scalar(text, style, anchor, tag) => self.scalar(text, style, anchor, tag.as_deref(), at, span),
            Event::SequenceStart(style, anchor, tag) => self.open(false, style, anchor, tag.as_deref(), at, span),
            Event::MappingStart(style, anchor, tag) => self.open(true, style, anchor, tag.as_deref(), at, span),
            Event::SequenceEnd | Event::MappingEnd => self.close(&at),
            Event::Alias(anchor) => self.alias(anchor, at),
            Event::UnresolvedAlias(name) => self.unknown_alias(&name, at),
            Event::Anchor(anchor, _) => {
                if let Some(anchor) = self.anchors.get_mut(&anchor) {
                    anchor.name = Some(at);
                }
                Step::Next
            }
            _ => Step::Next,
        }
    }

    fn span(&self, at: Range<usize>) -> Span {
        Span::new(self.tree.file, at)
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.problems += 1;
        let last = (self.problems == MAX_PROBLEMS).then(|| diagnostic.span()).flatten();
        self.diagnostics.push(diagnostic);
        if let Some(span) = last {
            self.diagnostics.push(
                Diagnostic::error(
                    Code::TooManyProblems,
                    format!("{MAX_PROBLEMS} problems in this file, the rest is not read"),
                )
                .at(span, "the last one that is shown")
                .help("mend these first; if most are alike, the first one may explain the others"),
            );
        }
    }

    fn syntax_error(&mut self, error: &ScanError) -> Step {
        if self.stack.is_empty() && syntax::continues_last_document(error) {
            // What was taken for a whole document was the beginning of this one.
            if let Some(last) = self.tree.documents.len().checked_sub(1)
                && self.start.documents == last
            {
                self.tree.documents.pop();
            }
        }
        let starts = self.stack.iter().rev().map(|frame| self.tree.slot(frame.id).start as usize);
        // The mapping in `[a: 1]` has no bracket of its own.
        let open = starts
            .zip(self.stack.iter().rev())
            .find(|(at, frame)| frame.flow && self.text[*at..].starts_with(['[', '{']));
        let open = open.map(|(at, _)| at);
        let context = Context { file: self.tree.file, text: self.text, last_end: self.last_end, open };
        self.report(syntax::explain(error, &context));
        Step::NextDocument
    }

    // Documents

    fn open_document(&mut self, at: &Range<usize>, version: Option<YamlVersion>) {
        self.start = Mark {
            nodes: self.tree.nodes.len(),
            children: self.tree.children.len(),
            decoded: self.tree.decoded.len(),
            documents: self.tree.documents.len(),
        };
        self.last_end = at.end;
        if !self.warned && version.is_some_and(|version| (version.major, version.minor) == (1, 1)) {
            self.warned = true;
            let directive = self.text[..at.start].rfind("%YAML").map_or(at.clone(), |from| {
                let line = &self.text[from..];
                from..from + line.find(['\r', '\n']).unwrap_or(line.len())
            });
            // A file that says so is often read by other tools too, so this stops nothing.
            self.diagnostics.push(
                Diagnostic::warning(Code::YamlUnsupported, "the document asks for YAML 1.1 and is read as YAML 1.2")
                    .at(self.span(directive), "`yes`, `no`, `on` and `off` below are strings, `010` is ten")
                    .help("remove the `%YAML` line, and write booleans as `true` and `false`"),
            );
        }
    }

    fn close_document(&mut self) {
        self.anchors.clear();
        match self.root.take() {
            // `---` with nothing after it declares nothing.
            Some(root) if matches!(self.tree.slot(root).kind, Kind::Null { left_out: true }) => {
                self.tree.nodes.truncate(self.start.nodes);
            }
            Some(root) => self.tree.documents.push(root),
            None => {}
        }
    }

    fn abandon_document(&mut self) {
        self.stack.clear();
        self.pending.clear();
        self.anchors.clear();
        self.root = None;
        // An error between two documents comes after the last one has been closed.
        if self.tree.documents.len() == self.start.documents {
            self.tree.nodes.truncate(self.start.nodes);
            self.tree.children.truncate(self.start.children);
            self.tree.decoded.truncate(self.start.decoded);
        }
    }

    // Values

    fn add(&mut self, at: Range<usize>, kind: Kind) -> NodeId {
        let id = NodeId(narrow(self.tree.nodes.len()));
        self.tree.nodes.push(Slot { start: narrow(at.start), end: narrow(at.end.max(at.start)), kind });
        id
    }

    /// Hands a finished value to the collection it is in.
    fn attach(&mut self, id: NodeId, size: Size) -> Step {
        self.values += 1;
        if self.values > self.max_values {
            let slot = self.tree.slot(id);
            let at = self.span(slot.start as usize..slot.end as usize);
            self.report(
                Diagnostic::error(Code::YamlLimit, format!("more than {} values in one file", self.max_values))
                    .at(at, "reading stops here")
                    .help("split the file into several"),
            );
            return Step::Stop;
        }
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(id);
            return Step::Next;
        };
        frame.size.values = frame.size.values.saturating_add(size.values);
        frame.size.height = frame.size.height.max(size.height + 1);
        if !frame.map {
            self.pending.push(id);
            return Step::Next;
        }
        frame.key = match frame.key {
            Key::Read(key) => {
                self.pending.extend([key, id]);
                Key::Expected
            }
            Key::Refused { .. } => Key::Expected,
            // A collection or an alias where a key should be; it has been reported.
            Key::Expected => {
                let slot = self.tree.slot(id);
                Key::Refused { start: slot.start, end: slot.end }
            }
        };
        Step::Next
    }

    fn expects_key(&self) -> bool {
        self.stack.last().is_some_and(|frame| frame.map && matches!(frame.key, Key::Expected))
    }

    fn anchor(&mut self, anchor: usize, id: NodeId, size: Option<Size>) {
        if anchor != 0 {
            self.anchors.insert(anchor, Anchor { id, name: None, size });
        }
    }

    // Collections

    fn open(
        &mut self,
        map: bool,
        style: StructureStyle,
        anchor: usize,
        tag: Option<&Tag>,
        mut at: Range<usize>,
        span: &granit_parser::Span,
    ) -> Step {
        let flow = style == StructureStyle::Flow;
        if !map && !flow && self.stack.last().is_some_and(|frame| frame.map) {
            at.start = place::first_dash(self.text, self.last_end, at.start).unwrap_or(at.start);
        }
        if self.stack.len() >= MAX_DEPTH {
            self.report(syntax::too_deep(self.span(at)));
            return Step::NextDocument;
        }
        let invalid = match tag {
            Some(tag) if tag.core_suffix() != Some(if map { "map" } else { "seq" }) => {
                self.report(self.unfit_tag(tag, span, &at, if map { "this mapping" } else { "this list" }));
                true
            }
            _ => false,
        };
        if self.expects_key() {
            let what = if map { "a mapping" } else { "a list" };
            let templated = map && flow && self.text[..at.start].ends_with('{');
            let help = if templated {
                "if `{{ … }}` is meant as text, quote it: `\"{{ … }}\"`; to insert a value write `${var.NAME}`"
            } else if map && flow {
                "only strings can be keys; if the braces belong to the text, quote it"
            } else {
                "only strings can be keys; if the brackets belong to the text, quote it"
            };
            let diagnostic = Diagnostic::error(Code::YamlUnsupported, format!("{what} cannot be a key"))
                .at(self.span(at.start..at.end.max(at.start)), format!("{what} stands where a key belongs"))
                .help(help);
            self.report(diagnostic);
        }
        let id = self.add(at, Kind::Invalid);
        self.anchor(anchor, id, None);
        self.stack.push(Frame {
            id,
            first_pending: self.pending.len(),
            map,
            flow,
            invalid,
            anchor,
            size: Size { values: 1, height: 1 },
            key: Key::Expected,
            index: None,
        });
        Step::Next
    }

    fn close(&mut self, at: &Range<usize>) -> Step {
        let frame = self.stack.pop().expect("the parser closes what it has opened");
        // The end of a block is reported at whatever comes next; that of a mapping in a list `[a: 1]`, too.
        let bracket = frame.flow && !at.is_empty();
        if bracket {
            self.last_end = self.last_end.max(at.end);
        }
        let first = narrow(self.tree.children.len());
        let len = self.pending.len() - frame.first_pending;
        if frame.invalid {
            self.pending.truncate(frame.first_pending);
        } else {
            self.tree.children.extend(self.pending.drain(frame.first_pending..));
        }
        let slot = &mut self.tree.nodes[frame.id.0 as usize];
        slot.end = narrow(self.last_end).max(slot.start);
        slot.kind = match (frame.invalid, frame.map) {
            (true, _) => Kind::Invalid,
            (false, true) => Kind::Map { first, len: narrow(len / 2) },
            (false, false) => Kind::List { first, len: narrow(len) },
        };
        if frame.anchor != 0
            && let Some(anchor) = self.anchors.get_mut(&frame.anchor)
        {
            anchor.size = Some(frame.size);
        }
        self.attach(frame.id, frame.size)
    }
}

/// Offsets and counts fit: a file has at most 64 MiB, and a value takes at least a byte.
fn narrow(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}
