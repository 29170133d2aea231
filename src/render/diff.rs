//! What differs between two values, as lines to write.

use std::borrow::Cow;

use serde_json::Value;
use similar::{Algorithm, ChangeTag, DiffOp, DiffTag, TextDiff, capture_diff_slices};

use super::layout::{counted, wrap_line};
use super::style::{Theme, Tone};
use super::{clean, clean_line, value};

/// Lines around a difference that are shown as they are.
const CONTEXT: usize = 2;
/// Beyond this nobody reads a comparison, and making one could take long.
const COMPARABLE: usize = 256 * 1024;

/// Text in pieces, each in its tone.
pub(super) type Line = Vec<(Option<Tone>, String)>;

/// A line as it is written.
pub(super) fn painted(line: &Line, theme: Theme) -> String {
    line.iter()
        .map(|(tone, text)| match tone {
            Some(tone) => theme.paint(*tone, text).to_string(),
            None => text.clone(),
        })
        .collect()
}

/// The pieces of both sides of one-line texts, with what differs emphasised.
pub(super) fn words(before: &str, after: &str) -> (Line, Line) {
    let (mut old, mut new) = (Line::new(), Line::new());
    if before.len() + after.len() > 16 * 1024 {
        return (vec![(None, before.to_owned())], vec![(None, after.to_owned())]);
    }
    let diff = TextDiff::configure().algorithm(Algorithm::Myers).diff_unicode_words(before, after);
    // Where little is shared, emphasis on nearly everything says nothing.
    let alike = diff.ratio() >= 0.4;
    for change in diff.iter_all_changes() {
        let text = change.value().to_owned();
        match change.tag() {
            ChangeTag::Equal => {
                push(&mut old, None, &text);
                push(&mut new, None, &text);
            }
            ChangeTag::Delete => push(&mut old, alike.then_some(Tone::Lost), &text),
            ChangeTag::Insert => push(&mut new, alike.then_some(Tone::Gained), &text),
        }
    }
    (old, new)
}

fn push(line: &mut Line, tone: Option<Tone>, text: &str) {
    match line.last_mut() {
        Some((last, said)) if *last == tone => said.push_str(text),
        _ => line.push((tone, text.to_owned())),
    }
}

/// The lines that differ between two texts, with a few around them.
pub(super) fn texts(before: &str, after: &str, columns: usize) -> Vec<Line> {
    if before.len() + after.len() > COMPARABLE {
        let size = |text: &str| format!("{}, {} bytes", counted(text.lines().count(), "line"), text.len());
        return vec![
            removed(vec![(Some(Tone::Faint), format!("({})", size(before)))]),
            added(vec![(Some(Tone::Faint), format!("({})", size(after)))]),
        ];
    }
    let diff = TextDiff::configure().algorithm(Algorithm::Patience).diff_lines(before, after);
    // A carriage return at the end of a line is worth a mention only where the other side has none.
    let ends: &[char] = if before.contains("\r\n") == after.contains("\r\n") { &['\n', '\r'] } else { &['\n'] };
    let end_differs = before.ends_with('\n') != after.ends_with('\n');
    let mut lines = Vec::new();
    let mut shown_to = 0;
    for group in diff.grouped_ops(CONTEXT) {
        let from = group.first().map_or(0, |op| op.old_range().start);
        if from > shown_to {
            lines.push(left_out(from - shown_to, "line"));
        }
        shown_to = group.last().map_or(shown_to, |op| op.old_range().end);
        for op in &group {
            for change in diff.iter_inline_changes(op) {
                let mut line = Line::new();
                let (plain, emphasis) = match change.tag() {
                    ChangeTag::Equal => (None, None),
                    ChangeTag::Delete => (Some(Tone::Remove), Some(Tone::Lost)),
                    ChangeTag::Insert => (Some(Tone::Add), Some(Tone::Gained)),
                };
                for (emphasised, text) in change.values() {
                    let text = clean_line(text.trim_end_matches(ends));
                    if !text.is_empty() {
                        push(&mut line, if *emphasised { emphasis } else { plain }, &text);
                    }
                }
                let text = change.values().iter().map(|(_, text)| *text).collect::<String>();
                let text = text.trim_end_matches(['\n', '\r']);
                if change.tag() == ChangeTag::Equal && text.trim().is_empty() {
                    line.clear();
                } else if change.tag() != ChangeTag::Equal && text.ends_with([' ', '\t']) {
                    line.push((Some(Tone::Faint), "(spaces at the end)".to_owned()));
                }
                if change.missing_newline() && end_differs && change.tag() != ChangeTag::Equal {
                    line.push((Some(Tone::Faint), " (no line break at the end)".to_owned()));
                }
                lines.extend(signed(change.tag(), &line, columns));
            }
        }
    }
    let rest = diff.old_len().saturating_sub(shown_to);
    if rest > 0 {
        lines.push(left_out(rest, "line"));
    }
    lines
}

