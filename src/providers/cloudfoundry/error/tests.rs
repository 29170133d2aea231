use reqwest::header::HeaderMap;

use super::*;
use crate::http::Method;
use crate::kind::Readable as _;
use crate::providers::cloudfoundry::{Organization, ServiceInstance, Space};

fn answer(status: u16, body: &str) -> Response {
    Response {
        status,
        headers: HeaderMap::new(),
        body: body.as_bytes().to_vec(),
        method: Method::POST,
        path: "/v2/service_instances".to_owned(),
        uncertain: false,
    }
}

fn v2(name: &str, code: i64, status: u16, words: &str) -> Response {
    let error_code = if name == "UnknownError" { name.to_owned() } else { format!("CF-{name}") };
    let body = serde_json::json!({"description": words, "error_code": error_code, "code": code});
    answer(status, &format!("{body}\n"))
}

fn instance() -> Purpose {
    Purpose::Write(ServiceInstance::SECTION)
}

fn field(error: &RemoteError) -> Option<String> {
    assert!(error.fields.len() < 2);
    error.fields.first().map(|field| field.path.to_string())
}

#[test]
fn every_name_says_what_failed_and_which_field_and_whether_it_may_have_happened() {
    use Failure::*;
    for (name, code, status, failure, expected, uncertain) in [
        ("InvalidAuthToken", 1000, 401, SignIn, None, false),
        ("MessageParseError", 1001, 400, Refused, None, false),
        ("InvalidRelation", 1002, 400, Refused, Some("plan"), false),
        ("ServerError", 10001, 500, Server, None, true),
        ("UnknownError", 10001, 500, Server, None, true),
        ("NotAuthenticated", 10002, 401, SignIn, None, false),
        ("NotAuthorized", 10003, 403, Forbidden, None, false),
        ("InvalidRequest", 10004, 400, Refused, None, false),
        ("BadQueryParameter", 10005, 400, Refused, None, false),
        ("AssociationNotEmpty", 10006, 400, Conflict, None, false),
        ("InsufficientScope", 10007, 403, Forbidden, None, false),
        ("UnprocessableEntity", 10008, 422, Refused, None, false),
        ("UnableToPerform", 10009, 400, Server, None, false),
        ("ResourceNotFound", 10010, 404, NotFound, None, false),
        ("DatabaseError", 10011, 500, Server, None, true),
        ("OrderByParameterInvalid", 10012, 500, Server, None, true),
        ("RateLimitExceeded", 10013, 429, RateLimited, None, false),
        ("IPBasedRateLimitExceeded", 10014, 429, RateLimited, None, false),
        ("ServiceUnavailable", 10015, 503, Server, None, true),
        ("ServiceBrokerRateLimitExceeded", 10016, 429, RateLimited, None, false),
        ("OrgSuspended", 10017, 403, Forbidden, Some("space"), false),
        ("RateLimitV2APIExceeded", 10018, 429, RateLimited, None, false),
        ("SpaceSuspended", 10019, 403, Forbidden, Some("space"), false),
        ("ResourceBeingDeleted", 10020, 422, Conflict, Some("space"), false),
        ("UaaUnavailable", 20004, 502, Server, None, false),
        ("UaaRateLimited", 20008, 429, RateLimited, None, false),
        ("OrganizationInvalid", 30001, 400, Refused, Some("name"), false),
        ("OrganizationNameTaken", 30002, 400, Conflict, Some("name"), false),
        ("OrganizationNotFound", 30003, 404, NotFound, None, false),
        ("SpaceInvalid", 40001, 400, Refused, Some("name"), false),
        ("SpaceNameTaken", 40002, 400, Conflict, Some("name"), false),
        ("SpaceNotFound", 40004, 404, NotFound, Some("space"), false),
        ("ServiceInstanceNameEmpty", 60001, 400, Refused, Some("name"), false),
        ("ServiceInstanceNameTaken", 60002, 400, Conflict, Some("name"), false),
        ("ServiceInstanceInvalid", 60003, 400, Refused, None, false),
        ("ServiceInstanceNotFound", 60004, 404, NotFound, None, false),
        ("ServiceInstanceQuotaExceeded", 60005, 400, Refused, Some("space"), false),
        ("ServiceInstanceServicePlanNotAllowed", 60007, 400, Refused, Some("plan"), false),
        ("ServiceInstanceNameTooLong", 60009, 400, Refused, Some("name"), false),
        ("ServiceInstanceOrganizationNotAuthorized", 60010, 403, Forbidden, Some("plan"), false),
        ("ServiceInstanceDeprovisionFailed", 60011, 409, Conflict, None, false),
        ("ServiceInstanceSpaceQuotaExceeded", 60012, 400, Refused, Some("space"), false),
        ("ServiceInstanceServicePlanNotAllowedBySpaceQuota", 60013, 400, Refused, Some("plan"), false),
        ("ServiceInstanceSpaceChangeNotAllowed", 60014, 400, Refused, Some("space"), false),
        ("ServiceInstanceTagsTooLong", 60015, 400, Refused, Some("tags"), false),
        ("AsyncServiceInstanceOperationInProgress", 60016, 409, Conflict, None, false),
        ("ServiceInstanceSpaceNotAuthorized", 60018, 403, Forbidden, Some("plan"), false),
        ("ServiceInstanceRouteServiceURLInvalid", 60019, 400, Refused, None, false),
        ("ServiceInstanceRecursiveDeleteFailed", 60027, 502, Server, None, true),
        ("ServiceInstanceWithInaccessiblePlanNotUpdateable", 60029, 403, Forbidden, Some("plan"), false),
        ("UnbindableService", 90005, 400, Refused, None, false),
        ("ServiceFetchBindingParametersNotSupported", 90007, 400, Refused, Some("parameters"), false),
        ("AsyncServiceBindingOperationInProgress", 90008, 409, Conflict, None, false),
        ("ServicePlanInvalid", 110_001, 400, Refused, Some("plan"), false),
        ("ServicePlanNotFound", 110_003, 404, NotFound, Some("plan"), false),
        ("ServicePlanNotUpdateable", 110_004, 400, Refused, Some("plan"), false),
        ("ServiceNotFound", 120_003, 404, NotFound, Some("plan"), false),
        ("ServiceFetchInstanceParametersNotSupported", 120_004, 400, Refused, Some("parameters"), false),
        ("JobTimeout", 290_006, 524, Server, None, true),
        ("SpaceDeletionFailed", 290_008, 502, Server, None, true),
        ("OrganizationDeletionFailed", 290_010, 502, Server, None, true),
        ("NonrecursiveSpaceDeletionFailed", 290_011, 400, Conflict, None, false),
        ("FeatureDisabled", 330_002, 403, Forbidden, None, false),
        ("UserProvidedServiceInstanceNotFound", 340_001, 404, NotFound, None, false),
        ("UserProvidedServiceInstanceHandlerNeeded", 340_002, 400, Refused, None, false),
        ("ServiceKeyNameTaken", 360_001, 400, Conflict, Some("name"), false),
        ("ServiceKeyInvalid", 360_002, 400, Refused, None, false),
        ("ServiceKeyNotFound", 360_003, 404, NotFound, None, false),
        ("ServiceKeyNotSupported", 360_004, 400, Refused, None, false),
        ("ServiceKeyCredentialStoreUnavailable", 360_005, 503, Server, None, true),
        ("ServiceInstanceUnshareFailed", 390_001, 502, Server, None, true),
        ("ServiceInstanceDeletionSharesExists", 390_002, 422, Conflict, None, false),
        ("SharedServiceInstanceCannotBeRenamed", 390_003, 422, Refused, Some("name"), false),
        ("SharedServiceInstanceNotUpdatableInTargetSpace", 390_004, 403, Forbidden, Some("space"), false),
        ("SharedServiceInstanceNotDeletableInTargetSpace", 390_005, 403, Forbidden, Some("space"), false),
        ("MaintenanceInfoNotSupported", 390_006, 422, Refused, Some("upgrade"), false),
        ("MaintenanceInfoNotSemver", 390_007, 422, Refused, Some("upgrade"), false),
        ("MaintenanceInfoNotUpdatableWhenChangingPlan", 390_008, 422, Refused, Some("upgrade"), false),
        ("MaintenanceInfoConflict", 390_009, 422, Refused, Some("upgrade"), false),
        ("LabelLimitExceeded", 390_020, 422, Refused, Some("labels"), false),
        ("AnnotationLimitExceeded", 390_023, 422, Refused, Some("annotations"), false),
        // A broker that fails at once leaves nothing behind, whatever the status.
        ("AsyncRequired", 10001, 400, Refused, Some("plan"), false),
        ("ConcurrencyError", 10001, 422, Conflict, None, false),
        ("HttpClientTimeout", 10001, 504, Server, None, false),
        ("ServiceBrokerApiTimeout", 10001, 504, Server, None, false),
        ("ServiceBrokerApiUnreachable", 10001, 502, Server, None, false),
        ("ServiceBrokerApiAuthenticationFailed", 10001, 502, Server, None, false),
        ("ServiceBrokerBadResponse", 10001, 502, Server, None, false),
        ("ServiceBrokerConflict", 10001, 409, Conflict, None, false),
        ("ServiceBrokerRequestRejected", 10001, 502, Server, Some("parameters"), false),
        ("ServiceBrokerResponseMalformed", 10001, 502, Server, None, false),
    ] {
        assert!(ROWS.iter().any(|row| row.name == name), "{name} is in the table");
        let error = refusal(&v2(name, code, status, "words"), instance());
        assert_eq!((error.failure, error.uncertain), (failure, uncertain), "{name}");
        assert_eq!(field(&error).as_deref(), expected, "{name}");
        assert_eq!(error.problem.detail.as_deref(), Some("words"), "{name}");
        assert!(!refusal(&v2(name, code, status, "words"), Purpose::Read).uncertain, "{name}");
    }
}

