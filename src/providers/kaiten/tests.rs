//! The provider against scripted answers: wiring, and what no pure function sees.

use serde_json::json;
use wiremock::matchers::{body_json, header, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::clock::Clock;
use crate::model::{Address, Fields, Identity, Link, Value};

pub(super) fn link(name: Option<&str>, id: &str) -> Value {
    Value::Link(Box::new(Link { name: name.map(Into::into), id: Some(id.into()) }))
}

pub(super) fn instance_fields() -> Fields {
    [
        ("name", Value::text("Acme production")),
        ("customer", link(Some("acme"), "c1")),
        ("license", link(Some("growth"), "l1")),
        ("start_license_date", Value::text("2026-09-01T00:00:00Z")),
        ("end_license_date", Value::text("2027-09-01T00:00:00Z")),
    ]
    .into_iter()
    .collect()
}

pub(super) fn endpoint(url: &str, api: Option<&str>) -> Endpoint {
    Endpoint {
        name: "kaiten".into(),
        provider: "kaiten",
        url: url.parse().unwrap(),
        api: api.map(Into::into),
        auth: Auth::Token(SecretString::from("ksh_hush")),
        ca: None,
        skip_tls_verify: false,
        seed_writes: false,
        parallelism: 4,
        request_timeout: std::time::Duration::from_secs(5),
    }
}

async fn connect(url: &str, api: Option<&str>) -> Result<Kaiten, RemoteError> {
    Provided::connect(&endpoint(url, api), &Clock::system()).await
}

fn ok(body: &Json) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

fn page(items: &Json) -> ResponseTemplate {
    ok(&json!({"items": items, "hasMore": false}))
}

async fn answers(server: &MockServer, verb: &str, at: &str, with: ResponseTemplate) {
    Mock::given(method(verb)).and(path(at)).respond_with(with).mount(server).await;
}

pub(super) async fn create(
    kaiten: &Kaiten,
    section: &'static str,
    slug: &str,
    fields: &Fields,
) -> Result<Observed, RemoteError> {
    let (address, identity) = (Address::new(section, slug), Identity::single("slug", slug));
    let proposal = Proposal { address: &address, identity: &identity, fields };
    let registry = crate::providers::registry();
    let kind = registry.kind(section).unwrap().declared().unwrap();
    kind.create(proposal, kaiten).await
}

pub(super) async fn look_up(
    kaiten: &Kaiten,
    section: &'static str,
    slug: &str,
    fields: &Fields,
) -> Result<Option<Observed>, RemoteError> {
    let (address, identity) = (Address::new(section, slug), Identity::single("slug", slug));
    let proposal = Proposal { address: &address, identity: &identity, fields };
    let registry = crate::providers::registry();
    let kind = registry.kind(section).unwrap().declared().unwrap();
    kind.look_up(proposal, kaiten).await
}

#[tokio::test]
async fn todays_api_is_recognised_with_one_signed_read_that_need_not_be_repeated() {
    let server = MockServer::start().await;
    Mock::given(path("/api/instances"))
        .and(header("authorization", "Bearer ksh_hush"))
        .and(query_param("limit", "200"))
        .respond_with(page(&json!([])))
        .mount(&server)
        .await;
    for base in [server.uri(), format!("{}/api", server.uri()), format!("{}/api/", server.uri())] {
        let kaiten = connect(&base, None).await.unwrap();
        assert_eq!((kaiten.facts().api, kaiten.prefix), ("core", "/api"), "{base}");
        assert_eq!(kaiten.requests(), Requests { read: 1, write: 0 }, "{base}");
        assert!(kaiten.instances(&instance::SECTION, "/instances").await.unwrap().is_empty());
        assert_eq!(kaiten.requests().read, 1, "{base}");
        assert!(kaiten.instances(&instance::SECTION, "/instances").await.unwrap().is_empty());
        assert_eq!(kaiten.requests().read, 2, "what was used once is read anew");
    }
}

#[tokio::test]
async fn the_seed_dialect_is_recognised_where_today_answers_404() {
    let server = MockServer::start().await;
    answers(&server, "GET", "/instances", ok(&json!([]))).await;
    let kaiten = connect(&server.uri(), None).await.unwrap();
    assert_eq!((kaiten.facts().api, kaiten.prefix, kaiten.requests().read), ("seed", "", 2));
}

#[tokio::test]
async fn a_refused_token_decides_nothing_and_shows_nothing() {
    let server = MockServer::start().await;
    let problem = json!({"status": 401, "code": "ValidateToken.Invalid", "detail": "Invalid token"});
    answers(&server, "GET", "/api/instances", ResponseTemplate::new(401).set_body_json(problem)).await;
    let error = connect(&server.uri(), None).await.unwrap_err();
    assert_eq!(error.failure, Failure::SignIn);
    assert!(error.help.as_deref().unwrap().contains("expired"));
    assert!(!format!("{error:?}").contains("hush"));
    assert_eq!(server.received_requests().await.unwrap().len(), 1, "nothing else is tried");
}

#[tokio::test]
async fn what_can_be_no_token_is_not_sent() {
    for token in ["", "ksh_a\nb", "ksh_ü", "ksh a"] {
        let endpoint = Endpoint { auth: Auth::Token(token.into()), ..endpoint("http://127.0.0.1:1", Some("core")) };
        let error = Provided::connect(&endpoint, &Clock::system()).await.unwrap_err();
        assert_eq!(error.failure, Failure::SignIn, "{token:?}");
    }
}

#[tokio::test]
async fn a_collection_that_is_not_there_is_a_wrong_address() {
    let server = MockServer::start().await;
    let kaiten = connect(&server.uri(), Some("core")).await.unwrap();
    let error = kaiten.collection(&customer::SECTION, "/customers").await.unwrap_err();
    assert_eq!((error.failure, error.problem.path.as_str()), (Failure::NotFound, "/api/customers"));
    assert!(error.help.unwrap().contains("`url`"));
}

#[tokio::test]
async fn what_is_no_kaiten_is_said_so() {
    let server = MockServer::start().await;
    answers(&server, "GET", "/instances", ResponseTemplate::new(200).set_body_string("<html>")).await;
    let error = connect(&server.uri(), None).await.unwrap_err();
    assert_eq!(error.failure, Failure::UnknownDialect);
    assert!(error.message.ends_with("(`/api/instances`: 404, `/instances`: 200)"), "{}", error.message);
    assert!(error.help.unwrap().contains("`dialect = \"core\"`"));
}

#[tokio::test]
async fn a_dialect_the_user_insists_on_is_not_asked_for() {
    for (url, api, prefix) in [("", "core", "/api"), ("", "seed", ""), ("/api", "seed", "/api")] {
        let kaiten = connect(&format!("http://127.0.0.1:1{url}"), Some(api)).await.unwrap();
        assert_eq!((kaiten.facts().api, kaiten.prefix), (api, prefix));
        assert_eq!(kaiten.requests().read, 0);
    }
}

#[tokio::test]
async fn a_collection_is_read_by_pages_of_200() {
    let server = MockServer::start().await;
    let all = || Mock::given(path("/api/customers")).and(query_param("limit", "200"));
    all()
        .and(query_param_is_missing("cursor"))
        .respond_with(ok(&json!({"items": [{"id": "c1", "slug": "acme"}], "hasMore": true, "nextCursor": "n=1"})))
        .mount(&server)
        .await;
    all()
        .and(query_param("cursor", "n=1"))
        .respond_with(page(&json!([{"id": "c2", "slug": "bolt"}])))
        .mount(&server)
        .await;
    let kaiten = connect(&server.uri(), Some("core")).await.unwrap();
    let customers = kaiten.collection(&customer::SECTION, "/customers").await.unwrap();
    let slugs: Vec<_> = customers.iter().map(|customer| customer.identity.to_string()).collect();
    assert_eq!(slugs, ["acme", "bolt"]);
    assert_eq!(kaiten.requests().read, 2);
}

#[tokio::test]
async fn the_seed_dialect_is_asked_for_instances_only_and_without_paging() {
    let server = MockServer::start().await;
    answers(&server, "GET", "/instances", ok(&json!([{"id": "i1", "slug": "a-b"}]))).await;
    let kaiten = connect(&server.uri(), Some("seed")).await.unwrap();
    assert_eq!(kaiten.collection(&customer::SECTION, "/customers").await.unwrap().len(), 0);
    assert_eq!(kaiten.collection(&instance::SECTION, "/instances").await.unwrap().len(), 1);
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.iter().map(|request| request.url.query()).collect::<Vec<_>>(), [None]);
}

