//! Declared against observed -> what differs. Has heard of no kind: the section's table says how to compare.

use std::sync::Arc;

use serde_json::{Number, Value as Json};

use crate::model::{
    ChangeRule, Compare, Field, Fields, Identity, Lifecycle, Link, Observed, Path, Section, Shape, Value, instant,
};
use crate::plan::Shown;

/// One value that differs, or that cannot be compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Which.
    pub path: Path,
    /// As it is.
    pub before: Shown,
    /// As it shall be.
    pub after: Shown,
    /// Why it cannot be changed in place, if so.
    pub immutable: Option<&'static str>,
    /// Whether it is to be sent though nothing says that it differs: somebody asked for it.
    pub resent: bool,
}

impl Difference {
    /// Whether this says only that nobody can tell, and nobody asked to send it all the same.
    pub fn is_unverifiable(&self) -> bool {
        self.before.is_untold() && !self.resent
    }
}

/// What an object is measured by: a resource with everything looked up.
#[derive(Debug, Clone, Copy)]
pub struct Measure<'a> {
    /// Its table.
    pub section: &'static Section,
    /// Its natural key.
    pub identity: &'a Identity,
    /// Its fields.
    pub fields: &'a Fields,
    /// How it is to be treated.
    pub lifecycle: &'a Lifecycle,
}

impl Measure<'_> {
    /// What would have to change for the object to be as declared, its name included if it still has the earlier one.
    pub fn differences(&self, object: &Observed) -> Vec<Difference> {
        let ignored: Vec<&Path> = self.lifecycle.ignore.iter().map(|path| &path.value).collect();
        let mut differences = diff(self.section, self.fields, &object.fields, &ignored);
        if let Some(renaming) = self.renaming(object)
            && !differences.iter().any(|difference| difference.path == renaming.path)
        {
            let rank =
                |path: &Path| self.section.fields.iter().position(|field| path.starts_with(&Path::field(field.name)));
            let at = differences.partition_point(|difference| rank(&difference.path) < rank(&renaming.path));
            differences.insert(at, renaming);
        }
        differences
    }

    /// [`Measure::differences`], and what is to be sent again because somebody asked for it.
    pub fn to_send(&self, object: &Observed) -> Vec<Difference> {
        let differences = self.differences(object);
        if !self.lifecycle.consent.resend {
            return differences;
        }
        let mut out = Vec::new();
        for field in self.section.fields {
            let path = Path::field(field.name);
            let of_field = differences.iter().filter(|difference| difference.path.starts_with(&path));
            let ignored = || self.lifecycle.ignore.iter().any(|ignored| path.starts_with(&ignored.value));
            match self.fields.get(field.name) {
                Some(after)
                    if field.can_be_resent() && !ignored() && of_field.clone().all(Difference::is_unverifiable) =>
                {
                    let before = match object.fields.get(field.name) {
                        None | Some(Value::Fingerprint(_)) => Shown::Unverifiable,
                        Some(before) if before.has_redacted() => Shown::Redacted,
                        Some(before) => shown(before, field.sensitive || after.has_sensitive()),
                    };
                    let after = shown(after, field.sensitive);
                    out.push(Difference { path, before, after, immutable: None, resent: true });
                }
                _ => out.extend(of_field.cloned()),
            }
        }
        out
    }

    /// That the object still has its earlier name. A name that is derived from the key counts too.
    fn renaming(&self, object: &Observed) -> Option<Difference> {
        let field = self.section.renaming()?;
        let was = self.lifecycle.was.as_ref()?;
        let ((_, before), (_, after)) = (object.identity.parts.last()?, self.identity.parts.last()?);
        let same = |a: &str, b: &str| a == b || self.section.fold_case && a.to_lowercase() == b.to_lowercase();
        if !same(before, &was.value) || same(before, after) {
            return None;
        }
        let text = |text: &str| Shown::Json(Json::String(text.to_owned()));
        let (path, before, after) = (Path::field(field.name), text(before), text(after));
        Some(Difference { path, before, after, immutable: None, resent: false })
    }
}

