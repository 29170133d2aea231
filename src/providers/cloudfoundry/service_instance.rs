//! Managed service instances.

mod check;
mod parameters;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::try_join_all;

use super::api::{self, Api, Begun, Deleted, Filter, InstanceChange, Job, Key, NewInstance, Updated};
use super::attachment;
use super::error::says_gone;
use super::instances;
use super::metadata::Metadata;
use super::{
    ANNOTATIONS_DOC, CREATED_AT, CloudFoundry, GUID, LABELS_DOC, NAME, NAME_SHAPE, SPACE_SHAPE, Stamp, UPDATED_AT,
    json, linked_id, own_name_of, space_link,
};
use crate::kind::{
    Abilities, Check, Deletion, Kind, Modification, Proposal, Readable, Reader, RemoteError, Tied, Wanted, Writer,
};
use crate::model::{
    Attribute, Collection, Compare, Condition, Diagnostic, Facts, Field, Fields, Follows, Identity, KeyPart, KeySource,
    Link, Observed, Operation, RemoteId, Section, Shape, Value,
};

pub(super) use check::is_freed;

/// Where a polled instance keeps the guid of its job.
const JOB: &str = "job";

const AVAILABLE_VERSION: &str = "available_version";

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
            "What the broker is told. Where it does not tell it again, v3 compares it by a fingerprint in an annotation; in v2 a \
             difference cannot be seen.",
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
        Field::new(
            "upgrade",
            "maintenance_info",
            Shape::Boolean,
            "Whether to upgrade it as soon as its plan has a new version; `false` leaves it as it is.",
        )
        .compare(Compare::IfTrue),
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
        // The broker may tell another one whenever it is asked to change something (section 9).
        Attribute::new("dashboard_url", "dashboard_url", "Where its dashboard is, if the broker has one.")
            .follows(Follows::Fields(&["name", "plan", "parameters", "upgrade"])),
        Attribute::new(AVAILABLE_VERSION, "maintenance_info", "The version of its plan that it can be upgraded to.")
            .follows(Follows::Fields(&["plan"])),
    ],
    example: "\
service_instances:
  acme-db:
    space: acme/production
    plan: postgres/small
    tags: [acme]
",
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

    /// In terms of what was declared, or of what it was before: whichever knows what it is linked with.
    fn like(self, sides: &[&Fields]) -> Observed {
        let link = |name, id: &RemoteId| {
            let all = sides.iter().filter_map(|fields| fields.link(name));
            let same = all.filter(|link| link.id.as_ref() == Some(id)).max_by_key(|link| link.name.is_some()).cloned();
            same.unwrap_or_else(|| Link { name: None, id: Some(Arc::clone(id)) })
        };
        let plan = self.plan.as_ref().map(|guid| link("plan", guid));
        let known = plan.as_ref().is_some_and(|plan| plan.name.is_some());
        let links = Links {
            space: link("space", &self.space),
            plan,
            broker: sides.iter().find_map(|fields| fields.text("broker")).filter(|_| known).map(Arc::from),
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
            mut metadata,
            last_operation,
        } = self;
        let mark = metadata.as_mut().and_then(Metadata::take_mark);
        let Links { space, plan, broker, version } = links;
        // v2 does not say it in so many words (section 7.4).
        let outdated = upgrade_available.unwrap_or(version.is_some() && version != maintenance_version);
        let identity = Identity { parts: vec![("space", space.shown().into()), ("name", Arc::clone(&name))] };
        let fields = [
            ("space", Some(Value::Link(Box::new(space)))),
            ("name", Some(Value::Text(name))),
            ("plan", plan.map(|plan| Value::Link(Box::new(plan)))),
            ("broker", broker.map(Value::Text)),
            ("parameters", mark.map(|mark| Value::Fingerprint(Box::new(mark)))),
            ("tags", Some(Value::List(tags.into_iter().map(Value::text).collect()))),
            ("upgrade", Some(Value::Bool(!outdated))),
        ];
        let metadata = metadata.into_iter().flat_map(Metadata::fields).map(|(name, value)| (name, Some(value)));
        let mut attributes = stamp.attributes();
        if let Some(url) = dashboard_url {
            attributes.set("dashboard_url", Value::Text(url));
        }
        if let Some(version) = version {
            attributes.set(AVAILABLE_VERSION, Value::Text(version));
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

/// States that are not known are taken for work under way (reference, section 8.5).
pub(super) fn condition(last: Option<LastOperation>) -> Condition {
    let Some(LastOperation { operation, state, description }) = last else { return Condition::Ready };
    match (state.as_str(), operation.as_str()) {
        ("succeeded", _) => Condition::Ready,
        ("failed", operation) => Condition::Failed { operation: operation_of(operation), description },
        (_, operation) => Condition::InProgress { operation: operation_of(operation), description },
    }
}

fn operation_of(word: &str) -> Operation {
    match word {
        "create" => Operation::Create,
        "delete" => Operation::Delete,
        _ => Operation::Update,
    }
}

impl Readable for ServiceInstance {
    type Provider = CloudFoundry;
    const SECTION: &'static Section = &SECTION;
    const AFTER: &'static [&'static str] = &["spaces", "service_plans"];
    /// User-provided ones, and those that other spaces share, have the names of a space too; bindings go with an instance;
    /// quotas limit how many there may be.
    const BESIDE: &'static [&'static str] =
        &["user_provided_service_instances", "shared_service_instances", "service_bindings", "quotas"];
    const ALONG: &'static [&'static str] = &["service_bindings"];

    /// Those in the spaces that are declared to hold one, not those that are shared into them; and those that somebody
    /// refers to.
    async fn observe(wanted: &Wanted<'_>, remote: Reader<'_, CloudFoundry>) -> Result<Vec<Observed>, RemoteError> {
        let mut found = instances::managed(wanted, &remote).await?;
        let listed: BTreeSet<RemoteId> = found.iter().map(|instance| Arc::clone(&instance.stamp.guid)).collect();
        let named: BTreeSet<&RemoteId> = wanted.references.iter().filter_map(|reference| reference.id()).collect();
        let missing: Vec<RemoteId> = named.into_iter().filter(|guid| !listed.contains(*guid)).cloned().collect();
        found.extend(api::managed_instances(&remote, &missing).await?);
        let (spaces, plans) = (wanted.observed.get("spaces").await?, wanted.observed.get("service_plans").await?);
        let mut found: Vec<Observed> = found.into_iter().map(|instance| instance.among(spaces, plans)).collect();
        parameters::ask(&mut found, wanted, spaces, plans, &remote).await?;
        Ok(found)
    }
}

