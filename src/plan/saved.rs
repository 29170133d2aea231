//! A plan that was saved: read back only if it is whole and as it was written.

use serde_json::Value as Json;

use super::document::{Document, digest};
use crate::model::FORMAT_VERSION;

/// Why a file is no plan that could be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damaged {
    /// It is not JSON, or not whole.
    #[error("it is not JSON: {0}")]
    NotJson(String),
    /// It is JSON, and not a plan.
    #[error("it is not a plan: {0}")]
    NotAPlan(String),
    /// It is of another major version of the format.
    #[error("its format is `{0}`, and this version of trueup reads `{FORMAT_VERSION}`")]
    OtherVersion(String),
    /// Its digest is not that of what it says.
    #[error("its digest is not that of its contents: somebody has changed it since it was written")]
    Altered,
}

/// Reads a plan as `plan --out FILE` wrote it.
pub fn read(bytes: &[u8]) -> Result<Document, Damaged> {
    let json: Json = serde_json::from_slice(bytes).map_err(|error| Damaged::NotJson(error.to_string()))?;
    let Some(version) = json.get("format_version").and_then(Json::as_str) else {
        return Err(Damaged::NotAPlan("it has no `format_version`".to_owned()));
    };
    // Before anything else is looked at: there, everything may mean something else.
    if major(version) != major(FORMAT_VERSION) {
        return Err(Damaged::OtherVersion(version.to_owned()));
    }
    let Some(said) = json.get("digest").and_then(Json::as_str) else {
        return Err(Damaged::NotAPlan("it has no `digest`".to_owned()));
    };
    if said != digest(&json) {
        return Err(Damaged::Altered);
    }
    serde_json::from_value(json).map_err(|error| Damaged::NotAPlan(error.to_string()))
}

fn major(version: &str) -> &str {
    version.split_once('.').map_or(version, |(major, _)| major)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::model::{Address, FileId, Identity, Path, SourceFile, Sources, Span};
    use crate::plan::{Action, Change, Plan, Reason, Shown, Step};

    fn with(values: &[Json]) -> (Document, String) {
        let mut sources = Sources::default();
        let file: FileId = sources.add(SourceFile::new("a.yaml", "x"));
        let change = |(at, value): (usize, &Json)| Change {
            path: Path::field(format!("f{at}")),
            before: Shown::Nothing,
            after: Shown::Json(value.clone()),
            source: None,
            cause: None,
        };
        let step = Step {
            address: Address::new("things", "a"),
            target: "test".into(),
            action: Action::Create,
            reason: Reason { code: "absent", message: "there is none".into() },
            source: Span::new(file, 0..1),
            identity: Identity::single("slug", "a"),
            requires: Vec::new(),
            changes: values.iter().enumerate().map(change).collect(),
            takes_along: Vec::new(),
            observed: None,
            executable: true,
            writes: 1,
            cause: None,
        };
        let document = Document::new(&Plan { steps: vec![step], ..Plan::default() }, &sources);
        let text = serde_json::to_string_pretty(&document).expect("plain data");
        (document, text)
    }

    #[test]
    fn what_was_written_reads_back_in_any_layout() {
        let (document, text) = with(&[json!("Ä\u{202e}\n"), json!(null)]);
        assert_eq!(read(text.as_bytes()).as_ref(), Ok(&document));
        let json: Json = serde_json::from_str(&text).expect("JSON");
        assert_eq!(read(json.to_string().as_bytes()), Ok(document));
    }

    proptest! {
        #[test]
        fn no_number_is_lost_on_the_way(double in any::<f64>().prop_filter("JSON has no other", |it| it.is_finite()), whole in any::<i64>()) {
            let (document, text) = with(&[json!(double), json!(whole)]);
            prop_assert_eq!(read(text.as_bytes()), Ok(document));
        }
    }

    #[test]
    fn what_is_damaged_is_told() {
        let (_, text) = with(&[json!("Acme")]);
        let altered = text.replace("Acme", "Acne");
        assert_eq!(read(altered.as_bytes()), Err(Damaged::Altered));
        let cut = &text[..text.len() / 2];
        assert!(matches!(read(cut.as_bytes()), Err(Damaged::NotJson(_))));
        assert!(matches!(read(b""), Err(Damaged::NotJson(_))));
        assert!(matches!(read(b"\xff\xfe"), Err(Damaged::NotJson(_))));
        assert!(matches!(read(b"{}"), Err(Damaged::NotAPlan(_))));
        assert!(matches!(read(br#"{"format_version":"1.0"}"#), Err(Damaged::NotAPlan(_))));
        let other = text.replacen("\"1.0\"", "\"2.0\"", 1);
        assert_eq!(read(other.as_bytes()), Err(Damaged::OtherVersion("2.0".to_owned())));
    }

    /// The version of trueup, what is declared, what was observed, what is to be done: no value in the file can become another.
    #[test]
    fn every_value_of_a_plan_is_under_its_digest() {
        fn leaves(json: &Json, at: &str, into: &mut Vec<String>) {
            match json {
                Json::Object(map) if !map.is_empty() => {
                    map.iter().for_each(|(key, value)| leaves(value, &format!("{at}/{key}"), into));
                }
                Json::Array(items) if !items.is_empty() => {
                    items.iter().enumerate().for_each(|(index, item)| leaves(item, &format!("{at}/{index}"), into));
                }
                _ => into.push(at.to_owned()),
            }
        }
        let (_, text) = with(&[json!({ "a": [1, null], "b": "x" })]);
        let json: Json = serde_json::from_str(&text).expect("JSON");
        let mut all = Vec::new();
        leaves(&json, "", &mut all);
        for needed in ["/trueup", "/digest", "/project", "/actions/0/action", "/actions/0/observed", "/terms/declared"]
        {
            assert!(all.iter().any(|at| at.starts_with(needed)), "{needed}: {all:#?}");
        }
        for at in all.iter().filter(|at| *at != "/format_version") {
            let mut altered = json.clone();
            *altered.pointer_mut(at).expect("it is there") = json!("another");
            assert_eq!(read(altered.to_string().as_bytes()), Err(Damaged::Altered), "{at}");
        }
    }

    #[test]
    fn a_later_minor_version_is_read_and_a_plan_of_another_shape_is_not() {
        let (_, text) = with(&[]);
        let sealed = |change: &dyn Fn(&mut Json)| {
            let mut json: Json = serde_json::from_str(&text).expect("JSON");
            change(&mut json);
            json["digest"] = digest(&json).into();
            read(json.to_string().as_bytes())
        };
        assert!(sealed(&|json| json["format_version"] = "1.7".into()).is_ok());
        assert!(sealed(&|json| json["from_the_future"] = 1.into()).is_ok());
        assert!(matches!(sealed(&|json| json["actions"] = 1.into()), Err(Damaged::NotAPlan(_))));
        let without_terms = sealed(&|json| drop(json.as_object_mut().expect("an object").remove("terms")));
        assert!(matches!(without_terms, Err(Damaged::NotAPlan(_))));
    }
}
