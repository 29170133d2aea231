//! `/deployment-zones` (§10.7).

use serde_json::{Value, json};

use super::auth::Access::{Read, Write};
use super::auth::Caller;
use super::body::{Body, Schema, Shape, optional, required};
use super::call::{Answer, Call, Outcome};
use super::page::Window;
use super::problem::Problem;
use super::record::{Audit, Zone};
use super::{Service, metadata, store::Store};

const MODULE: &str = "deployment_zones";

const ZONE: Schema = &[
    optional("createdAt", Shape::ReadOnly),
    optional("createdBy", Shape::ReadOnly),
    required("description", Shape::Text { min: 0, max: 0 }),
    optional("id", Shape::ReadOnly),
    optional("metadata", Shape::Object),
    required("name", Shape::Text { min: 1, max: 0 }),
    optional("releaseId", Shape::Uuid),
    optional("slug", Shape::Slug),
    required("type", Shape::Text { min: 0, max: 0 }),
    optional("updatedAt", Shape::ReadOnly),
    optional("updatedBy", Shape::ReadOnly),
];

pub(super) fn list(service: &Service, call: &Call, caller: &Caller) -> Outcome {
    let window = Window::of(call)?;
    caller.may(Read, MODULE)?;
    let store = service.read();
    window.answer(&store.zones, service.options.lists, "DeploymentZones", view).map(Answer::Found)
}

pub(super) fn get(service: &Service, slug: &str, caller: &Caller) -> Outcome {
    caller.may(Read, MODULE)?;
    let store = service.read();
    Ok(Answer::Found(view(find(&store, slug, "GetDeploymentZone")?)))
}

pub(super) fn create(service: &Service, call: &Call, caller: &Caller) -> Outcome {
    let body = Body::read(&call.body, ZONE)?;
    caller.may(Write, MODULE)?;
    let mut store = service.write();
    service.within_limit(store.zones.len(), service.options.limits.deployment_zones, "CreateDeploymentZone")?;
    let name = body.demanded("name");
    let slug = service.new_slug(&body, &name, "CreateDeploymentZone", |slug| store.zones.has_slug(slug))?;
    no_release(&body)?;
    let zone = Zone {
        id: service.new_id(|id| store.zones.get(id).is_some()),
        slug,
        name,
        kind: body.demanded("type"),
        description: body.demanded("description"),
        metadata: body.object("metadata").map(metadata::stored).unwrap_or_default(),
        audit: Audit::new(service.now(), &caller.author),
    };
    let zone = store.zones.put(zone);
    Ok(Answer::Created(view(&zone)))
}

pub(super) fn update(service: &Service, slug: &str, call: &Call, caller: &Caller) -> Outcome {
    let body = Body::read(&call.body, ZONE)?;
    caller.may(Write, MODULE)?;
    service.not_renamed(&body, slug, "UpdateDeploymentZone")?;
    let mut store = service.write();
    let mut zone = find(&store, slug, "UpdateDeploymentZone")?.clone();
    no_release(&body)?;
    zone.name = body.demanded("name");
    zone.kind = body.demanded("type");
    zone.description = body.demanded("description");
    zone.metadata = body.object("metadata").map(metadata::stored).unwrap_or_default();
    zone.audit.touch(service.now(), &caller.author);
    store.zones.put(zone);
    Ok(Answer::Done)
}

pub(super) fn delete(service: &Service, slug: &str, caller: &Caller) -> Outcome {
    caller.may(Write, MODULE)?;
    let mut store = service.write();
    let id = find(&store, slug, "DeleteDeploymentZone")?.id.clone();
    store.remove_zone(&id);
    Ok(Answer::Done)
}

/// The emulator has no releases, so whichever is named does not exist.
fn no_release(body: &Body) -> Result<(), Problem> {
    match body.id("releaseId") {
        Some(id) => {
            Err(Problem::new(404, "CreateDeployment.ReleaseNotFound", format!("Release with ID {id} was not found")))
        }
        None => Ok(()),
    }
}

fn find<'a>(store: &'a Store, slug: &str, operation: &str) -> Result<&'a Zone, Problem> {
    let missing = || Problem::new(404, format!("{operation}.NotFound"), "deployment zone not found");
    store.zones.find(slug).map(AsRef::as_ref).ok_or_else(missing)
}

fn view(zone: &Zone) -> Value {
    let Zone { id, slug, name, kind, description, metadata, audit } = zone;
    let mut object = json!({ "id": id, "slug": slug, "name": name, "type": kind, "description": description });
    if !metadata.is_empty() {
        object["metadata"] = metadata.clone().into();
    }
    audit.show(&mut object);
    object
}
