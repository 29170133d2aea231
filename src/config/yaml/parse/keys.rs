//! Keys: strings, each once in its mapping.

use std::borrow::Cow;
use std::ops::Range;

use granit_parser::{ScalarStyle, Tag};

use super::scalars::is_string_tag;
use super::{Builder, FEW_KEYS, Key, SCALAR, Step, narrow};
use crate::config::yaml::place;
use crate::config::yaml::scalar::{self, Meaning};
use crate::config::yaml::syntax::shown;
use crate::config::yaml::tree::{Kind, NodeId};
use crate::model::{Code, Diagnostic};

impl<'s> Builder<'s, '_> {
    pub(super) fn key(
        &mut self,
        text: Cow<'s, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        at: Range<usize>,
        span: &granit_parser::Span,
    ) -> Step {
        let plain = style == ScalarStyle::Plain;
        let at = match style {
            ScalarStyle::Literal | ScalarStyle::Folded => place::text_block(self.text, self.last_end, at),
            // `: value`; the colon is all there is to point at.
            _ if at.is_empty() && self.text[at.start..].starts_with(':') => at.start..at.start + 1,
            _ => at,
        };
        self.last_end = self.last_end.max(at.end);
        let key = match self.refusal(&text, plain, tag, span, &at) {
            None => {
                let id = self.string(&text, at.clone(), !plain);
                self.anchor(anchor, id, Some(SCALAR));
                match self.duplicate_of(text, id) {
                    None => Key::Read(id),
                    Some(first) => {
                        self.report_duplicate(id, first);
                        refused(&at)
                    }
                }
            }
            Some(diagnostic) => {
                self.report(diagnostic);
                if let Some(frame) = self.stack.last() {
                    self.tree.incomplete.push(frame.id);
                }
                if anchor != 0 {
                    let id = self.add(at.clone(), Kind::Invalid);
                    self.anchor(anchor, id, Some(SCALAR));
                }
                refused(&at)
            }
        };
        self.set_key(key)
    }

    /// Why a scalar cannot be a key.
    fn refusal(
        &self,
        text: &str,
        plain: bool,
        tag: Option<&Tag>,
        span: &granit_parser::Span,
        at: &Range<usize>,
    ) -> Option<Diagnostic> {
        let refuse = |message: String, label: &str, help: String| {
            Some(Diagnostic::error(Code::YamlUnsupported, message).at(self.span(at.clone()), label).help(help))
        };
        if plain && (at.is_empty() || text == "~" && &self.text[at.clone()] == ":") {
            return refuse(
                "a key is missing".to_owned(),
                "nothing stands before the `:`",
                "write the key; a value that starts with `:` needs quotes".to_owned(),
            );
        }
        let not_a_string = |label: &str| {
            refuse(
                format!("the key `{}` is not a string", shown(text)),
                label,
                format!("quote it: `\"{}\":`", shown(text)),
            )
        };
        match tag {
            Some(tag) if is_string_tag(tag) => return None,
            Some(tag) if tag.core_suffix().is_some() => return not_a_string("its tag says so"),
            Some(tag) => return Some(self.unfit_tag(tag, span, at, "this key")),
            None if !plain => return None,
            None => {}
        }
        if text == "<<" {
            return refuse(
                "merge keys (`<<`) are not supported".to_owned(),
                "not part of YAML 1.2: tools disagree about what it does",
                "write the fields out here, or share a whole value: `metadata: &shared {…}` once, \
                 then `metadata: *shared`"
                    .to_owned(),
            );
        }
        match scalar::resolve(text) {
            Meaning::Text => None,
            Meaning::Null => not_a_string("without quotes this is null"),
            Meaning::Bool(_) => not_a_string("without quotes this is a boolean"),
            _ => not_a_string("without quotes this is a number"),
        }
    }

    fn set_key(&mut self, key: Key) -> Step {
        if let Some(frame) = self.stack.last_mut() {
            frame.key = key;
        }
        Step::Next
    }

    /// The first key of the innermost mapping with this text; remembers the key if there is none.
    fn duplicate_of(&mut self, text: Cow<'s, str>, id: NodeId) -> Option<NodeId> {
        let frame = self.stack.last_mut().expect("a key is in a mapping");
        let keys = self.pending[frame.first_pending..].iter().step_by(2).copied();
        if frame.index.is_none() && keys.len() < FEW_KEYS {
            return keys.into_iter().find(|key| self.tree.text(*key) == text);
        }
        let index = frame.index.get_or_insert_with(|| {
            let entry = |key: NodeId| match self.tree.slot(key).kind {
                Kind::Text { start, len, decoded: false, .. } => {
                    Cow::Borrowed(&self.text[start as usize..(start + len) as usize])
                }
                _ => Cow::Owned(self.tree.text(key).to_owned()),
            };
            keys.map(|key| (entry(key), key)).collect()
        });
        match index.entry(text) {
            std::collections::hash_map::Entry::Occupied(first) => Some(*first.get()),
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(id);
                None
            }
        }
    }

    fn report_duplicate(&mut self, second: NodeId, first: NodeId) {
        let text = shown(self.tree.text(second)).into_owned();
        let diagnostic = Diagnostic::error(Code::YamlDuplicateKey, format!("duplicate key `{text}`"))
            .at(self.tree.node(second).span(), "this mapping has the key already")
            .also(self.tree.node(first).span(), "first here")
            .help("remove one of the two, or rename it");
        self.report(diagnostic);
    }
}

fn refused(at: &Range<usize>) -> Key {
    Key::Refused { start: narrow(at.start), end: narrow(at.end) }
}
