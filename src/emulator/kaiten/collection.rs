//! A table with its indexes: no request walks through it.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use super::stamp::Stamp;

/// A row: what it is found and ordered by.
pub(super) trait Record {
    /// Whether rows of this kind know when they were created; those that do not are ordered by id alone.
    const HAS_TIME: bool = true;

    fn id(&self) -> &str;
    fn slug(&self) -> &str;
    fn created_at(&self) -> Stamp;
}

/// Rows by id, by slug, and by age. Cloning is cheap enough for saving: rows are shared.
#[derive(Debug, Clone)]
pub(super) struct Collection<T> {
    rows: HashMap<String, Arc<T>>,
    ids: HashMap<String, String>,
    order: BTreeSet<(Stamp, String)>,
}

impl<T> Default for Collection<T> {
    fn default() -> Self {
        Self { rows: HashMap::new(), ids: HashMap::new(), order: BTreeSet::new() }
    }
}

impl<T: Record> Collection<T> {
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn get(&self, id: &str) -> Option<&Arc<T>> {
        self.rows.get(id)
    }

    pub(super) fn find(&self, slug: &str) -> Option<&Arc<T>> {
        self.rows.get(self.ids.get(slug)?)
    }

    pub(super) fn has_slug(&self, slug: &str) -> bool {
        self.ids.contains_key(slug)
    }

    /// Puts a row in the place of the one with its id, if there is one.
    pub(super) fn put(&mut self, row: T) -> Arc<T> {
        let row = Arc::new(row);
        let id = row.id().to_owned();
        if let Some(before) = self.rows.insert(id.clone(), Arc::clone(&row)) {
            self.ids.remove(before.slug());
            self.order.remove(&(before.created_at(), id.clone()));
        }
        self.ids.insert(row.slug().to_owned(), id.clone());
        self.order.insert((row.created_at(), id));
        row
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<Arc<T>> {
        let row = self.rows.remove(id)?;
        self.ids.remove(row.slug());
        self.order.remove(&(row.created_at(), id.to_owned()));
        Some(row)
    }

    /// Newest first, beginning after the row of this time and id, which need not exist any more.
    pub(super) fn newest(&self, after: Option<(Stamp, String)>) -> impl Iterator<Item = &Arc<T>> {
        let end = after.map_or(Bound::Unbounded, Bound::Excluded);
        let ids = self.order.range((Bound::Unbounded, end)).rev();
        ids.map(|(_, id)| self.rows.get(id).expect("what is ordered is there"))
    }
}
