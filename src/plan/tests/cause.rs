//! Where changes come from, judged by three plans of one snapshot.

use std::sync::Arc;

use super::changes::{able, kind, put};
use super::planned;
use crate::model::{Condition, Desired, Diagnostics, Operation, Sensitive, Value};
use crate::plan::{Cause, Revisions, judge, plan};
use crate::testing::{Declared, World, address, expression, map, named, observed, refers_to, registry, was};

/// `a update declared: name declared, notes.x drift`, a line each, for a branch, where it began and what it is compared
/// with.
async fn told(
    here: &Declared,
    merge_base: Option<&Declared>,
    tip: Option<&Declared>,
    world: &Arc<World>,
) -> Vec<String> {
    let here = &here.desired;
    let snapshot = observed(world, here).await;
    let mut made = plan(here, &snapshot, &registry(), Diagnostics::default());
    let of = |declared: Option<&'_ Declared>| declared.map(|declared| declared.desired.clone());
    let (merge_base, tip): (Option<Desired>, Option<Desired>) = (of(merge_base), of(tip));
    let revisions = Revisions { merge_base: merge_base.as_ref(), tip: tip.as_ref() };
    judge(&mut made, here, revisions, &snapshot, &registry());
    let said = |cause: Option<Cause>| cause.map_or("-", Cause::as_str);
    let line = |step: &crate::plan::Step| {
        let changes = step.changes.iter().map(|change| format!("{} {}", change.path, said(change.cause)));
        let changes = changes.collect::<Vec<_>>().join(", ");
        let head = format!("{} {} {}", step.address.key, step.action.as_str(), said(step.cause));
        if changes.is_empty() { head } else { format!("{head}: {changes}") }
    };
    made.steps.iter().map(line).collect()
}

/// The same, where the other branch is as it was.
async fn told_since(here: &Declared, merge_base: &Declared, world: &Arc<World>) -> Vec<String> {
    told(here, Some(merge_base), Some(merge_base), world).await
}

