use std::collections::BTreeMap;

use serde_json::json;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::super::emulated::{World, fields, license, named};
use super::super::tests::{endpoint, link};
use super::super::{Provided, customer, instance};
use super::*;
use crate::clock::Clock;
use crate::diff::diff;
use crate::emulator::{Effect, Fault};
use crate::kind::{Proposal, Provider, Session};
use crate::model::{Address, Collection, Fields, Identity, Path};

/// Updates as a plan would: with the paths that differ from what was observed.
pub(in super::super) async fn update(
    kaiten: &Kaiten,
    section: &'static str,
    slug: &str,
    observed: &Observed,
    fields: &Fields,
) -> Result<Observed, RemoteError> {
    let registry = crate::providers::registry();
    let kind = registry.kind(section).unwrap();
    let changes: Vec<Path> =
        diff(kind.section(), fields, &observed.fields, &[]).into_iter().map(|difference| difference.path).collect();
    update_only(kaiten, section, slug, observed, fields, &changes).await
}

async fn update_only(
    kaiten: &Kaiten,
    section: &'static str,
    slug: &str,
    observed: &Observed,
    fields: &Fields,
    changes: &[Path],
) -> Result<Observed, RemoteError> {
    let registry = crate::providers::registry();
    let (address, identity) = (Address::new(section, slug), Identity::single("slug", slug));
    let proposal = Proposal { address: &address, identity: &identity, fields };
    let kind = registry.kind(section).unwrap().declared().unwrap();
    kind.update(Modification { proposal, observed, changes }, kaiten).await
}

async fn delete(kaiten: &Kaiten, observed: &Observed, section: &str) -> Result<Option<Observed>, RemoteError> {
    let registry = crate::providers::registry();
    registry.kind(section).unwrap().declared().unwrap().delete(observed, false, kaiten).await
}

fn map<const N: usize>(pairs: [(&str, Value); N]) -> Value {
    Value::Map(Box::new(pairs.into_iter().map(|(key, value)| (key.into(), value)).collect()))
}

#[tokio::test]
async fn what_is_not_declared_stays_though_a_put_would_clear_it() {
    let world = World::empty().await;
    let mut customer = named("Acme");
    customer.set("domain", Value::text("acme.com"));
    customer.set("external_customer_id", Value::text("crm-7"));
    let created = world.create("customers", "acme", &customer).await;
    let changed = update(&world.kaiten, "customers", "acme", &created, &named("Acme Corp")).await.unwrap();
    customer.set("name", Value::text("Acme Corp"));
    assert_eq!(changed.fields, {
        let observed = world.look_up("customers", "acme").await.unwrap();
        observed.fields
    });
    for (name, value) in customer.iter() {
        assert_eq!(changed.fields.get(name), Some(value), "{name}");
    }
    assert_eq!(world.kaiten.requests().write, 2);
}

#[tokio::test]
async fn only_what_is_planned_moves() {
    let world = World::empty().await;
    let created = world.create("customers", "acme", &named("Acme")).await;
    let mut declared = named("Acme Corp");
    declared.set("domain", Value::text("acme.com"));
    let domain = [Path::field("domain")];
    let changed = update_only(&world.kaiten, "customers", "acme", &created, &declared, &domain).await.unwrap();
    assert_eq!((changed.fields.text("name"), changed.fields.text("domain")), (Some("Acme"), Some("acme.com")));
}

#[tokio::test]
async fn nothing_is_sent_where_nothing_differs_any_more() {
    let world = World::empty().await;
    let created = world.create("customers", "acme", &named("Acme")).await;
    update(&world.kaiten, "customers", "acme", &created, &named("Acme Corp")).await.unwrap();
    let again = update(&world.kaiten, "customers", "acme", &created, &named("Acme Corp")).await.unwrap();
    assert_eq!((again.fields.text("name"), world.kaiten.requests().write), (Some("Acme Corp"), 2));
}

