//! How v2 writes each resource. Relative URLs throughout.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::emulator::cloudfoundry::access::Caller;
use crate::emulator::cloudfoundry::store::{
    Binding, Broker, Instance, InstanceKind, Job, LastOperation, Offering, Organization, Plan, Space, Store,
    Visibility, stamp,
};

/// Relations to more than this many are not put into their parents.
const LARGEST_INLINE: usize = 50;

/// The store as one caller sees it.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) store: &'a Store,
    pub(super) caller: &'a Caller,
    /// How deep related resources are put into their parents.
    pub(super) depth: u8,
}

fn resource(guid: &str, collection: &str, created: Timestamp, updated: Option<Timestamp>, entity: Value) -> Value {
    let metadata = json!({
        "guid": guid,
        "url": format!("/v2/{collection}/{guid}"),
        "created_at": stamp(created),
        "updated_at": updated.map(stamp),
    });
    Value::Object(Map::from_iter([("metadata".to_owned(), metadata), ("entity".to_owned(), entity)]))
}

impl<'a> View<'a> {
    /// The view with nothing put into the resources.
    pub(super) fn flat(store: &'a Store, caller: &'a Caller) -> Self {
        Self { store, caller, depth: 0 }
    }

    fn deeper(self) -> Option<Self> {
        Some(Self { depth: self.depth.checked_sub(1)?, ..self })
    }

    pub(super) fn organization(self, row: &Organization) -> Value {
        let url = format!("/v2/organizations/{}", row.guid);
        let mut entity = json!({
            "name": row.name,
            "billing_enabled": false,
            "quota_definition_guid": row.guid,
            "status": if row.suspended { "suspended" } else { "active" },
            "default_isolation_segment_guid": null,
            "quota_definition_url": format!("/v2/quota_definitions/{}", row.guid),
            "spaces_url": format!("{url}/spaces"),
            "domains_url": format!("{url}/domains"),
            "private_domains_url": format!("{url}/private_domains"),
            "users_url": format!("{url}/users"),
            "managers_url": format!("{url}/managers"),
            "billing_managers_url": format!("{url}/billing_managers"),
            "auditors_url": format!("{url}/auditors"),
            "app_events_url": format!("{url}/app_events"),
            "space_quota_definitions_url": format!("{url}/space_quota_definitions"),
        });
        if let Some(deeper) = self.deeper() {
            let spaces = self.store.index.spaces_of(&row.guid);
            if spaces.len() <= LARGEST_INLINE {
                let spaces = spaces.iter().filter_map(|&id| self.store.spaces.get(id));
                entity["spaces"] = spaces
                    .filter(|space| self.caller.reads_space(&space.guid))
                    .map(|space| deeper.space(space))
                    .collect();
            }
        }
        resource(&row.guid, "organizations", row.created_at, Some(row.updated_at), entity)
    }

    pub(super) fn space(self, row: &Space) -> Value {
        let url = format!("/v2/spaces/{}", row.guid);
        let mut entity = json!({
            "name": row.name,
            "organization_guid": row.organization_guid,
            "space_quota_definition_guid": row.quota.map(|_| &row.guid),
            "isolation_segment_guid": null,
            "allow_ssh": row.allow_ssh,
            "organization_url": format!("/v2/organizations/{}", row.organization_guid),
            "developers_url": format!("{url}/developers"),
            "managers_url": format!("{url}/managers"),
            "auditors_url": format!("{url}/auditors"),
            "apps_url": format!("{url}/apps"),
            "routes_url": format!("{url}/routes"),
            "domains_url": format!("{url}/domains"),
            "service_instances_url": format!("{url}/service_instances"),
            "app_events_url": format!("{url}/app_events"),
            "events_url": format!("{url}/events"),
            "security_groups_url": format!("{url}/security_groups"),
            "staging_security_groups_url": format!("{url}/staging_security_groups"),
        });
        if let Some(deeper) = self.deeper()
            && let Some(organization) = self.store.organizations.by_guid(&row.organization_guid)
        {
            // One more level would put the organization's spaces, this one among them, into it again.
            entity["organization"] = Self { depth: 0, ..deeper }.organization(organization);
        }
        resource(&row.guid, "spaces", row.created_at, Some(row.updated_at), entity)
    }

    pub(super) fn broker(row: &Broker) -> Value {
        let entity = json!({
            "name": row.name,
            "broker_url": row.url(),
            "auth_username": "sandbox",
            "space_guid": row.space_guid,
        });
        resource(&row.guid, "service_brokers", row.created_at, Some(row.created_at), entity)
    }

