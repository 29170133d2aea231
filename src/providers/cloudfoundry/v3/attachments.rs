//! What is attached to instances, and what a delete would take along (reference, sections 11.2 and 14).

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::try_join_all;
use serde::Deserialize;

use super::super::CloudFoundry;
use super::super::api::{Api, Filter, Key, in_lists};
use super::super::attachment::{Attachment, Kind};
use super::list::{self, Listed, Question};
use super::{Guid, ToOne};
use crate::http::segment;
use crate::kind::{Failure, RemoteError};
use crate::model::RemoteId;

#[derive(Deserialize)]
struct Binding {
    guid: RemoteId,
    name: Option<String>,
    r#type: Option<String>,
    relationships: Relationships,
}

#[derive(Deserialize)]
struct Relationships {
    service_instance: ToOne,
    app: Option<ToOne>,
}

impl Listed for Binding {
    fn guid(&self) -> &str {
        &self.guid
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Included {
    apps: Vec<App>,
}

#[derive(Deserialize)]
struct App {
    guid: RemoteId,
    name: String,
}

#[derive(Deserialize)]
struct Shares {
    data: Vec<Guid>,
    included: Option<Spaces>,
}

#[derive(Deserialize)]
struct Spaces {
    spaces: Vec<App>,
}

/// All that is attached to these instances.
pub async fn attachments(session: &CloudFoundry, instances: &[RemoteId]) -> Result<Vec<Attachment>, RemoteError> {
    let mut found = Vec::new();
    for filter in in_lists(Api::V3, Key::Instance, instances) {
        found.extend(credentials(session, &filter).await?);
        found.extend(routes(session, &filter).await?);
    }
    let each = instances.iter().map(async |instance| shares(session, instance).await);
    found.extend(try_join_all(each).await?.into_iter().flatten());
    Ok(found)
}

async fn credentials(session: &CloudFoundry, filter: &Filter) -> Result<Vec<Attachment>, RemoteError> {
    let filters = std::slice::from_ref(filter);
    let question = Question { path: "/v3/service_credential_bindings", filters, more: "include=app" };
    let (bindings, included) = list::read_included::<Binding, Included>(session, question).await?;
    let apps: HashMap<RemoteId, String> =
        included.into_iter().flat_map(|included| included.apps).map(|app| (app.guid, app.name)).collect();
    let attachment = |binding: Binding| {
        let app = binding.relationships.app.and_then(ToOne::guid);
        let key = binding.r#type.as_deref() == Some("key");
        let named = binding.name.filter(|name| !name.is_empty());
        let app = || app.map(|guid| apps.get(&guid).cloned().unwrap_or_else(|| guid.to_string()));
        Some(Attachment {
            guid: binding.guid,
            instance: binding.relationships.service_instance.guid()?,
            kind: if key { Kind::Key } else { Kind::App },
            name: if key { named } else { app().or(named) },
        })
    };
    Ok(bindings.into_iter().filter_map(attachment).collect())
}

async fn routes(session: &CloudFoundry, filter: &Filter) -> Result<Vec<Attachment>, RemoteError> {
    let filters = std::slice::from_ref(filter);
    let question = Question { path: "/v3/service_route_bindings", filters, more: "" };
    let bindings: Vec<Binding> = match list::read(session, question).await {
        Ok(bindings) => bindings,
        // Releases that do not know the route have no such bindings.
        Err(error) if error.failure == Failure::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    let attachment = |binding: Binding| {
        let instance = binding.relationships.service_instance.guid()?;
        Some(Attachment { guid: binding.guid, instance, kind: Kind::Route, name: None })
    };
    Ok(bindings.into_iter().filter_map(attachment).collect())
}

/// There is no list of the shares of several instances.
async fn shares(session: &CloudFoundry, instance: &RemoteId) -> Result<Vec<Attachment>, RemoteError> {
    let path =
        format!("/v3/service_instances/{}/relationships/shared_spaces?fields%5Bspace%5D=guid,name", segment(instance));
    let shares: Shares = match session.get(path).await {
        Ok(shares) => shares,
        // Deleted since it was listed, or user-provided: that is not shared.
        Err(error) if matches!(error.failure, Failure::NotFound | Failure::Refused) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let spaces = shares.included.map(|included| included.spaces).unwrap_or_default();
    let name = |guid: &str| spaces.iter().find(|space| *space.guid == *guid).map(|space| space.name.clone());
    let attachment = |Guid { guid }| Attachment {
        name: Some(name(&guid).unwrap_or_else(|| guid.to_string())),
        guid: format!("{instance}/{guid}").into(),
        instance: Arc::clone(instance),
        kind: Kind::Share,
    };
    Ok(shares.data.into_iter().map(attachment).collect())
}
