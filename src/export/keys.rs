//! The key of each object: its name where that can be one, else one made of the name.
//!
//! Keys are given over all objects of a target, whichever are exported, so that exports of single customers or spaces go
//! together.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::Object;
use super::world::{World, own_name};
use crate::config::{Fit, is_of_key, key_problem};
use crate::model::{KeySource, Observed, RemoteId, Section, Shape, Value};

/// Characters of a made key, at most.
const LONGEST: usize = 80;

/// The keys of objects.
pub(super) struct Keys {
    keys: HashMap<Object, Arc<str>>,
    /// Whose each of them is; none for one under which something is declared that does not exist.
    owners: HashMap<(&'static str, Arc<str>), Option<RemoteId>>,
}

impl Keys {
    pub(super) fn of(world: &World<'_>) -> Self {
        let mut keys = HashMap::new();
        for section in world.sections() {
            let Some(collection) = world.collection(section.name) else { continue };
            let objects: Vec<&Observed> = collection.iter().collect();
            give(section, &objects, world, &mut keys);
        }
        let declared = world.ask.declared.keys.iter().map(|key| (key.clone(), None));
        let given = keys.iter().map(|((section, id), key)| ((*section, Arc::clone(key)), Some(id.clone())));
        Self { owners: declared.chain(given).collect(), keys }
    }

    /// Whether something else than this object is declared under this key.
    pub(super) fn is_of_another(&self, section: &'static str, key: &str, object: &Observed) -> bool {
        self.owners.get(&(section, key.into())).is_some_and(|owner| owner.as_ref() != Some(&object.id))
    }

    /// The key of an object; `None` if it can have none.
    pub(super) fn get(&self, section: &'static str, object: &Observed) -> Option<&Arc<str>> {
        self.keys.get(&(section, object.id.clone()))
    }
}

fn give(section: &'static Section, objects: &[&Observed], world: &World<'_>, keys: &mut HashMap<Object, Arc<str>>) {
    let declared = &world.ask.declared;
    let free = section.key.last().is_some_and(|part| part.from != KeySource::Key);
    let mut times: HashMap<&str, usize> = HashMap::new();
    for object in objects {
        *times.entry(own_name(object)).or_default() += 1;
    }
    let reserved = declared.keys.iter().filter(|(of, _)| *of == section.name);
    let mut taken: HashSet<Arc<str>> = reserved.map(|(_, key)| Arc::clone(key)).collect();
    let mut fit = Fit::default();
    let mut nameless = Vec::new();
    for object in objects {
        let id = (section.name, object.id.clone());
        let name = own_name(object);
        if let Some(key) = declared.objects.get(&id) {
            keys.insert(id, Arc::clone(key));
        } else if can_be_key(section, name, &mut fit) && (!free || times[name] == 1) && !taken.contains(name) {
            taken.insert(name.into());
            keys.insert(id, name.into());
        } else if free {
            nameless.push((id, *object));
        }
    }
    // A reference that is a name must not be taken for another one's key.
    let names: BTreeSet<&str> = times.keys().copied().collect();
    for (id, object) in nameless {
        let base = made(section, object, times[own_name(object)] > 1);
        let numbered = (2..).map(|number| format!("{base}-{number}"));
        let is_free = |key: &String| !taken.contains(key.as_str()) && !names.contains(key.as_str());
        let key = std::iter::once(base.clone()).chain(numbered).find(is_free).expect("there are enough numbers");
        let key: Arc<str> = key.into();
        taken.insert(Arc::clone(&key));
        keys.insert(id, key);
    }
}

/// Whether a name can be the key by which its object is found.
fn can_be_key(section: &Section, name: &str, fit: &mut Fit) -> bool {
    let shape = section.key.last().map_or(Shape::Any, |part| part.shape);
    key_problem(name).is_none() && fit.complaint("key", &shape, &Value::text(name)).is_none()
}

/// A key from the name and, where others have the same, from what the object is in.
fn made(section: &Section, object: &Observed, with_outer: bool) -> String {
    let parts = &object.identity.parts;
    let skipped = if with_outer { 0 } else { parts.len().saturating_sub(1) };
    let text = parts.iter().skip(skipped).map(|(_, value)| &**value).collect::<Vec<_>>().join("-");
    let key = key_of(&text);
    if key.is_empty() { section.singular.replace(' ', "-") } else { key }
}

/// A text as a key, and as the name of a file: letters, digits and single dashes.
pub(super) fn key_of(text: &str) -> String {
    let mut key = String::new();
    for char in text.chars().flat_map(char::to_lowercase).take(4 * LONGEST) {
        if is_of_key(char) && char != '-' {
            key.push(char);
        } else if !key.is_empty() && !key.ends_with('-') {
            key.push('-');
        }
        if key.chars().count() >= LONGEST {
            break;
        }
    }
    key.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_of_what_a_key_may_have() {
        for (text, key) in [
            ("Größe 9", "größe-9"),
            ("acme/production/My DB", "acme-production-my-db"),
            ("--a--", "a"),
            ("日本 語", "日本-語"),
            ("👩‍👩‍👧", ""),
            ("${x}\n", "x"),
        ] {
            assert_eq!(key_of(text), key, "{text}");
            assert!(key.is_empty() || key_problem(key).is_none());
        }
        assert_eq!(key_of(&"x".repeat(500)).len(), LONGEST);
    }
}
