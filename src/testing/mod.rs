//! A remote that exists only in tests: things with a slug, that can refer to each other, parts of them, and what is done
//! to both, which misbehaves on demand.

mod remote;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::{Clock, Source};
use crate::graph;
use crate::kind::{Failure, Registry, RemoteError, Session};
use crate::model::{
    Address, Attribute, Compare, Condition, Desired, Field, Fields, FileId, Follows, Identity, KeyPart, KeySource,
    Lifecycle, Link, Locate, Map, Observed, Path, Places, Reference, RemoteProblem, Resource, Section, Shape, Snapshot,
    SourceFile, Sources, Span, Spanned, Target, Template, TemplatePart, To, Value,
};
use crate::observe::Sessions;

use remote::{Part, Thing};
pub(crate) use remote::{TestSession, Weather, World};

pub(crate) static THINGS: Section = Section {
    name: "things",
    singular: "thing",
    provider: "test",
    doc: "A thing.",
    declarable: true,
    apis: &[],
    key: &[KeyPart { name: "slug", from: KeySource::FieldOrKey, shape: Shape::Text { min: 1, max: 100 } }],
    fold_case: false,
    fields: &[
        Field::new("slug", "slug", Shape::Text { min: 1, max: 100 }, "What it is found by."),
        Field::new("name", "name", Shape::Text { min: 1, max: 100 }, "Its name."),
        Field::new(
            "peer",
            "peerId",
            Shape::Reference { section: "things", qualifier: Some("maker"), with_slug: false },
            "Another.",
        ),
        Field::new("since", "since", Shape::Instant, "When it began."),
        Field::new("tags", "tags", Shape::Texts { max_total: 100 }, "Tags.").compare(Compare::Set),
        Field::new("notes", "notes", Shape::Object, "Notes.").compare(Compare::DeclaredKeys),
        Field::new("settings", "settings", Shape::Object, "Settings."),
        Field::new("kind", "kind", Shape::Text { min: 1, max: 9 }, "Its kind.").immutable("a thing stays what it is"),
        Field::new("secret", "secret", Shape::Text { min: 0, max: 99 }, "A secret.").sensitive(),
        Field::new("input", "input", Shape::Any, "Goes in and never comes out.").compare(Compare::IfTold),
        Field::new("account", "account", Shape::Object, "Told to some.").compare(Compare::WholeIfTold).sensitive(),
    ],
    attributes: &[
        Attribute::new("id", "id", "Its id."),
        Attribute::new("color", "color", "Its colour.").follows(Follows::Fields(&["settings"])),
    ],
    example: "",
};

pub(crate) static PARTS: Section = Section {
    name: "parts",
    singular: "part",
    provider: "test",
    doc: "A part of a thing.",
    declarable: true,
    apis: &[],
    key: &[
        KeyPart { name: "thing", from: KeySource::Reference, shape: Shape::Text { min: 1, max: 100 } },
        KeyPart { name: "name", from: KeySource::FieldOrKey, shape: Shape::Text { min: 1, max: 100 } },
    ],
    fold_case: false,
    fields: &[
        Field::new(
            "thing",
            "thingId",
            Shape::Reference { section: "things", qualifier: None, with_slug: false },
            "What it is a part of.",
        )
        .required()
        .immutable("a part stays where it is"),
        Field::new("name", "name", Shape::Text { min: 1, max: 100 }, "Its name."),
        Field::new("note", "note", Shape::Text { min: 1, max: 100 }, "A note."),
    ],
    attributes: &[Attribute::new("id", "id", "Its id.")],
    example: "",
};

pub(crate) fn error(failure: Failure, status: Option<u16>, uncertain: bool) -> RemoteError {
    let problem = RemoteProblem { method: "POST".into(), path: "/things".into(), status, ..RemoteProblem::default() };
    RemoteError {
        failure,
        message: "as asked for".into(),
        help: None,
        problem: Box::new(problem),
        fields: Vec::new(),
        uncertain,
    }
}

/// An object of the remote.
pub(crate) fn object(slug: &str, fields: Fields) -> Observed {
    Observed {
        identity: Identity::single("slug", slug),
        id: format!("id-{slug}").into(),
        version: Some("1".into()),
        fields,
        attributes: [("color", Value::text("green"))].into_iter().collect(),
        condition: Condition::Ready,
    }
}

pub(crate) fn address(key: &str) -> Address {
    Address::new("things", key)
}

pub(crate) fn part(key: &str) -> Address {
    Address::new("parts", key)
}

/// `was: NAME`
pub(crate) fn was(name: &str) -> Spanned<Arc<str>> {
    let span = Declared::new().thing("x", &[], &[]).desired.resources[0].span;
    Spanned { value: name.into(), span }
}

/// A part of a thing, as an object of the remote.
pub(crate) fn part_of(thing: &str, name: &str, fields: Fields) -> Observed {
    let mut object = object(&format!("{thing}-{name}"), fields);
    object.identity = Identity { parts: vec![("thing", thing.into()), ("name", name.into())] };
    object.fields.set("thing", link(thing));
    object
}

pub(crate) fn map(entries: &[(&str, Value)]) -> Value {
    Value::Map(Box::new(entries.iter().map(|(key, value)| ((*key).into(), value.clone())).collect::<Map>()))
}

/// `${things.KEY.FIELD}`
pub(crate) fn expression(key: &str, field: &str) -> Value {
    let part = TemplatePart::Field { address: address(key), path: Path::parse(field).expect("a path") };
    Value::Template(Box::new(Template { parts: vec![part], sensitive: false, redacted: false }))
}

