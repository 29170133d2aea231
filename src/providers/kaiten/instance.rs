//! Instances, in both dialects (reference §10.12, §12).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::dialect::Dialect;
use super::license::published_siblings;
use super::{
    CREATED_AT, ID, Kaiten, Provided, SLUG, SLUG_ATTRIBUTE, UNLIMITED, UPDATED_AT, change, metadata, problem, wire,
};
use crate::http::Method;
use crate::kind::{
    Abilities, Check, Deletion, Failure, Kind, Modification, Proposal, Readable, Reader, RemoteError, Sole, Tied,
    Wanted, Writer, Writes,
};
use crate::model::{
    Code, Collection, Compare, Diagnostic, Facts, Field, Fields, Initial, KeyPart, KeySource, Observed, Path, Resource,
    Section, Shape, To, Value, instant,
};

/// One deployment of the product for one customer.
#[derive(Debug)]
pub struct Instance;

const PATH: &str = "/instances";

const DATES: [&str; 2] = ["start_license_date", "end_license_date"];

/// What neither POST nor PUT takes: it is set by a PATCH of its own (reference §7.3).
const PATCHED: [&str; 2] = ["status", "lifecycle_stage"];

/// What a PUT leaves alone when it is omitted (reference §7.2).
const KEPT: &[&str] = &["slug", "deployment_zone", "status", "lifecycle_stage"];

pub(super) static SECTION: Section = Section {
    name: "instances",
    singular: "instance",
    provider: "kaiten",
    doc: "Instances: deployments of the product, each for one customer under one license.",
    declarable: true,
    apis: &[],
    key: &[KeyPart { name: "slug", from: KeySource::FieldOrKey, shape: Shape::Format(&SLUG) }],
    fold_case: false,
    fields: &[
        Field::new(
            "slug",
            "slug",
            Shape::Format(&SLUG),
            "The slug, if it is another than the key. The seed dialect is sent a slug only where this is written.",
        ),
        Field::new("name", "name", Shape::Text { min: 1, max: UNLIMITED }, "The name people read.").required(),
        Field::new(
            "description",
            "description",
            Shape::Text { min: 0, max: UNLIMITED },
            "What the instance is for.",
        )
        .default("\"\""),
        Field::new(
            "customer",
            "customerId",
            Shape::Reference { section: "customers", qualifier: None, with_slug: false },
            "Whose it is: a declared customer's key, an existing one's slug, or `{ id: … }`.",
        )
        .required(),
        Field::new(
            "license",
            "licenseId",
            Shape::Reference { section: "licenses", qualifier: None, with_slug: true },
            "The license it has: a declared one's key, an existing one's slug, or `{ id: …, slug: … }`; an archived one can \
             be kept but not given.",
        )
        .required(),
        Field::new(
            "deployment_zone",
            "deploymentZoneId",
            Shape::Reference { section: "deployment_zones", qualifier: None, with_slug: false },
            "Where it runs; once it has a zone it can get another one, but not none.",
        )
        .only(&["core"]),
        Field::new(
            "start_license_date",
            "startLicenseDate",
            Shape::Instant,
            "When the license begins to count; Kaiten keeps milliseconds.",
        )
        .required(),
        Field::new(
            "end_license_date",
            "endLicenseDate",
            Shape::Instant,
            "When the license ends, not before its start; Kaiten keeps milliseconds.",
        )
        .required()
        .not_before("start_license_date"),
        Field::new(
            "metadata",
            "metadata",
            Shape::Object,
            "Values of one's own; only the declared keys are managed, since the product writes others.",
        )
        .default("{}")
        .compare(Compare::DeclaredKeys),
        Field::new(
            "status",
            "status",
            Shape::Enum(&["HEALTHY", "DEGRADED", "INCIDENT", "MAINTENANCE"]),
            "How it is doing; a new instance is `HEALTHY`.",
        )
        .initial(Initial::OneOf(&["\"HEALTHY\""]))
        .only(&["core"]),
        Field::new(
            "lifecycle_stage",
            "lifecycleStage",
            Shape::Text { min: 1, max: UNLIMITED },
            "Where it is commercially, any text, such as `TRIAL`, `ACTIVE`, `AT_RISK` or `CHURNED`; once set it can be \
             changed but not removed.",
        )
        .only(&["core"]),
        Field::new(
            "platform",
            "platform",
            Shape::Object,
            "What it runs on, `{ type: kubernetes, version: \"1.21\" }`; today's API has `metadata` in its place.",
        )
        .only(&["seed"]),
    ],
    attributes: &[ID, SLUG_ATTRIBUTE, CREATED_AT, UPDATED_AT],
    example: "\
instances:
  acme-production:
    name: Acme production
    customer: acme
    license: growth
    deployment_zone: eu-west-1
    start_license_date: 2026-09-01T00:00:00Z
    end_license_date: 2027-09-01T00:00:00Z
",
};