/// Two one-line texts below each other, because beside each other they would not fit.
pub(super) fn stacked(before: &str, after: &str, columns: usize) -> Vec<Line> {
    let (old, new) = words(before, after);
    let mut lines = signed(ChangeTag::Delete, &old, columns);
    lines.extend(signed(ChangeTag::Insert, &new, columns));
    lines
}

/// The items that differ between two lists.
pub(super) fn lists(before: &[Value], after: &[Value], columns: usize) -> Vec<Line> {
    let old: Vec<String> = before.iter().map(value::inline).collect();
    let new: Vec<String> = after.iter().map(value::inline).collect();
    if before.len() + after.len() > 20_000 {
        return vec![left_out(before.len(), "item"), vec![(None, format!("-> {}", counted(after.len(), "item")))]];
    }
    let mut lines = Vec::new();
    for op in capture_diff_slices(Algorithm::Myers, &old, &new) {
        let (tag, old_range, new_range) = op.as_tag_tuple();
        if tag == DiffTag::Equal {
            lines.push(left_out(old_range.len(), "item"));
            continue;
        }
        if let DiffOp::Replace { old_len: 1, new_len: 1, old_index, new_index } = op {
            lines.extend(stacked(&old[old_index], &new[new_index], columns));
            continue;
        }
        for item in &old[old_range] {
            lines.extend(signed(ChangeTag::Delete, &vec![(None, item.clone())], columns));
        }
        for item in &new[new_range] {
            lines.extend(signed(ChangeTag::Insert, &vec![(None, item.clone())], columns));
        }
    }
    lines
}

/// A text as the lines it consists of, behind a rule that shows where it begins.
pub(super) fn block(text: &str, columns: usize) -> Vec<Line> {
    let text: Cow<str> = clean(text);
    let wrapped = text
        .lines()
        .flat_map(|line| wrap_line(line, columns.saturating_sub(2)).into_iter().map(|at| line[at].trim_end()));
    let rule = |text: &str| (Some(Tone::Faint), text.to_owned());
    wrapped
        .map(|line| if line.is_empty() { vec![rule("|")] } else { vec![rule("| "), (None, line.to_owned())] })
        .collect()
}

fn left_out(count: usize, noun: &str) -> Line {
    vec![(Some(Tone::Faint), format!("  ({} as before)", counted(count, noun)))]
}

fn removed(line: Line) -> Line {
    std::iter::once((Some(Tone::Remove), "- ".to_owned())).chain(line).collect()
}

fn added(line: Line) -> Line {
    std::iter::once((Some(Tone::Add), "+ ".to_owned())).chain(line).collect()
}

/// The line behind its sign, wrapped below itself.
fn signed(tag: ChangeTag, line: &Line, columns: usize) -> Vec<Line> {
    let lines = wrap_pieces(line, columns.saturating_sub(2)).into_iter().enumerate();
    lines
        .map(|(at, line)| match tag {
            _ if at > 0 => std::iter::once((None, "  ".to_owned())).chain(line).collect(),
            ChangeTag::Delete => removed(line),
            ChangeTag::Insert => added(line),
            ChangeTag::Equal if line.is_empty() => line,
            ChangeTag::Equal => std::iter::once((None, "  ".to_owned())).chain(line).collect(),
        })
        .collect()
}

