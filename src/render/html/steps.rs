//! A step on the page: what is done and why, and its values side by side with the YAML that asks for them.

use std::fmt::{self, Write as _};

use super::{Escaped, Page, Prose};
use crate::model::Span;
use crate::plan::{Action, Cause, Change, Step};
use crate::render::cause;
use crate::render::compared::{Compared, Mark, Marked, compared};
use crate::render::diff::Line;
use crate::render::human::{is_ambiguous, said};
use crate::render::style::Tone;

/// Lines of one value.
const VALUE: usize = 400;
/// Lines of YAML beside a change, and of a declaration.
const EXCERPT: usize = 8;
const DECLARATION: usize = 24;
/// Characters of one line.
const LINE: usize = 2000;

impl Page<'_> {
    pub(super) fn step(&self, out: &mut String, number: usize, step: &Step) -> fmt::Result {
        let spot = self.files.spot(step.source, self.sources);
        let action = step.action.as_str();
        // What is new is rarely what needs a second look.
        let open = if step.action == Action::Create { "" } else { " open" };
        writeln!(
            out,
            "<article id=\"r{number}\" class=\"{action}\" data-action=\"{action}\" data-kind=\"{}\" data-file=\"{}\">\n\
             <details{open}><summary><span class=\"sign\">{} {action}</span> <span class=\"name\">{}</span>",
            Escaped(step.address.section),
            Escaped(&spot.file),
            Escaped(step.action.sign().trim()),
            Escaped(&step.address.to_string())
        )?;
        if is_ambiguous(self.plan, &step.target) {
            writeln!(out, "<span>on {}</span>", Escaped(&step.target))?;
        }
        writeln!(
            out,
            "{}<span class=\"place\">{}</span></summary>\n<div class=\"body\">\n<p>{}</p>",
            chip(step.cause, "\n"),
            Escaped(&self.files.place(step.source, self.sources)),
            Prose(&said(step))
        )?;
        if !step.executable && step.action != Action::Blocked {
            writeln!(out, "<p class=\"takes\">Shown only: this version does not carry it out.</p>")?;
        }
        for words in &step.takes_along {
            writeln!(out, "<p class=\"takes\">takes along {}</p>", Prose(words))?;
        }
        self.requires(out, step)?;
        if step.changes.is_empty() {
            write!(out, "<pre class=\"yaml\" tabindex=\"0\">")?;
            self.excerpt(out, step.source, DECLARATION)?;
            writeln!(out, "</pre>")?;
        } else {
            self.changes(out, step)?;
        }
        writeln!(out, "</div>\n</details>\n</article>")
    }

    fn requires(&self, out: &mut String, step: &Step) -> fmt::Result {
        let addresses = step.requires.iter().map(ToString::to_string);
        let first: Vec<(usize, String)> =
            addresses.filter_map(|address| Some((*self.numbers.get(&address)?, address))).collect();
        for (at, (number, address)) in first.iter().enumerate() {
            let lead = if at == 0 { "<p class=\"hint\">after " } else { ", " };
            write!(out, "{lead}<a href=\"#r{number}\">{}</a>", Escaped(address))?;
        }
        if first.is_empty() { Ok(()) } else { writeln!(out, "</p>") }
    }

    fn changes(&self, out: &mut String, step: &Step) -> fmt::Result {
        writeln!(
            out,
            "<div class=\"scroll\"><table>\n<caption>Changes of {}</caption>\n\
             <colgroup><col class=\"field\"><col class=\"before\"><col class=\"after\"><col></colgroup>\n\
             <thead><tr><th scope=\"col\">Field</th><th scope=\"col\">Now</th><th scope=\"col\">Then</th>\
             <th scope=\"col\">YAML</th></tr></thead>",
            Escaped(&step.address.to_string())
        )?;
        for change in &step.changes {
            for (at, row) in compared(change, VALUE).into_iter().enumerate() {
                self.row(out, &row, (at == 0).then_some(change), step.apart(change))?;
            }
        }
        writeln!(out, "</table></div>")
    }

    /// A value: a line of the table for each line of it. The YAML of the change stands beside its first value.
    fn row(&self, out: &mut String, row: &Compared, change: Option<&Change>, apart: Option<Cause>) -> fmt::Result {
        let pairs = side_by_side(&row.lines);
        let height = pairs.len().max(1);
        writeln!(out, "<tbody>")?;
        for (at, (before, after)) in pairs.iter().enumerate() {
            write!(out, "<tr>")?;
            if at == 0 {
                let chip = chip(apart, "");
                write!(out, "<th scope=\"rowgroup\" rowspan=\"{height}\">{}{chip}</th>", Escaped(&row.path))?;
            }
            cell(out, *before)?;
            cell(out, *after)?;
            if at == 0 {
                write!(out, "<td class=\"yaml\" rowspan=\"{height}\">")?;
                if let Some(span) = change.and_then(|change| change.source) {
                    self.excerpt(out, span, EXCERPT)?;
                }
                write!(out, "</td>")?;
            }
            writeln!(out, "</tr>")?;
        }
        writeln!(out, "</tbody>")
    }

    /// Whole lines of a file with their numbers; what is masked in it stays so.
    fn excerpt(&self, out: &mut String, span: Span, most: usize) -> fmt::Result {
        let file = self.sources.get(span.file);
        let (first, _) = file.line_column(span.start);
        // An end at the start of a line is the end of the line before.
        let (last, _) = file.line_column(span.end.saturating_sub(1).max(span.start));
        let count = (last - first) as usize + 1;
        let lines = file.display().lines().zip(1u32..).skip(first as usize - 1).take(count.min(most));
        let lines: Vec<(&str, u32)> = lines.collect();
        let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
        let depth = lines.iter().filter(|(line, _)| !line.trim().is_empty()).map(|(line, _)| indent(line)).min();
        let width = last.to_string().len();
        for (at, (line, number)) in lines.into_iter().enumerate() {
            let lead = if at == 0 { "" } else { "\n" };
            let line: String = line.chars().skip(depth.unwrap_or(0)).take(LINE).collect();
            write!(out, "{lead}<b>{number:>width$} </b>{}", Escaped(&line))?;
        }
        if count > most {
            write!(out, "\n<i>({} more lines)</i>", count - most)?;
        }
        Ok(())
    }
}

