//! The rows as they are saved, and how they become a database again.

use serde::{Deserialize, Serialize};

use super::collection::{Collection, Record};
use super::record::{
    Component, Customer, Entitlement, Family, Flag, Grant, Group, Instance, License, MetadataField, Release, Zone,
};
use super::store::Store;

/// The rows as they are saved.
#[derive(Serialize, Deserialize)]
pub(super) struct Saved {
    customers: Vec<Customer>,
    deployment_zones: Vec<Zone>,
    license_families: Vec<Family>,
    licenses: Vec<License>,
    instances: Vec<Instance>,
    // Not in files of older sandboxes.
    #[serde(default)]
    entitlement_groups: Vec<Group>,
    #[serde(default)]
    entitlements: Vec<Entitlement>,
    #[serde(default)]
    license_entitlements: Vec<Grant>,
    #[serde(default)]
    metadata_fields: Vec<MetadataField>,
    #[serde(default)]
    components: Vec<Component>,
    #[serde(default)]
    releases: Vec<Release>,
    #[serde(default)]
    feature_flags: Vec<Flag>,
}

impl From<Store> for Saved {
    fn from(store: Store) -> Self {
        Self {
            customers: rows(&store.customers),
            deployment_zones: rows(&store.zones),
            license_families: rows(&store.families),
            licenses: rows(&store.licenses),
            instances: rows(&store.instances),
            entitlement_groups: rows(&store.groups),
            entitlements: rows(&store.entitlements),
            license_entitlements: store
                .licenses
                .newest(None)
                .filter_map(|license| store.grants(&license.id))
                .flat_map(rows)
                .collect(),
            metadata_fields: rows(&store.metadata_fields),
            components: rows(&store.components),
            releases: rows(&store.releases),
            feature_flags: rows(&store.flags),
        }
    }
}

fn rows<T: Record + Clone>(rows: &Collection<T>) -> Vec<T> {
    rows.newest(None).map(|row| T::clone(row)).collect()
}

impl TryFrom<Saved> for Store {
    type Error = String;

    fn try_from(saved: Saved) -> Result<Self, String> {
        let mut store = Self::default();
        for row in saved.customers {
            new(&store.customers, "customer", &row)?;
            store.put_customer(row);
        }
        for row in saved.components {
            new(&store.components, "component", &row)?;
            store.put_component(row);
        }
        for row in saved.releases {
            new(&store.releases, "release", &row)?;
            known(row.component_ids.iter().all(|id| store.components.get(id).is_some()), "release", &row)?;
            store.put_release(row);
        }
        for row in saved.deployment_zones {
            new(&store.zones, "deployment zone", &row)?;
            let mut releases = row.deployments.iter().map(|deployment| &deployment.release_id);
            known(releases.all(|id| store.releases.get(id).is_some()), "deployment zone", &row)?;
            store.put_zone(row);
        }
        for row in saved.entitlement_groups {
            new(&store.groups, "entitlement group", &row)?;
            store.groups.put(row);
        }
        for row in saved.entitlements {
            new(&store.entitlements, "entitlement", &row)?;
            known(row.groups.iter().all(|id| store.groups.get(id).is_some()), "entitlement", &row)?;
            store.put_entitlement(row);
        }
        for row in saved.metadata_fields {
            new(&store.metadata_fields, "metadata field", &row)?;
            store.metadata_fields.put(row);
        }
        for row in saved.feature_flags {
            new(&store.flags, "feature flag", &row)?;
            store.flags.put(row);
        }
        for row in saved.license_families {
            new(&store.families, "license family", &row)?;
            store.families.put(row);
        }
        for row in saved.licenses {
            new(&store.licenses, "license", &row)?;
            known(store.families.get(&row.family_id).is_some(), "license", &row)?;
            store.put_license(row);
        }
        for row in saved.license_entitlements {
            let license = store.licenses.get(&row.license_id).is_some();
            known(license && store.entitlements.get(&row.entitlement_id).is_some(), "grant of", &row)?;
            if store.grant(&row.license_id, &row.entitlement_id).is_some() {
                return Err(format!("grant of `{}` is there twice", row.entitlement_id));
            }
            store.put_grant(row);
        }
        for row in saved.instances {
            new(&store.instances, "instance", &row)?;
            let zone = row.zone_id.as_ref().is_none_or(|zone| store.zones.get(zone).is_some());
            let customer = store.customers.get(&row.customer_id).is_some();
            known(zone && customer && store.licenses.get(&row.license_id).is_some(), "instance", &row)?;
            store.put_instance(row);
        }
        Ok(store)
    }
}

fn new<T: Record>(rows: &Collection<T>, kind: &str, row: &T) -> Result<(), String> {
    if rows.get(row.id()).is_some() || rows.has_slug(row.slug()) {
        return Err(format!("{kind} `{}` is there twice", row.slug()));
    }
    Ok(())
}

fn known(is_known: bool, kind: &str, row: &impl Record) -> Result<(), String> {
    if is_known { Ok(()) } else { Err(format!("{kind} `{}` refers to what is not there", row.slug())) }
}
