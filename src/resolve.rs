//! Declared values -> values: references looked up, expressions put in.
//!
//! Used twice: while planning, when what is not created yet is unknown, and while applying, when what a resource
//! requires has been created.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::kind::Registry;
use crate::model::{
    Address, Code, Collection, Desired, Diagnostic, Fields, Identity, KeySource, Link, Map, Observed, Path, Reference,
    Resource, Room, Section, Segment, Sensitive, Shape, Snapshot, Template, TemplatePart, To, Value,
};
use crate::suggest::Suggest;

/// What is known of the objects behind declared resources.
#[derive(Debug)]
pub struct Knowledge<'a> {
    desired: &'a Desired,
    snapshot: &'a Snapshot,
    registry: &'a Registry,
    objects: HashMap<Address, Cow<'a, Observed>>,
    /// Values with expressions in them that other expressions read. None of them changes any more once it is read:
    /// planning and applying go by what requires what.
    read: Mutex<HashMap<Place<'a>, Value>>,
    /// What expressions may still come to.
    room: Room,
    suggest: Suggest,
}

/// A declared field: its resource and name.
type Place<'a> = (&'a Address, &'static str);

impl<'a> Knowledge<'a> {
    /// Nothing is known of any declared resource yet.
    pub fn new(desired: &'a Desired, snapshot: &'a Snapshot, registry: &'a Registry) -> Self {
        Self {
            desired,
            snapshot,
            registry,
            objects: HashMap::new(),
            read: Mutex::default(),
            room: Room::default(),
            suggest: Suggest::default(),
        }
    }

    /// The declared resource is this object.
    pub fn learn(&mut self, address: Address, object: Cow<'a, Observed>) {
        self.objects.insert(address, object);
    }

    /// The object of a declared resource, if it exists.
    pub fn object(&self, address: &Address) -> Option<&Observed> {
        self.objects.get(address).map(Cow::as_ref)
    }

    /// The fields of a resource with everything looked up. What only a created object can tell is unknown. Of a tombstone,
    /// what does not identify it is left out where it cannot be looked up any more.
    ///
    /// # Errors
    ///
    /// References to objects that exist nowhere, or that a name does not tell apart.
    pub fn resolve(&self, resource: &Resource) -> Result<Fields, Vec<Diagnostic>> {
        let section = self.section(&resource.address);
        let mut problems = Vec::new();
        let mut fields = Fields::default();
        for (name, value) in resource.fields.iter() {
            let path = || Path::field(name);
            let shape = section.field(name).map(|field| field.shape);
            let value = match value {
                Value::Reference(reference) => match self.link(resource, reference, shape, &path()) {
                    Ok(link) => Value::Link(Box::new(link)),
                    Err(problem) => {
                        problems.extend(resource.regards(section, name).then_some(*problem));
                        continue;
                    }
                },
                plain => {
                    self.prepare(plain);
                    let value = self.value(plain);
                    if resource.regards(section, name) {
                        problems.extend(self.named_nowhere(resource, shape, &value, &path()));
                    }
                    value
                }
            };
            fields.set(name, value);
        }
        if self.room.is_spent() {
            let refusal = Room::refusal().at(resource.key_span, "the expressions in here no longer fit in");
            problems.push(refusal.on(&resource.address));
        }
        if problems.is_empty() { Ok(fields) } else { Err(problems) }
    }

    /// The natural key of a resource, with outer objects by their own natural key even where the YAML has a raw id.
    pub fn identity(&self, resource: &Resource, fields: &Fields) -> Identity {
        let section = self.section(&resource.address);
        let mut identity = resource.identity.clone();
        for (part, (name, value)) in section.key.iter().zip(&mut identity.parts) {
            if part.from == KeySource::Reference
                && let Some(link) = fields.link(name)
            {
                *value = link.shown().into();
            }
        }
        identity
    }

