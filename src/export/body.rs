//! An object to the body that declares it.

use std::cell::RefCell;
use std::sync::Arc;

use super::choose::{Chosen, left};
use super::keys::Keys;
use super::suspicion::Suspicion;
use super::world::{World, is, own_name};
use super::yaml::{Map, Node};
use super::{Left, Object, Without};
use crate::config::Fit;
use crate::config::yaml::MAX_DEPTH;
use crate::kind::Proposal;
use crate::model::{
    Address, Collection, Compare, Field, Fields, Initial, KeyPart, KeySource, Link, Observed, Path, RemoteId, Section,
    Shape, Value,
};

/// How deep a value may be nested: what is around it in a file counts too.
const DEEPEST: usize = MAX_DEPTH - 10;

/// What is declared.
pub(super) struct Bodies<'a> {
    /// In the order in which they were chosen.
    pub(super) all: Vec<Body<'a>>,
    /// What turned out to be impossible to declare, each with its home.
    pub(super) left: Vec<(Option<&'a RemoteId>, Left)>,
}

/// A declaration of an object.
pub(super) struct Body<'a> {
    pub(super) section: &'static Section,
    pub(super) object: &'a Observed,
    pub(super) address: Address,
    pub(super) map: Map,
    /// The resources inside it, each with where it stands.
    pub(super) parts: Vec<(Address, Path)>,
}

pub(super) fn bodies<'a>(world: &World<'a>, keys: &Keys, chosen: &Chosen<'a>, without: &Without) -> Bodies<'a> {
    let suspicion = Suspicion::new(&world.ask.settings.variables);
    let writer = Writer { world, keys, without, suspicion, fit: RefCell::default() };
    let mut bodies = Bodies { all: Vec::new(), left: Vec::new() };
    for (section, object) in &chosen.objects {
        match writer.body(section, object) {
            Ok(body) => bodies.all.push(body),
            Err(because) => bodies.left.push((world.home(section, object), left(section, object, because))),
        }
    }
    bodies
}

/// The fields that no export has, with whether they are secret: nobody tells them. Not those that today's API does not have
/// any more: nobody has set them.
pub(super) fn untold(section: &'static Section, world: &World<'_>) -> impl Iterator<Item = (&'static str, bool)> {
    let untold = |field: &&Field| field.sensitive || matches!(field.compare, Compare::IfTold | Compare::WholeIfTold);
    let today = world.kind(section.name).can_be().first().map(|facts| facts.api);
    let is_of_today = |field: &&Field| field.apis.is_empty() || today.is_some_and(|api| field.apis.contains(&api));
    let fields = section.fields.iter().filter(untold).filter(is_of_today).filter(|field| world.has(field));
    fields.map(|field| (field.name, field.sensitive)).collect::<Vec<_>>().into_iter()
}

struct Writer<'w, 'a> {
    world: &'w World<'a>,
    keys: &'w Keys,
    without: &'w Without,
    suspicion: Suspicion,
    fit: RefCell<Fit>,
}

/// What becomes of a field.
enum Outcome {
    Written(Node),
    /// It has a value that is not written down.
    Noted(String),
    /// There is nothing to write down.
    Nothing,
}

/// By what an object is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Recognised {
    ByName,
    /// By other fields than those of the natural key.
    ByOthers,
    No,
}

/// How a reference is written.
#[derive(Debug, PartialEq, Eq)]
enum Named {
    /// By the natural key.
    Plainly(String),
    /// By the natural key, with the sibling field that narrows it.
    Narrowed(String),
    /// By the remote's id.
    Raw,
}