#[test]
fn a_name_that_is_not_known_is_judged_by_its_status() {
    for (status, failure, uncertain) in [
        (400, Failure::Refused, false),
        (403, Failure::Forbidden, false),
        (409, Failure::Conflict, false),
        (500, Failure::Server, true),
    ] {
        let error = refusal(&v2("Novelty", 1, status, "new"), instance());
        assert_eq!((error.failure, error.uncertain), (failure, uncertain), "{status}");
        assert_eq!(error.problem.code.as_deref(), Some("CF-Novelty"));
    }
}

#[test]
fn an_invalid_instance_is_about_its_plan_or_its_space() {
    for (words, expected) in [
        ("The service instance is invalid: not a valid service plan", Some("plan")),
        ("The service instance is invalid: not a valid space", Some("space")),
        ("The service instance is invalid: something else", None),
    ] {
        let error = refusal(&v2("ServiceInstanceInvalid", 60003, 400, words), instance());
        assert_eq!(field(&error).as_deref(), expected, "{words}");
    }
}

#[test]
fn fields_that_cannot_be_parsed_are_told_by_their_names_in_yaml() {
    let words = "Request invalid due to parse error: Field: name, Error: Missing field name, Field: space_guid, \
        Error: Expected instance of String, given an instance of Integer, Field: surprise, Error: odd";
    let error = refusal(&v2("MessageParseError", 1001, 400, words), instance());
    let told: Vec<_> = error.fields.iter().map(|field| (field.path.to_string(), field.message.as_str())).collect();
    assert_eq!(
        told,
        [
            ("name".to_owned(), "Missing field name"),
            ("space".to_owned(), "Expected instance of String, given an instance of Integer"),
        ]
    );
}

