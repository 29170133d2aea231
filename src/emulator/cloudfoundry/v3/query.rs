//! The query of a v3 request: which parameters there are, what they may say, and what they say (reference section 5.2).

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;

use super::message::humanized;
use super::selector::{self, Requirement};
use crate::emulator::cloudfoundry::call::Call;
use crate::emulator::cloudfoundry::errors::{Error, Failure};
use crate::emulator::cloudfoundry::metadata::Metadata;
use crate::emulator::cloudfoundry::store::stamp;

const DEFAULT_SIZE: usize = 50;
const LARGEST_SIZE: usize = 5000;

/// A parameter of one word, the words it knows, and what is said to any other.
pub(super) type Word = (&'static str, &'static [&'static str], &'static str);

/// A resource that `fields` can name, and the keys of it that can be asked for.
pub(super) type FieldsOf = (&'static str, &'static [&'static str]);

/// What a path accepts in its query.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameters {
    /// The columns a list may be ordered by; `None` for what is no list.
    pub(super) order: Option<&'static [&'static str]>,
    /// Filters: lists of values, separated by commas, one of which must match.
    pub(super) lists: &'static [&'static str],
    pub(super) words: &'static [Word],
    /// What `include` can name.
    pub(super) include: &'static [&'static str],
    pub(super) fields: &'static [FieldsOf],
    /// Whether the resources have labels to select by.
    pub(super) labels: bool,
}

impl Parameters {
    /// One resource, which takes no parameters.
    pub(super) const ONE: Self = Self { order: None, lists: &[], words: &[], include: &[], fields: &[], labels: false };
    /// A list of things with names and labels.
    pub(super) const NAMED: Self =
        Self { order: Some(&["created_at", "updated_at", "name"]), labels: true, ..Self::ONE };
    /// The filter of the marketplace by what can still be had.
    pub(super) const AVAILABLE: Word =
        ("available", &["true", "false"], "Available only accepts values 'true' or 'false'");

    fn known(&self) -> Vec<&'static str> {
        let paging: &[&str] = match self.order {
            Some(_) => &["page", "per_page", "order_by", "created_ats", "updated_ats", "guids"],
            None => &[],
        };
        let mut known = paging.to_vec();
        known.extend(self.lists);
        known.extend(self.words.iter().map(|(name, _, _)| name));
        for (name, there) in [
            ("include", !self.include.is_empty()),
            ("fields", !self.fields.is_empty()),
            ("label_selector", self.labels),
        ] {
            known.extend(there.then_some(name));
        }
        known
    }
}

/// How a list is ordered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Order {
    /// The default is the order of making.
    pub(super) column: Option<String>,
    pub(super) descending: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A filter by time, at whole seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Instants {
    OneOf(Vec<i64>),
    Compared(Vec<(Comparison, i64)>),
}

impl Instants {
    fn match_instant(&self, instant: Timestamp) -> bool {
        let second = instant.as_second();
        match self {
            Self::OneOf(seconds) => seconds.contains(&second),
            Self::Compared(bounds) => bounds.iter().all(|(comparison, bound)| match comparison {
                Comparison::Less => second < *bound,
                Comparison::LessOrEqual => second <= *bound,
                Comparison::Greater => second > *bound,
                Comparison::GreaterOrEqual => second >= *bound,
            }),
        }
    }
}

/// The values of a filter: as they were sent, and ready to be looked up.
#[derive(Clone, Debug, Default)]
struct Values {
    sent: Vec<String>,
    exact: HashSet<String>,
    folded: HashSet<String>,
}

impl Values {
    fn new(sent: Vec<String>) -> Self {
        let exact = sent.iter().cloned().collect();
        let folded = sent.iter().map(|value| value.to_lowercase()).collect();
        Self { sent, exact, folded }
    }
}

/// What a query says, once it is known to be right.
#[derive(Clone, Debug, Default)]
pub(super) struct Query {
    pub(super) page: usize,
    pub(super) per_page: usize,
    pub(super) order: Order,
    lists: BTreeMap<&'static str, Values>,
    words: BTreeMap<&'static str, String>,
    include: Vec<String>,
    fields: BTreeMap<&'static str, Vec<String>>,
    created: Option<Instants>,
    updated: Option<Instants>,
    labels: Vec<Requirement>,
}

