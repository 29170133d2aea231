//! Which organizations and spaces declarations mean, so that no more than those are read. What has an earlier name
//! (`lifecycle.was`) may be found under either, and so may what is inside of it.

use std::collections::{BTreeMap, HashSet};
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

impl Meant<Spaces> {
    /// Whether this space may be one of them.
    pub fn may_be(&self, space: &RemoteId) -> bool {
        match self {
            Self::These(spaces) => spaces.contains_key(space),
            Self::Any => true,
        }
    }
}

/// The sections whose objects share the names of a space.
const INSTANCES: [&str; 2] = ["service_instances", "user_provided_service_instances"];

/// Spaces, by guid, with the guid of their organization where it is known.
pub type Spaces = BTreeMap<RemoteId, Option<RemoteId>>;

/// The guids of the organizations that a space may be declared in, of those that exist.
///
/// `value` is the field `organization`. `None` if it cannot be told.
pub fn organizations(value: Option<&Value>, declared: &Declared, there: &Collection) -> Option<Vec<RemoteId>> {
    match &reference(value)?.to {
        To::Id { id, .. } => Some(vec![Arc::clone(id)]),
        to => {
            let names = organization_names(to, declared)?;
            Some(names.iter().flat_map(|name| ids(there.named(name, true))).collect())
        }
    }
}

/// The guids of the organizations that could hold the space of this natural key: names may hold a `/` too.
pub fn organizations_holding(space: &str, there: &Collection) -> Vec<RemoteId> {
    space.match_indices('/').flat_map(|(at, _)| ids(there.named(&space[..at], true))).collect()
}

/// What the space of this natural key may be called: names may hold a `/` too.
pub fn names_of_spaces(space: &str) -> impl Iterator<Item = &str> {
    space.match_indices('/').map(|(at, _)| &space[at + 1..])
}

/// What the space may be called that holds the instance of this natural key.
pub fn names_of_spaces_holding(instance: &str) -> impl Iterator<Item = &str> {
    instance.match_indices('/').flat_map(|(at, _)| names_of_spaces(&instance[..at]))
}

/// The spaces that resources may be declared in, of those that exist. `values` are the fields `space`.
pub fn spaces<'v>(
    values: impl IntoIterator<Item = Option<&'v Value>>,
    declared: &Declared,
    there: &Collection,
) -> Meant<Spaces> {
    let mut all = Spaces::new();
    let mut done = HashSet::new();
    for value in values {
        let Some(reference) = reference(value) else { return Meant::Any };
        // Thousands of instances may be in one space.
        if let To::Declared(address) = &reference.to
            && !done.insert(address)
        {
            continue;
        }
        let Some(found) = space(reference, declared, there) else { return Meant::Any };
        all.extend(found);
    }
    Meant::These(all)
}

/// The spaces whose instances matter, of those that exist: where one of either kind is declared, since they share their
/// names, and where somebody refers to one.
pub fn spaces_of_instances(declared: &Declared, there: &Collection) -> Meant<Spaces> {
    let instances = declared.values().filter(|resource| INSTANCES.contains(&resource.address.section));
    let Meant::These(mut all) = spaces(instances.map(|instance| instance.fields.get("space")), declared, there) else {
        return Meant::Any;
    };
    for instance in instances_named(declared) {
        // Names of organizations and spaces may hold a `/` too.
        let outer = instance.match_indices('/').flat_map(|(at, _)| there.named(&instance[..at], true));
        all.extend(outer.map(|space| (Arc::clone(&space.id), organization_of(space).cloned())));
    }
    Meant::These(all)
}

/// The natural keys by which instances are referred to that are not declared.
pub fn instances_named(declared: &Declared) -> impl Iterator<Item = &str> {
    declared.values().filter_map(|resource| match &reference(resource.fields.get("service_instance"))?.to {
        To::Natural { name, .. } => Some(&**name),
        To::Declared(_) | To::Id { .. } => None,
    })
}

/// The guids of the instances that `value`, the field `service_instance`, may mean.
pub fn instances(value: Option<&Value>, declared: &Declared, there: &Collection, of: &Collection) -> Vec<RemoteId> {
    let Some(reference) = reference(value) else { return Vec::new() };
    match &reference.to {
        To::Id { id, .. } => vec![Arc::clone(id)],
        To::Natural { name, .. } => ids(there.named(name, false)),
        To::Declared(address) => {
            let Some(instance) = declared.get(address) else { return Vec::new() };
            let Some(names) = names(instance) else { return ids(there.iter()) };
            let spaces = spaces([instance.fields.get("space")], declared, of);
            let here = |instance: &&Observed| {
                instance.fields.link("space").and_then(|link| link.id.as_ref()).is_some_and(|id| spaces.may_be(id))
            };
            ids(names.iter().flat_map(|name| there.called(name)).filter(here))
        }
    }
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
            let names = names(resource)?;
            let organization = self::reference(resource.fields.get("organization"))?;
            if let To::Id { id, .. } = &organization.to {
                let here = |space: &&Observed| organization_of(space) == Some(id);
                return Some(names.iter().flat_map(|name| there.called(name)).filter(here).map(known).collect());
            }
            let organizations = organization_names(&organization.to, declared)?;
            let keys = organizations.iter().flat_map(|outer| names.iter().map(move |name| format!("{outer}/{name}")));
            Some(keys.flat_map(|key| there.named(&key, true).map(known).collect::<Vec<_>>()).collect())
        }
    }
}

