//! Connecting, staying signed in, and reading lists, against canned answers.

use serde_json::json;
use wiremock::matchers::{header, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::testing::*;
use crate::kind::{Failure, Others, RemoteError, Scope, Session, Wanted};
use crate::model::Collection;
use crate::settings::Auth;

async fn get(server: &MockServer, at: &str, answer: ResponseTemplate) {
    Mock::given(method("GET")).and(path(at)).respond_with(answer).mount(server).await;
}

fn refused(connected: Result<Box<dyn Session>, RemoteError>) -> RemoteError {
    connected.err().expect("it is refused")
}

async fn observe_organizations(session: &dyn Session) -> Result<Collection, RemoteError> {
    let declared = declared([]);
    let wanted = Wanted {
        resources: &[],
        references: &[],
        observed: Others::default(),
        declared: &declared,
        scope: Scope::Declared,
    };
    registry().kind("organizations").unwrap().observe(&wanted, session).await
}

fn organization(number: u32) -> serde_json::Value {
    object(&format!("o-{number}"), json!({"name": format!("org {number}")}))
}

#[tokio::test]
async fn a_target_that_asks_for_v2_where_it_is_off_is_refused_in_words() {
    let server = MockServer::start().await;
    let links = json!({"links": {"cloud_controller_v3": {"href": "x"}, "login": {"href": server.uri()}}});
    get(&server, "/", ResponseTemplate::new(200).set_body_json(links)).await;
    let error = refused(insist(&server, password(), "v2").await);
    assert_eq!(error.failure, Failure::UnknownDialect);
    assert_eq!(error.message, "this foundation has switched v2 off");
    assert_eq!(server.received_requests().await.unwrap().len(), 1, "no secret was sent");
}

#[tokio::test]
async fn v3_is_spoken_where_it_is_offered_and_v2_elsewhere_unless_one_is_insisted_on() {
    let (v2, v3) = (r#""cloud_controller_v2":{"href":"x"}"#, r#""cloud_controller_v3":{"href":"x"}"#);
    for (links, wanted, expected) in [
        (format!("{v2},{v3}"), "auto", Some("v3")),
        (format!("{v2},{v3}"), "v2", Some("v2")),
        (format!("{v2},{v3}"), "v3", Some("v3")),
        (v2.to_owned(), "auto", Some("v2")),
        (v2.to_owned(), "v3", None),
        (v3.to_owned(), "auto", Some("v3")),
        (format!(r#""cloud_controller_v2":null,{v3}"#), "v2", None),
    ] {
        let server = MockServer::start().await;
        let body = format!(r#"{{"links":{{{links},"login":{{"href":"{}"}}}}}}"#, server.uri());
        get(&server, "/", ResponseTemplate::new(200).set_body_string(body)).await;
        let connected = insist(&server, Auth::Token("t".into()), wanted).await;
        match expected {
            Some(api) => assert_eq!(connected.unwrap().facts().api, api, "{links} {wanted}"),
            None => assert_eq!(refused(connected).failure, Failure::UnknownDialect, "{links} {wanted}"),
        }
        assert_eq!(server.received_requests().await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn where_the_root_says_nothing_v3_is_asked_itself_if_it_is_insisted_on() {
    let root = r#"{"links":{"organizations":{"href":"x"}}}"#;
    for (version, wanted, v3, expected) in [
        ("2.22.0", "v3", Some(root), Some("v3")),
        ("2.22.0", "v3", None, None),
        ("2.22.0", "auto", Some(root), Some("v2")),
        ("", "auto", None, Some("v3")),
    ] {
        let server = MockServer::start().await;
        get(&server, "/", ResponseTemplate::new(404)).await;
        let info = json!({"api_version": version, "authorization_endpoint": server.uri()});
        get(&server, "/v2/info", ResponseTemplate::new(200).set_body_json(info)).await;
        if let Some(body) = v3 {
            get(&server, "/v3", ResponseTemplate::new(200).set_body_string(body)).await;
        }
        let connected = insist(&server, Auth::Token("t".into()), wanted).await;
        assert_eq!(connected.ok().map(|session| session.facts().api), expected, "{version:?} {wanted}");
    }
}

#[tokio::test]
async fn where_the_root_says_nothing_the_info_tells() {
    let server = MockServer::start().await;
    get(&server, "/", ResponseTemplate::new(404).set_body_string("<html>")).await;
    let info = json!({"api_version": "2.22.0", "authorization_endpoint": server.uri()});
    get(&server, "/v2/info", ResponseTemplate::new(200).set_body_json(info)).await;
    Mock::given(method("POST"))
        .and(path("/oauth/token"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"access_token": "t"})))
        .expect(1)
        .mount(&server)
        .await;
    let session = connect(&server, password()).await.unwrap();
    assert_eq!(session.facts().api, "v2");
    assert_eq!(session.requests().read, 3);
    assert_eq!(session.requests().write, 0);
}

#[tokio::test]
async fn where_the_root_does_not_say_where_to_sign_in_the_info_tells() {
    let server = MockServer::start().await;
    let links = json!({"links": {"cloud_controller_v2": {"href": "x"}, "login": null}});
    get(&server, "/", ResponseTemplate::new(200).set_body_json(links)).await;
    let info = json!({"api_version": "2.22.0", "token_endpoint": format!("{}/uaa", server.uri())});
    get(&server, "/v2/info", ResponseTemplate::new(200).set_body_json(info)).await;
    Mock::given(method("POST"))
        .and(path("/uaa/oauth/token"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"access_token": "t"})))
        .expect(1)
        .mount(&server)
        .await;
    connect(&server, password()).await.unwrap();
}

#[tokio::test]
async fn a_foundation_that_tells_nowhere_to_sign_in_can_be_used_with_a_ready_token() {
    let server = MockServer::start().await;
    let links = json!({"links": {"cloud_controller_v2": {"href": "x"}}});
    get(&server, "/", ResponseTemplate::new(200).set_body_json(links)).await;
    assert_eq!(refused(connect(&server, password()).await).failure, Failure::UnknownDialect);
    connect(&server, Auth::Token("t".into())).await.unwrap();
}

#[tokio::test]
async fn no_secret_is_sent_where_it_would_not_be_safe() {
    let server = MockServer::start().await;
    let links = json!({"links": {"cloud_controller_v2": {"href": "x"}, "login": {"href": "ftp://login.x"}}});
    get(&server, "/", ResponseTemplate::new(200).set_body_json(links)).await;
    let error = refused(connect(&server, password()).await);
    assert_eq!(error.failure, Failure::UnknownDialect);
    assert!(error.message.contains("ftp://login.x"), "{}", error.message);
}

#[tokio::test]
async fn what_is_no_foundation_is_sent_no_secret() {
    let server = MockServer::start().await;
    get(&server, "/", ResponseTemplate::new(200).set_body_string("<html><title>Blog</title>")).await;
    let error = refused(connect(&server, password()).await);
    assert_eq!(error.failure, Failure::UnknownDialect);
    assert_eq!(error.problem.detail.as_deref(), Some("Blog"));
    assert!(server.received_requests().await.unwrap().iter().all(|request| request.method == "GET"));
}

#[tokio::test]
async fn a_token_that_is_refused_is_replaced_once_and_the_request_repeated() {
    let server = foundation().await;
    for (token, times) in [("one", 1), ("two", 1)] {
        Mock::given(method("POST"))
            .and(path("/oauth/token"))
            .respond_with(ResponseTemplate::new(200).set_body_json(json!({"access_token": token, "expires_in": 600})))
            .up_to_n_times(times)
            .mount(&server)
            .await;
    }
    let invalid = json!({"description": "Invalid Auth Token", "error_code": "CF-InvalidAuthToken", "code": 1000});
    get(&server, "/v2/organizations", ResponseTemplate::new(200).set_body_json(page(&[organization(1)]))).await;
    Mock::given(path("/v2/organizations"))
        .and(header("authorization", "bearer one"))
        .respond_with(ResponseTemplate::new(401).set_body_json(invalid))
        .with_priority(1)
        .expect(1)
        .mount(&server)
        .await;
    let session = connect(&server, password()).await.unwrap();
    assert_eq!(observe_organizations(&*session).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_ready_token_that_is_refused_is_not_tried_twice() {
    let server = foundation().await;
    let invalid = json!({"description": "Invalid Auth Token", "error_code": "CF-InvalidAuthToken", "code": 1000});
    Mock::given(path("/v2/organizations"))
        .respond_with(ResponseTemplate::new(401).set_body_json(invalid).insert_header("x-vcap-request-id", "r::1"))
        .expect(1)
        .mount(&server)
        .await;
    let error = observe_organizations(&*session(&server).await).await.unwrap_err();
    assert_eq!(error.failure, Failure::SignIn);
    assert_eq!(error.problem.request_id.as_deref(), Some("r::1"));
}

#[tokio::test]
async fn all_pages_are_read_and_each_object_counts_once() {
    let server = foundation().await;
    let numbered = |from: u32, to: u32| (from..=to).map(organization).collect::<Vec<_>>();
    let body = |resources: Vec<_>| json!({"total_results": 250, "total_pages": 3, "resources": resources});
    Mock::given(path("/v2/organizations"))
        .and(query_param("results-per-page", "100"))
        .and(query_param_is_missing("page"))
        .and(header("authorization", "bearer ready"))
        .respond_with(ResponseTemplate::new(200).set_body_json(body(numbered(1, 100))))
        .expect(1)
        .mount(&server)
        .await;
    for (number, resources) in [("2", numbered(100, 199)), ("3", numbered(200, 250))] {
        Mock::given(path("/v2/organizations"))
            .and(query_param("page", number))
            .respond_with(ResponseTemplate::new(200).set_body_json(body(resources)))
            .expect(1)
            .mount(&server)
            .await;
    }
    let found = observe_organizations(&*session(&server).await).await.unwrap();
    assert_eq!(found.len(), 250);
    assert_eq!(found.with_id("o-250").unwrap().identity.to_string(), "org 250");
    assert_eq!(found.named("ORG 7", true).count(), 1);
}

#[tokio::test]
async fn a_list_that_changes_while_it_is_read_is_read_again() {
    let server = foundation().await;
    let body =
        |total: u32, number| json!({"total_results": total, "total_pages": 2, "resources": [organization(number)]});
    for (missing, total, times) in [(true, 200, 1), (true, 199, 1), (false, 199, 2)] {
        let mock = Mock::given(path("/v2/organizations"));
        let mock = if missing { mock.and(query_param_is_missing("page")) } else { mock.and(query_param("page", "2")) };
        mock.respond_with(ResponseTemplate::new(200).set_body_json(body(total, if missing { 1 } else { 2 })))
            .up_to_n_times(times)
            .expect(times)
            .mount(&server)
            .await;
    }
    assert_eq!(observe_organizations(&*session(&server).await).await.unwrap().len(), 2);
}

#[tokio::test]
async fn v2_switched_off_behind_a_stale_root_is_said_so() {
    let server = foundation().await;
    let off = json!({"errors": [{"detail": "Unknown request", "title": "CF-NotFound", "code": 10000}]});
    get(&server, "/v2/organizations", ResponseTemplate::new(404).set_body_json(off)).await;
    let error = observe_organizations(&*session(&server).await).await.unwrap_err();
    assert_eq!(error.failure, Failure::UnknownDialect);
    assert!(error.message.contains("switched v2 off"));
}

#[tokio::test]
async fn an_answer_of_another_shape_is_an_error_and_not_an_empty_list() {
    let server = foundation().await;
    get(&server, "/v2/organizations", ResponseTemplate::new(200).set_body_json(json!([]))).await;
    let error = observe_organizations(&*session(&server).await).await.unwrap_err();
    assert_eq!(error.failure, Failure::Malformed);
    assert!(!error.uncertain);
}
