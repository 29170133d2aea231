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
    required: bool,
    shape: Shape,
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
    /// `true` or `false`.
    Boolean,
    /// A free object.
    Object,
    /// A map of objects, each of this schema.
    MapOf(Schema),
}

/// A property that may be left out.
pub(super) const fn optional(name: &'static str, shape: Shape) -> Property {
    Property { name, required: false, shape }
}

/// A property that must be there and not null.
pub(super) const fn required(name: &'static str, shape: Shape) -> Property {
    Property { name, required: true, shape }
}

const SLUG_PATTERN: &str = "^[a-z0-9][a-z0-9-]*[a-z0-9]$";
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
        if !value.is_null() && !matches!(property.shape, Shape::ReadOnly) {
            let value = match (property.shape, value) {
                (Shape::MapOf(schema), Value::Object(entries)) => entries
                    .into_iter()
                    .map(|(key, entry)| match entry {
                        Value::Object(entry) => (key, Value::Object(cleaned(entry, schema))),
                        other => (key, other),
                    })
                    .collect::<Map<_, _>>()
                    .into(),
                (_, value) => value,
            };
            // The exact spelling wins over another one.
            if key == property.name || !kept.contains_key(property.name) {
                kept.insert(property.name.to_owned(), value);
            }
        }
    }
    kept
}

/// The framework compares names without regard to case.
fn find(schema: Schema, key: &str) -> Option<&'static Property> {
    schema.iter().find(|property| property.name.eq_ignore_ascii_case(key))
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
                None | Some(Value::Null) if property.required => {
                    // The place of what is missing is its parent.
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
            Shape::Object | Shape::MapOf(_) if !value.is_object() => self.fails(location, "expected object", value),
            Shape::ReadOnly | Shape::Boolean | Shape::Object => {}
            Shape::MapOf(schema) => {
                for (key, entry) in value.as_object().into_iter().flatten() {
                    self.object(&format!("{location}.{key}"), entry, schema);
                }
            }
            Shape::Text { .. } | Shape::Slug | Shape::Domain | Shape::Instant | Shape::Uuid | Shape::Choice(_) => {
                match value.as_str() {
                    Some(text) => self.text(location, text, value, shape, parent),
                    None => self.fails(location, "expected string", value),
                }
            }
        }
    }

    fn text(&mut self, location: &str, text: &str, value: &Value, shape: Shape, parent: &Value) {
        let (min, max) = match shape {
            Shape::Text { min, max } => (min, max),
            Shape::Slug => (2, slug::LONGEST),
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
fn is_uuid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}

fn is_domain(text: &str) -> bool {
    let part = |part: &str| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
        !part.is_empty() && part.bytes().all(plain)
    };
    text.contains('.') && text.split('.').all(part)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const THING: Schema = &[
        optional("createdAt", Shape::ReadOnly),
        optional("customerId", Shape::Uuid),
        optional("domain", Shape::Domain),
        optional("kind", Shape::Choice(&["PAID", "TRIAL"])),
        optional("links", Shape::MapOf(&[required("url", Shape::Text { min: 1, max: 0 })])),
        optional("metadata", Shape::Object),
        required("name", Shape::Text { min: 1, max: 5 }),
        optional("on", Shape::Boolean),
        optional("slug", Shape::Slug),
        optional("start", Shape::Instant),
    ];

    fn read(body: &Value) -> Result<Body, Problem> {
        Body::read(body.to_string().as_bytes(), THING)
    }

    fn complaints(body: &Value) -> Vec<(String, String)> {
        let problem = read(body).unwrap_err();
        assert_eq!((problem.status, problem.code.as_str()), (422, "UNPROCESSABLE"));
        problem.errors.into_iter().map(|error| (error.location, error.message)).collect()
    }

    fn complaint(body: &Value) -> (String, String) {
        let mut all = complaints(body);
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    #[test]
    fn a_missing_property_is_reported_at_its_parent_and_so_is_null() {
        for body in [json!({}), json!({"name": null})] {
            let problem = read(&body).unwrap_err();
            assert_eq!(problem.errors[0].location, "body");
            assert_eq!(problem.errors[0].message, "expected required property name to be present");
            assert_eq!(problem.errors[0].value, body);
        }
        let nested = complaint(&json!({"name": "a", "links": {"crm": {}}}));
        assert_eq!(nested, ("body.links.crm".to_owned(), "expected required property url to be present".to_owned()));
    }

    #[test]
    fn an_unknown_property_is_refused_where_it_stands() {
        let body = json!({"name": "a", "platform": {}});
        assert_eq!(complaint(&body), ("body.platform".to_owned(), "unexpected property".to_owned()));
        assert_eq!(read(&body).unwrap_err().errors[0].value, body);
    }

    #[test]
    fn each_wrong_value_is_refused_in_the_words_of_the_framework() {
        let cases = [
            ("name", json!(""), "expected length >= 1"),
            ("name", json!("äöüßéé"), "expected length <= 5"),
            ("name", json!(7), "expected string"),
            ("slug", json!("Bad_Slug"), "expected string to match pattern ^[a-z0-9][a-z0-9-]*[a-z0-9]$"),
            ("slug", json!("a".repeat(101)), "expected length <= 100"),
            ("domain", json!("acme"), r"expected string to match pattern ^[a-z0-9_-]+(\.[a-z0-9_-]+)+$"),
            ("domain", json!("Acme.com"), r"expected string to match pattern ^[a-z0-9_-]+(\.[a-z0-9_-]+)+$"),
            ("kind", json!("paid"), "expected value to be one of \"PAID, TRIAL\""),
            ("on", json!("true"), "expected boolean"),
            ("metadata", json!([]), "expected object"),
            ("start", json!("2026-01-01"), "expected string to be RFC 3339 date-time"),
        ];
        for (name, value, message) in cases {
            let mut body = json!({"name": "a"});
            body[name] = value.clone();
            assert_eq!(complaint(&body), (format!("body.{name}"), message.to_owned()));
            assert_eq!(read(&body).unwrap_err().errors[0].value, value);
        }
    }

    #[test]
    fn all_violations_are_reported_together() {
        let places: Vec<_> =
            complaints(&json!({"slug": "X", "on": 1, "zzz": 1})).into_iter().map(|(at, _)| at).collect();
        assert_eq!(places, ["body", "body.on", "body.slug", "body.slug", "body.zzz"]);
    }

    #[test]
    fn a_malformed_uuid_fails_only_in_decoding() {
        let body = json!({"name": "a", "customerId": "123e4567-e89b-12d3-a2456-426614174000"});
        assert_eq!(complaint(&body), ("body".to_owned(), "invalid UUID length: 37".to_owned()));
        let both = json!({"name": "", "customerId": "x"});
        assert_eq!(complaint(&both).0, "body.name");
    }

    #[test]
    fn read_only_properties_nulls_and_other_spellings_are_tolerated() {
        let body = read(&json!({"Name": "a", "createdAt": 5, "slug": null})).unwrap();
        assert_eq!(body, Body(Map::from_iter([("name".to_owned(), json!("a"))])));
    }

    #[test]
    fn a_body_that_is_missing_or_not_json_is_a_400() {
        for bytes in [&b""[..], b"{", b"{\"name\":}"] {
            let problem = Body::read(bytes, THING).unwrap_err();
            assert_eq!((problem.status, problem.code.as_str()), (400, "VALIDATION"));
        }
        assert_eq!(Body::read(b"[]", THING).unwrap_err().status, 422);
    }
}
