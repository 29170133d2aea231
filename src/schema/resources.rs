//! The schema of resource files, from the tables of the sections.

use serde_json::{Map, Value, json};

use super::DRAFT;
use crate::kind::Registry;
use crate::model::{ChangeRule, Field, Format, KeySource, LIFECYCLE, LIFECYCLE_DOC, Section, Shape};

/// What every key of a section is made of: letters, digits, `_` and `-`. It leaves ASCII's other characters out, because
/// classes of Unicode letters are not in every validator's regular expressions.
const KEY: &str = r"^[^\u0000-,./:-@\[-\^`{-\u007f]{1,255}$";
/// A string that is so long needs no bound.
const LONG: usize = 1 << 31;

/// The schema of resource files. What this version refuses is left out, so that an editor marks it.
pub fn resources(registry: &Registry) -> Value {
    let declarable = || registry.sections().filter(|section| section.declarable);
    let mut definitions = Map::new();
    definitions.insert("expression".into(), expression());
    definitions.insert("lifecycle".into(), lifecycle());
    for section in declarable() {
        definitions.insert(section.name.into(), body(section, registry));
    }
    let sections: Map<String, Value> = declarable().map(|section| (section.name.into(), collection(section))).collect();
    json!({
        "$schema": DRAFT,
        "title": "trueup resources",
        "description": "Resources that trueup brings remote instances into line with.",
        "type": ["object", "null"],
        "properties": sections,
        "additionalProperties": false,
        "$defs": definitions,
    })
}

fn collection(section: &Section) -> Value {
    json!({
        "description": section.doc,
        "type": ["object", "null"],
        "propertyNames": property_names(section),
        "additionalProperties": { "$ref": format!("#/$defs/{}", section.name) },
    })
}

/// Where the key is the natural key, it has that one's form; where a field may say otherwise, any key will do.
fn property_names(section: &Section) -> Value {
    let own = section.key.iter().find(|part| part.from == KeySource::Key);
    match own.map(|part| part.shape) {
        Some(shape @ (Shape::Format(_) | Shape::Text { .. })) => {
            json!({ "allOf": [{ "pattern": KEY }, constraints(shape)] })
        }
        _ => json!({ "pattern": KEY }),
    }
}

fn body(section: &Section, registry: &Registry) -> Value {
    let fields = || section.fields.iter().filter(|field| field.unsupported.is_none());
    let mut properties: Map<String, Value> =
        fields().map(|field| (field.name.into(), describe(field, registry))).collect();
    properties
        .insert("target".into(), json!({ "description": section.target_doc(), "type": "string", "minLength": 1 }));
    properties.insert("lifecycle".into(), json!({ "description": LIFECYCLE_DOC, "$ref": "#/$defs/lifecycle" }));
    let required: Vec<&str> = fields().filter(|field| field.required).map(|field| field.name).collect();
    let identifies = |name: &&str| section.key.iter().any(|part| part.name == *name);
    let identifying: Vec<&str> = required.iter().copied().filter(|name| identifies(name)).collect();
    let mut body = json!({
        "description": section.doc,
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if !identifying.is_empty() {
        body["required"] = json!(identifying);
    }
    if required.len() > identifying.len() {
        // What shall not exist needs no more than what identifies it.
        let absent = json!({ "properties": { "absent": { "const": true } }, "required": ["absent"] });
        body["if"] = json!({ "properties": { "lifecycle": absent }, "required": ["lifecycle"] });
        body["else"] = json!({ "required": required });
    }
    body
}

fn describe(field: &Field, registry: &Registry) -> Value {
    let mut doc = field.doc.to_owned();
    if let ChangeRule::Never(because) = field.change {
        doc = format!("{doc} Cannot be changed: {}.", because.trim_end_matches('.'));
    }
    if !field.apis.is_empty() {
        doc = format!("{doc} Only in: {}.", field.apis.join(", "));
    }
    let mut described = Map::new();
    described.insert("description".into(), doc.into());
    if let Some(default) = field.default {
        let default: Value = serde_json::from_str(default).expect("defaults in tables are JSON");
        described.insert("default".into(), default);
    }
    if field.sensitive {
        described.insert("writeOnly".into(), true.into());
    }
    if let Value::Object(shape) = shape(field.shape, registry) {
        described.extend(shape);
    }
    Value::Object(described)
}

fn shape(shape: Shape, registry: &Registry) -> Value {
    match shape {
        Shape::Any => json!({}),
        Shape::Text { min: 0 | 1, max } if max >= LONG => constraints(shape),
        Shape::Reference { section, with_slug, .. } => reference(section, with_slug, registry),
        Shape::Parts { section } => parts(section, registry),
        _ => json!({ "anyOf": [constraints(shape), { "$ref": "#/$defs/expression" }] }),
    }
}

/// A mapping from what each part is about to the part: `null`, its value, or its fields.
fn parts(section: &str, registry: &Registry) -> Value {
    let section = registry.section(section).expect("a table names registered sections");
    let fields = section.own_fields();
    let properties: Map<String, Value> =
        fields.clone().map(|field| (field.name.into(), describe(field, registry))).collect();
    let required: Vec<&str> = fields.filter(|field| field.required).map(|field| field.name).collect();
    let written_out =
        json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false });
    let alone = json!({ "type": ["null", "boolean", "number", "string"] });
    json!({ "type": "object", "additionalProperties": { "anyOf": [alone, written_out] } })
}

