//! What a flag is defined by: its variants, and who gets which of them (reference §10.11).

use std::collections::BTreeSet;

use super::super::wire;
use super::rule;
use crate::kind::Check;
use crate::model::{Code, Diagnostic, Map, Path, Value};
use crate::suggest::Suggest;

/// What a part of a definition is.
#[derive(Debug, Clone, Copy)]
enum What {
    Text,
    Rule,
    /// The name of a variant.
    Variant,
    Integer,
    Instant,
    /// From names of variants to integers.
    Distribution,
    /// One end of a rollout over time.
    Step,
    /// Whatever the flag's type says.
    Anything,
}

/// A part of a definition, and whether it can be left out.
struct Part(&'static str, What, bool);

const NEEDED: bool = true;

const VARIANT: &[Part] =
    &[Part("name", What::Text, NEEDED), Part("value", What::Anything, NEEDED), Part("description", What::Text, false)];

const STEP: &[Part] = &[
    Part("variant", What::Variant, NEEDED),
    Part("percentage", What::Integer, NEEDED),
    Part("date", What::Instant, NEEDED),
];

/// The ways to serve variants, and what each is made of. A targeting has a name and a rule besides.
const WAYS: &[(&str, &[Part])] = &[
    ("basic", &[Part("value", What::Variant, NEEDED)]),
    ("rollout_percentage", &[Part("distribution", What::Distribution, NEEDED)]),
    ("rollout_date", &[Part("start", What::Step, NEEDED), Part("end", What::Step, NEEDED)]),
];

const OF_TARGETING: &[Part] = &[Part("name", What::Text, NEEDED), Part("rule", What::Rule, NEEDED)];

/// What `basic` calls its variant in a targeting.
const BASIC_OF_TARGETING: &[Part] = &[Part("variant", What::Variant, NEEDED)];

/// The longest rule, in characters.
const LONGEST_RULE: usize = 10_000;

/// Variants with the descriptions that are left out.
pub(super) fn variants(value: &Value) -> Value {
    let Value::List(items) = value else { return value.clone() };
    let whole = items.iter().map(|item| match item {
        Value::Map(map) => {
            let mut map = map.clone();
            map.entry("description".into()).or_insert_with(|| Value::text(""));
            Value::Map(map)
        }
        item => item.clone(),
    });
    Value::List(whole.collect())
}

/// What serves variants, with its dates as Kaiten keeps dates.
pub(super) fn in_utc(value: &Value) -> Value {
    match value {
        Value::List(items) => Value::List(items.iter().map(in_utc).collect()),
        Value::Map(map) => {
            let told = |(key, value): (&std::sync::Arc<str>, &Value)| {
                let value = match value {
                    Value::Text(text) if &**key == "date" => {
                        wire::instant(text).map_or_else(|| value.clone(), Value::text)
                    }
                    Value::Map(_) => in_utc(value),
                    value => value.clone(),
                };
                (key.clone(), value)
            };
            Value::Map(Box::new(map.iter().map(told).collect()))
        }
        value => value.clone(),
    }
}

/// What of a definition would be refused.
pub(super) fn check(check: Check<'_>, found: &mut Vec<Diagnostic>) {
    let fields = check.proposal.fields;
    let of_type = fields.text("type");
    let mut definition = Definition { check, of_type, variants: None, found };
    definition.variants();
    if let Some(Value::Map(serving)) = fields.get("default_variant") {
        definition.serving(&Path::field("default_variant"), serving, None);
    }
    if let Some(Value::List(targetings)) = fields.get("targetings") {
        for (at, targeting) in targetings.iter().enumerate() {
            if let Value::Map(targeting) = targeting {
                definition.serving(&Path::field("targetings").index(at), targeting, Some(OF_TARGETING));
            }
        }
    }
    let fallback = fields.get("metadata").and_then(Value::as_map).and_then(|metadata| metadata.get("fallback_value"));
    if let Some(fallback) = fallback.filter(|fallback| **fallback != Value::Null) {
        definition.of_type(&Path::field("metadata").key("fallback_value"), fallback);
    }
}

struct Definition<'c, 'f> {
    check: Check<'c>,
    of_type: Option<&'c str>,
    /// The names of the variants, if all are known.
    variants: Option<BTreeSet<&'c str>>,
    found: &'f mut Vec<Diagnostic>,
}

impl<'c> Definition<'c, '_> {
    fn tell(&mut self, path: &Path, message: String, label: impl Into<String>, help: impl Into<String>) {
        let at = self.check.resource.places.value(path);
        let error = Diagnostic::error(Code::InvalidValue, message).at(at, label);
        self.found.push(error.help(help).on(&self.check.resource.address));
    }

    fn variants(&mut self) {
        let Some(Value::List(variants)) = self.check.proposal.fields.get("variants") else { return };
        let path = Path::field("variants");
        let mut names = Some(BTreeSet::new());
        for (at, variant) in variants.iter().enumerate() {
            let Value::Map(variant) = variant else {
                names = None;
                continue;
            };
            let path = path.index(at);
            self.parts(&path, variant, &[VARIANT]);
            if let Some(value) = variant.get("value") {
                self.of_type(&path.key("value"), value);
            }
            match variant.get("name") {
                Some(Value::Text(name)) => {
                    if names.as_mut().is_some_and(|names| !names.insert(&**name)) {
                        let message = format!("there are two variants `{name}`");
                        self.tell(&path.key("name"), message, "named before", "give each a name of its own");
                    }
                }
                _ => names = None,
            }
        }
        self.variants = names;
    }

    /// A value of the flag's type (reference §10.11).
    fn of_type(&mut self, path: &Path, value: &Value) {
        let exposed = if let Value::Sensitive(secret) = value { secret.expose() } else { value };
        let Some(of_type) = self.of_type.filter(|_| !matches!(exposed, Value::Unknown | Value::Redacted)) else {
            return;
        };
        let fits = match of_type {
            "boolean" => matches!(exposed, Value::Bool(_)),
            "string" => matches!(exposed, Value::Text(_)),
            "number" => matches!(exposed, Value::Number(_)),
            _ => !matches!(exposed, Value::Null),
        };
        if !fits {
            let message = format!("`{path}` does not fit a flag of type `{of_type}`");
            self.tell(path, message, exposed.describe(), "write a value of that type, or change the `type`");
        }
    }

    /// Something that serves variants: the default, or a targeting, which has further parts.
    fn serving(&mut self, path: &Path, serving: &'c Map, further: Option<&'static [Part]>) {
        let known: Vec<&str> = WAYS.iter().map(|(way, _)| *way).collect();
        let help = || format!("write one of {}", quoted(&known));
        match serving.get("type") {
            Some(Value::Unknown | Value::Redacted | Value::Sensitive(_)) => {}
            Some(Value::Text(way)) => {
                if let Some((_, own)) = WAYS.iter().find(|(known, _)| *known == &**way) {
                    let own = if further.is_some() && &**way == "basic" { BASIC_OF_TARGETING } else { own };
                    self.parts(path, serving, &[TYPE, further.unwrap_or_default(), own]);
                } else {
                    let message = format!("`{path}` cannot be of type `{way}`");
                    self.tell(&path.key("type"), message, "no such type", help());
                }
            }
            Some(other) => {
                let message = format!("the `type` of `{path}` cannot be {}", other.describe());
                self.tell(&path.key("type"), message, other.describe(), help());
            }
            None => self.tell(path, format!("`{path}` needs a `type`"), "does not say how it serves", help()),
        }
    }

    fn parts(&mut self, path: &Path, map: &'c Map, parts: &[&'static [Part]]) {
        let parts = || parts.iter().copied().flatten();
        let names: Vec<&str> = parts().map(|Part(name, ..)| *name).collect();
        for key in map.keys().filter(|key| !names.contains(&&***key)) {
            let help = match Suggest::default().nearest(key, names.iter().copied()) {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => format!("it has {}", quoted(&names)),
            };
            self.tell(&path.key(key.clone()), format!("`{path}` has no `{key}`"), "not a part of it", help);
        }
        for Part(name, what, needed) in parts() {
            match map.get(*name) {
                Some(value) => self.part(&path.key(*name), value, *what),
                None if *needed => {
                    let message = format!("`{path}` needs `{name}`");
                    self.tell(path, message, "not complete", format!("it is made of {}", quoted(&names)));
                }
                None => {}
            }
        }
    }

    fn part(&mut self, path: &Path, value: &'c Value, what: What) {
        match (what, value) {
            (What::Anything, _)
            | (_, Value::Unknown | Value::Redacted | Value::Sensitive(_))
            | (What::Text, Value::Text(_)) => {}
            (What::Variant, Value::Text(name)) => self.variant(path, name),
            (What::Rule, Value::Text(text)) => self.rule(path, text),
            (What::Integer, Value::Number(number)) if number.is_i64() => {}
            (What::Instant, Value::Text(text)) if wire::instant(text).is_some() => {}
            (What::Step, Value::Map(step)) => self.parts(path, step, &[STEP]),
            (What::Distribution, Value::Map(distribution)) => {
                if distribution.is_empty() {
                    let help = "write variants and their shares, `{ on: 20, off: 80 }`";
                    self.tell(path, format!("`{path}` serves nothing"), "empty", help);
                }
                for (name, share) in distribution.iter() {
                    let path = path.key(name.clone());
                    self.variant(&path, name);
                    self.part(&path, share, What::Integer);
                }
            }
            (what, value) => {
                let takes = match what {
                    What::Integer => "an integer",
                    What::Instant => "a date and time, `2026-09-01T00:00:00Z`",
                    What::Distribution => "a mapping from variants to integers, `{ on: 20, off: 80 }`",
                    What::Step => "a mapping, `{ variant: …, percentage: …, date: … }`",
                    What::Variant => "the name of a variant",
                    What::Text | What::Rule | What::Anything => "a string",
                };
                self.tell(path, format!("`{path}` is not what it takes"), value.describe(), format!("write {takes}"));
            }
        }
    }

    fn variant(&mut self, path: &Path, name: &str) {
        let Some(variants) = self.variants.as_ref().filter(|variants| !variants.contains(name)) else { return };
        let help = match Suggest::default().nearest(name, variants.iter().copied()) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None if variants.is_empty() => "add it to `variants`".to_owned(),
            None => format!("variants are {}", quoted(&variants.iter().copied().collect::<Vec<_>>())),
        };
        self.tell(path, format!("there is no variant `{name}`"), "not one of `variants`", help);
    }

    fn rule(&mut self, path: &Path, text: &str) {
        if let Some(fault) = rule::fault(text) {
            let help = "a rule is a CEL expression, `user.cohort == 'beta'`, or `true` for everybody";
            self.tell(path, format!("`{path}` is no rule: {fault}"), "cannot be asked", help);
        } else if text.chars().count() > LONGEST_RULE {
            let message = format!("`{path}` is longer than {LONGEST_RULE} characters");
            self.tell(path, message, "too long", "split it over several targetings");
        }
    }
}

const TYPE: &[Part] = &[Part("type", What::Text, NEEDED)];

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
