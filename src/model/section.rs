//! What a section may hold: tables of fields that parsing, schemas, encoding, comparing and documentation all read.

use super::{Path, Value};

/// A kind's table.
#[derive(Debug)]
pub struct Section {
    /// The section's name in YAML, `instances`.
    pub name: &'static str,
    /// One of them, for messages, `instance`.
    pub singular: &'static str,
    /// The provider, `kaiten`.
    pub provider: &'static str,
    /// What it is, one sentence.
    pub doc: &'static str,
    /// Whether it can be declared; otherwise it can only be referred to.
    pub declarable: bool,
    /// The APIs or dialects that can manage it; empty: all of the provider's.
    pub apis: &'static [&'static str],
    /// What identifies one, outermost part first.
    pub key: &'static [KeyPart],
    /// Whether the remote compares names without regard to case.
    pub fold_case: bool,
    /// What may be declared.
    pub fields: &'static [Field],
    /// What the remote adds, readable in expressions. The first is the remote's id, `id` or `guid`.
    pub attributes: &'static [Attribute],
    /// A file that declares one, as short as it can be; empty where none can be declared.
    pub example: &'static str,
}

impl Section {
    /// A field by name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// An attribute by name.
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// The field that gives the last part of the natural key, where an object can be given another one: what
    /// `lifecycle.was` is about.
    pub fn renaming(&self) -> Option<&'static Field> {
        let KeyPart { name, from: KeySource::FieldOrKey, .. } = self.key.last()? else { return None };
        self.field(name).filter(|field| field.change == ChangeRule::InPlace)
    }

    /// The section of which the entries of this mapping are resources of their own.
    pub fn parts(&self, field: &str) -> Option<&'static str> {
        match self.field(field)?.shape {
            Shape::Parts { section } => Some(section),
            _ => None,
        }
    }

    /// What is declared of one of its objects inside another resource: all but what says which it is.
    pub fn own_fields(&self) -> impl Iterator<Item = &'static Field> + Clone {
        let (fields, key) = (self.fields, self.key);
        fields.iter().filter(move |field| !key.iter().any(|part| part.name == field.name))
    }

    /// What `target:` of one of its resources is.
    pub fn target_doc(&self) -> String {
        super::target_doc(Some(self.provider))
    }

    /// The name of the remote's id among the attributes, `id` or `guid`.
    pub fn id_name(&self) -> &'static str {
        self.attributes.first().map_or("id", |attribute| attribute.name)
    }
}

/// A part of a natural key.
#[derive(Debug)]
pub struct KeyPart {
    /// Its name: `slug`, `name`, `space`.
    pub name: &'static str,
    /// Where it comes from.
    pub from: KeySource,
    /// What it must look like, where it is a string of the user's.
    pub shape: Shape,
}

/// Where a part of a natural key comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeySource {
    /// The key in the section.
    Key,
    /// The field of this name, which must be declared.
    Field,
    /// The field of this name if it is declared, else the key in the section.
    FieldOrKey,
    /// The natural key of what the field of this name refers to.
    Reference,
}

/// What may be declared under one name.
#[derive(Debug)]
pub struct Field {
    /// The name in YAML.
    pub name: &'static str,
    /// The API's name in a request body, `startLicenseDate`. Errors of the remote are traced back by it.
    pub wire: &'static str,
    /// The type.
    pub shape: Shape,
    /// What it is, one sentence, with the rules that matter.
    pub doc: &'static str,
    /// Whether it must be declared.
    pub required: bool,
    /// What is sent on create when it is not declared, as JSON text.
    pub default: Option<&'static str>,
    /// What a new object has where it is not declared, though it is not sent.
    pub initial: Option<Initial>,
    /// Whether it can be changed in place.
    pub change: ChangeRule,
    /// How a declared value is compared with an observed one.
    pub compare: Compare,
    /// Where several values mean the same: the one that is observed, compared and sent.
    pub form: Option<fn(&Value) -> Value>,
    /// Whether its value must never be shown.
    pub sensitive: bool,
    /// The APIs or dialects that have it; empty: all.
    pub apis: &'static [&'static str],
    /// Set where this version does not carry it out: why, and what to do instead.
    pub unsupported: Option<&'static str>,
    /// The sibling field, an instant, that this one must not be before.
    pub not_before: Option<&'static str>,
    /// What `true` says of a sibling field that is not declared: its name and value.
    pub implies: Option<(&'static str, &'static str)>,
}

