//! Scalars as values, with and without tags.

use std::borrow::Cow;
use std::ops::Range;

use granit_parser::{ScalarStyle, Tag};

use super::{Builder, Frame, Key, SCALAR, Step, narrow};
use crate::config::yaml::place;
use crate::config::yaml::scalar::{self, Meaning};
use crate::config::yaml::syntax::shown;
use crate::config::yaml::tree::{Kind, NodeId};
use crate::model::{Code, Diagnostic};

impl<'s> Builder<'s, '_> {
    pub(super) fn scalar(
        &mut self,
        text: Cow<'s, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        at: Range<usize>,
        span: &granit_parser::Span,
    ) -> Step {
        if self.expects_key() {
            return self.key(text, style, anchor, tag, at, span);
        }
        let plain = style == ScalarStyle::Plain;
        let left_out = plain && at.is_empty();
        let at = match style {
            _ if left_out && tag.is_some() => tag_range(span).unwrap_or(at),
            _ if left_out => self.place_of_nothing(at),
            ScalarStyle::Literal | ScalarStyle::Folded => place::text_block(self.text, self.last_end, at),
            _ => at,
        };
        self.last_end = self.last_end.max(at.end);
        let id = match tag {
            None if left_out => self.add(at, Kind::Null { left_out: true }),
            None if plain => self.plain(&text, at),
            None => self.string(&text, at, true),
            Some(tag) => self.tagged(tag, &text, plain, at, span),
        };
        self.anchor(anchor, id, Some(SCALAR));
        self.attach(id, SCALAR)
    }

    fn plain(&mut self, text: &str, at: Range<usize>) -> NodeId {
        let kind = match scalar::resolve(text) {
            Meaning::Text => return self.string(text, at, false),
            Meaning::Null => Kind::Null { left_out: false },
            Meaning::Bool(bool) => Kind::Bool(bool),
            Meaning::Integer(_) => Kind::Integer,
            Meaning::Float(_) => Kind::Float,
            Meaning::IntegerTooLarge => self.bad_number(
                &at,
                format!("`{}` does not fit into 64 bits", shown(text)),
                "integers go from -9223372036854775808 to 18446744073709551615",
                text,
            ),
            Meaning::FloatTooLarge => self.bad_number(
                &at,
                format!("`{}` is too large for a number", shown(text)),
                "numbers go up to about 1.8e308",
                text,
            ),
            Meaning::NotFinite => self.bad_number(
                &at,
                format!("`{}` cannot be sent: JSON has no such number", shown(text)),
                "YAML reads this as a number",
                text,
            ),
        };
        self.add(at, kind)
    }

    fn bad_number(&mut self, at: &Range<usize>, message: String, label: &str, text: &str) -> Kind {
        let diagnostic = Diagnostic::error(Code::YamlNumber, message)
            .at(self.span(at.clone()), label)
            .help(format!("if it is a name or a number nobody calculates with, quote it: `\"{}\"`", shown(text)));
        self.report(diagnostic);
        Kind::Invalid
    }

    pub(super) fn string(&mut self, text: &str, at: Range<usize>, quoted: bool) -> NodeId {
        let (start, decoded) = self.keep(text, at.start + usize::from(quoted));
        self.add(at, Kind::Text { start, len: narrow(text.len()), decoded, quoted })
    }

    /// Where a text is: in the source if it stands there literally, else in the tree's own buffer.
    fn keep(&mut self, text: &str, start: usize) -> (u32, bool) {
        if self.text.get(start..).is_some_and(|rest| rest.starts_with(text)) {
            return (narrow(start), false);
        }
        let at = self.tree.decoded.len();
        self.tree.decoded.push_str(text);
        (narrow(at), true)
    }

    fn tagged(&mut self, tag: &Tag, text: &str, plain: bool, at: Range<usize>, span: &granit_parser::Span) -> NodeId {
        if is_string_tag(tag) {
            return self.string(text, at, true);
        }
        let meaning = if plain { scalar::resolve(text) } else { Meaning::Text };
        let fits = match (tag.core_suffix(), meaning) {
            (Some("null"), Meaning::Null) => return self.add(at, Kind::Null { left_out: false }),
            (Some("bool"), meaning) => matches!(meaning, Meaning::Bool(_)),
            (Some("int"), meaning) => matches!(meaning, Meaning::Integer(_) | Meaning::IntegerTooLarge),
            (Some("float"), meaning) => !matches!(meaning, Meaning::Text | Meaning::Null | Meaning::Bool(_)),
            _ => false,
        };
        if fits {
            return self.plain(text, at);
        }
        self.report(self.unfit_tag(tag, span, &at, "this value"));
        self.add(at, Kind::Invalid)
    }

    /// Why a tag is refused: not one of the core schema's, or not what its value is.
    pub(super) fn unfit_tag(
        &self,
        tag: &Tag,
        span: &granit_parser::Span,
        value: &Range<usize>,
        what: &str,
    ) -> Diagnostic {
        let range = tag_range(span).unwrap_or_else(|| value.clone());
        let written = shown(&self.text[range.clone()]).into_owned();
        if tag.core_suffix().is_some() {
            Diagnostic::error(Code::YamlUnsupported, format!("`{written}` does not fit the value it stands before"))
                .at(self.span(range), format!("{what} is not of this type"))
                .help("remove the tag: quotes make a string, and without quotes the value itself says what it is")
        } else {
            Diagnostic::error(Code::YamlUnsupported, format!("the tag `{written}` is not supported"))
                .at(self.span(range), "tags of other tools mean nothing here")
                .help(
                    "remove it; if the `!` belongs to the text, quote the text; for a secret declare a \
                     sensitive variable \
                     in `trueup.toml` and write `${var.NAME}`",
                )
        }
    }

    /// What to point at when a value has been left out: its key, or the `-` of its list.
    fn place_of_nothing(&self, at: Range<usize>) -> Range<usize> {
        match self.stack.last() {
            Some(Frame { map: true, key: Key::Read(key), .. }) => {
                let key = self.tree.slot(*key);
                key.start as usize..key.end as usize
            }
            Some(Frame { map: true, key: Key::Refused { start, end }, .. }) => *start as usize..*end as usize,
            Some(Frame { map: false, flow: false, .. }) => {
                place::last_dash(self.text, self.last_end, at.start).map_or(at, |dash| dash..dash + 1)
            }
            _ => at,
        }
    }
}

/// Whether a tag makes a string of any scalar: `!!str`, or `!` alone.
pub(super) fn is_string_tag(tag: &Tag) -> bool {
    tag.core_suffix() == Some("str") || tag.handle().is_empty() && tag.suffix() == "!"
}

fn tag_range(span: &granit_parser::Span) -> Option<Range<usize>> {
    span.tag_span()?.byte_range()
}
