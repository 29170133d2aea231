//! What a fresh foundation holds.

use super::{Broker, Offering, Organization, Plan, Space, Store};
use crate::emulator::cloudfoundry::metadata::Metadata;
use crate::emulator::cloudfoundry::options::Options;

impl Store {
    /// The contents of a foundation that was just set up.
    pub(in crate::emulator::cloudfoundry) fn fresh(options: &Options) -> Self {
        let mut store = Self::default();
        let now = options.clock.now();
        let guid = |given: &Option<String>| given.clone().unwrap_or_else(|| options.ids.next());
        for seed in &options.organizations {
            let organization = guid(&seed.guid);
            store.insert_organization(|id| Organization {
                id,
                guid: organization.clone(),
                name: seed.name.clone(),
                created_at: now,
                updated_at: now,
                suspended: false,
                quota: seed.quota,
                managers: Vec::new(),
                metadata: Metadata::default(),
            });
            for space in &seed.spaces {
                store.insert_space(|id| Space {
                    id,
                    guid: guid(&space.guid),
                    name: space.name.clone(),
                    organization_guid: organization.clone(),
                    allow_ssh: true,
                    created_at: now,
                    updated_at: now,
                    quota: space.quota,
                    suspended: false,
                    metadata: Metadata::default(),
                });
            }
        }
        for seed in &options.brokers {
            let broker_guid = options.ids.next();
            let id = store.next_id();
            store.brokers.insert(Broker {
                id,
                guid: broker_guid.clone(),
                name: seed.name.clone(),
                created_at: now,
                space_guid: None,
            });
            for offering in &seed.offerings {
                let offering_guid = guid(&offering.guid);
                let id = store.next_id();
                store.offerings.insert(Offering {
                    id,
                    guid: offering_guid.clone(),
                    name: offering.name.clone(),
                    created_at: now,
                    broker_guid: broker_guid.clone(),
                    unique_id: format!("{}-{}", seed.name, offering.name),
                    description: offering.description.clone(),
                    bindable: offering.bindable,
                    plan_updateable: offering.plan_updateable,
                    instances_retrievable: offering.instances_retrievable,
                    allow_context_updates: offering.allow_context_updates,
                    tags: offering.tags.clone(),
                    metadata: Metadata::default(),
                });
                for plan in &offering.plans {
                    let plan_guid = guid(&plan.guid);
                    store.insert_plan(|id| Plan {
                        id,
                        guid: plan_guid.clone(),
                        name: plan.name.clone(),
                        created_at: now,
                        offering_guid: offering_guid.clone(),
                        unique_id: format!("{}-{}-{}", seed.name, offering.name, plan.name),
                        free: plan.free,
                        active: plan.active,
                        public: plan.organizations.is_none(),
                        plan_updateable: plan.plan_updateable,
                        maintenance_version: plan.maintenance_version.clone(),
                        schema: plan.schema.clone(),
                        behaviour: plan.behaviour.clone(),
                        metadata: Metadata::default(),
                    });
                    for name in plan.organizations.iter().flatten() {
                        if let Some(organization_guid) = store.organization_named(name).map(|found| found.guid.clone())
                        {
                            store.insert_visibility(options.ids.next(), &plan_guid, &organization_guid, now);
                        }
                    }
                }
            }
        }
        store.flags.extend(options.feature_flags.iter().cloned());
        store
    }
}
