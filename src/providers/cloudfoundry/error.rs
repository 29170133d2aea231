//! What a refusal of the Cloud Controller means: which failure it is, which field it is about, whether a write may have
//! happened all the same.
//!
//! Codes are not unique and all broker failures share one, so refusals are told apart by name, then by HTTP status
//! (reference, section 1.3).

use serde::Deserialize;

use crate::http::Response;
use crate::kind::{Failure, FieldProblem, RemoteError};
use crate::model::{Path, RemoteProblem, Section};

/// What a request was for.
#[derive(Debug, Clone, Copy)]
pub enum Purpose {
    /// To look.
    Read,
    /// To change something; the section has the fields that a refusal may be about.
    Write(&'static Section),
}

impl Purpose {
    fn writes(self) -> bool {
        matches!(self, Self::Write(_))
    }
}

/// One error of a body.
#[derive(Debug, PartialEq, Eq)]
struct Named {
    /// Without its `CF-`.
    name: String,
    code: i64,
    detail: String,
}

/// What a name means.
struct Row {
    name: &'static str,
    failure: Failure,
    /// The first of these that the section has is what the error is about.
    fields: &'static [&'static str],
    help: Option<&'static str>,
}

const fn row(name: &'static str, failure: Failure, fields: &'static [&'static str], help: Option<&'static str>) -> Row {
    Row { name, failure, fields, help }
}

const LATER: Option<&str> = Some("try again later");
const SIGN_IN_AGAIN: Option<&str> = Some("the token is not accepted any more: sign in again, or provide a new one");
const QUOTA: Option<&str> = Some("delete what is not needed, or ask for a larger quota");
const PAID: Option<&str> = Some("choose a free plan, or ask for a quota that allows paid ones");
const BROKER: Option<&str> = Some("the service broker failed and nothing was changed: see its words, then try again");

/// The names of section 17.2 of the reference, and the broker's.
#[rustfmt::skip]
const ROWS: &[Row] = &[
    row("InvalidAuthToken", Failure::SignIn, &[], SIGN_IN_AGAIN),
    row("NotAuthenticated", Failure::SignIn, &[], Some("the request carried no token: configure `auth` for this target")),
    row("MessageParseError", Failure::Refused, &[], None),
    row("InvalidRelation", Failure::Refused, &["plan", "organization"], Some("it does not exist, cannot be seen, or does not fit the others")),
    row("NotFound", Failure::NotFound, &[], None),
    row("ServerError", Failure::Server, &[], LATER),
    row("UnknownError", Failure::Server, &[], LATER),
    row("NotAuthorized", Failure::Forbidden, &[], Some("service instances need the role Space Developer, spaces that of Org Manager, in an organization that is not suspended")),
    row("InvalidRequest", Failure::Refused, &[], None),
    row("BadQueryParameter", Failure::Refused, &[], None),
    row("AssociationNotEmpty", Failure::Conflict, &[], Some("remove its bindings, keys and routes first")),
    row("InsufficientScope", Failure::Forbidden, &[], Some("the token needs `cloud_controller.read`, and `cloud_controller.write` to change anything")),
    row("UnprocessableEntity", Failure::Refused, &[], None),
    row("UnableToPerform", Failure::Server, &[], BROKER),
    row("ResourceNotFound", Failure::NotFound, &[], None),
    row("DatabaseError", Failure::Server, &[], LATER),
    row("OrderByParameterInvalid", Failure::Server, &[], None),
    row("RateLimitExceeded", Failure::RateLimited, &[], LATER),
    row("IPBasedRateLimitExceeded", Failure::RateLimited, &[], LATER),
    row("ServiceBrokerRateLimitExceeded", Failure::RateLimited, &[], Some("too many operations at the service broker at a time: lower `limits.parallelism`, or try again later")),
    row("RateLimitV2APIExceeded", Failure::RateLimited, &[], LATER),
    row("ServiceUnavailable", Failure::Server, &[], LATER),
    row("OrgSuspended", Failure::Forbidden, &["space", "organization"], Some("the organization is suspended: an administrator can activate it")),
    row("SpaceSuspended", Failure::Forbidden, &["space"], Some("the space is suspended: an administrator can activate it")),
    row("ResourceBeingDeleted", Failure::Conflict, &["space", "organization"], Some("wait until it is deleted, or choose another")),
    row("UaaUnavailable", Failure::Server, &[], LATER),
    row("UaaRateLimited", Failure::RateLimited, &[], LATER),
    row("OrganizationInvalid", Failure::Refused, &["name"], None),
    row("OrganizationNameTaken", Failure::Conflict, &["name"], Some("names of organizations are compared without regard to case; you may not be allowed to see the one that has it")),
    row("OrganizationNotFound", Failure::NotFound, &["organization"], None),
    row("SpaceInvalid", Failure::Refused, &["name"], None),
    row("SpaceNameTaken", Failure::Conflict, &["name"], Some("names of spaces are compared without regard to case; you may not be allowed to see the one that has it")),
    row("SpaceNotFound", Failure::NotFound, &["space"], None),
    row("ServiceInstanceNameEmpty", Failure::Refused, &["name"], None),
    row("ServiceInstanceNameTaken", Failure::Conflict, &["name"], Some("an instance, a user-provided one, or one shared into the space has this name")),
    row("ServiceInstanceInvalid", Failure::Refused, &[], None),
    row("ServiceInstanceNotFound", Failure::NotFound, &[], None),
    row("ServiceInstanceQuotaExceeded", Failure::Refused, &["space"], QUOTA),
    row("ServiceInstanceSpaceQuotaExceeded", Failure::Refused, &["space"], QUOTA),
    row("ServiceInstanceServicePlanNotAllowed", Failure::Refused, &["plan"], PAID),
    row("ServiceInstanceServicePlanNotAllowedBySpaceQuota", Failure::Refused, &["plan"], PAID),
    row("ServiceInstanceNameTooLong", Failure::Refused, &["name"], Some("a name has at most 255 characters")),
    row("ServiceInstanceOrganizationNotAuthorized", Failure::Forbidden, &["plan"], Some("the plan is not enabled for this organization, or no longer active: choose another, or ask for `cf enable-service-access`")),
    row("ServiceInstanceDeprovisionFailed", Failure::Conflict, &[], None),
    row("ServiceInstanceSpaceChangeNotAllowed", Failure::Refused, &["space"], Some("an instance cannot move to another space: create it there under a new key")),
    row("ServiceInstanceTagsTooLong", Failure::Refused, &["tags"], Some("all tags together have at most 2048 characters")),
    row("AsyncServiceInstanceOperationInProgress", Failure::Conflict, &[], Some("wait until the running operation is finished, then run trueup again")),
    row("ServiceInstanceSpaceNotAuthorized", Failure::Forbidden, &["plan"], Some("the plan belongs to a broker of another space: choose another plan")),
    row("ServiceInstanceRouteServiceURLInvalid", Failure::Refused, &["route_service_url"], Some("a route service has an `https://` URL")),
    row("ServiceInstanceRecursiveDeleteFailed", Failure::Server, &[], None),
    row("ServiceInstanceWithInaccessiblePlanNotUpdateable", Failure::Forbidden, &["plan"], Some("its plan is no longer offered: change the plan first")),
    row("UnbindableService", Failure::Refused, &[], None),
    row("ServiceFetchBindingParametersNotSupported", Failure::Refused, &["parameters"], None),
    row("AsyncServiceBindingOperationInProgress", Failure::Conflict, &[], Some("wait until the binding is finished, then run trueup again")),
    row("ServicePlanInvalid", Failure::Refused, &["plan"], None),
    row("ServicePlanNotFound", Failure::NotFound, &["plan"], None),
    row("ServicePlanNotUpdateable", Failure::Refused, &["plan"], Some("the plan of such an instance cannot be changed: create another instance")),
    row("ServiceNotFound", Failure::NotFound, &["plan"], None),
    row("ServiceFetchInstanceParametersNotSupported", Failure::Refused, &["parameters"], None),
    row("JobTimeout", Failure::Server, &[], LATER),
    row("SpaceDeletionFailed", Failure::Server, &[], None),
    row("OrganizationDeletionFailed", Failure::Server, &[], None),
    row("NonrecursiveSpaceDeletionFailed", Failure::Conflict, &[], None),
    row("FeatureDisabled", Failure::Forbidden, &[], Some("the foundation has switched this off for users: ask an administrator for the feature flag")),
    row("UserProvidedServiceInstanceNotFound", Failure::NotFound, &[], None),
    row("UserProvidedServiceInstanceHandlerNeeded", Failure::Refused, &[], Some("it is a user-provided instance: those are declared in `user_provided_service_instances`")),
    row("ServiceKeyNameTaken", Failure::Conflict, &["name"], None),
    row("ServiceKeyInvalid", Failure::Refused, &[], None),
    row("ServiceKeyNotFound", Failure::NotFound, &[], None),
    row("ServiceKeyNotSupported", Failure::Refused, &["service_instance"], None),
    row("ServiceKeyCredentialStoreUnavailable", Failure::Server, &[], LATER),
    row("ServiceInstanceUnshareFailed", Failure::Server, &[], None),
    row("ServiceInstanceDeletionSharesExists", Failure::Conflict, &[], Some("unshare it first")),
    row("SharedServiceInstanceCannotBeRenamed", Failure::Refused, &["name"], Some("unshare it first")),
    row("SharedServiceInstanceNotUpdatableInTargetSpace", Failure::Forbidden, &["space"], Some("an instance is managed in the space it was created in")),
    row("SharedServiceInstanceNotDeletableInTargetSpace", Failure::Forbidden, &["space"], Some("an instance is managed in the space it was created in")),
    row("MaintenanceInfoNotSupported", Failure::Refused, &["upgrade", "plan"], None),
    row("MaintenanceInfoNotSemver", Failure::Refused, &["upgrade", "plan"], None),
    row("MaintenanceInfoNotUpdatableWhenChangingPlan", Failure::Refused, &["upgrade", "plan"], None),
    row("MaintenanceInfoConflict", Failure::Refused, &["upgrade", "plan"], Some("the broker offers another version by now: plan again")),
    row("LabelLimitExceeded", Failure::Refused, &["labels"], None),
    row("AnnotationLimitExceeded", Failure::Refused, &["annotations"], None),
    row("AsyncRequired", Failure::Refused, &["plan"], Some("the plan needs a client that waits for operations")),
    row("ConcurrencyError", Failure::Conflict, &[], Some("the service broker is at work on this instance: wait, then run trueup again")),
    row("HttpClientTimeout", Failure::Server, &[], BROKER),
    row("ServiceBrokerApiTimeout", Failure::Server, &[], BROKER),
    row("ServiceBrokerApiUnreachable", Failure::Server, &[], BROKER),
    row("ServiceBrokerApiAuthenticationFailed", Failure::Server, &[], BROKER),
    row("ServiceBrokerBadResponse", Failure::Server, &[], BROKER),
    row("ServiceBrokerConflict", Failure::Conflict, &[], Some("the service broker has an instance of this id already: try again")),
    row("ServiceBrokerRequestRejected", Failure::Server, &["parameters"], BROKER),
    row("ServiceBrokerResponseMalformed", Failure::Server, &[], BROKER),
];

/// Whether a 404 on a v2 path means that the foundation has switched v2 off: an unknown route, where a missing object
/// would have a name of its own (reference, section 3).
fn says_v2_is_off(answer: &Response, named: &Named) -> bool {
    answer.status == 404 && named.name == "NotFound" && named.code == 10000 && answer.path.contains("/v2/")
}

/// Whether an error says that the object itself is gone; not its route, not a proxy.
pub fn says_gone(error: &RemoteError) -> bool {
    let code = error.problem.code.as_deref().unwrap_or_default();
    error.problem.status == Some(404) && code.ends_with("NotFound") && code != "CF-NotFound"
}

/// Whether a 5xx was given before anything was done: the token could not be verified.
pub fn says_untaken(answer: &Response) -> bool {
    read(&answer.body).is_some_and(|named| named.name == "UaaUnavailable")
}

/// What an answer other than 2xx means.
pub fn refusal(answer: &Response, purpose: Purpose) -> RemoteError {
    let Some(named) = read(&answer.body) else { return unnamed(answer, purpose) };
    let wire_name = if named.name == "UnknownError" { named.name.clone() } else { format!("CF-{}", named.name) };
    let problem = problem(answer, Some(wire_name), Some(named.detail.clone()));
    if says_v2_is_off(answer, &named) {
        return v2_is_off(problem);
    }
    let row = ROWS.iter().find(|row| row.name == named.name);
    let hint = hinted(&named);
    let known = hint.map(|hint| hint.failure).or(row.map(|row| row.failure));
    let failure = known.unwrap_or_else(|| by_status(answer.status));
    let broker = is_broker(&named.name);
    let settled = broker || named.name == "UaaUnavailable";
    RemoteError {
        failure,
        message: if broker && failure == Failure::Server { "the service broker failed" } else { words(failure) }
            .to_owned(),
        help: come_back(failure, answer)
            .or_else(|| hint.and_then(|hint| hint.help).or(row.and_then(|row| row.help)).map(str::to_owned)),
        problem,
        fields: fields(purpose, row, &named),
        uncertain: purpose.writes() && answer.status >= 500 && !settled,
    }
}

/// The error of a foundation that does not speak v2.
pub fn v2_is_off(problem: Box<RemoteProblem>) -> RemoteError {
    RemoteError {
        failure: Failure::UnknownDialect,
        message: "this foundation has switched v2 off".to_owned(),
        help: Some("set `api = \"v3\"` or `api = \"auto\"` for this target in `trueup.toml`".to_owned()),
        problem,
        fields: Vec::new(),
        uncertain: false,
    }
}

/// An answer with status 2xx that cannot be read. A write has happened then, but what came of it is not known.
pub fn malformed(answer: &Response, purpose: Purpose, what: impl std::fmt::Display) -> RemoteError {
    RemoteError {
        failure: Failure::Malformed,
        message: format!("{}: {what}", words(Failure::Malformed)),
        help: Some(
            "check that `url` is the API of a Cloud Foundry, and that nothing in between answers for it".to_owned(),
        ),
        problem: problem(answer, None, None),
        fields: Vec::new(),
        uncertain: purpose.writes(),
    }
}

/// An answer that is no error of the Cloud Controller: a router's or proxy's page, a plain sentence.
fn unnamed(answer: &Response, purpose: Purpose) -> RemoteError {
    let failure = by_status(answer.status);
    let help = match failure {
        // Users whose only role is this one get a sentence instead of JSON (reference, section 16).
        Failure::Forbidden if answer.path.contains("/v2/") => {
            Some("v2 is closed to users whose only role is Space Supporter, and proxies may refuse too")
        }
        Failure::Server => Some("something in front of the foundation answered for it: try again later"),
        Failure::RateLimited => LATER,
        _ => None,
    };
    RemoteError {
        failure,
        message: words(failure).to_owned(),
        help: come_back(failure, answer).or_else(|| help.map(str::to_owned)),
        problem: problem(answer, None, answer.excerpt()),
        fields: Vec::new(),
        uncertain: purpose.writes() && (answer.status >= 500 || answer.status == 408),
    }
}

/// When to come back, where the foundation says so: in seconds (reference, section 15).
pub fn come_back(failure: Failure, answer: &Response) -> Option<String> {
    let seconds: u64 = answer.header("retry-after").filter(|_| failure == Failure::RateLimited)?.trim().parse().ok()?;
    Some(format!("it asks to come back in {seconds} s: try again then"))
}

/// What was asked and answered.
#[expect(clippy::unnecessary_box_returns, reason = "errors keep it boxed")]
pub fn problem(answer: &Response, code: Option<String>, detail: Option<String>) -> Box<RemoteProblem> {
    Box::new(RemoteProblem {
        method: answer.method.to_string(),
        path: answer.path.clone(),
        status: Some(answer.status),
        code,
        detail: detail.filter(|detail| !detail.is_empty()),
        request_id: answer.request_id(),
    })
}

fn is_broker(name: &str) -> bool {
    let names = ["AsyncRequired", "ConcurrencyError", "HttpClientTimeout", "MaintenanceInfoConflict"];
    names.contains(&name) || (name.starts_with("ServiceBroker") && name != "ServiceBrokerRateLimitExceeded")
}

fn by_status(status: u16) -> Failure {
    match status {
        401 => Failure::SignIn,
        403 => Failure::Forbidden,
        404 => Failure::NotFound,
        409 => Failure::Conflict,
        429 => Failure::RateLimited,
        500.. => Failure::Server,
        _ => Failure::Refused,
    }
}

fn words(failure: Failure) -> &'static str {
    match failure {
        Failure::Unreachable => "the remote could not be reached",
        Failure::SignIn => "the remote does not accept the sign-in",
        Failure::Forbidden => "the remote does not permit this",
        Failure::NotFound => "the remote does not have this",
        Failure::Conflict => "the remote says that this is taken, in use or in the wrong state",
        Failure::Refused => "the remote refused the request",
        Failure::RateLimited => "the remote asks to come back later",
        Failure::Server => "the remote failed",
        Failure::Malformed => "the remote answered with something that cannot be read",
        Failure::UnknownDialect => "what answers is not known",
    }
}

