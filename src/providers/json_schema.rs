//! Which values a JSON Schema surely refuses.
//!
//! Schemas are of drafts 4 to 2020-12, written by brokers of Cloud Foundry, which no server checks, or for Kaiten's metadata; values have parts that are known only
//! after apply. So there are three outcomes: fits, does not fit, and cannot be told. What is not understood (a reference to
//! elsewhere, a pattern of another dialect, a keyword of the evaluation of other keywords) cannot be told and is never an
//! error.

use std::collections::HashMap;

use regex_lite::Regex;
use serde_json::Value as Json;

use crate::model::{Map, Path, Value};
use crate::suggest::Suggest;

/// How many values are held against how many schemas at most; beyond, nothing can be told.
const MOST_STEPS: u32 = 20_000;

/// How deep schemas are followed into each other.
const DEEPEST: u32 = 48;

/// What does not fit, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The offending value.
    pub path: Path,
    /// Whether it is the key that offends.
    pub at_key: bool,
    /// The schema's words, without any of the value: `has to be at least 1`.
    pub words: String,
    /// A key that was probably meant.
    pub meant: Option<String>,
}

/// What surely does not fit, with paths from `at`.
pub fn misfits(schema: &Json, value: &Value, at: &Path) -> Vec<Misfit> {
    let draft = schema.get("$schema").and_then(Json::as_str).unwrap_or_default();
    // Since 2019-09 what stands beside a reference counts too.
    let siblings = draft.contains("2019-09") || draft.contains("2020-12");
    let mut validator =
        Validator { root: schema, siblings, nested: has_nested_id(schema, true), steps: 0, patterns: HashMap::new() };
    let place = Place { path: at.clone(), hidden: false };
    validator.hold(schema, value, &place, 0).misfits
}

/// What came of holding a value against a schema. Without misfits it fits, unless that is not sure.
#[derive(Default)]
struct Outcome {
    misfits: Vec<Misfit>,
    unsure: bool,
}

impl Outcome {
    const UNSURE: Self = Self { misfits: Vec::new(), unsure: true };

    fn refuses(&self) -> bool {
        !self.misfits.is_empty()
    }

    fn fits(&self) -> bool {
        self.misfits.is_empty() && !self.unsure
    }

    fn join(&mut self, other: Self) {
        self.misfits.extend(other.misfits);
        self.unsure |= other.unsure;
    }
}

/// Where a value stands. What is inside a sensitive one is told at the sensitive one, without its keys.
#[derive(Clone)]
struct Place {
    path: Path,
    hidden: bool,
}

impl Place {
    fn key(&self, key: &str) -> Self {
        if self.hidden { self.clone() } else { Self { path: self.path.key(key), hidden: false } }
    }

    fn index(&self, index: usize) -> Self {
        if self.hidden { self.clone() } else { Self { path: self.path.index(index), hidden: false } }
    }

    fn misfit(&self, words: impl Into<String>) -> Misfit {
        Misfit { path: self.path.clone(), at_key: false, words: words.into(), meant: None }
    }
}

struct Validator<'s> {
    root: &'s Json,
    siblings: bool,
    /// Whether a part has an id of its own, from which references in it would start.
    nested: bool,
    steps: u32,
    patterns: HashMap<&'s str, Option<Regex>>,
}

impl<'s> Validator<'s> {
    fn hold(&mut self, schema: &'s Json, value: &Value, place: &Place, depth: u32) -> Outcome {
        self.steps += 1;
        if self.steps > MOST_STEPS || depth > DEEPEST {
            return Outcome::UNSURE;
        }
        if let Value::Sensitive(secret) = value {
            let place = Place { hidden: true, ..place.clone() };
            return self.hold(schema, secret.expose(), &place, depth + 1);
        }
        let keywords = match schema {
            Json::Bool(false) => return Outcome { misfits: vec![place.misfit("is not allowed")], unsure: false },
            Json::Object(keywords) => keywords,
            Json::Bool(true) => return Outcome::default(),
            _ => return Outcome::UNSURE,
        };
        if matches!(
            value,
            Value::Unknown
                | Value::Reference(_)
                | Value::Template(_)
                | Value::Link(_)
                | Value::Fingerprint(_)
                | Value::Redacted
        ) {
            return Outcome::UNSURE;
        }
        let mut outcome = Outcome::default();
        if let Some(reference) = keywords.get("$ref") {
            match reference.as_str().and_then(|reference| self.resolve(reference)) {
                Some(target) => outcome.join(self.hold(target, value, place, depth + 1)),
                None => outcome.unsure = true,
            }
            if !self.siblings {
                return outcome;
            }
        }
        let elsewhere = ["$dynamicRef", "$recursiveRef", "unevaluatedProperties", "unevaluatedItems", "extends"];
        outcome.unsure |= elsewhere.iter().any(|keyword| keywords.contains_key(*keyword));
        outcome.join(any_value(keywords, value, place));
        match value {
            Value::Number(number) => outcome.join(numbers(keywords, number.as_f64(), place)),
            Value::Text(text) => outcome.join(self.texts(keywords, text, place)),
            Value::List(items) => outcome.join(self.lists(keywords, items, place, depth)),
            Value::Map(map) => outcome.join(self.maps(keywords, map, place, depth)),
            _ => {}
        }
        outcome.join(self.combinations(keywords, value, place, depth));
        outcome
    }

