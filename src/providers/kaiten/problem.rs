//! What Kaiten's error answers mean, in terms of the YAML (reference §3, §11).

use jiff::Timestamp;
use serde_json::Value as Json;

use super::wire::{Row, slug_member};
use crate::http::{LONGEST_WAIT, Response};
use crate::kind::{Failure, FieldProblem, RemoteError};
use crate::model::{Path, RemoteProblem, Section, Segment, Shape};

/// What a code's reason complains about: the end of the reason, and our field.
const REASONS: &[(&str, &str)] = &[
    ("CustomerNotFound", "customer"),
    ("LicenseNotFound", "license"),
    ("LicenseArchived", "license"),
    ("DeploymentZoneNotFound", "deployment_zone"),
    ("ReleaseNotFound", "release"),
    ("EntitlementNotFound", "entitlement"),
    ("InvalidValue", "value"),
    ("InvalidLimitCapExceededOveragePercent", "overage_percent"),
    ("KeyConflict", "key"),
    ("KeyImmutable", "key"),
    ("ResourceTypeImmutable", "resource_type"),
    ("SchemaShape.Empty", "json_schema"),
    ("SchemaShape.InvalidJSON", "json_schema"),
    ("SchemaShape.Invalid", "json_schema"),
    ("SchemaShape.ArrayMissingItems", "json_schema"),
    ("SchemaTransition.TypeChanged", "json_schema"),
    ("SchemaTransition.CardinalityChanged", "json_schema"),
    ("SchemaTransition.EnumWrapToggled", "json_schema"),
    ("LinkedComponentRequiresNewVersion", "description"),
    ("NameVersionConflict", "version"),
    ("VersionConflict", "version"),
    ("UniqueConflict", "version"),
    ("GroupNotFound", "groups"),
    ("GroupAlreadyAssigned", "groups"),
    ("InvalidIcon", "icon"),
    ("InvalidUnitsConfiguration", "units"),
    ("InvalidTypeConfiguration", "type"),
    ("InvalidResetConfiguration", "reset_period"),
    ("InvalidEnforcementPolicyConfiguration", "warning_threshold_percent"),
    ("ImmutableAggregationMethod", "aggregation_method"),
    ("ImmutableResetPeriod", "reset_period"),
    ("ImmutableResetAnchor", "reset_anchor"),
    ("ImmutableType", "type"),
    ("FamilyNotFound", "family"),
    ("FamilyMismatch", "family"),
    ("FamilyNotReassignable", "family"),
    ("SlugConflict", "slug"),
    ("InvalidSlug", "slug"),
    ("SlugNotRenameable", "slug"),
    ("InvalidType", "type"),
    ("InvalidLifecycleState", "lifecycle_state"),
    ("LifecycleStateNotSettable", "lifecycle_state"),
    ("DefaultMustBePublished", "default"),
    ("DefaultConflict", "default"),
    ("ArchivedKeyIntroduced", "metadata"),
    ("MetadataValidation.Failed", "metadata"),
];

/// What helps where nobody here can do anything.
const LATER: &str = "try again later";

/// How many characters of Kaiten's own words are kept.
const WORDS: usize = 500;

/// Whether an answer is a problem document, or at least JSON of that form.
pub(super) fn is_problem(response: &Response) -> bool {
    response.json::<Row>().is_ok()
}

/// Whether an answer says that nothing was written and the same may be asked again: the quota service could not be
/// asked, or a license's family got another default at the same moment (reference §8).
pub(super) fn nothing_written(response: &Response) -> bool {
    let code = || response.json::<Row>().ok().and_then(|row| text(&row, "code"));
    match response.status {
        503 => code().as_deref() == Some("Entitlement.VerificationUnavailable"),
        409 => code().is_some_and(|code| code.ends_with(".DefaultConflict")),
        _ => false,
    }
}

