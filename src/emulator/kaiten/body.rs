//! Checks request bodies against the schemas of the contract, with the framework's words (§3.2, §6.2).

use serde_json::{Map, Value};

use super::problem::{Problem, Violation};
use super::slug;
use super::stamp::Stamp;

/// The properties of a body, sorted by name: that is the order in which the framework reports.
pub(super) type Schema = &'static [Property];

/// One property of a body.
#[derive(Debug)]
pub(super) struct Property {
    name: &'static str,
    presence: Presence,
    shape: Shape,
}

/// Whether a property must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    Optional,
    /// It must be there, and may be null.
    Named,
    /// It must be there and hold something.
    Required,
}

/// What a property may hold.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// Anything: it is tolerated and ignored.
    ReadOnly,
    /// A string of so many characters; the maximum 0 means any number.
    Text { min: usize, max: usize },
    /// The pattern of slugs.
    Slug,
    /// A lower-case domain with a dot.
    Domain,
    /// RFC 3339.
    Instant,
    /// A string that becomes a UUID; the schema says string, and decoding fails otherwise.
    Uuid,
    /// One of these.
    Choice(&'static [&'static str]),
    /// The token of an icon: `provider:name`.
    Icon,
    /// `true` or `false`.
    Boolean,
    /// A whole number of 32 bits within these bounds.
    Integer { min: i64, max: i64 },
    /// Any number.
    Number,
    /// A number above zero.
    Positive,
    /// Anything at all, null too, and kept as it is.
    Anything,
    /// A free object.
    Object,
    /// An object of this schema.
    Fields(Schema),
    /// An object whose `type` says which of these schemas it has.
    Tagged(&'static [(&'static str, Schema)]),
    /// The same, where the contract names no property that decides: what is wrong inside is not said.
    AnyOf(&'static [(&'static str, Schema)]),
    /// A map of objects, each of this schema.
    MapOf(Schema),
    /// A map of values of this shape.
    MapTo(&'static Shape),
    /// An array of values of this shape.
    ListOf(&'static Shape),
}

/// Any text.
pub(super) const TEXT: Shape = Shape::Text { min: 0, max: 0 };

/// A whole number of 32 bits.
pub(super) const INTEGER: Shape = Shape::Integer { min: i32::MIN as i64, max: i32::MAX as i64 };

/// A property that may be left out.
pub(super) const fn optional(name: &'static str, shape: Shape) -> Property {
    Property { name, presence: Presence::Optional, shape }
}

/// A property that must be there and not null.
pub(super) const fn required(name: &'static str, shape: Shape) -> Property {
    Property { name, presence: Presence::Required, shape }
}

/// A property that must be there, though it may be null.
pub(super) const fn named(name: &'static str, shape: Shape) -> Property {
    Property { name, presence: Presence::Named, shape }
}

const SLUG_PATTERN: &str = "^[a-z0-9][a-z0-9-]*[a-z0-9]$";
const ICON_PATTERN: &str = "^[a-z0-9]+:[a-z0-9]+(-[a-z0-9]+)*$";
const DOMAIN_PATTERN: &str = r"^[a-z0-9_-]+(\.[a-z0-9_-]+)+$";

/// A body that fits its schema, without nulls and read-only properties, and with the contract's spelling of names.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Body(Map<String, Value>);

impl Body {
    /// Parses a body (400), then checks it against the schema (422).
    pub(super) fn read(bytes: &[u8], schema: Schema) -> Result<Self, Problem> {
        if bytes.is_empty() {
            return Err(Problem::generic(400, "request body is required"));
        }
        let value: Value = serde_json::from_slice(bytes).map_err(|error| {
            let value = String::from_utf8_lossy(bytes).into_owned().into();
            let violation = Violation { location: "body".to_owned(), message: error.to_string(), value };
            Problem { errors: vec![violation], ..Problem::generic(400, "validation failed") }
        })?;
        let mut check = Check::default();
        check.object("body", &value, schema);
        if check.violations.is_empty() {
            check.violations = check.undecodable;
        }
        if !check.violations.is_empty() {
            return Err(Problem::schema(check.violations));
        }
        let Value::Object(map) = value else { unreachable!("the check lets only objects pass") };
        Ok(Self(cleaned(map, schema)))
    }

    /// A property's string; none if it was left out.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// A property's string, to keep; none if it was left out.
    pub(super) fn owned(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    /// A property's UUID, in lower case; none if it was left out.
    pub(super) fn id(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_ascii_lowercase)
    }

    /// The string of a property the schema requires.
    pub(super) fn demanded(&self, name: &str) -> String {
        self.owned(name).expect("the schema demands it")
    }

    /// The time in a property the schema requires. The zero time is "unset" to the server, and the database fails (§6.1).
    pub(super) fn time(&self, name: &str) -> Result<Stamp, Problem> {
        match Stamp::parse(&self.demanded(name)) {
            Some(stamp) if stamp != Stamp::UNSET => Ok(stamp),
            _ => Err(Problem::internal()),
        }
    }

    /// Whether a property is there and true.
    pub(super) fn is_true(&self, name: &str) -> bool {
        self.0.get(name) == Some(&Value::Bool(true))
    }

    /// A property's whole number; none if it was left out.
    pub(super) fn integer(&self, name: &str) -> Option<i64> {
        self.0.get(name).and_then(whole)
    }

    /// A property's number; none if it was left out.
    pub(super) fn number(&self, name: &str) -> Option<f64> {
        self.0.get(name).and_then(Value::as_f64)
    }

    /// A property's array; none if it was left out.
    pub(super) fn list(&self, name: &str) -> Option<&Vec<Value>> {
        self.0.get(name).and_then(Value::as_array)
    }

    /// A property as it was sent; none if it was left out.
    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// A property's object; none if it was left out.
    pub(super) fn object(&self, name: &str) -> Option<&Map<String, Value>> {
        self.0.get(name).and_then(Value::as_object)
    }
}

/// The map without nulls and what is read-only, under the names of the schema.
fn cleaned(map: Map<String, Value>, schema: Schema) -> Map<String, Value> {
    let mut kept = Map::new();
    for (key, value) in map {
        let property = find(schema, &key).expect("the check lets only these pass");
        let left_out = value.is_null() && !matches!(property.shape, Shape::Anything);
        // The exact spelling wins over another one.
        let shadowed = key != property.name && kept.contains_key(property.name);
        if !left_out && !shadowed && !matches!(property.shape, Shape::ReadOnly) {
            kept.insert(property.name.to_owned(), within(value, property.shape));
        }
    }
    kept
}

/// The value with what is below it cleaned by its shape.
fn within(value: Value, shape: Shape) -> Value {
    match (shape, value) {
        (Shape::Fields(schema), Value::Object(map)) => cleaned(map, schema).into(),
        (Shape::Tagged(schemas) | Shape::AnyOf(schemas), Value::Object(map)) => {
            let schema = tagged(schemas, &map).expect("the check lets only these pass");
            cleaned(map, schema).into()
        }
        (Shape::MapOf(schema), Value::Object(map)) => {
            let entries = map.into_iter().map(|(key, entry)| (key, within(entry, Shape::Fields(schema))));
            entries.collect::<Map<_, _>>().into()
        }
        (Shape::ListOf(shape), Value::Array(items)) => items.into_iter().map(|item| within(item, *shape)).collect(),
        (_, value) => value,
    }
}

/// The schema that fits the `type` of an object.
fn tagged(schemas: &[(&str, Schema)], map: &Map<String, Value>) -> Option<Schema> {
    let tag = map.get("type")?.as_str()?;
    schemas.iter().find(|(name, _)| *name == tag).map(|(_, schema)| *schema)
}

/// A number without a fraction, also if it is written with one.
fn whole(value: &Value) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "whole and within bounds")]
    let from_double =
        || value.as_f64().filter(|double| double.fract() == 0.0 && double.abs() < 9e15).map(|it| it as i64);
    value.as_i64().or_else(from_double)
}

