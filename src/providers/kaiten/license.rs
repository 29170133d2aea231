//! Licenses, each one version of a family (reference §10.2, §10.3).

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use futures_util::future::try_join_all;

use super::{CREATED_AT, ID, Kaiten, Provided, SLUG, SLUG_ATTRIBUTE, UPDATED_AT, change, grant, instance};
use crate::http::{Method, segment};
use crate::kind::{
    Abilities, Check, Deletion, Failure, Kind, Modification, Proposal, Readable, Reader, RemoteError, Sole, Tied,
    Wanted, Writer, Writes,
};
use crate::model::{
    Attribute, Code, Collection, Diagnostic, Facts, Field, Fields, Initial, KeyPart, KeySource, Observed, Path,
    RemoteId, Section, Shape, Value,
};
use crate::suggest::Suggest;

/// What instances are entitled to: one version of a family.
#[derive(Debug)]
pub struct License;

/// The versions of one product. It comes with its first version and goes with its last.
#[derive(Debug)]
pub struct LicenseFamily;

pub(super) const PATH: &str = "/licenses";
const FAMILIES_PATH: &str = "/license-families";

/// Moves by calls of its own.
const STATE: &str = "lifecycle_state";

/// Whether it is its family's default.
const DEFAULT: &str = "default";

/// What a PUT leaves alone, or takes no other value of than the stored one (reference §10.3).
const KEPT: &[&str] = &["family", STATE];

/// The id of a license's family: what its field `family` is read from.
const FAMILY_ID: &str = "family_id";

pub(super) static SECTION: Section = Section {
    name: "licenses",
    singular: "license",
    provider: "kaiten",
    doc: "Licenses: what instances are entitled to. Each is one version of a family of versions.",
    declarable: true,
    apis: &["core"],
    key: &[KeyPart { name: "slug", from: KeySource::Key, shape: Shape::Format(&SLUG) }],
    fold_case: false,
    fields: &[
        Field::new(
            "name",
            "name",
            Shape::Text { min: 1, max: 100 },
            "The name people read; versions of a family may share it.",
        )
        .required(),
        Field::new("description", "description", Shape::Text { min: 0, max: 500 }, "What the license is about.")
            .default("\"\""),
        Field::new(
            "type",
            "type",
            Shape::Enum(&["DEVELOPMENT", "TRIAL", "PAID", "COMMUNITY"]),
            "What sort of license it is.",
        )
        .required(),
        Field::new(
            "family",
            "familySlug",
            Shape::Format(&SLUG),
            "The slug of the family this is a new version of; without it the license opens a family of its own slug. \
             For the family of a license declared here, write `${licenses.KEY.slug}`.",
        )
        .initial(Initial::Name)
        .immutable("a version stays in its family"),
        Field::new(
            DEFAULT,
            "isDefault",
            Shape::Boolean,
            "Whether this is the version its family puts forward; only a published one can be, and it takes that from the one before.",
        )
        .default("false")
        .implies(STATE, "PUBLISHED"),
        Field::new(
            "version_name",
            "versionName",
            Shape::Text { min: 1, max: 50 },
            "The version's name; `Version - <number>` if none is given.",
        )
        .initial(Initial::Numbered { before: "Version - ", attribute: "version" }),
        Field::new(
            STATE,
            "lifecycleState",
            Shape::Enum(&["DRAFT", "PUBLISHED", "ARCHIVED"]),
            "Whether the version may be sold: from `DRAFT` to `PUBLISHED`, and between `PUBLISHED` and `ARCHIVED`; new ones are \
             `PUBLISHED` unless this says `DRAFT`. It becomes so once the declared entitlements are granted; a default is \
             `PUBLISHED`, and need not say so.",
        )
        .default("\"PUBLISHED\""),
        Field::new(
            "entitlements",
            "entitlements",
            Shape::Parts { section: "grants" },
            "What the license grants: entitlements, each with its value (`-1`: unlimited), with `{ value: …, overage_percent: … }`, \
             or with `null` for one that is not to be granted; others are left alone. Each is an action of its own in a plan.",
        ),
    ],
    attributes: &[
        ID,
        SLUG_ATTRIBUTE,
        CREATED_AT,
        UPDATED_AT,
        Attribute::new("version", "version", "Its number within its family, which Kaiten gives and never gives again."),
        Attribute::new(FAMILY_ID, "familyId", "The id of its family."),
    ],
    example: "\
licenses:
  team:
    name: Team
    type: PAID
    entitlements: { seats: 25 }
",
};

