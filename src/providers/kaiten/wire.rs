//! Between our fields and Kaiten's JSON, by the tables of the sections.

use std::borrow::Cow;

use jiff::civil::DateTimeRound;
use jiff::{RoundMode, Unit};
use serde_json::Value as Json;

use super::dialect::Dialect;
use crate::kind::Modification;
use crate::model::{
    Compare, Condition, Field, Fields, Identity, Link, Observed, Path, Section, Segment, Shape, Value, instant,
};

/// A JSON object.
pub(super) type Row = serde_json::Map<String, Json>;

/// A request body: declared fields, and what is sent where nothing is declared. What is `null` is not sent: the schemas
/// refuse it nearly everywhere (reference §6.2), and on create it means nothing else than absence.
///
/// Everything is known by now: only looking up and planning meet unknown values.
pub(super) fn encode(section: &Section, dialect: Dialect, fields: &Fields, without: &[&str]) -> Row {
    encode_where(section, dialect, fields, |field| !without.contains(&field.name))
}

/// The same for some fields only.
pub(super) fn encode_only(section: &Section, dialect: Dialect, fields: &Fields, only: &[&str]) -> Row {
    encode_where(section, dialect, fields, |field| only.contains(&field.name))
}

fn encode_where(section: &Section, dialect: Dialect, fields: &Fields, wanted: impl Fn(&Field) -> bool) -> Row {
    let mut body = Row::new();
    for field in section.fields {
        if !dialect.is_among(field.apis) || field.unsupported.is_some() || !wanted(field) {
            continue;
        }
        let value = match fields.get(field.name) {
            None | Some(Value::Null) => {
                field.default.map(|text| serde_json::from_str(text).expect("defaults are JSON"))
            }
            Some(value) => Some(encode_field(field, dialect, &in_form(field, value), &mut body)),
        };
        if let Some(value) = value {
            body.insert(field.wire.to_owned(), value);
        }
    }
    body
}

/// The value as it is sent and told.
fn in_form<'v>(field: &Field, value: &'v Value) -> Cow<'v, Value> {
    field.form.map_or(Cow::Borrowed(value), |form| Cow::Owned(form(value)))
}

fn encode_field(field: &Field, dialect: Dialect, value: &Value, body: &mut Row) -> Json {
    match (field.shape, value) {
        (Shape::Instant, Value::Text(text)) => instant(text).unwrap_or_else(|| text.to_string()).into(),
        (Shape::Reference { with_slug, .. }, Value::Link(link)) => {
            if let (Dialect::Seed, true, Some(slug)) = (dialect, with_slug, &link.name) {
                body.insert(slug_member(field.wire), slug.to_string().into());
            }
            link.id.as_deref().expect("what is referred to exists before what refers to it").into()
        }
        (_, Value::Sensitive(secret)) => encode_field(field, dialect, secret.expose(), body),
        (_, value) => json(value),
    }
}

/// What a PUT has to repeat so that it stays: every member of the table that the object has. What is in `kept` stays without.
pub(super) fn repeat(section: &Section, dialect: Dialect, live: &Row, kept: &[&str]) -> Row {
    let mut body = Row::new();
    for field in sendable(section, dialect).filter(|field| !kept.contains(&field.name)) {
        match (live.get(field.wire).filter(|json| !json.is_null()), field.default) {
            (Some(json), _) => {
                body.insert(field.wire.to_owned(), json.clone());
            }
            (None, Some(text)) => {
                body.insert(field.wire.to_owned(), serde_json::from_str(text).expect("defaults are JSON"));
            }
            (None, None) => {}
        }
        if let (Dialect::Seed, Shape::Reference { with_slug: true, .. }) = (dialect, field.shape) {
            let member = slug_member(field.wire);
            if let Some(slug) = live.get(&member).filter(|json| !json.is_null()) {
                body.insert(member, slug.clone());
            }
        }
    }
    body
}