/// Where something comes from, if that was judged.
fn chip(cause: Option<Cause>, end: &str) -> String {
    let chip = |cause: Cause| {
        let class = cause.as_str();
        format!(" <span class=\"cause {class}\">{}</span>{end}", cause::word(cause))
    };
    cause.map(chip).unwrap_or_default()
}

/// Lines in two columns: what is removed beside what is added in its place.
fn side_by_side(lines: &[Marked]) -> Vec<(Option<&Marked>, Option<&Marked>)> {
    let mut pairs: Vec<(Option<&Marked>, Option<&Marked>)> = Vec::new();
    // Where the run of removed lines begins that still have room beside them.
    let mut open = 0;
    for line in lines {
        match line.mark {
            Mark::Same | Mark::Noted => {
                pairs.push((Some(line), Some(line)));
                open = pairs.len();
            }
            Mark::Removed => {
                // Removed lines after added ones are another place.
                if pairs[open..].iter().any(|(_, after)| after.is_some()) {
                    open = pairs.len();
                }
                pairs.push((Some(line), None));
            }
            Mark::Added => match pairs[open..].iter_mut().find(|(_, after)| after.is_none()) {
                Some((_, after)) => *after = Some(line),
                None => pairs.push((None, Some(line))),
            },
        }
    }
    pairs
}

fn cell(out: &mut String, line: Option<&Marked>) -> fmt::Result {
    let Some(line) = line else { return write!(out, "<td></td>") };
    let class = match line.mark {
        Mark::Same => "",
        Mark::Added => " class=\"added\"",
        Mark::Removed => " class=\"removed\"",
        Mark::Noted => " class=\"noted\"",
    };
    write!(out, "<td{class}>")?;
    pieces(out, &line.pieces)?;
    write!(out, "</td>")
}

fn pieces(out: &mut String, line: &Line) -> fmt::Result {
    let mut left = LINE;
    for (tone, text) in line {
        let cut: String = text.chars().take(left).collect();
        left -= cut.chars().count();
        let element = match tone {
            Some(Tone::Lost) => "del",
            Some(Tone::Gained) => "ins",
            Some(Tone::Faint | Tone::Wait) => "i",
            _ => "",
        };
        if element.is_empty() {
            write!(out, "{}", Escaped(&cut))?;
        } else {
            write!(out, "<{element}>{}</{element}>", Escaped(&cut))?;
        }
    }
    let all: usize = line.iter().map(|(_, text)| text.chars().count()).sum();
    if all > LINE {
        write!(out, "<i>… ({} more characters)</i>", all - LINE)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_stands_beside_what_it_replaces() {
        let line = |mark, text: &str| Marked { mark, pieces: vec![(None, text.to_owned())] };
        let lines = [
            line(Mark::Same, "a"),
            line(Mark::Removed, "b"),
            line(Mark::Removed, "c"),
            line(Mark::Added, "B"),
            line(Mark::Removed, "d"),
            line(Mark::Added, "D"),
            line(Mark::Added, "E"),
        ];
        let text = |line: Option<&Marked>| line.map(Marked::text).unwrap_or_default();
        let pairs: Vec<_> =
            side_by_side(&lines).into_iter().map(|(one, other)| format!("{}|{}", text(one), text(other))).collect();
        assert_eq!(pairs, ["a|a", "b|B", "c|", "d|D", "|E"]);
    }
}
