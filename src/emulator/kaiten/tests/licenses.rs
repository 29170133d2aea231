//! §10.2 and §10.3

use serde_json::{Value, json};

use super::super::Limits;
use super::{Api, and, license, without};

const LICENSES: &str = "/api/licenses";

/// The body of a version that joins the family `growth`.
fn version() -> Value {
    and(without(license("x1"), "slug"), "familySlug", "growth")
}

fn post(api: &Api, path: &str) -> (u16, String) {
    let (status, body) = api.send("POST", path, &Value::Null);
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn a_license_that_names_no_family_opens_one() {
    let api = Api::empty();
    let created = api.create(LICENSES, &license("growth"));
    assert_eq!((&created["version"], &created["versionName"]), (&json!("1"), &json!("Version - 1")));
    assert_eq!(created["lifecycleState"], "PUBLISHED");
    assert_eq!((created.get("familySlug"), created.get("createdBy")), (None, None));
    let family = api.get("/api/license-families/growth");
    assert_eq!(family["id"], created["familyId"]);
    assert_eq!((&family["versionCount"], &family["currentVersion"]), (&json!(1), &created));
    assert_eq!(family.get("versions"), None);
}

#[test]
fn a_version_takes_the_next_number_and_none_is_used_twice() {
    let api = Api::empty();
    let first = api.create(LICENSES, &license("growth"));
    let second = api.create(LICENSES, &version());
    assert_eq!((&second["slug"], &second["version"]), (&json!("growth-v2"), &json!("2")));
    assert_eq!(second["familyId"], first["familyId"]);
    api.delete("/api/licenses/growth-v2");
    let third = api.create(LICENSES, &version());
    assert_eq!((&third["slug"], &third["version"]), (&json!("growth-v3"), &json!("3")));
}

#[test]
fn a_family_outlives_its_first_version_and_not_its_last() {
    let api = Api::empty();
    api.create(LICENSES, &license("growth"));
    api.create(LICENSES, &version());
    api.delete("/api/licenses/growth");
    let taken = api.refusal("POST", LICENSES, &license("growth"));
    assert_eq!(taken, (409, "CreateLicense.SlugConflict".to_owned()));
    api.delete("/api/licenses/growth-v2");
    assert_eq!(
        api.refusal("GET", "/api/license-families/growth", &Value::Null),
        (404, "GetLicenseFamily.NotFound".to_owned())
    );
    assert_eq!(api.create(LICENSES, &license("growth"))["version"], "1");
}

#[test]
fn a_create_refuses_what_the_server_decides() {
    let api = Api::empty();
    let growth = api.create(LICENSES, &license("growth"));
    let other = api.create(LICENSES, &license("other"));
    let refusal = |body: &Value| api.refusal("POST", LICENSES, body);
    let cases = [
        (and(license("a1"), "version", "1"), 422, "CreateLicense.VersionNotSettable"),
        (and(license("a1"), "lifecycleState", "ARCHIVED"), 422, "CreateLicense.LifecycleStateNotSettable"),
        (
            and(and(license("a1"), "lifecycleState", "DRAFT"), "isDefault", true),
            409,
            "CreateLicense.DefaultMustBePublished",
        ),
        (and(license("a1"), "familySlug", "nowhere"), 404, "CreateLicense.FamilyNotFound"),
        (and(version(), "familyId", other["familyId"].clone()), 422, "CreateLicense.FamilyMismatch"),
        (license("growth"), 409, "CreateLicense.SlugConflict"),
        (and(version(), "slug", "other"), 409, "CreateLicense.SlugConflict"),
        (and(license("a1"), "type", "paid"), 422, "UNPROCESSABLE"),
        (and(license("a1"), "description", "x".repeat(501)), 422, "UNPROCESSABLE"),
    ];
    for (body, status, code) in cases {
        assert_eq!(refusal(&body), (status, code.to_owned()), "{body}");
    }
    let agreeing = and(version(), "familyId", growth["familyId"].clone());
    assert_eq!(api.create(LICENSES, &agreeing)["version"], "2");
}

#[test]
fn an_update_accepts_the_stored_and_refuses_another_version_family_or_state() {
    let api = Api::empty();
    let created = api.create(LICENSES, &license("growth"));
    let other = api.create(LICENSES, &license("other"));
    api.put("/api/licenses/growth", &created);
    assert_eq!(without(api.get("/api/licenses/growth"), "updatedAt"), without(created.clone(), "updatedAt"));
    for (name, value, code) in [
        ("slug", json!("renamed"), "UpdateLicense.SlugNotRenameable"),
        ("familySlug", json!("growth"), "UpdateLicense.FamilyNotReassignable"),
        ("familyId", other["familyId"].clone(), "UpdateLicense.FamilyNotReassignable"),
        ("version", json!("2"), "UpdateLicense.VersionNotSettable"),
        ("lifecycleState", json!("DRAFT"), "UpdateLicense.LifecycleStateNotSettable"),
    ] {
        let refusal = api.refusal("PUT", "/api/licenses/growth", &and(created.clone(), name, value));
        assert_eq!(refusal, (422, code.to_owned()));
    }
    api.put("/api/licenses/growth", &license("growth"));
    assert_eq!(api.get("/api/licenses/growth").get("versionName"), None);
}

#[test]
fn the_default_moves_between_siblings_and_the_loser_counts_as_updated() {
    let api = Api::empty();
    let first = api.create(LICENSES, &and(license("growth"), "isDefault", true));
    let current = || api.get("/api/license-families/growth")["currentVersion"]["slug"].clone();
    api.create(LICENSES, &version());
    assert_eq!(current(), "growth");
    api.create(LICENSES, &and(version(), "isDefault", true));
    assert_eq!(current(), "growth-v3");
    let loser = api.get("/api/licenses/growth");
    assert_eq!(loser["isDefault"], false);
    assert_ne!(loser["updatedAt"], first["updatedAt"]);
    // The version that opened another family is no sibling.
    api.create(LICENSES, &and(license("other"), "isDefault", true));
    assert_eq!(current(), "growth-v3");
    api.put("/api/licenses/growth-v2", &and(without(license("x1"), "slug"), "isDefault", true));
    assert_eq!(current(), "growth-v2");
    api.put("/api/licenses/growth-v2", &without(license("x1"), "slug"));
    assert_eq!(current(), "growth-v3", "without a default the newest published version is current");
    assert_eq!(api.get("/api/licenses/growth-v3")["isDefault"], false);
}

#[test]
fn the_lifecycle_moves_by_three_operations_only() {
    let api = Api::empty();
    api.create(LICENSES, &and(license("growth"), "lifecycleState", "DRAFT"));
    let step = |name: &str| post(&api, &format!("/api/licenses/growth/{name}"));
    let conflict = |code: &str| (409, code.to_owned());
    assert_eq!(step("archive"), conflict("ArchiveLicense.NotPublished"));
    assert_eq!(step("unarchive"), conflict("UnarchiveLicense.NotArchived"));
    assert_eq!(step("publish").0, 200);
    assert_eq!(step("publish"), conflict("PublishLicense.NotADraft"));
    api.put("/api/licenses/growth", &and(license("growth"), "isDefault", true));
    assert_eq!(step("archive"), conflict("ArchiveLicense.DefaultMustBePublished"));
    api.put("/api/licenses/growth", &license("growth"));
    assert_eq!(step("archive").0, 200);
    assert_eq!(api.get("/api/licenses/growth")["lifecycleState"], "ARCHIVED");
    let default = api.refusal("PUT", "/api/licenses/growth", &and(license("growth"), "isDefault", true));
    assert_eq!(default, conflict("UpdateLicense.DefaultMustBePublished"));
    assert_eq!(step("unarchive").0, 200);
    for (name, code) in
        [("publish", "PublishLicense"), ("archive", "ArchiveLicense"), ("unarchive", "UnarchiveLicense")]
    {
        assert_eq!(post(&api, &format!("/api/licenses/nowhere/{name}")), (404, format!("{code}.NotFound")));
    }
}

#[test]
fn a_family_without_a_published_version_is_shown_only_with_its_versions() {
    let api = Api::empty();
    let draft = api.create(LICENSES, &and(license("growth"), "lifecycleState", "DRAFT"));
    let family = "/api/license-families/growth";
    let refusal = |path: &str| api.refusal("GET", path, &Value::Null);
    assert_eq!(refusal(family), (404, "GetLicenseFamily.NoPublishedVersion".to_owned()));
    let shown = api.get(&format!("{family}?include=versions"));
    assert_eq!((&shown["versions"], shown.get("currentVersion")), (&json!([draft]), None));
    assert_eq!(api.get(&format!("{family}?version=1"))["currentVersion"], draft);
    assert_eq!(refusal(&format!("{family}?version=2")).0, 404);
    assert_eq!(refusal(&format!("{family}?version=0")).0, 422);
    assert_eq!(refusal(&format!("{family}?include=grants")).0, 422);
    assert_eq!(api.get("/api/license-families")["items"][0].get("currentVersion"), None);
}

#[test]
fn a_license_in_use_cannot_be_deleted() {
    let (api, world) = Api::peopled();
    api.create("/api/instances", &world.instance("one"));
    let refusal = |path: &str| api.refusal("DELETE", path, &Value::Null);
    assert_eq!(refusal("/api/licenses/growth"), (409, "DeleteLicense.InUseConflict".to_owned()));
    api.delete("/api/instances/one");
    api.delete("/api/licenses/growth");
    assert_eq!(refusal("/api/licenses/growth"), (404, "DeleteLicense.NotFound".to_owned()));
}

#[test]
fn only_a_new_family_counts_against_the_limit() {
    let api = Api::with(|options| options.limits = Limits { licenses: Some(1), ..Limits::default() });
    api.create(LICENSES, &license("growth"));
    api.create(LICENSES, &version());
    let refusal = api.refusal("POST", LICENSES, &license("other"));
    assert_eq!(refusal, (409, "CreateLicense.EntitlementLimitReached".to_owned()));
}
