//! The provider against the emulator, which shares no type with it: what one writes, the other understands.

mod credentials;
mod whole;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::testing::{declare, declared, endpoint, named, of_guid, of_key, registry, text};
use super::*;
use crate::clock::Clock;
use crate::emulator::cloudfoundry::{
    CloudFoundry as Emulated, Options, Refresh, SeedOrganization, SeedSpace, SteppedClock,
};
use crate::emulator::{Effect, Fault, Remote, Running, Sandbox, Wording};
use crate::kind::{Check, Others, Reading, Scope, Wanted};
use crate::model::{Address, Code, Condition, Diagnostic, Identity, Observed, Operation, Reference, Resource, To};

mod changes;

const SECTIONS: [&str; 6] = [
    "organizations",
    "spaces",
    "service_plans",
    "user_provided_service_instances",
    "service_instances",
    "service_keys",
];

struct World {
    sandbox: Running,
    time: Arc<SteppedClock>,
    remote: CloudFoundry,
}

fn admin() -> Auth {
    user("admin")
}

fn user(name: &str) -> Auth {
    Auth::Password { username: name.to_owned(), password: name.into(), origin: None }
}

async fn serve(change: impl FnOnce(&mut Options)) -> (Running, Arc<SteppedClock>) {
    let time = Arc::new(SteppedClock::at(jiff::Timestamp::now()));
    let mut options = Options { clock: Arc::clone(&time) as _, ..Options::default() };
    change(&mut options);
    let emulated = Emulated::new(options, None).unwrap();
    let (saved, counted) = (emulated.clone(), emulated.clone());
    let remote = Remote {
        router: emulated.router(),
        save: Box::new(move || saved.save()),
        generation: Box::new(move || counted.generation()),
        wording: Wording::CloudFoundry,
        control: axum::Router::new(),
    };
    let sandbox = Sandbox::new().remote(NAME, 0, Box::new(move |_, _| Ok(remote))).start().await.unwrap();
    (sandbox, time)
}

async fn connect(sandbox: &Running, auth: Auth) -> Result<CloudFoundry, RemoteError> {
    insist(sandbox, auth, "v2").await
}

async fn insist(sandbox: &Running, auth: Auth, api: &str) -> Result<CloudFoundry, RemoteError> {
    let mut endpoint = endpoint(sandbox.cloud_foundry().unwrap().url(), auth);
    endpoint.api = Some(api.into());
    endpoint.request_timeout = Duration::from_millis(500);
    CloudFoundry::connect(&endpoint, &Clock::system()).await
}

impl World {
    async fn with(auth: Auth, change: impl FnOnce(&mut Options)) -> Self {
        Self::speaking("v2", auth, change).await
    }

    async fn speaking(api: &str, auth: Auth, change: impl FnOnce(&mut Options)) -> Self {
        let (sandbox, time) = serve(change).await;
        let remote = insist(&sandbox, auth, api).await.unwrap();
        Self { sandbox, time, remote }
    }

    /// A fresh foundation for each API, spoken to in it.
    async fn of_each_api() -> [Self; 2] {
        [Self::new().await, Self::speaking("v3", admin(), |_| {}).await]
    }

    async fn new() -> Self {
        Self::with(admin(), |_| {}).await
    }

    fn fault(&self, fault: Fault) {
        self.sandbox.cloud_foundry().unwrap().faults().add(fault);
    }