#[tokio::test]
async fn metadata_that_others_write_stays_and_an_instance_keeps_its_zone() {
    let world = World::empty().await;
    let mut declared = world.peopled().await;
    let created = world.create("instances", "acme-production", &declared).await;
    // Somebody else writes, after the plan was made.
    let theirs = fields([("metadata", map([("health", map([("score", Value::Number(7.into()))]))]))]);
    update(&world.kaiten, "instances", "acme-production", &created, &theirs).await.unwrap();

    declared.set("metadata", map([("region", Value::text("us")), ("health", map([("owner", Value::text("me"))]))]));
    declared.set("status", Value::text("INCIDENT"));
    let before = world.kaiten.requests().write;
    let changed = update(&world.kaiten, "instances", "acme-production", &created, &declared).await.unwrap();
    assert_eq!(world.kaiten.requests().write - before, 2, "a PUT and a PATCH");
    let health = map([("score", Value::Number(7.into())), ("owner", Value::text("me"))]);
    let metadata = map([("region", Value::text("us")), ("größe", Value::Number(3.into())), ("health", health)]);
    assert_eq!(changed.fields.get("metadata"), Some(&metadata));
    assert_eq!(changed.fields.text("status"), Some("INCIDENT"));
    assert_eq!(changed.fields.link("deployment_zone").and_then(|zone| zone.name.as_deref()), Some("eu"));
}

#[tokio::test]
async fn a_status_alone_is_one_write() {
    let world = World::empty().await;
    let mut declared = world.peopled().await;
    let created = world.create("instances", "acme-production", &declared).await;
    declared.set("lifecycle_stage", Value::text("ACTIVE"));
    let before = world.kaiten.requests().write;
    let changed = update(&world.kaiten, "instances", "acme-production", &created, &declared).await.unwrap();
    assert_eq!(world.kaiten.requests().write - before, 1);
    assert_eq!(changed.fields.text("lifecycle_stage"), Some("ACTIVE"));
}

#[tokio::test]
async fn a_failure_between_the_two_writes_leaves_the_second_one_to_the_next_run() {
    let world = World::empty().await;
    let mut declared = world.peopled().await;
    let created = world.create("instances", "acme-production", &declared).await;
    declared.set("name", Value::text("Acme live"));
    declared.set("status", Value::text("HEALTHY"));
    world.fault(Fault::on("PATCH", "/api/instances/acme-production", Effect::CutBefore));
    let error = update(&world.kaiten, "instances", "acme-production", &created, &declared).await.unwrap_err();
    assert!(error.message.starts_with("the instance has been changed, but not its status"), "{}", error.message);
    let halfway = world.look_up("instances", "acme-production").await.unwrap();
    assert_eq!(halfway.fields.text("name"), Some("Acme live"));
    let before = world.kaiten.requests().write;
    let changed = update(&world.kaiten, "instances", "acme-production", &halfway, &declared).await.unwrap();
    assert_eq!((changed.fields.text("status"), world.kaiten.requests().write - before), (Some("HEALTHY"), 1));
}

#[tokio::test]
async fn an_instance_takes_another_slug_and_its_status_in_one_go() {
    let world = World::empty().await;
    let mut declared = world.peopled().await;
    let created = world.create("instances", "acme-prod", &declared).await;
    declared.set("status", Value::text("HEALTHY"));
    let changes = [Path::field("slug"), Path::field("status")];
    let renamed =
        update_only(&world.kaiten, "instances", "acme-production", &created, &declared, &changes).await.unwrap();
    assert_eq!((&renamed.id, renamed.identity.to_string()), (&created.id, "acme-production".to_owned()));
    assert_eq!(renamed.fields.text("status"), Some("HEALTHY"));
    assert!(world.look_up("instances", "acme-prod").await.is_none());
}

#[tokio::test]
async fn a_zone_s_metadata_is_exactly_what_is_declared() {
    let world = World::empty().await;
    let zone =
        |metadata| fields([("name", Value::text("EU")), ("type", Value::text("production")), ("metadata", metadata)]);
    let created =
        world.create("deployment_zones", "eu", &zone(map([("a", Value::text("x")), ("b", Value::text("y"))]))).await;
    let left = zone(map([("b", Value::text("z"))]));
    let changed = update(&world.kaiten, "deployment_zones", "eu", &created, &left).await.unwrap();
    assert_eq!(changed.fields.get("metadata"), left.get("metadata"));
    let renamed = fields([("name", Value::text("Europe"))]);
    let changed = update(&world.kaiten, "deployment_zones", "eu", &changed, &renamed).await.unwrap();
    assert_eq!(changed.fields.get("metadata"), left.get("metadata"), "what is not declared stays");
}

