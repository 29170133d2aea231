//! Asks each kind for its collections, in bulk -> `Snapshot`.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;

use crate::kind::{ErasedKind, Others, Reading, Registry, RemoteError, Scope, Session, Wanted};
use crate::model::{
    Code, Collection, Desired, Diagnostic, Diagnostics, Facts, Observed, Reference, Resource, Section, Snapshot,
    TargetName, To, Value,
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
    observe_within(Reach::Declared, desired, registry, sessions, problems).await
}

/// Observes everything that can be declared at these targets, declared or not, and what it refers to, beside all that
/// [`observe`] does: one list for each kind where the API has one, all of them read at the same time.
pub async fn observe_whole(
    desired: &Desired,
    registry: &Registry,
    sessions: &Sessions,
    problems: &mut Diagnostics,
) -> Snapshot {
    observe_within(Reach::Whole, desired, registry, sessions, problems).await
}

/// The same, and all that a plan of whatever may come to be declared there looks into besides, as far as the kinds read that
/// without anybody asking: for a snapshot that outlives what is declared now.
pub async fn observe_for_others(
    desired: &Desired,
    registry: &Registry,
    sessions: &Sessions,
    problems: &mut Diagnostics,
) -> Snapshot {
    observe_within(Reach::Whatever, desired, registry, sessions, problems).await
}

/// For whom it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// What is declared.
    Declared,
    /// Beside that, whoever looks at all that there is.
    Whole,
    /// And whatever may come to be declared.
    Whatever,
}

async fn observe_within(
    reach: Reach,
    desired: &Desired,
    registry: &Registry,
    sessions: &Sessions,
    problems: &mut Diagnostics,
) -> Snapshot {
    let each = sessions.iter().map(async |(target, session)| {
        let (collections, failures) = observe_target(target, reach, desired, registry, &**session).await;
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

/// The collections of one target and what went wrong. All of them are read at the same time; a kind waits for another
/// where it needs it.
async fn observe_target(
    target: &TargetName,
    reach: Reach,
    desired: &Desired,
    registry: &Registry,
    session: &dyn Session,
) -> (BTreeMap<&'static str, Collection>, Vec<Diagnostic>) {
    let scope = if reach == Reach::Declared { Scope::Declared } else { Scope::Whole };
    let besides = if reach == Reach::Declared { Vec::new() } else { listed_at(&session.facts(), registry) };
    let needs = needs(target, desired, registry, &besides, reach == Reach::Whatever);
    let kinds: Vec<_> = needs.keys().filter_map(|section| Some((*section, registry.kind(section)?))).collect();
    let readings: BTreeMap<&'static str, Arc<Reading>> =
        kinds.iter().map(|(section, _)| (*section, Arc::default())).collect();
    let shared = Arc::default();
    let reading = kinds.iter().map(async |(section, kind)| {
        let after = kind.after().iter().filter_map(|other| Some((*other, Arc::clone(readings.get(other)?))));
        let observed = Others::new(after.collect(), Arc::clone(&shared));
        let need = &needs[section];
        let (resources, references) = (&need.resources[..], &need.references[..]);
        let wanted = Wanted { resources, references, declared: &desired.resources, observed, scope };
        let outcome = kind.observe(&wanted, session).await;
        readings[section].set(outcome).expect("each is read once");
    });
    join_all(reading).await;

    let failed = |section: &&str| readings.get(section).and_then(|reading| reading.get()).is_some_and(Result::is_err);
    let mut failures: Vec<(&str, RemoteError)> = Vec::new();
    // In an order of its own: the remote's haste is not to be seen in a plan.
    for (section, kind) in kinds.iter().filter(|(section, _)| failed(section)) {
        let Some(Err(error)) = readings[section].get() else { continue };
        // What a kind could not do without another has been told of that one, and a list that two share once.
        if !kind.after().iter().any(&failed) && !failures.iter().any(|(_, told)| told == error) {
            failures.push((section, error.clone()));
        }
    }
    let failures = failures.into_iter().map(|(section, error)| {
        let doing = format!("read the {} at target `{target}`", section.replace('_', " "));
        error.diagnose(&doing, needs[section].witness)
    });
    let failures = failures.collect();
    let read = readings.into_iter().filter_map(|(section, reading)| {
        let outcome = Arc::into_inner(reading).and_then(Reading::into_inner).expect("nobody reads any longer");
        Some((section, outcome.ok()?))
    });
    (read.collect(), failures)
}

/// Reads a part of a snapshot again. What that part is found by, such as the spaces of instances, is as the snapshot has it.
pub(crate) struct Again<'a> {
    pub(crate) target: TargetName,
    pub(crate) desired: &'a Desired,
    pub(crate) registry: &'a Registry,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) session: &'a dyn Session,
}

impl Again<'_> {
    /// A collection.
    pub(crate) async fn read(&self, section: &'static str) -> Result<Collection, RemoteError> {
        self.observe(section, None).await
    }

    /// What is beside these objects of a kind, by section: what a delete of theirs may take along.
    pub(crate) async fn beside(
        &self,
        kind: &dyn ErasedKind,
        objects: Vec<Observed>,
    ) -> Result<BTreeMap<&'static str, Collection>, RemoteError> {
        let own = Collection::new(objects, kind.section().fold_case);
        let mut beside = BTreeMap::new();
        for section in kind.along() {
            beside.insert(*section, self.observe(section, Some((kind.section().name, &own))).await?);
        }
        Ok(beside)
    }

    /// `narrowed` is a collection to be taken for the snapshot's.
    async fn observe(
        &self,
        section: &'static str,
        narrowed: Option<(&'static str, &Collection)>,
    ) -> Result<Collection, RemoteError> {
        let Self { target, desired, registry, snapshot, session } = self;
        let kind = registry.kind(section).expect("kinds name sections that are registered");
        let Need { resources, references, .. } =
            needs(target, desired, registry, &[], false).remove(section).unwrap_or_default();
        let none = Collection::default();
        let known = |before: &'static str| match narrowed {
            Some((section, collection)) if section == before => collection,
            _ => snapshot.collection(target, before).unwrap_or(&none),
        };
        let observed = kind.after().iter().map(|before| (*before, known(before))).collect();
        let wanted = Wanted {
            resources: &resources,
            references: &references,
            declared: &desired.resources,
            observed,
            scope: Scope::Declared,
        };
        kind.observe(&wanted, *session).await
    }
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

/// Whether the objects of a section are declared: as resources of their own, or as parts of others.
pub(crate) fn is_declared(section: &Section, registry: &Registry) -> bool {
    section.declarable
        || registry
            .sections()
            .any(|whole| whole.fields.iter().any(|field| whole.parts(field.name) == Some(section.name)))
}

/// The sections of what can be declared at such a target.
pub(crate) fn listed_at(facts: &Facts, registry: &Registry) -> Vec<&'static str> {
    let there = |section: &&Section| {
        section.provider == facts.provider && (section.apis.is_empty() || section.apis.contains(&facts.api))
    };
    let declared = registry.sections().filter(there).filter(|section| is_declared(section, registry));
    declared.map(|section| section.name).collect()
}