impl Kind for ServiceInstance {
    const DELETION: Deletion = Deletion {
        loses: Some("all its data"),
        shares_names_with: &["user_provided_service_instances"],
        ..Deletion::PLAIN
    };

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

    fn check_together(created: &[Check<'_>]) -> Vec<Diagnostic> {
        check::together(created)
    }

    async fn create(proposal: Proposal<'_>, remote: &Writer<'_, CloudFoundry>) -> Result<Observed, RemoteError> {
        let value = |field| proposal.fields.get(field).map(json);
        let mut metadata = Metadata::declared(proposal.fields);
        metadata.mark_parameters(proposal.fields.get("parameters"));
        let new = NewInstance {
            space: linked_id(proposal, "space"),
            name: own_name_of(proposal),
            plan: linked_id(proposal, "plan"),
            gateway_data: value("gateway_data"),
            parameters: value("parameters"),
            tags: value("tags"),
            metadata,
        };
        let created = api::create_service_instance(remote, new, &SECTION).await?;
        Ok(created.like(&[proposal.fields]))
    }

    async fn look_up(
        proposal: Proposal<'_>,
        remote: Reader<'_, CloudFoundry>,
    ) -> Result<Option<Observed>, RemoteError> {
        let (name, space) = (own_name_of(proposal), linked_id(proposal, "space"));
        let filters = [Filter::Is(Key::Name, name.into()), Filter::Is(Key::Space, space.into())];
        let found = api::service_instances(&remote, &filters).await?;
        let this = found.into_iter().find(|instance| &*instance.name == name && &*instance.space == space);
        Ok(this.map(|instance| instance.like(&[proposal.fields])))
    }

    fn abilities(facts: &Facts) -> Abilities {
        Abilities { update: true, delete: true, create_over_failed: Api::of(facts).creates_over_failed() }
    }

    fn takes_along(observed: &Observed, collections: &BTreeMap<&'static str, Collection>, _: &Facts) -> Vec<Tied> {
        attachment::tied(observed, collections)
    }

    async fn update(
        modification: Modification<'_>,
        remote: &Writer<'_, CloudFoundry>,
    ) -> Result<Observed, RemoteError> {
        let Modification { proposal, observed, .. } = modification;
        let value = |field| proposal.fields.get(field).filter(|_| modification.changes(field));
        let plan = modification.changes("plan").then(|| linked_id(proposal, "plan"));
        let upgrade = plan.is_none() && value("upgrade") == Some(&Value::Bool(true));
        let mut metadata = Metadata::changed(&modification);
        // Stored with the parameters, once the broker has taken them.
        metadata.mark_parameters(value("parameters"));
        let change = InstanceChange {
            name: modification.changes("name").then(|| own_name_of(proposal)),
            plan,
            parameters: value("parameters").map(json),
            tags: value("tags").map(json),
            // An instance gets the version of its plan when it changes to it.
            maintenance: observed.attributes.text(AVAILABLE_VERSION).filter(|_| upgrade),
            metadata,
        };
        match api::update_service_instance(remote, &observed.id, change, &SECTION).await? {
            Updated::Done(instance) => {
                let now = keeping_version(instance.like(&[proposal.fields, &observed.fields]), observed);
                // Whatever was tried before: labels alone leave its traces.
                Ok(Observed { condition: Condition::Ready, ..now })
            }
            Updated::Begun(begun) => {
                let mut now = at_work(observed, Operation::Update, begun);
                for field in ["plan", "broker"] {
                    if let Some(value) = proposal.fields.get(field) {
                        now.fields.set(field, value.clone());
                    }
                }
                Ok(now)
            }
        }
    }

    async fn delete(
        observed: &Observed,
        along: bool,
        remote: &Writer<'_, CloudFoundry>,
    ) -> Result<Option<Observed>, RemoteError> {
        Ok(match api::delete_service_instance(remote, &observed.id, along, &SECTION).await? {
            Deleted::Gone => None,
            Deleted::Begun(begun) => Some(at_work(observed, Operation::Delete, begun)),
        })
    }

    async fn poll(pending: &[&Observed], remote: Reader<'_, CloudFoundry>) -> Result<Vec<Observed>, RemoteError> {
        let before: BTreeMap<&RemoteId, &Observed> = pending.iter().map(|object| (&object.id, *object)).collect();
        let spaces = before.iter().map(|(guid, object)| (Arc::clone(guid), space_of(object).cloned())).collect();
        let mut now = api::service_instances_again(&remote, &spaces).await?;
        // A list that shifts while it is read may miss one: only the instance itself can say that it is gone.
        let listed: BTreeSet<RemoteId> = now.iter().map(|instance| Arc::clone(&instance.stamp.guid)).collect();
        let missing = before.keys().filter(|guid| !listed.contains(**guid));
        let read = missing.map(async |guid| again(&remote, guid).await);
        now.extend(try_join_all(read).await?.into_iter().flatten());
        let known = now.into_iter().filter_map(|instance| Some((*before.get(&instance.stamp.guid)?, instance)));
        let settled = known.map(async |(before, instance)| settle(before, instance, &remote).await);
        Ok(try_join_all(settled).await?.into_iter().flatten().collect())
    }
}

/// One instance as it is now; `None` if it is gone.
async fn again(remote: &CloudFoundry, guid: &str) -> Result<Option<ServiceInstance>, RemoteError> {
    match api::service_instance_of_guid(remote, guid).await {
        Ok(instance) => Ok(Some(instance)),
        Err(error) if says_gone(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// An instance on which work has begun. The job that tells how it goes is kept, where there is one.
fn at_work(observed: &Observed, operation: Operation, begun: Begun) -> Observed {
    let mut now = observed.clone();
    now.condition = Condition::InProgress { operation, description: None };
    if let Some(job) = begun.job {
        now.attributes.set(JOB, Value::Text(job));
    }
    now
}

/// The version of its plan is not told by the instance itself, and stays the same as long as the plan does.
fn keeping_version(mut now: Observed, before: &Observed) -> Observed {
    let plan = |observed: &Observed| observed.fields.link("plan").and_then(|plan| plan.id.clone());
    if let Some(version) = before.attributes.get(AVAILABLE_VERSION).filter(|_| plan(&now) == plan(before)) {
        now.attributes.set(AVAILABLE_VERSION, version.clone());
    }
    now
}

/// What a polled instance has come to. Until its job has been taken up, an instance tells of what was tried before; so one
/// that looks finished is believed only when its job is.
async fn settle(
    before: &Observed,
    instance: ServiceInstance,
    remote: &CloudFoundry,
) -> Result<Option<Observed>, RemoteError> {
    let now = keeping_version(instance.like(&[&before.fields]), before);
    let job = before.attributes.text(JOB);
    // What it is linked with changes at the end; until then, what that is called must not be forgotten.
    let still = |condition: Condition| {
        let mut now = Observed { condition, fields: before.fields.clone(), ..now.clone() };
        if let Some(job) = job {
            now.attributes.set(JOB, Value::text(job));
        }
        now
    };
    if matches!(now.condition, Condition::InProgress { .. }) {
        return Ok(Some(still(now.condition.clone())));
    }
    let (Some(job), Condition::InProgress { operation, .. }) = (job, &before.condition) else {
        return Ok(Some(now));
    };
    let words = match api::job(remote, job).await? {
        Job::Running => {
            return Ok(Some(still(Condition::InProgress { operation: *operation, description: None })));
        }
        Job::Done => None,
        Job::Failed(words) => Some(words),
    };
    // It was read before its job was done.
    let Some(instance) = again(remote, &now.id).await? else { return Ok(None) };
    let mut now = keeping_version(instance.like(&[&before.fields]), before);
    if let Some(words) = words {
        let told = match now.condition {
            Condition::Failed { description, .. } => description,
            _ => None,
        };
        now.condition = Condition::Failed { operation: *operation, description: told.or(words) };
    }
    Ok(Some(now))
}

/// The guid of an instance's space.
pub(super) fn space_of(instance: &Observed) -> Option<&RemoteId> {
    instance.fields.link("space")?.id.as_ref()
}

#[cfg(test)]
mod tests;
