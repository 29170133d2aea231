//! Releases (reference §10.9).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{CREATED_AT, ID, Kaiten, Provided, SLUG, SLUG_ATTRIBUTE, change, component, problem};
use crate::kind::{Abilities, Deletion, Failure, Kind, Proposal, Readable, Reader, RemoteError, Tied, Wanted, Writer};
use crate::model::{Collection, Compare, Facts, Field, KeyPart, KeySource, Observed, Section, Shape};

/// A version of the product: components that go together.
#[derive(Debug)]
pub struct Release;

const PATH: &str = "/releases";

const FIXED: &str = "a release is never changed: declare another one under a key of its own";

pub(super) static SECTION: Section = Section {
    name: "releases",
    singular: "release",
    provider: "kaiten",
    doc: "Releases: versions of the product, each of certain components, that run in deployment zones.",
    declarable: true,
    apis: &["core"],
    key: &[KeyPart { name: "slug", from: KeySource::Key, shape: Shape::Format(&SLUG) }],
    fold_case: false,
    fields: &[
        Field::new("version", "version", Shape::Text { min: 1, max: 100 }, "Its version, unique among releases.")
            .required()
            .immutable(FIXED),
        Field::new("description", "description", Shape::Text { min: 1, max: 500 }, "What is new in it.")
            .immutable(FIXED),
        Field::new(
            "components",
            "componentIds",
            Shape::Names { section: "components" },
            "What it is made of: declared components' keys, or existing ones' slugs.",
        )
        .compare(Compare::Set)
        .immutable(FIXED),
    ],
    attributes: &[ID, SLUG_ATTRIBUTE, CREATED_AT],
    example: "\
releases:
  spring:
    version: \"2026.1\"
    components: [api-2]
",
};

impl Readable for Release {
    type Provider = Provided;
    const SECTION: &'static Section = &SECTION;
    const ALONG: &'static [&'static str] = &["deployment_zones"];

    async fn observe(_: &Wanted<'_>, remote: Reader<'_, Kaiten>) -> Result<Vec<Observed>, RemoteError> {
        remote.collection(&SECTION, PATH).await
    }
}

impl Kind for Release {
    /// What has ever been deployed is kept as long as the zone is (reference §9).
    const DELETION: Deletion = Deletion { after: &["deployment_zones"], ..Deletion::PLAIN };

    async fn create(proposal: Proposal<'_>, remote: &Writer<'_, Kaiten>) -> Result<Observed, RemoteError> {
        let mut body = remote.body(&SECTION, proposal, &["components"]);
        let slugs: Vec<&str> = proposal
            .fields
            .get("components")
            .into_iter()
            .flat_map(|value| Shape::Names { section: "components" }.named(value))
            .map(|(_, slug)| slug)
            .collect();
        if !slugs.is_empty() {
            let there = remote.reader().collection(&component::SECTION, component::PATH).await?;
            let there = Collection::new(there, false);
            let ids = slugs.iter().map(|slug| there.named(slug, false).next().map(|found| &*found.id).ok_or(slug));
            let ids: Vec<&str> = ids.collect::<Result<_, _>>().map_err(|slug| {
                problem::ours(Failure::NotFound, format!("there is no component `{slug}` any more"), "plan again")
            })?;
            body.insert("componentIds".to_owned(), ids.into());
        }
        remote.post(&SECTION, PATH, body).await
    }

    async fn look_up(proposal: Proposal<'_>, remote: Reader<'_, Kaiten>) -> Result<Option<Observed>, RemoteError> {
        remote.find(&SECTION, PATH, &proposal.identity.to_string()).await
    }

    fn abilities(facts: &Facts) -> Abilities {
        Abilities { update: false, ..change::abilities(facts) }
    }

    /// The zones that it runs in. Those it ran in once are not told, and Kaiten refuses for their sake too.
    fn held_by(observed: &Observed, collections: &BTreeMap<&'static str, Collection>, _: &Facts) -> Vec<Tied> {
        let zones = collections.get("deployment_zones").into_iter().flat_map(Collection::iter);
        let runs =
            |zone: &&Observed| zone.fields.link("release").and_then(|link| link.id.as_ref()) == Some(&observed.id);
        let words = |zone: &Observed| format!("the deployment zone `{}`", zone.identity);
        zones
            .filter(runs)
            .map(|zone| Tied { words: words(zone), id: Arc::clone(&zone.id), within: None, stays: false })
            .collect()
    }

    async fn delete(
        observed: &Observed,
        _: bool,
        remote: &Writer<'_, Kaiten>,
    ) -> Result<Option<Observed>, RemoteError> {
        remote.remove(&SECTION, PATH, observed).await
    }
}

#[cfg(test)]
mod tests;