/// What `UnprocessableEntity` of v3 is about: it has no names for its reasons, and words may change (section 17.1). So they
/// only help to point and to name the failure; nothing is decided by them.
struct Hint {
    words: &'static str,
    failure: Failure,
    fields: &'static [&'static str],
    help: Option<&'static str>,
}

const fn hint(
    words: &'static str,
    failure: Failure,
    fields: &'static [&'static str],
    help: Option<&'static str>,
) -> Hint {
    Hint { words, failure, fields, help }
}

const NAMES_FOLD: Option<&str> =
    Some("names are compared without regard to case; you may not be allowed to see the one that has it");
const RUNNING: Option<&str> = Some("wait until the running operation is finished, then run trueup again");

/// The first that fits is taken.
#[rustfmt::skip]
const HINTS: &[Hint] = &[
    hint("instance name is taken", Failure::Conflict, &["name"], Some("an instance, a user-provided one, or one shared into the space has this name")),
    hint("binding names must be unique", Failure::Conflict, &["name"], None),
    hint("already exists", Failure::Conflict, &["name"], NAMES_FOLD),
    hint("name must be unique", Failure::Conflict, &["name"], NAMES_FOLD),
    hint("operation in progress", Failure::Conflict, &[], RUNNING),
    hint("metadata label", Failure::Refused, &["labels"], None),
    hint("metadata annotation", Failure::Refused, &["annotations"], None),
    hint("invalid space", Failure::Refused, &["space"], None),
    hint("invalid organization", Failure::Refused, &["organization"], None),
    hint("service instances limit", Failure::Refused, &["space"], QUOTA),
    hint("paid service instances", Failure::Refused, &["plan"], PAID),
    hint("paid service plan", Failure::Refused, &["plan"], PAID),
    hint("changing plans", Failure::Refused, &["plan"], None),
    hint("inaccessible plan", Failure::Refused, &["parameters", "plan"], Some("its plan is no longer offered: change the plan first")),
    hint("maintenance_info", Failure::Refused, &["upgrade"], Some("the broker offers another version by now: plan again")),
    hint("service plan", Failure::Refused, &["plan"], None),
    hint("tags", Failure::Refused, &["tags"], None),
    hint("parameters", Failure::Refused, &["parameters"], None),
    hint("shared", Failure::Refused, &["name"], Some("unshare it first")),
    hint("name", Failure::Refused, &["name"], None),
];

