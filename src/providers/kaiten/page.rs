//! Reading a collection to its end, in the three forms lists have had (reference §4, §12).

use std::collections::HashSet;

use serde_json::Value as Json;

use super::wire::Row;
use crate::http::segment;

/// A walk over the pages of a collection.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// The rows of the pages so far, until they are taken away.
    pub(super) rows: Vec<Row>,
    cursor: Option<String>,
    seen: HashSet<String>,
}

impl Walk {
    /// What to add to the query for the next page.
    pub(super) fn query(&self) -> String {
        self.cursor.as_deref().map(|cursor| format!("&cursor={}", segment(cursor))).unwrap_or_default()
    }

    /// Takes a page; `true` if it was the last one. A list that does not say how it goes on is an error, never the end:
    /// objects that are not seen would be created again.
    pub(super) fn take(&mut self, page: Json) -> Result<bool, String> {
        let mut page = match page {
            Json::Array(rows) => {
                self.add(rows)?;
                return Ok(true);
            }
            Json::Object(page) => page,
            _ => return Err("the answer is no list".to_owned()),
        };
        let Some(Json::Array(rows)) = page.remove("items") else {
            return Err("the answer is no list: it has no `items`".to_owned());
        };
        let count = rows.len();
        self.add(rows)?;
        match page.get("hasMore") {
            Some(Json::Bool(false)) => Ok(true),
            Some(Json::Bool(true)) => {
                let cursor = page.get("nextCursor").and_then(Json::as_str).unwrap_or_default();
                if cursor.is_empty() {
                    return Err("the list goes on, but does not say where: `hasMore` without `nextCursor`".to_owned());
                }
                if !self.seen.insert(cursor.to_owned()) {
                    return Err("the list goes round in circles: `nextCursor` repeats".to_owned());
                }
                self.cursor = Some(cursor.to_owned());
                Ok(false)
            }
            _ => match page.get("total").and_then(Json::as_u64) {
                Some(total) if usize::try_from(total) == Ok(count) => Ok(true),
                Some(total) => Err(format!("the list holds {count} of {total} objects and has no further pages")),
                None => Err("the list does not say whether it is complete".to_owned()),
            },
        }
    }

    fn add(&mut self, rows: Vec<Json>) -> Result<(), String> {
        for row in rows {
            let Json::Object(row) = row else { return Err("the list holds something that is no object".to_owned()) };
            // Marked as deleted: only old deployments have such rows.
            if row.get("deletedAt").is_none_or(Json::is_null) {
                self.rows.push(row);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_array_is_complete() {
        let mut walk = Walk::default();
        assert_eq!(walk.take(json!([{"id": "1"}, {"id": "2", "deletedAt": "2026-01-01T00:00:00Z"}])), Ok(true));
        assert_eq!(walk.rows.len(), 1, "deleted rows are left out");
    }

    #[test]
    fn pages_are_walked_by_cursor() {
        let mut walk = Walk::default();
        assert_eq!(walk.query(), "");
        assert_eq!(walk.take(json!({"items": [{"id": "1"}], "hasMore": true, "nextCursor": "a+b="})), Ok(false));
        assert_eq!(walk.query(), "&cursor=a%2Bb%3D");
        assert_eq!(walk.take(json!({"items": [{"id": "2"}], "hasMore": false})), Ok(true));
        assert_eq!(walk.rows.len(), 2);
    }

    #[test]
    fn a_total_must_agree() {
        assert_eq!(Walk::default().take(json!({"items": [{"id": "1"}], "total": 1})), Ok(true));
        assert!(Walk::default().take(json!({"items": [{"id": "1"}], "total": 2})).unwrap_err().contains("1 of 2"));
    }

    #[test]
    fn a_list_that_does_not_say_how_it_goes_on_is_an_error() {
        for page in [
            json!({"items": [], "hasMore": true}),
            json!({"items": [], "hasMore": true, "nextCursor": ""}),
            json!({"items": [], "hasMore": true, "nextCursor": null}),
            json!({"items": []}),
            json!({"items": null, "hasMore": false}),
            json!({"hasMore": false}),
            json!({"items": ["x"], "hasMore": false}),
            json!("x"),
        ] {
            assert!(Walk::default().take(page.clone()).is_err(), "{page}");
        }
        let mut walk = Walk::default();
        let page = json!({"items": [], "hasMore": true, "nextCursor": "a"});
        assert_eq!(walk.take(page.clone()), Ok(false));
        assert!(walk.take(page).unwrap_err().contains("circles"));
    }
}
