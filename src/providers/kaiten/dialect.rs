//! Which dialect answers (reference §12).

use serde_json::Value as Json;
use url::Url;

use super::problem;
use crate::http::Response;
use crate::kind::{Failure, RemoteError};

/// A rendering of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Today's contract.
    Core,
    /// The seed document's.
    Seed,
}

impl Dialect {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Seed => "seed",
        }
    }

    /// Whether something only these dialects have is in this one; an empty list means all.
    pub(super) fn is_among(self, apis: &[&str]) -> bool {
        apis.is_empty() || apis.contains(&self.as_str())
    }
}

/// What an answer to a probing read tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Probe {
    /// This dialect answers here.
    Is(Dialect),
    /// Kaiten does not answer here.
    Elsewhere,
    /// An answer that decides nothing: the token, the weather.
    Refused,
}

/// Judges the answer to a list of instances read under a prefix.
///
/// Rows tell more than the envelope, since an array is also how today's API answered before it had pages.
pub(super) fn judge(status: u16, body: Option<&Json>, prefix: &str) -> Probe {
    let by_path = if prefix.is_empty() { Dialect::Seed } else { Dialect::Core };
    // Codes came with today's contract; what else this token may read is for whoever needs it to find out.
    let code = || body.and_then(|body| body.get("code")).and_then(Json::as_str);
    match status {
        200..300 => {}
        403 if !prefix.is_empty() && code() == Some("Auth.MissingScope") => return Probe::Is(Dialect::Core),
        401 | 403 | 429 | 500.. => return Probe::Refused,
        _ => return Probe::Elsewhere,
    }
    match body {
        Some(Json::Array(rows)) => Probe::Is(by_rows(rows).unwrap_or(by_path)),
        Some(Json::Object(page)) => match page.get("items") {
            Some(Json::Array(rows)) => {
                let paged = page.contains_key("hasMore").then_some(Dialect::Core);
                Probe::Is(by_rows(rows).or(paged).unwrap_or(by_path))
            }
            _ => Probe::Elsewhere,
        },
        _ => Probe::Elsewhere,
    }
}

fn by_rows(rows: &[Json]) -> Option<Dialect> {
    let any = |member| rows.iter().any(|row| row.get(member).is_some());
    if any("platform") || any("deletedAt") { Some(Dialect::Seed) } else { any("status").then_some(Dialect::Core) }
}

/// The base URL without `/api` at its end: users write it both ways.
pub(super) fn root(url: &Url) -> Url {
    let mut root = url.clone();
    let path = url.path().trim_end_matches('/');
    root.set_path(path.strip_suffix("/api").unwrap_or(path));
    root
}

/// Whether the base URL was written with `/api`.
pub(super) fn names_api(url: &Url) -> bool {
    url.path().trim_end_matches('/').ends_with("/api")
}

/// Nothing under either prefix answers like Kaiten.
pub(super) fn unknown(url: &str, answers: &[(&str, Response)]) -> RemoteError {
    let tried: Vec<_> =
        answers.iter().map(|(prefix, answer)| format!("`{prefix}/instances`: {}", answer.status)).collect();
    let mut error = problem::ours(
        Failure::UnknownDialect,
        format!("what answers at {url} does not answer like Kaiten ({})", tried.join(", ")),
        "check the target's `url` in `trueup.toml`; if it is right, say which API it is: `dialect = \"core\"` or `\"seed\"`",
    );
    let redirect =
        answers.iter().find_map(|(_, answer)| (answer.status / 100 == 3).then(|| answer.header("location"))?);
    if let Some(location) = redirect.and_then(|location| Url::parse(location).ok()) {
        let to = location.origin().ascii_serialization();
        error.help = Some(format!("it redirects to {to}: write where it really is as the target's `url`"));
    }
    if let Some((_, answer)) = answers.last() {
        error.problem = Box::new(problem::asked(answer));
    }
    error
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_envelope_and_the_rows_tell_the_dialect() {
        let table = [
            (json!({"items": [], "hasMore": false}), "/api", Probe::Is(Dialect::Core)),
            (json!({"items": [], "hasMore": false}), "", Probe::Is(Dialect::Core)),
            (json!([]), "/api", Probe::Is(Dialect::Core)),
            (json!([]), "", Probe::Is(Dialect::Seed)),
            (json!([{"id": "1", "platform": {}}]), "/api", Probe::Is(Dialect::Seed)),
            (json!([{"id": "1", "deletedAt": null}]), "/api", Probe::Is(Dialect::Seed)),
            (json!([{"id": "1", "status": "HEALTHY"}]), "", Probe::Is(Dialect::Core)),
            (json!({"items": [{"id": "1", "platform": {}}], "total": 1}), "", Probe::Is(Dialect::Seed)),
            (json!({"message": "welcome"}), "/api", Probe::Elsewhere),
            (json!("welcome"), "", Probe::Elsewhere),
        ];
        for (body, prefix, expected) in table {
            assert_eq!(judge(200, Some(&body), prefix), expected, "{body} under `{prefix}`");
        }
        assert_eq!(judge(200, None, "/api"), Probe::Elsewhere, "not JSON");
    }

    #[test]
    fn a_scope_that_is_missing_is_told_by_a_code_and_so_by_today_s_contract() {
        let missing = json!({"status": 403, "code": "Auth.MissingScope"});
        assert_eq!(judge(403, Some(&missing), "/api"), Probe::Is(Dialect::Core));
        assert_eq!(judge(403, Some(&missing), ""), Probe::Refused, "today's is below `/api`");
        assert_eq!(judge(403, Some(&json!({"status": 403, "code": "FORBIDDEN"})), "/api"), Probe::Refused);
    }

    #[test]
    fn being_refused_decides_nothing() {
        for status in [401, 403, 429, 500, 502] {
            assert_eq!(judge(status, None, "/api"), Probe::Refused, "{status}");
        }
        for status in [301, 404, 405] {
            assert_eq!(judge(status, Some(&json!({"status": status})), "/api"), Probe::Elsewhere, "{status}");
        }
    }

    #[test]
    fn the_base_url_is_taken_with_and_without_api() {
        let root = |url: &str| root(&url.parse().unwrap()).to_string();
        assert_eq!(root("https://kaiten.example.com"), "https://kaiten.example.com/");
        assert_eq!(root("https://kaiten.example.com/api/"), "https://kaiten.example.com/");
        assert_eq!(root("https://example.com/kaiten/api"), "https://example.com/kaiten");
        assert_eq!(root("https://example.com/my-api"), "https://example.com/my-api");
    }
}
