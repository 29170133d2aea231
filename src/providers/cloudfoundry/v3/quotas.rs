//! Quotas of organizations and spaces: `/v3/organization_quotas` and `/v3/space_quotas`, of which everybody sees those that
//! apply to what they have a role in.

use std::sync::Arc;

use futures_util::future::{try_join, try_join_all};
use serde::Deserialize;

use super::super::CloudFoundry;
use super::super::api::{Api, Filter, Key, in_lists};
use super::super::quota::{Holder, Quota};
use super::Guid;
use super::list::{self, Listed, Question};
use crate::kind::{Failure, RemoteError};
use crate::model::RemoteId;

#[derive(Deserialize)]
struct Body {
    guid: RemoteId,
    name: Arc<str>,
    services: Services,
    relationships: Limited,
}

#[derive(Deserialize)]
struct Services {
    paid_services_allowed: bool,
    total_service_instances: Option<u64>,
}

/// Only one of them is told of a quota, by its kind.
#[derive(Deserialize)]
struct Limited {
    organizations: Option<ToMany>,
    spaces: Option<ToMany>,
}

#[derive(Deserialize)]
struct ToMany {
    data: Vec<Guid>,
}

impl Listed for Body {
    fn guid(&self) -> &str {
        &self.guid
    }
}

/// The quotas of these organizations and spaces, as far as they can be seen.
pub async fn quotas(
    session: &CloudFoundry,
    organizations: &[RemoteId],
    spaces: &[RemoteId],
) -> Result<Vec<Quota>, RemoteError> {
    let (mut found, of_spaces) = try_join(
        read(session, Holder::Organization, in_lists(Api::V3, Key::Organization, organizations)),
        read(session, Holder::Space, in_lists(Api::V3, Key::Space, spaces)),
    )
    .await?;
    found.extend(of_spaces);
    Ok(found)
}

async fn read(session: &CloudFoundry, of: Holder, lists: Vec<Filter>) -> Result<Vec<Quota>, RemoteError> {
    let path = match of {
        Holder::Organization => "/v3/organization_quotas",
        Holder::Space => "/v3/space_quotas",
    };
    let lists = lists.iter().map(async |filter| {
        let question = Question { path, filters: std::slice::from_ref(filter), more: "" };
        match list::read::<Body>(session, question).await {
            Ok(quotas) => Ok(quotas),
            // Not to be seen by this user, or not there: older releases have no such lists.
            Err(error) if matches!(error.failure, Failure::Forbidden | Failure::NotFound) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    });
    let found = try_join_all(lists).await?.into_iter().flatten();
    Ok(found.map(|body| quota(of, body)).collect())
}

fn quota(of: Holder, body: Body) -> Quota {
    let Body { guid, name, services, relationships } = body;
    let limited = match of {
        Holder::Organization => relationships.organizations,
        Holder::Space => relationships.spaces,
    };
    Quota {
        guid,
        name,
        of,
        limits: limited.into_iter().flat_map(|limited| limited.data).map(|Guid { guid }| guid).collect(),
        instances: services.total_service_instances,
        paid: services.paid_services_allowed,
    }
}