impl Readable for Instance {
    type Provider = Provided;
    const SECTION: &'static Section = &SECTION;
    /// They say what metadata may hold.
    const BESIDE: &'static [&'static str] = &["metadata_fields"];

    async fn observe(_: &Wanted<'_>, remote: Reader<'_, Kaiten>) -> Result<Vec<Observed>, RemoteError> {
        remote.instances(&SECTION, PATH).await
    }
}

impl Kind for Instance {
    const DELETION: Deletion = Deletion { loses: Some("what is recorded of its use"), ..Deletion::PLAIN };

    /// The seed dialect tells slugs only where they are written, and lists nothing else to find it by.
    fn unrecognisable(resource: &Resource, facts: &Facts) -> Option<Diagnostic> {
        let is_there = |field| resource.fields.get(field).is_some();
        if facts.api != Dialect::Seed.as_str() || is_there("slug") || is_there("name") && is_there("customer") {
            return None;
        }
        Some(
            Diagnostic::error(Code::MissingField, "in the seed dialect this does not say which instance it is")
                .on(&resource.address)
                .at(resource.key_span, "neither a slug, nor a name and a customer")
                .help("write its `slug`, or its `name` and its `customer: { id: … }`"),
        )
    }

    fn recognise<'c>(proposal: Proposal<'_>, collection: &'c Collection, facts: &Facts) -> Vec<&'c Observed> {
        let named = || collection.named(&proposal.identity.to_string(), SECTION.fold_case).collect::<Vec<_>>();
        if facts.api != Dialect::Seed.as_str() {
            return named();
        }
        if proposal.fields.get("slug").is_some() {
            let found = named();
            if !found.is_empty() {
                return found;
            }
            // Only rows that do not tell their slug can still be it.
            return alike(proposal.fields, collection)
                .into_iter()
                .filter(|object| object.fields.get("slug").is_none())
                .collect();
        }
        alike(proposal.fields, collection)
    }

    fn recognised_by(proposal: Proposal<'_>, facts: &Facts) -> Option<String> {
        if facts.api != Dialect::Seed.as_str() || proposal.fields.get("slug").is_some() {
            return None;
        }
        let (name, customer) = (proposal.fields.text("name")?, proposal.fields.link("customer")?);
        Some(format!("with name {name} of customer {}", customer.shown()))
    }

    fn check(check: Check<'_>) -> Vec<Diagnostic> {
        let mut found = metadata::imprecise(check);
        found.extend(metadata::against_fields(check, metadata::Of::Instances));
        found.extend(change::irremovable(check, &["deployment_zone", "lifecycle_stage"]));
        // What is written out has been looked at already; these are for dates that an expression yields.
        dates_in_milliseconds(check, &mut found);
        dates_in_order(check, &mut found);
        if check.facts.api == Dialect::Seed.as_str() {
            references_by_id(check, &mut found);
        } else {
            license_not_archived(check, &mut found);
        }
        found
    }

    /// Without a slug, instances of one customer and name would not be told apart once they are there.
    fn sole(proposal: Proposal<'_>, facts: &Facts) -> Option<Sole> {
        if facts.api != Dialect::Seed.as_str() || proposal.fields.get("slug").is_some() {
            return None;
        }
        let customer = proposal.fields.link("customer")?.id.as_ref()?;
        Some(Sole {
            field: "name",
            value: proposal.fields.text("name")?.to_owned(),
            of: format!("customer `{customer}`"),
            help: "nothing else would tell them apart once they are there: give each a `slug`, or a `name` of its own",
        })
    }

    /// A status has a write of its own.
    fn writes(of: Writes<'_>) -> u64 {
        let (in_put, patched) = match of {
            Writes::Create(proposal) => {
                // It is created `HEALTHY` (reference §7.3).
                let own = |name: &&str| {
                    proposal.fields.text(name).is_some_and(|value| (*name, value) != ("status", "HEALTHY"))
                };
                (true, PATCHED.iter().any(own))
            }
            Writes::Update(modification) => {
                let patched = |path: &Path| is_patched(path);
                (!modification.changes.iter().all(patched), modification.changes.iter().any(patched))
            }
            Writes::Delete(_) => (true, false),
        };
        u64::from(in_put) + u64::from(patched)
    }

