//! Random declarations, each sound by itself and able to follow any other: also such as declare absent what another one
//! declares.

use std::fmt::Write as _;

use crate::chance::Chance;

/// What the remotes of a world speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    /// Kaiten's API of today.
    Core,
    /// Kaiten's older dialect, with its undocumented writes.
    Seed,
}

/// A text in YAML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish(pub String);

const NAMES: [&str; 4] = ["plain", "\"with: colon\"", "Größe 9", "twice  spaced"];
const DATES: [&str; 3] = ["2027-09-01T00:00:00Z", "2027-10-01T02:00:00+02:00", "2028-01-01T00:00:00.123Z"];
/// Of the seed document.
const CUSTOMER: &str = "123e4567-e89b-12d3-a456-426614174003";
const LICENSE: &str = "123e4567-e89b-12d3-a456-426614174004";
const PLANS: [&str; 3] = ["database/fast", "database/slow", "database/slower"];

impl Wish {
    /// Any.
    pub fn random(chance: &mut Chance, speaks: Speaks) -> Self {
        let mut text = match speaks {
            Speaks::Core => kaiten(chance),
            Speaks::Seed => seed(chance),
        };
        text.push_str(&cloud_foundry(chance));
        Self(text)
    }
}

const ABSENT: &str = "lifecycle: { absent: true }";
/// With what is in it, declared or not.
const CASCADES: &str = "lifecycle: { absent: true, cascade: true }";

/// Each instance is of one customer for ever, since that cannot be changed; whether they are declared is chance. What is not
/// declared to exist may be declared absent, or be left alone.
fn kaiten(chance: &mut Chance) -> String {
    let instances: Vec<usize> = (0..4).filter(|_| chance.one_in(2)).collect();
    let mut text = String::from("customers:\n");
    for customer in 0..3 {
        // One at least, so that there is a section, and all that instances are of.
        if customer == 0 || instances.iter().any(|instance| instance % 3 == customer) || chance.one_in(2) {
            let _ = writeln!(text, "  c-{customer}:\n    name: {}", chance.pick(&NAMES));
            if chance.one_in(2) {
                let _ = writeln!(text, "    domain: {}.example.com", chance.pick(&["one", "two"]));
            }
        } else if chance.one_in(2) {
            let _ = writeln!(text, "  c-{customer}: {{ {CASCADES} }}");
        }
    }
    let zone = chance.one_in(2);
    if zone {
        let _ = writeln!(text, "deployment_zones:\n  z-0:\n    name: {}\n    type: SHARED", chance.pick(&NAMES));
        let _ = writeln!(text, "    description: {}", chance.pick(&NAMES));
    } else if chance.one_in(2) {
        let _ = writeln!(text, "deployment_zones:\n  z-0: {{ {CASCADES} }}");
    }
    let absent: Vec<usize> = (0..4).filter(|at| !instances.contains(at) && chance.one_in(3)).collect();
    if !instances.is_empty() || !absent.is_empty() {
        text.push_str("instances:\n");
    }
    for instance in absent {
        let _ = writeln!(text, "  i-{instance}: {{ {ABSENT} }}");
    }
    for instance in instances {
        let _ = writeln!(text, "  i-{instance}:\n    name: {}\n    customer: c-{}", chance.pick(&NAMES), instance % 3);
        let _ = writeln!(text, "    license: {}", chance.pick(&["growth", "starter"]));
        let _ = writeln!(text, "    start_license_date: 2026-09-01T00:00:00Z");
        let _ = writeln!(text, "    end_license_date: {}", chance.pick(&DATES));
        if zone && chance.one_in(2) {
            text.push_str("    deployment_zone: z-0\n");
        }
        if chance.one_in(2) {
            let _ = writeln!(
                text,
                "    metadata: {{ size: {}, of: \"${{customers.c-{}.id}}\" }}",
                chance.below(3),
                instance % 3
            );
        }
    }
    text
}

/// In that dialect an instance has no slug of its own unless the YAML says so: nothing but a look keeps it from being
/// created twice.
fn seed(chance: &mut Chance) -> String {
    let mut text = String::from("instances:\n");
    for instance in 0..4 {
        if instance == 0 || chance.one_in(2) {
            let _ =
                writeln!(text, "  i-{instance}:\n    name: instance {instance}\n    customer: {{ id: {CUSTOMER} }}");
            let _ = writeln!(text, "    license: {{ id: {LICENSE}, slug: my-license }}");
            if chance.one_in(2) {
                text.push_str("    platform: { type: kubernetes, version: \"1.21\" }\n");
            }
            let _ = writeln!(text, "    start_license_date: 2026-09-01T00:00:00Z");
            let _ = writeln!(text, "    end_license_date: 2027-09-01T00:00:00Z");
        } else if chance.one_in(2) {
            let _ = writeln!(
                text,
                "  i-{instance}: {{ name: instance {instance}, customer: {{ id: {CUSTOMER} }}, {ABSENT} }}"
            );
        }
    }
    text
}

fn cloud_foundry(chance: &mut Chance) -> String {
    let mut text = String::from("service_instances:\n");
    let mut first = false;
    for instance in 0..3 {
        let declared = if instance == 0 { !chance.one_in(4) } else { chance.one_in(2) };
        if declared {
            let _ = writeln!(text, "  si-{instance}:\n    space: sandbox/dev\n    plan: {}", chance.pick(&PLANS));
            if chance.one_in(2) {
                let _ = writeln!(text, "    tags: [{}]", chance.pick(&["a", "a, b", "b"]));
            }
            if instance == 2 && first && chance.one_in(2) {
                text.push_str("    parameters: { of: \"${service_instances.si-0.guid}\" }\n");
            }
        } else if instance == 0 || chance.one_in(2) {
            let _ = writeln!(text, "  si-{instance}: {{ space: sandbox/dev, {CASCADES} }}");
        }
        first |= declared && instance == 0;
    }
    match chance.below(4) {
        0 | 1 => {
            let _ = writeln!(text, "user_provided_service_instances:\n  up-0:\n    space: sandbox/dev");
            let _ = writeln!(text, "    syslog_drain_url: https://{}.example.com", chance.pick(&["one", "two"]));
        }
        2 => {
            let _ = writeln!(text, "user_provided_service_instances:\n  up-0: {{ space: sandbox/dev, {ABSENT} }}");
        }
        _ => {}
    }
    if first && chance.one_in(2) {
        text.push_str("service_keys:\n  key-0:\n    service_instance: si-0\n");
    } else if !first || chance.one_in(2) {
        let _ = writeln!(text, "service_keys:\n  key-0: {{ service_instance: si-0, {ABSENT} }}");
    }
    text
}