#[tokio::test]
async fn a_status_takes_a_second_write_only_if_it_differs() {
    let server = MockServer::start().await;
    let row = json!({"id": "i1", "slug": "acme-production", "status": "HEALTHY", "updatedAt": "2026-01-01T00:00:00Z"});
    Mock::given(method("POST"))
        .and(path("/api/instances"))
        .and(body_json(json!({
            "slug": "acme-production", "name": "Acme production", "description": "", "customerId": "c1",
            "licenseId": "l1", "startLicenseDate": "2026-09-01T00:00:00Z", "endLicenseDate": "2027-09-01T00:00:00Z",
            "metadata": {},
        })))
        .respond_with(ResponseTemplate::new(201).set_body_json(row))
        .mount(&server)
        .await;
    Mock::given(method("PATCH"))
        .and(path("/api/instances/acme-production"))
        .and(body_json(json!({"lifecycleStage": "ACTIVE"})))
        .respond_with(ResponseTemplate::new(204))
        .expect(1)
        .mount(&server)
        .await;
    let kaiten = connect(&server.uri(), Some("core")).await.unwrap();
    let mut fields = instance_fields();
    fields.set("status", Value::text("HEALTHY"));
    let created = create(&kaiten, "instances", "acme-production", &fields).await.unwrap();
    assert_eq!((&*created.id, kaiten.requests().write), ("i1", 1));
    fields.set("lifecycle_stage", Value::text("ACTIVE"));
    let created = create(&kaiten, "instances", "acme-production", &fields).await.unwrap();
    assert_eq!(created.fields.text("lifecycle_stage"), Some("ACTIVE"));
}

