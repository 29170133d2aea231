//! `/licenses`: versions of license families, and their lifecycle (§10.3).

use serde_json::{Value, json};

use super::auth::Access::{Read, Write};
use super::auth::Caller;
use super::body::{Body, Schema, Shape, optional, required};
use super::call::{Answer, Call, Outcome};
use super::page::Window;
use super::problem::Problem;
use super::record::{Family, License, LifecycleState};
use super::stamp::Stamp;
use super::{Service, slug, store::Store};

pub(super) const MODULE: &str = "licenses";

const LICENSE: Schema = &[
    optional("createdAt", Shape::ReadOnly),
    required("description", Shape::Text { min: 0, max: 500 }),
    optional("familyId", Shape::Uuid),
    optional("familySlug", Shape::Slug),
    optional("id", Shape::ReadOnly),
    required("isDefault", Shape::Boolean),
    optional("lifecycleState", Shape::Choice(&["DRAFT", "PUBLISHED", "ARCHIVED"])),
    required("name", Shape::Text { min: 1, max: 100 }),
    optional("slug", Shape::Slug),
    required("type", Shape::Choice(&["DEVELOPMENT", "TRIAL", "PAID", "COMMUNITY"])),
    optional("updatedAt", Shape::ReadOnly),
    // Read-only by the contract, and yet compared by the handlers.
    optional("version", Shape::Text { min: 0, max: 0 }),
    optional("versionName", Shape::Text { min: 0, max: 50 }),
];

pub(super) fn list(service: &Service, call: &Call, caller: &Caller) -> Outcome {
    let window = Window::of(call)?;
    caller.may(Read, MODULE)?;
    let store = service.read();
    window.answer(&store.licenses, service.options.lists, "Licenses", view).map(Answer::Found)
}

pub(super) fn get(service: &Service, slug: &str, caller: &Caller) -> Outcome {
    caller.may(Read, MODULE)?;
    let store = service.read();
    Ok(Answer::Found(view(find(&store, slug, "GetLicense")?)))
}

pub(super) fn create(service: &Service, call: &Call, caller: &Caller) -> Outcome {
    let body = Body::read(&call.body, LICENSE)?;
    caller.may(Write, MODULE)?;
    if body.text("version").is_some_and(|version| !version.is_empty()) {
        return Err(Problem::new(422, "CreateLicense.VersionNotSettable", "the version is assigned by the server"));
    }
    let state = state(&body).unwrap_or(LifecycleState::Published);
    if state == LifecycleState::Archived {
        let detail = "a license is archived with archive-license";
        return Err(Problem::new(422, "CreateLicense.LifecycleStateNotSettable", detail));
    }
    let is_default = body.is_true("isDefault");
    if is_default && state != LifecycleState::Published {
        return Err(default_must_be_published("CreateLicense"));
    }

    let mut store = service.write();
    let now = service.now();
    let (family, slug) = if let Some(mut family) = joined(&store, &body)? {
        family.last_version += 1;
        family.updated_at = now;
        let slug = body.owned("slug").unwrap_or_else(|| slug::of_version(&family.slug, family.last_version));
        if store.licenses.has_slug(&slug) {
            return Err(super::slug_conflict("CreateLicense", &slug));
        }
        (family, slug)
    } else {
        service.within_limit(store.families.len(), service.options.limits.licenses, "CreateLicense")?;
        let taken = |slug: &str| store.licenses.has_slug(slug) || store.families.has_slug(slug);
        let slug = service.new_slug(&body, &body.demanded("name"), "CreateLicense", taken)?;
        let id = service.new_id(|id| store.families.get(id).is_some());
        (Family { id, slug: slug.clone(), last_version: 1, created_at: now, updated_at: now }, slug)
    };
    let version_name = body.owned("versionName").filter(|name| !name.is_empty());
    let license = License {
        id: service.new_id(|id| store.licenses.get(id).is_some()),
        slug,
        family_id: family.id.clone(),
        version: family.last_version,
        version_name: Some(version_name.unwrap_or_else(|| format!("Version - {}", family.last_version))),
        name: body.demanded("name"),
        description: body.demanded("description"),
        kind: body.demanded("type"),
        is_default,
        state,
        created_at: now,
        updated_at: now,
    };
    if is_default {
        take_default(&mut store, &license, now);
    }
    store.families.put(family);
    let license = store.put_license(license);
    Ok(Answer::Created(view(&license)))
}

/// The family a new version joins, if the body names one.
fn joined(store: &Store, body: &Body) -> Result<Option<Family>, Problem> {
    let by_slug = body.text("familySlug").map(|slug| store.families.find(slug));
    let by_id = body.id("familyId").map(|id| store.families.get(&id));
    let unknown = || Problem::new(404, "CreateLicense.FamilyNotFound", "license family not found");
    match (by_slug, by_id) {
        (None, None) => Ok(None),
        (Some(None), _) | (_, Some(None)) => Err(unknown()),
        (Some(Some(one)), Some(Some(other))) if one.id != other.id => {
            let detail = "familySlug and familyId name different families";
            Err(Problem::new(422, "CreateLicense.FamilyMismatch", detail))
        }
        (Some(Some(family)), _) | (None, Some(Some(family))) => Ok(Some(Family::clone(family))),
    }
}

