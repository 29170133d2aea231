//! Files as the user wrote them, and places in them.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A file of this run, by the order in which it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(u32);

/// A range of bytes in a file. `end` is exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The file it is in.
    pub file: FileId,
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// A span from byte offsets; files are at most 64 MiB, so 32 bits hold any.
    pub fn new(file: FileId, range: Range<usize>) -> Self {
        let narrow = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Self { file, start: narrow(range.start), end: narrow(range.end) }
    }

    /// The bytes covered.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// From the start of this span to the end of `other`.
    pub fn to(self, other: Self) -> Self {
        Self { file: self.file, start: self.start, end: other.end.max(self.start) }
    }
}

/// A span in the terms of an editor: lines and columns count from 1, columns in Unicode scalar values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line of the first character.
    pub line: u32,
    /// Column of the first character.
    pub column: u32,
    /// Line of the last position.
    pub end_line: u32,
    /// Column one past the last character.
    pub end_column: u32,
}

/// One text file: its name as shown to people, its text without a byte order mark, and where its lines start.
#[derive(Clone)]
pub struct SourceFile {
    name: String,
    text: String,
    display: Option<String>,
    lines: Vec<u32>,
    /// How many characters start before each [`STRIDE`] of bytes; empty where every byte is one.
    characters: Vec<u32>,
}

/// How far apart the places are up to which characters have been counted: one line may be a whole file.
const STRIDE: usize = 4096;

impl SourceFile {
    /// Takes a file's text. A leading byte order mark is dropped, so that it shifts no column.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let mut text: String = text.into();
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines =
            std::iter::once(0).chain(newlines.map(|(at, _)| u32::try_from(at + 1).unwrap_or(u32::MAX))).collect();
        let mut characters = Vec::new();
        if !text.is_ascii() {
            let mut before = 0;
            for stride in text.as_bytes().chunks(STRIDE) {
                characters.push(before);
                before += starts(stride);
            }
            characters.push(before);
        }
        Self { name: name.into(), text, display: None, lines, characters }
    }

    /// The path, relative to the directory of `trueup.toml`, with `/`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text. To print any of it, take [`SourceFile::display`].
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text as it may be shown: each byte of what is masked is a `*`, so offsets and lines are those of the text.
    pub fn display(&self) -> &str {
        self.display.as_deref().unwrap_or(&self.text)
    }

    /// Hides a range of bytes from [`SourceFile::display`]; line breaks in it stay. A range that does not lie between
    /// characters of the text is widened to one that does.
    pub fn mask(&mut self, range: Range<usize>) {
        let (mut start, mut end) = (range.start.min(self.text.len()), range.end.min(self.text.len()));
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        while !self.text.is_char_boundary(end) {
            end += 1;
        }
        if start < end {
            let hidden =
                self.text[start..end].bytes().map(|byte| if byte == b'\n' { '\n' } else { '*' }).collect::<String>();
            self.display.get_or_insert_with(|| self.text.clone()).replace_range(start..end, &hidden);
        }
    }

    /// Byte offsets at which lines start; never empty.
    pub fn line_starts(&self) -> &[u32] {
        &self.lines
    }

    /// Line and column, both from 1, of a byte offset; an offset inside a character or past the end is moved back.
    pub fn line_column(&self, offset: u32) -> (u32, u32) {
        let mut offset = (offset as usize).min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.lines.partition_point(|start| *start as usize <= offset);
        let start = self.lines[line - 1] as usize;
        let column = self.characters_before(offset) - self.characters_before(start);
        (u32::try_from(line).unwrap_or(u32::MAX), column.saturating_add(1))
    }

    /// How many characters start before an offset.
    fn characters_before(&self, offset: usize) -> u32 {
        match self.characters.get(offset / STRIDE) {
            Some(before) => before + starts(&self.text.as_bytes()[offset / STRIDE * STRIDE..offset]),
            None => u32::try_from(offset).unwrap_or(u32::MAX),
        }
    }
}

/// How many characters start in these bytes of UTF-8.
fn starts(bytes: &[u8]) -> u32 {
    let count = bytes.iter().filter(|byte| !matches!(byte, 0x80..=0xbf)).count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl fmt::Debug for SourceFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceFile({}, {} bytes)", self.name, self.text.len())
    }
}

/// Every file this run has read. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Vec<Arc<SourceFile>>,
}

impl Sources {
    /// Adds a file and returns its number.
    pub fn add(&mut self, file: SourceFile) -> FileId {
        self.files.push(Arc::new(file));
        FileId(u32::try_from(self.files.len() - 1).expect("fewer than 2^32 files"))
    }

    /// The file of this number.
    pub fn get(&self, id: FileId) -> &Arc<SourceFile> {
        &self.files[id.0 as usize]
    }

    /// Hides a span from what is displayed of its file.
    pub fn mask(&mut self, span: Span) {
        Arc::make_mut(&mut self.files[span.file.0 as usize]).mask(span.range());
    }

    /// A span as an editor shows it.
    pub fn position(&self, span: Span) -> Position {
        let file = self.get(span.file);
        let (line, column) = file.line_column(span.start);
        let (end_line, end_column) = file.line_column(span.end.max(span.start));
        Position { line, column, end_line, end_column }
    }

    /// The text under a span; empty if the span is not in its file.
    pub fn text(&self, span: Span) -> &str {
        self.get(span.file).text().get(span.range()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_masked_is_not_displayed_and_moves_nothing() {
        let text = "token = \"é\nx\" # é\n";
        let mut sources = Sources::default();
        let id = sources.add(SourceFile::new("trueup.toml", text));
        let before = Arc::clone(sources.get(id));
        sources.mask(Span::new(id, 9..13));
        assert_eq!(sources.get(id).display(), "token = \"**\n*\" # é\n");
        assert_eq!(sources.get(id).text(), text);
        assert_eq!(before.display(), text);
    }

    #[test]
    fn columns_count_characters_however_long_the_line() {
        let text = format!("é\n{}x", "a日é".repeat(5000));
        let file = SourceFile::new("a", text.as_str());
        for (offset, _) in text.char_indices().skip(2) {
            let column = text[3..offset].chars().count() + 1;
            assert_eq!(file.line_column(u32::try_from(offset).unwrap()), (2, u32::try_from(column).unwrap()));
        }
        let whole = SourceFile::new("a", "é".repeat(STRIDE));
        assert_eq!(whole.line_column(u32::MAX), (1, u32::try_from(STRIDE).unwrap() + 1));
    }

    #[test]
    fn a_mask_inside_a_character_covers_it_and_one_past_the_end_is_cut() {
        let mut file = SourceFile::new("a", "éa é");
        file.mask(1..2);
        assert_eq!(file.display(), "**a é");
        file.mask(5..99);
        assert_eq!(file.display(), "**a **");
        file.mask(99..120);
        assert_eq!(file.display().len(), file.text().len());
    }
}
