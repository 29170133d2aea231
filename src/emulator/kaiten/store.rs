//! The database: rows, their relations, and what a delete takes along (§9).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::collection::{Collection, Record};
use super::record::{Customer, Family, Instance, Integrations, License, Zone};

/// All rows, with the indexes that spare a walk through them.
#[derive(Debug, Clone, Default)]
pub(super) struct Store {
    pub(super) customers: Collection<Customer>,
    pub(super) zones: Collection<Zone>,
    pub(super) families: Collection<Family>,
    pub(super) licenses: Collection<License>,
    pub(super) instances: Collection<Instance>,
    instances_of: InstancesOf,
    versions: HashMap<String, BTreeMap<u32, String>>,
    customer_links: Links,
    instance_links: Links,
}

/// Instances by what they refer to.
#[derive(Debug, Clone, Default)]
struct InstancesOf {
    customer: Relation,
    license: Relation,
    zone: Relation,
}

/// The ids on the many side, by the id on the one side.
#[derive(Debug, Clone, Default)]
struct Relation(HashMap<String, HashSet<String>>);

impl Relation {
    fn tie(&mut self, one: &str, many: &str) {
        self.0.entry(one.to_owned()).or_default().insert(many.to_owned());
    }

    fn untie(&mut self, one: &str, many: &str) {
        if let Some(ids) = self.0.get_mut(one) {
            ids.remove(many);
            if ids.is_empty() {
                self.0.remove(one);
            }
        }
    }

    fn of(&self, one: &str) -> Vec<String> {
        self.0.get(one).into_iter().flatten().cloned().collect()
    }
}

/// Adapter and external id, of which no two are alike, and whose they are.
#[derive(Debug, Clone, Default)]
struct Links(HashMap<(String, String), String>);

impl Links {
    fn tie(&mut self, integrations: &Integrations, id: &str) {
        for (adapter, integration) in integrations {
            self.0.insert((adapter.clone(), integration.external_id.clone()), id.to_owned());
        }
    }

    fn untie(&mut self, integrations: &Integrations) {
        for (adapter, integration) in integrations {
            self.0.remove(&(adapter.clone(), integration.external_id.clone()));
        }
    }

    fn has_any(&self, integrations: &Integrations) -> bool {
        let key = |(adapter, link): (&String, &super::record::Integration)| (adapter.clone(), link.external_id.clone());
        integrations.iter().map(key).any(|key| self.0.contains_key(&key))
    }
}

impl Store {
    /// Writes a customer: a new one, or in the place of the one with its id.
    pub(super) fn put_customer(&mut self, customer: Customer) -> Arc<Customer> {
        if let Some(before) = self.customers.get(&customer.id) {
            self.customer_links.untie(&before.integrations);
        }
        self.customer_links.tie(&customer.integrations, &customer.id);
        self.customers.put(customer)
    }

    /// Deletes a customer with all its instances.
    pub(super) fn remove_customer(&mut self, id: &str) {
        for instance in self.instances_of.customer.of(id) {
            self.remove_instance(&instance);
        }
        if let Some(customer) = self.customers.remove(id) {
            self.customer_links.untie(&customer.integrations);
        }
    }

    /// Deletes a zone; its instances are in none from then on.
    pub(super) fn remove_zone(&mut self, id: &str) {
        for instance in self.instances_of.zone.of(id) {
            if let Some(instance) = self.instances.get(&instance) {
                let detached = Instance { zone_id: None, ..Instance::clone(instance) };
                self.put_instance(detached);
            }
        }
        self.zones.remove(id);
    }

    /// Writes a license version; its family is written by itself.
    pub(super) fn put_license(&mut self, license: License) -> Arc<License> {
        self.versions.entry(license.family_id.clone()).or_default().insert(license.version, license.id.clone());
        self.licenses.put(license)
    }

    /// Deletes a license version, and the family with its last one.
    pub(super) fn remove_license(&mut self, id: &str) {
        let Some(license) = self.licenses.remove(id) else { return };
        if let Some(versions) = self.versions.get_mut(&license.family_id) {
            versions.remove(&license.version);
            if versions.is_empty() {
                self.versions.remove(&license.family_id);
                self.families.remove(&license.family_id);
            }
        }
    }

    /// The versions of a family, oldest first.
    pub(super) fn versions(&self, family: &str) -> impl DoubleEndedIterator<Item = &Arc<License>> {
        let ids = self.versions.get(family).into_iter().flat_map(BTreeMap::values);
        ids.map(|id| self.licenses.get(id).expect("a version is a license"))
    }

    /// How many versions a family has.
    pub(super) fn version_count(&self, family: &str) -> usize {
        self.versions.get(family).map_or(0, BTreeMap::len)
    }

    /// Writes an instance: a new one, or in the place of the one with its id.
    pub(super) fn put_instance(&mut self, instance: Instance) -> Arc<Instance> {
        if let Some(before) = self.instances.get(&instance.id).cloned() {
            self.untie(&before);
        }
        self.instances_of.customer.tie(&instance.customer_id, &instance.id);
        self.instances_of.license.tie(&instance.license_id, &instance.id);
        if let Some(zone) = &instance.zone_id {
            self.instances_of.zone.tie(zone, &instance.id);
        }
        self.instance_links.tie(&instance.integrations, &instance.id);
        self.instances.put(instance)
    }

    /// Deletes an instance.
    pub(super) fn remove_instance(&mut self, id: &str) {
        if let Some(instance) = self.instances.remove(id) {
            self.untie(&instance);
        }
    }

    fn untie(&mut self, instance: &Instance) {
        self.instances_of.customer.untie(&instance.customer_id, &instance.id);
        self.instances_of.license.untie(&instance.license_id, &instance.id);
        if let Some(zone) = &instance.zone_id {
            self.instances_of.zone.untie(zone, &instance.id);
        }
        self.instance_links.untie(&instance.integrations);
    }

    /// Whether an instance is on this license version.
    pub(super) fn license_is_in_use(&self, id: &str) -> bool {
        self.instances_of.license.0.contains_key(id)
    }

    /// Whether a customer has one of these links already.
    pub(super) fn customer_link_is_taken(&self, integrations: &Integrations) -> bool {
        self.customer_links.has_any(integrations)
    }

    /// Whether an instance has one of these links already.
    pub(super) fn instance_link_is_taken(&self, integrations: &Integrations) -> bool {
        self.instance_links.has_any(integrations)
    }
}

/// The rows as they are saved.
#[derive(Serialize, Deserialize)]
pub(super) struct Saved {
    customers: Vec<Customer>,
    deployment_zones: Vec<Zone>,
    license_families: Vec<Family>,
    licenses: Vec<License>,
    instances: Vec<Instance>,
}

impl From<Store> for Saved {
    fn from(store: Store) -> Self {
        Self {
            customers: rows(&store.customers),
            deployment_zones: rows(&store.zones),
            license_families: rows(&store.families),
            licenses: rows(&store.licenses),
            instances: rows(&store.instances),
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
        for row in saved.deployment_zones {
            new(&store.zones, "deployment zone", &row)?;
            store.zones.put(row);
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
