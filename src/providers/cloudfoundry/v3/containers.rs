//! Organizations and spaces (reference, section 6.1).

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::super::CloudFoundry;
use super::super::api::{ContainerChange, Filter, Key, NewOrganization, NewSpace};
use super::super::metadata::Metadata;
use super::super::organization::Organization;
use super::super::space::Space;
use super::list::{self, Listed, Question};
use super::{ToOne, stamp, to_one};
use crate::http::{Method, segment};
use crate::kind::{RemoteError, Writer};
use crate::model::Section;

const ORGANIZATIONS: &str = "/v3/organizations";
const SPACES: &str = "/v3/spaces";

#[derive(Deserialize)]
struct OrganizationBody {
    guid: Arc<str>,
    created_at: Option<Arc<str>>,
    updated_at: Option<Arc<str>>,
    name: Arc<str>,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct SpaceBody {
    guid: Arc<str>,
    created_at: Option<Arc<str>>,
    updated_at: Option<Arc<str>>,
    name: Arc<str>,
    relationships: InOrganization,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct InOrganization {
    organization: ToOne,
}

impl Listed for OrganizationBody {
    fn guid(&self) -> &str {
        &self.guid
    }
}

impl Listed for SpaceBody {
    fn guid(&self) -> &str {
        &self.guid
    }
}

fn organization(body: OrganizationBody) -> Organization {
    Organization {
        stamp: stamp(body.guid, body.created_at, body.updated_at),
        name: body.name,
        metadata: Some(body.metadata.unwrap_or_default()),
    }
}

fn space(body: SpaceBody) -> Space {
    Space {
        stamp: stamp(body.guid, body.created_at, body.updated_at),
        name: body.name,
        organization: body.relationships.organization.guid().unwrap_or_default(),
        metadata: Some(body.metadata.unwrap_or_default()),
    }
}

/// Every organization that the filters leave.
pub async fn organizations(session: &CloudFoundry, filters: &[Filter]) -> Result<Vec<Organization>, RemoteError> {
    let found = list::read(session, Question { path: ORGANIZATIONS, filters, more: "" }).await?;
    Ok(found.into_iter().map(organization).collect())
}

/// Every space that the filters leave.
pub async fn spaces(session: &CloudFoundry, filters: &[Filter]) -> Result<Vec<Space>, RemoteError> {
    let found = list::read(session, Question { path: SPACES, filters, more: "" }).await?;
    Ok(found.into_iter().map(space).collect())
}

/// The spaces of these names, if they can be asked for at once and are told on one page.
pub async fn spaces_named(
    session: &CloudFoundry,
    names: &BTreeSet<Arc<str>>,
) -> Result<Option<Vec<Space>>, RemoteError> {
    let filters = [Filter::In(Key::Name, names.iter().cloned().collect())];
    let found = list::read_page(session, Question { path: SPACES, filters: &filters, more: "" }).await?;
    Ok(found.map(|found| found.into_iter().map(space).collect()))
}

/// One space.
pub async fn space_of_guid(session: &CloudFoundry, guid: &str) -> Result<Space, RemoteError> {
    session.get(format!("{SPACES}/{}", segment(guid))).await.map(space)
}

fn with(mut body: Json, metadata: &Metadata) -> Json {
    if !metadata.is_empty() {
        body["metadata"] = metadata.to_json();
    }
    body
}

/// Creates an organization.
pub async fn create_organization(
    remote: &Writer<'_, CloudFoundry>,
    new: &NewOrganization<'_>,
    section: &'static Section,
) -> Result<Organization, RemoteError> {
    let body = with(json!({"name": new.name}), &new.metadata);
    remote.told(Method::POST, ORGANIZATIONS, &body, section).await.map(organization)
}

/// Creates a space.
pub async fn create_space(
    remote: &Writer<'_, CloudFoundry>,
    new: &NewSpace<'_>,
    section: &'static Section,
) -> Result<Space, RemoteError> {
    let body = json!({"name": new.name, "relationships": {"organization": to_one(new.organization)}});
    remote.told(Method::POST, SPACES, &with(body, &new.metadata), section).await.map(space)
}

fn change(change: &ContainerChange<'_>) -> Json {
    with(change.name.map_or_else(|| json!({}), |name| json!({"name": name})), &change.metadata)
}

/// Changes an organization.
pub async fn update_organization(
    remote: &Writer<'_, CloudFoundry>,
    guid: &str,
    what: &ContainerChange<'_>,
    section: &'static Section,
) -> Result<Organization, RemoteError> {
    let path = format!("{ORGANIZATIONS}/{}", segment(guid));
    remote.told(Method::PATCH, &path, &change(what), section).await.map(organization)
}

/// Changes a space.
pub async fn update_space(
    remote: &Writer<'_, CloudFoundry>,
    guid: &str,
    what: &ContainerChange<'_>,
    section: &'static Section,
) -> Result<Space, RemoteError> {
    let path = format!("{SPACES}/{}", segment(guid));
    remote.told(Method::PATCH, &path, &change(what), section).await.map(space)
}
