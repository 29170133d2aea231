//! Lists of v2: the `q` grammar, pages, and their envelope (reference section 5.1).

use std::borrow::Cow;

use serde_json::{Value, json};

use super::Context;
use crate::emulator::cloudfoundry::call::{Answer, Call, Reply};
use crate::emulator::cloudfoundry::errors::{Error, Failure};
use crate::emulator::cloudfoundry::table::Id;

const DEFAULT_SIZE: usize = 50;
const LARGEST_SIZE: usize = 100;
const DEEPEST: u8 = 3;

/// One condition of a `q` parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) key: String,
    operator: Operator,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    In,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What a filter compares with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Attribute<'a> {
    Text(&'a str),
    /// Compared in any letter case.
    Folded(&'a str),
    Flag(bool),
    Null,
    /// Matches if one of them does: a relation to many.
    AnyOf(&'a [&'a str]),
}

impl Filter {
    /// Longest first, so that `>=` is not taken for `>`.
    const OPERATORS: [(&'static str, Operator); 6] = [
        (">=", Operator::GreaterOrEqual),
        ("<=", Operator::LessOrEqual),
        (":", Operator::Equal),
        ("<", Operator::Less),
        (">", Operator::Greater),
        (" IN ", Operator::In),
    ];

    /// Reads `key:value`: the first operator splits, so the value may hold others.
    fn read(condition: &str) -> Option<Self> {
        let (at, symbol, operator) = Self::OPERATORS
            .iter()
            .filter_map(|&(symbol, operator)| Some((condition.find(symbol)?, symbol, operator)))
            .min_by_key(|(at, symbol, _)| (*at, std::cmp::Reverse(symbol.len())))?;
        let (key, value) = (condition[..at].to_owned(), &condition[at + symbol.len()..]);
        let values = match operator {
            // A comma in a name cannot be written here.
            Operator::In => value.split(',').map(str::to_owned).collect(),
            _ => vec![value.to_owned()],
        };
        Some(Self { key, operator, values })
    }

    /// The one value this filter wants equality with.
    pub(super) fn exactly(&self) -> Option<&str> {
        match (self.operator, self.values.as_slice()) {
            (Operator::Equal | Operator::In, [value]) if !value.is_empty() => Some(value),
            _ => None,
        }
    }

    /// The values this filter wants equality with one of.
    pub(super) fn one_of(&self) -> Option<&[String]> {
        let wanted = matches!(self.operator, Operator::Equal | Operator::In);
        (wanted && self.values.iter().all(|value| !value.is_empty())).then_some(self.values.as_slice())
    }

    pub(super) fn matches(&self, attribute: Attribute<'_>) -> bool {
        self.values.iter().any(|value| match attribute {
            // An empty value asks for what is not set.
            Attribute::Null => value.is_empty() && matches!(self.operator, Operator::Equal | Operator::In),
            _ if value.is_empty() => false,
            Attribute::Text(text) => self.compare(text, value),
            Attribute::Folded(text) => self.compare(&text.to_lowercase(), &value.to_lowercase()),
            Attribute::Flag(flag) => matches!(value.as_str(), "t" | "true") == flag,
            Attribute::AnyOf(texts) => texts.iter().any(|text| self.compare(text, value)),
        })
    }

    fn compare(&self, text: &str, value: &str) -> bool {
        match self.operator {
            Operator::Equal | Operator::In => text == value,
            Operator::Less => text < value,
            Operator::LessOrEqual => text <= value,
            Operator::Greater => text > value,
            Operator::GreaterOrEqual => text >= value,
        }
    }
}

/// The conditions of a request, all of which must hold. For the keys in `whole`, a `q` is one condition to its end: no
/// `;` splits it and no `;;` is undone. That is how the list of service instances treats names.
pub(super) fn filters(call: &Call, known: &[&str], whole: &[&str]) -> Result<Vec<Filter>, Failure> {
    let mut filters = Vec::new();
    for (_, q) in call.query.iter().filter(|(key, _)| key == "q") {
        let conditions = match Filter::read(q) {
            Some(filter) if whole.contains(&filter.key.as_str()) => vec![q.clone()],
            _ => split(q),
        };
        for condition in conditions {
            let filter = Filter::read(&condition).filter(|filter| known.contains(&filter.key.as_str()));
            filters.push(filter.ok_or_else(|| Error::BadQueryParameter.with(&[&condition]))?);
        }
    }
    Ok(filters)
}

/// Splits at each single `;`, and turns each `;;` into one.
fn split(q: &str) -> Vec<String> {
    let mut conditions = vec![String::new()];
    let mut letters = q.chars().peekable();
    while let Some(letter) = letters.next() {
        let last = conditions.last_mut().expect("the list is never empty");
        match letter {
            ';' if letters.peek() == Some(&';') => {
                letters.next();
                last.push(';');
            }
            ';' => conditions.push(String::new()),
            _ => last.push(letter),
        }
    }
    conditions
}

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug)]
struct Page {
    number: usize,
    size: usize,
    descending: bool,
}

