//! A graph as a picture: `graph --format svg`, and the middle of the page.

use std::fmt::{self, Write as _};
use std::io::{self, Write};

use super::layout::{Drawing, HEIGHT, Rectangle, draw};
use super::{Graph, Node};
use crate::plan::Action;
use crate::render::html::Escaped;
use crate::render::layout::{counted, crop, width};

/// Its colours, also part of the page's sheet.
pub(super) const SHEET: &str = include_str!("drawing.css");

/// Columns of a label.
const COLUMNS: usize = 36;
/// How many colours sections have; then they begin anew.
const HUES: usize = 8;
/// Around the drawing.
const MARGIN: i32 = 24;
/// A line of the legend.
const LINE: i32 = 26;

/// What an entry of the legend shows: the class of its swatch and its text.
type Entry = (String, String);

impl Graph {
    /// Writes it as a picture of its own.
    pub fn svg(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut text = String::new();
        self.picture(&mut text).expect("a string can be written to");
        out.write_all(text.as_bytes())
    }

    fn picture(&self, out: &mut String) -> fmt::Result {
        let drawing = self.drawing();
        let columns = drawing.width.max(640);
        let entries = self.legend();
        let legend = legend_lines(&entries, columns);
        let top = MARGIN + LINE * i32::try_from(legend.len() + 1).unwrap_or(0) + 10;
        let (wide, high) = (columns + 2 * MARGIN, top + drawing.height.max(HEIGHT) + MARGIN);
        writeln!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {wide} {high}\" width=\"{wide}\" height=\"{high}\" \
             role=\"img\" aria-labelledby=\"title about\">\n<title id=\"title\">{}</title>\n<desc id=\"about\">{}</desc>\n\
             <style>{SHEET}</style>",
            Escaped(&self.heading()),
            self.about()
        )?;
        writeln!(out, "<rect class=\"ground\" width=\"{wide}\" height=\"{high}\"/>")?;
        let heading = crop(&self.heading(), usize::try_from(columns / 9).unwrap_or(0), "…");
        writeln!(out, "<text class=\"heading\" x=\"{MARGIN}\" y=\"{}\">{}</text>", MARGIN + 12, Escaped(&heading))?;
        writeln!(out, "<g class=\"legend\">")?;
        for (at, line) in legend.iter().enumerate() {
            let y = MARGIN + LINE * i32::try_from(at + 1).unwrap_or(0);
            for (x, (class, text)) in line {
                let x = MARGIN + x;
                writeln!(
                    out,
                    "<g class=\"node {class}\"><rect x=\"{x}\" y=\"{y}\" width=\"14\" height=\"14\" rx=\"3\"/>\
                     <text class=\"kind\" x=\"{}\" y=\"{}\">{text}</text></g>",
                    x + 20,
                    y + 11
                )?;
            }
        }
        writeln!(out, "</g>")?;
        if self.is_empty() {
            let y = top + HEIGHT / 2;
            writeln!(out, "<text class=\"none\" x=\"{MARGIN}\" y=\"{y}\">{NOTHING}</text>")?;
        }
        writeln!(out, "<g transform=\"translate({MARGIN} {top})\">")?;
        self.drawn(out, &drawing)?;
        writeln!(out, "</g>\n</svg>")
    }

    pub(super) fn heading(&self) -> String {
        let environment = self.environment.iter().map(|name| format!(", environment {name}"));
        format!("Graph of {}{}", self.project(), environment.collect::<String>())
    }

    /// A sentence on what is to be seen.
    pub(super) fn about(&self) -> String {
        let edges = match self.edges.len() {
            1 => "1 dependency".to_owned(),
            count => format!("{count} dependencies"),
        };
        let leads = if self.is_loose() { "" } else { " An arrow leads from what comes first to what needs it." };
        format!("{}, {edges}.{leads}", counted(self.len(), "resource"))
    }

    pub(super) fn drawing(&self) -> Drawing {
        draw(&self.nodes.iter().map(node_width).collect::<Vec<_>>(), &self.edges)
    }

    /// Actions if there are any, else sections.
    pub(super) fn legend(&self) -> Vec<Entry> {
        let actions = self.actions();
        if actions.is_empty() {
            let sections = self.sections().into_iter().enumerate();
            return sections.map(|(at, (name, count))| (hue(at), format!("{name} ({count})"))).collect();
        }
        let entry = |(action, count): (Action, usize)| {
            (action.as_str().to_owned(), format!("{} ({count})", Escaped(&said_shortly(action))))
        };
        actions.into_iter().map(entry).collect()
    }

    /// The class of a resource: its action, else its section's colour.
    pub(super) fn class(&self, node: &Node) -> String {
        if let Some(action) = node.action() {
            return action.as_str().to_owned();
        }
        hue(self.sections().iter().position(|(name, _)| *name == node.section).unwrap_or(0))
    }

    /// The drawing itself, from its own left upper corner.
    pub(super) fn drawn(&self, out: &mut String, drawing: &Drawing) -> fmt::Result {
        if !drawing.arrows.is_empty() {
            writeln!(
                out,
                "<defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"6\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" \
                 orient=\"auto-start-reverse\"><path d=\"M0 0.5 L7 4 L0 7.5 Z\"/></marker></defs>"
            )?;
        }
        for frame in &drawing.frames {
            let Rectangle { x, y, width, height } = frame;
            writeln!(
                out,
                "<rect class=\"frame\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"10\"/>"
            )?;
        }
        for arrow in &drawing.arrows {
            let end = if arrow.backwards { "start" } else { "end" };
            writeln!(
                out,
                "<path class=\"edge\" data-from=\"{}\" data-to=\"{}\" marker-{end}=\"url(#head)\" d=\"{}\"/>",
                arrow.from, arrow.to, arrow.path
            )?;
        }
        let classes: Vec<String> = self.nodes.iter().map(|node| self.class(node)).collect();
        for (at, node) in self.nodes.iter().enumerate() {
            node_drawn(out, at, node, &classes[at], drawing)?;
        }
        Ok(())
    }
}

