//! A graph as one page for a browser, that works without a network: `graph --format html`.

use std::fmt::{self, Write as _};
use std::io::{self, Write};

use super::svg::{self, NOTHING};
use super::{Graph, Node};
use crate::model::Sources;
use crate::plan::Action;
use crate::render::Files;
use crate::render::html::{Escaped, Frame, Prose};

const SHEET: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Around the drawing.
const MARGIN: i32 = 16;

/// A page at work.
struct Page<'a> {
    graph: &'a Graph,
    sources: &'a Sources,
    files: &'a Files,
}

impl Graph {
    /// Writes it as a page.
    pub fn html(&self, out: &mut dyn Write, sources: &Sources, files: &Files) -> io::Result<()> {
        let mut text = String::new();
        Page { graph: self, sources, files }.write(&mut text).expect("a string can be written to");
        out.write_all(text.as_bytes())
    }
}

impl Page<'_> {
    fn write(&self, out: &mut String) -> fmt::Result {
        let graph = self.graph;
        let frame =
            Frame { title: format!("Graph of {}", graph.project()), sheets: &[svg::SHEET, SHEET], script: SCRIPT };
        frame.begin(out)?;
        write!(out, "<header>\n<h1>{}", Escaped(graph.project()))?;
        if let Some(environment) = &graph.environment {
            write!(out, " <small>environment {}</small>", Escaped(environment))?;
        }
        writeln!(out, "</h1>\n<p class=\"hint\">{}</p>", graph.about())?;
        if graph.is_empty() {
            writeln!(out, "</header>\n<main><p>{NOTHING}</p></main>")?;
            return frame.end(out);
        }
        self.tools(out)?;
        writeln!(out, "</header>\n<main>")?;
        self.canvas(out)?;
        self.details(out)?;
        writeln!(out, "</main>")?;
        frame.end(out)
    }

    /// Hidden until the script has found it; the legend is there without one.
    fn tools(&self, out: &mut String) -> fmt::Result {
        writeln!(
            out,
            "<form role=\"search\">\n<input type=\"search\" name=\"q\" aria-label=\"Search\" \
             placeholder=\"Search (press /)\" autocomplete=\"off\" data-tool hidden>"
        )?;
        let by = if self.graph.actions().is_empty() { "kind" } else { "action" };
        let values: Vec<&str> = if by == "kind" {
            self.graph.sections().into_iter().map(|(name, _)| name).collect()
        } else {
            self.graph.actions().into_iter().map(|(action, _)| action.as_str()).collect()
        };
        writeln!(out, "<fieldset><legend>Colours: the {by} of each resource</legend>")?;
        for ((class, text), value) in self.graph.legend().into_iter().zip(values) {
            writeln!(
                out,
                "<label class=\"legend\"><input type=\"checkbox\" name=\"{by}\" value=\"{value}\" data-tool hidden>\
                 <svg width=\"14\" height=\"14\" aria-hidden=\"true\"><g class=\"node {class}\">\
                 <rect x=\"1\" y=\"1\" width=\"12\" height=\"12\" rx=\"3\"/></g></svg> {text}</label>"
            )?;
        }
        writeln!(
            out,
            "</fieldset>\n<span class=\"zoom\" data-tool hidden><button type=\"button\" data-zoom=\"out\" \
             aria-label=\"Zoom out\" title=\"Zoom out (-)\">−</button><button type=\"button\" data-zoom=\"in\" \
             aria-label=\"Zoom in\" title=\"Zoom in (+)\">+</button><button type=\"button\" data-zoom=\"fit\" \
             title=\"Show all (0)\">Fit</button></span>\n<output role=\"status\" data-tool hidden></output>\n</form>"
        )
    }

    fn canvas(&self, out: &mut String) -> fmt::Result {
        let drawing = self.graph.drawing();
        let (wide, high) = (drawing.width + 2 * MARGIN, drawing.height + 2 * MARGIN);
        writeln!(
            out,
            "<div class=\"canvas\" tabindex=\"-1\">\n<svg viewBox=\"{0} {0} {wide} {high}\" width=\"{wide}\" height=\"{high}\" \
             role=\"group\" aria-label=\"{1} Arrow keys go from one resource to the next, Enter shows it.\">",
            -MARGIN,
            Escaped(&self.graph.about())
        )?;
        self.graph.drawn(out, &drawing)?;
        writeln!(out, "</svg>\n</div>")
    }

    fn details(&self, out: &mut String) -> fmt::Result {
        let mut before = vec![Vec::new(); self.graph.len()];
        let mut behind = before.clone();
        for &(from, to) in &self.graph.edges {
            before[to].push(from);
            behind[from].push(to);
        }
        writeln!(out, "<aside aria-label=\"Details\" aria-live=\"polite\">")?;
        writeln!(out, "<p class=\"hint\" data-tool hidden>Choose a resource to see what it is.</p>")?;
        for (at, node) in self.graph.nodes.iter().enumerate() {
            self.detail(out, at, node, [&before[at], &behind[at]])?;
        }
        writeln!(out, "</aside>")
    }

    fn detail(&self, out: &mut String, at: usize, node: &Node, [before, behind]: [&[usize]; 2]) -> fmt::Result {
        let action = node.action().map_or("", Action::as_str);
        writeln!(
            out,
            "<article id=\"n{at}\" class=\"{}\" data-action=\"{action}\" data-kind=\"{}\" tabindex=\"-1\">\n<h2>{}</h2>",
            self.graph.class(node),
            Escaped(node.section),
            Escaped(&node.address)
        )?;
        writeln!(out, "<p class=\"place\">{}</p>", Escaped(&self.files.place(node.source, self.sources)))?;
        if let Some(doing) = &node.doing {
            let sign = doing.action.sign().trim();
            // What begins with the word needs it no second time.
            let word = if doing.said.starts_with(action) { "" } else { action };
            let sign = format!("{sign} {word}");
            writeln!(out, "<p><span class=\"sign\">{}</span> {}</p>", Escaped(sign.trim()), Prose(&doing.said))?;
        }
        self.neighbours(out, "Needs", before)?;
        self.neighbours(out, "Needed by", behind)?;
        writeln!(out, "</article>")
    }

    fn neighbours(&self, out: &mut String, heading: &str, neighbours: &[usize]) -> fmt::Result {
        if neighbours.is_empty() {
            return Ok(());
        }
        writeln!(out, "<h3>{heading} ({})</h3>\n<ul>", neighbours.len())?;
        for &other in neighbours {
            writeln!(out, "<li><a href=\"#n{other}\">{}</a></li>", Escaped(&self.graph.nodes[other].address))?;
        }
        writeln!(out, "</ul>")
    }
}
