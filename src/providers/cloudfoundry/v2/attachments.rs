//! What is attached to instances, and what a delete would take along (reference, sections 11.1 and 14).

use futures_util::future::try_join_all;
use serde::Deserialize;

use super::super::CloudFoundry;
use super::super::api::{Api, Key, in_lists};
use super::super::attachment::{Attachment, Kind};
use super::list::{self, List};
use crate::http::segment;
use crate::kind::{Failure, RemoteError};
use crate::model::RemoteId;

/// No credentials: what is not read cannot leak.
#[derive(Deserialize)]
struct Entity {
    service_instance_guid: RemoteId,
    name: Option<String>,
    app_guid: Option<String>,
}

#[derive(Deserialize)]
struct Route {
    host: Option<String>,
    path: Option<String>,
}

/// Not the shape of other lists.
#[derive(Deserialize)]
struct SharedTo {
    resources: Vec<SharedSpace>,
}

#[derive(Deserialize)]
struct SharedSpace {
    space_name: Option<String>,
    organization_name: Option<String>,
}

/// All that is attached to these instances. v2 itself refuses to overlook any of it unless it is told to, so what this
/// user may not see is left out.
pub async fn attachments(
    session: &CloudFoundry,
    managed: &[RemoteId],
    user_provided: &[RemoteId],
) -> Result<Vec<Attachment>, RemoteError> {
    let mut found = Vec::new();
    let all = [managed, user_provided].concat();
    for (list, kind, instances) in
        [(List::ServiceBindings, Kind::App, &all[..]), (List::ServiceKeys, Kind::Key, managed)]
    {
        for filter in in_lists(Api::V2, Key::Instance, instances) {
            let told = list::read::<Entity>(session, list, &[filter]).await;
            found.extend(seen(told)?.unwrap_or_default().into_iter().map(|resource| {
                let list::Resource { metadata, entity } = resource;
                let name = entity.name.filter(|name| !name.is_empty()).or(entity.app_guid);
                Attachment { guid: metadata.guid.into(), instance: entity.service_instance_guid, kind, name }
            }));
        }
    }
    let routes = managed.iter().map(|instance| (instance, List::RoutesOf(instance)));
    let routes = routes.chain(user_provided.iter().map(|instance| (instance, List::RoutesOfUserProvided(instance))));
    let routes = routes.map(async |(instance, list)| self::routes(session, instance, list).await);
    found.extend(try_join_all(routes).await?.into_iter().flatten());
    // Others cannot be shared.
    let shares = managed.iter().map(async |instance| shares(session, instance).await);
    found.extend(try_join_all(shares).await?.into_iter().flatten());
    Ok(found)
}

/// There is no list of those of several instances.
async fn routes(session: &CloudFoundry, instance: &RemoteId, list: List<'_>) -> Result<Vec<Attachment>, RemoteError> {
    let routes = list::read::<Route>(session, list, &[]).await;
    let attachment = |route: list::Resource<Route>| {
        let name = format!("{}{}", route.entity.host.unwrap_or_default(), route.entity.path.unwrap_or_default());
        Attachment {
            guid: route.metadata.guid.into(),
            instance: RemoteId::clone(instance),
            kind: Kind::Route,
            name: Some(name).filter(|name| !name.is_empty()),
        }
    };
    Ok(seen(routes)?.unwrap_or_default().into_iter().map(attachment).collect())
}

/// Nor of the shares.
async fn shares(session: &CloudFoundry, instance: &RemoteId) -> Result<Vec<Attachment>, RemoteError> {
    let shared = session.get::<SharedTo>(format!("/v2/service_instances/{}/shared_to", segment(instance))).await;
    let spaces = seen(shared)?.map(|shared| shared.resources).unwrap_or_default();
    let attachment = |(number, space): (usize, SharedSpace)| {
        let name = match (space.organization_name, space.space_name) {
            (Some(organization), Some(space)) => Some(format!("{organization}/{space}")),
            (_, space) => space,
        };
        let guid = format!("{instance}/{number}").into();
        Attachment { guid, instance: RemoteId::clone(instance), kind: Kind::Share, name }
    };
    Ok(spaces.into_iter().enumerate().map(attachment).collect())
}

/// `None` where it is not to be seen, or the server does not have it yet.
fn seen<T>(told: Result<T, RemoteError>) -> Result<Option<T>, RemoteError> {
    match told {
        Ok(told) => Ok(Some(told)),
        Err(error) => match error.failure {
            Failure::NotFound | Failure::Forbidden | Failure::UnknownDialect => Ok(None),
            _ => Err(error),
        },
    }
}
