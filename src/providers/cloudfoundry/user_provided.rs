//! User-provided instances, as far as they are in the way: they share the names of a space with managed ones.

use std::sync::Arc;

use super::api;
use super::meant::{self, Meant};
use super::{CREATED_AT, CloudFoundry, GUID, NAME, NAME_SHAPE, SPACE_SHAPE, Stamp, UPDATED_AT, space_link};
use crate::kind::{Readable, Reader, RemoteError, Wanted};
use crate::model::{
    Collection, Condition, Field, Fields, Identity, KeyPart, KeySource, Observed, RemoteId, Section, Value,
};

/// A user-provided instance, as either API tells it; without its credentials.
#[derive(Debug, Clone)]
pub struct UserProvided {
    pub(super) stamp: Stamp,
    pub(super) name: Arc<str>,
    /// The guid of its space.
    pub(super) space: RemoteId,
}

static SECTION: Section = Section {
    name: "user_provided_service_instances",
    singular: "user-provided service instance",
    provider: NAME,
    doc: "Instances whose credentials a user wrote down; this version only sees that their names are taken.",
    declarable: false,
    apis: &[],
    key: &[
        KeyPart { name: "space", from: KeySource::Reference, shape: SPACE_SHAPE },
        KeyPart { name: "name", from: KeySource::FieldOrKey, shape: NAME_SHAPE },
    ],
    fold_case: false,
    fields: &[
        Field::new("space", "space_guid", SPACE_SHAPE, "The space it is in."),
        Field::new("name", "name", NAME_SHAPE, "The name, unique in the space."),
    ],
    attributes: &[GUID, CREATED_AT, UPDATED_AT],
};

impl UserProvided {
    fn observed(self, spaces: &Collection) -> Observed {
        let link = space_link(&self.space, spaces);
        Observed {
            identity: Identity { parts: vec![("space", link.shown().into()), ("name", Arc::clone(&self.name))] },
            id: Arc::clone(&self.stamp.guid),
            version: self.stamp.updated_at.clone(),
            fields: Fields::from_iter([("space", Value::Link(Box::new(link))), ("name", Value::Text(self.name))]),
            attributes: self.stamp.attributes(),
            condition: Condition::Ready,
        }
    }
}

impl Readable for UserProvided {
    type Provider = CloudFoundry;
    const SECTION: &'static Section = &SECTION;
    const AFTER: &'static [&'static str] = &["spaces"];

    /// Those in the spaces in which service instances are declared.
    async fn observe(wanted: &Wanted<'_>, remote: Reader<'_, CloudFoundry>) -> Result<Vec<Observed>, RemoteError> {
        let none = Collection::default();
        let spaces = wanted.observed.get("spaces").copied().unwrap_or(&none);
        let instances = wanted.declared.values().filter(|resource| resource.address.section == "service_instances");
        let meant = meant::spaces(instances.map(|instance| instance.fields.get("space")), wanted.declared, spaces);
        let Some(filters) = api::within(remote.speaks, &meant) else { return Ok(Vec::new()) };
        let found = api::user_provided(&remote, &filters).await?;
        let here = |instance: &Self| match &meant {
            Meant::These(spaces) => spaces.contains_key(&instance.space),
            Meant::Any => true,
        };
        Ok(found.into_iter().filter(here).map(|instance| instance.observed(spaces)).collect())
    }
}
