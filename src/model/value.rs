//! Values of fields, declared or observed.

use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Number;

use super::{Address, Fingerprint, Path};

/// A mapping, in the order in which it was written or read.
pub type Map = IndexMap<Arc<str>, Value>;

/// The remote's own name of an object: Kaiten's `id`, Cloud Foundry's `guid`. Opaque.
pub type RemoteId = Arc<str>;

/// The value of a field, declared or observed.
///
/// Which variants occur depends on the stage: a [`Value::Reference`] or [`Value::Template`] is only in what is declared,
/// and resolving it yields a [`Value::Link`], a plain value or [`Value::Unknown`].
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number: 64-bit integers exactly, anything else as a double.
    Number(Number),
    /// A string.
    Text(Arc<str>),
    /// A list.
    List(Vec<Value>),
    /// A mapping.
    Map(Box<Map>),
    /// Another object, as declared: not yet looked up.
    Reference(Box<Reference>),
    /// Another object, looked up or observed.
    Link(Box<Link>),
    /// A string with expressions in it that need another resource.
    Template(Box<Template>),
    /// Known only after apply.
    Unknown,
    /// A value that must not be shown.
    Sensitive(Box<Sensitive>),
    /// A mark of a value that cannot be read back; only observed.
    Fingerprint(Box<Fingerprint>),
    /// A value that is not here because it may be a secret: a snapshot leaves it out, or its source is not asked.
    Redacted,
}

impl Value {
    /// A string value.
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// The string, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The mapping, if it is one.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Whether anything in it is not known: not before apply, or not here.
    pub fn has_unknown(&self) -> bool {
        match self {
            Self::Unknown | Self::Redacted => true,
            Self::List(items) => items.iter().any(Self::has_unknown),
            Self::Map(map) => map.values().any(Self::has_unknown),
            Self::Sensitive(secret) => secret.value.has_unknown(),
            _ => false,
        }
    }

    /// Whether an expression is anywhere in it; what is sensitive has none.
    pub fn has_template(&self) -> bool {
        match self {
            Self::Template(_) => true,
            Self::List(items) => items.iter().any(Self::has_template),
            Self::Map(map) => map.values().any(Self::has_template),
            _ => false,
        }
    }

    /// Whether anything in it must not be shown.
    pub fn has_sensitive(&self) -> bool {
        match self {
            Self::Sensitive(_) | Self::Redacted => true,
            Self::List(items) => items.iter().any(Self::has_sensitive),
            Self::Map(map) => map.values().any(Self::has_sensitive),
            _ => false,
        }
    }

    /// Whether anything in it is not here because it may be a secret: it can be compared with nothing.
    pub fn has_redacted(&self) -> bool {
        match self {
            Self::Redacted => true,
            Self::List(items) => items.iter().any(Self::has_redacted),
            Self::Map(map) => map.values().any(Self::has_redacted),
            Self::Sensitive(secret) => secret.value.has_redacted(),
            _ => false,
        }
    }

    /// What kind of value this is, with its article, for messages: `a string`, `an integer`.
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a boolean",
            Self::Number(number) if number.is_f64() => "a number",
            Self::Number(_) => "an integer",
            Self::Text(_) | Self::Template(_) => "a string",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
            Self::Reference(_) | Self::Link(_) => "a reference",
            Self::Unknown => "a value known after apply",
            Self::Sensitive(_) => "a sensitive value",
            Self::Fingerprint(_) => "a fingerprint",
            Self::Redacted => "a redacted value",
        }
    }

    /// A JSON value of the remote as ours. Never sensitive, never unknown.
    pub fn from_json(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(bool) => Self::Bool(*bool),
            serde_json::Value::Number(number) => Self::Number(number.clone()),
            serde_json::Value::String(text) => Self::text(text.as_str()),
            serde_json::Value::Array(items) => Self::List(items.iter().map(Self::from_json).collect()),
            serde_json::Value::Object(map) => Self::Map(Box::new(
                map.iter().map(|(key, value)| (key.as_str().into(), Self::from_json(value))).collect(),
            )),
        }
    }
}

/// A value that cannot be printed: no `Display`, no `Serialize`, and a `Debug` that hides it.
#[derive(Clone)]
pub struct Sensitive {
    value: Value,
    /// The secrets that were put into a longer text: whoever repeats a part of it may repeat just one of them.
    parts: Vec<Arc<str>>,
}

