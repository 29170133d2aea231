use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::{OnceCell, SetOnce};

use super::*;
use crate::kind::{Failure, Provider, Readable, Reader, Requests};
use crate::model::{Facts, Fields, KeyPart, KeySource, Observed, Section, Shape};
use crate::settings::Endpoint;
use crate::testing::{Declared, PARTS, THINGS, error, object, part_of};

/// A remote that answers for its things only when it has been asked for its parts too.
#[derive(Default)]
struct Stage {
    parts_asked: SetOnce<()>,
    /// The lists that are refused.
    refusing: BTreeSet<&'static str>,
    asked: Mutex<Vec<&'static str>>,
}

impl Stage {
    fn ask(&self, list: &'static str) -> Result<(), RemoteError> {
        self.asked.lock().unwrap().push(list);
        if !self.refusing.contains(list) {
            return Ok(());
        }
        let mut refused = error(Failure::Forbidden, Some(403), false);
        refused.problem.path = format!("/{list}");
        Err(refused)
    }

    /// The list that parts and spares share.
    async fn ask_for_both(&self, wanted: &Wanted<'_>) -> Result<(), RemoteError> {
        #[derive(Default)]
        struct Both(OnceCell<Result<(), RemoteError>>);
        wanted.observed.shared::<Both>().0.get_or_init(async || self.ask("both")).await.clone()
    }
}

impl Session for Stage {
    fn facts(&self) -> Facts {
        Facts { provider: "test", url: "https://test.example".into(), api: "v1", read_only: None }
    }

    fn requests(&self) -> Requests {
        Requests::default()
    }
}

struct Staging;

impl Provider for Staging {
    const NAME: &'static str = "test";
    type Session = Stage;

    async fn connect_with(_: &Endpoint, _: crate::http::Client) -> Result<Stage, RemoteError> {
        Ok(Stage::default())
    }
}

struct Things;

impl Readable for Things {
    type Provider = Staging;
    const SECTION: &'static Section = &THINGS;
    const BESIDE: &'static [&'static str] = &["parts", "spares"];

    async fn observe(_: &Wanted<'_>, remote: Reader<'_, Stage>) -> Result<Vec<Observed>, RemoteError> {
        remote.parts_asked.wait().await;
        remote.ask("things")?;
        Ok(vec![object("a", Fields::default())])
    }
}

struct Parts;

impl Readable for Parts {
    type Provider = Staging;
    const SECTION: &'static Section = &PARTS;
    const AFTER: &'static [&'static str] = &["things"];

    async fn observe(wanted: &Wanted<'_>, remote: Reader<'_, Stage>) -> Result<Vec<Observed>, RemoteError> {
        let _ = remote.parts_asked.set(());
        remote.ask_for_both(wanted).await?;
        let things = wanted.observed.get("things").await?;
        Ok(things.iter().map(|thing| part_of(&thing.identity.to_string(), "wheel", Fields::default())).collect())
    }
}

static SPARES: Section = Section {
    name: "spares",
    singular: "spare",
    provider: "test",
    doc: "A spare part.",
    declarable: false,
    apis: &[],
    key: &[KeyPart { name: "slug", from: KeySource::FieldOrKey, shape: Shape::Any }],
    fold_case: false,
    fields: &[],
    attributes: &[],
    example: "",
};

struct Spares;

impl Readable for Spares {
    type Provider = Staging;
    const SECTION: &'static Section = &SPARES;

    async fn observe(wanted: &Wanted<'_>, remote: Reader<'_, Stage>) -> Result<Vec<Observed>, RemoteError> {
        remote.ask_for_both(wanted).await?;
        Ok(vec![object("spare", Fields::default())])
    }
}

