//! Instances of both kinds, managed and user-provided: they share the names of a space, and in v3 a list, the only one of a
//! run.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::CloudFoundry;
use super::api::{self, Both, Filter, Key};
use super::meant::{self, Meant, Spaces};
use super::service_instance::ServiceInstance;
use super::service_plan::ServicePlan;
use super::user_provided::UserProvided;
use crate::kind::{RemoteError, Scope, Wanted};
use crate::model::{Collection, RemoteId, Resource};

/// What one list told of both, for one observation. Each kind takes its own.
#[derive(Default)]
struct Listed(OnceCell<Result<Mutex<Both>, RemoteError>>);

/// The spaces in which instances of either kind are declared or referred to, and what asks for what is in them; `None` if
/// there are none. All there are, where everything is.
async fn spaces(
    wanted: &Wanted<'_>,
    remote: &CloudFoundry,
) -> Result<Option<(Meant<Spaces>, Vec<Filter>)>, RemoteError> {
    let meant = match wanted.scope {
        Scope::Declared => meant::spaces_of_instances(wanted.declared, wanted.observed.get("spaces").await?),
        Scope::Whole => Meant::Any,
    };
    let filters = api::within(remote.speaks, &meant);
    Ok(filters.map(|filters| (meant, filters)))
}

/// The managed ones in those spaces, not those that are shared into them.
pub async fn managed(wanted: &Wanted<'_>, remote: &CloudFoundry) -> Result<Vec<ServiceInstance>, RemoteError> {
    let Some((meant, filters)) = spaces(wanted, remote).await? else { return Ok(Vec::new()) };
    if remote.speaks.lists_instances_together() {
        return listed(wanted, remote, (&meant, &filters), |both| std::mem::take(&mut both.managed)).await;
    }
    let mut found = api::service_instances(remote, &filters).await?;
    found.retain(|instance| meant.may_be(&instance.space));
    Ok(found)
}

/// The user-provided ones in the same spaces, in v3 without their credentials.
pub async fn user_provided(wanted: &Wanted<'_>, remote: &CloudFoundry) -> Result<Vec<UserProvided>, RemoteError> {
    let Some((meant, filters)) = spaces(wanted, remote).await? else { return Ok(Vec::new()) };
    if remote.speaks.lists_instances_together() {
        return listed(wanted, remote, (&meant, &filters), |both| std::mem::take(&mut both.user_provided)).await;
    }
    let mut found = api::user_provided(remote, &filters).await?;
    found.retain(|instance| meant.may_be(&instance.space));
    Ok(found)
}

/// Managed instances of other spaces that were listed too.
#[derive(Debug, Default)]
pub struct Elsewhere {
    pub(super) instances: Vec<ServiceInstance>,
    /// The space into which all of them are shared, if that is known: nothing else was asked for.
    pub(super) shared_into: Option<RemoteId>,
}

/// Those of other spaces, where the list has them: all that are shared into the same spaces are among them.
pub async fn elsewhere(wanted: &Wanted<'_>, remote: &CloudFoundry) -> Result<Elsewhere, RemoteError> {
    if !remote.speaks.lists_instances_together() {
        return Ok(Elsewhere::default());
    }
    let Some((meant, filters)) = spaces(wanted, remote).await? else { return Ok(Elsewhere::default()) };
    let instances =
        listed(wanted, remote, (&meant, &filters), |both| std::mem::take(&mut both.of_other_spaces)).await?;
    let shared_into = match &filters[..] {
        [Filter::In(Key::Space, only)] if only.len() == 1 => only.first().cloned(),
        _ => None,
    };
    Ok(Elsewhere { instances, shared_into })
}

/// The plans of the managed ones, where their list tells them, each once. Where that fails it is told of the instances, and
/// the catalogue stands without them.
pub async fn plans(wanted: &Wanted<'_>, remote: &CloudFoundry) -> Vec<ServicePlan> {
    if !remote.speaks.lists_instances_together() {
        return Vec::new();
    }
    let Ok(Some((meant, filters))) = spaces(wanted, remote).await else { return Vec::new() };
    listed(wanted, remote, (&meant, &filters), |both| std::mem::take(&mut both.plans)).await.unwrap_or_default()
}

/// Reads the list, or waits for whoever reads it. All ask for the same spaces, which are those of the declarations.
async fn listed<T>(
    wanted: &Wanted<'_>,
    remote: &CloudFoundry,
    (meant, filters): (&Meant<Spaces>, &[Filter]),
    own: impl FnOnce(&mut Both) -> Vec<T>,
) -> Result<Vec<T>, RemoteError> {
    let listed = wanted.observed.shared::<Listed>();
    let read = async || {
        let mut both = api::instances(remote, filters).await?;
        let is_elsewhere = |instance: &mut ServiceInstance| !meant.may_be(&instance.space);
        both.of_other_spaces = both.managed.extract_if(.., is_elsewhere).collect();
        both.user_provided.retain(|instance| meant.may_be(&instance.space));
        Ok(Mutex::new(both))
    };
    match listed.0.get_or_init(read).await {
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
