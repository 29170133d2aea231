//! The changes of a step, for people: a row for each value.

use std::io::{self, Write};

use serde_json::Value;

use super::diff::{self, Line, painted};
use super::layout::{counted, width};
use super::style::{Theme, Tone};
use super::{cause, clean_line, value};
use crate::model::Path;
use crate::plan::{Cause, Change, Shown};

/// Lines of one value before it is cut, unless everything was asked for.
const LINES: usize = 24;

/// Writes the changes of a step, names and values in two columns. Marked are those that do not come from where the step as
/// a whole does.
pub(super) fn changes(
    out: &mut dyn Write,
    changes: &[Change],
    of_step: Option<Cause>,
    theme: Theme,
    verbose: bool,
) -> io::Result<()> {
    let mut all = Vec::new();
    let mut marks = Vec::new();
    for change in changes {
        rows(change, &mut all);
        marks.resize(all.len(), change.cause.filter(|cause| of_step != Some(*cause)));
    }
    // Where everything is new, a sign before each row would say nothing.
    let signs = all.iter().any(|row| !matches!(row.what, What::Added(_) | What::Noted(Side::New, _)));
    let indent = if signs { 6 } else { 4 };
    let most = theme.width / 3;
    let names = all.iter().map(|row| width(&row.path)).filter(|name| *name <= most).max().unwrap_or(0);
    for (row, mark) in all.iter().zip(marks) {
        if signs {
            let (tone, sign) = match row.what {
                What::Added(_) | What::Noted(Side::New, _) => (Tone::Add, "+"),
                What::Removed(_) | What::Noted(Side::Gone, _) => (Tone::Remove, "-"),
                _ => (Tone::Change, "~"),
            };
            write!(out, "    {} {}", theme.paint(tone, sign), row.path)?;
        } else {
            write!(out, "    {}", row.path)?;
        }
        let gap = names.saturating_sub(width(&row.path)) + 2;
        let column = indent + names.max(width(&row.path)) + 2;
        let room = theme.width.saturating_sub(column);
        let fits = |line: &Line| line.iter().map(|(_, text)| width(text)).sum::<usize>() <= room;
        let mark = mark.map(|cause| (Some(Tone::of_cause(cause)), format!("({}) ", cause::word(cause))));
        let marked = |line: Line| mark.iter().cloned().chain(line).collect();
        if let Some(line) = short(&row.what).map(marked).filter(fits) {
            writeln!(out, "{:gap$}{}", "", painted(&line, theme))?;
        } else {
            match &mark {
                Some((_, word)) => writeln!(out, "{:gap$}{}", "", word.trim_end())?,
                None => writeln!(out)?,
            }
            spread(out, &row.what, indent + 2, theme, verbose)?;
        }
    }
    Ok(())
}

/// One row: a value that is added, removed, changed or only noted.
pub(super) struct Row<'a> {
    pub(super) path: String,
    pub(super) what: What<'a>,
}

/// On which side of a change there is a value that is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    New,
    Both,
    Gone,
}

/// What becomes of a value.
pub(super) enum What<'a> {
    Added(&'a Value),
    Removed(&'a Value),
    Changed(&'a Value, &'a Value),
    /// A value there is nothing more to show of.
    Noted(Side, &'static str),
    Becomes(&'a Value, &'static str),
    From(&'static str, &'a Value),
}

const UNKNOWN: &str = "(known after apply)";
const SENSITIVE: &str = "(sensitive)";
const UNVERIFIABLE: &str = "(unverifiable: the remote does not return it)";
const AGAIN: &str = "(as it is, sent again)";
const REDACTED: &str = "(redacted, not compared)";
const UNREADABLE: &str = "(other than when it was last applied)";

/// The rows of a change: one for each value in it.
pub(super) fn rows<'a>(change: &'a Change, rows: &mut Vec<Row<'a>>) {
    let Change { path, before, after, source: _, cause: _ } = change;
    let mut row = |what| rows.push(Row { path: clean_line(&path.to_string()).into_owned(), what });
    match (before, after) {
        (Shown::Unreadable, Shown::Json(after)) => row(What::From(UNREADABLE, after)),
        (Shown::Unreadable, _) | (_, Shown::Unreadable) => row(What::Noted(Side::Both, UNREADABLE)),
        (Shown::Redacted, Shown::Json(after)) => row(What::From(REDACTED, after)),
        (Shown::Redacted, _) | (_, Shown::Redacted) => row(What::Noted(Side::Both, REDACTED)),
        // One side of a secret would tell about the other.
        (Shown::Sensitive, Shown::Nothing) => row(What::Noted(Side::Gone, SENSITIVE)),
        (Shown::Nothing, Shown::Sensitive) => row(What::Noted(Side::New, SENSITIVE)),
        (Shown::Sensitive, _) | (_, Shown::Sensitive) => row(What::Noted(Side::Both, SENSITIVE)),
        (Shown::Nothing, Shown::Nothing) => {}
        (Shown::Nothing, Shown::Json(after)) => flat(path, after, &What::Added, rows),
        (Shown::Nothing, Shown::Unknown) => row(What::Noted(Side::New, UNKNOWN)),
        (Shown::Json(before), Shown::Nothing) => flat(path, before, &What::Removed, rows),
        // Nothing differs, and it is sent all the same.
        (Shown::Json(before), Shown::Json(after)) if before == after => row(What::Noted(Side::Both, AGAIN)),
        (Shown::Json(before), Shown::Json(after)) => differing(path, before, after, rows),
        (Shown::Json(before), Shown::Unknown) => row(What::Becomes(before, UNKNOWN)),
        (Shown::Unverifiable, Shown::Json(after)) => row(What::From(UNVERIFIABLE, after)),
        (Shown::Unverifiable, _) | (_, Shown::Unverifiable) => row(What::Noted(Side::Both, UNVERIFIABLE)),
        (Shown::Unknown, Shown::Json(after)) => row(What::From(UNKNOWN, after)),
        (Shown::Unknown, _) => row(What::Noted(Side::Both, UNKNOWN)),
    }
}

/// A mapping by the paths of what is in it.
fn flat<'a>(path: &Path, value: &'a Value, what: &impl Fn(&'a Value) -> What<'a>, rows: &mut Vec<Row<'a>>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                flat(&path.key(key.as_str()), value, what, rows);
            }
        }
        leaf => rows.push(Row { path: clean_line(&path.to_string()).into_owned(), what: what(leaf) }),
    }
}

