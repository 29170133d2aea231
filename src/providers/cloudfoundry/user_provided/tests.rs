use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde_json::{Value as Json, json};
use wiremock::matchers::{body_json_string, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::super::testing::*;
use super::*;
use crate::diff::diff;
use crate::kind::{ErasedKind, Others, Scope};
use crate::model::{Address, Code, Path, Resource, Sensitive};

fn kind() -> Arc<dyn ErasedKind> {
    Arc::clone(registry().kind("user_provided_service_instances").unwrap())
}

fn entity(guid: &str, name: &str, space: &str, credentials: &Json) -> Json {
    object(
        guid,
        json!({
            "name": name, "space_guid": space, "credentials": credentials, "type": "user_provided_service_instance",
            "syslog_drain_url": "", "route_service_url": null, "tags": ["b", "a"],
        }),
    )
}

fn secret(text: &str) -> Value {
    Sensitive::wrap(Value::text(text))
}

fn secrets(values: &[(&str, &str)]) -> Value {
    Value::Map(Box::new(values.iter().map(|(key, value)| ((*key).into(), secret(value))).collect()))
}

/// A declared instance with everything looked up.
struct Proposed {
    address: Address,
    identity: Identity,
    fields: Fields,
}

impl Proposed {
    fn new(more: impl IntoIterator<Item = (&'static str, Value)>) -> Self {
        let mut fields = Fields::from_iter([("space", link("acme/production", "s-1"))]);
        for (name, value) in more {
            fields.set(name, value);
        }
        Self {
            address: Address::new("user_provided_service_instances", "mail"),
            identity: Identity { parts: vec![("space", "acme/production".into()), ("name", "mail".into())] },
            fields,
        }
    }

    fn proposal(&self) -> Proposal<'_> {
        Proposal { address: &self.address, identity: &self.identity, fields: &self.fields }
    }
}

fn mail(more: impl IntoIterator<Item = (&'static str, Value)>) -> Resource {
    let space = [("space", named("spaces", "acme/production"))];
    declare("user_provided_service_instances", "mail", space.into_iter().chain(more))
}

async fn observe(server: &MockServer, resources: &[Resource]) -> Collection {
    let spaces = spaces();
    let all = declared(resources.iter().cloned());
    let resources: Vec<&Resource> =
        resources.iter().filter(|one| one.address.section == "user_provided_service_instances").collect();
    let observed = Others::from_iter([("spaces", &spaces)]);
    let wanted = Wanted { resources: &resources, references: &[], observed, declared: &all, scope: Scope::Declared };
    kind().observe(&wanted, &*session(server).await).await.unwrap()
}

async fn serving(objects: &[Json]) -> MockServer {
    let server = foundation().await;
    Mock::given(method("GET"))
        .and(path("/v2/user_provided_service_instances"))
        .and(query_param("q", "space_guid IN s-1"))
        .respond_with(ResponseTemplate::new(200).set_body_json(page(objects)))
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn an_instance_is_told_in_the_terms_in_which_it_is_declared() {
    let server = serving(&[entity("u-1", "mail", "s-1", &json!({"password": "hush", "port": 25}))]).await;
    let found = observe(&server, &[mail([("credentials", secrets(&[]))])]).await;
    let this = found.with_id("u-1").unwrap();
    assert_eq!(this.identity.to_string(), "acme/production/mail");
    assert!(!format!("{this:?}").contains("hush"));
    // An unset URL reads as an empty one or as null, and is neither.
    let declared = Fields::from_iter([
        ("credentials", Value::Map(Box::new([("port".into(), Sensitive::wrap(Value::from_json(&json!(25))))].into()))),
        ("syslog_drain_url", text("")),
        ("route_service_url", text("")),
        ("tags", Value::List(vec![text("a"), text("b")])),
    ]);
    let told: Vec<_> = diff(&SECTION, &declared, &this.fields, &[]).iter().map(|one| one.path.to_string()).collect();
    assert_eq!(told, ["credentials.password"]);
}

#[tokio::test]
async fn credentials_that_may_not_be_seen_are_no_difference() {
    let redacted = json!({"redacted_message": "[PRIVATE DATA HIDDEN]"});
    let server = serving(&[entity("u-1", "mail", "s-1", &redacted)]).await;
    let declared = mail([("credentials", secrets(&[("password", "hush")]))]);
    let found = observe(&server, std::slice::from_ref(&declared)).await;
    let differences = diff(&SECTION, &declared.fields, &found.with_id("u-1").unwrap().fields, &[]);
    let unverifiable = differences.iter().filter(|one| one.is_unverifiable()).map(|one| one.path.to_string());
    assert_eq!(unverifiable.collect::<Vec<_>>(), ["credentials"]);
}

#[tokio::test]
async fn credentials_that_nobody_declares_or_reads_are_not_kept() {
    let objects = ["mail", "other"].map(|name| entity(name, name, "s-1", &json!({"password": "hush"})));
    let server = serving(&objects).await;
    let kept = async |resources: &[Resource]| {
        let found = observe(&server, resources).await;
        let kept = found.iter().filter(|one| one.fields.get("credentials").is_some()).map(|one| one.id.to_string());
        kept.collect::<Vec<_>>()
    };
    assert_eq!(kept(&[mail([])]).await, [""; 0]);
    assert_eq!(kept(&[mail([("credentials", secrets(&[]))])]).await, ["mail"]);
    let part = crate::model::TemplatePart::Field {
        address: Address::new("user_provided_service_instances", "mail"),
        path: Path::parse("credentials.password").unwrap(),
    };
    let reads =
        Value::Template(Box::new(crate::model::Template { parts: vec![part], sensitive: false, redacted: false }));
    let reader = declare("service_instances", "db", [("space", of_guid("spaces", "s-1")), ("parameters", reads)]);
    let server_of_both = kept(&[mail([]), reader]).await;
    assert_eq!(server_of_both, ["mail"]);
}

#[tokio::test]
async fn an_instance_is_created_with_what_is_declared() {
    let server = foundation().await;
    Mock::given(method("POST"))
        .and(path("/v2/user_provided_service_instances"))
        .and(body_json_string(
            r#"{"space_guid":"s-1","name":"mail","credentials":{"password":"hush"},"syslog_drain_url":"syslog://x","tags":[]}"#,
        ))
        .respond_with(ResponseTemplate::new(201).set_body_json(entity(
            "u-1",
            "mail",
            "s-1",
            &json!({"password": "hush"}),
        )))
        .expect(1)
        .mount(&server)
        .await;
    let proposed = Proposed::new([
        ("credentials", secrets(&[("password", "hush")])),
        ("syslog_drain_url", text("syslog://x")),
        ("tags", Value::List(Vec::new())),
    ]);
    let session = session(&server).await;
    let created = kind().declared().unwrap().create(proposed.proposal(), &*session).await.unwrap();
    assert_eq!((&*created.id, created.identity), ("u-1", proposed.identity));
    assert_eq!(created.fields.get("credentials"), Some(&secrets(&[("password", "hush")])));
}

/// What is sent for these changes of an instance with the credentials `password` and `user`.
async fn updated(proposed: &Proposed, changes: &[&str]) -> Json {
    let server = foundation().await;
    Mock::given(method("PUT"))
        .and(path("/v2/user_provided_service_instances/u-1"))
        .respond_with(ResponseTemplate::new(201).set_body_json(entity("u-1", "mail", "s-1", &json!({}))))
        .expect(1)
        .mount(&server)
        .await;
    let session = session(&server).await;
    let fields = [
        ("space", link("acme/production", "s-1")),
        ("name", text("mail")),
        ("credentials", secrets(&[("password", "old"), ("user", "me")])),
    ];
    let observed = Observed {
        identity: proposed.identity.clone(),
        id: "u-1".into(),
        version: None,
        fields: fields.into_iter().collect(),
        attributes: Fields::default(),
        condition: Condition::Ready,
    };
    let changes: Vec<Path> = changes.iter().map(|path| Path::parse(path).unwrap()).collect();
    let modification = Modification { proposal: proposed.proposal(), observed: &observed, changes: &changes };
    kind().declared().unwrap().update(modification, &*session).await.unwrap();
    let sent = server.received_requests().await.unwrap();
    serde_json::from_slice(&sent.iter().find(|request| request.method.as_str() == "PUT").unwrap().body).unwrap()
}

#[tokio::test]
async fn only_what_differs_is_sent() {
    let all = [("syslog_drain_url", text("")), ("tags", Value::List(vec![text("a")]))];
    assert_eq!(updated(&Proposed::new(all.clone()), &["tags"]).await, json!({"tags": ["a"]}));
    assert_eq!(updated(&Proposed::new(all), &["syslog_drain_url"]).await, json!({"syslog_drain_url": ""}));
    let mut renamed = Proposed::new([]);
    renamed.identity.parts[1].1 = "post".into();
    assert_eq!(updated(&renamed, &[]).await, json!({"name": "post"}));
}

#[tokio::test]
async fn credentials_are_sent_whole_and_those_that_are_ignored_as_they_are() {
    let proposed = Proposed::new([("credentials", secrets(&[("password", "new")]))]);
    let sent = updated(&proposed, &["credentials.password", "credentials.user"]).await;
    assert_eq!(sent, json!({"credentials": {"password": "new"}}));
    let sent = updated(&proposed, &["credentials.password"]).await;
    assert_eq!(sent, json!({"credentials": {"password": "new", "user": "me"}}));
}

#[tokio::test]
async fn what_is_gone_already_is_deleted() {
    let server = foundation().await;
    let gone = json!({"error_code": "CF-ServiceInstanceNotFound", "code": 60004, "description": "gone"});
    let bound = json!({"error_code": "CF-AssociationNotEmpty", "code": 10006, "description": "bindings"});
    for (guid, template) in [
        ("u-1", ResponseTemplate::new(204)),
        ("u-2", ResponseTemplate::new(404).set_body_json(gone)),
        ("u-3", ResponseTemplate::new(400).set_body_json(bound)),
    ] {
        Mock::given(method("DELETE"))
            .and(path(format!("/v2/service_instances/{guid}")))
            .respond_with(template)
            .expect(1)
            .mount(&server)
            .await;
    }
    let (session, kind) = (session(&server).await, kind());
    let mut outcomes = Vec::new();
    for guid in ["u-1", "u-2", "u-3"] {
        let observed = Observed {
            identity: Identity::single("name", "mail"),
            id: guid.into(),
            version: None,
            fields: Fields::default(),
            attributes: Fields::default(),
            condition: Condition::Ready,
        };
        let deleted = kind.declared().unwrap().delete(&observed, false, &*session).await;
        outcomes.push(deleted.map(|left| left.is_none()).map_err(|error| error.failure));
    }
    assert_eq!(outcomes, [Ok(true), Ok(true), Err(crate::kind::Failure::Conflict)]);
}

#[tokio::test]
async fn v2_deletes_bindings_along_with_it_only_where_that_was_consented_to() {
    for (along, query) in [(false, None), (true, Some("recursive=true"))] {
        let server = foundation().await;
        Mock::given(method("DELETE")).respond_with(ResponseTemplate::new(204)).expect(1).mount(&server).await;
        let observed = Observed {
            identity: Identity::single("name", "mail"),
            id: "u-1".into(),
            version: None,
            fields: Fields::default(),
            attributes: Fields::default(),
            condition: Condition::Ready,
        };
        let session = session(&server).await;
        assert!(kind().declared().unwrap().delete(&observed, along, &*session).await.unwrap().is_none());
        let requests = server.received_requests().await.unwrap();
        assert_eq!(requests.last().unwrap().url.query(), query);
    }
}

fn checked(more: impl IntoIterator<Item = (&'static str, Value)>, others: &[Resource]) -> Vec<(Code, String)> {
    let mut resource = mail([]);
    resource.identity = Identity { parts: vec![("space", "acme/production".into()), ("name", "mail".into())] };
    let proposed = Proposed::new(more);
    let taken = Observed {
        identity: Identity { parts: vec![("space", "acme/production".into()), ("name", "db".into())] },
        id: "i-1".into(),
        version: None,
        fields: Fields::from_iter([("space", link("acme/production", "s-1")), ("name", text("db"))]),
        attributes: Fields::default(),
        condition: Condition::Ready,
    };
    let mut identity = proposed.identity.clone();
    if let Some(name) = proposed.fields.text("name") {
        identity.parts[1].1 = name.into();
    }
    let found = kind().declared().unwrap().check(Check {
        resource: &resource,
        proposal: Proposal { identity: &identity, ..proposed.proposal() },
        observed: None,
        collections: &BTreeMap::from([("service_instances", Collection::new(vec![taken], false))]),
        facts: &Facts { provider: NAME, url: "x".into(), api: "v2", read_only: None },
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
fn a_name_that_a_managed_instance_has_or_will_have_is_taken() {
    assert_eq!(checked([], &[]), []);
    assert_eq!(
        checked([("name", text("db"))], &[]),
        [(Code::NameTaken, "the name `acme/production/db` is taken by a service instance".to_owned())]
    );
    let mut managed = declare("service_instances", "mail", []);
    managed.identity = Identity { parts: vec![("space", "acme/production".into()), ("name", "mail".into())] };
    let codes = |managed: &Resource| checked([], std::slice::from_ref(managed)).len();
    assert_eq!(codes(&managed), 1);
    managed.lifecycle.absent = Some(span());
    assert_eq!(codes(&managed), 0);
}

#[test]
fn expressions_that_come_to_what_the_remote_refuses_are_told() {
    assert_eq!(checked([("route_service_url", text("")), ("credentials", Sensitive::wrap(Value::Unknown))], &[]), []);
    let codes = |field, value| checked([(field, value)], &[]).into_iter().map(|(code, _)| code).collect::<Vec<_>>();
    assert_eq!(codes("route_service_url", secret("http://x")), [Code::InvalidValue]);
    assert_eq!(codes("credentials", secret("x")), [Code::WrongType]);
}
