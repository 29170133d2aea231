//! Service instances, managed and user-provided (reference, section 8).

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::try_join_all;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::super::CloudFoundry;
use super::super::api::{Api, Begun, Both, Deleted, Filter, InstanceChange, Key, NewInstance, Updated, in_lists};
use super::super::error::{self, Purpose, says_gone};
use super::super::metadata::Metadata;
use super::super::service_instance::{LastOperation, ServiceInstance};
use super::job::job_of;
use super::list::{self, Listed, Question};
use super::{Maintenance, ToOne, marketplace, stamp, to_one, user_provided};
use crate::http::{Method, segment};
use crate::kind::{RemoteError, Writer};
use crate::model::{RemoteId, Section};

const INSTANCES: &str = "/v3/service_instances";

/// An instance of either kind.
#[derive(Deserialize)]
pub(super) struct InstanceBody {
    r#type: Type,
    pub(super) guid: Arc<str>,
    pub(super) created_at: Option<Arc<str>>,
    pub(super) updated_at: Option<Arc<str>>,
    pub(super) name: Arc<str>,
    pub(super) tags: Option<Vec<String>>,
    last_operation: Option<Operation>,
    maintenance_info: Option<Maintenance>,
    upgrade_available: Option<bool>,
    dashboard_url: Option<Arc<str>>,
    pub(super) syslog_drain_url: Option<Arc<str>>,
    pub(super) route_service_url: Option<Arc<str>>,
    pub(super) relationships: Relationships,
    pub(super) metadata: Option<Metadata>,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Type {
    Managed,
    UserProvided,
    /// A kind that is to come is none of these.
    #[serde(other)]
    Another,
}

#[derive(Deserialize)]
pub(super) struct Relationships {
    pub(super) space: ToOne,
    service_plan: Option<ToOne>,
}

/// `{}` where there never was one.
#[derive(Deserialize)]
struct Operation {
    r#type: Option<String>,
    state: Option<String>,
    description: Option<Arc<str>>,
}

impl Listed for InstanceBody {
    fn guid(&self) -> &str {
        &self.guid
    }
}

fn service_instance(body: InstanceBody) -> ServiceInstance {
    let filled = |text: Option<Arc<str>>| text.filter(|text| !text.is_empty());
    ServiceInstance {
        stamp: stamp(body.guid, body.created_at, body.updated_at),
        name: body.name,
        space: body.relationships.space.guid().unwrap_or_default(),
        plan: body.relationships.service_plan.and_then(ToOne::guid),
        tags: body.tags.unwrap_or_default(),
        dashboard_url: filled(body.dashboard_url),
        maintenance_version: body.maintenance_info.and_then(Maintenance::version),
        upgrade_available: body.upgrade_available,
        metadata: Some(body.metadata.unwrap_or_default()),
        last_operation: body.last_operation.and_then(|operation| {
            Some(LastOperation {
                operation: operation.r#type.unwrap_or_default(),
                state: operation.state?,
                description: filled(operation.description),
            })
        }),
    }
}

async fn managed(session: &CloudFoundry, filters: &[Filter]) -> Result<Vec<ServiceInstance>, RemoteError> {
    let found = list::read(session, Question { path: INSTANCES, filters, more: "type=managed" }).await?;
    Ok(found.into_iter().map(service_instance).collect())
}

/// Every instance of either kind that the filters leave, those shared into a space that they name among them (section 8.6),
/// in one list.
pub async fn instances(session: &CloudFoundry, filters: &[Filter]) -> Result<Both, RemoteError> {
    let question = Question { path: INSTANCES, filters, more: marketplace::BESIDE_INSTANCES };
    let (found, beside) = list::read_included::<InstanceBody, _>(session, question).await?;
    let mut both = Both { plans: marketplace::plans_beside(beside), ..Both::default() };
    for body in found {
        match body.r#type {
            Type::Managed => both.managed.push(service_instance(body)),
            Type::UserProvided => both.user_provided.push(user_provided::instance(body)),
            Type::Another => {}
        }
    }
    Ok(both)
}

/// Every managed instance that the filters leave, those shared into a space that they name among them (section 8.6).
pub async fn service_instances(
    session: &CloudFoundry,
    filters: &[Filter],
) -> Result<Vec<ServiceInstance>, RemoteError> {
    managed(session, filters).await
}

/// Instances by their guids.
pub async fn service_instances_again(
    session: &CloudFoundry,
    pending: &BTreeMap<RemoteId, Option<RemoteId>>,
) -> Result<Vec<ServiceInstance>, RemoteError> {
    let guids: Vec<RemoteId> = pending.keys().cloned().collect();
    let lists = in_lists(Api::V3, Key::Guid, &guids);
    let read = lists.into_iter().map(async |list| managed(session, &[list]).await);
    Ok(try_join_all(read).await?.into_iter().flatten().collect())
}

