//! Instances of both kinds, managed and user-provided: they share the names of a space, and in v3 a list.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::CloudFoundry;
use super::api::{self, Both, Filter};
use super::meant::{self, Meant, Spaces};
use super::service_instance::ServiceInstance;
use super::user_provided::UserProvided;
use crate::kind::{RemoteError, Scope, Wanted};
use crate::model::{Collection, RemoteId, Resource};

/// What one list told of both, for one observation. Each kind takes its own.
#[derive(Default)]
struct Listed(OnceCell<Result<Mutex<Both>, RemoteError>>);

/// The spaces whose instances are asked for.
async fn spaces(wanted: &Wanted<'_>) -> Result<Meant<Spaces>, RemoteError> {
    match wanted.scope {
        Scope::Declared => Ok(meant::spaces_of_instances(wanted.declared, wanted.observed.get("spaces").await?)),
        Scope::Whole => Ok(Meant::Any),
    }
}

/// The managed ones in the spaces in which instances of either kind are declared or referred to, not those that are
/// shared into them.
pub async fn managed(wanted: &Wanted<'_>, remote: &CloudFoundry) -> Result<Vec<ServiceInstance>, RemoteError> {
    let meant = spaces(wanted).await?;
    let Some(filters) = api::within(remote.speaks, &meant) else { return Ok(Vec::new()) };
    let mut found = if remote.speaks.lists_instances_together() {
        listed(wanted, remote, &filters, |both| std::mem::take(&mut both.managed)).await?
    } else {
        api::service_instances(remote, &filters).await?
    };
    found.retain(|instance| meant.may_be(&instance.space));
    Ok(found)
}

/// The user-provided ones in the same spaces, in v3 without their credentials.
pub async fn user_provided(wanted: &Wanted<'_>, remote: &CloudFoundry) -> Result<Vec<UserProvided>, RemoteError> {
    let meant = spaces(wanted).await?;
    let Some(filters) = api::within(remote.speaks, &meant) else { return Ok(Vec::new()) };
    let mut found = if remote.speaks.lists_instances_together() {
        listed(wanted, remote, &filters, |both| std::mem::take(&mut both.user_provided)).await?
    } else {
        api::user_provided(remote, &filters).await?
    };
    found.retain(|instance| meant.may_be(&instance.space));
    Ok(found)
}

/// Reads the list, or waits for whoever reads it.
async fn listed<T>(
    wanted: &Wanted<'_>,
    remote: &CloudFoundry,
    filters: &[Filter],
    own: impl FnOnce(&mut Both) -> Vec<T>,
) -> Result<Vec<T>, RemoteError> {
    let listed = wanted.observed.shared::<Listed>();
    match listed.0.get_or_init(async || api::instances(remote, filters).await.map(Mutex::new)).await {
        Ok(both) => Ok(own(&mut both.lock().unwrap_or_else(PoisonError::into_inner))),
        Err(error) => Err(error.clone()),
    }
}

/// Which observed instances some declared ones may be, before that is decided.
pub struct Candidates<'w>(HashMap<&'w str, Vec<Meant<Spaces>>>);

impl<'w> Candidates<'w> {
    /// By their names, the earlier ones too, and their spaces.
    pub fn of(resources: impl Iterator<Item = &'w Resource>, wanted: &Wanted<'_>, spaces: &Collection) -> Self {
        let mut by_name: HashMap<&str, Vec<Meant<Spaces>>> = HashMap::new();
        for resource in resources {
            let name = resource.identity.parts.last().map(|(_, name)| &**name);
            let was = resource.lifecycle.was.as_ref().map(|was| &*was.value);
            for name in name.into_iter().chain(was) {
                let space = meant::spaces([resource.fields.get("space")], wanted.declared, spaces);
                by_name.entry(name).or_default().push(space);
            }
        }
        Self(by_name)
    }

    /// Whether this is one.
    pub fn has(&self, name: &str, space: &RemoteId) -> bool {
        self.0.get(name).into_iter().flatten().any(|spaces| spaces.may_be(space))
    }
}