    pub(super) fn service(self, row: &Offering) -> Value {
        let broker = self.store.broker_of(row);
        let extra = json!({"displayName": row.name, "shareable": true}).to_string();
        let mut entity = json!({
            "label": row.name,
            "provider": null,
            "url": null,
            "description": row.description,
            "long_description": null,
            "version": null,
            "info_url": null,
            "active": self.store.index.plans_of(&row.guid).iter()
                .any(|&id| self.store.plans.get(id).is_some_and(|plan| plan.active)),
            "bindable": row.bindable,
            "unique_id": row.unique_id,
            "extra": extra,
            "tags": row.tags,
            "requires": [],
            "documentation_url": null,
            "service_broker_guid": broker.guid,
            "service_broker_name": broker.name,
            "plan_updateable": row.plan_updateable,
            "bindings_retrievable": false,
            "instances_retrievable": row.instances_retrievable,
            "allow_context_updates": row.allow_context_updates,
            "service_plans_url": format!("/v2/services/{}/service_plans", row.guid),
        });
        if let Some(deeper) = self.deeper() {
            let plans = self.store.index.plans_of(&row.guid);
            if plans.len() <= LARGEST_INLINE {
                let plans = plans.iter().filter_map(|&id| self.store.plans.get(id));
                entity["service_plans"] = plans
                    .filter(|plan| self.caller.sees_plan(self.store, plan))
                    .map(|plan| Self { depth: 0, ..deeper }.plan(plan))
                    .collect();
            }
        }
        resource(&row.guid, "services", row.created_at, Some(row.created_at), entity)
    }

    pub(super) fn plan(self, row: &Plan) -> Value {
        let mut entity = json!({
            "name": row.name,
            "free": row.free,
            "description": format!("{} of {}", row.name, self.store.offering_of(row).name),
            "service_guid": row.offering_guid,
            "extra": null,
            "unique_id": row.unique_id,
            "public": row.public,
            "bindable": self.store.offering_of(row).bindable,
            "plan_updateable": row.plan_updateable,
            "active": row.active,
            "maximum_polling_duration": null,
            "maintenance_info": row.maintenance_info(),
            "schemas": {
                "service_instance": {"create": {"parameters": row.schema}, "update": {"parameters": row.schema}},
                "service_binding": {"create": {"parameters": {}}},
            },
            "service_url": format!("/v2/services/{}", row.offering_guid),
            "service_instances_url": format!("/v2/service_plans/{}/service_instances", row.guid),
        });
        if let Some(deeper) = self.deeper() {
            entity["service"] = Self { depth: 0, ..deeper }.service(self.store.offering_of(row));
        }
        resource(&row.guid, "service_plans", row.created_at, Some(row.created_at), entity)
    }

    pub(super) fn visibility(row: &Visibility) -> Value {
        let entity = json!({
            "service_plan_guid": row.plan_guid,
            "organization_guid": row.organization_guid,
            "service_plan_url": format!("/v2/service_plans/{}", row.plan_guid),
            "organization_url": format!("/v2/organizations/{}", row.organization_guid),
        });
        resource(&row.guid, "service_plan_visibilities", row.created_at, Some(row.created_at), entity)
    }

