//! `/license-families` (§10.2): read only.

use serde_json::{Value, json};

use super::auth::Access::Read;
use super::auth::Caller;
use super::call::{Answer, Call, Outcome};
use super::license::{self, MODULE};
use super::page::Window;
use super::problem::{Problem, Violation};
use super::record::{Family, License, LifecycleState};
use super::{Service, store::Store};

pub(super) fn list(service: &Service, call: &Call, caller: &Caller) -> Outcome {
    let window = Window::of(call)?;
    caller.may(Read, MODULE)?;
    let store = service.read();
    let shape = service.options.lists;
    let shown = |family: &Family| view(&store, family, current(&store, family));
    window.answer(&store.families, shape, "LicenseFamilies", shown).map(Answer::Found)
}

pub(super) fn get(service: &Service, slug: &str, call: &Call, caller: &Caller) -> Outcome {
    let (version, with_versions) = parameters(call)?;
    caller.may(Read, MODULE)?;
    let store = service.read();
    let missing = |reason: &str| {
        Problem::new(404, format!("GetLicenseFamily.{reason}"), "license family, or a version to show, not found")
    };
    let family = store.families.find(slug).ok_or_else(|| missing("NotFound"))?;
    let shown = match version {
        Some(version) => {
            let mut versions = store.versions(&family.id);
            let found = versions.find(|license| license.version == version).map(AsRef::as_ref);
            Some(found.ok_or_else(|| missing("NotFound"))?)
        }
        None => current(&store, family),
    };
    if shown.is_none() && !with_versions {
        return Err(missing("NoPublishedVersion"));
    }
    let mut object = view(&store, family, shown);
    if with_versions {
        object["versions"] = store.versions(&family.id).map(|license| license::view(license)).collect();
    }
    Ok(Answer::Found(object))
}

/// The version asked for, and whether all are to be shown.
fn parameters(call: &Call) -> Result<(Option<u32>, bool), Problem> {
    let refuse = |location: &str, message: &str, value: String| {
        let (location, message) = (location.to_owned(), message.to_owned());
        Problem::schema(vec![Violation { location, message, value: value.into() }])
    };
    let version = match call.parameter("version").filter(|version| !version.is_empty()) {
        None => None,
        Some(text) => match text.parse::<i32>() {
            Err(_) => return Err(refuse("query.version", "invalid integer", text)),
            Ok(version) if version < 1 => return Err(refuse("query.version", "expected number >= 1", text)),
            Ok(version) => Some(version.unsigned_abs()),
        },
    };
    let included = call.parameter("include").unwrap_or_default();
    for (index, name) in included.split(',').enumerate() {
        if !name.is_empty() && name != "versions" {
            let message = "expected value to be one of \"versions\"";
            return Err(refuse(&format!("query.include[{index}]"), message, name.to_owned()));
        }
    }
    Ok((version, !included.is_empty()))
}

/// The default version, else the published one with the highest number.
fn current<'a>(store: &'a Store, family: &Family) -> Option<&'a License> {
    let default = store.versions(&family.id).find(|license| license.is_default);
    let published = || store.versions(&family.id).rfind(|license| license.state == LifecycleState::Published);
    default.or_else(published).map(AsRef::as_ref)
}

fn view(store: &Store, family: &Family, shown: Option<&License>) -> Value {
    let Family { id, slug, last_version: _, created_at, updated_at } = family;
    let mut object = json!({
        "id": id, "slug": slug, "versionCount": store.version_count(id),
        "createdAt": created_at, "updatedAt": updated_at,
    });
    if let Some(shown) = shown {
        object["currentVersion"] = license::view(shown);
    }
    object
}
