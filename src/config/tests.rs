//! Whole files in, what is desired or what is wrong out.

mod bodies;
mod expressions;
mod files;
mod identities;
mod limits;
mod references;
mod tombstones;

use std::fmt::Write;

use super::testing::load;
use crate::model::{Address, Desired, Resource, To, Value};

fn resource(desired: &Desired, section: &'static str, key: &str) -> Resource {
    desired.resources[&Address::new(section, key)].clone()
}

fn reference(resource: &Resource, field: &str) -> To {
    match resource.fields.get(field) {
        Some(Value::Reference(reference)) => reference.to.clone(),
        other => panic!("`{field}` is a reference, not {other:?}"),
    }
}

fn declared(section: &'static str, key: &str) -> To {
    To::Declared(Address::new(section, key))
}

fn natural(name: &str) -> To {
    To::Natural { name: name.into(), qualifier: None }
}

fn requires(resource: &Resource) -> Vec<String> {
    resource.requires.iter().map(|(address, _)| address.to_string()).collect()
}

/// The single problem of a file: its place, code, message and help in one line.
fn only(text: &str) -> String {
    let loaded = load(text);
    let shown = loaded.shown();
    assert_eq!(loaded.diagnostics.len(), 1, "one problem, not:\n{shown}");
    let help = loaded.diagnostics[0].help.as_deref().unwrap_or("-");
    format!("{} | {} | {help}", loaded.brief()[0], loaded.diagnostics[0].message)
}

#[test]
fn every_mistake_is_told_where_it_is() {
    let text = include_str!("fixtures/mistakes.yaml");
    let loaded = load(text);
    let codes: std::collections::BTreeSet<_> = loaded.diagnostics.iter().map(|found| found.code).collect();
    assert!(loaded.diagnostics.len() > 60 && codes.len() > 12, "{} {codes:?}", loaded.diagnostics.len());
    insta::assert_snapshot!(loaded.shown());
}

#[test]
fn expressions_that_double_each_other_are_refused() {
    let key = |at: usize| format!("c{at:02}");
    let mut text = "service_instances:\n".to_owned();
    for at in 0..40 {
        let up = match at {
            0 => "x".repeat(1000),
            _ => format!("${{service_instances.{}.parameters.up}}", key(at - 1)).repeat(2),
        };
        writeln!(text, "  {}: {{ space: a/b, plan: p/q, parameters: {{ up: '{up}' }} }}", key(at)).unwrap();
    }
    // Inside free-form values nothing has to be known yet; a field that is checked asks for all of it.
    assert!(load(&text).brief().is_empty());
    writeln!(text, "  last: {{ space: a/b, plan: p/q, tags: ['${{service_instances.c39.parameters.up}}'] }}").unwrap();
    let brief = load(&text).brief();
    assert_eq!(brief.len(), 1, "{brief:?}");
    assert!(brief[0].ends_with(" limit"), "{brief:?}");
}
