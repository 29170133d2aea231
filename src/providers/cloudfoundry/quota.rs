//! Quotas: how many service instances an organization or a space may hold, and whether any of them may cost something.
//!
//! Read only where a plan may create an instance or change the plan of one. Those that cannot be read are not known: the
//! remote has the last word.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::meant::{self, Meant};
use super::{CloudFoundry, GUID, NAME, NAME_SHAPE, api};
use crate::kind::{Readable, Reader, RemoteError, Wanted};
use crate::model::{
    Attribute, Collection, Condition, Fields, Identity, KeyPart, KeySource, Observed, Operation, RemoteId, Resource,
    Section, To, Value,
};

/// A quota, as the API tells it.
#[derive(Debug, Clone)]
pub struct Quota {
    pub(super) guid: RemoteId,
    pub(super) name: Arc<str>,
    pub(super) of: Holder,
    /// The guids of the organizations or spaces that it limits, as far as they can be seen.
    pub(super) limits: Vec<RemoteId>,
    /// The most managed instances; `None` is no limit.
    pub(super) instances: Option<u64>,
    /// Whether instances of plans that cost something are allowed.
    pub(super) paid: bool,
}

/// What a quota limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    Organization,
    Space,
}

impl Holder {
    /// What it is called.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Space => "space",
        }
    }
}

static SECTION: Section = Section {
    name: "quotas",
    singular: "quota",
    provider: NAME,
    doc: "Quotas of the organizations and spaces in which instances may be created.",
    declarable: false,
    apis: &[],
    key: &[
        KeyPart { name: "of", from: KeySource::FieldOrKey, shape: NAME_SHAPE },
        KeyPart { name: "name", from: KeySource::FieldOrKey, shape: NAME_SHAPE },
    ],
    fold_case: false,
    fields: &[],
    attributes: &[
        GUID,
        Attribute::new("of", "of", "What it limits: an `organization` or a `space`."),
        Attribute::new("limits", "relationships", "The guids of what it limits."),
        Attribute::new("instances", "total_service_instances", "The most managed instances, if there is a limit."),
        Attribute::new("paid", "paid_services_allowed", "Whether plans that cost something are allowed."),
    ],
    example: "",
};

impl Quota {
    fn observed(self) -> Observed {
        let Self { guid, name, of, limits, instances, paid } = self;
        let mut attributes = Fields::from_iter([
            ("guid", Value::Text(Arc::clone(&guid))),
            ("of", Value::text(of.word())),
            ("limits", Value::List(limits.into_iter().map(Value::Text).collect())),
            ("paid", Value::Bool(paid)),
        ]);
        if let Some(most) = instances {
            attributes.set("instances", Value::Number(most.into()));
        }
        Observed {
            identity: Identity { parts: vec![("of", of.word().into()), ("name", name)] },
            id: guid,
            version: None,
            fields: Fields::default(),
            attributes,
            condition: Condition::Ready,
        }
    }
}

/// The quota of an organization or a space, if it has one that can be seen.
pub(super) fn quota_of<'c>(quotas: &'c Collection, of: Holder, guid: &str) -> Option<&'c Observed> {
    quotas.iter().find(|quota| {
        let limits = quota.attributes.get("limits");
        quota.attributes.text("of") == Some(of.word())
            && matches!(limits, Some(Value::List(guids)) if guids.iter().any(|one| one.as_text() == Some(guid)))
    })
}

/// The guid of the organization that a declared space is to be created in, if that exists.
pub(super) fn organization_of_new(
    space: Option<&Value>,
    declared: &meant::Declared,
    organizations: &Collection,
) -> Option<RemoteId> {
    let Value::Reference(reference) = space? else { return None };
    let To::Declared(address) = &reference.to else { return None };
    let organization = declared.get(address)?.fields.get("organization");
    match &meant::organizations(organization, declared, organizations)?[..] {
        [one] => Some(Arc::clone(one)),
        _ => None,
    }
}

/// Whether an instance may be created, or get another plan.
fn is_concerned(resource: &Resource, there: &Collection, spaces: &Meant<meant::Spaces>) -> bool {
    if resource.address.section != "service_instances" || resource.lifecycle.absent.is_some() {
        return false;
    }
    let name = resource.identity.parts.last().map_or("", |(_, name)| name);
    let is_here = |instance: &&Observed| {
        instance.fields.link("space").and_then(|space| space.id.as_ref()).is_some_and(|id| spaces.may_be(id))
    };
    let mut instances = there.called(name).filter(is_here);
    let Some(instance) = instances.next() else { return true };
    let is_left_over = matches!(instance.condition, Condition::Failed { operation: Operation::Create, .. });
    let keeps_its_plan = instance.fields.link("plan").is_some_and(|plan| match resource.fields.get("plan") {
        Some(Value::Reference(reference)) => match &reference.to {
            To::Natural { name, .. } => plan.name.as_ref().is_some_and(|now| now.to_lowercase() == name.to_lowercase()),
            To::Id { id, .. } => plan.id.as_ref() == Some(id),
            To::Declared(_) => false,
        },
        _ => false,
    });
    is_left_over || !keeps_its_plan
}

impl Readable for Quota {
    type Provider = CloudFoundry;
    const SECTION: &'static Section = &SECTION;
    const AFTER: &'static [&'static str] = &["organizations", "spaces", "service_instances"];
    const PARTIAL: Option<&'static str> = Some("quotas");

    /// Those of the spaces, and of their organizations, in which something may be created: one list of each, and none where
    /// everything is there already.
    async fn observe(wanted: &Wanted<'_>, remote: Reader<'_, CloudFoundry>) -> Result<Vec<Observed>, RemoteError> {
        let (organizations, spaces) =
            (wanted.observed.get("organizations").await?, wanted.observed.get("spaces").await?);
        let there = wanted.observed.get("service_instances").await?;
        let (mut of_spaces, mut of_organizations) = (BTreeSet::new(), BTreeSet::new());
        for resource in wanted.declared.values() {
            let space = resource.fields.get("space");
            let meant = meant::spaces([space], wanted.declared, spaces);
            if !is_concerned(resource, there, &meant) {
                continue;
            }
            // Where it cannot be told, nothing can be checked either.
            let Meant::These(found) = meant else { continue };
            if found.is_empty() {
                of_organizations.extend(organization_of_new(space, wanted.declared, organizations));
            }
            for (space, organization) in found {
                of_spaces.insert(space);
                of_organizations.extend(organization);
            }
        }
        let (of_spaces, of_organizations): (Vec<_>, Vec<_>) =
            (of_spaces.into_iter().collect(), of_organizations.into_iter().collect());
        let found = api::quotas(&remote, &of_organizations, &of_spaces).await?;
        Ok(found.into_iter().map(Self::observed).collect())
    }
}
