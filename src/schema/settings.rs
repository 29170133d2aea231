//! The schema of `trueup.toml`.
//!
//! The loader tells more: what lies between an environment and what it is laid over, the environment's variables, and
//! plain `http://`. What it accepts, this accepts.

use serde_json::{Value, json};

use super::DRAFT;

/// The schema of `trueup.toml`. What this version refuses is left out, so that an editor marks it.
pub fn settings() -> Value {
    json!({
        "$schema": DRAFT,
        "title": "trueup settings",
        "description": "Where the remotes are, how to sign in, and limits.",
        "type": "object",
        "properties": {
            "project": table(
                "What this project is called, and where its resources are declared.",
                json!({
                    "name": described(text(), "Shown in plans."),
                    "files": described(
                        json!({ "type": "array", "items": text(), "minItems": 1 }),
                        "Resource files: paths and globs relative to this file. Without it: every `*.yaml` and `*.yml` below that is neither hidden nor git-ignored.",
                    ),
                }),
                &["name"],
            ),
            "targets": named("The remote systems, by name.", json!({ "$ref": "#/$defs/target", "required": ["provider"] })),
            "variables": named("What `${var.name}` may put into YAML.", json!({ "$ref": "#/$defs/variable" })),
            "limits": { "$ref": "#/$defs/limits" },
            "environments": named("Overlays, chosen with `-e`.", json!({ "$ref": "#/$defs/environment" })),
        },
        "required": ["project"],
        "additionalProperties": false,
        "$defs": {
            "target": target(),
            "secret": secret(),
            "auth": auth(),
            "variable": variable(),
            "limits": limits(),
            "environment": table(
                "Laid over the rest with `-e NAME`; what it does not say is as without it.",
                json!({
                    "targets": named("Keys laid over a target's.", json!({ "$ref": "#/$defs/target" })),
                    "variables": named("Values that replace defaults.", json!(true)),
                    "limits": described(json!({ "$ref": "#/$defs/limits" }), "Limits in the place of these."),
                }),
                &[],
            ),
        },
    })
}

fn target() -> Value {
    let mut target = table(
        "A remote system. Of several with the same provider, a resource says with `target` which one it is at.",
        json!({
            "provider": described(json!({ "enum": ["kaiten", "cloudfoundry"] }), "What kind of system it is."),
            "url": described(
                json!({ "type": "string", "pattern": r"^(sandbox|https?://[^@?#\s]+)$" }),
                "Where it is, or `sandbox` for the embedded emulator. Without it, Kaiten's is taken from `KAITEN_BASE_URL`, Cloud Foundry's is where the cf CLI points to.",
            ),
            "token": described(
                json!({ "$ref": "#/$defs/secret" }),
                "Kaiten: where the token is kept. Without it: in `KAITEN_AUTH_TOKEN`.",
            ),
            "auth": described(json!({ "$ref": "#/$defs/auth" }), "Cloud Foundry: how to sign in. Without it: with the cf CLI's session."),
            "dialect": described(json!({ "enum": ["auto", "core", "seed"] }), "Kaiten: which dialect to insist on."),
            "api": described(json!({ "enum": ["auto", "v2", "v3"] }), "Cloud Foundry: which API to insist on."),
            "ca_file": described(text(), "A file with extra certificate authorities, PEM, relative to this file."),
            "skip_tls_verify": described(json!({ "type": "boolean" }), "Accept any certificate."),
            "allow_insecure": described(json!({ "type": "boolean" }), "Allow plain `http://` to another machine."),
            "seed_writes": described(
                json!({ "type": "boolean" }),
                "Kaiten: allow updates and deletes in the seed dialect, which documents none.",
            ),
        }),
        &[],
    );
    let of = |provider: &str| json!({ "properties": { "provider": { "const": provider } }, "required": ["provider"] });
    target["allOf"] = json!([
        { "if": of("kaiten"), "then": { "properties": { "auth": false, "api": false } } },
        { "if": of("cloudfoundry"), "then": { "properties": { "token": false, "dialect": false, "seed_writes": false } } },
        {
            "if": { "properties": { "dialect": { "const": "core" } }, "required": ["dialect"] },
            "then": { "properties": { "seed_writes": { "const": false } } },
        },
    ]);
    target
}

fn secret() -> Value {
    let mut secret = table(
        "Where a secret is kept, by one of these keys. It is never written out here.",
        json!({
            "env": variable_name("The environment variable it is in."),
            "file": described(text(), "The file it is in, relative to this file."),
            "command": described(
                json!({ "type": "array", "items": text(), "minItems": 1 }),
                "The command that prints it, run without a shell.",
            ),
        }),
        &[],
    );
    secret["minProperties"] = json!(1);
    secret["maxProperties"] = json!(1);
    secret
}