#[tokio::test]
async fn a_status_that_cannot_be_set_does_not_hide_that_the_instance_exists() {
    let server = MockServer::start().await;
    let row = json!({"id": "i1", "slug": "acme-production", "status": "HEALTHY"});
    answers(&server, "POST", "/api/instances", ResponseTemplate::new(201).set_body_json(row)).await;
    answers(&server, "PATCH", "/api/instances/acme-production", ResponseTemplate::new(500)).await;
    let kaiten = connect(&server.uri(), Some("core")).await.unwrap();
    let mut fields = instance_fields();
    fields.set("status", Value::text("DEGRADED"));
    let error = create(&kaiten, "instances", "acme-production", &fields).await.unwrap_err();
    assert!(error.message.starts_with("the instance has been created, but"), "{}", error.message);
    assert!(error.uncertain);
}

#[tokio::test]
async fn the_seed_documents_request_is_sent_as_documented() {
    let server = MockServer::start().await;
    let body = json!({
        "customerId": "c1", "licenseId": "l1", "licenseSlug": "growth", "name": "Acme production", "description": "",
        "startLicenseDate": "2026-09-01T00:00:00Z", "endLicenseDate": "2027-09-01T00:00:00Z", "metadata": {},
        "platform": {"type": "kubernetes"},
    });
    let mut with_slug = body.clone();
    with_slug["slug"] = "mine".into();
    for (body, id) in [(body, "i1"), (with_slug, "i2")] {
        Mock::given(method("POST"))
            .and(path("/instances"))
            .and(body_json(body))
            .respond_with(ResponseTemplate::new(200).set_body_json(json!({"id": id, "slug": "acme-production"})))
            .mount(&server)
            .await;
    }
    let kaiten = connect(&server.uri(), Some("seed")).await.unwrap();
    let mut fields = instance_fields();
    let platform = [("type".into(), Value::text("kubernetes"))].into_iter().collect();
    fields.set("platform", Value::Map(Box::new(platform)));
    assert_eq!(&*create(&kaiten, "instances", "key", &fields).await.unwrap().id, "i1");
    fields.set("slug", Value::text("mine"));
    assert_eq!(&*create(&kaiten, "instances", "mine", &fields).await.unwrap().id, "i2");
}

