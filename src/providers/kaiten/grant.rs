//! Grants: what a license gives of each entitlement (reference §10.4). Written inside the license in YAML, objects of their
//! own at Kaiten: each is listed, and written, below its license.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::try_join_all;
use serde_json::{Value as Json, json};

use super::wire::{self, Row};
use super::{CREATED_AT, ID, Kaiten, Provided, UPDATED_AT, change, entitlement, license, problem};
use crate::http::{Method, Request};
use crate::kind::{
    Abilities, Check, Failure, Kind, Modification, Proposal, Readable, Reader, RemoteError, Scope, Wanted, Writer,
};
use crate::model::{
    Code, Compare, Condition, Diagnostic, Facts, Field, Fields, Identity, Initial, KeyPart, KeySource, Link, Observed,
    Path, Section, Shape, Value,
};

/// What one license gives of one entitlement.
#[derive(Debug)]
pub struct Grant;

const VALUE: &str = "value";
const OVERAGE: &str = "overage_percent";
const OVERAGE_MEMBER: &str = "limitCapExceededOveragePercent";

/// The most an overage can be (reference §10.4).
const MOST: i64 = 32767;

/// The number that stands for no limit, and the overage that goes with it.
const UNLIMITED: i64 = -1;

pub(super) static SECTION: Section = Section {
    name: "grants",
    singular: "grant",
    provider: "kaiten",
    doc: "Grants: what a license gives of an entitlement. They are declared inside the license, below `entitlements`.",
    declarable: false,
    apis: &["core"],
    key: &[
        KeyPart { name: "license", from: KeySource::Reference, shape: Shape::Format(&super::SLUG) },
        KeyPart { name: "entitlement", from: KeySource::Reference, shape: Shape::Format(&super::SLUG) },
    ],
    fold_case: false,
    fields: &[
        Field::new(
            "license",
            "licenseId",
            Shape::Reference { section: "licenses", qualifier: None, with_slug: false },
            "The license it is written in.",
        )
        .required()
        .immutable("a grant stays with its license"),
        Field::new(
            "entitlement",
            "entitlementSlug",
            Shape::Reference { section: "entitlements", qualifier: None, with_slug: false },
            "What is granted: a declared entitlement's key, or an existing one's slug.",
        )
        .required()
        .immutable("a grant stays with its entitlement"),
        Field::new(
            VALUE,
            "value",
            Shape::Any,
            "How much of it: `true` or `false`, a number (`-1`: unlimited) or a configuration, by the entitlement's type; of a \
             configuration, only the declared keys are managed.",
        )
        .required()
        .compare(Compare::DeclaredKeys),
        Field::new(
            OVERAGE,
            OVERAGE_MEMBER,
            Shape::Integer { min: UNLIMITED, max: MOST },
            "For a number, by how much the limit may be exceeded, in percent: 0 is a hard limit.",
        )
        .initial(Initial::OneOf(&["0", "-1"])),
    ],
    attributes: &[ID, CREATED_AT, UPDATED_AT],
    example: "\
licenses:
  team:
    name: Team
    type: PAID
    entitlements:
      single-sign-on: true
      seats: { value: 25, overage_percent: 20 }
",
};

impl Readable for Grant {
    type Provider = Provided;
    const SECTION: &'static Section = &SECTION;
    /// The first tell which licenses there are to ask for their grants, the second the ids of what is granted.
    const AFTER: &'static [&'static str] = &["licenses", "entitlements"];

    /// Kaiten lists grants by license and in no other way (reference §10.4): one list for each license that is there and
    /// declares some, if not for all, as few as the API allows.
    async fn observe(wanted: &Wanted<'_>, remote: Reader<'_, Kaiten>) -> Result<Vec<Observed>, RemoteError> {
        let (licenses, entitlements) =
            (wanted.observed.get("licenses").await?, wanted.observed.get("entitlements").await?);
        let slugs: BTreeSet<&str> = wanted.resources.iter().map(|resource| slugs(&resource.identity).0).collect();
        let there: Vec<&Observed> = match wanted.scope {
            Scope::Declared => slugs.iter().filter_map(|slug| licenses.named(slug, false).next()).collect(),
            Scope::Whole => licenses.iter().collect(),
        };
        let lists = there.into_iter().map(async |license| {
            let slug = license.identity.to_string();
            let link = Link { name: Some(slug.as_str().into()), id: Some(Arc::clone(&license.id)) };
            let rows = remote.rows(&SECTION, &path_of_all(&slug)).await?;
            let grants = rows.iter().map(|row| {
                let entitlement = row.get("entitlementSlug").and_then(Json::as_str).unwrap_or_default();
                let id = entitlements.named(entitlement, false).next().map(|granted| Arc::clone(&granted.id));
                project(row, link.clone(), Link { name: Some(entitlement.into()), id })
            });
            Ok::<_, RemoteError>(grants.collect::<Vec<_>>())
        });
        Ok(try_join_all(lists).await?.into_iter().flatten().collect())
    }
}

