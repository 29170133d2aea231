//! What exists -> YAML that declares it: the inverse of `config`, by the same tables.
//!
//! [`export`] chooses objects (`choose`), gives each a key (`keys`), turns it into a body (`body`), puts the bodies into
//! documents (`layout`) and those into text (`yaml`). Then `check` plans that text against the very snapshot it was made
//! from: whatever would not come out unchanged is taken out again, and named. So the plan of what is exported is empty,
//! whatever a remote holds.

mod body;
mod check;
mod choose;
mod keys;
mod layout;
mod suspicion;
mod world;
mod yaml;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use crate::kind::Registry;
use crate::model::{Address, Diagnostic, Path, RemoteId, Section, Snapshot, Sources, TargetName};
use crate::settings::Settings;

pub use choose::Within;
pub(crate) use suspicion::suspicion;
use world::World;

/// How often the text is planned at most; each time at least one thing has been taken out of it.
const MOST_ROUNDS: usize = 12;

/// What is asked of an export.
#[derive(Debug)]
pub struct Ask<'a> {
    /// The target of which everything has been read.
    pub target: TargetName,
    /// Which of its objects.
    pub within: Within<'a>,
    /// The settings of the project in which it is to be planned.
    pub settings: &'a Settings,
    /// What was read: the whole target.
    pub snapshot: &'a Snapshot,
    /// Every kind.
    pub registry: &'a Registry,
    /// What the project declares already; it is left out.
    pub declared: Declared,
    /// The schema of resource files, as somebody in the project's directory would name it.
    pub schema: Option<PathBuf>,
    /// Whether each home, a customer or a space, gets a document of its own.
    pub split: bool,
}

/// What a project declares of a target.
#[derive(Debug, Default)]
pub struct Declared {
    /// The resource files.
    pub files: Vec<PathBuf>,
    /// The objects: the section of each and the id, with the key under which it is declared.
    pub objects: HashMap<(&'static str, RemoteId), Arc<str>>,
    /// The keys that are taken, those of what does not exist yet too.
    pub keys: BTreeSet<(&'static str, Arc<str>)>,
}

/// An export.
#[derive(Debug, Default)]
pub struct Exported {
    /// The documents, in order of their paths.
    pub documents: Vec<Document>,
    /// What they declare, by section and key.
    pub addresses: BTreeSet<Address>,
    /// How many objects of each section are declared in them, in the order of the registry.
    pub counts: Vec<(&'static Section, usize)>,
    /// What could not be declared.
    pub left: Vec<Left>,
}

/// A document to be written.
#[derive(Debug, PartialEq, Eq)]
pub struct Document {
    /// Where, below the directory that is written to.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

/// An object that cannot be declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Its section.
    pub section: &'static str,
    /// Its natural key.
    pub name: String,
    /// Why, in the words of a sentence.
    pub because: String,
}

/// An object: its section and the remote's id.
type Object = (&'static str, RemoteId);

/// What is not to be written down, as far as a plan has told.
#[derive(Debug, Default)]
struct Without {
    /// Objects, with the reason.
    objects: BTreeMap<Object, String>,
    /// Fields of objects, or what is inside of them, with the reason.
    fields: BTreeMap<Object, BTreeMap<Path, String>>,
}

/// Writes down what a target holds, so that planning it yields no change.
///
/// # Errors
///
/// What is wrong with the files of the project, or with what was written, which nothing could be taken out for.
pub fn export(ask: &Ask<'_>) -> Result<Exported, (Vec<Diagnostic>, Sources)> {
    let world = World::new(ask);
    let keys = keys::Keys::of(&world);
    let mut without = Without::default();
    for round in 0.. {
        let chosen = choose::choose(&world, &without);
        let bodies = body::bodies(&world, &keys, &chosen, &without);
        let exported = layout::lay_out(&world, &chosen, &bodies);
        let more = check::misfits(&world, &bodies, &exported.documents)?;
        if more.is_empty() {
            return Ok(exported);
        }
        without.add(more, round + 1 >= MOST_ROUNDS);
    }
    unreachable!("each round takes something out, and there is only so much")
}

impl Without {
    /// Whether this field, or what is inside of it, is not to be written down: then why.
    fn field(&self, object: &Object, path: &Path) -> Option<&str> {
        self.fields.get(object)?.get(path).map(String::as_str)
    }

    /// Takes out more; `wholly`: the objects, however little of them is at fault.
    fn add(&mut self, misfits: Vec<check::Misfit>, wholly: bool) {
        for check::Misfit { object, path, because } in misfits {
            match path.filter(|_| !wholly) {
                // What has been taken out already cannot be what is wrong.
                Some(path) if self.field(&object, &path).is_none() => {
                    self.fields.entry(object).or_default().insert(path, because);
                }
                _ => drop(self.objects.insert(object, because)),
            }
        }
    }
}
