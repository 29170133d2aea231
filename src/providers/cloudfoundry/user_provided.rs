//! User-provided instances: credentials that a user wrote down, for what no broker knows.

mod check;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::try_join_all;

use super::api::{self, Filter, Key, UserProvidedContent};
use super::attachment;
use super::instances::{self, Candidates};
use super::metadata::Metadata;
use super::secrets;
use super::service_instance::space_of;
use super::{
    ANNOTATIONS_DOC, CREATED_AT, CloudFoundry, GUID, LABELS_DOC, NAME, NAME_SHAPE, SPACE_SHAPE, Stamp, UPDATED_AT,
    json, linked_id, own_name_of, space_link,
};
use crate::kind::{
    Abilities, Check, Deletion, Kind, Modification, Proposal, Readable, Reader, RemoteError, Tied, Wanted, Writer,
};
use crate::model::{
    Collection, Compare, Condition, Diagnostic, Facts, Field, Fields, Format, Identity, KeyPart, KeySource, Link, Map,
    Observed, RemoteId, Resource, Section, Segment, Shape, Value,
};

/// A user-provided instance, as either API tells it.
#[derive(Debug, Clone)]
pub struct UserProvided {
    pub(super) stamp: Stamp,
    pub(super) name: Arc<str>,
    /// The guid of its space.
    pub(super) space: RemoteId,
    /// A mapping, each value hidden; `None` if it is not told.
    pub(super) credentials: Option<Value>,
    /// Empty if there is none: v2 says so, v3 says null (reference, section 12).
    pub(super) syslog_drain_url: Arc<str>,
    /// Empty if there is none.
    pub(super) route_service_url: Arc<str>,
    pub(super) tags: Vec<String>,
    /// `None` where the API has none.
    pub(super) metadata: Option<Metadata>,
}

static ROUTE_SERVICE_URL: Format = Format {
    what: "the URL of a route service",
    pattern: r"^(https://[^\s/].*)?$",
    min: 0,
    max: 10_000,
    help: "it begins with `https://`; an empty one takes the route service away",
};

static SECTION: Section = Section {
    name: "user_provided_service_instances",
    singular: "user-provided service instance",
    provider: NAME,
    doc: "Instances that no broker knows, with credentials that are written down, found by space and name.",
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
        Field::new(
            "name",
            "name",
            NAME_SHAPE,
            "The name, unique in the space, managed instances included; the key if not given.",
        ),
        Field::new("credentials", "credentials", Shape::Object, "What bound apps are given, replaced as a whole.")
            .compare(Compare::WholeIfTold)
            .sensitive(),
        Field::new(
            "syslog_drain_url",
            "syslog_drain_url",
            Shape::Text { min: 0, max: 10_000 },
            "Where the logs of bound apps are sent; empty: nowhere.",
        ),
        Field::new(
            "route_service_url",
            "route_service_url",
            Shape::Format(&ROUTE_SERVICE_URL),
            "What requests to bound routes go through first, an `https://` URL; empty: nothing.",
        ),
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
    ],
    attributes: &[GUID, CREATED_AT, UPDATED_AT],
    example: "\
user_provided_service_instances:
  acme-mail:
    space: acme/production
    credentials: { host: smtp.example.com, port: 587 }
",
};

impl UserProvided {
    /// In terms of a collection.
    fn among(self, spaces: &Collection) -> Observed {
        let link = space_link(&self.space, spaces);
        self.observed(link)
    }

    /// In terms of what was declared.
    fn like(self, fields: &Fields) -> Observed {
        let same = fields.link("space").filter(|link| link.id.as_ref() == Some(&self.space)).cloned();
        let link = same.unwrap_or_else(|| Link { name: None, id: Some(Arc::clone(&self.space)) });
        self.observed(link)
    }

    fn observed(self, space: Link) -> Observed {
        let Self { stamp, name, space: _, credentials, syslog_drain_url, route_service_url, tags, metadata } = self;
        let fields = [
            ("credentials", credentials),
            ("syslog_drain_url", Some(Value::Text(syslog_drain_url))),
            ("route_service_url", Some(Value::Text(route_service_url))),
            ("tags", Some(Value::List(tags.into_iter().map(Value::text).collect()))),
        ];
        Observed {
            identity: Identity { parts: vec![("space", space.shown().into()), ("name", Arc::clone(&name))] },
            fields: [("space", Value::Link(Box::new(space))), ("name", Value::Text(name))]
                .into_iter()
                .chain(fields.into_iter().filter_map(|(name, value)| Some((name, value?))))
                .chain(metadata.into_iter().flat_map(Metadata::fields))
                .collect(),
            attributes: stamp.attributes(),
            id: stamp.guid,
            version: stamp.updated_at,
            condition: Condition::Ready,
        }
    }
}

/// Of which instances the credentials matter: those that are declared with some, and those that expressions read.
fn wanting<'w>(wanted: &'w Wanted<'_>, spaces: &Collection) -> Candidates<'w> {
    let read = secrets::read(wanted.declared, SECTION.name);
    let matters =
        |resource: &&Resource| resource.fields.get("credentials").is_some() || read.contains(&resource.address);
    Candidates::of(wanted.resources.iter().copied().filter(matters), wanted, spaces)
}