    async fn create(proposal: Proposal<'_>, remote: &Writer<'_, Kaiten>) -> Result<Observed, RemoteError> {
        let body = remote.body(&SECTION, proposal, &PATCHED);
        let mut instance = remote.post(&SECTION, PATH, body).await?;
        let changed: Fields = PATCHED
            .iter()
            .filter_map(|name| Some((*name, proposal.fields.get(name)?.clone())))
            .filter(|(name, value)| *value != Value::Null && instance.fields.get(name) != Some(value))
            .collect();
        // The table says which dialect has these at all.
        let members = wire::encode_only(&SECTION, remote.session().dialect, &changed, &PATCHED);
        if members.is_empty() {
            return Ok(instance);
        }
        let path = change::path_of(PATH, &instance.identity.to_string());
        remote.send(Method::PATCH, &SECTION, &path, Some(members)).await.map_err(|error| RemoteError {
            message: format!("the instance has been created, but not its status: {}", error.message),
            ..error
        })?;
        for (name, value) in changed.iter() {
            instance.fields.set(name, value.clone());
        }
        Ok(instance)
    }

    fn abilities(facts: &Facts) -> Abilities {
        change::abilities(facts)
    }

    /// A PUT for most of it, then a PATCH for its status (reference §7.3). If the second one fails, the first one's
    /// effect is no difference any more in the next run.
    async fn update(modification: Modification<'_>, remote: &Writer<'_, Kaiten>) -> Result<Observed, RemoteError> {
        let Modification { proposal, observed, .. } = modification;
        let live = remote.fresh(&SECTION, PATH, observed).await?;
        let mut now = observed.clone();
        let path = |of: &Observed| change::path_of(PATH, &of.identity.to_string());
        // A key that has become another renames too, without any field that says so.
        let mut fields = proposal.fields.clone();
        if modification.changes("slug") {
            fields.set("slug", Value::text(proposal.identity.to_string()));
            now.identity = proposal.identity.clone();
        }
        let modification = Modification { proposal: Proposal { fields: &fields, ..proposal }, ..modification };
        let in_put: Vec<Path> = modification.changes.iter().filter(|path| !is_patched(path)).cloned().collect();
        let put = Modification { changes: &in_put, ..modification };
        remote.put_over(&SECTION, &path(observed), &live, put, KEPT).await?;

        let changed: Vec<&str> = PATCHED.into_iter().filter(|name| modification.changes(name)).collect();
        let mut members = wire::encode_only(&SECTION, remote.session().dialect, &fields, &changed);
        members.retain(|member, value| live.get(member) != Some(&*value));
        if !members.is_empty() {
            let sent = remote.send(Method::PATCH, &SECTION, &path(&now), Some(members)).await;
            sent.map_err(|error| match in_put.as_slice() {
                [] => error,
                _ => RemoteError {
                    message: format!("the instance has been changed, but not its status: {}", error.message),
                    ..error
                },
            })?;
        }
        remote.changed(&SECTION, PATH, &now).await
    }

    async fn delete(
        observed: &Observed,
        _: bool,
        remote: &Writer<'_, Kaiten>,
    ) -> Result<Option<Observed>, RemoteError> {
        remote.remove(&SECTION, PATH, observed).await
    }

    async fn look_up(proposal: Proposal<'_>, remote: Reader<'_, Kaiten>) -> Result<Option<Observed>, RemoteError> {
        if remote.dialect == Dialect::Core {
            return remote.find(&SECTION, PATH, &proposal.identity.to_string()).await;
        }
        // This dialect documents no read of a single object.
        let collection = Collection::new(remote.collection(&SECTION, PATH).await?, SECTION.fold_case);
        match Self::recognise(proposal, &collection, &crate::kind::Session::facts(&*remote)).as_slice() {
            [] => Ok(None),
            [one] => Ok(Some((*one).clone())),
            several => Err(problem::ours(
                Failure::Conflict,
                format!("{} instances of this customer have this name", several.len()),
                "find out which one is meant, and write its `slug`",
            )),
        }
    }
}

fn is_patched(path: &Path) -> bool {
    PATCHED.iter().any(|name| path.starts_with(&Path::field(*name)))
}

/// The instances whose field refers to the object of this id.
pub(super) fn referring<'c>(
    collections: &'c BTreeMap<&'static str, Collection>,
    field: &'static str,
    id: &'c str,
) -> impl Iterator<Item = &'c Observed> {
    let instances = collections.get(SECTION.name).into_iter().flat_map(Collection::iter);
    instances.filter(move |instance| instance.fields.link(field).and_then(|link| link.id.as_deref()) == Some(id))
}