#[tokio::test]
async fn a_create_whose_answer_cannot_be_read_is_uncertain_and_a_refused_one_is_not() {
    let server = MockServer::start().await;
    answers(&server, "POST", "/api/customers", ResponseTemplate::new(201).set_body_string("{\"id\":")).await;
    let taken = json!({"code": "CreateDeploymentZone.SlugConflict", "detail": "slug taken"});
    answers(&server, "POST", "/api/deployment-zones", ResponseTemplate::new(409).set_body_json(taken)).await;
    let kaiten = connect(&server.uri(), Some("core")).await.unwrap();
    let fields = [("name", Value::text("Acme"))].into_iter().collect();
    let error = create(&kaiten, "customers", "acme", &fields).await.unwrap_err();
    assert_eq!((error.failure, error.uncertain), (Failure::Malformed, true));
    let error = create(&kaiten, "deployment_zones", "eu", &fields).await.unwrap_err();
    assert_eq!((error.failure, error.uncertain), (Failure::Conflict, false));
    assert_eq!(kaiten.requests(), Requests { read: 0, write: 2 });
}

#[tokio::test]
async fn a_create_is_repeated_only_while_nothing_was_written() {
    let server = MockServer::start().await;
    let unavailable = json!({"code": "Entitlement.VerificationUnavailable"});
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(503).set_body_json(unavailable))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let row = json!({"id": "c1", "slug": "acme"});
    answers(&server, "POST", "/api/customers", ResponseTemplate::new(201).set_body_json(row)).await;
    let kaiten = connect(&server.uri(), Some("core")).await.unwrap();
    let fields = [("name", Value::text("Acme"))].into_iter().collect();
    create(&kaiten, "customers", "acme", &fields).await.unwrap();
    assert_eq!(kaiten.requests().write, 2);
}

#[tokio::test]
async fn a_default_that_another_took_at_the_same_moment_is_asked_for_once_more() {
    let server = MockServer::start().await;
    let lost = json!({"status": 409, "code": "CreateLicense.DefaultConflict"});
    answers(&server, "POST", "/api/licenses", ResponseTemplate::new(409).set_body_json(lost)).await;
    let taken = json!({"status": 409, "code": "CreateCustomer.SlugConflict"});
    answers(&server, "POST", "/api/customers", ResponseTemplate::new(409).set_body_json(taken)).await;
    let kaiten = connect(&server.uri(), Some("core")).await.unwrap();
    let fields = [("name", Value::text("Growth"))].into_iter().collect();
    let error = create(&kaiten, "licenses", "growth", &fields).await.unwrap_err();
    assert_eq!((error.failure, kaiten.requests().write), (Failure::Conflict, 2));
    create(&kaiten, "customers", "acme", &fields).await.unwrap_err();
    assert_eq!(kaiten.requests().write, 3, "a slug stays taken");
}

#[tokio::test]
async fn a_secret_that_kaiten_repeats_is_not_repeated() {
    let server = MockServer::start().await;
    let problem = json!({"detail": "`hush` is not a tier", "errors": [
        {"location": "body.metadata.tier", "message": "`hush` is not allowed", "value": "hush"}]});
    answers(&server, "POST", "/api/instances", ResponseTemplate::new(422).set_body_json(problem)).await;
    let kaiten = connect(&server.uri(), Some("core")).await.unwrap();
    let mut fields = instance_fields();
    let secret = crate::model::Sensitive::wrap(Value::text("hush"));
    fields.set("metadata", Value::Map(Box::new([("tier".into(), secret)].into_iter().collect())));
    let error = create(&kaiten, "instances", "acme-production", &fields).await.unwrap_err();
    assert_eq!(error.fields[0].path.to_string(), "metadata.tier");
    assert!(!format!("{error:?}").contains("hush"), "{error:?}");
}

#[tokio::test]
async fn only_kaiten_itself_can_say_that_something_does_not_exist() {
    let server = MockServer::start().await;
    let gone = json!({"status": 404, "code": "GetCustomer.NotFound"});
    answers(&server, "GET", "/api/customers/acme", ResponseTemplate::new(404).set_body_json(gone)).await;
    answers(&server, "GET", "/api/customers/bolt", ResponseTemplate::new(404).set_body_string("<html>")).await;
    answers(&server, "GET", "/api/customers/core", ok(&json!({"id": "c3", "slug": "core"}))).await;
    let kaiten = connect(&server.uri(), Some("core")).await.unwrap();
    let none = Fields::default();
    assert!(look_up(&kaiten, "customers", "acme", &none).await.unwrap().is_none());
    assert_eq!(look_up(&kaiten, "customers", "bolt", &none).await.unwrap_err().failure, Failure::NotFound);
    assert_eq!(&*look_up(&kaiten, "customers", "core", &none).await.unwrap().unwrap().id, "c3");
}

