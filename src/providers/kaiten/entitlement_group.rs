//! Groups of entitlements (reference §10.6). Who is in one is told, and declared, by the entitlements.

use super::{ID, Kaiten, Provided, SLUG, SLUG_ATTRIBUTE, UNLIMITED, change};
use crate::kind::{Abilities, Kind, Modification, Proposal, Readable, Reader, RemoteError, Wanted, Writer};
use crate::model::{Facts, Field, KeyPart, KeySource, Observed, Section, Shape};

/// Entitlements that are shown together.
#[derive(Debug)]
pub struct EntitlementGroup;

const PATH: &str = "/entitlement-groups";

pub(super) static SECTION: Section = Section {
    name: "entitlement_groups",
    singular: "entitlement group",
    provider: "kaiten",
    doc: "Groups of entitlements; an entitlement says itself which ones it is in. Deleting one leaves its entitlements.",
    declarable: true,
    apis: &["core"],
    key: &[KeyPart { name: "slug", from: KeySource::Key, shape: Shape::Format(&SLUG) }],
    fold_case: false,
    fields: &[
        Field::new("name", "name", Shape::Text { min: 1, max: UNLIMITED }, "The name people read.").required(),
        Field::new("description", "description", Shape::Text { min: 0, max: UNLIMITED }, "What is in the group.")
            .default("null"),
    ],
    attributes: &[ID, SLUG_ATTRIBUTE],
    example: "\
entitlement_groups:
  collaboration:
    name: Collaboration
",
};

impl Readable for EntitlementGroup {
    type Provider = Provided;
    const SECTION: &'static Section = &SECTION;

    async fn observe(_: &Wanted<'_>, remote: Reader<'_, Kaiten>) -> Result<Vec<Observed>, RemoteError> {
        remote.collection(&SECTION, PATH).await
    }
}

impl Kind for EntitlementGroup {
    async fn create(proposal: Proposal<'_>, remote: &Writer<'_, Kaiten>) -> Result<Observed, RemoteError> {
        remote.post(&SECTION, PATH, remote.body(&SECTION, proposal, &[])).await
    }

    async fn look_up(proposal: Proposal<'_>, remote: Reader<'_, Kaiten>) -> Result<Option<Observed>, RemoteError> {
        remote.find(&SECTION, PATH, &proposal.identity.to_string()).await
    }

    fn abilities(facts: &Facts) -> Abilities {
        change::abilities(facts)
    }

    async fn update(modification: Modification<'_>, remote: &Writer<'_, Kaiten>) -> Result<Observed, RemoteError> {
        remote.replace(&SECTION, PATH, modification, &[]).await
    }

    async fn delete(
        observed: &Observed,
        _: bool,
        remote: &Writer<'_, Kaiten>,
    ) -> Result<Option<Observed>, RemoteError> {
        remote.remove(&SECTION, PATH, observed).await
    }
}
