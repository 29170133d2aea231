//! What a plan was made with besides the remotes: whoever carries a saved plan out makes another one with the same.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::document::digest;
use crate::kind::Registry;
use crate::model::{
    Consent, Desired, Fields, Lifecycle, OnExists, Resource, Section, Spanned, Template, TemplatePart, To, Value,
};

/// The terms of a plan: what was asked for on the command line, and what was declared. Holds no secret, nor a mark of one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Terms {
    /// The resources of `--only`, sorted; empty: all.
    pub only: Vec<String>,
    /// The resources of `--allow-replace`, sorted.
    pub allow_replace: Vec<String>,
    /// The resources of `--allow-cascade`, sorted.
    pub allow_cascade: Vec<String>,
    /// The number of `--allow-deletes`; `null`: the project's limit holds.
    pub allow_deletes: Option<u32>,
    /// The resources of `--resend-parameters`, sorted.
    pub resend_parameters: Vec<String>,
    /// What is declared of each resource, as a digest. It leaves out places in files and sensitive values.
    pub declared: BTreeMap<String, String>,
}

/// The digests of what is declared, by address.
pub fn declared(desired: &Desired, registry: &Registry) -> BTreeMap<String, String> {
    let digest = |resource: &Resource| digest(&canonical(resource, registry.section(resource.address.section)));
    desired.resources.values().map(|resource| (resource.address.to_string(), digest(resource))).collect()
}

/// A resource without its places.
fn canonical(resource: &Resource, section: Option<&'static Section>) -> Json {
    let Resource {
        address,
        target,
        identity,
        fields,
        lifecycle,
        span: _,
        key_span: _,
        places: _,
        // They follow from the fields and the lifecycle.
        requires: _,
        parts: _,
    } = resource;
    json!({
        "address": address.to_string(),
        "target": &**target,
        "identity": identity.parts.iter().map(|(part, value)| json!([part, &**value])).collect::<Vec<_>>(),
        "fields": canonical_fields(fields, section),
        "lifecycle": canonical_lifecycle(lifecycle),
    })
}

fn canonical_fields(fields: &Fields, section: Option<&'static Section>) -> Json {
    let canonical = |(name, value): (&'static str, &Value)| {
        let sensitive = section.and_then(|section| section.field(name)).is_some_and(|field| field.sensitive);
        (name.to_owned(), canonical_value(value, sensitive))
    };
    Json::Object(fields.iter().map(canonical).collect())
}

/// `secret`: which entries there are may be told, and no more. What is written as it stands is under `""`, so that nothing
/// somebody writes looks like a reference.
fn canonical_value(value: &Value, secret: bool) -> Json {
    match value {
        Value::List(items) => items.iter().map(|item| canonical_value(item, secret)).collect(),
        Value::Map(map) => {
            let entries = map.iter().map(|(key, value)| (key.to_string(), canonical_value(value, secret)));
            json!({ "": entries.collect::<serde_json::Map<_, _>>() })
        }
        Value::Reference(reference) => match &reference.to {
            To::Declared(address) => json!({ "declared": address.to_string() }),
            To::Natural { name, qualifier } => {
                json!({ "section": reference.section, "name": &**name, "qualifier": qualifier.as_deref() })
            }
            To::Id { id, slug } => json!({ "section": reference.section, "id": &**id, "slug": slug.as_deref() }),
        },
        Value::Template(template) => {
            let Template { parts, sensitive, redacted: _ } = &**template;
            let part = |part: &TemplatePart| match part {
                TemplatePart::Literal(_) if secret || *sensitive => Json::Null,
                TemplatePart::Literal(text) => json!(&**text),
                TemplatePart::Field { address, path } => json!({ "of": address.to_string(), "path": path.to_string() }),
            };
            json!({ "template": parts.iter().map(part).collect::<Vec<_>>() })
        }
        Value::Sensitive(_) | Value::Fingerprint(_) | Value::Redacted => json!({ "sensitive": true }),
        _ if secret => json!({ "sensitive": true }),
        Value::Null => Json::Null,
        Value::Bool(bool) => json!(bool),
        Value::Number(number) => Json::Number(number.clone()),
        Value::Text(text) => json!(&**text),
        Value::Link(link) => json!({ "link": link.shown() }),
        Value::Unknown => json!({ "unknown": true }),
    }
}

