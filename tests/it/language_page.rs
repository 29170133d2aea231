//! `docs/language.md` says what the tables say.
//!
//! What stands there between `<!-- begin NAME -->` and `<!-- end NAME -->` is generated; `TRUEUP_BLESS=1` writes it anew.

use std::fmt::Write as _;

use trueup::explain::{Reference, reference};
use trueup::providers::registry;
use trueup::render::reference as render;

use crate::pages;

const PAGE: &str = "docs/language.md";

fn text(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).expect("a vector can be written to");
    String::from_utf8(out).expect("text")
}

/// The parts that are generated, by their names.
fn generated() -> Vec<(&'static str, String)> {
    let Reference { lifecycle, settings, kinds } = reference(&registry());
    let names: Vec<&str> = kinds.iter().flat_map(|(_, pages)| pages).map(|page| page.title.0.as_str()).collect();
    let known: Vec<&str> = names.iter().copied().chain(["lifecycle", "target"]).collect();
    let mut all = String::new();
    for (provider, pages) in &kinds {
        writeln!(all, "## Kinds of `{provider}`\n").unwrap();
        for page in pages {
            writeln!(all, "{}", text(|out| render::page(out, page, 3, &known))).unwrap();
        }
    }
    vec![
        ("lifecycle", text(|out| render::blocks(out, &lifecycle.blocks, &known))),
        ("settings", text(|out| render::blocks(out, &settings.blocks, &known))),
        ("kinds", all.trim_end().to_owned() + "\n"),
    ]
}

/// A list of what is on the page.
fn contents(page: &str) -> String {
    let mut out = String::new();
    let link = |heading: &str| format!("[{heading}](#{})", pages::anchor(heading));
    let mut between = "";
    for (level, heading) in pages::headings(page) {
        match level {
            2 => {
                write!(out, "\n- {}", link(&heading)).unwrap();
                between = ":";
            }
            3 => {
                write!(out, "{between} {}", link(&heading)).unwrap();
                between = " ·";
            }
            _ => {}
        }
    }
    out.trim_start().to_owned() + "\n"
}

/// The page with this between the marks of a part.
#[track_caller]
fn with(page: &str, name: &str, text: &str) -> String {
    let (begin, end) = (format!("<!-- begin {name} -->\n"), format!("<!-- end {name} -->\n"));
    let (before, rest) = page.split_once(&begin).unwrap_or_else(|| panic!("{PAGE} has no `{name}`"));
    let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("`{name}` has no end in {PAGE}"));
    format!("{before}{begin}\n{text}\n{end}{after}")
}

#[test]
fn the_page_has_what_the_tables_say() {
    let mut page = pages::page(PAGE);
    for (name, text) in generated() {
        page = with(&page, name, &text);
    }
    page = with(&page, "contents", &contents(&page));
    if pages::bless() {
        pages::write(PAGE, &page);
    }
    assert!(pages::page(PAGE) == page, "{PAGE} is out of date: run the tests with TRUEUP_BLESS=1");
}

#[test]
fn every_kind_and_every_field_that_can_be_written_is_on_the_page() {
    let page = pages::page(PAGE);
    for section in registry().sections().filter(|section| section.declarable) {
        let (_, rest) = page.split_once(&format!("\n### `{}`\n", section.name)).expect(section.name);
        let own = rest.split("\n### ").next().expect("a page");
        for field in section.fields {
            let row = own.lines().find(|line| line.starts_with(&format!("| `{}` |", field.name)));
            let row = row.unwrap_or_else(|| panic!("{}.{}", section.name, field.name));
            assert_eq!(row.contains("; required"), field.required, "{row}");
            assert!(own.contains(&format!("\n{}:\n", section.name)), "{} has an example", section.name);
        }
    }
}
