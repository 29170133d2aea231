//! What is planned for things that shall not exist.

use super::changes::{able, kind, put, with_part};
use super::{actions, codes, planned};
use crate::kind::Abilities;
use crate::model::{Code, Condition, Diagnostics, Operation, Spanned, Value};
use crate::plan::{Plan, Step, guard, plan};
use crate::testing::{Declared, address, expression, link, named, observed, part, refers_to, registry};

/// A thing that does not let go of its peer.
fn holder(of: &str) -> [(&'static str, Value); 2] {
    [("peer", link(of)), ("kind", Value::text("holder"))]
}

fn step<'p>(plan: &'p Plan, key: &str) -> &'p Step {
    plan.steps.iter().find(|step| *step.address.key == *key).expect("planned")
}

fn requires(plan: &Plan, key: &str) -> Vec<String> {
    step(plan, key).requires.iter().map(|address| address.key.to_string()).collect()
}

#[tokio::test]
async fn what_is_there_is_deleted_and_what_is_not_is_gone() {
    let desired = Declared::new().thing("a", &[], &[]).thing("b", &[], &[]).absent(&["a", "b"]).desired;
    let plan = planned(&desired, &able(&[("a", &[])])).await;
    assert_eq!(actions(&plan), ["delete a: declared_absent", "unchanged b: gone"]);
    assert_eq!(step(&plan, "b").reason.message, "already gone: no thing with slug b");
    assert_eq!(&*step(&plan, "a").observed.as_ref().expect("it is there").id, "id-a");
    assert!(step(&plan, "a").changes.is_empty() && step(&plan, "a").executable);
}

#[tokio::test]
async fn what_does_not_identify_it_need_not_be_found_any_more() {
    let desired = Declared::new()
        .thing("a", &[("peer", named("nowhere", None)), ("name", Value::text("A"))], &[])
        .absent(&["a"])
        .desired;
    assert_eq!(actions(&planned(&desired, &able(&[("a", &[])])).await), ["delete a: declared_absent"]);
}

#[tokio::test]
async fn what_it_would_be_in_is_not_there_and_so_it_is_gone() {
    let mut desired = Declared::new().thing("a", &[], &[]).part("a", "wheel", &[]).absent(&["wheel"]).desired;
    desired.resources[&part("wheel")].fields.set("thing", named("nowhere", None));
    let plan = planned(&desired, &able(&[])).await;
    assert_eq!(step(&plan, "wheel").reason.message, "already gone: no thing `nowhere`");
    assert_eq!(codes(&plan), []);
}

#[tokio::test]
async fn an_operation_of_the_remote_is_told_and_a_failed_delete_is_tried_again() {
    let desired = Declared::new().thing("a", &[], &[]).absent(&["a"]).desired;
    let told = async |condition| {
        let world = able(&[("a", &[])]);
        put(&world, "a", condition);
        let plan = planned(&desired, &world).await;
        (actions(&plan), plan.steps[0].reason.message.clone())
    };
    let running = |operation| Condition::InProgress { operation, description: None };
    let failed = |operation| Condition::Failed { operation, description: None };
    let (deleting, message) = told(running(Operation::Delete)).await;
    assert_eq!((deleting, &*message), (vec!["wait a: delete_in_progress".to_owned()], "it is being deleted"));
    let (updating, message) = told(running(Operation::Update)).await;
    assert_eq!(updating, ["delete a: declared_absent"]);
    assert!(message.ends_with("still at work on its update, and that is waited for first"), "{message}");
    for operation in [Operation::Create, Operation::Delete] {
        assert_eq!(told(failed(operation)).await.0, ["delete a: declared_absent"]);
    }
}

#[tokio::test]
async fn where_nothing_can_be_deleted_it_is_blocked() {
    let desired = Declared::new().thing("a", &[], &[]).absent(&["a"]).desired;
    let world = able(&[("a", &[])]);
    let mut snapshot = observed(&world, &desired).await;
    snapshot.targets.values_mut().for_each(|facts| facts.read_only = Some("no delete is documented"));
    assert_eq!(actions(&plan(&desired, &snapshot, &registry(), Diagnostics::default())), ["blocked a: read_only"]);
    *world.abilities.lock().unwrap() = Abilities::default();
    assert_eq!(actions(&planned(&desired, &world).await), ["blocked a: not_deletable"]);
}

