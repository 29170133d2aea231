//! The remote of tests itself: what it holds, what can be done to it, and its moods.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{PARTS, THINGS, error, object};
use crate::kind::{
    Abilities, Check, Failure, Kind, Modification, Proposal, Provider, Readable, Reader, RemoteError, Requests, Scope,
    Session, Sole, Tied, Wanted, Writer,
};
use crate::model::{Code, Collection, Compare, Condition, Diagnostic, Facts, Observed, Operation, Section, To, Value};
use crate::settings::Endpoint;

/// What the remote does with the next write to something: `a` is the create of `a`, `update a` and `delete a` the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weather {
    Refused,
    /// Done, but the answer is lost.
    LostAfter,
    /// Done but for the name, which takes another request; the answer is lost.
    LostHalfway,
    /// Not done, and no answer.
    LostBefore,
    /// Not done, and a 500.
    ServerError,
    /// Not done yet, and a 504.
    ProxyGivesUp,
    /// Created, worked on, and deleted by somebody else.
    Vanishes,
    /// Taken; this many looks pass until it is done.
    Slow(u32),
    /// Taken, with the answer lost; this many looks pass until it is done.
    SlowAndLost(u32),
    /// Taken; the second look says it failed.
    FailsLater,
    /// Taken and failed.
    Fails,
    /// Done, with another name.
    StoredOtherwise,
    /// No answer for ever.
    Hangs,
    Panics,
}

/// A remote with its objects and its moods.
#[derive(Default)]
pub(crate) struct World {
    /// Things, by slug.
    pub(crate) objects: Mutex<BTreeMap<String, Observed>>,
    /// Parts, by `thing/name`.
    pub(crate) parts: Mutex<BTreeMap<String, Observed>>,
    pub(crate) weather: Mutex<HashMap<String, Weather>>,
    pub(crate) log: Mutex<Vec<String>>,
    /// How many looks pass until an operation on an object has ended, and whether it fails then.
    busy: Mutex<HashMap<String, (u32, bool)>>,
    pub(crate) failing_polls: AtomicUsize,
    pub(crate) warning: Mutex<Option<String>>,
    /// In milliseconds.
    pub(crate) a_poll_takes: AtomicU64,
    /// How long writes take that do not take 10 ms, by what they are to.
    pub(crate) takes: Mutex<HashMap<String, Duration>>,
    /// Whether a write is done before the time that it takes.
    pub(crate) answers_late: AtomicBool,
    /// Whether the `input` of things is not told.
    pub(crate) silent: AtomicBool,
    /// What can be done to what exists.
    pub(crate) abilities: Mutex<Abilities>,
    /// How many objects of each name are gone.
    gone: Mutex<HashMap<String, usize>>,
    now: AtomicUsize,
    pub(crate) most_at_once: AtomicUsize,
}

/// Every ability at once has a name, so that facts can tell it.
const ABLE: [(&str, Abilities); 4] = [
    ("v1", Abilities { update: false, delete: false, create_over_failed: false }),
    ("updates", Abilities { update: true, delete: false, create_over_failed: false }),
    ("deletes", Abilities { update: true, delete: true, create_over_failed: false }),
    ("overwrites", Abilities { update: true, delete: true, create_over_failed: true }),
];

impl World {
    /// One in which everything can be done.
    pub(crate) fn able() -> Self {
        let world = Self::default();
        *world.abilities.lock().unwrap() = ABLE[2].1;
        world
    }

    fn shelf(&self, section: &Section) -> &Mutex<BTreeMap<String, Observed>> {
        if section.name == THINGS.name { &self.objects } else { &self.parts }
    }

    /// As the remote tells it.
    fn told(&self, mut object: Observed) -> Observed {
        if self.silent.load(Ordering::SeqCst) {
            object.fields =
                object.fields.iter().filter(|(name, _)| *name != "input").map(|(n, v)| (n, v.clone())).collect();
        }
        object
    }

