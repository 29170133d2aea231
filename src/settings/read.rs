//! Readers over the spanned TOML tree. Each reports what is wrong and lets the next one go on.

use std::ops::RangeInclusive;

use indexmap::IndexMap;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::words::{nearest, suggestion};
use crate::model::{Code, Diagnostic, Diagnostics, FileId, Map, Span, Value};

/// What reading one `trueup.toml` collects.
pub(super) struct Reader {
    pub(super) file: FileId,
    pub(super) diagnostics: Diagnostics,
    /// What must not be displayed of the file.
    pub(super) masks: Vec<Span>,
}

/// A value with its place and its name in messages.
#[derive(Clone)]
pub(super) struct Node<'t> {
    /// The keys down to it, `targets.kaiten.url`.
    pub(super) path: String,
    pub(super) key: Span,
    pub(super) span: Span,
    pub(super) value: &'t DeValue<'t>,
}

/// A table, its entries in the order of the file.
pub(super) struct Table<'t> {
    entries: IndexMap<&'t str, Node<'t>>,
}

/// What became of one key.
#[derive(Debug, Clone, Default)]
pub(super) enum Slot<T> {
    /// It is not written.
    #[default]
    Absent,
    /// It is written, and what is wrong with it was reported.
    Bad,
    /// It is written and sound.
    Good(Entry<T>),
}

/// A sound value with its places.
#[derive(Debug, Clone)]
pub(super) struct Entry<T> {
    pub(super) value: T,
    pub(super) key: Span,
    pub(super) span: Span,
}

impl<T> Slot<T> {
    /// This one if it is written, else the other: an overlay over its base.
    pub(super) fn over(self, base: Self) -> Self {
        match self {
            Self::Absent => base,
            written => written,
        }
    }

    /// That it is not written has been reported if another key was probably meant to be it.
    pub(super) fn or_meant(self, meant: bool) -> Self {
        match self {
            Self::Absent if meant => Self::Bad,
            slot => slot,
        }
    }

    pub(super) fn good(&self) -> Option<&Entry<T>> {
        match self {
            Self::Good(entry) => Some(entry),
            Self::Absent | Self::Bad => None,
        }
    }

    pub(super) fn value(self) -> Option<T> {
        match self {
            Self::Good(entry) => Some(entry.value),
            Self::Absent | Self::Bad => None,
        }
    }

    pub(super) fn is_bad(&self) -> bool {
        matches!(self, Self::Bad)
    }

    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

impl<'t> Table<'t> {
    pub(super) fn get(&self, name: &str) -> Option<&Node<'t>> {
        self.entries.get(name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'t str, &Node<'t>)> {
        self.entries.iter().map(|(name, node)| (*name, node))
    }

    /// Reads one key.
    pub(super) fn read<T>(
        &self,
        name: &str,
        reader: &mut Reader,
        read: impl FnOnce(&mut Reader, &Node<'t>) -> Option<T>,
    ) -> Slot<T> {
        let Some(node) = self.get(name) else { return Slot::Absent };
        match read(reader, node) {
            Some(value) => Slot::Good(Entry { value, key: node.key, span: node.span }),
            None => Slot::Bad,
        }
    }
}

impl Reader {
    fn span(&self, range: std::ops::Range<usize>) -> Span {
        Span::new(self.file, range)
    }

    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Keeps a value from being displayed with any diagnostic. The span of a table is that of its header alone, so what
    /// is in it is masked one by one.
    pub(super) fn mask(&mut self, node: &Node<'_>) {
        self.mask_value(node.span, node.value);
    }

    fn mask_value(&mut self, span: Span, value: &DeValue<'_>) {
        match value {
            DeValue::Table(table) => {
                for (_, value) in table {
                    self.mask_value(self.span(value.span()), value.get_ref());
                }
            }
            DeValue::Array(items) => {
                for item in items {
                    self.mask_value(self.span(item.span()), item.get_ref());
                }
            }
            _ => self.masks.push(span),
        }
    }

    /// The whole file as a table.
    pub(super) fn root<'t>(&self, root: &'t DeTable<'t>) -> Table<'t> {
        self.entries("", root)
    }

    fn entries<'t>(&self, path: &str, table: &'t DeTable<'t>) -> Table<'t> {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let node = |(key, value): (&'t Spanned<_>, &'t Spanned<DeValue<'t>>)| {
            let name: &'t std::borrow::Cow<'t, str> = key.get_ref();
            let path = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
            let node = Node { path, key: self.span(key.span()), span: self.span(value.span()), value: value.get_ref() };
            (&**name, node)
        };
        Table { entries: entries.into_iter().map(node).collect() }
    }

    pub(super) fn table<'t>(&mut self, node: &Node<'t>) -> Option<Table<'t>> {
        match node.value.as_table() {
            Some(table) => Some(self.entries(&node.path, table)),
            None => self.wrong_type(node, "a table"),
        }
    }