#[tokio::test]
async fn a_license_is_led_through_its_life() {
    let world = World::empty().await;
    let mut declared = license();
    declared.set("version_name", Value::text("Winter"));
    declared.set("lifecycle_state", Value::text("DRAFT"));
    let mut now = world.create("licenses", "growth", &declared).await;
    for state in ["PUBLISHED", "ARCHIVED", "PUBLISHED"] {
        declared.set("lifecycle_state", Value::text(state));
        now = update(&world.kaiten, "licenses", "growth", &now, &declared).await.unwrap();
        assert_eq!(now.fields.text("lifecycle_state"), Some(state));
        assert_eq!((now.fields.text("version_name"), now.fields.text("family")), (Some("Winter"), Some("growth")));
    }
    declared.set("default", Value::Bool(true));
    now = update(&world.kaiten, "licenses", "growth", &now, &declared).await.unwrap();
    declared.set("default", Value::Bool(false));
    declared.set("lifecycle_state", Value::text("ARCHIVED"));
    now = update(&world.kaiten, "licenses", "growth", &now, &declared).await.unwrap();
    assert_eq!(now.fields.text("lifecycle_state"), Some("ARCHIVED"), "it is a default no more before it is archived");

    declared.set("lifecycle_state", Value::text("DRAFT"));
    let draft = world.create("licenses", "trial", &declared).await;
    declared.set("lifecycle_state", Value::text("ARCHIVED"));
    let archived = update(&world.kaiten, "licenses", "trial", &draft, &declared).await.unwrap();
    assert_eq!(archived.fields.text("lifecycle_state"), Some("ARCHIVED"), "over being published");
    let archived = world.create("licenses", "old", &declared).await;
    assert_eq!(archived.fields.text("lifecycle_state"), Some("ARCHIVED"));
    let found = world.look_up("licenses", "old").await.unwrap();
    assert_eq!(found.fields.text("lifecycle_state"), Some("ARCHIVED"));
}

#[tokio::test]
async fn a_draft_is_published_before_it_becomes_the_default_and_takes_that_from_its_sibling() {
    let world = World::empty().await;
    let mut first = license();
    first.set("default", Value::Bool(true));
    let first_seen = world.create("licenses", "growth", &first).await;
    let mut second = license();
    second.set("family", Value::text("growth"));
    second.set("lifecycle_state", Value::text("DRAFT"));
    let draft = world.create("licenses", "growth-next", &second).await;
    second.set("lifecycle_state", Value::text("PUBLISHED"));
    second.set("default", Value::Bool(true));
    let next = update(&world.kaiten, "licenses", "growth-next", &draft, &second).await.unwrap();
    assert_eq!(next.fields.get("default"), Some(&Value::Bool(true)));
    let before = world.kaiten.requests().write;
    first.set("default", Value::Bool(false));
    let first_now = update(&world.kaiten, "licenses", "growth", &first_seen, &first).await.unwrap();
    assert_eq!(first_now.fields.get("default"), Some(&Value::Bool(false)));
    assert_eq!(world.kaiten.requests().write, before, "it has lost it already");
}

#[tokio::test]
async fn a_step_that_has_been_taken_already_is_no_failure() {
    let world = World::empty().await;
    let mut declared = license();
    declared.set("lifecycle_state", Value::text("DRAFT"));
    let draft = world.create("licenses", "growth", &declared).await;
    world.fault(Fault::on("POST", "/api/licenses/growth/publish", Effect::CutAfter));
    declared.set("lifecycle_state", Value::text("PUBLISHED"));
    assert!(update(&world.kaiten, "licenses", "growth", &draft, &declared).await.unwrap_err().uncertain);
    let published = update(&world.kaiten, "licenses", "growth", &draft, &declared).await.unwrap();
    assert_eq!(published.fields.text("lifecycle_state"), Some("PUBLISHED"));
}

#[tokio::test]
async fn what_is_deleted_is_gone_and_may_have_been_before() {
    let world = World::empty().await;
    let customer = world.create("customers", "acme", &named("Acme")).await;
    assert!(delete(&world.kaiten, &customer, "customers").await.unwrap().is_none());
    assert!(world.look_up("customers", "acme").await.is_none());
    let before = world.kaiten.requests().write;
    assert!(delete(&world.kaiten, &customer, "customers").await.unwrap().is_none());
    assert_eq!(world.kaiten.requests().write, before, "nothing to delete");
}

#[tokio::test]
async fn an_object_that_took_the_slug_meanwhile_is_not_touched() {
    let world = World::empty().await;
    let customer = world.create("customers", "acme", &named("Acme")).await;
    delete(&world.kaiten, &customer, "customers").await.unwrap();
    world.create("customers", "acme", &named("Another Acme")).await;
    let error = delete(&world.kaiten, &customer, "customers").await.unwrap_err();
    assert_eq!((error.failure, error.uncertain), (Failure::Conflict, false));
    let error = update(&world.kaiten, "customers", "acme", &customer, &named("Acme Corp")).await.unwrap_err();
    assert_eq!(error.failure, Failure::Conflict);
    assert_eq!(world.look_up("customers", "acme").await.unwrap().fields.text("name"), Some("Another Acme"));
}

