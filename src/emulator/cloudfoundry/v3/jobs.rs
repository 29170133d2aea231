//! What takes time in v3: an answer without a body that tells where to ask (reference section 10.1).

use super::Context;
use crate::emulator::cloudfoundry::call::Reply;
use crate::emulator::cloudfoundry::store::{Deletion, JobState, PollableJob, Subject};
use crate::emulator::cloudfoundry::world::World;

/// Queues the deletion of a resource, named in the singular, and everything in it.
pub(super) fn delete(world: &mut World, context: &Context<'_>, kind: &str, guid: &str, deletion: Deletion) -> Reply {
    let runs_at = context.now + world.options.job_delay;
    let subject = Subject { link: kind.to_owned(), collection: format!("{kind}s"), guid: guid.to_owned() };
    let guid = world.guid();
    let id = world.store.insert_pollable_job(|id| PollableJob {
        id,
        guid,
        created_at: context.now,
        updated_at: context.now,
        operation: format!("{kind}.delete"),
        state: JobState::Processing,
        errors: Vec::new(),
        subject,
        work: Some((runs_at, deletion)),
    });
    let job = world.store.pollable_jobs.get(id).expect("it was stored a moment ago");
    Reply::empty(202).with("location", format!("{}/v3/jobs/{}", context.origin, job.guid))
}
