//! Aliases: kept as references, as far as following them ends and stays small.

use std::ops::Range;

use super::{Builder, MAX_DEPTH, MAX_EXPANDED, SCALAR, Step};
use crate::config::yaml::syntax::{self, shown};
use crate::config::yaml::tree::Kind;
use crate::model::{Code, Diagnostic};

impl Builder<'_, '_> {
    pub(super) fn alias(&mut self, anchor: usize, at: Range<usize>) -> Step {
        self.last_end = self.last_end.max(at.end);
        let name = shown(&self.text[at.start + 1..at.end]).into_owned();
        let span = self.span(at.clone());
        let target = self.anchors.get(&anchor).map(|anchor| (anchor.id, anchor.name.clone(), anchor.size));
        let Some((target, anchor_name, size)) = target else {
            return self.unknown_alias(&name, at);
        };
        let defined = |diagnostic: Diagnostic, label: &str, builder: &Self| match anchor_name.clone() {
            Some(range) => diagnostic.also(builder.span(range), label),
            None => diagnostic,
        };
        let refusal = if self.expects_key() {
            Some(
                Diagnostic::error(Code::YamlUnsupported, format!("the alias `*{name}` cannot be a key"))
                    .at(span, "only strings can be keys")
                    .help("write the key out; if the `*` belongs to it, quote it"),
            )
        } else {
            match size {
                None => Some(defined(
                    Diagnostic::error(Code::YamlAnchor, format!("`*{name}` stands inside the value it stands for"))
                        .at(span, "this would never end")
                        .help(format!("move `&{name}` to a value that does not contain this alias")),
                    "the value begins here",
                    self,
                )),
                Some(size) if self.expanded.saturating_add(size.values) > MAX_EXPANDED => Some(defined(
                    Diagnostic::error(
                        Code::YamlLimit,
                        format!("the aliases of this file stand for more than {MAX_EXPANDED} values"),
                    )
                    .at(span, format!("this one stands for {} more", size.values))
                    .help("use fewer aliases to large values, above all aliases inside aliased values"),
                    "its value begins here",
                    self,
                )),
                Some(size) if self.stack.len() + size.height > MAX_DEPTH => {
                    let diagnostic = syntax::too_deep(span);
                    Some(defined(diagnostic, "this value, put in place of the alias, goes too deep", self))
                }
                Some(_) => None,
            }
        };
        let Some(diagnostic) = refusal else {
            let size = size.expect("an open anchor has been refused");
            self.expanded += size.values;
            let id = self.add(at, Kind::Alias(target));
            return self.attach(id, size);
        };
        self.report(diagnostic);
        let id = self.add(at, Kind::Invalid);
        self.attach(id, SCALAR)
    }

    pub(super) fn unknown_alias(&mut self, name: &str, at: Range<usize>) -> Step {
        self.last_end = self.last_end.max(at.end);
        let name = shown(name);
        self.report(
            Diagnostic::error(Code::YamlAnchor, format!("no anchor `&{name}` above in this document"))
                .at(self.span(at.clone()), "an unquoted `*` refers to an anchor")
                .help(format!(
                    "put `&{name}` before the value it stands for; if the `*` belongs to the text, \
                 quote it: `\"*{name}\"`"
                )),
        );
        let id = self.add(at, Kind::Invalid);
        self.attach(id, SCALAR)
    }
}
