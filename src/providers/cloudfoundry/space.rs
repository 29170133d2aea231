//! Spaces: what instances are in.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::error::says_gone;
use super::meant::{self, Meant};
use super::v2::{self, Filter};
use super::{
    ANNOTATIONS_DOC, CREATED_AT, CloudFoundry, GUID, LABELS_DOC, NAME, NAME_SHAPE, Stamp, UPDATED_AT, linked_id,
    own_name_of,
};
use crate::kind::{Failure, Kind, Proposal, Readable, Reader, RemoteError, Wanted, Writer};
use crate::model::{
    Collection, Compare, Condition, Field, Fields, Identity, KeyPart, KeySource, Link, Observed, RemoteId, Section,
    Shape, To, Value,
};

/// How many spaces named by their guid are read one by one; for more, all spaces are read.
const FEW: usize = 3;

/// A space, as either API tells it.
#[derive(Debug, Clone)]
pub struct Space {
    pub(super) stamp: Stamp,
    pub(super) name: Arc<str>,
    /// The guid of its organization.
    pub(super) organization: RemoteId,
}

const ORGANIZATION_SHAPE: Shape = Shape::Reference { section: "organizations", qualifier: None, with_slug: false };

static SECTION: Section = Section {
    name: "spaces",
    singular: "space",
    provider: NAME,
    doc: "Spaces of organizations, found by organization and name.",
    declarable: true,
    apis: &[],
    key: &[
        KeyPart { name: "organization", from: KeySource::Reference, shape: ORGANIZATION_SHAPE },
        KeyPart { name: "name", from: KeySource::FieldOrKey, shape: NAME_SHAPE },
    ],
    fold_case: true,
    fields: &[
        Field::new(
            "organization",
            "organization_guid",
            ORGANIZATION_SHAPE,
            "The organization: a declared key, the name of one that exists, or `{ guid: … }`.",
        )
        .required()
        .immutable("a space stays in the organization it was created in"),
        Field::new("name", "name", NAME_SHAPE, "The name, compared without regard to case; the key if not given."),
        Field::new("labels", "labels", Shape::Object, LABELS_DOC).compare(Compare::DeclaredKeys).only(&["v3"]),
        Field::new("annotations", "annotations", Shape::Object, ANNOTATIONS_DOC)
            .compare(Compare::DeclaredKeys)
            .only(&["v3"]),
    ],
    attributes: &[GUID, CREATED_AT, UPDATED_AT],
};

impl Space {
    fn observed(self, organization: Option<Arc<str>>) -> Observed {
        let shown = organization.clone().unwrap_or_else(|| Arc::clone(&self.organization));
        let link = Link { name: organization, id: Some(self.organization) };
        Observed {
            identity: Identity { parts: vec![("organization", shown), ("name", Arc::clone(&self.name))] },
            id: Arc::clone(&self.stamp.guid),
            version: self.stamp.updated_at.clone(),
            fields: Fields::from_iter([
                ("organization", Value::Link(Box::new(link))),
                ("name", Value::Text(self.name)),
            ]),
            attributes: self.stamp.attributes(),
            condition: Condition::Ready,
        }
    }
}

/// The organizations whose spaces are asked for, of those that exist.
fn organizations_meant(wanted: &Wanted<'_>, there: &Collection) -> Meant<BTreeSet<RemoteId>> {
    let mut guids = BTreeSet::new();
    for resource in wanted.resources {
        let organization = resource.fields.get("organization");
        let Some(found) = meant::organizations(organization, wanted.declared, there) else { return Meant::Any };
        guids.extend(found);
    }
    for reference in wanted.references {
        if let To::Natural { name, .. } = &reference.to {
            guids.extend(meant::organizations_holding(name, there));
        }
    }
    Meant::These(guids)
}

impl Readable for Space {
    type Provider = CloudFoundry;
    const SECTION: &'static Section = &SECTION;
    const AFTER: &'static [&'static str] = &["organizations"];

    async fn observe(wanted: &Wanted<'_>, remote: Reader<'_, CloudFoundry>) -> Result<Vec<Observed>, RemoteError> {
        let none = Collection::default();
        let organizations = wanted.observed.get("organizations").copied().unwrap_or(&none);
        let mut spaces = match v2::of_organizations(&organizations_meant(wanted, organizations)) {
            Some(filters) => v2::spaces(&remote, &filters).await?,
            None => Vec::new(),
        };

        let mut missing: BTreeSet<&str> = wanted
            .references
            .iter()
            .filter_map(|reference| match &reference.to {
                To::Id { id, .. } => Some(&**id),
                _ => None,
            })
            .collect();
        for space in &spaces {
            missing.remove(&*space.stamp.guid);
        }
        if missing.len() > FEW {
            spaces = v2::spaces(&remote, &[]).await?;
        } else {
            for guid in missing {
                match v2::space_of_guid(&remote, guid).await {
                    Ok(space) => spaces.push(space),
                    // Passed through unresolved: it is whoever uses it that is told.
                    Err(error) if says_gone(&error) || error.failure == Failure::Forbidden => {}
                    Err(error) => return Err(error),
                }
            }
        }
        let name_of = |guid: &RemoteId| Some(organizations.with_id(guid)?.identity.to_string().into());
        Ok(spaces
            .into_iter()
            .map(|space| {
                let name = name_of(&space.organization);
                space.observed(name)
            })
            .collect())
    }
}

impl Kind for Space {
    fn recognise<'c>(proposal: Proposal<'_>, collection: &'c Collection, _: &crate::model::Facts) -> Vec<&'c Observed> {
        let name = own_name_of(proposal);
        match proposal.fields.link("organization").and_then(|link| link.id.as_ref()) {
            Some(id) => collection.called(name).filter(|space| meant::organization_of(space) == Some(id)).collect(),
            None => collection.named(&proposal.identity.to_string(), true).collect(),
        }
    }

    async fn create(proposal: Proposal<'_>, remote: &Writer<'_, CloudFoundry>) -> Result<Observed, RemoteError> {
        let organization = linked_id(proposal, "organization");
        let space = v2::create_space(remote, own_name_of(proposal), organization, &SECTION).await?;
        Ok(space.observed(super::linked_name(proposal, "organization")))
    }

    async fn look_up(
        proposal: Proposal<'_>,
        remote: Reader<'_, CloudFoundry>,
    ) -> Result<Option<Observed>, RemoteError> {
        let (name, organization) = (own_name_of(proposal), linked_id(proposal, "organization"));
        let filters = [Filter::Is("name", name.into()), Filter::Is("organization_guid", organization.into())];
        let found = v2::spaces(&remote, &filters)
            .await?
            .into_iter()
            .find(|space| space.name.to_lowercase() == name.to_lowercase() && &*space.organization == organization);
        Ok(found.map(|space| space.observed(super::linked_name(proposal, "organization"))))
    }
}
