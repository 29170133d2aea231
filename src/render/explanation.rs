//! What `docs/diagnostics.md` says of a code.

use crate::model::Code;

const PAGE: &str = include_str!("../../docs/diagnostics.md");

/// A code's section of the page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Explanation {
    section: &'static str,
}

impl Explanation {
    /// Of a code; every code has its section.
    pub(super) fn of(code: Code) -> Self {
        let heading = format!("\n### `{code}`\n");
        let section = PAGE.split_once(&heading).map_or("", |(_, rest)| rest);
        let end = ["\n### ", "\n## "].iter().filter_map(|next| section.find(next)).min();
        Self { section: section[..end.unwrap_or(section.len())].trim() }
    }

    /// The whole section.
    pub(super) fn markdown(self) -> &'static str {
        self.section
    }

    /// What the code means, in a sentence or two.
    pub(super) fn short(self) -> String {
        paragraphs(self.section).next().unwrap_or_default()
    }

    /// The section's prose, without its examples.
    pub(super) fn text(self) -> String {
        let mut prose = String::new();
        let mut fenced = false;
        for line in self.section.lines() {
            if line.starts_with("```") {
                fenced = !fenced;
            } else if !fenced {
                prose.push_str(line);
                prose.push('\n');
            }
        }
        paragraphs(&prose).collect::<Vec<_>>().join("\n\n")
    }
}

fn paragraphs(text: &str) -> impl Iterator<Item = String> {
    let paragraphs = text.split("\n\n").map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "));
    paragraphs.filter(|paragraph| !paragraph.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_explained() {
        for code in Code::ALL {
            let explanation = Explanation::of(*code);
            let (short, text) = (explanation.short(), explanation.text());
            assert!(short.ends_with(['.', ')']) && !short.contains("```"), "{code}: {short}");
            assert!(text.starts_with(&short) && !text.contains("```") && !text.contains("### "), "{code}: {text}");
            assert!(explanation.markdown().len() >= text.len(), "{code}");
        }
        assert_eq!(Explanation::of(Code::YamlEncoding).short(), "The file is not UTF-8.");
        assert_eq!(
            Explanation::of(Code::YamlEncoding).text(),
            "The file is not UTF-8.\n\nSave the file as UTF-8. With or without a byte order mark and with any line ends is fine."
        );
    }
}
