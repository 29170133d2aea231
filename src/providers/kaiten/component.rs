//! Components (reference §10.8).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{CREATED_AT, ID, Kaiten, Provided, SLUG, SLUG_ATTRIBUTE, change};
use crate::kind::{Abilities, Kind, Modification, Proposal, Readable, Reader, RemoteError, Tied, Wanted, Writer};
use crate::model::{Collection, Facts, Field, KeyPart, KeySource, Observed, Section, Shape, Value};

/// One version of a part of the product.
#[derive(Debug)]
pub struct Component;

pub(super) const PATH: &str = "/components";

const VERSIONED: &str = "a component is one version of a part: declare the other one under a key of its own";

pub(super) static SECTION: Section = Section {
    name: "components",
    singular: "component",
    provider: "kaiten",
    doc: "Components: versions of the parts that releases are made of.",
    declarable: true,
    apis: &["core"],
    key: &[KeyPart { name: "slug", from: KeySource::Key, shape: Shape::Format(&SLUG) }],
    fold_case: false,
    fields: &[
        // Kaiten would make another component of a changed one that a release has.
        Field::new("name", "name", Shape::Text { min: 1, max: 100 }, "The part's name, which its versions share.")
            .required()
            .immutable(VERSIONED),
        Field::new(
            "version",
            "version",
            Shape::Text { min: 1, max: 100 },
            "Its version, unique among those of its name.",
        )
        .required()
        .immutable(VERSIONED),
        Field::new(
            "description",
            "description",
            Shape::Text { min: 1, max: 500 },
            "What it is; can be changed until a release has it.",
        ),
    ],
    attributes: &[ID, SLUG_ATTRIBUTE, CREATED_AT],
    example: "\
components:
  api-2:
    name: api
    version: \"2.0\"
",
};

impl Readable for Component {
    type Provider = Provided;
    const SECTION: &'static Section = &SECTION;
    const ALONG: &'static [&'static str] = &["releases"];

    async fn observe(_: &Wanted<'_>, remote: Reader<'_, Kaiten>) -> Result<Vec<Observed>, RemoteError> {
        remote.collection(&SECTION, PATH).await
    }
}

impl Kind for Component {
    async fn create(proposal: Proposal<'_>, remote: &Writer<'_, Kaiten>) -> Result<Observed, RemoteError> {
        remote.post(&SECTION, PATH, remote.body(&SECTION, proposal, &[])).await
    }

    async fn look_up(proposal: Proposal<'_>, remote: Reader<'_, Kaiten>) -> Result<Option<Observed>, RemoteError> {
        remote.find(&SECTION, PATH, &proposal.identity.to_string()).await
    }

    fn abilities(facts: &Facts) -> Abilities {
        change::abilities(facts)
    }

    /// Name and version are repeated as they are: so Kaiten refuses what it would make another component of.
    async fn update(modification: Modification<'_>, remote: &Writer<'_, Kaiten>) -> Result<Observed, RemoteError> {
        remote.replace(&SECTION, PATH, modification, &[]).await
    }

    /// The releases that have it (reference §9).
    fn held_by(observed: &Observed, collections: &BTreeMap<&'static str, Collection>, _: &Facts) -> Vec<Tied> {
        let slug = observed.identity.to_string();
        let releases = collections.get("releases").into_iter().flat_map(Collection::iter);
        let has = |release: &&Observed| match release.fields.get("components") {
            Some(Value::List(components)) => components.iter().any(|component| component.as_text() == Some(&slug)),
            _ => false,
        };
        let words = |release: &Observed| format!("the release `{}`", release.identity);
        let tied = |release: &Observed| Tied {
            words: words(release),
            id: Arc::clone(&release.id),
            within: None,
            stays: false,
        };
        releases.filter(has).map(tied).collect()
    }

    async fn delete(
        observed: &Observed,
        _: bool,
        remote: &Writer<'_, Kaiten>,
    ) -> Result<Option<Observed>, RemoteError> {
        remote.remove(&SECTION, PATH, observed).await
    }
}