impl Page {
    fn read(call: &Call) -> Result<Self, Failure> {
        let number = match call.parameter("page") {
            None => 1,
            // Ruby's `Integer()` raises, and nobody catches it.
            Some(text) => text.parse::<i64>().map_err(|_| Failure::unknown())?,
        };
        let bad = |what: &str| Error::BadQueryParameter.with(&[what]);
        let number = usize::try_from(number).ok().filter(|&number| number > 0).ok_or_else(|| bad("page"))?;
        let size = match call.parameter("results-per-page") {
            None => DEFAULT_SIZE,
            Some(text) => {
                let size = text.parse::<i64>().map_err(|_| Failure::unknown())?;
                let size = usize::try_from(size).ok().filter(|&size| size > 0);
                size.filter(|&size| size <= LARGEST_SIZE)
                    .ok_or_else(|| bad(&format!("results_per_page must be between 1 and {LARGEST_SIZE}")))?
            }
        };
        let descending = match call.parameter("order-direction") {
            None | Some("asc") => false,
            Some("desc") => true,
            Some(_) => return Err(bad("order_direction must be 'asc' or 'desc'")),
        };
        Ok(Self { number, size, descending })
    }
}

/// How deep related resources are put into their parents.
pub(super) fn depth(call: &Call) -> Result<u8, Failure> {
    match call.parameter("inline-relations-depth") {
        None => Ok(0),
        Some(text) => {
            let depth = text.parse::<i64>().map_err(|_| Failure::unknown())?;
            u8::try_from(depth).ok().filter(|&depth| depth <= DEEPEST).ok_or_else(|| {
                Error::BadQueryParameter.with(&[&format!("inline_relations_depth must be between 0 and {DEEPEST}")])
            })
        }
    }
}

/// The columns a list may be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// None may be chosen: `order-by` is an internal error, whatever it says.
    Fixed,
    /// `id` or `name`.
    ByName,
}

/// Whether the request wants its list ordered by name.
pub(super) fn by_name(call: &Call, order: Order) -> Result<bool, Failure> {
    match (call.parameter("order-by"), order) {
        (None, _) | (Some("id"), Order::ByName) => Ok(false),
        (Some("name"), Order::ByName) => Ok(true),
        (Some(column), _) => Err(Error::OrderByParameterInvalid.with(&[column])),
    }
}

