//! The lines of a file around its labels, drawn by miette.
//!
//! miette is handed a copy made for the page and never the file: a few lines, each cropped to the width around what is
//! marked and with control characters written out. So it draws in time that does not depend on the size of the file,
//! and what it cannot do (a line of 17 kB, escape sequences, a span past the end) does not occur.

use std::fmt;
use std::ops::Range;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan,
    SpanContents, ThemeCharacters, ThemeStyles,
};

use super::clean::{is_unsafe, written_out};
use super::layout::{width, wrap};
use super::style::Theme;
use crate::model::{Label, Severity, SourceFile};

/// Lines shown above and below a marked one.
const CONTEXT: usize = 1;
/// Columns to keep in front of a mark when a line is cut on its left, and to leave its message at least.
const LEAD: usize = 12;
const MESSAGE: usize = 24;

/// The file's text as it may be shown: what is masked in it has the same length.
fn shown(file: &SourceFile) -> &str {
    file.display()
}

/// Draws the labels of one file, a snippet for each group of neighbouring lines.
pub(super) fn draw(file: &SourceFile, labels: &[&Label], severity: Severity, theme: Theme) -> String {
    let mut marks: Vec<Mark> = labels.iter().map(|label| Mark::new(file, label)).collect();
    marks.sort_by_key(|mark| (mark.line, mark.bytes.start));
    let mut out = String::new();
    let mut rest = marks.as_slice();
    while let Some(first) = rest.first() {
        let mut last_line = first.line;
        let mut count = 0;
        for mark in rest {
            // One line between two snippets is shown rather than left out.
            if mark.line > last_line + 2 * CONTEXT + 1 {
                break;
            }
            last_line = mark.line;
            count += 1;
        }
        let (group, others) = rest.split_at(count);
        let from = first.line.saturating_sub(CONTEXT);
        let to = (last_line + CONTEXT).min(last_text_line(file).max(last_line));
        out.push_str(&draw_group(file, group, from..to + 1, severity, theme));
        rest = others;
    }
    out
}

/// A label put into one line of its file; what goes on below is left to the reader.
struct Mark<'a> {
    label: &'a Label,
    line: usize,
    /// In the line.
    bytes: Range<usize>,
}

impl<'a> Mark<'a> {
    fn new(file: &SourceFile, label: &'a Label) -> Self {
        let text = shown(file);
        let clamp = |offset: usize| {
            let mut offset = offset.min(text.len());
            while !text.is_char_boundary(offset) {
                offset -= 1;
            }
            offset
        };
        let span = label.span.range();
        let (start, end) = (clamp(span.start), clamp(span.end.max(span.start)));
        let line = file.line_starts().partition_point(|begin| *begin as usize <= start) - 1;
        let range = line_range(file, line);
        if range.is_empty() && line > last_text_line(file) {
            // Behind the last line there is nothing to underline: mark the end of what there is.
            let line = last_text_line(file);
            let end = line_range(file, line).len();
            return Self { label, line, bytes: end..end };
        }
        let start = (start - range.start).min(range.len());
        Self { label, line, bytes: start..(end - range.start).min(range.len()).max(start) }
    }
}

/// The bytes of a line without its break.
fn line_range(file: &SourceFile, line: usize) -> Range<usize> {
    let text = shown(file);
    let start = file.line_starts()[line] as usize;
    let end = file.line_starts().get(line + 1).map_or(text.len(), |next| *next as usize);
    start..start + text[start..end].trim_end_matches(['\n', '\r']).len()
}

/// The last line that has text; the first if none has.
fn last_text_line(file: &SourceFile) -> usize {
    let end = u32::try_from(shown(file).trim_end().len()).unwrap_or(u32::MAX);
    file.line_starts().partition_point(|start| *start < end.max(1)) - 1
}

