//! Organizations: what everything else is in.

use std::sync::Arc;

use super::v2::{self, Filter};
use super::{
    ANNOTATIONS_DOC, CREATED_AT, CloudFoundry, GUID, LABELS_DOC, NAME, NAME_SHAPE, Stamp, UPDATED_AT, own_name_of,
};
use crate::kind::{Kind, Proposal, Readable, Reader, RemoteError, Wanted, Writer};
use crate::model::{Compare, Condition, Field, Fields, Identity, KeyPart, KeySource, Observed, Section, Shape, Value};

/// An organization, as either API tells it.
#[derive(Debug, Clone)]
pub struct Organization {
    pub(super) stamp: Stamp,
    pub(super) name: Arc<str>,
}

static SECTION: Section = Section {
    name: "organizations",
    singular: "organization",
    provider: NAME,
    doc: "Organizations of a foundation, found by name; creating one needs an administrator on most foundations.",
    declarable: true,
    apis: &[],
    key: &[KeyPart { name: "name", from: KeySource::FieldOrKey, shape: NAME_SHAPE }],
    fold_case: true,
    fields: &[
        Field::new("name", "name", NAME_SHAPE, "The name, compared without regard to case; the key if not given."),
        Field::new("labels", "labels", Shape::Object, LABELS_DOC).compare(Compare::DeclaredKeys).only(&["v3"]),
        Field::new("annotations", "annotations", Shape::Object, ANNOTATIONS_DOC)
            .compare(Compare::DeclaredKeys)
            .only(&["v3"]),
    ],
    attributes: &[GUID, CREATED_AT, UPDATED_AT],
};

impl Organization {
    fn observed(self) -> Observed {
        Observed {
            identity: Identity::single("name", Arc::clone(&self.name)),
            id: Arc::clone(&self.stamp.guid),
            version: self.stamp.updated_at.clone(),
            fields: Fields::from_iter([("name", Value::Text(self.name))]),
            attributes: self.stamp.attributes(),
            condition: Condition::Ready,
        }
    }
}

impl Readable for Organization {
    type Provider = CloudFoundry;
    const SECTION: &'static Section = &SECTION;

    /// All of them: spaces are found through their organization, and which organizations those are in is not asked here.
    async fn observe(_: &Wanted<'_>, remote: Reader<'_, CloudFoundry>) -> Result<Vec<Observed>, RemoteError> {
        Ok(v2::organizations(&remote, &[]).await?.into_iter().map(Self::observed).collect())
    }
}

impl Kind for Organization {
    async fn create(proposal: Proposal<'_>, remote: &Writer<'_, CloudFoundry>) -> Result<Observed, RemoteError> {
        v2::create_organization(remote, own_name_of(proposal), &SECTION).await.map(Self::observed)
    }

    async fn look_up(
        proposal: Proposal<'_>,
        remote: Reader<'_, CloudFoundry>,
    ) -> Result<Option<Observed>, RemoteError> {
        let name = own_name_of(proposal);
        let found = v2::organizations(&remote, &[Filter::Is("name", name.into())]).await?;
        let named = found.into_iter().find(|found| found.name.to_lowercase() == name.to_lowercase());
        Ok(named.map(Self::observed))
    }
}
