//! Bytes to text: UTF-8 of a bearable size, and nothing else.

use crate::model::{Code, Diagnostic, FileId, Span};

/// The largest file that is read, in bytes: 64 MiB.
pub const MAX_BYTES: usize = 64 << 20;

/// Why a file's bytes are not text we read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecodable {
    text: String,
    problem: Problem,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Problem {
    TooLarge {
        bytes: usize,
    },
    Encoding {
        name: &'static str,
    },
    /// `byte` cannot stand at `at`, an offset into what a [`SourceFile`](crate::model::SourceFile) keeps of the text.
    Byte {
        byte: u8,
        at: usize,
    },
}

/// Reads a file's bytes as UTF-8, with or without a byte order mark.
pub fn decode(bytes: Vec<u8>) -> Result<String, Undecodable> {
    let refuse = |problem| Err(Undecodable { text: String::new(), problem });
    if bytes.len() > MAX_BYTES {
        return refuse(Problem::TooLarge { bytes: bytes.len() });
    }
    if let Some(name) = other_encoding(&bytes) {
        return refuse(Problem::Encoding { name });
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        // `SourceFile` drops the mark, so the offset must not count it.
        let mark = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let problem = Problem::Byte { byte: bytes[at], at: at - mark };
        Undecodable { text: String::from_utf8_lossy(bytes).into_owned(), problem }
    })
}

/// The name of the encoding, if the first bytes say that it is not UTF-8 (YAML 1.2.2, section 5.2).
fn other_encoding(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] | [_, 0, 0, 0, ..] | [0, 0, 0, _, ..] => Some("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16"),
        // Without a mark: YAML starts with an ASCII character, which is half zeros then.
        [first, 0, second, ..] if *first != 0 && *second != 0 => Some("UTF-16"),
        [0, first, 0, ..] if *first != 0 => Some("UTF-16"),
        _ => None,
    }
}

impl Undecodable {
    /// What can be shown of the file: its text with U+FFFD for what is not UTF-8, or nothing. The source file for
    /// [`Self::diagnostic`] is to be made of this.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The problem, in the file that was made of [`Self::text`].
    pub fn diagnostic(&self, file: FileId) -> Diagnostic {
        let start = Span::new(file, 0..0);
        match self.problem {
            Problem::TooLarge { bytes } => Diagnostic::error(
                Code::YamlLimit,
                format!("the file is too large: {bytes} bytes, at most {MAX_BYTES} are read"),
            )
            .at(start, "this file is not read")
            .help("split it into several files; if it holds no resources, leave it out of `files` in `trueup.toml`"),
            Problem::Encoding { name } => {
                Diagnostic::error(Code::YamlEncoding, format!("the file is {name}, not UTF-8"))
                    .at(start, "the first bytes say so")
                    .help(format!("save it as UTF-8, or convert it: `iconv -f {name} -t UTF-8`"))
            }
            Problem::Byte { byte, at } => Diagnostic::error(
                Code::YamlEncoding,
                format!("the file is not UTF-8: byte 0x{byte:02X} cannot stand here"),
            )
            .at(Span::new(file, at..at + '\u{fffd}'.len_utf8()), "not UTF-8 from here on")
            .help(
                "save the file as UTF-8, or convert it from what it is, for instance `iconv -f WINDOWS-1252 -t UTF-8`",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{SourceFile, Sources};

    fn refused(bytes: &[u8]) -> (Code, String, (u32, u32)) {
        let problem = decode(bytes.to_vec()).expect_err("these bytes are refused");
        let mut sources = Sources::default();
        let file = sources.add(SourceFile::new("a.yaml", problem.text()));
        let diagnostic = problem.diagnostic(file);
        let position = sources.position(diagnostic.span().expect("it has a place"));
        (diagnostic.code, diagnostic.message, (position.line, position.column))
    }

    #[test]
    fn utf_8_is_text_with_and_without_a_mark() {
        assert_eq!(decode("ключ: 値".into()).as_deref(), Ok("ключ: 値"));
        assert_eq!(decode(b"\xef\xbb\xbfa: 1".to_vec()).as_deref(), Ok("\u{feff}a: 1"));
        assert_eq!(decode(Vec::new()).as_deref(), Ok(""));
        assert_eq!(decode(b"a".to_vec()).as_deref(), Ok("a"));
    }

    #[test]
    fn a_byte_that_is_not_utf_8_is_pointed_at() {
        let at = |bytes: &[u8]| {
            let (code, message, position) = refused(bytes);
            assert_eq!(code, Code::YamlEncoding);
            assert!(message.contains("0x"), "{message}");
            position
        };
        assert_eq!(at(b"a: 1\nb: \xcf\xf0\n"), (2, 4));
        assert_eq!(at("имя: ".as_bytes().iter().copied().chain([0xff]).collect::<Vec<_>>().as_slice()), (1, 6));
        assert_eq!(at(b"\xef\xbb\xbfa: \xff"), (1, 4));
        assert_eq!(at(b"a: \xe2\x82"), (1, 4), "a character cut off at the end");
    }

    #[test]
    fn another_encoding_is_called_by_its_name() {
        for (bytes, name) in [
            (&b"\xff\xfea\0:\0"[..], "UTF-16"),
            (b"\xfe\xff\0a\0:", "UTF-16"),
            (b"a\0:\0 \0", "UTF-16"),
            (b"\0a\0:\0 ", "UTF-16"),
            (b"\xff\xfe\0\0a\0\0\0", "UTF-32"),
            (b"\0\0\xfe\xff\0\0\0a", "UTF-32"),
            (b"a\0\0\0:\0\0\0", "UTF-32"),
        ] {
            let (code, message, position) = refused(bytes);
            assert_eq!((code, position), (Code::YamlEncoding, (1, 1)));
            assert!(message.contains(name), "{message}");
        }
    }

    #[test]
    fn a_file_over_the_limit_is_refused_and_one_at_it_is_not() {
        assert!(decode(vec![b' '; MAX_BYTES]).is_ok());
        let (code, message, _) = refused(&vec![b' '; MAX_BYTES + 1]);
        assert_eq!(code, Code::YamlLimit);
        assert!(message.contains("67108865"), "{message}");
    }
}
