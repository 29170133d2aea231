//! Ways into the store that spare a walk through it: lists of ids by name, space, plan, and time.

use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::Timestamp;

use super::store::{Binding, Deletion, Instance, InstanceKind, Organization, Plan, PollableJob, Space, Store, Work};
use super::table::{Id, add, discard};

/// Something that happens by itself at a certain time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// An operation of this instance ends.
    Operation(Id),
    /// An operation of this binding ends.
    Binding(Id),
    /// This job of v2 runs.
    Job(Id),
    /// This job of v3 runs.
    PollableJob(Id),
}

/// Ids of instances, ascending: all of them, and each kind by itself.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    pub(super) all: Vec<Id>,
    pub(super) managed: Vec<Id>,
    pub(super) user_provided: Vec<Id>,
}

impl Shelf {
    const EMPTY: &'static Self = &Self { all: Vec::new(), managed: Vec::new(), user_provided: Vec::new() };

    fn both(&mut self, instance: &Instance, alter: fn(&mut Vec<Id>, Id)) {
        alter(&mut self.all, instance.id);
        match instance.kind {
            InstanceKind::Managed(_) => alter(&mut self.managed, instance.id),
            InstanceKind::UserProvided(_) => alter(&mut self.user_provided, instance.id),
        }
    }
}

/// What an instance is found by and can change during its life.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Marks {
    name: String,
    plan_guid: Option<String>,
    shared_to: Vec<String>,
    ends_at: Option<Timestamp>,
    counts_looks: bool,
}

impl Marks {
    pub(super) fn of(instance: &Instance) -> Self {
        let managed = instance.managed();
        let course = managed.and_then(|managed| managed.pending.as_ref()).map(|(course, _)| course);
        Self {
            name: instance.name.clone(),
            plan_guid: managed.map(|managed| managed.plan_guid.clone()),
            shared_to: instance.shared_to.clone(),
            ends_at: course.and_then(|course| course.ends_at),
            counts_looks: course.is_some_and(|course| course.looks.is_some()),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Index {
    organizations: HashMap<String, Id>,
    spaces_by_name: HashMap<String, Vec<Id>>,
    spaces_by_organization: HashMap<String, Vec<Id>>,
    plans_by_offering: HashMap<String, Vec<Id>>,
    everywhere: Shelf,
    by_space: HashMap<String, Shelf>,
    by_name: HashMap<String, Shelf>,
    by_plan: HashMap<String, Vec<Id>>,
    /// Every name that counts in a space: of its own instances and of those shared into it.
    names: HashMap<String, HashMap<String, Id>>,
    shared_into: HashMap<String, Vec<Id>>,
    bindings: HashMap<String, Vec<Id>>,
    due: BTreeSet<(Timestamp, Due)>,
    /// The instances whose operation ends after so many looks at it.
    counting_looks: BTreeSet<Id>,
    /// The bindings whose operation does.
    bindings_counting_looks: BTreeSet<Id>,
    /// The guids of what jobs of v3 are about to delete.
    condemned: HashSet<String>,
}

/// Organizations and spaces compare their names in any letter case.
pub(super) fn fold(name: &str) -> String {
    name.to_lowercase()
}

fn ids<'a>(lists: &'a HashMap<String, Vec<Id>>, key: &str) -> &'a [Id] {
    lists.get(key).map_or(&[], Vec::as_slice)
}

fn discard_from(lists: &mut HashMap<String, Vec<Id>>, key: &str, id: Id) {
    if let Some(list) = lists.get_mut(key) {
        discard(list, id);
        if list.is_empty() {
            lists.remove(key);
        }
    }
}

/// The organization or space that work is to delete.
fn condemned_by(work: &Work) -> Option<&str> {
    match work {
        Work::Delete(Deletion::Space { guid, .. } | Deletion::Organization { guid, .. }) => Some(guid),
        _ => None,
    }
}

impl Index {
    /// The index of a whole store.
    pub(super) fn of(store: &Store) -> Self {
        let mut index = Self::default();
        store.organizations.iter().for_each(|row| index.organization(row));
        store.spaces.iter().for_each(|row| index.space(row));
        store.plans.iter().for_each(|row| index.plan(row));
        store.instances.iter().for_each(|row| index.instance(row));
        store.bindings.iter().for_each(|row| index.binding(row));
        for job in store.jobs.iter().filter(|job| job.failure.is_none()) {
            index.schedule(job.runs_at, Due::Job(job.id));
        }
        store.pollable_jobs.iter().for_each(|row| index.pollable_job(row));
        index
    }