/// A line broken to fit, its pieces with it.
pub(super) fn wrap_pieces(line: &Line, columns: usize) -> Vec<Line> {
    let whole: String = line.iter().map(|(_, text)| text.as_str()).collect();
    let mut lines = Vec::new();
    for part in wrap_line(&whole, columns) {
        let mut pieces = Line::new();
        let mut start = 0;
        for (tone, text) in line {
            let end = start + text.len();
            let (from, to) = (part.start.max(start), part.end.min(end));
            if from < to {
                pieces.push((*tone, whole[from..to].to_owned()));
            }
            start = end;
        }
        lines.push(pieces);
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn plain(lines: &[Line]) -> Vec<String> {
        lines.iter().map(|line| painted(line, Theme::PLAIN)).collect()
    }

    #[test]
    fn only_the_words_that_differ_are_emphasised() {
        let (old, new) = words("Acme production east", "Acme staging east");
        assert_eq!(
            old,
            [(None, "Acme ".into()), (Some(Tone::Lost), "production".into()), (None, " east".into())]
                as [(_, String); 3]
        );
        assert_eq!(new[1], (Some(Tone::Gained), "staging".into()));
        assert_eq!(words("one", "two").0, [(None, "one".to_owned())]);
    }

    #[test]
    fn of_long_texts_only_what_differs_is_shown() {
        let before = (1..=20).map(|line| format!("line {line}\n")).collect::<Vec<_>>().concat();
        let after = before.replace("line 10\n", "line ten\nand more\n");
        assert_eq!(
            plain(&texts(&before, &after, 60)),
            [
                "  (7 lines as before)",
                "  line 8",
                "  line 9",
                "- line 10",
                "+ line ten",
                "+ and more",
                "  line 11",
                "  line 12",
                "  (8 lines as before)",
            ]
        );
    }

    #[test]
    fn a_line_break_at_the_end_is_told() {
        assert_eq!(plain(&texts("a\nb\n", "a\nb", 60)), ["  a", "- b", "+ b (no line break at the end)"]);
    }

    #[test]
    fn another_kind_of_line_break_is_told() {
        assert_eq!(plain(&texts("a\nb\n", "a\r\nb\n", 60)), ["- a", "+ a\\u{d}", "  b"]);
        assert_eq!(plain(&texts("a\r\nb\r\n", "a\r\nc\r\n", 60)), ["  a", "- b", "+ c"]);
    }

    #[test]
    fn spaces_at_the_end_of_a_line_are_told() {
        assert_eq!(plain(&texts("a\n\nb\n", "a\n\nb  \n", 60)), ["  a", "", "- b", "+ b  (spaces at the end)"]);
    }

    #[test]
    fn an_item_in_the_middle_of_a_list_is_one_line() {
        let shown = lists(&[json!("a"), json!("b"), json!("d")], &[json!("a"), json!("b"), json!("c"), json!("d")], 40);
        assert_eq!(plain(&shown), ["  (2 items as before)", "+ c", "  (1 item as before)"]);
    }

    proptest! {
        #[test]
        fn both_sides_keep_every_character(before in "[ab東 .]{0,30}", after in "[ab東 .]{0,30}") {
            let (old, new) = words(&before, &after);
            let joined = |line: Line| line.into_iter().map(|(_, text)| text).collect::<String>();
            prop_assert_eq!(joined(old), before);
            prop_assert_eq!(joined(new), after);
        }

        #[test]
        fn texts_that_differ_show_it_and_those_that_do_not_show_nothing(
            before in "[ab \\r\\n]{0,30}",
            after in "[ab \\r\\n]{0,30}",
        ) {
            let signs = |lines: &[Line]| lines.iter().filter(|line| {
                painted(line, Theme::PLAIN).starts_with(['+', '-'])
            }).count();
            prop_assert_eq!(signs(&texts(&before, &after, 60)) == 0, before == after);
            prop_assert_eq!(signs(&texts(&after, &after, 60)), 0);
        }
    }

    #[test]
    fn texts_too_long_to_compare_are_counted() {
        let long = "x\n".repeat(200_000);
        assert_eq!(plain(&texts(&long, "y\nz", 60)), ["- (200000 lines, 400000 bytes)", "+ (2 lines, 3 bytes)"]);
    }
}
