//! `/v3/service_credential_bindings`: keys, and what apps are bound with (reference section 14). There are no apps in the
//! sandbox, so they are bound through its control routes.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::listing::{Included, Page, sift};
use super::query::{Parameters, Query};
use super::{Context, instances, jobs, not_found, unprocessable};
use crate::emulator::cloudfoundry::access::Caller;
use crate::emulator::cloudfoundry::call::{Answer, Reply};
use crate::emulator::cloudfoundry::errors::{Error, Failure};
use crate::emulator::cloudfoundry::metadata::Metadata;
use crate::emulator::cloudfoundry::store::{
    Binding, Instance, LastOperation, OperationKind, OperationState, Plan, Store, Subject, Work,
};
use crate::emulator::cloudfoundry::world::World;

const INCLUDE: &[&str] = &["app", "service_instance"];
const LIST: Parameters = Parameters {
    lists: &[
        "names",
        "service_instance_guids",
        "service_instance_names",
        OF_PLANS[0],
        OF_PLANS[1],
        OF_PLANS[2],
        OF_PLANS[3],
        "app_guids",
        "app_names",
    ],
    words: &[("type", &["app", "key"], "Type must be one of 'app', 'key'")],
    include: INCLUDE,
    ..Parameters::NAMED
};
const ONE: Parameters = Parameters { include: INCLUDE, ..Parameters::ONE };

fn instance_of<'a>(store: &'a Store, key: &Binding) -> &'a Instance {
    store.instances.by_guid(&key.instance_guid).expect("a binding goes with its instance")
}

fn plan_of<'a>(store: &'a Store, instance: &Instance) -> Option<&'a Plan> {
    store.plans.by_guid(&instance.managed()?.plan_guid)
}

/// Unlike in v2, whoever reads the space knows of its keys, and only the credentials are kept from most.
fn is_visible(store: &Store, caller: &Caller, key: &Binding) -> bool {
    caller.reads_space(&instance_of(store, key).space_guid)
}

pub(super) fn list(world: &mut World, context: &Context<'_>) -> Answer {
    let query = context.query(&LIST)?;
    let (store, caller) = (&world.store, &context.caller);
    let candidates = match query.list("service_instance_guids") {
        Some(guids) => {
            let mut ids: Vec<_> = guids.iter().flat_map(|guid| store.index.bindings_of(guid)).copied().collect();
            ids.sort_unstable();
            ids.dedup();
            ids
        }
        None => store.bindings.ids().to_vec(),
    };
    let rows = sift(&query, candidates.iter().filter_map(|&id| store.bindings.get(id)), |binding| {
        let instance = instance_of(store, binding);
        query.word("type").is_none_or(|kind| (kind == "key") == binding.is_key())
            && query.admits("names", &binding.name)
            && query.admits("service_instance_names", &instance.name)
            && is_of_app_asked(&query, binding)
            && is_of_plan_asked(store, &query, plan_of(store, instance))
            && is_visible(store, caller, binding)
    });
    let page = Page::of(context, &query, &rows);
    let view = context.view(world);
    Ok(page.reply(|binding| view.binding(binding), included(world, context, &query, &page.rows)))
}

/// Keys are of no app.
fn is_of_app_asked(query: &Query, binding: &Binding) -> bool {
    match &binding.app {
        Some(app) => query.admits("app_guids", &app.guid) && query.admits("app_names", &app.name),
        None => query.list("app_guids").is_none() && query.list("app_names").is_none(),
    }
}

const OF_PLANS: [&str; 4] =
    ["service_plan_guids", "service_plan_names", "service_offering_guids", "service_offering_names"];

/// User-provided instances are of no plan.
fn is_of_plan_asked(store: &Store, query: &Query, plan: Option<&Plan>) -> bool {
    let Some(plan) = plan else { return OF_PLANS.iter().all(|filter| query.list(filter).is_none()) };
    let offering = store.offering_of(plan);
    query.admits("service_plan_guids", &plan.guid)
        && query.admits("service_plan_names", &plan.name)
        && query.admits("service_offering_guids", &offering.guid)
        && query.admits("service_offering_names", &offering.name)
}

