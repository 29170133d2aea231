//! Lists of v3: what passes the filters, in order, page by page, and their envelope (reference section 5.2).

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Context;
use super::query::Query;
use crate::emulator::cloudfoundry::call::Reply;
use crate::emulator::cloudfoundry::metadata::Metadata;
use crate::emulator::cloudfoundry::store::{Binding, Broker, Instance, Offering, Organization, Plan, Space};
use crate::emulator::cloudfoundry::table::Row;

/// What a list can be filtered by and ordered by, whatever it holds.
pub(super) trait Listed: Row {
    fn name(&self) -> &str;
    fn created(&self) -> Timestamp;
    fn updated(&self) -> Timestamp;
    /// The labels and annotations, where this kind of thing has any.
    fn metadata(&self) -> Option<&Metadata>;
}

macro_rules! listed {
    ($($row:ty: $updated:ident, $metadata:expr;)+) => {
        $(impl Listed for $row {
            fn name(&self) -> &str { &self.name }
            fn created(&self) -> Timestamp { self.created_at }
            fn updated(&self) -> Timestamp { self.$updated }
            fn metadata(&self) -> Option<&Metadata> {
                let metadata: fn(&$row) -> Option<&Metadata> = $metadata;
                metadata(self)
            }
        })+
    };
}
listed! {
    Organization: updated_at, |row| Some(&row.metadata);
    Space: updated_at, |row| Some(&row.metadata);
    Broker: created_at, |_| None;
    Offering: created_at, |row| Some(&row.metadata);
    Plan: created_at, |row| Some(&row.metadata);
    Instance: updated_at, |row| Some(&row.metadata);
}

impl Listed for Binding {
    fn name(&self) -> &str {
        &self.name
    }

    fn created(&self) -> Timestamp {
        self.created_at
    }

    fn updated(&self) -> Timestamp {
        self.updated_at()
    }

    fn metadata(&self) -> Option<&Metadata> {
        Some(&self.metadata)
    }
}

/// The rows that pass the filters all lists share and one of its own, in the order that is asked for. Without one, and
/// among equals, they stay in the order they come in.
pub(super) fn sift<'a, T: Listed>(
    query: &Query,
    rows: impl Iterator<Item = &'a T>,
    admits: impl Fn(&T) -> bool,
) -> Vec<&'a T> {
    let mut sifted: Vec<&T> = rows
        .filter(|row| query.admits_row(row.guid(), row.created(), row.updated(), row.metadata()) && admits(row))
        .collect();
    if let Some(column) = &query.order.column {
        let compare = |one: &&T, other: &&T| -> Ordering {
            match column.as_str() {
                "name" => one.name().cmp(other.name()),
                "updated_at" => one.updated().cmp(&other.updated()),
                _ => one.created().cmp(&other.created()),
            }
        };
        sifted.sort_by(compare);
        if query.order.descending {
            sifted.reverse();
        }
    }
    sifted
}

/// One page of a list.
#[derive(Debug)]
pub(super) struct Page<'a, T> {
    pub(super) rows: Vec<&'a T>,
    pagination: Value,
}

impl<'a, T> Page<'a, T> {
    pub(super) fn of(context: &Context<'_>, query: &Query, rows: &[&'a T]) -> Self {
        let from = (query.page - 1).saturating_mul(query.per_page).min(rows.len());
        let to = from.saturating_add(query.per_page).min(rows.len());
        // The total comes with the rows of the page: where there are none, it is none (section 5.2).
        let total = if from == to { 0 } else { rows.len() };
        let pages = total.div_ceil(query.per_page).max(1);
        let link = |page: usize| link(context, query, page);
        let pagination = json!({
            "total_results": total,
            "total_pages": pages,
            "first": link(1),
            "last": link(pages),
            "next": (query.page < pages).then(|| link(query.page + 1)),
            "previous": (query.page > 1).then(|| link(query.page - 1)),
        });
        Self { rows: rows[from..to].to_vec(), pagination }
    }

    /// The reply, with what is included beside the resources, if anything can be.
    pub(super) fn reply(&self, render: impl Fn(&T) -> Value, included: Option<Included>) -> Reply {
        let resources: Value = self.rows.iter().map(|row| render(row)).collect();
        let mut body = json!({"pagination": self.pagination, "resources": resources});
        if let Some(Included(included)) = included {
            body["included"] = Value::Object(included);
        }
        Reply::json(200, body)
    }
}

/// The absolute link to a page: all parameters in the order of their names.
fn link(context: &Context<'_>, query: &Query, page: usize) -> Value {
    let mut parameters =
        vec![("page".to_owned(), page.to_string()), ("per_page".to_owned(), query.per_page.to_string())];
    if let Some(column) = &query.order.column {
        let sign = if query.order.descending { '-' } else { '+' };
        parameters.push(("order_by".to_owned(), format!("{sign}{column}")));
    }
    let own = context.call.query.iter().filter(|(key, _)| !matches!(key.as_str(), "page" | "per_page" | "order_by"));
    parameters.extend(own.cloned());
    parameters.sort();
    let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    json!({"href": format!("{}{}?{text}", context.origin, context.call.path)})
}