impl Kind for Grant {
    fn check(check: Check<'_>) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        if check.resource.lifecycle.absent.is_none() {
            fits(check, &mut found);
        }
        found
    }

    fn abilities(facts: &Facts) -> Abilities {
        change::abilities(facts)
    }

    /// If it has been granted meanwhile, that decides: the same is what was wanted.
    async fn create(proposal: Proposal<'_>, remote: &Writer<'_, Kaiten>) -> Result<Observed, RemoteError> {
        let (license, slug) = slugs(proposal.identity);
        let mut body = body(proposal.fields, None);
        let declared = body.clone();
        body.insert("entitlementSlug".to_owned(), slug.into());
        match remote.send(Method::POST, &SECTION, &path_of_all(license), Some(body)).await {
            Err(error) if error.problem.code.as_deref().is_some_and(|code| code.ends_with(".AlreadyAssociated")) => {
                match read(remote.reader(), proposal.identity).await? {
                    Some(row) if holds(&row, &declared) => Ok(as_proposed(&row, proposal.fields)),
                    _ => Err(RemoteError {
                        message: "it is granted by now, and otherwise than declared".to_owned(),
                        help: Some("somebody else has granted it since the plan was made: plan again".to_owned()),
                        ..error
                    }),
                }
            }
            Err(error) => Err(error),
            // Nothing comes back (reference §7.1).
            Ok(()) => written(remote, proposal).await,
        }
    }

    async fn update(modification: Modification<'_>, remote: &Writer<'_, Kaiten>) -> Result<Observed, RemoteError> {
        let Modification { proposal, observed, .. } = modification;
        let live = read(remote.reader(), &observed.identity).await?;
        let same = |live: &Row| observed.fields.link("license").and_then(|link| link.id.as_deref()) == license_id(live);
        let live = live.filter(same).ok_or_else(|| {
            problem::ours(Failure::NotFound, "the grant is gone", "it was deleted since the plan was made: plan again")
        })?;
        let changed = proposal.fields.iter().filter(|(field, _)| modification.changes(field));
        let fields: Fields = changed.map(|(field, value)| (field, value.clone())).collect();
        let body = body(&fields, Some(&live));
        if !holds(&live, &body) {
            remote.send(Method::PUT, &SECTION, &path_of(&observed.identity), Some(body)).await?;
        }
        written(remote, proposal).await
    }

    async fn delete(
        observed: &Observed,
        _: bool,
        remote: &Writer<'_, Kaiten>,
    ) -> Result<Option<Observed>, RemoteError> {
        remote.delete_at(&SECTION, &path_of(&observed.identity)).await?;
        Ok(None)
    }

    async fn look_up(proposal: Proposal<'_>, remote: Reader<'_, Kaiten>) -> Result<Option<Observed>, RemoteError> {
        Ok(read(remote, proposal.identity).await?.map(|row| as_proposed(&row, proposal.fields)))
    }
}

/// The slugs of the license and of the entitlement.
fn slugs(identity: &Identity) -> (&str, &str) {
    match identity.parts.as_slice() {
        [(_, license), (_, entitlement)] => (license, entitlement),
        _ => unreachable!("the table says that a grant is found by two slugs"),
    }
}

fn path_of_all(license: &str) -> String {
    format!("{}/entitlements", change::path_of(license::PATH, license))
}

fn path_of(identity: &Identity) -> String {
    let (license, entitlement) = slugs(identity);
    change::path_of(&path_of_all(license), entitlement)
}