fn differing<'a>(path: &Path, before: &'a Value, after: &'a Value, rows: &mut Vec<Row<'a>>) {
    match (before, after) {
        (Value::Object(old), Value::Object(new)) if !old.is_empty() && !new.is_empty() => {
            for (key, before) in old {
                match new.get(key) {
                    Some(after) if before == after => {}
                    Some(after) => differing(&path.key(key.as_str()), before, after, rows),
                    None => flat(&path.key(key.as_str()), before, &What::Removed, rows),
                }
            }
            for (key, after) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
                flat(&path.key(key.as_str()), after, &What::Added, rows);
            }
        }
        _ => rows.push(Row { path: clean_line(&path.to_string()).into_owned(), what: What::Changed(before, after) }),
    }
}

/// A row's value on one line, if it is one that can be.
fn short(what: &What) -> Option<Line> {
    let note = |text: &str| (Some(Tone::Wait), text.to_owned());
    let arrow = || (Some(Tone::Faint), " -> ".to_owned());
    let one = |value: &Value| (value::lines(value).is_none()).then(|| value::inline(value));
    match what {
        What::Added(value) | What::Removed(value) => Some(vec![(None, one(value)?)]),
        What::Changed(before, after) => {
            let (old, new) = diff::words(&one(before)?, &one(after)?);
            Some(old.into_iter().chain([arrow()]).chain(new).collect())
        }
        What::Noted(_, text) => Some(vec![note(text)]),
        What::Becomes(before, text) => Some(vec![(None, one(before)?), arrow(), note(text)]),
        What::From(text, after) => Some(vec![note(text), arrow(), (None, one(after)?)]),
    }
}

/// A row's value on lines of its own.
fn spread(out: &mut dyn Write, what: &What, indent: usize, theme: Theme, verbose: bool) -> io::Result<()> {
    let columns = theme.width.saturating_sub(indent);
    let lines = match what {
        What::Added(value) | What::Removed(value) => whole(value, columns),
        What::Changed(before, after) => match (before, after) {
            (Value::Array(before), Value::Array(after)) => diff::lists(before, after, columns),
            (Value::String(old), Value::String(new))
                if value::lines(before).is_some() || value::lines(after).is_some() =>
            {
                diff::texts(old, new, columns)
            }
            _ => diff::stacked(&value::inline(before), &value::inline(after), columns),
        },
        What::Noted(_, text) => diff::wrap_pieces(&vec![(Some(Tone::Wait), (*text).to_owned())], columns),
        What::Becomes(before, text) => {
            let mut lines = whole(before, columns);
            lines.push(vec![(Some(Tone::Faint), "-> ".to_owned()), (Some(Tone::Wait), (*text).to_owned())]);
            lines
        }
        What::From(text, after) => {
            let mut lines = vec![vec![(Some(Tone::Wait), (*text).to_owned()), (Some(Tone::Faint), " ->".to_owned())]];
            lines.extend(whole(after, columns));
            lines
        }
    };
    let shown = if verbose || lines.len() <= LINES + 1 { lines.len() } else { LINES };
    for line in &lines[..shown] {
        let indent = if line.is_empty() { 0 } else { indent };
        writeln!(out, "{:indent$}{}", "", painted(line, theme))?;
    }
    if shown < lines.len() {
        let more = format!("{} {} (-v shows all)", theme.ellipsis(), counted(lines.len() - shown, "more line"));
        writeln!(out, "{:indent$}{}", "", theme.paint(Tone::Faint, more))?;
    }
    Ok(())
}

/// All of a value: a text by its lines, a list by its items, anything else wrapped.
pub(super) fn whole(value: &Value, columns: usize) -> Vec<Line> {
    match (value::lines(value), value) {
        (Some(text), _) => diff::block(text, columns),
        (None, Value::Array(items)) => {
            let item = |item: &Value| {
                let lines = diff::wrap_pieces(&vec![(None, value::inline(item))], columns.saturating_sub(2));
                lines.into_iter().enumerate().map(|(at, line)| {
                    let lead = if at == 0 { (Some(Tone::Faint), "- ".to_owned()) } else { (None, "  ".to_owned()) };
                    std::iter::once(lead).chain(line).collect()
                })
            };
            items.iter().flat_map(|value| item(value).collect::<Vec<Line>>()).collect()
        }
        (None, other) => diff::wrap_pieces(&vec![(None, value::inline(other))], columns),
    }
}
