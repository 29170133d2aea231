//! How v3 spells what the kinds mean.

mod attachments;
mod containers;
mod instances;
mod job;
mod list;
mod marketplace;

use std::sync::Arc;

use serde::Deserialize;

pub use self::attachments::attachments;
pub use self::containers::{
    create_organization, create_space, organizations, space_of_guid, spaces, update_organization, update_space,
};
pub use self::instances::{
    create_service_instance, delete_service_instance, parameters_of, service_instance_of_guid, service_instances,
    service_instances_again, update_service_instance, user_provided,
};
pub use self::job::job;
pub use self::list::MOST_VALUES;
pub use self::marketplace::{plans_of_space, service_plans};
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
