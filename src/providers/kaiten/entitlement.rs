//! Entitlements (reference §10.5).

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::wire::Row;
use super::{CREATED_AT, ID, Kaiten, Provided, SLUG, SLUG_ATTRIBUTE, UNLIMITED, UPDATED_AT, change, license};
use crate::kind::{
    Abilities, Check, Deletion, Failure, Kind, Modification, Proposal, Readable, Reader, RemoteError, Tied, Wanted,
    Writer,
};
use crate::model::{
    Code, Collection, Compare, Diagnostic, Facts, Field, Format, Initial, KeyPart, KeySource, Observed, Path, Section,
    Shape, Value,
};

/// Something that licenses grant.
#[derive(Debug)]
pub struct Entitlement;

const PATH: &str = "/entitlements";

static ICON: Format = Format {
    what: "an icon",
    pattern: "^lucide:[a-z0-9]+(-[a-z0-9]+)*$",
    min: 8,
    max: 64,
    help: "an icon is `lucide:` and its name, `lucide:rocket`",
};

/// What only numbers have: others drop it silently, or are refused for it.
const OF_NUMBERS: &[&str] =
    &["aggregation_method", "reset_period", "reset_anchor", "warning_threshold_percent", "units", "sale_units"];

pub(super) static SECTION: Section = Section {
    name: "entitlements",
    singular: "entitlement",
    provider: "kaiten",
    doc: "Entitlements: what licenses can grant, a feature, an amount or a configuration.",
    declarable: true,
    apis: &["core"],
    key: &[KeyPart { name: "slug", from: KeySource::Key, shape: Shape::Format(&SLUG) }],
    fold_case: false,
    fields: &[
        Field::new("name", "name", Shape::Text { min: 1, max: UNLIMITED }, "The name people read.").required(),
        Field::new("description", "description", Shape::Text { min: 0, max: UNLIMITED }, "What it entitles to.")
            .default("null"),
        Field::new(
            "type",
            "type",
            Shape::Enum(&["BOOLEAN", "NUMBER", "CONFIG", "NUMBER_AI_CREDIT"]),
            "What is granted: a feature, an amount, or a configuration.",
        )
        .required()
        .immutable("grants and recorded usage are of this type"),
        Field::new(
            "aggregation_method",
            "aggregationMethod",
            Shape::Enum(&["COUNT", "SUM", "AVERAGE", "MIN", "MAX", "LATEST"]),
            "How reported usage is added up, for numbers; `SUM` if none is given.",
        )
        .initial(Initial::OneOf(&["\"SUM\""]))
        .immutable("usage has been added up this way"),
        Field::new(
            "reset_period",
            "resetPeriod",
            Shape::Enum(&["HOUR", "DAY", "WEEK", "MONTH", "YEAR"]),
            "When usage begins anew, for numbers and not with `LATEST`; never if none is given. Once set it stays.",
        ),
        Field::new(
            "reset_anchor",
            "resetAnchor",
            Shape::Enum(&["CALENDAR", "LICENSE_START"]),
            "What the period is counted from; `CALENDAR` if none is given. Once set it stays.",
        )
        .initial(Initial::OneOf(&["\"CALENDAR\""])),
        Field::new(
            "warning_threshold_percent",
            "warningThresholdPercent",
            Shape::Integer { min: 0, max: 100 },
            "At which part of the amount to warn, for numbers.",
        )
        .initial(Initial::OneOf(&["0"])),
        Field::new("user_facing", "userFacing", Shape::Boolean, "Whether customers see it.")
            .initial(Initial::OneOf(&["false"])),
        Field::new(
            "display_order",
            "displayOrder",
            Shape::Integer { min: 0, max: i32::MAX as i64 },
            "Where it is in lists, the lowest first.",
        )
        .initial(Initial::OneOf(&["0"])),
        Field::new("icon", "icon", Shape::Format(&ICON), "Its icon, `lucide:rocket`."),
        Field::new(
            "units",
            "units",
            Shape::Object,
            "What is counted, for numbers: `{ singular: seat, plural: seats }`.",
        ),
        Field::new(
            "sale_units",
            "saleUnits",
            Shape::Object,
            "What is sold, beside `units`: `{ singular: pack, plural: packs, factor: 10 }`, with so many units in one.",
        ),
        Field::new(
            "groups",
            "groupSlugs",
            Shape::Names { section: "entitlement_groups" },
            "The groups it is in: declared ones' keys, or existing ones' slugs; `[]` for none.",
        )
        .compare(Compare::Set),
    ],
    attributes: &[ID, SLUG_ATTRIBUTE, CREATED_AT, UPDATED_AT],
    example: "\
entitlements:
  seats:
    name: Seats
    type: NUMBER
    units: { singular: seat, plural: seats }
",
};