#[tokio::test]
async fn what_depends_goes_first() {
    let desired = Declared::new()
        .thing("a", &[], &[])
        .thing("b", &[("peer", refers_to("a"))], &["a"])
        .part("b", "wheel", &[])
        .absent(&["a", "b", "wheel"])
        .desired;
    let world = able(&[("a", &[]), ("b", &[("peer", link("a"))])]);
    with_part(&world, "b", "wheel");
    let plan = planned(&desired, &world).await;
    assert_eq!(
        actions(&plan),
        ["delete wheel: declared_absent", "delete b: declared_absent", "delete a: declared_absent"]
    );
    assert_eq!(requires(&plan, "a"), ["b"]);
    assert_eq!(requires(&plan, "b"), ["wheel"]);
    assert_eq!(requires(&plan, "wheel"), [""; 0]);
    assert!(step(&plan, "b").takes_along.is_empty(), "what has a tombstone of its own is not taken along");
}

#[tokio::test]
async fn what_depends_by_what_is_observed_alone_goes_first() {
    let desired = Declared::new().thing("a", &[], &[]).thing("b", &[], &[]).absent(&["a", "b"]).desired;
    let plan = planned(&desired, &able(&[("a", &[]), ("b", &holder("a"))])).await;
    assert_eq!(actions(&plan), ["delete b: declared_absent", "delete a: declared_absent"]);
    assert_eq!(requires(&plan, "a"), ["b"]);
}

#[tokio::test]
async fn what_holds_it_is_named() {
    let desired = Declared::new().thing("a", &[], &[]).absent(&["a"]).desired;
    let plan = planned(&desired, &able(&[("a", &[]), ("b", &holder("a")), ("c", &holder("a"))])).await;
    assert_eq!(actions(&plan), ["blocked a: held"]);
    assert_eq!(
        plan.steps[0].reason.message,
        "it cannot be deleted while the thing `b` and the thing `c` need it; delete that first, or declare it absent too"
    );
}

#[tokio::test]
async fn what_lets_go_of_it_in_the_same_plan_does_so_first() {
    let desired =
        |peer: Value| Declared::new().thing("a", &[], &[]).thing("b", &[("peer", peer)], &[]).absent(&["a"]).desired;
    let world = able(&[("a", &[]), ("b", &holder("a")), ("c", &[])]);
    let plan = planned(&desired(named("c", None)), &world).await;
    assert_eq!(actions(&plan), ["update b: drift", "delete a: declared_absent"]);
    assert_eq!(requires(&plan, "a"), ["b"]);
    // One that goes on referring to it, by its raw id, holds it.
    let plan = planned(&desired(link("a")), &world).await;
    assert_eq!(actions(&plan), ["blocked a: held", "unchanged b: equal"]);
}

#[tokio::test]
async fn what_goes_with_it_needs_consent_and_counts() {
    let world = able(&[("a", &[])]);
    with_part(&world, "a", "seat");
    with_part(&world, "a", "wheel");
    let declared = || Declared::new().thing("a", &[], &[]).absent(&["a"]);
    let plan = planned(&declared().desired, &world).await;
    assert_eq!(actions(&plan), ["blocked a: cascade"]);
    assert_eq!(
        plan.steps[0].reason.message,
        "deleting it takes along the part `seat` and the part `wheel`: to allow that, write `lifecycle: { cascade: true }` \
         or give `--allow-cascade things.a`"
    );
    let consenting = declared().lifecycle("a", |lifecycle| lifecycle.consent.cascade = true);
    let mut plan = planned(&consenting.desired, &world).await;
    assert_eq!(actions(&plan), ["delete a: declared_absent"]);
    assert_eq!(plan.steps[0].takes_along, ["the part `seat`", "the part `wheel`"]);
    guard(&mut plan, &consenting.desired, 2);
    assert_eq!(codes(&plan), [Code::TooManyDeletes]);
    assert_eq!(plan.diagnostics[0].message, "this plan deletes 3 objects, and 2 at a time are allowed");
    assert_eq!(plan.diagnostics[0].labels[0].message, "deleted, and 2 more with it");
    // With a tombstone of its own it is counted once.
    let both = consenting.part("a", "wheel", &[]).absent(&["wheel"]);
    let mut plan = planned(&both.desired, &world).await;
    assert_eq!(step(&plan, "a").takes_along, ["the part `seat`"]);
    guard(&mut plan, &both.desired, 3);
    assert_eq!(codes(&plan), []);
}

