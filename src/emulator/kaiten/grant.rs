//! `/licenses/{slug}/entitlements`: what a license grants (§10.4).

use serde_json::{Value, json};

use super::auth::Access::{Read, Write};
use super::auth::Caller;
use super::body::{Body, INTEGER, Schema, Shape, TEXT, optional, required};
use super::call::{Answer, Call, Outcome};
use super::collection::Collection;
use super::license::MODULE;
use super::page::Window;
use super::problem::Problem;
use super::record::{Audit, Entitlement, Grant, License};
use super::{Service, entitlement, metadata, store::Store};

const VALUE: Shape = Shape::Tagged(&[
    ("boolean", &[required("type", TEXT), required("value", Shape::Boolean)]),
    ("number", &[optional("event_count", Shape::ReadOnly), required("type", TEXT), required("value", Shape::Number)]),
    ("object", &[required("type", TEXT), required("value", Shape::Object)]),
]);

const GRANT: Schema = &[
    optional("createdAt", Shape::ReadOnly),
    optional("createdBy", Shape::ReadOnly),
    optional("entitlementGroups", Shape::ReadOnly),
    optional("entitlementName", Shape::ReadOnly),
    // Not required, though nothing can be granted without it.
    optional("entitlementSlug", TEXT),
    optional("entitlementType", Shape::ReadOnly),
    optional("licenseId", Shape::ReadOnly),
    optional("licenseSlug", Shape::ReadOnly),
    optional("limitCapExceededOveragePercent", INTEGER),
    optional("updatedAt", Shape::ReadOnly),
    optional("updatedBy", Shape::ReadOnly),
    required("value", VALUE),
];

/// The value of a number that is not limited.
const UNLIMITED: f64 = -1.0;

pub(super) fn list(service: &Service, license: &str, call: &Call, caller: &Caller) -> Outcome {
    let window = Window::of(call)?;
    caller.may(Read, MODULE)?;
    let store = service.read();
    let license = found_license(&store, license, "GetLicenseEntitlements")?;
    let none = Collection::default();
    let grants = store.grants(&license.id).unwrap_or(&none);
    let shown = |grant: &Grant| view(&store, grant);
    window.answer(grants, service.options.lists, "LicenseEntitlements", shown).map(Answer::Found)
}

pub(super) fn get(service: &Service, license: &str, entitlement: &str, caller: &Caller) -> Outcome {
    caller.may(Read, MODULE)?;
    let store = service.read();
    let (_, grant) = find(&store, license, entitlement, "GetLicenseEntitlement")?;
    Ok(Answer::Found(view(&store, grant)))
}

/// 204 and no body (§7.1). The codes of one operation have two names in front.
pub(super) fn create(service: &Service, license: &str, call: &Call, caller: &Caller) -> Outcome {
    let body = Body::read(&call.body, GRANT)?;
    caller.may(Write, MODULE)?;
    let operation = "AssociateEntitlementToLicense";
    let mut store = service.write();
    let code = "AssociateEntitlementWithLicense.LicenseEntitlementLimitReached";
    service.within_quota(store.grant_count(), service.options.limits.license_entitlements, code)?;
    let license = found_license(&store, license, operation)?;
    let slug = body.text("entitlementSlug").unwrap_or_default();
    let missing = || Problem::new(404, format!("{operation}.EntitlementNotFound"), "entitlement not found");
    let entitlement = store.entitlements.find(slug).ok_or_else(missing)?;
    let (value, overage) = terms(&body, entitlement, operation)?;
    if store.grant(&license.id, &entitlement.id).is_some() {
        let detail = "the entitlement is already associated to the license";
        return Err(Problem::new(409, format!("{operation}.AlreadyAssociated"), detail));
    }
    let grant = Grant {
        id: service.new_id(|id| store.grants(&license.id).is_some_and(|grants| grants.get(id).is_some())),
        license_id: license.id.clone(),
        entitlement_id: entitlement.id.clone(),
        value,
        overage,
        audit: Audit::new(service.now(), &caller.author),
    };
    store.put_grant(grant);
    Ok(Answer::Done)
}