/// What a value has to be that is written out.
fn constraints(shape: Shape) -> Value {
    match shape {
        Shape::Text { min, max } => bounded(json!({ "type": "string" }), min, max),
        Shape::Format(Format { pattern, min, max, .. }) => {
            bounded(json!({ "type": "string", "pattern": format!("^(?:{pattern})$") }), *min, *max)
        }
        Shape::Boolean => json!({ "type": "boolean" }),
        Shape::Integer { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Shape::Instant => json!({
            "type": "string",
            "format": "date-time",
            "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$",
        }),
        Shape::Enum(words) => json!({ "enum": words }),
        Shape::Texts { .. } => json!({ "type": "array", "items": { "type": "string" } }),
        Shape::Names { .. } => json!({ "type": "array", "items": { "type": "string", "minLength": 1 } }),
        Shape::Object => json!({ "type": "object" }),
        Shape::Mappings { .. } => json!({
            "type": "array",
            "items": { "anyOf": [{ "type": "object" }, { "$ref": "#/$defs/expression" }] },
        }),
        Shape::Parts { .. } | Shape::Reference { .. } | Shape::Any => json!({}),
    }
}

fn bounded(mut schema: Value, min: usize, max: usize) -> Value {
    if min > 0 {
        schema["minLength"] = min.into();
    }
    if max < LONG {
        schema["maxLength"] = max.into();
    }
    schema
}

fn reference(section: &str, with_slug: bool, registry: &Registry) -> Value {
    let id = registry.section(section).map_or("id", Section::id_name);
    let mut properties = Map::new();
    properties.insert(
        id.into(),
        json!({ "description": "The remote's own id, passed through unresolved.", "type": "string", "minLength": 1 }),
    );
    if with_slug {
        properties.insert(
            "slug".into(),
            json!({ "description": "The slug sent beside the id.", "type": "string", "minLength": 1 }),
        );
    }
    json!({
        "anyOf": [
            { "type": "string", "minLength": 1 },
            { "type": "object", "properties": properties, "additionalProperties": false, "required": [id] },
        ],
    })
}

fn expression() -> Value {
    json!({
        "description": "A string with `${section.key.field}` or `${var.name}` in it.",
        "type": "string",
        "pattern": r"\$\{",
    })
}

fn lifecycle() -> Value {
    let or_expression = |schema: Value| json!({ "anyOf": [schema, { "$ref": "#/$defs/expression" }] });
    let shape = |name: &str| match name {
        "depends_on" | "ignore" => json!({ "type": "array", "items": { "type": "string", "minLength": 1 } }),
        "absent" | "protect" | "replace" | "cascade" => or_expression(json!({ "type": "boolean" })),
        "on_exists" => or_expression(json!({ "enum": ["adopt", "adopt_if_equal"] })),
        "was" => json!({ "type": "string", "minLength": 1 }),
        "timeout" => or_expression(json!({ "type": "string", "pattern": "^[0-9]+[smh]$" })),
        other => unreachable!("the schema does not know `lifecycle.{other}`"),
    };
    let properties: Map<String, Value> = LIFECYCLE
        .iter()
        .map(|field| {
            let mut described = shape(field.name);
            described["description"] = field.doc.into();
            (field.name.into(), described)
        })
        .collect();
    json!({
        "description": LIFECYCLE_DOC,
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::{Kind, Proposal, Provider, Readable, Reader, RemoteError, Requests, Session, Wanted, Writer};
    use crate::model::{Attribute, Facts, KeyPart, Observed};
    use crate::settings::Endpoint;

    struct Nowhere;

    impl Session for Nowhere {
        fn facts(&self) -> Facts {
            Facts { provider: "nowhere", url: "".into(), api: "v1", read_only: None }
        }

        fn requests(&self) -> Requests {
            Requests::default()
        }
    }

    impl Provider for Nowhere {
        const NAME: &'static str = "nowhere";
        type Session = Self;

        async fn connect_with(_: &Endpoint, _: crate::http::Client) -> Result<Self, RemoteError> {
            Ok(Self)
        }
    }

    static SLUG: Format =
        Format { what: "a slug", pattern: "[a-z0-9]+(-[a-z0-9]+)*|x", min: 1, max: 20, help: "use a-z" };

    static BOXES: Section = Section {
        name: "boxes",
        singular: "box",
        provider: "nowhere",
        doc: "A box.",
        declarable: true,
        apis: &[],
        key: &[KeyPart { name: "slug", from: KeySource::Key, shape: Shape::Format(&SLUG) }],
        fold_case: false,
        fields: &[
            Field::new("name", "name", Shape::Text { min: 1, max: 5 }, "Its name.").required(),
            Field::new("note", "note", Shape::Text { min: 0, max: usize::MAX }, "A note."),
            Field::new("open", "open", Shape::Boolean, "Whether it is open.").default("false"),
            Field::new("size", "size", Shape::Integer { min: 1, max: 9 }, "How large.").immutable("it is a box"),
            Field::new("since", "since", Shape::Instant, "Since when."),
            Field::new("colour", "colour", Shape::Enum(&["RED", "BLUE"]), "Its colour.").only(&["v1"]),
            Field::new(
                "shelf",
                "shelfId",
                Shape::Reference { section: "shelves", qualifier: None, with_slug: true },
                "Where.",
            ),
            Field::new("tags", "tags", Shape::Texts { max_total: 9 }, "Tags."),
            Field::new("metadata", "metadata", Shape::Object, "Anything.").sensitive(),
            Field::new("extra", "extra", Shape::Any, "Anything at all."),
            Field::new("later", "later", Shape::Any, "Not yet.").unsupported("wait"),
        ],
        attributes: &[],
        example: "",
    };

    static SHELVES: Section = Section {
        name: "shelves",
        singular: "shelf",
        provider: "nowhere",
        doc: "A shelf.",
        declarable: false,
        apis: &[],
        key: &[],
        fold_case: false,
        fields: &[],
        attributes: &[Attribute::new("guid", "guid", "Its id.")],
        example: "",
    };

    static CRATES: Section = Section {
        name: "crates",
        singular: "crate",
        provider: "nowhere",
        doc: "A crate.",
        declarable: true,
        apis: &[],
        key: &[KeyPart { name: "name", from: KeySource::FieldOrKey, shape: Shape::Format(&SLUG) }],
        fold_case: false,
        fields: &[Field::new("name", "name", Shape::Format(&SLUG), "Its name.")],
        attributes: &[],
        example: "",
    };

    macro_rules! kinds {
        ($($name:ident = $section:ident;)+) => {$(
            struct $name;

            impl Readable for $name {
                type Provider = Nowhere;
                const SECTION: &'static Section = &$section;

                async fn observe(_: &Wanted<'_>, _: Reader<'_, Nowhere>) -> Result<Vec<Observed>, RemoteError> {
                    Ok(Vec::new())
                }
            }

            impl Kind for $name {
                async fn create(_: Proposal<'_>, _: &Writer<'_, Nowhere>) -> Result<Observed, RemoteError> {
                    unreachable!("nothing is created here")
                }

                async fn look_up(_: Proposal<'_>, _: Reader<'_, Nowhere>) -> Result<Option<Observed>, RemoteError> {
                    Ok(None)
                }
            }
        )+};
    }

    kinds! {
        Box = BOXES;
        Shelf = SHELVES;
        Crate = CRATES;
    }

    fn schema() -> Value {
        resources(&Registry::default().with::<Box>().with_readable::<Shelf>().with::<Crate>())
    }

    #[track_caller]
    fn judge(yaml: &str) -> bool {
        let document: Value = serde_yaml::from_str(yaml).expect("YAML");
        let schema = schema();
        assert!(jsonschema::meta::is_valid(&schema), "the schema is not one");
        jsonschema::validator_for(&schema).expect("a schema").is_valid(&document)
    }

    #[test]
    fn what_the_tables_allow_is_valid() {
        for yaml in [
            "boxes: { a-1: { name: Box } }",
            "boxes: {}",
            "boxes:",
            "",
            "boxes: { a: { name: '${var.name} and more', open: '${var.open}', size: '${crates.a.size}', tags: '${var.tags}' } }",
            "boxes: { a: { name: a, note: '', open: true, size: 9, since: '2026-09-01T00:00:00.5+02:00', colour: RED } }",
            "boxes: { a: { name: a, colour: '${var.colour}', since: '${var.since}', metadata: { a: [1] }, tags: [a] } }",
            "boxes: { a: { name: a, shelf: top, extra: [1, { a: null }] } }",
            "boxes: { a: { name: a, shelf: { guid: x, slug: top } } }",
            "boxes: { a: { name: a, target: nowhere, lifecycle: { depends_on: [crates.a], protect: true, ignore: [a], on_exists: adopt, timeout: 60m } } }",
            "crates: { a: {}, Any_Key-é名: { name: x } }",
            "boxes: { a: { lifecycle: { absent: true } } }",
            "boxes: { a: { name: a, lifecycle: { absent: false, was: b, replace: true, cascade: true } } }",
        ] {
            assert!(judge(yaml), "{yaml}");
        }
    }

    #[test]
    fn what_the_tables_do_not_allow_is_not() {
        for yaml in [
            "bixes: {}",
            "boxes: []",
            "shelves: { a: {} }",
            "boxes: { A: { name: Box } }",
            "boxes: { xa-: { name: Box } }",
            "boxes: { a.b: { name: Box } }",
            "boxes: { a: {} }",
            "boxes: { a: }",
            "crates: { a: }",
            "boxes: { a: { name: toolong } }",
            "boxes: { a: { name: '' } }",
            "boxes: { a: { name: 1 } }",
            "boxes: { a: { name: a, nane: b } }",
            "boxes: { a: { name: a, open: 'yes' } }",
            "boxes: { a: { name: a, size: 10 } }",
            "boxes: { a: { name: a, size: 1.5 } }",
            "boxes: { a: { name: a, since: '2026-09-01' } }",
            "boxes: { a: { name: a, colour: red } }",
            "boxes: { a: { name: a, shelf: { id: x } } }",
            "boxes: { a: { name: a, shelf: { slug: top } } }",
            "boxes: { a: { name: a, shelf: 1 } }",
            "boxes: { a: { name: a, tags: [1] } }",
            "boxes: { a: { name: a, metadata: text } }",
            "boxes: { a: { name: a, later: 1 } }",
            "boxes: { a: { name: a, note: null } }",
            "boxes: { a: { lifecycle: { absent: false } } }",
            "boxes: { a: { lifecycle: {} } }",
            "boxes: { a: { lifecycle: { absent: true }, nane: b } }",
            "boxes: { a: { name: a, lifecycle: { absent: 1 } } }",
            "boxes: { a: { name: a, lifecycle: { timeout: 60 } } }",
            "boxes: { a: { name: a, lifecycle: { on_exists: keep } } }",
            "crates: { 'a b': {} }",
            "crates: { a: { name: A } }",
        ] {
            assert!(!judge(yaml), "{yaml}");
        }
    }

    #[test]
    fn an_editor_is_told_what_each_field_is() {
        let schema = schema();
        let field = |name: &str| &schema["$defs"]["boxes"]["properties"][name];
        assert_eq!(field("name")["description"], "Its name.");
        assert_eq!(field("size")["description"], "How large. Cannot be changed: it is a box.");
        assert_eq!(field("colour")["description"], "Its colour. Only in: v1.");
        assert_eq!(field("open")["default"], false);
        assert_eq!(field("metadata")["writeOnly"], true);
        assert_eq!(schema["properties"]["boxes"]["description"], "A box.");
    }
}
