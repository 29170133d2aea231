//! The file: types that are written and read, and the way between them and a [`Snapshot`].

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::value::{from_json, to_json};
use crate::kind::{ErasedKind, Registry};
use crate::model::{
    Collection, Condition, FORMAT_VERSION, Facts, Fields, Identity, Observed, Operation, Snapshot, Value,
};

/// What `trueup snapshot` writes. Readers ignore keys they do not know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "trueup snapshot")]
pub struct Document {
    /// The version of this format. Another major one means another meaning.
    pub format_version: String,
    /// The version of trueup that took it.
    pub trueup: String,
    /// When it was taken, RFC 3339 in UTC.
    pub taken: String,
    /// The project's name.
    pub project: String,
    /// The environment chosen with `-e`.
    pub environment: Option<String>,
    /// What was declared of each resource then, as a digest, as in the `terms` of a plan. Some things are read only as far as
    /// what is declared asks for them.
    pub declared: BTreeMap<String, String>,
    /// The targets, by name.
    pub targets: BTreeMap<String, TargetDocument>,
}

/// A target and what it holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Target")]
pub struct TargetDocument {
    /// The provider, `kaiten` or `cloudfoundry`.
    pub provider: String,
    /// Where it is.
    pub url: String,
    /// The API version or dialect that answers: `core`, `seed`, `v2`, `v3`.
    pub api: String,
    /// The objects, by section, each in the order of their natural keys.
    pub collections: BTreeMap<String, Vec<ObjectDocument>>,
}

/// An object of a remote, in the terms in which it is declared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Object")]
pub struct ObjectDocument {
    /// What it is recognised by, outermost part first.
    pub identity: IndexMap<String, String>,
    /// The remote's id.
    pub id: String,
    /// What tells one state of it from the next, `updated_at` where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What can be declared, as it is. `{"$redacted": true}` is a value that is left out, `{"$link": …}` another object,
    /// `{"$map": …}` a mapping with keys that begin with `$`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub fields: IndexMap<String, Json>,
    /// What the remote adds.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub attributes: IndexMap<String, Json>,
    /// What it is in the middle of. Absent if it is at rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<ConditionDocument>,
}

/// What an object is in the middle of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Condition")]
pub struct ConditionDocument {
    /// How far that is.
    pub state: StateDocument,
    /// What.
    pub operation: OperationDocument,
    /// The remote's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// How far an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "State")]
pub enum StateDocument {
    /// The remote is at work on it.
    InProgress,
    /// It failed.
    Failed,
}

/// What a remote does with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Operation")]
pub enum OperationDocument {
    /// Creating it.
    Create,
    /// Changing it.
    Update,
    /// Deleting it.
    Delete,
}

/// What a snapshot is of.
#[derive(Debug, Clone)]
pub struct About {
    /// The project's name.
    pub project: Arc<str>,
    /// The environment chosen with `-e`.
    pub environment: Option<Arc<str>>,
    /// The digests of what is declared, by address.
    pub declared: BTreeMap<String, String>,
    /// When it was taken.
    pub taken: Timestamp,
}

impl Document {
    /// A snapshot as a document. It has been redacted.
    pub fn new(about: About, snapshot: &Snapshot) -> Self {
        let target = |(name, facts): (&Arc<str>, &Facts)| {
            let Facts { provider, url, api, read_only: _ } = facts;
            let collections = snapshot.collections.get(name).into_iter().flatten();
            let collections = collections
                .map(|(section, objects)| ((*section).to_owned(), objects.iter().map(ObjectDocument::new).collect()));
            let target = TargetDocument {
                provider: (*provider).to_owned(),
                url: url.to_string(),
                api: (*api).to_owned(),
                collections: collections.collect(),
            };
            (name.to_string(), target)
        };
        let About { project, environment, declared, taken } = about;
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            trueup: env!("CARGO_PKG_VERSION").to_owned(),
            taken: taken.to_string(),
            project: project.to_string(),
            environment: environment.as_deref().map(str::to_owned),
            declared,
            targets: snapshot.targets.iter().map(target).collect(),
        }
    }

    /// How many objects are in it.
    pub fn objects(&self) -> usize {
        self.targets.values().flat_map(|target| target.collections.values()).map(Vec::len).sum()
    }