impl Field {
    /// An optional field that can be changed in place and is compared by its shape.
    pub const fn new(name: &'static str, wire: &'static str, shape: Shape, doc: &'static str) -> Self {
        Self {
            name,
            wire,
            shape,
            doc,
            required: false,
            default: None,
            initial: None,
            change: ChangeRule::InPlace,
            compare: Compare::Value,
            form: None,
            sensitive: false,
            apis: &[],
            unsupported: None,
            not_before: None,
            implies: None,
        }
    }

    /// It must be declared.
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Sent on create when it is not declared; JSON text.
    pub const fn default(mut self, json: &'static str) -> Self {
        self.default = Some(json);
        self
    }

    /// What the remote gives a new object of its own accord.
    pub const fn initial(mut self, initial: Initial) -> Self {
        self.initial = Some(initial);
        self
    }

    /// It cannot be changed in place, because …
    pub const fn immutable(mut self, because: &'static str) -> Self {
        self.change = ChangeRule::Never(because);
        self
    }

    /// How it is compared.
    pub const fn compare(mut self, compare: Compare) -> Self {
        self.compare = compare;
        self
    }

    /// Values that mean the same have one form.
    pub const fn form(mut self, form: fn(&Value) -> Value) -> Self {
        self.form = Some(form);
        self
    }

    /// It is a secret.
    pub const fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// Whether it can be sent to an existing object though nothing says that it differs.
    pub fn can_be_resent(&self) -> bool {
        self.compare == Compare::IfTold && self.change == ChangeRule::InPlace
    }

    /// Only these APIs or dialects have it.
    pub const fn only(mut self, apis: &'static [&'static str]) -> Self {
        self.apis = apis;
        self
    }

    /// This version refuses it, because …
    pub const fn unsupported(mut self, because: &'static str) -> Self {
        self.unsupported = Some(because);
        self
    }

    /// Where it is `true` and this field is not declared, the field has this value.
    pub const fn implies(mut self, field: &'static str, value: &'static str) -> Self {
        self.implies = Some((field, value));
        self
    }

    /// It is an instant that must not be before the one in this field.
    pub const fn not_before(mut self, field: &'static str) -> Self {
        self.not_before = Some(field);
        self
    }
}

/// What a new object has of the remote's own accord.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Initial {
    /// One of these values, as JSON text: which, depends on what else it has.
    OneOf(&'static [&'static str]),
    /// The last part of its natural key.
    Name,
    /// A text with the value of an attribute at its end.
    Numbered {
        /// What comes before it.
        before: &'static str,
        /// The attribute.
        attribute: &'static str,
    },
}

/// Whether a field can be changed on an existing object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeRule {
    /// Yes.
    InPlace,
    /// No, because … (completes "cannot be changed: ").
    Never(&'static str),
}

/// How a declared value is compared with an observed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// As its shape says: instants as instants, numbers as doubles, links by id.
    Value,
    /// As a set: the order does not matter.
    Set,
    /// A mapping: only the declared keys count, at every depth; others belong to somebody else.
    DeclaredKeys,
    /// A wish: `true` is compared, `false` asks for nothing.
    IfTrue,
    /// The remote need not tell. Where it does, as [`Compare::DeclaredKeys`]; where a fingerprint of it is kept, by that;
    /// otherwise the outcome is `unverifiable`.
    IfTold,
    /// The remote need not tell everybody. Where it does, whole, as [`Compare::Value`]; otherwise the outcome is
    /// `unverifiable`.
    WholeIfTold,
}