impl Readable for UserProvided {
    type Provider = CloudFoundry;
    const SECTION: &'static Section = &SECTION;
    const AFTER: &'static [&'static str] = &["spaces"];
    /// Managed ones, and those that other spaces share, have the names of a space too; bindings go with an instance.
    const BESIDE: &'static [&'static str] = &["service_instances", "service_bindings", "shared_service_instances"];
    const ALONG: &'static [&'static str] = &["service_bindings"];

    /// Those in the spaces in which instances of either kind are declared.
    async fn observe(wanted: &Wanted<'_>, remote: Reader<'_, CloudFoundry>) -> Result<Vec<Observed>, RemoteError> {
        let found = instances::user_provided(wanted, &remote).await?;
        let spaces = wanted.observed.get("spaces").await?;
        let wanting = wanting(wanted, spaces);
        // What nobody needs cannot leak, and in v3 each costs a request that is recorded.
        let told = found.into_iter().map(async |instance| {
            if wanting.has(&instance.name, &instance.space) {
                api::with_credentials(&remote, instance).await
            } else {
                Ok(Self { credentials: None, ..instance })
            }
        });
        Ok(try_join_all(told).await?.into_iter().map(|instance| instance.among(spaces)).collect())
    }
}

impl Kind for UserProvided {
    const DELETION: Deletion =
        Deletion { loses: Some("its credentials"), shares_names_with: &["service_instances"], ..Deletion::PLAIN };

    /// By the space's id, where it is known, as managed instances are.
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
        let content = UserProvidedContent {
            name: Some(own_name_of(proposal)),
            credentials: value("credentials"),
            syslog_drain_url: value("syslog_drain_url"),
            route_service_url: value("route_service_url"),
            tags: value("tags"),
            metadata: Metadata::declared(proposal.fields),
        };
        let created = api::create_user_provided(remote, linked_id(proposal, "space"), content, &SECTION).await?;
        // v3 does not tell them, and they are as they were sent.
        let told = created.credentials.is_some();
        Ok(with_sent(created.like(proposal.fields), proposal, !told))
    }

    fn abilities(_: &Facts) -> Abilities {
        Abilities { update: true, delete: true, create_over_failed: false }
    }

    async fn update(
        modification: Modification<'_>,
        remote: &Writer<'_, CloudFoundry>,
    ) -> Result<Observed, RemoteError> {
        let Modification { proposal, observed, changes: _ } = modification;
        let value = |field| proposal.fields.get(field).filter(|_| modification.changes(field)).map(json);
        let name = own_name_of(proposal);
        let content = UserProvidedContent {
            name: (observed.fields.text("name") != Some(name)).then_some(name),
            credentials: modification.changes("credentials").then(|| credentials(modification)).flatten(),
            syslog_drain_url: value("syslog_drain_url"),
            route_service_url: value("route_service_url"),
            tags: value("tags"),
            metadata: Metadata::changed(&modification),
        };
        let updated = api::update_user_provided(remote, &observed.id, content, &SECTION).await?;
        let told = updated.credentials.is_some();
        Ok(with_sent(updated.like(proposal.fields), proposal, !told && modification.changes("credentials")))
    }

    async fn delete(
        observed: &Observed,
        along: bool,
        remote: &Writer<'_, CloudFoundry>,
    ) -> Result<Option<Observed>, RemoteError> {
        api::delete_user_provided(remote, &observed.id, along, &SECTION).await?;
        Ok(None)
    }

    fn takes_along(observed: &Observed, collections: &BTreeMap<&'static str, Collection>, _: &Facts) -> Vec<Tied> {
        attachment::tied(observed, collections)
    }

    async fn look_up(
        proposal: Proposal<'_>,
        remote: Reader<'_, CloudFoundry>,
    ) -> Result<Option<Observed>, RemoteError> {
        let (name, space) = (own_name_of(proposal), linked_id(proposal, "space"));
        let filters = [Filter::Is(Key::Name, name.into()), Filter::Is(Key::Space, space.into())];
        let found = api::user_provided(&remote, &filters).await?;
        let this = found.into_iter().find(|instance| &*instance.name == name && &*instance.space == space);
        Ok(this.map(|instance| instance.like(proposal.fields)))
    }
}

/// With the credentials that were sent, for whoever reads them next.
fn with_sent(mut observed: Observed, proposal: Proposal<'_>, sent: bool) -> Observed {
    if let Some(credentials) = proposal.fields.get("credentials").filter(|_| sent) {
        observed.fields.set("credentials", credentials.clone());
    }
    observed
}

/// The credentials after a change of some: since they are replaced as a whole, those whose differences are ignored have to
/// be sent as they are.
fn credentials(modification: Modification<'_>) -> Option<serde_json::Value> {
    let declared = modification.proposal.fields.get("credentials")?;
    let (Value::Map(after), Some(before)) = (declared, modification.observed.fields.get("credentials")) else {
        return Some(json(declared));
    };
    let Some(before) = before.as_map() else { return Some(json(declared)) };
    let mut all: Map = before.clone();
    for path in modification.changes {
        match path.0.as_slice() {
            [Segment::Key(field), Segment::Key(key), ..] if **field == *"credentials" => match after.get(key) {
                Some(value) => drop(all.insert(Arc::clone(key), value.clone())),
                None => drop(all.shift_remove(key)),
            },
            [Segment::Key(field)] if **field == *"credentials" => return Some(json(declared)),
            _ => {}
        }
    }
    Some(json(&Value::Map(Box::new(all))))
}

#[cfg(test)]
mod tests;
