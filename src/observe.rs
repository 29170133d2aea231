//! Asks each kind for its collections, in bulk -> `Snapshot`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use indexmap::IndexMap;

use crate::diff::earlier;
use crate::graph;
use crate::kind::{ErasedKind, Registry, Session, Wanted};
use crate::model::{
    Address, Code, Collection, Desired, Diagnostic, Diagnostics, KeySource, Reference, Resource, Snapshot, TargetName,
    To, Value,
};

/// The connections of a run, by target. Shared with whoever applies.
pub type Sessions = BTreeMap<TargetName, Arc<dyn Session>>;

/// Observes everything the declared resources could mean or refer to. A collection that cannot be read is reported
/// where it is first needed, and the others are read all the same.
pub async fn observe(
    desired: &Desired,
    registry: &Registry,
    sessions: &Sessions,
    problems: &mut Diagnostics,
) -> Snapshot {
    let each = sessions.iter().map(async |(target, session)| {
        let (collections, failures) = observe_target(target, desired, registry, &**session).await;
        (Arc::clone(target), session.facts(), collections, failures)
    });
    let mut snapshot = Snapshot::default();
    for (target, facts, collections, failures) in join_all(each).await {
        snapshot.targets.insert(Arc::clone(&target), facts);
        snapshot.collections.insert(target, collections);
        problems.extend(failures);
    }
    for (target, session) in sessions {
        for words in session.warnings() {
            problems.push(Diagnostic::warning(Code::RemoteWarning, format!("target `{target}` warns: {words}")));
        }
    }
    snapshot.reads = sessions.values().map(|session| session.requests().read).sum();
    snapshot
}

/// The collections of one target and what went wrong. A kind starts as soon as those before it have been read.
async fn observe_target(
    target: &TargetName,
    desired: &Desired,
    registry: &Registry,
    session: &dyn Session,
) -> (BTreeMap<&'static str, Collection>, Vec<Diagnostic>) {
    let needs = needs(target, desired, registry);
    let read: BTreeMap<&'static str, OnceLock<Collection>> =
        needs.keys().map(|section| (*section, OnceLock::new())).collect();
    let observe = async |section: &'static str, kind: &dyn ErasedKind| {
        let need = &needs[section];
        let observed = kind.after().iter().filter_map(|before| Some((*before, read.get(before)?.get()?))).collect();
        let (resources, references) = (&need.resources[..], &need.references[..]);
        let declared = as_still_named(target, desired, registry, |section| read.get(section)?.get());
        let wanted = Wanted { resources, references, declared: &declared, observed };
        (section, kind.observe(&wanted, session).await)
    };
    let mut waiting: BTreeSet<&'static str> = needs.keys().copied().collect();
    let mut running = FuturesUnordered::new();
    let mut failures = Vec::new();
    loop {
        // A kind whose predecessor could not be read never gets ready; that has been reported.
        let ready = |kind: &dyn ErasedKind| kind.after().iter().all(|before| read[before].get().is_some());
        waiting.retain(|section| {
            let Some(kind) = registry.kind(section).filter(|kind| ready(&***kind)) else { return true };
            running.push(observe(*section, &**kind));
            false
        });
        match running.next().await {
            Some((section, Ok(collection))) => {
                read[section].set(collection).expect("each is read once");
            }
            Some((section, Err(error))) => failures.push((section, error)),
            None => break,
        }
    }
    drop(running);
    // Not in the order in which they failed: the remote's haste is not to be seen in a plan.
    failures.sort_by_key(|(section, _)| *section);
    let failures = failures.into_iter().map(|(section, error)| {
        let doing = format!("read the {} at target `{target}`", section.replace('_', " "));
        error.diagnose(&doing, needs[section].witness)
    });
    let failures = failures.collect();
    let read = read.into_iter().filter_map(|(section, cell)| Some((section, cell.into_inner()?)));
    (read.collect(), failures)
}