/// Puts what changes over what is repeated. What is inside a mapping goes over the `live` one, key by key.
pub(super) fn put_over(
    section: &Section,
    dialect: Dialect,
    modification: Modification<'_>,
    live: &Row,
    body: &mut Row,
) {
    for field in sendable(section, dialect) {
        let (whole, inner): (Vec<&Path>, Vec<&Path>) = modification
            .changes
            .iter()
            .filter(|path| path.starts_with(&Path::field(field.name)))
            .partition(|path| path.0.len() == 1);
        if !whole.is_empty() {
            let encoded = encode_only(section, dialect, modification.proposal.fields, &[field.name]);
            if matches!(field.shape, Shape::Reference { .. }) {
                body.remove(&slug_member(field.wire));
            }
            let shared = field.compare == Compare::DeclaredKeys;
            match (live.get(field.wire), encoded.get(field.wire)) {
                (Some(Json::Object(_)), Some(declared @ Json::Object(_))) if shared => {
                    let mut merged = live[field.wire].clone();
                    merge(&mut merged, declared);
                    body.insert(field.wire.to_owned(), merged);
                }
                (_, None) => {
                    body.remove(field.wire);
                }
                _ => body.extend(encoded),
            }
        } else if !inner.is_empty() {
            let mut merged = live.get(field.wire).cloned().unwrap_or(Json::Null);
            let declared = modification.proposal.fields.get(field.name).map(|value| in_form(field, value));
            for path in inner {
                let declared = declared.as_deref().and_then(|value| inside(value, &path.0[1..]));
                set(&mut merged, &path.0[1..], declared.map(json), field.compare == Compare::DeclaredKeys);
            }
            body.insert(field.wire.to_owned(), merged);
        }
    }
}

fn sendable(section: &Section, dialect: Dialect) -> impl Iterator<Item = &'static Field> {
    let fields: &'static [Field] = section.fields;
    fields.iter().filter(move |field| dialect.is_among(field.apis) && field.unsupported.is_none())
}

/// The value at a path.
fn inside<'v>(value: &'v Value, path: &[Segment]) -> Option<&'v Value> {
    let Some((first, rest)) = path.split_first() else { return Some(value) };
    match (value, first) {
        (Value::Map(map), Segment::Key(key)) => inside(map.get(key)?, rest),
        (Value::List(items), Segment::Index(at)) => inside(items.get(*at)?, rest),
        (Value::Sensitive(secret), _) => inside(secret.expose(), path),
        _ => None,
    }
}

/// Sets the value at a path, or removes it. `shared`: a mapping goes over the one that is there.
fn set(json: &mut Json, path: &[Segment], value: Option<Json>, shared: bool) {
    match path {
        [Segment::Key(key), rest @ ..] => {
            if !json.is_object() {
                *json = Json::Object(Row::new());
            }
            let Json::Object(map) = json else { return };
            if let ([], None) = (rest, &value) {
                map.remove(&**key);
            } else {
                set(map.entry(key.to_string()).or_insert(Json::Null), rest, value, shared);
            }
        }
        // Comparing takes mappings apart and nothing else.
        [Segment::Index(_), ..] => {}
        [] => match value {
            Some(value) if shared => merge(json, &value),
            value => *json = value.unwrap_or(Json::Null),
        },
    }
}

/// Puts a value over another: mappings key by key, at every depth.
pub(super) fn merge(into: &mut Json, value: &Json) {
    match (into, value) {
        (Json::Object(into), Json::Object(value)) => {
            for (key, value) in value {
                merge(into.entry(key.clone()).or_insert(Json::Null), value);
            }
        }
        (into, value) => *into = value.clone(),
    }
}

/// A value as JSON; secrets are exposed here and nowhere else in this provider.
pub(super) fn json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(bool) => Json::Bool(*bool),
        Value::Number(number) => Json::Number(number.clone()),
        Value::Text(text) => Json::String(text.to_string()),
        Value::List(items) => Json::Array(items.iter().map(json).collect()),
        Value::Map(map) => Json::Object(map.iter().map(|(key, value)| (key.to_string(), json(value))).collect()),
        Value::Link(link) => link.id.as_deref().into(),
        Value::Sensitive(secret) => json(secret.expose()),
        Value::Reference(_) | Value::Template(_) | Value::Unknown | Value::Fingerprint(_) | Value::Redacted => {
            unreachable!("every value is resolved before it is sent")
        }
    }
}