    pub(super) fn organization_named(&self, name: &str) -> Option<Id> {
        self.organizations.get(&fold(name)).copied()
    }

    pub(super) fn spaces_named(&self, name: &str) -> &[Id] {
        ids(&self.spaces_by_name, &fold(name))
    }

    pub(super) fn spaces_of(&self, organization_guid: &str) -> &[Id] {
        ids(&self.spaces_by_organization, organization_guid)
    }

    pub(super) fn plans_of(&self, offering_guid: &str) -> &[Id] {
        ids(&self.plans_by_offering, offering_guid)
    }

    pub(super) fn instances(&self) -> &Shelf {
        &self.everywhere
    }

    /// The instances whose home is this space.
    pub(super) fn instances_in(&self, space_guid: &str) -> &Shelf {
        self.by_space.get(space_guid).unwrap_or(Shelf::EMPTY)
    }

    pub(super) fn instances_named(&self, name: &str) -> &Shelf {
        self.by_name.get(name).unwrap_or(Shelf::EMPTY)
    }

    pub(super) fn instances_of_plan(&self, plan_guid: &str) -> &[Id] {
        ids(&self.by_plan, plan_guid)
    }

    /// The instances that other spaces share with this one.
    pub(super) fn shared_into(&self, space_guid: &str) -> &[Id] {
        ids(&self.shared_into, space_guid)
    }

    /// Who has this name in a space.
    pub(super) fn holder(&self, space_guid: &str, name: &str) -> Option<Id> {
        self.names.get(space_guid)?.get(name).copied()
    }

    pub(super) fn bindings_of(&self, instance_guid: &str) -> &[Id] {
        ids(&self.bindings, instance_guid)
    }

    /// The instances whose operation ends after so many looks at it.
    pub(super) fn counting_looks(&self) -> &BTreeSet<Id> {
        &self.counting_looks
    }

    /// The bindings whose operation does.
    pub(super) fn bindings_counting_looks(&self) -> &BTreeSet<Id> {
        &self.bindings_counting_looks
    }

    /// The next thing that is due by `now`, and when it is.
    pub(super) fn next_due(&self, now: Timestamp) -> Option<(Timestamp, Due)> {
        self.due.first().copied().filter(|(at, _)| *at <= now)
    }

    pub(super) fn schedule(&mut self, at: Timestamp, due: Due) {
        self.due.insert((at, due));
    }

    pub(super) fn unschedule(&mut self, at: Timestamp, due: Due) {
        self.due.remove(&(at, due));
    }

    pub(super) fn organization(&mut self, row: &Organization) {
        self.organizations.insert(fold(&row.name), row.id);
    }

    pub(super) fn forget_organization(&mut self, row: &Organization) {
        self.organizations.remove(&fold(&row.name));
    }

    pub(super) fn space(&mut self, row: &Space) {
        add(self.spaces_by_name.entry(fold(&row.name)).or_default(), row.id);
        add(self.spaces_by_organization.entry(row.organization_guid.clone()).or_default(), row.id);
    }

    pub(super) fn forget_space(&mut self, row: &Space) {
        discard_from(&mut self.spaces_by_name, &fold(&row.name), row.id);
        discard_from(&mut self.spaces_by_organization, &row.organization_guid, row.id);
    }

    pub(super) fn plan(&mut self, row: &Plan) {
        add(self.plans_by_offering.entry(row.offering_guid.clone()).or_default(), row.id);
    }

