//! Metadata fields: what metadata of instances and zones may hold (reference §10.10).

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::wire::{self, Row};
use super::{CREATED_AT, ID, Kaiten, Provided, UPDATED_AT, change, problem};
use crate::http::{Method, segment};
use crate::kind::{
    Abilities, Check, Deletion, Failure, Kind, Modification, Proposal, Readable, Reader, RemoteError, Scope, Wanted,
    Writer,
};
use crate::model::{
    Code, Diagnostic, Facts, Field, Identity, KeyPart, KeySource, Observed, Path, Section, Shape, Value,
};

/// A key of metadata, and what its values are.
#[derive(Debug)]
pub struct MetadataField;

const PATH: &str = "/metadata-fields";

const TYPES: &[&str] = &["INSTANCE", "DEPLOYMENT_ZONE"];

const KEY: Shape = Shape::Text { min: 1, max: 100 };

pub(super) static SECTION: Section = Section {
    name: "metadata_fields",
    singular: "metadata field",
    provider: "kaiten",
    doc: "Metadata fields: which keys the metadata of instances and zones has, and what their values are. Deleting one \
          archives it.",
    declarable: true,
    apis: &["core"],
    key: &[
        KeyPart { name: "resource_type", from: KeySource::Field, shape: Shape::Enum(TYPES) },
        KeyPart { name: "key", from: KeySource::FieldOrKey, shape: KEY },
    ],
    fold_case: false,
    fields: &[
        Field::new("resource_type", "resourceType", Shape::Enum(TYPES), "Whose metadata it is a key of.")
            .required()
            .immutable("a field is of one kind of object"),
        Field::new("key", "key", KEY, "The key in metadata, if it is another than the one in this section.")
            .immutable("metadata is kept under this key"),
        Field::new("label", "label", Shape::Text { min: 1, max: 100 }, "The name people read.").required(),
        Field::new(
            "json_schema",
            "jsonSchema",
            Shape::Object,
            "What its values are, as JSON Schema 2020-12: `{ type: string, enum: [eu, us] }`; the type cannot be changed, nor \
             whether there is a list of values.",
        )
        .required(),
    ],
    attributes: &[ID, CREATED_AT, UPDATED_AT],
    example: "\
metadata_fields:
  region:
    resource_type: INSTANCE
    label: Region
    json_schema: { type: string, enum: [eu, us] }
",
};

/// What Kaiten tells as one of them, under its natural key.
fn read(row: &Row) -> Result<Observed, String> {
    let part = |member: &'static str| {
        row.get(member)
            .and_then(Json::as_str)
            .ok_or_else(|| format!("the answer holds a metadata field without `{member}`"))
    };
    let parts = vec![("resource_type", part("resourceType")?.into()), ("key", part("key")?.into())];
    let observed = wire::project(&SECTION, super::Dialect::Core, row)?;
    Ok(Observed { identity: Identity { parts }, ..observed })
}

async fn listed(remote: Reader<'_, Kaiten>, of_type: &str) -> Result<Vec<Row>, RemoteError> {
    remote.rows(&SECTION, &format!("{PATH}?resourceType={}", segment(of_type))).await
}

fn malformed(detail: String) -> RemoteError {
    problem::malformed_at("GET", format!("/api{PATH}"), detail)
}

impl Readable for MetadataField {
    type Provider = Provided;
    const SECTION: &'static Section = &SECTION;

    async fn observe(wanted: &Wanted<'_>, remote: Reader<'_, Kaiten>) -> Result<Vec<Observed>, RemoteError> {
        let types = wanted.resources.iter().filter_map(|resource| Some(resource.identity.parts.first()?.1.to_string()));
        let managed: BTreeSet<String> = match wanted.scope {
            Scope::Declared => types.collect(),
            Scope::Whole => TYPES.iter().map(ToString::to_string).collect(),
        };
        // Metadata that is declared is held against its fields.
        let with_metadata = wanted.declared.values().filter(|resource| resource.fields.get("metadata").is_some());
        let looked_into = with_metadata.filter_map(|resource| match resource.address.section {
            "instances" => Some("INSTANCE".to_owned()),
            "deployment_zones" => Some("DEPLOYMENT_ZONE".to_owned()),
            _ => None,
        });
        let mut fields = Vec::new();
        for of_type in managed.iter().cloned().chain(looked_into).collect::<BTreeSet<_>>() {
            let rows = match listed(remote, &of_type).await {
                // Whoever only checks need not be allowed to: Kaiten checks again.
                Err(error) if error.failure == Failure::Forbidden && !managed.contains(&of_type) => continue,
                rows => rows?,
            };
            for row in rows {
                fields.push(read(&row).map_err(malformed)?);
            }
        }
        Ok(fields)
    }
}

impl Kind for MetadataField {
    const DELETION: Deletion = Deletion {
        loses: Some("its label and schema; it is archived, and values that are there can still be read"),
        after: &["instances", "customers", "deployment_zones"],
        ..Deletion::PLAIN
    };

