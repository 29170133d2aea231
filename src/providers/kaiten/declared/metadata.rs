//! Metadata of instances and zones against the organization's metadata fields (reference §10.10).

use serde_json::{Value as Json, json};

use super::Declared;
use crate::emulator::kaiten::{Catalogue, Options, SANDBOX_TOKEN, Token};
use crate::http::{Method, Request};

const FIELDS: &str = "\
metadata_fields:
  region: { resource_type: INSTANCE, label: Region, json_schema: { type: string, enum: [eu, us] } }
  contacts: { resource_type: INSTANCE, label: Whom to call, json_schema: { type: array, items: { type: string } } }
  provider: { resource_type: DEPLOYMENT_ZONE, label: Whose it is, json_schema: { type: string } }
";

const PEOPLE: &str = "\
customers:
  acme: { name: Acme }
licenses:
  growth: { name: Growth, type: PAID }
";

fn instance(metadata: &str) -> String {
    format!(
        "{PEOPLE}instances:\n  production:\n    name: Production\n    customer: acme\n    license: growth\n    \
         start_license_date: 2026-01-01T00:00:00Z\n    end_license_date: 2027-01-01T00:00:00Z\n    metadata: {metadata}\n"
    )
}

fn zone(metadata: &str) -> String {
    format!("deployment_zones:\n  eu: {{ name: EU, type: production, metadata: {metadata} }}\n")
}

async fn send(world: &Declared, method: Method, path: &str, body: Option<&Json>) -> u16 {
    let request = Request::write(method, path);
    let request = match body {
        Some(body) => request.json(body),
        None => request,
    };
    world.kaiten.ask(request).await.unwrap().status
}

fn line_of(text: &str, word: &str) -> u32 {
    u32::try_from(text.lines().position(|line| line.contains(word)).unwrap()).unwrap() + 1
}

#[tokio::test]
async fn an_instance_may_hold_more_than_its_fields_but_nothing_they_do_not_take() {
    let world = Declared::empty().await;
    world.converge(FIELDS).await;
    world.converge(&instance("{ region: eu, contacts: [a, b], other: { free: 1 } }")).await;
    let wrong = instance("{ region: mars, contacts: [a, 1] }");
    let at = line_of(&wrong, "metadata:");
    assert_eq!(
        world.refusals(&wrong).await,
        [
            (at, "`metadata.region` has to be one of `\"eu\"`, `\"us\"`".to_owned()),
            (at, "`metadata.contacts[1]` has to be a string".to_owned()),
        ]
    );
}

#[tokio::test]
async fn a_zone_may_hold_nothing_but_its_fields_once_there_is_one() {
    let world = Declared::empty().await;
    world.converge(&zone("{ anything: goes, at: [first] }")).await;
    world.converge(FIELDS).await;
    // What is stored is not looked at again.
    world.converge(&zone("{ anything: goes, at: [first] }")).await;
    world.converge(&zone("{ provider: hetzner }")).await;
    let wrong = zone("{ providr: hetzner, provider: 7 }");
    let at = line_of(&wrong, "eu:");
    let refused = world.refusals(&wrong).await;
    assert_eq!(
        refused,
        [
            (at, "`providr` is no metadata field of zones".to_owned()),
            (at, "`metadata.provider` has to be a string".to_owned())
        ]
    );
    let plan = world.plan(&wrong).await.plan;
    assert_eq!(plan.diagnostics[0].help.as_deref(), Some("did you mean `provider`?"));
}

#[tokio::test]
async fn fields_that_are_declared_too_count_as_they_will_be() {
    let world = Declared::empty().await;
    let both = format!("{FIELDS}{}{}", instance("{ region: asia }"), zone("{ colour: red }"));
    assert_eq!(world.refusals(&both).await.len(), 2);
    let wider = both.replace("[eu, us]", "[eu, us, asia]").replace("{ colour: red }", "{ provider: hetzner }");
    world.converge(&wider).await;
    let wider = wider.replace("us, asia]", "us]").replace("region: asia", "region: us");
    world.converge(&wider).await;
}

#[tokio::test]
async fn what_the_product_wrote_is_in_the_way_only_of_other_changes() {
    let world = Declared::empty().await;
    world.converge(&instance("{ owner: me, region: mars }")).await;
    world.converge(FIELDS).await;
    world.converge(&instance("{ owner: me }")).await;
    let changed = instance("{ owner: you }");
    let at = line_of(&changed, "metadata:");
    let message = "`metadata.region` has to be one of `\"eu\"`, `\"us\"`".to_owned();
    assert_eq!(world.refusals(&changed).await, [(at, message)]);
    world.converge(&instance("{ owner: you, region: eu }")).await;
    // Kaiten says the same.
    let stored = world.stored().await.into_iter().find(|((at, _), _)| *at == "/instances").unwrap().1;
    let mut body = json!({"metadata": {"owner": "they", "region": "mars"}});
    for member in ["name", "description", "customerId", "licenseId", "startLicenseDate", "endLicenseDate"] {
        body[member] = stored[member].clone();
    }
    assert_eq!(send(&world, Method::PUT, "/api/instances/production", Some(&body)).await, 422);
}

#[tokio::test]
async fn keys_of_archived_fields_stay_and_stop_nothing() {
    let world = Declared::empty().await;
    world.converge(&format!("{FIELDS}{}{}", instance("{ region: eu, contacts: [] }"), zone("{ provider: a }"))).await;
    let fields: Vec<String> = world
        .stored()
        .await
        .keys()
        .filter(|(at, _)| at.starts_with("/metadata-fields"))
        .map(|(_, id)| id.clone())
        .collect();
    for id in fields {
        assert_eq!(send(&world, Method::POST, &format!("/api/metadata-fields/{id}/archive"), None).await, 200);
    }
    // Declared as they are, or not at all, they are no difference; and what else changes goes through.
    world.converge(&format!("{}{}", instance("{ region: eu, size: 1 }"), zone("{ provider: a, size: 1 }"))).await;
    world.converge(&instance("{ size: 2 }")).await;
    let stored = world.stored().await;
    let metadata = |collection: &str| &stored.iter().find(|((at, _), _)| *at == collection).unwrap().1["metadata"];
    assert_eq!(metadata("/instances"), &json!({"region": "eu", "contacts": [], "size": 2}));
    assert_eq!(metadata("/deployment-zones"), &json!({"provider": "a", "size": 1}));
}

#[tokio::test]
async fn whoever_may_not_read_the_fields_is_not_stopped() {
    let scopes = ["write:customers", "write:licenses", "write:instances", "write:deployment_zones"];
    let tokens = vec![Token::new(SANDBOX_TOKEN, "some", &scopes)];
    let world = Declared::with(Options { catalogue: Catalogue::Empty, tokens, ..Options::default() }).await;
    world.converge(&format!("{}{}", instance("{ region: mars }"), zone("{ colour: red }"))).await;
    assert!(!world.refusals(FIELDS).await.is_empty(), "whoever declares them is");
}