    /// A write: its place in the log, its time, its weather, and what it does unless that prevents it.
    async fn write<T>(
        &self,
        line: String,
        to: &str,
        effect: impl FnOnce(&Self, Option<Weather>) -> Result<T, RemoteError>,
    ) -> Result<T, RemoteError> {
        self.log.lock().unwrap().push(line);
        let at_once = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(at_once, Ordering::SeqCst);
        let takes = self.takes.lock().unwrap().get(to).copied().unwrap_or(Duration::from_millis(10));
        let late = self.answers_late.load(Ordering::SeqCst);
        if !late {
            tokio::time::sleep(takes).await;
        }
        let weather = self.weather.lock().unwrap().remove(to);
        let answer = match weather {
            Some(Weather::Refused) => Err(error(Failure::Refused, Some(422), false)),
            Some(Weather::LostBefore) => Err(error(Failure::Unreachable, None, true)),
            Some(Weather::ServerError) => Err(error(Failure::Server, Some(500), true)),
            Some(Weather::ProxyGivesUp) => Err(error(Failure::Server, Some(504), true)),
            Some(Weather::Hangs) => std::future::pending().await,
            Some(Weather::Panics) => panic!("as asked for"),
            _ => effect(self, weather),
        };
        if late {
            tokio::time::sleep(takes).await;
        }
        self.now.fetch_sub(1, Ordering::SeqCst);
        match weather {
            Some(Weather::LostAfter | Weather::LostHalfway | Weather::SlowAndLost(_)) => {
                Err(error(Failure::Unreachable, None, true))
            }
            _ => answer,
        }
    }

    /// The condition that the weather puts an object into.
    fn condition(&self, weather: Option<Weather>, operation: Operation, id: &str) -> Condition {
        let (looks, fails) = match weather {
            Some(Weather::Slow(looks) | Weather::SlowAndLost(looks)) => (looks, false),
            Some(Weather::FailsLater) => (1, true),
            Some(Weather::Fails) => return failed(operation),
            Some(Weather::Vanishes) => (0, false),
            _ => return Condition::Ready,
        };
        self.busy.lock().unwrap().insert(id.to_owned(), (looks, fails));
        Condition::InProgress { operation, description: None }
    }

    fn rename_parts_of(&self, before: &Arc<str>, after: &Arc<str>) {
        let mut parts = self.parts.lock().unwrap();
        for (key, mut part) in std::mem::take(&mut *parts) {
            let inside = part.identity.parts[0].1 == *before;
            if inside {
                part.identity.parts[0].1 = Arc::clone(after);
            }
            parts.insert(if inside { part.identity.to_string() } else { key }, part);
        }
    }

    fn remove(&self, section: &Section, key: &str) {
        let Some(object) = self.shelf(section).lock().unwrap().remove(key) else { return };
        *self.gone.lock().unwrap().entry(key.to_owned()).or_default() += 1;
        if section.name == THINGS.name {
            let inside = |part: &Observed| part.identity.parts[0].1 == object.identity.parts[0].1;
            let parts: Vec<String> = self
                .parts
                .lock()
                .unwrap()
                .iter()
                .filter(|(_, part)| inside(part))
                .map(|(key, _)| key.clone())
                .collect();
            for key in parts {
                self.remove(&PARTS, &key);
            }
        }
    }
}

fn failed(operation: Operation) -> Condition {
    Condition::Failed { operation, description: Some("no more room".into()) }
}

#[derive(Clone)]
pub(crate) struct TestSession(pub(crate) Arc<World>);

impl Session for TestSession {
    fn facts(&self) -> Facts {
        let abilities = *self.0.abilities.lock().unwrap();
        let (api, _) = ABLE.iter().find(|(_, able)| *able == abilities).expect("every ability has a name");
        Facts { provider: "test", url: "https://test.example".into(), api, read_only: None }
    }

    fn requests(&self) -> Requests {
        Requests::default()
    }

    fn warnings(&self) -> Vec<String> {
        self.0.warning.lock().unwrap().iter().cloned().collect()
    }
}

fn abilities(facts: &Facts) -> Abilities {
    ABLE.iter().find(|(api, _)| *api == facts.api).map(|(_, able)| *able).unwrap_or_default()
}

pub(crate) struct TestProvider;

impl Provider for TestProvider {
    const NAME: &'static str = "test";
    type Session = TestSession;

    async fn connect_with(_: &Endpoint, _: crate::http::Client) -> Result<TestSession, RemoteError> {
        Ok(TestSession(Arc::default()))
    }
}

