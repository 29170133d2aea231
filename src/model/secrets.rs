//! Takes sensitive values out of what others say.

use std::cmp::Reverse;
use std::sync::Arc;

use super::{Fields, Value};

/// How many characters a secret has at least for a longer text to count as one that repeats it: fewer are a part of some
/// harmless text by chance.
const TELLING: usize = 4;

/// The sensitive values among some fields. A remote's words can repeat what was sent to it.
#[derive(Default)]
pub struct Secrets(Vec<Arc<str>>);

impl Secrets {
    /// Adds all texts and numbers in a value, sensitive or not.
    pub fn learn(&mut self, value: &Value) {
        collect(value, true, &mut self.0);
    }

    /// Adds the sensitive ones in it.
    pub fn learn_sensitive(&mut self, value: &Value) {
        collect(value, false, &mut self.0);
    }

    /// Each once.
    pub fn settled(mut self) -> Self {
        self.0.retain(|secret| secret.chars().nth(TELLING - 1).is_some());
        self.0.sort_unstable();
        self.0.dedup();
        self
    }

    /// Whether one of them is in a text. Those of a few characters are not looked for.
    pub fn are_in(&self, text: &str) -> bool {
        self.0.iter().any(|secret| secret.chars().nth(TELLING - 1).is_some() && text.contains(&**secret))
    }

    /// Those of these fields, however deep.
    pub fn of(fields: &Fields) -> Self {
        Self::among(fields.iter().map(|(_, value)| value))
    }

    /// Those of these values, however deep.
    pub fn among<'v>(values: impl IntoIterator<Item = &'v Value>) -> Self {
        let mut secrets = Vec::new();
        for value in values {
            collect(value, false, &mut secrets);
        }
        // The longest first: one can be a part of another.
        secrets.sort_by_key(|secret| Reverse(secret.len()));
        Self(secrets)
    }

    /// Replaces each of them by `[redacted]`.
    pub fn take_out(&self, text: &mut String) {
        for secret in self.0.iter().filter(|secret| !secret.is_empty()) {
            if text.contains(&**secret) {
                *text = text.replace(&**secret, "[redacted]");
            }
        }
    }
}

fn collect(value: &Value, secret: bool, into: &mut Vec<Arc<str>>) {
    match value {
        Value::Sensitive(sensitive) => {
            into.extend_from_slice(sensitive.parts());
            collect(sensitive.expose(), true, into);
        }
        Value::List(items) => items.iter().for_each(|item| collect(item, secret, into)),
        Value::Map(map) => map.values().for_each(|item| collect(item, secret, into)),
        Value::Text(text) if secret => into.push(Arc::clone(text)),
        Value::Number(number) if secret => into.push(number.to_string().into()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Sensitive;

    #[test]
    fn secrets_are_found_however_deep_and_the_longest_goes_first() {
        let secret = Sensitive::wrap(Value::List(vec![Value::text("hush"), Value::text("hush-hush"), Value::text("")]));
        let pin = Sensitive::wrap(Value::Number(4711.into()));
        let longer = Sensitive::wrap_text(Value::text("redis://whisper@cache"), vec!["whisper".into()]);
        let fields = [("metadata", secret), ("name", Value::text("said")), ("pin", pin), ("url", longer)];
        let mut text = "said: `hush-hush` is bad, hush too, 4711, redis://whisper@cache and whisper".to_owned();
        Secrets::of(&fields.into_iter().collect()).take_out(&mut text);
        assert_eq!(text, "said: `[redacted]` is bad, [redacted] too, [redacted], [redacted] and [redacted]");
    }
}