    pub(super) fn instance(&mut self, row: &Instance) {
        self.everywhere.both(row, add);
        self.by_space.entry(row.space_guid.clone()).or_default().both(row, add);
        self.mark(row);
    }

    pub(super) fn forget_instance(&mut self, row: &Instance) {
        self.everywhere.both(row, discard);
        if let Some(shelf) = self.by_space.get_mut(&row.space_guid) {
            shelf.both(row, discard);
            if shelf.all.is_empty() {
                self.by_space.remove(&row.space_guid);
            }
        }
        self.unmark(row, &Marks::of(row));
    }

    pub(super) fn instance_changed(&mut self, row: &Instance, before: &Marks) {
        if *before != Marks::of(row) {
            self.unmark(row, before);
            self.mark(row);
        }
    }

    fn mark(&mut self, row: &Instance) {
        let Marks { name, plan_guid, shared_to, ends_at, counts_looks } = Marks::of(row);
        if counts_looks {
            self.counting_looks.insert(row.id);
        }
        self.by_name.entry(name.clone()).or_default().both(row, add);
        if let Some(plan_guid) = plan_guid {
            add(self.by_plan.entry(plan_guid).or_default(), row.id);
        }
        for space_guid in shared_to {
            self.names.entry(space_guid.clone()).or_default().insert(name.clone(), row.id);
            add(self.shared_into.entry(space_guid).or_default(), row.id);
        }
        self.names.entry(row.space_guid.clone()).or_default().insert(name, row.id);
        if let Some(at) = ends_at {
            self.schedule(at, Due::Operation(row.id));
        }
    }

    fn unmark(&mut self, row: &Instance, marks: &Marks) {
        let Marks { name, plan_guid, shared_to, ends_at, counts_looks: _ } = marks;
        self.counting_looks.remove(&row.id);
        if let Some(shelf) = self.by_name.get_mut(name) {
            shelf.both(row, discard);
            if shelf.all.is_empty() {
                self.by_name.remove(name);
            }
        }
        if let Some(plan_guid) = plan_guid {
            discard_from(&mut self.by_plan, plan_guid, row.id);
        }
        for space_guid in shared_to {
            discard_from(&mut self.shared_into, space_guid, row.id);
        }
        for space_guid in shared_to.iter().chain([&row.space_guid]) {
            if let Some(names) = self.names.get_mut(space_guid) {
                names.remove(name);
                if names.is_empty() {
                    self.names.remove(space_guid);
                }
            }
        }
        if let Some(at) = ends_at {
            self.unschedule(*at, Due::Operation(row.id));
        }
    }

    /// Whether a job of v3 is about to delete what has this guid.
    pub(super) fn is_condemned(&self, guid: &str) -> bool {
        self.condemned.contains(guid)
    }

    pub(super) fn pollable_job(&mut self, row: &PollableJob) {
        if let Some((at, work)) = &row.work {
            self.schedule(*at, Due::PollableJob(row.id));
            self.condemned.extend(condemned_by(work).map(str::to_owned));
        }
    }

    pub(super) fn forget_pollable_job(&mut self, row: &PollableJob) {
        if let Some((at, work)) = &row.work {
            self.unschedule(*at, Due::PollableJob(row.id));
            if let Some(guid) = condemned_by(work) {
                self.condemned.remove(guid);
            }
        }
    }

    pub(super) fn binding(&mut self, row: &Binding) {
        add(self.bindings.entry(row.instance_guid.clone()).or_default(), row.id);
        let Some(course) = &row.pending else { return };
        if let Some(at) = course.ends_at {
            self.schedule(at, Due::Binding(row.id));
        }
        if course.looks.is_some() {
            self.bindings_counting_looks.insert(row.id);
        }
    }

    pub(super) fn forget_binding(&mut self, row: &Binding) {
        discard_from(&mut self.bindings, &row.instance_guid, row.id);
        self.bindings_counting_looks.remove(&row.id);
        if let Some(at) = row.pending.as_ref().and_then(|course| course.ends_at) {
            self.unschedule(at, Due::Binding(row.id));
        }
    }
}