/// Kaiten's members for what is one mapping in YAML.
const UNITS: [(&str, &[(&str, &str)]); 2] = [
    ("units", &[("singular", "unitSingular"), ("plural", "unitPlural")]),
    ("saleUnits", &[("singular", "saleUnitSingular"), ("plural", "saleUnitPlural"), ("factor", "saleUnitFactor")]),
];

/// What Kaiten tells, with units as the table has them.
pub(super) fn inward(row: &mut Row) {
    for (whole, parts) in UNITS {
        let told = parts.iter().filter_map(|(name, member)| {
            let json = row.get(*member).filter(|json| !json.is_null())?;
            Some(((*name).to_owned(), json.clone()))
        });
        let units: Row = told.collect();
        if !units.is_empty() {
            row.insert(whole.to_owned(), Json::Object(units));
        }
    }
}

/// A body as Kaiten takes it: units taken apart, and nothing that this type does not have (section 10.5).
fn outward(body: &mut Row) {
    for (whole, parts) in UNITS {
        let Some(units) = body.remove(whole) else { continue };
        for (name, member) in parts {
            if let Some(json) = units.get(name) {
                body.insert((*member).to_owned(), json.clone());
            }
        }
    }
    if !body.get("type").and_then(Json::as_str).is_some_and(is_number) {
        for field in OF_NUMBERS.iter().filter_map(|name| SECTION.field(name)) {
            body.remove(field.wire);
        }
    }
}

fn is_number(of_type: &str) -> bool {
    of_type.starts_with("NUMBER")
}

impl Readable for Entitlement {
    type Provider = Provided;
    const SECTION: &'static Section = &SECTION;
    const ALONG: &'static [&'static str] = &["licenses"];

    async fn observe(_: &Wanted<'_>, remote: Reader<'_, Kaiten>) -> Result<Vec<Observed>, RemoteError> {
        remote.collection(&SECTION, PATH).await
    }
}

impl Kind for Entitlement {
    /// What has been used of it is recorded with the instances (reference §9).
    const DELETION: Deletion = Deletion { after: &["instances", "customers"], ..Deletion::PLAIN };

    fn check(check: Check<'_>) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        only_for_numbers(check, &mut found);
        resets(check, &mut found);
        whole_units(check, &mut found);
        found.extend(change::irremovable(check, &["reset_period", "reset_anchor"]));
        found
    }

    async fn create(proposal: Proposal<'_>, remote: &Writer<'_, Kaiten>) -> Result<Observed, RemoteError> {
        let mut body = remote.body(&SECTION, proposal, &[]);
        outward(&mut body);
        remote.post(&SECTION, PATH, body).await
    }

    async fn look_up(proposal: Proposal<'_>, remote: Reader<'_, Kaiten>) -> Result<Option<Observed>, RemoteError> {
        remote.find(&SECTION, PATH, &proposal.identity.to_string()).await
    }

    fn abilities(facts: &Facts) -> Abilities {
        change::abilities(facts)
    }

    /// Omitted, nearly everything would be cleared, and a reset period be refused (reference §7.2).
    async fn update(modification: Modification<'_>, remote: &Writer<'_, Kaiten>) -> Result<Observed, RemoteError> {
        let live = remote.fresh(&SECTION, PATH, modification.observed).await?;
        let path = change::path_of(PATH, &modification.observed.identity.to_string());
        remote.put_reshaped(&SECTION, &path, &live, modification, &["groups"], outward).await?;
        remote.changed(&SECTION, PATH, modification.observed).await
    }

    /// Kaiten answers `500` where one is granted (reference §9), or has been used, which no list tells.
    fn held_by(observed: &Observed, collections: &BTreeMap<&'static str, Collection>, _: &Facts) -> Vec<Tied> {
        license::granting(collections, &observed.identity.to_string())
    }

