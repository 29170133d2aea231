use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde_json::{Value as Json, json};
use wiremock::matchers::{body_json_string, body_string, method, path, query_param, query_param_contains};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::super::testing::*;
use super::*;
use crate::kind::{ErasedKind, Failure, Others, Scope, Session};
use crate::model::{Address, Code, Resource, Sensitive, Severity};

mod attached;
mod changes;
mod quotas;
mod shared;

fn kind() -> Arc<dyn ErasedKind> {
    Arc::clone(registry().kind("service_instances").unwrap())
}

fn entity(name: &str, space: &str, operation: &str, state: &str) -> Json {
    json!({
        "name": name, "credentials": {"password": "hush"}, "service_plan_guid": "p-1", "space_guid": space,
        "dashboard_url": "https://dashboard.x", "tags": ["b", "a"],
        "last_operation": {"type": operation, "state": state, "description": "words"},
    })
}

fn instance(guid: &str, name: &str, space: &str) -> Json {
    object(guid, entity(name, space, "create", "succeeded"))
}

fn plan(guid: &str, offering: &str, name: &str, attributes: &[(&'static str, Value)]) -> Observed {
    let mut all =
        Fields::from_iter([("guid", text(guid)), ("offering_guid", text(offering)), ("broker", text("brokerage"))]);
    for (name, value) in attributes {
        all.set(name, value.clone());
    }
    Observed {
        identity: Identity { parts: vec![("offering", "postgres".into()), ("name", name.into())] },
        id: guid.into(),
        version: None,
        fields: Fields::default(),
        attributes: all,
        condition: Condition::Ready,
    }
}

fn plans() -> Collection {
    let updateable = |yes| ("plan_updateable", Value::Bool(yes));
    Collection::new(
        vec![
            plan("p-1", "o-1", "small", &[("active", Value::Bool(true)), updateable(true)]),
            plan("p-2", "o-1", "large", &[("active", Value::Bool(true)), updateable(false)]),
            plan("p-3", "o-1", "old", &[("active", Value::Bool(false))]),
            plan("p-4", "o-2", "other", &[("active", Value::Bool(true))]),
        ],
        true,
    )
}

fn collections() -> BTreeMap<&'static str, Collection> {
    BTreeMap::from([("spaces", spaces()), ("service_plans", plans())])
}

fn db(space: Value) -> Resource {
    declare("service_instances", "db", [("space", space), ("plan", named("service_plans", "postgres/small"))])
}

async fn observe(session: &dyn Session, resources: &[Resource]) -> Result<Collection, RemoteError> {
    let collections = collections();
    let all = declared(resources.iter().cloned());
    let resources: Vec<&Resource> = resources.iter().collect();
    let observed = collections.iter().map(|(section, collection)| (*section, collection)).collect();
    let wanted = Wanted { resources: &resources, references: &[], observed, declared: &all, scope: Scope::Declared };
    kind().observe(&wanted, session).await
}

/// A declared instance with everything looked up.
struct Proposed {
    address: Address,
    identity: Identity,
    fields: Fields,
}

impl Proposed {
    fn new(more: impl IntoIterator<Item = (&'static str, Value)>) -> Self {
        let mut fields =
            Fields::from_iter([("space", link("acme/production", "s-1")), ("plan", link("postgres/small", "p-1"))]);
        for (name, value) in more {
            fields.set(name, value);
        }
        Self {
            address: Address::new("service_instances", "db"),
            identity: Identity { parts: vec![("space", "acme/production".into()), ("name", "my db".into())] },
            fields,
        }
    }

    fn proposal(&self) -> Proposal<'_> {
        Proposal { address: &self.address, identity: &self.identity, fields: &self.fields }
    }
}

async fn create(server: &MockServer, proposed: &Proposed) -> Result<Observed, RemoteError> {
    let session = session(server).await;
    kind().declared().unwrap().create(proposed.proposal(), &*session).await
}

#[test]
fn what_was_tried_last_tells_whether_the_instance_is_there() {
    let words: Option<Arc<str>> = Some("words".into());
    let in_progress = |operation| Condition::InProgress { operation, description: words.clone() };
    let failed = |operation| Condition::Failed { operation, description: words.clone() };
    for (operation, state, expected) in [
        ("create", "succeeded", Condition::Ready),
        ("create", "failed", Condition::Failed { operation: Operation::Create, description: words.clone() }),
        ("create", "in progress", in_progress(Operation::Create)),
        ("create", "initial", in_progress(Operation::Create)),
        ("update", "succeeded", Condition::Ready),
        ("update", "failed", failed(Operation::Update)),
        ("update", "in progress", in_progress(Operation::Update)),
        ("delete", "failed", failed(Operation::Delete)),
        ("delete", "in progress", in_progress(Operation::Delete)),
        ("create", "meditating", in_progress(Operation::Create)),
    ] {
        let last = LastOperation { operation: operation.into(), state: state.into(), description: words.clone() };
        assert_eq!(condition(Some(last)), expected, "{operation} {state}");
    }
    assert_eq!(condition(None), Condition::Ready);
}

#[tokio::test]
async fn an_instance_is_told_in_the_terms_in_which_it_is_declared() {
    let server = foundation().await;
    let unseen = object("i-2", json!({"name": "secret plan", "service_plan_guid": "p-9", "space_guid": "s-1"}));
    Mock::given(path("/v2/service_instances"))
        .and(query_param("q", "space_guid IN s-1"))
        .respond_with(ResponseTemplate::new(200).set_body_json(page(&[instance("i-1", "db", "s-1"), unseen])))
        .expect(1)
        .mount(&server)
        .await;
    let found = observe(&*session(&server).await, &[db(named("spaces", "acme/production"))]).await.unwrap();

    let db = found.with_id("i-1").unwrap();
    assert_eq!(db.identity.to_string(), "acme/production/db");
    let expected = Fields::from_iter([
        ("space", link("acme/production", "s-1")),
        ("name", text("db")),
        ("plan", link("postgres/small", "p-1")),
        ("broker", text("brokerage")),
        ("tags", Value::List(vec![text("b"), text("a")])),
        ("upgrade", Value::Bool(true)),
    ]);
    assert_eq!(db.fields, expected);
    assert_eq!(db.attributes.text("dashboard_url"), Some("https://dashboard.x"));
    assert_eq!(db.attributes.text("created_at"), Some("2026-01-01T00:00:00Z"));
    assert_eq!(db.attributes.get("updated_at"), None);

    let unseen = found.with_id("i-2").unwrap();
    assert_eq!(unseen.fields.link("plan").unwrap(), &Link { name: None, id: Some("p-9".into()) });
    assert_eq!(unseen.fields.get("broker"), None);
    assert_eq!(unseen.condition, Condition::Ready);
}

#[tokio::test]
async fn an_instance_of_another_space_is_not_taken_for_ours() {
    let server = foundation().await;
    Mock::given(path("/v2/service_instances"))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_json(page(&[instance("i-1", "db", "s-1"), instance("i-2", "db", "elsewhere")])),
        )
        .mount(&server)
        .await;
    let found = observe(&*session(&server).await, &[db(named("spaces", "acme/production"))]).await.unwrap();
    assert_eq!(found.iter().map(|object| &*object.id).collect::<Vec<_>>(), ["i-1"]);
}