    /// Reads everything there is to know about declarations, in order.
    async fn observe(&self, all: &[Resource]) -> BTreeMap<&'static str, Collection> {
        let everything = declared(all.iter().cloned());
        let registry = registry();
        let shared = Arc::default();
        let mut readings: BTreeMap<&str, Arc<Reading>> = BTreeMap::new();
        for section in SECTIONS {
            let resources: Vec<&Resource> = everything.values().filter(|one| one.address.section == section).collect();
            let values = everything.values().flat_map(|one| one.fields.iter());
            let references: Vec<&Reference> = values
                .filter_map(|(_, value)| match value {
                    Value::Reference(reference) => Some(&**reference),
                    _ => None,
                })
                .filter(|reference| reference.section == section && !matches!(reference.to, To::Declared(_)))
                .collect();
            let wanted = Wanted {
                resources: &resources,
                references: &references,
                observed: Others::new(readings.clone(), Arc::clone(&shared)),
                declared: &everything,
                scope: Scope::Declared,
            };
            let found = registry.kind(section).unwrap().observe(&wanted, &self.remote).await.unwrap();
            readings.insert(section, Arc::new(Reading::new_with(Some(Ok(found)))));
        }
        let collection = |reading: Arc<Reading>| Arc::into_inner(reading).unwrap().into_inner().unwrap().unwrap();
        readings.into_iter().map(|(section, reading)| (section, collection(reading))).collect()
    }

    /// Creates what is declared, as soon as what it refers to can be found.
    async fn create(&self, resource: &Resource, all: &[Resource]) -> Result<Observed, RemoteError> {
        let seen = self.observe(all).await;
        let proposed = Proposed::of(resource, all, &seen);
        let kind = registry().kind(resource.address.section).unwrap().clone();
        kind.declared().unwrap().create(proposed.proposal(), &self.remote).await
    }

    async fn look_up(&self, resource: &Resource) -> Option<Observed> {
        let all = [resource.clone()];
        let seen = self.observe(&all).await;
        let proposed = Proposed::of(resource, &all, &seen);
        let kind = registry().kind(resource.address.section).unwrap().clone();
        kind.declared().unwrap().look_up(proposed.proposal(), &self.remote).await.unwrap()
    }

    async fn check(&self, resource: &Resource) -> Vec<Diagnostic> {
        let all = [resource.clone()];
        let collections = self.observe(&all).await;
        let proposed = Proposed::of(resource, &all, &collections);
        let facts = self.remote.facts();
        let kind = registry().kind(resource.address.section).unwrap().clone();
        kind.declared().unwrap().check(Check {
            resource,
            proposal: proposed.proposal(),
            observed: None,
            collections: &collections,
            facts: &facts,
            declared: &declared(all.iter().cloned()),
        })
    }

    async fn poll(&self, pending: &[Observed]) -> Vec<Observed> {
        let pending: Vec<&Observed> = pending.iter().collect();
        let kind = registry().kind("service_instances").unwrap().clone();
        kind.declared().unwrap().poll(&pending, &self.remote).await.unwrap()
    }
}

/// A declaration with everything looked up, the way planning does it.
struct Proposed {
    address: Address,
    identity: Identity,
    fields: Fields,
}

impl Proposed {
    fn of(resource: &Resource, all: &[Resource], seen: &BTreeMap<&'static str, Collection>) -> Self {
        let name_of = |resource: &Resource| {
            resource.fields.text("name").map_or_else(|| resource.address.key.to_string(), str::to_owned)
        };
        let find = |reference: &Reference| {
            let collection = &seen[reference.section];
            let found = match &reference.to {
                To::Id { id, .. } => collection.with_id(id),
                To::Natural { name, .. } => collection.named(name, true).next(),
                To::Declared(address) => {
                    let declared = all.iter().find(|one| one.address == *address).unwrap();
                    let name = name_of(declared);
                    collection
                        .iter()
                        .find(|one| one.identity.parts.last().is_some_and(|(_, own)| own.eq_ignore_ascii_case(&name)))
                }
            };
            let found = found.unwrap_or_else(|| panic!("{reference:?} is there"));
            Link { name: Some(found.identity.to_string().into()), id: Some(Arc::clone(&found.id)) }
        };
        let mut parts = Vec::new();
        let mut fields = Fields::default();
        for (field, value) in resource.fields.iter() {
            let value = match value {
                Value::Reference(reference) => {
                    let link = find(reference);
                    if matches!(field, "organization" | "space" | "service_instance") {
                        parts.push((field, link.shown().into()));
                    }
                    Value::Link(Box::new(link))
                }
                value => value.clone(),
            };
            fields.set(field, value);
        }
        parts.push(("name", name_of(resource).into()));
        Self { address: resource.address.clone(), identity: Identity { parts }, fields }
    }