/// The guid of a space's organization.
pub fn organization_of(space: &Observed) -> Option<&RemoteId> {
    space.fields.link("organization")?.id.as_ref()
}

fn organization_names(to: &To, declared: &Declared) -> Option<Vec<Arc<str>>> {
    match to {
        To::Natural { name, .. } => Some(vec![Arc::clone(name)]),
        To::Declared(address) => names(declared.get(address)?),
        To::Id { .. } => None,
    }
}

/// The names that a declared resource may have: its field, else its key; and the earlier one. `None` if they cannot be told.
pub fn names(resource: &Resource) -> Option<Vec<Arc<str>>> {
    let name = match resource.fields.get("name") {
        None => Arc::clone(&resource.address.key),
        Some(value) => value.as_text().map(Arc::from)?,
    };
    let was = resource.lifecycle.was.as_ref().map(|was| Arc::clone(&was.value));
    Some(std::iter::once(name).chain(was).collect())
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

#[cfg(test)]
mod tests {
    use super::super::testing::{declare, declared, named, of_guid, of_key, organizations, spaces, text};
    use super::{Declared, Meant, Spaces, organizations_holding};
    use crate::model::{Sensitive, Value};

    fn world() -> Declared {
        declared([
            declare("organizations", "acme", []),
            declare("organizations", "renamed", [("name", text("ACME"))]),
            declare("organizations", "new", []),
            declare("spaces", "production", [("organization", of_key("organizations", "renamed"))]),
            declare("spaces", "stage", [("organization", named("organizations", "acme")), ("name", text("Staging"))]),
            declare(
                "spaces",
                "by-guid",
                [("organization", of_guid("organizations", "o-1")), ("name", text("STAGING"))],
            ),
            declare("spaces", "unborn", [("organization", of_key("organizations", "new"))]),
            declare("spaces", "riddle", [("organization", Value::Unknown)]),
        ])
    }

    #[test]
    fn an_organization_is_meant_by_key_name_or_guid() {
        let (declared, there) = (world(), organizations());
        for (value, expected) in [
            (of_key("organizations", "acme"), Some(vec!["o-1"])),
            (of_key("organizations", "renamed"), Some(vec!["o-1"])),
            (of_key("organizations", "new"), Some(vec![])),
            (of_key("organizations", "nobody's"), None),
            (named("organizations", "Acme"), Some(vec!["o-1"])),
            (named("organizations", "nobody's"), Some(vec![])),
            (of_guid("organizations", "elsewhere"), Some(vec!["elsewhere"])),
            (Sensitive::wrap(text("x")), None),
        ] {
            let found = super::organizations(Some(&value), &declared, &there);
            let found = found.map(|found| found.iter().map(ToString::to_string).collect::<Vec<_>>());
            let expected = expected.map(|guids| guids.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(found, expected, "{value:?}");
        }
    }

    #[test]
    fn a_natural_key_of_a_space_is_split_wherever_an_organization_ends() {
        let holding =
            |space| organizations_holding(space, &organizations()).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(holding("acme/x"), ["o-1"]);
        assert_eq!(holding("A/B/x/y"), ["o-2"]);
        assert_eq!(holding("a/b"), [""; 0]);
        assert_eq!(holding("acme"), [""; 0]);
    }

    #[test]
    fn a_space_is_meant_by_key_name_or_guid() {
        let (declared, there) = (world(), spaces());
        for (value, expected) in [
            (of_key("spaces", "production"), Some(vec![("s-1", Some("o-1"))])),
            (of_key("spaces", "stage"), Some(vec![("s-2", Some("o-1"))])),
            (of_key("spaces", "by-guid"), Some(vec![("s-2", Some("o-1"))])),
            (of_key("spaces", "unborn"), Some(vec![])),
            (of_key("spaces", "riddle"), None),
            (named("spaces", "ACME/production"), Some(vec![("s-1", Some("o-1"))])),
            (named("spaces", "acme/nowhere"), Some(vec![])),
            (of_guid("spaces", "s-2"), Some(vec![("s-2", Some("o-1"))])),
            (of_guid("spaces", "s-9"), Some(vec![("s-9", None)])),
        ] {
            let expected = match expected {
                Some(all) => Meant::These(
                    all.into_iter().map(|(space, of)| (space.into(), of.map(Into::into))).collect::<Spaces>(),
                ),
                None => Meant::Any,
            };
            assert_eq!(super::spaces([Some(&value)], &declared, &there), expected, "{value:?}");
        }
    }

    #[test]
    fn one_space_that_cannot_be_told_means_any() {
        let (known, riddle) = (named("spaces", "acme/production"), Value::Unknown);
        assert_eq!(super::spaces([Some(&known), Some(&riddle)], &world(), &spaces()), Meant::Any);
        assert_eq!(super::spaces([], &world(), &spaces()), Meant::These(Spaces::new()));
    }
}