#[tokio::test]
async fn nothing_is_asked_about_a_space_that_does_not_exist() {
    let server = foundation().await;
    let session = session(&server).await;
    let before = session.requests().read;
    assert!(observe(&*session, &[db(named("spaces", "acme/nowhere"))]).await.unwrap().is_empty());
    assert_eq!(session.requests().read, before);
}

#[tokio::test]
async fn names_taken_by_user_provided_instances_are_read_without_their_credentials() {
    let server = foundation().await;
    let entity = json!({"name": "db", "space_guid": "s-1", "credentials": {"password": "hush"}});
    let elsewhere = object("u-2", json!({"name": "db", "space_guid": "s-2"}));
    Mock::given(path("/v2/user_provided_service_instances"))
        .and(query_param("q", "space_guid IN s-1"))
        .respond_with(ResponseTemplate::new(200).set_body_json(page(&[object("u-1", entity), elsewhere])))
        .expect(1)
        .mount(&server)
        .await;
    let (collections, all) = (collections(), declared([db(named("spaces", "acme/production"))]));
    let observed = collections.iter().map(|(section, collection)| (*section, collection)).collect();
    let wanted = Wanted { resources: &[], references: &[], observed, declared: &all, scope: Scope::Declared };
    let kind = Arc::clone(registry().kind("user_provided_service_instances").unwrap());
    let found = kind.observe(&wanted, &*session(&server).await).await.unwrap();
    assert_eq!(found.with_id("u-1").unwrap().identity.to_string(), "acme/production/db");
    assert_eq!(found.len(), 1);
    assert!(!format!("{found:?}").contains("hush"));
}

