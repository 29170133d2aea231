//! The error catalogue: name, code, HTTP status and message, as `errors/v2.yml` of the Cloud Controller has them.

use serde_json::{Value, json};

macro_rules! catalogue {
    ($($name:ident = $code:literal, $status:literal, $message:literal;)+) => {
        /// An error of the catalogue, under the catalogue's own name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(clippy::enum_variant_names, reason = "the names are the catalogue's")]
        pub(super) enum Error { $($name,)+ }

        impl Error {
            #[expect(clippy::unreadable_literal, reason = "codes are searched for as the catalogue writes them")]
            fn row(self) -> (&'static str, u32, u16, &'static str) {
                match self { $(Self::$name => (stringify!($name), $code, $status, $message),)+ }
            }
        }
    };
}

catalogue! {
    InvalidAuthToken = 1000, 401, "Invalid Auth Token";
    MessageParseError = 1001, 400, "Request invalid due to parse error: %s";
    InvalidRelation = 1002, 400, "%s";
    NotFound = 10000, 404, "Unknown request";
    NotAuthenticated = 10002, 401, "Authentication error";
    NotAuthorized = 10003, 403, "You are not authorized to perform the requested action";
    InvalidRequest = 10004, 400, "The request is invalid";
    BadQueryParameter = 10005, 400, "The query parameter is invalid: %s";
    AssociationNotEmpty = 10006, 400, "Please delete the %s associations for your %s.";
    InsufficientScope = 10007, 403, "Your token lacks the necessary scopes to access this resource.";
    UnprocessableEntity = 10008, 422, "%s";
    UnableToPerform = 10009, 400, "%s could not be completed: %s";
    ResourceNotFound = 10010, 404, "%s";
    OrderByParameterInvalid = 10012, 500, "Cannot order by: %s";
    RateLimitExceeded = 10013, 429, "Rate Limit Exceeded";
    IPBasedRateLimitExceeded = 10014, 429,
        "Rate Limit Exceeded: Unauthenticated requests from this IP address have exceeded the limit. Please log in.";
    ServiceBrokerRateLimitExceeded = 10016, 429, "Service broker concurrent request limit exceeded";
    OrgSuspended = 10017, 403, "The organization is suspended";
    RateLimitV2APIExceeded = 10018, 429, "Rate Limit of V2 API Exceeded. Please consider using the V3 API";
    SpaceSuspended = 10019, 403, "The space is suspended";
    ResourceBeingDeleted = 10020, 422, "The %s is being deleted";
    OrganizationInvalid = 30001, 400, "The organization info is invalid: %s";
    OrganizationNameTaken = 30002, 400, "The organization name is taken: %s";
    OrganizationNotFound = 30003, 404, "The organization could not be found: %s";
    SpaceInvalid = 40001, 400, "The app space info is invalid: %s";
    SpaceNameTaken = 40002, 400, "The app space name is taken: %s";
    SpaceNotFound = 40004, 404, "The app space could not be found: %s";
    ServiceInstanceNameEmpty = 60001, 400, "Service instance name is required.";
    ServiceInstanceNameTaken = 60002, 400, "The service instance name is taken: %s";
    ServiceInstanceInvalid = 60003, 400, "The service instance is invalid: %s";
    ServiceInstanceNotFound = 60004, 404, "The service instance could not be found: %s";
    ServiceInstanceQuotaExceeded = 60005, 400, "You have exceeded your organization's services limit.";
    ServiceInstanceServicePlanNotAllowed = 60007, 400,
        "The service instance cannot be created because paid service plans are not allowed.";
    ServiceInstanceNameTooLong = 60009, 400,
        "You have requested an invalid service instance name. Names are limited to 255 characters.";
    ServiceInstanceOrganizationNotAuthorized = 60010, 403,
        "A service instance for the selected plan cannot be created in this organization. The plan is visible because another organization you belong to has access to it.";
    ServiceInstanceSpaceQuotaExceeded = 60012, 400, "You have exceeded your space's services limit.";
    ServiceInstanceServicePlanNotAllowedBySpaceQuota = 60013, 400,
        "The service instance cannot be created because paid service plans are not allowed for your space.";
    ServiceInstanceSpaceChangeNotAllowed = 60014, 400, "Cannot update space for service instance.";
    ServiceInstanceTagsTooLong = 60015, 400, "Combined length of tags for service %s must be 2048 characters or less.";
    AsyncServiceInstanceOperationInProgress = 60016, 409, "An operation for service instance %s is in progress.";
    ServiceInstanceSpaceNotAuthorized = 60018, 403,
        "A service instance for the selected plan cannot be created in this space.";
    ServiceInstanceRouteServiceURLInvalid = 60019, 400, "The route service URL is invalid: %s";
    ServiceInstanceRecursiveDeleteFailed = 60027, 502,
        "Deletion of service instance %s failed because one or more associated resources could not be deleted.\n\n%s";
    ServiceInstanceWithInaccessiblePlanNotUpdateable = 60029, 403,
        "Cannot update %s of a service instance that belongs to inaccessible plan";
    ServiceBindingNotFound = 90004, 404, "The service binding could not be found: %s";
    ServiceFetchBindingParametersNotSupported = 90007, 400,
        "This service does not support fetching service binding parameters.";
    AsyncServiceBindingOperationInProgress = 90008, 409,
        "An operation for the service binding between app %s and service instance %s is in progress.";
    ServicePlanNotFound = 110003, 404, "The service plan could not be found: %s";
    ServicePlanNotUpdateable = 110004, 400, "The service does not support changing plans.";
    ServiceNotFound = 120003, 404, "The service could not be found: %s";
    ServiceFetchInstanceParametersNotSupported = 120004, 400,
        "This service does not support fetching service instance parameters.";
    ServiceBrokerNotFound = 270004, 404, "The service broker was not found: %s";
    JobTimeout = 290006, 524, "The job execution has timed out.";
    SpaceDeletionFailed = 290008, 502,
        "Deletion of space %s failed because one or more resources within could not be deleted.\n\n%s";
    OrganizationDeletionFailed = 290010, 502,
        "Deletion of organization %s failed because one or more resources within could not be deleted.\n\n%s";
    NonrecursiveSpaceDeletionFailed = 290011, 400,
        "Resource inside space %s must first be deleted, or specify recursive delete.";
    FeatureFlagNotFound = 330000, 404, "The feature flag could not be found: %s";
    FeatureDisabled = 330002, 403, "Feature Disabled: %s";
    UserProvidedServiceInstanceNotFound = 340001, 404, "The service instance could not be found: %s";
    UserProvidedServiceInstanceHandlerNeeded = 340002, 400,
        "Please use the User Provided Services API to manage this resource.";
    ServiceKeyNameTaken = 360001, 400, "The service key name is taken: %s";
    ServiceKeyInvalid = 360002, 400, "The service key is invalid: %s";
    ServiceKeyNotFound = 360003, 404, "The service key could not be found: %s";
    ServiceKeyNotSupported = 360004, 400, "%s";
    ServicePlanVisibilityInvalid = 260001, 400, "Service Plan Visibility is invalid: %s";
    ServicePlanVisibilityAlreadyExists = 260002, 400,
        "This combination of ServicePlan and Organization is already taken: %s";
    ServicePlanVisibilityNotFound = 260003, 404, "The service plan visibility could not be found: %s";
    ServiceInstanceDeletionSharesExists = 390002, 422,
        "Service instances must be unshared before they can be deleted. Unsharing %s will automatically delete any bindings that have been made to applications in other spaces.";
    SharedServiceInstanceCannotBeRenamed = 390003, 422, "Service instances that have been shared cannot be renamed";
    SharedServiceInstanceNotUpdatableInTargetSpace = 390004, 403,
        "You cannot update service instances that have been shared with you";
    SharedServiceInstanceNotDeletableInTargetSpace = 390005, 403,
        "You cannot delete service instances that have been shared with you";
    MaintenanceInfoNotSupported = 390006, 422,
        "The service broker does not support upgrades for service instances created from this plan.";
    MaintenanceInfoNotSemver = 390007, 422, "maintenance_info.version should be a semantic version.";
    MaintenanceInfoNotUpdatableWhenChangingPlan = 390008, 422,
        "maintenance_info should not be changed when switching to different plan.";
    MaintenanceInfoConflict = 390009, 422,
        "maintenance_info.version requested is invalid. Please ensure the catalog is up to date and you are providing a version supported by this service plan.";
    LabelLimitExceeded = 390020, 422, "Failed to add %s labels because it would exceed maximum of %s";
    AnnotationLimitExceeded = 390023, 422, "Failed to add %s annotations because it would exceed maximum of %s";
}

