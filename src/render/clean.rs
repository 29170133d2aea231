//! Makes text that is not ours harmless to a terminal.
//!
//! A remote's words, a file's text and the values in both may hold escape sequences that recolour, rewrite or title a
//! terminal, bidirectional overrides that show text in another order than it has, and characters that show nothing and make
//! two names look alike. All are written out as `\u{1b}`.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Text for several lines: line breaks stay, tabs become spaces, anything unsafe is written out.
pub fn clean(text: &str) -> Cow<'_, str> {
    replace(text, |char| match char {
        '\n' => None,
        '\t' => Some("    "),
        _ => Some(""),
    })
}

/// Text for one line: line breaks and tabs become spaces too.
pub fn clean_line(text: &str) -> Cow<'_, str> {
    replace(text.trim_end_matches('\n'), |char| match char {
        '\n' | '\t' => Some(" "),
        _ => Some(""),
    })
}

/// Whether a character could do anything but be shown.
pub(super) fn is_unsafe(char: char) -> bool {
    // Not the joiners U+200C and U+200D: scripts and emoji need them.
    char.is_control()
        || matches!(char,
            // Direction.
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}'
            // Lines that are none.
            | '\u{2028}' | '\u{2029}'
            // Nothing to be seen.
            | '\u{ad}' | '\u{180e}' | '\u{200b}' | '\u{2060}'..='\u{2065}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
            // Not allowed in XML.
            | '\u{fffe}' | '\u{ffff}')
}

/// The visible form of an unsafe character.
pub(super) fn written_out(char: char) -> String {
    format!("\\u{{{:x}}}", u32::from(char))
}

/// `instead` says what an unsafe character becomes: itself, this text, or (empty) its written-out form.
fn replace(text: &str, instead: impl Fn(char) -> Option<&'static str>) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        if !is_unsafe(char) {
            out.push(char);
        } else if char == '\r' && chars.peek() == Some(&'\n') {
            // A Windows line break is a line break.
        } else {
            match instead(char) {
                None => out.push(char),
                Some("") => write!(out, "{}", written_out(char)).expect("a string can be written to"),
                Some(text) => out.push_str(text),
            }
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escapes_bells_and_overrides_are_written_out() {
        assert_eq!(clean("\u{1b}[31mred\u{7}"), "\\u{1b}[31mred\\u{7}");
        assert_eq!(clean("a\u{202e}b\u{2066}c\u{9b}d\u{7f}"), "a\\u{202e}b\\u{2066}c\\u{9b}d\\u{7f}");
        assert_eq!(clean("lone\rreturn"), "lone\\u{d}return");
        assert_eq!(
            clean("a\u{200b}b\u{200f}c\u{ad}\u{2060}d\u{e0041}"),
            "a\\u{200b}b\\u{200f}c\\u{ad}\\u{2060}d\\u{e0041}"
        );
    }

    #[test]
    fn ordinary_text_of_any_script_is_untouched() {
        for text in ["Ünïcode", "Привет", "東京", "👩‍💻", "שלום", "می\u{200c}خواهم", ""] {
            assert!(matches!(clean(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn lines_stay_lines_and_one_line_stays_one() {
        assert_eq!(clean("a\r\nb\n\tc"), "a\nb\n    c");
        assert_eq!(clean_line("a\r\nb\n\tc\n"), "a b  c");
    }

    proptest! {
        #[test]
        fn nothing_unsafe_is_left(text in any::<String>()) {
            prop_assert!(!clean_line(&text).contains(is_unsafe));
            prop_assert!(!clean(&text).contains(|char| is_unsafe(char) && char != '\n'));
        }
    }
}
