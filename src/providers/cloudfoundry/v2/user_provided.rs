//! `/v2/user_provided_service_instances` (reference, section 12).

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::super::api::{Filter, UserProvidedContent};
use super::list::{self, List, Resource};
use super::stamp;
use crate::http::{Method, segment};
use crate::kind::{RemoteError, Writer};
use crate::model::{RemoteId, Section};
use crate::providers::cloudfoundry::user_provided::UserProvided;
use crate::providers::cloudfoundry::{CloudFoundry, secrets};

const PATH: &str = "/v2/user_provided_service_instances";

#[derive(Deserialize)]
pub(super) struct Entity {
    name: String,
    space_guid: String,
    credentials: Option<Json>,
    syslog_drain_url: Option<String>,
    route_service_url: Option<String>,
    tags: Option<Vec<String>>,
}

/// Every user-provided instance that the filters leave.
pub async fn user_provided(session: &CloudFoundry, filters: &[Filter]) -> Result<Vec<UserProvided>, RemoteError> {
    let found = list::read(session, List::UserProvided, filters).await?;
    Ok(found.into_iter().map(instance).collect())
}

/// Creates one.
pub async fn create_user_provided(
    remote: &Writer<'_, CloudFoundry>,
    space: &str,
    content: UserProvidedContent<'_>,
    section: &'static Section,
) -> Result<UserProvided, RemoteError> {
    let mut body = json!({ "space_guid": space });
    fill(&mut body, content);
    remote.told(Method::POST, PATH, &body, section).await.map(instance)
}

/// Changes what is given and nothing else.
pub async fn update_user_provided(
    remote: &Writer<'_, CloudFoundry>,
    guid: &RemoteId,
    content: UserProvidedContent<'_>,
    section: &'static Section,
) -> Result<UserProvided, RemoteError> {
    let mut body = Json::Object(Map::new());
    fill(&mut body, content);
    remote.told(Method::PUT, &format!("{PATH}/{}", segment(guid)), &body, section).await.map(instance)
}

/// Deletes one, by the path that all instances have: their own does not look whether there is one, and whether one may.
pub async fn delete_user_provided(
    remote: &Writer<'_, CloudFoundry>,
    guid: &RemoteId,
    along: bool,
    section: &'static Section,
) -> Result<(), RemoteError> {
    let along = if along { "?recursive=true" } else { "" };
    remote.delete(&format!("/v2/service_instances/{}{along}", segment(guid)), section).await.map(drop)
}

fn fill(body: &mut Json, content: UserProvidedContent<'_>) {
    let UserProvidedContent { name, credentials, syslog_drain_url, route_service_url, tags, metadata: _ } = content;
    let given = [
        ("name", name.map(Json::from)),
        ("credentials", credentials),
        ("syslog_drain_url", syslog_drain_url),
        ("route_service_url", route_service_url),
        ("tags", tags),
    ];
    for (key, value) in given {
        if let Some(value) = value {
            body[key] = value;
        }
    }
}

fn instance(Resource { metadata, entity }: Resource<Entity>) -> UserProvided {
    UserProvided {
        stamp: stamp(metadata),
        name: entity.name.into(),
        space: entity.space_guid.into(),
        credentials: entity.credentials.as_ref().and_then(secrets::told),
        syslog_drain_url: entity.syslog_drain_url.unwrap_or_default().into(),
        route_service_url: entity.route_service_url.unwrap_or_default().into(),
        tags: entity.tags.unwrap_or_default(),
        metadata: None,
    }
}