/// Instead of a drawing.
pub(super) const NOTHING: &str = "Nothing is declared.";

fn hue(section: usize) -> String {
    format!("hue{}", section % HUES)
}

/// `+ create`.
fn said_shortly(action: Action) -> String {
    format!("{} {}", action.sign().trim(), action.as_str()).trim_start().to_owned()
}

fn second_line(node: &Node) -> String {
    let action = node.action().map(|action| format!(" · {}", said_shortly(action)));
    format!("{}{}", node.section, action.unwrap_or_default())
}

fn node_width(node: &Node) -> i32 {
    let columns = |text: &str| f64::from(u32::try_from(width(text)).unwrap_or(0));
    let wide = (columns(&crop(&node.key, COLUMNS, "…")) * 7.4).max(columns(&second_line(node)) * 6.3);
    #[expect(clippy::cast_possible_truncation, reason = "a label is cut before")]
    let wide = wide.ceil() as i32;
    (wide + 26).max(90)
}

fn node_drawn(out: &mut String, at: usize, node: &Node, class: &str, drawing: &Drawing) -> fmt::Result {
    let Rectangle { x, y, width, height } = drawing.nodes[at];
    let action = node.action().map(|action| format!(", {}", action.as_str())).unwrap_or_default();
    writeln!(
        out,
        "<g class=\"node {class}\" data-node=\"{at}\" data-item=\"{}\" transform=\"translate({x} {y})\">\
         <title>{}{action}</title><rect width=\"{width}\" height=\"{height}\" rx=\"6\"/>\
         <rect class=\"stripe\" width=\"5\" height=\"{}\" x=\"3\" y=\"6\" rx=\"2.5\"/>\
         <text x=\"15\" y=\"17\">{}</text><text class=\"kind\" x=\"15\" y=\"32\">{}</text></g>",
        drawing.items[at],
        Escaped(&node.address),
        height - 12,
        Escaped(&crop(&node.key, COLUMNS, "…")),
        Escaped(&second_line(node))
    )
}

/// The legend in lines of at most so many points, each entry with its left side.
fn legend_lines(entries: &[Entry], most: i32) -> Vec<Vec<(i32, &Entry)>> {
    let mut lines: Vec<Vec<(i32, &Entry)>> = Vec::new();
    let mut x = 0;
    for entry in entries {
        let wide = i32::try_from(width(&entry.1)).unwrap_or(0) * 7 + 44;
        if lines.is_empty() || x + wide > most {
            lines.push(Vec::new());
            x = 0;
        }
        lines.last_mut().expect("one was pushed").push((x, entry));
        x += wide;
    }
    lines
}