pub(super) fn update(service: &Service, license: &str, slug: &str, call: &Call, caller: &Caller) -> Outcome {
    let body = Body::read(&call.body, GRANT)?;
    caller.may(Write, MODULE)?;
    let operation = "UpdateLicenseEntitlement";
    if body.text("entitlementSlug").is_some_and(|other| other != slug) {
        let detail = "a grant stays with its entitlement";
        return Err(Problem::new(422, format!("{operation}.EntitlementSlugMismatch"), detail));
    }
    let mut store = service.write();
    let (entitlement, grant) = find(&store, license, slug, operation)?;
    let mut grant = grant.clone();
    (grant.value, grant.overage) = terms(&body, entitlement, operation)?;
    grant.audit.touch(service.now(), &caller.author);
    store.put_grant(grant);
    Ok(Answer::Done)
}

pub(super) fn delete(service: &Service, license: &str, entitlement: &str, caller: &Caller) -> Outcome {
    caller.may(Write, MODULE)?;
    let mut store = service.write();
    let (_, grant) = find(&store, license, entitlement, "DeleteLicenseEntitlement")?;
    let grant = grant.clone();
    store.remove_grant(&grant);
    Ok(Answer::Done)
}

/// Value and overage; the latter has a default for numbers, and is for numbers alone.
fn terms(body: &Body, entitlement: &Entitlement, operation: &str) -> Result<(Value, Option<i64>), Problem> {
    let value = body.object("value").map(metadata::stored).expect("the schema demands it");
    let fits = match value["type"].as_str() {
        Some("number") => entitlement::is_numeric(&entitlement.kind),
        Some("boolean") => entitlement.kind == "BOOLEAN",
        _ => entitlement.kind == "CONFIG",
    };
    if !fits {
        let detail = format!("the value does not fit an entitlement of type {}", entitlement.kind);
        return Err(Problem::new(400, format!("{operation}.InvalidValue"), detail));
    }
    let refuse =
        |detail: &str| Err(Problem::new(400, format!("{operation}.InvalidLimitCapExceededOveragePercent"), detail));
    let overage = body.integer("limitCapExceededOveragePercent");
    let is_unlimited = value["value"].as_f64() == Some(UNLIMITED);
    let overage = match (overage, entitlement::is_numeric(&entitlement.kind)) {
        (None, false) => None,
        (Some(_), false) => return refuse("only a number has an overage"),
        (None | Some(-1), true) if is_unlimited => Some(-1),
        (Some(_), true) if is_unlimited => return refuse("what is unlimited has no overage but -1"),
        (overage, true) => match overage.unwrap_or(0) {
            overage @ 0..=32767 => Some(overage),
            _ => return refuse("the overage is 0 to 32767"),
        },
    };
    Ok((value.into(), overage))
}

fn found_license<'a>(store: &'a Store, slug: &str, operation: &str) -> Result<&'a License, Problem> {
    let missing = || Problem::new(404, format!("{operation}.LicenseNotFound"), "license not found");
    store.licenses.find(slug).map(AsRef::as_ref).ok_or_else(missing)
}

fn find<'a>(
    store: &'a Store,
    license: &str,
    entitlement: &str,
    operation: &str,
) -> Result<(&'a Entitlement, &'a Grant), Problem> {
    let found = || {
        let license = store.licenses.find(license)?;
        let entitlement = store.entitlements.find(entitlement)?;
        Some((entitlement.as_ref(), store.grant(&license.id, &entitlement.id)?.as_ref()))
    };
    found().ok_or_else(|| Problem::new(404, format!("{operation}.NotFound"), "license entitlement not found"))
}

fn view(store: &Store, grant: &Grant) -> Value {
    let Grant { id: _, license_id, entitlement_id, value, overage, audit } = grant;
    let entitlement = store.entitlements.get(entitlement_id).expect("an entitlement outlives its grants");
    let license = store.licenses.get(license_id).expect("a license outlives its grants");
    let mut object = json!({
        "licenseId": license_id, "licenseSlug": license.slug, "entitlementSlug": entitlement.slug,
        "entitlementName": entitlement.name, "entitlementType": entitlement.kind,
        "entitlementGroups": entitlement::summaries(store, entitlement), "value": value,
    });
    if let Some(overage) = overage {
        object["limitCapExceededOveragePercent"] = (*overage).into();
    }
    audit.show(&mut object);
    object
}
