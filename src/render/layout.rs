//! Columns: how wide text is, where it wraps, how it is cut.

use std::ops::Range;
use std::time::Duration;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How many columns a text takes.
pub(super) fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.width() }
}

/// Breaks text into lines of at most `columns`, at spaces where it can. Line breaks in the text stay.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    text.lines().flat_map(|line| wrap_line(line, columns).into_iter().map(|range| line[range].to_owned())).collect()
}

/// The parts of one line that fit into `columns` each, without the spaces between them.
pub(super) fn wrap_line(line: &str, columns: usize) -> Vec<Range<usize>> {
    let columns = columns.max(8);
    let mut parts = Vec::new();
    let mut rest = 0;
    while width(&line[rest..]) > columns {
        let (head, _) = split_at(&line[rest..], columns);
        let full = rest + head.len();
        // A space right behind the part is as good a place to break as one in it.
        let within = &line[rest..line[full..].chars().next().map_or(full, |next| full + next.len_utf8())];
        let end = match within.trim_start().contains(' ').then(|| within.rfind(' ')).flatten() {
            Some(space) if !line[rest..rest + space].trim().is_empty() => rest + space,
            _ => full,
        };
        let end_of_part = rest + line[rest..end].trim_end().len();
        parts.push(rest..end_of_part);
        rest = end + (line[end..].len() - line[end..].trim_start_matches(' ').len());
    }
    if rest < line.len() || parts.is_empty() {
        parts.push(rest..line.len());
    }
    parts
}

/// Cuts a text where `columns` are full. A character that would not fit into any line goes first all the same.
fn split_at(text: &str, columns: usize) -> (&str, &str) {
    let mut taken = 0;
    for (at, char) in text.char_indices() {
        taken += char.width().unwrap_or(0);
        if taken > columns && at > 0 {
            return text.split_at(at);
        }
    }
    (text, "")
}

/// The text in at most `columns`, with `ellipsis` at its end if it had to be cut.
pub(super) fn crop(text: &str, columns: usize, ellipsis: &str) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let (head, _) = split_at(text, columns.saturating_sub(width(ellipsis)).max(1));
    format!("{head}{ellipsis}")
}

/// The text up to `most` characters, which says how many more there were. Counted in characters: what takes no column
/// takes bytes.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}… ({} more characters)", &text[..at], text[at..].chars().count()),
    }
}

/// A count with its noun: `1 error`, `2 errors`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// A duration as people say it: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`.
pub(super) fn spoken(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 if duration.subsec_millis() > 0 => format!("{:.1} s", duration.as_secs_f64()),
        0..60 => format!("{seconds} s"),
        60..3600 if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_wraps_at_spaces_and_long_words_break() {
        assert_eq!(wrap("the remote refused it", 10), ["the remote", "refused it"]);
        assert_eq!(wrap("a abcdefghijklmnop", 8), ["a", "abcdefgh", "ijklmnop"]);
        assert_eq!(wrap("12345678 abc", 8), ["12345678", "abc"]);
        assert_eq!(wrap("    indented text stays", 12), ["    indented", "text stays"]);
        assert_eq!(wrap("東京東京東京", 8), ["東京東京", "東京"]);
        assert_eq!(wrap("one\ntwo", 20), ["one", "two"]);
    }

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!(crop("abcdefghij", 6, "…"), "abcde…");
        assert_eq!(crop("abc", 6, "…"), "abc");
        assert_eq!(crop("東京東京", 6, "..."), "東...");
    }

    #[test]
    fn what_is_cut_by_characters_says_how_much_is_missing() {
        assert_eq!(cut("東京東京", 4), "東京東京");
        assert_eq!(cut("東京東京", 1), "東… (3 more characters)");
    }

    #[test]
    fn durations_are_spoken() {
        let said: Vec<_> = [400, 5_000, 9_940, 12_345, 60_000, 185_000, 7_800_000]
            .into_iter()
            .map(|millis| spoken(Duration::from_millis(millis)))
            .collect();
        assert_eq!(said, ["0.4 s", "5 s", "9.9 s", "12 s", "1 min", "3 min 5 s", "2 h 10 min"]);
    }

    proptest! {
        #[test]
        fn wrapping_loses_no_word_and_overruns_no_line(text in "[a-zé東 ]{0,80}", columns in 8usize..40) {
            let lines = wrap(&text, columns);
            prop_assert!(lines.iter().all(|line| width(line) <= columns));
            let squeeze = |text: &str| text.chars().filter(|char| *char != ' ').collect::<String>();
            prop_assert_eq!(squeeze(&lines.concat()), squeeze(&text));
        }
    }
}