#[test]
fn a_field_that_a_section_does_not_have_is_not_blamed() {
    let error = refusal(&v2("InvalidRelation", 1002, 400, "no"), Purpose::Write(Space::SECTION));
    assert_eq!(field(&error).as_deref(), Some("organization"));
    let error = refusal(&v2("InvalidRelation", 1002, 400, "no"), Purpose::Write(Organization::SECTION));
    assert_eq!(field(&error), None);
}

#[test]
fn an_unknown_route_means_that_v2_is_off_in_either_shape_and_a_missing_object_does_not() {
    let v3 = r#"{"errors":[{"detail":"Unknown request","title":"CF-NotFound","code":10000}]}"#;
    for off in [answer(404, v3), v2("NotFound", 10000, 404, "Unknown request")] {
        let error = refusal(&off, Purpose::Read);
        assert_eq!(error.failure, Failure::UnknownDialect);
        assert!(error.help.as_deref().unwrap().contains("v3"));
        assert!(!says_gone(&error));
    }
    let gone = refusal(&v2("ServiceInstanceNotFound", 60004, 404, "no such"), Purpose::Read);
    assert_eq!(gone.failure, Failure::NotFound);
    assert!(says_gone(&gone));
    assert!(!says_gone(&refusal(&answer(404, "404 Not Found: Requested route does not exist."), Purpose::Read)));
}

