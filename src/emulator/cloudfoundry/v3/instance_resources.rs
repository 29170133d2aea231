//! How v3 writes service instances and their keys (reference sections 8.4, 12, 14).

use serde_json::{Value, json};

use super::resources::{View, related};
use crate::emulator::cloudfoundry::store::{
    App, Binding, Instance, InstanceKind, LastOperation, Managed, UserProvided, stamp,
};

fn last_operation(operation: &LastOperation) -> Value {
    json!({
        "type": operation.kind,
        "state": operation.state,
        "description": operation.description,
        "updated_at": stamp(operation.updated_at),
        "created_at": stamp(operation.created_at),
    })
}

impl View<'_> {
    pub(super) fn instance(self, row: &Instance) -> Value {
        let path = format!("service_instances/{}", row.guid);
        let mut instance = json!({
            "guid": row.guid,
            "created_at": stamp(row.created_at),
            "updated_at": stamp(row.updated_at),
            "name": row.name,
            "tags": row.tags,
            // Where nothing was tried there is an empty object, and not null.
            "last_operation": row.operation().map_or_else(|| json!({}), last_operation),
            "relationships": {"space": related(Some(&row.space_guid))},
            "metadata": row.metadata.to_json(),
            "links": {
                "self": self.link(&path),
                "space": self.link(&format!("spaces/{}", row.space_guid)),
                "service_credential_bindings":
                    self.link(&format!("service_credential_bindings?service_instance_guids={}", row.guid)),
                "service_route_bindings":
                    self.link(&format!("service_route_bindings?service_instance_guids={}", row.guid)),
            },
        });
        match &row.kind {
            InstanceKind::Managed(managed) => self.add_managed(&mut instance, &path, managed),
            InstanceKind::UserProvided(provided) => self.add_user_provided(&mut instance, &path, provided),
        }
        instance
    }

    fn add_managed(self, instance: &mut Value, path: &str, managed: &Managed) {
        let plan = self.store.plans.by_guid(&managed.plan_guid).expect("a plan stays while it has instances");
        instance["type"] = json!("managed");
        instance["maintenance_info"] = managed.maintenance_info.clone();
        let outdated = managed.maintenance_info.get("version") != plan.maintenance_info().get("version");
        instance["upgrade_available"] = json!(outdated);
        instance["dashboard_url"] = Value::Null;
        instance["relationships"]["service_plan"] = related(Some(&plan.guid));
        instance["links"]["service_plan"] = self.link(&format!("service_plans/{}", plan.guid));
        instance["links"]["parameters"] = self.link(&format!("{path}/parameters"));
        instance["links"]["shared_spaces"] = self.link(&format!("{path}/relationships/shared_spaces"));
    }

    fn add_user_provided(self, instance: &mut Value, path: &str, provided: &UserProvided) {
        instance["type"] = json!("user-provided");
        instance["syslog_drain_url"] = json!(provided.syslog_drain_url);
        instance["route_service_url"] = json!(provided.route_service_url);
        instance["links"]["credentials"] = self.link(&format!("{path}/credentials"));
    }

    pub(super) fn binding(self, row: &Binding) -> Value {
        let path = format!("service_credential_bindings/{}", row.guid);
        let mut binding = json!({
            "guid": row.guid,
            "created_at": stamp(row.created_at),
            "updated_at": stamp(row.updated_at()),
            "name": Some(&row.name).filter(|name| !name.is_empty()),
            "type": if row.is_key() { "key" } else { "app" },
            "last_operation": row.operation.as_ref().map(last_operation),
            "metadata": row.metadata.to_json(),
            "relationships": {"service_instance": related(Some(&row.instance_guid))},
            "links": {
                "self": self.link(&path),
                "details": self.link(&format!("{path}/details")),
                "service_instance": self.link(&format!("service_instances/{}", row.instance_guid)),
                "parameters": self.link(&format!("{path}/parameters")),
            },
        });
        if let Some(app) = &row.app {
            binding["relationships"]["app"] = related(Some(&app.guid));
            binding["links"]["app"] = self.link(&format!("apps/{}", app.guid));
        }
        binding
    }

    /// As much of an app as can be known here.
    pub(super) fn app(self, row: &App) -> Value {
        json!({"guid": row.guid, "name": row.name, "links": {"self": self.link(&format!("apps/{}", row.guid))}})
    }
}
