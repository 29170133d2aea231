//! What is attached to service instances: read only where a delete of theirs may be meant, since it would take it along.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::api;
use super::{CloudFoundry, GUID, NAME, NAME_SHAPE};
use crate::kind::{Readable, Reader, RemoteError, Tied, Wanted};
use crate::model::{
    Attribute, Collection, Condition, Fields, Identity, KeyPart, KeySource, Observed, RemoteId, Section, Value,
};

/// Something attached to an instance, as either API tells it.
#[derive(Debug, Clone)]
pub struct Attachment {
    pub(super) guid: RemoteId,
    /// The guid of the instance.
    pub(super) instance: RemoteId,
    pub(super) kind: Kind,
    /// What people call it.
    pub(super) name: Option<String>,
}

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The binding of an app.
    App,
    /// A service key.
    Key,
    /// The binding of a route.
    Route,
    /// A share with another space.
    Share,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Key => "key",
            Self::Route => "route",
            Self::Share => "share",
        }
    }
}

static SECTION: Section = Section {
    name: "service_bindings",
    singular: "service binding",
    provider: NAME,
    doc: "Keys, bindings and shares of service instances, as far as a delete of the instance would take them along.",
    declarable: false,
    apis: &[],
    key: &[
        KeyPart { name: "service_instance", from: KeySource::FieldOrKey, shape: NAME_SHAPE },
        KeyPart { name: "name", from: KeySource::FieldOrKey, shape: NAME_SHAPE },
    ],
    fold_case: false,
    fields: &[],
    attributes: &[
        GUID,
        Attribute::new("instance", "service_instance_guid", "The guid of the service instance."),
        Attribute::new("type", "type", "What it is: the binding of an `app` or a `route`, a `key`, a `share`."),
        Attribute::new("words", "name", "What it is called."),
    ],
    example: "",
};

impl Attachment {
    fn observed(self) -> Observed {
        let Self { guid, instance, kind, name } = self;
        let named = |what: &str, otherwise: &str| match &name {
            Some(name) => format!("{what} `{name}`"),
            None => otherwise.to_owned(),
        };
        let words = match kind {
            Kind::App => named("the binding of the app", "the binding of an app"),
            Kind::Key => named("the service key", "a service key"),
            Kind::Route => named("the binding of the route", "the binding of a route"),
            Kind::Share => named("the share with the space", "the share with a space"),
        };
        let name = name.unwrap_or_else(|| guid.to_string());
        Observed {
            identity: Identity { parts: vec![("service_instance", Arc::clone(&instance)), ("name", name.into())] },
            id: Arc::clone(&guid),
            version: None,
            fields: Fields::default(),
            attributes: Fields::from_iter([
                ("guid", Value::Text(guid)),
                ("instance", Value::Text(instance)),
                ("type", Value::text(kind.word())),
                ("words", Value::text(words)),
            ]),
            condition: Condition::Ready,
        }
    }
}

/// What is attached to an instance.
pub fn of<'c>(instance: &Observed, attached: &'c Collection) -> impl Iterator<Item = &'c Observed> {
    let guid = Arc::clone(&instance.id);
    attached.iter().filter(move |one| one.attributes.text("instance") == Some(&*guid))
}

/// The same as what a delete of the instance takes along.
pub fn tied(instance: &Observed, collections: &BTreeMap<&'static str, Collection>) -> Vec<Tied> {
    let Some(attached) = collections.get(SECTION.name) else { return Vec::new() };
    let tied = |one: &Observed| {
        let words = one.attributes.text("words")?.to_owned();
        // What is known of a share is the space, and that stays.
        Some(Tied { words, id: Arc::clone(&one.id), within: None, stays: is_share(one) })
    };
    of(instance, attached).filter_map(tied).collect()
}

/// Whether this is a share with another space.
pub fn is_share(attachment: &Observed) -> bool {
    attachment.attributes.text("type") == Some(Kind::Share.word())
}

impl Readable for Attachment {
    type Provider = CloudFoundry;
    const SECTION: &'static Section = &SECTION;
    const AFTER: &'static [&'static str] = &["service_instances", "user_provided_service_instances"];
    const PARTIAL: Option<&'static str> = Some("what is bound to instances");

    /// What is attached to the instances that may be deleted or renamed: those declared so.
    async fn observe(wanted: &Wanted<'_>, remote: Reader<'_, CloudFoundry>) -> Result<Vec<Observed>, RemoteError> {
        let managed = concerned(wanted, "service_instances").await?;
        let user_provided = concerned(wanted, "user_provided_service_instances").await?;
        if managed.is_empty() && user_provided.is_empty() {
            return Ok(Vec::new());
        }
        let found = api::attachments(&remote, &managed, &user_provided).await?;
        Ok(found.into_iter().map(Self::observed).collect())
    }
}

/// The instances of a section that may be deleted or renamed, in order.
async fn concerned(wanted: &Wanted<'_>, section: &'static str) -> Result<Vec<RemoteId>, RemoteError> {
    let there = wanted.observed.get(section).await?;
    let declared = wanted.declared.values().filter(|resource| {
        let lifecycle = &resource.lifecycle;
        resource.address.section == section
            && (lifecycle.consent.replace || lifecycle.absent.is_some() || lifecycle.was.is_some())
    });
    let names = declared.flat_map(|resource| {
        let was = resource.lifecycle.was.as_ref().map(|was| &*was.value);
        let own = resource.identity.parts.last().map(|(_, name)| &**name);
        [own, was].into_iter().flatten()
    });
    let mut instances: Vec<RemoteId> =
        names.flat_map(|name| there.called(name)).map(|instance| Arc::clone(&instance.id)).collect();
    instances.sort_unstable();
    instances.dedup();
    Ok(instances)
}
