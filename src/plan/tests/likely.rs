//! Creates that look like renames.

use super::changes::able;
use super::{actions, codes, planned};
use crate::model::{Code, Value};
use crate::testing::{Declared, link, refers_to, was};

fn named(name: &str) -> [(&'static str, Value); 1] {
    [("name", Value::text(name))]
}

#[tokio::test]
async fn what_is_the_same_but_for_its_name_is_pointed_out() {
    let desired = Declared::new().thing("new", &named("A"), &[]).desired;
    let plan = planned(&desired, &able(&[("old", &named("A")), ("other", &named("B"))])).await;
    assert_eq!(actions(&plan), ["create new: absent"]);
    assert_eq!(codes(&plan), [Code::LikelyRename]);
    assert!(!plan.errored());
    assert_eq!(
        plan.diagnostics[0].message,
        "`things.new` is to be created, and the thing `old`, which nobody declares, is the same but for its name"
    );
    assert!(plan.diagnostics[0].help.as_deref().unwrap().contains("`lifecycle: { was: old }`"));
}

#[tokio::test]
async fn several_are_all_named() {
    let desired = Declared::new().thing("new", &named("A"), &[]).desired;
    let plan = planned(&desired, &able(&[("a", &named("A")), ("b", &named("A"))])).await;
    assert!(plan.diagnostics[0].message.contains("`a` or `b`"), "{:?}", plan.diagnostics);
}

#[tokio::test]
async fn what_is_declared_differs_or_is_named_already_is_no_rename() {
    let declared = || Declared::new().thing("new", &named("A"), &[]);
    let old = able(&[("old", &named("A"))]);
    let both = declared().thing("old", &named("A"), &[]);
    assert_eq!(codes(&planned(&both.desired, &old).await), []);
    let gone = declared().thing("old", &[], &[]).absent(&["old"]);
    assert_eq!(codes(&planned(&gone.desired, &old).await), []);
    assert_eq!(codes(&planned(&declared().desired, &able(&[("old", &named("B"))])).await), []);
    let other = declared().lifecycle("new", |lifecycle| lifecycle.was = Some(was("elsewhere")));
    assert_eq!(codes(&planned(&other.desired, &old).await), []);
}

#[tokio::test]
async fn what_is_alike_in_next_to_nothing_is_no_rename() {
    let bare = Declared::new().thing("new", &[], &[]).desired;
    assert_eq!(codes(&planned(&bare, &able(&[("old", &[])])).await), []);
    let peer = Declared::new().thing("new", &[("peer", refers_to("hub"))], &["hub"]).thing("hub", &[], &[]).desired;
    let world = able(&[("hub", &[]), ("old", &[("peer", link("hub"))])]);
    assert_eq!(codes(&planned(&peer, &world).await), [], "many may refer to one");
    let untold = Declared::new().thing("new", &[("input", Value::text("x"))], &[]).desired;
    assert_eq!(codes(&planned(&untold, &able(&[("old", &[])])).await), [], "nobody can tell that it is the same");
}