async fn create(section: &Section, proposal: Proposal<'_>, world: &World) -> Result<Observed, RemoteError> {
    let key = proposal.identity.to_string();
    let taken = |world: &World, weather: Option<Weather>| {
        let shelf = world.shelf(section);
        let there = shelf.lock().unwrap().get(&key).cloned();
        if let Some(there) = there {
            let left = matches!(there.condition, Condition::Failed { operation: Operation::Create, .. });
            if !left || !world.abilities.lock().unwrap().create_over_failed {
                return Err(error(Failure::Conflict, Some(409), false));
            }
            world.remove(section, &key);
        }
        let mut object = object(&key, proposal.fields.clone());
        object.identity = proposal.identity.clone();
        if let Some(gone) = world.gone.lock().unwrap().get(&key) {
            object.id = format!("id-{key}-{}", gone + 1).into();
        }
        if matches!(weather, Some(Weather::StoredOtherwise | Weather::LostHalfway)) {
            object.fields.set("name", Value::text("otherwise"));
        }
        object.condition = world.condition(weather, Operation::Create, &object.id);
        if weather != Some(Weather::Vanishes) {
            shelf.lock().unwrap().insert(key.clone(), object.clone());
        }
        Ok(world.told(object))
    };
    world.write(format!("create {key}"), &key, taken).await
}

async fn update(section: &Section, modification: Modification<'_>, world: &World) -> Result<Observed, RemoteError> {
    let Modification { proposal, observed, changes } = modification;
    let key = observed.identity.to_string();
    let paths: Vec<String> = changes.iter().map(ToString::to_string).collect();
    let taken = |world: &World, weather: Option<Weather>| {
        let mut shelf = world.shelf(section).lock().unwrap();
        let there = shelf.iter().find(|(_, there)| there.id == observed.id).map(|(key, _)| key.clone());
        let Some(mut object) = there.and_then(|key| shelf.remove(&key)) else {
            return Err(error(Failure::NotFound, Some(404), false));
        };
        object.condition = world.condition(weather, Operation::Update, &object.id);
        object.version = object.version.map(|version| format!("{version}+").into());
        if !matches!(weather, Some(Weather::Fails | Weather::FailsLater)) {
            for field in section.fields.iter().filter(|field| modification.changes(field.name)) {
                let Some(value) = proposal.fields.get(field.name) else { continue };
                object.fields.set(field.name, merged(field.compare, object.fields.get(field.name), value));
            }
            if section.renaming().is_some_and(|field| modification.changes(field.name)) {
                if section.name == THINGS.name {
                    world.rename_parts_of(&object.identity.parts[0].1, &proposal.identity.parts[0].1);
                }
                object.identity = proposal.identity.clone();
            }
        }
        if modification.changes("settings") {
            object.attributes.set("color", Value::text("blue"));
        }
        if weather == Some(Weather::StoredOtherwise) {
            object.fields.set("name", Value::text("otherwise"));
        }
        shelf.insert(object.identity.to_string(), object.clone());
        Ok(world.told(object))
    };
    world.write(format!("update {key}: {}", paths.join(", ")), &format!("update {key}"), taken).await
}

fn merged(compare: Compare, before: Option<&Value>, after: &Value) -> Value {
    match (compare, before, after) {
        (Compare::DeclaredKeys, Some(Value::Map(before)), Value::Map(after)) => {
            let mut both = before.clone();
            both.extend(after.iter().map(|(key, value)| (Arc::clone(key), value.clone())));
            Value::Map(both)
        }
        (_, _, after) => after.clone(),
    }
}

async fn delete(section: &Section, observed: &Observed, world: &World) -> Result<Option<Observed>, RemoteError> {
    let key = observed.identity.to_string();
    let taken = |world: &World, weather: Option<Weather>| {
        if section.name == THINGS.name && world.objects.lock().unwrap().values().any(|other| holds(other, observed)) {
            return Err(error(Failure::Conflict, Some(409), false));
        }
        let condition = world.condition(weather, Operation::Delete, &observed.id);
        if condition == Condition::Ready {
            world.remove(section, &key);
            return Ok(None);
        }
        let mut shelf = world.shelf(section).lock().unwrap();
        let Some(object) = shelf.get_mut(&key) else { return Ok(None) };
        object.condition = condition;
        Ok(Some(world.told(object.clone())))
    };
    world.write(format!("delete {key}"), &format!("delete {key}"), taken).await
}

