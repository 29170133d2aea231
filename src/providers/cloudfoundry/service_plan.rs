//! Plans of service offerings: the marketplace. They can be referred to, not declared.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::api;
use super::error::says_gone;
use super::instances;
use super::meant::{self, Meant};
use super::{CREATED_AT, CloudFoundry, GUID, NAME, NAME_SHAPE, Stamp, UPDATED_AT};
use futures_util::future::try_join_all;

use crate::kind::{Failure, Readable, Reader, RemoteError, Wanted};
use crate::model::{
    Attribute, Condition, Fields, Identity, KeyPart, KeySource, Observed, Reference, RemoteId, Section, To, Value,
};

/// How many spaces are asked at most what can be used in them.
const MOST_SPACES: usize = 10;

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
    /// Whether the catalogue shows it; one that it hides from this user is known only by an instance.
    pub(super) listed: bool,
    /// Whether the broker still offers it.
    pub(super) active: bool,
    /// Whether it is visible to everybody.
    pub(super) public: Option<bool>,
    /// Whether it costs nothing.
    pub(super) free: Option<bool>,
    /// Whether an instance of it can change to another plan.
    pub(super) plan_updateable: Option<bool>,
    /// Whether an instance of it can have keys.
    pub(super) bindable: Option<bool>,
    /// Whether its broker tells the parameters of an instance.
    pub(super) instances_retrievable: Option<bool>,
    /// The version of what an instance of it runs on, if the broker counts them.
    pub(super) maintenance_version: Option<Arc<str>>,
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
        Attribute::new("listed", "listed", "Whether the catalogue shows it, and not only an instance that has it."),
        Attribute::new("active", "active", "Whether the broker still offers it."),
        Attribute::new("public", "public", "Whether every organization may use it."),
        Attribute::new("free", "free", "Whether it costs nothing."),
        Attribute::new("plan_updateable", "plan_updateable", "Whether its instances can change to another plan."),
        Attribute::new("bindable", "bindable", "Whether its instances can have keys."),
        Attribute::new("hidden_in", "hidden_in", "The spaces, of those it is declared in, where it cannot be used."),
        Attribute::new(
            "instances_retrievable",
            "instances_retrievable",
            "Whether its broker tells the parameters of an instance.",
        ),
        Attribute::new("schemas", "schemas", "JSON schemas of the parameters its broker takes."),
        Attribute::new("maintenance_version", "maintenance_info", "The version of what its instances run on."),
    ],
    example: "",
};

