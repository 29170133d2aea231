//! What was observed.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;

use super::{Fields, RemoteId, TargetName};

/// The natural key of an object: what it is recognised by. `slug`; `organization` and `name`; `space` and `name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The parts and their values, in order; an outer object's part is its own natural key as one string.
    pub parts: Vec<(&'static str, Arc<str>)>,
}

impl Identity {
    /// One part: a slug or a name.
    pub fn single(part: &'static str, value: impl Into<Arc<str>>) -> Self {
        Self { parts: vec![(part, value.into())] }
    }

    /// In a sentence: `with name db in space acme/production`.
    pub fn in_words(&self) -> String {
        let (outer, own) = self.parts.split_at(self.parts.len().saturating_sub(1));
        let words = |part: &str| part.replace('_', " ");
        let own = own.iter().map(|(part, value)| format!("with {} {value}", words(part)));
        let outer = outer.iter().map(|(part, value)| format!("in {} {value}", words(part)));
        own.chain(outer).collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Display for Identity {
    /// As one string, the way references name it: `acme`, `acme/production`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (_, value)) in self.parts.iter().enumerate() {
            if at > 0 {
                f.write_str("/")?;
            }
            f.write_str(value)?;
        }
        Ok(())
    }
}

/// What state an object is in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Condition {
    /// It is there.
    #[default]
    Ready,
    /// The remote is at work on it.
    InProgress {
        /// On what.
        operation: Operation,
        /// The remote's words.
        description: Option<Arc<str>>,
    },
    /// The last operation on it failed. After a create, what is left only occupies its name; after an update or a delete,
    /// it is there as before.
    Failed {
        /// Which.
        operation: Operation,
        /// The remote's words.
        description: Option<Arc<str>>,
    },
}

/// What a remote can be at work on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Creating it.
    Create,
    /// Changing it.
    Update,
    /// Deleting it.
    Delete,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        })
    }
}

/// One remote object, in the terms in which it is declared. Its `Debug` has no values: what a remote holds may be a secret that
/// nothing here knows as one.
#[derive(Clone)]
pub struct Observed {
    /// Its natural key.
    pub identity: Identity,
    /// The remote's id.
    pub id: RemoteId,
    /// What tells one state of it from the next, `updated_at` where there is one.
    pub version: Option<Arc<str>>,
    /// What can be declared, as it is. Server defaults and noise have been taken out.
    pub fields: Fields,
    /// What the remote adds: timestamps, version, `dashboard_url`, and whatever checks before a write need.
    pub attributes: Fields,
    /// Its state.
    pub condition: Condition,
}

impl fmt::Debug for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { identity, id, version, fields, attributes: _, condition } = self;
        let names: Vec<&str> = fields.iter().map(|(name, _)| name).collect();
        let condition = match condition {
            Condition::Ready => "ready",
            Condition::InProgress { .. } => "in progress",
            Condition::Failed { .. } => "failed",
        };
        let mut shown = f.debug_struct("Observed");
        shown.field("identity", identity).field("id", id).field("version", version).field("fields", &names);
        shown.field("condition", &condition).finish_non_exhaustive()
    }
}

/// All objects of one kind at one target that the declared ones could mean.
#[derive(Debug, Clone, Default)]
pub struct Collection {
    objects: Vec<Observed>,
    by_key: HashMap<Box<str>, Vec<u32>>,
    by_id: HashMap<RemoteId, u32>,
    /// By the field `name`; made when somebody asks for it first.
    by_name: OnceLock<HashMap<Box<str>, Vec<u32>>>,
    fold_case: bool,
}

impl Collection {
    /// Indexes objects. `fold_case` where the remote compares names without regard to case.
    ///
    /// Objects that arrive twice (pages shift while others write) are kept once, by id. They are put in the order of
    /// their natural keys, so that the remote's own order changes nothing.
    pub fn new(mut objects: Vec<Observed>, fold_case: bool) -> Self {
        objects.sort_by(|a, b| {
            let (a_parts, b_parts) = (a.identity.parts.iter(), b.identity.parts.iter());
            a_parts.map(|(_, value)| value).cmp(b_parts.map(|(_, value)| value)).then_with(|| a.id.cmp(&b.id))
        });
        let mut seen = std::collections::HashSet::new();
        objects.retain(|object| seen.insert(Arc::clone(&object.id)));
        let mut by_key: HashMap<Box<str>, Vec<u32>> = HashMap::with_capacity(objects.len());
        let mut by_id = HashMap::with_capacity(objects.len());
        for (at, object) in objects.iter().enumerate() {
            let at = u32::try_from(at).expect("fewer than 2^32 objects");
            by_key.entry(fold(&object.identity.to_string(), fold_case)).or_default().push(at);
            by_id.insert(Arc::clone(&object.id), at);
        }
        Self { objects, by_key, by_id, by_name: OnceLock::new(), fold_case }
    }