/// The slugs of what a license grants.
pub(super) async fn granted(remote: Reader<'_, Kaiten>, license: &str) -> Result<Vec<String>, RemoteError> {
    let rows = remote.rows(&SECTION, &path_of_all(license)).await?;
    let slugs = rows.iter().filter_map(|row| row.get("entitlementSlug")?.as_str().map(str::to_owned));
    Ok(slugs.collect())
}

/// A grant as it is now; `None` if Kaiten says that there is none.
async fn read(remote: Reader<'_, Kaiten>, identity: &Identity) -> Result<Option<Row>, RemoteError> {
    let response = remote.ask(Request::get(format!("{}{}", remote.prefix, path_of(identity)))).await?;
    // A proxy's 404 says nothing about the object.
    if response.status == 404 && problem::is_problem(&response) {
        return Ok(None);
    }
    if !response.is_success() {
        return Err(remote.refusal(&response, Some(&SECTION)));
    }
    response.json::<Row>().map(Some).map_err(|error| problem::malformed(&response, error.detail))
}

/// A grant after it was written.
async fn written(remote: &Writer<'_, Kaiten>, proposal: Proposal<'_>) -> Result<Observed, RemoteError> {
    let gone = || problem::ours(Failure::NotFound, "the grant is gone", "plan again");
    let row = read(remote.reader(), proposal.identity).await.and_then(|row| row.ok_or_else(gone));
    let row = row.map_err(|error| RemoteError {
        message: format!("it has been written, but not read back: {}", error.message),
        uncertain: true,
        ..error
    })?;
    Ok(as_proposed(&row, proposal.fields))
}

/// A grant in our terms, where it was asked for by its name.
fn as_proposed(row: &Row, fields: &Fields) -> Observed {
    let link = |name: &str| fields.link(name).cloned().unwrap_or(Link { name: None, id: None });
    let license = Link { id: license_id(row).map(Into::into).or(link("license").id), ..link("license") };
    project(row, license, link("entitlement"))
}

/// A grant in our terms. It has no id of its own: which license and which entitlement, that is all there is to it.
fn project(row: &Row, license: Link, entitlement: Link) -> Observed {
    let text = |member: &str| row.get(member).and_then(Json::as_str);
    let name = |link: &Link| link.name.clone().unwrap_or_default();
    let id = format!("{}/{}", license.id.as_deref().unwrap_or_default(), name(&entitlement));
    let value = row.get("value").and_then(|value| value.get("value")).unwrap_or(&Json::Null);
    let instant = |member| text(member).map(|text| wire::instant(text).unwrap_or_else(|| text.to_owned()));
    let attributes =
        [("id", Some(id.clone())), ("created_at", instant("createdAt")), ("updated_at", instant("updatedAt"))];
    Observed {
        identity: Identity { parts: vec![("license", name(&license)), ("entitlement", name(&entitlement))] },
        id: id.into(),
        version: instant("updatedAt").map(Into::into),
        fields: [
            ("license", Value::Link(Box::new(license))),
            ("entitlement", Value::Link(Box::new(entitlement))),
            (VALUE, Value::from_json(value)),
            (OVERAGE, Value::from_json(row.get(OVERAGE_MEMBER).unwrap_or(&Json::Null))),
        ]
        .into_iter()
        .collect(),
        attributes: attributes.into_iter().filter_map(|(name, value)| Some((name, Value::text(value?)))).collect(),
        condition: Condition::Ready,
    }
}

fn license_id(row: &Row) -> Option<&str> {
    row.get("licenseId").and_then(Json::as_str)
}

/// What is sent of the fields over what is there.
fn body(fields: &Fields, live: Option<&Row>) -> Row {
    let mut body = Row::new();
    let value = match (fields.get(VALUE), live.and_then(|live| live.get("value"))) {
        (None, Some(live)) => json!({"type": live.get("type"), "value": live.get("value")}),
        (declared, live) => tagged(declared, live),
    };
    let unlimited = value.get("value").and_then(Json::as_f64) == Some(-1.0);
    body.insert("value".to_owned(), value);
    // Omitted, it would be reset (reference §7.2); that of what was or is unlimited is of no other use.
    let kept = live.and_then(|live| live.get(OVERAGE_MEMBER)).filter(|overage| !overage.is_null());
    let kept = kept.filter(|overage| !unlimited && **overage != json!(UNLIMITED));
    let declared = fields.get(OVERAGE).filter(|overage| **overage != Value::Null).map(wire::json);
    if let Some(overage) = declared.as_ref().or(kept) {
        body.insert(OVERAGE_MEMBER.to_owned(), overage.clone());
    }
    body
}