/// Related resources beside those that were asked for, each once, by the name of their collection.
#[derive(Clone, Debug, Default)]
pub(super) struct Included(Map<String, Value>);

impl Included {
    /// Adds a collection: whole resources, or the keys of them that were asked for.
    pub(super) fn add<'a, T: Row + 'a>(
        &mut self,
        collection: &str,
        rows: impl Iterator<Item = &'a T>,
        keys: Option<&[String]>,
        render: impl Fn(&T) -> Value,
    ) {
        let mut rows: Vec<&T> = rows.collect();
        rows.sort_by_key(|row| row.id());
        rows.dedup_by_key(|row| row.id());
        let resources = rows.into_iter().map(|row| match keys {
            None => render(row),
            Some(keys) => picked(&render(row), keys),
        });
        self.0.insert(collection.to_owned(), resources.collect());
    }

    /// Whether no collection was added, not even one without anything in it.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is included with one resource, put into it.
    pub(super) fn put_into(self, resource: &mut Value) {
        resource["included"] = Value::Object(self.0);
    }
}

/// Of a resource, only these keys. `relationships.organization` is the one within the other.
fn picked(resource: &Value, keys: &[String]) -> Value {
    let mut picked = json!({});
    for key in keys {
        match key.split_once('.') {
            Some((outer, inner)) => picked[outer][inner] = resource[outer][inner].clone(),
            // What is hidden from the caller is not there.
            None => {
                if let Some(value) = resource.get(key) {
                    picked[key] = value.clone();
                }
            }
        }
    }
    picked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::cloudfoundry::access::Caller;
    use crate::emulator::cloudfoundry::call::{Call, ReplyBody};
    use crate::emulator::cloudfoundry::v3::query::Parameters;

    fn page_of(text: &str) -> Value {
        let call = Call {
            method: "GET".to_owned(),
            path: "/v3/things".to_owned(),
            query: url::form_urlencoded::parse(text.as_bytes()).into_owned().collect(),
            headers: axum::http::HeaderMap::new(),
            body: axum::body::Bytes::new(),
        };
        let parameters = Parameters { lists: &["names"], ..Parameters::NAMED };
        let query = Query::read(&call, &parameters).expect("the query is fine");
        let (caller, now) = (Caller::nobody(), Timestamp::UNIX_EPOCH);
        let origin = "http://api".to_owned();
        let context = Context { call: &call, caller, now, guids: Vec::new(), body: Map::new(), origin };
        let reply = Page::of(&context, &query, &[&1, &2, &3, &4, &5]).reply(|number| json!(number), None);
        let ReplyBody::Json(body) = reply.body else { panic!("{text} is fine") };
        body
    }

    #[test]
    fn pages_follow_each_other_by_absolute_links_that_keep_the_filters() {
        let first = page_of("per_page=2&names=a%252Cb,c&order_by=-name");
        let link = |page: usize| {
            let query = format!("names=a%252Cb%2Cc&order_by=-name&page={page}&per_page=2");
            json!({"href": format!("http://api/v3/things?{query}")})
        };
        let expected = json!({
            "total_results": 5, "total_pages": 3,
            "first": link(1), "last": link(3), "next": link(2), "previous": null,
        });
        assert_eq!((&first["pagination"], &first["resources"]), (&expected, &json!([1, 2])));
        let last = page_of("per_page=2&page=3&order_by=name");
        assert_eq!((&last["resources"], &last["pagination"]["next"]), (&json!([5]), &json!(null)));
        let previous = "http://api/v3/things?order_by=%2Bname&page=2&per_page=2";
        assert_eq!(last["pagination"]["previous"]["href"], previous);
    }

    #[test]
    fn a_page_past_the_end_knows_of_no_results() {
        let past = page_of("per_page=2&page=9");
        let link = |page: usize| json!({"href": format!("http://api/v3/things?page={page}&per_page=2")});
        let expected = json!({
            "total_results": 0, "total_pages": 1,
            "first": link(1), "last": link(1), "next": null, "previous": link(8),
        });
        assert_eq!(past, json!({"pagination": expected, "resources": []}));
    }

    #[test]
    fn of_an_included_resource_only_the_keys_asked_for_are_shown() {
        let space =
            json!({"guid": "s", "name": "dev", "relationships": {"organization": {"data": {"guid": "o"}}, "quota": 1}});
        let keys = ["guid".to_owned(), "relationships.organization".to_owned()];
        let expected = json!({"guid": "s", "relationships": {"organization": {"data": {"guid": "o"}}}});
        assert_eq!(picked(&space, &keys), expected);
    }
}
