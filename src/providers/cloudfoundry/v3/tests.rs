//! What is asked of v3 and how its answers are understood, against canned answers.

use serde_json::{Value as Json, json};
use wiremock::matchers::{body_string, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::super::CloudFoundry;
use super::super::api::{self, ContainerChange, Filter, Key, NewInstance, NewOrganization, NewSpace};
use super::super::metadata::Metadata;
use super::super::testing::{connect_to, foundation_v3, page_v3, registry};
use crate::kind::Writer;
use crate::model::Section;

fn table(section: &str) -> &'static Section {
    registry().section(section).unwrap()
}

fn organization(number: u32) -> Json {
    json!({"guid": format!("o-{number}"), "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-02T00:00:00Z",
        "name": format!("org {number}"), "suspended": false, "relationships": {"quota": {"data": {"guid": "q"}}},
        "metadata": {"labels": {"team": "db"}, "annotations": {}}, "links": {}})
}

fn instance(guid: &str, name: &str, space: &str) -> Json {
    json!({"guid": guid, "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-02T00:00:00Z", "name": name,
        "tags": ["b", "a"], "type": "managed", "maintenance_info": {"version": "1.0.0", "description": "x"},
        "last_operation": {"type": "create", "state": "initial", "description": ""},
        "upgrade_available": true, "dashboard_url": null, "broker_provided_metadata": {"labels": {}},
        "relationships": {"space": {"data": {"guid": space}}, "service_plan": {"data": {"guid": "p-1"}}},
        "metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}}, "links": {"self": {"href": "x"}}})
}

async fn session(server: &MockServer) -> CloudFoundry {
    connect_to(server).await
}

#[tokio::test]
async fn all_pages_are_read_and_each_object_counts_once() {
    let server = foundation_v3().await;
    let body = |next: Json, numbers: std::ops::RangeInclusive<u32>| {
        let resources: Vec<Json> = numbers.map(organization).collect();
        json!({"pagination": {"total_results": 5, "total_pages": 3, "next": next}, "resources": resources})
    };
    let more = json!({"href": "x"});
    let first = Mock::given(path("/v3/organizations")).and(query_param("per_page", "5000"));
    first
        .and(query_param_is_missing("page"))
        .respond_with(ResponseTemplate::new(200).set_body_json(body(more.clone(), 1..=2)))
        .expect(1)
        .mount(&server)
        .await;
    for (page, next, numbers) in [("2", more.clone(), 2..=4), ("3", more, 4..=4), ("4", Json::Null, 5..=5)] {
        Mock::given(path("/v3/organizations"))
            .and(query_param("page", page))
            .respond_with(ResponseTemplate::new(200).set_body_json(body(next, numbers)))
            .expect(1)
            .mount(&server)
            .await;
    }
    let found = api::organizations(&session(&server).await, &[]).await.unwrap();
    let names: Vec<&str> = found.iter().map(|one| &*one.name).collect();
    assert_eq!(names, ["org 1", "org 2", "org 3", "org 4", "org 5"], "the end is where no next page is told of");
    let labels = &found[0].metadata.as_ref().unwrap().labels;
    assert_eq!(labels.get("team").map(|value| &**value), Some("db"));
}

#[tokio::test]
async fn a_list_without_an_end_is_left_when_nothing_new_comes() {
    let server = foundation_v3().await;
    let endless = json!({"pagination": {"total_results": 1, "total_pages": 1, "next": {"href": "x"}},
        "resources": [organization(1)]});
    Mock::given(path("/v3/organizations"))
        .respond_with(ResponseTemplate::new(200).set_body_json(endless))
        .expect(2)
        .mount(&server)
        .await;
    assert_eq!(api::organizations(&session(&server).await, &[]).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_whole_catalogue_is_one_request() {
    let server = foundation_v3().await;
    let plan = |guid: &str, offering: &str, visibility: &str, updateable: bool| {
        json!({"guid": guid, "name": "small", "visibility_type": visibility, "available": true, "free": false,
            "maintenance_info": {"version": "2.0.0"}, "schemas": {"service_instance": {}},
            "broker_catalog": {"id": "x", "features": {"bindable": true, "plan_updateable": updateable}},
            "relationships": {"service_offering": {"data": {"guid": offering}}}})
    };
    let mut body = page_v3(&[plan("p-1", "o-1", "public", true), plan("p-2", "unseen", "organization", false)]);
    body["included"] = json!({
        "service_offerings": [{"guid": "o-1", "name": "postgres",
            "broker_catalog": {"features": {"instances_retrievable": true}},
            "relationships": {"service_broker": {"data": {"guid": "b-1"}}}}],
        "service_brokers": [{"guid": "b-1", "name": "brokerage"}],
    });
    Mock::given(path("/v3/service_plans"))
        .and(query_param("include", "service_offering"))
        .and(query_param("fields[service_offering.service_broker]", "guid,name"))
        .respond_with(ResponseTemplate::new(200).set_body_json(body))
        .expect(1)
        .mount(&server)
        .await;
    let plans = api::service_plans(&session(&server).await).await.unwrap();
    let small = &plans[0];
    assert_eq!((small.offering_name.as_deref(), small.broker.as_deref()), (Some("postgres"), Some("brokerage")));
    assert_eq!(
        (small.public, small.plan_updateable, small.instances_retrievable),
        (Some(true), Some(true), Some(true))
    );
    assert_eq!((small.free, small.maintenance_version.as_deref()), (Some(false), Some("2.0.0")));
    let unseen = &plans[1];
    assert_eq!((unseen.offering_name.as_deref(), &*unseen.offering), (None, "unseen"));
    assert_eq!((unseen.public, unseen.plan_updateable), (Some(false), Some(false)));
}

#[tokio::test]
async fn instances_are_told_with_all_that_can_be_declared() {
    let server = foundation_v3().await;
    Mock::given(path("/v3/service_instances"))
        .and(query_param("type", "managed"))
        .and(query_param("space_guids", "s-1,s-2"))
        .respond_with(ResponseTemplate::new(200).set_body_json(page_v3(&[instance("i-1", "db", "s-1")])))
        .expect(1)
        .mount(&server)
        .await;
    let filters = [Filter::In(Key::Space, vec!["s-1".into(), "s-2".into()])];
    let db = api::service_instances(&session(&server).await, &filters).await.unwrap().remove(0);
    assert_eq!((&*db.stamp.guid, &*db.space, db.plan.as_deref()), ("i-1", "s-1", Some("p-1")));
    assert_eq!((db.maintenance_version.as_deref(), db.upgrade_available), (Some("1.0.0"), Some(true)));
    let metadata = db.metadata.unwrap();
    assert_eq!(metadata.to_json(), json!({"labels": {"a": "b"}, "annotations": {"c": "d"}}));
    let last = db.last_operation.unwrap();
    assert_eq!((last.operation.as_str(), last.state.as_str(), last.description), ("create", "initial", None));
}

#[tokio::test]
async fn user_provided_instances_are_of_their_own_type() {
    let server = foundation_v3().await;
    let one = json!({"guid": "u-1", "type": "user-provided", "name": "u", "last_operation": {}, "maintenance_info": null,
        "relationships": {"space": {"data": {"guid": "s-1"}}}});
    Mock::given(path("/v3/service_instances"))
        .and(query_param("type", "user-provided"))
        .respond_with(ResponseTemplate::new(200).set_body_json(page_v3(&[one])))
        .expect(1)
        .mount(&server)
        .await;
    let found = api::user_provided(&session(&server).await, &[]).await.unwrap();
    assert_eq!((&*found[0].name, &*found[0].space), ("u", "s-1"));
}

#[tokio::test]
async fn both_kinds_are_told_in_one_list_and_a_kind_that_is_to_come_is_neither() {
    let server = foundation_v3().await;
    let of_type = |guid: &str, kind: &str| {
        let mut one = instance(guid, guid, "s-1");
        one["type"] = kind.into();
        one
    };
    let all = [of_type("i-1", "managed"), of_type("u-1", "user-provided"), of_type("x-1", "borrowed")];
    Mock::given(path("/v3/service_instances"))
        .and(query_param("space_guids", "s-1"))
        .and(query_param_is_missing("type"))
        .respond_with(ResponseTemplate::new(200).set_body_json(page_v3(&all)))
        .expect(1)
        .mount(&server)
        .await;
    let filters = [Filter::In(Key::Space, vec!["s-1".into()])];
    let both = api::instances(&session(&server).await, &filters).await.unwrap();
    assert_eq!(both.managed.iter().map(|one| &*one.stamp.guid).collect::<Vec<_>>(), ["i-1"]);
    assert_eq!(both.user_provided.iter().map(|one| &*one.stamp.guid).collect::<Vec<_>>(), ["u-1"]);
}

async fn post(server: &MockServer, at: &str, body: &str, answer: ResponseTemplate) {
    Mock::given(method("POST")).and(path(at)).and(body_string(body)).respond_with(answer).expect(1).mount(server).await;
}

fn metadata() -> Metadata {
    serde_json::from_value(json!({"labels": {"team": "db"}})).unwrap()
}

#[tokio::test]
async fn organizations_and_spaces_are_created_with_their_labels_in_one_request() {
    let server = foundation_v3().await;
    let answer = ResponseTemplate::new(201).set_body_json(organization(1));
    post(&server, "/v3/organizations", r#"{"name":"org 1","metadata":{"labels":{"team":"db"}}}"#, answer).await;
    let space = json!({"guid": "s-1", "name": "dev", "metadata": {"labels": {}, "annotations": {}},
        "relationships": {"organization": {"data": {"guid": "o-1"}}}});
    let body = r#"{"name":"dev","relationships":{"organization":{"data":{"guid":"o-1"}}}}"#;
    post(&server, "/v3/spaces", body, ResponseTemplate::new(201).set_body_json(space)).await;
    let session = session(&server).await;
    let remote = Writer::to(&session);
    let new = NewOrganization { name: "org 1", metadata: metadata() };
    let created = api::create_organization(&remote, new, table("organizations")).await.unwrap();
    assert_eq!(&*created.stamp.guid, "o-1");
    let new = NewSpace { organization: "o-1", name: "dev", metadata: Metadata::default() };
    let created = api::create_space(&remote, new, table("spaces")).await.unwrap();
    assert_eq!((&*created.stamp.guid, &*created.organization), ("s-1", "o-1"));
}

#[tokio::test]
async fn of_organizations_and_spaces_only_what_changes_is_sent() {
    let server = foundation_v3().await;
    let space = json!({"guid": "s-1", "name": "dev", "relationships": {"organization": {"data": {"guid": "o-1"}}}});
    for (at, body, answer) in [
        ("/v3/organizations/o-1", r#"{"name":"new"}"#, organization(1)),
        ("/v3/spaces/s-1", r#"{"metadata":{"labels":{"team":"db"}}}"#, space),
    ] {
        Mock::given(method("PATCH"))
            .and(path(at))
            .and(body_string(body))
            .respond_with(ResponseTemplate::new(200).set_body_json(answer))
            .expect(1)
            .mount(&server)
            .await;
    }
    let session = session(&server).await;
    let remote = Writer::to(&session);
    let change = ContainerChange { name: Some("new"), metadata: Metadata::default() };
    api::update_organization(&remote, "o-1", change, table("organizations")).await.unwrap();
    let change = ContainerChange { name: None, metadata: metadata() };
    api::update_space(&remote, "s-1", change, table("spaces")).await.unwrap();
}

fn new() -> NewInstance<'static> {
    NewInstance {
        space: "s-1",
        name: "my, db",
        plan: "p-1",
        gateway_data: Some(json!("x")),
        parameters: Some(json!({"size": 3})),
        tags: Some(json!(["a"])),
        metadata: metadata(),
    }
}

const NEW: &str = r#"{"type":"managed","name":"my, db","relationships":{"space":{"data":{"guid":"s-1"}},"service_plan":{"data":{"guid":"p-1"}}},"parameters":{"size":3},"tags":["a"],"metadata":{"labels":{"team":"db"}}}"#;

#[tokio::test]
async fn an_instance_is_created_with_everything_in_one_request_and_then_found_by_its_name() {
    let server = foundation_v3().await;
    let accepted = ResponseTemplate::new(202).insert_header("location", "https://elsewhere/v3/jobs/j-1");
    post(&server, "/v3/service_instances", NEW, accepted).await;
    let shared = instance("i-9", "my, db", "s-9");
    Mock::given(method("GET"))
        .and(path("/v3/service_instances"))
        .and(query_param("names", "my%2C%20db"))
        .and(query_param("space_guids", "s-1"))
        .respond_with(ResponseTemplate::new(200).set_body_json(page_v3(&[shared, instance("i-1", "my, db", "s-1")])))
        .expect(1)
        .mount(&server)
        .await;
    let session = session(&server).await;
    let created = api::create_service_instance(&Writer::to(&session), new(), table("service_instances")).await.unwrap();
    assert_eq!(&*created.stamp.guid, "i-1", "not the one that is shared into the space");
}

#[tokio::test]
async fn an_accepted_create_that_cannot_be_found_is_uncertain() {
    for (status, body) in [(200, page_v3(&[])), (400, json!({"errors": []}))] {
        let server = foundation_v3().await;
        Mock::given(method("POST")).respond_with(ResponseTemplate::new(202)).expect(1).mount(&server).await;
        Mock::given(method("GET"))
            .and(path("/v3/service_instances"))
            .respond_with(ResponseTemplate::new(status).set_body_json(body))
            .mount(&server)
            .await;
        let session = session(&server).await;
        let created = api::create_service_instance(&Writer::to(&session), new(), table("service_instances")).await;
        assert!(created.unwrap_err().uncertain, "{status}");
    }
}
