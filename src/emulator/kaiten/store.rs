//! The database: rows, their relations, and what a delete takes along (§9).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::collection::Collection;
use super::record::{
    Component, Customer, Entitlement, Family, Flag, Grant, Group, Instance, Integrations, License, MetadataField,
    Release, Zone,
};

/// All rows, with the indexes that spare a walk through them.
#[derive(Debug, Clone, Default)]
pub(super) struct Store {
    pub(super) customers: Collection<Customer>,
    pub(super) zones: Collection<Zone>,
    pub(super) families: Collection<Family>,
    pub(super) licenses: Collection<License>,
    pub(super) instances: Collection<Instance>,
    pub(super) groups: Collection<Group>,
    pub(super) entitlements: Collection<Entitlement>,
    pub(super) metadata_fields: Collection<MetadataField>,
    pub(super) components: Collection<Component>,
    pub(super) releases: Collection<Release>,
    pub(super) flags: Collection<Flag>,
    grants: HashMap<String, Collection<Grant>>,
    /// How many grants there are of all licenses.
    grant_count: usize,
    licenses_granting: Relation,
    entitlements_in: Relation,
    releases_with: Relation,
    zones_with: Relation,
    component_names: HashSet<(String, String)>,
    release_versions: HashSet<String>,
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

    fn has(&self, one: &str) -> bool {
        self.0.contains_key(one)
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
        if let Some(zone) = self.zones.remove(id) {
            for deployment in &zone.deployments {
                self.zones_with.untie(&deployment.release_id, id);
            }
        }
    }

    /// Writes a zone; deployments are only ever added to one.
    pub(super) fn put_zone(&mut self, zone: Zone) -> Arc<Zone> {
        for deployment in &zone.deployments {
            self.zones_with.tie(&deployment.release_id, &zone.id);
        }
        self.zones.put(zone)
    }

    /// Whether a release is or ever was deployed to a zone that still exists.
    pub(super) fn release_was_deployed(&self, id: &str) -> bool {
        self.zones_with.has(id)
    }

    /// Writes an entitlement: a new one, or in the place of the one with its id.
    pub(super) fn put_entitlement(&mut self, entitlement: Entitlement) -> Arc<Entitlement> {
        if let Some(before) = self.entitlements.get(&entitlement.id).cloned() {
            for group in &before.groups {
                self.entitlements_in.untie(group, &before.id);
            }
        }
        for group in &entitlement.groups {
            self.entitlements_in.tie(group, &entitlement.id);
        }
        self.entitlements.put(entitlement)
    }

    /// Deletes an entitlement and its memberships.
    pub(super) fn remove_entitlement(&mut self, id: &str) {
        if let Some(entitlement) = self.entitlements.remove(id) {
            for group in &entitlement.groups {
                self.entitlements_in.untie(group, id);
            }
        }
    }

    /// Whether a license grants this entitlement.
    pub(super) fn entitlement_is_granted(&self, id: &str) -> bool {
        self.licenses_granting.has(id)
    }

    /// Deletes a group; its members stay.
    pub(super) fn remove_group(&mut self, id: &str) {
        for entitlement in self.entitlements_in.of(id) {
            if let Some(entitlement) = self.entitlements.get(&entitlement) {
                let mut entitlement = Entitlement::clone(entitlement);
                entitlement.groups.remove(id);
                self.put_entitlement(entitlement);
            }
        }
        self.groups.remove(id);
    }

    /// The grants of a license.
    pub(super) fn grants(&self, license: &str) -> Option<&Collection<Grant>> {
        self.grants.get(license)
    }

    /// What a license grants of an entitlement.
    pub(super) fn grant(&self, license: &str, entitlement: &str) -> Option<&Arc<Grant>> {
        self.grants.get(license)?.find(entitlement)
    }

    /// How many grants there are.
    pub(super) fn grant_count(&self) -> usize {
        self.grant_count
    }

    /// Writes a grant: a new one, or in the place of the one with its id.
    pub(super) fn put_grant(&mut self, grant: Grant) {
        let grants = self.grants.entry(grant.license_id.clone()).or_default();
        if grants.get(&grant.id).is_none() {
            self.grant_count += 1;
        }
        self.licenses_granting.tie(&grant.entitlement_id, &grant.license_id);
        grants.put(grant);
    }

    /// Deletes a grant.
    pub(super) fn remove_grant(&mut self, grant: &Grant) {
        let Some(grants) = self.grants.get_mut(&grant.license_id) else { return };
        if grants.remove(&grant.id).is_some() {
            self.grant_count -= 1;
            self.licenses_granting.untie(&grant.entitlement_id, &grant.license_id);
        }
        if grants.len() == 0 {
            self.grants.remove(&grant.license_id);
        }
    }

    /// Writes a component: a new one, or in the place of the one with its id.
    pub(super) fn put_component(&mut self, component: Component) -> Arc<Component> {
        if let Some(before) = self.components.get(&component.id) {
            self.component_names.remove(&name_of(before));
        }
        self.component_names.insert(name_of(&component));
        self.components.put(component)
    }

    /// Deletes a component.
    pub(super) fn remove_component(&mut self, id: &str) {
        if let Some(component) = self.components.remove(id) {
            self.component_names.remove(&name_of(&component));
        }
    }

    /// Whether a component has this name and version already.
    pub(super) fn has_component(&self, name: &str, version: &str) -> bool {
        self.component_names.contains(&(name.to_owned(), version.to_owned()))
    }

    /// Whether a release contains this component.
    pub(super) fn component_is_released(&self, id: &str) -> bool {
        self.releases_with.has(id)
    }

    /// Writes a release, which never changes afterwards.
    pub(super) fn put_release(&mut self, release: Release) -> Arc<Release> {
        for component in &release.component_ids {
            self.releases_with.tie(component, &release.id);
        }
        self.release_versions.insert(release.version.clone());
        self.releases.put(release)
    }

    /// Deletes a release and its links to components.
    pub(super) fn remove_release(&mut self, id: &str) {
        if let Some(release) = self.releases.remove(id) {
            for component in &release.component_ids {
                self.releases_with.untie(component, id);
            }
            self.release_versions.remove(&release.version);
        }
    }

    /// Whether a release has this version already.
    pub(super) fn has_release(&self, version: &str) -> bool {
        self.release_versions.contains(version)
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

    /// Whether an instance is on this license version, or a grant of it is there.
    pub(super) fn license_is_in_use(&self, id: &str) -> bool {
        self.instances_of.license.has(id) || self.grants.contains_key(id)
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

fn name_of(component: &Component) -> (String, String) {
    (component.name.clone(), component.version.clone())
}