fn auth() -> Value {
    let secret = || json!({ "$ref": "#/$defs/secret" });
    let name = || json!({ "anyOf": [text(), secret()] });
    let method = |name: &str| json!({ "const": name });
    json!({
        "description": "How to sign in. Names may be written out, secrets never.",
        "oneOf": [
            table(
                "A user's name and password.",
                json!({
                    "method": method("password"),
                    "username": name(),
                    "password": secret(),
                    "origin": described(text(), "The identity provider, such as `ldap`."),
                }),
                &["method", "username", "password"],
            ),
            table(
                "A client's id and secret.",
                json!({ "method": method("client-credentials"), "client_id": name(), "client_secret": secret() }),
                &["method", "client_id", "client_secret"],
            ),
            table("The cf CLI's session, which is also the default.", json!({ "method": method("cf-cli") }), &["method"]),
            table(
                "A refresh token of a user, of the cf CLI's client.",
                json!({ "method": method("refresh-token"), "token": secret() }),
                &["method", "token"],
            ),
            table("A ready token.", json!({ "method": method("token"), "token": secret() }), &["method", "token"]),
        ],
    })
}

fn variable() -> Value {
    table(
        "A variable. `--var` comes before `env`, which comes before `default`.",
        json!({
            "default": described(json!({}), "Its value where nothing else says it."),
            "env": variable_name("The environment variable its value is in."),
            "sensitive": described(json!({ "type": "boolean" }), "Its value is never shown."),
        }),
        &[],
    )
}

fn limits() -> Value {
    table(
        "How much at a time, and how much may be lost without further consent.",
        json!({
            "parallelism": described(
                json!({ "type": "integer", "minimum": 1, "maximum": 256, "default": 16 }),
                "Requests at a time.",
            ),
            "max_deletes": described(
                json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX, "default": 5 }),
                "Deletes, replacements and cascaded objects that need no further consent.",
            ),
        }),
        &[],
    )
}

fn text() -> Value {
    json!({ "type": "string", "minLength": 1 })
}

fn variable_name(description: &str) -> Value {
    described(json!({ "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" }), description)
}

fn described(mut schema: Value, description: &str) -> Value {
    schema["description"] = description.into();
    schema
}

fn table(description: &str, properties: Value, required: &[&str]) -> Value {
    let mut table = json!({ "description": description, "type": "object" });
    table["properties"] = properties;
    table["additionalProperties"] = json!(false);
    if !required.is_empty() {
        table["required"] = json!(required);
    }
    table
}