/// The natural key with its last part replaced by an earlier one, where objects of the section can be renamed.
pub fn earlier(section: &Section, identity: &Identity, was: &Arc<str>) -> Option<Identity> {
    section.renaming()?;
    let mut earlier = identity.clone();
    earlier.parts.last_mut()?.1 = Arc::clone(was);
    Some(earlier)
}

/// What would have to change for the observed fields to be as declared. Undeclared fields and ignored paths are left
/// out; so is everything that only looks different.
pub fn diff(section: &'static Section, declared: &Fields, observed: &Fields, ignored: &[&Path]) -> Vec<Difference> {
    let mut out = Vec::new();
    for field in section.fields {
        let Some(after) = declared.get(field.name) else { continue };
        let formed = field.form.map(|form| form(after));
        let after = formed.as_ref().unwrap_or(after);
        let mut walk = Walk { field, ignored, out: &mut out };
        let path = Path::field(field.name);
        match observed.get(field.name) {
            _ if walk.is_ignored(&path) => {}
            _ if field.compare == Compare::IfTrue && *after == Value::Bool(false) => {}
            Some(Value::Fingerprint(mark)) if mark.is_of(after) => {}
            Some(Value::Fingerprint(_)) => walk.push(path, Shown::Unreadable, shown(after, field.sensitive)),
            None if matches!(field.compare, Compare::IfTold | Compare::WholeIfTold) => {
                walk.push(path, Shown::Unverifiable, shown(after, field.sensitive));
            }
            before => walk.value(path, before, after),
        }
    }
    out
}

/// What is set on an object that does not exist yet: every declared value, mappings taken apart.
pub fn creation(section: &'static Section, declared: &Fields) -> Vec<Difference> {
    let mut out = Vec::new();
    for field in section.fields {
        if let Some(after) = declared.get(field.name) {
            Walk { field, ignored: &[], out: &mut out }.added(Path::field(field.name), after);
        }
    }
    out
}

struct Walk<'a> {
    field: &'static Field,
    ignored: &'a [&'a Path],
    out: &'a mut Vec<Difference>,
}

impl Walk<'_> {
    fn is_ignored(&self, path: &Path) -> bool {
        self.ignored.iter().any(|ignored| path.starts_with(ignored))
    }

    fn push(&mut self, path: Path, before: Shown, after: Shown) {
        let immutable = match self.field.change {
            ChangeRule::InPlace => None,
            ChangeRule::Never(because) => Some(because),
        };
        self.out.push(Difference { path, before, after, immutable, resent: false });
    }

    fn value(&mut self, path: Path, before: Option<&Value>, after: &Value) {
        if self.is_ignored(&path) {
            return;
        }
        if let (Value::Map(after), Some(Value::Map(before))) = (after, before) {
            return self.maps(&path, before, after);
        }
        if let (Value::Map(after), None | Some(Value::Null)) = (after, before) {
            // An absent, a null and an empty mapping mean the same.
            return after.iter().for_each(|(key, value)| self.value(path.key(Arc::clone(key)), None, value));
        }
        // Something is there, and nobody here knows whether it is that.
        let there = before.filter(|before| **before != Value::Null);
        if there.is_some_and(|before| before.has_redacted() || after.has_redacted()) {
            return self.push(path, Shown::Redacted, shown(after, self.field.sensitive));
        }
        if !before.is_some_and(|before| self.equal(before, after)) {
            let hide = self.field.sensitive || after.has_sensitive();
            let was = before.map_or(Shown::Nothing, |before| shown(before, hide));
            let shall = match (before, after) {
                // The object of this name is to be another one, and only that one will tell its id.
                (Some(Value::Link(before)), Value::Link(after)) if before.name == after.name && after.id.is_none() => {
                    Shown::Unknown
                }
                _ => shown(after, self.field.sensitive),
            };
            self.push(path, was, shall);
        }
    }

    fn maps(&mut self, path: &Path, before: &crate::model::Map, after: &crate::model::Map) {
        for (key, value) in after {
            self.value(path.key(Arc::clone(key)), before.get(key), value);
        }
        if !matches!(self.field.compare, Compare::DeclaredKeys | Compare::IfTold) {
            for (key, value) in before.iter().filter(|(key, _)| !after.contains_key(*key)) {
                let path = path.key(Arc::clone(key));
                if !self.is_ignored(&path) {
                    self.push(path, shown(value, self.field.sensitive), Shown::Nothing);
                }
            }
        }
    }

    fn added(&mut self, path: Path, after: &Value) {
        match after {
            Value::Map(map) if !map.is_empty() => {
                map.iter().for_each(|(key, value)| self.added(path.key(Arc::clone(key)), value));
            }
            Value::List(items) if after.has_unknown() || after.has_sensitive() => {
                items.iter().enumerate().for_each(|(at, item)| self.added(path.index(at), item));
            }
            value => self.push(path, Shown::Nothing, shown(value, self.field.sensitive)),
        }
    }

    fn equal(&self, before: &Value, after: &Value) -> bool {
        match (before, after) {
            (Value::Sensitive(before), after) => self.equal(before.expose(), after),
            (before, Value::Sensitive(after)) => self.equal(before, after.expose()),
            (Value::Text(before), Value::Text(after)) if matches!(self.field.shape, Shape::Instant) => {
                same_instant(before, after)
            }
            (Value::Link(before), Value::Link(after)) => same_object(before, after),
            (Value::List(before), Value::List(after)) if self.field.compare == Compare::Set => {
                before.len() == after.len() && same_items(before, after)
            }
            (before, after) => same(before, after),
        }
    }
}