fn look_up(section: &Section, proposal: Proposal<'_>, world: &World) -> Option<Observed> {
    world.log.lock().unwrap().push(format!("look up {}", proposal.identity));
    world.shelf(section).lock().unwrap().get(&proposal.identity.to_string()).cloned().map(|object| world.told(object))
}

async fn poll(section: &Section, pending: &[&Observed], world: &World) -> Result<Vec<Observed>, RemoteError> {
    world.log.lock().unwrap().push("poll".to_owned());
    tokio::time::sleep(Duration::from_millis(world.a_poll_takes.load(Ordering::SeqCst))).await;
    if world.failing_polls.load(Ordering::SeqCst) > 0 {
        world.failing_polls.fetch_sub(1, Ordering::SeqCst);
        return Err(error(Failure::Server, Some(502), false));
    }
    let mut answer = Vec::new();
    for waiting in pending {
        let key = waiting.identity.to_string();
        let found = world.shelf(section).lock().unwrap().get(&key).cloned();
        let Some(mut object) = found.filter(|object| object.id == waiting.id) else { continue };
        let (left, fails) = world.busy.lock().unwrap().get(&*object.id).copied().unwrap_or_default();
        let operation = match &object.condition {
            Condition::InProgress { operation, .. } => Some(*operation),
            _ => None,
        };
        match operation {
            Some(_) if left > 0 => {
                world.busy.lock().unwrap().insert(object.id.to_string(), (left - 1, fails));
            }
            Some(operation) if fails => object.condition = failed(operation),
            Some(Operation::Delete) => {
                world.remove(section, &key);
                continue;
            }
            Some(_) => object.condition = Condition::Ready,
            None => {}
        }
        world.shelf(section).lock().unwrap().insert(key, object.clone());
        answer.push(world.told(object));
    }
    Ok(answer)
}

/// A thing of the kind `holder` does not let go of its peer.
fn holds(other: &Observed, observed: &Observed) -> bool {
    let peer = other.fields.link("peer").and_then(|link| link.id.as_ref());
    other.fields.text("kind") == Some("holder") && peer == Some(&observed.id)
}

pub(super) struct Thing;

impl Readable for Thing {
    type Provider = TestProvider;
    const SECTION: &'static Section = &THINGS;
    const BESIDE: &'static [&'static str] = &["parts"];
    const ALONG: &'static [&'static str] = &["parts"];

    async fn observe(_: &Wanted<'_>, remote: Reader<'_, TestSession>) -> Result<Vec<Observed>, RemoteError> {
        Ok(remote.0.objects.lock().unwrap().values().cloned().map(|object| remote.0.told(object)).collect())
    }
}

impl Kind for Thing {
    /// A thing called `public` is `private` until its parts are there.
    fn held_back(proposal: Proposal<'_>, observed: Option<&Observed>) -> Vec<(&'static str, Value)> {
        let public = |fields: &crate::model::Fields| fields.text("name") == Some("public");
        let opens = public(proposal.fields) && !observed.is_some_and(|observed| public(&observed.fields));
        if opens { vec![("name", Value::text("private"))] } else { Vec::new() }
    }

    fn sole(proposal: Proposal<'_>, _: &Facts) -> Option<Sole> {
        let wants = proposal.fields.text("kind") == Some("only");
        wants.then(|| Sole { field: "kind", value: "only".to_owned(), of: "the world".to_owned(), help: "choose" })
    }