/// One page of a list whose ids are in order; only what is on the page is rendered.
pub(super) fn page(context: &Context<'_>, ids: &[Id], render: impl Fn(Id) -> Option<Value>) -> Answer {
    let call = context.call;
    let page = Page::read(call)?;
    let pages = ids.len().div_ceil(page.size);
    let from = (page.number - 1).saturating_mul(page.size).min(ids.len());
    let to = from.saturating_add(page.size).min(ids.len());
    let resources: Vec<Value> = if page.descending {
        ids[ids.len() - to..ids.len() - from].iter().rev().filter_map(|&id| render(id)).collect()
    } else {
        ids[from..to].iter().filter_map(|&id| render(id)).collect()
    };
    let link = |number: usize| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("order-direction", if page.descending { "desc" } else { "asc" });
        query.append_pair("page", &number.to_string());
        query.append_pair("results-per-page", &page.size.to_string());
        for (key, value) in &call.query {
            if !matches!(key.as_str(), "page" | "results-per-page" | "order-direction") {
                query.append_pair(key, value);
            }
        }
        Value::String(format!("{}?{}", call.path, query.finish()))
    };
    let previous = if page.number > 1 { link(page.number - 1) } else { Value::Null };
    let next = if page.number < pages { link(page.number + 1) } else { Value::Null };
    Ok(Reply::json(
        200,
        json!({
            "total_results": ids.len(),
            "total_pages": pages,
            "prev_url": previous,
            "next_url": next,
            "resources": resources,
        }),
    ))
}

