//! `/metadata-fields` (§10.10), and what they ask of metadata.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::auth::Access::{Read, Write};
use super::auth::Caller;
use super::body::{Body, INTEGER, Schema, Shape, is_uuid, optional, required};
use super::call::{Answer, Call, Outcome};
use super::json_schema;
use super::metadata::stored;
use super::page::Window;
use super::problem::{Problem, Violation};
use super::record::{Audit, MetadataField, ResourceType};
use super::stamp::Stamp;
use super::{Service, store::Store};

const MODULE: &str = "metadata_fields";

const RESOURCE_TYPES: &[&str] = &["DEPLOYMENT_ZONE", "INSTANCE"];

const FIELD: Schema = &[
    optional("archivedAt", Shape::ReadOnly),
    optional("createdAt", Shape::ReadOnly),
    optional("createdBy", Shape::ReadOnly),
    optional("displayOrder", INTEGER),
    optional("id", Shape::ReadOnly),
    required("jsonSchema", Shape::Object),
    required("key", Shape::Text { min: 1, max: 100 }),
    required("label", Shape::Text { min: 1, max: 100 }),
    required("resourceType", Shape::Choice(RESOURCE_TYPES)),
    optional("updatedAt", Shape::ReadOnly),
    optional("updatedBy", Shape::ReadOnly),
];

const PROPOSAL: Schema = &[required("jsonSchema", Shape::Object)];

const ORDER: Schema = &[super::body::named("ids", Shape::ListOf(&Shape::Uuid))];

/// How many of the resources a dry run counts it also shows.
const SAMPLES: usize = 5;

#[derive(Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "camelCase")]
struct Position {
    display_order: i64,
    created_at: Stamp,
    id: String,
}

impl Position {
    fn of(field: &MetadataField) -> Self {
        Self { display_order: field.display_order, created_at: field.audit.created_at, id: field.id.clone() }
    }
}

/// The active fields of a resource type, by display order and then by age.
pub(super) fn list(service: &Service, call: &Call, caller: &Caller) -> Outcome {
    let resource = resource_type(call.parameter("resourceType").as_deref())?;
    let window = Window::of(call)?;
    caller.may(Read, MODULE)?;
    let store = service.read();
    let after = window.cursor::<Position>("MetadataFields")?;
    let mut fields: Vec<_> = active(&store, resource).collect();
    fields.sort_by_key(|field| Position::of(field));
    let rest = fields.into_iter().filter(|field| after.as_ref().is_none_or(|after| Position::of(field) > *after));
    Ok(Answer::Found(window.page(rest, service.options.lists, view, |last| json!(Position::of(last)))))
}

fn resource_type(parameter: Option<&str>) -> Result<ResourceType, Problem> {
    let refuse = |message: &str, value: Value| {
        let (location, message) = ("query.resourceType".to_owned(), message.to_owned());
        Err(Problem::schema(vec![Violation { location, message, value }]))
    };
    match parameter {
        None | Some("") => refuse("required query parameter is missing", "".into()),
        Some(name) if !RESOURCE_TYPES.contains(&name) => {
            let message = format!("expected value to be one of \"{}\"", RESOURCE_TYPES.join(", "));
            refuse(&message, name.into())
        }
        Some(name) => Ok(named(name)),
    }
}

fn named(name: &str) -> ResourceType {
    if name == "INSTANCE" { ResourceType::Instance } else { ResourceType::DeploymentZone }
}

