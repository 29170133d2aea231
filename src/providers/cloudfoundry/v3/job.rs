//! Jobs: how a change goes that takes its time (reference, section 10.1).

use std::sync::Arc;

use serde::Deserialize;

use super::super::CloudFoundry;
use super::super::api::Job;
use super::super::error::says_gone;
use crate::http::{Response, segment};
use crate::kind::RemoteError;

#[derive(Deserialize)]
struct Body {
    state: String,
    #[serde(default)]
    errors: Vec<Problem>,
}

#[derive(Deserialize)]
struct Problem {
    detail: Option<String>,
}

/// The guid of the job that an answer names. Only that: the host is the foundation's idea of itself, which may differ from
/// where it is reached (section 1.1).
pub fn job_of(answer: &Response) -> Option<Arc<str>> {
    let (_, guid) = answer.header("location")?.rsplit_once("/v3/jobs/")?;
    Some(guid).filter(|guid| !guid.is_empty() && !guid.contains(['/', '?'])).map(Arc::from)
}

/// Asks how a job goes. Those of long ago are forgotten.
pub async fn job(session: &CloudFoundry, guid: &str) -> Result<Job, RemoteError> {
    let Body { state, errors } = match session.get(format!("/v3/jobs/{}", segment(guid))).await {
        Ok(body) => body,
        Err(error) if says_gone(&error) => return Ok(Job::Done),
        Err(error) => return Err(error),
    };
    Ok(match state.as_str() {
        "COMPLETE" => Job::Done,
        "FAILED" => {
            let words: Vec<String> = errors.into_iter().filter_map(|problem| problem.detail).collect();
            Job::Failed((!words.is_empty()).then(|| words.join("; ").into()))
        }
        _ => Job::Running,
    })
}
