//! The changes of a step as lines with a mark each: what the formats for reviewers draw, each in its way.

use serde_json::Value;

use super::change::{self, Row, Side, What};
use super::diff::{self, Line};
use super::layout::counted;
use super::style::Tone;
use super::value;
use crate::plan::Change;

/// Nothing is wrapped here: pages and comments do that.
const COLUMNS: usize = 1 << 20;

/// What a line tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Same,
    Added,
    Removed,
    /// A value there is nothing more to show of.
    Noted,
}

/// One line of a comparison, without its sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Marked {
    pub(super) mark: Mark,
    pub(super) pieces: Line,
}

/// A value and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Compared {
    /// Which, safe to show.
    pub(super) path: String,
    /// Whether each line is a whole value, so that the path can stand before it.
    pub(super) inline: bool,
    pub(super) lines: Vec<Marked>,
}

impl Marked {
    fn new(mark: Mark, pieces: Line) -> Self {
        Self { mark, pieces }
    }

    /// The line without its emphasis.
    pub(super) fn text(&self) -> String {
        self.pieces.iter().map(|(_, text)| text.as_str()).collect()
    }
}

/// The values of a change, each with at most `most` lines.
pub(super) fn compared(change: &Change, most: usize) -> Vec<Compared> {
    let mut rows = Vec::new();
    change::rows(change, &mut rows);
    rows.into_iter().map(|row| of_row(row, most)).collect()
}

fn of_row(Row { path, what }: Row, most: usize) -> Compared {
    let note = |text: &str| vec![(Some(Tone::Wait), text.to_owned())];
    let (mut lines, inline) = match what {
        What::Added(value) => whole(value, Mark::Added),
        What::Removed(value) => whole(value, Mark::Removed),
        What::Changed(before, after) => changed(before, after),
        What::Noted(side, text) => {
            let mark = match side {
                Side::New => Mark::Added,
                Side::Both => Mark::Noted,
                Side::Gone => Mark::Removed,
            };
            (vec![Marked::new(mark, note(text))], true)
        }
        What::Becomes(before, text) => {
            let (mut lines, inline) = whole(before, Mark::Removed);
            lines.push(Marked::new(Mark::Added, note(text)));
            (lines, inline)
        }
        What::From(text, after) => {
            let (rest, inline) = whole(after, Mark::Added);
            (std::iter::once(Marked::new(Mark::Removed, note(text))).chain(rest).collect(), inline)
        }
    };
    if lines.len() > most + 1 {
        let more = format!("({})", counted(lines.len() - most, "more line"));
        lines.truncate(most);
        lines.push(Marked::new(Mark::Same, vec![(Some(Tone::Faint), more)]));
    }
    Compared { path, inline, lines }
}

fn changed(before: &Value, after: &Value) -> (Vec<Marked>, bool) {
    let is_text = |value: &Value| value::lines(value).is_some();
    match (before, after) {
        (Value::Array(before), Value::Array(after)) => (signed(diff::lists(before, after, COLUMNS)), false),
        (Value::String(old), Value::String(new)) if is_text(before) || is_text(after) => {
            (signed(diff::texts(old, new, COLUMNS)), false)
        }
        _ => {
            let (old, new) = diff::words(&value::inline(before), &value::inline(after));
            (vec![Marked::new(Mark::Removed, old), Marked::new(Mark::Added, new)], true)
        }
    }
}

/// All of a value, and whether it is one line.
fn whole(value: &Value, mark: Mark) -> (Vec<Marked>, bool) {
    let inline = value::lines(value).is_none();
    let lines = if inline { vec![vec![(None, value::inline(value))]] } else { change::whole(value, COLUMNS) };
    (lines.into_iter().map(|line| Marked::new(mark, line)).collect(), inline)
}

/// Takes the signs off the lines of a difference.
fn signed(lines: Vec<Line>) -> Vec<Marked> {
    let mark = |mut line: Line| {
        let mark = match line.first().map(|(tone, text)| (*tone, text.as_str())) {
            Some((Some(Tone::Remove), "- ")) => Mark::Removed,
            Some((Some(Tone::Add), "+ ")) => Mark::Added,
            Some((None, "  ")) => Mark::Same,
            _ => return Marked::new(Mark::Same, line),
        };
        line.remove(0);
        Marked::new(mark, line)
    };
    lines.into_iter().map(mark).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::Path;
    use crate::plan::Shown;

    fn drawn(before: Shown, after: Shown) -> Vec<String> {
        let change = Change { path: Path::field("field"), before, after, source: None, cause: None };
        let sign = |mark| match mark {
            Mark::Same => ' ',
            Mark::Added => '+',
            Mark::Removed => '-',
            Mark::Noted => '!',
        };
        let rows = compared(&change, 6).into_iter();
        rows.flat_map(|row| {
            let lines = row.lines.into_iter();
            lines.map(move |line| format!("{} {}: {}", sign(line.mark), row.path, line.text())).collect::<Vec<_>>()
        })
        .collect()
    }

    #[test]
    fn each_line_has_the_mark_of_what_becomes_of_it() {
        let json = |value| Shown::Json(value);
        assert_eq!(drawn(Shown::Nothing, json(json!({"a": 1, "b": 2}))), ["+ field.a: 1", "+ field.b: 2"]);
        assert_eq!(drawn(json(json!("one")), json(json!("two"))), ["- field: one", "+ field: two"]);
        assert_eq!(drawn(json(json!("a\nb\n")), json(json!("a\nc\n"))), ["  field: a", "- field: b", "+ field: c"]);
        assert_eq!(
            drawn(json(json!(["a", "b"])), json(json!(["a", "- c"]))),
            ["  field:   (1 item as before)", "- field: b", "+ field: - c"]
        );
        assert_eq!(drawn(json(json!("old")), Shown::Unknown), ["- field: old", "+ field: (known after apply)"]);
        assert_eq!(drawn(json(json!("s")), Shown::Sensitive), ["! field: (sensitive)"]);
        assert_eq!(drawn(Shown::Sensitive, Shown::Nothing), ["- field: (sensitive)"]);
        assert_eq!(drawn(Shown::Nothing, Shown::Sensitive), ["+ field: (sensitive)"]);
    }

    #[test]
    fn of_a_long_value_the_rest_is_counted() {
        let text = "a line\n".repeat(20);
        let lines = drawn(Shown::Nothing, Shown::Json(json!(text)));
        assert_eq!((lines.len(), lines.last().unwrap().as_str()), (7, "  field: (14 more lines)"));
    }
}
