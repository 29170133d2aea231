//! Deployment zones (reference §10.7).

use std::collections::BTreeMap;

use super::{
    CREATED_AT, ID, Kaiten, Provided, SLUG, SLUG_ATTRIBUTE, UNLIMITED, UPDATED_AT, change, instance, metadata,
};
use crate::kind::{
    Abilities, Check, Deletion, Kind, Modification, Proposal, Readable, Reader, RemoteError, Tied, Wanted, Writer,
};
use crate::model::{Collection, Diagnostic, Facts, Field, KeyPart, KeySource, Observed, Section, Shape};

/// Where instances run.
#[derive(Debug)]
pub struct DeploymentZone;

const PATH: &str = "/deployment-zones";

pub(super) static SECTION: Section = Section {
    name: "deployment_zones",
    singular: "deployment zone",
    provider: "kaiten",
    doc: "Deployment zones: where instances run. Deleting one detaches its instances.",
    declarable: true,
    apis: &["core"],
    key: &[KeyPart { name: "slug", from: KeySource::Key, shape: Shape::Format(&SLUG) }],
    fold_case: false,
    fields: &[
        Field::new("name", "name", Shape::Text { min: 1, max: UNLIMITED }, "The name people read.").required(),
        Field::new(
            "type",
            "type",
            Shape::Text { min: 0, max: UNLIMITED },
            "The class of environment, any text; the console labels `production`, `staging` and `development`.",
        )
        .required(),
        Field::new("description", "description", Shape::Text { min: 0, max: UNLIMITED }, "What the zone is for.")
            .default("\"\""),
        Field::new(
            "metadata",
            "metadata",
            Shape::Object,
            "Values of the organization's metadata fields for zones; once there is one such field, no other key is allowed.",
        ),
        Field::new(
            "release",
            "releaseId",
            Shape::Reference { section: "releases", qualifier: None, with_slug: false },
            "The release that runs in the zone: a declared one's key, an existing one's slug, or `{ id: … }`; it can become \
             another one, but not none.",
        ),
    ],
    attributes: &[ID, SLUG_ATTRIBUTE, CREATED_AT, UPDATED_AT],
    example: "\
deployment_zones:
  eu-west-1:
    name: EU West
    type: production
",
};

impl Readable for DeploymentZone {
    type Provider = Provided;
    const SECTION: &'static Section = &SECTION;
    /// They say what metadata may hold.
    const BESIDE: &'static [&'static str] = &["metadata_fields"];
    /// A delete detaches them.
    const ALONG: &'static [&'static str] = &["instances"];

    async fn observe(_: &Wanted<'_>, remote: Reader<'_, Kaiten>) -> Result<Vec<Observed>, RemoteError> {
        remote.collection(&SECTION, PATH).await
    }
}

impl Kind for DeploymentZone {
    const DELETION: Deletion = Deletion { loses: Some("what is recorded of its deployments"), ..Deletion::PLAIN };

    fn check(check: Check<'_>) -> Vec<Diagnostic> {
        let mut found = metadata::imprecise(check);
        found.extend(metadata::against_fields(check, metadata::Of::Zones));
        found.extend(change::irremovable(check, &["release"]));
        found
    }

    async fn create(proposal: Proposal<'_>, remote: &Writer<'_, Kaiten>) -> Result<Observed, RemoteError> {
        remote.post(&SECTION, PATH, remote.body(&SECTION, proposal, &[])).await
    }

    async fn look_up(proposal: Proposal<'_>, remote: Reader<'_, Kaiten>) -> Result<Option<Observed>, RemoteError> {
        remote.find(&SECTION, PATH, &proposal.identity.to_string()).await
    }

    fn abilities(facts: &Facts) -> Abilities {
        change::abilities(facts)
    }

    /// Omitted, metadata would be cleared, and the release kept (reference §7.2).
    async fn update(modification: Modification<'_>, remote: &Writer<'_, Kaiten>) -> Result<Observed, RemoteError> {
        remote.replace(&SECTION, PATH, modification, &["release"]).await
    }

    async fn delete(
        observed: &Observed,
        _: bool,
        remote: &Writer<'_, Kaiten>,
    ) -> Result<Option<Observed>, RemoteError> {
        remote.remove(&SECTION, PATH, observed).await
    }

    /// Its instances stay, without a zone (reference §9).
    fn takes_along(observed: &Observed, collections: &BTreeMap<&'static str, Collection>, _: &Facts) -> Vec<Tied> {
        let instances = instance::tied(collections, "deployment_zone", &observed.id, "the zone of the instance");
        instances.into_iter().map(|tied| Tied { stays: true, ..tied }).collect()
    }
}