/// The framework compares names without regard to case.
fn find(schema: Schema, key: &str) -> Option<&'static Property> {
    schema.iter().find(|property| property.name.eq_ignore_ascii_case(key))
}

/// Whether null is a value of this property.
fn anything(found: Option<&Value>, property: &Property) -> bool {
    found.is_some() && matches!(property.shape, Shape::Anything)
}

#[derive(Default)]
struct Check {
    violations: Vec<Violation>,
    /// What only decoding finds, after a clean check.
    undecodable: Vec<Violation>,
}

impl Check {
    fn fails(&mut self, location: &str, message: impl Into<String>, value: &Value) {
        self.violations.push(Violation {
            location: location.to_owned(),
            message: message.into(),
            value: value.clone(),
        });
    }

    fn object(&mut self, location: &str, value: &Value, schema: Schema) {
        let Some(map) = value.as_object() else { return self.fails(location, "expected object", value) };
        for property in schema {
            let found = map.get(property.name).or_else(|| {
                map.iter().find(|(key, _)| property.name.eq_ignore_ascii_case(key)).map(|(_, value)| value)
            });
            match found {
                None | Some(Value::Null) if property.presence == Presence::Required && !anything(found, property) => {
                    // The place of what is missing is its parent.
                    let message = format!("expected required property {} to be present", property.name);
                    self.fails(location, message, value);
                }
                None if property.presence == Presence::Named => {
                    let message = format!("expected required property {} to be present", property.name);
                    self.fails(location, message, value);
                }
                None | Some(Value::Null) => {}
                Some(found) => self.property(&format!("{location}.{}", property.name), found, property.shape, value),
            }
        }
        for key in map.keys().filter(|key| find(schema, key).is_none()) {
            self.fails(&format!("{location}.{key}"), "unexpected property", value);
        }
    }