fn hinted(named: &Named) -> Option<&'static Hint> {
    let detail = Some(named).filter(|named| named.name == "UnprocessableEntity")?.detail.to_lowercase();
    HINTS.iter().find(|hint| detail.contains(hint.words))
}

/// The fields an error is about, as far as it tells.
fn fields(purpose: Purpose, row: Option<&Row>, named: &Named) -> Vec<FieldProblem> {
    let Purpose::Write(section) = purpose else { return Vec::new() };
    if named.name == "MessageParseError" {
        let by_wire = |wire: &str| section.fields.iter().find(|field| field.wire == wire);
        return parse_problems(&named.detail)
            .filter_map(|(wire, words)| {
                Some(FieldProblem { path: Path::field(by_wire(wire)?.name), message: words.to_owned() })
            })
            .collect();
    }
    let of_text: &[&str] = match named.name.as_str() {
        "ServiceInstanceInvalid" if named.detail.contains("not a valid service plan") => &["plan"],
        "ServiceInstanceInvalid" if named.detail.contains("not a valid space") => &["space"],
        _ => hinted(named).map_or_else(|| row.map_or(&[][..], |row| row.fields), |hint| hint.fields),
    };
    let field = of_text.iter().find(|name| section.field(name).is_some());
    field.map(|name| FieldProblem { path: Path::field(*name), message: named.detail.clone() }).into_iter().collect()
}

