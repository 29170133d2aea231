//! How v2 spells what the kinds mean.

mod keys;
mod list;
mod user_provided;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

pub use self::keys::{NewKey, create_service_key, delete_service_key, service_keys};
pub use self::list::Filter;
use self::list::{List, MOST_VALUES, Metadata, Resource};
pub use self::user_provided::{create_user_provided, delete_user_provided, update_user_provided, user_provided};
use super::meant::{Meant, Spaces};
use super::organization::Organization;
use super::service_instance::{LastOperation, ServiceInstance};
use super::service_plan::ServicePlan;
use super::space::Space;
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

/// One instance; `None` if it is a user-provided one, which this path gives too.
pub async fn service_instance_of_guid(
    session: &CloudFoundry,
    guid: &str,
) -> Result<Option<ServiceInstance>, RemoteError> {
    let found: Resource<InstanceEntity> = session.get(format!("/v2/service_instances/{}", segment(guid))).await?;
    let managed = found.entity.r#type.as_deref() != Some("user_provided_service_instance");
    Ok(managed.then(|| service_instance(found)))
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
    bindable: Option<bool>,
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
    r#type: Option<String>,
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
        bindable: entity.bindable.or(offering.and_then(|offering| offering.bindable)),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn guids(count: usize) -> Vec<RemoteId> {
        (0..count).map(|number| format!("g-{number:03}").into()).collect()
    }

    fn spaces(count: usize, organizations: usize) -> Meant<Spaces> {
        let of = guids(organizations);
        let space = |(at, guid)| (guid, of.get(at % organizations.max(1)).cloned());
        Meant::These(guids(count).into_iter().enumerate().map(space).collect())
    }

    #[test]
    fn the_narrowest_list_that_fits_is_asked_for() {
        assert_eq!(within(&spaces(0, 0)), None);
        assert_eq!(within(&spaces(2, 1)), Some(vec![Filter::In("space_guid", guids(2))]));
        assert_eq!(within(&spaces(50, 50)), Some(vec![Filter::In("space_guid", guids(50))]));
        assert_eq!(within(&spaces(51, 3)), Some(vec![Filter::In("organization_guid", guids(3))]));
        assert_eq!(within(&spaces(51, 51)), Some(vec![]));
        assert_eq!(within(&spaces(51, 0)), Some(vec![]), "a space whose organization is not known");
        assert_eq!(within(&Meant::Any), Some(vec![]));
    }

    #[test]
    fn spaces_are_asked_for_by_their_organizations() {
        let these = |count| Meant::These(guids(count).into_iter().collect());
        assert_eq!(of_organizations(&these(0)), None);
        assert_eq!(of_organizations(&these(50)), Some(vec![Filter::In("organization_guid", guids(50))]));
        assert_eq!(of_organizations(&these(51)), Some(vec![]));
        assert_eq!(of_organizations(&Meant::Any), Some(vec![]));
    }

    #[test]
    fn long_lists_are_cut_into_short_ones() {
        let lists = in_lists("space_guid", &guids(101));
        let lengths: Vec<_> =
            lists.iter().map(|list| matches!(list, Filter::In(_, guids) if guids.len() <= 50)).collect();
        assert_eq!(lengths, [true; 3]);
    }

    #[test]
    fn a_new_instance_is_exactly_the_documented_body() {
        let new = || NewInstance {
            space: "f24c6904-30e0-4559-9523-06d2d93f0c9c",
            name: "my-service-instance",
            plan: "6df3af55-8f97-4dbe-9d6b-098eb53d8c17",
            gateway_data: None,
            parameters: None,
            tags: None,
        };
        let documented = r#"{"space_guid":"f24c6904-30e0-4559-9523-06d2d93f0c9c","name":"my-service-instance","service_plan_guid":"6df3af55-8f97-4dbe-9d6b-098eb53d8c17"}"#;
        assert_eq!(new().body().to_string(), documented);
        let full = NewInstance {
            gateway_data: Some(json!("CONFIGURATION")),
            parameters: Some(json!({"a": 1})),
            tags: Some(json!([])),
            ..new()
        };
        let more = r#","gateway_data":"CONFIGURATION","parameters":{"a":1},"tags":[]}"#;
        assert_eq!(full.body().to_string(), format!("{}{more}", documented.trim_end_matches('}')));
    }

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
                "plan_updateable": updateable, "schemas": {"service_instance": {}}}});
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
