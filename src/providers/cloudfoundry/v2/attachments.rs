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
pub async fn attachments(session: &CloudFoundry, instances: &[RemoteId]) -> Result<Vec<Attachment>, RemoteError> {
    let mut found = Vec::new();
    for (list, kind) in [(List::ServiceBindings, Kind::App), (List::ServiceKeys, Kind::Key)] {
        for filter in in_lists(Api::V2, Key::Instance, instances) {
            let told = list::read::<Entity>(session, list, &[filter]).await;
            found.extend(seen(told)?.unwrap_or_default().into_iter().map(|resource| {
                let list::Resource { metadata, entity } = resource;
                let name = entity.name.filter(|name| !name.is_empty()).or(entity.app_guid);
                Attachment { guid: metadata.guid.into(), instance: entity.service_instance_guid, kind, name }
            }));
        }
    }
    let each = instances.iter().map(async |instance| of_one(session, instance).await);
    found.extend(try_join_all(each).await?.into_iter().flatten());
    Ok(found)
}

/// What there is no list of for several instances.
async fn of_one(session: &CloudFoundry, instance: &RemoteId) -> Result<Vec<Attachment>, RemoteError> {
    let attachment = |guid: RemoteId, kind, name| Attachment { guid, instance: RemoteId::clone(instance), kind, name };
    let routes = list::read::<Route>(session, List::RoutesOf(instance), &[]).await;
    let mut found: Vec<Attachment> = seen(routes)?
        .unwrap_or_default()
        .into_iter()
        .map(|route| {
            let name = format!("{}{}", route.entity.host.unwrap_or_default(), route.entity.path.unwrap_or_default());
            attachment(route.metadata.guid.into(), Kind::Route, Some(name).filter(|name| !name.is_empty()))
        })
        .collect();
    let shared = session.get::<SharedTo>(format!("/v2/service_instances/{}/shared_to", segment(instance))).await;
    let spaces = seen(shared)?.map(|shared| shared.resources).unwrap_or_default();
    found.extend(spaces.into_iter().enumerate().map(|(number, space)| {
        let name = match (space.organization_name, space.space_name) {
            (Some(organization), Some(space)) => Some(format!("{organization}/{space}")),
            (_, space) => space,
        };
        attachment(format!("{instance}/{number}").into(), Kind::Share, name)
    }));
    Ok(found)
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
