//! The parser's errors in words that lead to the next edit, at the place where that edit is.

use std::borrow::Cow;

use granit_parser::{ErrorKind, ScanError};

use super::parse::MAX_DEPTH;
use crate::model::{Code, Diagnostic, FileId, Span};

/// What was known when the parser stumbled.
pub(super) struct Context<'s> {
    pub file: FileId,
    pub text: &'s str,
    /// Where the last value or key ended that came through; the parser may have looked further ahead.
    pub last_end: usize,
    /// Where the innermost open `[` or `{` stands.
    pub open: Option<usize>,
}

/// A text for a message: short, and without characters that a terminal would act on.
pub(super) fn shown(text: &str) -> Cow<'_, str> {
    const MOST: usize = 60;
    let end = text.char_indices().nth(MOST).map(|(at, _)| at);
    if end.is_none() && !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut short = String::new();
    for char in text[..end.unwrap_or(text.len())].chars() {
        if char.is_control() { short.extend(char.escape_default()) } else { short.push(char) }
    }
    if end.is_some() {
        short.push('…');
    }
    Cow::Owned(short)
}

/// Nested deeper than we follow.
pub(super) fn too_deep(at: Span) -> Diagnostic {
    Diagnostic::error(Code::YamlLimit, format!("nested deeper than {MAX_DEPTH} levels"))
        .at(at, "one level too many")
        .help("flatten the value, or pass it as one string if the remote takes text")
}

/// Whether the error means that the document before it, which seemed complete, goes on.
pub(super) fn continues_last_document(error: &ScanError) -> bool {
    matches!(error.kind(), ErrorKind::ExpectedDocumentStart)
}

/// The error as a diagnostic.
pub(super) fn explain(error: &ScanError, context: &Context<'_>) -> Diagnostic {
    let offset = context.clamp(error.marker().byte_offset().unwrap_or(context.last_end));
    context.explain(error.kind(), offset).unwrap_or_else(|| {
        let message = error.info();
        let message = if message.is_empty() { "this is not YAML".to_owned() } else { shown(&message).into_owned() };
        context
            .error(message, offset, "the YAML cannot be read from here on")
            .help("compare the indentation and punctuation with the lines above")
    })
}

