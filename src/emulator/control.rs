//! `/_sandbox/…`: the sandbox steered over HTTP, for the real binary and for clients in other languages.
//!
//! | request | does |
//! |---|---|
//! | `GET /_sandbox/health` | `{"status":"ok","remote":"kaiten"}` |
//! | `GET /_sandbox/faults` | the faults in force, with their hits |
//! | `POST /_sandbox/faults` | adds the [`Fault`] of the body; 201 with its id |
//! | `DELETE /_sandbox/faults`, `DELETE /_sandbox/faults/{id}` | removes all, or one |
//! | `GET /_sandbox/latency`, `PUT /_sandbox/latency` | `{"ms":50}` |
//! | `GET /_sandbox/requests?method=POST&path=/api/instances` | what was received; both parameters are optional |
//! | `GET /_sandbox/requests/count` | `{"count":3,"methods":{"GET":2,"POST":1}}` of the same, with the same parameters |
//! | `DELETE /_sandbox/requests` | forgets it |

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::fault::{Effect, Fault};
use super::recorder::Recorded;
use super::weather::Weather;

/// The routes, without their prefix.
pub(super) fn router(remote: &'static str, weather: Arc<Weather>) -> Router {
    Router::new()
        .route("/health", get(async move || Json(json!({ "status": "ok", "remote": remote }))))
        .route("/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/faults/{id}", delete(remove_fault))
        .route("/latency", get(latency).put(set_latency))
        .route("/requests", get(requests).delete(clear_requests))
        .route("/requests/count", get(count_requests))
        .with_state(weather)
}

async fn faults(State(weather): State<Arc<Weather>>) -> Response {
    Json(weather.faults.list()).into_response()
}

async fn add_fault(State(weather): State<Arc<Weather>>, body: Bytes) -> Response {
    let fault: Fault = match serde_json::from_slice(&body) {
        Ok(fault) => fault,
        Err(error) => return refused(&format!("not a fault: {error}")),
    };
    if let Effect::Reply(reply) = &fault.effect
        && !(200..=599).contains(&reply.status)
    {
        return refused("a reply's status is 200 to 599");
    }
    (StatusCode::CREATED, Json(json!({ "id": weather.faults.add(fault) }))).into_response()
}

async fn clear_faults(State(weather): State<Arc<Weather>>) -> StatusCode {
    weather.faults.clear();
    StatusCode::NO_CONTENT
}

async fn remove_fault(State(weather): State<Arc<Weather>>, Path(id): Path<u64>) -> StatusCode {
    if weather.faults.remove(id) { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Latency {
    ms: u64,
}

async fn latency(State(weather): State<Arc<Weather>>) -> Json<Latency> {
    Json(Latency { ms: weather.latency.load(Ordering::Relaxed) })
}

async fn set_latency(State(weather): State<Arc<Weather>>, body: Bytes) -> Response {
    match serde_json::from_slice::<Latency>(&body) {
        Ok(latency) => {
            weather.latency.store(latency.ms, Ordering::Relaxed);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => refused(&format!("not a latency: {error}")),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    method: Option<String>,
    path: Option<String>,
}

async fn requests(State(weather): State<Arc<Weather>>, Query(wanted): Query<Wanted>) -> Response {
    let method = wanted.method.as_deref().unwrap_or("*");
    let found = weather.recorder.matching(method, wanted.path.as_deref().unwrap_or("/"));
    let shown: Vec<_> = found.iter().map(Recorded::to_json).collect();
    Json(shown).into_response()
}

async fn count_requests(State(weather): State<Arc<Weather>>, Query(wanted): Query<Wanted>) -> Response {
    let method = wanted.method.as_deref().unwrap_or("*");
    let methods = weather.recorder.count_matching(method, wanted.path.as_deref().unwrap_or("/"));
    Json(json!({ "count": methods.values().sum::<u64>(), "methods": methods })).into_response()
}

async fn clear_requests(State(weather): State<Arc<Weather>>) -> StatusCode {
    weather.recorder.clear();
    StatusCode::NO_CONTENT
}

fn refused(why: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": why }))).into_response()
}