/// The same as what a delete of that object concerns, each in words that begin with these.
pub(super) fn tied(
    collections: &BTreeMap<&'static str, Collection>,
    field: &'static str,
    id: &str,
    what: &str,
) -> Vec<Tied> {
    let tied = |instance: &Observed| Tied {
        words: format!("{what} `{}`", instance.identity),
        id: Arc::clone(&instance.id),
        within: None,
        stays: false,
    };
    referring(collections, field, id).map(tied).collect()
}

/// The instances of the same customer and name.
fn alike<'c>(fields: &Fields, collection: &'c Collection) -> Vec<&'c Observed> {
    let customer = |fields: &Fields| fields.link("customer").and_then(|link| link.id.clone());
    let (Some(of), Some(name)) = (customer(fields), fields.text("name")) else { return Vec::new() };
    collection.called(name).filter(|object| customer(&object.fields).as_ref() == Some(&of)).collect()
}

/// A finer instant would be stored rounded (reference §6.1) and differ for ever.
fn dates_in_milliseconds(check: Check<'_>, found: &mut Vec<Diagnostic>) {
    for name in DATES {
        let Some(text) = check.proposal.fields.text(name) else { continue };
        if instant::utc(text).is_some_and(|moment| moment.subsec_nanosecond() % 1_000_000 != 0) {
            let place = check.resource.places.value(&Path::field(name));
            let kept = wire::instant(text).unwrap_or_default();
            found.push(
                Diagnostic::error(
                    Code::InvalidValue,
                    format!("`{name}` is finer than the milliseconds that Kaiten keeps"),
                )
                .on(&check.resource.address)
                .at(place, "has a fraction of a millisecond")
                .help(format!("write `{kept}`")),
            );
        }
    }
}

/// Kaiten does not look whether the end follows the start (reference §6.1).
fn dates_in_order(check: Check<'_>, found: &mut Vec<Diagnostic>) {
    let moment = |name| instant::utc(check.proposal.fields.text(name)?);
    let [Some(start), Some(end)] = DATES.map(moment) else { return };
    if end < start {
        let place = |name| check.resource.places.value(&Path::field(name));
        found.push(
            Diagnostic::error(Code::DateOrder, "the license ends before it starts")
                .on(&check.resource.address)
                .at(place("end_license_date"), "ends here")
                .also(place("start_license_date"), "starts here")
                .help("write an `end_license_date` that is not before the `start_license_date`"),
        );
    }
}

/// The seed dialect documents no list of anything but instances, so nothing can be looked up by its slug.
fn references_by_id(check: Check<'_>, found: &mut Vec<Diagnostic>) {
    for field in SECTION.fields {
        let Some(Value::Reference(reference)) = check.resource.fields.get(field.name) else { continue };
        if matches!(reference.to, To::Id { .. }) {
            continue;
        }
        let id = if field.name == "license" { "{ id: …, slug: … }" } else { "{ id: … }" };
        found.push(
            Diagnostic::error(
                Code::ApiMismatch,
                format!("`{}` cannot be looked up by name in the seed dialect", field.name),
            )
            .on(&check.resource.address)
            .at(check.resource.places.value(&Path::field(field.name)), "needs an id here")
            .help(format!("write `{}: {id}`", field.name)),
        );
    }
}

/// An archived license can be kept but not given (reference §9).
fn license_not_archived(check: Check<'_>, found: &mut Vec<Diagnostic>) {
    let licenses = check.collections.get("licenses");
    let Some((id, licenses)) = check.proposal.fields.link("license").and_then(|link| link.id.as_ref()).zip(licenses)
    else {
        return;
    };
    let archived = licenses.with_id(id).filter(|license| license.fields.text("lifecycle_state") == Some("ARCHIVED"));
    let kept = check.observed.and_then(|observed| observed.fields.link("license")?.id.as_ref()) == Some(id);
    let Some(license) = archived.filter(|_| !kept) else { return };
    let published: Vec<_> =
        published_siblings(id, licenses).iter().map(|license| format!("`{}`", license.identity)).collect();
    let diagnostic = Diagnostic::error(
        Code::LicenseArchived,
        format!("the license `{}` is archived: it cannot be given to an instance", license.identity),
    )
    .on(&check.resource.address)
    .at(check.resource.places.value(&Path::field("license")), "this version is archived");
    found.push(if published.is_empty() {
        diagnostic.help("no version of its family is published: unarchive it, or choose another license")
    } else {
        diagnostic.help(format!("published versions of the same family: {}", published.join(", ")))
    });
}

#[cfg(test)]
mod tests;
