use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde_json::{Value as Json, json};
use wiremock::matchers::{body_json_string, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::super::testing::*;
use super::*;
use crate::kind::{ErasedKind, Failure, Scope};
use crate::model::{Address, Code, Operation, Path, Resource, Template, TemplatePart};

fn kind() -> Arc<dyn ErasedKind> {
    Arc::clone(registry().kind("service_keys").unwrap())
}

fn entity(guid: &str, name: &str, instance: &str) -> Json {
    let credentials = json!({"password": "hush"});
    object(guid, json!({"name": name, "service_instance_guid": instance, "credentials": credentials}))
}

fn instance(guid: &str, space: (&str, &str), name: &str, plan: &str, condition: Condition) -> Observed {
    Observed {
        identity: Identity { parts: vec![("space", space.0.into()), ("name", name.into())] },
        id: guid.into(),
        version: None,
        fields: Fields::from_iter([
            ("space", link(space.0, space.1)),
            ("name", text(name)),
            ("plan", link("postgres/small", plan)),
        ]),
        attributes: Fields::default(),
        condition,
    }
}

fn plan(guid: &str, name: &str, bindable: bool) -> Observed {
    Observed {
        identity: Identity { parts: vec![("offering", "postgres".into()), ("name", name.into())] },
        id: guid.into(),
        version: None,
        fields: Fields::default(),
        attributes: Fields::from_iter([("broker", text("b")), ("bindable", Value::Bool(bindable))]),
        condition: Condition::Ready,
    }
}

/// `db` in two spaces, one whose plan cannot be bound, and what is left of one, and what is being worked on.
fn instances() -> Collection {
    let (production, staging) = (("acme/production", "s-1"), ("acme/staging", "s-2"));
    let failed = Condition::Failed { operation: Operation::Create, description: None };
    let busy = |operation| Condition::InProgress { operation, description: None };
    Collection::new(
        vec![
            instance("i-1", production, "db", "p-1", Condition::Ready),
            instance("i-2", staging, "db", "p-1", Condition::Ready),
            instance("i-3", production, "store", "p-2", Condition::Ready),
            instance("i-4", production, "broken", "p-1", failed),
            instance("i-5", production, "changing", "p-1", busy(Operation::Update)),
            instance("i-6", production, "going", "p-1", busy(Operation::Delete)),
        ],
        false,
    )
}

fn collections() -> BTreeMap<&'static str, Collection> {
    let plans = Collection::new(vec![plan("p-1", "small", true), plan("p-2", "large", false)], true);
    BTreeMap::from([("spaces", spaces()), ("service_plans", plans), ("service_instances", instances())])
}

fn db(space: &str) -> Resource {
    declare("service_instances", "db", [("space", named("spaces", space))])
}

fn key(name: &str, of: Value) -> Resource {
    declare("service_keys", name, [("service_instance", of)])
}

async fn observe(server: &MockServer, resources: &[Resource]) -> Collection {
    let collections = collections();
    let all = declared(resources.iter().cloned());
    let resources: Vec<&Resource> = resources.iter().filter(|one| one.address.section == "service_keys").collect();
    let observed = collections.iter().map(|(section, collection)| (*section, collection)).collect();
    let wanted = Wanted { resources: &resources, references: &[], observed, declared: &all, scope: Scope::Declared };
    kind().observe(&wanted, &*session(server).await).await.unwrap()
}

struct Proposed {
    address: Address,
    identity: Identity,
    fields: Fields,
}

impl Proposed {
    fn of(instance: &str) -> Self {
        Self {
            address: Address::new("service_keys", "ci"),
            identity: Identity {
                parts: vec![("service_instance", "acme/production/db".into()), ("name", "ci".into())],
            },
            fields: Fields::from_iter([("service_instance", link("acme/production/db", instance))]),
        }
    }

    fn proposal(&self) -> Proposal<'_> {
        Proposal { address: &self.address, identity: &self.identity, fields: &self.fields }
    }
}