#[test]
fn the_errors_of_the_other_api_are_understood_too() {
    let body = r#"{"errors":[{"detail":"a","title":"CF-UnprocessableEntity","code":10008},
        {"detail":"b","title":"CF-UnprocessableEntity","code":10008}]}"#;
    let error = refusal(&answer(422, body), instance());
    assert_eq!(error.failure, Failure::Refused);
    assert_eq!(error.problem.detail.as_deref(), Some("a; b"));
}

#[test]
fn what_is_no_error_of_the_controller_is_a_lost_answer_to_a_write() {
    let page = "<html><title>502 Bad Gateway</title></html>";
    for (status, body, failure, uncertain, detail) in [
        (502, page, Failure::Server, true, Some("502 Bad Gateway")),
        (503, "upstream gone", Failure::Server, true, Some("upstream gone")),
        (504, "", Failure::Server, true, None),
        (408, "", Failure::Refused, true, None),
        (429, "slow down", Failure::RateLimited, false, Some("slow down")),
        (403, "You are a supporter.", Failure::Forbidden, false, Some("You are a supporter.")),
        (404, page, Failure::NotFound, false, Some("502 Bad Gateway")),
    ] {
        let error = refusal(&answer(status, body), instance());
        assert_eq!((error.failure, error.uncertain), (failure, uncertain), "{status}");
        assert_eq!(error.problem.detail.as_deref(), detail, "{status}");
        assert!(!refusal(&answer(status, body), Purpose::Read).uncertain);
    }
}

#[test]
fn only_the_token_check_says_that_nothing_was_done() {
    assert!(says_untaken(&v2("UaaUnavailable", 20004, 502, "")));
    assert!(!says_untaken(&v2("ServiceBrokerBadResponse", 10001, 502, "")));
    assert!(!says_untaken(&answer(502, "<html>")));
}

fn unprocessable(detail: &str) -> RemoteError {
    let body = serde_json::json!({"errors": [{"code": 10008, "title": "CF-UnprocessableEntity", "detail": detail}]});
    let section = crate::providers::registry().section("service_instances").unwrap();
    refusal(&answer(422, &body.to_string()), Purpose::Write(section))
}

#[test]
fn the_words_of_v3_point_at_a_field_and_are_shown_as_they_are() {
    for (words, failure, field) in [
        ("The service instance name is taken: db.", Failure::Conflict, Some("name")),
        ("Invalid space. Ensure that the space exists and you have access to it.", Failure::Refused, Some("space")),
        ("Invalid service plan. Ensure that the service plan exists.", Failure::Refused, Some("plan")),
        ("The service does not support changing plans.", Failure::Refused, Some("plan")),
        ("Metadata label key error: 'a b' contains invalid characters", Failure::Refused, Some("labels")),
        ("There is an operation in progress for the service instance.", Failure::Conflict, None),
        ("You have exceeded your organization's services limit.", Failure::Refused, None),
        ("name max_length", Failure::Refused, Some("name")),
        ("something new", Failure::Refused, None),
    ] {
        let error = unprocessable(words);
        let about = error.fields.first().map(|field| field.path.to_string());
        assert_eq!((error.failure, about.as_deref()), (failure, field), "{words}");
        assert_eq!(error.problem.detail.as_deref(), Some(words));
        assert!(!error.uncertain);
    }
}

#[test]
fn all_errors_of_a_list_are_told() {
    let body = r#"{"errors":[{"code":10008,"title":"CF-UnprocessableEntity","detail":"one"},{"code":10008,"title":"CF-UnprocessableEntity","detail":"two"}]}"#;
    assert_eq!(refusal(&answer(422, body), Purpose::Read).problem.detail.as_deref(), Some("one; two"));
}

#[test]
fn a_limit_of_v3_is_one_although_it_comes_as_plain_text() {
    let body = r#"{"errors":[{"code":10013,"title":"CF-RateLimitExceeded","detail":"later"}]}"#;
    assert_eq!(refusal(&answer(429, body), Purpose::Read).failure, Failure::RateLimited);
}
