//! Service offerings and their plans (reference, section 7).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::Deserialize;

use super::super::CloudFoundry;
use super::super::api::{Filter, Key};
use super::super::service_plan::ServicePlan;
use super::list::{self, Listed, Question};
use super::{ToOne, stamp};
use crate::kind::RemoteError;

const PLANS: &str = "/v3/service_plans";

/// With their offerings, and the names of those offerings' brokers.
const WITH_OFFERINGS: &str = "include=service_offering&fields%5Bservice_offering.service_broker%5D=guid,name";

/// Beside a list of instances: their plans, with offerings and brokers, as far as names go (section 8.6).
pub(super) const BESIDE_INSTANCES: &str = "fields%5Bservice_plan%5D=guid,name,relationships.service_offering\
     &fields%5Bservice_plan.service_offering%5D=guid,name,relationships.service_broker\
     &fields%5Bservice_plan.service_offering.service_broker%5D=guid,name";

#[derive(Deserialize)]
struct PlanBody {
    guid: Arc<str>,
    created_at: Option<Arc<str>>,
    updated_at: Option<Arc<str>>,
    name: Arc<str>,
    visibility_type: Option<String>,
    available: Option<bool>,
    free: Option<bool>,
    maintenance_info: Option<super::Maintenance>,
    broker_catalog: Option<Catalog>,
    schemas: Option<serde_json::Value>,
    relationships: OfOffering,
}

#[derive(Deserialize)]
struct Catalog {
    features: Option<Features>,
}

#[derive(Deserialize)]
struct Features {
    plan_updateable: Option<bool>,
    bindable: Option<bool>,
    instances_retrievable: Option<bool>,
}

#[derive(Deserialize)]
struct OfOffering {
    service_offering: ToOne,
}

#[derive(Deserialize)]
struct OfBroker {
    service_broker: ToOne,
}

/// What is told beside the resources of a page. Plans come beside instances only, which have few keys of them.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Included {
    #[serde(rename = "service_plans")]
    plans: Vec<PlanBody>,
    #[serde(rename = "service_offerings")]
    offerings: Vec<OfferingBody>,
    #[serde(rename = "service_brokers")]
    brokers: Vec<BrokerBody>,
}

#[derive(Deserialize)]
struct OfferingBody {
    guid: Arc<str>,
    name: Arc<str>,
    broker_catalog: Option<Catalog>,
    relationships: Option<OfBroker>,
}

#[derive(Deserialize)]
struct BrokerBody {
    guid: Arc<str>,
    name: Arc<str>,
}

/// What is only to be counted among others.
#[derive(Deserialize)]
struct Bare {
    guid: String,
}

impl Listed for PlanBody {
    fn guid(&self) -> &str {
        &self.guid
    }
}

impl Listed for Bare {
    fn guid(&self) -> &str {
        &self.guid
    }
}

/// What is known of an offering.
struct Offering {
    name: Arc<str>,
    broker: Option<Arc<str>>,
    instances_retrievable: Option<bool>,
}

fn offerings(included: Vec<Included>) -> HashMap<Arc<str>, Offering> {
    let (mut brokers, mut bodies) = (HashMap::new(), Vec::new());
    for page in included {
        bodies.extend(page.offerings);
        brokers.extend(page.brokers.into_iter().map(|broker| (broker.guid, broker.name)));
    }
    let offering = |body: OfferingBody| {
        let broker = body.relationships.and_then(|relationships| relationships.service_broker.guid());
        let offering = Offering {
            name: body.name,
            broker: broker.and_then(|guid| brokers.get(&guid).cloned()),
            instances_retrievable: body.broker_catalog.and_then(|catalog| catalog.features?.instances_retrievable),
        };
        (body.guid, offering)
    };
    bodies.into_iter().map(offering).collect()
}

fn service_plan(body: PlanBody, offerings: &HashMap<Arc<str>, Offering>) -> ServicePlan {
    let guid = body.relationships.service_offering.guid().unwrap_or_default();
    let offering = offerings.get(&guid);
    let features = body.broker_catalog.and_then(|catalog| catalog.features);
    ServicePlan {
        stamp: stamp(body.guid, body.created_at, body.updated_at),
        name: body.name,
        offering_name: offering.map(|offering| Arc::clone(&offering.name)),
        offering: guid,
        broker: offering.and_then(|offering| offering.broker.clone()),
        listed: true,
        active: body.available.unwrap_or(true),
        public: body.visibility_type.map(|visibility| visibility == "public"),
        free: body.free,
        plan_updateable: features.as_ref().and_then(|features| features.plan_updateable),
        // Resolved: what the offering says is in it.
        bindable: features.and_then(|features| features.bindable),
        instances_retrievable: offering.and_then(|offering| offering.instances_retrievable),
        maintenance_version: body.maintenance_info.and_then(super::Maintenance::version),
        schemas: body.schemas,
    }
}

/// The whole catalogue, as far as it can be seen, in one list.
pub async fn service_plans(session: &CloudFoundry) -> Result<Vec<ServicePlan>, RemoteError> {
    let question = Question { path: PLANS, filters: &[], more: WITH_OFFERINGS };
    let (plans, included) = list::read_included(session, question).await?;
    let offerings = offerings(included);
    Ok(plans.into_iter().map(|plan| service_plan(plan, &offerings)).collect())
}

/// The plans told beside the pages of a list of instances, each once.
pub(super) fn plans_beside(mut included: Vec<Included>) -> Vec<ServicePlan> {
    let bodies: Vec<PlanBody> = included.iter_mut().flat_map(|page| std::mem::take(&mut page.plans)).collect();
    let offerings = offerings(included);
    let mut told = HashSet::new();
    let plans = bodies.into_iter().filter(|body| told.insert(Arc::clone(&body.guid)));
    plans.map(|body| ServicePlan { listed: false, ..service_plan(body, &offerings) }).collect()
}

/// The guids of the plans that can be used in a space.
pub async fn plans_of_space(session: &CloudFoundry, space: &str) -> Result<HashSet<String>, RemoteError> {
    let filters = [Filter::In(Key::Space, vec![space.into()])];
    let found: Vec<Bare> = list::read(session, Question { path: PLANS, filters: &filters, more: "" }).await?;
    Ok(found.into_iter().map(|plan| plan.guid).collect())
}