fn included(world: &World, context: &Context<'_>, query: &Query, keys: &[&Binding]) -> Option<Included> {
    let (store, view) = (&world.store, context.view(world));
    let mut included = Included::default();
    if query.includes("app") {
        let mut seen = HashSet::new();
        let bound =
            keys.iter().copied().filter(|binding| binding.app.as_ref().is_some_and(|app| seen.insert(&app.guid)));
        included.add("apps", bound, None, |binding| binding.app.as_ref().map_or(Value::Null, |app| view.app(app)));
    }
    if query.includes("service_instance") {
        let instances = keys.iter().map(|key| instance_of(store, key));
        included.add("service_instances", instances, None, |row| view.instance(row));
    }
    (!included.is_empty()).then_some(included)
}

fn visible<'a>(store: &'a Store, context: &Context<'_>) -> Result<&'a Binding, Failure> {
    let key = store.bindings.by_guid(context.guids[0]);
    key.filter(|key| is_visible(store, &context.caller, key)).ok_or_else(|| not_found("Service credential binding"))
}

pub(super) fn get(world: &mut World, context: &Context<'_>) -> Answer {
    let query = context.query(&ONE)?;
    let key = visible(&world.store, context)?;
    let mut body = context.view(world).binding(key);
    if let Some(included) = included(world, context, &query, &[key]) {
        included.put_into(&mut body);
    }
    Ok(Reply::json(200, body))
}

/// The credentials: to some they are not there at all, and to nobody before the broker has made them.
pub(super) fn details(world: &mut World, context: &Context<'_>) -> Answer {
    let store = &world.store;
    let key = visible(store, context)?;
    if !context.caller.sees_secrets_in(&instance_of(store, key).space_guid) {
        return Err(not_found("Service credential binding"));
    }
    if let Some(LastOperation { kind, state, .. }) = &key.operation {
        let deed = if *kind == OperationKind::Delete { "Deletion" } else { "Creation" };
        let outcome = match state {
            OperationState::Initial | OperationState::InProgress => "in progress",
            OperationState::Failed => "failed",
            OperationState::Succeeded => return Ok(Reply::json(200, json!({"credentials": key.credentials}))),
        };
        let what = if key.is_key() { "service key" } else { "credential binding" };
        return Err(Error::ResourceNotFound.with(&[&format!("{deed} of {what} {outcome}")]));
    }
    Ok(Reply::json(200, json!({"credentials": key.credentials})))
}

/// No broker of the sandbox lets its bindings be read.
pub(super) fn parameters(world: &mut World, context: &Context<'_>) -> Answer {
    visible(&world.store, context)?;
    Err(Error::ServiceFetchBindingParametersNotSupported.into())
}

pub(super) fn create(world: &mut World, context: &Context<'_>) -> Answer {
    let mut message = context.message(&["type", "name", "relationships", "parameters", "metadata"]);
    let kind = message.field("type").and_then(Value::as_str);
    let is_app = kind == Some("app");
    let (instance, app) = if is_app {
        let [instance, app] = message.relationships(["service_instance", "app"]);
        (instance, app)
    } else {
        let [instance] = message.relationships(["service_instance"]);
        (instance, None)
    };
    if !matches!(kind, Some("key" | "app")) {
        message.fault("Type must be one of 'key', 'app'".to_owned());
    }
    let name = if is_app { "" } else { message.instance_name() };
    message.object("parameters");
    let change = message.metadata();
    message.finish()?;

    let (store, caller) = (&world.store, &context.caller);
    let guid = instance.unwrap_or_default();
    let instance = store.instances.by_guid(guid).filter(|row| instances::is_readable(caller, row));
    let instance =
        instance.ok_or_else(|| unprocessable(&format!("The service instance could not be found: '{guid}'")))?;
    if instance.managed().is_none() && context.body.get("parameters").is_some() {
        return Err(unprocessable("Binding parameters are not supported for user-provided service instances"));
    }
    if is_app {
        return Err(unprocessable(&format!("The app could not be found: '{}'", app.unwrap_or_default())));
    }
    instances::needs_developer(store, caller, &instance.space_guid)?;
    refuse_unbindable(store, instance)?;
    let mut held = store.index.bindings_of(guid).iter().filter_map(|&id| store.bindings.get(id));
    let holder = held.find(|binding| binding.is_key() && binding.name == name);
    let is_failed = |key: &&Binding| key.is(OperationKind::Create, OperationState::Failed);
    if holder.is_some_and(|key| !is_failed(&key)) {
        return Err(unprocessable(&format!(
            "The binding name is invalid. Key binding names must be unique. \
             The service instance already has a key binding with name '{name}'."
        )));
    }
    let metadata = change.applied_to(&Metadata::default())?;
    let (instance_guid, name) = (guid.to_owned(), name.to_owned());
    if let Some(failed) = holder.map(|key| key.id) {
        world.store.remove_binding(failed);
    }
    let guid = world.guid();
    world.store.insert_binding(|id| Binding {
        id,
        guid: guid.clone(),
        name,
        instance_guid,
        app: None,
        credentials: Map::new(),
        created_at: context.now,
        metadata,
        operation: Some(LastOperation::new(OperationKind::Create, OperationState::Initial, "", context.now)),
        pending: None,
        job: None,
    });
    let work = Work::Bind { binding: guid.clone() };
    Ok(jobs::enqueue(world, context, "service_keys.create", subject(&guid), work))
}

