//! `/entitlements` (§10.5).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::auth::Access::{Read, Write};
use super::auth::Caller;
use super::body::{Body, Schema, Shape, TEXT, named, optional, required};
use super::call::{Answer, Call, Outcome};
use super::page::Window;
use super::problem::Problem;
use super::record::Entitlement;
use super::{Service, store::Store};

pub(super) const MODULE: &str = "entitlements";

const LABEL: Shape = Shape::Text { min: 1, max: 100 };

const ENTITLEMENT: Schema = &[
    optional("aggregationMethod", Shape::Choice(&["COUNT", "SUM", "AVERAGE", "MIN", "MAX", "LATEST"])),
    optional("createdAt", Shape::ReadOnly),
    named("description", TEXT),
    optional("displayOrder", Shape::Integer { min: 0, max: i32::MAX as i64 }),
    optional("entitlementGroups", Shape::ReadOnly),
    optional("groupSlugs", Shape::ListOf(&TEXT)),
    optional("icon", Shape::Icon),
    optional("id", Shape::ReadOnly),
    required("name", Shape::Text { min: 1, max: 0 }),
    optional("resetAnchor", Shape::Choice(&["CALENDAR", "LICENSE_START"])),
    optional("resetPeriod", Shape::Choice(&["HOUR", "DAY", "WEEK", "MONTH", "YEAR"])),
    optional("saleUnitFactor", Shape::Positive),
    optional("saleUnitPlural", LABEL),
    optional("saleUnitSingular", LABEL),
    optional("slug", Shape::Slug),
    optional("type", Shape::Choice(&["BOOLEAN", "NUMBER", "CONFIG", "NUMBER_AI_CREDIT"])),
    optional("unitPlural", LABEL),
    optional("unitSingular", LABEL),
    optional("updatedAt", Shape::ReadOnly),
    optional("userFacing", Shape::Boolean),
    optional("warningThresholdPercent", Shape::Integer { min: 0, max: 100 }),
];

/// Whether an entitlement of this type is counted.
pub(super) fn is_numeric(kind: &str) -> bool {
    matches!(kind, "NUMBER" | "NUMBER_AI_CREDIT")
}

pub(super) fn list(service: &Service, call: &Call, caller: &Caller) -> Outcome {
    let window = Window::of(call)?;
    caller.may(Read, MODULE)?;
    let store = service.read();
    let shown = |entitlement: &Entitlement| view(&store, entitlement);
    window.answer(&store.entitlements, service.options.lists, "Entitlements", shown).map(Answer::Found)
}

pub(super) fn get(service: &Service, slug: &str, caller: &Caller) -> Outcome {
    caller.may(Read, MODULE)?;
    let store = service.read();
    Ok(Answer::Found(view(&store, find(&store, slug, "GetEntitlement")?)))
}

pub(super) fn create(service: &Service, call: &Call, caller: &Caller) -> Outcome {
    let body = Body::read(&call.body, ENTITLEMENT)?;
    caller.may(Write, MODULE)?;
    let operation = "CreateEntitlement";
    let kind = body.owned("type").unwrap_or_else(|| "BOOLEAN".to_owned());
    // What the method of anything but a number is does not matter.
    let aggregation = is_numeric(&kind).then(|| body.owned("aggregationMethod").unwrap_or_else(|| "SUM".to_owned()));
    let mut settings = Settings::of(&body, &kind, operation)?;
    settings.reset(&body, &kind, aggregation.as_deref(), operation)?;
    settings.has_icon_of_a_provider(operation)?;

    let mut store = service.write();
    service.within_limit(store.entitlements.len(), service.options.limits.entitlements, operation)?;
    let name = body.demanded("name");
    let slug = service.new_slug(&body, &name, operation, |slug| store.entitlements.has_slug(slug))?;
    let groups = groups(&store, &body, operation)?.unwrap_or_default();
    let now = service.now();
    let mut entitlement = Entitlement {
        id: service.new_id(|id| store.entitlements.get(id).is_some()),
        slug,
        name,
        description: body.owned("description"),
        kind,
        aggregation,
        reset_period: None,
        reset_anchor: None,
        warning: 0,
        user_facing: false,
        display_order: 0,
        icon: None,
        unit: None,
        sale_unit: None,
        groups,
        created_at: now,
        updated_at: now,
    };
    settings.give(&mut entitlement);
    let entitlement = store.put_entitlement(entitlement);
    Ok(Answer::Created(view(&store, &entitlement)))
}