static FAMILIES: Section = Section {
    name: "license_families",
    singular: "license family",
    provider: "kaiten",
    doc: "Families of licenses: the versions of one product. One comes with its first version and goes with its last.",
    declarable: false,
    apis: &["core"],
    key: &[KeyPart { name: "slug", from: KeySource::Key, shape: Shape::Format(&SLUG) }],
    fold_case: false,
    fields: &[],
    attributes: &[ID, SLUG_ATTRIBUTE, CREATED_AT, UPDATED_AT],
    example: "",
};

impl Readable for LicenseFamily {
    type Provider = Provided;
    const SECTION: &'static Section = &FAMILIES;

    async fn observe(_: &Wanted<'_>, remote: Reader<'_, Kaiten>) -> Result<Vec<Observed>, RemoteError> {
        remote.collection(&FAMILIES, FAMILIES_PATH).await
    }
}

impl Readable for License {
    type Provider = Provided;
    const SECTION: &'static Section = &SECTION;
    /// A license tells the id of its family, the YAML its slug.
    const AFTER: &'static [&'static str] = &["license_families"];
    const ALONG: &'static [&'static str] = &["instances"];
    const PARTIAL: Option<&'static str> = Some("what licenses grant");
    const NOTES: &'static [&'static str] = &[GRANTS];

    async fn observe(wanted: &Wanted<'_>, remote: Reader<'_, Kaiten>) -> Result<Vec<Observed>, RemoteError> {
        let mut licenses = remote.collection(&SECTION, PATH).await?;
        let families = wanted.observed.get(FAMILIES.name).await?;
        for license in &mut licenses {
            let slug = family_id(license).and_then(|id| Some(families.with_id(id)?.identity.to_string()));
            set_family(license, slug);
        }
        tell_grants(&mut licenses, wanted, remote).await?;
        Ok(licenses)
    }
}

impl Kind for License {
    const DELETION: Deletion = Deletion { loses: Some("its number, which no other version gets"), ..Deletion::PLAIN };

    fn check(check: Check<'_>) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        let Check { resource, proposal, observed, collections, .. } = check;
        let error = |code, field: &str, message: String, label: &str| {
            let span = resource.places.value(&Path::field(field));
            Diagnostic::error(code, message).on(&resource.address).at(span, label)
        };
        let state = proposal.fields.text("lifecycle_state");
        let was = observed.and_then(|license| license.fields.text("lifecycle_state"));
        if let (Some("DRAFT"), Some(was @ ("PUBLISHED" | "ARCHIVED"))) = (state, was) {
            found.push(
                error(
                    Code::Blocked,
                    "lifecycle_state",
                    format!("a license that is `{was}` cannot become a `DRAFT` again"),
                    "it has been published",
                )
                .help(format!("write `lifecycle_state: {was}`, or make a new version of its family")),
            );
        }
        let asked = proposal.fields.get(STATE).is_some_and(|state| *state != Value::Null);
        if was == Some("DRAFT") && !asked && !resource.parts.is_empty() {
            let message = format!("`{}` is a `DRAFT`, and nothing says whether it is to stay one", resource.address);
            found.push(
                Diagnostic::warning(Code::HeldBack, message)
                    .on(&resource.address)
                    .at(resource.key_span, "left a draft")
                    .help("write `lifecycle_state: PUBLISHED` to have it published, or `DRAFT` to keep it one"),
            );
        }
        let is_default = |fields: &Fields| fields.get("default") == Some(&Value::Bool(true));
        if state == Some("ARCHIVED")
            && observed.is_some_and(|license| is_default(&license.fields))
            && proposal.fields.get("default").is_none()
        {
            found.push(
                error(
                    Code::Blocked,
                    "lifecycle_state",
                    "its family's default cannot be archived".to_owned(),
                    "it is the default now",
                )
                .help("write `default: false` beside it"),
            );
        }
        if is_default(proposal.fields)
            && let Some(is @ ("DRAFT" | "ARCHIVED")) = state.or(was)
        {
            let told = error(
                Code::InvalidValue,
                "default",
                format!("only a `PUBLISHED` license can be its family's default, and this one is `{is}`"),
                "asks for the default",
            );
            let place = state.map(|_| resource.places.value(&Path::field("lifecycle_state")));
            let told = place.into_iter().fold(told, |told, place| told.also(place, "and is not published"));
            found.push(told.help("write `default: false`, or `lifecycle_state: PUBLISHED`"));
        }
        let slug = proposal.identity.to_string();
        let families = collections.get(FAMILIES.name);
        let taken = families.is_some_and(|families| families.named(&slug, false).next().is_some());
        let opens = match proposal.fields.get("family") {
            None | Some(Value::Null) => true,
            Some(family) => family.as_text() == Some(&slug),
        };
        if observed.is_none() && opens && taken {
            let name = resource.key_span;
            found.push(
                Diagnostic::error(Code::NameTaken, format!("there is a license family `{slug}` already"))
                    .on(&resource.address)
                    .at(name, "a license of this slug would open a family of the same slug")
                    .help(format!("give the license a key of its own, and write `family: {slug}`")),
            );
        }
        if observed.is_none()
            && let Some(family) = proposal.fields.text("family")
            && joins(proposal, family)
            && let Some(families) = families
            && families.named(family, false).next().is_none()
            // A family can come with a license that is created first.
            && !resource.requires.iter().any(|(address, _)| address.section == SECTION.name)
        {
            let diagnostic = error(
                Code::ReferenceNotFound,
                "family",
                format!("there is no license family `{family}`"),
                "neither exists nor is created first",
            );
            let help = match nearest(family, families) {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => format!(
                    "write `family: ${{licenses.{family}.slug}}` if a license declared here opens it, or leave `family` out to \
                     open one"
                ),
            };
            found.push(diagnostic.help(help));
        }
        found
    }

