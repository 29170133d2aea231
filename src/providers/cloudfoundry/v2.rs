//! How v2 spells what the kinds mean.

mod attachments;
mod keys;
mod list;
mod user_provided;
mod write;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use futures_util::future::try_join_all;
use serde::Deserialize;
use serde::de::IgnoredAny;

pub use self::attachments::attachments;
pub use self::keys::{create_service_key, delete_service_key, service_keys};
pub use self::list::MOST_VALUES;
use self::list::{List, Metadata, Resource};
pub use self::user_provided::{create_user_provided, delete_user_provided, update_user_provided, user_provided};
pub use self::write::{
    create_organization, create_service_instance, create_space, delete_service_instance, update_organization,
    update_service_instance, update_space,
};
use super::api::{Api, Filter, Key, in_lists};
use super::error::says_gone;
use super::organization::Organization;
use super::service_instance::{LastOperation, ServiceInstance};
use super::service_plan::ServicePlan;
use super::space::Space;
use super::{CloudFoundry, Stamp};
use crate::http::segment;
use crate::kind::{Failure, RemoteError};
use crate::model::RemoteId;

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

/// The spaces of these names, if they can be asked for at once and are told on one page.
pub async fn spaces_named(
    session: &CloudFoundry,
    names: &BTreeSet<Arc<str>>,
) -> Result<Option<Vec<Space>>, RemoteError> {
    let mut values = names.iter().cloned();
    let filter = match (values.next(), values.len()) {
        (Some(name), 0) => Filter::Is(Key::Name, name),
        // No comma can be written in a list.
        _ if names.iter().any(|name| name.contains(',')) => return Ok(None),
        _ => Filter::In(Key::Name, names.iter().cloned().collect()),
    };
    let found = list::read_page(session, List::Spaces, &[filter]).await?;
    Ok(found.map(|found| found.into_iter().map(space).collect()))
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

/// The guids of the offerings that can be used in a space. Which of their plans, the list does not reliably say.
pub async fn offerings_of_space(session: &CloudFoundry, space: &str) -> Result<HashSet<String>, RemoteError> {
    let found = list::read::<IgnoredAny>(session, List::ServicesOf(space), &[]).await?;
    Ok(found.into_iter().map(|offering| offering.metadata.guid).collect())
}

/// Every managed instance that the filters leave.
pub async fn service_instances(
    session: &CloudFoundry,
    filters: &[Filter],
) -> Result<Vec<ServiceInstance>, RemoteError> {
    let found = list::read(session, List::ServiceInstances, filters).await?;
    Ok(found.into_iter().map(service_instance).collect())
}

/// How many instances are polled one by one; for more, the lists of their spaces are read.
const FEW: usize = 3;

/// Instances as the lists of their spaces have them; a few are not worth a list.
pub async fn service_instances_again(
    session: &CloudFoundry,
    pending: &BTreeMap<RemoteId, Option<RemoteId>>,
) -> Result<Vec<ServiceInstance>, RemoteError> {
    let spaces: Option<BTreeSet<RemoteId>> = pending.values().cloned().collect();
    let Some(spaces) = spaces.filter(|_| pending.len() > FEW) else { return Ok(Vec::new()) };
    let spaces: Vec<RemoteId> = spaces.into_iter().collect();
    let lists = in_lists(Api::V2, Key::Space, &spaces);
    let read = lists.into_iter().map(async |list| service_instances(session, &[list]).await);
    Ok(try_join_all(read).await?.into_iter().flatten().collect())
}

/// One instance.
pub async fn service_instance_of_guid(session: &CloudFoundry, guid: &str) -> Result<ServiceInstance, RemoteError> {
    session.get(format!("/v2/service_instances/{}", segment(guid))).await.map(service_instance)
}

/// The managed ones among some instances, as far as they can be seen: this path gives user-provided ones too.
pub async fn managed_instances(
    session: &CloudFoundry,
    guids: &[RemoteId],
) -> Result<Vec<ServiceInstance>, RemoteError> {
    let read = guids.iter().map(async |guid| match service_instance_of_guid(session, guid).await {
        Ok(instance) => Ok(Some(instance).filter(|instance| instance.plan.is_some())),
        Err(error) if says_gone(&error) || error.failure == Failure::Forbidden => Ok(None),
        Err(error) => Err(error),
    });
    Ok(try_join_all(read).await?.into_iter().flatten().collect())
}

/// What the broker says an instance's parameters are, now.
pub async fn parameters_of(session: &CloudFoundry, guid: &str) -> Result<serde_json::Value, RemoteError> {
    session.get(format!("/v2/service_instances/{}/parameters", segment(guid))).await
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
    bindable: Option<bool>,
    instances_retrievable: Option<bool>,
}

#[derive(Deserialize)]
struct PlanEntity {
    name: String,
    service_guid: String,
    free: Option<bool>,
    public: Option<bool>,
    active: Option<bool>,
    plan_updateable: Option<bool>,
    bindable: Option<bool>,
    maintenance_info: Option<Maintenance>,
    schemas: Option<serde_json::Value>,
}

/// `{}` where there is none.
#[derive(Deserialize)]
struct Maintenance {
    version: Option<Arc<str>>,
}

fn version(maintenance: Option<Maintenance>) -> Option<Arc<str>> {
    maintenance?.version.filter(|version| !version.is_empty())
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
    maintenance_info: Option<Maintenance>,
}

#[derive(Deserialize)]
struct Operation {
    r#type: Option<String>,
    state: Option<String>,
    description: Option<String>,
}

fn stamp(metadata: Metadata) -> Stamp {
    let Metadata { guid, created_at, updated_at } = metadata;
    Stamp { guid: guid.into(), created_at: created_at.map(Into::into), updated_at: updated_at.map(Into::into) }
}

fn organization(Resource { metadata, entity }: Resource<Named>) -> Organization {
    Organization { stamp: stamp(metadata), name: entity.name.into(), metadata: None }
}

fn space(Resource { metadata, entity }: Resource<SpaceEntity>) -> Space {
    Space {
        stamp: stamp(metadata),
        name: entity.name.into(),
        organization: entity.organization_guid.into(),
        metadata: None,
    }
}

fn service_plan(offering: Option<&OfferingEntity>, plan: Resource<PlanEntity>) -> ServicePlan {
    let Resource { metadata, entity } = plan;
    ServicePlan {
        stamp: stamp(metadata),
        name: entity.name.into(),
        offering_name: offering.map(|offering| offering.label.as_str().into()),
        offering: entity.service_guid.into(),
        broker: offering.and_then(|offering| offering.service_broker_name.as_deref()).map(Arc::from),
        listed: true,
        active: entity.active.unwrap_or(true),
        public: entity.public,
        free: entity.free,
        // Null means: as the offering says.
        plan_updateable: entity.plan_updateable.or(offering.and_then(|offering| offering.plan_updateable)),
        bindable: entity.bindable.or(offering.and_then(|offering| offering.bindable)),
        instances_retrievable: offering.and_then(|offering| offering.instances_retrievable),
        maintenance_version: version(entity.maintenance_info),
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
        maintenance_version: version(entity.maintenance_info),
        upgrade_available: None,
        metadata: None,
        last_operation: entity.last_operation.and_then(|operation| {
            Some(LastOperation {
                operation: operation.r#type.unwrap_or_default(),
                state: operation.state?,
                description: filled(operation.description),
            })
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_documented_answer_of_2015_is_understood() {
        let documented = json!({
            "metadata": {"guid": "7373157c", "url": "/v2/service_instances/7373157c",
                "created_at": "2015-01-20T01:52:23+00:00", "updated_at": null},
            "entity": {"name": "my-service-instance", "credentials": {"creds-key-327": "creds-val-327"},
                "service_plan_guid": "6df3af55", "space_guid": "f24c6904", "gateway_data": "CONFIGURATION",
                "dashboard_url": "http://dashboard.example.com", "type": "managed_service_instance",
                "state": null, "state_description": null, "space_url": "/v2/spaces/f24c6904"}
        });
        let instance = service_instance(serde_json::from_value(documented).unwrap());
        assert_eq!(&*instance.name, "my-service-instance");
        assert_eq!(instance.plan.as_deref(), Some("6df3af55"));
        assert_eq!(instance.dashboard_url.as_deref(), Some("http://dashboard.example.com"));
        assert!(instance.last_operation.is_none() && instance.tags.is_empty());
        assert_eq!(instance.stamp.created_at.as_deref(), Some("2015-01-20T01:52:23+00:00"));
        assert!(!format!("{instance:?}").contains("creds-val-327"), "credentials are not read");
    }

    #[test]
    fn a_plan_inherits_from_its_offering() {
        let plan = |updateable: serde_json::Value| {
            let plan = json!({"metadata": {"guid": "p"}, "entity": {
                "name": "small", "service_guid": "o", "free": false, "public": true, "active": false,
                "plan_updateable": updateable}});
            serde_json::from_value(plan).unwrap()
        };
        let offering: OfferingEntity =
            serde_json::from_value(json!({"label": "postgres", "service_broker_name": "b", "plan_updateable": true}))
                .unwrap();
        assert_eq!(service_plan(Some(&offering), plan(json!(null))).plan_updateable, Some(true));
        assert_eq!(service_plan(Some(&offering), plan(json!(false))).plan_updateable, Some(false));
        let unseen = service_plan(None, plan(json!(null)));
        assert_eq!((unseen.plan_updateable, unseen.offering_name, unseen.broker), (None, None, None));
        assert!(!unseen.active);
    }
}
