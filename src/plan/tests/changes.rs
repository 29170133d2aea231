//! What is planned for objects that exist, where the remote can change and delete them.

use std::sync::Arc;

use super::{actions, codes, planned};
use crate::kind::Abilities;
use crate::model::{Code, Condition, Lifecycle, OnExists, Operation, Value};
use crate::plan::{Shown, guard};
use crate::testing::{
    Declared, World, address, expression, map, named, object, observed, part, part_of, refers_to, registry, was,
};

pub(super) fn able(objects: &[(&str, &[(&'static str, Value)])]) -> Arc<World> {
    let world = World::able();
    for (slug, fields) in objects {
        world.objects.lock().unwrap().insert((*slug).to_owned(), object(slug, fields.iter().cloned().collect()));
    }
    Arc::new(world)
}

pub(super) fn with_part(world: &World, thing: &str, name: &str) {
    let part = part_of(thing, name, [("name", Value::text(name))].into_iter().collect());
    world.parts.lock().unwrap().insert(part.identity.to_string(), part);
}

pub(super) fn put(world: &World, slug: &str, condition: Condition) {
    world.objects.lock().unwrap().get_mut(slug).expect("there").condition = condition;
}

const KIND: [(&str, &str); 2] = [("kind", "old"), ("kind", "new")];

pub(super) fn kind(at: usize) -> [(&'static str, Value); 1] {
    [(KIND[at].0, Value::text(KIND[at].1))]
}

/// `a`, whose kind is to be another one, with this lifecycle.
fn another_kind(lifecycle: impl FnOnce(&mut Lifecycle)) -> Declared {
    Declared::new().thing("a", &kind(1), &[]).lifecycle("a", lifecycle)
}

#[tokio::test]
async fn a_difference_is_an_update() {
    let desired = Declared::new().thing("a", &[("name", Value::text("A"))], &[]).desired;
    let plan = planned(&desired, &able(&[("a", &[("name", Value::text("edited"))])])).await;
    assert_eq!(actions(&plan), ["update a: drift"]);
    assert!(plan.steps[0].executable);
}

#[tokio::test]
async fn an_update_that_failed_before_is_tried_again() {
    let desired = Declared::new().thing("a", &[("name", Value::text("A"))], &[]).desired;
    let world = able(&[("a", &[("name", Value::text("edited"))])]);
    put(&world, "a", Condition::Failed { operation: Operation::Update, description: None });
    assert_eq!(actions(&planned(&desired, &world).await), ["update a: drift"]);
}

#[tokio::test]
async fn what_has_its_earlier_name_is_renamed() {
    let renamed = |fields: &[(&'static str, Value)]| {
        Declared::new().thing("new", fields, &[]).lifecycle("new", |lifecycle| lifecycle.was = Some(was("old"))).desired
    };
    let world = able(&[("old", &[("name", Value::text("A"))])]);
    for fields in [&[][..], &[("slug", Value::text("new"))]] {
        let plan = planned(&renamed(fields), &world).await;
        assert_eq!(actions(&plan), ["update new: renamed"]);
        assert_eq!(plan.steps[0].reason.message, "it still has its earlier name, `old`");
        let change = &plan.steps[0].changes[0];
        assert_eq!(plan.steps[0].changes.len(), 1);
        assert_eq!(change.path.to_string(), "slug");
        let text = |text: &str| Shown::Json(text.into());
        // A slug that is declared and that the object does not tell is added to it.
        let before = if fields.is_empty() { text("old") } else { Shown::Nothing };
        assert_eq!((&change.before, &change.after), (&before, &text("new")));
        assert_eq!(&*plan.steps[0].observed.as_ref().expect("it is there").id, "id-old");
    }
    let there = able(&[("new", &[])]);
    assert_eq!(actions(&planned(&renamed(&[]), &there).await), ["unchanged new: equal"]);
    assert_eq!(actions(&planned(&renamed(&[]), &able(&[])).await), ["create new: absent"]);
}

#[tokio::test]
async fn an_earlier_name_beside_the_present_one_can_go() {
    let desired = Declared::new().thing("new", &[], &[]).lifecycle("new", |it| it.was = Some(was("old"))).desired;
    let plan = planned(&desired, &able(&[("old", &[]), ("new", &[])])).await;
    assert_eq!(actions(&plan), ["unchanged new: equal"]);
    assert_eq!(codes(&plan), [Code::AmbiguousName]);
    assert!(!plan.errored());
    assert_eq!(plan.diagnostics[0].help.as_deref(), Some("remove `was`; the other one is left alone"));
}

#[tokio::test]
async fn what_a_failed_create_left_under_the_earlier_name_is_not_renamed() {
    let desired = Declared::new().thing("new", &[], &[]).lifecycle("new", |it| it.was = Some(was("old"))).desired;
    let world = able(&[("old", &[])]);
    put(&world, "old", Condition::Failed { operation: Operation::Create, description: None });
    assert_eq!(actions(&planned(&desired, &world).await), ["create new: absent"]);
}

#[tokio::test]
async fn an_earlier_name_is_refused_where_nothing_can_be_renamed() {
    let desired = Declared::new().thing("new", &[], &[]).lifecycle("new", |it| it.was = Some(was("old"))).desired;
    let world = able(&[("old", &[])]);
    *world.abilities.lock().unwrap() = Abilities::default();
    let plan = planned(&desired, &world).await;
    assert_eq!(codes(&plan), [Code::Unsupported]);
    assert_eq!(plan.diagnostics[0].message, "this version does not rename things");
    assert_eq!(actions(&plan), ["blocked new: refused"]);
}

#[tokio::test]
async fn what_is_inside_of_something_renamed_is_found() {
    let desired = Declared::new()
        .thing("new", &[], &[])
        .lifecycle("new", |lifecycle| lifecycle.was = Some(was("old")))
        .part("new", "wheel", &[("note", Value::text("round"))])
        .desired;
    let world = able(&[("old", &[])]);
    with_part(&world, "old", "wheel");
    let plan = planned(&desired, &world).await;
    assert_eq!(actions(&plan), ["update new: renamed", "update wheel: drift"]);
    let paths: Vec<_> = plan.steps[1].changes.iter().map(|change| change.path.to_string()).collect();
    assert_eq!(paths, ["note"], "it is in the same thing");
    assert_eq!(plan.steps[1].identity.to_string(), "new/wheel");
}

#[tokio::test]
async fn what_cannot_be_changed_in_place_is_replaced_with_consent_only() {
    let world = able(&[("a", &kind(0))]);
    let plan = planned(&another_kind(|_| ()).desired, &world).await;
    assert_eq!(actions(&plan), ["blocked a: immutable"]);
    assert_eq!(
        plan.steps[0].reason.message,
        "`kind` cannot be changed in place: a thing stays what it is; to have it deleted and created anew, write \
         `lifecycle: { replace: true }` or give `--allow-replace things.a`"
    );
    let consenting = another_kind(|lifecycle| lifecycle.consent.replace = true).desired;
    let plan = planned(&consenting, &world).await;
    assert_eq!(actions(&plan), ["replace a: immutable"]);
    assert!(plan.steps[0].executable && !plan.errored());
    *world.abilities.lock().unwrap() = Abilities { update: true, ..Abilities::default() };
    let plan = planned(&consenting, &world).await;
    assert_eq!(actions(&plan), ["blocked a: immutable"], "nothing there can be deleted");
    assert_eq!(plan.steps[0].reason.message, "`kind` cannot be changed in place: a thing stays what it is");
}

#[tokio::test]
async fn consent_to_replace_is_none_to_update_what_shall_only_be_adopted() {
    let desired = another_kind(|lifecycle| {
        lifecycle.consent.replace = true;
        lifecycle.on_exists = OnExists::AdoptIfEqual;
    });
    assert_eq!(actions(&planned(&desired.desired, &able(&[("a", &kind(0))])).await), ["blocked a: not_equal"]);
}

#[tokio::test]
async fn what_is_protected_is_not_replaced() {
    let span = another_kind(|_| ()).desired.resources[0].span;
    let desired = another_kind(|lifecycle| {
        lifecycle.consent.replace = true;
        lifecycle.protect = Some(span);
    });
    let plan = planned(&desired.desired, &able(&[("a", &kind(0))])).await;
    assert_eq!(codes(&plan), [Code::Protected]);
    assert_eq!(actions(&plan), ["blocked a: refused"]);
    let same = planned(&desired.desired, &able(&[("a", &kind(1))])).await;
    assert_eq!(codes(&same), [], "protection is no concern of anything else");
}

#[tokio::test]
async fn what_goes_along_needs_a_consent_of_its_own() {
    let world = able(&[("a", &kind(0))]);
    with_part(&world, "a", "wheel");
    with_part(&world, "a", "seat");
    // Parts are only looked into where somebody declares some, or the kind asks for them.
    let desired = another_kind(|lifecycle| lifecycle.consent.replace = true).desired;
    let plan = planned(&desired, &world).await;
    assert_eq!(actions(&plan), ["blocked a: cascade"]);
    assert_eq!(
        plan.steps[0].reason.message,
        "`kind` cannot be changed in place: a thing stays what it is; deleting it takes along the part `seat` and the part \
         `wheel`: to allow that, write `lifecycle: { cascade: true }` or give `--allow-cascade things.a`"
    );
    let told = planned(&another_kind(|_| ()).desired, &world).await.steps[0].reason.message.clone();
    assert!(told.ends_with("so it needs `cascade: true` or `--allow-cascade` too"), "{told}");
    let desired = another_kind(|lifecycle| {
        lifecycle.consent.replace = true;
        lifecycle.consent.cascade = true;
    });
    let plan = planned(&desired.desired, &world).await;
    assert_eq!(actions(&plan), ["replace a: immutable"]);
    assert_eq!(plan.steps[0].takes_along, ["the part `seat`", "the part `wheel`"]);
}

#[tokio::test]
async fn what_is_declared_inside_of_something_replaced_is_created_anew() {
    let world = able(&[("a", &kind(0))]);
    with_part(&world, "a", "wheel");
    let declared = || {
        another_kind(|lifecycle| {
            lifecycle.consent.replace = true;
            lifecycle.consent.cascade = true;
        })
        .part("a", "wheel", &[])
    };
    let plan = planned(&declared().desired, &world).await;
    assert_eq!(actions(&plan), ["replace a: immutable", "create wheel: goes_along"]);
    assert_eq!(plan.steps[1].observed, None);
    let mut protected = declared().desired;
    let wheel = &mut protected.resources[&part("wheel")];
    wheel.lifecycle.protect = Some(wheel.span);
    let plan = planned(&protected, &world).await;
    assert_eq!(codes(&plan), [Code::Protected]);
    assert_eq!(plan.diagnostics[0].address, Some(part("wheel")));
}

#[tokio::test]
async fn what_the_replaced_will_tell_is_unknown() {
    let desired = another_kind(|lifecycle| lifecycle.consent.replace = true)
        .thing("b", &[("name", expression("a", "id")), ("peer", refers_to("a"))], &["a"])
        .desired;
    let fields = [("name", Value::text("id-a")), ("peer", crate::testing::link("a"))];
    let plan = planned(&desired, &able(&[("a", &kind(0)), ("b", &fields)])).await;
    assert_eq!(actions(&plan), ["replace a: immutable", "update b: drift"]);
    let changes: Vec<_> = plan.steps[1].changes.iter().map(|it| (it.path.to_string(), it.after.clone())).collect();
    assert_eq!(changes, [("name".to_owned(), Shown::Unknown), ("peer".to_owned(), Shown::Unknown)]);
}

#[tokio::test]
async fn more_deletes_than_allowed_are_refused() {
    let world = able(&[("a", &kind(0)), ("b", &kind(0))]);
    with_part(&world, "a", "wheel");
    let mut desired = Declared::new().thing("a", &kind(1), &[]).thing("b", &kind(1), &[]).desired;
    for resource in desired.resources.values_mut() {
        resource.lifecycle.consent.replace = true;
        resource.lifecycle.consent.cascade = true;
    }
    let told = async |limit| {
        let mut plan = planned(&desired, &world).await;
        guard(&mut plan, &desired, limit);
        plan.diagnostics
    };
    assert_eq!(told(3).await, []);
    let refused = told(2).await;
    assert_eq!(
        (refused[0].code, &*refused[0].message),
        (Code::TooManyDeletes, "this plan deletes 3 objects, and 2 at a time are allowed")
    );
    assert_eq!(refused[0].labels[0].message, "deleted and created anew, and 1 more with it");
    assert_eq!(refused[0].labels.len(), 2);
    assert!(refused[0].help.as_ref().unwrap().contains("`--allow-deletes 3`"));
    assert!(told(0).await[0].message.ends_with("none is allowed"));
}

#[tokio::test]
async fn recovering_is_no_delete_and_needs_no_consent() {
    let desired = Declared::new().thing("a", &[("name", Value::text("A"))], &[]).desired;
    for (abilities, executable) in [
        (Abilities::default(), false),
        (Abilities { update: true, ..Abilities::default() }, false),
        (Abilities { update: true, delete: true, create_over_failed: false }, true),
        (Abilities { update: true, delete: true, create_over_failed: true }, true),
    ] {
        let world = able(&[("a", &[])]);
        *world.abilities.lock().unwrap() = abilities;
        put(&world, "a", Condition::Failed { operation: Operation::Create, description: Some("no room".into()) });
        let mut plan = planned(&desired, &world).await;
        guard(&mut plan, &desired, 0);
        assert_eq!(actions(&plan), ["recover a: create_failed"]);
        assert_eq!((plan.steps[0].executable, plan.errored()), (executable, false));
        assert_eq!(plan.steps[0].changes.len(), 1, "what will be created is told");
    }
}

#[tokio::test]
async fn what_cannot_be_compared_is_sent_again_where_somebody_asks_for_it() {
    let desired = |resend| {
        Declared::new()
            .thing("a", &[("name", Value::text("A")), ("input", Value::text("x"))], &[])
            .lifecycle("a", |lifecycle| lifecycle.consent.resend = resend)
            .desired
    };
    let world = able(&[("a", &[("name", Value::text("A"))])]);
    let plan = planned(&desired(false), &world).await;
    assert_eq!(actions(&plan), ["unchanged a: equal"]);
    let plan = planned(&desired(true), &world).await;
    assert_eq!(actions(&plan), ["update a: resend"]);
    assert_eq!(plan.steps[0].reason.message, "`input` is sent again, as asked for");
    let edited = able(&[("a", &[("name", Value::text("edited"))])]);
    let plan = planned(&desired(true), &edited).await;
    assert_eq!(actions(&plan), ["update a: drift"]);
    assert_eq!(plan.steps[0].changes.len(), 2);
    let told = able(&[("a", &[("name", Value::text("A")), ("input", Value::text("x"))])]);
    assert_eq!(actions(&planned(&desired(true), &told).await), ["update a: resend"]);
}

#[tokio::test]
async fn another_fingerprint_is_a_difference() {
    let mark = |text: &str| {
        let mark = crate::model::Fingerprint::of(&Value::text(text), "salt").expect("known");
        Value::Fingerprint(Box::new(mark))
    };
    let desired = Declared::new().thing("a", &[("input", Value::text("x"))], &[]).desired;
    let plan = planned(&desired, &able(&[("a", &[("input", mark("y"))])])).await;
    assert_eq!(actions(&plan), ["update a: drift"]);
    assert_eq!(plan.steps[0].changes[0].before, Shown::Unreadable);
    assert_eq!(actions(&planned(&desired, &able(&[("a", &[("input", mark("x"))])])).await), ["unchanged a: equal"]);
}

#[tokio::test]
async fn what_is_being_deleted_is_created_once_it_is_gone() {
    let desired = Declared::new().thing("a", &[("name", Value::text("A"))], &[]).desired;
    let world = able(&[("a", &[])]);
    put(&world, "a", Condition::InProgress { operation: Operation::Delete, description: None });
    let plan = planned(&desired, &world).await;
    assert_eq!(actions(&plan), ["wait a: delete_in_progress"]);
    assert_eq!(plan.steps[0].changes.len(), 1);
    assert!(plan.steps[0].executable);
}

#[tokio::test]
async fn a_name_of_the_remote_is_no_outer_resource() {
    let desired = Declared::new().thing("b", &[("peer", named("a", None))], &[]).desired;
    let snapshot = observed(&able(&[("a", &[]), ("b", &[("peer", crate::testing::link("a"))])]), &desired).await;
    let plan = super::plan(&desired, &snapshot, &registry(), crate::model::Diagnostics::default());
    assert_eq!(actions(&plan), ["unchanged b: equal"]);
    assert!(super::super::knowledge(&plan, &desired, &snapshot, &registry()).object(&address("b")).is_some());
}

#[tokio::test]
async fn what_may_change_with_a_change_is_not_known_to_those_who_read_it() {
    let settings = |size: &str| ("settings", map(&[("size", Value::text(size))]));
    let named = |name: &str| ("name", Value::text(name));
    let world = able(&[("a", &[named("a"), settings("small")]), ("b", &[named("green")])]);
    let told = async |fields: &[(&'static str, Value)], world: &Arc<World>| {
        let read = ("name", expression("a", "color"));
        let desired = Declared::new().thing("a", fields, &[]).thing("b", &[read], &["a"]).desired;
        let plan = planned(&desired, world).await;
        let after = plan.steps[1].changes.first().map(|change| change.after.clone());
        (actions(&plan), after)
    };
    let unchanged = |a: &str| (vec![a.to_owned(), "unchanged b: equal".to_owned()], None);
    let unknown = |a: &str| (vec![a.to_owned(), "update b: drift".to_owned()], Some(Shown::Unknown));
    assert_eq!(told(&[named("a"), settings("small")], &world).await, unchanged("unchanged a: equal"));
    assert_eq!(told(&[named("A"), settings("small")], &world).await, unchanged("update a: drift"));
    assert_eq!(told(&[named("a"), settings("large")], &world).await, unknown("update a: drift"));
    put(&world, "a", Condition::InProgress { operation: Operation::Update, description: None });
    assert_eq!(told(&[named("a"), settings("small")], &world).await, unknown("wait a: in_progress"));
}
