//! How much of what exists is declared. Nothing of it is a change: what is not declared is left alone.

use std::collections::HashSet;
use std::sync::Arc;

use super::Plan;
use crate::kind::Registry;
use crate::model::{Collection, Identity, RemoteId, Section, Snapshot, TargetName};
use crate::observe::listed_at;

/// What exists of one kind at one target.
#[derive(Debug, Clone)]
pub struct Covered {
    /// The target.
    pub target: TargetName,
    /// The kind.
    pub section: &'static Section,
    /// How many exist; `None` if they could not be read.
    pub exists: Option<usize>,
    /// Those that are not declared, by natural key.
    pub undeclared: Vec<Undeclared>,
}

/// An object that nothing declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undeclared {
    /// Its natural key.
    pub identity: Identity,
    /// The remote's id.
    pub id: RemoteId,
}

impl Covered {
    /// How many of them are declared.
    pub fn declared(&self) -> usize {
        self.exists.unwrap_or(0).saturating_sub(self.undeclared.len())
    }
}

/// What exists of each kind that can be declared, ordered by target, then as the registry has the kinds. `snapshot` holds
/// everything, and `plan` is made of it and all that is declared.
pub fn coverage(plan: &Plan, snapshot: &Snapshot, registry: &Registry) -> Vec<Covered> {
    let declared: HashSet<(&str, &str, &str)> = plan
        .steps
        .iter()
        .filter_map(|step| Some((&*step.target, step.address.section, &*step.observed.as_ref()?.id)))
        .collect();
    let covered = snapshot.targets.iter().flat_map(|(target, facts)| {
        let declared = &declared;
        listed_at(facts, registry).into_iter().filter_map(move |name| {
            let section = registry.section(name)?;
            let there = snapshot.collection(target, name);
            let undeclared = there.into_iter().flat_map(Collection::iter);
            let undeclared = undeclared.filter(|object| !declared.contains(&(&**target, name, &*object.id)));
            let undeclared = undeclared
                .map(|object| Undeclared { identity: object.identity.clone(), id: Arc::clone(&object.id) })
                .collect();
            Some(Covered { target: Arc::clone(target), section, exists: there.map(Collection::len), undeclared })
        })
    });
    covered.collect()
}