    /// A family has one default (reference §10.3): a second one takes it from the first.
    fn sole(proposal: Proposal<'_>, _: &Facts) -> Option<Sole> {
        if proposal.fields.get("default") != Some(&Value::Bool(true)) {
            return None;
        }
        let slug = proposal.identity.to_string();
        let family = match proposal.fields.get("family") {
            None | Some(Value::Null) => slug,
            // One that only an apply tells cannot be compared.
            Some(family) => family.as_text()?.to_owned(),
        };
        Some(Sole {
            field: "default",
            value: "true".to_owned(),
            of: format!("the family `{family}`"),
            help: "choose one of the two: each apply would take it from the other",
        })
    }

    /// Whoever could be given a license without its entitlements: it is published, and made the default, after them
    /// (reference §9).
    fn held_back(proposal: Proposal<'_>, observed: Option<&Observed>) -> Vec<(&'static str, Value)> {
        let state = |fields: &Fields| fields.text(STATE).unwrap_or("PUBLISHED").to_owned();
        let wanted = state(proposal.fields);
        let opens = match observed {
            None => wanted != "DRAFT",
            Some(observed) => {
                let asked = proposal.fields.get(STATE).is_some_and(|wanted| *wanted != Value::Null);
                let before = state(&observed.fields);
                asked && before != wanted && !matches!((&*before, &*wanted), ("PUBLISHED", _))
            }
        };
        let is_default = |fields: &Fields| fields.get(DEFAULT) == Some(&Value::Bool(true));
        let becomes_default =
            is_default(proposal.fields) && observed.is_some_and(|observed| !is_default(&observed.fields));
        if opens || becomes_default {
            vec![(DEFAULT, Value::Bool(false)), (STATE, Value::text("DRAFT"))]
        } else {
            Vec::new()
        }
    }

    /// Each step of its life has a write of its own, and so has each grant that a delete takes away first.
    fn writes(of: Writes<'_>) -> u64 {
        match of {
            Writes::Create(proposal) => 1 + u64::from(proposal.fields.text(STATE) == Some("ARCHIVED")),
            Writes::Update(Modification { proposal, observed, changes }) => {
                let moves = |path: &&Path| path.starts_with(&Path::field(STATE));
                let (from, to) = (observed.fields.text(STATE), proposal.fields.text(STATE));
                let steps = match (from, to) {
                    (Some(from), Some(to)) if changes.iter().any(|path| moves(&path)) => steps(from, to).len(),
                    _ => 0,
                };
                steps as u64 + u64::from(!changes.iter().all(|path| moves(&path)))
            }
            Writes::Delete(observed) => 1 + grants_told(observed).count() as u64,
        }
    }

