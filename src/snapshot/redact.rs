//! Takes out of a snapshot what is secret, or may be.
//!
//! What says which object it is (natural keys, names, ids) stays, as plans print it too. Of the rest goes what a table calls
//! sensitive; what a remote need not tell, such as parameters, with the marks that are kept of it; what is declared by a
//! sensitive value; what nothing declares and looks like a secret; and whatever repeats a secret that is known from these.

use std::collections::HashMap;
use std::sync::Arc;

use crate::export::suspicion;
use crate::kind::{ErasedKind, Registry};
use crate::model::{
    Address, Collection, Compare, Condition, Desired, Diagnostics, Facts, Field, Fields, Observed, RemoteId, Secrets,
    Section, Snapshot, TargetName, Value,
};
use crate::plan;

/// What is nested deeper is left out, so that what is written can be read.
const DEEPEST: usize = 40;

/// The snapshot without what may be secret. `variables` are the values of all variables, sensitive or not.
pub fn redact<'v>(
    snapshot: &Snapshot,
    desired: &Desired,
    registry: &Registry,
    variables: impl IntoIterator<Item = &'v Value>,
) -> Snapshot {
    let declared = Declared::of(snapshot, desired, registry);
    let mut secrets = Secrets::default();
    variables.into_iter().for_each(|value| secrets.learn_sensitive(value));
    declared.0.values().flat_map(Fields::iter).for_each(|(_, value)| secrets.learn_sensitive(value));
    each(snapshot, registry, |target, kind, _, object| {
        told(kind.section(), object, declared.of_object(target, kind.section(), object), &mut secrets);
    });
    let secrets = secrets.settled();

    let mut redacted: HashMap<(TargetName, &'static str), Vec<Observed>> = HashMap::new();
    each(snapshot, registry, |target, kind, facts, object| {
        let declared = declared.of_object(target, kind.section(), object);
        let object = Redaction { kind, facts, declared, secrets: &secrets }.object(object);
        redacted.entry((Arc::clone(target), kind.section().name)).or_default().push(object);
    });
    let collections = snapshot.collections.iter().map(|(target, sections)| {
        let sections = sections.keys().filter_map(|section| {
            let objects = redacted.remove(&(Arc::clone(target), *section)).unwrap_or_default();
            Some((*section, Collection::new(objects, registry.section(section)?.fold_case)))
        });
        (Arc::clone(target), sections.collect())
    });
    Snapshot {
        collections: collections.collect(),
        targets: snapshot.targets.clone(),
        reads: snapshot.reads,
        taken: snapshot.taken,
    }
}

/// Does something with each object.
fn each<'s>(
    snapshot: &'s Snapshot,
    registry: &Registry,
    mut with: impl FnMut(&'s TargetName, &dyn ErasedKind, &Facts, &'s Observed),
) {
    for (target, sections) in &snapshot.collections {
        let Some(facts) = snapshot.targets.get(target) else { continue };
        for (section, objects) in sections {
            let Some(kind) = registry.kind(section) else { continue };
            objects.iter().for_each(|object| with(target, &**kind, facts, object));
        }
    }
}

