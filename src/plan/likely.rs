//! Creates that look like renames: something that nobody declares is, but for its name, what is to be created.
//!
//! Only what has been read anyway is looked at, and only told; who renames says so by `lifecycle.was`.

use std::collections::HashMap;

use crate::diff::Measure;
use crate::model::{
    Address, Code, Collection, Condition, Desired, Diagnostic, Fields, Identity, KeySource, Observed, Operation, Path,
    RemoteId, Section, Snapshot, TargetName, Value,
};

/// The most objects that are named as what may have been renamed.
const SHOWN: usize = 3;
/// The most objects that one create is compared with.
const COMPARED: usize = 100;

/// Something that is to be created, as it is to be.
pub(super) struct Creation {
    pub(super) address: Address,
    pub(super) section: &'static Section,
    pub(super) identity: Identity,
    pub(super) fields: Fields,
}

/// The objects of a collection by the value of one field.
type Shelf<'a> = HashMap<String, Vec<&'a Observed>>;

/// Tells those that look like renames. `claimed` are the objects that something declared is.
pub(super) fn renames(
    creations: &[Creation],
    claimed: &HashMap<RemoteId, Address>,
    desired: &Desired,
    snapshot: &Snapshot,
) -> Vec<Diagnostic> {
    let mut shelves: HashMap<(&TargetName, &'static str, &'static str), Shelf<'_>> = HashMap::new();
    let mut found = Vec::new();
    for creation in creations {
        let resource = &desired.resources[&creation.address];
        let section = creation.section;
        let Some(collection) = snapshot.collection(&resource.target, section.name) else { continue };
        let Some((field, value)) = telling(creation) else { continue };
        let shelf = shelves
            .entry((&resource.target, section.name, field))
            .or_insert_with(|| shelve(collection, field, claimed));
        let Creation { identity, fields, .. } = creation;
        let measure = Measure { section, identity, fields, lifecycle: &resource.lifecycle };
        let alike = shelf.get(&value).into_iter().flatten().take(COMPARED);
        let alike = alike.filter(|object| is_alike(measure, object)).take(SHOWN);
        let names: Vec<&str> = alike.filter_map(|object| Some(&*object.identity.parts.last()?.1)).collect();
        let Some(first) = names.first() else { continue };
        let listed = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
        let message = format!(
            "`{}` is to be created, and the {} {listed}, which nobody declares, is the same but for its name",
            creation.address, section.singular
        );
        found.push(
            Diagnostic::warning(Code::LikelyRename, message)
                .at(resource.key_span, "would be a second one")
                .help(format!(
                    "if it has another name now, write `lifecycle: {{ was: {first} }}`; if it is meant to be a second one, leave \
                     it so"
                ))
                .on(&creation.address),
        );
    }
    found
}

/// A field that few objects have alike, and its value.
fn telling(creation: &Creation) -> Option<(&'static str, String)> {
    let renaming = creation.section.renaming()?;
    let mut fields = creation.section.fields.iter().filter(|field| field.name != renaming.name);
    fields.find_map(|field| Some((field.name, key(creation.fields.get(field.name)?)?)))
}

fn shelve<'a>(collection: &'a Collection, field: &str, claimed: &HashMap<RemoteId, Address>) -> Shelf<'a> {
    let mut shelf = Shelf::new();
    for object in collection.iter().filter(|object| is_whole(object) && !claimed.contains_key(&object.id)) {
        if let Some(value) = object.fields.get(field).and_then(key) {
            shelf.entry(value).or_default().push(object);
        }
    }
    shelf
}

fn key(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.to_string()),
        Value::Link(link) => Some(link.id.as_ref()?.to_string()),
        _ => None,
    }
}

/// Neither on its way out nor what a failed create left.
fn is_whole(object: &Observed) -> bool {
    !matches!(
        object.condition,
        Condition::InProgress { operation: Operation::Delete, .. }
            | Condition::Failed { operation: Operation::Create, .. }
    )
}

/// Whether nothing but the name differs, of enough that it means something.
fn is_alike(measure: Measure<'_>, object: &Observed) -> bool {
    let Measure { section, fields, .. } = measure;
    let Some(renaming) = section.renaming() else { return false };
    let own = Path::field(renaming.name);
    let differences = measure.differences(object);
    if differences.iter().any(|difference| !difference.is_unverifiable() && !difference.path.starts_with(&own)) {
        return false;
    }
    let mut links = 0;
    let mut values = 0;
    for (name, value) in fields.iter() {
        let identifies = section.key.iter().any(|part| part.name == name && part.from != KeySource::Key);
        let told = !differences.iter().any(|difference| difference.path.starts_with(&Path::field(name)));
        match value {
            _ if identifies || !told || is_nothing(value) => {}
            Value::Link(_) => links += 1,
            _ => values += 1,
        }
    }
    values > 0 || links > 1
}

/// A value that many objects have because nobody gave them any.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => true,
        Value::Text(text) => text.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(map) => map.is_empty(),
        _ => false,
    }
}