impl Error {
    /// The error with its message's blanks filled in, in order.
    pub(super) fn with(self, blanks: &[&str]) -> Failure {
        let (name, code, status, message) = self.row();
        let mut description = String::new();
        let mut parts = message.split("%s");
        description.push_str(parts.next().unwrap_or_default());
        for (index, part) in parts.enumerate() {
            description.push_str(blanks.get(index).copied().unwrap_or_default());
            description.push_str(part);
        }
        Failure { title: format!("CF-{name}"), code, status, description, http: None, plain_text: false }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        error.with(&[])
    }
}

/// A refusal on its way to the client. Both APIs render it, each in its own shape (reference section 1.3).
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) title: String,
    pub(super) code: u32,
    pub(super) status: u16,
    pub(super) description: String,
    /// What v2 adds when the refusal came from a broker.
    pub(super) http: Option<Box<Value>>,
    /// Refused with a bare sentence instead of JSON.
    pub(super) plain_text: bool,
}

impl Failure {
    /// What the Cloud Controller says when it did not expect the trouble itself.
    pub(super) fn unknown() -> Self {
        Self {
            title: "UnknownError".to_owned(),
            code: 10001,
            status: 500,
            description: "An unknown error occurred.".to_owned(),
            http: None,
            plain_text: false,
        }
    }

    /// A broker's failure: always code 10001, told apart by its name.
    pub(super) fn broker(name: &str, status: u16, description: String, http: Option<Value>) -> Self {
        Self {
            title: format!("CF-{name}"),
            code: 10001,
            status,
            description,
            http: http.map(Box::new),
            plain_text: false,
        }
    }

    /// A sentence without any JSON around it.
    pub(super) fn sentence(status: u16, sentence: &str) -> Self {
        Self { description: sentence.to_owned(), status, plain_text: true, ..Self::unknown() }
    }

    /// v2's error body.
    pub(super) fn v2(&self) -> Value {
        let mut body = json!({"description": self.description, "error_code": self.title, "code": self.code});
        if let Some(http) = &self.http {
            body["http"] = Value::clone(http);
        }
        body
    }

    /// v3's error body: always a list.
    pub(super) fn v3(&self) -> Value {
        json!({"errors": [self.v3_error()]})
    }

    /// One error of v3's list.
    pub(super) fn v3_error(&self) -> Value {
        json!({"detail": self.description, "title": self.title, "code": self.code})
    }
}