    async fn create(proposal: Proposal<'_>, remote: &Writer<'_, Kaiten>) -> Result<Observed, RemoteError> {
        let family = proposal.fields.text("family").filter(|family| joins(proposal, family));
        let without: &[&str] = if family.is_some() { &[] } else { &["family"] };
        let mut body = remote.body(&SECTION, proposal, without);
        let archive = proposal.fields.text(STATE) == Some("ARCHIVED");
        if archive {
            // None can be created so (reference §10.3).
            body.insert("lifecycleState".to_owned(), "PUBLISHED".into());
        }
        let mut license = remote.post(&SECTION, PATH, body).await?;
        // A family is named after the license that opens it, and no answer tells its slug.
        let slug = family.map_or_else(|| license.identity.to_string(), str::to_owned);
        if archive {
            let moved = remote.advance(&license, "archive").await.map_err(|error| RemoteError {
                message: format!("the license has been created, but not archived: {}", error.message),
                ..error
            });
            license = moved?;
        }
        set_family(&mut license, Some(slug));
        Ok(license)
    }

    fn abilities(facts: &Facts) -> Abilities {
        change::abilities(facts)
    }

    /// Publishing comes before the PUT, since a default is published; archiving after it, since a default cannot be.
    async fn update(modification: Modification<'_>, remote: &Writer<'_, Kaiten>) -> Result<Observed, RemoteError> {
        let Modification { proposal, observed, .. } = modification;
        let live = remote.fresh(&SECTION, PATH, observed).await?;
        let state = live.get("lifecycleState").and_then(serde_json::Value::as_str).unwrap_or_default();
        let wanted = proposal.fields.text(STATE).filter(|_| modification.changes(STATE)).unwrap_or(state);
        let steps = steps(state, wanted);
        for step in steps.iter().filter(|step| **step != "archive") {
            remote.advance(observed, step).await?;
        }
        let in_put: Vec<Path> =
            modification.changes.iter().filter(|path| !path.starts_with(&Path::field(STATE))).cloned().collect();
        let put = Modification { changes: &in_put, ..modification };
        remote.put_over(&SECTION, &change::path_of(PATH, &observed.identity.to_string()), &live, put, KEPT).await?;
        if steps.contains(&"archive") {
            remote.advance(observed, "archive").await?;
        }
        let mut license = remote.changed(&SECTION, PATH, observed).await?;
        // It stays in its family, and no answer tells that one's slug.
        license.fields.set("family", observed.fields.get("family").cloned().unwrap_or(Value::Null));
        Ok(license)
    }

    /// Kaiten keeps what instances are under (reference §9).
    fn held_by(observed: &Observed, collections: &BTreeMap<&'static str, Collection>, _: &Facts) -> Vec<Tied> {
        instance::tied(collections, "license", &observed.id, "the instance")
    }

    /// Kaiten would have what it grants taken away first.
    fn takes_along(observed: &Observed, _: &BTreeMap<&'static str, Collection>, _: &Facts) -> Vec<Tied> {
        let tied = |slug: &str| Tied {
            words: format!("the grant of `{slug}`"),
            id: format!("{}/{slug}", observed.id).into(),
            within: None,
            stays: false,
        };
        grants_told(observed).map(tied).collect()
    }

    async fn delete(
        observed: &Observed,
        along: bool,
        remote: &Writer<'_, Kaiten>,
    ) -> Result<Option<Observed>, RemoteError> {
        let slug = observed.identity.to_string();
        if along {
            let grants = format!("{}/entitlements", change::path_of(PATH, &slug));
            for entitlement in grant::granted(remote.reader(), &slug).await? {
                remote.delete_at(&SECTION, &change::path_of(&grants, &entitlement)).await?;
            }
        }
        remote.remove(&SECTION, PATH, observed).await
    }

    async fn look_up(proposal: Proposal<'_>, remote: Reader<'_, Kaiten>) -> Result<Option<Observed>, RemoteError> {
        let Some(mut license) = remote.find(&SECTION, PATH, &proposal.identity.to_string()).await? else {
            return Ok(None);
        };
        if let Some(family) = proposal.fields.text("family") {
            // With its versions a family can be read even while none is published.
            let path = format!("{}?include=versions", segment(family));
            let declared = remote.find_at(&FAMILIES, &format!("{FAMILIES_PATH}/{path}")).await?;
            let same = declared.is_some_and(|declared| Some(&*declared.id) == family_id(&license));
            set_family(&mut license, same.then(|| family.to_owned()));
        }
        Ok(Some(license))
    }
}

/// The calls from one lifecycle state to another (reference §10.3). There is none back to `DRAFT`.
fn steps(from: &str, to: &str) -> &'static [&'static str] {
    match (from, to) {
        ("DRAFT", "PUBLISHED") => &["publish"],
        ("DRAFT", "ARCHIVED") => &["publish", "archive"],
        ("PUBLISHED", "ARCHIVED") => &["archive"],
        ("ARCHIVED", "PUBLISHED") => &["unarchive"],
        _ => &[],
    }
}