impl Context<'_> {
    fn explain(&self, kind: &ErrorKind, offset: usize) -> Option<Diagnostic> {
        let text = self.text;
        Some(match kind {
            ErrorKind::RecursionLimitExceeded => too_deep(self.span(offset)),

            // Tabs and characters one cannot see
            ErrorKind::TabNotAllowed
            | ErrorKind::TabInBlockIndentation
            | ErrorKind::TabInIndentation
            | ErrorKind::TabInPlainScalar
            | ErrorKind::TabAtBlockScalarStart => self.tab(self.find_tab(offset).unwrap_or(offset)),
            ErrorKind::InvalidBlockEntryWhitespace | ErrorKind::InvalidMappingValueWhitespace
                if self.find_tab(offset).is_some() =>
            {
                self.tab(self.find_tab(offset).unwrap_or(offset))
            }
            ErrorKind::BomInsideDocument => self
                .error(
                    "a byte order mark (U+FEFF) in the middle of the file",
                    offset,
                    "an invisible character stands here",
                )
                .help("delete it; it usually stays behind when files are joined"),
            ErrorKind::UnexpectedCharacter { character } => self.character(*character, offset),

            // Indentation and the shape of mappings and lists
            ErrorKind::MappingValueNotAllowed => self.stray_colon(offset),
            ErrorKind::ExpectedBlockMappingKey => self.no_key(offset),
            ErrorKind::ExpectedBlockSequenceEntry => {
                if self.rest_is_item(offset) {
                    self.error("this `-` fits no list above", offset, "indented like none of the items above")
                        .help("align the `-` with those of its list")
                } else {
                    self.error("expected the next `-` of a list", offset, "this stands where a list item would begin")
                        .help(
                            "start the line with `- `, or indent it: a key as deep as the list cannot follow \
                         the list's items",
                        )
                }
            }
            ErrorKind::BlockSequenceEntryNotAllowed => {
                if self.line_before(offset).trim_end().ends_with(':') {
                    self.error("a list cannot begin on the line of its key", offset, "this `-` begins a list")
                        .help("put `- …` on a line of its own below the key, or write `[…]`; if it is text, quote it")
                } else {
                    self.error("a list item cannot stand here", offset, "this `-` begins a list item")
                        .help("align the `-` with the list it belongs to; if it is text, quote it")
                }
            }
            ErrorKind::MappingKeyNotAllowed => self
                .error("a key cannot begin here", offset, "`? ` begins a key")
                .help("if the `?` belongs to the text, quote it; else put the key on a line of its own"),
            ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => self
                .error(
                    format!("`{}` is not followed by `:`", shown(self.line_from(offset))),
                    offset,
                    "a key is expected here",
                )
                .help(
                    "write `key: value`; if the line continues the text above, indent it deeper than that \
                 text's key",
                ),
            ErrorKind::ExpectedDocumentStart => {
                if self.line_above(offset).starts_with('%') {
                    self.error("`---` is missing after the `%` line", offset, "the document begins here")
                        .help("put `---` on a line of its own between them, or remove the `%` line")
                } else if self.line_before(offset).trim().is_empty() {
                    self.error(
                        "this line is indented less than the start of the document",
                        offset,
                        "the document ended above",
                    )
                    .help("align it with the document's first line, or begin a new document with `---`")
                } else {
                    self.error("the document ended before this", offset, "nothing may follow here")
                        .help("remove it; to put it into the value before it, quote the whole value")
                }
            }
            ErrorKind::InvalidIndentation | ErrorKind::InvalidFlowScalarIndent => self.in_brackets(
                self.error("this line is indented too little", offset, "the value above is not complete")
                    .help("indent it deeper than the key it belongs to"),
            ),
            ErrorKind::UnexpectedEofBlockMapping
            | ErrorKind::UnexpectedEofBlockSequence
            | ErrorKind::UnexpectedEof
            | ErrorKind::UnexpectedEofImplicitFlowMapping
            | ErrorKind::UnexpectedEofFlowMapping
            | ErrorKind::UnexpectedEofFlowSequence
            | ErrorKind::ExpectedNodeContent => self.unexpected(offset),
            ErrorKind::CommentInterceptedScalar => self
                .error(
                    "a comment cannot stand inside a text of several lines",
                    offset,
                    "the text cannot go on after the comment",
                )
                .help("move the comment above the key, or write the text as a block with `|` or `>`"),
            ErrorKind::CommentNotSeparated => self
                .error("`#` needs a space before it to begin a comment", offset, "read as part of the value")
                .help("put a space before it; if it belongs to the text, quote the text"),

            // Brackets
            ErrorKind::UnclosedFlowCollection { open } => self
                .error(format!("`{open}` is never closed"), offset, "opened here")
                .help(format!("close it with `{}`; if it belongs to the text, quote the text", closing(*open))),
            ErrorKind::MismatchedFlowCollectionEnd { open, close } => self
                .error(format!("`{open}` is closed with `{close}`"), offset, "opened here")
                .help(format!("close it with `{}`", closing(*open))),
            ErrorKind::MisplacedFlowCollectionEnd => self
                .error(format!("`{}` closes nothing", self.char_at(offset)), offset, "nothing is open here")
                .help("remove it; if it belongs to the text, quote the text"),
            ErrorKind::ExpectedFlowMappingSeparator
            | ErrorKind::ExpectedFlowSequenceSeparator
            | ErrorKind::InvalidColonPlacement
            | ErrorKind::FlowMappingValueAdjacentCollection => self.between_brackets(offset),
            ErrorKind::BlockEntryInFlowCollection => self.in_brackets(
                self.error("a `- ` item cannot stand inside brackets", offset, "inside brackets items have no `-`")
                    .help("separate the items with `,`, or drop the brackets and indent the items under the key"),
            ),
            ErrorKind::PlainScalarStartsWithDashFlowIndicator => self
                .error("`-` cannot stand alone inside brackets", offset, "neither an item nor text")
                .help("quote it: `\"-\"`"),

            // Quotes and text blocks
            ErrorKind::UnclosedQuotedScalar
            | ErrorKind::InvalidQuotedScalarIndent
            | ErrorKind::DocumentIndicatorInQuotedScalar => self.unclosed_quote(kind, offset),
            ErrorKind::InvalidTrailingSingleQuotedScalar => self
                .error("text after the closing quote", offset, "the value has ended before this")
                .help("remove it, or quote the whole value; a `'` inside single quotes is written twice: `'it''s'`"),
            ErrorKind::InvalidTrailingDoubleQuotedScalar => self
                .error("text after the closing quote", offset, "the value has ended before this")
                .help("remove it, or quote the whole value; a `\"` inside double quotes is written `\\\"`"),
            ErrorKind::UnknownQuotedScalarEscape => {
                let at = self.find_escape(offset, |escape| !"0abt\tnvfre \"/\\N_LPxuU\n\r".contains(escape));
                let escape = text[at..].chars().take(2).collect::<String>();
                self.error_to(
                    at..at + escape.len(),
                    format!("`{}` is not an escape", shown(&escape)),
                    "double quotes give `\\` a meaning",
                )
                .help("write `\\\\` for a backslash, or use single quotes, in which nothing is escaped")
            }
            ErrorKind::InvalidQuotedScalarHexEscape
            | ErrorKind::InvalidLowSurrogateHexEscape
            | ErrorKind::InvalidLowSurrogate
            | ErrorKind::MissingLowSurrogate
            | ErrorKind::UnpairedLowSurrogate
            | ErrorKind::InvalidUnicodeEscape => {
                let at = self.find_bad_hex(offset);
                self.error_to(
                    at..self.clamp(at + 2),
                    "this escape names no character",
                    "the digits after it do \
                 not make a character",
                )
                .help(
                    "write `\\xNN`, `\\uNNNN` or `\\UNNNNNNNN` with exactly 2, 4 or 8 hexadecimal digits, \
                     or the character itself; `\\\\` is a backslash",
                )
            }
            ErrorKind::ZeroBlockScalarIndent => self
                .error(
                    "the indentation of a text block cannot be 0",
                    offset,
                    "the number says how far the text is indented",
                )
                .help("leave the number out, or write 1 to 9"),
            ErrorKind::InvalidBlockScalarHeader => {
                let mark = self.char_at(offset);
                self.error(
                    format!("text on the line of `{mark}`"),
                    offset,
                    "begins a text block, whose text starts on the next line",
                )
                .help(format!(
                    "move the text to the next line and indent it; if `{mark}` belongs to the text, quote the text"
                ))
            }
            ErrorKind::InvalidBlockScalarIndent => self
                .error(
                    "a line of the text block is indented too little",
                    offset,
                    "the block's first line sets its indentation",
                )
                .help("indent all lines of the text alike; if the first one shall be deeper, say so: `|2`"),

            // Anchors, tags and directives
            ErrorKind::MissingAnchorOrAliasName => {
                let mark = self.char_at(offset);
                let what = if mark == '*' { "refers to an anchor" } else { "gives a value a name" };
                self.error(format!("`{mark}` needs a name after it"), offset, format!("an unquoted `{mark}` {what}"))
                    .help(format!("if the `{mark}` belongs to the text, quote the text"))
            }
            ErrorKind::UndeclaredTagHandle
            | ErrorKind::InvalidGlobalTagCharacter
            | ErrorKind::InvalidTagTerminator
            | ErrorKind::MissingTagUri
            | ErrorKind::UnclosedVerbatimTag
            | ErrorKind::InvalidTagEscape
            | ErrorKind::InvalidTagUtf8LeadingByte
            | ErrorKind::InvalidTagUtf8TrailingByte
            | ErrorKind::InvalidTagUtf8 => {
                let at = Span::new(self.file, offset..self.word_end(offset));
                Diagnostic::error(
                    Code::YamlUnsupported,
                    "an unquoted `!` begins a tag, and this tag is not \
                 supported",
                )
                .at(at, "tags of other tools mean nothing here")
                .help("remove it; if the `!` belongs to the text, quote the text")
            }
            ErrorKind::UnsupportedYamlMajorVersion => self
                .error("this version of YAML is not supported", offset, "YAML 1.2 is read")
                .help("remove the `%YAML` line"),
            ErrorKind::MissingDocumentEndBeforeDirective => self
                .error("a `%` line inside a document", offset, "at the start of a line `%` begins a directive")
                .help("end the document above with `...`; if the `%` belongs to the text, quote the text"),
            ErrorKind::DuplicateVersionDirective
            | ErrorKind::DuplicateTagDirective
            | ErrorKind::ExpectedTagBang
            | ErrorKind::ExpectedTagDirectiveBang
            | ErrorKind::InvalidDirectiveTerminator
            | ErrorKind::MissingYamlVersionSeparator
            | ErrorKind::MissingDirectiveName
            | ErrorKind::InvalidDirectiveName
            | ErrorKind::DirectiveByteLimitExceeded { .. }
            | ErrorKind::YamlVersionTooLong
            | ErrorKind::MissingYamlVersion
            | ErrorKind::InvalidTagDirectiveTerminator => self
                .error("this directive cannot be read", offset, "at the start of a line `%` begins a directive")
                .help("remove the line: no directive is needed here; if the `%` belongs to the text, quote the text"),
            ErrorKind::InvalidDocumentEnd => self
                .error("text after the end of a document", offset, "only a comment may follow `...`")
                .help("put it on the next line"),
            _ => return None,
        })
    }

    fn error(&self, message: impl Into<String>, at: usize, label: impl Into<String>) -> Diagnostic {
        Diagnostic::error(Code::YamlSyntax, message).at(self.span(at), label)
    }

    fn error_to(&self, range: std::ops::Range<usize>, message: impl Into<String>, label: &str) -> Diagnostic {
        Diagnostic::error(Code::YamlSyntax, message).at(Span::new(self.file, range), label)
    }

    /// Names the open bracket too: what is wrong inside brackets is often that they should have been closed.
    fn in_brackets(&self, diagnostic: Diagnostic) -> Diagnostic {
        match self.open {
            Some(open) => diagnostic.also(self.span(open), "opened here"),
            None => diagnostic,
        }
    }

    fn tab(&self, at: usize) -> Diagnostic {
        self.error("a tab in the indentation", at, "YAML is indented with spaces only")
            .help("replace the tab with spaces, and let the editor insert spaces in YAML files")
    }

    fn character(&self, character: char, offset: usize) -> Diagnostic {
        if let '@' | '`' | '%' = character {
            let name = if character == '`' { "a backtick".to_owned() } else { format!("`{character}`") };
            let rest = self.line_from(offset);
            let text = rest.split_once(" #").map_or(rest, |(text, _)| text.trim_end());
            // Inside brackets the text ends somewhere on the line, and quotes would have to be escaped.
            let help = if self.open.is_some() || text.contains(['"', '\\', '`']) {
                "quote the text".to_owned()
            } else {
                format!("quote the text: `\"{}\"`", shown(text))
            };
            return self
                .error(
                    format!("text cannot begin with {name} unquoted"),
                    offset,
                    "YAML keeps this character for itself",
                )
                .help(help);
        }
        // For text the parser says where the text starts.
        let at = self.text[offset..].find(character).map_or(offset, |found| offset + found);
        let number = u32::from(character);
        let escape = if number <= 0xff { format!("\\x{number:02X}") } else { format!("\\u{number:04X}") };
        self.error(
            format!("the control character U+{number:04X} cannot stand in YAML"),
            at,
            "an invisible character stands here",
        )
        .help(format!("delete it; if it is meant, write it as `{escape}` in double quotes"))
    }

    fn stray_colon(&self, offset: usize) -> Diagnostic {
        let before = self.line_before(offset);
        let in_value =
            before.contains(": ") || before.trim_start().starts_with('"') || before.trim_start().starts_with('\'');
        let line = self.text[..offset].rfind('\n').unwrap_or(0);
        if in_value || self.last_end.min(offset) <= line && before.trim().is_empty() {
            self.error("a second `: ` in one line", offset, "a mapping cannot begin inside a value")
                .help("quote the value if the `:` belongs to it, or put the inner key on a line of its own, indented")
        } else {
            self.error(
                "this `:` stands in the continuation of the text above",
                offset,
                "the line is read as \
             more of the value above",
            )
            .help(
                "indent the line exactly like the keys it belongs to; if the line above was meant as a \
                 key, end it with `:`",
            )
        }
    }

    fn no_key(&self, offset: usize) -> Diagnostic {
        let before = self.line_before(offset);
        if before.trim().is_empty() {
            if let Some(tab) = before.find('\t') {
                return self.tab(offset - before.len() + tab);
            }
            let rest = self.line_from(offset);
            return if rest.contains(": ") || rest.trim_end().ends_with(':') {
                self.error("this key fits no mapping above", offset, "indented like none of the keys above")
                    .help("align it with the keys it belongs to")
            } else {
                self.error(format!("`{}` belongs to no key", shown(rest)), offset, "a key is expected here").help(
                    "write `key: value`; a line that continues the text above must be indented like it, \
                     with no comment in between",
                )
            };
        }
        if before.trim() == "-" {
            let dash = offset - before.len() + before.find('-').unwrap_or(0);
            return self
                .error("a list item among the keys of a mapping", dash, "a key is expected here")
                .help("put the list under a key (`key:` on the line above), or remove the `-`");
        }
        self.error(
            format!("`{}` follows a value that is complete", shown(self.line_from(offset))),
            offset,
            "nothing more may stand on this line",
        )
        .help("quote the whole value if this belongs to it, or remove it")
    }

    fn unexpected(&self, offset: usize) -> Diagnostic {
        if self.text[offset..].trim().is_empty() {
            let end = self.text.trim_end().len();
            return self.in_brackets(
                self.error(
                    "the file ends in the middle of a value",
                    end.saturating_sub(1),
                    "something is missing after this",
                )
                .help("complete the value, or close the bracket or quote"),
            );
        }
        let char = self.char_at(offset);
        let help = if char == ',' {
            "remove the `,`, or put the value that is missing before it; if it belongs to the text, quote the text"
        } else {
            "if it belongs to the text, quote the text"
        };
        self.in_brackets(
            self.error(
                format!("`{}` cannot stand here", shown(&char.to_string())),
                offset,
                "a value or a key is expected",
            )
            .help(help),
        )
    }

    fn between_brackets(&self, offset: usize) -> Diagnostic {
        let Some(open) = self.open else {
            return self
                .error(
                    "a `,` or the closing bracket is missing before this",
                    offset,
                    "the value before it is \
                 complete",
                )
                .help("put a `,` between the two, or close the bracket");
        };
        let open_char = self.char_at(open);
        let close = closing(open_char);
        let help = format!(
            "put a `,` before it, or close the `{open_char}` with `{close}`; if it belongs to the text, quote \
             the text"
        );
        self.in_brackets(
            self.error(format!("expected `,` or `{close}` before this"), offset, "the brackets are still open here")
                .help(help),
        )
    }

    fn unclosed_quote(&self, kind: &ErrorKind, offset: usize) -> Diagnostic {
        // `UnclosedQuotedScalar` points at the quote itself, the others at the line that does not go with it.
        if matches!(kind, ErrorKind::UnclosedQuotedScalar) && matches!(self.char_at(offset), '"' | '\'') {
            let quote = self.char_at(offset);
            return self
                .error("the quote is never closed", offset, "opened here")
                .help(format!("close it with `{quote}`"));
        }
        let why = match kind {
            ErrorKind::DocumentIndicatorInQuotedScalar => "a document marker inside the quotes",
            _ => "this line is not indented deeper than the key",
        };
        match self.opening_quote(offset) {
            Some(quote) => self
                .error("the quote is not closed where the value ends", quote, "opened here")
                .also(self.span(offset), why)
                .help(format!(
                    "close it with `{}`; if the text goes on, indent the lines that follow",
                    self.char_at(quote)
                )),
            None => self
                .error("the quote above is not closed", offset, why)
                .help("close it; if the text goes on, indent the lines that follow"),
        }
    }

    /// The quote that is open at `offset`, found by reading on from the last value.
    fn opening_quote(&self, offset: usize) -> Option<usize> {
        let start = self.last_end.min(offset);
        let mut chars = self.text[start..offset].char_indices();
        let mut before = ' ';
        while let Some((at, char)) = chars.next() {
            match char {
                '#' if before.is_whitespace() => {
                    chars.by_ref().find(|(_, char)| *char == '\n');
                }
                // A quote inside a word, as in `it's`, opens nothing.
                '"' | '\'' if before.is_whitespace() || ":,[{-?!".contains(before) => {
                    let mut escaped = false;
                    let closed = chars.by_ref().any(|(_, inner)| {
                        let closes = inner == char && !escaped;
                        escaped = char == '"' && inner == '\\' && !escaped;
                        closes
                    });
                    if !closed {
                        return Some(start + at);
                    }
                }
                _ => {}
            }
            before = char;
        }
        None
    }

    fn find_escape(&self, quote: usize, wrong: impl Fn(char) -> bool) -> usize {
        let mut chars = self.text[quote..].char_indices();
        while let Some((at, char)) = chars.next() {
            if char == '\\' && chars.next().is_some_and(|(_, escape)| wrong(escape)) {
                return quote + at;
            }
        }
        quote
    }

    /// The first `\x`, `\u` or `\U` after a quote whose digits make no character.
    fn find_bad_hex(&self, quote: usize) -> usize {
        let number = |at: usize| {
            let digits = match self.text[at..].chars().next()? {
                'x' => 2,
                'u' => 4,
                'U' => 8,
                _ => return None,
            };
            let digits = self.text.get(at + 1..at + 1 + digits)?;
            // `from_str_radix` would take a sign.
            digits.chars().all(|c| c.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
        };
        let mut from = quote;
        loop {
            let at = self.find_escape(from, |escape| "xuU".contains(escape));
            if at == from && !self.text[at..].starts_with('\\') {
                return quote;
            }
            match number(at + 1) {
                Some(high @ 0xd800..=0xdbff) if self.text.get(at + 6..).is_some_and(|rest| rest.starts_with("\\u")) => {
                    match number(at + 7) {
                        Some(0xdc00..=0xdfff) if high < 0xdc00 => from = at + 12,
                        _ => return at,
                    }
                }
                Some(code) if char::from_u32(code).is_some() => from = at + 2,
                _ => return at,
            }
        }
    }

    /// The tab that is in the way of what begins at `offset` or after it.
    fn find_tab(&self, offset: usize) -> Option<usize> {
        let line_start = offset - self.line_before(offset).len();
        let indentation = |from: usize| {
            let line = &self.text[from..];
            line[..line.len() - line.trim_start_matches([' ', '\t', '-']).len()].find('\t').map(|tab| from + tab)
        };
        if self.text[offset..].starts_with('\t') {
            return Some(offset);
        }
        indentation(line_start).or_else(|| {
            let lines = self.text[offset..].match_indices('\n').map(|(at, _)| offset + at + 1);
            lines.map(indentation).find(Option::is_some).flatten()
        })
    }

    fn clamp(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }

    fn char_at(&self, offset: usize) -> char {
        self.text[offset..].chars().next().unwrap_or(' ')
    }

    /// One character, or nothing at the end of a line.
    fn span(&self, offset: usize) -> Span {
        let offset = self.clamp(offset);
        let width =
            self.text[offset..].chars().next().filter(|char| !matches!(char, '\n' | '\r')).map_or(0, char::len_utf8);
        Span::new(self.file, offset..offset + width)
    }

    fn line_before(&self, offset: usize) -> &str {
        let start = self.text[..offset].rfind(['\n', '\r']).map_or(0, |newline| newline + 1);
        &self.text[start..offset]
    }

    fn line_from(&self, offset: usize) -> &str {
        let rest = &self.text[offset..];
        rest[..rest.find(['\n', '\r']).unwrap_or(rest.len())].trim_end()
    }

    /// The last line before that of `offset` with anything on it.
    fn line_above(&self, offset: usize) -> &str {
        let above = self.text[..offset - self.line_before(offset).len()].trim_end();
        &above[above.rfind(['\n', '\r']).map_or(0, |newline| newline + 1)..]
    }

    fn rest_is_item(&self, offset: usize) -> bool {
        let rest = self.line_from(offset);
        rest == "-" || rest.starts_with("- ")
    }

    fn word_end(&self, offset: usize) -> usize {
        let rest = &self.text[offset..];
        offset + rest.find(char::is_whitespace).unwrap_or(rest.len())
    }
}

fn closing(open: char) -> char {
    if open == '{' { '}' } else { ']' }
}