fn canonical_lifecycle(lifecycle: &Lifecycle) -> Json {
    let Lifecycle { depends_on, absent, protect, ignore, on_exists, was, consent, timeout } = lifecycle;
    let Consent { replace, cascade, resend } = consent;
    json!({
        "depends_on": sorted(depends_on),
        "absent": absent.is_some(),
        "protect": protect.is_some(),
        "ignore": sorted(ignore),
        "adopt_if_equal": *on_exists == OnExists::AdoptIfEqual,
        "was": was.as_ref().map(|was| &*was.value),
        "replace": replace,
        "cascade": cascade,
        "resend": resend,
        "timeout": timeout.map(|timeout| timeout.as_secs()),
    })
}

fn sorted<T: ToString>(values: &[Spanned<T>]) -> Vec<String> {
    let mut texts: Vec<String> = values.iter().map(|spanned| spanned.value.to_string()).collect();
    texts.sort();
    texts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Sensitive;
    use crate::testing::{Declared, expression, map, refers_to, registry};

    fn of(fields: &[(&'static str, Value)]) -> String {
        of_all(&Declared::new().thing("b", &[], &[]).thing("a", fields, &[]))
    }

    fn of_all(declared: &Declared) -> String {
        super::declared(&declared.desired, &registry())["things.a"].clone()
    }

    #[test]
    fn another_declaration_has_another_digest_and_another_place_has_not() {
        let text = |text: &str| Value::text(text);
        let plain = of(&[("name", text("A"))]);
        assert_eq!(plain, of_all(&Declared::new().thing("a", &[("name", text("A"))], &[]).thing("b", &[], &[])));
        let others = [
            of(&[]),
            of(&[("name", text("B"))]),
            of(&[("name", Value::Null)]),
            of(&[("name", text("A")), ("peer", refers_to("b"))]),
            of(&[("name", expression("b", "id"))]),
            of(&[("input", map(&[("declared", text("things.b"))]))]),
            of(&[("input", refers_to("b"))]),
        ];
        for (at, other) in others.iter().enumerate() {
            assert_ne!(plain, *other, "{at}");
            assert!(others[..at].iter().all(|before| before != other), "{at}");
        }
    }

    #[test]
    fn every_part_of_a_lifecycle_counts() {
        let declared = || Declared::new().thing("a", &[], &[]);
        let plain = of_all(&declared());
        let changes: [fn(&mut Lifecycle); 5] = [
            |it| it.consent.replace = true,
            |it| it.consent.cascade = true,
            |it| it.consent.resend = true,
            |it| it.on_exists = OnExists::AdoptIfEqual,
            |it| it.timeout = Some(std::time::Duration::from_secs(60)),
        ];
        for change in changes {
            assert_ne!(plain, of_all(&declared().lifecycle("a", change)));
        }
    }

    #[test]
    fn a_secret_leaves_no_mark() {
        let secret = |text: &str| Sensitive::wrap(Value::text(text));
        assert_eq!(of(&[("name", secret("hunter2"))]), of(&[("name", secret("hunter3"))]));
        // By the table, and whatever variable it came from.
        assert_eq!(of(&[("secret", Value::text("hunter2"))]), of(&[("secret", Value::text("hunter3"))]));
        assert_ne!(of(&[("secret", Value::text("hunter2"))]), of(&[]));
        let template = |text: &str| {
            let parts = vec![TemplatePart::Literal(text.into())];
            Value::Template(Box::new(Template { parts, sensitive: true, redacted: false }))
        };
        assert_eq!(of(&[("name", template("hunter2"))]), of(&[("name", template("hunter3"))]));
        let account = |key: &str, value: &str| map(&[(key, Value::text(value))]);
        assert_eq!(of(&[("account", account("user", "a"))]), of(&[("account", account("user", "b"))]));
        assert_ne!(of(&[("account", account("user", "a"))]), of(&[("account", account("password", "a"))]));
    }
}