impl Sensitive {
    /// Wraps a value; wrapping twice is the same as once.
    pub fn wrap(value: Value) -> Value {
        Self::wrap_text(value, Vec::new())
    }

    /// Wraps a text and remembers the secrets in it.
    pub fn wrap_text(value: Value, parts: Vec<Arc<str>>) -> Value {
        match value {
            Value::Sensitive(_) => value,
            value => Value::Sensitive(Box::new(Self { value, parts })),
        }
    }

    /// The value, for a request body or a comparison and nothing else.
    pub fn expose(&self) -> &Value {
        &self.value
    }

    /// The secrets that are in it, where it is a text that has more in it.
    pub(super) fn parts(&self) -> &[Arc<str>] {
        &self.parts
    }
}

impl PartialEq for Sensitive {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl fmt::Debug for Sensitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A declared reference to another object.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// The section of what is referred to, `customers`; a kind that can only be referred to has one too.
    pub section: &'static str,
    /// How it is named.
    pub to: To,
}

impl Reference {
    /// The remote's id, if that is how it names its object.
    pub fn id(&self) -> Option<&RemoteId> {
        match &self.to {
            To::Id { id, .. } => Some(id),
            To::Declared(_) | To::Natural { .. } => None,
        }
    }
}

/// How a reference names its object.
#[derive(Debug, Clone, PartialEq)]
pub enum To {
    /// A resource of this project.
    Declared(Address),
    /// An object that should exist remotely, by its natural key as one string: a slug, `organization/space`,
    /// `offering/plan`. `qualifier` narrows it where the key is not unique (the broker of a plan).
    Natural {
        /// The natural key.
        name: Arc<str>,
        /// What narrows it.
        qualifier: Option<Arc<str>>,
    },
    /// `{ id: … }` or `{ guid: … }`: passed through unresolved. `slug` is what the seed dialect sends beside the id.
    Id {
        /// The remote's id.
        id: RemoteId,
        /// The slug beside it.
        slug: Option<Arc<str>>,
    },
}

/// A resolved reference, or an observed one.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// The natural key, where it is known; this is what people see.
    pub name: Option<Arc<str>>,
    /// The remote's id; `None` until the object has been created.
    pub id: Option<RemoteId>,
}

impl Link {
    /// What people see: the natural key, else the id.
    pub fn shown(&self) -> &str {
        self.name.as_deref().or(self.id.as_deref()).unwrap_or_default()
    }
}

/// A string with expressions over other resources; variables have been put in already.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// Literal text and expressions, in order. A single expression alone keeps the type of its value.
    pub parts: Vec<TemplatePart>,
    /// Whether a sensitive variable went in: the outcome is sensitive then.
    pub sensitive: bool,
    /// Whether the value of one that went in is not here: neither is the outcome then.
    pub redacted: bool,
}

/// A part of a [`Template`].
#[derive(Debug, Clone, PartialEq)]
pub enum TemplatePart {
    /// Text as it stands.
    Literal(Arc<str>),
    /// `${section.key.path}`.
    Field {
        /// The resource.
        address: Address,
        /// The field or attribute, and what is inside it.
        path: Path,
    },
}

/// The fields of a resource, in the order of its section's table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    /// The value of a field. `None` means "not managed", never "empty".
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(field, _)| *field == name).map(|(_, value)| value)
    }

    /// The value of a field, to change.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.0.iter_mut().find(|(field, _)| *field == name).map(|(_, value)| value)
    }

    /// Sets a field, in place if it is there and at the end otherwise.
    pub fn set(&mut self, name: &'static str, value: Value) {
        match self.get_mut(name) {
            Some(there) => *there = value,
            None => self.0.push((name, value)),
        }
    }

    /// The string of a field, if it is one.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_text()
    }

    /// The link of a field, if it is one.
    pub fn link(&self, name: &str) -> Option<&Link> {
        match self.get(name)? {
            Value::Link(link) => Some(link),
            _ => None,
        }
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(&'static str, Value)> for Fields {
    fn from_iter<I: IntoIterator<Item = (&'static str, Value)>>(fields: I) -> Self {
        Self(fields.into_iter().collect())
    }
}
