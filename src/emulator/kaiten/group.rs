//! `/entitlement-groups` and who is in them (§10.6).

use serde_json::{Value, json};

use super::auth::Access::{Read, Write};
use super::auth::Caller;
use super::body::{Body, Schema, Shape, TEXT, named, optional, required};
use super::call::{Answer, Call, Outcome};
use super::entitlement::MODULE;
use super::page::Window;
use super::problem::Problem;
use super::record::{Entitlement, Group};
use super::{Service, store::Store};

const GROUP: Schema = &[
    named("description", TEXT),
    optional("id", Shape::ReadOnly),
    required("name", Shape::Text { min: 1, max: 0 }),
    optional("slug", Shape::Slug),
];

const MEMBER: Schema = &[required("entitlementSlug", TEXT)];

pub(super) fn list(service: &Service, call: &Call, caller: &Caller) -> Outcome {
    let window = Window::of(call)?;
    caller.may(Read, MODULE)?;
    let store = service.read();
    window.answer(&store.groups, service.options.lists, "EntitlementGroups", view).map(Answer::Found)
}

pub(super) fn get(service: &Service, slug: &str, caller: &Caller) -> Outcome {
    caller.may(Read, MODULE)?;
    let store = service.read();
    Ok(Answer::Found(view(find(&store, slug, "GetEntitlementGroup")?)))
}

pub(super) fn create(service: &Service, call: &Call, caller: &Caller) -> Outcome {
    let body = Body::read(&call.body, GROUP)?;
    caller.may(Write, MODULE)?;
    let mut store = service.write();
    let code = "CreateEntitlementGroup.EntitlementGroupLimitReached";
    service.within_quota(store.groups.len(), service.options.limits.entitlement_groups, code)?;
    let name = body.demanded("name");
    let slug = service.new_slug(&body, &name, "CreateEntitlementGroup", |slug| store.groups.has_slug(slug))?;
    let group = Group {
        id: service.new_id(|id| store.groups.get(id).is_some()),
        slug,
        name,
        description: body.owned("description"),
        created_at: service.now(),
    };
    let group = store.groups.put(group);
    Ok(Answer::Created(view(&group)))
}

pub(super) fn update(service: &Service, slug: &str, call: &Call, caller: &Caller) -> Outcome {
    let body = Body::read(&call.body, GROUP)?;
    caller.may(Write, MODULE)?;
    service.not_renamed(&body, slug, "UpdateEntitlementGroup")?;
    let mut store = service.write();
    let mut group = find(&store, slug, "UpdateEntitlementGroup")?.clone();
    group.name = body.demanded("name");
    group.description = body.owned("description");
    store.groups.put(group);
    Ok(Answer::Done)
}

pub(super) fn delete(service: &Service, slug: &str, caller: &Caller) -> Outcome {
    caller.may(Write, MODULE)?;
    let mut store = service.write();
    let id = find(&store, slug, "DeleteEntitlementGroup")?.id.clone();
    store.remove_group(&id);
    Ok(Answer::Done)
}

/// 201 and no body (§7.1).
pub(super) fn add(service: &Service, slug: &str, call: &Call, caller: &Caller) -> Outcome {
    let body = Body::read(&call.body, MEMBER)?;
    caller.may(Write, MODULE)?;
    let mut store = service.write();
    let (group, mut entitlement) =
        membership(&store, slug, &body.demanded("entitlementSlug"), "AddEntitlementToGroup")?;
    if !entitlement.groups.insert(group) {
        let detail = "the entitlement is already a member of the group";
        return Err(Problem::new(409, "AddEntitlementToGroup.AlreadyMember", detail));
    }
    store.put_entitlement(entitlement);
    Ok(Answer::Accepted)
}

pub(super) fn remove(service: &Service, slug: &str, entitlement: &str, caller: &Caller) -> Outcome {
    caller.may(Write, MODULE)?;
    let mut store = service.write();
    let (group, mut entitlement) = membership(&store, slug, entitlement, "RemoveEntitlementFromGroup")?;
    if !entitlement.groups.remove(&group) {
        let detail = "the entitlement is not a member of the group";
        return Err(Problem::new(404, "RemoveEntitlementFromGroup.NotFound", detail));
    }
    store.put_entitlement(entitlement);
    Ok(Answer::Done)
}

/// The id of the group, and the entitlement that is to join or leave it.
fn membership(store: &Store, slug: &str, entitlement: &str, operation: &str) -> Result<(String, Entitlement), Problem> {
    let missing = |kind: &str, detail: &str| Problem::new(404, format!("{operation}.{kind}NotFound"), detail);
    let group = store.groups.find(slug).ok_or_else(|| missing("Group", "entitlement group not found"))?;
    let entitlement =
        store.entitlements.find(entitlement).ok_or_else(|| missing("Entitlement", "entitlement not found"))?;
    Ok((group.id.clone(), Entitlement::clone(entitlement)))
}

fn find<'a>(store: &'a Store, slug: &str, operation: &str) -> Result<&'a Group, Problem> {
    let missing = || Problem::new(404, format!("{operation}.NotFound"), "entitlement group not found");
    store.groups.find(slug).map(AsRef::as_ref).ok_or_else(missing)
}

fn view(group: &Group) -> Value {
    let Group { id, slug, name, description, created_at: _ } = group;
    json!({ "id": id, "slug": slug, "name": name, "description": description })
}
