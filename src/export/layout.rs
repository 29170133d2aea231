//! Bodies to documents: one in all, or one for each customer or space and one for what belongs to none.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::body::{Bodies, Body, untold};
use super::choose::Chosen;
use super::keys::key_of;
use super::world::{Homes, World};
use super::yaml::{self, Entry, Map, Node};
use super::{Document, Exported, Left};
use crate::model::{Collection, Observed, RemoteId, Section};

/// What goes into one document.
#[derive(Default)]
struct Page<'b, 'a> {
    bodies: Vec<&'b Body<'a>>,
    left: Vec<&'b Left>,
}

pub(super) fn lay_out(world: &World<'_>, chosen: &Chosen<'_>, bodies: &Bodies<'_>) -> Exported {
    let paths = world.homes().filter(|_| world.ask.split).map(|homes| Paths::of(world, homes));
    let path = |home: Option<&RemoteId>| match &paths {
        Some(paths) => paths.get(home),
        None => PathBuf::from("export.yaml"),
    };
    let mut pages: BTreeMap<PathBuf, Page<'_, '_>> = BTreeMap::new();
    for body in &bodies.all {
        pages.entry(path(world.home(body.section, body.object))).or_default().bodies.push(body);
    }
    let left: Vec<&(Option<&RemoteId>, Left)> = chosen.left.iter().chain(&bodies.left).collect();
    for (home, left) in &left {
        pages.entry(path(*home)).or_default().left.push(left);
    }
    let documents = pages.into_iter().map(|(path, page)| Document { text: text(world, &path, &page), path });
    let counts = world.sections().map(|section| {
        let of_it = bodies.all.iter().filter(|body| body.section.name == section.name);
        (section, of_it.count())
    });
    Exported {
        documents: documents.collect(),
        addresses: bodies.all.iter().map(|body| body.address.clone()).collect(),
        counts: counts.filter(|(_, count)| *count > 0).collect(),
        left: left.into_iter().map(|(_, left)| left.clone()).collect(),
    }
}

/// The path of each home's document.
struct Paths {
    homes: HashMap<RemoteId, PathBuf>,
    shared: PathBuf,
}

impl Paths {
    /// Over all homes of the target, so that which are exported makes no difference.
    fn of(world: &World<'_>, homes: Homes) -> Self {
        // As file systems compare names that do not regard case.
        let mut taken: HashSet<String> = HashSet::new();
        let mut all = HashMap::new();
        for home in world.collection(homes.section).into_iter().flat_map(Collection::iter) {
            let base = base(homes, home);
            let numbered = (2..).map(|number| format!("{base}-{number}"));
            let mut candidates = std::iter::once(base.clone()).chain(numbered);
            let free = candidates.find(|path| taken.insert(path.to_lowercase())).expect("there are enough numbers");
            all.insert(home.id.clone(), PathBuf::from(format!("{free}.yaml")));
        }
        Self { homes: all, shared: PathBuf::from(homes.shared) }
    }

    fn get(&self, home: Option<&RemoteId>) -> PathBuf {
        home.and_then(|home| self.homes.get(home)).unwrap_or(&self.shared).clone()
    }
}

/// `spaces/acme/production`.
fn base(homes: Homes, home: &Observed) -> String {
    let parts = home.identity.parts.iter().map(|(_, part)| {
        let name = key_of(part);
        // Names that Windows keeps for devices.
        let is_device = matches!(&*name, "con" | "prn" | "aux" | "nul")
            || name.len() == 4 && (name.starts_with("com") || name.starts_with("lpt"));
        if name.is_empty() || is_device { format!("{name}_") } else { name }
    });
    std::iter::once(homes.directory.to_owned()).chain(parts).collect::<Vec<_>>().join("/")
}

fn text(world: &World<'_>, path: &Path, page: &Page<'_, '_>) -> String {
    let mut out = String::new();
    if let Some(schema) = &world.ask.schema {
        let up = if world.ask.split { "../".repeat(path.components().count() - 1) } else { String::new() };
        let schema = format!("{up}{}", schema.display());
        yaml::comment(&mut out, &format!("yaml-language-server: $schema={schema}"), 0);
    }
    let target = &world.ask.target;
    yaml::comment(&mut out, &format!("What target `{target}` holds, as `trueup export` has found it."), 0);
    let mut document = Map::open();
    for section in world.sections() {
        let mut entries = Map::open();
        for body in page.bodies.iter().filter(|body| body.section.name == section.name) {
            entries.push(&*body.address.key, Node::Map(body.map.clone()));
        }
        if !entries.entries.is_empty() {
            let comments = untold_words(section, world).into_iter().collect();
            document.entries.push(Entry { comments, key: section.name.to_owned(), value: Node::Map(entries) });
        }
    }
    if !page.left.is_empty() {
        document.notes.push("Not declared:".to_owned());
        for Left { section, name, because } in &page.left {
            document.notes.push(format!("  {section} {name}: {because}"));
        }
    }
    out.push_str(&yaml::document(&document));
    out
}

/// What is written down of none of a section.
fn untold_words(section: &'static Section, world: &World<'_>) -> Option<String> {
    let (secret, unread): (Vec<_>, Vec<_>) = untold(section, world).partition(|(_, secret)| *secret);
    let names =
        |fields: &[(&str, bool)]| fields.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(" and ");
    let mut words = Vec::new();
    if !secret.is_empty() {
        words.push(format!("{} (secret)", names(&secret)));
    }
    if !unread.is_empty() {
        words.push(format!("{} (not read back)", names(&unread)));
    }
    if words.is_empty() {
        return None;
    }
    Some(format!("Left out: {}. What is not declared is left alone.", words.join(", ")))
}
