//! How much expressions may come to.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Code, Diagnostic, Value};

/// In bytes, about, and all together.
const MOST: usize = 256 << 20;

/// What the expressions of one run may still come to. Each can double what another one comes to, so a screen of them
/// could fill any memory.
#[derive(Debug)]
pub struct Room(AtomicUsize);

impl Default for Room {
    fn default() -> Self {
        Self(MOST.into())
    }
}

impl Room {
    /// Whether one more value that an expression reads fits in. Once one does not, none does.
    pub fn takes(&self, value: &Value) -> bool {
        let left = self.0.load(Ordering::Relaxed).saturating_sub(weight(value));
        self.0.store(left, Ordering::Relaxed);
        left > 0
    }

    /// Whether something did not fit in.
    pub fn is_spent(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    /// Says so; the place is for the caller to add.
    pub fn refusal() -> Diagnostic {
        Diagnostic::error(
            Code::YamlLimit,
            format!("what expressions come to is too large: over {} MiB in all", MOST >> 20),
        )
        .help("let expressions read shorter values, and not each other's again and again")
    }
}

/// About how many bytes a value takes.
fn weight(value: &Value) -> usize {
    const NODE: usize = 64;
    NODE + match value {
        Value::Text(text) => text.len(),
        Value::List(items) => items.iter().map(weight).sum(),
        Value::Map(map) => map.iter().map(|(key, value)| NODE + key.len() + weight(value)).sum(),
        Value::Sensitive(secret) => weight(secret.expose()),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_something_does_not_fit_in_nothing_does() {
        let room = Room::default();
        let half = Value::text("x".repeat(MOST / 2 - 100));
        let list = Value::List(vec![half.clone()]);
        assert!(room.takes(&half) && room.takes(&Value::Null) && !room.is_spent());
        assert!(!room.takes(&list) && room.is_spent());
        assert!(!room.takes(&Value::Null));
    }
}