#[tokio::test]
async fn what_is_declared_to_exist_is_never_taken_along() {
    let world = able(&[("a", &[])]);
    with_part(&world, "a", "wheel");
    let mut desired = Declared::new()
        .thing("a", &[], &[])
        .part("a", "wheel", &[])
        .absent(&["a"])
        .lifecycle("a", |lifecycle| lifecycle.consent.cascade = true)
        .desired;
    // As by a raw id: the reader of the YAML cannot see that it is the same thing.
    let wheel = &mut desired.resources[&part("wheel")];
    wheel.requires.clear();
    wheel.fields.set("thing", named("a", None));
    let plan = planned(&desired, &world).await;
    assert_eq!(step(&plan, "a").reason.code, "held");
    assert_eq!(
        step(&plan, "a").reason.message,
        "a delete of it takes along `parts.wheel`, which is declared; declare it absent too, or give it another one first"
    );
}

#[tokio::test]
async fn what_shall_exist_comes_before_a_delete_only_where_that_says_so() {
    let desired = Declared::new()
        .thing("new", &[], &[])
        .thing("old", &[("name", expression("new", "id"))], &["new"])
        .absent(&["old"])
        .desired;
    let world = able(&[("old", &[])]);
    assert_eq!(requires(&planned(&desired, &world).await, "old"), [""; 0]);
    let mut waiting = desired;
    let old = &mut waiting.resources[&address("old")];
    old.lifecycle.depends_on = vec![Spanned { value: address("new"), span: old.span }];
    let plan = planned(&waiting, &world).await;
    assert_eq!(actions(&plan), ["create new: absent", "delete old: declared_absent"]);
    assert_eq!(requires(&plan, "old"), ["new"]);
}

#[tokio::test]
async fn what_is_in_something_replaced_and_shall_not_be_goes_before() {
    let world = able(&[("a", &kind(0))]);
    with_part(&world, "a", "wheel");
    let desired = Declared::new()
        .thing("a", &kind(1), &[])
        .lifecycle("a", |lifecycle| {
            lifecycle.consent.replace = true;
            lifecycle.consent.cascade = true;
        })
        .part("a", "wheel", &[])
        .absent(&["wheel"]);
    let plan = planned(&desired.desired, &world).await;
    assert_eq!(actions(&plan), ["delete wheel: declared_absent", "replace a: immutable"]);
    assert_eq!(requires(&plan, "a"), ["wheel"]);
}

#[tokio::test]
async fn deletes_that_would_have_to_wait_for_each_other_are_a_cycle() {
    let world = able(&[("a", &holder("b")), ("b", &holder("a"))]);
    let desired = Declared::new().thing("a", &[], &[]).thing("b", &[], &[]).absent(&["a", "b"]).desired;
    let plan = planned(&desired, &world).await;
    assert_eq!(codes(&plan), [Code::Cycle]);
    assert_eq!(plan.steps.len(), 2);
}

#[tokio::test]
async fn a_tombstone_and_its_living_double_are_not_one_thing() {
    let desired = Declared::new()
        .thing("new", &[], &[])
        .lifecycle("new", |lifecycle| lifecycle.was = Some(crate::testing::was("old")))
        .thing("old", &[], &[])
        .absent(&["old"])
        .desired;
    let plan = planned(&desired, &able(&[("old", &[])])).await;
    assert_eq!(codes(&plan), [Code::AmbiguousName]);
}

#[tokio::test]
async fn only_a_tombstone_takes_those_along_that_go_before_it() {
    let mut desired = Declared::new()
        .thing("a", &[], &[])
        .thing("b", &[("peer", refers_to("a"))], &["a"])
        .thing("c", &[], &[])
        .absent(&["a", "b", "c"])
        .desired;
    crate::plan::only(&mut desired, &[address("a")]);
    let kept: Vec<_> = desired.resources.keys().map(|address| address.key.to_string()).collect();
    assert_eq!(kept, ["a", "b"]);
}
