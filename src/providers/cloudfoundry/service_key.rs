//! Service keys: credentials for an instance that no app is bound to.

mod check;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use futures_util::future::try_join_all;

use super::api::{self, Api, Filter, Gone, Key, NewKey};
use super::meant;
use super::metadata::Metadata;
use super::secrets;
use super::service_instance::{LastOperation, condition};
use super::{
    ANNOTATIONS_DOC, CREATED_AT, CloudFoundry, GUID, LABELS_DOC, NAME, NAME_SHAPE, Stamp, UPDATED_AT, json, linked_id,
    own_name_of,
};
use crate::kind::{
    Abilities, Check, Deletion, Kind, Modification, Proposal, Readable, Reader, RemoteError, Scope, Wanted, Writer,
};
use crate::model::{
    Attribute, Collection, Compare, Condition, Diagnostic, Facts, Field, Fields, Fingerprint, Identity, KeyPart,
    KeySource, Link, Observed, Operation, RemoteId, Section, Sensitive, Shape, Value,
};

/// A key, as either API tells it.
#[derive(Debug, Clone)]
pub struct ServiceKey {
    pub(super) stamp: Stamp,
    pub(super) name: Arc<str>,
    /// The guid of its instance.
    pub(super) instance: RemoteId,
    /// A mapping, hidden; `None` if it is not told or nobody asked.
    pub(super) credentials: Option<Value>,
    /// The mark of the parameters it was made with.
    pub(super) parameters: Option<Fingerprint>,
    /// `None` where the API has none.
    pub(super) metadata: Option<Metadata>,
    /// What was tried last; v2 tells only of what is done.
    pub(super) last_operation: Option<LastOperation>,
}

const INSTANCE_SHAPE: Shape = Shape::Reference { section: "service_instances", qualifier: None, with_slug: false };

static SECTION: Section = Section {
    name: "service_keys",
    singular: "service key",
    provider: NAME,
    doc: "Service keys: credentials for a service instance outside of any app, found by instance and name.",
    declarable: true,
    apis: &[],
    key: &[
        KeyPart { name: "service_instance", from: KeySource::Reference, shape: INSTANCE_SHAPE },
        KeyPart { name: "name", from: KeySource::FieldOrKey, shape: NAME_SHAPE },
    ],
    fold_case: false,
    fields: &[
        Field::new(
            "service_instance",
            "service_instance_guid",
            INSTANCE_SHAPE,
            "The managed instance: a declared key, `organization/space/instance` of one that exists, or `{ guid: … }`.",
        )
        .required()
        .immutable("a key stays with its instance"),
        Field::new("name", "name", NAME_SHAPE, "The name, unique for the instance; the key if not given.")
            .immutable("a key cannot be renamed"),
        Field::new(
            "parameters",
            "parameters",
            Shape::Object,
            "What the broker is told when the key is made; it need not tell it again, so a difference may not be seen.",
        )
        .compare(Compare::IfTold)
        .immutable("a key is made once: another one has to take its place"),
        Field::new("labels", "labels", Shape::Object, LABELS_DOC).compare(Compare::DeclaredKeys).only(&["v3"]),
        Field::new("annotations", "annotations", Shape::Object, ANNOTATIONS_DOC)
            .compare(Compare::DeclaredKeys)
            .only(&["v3"]),
    ],
    attributes: &[
        GUID,
        CREATED_AT,
        UPDATED_AT,
        Attribute::secret(
            "credentials",
            "credentials",
            "What gives access to the instance: a mapping, as the broker made it.",
        ),
    ],
    example: "\
service_keys:
  acme-reporting:
    service_instance: acme/production/acme-db
",
};

impl ServiceKey {
    /// In terms of a collection.
    fn among(self, instances: &Collection) -> Observed {
        let name = instances.with_id(&self.instance).map(|instance| instance.identity.to_string().into());
        self.observed(name)
    }

    /// In terms of what was declared, or of what it was before.
    fn like(self, fields: &Fields) -> Observed {
        let same = fields.link("service_instance").filter(|link| link.id.as_ref() == Some(&self.instance));
        let name = same.and_then(|link| link.name.clone());
        self.observed(name)
    }

