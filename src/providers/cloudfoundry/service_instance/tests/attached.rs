//! What a delete would take along, and what stands in the way of a rename.

use super::*;
use crate::model::{Lifecycle, Spanned};

async fn attached(server: &MockServer, change: impl FnOnce(&mut Lifecycle)) -> Collection {
    let mut instances = Vec::new();
    for guid in ["db", "other"] {
        instances.push(pending(guid, "s-1"));
    }
    let instances = Collection::new(instances, false);
    let mut db = db(named("spaces", "acme/production"));
    change(&mut db.lifecycle);
    let all = declared([db]);
    let none = Collection::default();
    let observed = Others::from_iter([("service_instances", &instances), ("user_provided_service_instances", &none)]);
    let wanted = Wanted { resources: &[], references: &[], observed, declared: &all, scope: Scope::Declared };
    let kind = Arc::clone(registry().kind("service_bindings").unwrap());
    kind.observe(&wanted, &*session(server).await).await.unwrap()
}

fn along(attached: Collection, guid: &str, api: &'static str) -> Vec<String> {
    let facts = Facts { provider: NAME, url: "x".into(), api, read_only: None };
    let collections = BTreeMap::from([("service_bindings", attached)]);
    let tied = kind().declared().unwrap().takes_along(&pending(guid, "s-1"), &collections, &facts);
    let mut words: Vec<String> = tied.into_iter().map(|tied| tied.words).collect();
    words.sort();
    words
}

async fn get(server: &MockServer, at: &str, body: Json) {
    let answer = ResponseTemplate::new(200).set_body_json(body);
    Mock::given(method("GET")).and(path(at)).respond_with(answer).expect(1).mount(server).await;
}