/// What is declared of objects, with everything looked up.
struct Declared(HashMap<(TargetName, &'static str, RemoteId), Fields>);

impl Declared {
    fn of(snapshot: &Snapshot, desired: &Desired, registry: &Registry) -> Self {
        let planned = plan::plan(desired, snapshot, registry, Diagnostics::default());
        let knowledge = plan::knowledge(&planned, desired, snapshot, registry);
        let of_step = |step: &plan::Step| {
            let Address { section, .. } = step.address;
            let resource = &desired.resources[&step.address];
            // What cannot be looked up is as it is declared.
            let fields = knowledge.resolve(resource).unwrap_or_else(|_| resource.fields.clone());
            Some(((Arc::clone(&step.target), section, Arc::clone(&step.observed.as_ref()?.id)), fields))
        };
        Self(planned.steps.iter().filter_map(of_step).collect())
    }

    fn of_object(&self, target: &TargetName, section: &Section, object: &Observed) -> Option<&Fields> {
        self.0.get(&(Arc::clone(target), section.name, Arc::clone(&object.id)))
    }
}

/// Whether what is declared so is a secret, or may come to one.
fn is_secret(declared: &Value) -> bool {
    declared.has_sensitive() || declared.has_template()
}

/// Whether the remote need not tell a field.
fn is_told_to_some(field: &Field) -> bool {
    matches!(field.compare, Compare::IfTold | Compare::WholeIfTold)
}

/// Learns the secrets that an object tells.
fn told(section: &Section, object: &Observed, declared: Option<&Fields>, secrets: &mut Secrets) {
    for (name, value) in object.fields.iter() {
        if section.field(name).is_some_and(|field| field.sensitive) {
            secrets.learn(value);
        } else if let Some(declared) = declared.and_then(|fields| fields.get(name)) {
            told_at(value, declared, secrets);
        }
    }
    for (name, value) in object.attributes.iter() {
        if section.attribute(name).is_some_and(|attribute| attribute.sensitive) {
            secrets.learn(value);
        }
    }
}

fn told_at(value: &Value, declared: &Value, secrets: &mut Secrets) {
    match (value, declared) {
        (_, declared) if !is_secret(declared) => {}
        (Value::Map(value), Value::Map(declared)) => {
            for (key, value) in value.iter() {
                if let Some(declared) = declared.get(key) {
                    told_at(value, declared, secrets);
                }
            }
        }
        (value, _) => secrets.learn(value),
    }
}

/// How one object is redacted.
struct Redaction<'a> {
    kind: &'a dyn ErasedKind,
    facts: &'a Facts,
    /// What is declared of it, if anything is.
    declared: Option<&'a Fields>,
    secrets: &'a Secrets,
}

impl Redaction<'_> {
    fn object(&self, object: &Observed) -> Observed {
        let Observed { identity, id, version, fields: _, attributes: _, condition } = object;
        Observed {
            identity: identity.clone(),
            id: Arc::clone(id),
            version: version.clone(),
            fields: self.fields(&object.fields),
            attributes: self.attributes(&object.attributes),
            condition: self.condition(condition),
        }
    }

    fn fields(&self, told: &Fields) -> Fields {
        let section = self.kind.section();
        let is_name = |name: &str| name == "name" || section.key.iter().any(|part| part.name == name);
        let withheld = |name: &str| section.field(name).filter(|field| field.sensitive || is_told_to_some(field));
        let mut fields: Fields = told
            .iter()
            .filter(|(name, _)| withheld(name).is_none())
            .map(|(name, value)| {
                let declared = self.declared.and_then(|fields| fields.get(name));
                (name, if is_name(name) { value.clone() } else { self.value(value, declared, name, 0) })
            })
            .collect();
        for field in section.fields.iter().filter(|field| withheld(field.name).is_some()) {
            let here = field.apis.is_empty() || field.apis.contains(&self.facts.api);
            let asked = self.declared.is_some_and(|declared| declared.get(field.name).is_some());
            match told.get(field.name) {
                Some(value) => fields.set(field.name, self.withheld(value, field)),
                // Nobody has asked for it, so nobody knows what there is.
                None if here && is_told_to_some(field) && !asked => fields.set(field.name, Value::Redacted),
                None => {}
            }
        }
        fields
    }

    /// Of credentials it stays which there are: a plan tells that too.
    fn withheld(&self, value: &Value, field: &Field) -> Value {
        match value {
            Value::Null => Value::Null,
            Value::Map(map) if field.sensitive && !map.keys().any(|key| self.secrets.are_in(key)) => {
                Value::Map(Box::new(map.keys().map(|key| (Arc::clone(key), Value::Redacted)).collect()))
            }
            _ => Value::Redacted,
        }
    }

    fn attributes(&self, told: &Fields) -> Fields {
        let section = self.kind.section();
        let known = |name: &str| section.attribute(name).is_some() || self.kind.notes().contains(&name);
        let mut attributes: Fields = told
            .iter()
            .filter(|(name, _)| known(name))
            .map(|(name, value)| {
                let is_id = name == section.id_name();
                (name, if is_id { value.clone() } else { self.value(value, None, name, 0) })
            })
            .collect();
        for attribute in section.attributes.iter().filter(|attribute| attribute.sensitive) {
            attributes.set(attribute.name, Value::Redacted);
        }
        attributes
    }

    fn value(&self, value: &Value, declared: Option<&Value>, key: &str, depth: usize) -> Value {
        if depth > DEEPEST {
            return Value::Redacted;
        }
        let inside =
            |map: &Value| map.as_map().is_some() && declared.is_none_or(|declared| declared.as_map().is_some());
        if declared.is_some_and(is_secret) && !inside(value) {
            return Value::Redacted;
        }
        match value {
            Value::Number(number) if self.secrets.are_in(&number.to_string()) => Value::Redacted,
            Value::Text(text) if self.secrets.are_in(text) => Value::Redacted,
            // What is declared in so many words is no secret to whoever reads the files.
            Value::Text(_) if declared.is_none() && suspicion(key, value).is_some() => Value::Redacted,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::Link(_) => value.clone(),
            Value::List(items) => {
                let items: Vec<_> = items.iter().map(|item| self.value(item, None, key, depth + 1)).collect();
                // A list is compared as a whole.
                if items.iter().any(Value::has_redacted) { Value::Redacted } else { Value::List(items) }
            }
            Value::Map(map) if map.keys().any(|key| self.secrets.are_in(key)) => Value::Redacted,
            Value::Map(map) => {
                let entries = map.iter().map(|(key, value)| {
                    let declared = declared.and_then(|declared| declared.as_map()?.get(key));
                    (Arc::clone(key), self.value(value, declared, key, depth + 1))
                });
                Value::Map(Box::new(entries.collect()))
            }
            Value::Sensitive(_)
            | Value::Fingerprint(_)
            | Value::Redacted
            | Value::Unknown
            | Value::Reference(_)
            | Value::Template(_) => Value::Redacted,
        }
    }

    /// The remote's words may repeat what it was sent.
    fn condition(&self, condition: &Condition) -> Condition {
        let words = |description: &Option<Arc<str>>| {
            let may_be_shown = |words: &&Arc<str>| {
                !self.secrets.are_in(words) && suspicion("", &Value::Text(Arc::clone(words))).is_none()
            };
            description.as_ref().filter(may_be_shown).cloned()
        };
        match condition {
            Condition::Ready => Condition::Ready,
            Condition::InProgress { operation, description } => {
                Condition::InProgress { operation: *operation, description: words(description) }
            }
            Condition::Failed { operation, description } => {
                Condition::Failed { operation: *operation, description: words(description) }
            }
        }
    }
}
