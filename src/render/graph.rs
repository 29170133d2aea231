//! What depends on what, as text that other tools draw: Mermaid and Graphviz.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use super::clean_line;
use super::layout::cut;
use crate::model::{Address, Desired};
use crate::plan::{Action, Plan, Step};

/// Characters of a label.
const LABEL: usize = 80;

/// Resources and their dependencies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    nodes: Vec<Node>,
    /// From what is required to what requires it, by their places among the nodes.
    edges: Vec<(usize, usize)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Node {
    address: String,
    action: Option<Action>,
}

impl Graph {
    /// Of what is declared.
    pub fn declared(desired: &Desired) -> Self {
        let resources = desired.resources.values();
        Self::new(resources.map(|resource| {
            let requires = resource.requires.iter().map(|(address, _)| address).collect();
            (&resource.address, None, requires)
        }))
    }

    /// Of a plan, each resource with its action.
    pub fn planned(plan: &Plan) -> Self {
        Self::of_steps(plan.steps.iter())
    }

    /// Of what a plan does not leave as it is.
    pub fn touched(plan: &Plan) -> Self {
        Self::of_steps(plan.steps.iter().filter(|step| step.action != Action::Unchanged))
    }

    fn of_steps<'a>(steps: impl Iterator<Item = &'a Step>) -> Self {
        Self::new(steps.map(|step| (&step.address, Some(step.action), step.requires.iter().collect())))
    }

    fn new<'a>(resources: impl Iterator<Item = (&'a Address, Option<Action>, Vec<&'a Address>)>) -> Self {
        let resources: Vec<_> = resources.collect();
        let numbers: HashMap<&Address, usize> =
            resources.iter().enumerate().map(|(at, (address, ..))| (*address, at)).collect();
        let mut graph = Self::default();
        for (at, (address, action, requires)) in resources.iter().enumerate() {
            graph.nodes.push(Node { address: clean_line(&address.to_string()).into_owned(), action: *action });
            graph.edges.extend(requires.iter().filter_map(|address| Some((*numbers.get(address)?, at))));
        }
        graph
    }

    /// How many resources are in it.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Whether nothing in it depends on anything.
    pub fn is_loose(&self) -> bool {
        self.edges.is_empty()
    }

    fn label(&self, at: usize) -> String {
        let Node { address, action } = &self.nodes[at];
        let sign = action.map(|action| action.sign().trim()).filter(|sign| !sign.is_empty());
        cut(&sign.map_or_else(|| address.clone(), |sign| format!("{sign} {address}")), LABEL)
    }

    /// The lines of a Mermaid graph.
    pub(super) fn mermaid_lines(&self) -> Vec<String> {
        let mut lines = vec!["graph LR".to_owned()];
        for (at, node) in self.nodes.iter().enumerate() {
            let class = node.action.filter(|action| *action != Action::Unchanged);
            let class = class.map(|action| format!(":::{}", action.as_str())).unwrap_or_default();
            lines.push(format!("  n{at}[\"{}\"]{class}", mermaid_text(&self.label(at))));
        }
        lines.extend(self.edges.iter().map(|(from, to)| format!("  n{from} --> n{to}")));
        for (action, fill, stroke) in COLORS {
            if self.nodes.iter().any(|node| node.action == Some(action)) {
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
            let color = COLORS.iter().find(|(action, ..)| node.action == Some(*action));
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

/// A quoted string of Graphviz: a backslash would begin an escape.
fn dot_text(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"")
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
    fn what_stays_as_it_is_is_not_touched() {
        let (plan, _) = reviewed();
        assert_eq!((Graph::planned(&plan).len(), Graph::touched(&plan).len()), (9, 8));
    }

    #[test]
    fn a_label_cannot_leave_its_quotes() {
        assert_eq!(mermaid_text("x instances.acme-1"), "x instances.acme-1");
        assert_eq!(mermaid_text("\"]\n%%{init: <b>`#;"), "#34;#93;#10;#37;#37;#123;init#58; #60;b#62;#96;#35;#59;");
        assert_eq!(dot_text("a\\\"b\\N"), "a\\\\\\\"b\\\\N");
    }
}