/// Keeps the ids of a list that pass a test; a list that need not be tested is passed on as it is.
pub(super) fn sift(ids: Cow<'_, [Id]>, needed: bool, mut passes: impl FnMut(Id) -> bool) -> Cow<'_, [Id]> {
    if needed { Cow::Owned(ids.iter().copied().filter(|&id| passes(id)).collect()) } else { ids }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(query: &str) -> Call {
        Call {
            method: "GET".to_owned(),
            path: "/v2/things".to_owned(),
            query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            headers: axum::http::HeaderMap::new(),
            body: axum::body::Bytes::new(),
        }
    }

    fn read(query: &str, whole: &[&str]) -> Vec<(String, Operator, Vec<String>)> {
        let filters = filters(&call(query), &["name", "guid", "active"], whole).expect("the filters are fine");
        filters.into_iter().map(|f| (f.key, f.operator, f.values)).collect()
    }

    fn equal(key: &str, value: &str) -> (String, Operator, Vec<String>) {
        (key.to_owned(), Operator::Equal, vec![value.to_owned()])
    }

    #[test]
    fn q_is_read_as_the_cloud_controller_reads_it() {
        let table = [
            ("q=name:a", vec![equal("name", "a")]),
            ("q=name:a:b>c", vec![equal("name", "a:b>c")]),
            ("q=name:a;guid:b", vec![equal("name", "a"), equal("guid", "b")]),
            ("q=name:a&q=guid:b", vec![equal("name", "a"), equal("guid", "b")]),
            ("q=name:a;;guid:b", vec![equal("name", "a;guid:b")]),
            ("q=name%20IN%20a,b", vec![("name".to_owned(), Operator::In, vec!["a".to_owned(), "b".to_owned()])]),
            ("q=name%3E%3Da", vec![("name".to_owned(), Operator::GreaterOrEqual, vec!["a".to_owned()])]),
            ("q=name%3Ca", vec![("name".to_owned(), Operator::Less, vec!["a".to_owned()])]),
            ("q=name:", vec![equal("name", "")]),
        ];
        for (query, expected) in table {
            assert_eq!(read(query, &[]), expected, "{query}");
        }
    }

    #[test]
    fn a_key_that_takes_its_whole_value_is_neither_split_nor_unescaped() {
        assert_eq!(read("q=name:a;guid:b", &["name"]), [equal("name", "a;guid:b")]);
        assert_eq!(read("q=name:a;;b", &["name"]), [equal("name", "a;;b")]);
        assert_eq!(read("q=guid:a;name:b", &["name"]), [equal("guid", "a"), equal("name", "b")]);
    }

    #[test]
    fn an_unknown_key_and_a_condition_without_an_operator_are_refused() {
        for query in ["q=colour:red", "q=name", "q=name:a;colour:red", "q="] {
            let failure = filters(&call(query), &["name"], &[]).expect_err(query);
            assert_eq!((failure.code, failure.status), (10005, 400), "{query}");
        }
    }

    #[test]
    fn filters_match_by_type() {
        let filter = |q: &str| Filter::read(q).expect("a filter");
        let table = [
            ("name:a", Attribute::Text("a"), true),
            ("name:A", Attribute::Text("a"), false),
            ("name:A", Attribute::Folded("a"), true),
            ("name IN b,a", Attribute::Text("a"), true),
            ("name:", Attribute::Null, true),
            ("name:", Attribute::Text("a"), false),
            ("name:a", Attribute::Null, false),
            ("active:true", Attribute::Flag(true), true),
            ("active:t", Attribute::Flag(true), true),
            ("active:false", Attribute::Flag(true), false),
            ("active:false", Attribute::Flag(false), true),
            ("name>a", Attribute::Text("b"), true),
            ("name<=a", Attribute::Text("b"), false),
            ("name:b", Attribute::AnyOf(&["a", "b"]), true),
            ("name:c", Attribute::AnyOf(&["a", "b"]), false),
        ];
        for (q, attribute, expected) in table {
            assert_eq!(filter(q).matches(attribute), expected, "{q} {attribute:?}");
        }
    }

    fn page_of(query: &str) -> Answer {
        let call = call(query);
        let caller = crate::emulator::cloudfoundry::access::Caller::nobody();
        let context = Context { call: &call, caller, now: jiff::Timestamp::UNIX_EPOCH, guids: Vec::new() };
        page(&context, &[1, 2, 3, 4, 5], |id| Some(json!(id)))
    }

    #[test]
    fn pages_follow_each_other_by_relative_links_that_keep_the_filters() {
        let table = [
            ("", json!([1, 2, 3, 4, 5]), 1, json!(null), json!(null)),
            (
                "results-per-page=2&q=name:a%20b",
                json!([1, 2]),
                3,
                json!(null),
                json!("/v2/things?order-direction=asc&page=2&results-per-page=2&q=name%3Aa+b"),
            ),
            (
                "results-per-page=2&page=3&order-direction=desc",
                json!([1]),
                3,
                json!("/v2/things?order-direction=desc&page=2&results-per-page=2"),
                json!(null),
            ),
            (
                "results-per-page=2&page=9",
                json!([]),
                3,
                json!("/v2/things?order-direction=asc&page=8&results-per-page=2"),
                json!(null),
            ),
        ];
        for (query, resources, pages, previous, next) in table {
            let Ok(Reply { body: crate::emulator::cloudfoundry::call::ReplyBody::Json(body), .. }) = page_of(query)
            else {
                panic!("{query} is fine");
            };
            let expected = json!({"total_results": 5, "total_pages": pages, "prev_url": previous, "next_url": next, "resources": resources});
            assert_eq!(body, expected, "{query}");
        }
    }

    #[test]
    fn bad_page_parameters_are_refused() {
        let table = [
            ("page=x", 500, 10001),
            ("page=0", 400, 10005),
            ("results-per-page=101", 400, 10005),
            ("results-per-page=0", 400, 10005),
            ("order-direction=up", 400, 10005),
        ];
        for (query, status, code) in table {
            let failure = page_of(query).expect_err(query);
            assert_eq!((failure.status, failure.code), (status, code), "{query}");
        }
        assert_eq!(depth(&call("inline-relations-depth=4")).expect_err("too deep").code, 10005);
        assert_eq!(depth(&call("inline-relations-depth=3")).expect("deep enough"), 3);
    }

    #[test]
    fn only_lists_of_names_can_be_ordered_and_the_others_break() {
        assert!(!by_name(&call(""), Order::Fixed).expect("nothing asked"));
        assert!(by_name(&call("order-by=name"), Order::ByName).expect("a column"));
        assert!(!by_name(&call("order-by=id"), Order::ByName).expect("a column"));
        for (query, order) in [("order-by=name", Order::Fixed), ("order-by=guid", Order::ByName)] {
            let failure = by_name(&call(query), order).expect_err(query);
            assert_eq!((failure.status, failure.code), (500, 10012), "{query}");
        }
    }
}