    pub(super) fn instance(self, row: &Instance) -> Value {
        let secret = !self.caller.sees_secrets_in(&row.space_guid);
        let hidden = || json!({"redacted_message": "[PRIVATE DATA HIDDEN]"});
        let (collection, mut entity) = match &row.kind {
            InstanceKind::Managed(managed) => {
                let url = format!("/v2/service_instances/{}", row.guid);
                let plan = self.store.plans.by_guid(&managed.plan_guid).expect("a plan stays while it has instances");
                let entity = json!({
                    "name": row.name,
                    "credentials": if secret { hidden() } else { json!({}) },
                    "service_plan_guid": managed.plan_guid,
                    "service_guid": plan.offering_guid,
                    "space_guid": row.space_guid,
                    "gateway_data": null,
                    "dashboard_url": null,
                    "type": "managed_service_instance",
                    "last_operation": last_operation(&managed.operation),
                    "tags": row.tags,
                    "maintenance_info": managed.maintenance_info,
                    "space_url": format!("/v2/spaces/{}", row.space_guid),
                    "service_url": format!("/v2/services/{}", plan.offering_guid),
                    "service_plan_url": format!("/v2/service_plans/{}", managed.plan_guid),
                    "service_bindings_url": format!("{url}/service_bindings"),
                    "service_keys_url": format!("{url}/service_keys"),
                    "routes_url": format!("{url}/routes"),
                    "shared_from_url": format!("{url}/shared_from"),
                    "shared_to_url": format!("{url}/shared_to"),
                    "service_instance_parameters_url": format!("{url}/parameters"),
                });
                ("service_instances", entity)
            }
            InstanceKind::UserProvided(provided) => {
                let url = format!("/v2/user_provided_service_instances/{}", row.guid);
                let entity = json!({
                    "name": row.name,
                    "credentials": if secret { hidden() } else { json!(provided.credentials) },
                    "space_guid": row.space_guid,
                    "type": "user_provided_service_instance",
                    "syslog_drain_url": provided.syslog_drain_url,
                    "route_service_url": provided.route_service_url,
                    "tags": row.tags,
                    "space_url": format!("/v2/spaces/{}", row.space_guid),
                    "service_bindings_url": format!("{url}/service_bindings"),
                    "routes_url": format!("{url}/routes"),
                });
                ("user_provided_service_instances", entity)
            }
        };
        if let Some(deeper) = self.deeper() {
            if let Some(space) = self.store.spaces.by_guid(&row.space_guid) {
                entity["space"] = deeper.space(space);
            }
            if let Some(plan) = row.managed().and_then(|managed| self.store.plans.by_guid(&managed.plan_guid)) {
                entity["service_plan"] = deeper.plan(plan);
            }
        }
        resource(&row.guid, collection, row.created_at, Some(row.updated_at), entity)
    }

    pub(super) fn key(self, row: &Binding) -> Value {
        let instance = self.store.instances.by_guid(&row.instance_guid);
        let shown = instance.is_some_and(|instance| self.caller.sees_secrets_in(&instance.space_guid));
        let entity = json!({
            "name": row.name,
            "service_instance_guid": row.instance_guid,
            "credentials": if shown { json!(row.credentials) } else { json!({"redacted_message": "[PRIVATE DATA HIDDEN]"}) },
            "service_instance_url": format!("/v2/service_instances/{}", row.instance_guid),
            "service_key_parameters_url": format!("/v2/service_keys/{}/parameters", row.guid),
        });
        resource(&row.guid, "service_keys", row.created_at, Some(row.created_at), entity)
    }

    /// What an app is bound with; `None` for a key.
    pub(super) fn app_binding(self, row: &Binding) -> Option<Value> {
        let app = row.app.as_ref()?;
        let url = format!("/v2/service_bindings/{}", row.guid);
        let instance = self.store.instances.by_guid(&row.instance_guid);
        let shown = instance.is_some_and(|instance| self.caller.sees_secrets_in(&instance.space_guid));
        let hidden = || json!({"redacted_message": "[PRIVATE DATA HIDDEN]"});
        let entity = json!({
            "app_guid": app.guid,
            "service_instance_guid": row.instance_guid,
            "name": Some(&row.name).filter(|name| !name.is_empty()),
            "credentials": if shown { json!(row.credentials) } else { hidden() },
            "binding_options": {},
            "gateway_data": null,
            "gateway_name": "",
            "syslog_drain_url": null,
            "volume_mounts": [],
            "last_operation": row.operation.as_ref().map(last_operation),
            "app_url": format!("/v2/apps/{}", app.guid),
            "service_instance_url": format!("/v2/service_instances/{}", row.instance_guid),
            "service_binding_parameters_url": format!("{url}/parameters"),
        });
        Some(resource(&row.guid, "service_bindings", row.created_at, Some(row.updated_at()), entity))
    }

    pub(super) fn job(row: &Job) -> Value {
        let mut entity = json!({"guid": row.guid, "status": if row.failure.is_some() { "failed" } else { "queued" }});
        if let Some(failure) = &row.failure {
            entity["error"] = json!("Use of entity>error is deprecated in favor of entity>error_details.");
            entity["error_details"] = failure.clone();
        }
        json!({
            "metadata": {
                "guid": row.guid,
                "created_at": stamp(row.created_at),
                "url": format!("/v2/jobs/{}", row.guid),
            },
            "entity": entity,
        })
    }
}

fn last_operation(operation: &LastOperation) -> Value {
    json!({
        "type": operation.kind,
        "state": operation.state,
        "description": operation.description,
        "updated_at": stamp(operation.updated_at),
        "created_at": stamp(operation.created_at),
    })
}
