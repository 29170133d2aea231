//! The part of `/_sandbox/…` that only a foundation has: its broker and its jobs steered over HTTP.
//!
//! | request | does |
//! |---|---|
//! | `GET /_sandbox/broker/orders` | the orders that still stand |
//! | `POST /_sandbox/broker/orders` | gives the [`Order`] of the body |
//! | `DELETE /_sandbox/broker/orders` | takes all orders back |
//! | `POST /_sandbox/broker/release` | ends what is in progress: `{"instance":"db","failure":null}`; both are optional |
//! | `PUT /_sandbox/broker/plans/{guid}` | changes the catalogue: `{"active":false,"maintenance_version":"2.0.0"}` |
//! | `DELETE /_sandbox/jobs` | forgets the jobs of v3 that have ended |

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
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
        .route("/jobs", delete(purge_jobs))
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

async fn purge_jobs(State(foundation): State<CloudFoundry>) -> StatusCode {
    foundation.purge_jobs();
    StatusCode::NO_CONTENT
}

fn refused(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({ "error": why }))).into_response()
}
