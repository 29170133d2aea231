//! Service keys: credential bindings of the type `key` (reference, section 14).

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::super::CloudFoundry;
use super::super::api::{Filter, Gone, Key, NewKey};
use super::super::error::{self, Purpose, says_gone};
use super::super::metadata::Metadata;
use super::super::secrets;
use super::super::service_instance::LastOperation;
use super::super::service_key::ServiceKey;
use super::list::{self, Listed, Question};
use super::{ToOne, stamp, to_one};
use crate::http::{Method, segment};
use crate::kind::{Failure, RemoteError, Writer};
use crate::model::{RemoteId, Section};

const PATH: &str = "/v3/service_credential_bindings";

#[derive(Deserialize)]
struct Body {
    guid: Arc<str>,
    created_at: Option<Arc<str>>,
    updated_at: Option<Arc<str>>,
    name: Option<Arc<str>>,
    last_operation: Option<Operation>,
    relationships: Relationships,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Relationships {
    service_instance: ToOne,
}

#[derive(Deserialize)]
struct Operation {
    r#type: Option<String>,
    state: Option<String>,
    description: Option<Arc<str>>,
}

/// What is told of a key to who may see secrets.
#[derive(Deserialize)]
struct Details {
    credentials: Option<Json>,
}

impl Listed for Body {
    fn guid(&self) -> &str {
        &self.guid
    }
}

fn key(body: Body) -> ServiceKey {
    let mut metadata = body.metadata.unwrap_or_default();
    ServiceKey {
        stamp: stamp(body.guid, body.created_at, body.updated_at),
        name: body.name.unwrap_or_default(),
        instance: body.relationships.service_instance.guid().unwrap_or_default(),
        credentials: None,
        parameters: metadata.take_mark(),
        metadata: Some(metadata),
        last_operation: body.last_operation.and_then(|operation| {
            Some(LastOperation {
                operation: operation.r#type.unwrap_or_default(),
                state: operation.state?,
                description: operation.description.filter(|words| !words.is_empty()),
            })
        }),
    }
}

/// Every key that the filters leave, without its credentials.
pub async fn service_keys(session: &CloudFoundry, filters: &[Filter]) -> Result<Vec<ServiceKey>, RemoteError> {
    let found: Vec<Body> = list::read(session, Question { path: PATH, filters, more: "type=key" }).await?;
    Ok(found.into_iter().map(key).collect())
}

/// With its credentials, if it is done and they are for this user.
pub async fn with_key_credentials(session: &CloudFoundry, key: ServiceKey) -> Result<ServiceKey, RemoteError> {
    if key.last_operation.as_ref().is_some_and(|last| last.operation != "create" || last.state != "succeeded") {
        return Ok(key);
    }
    let told: Result<Details, _> = session.get(format!("{PATH}/{}/details", segment(&key.stamp.guid))).await;
    let credentials = match told {
        Ok(told) => told.credentials.as_ref().and_then(secrets::told),
        Err(error) if error.failure == Failure::Forbidden || says_gone(&error) => None,
        Err(error) => return Err(error),
    };
    Ok(ServiceKey { credentials, ..key })
}

/// Begins to create a key. The answer does not name it, but it is there at once: it is looked up by its name.
pub async fn create_service_key(
    remote: &Writer<'_, CloudFoundry>,
    new: NewKey<'_>,
    section: &'static Section,
) -> Result<ServiceKey, RemoteError> {
    let NewKey { instance, name, parameters, metadata } = new;
    let mut body = json!({ "type": "key", "name": name, "relationships": { "service_instance": to_one(instance) } });
    if let Some(parameters) = parameters {
        body["parameters"] = parameters;
    }
    if !metadata.is_empty() {
        body["metadata"] = metadata.to_json();
    }
    let answer = remote.send(Method::POST, PATH, Some(&body), section).await?;
    let filters = [Filter::Is(Key::Name, name.into()), Filter::Is(Key::Instance, instance.into())];
    let uncertain = |error: RemoteError| RemoteError { uncertain: true, ..error };
    let found = service_keys(remote.session(), &filters).await.map_err(uncertain)?;
    let Some(this) = found.into_iter().find(|key| &*key.name == name && &*key.instance == instance) else {
        let what = "it accepted the create, and then had no such key";
        return Err(error::malformed(&answer, Purpose::Write(section), what));
    };
    with_key_credentials(remote.session(), this).await.map_err(uncertain)
}

/// Changes labels and annotations.
pub async fn update_service_key(
    remote: &Writer<'_, CloudFoundry>,
    guid: &RemoteId,
    metadata: &Metadata,
    section: &'static Section,
) -> Result<ServiceKey, RemoteError> {
    let body = json!({ "metadata": metadata.to_json() });
    remote.told(Method::PATCH, &format!("{PATH}/{}", segment(guid)), &body, section).await.map(key)
}

/// Begins to delete a key.
pub async fn delete_service_key(
    remote: &Writer<'_, CloudFoundry>,
    guid: &RemoteId,
    section: &'static Section,
) -> Result<Gone, RemoteError> {
    let answer = remote.delete(&format!("{PATH}/{}", segment(guid)), section).await?;
    Ok(answer.filter(|answer| answer.status == 202).map_or(Gone::Now, |_| Gone::Later))
}