#[tokio::test]
async fn without_consent_nothing_is_asked() {
    for server in [foundation().await, foundation_v3().await] {
        assert!(attached(&server, |_| {}).await.is_empty());
        assert_eq!(server.received_requests().await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn v3_tells_keys_bindings_routes_and_shares() {
    let server = foundation_v3().await;
    let of = json!({"data": {"guid": "db"}});
    let bindings = [
        json!({"guid": "k-1", "name": "ci", "type": "key", "relationships": {"service_instance": of}}),
        json!({"guid": "b-1", "name": null, "type": "app",
            "relationships": {"service_instance": of, "app": {"data": {"guid": "a-1"}}}}),
        json!({"guid": "b-2", "type": "app", "relationships": {"service_instance": of, "app": {"data": {"guid": "a-2"}}}}),
    ];
    let mut bindings = page_v3(&bindings);
    bindings["included"] = json!({"apps": [{"guid": "a-1", "name": "web"}]});
    Mock::given(path("/v3/service_credential_bindings"))
        .and(query_param("service_instance_guids", "db"))
        .respond_with(ResponseTemplate::new(200).set_body_json(bindings))
        .expect(1)
        .mount(&server)
        .await;
    let route = json!({"guid": "r-1", "relationships": {"service_instance": of, "route": {"data": {"guid": "x"}}}});
    get(&server, "/v3/service_route_bindings", page_v3(&[route])).await;
    let shares =
        json!({"data": [{"guid": "s-2"}, {"guid": "s-3"}], "included": {"spaces": [{"guid": "s-2", "name": "dev"}]}});
    get(&server, "/v3/service_instances/db/relationships/shared_spaces", shares).await;
    let found = attached(&server, |lifecycle| lifecycle.consent.replace = true).await;
    assert_eq!(
        along(found.clone(), "db", "v3"),
        [
            "the binding of a route",
            "the binding of the app `a-2`",
            "the binding of the app `web`",
            "the service key `ci`",
            "the share with the space `dev`",
            "the share with the space `s-3`",
        ]
    );
    assert_eq!(along(found, "other", "v3"), [""; 0]);
}

#[tokio::test]
async fn v2_tells_them_in_lists_of_their_own_and_credentials_are_not_read() {
    let server = foundation().await;
    let credentials = json!({"password": "hush"});
    let key = object("k-1", json!({"name": "ci", "service_instance_guid": "db", "credentials": credentials}));
    let binding = object("b-1", json!({"app_guid": "a-1", "service_instance_guid": "db", "credentials": credentials}));
    get(&server, "/v2/service_keys", page(&[key])).await;
    get(&server, "/v2/service_bindings", page(&[binding])).await;
    get(&server, "/v2/service_instances/db/routes", page(&[object("r-1", json!({"host": "www", "path": "/x"}))])).await;
    let shares = json!({"total_results": 1, "total_pages": 1, "resources": [
        {"space_guid": "s-2", "space_name": "dev", "organization_name": "acme", "bound_app_count": 0}]});
    get(&server, "/v2/service_instances/db/shared_to", shares).await;
    let found = attached(&server, |lifecycle| lifecycle.absent = Some(span())).await;
    assert!(!format!("{found:?}").contains("hush"));
    assert_eq!(
        along(found, "db", "v2"),
        [
            "the binding of the app `a-1`",
            "the binding of the route `www/x`",
            "the service key `ci`",
            "the share with the space `acme/dev`",
        ]
    );
}

/// What a delete of the user-provided instance `mail` would take along.
async fn along_with_mail(server: &MockServer, api: &'static str) -> Vec<String> {
    let mail = Collection::new(vec![pending("mail", "s-1")], false);
    let mut declaration = declare("user_provided_service_instances", "mail", []);
    declaration.lifecycle.absent = Some(span());
    let all = declared([declaration]);
    let none = Collection::default();
    let observed = Others::from_iter([("user_provided_service_instances", &mail), ("service_instances", &none)]);
    let wanted = Wanted { resources: &[], references: &[], observed, declared: &all, scope: Scope::Declared };
    let kind = Arc::clone(registry().kind("service_bindings").unwrap());
    let attached = kind.observe(&wanted, &*session(server).await).await.unwrap();
    let facts = Facts { provider: NAME, url: "x".into(), api, read_only: None };
    let collections = BTreeMap::from([("service_bindings", attached)]);
    let kind = Arc::clone(registry().kind("user_provided_service_instances").unwrap());
    let along = kind.declared().unwrap().takes_along(&pending("mail", "s-1"), &collections, &facts);
    along.into_iter().map(|tied| tied.words).collect()
}

#[tokio::test]
async fn user_provided_instances_have_bindings_and_routes_and_neither_keys_nor_shares() {
    let server = foundation_v3().await;
    let of = json!({"data": {"guid": "mail"}});
    let binding = json!({"guid": "b-1", "type": "app", "name": null,
        "relationships": {"service_instance": of, "app": {"data": {"guid": "a-1"}}}});
    let route = json!({"guid": "r-1", "relationships": {"service_instance": of}});
    for (list, resource) in [("service_credential_bindings", binding), ("service_route_bindings", route)] {
        get(&server, &format!("/v3/{list}"), page_v3(&[resource])).await;
    }
    let expected = ["the binding of the app `a-1`", "the binding of a route"];
    assert_eq!(along_with_mail(&server, "v3").await, expected);
    assert_eq!(server.received_requests().await.unwrap().len(), 3, "no shares are asked for");

    let server = foundation().await;
    let binding = object("b-1", json!({"app_guid": "a-1", "service_instance_guid": "mail", "name": "web"}));
    get(&server, "/v2/service_bindings", page(&[binding])).await;
    let route = object("r-1", json!({"host": "www", "path": ""}));
    get(&server, "/v2/user_provided_service_instances/mail/routes", page(&[route])).await;
    let expected = ["the binding of the app `web`", "the binding of the route `www`"];
    assert_eq!(along_with_mail(&server, "v2").await, expected);
    assert_eq!(server.received_requests().await.unwrap().len(), 3, "neither keys nor shares are asked for");
}

#[tokio::test]
async fn what_is_bound_to_a_user_provided_instance_is_told_too() {
    const SECTION: &str = "user_provided_service_instances";
    let server = foundation_v3().await;
    let of = json!({"data": {"guid": "smtp"}});
    let binding = json!({"guid": "b-1", "type": "app",
        "relationships": {"service_instance": of, "app": {"data": {"guid": "a-1"}}}});
    get(&server, "/v3/service_credential_bindings", page_v3(&[binding])).await;
    get(&server, "/v3/service_route_bindings", page_v3(&[])).await;
    let refused = json!({"errors": [{"code": 10008, "title": "CF-UnprocessableEntity", "detail": "user-provided"}]});
    Mock::given(path("/v3/service_instances/smtp/relationships/shared_spaces"))
        .respond_with(ResponseTemplate::new(422).set_body_json(refused))
        .mount(&server)
        .await;
    let mut smtp = pending("smtp", "s-1");
    smtp.fields.set("name", text("smtp"));
    let provided = Collection::new(vec![smtp], false);
    let mut gone = declare(SECTION, "smtp", [("space", named("spaces", "acme/production"))]);
    gone.identity = Identity { parts: vec![("space", "acme/production".into()), ("name", "smtp".into())] };
    gone.lifecycle.absent = Some(span());
    let all = declared([gone]);
    let none = Collection::default();
    let observed = Others::from_iter([(SECTION, &provided), ("service_instances", &none)]);
    let wanted = Wanted { resources: &[], references: &[], observed, declared: &all, scope: Scope::Declared };
    let registry = registry();
    let bindings = registry.kind("service_bindings").unwrap();
    let found = bindings.observe(&wanted, &*session(&server).await).await.unwrap();
    let collections = BTreeMap::from([("service_bindings", found)]);
    let facts = Facts { provider: NAME, url: "x".into(), api: "v3", read_only: None };
    let kind = registry.kind(SECTION).unwrap().declared().unwrap();
    let tied = kind.takes_along(provided.iter().next().unwrap(), &collections, &facts);
    assert_eq!(tied.iter().map(|tied| &*tied.words).collect::<Vec<_>>(), ["the binding of the app `a-1`"]);
}

#[tokio::test]
async fn a_shared_instance_is_not_renamed() {
    let server = foundation_v3().await;
    get(&server, "/v3/service_credential_bindings", page_v3(&[])).await;
    Mock::given(path("/v3/service_instances/db/relationships/shared_spaces"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"data": [{"guid": "s-2"}]})))
        .expect(1)
        .mount(&server)
        .await;
    let was = Spanned { value: "db".into(), span: span() };
    let shared = attached(&server, |lifecycle| lifecycle.was = Some(was)).await;
    let found = checked(&Proposed::new([]), Some(&pending("db", "s-1")), &[("service_bindings", shared.clone())]);
    assert_eq!(told(&found), [(Severity::Warning, Code::Blocked, "`db` cannot be renamed while it is shared")]);
    let other = checked(&Proposed::new([]), Some(&pending("other", "s-1")), &[("service_bindings", shared)]);
    assert!(other.is_empty());
}

#[test]
fn what_the_broker_of_a_withdrawn_plan_would_have_to_do_is_blocked() {
    let mut has_it = pending("i-1", "s-1");
    has_it.fields.set("name", text("my db"));
    has_it.fields.set("plan", link("postgres/old", "p-3"));
    has_it.fields.set("upgrade", Value::Bool(false));
    let old = |more: &[(&'static str, Value)]| {
        let plan = ("plan", link("postgres/old", "p-3"));
        Proposed::new(std::iter::once(plan).chain(more.iter().cloned()))
    };
    assert!(checked(&old(&[("upgrade", Value::Bool(false))]), Some(&has_it), &[]).is_empty());
    let found = checked(&old(&[("upgrade", Value::Bool(true))]), Some(&has_it), &[]);
    let message = "an instance of the plan `postgres/old`, which is no longer offered, is not changed";
    assert_eq!(told(&found), [(Severity::Warning, Code::Blocked, message)]);

    let parameters = |size| Value::Map(Box::new(IndexMap::from([(Arc::from("size"), text(size))])));
    let mark = crate::model::Fingerprint::of(&parameters("small"), "salt").unwrap();
    has_it.fields.set("parameters", Value::Fingerprint(Box::new(mark)));
    assert!(checked(&old(&[("parameters", parameters("small"))]), Some(&has_it), &[]).is_empty());
    assert_eq!(checked(&old(&[("parameters", parameters("large"))]), Some(&has_it), &[]).len(), 1);
}