    fn check(check: Check<'_>) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        let Some(schema) = check.proposal.fields.get("json_schema").filter(|schema| !schema.has_unknown()) else {
            return found;
        };
        let at = check.resource.places.value(&Path::field("json_schema"));
        if schema.as_map().is_some_and(indexmap::IndexMap::is_empty) {
            let message = "`json_schema` says nothing of the values";
            let error = Diagnostic::error(Code::InvalidValue, message).at(at, "empty");
            found.push(error.help("write at least a `type`, `{ type: string }`").on(&check.resource.address));
        } else if let Some(was) = check.observed.and_then(|observed| observed.fields.get("json_schema"))
            && form(was) != form(schema)
        {
            // Existing values would not fit any more (section 10.10).
            let message = format!("`json_schema` is of {} now and cannot be of {}", form(was), form(schema));
            let warning = Diagnostic::warning(Code::Blocked, message).at(at, "another kind of value");
            found.push(warning.help("keep the type, or declare another key").on(&check.resource.address));
        }
        found
    }

    async fn create(proposal: Proposal<'_>, remote: &Writer<'_, Kaiten>) -> Result<Observed, RemoteError> {
        let mut body = remote.body(&SECTION, proposal, &[]);
        // It has no slug; the key may be the one in the section.
        body.remove("slug");
        for ((_, value), member) in proposal.identity.parts.iter().zip(["resourceType", "key"]) {
            body.insert(member.to_owned(), value.to_string().into());
        }
        let mut created = remote.post(&SECTION, PATH, body).await?;
        created.identity = proposal.identity.clone();
        Ok(created)
    }

    async fn look_up(proposal: Proposal<'_>, remote: Reader<'_, Kaiten>) -> Result<Option<Observed>, RemoteError> {
        let Some((_, of_type)) = proposal.identity.parts.first() else { return Ok(None) };
        for row in listed(remote, of_type).await? {
            let field = read(&row).map_err(malformed)?;
            if field.identity == *proposal.identity {
                return Ok(Some(field));
            }
        }
        Ok(None)
    }

    fn abilities(facts: &Facts) -> Abilities {
        change::abilities(facts)
    }

    /// There is no read of one, and a PATCH wants its key and type repeated.
    async fn update(modification: Modification<'_>, remote: &Writer<'_, Kaiten>) -> Result<Observed, RemoteError> {
        let observed = modification.observed;
        let live = remote.live(observed).await?;
        let live = live.ok_or_else(|| {
            problem::ours(
                Failure::NotFound,
                "the metadata field is gone",
                "it was archived since the plan was made: plan again",
            )
        })?;
        let path = change::path_of(PATH, &observed.id);
        let dialect = remote.session().dialect;
        let as_it_is = wire::repeat(&SECTION, dialect, &live, &[]);
        let mut body = as_it_is.clone();
        wire::put_over(&SECTION, dialect, modification, &live, &mut body);
        if body == as_it_is {
            return read(&live).map_err(malformed);
        }
        remote.send(Method::PATCH, &SECTION, &path, Some(body.clone())).await?;
        let mut changed = live;
        changed.extend(body);
        let read_back = remote.live(observed).await.map_err(|error| RemoteError {
            message: format!("it has been changed, but not read back: {}", error.message),
            uncertain: true,
            ..error
        })?;
        read(&read_back.unwrap_or(changed)).map_err(malformed)
    }

    /// It is archived: its key becomes free, and values that are there can still be read.
    async fn delete(
        observed: &Observed,
        _: bool,
        remote: &Writer<'_, Kaiten>,
    ) -> Result<Option<Observed>, RemoteError> {
        if remote.live(observed).await?.is_some() {
            let path = format!("{}/archive", change::path_of(PATH, &observed.id));
            remote.send(Method::POST, &SECTION, &path, None).await?;
        }
        Ok(None)
    }
}

impl Writer<'_, Kaiten> {
    /// A field as it is now, among the active ones.
    async fn live(&self, observed: &Observed) -> Result<Option<Row>, RemoteError> {
        let Some((_, of_type)) = observed.identity.parts.first() else { return Ok(None) };
        let rows = listed(self.reader(), of_type).await?;
        Ok(rows.into_iter().find(|row| row.get("id").and_then(Json::as_str) == Some(&*observed.id)))
    }
}

/// What of a schema cannot be changed, in words.
fn form(schema: &Value) -> String {
    let Some(map) = schema.as_map() else { return "anything".to_owned() };
    let listed = if map.contains_key("enum") { " from a list" } else { "" };
    let of_type = match map.get("type").and_then(Value::as_text) {
        // These two are one to Kaiten.
        Some("integer") => "number",
        Some("array") => {
            let items = map.get("items").map_or_else(|| "anything".to_owned(), form);
            return format!("lists of {items}");
        }
        Some(of_type) => of_type,
        None => "any type",
    };
    format!("{of_type}{listed}")
}

#[cfg(test)]
mod tests;