/// The type of a field.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// A string of this many characters.
    Text {
        /// At least.
        min: usize,
        /// At most.
        max: usize,
    },
    /// A string of a certain form.
    Format(&'static Format),
    /// `true` or `false`.
    Boolean,
    /// An integer within bounds.
    Integer {
        /// At least.
        min: i64,
        /// At most.
        max: i64,
    },
    /// A date and time, RFC 3339 with an offset; kept as its text, compared as an instant.
    Instant,
    /// One of these strings.
    Enum(&'static [&'static str]),
    /// Another object: a declared key, a natural key, or `{ id: … }`.
    Reference {
        /// Its section.
        section: &'static str,
        /// The sibling field that narrows an ambiguous name.
        qualifier: Option<&'static str>,
        /// Whether `{ id: …, slug: … }` may carry a slug (the seed dialect sends both).
        with_slug: bool,
    },
    /// A list of strings whose lengths add up to at most `max_total` characters.
    Texts {
        /// The limit.
        max_total: usize,
    },
    /// Other objects by their natural key, where that is what the API takes: a list of declared keys or of what exists.
    Names {
        /// Their section.
        section: &'static str,
    },
    /// A mapping whose entries are resources of their own ([`Resource::parts`](super::Resource::parts)): each with one of the
    /// objects that the second part of their natural key refers to as its key, and `null` for one that shall not be.
    Parts {
        /// Their section.
        section: &'static str,
    },
    /// A mapping of anything.
    Object,
    /// A list of mappings of anything, in which texts may name other objects.
    Mappings {
        /// Which texts, if so.
        naming: Option<&'static Naming>,
    },
    /// Anything.
    Any,
}

impl Shape {
    /// The section of what a value of this shape names without being a reference.
    pub fn names(&self) -> Option<&'static str> {
        match self {
            Self::Names { section } => Some(section),
            Self::Mappings { naming } => naming.map(|naming| naming.section),
            _ => None,
        }
    }

    /// What such a value names, each with where it stands in the value. What is known only later names nothing yet.
    pub fn named<'v>(&self, value: &'v Value) -> Vec<(Path, &'v str)> {
        match (self, value) {
            (Self::Names { .. }, Value::List(items)) => {
                let texts = items.iter().enumerate();
                texts.filter_map(|(at, item)| Some((Path::default().index(at), item.as_text()?))).collect()
            }
            (Self::Mappings { naming: Some(naming) }, value) => (naming.named)(value),
            _ => Vec::new(),
        }
    }
}

/// Objects that are named somewhere inside a value.
#[derive(Debug)]
pub struct Naming {
    /// Their section.
    pub section: &'static str,
    /// Finds them, each with where it stands in the value.
    pub named: for<'v> fn(&'v Value) -> Vec<(Path, &'v str)>,
}

/// The form of a string.
#[derive(Debug)]
pub struct Format {
    /// With its article, `a slug`.
    pub what: &'static str,
    /// A regular expression over the whole string.
    pub pattern: &'static str,
    /// Characters at least.
    pub min: usize,
    /// Characters at most.
    pub max: usize,
    /// What is allowed, for the help of a diagnostic.
    pub help: &'static str,
}

/// What the remote adds to an object.
#[derive(Debug)]
pub struct Attribute {
    /// The name in expressions.
    pub name: &'static str,
    /// The API's name in an answer.
    pub wire: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// Whether it must never be shown.
    pub sensitive: bool,
    /// What it may change with.
    pub follows: Follows,
}

/// With which changes of an object an attribute of it may change: what it will be is known only after apply then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follows {
    /// With none.
    Nothing,
    /// With those of these fields.
    Fields(&'static [&'static str]),
    /// With each.
    Anything,
}

impl Attribute {
    /// One that may be shown.
    pub const fn new(name: &'static str, wire: &'static str, doc: &'static str) -> Self {
        Self { name, wire, doc, sensitive: false, follows: Follows::Nothing }
    }

    /// One that must never be shown.
    pub const fn secret(name: &'static str, wire: &'static str, doc: &'static str) -> Self {
        Self { sensitive: true, ..Self::new(name, wire, doc) }
    }

    /// One that may change when something else does.
    #[must_use]
    pub const fn follows(self, follows: Follows) -> Self {
        Self { follows, ..self }
    }
}