pub(super) fn update(service: &Service, slug: &str, call: &Call, caller: &Caller) -> Outcome {
    let body = Body::read(&call.body, ENTITLEMENT)?;
    caller.may(Write, MODULE)?;
    let operation = "UpdateEntitlement";
    service.not_renamed(&body, slug, operation)?;
    let mut store = service.write();
    let mut entitlement = find(&store, slug, operation)?.clone();
    stays_what_it_is(&body, &entitlement)?;
    let mut settings = Settings::of(&body, &entitlement.kind, operation)?;
    settings.has_icon_of_a_provider(operation)?;
    settings.reset(&body, &entitlement.kind, entitlement.aggregation.as_deref(), operation)?;
    if let Some(groups) = groups(&store, &body, operation)? {
        entitlement.groups = groups;
    }
    entitlement.name = body.demanded("name");
    entitlement.description = body.owned("description");
    settings.give(&mut entitlement);
    entitlement.updated_at = service.now();
    store.put_entitlement(entitlement);
    Ok(Answer::Done)
}

/// Type and aggregation method never change; period and anchor of the reset do not once they are set, and leaving them
/// out counts as a change.
fn stays_what_it_is(body: &Body, entitlement: &Entitlement) -> Result<(), Problem> {
    let refuse = |what: &str| {
        let detail = format!("{what} is immutable");
        Err(Problem::new(400, format!("UpdateEntitlement.Immutable{what}"), detail))
    };
    if body.text("type").is_some_and(|kind| kind != entitlement.kind) {
        return refuse("Type");
    }
    if body.text("aggregationMethod").is_some_and(|method| Some(method) != entitlement.aggregation.as_deref()) {
        return refuse("AggregationMethod");
    }
    if entitlement.reset_period.is_some() && body.text("resetPeriod") != entitlement.reset_period.as_deref() {
        return refuse("ResetPeriod");
    }
    if entitlement.reset_anchor.is_some() && body.text("resetAnchor") != entitlement.reset_anchor.as_deref() {
        return refuse("ResetAnchor");
    }
    Ok(())
}

pub(super) fn delete(service: &Service, slug: &str, caller: &Caller) -> Outcome {
    caller.may(Write, MODULE)?;
    let mut store = service.write();
    let id = find(&store, slug, "DeleteEntitlement")?.id.clone();
    if store.entitlement_is_granted(&id) {
        // The database refuses, and nobody maps that (§9).
        return Err(Problem::internal());
    }
    store.remove_entitlement(&id);
    Ok(Answer::Done)
}

/// What every write sets anew.
struct Settings {
    warning: i64,
    user_facing: bool,
    display_order: i64,
    icon: Option<String>,
    unit: Option<(String, String)>,
    sale_unit: Option<(String, String, f64)>,
    reset_period: Option<String>,
    reset_anchor: Option<String>,
}

impl Settings {
    /// Units and warning, checked in this order.
    fn of(body: &Body, kind: &str, operation: &str) -> Result<Self, Problem> {
        let units = |detail: &str| Problem::new(400, format!("{operation}.InvalidUnitsConfiguration"), detail);
        let unit = match (body.owned("unitSingular"), body.owned("unitPlural")) {
            (None, None) => None,
            (Some(singular), Some(plural)) => Some((singular, plural)),
            _ => return Err(units("unitSingular and unitPlural go together")),
        };
        let sale = (body.owned("saleUnitSingular"), body.owned("saleUnitPlural"), body.number("saleUnitFactor"));
        let sale_unit = match sale {
            (None, None, None) => None,
            (Some(singular), Some(plural), Some(factor)) => Some((singular, plural, factor)),
            _ => return Err(units("saleUnitSingular, saleUnitPlural and saleUnitFactor go together")),
        };
        if !is_numeric(kind) && (unit.is_some() || sale_unit.is_some()) {
            return Err(units("only a number has units"));
        }
        if sale_unit.is_some() && unit.is_none() {
            return Err(units("a sale unit needs the base unit"));
        }
        let warning = body.integer("warningThresholdPercent");
        if warning.is_some() && !is_numeric(kind) {
            let code = format!("{operation}.InvalidEnforcementPolicyConfiguration");
            return Err(Problem::new(400, code, "only a number has a warning threshold"));
        }
        Ok(Self {
            warning: warning.unwrap_or(0),
            user_facing: body.is_true("userFacing"),
            display_order: body.integer("displayOrder").unwrap_or(0),
            icon: body.owned("icon"),
            unit,
            sale_unit,
            reset_period: None,
            reset_anchor: None,
        })
    }