/// The sections that have to be read of a target for what is declared, each with the first resource that needs it.
pub(crate) fn needed<'a>(
    target: &TargetName,
    desired: &'a Desired,
    registry: &Registry,
) -> Vec<(&'static str, Option<&'a Resource>)> {
    let needs = needs(target, desired, registry, &[], false);
    needs.into_iter().map(|(section, need)| (section, need.witness)).collect()
}

/// What has to be read of a target for what is declared, and of all these sections besides; `all`: with what checks and
/// deletes look into even where nothing asks for it.
fn needs<'a>(
    target: &TargetName,
    desired: &'a Desired,
    registry: &Registry,
    besides: &[&'static str],
    all: bool,
) -> BTreeMap<&'static str, Need<'a>> {
    let mut needs: BTreeMap<&'static str, Need<'a>> = BTreeMap::new();
    needs.extend(besides.iter().map(|section| (*section, Need::default())));
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
        let goes = all || needs[section].resources.iter().any(|resource| may_go(resource));
        let along = if goes { kind.along() } else { &[] };
        // What checks look into is of no use where nothing is checked.
        let beside = if all || witness.is_some() { kind.beside() } else { &[] };
        for other in kind.after().iter().chain(beside).chain(along) {
            let is_new = !needs.contains_key(other);
            let need = needs.entry(other).or_default();
            // Read anyhow, and now for somebody too.
            let gains = need.witness.is_none() && witness.is_some();
            if is_new || gains {
                need.witness = witness;
                queue.push(other);
            }
        }
    }
    needs
}

#[cfg(test)]
mod tests;
