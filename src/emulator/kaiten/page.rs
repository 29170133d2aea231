//! Pages of a collection (§4).

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::call::Call;
use super::collection::{Collection, Record};
use super::problem::{Problem, Violation};
use super::stamp::Stamp;

const DEFAULT: usize = 50;
const LARGEST: usize = 200;

/// How lists are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ListShape {
    /// `{items, hasMore, nextCursor}`: the contract.
    #[default]
    Pages,
    /// A bare array of everything, as before pagination.
    Array,
    /// `{items, total}` with everything, as the documentation has it in one place.
    Total,
    /// Pages that say `hasMore` and give no cursor: a broken server.
    PagesWithoutCursor,
}

/// The part of a collection a request asks for.
#[derive(Debug)]
pub(super) struct Window {
    limit: usize,
    cursor: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Cursor {
    #[serde(rename = "createdAt", skip_serializing_if = "Option::is_none")]
    created_at: Option<Stamp>,
    id: String,
}

impl Window {
    /// Reads `limit` and `cursor`; a limit out of bounds breaks the schema.
    pub(super) fn of(call: &Call) -> Result<Self, Problem> {
        let cursor = call.parameter("cursor").filter(|cursor| !cursor.is_empty());
        let Some(limit) = call.parameter("limit").filter(|limit| !limit.is_empty()) else {
            return Ok(Self { limit: DEFAULT, cursor });
        };
        let refuse = |message: &str, value: Value| {
            let violation = Violation { location: "query.limit".to_owned(), message: message.to_owned(), value };
            Problem::schema(vec![violation])
        };
        match limit.parse::<i32>() {
            Err(_) => Err(refuse("invalid integer", limit.into())),
            Ok(limit) if limit < 1 => Err(refuse("expected number >= 1", limit.into())),
            Ok(limit) => match usize::try_from(limit) {
                Ok(limit) if limit <= LARGEST => Ok(Self { limit, cursor }),
                _ => Err(refuse("expected number <= 200", limit.into())),
            },
        }
    }

    /// Everything.
    pub(super) fn all() -> Self {
        Self { limit: usize::MAX - 1, cursor: None }
    }

    /// The rows in the window, newest first. `plural` is the word in the code of a cursor that is none.
    pub(super) fn answer<T: Record>(
        &self,
        rows: &Collection<T>,
        shape: ListShape,
        plural: &str,
        view: impl Fn(&T) -> Value,
    ) -> Result<Value, Problem> {
        let after = match self.cursor::<Cursor>(plural)? {
            None => None,
            Some(Cursor { created_at: Some(created_at), id }) => Some((created_at, id)),
            Some(Cursor { created_at: None, id }) if !T::HAS_TIME => Some((Stamp::UNSET, id)),
            Some(_) => return Err(invalid(plural)),
        };
        let everything = matches!(shape, ListShape::Array | ListShape::Total);
        let rows = rows.newest(after.filter(|_| !everything)).map(AsRef::as_ref);
        Ok(self.page(rows, shape, view, encode))
    }

    /// The first of these rows, which begin where the cursor points, as a page.
    pub(super) fn page<'a, T: 'a>(
        &self,
        rows: impl Iterator<Item = &'a T>,
        shape: ListShape,
        view: impl Fn(&T) -> Value,
        cursor: impl Fn(&T) -> Value,
    ) -> Value {
        if matches!(shape, ListShape::Array | ListShape::Total) {
            let items: Vec<Value> = rows.map(view).collect();
            return if shape == ListShape::Array {
                items.into()
            } else {
                json!({ "total": items.len(), "items": items })
            };
        }
        let found: Vec<_> = rows.take(self.limit + 1).collect();
        let has_more = found.len() > self.limit;
        let shown = &found[..found.len().min(self.limit)];
        let items: Vec<Value> = shown.iter().map(|row| view(row)).collect();
        let mut page = json!({ "items": items, "hasMore": has_more });
        if has_more
            && shape == ListShape::Pages
            && let Some(last) = shown.last()
        {
            page["nextCursor"] = BASE64_URL_SAFE_NO_PAD.encode(cursor(last).to_string()).into();
        }
        page
    }

    /// What the cursor holds, if there is one.
    pub(super) fn cursor<T: DeserializeOwned>(&self, plural: &str) -> Result<Option<T>, Problem> {
        let Some(text) = self.cursor.as_deref() else { return Ok(None) };
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok();
        let cursor = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        cursor.map(Some).ok_or_else(|| invalid(plural))
    }
}

fn encode(last: &impl Record) -> Value {
    json!(Cursor { created_at: has_time(last).then(|| last.created_at()), id: last.id().to_owned() })
}

fn has_time<T: Record>(_: &T) -> bool {
    T::HAS_TIME
}

fn invalid(plural: &str) -> Problem {
    Problem::new(400, format!("{plural}.InvalidCursor"), "invalid pagination cursor")
}