    fn proposal(&self) -> Proposal<'_> {
        Proposal { address: &self.address, identity: &self.identity, fields: &self.fields }
    }
}

fn instance(key: &str, space: &str, plan: &str) -> Resource {
    declare("service_instances", key, [("space", named("spaces", space)), ("plan", named("service_plans", plan))])
}

fn in_progress(operation: Operation, observed: &Observed) -> bool {
    matches!(&observed.condition, Condition::InProgress { operation: running, .. } if *running == operation)
}

#[tokio::test]
async fn an_organization_a_space_and_an_instance_are_created_and_read_back_as_declared() {
    for world in World::of_each_api().await {
        let all = [
            declare("organizations", "acme", [("name", text("Acme & Söhne; a/b, c:d"))]),
            declare("spaces", "prod", [("organization", of_key("organizations", "acme")), ("name", text("prod;1/x"))]),
            declare(
                "service_instances",
                "db",
                [
                    ("space", of_key("spaces", "prod")),
                    ("plan", named("service_plans", "Postgres/SMALL")),
                    ("name", text("db;1, 'é' a:b&c/+%")),
                    ("tags", Value::List(vec![text("b"), text("a")])),
                ],
            ),
        ];
        assert!(world.observe(&all).await["spaces"].is_empty());
        for resource in &all[..2] {
            let created = world.create(resource, &all).await.unwrap();
            assert_eq!(created.condition, Condition::Ready);
        }
        let created = world.create(&all[2], &all).await.unwrap();
        assert!(in_progress(Operation::Create, &created), "{:?}", created.condition);
        assert_eq!(created.identity.to_string(), "Acme & Söhne; a/b, c:d/prod;1/x/db;1, 'é' a:b&c/+%");

        world.time.advance(Duration::from_millis(1100));
        let ready = world.poll(&[created]).await.remove(0);
        assert_eq!(ready.condition, Condition::Ready);

        let seen = world.observe(&all).await;
        let again = seen["service_instances"].with_id(&ready.id).unwrap();
        assert_eq!(again.identity, ready.identity);
        assert_eq!(again.fields.text("broker"), Some("main-broker"));
        let with_broker = {
            let mut fields = ready.fields.clone();
            fields.set("broker", text("main-broker"));
            fields
        };
        assert!(with_broker.iter().all(|(name, value)| again.fields.get(name) == Some(value)), "{:?}", again.fields);

        for resource in &all {
            let proposed = Proposed::of(resource, &all, &seen);
            let kind = registry().kind(resource.address.section).unwrap().clone();
            let kind = kind.declared().unwrap();
            let found = kind.look_up(proposed.proposal(), &world.remote).await.unwrap().expect("it is there");
            let collection = &seen[resource.address.section];
            let recognised = kind.recognise(proposed.proposal(), collection, &world.remote.facts());
            assert_eq!(recognised.iter().map(|one| &one.id).collect::<Vec<_>>(), [&found.id]);
        }
    }
}

