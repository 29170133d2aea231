//! Kaiten: its control plane in the dialect of today's contract, and instances in that of the seed document.
//!
//! Section numbers (§) are those of the project's notes on the Kaiten API. What is not listed here answers 404, as
//! unknown routes do.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use axum::Router;
use serde_json::Value;

use super::{Clock, Ids, Wording};
use body::Body;
use problem::Problem;
use saved::Saved;
use stamp::Stamp;
use store::Store;

mod auth;
mod body;
mod call;
mod catalogue;
mod collection;
mod component;
mod customer;
mod entitlement;
mod family;
mod flag;
mod grant;
mod group;
mod instance;
mod integration;
mod json_schema;
mod license;
mod metadata;
mod metadata_field;
mod page;
mod problem;
mod record;
mod release;
mod routes;
mod rule;
mod saved;
mod slug;
mod stamp;
mod store;
mod zone;

#[cfg(test)]
mod tests;

pub use auth::Token;
pub use catalogue::Catalogue;
pub use page::ListShape;
pub(super) use problem::{generic_code, problem_type};

/// A token that may do everything in a sandbox, unless it is told otherwise.
pub const SANDBOX_TOKEN: &str = "ksh_sandbox";

/// A token that may only read in a sandbox, unless it is told otherwise.
pub const SANDBOX_READ_TOKEN: &str = "ksh_sandbox_read";

/// How this Kaiten behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// The dialect it speaks.
    pub dialect: Dialect,
    /// The tokens it accepts in the core dialect; by default [`SANDBOX_TOKEN`] and [`SANDBOX_READ_TOKEN`].
    pub tokens: Vec<Token>,
    /// How it answers lists in the core dialect.
    pub lists: ListShape,
    /// How many resources the organization may have.
    pub limits: Limits,
    /// What is there when nothing was saved.
    pub catalogue: Catalogue,
    /// What time it is.
    pub clock: Clock,
    /// Where ids and random digits come from.
    pub ids: Ids,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            dialect: Dialect::Core,
            tokens: vec![Token::admin(SANDBOX_TOKEN), Token::new(SANDBOX_READ_TOKEN, "reader", &["read:*"])],
            lists: ListShape::Pages,
            limits: Limits::default(),
            catalogue: Catalogue::Sample,
            clock: Clock::system(),
            ids: Ids::random(),
        }
    }
}

/// A generation of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// The 1.0.0 contract, below `/api`, with tokens.
    Core,
    /// The seed document: `POST` and `GET /instances`, without `/api` and without tokens (§12).
    Seed {
        /// Whether it also has what its document does not mention: `GET`, `PUT` and `DELETE /instances/{slug}`.
        writes: bool,
    },
}

/// How many resources of a kind the organization may have; none is no limit (§8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Customers.
    pub customers: Option<usize>,
    /// Deployment zones.
    pub deployment_zones: Option<usize>,
    /// License families; a new version of one does not count.
    pub licenses: Option<usize>,
    /// Instances.
    pub instances: Option<usize>,
    /// Entitlements.
    pub entitlements: Option<usize>,
    /// Entitlement groups.
    pub entitlement_groups: Option<usize>,
    /// Grants of entitlements, all licenses together.
    pub license_entitlements: Option<usize>,
    /// Metadata fields that are not archived.
    pub metadata_fields: Option<usize>,
    /// Components.
    pub components: Option<usize>,
    /// Releases.
    pub releases: Option<usize>,
    /// Feature flags.
    pub feature_flags: Option<usize>,
}

/// An emulated Kaiten. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Kaiten(Arc<Service>);

impl Kaiten {
    /// One that goes on from what an earlier one saved, or starts with its catalogue. The error says why what was saved
    /// cannot be used.
    pub fn new(options: Options, saved: Option<Value>) -> Result<Self, String> {
        let store = match saved {
            None => None,
            Some(saved) => {
                let saved: Saved = serde_json::from_value(saved).map_err(|error| error.to_string())?;
                Some(Store::try_from(saved)?)
            }
        };
        let sample = store.is_none() && options.catalogue == Catalogue::Sample;
        let store = store.unwrap_or_default();
        let (generation, traces) = (AtomicU64::new(0), AtomicU64::new(0));
        let service = Service { options, store: RwLock::new(store), generation, traces };
        if sample {
            let mut store = service.store.write().unwrap_or_else(PoisonError::into_inner);
            catalogue::fill(&mut store, &service, &auth::Caller::anybody("John Doe").author);
        }
        Ok(Self(Arc::new(service)))
    }

