//! `/v2/service_keys` (reference, section 14): created while one waits, credentials in every answer.

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::super::api::{Filter, NewKey};
use super::list::{self, List, Resource};
use super::stamp;
use crate::http::{Method, segment};
use crate::kind::{RemoteError, Writer};
use crate::model::{RemoteId, Section};
use crate::providers::cloudfoundry::service_key::ServiceKey;
use crate::providers::cloudfoundry::{CloudFoundry, secrets};

#[derive(Deserialize)]
struct Entity {
    name: String,
    service_instance_guid: String,
    credentials: Option<Json>,
}

/// Every key that the filters leave. Who may not see credentials sees no key.
pub async fn service_keys(session: &CloudFoundry, filters: &[Filter]) -> Result<Vec<ServiceKey>, RemoteError> {
    let found = list::read(session, List::ServiceKeys, filters).await?;
    Ok(found.into_iter().map(key).collect())
}

/// Creates a key.
pub async fn create_service_key(
    remote: &Writer<'_, CloudFoundry>,
    new: NewKey<'_>,
    section: &'static Section,
) -> Result<ServiceKey, RemoteError> {
    let NewKey { instance, name, parameters, metadata: _ } = new;
    let mut body = json!({ "service_instance_guid": instance, "name": name });
    if let Some(parameters) = parameters {
        body["parameters"] = parameters;
    }
    remote.told(Method::POST, "/v2/service_keys", &body, section).await.map(key)
}

/// Deletes a key.
pub async fn delete_service_key(
    remote: &Writer<'_, CloudFoundry>,
    guid: &RemoteId,
    section: &'static Section,
) -> Result<(), RemoteError> {
    remote.delete(&format!("/v2/service_keys/{}", segment(guid)), section).await.map(drop)
}

fn key(Resource { metadata, entity }: Resource<Entity>) -> ServiceKey {
    ServiceKey {
        stamp: stamp(metadata),
        name: entity.name.into(),
        instance: entity.service_instance_guid.into(),
        credentials: entity.credentials.as_ref().and_then(secrets::told),
        parameters: None,
        metadata: None,
        last_operation: None,
    }
}
