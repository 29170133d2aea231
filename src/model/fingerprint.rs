//! A mark of a value that cannot be read back, kept beside the object.

use std::fmt;

use sha2::{Digest, Sha256};

use super::Value;

/// The first word of its written form; another one is of another version.
const FORM: &str = "sha256-v1";

/// Tells whether a value is the one it was made of, and nothing else about it: salted, so that equal values of two
/// objects have different ones, and short secrets cannot be looked up in a table.
#[derive(Clone, PartialEq, Eq)]
pub struct Fingerprint {
    salt: String,
    digest: String,
}

impl Fingerprint {
    /// Of a value, with a salt of this object's own. `None` while something in the value is not known.
    pub fn of(value: &Value, salt: &str) -> Option<Self> {
        let mut hash = Sha256::new();
        feed(salt, &mut hash);
        write(value, &mut hash)?;
        Some(Self { salt: salt.to_owned(), digest: hex(&hash.finalize()) })
    }

    /// As [`Fingerprint`]'s `Display` wrote it.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(':');
        let (form, salt, digest) = (words.next()?, words.next()?, words.next()?);
        let sound = form == FORM && words.next().is_none() && !salt.is_empty() && digest.len() == 64;
        sound.then(|| Self { salt: salt.to_owned(), digest: digest.to_owned() })
    }

    /// Whether it was made of this value.
    pub fn is_of(&self, value: &Value) -> bool {
        Self::of(value, &self.salt).is_some_and(|other| other == *self)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{FORM}:{}:{}", self.salt, self.digest)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint")
    }
}

/// Bytes in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from(b"0123456789abcdef"[usize::from(half)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
}

fn feed(text: &str, hash: &mut Sha256) {
    hash.update((text.len() as u64).to_be_bytes());
    hash.update(text.as_bytes());
}

/// In one form for all ways to write the same: keys sorted, numbers as the double they are on the wire if they have no
/// exact integer.
fn write(value: &Value, hash: &mut Sha256) -> Option<()> {
    match value {
        Value::Null => hash.update(b"0"),
        Value::Bool(bool) => hash.update(if *bool { b"t" } else { b"f" }),
        Value::Number(number) => {
            hash.update(b"n");
            let whole = || number.as_f64().filter(|double| double.fract() == 0.0 && double.abs() < 9e15);
            let text = match number.as_i64() {
                Some(integer) => integer.to_string(),
                None => whole().map_or_else(|| number.to_string(), |double| format!("{double:.0}")),
            };
            feed(&text, hash);
        }
        Value::Text(text) => {
            hash.update(b"s");
            feed(text, hash);
        }
        Value::List(items) => {
            hash.update(b"[");
            items.iter().try_for_each(|item| write(item, hash))?;
            hash.update(b"]");
        }
        Value::Map(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            hash.update(b"{");
            for (key, value) in entries {
                feed(key, hash);
                write(value, hash)?;
            }
            hash.update(b"}");
        }
        Value::Link(link) => {
            hash.update(b"s");
            feed(link.shown(), hash);
        }
        Value::Sensitive(secret) => write(secret.expose(), hash)?,
        Value::Fingerprint(_) | Value::Reference(_) | Value::Template(_) | Value::Unknown | Value::Redacted => {
            return None;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Sensitive;

    fn value(json: &str) -> Value {
        Value::from_json(&serde_json::from_str(json).expect("JSON"))
    }

    #[test]
    fn it_knows_its_value_however_that_is_written_and_no_other() {
        let mark = Fingerprint::of(&value(r#"{"a": 1, "b": ["x", null]}"#), "salt").expect("known");
        for same in [r#"{"b": ["x", null], "a": 1}"#, r#"{"a": 1.0, "b": ["x", null]}"#] {
            assert!(mark.is_of(&value(same)), "{same}");
        }
        for other in [r#"{"a": "1", "b": ["x", null]}"#, r#"{"a": 1, "b": ["x"]}"#, r#"{"a": 1}"#, "null"] {
            assert!(!mark.is_of(&value(other)), "{other}");
        }
        assert!(mark.is_of(&Sensitive::wrap(value(r#"{"a": 1, "b": ["x", null]}"#))));
        assert!(!mark.is_of(&Value::List(vec![Value::Unknown])));
    }

    #[test]
    fn two_objects_have_different_ones_of_the_same_value() {
        let of = |salt| Fingerprint::of(&Value::text("hunter2"), salt).expect("known");
        assert_ne!(of("a").to_string().split(':').next_back(), of("b").to_string().split(':').next_back());
        assert!(!format!("{:?}", of("a")).contains("sha256"));
    }

    #[test]
    fn what_is_written_reads_back() {
        let mark = Fingerprint::of(&Value::Null, "a1b2").expect("known");
        assert_eq!(Fingerprint::parse(&mark.to_string()), Some(mark.clone()));
        for other in ["", "sha256-v1:a", "sha256-v2:a:b", &format!("{mark}:x"), "sha256-v1::0"] {
            assert_eq!(Fingerprint::parse(other), None, "{other}");
        }
    }
}
