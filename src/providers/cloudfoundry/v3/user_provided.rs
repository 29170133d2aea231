//! User-provided instances (reference, section 12).

use serde_json::{Map, Value as Json, json};

use super::super::CloudFoundry;
use super::super::api::{Filter, UserProvidedContent};
use super::super::error::says_gone;
use super::super::secrets;
use super::super::user_provided::UserProvided;
use super::instances::InstanceBody;
use super::list::{self, Question};
use super::{stamp, to_one};
use crate::http::{Method, segment};
use crate::kind::{Failure, RemoteError, Writer};
use crate::model::{RemoteId, Section};

const PATH: &str = "/v3/service_instances";

pub(super) fn instance(body: InstanceBody) -> UserProvided {
    UserProvided {
        stamp: stamp(body.guid, body.created_at, body.updated_at),
        name: body.name,
        space: body.relationships.space.guid().unwrap_or_default(),
        credentials: None,
        syslog_drain_url: body.syslog_drain_url.unwrap_or_default(),
        route_service_url: body.route_service_url.unwrap_or_default(),
        tags: body.tags.unwrap_or_default(),
        metadata: Some(body.metadata.unwrap_or_default()),
    }
}

/// Every user-provided instance that the filters leave, without its credentials.
pub async fn user_provided(session: &CloudFoundry, filters: &[Filter]) -> Result<Vec<UserProvided>, RemoteError> {
    let question = Question { path: PATH, filters, more: "type=user-provided" };
    let found: Vec<InstanceBody> = list::read(session, question).await?;
    Ok(found.into_iter().map(instance).collect())
}

/// With its credentials, unless they are not for this user.
pub async fn with_credentials(session: &CloudFoundry, instance: UserProvided) -> Result<UserProvided, RemoteError> {
    let told: Result<Json, _> = session.get(format!("{PATH}/{}/credentials", segment(&instance.stamp.guid))).await;
    let credentials = match told {
        Ok(told) => secrets::told(&told),
        Err(error) if error.failure == Failure::Forbidden || says_gone(&error) => None,
        Err(error) => return Err(error),
    };
    Ok(UserProvided { credentials, ..instance })
}

/// Creates one.
pub async fn create_user_provided(
    remote: &Writer<'_, CloudFoundry>,
    space: &str,
    content: UserProvidedContent<'_>,
    section: &'static Section,
) -> Result<UserProvided, RemoteError> {
    let mut body = json!({ "type": "user-provided", "relationships": { "space": to_one(space) } });
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
    remote.told(Method::PATCH, &format!("{PATH}/{}", segment(guid)), &body, section).await.map(instance)
}

/// Deletes one, with its bindings: there is no way to keep it from that.
pub async fn delete_user_provided(
    remote: &Writer<'_, CloudFoundry>,
    guid: &RemoteId,
    section: &'static Section,
) -> Result<(), RemoteError> {
    remote.delete(&format!("{PATH}/{}", segment(guid)), section).await.map(drop)
}

fn fill(body: &mut Json, content: UserProvidedContent<'_>) {
    let UserProvidedContent { name, credentials, syslog_drain_url, route_service_url, tags, metadata } = content;
    // An empty URL would have to be one; null takes it away.
    let url = |url: Option<Json>| url.map(|url| if url == "" { Json::Null } else { url });
    let given = [
        ("name", name.map(Json::from)),
        ("credentials", credentials),
        ("syslog_drain_url", url(syslog_drain_url)),
        ("route_service_url", url(route_service_url)),
        ("tags", tags),
        ("metadata", (!metadata.is_empty()).then(|| metadata.to_json())),
    ];
    for (key, value) in given {
        if let Some(value) = value {
            body[key] = value;
        }
    }
}