/// An error answer. `section` is the kind the request was about.
pub(super) fn refusal(response: &Response, section: Option<&'static Section>, now: Timestamp) -> RemoteError {
    let body = response.json::<Row>().ok();
    let code = body.as_ref().and_then(|body| text(body, "code"));
    let quota = response.status == 409 && code.as_deref().is_some_and(|code| code.ends_with("LimitReached"));
    let failure = match response.status {
        401 => Failure::SignIn,
        403 => Failure::Forbidden,
        404 => Failure::NotFound,
        // Nobody has taken the name: looking for it would find nothing.
        409 if quota => Failure::Refused,
        409 => Failure::Conflict,
        429 => Failure::RateLimited,
        400..500 => Failure::Refused,
        500.. => Failure::Server,
        _ => Failure::Malformed,
    };
    let (fields, rest) = field_problems(body.as_ref(), code.as_deref(), section);
    let words = body.as_ref().map_or_else(
        || response.excerpt(),
        |body| ["detail", "title", "message", "error"].iter().find_map(|member| text(body, member)),
    );
    let detail: Vec<_> = words.into_iter().chain(rest).collect();
    let mut problem = asked(response);
    problem.code.clone_from(&code);
    problem.detail = (!detail.is_empty()).then(|| detail.join("; "));
    if let Some(error_id) = body.as_ref().and_then(|body| text(body, "errorId")) {
        problem.request_id = Some(match problem.request_id {
            Some(trace) => format!("{error_id}, trace {trace}"),
            None => error_id,
        });
    }
    let (message, help) = words_for(failure, code.as_deref(), quota, &problem, response, now);
    RemoteError { failure, message, help, problem: Box::new(problem), fields, uncertain: response.uncertain }
}

/// An answer that was sent as a success and cannot be read. After a write, something may have been written.
pub(super) fn malformed(response: &Response, detail: String) -> RemoteError {
    RemoteError {
        failure: Failure::Malformed,
        message: "Kaiten's answer cannot be read".to_owned(),
        help: Some("check that `url` is the API of a Kaiten, and that nothing in between answers for it".to_owned()),
        problem: Box::new(RemoteProblem { detail: Some(detail), ..asked(response) }),
        fields: Vec::new(),
        uncertain: response.method != crate::http::Method::GET,
    }
}

/// The same for an answer that has been put together from several.
pub(super) fn malformed_at(method: &str, path: String, detail: String) -> RemoteError {
    let problem = RemoteProblem { method: method.to_owned(), path, detail: Some(detail), ..RemoteProblem::default() };
    RemoteError { problem: Box::new(problem), ..ours(Failure::Malformed, "Kaiten's answer cannot be read", "") }
}

/// A problem that no request has shown.
pub(super) fn ours(failure: Failure, message: impl Into<String>, help: &str) -> RemoteError {
    RemoteError {
        failure,
        message: message.into(),
        help: (!help.is_empty()).then(|| help.to_owned()),
        problem: Box::default(),
        fields: Vec::new(),
        uncertain: false,
    }
}

/// What was asked, and the status of the answer.
pub(super) fn asked(response: &Response) -> RemoteProblem {
    RemoteProblem {
        method: response.method.to_string(),
        path: response.path.clone(),
        status: Some(response.status),
        code: None,
        detail: None,
        request_id: response.request_id(),
    }
}

/// Whether this can be sent as a token at all.
pub(super) fn is_token(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
}

/// What to do about a 401.
pub(super) fn sign_in_help(token: Option<&str>) -> &'static str {
    match token {
        None => "give the target a token: `token = { env = \"KAITEN_AUTH_TOKEN\" }`",
        Some(token) if token.starts_with("ksm_") => {
            "a `ksm_…` token is for the Platform API; an organization token, `ksh_…`, is needed"
        }
        Some(token) if token.starts_with("whsec_") => {
            "`whsec_…` is the secret of a webhook; an organization token, `ksh_…`, is needed"
        }
        Some(_) => "check the token: it may have expired or been revoked",
    }
}