fn draw_group(file: &SourceFile, marks: &[Mark], lines: Range<usize>, severity: Severity, theme: Theme) -> String {
    // miette's frame: a space, the number, a space, the bar, a space.
    let room = theme.width.saturating_sub(lines.end.to_string().len() + 4).max(2 * MESSAGE);
    let mut excerpt = Excerpt {
        name: super::clean_line(file.name()).into_owned(),
        text: String::new(),
        lines: lines.clone(),
        places: Vec::new(),
    };
    let mut labels = Vec::new();
    let mut primary = Vec::new();
    for line in lines {
        let text = &shown(file)[line_range(file, line)];
        let here: Vec<&Mark> = marks.iter().filter(|mark| mark.line == line).collect();
        let cut = Cut::new(text, &here, room, theme);
        let start = excerpt.text.len();
        excerpt.text.push_str(&cut.text);
        excerpt.text.push('\n');
        for mark in here {
            let from = start + cut.offset(mark.bytes.start);
            let to = (start + cut.offset(mark.bytes.end)).max(from);
            let column = width(&excerpt.text[start..from]);
            let message = super::clean(&mark.label.message);
            let message = wrap(&message, room.saturating_sub(column + 6).max(MESSAGE)).join("\n");
            let message = (!message.is_empty()).then_some(message);
            labels.push(LabeledSpan::new_with_span(message, (from, to - from)));
            primary.push(mark.label.primary);
            let offset = line_range(file, line).start + mark.bytes.start;
            let (_, column) = file.line_column(u32::try_from(offset).unwrap_or(u32::MAX));
            excerpt.places.push((from, line, column as usize - 1));
            if mark.label.primary {
                let label = labels.last_mut().expect("just pushed");
                *label = LabeledSpan::new_primary_with_span(label.label().map(str::to_owned), *label.inner());
            }
        }
    }
    let handler = GraphicalReportHandler::new_themed(graphics(&primary, severity, theme)).with_context_lines(CONTEXT);
    let mut drawn = String::new();
    let problem = Problem { excerpt, labels };
    handler.render_report(&mut drawn, &problem).expect("a string can be written to, and every span is in the excerpt");
    // The first line is miette's own heading, of a message we do not give it.
    drawn.split_once('\n').map_or_else(String::new, |(_, snippet)| snippet.to_owned())
}

/// The place to go to in the colour of the severity, the others in one that recedes.
fn graphics(primary: &[bool], severity: Severity, theme: Theme) -> GraphicalTheme {
    let characters = if theme.unicode { ThemeCharacters::unicode() } else { ThemeCharacters::ascii() };
    let mut styles = if theme.color { ThemeStyles::ansi() } else { ThemeStyles::none() };
    let strong = match severity {
        Severity::Error => styles.error,
        Severity::Warning => styles.warning,
    };
    styles.highlights = primary.iter().map(|primary| if *primary { strong } else { styles.advice }).collect();
    GraphicalTheme { characters, styles }
}

/// A line as it is drawn, and where its characters went.
struct Cut {
    text: String,
    /// For each character shown, its offset in the line of the file and in `text`; one more for the end.
    places: Vec<(usize, usize)>,
}

impl Cut {
    fn new(line: &str, marks: &[&Mark], room: usize, theme: Theme) -> Self {
        // Of a huge line only the surroundings of its first mark are looked at.
        let mut begin = marks.first().map_or(0, |mark| mark.bytes.start.saturating_sub(4 * room));
        if line.len() <= 64 * room {
            begin = 0;
        }
        while !line.is_char_boundary(begin) {
            begin -= 1;
        }
        let mut column = 0;
        let mut cells: Vec<(usize, String, usize)> = Vec::new();
        for (at, char) in line[begin..].char_indices().take(32 * room) {
            let at = begin + at;
            let drawn = match char {
                '\t' => " ".repeat(4 - column % 4),
                char if is_unsafe(char) => written_out(char),
                char => char.to_string(),
            };
            let columns = width(&drawn);
            cells.push((at, drawn, columns));
            column += columns;
        }
        let mark_column = |mark: &Mark| -> usize {
            cells.iter().take_while(|(at, ..)| *at < mark.bytes.start).map(|(_, _, columns)| columns).sum()
        };
        let first = marks.first().map_or(0, |mark| mark_column(mark));
        let message = marks.iter().map(|mark| width(&mark.label.message)).max().unwrap_or(0).min(MESSAGE) + 6;
        let right = marks.iter().map(|mark| mark_column(mark) + message).max().unwrap_or(0);
        let skip = if right > room || begin > 0 { first.saturating_sub(LEAD) } else { 0 };
        let ellipsis = theme.ellipsis();
        let mut cut = Self { text: String::new(), places: Vec::new() };
        let mut taken = 0;
        let mut passed = 0;
        for (index, (at, drawn, columns)) in cells.iter().enumerate() {
            if passed < skip {
                passed += columns;
                continue;
            }
            if skip > 0 && cut.places.is_empty() {
                cut.text.push_str(ellipsis);
                taken = width(ellipsis);
            }
            let rest: usize = cells[index..].iter().map(|(_, _, columns)| columns).take(room + 1).sum();
            if taken + columns + if taken + rest > room { width(ellipsis) } else { 0 } > room {
                cut.places.push((*at, cut.text.len()));
                cut.text.push_str(ellipsis);
                return cut;
            }
            cut.places.push((*at, cut.text.len()));
            cut.text.push_str(drawn);
            taken += columns;
        }
        cut.places.push((line.len(), cut.text.len()));
        cut
    }