fn a(fields: &[(&'static str, Value)]) -> Declared {
    Declared::new().thing("a", fields, &[])
}

fn name(text: &str) -> (&'static str, Value) {
    ("name", Value::text(text))
}

fn nothing() -> Declared {
    Declared::new()
}

#[tokio::test]
async fn what_is_declared_otherwise_than_before_is_declared() {
    let world = able(&[("a", &[name("old")])]);
    assert_eq!(told_since(&a(&[name("new")]), &a(&[name("old")]), &world).await, ["a update declared: name declared"]);
    assert_eq!(told_since(&a(&[name("new")]), &a(&[]), &world).await, ["a update declared: name declared"]);
    assert_eq!(told_since(&a(&[name("new")]), &nothing(), &world).await, ["a update declared: name declared"]);
}

#[tokio::test]
async fn what_was_to_be_changed_before_is_drift() {
    let world = able(&[("a", &[name("edited")])]);
    assert_eq!(told_since(&a(&[name("A")]), &a(&[name("A")]), &world).await, ["a update drift: name drift"]);
    let tip = a(&[name("yet another")]);
    let moved_on = told(&a(&[name("A")]), Some(&a(&[name("A")])), Some(&tip), &world).await;
    assert_eq!(moved_on, ["a update drift: name drift"], "what the tip declares is not what is there either");
}

#[tokio::test]
async fn what_the_other_branch_has_brought_about_since_is_behind() {
    let world = able(&[("a", &[name("theirs"), ("kind", Value::text("old"))])]);
    let here = a(&[name("A")]);
    let told = told(&here, Some(&a(&[name("A")])), Some(&a(&[name("theirs")])), &world).await;
    assert_eq!(told, ["a update behind: name behind"]);
}

#[tokio::test]
async fn an_action_has_the_weightiest_cause_of_its_changes() {
    let notes = |entries: &[(&str, &str)]| {
        let entries: Vec<_> = entries.iter().map(|(key, text)| (*key, Value::text(*text))).collect();
        ("notes", map(&entries))
    };
    let world = able(&[("a", &[name("theirs"), notes(&[("x", "edited"), ("y", "old")])])]);
    let before = a(&[name("A"), notes(&[("x", "1"), ("y", "old")])]);
    let tip = a(&[name("theirs"), notes(&[("x", "1"), ("y", "old")])]);
    let all = a(&[name("A"), notes(&[("x", "1"), ("y", "new")])]);
    assert_eq!(
        told(&all, Some(&before), Some(&tip), &world).await,
        ["a update declared: name behind, notes.x drift, notes.y declared"]
    );
    assert_eq!(told(&before, Some(&before), Some(&tip), &world).await, ["a update drift: name behind, notes.x drift"]);
}

#[tokio::test]
async fn a_create_is_judged_by_who_declares_it() {
    let world = able(&[]);
    let here = a(&[name("A")]);
    assert_eq!(told_since(&here, &nothing(), &world).await, ["a create declared: name declared"]);
    assert_eq!(told_since(&here, &here, &world).await, ["a create drift: name drift"], "somebody deleted it");
    assert_eq!(told(&here, Some(&here), Some(&nothing()), &world).await, ["a create behind: name behind"]);
    let absent = a(&[name("A")]).absent(&["a"]);
    assert_eq!(told(&here, Some(&here), Some(&absent), &world).await, ["a create behind: name behind"]);
    assert_eq!(told_since(&here, &absent, &world).await, ["a create declared: name declared"]);
}

#[tokio::test]
async fn a_delete_is_judged_by_who_declares_it_absent() {
    let world = able(&[("a", &[name("A")])]);
    let (here, there) = (a(&[]).absent(&["a"]), a(&[name("A")]));
    assert_eq!(told_since(&here, &there, &world).await, ["a delete declared"]);
    assert_eq!(told_since(&here, &nothing(), &world).await, ["a delete declared"]);
    assert_eq!(told_since(&here, &here, &world).await, ["a delete drift"]);
    assert_eq!(told(&here, Some(&here), Some(&there), &world).await, ["a delete behind"]);
    let changed = a(&[name("B")]);
    assert_eq!(told(&here, Some(&here), Some(&changed), &world).await, ["a delete behind"], "it shall stay there");
}

#[tokio::test]
async fn what_nothing_is_done_to_has_no_cause() {
    let world = able(&[("a", &[name("A")])]);
    assert_eq!(told_since(&a(&[name("A")]), &nothing(), &world).await, ["a unchanged -"]);
}

#[tokio::test]
async fn what_nobody_can_compare_is_declared_or_nothing_is_told() {
    let world = able(&[("a", &[])]);
    let input = |text: &str| a(&[("input", Value::text(text))]);
    assert_eq!(told_since(&input("1"), &input("1"), &world).await, ["a unchanged -: input -"]);
    assert_eq!(told_since(&input("2"), &input("1"), &world).await, ["a unchanged -: input declared"]);
}

#[tokio::test]
async fn secrets_are_compared_and_never_shown() {
    let secret = |text: &str| ("secret", Sensitive::wrap(Value::text(text)));
    let world = able(&[("a", &[secret("there")])]);
    let here = a(&[secret("mine")]);
    assert_eq!(told_since(&here, &here, &world).await, ["a update drift: secret drift"]);
    assert_eq!(told_since(&here, &a(&[secret("other")]), &world).await, ["a update declared: secret declared"]);
    let tip = a(&[secret("there")]);
    assert_eq!(told(&here, Some(&here), Some(&tip), &world).await, ["a update behind: secret behind"]);
}

#[tokio::test]
async fn what_only_looks_different_is_no_difference_between_revisions_either() {
    let world = able(&[("a", &[("since", Value::text("2020-01-01T00:00:00Z")), ("tags", Value::List(vec![]))])]);
    let tags = |items: &[&str]| ("tags", Value::List(items.iter().map(|item| Value::text(*item)).collect()));
    let here = a(&[("since", Value::text("2026-01-01T02:00:00+02:00")), tags(&["x", "y"])]);
    let before = a(&[("since", Value::text("2026-01-01T00:00:00Z")), tags(&["y", "x"])]);
    assert_eq!(told_since(&here, &before, &world).await, ["a update drift: since drift, tags drift"]);
}

#[tokio::test]
async fn a_rename_is_declared_until_the_other_branch_has_it() {
    let world = able(&[("old", &[name("A")])]);
    let old = Declared::new().thing("old", &[name("A")], &[]);
    let new = || Declared::new().thing("new", &[name("A")], &[]).lifecycle("new", |it| it.was = Some(was("old")));
    assert_eq!(told_since(&new(), &old, &world).await, ["new update declared: slug declared"]);
    assert_eq!(told_since(&new(), &new(), &world).await, ["new update drift: slug drift"]);
    assert_eq!(told(&new(), Some(&new()), Some(&old), &world).await, ["new update behind: slug behind"]);
}

#[tokio::test]
async fn what_follows_from_a_replacement_here_is_declared_here() {
    let of = |at: usize| {
        let declared = Declared::new().thing("a", &kind(at), &[]).lifecycle("a", |it| it.consent.replace = true);
        declared.thing("b", &[("notes", map(&[("id", expression("a", "id"))]))], &["a"])
    };
    let world = able(&[("a", &kind(0)), ("b", &[])]);
    let id = planned_id(&of(0), &world).await;
    world.objects.lock().unwrap().get_mut("b").unwrap().fields.set("notes", map(&[("id", Value::text(id))]));
    assert_eq!(told_since(&of(0), &of(0), &world).await, ["a unchanged -", "b unchanged -"]);
    assert_eq!(
        told_since(&of(1), &of(0), &world).await,
        ["a replace declared: kind declared", "b update declared: notes.id declared"]
    );
    assert_eq!(
        told_since(&of(1), &of(1), &world).await,
        ["a replace drift: kind drift", "b update drift: notes.id drift"]
    );
}

async fn planned_id(declared: &Declared, world: &Arc<World>) -> String {
    let plan = planned(&declared.desired, world).await;
    plan.steps[0].observed.as_ref().expect("it is there").id.to_string()
}

#[tokio::test]
async fn a_value_that_depends_on_what_is_declared_here_is_declared_here() {
    let of = |text: &str| {
        let declared = Declared::new().thing("a", &[name(text)], &[]);
        declared.thing("b", &[("notes", map(&[("of", expression("a", "name"))]))], &["a"])
    };
    let world = able(&[("a", &[name("old")]), ("b", &[("notes", map(&[("of", Value::text("old"))]))])]);
    assert_eq!(
        told_since(&of("new"), &of("old"), &world).await,
        ["a update declared: name declared", "b update declared: notes.of declared"]
    );
}

#[tokio::test]
async fn the_same_object_named_in_another_way_is_the_same_value() {
    let world = able(&[("a", &[]), ("b", &[]), ("c", &[("peer", crate::testing::link("b"))])]);
    let here = Declared::new().thing("a", &[], &[]).thing("c", &[("peer", refers_to("a"))], &["a"]);
    let before = Declared::new().thing("c", &[("peer", named("a", None))], &[]);
    let told = told_since(&here, &before, &world).await;
    assert_eq!(told, ["a unchanged -", "c update drift: peer drift"]);
}

#[tokio::test]
async fn what_is_blocked_or_awaited_for_both_is_not_of_this_branch() {
    let world = able(&[("a", &[])]);
    put(&world, "a", Condition::InProgress { operation: Operation::Update, description: None });
    assert_eq!(told_since(&a(&[name("A")]), &a(&[name("A")]), &world).await, ["a wait drift"]);
    assert_eq!(told_since(&a(&[name("B")]), &a(&[name("A")]), &world).await, ["a wait declared"]);
    let lost = a(&[("peer", named("nobody", None))]);
    assert_eq!(told_since(&lost, &lost, &world).await, ["a blocked drift"]);
    assert_eq!(told_since(&lost, &a(&[]), &world).await, ["a blocked declared"]);
}

#[tokio::test]
async fn what_was_ignored_before_is_declared_now() {
    let world = able(&[("a", &[name("theirs")])]);
    let ignoring = a(&[name("A")]).lifecycle("a", |lifecycle| {
        let path = crate::model::Path::field("name");
        lifecycle.ignore.push(crate::model::Spanned { value: path, span: was("").span });
    });
    assert_eq!(told_since(&a(&[name("A")]), &ignoring, &world).await, ["a update declared: name declared"]);
    let here = a(&[name("A")]);
    assert_eq!(told(&here, Some(&here), Some(&ignoring), &world).await, ["a update behind: name behind"]);
}

#[tokio::test]
async fn nothing_is_guessed_of_a_revision_that_cannot_be_read() {
    let world = able(&[("a", &[name("edited")])]);
    let here = a(&[name("A")]);
    assert_eq!(told(&here, None, Some(&here), &world).await, ["a update -: name -"]);
    assert_eq!(told(&here, Some(&here), None, &world).await, ["a update -: name -"]);
    assert_eq!(told(&here, Some(&nothing()), None, &world).await, ["a update declared: name declared"]);
    assert!(here.desired.resources.contains_key(&address("a")));
}