fn words_for(
    failure: Failure,
    code: Option<&str>,
    quota: bool,
    problem: &RemoteProblem,
    response: &Response,
    now: Timestamp,
) -> (String, Option<String>) {
    let reason = code.map_or("", |code| code.rsplit('.').next().unwrap_or(code));
    let (message, help) = match failure {
        Failure::SignIn => ("Kaiten refused the token".to_owned(), None),
        Failure::Forbidden => {
            let scope = problem.detail.as_deref().and_then(|detail| detail.strip_prefix("missing required scope: "));
            (
                "Kaiten does not permit this".to_owned(),
                scope.map(|scope| format!("give the token's service account the scope `{scope}`")),
            )
        }
        Failure::NotFound => ("Kaiten does not find this".to_owned(), None),
        Failure::Conflict if reason == "SlugConflict" => (
            "the slug is taken".to_owned(),
            Some("it was taken since the plan was made, or by something this token cannot see: plan again".to_owned()),
        ),
        Failure::Conflict if matches!(reason, "InUseConflict" | "LinkedComponentConflict") => {
            ("it is still in use".to_owned(), Some(in_use_help(code.unwrap_or_default()).to_owned()))
        }
        Failure::Conflict => ("Kaiten says that this conflicts with what exists".to_owned(), None),
        Failure::Refused if quota => (
            "the organization has reached its limit".to_owned(),
            Some(
                "delete what is not needed any more, or have the limit of the organization's Kaiten plan raised"
                    .to_owned(),
            ),
        ),
        Failure::Refused if reason == "LicenseArchived" => (
            "the license is archived: it cannot be given to an instance".to_owned(),
            Some("choose a published version of the license".to_owned()),
        ),
        Failure::Refused => ("Kaiten refused the request".to_owned(), None),
        Failure::RateLimited => match response.retry_after(now).filter(|wait| *wait > LONGEST_WAIT) {
            Some(wait) => (format!("Kaiten asks to come back in {} s", wait.as_secs()), Some(LATER.to_owned())),
            None => (
                "Kaiten has had too many requests, and goes on saying so".to_owned(),
                Some("try again later, or with a smaller `parallelism` under `[limits]`".to_owned()),
            ),
        },
        Failure::Server if nothing_written(response) => {
            ("Kaiten could not check the organization's limits; nothing was written".to_owned(), Some(LATER.to_owned()))
        }
        Failure::Server if !is_problem(response) => (
            "something in front of Kaiten answered for it".to_owned(),
            Some("try again later; if it stays so, check the target's `url`".to_owned()),
        ),
        Failure::Server => ("Kaiten failed".to_owned(), Some(LATER.to_owned())),
        Failure::Malformed | Failure::Unreachable | Failure::UnknownDialect => {
            ("Kaiten's answer makes no sense here".to_owned(), None)
        }
    };
    (message, help)
}

/// What has to go first (reference §9).
fn in_use_help(code: &str) -> &'static str {
    if code.starts_with("DeleteLicense.") {
        "give its instances another license and take its entitlements away first"
    } else if code.starts_with("DeleteRelease.") {
        "a release that was ever deployed stays as long as the zones it was deployed to"
    } else if code.starts_with("DeleteComponent.") {
        "delete the releases that have it first"
    } else {
        "delete what uses it first"
    }
}

/// The fields complained about, and the complaints that name none. The values Kaiten repeats are never looked at: they
/// can be the whole request.
fn field_problems(
    body: Option<&Row>,
    code: Option<&str>,
    section: Option<&'static Section>,
) -> (Vec<FieldProblem>, Vec<String>) {
    let (mut fields, mut rest) = (Vec::new(), Vec::new());
    let errors = body.and_then(|body| body.get("errors")).and_then(Json::as_array);
    for error in errors.into_iter().flatten().filter_map(Json::as_object) {
        let location = text(error, "location").unwrap_or_default();
        let message = text(error, "message").unwrap_or_else(|| "refused".to_owned());
        match section.and_then(|section| located(section, &location, &message)) {
            Some(path) => fields.push(FieldProblem { path, message }),
            None if location.is_empty() => rest.push(message),
            None => rest.push(format!("{location}: {message}")),
        }
    }
    if fields.is_empty()
        && let (Some(code), Some(section)) = (code, section)
        && let Some((_, name)) = REASONS.iter().find(|(reason, _)| code.ends_with(reason))
    {
        // A section without a field for it has it as its key: that is the resource itself.
        let path = section.field(name).map_or_else(Path::default, |field| Path::field(field.name));
        let message = body.and_then(|body| text(body, "detail")).unwrap_or_else(|| code.to_owned());
        fields.push(FieldProblem { path, message });
    }
    (fields, rest)
}

