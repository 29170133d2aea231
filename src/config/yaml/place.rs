//! Places that the parser tells only roughly.

use std::ops::Range;

/// The first `-` of a list between two offsets: where a list begins that is not indented under its key. The parser names
/// its first item instead.
pub(super) fn first_dash(text: &str, after: usize, before: usize) -> Option<usize> {
    dashes(text, after.min(before), before, true)
}

/// The last `-` of a list between two offsets, which belongs to an item that has been left out.
pub(super) fn last_dash(text: &str, after: usize, before: usize) -> Option<usize> {
    dashes(text, after.min(before), before, false)
}

fn dashes(text: &str, after: usize, before: usize, first: bool) -> Option<usize> {
    let mut found = None;
    let mut line_start = after;
    for line in text[after..before].split_inclusive(['\n', '\r']) {
        let mut chars = line.char_indices().peekable();
        let mut blank_before = line_start == 0 || line_start > after || text[..after].ends_with(['-', ' ', '\n', '\r']);
        while let Some((at, char)) = chars.next() {
            match char {
                '#' if blank_before => break,
                '-' if blank_before && chars.peek().is_none_or(|(_, next)| next.is_ascii_whitespace()) => {
                    found = Some(line_start + at);
                    if first {
                        return found;
                    }
                }
                _ => {}
            }
            blank_before = char.is_ascii_whitespace();
        }
        line_start += line.len();
    }
    found
}

/// From the `|` or `>` of a text block to its last line that is not blank. The parser names the content, with the blank
/// lines after it, or less if there is none.
pub(super) fn text_block(text: &str, after: usize, content: Range<usize>) -> Range<usize> {
    let before = text[..content.start].trim_end();
    let line = before.rfind(['\n', '\r']).map_or(0, |newline| newline + 1).max(after.min(before.len()));
    let header = before[line..]
        .match_indices(['|', '>'])
        .map(|(offset, _)| line + offset)
        .find(|start| is_header(&before[*start..]));
    let end = content.start + text[content.clone()].trim_end().len();
    match header {
        Some(start) if end > content.start => start..end,
        Some(start) => start..start + 1,
        None => content.start..end,
    }
}

/// Whether this is `|` or `>`, indicators, and at most a comment.
fn is_header(line: &str) -> bool {
    let rest = line[1..].trim_start_matches(|c: char| matches!(c, '-' | '+') || c.is_ascii_digit());
    rest.is_empty() || rest.starts_with([' ', '\t']) && matches!(rest.trim_start().chars().next(), None | Some('#'))
}
