//! Which operation a request means, and its answer on the wire.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::{Body as HttpBody, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use super::auth::{self, Caller};
use super::call::{Answer, Call, Outcome};
use super::license::Move;
use super::problem::Problem;
use super::{
    Dialect, Service, component, customer, entitlement, family, flag, grant, group, instance, license, metadata_field,
    release, zone,
};

/// The largest request body taken, in bytes; the server's own limit is not known.
const LARGEST_BODY: usize = 8 << 20;

/// Set by the gateway (§2.4).
const TRACE: HeaderName = HeaderName::from_static("kaiten-traceid");

/// The first segments of the paths there are.
const COLLECTIONS: [&str; 11] = [
    "components",
    "customers",
    "deployment-zones",
    "entitlement-groups",
    "entitlements",
    "feature-flags",
    "instances",
    "license-families",
    "licenses",
    "metadata-fields",
    "releases",
];

/// Whether this path is served, if not by this method.
fn is_known(segments: &[&str]) -> bool {
    match segments {
        [collection] | [collection, _] => COLLECTIONS.contains(collection),
        ["licenses", _, step] => *step == "entitlements" || Move::named(step).is_some(),
        ["metadata-fields", _, step] => matches!(*step, "archive" | "unarchive" | "dry-run"),
        ["licenses" | "entitlement-groups", _, "entitlements", _] | ["entitlement-groups", _, "entitlements"] => true,
        _ => false,
    }
}

pub(super) fn router(service: Arc<Service>) -> Router {
    Router::new().fallback(handle).with_state(service)
}

async fn handle(State(service): State<Arc<Service>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // A header that is not text is none the server would know what to do with.
    let authorization = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let outcome = match to_bytes(body, LARGEST_BODY).await {
        Ok(body) => {
            let call = Call::new(parts.method.clone(), &parts.uri, authorization, body);
            service.answer(&call)
        }
        Err(_) => Err(Problem::generic(413, "request body is too large")),
    };
    service.respond(outcome, parts.uri.path())
}

impl Service {
    /// 401, then the route; the operations check body and schema, then the scope, then their rules (§3.3).
    pub(super) fn answer(&self, call: &Call) -> Outcome {
        let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
        match self.options.dialect {
            Dialect::Core => match segments.as_slice() {
                ["api", "healthz" | "readyz"] | ["healthz" | "readyz"] if call.method == Method::GET => {
                    Ok(Answer::Found(json!({ "status": "ok" })))
                }
                ["api", rest @ ..] => {
                    let caller = auth::caller(&self.options.tokens, call.authorization.as_deref())?;
                    self.core(call, rest, &caller)
                }
                _ => Err(unknown_route()),
            },
            Dialect::Seed { writes } => self.seed(call, &segments, writes),
        }
    }

    fn core(&self, call: &Call, segments: &[&str], caller: &Caller) -> Outcome {
        let method = call.method.as_str();
        let answer = match segments {
            ["licenses" | "license-families", ..] => self.licensing(call, segments, method, caller),
            ["entitlements" | "entitlement-groups", ..] => self.entitling(call, segments, method, caller),
            ["components" | "releases", ..] => self.releasing(call, segments, method, caller),
            ["metadata-fields", ..] => self.fields(call, segments, method, caller),
            _ => self.serving(call, segments, method, caller),
        };
        answer.unwrap_or_else(|| Err(if is_known(segments) { wrong_method() } else { unknown_route() }))
    }