/// `body.startLicenseDate` → `start_license_date`. A missing member is reported at its parent and named in the message.
fn located(section: &'static Section, location: &str, message: &str) -> Option<Path> {
    let rest = location.strip_prefix("body")?;
    let mut path = match rest.strip_prefix('.') {
        None if rest.is_empty() => Path::default(),
        None => return None,
        // Keys of metadata can hold anything; then at least the field is known.
        Some(rest) => Path::parse(rest).or_else(|| Path::parse(rest.split(['.', '[']).next()?))?,
    };
    if let Some(missing) = message.strip_prefix("expected required property ") {
        path = path.key(missing.strip_suffix(" to be present").unwrap_or(missing));
    }
    let Some(Segment::Key(member)) = path.0.first() else { return None };
    let ours = section.fields.iter().find(|field| {
        let slug = matches!(field.shape, Shape::Reference { .. }) && slug_member(field.wire) == **member;
        field.wire == &**member || slug
    });
    match ours {
        Some(field) => path.0[0] = Segment::Key(field.name.into()),
        None if &**member == "slug" => path = Path::default(),
        None => return None,
    }
    Some(path)
}

/// A member that is a text, made harmless and not too long.
fn text(row: &Row, member: &str) -> Option<String> {
    let text = crate::http::clean(row.get(member)?.as_str()?, WORDS);
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, HeaderValue};
    use serde_json::json;

    use super::super::{
        component, customer, deployment_zone, entitlement, grant, instance, license, metadata_field, release,
    };
    use super::*;
    use crate::http::Method;

    fn answer(status: u16, body: &str) -> Response {
        Response {
            status,
            headers: HeaderMap::new(),
            body: body.as_bytes().to_vec(),
            method: Method::POST,
            path: "/api/instances".to_owned(),
            uncertain: false,
        }
    }

    fn refused(status: u16, body: &Json) -> RemoteError {
        refusal(&answer(status, &body.to_string()), Some(&instance::SECTION), Timestamp::UNIX_EPOCH)
    }

    fn paths(error: &RemoteError) -> Vec<String> {
        error.fields.iter().map(|field| field.path.to_string()).collect()
    }

    #[test]
    fn schema_violations_point_at_our_fields() {
        let error = refused(
            422,
            &json!({"status": 422, "detail": "validation failed", "code": "UNPROCESSABLE", "errors": [
                {"location": "body", "message": "expected required property customerId to be present", "value": {"metadata": {"p": "hush"}}},
                {"location": "body.platform", "message": "unexpected property", "value": {"p": "hush"}},
                {"location": "body.metadata.tiers[0].size", "message": "expected number", "value": "hush"},
                {"location": "body.slug", "message": "expected string to match pattern", "value": "Bad"},
                {"location": "body.metadata.a[b", "message": "refused", "value": "x"},
                {"location": "body.licenseSlug", "message": "unknown", "value": "x"},
                {"location": "query.limit", "message": "too large", "value": 201},
            ]}),
        );
        assert_eq!(paths(&error), ["customer", "platform", "metadata.tiers[0].size", "slug", "metadata", "license"]);
        assert_eq!(error.failure, Failure::Refused);
        assert_eq!(error.problem.detail.as_deref(), Some("validation failed; query.limit: too large"));
        assert!(!format!("{error:?}").contains("hush"));
    }

    /// What the operations that are sent can be refused for (reference §11.2), and the fields that are pointed at; none: the
    /// resource itself.
    #[test]
    fn codes_point_at_our_fields() {
        type Refusals = (&'static Section, u16, &'static str, Failure, &'static [(&'static str, &'static str)]);
        let all: [Refusals; 19] = [
            (
                &instance::SECTION,
                404,
                "CreateInstance",
                Failure::NotFound,
                &[
                    ("CustomerNotFound", "customer"),
                    ("LicenseNotFound", "license"),
                    ("DeploymentZoneNotFound", "deployment_zone"),
                ],
            ),
            (&instance::SECTION, 409, "UpdateInstance", Failure::Conflict, &[("SlugConflict", "slug")]),
            (&instance::SECTION, 422, "UpdateInstance", Failure::Refused, &[("LicenseArchived", "license")]),
            (
                &instance::SECTION,
                422,
                "MetadataValidation",
                Failure::Refused,
                &[("Failed", "metadata"), ("ArchivedKeyIntroduced", "metadata")],
            ),
            (&customer::SECTION, 409, "CreateCustomer", Failure::Conflict, &[("SlugConflict", "")]),
            (&license::SECTION, 404, "CreateLicense", Failure::NotFound, &[("FamilyNotFound", "family")]),
            (
                &license::SECTION,
                409,
                "UpdateLicense",
                Failure::Conflict,
                &[("DefaultMustBePublished", "default"), ("DefaultConflict", "default")],
            ),
            (
                &license::SECTION,
                422,
                "UpdateLicense",
                Failure::Refused,
                &[
                    ("FamilyMismatch", "family"),
                    ("FamilyNotReassignable", "family"),
                    ("LifecycleStateNotSettable", "lifecycle_state"),
                    ("SlugNotRenameable", ""),
                ],
            ),
            (
                &license::SECTION,
                400,
                "CreateLicense",
                Failure::Refused,
                &[("InvalidType", "type"), ("InvalidLifecycleState", "lifecycle_state"), ("InvalidSlug", "")],
            ),
            (
                &grant::SECTION,
                400,
                "AssociateEntitlementToLicense",
                Failure::Refused,
                &[("InvalidValue", "value"), ("InvalidLimitCapExceededOveragePercent", "overage_percent")],
            ),
            (
                &entitlement::SECTION,
                400,
                "CreateEntitlement",
                Failure::Refused,
                &[
                    ("InvalidTypeConfiguration", "type"),
                    ("InvalidUnitsConfiguration", "units"),
                    ("InvalidEnforcementPolicyConfiguration", "warning_threshold_percent"),
                    ("InvalidResetConfiguration", "reset_period"),
                    ("InvalidIcon", "icon"),
                    ("ImmutableType", "type"),
                    ("ImmutableAggregationMethod", "aggregation_method"),
                    ("ImmutableResetPeriod", "reset_period"),
                    ("ImmutableResetAnchor", "reset_anchor"),
                ],
            ),
            (&entitlement::SECTION, 404, "UpdateEntitlement", Failure::NotFound, &[("GroupNotFound", "groups")]),
            (&entitlement::SECTION, 409, "UpdateEntitlement", Failure::Conflict, &[("GroupAlreadyAssigned", "groups")]),
            (&deployment_zone::SECTION, 404, "CreateDeployment", Failure::NotFound, &[("ReleaseNotFound", "release")]),
            (
                &component::SECTION,
                400,
                "UpdateComponent",
                Failure::Refused,
                &[("LinkedComponentRequiresNewVersion", "description")],
            ),
            (
                &component::SECTION,
                409,
                "Component",
                Failure::Conflict,
                &[("NameVersionConflict", "version"), ("UniqueConflict", "version"), ("SlugConflict", "")],
            ),
            (&release::SECTION, 409, "CreateRelease", Failure::Conflict, &[("VersionConflict", "version")]),
            (&metadata_field::SECTION, 409, "CreateMetadataField", Failure::Conflict, &[("KeyConflict", "key")]),
            (
                &metadata_field::SECTION,
                422,
                "MetadataField",
                Failure::Refused,
                &[
                    ("SchemaShape.Empty", "json_schema"),
                    ("SchemaShape.InvalidJSON", "json_schema"),
                    ("SchemaShape.Invalid", "json_schema"),
                    ("SchemaShape.ArrayMissingItems", "json_schema"),
                    ("SchemaTransition.TypeChanged", "json_schema"),
                    ("SchemaTransition.CardinalityChanged", "json_schema"),
                    ("SchemaTransition.EnumWrapToggled", "json_schema"),
                    ("ResourceTypeImmutable", "resource_type"),
                    ("KeyImmutable", "key"),
                ],
            ),
        ];
        for (section, status, operation, failure, reasons) in all {
            for (reason, path) in reasons {
                let code = format!("{operation}.{reason}");
                let body = json!({"code": code, "detail": "says Kaiten"}).to_string();
                let error = refusal(&answer(status, &body), Some(section), Timestamp::UNIX_EPOCH);
                assert_eq!(paths(&error), [*path], "{code}");
                assert_eq!((error.failure, error.fields[0].message.as_str()), (failure, "says Kaiten"), "{code}");
                assert_eq!(error.problem.code.as_deref(), Some(&*code));
            }
        }
    }

    #[test]
    fn what_is_in_use_says_what_goes_first() {
        for (code, first) in [
            ("DeleteLicense.InUseConflict", "instances"),
            ("DeleteRelease.InUseConflict", "zones"),
            ("DeleteComponent.LinkedComponentConflict", "releases"),
        ] {
            let error = refused(409, &json!({"code": code, "detail": "in use"}));
            assert_eq!((error.failure, &*error.message), (Failure::Conflict, "it is still in use"), "{code}");
            assert!(error.help.unwrap().contains(first), "{code}");
        }
    }

    #[test]
    fn a_limit_is_no_taken_name() {
        for code in [
            "CreateInstance.EntitlementLimitReached",
            "AssociateEntitlementWithLicense.LicenseEntitlementLimitReached",
            "CreateEntitlementGroup.EntitlementGroupLimitReached",
            "CreateMetadataField.MetadataFieldLimitReached",
        ] {
            let error = refused(409, &json!({"code": code, "detail": "limit reached"}));
            assert_eq!(error.failure, Failure::Refused, "{code}");
            assert!(error.help.unwrap().contains("limit"), "{code}");
        }
    }

    #[test]
    fn a_body_without_code_is_judged_by_its_status() {
        for (status, failure) in [
            (301, Failure::Malformed),
            (400, Failure::Refused),
            (401, Failure::SignIn),
            (403, Failure::Forbidden),
            (404, Failure::NotFound),
            (409, Failure::Conflict),
            (422, Failure::Refused),
            (429, Failure::RateLimited),
            (500, Failure::Server),
        ] {
            let seed = json!({"status": status, "title": "Bad", "detail": "Property foo is required but is missing."});
            let error = refused(status, &seed);
            assert_eq!((error.failure, error.problem.code.clone()), (failure, None), "{status}");
            assert_eq!(error.problem.detail.as_deref(), Some("Property foo is required but is missing."));
        }
    }

    #[test]
    fn a_body_that_is_no_problem_is_quoted_and_no_more() {
        let page = refusal(&answer(502, "<html><title>502 Bad Gateway</title>"), None, Timestamp::UNIX_EPOCH);
        assert_eq!(page.problem.detail.as_deref(), Some("502 Bad Gateway"));
        for body in ["", "[]", "\"x\"", "{\"detail\":7,\"errors\":7}", "{\"errors\":[7,{}]}"] {
            let error = refusal(&answer(500, body), Some(&instance::SECTION), Timestamp::UNIX_EPOCH);
            assert_eq!(error.failure, Failure::Server, "{body}");
        }
    }

    #[test]
    fn both_ids_of_a_request_are_kept() {
        let mut failed = answer(500, r#"{"errorId":"e-1"}"#);
        let id = |answer: &Response| refusal(answer, None, Timestamp::UNIX_EPOCH).problem.request_id;
        assert_eq!(id(&failed).as_deref(), Some("e-1"));
        failed.headers.insert("kaiten-traceid", HeaderValue::from_static("t-1"));
        assert_eq!(id(&failed).as_deref(), Some("e-1, trace t-1"));
    }

    #[test]
    fn a_missing_scope_is_named() {
        let error =
            refused(403, &json!({"code": "Auth.MissingScope", "detail": "missing required scope: write:instances"}));
        assert!(error.help.unwrap().contains("`write:instances`"));
    }

    #[test]
    fn nothing_is_written_where_the_quota_could_not_be_asked() {
        assert!(nothing_written(&answer(503, r#"{"code":"Entitlement.VerificationUnavailable"}"#)));
        assert!(!nothing_written(&answer(500, r#"{"code":"Entitlement.VerificationUnavailable"}"#)));
        assert!(!nothing_written(&answer(503, r#"{"code":"UNAVAILABLE"}"#)));
        assert!(!nothing_written(&answer(503, "upstream connect error")));
    }
}
