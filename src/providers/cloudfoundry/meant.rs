//! Which organizations and spaces declarations mean, so that no more than those are read.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::model::{Address, Collection, Observed, Reference, RemoteId, Resource, To, Value};

/// Everything declared.
pub type Declared = IndexMap<Address, Resource>;

/// Some of the remote's containers, or all of them where declarations do not tell yet which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meant<T> {
    /// These and no other. May be none: what is declared to be created inside a container that is still to be created does
    /// not exist.
    These(T),
    /// It cannot be told.
    Any,
}

/// Spaces, by guid, with the guid of their organization where it is known.
pub type Spaces = BTreeMap<RemoteId, Option<RemoteId>>;

/// The guids of the organizations that a space may be declared in, of those that exist.
///
/// `value` is the field `organization`. `None` if it cannot be told.
pub fn organizations(value: Option<&Value>, declared: &Declared, there: &Collection) -> Option<Vec<RemoteId>> {
    match &reference(value)?.to {
        To::Id { id, .. } => Some(vec![Arc::clone(id)]),
        to => Some(ids(there.named(&organization_name(to, declared)?, true))),
    }
}

/// The guids of the organizations that could hold the space of this natural key: names may hold a `/` too.
pub fn organizations_holding(space: &str, there: &Collection) -> Vec<RemoteId> {
    space.match_indices('/').flat_map(|(at, _)| ids(there.named(&space[..at], true))).collect()
}

/// The spaces that resources may be declared in, of those that exist. `values` are the fields `space`.
pub fn spaces<'v>(
    values: impl IntoIterator<Item = Option<&'v Value>>,
    declared: &Declared,
    there: &Collection,
) -> Meant<Spaces> {
    let mut all = Spaces::new();
    for value in values {
        let Some(found) = reference(value).and_then(|reference| space(reference, declared, there)) else {
            return Meant::Any;
        };
        all.extend(found);
    }
    Meant::These(all)
}

fn space(reference: &Reference, declared: &Declared, there: &Collection) -> Option<Spaces> {
    let known = |space: &Observed| (Arc::clone(&space.id), organization_of(space).cloned());
    match &reference.to {
        To::Id { id, .. } => {
            let space = there.with_id(id).map_or_else(|| (Arc::clone(id), None), known);
            Some(Spaces::from([space]))
        }
        To::Natural { name, .. } => Some(there.named(name, true).map(known).collect()),
        To::Declared(address) => {
            let resource = declared.get(address)?;
            let name = name(resource)?;
            let organization = self::reference(resource.fields.get("organization"))?;
            if let To::Id { id, .. } = &organization.to {
                let here = |space: &&Observed| organization_of(space) == Some(id);
                return Some(there.called(&name).filter(here).map(known).collect());
            }
            let organization = organization_name(&organization.to, declared)?;
            Some(there.named(&format!("{organization}/{name}"), true).map(known).collect())
        }
    }
}

/// The guid of a space's organization.
pub fn organization_of(space: &Observed) -> Option<&RemoteId> {
    space.fields.link("organization")?.id.as_ref()
}

fn organization_name(to: &To, declared: &Declared) -> Option<Arc<str>> {
    match to {
        To::Natural { name, .. } => Some(Arc::clone(name)),
        To::Declared(address) => name(declared.get(address)?),
        To::Id { .. } => None,
    }
}

/// The name of a declared resource: its field, else its key.
fn name(resource: &Resource) -> Option<Arc<str>> {
    match resource.fields.get("name") {
        None => Some(Arc::clone(&resource.address.key)),
        Some(value) => value.as_text().map(Arc::from),
    }
}

fn reference(value: Option<&Value>) -> Option<&Reference> {
    match value? {
        Value::Reference(reference) => Some(reference),
        _ => None,
    }
}

fn ids<'o>(objects: impl Iterator<Item = &'o Observed>) -> Vec<RemoteId> {
    objects.map(|object| Arc::clone(&object.id)).collect()
}