    /// The objects of this natural key; more than one where the remote does not keep it unique. `fold_case` as in [`Collection::new`].
    pub fn named(&self, key: &str, fold_case: bool) -> impl Iterator<Item = &Observed> {
        let found = self.by_key.get(&fold(key, fold_case)).map(Vec::as_slice).unwrap_or_default();
        found.iter().map(|at| &self.objects[*at as usize])
    }

    /// The objects whose field `name` is this, where names are only unique within something. Case counts unless
    /// [`Collection::new`] was told otherwise.
    pub fn called(&self, name: &str) -> impl Iterator<Item = &Observed> {
        let by_name = self.by_name.get_or_init(|| {
            let mut by_name: HashMap<Box<str>, Vec<u32>> = HashMap::with_capacity(self.objects.len());
            for (at, object) in (0..).zip(&self.objects) {
                if let Some(name) = object.fields.text("name") {
                    by_name.entry(fold(name, self.fold_case)).or_default().push(at);
                }
            }
            by_name
        });
        let found = by_name.get(&fold(name, self.fold_case)).map(Vec::as_slice).unwrap_or_default();
        found.iter().map(|at| &self.objects[*at as usize])
    }

    /// The object of this id.
    pub fn with_id(&self, id: &str) -> Option<&Observed> {
        self.by_id.get(id).map(|at| &self.objects[*at as usize])
    }

    /// All, ordered by natural key.
    pub fn iter(&self) -> impl Iterator<Item = &Observed> {
        self.objects.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }
}

fn fold(key: &str, fold_case: bool) -> Box<str> {
    if fold_case { key.to_lowercase().into() } else { key.into() }
}

/// What a target turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The provider.
    pub provider: &'static str,
    /// Where it is; no credentials in it.
    pub url: Arc<str>,
    /// The API version or dialect that answers: `core`, `seed`, `v2`, `v3`.
    pub api: &'static str,
    /// Why nothing there can be changed, where that is so; completes "it cannot be changed: ".
    pub read_only: Option<&'static str>,
}

/// Everything observed in one run.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// What each target turned out to be.
    pub targets: BTreeMap<TargetName, Facts>,
    /// The collections, by target, then section.
    pub collections: BTreeMap<TargetName, BTreeMap<&'static str, Collection>>,
    /// How many requests it took.
    pub reads: u64,
    /// When it was taken, if that was in another run: the remotes may be otherwise by now.
    pub taken: Option<Timestamp>,
}

impl Snapshot {
    /// One collection; `None` if it was not asked for.
    pub fn collection(&self, target: &str, section: &'static str) -> Option<&Collection> {
        self.collections.get(target)?.get(section)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Value;

    fn object(outer: &str, name: &str, id: &str) -> Observed {
        Observed {
            identity: Identity { parts: vec![("outer", outer.into()), ("name", name.into())] },
            id: id.into(),
            version: None,
            fields: [("name", Value::text(name))].into_iter().collect(),
            attributes: Fields::default(),
            condition: Condition::Ready,
        }
    }

    fn called<'c>(collection: &'c Collection, name: &str) -> Vec<&'c str> {
        collection.called(name).map(|object| &*object.id).collect()
    }

    #[test]
    fn objects_are_in_the_order_of_their_keys_and_each_is_there_once() {
        let objects = vec![object("b", "a", "3"), object("a", "b", "2"), object("a", "a", "1"), object("a", "b", "2")];
        let ids: Vec<_> = Collection::new(objects, false).iter().map(|object| object.id.to_string()).collect();
        assert_eq!(ids, ["1", "2", "3"]);
    }

    #[test]
    fn objects_are_found_by_a_name_that_is_unique_only_within_something() {
        let objects = || vec![object("a", "x", "1"), object("b", "X", "2"), object("b", "x", "3")];
        assert_eq!(called(&Collection::new(objects(), false), "x"), ["1", "3"]);
        assert_eq!(called(&Collection::new(objects(), true), "X"), ["1", "2", "3"]);
        assert!(called(&Collection::new(objects(), false), "y").is_empty());
    }
}