fn same(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Sensitive(before), after) => same(before.expose(), after),
        (before, Value::Sensitive(after)) => same(before, after.expose()),
        (Value::Number(before), Value::Number(after)) => same_number(before, after),
        (Value::List(before), Value::List(after)) => {
            before.len() == after.len() && before.iter().zip(after).all(|(before, after)| same(before, after))
        }
        (Value::Map(before), Value::Map(after)) => {
            before.len() == after.len()
                && after.iter().all(|(key, after)| before.get(key).is_some_and(|before| same(before, after)))
        }
        (Value::Unknown, _) | (_, Value::Unknown) => false,
        (before, after) => before == after,
    }
}

/// As multisets of values.
fn same_items(before: &[Value], after: &[Value]) -> bool {
    let mut left: Vec<&Value> = before.iter().collect();
    after.iter().all(|item| {
        let found = left.iter().position(|candidate| same(candidate, item));
        found.is_some_and(|at| {
            left.swap_remove(at);
            true
        })
    })
}

/// Numbers pass through doubles on their way (Kaiten reference, section 6.2): integers beyond 2^53 compare as doubles too.
fn same_number(before: &Number, after: &Number) -> bool {
    before == after || before.as_f64() == after.as_f64()
}

fn same_instant(before: &str, after: &str) -> bool {
    match (instant::utc(before), instant::utc(after)) {
        (Some(before), Some(after)) => before == after,
        _ => before == after,
    }
}

/// By id where both are known; a name alone does not make two objects one.
fn same_object(before: &Link, after: &Link) -> bool {
    match (&before.id, &after.id) {
        (Some(before), Some(after)) => before == after,
        (None, None) => before.name == after.name,
        _ => false,
    }
}

/// A value as a plan shows it.
pub fn shown(value: &Value, sensitive: bool) -> Shown {
    if sensitive || value.has_sensitive() {
        Shown::Sensitive
    } else if value.has_unknown() {
        Shown::Unknown
    } else {
        to_json(value).map_or(Shown::Unknown, Shown::Json)
    }
}

