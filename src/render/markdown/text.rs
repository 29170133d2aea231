//! Text that is not ours, in Markdown: in code, where it can neither format, link, mention nor close anything.
//!
//! A backslash would stop Markdown, yet not what a forge does with the text afterwards: `@name`, `#12`, `www.` and hashes
//! of commits become links everywhere except in code.

use crate::render::clean_line;
use crate::render::layout::cut;
use crate::render::workflow::{harmless_inside, harmless_line};

/// A text as a code span.
pub(super) fn code(text: &str) -> String {
    let text = harmless_inside(clean_line(text));
    if text.trim().is_empty() {
        return "`(empty)`".to_owned();
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    // A space each is taken off again where the text begins or ends with a backtick or both ends are spaces.
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A text as a code span, cut after `most` characters.
pub(super) fn code_of(text: &str, most: usize) -> String {
    code(&cut(&harmless_inside(clean_line(text)), most))
}

/// Lines as a fenced block; each must be safe to show. In a log they are commands to nobody.
pub(super) fn block(language: &str, lines: &[String]) -> String {
    let run = lines.iter().map(|line| longest_run(line)).max().unwrap_or(0);
    let fence = "`".repeat(run.max(2) + 1);
    let mut out = format!("{fence}{language}\n");
    for line in lines {
        out.push_str(&harmless_line(line.into()));
        out.push('\n');
    }
    out.push_str(&fence);
    out.push('\n');
    out
}

fn longest_run(text: &str) -> usize {
    let (mut longest, mut run) = (0, 0);
    for byte in text.bytes() {
        run = if byte == b'`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_span_outlasts_the_backticks_in_it() {
        assert_eq!(code("plain"), "`plain`");
        assert_eq!(code("a `b` ``c``"), "``` a `b` ``c`` ```");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code(" x "), "`  x  `");
        assert_eq!(code(" \n"), "`(empty)`");
        assert_eq!(code("a\nb\u{1b}"), "`a b\\u{1b}`");
        assert_eq!(code("##[group]"), "`\\u{23}#[group]`");
    }

    #[test]
    fn a_block_outlasts_the_backticks_in_it() {
        assert_eq!(block("diff", &["+ a".to_owned()]), "```diff\n+ a\n```\n");
        assert_eq!(block("", &["````".to_owned(), "x".to_owned()]), "`````\n````\nx\n`````\n");
    }
}
