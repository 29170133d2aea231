//! What is touched and in which order, as a Mermaid graph, where it is small enough to help.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::fit::{About, Piece};
use super::text::{block, cut};
use crate::model::Address;
use crate::plan::{Action, Plan, Step};

/// More resources than this are no picture.
const MOST: usize = 30;

/// Characters of a label.
const LABEL: usize = 80;

/// The graph of what is touched; `None` where no edge would be in it.
pub(super) fn graph(plan: &Plan) -> Option<Piece> {
    let touched: Vec<&Step> = plan.steps.iter().filter(|step| step.action != Action::Unchanged).collect();
    let numbers: HashMap<&Address, usize> = touched.iter().enumerate().map(|(at, step)| (&step.address, at)).collect();
    let edges: Vec<(usize, usize)> = touched
        .iter()
        .enumerate()
        .flat_map(|(at, step)| step.requires.iter().filter_map(|address| numbers.get(address)).map(move |to| (*to, at)))
        .collect();
    if touched.len() > MOST || edges.is_empty() {
        return None;
    }
    let mut lines = vec!["graph LR".to_owned()];
    for (at, step) in touched.iter().enumerate() {
        let label = cut(&format!("{} {}", step.action.sign().trim(), step.address), LABEL);
        lines.push(format!("  n{at}[\"{}\"]:::{}", harmless(&label), step.action.as_str()));
    }
    lines.extend(edges.iter().map(|(from, to)| format!("  n{from} --> n{to}")));
    for (action, fill, stroke) in COLORS {
        if touched.iter().any(|step| step.action == action) {
            let name = action.as_str();
            lines.push(format!("  classDef {name} fill:{fill},stroke:{stroke},color:#1f2328"));
        }
    }
    let full = format!("\n{}", block("mermaid", &lines));
    Some(Piece { about: About::Extra, brief: None, full })
}

/// Readable on light and dark ground alike, because text and ground are both given.
const COLORS: [(Action, &str, &str); 7] = [
    (Action::Create, "#dafbe1", "#1a7f37"),
    (Action::Update, "#fff8c5", "#9a6700"),
    (Action::Replace, "#ffebe9", "#cf222e"),
    (Action::Delete, "#ffebe9", "#cf222e"),
    (Action::Recover, "#fbefff", "#8250df"),
    (Action::Wait, "#ddf4ff", "#0969da"),
    (Action::Blocked, "#eaeef2", "#cf222e"),
];

/// A label that can end no quote, start no directive and hold no markup: what is not plainly text becomes Mermaid's own
/// form of a character, `#34;`.
fn harmless(label: &str) -> String {
    let mut out = String::with_capacity(label.len());
    for char in label.chars() {
        if char.is_alphanumeric() || matches!(char, ' ' | '.' | '-' | '_' | '/' | '+' | '~' | '!') {
            out.push(char);
        } else {
            write!(out, "#{};", u32::from(char)).expect("a string can be written to");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_cannot_leave_its_quotes() {
        assert_eq!(harmless("x instances.acme-1"), "x instances.acme-1");
        assert_eq!(harmless("\"]\n%%{init: <b>`#;"), "#34;#93;#10;#37;#37;#123;init#58; #60;b#62;#96;#35;#59;");
    }
}