impl Writer<'_, Kaiten> {
    /// Takes a license to its next lifecycle state. A repetition is refused, so what is there already is looked at.
    async fn advance(&self, license: &Observed, step: &str) -> Result<Observed, RemoteError> {
        let path = change::path_of(PATH, &license.identity.to_string());
        let sent = self.send(Method::POST, &SECTION, &format!("{path}/{step}"), None).await;
        let there = if step == "archive" { "ARCHIVED" } else { "PUBLISHED" };
        match sent {
            Err(error) if error.failure == Failure::Conflict => {
                let found = self.changed(&SECTION, PATH, license).await?;
                if found.fields.text(STATE) == Some(there) { Ok(found) } else { Err(error) }
            }
            Err(error) => Err(error),
            Ok(()) => {
                let mut moved = license.clone();
                moved.fields.set(STATE, Value::text(there));
                Ok(moved)
            }
        }
    }
}

/// Whether the declared family is another than the one that the license opens under its own slug.
fn joins(proposal: Proposal<'_>, family: &str) -> bool {
    proposal.identity.to_string() != family
}

fn family_id(license: &Observed) -> Option<&str> {
    license.attributes.text(FAMILY_ID)
}

fn set_family(license: &mut Observed, slug: Option<String>) {
    license.fields.set("family", slug.map_or(Value::Null, Value::text));
}

/// Where an observed license keeps what it grants, as far as deletes concern it.
const GRANTS: &str = "grants";

/// Reads what the licenses grant that are to go; all of them where an entitlement is, since they hold it. There is no list
/// of the grants of all licenses, so that is a request each, until the tombstone is taken out.
async fn tell_grants(
    licenses: &mut [Observed],
    wanted: &Wanted<'_>,
    remote: Reader<'_, Kaiten>,
) -> Result<(), RemoteError> {
    let absent = |section| {
        let absent =
            wanted.declared.values().filter(move |it| it.address.section == section && it.lifecycle.absent.is_some());
        absent.map(|it| it.identity.to_string())
    };
    let going: HashSet<String> = absent(SECTION.name).collect();
    let all = absent("entitlements").next().is_some();
    let concerned = licenses.iter_mut().filter(|license| all || going.contains(&license.identity.to_string()));
    let read = concerned.map(async |license| {
        let grants = grant::granted(remote, &license.identity.to_string()).await?;
        let slugs = grants.into_iter().map(Value::text).collect();
        license.attributes.set(GRANTS, Value::List(slugs));
        Ok::<_, RemoteError>(())
    });
    try_join_all(read).await.map(drop)
}

/// What a license grants, where that has been read.
fn grants_told(license: &Observed) -> impl Iterator<Item = &str> {
    let grants = match license.attributes.get(GRANTS) {
        Some(Value::List(grants)) => grants.as_slice(),
        _ => &[],
    };
    grants.iter().filter_map(Value::as_text)
}

/// What licenses grant of an entitlement.
pub(super) fn granting(collections: &BTreeMap<&'static str, Collection>, entitlement: &str) -> Vec<Tied> {
    let licenses = collections.get(SECTION.name).into_iter().flat_map(Collection::iter);
    let grants = licenses.filter(|license| grants_told(license).any(|slug| slug == entitlement));
    let tied = |license: &Observed| Tied {
        words: format!("the license `{}`", license.identity),
        id: format!("{}/{entitlement}", license.id).into(),
        within: Some(Arc::clone(&license.id)),
        stays: false,
    };
    grants.map(tied).collect()
}

fn nearest(name: &str, among: &Collection) -> Option<Arc<str>> {
    let slugs: Vec<String> = among.iter().map(|object| object.identity.to_string()).collect();
    Suggest::default().nearest(name, slugs.iter().map(String::as_str)).map(Into::into)
}

/// Other versions that can be given to an instance instead of this one: of the same family and published.
pub(super) fn published_siblings<'c>(license: &RemoteId, among: &'c Collection) -> Vec<&'c Observed> {
    let family = among.with_id(license).and_then(family_id);
    let published = |other: &&Observed| {
        family.is_some() && family_id(other) == family && other.fields.text("lifecycle_state") == Some("PUBLISHED")
    };
    among.iter().filter(published).collect()
}

#[cfg(test)]
mod tests;