pub(super) fn create(service: &Service, call: &Call, caller: &Caller) -> Outcome {
    let body = Body::read(&call.body, FIELD)?;
    caller.may(Write, MODULE)?;
    let schema = schema(&body)?;
    let mut store = service.write();
    let count = store.metadata_fields.newest(None).filter(|field| field.archived_at.is_none()).count();
    let code = "CreateMetadataField.MetadataFieldLimitReached";
    service.within_quota(count, service.options.limits.metadata_fields, code)?;
    let (resource, key) = (named(&body.demanded("resourceType")), body.demanded("key"));
    key_is_free(&store, resource, &key, "CreateMetadataField")?;
    let field = MetadataField {
        id: service.new_id(|id| store.metadata_fields.get(id).is_some()),
        resource,
        key,
        label: body.demanded("label"),
        schema,
        display_order: body.integer("displayOrder").unwrap_or(0),
        archived_at: None,
        audit: Audit::new(service.now(), &caller.author),
    };
    let field = store.metadata_fields.put(field);
    Ok(Answer::Created(view(&field)))
}

pub(super) fn update(service: &Service, id: &str, call: &Call, caller: &Caller) -> Outcome {
    let id = path_id(id)?;
    let body = Body::read(&call.body, FIELD)?;
    caller.may(Write, MODULE)?;
    let refuse = |reason: &str, detail: &str| Err(Problem::new(422, format!("UpdateMetadataField.{reason}"), detail));
    if body.integer("displayOrder").is_some() {
        return refuse("DisplayOrderNotSettable", "the display order changes by reorder");
    }
    let schema = schema(&body)?;
    let mut store = service.write();
    let mut field = find(&store, &id, "UpdateMetadataField")?.clone();
    if field.archived_at.is_some() {
        return refuse("Archived", "an archived field cannot be updated");
    }
    if named(&body.demanded("resourceType")) != field.resource {
        return refuse("ResourceTypeImmutable", "the resource type is immutable");
    }
    if body.demanded("key") != field.key {
        return refuse("KeyImmutable", "the key is immutable");
    }
    may_become(&field.schema, &schema)?;
    field.label = body.demanded("label");
    field.schema = schema;
    field.audit.touch(service.now(), &caller.author);
    let field = store.metadata_fields.put(field);
    Ok(Answer::Found(view(&field)))
}

/// An archived field is gone from lists; its key is free.
pub(super) fn archive(service: &Service, id: &str, caller: &Caller) -> Outcome {
    let id = path_id(id)?;
    caller.may(Write, MODULE)?;
    let mut store = service.write();
    let mut field = find(&store, &id, "ArchiveMetadataField")?.clone();
    if field.archived_at.is_some() {
        return Err(not_found("ArchiveMetadataField"));
    }
    let now = service.now();
    field.archived_at = Some(now);
    field.audit.touch(now, &caller.author);
    let field = store.metadata_fields.put(field);
    Ok(Answer::Found(view(&field)))
}

pub(super) fn unarchive(service: &Service, id: &str, caller: &Caller) -> Outcome {
    let id = path_id(id)?;
    caller.may(Write, MODULE)?;
    let mut store = service.write();
    let mut field = find(&store, &id, "UnarchiveMetadataField")?.clone();
    if field.archived_at.is_none() {
        return Err(not_found("UnarchiveMetadataField"));
    }
    key_is_free(&store, field.resource, &field.key, "UnarchiveMetadataField")?;
    field.archived_at = None;
    field.audit.touch(service.now(), &caller.author);
    let field = store.metadata_fields.put(field);
    Ok(Answer::Found(view(&field)))
}

/// Counts the values that would not satisfy another schema, and changes nothing.
pub(super) fn dry_run(service: &Service, id: &str, call: &Call, caller: &Caller) -> Outcome {
    let id = path_id(id)?;
    let body = Body::read(&call.body, PROPOSAL)?;
    caller.may(Write, MODULE)?;
    let candidate = Value::Object(schema(&body)?);
    let store = service.read();
    let field = find(&store, &id, "DryRunMetadataField")?;
    let breaks = |metadata: &Map<String, Value>| {
        metadata.get(&field.key).is_some_and(|value| !json_schema::accepts(&candidate, value))
    };
    let impacted: Vec<Value> = match field.resource {
        ResourceType::Instance => {
            let rows = store.instances.newest(None).filter(|row| breaks(&row.metadata));
            rows.map(|row| json!({ "name": row.name, "slug": row.slug })).collect()
        }
        ResourceType::DeploymentZone => {
            let rows = store.zones.newest(None).filter(|row| breaks(&row.metadata));
            rows.map(|row| json!({ "name": row.name, "slug": row.slug })).collect()
        }
    };
    let samples = &impacted[..impacted.len().min(SAMPLES)];
    Ok(Answer::Found(json!({ "count": impacted.len(), "samples": samples })))
}