#[tokio::test]
async fn the_documented_example_is_sent_as_documented_and_needs_no_names() {
    let world = World::new().await;
    let example = declare(
        "service_instances",
        "my-service-instance",
        [
            ("space", of_guid("spaces", "f24c6904-30e0-4559-9523-06d2d93f0c9c")),
            ("plan", of_guid("service_plans", "6df3af55-8f97-4dbe-9d6b-098eb53d8c17")),
        ],
    );
    let created = world.create(&example, std::slice::from_ref(&example)).await.unwrap();
    assert_eq!(created.condition, Condition::Ready);
    let posts = world.sandbox.cloud_foundry().unwrap().recorder().all();
    let post = posts.iter().rfind(|request| request.method == "POST").unwrap();
    assert_eq!(
        String::from_utf8_lossy(&post.body),
        r#"{"space_guid":"f24c6904-30e0-4559-9523-06d2d93f0c9c","name":"my-service-instance","service_plan_guid":"6df3af55-8f97-4dbe-9d6b-098eb53d8c17"}"#
    );
    let seen = world.observe(std::slice::from_ref(&example)).await;
    let found = seen["service_instances"].with_id(&created.id).unwrap();
    assert_eq!(found.identity.to_string(), "seed/development/my-service-instance");
    assert_eq!(found.fields.link("plan").unwrap().shown(), "seed-service/seed-plan");
}

#[tokio::test]
async fn how_many_requests_are_sent_does_not_depend_on_how_many_instances_there_are() {
    for world in World::of_each_api().await {
        let few = [instance("i-0", "sandbox/dev", "cache/small")];
        world.create(&few[0], &few).await.unwrap();
        let many: Vec<Resource> =
            (0..30).map(|number| instance(&format!("i-{number}"), "sandbox/dev", "cache/small")).collect();
        let requests = async |resources: &[Resource]| {
            let before = world.remote.requests().read;
            world.observe(resources).await;
            world.remote.requests().read - before
        };
        let needed = requests(&few).await;
        // v3 tells offerings, brokers and plans in one list, and instances of both kinds.
        assert_eq!(needed, if world.remote.facts().api == "v2" { 6 } else { 4 });
        let seen = world.observe(&many).await;
        for resource in &many[1..] {
            let proposed = Proposed::of(resource, &many, &seen);
            let kind = registry().kind("service_instances").unwrap().clone();
            kind.declared().unwrap().create(proposed.proposal(), &world.remote).await.unwrap();
        }
        assert_eq!(requests(&many).await, needed);
        assert_eq!(world.observe(&many).await["service_instances"].len(), 30);
    }
}

#[tokio::test]
async fn a_run_outlives_its_tokens() {
    for (auth, refresh) in [
        (admin(), Refresh::Rotate),
        (admin(), Refresh::Repeat),
        (admin(), Refresh::Omit),
        (Auth::ClientCredentials { client_id: "ci".to_owned(), client_secret: "ci-secret".into() }, Refresh::Repeat),
    ] {
        let world = World::with(auth, |options| options.refresh = refresh).await;
        for _ in 0..3 {
            // Ours is the system's clock: only the controller's 401 tells that the token has ended.
            world.time.advance(Duration::from_secs(700));
            assert!(!world.observe(&[]).await["organizations"].is_empty());
        }
    }
}

#[tokio::test]
async fn what_the_uaa_refuses_is_told_at_once() {
    let (sandbox, _) = serve(|_| {}).await;
    let wrong = Auth::Password { username: "admin".to_owned(), password: "hush".into(), origin: None };
    let error = connect(&sandbox, wrong).await.unwrap_err();
    assert_eq!(error.failure, Failure::SignIn);
    assert_eq!(error.problem.code.as_deref(), Some("unauthorized"));
    let wrong = Auth::ClientCredentials { client_id: "ci".to_owned(), client_secret: "hush".into() };
    let error = connect(&sandbox, wrong).await.unwrap_err();
    assert_eq!((error.failure, error.problem.status), (Failure::SignIn, Some(401)));
}

