//! Managed service instances.

mod check;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::try_join_all;

use super::api::{self, Filter, Key, NewInstance};
use super::error::says_gone;
use super::meant;
use super::metadata::Metadata;
use super::{
    ANNOTATIONS_DOC, CREATED_AT, CloudFoundry, GUID, LABELS_DOC, NAME, NAME_SHAPE, SPACE_SHAPE, Stamp, UPDATED_AT,
    json, linked_id, own_name_of, space_link,
};
use crate::kind::{Check, Kind, Proposal, Readable, Reader, RemoteError, Wanted, Writer};
use crate::model::{
    Attribute, Collection, Compare, Condition, Diagnostic, Facts, Field, Fields, Identity, KeyPart, KeySource, Link,
    Observed, Operation, RemoteId, Section, Shape, Value,
};

/// A managed instance, as either API tells it.
#[derive(Debug, Clone)]
pub struct ServiceInstance {
    pub(super) stamp: Stamp,
    pub(super) name: Arc<str>,
    /// The guid of its space.
    pub(super) space: RemoteId,
    /// The guid of its plan.
    pub(super) plan: Option<RemoteId>,
    pub(super) tags: Vec<String>,
    pub(super) dashboard_url: Option<Arc<str>>,
    /// The version of what it runs on, where the broker counts them.
    pub(super) maintenance_version: Option<Arc<str>>,
    /// Whether there is a newer one, where the API says so itself.
    pub(super) upgrade_available: Option<bool>,
    /// Where the API has any.
    pub(super) metadata: Option<Metadata>,
    pub(super) last_operation: Option<LastOperation>,
}

/// The last thing that was tried with an instance.
#[derive(Debug, Clone)]
pub(super) struct LastOperation {
    pub(super) operation: String,
    pub(super) state: String,
    pub(super) description: Option<Arc<str>>,
}

static SECTION: Section = Section {
    name: "service_instances",
    singular: "service instance",
    provider: NAME,
    doc: "Instances of marketplace plans, found by space and name.",
    declarable: true,
    apis: &[],
    key: &[
        KeyPart { name: "space", from: KeySource::Reference, shape: SPACE_SHAPE },
        KeyPart { name: "name", from: KeySource::FieldOrKey, shape: NAME_SHAPE },
    ],
    fold_case: false,
    fields: &[
        Field::new(
            "space",
            "space_guid",
            SPACE_SHAPE,
            "The space: a declared key, `organization/space` of one that exists, or `{ guid: … }`.",
        )
        .required()
        .immutable("an instance cannot move to another space"),
        Field::new("name", "name", NAME_SHAPE, "The name, unique in the space; the key if not given."),
        Field::new(
            "plan",
            "service_plan_guid",
            Shape::Reference { section: "service_plans", qualifier: Some("broker"), with_slug: false },
            "The plan, `offering/plan`, or `{ guid: … }`.",
        )
        .required(),
        Field::new(
            "broker",
            "service_broker_name",
            NAME_SHAPE,
            "The service broker, where several offer a plan of this name.",
        )
        .immutable("an instance stays with its offering"),
        Field::new(
            "parameters",
            "parameters",
            Shape::Object,
            "What the broker is told; it need not tell it again, so a difference cannot be seen.",
        )
        .compare(Compare::IfTold),
        Field::new(
            "tags",
            "tags",
            Shape::Texts { max_total: 2048 },
            "Tags that bound apps see, all together at most 2048 characters; their order does not matter.",
        )
        .compare(Compare::Set),
        Field::new("labels", "labels", Shape::Object, LABELS_DOC).compare(Compare::DeclaredKeys).only(&["v3"]),
        Field::new("annotations", "annotations", Shape::Object, ANNOTATIONS_DOC)
            .compare(Compare::DeclaredKeys)
            .only(&["v3"]),
        Field::new("upgrade", "maintenance_info", Shape::Boolean, "Whether to take up new versions of the plan.")
            .unsupported("this version upgrades no instance: use `cf upgrade-service`"),
        Field::new(
            "gateway_data",
            "gateway_data",
            Shape::Any,
            "For gateways of the v1 broker protocol; the servers of today accept and ignore it.",
        )
        .compare(Compare::IfTold)
        .only(&["v2"]),
    ],
    attributes: &[
        GUID,
        CREATED_AT,
        UPDATED_AT,
        Attribute::new("dashboard_url", "dashboard_url", "Where its dashboard is, if the broker has one."),
        Attribute::new("available_version", "maintenance_info", "The version of its plan that it can be upgraded to."),
    ],
};