fn named(description: &str, values: Value) -> Value {
    let mut named = json!({ "description": description, "type": "object" });
    named["propertyNames"] = json!({ "pattern": "^[a-z0-9_-]+$" });
    named["additionalProperties"] = values;
    named
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Diagnostics, Sources};
    use crate::settings::{FILE_NAME, LoadOptions, load};

    const PROJECT: &str = "[project]\nname = \"acme\"\n";
    const KAITEN: &str = "[targets.k]\nprovider = \"kaiten\"\nurl = \"https://k.example.com\"\n";
    const CF: &str = "[targets.c]\nprovider = \"cloudfoundry\"\nurl = \"sandbox\"\n";

    fn loads(toml: &str) -> bool {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join(FILE_NAME), toml).expect("written");
        std::fs::write(directory.path().join("ca.pem"), "PEM").expect("written");
        let mut diagnostics = Diagnostics::default();
        // Every variable has a value, so that what remains is about the text.
        let options = LoadOptions {
            environment: None,
            variables: &[],
            env: &|_| Some("https://x.example.com".to_owned()),
            unconnected: false,
        };
        load(directory.path(), options, &mut Sources::default(), &mut diagnostics);
        !diagnostics.has_errors()
    }

    fn fits(toml: &str) -> bool {
        let document: Value = toml::from_str(toml).expect("TOML");
        jsonschema::validator_for(&settings()).expect("a schema").is_valid(&document)
    }

    #[test]
    fn schema_and_loader_accept_the_same() {
        for body in [
            "",
            KAITEN,
            CF,
            "[targets.k]\nprovider = \"kaiten\"\n",
            &format!(
                "{KAITEN}token = {{ env = \"T\" }}\ndialect = \"seed\"\nseed_writes = true\nca_file = \"ca.pem\"\nskip_tls_verify = true\nallow_insecure = false\n"
            ),
            &format!("{KAITEN}token = {{ file = \"t\" }}\ndialect = \"core\"\nseed_writes = false\n"),
            &format!("{KAITEN}token.command = [\"vault\", \"read\"]\n"),
            &format!(
                "{CF}api = \"v2\"\nauth = {{ method = \"password\", username = \"u\", password = {{ env = \"P\" }}, origin = \"ldap\" }}\n"
            ),
            &format!(
                "{CF}api = \"v3\"\nauth = {{ method = \"client-credentials\", client_id = {{ env = \"I\" }}, client_secret.file = \"s\" }}\n"
            ),
            &format!("{CF}auth = {{ method = \"cf-cli\" }}\n"),
            "[targets.c]\nprovider = \"cloudfoundry\"\n",
            &format!("{CF}auth = {{ method = \"refresh-token\", token = {{ file = \"t\" }} }}\n"),
            &format!("{CF}auth = {{ method = \"token\", token = {{ env = \"T\" }} }}\n"),
            "[variables]\na = { default = [1, { b = 1.5 }] }\nb = { env = \"B_1\", sensitive = true }\n",
            "[limits]\nparallelism = 1\nmax_deletes = 4294967295\n",
            &format!(
                "{KAITEN}[variables.v]\ndefault = 1\n[environments.a]\nlimits.parallelism = 256\n[environments.b.targets.k]\nurl = \"sandbox\"\n[environments.b.variables]\nv = {{ any = 1 }}\n"
            ),
        ] {
            let toml = format!("{PROJECT}{body}");
            assert!(loads(&toml), "the loader refuses\n{toml}");
            assert!(fits(&toml), "the schema refuses\n{toml}");
        }
    }

    #[test]
    fn schema_and_loader_refuse_the_same() {
        let with = |base: &str, line: &str| format!("{PROJECT}{base}{line}\n");
        for toml in [
            String::new(),
            "[project]\n".to_owned(),
            "[project]\nname = \"\"\n".to_owned(),
            "[project]\nname = \"a\"\nfiles = []\n".to_owned(),
            "[project]\nname = \"a\"\nfiles = \"a\"\n".to_owned(),
            "[project]\nname = \"a\"\ntitle = \"b\"\n".to_owned(),
            with("", "[target.k]"),
            with("", "[targets.K]\nprovider = \"kaiten\""),
            with("", "[targets.k]\nurl = \"sandbox\""),
            with("", "[targets.k]\nprovider = \"kaitn\""),
            with("", "[targets.k]\nprovider = \"kaiten\"\nurl = \"k.example.com\""),
            with("", "[targets.k]\nprovider = \"kaiten\"\nurl = \"https://me:pw@k.example.com\""),
            with("", "[targets.k]\nprovider = \"kaiten\"\nurl = \"https://k.example.com?a=b\""),
            with(KAITEN, "token = \"secret\""),
            with(KAITEN, "token = {}"),
            with(KAITEN, "token = { env = \"A\", file = \"b\" }"),
            with(KAITEN, "token = { vault = \"A\" }"),
            with(KAITEN, "token = { env = \"not a name\" }"),
            with(KAITEN, "token = { command = \"a\" }"),
            with(KAITEN, "token = { command = [] }"),
            with(KAITEN, "dialect = \"v2\""),
            with(KAITEN, "dialect = \"core\"\nseed_writes = true"),
            with(KAITEN, "api = \"v2\""),
            with(KAITEN, "auth = { method = \"token\", token = { env = \"T\" } }"),
            with(KAITEN, "skip_tls_verify = \"yes\""),
            with(CF, "api = \"v1\""),
            with(CF, "dialect = \"core\""),
            with(CF, "token = { env = \"T\" }"),
            with(CF, "auth = { method = \"cf-cli\", username = \"u\" }"),
            with(CF, "auth = { method = \"refresh-token\" }"),
            with(CF, "auth = { method = \"refresh-token\", token = \"t\" }"),
            with(CF, "auth = \"token\""),
            with(CF, "auth = { method = \"password\", username = \"u\" }"),
            with(CF, "auth = { method = \"password\", username = \"u\", password = \"p\" }"),
            with(CF, "auth = { method = \"token\", token = { env = \"T\" }, username = \"u\" }"),
            with(CF, "auth = { token = { env = \"T\" } }"),
            with("", "[variables]\na = 1"),
            with("", "[variables]\nA = {}"),
            with("", "[variables]\na = { value = 1 }"),
            with("", "[variables]\na = { env = \"a-b\" }"),
            with("", "[limits]\nparallelism = 0"),
            with("", "[limits]\nparallelism = 257"),
            with("", "[limits]\nmax_deletes = -1"),
            with("", "[limits]\nmax_delete = 1"),
            with("", "[environments]\na = 1"),
            with("", "[environments.A]"),
            with("", "[environments.a]\nproject = {}"),
            with("", "[environments.a.limits]\nparallelism = 0"),
            with(KAITEN, "[environments.a.targets.k]\ntokn = 1"),
            with(KAITEN, "[environments.a.targets.k]\ntoken = \"secret\""),
        ] {
            assert!(!loads(&toml), "the loader accepts\n{toml}");
            assert!(!fits(&toml), "the schema accepts\n{toml}");
        }
    }

    #[test]
    fn the_loader_alone_tells_what_lies_between_tables() {
        for body in [
            "[targets.k]\nprovider = \"kaiten\"\nurl = \"http://k.example.com\"\n",
            "[environments.a.variables]\nundeclared = 1\n",
            "[environments.a.targets.k]\nurl = \"sandbox\"\n",
        ] {
            let toml = format!("{PROJECT}{body}");
            assert!(!loads(&toml) && fits(&toml), "{toml}");
        }
    }
}
