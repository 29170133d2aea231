//! How v2 spells what the kinds mean.

mod list;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

pub use self::list::Filter;
use self::list::{List, MOST_VALUES, Metadata, Resource};
use super::meant::{Meant, Spaces};
use super::organization::Organization;
use super::service_instance::{LastOperation, ServiceInstance};
use super::service_plan::ServicePlan;
use super::space::Space;
use super::user_provided::UserProvided;
use super::{CloudFoundry, Stamp};
use crate::http::segment;
use crate::kind::{RemoteError, Writer};
use crate::model::{RemoteId, Section};

/// Every organization that the filters leave.
pub async fn organizations(session: &CloudFoundry, filters: &[Filter]) -> Result<Vec<Organization>, RemoteError> {
    let found = list::read(session, List::Organizations, filters).await?;
    Ok(found.into_iter().map(organization).collect())
}

/// Every space that the filters leave.
pub async fn spaces(session: &CloudFoundry, filters: &[Filter]) -> Result<Vec<Space>, RemoteError> {
    let found = list::read(session, List::Spaces, filters).await?;
    Ok(found.into_iter().map(space).collect())
}

/// One space.
pub async fn space_of_guid(session: &CloudFoundry, guid: &str) -> Result<Space, RemoteError> {
    session.get(format!("/v2/spaces/{}", segment(guid))).await.map(space)
}

/// The whole catalogue, as far as it can be seen: two lists, because inlined plans end at 50 an offering.
pub async fn service_plans(session: &CloudFoundry) -> Result<Vec<ServicePlan>, RemoteError> {
    let (offerings, plans) = tokio::try_join!(
        list::read::<OfferingEntity>(session, List::Services, &[]),
        list::read::<PlanEntity>(session, List::ServicePlans, &[])
    )?;
    let offerings: HashMap<_, _> =
        offerings.into_iter().map(|offering| (offering.metadata.guid, offering.entity)).collect();
    Ok(plans.into_iter().map(|plan| service_plan(offerings.get(&plan.entity.service_guid), plan)).collect())
}

/// Every managed instance that the filters leave.
pub async fn service_instances(
    session: &CloudFoundry,
    filters: &[Filter],
) -> Result<Vec<ServiceInstance>, RemoteError> {
    let found = list::read(session, List::ServiceInstances, filters).await?;
    Ok(found.into_iter().map(service_instance).collect())
}

/// One instance.
pub async fn service_instance_of_guid(session: &CloudFoundry, guid: &str) -> Result<ServiceInstance, RemoteError> {
    session.get(format!("/v2/service_instances/{}", segment(guid))).await.map(service_instance)
}

/// Every user-provided instance that the filters leave.
pub async fn user_provided(session: &CloudFoundry, filters: &[Filter]) -> Result<Vec<UserProvided>, RemoteError> {
    let found = list::read(session, List::UserProvided, filters).await?;
    Ok(found.into_iter().map(user_provided_instance).collect())
}

/// Creates an organization.
pub async fn create_organization(
    remote: &Writer<'_, CloudFoundry>,
    name: &str,
    section: &'static Section,
) -> Result<Organization, RemoteError> {
    remote.post("/v2/organizations", &json!({ "name": name }), section).await.map(organization)
}

/// Creates a space.
pub async fn create_space(
    remote: &Writer<'_, CloudFoundry>,
    name: &str,
    organization: &str,
    section: &'static Section,
) -> Result<Space, RemoteError> {
    let body = json!({ "name": name, "organization_guid": organization });
    remote.post("/v2/spaces", &body, section).await.map(space)
}

/// What a new instance is made of. What is `None` is not sent.
#[derive(Debug)]
pub struct NewInstance<'a> {
    /// The guid of its space.
    pub space: &'a str,
    /// Its name.
    pub name: &'a str,
    /// The guid of its plan.
    pub plan: &'a str,
    /// For brokers of the v1 protocol; today's servers accept and ignore it.
    pub gateway_data: Option<serde_json::Value>,
    /// For the broker.
    pub parameters: Option<serde_json::Value>,
    /// Its tags.
    pub tags: Option<serde_json::Value>,
}

impl NewInstance<'_> {
    /// The request body, in the order in which the API's documentation has it.
    fn body(self) -> serde_json::Value {
        let Self { space, name, plan, gateway_data, parameters, tags } = self;
        let mut body = json!({ "space_guid": space, "name": name, "service_plan_guid": plan });
        for (key, value) in [("gateway_data", gateway_data), ("parameters", parameters), ("tags", tags)] {
            if let Some(value) = value {
                body[key] = value;
            }
        }
        body
    }
}

/// Creates an instance, or begins to: plans that take their time and plans that do not are created alike.
pub async fn create_service_instance(
    remote: &Writer<'_, CloudFoundry>,
    new: NewInstance<'_>,
    section: &'static Section,
) -> Result<ServiceInstance, RemoteError> {
    let path = "/v2/service_instances?accepts_incomplete=true";
    remote.post(path, &new.body(), section).await.map(service_instance)
}