    /// A reference into the schema itself; no other is followed.
    fn resolve(&self, reference: &str) -> Option<&'s Json> {
        let pointer = reference.strip_prefix('#')?;
        if self.nested || !(pointer.is_empty() || pointer.starts_with('/')) {
            return None;
        }
        self.root.pointer(&percent_decoded(pointer)?)
    }

    fn pattern(&mut self, pattern: &'s str, text: &str) -> Option<bool> {
        let compiled = self.patterns.entry(pattern).or_insert_with(|| Regex::new(pattern).ok());
        // Without anchors and look-around both dialects agree on what is plain; the rest does not compile here.
        compiled.as_ref().map(|regex| regex.is_match(text))
    }

    fn texts(&mut self, keywords: &'s Keywords, text: &str, place: &Place) -> Outcome {
        let mut outcome = Outcome::default();
        let length = text.chars().count() as u64;
        if let Some(least) = count(keywords, "minLength").filter(|least| length < *least) {
            outcome.misfits.push(place.misfit(format!("has to have at least {}", plural(least, "character"))));
        }
        if let Some(most) = count(keywords, "maxLength").filter(|most| length > *most) {
            outcome.misfits.push(place.misfit(format!("has to have at most {}", plural(most, "character"))));
        }
        if let Some(pattern) = keywords.get("pattern") {
            match pattern.as_str().and_then(|pattern| Some((pattern, self.pattern(pattern, text)?))) {
                Some((pattern, false)) => {
                    outcome.misfits.push(place.misfit(format!("has to match `{}`", quoted(pattern))));
                }
                Some((_, true)) => {}
                None => outcome.unsure = true,
            }
        }
        outcome
    }

    fn lists(&mut self, keywords: &'s Keywords, items: &[Value], place: &Place, depth: u32) -> Outcome {
        let mut outcome = Outcome::default();
        let length = items.len() as u64;
        if let Some(least) = count(keywords, "minItems").filter(|least| length < *least) {
            outcome.misfits.push(place.misfit(format!("has to have at least {}", plural(least, "item"))));
        }
        if let Some(most) = count(keywords, "maxItems").filter(|most| length > *most) {
            outcome.misfits.push(place.misfit(format!("has to have at most {}", plural(most, "item"))));
        }
        if keywords.get("uniqueItems") == Some(&Json::Bool(true)) {
            let known: Vec<Option<Json>> = items.iter().map(known).collect();
            outcome.unsure |= known.iter().any(Option::is_none);
            let twice = (1..known.len()).find(|at| {
                known[*at].is_some() && known[..*at].iter().flatten().any(|one| Some(one) == known[*at].as_ref())
            });
            if let Some(at) = twice {
                outcome.misfits.push(place.index(at).misfit("is there already, and items have to be unique"));
            }
        }
        // The first items by place: `items` as a list until 2019-09, `prefixItems` since 2020-12.
        let by_place = keywords.get("prefixItems").or(keywords.get("items")).and_then(Json::as_array);
        let first = by_place.map_or(0, Vec::len);
        let rest = match (keywords.get("items"), by_place) {
            (Some(Json::Array(_)), _) => keywords.get("additionalItems"),
            (rest, _) => rest,
        };
        for (at, item) in items.iter().enumerate() {
            let schema = by_place.and_then(|schemas| schemas.get(at)).or_else(|| rest.filter(|_| at >= first));
            if let Some(schema) = schema {
                outcome.join(self.hold(schema, item, &place.index(at), depth + 1));
            }
        }
        if let Some(schema) = keywords.get("contains") {
            let held: Vec<Outcome> = items.iter().map(|item| self.hold(schema, item, place, depth + 1)).collect();
            let (fit, may) =
                (held.iter().filter(|one| one.fits()).count(), held.iter().filter(|one| !one.refuses()).count());
            let least = count(keywords, "minContains").unwrap_or(1);
            if (may as u64) < least {
                outcome.misfits.push(place.misfit("has no item of a kind that has to be there"));
            }
            outcome.unsure |= fit != may || keywords.contains_key("maxContains");
        }
        outcome
    }

    fn maps(&mut self, keywords: &'s Keywords, map: &Map, place: &Place, depth: u32) -> Outcome {
        let mut outcome = Outcome::default();
        let length = map.len() as u64;
        if let Some(least) = count(keywords, "minProperties").filter(|least| length < *least) {
            outcome.misfits.push(place.misfit(format!("has to have at least {}", plural(least, "entry"))));
        }
        if let Some(most) = count(keywords, "maxProperties").filter(|most| length > *most) {
            outcome.misfits.push(place.misfit(format!("has to have at most {}", plural(most, "entry"))));
        }
        // In draft 3 it is a boolean beside each property, which says nothing here.
        let required = keywords.get("required").and_then(Json::as_array).into_iter().flatten();
        for name in required.filter_map(Json::as_str).filter(|name| !map.contains_key(*name)) {
            outcome.misfits.push(place.misfit(format!("has to have `{}`", quoted(name))));
        }
        let properties = keywords.get("properties").and_then(Json::as_object);
        let patterns = keywords.get("patternProperties").and_then(Json::as_object);
        for (key, value) in map {
            let at = place.key(key);
            let mut evaluated = Some(false);
            if let Some(schema) = properties.and_then(|properties| properties.get(&**key)) {
                evaluated = Some(true);
                outcome.join(self.hold(schema, value, &at, depth + 1));
            }
            for (pattern, schema) in patterns.into_iter().flatten() {
                match self.pattern(pattern, key) {
                    Some(true) => {
                        evaluated = Some(true);
                        outcome.join(self.hold(schema, value, &at, depth + 1));
                    }
                    Some(false) => {}
                    None => evaluated = evaluated.filter(|evaluated| *evaluated),
                }
            }
            match (evaluated, keywords.get("additionalProperties")) {
                (Some(false), Some(Json::Bool(false))) => {
                    let known = properties.into_iter().flatten().map(|(name, _)| name.as_str());
                    let meant = if place.hidden { None } else { Suggest::default().nearest(key, known) };
                    let meant = meant.map(quoted);
                    outcome.misfits.push(Misfit { at_key: !place.hidden, meant, ..at.misfit("is not allowed") });
                }
                (Some(false), Some(schema)) => outcome.join(self.hold(schema, value, &at, depth + 1)),
                (None, Some(_)) => outcome.unsure = true,
                _ => {}
            }
            if let Some(schema) = keywords.get("propertyNames") {
                let held = self.hold(schema, &Value::text(&**key), &at, depth + 1);
                outcome.join(Outcome {
                    misfits: held.misfits.into_iter().map(|one| Misfit { at_key: !place.hidden, ..one }).collect(),
                    unsure: held.unsure,
                });
            }
        }
        let depending = ["dependencies", "dependentRequired", "dependentSchemas"];
        for (key, needed) in depending.iter().filter_map(|one| keywords.get(*one)?.as_object()).flatten() {
            if !map.contains_key(&**key) {
                continue;
            }
            if let Some(names) = needed.as_array() {
                for name in names.iter().filter_map(Json::as_str).filter(|name| !map.contains_key(*name)) {
                    let words = if place.hidden {
                        "lacks what another entry needs".to_owned()
                    } else {
                        format!("has to have `{}` beside `{}`", quoted(name), quoted(key))
                    };
                    outcome.misfits.push(place.misfit(words));
                }
            } else {
                outcome.join(self.hold(needed, &Value::Map(Box::new(map.clone())), place, depth + 1));
            }
        }
        outcome
    }

    fn combinations(&mut self, keywords: &'s Keywords, value: &Value, place: &Place, depth: u32) -> Outcome {
        let mut outcome = Outcome::default();
        let mut each = |keyword: &str| -> Option<Vec<Outcome>> {
            let schemas = keywords.get(keyword)?.as_array()?;
            Some(schemas.iter().map(|schema| self.hold(schema, value, place, depth + 1)).collect())
        };
        let (all, any, one) = (each("allOf"), each("anyOf"), each("oneOf"));
        for held in all.into_iter().flatten() {
            outcome.join(held);
        }
        if let Some(held) = any.filter(|held| !held.iter().any(Outcome::fits)) {
            if held.iter().all(Outcome::refuses) {
                outcome.misfits.extend(nearest(held, place, "fits none of the forms that are allowed"));
            } else {
                outcome.unsure = true;
            }
        }
        if let Some(held) = one {
            let fits = held.iter().filter(|one| one.fits()).count();
            if fits > 1 {
                outcome.misfits.push(place.misfit("fits several of the forms of which it has to have one"));
            } else if fits == 0 && held.iter().all(Outcome::refuses) {
                outcome.misfits.extend(nearest(held, place, "fits none of the forms that are allowed"));
            } else {
                outcome.unsure |= held.iter().any(|one| !one.refuses() && one.unsure);
            }
        }
        if let Some(schema) = keywords.get("not") {
            let held = self.hold(schema, value, place, depth + 1);
            if held.fits() {
                outcome.misfits.push(place.misfit("has a form that is not allowed"));
            }
            outcome.unsure |= held.unsure && !held.refuses();
        }
        if let Some(schema) = keywords.get("if") {
            let held = self.hold(schema, value, place, depth + 1);
            let branch = if held.fits() {
                keywords.get("then")
            } else if held.refuses() {
                keywords.get("else")
            } else {
                outcome.unsure = true;
                None
            };
            if let Some(schema) = branch {
                outcome.join(self.hold(schema, value, place, depth + 1));
            }
        }
        outcome
    }
}