impl Query {
    pub(super) fn read(call: &Call, parameters: &Parameters) -> Result<Self, Failure> {
        let mut reader = Reader { call, faults: Vec::new() };
        let mut query = Self { page: 1, per_page: DEFAULT_SIZE, ..Self::default() };
        if let Some(columns) = parameters.order {
            (query.page, query.per_page) = reader.page();
            query.order = reader.order(columns);
            query.created = reader.instants("created_ats");
            query.updated = reader.instants("updated_ats");
            query.lists.extend(reader.list("guids").map(|guids| ("guids", Values::new(guids))));
        }
        if parameters.labels
            && let Some(selector) = reader.last("label_selector")
        {
            match selector::parse(selector) {
                Ok(requirements) => query.labels = requirements,
                Err(faults) => reader.faults.extend(faults),
            }
        }
        reader.refuse_unknown(&parameters.known());
        query.include = reader.include(parameters.include);
        query.fields = reader.fields(parameters.fields);
        for &name in parameters.lists {
            query.lists.extend(reader.list(name).map(|values| (name, Values::new(values))));
        }
        for &(name, known, fault) in parameters.words {
            if let Some(word) = reader.last(name) {
                if !known.contains(&word) {
                    reader.faults.push(fault.to_owned());
                }
                query.words.insert(name, word.to_owned());
            }
        }
        if reader.faults.is_empty() {
            Ok(query)
        } else {
            Err(Error::BadQueryParameter.with(&[&reader.faults.join(", ")]))
        }
    }

    /// The values of a filter, if it is set.
    pub(super) fn list(&self, name: &str) -> Option<&[String]> {
        self.lists.get(name).map(|values| values.sent.as_slice())
    }

    /// Whether a filter, if it is set, lets a value pass.
    pub(super) fn admits(&self, name: &str, value: &str) -> bool {
        self.lists.get(name).is_none_or(|values| values.exact.contains(value))
    }

    /// The same in any letter case.
    pub(super) fn admits_folded(&self, name: &str, value: &str) -> bool {
        self.lists.get(name).is_none_or(|values| values.folded.contains(&value.to_lowercase()))
    }

    pub(super) fn word(&self, name: &str) -> Option<&str> {
        self.words.get(name).map(String::as_str)
    }

    /// Whether a filter by `true` or `false`, if it is set, lets a value pass.
    pub(super) fn admits_flag(&self, name: &str, value: bool) -> bool {
        self.word(name).is_none_or(|wanted| (wanted == "true") == value)
    }

    pub(super) fn includes(&self, what: &str) -> bool {
        self.include.iter().any(|included| included == what)
    }

    /// The keys asked for of a related resource, if any.
    pub(super) fn fields(&self, resource: &str) -> Option<&[String]> {
        self.fields.get(resource).map(Vec::as_slice)
    }

    /// Whether the filters that all lists share let a resource pass.
    pub(super) fn admits_row(
        &self,
        guid: &str,
        created: Timestamp,
        updated: Timestamp,
        metadata: Option<&Metadata>,
    ) -> bool {
        self.admits("guids", guid)
            && self.created.as_ref().is_none_or(|instants| instants.match_instant(created))
            && self.updated.as_ref().is_none_or(|instants| instants.match_instant(updated))
            && self.labels.iter().all(|requirement| {
                requirement.holds_for(metadata.map_or(&BTreeMap::new(), |metadata| &metadata.labels))
            })
    }
}

/// Reads parameters one by one and gathers what is wrong. Of a parameter that is sent twice, the last counts.
struct Reader<'a> {
    call: &'a Call,
    faults: Vec<String>,
}