    fn reset(&mut self, body: &Body, kind: &str, aggregation: Option<&str>, operation: &str) -> Result<(), Problem> {
        let refuse = |detail: &str| Err(Problem::new(400, format!("{operation}.InvalidResetConfiguration"), detail));
        self.reset_period = body.owned("resetPeriod");
        self.reset_anchor = body.owned("resetAnchor");
        match (&self.reset_period, &self.reset_anchor) {
            (None, None) => return Ok(()),
            (None, Some(_)) => return refuse("a reset anchor needs a reset period"),
            (Some(_), None) => self.reset_anchor = Some("CALENDAR".to_owned()),
            (Some(_), Some(_)) => {}
        }
        if !is_numeric(kind) {
            return refuse("only a number resets");
        }
        if aggregation == Some("LATEST") {
            return refuse("what keeps the latest value does not reset");
        }
        Ok(())
    }

    fn has_icon_of_a_provider(&self, operation: &str) -> Result<(), Problem> {
        match self.icon.as_deref().and_then(|icon| icon.split_once(':')) {
            Some((provider, _)) if provider != "lucide" => {
                let detail = format!("unknown icon provider {provider}");
                Err(Problem::new(400, format!("{operation}.InvalidIcon"), detail))
            }
            _ => Ok(()),
        }
    }

    fn give(self, entitlement: &mut Entitlement) {
        let Self { warning, user_facing, display_order, icon, unit, sale_unit, reset_period, reset_anchor } = self;
        entitlement.warning = warning;
        entitlement.user_facing = user_facing;
        entitlement.display_order = display_order;
        entitlement.icon = icon;
        entitlement.unit = unit;
        entitlement.sale_unit = sale_unit;
        entitlement.reset_period = reset_period;
        entitlement.reset_anchor = reset_anchor;
    }
}

/// The ids of the groups a body names; none if it leaves them as they are.
fn groups(store: &Store, body: &Body, operation: &str) -> Result<Option<BTreeSet<String>>, Problem> {
    let Some(slugs) = body.list("groupSlugs") else { return Ok(None) };
    let ids = slugs.iter().filter_map(Value::as_str).map(str::trim).map(|slug| {
        let missing =
            || Problem::new(404, format!("{operation}.GroupNotFound"), format!("no entitlement group {slug}"));
        store.groups.find(slug).map(|group| group.id.clone()).ok_or_else(missing)
    });
    ids.collect::<Result<_, _>>().map(Some)
}

fn find<'a>(store: &'a Store, slug: &str, operation: &str) -> Result<&'a Entitlement, Problem> {
    let missing = || Problem::new(404, format!("{operation}.NotFound"), "entitlement not found");
    store.entitlements.find(slug).map(AsRef::as_ref).ok_or_else(missing)
}

fn view(store: &Store, entitlement: &Entitlement) -> Value {
    let Entitlement {
        id,
        slug,
        name,
        description,
        kind,
        aggregation,
        reset_period,
        reset_anchor,
        warning,
        user_facing,
        display_order,
        icon,
        unit,
        sale_unit,
        groups: _,
        created_at,
        updated_at,
    } = entitlement;
    let mut object = json!({
        "id": id, "slug": slug, "name": name, "description": description, "type": kind, "userFacing": user_facing,
        "displayOrder": display_order, "entitlementGroups": summaries(store, entitlement),
        "createdAt": created_at, "updatedAt": updated_at,
    });
    if is_numeric(kind) {
        object["warningThresholdPercent"] = (*warning).into();
    }
    let texts = [
        ("aggregationMethod", aggregation),
        ("resetPeriod", reset_period),
        ("resetAnchor", reset_anchor),
        ("icon", icon),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            object[name] = text.as_str().into();
        }
    }
    if let Some((singular, plural)) = unit {
        object["unitSingular"] = singular.as_str().into();
        object["unitPlural"] = plural.as_str().into();
    }
    if let Some((singular, plural, factor)) = sale_unit {
        object["saleUnitSingular"] = singular.as_str().into();
        object["saleUnitPlural"] = plural.as_str().into();
        object["saleUnitFactor"] = super::metadata::number(*factor);
    }
    object
}

/// The groups of an entitlement, by slug.
pub(super) fn summaries(store: &Store, entitlement: &Entitlement) -> Value {
    let mut groups: Vec<_> = entitlement.groups.iter().filter_map(|id| store.groups.get(id)).collect();
    groups.sort_by_key(|group| &group.slug);
    groups.iter().map(|group| json!({ "id": group.id, "name": group.name, "slug": group.slug })).collect()
}