/// One instance.
pub async fn service_instance_of_guid(session: &CloudFoundry, guid: &str) -> Result<ServiceInstance, RemoteError> {
    session.get(instance(guid)).await.map(service_instance)
}

/// The managed ones among some instances, as far as they can be seen.
pub async fn managed_instances(
    session: &CloudFoundry,
    guids: &[RemoteId],
) -> Result<Vec<ServiceInstance>, RemoteError> {
    let lists = in_lists(Api::V3, Key::Guid, guids);
    let read = lists.into_iter().map(async |list| managed(session, &[list]).await);
    Ok(try_join_all(read).await?.into_iter().flatten().collect())
}

/// The body of a create.
fn creation(new: NewInstance<'_>) -> Json {
    // v3 refuses what it does not know: `gateway_data` is v2's alone.
    let NewInstance { space, name, plan, gateway_data: _, parameters, tags, metadata } = new;
    let mut body = json!({
        "type": "managed",
        "name": name,
        "relationships": {"space": to_one(space), "service_plan": to_one(plan)},
    });
    for (key, value) in [("parameters", parameters), ("tags", tags)] {
        if let Some(value) = value {
            body[key] = value;
        }
    }
    if !metadata.is_empty() {
        body["metadata"] = metadata.to_json();
    }
    body
}

/// Begins to create an instance. The answer does not name it, but it is there at once: it is looked up by its name, which
/// tells its state too, where its job would only tell its guid (section 8.2).
pub async fn create_service_instance(
    remote: &Writer<'_, CloudFoundry>,
    new: NewInstance<'_>,
    section: &'static Section,
) -> Result<ServiceInstance, RemoteError> {
    let (name, space): (Arc<str>, Arc<str>) = (new.name.into(), new.space.into());
    let answer = remote.send(Method::POST, INSTANCES, Some(&creation(new)), section).await?;
    let filters = [Filter::Is(Key::Name, Arc::clone(&name)), Filter::Is(Key::Space, Arc::clone(&space))];
    let uncertain = |error: RemoteError| RemoteError { uncertain: true, ..error };
    let found = managed(remote.session(), &filters).await.map_err(uncertain)?;
    let this = found.into_iter().find(|instance| instance.name == name && instance.space == space);
    this.ok_or_else(|| {
        error::malformed(&answer, Purpose::Write(section), "it accepted the create, and then had no such instance")
    })
}

/// The body of an update: what is not in it stays (section 9).
fn update(change: InstanceChange<'_>) -> Json {
    let InstanceChange { name, plan, parameters, tags, maintenance, metadata } = change;
    let all = [
        ("name", name.map(Json::from)),
        ("tags", tags),
        ("parameters", parameters),
        ("relationships", plan.map(|plan| json!({"service_plan": to_one(plan)}))),
        ("maintenance_info", maintenance.map(|version| json!({"version": version}))),
        ("metadata", (!metadata.is_empty()).then(|| metadata.to_json())),
    ];
    all.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}

fn instance(guid: &str) -> String {
    format!("{INSTANCES}/{}", segment(guid))
}

/// Changes an instance, or begins to.
pub async fn update_service_instance(
    remote: &Writer<'_, CloudFoundry>,
    guid: &str,
    change: InstanceChange<'_>,
    section: &'static Section,
) -> Result<Updated, RemoteError> {
    let answer = remote.send(Method::PATCH, &instance(guid), Some(&update(change)), section).await?;
    if answer.status == 202 {
        return Ok(Updated::Begun(Begun { job: job_of(&answer) }));
    }
    let told = answer.json().map_err(|error| error::malformed(&answer, Purpose::Write(section), error))?;
    Ok(Updated::Done(Box::new(service_instance(told))))
}

/// Begins to delete an instance with everything attached to it; v3 knows no other way.
pub async fn delete_service_instance(
    remote: &Writer<'_, CloudFoundry>,
    guid: &str,
    section: &'static Section,
) -> Result<Deleted, RemoteError> {
    match remote.send(Method::DELETE, &instance(guid), None, section).await {
        Ok(answer) if answer.status == 202 => Ok(Deleted::Begun(Begun { job: job_of(&answer) })),
        Ok(_) => Ok(Deleted::Gone),
        Err(error) if says_gone(&error) => Ok(Deleted::Gone),
        Err(error) => Err(error),
    }
}

/// What the broker says an instance's parameters are, now.
pub async fn parameters_of(session: &CloudFoundry, guid: &str) -> Result<Json, RemoteError> {
    session.get(format!("{}/parameters", instance(guid))).await
}