/// Gives the fields the places in which they are listed.
pub(super) fn reorder(service: &Service, call: &Call, caller: &Caller) -> Outcome {
    let body = Body::read(&call.body, ORDER)?;
    caller.may(Write, MODULE)?;
    let ids = body.list("ids").into_iter().flatten().filter_map(Value::as_str).map(str::to_ascii_lowercase);
    let ids: Vec<String> = ids.collect();
    let mut store = service.write();
    let mut fields = Vec::with_capacity(ids.len());
    for (index, id) in ids.iter().enumerate() {
        let field = store.metadata_fields.get(id).filter(|field| field.archived_at.is_none());
        match field {
            Some(field) if !ids[..index].contains(id) => fields.push(MetadataField::clone(field)),
            _ => {
                let detail = format!("{id} is listed twice, or is no active metadata field");
                return Err(Problem::new(404, "ReorderMetadataFields.UnknownID", detail));
            }
        }
    }
    if fields.iter().any(|field| field.resource != fields[0].resource) {
        let detail = "all fields must belong to one resource type";
        return Err(Problem::new(422, "ReorderMetadataFields.MixedResourceTypes", detail));
    }
    for (place, mut field) in (0..).zip(fields) {
        field.display_order = place;
        field.audit.touch(service.now(), &caller.author);
        store.metadata_fields.put(field);
    }
    Ok(Answer::Done)
}

/// The metadata to write: checked against the active fields, and with what `before` holds under archived keys.
///
/// Zones are strict, instances take keys no field is declared for. What is equal to what is there is not checked.
pub(super) fn validated(
    store: &Store,
    resource: ResourceType,
    metadata: Option<&Map<String, Value>>,
    before: Option<&Map<String, Value>>,
) -> Result<Map<String, Value>, Problem> {
    let mut metadata = metadata.map(stored).unwrap_or_default();
    if store.metadata_fields.len() == 0 || before == Some(&metadata) {
        return Ok(metadata);
    }
    let kept = |key: &str| before.and_then(|before| before.get(key));
    let archived = |key: &str| {
        let mut of_key =
            store.metadata_fields.newest(None).filter(|field| field.resource == resource && field.key == key);
        let first = of_key.next();
        first.is_some_and(|field| field.archived_at.is_some()) && of_key.all(|field| field.archived_at.is_some())
    };
    let refuse = |reason: &str, detail: String| Err(Problem::new(422, format!("MetadataValidation.{reason}"), detail));
    if let Some(key) = metadata.keys().find(|key| archived(key) && kept(key).is_none()) {
        let detail = format!("metadata key {key:?} refers to an archived field and cannot be introduced");
        return refuse("ArchivedKeyIntroduced", detail);
    }
    let mut fields = active(store, resource).peekable();
    let is_strict = resource == ResourceType::DeploymentZone && fields.peek().is_some();
    let fields: Vec<_> = fields.collect();
    for (key, value) in metadata.iter().filter(|(key, _)| !archived(key)) {
        match fields.iter().find(|field| field.key == *key) {
            Some(field) if !json_schema::accepts(&Value::Object(field.schema.clone()), value) => {
                return refuse("Failed", format!("metadata does not satisfy the resource schema: at '/{key}'"));
            }
            None if is_strict => {
                let detail = format!("metadata does not satisfy the resource schema: unexpected property '{key}'");
                return refuse("Failed", detail);
            }
            _ => {}
        }
    }
    for (key, value) in before.into_iter().flatten() {
        if archived(key) && !metadata.contains_key(key) {
            metadata.insert(key.clone(), value.clone());
        }
    }
    Ok(stored(&metadata))
}