/// The filters that leave what is in these spaces and, where there are too many for one list, as little else as possible.
/// `None`: there is nothing to ask for.
pub fn within(spaces: &Meant<Spaces>) -> Option<Vec<Filter>> {
    let Meant::These(spaces) = spaces else { return Some(Vec::new()) };
    if spaces.is_empty() {
        return None;
    }
    let guids: Vec<RemoteId> = spaces.keys().cloned().collect();
    let organizations: Option<BTreeSet<RemoteId>> = spaces.values().cloned().collect();
    Some(match organizations {
        _ if guids.len() <= MOST_VALUES => vec![Filter::In("space_guid", guids)],
        Some(organizations) if organizations.len() <= MOST_VALUES => {
            vec![Filter::In("organization_guid", organizations.into_iter().collect())]
        }
        _ => Vec::new(),
    })
}

/// The filters that leave the spaces of these organizations and, where there are too many for one list, all others too.
/// `None`: there is nothing to ask for.
pub fn of_organizations(organizations: &Meant<BTreeSet<RemoteId>>) -> Option<Vec<Filter>> {
    match organizations {
        Meant::These(guids) if guids.is_empty() => None,
        Meant::These(guids) if guids.len() <= MOST_VALUES => {
            Some(vec![Filter::In("organization_guid", guids.iter().cloned().collect())])
        }
        _ => Some(Vec::new()),
    }
}

/// Conditions over any number of values, as lists that are short enough.
pub fn in_lists(key: &'static str, values: &[RemoteId]) -> Vec<Filter> {
    values.chunks(MOST_VALUES).map(|values| Filter::In(key, values.to_vec())).collect()
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct SpaceEntity {
    name: String,
    organization_guid: String,
}

/// Fields that the 2015 servers do not have are optional.
#[derive(Deserialize)]
struct OfferingEntity {
    label: String,
    service_broker_name: Option<String>,
    plan_updateable: Option<bool>,
}

#[derive(Deserialize)]
struct PlanEntity {
    name: String,
    service_guid: String,
    free: Option<bool>,
    public: Option<bool>,
    active: Option<bool>,
    plan_updateable: Option<bool>,
    schemas: Option<serde_json::Value>,
}

/// No credentials: what is not read cannot leak.
#[derive(Deserialize)]
struct InstanceEntity {
    name: String,
    space_guid: String,
    service_plan_guid: Option<String>,
    dashboard_url: Option<String>,
    last_operation: Option<Operation>,
    tags: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Operation {
    r#type: Option<String>,
    state: Option<String>,
    description: Option<String>,
}

#[derive(Deserialize)]
struct UserProvidedEntity {
    name: String,
    space_guid: String,
}

fn stamp(metadata: Metadata) -> Stamp {
    let Metadata { guid, created_at, updated_at } = metadata;
    Stamp { guid: guid.into(), created_at: created_at.map(Into::into), updated_at: updated_at.map(Into::into) }
}

fn organization(Resource { metadata, entity }: Resource<Named>) -> Organization {
    Organization { stamp: stamp(metadata), name: entity.name.into() }
}

fn space(Resource { metadata, entity }: Resource<SpaceEntity>) -> Space {
    Space { stamp: stamp(metadata), name: entity.name.into(), organization: entity.organization_guid.into() }
}

fn service_plan(offering: Option<&OfferingEntity>, plan: Resource<PlanEntity>) -> ServicePlan {
    let Resource { metadata, entity } = plan;
    ServicePlan {
        stamp: stamp(metadata),
        name: entity.name.into(),
        offering_name: offering.map(|offering| offering.label.as_str().into()),
        offering: entity.service_guid.into(),
        broker: offering.and_then(|offering| offering.service_broker_name.as_deref()).map(Arc::from),
        active: entity.active.unwrap_or(true),
        public: entity.public,
        free: entity.free,
        // Null means: as the offering says.
        plan_updateable: entity.plan_updateable.or(offering.and_then(|offering| offering.plan_updateable)),
        schemas: entity.schemas,
    }
}

fn service_instance(Resource { metadata, entity }: Resource<InstanceEntity>) -> ServiceInstance {
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty()).map(Into::into);
    ServiceInstance {
        stamp: stamp(metadata),
        name: entity.name.into(),
        space: entity.space_guid.into(),
        plan: entity.service_plan_guid.map(Into::into),
        tags: entity.tags.unwrap_or_default(),
        dashboard_url: filled(entity.dashboard_url),
        last_operation: entity.last_operation.and_then(|operation| {
            Some(LastOperation {
                operation: operation.r#type.unwrap_or_default(),
                state: operation.state?,
                description: filled(operation.description),
            })
        }),
    }
}

fn user_provided_instance(Resource { metadata, entity }: Resource<UserProvidedEntity>) -> UserProvided {
    UserProvided { stamp: stamp(metadata), name: entity.name.into(), space: entity.space_guid.into() }
}