    fn observed(self, instance_name: Option<Arc<str>>) -> Observed {
        let Self { stamp, name, instance, credentials, parameters, metadata, last_operation } = self;
        let link = Link { name: instance_name, id: Some(instance) };
        let mut attributes = stamp.attributes();
        if let Some(credentials) = credentials {
            attributes.set("credentials", Sensitive::wrap(credentials));
        }
        Observed {
            identity: Identity { parts: vec![("service_instance", link.shown().into()), ("name", Arc::clone(&name))] },
            id: stamp.guid,
            version: stamp.updated_at,
            fields: [("service_instance", Value::Link(Box::new(link))), ("name", Value::Text(name))]
                .into_iter()
                .chain(parameters.map(|mark| ("parameters", Value::Fingerprint(Box::new(mark)))))
                .chain(metadata.into_iter().flat_map(Metadata::fields))
                .collect(),
            attributes,
            condition: condition(last_operation),
        }
    }
}

/// The instances whose keys matter, of those that exist.
fn instances_meant(wanted: &Wanted<'_>, instances: &Collection, spaces: &Collection) -> BTreeSet<RemoteId> {
    let references = wanted.resources.iter().map(|key| key.fields.get("service_instance"));
    references.flat_map(|reference| meant::instances(reference, wanted.declared, instances, spaces)).collect()
}

/// The keys of these instances.
async fn of_instances(remote: &CloudFoundry, instances: BTreeSet<RemoteId>) -> Result<Vec<ServiceKey>, RemoteError> {
    let instances: Vec<RemoteId> = instances.into_iter().collect();
    let lists = api::in_lists(remote.speaks, Key::Instance, &instances);
    let read = lists.into_iter().map(async |list| api::service_keys(remote, &[list]).await);
    Ok(try_join_all(read).await?.into_iter().flatten().collect())
}

/// Whose credentials an expression reads: the guid of an instance and the name of a key.
fn credentials_meant(
    wanted: &Wanted<'_>,
    instances: &Collection,
    spaces: &Collection,
) -> HashSet<(RemoteId, Arc<str>)> {
    let read = secrets::read(wanted.declared, SECTION.name);
    let mut all = HashSet::new();
    for key in wanted.resources.iter().filter(|key| read.contains(&key.address)) {
        let name = key.identity.parts.last().map_or(&key.address.key, |(_, name)| name);
        let reference = key.fields.get("service_instance");
        let of = meant::instances(reference, wanted.declared, instances, spaces);
        all.extend(of.into_iter().map(|instance| (instance, Arc::clone(name))));
    }
    all
}

impl Readable for ServiceKey {
    type Provider = CloudFoundry;
    const SECTION: &'static Section = &SECTION;
    const AFTER: &'static [&'static str] = &["spaces", "service_plans", "service_instances"];

    /// All, or those of the instances that are declared to have one.
    async fn observe(wanted: &Wanted<'_>, remote: Reader<'_, CloudFoundry>) -> Result<Vec<Observed>, RemoteError> {
        let all = match wanted.scope {
            Scope::Whole => Some(api::service_keys(&remote, &[]).await?),
            Scope::Declared => None,
        };
        let (spaces, instances) =
            (wanted.observed.get("spaces").await?, wanted.observed.get("service_instances").await?);
        let found = match all {
            Some(all) => all,
            None => of_instances(&remote, instances_meant(wanted, instances, spaces)).await?,
        };
        let wanting = credentials_meant(wanted, instances, spaces);
        // What nobody needs cannot leak, and in v3 each costs a request.
        let told = found.into_iter().map(async |key| {
            if wanting.contains(&(Arc::clone(&key.instance), Arc::clone(&key.name))) {
                api::with_key_credentials(&remote, key).await
            } else {
                Ok(Self { credentials: None, ..key })
            }
        });
        Ok(try_join_all(told).await?.into_iter().map(|key| key.among(instances)).collect())
    }
}

impl Kind for ServiceKey {
    const DELETION: Deletion =
        Deletion { loses: Some("the credentials, for everybody who has them"), ..Deletion::PLAIN };

    /// By the instance's id, where it is known.
    fn recognise<'c>(proposal: Proposal<'_>, collection: &'c Collection, _: &Facts) -> Vec<&'c Observed> {
        let name = own_name_of(proposal);
        match proposal.fields.link("service_instance").and_then(|link| link.id.as_ref()) {
            Some(instance) => collection.called(name).filter(|key| instance_of(key) == Some(instance)).collect(),
            // Without its instance there is none.
            None => Vec::new(),
        }
    }