#[tokio::test]
async fn an_instance_is_created_with_the_documented_request() {
    let server = foundation().await;
    Mock::given(method("POST"))
        .and(path("/v2/service_instances"))
        .and(query_param("accepts_incomplete", "true"))
        .and(body_string(r#"{"space_guid":"s-1","name":"my db","service_plan_guid":"p-1"}"#))
        .respond_with(ResponseTemplate::new(201).set_body_json(instance("i-1", "my db", "s-1")))
        .expect(1)
        .mount(&server)
        .await;
    let created = create(&server, &Proposed::new([])).await.unwrap();
    assert_eq!((&*created.id, &created.condition), ("i-1", &Condition::Ready));
    assert_eq!(created.identity.to_string(), "acme/production/my db");
    assert_eq!(created.fields.link("plan").unwrap().shown(), "postgres/small");
}

#[tokio::test]
async fn declared_extras_are_sent_secrets_and_all_and_a_slow_plan_is_in_progress() {
    let server = foundation().await;
    let body = json!({"space_guid": "s-1", "name": "my db", "service_plan_guid": "p-1", "gateway_data": "x",
        "parameters": {"password": "hush", "size": 3}, "tags": ["a"]});
    Mock::given(method("POST"))
        .and(body_json_string(body.to_string()))
        .respond_with(
            ResponseTemplate::new(202).set_body_json(object("i-1", entity("my db", "s-1", "create", "in progress"))),
        )
        .expect(1)
        .mount(&server)
        .await;
    let parameters: IndexMap<Arc<str>, Value> = IndexMap::from([
        (Arc::from("password"), Sensitive::wrap(text("hush"))),
        (Arc::from("size"), Value::Number(3.into())),
    ]);
    let proposed = Proposed::new([
        ("parameters", Value::Map(Box::new(parameters))),
        ("tags", Value::List(vec![text("a")])),
        ("gateway_data", text("x")),
        ("broker", text("brokerage")),
    ]);
    let created = create(&server, &proposed).await.unwrap();
    let expected = Condition::InProgress { operation: Operation::Create, description: Some("words".into()) };
    assert_eq!(created.condition, expected);
    assert_eq!(created.fields.text("broker"), Some("brokerage"));
    assert_eq!(created.fields.get("parameters"), None, "the remote does not tell them");
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_sent_once_and_uncertain() {
    for (template, uncertain, failure) in [
        (ResponseTemplate::new(502).set_body_string("<html><title>Bad Gateway</title>"), true, Failure::Server),
        (ResponseTemplate::new(201).set_body_string("<html>"), true, Failure::Malformed),
        (
            ResponseTemplate::new(502).set_body_json(
                json!({"error_code": "CF-ServiceBrokerBadResponse", "code": 10001, "description": "no"}),
            ),
            false,
            Failure::Server,
        ),
        (
            ResponseTemplate::new(400).set_body_json(
                json!({"error_code": "CF-ServiceInstanceNameTaken", "code": 60002, "description": "no"}),
            ),
            false,
            Failure::Conflict,
        ),
    ] {
        let server = foundation().await;
        Mock::given(method("POST")).respond_with(template).expect(1).mount(&server).await;
        let error = create(&server, &Proposed::new([])).await.unwrap_err();
        assert_eq!((error.uncertain, error.failure), (uncertain, failure));
    }
}

#[tokio::test]
async fn a_token_check_that_failed_is_tried_again_because_nothing_was_written() {
    let server = foundation().await;
    let unavailable = json!({"error_code": "CF-UaaUnavailable", "code": 20004, "description": "later"});
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(502).set_body_json(unavailable))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(201).set_body_json(instance("i-1", "my db", "s-1")))
        .expect(1)
        .mount(&server)
        .await;
    assert!(create(&server, &Proposed::new([])).await.is_ok());
}

#[tokio::test]
async fn a_lost_create_is_looked_up_by_name_and_space() {
    let server = foundation().await;
    Mock::given(path("/v2/service_instances"))
        .and(query_param_contains("q", "name:my db"))
        .and(query_param_contains("q", "space_guid:s-1"))
        .respond_with(ResponseTemplate::new(200).set_body_json(page(&[
            instance("i-3", "MY DB", "s-1"),
            instance("i-2", "my db", "s-2"),
            instance("i-1", "my db", "s-1"),
        ])))
        .expect(1)
        .mount(&server)
        .await;
    let proposed = Proposed::new([]);
    let kind = kind();
    let session = session(&server).await;
    let found = kind.declared().unwrap().look_up(proposed.proposal(), &*session).await.unwrap().unwrap();
    assert_eq!(&*found.id, "i-1");
}

fn pending(guid: &str, space: &str) -> Observed {
    let entity = entity(guid, space, "create", "in progress");
    let instance = ServiceInstance {
        stamp: Stamp { guid: guid.into(), created_at: None, updated_at: None },
        name: guid.into(),
        space: space.into(),
        plan: entity["service_plan_guid"].as_str().map(Into::into),
        tags: Vec::new(),
        dashboard_url: None,
        maintenance_version: None,
        upgrade_available: None,
        metadata: None,
        last_operation: None,
    };
    instance.among(&spaces(), &plans())
}

async fn poll(server: &MockServer, pending: &[Observed]) -> Result<Vec<Observed>, RemoteError> {
    let pending: Vec<&Observed> = pending.iter().collect();
    let session = session(server).await;
    kind().declared().unwrap().poll(&pending, &*session).await
}

#[tokio::test]
async fn a_few_are_polled_one_by_one_and_what_is_gone_is_left_out() {
    let server = foundation().await;
    let gone = json!({"error_code": "CF-ServiceInstanceNotFound", "code": 60004, "description": "gone"});
    for (guid, template) in [
        ("i-1", ResponseTemplate::new(200).set_body_json(instance("i-1", "i-1", "s-1"))),
        ("i-2", ResponseTemplate::new(404).set_body_json(gone)),
        ("i-3", ResponseTemplate::new(200).set_body_json(object("i-3", entity("i-3", "s-1", "create", "failed")))),
    ] {
        Mock::given(path(format!("/v2/service_instances/{guid}")))
            .respond_with(template)
            .expect(1)
            .mount(&server)
            .await;
    }
    let polled = poll(&server, &[pending("i-1", "s-1"), pending("i-2", "s-1"), pending("i-3", "s-1")]).await.unwrap();
    assert_eq!(polled.iter().map(|object| &*object.id).collect::<Vec<_>>(), ["i-1", "i-3"]);
    assert_eq!(polled[0].condition, Condition::Ready);
    assert_eq!(polled[0].fields.link("plan").unwrap().shown(), "postgres/small", "names are kept");
    assert_eq!(
        polled[1].condition,
        Condition::Failed { operation: Operation::Create, description: Some("words".into()) }
    );
}

#[tokio::test]
async fn a_missing_route_while_polling_does_not_mean_that_the_instance_is_gone() {
    let server = foundation().await;
    let off = json!({"errors": [{"detail": "Unknown request", "title": "CF-NotFound", "code": 10000}]});
    Mock::given(path("/v2/service_instances/i-1"))
        .respond_with(ResponseTemplate::new(404).set_body_json(off))
        .mount(&server)
        .await;
    assert_eq!(poll(&server, &[pending("i-1", "s-1")]).await.unwrap_err().failure, Failure::UnknownDialect);
}

#[tokio::test]
async fn many_are_polled_by_the_lists_of_their_spaces() {
    let server = foundation().await;
    Mock::given(path("/v2/service_instances"))
        .and(query_param("q", "space_guid IN s-1,s-2"))
        .respond_with(ResponseTemplate::new(200).set_body_json(page(&[
            instance("i-1", "i-1", "s-1"),
            instance("i-2", "i-2", "s-2"),
            instance("i-4", "i-4", "s-2"),
            instance("somebody's", "x", "s-1"),
        ])))
        .expect(1)
        .mount(&server)
        .await;
    // What the list misses is asked for itself.
    let gone = json!({"error_code": "CF-ServiceInstanceNotFound", "code": 60004, "description": "gone"});
    for (guid, template) in [
        ("i-3", ResponseTemplate::new(404).set_body_json(gone)),
        ("i-5", ResponseTemplate::new(200).set_body_json(instance("i-5", "i-5", "s-1"))),
    ] {
        Mock::given(path(format!("/v2/service_instances/{guid}")))
            .respond_with(template)
            .expect(1)
            .mount(&server)
            .await;
    }
    let all = [("i-1", "s-1"), ("i-2", "s-2"), ("i-3", "s-1"), ("i-4", "s-2"), ("i-5", "s-1")];
    let polled = poll(&server, &all.map(|(guid, space)| pending(guid, space))).await.unwrap();
    assert_eq!(polled.iter().map(|object| &*object.id).collect::<Vec<_>>(), ["i-1", "i-2", "i-4", "i-5"]);
}

#[test]
fn an_instance_is_recognised_by_the_id_of_its_space_whatever_the_names_look_like() {
    let kind = kind();
    let facts = Facts { provider: NAME, url: "x".into(), api: "v2", read_only: None };
    let odd = |guid: &str, space: &str, name: &str| {
        let mut object = pending(guid, "s-1");
        object.identity = Identity { parts: vec![("space", space.into()), ("name", name.into())] };
        object.fields.set("name", text(name));
        object
    };
    let mut elsewhere = odd("i-2", "acme", "production/my db");
    elsewhere.fields.set("space", link("acme", "s-9"));
    let mut namesake = odd("i-3", "acme/staging", "my db");
    namesake.fields.set("space", link("acme/staging", "s-2"));
    let collection = Collection::new(vec![odd("i-1", "acme/production", "my db"), elsewhere, namesake], false);
    let recognised = |proposed: &Proposed| {
        let found = kind.declared().unwrap().recognise(proposed.proposal(), &collection, &facts);
        found.iter().map(|object| object.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(recognised(&Proposed::new([])), ["i-1"]);
    let unresolved = Proposed::new([("space", Value::Unknown)]);
    assert_eq!(recognised(&unresolved).len(), 2, "the string alone fits both");
}

fn checked(proposed: &Proposed, observed: Option<&Observed>, more: &[(&'static str, Collection)]) -> Vec<Diagnostic> {
    let resource = db(named("spaces", "acme/production"));
    let mut collections = collections();
    collections.extend(more.iter().cloned());
    let facts = Facts { provider: NAME, url: "x".into(), api: "v2", read_only: None };
    let check = Check {
        resource: &resource,
        proposal: proposed.proposal(),
        observed,
        collections: &collections,
        facts: &facts,
        declared: &IndexMap::new(),
    };
    let found = kind().declared().unwrap().check(check);
    for diagnostic in &found {
        assert_eq!(diagnostic.address, Some(proposed.address.clone()));
        assert!(diagnostic.span().is_some());
    }
    found
}

fn told(found: &[Diagnostic]) -> Vec<(Severity, Code, &str)> {
    found.iter().map(|diagnostic| (diagnostic.severity, diagnostic.code, diagnostic.message.as_str())).collect()
}

#[test]
fn a_sound_declaration_is_not_complained_about() {
    let parameters = Value::Map(Box::default());
    let proposed = Proposed::new([("broker", text("brokerage")), ("parameters", parameters)]);
    assert!(checked(&proposed, None, &[]).is_empty());
    assert!(checked(&proposed, Some(&pending("i-1", "s-1")), &[]).is_empty());
    assert!(checked(&Proposed::new([("parameters", Value::Unknown), ("space", Value::Unknown)]), None, &[]).is_empty());
}

#[test]
fn a_plan_that_is_withdrawn_can_be_kept_and_not_chosen() {
    let old = Proposed::new([("plan", link("postgres/old", "p-3"))]);
    let found = checked(&old, None, &[]);
    assert_eq!(
        told(&found),
        [(Severity::Error, Code::PlanUnavailable, "the plan `postgres/old` is no longer offered")]
    );
    let mut has_it = pending("i-1", "s-1");
    has_it.fields.set("plan", link("postgres/old", "p-3"));
    assert!(checked(&old, Some(&has_it), &[]).is_empty());
}

#[test]
fn a_plan_that_cannot_be_used_in_the_space_can_be_kept_and_not_chosen() {
    let hidden_in = |space: &str| {
        let hidden = ("hidden_in", Value::List(vec![text("s-9"), text(space)]));
        [("service_plans", Collection::new(vec![plan("p-1", "o-1", "small", &[hidden])], true))]
    };
    let found = checked(&Proposed::new([]), None, &hidden_in("s-1"));
    let message = "the plan `postgres/small` cannot be used in the space `acme/production`";
    assert_eq!(told(&found), [(Severity::Error, Code::PlanUnavailable, message)]);
    assert!(checked(&Proposed::new([]), None, &hidden_in("s-2")).is_empty());
    assert!(checked(&Proposed::new([]), Some(&pending("i-1", "s-1")), &hidden_in("s-1")).is_empty());
}

#[test]
fn a_plan_of_another_broker_than_declared_is_told() {
    let found = checked(&Proposed::new([("broker", text("bazaar"))]), None, &[]);
    let message = "the plan `postgres/small` is offered by the broker `brokerage`, not by `bazaar`";
    assert_eq!(told(&found), [(Severity::Error, Code::PlanUnavailable, message)]);
}

#[test]
fn a_change_of_plan_that_the_remote_refuses_is_told_without_stopping_the_rest() {
    let mut large = pending("i-1", "s-1");
    large.fields.set("plan", link("postgres/large", "p-2"));
    let found = checked(&Proposed::new([]), Some(&large), &[]);
    let message = "the plan `postgres/small` cannot be reached from the current one, `postgres/large`";
    assert_eq!(told(&found), [(Severity::Warning, Code::Blocked, message)]);

    let other = Proposed::new([("plan", link("postgres/other", "p-4"))]);
    let found = checked(&other, Some(&pending("i-1", "s-1")), &[]);
    let message = "the plan `postgres/other` is of another offering than the current one, `postgres/small`";
    assert_eq!(told(&found), [(Severity::Warning, Code::Blocked, message)]);

    let larger = Proposed::new([("plan", link("postgres/large", "p-2"))]);
    assert!(checked(&larger, Some(&pending("i-1", "s-1")), &[]).is_empty());
}

#[test]
fn a_name_that_a_user_provided_instance_has_is_taken() {
    let user_provided = |name: &str, space: &str| {
        let mut object = pending("u-1", space);
        object.identity = Identity { parts: vec![("space", "acme/production".into()), ("name", name.into())] };
        object.fields.set("name", text(name));
        [("user_provided_service_instances", Collection::new(vec![object], false))]
    };
    let found = checked(&Proposed::new([]), None, &user_provided("my db", "s-1"));
    let message = "the name `acme/production/my db` is taken by a user-provided service instance";
    assert_eq!(told(&found), [(Severity::Error, Code::NameTaken, message)]);
    assert!(checked(&Proposed::new([]), None, &user_provided("my db", "s-2")).is_empty());
    assert!(checked(&Proposed::new([]), None, &user_provided("My DB", "s-1")).is_empty());
}

#[test]
fn parameters_that_come_to_something_else_than_a_mapping_are_told() {
    let found = checked(&Proposed::new([("parameters", Value::List(Vec::new()))]), None, &[]);
    assert_eq!(told(&found), [(Severity::Error, Code::WrongType, "`parameters` has to be a mapping")]);
    assert_eq!(found[0].labels[0].message, "this is a list");
    assert!(
        checked(&Proposed::new([("parameters", Sensitive::wrap(Value::Map(Box::default())))]), None, &[]).is_empty()
    );
}