/// `licenseId` → `licenseSlug`.
pub(super) fn slug_member(id_member: &str) -> String {
    format!("{}Slug", id_member.strip_suffix("Id").unwrap_or(id_member))
}

/// An instant as Kaiten keeps it: UTC, since offsets are dropped there rather than applied, and in milliseconds, rounded
/// half up (reference §6.1). `None` if it is none.
pub(super) fn instant(text: &str) -> Option<String> {
    let half_up = DateTimeRound::new().smallest(Unit::Millisecond).mode(RoundMode::HalfCeil);
    Some(format!("{}Z", instant::utc(text)?.round(half_up).ok()?))
}

/// An object in our terms. What is absent or null is `null`, except that an absent mapping is an empty one; what this
/// dialect does not have is left out. The message of the error says what is wrong with the row.
pub(super) fn project(section: &'static Section, dialect: Dialect, row: &Row) -> Result<Observed, String> {
    let id = row.get("id").and_then(Json::as_str).filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| format!("the answer holds one of `{}` without `id`", section.name))?;
    // Old rows may lack their slug; the id stands in, so that nothing matches by accident.
    let slug = row.get("slug").and_then(Json::as_str).filter(|slug| !slug.is_empty()).unwrap_or(id);
    let mut reshaped;
    let row = if section.name == super::entitlement::SECTION.name {
        reshaped = row.clone();
        super::entitlement::inward(&mut reshaped);
        &reshaped
    } else {
        row
    };
    let mut fields = Fields::default();
    for field in section.fields {
        let told = dialect.is_among(field.apis) && field.unsupported.is_none();
        if told && let Some(value) = project_field(field, row) {
            fields.set(field.name, value);
        }
    }
    let mut attributes = Fields::default();
    for attribute in section.attributes {
        let Some(json) = row.get(attribute.wire).filter(|json| !json.is_null()) else { continue };
        let moment = attribute.name.ends_with("_at").then(|| json.as_str().and_then(instant)).flatten();
        attributes.set(attribute.name, moment.map_or_else(|| Value::from_json(json), Value::text));
    }
    // For whoever finds that it was changed meanwhile; in no table, so that no expression can read it.
    let author = row.get("updatedBy").and_then(|author| author.get("name").or_else(|| author.get("id")));
    if let Some(author) = author.and_then(Json::as_str) {
        attributes.set("updated_by", Value::text(author));
    }
    Ok(Observed {
        identity: Identity::single("slug", slug),
        id: id.into(),
        version: row
            .get("updatedAt")
            .and_then(Json::as_str)
            .map(|text| instant(text).unwrap_or_else(|| text.to_owned()).into()),
        fields,
        attributes,
        condition: Condition::Ready,
    })
}

fn project_field(field: &Field, row: &Row) -> Option<Value> {
    let json = row.get(field.wire).filter(|json| !json.is_null());
    let value = match (field.shape, json) {
        (Shape::Reference { .. }, json) => {
            let text = |json: &Json| json.as_str().filter(|text| !text.is_empty()).map(Into::into);
            let id = json.and_then(text);
            let name = row.get(&slug_member(field.wire)).and_then(text);
            if id.is_none() && name.is_none() { Value::Null } else { Value::Link(Box::new(Link { name, id })) }
        }
        (Shape::Names { .. }, _) => Value::List(names(row, field.wire)),
        (Shape::Parts { .. }, _) => return None,
        (Shape::Object, None) => Value::Map(Box::default()),
        (Shape::Mappings { .. }, None) => Value::List(Vec::new()),
        // A row that does not tell its slug does not tell that it has none.
        (_, None) if field.name == "slug" => return None,
        (_, None) => Value::Null,
        (Shape::Instant, Some(Json::String(text))) => Value::text(instant(text).unwrap_or_else(|| text.clone())),
        (_, Some(json)) => {
            let value = Value::from_json(json);
            match field.form {
                Some(form) => form(&value),
                None => value,
            }
        }
    };
    Some(value)
}