#[tokio::test]
async fn the_keys_of_the_declared_instances_are_read_by_one_list() {
    let server = foundation().await;
    Mock::given(path("/v2/service_keys"))
        .and(query_param("q", "service_instance_guid IN i-1,i-2,i-9"))
        .respond_with(ResponseTemplate::new(200).set_body_json(page(&[
            entity("k-1", "ci", "i-1"),
            entity("k-2", "ci", "i-2"),
            entity("k-3", "ci", "i-9"),
        ])))
        .expect(1)
        .mount(&server)
        .await;
    let resources = [
        db("acme/production"),
        key("ci", of_key("service_instances", "db")),
        key("other", named("service_instances", "acme/staging/db")),
        key("guid", of_guid("service_instances", "i-9")),
    ];
    let found = observe(&server, &resources).await;
    let identities: Vec<_> = found.iter().map(|one| one.identity.to_string()).collect();
    assert_eq!(identities, ["acme/production/db/ci", "acme/staging/db/ci", "i-9/ci"]);
    assert_eq!(found.with_id("k-1").unwrap().fields.get("service_instance"), Some(&link("acme/production/db", "i-1")));
    assert!(found.iter().all(|one| one.attributes.get("credentials").is_none()), "nobody reads them");
}

#[tokio::test]
async fn nothing_is_asked_about_an_instance_that_is_still_to_be_created() {
    let server = foundation().await;
    let new = declare("service_instances", "new", [("space", named("spaces", "acme/production"))]);
    assert!(observe(&server, &[new, key("ci", of_key("service_instances", "new"))]).await.is_empty());
    let asked = server.received_requests().await.unwrap();
    assert!(asked.iter().all(|request| request.url.path() == "/"));
}

#[tokio::test]
async fn credentials_that_an_expression_reads_are_kept_and_hidden() {
    let server = foundation().await;
    Mock::given(path("/v2/service_keys"))
        .respond_with(ResponseTemplate::new(200).set_body_json(page(&[
            entity("k-1", "ci", "i-1"),
            entity("k-2", "other", "i-1"),
            entity("k-3", "ci", "i-2"),
        ])))
        .mount(&server)
        .await;
    let part = TemplatePart::Field {
        address: Address::new("service_keys", "ci"),
        path: Path::parse("credentials.password").unwrap(),
    };
    let reads = Value::Template(Box::new(Template { parts: vec![part], sensitive: false, redacted: false }));
    let resources = [
        db("acme/production"),
        key("ci", of_key("service_instances", "db")),
        key("other", of_key("service_instances", "db")),
        declare("instances", "app", [("metadata", reads)]),
    ];
    let found = observe(&server, &resources).await;
    let kept: Vec<_> = found.iter().filter(|one| one.attributes.get("credentials").is_some()).collect();
    assert_eq!(kept.iter().map(|one| &*one.id).collect::<Vec<_>>(), ["k-1"]);
    let Some(Value::Sensitive(secret)) = kept[0].attributes.get("credentials") else { panic!("hidden") };
    assert!(matches!(secret.expose().as_map().unwrap()["password"], Value::Sensitive(_)));
    assert!(!format!("{found:?}").contains("hush"));
}