    /// The snapshot. What this version does not know of is left out.
    ///
    /// # Errors
    ///
    /// What no version writes, in words that complete "it is not a snapshot: …".
    pub(super) fn restore(&self, registry: &Registry) -> Result<Snapshot, String> {
        let taken = self.taken.parse().map_err(|_| "`taken` is no point in time".to_owned())?;
        let mut snapshot = Snapshot { taken: Some(taken), ..Snapshot::default() };
        for (name, target) in &self.targets {
            let TargetDocument { provider, url, api, collections } = target;
            let Some(kind) = registry.kinds().find(|kind| kind.section().provider == *provider) else { continue };
            let Some(facts) = kind.can_be().into_iter().find(|facts| facts.api == *api) else {
                return Err(format!("the target `{name}` has the API `{api}`, and {provider} has none of that name"));
            };
            let mut restored = BTreeMap::new();
            for (section, objects) in collections {
                let Some(kind) = registry.kind(section) else { continue };
                let restore = |(at, object): (usize, &ObjectDocument)| {
                    object.restore(&**kind).map_err(|why| format!("object {at} of `{section}` at `{name}`: {why}"))
                };
                let objects = objects.iter().enumerate().map(restore).collect::<Result<Vec<_>, _>>()?;
                restored.insert(kind.section().name, Collection::new(objects, kind.section().fold_case));
            }
            let name: Arc<str> = name.as_str().into();
            snapshot.targets.insert(Arc::clone(&name), Facts { url: url.as_str().into(), ..facts });
            snapshot.collections.insert(name, restored);
        }
        Ok(snapshot)
    }
}

impl ObjectDocument {
    fn new(object: &Observed) -> Self {
        let Observed { identity, id, version, fields, attributes, condition } = object;
        let all = |fields: &Fields| fields.iter().map(|(name, value)| (name.to_owned(), to_json(value))).collect();
        Self {
            identity: identity.parts.iter().map(|(part, value)| ((*part).to_owned(), value.to_string())).collect(),
            id: id.to_string(),
            version: version.as_deref().map(str::to_owned),
            fields: all(fields),
            attributes: all(attributes),
            condition: ConditionDocument::new(condition),
        }
    }

    fn restore(&self, kind: &dyn ErasedKind) -> Result<Observed, String> {
        let Self { identity, id, version, fields, attributes, condition } = self;
        let section = kind.section();
        let parts = section.key.iter().map(|part| -> Result<(&'static str, Arc<str>), String> {
            let value = identity.get(part.name).ok_or_else(|| format!("its `identity` has no `{}`", part.name))?;
            Ok((part.name, value.as_str().into()))
        });
        let names = section.fields.iter().map(|field| field.name).chain(section.key.iter().map(|part| part.name));
        let notes = section.attributes.iter().map(|attribute| attribute.name).chain(kind.notes().iter().copied());
        Ok(Observed {
            identity: Identity { parts: parts.collect::<Result<_, _>>()? },
            id: id.as_str().into(),
            version: version.as_deref().map(Into::into),
            fields: named(fields, &names)?,
            attributes: named(attributes, &notes)?,
            condition: condition.as_ref().map_or(Condition::Ready, ConditionDocument::restore),
        })
    }
}

/// The values under these names; others mean nothing to this version.
fn named(
    values: &IndexMap<String, Json>,
    names: &(impl Iterator<Item = &'static str> + Clone),
) -> Result<Fields, String> {
    let known = values.iter().filter_map(|(name, json)| Some((names.clone().find(|known| **known == **name)?, json)));
    let read = |(name, json): (&'static str, &Json)| -> Result<(&'static str, Value), String> {
        Ok((name, from_json(json).map_err(|why| format!("`{name}`: {why}"))?))
    };
    known.map(read).collect()
}

impl ConditionDocument {
    fn new(condition: &Condition) -> Option<Self> {
        let (state, operation, description) = match condition {
            Condition::Ready => return None,
            Condition::InProgress { operation, description } => (StateDocument::InProgress, operation, description),
            Condition::Failed { operation, description } => (StateDocument::Failed, operation, description),
        };
        let operation = match operation {
            Operation::Create => OperationDocument::Create,
            Operation::Update => OperationDocument::Update,
            Operation::Delete => OperationDocument::Delete,
        };
        Some(Self { state, operation, description: description.as_deref().map(str::to_owned) })
    }

    fn restore(&self) -> Condition {
        let operation = match self.operation {
            OperationDocument::Create => Operation::Create,
            OperationDocument::Update => Operation::Update,
            OperationDocument::Delete => Operation::Delete,
        };
        let description = self.description.as_deref().map(Into::into);
        match self.state {
            StateDocument::InProgress => Condition::InProgress { operation, description },
            StateDocument::Failed => Condition::Failed { operation, description },
        }
    }
}
