//! A Cloud Foundry foundation on loopback: the Cloud Controller's v2 and v3 APIs and the UAA.
//!
//! Written from the Cloud Controller's documentation and code, and sharing nothing with the client side: with the same
//! structs, both could be wrong together and every test agree. "Reference" in the comments is the project's page
//! on Cloud Foundry.
//!
//! Nothing runs in the background. An operation that takes time knows when it ends, and the first request after that
//! finds it over.

mod access;
mod admission;
mod broker;
mod call;
mod clock;
mod control;
mod discovery;
mod errors;
mod index;
mod limits;
pub mod marketplace;
mod metadata;
mod operations;
mod options;
mod orders;
mod removal;
mod store;
mod table;
#[cfg(test)]
mod tests;
mod uaa;
mod v2;
mod v3;
mod work;
mod world;

use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use axum::{Router, extract::State};
use serde_json::{Value, json};

use super::{Remote, Wording};
use call::Call;
use store::Store;
use world::World;

pub use clock::{Clock, CountedIds, Ids, RandomIds, SteppedClock, SystemClock};
pub use options::{Client, Options, Quota, RateLimit, Refresh, Role, RoleKind, SeedOrganization, SeedSpace, User};
pub use orders::Order;

/// The user a fresh foundation has unless told otherwise, and the password: an administrator.
pub const DEFAULT_USER: (&str, &str) = ("admin", "admin");

/// The version of the saved form this code writes and reads.
const SAVED_VERSION: u64 = 1;

/// Why a foundation could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The saved state is of a version this build does not know.
    #[error("the saved Cloud Foundry state has version `{found}`, and this build reads `{SAVED_VERSION}`")]
    Version {
        /// The version as it stands in the saved state.
        found: String,
    },
    /// The saved state is not what [`CloudFoundry::save`] wrote.
    #[error("the saved Cloud Foundry state is damaged")]
    Damaged(#[source] serde_json::Error),
    /// The fixed token stands for a user that is not among the users.
    #[error("the fixed token stands for `{user}`, who is not a user of the sandbox")]
    UnknownTokenUser {
        /// The name that was given.
        user: String,
    },
}

/// An emulated foundation. Clones share one state.
#[derive(Clone, Debug)]
pub struct CloudFoundry {
    world: Arc<Mutex<World>>,
}

impl CloudFoundry {
    /// Sets up a foundation: with what was saved, or fresh with the contents the options name.
    pub fn new(options: Options, saved: Option<Value>) -> Result<Self, SetupError> {
        if let Some((_, user)) = &options.fixed_token
            && !options.users.iter().any(|known| known.name == *user)
        {
            return Err(SetupError::UnknownTokenUser { user: user.clone() });
        }
        let store = match saved {
            None => Store::fresh(&options),
            Some(mut saved) => {
                if saved["version"] != json!(SAVED_VERSION) {
                    return Err(SetupError::Version { found: saved["version"].to_string() });
                }
                let mut store: Store = serde_json::from_value(saved["store"].take()).map_err(SetupError::Damaged)?;
                store.reindex();
                store
            }
        };
        Ok(Self { world: Arc::new(Mutex::new(World::new(options, store))) })
    }

    /// Serves both the Cloud Controller and, under `/oauth/token`, the UAA, so that one port is enough.
    pub fn router(&self) -> Router {
        Router::new().fallback(answer).with_state(self.clone())
    }

    /// Everything [`CloudFoundry::new`] needs to go on from here.
    pub fn save(&self) -> Value {
        let world = self.world();
        let store = serde_json::to_value(&world.store).expect("the store is plain data with string keys");
        json!({"version": SAVED_VERSION, "store": store})
    }

    /// Grows with every change of what [`CloudFoundry::save`] returns. It starts anew with each start.
    pub fn generation(&self) -> u64 {
        self.world().store.generation()
    }

    /// Tells the broker what to do with particular requests.
    pub fn order(&self, order: Order) {
        self.world().orders.give(order);
    }

    /// Takes back the orders that have not been obeyed yet.
    pub fn forget_orders(&self) {
        self.world().orders.forget();
    }

    /// Ends now what the broker keeps in progress: of the instances of one name, or of all; well, or with a failure.
    /// Returns how many operations those were.
    pub fn release(&self, instance: Option<&str>, failure: Option<&str>) -> usize {
        let mut world = self.world();
        let now = world.options.clock.now();
        world.store.release(instance, failure, now)
    }

    /// Forgets the jobs of v3 that have ended, as an old foundation does by their age.
    pub fn purge_jobs(&self) {
        self.world().store.purge_pollable_jobs();
    }

    fn world(&self) -> MutexGuard<'_, World> {
        // A request that panicked has changed at most what it was about; the rest is worth serving.
        self.world.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl From<CloudFoundry> for Remote {
    fn from(foundation: CloudFoundry) -> Self {
        let (router, watched) = (foundation.router(), foundation.clone());
        let control = control::router(foundation.clone());
        let save = Box::new(move || foundation.save());
        Self {
            router,
            save,
            generation: Box::new(move || watched.generation()),
            wording: Wording::CloudFoundry,
            control,
        }
    }
}

async fn answer(State(foundation): State<CloudFoundry>, request: Request<Body>) -> Response<Body> {
    let Ok(call) = Call::read(request).await else {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        return response;
    };
    let reply = foundation.world().answer(&call);
    reply.into_response()
}