/// Everything declared, with what still has its earlier name (`lifecycle.was`) under that one: what is inside a container
/// that is to be renamed is found in it all the same.
fn as_still_named<'d, 'c>(
    target: &TargetName,
    desired: &'d Desired,
    registry: &Registry,
    read: impl Fn(&'static str) -> Option<&'c Collection>,
) -> Cow<'d, IndexMap<Address, Resource>> {
    let mut declared = Cow::Borrowed(&desired.resources);
    if desired.resources.values().all(|resource| resource.lifecycle.was.is_none()) {
        return declared;
    }
    for address in graph::order(desired).iter().filter(|address| desired.resources[*address].target == *target) {
        let resource = &declared[address];
        let (Some(section), Some(collection)) = (registry.section(address.section), read(address.section)) else {
            continue;
        };
        let mut identity = resource.identity.clone();
        for (part, (name, value)) in section.key.iter().zip(&mut identity.parts) {
            if part.from == KeySource::Reference
                && let Some(Value::Reference(reference)) = resource.fields.get(name)
                && let To::Declared(outer) = &reference.to
            {
                *value = declared[outer].identity.to_string().into();
            }
        }
        let mut name = None;
        if let Some(was) = resource.lifecycle.was.as_ref().map(|was| &was.value)
            && let Some(earlier) = earlier(section, &identity, was)
            && collection.named(&identity.to_string(), section.fold_case).next().is_none()
            && collection.named(&earlier.to_string(), section.fold_case).next().is_some()
        {
            identity = earlier;
            name = section.renaming().map(|field| (field.name, Value::Text(Arc::clone(was))));
        }
        if identity != resource.identity {
            let resource = &mut declared.to_mut()[address];
            resource.identity = identity;
            if let Some((name, was)) = name {
                resource.fields.set(name, was);
            }
        }
    }
    declared
}

/// Why a collection is read.
#[derive(Default)]
struct Need<'a> {
    resources: Vec<&'a Resource>,
    references: Vec<&'a Reference>,
    /// The first resource that needs it, to point at.
    witness: Option<&'a Resource>,
}

/// Whether anything can come of its declaration that deletes its object.
fn may_go(resource: &Resource) -> bool {
    resource.lifecycle.absent.is_some() || resource.lifecycle.consent.replace
}

fn needs<'a>(target: &TargetName, desired: &'a Desired, registry: &Registry) -> BTreeMap<&'static str, Need<'a>> {
    let mut needs: BTreeMap<&'static str, Need<'a>> = BTreeMap::new();
    for resource in desired.resources.values().filter(|resource| resource.target == *target) {
        let need = needs.entry(resource.address.section).or_default();
        need.witness.get_or_insert(resource);
        need.resources.push(resource);
        for (name, value) in resource.fields.iter() {
            let section = registry.section(resource.address.section);
            if section.is_some_and(|section| !resource.regards(section, name)) {
                continue;
            }
            let field = section.and_then(|section| section.field(name));
            if let Some(named) = field.and_then(|field| field.shape.names()) {
                needs.entry(named).or_default().witness.get_or_insert(resource);
            }
            if let Value::Reference(reference) = value
                && !matches!(reference.to, To::Declared(_))
            {
                let need = needs.entry(reference.section).or_default();
                need.witness.get_or_insert(resource);
                need.references.push(reference);
            }
        }
    }
    let mut queue: Vec<&'static str> = needs.keys().copied().collect();
    while let Some(section) = queue.pop() {
        let witness = needs[section].witness;
        let Some(kind) = registry.kind(section) else { continue };
        // Whoever deletes nothing need not be permitted to read what would go along.
        let along = if needs[section].resources.iter().any(|resource| may_go(resource)) { kind.along() } else { &[] };
        for other in kind.after().iter().chain(kind.beside()).chain(along) {
            if !needs.contains_key(other) {
                needs.insert(other, Need { witness, ..Need::default() });
                queue.push(other);
            }
        }
    }
    needs
}