    async fn delete(
        observed: &Observed,
        _: bool,
        remote: &Writer<'_, Kaiten>,
    ) -> Result<Option<Observed>, RemoteError> {
        // What is granted or has been used is an unmapped failure there (reference §9).
        remote.remove(&SECTION, PATH, observed).await.map_err(|error| match error.failure {
            Failure::Server => RemoteError {
                help: Some(
                    "an entitlement that a license grants, or of which usage is recorded, cannot be deleted".to_owned(),
                ),
                ..error
            },
            _ => error,
        })
    }
}

fn error(check: Check<'_>, path: &Path, message: String, label: &str, help: &str) -> Diagnostic {
    Diagnostic::error(Code::InvalidValue, message)
        .on(&check.resource.address)
        .at(check.resource.places.value(path), label)
        .help(help)
}

fn only_for_numbers(check: Check<'_>, found: &mut Vec<Diagnostic>) {
    let Some(of_type) = check.proposal.fields.text("type").filter(|of_type| !is_number(of_type)) else { return };
    for name in OF_NUMBERS.iter().filter(|name| check.proposal.fields.get(name).is_some()) {
        let message = format!("an entitlement of type `{of_type}` has no `{name}`");
        found.push(error(check, &Path::field(*name), message, "only numbers have it", "remove it"));
    }
}

fn resets(check: Check<'_>, found: &mut Vec<Diagnostic>) {
    let observed = |name| check.observed.and_then(|observed| observed.fields.text(name));
    let declared = |name| check.proposal.fields.text(name);
    let method = declared("aggregation_method").or_else(|| observed("aggregation_method"));
    if declared("reset_period").is_some() && method == Some("LATEST") {
        let message = "what is the latest value does not begin anew".to_owned();
        let help = "remove it, or choose another `aggregation_method`";
        found.push(error(check, &Path::field("reset_period"), message, "not with `LATEST`", help));
    }
    let period = check.proposal.fields.get("reset_period").is_some() || observed("reset_period").is_some();
    if declared("reset_anchor").is_some() && !period {
        let message = "`reset_anchor` says from when to count a period, and there is none".to_owned();
        found.push(error(check, &Path::field("reset_anchor"), message, "needs a period", "add a `reset_period`"));
    }
    for name in ["reset_period", "reset_anchor"] {
        let (Some(was), Some(is)) = (observed(name), declared(name)) else { continue };
        if was != is {
            found.push(
                Diagnostic::warning(Code::Blocked, format!("`{name}` stays what it was once set to, `{was}`"))
                    .on(&check.resource.address)
                    .at(check.resource.places.value(&Path::field(name)), "cannot be changed")
                    .help(format!("write `{name}: {was}`, or remove it")),
            );
        }
    }
}

fn whole_units(check: Check<'_>, found: &mut Vec<Diagnostic>) {
    let fields = check.proposal.fields;
    for (name, parts) in [("units", UNITS[0].1), ("sale_units", UNITS[1].1)] {
        let Some(Value::Map(units)) = fields.get(name) else { continue };
        let path = Path::field(name);
        let names: Vec<_> = parts.iter().map(|(part, _)| format!("`{part}`")).collect();
        let names = names.join(", ");
        for key in units.keys().filter(|key| !parts.iter().any(|(part, _)| part == &&***key)) {
            let message = format!("`{name}` has no `{key}`");
            found.push(error(check, &path.key(key.clone()), message, "not part of it", &format!("it has {names}")));
        }
        for (part, _) in parts {
            let is_right = match units.get(*part) {
                Some(Value::Text(text)) if *part != "factor" => (1..=100).contains(&text.chars().count()),
                Some(Value::Number(number)) if *part == "factor" => number.as_f64() > Some(0.0),
                Some(Value::Unknown | Value::Redacted) => true,
                _ => false,
            };
            if !is_right {
                let what = if *part == "factor" { "a number above 0" } else { "1 to 100 characters" };
                let message = format!("`{name}` needs `{part}`, {what}");
                found.push(error(check, &path, message, "not complete", &format!("write {names}, all of them")));
            }
        }
    }
    let has_units = fields.get("units").is_some()
        || check.observed.is_some_and(|observed| observed.fields.get("units").is_some_and(|units| !is_empty(units)));
    if fields.get("sale_units").is_some() && !has_units {
        let message = "`sale_units` are made of `units`, and there are none".to_owned();
        found.push(error(check, &Path::field("sale_units"), message, "needs units", "add `units`"));
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_map().is_none_or(indexmap::IndexMap::is_empty)
}

#[cfg(test)]
mod tests;