/// What a list of other objects holds is told by its twin, which can only be read (reference §14).
fn names(row: &Row, member: &str) -> Vec<Value> {
    let twin = match member {
        "componentIds" => "components",
        _ => "entitlementGroups",
    };
    let objects = row.get(twin).and_then(Json::as_array).into_iter().flatten();
    let name = |object: &Json| ["slug", "id"].iter().find_map(|part| Some(Value::text(object.get(part)?.as_str()?)));
    objects.filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use indexmap::IndexMap;
    use serde_json::json;

    use super::super::instance::SECTION as INSTANCES;
    use super::super::{customer, deployment_zone};
    use super::*;
    use crate::model::Sensitive;

    fn link(name: Option<&str>, id: &str) -> Value {
        Value::Link(Box::new(Link { name: name.map(Into::into), id: Some(id.into()) }))
    }

    fn map(pairs: &[(&str, Value)]) -> Value {
        Value::Map(Box::new(
            pairs.iter().map(|(key, value)| ((*key).into(), value.clone())).collect::<IndexMap<_, _>>(),
        ))
    }

    fn instance() -> Fields {
        [
            ("name", Value::text("Acme production")),
            ("customer", link(Some("acme"), "c1")),
            ("license", link(Some("growth"), "l1")),
            ("start_license_date", Value::text("2026-09-01T02:00:00+02:00")),
            ("end_license_date", Value::text("2027-09-01T00:00:00.1235Z")),
            ("metadata", map(&[("secret", Sensitive::wrap(Value::text("hush"))), ("size", Value::Number(3.into()))])),
        ]
        .into_iter()
        .collect()
    }

    #[test]
    fn an_instance_is_spelt_as_today_wants_it() {
        assert_eq!(
            Json::Object(encode(&INSTANCES, Dialect::Core, &instance(), &[])),
            json!({
                "name": "Acme production", "description": "", "customerId": "c1", "licenseId": "l1",
                "startLicenseDate": "2026-09-01T00:00:00Z", "endLicenseDate": "2027-09-01T00:00:00.124Z",
                "metadata": {"secret": "hush", "size": 3},
            })
        );
    }

    #[test]
    fn an_instance_is_spelt_as_the_seed_document_has_it() {
        let mut fields = instance();
        fields.set("platform", map(&[("type", Value::text("kubernetes"))]));
        let body = encode(&INSTANCES, Dialect::Seed, &fields, &[]);
        let mut members: Vec<_> = body.keys().map(String::as_str).collect();
        members.sort_unstable();
        let documented = [
            "customerId",
            "description",
            "endLicenseDate",
            "licenseId",
            "licenseSlug",
            "metadata",
            "name",
            "platform",
            "startLicenseDate",
        ];
        assert_eq!(members, documented);
        assert_eq!(body["licenseSlug"], "growth");
    }

    #[test]
    fn what_one_dialect_does_not_have_is_not_sent_to_it() {
        let mut fields = instance();
        fields.set("platform", map(&[]));
        fields.set("deployment_zone", link(Some("eu"), "z1"));
        assert!(!encode(&INSTANCES, Dialect::Core, &fields, &[]).contains_key("platform"));
        assert!(!encode(&INSTANCES, Dialect::Seed, &fields, &[]).contains_key("deploymentZoneId"));
    }

    #[test]
    fn null_is_not_sent() {
        let fields = [("name", Value::text("Acme")), ("domain", Value::Null)].into_iter().collect();
        assert_eq!(Json::Object(encode(&customer::SECTION, Dialect::Core, &fields, &[])), json!({"name": "Acme"}));
    }

    #[test]
    fn instants_are_utc_and_milliseconds() {
        for (written, kept) in [
            ("2026-01-01T12:00:00+02:00", "2026-01-01T10:00:00Z"),
            ("2026-01-01T12:00:00.500Z", "2026-01-01T12:00:00.5Z"),
            ("2026-01-01T12:00:00.1234Z", "2026-01-01T12:00:00.123Z"),
            ("2026-01-01T12:00:00.9996Z", "2026-01-01T12:00:01Z"),
            ("9999-12-31T23:59:59.5+00:00", "9999-12-31T23:59:59.5Z"),
        ] {
            assert_eq!(instant(written).as_deref(), Some(kept), "{written}");
        }
        assert_eq!(instant("tomorrow"), None);
    }

    fn projected(section: &'static Section, dialect: Dialect, row: &Json) -> Observed {
        project(section, dialect, row.as_object().unwrap()).unwrap()
    }

    #[test]
    fn an_instance_is_read_in_our_terms() {
        let row = json!({
            "id": "i1", "slug": "acme-production", "name": "Acme production", "description": "",
            "customerId": "c1", "customerSlug": "acme", "licenseId": "l1", "licenseSlug": "growth",
            "startLicenseDate": "2026-09-01T00:00:00.000Z", "endLicenseDate": "2027-09-01T00:00:00Z",
            "status": "HEALTHY", "metadata": {"n": 1}, "integrations": {"hubspot": {}}, "somethingNew": 7,
            "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-02T00:00:00.10Z",
        });
        let seen = projected(&INSTANCES, Dialect::Core, &row);
        assert_eq!(seen.identity, Identity::single("slug", "acme-production"));
        assert_eq!(seen.version.as_deref(), Some("2026-01-02T00:00:00.1Z"));
        assert_eq!(seen.fields.get("customer"), Some(&link(Some("acme"), "c1")));
        assert_eq!(seen.fields.text("start_license_date"), Some("2026-09-01T00:00:00Z"));
        assert_eq!(seen.fields.get("metadata"), Some(&map(&[("n", Value::Number(1.into()))])));
        assert_eq!(seen.fields.get("deployment_zone"), Some(&Value::Null));
        assert_eq!(seen.fields.get("lifecycle_stage"), Some(&Value::Null));
        assert_eq!(seen.fields.get("platform"), None, "today's API does not have it");
        assert_eq!(seen.attributes.text("id"), Some("i1"));
        assert_eq!(seen.attributes.text("created_at"), Some("2026-01-01T00:00:00Z"));
    }

    #[test]
    fn the_seed_documents_own_sample_is_read() {
        let row = json!({
            "id": "123e4567-e89b-12d3-a2456-426614174000", "slug": "my-instance", "name": "My Instance",
            "description": "This is a sample instance description", "deletedAt": "2023-10-01T12:00:00Z",
            "customerId": "c", "customerSlug": "acme-corp", "licenseId": "l", "licenseSlug": "my-license",
            "deploymentZoneId": "z", "metadata": {"key": "value"}, "platform": {"type": "kubernetes", "version": "1.21"},
            "startLicenseDate": "2023-10-01T12:00:00Z", "endLicenseDate": "2024-10-01T12:00:00Z",
            "createdAt": "2023-10-01T12:00:00Z", "updatedAt": "2023-10-01T12:00:00Z",
        });
        let seen = projected(&INSTANCES, Dialect::Seed, &row);
        assert_eq!(seen.fields.get("license"), Some(&link(Some("my-license"), "l")));
        assert!(seen.fields.get("platform").is_some());
        assert_eq!(seen.fields.get("status"), None, "that dialect does not have it");
    }

    #[test]
    fn a_zone_without_metadata_has_empty_metadata() {
        for row in [json!({"id": "z"}), json!({"id": "z", "metadata": null}), json!({"id": "z", "metadata": {}})] {
            let seen = projected(&deployment_zone::SECTION, Dialect::Core, &row);
            assert_eq!(seen.fields.get("metadata"), Some(&map(&[])), "{row}");
        }
    }

    #[test]
    fn a_row_without_id_is_an_error_and_one_without_slug_is_known_by_its_id() {
        let row = |json: Json| project(&INSTANCES, Dialect::Seed, json.as_object().unwrap());
        assert!(row(json!({"slug": "a"})).unwrap_err().contains("without `id`"));
        assert_eq!(row(json!({"id": "i1"})).unwrap().identity.to_string(), "i1");
    }
}
