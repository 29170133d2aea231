//! Documentation, for people.

mod markdown;

use std::io::{self, Write};

use super::explanation::Explanation;
use super::layout::{width, wrap};
use super::style::{Theme, Tone};
use crate::explain::{Block, Entry, Page};
use crate::model::{Class, Code, Exit};

/// How far what is said of a thing stands in.
const INDENT: usize = 4;

/// Writes a page.
pub fn page(out: &mut dyn Write, page: &Page, theme: Theme) -> io::Result<()> {
    let (name, what) = &page.title;
    marked(out, name, what, 0, theme)?;
    let shift = shift(page, theme);
    for (at, block) in page.blocks.iter().enumerate() {
        // What follows a heading belongs to it.
        if !matches!(at.checked_sub(1).map(|before| &page.blocks[before]), Some(Block::Heading(_))) {
            writeln!(out)?;
        }
        match block {
            Block::Heading(text) => writeln!(out, "{}", theme.paint(Tone::Help, text.to_uppercase()))?,
            Block::Text(text) => paragraph(out, text, 0, theme)?,
            Block::Entries(entries) => {
                for entry in entries {
                    self::entry(out, entry, theme)?;
                }
            }
            Block::Table(entries) => table(out, entries, theme)?,
            Block::Lines { of, text } => lines(out, *of, text, shift, theme)?,
        }
    }
    Ok(())
}

/// Writes what `docs/diagnostics.md` says of a code.
pub fn code(out: &mut dyn Write, code: Code, theme: Theme) -> io::Result<()> {
    let class = code.class();
    let status = Exit::from(class).code();
    let status = match class {
        Class::Usage | Class::Config | Class::Guard => status.to_string(),
        Class::SignIn | Class::Failure => {
            format!("{status}, or {} once `apply` is at work", Exit::Incomplete.code())
        }
    };
    let blocks = markdown::blocks(Explanation::of(code).markdown());
    page(out, &Page { title: (code.to_string(), format!("as an error, exit status {status}")), blocks }, theme)
}

fn paragraph(out: &mut dyn Write, text: &str, indent: usize, theme: Theme) -> io::Result<()> {
    for line in wrapped(text, theme.width.saturating_sub(indent)) {
        writeln!(out, "{:indent$}{line}", "")?;
    }
    Ok(())
}

/// Stands for a space where no line may end.
const JOINT: &str = "\u{a0}";
/// What is longer than this and written in backticks may be broken all the same.
const LONG: usize = 30;

/// Lines of at most so many columns, which leave together what stands in backticks.
fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let joined: Vec<String> = text
        .split('`')
        .enumerate()
        .map(|(at, part)| if at % 2 == 1 && width(part) <= LONG { part.replace(' ', JOINT) } else { part.to_owned() })
        .collect();
    wrap(&joined.join("`"), columns).into_iter().map(|line| line.replace(JOINT, " ")).collect()
}

/// A name, and what is said of it on the same line where there is room.
fn marked(out: &mut dyn Write, name: &str, marks: &str, indent: usize, theme: Theme) -> io::Result<()> {
    let strong = theme.paint(Tone::Strong, name);
    if marks.is_empty() {
        return writeln!(out, "{:indent$}{strong}", "");
    }
    if indent + width(name) + 2 + width(marks) <= theme.width {
        return writeln!(out, "{:indent$}{strong}  {}", "", theme.paint(Tone::Faint, marks));
    }
    writeln!(out, "{:indent$}{strong}", "")?;
    let indent = indent + INDENT;
    for line in wrapped(marks, theme.width.saturating_sub(indent)) {
        writeln!(out, "{:indent$}{}", "", theme.paint(Tone::Faint, line))?;
    }
    Ok(())
}

fn entry(out: &mut dyn Write, entry: &Entry, theme: Theme) -> io::Result<()> {
    marked(out, &entry.name, &entry.marks, 2, theme)?;
    paragraph(out, &entry.text, 2 + INDENT, theme)
}

/// Names, and what is said of each beside it.
fn table(out: &mut dyn Write, entries: &[Entry], theme: Theme) -> io::Result<()> {
    let names = entries.iter().map(|entry| width(&entry.name)).max().unwrap_or(0);
    let indent = 2 + names + 2;
    // A column of few letters a line is worse than none.
    if indent + LONG > theme.width {
        return entries.iter().try_for_each(|entry| self::entry(out, entry, theme));
    }
    for Entry { name, marks, text } in entries {
        let gap = names - width(name);
        let mut lead = format!("  {}{:gap$}  ", theme.paint(Tone::Strong, name), "");
        let said = if marks.is_empty() { text.clone() } else { format!("{text} ({marks})") };
        for line in wrapped(&said, theme.width - indent) {
            writeln!(out, "{lead}{line}")?;
            lead = " ".repeat(indent);
        }
    }
    Ok(())
}

/// How far lines stand in: the same on the whole page, and not at all where they would not fit any more.
fn shift(page: &Page, theme: Theme) -> usize {
    let lines = page.blocks.iter().filter_map(|block| match block {
        Block::Lines { text, .. } => Some(text.lines()),
        _ => None,
    });
    let widest = lines.flatten().map(width).max().unwrap_or(0);
    if widest + 2 <= theme.width { 2 } else { 0 }
}

fn lines(out: &mut dyn Write, of: Option<&str>, text: &str, shift: usize, theme: Theme) -> io::Result<()> {
    if let Some(of) = of {
        writeln!(out, "{:shift$}{}", "", theme.paint(Tone::Faint, format!("# {of}")))?;
    }
    for line in text.lines() {
        match line.strip_prefix("$ ") {
            _ if line.is_empty() => writeln!(out)?,
            Some(command) => {
                writeln!(out, "{:shift$}{} {}", "", theme.paint(Tone::Faint, "$"), theme.paint(Tone::Strong, command))?;
            }
            None => writeln!(out, "{:shift$}{line}", "")?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