    fn check(check: Check<'_>) -> Vec<Diagnostic> {
        check::all(check)
    }

    async fn create(proposal: Proposal<'_>, remote: &Writer<'_, CloudFoundry>) -> Result<Observed, RemoteError> {
        let parameters = proposal.fields.get("parameters");
        let mut metadata = Metadata::declared(proposal.fields);
        metadata.mark_parameters(parameters);
        let new = NewKey {
            instance: linked_id(proposal, "service_instance"),
            name: own_name_of(proposal),
            parameters: parameters.map(json),
            metadata,
        };
        let created = api::create_service_key(remote, new, &SECTION).await?;
        Ok(created.like(proposal.fields))
    }

    /// Only labels and annotations, which v2 does not have.
    fn abilities(facts: &Facts) -> Abilities {
        let api = Api::of(facts);
        Abilities { update: api == Api::V3, delete: true, create_over_failed: api.creates_over_failed() }
    }

    async fn update(
        modification: Modification<'_>,
        remote: &Writer<'_, CloudFoundry>,
    ) -> Result<Observed, RemoteError> {
        let Modification { proposal, observed, .. } = modification;
        let metadata = Metadata::changed(&modification);
        let updated = api::update_service_key(remote, &observed.id, &metadata, &SECTION).await?;
        let mut now = updated.like(proposal.fields);
        if let Some(credentials) = observed.attributes.get("credentials") {
            now.attributes.set("credentials", credentials.clone());
        }
        Ok(now)
    }

    async fn delete(
        observed: &Observed,
        _: bool,
        remote: &Writer<'_, CloudFoundry>,
    ) -> Result<Option<Observed>, RemoteError> {
        Ok(match api::delete_service_key(remote, &observed.id, &SECTION).await? {
            Gone::Now => None,
            Gone::Later => Some(Observed {
                condition: Condition::InProgress { operation: Operation::Delete, description: None },
                ..observed.clone()
            }),
        })
    }

    async fn look_up(
        proposal: Proposal<'_>,
        remote: Reader<'_, CloudFoundry>,
    ) -> Result<Option<Observed>, RemoteError> {
        let (name, instance) = (own_name_of(proposal), linked_id(proposal, "service_instance"));
        let filters = [Filter::Is(Key::Name, name.into()), Filter::Is(Key::Instance, instance.into())];
        let found = api::service_keys(&remote, &filters).await?;
        let Some(this) = found.into_iter().find(|key| &*key.name == name && &*key.instance == instance) else {
            return Ok(None);
        };
        Ok(Some(api::with_key_credentials(&remote, this).await?.like(proposal.fields)))
    }

    /// By the lists of their instances, which every API has.
    async fn poll(pending: &[&Observed], remote: Reader<'_, CloudFoundry>) -> Result<Vec<Observed>, RemoteError> {
        let before: BTreeMap<&RemoteId, &Observed> = pending.iter().map(|key| (&key.id, *key)).collect();
        let of = pending.iter().filter_map(|key| instance_of(key)).cloned().collect();
        let now = of_instances(&remote, of).await?.into_iter();
        let now = now.filter_map(|key| Some((*before.get(&key.stamp.guid)?, key)));
        // A new key is there to be read: what it is for is asked once it is done.
        let told = now.map(async |(before, key)| {
            let key = api::with_key_credentials(&remote, key).await?;
            Ok(settled(before, key.like(&before.fields)))
        });
        try_join_all(told).await
    }
}

/// Until its job has been taken up, a key that is to be deleted tells of what was tried before.
fn settled(before: &Observed, now: Observed) -> Observed {
    match (&before.condition, &now.condition) {
        (Condition::InProgress { operation: Operation::Delete, .. }, Condition::Ready) => {
            Observed { condition: before.condition.clone(), ..now }
        }
        _ => now,
    }
}

/// The guid of a key's instance.
fn instance_of(key: &Observed) -> Option<&RemoteId> {
    key.fields.link("service_instance")?.id.as_ref()
}

#[cfg(test)]
mod tests;