/// What an instance is linked with, by what people call it.
struct Links {
    space: Link,
    plan: Option<Link>,
    broker: Option<Arc<str>>,
    /// The version of what new instances of its plan run on.
    version: Option<Arc<str>>,
}

impl ServiceInstance {
    /// In terms of collections.
    fn among(self, spaces: &Collection, plans: &Collection) -> Observed {
        let plan = self.plan.as_deref().and_then(|guid| plans.with_id(guid));
        let links = Links {
            space: space_link(&self.space, spaces),
            // A plan that cannot be seen keeps its id only.
            plan: self
                .plan
                .clone()
                .map(|guid| Link { name: plan.map(|plan| plan.identity.to_string().into()), id: Some(guid) }),
            broker: plan.and_then(|plan| plan.attributes.text("broker")).map(Arc::from),
            version: plan.and_then(|plan| plan.attributes.text("maintenance_version")).map(Arc::from),
        };
        self.observed(links)
    }

    /// In terms of what was declared, or of what it was before.
    fn like(self, fields: &Fields) -> Observed {
        let link = |name, id: &RemoteId| {
            let same = fields.link(name).filter(|link| link.id.as_ref() == Some(id)).cloned();
            same.unwrap_or_else(|| Link { name: None, id: Some(Arc::clone(id)) })
        };
        let plan = self.plan.as_ref().map(|guid| link("plan", guid));
        let known = plan.as_ref().is_some_and(|plan| plan.name.is_some());
        let links = Links {
            space: link("space", &self.space),
            plan,
            broker: fields.text("broker").filter(|_| known).map(Arc::from),
            version: None,
        };
        self.observed(links)
    }

    fn observed(self, links: Links) -> Observed {
        let Self {
            stamp,
            name,
            space: _,
            plan: _,
            tags,
            dashboard_url,
            maintenance_version,
            upgrade_available,
            metadata,
            last_operation,
        } = self;
        let Links { space, plan, broker, version } = links;
        // v2 does not say it in so many words (section 7.4).
        let outdated = upgrade_available.unwrap_or(version.is_some() && version != maintenance_version);
        let identity = Identity { parts: vec![("space", space.shown().into()), ("name", Arc::clone(&name))] };
        let fields = [
            ("space", Some(Value::Link(Box::new(space)))),
            ("name", Some(Value::Text(name))),
            ("plan", plan.map(|plan| Value::Link(Box::new(plan)))),
            ("broker", broker.map(Value::Text)),
            ("tags", Some(Value::List(tags.into_iter().map(Value::text).collect()))),
            ("upgrade", Some(Value::Bool(!outdated))),
        ];
        let metadata = metadata.into_iter().flat_map(Metadata::fields).map(|(name, value)| (name, Some(value)));
        let mut attributes = stamp.attributes();
        if let Some(url) = dashboard_url {
            attributes.set("dashboard_url", Value::Text(url));
        }
        if let Some(version) = version {
            attributes.set("available_version", Value::Text(version));
        }
        Observed {
            identity,
            id: stamp.guid,
            version: stamp.updated_at,
            fields: fields.into_iter().chain(metadata).filter_map(|(name, value)| Some((name, value?))).collect(),
            attributes,
            condition: condition(last_operation),
        }
    }
}

/// An instance whose update or delete failed is there as before; one whose create failed only occupies its name. States that
/// are not known are taken for work under way (reference, section 8.5).
pub(super) fn condition(last: Option<LastOperation>) -> Condition {
    let Some(LastOperation { operation, state, description }) = last else { return Condition::Ready };
    match (state.as_str(), operation.as_str()) {
        ("failed", "create") => Condition::Failed { operation: Operation::Create, description },
        ("succeeded" | "failed", _) => Condition::Ready,
        (_, operation) => Condition::InProgress {
            operation: match operation {
                "create" => Operation::Create,
                "delete" => Operation::Delete,
                _ => Operation::Update,
            },
            description,
        },
    }
}

