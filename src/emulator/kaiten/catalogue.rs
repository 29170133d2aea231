//! What a sandbox holds when it starts empty.

use super::auth::Author;
use super::record::{Audit, Customer, Family, License, LifecycleState, Zone};
use super::store::Store;
use super::{Dialect, Service};

/// What is there when nothing was saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Catalogue {
    /// Licenses `starter` and `growth` (published), `legacy` (archived) and `enterprise` (draft), zones `eu-west-1` and
    /// `us-east-1`; in the seed dialect also the customer and the license whose ids are in the seed document.
    #[default]
    Sample,
    /// Nothing.
    Empty,
}

/// The ids of the seed document.
const SEED_CUSTOMER: &str = "123e4567-e89b-12d3-a456-426614174003";
const SEED_LICENSE: &str = "123e4567-e89b-12d3-a456-426614174004";
const SEED_ZONE: &str = "123e4567-e89b-12d3-a456-426614174005";

pub(super) fn fill(store: &mut Store, service: &Service, author: &Author) {
    let audit = Audit::new(service.now(), author);
    let is_seed = service.options.dialect != Dialect::Core;
    let id = |seed: &str| if is_seed { seed.to_owned() } else { service.options.ids.uuid() };
    let fresh = || service.options.ids.uuid();

    let zones = [("eu-west-1", "EU West 1", id(SEED_ZONE)), ("us-east-1", "US East 1", fresh())];
    for (slug, name, id) in zones {
        store.put_zone(Zone {
            id,
            slug: slug.to_owned(),
            name: name.to_owned(),
            kind: "production".to_owned(),
            description: String::new(),
            metadata: serde_json::Map::new(),
            deployments: Vec::new(),
            audit: audit.clone(),
        });
    }

    let mut licenses = vec![
        ("starter", "Starter", "TRIAL", LifecycleState::Published, fresh()),
        ("growth", "Growth", "PAID", LifecycleState::Published, fresh()),
        ("legacy", "Legacy", "PAID", LifecycleState::Archived, fresh()),
        ("enterprise", "Enterprise", "PAID", LifecycleState::Draft, fresh()),
    ];
    if is_seed {
        licenses.push(("my-license", "My License", "PAID", LifecycleState::Published, SEED_LICENSE.to_owned()));
        store.put_customer(Customer {
            id: SEED_CUSTOMER.to_owned(),
            slug: "acme-corp".to_owned(),
            name: "Acme Corp".to_owned(),
            external_customer_id: None,
            domain: None,
            integrations: super::record::Integrations::new(),
            audit: audit.clone(),
        });
    }
    for (slug, name, kind, state, id) in licenses {
        let (created_at, updated_at) = (audit.created_at, audit.updated_at);
        let (family_id, slug) = (fresh(), slug.to_owned());
        let family = Family { id: family_id.clone(), slug: slug.clone(), last_version: 1, created_at, updated_at };
        store.families.put(family);
        store.put_license(License {
            id,
            slug,
            family_id,
            version: 1,
            version_name: Some("Version - 1".to_owned()),
            name: name.to_owned(),
            description: String::new(),
            kind: kind.to_owned(),
            is_default: state == LifecycleState::Published,
            state,
            created_at,
            updated_at,
        });
    }
}