    fn serving(&self, call: &Call, segments: &[&str], method: &str, caller: &Caller) -> Option<Outcome> {
        Some(match (segments, method) {
            (["customers"], "GET") => customer::list(self, call, caller),
            (["customers"], "POST") => customer::create(self, call, caller),
            (["customers", slug], "GET") => customer::get(self, slug, caller),
            (["customers", slug], "PUT") => customer::update(self, slug, call, caller),
            (["customers", slug], "DELETE") => customer::delete(self, slug, caller),

            (["deployment-zones"], "GET") => zone::list(self, call, caller),
            (["deployment-zones"], "POST") => zone::create(self, call, caller),
            (["deployment-zones", slug], "GET") => zone::get(self, slug, caller),
            (["deployment-zones", slug], "PUT") => zone::update(self, slug, call, caller),
            (["deployment-zones", slug], "DELETE") => zone::delete(self, slug, caller),

            (["instances"], "GET") => instance::list(self, call, caller),
            (["instances"], "POST") => instance::create(self, call, caller),
            (["instances", slug], "GET") => instance::get(self, slug, caller),
            (["instances", slug], "PUT") => instance::update(self, slug, call, caller),
            (["instances", slug], "PATCH") => instance::patch(self, slug, call, caller),
            (["instances", slug], "DELETE") => instance::delete(self, slug, caller),

            (["feature-flags"], "GET") => flag::list(self, call, caller),
            (["feature-flags"], "POST") => flag::create(self, call, caller),
            (["feature-flags", slug], "GET") => flag::get(self, slug, caller),
            (["feature-flags", slug], "PUT") => flag::update(self, slug, call, caller),
            (["feature-flags", slug], "DELETE") => flag::delete(self, slug, caller),
            _ => return None,
        })
    }

    fn licensing(&self, call: &Call, segments: &[&str], method: &str, caller: &Caller) -> Option<Outcome> {
        Some(match (segments, method) {
            (["license-families"], "GET") => family::list(self, call, caller),
            (["license-families", slug], "GET") => family::get(self, slug, call, caller),

            (["licenses"], "GET") => license::list(self, call, caller),
            (["licenses"], "POST") => license::create(self, call, caller),
            (["licenses", slug], "GET") => license::get(self, slug, caller),
            (["licenses", slug], "PUT") => license::update(self, slug, call, caller),
            (["licenses", slug], "DELETE") => license::delete(self, slug, caller),

            (["licenses", slug, "entitlements"], "GET") => grant::list(self, slug, call, caller),
            (["licenses", slug, "entitlements"], "POST") => grant::create(self, slug, call, caller),
            (["licenses", slug, "entitlements", of], "GET") => grant::get(self, slug, of, caller),
            (["licenses", slug, "entitlements", of], "PUT") => grant::update(self, slug, of, call, caller),
            (["licenses", slug, "entitlements", of], "DELETE") => grant::delete(self, slug, of, caller),

            (["licenses", slug, step], "POST") => license::advance(self, slug, Move::named(step)?, caller),
            _ => return None,
        })
    }

    fn entitling(&self, call: &Call, segments: &[&str], method: &str, caller: &Caller) -> Option<Outcome> {
        Some(match (segments, method) {
            (["entitlements"], "GET") => entitlement::list(self, call, caller),
            (["entitlements"], "POST") => entitlement::create(self, call, caller),
            (["entitlements", slug], "GET") => entitlement::get(self, slug, caller),
            (["entitlements", slug], "PUT") => entitlement::update(self, slug, call, caller),
            (["entitlements", slug], "DELETE") => entitlement::delete(self, slug, caller),

            (["entitlement-groups"], "GET") => group::list(self, call, caller),
            (["entitlement-groups"], "POST") => group::create(self, call, caller),
            (["entitlement-groups", slug], "GET") => group::get(self, slug, caller),
            (["entitlement-groups", slug], "PUT") => group::update(self, slug, call, caller),
            (["entitlement-groups", slug], "DELETE") => group::delete(self, slug, caller),
            (["entitlement-groups", slug, "entitlements"], "POST") => group::add(self, slug, call, caller),
            (["entitlement-groups", slug, "entitlements", member], "DELETE") => {
                group::remove(self, slug, member, caller)
            }
            _ => return None,
        })
    }

