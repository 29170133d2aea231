//! `/components` (§10.8).

use serde_json::{Value, json};

use super::auth::Access::{Read, Write};
use super::auth::Caller;
use super::body::{Body, Schema, Shape, optional, required};
use super::call::{Answer, Call, Outcome};
use super::page::Window;
use super::problem::Problem;
use super::record::Component;
use super::{Service, store::Store};

const MODULE: &str = "components";

const COMPONENT: Schema = &[
    optional("createdAt", Shape::ReadOnly),
    optional("createdBy", Shape::ReadOnly),
    optional("description", Shape::Text { min: 0, max: 500 }),
    optional("id", Shape::ReadOnly),
    required("name", Shape::Text { min: 1, max: 100 }),
    optional("previousComponentId", Shape::Uuid),
    optional("slug", Shape::Slug),
    required("version", Shape::Text { min: 1, max: 100 }),
];

pub(super) fn list(service: &Service, call: &Call, caller: &Caller) -> Outcome {
    let window = Window::of(call)?;
    caller.may(Read, MODULE)?;
    let store = service.read();
    window.answer(&store.components, service.options.lists, "Components", view).map(Answer::Found)
}

pub(super) fn get(service: &Service, slug: &str, caller: &Caller) -> Outcome {
    caller.may(Read, MODULE)?;
    let store = service.read();
    Ok(Answer::Found(view(find(&store, slug)?)))
}

pub(super) fn create(service: &Service, call: &Call, caller: &Caller) -> Outcome {
    let body = Body::read(&call.body, COMPONENT)?;
    caller.may(Write, MODULE)?;
    let mut store = service.write();
    service.within_limit(store.components.len(), service.options.limits.components, "CreateComponent")?;
    let previous_id = body.id("previousComponentId");
    if previous_id.as_ref().is_some_and(|id| store.components.get(id).is_none()) {
        return Err(not_found());
    }
    let component = new(service, &store, &body, body.owned("description"), previous_id, caller)?;
    let component = store.put_component(component);
    Ok(Answer::Created(view(&component)))
}

/// In place, as long as no release contains it; after that, a PUT makes another component.
pub(super) fn update(service: &Service, slug: &str, call: &Call, caller: &Caller) -> Outcome {
    let body = Body::read(&call.body, COMPONENT)?;
    caller.may(Write, MODULE)?;
    let mut store = service.write();
    let current = find(&store, slug)?.clone();
    let (name, version) = (body.demanded("name"), body.demanded("version"));
    let is_same = (&name, &version) == (&current.name, &current.version);
    let description = body.owned("description").or_else(|| current.description.clone());
    if store.component_is_released(&current.id) {
        if is_same {
            let code = "UpdateComponent.LinkedComponentRequiresNewVersion";
            return Err(Problem::new(400, code, "a component in a release changes by a new version"));
        }
        let component = new(service, &store, &body, description, Some(current.id), caller)?;
        let component = store.put_component(component);
        return Ok(Answer::Found(view(&component)));
    }
    // Here, a slug is written as it is sent.
    let slug = body.owned("slug").unwrap_or_else(|| current.slug.clone());
    if slug != current.slug && store.components.has_slug(&slug) {
        return Err(super::slug_conflict("Component", &slug));
    }
    if !is_same && store.has_component(&name, &version) {
        return Err(taken(&name, &version));
    }
    let component = store.put_component(Component { slug, name, version, description, ..current });
    Ok(Answer::Found(view(&component)))
}

pub(super) fn delete(service: &Service, slug: &str, caller: &Caller) -> Outcome {
    caller.may(Write, MODULE)?;
    let mut store = service.write();
    let id = find(&store, slug)?.id.clone();
    if store.component_is_released(&id) {
        let detail = "a release contains the component";
        return Err(Problem::new(409, "DeleteComponent.LinkedComponentConflict", detail));
    }
    store.remove_component(&id);
    Ok(Answer::Done)
}

fn new(
    service: &Service,
    store: &Store,
    body: &Body,
    description: Option<String>,
    previous_id: Option<String>,
    caller: &Caller,
) -> Result<Component, Problem> {
    let (name, version) = (body.demanded("name"), body.demanded("version"));
    // The codes of components have no verb (§11.2).
    let slug =
        service.new_slug(body, &format!("{name}-{version}"), "Component", |slug| store.components.has_slug(slug))?;
    if store.has_component(&name, &version) {
        return Err(taken(&name, &version));
    }
    Ok(Component {
        id: service.new_id(|id| store.components.get(id).is_some()),
        slug,
        name,
        version,
        description,
        previous_id,
        created_at: service.now(),
        created_by: caller.author.clone(),
    })
}

fn taken(name: &str, version: &str) -> Problem {
    Problem::new(409, "Component.NameVersionConflict", format!("there is a component {name} in version {version}"))
}

pub(super) fn not_found() -> Problem {
    Problem::new(404, "Component.NotFound", "component not found")
}

fn find<'a>(store: &'a Store, slug: &str) -> Result<&'a Component, Problem> {
    store.components.find(slug).map(AsRef::as_ref).ok_or_else(not_found)
}

pub(super) fn view(component: &Component) -> Value {
    let Component { id, slug, name, version, description, previous_id, created_at, created_by } = component;
    let mut object = json!({
        "id": id, "slug": slug, "name": name, "version": version, "createdAt": created_at,
        "createdBy": { "id": created_by.id, "name": created_by.name },
    });
    for (name, value) in [("description", description), ("previousComponentId", previous_id)] {
        if let Some(value) = value {
            object[name] = value.as_str().into();
        }
    }
    object
}
