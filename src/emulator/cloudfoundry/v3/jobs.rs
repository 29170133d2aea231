//! What takes time in v3: an answer without a body that tells where to ask (reference section 10.1).

use serde_json::{Value, json};

use super::Context;
use super::not_found;
use super::query::Parameters;
use super::resources::View;
use crate::emulator::cloudfoundry::call::{Answer, Reply};
use crate::emulator::cloudfoundry::store::{Deletion, JobState, PollableJob, Store, Subject, Work, stamp};
use crate::emulator::cloudfoundry::world::World;

/// Queues the deletion of a resource, named in the singular, and everything in it.
pub(super) fn delete(world: &mut World, context: &Context<'_>, kind: &str, guid: &str, deletion: Deletion) -> Reply {
    let subject = Subject { link: kind.to_owned(), collection: format!("{kind}s"), guid: guid.to_owned() };
    enqueue(world, context, &format!("{kind}.delete"), subject, Work::Delete(deletion))
}

/// Queues work, and answers with where the job is.
pub(super) fn enqueue(
    world: &mut World,
    context: &Context<'_>,
    operation: &str,
    subject: Subject,
    work: Work,
) -> Reply {
    let runs_at = context.now + world.job_delay();
    let guid = world.guid();
    let id = world.store.insert_pollable_job(|id| PollableJob {
        id,
        guid,
        created_at: context.now,
        updated_at: context.now,
        operation: operation.to_owned(),
        state: JobState::Processing,
        errors: Vec::new(),
        subject,
        work: Some((runs_at, work)),
    });
    let job = world.store.pollable_jobs.get(id).expect("it was stored a moment ago");
    Reply::empty(202).with("location", format!("{}/v3/jobs/{}", context.origin, job.guid))
}

/// Whoever has a token may ask for any job.
pub(super) fn get(world: &mut World, context: &Context<'_>) -> Answer {
    context.query(&Parameters::ONE)?;
    let row = world.store.pollable_jobs.by_guid(context.guids[0]).ok_or_else(|| not_found("Job"))?;
    // An answer at once carries the warnings in a header; what takes longer, here.
    let warnings: Value = world.options.warnings.iter().map(|warning| json!({"detail": warning})).collect();
    Ok(Reply::json(200, job(context.view(world), row, &warnings)))
}

fn job(view: View<'_>, row: &PollableJob, warnings: &Value) -> Value {
    let mut job = json!({
        "guid": row.guid,
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
        "operation": row.operation,
        "state": row.state,
        "errors": row.errors,
        "warnings": warnings,
        "links": {"self": view.link(&format!("jobs/{}", row.guid))},
    });
    let Subject { link, collection, guid } = &row.subject;
    if is_there(view.store, &row.subject) {
        job["links"][link] = view.link(&format!("{collection}/{guid}"));
    }
    job
}

/// The link to what is gone is gone too.
fn is_there(store: &Store, Subject { collection, guid, .. }: &Subject) -> bool {
    match collection.as_str() {
        "organizations" => store.organizations.by_guid(guid).is_some(),
        "spaces" => store.spaces.by_guid(guid).is_some(),
        "service_instances" => store.instances.by_guid(guid).is_some(),
        "service_credential_bindings" => store.bindings.by_guid(guid).is_some(),
        _ => false,
    }
}