#[tokio::test]
async fn a_license_that_an_instance_has_cannot_go() {
    let world = World::empty().await;
    let declared = world.peopled().await;
    world.create("instances", "acme-production", &declared).await;
    let license = world.look_up("licenses", "growth").await.unwrap();
    let error = delete(&world.kaiten, &license, "licenses").await.unwrap_err();
    assert_eq!(error.failure, Failure::Conflict);
    assert!(error.help.as_deref().unwrap().contains("instances"), "{error:?}");
}

#[tokio::test]
async fn a_delete_tells_what_it_takes_along() {
    let world = World::empty().await;
    let declared = world.peopled().await;
    world.create("instances", "acme-production", &declared).await;
    let none = BTreeMap::new();
    let mut collections: BTreeMap<&'static str, Collection> = BTreeMap::new();
    for section in ["customers", "deployment_zones", "instances"] {
        collections.insert(section, world.observe(section, &none).await);
    }
    let registry = crate::providers::registry();
    let told = |section: &str| {
        let object = collections[section].iter().next().unwrap();
        let kind = registry.kind(section).unwrap().declared().unwrap();
        let tied = kind.takes_along(object, &collections, &world.kaiten.facts());
        tied.into_iter().map(|tied| tied.words).collect::<Vec<_>>()
    };
    assert_eq!(told("customers"), ["the instance `acme-production`"]);
    assert_eq!(told("deployment_zones"), ["the zone of the instance `acme-production`"]);
    assert!(told("instances").is_empty());
}

#[tokio::test]
async fn the_seed_dialect_is_updated_only_where_the_target_says_so() {
    let server = MockServer::start().await;
    let row = json!({"id": "i1", "slug": "my-instance", "name": "My Instance", "description": "", "customerId": "c1",
        "licenseId": "l1", "licenseSlug": "old", "startLicenseDate": "2023-10-01T12:00:00Z",
        "endLicenseDate": "2024-10-01T12:00:00Z", "metadata": {"theirs": 1}, "platform": {"type": "vm"}});
    Mock::given(method("GET"))
        .and(path("/instances"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!([row])))
        .mount(&server)
        .await;
    Mock::given(method("PUT"))
        .and(path("/instances/my-instance"))
        .respond_with(ResponseTemplate::new(204))
        .mount(&server)
        .await;
    let mut at = endpoint(&server.uri(), Some("seed"));
    let able = async |at| {
        let kaiten = Provided::connect(&at, &Clock::system()).await.unwrap();
        (abilities(&kaiten.facts()), kaiten)
    };
    assert_eq!(able(at.clone()).await.0, Abilities::default());
    at.seed_writes = true;
    let (abilities, kaiten) = able(at).await;
    assert!(abilities.update && abilities.delete);

    let observed = wire::project(&instance::SECTION, Dialect::Seed, row.as_object().unwrap()).unwrap();
    let declared = fields([("name", Value::text("Mine")), ("license", link(None, "l2"))]);
    update(&kaiten, "instances", "key", &observed, &declared).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    let sent: Json = requests.iter().find(|request| request.method == Method::PUT).unwrap().body_json().unwrap();
    let documented = json!({"name": "Mine", "description": "", "customerId": "c1", "licenseId": "l2",
        "startLicenseDate": "2023-10-01T12:00:00Z", "endLicenseDate": "2024-10-01T12:00:00Z",
        "metadata": {"theirs": 1}, "platform": {"type": "vm"}});
    assert_eq!(sent, documented);
}

#[tokio::test]
async fn a_change_that_cannot_be_read_back_may_have_been_made() {
    let server = MockServer::start().await;
    let row = json!({"id": "c1", "slug": "acme", "name": "Acme"});
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_json(&row))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(method("GET")).respond_with(ResponseTemplate::new(403)).mount(&server).await;
    Mock::given(method("PUT")).respond_with(ResponseTemplate::new(204)).mount(&server).await;
    let kaiten = Provided::connect(&endpoint(&server.uri(), Some("core")), &Clock::system()).await.unwrap();
    let observed = wire::project(&customer::SECTION, Dialect::Core, row.as_object().unwrap()).unwrap();
    let error = update(&kaiten, "customers", "acme", &observed, &named("Acme Corp")).await.unwrap_err();
    assert!(error.uncertain && error.message.starts_with("it has been changed, but not read back"), "{error:?}");
}
