//! The provider against the emulator, which shares no type with it: what one writes, the other understands.

use std::collections::BTreeMap;
use std::time::Duration;

use indexmap::IndexMap;

use super::tests::{create, endpoint, link, look_up};
use super::*;
use crate::clock::Clock;
use crate::emulator::kaiten::{Catalogue, Dialect as Emulated, Limits, Options, SANDBOX_TOKEN, Token};
use crate::emulator::{Effect, Fault, Running, Sandbox};
use crate::kind::{Scope, Wanted};
use crate::model::{Collection, Fields, Path, Sensitive, Value};

pub(super) struct World {
    pub(super) sandbox: Running,
    pub(super) kaiten: Kaiten,
}

impl World {
    pub(super) async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options { catalogue: Catalogue::Empty, ..Options::default() };
        change(&mut options);
        let sandbox = Sandbox::new().kaiten(0, options).start().await.unwrap();
        let endpoint = Endpoint {
            auth: Auth::Token(SecretString::from(SANDBOX_TOKEN)),
            request_timeout: Duration::from_millis(500),
            ..endpoint(sandbox.kaiten().unwrap().url(), None)
        };
        let kaiten = Provided::connect(&endpoint, &Clock::system()).await.unwrap();
        Self { sandbox, kaiten }
    }

    pub(super) async fn empty() -> Self {
        Self::with(|_| {}).await
    }

    pub(super) fn fault(&self, fault: Fault) {
        self.sandbox.kaiten().unwrap().faults().add(fault);
    }

    pub(super) async fn try_create(
        &self,
        section: &'static str,
        slug: &str,
        fields: &Fields,
    ) -> Result<Observed, RemoteError> {
        create(&self.kaiten, section, slug, fields).await
    }

    pub(super) async fn create(&self, section: &'static str, slug: &str, fields: &Fields) -> Observed {
        self.try_create(section, slug, fields).await.unwrap()
    }

    pub(super) async fn look_up(&self, section: &'static str, slug: &str) -> Option<Observed> {
        look_up(&self.kaiten, section, slug, &Fields::default()).await.unwrap()
    }

    pub(super) async fn observe(&self, section: &str, observed: &BTreeMap<&'static str, Collection>) -> Collection {
        let registry = crate::providers::registry();
        let declared = IndexMap::new();
        let observed = observed.iter().map(|(section, collection)| (*section, collection)).collect();
        let wanted = Wanted { resources: &[], references: &[], observed, declared: &declared, scope: Scope::Declared };
        registry.kind(section).unwrap().observe(&wanted, &self.kaiten).await.unwrap()
    }

    /// A customer, a license and a zone, and an instance's fields that refer to them.
    pub(super) async fn peopled(&self) -> Fields {
        let customer = self.create("customers", "acme", &named("Acme")).await;
        let license = self.create("licenses", "growth", &license()).await;
        let zone = self.create("deployment_zones", "eu", &zone()).await;
        instance(&customer.id, &license.id, &zone.id)
    }
}

