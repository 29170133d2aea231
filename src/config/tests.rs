//! Whole files in, what is desired or what is wrong out.

use super::testing::{Loaded, Project, load};
use crate::model::{Address, Path, Resource, TemplatePart, To, Value};

const SOUND: &str = "\
customers:
  acme:
    name: Acme Corp
    domain: acme.com
licenses:
  growth: { name: Growth, type: PAID, default: true, seats: '${var.seats}' }
---
instances:
  acme-production:
    name: Acme production
    customer: acme
    license: growth
    start_license_date: 2026-09-01T00:00:00Z
    end_license_date: 2027-09-01T00:00:00Z
    metadata:
      region: ${var.region}
      nothing: ~
      list: [1, \"$${literal}\", { deep: 'x-${service_instances.acme-db.guid}-${var.password}' }]
---
---
organizations:
  acme: {}
spaces:
  prod:
    organization: acme
    name: production
service_instances:
  acme-db:
    space: ACME/Production
    plan: postgres/small
    broker: main
    tags: [acme]
    parameters:
      tenant: ${customers.acme.slug}
      password: ${var.password}
";

fn resource(desired: &crate::model::Desired, section: &'static str, key: &str) -> Resource {
    desired.resources[&Address::new(section, key)].clone()
}

fn reference(resource: &Resource, field: &str) -> To {
    match resource.fields.get(field) {
        Some(Value::Reference(reference)) => reference.to.clone(),
        other => panic!("`{field}` is a reference, not {other:?}"),
    }
}

#[test]
fn sound_files_become_resources_in_the_order_of_their_addresses() {
    let desired = load(SOUND).desired();
    let addresses: Vec<String> = desired.resources.keys().map(ToString::to_string).collect();
    assert_eq!(
        addresses,
        [
            "customers.acme",
            "instances.acme-production",
            "licenses.growth",
            "organizations.acme",
            "service_instances.acme-db",
            "spaces.prod"
        ]
    );
    let instance = resource(&desired, "instances", "acme-production");
    let fields: Vec<&str> = instance.fields.iter().map(|(name, _)| name).collect();
    assert_eq!(fields, ["name", "customer", "license", "start_license_date", "end_license_date", "metadata"]);
    assert_eq!(reference(&instance, "customer"), To::Declared(Address::new("customers", "acme")));
    assert_eq!(instance.identity.to_string(), "acme-production");
    assert_eq!(&*instance.target, "kaiten");
    assert_eq!(desired.targets.len(), 2);
    let requires: Vec<String> = instance.requires.iter().map(|(address, _)| address.to_string()).collect();
    assert_eq!(requires, ["customers.acme", "licenses.growth", "service_instances.acme-db"]);
    assert_eq!(resource(&desired, "licenses", "growth").fields.get("seats"), Some(&Value::Number(25.into())));
}

#[test]
fn every_mistake_is_told_where_it_is() {
    let text = include_str!("fixtures/mistakes.yaml");
    insta::assert_snapshot!(load(text).shown());
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
        text += &format!("  {}: {{ space: a/b, plan: p/q, parameters: {{ up: '{up}' }} }}\n", key(at));
    }
    let brief = load(&text).brief();
    assert_eq!(brief.len(), 1, "{brief:?}");
    assert!(brief[0].ends_with(" limit"), "{brief:?}");
}
