//! How v3 spells what the kinds mean.

mod attachments;
mod containers;
mod instances;
mod job;
mod keys;
mod list;
mod marketplace;
mod quotas;
mod user_provided;

use std::sync::Arc;

use serde::Deserialize;

pub use self::attachments::{attachments, shared_with};
pub use self::containers::{
    create_organization, create_space, organizations, space_of_guid, spaces, spaces_named, update_organization,
    update_space,
};
pub use self::instances::{
    create_service_instance, delete_service_instance, instances, managed_instances, parameters_of,
    service_instance_of_guid, service_instances, service_instances_again, update_service_instance,
};
pub use self::job::job;
pub use self::keys::{create_service_key, delete_service_key, service_keys, update_service_key, with_key_credentials};
pub use self::list::MOST_VALUES;
pub use self::marketplace::{plans_of_space, service_plans};
pub use self::quotas::quotas;
pub use self::user_provided::{
    create_user_provided, delete_user_provided, update_user_provided, user_provided, with_credentials,
};
use super::Stamp;

/// An object by its guid.
#[derive(Deserialize)]
struct ToOne {
    data: Option<Guid>,
}

#[derive(Deserialize)]
struct Guid {
    guid: Arc<str>,
}

impl ToOne {
    fn guid(self) -> Option<Arc<str>> {
        self.data.map(|data| data.guid)
    }
}

/// A relationship to one object, as it is sent.
fn to_one(guid: &str) -> serde_json::Value {
    serde_json::json!({"data": {"guid": guid}})
}

fn stamp(guid: Arc<str>, created_at: Option<Arc<str>>, updated_at: Option<Arc<str>>) -> Stamp {
    Stamp { guid, created_at, updated_at }
}

/// `maintenance_info`; `{}` where there is none.
#[derive(Deserialize)]
struct Maintenance {
    version: Option<Arc<str>>,
}

impl Maintenance {
    fn version(self) -> Option<Arc<str>> {
        self.version.filter(|version| !version.is_empty())
    }
}

#[cfg(test)]
mod tests;
