//! `/instances` (§10.12), in the current dialect and in that of the seed document (§12).

use serde_json::{Value, json};

use super::auth::Access::{Read, Write};
use super::auth::Caller;
use super::body::{Body, Schema, Shape, optional, required};
use super::call::{Answer, Call, Outcome};
use super::page::{ListShape, Window};
use super::problem::Problem;
use super::record::{Audit, Instance, LifecycleState, ResourceType};
use super::{Dialect, Service, integration, metadata, metadata_field, slug, store::Store};

const MODULE: &str = "instances";

const INSTANCE: Schema = &[
    optional("createdAt", Shape::ReadOnly),
    optional("createdBy", Shape::ReadOnly),
    required("customerId", Shape::Uuid),
    optional("customerSlug", Shape::ReadOnly),
    optional("deploymentZoneId", Shape::Uuid),
    optional("deploymentZoneSlug", Shape::ReadOnly),
    required("description", Shape::Text { min: 0, max: 0 }),
    required("endLicenseDate", Shape::Instant),
    optional("id", Shape::ReadOnly),
    integration::PROPERTY,
    required("licenseId", Shape::Uuid),
    optional("licenseSlug", Shape::ReadOnly),
    optional("lifecycleStage", Shape::ReadOnly),
    optional("metadata", Shape::Object),
    required("name", Shape::Text { min: 1, max: 0 }),
    optional("slug", Shape::Slug),
    required("startLicenseDate", Shape::Instant),
    optional("status", Shape::ReadOnly),
    optional("updatedAt", Shape::ReadOnly),
    optional("updatedBy", Shape::ReadOnly),
];

/// `licenseSlug` is sent beside `licenseId`; only the latter decides.
const SEED_INSTANCE: Schema = &[
    optional("createdAt", Shape::ReadOnly),
    optional("createdBy", Shape::ReadOnly),
    required("customerId", Shape::Uuid),
    optional("customerSlug", Shape::ReadOnly),
    optional("deletedAt", Shape::ReadOnly),
    optional("deploymentZoneId", Shape::Uuid),
    required("description", Shape::Text { min: 0, max: 0 }),
    required("endLicenseDate", Shape::Instant),
    optional("id", Shape::ReadOnly),
    required("licenseId", Shape::Uuid),
    optional("licenseSlug", Shape::Text { min: 0, max: 0 }),
    optional("metadata", Shape::Object),
    required("name", Shape::Text { min: 1, max: 0 }),
    optional("platform", Shape::Object),
    optional("slug", Shape::Slug),
    required("startLicenseDate", Shape::Instant),
    optional("updatedAt", Shape::ReadOnly),
    optional("updatedBy", Shape::ReadOnly),
];

const PATCH: Schema = &[
    optional("lifecycleStage", Shape::Text { min: 1, max: 0 }),
    optional("status", Shape::Choice(&["HEALTHY", "DEGRADED", "INCIDENT", "MAINTENANCE"])),
];

impl Dialect {
    fn instance(self) -> Schema {
        if self == Self::Core { INSTANCE } else { SEED_INSTANCE }
    }
}

pub(super) fn list(service: &Service, call: &Call, caller: &Caller) -> Outcome {
    let (window, shape) = match service.options.dialect {
        Dialect::Core => (Window::of(call)?, service.options.lists),
        // `include_deleted` never revealed anything: deletes were hard already.
        Dialect::Seed { .. } => (Window::all(), ListShape::Array),
    };
    caller.may(Read, MODULE)?;
    let store = service.read();
    let shown = |instance: &Instance| view(service, &store, instance);
    window.answer(&store.instances, shape, "Instances", shown).map(Answer::Found)
}

pub(super) fn get(service: &Service, slug: &str, caller: &Caller) -> Outcome {
    caller.may(Read, MODULE)?;
    let store = service.read();
    Ok(Answer::Found(view(service, &store, find(&store, slug, "GetInstance")?)))
}

