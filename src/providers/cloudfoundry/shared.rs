//! Instances that other spaces share: in a space they are shared into, their names are taken (reference, section 8.1).
//!
//! v3 lists them among the instances of the spaces. v2 lists them of one space at a time and only where v3 has shared them;
//! there the create is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::try_join_all;

use super::api;
use super::instances::{self, Elsewhere};
use super::meant::{self, Meant};
use super::service_instance::{is_freed, space_of};
use super::{CloudFoundry, GUID, NAME, NAME_SHAPE, SPACE_SHAPE, own_name_of};
use crate::kind::{Check, Readable, Reader, RemoteError, Wanted};
use crate::model::{
    Condition, Fields, Identity, KeyPart, KeySource, Link, Observed, RemoteId, Resource, Section, Value,
};

/// The sections whose objects share the names of a space.
const SECTIONS: [&str; 2] = ["service_instances", "user_provided_service_instances"];

/// How many instances are asked at most which spaces they are shared with, where the list does not tell.
const MOST_ASKED: usize = 10;

/// An instance of another space.
#[derive(Debug, Clone, Copy)]
pub struct SharedInstance;

static SECTION: Section = Section {
    name: "shared_service_instances",
    singular: "shared service instance",
    provider: NAME,
    doc: "Service instances that other spaces share with the spaces in which instances are to be created.",
    declarable: false,
    apis: &[],
    key: &[
        KeyPart { name: "space", from: KeySource::Reference, shape: SPACE_SHAPE },
        KeyPart { name: "name", from: KeySource::FieldOrKey, shape: NAME_SHAPE },
    ],
    fold_case: false,
    fields: &[],
    attributes: &[GUID],
    example: "",
};

/// The names that may be taken anew, by space.
type Names = BTreeMap<RemoteId, BTreeSet<Arc<str>>>;

/// The names that a resource may come to have: as declared, also where it is renamed, since it is looked for under its
/// earlier name then.
fn names(resource: &Resource) -> impl Iterator<Item = Arc<str>> {
    let own = resource.identity.parts.last().map(|(_, name)| Arc::clone(name));
    let renamed = resource.lifecycle.was.as_ref().and_then(|_| match resource.fields.get("name") {
        None => Some(Arc::clone(&resource.address.key)),
        Some(name) => name.as_text().map(Arc::from),
    });
    own.into_iter().chain(renamed)
}

/// Those that nothing in the space itself has.
async fn names_to_take(wanted: &Wanted<'_>) -> Result<Names, RemoteError> {
    let spaces = wanted.observed.get("spaces").await?;
    let mut collections = Vec::new();
    for section in SECTIONS {
        collections.push(wanted.observed.get(section).await?);
    }
    let is_here = |space: &RemoteId, name: &str| {
        collections.iter().flat_map(|there| there.called(name)).any(|instance| space_of(instance) == Some(space))
    };
    let mut to_take = Names::new();
    let declared = wanted
        .declared
        .values()
        .filter(|resource| SECTIONS.contains(&resource.address.section) && resource.lifecycle.absent.is_none());
    for resource in declared {
        // Where it cannot be told, nothing can be checked either.
        let Meant::These(found) = meant::spaces([resource.fields.get("space")], wanted.declared, spaces) else {
            continue;
        };
        for space in found.into_keys() {
            let free: Vec<Arc<str>> = names(resource).filter(|name| !is_here(&space, name)).collect();
            if !free.is_empty() {
                to_take.entry(space).or_default().extend(free);
            }
        }
    }
    Ok(to_take)
}

fn observed(guid: &RemoteId, name: &Arc<str>, space: &RemoteId) -> Observed {
    let link = Link { name: None, id: Some(Arc::clone(space)) };
    Observed {
        identity: Identity { parts: vec![("space", Arc::clone(space)), ("name", Arc::clone(name))] },
        id: format!("{guid}/{space}").into(),
        version: None,
        fields: Fields::from_iter([("space", Value::Link(Box::new(link))), ("name", Value::Text(Arc::clone(name)))]),
        attributes: Fields::from_iter([("guid", Value::Text(Arc::clone(guid)))]),
        condition: Condition::Ready,
    }
}

impl Readable for SharedInstance {
    type Provider = CloudFoundry;
    const SECTION: &'static Section = &SECTION;
    const AFTER: &'static [&'static str] = &["spaces", "service_instances", "user_provided_service_instances"];
    const PARTIAL: Option<&'static str> = Some("what other spaces share");

    async fn observe(wanted: &Wanted<'_>, remote: Reader<'_, CloudFoundry>) -> Result<Vec<Observed>, RemoteError> {
        let to_take = names_to_take(wanted).await?;
        if to_take.is_empty() {
            return Ok(Vec::new());
        }
        let Elsewhere { instances, shared_into } = instances::elsewhere(wanted, &remote).await?;
        let is_in_the_way =
            |own: &RemoteId, name: &Arc<str>| to_take.iter().any(|(space, names)| space != own && names.contains(name));
        let foreign = instances.into_iter().filter(|instance| is_in_the_way(&instance.space, &instance.name));
        let foreign = foreign.map(|instance| (instance.stamp.guid, instance.name));
        if let Some(space) = shared_into {
            return Ok(foreign.map(|(guid, name)| observed(&guid, &name, &space)).collect());
        }
        // One of the declared spaces may share with another.
        let there = wanted.observed.get("service_instances").await?.iter().filter_map(|instance| {
            let name = Arc::from(instance.fields.text("name")?);
            is_in_the_way(space_of(instance)?, &name).then(|| (Arc::clone(&instance.id), name))
        });
        let asked = foreign.chain(there).take(MOST_ASKED).map(async |(guid, name)| {
            let into = api::shared_with(&remote, &guid).await?;
            Ok::<_, RemoteError>(into.iter().map(|space| observed(&guid, &name, space)).collect::<Vec<_>>())
        });
        Ok(try_join_all(asked).await?.into_iter().flatten().collect())
    }
}

/// What has the name that a resource is to have in its space: one of the other kind, `of`, or one that another space shares.
/// In words that complete "is taken by", with what to do about it.
pub(super) fn holder(check: Check<'_>, of: &Other) -> Option<(String, String)> {
    let name = own_name_of(check.proposal);
    if check.observed.is_some_and(|observed| observed.fields.text("name") == Some(name)) {
        return None;
    }
    let space = check.proposal.fields.link("space")?.id.as_ref()?;
    let has = |section: &str| {
        let there = check.collections.get(section)?;
        there.called(name).find(|other| space_of(other) == Some(space))
    };
    if has(of.section).is_some() && !is_freed(check, of.section) {
        let help = format!("choose another `name`, or rename or delete the {}", of.known_as);
        return Some((format!("a {}", of.words), help));
    }
    has(SECTION.name)?;
    let words = "a service instance that is shared into the space".to_owned();
    Some((words, "choose another `name`, or ask the other space to end it: `cf unshare-service`".to_owned()))
}

/// The other kind that has names of a space.
pub(super) struct Other {
    pub(super) section: &'static str,
    /// What one of it is.
    pub(super) words: &'static str,
    /// What it is called once that has been said.
    pub(super) known_as: &'static str,
}
