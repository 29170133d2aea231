//! The rows of the database.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::auth::Author;
use super::collection::Record;
use super::stamp::Stamp;

/// When and by whom a row was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Audit {
    pub(super) created_at: Stamp,
    pub(super) created_by: Author,
    pub(super) updated_at: Stamp,
    pub(super) updated_by: Author,
}

impl Audit {
    pub(super) fn new(at: Stamp, by: &Author) -> Self {
        Self { created_at: at, created_by: by.clone(), updated_at: at, updated_by: by.clone() }
    }

    pub(super) fn touch(&mut self, at: Stamp, by: &Author) {
        self.updated_at = at;
        self.updated_by = by.clone();
    }

    /// Adds the audit members to an object on the wire.
    pub(super) fn show(&self, object: &mut Value) {
        let user = |author: &Author| json!({ "id": author.id, "name": author.name });
        object["createdAt"] = json!(self.created_at);
        object["createdBy"] = user(&self.created_by);
        object["updatedAt"] = json!(self.updated_at);
        object["updatedBy"] = user(&self.updated_by);
    }
}

/// The link of a customer or instance to a system of a third party (§10.1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Integration {
    pub(super) external_id: String,
    pub(super) metadata: Option<Map<String, Value>>,
    pub(super) web_url: Option<String>,
    pub(super) last_error: Option<String>,
    pub(super) synced_at: Stamp,
}

/// Links by the name of their adapter.
pub(super) type Integrations = BTreeMap<String, Integration>;

/// §10.1
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Customer {
    pub(super) id: String,
    pub(super) slug: String,
    pub(super) name: String,
    pub(super) external_customer_id: Option<String>,
    pub(super) domain: Option<String>,
    pub(super) integrations: Integrations,
    pub(super) audit: Audit,
}

/// §10.7
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Zone {
    pub(super) id: String,
    pub(super) slug: String,
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) description: String,
    pub(super) metadata: Map<String, Value>,
    /// What was deployed to it, oldest first; the last one is there now.
    #[serde(default)]
    pub(super) deployments: Vec<Deployment>,
    pub(super) audit: Audit,
}

impl Zone {
    /// The release deployed last.
    pub(super) fn release(&self) -> Option<&str> {
        self.deployments.last().map(|deployment| deployment.release_id.as_str())
    }
}

/// One deployment of a release to a zone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Deployment {
    pub(super) release_id: String,
    pub(super) at: Stamp,
}

/// §10.2
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Family {
    pub(super) id: String,
    pub(super) slug: String,
    /// The number of the last version; a number is never used twice.
    pub(super) last_version: u32,
    pub(super) created_at: Stamp,
    pub(super) updated_at: Stamp,
}

/// §10.3
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum LifecycleState {
    Draft,
    Published,
    Archived,
}

/// One version of a family, §10.3
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct License {
    pub(super) id: String,
    pub(super) slug: String,
    pub(super) family_id: String,
    pub(super) version: u32,
    pub(super) version_name: Option<String>,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) kind: String,
    pub(super) is_default: bool,
    pub(super) state: LifecycleState,
    pub(super) created_at: Stamp,
    pub(super) updated_at: Stamp,
}

/// §10.12
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Instance {
    pub(super) id: String,
    pub(super) slug: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) customer_id: String,
    pub(super) license_id: String,
    pub(super) zone_id: Option<String>,
    pub(super) start: Stamp,
    pub(super) end: Stamp,
    pub(super) metadata: Map<String, Value>,
    /// Of the seed dialect alone (§12).
    pub(super) platform: Option<Map<String, Value>>,
    pub(super) integrations: Integrations,
    pub(super) status: String,
    pub(super) lifecycle_stage: Option<String>,
    pub(super) audit: Audit,
}

/// What a license grants of an entitlement, §10.4
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Grant {
    pub(super) id: String,
    pub(super) license_id: String,
    pub(super) entitlement_id: String,
    /// With its `type`.
    pub(super) value: Value,
    pub(super) overage: Option<i64>,
    pub(super) audit: Audit,
}

