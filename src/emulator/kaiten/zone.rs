//! `/deployment-zones` (§10.7).

use serde_json::{Value, json};

use super::auth::Access::{Read, Write};
use super::auth::Caller;
use super::body::{Body, Schema, Shape, optional, required};
use super::call::{Answer, Call, Outcome};
use super::page::Window;
use super::problem::Problem;
use super::record::{Audit, Deployment, ResourceType, Zone};
use super::stamp::Stamp;
use super::{Service, metadata_field, store::Store};

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
    let metadata = metadata_field::validated(&store, ResourceType::DeploymentZone, body.object("metadata"), None)?;
    service.within_limit(store.zones.len(), service.options.limits.deployment_zones, "CreateDeploymentZone")?;
    let name = body.demanded("name");
    let slug = service.new_slug(&body, &name, "CreateDeploymentZone", |slug| store.zones.has_slug(slug))?;
    let now = service.now();
    let deployments = deployment(&store, &body, None, now)?.into_iter().collect();
    let zone = Zone {
        id: service.new_id(|id| store.zones.get(id).is_some()),
        slug,
        name,
        kind: body.demanded("type"),
        description: body.demanded("description"),
        metadata,
        deployments,
        audit: Audit::new(now, &caller.author),
    };
    let zone = store.put_zone(zone);
    Ok(Answer::Created(view(&zone)))
}

pub(super) fn update(service: &Service, slug: &str, call: &Call, caller: &Caller) -> Outcome {
    let body = Body::read(&call.body, ZONE)?;
    caller.may(Write, MODULE)?;
    service.not_renamed(&body, slug, "UpdateDeploymentZone")?;
    let mut store = service.write();
    let mut zone = find(&store, slug, "UpdateDeploymentZone")?.clone();
    let before = Some(&zone.metadata);
    let metadata = metadata_field::validated(&store, ResourceType::DeploymentZone, body.object("metadata"), before)?;
    let now = service.now();
    let deployment = deployment(&store, &body, zone.release(), now)?;
    zone.deployments.extend(deployment);
    zone.name = body.demanded("name");
    zone.kind = body.demanded("type");
    zone.description = body.demanded("description");
    zone.metadata = metadata;
    zone.audit.touch(now, &caller.author);
    store.put_zone(zone);
    Ok(Answer::Done)
}

pub(super) fn delete(service: &Service, slug: &str, caller: &Caller) -> Outcome {
    caller.may(Write, MODULE)?;
    let mut store = service.write();
    let id = find(&store, slug, "DeleteDeploymentZone")?.id.clone();
    store.remove_zone(&id);
    Ok(Answer::Done)
}

/// The deployment a body asks for, if it names another release than the one that is there.
fn deployment(store: &Store, body: &Body, current: Option<&str>, at: Stamp) -> Result<Option<Deployment>, Problem> {
    let Some(id) = body.id("releaseId") else { return Ok(None) };
    if store.releases.get(&id).is_none() {
        // The code is that of what the handler does next (§11.2).
        let detail = format!("Release with ID {id} was not found");
        return Err(Problem::new(404, "CreateDeployment.ReleaseNotFound", detail));
    }
    Ok((current != Some(id.as_str())).then_some(Deployment { release_id: id, at }))
}

fn find<'a>(store: &'a Store, slug: &str, operation: &str) -> Result<&'a Zone, Problem> {
    let missing = || Problem::new(404, format!("{operation}.NotFound"), "deployment zone not found");
    store.zones.find(slug).map(AsRef::as_ref).ok_or_else(missing)
}

fn view(zone: &Zone) -> Value {
    let Zone { id, slug, name, kind, description, metadata, deployments: _, audit } = zone;
    let mut object = json!({ "id": id, "slug": slug, "name": name, "type": kind, "description": description });
    if !metadata.is_empty() {
        object["metadata"] = metadata.clone().into();
    }
    if let Some(release) = zone.release() {
        object["releaseId"] = release.into();
    }
    audit.show(&mut object);
    object
}
