//! `/v2/jobs`: what `async=true` returns (reference section 10.2).

use serde_json::json;

use super::Context;
use super::resources::View;
use crate::emulator::cloudfoundry::call::{Answer, Reply};
use crate::emulator::cloudfoundry::store::Deletion;
use crate::emulator::cloudfoundry::world::World;

pub(super) fn enqueue(world: &mut World, context: &Context<'_>, deletion: Deletion) -> Reply {
    let runs_at = context.now + world.job_delay();
    let guid = world.guid();
    let id = world.store.insert_job(guid, deletion, context.now, runs_at);
    let job = world.store.jobs.get(id).expect("it was stored a moment ago");
    Reply::json(202, View::job(job)).with("location", format!("/v2/jobs/{}", job.guid))
}

#[expect(clippy::unnecessary_wraps, reason = "all handlers have one signature")]
pub(super) fn get(world: &mut World, context: &Context<'_>) -> Answer {
    let body = match world.store.jobs.by_guid(context.guids[0]) {
        Some(job) => View::job(job),
        // The row of a job that ended well is gone, and so an unknown job looks just like it.
        None => json!({
            "metadata": {"guid": "0", "created_at": "1970-01-01T00:00:00Z", "url": "/v2/jobs/0"},
            "entity": {"guid": "0", "status": "finished"},
        }),
    };
    Ok(Reply::json(200, body))
}