impl<'a> Writer<'_, 'a> {
    fn body(&self, section: &'static Section, object: &'a Observed) -> Result<Body<'a>, String> {
        let key = self.keys.get(section.name, object).ok_or_else(|| {
            let part = section.key.last().map_or("key", |part| part.name);
            format!("its {part} cannot be the key of a resource")
        })?;
        let address = Address::new(section.name, Arc::clone(key));
        let mut body = Body { section, object, address, map: Map::open(), parts: Vec::new() };
        if self.several_targets() {
            body.map.push("target", Node::Text(self.world.ask.target.to_string()));
        }
        let id = (section.name, object.id.clone());
        for field in section.fields.iter().filter(|field| self.world.has(field)) {
            let outcome = match self.without.field(&id, &Path::field(field.name)) {
                Some(because) => noted(field.name, because),
                None => self.field(field, &mut body)?,
            };
            match outcome {
                Outcome::Written(node) => body.map.push(field.name, node),
                Outcome::Noted(note) if field.required => return Err(note),
                Outcome::Noted(note) => body.map.notes.push(note),
                Outcome::Nothing if field.required => {
                    return Err(format!("the remote does not tell its {}", field.name));
                }
                Outcome::Nothing => {}
            }
        }
        Ok(body)
    }

    /// Whether a section alone does not say on which target it is.
    fn several_targets(&self) -> bool {
        let targets = self.world.ask.settings.targets.values();
        targets.filter(|target| target.provider == self.world.facts.provider).count() > 1
    }

    fn field(&self, field: &'static Field, body: &mut Body<'a>) -> Result<Outcome, String> {
        let (section, object) = (body.section, body.object);
        if let Shape::Parts { section: of } = field.shape {
            let of = self.world.ask.registry.section(of).expect("a table names registered sections");
            return Ok(self.parts(field, of, body));
        }
        let says = |part: &KeyPart| part.name == field.name && part.from == KeySource::FieldOrKey;
        if section.key.last().is_some_and(says) {
            return self.own_name(field, body);
        }
        if self.says_too_much(field, body) {
            return Ok(Outcome::Nothing);
        }
        Ok(match object.fields.get(field.name) {
            None | Some(Value::Null) => Outcome::Nothing,
            Some(Value::Link(link)) => self.link(field, link),
            Some(value) => self.value(field, value, &Path::field(field.name), body),
        })
    }

    /// Whether a field narrows a reference that is clear without it.
    fn says_too_much(&self, field: &Field, body: &Body<'a>) -> bool {
        let narrowed = body.section.fields.iter().find_map(|other| match other.shape {
            Shape::Reference { section, qualifier: Some(qualifier), .. } if qualifier == field.name => {
                Some((section, body.object.fields.link(other.name)))
            }
            _ => None,
        });
        let clear = |(section, link): (&str, Option<&Link>)| {
            let named = link.map(|link| self.named(section, link, Some(field.name)));
            !matches!(named, Some(Named::Narrowed(_)))
        };
        narrowed.is_some_and(clear)
    }

    /// The field that says what the key does not.
    fn own_name(&self, field: &'static Field, body: &Body<'a>) -> Result<Outcome, String> {
        let name = own_name(body.object);
        let with_key = self.recognised(body, Some(field.name));
        if &*body.address.key == name && with_key == Recognised::ByName {
            return Ok(Outcome::Nothing);
        }
        let told = body.object.fields.get(field.name);
        let complaint = told.and_then(|told| self.fit.borrow_mut().complaint(field.name, &field.shape, told));
        if told.is_some() && complaint.is_none() && self.recognised(body, None) != Recognised::No {
            return Ok(Outcome::Written(text(name)));
        }
        // The key stands for nothing then.
        if with_key == Recognised::ByOthers {
            return Ok(Outcome::Nothing);
        }
        Err(complaint.unwrap_or_else(|| "nothing tells it from others".to_owned()))
    }

    /// Whether the object is recognised by what is declared of it: with the key for its name, if it has no field for that.
    fn recognised(&self, body: &Body<'_>, without: Option<&str>) -> Recognised {
        let object = body.object;
        let told = object.fields.iter().filter(|(name, _)| Some(*name) != without);
        let fields: Fields = told.map(|(name, value)| (name, value.clone())).collect();
        let mut identity = object.identity.clone();
        if let Some((_, name)) = identity.parts.last_mut().filter(|_| without.is_some()) {
            *name = Arc::clone(&body.address.key);
        }
        let proposal = Proposal { address: &body.address, identity: &identity, fields: &fields };
        let kind = self.world.kind(body.section.name).declared().expect("it can be declared");
        let collection = self.world.collection(body.section.name).expect("it has been read");
        match kind.recognise(proposal, collection, self.world.facts)[..] {
            [only] if only.id != object.id => Recognised::No,
            [_] if kind.recognised_by(proposal, self.world.facts).is_some() => Recognised::ByOthers,
            [_] => Recognised::ByName,
            _ => Recognised::No,
        }
    }

    fn value(&self, field: &'static Field, value: &Value, path: &Path, body: &Body<'_>) -> Outcome {
        let name = field.name;
        let is_empty = match value {
            Value::Text(text) => text.is_empty(),
            Value::List(items) => items.is_empty(),
            Value::Map(map) => map.is_empty(),
            _ => false,
        };
        let is_default =
            is_initial(field, value, body.object) || is_empty || field.default.is_some_and(|json| is(value, json));
        // A wish asks for what comes later too: that is for people to say.
        if is_default && !field.required || field.compare == Compare::IfTrue {
            return Outcome::Nothing;
        }
        if field.sensitive {
            return noted(name, "secret");
        }
        if matches!(value, Value::Fingerprint(_)) {
            return noted(name, "set, and cannot be read back");
        }
        if depth(value) > DEEPEST {
            return noted(name, "nested too deep");
        }
        if let Some(complaint) = self.fit.borrow_mut().complaint(name, &field.shape, value) {
            return noted(name, &complaint);
        }
        if let (Shape::Instant, Value::Text(text)) = (field.shape, value) {
            return Outcome::Written(Node::Bare(text.to_string()));
        }
        if let Some(why) = self.suspicion.of(name, value).filter(|_| !field.required) {
            return noted(name, why);
        }
        let id = (body.section.name, body.object.id.clone());
        let short = field.form.and_then(|form| shortened(value, form));
        match self.node(field, short.as_ref().unwrap_or(value), path, &id) {
            Ok(node) => Outcome::Written(node),
            Err(why) => noted(name, &why),
        }
    }

    /// A value as it is written, or why it is not.
    fn node(&self, field: &Field, value: &Value, path: &Path, id: &Object) -> Result<Node, String> {
        Ok(match value {
            Value::Null => Node::Null,
            Value::Bool(bool) => Node::Bool(*bool),
            Value::Number(number) => Node::Number(number.clone()),
            Value::Text(value) => text(value),
            Value::Link(link) => text(link.shown()),
            Value::List(items) => {
                let item = |(at, item)| match self.suspicion.of("", item) {
                    Some(why) => Err(why.to_owned()),
                    None => self.node(field, item, &path.index(at), id),
                };
                Node::List(items.iter().enumerate().map(item).collect::<Result<_, _>>()?)
            }
            Value::Map(entries) => {
                let mut map = Map::default();
                for (key, value) in entries.iter() {
                    let path = path.key(Arc::clone(key));
                    let written = match (self.without.field(id, &path), self.suspicion.of(key, value)) {
                        (Some(because), _) => Err(because.to_owned()),
                        (None, Some(why)) => Err(why.to_owned()),
                        (None, None) => self.node(field, value, &path, id),
                    };
                    match written {
                        Ok(node) => map.push(&**key, node),
                        // What is not declared there is left alone.
                        Err(why) if field.compare == Compare::DeclaredKeys => {
                            map.notes.push(format!("{key}, left out: {why}"));
                        }
                        Err(why) => return Err(format!("`{key}` in it: {why}")),
                    }
                }
                Node::Map(map)
            }
            Value::Reference(_)
            | Value::Template(_)
            | Value::Unknown
            | Value::Sensitive(_)
            | Value::Fingerprint(_)
            | Value::Redacted => {
                return Err("secret".to_owned());
            }
        })
    }

    fn link(&self, field: &'static Field, link: &Link) -> Outcome {
        let Shape::Reference { section, qualifier, with_slug } = field.shape else { return Outcome::Nothing };
        match (self.named(section, link, qualifier), &link.id) {
            (Named::Plainly(name) | Named::Narrowed(name), _) => Outcome::Written(text(&name)),
            (Named::Raw, None) => noted(field.name, "the remote does not tell its id"),
            (Named::Raw, Some(id)) => {
                let id_name = self.world.ask.registry.section(section).map_or("id", Section::id_name);
                let mut map = Map::default();
                map.push(id_name, text(id));
                if let Some(slug) = link.name.as_deref().filter(|_| with_slug) {
                    map.push("slug", text(slug));
                }
                Outcome::Written(Node::Map(map))
            }
        }
    }

    /// How an object is called where another refers to it, so that nothing else can be meant.
    fn named(&self, section: &str, link: &Link, qualifier: Option<&str>) -> Named {
        let Some(section) = self.world.ask.registry.section(section) else { return Named::Raw };
        let (Some(collection), Some(object)) = (self.world.collection(section.name), self.world.linked(section, link))
        else {
            return Named::Raw;
        };
        let name = object.identity.to_string();
        let could_be = match section.key {
            [part] => self.fit.borrow_mut().complaint(part.name, &part.shape, &Value::text(name.as_str())).is_none(),
            _ => name.split('/').all(|part| !part.is_empty()),
        };
        if !could_be || self.keys.is_of_another(section.name, &name, object) {
            return Named::Raw;
        }
        let alike: Vec<&Observed> = collection.named(&name, section.fold_case).collect();
        let attribute = |object: &'a Observed| object.attributes.text(qualifier?);
        if alike.len() == 1 {
            Named::Plainly(name)
        } else if attribute(object).is_some()
            && alike
                .iter()
                .filter(|other| other.attributes.text(qualifier.unwrap_or_default()) == attribute(object))
                .count()
                == 1
        {
            Named::Narrowed(name)
        } else {
            Named::Raw
        }
    }

    /// What of this object are resources of their own, written inside it.
    fn parts(&self, field: &'static Field, of: &'static Section, body: &mut Body<'a>) -> Outcome {
        let [outer, ..] = of.key else { return Outcome::Nothing };
        let is_inside =
            |part: &&&Observed| part.fields.link(outer.name).and_then(|link| link.id.as_ref()) == Some(&body.object.id);
        let all: Vec<&Observed> = self.world.collection(of.name).into_iter().flat_map(Collection::iter).collect();
        let mut map = Map::open();
        for part in all.iter().filter(is_inside) {
            let name = own_name(part);
            let path = Path::field(field.name).key(name);
            match self.part(of, part, &path, body) {
                Ok(node) => {
                    let key = format!("{}/{name}", body.address.key);
                    body.parts.push((Address::new(of.name, key), path));
                    map.push(name, node);
                }
                Err(because) => map.notes.push(format!("{name}, left out: {because}")),
            }
        }
        if map.entries.is_empty() && map.notes.is_empty() { Outcome::Nothing } else { Outcome::Written(Node::Map(map)) }
    }

    /// One of them: its value alone where that says it all.
    fn part(&self, of: &'static Section, part: &Observed, path: &Path, body: &Body<'_>) -> Result<Node, String> {
        let id = (body.section.name, body.object.id.clone());
        if let Some(because) = self.without.field(&id, path) {
            return Err(because.to_owned());
        }
        let mut map = Map::default();
        for field in of.own_fields() {
            let value = part.fields.get(field.name).filter(|value| **value != Value::Null);
            let outcome = match value {
                None => Outcome::Nothing,
                Some(value) => self.value(field, value, &path.key(field.name), body),
            };
            match outcome {
                Outcome::Written(node) => map.push(field.name, node),
                Outcome::Nothing if field.required => {
                    return Err(format!("the remote does not tell its {}", field.name));
                }
                Outcome::Nothing => {}
                Outcome::Noted(note) => return Err(note),
            }
        }
        match &mut map.entries[..] {
            [only] if !matches!(only.value, Node::Map(_)) => Ok(std::mem::replace(&mut only.value, Node::Null)),
            _ => Ok(Node::Map(map)),
        }
    }
}