impl<'a> Reader<'a> {
    fn last(&self, name: &str) -> Option<&'a str> {
        self.call.query.iter().rfind(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The parameters `name[key]`.
    fn nested(&self, name: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.call.query.iter().filter_map(move |(key, value)| {
            let key = key.strip_prefix(name)?.strip_prefix('[')?.strip_suffix(']')?;
            Some((key, value.as_str()))
        })
    }

    fn refuse_unknown(&mut self, known: &[&str]) {
        let mut unknown: Vec<&str> = Vec::new();
        for (key, _) in &self.call.query {
            let name = key.split('[').next().unwrap_or_default();
            if !known.contains(&name) && !unknown.contains(&name) {
                unknown.push(name);
            }
        }
        if !unknown.is_empty() {
            self.faults.push(format!(
                "Unknown query parameter(s): '{}'. Valid parameters are: '{}'",
                unknown.join("', '"),
                known.join("', '"),
            ));
        }
    }

    fn list(&self, name: &str) -> Option<Vec<String>> {
        Some(values(self.last(name)?))
    }

    fn page(&mut self) -> (usize, usize) {
        let mut positive = |name: &str, default: usize| match self.last(name) {
            None => default,
            Some(text) => {
                let number = leading_number(text);
                if number == 0 {
                    self.faults.push(format!("{} must be a positive integer", humanized(name)));
                }
                number
            }
        };
        let (page, per_page) = (positive("page", 1), positive("per_page", DEFAULT_SIZE));
        if per_page > LARGEST_SIZE {
            self.faults.push(format!("Per page must be between 1 and {LARGEST_SIZE}"));
        }
        (page, per_page)
    }

    fn order(&mut self, columns: &[&str]) -> Order {
        let Some(text) = self.last("order_by").filter(|text| !text.is_empty()) else { return Order::default() };
        let descending = text.starts_with('-');
        let column = text.strip_prefix(['-', '+']).unwrap_or(text);
        if !columns.contains(&column) {
            let valid: Vec<String> = columns.iter().map(|column| format!("'{column}'")).collect();
            self.faults.push(format!("Order by can only be: {}", valid.join(", ")));
        }
        Order { column: Some(column.to_owned()), descending }
    }

    fn instants(&mut self, name: &'static str) -> Option<Instants> {
        let bounds: Vec<(&str, &str)> = self.nested(name).collect();
        if bounds.is_empty() {
            let texts = values(self.last(name)?);
            return Some(Instants::OneOf(texts.iter().filter_map(|text| self.instant(name, text)).collect()));
        }
        let mut compared = Vec::new();
        for (operator, text) in bounds {
            let comparison = match operator {
                "lt" => Some(Comparison::Less),
                "lte" => Some(Comparison::LessOrEqual),
                "gt" => Some(Comparison::Greater),
                "gte" => Some(Comparison::GreaterOrEqual),
                _ => {
                    let fault = format!("{} Invalid relational operator: '{operator}'", humanized(name));
                    self.faults.push(fault);
                    None
                }
            };
            if text.contains(',') {
                let fault = format!("{} only accepts one value when using a relational operator", humanized(name));
                self.faults.push(fault);
                continue;
            }
            compared.extend(comparison.zip(self.instant(name, text)));
        }
        Some(Instants::Compared(compared))
    }

    fn instant(&mut self, name: &str, text: &str) -> Option<i64> {
        // Written in one way only: what reads as the same instant otherwise is refused too.
        let instant = text.parse::<Timestamp>().ok().filter(|instant| stamp(*instant) == text);
        if instant.is_none() {
            self.faults.push(format!(
                "{} has an invalid timestamp format. Timestamps should be formatted as 'YYYY-MM-DDThh:mm:ssZ'",
                humanized(name)
            ));
        }
        instant.map(Timestamp::as_second)
    }

    fn include(&mut self, known: &[&str]) -> Vec<String> {
        if known.is_empty() {
            return Vec::new();
        }
        let include = self.list("include").unwrap_or_default();
        for (place, name) in include.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                self.faults.push(format!(
                    "Invalid included resource: '{name}'. Valid included resources are: '{}'",
                    known.join("', '")
                ));
            } else if include[..place].contains(name) {
                self.faults.push(format!("Duplicate included resource: '{name}'"));
            }
        }
        include
    }

    fn fields(&mut self, known: &'static [FieldsOf]) -> BTreeMap<&'static str, Vec<String>> {
        let mut fields = BTreeMap::new();
        if known.is_empty() {
            return fields;
        }
        if self.last("fields").is_some() {
            self.faults.push("Fields must be an object".to_owned());
        }
        let quoted = |names: Vec<&str>| names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
        let asked: Vec<(&str, &str)> = self.nested("fields").collect();
        for (resource, text) in asked {
            let keys = values(text);
            match known.iter().find(|(name, _)| *name == resource) {
                None => {
                    let valid = quoted(known.iter().map(|(name, _)| *name).collect());
                    self.faults.push(format!("Fields [{resource}] valid resources are: {valid}"));
                }
                Some((_, valid)) if !keys.iter().all(|key| valid.contains(&key.as_str())) => {
                    self.faults.push(format!("Fields valid keys for '{resource}' are: {}", quoted(valid.to_vec())));
                }
                Some((name, _)) => {
                    fields.insert(*name, keys);
                }
            }
        }
        fields
    }
}