/// §10.5
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Entitlement {
    pub(super) id: String,
    pub(super) slug: String,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) kind: String,
    pub(super) aggregation: Option<String>,
    pub(super) reset_period: Option<String>,
    pub(super) reset_anchor: Option<String>,
    pub(super) warning: i64,
    pub(super) user_facing: bool,
    pub(super) display_order: i64,
    pub(super) icon: Option<String>,
    /// The labels of one and of many.
    pub(super) unit: Option<(String, String)>,
    /// The same of the unit it is sold in, and how many base units that is.
    pub(super) sale_unit: Option<(String, String, f64)>,
    /// The ids of its groups.
    pub(super) groups: BTreeSet<String>,
    pub(super) created_at: Stamp,
    pub(super) updated_at: Stamp,
}

/// §10.6
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Group {
    pub(super) id: String,
    pub(super) slug: String,
    pub(super) name: String,
    pub(super) description: Option<String>,
    /// Never shown; lists need an order.
    pub(super) created_at: Stamp,
}

/// §10.8
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Component {
    pub(super) id: String,
    pub(super) slug: String,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) description: Option<String>,
    pub(super) previous_id: Option<String>,
    pub(super) created_at: Stamp,
    pub(super) created_by: Author,
}

/// §10.9
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Release {
    pub(super) id: String,
    pub(super) slug: String,
    pub(super) version: String,
    pub(super) description: Option<String>,
    pub(super) component_ids: Vec<String>,
    pub(super) created_at: Stamp,
    pub(super) created_by: Author,
}

/// Whose metadata a field is about, §10.10
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum ResourceType {
    DeploymentZone,
    Instance,
}

/// §10.10
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct MetadataField {
    pub(super) id: String,
    pub(super) resource: ResourceType,
    pub(super) key: String,
    pub(super) label: String,
    pub(super) schema: Map<String, Value>,
    pub(super) display_order: i64,
    pub(super) archived_at: Option<Stamp>,
    pub(super) audit: Audit,
}

/// §10.11
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Flag {
    pub(super) id: String,
    /// Empty after an update that named none.
    pub(super) slug: String,
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) variants: Vec<Value>,
    pub(super) default_variant: Value,
    pub(super) targetings: Vec<Value>,
    pub(super) description: Option<String>,
    pub(super) metadata: Map<String, Value>,
    pub(super) enabled: bool,
    pub(super) event_name: String,
}

macro_rules! records {
    ($($row:ident: $($created:ident).+;)+) => {$(
        impl Record for $row {
            fn id(&self) -> &str {
                &self.id
            }

            fn slug(&self) -> &str {
                &self.slug
            }

            fn created_at(&self) -> Stamp {
                self.$($created).+
            }
        }
    )+};
}

records! {
    Customer: audit.created_at;
    Zone: audit.created_at;
    Family: created_at;
    License: created_at;
    Instance: audit.created_at;
    Entitlement: created_at;
    Group: created_at;
    Component: created_at;
    Release: created_at;
}

/// A license has one grant of an entitlement at most, so that is its name within the license.
impl Record for Grant {
    fn id(&self) -> &str {
        &self.id
    }

    fn slug(&self) -> &str {
        &self.entitlement_id
    }

    fn created_at(&self) -> Stamp {
        self.audit.created_at
    }
}

/// Fields have no slug: they are addressed by id.
impl Record for MetadataField {
    fn id(&self) -> &str {
        &self.id
    }

    fn slug(&self) -> &str {
        &self.id
    }

    fn created_at(&self) -> Stamp {
        self.audit.created_at
    }
}

/// Flags have no times.
impl Record for Flag {
    const HAS_TIME: bool = false;

    fn id(&self) -> &str {
        &self.id
    }

    fn slug(&self) -> &str {
        &self.slug
    }

    fn created_at(&self) -> Stamp {
        Stamp::UNSET
    }
}
