//! Pages of a collection (§4).

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
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
    #[serde(rename = "createdAt")]
    created_at: Stamp,
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
        self,
        rows: &Collection<T>,
        shape: ListShape,
        plural: &str,
        view: impl Fn(&T) -> Value,
    ) -> Result<Value, Problem> {
        let after = self.cursor.map(|cursor| decode(&cursor, plural)).transpose()?;
        if matches!(shape, ListShape::Array | ListShape::Total) {
            let items: Vec<Value> = rows.newest(None).map(|row| view(row)).collect();
            return Ok(if shape == ListShape::Array {
                items.into()
            } else {
                json!({ "total": items.len(), "items": items })
            });
        }
        let found: Vec<_> = rows.newest(after).take(self.limit + 1).collect();
        let has_more = found.len() > self.limit;
        let shown = &found[..found.len().min(self.limit)];
        let items: Vec<Value> = shown.iter().map(|row| view(row)).collect();
        let mut page = json!({ "items": items, "hasMore": has_more });
        if has_more
            && shape == ListShape::Pages
            && let Some(last) = shown.last()
        {
            page["nextCursor"] = encode(last.as_ref()).into();
        }
        Ok(page)
    }
}

fn encode(last: &impl Record) -> String {
    let cursor = json!({ "createdAt": last.created_at(), "id": last.id() });
    BASE64_URL_SAFE_NO_PAD.encode(cursor.to_string())
}

fn decode(text: &str, plural: &str) -> Result<(Stamp, String), Problem> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok();
    let cursor: Option<Cursor> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    match cursor {
        Some(cursor) => Ok((cursor.created_at, cursor.id)),
        None => Err(Problem::new(400, format!("{plural}.InvalidCursor"), "invalid pagination cursor")),
    }
}
