//! Keeps text from being taken for a command where a log is listened to.
//!
//! The runner of GitHub Actions reads what a step prints, and obeys `::name::` at the start of a line, after any spaces, and
//! `##[name]` anywhere in it (`ActionCommand.cs` of actions/runner). A remote or a file that somebody else wrote could hide
//! the rest of a log with that, or annotate it with what is not so. Of either, the first character is written out.
//!
//! What is for people goes through [`Harmless`] where the environment says that a runner listens. Documents are the same
//! everywhere: each format writes it out in its own way whenever it occurs, JSON as `\u0023`, pages and Graphviz as `&#35;` or
//! `&#91;`, Markdown as here. Only YAML stays as it is: an export is to be read back as it was.

use std::borrow::Cow;
use std::io::{self, Write};

/// Writes on to `out` line by line, with nothing in it that the runner would obey.
#[derive(Debug)]
pub struct Harmless<W: Write> {
    out: W,
    /// The line so far.
    line: Vec<u8>,
}

impl<W: Write> Harmless<W> {
    /// Writes to this. What is no whole line goes on when it is flushed or dropped.
    pub fn new(out: W) -> Self {
        Self { out, line: Vec::new() }
    }

    fn pass_on(&mut self) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        self.out.write_all(&harmless(&line))
    }
}

impl<W: Write> Write for Harmless<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.pass_on()?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pass_on()?;
        self.out.flush()
    }
}

impl<W: Write> Drop for Harmless<W> {
    fn drop(&mut self) {
        // Whoever wants to know whether it was written flushes.
        let _ = self.pass_on();
    }
}

fn harmless(line: &[u8]) -> Vec<u8> {
    harmless_line(String::from_utf8_lossy(line)).into_owned().into_bytes()
}

/// A line with nothing in it that the runner would obey.
pub(super) fn harmless_line(line: Cow<'_, str>) -> Cow<'_, str> {
    let line = harmless_inside(line);
    let start = line.len() - line.trim_start().len();
    match line[start..].strip_prefix("::") {
        Some(rest) => format!("{}\\u{{3a}}:{rest}", &line[..start]).into(),
        None => line,
    }
}

/// The same for what stands in a line behind something else.
pub(super) fn harmless_inside(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains("##[") { text.replace("##[", "\\u{23}#[").into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(parts: &[&str]) -> String {
        let mut out = Vec::new();
        let mut harmless = Harmless::new(&mut out);
        for part in parts {
            harmless.write_all(part.as_bytes()).expect("a vector takes all");
        }
        drop(harmless);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn what_the_runner_would_obey_is_written_out() {
        assert_eq!(written(&["::add-mask::e\n"]), "\\u{3a}:add-mask::e\n");
        assert_eq!(written(&["a\n  \t::error::b"]), "a\n  \t\\u{3a}:error::b");
        assert_eq!(written(&["\u{2003}:", ":group::a\n"]), "\u{2003}\\u{3a}:group::a\n");
        assert_eq!(written(&["a ##[group]b ##[x]\n"]), "a \\u{23}#[group]b \\u{23}#[x]\n");
        assert_eq!(written(&["###[group]\n"]), "#\\u{23}#[group]\n");
    }

    #[test]
    fn anything_else_stays() {
        for text in ["", "\n\n", "error[trueup::x]: a\n", "Größe ::x::\n", ": :\n", "## [a]", "a\r\n"] {
            assert_eq!(written(&[text]), text);
        }
    }
}
