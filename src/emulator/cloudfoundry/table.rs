//! A table of rows with an internal id and a guid, in the order of their making.

use std::collections::HashMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The number of a row: grows, is never used twice, and is the default order of every list.
pub(super) type Id = u64;

/// What every row has.
pub(super) trait Row {
    fn id(&self) -> Id;
    fn guid(&self) -> &str;
}

/// Rows by id and by guid.
#[derive(Debug)]
pub(super) struct Table<T> {
    rows: HashMap<Id, T>,
    order: Vec<Id>,
    guids: HashMap<String, Id>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: HashMap::new(), order: Vec::new(), guids: HashMap::new() }
    }
}

impl<T: Row> Table<T> {
    pub(super) fn insert(&mut self, row: T) {
        let id = row.id();
        self.guids.insert(row.guid().to_owned(), id);
        add(&mut self.order, id);
        self.rows.insert(id, row);
    }

    pub(super) fn remove(&mut self, id: Id) -> Option<T> {
        let row = self.rows.remove(&id)?;
        self.guids.remove(row.guid());
        discard(&mut self.order, id);
        Some(row)
    }

    pub(super) fn get(&self, id: Id) -> Option<&T> {
        self.rows.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: Id) -> Option<&mut T> {
        self.rows.get_mut(&id)
    }

    pub(super) fn by_guid(&self, guid: &str) -> Option<&T> {
        self.get(*self.guids.get(guid)?)
    }

    /// The ids of all rows, ascending.
    pub(super) fn ids(&self) -> &[Id] {
        &self.order
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.order.iter().filter_map(|id| self.rows.get(id))
    }
}

/// Adds an id to an ascending list. New ids come last, so this is cheap.
pub(super) fn add(ids: &mut Vec<Id>, id: Id) {
    if let Err(place) = ids.binary_search(&id) {
        ids.insert(place, id);
    }
}

/// Takes an id out of an ascending list.
pub(super) fn discard(ids: &mut Vec<Id>, id: Id) {
    if let Ok(place) = ids.binary_search(&id) {
        ids.remove(place);
    }
}

impl<T: Row + Serialize> Serialize for Table<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de, T: Row + Deserialize<'de>> Deserialize<'de> for Table<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut table = Self::default();
        for row in Vec::deserialize(deserializer)? {
            table.insert(row);
        }
        Ok(table)
    }
}
