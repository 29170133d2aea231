//! Feature flags (reference §10.11).

mod definition;
mod rule;

use super::{ID, Kaiten, Provided, SLUG, SLUG_ATTRIBUTE, UNLIMITED, change, metadata};
use crate::kind::{Abilities, Check, Kind, Modification, Proposal, Readable, Reader, RemoteError, Wanted, Writer};
use crate::model::{Diagnostic, Facts, Field, KeyPart, KeySource, Naming, Observed, Section, Shape};

/// A switch in the product: which of its values who gets.
#[derive(Debug)]
pub struct FeatureFlag;

const PATH: &str = "/feature-flags";

/// A rule that names an entitlement which is not there is refused (reference §10.11).
static NAMED_IN_RULES: Naming = Naming { section: "entitlements", named: rule::entitlements };

pub(super) static SECTION: Section = Section {
    name: "feature_flags",
    singular: "feature flag",
    provider: "kaiten",
    doc: "Feature flags: switches in the product, and who gets which of their values.",
    declarable: true,
    apis: &["core"],
    key: &[KeyPart { name: "slug", from: KeySource::Key, shape: Shape::Format(&SLUG) }],
    fold_case: false,
    fields: &[
        Field::new("name", "name", Shape::Text { min: 1, max: UNLIMITED }, "The name people read.").required(),
        Field::new(
            "type",
            "type",
            Shape::Enum(&["boolean", "string", "number", "object"]),
            "What the values of its variants are; an `object` can be anything.",
        )
        .required(),
        Field::new("description", "description", Shape::Text { min: 0, max: UNLIMITED }, "What it switches.")
            .default("null"),
        Field::new(
            "enabled",
            "enabled",
            Shape::Boolean,
            "Whether its rules are asked at all; without, everybody gets the default variant.",
        )
        .default("true"),
        Field::new(
            "variants",
            "variants",
            Shape::Mappings { naming: None },
            "The values it can have, in order: `{ name: \"on\", value: true, description: … }`; the description can be left out.",
        )
        .required()
        .form(definition::variants),
        Field::new(
            "default_variant",
            "default_variant",
            Shape::Object,
            "What those get to whom no rule applies: `{ type: basic, value: VARIANT }`, `{ type: rollout_percentage, \
             distribution: { VARIANT: 20, … } }`, or `{ type: rollout_date, start: { variant: …, percentage: …, date: … }, end: \
             { … } }`.",
        )
        .required()
        .form(definition::in_utc),
        Field::new(
            "targetings",
            "targetings",
            Shape::Mappings { naming: Some(&NAMED_IN_RULES) },
            "Its rules, of which the first that applies decides: a `name`, a CEL `rule`, and what those get to whom it applies, as \
             in `default_variant`, with `variant` in the place of `value`. An entitlement that a rule reads has to be there.",
        )
        .default("[]")
        .form(definition::in_utc),
        Field::new(
            "metadata",
            "metadata",
            Shape::Object,
            "Values of one's own; `fallback_value` is what is served where nothing can be asked.",
        )
        .default("{}"),
        Field::new(
            "event_name",
            "event_name",
            Shape::Text { min: 0, max: UNLIMITED },
            "The analytics event that goes with it.",
        )
        .default("\"\""),
    ],
    attributes: &[ID, SLUG_ATTRIBUTE],
    example: "\
feature_flags:
  new-editor:
    name: New editor
    type: boolean
    variants:
      - { name: \"on\", value: true }
      - { name: \"off\", value: false }
    default_variant: { type: basic, value: \"off\" }
",
};

impl Readable for FeatureFlag {
    type Provider = Provided;
    const SECTION: &'static Section = &SECTION;

    async fn observe(_: &Wanted<'_>, remote: Reader<'_, Kaiten>) -> Result<Vec<Observed>, RemoteError> {
        remote.collection(&SECTION, PATH).await
    }
}

impl Kind for FeatureFlag {
    fn check(check: Check<'_>) -> Vec<Diagnostic> {
        let mut found = metadata::imprecise(check);
        found.extend(metadata::imprecise_in(check, "variants"));
        definition::check(check, &mut found);
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

    /// The slug is sent too: without, the server may write an empty one, and the flag could not be addressed any more
    /// (reference §10.11).
    async fn update(modification: Modification<'_>, remote: &Writer<'_, Kaiten>) -> Result<Observed, RemoteError> {
        let observed = modification.observed;
        let live = remote.fresh(&SECTION, PATH, observed).await?;
        let slug = observed.identity.to_string();
        let path = change::path_of(PATH, &slug);
        let with_slug = |body: &mut super::wire::Row| {
            body.insert("slug".to_owned(), slug.into());
        };
        remote.put_reshaped(&SECTION, &path, &live, modification, &[], with_slug).await?;
        remote.changed(&SECTION, PATH, observed).await
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