type Keywords = serde_json::Map<String, Json>;

/// Of several forms that do not fit: the only one's own words, else that none does.
fn nearest(mut held: Vec<Outcome>, place: &Place, words: &str) -> Vec<Misfit> {
    match held.as_mut_slice() {
        [only] => std::mem::take(&mut only.misfits),
        _ => vec![place.misfit(words)],
    }
}

fn any_value(keywords: &Keywords, value: &Value, place: &Place) -> Outcome {
    let mut outcome = Outcome::default();
    let types: Vec<&str> = match keywords.get("type") {
        Some(Json::String(one)) => vec![one],
        Some(Json::Array(several)) => several.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    };
    let understood = types.iter().all(|one| in_words(one).is_some());
    outcome.unsure |= !understood;
    if understood && !types.is_empty() && !types.iter().any(|one| is_of(one, value)) {
        let words: Vec<&str> = types.iter().filter_map(|one| in_words(one)).collect();
        outcome.misfits.push(place.misfit(format!("has to be {}", words.join(" or "))));
    }
    let allowed = match (keywords.get("enum"), keywords.get("const")) {
        (Some(Json::Array(several)), _) => several.as_slice(),
        (_, Some(one)) => std::slice::from_ref(one),
        _ => return outcome,
    };
    match known(value) {
        None => outcome.unsure = true,
        Some(value) if allowed.iter().any(|one| same(one, &value)) => {}
        Some(_) => {
            let shown: Vec<String> =
                allowed.iter().take(8).map(|one| format!("`{}`", quoted(&one.to_string()))).collect();
            let more = if allowed.len() > shown.len() { ", …" } else { "" };
            let one_of = if allowed.len() == 1 { "" } else { "one of " };
            outcome.misfits.push(place.misfit(format!("has to be {one_of}{}{more}", shown.join(", "))));
        }
    }
    outcome
}