pub(crate) fn refers_to(key: &str) -> Value {
    Value::Reference(Box::new(Reference { section: "things", to: To::Declared(address(key)) }))
}

pub(crate) fn named(name: &str, qualifier: Option<&str>) -> Value {
    let to = To::Natural { name: name.into(), qualifier: qualifier.map(Into::into) };
    Value::Reference(Box::new(Reference { section: "things", to }))
}

pub(crate) fn link(name: &str) -> Value {
    Value::Link(Box::new(Link { name: Some(name.into()), id: Some(format!("id-{name}").into()) }))
}

/// Everything stands on the line of its resource.
struct OneLine(Span);

impl Locate for OneLine {
    fn value(&self, _: &Path) -> (Span, bool) {
        (self.0, true)
    }

    fn key(&self, _: &Path) -> Option<Span> {
        Some(self.0)
    }
}

/// A project of things, one a line.
pub(crate) struct Declared {
    pub(crate) desired: Desired,
    file: FileId,
}

impl Declared {
    pub(crate) fn new() -> Self {
        let mut sources = Sources::default();
        let file = sources.add(SourceFile::new("things.yaml", "x\n".repeat(1000)));
        let target = Target { name: "test".into(), provider: "test", api: None };
        let targets = [(target.name.clone(), target)].into_iter().collect();
        Self { desired: Desired { project: "test".into(), targets, sources, ..Desired::default() }, file }
    }

    pub(crate) fn thing(mut self, key: &str, fields: &[(&'static str, Value)], requires: &[&str]) -> Self {
        let at = self.desired.resources.len() * 2;
        let span = Span::new(self.file, at..at + 1);
        let resource = Resource {
            address: address(key),
            target: "test".into(),
            identity: Identity::single("slug", key),
            fields: fields.iter().cloned().collect(),
            lifecycle: Lifecycle::default(),
            span,
            key_span: span,
            places: Places::new(Arc::new(OneLine(span))),
            requires: requires.iter().map(|key| (address(key), span)).collect(),
            parts: Vec::new(),
        };
        self.desired.resources.insert(address(key), resource);
        self.desired.resources.sort_keys();
        self
    }

    /// A part of a thing that is declared too.
    pub(crate) fn part(mut self, thing: &str, key: &str, fields: &[(&'static str, Value)]) -> Self {
        self = self.thing(key, fields, &[thing]);
        let mut resource = self.desired.resources.shift_remove(&address(key)).expect("just declared");
        resource.address = part(key);
        resource.identity = Identity { parts: vec![("thing", thing.into()), ("name", key.into())] };
        let mut fields: Fields = [("thing", refers_to(thing))].into_iter().collect();
        resource.fields.iter().for_each(|(name, value)| fields.set(name, value.clone()));
        resource.fields = fields;
        self.desired.resources.insert(part(key), resource);
        self.desired.resources.sort_keys();
        self
    }

    /// Things and parts that shall not exist.
    pub(crate) fn absent(self, keys: &[&str]) -> Self {
        keys.iter().fold(self, |declared, key| {
            let span = declared.desired.resources[0].span;
            declared.lifecycle(key, |lifecycle| lifecycle.absent = Some(span))
        })
    }

    /// Makes the parts of things written inside them.
    pub(crate) fn with_parts(mut self) -> Self {
        let mut owners: std::collections::HashMap<Address, graph::Parts> = std::collections::HashMap::new();
        for resource in self.desired.resources.values().filter(|resource| resource.address.section == PARTS.name) {
            let parts = owners.entry(address(&resource.identity.parts[0].1)).or_default();
            parts.all.push(resource.address.clone());
            if resource.lifecycle.absent.is_none() {
                parts.awaited.push(resource.address.clone());
            }
        }
        let resources = self.desired.resources.iter_mut();
        graph::require_parts(resources.map(|(address, resource)| (address, &mut resource.requires)), |address| {
            owners.get(address)
        });
        for (owner, parts) in owners {
            self.desired.resources[&owner].parts = parts.all;
        }
        self
    }

    pub(crate) fn lifecycle(mut self, key: &str, change: impl FnOnce(&mut Lifecycle)) -> Self {
        let address = Some(address(key)).filter(|address| self.desired.resources.contains_key(address));
        change(&mut self.desired.resources[&address.unwrap_or_else(|| part(key))].lifecycle);
        self
    }
}

pub(crate) fn registry() -> Registry {
    Registry::default().with::<Thing>().with::<Part>()
}

pub(crate) fn sessions(world: &Arc<World>) -> Sessions {
    let session: Arc<dyn Session> = Arc::new(TestSession(Arc::clone(world)));
    [("test".into(), session)].into_iter().collect()
}

/// The world as observed.
pub(crate) async fn observed(world: &Arc<World>, desired: &Desired) -> Snapshot {
    let mut problems = crate::model::Diagnostics::default();
    crate::observe::observe(desired, &registry(), &sessions(world), &mut problems).await
}

/// A clock that follows Tokio's, which tests stop.
pub(crate) fn clock() -> Clock {
    struct Virtual(tokio::time::Instant);

    impl Source for Virtual {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH + self.0.elapsed()
        }

        fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
            Box::pin(tokio::time::sleep(duration))
        }

        fn chance(&self) -> f64 {
            0.5
        }
    }

    Clock::new(Arc::new(Virtual(tokio::time::Instant::now())))
}
