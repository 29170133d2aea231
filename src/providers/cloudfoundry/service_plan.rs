//! Plans of service offerings: the marketplace. They can be referred to, not declared.

use std::sync::Arc;

use super::v2;
use super::{CREATED_AT, CloudFoundry, GUID, NAME, NAME_SHAPE, Stamp, UPDATED_AT};
use crate::kind::{Readable, Reader, RemoteError, Wanted};
use crate::model::{Attribute, Condition, Fields, Identity, KeyPart, KeySource, Observed, RemoteId, Section, Value};

/// A plan, as either API tells it.
#[derive(Debug, Clone)]
pub struct ServicePlan {
    pub(super) stamp: Stamp,
    pub(super) name: Arc<str>,
    /// The name of its offering, if the offering can be seen.
    pub(super) offering_name: Option<Arc<str>>,
    /// The guid of its offering.
    pub(super) offering: RemoteId,
    /// The name of its broker, if it is told.
    pub(super) broker: Option<Arc<str>>,
    /// Whether the broker still offers it.
    pub(super) active: bool,
    /// Whether it is visible to everybody.
    pub(super) public: Option<bool>,
    /// Whether it costs nothing.
    pub(super) free: Option<bool>,
    /// Whether an instance of it can change to another plan.
    pub(super) plan_updateable: Option<bool>,
    /// JSON schemas of parameters.
    pub(super) schemas: Option<serde_json::Value>,
}

static SECTION: Section = Section {
    name: "service_plans",
    singular: "service plan",
    provider: NAME,
    doc: "Plans of service offerings, named `offering/plan`; two brokers may offer the same names.",
    declarable: false,
    apis: &[],
    key: &[
        KeyPart { name: "offering", from: KeySource::FieldOrKey, shape: NAME_SHAPE },
        KeyPart { name: "name", from: KeySource::FieldOrKey, shape: NAME_SHAPE },
    ],
    fold_case: true,
    fields: &[],
    attributes: &[
        GUID,
        CREATED_AT,
        UPDATED_AT,
        Attribute::new("broker", "service_broker_name", "The name of its service broker."),
        Attribute::new("offering_guid", "service_guid", "The remote's id of its offering."),
        Attribute::new("active", "active", "Whether the broker still offers it."),
        Attribute::new("public", "public", "Whether every organization may use it."),
        Attribute::new("free", "free", "Whether it costs nothing."),
        Attribute::new("plan_updateable", "plan_updateable", "Whether its instances can change to another plan."),
        Attribute::new("schemas", "schemas", "JSON schemas of the parameters its broker takes."),
    ],
};

impl ServicePlan {
    fn observed(self) -> Observed {
        let Self { stamp, name, offering_name, offering, broker, active, public, free, plan_updateable, schemas } =
            self;
        let mut attributes = stamp.attributes();
        let told = [
            ("broker", broker.map(Value::Text)),
            ("offering_guid", Some(Value::Text(Arc::clone(&offering)))),
            ("active", Some(Value::Bool(active))),
            ("public", public.map(Value::Bool)),
            ("free", free.map(Value::Bool)),
            ("plan_updateable", plan_updateable.map(Value::Bool)),
            ("schemas", schemas.as_ref().map(Value::from_json)),
        ];
        for (name, value) in told {
            if let Some(value) = value {
                attributes.set(name, value);
            }
        }
        Observed {
            identity: Identity { parts: vec![("offering", offering_name.unwrap_or(offering)), ("name", name)] },
            id: stamp.guid,
            version: stamp.updated_at,
            fields: Fields::default(),
            attributes,
            condition: Condition::Ready,
        }
    }
}

impl Readable for ServicePlan {
    type Provider = CloudFoundry;
    const SECTION: &'static Section = &SECTION;

    /// The whole catalogue: it is short, and a misspelt name is told what it is near to.
    async fn observe(_: &Wanted<'_>, remote: Reader<'_, CloudFoundry>) -> Result<Vec<Observed>, RemoteError> {
        Ok(v2::service_plans(&remote).await?.into_iter().map(Self::observed).collect())
    }
}
