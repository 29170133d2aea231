//! What may be a secret though no table says so: free-form values are whatever somebody put there, and files go into git.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::model::{Secrets, Value};
use crate::settings::Variable;

/// What the name of a secret ends with.
const NAMES: [&[&str]; 14] = [
    &["password"],
    &["passwd"],
    &["pwd"],
    &["passphrase"],
    &["secret"],
    &["token"],
    &["credential"],
    &["credentials"],
    &["apikey"],
    &["api", "key"],
    &["access", "key"],
    &["private", "key"],
    &["secret", "key"],
    &["encryption", "key"],
];

/// Why a value should not be written down, if there is reason to think so. `key` is what it stands under.
pub(crate) fn suspicion(key: &str, value: &Value) -> Option<&'static str> {
    Suspicion::default().of(key, value)
}

/// What values are suspected for.
#[derive(Default)]
pub(super) struct Suspicion {
    /// The sensitive variables of the project: what was declared with them is at the remote as it is.
    known: Secrets,
}

impl Suspicion {
    /// In a project with these variables.
    pub(super) fn new(variables: &IndexMap<Arc<str>, Variable>) -> Self {
        Self { known: Secrets::among(variables.values().map(|variable| &variable.value)) }
    }

    /// Why a value should not be written down, if there is reason to think so. `key` is what it stands under.
    pub(super) fn of(&self, key: &str, value: &Value) -> Option<&'static str> {
        let text = value.as_text().filter(|text| !text.is_empty())?;
        if is_named_so(key) {
            Some("by its name a secret")
        } else if self.known.are_in(text) {
            Some("the value of a sensitive variable is in it")
        } else if holds_password(text) {
            Some("there is a password in it")
        } else if text.contains("-----BEGIN ") && text.contains("PRIVATE KEY-----") {
            Some("a private key")
        } else {
            None
        }
    }
}

fn is_named_so(key: &str) -> bool {
    let mut words: Vec<String> = vec![String::new()];
    let mut was_lower = false;
    for char in key.chars() {
        let breaks = !char.is_alphanumeric() || char.is_uppercase() && was_lower;
        if breaks && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if char.is_alphanumeric() {
            words.last_mut().expect("there is one").extend(char.to_lowercase());
        }
        was_lower = char.is_lowercase() || char.is_ascii_digit();
    }
    words.retain(|word| !word.is_empty());
    NAMES.iter().any(|name| words.iter().rev().zip(name.iter().rev()).filter(|(a, b)| a == *b).count() == name.len())
}

/// Whether it is a URL that carries a password: `redis://user:password@host`.
fn holds_password(text: &str) -> bool {
    text.match_indices("://").any(|(at, _)| {
        let rest = &text[at + 3..];
        let authority = &rest[..rest.find(['/', '?', '#', ' ', '\n', '"']).unwrap_or(rest.len())];
        let user = authority.rsplit_once('@').map(|(user, _)| user);
        user.and_then(|user| user.split_once(':')).is_some_and(|(_, password)| !password.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_sensitive_variable_says_is_known_wherever_it_is() {
        use crate::model::{Sensitive, SourceFile, Sources, Span};
        let file = Sources::default().add(SourceFile::new("trueup.toml", ""));
        let variable = |value| Variable { value, span: Span::new(file, 0..0) };
        let variables = [
            ("secret".into(), variable(Sensitive::wrap(Value::text("hush-hush")))),
            ("pin".into(), variable(Sensitive::wrap(Value::text("eu")))),
            ("region".into(), variable(Value::text("europe"))),
        ];
        let suspicion = Suspicion::new(&variables.into());
        let why = suspicion.of("description", &Value::text("dial hush-hush now"));
        assert_eq!(why, Some("the value of a sensitive variable is in it"));
        assert_eq!(suspicion.of("description", &Value::text("europe, new")), None);
    }

    #[test]
    fn secrets_are_known_by_their_names_and_forms() {
        let suspicion = Suspicion::new(&IndexMap::new());
        for (key, text) in [
            ("password", "x"),
            ("DB_PASSWORD", "x"),
            ("dbPassword", "x"),
            ("smtp.secret", "x"),
            ("api-key", "x"),
            ("apiKey", "x"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
            ("url", "redis://:hush@cache:6379"),
            ("note", "see https://me:hush@example.com/x for more"),
            ("pem", "-----BEGIN RSA PRIVATE KEY-----\nMII"),
        ] {
            assert!(suspicion.of(key, &Value::text(text)).is_some(), "{key}: {text}");
        }
        for (key, text) in [
            ("passwordless", "x"),
            ("token_url", "x"),
            ("key", "x"),
            ("password", ""),
            ("url", "https://example.com/a:b@c"),
            ("mail", "me@example.com"),
            ("at", "https://me@example.com"),
        ] {
            assert_eq!(suspicion.of(key, &Value::text(text)), None, "{key}: {text}");
        }
        assert_eq!(suspicion.of("token", &Value::Bool(true)), None);
    }
}