/// The number a text begins with, as Ruby's `to_i` reads it.
fn leading_number(text: &str) -> usize {
    let digits: String = text.trim_start().chars().take_while(char::is_ascii_digit).collect();
    if digits.is_empty() { 0 } else { digits.parse().unwrap_or(usize::MAX) }
}

/// The values of a list. Each is decoded once more, so that a comma in a value can be written `%2C`.
fn values(text: &str) -> Vec<String> {
    let mut pieces = text.split(',');
    let first = pieces.next().unwrap_or_default();
    std::iter::once(first).chain(pieces.map(str::trim_start)).map(|piece| decoded(piece).into_owned()).collect()
}

/// A text with its percent encoding undone. A `+` stays what it is.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let encoded = bytes
            .get(at + 1..at + 3)
            .filter(|digits| byte == b'%' && digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        plain.push(encoded.unwrap_or(byte));
        at += if encoded.is_some() { 3 } else { 1 };
    }
    Cow::Owned(String::from_utf8_lossy(&plain).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const THINGS: Parameters = Parameters {
        lists: &["names", "space_guids"],
        words: &[Parameters::AVAILABLE],
        include: &["space", "space.organization"],
        fields: &[("space", &["guid", "name"])],
        ..Parameters::NAMED
    };

    fn call(query: &str) -> Call {
        Call {
            method: "GET".to_owned(),
            path: "/v3/things".to_owned(),
            query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            headers: axum::http::HeaderMap::new(),
            body: axum::body::Bytes::new(),
        }
    }

    fn read(query: &str) -> Query {
        Query::read(&call(query), &THINGS).unwrap_or_else(|failure| panic!("{query}: {}", failure.description))
    }

    #[test]
    fn lists_are_split_at_commas_and_decoded_once_more() {
        let table = [
            ("names=a,b", vec!["a", "b"]),
            ("names=a%2Cb", vec!["a", "b"]),
            ("names=a%252Cb", vec!["a,b"]),
            ("names=a,%20%20b", vec!["a", "b"]),
            ("names=%20a", vec![" a"]),
            ("names=100%2525", vec!["100%"]),
            ("names=100%25", vec!["100%"]),
            ("names=a%2Bb", vec!["a+b"]),
            ("names=%25D0%25BA", vec!["к"]),
            ("names=", vec![""]),
            ("names=a&names=b", vec!["b"]),
        ];
        for (query, names) in table {
            assert_eq!(read(query).list("names").expect("it is set"), names, "{query}");
        }
        assert_eq!(read("").list("names"), None);
    }

    #[test]
    fn what_a_list_is_asked_wrongly_is_told_all_at_once() {
        let valid = "'page', 'per_page', 'order_by', 'created_ats', 'updated_ats', 'guids', 'names', 'space_guids', \
                     'available', 'include', 'fields', 'label_selector'";
        let format = "has an invalid timestamp format. Timestamps should be formatted as 'YYYY-MM-DDThh:mm:ssZ'";
        let unknown = |names: &str| format!("Unknown query parameter(s): {names}. Valid parameters are: {valid}");
        let table = [
            ("x=1&y[z]=2&x=3", unknown("'x', 'y'")),
            ("q=name:a", unknown("'q'")),
            ("page=0", "Page must be a positive integer".to_owned()),
            ("page=x", "Page must be a positive integer".to_owned()),
            ("page=-1", "Page must be a positive integer".to_owned()),
            ("per_page=0", "Per page must be a positive integer".to_owned()),
            ("per_page=5001", "Per page must be between 1 and 5000".to_owned()),
            ("order_by=guid", "Order by can only be: 'created_at', 'updated_at', 'name'".to_owned()),
            ("available=yes", "Available only accepts values 'true' or 'false'".to_owned()),
            (
                "include=app",
                "Invalid included resource: 'app'. Valid included resources are: 'space', 'space.organization'"
                    .to_owned(),
            ),
            ("include=space,space", "Duplicate included resource: 'space'".to_owned()),
            ("fields=space", "Fields must be an object".to_owned()),
            ("fields[plan]=guid", "Fields [plan] valid resources are: 'space'".to_owned()),
            ("fields[space]=guid,size", "Fields valid keys for 'space' are: 'guid', 'name'".to_owned()),
            ("created_ats=2026-09-01", format!("Created ats {format}")),
            ("updated_ats=2026-09-01T12:00:00%2B00:00", format!("Updated ats {format}")),
            ("created_ats[lt]=yesterday", format!("Created ats {format}")),
            ("created_ats[like]=2026-09-01T12:00:00Z", "Created ats Invalid relational operator: 'like'".to_owned()),
            (
                "created_ats[lt]=2026-09-01T12:00:00Z,2026-09-01T12:00:00Z",
                "Created ats only accepts one value when using a relational operator".to_owned(),
            ),
            ("label_selector=", "Missing label_selector value".to_owned()),
            ("page=0&x=1", format!("Page must be a positive integer, {}", unknown("'x'"))),
        ];
        for (query, fault) in table {
            let failure = Query::read(&call(query), &THINGS).expect_err(query);
            assert_eq!((failure.code, failure.status), (10005, 400), "{query}");
            assert_eq!(failure.description, format!("The query parameter is invalid: {fault}"), "{query}");
        }
        let failure = Query::read(&call("include=space&page=1"), &Parameters::ONE).expect_err("it takes none");
        assert!(failure.description.contains("Unknown query parameter(s): 'include', 'page'."));
    }

    #[test]
    fn times_match_by_the_second() {
        let at = |text: &str| text.parse::<Timestamp>().expect("an instant");
        let admits =
            |query: &str| read(query).admits_row("g", at("2026-09-01T12:00:00.5Z"), at("2026-09-01T12:00:10Z"), None);
        let table = [
            ("created_ats=2026-09-01T12:00:00Z", true),
            ("created_ats=2026-09-01T12:00:01Z,2026-09-01T12:00:00Z", true),
            ("created_ats=2026-09-01T12:00:01Z", false),
            ("created_ats[lt]=2026-09-01T12:00:00Z", false),
            ("created_ats[lte]=2026-09-01T12:00:00Z", true),
            ("created_ats[gt]=2026-09-01T12:00:00Z", false),
            ("created_ats[gte]=2026-09-01T12:00:00Z", true),
            ("updated_ats[gt]=2026-09-01T12:00:05Z&updated_ats[lt]=2026-09-01T12:00:15Z", true),
            ("updated_ats[gt]=2026-09-01T12:00:05Z&updated_ats[lt]=2026-09-01T12:00:08Z", false),
            ("guids=f,g", true),
            ("guids=f", false),
            ("label_selector=!a", true),
            ("label_selector=a", false),
        ];
        for (query, expected) in table {
            assert_eq!(admits(query), expected, "{query}");
        }
    }

    #[test]
    fn orders_and_pages_are_read_with_their_defaults() {
        let query = read("");
        assert_eq!((query.page, query.per_page, query.order), (1, 50, Order::default()));
        let table = [("order_by=name", false), ("order_by=%2Bname", false), ("order_by=-name", true)];
        for (text, descending) in table {
            assert_eq!(read(text).order, Order { column: Some("name".to_owned()), descending }, "{text}");
        }
        let query = read("page=3&per_page=5000&order_by=");
        assert_eq!((query.page, query.per_page, query.order), (3, 5000, Order::default()));
    }
}