#[tokio::test]
async fn a_lost_instance_of_the_seed_dialect_is_looked_for_by_customer_and_name() {
    let server = MockServer::start().await;
    let row = |id: &str, name: &str| json!({"id": id, "slug": id, "name": name, "customerId": "c1"});
    let rows = json!([row("i1", "Acme production"), row("i2", "Acme staging"), row("i3", "Acme staging")]);
    answers(&server, "GET", "/instances", ok(&rows)).await;
    let kaiten = connect(&server.uri(), Some("seed")).await.unwrap();
    let mut fields = instance_fields();
    assert_eq!(&*look_up(&kaiten, "instances", "key", &fields).await.unwrap().unwrap().id, "i1");
    fields.set("name", Value::text("Acme staging"));
    let error = look_up(&kaiten, "instances", "key", &fields).await.unwrap_err();
    assert!(error.message.starts_with("2 instances"), "{}", error.message);
    fields.set("name", Value::text("Acme nowhere"));
    assert!(look_up(&kaiten, "instances", "key", &fields).await.unwrap().is_none());
}

#[tokio::test]
async fn a_license_that_opens_a_family_is_told_from_one_that_joins_it() {
    let server = MockServer::start().await;
    let base = json!({"name": "Growth", "description": "", "type": "PAID", "isDefault": false});
    for (slug, family) in [("growth", None), ("growth-v2", Some("growth"))] {
        let mut body = base.clone();
        body["lifecycleState"] = "PUBLISHED".into();
        body["slug"] = slug.into();
        if let Some(family) = family {
            body["familySlug"] = family.into();
        }
        let row = json!({"id": slug, "slug": slug, "familyId": "f1", "version": "1", "lifecycleState": "PUBLISHED"});
        Mock::given(path("/api/licenses"))
            .and(body_json(body))
            .respond_with(ResponseTemplate::new(201).set_body_json(row))
            .mount(&server)
            .await;
    }
    let kaiten = connect(&server.uri(), Some("core")).await.unwrap();
    let mut fields: Fields = [("name", Value::text("Growth")), ("type", Value::text("PAID"))].into_iter().collect();
    let opened = create(&kaiten, "licenses", "growth", &fields).await.unwrap();
    assert_eq!(opened.fields.text("family"), Some("growth"));
    fields.set("family", Value::text("growth"));
    create(&kaiten, "licenses", "growth", &fields).await.expect("its own family is opened, not joined");
    let joined = create(&kaiten, "licenses", "growth-v2", &fields).await.unwrap();
    assert_eq!(joined.fields.text("family"), Some("growth"));
}

#[tokio::test]
async fn a_license_looked_up_tells_its_family_by_comparing_ids() {
    let server = MockServer::start().await;
    answers(&server, "GET", "/api/licenses/growth-v2", ok(&json!({"id": "l2", "slug": "growth-v2", "familyId": "f1"})))
        .await;
    for (slug, id) in [("growth", "f1"), ("other", "f2")] {
        Mock::given(path(format!("/api/license-families/{slug}")))
            .and(query_param("include", "versions"))
            .respond_with(ok(&json!({"id": id, "slug": slug})))
            .mount(&server)
            .await;
    }
    let kaiten = connect(&server.uri(), Some("core")).await.unwrap();
    for (declared, read) in [("growth", Some("growth")), ("other", None)] {
        let fields = [("family", Value::text(declared))].into_iter().collect();
        let license = look_up(&kaiten, "licenses", "growth-v2", &fields).await.unwrap().unwrap();
        assert_eq!(license.fields.text("family"), read, "{declared}");
    }
}

#[test]
fn every_kind_of_kaiten_is_registered() {
    let registry = crate::providers::registry();
    for section in [
        "customers",
        "deployment_zones",
        "licenses",
        "grants",
        "instances",
        "components",
        "releases",
        "entitlements",
        "entitlement_groups",
        "metadata_fields",
    ] {
        assert!(registry.kind(section).unwrap().declared().is_some(), "{section}");
    }
    assert!(registry.kind("license_families").unwrap().declared().is_none());
}