    /// Its routes, below `/api` in the core dialect.
    pub fn router(&self) -> Router {
        routes::router(Arc::clone(&self.0))
    }

    /// All it holds, for [`Kaiten::new`].
    pub fn save(&self) -> Value {
        // Rows are shared, so nobody waits while they are written out.
        let store = self.0.read().clone();
        serde_json::to_value(Saved::from(store)).expect("rows are plain data")
    }

    /// Rises with each change.
    pub fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::Acquire)
    }

    /// How it words errors.
    pub(super) fn wording(&self) -> Wording {
        match self.0.options.dialect {
            Dialect::Core => Wording::Kaiten,
            Dialect::Seed { .. } => Wording::KaitenSeed,
        }
    }
}

/// What the operations work on.
#[derive(Debug)]
struct Service {
    options: Options,
    store: RwLock<Store>,
    generation: AtomicU64,
    traces: AtomicU64,
}

impl Service {
    fn read(&self) -> RwLockReadGuard<'_, Store> {
        self.store.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> Writing<'_> {
        let store = self.store.write().unwrap_or_else(PoisonError::into_inner);
        Writing { store, generation: &self.generation }
    }

    fn now(&self) -> Stamp {
        Stamp::of(self.options.clock.now())
    }

    fn new_id(&self, taken: impl Fn(&str) -> bool) -> String {
        // A seeded sequence begins anew with each start and may meet its own ids in the saved state.
        loop {
            let id = self.options.ids.uuid();
            if !taken(&id) {
                return id;
            }
        }
    }

    /// The slug of the body, unless it is taken (409), or one made up from the name.
    fn new_slug(
        &self,
        body: &Body,
        name: &str,
        operation: &str,
        taken: impl Fn(&str) -> bool,
    ) -> Result<String, Problem> {
        match body.text("slug") {
            Some(slug) if taken(slug) => Err(slug_conflict(operation, slug)),
            Some(slug) => Ok(slug.to_owned()),
            None => Ok(self.made_up_slug(name, taken)),
        }
    }

    fn made_up_slug(&self, name: &str, taken: impl Fn(&str) -> bool) -> String {
        loop {
            let slug = slug::generate(name, &self.options.ids);
            if !taken(&slug) {
                return slug;
            }
        }
    }

    /// Refuses a slug in a body that is not the one in the path.
    #[expect(clippy::unused_self, reason = "reads like the other rules where it is used")]
    fn not_renamed(&self, body: &Body, slug: &str, operation: &str) -> Result<(), Problem> {
        match body.text("slug") {
            Some(other) if other != slug => {
                Err(Problem::new(422, format!("{operation}.SlugNotRenameable"), "a slug cannot be changed"))
            }
            _ => Ok(()),
        }
    }

    /// The quota of the organization: checked before anything else a create meets in the database (§8).
    fn within_limit(&self, count: usize, limit: Option<usize>, operation: &str) -> Result<(), Problem> {
        self.within_quota(count, limit, &format!("{operation}.EntitlementLimitReached"))
    }

    /// The same, where the code has a name of its own.
    #[expect(clippy::unused_self, reason = "reads like the other rules where it is used")]
    fn within_quota(&self, count: usize, limit: Option<usize>, code: &str) -> Result<(), Problem> {
        match limit {
            Some(limit) if count >= limit => Err(Problem::new(409, code, "entitlement limit reached")),
            _ => Ok(()),
        }
    }
}

fn slug_conflict(operation: &str, slug: &str) -> Problem {
    Problem::new(409, format!("{operation}.SlugConflict"), format!("the slug {slug} is already taken"))
}

/// The store, held for a change. Merely reading it through this is no change.
struct Writing<'a> {
    store: RwLockWriteGuard<'a, Store>,
    generation: &'a AtomicU64,
}

impl Deref for Writing<'_> {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl DerefMut for Writing<'_> {
    fn deref_mut(&mut self) -> &mut Store {
        self.generation.fetch_add(1, Ordering::AcqRel);
        &mut self.store
    }
}