impl Readable for ServiceInstance {
    type Provider = CloudFoundry;
    const SECTION: &'static Section = &SECTION;
    const AFTER: &'static [&'static str] = &["spaces", "service_plans"];
    /// They share the names of a space.
    const BESIDE: &'static [&'static str] = &["user_provided_service_instances"];

    /// Those in the spaces that are declared to hold one, not those that are shared into them; and those that somebody
    /// refers to.
    async fn observe(wanted: &Wanted<'_>, remote: Reader<'_, CloudFoundry>) -> Result<Vec<Observed>, RemoteError> {
        let none = Collection::default();
        let collection = |section| wanted.observed.get(section).copied().unwrap_or(&none);
        let (spaces, plans) = (collection("spaces"), collection("service_plans"));
        let meant = meant::spaces_of_instances(wanted.declared, spaces);
        let mut found = match api::within(remote.speaks, &meant) {
            Some(filters) => api::service_instances(&remote, &filters).await?,
            None => Vec::new(),
        };
        found.retain(|instance| meant.may_be(&instance.space));
        let listed: BTreeSet<RemoteId> = found.iter().map(|instance| Arc::clone(&instance.stamp.guid)).collect();
        let named: BTreeSet<&RemoteId> = wanted.references.iter().filter_map(|reference| reference.id()).collect();
        let missing: Vec<RemoteId> = named.into_iter().filter(|guid| !listed.contains(*guid)).cloned().collect();
        found.extend(api::managed_instances(&remote, &missing).await?);
        Ok(found.into_iter().map(|instance| instance.among(spaces, plans)).collect())
    }
}

impl Kind for ServiceInstance {
    /// By the space's id, where it is known: names of organizations and spaces may hold a `/` and ignore case, and then one
    /// string says too little.
    fn recognise<'c>(proposal: Proposal<'_>, collection: &'c Collection, _: &Facts) -> Vec<&'c Observed> {
        let name = own_name_of(proposal);
        match proposal.fields.link("space").and_then(|link| link.id.as_ref()) {
            Some(space) => collection.called(name).filter(|instance| space_of(instance) == Some(space)).collect(),
            None => collection.named(&proposal.identity.to_string(), false).collect(),
        }
    }

    fn check(check: Check<'_>) -> Vec<Diagnostic> {
        check::all(check)
    }

    async fn create(proposal: Proposal<'_>, remote: &Writer<'_, CloudFoundry>) -> Result<Observed, RemoteError> {
        let value = |field| proposal.fields.get(field).map(json);
        let new = NewInstance {
            space: linked_id(proposal, "space"),
            name: own_name_of(proposal),
            plan: linked_id(proposal, "plan"),
            gateway_data: value("gateway_data"),
            parameters: value("parameters"),
            tags: value("tags"),
            metadata: Metadata::declared(proposal.fields),
        };
        let created = api::create_service_instance(remote, new, &SECTION).await?;
        Ok(created.like(proposal.fields))
    }

    async fn look_up(
        proposal: Proposal<'_>,
        remote: Reader<'_, CloudFoundry>,
    ) -> Result<Option<Observed>, RemoteError> {
        let (name, space) = (own_name_of(proposal), linked_id(proposal, "space"));
        let filters = [Filter::Is(Key::Name, name.into()), Filter::Is(Key::Space, space.into())];
        let found = api::service_instances(&remote, &filters).await?;
        let this = found.into_iter().find(|instance| &*instance.name == name && &*instance.space == space);
        Ok(this.map(|instance| instance.like(proposal.fields)))
    }

    async fn poll(pending: &[&Observed], remote: Reader<'_, CloudFoundry>) -> Result<Vec<Observed>, RemoteError> {
        let before: BTreeMap<&RemoteId, &Observed> = pending.iter().map(|object| (&object.id, *object)).collect();
        let spaces = before.iter().map(|(guid, object)| (Arc::clone(guid), space_of(object).cloned())).collect();
        let mut now = api::service_instances_again(&remote, &spaces).await?;
        // A list that shifts while it is read may miss one: only the instance itself can say that it is gone.
        let listed: BTreeSet<RemoteId> = now.iter().map(|instance| Arc::clone(&instance.stamp.guid)).collect();
        let missing = before.keys().filter(|guid| !listed.contains(**guid));
        let read = missing.map(async |guid| match api::service_instance_of_guid(&remote, guid).await {
            Ok(instance) => Ok(Some(instance)),
            Err(error) if says_gone(&error) => Ok(None),
            Err(error) => Err(error),
        });
        now.extend(try_join_all(read).await?.into_iter().flatten());
        let known = |instance: Self| {
            Some(before.get(&instance.stamp.guid)?.fields.clone()).map(|fields| instance.like(&fields))
        };
        Ok(now.into_iter().filter_map(known).collect())
    }
}

/// The guid of an instance's space.
pub(super) fn space_of(instance: &Observed) -> Option<&RemoteId> {
    instance.fields.link("space")?.id.as_ref()
}

#[cfg(test)]
mod tests;
