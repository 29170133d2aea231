//! How v3 writes each resource, with absolute links throughout.

use serde_json::{Value, json};

use crate::emulator::cloudfoundry::Quota;
use crate::emulator::cloudfoundry::store::{Broker, Offering, Organization, Plan, Space, Store, stamp};

/// The store, and where the client finds it.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) store: &'a Store,
    /// What links begin with.
    pub(super) origin: &'a str,
}

/// A relationship to one resource, or to none.
pub(super) fn related(guid: Option<&str>) -> Value {
    json!({"data": guid.map(|guid| json!({"guid": guid}))})
}

/// Puts the limits into a quota. Apps and routes are not limited: the sandbox has none.
fn limit(resource: &mut Value, quota: Quota) {
    resource["apps"] = json!({
        "total_memory_in_mb": null,
        "per_process_memory_in_mb": null,
        "total_instances": null,
        "per_app_tasks": null,
        "log_rate_limit_in_bytes_per_second": null,
    });
    resource["services"] = json!({
        "paid_services_allowed": quota.paid_plans,
        "total_service_instances": quota.services,
        "total_service_keys": null,
    });
    resource["routes"] = json!({"total_routes": null, "total_reserved_ports": null});
}

impl View<'_> {
    /// A link to what is below `/v3/`.
    pub(super) fn link(self, path: &str) -> Value {
        json!({"href": format!("{}/v3/{path}", self.origin)})
    }

    pub(super) fn organization(self, row: &Organization) -> Value {
        let path = format!("organizations/{}", row.guid);
        json!({
            "guid": row.guid,
            "created_at": stamp(row.created_at),
            "updated_at": stamp(row.updated_at),
            "name": row.name,
            "suspended": row.suspended,
            // Each organization has a quota of its own, and that has its guid.
            "relationships": {"quota": related(Some(&row.guid))},
            "metadata": row.metadata.to_json(),
            "links": {
                "self": self.link(&path),
                "domains": self.link(&format!("{path}/domains")),
                "default_domain": self.link(&format!("{path}/domains/default")),
                "quota": self.link(&format!("organization_quotas/{}", row.guid)),
            },
        })
    }

    pub(super) fn space(self, row: &Space) -> Value {
        let path = format!("spaces/{}", row.guid);
        let mut space = json!({
            "guid": row.guid,
            "created_at": stamp(row.created_at),
            "updated_at": stamp(row.updated_at),
            "name": row.name,
            "suspended": row.suspended,
            "relationships": {
                "organization": related(Some(&row.organization_guid)),
                // A quota has the guid of the space it is for.
                "quota": related(row.quota.map(|_| row.guid.as_str())),
            },
            "metadata": row.metadata.to_json(),
            "links": {
                "self": self.link(&path),
                "organization": self.link(&format!("organizations/{}", row.organization_guid)),
                "features": self.link(&format!("{path}/features")),
                "apply_manifest": self.link(&format!("{path}/actions/apply_manifest")),
            },
        });
        space["links"]["apply_manifest"]["method"] = json!("POST");
        if row.quota.is_some() {
            space["links"]["quota"] = self.link(&format!("space_quotas/{}", row.guid));
        }
        space
    }

    /// The quota of an organization, which has its guid and its name.
    pub(super) fn organization_quota(self, row: &Organization) -> Value {
        let mut quota = json!({
            "guid": row.guid,
            "created_at": stamp(row.created_at),
            "updated_at": stamp(row.updated_at),
            "name": row.name,
            "domains": {"total_domains": null},
            "relationships": {"organizations": {"data": [{"guid": row.guid}]}},
            "links": {"self": self.link(&format!("organization_quotas/{}", row.guid))},
        });
        limit(&mut quota, row.quota);
        quota
    }

    /// The quota of a space, which has its guid and its name. Not every space has one.
    pub(super) fn space_quota(self, row: &Space) -> Option<Value> {
        let mut quota = json!({
            "guid": row.guid,
            "created_at": stamp(row.created_at),
            "updated_at": stamp(row.updated_at),
            "name": row.name,
            "relationships": {
                "organization": related(Some(&row.organization_guid)),
                "spaces": {"data": [{"guid": row.guid}]},
            },
            "links": {
                "self": self.link(&format!("space_quotas/{}", row.guid)),
                "organization": self.link(&format!("organizations/{}", row.organization_guid)),
            },
        });
        limit(&mut quota, row.quota?);
        Some(quota)
    }

    pub(super) fn feature_flag(self, name: &str, enabled: bool) -> Value {
        json!({
            "name": name,
            "enabled": enabled,
            "updated_at": null,
            "custom_error_message": null,
            "links": {"self": self.link(&format!("feature_flags/{name}"))},
        })
    }

    pub(super) fn offering(self, row: &Offering) -> Value {
        json!({
            "guid": row.guid,
            "created_at": stamp(row.created_at),
            "updated_at": stamp(row.created_at),
            "name": row.name,
            "description": row.description,
            "available": self.store.plans_of(row).any(|plan| plan.active),
            "tags": row.tags,
            "requires": [],
            "shareable": true,
            "documentation_url": null,
            "broker_catalog": {
                "id": row.unique_id,
                "metadata": {"displayName": row.name, "shareable": true},
                "features": {
                    "plan_updateable": row.plan_updateable,
                    "bindable": row.bindable,
                    "instances_retrievable": row.instances_retrievable,
                    "bindings_retrievable": false,
                    "allow_context_updates": row.allow_context_updates,
                },
            },
            "relationships": {"service_broker": related(Some(&row.broker_guid))},
            "metadata": row.metadata.to_json(),
            "links": {
                "self": self.link(&format!("service_offerings/{}", row.guid)),
                "service_plans": self.link(&format!("service_plans?service_offering_guids={}", row.guid)),
                "service_broker": self.link(&format!("service_brokers/{}", row.broker_guid)),
            },
        })
    }

    pub(super) fn plan(self, row: &Plan) -> Value {
        let offering = self.store.offering_of(row);
        let path = format!("service_plans/{}", row.guid);
        let mut plan = json!({
            "guid": row.guid,
            "created_at": stamp(row.created_at),
            "updated_at": stamp(row.created_at),
            "name": row.name,
            "visibility_type": self.visibility_type(row),
            "available": row.active,
            "free": row.free,
            "costs": [],
            "description": format!("{} of {}", row.name, offering.name),
            "maintenance_info": row.maintenance_info(),
            "broker_catalog": {
                "id": row.unique_id,
                "metadata": {},
                "maximum_polling_duration": null,
                "features": {
                    "bindable": offering.bindable,
                    // Unlike v2, which leaves it to the client to ask the offering.
                    "plan_updateable": row.plan_updateable.unwrap_or(offering.plan_updateable),
                },
            },
            "schemas": {
                "service_instance": {"create": {"parameters": row.schema}, "update": {"parameters": row.schema}},
                "service_binding": {"create": {"parameters": {}}},
            },
            "relationships": {"service_offering": related(Some(&row.offering_guid))},
            "metadata": row.metadata.to_json(),
            "links": {
                "self": self.link(&path),
                "service_offering": self.link(&format!("service_offerings/{}", row.offering_guid)),
                "visibility": self.link(&format!("{path}/visibility")),
            },
        });
        if let Some(space) = &self.store.broker_of(offering).space_guid {
            plan["relationships"]["space"] = related(Some(space));
            plan["links"]["space"] = self.link(&format!("spaces/{space}"));
        }
        plan
    }

    /// Whom a plan is for: everybody, a space, some organizations, or nobody but admins.
    pub(super) fn visibility_type(self, row: &Plan) -> &'static str {
        if self.store.broker_of(self.store.offering_of(row)).space_guid.is_some() {
            "space"
        } else if row.public {
            "public"
        } else if self.store.visibilities.iter().any(|seen| seen.plan_guid == row.guid) {
            "organization"
        } else {
            "admin"
        }
    }

    pub(super) fn broker(self, row: &Broker) -> Value {
        let mut broker = json!({
            "guid": row.guid,
            "created_at": stamp(row.created_at),
            "updated_at": stamp(row.created_at),
            "name": row.name,
            "url": row.url(),
            "relationships": {},
            "metadata": {"labels": {}, "annotations": {}},
            "links": {
                "self": self.link(&format!("service_brokers/{}", row.guid)),
                "service_offerings": self.link(&format!("service_offerings?service_broker_guids={}", row.guid)),
            },
        });
        if let Some(space) = &row.space_guid {
            broker["relationships"]["space"] = related(Some(space));
            broker["links"]["space"] = self.link(&format!("spaces/{space}"));
        }
        broker
    }
}
