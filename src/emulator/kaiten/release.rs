//! `/releases` (§10.9): they never change.

use serde_json::{Value, json};

use super::auth::Access::{Read, Write};
use super::auth::Caller;
use super::body::{Body, Schema, Shape, optional, required};
use super::call::{Answer, Call, Outcome};
use super::page::Window;
use super::problem::Problem;
use super::record::Release;
use super::{Service, component, store::Store};

const MODULE: &str = "releases";

const RELEASE: Schema = &[
    optional("componentIds", Shape::ListOf(&Shape::Uuid)),
    optional("components", Shape::ReadOnly),
    optional("createdAt", Shape::ReadOnly),
    optional("createdBy", Shape::ReadOnly),
    optional("description", Shape::Text { min: 0, max: 500 }),
    optional("id", Shape::ReadOnly),
    optional("slug", Shape::Slug),
    required("version", Shape::Text { min: 1, max: 100 }),
];

pub(super) fn list(service: &Service, call: &Call, caller: &Caller) -> Outcome {
    let window = Window::of(call)?;
    caller.may(Read, MODULE)?;
    let store = service.read();
    let shown = |release: &Release| view(&store, release);
    window.answer(&store.releases, service.options.lists, "Releases", shown).map(Answer::Found)
}

pub(super) fn get(service: &Service, slug: &str, caller: &Caller) -> Outcome {
    caller.may(Read, MODULE)?;
    let store = service.read();
    Ok(Answer::Found(view(&store, find(&store, slug, "GetRelease")?)))
}

pub(super) fn create(service: &Service, call: &Call, caller: &Caller) -> Outcome {
    let body = Body::read(&call.body, RELEASE)?;
    caller.may(Write, MODULE)?;
    let mut store = service.write();
    service.within_limit(store.releases.len(), service.options.limits.releases, "CreateRelease")?;
    let version = body.demanded("version");
    let slug = service.new_slug(&body, &version, "CreateRelease", |slug| store.releases.has_slug(slug))?;
    if store.has_release(&version) {
        let detail = format!("there is a release of version {version}");
        return Err(Problem::new(409, "CreateRelease.VersionConflict", detail));
    }
    let mut component_ids: Vec<String> = Vec::new();
    for id in body.list("componentIds").into_iter().flatten().filter_map(Value::as_str) {
        let id = id.to_ascii_lowercase();
        if store.components.get(&id).is_none() {
            return Err(component::not_found());
        }
        if !component_ids.contains(&id) {
            component_ids.push(id);
        }
    }
    let release = Release {
        id: service.new_id(|id| store.releases.get(id).is_some()),
        slug,
        version,
        description: body.owned("description"),
        component_ids,
        created_at: service.now(),
        created_by: caller.author.clone(),
    };
    let release = store.put_release(release);
    Ok(Answer::Created(view(&store, &release)))
}

pub(super) fn delete(service: &Service, slug: &str, caller: &Caller) -> Outcome {
    caller.may(Write, MODULE)?;
    let mut store = service.write();
    let id = find(&store, slug, "DeleteRelease")?.id.clone();
    if store.release_was_deployed(&id) {
        return Err(Problem::new(409, "DeleteRelease.InUseConflict", "the release is or was deployed to a zone"));
    }
    store.remove_release(&id);
    Ok(Answer::Done)
}

fn find<'a>(store: &'a Store, slug: &str, operation: &str) -> Result<&'a Release, Problem> {
    let missing = || Problem::new(404, format!("{operation}.NotFound"), "release not found");
    store.releases.find(slug).map(AsRef::as_ref).ok_or_else(missing)
}

fn view(store: &Store, release: &Release) -> Value {
    let Release { id, slug, version, description, component_ids, created_at, created_by } = release;
    let components = component_ids.iter().filter_map(|id| store.components.get(id));
    let components: Value = components.map(|component| component::view(component)).collect();
    let mut object = json!({
        "id": id, "slug": slug, "version": version, "components": components, "createdAt": created_at,
        "createdBy": { "id": created_by.id, "name": created_by.name },
    });
    if let Some(description) = description {
        object["description"] = description.as_str().into();
    }
    object
}