    fn section(&self, address: &Address) -> &'static Section {
        self.registry.section(address.section).expect("declared resources have a registered section")
    }

    fn link(
        &self,
        resource: &Resource,
        reference: &Reference,
        shape: Option<Shape>,
        path: &Path,
    ) -> Result<Link, Box<Diagnostic>> {
        let empty = Collection::default();
        let collection = self.snapshot.collection(&resource.target, reference.section).unwrap_or(&empty);
        match &reference.to {
            To::Declared(address) => {
                let id = self.objects.get(address).map(|object| Arc::clone(&object.id));
                let name = self.desired.resources.get(address).map(|resource| resource.identity.to_string().into());
                Ok(Link { name, id })
            }
            To::Id { id, slug } => {
                let known = collection.with_id(id).map(|object| object.identity.to_string().into());
                Ok(Link { name: known.or_else(|| slug.clone()), id: Some(Arc::clone(id)) })
            }
            To::Natural { name, qualifier } => {
                let section = self.registry.section(reference.section).expect("references name registered sections");
                let narrowed_by = match shape {
                    Some(Shape::Reference { qualifier, .. }) => qualifier,
                    _ => None,
                };
                let mut found: Vec<_> = collection.named(name, section.fold_case).collect();
                if let (Some(by), Some(wanted)) = (narrowed_by, qualifier) {
                    let of_any = found.clone();
                    found.retain(|object| object.attributes.text(by) == Some(&**wanted));
                    if found.is_empty() && !of_any.is_empty() {
                        return Err(Box::new(self.narrowed_away(resource, reference, section, &of_any, by)));
                    }
                }
                match found.as_slice() {
                    [object] => {
                        Ok(Link { name: Some(object.identity.to_string().into()), id: Some(Arc::clone(&object.id)) })
                    }
                    [] => Err(Box::new(self.not_found(resource, reference, section, collection, path, shape))),
                    several => Err(Box::new(ambiguous(resource, name, section, several, narrowed_by, path))),
                }
            }
        }
    }

    /// What a value names that is neither declared nor there.
    fn named_nowhere(&self, resource: &Resource, shape: Option<Shape>, value: &Value, path: &Path) -> Vec<Diagnostic> {
        let Some((shape, section)) = shape.and_then(|shape| Some((shape, shape.names()?))) else { return Vec::new() };
        let declared = |name: &str| resource.requires.iter().any(|(at, _)| at.section == section && *at.key == *name);
        let undeclared = shape.named(value).into_iter().filter(|(_, name)| !declared(name));
        let looked_up = undeclared.filter_map(|(inside, name)| {
            let reference = Reference { section, to: To::Natural { name: name.into(), qualifier: None } };
            let path = Path(path.0.iter().chain(&inside.0).cloned().collect());
            self.link(resource, &reference, None, &path).err()
        });
        looked_up.map(|problem| *problem).collect()
    }

    /// It is there, but not as it is narrowed down.
    fn narrowed_away(
        &self,
        resource: &Resource,
        reference: &Reference,
        section: &'static Section,
        found: &[&Observed],
        by: &'static str,
    ) -> Diagnostic {
        let To::Natural { name, qualifier } = &reference.to else { unreachable!("only names are looked up") };
        let wanted = qualifier.as_deref().unwrap_or_default();
        let mut others: Vec<&str> = found.iter().filter_map(|other| other.attributes.text(by)).collect();
        others.sort_unstable();
        let written =
            |others: &[&str]| others.iter().map(|other| format!("`{by}: {other}`")).collect::<Vec<_>>().join(" or ");
        let help = match self.suggest.near(wanted, others.iter().copied(), 3).as_slice() {
            [] => format!("there is one with {}", written(&others)),
            near => format!("did you mean {}?", written(near)),
        };
        Diagnostic::error(Code::ReferenceNotFound, format!("no {} `{name}` from `{wanted}`", section.singular))
            .at(
                resource.places.value(&Path::field(by)),
                format!("no {} of that name has this `{by}`", section.singular),
            )
            .help(help)
            .on(&resource.address)
    }

    fn not_found(
        &self,
        resource: &Resource,
        reference: &Reference,
        section: &'static Section,
        collection: &Collection,
        path: &Path,
        shape: Option<Shape>,
    ) -> Diagnostic {
        let To::Natural { name, qualifier } = &reference.to else { unreachable!("only names are looked up") };
        let narrowed = qualifier.as_ref().map(|by| format!(" from `{by}`")).unwrap_or_default();
        let label = if section.declarable {
            format!("neither declared here nor found at target `{}`", resource.target)
        } else {
            format!("not found at target `{}`", resource.target)
        };
        let declared = self.desired.resources.values().filter(|other| {
            other.address.section == section.name
                && other.target == resource.target
                && other.address != resource.address
        });
        let declared: Vec<String> = declared.map(|other| other.address.key.to_string()).collect();
        let kind = self.registry.kind(section.name);
        let choices = collection.iter().filter(|object| kind.is_none_or(|kind| kind.can_be_chosen(object)));
        let mut remote: Vec<String> = choices.map(|object| object.identity.to_string()).collect();
        // Those that a name does not tell apart.
        remote.dedup();
        let candidates = self.suggest.near(name, declared.iter().chain(&remote).map(String::as_str), 3);
        let facts = self.snapshot.targets.get(&resource.target);
        let help = match candidates.as_slice() {
            // An API without the kind has no list of it either.
            _ if facts.is_some_and(|facts| !section.apis.is_empty() && !section.apis.contains(&facts.api)) => {
                let with_slug = matches!(shape, Some(Shape::Reference { with_slug: true, .. }));
                let beside = if with_slug { ", slug: …" } else { "" };
                format!("this API does not list {}: write `{{ {}: …{beside} }}`", section.name, section.id_name())
            }
            [] if uuid::Uuid::try_parse(name).is_ok() => {
                let id = section.id_name();
                format!("an id is passed through if it is written `{{ {id}: {name} }}`")
            }
            // Only what is in the outer objects that are named is looked at.
            [] if remote.is_empty() && section.key.len() > 1 => {
                let outer = name.split('/').next().unwrap_or_default();
                format!(
                    "no {} was found in {} `{outer}`: does that exist, and may you see it?",
                    section.singular, section.key[0].name
                )
            }
            [] if remote.is_empty() && !declared.is_empty() => {
                let none = format!("target `{}` shows no {} at all", resource.target, section.singular);
                format!("{none}; declared here: {}", listed(&declared))
            }
            [] if remote.is_empty() => format!("target `{}` shows no {} at all", resource.target, section.singular),
            [] => {
                let plural = section.name.replace('_', " ");
                let outer = name.split('/').next().unwrap_or_default();
                let inside = format!("{outer}/").to_lowercase();
                let inside = remote.iter().filter(|name| name.to_lowercase().starts_with(&inside));
                match inside.cloned().collect::<Vec<_>>() {
                    of_outer if of_outer.is_empty() => format!("the {plural} there: {}", listed(&remote)),
                    of_outer => format!("the {plural} of `{outer}`: {}", listed(&of_outer)),
                }
            }
            near => format!(
                "did you mean {}?",
                near.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")
            ),
        };
        Diagnostic::error(Code::ReferenceNotFound, format!("no {} `{name}`{narrowed}", section.singular))
            .at(resource.places.value(path), label)
            .help(help)
            .on(&resource.address)
    }

    /// Works out what the expressions in a value read, as far as there are expressions in that again. Such chains may be
    /// as long as there are resources, and the call stack is not.
    fn prepare(&self, value: &Value) {
        if !value.has_template() {
            return;
        }
        let mut open = Vec::new();
        self.unread(value, &mut open);
        while let Some((place, value)) = open.last().copied() {
            let before = open.len();
            self.unread(value, &mut open);
            if open.len() == before {
                open.pop();
                if !self.lock().contains_key(&place) {
                    let resolved = self.value(value);
                    self.lock().insert(place, resolved);
                }
            }
        }
    }

    /// Adds the fields that are read by the expressions in a value, have expressions in them, and are not known yet.
    fn unread(&self, value: &Value, open: &mut Vec<(Place<'a>, &'a Value)>) {
        match value {
            Value::List(items) => items.iter().for_each(|item| self.unread(item, open)),
            Value::Map(map) => map.values().for_each(|value| self.unread(value, open)),
            Value::Template(template) => {
                for part in &template.parts {
                    let TemplatePart::Field { address, path } = part else { continue };
                    let Some(Segment::Key(name)) = path.0.first() else { continue };
                    let Some((address, resource)) = self.desired.resources.get_key_value(address) else { continue };
                    if let Some((name, value)) = resource.fields.iter().find(|(field, _)| **name == **field)
                        && value.has_template()
                        && !self.lock().contains_key(&(address, name))
                    {
                        open.push(((address, name), value));
                    }
                }
            }
            _ => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Place<'a>, Value>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn value(&self, value: &Value) -> Value {
        match value {
            plain if !plain.has_template() => plain.clone(),
            Value::List(items) => Value::List(items.iter().map(|item| self.value(item)).collect()),
            Value::Map(map) => {
                let resolved: Map = map.iter().map(|(key, value)| (Arc::clone(key), self.value(value))).collect();
                Value::Map(Box::new(resolved))
            }
            Value::Template(template) => self.template(template),
            plain => plain.clone(),
        }
    }

    fn template(&self, template: &Template) -> Value {
        let mut sensitive = template.sensitive;
        let mut secrets: Vec<Arc<str>> = Vec::new();
        let mut expose = |value: Value| match value {
            value if !self.room.takes(&value) => Value::Unknown,
            Value::Sensitive(secret) => {
                sensitive = true;
                secrets.push(as_text(secret.expose()).into());
                secret.expose().clone()
            }
            value => {
                sensitive |= value.has_redacted();
                value
            }
        };
        let outcome = if let [TemplatePart::Field { address, path }] = template.parts.as_slice() {
            expose(self.read(address, path))
        } else {
            let mut text = String::new();
            let (mut unknown, mut redacted) = (false, template.redacted);
            for part in &template.parts {
                match part {
                    TemplatePart::Literal(literal) => text.push_str(literal),
                    TemplatePart::Field { address, path } => match expose(self.read(address, path)) {
                        Value::Unknown => unknown = true,
                        value if value.has_redacted() => redacted = true,
                        value => text.push_str(&as_text(&value)),
                    },
                }
            }
            match (unknown, redacted) {
                (true, _) => Value::Unknown,
                (_, true) => Value::Redacted,
                _ => Value::text(text),
            }
        };
        if sensitive { Sensitive::wrap_text(outcome, secrets) } else { outcome }
    }

    /// The value an expression reads: as declared if it is, else as the object has it, else unknown.
    fn read(&self, address: &Address, path: &Path) -> Value {
        let Some(resource) = self.desired.resources.get(address) else { return Value::Unknown };
        let Some((Segment::Key(name), rest)) = path.0.split_first() else { return Value::Unknown };
        let object = self.objects.get(address);
        let section = self.section(address);
        let marked_sensitive = section.field(name).is_some_and(|field| field.sensitive)
            || section.attribute(name).is_some_and(|attribute| attribute.sensitive);
        let declared = resource.fields.iter().find(|(field, _)| **name == **field);
        let whole = if let Some((field, declared)) = declared {
            match declared {
                Value::Reference(reference) => {
                    match self.link(resource, reference, section.field(name).map(|field| field.shape), path) {
                        Ok(link) => Cow::Owned(link.name.map_or(Value::Unknown, Value::Text)),
                        Err(_) => Cow::Owned(Value::Unknown),
                    }
                }
                plain if plain.has_template() => {
                    let known = self.lock().get(&(&resource.address, field)).map(|known| inside(known, rest));
                    match known {
                        Some(value) if marked_sensitive => return Sensitive::wrap(value),
                        Some(value) => return value,
                        None => Cow::Owned(self.value(plain)),
                    }
                }
                plain => Cow::Borrowed(plain),
            }
        } else if let Some((_, part)) = resource.identity.parts.iter().find(|(part, _)| *part == &**name) {
            Cow::Owned(Value::Text(Arc::clone(part)))
        } else if **name == *section.id_name() {
            Cow::Owned(object.map_or(Value::Unknown, |object| Value::Text(Arc::clone(&object.id))))
        } else {
            let seen = object.and_then(|object| object.attributes.get(name).or_else(|| object.fields.get(name)));
            match seen {
                Some(Value::Link(link)) => Cow::Owned(Value::text(link.shown())),
                Some(value) => Cow::Borrowed(value),
                None => Cow::Owned(Value::Unknown),
            }
        };
        let value = inside(&whole, rest);
        if marked_sensitive { Sensitive::wrap(value) } else { value }
    }
}

