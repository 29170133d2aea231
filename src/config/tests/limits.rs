//! Large and hostile input: what is told of it is bounded, and with it the work. How long it takes is benched.

use std::fmt::Write;

use crate::config::testing::{Project, load};
use crate::model::Code;

#[test]
fn ten_thousand_mistakes_are_a_thousand_and_a_number() {
    let mut text = String::from("customers:\n");
    for at in 0..10_000 {
        writeln!(text, "  customer-{at}: {{ name: A, nmae: B, domain: '${{customers.custmer-{at}.nmae}}' }}")
            .expect("a string");
    }
    let loaded = load(&text);
    assert_eq!(loaded.diagnostics.len(), 1_001);
    let closing = loaded.diagnostics.last().expect("a thousand");
    assert_eq!(closing.code, Code::TooManyProblems);
    assert_eq!(closing.message, "19000 more problems in this file are not shown");
}

#[test]
fn ten_thousand_references_to_nothing_among_ten_thousand_names_are_told_and_the_first_get_suggestions() {
    let mut text = String::from("organizations:\n");
    for at in 0..10_000 {
        writeln!(text, "  organization-{at}: {{}}").expect("a string");
    }
    text.push_str("spaces:\n");
    for at in 0..10_000 {
        writeln!(text, "  space-{at}: {{ organization: organization-{at} }}").expect("a string");
    }
    text.push_str("service_instances:\n");
    for at in 0..10_000 {
        writeln!(text, "  i-{at}: {{ space: spcae-{at}, plan: a/b }}").expect("a string");
    }
    let loaded = load(&text);
    assert_eq!(loaded.diagnostics.len(), 1_001);
    assert!(loaded.diagnostics[0].help.as_deref().is_some_and(|help| help.contains("did you mean `space-0`?")));
}

#[test]
fn names_that_hang_on_each_other_may_be_fifty_thousand_long() {
    let mut text = String::from("organizations:\n  o0: { name: root }\n");
    for at in 1..50_000 {
        writeln!(text, "  o{at}: {{ name: '${{organizations.o{}.name}}', lifecycle: {{ timeout: 1m }} }}", at - 1)
            .expect("a string");
    }
    // Asked for from the far end, the chain has to be walked at once.
    let reversed: String = std::iter::once("organizations:\n".to_owned())
        .chain(text.lines().skip(1).collect::<Vec<_>>().into_iter().rev().map(|line| format!("{line}\n")))
        .collect();
    let loaded = load(&reversed);
    assert_eq!(loaded.diagnostics[0].code, Code::DuplicateIdentity, "all are called `root`");
}

#[test]
fn the_order_of_files_changes_nothing() {
    let files = [
        ("a.yaml", "organizations: { one: {}, two: {} }\n"),
        ("b.yaml", "spaces: { one: { organization: one }, two: { organization: TWO } }\n"),
        ("c.yaml", "service_instances: { one: { space: two/two, plan: a/b, tags: ['${spaces.one.guid}'] } }\n"),
    ];
    let load = |order: [usize; 3]| {
        let project = order.iter().fold(Project::new(), |project, at| project.file(files[*at].0, files[*at].1));
        let desired = project.load().desired();
        let shown = desired.resources.values().map(|resource| {
            let requires = resource.requires.iter().map(|(address, _)| address.to_string()).collect::<Vec<_>>();
            format!("{} {} {:?} {requires:?}", resource.address, resource.identity, resource.fields)
        });
        shown.collect::<Vec<_>>()
    };
    let straight = load([0, 1, 2]);
    for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        assert_eq!(load(order), straight);
    }
}
