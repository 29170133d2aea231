//! The part of `/_sandbox/…` that only a foundation has: its broker, its jobs and the apps it does not have, steered over HTTP.
//!
//! | request | does |
//! |---|---|
//! | `GET /_sandbox/broker/orders` | the orders that still stand |
//! | `POST /_sandbox/broker/orders` | gives the [`Order`] of the body |
//! | `DELETE /_sandbox/broker/orders` | takes all orders back |
//! | `POST /_sandbox/broker/release` | ends what is in progress: `{"instance":"db","failure":null}`; both are optional |
//! | `PUT /_sandbox/broker/plans/{guid}` | changes the catalogue: `{"active":false,"maintenance_version":"2.0.0"}` |
//! | `PUT /_sandbox/jobs` | how long jobs are queued from now on: `{"delay_ms":3600000}` |
//! | `POST /_sandbox/jobs` | runs those that are queued: `{"run":1}` says how many those were |
//! | `DELETE /_sandbox/jobs` | forgets the jobs of v3 that have ended |
//! | `POST /_sandbox/bindings` | binds an app: `{"instance":"db","app":"web","in_progress":false}`; 201 with its guid |
//! | `DELETE /_sandbox/bindings` | unbinds all apps |

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use super::{CloudFoundry, Order};

/// The routes, without their prefix.
pub(super) fn router(foundation: CloudFoundry) -> Router {
    Router::new()
        .route("/broker/orders", get(orders).post(give).delete(take_back))
        .route("/broker/release", post(release))
        .route("/broker/plans/{guid}", put(alter_plan))
        .route("/jobs", put(delay_jobs).post(run_jobs).delete(purge_jobs))
        .route("/bindings", post(bind_app).delete(unbind_apps))
        .with_state(foundation)
}

async fn orders(State(foundation): State<CloudFoundry>) -> Json<Vec<Order>> {
    Json(foundation.world().orders.standing())
}

async fn give(State(foundation): State<CloudFoundry>, body: Bytes) -> Response {
    match serde_json::from_slice(&body) {
        Ok(order) => {
            foundation.order(order);
            StatusCode::CREATED.into_response()
        }
        Err(error) => refused(StatusCode::BAD_REQUEST, &format!("not an order: {error}")),
    }
}

async fn take_back(State(foundation): State<CloudFoundry>) -> StatusCode {
    foundation.world().orders.forget();
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Release {
    instance: Option<String>,
    failure: Option<String>,
}

async fn release(State(foundation): State<CloudFoundry>, body: Bytes) -> Response {
    match serde_json::from_slice::<Release>(&body) {
        Ok(Release { instance, failure }) => {
            let released = foundation.release(instance.as_deref(), failure.as_deref());
            Json(json!({ "released": released })).into_response()
        }
        Err(error) => refused(StatusCode::BAD_REQUEST, &format!("not a release: {error}")),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanChange {
    active: Option<bool>,
    maintenance_version: Option<String>,
}

async fn alter_plan(State(foundation): State<CloudFoundry>, Path(guid): Path<String>, body: Bytes) -> Response {
    let change: PlanChange = match serde_json::from_slice(&body) {
        Ok(change) => change,
        Err(error) => return refused(StatusCode::BAD_REQUEST, &format!("not a change of a plan: {error}")),
    };
    let known = foundation.world().store.change_plan(&guid, |plan| {
        plan.active = change.active.unwrap_or(plan.active);
        if change.maintenance_version.is_some() {
            plan.maintenance_version = change.maintenance_version;
        }
    });
    if known { StatusCode::NO_CONTENT.into_response() } else { refused(StatusCode::NOT_FOUND, "no such plan") }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JobDelay {
    delay_ms: u64,
}

async fn delay_jobs(State(foundation): State<CloudFoundry>, body: Bytes) -> Response {
    match serde_json::from_slice::<JobDelay>(&body) {
        Ok(JobDelay { delay_ms }) => {
            foundation.world().job_delay = Some(Duration::from_millis(delay_ms));
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => refused(StatusCode::BAD_REQUEST, &format!("not a delay: {error}")),
    }
}

async fn run_jobs(State(foundation): State<CloudFoundry>) -> Response {
    let mut world = foundation.world();
    let now = world.options.clock.now();
    Json(json!({ "run": world.run_jobs(now) })).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bound {
    instance: String,
    app: String,
    #[serde(default)]
    in_progress: bool,
}

async fn bind_app(State(foundation): State<CloudFoundry>, body: Bytes) -> Response {
    let Bound { instance, app, in_progress } = match serde_json::from_slice(&body) {
        Ok(bound) => bound,
        Err(error) => return refused(StatusCode::BAD_REQUEST, &format!("not a binding: {error}")),
    };
    match foundation.world().bind_app(&instance, &app, in_progress) {
        Ok(guid) => (StatusCode::CREATED, Json(json!({ "guid": guid }))).into_response(),
        Err(why) => refused(StatusCode::NOT_FOUND, &why),
    }
}

async fn unbind_apps(State(foundation): State<CloudFoundry>) -> Response {
    Json(json!({ "unbound": foundation.world().unbind_apps() })).into_response()
}

async fn purge_jobs(State(foundation): State<CloudFoundry>) -> StatusCode {
    foundation.purge_jobs();
    StatusCode::NO_CONTENT
}

fn refused(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({ "error": why }))).into_response()
}
