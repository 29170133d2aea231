//! The Markdown of `docs/diagnostics.md`, as much of it as the page uses: paragraphs and fenced blocks.

use crate::explain::Block;

/// The blocks of a section.
pub(super) fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut paragraph: Vec<&str> = Vec::new();
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            end(&mut paragraph, &mut blocks);
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push(Block::Lines { of: file(language), text: text.join("\n") });
        } else if line.is_empty() {
            end(&mut paragraph, &mut blocks);
        } else {
            paragraph.push(line.trim());
        }
    }
    end(&mut paragraph, &mut blocks);
    blocks
}

fn end(paragraph: &mut Vec<&str>, blocks: &mut Vec<Block>) {
    if !paragraph.is_empty() {
        blocks.push(Block::Text(std::mem::take(paragraph).join(" ")));
    }
}

/// What the page says that a block is.
fn file(language: &str) -> Option<&'static str> {
    match language {
        "yaml" => Some("resources.yaml"),
        "toml" => Some("trueup.toml"),
        _ => None,
    }
}
