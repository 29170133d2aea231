//! A graph as text that other tools draw: Mermaid and Graphviz.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::Graph;
use crate::plan::Action;

impl Graph {
    /// The lines of a Mermaid graph.
    pub(in crate::render) fn mermaid_lines(&self) -> Vec<String> {
        let mut lines = vec!["graph LR".to_owned()];
        for (at, node) in self.nodes.iter().enumerate() {
            let class = node.action().filter(|action| *action != Action::Unchanged);
            let class = class.map(|action| format!(":::{}", action.as_str())).unwrap_or_default();
            lines.push(format!("  n{at}[\"{}\"]{class}", mermaid_text(&self.label(at))));
        }
        lines.extend(self.edges.iter().map(|(from, to)| format!("  n{from} --> n{to}")));
        for (action, fill, stroke) in COLORS {
            if self.nodes.iter().any(|node| node.action() == Some(action)) {
                lines.push(format!("  classDef {} fill:{fill},stroke:{stroke},color:{INK}", action.as_str()));
            }
        }
        lines
    }

    /// Writes it as Mermaid, `graph --format mermaid`.
    pub fn mermaid(&self, out: &mut dyn Write) -> io::Result<()> {
        self.mermaid_lines().iter().try_for_each(|line| writeln!(out, "{line}"))
    }

    /// Writes it for Graphviz, `graph --format dot`.
    pub fn dot(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "digraph trueup {{\n  rankdir=LR;\n  node [shape=box, style=\"rounded,filled\", fillcolor=white];"
        )?;
        for (at, node) in self.nodes.iter().enumerate() {
            let color = COLORS.iter().find(|(action, ..)| node.action() == Some(*action));
            let color = color.map(|(_, fill, stroke)| format!(", fillcolor=\"{fill}\", color=\"{stroke}\""));
            writeln!(out, "  n{at} [label=\"{}\"{}];", dot_text(&self.label(at)), color.unwrap_or_default())?;
        }
        for (from, to) in &self.edges {
            writeln!(out, "  n{from} -> n{to};")?;
        }
        writeln!(out, "}}")
    }
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
const INK: &str = "#1f2328";

/// A label that can end no quote, start no directive and hold no markup: what is not plainly text becomes Mermaid's own
/// form of a character, `#34;`.
fn mermaid_text(label: &str) -> String {
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

/// A quoted string of Graphviz: a backslash would begin an escape, an ampersand an entity. In a log it is a command to nobody.
fn dot_text(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('&', "&amp;").replace("##[", "&#35;#[")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::reviewed::{NASTY, reviewed};
    use crate::render::testing::as_text;

    #[test]
    fn a_plan_is_drawn_with_its_actions() {
        let (mut plan, _) = reviewed();
        plan.steps[1].address.key = NASTY.into();
        plan.steps[5].requires[0] = plan.steps[1].address.clone();
        let graph = Graph::planned(&plan);
        insta::assert_snapshot!("mermaid", as_text(|out| graph.mermaid(out)));
        insta::assert_snapshot!("dot", as_text(|out| graph.dot(out)));
    }

    #[test]
    fn a_label_cannot_leave_its_quotes() {
        assert_eq!(mermaid_text("x instances.acme-1"), "x instances.acme-1");
        assert_eq!(mermaid_text("\"]\n%%{init: <b>`#;"), "#34;#93;#10;#37;#37;#123;init#58; #60;b#62;#96;#35;#59;");
        assert_eq!(dot_text("a\\\"b\\N&lt;"), "a\\\\\\\"b\\\\N&amp;lt;");
    }
}
