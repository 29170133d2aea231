//! §10.1

use serde_json::{Value, json};

use super::super::Limits;
use super::{Api, and, without};

const CUSTOMERS: &str = "/api/customers";

#[test]
fn a_customer_comes_back_as_it_was_sent() {
    let api = Api::empty();
    let body = json!({"slug": "acme", "name": "Acme", "domain": "acme.com", "externalCustomerId": "x-1"});
    let created = api.create(CUSTOMERS, &body);
    assert_eq!(api.get("/api/customers/acme"), created);
    for (name, value) in body.as_object().unwrap() {
        assert_eq!(&created[name], value);
    }
    assert_eq!(created["createdAt"], created["updatedAt"]);
    assert_eq!(created["createdBy"]["name"], "sandbox");
    assert_eq!(created.get("integrations"), None);
}

#[test]
fn a_slug_is_made_up_when_none_is_sent_and_a_taken_one_is_refused() {
    let api = Api::empty();
    let (one, other) = (json!({"name": "Crème Brûlée"}), json!({"name": "Crème Brûlée", "slug": null}));
    let slugs = [api.create(CUSTOMERS, &one), api.create(CUSTOMERS, &other)].map(|row| row["slug"].clone());
    assert!(slugs[0].as_str().unwrap().starts_with("creme-brulee-"), "{slugs:?}");
    assert_ne!(slugs[0], slugs[1]);
    let taken = json!({"name": "x", "slug": slugs[0]});
    assert_eq!(api.refusal("POST", CUSTOMERS, &taken), (409, "CreateCustomer.SlugConflict".to_owned()));
    // Another kind has slugs of its own.
    api.create("/api/licenses", &super::license(slugs[0].as_str().unwrap()));
}

#[test]
fn an_update_clears_what_it_omits_and_moves_the_time_even_if_nothing_changes() {
    let api = Api::empty();
    let created = api
        .create(CUSTOMERS, &json!({"slug": "acme", "name": "Acme", "domain": "acme.com", "externalCustomerId": "x"}));
    api.put("/api/customers/acme", &created);
    let echoed = api.get("/api/customers/acme");
    assert_eq!(without(echoed.clone(), "updatedAt"), without(created.clone(), "updatedAt"));
    assert_ne!(echoed["updatedAt"], created["updatedAt"]);
    api.put("/api/customers/acme", &json!({"name": "Acme"}));
    let cleared = api.get("/api/customers/acme");
    assert_eq!((cleared.get("domain"), cleared.get("externalCustomerId")), (None, None));
}

#[test]
fn neither_slug_nor_integrations_can_be_updated() {
    let api = Api::empty();
    let links = json!({"crm": {"external_id": "1"}});
    let created = api.create(CUSTOMERS, &json!({"slug": "acme", "name": "Acme", "integrations": links}));
    let refusal = |body: &Value| api.refusal("PUT", "/api/customers/acme", body);
    assert_eq!(refusal(&json!({"name": "a", "slug": "other"})), (422, "UpdateCustomer.SlugNotRenameable".to_owned()));
    assert_eq!(refusal(&created), (422, "UpdateCustomer.IntegrationsNotSettable".to_owned()));
    api.put("/api/customers/acme", &and(created, "integrations", json!({})));
    assert_eq!(api.get("/api/customers/acme")["integrations"]["crm"]["external_id"], "1");
}

#[test]
fn integrations_are_checked_and_unique() {
    let api = Api::empty();
    let with = |links: Value| json!({"name": "Acme", "integrations": links});
    let refused = |links: Value| api.refusal("POST", CUSTOMERS, &with(links)).1;
    assert_eq!(refused(json!({" ": {"external_id": "1"}})), "CreateCustomer.InvalidIntegrationAdapter");
    assert_eq!(refused(json!({"crm": {"external_id": ""}})), "CreateCustomer.InvalidIntegrationExternalID");
    let link = json!({"crm": {"external_id": "1", "web_url": "app/1"}});
    assert_eq!(refused(link), "CreateCustomer.InvalidIntegrationWebURL");
    let twice = json!({"crm": {"external_id": "1"}, "crm ": {"external_id": "2"}});
    assert_eq!(refused(twice), "CreateCustomer.DuplicateIntegrationAdapter");
    assert_eq!(refused(json!({"crm": {}})), "UNPROCESSABLE");

    let link = json!({"crm": {"external_id": "1", "web_url": "https://crm.example/1", "metadata": {"a": 1.0}}});
    let created = api.create(CUSTOMERS, &with(link.clone()));
    assert_eq!(created["integrations"]["crm"]["metadata"], json!({"a": 1}));
    assert_eq!(created["integrations"]["crm"]["synced_at"], created["createdAt"]);
    assert_eq!(api.refusal("POST", CUSTOMERS, &with(link.clone())), (500, "INTERNAL".to_owned()));
    let slug = created["slug"].as_str().unwrap();
    api.delete(&format!("/api/customers/{slug}"));
    api.create(CUSTOMERS, &with(link));
}