/// A value as JSON, for people and scripts. `None` if anything in it is unknown, sensitive or not looked up.
pub fn to_json(value: &Value) -> Option<Json> {
    Some(match value {
        Value::Null => Json::Null,
        Value::Bool(bool) => Json::Bool(*bool),
        Value::Number(number) => Json::Number(number.clone()),
        Value::Text(text) => Json::String(text.to_string()),
        Value::List(items) => Json::Array(items.iter().map(to_json).collect::<Option<_>>()?),
        Value::Map(map) => {
            // Collecting options tells no size beforehand, and a map that grows takes twice the memory.
            let mut object = serde_json::Map::with_capacity(map.len());
            for (key, value) in map.iter() {
                object.insert(key.to_string(), to_json(value)?);
            }
            Json::Object(object)
        }
        Value::Link(link) => Json::String(link.shown().to_owned()),
        Value::Reference(_)
        | Value::Template(_)
        | Value::Unknown
        | Value::Sensitive(_)
        | Value::Fingerprint(_)
        | Value::Redacted => {
            return None;
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::model::Fingerprint;
    use crate::testing::{THINGS, link, map};

    fn number(text: &str) -> Value {
        Value::from_json(&serde_json::from_str(text).expect("a number"))
    }

    fn fields(values: &[(&'static str, Value)]) -> Fields {
        values.iter().cloned().collect()
    }

    /// `path: before -> after`, one a line.
    fn told(declared: &[(&'static str, Value)], observed: &[(&'static str, Value)], ignored: &[&str]) -> Vec<String> {
        let ignored: Vec<Path> = ignored.iter().map(|path| Path::parse(path).expect("a path")).collect();
        let ignored: Vec<&Path> = ignored.iter().collect();
        let text = |shown: &Shown| match shown {
            Shown::Json(json) => json.to_string(),
            other => format!("({other:?})").to_lowercase(),
        };
        diff(&THINGS, &fields(declared), &fields(observed), &ignored)
            .iter()
            .map(|difference| {
                format!("{}: {} -> {}", difference.path, text(&difference.before), text(&difference.after))
            })
            .collect()
    }

    #[test]
    fn an_undeclared_field_is_left_alone() {
        assert_eq!(told(&[], &[("name", Value::text("x"))], &[]), Vec::<String>::new());
    }

    #[test]
    fn instants_are_compared_as_instants() {
        let at = |text: &str| [("since", Value::text(text))];
        assert!(told(&at("2026-01-01T02:00:00+02:00"), &at("2026-01-01T00:00:00.000Z"), &[]).is_empty());
        assert_eq!(told(&at("2026-01-01T02:00:00Z"), &at("2026-01-01T00:00:00Z"), &[]).len(), 1);
    }

    #[test]
    fn links_are_compared_by_id_where_both_are_known() {
        let renamed = Value::Link(Box::new(Link { name: None, id: Some("id-a".into()) }));
        assert!(told(&[("peer", renamed)], &[("peer", link("a"))], &[]).is_empty());
        let not_created_yet = Value::Link(Box::new(Link { name: Some("a".into()), id: None }));
        assert_eq!(told(&[("peer", not_created_yet)], &[("peer", link("a"))], &[]), [r#"peer: "a" -> (unknown)"#]);
    }

    #[test]
    fn sets_have_no_order_but_count() {
        let tags = |tags: &[&str]| [("tags", Value::List(tags.iter().map(|tag| Value::text(*tag)).collect()))];
        assert!(told(&tags(&["a", "b"]), &tags(&["b", "a"]), &[]).is_empty());
        assert_eq!(told(&tags(&["a", "a"]), &tags(&["a", "b"]), &[]).len(), 1);
    }

    #[test]
    fn keys_of_others_stay_where_only_declared_keys_count() {
        let observed = map(&[("mine", Value::text("x")), ("theirs", Value::text("y"))]);
        assert!(told(&[("notes", map(&[("mine", Value::text("x"))]))], &[("notes", observed.clone())], &[]).is_empty());
        assert_eq!(
            told(&[("settings", map(&[("mine", Value::text("x"))]))], &[("settings", observed)], &[]),
            [r#"settings.theirs: "y" -> (nothing)"#]
        );
    }

    #[test]
    fn absent_null_and_empty_mappings_mean_the_same() {
        let empty = map(&[]);
        assert!(told(&[("settings", empty.clone())], &[], &[]).is_empty());
        assert!(told(&[("settings", empty)], &[("settings", Value::Null)], &[]).is_empty());
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        let notes = |text: &str| [("notes", map(&[("n", number(text))]))];
        assert!(told(&notes("1.0"), &notes("1"), &[]).is_empty());
        assert!(told(&notes("1e3"), &notes("1000"), &[]).is_empty());
        assert_eq!(told(&notes("1"), &notes("2"), &[]), ["notes.n: 2 -> 1"]);
    }

    #[test]
    fn ignored_paths_are_not_looked_at() {
        let notes = |value: &str| [("notes", map(&[("a", map(&[("b", Value::text(value))]))]))];
        assert!(told(&notes("x"), &notes("y"), &["notes.a"]).is_empty());
        assert_eq!(told(&notes("x"), &notes("y"), &["notes.c"]).len(), 1);
    }

    #[test]
    fn a_secret_is_compared_and_not_shown() {
        let secret = |text: &str| [("name", crate::model::Sensitive::wrap(Value::text(text)))];
        assert!(told(&secret("x"), &[("name", Value::text("x"))], &[]).is_empty());
        assert_eq!(told(&secret("x"), &[("name", Value::text("old"))], &[]), ["name: (sensitive) -> (sensitive)"]);
        assert_eq!(
            told(&[("secret", Value::text("x"))], &[("secret", Value::text("y"))], &[]),
            ["secret: (sensitive) -> (sensitive)"]
        );
    }

    #[test]
    fn what_is_not_here_is_neither_a_change_nor_none() {
        let (text, redacted) = (|text: &str| Value::text(text), || Value::Redacted);
        let absent_secret = || crate::model::Sensitive::wrap(Value::Redacted);
        let name = |value| [("name", value)];
        assert_eq!(told(&name(text("x")), &name(redacted()), &[]), [r#"name: (redacted) -> "x""#]);
        assert_eq!(told(&name(absent_secret()), &name(text("x")), &[]), ["name: (redacted) -> (sensitive)"]);
        assert_eq!(told(&name(absent_secret()), &name(redacted()), &[]), ["name: (redacted) -> (sensitive)"]);
        let both = diff(&THINGS, &fields(&name(absent_secret())), &fields(&name(redacted())), &[]);
        assert!(both[0].is_unverifiable());
        // Where nothing is, any secret is something else.
        for nothing in [&[][..], &name(Value::Null)] {
            assert!(!diff(&THINGS, &fields(&name(absent_secret())), &fields(nothing), &[])[0].is_unverifiable());
        }
    }

    #[test]
    fn beside_what_is_not_here_everything_is_compared() {
        let text = |text: &str| Value::text(text);
        let declared = map(&[("a", text("x")), ("b", text("y")), ("c", text("z"))]);
        let observed = map(&[("a", Value::Redacted), ("b", text("old")), ("c", text("z")), ("d", Value::Redacted)]);
        assert_eq!(
            told(&[("notes", declared.clone())], &[("notes", observed.clone())], &[]),
            [r#"notes.a: (redacted) -> "x""#, r#"notes.b: "old" -> "y""#]
        );
        assert_eq!(
            told(&[("settings", declared)], &[("settings", observed)], &[]),
            [r#"settings.a: (redacted) -> "x""#, r#"settings.b: "old" -> "y""#, "settings.d: (sensitive) -> (nothing)"]
        );
        let tags = Value::List(vec![text("a"), Value::Redacted]);
        assert_eq!(told(&[("tags", tags)], &[("tags", Value::List(vec![]))], &[]), ["tags: (redacted) -> (sensitive)"]);
    }

    #[test]
    fn what_cannot_be_read_is_compared_by_its_fingerprint() {
        let size = |size: &str| map(&[("size", Value::text(size))]);
        let mark = |value: &Value| Value::Fingerprint(Box::new(Fingerprint::of(value, "salt").expect("known")));
        let declared = [("input", size("large"))];
        assert!(told(&declared, &[("input", mark(&size("large")))], &[]).is_empty());
        assert_eq!(
            told(&declared, &[("input", mark(&size("small")))], &[]),
            [r#"input: (unreadable) -> {"size":"large"}"#]
        );
    }

    #[test]
    fn where_the_remote_does_tell_only_the_declared_keys_count() {
        let declared = [("input", map(&[("size", Value::text("large"))]))];
        let observed = |size: &str| [("input", map(&[("size", Value::text(size)), ("zone", Value::text("a"))]))];
        assert!(told(&declared, &observed("large"), &[]).is_empty());
        assert_eq!(told(&declared, &observed("small"), &[]), [r#"input.size: "small" -> "large""#]);
    }

    #[test]
    fn credentials_are_one_change_a_key_wherever_they_are_told() {
        let secret = |text: &str| crate::model::Sensitive::wrap(Value::text(text));
        let declared = [("account", map(&[("user", secret("me")), ("password", secret("new"))]))];
        let observed =
            [("account", map(&[("user", secret("me")), ("password", secret("old")), ("port", secret("1"))]))];
        assert_eq!(
            told(&declared, &observed, &[]),
            ["account.password: (sensitive) -> (sensitive)", "account.port: (sensitive) -> (nothing)"]
        );
        let whole = [("account", crate::model::Sensitive::wrap(map(&[("user", Value::text("me"))])))];
        assert!(told(&whole, &[("account", map(&[("user", secret("me"))]))], &[]).is_empty());
        assert_eq!(told(&whole, &observed, &[]), ["account: (sensitive) -> (sensitive)"]);
        assert_eq!(told(&declared, &[], &[]), ["account: (unverifiable) -> (sensitive)"]);
    }

    #[test]
    fn what_the_remote_cannot_tell_is_said_to_be_so() {
        let differences = diff(&THINGS, &fields(&[("input", Value::text("x"))]), &fields(&[]), &[]);
        assert!(differences[0].is_unverifiable());
    }

    #[test]
    fn an_unknown_value_differs_from_any() {
        assert_eq!(
            told(&[("name", Value::Unknown)], &[("name", Value::text("x"))], &[]),
            [r#"name: "x" -> (unknown)"#]
        );
    }

    #[test]
    fn a_creation_takes_mappings_apart_and_keeps_the_table_s_order() {
        let declared =
            fields(&[("notes", map(&[("a.b", Value::Unknown), ("c", map(&[]))])), ("name", Value::text("x"))]);
        let told: Vec<_> =
            creation(&THINGS, &declared).into_iter().map(|each| (each.path.to_string(), each.after)).collect();
        assert_eq!(
            told,
            [
                ("name".to_owned(), Shown::Json(json!("x"))),
                ("notes[\"a.b\"]".to_owned(), Shown::Unknown),
                ("notes.c".to_owned(), Shown::Json(json!({}))),
            ]
        );
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(|number| Value::Number(number.into())),
            ".{0,8}".prop_map(Value::text),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
                prop::collection::vec(("[a-c.]{0,2}", inner), 0..4).prop_map(|entries| {
                    Value::Map(Box::new(entries.into_iter().map(|(key, value)| (Arc::from(key), value)).collect()))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_thing_does_not_differ_from_itself(notes in value(), name in ".{0,9}") {
            let thing = fields(&[("name", Value::text(name)), ("notes", notes.clone()), ("settings", notes)]);
            prop_assert_eq!(diff(&THINGS, &thing, &thing, &[]), vec![]);
        }

        #[test]
        fn what_differs_is_found(before in value(), after in value()) {
            let told = diff(&THINGS, &fields(&[("settings", after.clone())]), &fields(&[("settings", before.clone())]), &[]);
            prop_assert_eq!(told.is_empty(), same(&before, &after) || both_empty(&before, &after));
        }
    }

    /// Null and a mapping without any value mean the same.
    fn both_empty(before: &Value, after: &Value) -> bool {
        match (before, after) {
            (Value::Null, Value::Map(map)) => map.values().all(|value| both_empty(&Value::Null, value)),
            (Value::Map(before), Value::Map(after)) => {
                before.keys().all(|key| after.contains_key(key))
                    && after.iter().all(|(key, after)| match before.get(key) {
                        Some(before) => same(before, after) || both_empty(before, after),
                        None => both_empty(&Value::Null, after),
                    })
            }
            _ => false,
        }
    }
}
