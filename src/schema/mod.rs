//! JSON Schemas, draft 2020-12: of resource files, of `trueup.toml`, of plans, and of snapshots. Editors and scripts read them; what
//! they say is what this version carries out.

mod resources;
mod settings;

use schemars::generate::SchemaSettings;
use serde_json::Value;

pub use resources::resources;
pub use settings::settings;

use crate::plan::document::Document;
use crate::snapshot;

/// The dialect of all of them.
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema of what `plan --format json` prints. It allows keys it does not know, as readers shall.
pub fn plan() -> Value {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    generator.into_root_schema_for::<Document>().to_value()
}

/// The schema of what `snapshot` writes, likewise.
pub fn snapshot() -> Value {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    generator.into_root_schema_for::<snapshot::Document>().to_value()
}

/// A schema as it is written to a file.
pub fn text(schema: &Value) -> String {
    format!("{schema:#}\n")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::model::Sources;
    use crate::plan::Plan;

    /// Compares a committed schema with what is generated; `TRUEUP_BLESS=1` writes it anew.
    #[track_caller]
    fn committed(name: &str, schema: &Value) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas").join(name);
        let generated = text(schema);
        if std::env::var_os("TRUEUP_BLESS").is_some() {
            std::fs::write(&path, &generated).expect("the schema can be written");
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(found == generated, "schemas/{name} is out of date: run the tests with TRUEUP_BLESS=1");
    }

    #[test]
    fn the_committed_schema_of_settings_is_the_generated_one() {
        committed("settings.schema.json", &settings());
    }

    #[test]
    fn the_committed_schema_of_plans_is_the_generated_one() {
        committed("plan.schema.json", &plan());
    }

    #[test]
    fn the_committed_schema_of_snapshots_is_the_generated_one() {
        committed("snapshot.schema.json", &snapshot());
    }

    #[test]
    fn a_plan_is_valid_and_an_altered_one_is_not() {
        let validator = jsonschema::validator_for(&plan()).expect("a schema");
        let document = Document::new(&Plan::default(), &Sources::default());
        let mut document = serde_json::to_value(document).expect("plain data");
        document["from_the_future"] = json!(1);
        document["actions"] = json!([{
            "address": "instances.acme", "kind": "instances", "target": "kaiten", "action": "create",
            "reason": { "code": "absent", "message": "no such instance" },
            "source": { "file": "a.yaml", "line": 1, "column": 1, "end_line": 1, "end_column": 2 },
            "identity": { "slug": "acme" }, "requires": [], "observed": null,
            "changes": [{ "path": "name", "before": null, "after": "Acme" }],
        }]);
        document["diagnostics"] = json!([{
            "severity": "error", "code": "trueup::internal", "message": "odd", "help": null, "address": null,
            "labels": [{ "file": "a.yaml", "line": 1, "column": 1, "end_line": 1, "end_column": 2, "primary": true, "message": "" }],
        }]);
        assert!(validator.is_valid(&document), "{:?}", validator.validate(&document));
        for (pointer, value) in [
            ("/actions/0/action", json!("destroy")),
            ("/actions/0/source/line", json!("1")),
            ("/summary/create", json!(-1)),
            ("/digest", json!(null)),
            ("/diagnostics/0/labels/0/line", json!(null)),
        ] {
            let mut altered = document.clone();
            *altered.pointer_mut(pointer).expect("it is there") = value;
            assert!(!validator.is_valid(&altered), "{pointer}");
        }
    }
}
