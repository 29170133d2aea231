//! Names that instances of other spaces have in a space they are shared into.

use super::*;
use crate::model::Spanned;

const INSTANCES: &str = "/v3/service_instances";

fn foreign(guid: &str, name: &str, space: &str) -> Json {
    json!({"guid": guid, "name": name, "type": "managed", "tags": [], "last_operation": {},
        "relationships": {"space": {"data": {"guid": space}}, "service_plan": {"data": {"guid": "p-1"}}}})
}

/// What is found of shared instances, as `space/name`, where these are declared, and `there` is in the production space.
async fn observe(server: &MockServer, declarations: &[Resource], there: &[&str]) -> Result<Collection, RemoteError> {
    let spaces = spaces();
    let there = there.iter().map(|name| {
        let mut there = pending(name, "s-1");
        there.fields.set("name", text(name));
        there
    });
    let (there, none) = (Collection::new(there.collect(), false), Collection::default());
    let all = declared(declarations.iter().cloned());
    let observed = Others::from_iter([
        ("spaces", &spaces),
        ("service_instances", &there),
        ("user_provided_service_instances", &none),
    ]);
    let wanted = Wanted { resources: &[], references: &[], observed, declared: &all, scope: Scope::Declared };
    let kind = Arc::clone(registry().kind("shared_service_instances").unwrap());
    kind.observe(&wanted, &*session(server).await).await
}

fn found(found: &Collection) -> Vec<String> {
    found.iter().map(|one| one.identity.to_string()).collect()
}

fn mail() -> Resource {
    declare("user_provided_service_instances", "mail", [("space", named("spaces", "acme/staging"))])
}

#[tokio::test]
async fn the_list_of_one_space_tells_what_is_shared_into_it() {
    let server = foundation_v3().await;
    let body = page_v3(&[foreign("i-1", "db", "s-9"), foreign("i-2", "other", "s-9"), foreign("i-3", "db", "s-1")]);
    Mock::given(path(INSTANCES))
        .and(query_param("space_guids", "s-1"))
        .respond_with(ResponseTemplate::new(200).set_body_json(body))
        .expect(1)
        .mount(&server)
        .await;
    let declarations = [db(named("spaces", "acme/production"))];
    assert_eq!(found(&observe(&server, &declarations, &["else"]).await.unwrap()), ["s-1/db"]);
}

#[tokio::test]
async fn of_several_spaces_the_instance_itself_is_asked_which() {
    for (status, expected) in [(200, vec!["s-2/mail"]), (403, vec![]), (404, vec![])] {
        let server = foundation_v3().await;
        let body = page_v3(&[foreign("i-1", "mail", "s-9"), foreign("i-2", "db", "s-1")]);
        Mock::given(path(INSTANCES))
            .and(query_param("space_guids", "s-1,s-2"))
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
            .expect(1)
            .mount(&server)
            .await;
        let refusal = json!({"errors": [{"title": "CF-ResourceNotFound", "code": 10010, "detail": "no"}]});
        let body = if status == 200 { json!({"data": [{"guid": "s-2"}]}) } else { refusal };
        Mock::given(path(format!("{INSTANCES}/i-1/relationships/shared_spaces")))
            .respond_with(ResponseTemplate::new(status).set_body_json(body))
            .expect(1)
            .mount(&server)
            .await;
        let declarations = [db(named("spaces", "acme/production")), mail()];
        assert_eq!(found(&observe(&server, &declarations, &[]).await.unwrap()), expected);
    }
}

#[tokio::test]
async fn nothing_is_asked_where_no_name_is_taken_anew_nor_of_v2() {
    let declarations = [db(named("spaces", "acme/production"))];
    let server = foundation_v3().await;
    assert!(observe(&server, &declarations, &["db"]).await.unwrap().is_empty());
    let mut gone = db(named("spaces", "acme/production"));
    gone.lifecycle.absent = Some(span());
    assert!(observe(&server, &[gone], &[]).await.unwrap().is_empty());
    assert_eq!(server.received_requests().await.unwrap().len(), 2, "each session finds out what answers");
    let server = foundation().await;
    assert!(observe(&server, &declarations, &[]).await.unwrap().is_empty());
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_new_name_of_what_is_renamed_is_the_one_that_is_declared() {
    let server = foundation_v3().await;
    let body = page_v3(&[foreign("i-1", "db", "s-9"), foreign("i-2", "written-out", "s-9")]);
    Mock::given(path(INSTANCES)).respond_with(ResponseTemplate::new(200).set_body_json(body)).mount(&server).await;
    let mut renamed = db(named("spaces", "acme/production"));
    renamed.identity = Identity::single("name", "earlier");
    renamed.lifecycle.was = Some(Spanned { value: "earlier".into(), span: span() });
    let by_key = observe(&server, std::slice::from_ref(&renamed), &["earlier"]).await.unwrap();
    assert_eq!(found(&by_key), ["s-1/db"]);
    renamed.fields.set("name", text("written-out"));
    assert_eq!(found(&observe(&server, &[renamed], &["earlier"]).await.unwrap()), ["s-1/written-out"]);
}

#[test]
fn a_name_that_a_shared_instance_has_is_taken_and_so_it_is_for_a_rename() {
    let other = |section: &'static str, name: &str, space: &str| {
        let mut object = pending("u-1", space);
        object.fields.set("name", text(name));
        [(section, Collection::new(vec![object], false))]
    };
    let shared = |name: &str, space: &str| other("shared_service_instances", name, space);
    let message = "the name `acme/production/my db` is taken by a service instance that is shared into the space";
    let taken = [(Severity::Error, Code::NameTaken, message)];
    assert_eq!(told(&checked(&Proposed::new([]), None, &shared("my db", "s-1"))), taken);
    assert!(checked(&Proposed::new([]), None, &shared("my db", "s-2")).is_empty());
    let mut there = pending("i-1", "s-1");
    there.fields.set("name", text("earlier"));
    assert_eq!(told(&checked(&Proposed::new([]), Some(&there), &shared("my db", "s-1"))), taken);
    let user_provided = other("user_provided_service_instances", "my db", "s-1");
    let message = "the name `acme/production/my db` is taken by a user-provided service instance";
    let taken = [(Severity::Error, Code::NameTaken, message)];
    assert_eq!(told(&checked(&Proposed::new([]), Some(&there), &user_provided)), taken);
    there.fields.set("name", text("my db"));
    assert!(checked(&Proposed::new([]), Some(&there), &user_provided).is_empty(), "it has it itself");
}