    /// Where a byte of the line is drawn; at an edge if it is not.
    fn offset(&self, byte: usize) -> usize {
        let next = self.places.partition_point(|(at, _)| *at < byte);
        self.places.get(next).or(self.places.last()).map_or(0, |(_, drawn)| *drawn)
    }
}

/// What miette reads.
struct Excerpt {
    name: String,
    text: String,
    lines: Range<usize>,
    /// Where a mark is drawn, and its line and column, from 0, in the file.
    places: Vec<(usize, usize, usize)>,
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        // Without context miette asks where a mark is, with context for the lines to draw.
        let place = self.places.iter().find(|(drawn, ..)| before + after == 0 && *drawn == span.offset());
        let (line, column) = place.map_or((self.lines.start, 0), |(_, line, column)| (*line, *column));
        let all = SourceSpan::from((0, self.text.len()));
        let contents =
            MietteSpanContents::new_named(self.name.clone(), self.text.as_bytes(), all, line, column, self.lines.len());
        Ok(Box::new(contents))
    }
}

/// Labels over an excerpt, without words of its own.
struct Problem {
    excerpt: Excerpt,
    labels: Vec<LabeledSpan>,
}

impl fmt::Display for Problem {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Problem")
    }
}

impl std::error::Error for Problem {}

impl miette::Diagnostic for Problem {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.excerpt)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;
    use crate::model::{FileId, Sources, Span};

    fn file(text: &str) -> (SourceFile, FileId) {
        (
            SourceFile::new("resources/acme.yaml", text),
            Sources::default().add(SourceFile::new("resources/acme.yaml", text)),
        )
    }

    fn drawn(text: &str, spans: &[(Range<usize>, &str)], theme: Theme) -> String {
        let (file, id) = file(text);
        let labels: Vec<Label> = spans
            .iter()
            .enumerate()
            .map(|(at, (span, message))| Label {
                span: Span::new(id, span.clone()),
                message: (*message).to_owned(),
                primary: at == 0,
            })
            .collect();
        draw(&file, &labels.iter().collect::<Vec<_>>(), Severity::Error, theme)
    }

    fn find(text: &str, part: &str) -> Range<usize> {
        let start = text.find(part).expect("the part is in the text");
        start..start + part.len()
    }

    fn widest(drawn: &str) -> usize {
        drawn.lines().map(width).max().unwrap_or(0)
    }

    #[test]
    fn a_mark_stands_below_what_it_marks_in_any_script() {
        let text = "customers:\n  acme:\n    name: Привет 東京 👩 wrong\n\t\u{e9}: tabbed\n";
        let shown = drawn(text, &[(find(text, "wrong"), "here"), (find(text, "tabbed"), "and here")], Theme::PLAIN);
        insta::assert_snapshot!(shown);
        for (line, below) in shown.lines().zip(shown.lines().skip(1)) {
            for word in ["wrong", "tabbed"] {
                if let Some(at) = line.find(word) {
                    let mark = below.find(['─', '┬']).expect("a mark");
                    assert_eq!(width(&line[..at]), width(&below[..mark]), "{shown}");
                }
            }
        }
    }

    #[test]
    fn distant_labels_are_drawn_apart_and_near_ones_together() {
        let text = (1..=60).fold(String::new(), |mut text, line| {
            writeln!(text, "key{line}: value{line}").expect("a string");
            text
        });
        let labels = [
            (find(&text, "value3\n"), "the first"),
            (find(&text, "key5:"), "the second"),
            (find(&text, "key50"), "the third"),
        ];
        insta::assert_snapshot!(drawn(&text, &labels, Theme::PLAIN));
    }

    #[test]
    fn a_span_of_many_lines_is_marked_on_its_first() {
        let text = "a:\n  b: 1\n  c: 2\n  d: 3\n";
        let shown = drawn(text, &[(2..text.len(), "the body")], Theme::PLAIN);
        assert!(!shown.contains("d: 3"), "{shown}");
        assert!(shown.contains("the body"), "{shown}");
    }

    #[test]
    fn a_span_past_the_end_or_empty_at_the_end_marks_the_last_text() {
        for text in ["a: 1\nlast: 2\n", "a: 1\nlast: 2", "a: 1\nlast: 2\n\n\n"] {
            for span in [text.len()..text.len(), text.len() + 5..text.len() + 9, 900..900] {
                let shown = drawn(text, &[(span.clone(), "more was expected")], Theme::PLAIN);
                assert!(shown.contains("[resources/acme.yaml:2:8]"), "{text:?} {span:?}\n{shown}");
                assert!(shown.contains('▲') && shown.contains("more was expected"), "{shown}");
            }
        }
        let empty = drawn("", &[(0..0, "nothing here")], Theme::PLAIN);
        assert!(empty.contains("[resources/acme.yaml:1:1]") && empty.contains("nothing here"), "{empty}");
    }

    #[test]
    fn a_span_inside_a_character_does_no_harm() {
        let text = "name: 東京\n";
        let shown = drawn(text, &[(7..8, "inside")], Theme::PLAIN);
        assert!(shown.contains("inside"), "{shown}");
    }

    #[test]
    fn control_characters_of_the_file_are_written_out() {
        let text = "name: \u{1b}]0;title\u{7}\u{202e}evil wrong\r\nnext: 1\r\n";
        let shown = drawn(text, &[(find(text, "wrong"), "h\u{1b}[2Jere")], Theme::PLAIN);
        assert!(!shown.contains(|char| is_unsafe(char) && char != '\n'), "{shown:?}");
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn what_is_masked_is_not_drawn() {
        let text = "token = \"пароль\" # wrong\n";
        let (mut file, id) = file(text);
        file.mask(find(text, "пароль"));
        let label = Label { span: Span::new(id, find(text, "wrong")), message: "here".into(), primary: true };
        let shown = draw(&file, &[&label], Severity::Error, Theme::PLAIN);
        assert!(!shown.contains("пароль") && shown.contains("\"************\""), "{shown}");
        assert!(shown.contains("[resources/acme.yaml:1:20]"), "{shown}");
    }

    #[test]
    fn a_long_line_is_cropped_around_its_mark() {
        let text = format!("{{first: {}, wrong: here, last: {}}}\n", "x".repeat(9_000), "y".repeat(9_000));
        let shown = drawn(&text, &[(find(&text, "wrong"), "not a field")], Theme::PLAIN);
        assert!(widest(&shown) <= 80, "{shown}");
        insta::assert_snapshot!(shown);
        let plain = drawn(&text, &[(find(&text, "wrong"), "not a field")], Theme { unicode: false, ..Theme::PLAIN });
        assert!(plain.is_ascii() && widest(&plain) <= 80, "{plain}");
    }

    #[test]
    fn a_long_message_wraps() {
        let text = "        name: acme\n";
        let message = "this value was declared with a default in trueup.toml and is overridden by the environment";
        let shown = drawn(text, &[(find(text, "acme"), message)], Theme::PLAIN);
        assert!(widest(&shown) <= 80, "{shown}");
        insta::assert_snapshot!(shown);
    }

    proptest! {
        #[test]
        fn any_span_of_any_text_can_be_drawn(
            text in "[ab\t\u{1b}\u{202e}東é:\r\n]{0,60}",
            spans in prop::collection::vec((0usize..80, 0usize..40), 1..5),
            width in 20usize..100,
        ) {
            let spans: Vec<_> = spans.iter().map(|(start, length)| (*start..start + length, "some words")).collect();
            let shown = drawn(&text, &spans, Theme { width, ..Theme::PLAIN });
            prop_assert!(!shown.contains(|char| is_unsafe(char) && char != '\n'), "{:?}", shown);
            prop_assert_eq!(shown.matches("some words").count(), spans.len(), "{}", shown);
        }
    }

    #[test]
    fn a_hundred_labels_are_drawn_in_reasonable_space() {
        let text = "key: value\n".repeat(2_000);
        let labels: Vec<_> = (0..100).map(|at| (at * 220..at * 220 + 3, "again")).collect();
        let shown = drawn(&text, &labels, Theme::PLAIN);
        assert_eq!(shown.matches("again").count(), 100);
        assert!(shown.len() < 40_000, "{} bytes", shown.len());
    }
}
