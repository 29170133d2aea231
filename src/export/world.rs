//! What an export looks into: the collections of one target, and who is whose.

use std::collections::BTreeMap;

use super::Ask;
use crate::kind::ErasedKind;
use crate::model::{Collection, Facts, Field, Link, Observed, RemoteId, Section, Shape, Value};
use crate::observe::listed_at;

/// What people keep in files of their own, by provider: the section, the directory of its files, and the file of
/// everything that belongs to none of them.
const HOMES: [(&str, &str, &str, &str); 2] =
    [("kaiten", "customers", "customers", "catalogue.yaml"), ("cloudfoundry", "spaces", "spaces", "foundation.yaml")];

/// One target.
pub(super) struct World<'a> {
    pub(super) ask: &'a Ask<'a>,
    pub(super) facts: &'a Facts,
    collections: &'a BTreeMap<&'static str, Collection>,
}

/// How the files of a provider are divided.
#[derive(Debug, Clone, Copy)]
pub(super) struct Homes {
    /// The section whose objects have a file each, with what is theirs.
    pub(super) section: &'static str,
    pub(super) directory: &'static str,
    pub(super) shared: &'static str,
}

impl<'a> World<'a> {
    pub(super) fn new(ask: &'a Ask<'a>) -> Self {
        let facts = ask.snapshot.targets.get(&ask.target).expect("the target has been read");
        Self { ask, facts, collections: &ask.snapshot.collections[&ask.target] }
    }

    pub(super) fn collection(&self, section: &str) -> Option<&'a Collection> {
        self.collections.get(section)
    }

    pub(super) fn kind(&self, section: &str) -> &'a dyn ErasedKind {
        &**self.ask.registry.kind(section).expect("what has been read has a kind")
    }

    /// The sections whose objects are resources of their own, in the order of the registry.
    pub(super) fn sections(&self) -> impl Iterator<Item = &'static Section> {
        let listed = listed_at(self.facts, self.ask.registry);
        self.ask.registry.sections().filter(move |section| section.declarable && listed.contains(&section.name))
    }

    /// Whether the API of the target has a field.
    pub(super) fn has(&self, field: &Field) -> bool {
        field.unsupported.is_none() && (field.apis.is_empty() || field.apis.contains(&self.facts.api))
    }

    pub(super) fn homes(&self) -> Option<Homes> {
        let (_, section, directory, shared) =
            HOMES.into_iter().find(|(provider, ..)| *provider == self.facts.provider)?;
        Some(Homes { section, directory, shared })
    }

    /// The home of an object, a customer or a space: itself, or the one that what it refers to is at home in.
    pub(super) fn home(&self, section: &'static Section, object: &'a Observed) -> Option<&'a RemoteId> {
        let homes = self.homes()?;
        if section.name == homes.section {
            return Some(&object.id);
        }
        section.fields.iter().find_map(|field| {
            let Shape::Reference { section: to, .. } = field.shape else { return None };
            let to = self.ask.registry.section(to).filter(|to| to.name != section.name)?;
            self.home(to, self.linked(to, object.fields.link(field.name)?)?)
        })
    }

    /// What a link leads to.
    pub(super) fn linked(&self, section: &Section, link: &Link) -> Option<&'a Observed> {
        self.collection(section.name)?.with_id(link.id.as_deref()?)
    }
}

/// The last part of an object's natural key.
pub(super) fn own_name(object: &Observed) -> &str {
    object.identity.parts.last().map_or("", |(_, name)| name)
}

/// Whether a value is the same as one in a table.
pub(super) fn is(value: &Value, json: &str) -> bool {
    let json = serde_json::from_str(json).expect("tables hold JSON");
    *value == Value::from_json(&json)
}
