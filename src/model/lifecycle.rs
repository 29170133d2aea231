//! What any resource may hold beside its fields, `lifecycle:` and `target:`: read by parsing, schemas and documentation.

/// One entry of it.
#[derive(Debug)]
pub struct LifecycleField {
    /// The name in YAML.
    pub name: &'static str,
    /// What it takes, with its article.
    pub takes: &'static str,
    /// What it means, in a sentence or two.
    pub doc: &'static str,
    /// How it is written, `{ protect: true }`.
    pub example: &'static str,
}

const fn field(name: &'static str, takes: &'static str, doc: &'static str, example: &'static str) -> LifecycleField {
    LifecycleField { name, takes, doc, example }
}

/// What `target:` of a resource is, where its provider is known or not.
pub fn target_doc(provider: Option<&str>) -> String {
    let provider = provider.map_or_else(|| "the same provider".to_owned(), |name| format!("the provider `{name}`"));
    format!("The target of `trueup.toml`; needed if several have {provider}.")
}

/// What `lifecycle:` is.
pub const LIFECYCLE_DOC: &str = "How trueup treats this resource.";

/// Everything that may stand in `lifecycle:`.
pub static LIFECYCLE: &[LifecycleField] = &[
    field(
        "depends_on",
        "a list of addresses",
        "Addresses of declared resources that have to be there first, though nothing refers to them.",
        "{ depends_on: [service_instances.acme-db] }",
    ),
    field(
        "absent",
        "`true` or `false`",
        "It shall not exist: a plan deletes it. Only what identifies it need be declared.",
        "{ absent: true }",
    ),
    field("protect", "`true` or `false`", "Refuse any plan that would delete or replace it.", "{ protect: true }"),
    field(
        "ignore",
        "a list of paths",
        "Paths whose differences are not looked at, such as `metadata.last_seen`.",
        "{ ignore: [metadata.last_seen] }",
    ),
    field(
        "on_exists",
        "`adopt` (the default) or `adopt_if_equal`",
        "What to do with an object that exists under this name: bring it into line, or block if it differs.",
        "{ on_exists: adopt_if_equal }",
    ),
    field(
        "was",
        "a string",
        "An earlier key, name or slug: what has it is renamed. Can stay until everybody has applied it.",
        "{ was: acme-prod }",
    ),
    field(
        "replace",
        "`true` or `false`",
        "Consent to delete it and create it anew where a change cannot be made in place.",
        "{ replace: true }",
    ),
    field(
        "cascade",
        "`true` or `false`",
        "Consent to what a delete takes along: bindings, keys, routes, shares, a customer's instances.",
        "{ cascade: true }",
    ),
    field(
        "timeout",
        "a duration, from `1s` to `24h`",
        "How long to wait for the remote to finish: a number and `s`, `m` or `h`; without it, as long as it takes. What is \
         not waited for goes on, and the next apply attaches to it.",
        "{ timeout: 60m }",
    ),
];
