//! Pages of documentation as Markdown, for `docs/language.md`.

use std::io::{self, Write};

use crate::explain::{Block, Entry, Page, capital};

/// Writes a page below a heading of this level. Names of other pages in it lead there; `pages` are all there are.
pub fn page(out: &mut dyn Write, page: &Page, level: usize, pages: &[&str]) -> io::Result<()> {
    let (name, what) = &page.title;
    writeln!(out, "{} `{name}`\n", "#".repeat(level))?;
    if !what.is_empty() {
        writeln!(out, "_{}_\n", capital(what))?;
    }
    let others: Vec<&str> = pages.iter().copied().filter(|other| other != name).collect();
    blocks(out, &page.blocks, &others)
}

/// Writes what stands on a page.
pub fn blocks(out: &mut dyn Write, blocks: &[Block], pages: &[&str]) -> io::Result<()> {
    let mut blocks = blocks.iter().peekable();
    while let Some(block) = blocks.next() {
        match block {
            // What a heading is about begins beside it.
            Block::Heading(heading) => match blocks.next_if(|next| matches!(next, Block::Text(_))) {
                Some(Block::Text(text)) => writeln!(out, "**{}:** {}", capital(heading), prose(text, pages))?,
                _ => writeln!(out, "**{}:**", capital(heading))?,
            },
            Block::Text(text) => writeln!(out, "{}", prose(text, pages))?,
            Block::Entries(entries) => table(out, entries, pages)?,
            Block::Table(entries) => list(out, entries, pages)?,
            Block::Lines { text, .. } => writeln!(out, "```yaml\n{}\n```", text.trim_end())?,
        }
        if blocks.peek().is_some() {
            writeln!(out)?;
        }
    }
    Ok(())
}

fn table(out: &mut dyn Write, entries: &[Entry], pages: &[&str]) -> io::Result<()> {
    writeln!(out, "| name | takes | meaning |\n| --- | --- | --- |")?;
    for Entry { name, marks, text } in entries {
        let cell = |text: &str| prose(text, pages).replace('|', "\\|");
        writeln!(out, "| `{name}` | {} | {} |", cell(marks), cell(text))?;
    }
    Ok(())
}

fn list(out: &mut dyn Write, entries: &[Entry], pages: &[&str]) -> io::Result<()> {
    for Entry { name, marks, text } in entries {
        let marks = if marks.is_empty() { String::new() } else { format!(" ({})", prose(marks, pages)) };
        writeln!(out, "- `{name}`: {}{marks}", prose(text, pages))?;
    }
    Ok(())
}

/// A text in which only backticks say anything.
fn prose(text: &str, pages: &[&str]) -> String {
    let parts = text.split('`').enumerate();
    let part = |(at, part): (usize, &str)| match (at % 2 == 1, pages.iter().find(|page| means(part, page))) {
        (true, Some(page)) => format!("[`{part}`](#{page})"),
        (true, None) => format!("`{part}`"),
        (false, _) => escaped(part),
    };
    parts.map(part).collect()
}

/// Whether a word is a page or something on it, `licenses.entitlements`.
fn means(word: &str, page: &str) -> bool {
    word.strip_prefix(page).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn escaped(text: &str) -> String {
    text.chars()
        .flat_map(|char| matches!(char, '*' | '_' | '<' | '[' | '\\').then_some('\\').into_iter().chain([char]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing::as_text;

    #[test]
    fn a_page_reads_as_markdown_and_leads_to_others() {
        let entry = |name: &str, marks: &str, text: &str| Entry {
            name: name.to_owned(),
            marks: marks.to_owned(),
            text: text.to_owned(),
        };
        let page = Page {
            title: ("boxes".to_owned(), "only in v1".to_owned()),
            blocks: vec![
                Block::Text("What `boxes` and `shelves` hold: `*` and a_b | c.".to_owned()),
                Block::Heading("natural key".to_owned()),
                Block::Text("Found by `name`.".to_owned()),
                Block::Table(vec![entry("name", "", "The key."), entry("guid", "never shown", "Its id.")]),
                Block::Heading("fields".to_owned()),
                Block::Entries(vec![entry("shelf", "one of `shelves`; `a|b`", "As `shelves.top`, `shelvesful`.")]),
                Block::Lines { of: None, text: "boxes:\n  a: {}\n".to_owned() },
            ],
        };
        insta::assert_snapshot!(as_text(|out| super::page(out, &page, 3, &["boxes", "shelves"])));
    }
}