    /// Reports every key that is not among the known ones; their values are not displayed, for a misspelt `token` is
    /// as secret as a right one. Returns the keys that were probably meant.
    pub(super) fn only<'k>(&mut self, table: &Table<'_>, known: &[&'k str]) -> Vec<&'k str> {
        let mut meant = Vec::new();
        for (name, node) in table.iter().filter(|(name, _)| !known.contains(name)) {
            self.mask(node);
            self.report(
                Diagnostic::error(Code::SettingsUnknownKey, format!("unknown key `{}`", node.path))
                    .at(node.key, "not a key of this table")
                    .help(suggestion(name, known, "the keys here are")),
            );
            meant.extend(nearest(name, known));
        }
        meant
    }

    /// Reports a value of another type than the one that is wanted.
    pub(super) fn wrong_type<T>(&mut self, node: &Node<'_>, wanted: &str) -> Option<T> {
        let found = match node.value {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.invalid(node, format!("`{}` has to be {wanted}", node.path), format!("this is {found}"), None)
    }

    /// Reports a value that is not allowed.
    pub(super) fn invalid<T>(
        &mut self,
        node: &Node<'_>,
        message: impl Into<String>,
        label: impl Into<String>,
        help: Option<String>,
    ) -> Option<T> {
        let mut diagnostic = Diagnostic::error(Code::SettingsInvalid, message).at(node.span, label);
        diagnostic.help = help;
        self.report(diagnostic);
        None
    }

    pub(super) fn string(&mut self, node: &Node<'_>) -> Option<String> {
        match node.value.as_str() {
            Some("") => {
                let message = format!("`{}` is empty", node.path);
                self.invalid(node, message, "nothing is written here", None)
            }
            Some(text) => Some(text.to_owned()),
            None => self.wrong_type(node, "a string"),
        }
    }

    pub(super) fn boolean(&mut self, node: &Node<'_>) -> Option<bool> {
        match node.value.as_bool() {
            Some(bool) => Some(bool),
            None => self.wrong_type(node, "`true` or `false`"),
        }
    }

    pub(super) fn integer(&mut self, node: &Node<'_>, allowed: RangeInclusive<i64>) -> Option<i64> {
        let Some(integer) = node.value.as_integer() else { return self.wrong_type(node, "an integer") };
        match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(number) if allowed.contains(&number) => Some(number),
            _ => {
                let message = format!("`{}` has to be from {} to {}", node.path, allowed.start(), allowed.end());
                self.invalid(node, message, "outside that range", None)
            }
        }
    }

    pub(super) fn choice(&mut self, node: &Node<'_>, choices: &[&'static str]) -> Option<&'static str> {
        let Some(text) = node.value.as_str() else { return self.wrong_type(node, "a string") };
        if let Some(choice) = choices.iter().find(|choice| **choice == text) {
            return Some(choice);
        }
        let message = format!("`{}` cannot be `{}`", node.path, text.escape_debug());
        self.invalid(node, message, "not one of the choices", Some(suggestion(text, choices, "write one of")))
    }

    /// A list of strings, not empty, each with its place.
    pub(super) fn strings(&mut self, node: &Node<'_>) -> Option<Vec<(String, Span)>> {
        let Some(items) = node.value.as_array() else { return self.wrong_type(node, "a list of strings") };
        if items.is_empty() {
            let message = format!("`{}` is empty", node.path);
            return self.invalid(node, message, "nothing is listed here", None);
        }
        let mut strings = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            let span = self.span(item.span());
            let node = Node { path: format!("{}[{at}]", node.path), key: span, span, value: item.get_ref() };
            strings.push(self.string(&node).map(|text| (text, span)));
        }
        strings.into_iter().collect()
    }

    /// Reports a table's key that cannot be a name of ours.
    pub(super) fn name(&mut self, name: &str, node: &Node<'_>, whose: &str) {
        let fits = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
        if name.is_empty() || !name.bytes().all(fits) {
            let message = format!("`{}` cannot be the name of {whose}", name.escape_debug());
            self.report(
                Diagnostic::error(Code::SettingsInvalid, message)
                    .at(node.key, "not a name")
                    .help("use `a` to `z`, `0` to `9`, `_` and `-`"),
            );
        }
    }

    /// The name of an environment variable.
    pub(super) fn variable_name(&mut self, node: &Node<'_>) -> Option<String> {
        let name = self.string(node)?;
        let fits =
            |(at, byte): (usize, u8)| byte.is_ascii_alphabetic() || byte == b'_' || at > 0 && byte.is_ascii_digit();
        if name.bytes().enumerate().all(fits) {
            return Some(name);
        }
        // Whoever mistakes this for the place of the secret itself has put the secret here.
        self.mask(node);
        let message = format!("`{}` has to be the name of an environment variable", node.path);
        self.invalid(node, message, "not such a name", Some("write its name alone, such as `KAITEN_AUTH_TOKEN`".into()))
    }

    /// Any value, as one of ours. A date becomes its text.
    pub(super) fn value(&mut self, node: &Node<'_>) -> Option<Value> {
        match node.value {
            DeValue::String(text) => Some(Value::text(&**text)),
            DeValue::Boolean(bool) => Some(Value::Bool(*bool)),
            DeValue::Datetime(date) => Some(Value::text(date.to_string())),
            DeValue::Integer(integer) => match i64::from_str_radix(integer.as_str(), integer.radix()) {
                Ok(number) => Some(Value::Number(number.into())),
                Err(_) => self.invalid(node, "an integer that 64 bits cannot hold", "too large", None),
            },
            DeValue::Float(float) => match float.as_str().parse().ok().and_then(serde_json::Number::from_f64) {
                Some(number) => Some(Value::Number(number)),
                None => self.invalid(node, "a number that JSON cannot hold", "not a finite number", None),
            },
            DeValue::Array(items) => {
                let mut values = Vec::with_capacity(items.len());
                for (at, item) in items.iter().enumerate() {
                    let span = self.span(item.span());
                    let node = Node { path: format!("{}[{at}]", node.path), key: span, span, value: item.get_ref() };
                    values.push(self.value(&node));
                }
                Some(Value::List(values.into_iter().collect::<Option<_>>()?))
            }
            DeValue::Table(table) => {
                let table = self.entries(&node.path, table);
                let values: Vec<_> = table.iter().map(|(name, node)| Some((name.into(), self.value(node)?))).collect();
                Some(Value::Map(Box::new(values.into_iter().collect::<Option<Map>>()?)))
            }
        }
    }
}