#[test]
fn deleting_a_customer_deletes_its_instances_without_a_word() {
    let (api, world) = Api::peopled();
    let other = api.create(CUSTOMERS, &json!({"slug": "other", "name": "Other"}));
    api.create("/api/instances", &world.instance("one"));
    api.create("/api/instances", &world.instance("two"));
    api.create("/api/instances", &and(world.instance("kept"), "customerId", other["id"].clone()));
    api.delete("/api/customers/acme");
    assert_eq!(api.refusal("GET", "/api/customers/acme", &Value::Null).0, 404);
    let left = api.get("/api/instances");
    assert_eq!((left["items"].as_array().unwrap().len(), &left["items"][0]["slug"]), (1, &json!("kept")));
    let again = api.refusal("DELETE", "/api/customers/acme", &Value::Null);
    assert_eq!(again, (404, "DeleteCustomer.NotFound".to_owned()));
}

#[test]
fn at_the_limit_even_a_duplicate_reports_the_limit() {
    let api = Api::with(|options| options.limits = Limits { customers: Some(1), ..Limits::default() });
    api.create(CUSTOMERS, &json!({"slug": "acme", "name": "Acme"}));
    let refusal = api.refusal("POST", CUSTOMERS, &json!({"slug": "acme", "name": "Acme"}));
    assert_eq!(refusal, (409, "CreateCustomer.EntitlementLimitReached".to_owned()));
}

#[test]
fn what_was_saved_is_there_after_a_restart() {
    let (api, world) = Api::peopled();
    let links = json!({"crm": {"external_id": "1"}});
    api.create("/api/instances", &and(world.instance("one"), "integrations", links));
    let before = api.0.save();
    let again = api.restarted();
    assert_eq!(again.0.save(), before);
    assert_eq!(again.get("/api/instances"), api.get("/api/instances"));
    // Indexes are there, too: the delete finds the instance, and ids are not handed out twice.
    again.delete("/api/customers/acme");
    assert_eq!(again.get("/api/instances")["items"], json!([]));
    again.create(CUSTOMERS, &json!({"slug": "acme", "name": "Acme"}));
}

#[test]
fn a_saved_state_that_does_not_fit_together_is_refused() {
    let (api, world) = Api::peopled();
    api.create("/api/instances", &world.instance("one"));
    let start = |saved: Value| super::Kaiten::new(api.0.0.options.clone(), Some(saved)).map(|_| ());
    assert_eq!(
        start(and(api.0.save(), "customers", json!([]))),
        Err("instance `one` refers to what is not there".to_owned())
    );
    assert_eq!(start(api.0.save()), Ok(()));
    assert!(start(without(api.0.save(), "instances")).unwrap_err().contains("missing field"));
}

#[test]
fn only_a_change_moves_the_generation() {
    let api = Api::empty();
    let start = api.0.generation();
    api.get(CUSTOMERS);
    api.refusal("POST", CUSTOMERS, &json!({}));
    api.refusal("DELETE", "/api/customers/nobody", &Value::Null);
    assert_eq!(api.0.generation(), start);
    api.create(CUSTOMERS, &json!({"slug": "acme", "name": "Acme"}));
    let created = api.0.generation();
    assert!(created > start);
    api.refusal("POST", CUSTOMERS, &json!({"slug": "acme", "name": "Acme"}));
    assert_eq!(api.0.generation(), created);
}
