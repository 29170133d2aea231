//! What all pages have around them, and how text that is not ours stands in them.
//!
//! Should escaping ever fail, the page's policy runs only the one script and the one sheet whose hashes it names, and loads
//! nothing.

use std::fmt::{self, Display, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::render::clean_line;

/// Colours and elements that look the same on every page.
const BASE: &str = include_str!("base.css");

/// Around a page.
pub(in crate::render) struct Frame<'a> {
    /// Not ours.
    pub(in crate::render) title: String,
    pub(in crate::render) sheets: &'a [&'a str],
    pub(in crate::render) script: &'a str,
}

impl Frame<'_> {
    /// All before the body's content.
    pub(in crate::render) fn begin(&self, out: &mut String) -> fmt::Result {
        let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
        let sheet = format!("{BASE}{}", self.sheets.concat());
        writeln!(
            out,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{}'; \
             script-src 'sha256-{}'; base-uri 'none'; form-action 'none'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{}</title>\n<style>{sheet}</style>\n</head>\n<body>",
            hash(&sheet),
            hash(self.script),
            Escaped(&self.title)
        )
    }

    /// All behind it.
    pub(in crate::render) fn end(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "<script>{}</script>\n</body>\n</html>", self.script)
    }
}

/// Text that is not ours, in an element or a quoted attribute.
pub(in crate::render) struct Escaped<'a>(pub(in crate::render) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut hashes = 0;
        for char in clean_line(self.0).chars() {
            match char {
                // A command to the runner of GitHub Actions, should the page be printed to its log.
                '[' if hashes >= 2 => f.write_str("&#91;")?,
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => f.write_char(other)?,
            }
            hashes = if char == '#' { hashes + 1 } else { 0 };
        }
        Ok(())
    }
}

/// A sentence that is not ours, what it has in backticks as code.
pub(in crate::render) struct Prose<'a>(pub(in crate::render) &'a str);

impl Display for Prose<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some((plain, code, after)) = rest
            .split_once('`')
            .and_then(|(plain, rest)| rest.split_once('`').map(|(code, after)| (plain, code, after)))
        {
            write!(f, "{}<code>{}</code>", Escaped(plain), Escaped(code))?;
            rest = after;
        }
        write!(f, "{}", Escaped(rest))
    }
}