#[tokio::test]
async fn a_foundation_with_v2_switched_off_is_told_from_one_that_is_not_there() {
    let (sandbox, _) = serve(|options| options.v2 = false).await;
    let error = connect(&sandbox, admin()).await.unwrap_err();
    assert_eq!(error.failure, Failure::UnknownDialect);
    assert!(error.message.contains("switched v2 off"));
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_found_by_looking() {
    for api in ["v2", "v3"] {
        for effect in [Effect::CutAfter, Effect::SilentAfter, Effect::Truncated, Effect::Malformed] {
            // The answer of v3 has no body that could be cut or spoilt.
            if api == "v3" && matches!(effect, Effect::Truncated | Effect::Malformed) {
                continue;
            }
            let world = World::speaking(api, admin(), |_| {}).await;
            let db = instance("db", "sandbox/dev", "cache/small");
            world.fault(Fault::on("POST", &format!("/{api}/service_instances"), effect.clone()));
            let error = world.create(&db, std::slice::from_ref(&db)).await.unwrap_err();
            assert!(error.uncertain, "{effect:?}: {error:?}");
            assert!(world.look_up(&db).await.is_some(), "{effect:?}");
        }
    }
    let world = World::new().await;
    let db = instance("db", "sandbox/dev", "cache/small");
    world.fault(Fault::on("POST", "/v2/service_instances", Effect::bad_gateway_page()));
    assert!(world.create(&db, std::slice::from_ref(&db)).await.unwrap_err().uncertain);
    assert!(world.look_up(&db).await.is_none());
}

#[tokio::test]
async fn what_is_refused_is_about_a_field() {
    let world = World::new().await;
    let refused = async |resource: Resource| {
        let error = world.create(&resource, std::slice::from_ref(&resource)).await.unwrap_err();
        assert!(!error.uncertain, "{error:?}");
        let field = error.fields.first().map(|field| field.path.to_string());
        (error.problem.code.unwrap(), error.failure, field)
    };
    let taken = instance("taken", "sandbox/dev", "cache/small");
    world.create(&taken, std::slice::from_ref(&taken)).await.unwrap();
    let told = |code: &str, failure, field: Option<&str>| (code.to_owned(), failure, field.map(str::to_owned));
    assert_eq!(refused(taken).await, told("CF-ServiceInstanceNameTaken", Failure::Conflict, Some("name")));
    assert_eq!(
        refused(instance("db", "seed/development", "search/basic")).await,
        told("CF-ServiceInstanceOrganizationNotAuthorized", Failure::Forbidden, Some("plan"))
    );
    assert_eq!(
        refused(instance("db", "sandbox/dev", "faulty/refuses-create")).await,
        told("CF-ServiceBrokerBadResponse", Failure::Server, None)
    );
    let mut tagged = instance("db", "sandbox/dev", "cache/small");
    tagged.fields.set("tags", Value::List(vec![text(&"x".repeat(2049))]));
    assert_eq!(refused(tagged).await, told("CF-ServiceInstanceTagsTooLong", Failure::Refused, Some("tags")));
    let mut listed = instance("db", "sandbox/dev", "cache/small");
    listed.fields.set("parameters", Value::List(Vec::new()));
    assert_eq!(refused(listed).await, told("CF-MessageParseError", Failure::Refused, Some("parameters")));
    assert_eq!(
        refused(declare("organizations", "SANDBOX", [])).await,
        told("CF-OrganizationNameTaken", Failure::Conflict, Some("name"))
    );
    let space = declare("spaces", "DEV", [("organization", named("organizations", "sandbox"))]);
    assert_eq!(refused(space).await, told("CF-SpaceNameTaken", Failure::Conflict, Some("name")));
}

#[tokio::test]
async fn a_create_that_fails_later_leaves_something_that_is_not_there() {
    for world in World::of_each_api().await {
        let all: Vec<Resource> =
            (0..5).map(|number| instance(&format!("i-{number}"), "sandbox/dev", "faulty/fails-create")).collect();
        let mut pending = Vec::new();
        for resource in &all {
            pending.push(world.create(resource, &all).await.unwrap());
        }
        assert!(world.poll(&pending).await.iter().all(|one| in_progress(Operation::Create, one)));
        world.time.advance(Duration::from_secs(2));
        for polled in [world.poll(&pending).await, world.poll(&pending[..2]).await] {
            assert!(!polled.is_empty());
            assert!(
                polled
                    .iter()
                    .all(|one| matches!(one.condition, Condition::Failed { operation: Operation::Create, .. })),
                "{polled:?}"
            );
        }
    }
}

#[tokio::test]
async fn what_a_foundation_warns_of_is_kept_once() {
    let words = ["v2 is deprecated, see https://x/?a=b&c=d", "50% of it + more"];
    let world = World::with(admin(), |options| options.warnings = words.map(str::to_owned).to_vec()).await;
    world.observe(&[]).await;
    assert_eq!(world.remote.warnings(), ["50% of it + more", "v2 is deprecated, see https://x/?a=b&c=d"]);
}

#[tokio::test]
async fn roles_that_do_not_suffice_are_told() {
    let world = World::with(user("auditor"), |_| {}).await;
    let db = instance("db", "sandbox/dev", "cache/small");
    let error = world.create(&db, std::slice::from_ref(&db)).await.unwrap_err();
    assert_eq!(error.failure, Failure::Forbidden);
    assert_eq!(error.problem.code.as_deref(), Some("CF-NotAuthorized"));

    // Answered in plain words, not in JSON.
    let supporter = connect(&world.sandbox, user("supporter")).await.unwrap();
    let error = v2::organizations(&supporter, &[]).await.unwrap_err();
    assert_eq!((error.failure, error.problem.code), (Failure::Forbidden, None));
    assert!(error.problem.detail.is_some());
}

#[tokio::test]
async fn a_name_that_a_user_provided_instance_has_is_seen_before_anything_is_written() {
    for world in World::of_each_api().await {
        let dev = world.observe(&[instance("x", "sandbox/dev", "cache/small")]).await["spaces"]
            .named("sandbox/dev", true)
            .next()
            .unwrap()
            .id
            .clone();
        let body = json!({"name": "db", "space_guid": &*dev, "credentials": {"password": "hush"}});
        let request = Request::write(Method::POST, "/v2/user_provided_service_instances").json(&body);
        world.remote.exchange(request, Purpose::Read).await.unwrap();

        let found = world.check(&instance("db", "sandbox/dev", "cache/small")).await;
        assert_eq!(found.iter().map(|one| one.code).collect::<Vec<_>>(), [Code::NameTaken]);
        let found = world.check(&instance("other", "sandbox/dev", "postgres/legacy")).await;
        assert_eq!(found.iter().map(|one| one.code).collect::<Vec<_>>(), [Code::PlanUnavailable]);
        assert!(world.check(&instance("other", "sandbox/dev", "cache/small")).await.is_empty());
    }
}

#[tokio::test]
async fn the_lists_for_many_organizations_and_spaces_find_everything_too() {
    // One more than fits in a list of values, and two pages.
    for (organizations, spaces_each) in [(1, 51), (51, 1), (51, 2)] {
        let world = World::with(admin(), |options| {
            for number in 0..organizations {
                let mut one = SeedOrganization::new(&format!("o-{number}"));
                for number in 0..spaces_each {
                    one = one.space(SeedSpace::new(&format!("s-{number}")));
                }
                options.organizations.push(one);
            }
        })
        .await;
        let mut all = vec![instance("elsewhere", "sandbox/dev", "redis/small")];
        for organization in 0..organizations {
            for space in 0..spaces_each {
                let (key, space) = (format!("i-{organization}-{space}"), format!("O-{organization}/S-{space}"));
                all.push(instance(&key, &space, "redis/small"));
            }
        }
        let seen = world.observe(&all).await;
        for resource in &all {
            let proposed = Proposed::of(resource, &all, &seen);
            let kind = registry().kind("service_instances").unwrap().clone();
            kind.declared().unwrap().create(proposed.proposal(), &world.remote).await.unwrap();
        }
        let declared = &all[1..];
        let found = world.observe(declared).await;
        assert_eq!(found["service_instances"].len(), declared.len(), "{organizations} x {spaces_each}");
    }
}

#[tokio::test]
async fn a_plan_named_by_a_guid_that_nobody_has_is_told_before_anything_is_written() {
    let world = World::new().await;
    let plan = of_guid("service_plans", "6df3af55-8f97-4dbe-9d6b-098eb53d8c18");
    let resource = declare("service_instances", "db", [("space", named("spaces", "sandbox/dev")), ("plan", plan)]);
    let seen = world.observe(std::slice::from_ref(&resource)).await;
    let address = resource.address.clone();
    let id = Link { name: None, id: Some("6df3af55-8f97-4dbe-9d6b-098eb53d8c18".into()) };
    let fields = Fields::from_iter([("plan", Value::Link(Box::new(id)))]);
    let identity = Identity::single("name", "db");
    let proposal = Proposal { address: &address, identity: &identity, fields: &fields };
    let facts = world.remote.facts();
    let kind = registry().kind("service_instances").unwrap().clone();
    let all = declared([resource.clone()]);
    let check =
        Check { resource: &resource, proposal, observed: None, collections: &seen, facts: &facts, declared: &all };
    let found = kind.declared().unwrap().check(check);
    assert_eq!(found.iter().map(|one| one.code).collect::<Vec<_>>(), [Code::PlanUnavailable]);
}

#[tokio::test]
async fn a_plan_that_is_not_enabled_for_the_organization_is_told_before_anything_is_written() {
    let world = World::new().await;
    let found = world.check(&instance("s", "seed/development", "search/basic")).await;
    assert_eq!(found.iter().map(|one| one.code).collect::<Vec<_>>(), [Code::PlanUnavailable]);
    let message = "the plan `search/basic` cannot be used in the space `seed/development`";
    assert_eq!(found[0].message, message);
    assert!(world.check(&instance("s", "sandbox/dev", "search/basic")).await.is_empty());
}

#[tokio::test]
async fn a_plan_that_the_catalogue_no_longer_shows_is_known_by_its_instances_and_not_chosen_anew() {
    let mut world = World::speaking("v3", admin(), |_| {}).await;
    let db = instance("db", "sandbox/dev", "search/basic");
    world.create(&db, std::slice::from_ref(&db)).await.unwrap();
    let section = registry().kind("service_plans").unwrap().section();
    let visibilities = "/v2/service_plan_visibilities";
    let page: serde_json::Value = world.remote.get(visibilities.to_owned()).await.unwrap();
    for row in page["resources"].as_array().unwrap() {
        let path = format!("{visibilities}/{}", row["metadata"]["guid"].as_str().unwrap());
        Writer::to(&world.remote).send(Method::DELETE, &path, None, section).await.unwrap();
    }
    world.remote = insist(&world.sandbox, user("developer"), "v3").await.unwrap();
    let seen = world.observe(std::slice::from_ref(&db)).await;
    let there = seen["service_instances"].called("db").next().unwrap();
    assert_eq!(there.fields.link("plan").unwrap().shown(), "search/basic");
    assert_eq!(there.fields.text("broker"), Some("main-broker"));
    let plan = seen["service_plans"].named("search/basic", true).next().unwrap();
    assert!(!registry().kind("service_plans").unwrap().can_be_chosen(plan));
    let found = world.check(&instance("other", "sandbox/dev", "search/basic")).await;
    assert_eq!(found[0].message, "the plan `search/basic` cannot be used in the space `sandbox/dev`");
}

#[tokio::test]
async fn a_plan_that_two_brokers_offer_is_ambiguous_and_says_whose_it_is() {
    let world = World::new().await;
    let seen = world.observe(&[]).await;
    let brokers: Vec<_> =
        seen["service_plans"].named("cache/small", true).map(|plan| plan.attributes.text("broker").unwrap()).collect();
    assert_eq!(brokers.len(), 2);
    assert!(brokers.contains(&"main-broker") && brokers.contains(&"second-broker"));
    let queue = seen["service_plans"].named("queue/standard", true).next().unwrap();
    assert_eq!(queue.attributes.get("plan_updateable"), Some(&Value::Bool(false)));
}