/// Whether a grant is what would be sent.
fn holds(row: &Row, body: &Row) -> bool {
    let same = |member: &str, json: &Json| match (row.get(member), json) {
        // More may be told of it than its tag and value.
        (Some(Json::Object(there)), Json::Object(sent)) => sent.iter().all(|(key, json)| there.get(key) == Some(json)),
        (there, json) => there == Some(json),
    };
    body.iter().all(|(member, json)| same(member, json))
}

/// A value as Kaiten takes it; a configuration goes over the one that is there, whose other keys are not ours.
fn tagged(value: Option<&Value>, live: Option<&Json>) -> Json {
    let declared = value.map_or(Json::Null, wire::json);
    let tag = match &declared {
        Json::Bool(_) => "boolean",
        Json::Object(_) => "object",
        _ => "number",
    };
    let there = live.and_then(|live| live.get("value")).filter(|there| there.is_object());
    let value = match there {
        Some(there) if declared.is_object() => {
            let mut merged = there.clone();
            wire::merge(&mut merged, &declared);
            merged
        }
        _ => declared,
    };
    json!({"type": tag, "value": value})
}

/// Whether the value is of the entitlement's type, and the overage one that it can have.
fn fits(check: Check<'_>, found: &mut Vec<Diagnostic>) {
    let Check { resource, proposal, .. } = check;
    let (_, slug) = slugs(proposal.identity);
    let mut tell = |field: &str, message: String, label: &str, help: &str| {
        found.push(
            Diagnostic::error(Code::InvalidValue, message)
                .on(&resource.address)
                .at(resource.places.value(&Path::field(field)), label)
                .help(help),
        );
    };
    let takes = match proposal.fields.get(VALUE) {
        Some(Value::Bool(_)) => "BOOLEAN",
        Some(Value::Number(_)) => "NUMBER",
        Some(Value::Map(_)) => "CONFIG",
        None | Some(Value::Unknown | Value::Redacted | Value::Sensitive(_)) => return,
        Some(other) => {
            let message = format!("`{slug}` cannot be {}", other.describe());
            let help = "write `true` or `false`, a number, or `{ value: { … } }`";
            return tell(VALUE, message, other.describe(), help);
        }
    };
    let granted = &proposal.fields.get(VALUE).cloned().unwrap_or(Value::Null);
    let known = type_of(check, slug);
    if let Some(known) = known.filter(|known| !known.starts_with(takes)) {
        let message = format!("`{slug}` is an entitlement of type `{known}`, and this is {}", granted.describe());
        tell(VALUE, message, granted.describe(), "write a value of that type");
    }
    let percent = match proposal.fields.get(OVERAGE) {
        None | Some(Value::Unknown | Value::Redacted | Value::Sensitive(_)) => return,
        Some(Value::Number(number)) => number.as_i64(),
        Some(_) => None,
    };
    let unlimited = matches!(granted, Value::Number(number) if number.as_f64() == Some(-1.0));
    let wrong = match percent {
        _ if takes != "NUMBER" => Some("only a number has an overage"),
        Some(UNLIMITED) if unlimited => None,
        _ if unlimited => Some("what is unlimited has no overage"),
        Some(0..=MOST) => None,
        _ => Some("it is 0 to 32767"),
    };
    if let Some(wrong) = wrong {
        tell(OVERAGE, format!("`{OVERAGE}` of `{slug}` is not allowed"), wrong, "remove it, or write another");
    }
}

/// The type of the entitlement: as it is, or as it is declared to become.
fn type_of<'c>(check: Check<'c>, slug: &str) -> Option<&'c str> {
    const TYPE: &str = "type";
    let entitlements = check.collections.get(entitlement::SECTION.name);
    let there = entitlements.and_then(|all| all.named(slug, false).next()?.fields.text(TYPE));
    let declared = || {
        let (address, _) = check
            .resource
            .requires
            .iter()
            .find(|(address, _)| address.section == entitlement::SECTION.name && *address.key == *slug)?;
        check.declared.get(address)?.fields.text(TYPE)
    };
    there.or_else(declared)
}

#[cfg(test)]
mod tests;
