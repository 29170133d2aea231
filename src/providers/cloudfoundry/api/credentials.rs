//! Kinds that are made of credentials: user-provided instances and service keys.

use super::super::metadata::Metadata;
use super::super::service_key::ServiceKey;
use super::super::user_provided::UserProvided;
use super::super::{CloudFoundry, v2, v3};
use super::{Api, Filter};
use crate::kind::{RemoteError, Writer};
use crate::model::{RemoteId, Section};

/// Every user-provided instance that the filters leave. Only v2 tells their credentials at once.
pub async fn user_provided(session: &CloudFoundry, filters: &[Filter]) -> Result<Vec<UserProvided>, RemoteError> {
    match session.speaks {
        Api::V2 => v2::user_provided(session, filters).await,
        Api::V3 => v3::user_provided(session, filters).await,
    }
}

/// The instance with its credentials, if this user may see them.
pub async fn with_credentials(session: &CloudFoundry, instance: UserProvided) -> Result<UserProvided, RemoteError> {
    match session.speaks {
        Api::V2 => Ok(instance),
        Api::V3 => v3::with_credentials(session, instance).await,
    }
}

/// What is sent of a user-provided instance. What is `None` or empty is not sent.
#[derive(Default)]
pub struct UserProvidedContent<'a> {
    /// Its name.
    pub name: Option<&'a str>,
    /// All of them: they are replaced, not merged.
    pub credentials: Option<serde_json::Value>,
    /// Text.
    pub syslog_drain_url: Option<serde_json::Value>,
    /// Text.
    pub route_service_url: Option<serde_json::Value>,
    /// All of them.
    pub tags: Option<serde_json::Value>,
    /// Its labels and annotations.
    pub metadata: Metadata,
}

/// Creates a user-provided instance in a space.
pub async fn create_user_provided(
    remote: &Writer<'_, CloudFoundry>,
    space: &str,
    content: UserProvidedContent<'_>,
    section: &'static Section,
) -> Result<UserProvided, RemoteError> {
    match remote.session().speaks {
        Api::V2 => v2::create_user_provided(remote, space, content, section).await,
        Api::V3 => v3::create_user_provided(remote, space, content, section).await,
    }
}

/// Changes what is given and nothing else.
pub async fn update_user_provided(
    remote: &Writer<'_, CloudFoundry>,
    guid: &RemoteId,
    content: UserProvidedContent<'_>,
    section: &'static Section,
) -> Result<UserProvided, RemoteError> {
    match remote.session().speaks {
        Api::V2 => v2::update_user_provided(remote, guid, content, section).await,
        Api::V3 => v3::update_user_provided(remote, guid, content, section).await,
    }
}

/// Deletes a user-provided instance; it is gone when that is answered. `along`: with its bindings, which v3 does not keep in
/// any case.
pub async fn delete_user_provided(
    remote: &Writer<'_, CloudFoundry>,
    guid: &RemoteId,
    along: bool,
    section: &'static Section,
) -> Result<(), RemoteError> {
    match remote.session().speaks {
        Api::V2 => v2::delete_user_provided(remote, guid, along, section).await,
        Api::V3 => v3::delete_user_provided(remote, guid, section).await,
    }
}

/// Every key that the filters leave. Only v2 tells their credentials at once.
pub async fn service_keys(session: &CloudFoundry, filters: &[Filter]) -> Result<Vec<ServiceKey>, RemoteError> {
    match session.speaks {
        Api::V2 => v2::service_keys(session, filters).await,
        Api::V3 => v3::service_keys(session, filters).await,
    }
}

/// The key with its credentials, if it has been made and this user may see them.
pub async fn with_key_credentials(session: &CloudFoundry, key: ServiceKey) -> Result<ServiceKey, RemoteError> {
    match session.speaks {
        Api::V2 => Ok(key),
        Api::V3 => v3::with_key_credentials(session, key).await,
    }
}

/// What a new key is made of. What is `None` or empty is not sent.
pub struct NewKey<'a> {
    /// The guid of its instance.
    pub instance: &'a str,
    /// Its name.
    pub name: &'a str,
    /// For the broker.
    pub parameters: Option<serde_json::Value>,
    /// Its labels and annotations.
    pub metadata: Metadata,
}

/// Creates a key, or begins to.
pub async fn create_service_key(
    remote: &Writer<'_, CloudFoundry>,
    new: NewKey<'_>,
    section: &'static Section,
) -> Result<ServiceKey, RemoteError> {
    match remote.session().speaks {
        Api::V2 => v2::create_service_key(remote, new, section).await,
        Api::V3 => v3::create_service_key(remote, new, section).await,
    }
}

/// Changes the labels and annotations of a key; there is nothing else to change, and in v2 nothing at all.
pub async fn update_service_key(
    remote: &Writer<'_, CloudFoundry>,
    guid: &RemoteId,
    metadata: &Metadata,
    section: &'static Section,
) -> Result<ServiceKey, RemoteError> {
    match remote.session().speaks {
        Api::V2 => unreachable!("its abilities say that it cannot be changed"),
        Api::V3 => v3::update_service_key(remote, guid, metadata, section).await,
    }
}

/// When something deleted is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// It is gone, or was already.
    Now,
    /// The remote is at work on it.
    Later,
}

/// Deletes a key, or begins to.
pub async fn delete_service_key(
    remote: &Writer<'_, CloudFoundry>,
    guid: &RemoteId,
    section: &'static Section,
) -> Result<Gone, RemoteError> {
    match remote.session().speaks {
        Api::V2 => v2::delete_service_key(remote, guid, section).await.map(|()| Gone::Now),
        Api::V3 => v3::delete_service_key(remote, guid, section).await,
    }
}
