//! What `docs/language.md` has from the tables.

use super::kinds;
use super::page::{Block, Entry, Page};
use super::settings;
use crate::kind::Registry;
use crate::model::{LIFECYCLE, LifecycleField, Section};

/// The tables in words, for somebody who reads all of them.
#[derive(Debug)]
pub struct Reference {
    /// `lifecycle:`, each word with all there is to know of it.
    pub lifecycle: Page,
    /// The keys of `trueup.toml`.
    pub settings: Page,
    /// Every kind, by provider.
    pub kinds: Vec<(&'static str, Vec<Page>)>,
}

/// The reference of the language.
pub fn reference(registry: &Registry) -> Reference {
    let entry = |field: &LifecycleField| {
        let text = [vec![field.doc.to_owned()], kinds::lifecycle_rules(field, registry)].concat().join(" ");
        Entry::new(field.name, text).marked(field.takes)
    };
    let by_provider = kinds::by_provider(registry).into_iter();
    Reference {
        lifecycle: Page::about("lifecycle", "in every resource").entries(LIFECYCLE.iter().map(entry)),
        settings: settings::settings(),
        kinds: by_provider
            .map(|(provider, sections)| (provider, sections.into_iter().map(|of| kind(of, registry)).collect()))
            .collect(),
    }
}

/// The page of a kind, which is read from its top: first an example, then what it is made of. Of which provider it is, is
/// said around it.
fn kind(section: &'static Section, registry: &Registry) -> Page {
    let mut page = kinds::kind(section, registry);
    let example = page.blocks.iter().position(|block| matches!(block, Block::Heading(text) if text == "example"));
    if let Some(heading) = example {
        let lines: Vec<Block> = page.blocks.drain(heading..).skip(1).collect();
        page.blocks.splice(1..1, lines);
    }
    let (_, what) = &mut page.title;
    *what = what.trim_start_matches(section.provider).trim_start_matches(", ").to_owned();
    page
}
