//! Planning: start with the remote equal to what is declared, change one thing, state the outcome.

mod cause;
mod changes;
mod likely;
mod tombstones;

use std::sync::Arc;

use super::{Plan, Shown, plan};
use crate::model::{
    Code, Condition, Desired, Diagnostics, Identity, OnExists, Operation, Path, Resource, Template, TemplatePart, Value,
};
use crate::testing::{Declared, World, address, expression, map, named, object, observed, refers_to, registry};

fn world(objects: &[(&str, &[(&'static str, Value)])]) -> Arc<World> {
    let world = World::default();
    for (slug, fields) in objects {
        world.objects.lock().unwrap().insert((*slug).to_owned(), object(slug, fields.iter().cloned().collect()));
    }
    Arc::new(world)
}

async fn planned(desired: &Desired, world: &Arc<World>) -> Plan {
    plan(desired, &observed(world, desired).await, &registry(), Diagnostics::default())
}

fn actions(plan: &Plan) -> Vec<String> {
    plan.steps
        .iter()
        .map(|step| format!("{} {}: {}", step.action.as_str(), step.address.key, step.reason.code))
        .collect()
}

fn codes(plan: &Plan) -> Vec<Code> {
    plan.diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
}

#[tokio::test]
async fn what_is_absent_is_created_with_all_its_values() {
    let desired = Declared::new()
        .thing(
            "b",
            &[("name", Value::text("B")), ("peer", refers_to("a")), ("notes", map(&[("id", expression("a", "id"))]))],
            &["a"],
        )
        .thing("a", &[], &[])
        .desired;
    let plan = planned(&desired, &world(&[])).await;
    assert_eq!(actions(&plan), ["create a: absent", "create b: absent"]);
    let changes: Vec<_> =
        plan.steps[1].changes.iter().map(|change| format!("{} {:?}", change.path, change.after)).collect();
    assert_eq!(changes, ["name Json(String(\"B\"))", "peer Json(String(\"a\"))", "notes.id Unknown"]);
}

#[tokio::test]
async fn what_is_created_is_counted_together_and_the_first_that_is_too_many_is_refused() {
    let few = [("kind", Value::text("few"))];
    let of = |keys: &[&str]| keys.iter().fold(Declared::new(), |all, key| all.thing(key, &few, &[])).desired;
    let two = planned(&of(&["a", "b", "c"]), &world(&[("b", &few)])).await;
    assert_eq!(actions(&two), ["create a: absent", "unchanged b: equal", "create c: absent"], "b is there already");
    let three = planned(&of(&["a", "b", "c", "d"]), &world(&[])).await;
    assert_eq!(actions(&three), ["create a: absent", "create b: absent", "blocked c: refused", "create d: absent"]);
    assert_eq!(codes(&three), [Code::Quota]);
    let mut unready = of(&["a", "b", "c", "d"]);
    unready.resources[&address("a")].fields.set("peer", named("nobody", None));
    let three = planned(&unready, &world(&[])).await;
    assert_eq!(actions(&three)[0], "blocked a: unresolved");
    assert_eq!(actions(&three)[3], "blocked d: refused", "what is not created does not count");
}

#[tokio::test]
async fn nothing_differs_and_nothing_is_done() {
    let desired = Declared::new().thing("a", &[("name", Value::text("A"))], &[]).desired;
    let plan = planned(&desired, &world(&[("a", &[("name", Value::text("A"))])])).await;
    assert_eq!(actions(&plan), ["unchanged a: equal"]);
    assert!(!plan.has_changes());
}

#[tokio::test]
async fn a_difference_is_an_update_that_is_only_shown() {
    let desired = Declared::new().thing("a", &[("name", Value::text("A"))], &[]).desired;
    let plan = planned(&desired, &world(&[("a", &[("name", Value::text("edited"))])])).await;
    assert_eq!(actions(&plan), ["update a: drift"]);
    assert!(!plan.steps[0].executable);
}

#[tokio::test]
async fn a_value_of_an_existing_object_is_known_in_the_plan() {
    let desired =
        Declared::new().thing("a", &[], &[]).thing("b", &[("name", expression("a", "color"))], &["a"]).desired;
    let plan = planned(&desired, &world(&[("a", &[]), ("b", &[("name", Value::text("green"))])])).await;
    assert_eq!(actions(&plan), ["unchanged a: equal", "unchanged b: equal"]);
}

#[tokio::test]
async fn what_an_expression_reads_that_is_not_here_makes_no_change_and_is_no_secret_of_its_own() {
    let parts = vec![
        TemplatePart::Literal("<".into()),
        TemplatePart::Field { address: address("a"), path: Path::parse("color").expect("a path") },
    ];
    let within = Value::Template(Box::new(Template { parts, sensitive: false, redacted: false }));
    let declared = Declared::new()
        .thing("a", &[], &[])
        .thing("b", &[("name", expression("a", "color")), ("kind", within)], &["a"])
        .thing("c", &[("name", expression("b", "name"))], &["b"])
        .thing("d", &[("name", expression("a", "color"))], &["a"])
        .desired;
    let text = |text: &str| [("name", Value::text(text)), ("kind", Value::text("<"))];
    let world = world(&[("a", &[]), ("b", &text("x")), ("c", &text("x"))]);
    world.objects.lock().unwrap().get_mut("a").expect("there").attributes.set("color", Value::Redacted);
    let plan = planned(&declared, &world).await;
    let unchanged = ["unchanged a: equal", "unchanged b: equal", "unchanged c: equal"];
    assert_eq!(actions(&plan), [&unchanged[..], &["create d: absent"]].concat());
    let changes = |step: usize| plan.steps[step].changes.iter().map(|change| (&change.before, &change.after));
    assert_eq!(changes(1).collect::<Vec<_>>(), [(&Shown::Redacted, &Shown::Sensitive); 2]);
    assert_eq!(changes(2).collect::<Vec<_>>(), [(&Shown::Redacted, &Shown::Sensitive)]);
    assert_eq!(changes(3).collect::<Vec<_>>(), [(&Shown::Nothing, &Shown::Sensitive)]);
}

#[tokio::test]
async fn ignored_and_unverifiable_differences_change_nothing() {
    let desired = Declared::new()
        .thing("a", &[("name", Value::text("A")), ("input", Value::text("x"))], &[])
        .lifecycle("a", |lifecycle| {
            let path = Path::parse("name").expect("a path");
            let span = Declared::new().thing("x", &[], &[]).desired.resources[0].span;
            lifecycle.ignore = vec![crate::model::Spanned { value: path, span }];
        })
        .desired;
    let plan = planned(&desired, &world(&[("a", &[("name", Value::text("edited"))])])).await;
    assert_eq!(actions(&plan), ["unchanged a: equal"]);
    assert_eq!(plan.steps[0].changes.len(), 1, "what cannot be compared is named");
}

#[tokio::test]
async fn what_only_one_can_have_is_given_to_one() {
    let only = [("kind", Value::text("only"))];
    let desired = Declared::new().thing("a", &only, &[]).thing("b", &only, &[]).thing("c", &[], &[]).desired;
    let plan = planned(&desired, &world(&[("b", &only)])).await;
    assert_eq!(actions(&plan), ["create a: absent", "blocked b: refused", "create c: absent"]);
    assert_eq!(codes(&plan), [Code::InvalidValue]);
    assert_eq!(plan.diagnostics[0].message, "only one of the things of the world can have this `kind`");
    let alone = Declared::new().thing("a", &only, &[]).thing("c", &[], &[]).desired;
    assert_eq!(codes(&planned(&alone, &world(&[])).await), []);
    let ignored = desired_without_watching(desired, "a");
    assert_eq!(codes(&planned(&ignored, &world(&[])).await), []);
}

/// With the field `kind` of a thing ignored.
fn desired_without_watching(mut desired: Desired, key: &str) -> Desired {
    let resource = &mut desired.resources[&address(key)];
    let value = Path::field("kind");
    resource.lifecycle.ignore = vec![crate::model::Spanned { value, span: resource.span }];
    desired
}

#[tokio::test]
async fn adopt_if_equal_blocks_on_a_difference() {
    let desired = Declared::new()
        .thing("a", &[("name", Value::text("A"))], &[])
        .lifecycle("a", |lifecycle| lifecycle.on_exists = OnExists::AdoptIfEqual)
        .desired;
    assert_eq!(
        actions(&planned(&desired, &world(&[("a", &[("name", Value::text("A"))])])).await),
        ["unchanged a: equal"]
    );
    assert_eq!(actions(&planned(&desired, &world(&[("a", &[])])).await), ["blocked a: not_equal"]);
}

#[tokio::test]
async fn what_cannot_be_changed_in_place_is_blocked_and_says_why() {
    let desired = Declared::new().thing("a", &[("kind", Value::text("new"))], &[]).desired;
    let plan = planned(&desired, &world(&[("a", &[("kind", Value::text("old"))])])).await;
    assert_eq!(actions(&plan), ["blocked a: immutable"]);
    assert!(plan.steps[0].reason.message.contains("a thing stays what it is"));
}

#[tokio::test]
async fn running_operations_and_failed_creates_are_told_apart() {
    let told = async |condition: Condition| {
        let world = world(&[("a", &[])]);
        world.objects.lock().unwrap().get_mut("a").expect("there").condition = condition;
        let plan = planned(&Declared::new().thing("a", &[], &[]).desired, &world).await;
        (actions(&plan), plan.steps[0].executable)
    };
    let running = |operation| Condition::InProgress { operation, description: None };
    assert_eq!(told(running(Operation::Create)).await, (vec!["wait a: in_progress".to_owned()], true));
    assert_eq!(told(running(Operation::Delete)).await, (vec!["wait a: delete_in_progress".to_owned()], true));
    let failed = Condition::Failed { operation: Operation::Create, description: None };
    assert_eq!(told(failed).await, (vec!["recover a: create_failed".to_owned()], false));
}

#[tokio::test]
async fn what_a_failed_create_left_tells_nothing_that_stays_true() {
    let desired = Declared::new().thing("a", &[], &[]).thing("b", &[("name", expression("a", "id"))], &["a"]).desired;
    let world = world(&[("a", &[])]);
    world.objects.lock().unwrap().get_mut("a").expect("there").condition =
        Condition::Failed { operation: Operation::Create, description: None };
    let plan = planned(&desired, &world).await;
    assert_eq!(plan.steps[1].changes[0].after, Shown::Unknown);
}

#[tokio::test]
async fn where_the_api_documents_no_update_a_difference_is_blocked() {
    let desired = Declared::new().thing("a", &[("name", Value::text("A"))], &[]).desired;
    let mut snapshot = observed(&world(&[("a", &[])]), &desired).await;
    snapshot.targets.values_mut().for_each(|facts| facts.read_only = Some("no update is documented"));
    assert_eq!(actions(&plan(&desired, &snapshot, &registry(), Diagnostics::default())), ["blocked a: read_only"]);
}

#[tokio::test]
async fn a_name_that_exists_nowhere_is_an_error_with_candidates_from_both_sides() {
    let desired = Declared::new().thing("a", &[("peer", named("grwoth", None))], &[]).thing("grwth", &[], &[]).desired;
    let plan = planned(&desired, &world(&[("growth", &[]), ("other", &[])])).await;
    assert_eq!(codes(&plan), [Code::ReferenceNotFound]);
    assert_eq!(plan.diagnostics[0].help.as_deref(), Some("did you mean `growth` or `grwth`?"));
    assert_eq!(actions(&plan), ["blocked a: unresolved", "create grwth: absent"]);
}

#[tokio::test]
async fn a_name_of_two_is_ambiguous_unless_narrowed() {
    let world = world(&[("x1", &[]), ("x2", &[])]);
    for (slug, maker) in [("x1", "one"), ("x2", "two")] {
        let mut objects = world.objects.lock().unwrap();
        let object = objects.get_mut(slug).expect("there");
        object.identity = Identity::single("slug", "x");
        object.attributes.set("maker", Value::text(maker));
    }
    let refer = |maker| Declared::new().thing("a", &[("peer", named("x", maker))], &[]).desired;
    let ambiguous = planned(&refer(None), &world).await;
    assert_eq!(codes(&ambiguous), [Code::AmbiguousName]);
    assert_eq!(ambiguous.diagnostics[0].help.as_deref(), Some("say which one beside it: `maker: one` or `maker: two`"));
    assert_eq!(actions(&planned(&refer(Some("two")), &world).await), ["create a: absent"]);
    let unmade = planned(&refer(Some("three")), &world).await;
    assert_eq!(codes(&unmade), [Code::ReferenceNotFound]);
    assert_eq!(unmade.diagnostics[0].help.as_deref(), Some("there is one with `maker: one` or `maker: two`"));
}

#[tokio::test]
async fn a_collection_that_cannot_be_read_is_reported_once_where_it_is_needed() {
    let desired = Declared::new().thing("a", &[], &[]).desired;
    let snapshot = crate::model::Snapshot::default();
    let plan = plan(&desired, &snapshot, &registry(), Diagnostics::default());
    assert!(plan.steps.is_empty(), "nothing is planned blindly");
}

#[tokio::test]
async fn what_a_remote_warns_of_is_told_and_is_no_error() {
    let world = world(&[]);
    *world.warning.lock().unwrap() = Some("this API goes away".to_owned());
    let desired = Declared::new().thing("a", &[], &[]).desired;
    let mut problems = Diagnostics::default();
    let snapshot =
        crate::observe::observe(&desired, &registry(), &crate::testing::sessions(&world), &mut problems).await;
    let plan = plan(&desired, &snapshot, &registry(), problems);
    assert_eq!(codes(&plan), [Code::RemoteWarning]);
    assert_eq!(plan.diagnostics[0].message, "target `test` warns: this API goes away");
    assert!(!plan.errored());
}

#[tokio::test]
async fn only_keeps_what_is_asked_for_and_what_that_requires() {
    let mut desired = Declared::new()
        .thing("a", &[], &["b"])
        .thing("b", &[], &["c"])
        .thing("c", &[], &[])
        .thing("d", &[], &[])
        .desired;
    super::only(&mut desired, &[address("b")]);
    let kept: Vec<String> = desired.resources.keys().map(ToString::to_string).collect();
    assert_eq!(kept, ["things.b", "things.c"]);
}

#[tokio::test]
async fn a_chain_of_expressions_may_be_as_long_as_there_are_resources() {
    const LONG: usize = 50_000;
    let key = |at: usize| format!("t{at:05}");
    let mut desired = Declared::new().thing("t", &[], &[]).desired;
    let (_, thing) = desired.resources.pop().expect("just declared");
    desired.resources.extend((0..LONG).map(|at| {
        let up = if at == 0 { expression(&key(0), "slug") } else { expression(&key(at - 1), "notes.up") };
        let fields = [("notes", map(&[("up", up)]))].into_iter().collect();
        let (address, identity) = (address(&key(at)), Identity::single("slug", key(at)));
        (address.clone(), Resource { address, identity, fields, ..thing.clone() })
    }));
    let (snapshot, registry) = (observed(&world(&[]), &desired).await, registry());
    // Nothing has been resolved before it: an apply begins so, when everything but the last one exists.
    let last = &desired.resources[LONG - 1];
    let fields = crate::resolve::Knowledge::new(&desired, &snapshot, &registry).resolve(last).expect("it can be");
    assert_eq!(fields.get("notes"), Some(&map(&[("up", Value::text("t00000"))])));
}

#[tokio::test]
async fn what_exists_and_no_step_is_about_is_not_declared() {
    let world = world(&[("a", &[]), ("b", &[]), ("gone", &[])]);
    let desired =
        Declared::new().thing("a", &[], &[]).thing("new", &[], &[]).thing("gone", &[], &[]).absent(&["gone"]).desired;
    let mut problems = Diagnostics::default();
    let sessions = crate::testing::sessions(&world);
    let snapshot = crate::observe::observe_whole(&desired, &registry(), &sessions, &mut problems).await;
    let plan = plan(&desired, &snapshot, &registry(), problems);
    let covered = super::coverage(&plan, &snapshot, &registry());
    let told: Vec<_> = covered.iter().map(|one| (one.section.name, one.exists, one.declared())).collect();
    assert_eq!(told, [("things", Some(3), 2), ("parts", Some(0), 0)], "to be declared absent is to be declared");
    let undeclared: Vec<String> = covered[0].undeclared.iter().map(|one| one.identity.to_string()).collect();
    assert_eq!(undeclared, ["b"]);
}