pub(super) fn create(service: &Service, call: &Call, caller: &Caller) -> Outcome {
    let body = Body::read(&call.body, service.options.dialect.instance())?;
    caller.may(Write, MODULE)?;
    let now = service.now();
    let integrations = integration::read(&body, "CreateInstance", now)?;
    let (start, end) = (body.time("startLicenseDate"), body.time("endLicenseDate"));
    let wanted = Wanted::of(&body);

    let mut store = service.write();
    let metadata = metadata_field::validated(&store, ResourceType::Instance, body.object("metadata"), None)?;
    service.within_limit(store.instances.len(), service.options.limits.instances, "CreateInstance")?;
    wanted.license_is_current(&store, "CreateInstance")?;
    let taken = |slug: &str| store.instances.has_slug(slug);
    let slug = match (service.options.dialect, body.text("slug")) {
        (Dialect::Seed { .. }, None) => seed_slug(service, &body.demanded("name"), taken),
        _ => service.new_slug(&body, &body.demanded("name"), "CreateInstance", taken)?,
    };
    wanted.all_exist(&store, "CreateInstance")?;
    let (start, end) = (start?, end?);
    if store.instance_link_is_taken(&integrations) {
        // The unique violation is not mapped.
        return Err(Problem::internal());
    }
    let instance = Instance {
        id: service.new_id(|id| store.instances.get(id).is_some()),
        slug,
        name: body.demanded("name"),
        description: body.demanded("description"),
        customer_id: wanted.customer,
        license_id: wanted.license,
        zone_id: wanted.zone,
        start,
        end,
        metadata,
        platform: body.object("platform").map(metadata::stored),
        integrations,
        status: "HEALTHY".to_owned(),
        lifecycle_stage: None,
        audit: Audit::new(now, &caller.author),
    };
    let instance = store.put_instance(instance);
    Ok(Answer::Created(view(service, &store, &instance)))
}

/// In the seed document's sample `My Instance` became `my-instance`; what happened to the second one is not told.
fn seed_slug(service: &Service, name: &str, taken: impl Fn(&str) -> bool) -> String {
    let base = slug::base(name);
    if slug::is_well_formed(&base) && !taken(&base) { base } else { service.made_up_slug(name, taken) }
}

pub(super) fn update(service: &Service, slug: &str, call: &Call, caller: &Caller) -> Outcome {
    let body = Body::read(&call.body, service.options.dialect.instance())?;
    caller.may(Write, MODULE)?;
    let mut store = service.write();
    // The code of an unknown slug is that of the read the handler begins with.
    let mut instance = find(&store, slug, "GetInstance")?.clone();
    if integration::given(&body) {
        let detail = "integrations cannot be set through this operation";
        return Err(Problem::new(422, "UpdateInstance.IntegrationsNotSettable", detail));
    }
    let before = Some(&instance.metadata);
    let metadata = metadata_field::validated(&store, ResourceType::Instance, body.object("metadata"), before)?;
    let (start, end) = (body.time("startLicenseDate"), body.time("endLicenseDate"));
    let wanted = Wanted::of(&body);
    if wanted.license != instance.license_id {
        wanted.license_is_current(&store, "UpdateInstance")?;
    }
    if let Some(renamed) = body.text("slug").filter(|renamed| *renamed != instance.slug) {
        if store.instances.has_slug(renamed) {
            return Err(super::slug_conflict("UpdateInstance", renamed));
        }
        renamed.clone_into(&mut instance.slug);
    }
    wanted.all_exist(&store, "UpdateInstance")?;
    instance.name = body.demanded("name");
    instance.description = body.demanded("description");
    instance.customer_id = wanted.customer;
    instance.license_id = wanted.license;
    instance.zone_id = wanted.zone.or(instance.zone_id);
    (instance.start, instance.end) = (start?, end?);
    instance.metadata = metadata;
    instance.platform = body.object("platform").map(metadata::stored);
    instance.audit.touch(service.now(), &caller.author);
    store.put_instance(instance);
    Ok(Answer::Done)
}