fn active(store: &Store, resource: ResourceType) -> impl Iterator<Item = &MetadataField> {
    let fields = store.metadata_fields.newest(None).map(AsRef::as_ref);
    fields.filter(move |field: &&MetadataField| field.resource == resource && field.archived_at.is_none())
}

fn schema(body: &Body) -> Result<Map<String, Value>, Problem> {
    let schema = body.object("jsonSchema").map(stored).expect("the schema demands it");
    json_schema::check(&schema)?;
    Ok(schema)
}

/// Refuses a schema that would give values another type.
fn may_become(before: &Map<String, Value>, after: &Map<String, Value>) -> Result<(), Problem> {
    fn primary(schema: Option<&Map<String, Value>>) -> &str {
        match schema.and_then(|schema| schema.get("type")).and_then(Value::as_str) {
            Some("integer") => "number",
            name => name.unwrap_or_default(),
        }
    }
    let refuse = |reason: &str, detail: &str| Err(Problem::new(422, format!("SchemaTransition.{reason}"), detail));
    let items = |schema: &Map<String, Value>| schema.get("items").and_then(Value::as_object).cloned();
    let has_enum = |schema: &Map<String, Value>| schema.get("enum").is_some_and(Value::is_array);
    let kind = primary(Some(before));
    if kind != primary(Some(after)) {
        return refuse("TypeChanged", "the primary type cannot change; archive the field and create a new one");
    }
    if kind == "string" && has_enum(before) != has_enum(after) {
        return refuse("EnumWrapToggled", "a free string cannot become an enum, nor an enum a free string");
    }
    if kind == "array" {
        let (before, after) = (items(before), items(after));
        if primary(before.as_ref()) != primary(after.as_ref()) {
            return refuse("CardinalityChanged", "the type of the items cannot change");
        }
        let is_enum = |schema: &Option<Map<String, Value>>| schema.as_ref().is_some_and(has_enum);
        if primary(before.as_ref()) == "string" && is_enum(&before) != is_enum(&after) {
            return refuse("EnumWrapToggled", "free strings cannot become an enum, nor an enum free strings");
        }
    }
    Ok(())
}

fn key_is_free(store: &Store, resource: ResourceType, key: &str, operation: &str) -> Result<(), Problem> {
    if active(store, resource).any(|field| field.key == key) {
        let detail = format!("an active field has the key {key}");
        return Err(Problem::new(409, format!("{operation}.KeyConflict"), detail));
    }
    Ok(())
}

/// An id in a path, which is decoded before the body is looked at.
fn path_id(id: &str) -> Result<String, Problem> {
    if is_uuid(id) {
        return Ok(id.to_ascii_lowercase());
    }
    let (location, message) = ("path.id".to_owned(), "invalid UUID".to_owned());
    Err(Problem::schema(vec![Violation { location, message, value: id.into() }]))
}

fn not_found(operation: &str) -> Problem {
    Problem::new(404, format!("{operation}.NotFound"), "metadata field not found")
}

fn find<'a>(store: &'a Store, id: &str, operation: &str) -> Result<&'a MetadataField, Problem> {
    store.metadata_fields.get(id).map(AsRef::as_ref).ok_or_else(|| not_found(operation))
}

fn view(field: &MetadataField) -> Value {
    let MetadataField { id, resource, key, label, schema, display_order, archived_at, audit } = field;
    let mut object = json!({
        "id": id, "resourceType": resource, "key": key, "label": label, "jsonSchema": schema,
        "displayOrder": display_order,
    });
    if let Some(archived_at) = archived_at {
        object["archivedAt"] = json!(archived_at);
    }
    audit.show(&mut object);
    object
}