    /// There is room for two of the kind `few`.
    fn check_together(created: &[Check<'_>]) -> Vec<Diagnostic> {
        let few = created.iter().filter(|check| check.proposal.fields.text("kind") == Some("few"));
        let surplus = few.skip(2).take(1);
        let told = surplus.map(|check| Diagnostic::error(Code::Quota, "too many").on(check.proposal.address));
        told.collect()
    }

    fn abilities(facts: &Facts) -> Abilities {
        abilities(facts)
    }

    fn takes_along(observed: &Observed, collections: &BTreeMap<&'static str, Collection>, _: &Facts) -> Vec<Tied> {
        let parts = collections.get("parts").into_iter().flat_map(Collection::iter);
        let inside = parts.filter(|part| part.identity.parts[0].1 == observed.identity.parts[0].1);
        let words = |part: &Observed| format!("the part `{}`", part.identity.parts[1].1);
        inside.map(|part| Tied { words: words(part), id: Arc::clone(&part.id), within: None, stays: false }).collect()
    }

    fn held_by(observed: &Observed, collections: &BTreeMap<&'static str, Collection>, _: &Facts) -> Vec<Tied> {
        let holders = collections["things"].iter().filter(|other| holds(other, observed));
        let words = |other: &Observed| format!("the thing `{}`", other.identity);
        holders
            .map(|other| Tied { words: words(other), id: Arc::clone(&other.id), within: None, stays: false })
            .collect()
    }

    async fn create(proposal: Proposal<'_>, remote: &Writer<'_, TestSession>) -> Result<Observed, RemoteError> {
        create(&THINGS, proposal, &remote.session().0).await
    }

    async fn update(modification: Modification<'_>, remote: &Writer<'_, TestSession>) -> Result<Observed, RemoteError> {
        update(&THINGS, modification, &remote.session().0).await
    }

    async fn delete(
        observed: &Observed,
        _: bool,
        remote: &Writer<'_, TestSession>,
    ) -> Result<Option<Observed>, RemoteError> {
        delete(&THINGS, observed, &remote.session().0).await
    }

    async fn look_up(proposal: Proposal<'_>, remote: Reader<'_, TestSession>) -> Result<Option<Observed>, RemoteError> {
        Ok(look_up(&THINGS, proposal, &remote.0))
    }

    async fn poll(pending: &[&Observed], remote: Reader<'_, TestSession>) -> Result<Vec<Observed>, RemoteError> {
        poll(&THINGS, pending, &remote.0).await
    }
}

pub(super) struct Part;

impl Readable for Part {
    type Provider = TestProvider;
    const SECTION: &'static Section = &PARTS;

    const AFTER: &'static [&'static str] = &["things"];

    /// Those of the things that are meant, as kinds do whose collections are large.
    async fn observe(wanted: &Wanted<'_>, remote: Reader<'_, TestSession>) -> Result<Vec<Observed>, RemoteError> {
        let things: Vec<String> = wanted
            .declared
            .values()
            .filter(|resource| resource.address.section == "things")
            .flat_map(|thing| {
                let was = thing.lifecycle.was.as_ref().map(|was| was.value.to_string());
                [Some(thing.identity.to_string()), was].into_iter().flatten()
            })
            .chain(wanted.references.iter().filter_map(|reference| match &reference.to {
                To::Natural { name, .. } => Some(name.to_string()),
                _ => None,
            }))
            .collect();
        let parts = remote.0.parts.lock().unwrap();
        let is_meant = |part: &&Observed| things.contains(&part.identity.parts[0].1.to_string());
        let meant = parts.values().filter(|part| wanted.scope == Scope::Whole || is_meant(part));
        Ok(meant.cloned().collect())
    }
}

impl Kind for Part {
    fn abilities(facts: &Facts) -> Abilities {
        abilities(facts)
    }

    async fn create(proposal: Proposal<'_>, remote: &Writer<'_, TestSession>) -> Result<Observed, RemoteError> {
        create(&PARTS, proposal, &remote.session().0).await
    }

    async fn update(modification: Modification<'_>, remote: &Writer<'_, TestSession>) -> Result<Observed, RemoteError> {
        update(&PARTS, modification, &remote.session().0).await
    }

    async fn delete(
        observed: &Observed,
        _: bool,
        remote: &Writer<'_, TestSession>,
    ) -> Result<Option<Observed>, RemoteError> {
        delete(&PARTS, observed, &remote.session().0).await
    }

    async fn look_up(proposal: Proposal<'_>, remote: Reader<'_, TestSession>) -> Result<Option<Observed>, RemoteError> {
        Ok(look_up(&PARTS, proposal, &remote.0))
    }

    async fn poll(pending: &[&Observed], remote: Reader<'_, TestSession>) -> Result<Vec<Observed>, RemoteError> {
        poll(&PARTS, pending, &remote.0).await
    }
}