fn numbers(keywords: &Keywords, number: Option<f64>, place: &Place) -> Outcome {
    let mut outcome = Outcome::default();
    let Some(number) = number else { return Outcome::UNSURE };
    let bound = |keyword: &str| keywords.get(keyword).and_then(Json::as_f64);
    // A boolean beside the bound until draft 4, a bound of its own since.
    let strict = |keyword: &str| keywords.get(keyword) == Some(&Json::Bool(true));
    let bounds = [
        (
            bound("minimum").filter(|_| !strict("exclusiveMinimum")),
            "at least",
            number < bound("minimum").unwrap_or(number),
        ),
        (
            bound("maximum").filter(|_| !strict("exclusiveMaximum")),
            "at most",
            number > bound("maximum").unwrap_or(number),
        ),
    ];
    for (bound, words, broken) in bounds {
        if let Some(bound) = bound.filter(|_| broken) {
            outcome.misfits.push(place.misfit(format!("has to be {words} {bound}")));
        }
    }
    let above = bound("exclusiveMinimum").or(bound("minimum").filter(|_| strict("exclusiveMinimum")));
    if let Some(above) = above.filter(|above| number <= *above) {
        outcome.misfits.push(place.misfit(format!("has to be more than {above}")));
    }
    let below = bound("exclusiveMaximum").or(bound("maximum").filter(|_| strict("exclusiveMaximum")));
    if let Some(below) = below.filter(|below| number >= *below) {
        outcome.misfits.push(place.misfit(format!("has to be less than {below}")));
    }
    if let Some(step) = bound("multipleOf").filter(|step| *step > 0.0) {
        let times = number / step;
        // Decimal fractions are not exact here; only what is clearly off is.
        if (times - times.round()).abs() > 1e-6 {
            outcome.misfits.push(place.misfit(format!("has to be a multiple of {step}")));
        }
    }
    outcome
}

