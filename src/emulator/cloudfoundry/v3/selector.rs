//! `label_selector`: resources found by their labels (reference section 13).

use std::collections::BTreeMap;

use crate::emulator::cloudfoundry::metadata::{key_fault, value_fault};

const MOST_REQUIREMENTS: usize = 50;

/// One condition of a selector. All must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Requirement {
    Exists(String),
    Absent(String),
    In(String, Vec<String>),
    /// Also where there is no such label.
    NotIn(String, Vec<String>),
}

impl Requirement {
    pub(super) fn holds_for(&self, labels: &BTreeMap<String, String>) -> bool {
        match self {
            Self::Exists(key) => labels.contains_key(key),
            Self::Absent(key) => !labels.contains_key(key),
            Self::In(key, values) => labels.get(key).is_some_and(|value| values.contains(value)),
            Self::NotIn(key, values) => labels.get(key).is_none_or(|value| !values.contains(value)),
        }
    }
}

/// Reads a selector, or tells what is wrong with it.
pub(super) fn parse(selector: &str) -> Result<Vec<Requirement>, Vec<String>> {
    if selector.trim().is_empty() {
        return Err(vec!["Missing label_selector value".to_owned()]);
    }
    let invalid = || "Invalid label_selector value".to_owned();
    let pieces = split(selector);
    if pieces.len() > MOST_REQUIREMENTS {
        return Err(vec![invalid()]);
    }
    let mut requirements = Vec::new();
    let mut faults = Vec::new();
    for piece in pieces {
        match requirement(piece.trim()) {
            None => faults.push(invalid()),
            Some(requirement) => match fault(&requirement) {
                Some(fault) => faults.push(fault),
                None => requirements.push(requirement),
            },
        }
    }
    if faults.is_empty() { Ok(requirements) } else { Err(faults) }
}

/// Splits at each comma that is not within parentheses.
fn split(selector: &str) -> Vec<&str> {
    let (mut pieces, mut begin, mut within) = (Vec::new(), 0, false);
    for (at, letter) in selector.char_indices() {
        match letter {
            '(' => within = true,
            ')' => within = false,
            ',' if !within => {
                pieces.push(&selector[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    pieces.push(&selector[begin..]);
    pieces
}

fn requirement(piece: &str) -> Option<Requirement> {
    let owned = |text: &str| text.trim().to_owned();
    let set = |(key, rest): (&str, &str)| {
        let values = rest.trim().strip_prefix('(')?.strip_suffix(')')?;
        Some((owned(key), values.split(',').map(owned).collect::<Vec<_>>()))
    };
    if piece.is_empty() {
        return None;
    }
    if let Some((key, values)) = piece.split_once(" notin ").and_then(set) {
        return Some(Requirement::NotIn(key, values));
    }
    if let Some((key, values)) = piece.split_once(" in ").and_then(set) {
        return Some(Requirement::In(key, values));
    }
    if let Some((key, value)) = piece.split_once("!=") {
        return Some(Requirement::NotIn(owned(key), vec![owned(value)]));
    }
    if let Some((key, value)) = piece.split_once("==").or_else(|| piece.split_once('=')) {
        return Some(Requirement::In(owned(key), vec![owned(value)]));
    }
    if piece.contains(char::is_whitespace) {
        return None;
    }
    Some(match piece.strip_prefix('!') {
        Some(key) => Requirement::Absent(owned(key)),
        None => Requirement::Exists(owned(piece)),
    })
}

fn fault(requirement: &Requirement) -> Option<String> {
    let (key, values) = match requirement {
        Requirement::Exists(key) | Requirement::Absent(key) => (key, [].as_slice()),
        Requirement::In(key, values) | Requirement::NotIn(key, values) => (key, values.as_slice()),
    };
    key_fault(key).or_else(|| values.iter().find_map(|value| value_fault(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_picks_by_presence_value_and_set() {
        let labelled = [
            ("none", vec![]),
            ("test", vec![("env", "test")]),
            ("live", vec![("env", "live"), ("example.com/team", "a")]),
            ("empty", vec![("env", "")]),
        ];
        let table = [
            ("env", vec!["test", "live", "empty"]),
            ("!env", vec!["none"]),
            ("env=test", vec!["test"]),
            ("env==test", vec!["test"]),
            ("env = test", vec!["test"]),
            ("env=", vec!["empty"]),
            ("env!=test", vec!["none", "live", "empty"]),
            ("env in (test,live)", vec!["test", "live"]),
            ("env in (test, live), example.com/team", vec!["live"]),
            ("env notin (test,live)", vec!["none", "empty"]),
            ("env,!example.com/team", vec!["test", "empty"]),
            ("in=a", vec![]),
        ];
        for (selector, expected) in table {
            let requirements = parse(selector).expect(selector);
            let found = labelled.iter().filter(|(_, labels)| {
                let labels = labels.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
                requirements.iter().all(|requirement| requirement.holds_for(&labels))
            });
            assert_eq!(found.map(|(name, _)| *name).collect::<Vec<_>>(), expected, "{selector}");
        }
    }

    #[test]
    fn a_selector_that_cannot_be_read_is_refused() {
        let many = vec!["k"; 51].join(",");
        let table = [
            ("", "Missing label_selector value"),
            (" ", "Missing label_selector value"),
            ("a,,b", "Invalid label_selector value"),
            ("a b", "Invalid label_selector value"),
            (&many, "Invalid label_selector value"),
            ("k!", "'k!' contains invalid characters"),
            ("a=b/c", "'b/c' contains invalid characters"),
            ("cloudfoundry.org/a", "prefix 'cloudfoundry.org' is reserved"),
        ];
        for (selector, fault) in table {
            assert_eq!(parse(selector), Err(vec![fault.to_owned()]), "{selector}");
        }
        assert_eq!(parse(&vec!["k"; 50].join(",")).expect("just few enough").len(), 50);
    }
}