pub(super) fn update(service: &Service, slug: &str, call: &Call, caller: &Caller) -> Outcome {
    let body = Body::read(&call.body, LICENSE)?;
    caller.may(Write, MODULE)?;
    let refuse = |reason: &str, detail: &str| Problem::new(422, format!("UpdateLicense.{reason}"), detail);
    service.not_renamed(&body, slug, "UpdateLicense")?;
    let stays = "a version stays in its family";
    if body.text("familySlug").is_some() {
        return Err(refuse("FamilyNotReassignable", stays));
    }
    let mut store = service.write();
    let mut license = find(&store, slug, "UpdateLicense")?.clone();
    if body.id("familyId").is_some_and(|family| family != license.family_id) {
        return Err(refuse("FamilyNotReassignable", stays));
    }
    if body.text("version").is_some_and(|version| !version.is_empty() && version != license.version.to_string()) {
        return Err(refuse("VersionNotSettable", "the version is assigned by the server"));
    }
    if state(&body).is_some_and(|state| state != license.state) {
        return Err(refuse(
            "LifecycleStateNotSettable",
            "the lifecycle state changes by publish, archive and unarchive",
        ));
    }
    let is_default = body.is_true("isDefault");
    if is_default && license.state != LifecycleState::Published {
        return Err(default_must_be_published("UpdateLicense"));
    }
    let now = service.now();
    if is_default && !license.is_default {
        take_default(&mut store, &license, now);
    }
    license.name = body.demanded("name");
    license.description = body.demanded("description");
    license.kind = body.demanded("type");
    license.version_name = body.owned("versionName").filter(|name| !name.is_empty());
    license.is_default = is_default;
    license.updated_at = now;
    store.put_license(license);
    Ok(Answer::Done)
}

/// Takes the flag from the family's default, which counts as an update of it.
fn take_default(store: &mut Store, for_license: &License, now: Stamp) {
    let before = store.versions(&for_license.family_id).find(|license| license.is_default);
    if let Some(before) = before.filter(|before| before.id != for_license.id) {
        let sibling = License { is_default: false, updated_at: now, ..License::clone(before) };
        store.put_license(sibling);
    }
}

pub(super) fn delete(service: &Service, slug: &str, caller: &Caller) -> Outcome {
    caller.may(Write, MODULE)?;
    let mut store = service.write();
    let id = find(&store, slug, "DeleteLicense")?.id.clone();
    if store.license_is_in_use(&id) {
        return Err(Problem::new(409, "DeleteLicense.InUseConflict", "license is in use"));
    }
    store.remove_license(&id);
    Ok(Answer::Done)
}

/// A move of the lifecycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Move {
    Publish,
    Archive,
    Unarchive,
}

impl Move {
    /// The move with this name in a path.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "publish" => Some(Self::Publish),
            "archive" => Some(Self::Archive),
            "unarchive" => Some(Self::Unarchive),
            _ => None,
        }
    }
}

pub(super) fn advance(service: &Service, slug: &str, step: Move, caller: &Caller) -> Outcome {
    use LifecycleState::{Archived, Draft, Published};
    caller.may(Write, MODULE)?;
    let (operation, from, to, reason) = match step {
        Move::Publish => ("PublishLicense", Draft, Published, "NotADraft"),
        Move::Archive => ("ArchiveLicense", Published, Archived, "NotPublished"),
        Move::Unarchive => ("UnarchiveLicense", Archived, Published, "NotArchived"),
    };
    let mut store = service.write();
    let mut license = find(&store, slug, operation)?.clone();
    if license.state != from {
        return Err(Problem::new(409, format!("{operation}.{reason}"), "the license is in another lifecycle state"));
    }
    if step == Move::Archive && license.is_default {
        return Err(default_must_be_published(operation));
    }
    license.state = to;
    license.updated_at = service.now();
    let license = store.put_license(license);
    Ok(Answer::Found(view(&license)))
}

fn default_must_be_published(operation: &str) -> Problem {
    let detail = "only a published version can be its family's default";
    Problem::new(409, format!("{operation}.DefaultMustBePublished"), detail)
}

fn state(body: &Body) -> Option<LifecycleState> {
    match body.text("lifecycleState")? {
        "DRAFT" => Some(LifecycleState::Draft),
        "ARCHIVED" => Some(LifecycleState::Archived),
        _ => Some(LifecycleState::Published),
    }
}

fn find<'a>(store: &'a Store, slug: &str, operation: &str) -> Result<&'a License, Problem> {
    let missing = || Problem::new(404, format!("{operation}.NotFound"), "license not found");
    store.licenses.find(slug).map(AsRef::as_ref).ok_or_else(missing)
}

pub(super) fn view(license: &License) -> Value {
    let License {
        id,
        slug,
        family_id,
        version,
        version_name,
        name,
        description,
        kind,
        is_default,
        state,
        created_at,
        updated_at,
    } = license;
    let mut object = json!({
        "id": id, "slug": slug, "familyId": family_id, "version": version.to_string(), "name": name,
        "description": description, "type": kind, "isDefault": is_default, "lifecycleState": state,
        "createdAt": created_at, "updatedAt": updated_at,
    });
    if let Some(version_name) = version_name {
        object["versionName"] = version_name.as_str().into();
    }
    object
}