pub(super) fn fields<const N: usize>(fields: [(&'static str, Value); N]) -> Fields {
    fields.into_iter().collect()
}

pub(super) fn named(name: &str) -> Fields {
    fields([("name", Value::text(name))])
}

pub(super) fn license() -> Fields {
    fields([("name", Value::text("Growth")), ("type", Value::text("PAID"))])
}

pub(super) fn zone() -> Fields {
    fields([("name", Value::text("EU")), ("type", Value::text("production"))])
}

pub(super) fn instance(customer: &str, license: &str, zone: &str) -> Fields {
    let metadata = [("region".into(), Value::text("eu")), ("größe".into(), Value::Number(3.into()))];
    fields([
        ("name", Value::text("Acme production")),
        ("customer", link(Some("acme"), customer)),
        ("license", link(Some("growth"), license)),
        ("deployment_zone", link(Some("eu"), zone)),
        ("start_license_date", Value::text("2026-09-01T02:00:00.0004+02:00")),
        ("end_license_date", Value::text("2027-09-01T00:00:00Z")),
        ("metadata", Value::Map(Box::new(metadata.into_iter().collect()))),
        ("status", Value::text("MAINTENANCE")),
        ("lifecycle_stage", Value::text("TRIAL")),
    ])
}

/// What is declared is what is observed, field by field; instants as Kaiten keeps them.
fn assert_holds(observed: &Observed, declared: &Fields) {
    for (name, value) in declared.iter() {
        let value = match value.as_text().and_then(wire::instant) {
            Some(instant) => Value::text(instant),
            None => value.clone(),
        };
        assert_eq!(observed.fields.get(name), Some(&value), "{name}");
    }
}

#[tokio::test]
async fn what_is_created_is_observed_as_declared() {
    let world = World::empty().await;
    assert_eq!((world.kaiten.facts().api, world.kaiten.requests().read), ("core", 1));
    let instance = world.peopled().await;
    let created = world.create("instances", "acme-production", &instance).await;
    assert_holds(&created, &instance);

    let none = BTreeMap::new();
    let mut customer = named("Bolt");
    customer.set("domain", Value::text("bolt.com"));
    customer.set("external_customer_id", Value::text("crm-7"));
    world.create("customers", "bolt", &customer).await;
    let customers = world.observe("customers", &none).await;
    assert_eq!(customers.len(), 2);
    assert_holds(customers.named("bolt", false).next().unwrap(), &customer);
    assert_eq!(customers.named("acme", false).next().unwrap().fields.get("domain"), Some(&Value::Null));

    let instances = world.observe("instances", &none).await;
    let observed = instances.named("acme-production", false).next().unwrap();
    assert_holds(observed, &instance);
    let found = world.look_up("instances", "acme-production").await.unwrap();
    assert_eq!((found.id, found.version), (observed.id.clone(), observed.version.clone()));
    assert_eq!(world.look_up("instances", "acme-staging").await.map(|found| found.id), None);
    assert_holds(world.observe("deployment_zones", &none).await.iter().next().unwrap(), &zone());
}

#[tokio::test]
async fn licenses_tell_the_slug_of_their_family() {
    let world = World::empty().await;
    let mut draft = license();
    draft.set("lifecycle_state", Value::text("DRAFT"));
    world.create("licenses", "growth", &draft).await;
    let mut second = license();
    second.set("family", Value::text("growth"));
    second.set("version_name", Value::text("Winter"));
    second.set("default", Value::Bool(true));
    world.create("licenses", "growth-next", &second).await;

    let none = BTreeMap::new();
    let observed = BTreeMap::from([("license_families", world.observe("license_families", &none).await)]);
    assert_eq!(observed["license_families"].len(), 1);
    let licenses = world.observe("licenses", &observed).await;
    assert_holds(licenses.named("growth", false).next().unwrap(), &draft);
    let next = licenses.named("growth-next", false).next().unwrap();
    assert_holds(next, &second);
    assert_eq!(next.attributes.text("version"), Some("2"));
    let found = look_up(&world.kaiten, "licenses", "growth-next", &second).await.unwrap().unwrap();
    assert_holds(&found, &second);
}

#[tokio::test]
async fn hundreds_are_read_in_as_many_requests_as_there_are_pages() {
    let world = World::empty().await;
    for number in 0..401 {
        world.create("customers", &format!("customer-{number}"), &named("Same")).await;
    }
    let before = world.kaiten.requests().read;
    assert_eq!(world.observe("customers", &BTreeMap::new()).await.len(), 401);
    assert_eq!(world.kaiten.requests().read - before, 3);
}

#[tokio::test]
async fn a_create_whose_answer_was_lost_is_found_by_looking() {
    for effect in [Effect::CutAfter, Effect::Truncated, Effect::Malformed, Effect::SilentAfter] {
        let world = World::empty().await;
        world.fault(Fault::on("POST", "/api/customers", effect.clone()));
        let error = world.try_create("customers", "acme", &named("Acme")).await.unwrap_err();
        assert!(error.uncertain, "{effect:?}: {error:?}");
        assert!(world.look_up("customers", "acme").await.is_some(), "{effect:?}");
        assert_eq!(world.kaiten.requests().write, 1, "{effect:?}");
    }
}

#[tokio::test]
async fn a_create_that_never_arrived_is_uncertain_too_and_not_found() {
    let world = World::empty().await;
    world.fault(Fault::on("POST", "/api/customers", Effect::CutBefore));
    let error = world.try_create("customers", "acme", &named("Acme")).await.unwrap_err();
    assert!(error.uncertain);
    assert!(world.look_up("customers", "acme").await.is_none());
}

#[tokio::test]
async fn reads_survive_weather() {
    let world = World::empty().await;
    world.create("customers", "acme", &named("Acme")).await;
    for effect in [Effect::bad_gateway_page(), Effect::CutBefore, Effect::Truncated, Effect::too_many_requests(None)] {
        world.fault(Fault::on("GET", "/api/customers", effect.clone()));
        assert_eq!(world.observe("customers", &BTreeMap::new()).await.len(), 1, "{effect:?}");
    }
}

#[tokio::test]
async fn refusals_point_at_the_field() {
    let world = World::empty().await;
    let declared = world.peopled().await;
    let with = |name, value| {
        let mut fields = declared.clone();
        fields.set(name, value);
        fields
    };
    let nobody = link(None, "123e4567-e89b-12d3-a456-426614174003");
    for (fields, failure, path) in [
        (with("customer", nobody.clone()), Failure::NotFound, "customer"),
        (with("license", nobody.clone()), Failure::NotFound, "license"),
        (with("deployment_zone", nobody), Failure::NotFound, "deployment_zone"),
        (with("name", Value::text("")), Failure::Refused, "name"),
        (with("start_license_date", Value::text("soon")), Failure::Refused, "start_license_date"),
    ] {
        let error = world.try_create("instances", "acme-production", &fields).await.unwrap_err();
        let paths: Vec<_> = error.fields.iter().map(|field| field.path.clone()).collect();
        assert_eq!((error.failure, paths), (failure, vec![Path::field(path)]), "{path}: {error:?}");
        assert!(!error.uncertain, "{path}");
    }
    let missing = declared.iter().filter(|(name, _)| *name != "customer").map(|(name, value)| (name, value.clone()));
    let error = world.try_create("instances", "acme-production", &missing.collect()).await.unwrap_err();
    assert_eq!(error.fields[0].path, Path::field("customer"), "what is missing has a path all the same: {error:?}");

    world.create("instances", "acme-production", &declared).await;
    let error = world.try_create("instances", "acme-production", &declared).await.unwrap_err();
    assert_eq!((error.failure, &error.fields[0].path), (Failure::Conflict, &Path::field("slug")));
}

#[tokio::test]
async fn a_limit_is_told_from_a_taken_slug() {
    let world = World::with(|options| options.limits = Limits { customers: Some(1), ..Limits::default() }).await;
    world.create("customers", "acme", &named("Acme")).await;
    let error = world.try_create("customers", "bolt", &named("Bolt")).await.unwrap_err();
    assert_eq!(error.failure, Failure::Refused);
    assert!(error.message.contains("limit"), "{}", error.message);
}

#[tokio::test]
async fn a_token_without_the_scope_is_told_which() {
    let world = World::with(|options| {
        options.tokens = vec![Token::new(SANDBOX_TOKEN, "reader", &["read:*"])];
    })
    .await;
    let error = world.try_create("customers", "acme", &named("Acme")).await.unwrap_err();
    assert_eq!(error.failure, Failure::Forbidden);
    assert!(error.help.as_deref().unwrap().contains("`write:customers`"), "{error:?}");
}

#[tokio::test]
async fn the_seed_dialect_is_spoken_as_its_document_has_it() {
    let world = World::with(|options| {
        options.dialect = Emulated::Seed { writes: false };
        options.catalogue = Catalogue::Sample;
    })
    .await;
    assert_eq!(world.kaiten.facts().api, "seed");
    let metadata = [("password".into(), Sensitive::wrap(Value::text("hush")))];
    let platform = [("type".into(), Value::text("kubernetes"))];
    let declared = fields([
        ("name", Value::text("My Instance")),
        ("customer", link(None, "123e4567-e89b-12d3-a456-426614174003")),
        ("license", link(Some("my-license"), "123e4567-e89b-12d3-a456-426614174004")),
        ("start_license_date", Value::text("2023-10-01T12:00:00Z")),
        ("end_license_date", Value::text("2024-10-01T12:00:00Z")),
        ("metadata", Value::Map(Box::new(metadata.into_iter().collect()))),
        ("platform", Value::Map(Box::new(platform.into_iter().collect()))),
    ]);
    let created = world.create("instances", "declared-key", &declared).await;
    assert_eq!(created.identity.to_string(), "my-instance", "the key is not sent");
    let found = look_up(&world.kaiten, "instances", "declared-key", &declared).await.unwrap().unwrap();
    assert_eq!(found.id, created.id);
    assert_eq!(found.fields.get("platform"), declared.get("platform"));
    let mut other = declared.clone();
    other.set("slug", Value::text("chosen"));
    assert_eq!(world.create("instances", "chosen", &other).await.identity.to_string(), "chosen");
    assert!(world.observe("customers", &BTreeMap::new()).await.is_empty());
    assert_eq!(world.observe("instances", &BTreeMap::new()).await.len(), 2);
}

#[tokio::test]
async fn a_whole_kaiten_is_read_with_one_list_for_each_kind_and_the_grants_of_each_license() {
    use crate::model::{Desired, Diagnostics};
    use crate::observe::{Sessions, observe_whole};

    let world = World::with(|options| options.catalogue = Catalogue::Sample).await;
    world.create("licenses", "lite", &license()).await;
    let facts = world.kaiten.facts();
    let before = world.kaiten.requests().read;
    let sessions = Sessions::from([("kaiten".into(), Arc::new(world.kaiten) as _)]);
    let registry = crate::providers::registry();
    let mut problems = Diagnostics::default();
    let snapshot = observe_whole(&Desired::default(), &registry, &sessions, &mut problems).await;
    assert!(problems.is_empty(), "{problems:?}");

    let read: Vec<&str> = snapshot.collections["kaiten"].keys().copied().collect();
    let mut expected = crate::observe::listed_at(&facts, &registry);
    expected.push("license_families");
    expected.sort_unstable();
    assert_eq!(read, expected);
    let licenses = snapshot.collection("kaiten", "licenses").unwrap().len();
    let (others, types_of_metadata_fields) = (expected.len() - 2, 2);
    assert_eq!(snapshot.reads - before, (others + types_of_metadata_fields + licenses) as u64);
}
