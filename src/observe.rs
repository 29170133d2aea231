//! Asks each kind for its collections, in bulk -> `Snapshot`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::join_all;

use crate::kind::{Registry, RemoteError, Session, Wanted};
use crate::model::{
    Code, Collection, Desired, Diagnostic, Diagnostics, Reference, Resource, Snapshot, TargetName, To, Value,
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
    let mut missing: BTreeSet<&'static str> = needs.keys().copied().collect();
    let mut read = BTreeMap::new();
    let mut failures = Vec::new();
    while !missing.is_empty() {
        let ready: Vec<&'static str> = missing
            .iter()
            .copied()
            .filter(|section| {
                registry.kind(section).is_some_and(|kind| kind.after().iter().all(|before| !missing.contains(before)))
            })
            .collect();
        if ready.is_empty() {
            break;
        }
        let wave = ready.iter().map(async |section| {
            let need = &needs[section];
            let kind = registry.kind(section).expect("needs are of registered kinds");
            let before = kind.after().iter().filter(|section| !read.contains_key(**section));
            if before.count() > 0 {
                return (*section, None);
            }
            let wanted = Wanted {
                resources: &need.resources,
                references: &need.references,
                declared: &desired.resources,
                observed: &read,
            };
            (*section, Some(kind.observe(&wanted, session).await))
        });
        let wave: Vec<(&'static str, Option<Result<Collection, RemoteError>>)> = join_all(wave).await;
        for (section, outcome) in wave {
            missing.remove(section);
            match outcome {
                Some(Ok(collection)) => drop(read.insert(section, collection)),
                Some(Err(error)) => failures
                    .push(error.diagnose(&format!("read {section} at target `{target}`"), needs[section].witness)),
                // What had to be read before could not be, and that has been reported.
                None => {}
            }
        }
    }
    (read, failures)
}

/// Why a collection is read.
#[derive(Default)]
struct Need<'a> {
    resources: Vec<&'a Resource>,
    references: Vec<&'a Reference>,
    /// The first resource that needs it, to point at.
    witness: Option<&'a Resource>,
}

fn needs<'a>(target: &TargetName, desired: &'a Desired, registry: &Registry) -> BTreeMap<&'static str, Need<'a>> {
    let mut needs: BTreeMap<&'static str, Need<'a>> = BTreeMap::new();
    for resource in desired.resources.values().filter(|resource| resource.target == *target) {
        let need = needs.entry(resource.address.section).or_default();
        need.witness.get_or_insert(resource);
        need.resources.push(resource);
        for (_, value) in resource.fields.iter() {
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
        for before in registry.kind(section).map(|kind| kind.after()).unwrap_or_default() {
            if !needs.contains_key(before) {
                needs.insert(before, Need { witness, ..Need::default() });
                queue.push(before);
            }
        }
    }
    needs
}