    fn property(&mut self, location: &str, value: &Value, shape: Shape, parent: &Value) {
        match shape {
            Shape::Boolean if !value.is_boolean() => self.fails(location, "expected boolean", value),
            Shape::Object | Shape::MapOf(_) | Shape::MapTo(_) if !value.is_object() => {
                self.fails(location, "expected object", value);
            }
            Shape::ReadOnly | Shape::Anything | Shape::Boolean | Shape::Object => {}
            Shape::Fields(schema) => self.object(location, value, schema),
            Shape::Tagged(schemas) => self.tagged(location, value, schemas),
            Shape::AnyOf(schemas) => {
                let mut inside = Self::default();
                inside.tagged(location, value, schemas);
                if !inside.violations.is_empty() {
                    self.fails(location, "expected value to match at least one schema but matched none", value);
                }
            }
            Shape::MapOf(schema) => {
                for (key, entry) in value.as_object().into_iter().flatten() {
                    self.object(&format!("{location}.{key}"), entry, schema);
                }
            }
            Shape::MapTo(shape) => {
                for (key, entry) in value.as_object().into_iter().flatten() {
                    self.property(&format!("{location}.{key}"), entry, *shape, value);
                }
            }
            Shape::ListOf(shape) => {
                let Some(items) = value.as_array() else { return self.fails(location, "expected array", value) };
                for (index, item) in items.iter().enumerate() {
                    self.property(&format!("{location}[{index}]"), item, *shape, parent);
                }
            }
            Shape::Integer { .. } | Shape::Number | Shape::Positive => self.number(location, value, shape),
            Shape::Text { .. }
            | Shape::Slug
            | Shape::Domain
            | Shape::Icon
            | Shape::Instant
            | Shape::Uuid
            | Shape::Choice(_) => match value.as_str() {
                Some(text) => self.text(location, text, value, shape, parent),
                None => self.fails(location, "expected string", value),
            },
        }
    }

    fn number(&mut self, location: &str, value: &Value, shape: Shape) {
        let Some(number) = value.as_f64() else {
            let kind = if matches!(shape, Shape::Integer { .. }) { "integer" } else { "number" };
            return self.fails(location, format!("expected {kind}"), value);
        };
        match shape {
            Shape::Positive if number <= 0.0 => self.fails(location, "expected number > 0", value),
            Shape::Integer { min, max } => match whole(value) {
                None => self.fails(location, "expected integer", value),
                Some(whole) if whole < min => self.fails(location, format!("expected number >= {min}"), value),
                Some(whole) if whole > max => self.fails(location, format!("expected number <= {max}"), value),
                Some(_) => {}
            },
            _ => {}
        }
    }

    /// The framework looks only at the `type`, and then at the schema it names.
    fn tagged(&mut self, location: &str, value: &Value, schemas: &[(&str, Schema)]) {
        let Some(map) = value.as_object() else { return self.fails(location, "expected object", value) };
        match tagged(schemas, map) {
            Some(schema) => self.object(location, value, schema),
            None if !map.contains_key("type") => {
                let message = "expected propertyName value to be present in object";
                self.fails(&format!("{location}.type"), message, value);
            }
            None => self.fails(location, "expected value to match exactly one schema but matched none", value),
        }
    }

    fn text(&mut self, location: &str, text: &str, value: &Value, shape: Shape, parent: &Value) {
        let (min, max) = match shape {
            Shape::Text { min, max } => (min, max),
            Shape::Slug => (2, slug::LONGEST),
            Shape::Icon => (0, 64),
            _ => (0, 0),
        };
        let length = text.chars().count();
        if length < min {
            self.fails(location, format!("expected length >= {min}"), value);
        }
        if max > 0 && length > max {
            self.fails(location, format!("expected length <= {max}"), value);
        }
        match shape {
            Shape::Slug if !slug::is_well_formed(text) => {
                self.fails(location, format!("expected string to match pattern {SLUG_PATTERN}"), value);
            }
            Shape::Icon if !is_icon(text) => {
                self.fails(location, format!("expected string to match pattern {ICON_PATTERN}"), value);
            }
            Shape::Domain if !is_domain(text) => {
                self.fails(location, format!("expected string to match pattern {DOMAIN_PATTERN}"), value);
            }
            Shape::Instant if Stamp::parse(text).is_none() => {
                self.fails(location, "expected string to be RFC 3339 date-time", value);
            }
            Shape::Choice(choices) if !choices.contains(&text) => {
                self.fails(location, format!("expected value to be one of \"{}\"", choices.join(", ")), value);
            }
            Shape::Uuid if !is_uuid(text) => {
                let message = if text.len() == 36 {
                    "invalid UUID format".to_owned()
                } else {
                    format!("invalid UUID length: {}", text.len())
                };
                let location = "body".to_owned();
                self.undecodable.push(Violation { location, message, value: parent.clone() });
            }
            _ => {}
        }
    }
}

/// The form with hyphens; upper case is understood, and stored in lower case.
pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}

fn is_icon(text: &str) -> bool {
    let plain =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    text.split_once(':').is_some_and(|(provider, name)| plain(provider) && name.split('-').all(plain))
}

fn is_domain(text: &str) -> bool {
    let part = |part: &str| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
        !part.is_empty() && part.bytes().all(plain)
    };
    text.contains('.') && text.split('.').all(part)
}

#[cfg(test)]
mod tests;