/// What was read, what was told of the rest, and what was asked for, each in order of the alphabet.
async fn staged(refusing: &[&'static str]) -> (Vec<&'static str>, Vec<String>, Vec<&'static str>) {
    let registry = Registry::default().with_readable::<Parts>().with_readable::<Things>().with_readable::<Spares>();
    let stage = Arc::new(Stage { refusing: refusing.iter().copied().collect(), ..Stage::default() });
    let session: Arc<dyn Session> = Arc::clone(&stage) as _;
    let sessions = Sessions::from([("test".into(), session)]);
    let desired = Declared::new().thing("a", &[], &[]).desired;
    let mut problems = Diagnostics::default();
    let observing = observe(&desired, &registry, &sessions, &mut problems);
    // The clock stands still while anything can go on.
    let observed = tokio::time::timeout(Duration::from_secs(1), observing).await;
    let mut snapshot = observed.expect("no kind waits before it has asked for what it can ask for");
    let mut asked = std::mem::take(&mut *stage.asked.lock().unwrap());
    asked.sort_unstable();
    let read = snapshot.collections.remove("test").unwrap_or_default();
    if let Some(parts) = read.get("parts") {
        assert!(parts.named("a/wheel", false).next().is_some(), "parts are joined with their things");
    }
    (read.into_keys().collect(), problems.iter().map(|problem| problem.message.clone()).collect(), asked)
}

fn refusal(of: &str) -> String {
    format!("cannot read the {of} at target `test`: as asked for")
}

#[tokio::test(start_paused = true)]
async fn kinds_are_read_at_the_same_time_and_wait_for_each_other_only_to_be_joined() {
    let (read, told, asked) = staged(&[]).await;
    assert_eq!(read, ["parts", "spares", "things"]);
    assert!(told.is_empty());
    assert_eq!(asked, ["both", "things"], "a list that two kinds share is read once");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_joined_is_told_of_what_it_is_joined_with_and_the_others_are_read_all_the_same() {
    let (read, told, _) = staged(&["things"]).await;
    assert_eq!(read, ["spares"]);
    assert_eq!(told, [refusal("things")]);
}

#[tokio::test(start_paused = true)]
async fn the_failure_of_a_list_that_two_kinds_share_is_told_once() {
    let (read, told, asked) = staged(&["both"]).await;
    assert_eq!(read, ["things"]);
    assert_eq!(told, [refusal("parts")]);
    assert_eq!(asked, ["both", "things"]);
}

#[tokio::test(start_paused = true)]
async fn of_two_failures_the_one_that_comes_before_is_told_whichever_came_first() {
    // Parts fail before things do.
    let (read, told, _) = staged(&["both", "things"]).await;
    assert!(read.is_empty());
    assert_eq!(told, [refusal("spares"), refusal("things")]);
}

#[test]
fn no_kind_waits_for_one_that_waits_for_it() {
    let registry = crate::providers::registry();
    let mut settled: BTreeSet<&str> = BTreeSet::new();
    let mut waiting: Vec<_> = registry.sections().map(|section| section.name).collect();
    while !waiting.is_empty() {
        let before = waiting.len();
        waiting.retain(|section| {
            let after = registry.kind(section).expect("it is registered").after();
            let ready = after.iter().all(|other| settled.contains(other));
            if ready {
                settled.insert(section);
            }
            !ready
        });
        assert!(waiting.len() < before, "these wait for each other, or for what is not there: {waiting:?}");
    }
}

/// The sections that are read, each with whether somebody declared needs it, in order of the alphabet.
fn needed(desired: &Desired, besides: &[&'static str]) -> Vec<(&'static str, bool)> {
    let registry = Registry::default().with_readable::<Parts>().with_readable::<Things>().with_readable::<Spares>();
    let needs = needs(&"test".into(), desired, &registry, besides, false);
    needs.into_iter().map(|(section, need)| (section, need.witness.is_some())).collect()
}

#[test]
fn what_only_checks_look_into_is_read_where_something_is_checked() {
    let none = Desired::default();
    assert_eq!(needed(&none, &["things"]), [("things", false)]);
    assert_eq!(needed(&none, &["parts"]), [("parts", false), ("things", false)], "parts are joined with things");
    let all = [("parts", true), ("spares", true), ("things", true)];
    let declared = Declared::new().thing("a", &[], &[]).desired;
    assert_eq!(needed(&declared, &[]), all);
    assert_eq!(needed(&declared, &["parts", "things"]), all);
}

#[test]
fn what_may_come_to_be_declared_needs_all_that_anything_could() {
    let registry = Registry::default().with_readable::<Parts>().with_readable::<Things>().with_readable::<Spares>();
    let (none, target) = (Desired::default(), "test".into());
    let sections = |all| needs(&target, &none, &registry, &["things"], all).into_keys().collect::<Vec<_>>();
    assert_eq!(sections(false), ["things"]);
    assert_eq!(sections(true), ["parts", "spares", "things"]);
}

#[test]
fn what_can_be_declared_is_listed_wherever_it_is_declared() {
    let registry = crate::providers::registry();
    let at = |provider, api| {
        let facts = Facts { provider, url: "".into(), api, read_only: None };
        listed_at(&facts, &registry)
    };
    assert_eq!(at("kaiten", "seed"), ["instances"]);
    assert!(at("kaiten", "core").contains(&"grants"), "which are declared inside licenses");
    assert!(!at("kaiten", "core").contains(&"license_families"));
    let foundation =
        ["organizations", "spaces", "service_instances", "user_provided_service_instances", "service_keys"];
    assert_eq!(at("cloudfoundry", "v3"), foundation);
}