/// Whether a new object has this value of the remote's own accord.
fn is_initial(field: &Field, value: &Value, object: &Observed) -> bool {
    match field.initial {
        None => false,
        Some(Initial::OneOf(values)) => values.iter().any(|json| is(value, json)),
        Some(Initial::Name) => value.as_text() == Some(own_name(object)),
        Some(Initial::Numbered { before, attribute }) => {
            let number = object.attributes.get(attribute).and_then(Value::as_text);
            number.is_some_and(|number| value.as_text().and_then(|text| text.strip_prefix(before)) == Some(number))
        }
    }
}

/// A value without the empty texts in it, if it means the same then.
fn shortened(value: &Value, form: fn(&Value) -> Value) -> Option<Value> {
    fn without(value: &Value) -> Value {
        match value {
            Value::List(items) => Value::List(items.iter().map(without).collect()),
            Value::Map(map) => {
                let told = map.iter().filter(|(_, value)| value.as_text() != Some(""));
                Value::Map(Box::new(told.map(|(key, value)| (Arc::clone(key), without(value))).collect()))
            }
            other => other.clone(),
        }
    }
    Some(without(value)).filter(|short| form(short) == form(value))
}

fn noted(name: &str, because: &str) -> Outcome {
    Outcome::Noted(format!("{name}, left out: {because}"))
}

/// A string, so that nothing in it is taken for an expression.
fn text(text: &str) -> Node {
    Node::Text(text.replace("${", "$${"))
}

/// How deep a value is nested.
fn depth(value: &Value) -> usize {
    match value {
        Value::List(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Map(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