pub(super) fn patch(service: &Service, slug: &str, call: &Call, caller: &Caller) -> Outcome {
    let body = Body::read(&call.body, PATCH)?;
    caller.may(Write, MODULE)?;
    let mut store = service.write();
    let mut instance = find(&store, slug, "PatchInstance")?.clone();
    let before = (instance.status.clone(), instance.lifecycle_stage.clone());
    if let Some(status) = body.owned("status") {
        instance.status = status;
    }
    if let Some(stage) = body.owned("lifecycleStage") {
        instance.lifecycle_stage = Some(stage);
    }
    if before != (instance.status.clone(), instance.lifecycle_stage.clone()) {
        instance.audit.touch(service.now(), &caller.author);
        store.put_instance(instance);
    }
    Ok(Answer::Done)
}

pub(super) fn delete(service: &Service, slug: &str, caller: &Caller) -> Outcome {
    caller.may(Write, MODULE)?;
    let mut store = service.write();
    let id = find(&store, slug, "DeleteInstance")?.id.clone();
    store.remove_instance(&id);
    Ok(Answer::Done)
}

/// What an instance is to refer to.
struct Wanted {
    customer: String,
    license: String,
    zone: Option<String>,
}

impl Wanted {
    fn of(body: &Body) -> Self {
        let id = |name: &str| body.id(name).expect("the schema demands it");
        Self { customer: id("customerId"), license: id("licenseId"), zone: body.id("deploymentZoneId") }
    }

    /// A trigger of the database fires before the row is inserted, and so before any of it is looked up.
    fn license_is_current(&self, store: &Store, operation: &str) -> Result<(), Problem> {
        match store.licenses.get(&self.license) {
            Some(license) if license.state == LifecycleState::Archived => {
                Err(Problem::new(422, format!("{operation}.LicenseArchived"), "an archived license cannot be assigned"))
            }
            _ => Ok(()),
        }
    }

    /// Customer, license, zone: the first one missing is reported.
    fn all_exist(&self, store: &Store, operation: &str) -> Result<(), Problem> {
        let missing = |kind: &str, words: &str, id: &str| {
            Problem::new(404, format!("{operation}.{kind}NotFound"), format!("{words} with ID {id} was not found"))
        };
        if store.customers.get(&self.customer).is_none() {
            return Err(missing("Customer", "Customer", &self.customer));
        }
        if store.licenses.get(&self.license).is_none() {
            return Err(missing("License", "License", &self.license));
        }
        match &self.zone {
            Some(zone) if store.zones.get(zone).is_none() => Err(missing("DeploymentZone", "Deployment zone", zone)),
            _ => Ok(()),
        }
    }
}

fn find<'a>(store: &'a Store, slug: &str, operation: &str) -> Result<&'a Instance, Problem> {
    let missing = || Problem::new(404, format!("{operation}.NotFound"), "instance not found");
    store.instances.find(slug).map(AsRef::as_ref).ok_or_else(missing)
}

fn view(service: &Service, store: &Store, instance: &Instance) -> Value {
    let Instance {
        id,
        slug,
        name,
        description,
        customer_id,
        license_id,
        zone_id,
        start,
        end,
        metadata,
        platform,
        integrations,
        status,
        lifecycle_stage,
        audit,
    } = instance;
    let customer_slug = store.customers.get(customer_id).map(|customer| &customer.slug);
    let license_slug = store.licenses.get(license_id).map(|license| &license.slug);
    let mut object = json!({
        "id": id, "slug": slug, "name": name, "description": description,
        "customerId": customer_id, "customerSlug": customer_slug, "licenseId": license_id, "licenseSlug": license_slug,
        "startLicenseDate": start, "endLicenseDate": end, "metadata": metadata,
    });
    if let Some(zone_id) = zone_id {
        object["deploymentZoneId"] = zone_id.as_str().into();
    }
    audit.show(&mut object);
    if let Dialect::Seed { .. } = service.options.dialect {
        if let Some(platform) = platform {
            object["platform"] = platform.clone().into();
        }
        return object;
    }
    if let Some(zone) = zone_id.as_ref().and_then(|zone| store.zones.get(zone)) {
        object["deploymentZoneSlug"] = zone.slug.as_str().into();
    }
    object["status"] = status.as_str().into();
    if let Some(stage) = lifecycle_stage {
        object["lifecycleStage"] = stage.as_str().into();
    }
    integration::show(integrations, &mut object);
    object
}