    fn releasing(&self, call: &Call, segments: &[&str], method: &str, caller: &Caller) -> Option<Outcome> {
        Some(match (segments, method) {
            (["components"], "GET") => component::list(self, call, caller),
            (["components"], "POST") => component::create(self, call, caller),
            (["components", slug], "GET") => component::get(self, slug, caller),
            (["components", slug], "PUT") => component::update(self, slug, call, caller),
            (["components", slug], "DELETE") => component::delete(self, slug, caller),

            (["releases"], "GET") => release::list(self, call, caller),
            (["releases"], "POST") => release::create(self, call, caller),
            (["releases", slug], "GET") => release::get(self, slug, caller),
            (["releases", slug], "DELETE") => release::delete(self, slug, caller),
            _ => return None,
        })
    }

    fn fields(&self, call: &Call, segments: &[&str], method: &str, caller: &Caller) -> Option<Outcome> {
        Some(match (segments, method) {
            (["metadata-fields"], "GET") => metadata_field::list(self, call, caller),
            (["metadata-fields"], "POST") => metadata_field::create(self, call, caller),
            (["metadata-fields", "reorder"], "POST") => metadata_field::reorder(self, call, caller),
            (["metadata-fields", id], "PATCH") => metadata_field::update(self, id, call, caller),
            (["metadata-fields", id, "archive"], "POST") => metadata_field::archive(self, id, caller),
            (["metadata-fields", id, "unarchive"], "POST") => metadata_field::unarchive(self, id, caller),
            (["metadata-fields", id, "dry-run"], "POST") => metadata_field::dry_run(self, id, call, caller),
            _ => return None,
        })
    }

    fn seed(&self, call: &Call, segments: &[&str], writes: bool) -> Outcome {
        let caller = Caller::anybody("John Doe");
        match (segments, call.method.as_str()) {
            (["instances"], "GET") => instance::list(self, call, &caller),
            (["instances"], "POST") => instance::create(self, call, &caller),
            (["instances", slug], "GET") if writes => instance::get(self, slug, &caller),
            (["instances", slug], "PUT") if writes => instance::update(self, slug, call, &caller),
            (["instances", slug], "DELETE") if writes => instance::delete(self, slug, &caller),
            (["instances"], _) => Err(wrong_method()),
            (["instances", _], _) if writes => Err(wrong_method()),
            _ => Err(unknown_route()),
        }
    }

    fn respond(&self, outcome: Outcome, path: &str) -> Response {
        let (status, content_type, body) = self.render(outcome, path);
        let bytes = body.as_ref().map(Value::to_string).unwrap_or_default();
        let mut response = Response::new(HttpBody::from(bytes));
        *response.status_mut() = StatusCode::from_u16(status).expect("our own statuses");
        let headers = response.headers_mut();
        if body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        if self.options.dialect == Dialect::Core {
            let trace = format!("{:032x}", self.traces.fetch_add(1, Ordering::Relaxed) + 1);
            headers.insert(TRACE, HeaderValue::from_str(&trace).expect("digits"));
        }
        response
    }

    /// Status, content type and body of an outcome.
    pub(super) fn render(&self, outcome: Outcome, path: &str) -> (u16, &'static str, Option<Value>) {
        match outcome {
            Ok(Answer::Found(value)) => (200, "application/json", Some(value)),
            Ok(Answer::Created(value)) => (201, "application/json", Some(value)),
            Ok(Answer::Accepted) => (201, "", None),
            Ok(Answer::Done) => (204, "", None),
            Err(problem) => {
                let document = match self.options.dialect {
                    Dialect::Core => problem.document(path, || self.options.ids.uuid()),
                    Dialect::Seed { .. } => problem.seed_document(path),
                };
                (problem.status, "application/problem+json", Some(document))
            }
        }
    }
}

fn unknown_route() -> Problem {
    Problem::generic(404, "the requested resource was not found")
}

fn wrong_method() -> Problem {
    Problem::generic(405, "method not allowed")
}