/// The pairs of `Request invalid due to parse error: Field: name, Error: Missing field name, Field: …`.
fn parse_problems(detail: &str) -> impl Iterator<Item = (&str, &str)> {
    detail.split("Field: ").skip(1).filter_map(|pair| {
        let (wire, words) = pair.split_once(", Error: ")?;
        Some((wire, words.trim_end_matches([',', ' '])))
    })
}

/// The first error of a body, in either shape.
fn read(body: &[u8]) -> Option<Named> {
    #[derive(Deserialize)]
    struct V2 {
        error_code: String,
        code: i64,
        #[serde(default)]
        description: Option<String>,
    }
    #[derive(Deserialize)]
    struct V3 {
        errors: Vec<V3Error>,
    }
    #[derive(Deserialize)]
    struct V3Error {
        title: String,
        code: i64,
        #[serde(default)]
        detail: Option<String>,
    }
    let bare = |name: String| name.strip_prefix("CF-").map_or(name.clone(), str::to_owned);
    if let Ok(V2 { error_code, code, description }) = serde_json::from_slice(body) {
        return Some(Named { name: bare(error_code), code, detail: description.unwrap_or_default() });
    }
    let V3 { errors } = serde_json::from_slice(body).ok()?;
    let detail = errors.iter().filter_map(|error| error.detail.as_deref()).collect::<Vec<_>>().join("; ");
    let first = errors.into_iter().next()?;
    Some(Named { name: bare(first.title), code: first.code, detail })
}

#[cfg(test)]
mod tests;
