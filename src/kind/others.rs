//! The collections of one target while they are being read.

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::SetOnce;

use super::RemoteError;
use crate::model::Collection;

/// A collection that is being read: what came of it, once that is known.
pub type Reading = SetOnce<Result<Collection, RemoteError>>;

/// What a kind can look into while it reads its own collection.
///
/// All kinds of a target read at the same time. One that needs another's collection waits for it where it is needed, be
/// it to know what to ask for or only to join the two, and not before.
#[derive(Debug, Default)]
pub struct Others {
    readings: BTreeMap<&'static str, Arc<Reading>>,
    shared: Arc<Shared>,
}

/// What several kinds of a provider read together, by its type.
#[derive(Debug, Default)]
pub struct Shared(Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>);

impl Others {
    /// The collections that a kind is after, and what it shares with others.
    pub fn new(readings: BTreeMap<&'static str, Arc<Reading>>, shared: Arc<Shared>) -> Self {
        Self { readings, shared }
    }

    /// A collection named in [`Readable::AFTER`](super::Readable::AFTER), as soon as it has been read.
    ///
    /// # Errors
    ///
    /// It could not be read. The kind hands that on; it is told once, of the collection it befell.
    ///
    /// # Panics
    ///
    /// On any other section: two kinds that wait for each other would wait forever.
    pub async fn get(&self, section: &str) -> Result<&Collection, RemoteError> {
        let reading = self.readings.get(section).expect("a kind waits only for what it says it is after");
        reading.wait().await.as_ref().map_err(Clone::clone)
    }

    /// What kinds of a provider read together: made by whoever asks first, and forgotten with the observation.
    pub fn shared<T: Any + Send + Sync + Default>(&self) -> Arc<T> {
        let mut shared = self.shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = shared.entry(TypeId::of::<T>()).or_insert_with(|| Arc::<T>::default());
        Arc::downcast(Arc::clone(kept)).expect("it is kept under its own type")
    }
}

impl<'c> FromIterator<(&'static str, &'c Collection)> for Others {
    /// Of collections that have been read.
    fn from_iter<I: IntoIterator<Item = (&'static str, &'c Collection)>>(collections: I) -> Self {
        let read = |(section, collection): (_, &Collection)| {
            (section, Arc::new(Reading::new_with(Some(Ok(collection.clone())))))
        };
        Self { readings: collections.into_iter().map(read).collect(), shared: Arc::default() }
    }
}