/// Refuses a key of an instance that can have none, at all or just now.
fn refuse_unbindable(store: &Store, instance: &Instance) -> Result<(), Failure> {
    let Some(plan) = plan_of(store, instance) else {
        return Err(unprocessable(
            "Service credential bindings of type 'key' are not supported for user-provided service instances.",
        ));
    };
    let refusal = if !store.offering_of(plan).bindable {
        "Service plan does not allow bindings."
    } else if !plan.active {
        "Service plan is not available."
    } else if instance.busy().is_some() {
        "There is an operation in progress for the service instance"
    } else if instance.is(OperationKind::Create, OperationState::Failed) {
        "Service instance not found"
    } else {
        return Ok(());
    };
    Err(unprocessable(refusal))
}

fn subject(guid: &str) -> Subject {
    Subject {
        link: "service_credential_binding".to_owned(),
        collection: "service_credential_bindings".to_owned(),
        guid: guid.to_owned(),
    }
}

fn writable<'a>(store: &'a Store, context: &Context<'_>) -> Result<&'a Binding, Failure> {
    let key = visible(store, context)?;
    instances::needs_developer(store, &context.caller, &instance_of(store, key).space_guid)?;
    Ok(key)
}

/// Labels and annotations are all that can be changed.
pub(super) fn update(world: &mut World, context: &Context<'_>) -> Answer {
    let key = writable(&world.store, context)?;
    if key.is(OperationKind::Delete, OperationState::InProgress) {
        return Err(unprocessable("The service binding is being deleted"));
    }
    let mut message = context.message(&["metadata"]);
    let change = message.metadata();
    message.finish()?;
    let (id, metadata) = (key.id, change.applied_to(&key.metadata)?);
    world.store.change_binding(id, |key| key.metadata = metadata);
    let key = world.store.bindings.get(id).expect("it was stored a moment ago");
    Ok(Reply::json(200, context.view(world).binding(key)))
}

pub(super) fn delete(world: &mut World, context: &Context<'_>) -> Answer {
    let store = &world.store;
    let binding = writable(store, context)?;
    // As with instances, what the broker is making can be given up, and what has not begun cannot.
    if binding.busy().is_some() && !binding.is(OperationKind::Create, OperationState::InProgress) {
        return Err(unprocessable("There is an operation in progress for the service binding."));
    }
    let instance = instance_of(store, binding);
    if instance.busy().is_some() {
        return Err(unprocessable("There is an operation in progress for the service instance."));
    }
    let (id, guid) = (binding.id, binding.guid.clone());
    // No broker has to be asked.
    if instance.managed().is_none() {
        world.store.remove_binding(id);
        return Ok(Reply::empty(204));
    }
    let operation = if binding.is_key() { "service_keys.delete" } else { "service_bindings.delete" };
    let work = Work::Unbind { binding: guid.clone() };
    Ok(jobs::enqueue(world, context, operation, subject(&guid), work))
}
