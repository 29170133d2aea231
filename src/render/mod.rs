//! Everything people and scripts read: plans, problems, the course of an apply and its ledger.
//!
//! Values in, text out, to the writer that is given. Who is reading and on what is decided elsewhere and comes in as a
//! [`Theme`]. Text that is not ours passes through `clean` before it is written.

mod change;
mod clean;
mod diff;
mod layout;
mod snippet;
mod style;
mod value;
pub mod diagnostic;
pub mod human;

pub use clean::{clean, clean_line};
pub use style::Theme;

#[cfg(test)]
mod testing {
    //! What the tests of renderers share.

    use std::io::{self, Write};

    /// What is written, as text.
    pub(super) fn as_text(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).expect("a vector can be written to");
        String::from_utf8(out).expect("text")
    }

    /// Colours made visible.
    pub(super) fn in_color(text: &str) -> String {
        text.replace('\u{1b}', "\\e")
    }
}