#[tokio::test]
async fn a_key_is_created_with_its_credentials_found_again_and_deleted() {
    let server = foundation().await;
    Mock::given(method("POST"))
        .and(path("/v2/service_keys"))
        .and(body_json_string(r#"{"service_instance_guid":"i-1","name":"ci","parameters":{"role":"reader"}}"#))
        .respond_with(ResponseTemplate::new(201).set_body_json(entity("k-1", "ci", "i-1")))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(path("/v2/service_keys"))
        .and(query_param("q", "name:ci"))
        .and(query_param("q", "service_instance_guid:i-1"))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(page(&[entity("k-0", "CI", "i-1"), entity("k-1", "ci", "i-1")])),
        )
        .expect(1)
        .mount(&server)
        .await;
    let gone = json!({"error_code": "CF-ServiceKeyNotFound", "code": 360_003, "description": "gone"});
    Mock::given(method("DELETE"))
        .and(path("/v2/service_keys/k-1"))
        .respond_with(ResponseTemplate::new(404).set_body_json(gone))
        .expect(1)
        .mount(&server)
        .await;
    let mut proposed = Proposed::of("i-1");
    proposed.fields.set("parameters", Value::Map(Box::new([("role".into(), text("reader"))].into())));
    let (session, kind) = (session(&server).await, kind());
    let kind = kind.declared().unwrap();
    let created = kind.create(proposed.proposal(), &*session).await.unwrap();
    assert_eq!((&*created.id, &created.identity), ("k-1", &proposed.identity));
    assert!(matches!(created.attributes.get("credentials"), Some(Value::Sensitive(_))));
    let found = kind.look_up(proposed.proposal(), &*session).await.unwrap().unwrap();
    assert_eq!(&*found.id, "k-1");
    assert_eq!(kind.recognise(proposed.proposal(), &Collection::new(vec![found], false), &facts("v2")).len(), 1);
    assert!(kind.delete(&created, false, &*session).await.unwrap().is_none());
}

#[tokio::test]
async fn what_is_refused_is_about_a_field() {
    for (name, code, failure, field) in [
        ("CF-ServiceKeyNameTaken", 360_001, Failure::Conflict, Some("name")),
        ("CF-ServiceKeyNotSupported", 360_004, Failure::Refused, Some("service_instance")),
        ("CF-AsyncServiceInstanceOperationInProgress", 60016, Failure::Conflict, None),
    ] {
        let server = foundation().await;
        let body = json!({"error_code": name, "code": code, "description": "no"});
        Mock::given(method("POST")).respond_with(ResponseTemplate::new(400).set_body_json(body)).mount(&server).await;
        let proposed = Proposed::of("i-1");
        let session = session(&server).await;
        let error = kind().declared().unwrap().create(proposed.proposal(), &*session).await.unwrap_err();
        assert_eq!(error.failure, failure, "{name}");
        assert_eq!(error.fields.first().map(|one| one.path.to_string()).as_deref(), field, "{name}");
    }
}

fn facts(api: &'static str) -> Facts {
    Facts { provider: NAME, url: "x".into(), api, read_only: None }
}

fn checked(resource: &Resource, fields: &Fields, others: &[Resource]) -> Vec<(Code, String)> {
    let identity = Identity::single("name", "ci");
    let found = kind().declared().unwrap().check(Check {
        resource,
        proposal: Proposal { address: &resource.address, identity: &identity, fields },
        observed: None,
        collections: &collections(),
        facts: &facts("v2"),
        declared: &others.iter().map(|one| (one.address.clone(), one.clone())).collect::<IndexMap<_, _>>(),
    });
    found
        .into_iter()
        .map(|one| {
            assert!(one.span().is_some() && one.address.is_some());
            (one.code, one.message)
        })
        .collect()
}

#[test]
fn a_key_of_what_cannot_have_one_is_told() {
    let told = |guid| checked(&key("ci", of_guid("service_instances", guid)), &Proposed::of(guid).fields, &[]);
    assert_eq!(told("i-1"), []);
    for (guid, code, message) in [
        ("i-3", Code::PlanUnavailable, "instances of the plan `postgres/large` have no keys"),
        ("i-4", Code::ReferenceNotFound, "the service instance `acme/production/broken` could not be created"),
        ("u-1", Code::ReferenceNotFound, "no managed service instance with the guid `u-1`"),
    ] {
        assert_eq!(told(guid), [(code, message.to_owned())], "{guid}");
    }
    for (guid, code, message) in [
        ("i-5", Code::StillRunning, "the remote is still at work on `acme/production/changing`: its update goes on"),
        ("i-6", Code::ReferenceNotFound, "`acme/production/going` is being deleted"),
    ] {
        assert_eq!(told(guid), [(code, message.to_owned())], "{guid}");
    }
    let mut tombstone = key("ci", of_guid("service_instances", "i-3"));
    tombstone.lifecycle.absent = Some(span());
    assert_eq!(checked(&tombstone, &Proposed::of("i-3").fields, &[]), []);
}

#[test]
fn a_key_of_an_instance_that_is_still_to_be_created_is_checked_by_the_declared_plan() {
    let unborn = Value::Link(Box::new(Link { name: Some("acme/production/new".into()), id: None }));
    let fields = Fields::from_iter([("service_instance", unborn)]);
    let codes = |plan: Value| {
        let new = declare("service_instances", "new", [("plan", plan)]);
        let key = key("ci", of_key("service_instances", "new"));
        checked(&key, &fields, &[new]).into_iter().map(|(code, _)| code).collect::<Vec<_>>()
    };
    assert_eq!(codes(named("service_plans", "postgres/small")), []);
    assert_eq!(codes(named("service_plans", "Postgres/Large")), [Code::PlanUnavailable]);
    assert_eq!(codes(of_guid("service_plans", "p-2")), [Code::PlanUnavailable]);
    assert_eq!(codes(named("service_plans", "nobody/knows")), []);
}

#[test]
fn nothing_about_a_key_can_be_changed() {
    let abilities = kind().declared().unwrap().abilities(&facts("v2"));
    assert_eq!(abilities, Abilities { update: false, delete: true, create_over_failed: false });
    for field in ["service_instance", "name", "parameters"] {
        assert_ne!(SECTION.field(field).unwrap().change, crate::model::ChangeRule::InPlace, "{field}");
    }
}