impl ServicePlan {
    fn observed(self) -> Observed {
        let Self {
            stamp,
            name,
            offering_name,
            offering,
            broker,
            listed,
            active,
            public,
            free,
            plan_updateable,
            bindable,
            instances_retrievable,
            maintenance_version,
            schemas,
        } = self;
        let mut attributes = stamp.attributes();
        let told = [
            ("broker", broker.map(Value::Text)),
            ("offering_guid", Some(Value::Text(Arc::clone(&offering)))),
            ("listed", Some(Value::Bool(listed))),
            ("active", Some(Value::Bool(active))),
            ("public", public.map(Value::Bool)),
            ("free", free.map(Value::Bool)),
            ("plan_updateable", plan_updateable.map(Value::Bool)),
            ("bindable", bindable.map(Value::Bool)),
            ("instances_retrievable", instances_retrievable.map(Value::Bool)),
            ("maintenance_version", maintenance_version.map(Value::Text)),
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

    const AFTER: &'static [&'static str] = &["spaces"];
    const PARTIAL: Option<&'static str> = Some("where plans are hidden");

    /// Not what its broker has withdrawn, nor what is hidden from this user.
    fn can_be_chosen(plan: &Observed) -> bool {
        ["active", "listed"].iter().all(|attribute| plan.attributes.get(attribute) != Some(&Value::Bool(false)))
    }

    /// The whole catalogue: it is short, and a misspelt name is told what it is near to. A plan that is not public may be
    /// listed because another organization has it; so the spaces in which such a plan is declared are asked too. And a plan
    /// that instances have may not be listed any more: then those instances tell what it is called.
    async fn observe(wanted: &Wanted<'_>, remote: Reader<'_, CloudFoundry>) -> Result<Vec<Observed>, RemoteError> {
        let mut plans = api::service_plans(&remote).await?;
        let listed: HashSet<RemoteId> = plans.iter().map(|plan| Arc::clone(&plan.stamp.guid)).collect();
        let of_instances = instances::plans(wanted, &remote).await;
        plans.extend(of_instances.into_iter().filter(|plan| !listed.contains(&plan.stamp.guid)));
        let mut plans: Vec<Observed> = plans.into_iter().map(Self::observed).collect();
        let spaces: Vec<RemoteId> = spaces_to_ask(wanted, &plans).await?.into_iter().collect();
        if spaces.len() > MOST_SPACES {
            return Ok(plans);
        }
        let asked = spaces.into_iter().map(async |space| match api::usable_in(&remote, &space).await {
            Ok(guids) => Ok(Some((space, guids))),
            // Not to be seen by this user, or gone: then nothing is known.
            Err(error) if error.failure == Failure::Forbidden || says_gone(&error) => Ok(None),
            Err(error) => Err(error),
        });
        let answered: Vec<_> = try_join_all(asked).await?.into_iter().flatten().collect();
        for plan in &mut plans {
            let usable = |(_, guids): &&(RemoteId, HashSet<String>)| {
                let offering = plan.attributes.text("offering_guid");
                guids.contains(&*plan.id) || offering.is_some_and(|offering| guids.contains(offering))
            };
            let hidden_in: Vec<Value> =
                answered.iter().filter(|one| !usable(one)).map(|(space, _)| Value::Text(Arc::clone(space))).collect();
            if !hidden_in.is_empty() {
                plan.attributes.set("hidden_in", Value::List(hidden_in));
            }
        }
        Ok(plans)
    }
}

/// The spaces in which a plan that is not public is declared.
async fn spaces_to_ask(wanted: &Wanted<'_>, plans: &[Observed]) -> Result<BTreeSet<RemoteId>, RemoteError> {
    let hidden = plans.iter().filter(|plan| plan.attributes.get("public") == Some(&Value::Bool(false)));
    let (ids, names): (HashSet<&str>, HashSet<String>) =
        hidden.map(|plan| (&*plan.id, plan.identity.to_string().to_lowercase())).unzip();
    let not_public = |reference: &Reference| match &reference.to {
        To::Id { id, .. } => ids.contains(&**id),
        To::Natural { name, .. } => names.contains(&name.to_lowercase()),
        To::Declared(_) => false,
    };
    if !wanted.references.iter().any(|reference| not_public(reference)) {
        return Ok(BTreeSet::new());
    }
    let spaces = wanted.observed.get("spaces").await?;
    let instances = wanted.declared.values().filter(|resource| {
        let plan = resource.fields.get("plan");
        matches!(plan, Some(Value::Reference(plan)) if not_public(plan))
    });
    Ok(match meant::spaces(instances.map(|instance| instance.fields.get("space")), wanted.declared, spaces) {
        Meant::These(spaces) => spaces.into_keys().collect(),
        Meant::Any => BTreeSet::new(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wiremock::matchers::path;
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::super::testing::{declare, declared, foundation, named, object, page, registry, session, spaces, to};
    use super::*;
    use crate::kind::{Others, Scope};

    /// `postgres/small`, which is not public, as seen when it is declared in `acme/production`.
    async fn small(server: &MockServer) -> Result<Observed, RemoteError> {
        let offering = object("o", json!({"label": "postgres", "service_broker_name": "b"}));
        let plan = object("p", json!({"name": "small", "service_guid": "o", "public": false}));
        for (list, resource) in [("/v2/services", offering), ("/v2/service_plans", plan)] {
            let answer = ResponseTemplate::new(200).set_body_json(page(&[resource]));
            Mock::given(path(list)).respond_with(answer).expect(1).mount(server).await;
        }
        let spaces = spaces();
        let observed = Others::from_iter([("spaces", &spaces)]);
        let all = declared([declare(
            "service_instances",
            "db",
            [("space", named("spaces", "acme/production")), ("plan", named("service_plans", "postgres/small"))],
        )]);
        let reference = to("service_plans", To::Natural { name: "postgres/small".into(), qualifier: None });
        let wanted =
            Wanted { resources: &[], references: &[&reference], observed, declared: &all, scope: Scope::Declared };
        let kind = Arc::clone(registry().kind("service_plans").unwrap());
        let found = kind.observe(&wanted, &*session(server).await).await?;
        Ok(found.with_id("p").unwrap().clone())
    }

    async fn hidden_in(answer: ResponseTemplate) -> Result<Option<Value>, RemoteError> {
        let server = foundation().await;
        Mock::given(path("/v2/spaces/s-1/services")).respond_with(answer).expect(1).mount(&server).await;
        Ok(small(&server).await?.attributes.get("hidden_in").cloned())
    }

    #[tokio::test]
    async fn a_space_tells_what_cannot_be_used_in_it() {
        let answer = |resources: &[_]| ResponseTemplate::new(200).set_body_json(page(resources));
        let hidden = Value::List(vec![Value::text("s-1")]);
        assert_eq!(hidden_in(answer(&[])).await.unwrap(), Some(hidden));
        assert_eq!(hidden_in(answer(&[object("o", json!({"label": "postgres"}))])).await.unwrap(), None);
    }

    #[tokio::test]
    async fn of_a_space_that_does_not_tell_nothing_is_known() {
        for (status, name, code) in [(403, "CF-NotAuthorized", 10003), (404, "CF-SpaceNotFound", 40004)] {
            let body = json!({"error_code": name, "code": code, "description": "no"});
            assert_eq!(hidden_in(ResponseTemplate::new(status).set_body_json(body)).await.unwrap(), None, "{name}");
        }
        assert!(hidden_in(ResponseTemplate::new(400)).await.is_err());
    }

    #[tokio::test]
    async fn a_plan_is_told_with_its_offering_and_broker() {
        let server = foundation().await;
        Mock::given(path("/v2/spaces/s-1/services")).respond_with(ResponseTemplate::new(403)).mount(&server).await;
        let plan = small(&server).await.unwrap();
        assert_eq!(plan.identity.to_string(), "postgres/small");
        assert_eq!(plan.attributes.text("broker"), Some("b"));
        assert_eq!(plan.attributes.get("active"), Some(&Value::Bool(true)), "servers that do not say list active ones");
    }
}