fn in_words(name: &str) -> Option<&'static str> {
    Some(match name {
        "string" => "a string",
        "integer" => "an integer",
        "number" => "a number",
        "boolean" => "a boolean",
        "array" => "a list",
        "object" => "a mapping",
        "null" => "`null`",
        _ => return None,
    })
}

fn is_of(name: &str, value: &Value) -> bool {
    match value {
        Value::Null => name == "null",
        Value::Bool(_) => name == "boolean",
        // Since draft 6 `1.0` is an integer; before, brokers were not that strict either.
        Value::Number(number) => {
            name == "number" || (name == "integer" && number.as_f64().is_none_or(|number| number.fract() == 0.0))
        }
        Value::Text(_) => name == "string",
        Value::List(_) => name == "array",
        Value::Map(_) => name == "object",
        _ => true,
    }
}

/// The whole value as JSON, if all of it is known.
fn known(value: &Value) -> Option<Json> {
    match value {
        Value::Sensitive(secret) => known(secret.expose()),
        Value::List(items) => items.iter().map(known).collect(),
        Value::Map(map) => {
            let entries = map.iter().map(|(key, value)| Some((key.to_string(), known(value)?)));
            entries.collect::<Option<serde_json::Map<_, _>>>().map(Json::Object)
        }
        Value::Null => Some(Json::Null),
        Value::Bool(bool) => Some(Json::Bool(*bool)),
        Value::Number(number) => Some(Json::Number(number.clone())),
        Value::Text(text) => Some(Json::String(text.to_string())),
        _ => None,
    }
}

/// Equal as JSON Schema has it: `1` is `1.0`.
fn same(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

/// `2` and `2.0`.
fn count(keywords: &Keywords, keyword: &str) -> Option<u64> {
    let number = keywords.get(keyword)?;
    number.as_u64().or_else(|| number.as_f64().filter(|number| number.fract() == 0.0)?.to_string().parse().ok())
}

fn plural(count: u64, word: &str) -> String {
    match (count, word.strip_suffix('y')) {
        (1, _) => format!("1 {word}"),
        (count, Some(stem)) => format!("{count} {stem}ies"),
        (count, None) => format!("{count} {word}s"),
    }
}

/// Words of a broker, short and on one line.
fn quoted(text: &str) -> String {
    crate::http::clean(text, 60)
}

fn has_nested_id(schema: &Json, root: bool) -> bool {
    match schema {
        Json::Object(keywords) => {
            let own = !root && ["$id", "id"].iter().any(|key| keywords.get(*key).is_some_and(Json::is_string));
            own || keywords.values().any(|part| has_nested_id(part, false))
        }
        Json::Array(parts) => parts.iter().any(|part| has_nested_id(part, false)),
        _ => false,
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    // As if it were the key of a form, in which a plus would be a space.
    let form = text.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(form.as_bytes()).next().map(|(text, _)| text.into_owned())
}

#[cfg(test)]
mod tests;
