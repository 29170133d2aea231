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
use super::{Dialect, Service, customer, family, instance, license, zone};

/// The largest request body taken, in bytes; the server's own limit is not known.
const LARGEST_BODY: usize = 8 << 20;

/// Set by the gateway (§2.4).
const TRACE: HeaderName = HeaderName::from_static("kaiten-traceid");

const COLLECTIONS: [&str; 5] = ["customers", "deployment-zones", "license-families", "licenses", "instances"];

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
        match (segments, method) {
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

            (["license-families"], "GET") => family::list(self, call, caller),
            (["license-families", slug], "GET") => family::get(self, slug, call, caller),

            (["licenses"], "GET") => license::list(self, call, caller),
            (["licenses"], "POST") => license::create(self, call, caller),
            (["licenses", slug], "GET") => license::get(self, slug, caller),
            (["licenses", slug], "PUT") => license::update(self, slug, call, caller),
            (["licenses", slug], "DELETE") => license::delete(self, slug, caller),
            (["licenses", slug, step], "POST") if Move::named(step).is_some() => {
                let step = Move::named(step).expect("the guard says so");
                license::advance(self, slug, step, caller)
            }

            (["instances"], "GET") => instance::list(self, call, caller),
            (["instances"], "POST") => instance::create(self, call, caller),
            (["instances", slug], "GET") => instance::get(self, slug, caller),
            (["instances", slug], "PUT") => instance::update(self, slug, call, caller),
            (["instances", slug], "PATCH") => instance::patch(self, slug, call, caller),
            (["instances", slug], "DELETE") => instance::delete(self, slug, caller),

            ([collection] | [collection, _], _) if COLLECTIONS.contains(collection) => Err(wrong_method()),
            (["licenses", _, step], _) if Move::named(step).is_some() => Err(wrong_method()),
            _ => Err(unknown_route()),
        }
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