fn ambiguous(
    resource: &Resource,
    name: &str,
    section: &'static Section,
    found: &[&Observed],
    narrowed_by: Option<&'static str>,
    path: &Path,
) -> Diagnostic {
    let help = if let Some(by) = narrowed_by {
        let mut named: Vec<_> = found.iter().filter_map(|object| object.attributes.text(by)).collect();
        // By name, not by how the remote happens to list them.
        named.sort_unstable();
        let named = named.iter().map(|value| format!("`{by}: {value}`"));
        format!("say which one beside it: {}", named.collect::<Vec<_>>().join(" or "))
    } else {
        let ids = found.iter().map(|object| format!("`{{ {}: {} }}`", section.id_name(), object.id));
        format!("say which one: {}", ids.collect::<Vec<_>>().join(" or "))
    };
    Diagnostic::error(
        Code::AmbiguousName,
        format!("`{name}` is the name of {} {}", found.len(), section.name.replace('_', " ")),
    )
    .at(resource.places.value(path), "does not say which of them")
    .help(help)
    .on(&resource.address)
}

/// What is at a path inside a value; unknown if there is nothing.
fn inside(value: &Value, path: &[Segment]) -> Value {
    let Some((first, rest)) = path.split_first() else { return value.clone() };
    let inner = match (value, first) {
        (Value::Map(map), Segment::Key(key)) => map.get(key),
        (Value::List(items), Segment::Index(index)) => items.get(*index),
        (Value::Redacted, _) => return Value::Redacted,
        (Value::Sensitive(secret), _) => {
            return match inside(secret.expose(), path) {
                Value::Unknown => Value::Unknown,
                value => Sensitive::wrap(value),
            };
        }
        _ => None,
    };
    inner.map_or(Value::Unknown, |inner| inside(inner, rest))
}

/// A value inside a longer string.
fn as_text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.to_string(),
        Value::Bool(bool) => bool.to_string(),
        Value::Number(number) => number.to_string(),
        other => crate::diff::to_json(other).map_or_else(String::new, |json| json.to_string()),
    }
}

/// The first few of many names.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let shown = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
