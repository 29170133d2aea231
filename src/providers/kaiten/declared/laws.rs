//! After an apply of anything nothing is pending, and what was not declared again has stayed (reference §14): for every
//! kind, whatever the values.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value as Json, json};

use super::fields::declaring;
use super::{Declared, over, yaml};
use crate::model::{ChangeRule, Field, Section, Shape};

fn text(least: usize, most: usize) -> BoxedStrategy<Json> {
    // `${` begins an expression.
    let any = proptest::string::string_regex(&format!("\\PC{{{least},{}}}", most.min(12))).unwrap();
    any.prop_map(|text| Json::from(text.replace('$', "S"))).boxed()
}

fn leaf() -> impl Strategy<Value = Json> {
    prop_oneof![
        any::<bool>().prop_map(Json::from),
        (-9_007_199_254_740_992_i64..=9_007_199_254_740_992).prop_map(Json::from),
        (-1.0e6..1.0e6).prop_map(|number: f64| json!(number)),
        text(0, 8),
    ]
}

fn object() -> impl Strategy<Value = Json> {
    let key = || text(1, 6).prop_map(|key| key.as_str().unwrap().to_owned());
    let inner = prop_oneof![
        leaf(),
        vec(leaf(), 0..3).prop_map(Json::from),
        btree_map(key(), leaf(), 0..3).prop_map(|map| Json::Object(map.into_iter().collect())),
    ];
    btree_map(key(), inner, 0..4).prop_map(|map| Json::Object(map.into_iter().collect::<Map<_, _>>()))
}

/// To the millisecond, with any offset.
fn instant(year: std::ops::Range<u32>) -> BoxedStrategy<Json> {
    let parts = (year, 1..=12_u32, 1..=28_u32, 0..24_u32, 0..1000_u32, -12..=12_i32, select(vec![0, 30]));
    let written = parts.prop_map(|(year, month, day, hour, milli, offset, minutes)| {
        let sign = if offset < 0 { '-' } else { '+' };
        let zone = format!("{sign}{:02}:{minutes:02}", offset.abs());
        Json::from(format!("{year}-{month:02}-{day:02}T{hour:02}:30:00.{milli:03}{zone}"))
    });
    written.boxed()
}

fn flag_value(of_type: &str) -> BoxedStrategy<Json> {
    match of_type {
        "boolean" => any::<bool>().prop_map(Json::from).boxed(),
        "string" => text(0, 8),
        "number" => (-1.0e6..1.0e6).prop_map(|number: f64| json!(number)).boxed(),
        _ => object().boxed(),
    }
}

/// The ways to serve one of two variants; `variant` is what `basic` calls it.
fn serving(variant: &'static str) -> BoxedStrategy<Json> {
    let name = || select(vec!["one", "two"]);
    let step = || {
        (name(), 0..=100, instant(2020..2040))
            .prop_map(|(name, percentage, date)| json!({"variant": name, "percentage": percentage, "date": date}))
    };
    prop_oneof![
        name().prop_map(move |name| json!({"type": "basic", variant: name})),
        (step(), step()).prop_map(|(start, end)| json!({"type": "rollout_date", "start": start, "end": end})),
        (1..100).prop_map(
            |share| json!({"type": "rollout_percentage", "distribution": {"one": share, "two": 100 - share}})
        ),
    ]
    .boxed()
}

fn targeting() -> impl Strategy<Value = Json> {
    let rules =
        vec!["true", "user.age > 17 // grown up", "__kaiten.entitlements['seats'].used > 1.0", "a['}'] == \"(\""];
    (text(0, 12), select(rules), serving("variant")).prop_map(|(name, rule, mut serving)| {
        over(serving.as_object_mut().unwrap(), &json!({"name": name, "rule": rule}));
        serving
    })
}

/// A flag's fields fit together: those that depend on each other are made at once.
fn flag() -> BoxedStrategy<Json> {
    let described = || prop_oneof![Just(Json::Null), text(0, 8)];
    let variant = move |name: &'static str, of_type: &'static str| {
        (flag_value(of_type), described()).prop_map(move |(value, description)| {
            let mut variant = json!({"name": name, "value": value});
            over(variant.as_object_mut().unwrap(), &json!({"description": description}));
            variant
        })
    };
    select(vec!["boolean", "string", "number", "object"])
        .prop_flat_map(move |of_type| {
            let variants = (variant("one", of_type), variant("two", of_type), any::<bool>()).prop_map(|(one, two, turned)| {
                if turned { json!([two, one]) } else { json!([one, two]) }
            });
            (Just(of_type), variants, serving("value"), proptest::option::of(vec(targeting(), 0..3)))
        })
        .prop_map(|(of_type, variants, default_variant, targetings)| {
            json!({"type": of_type, "variants": variants, "default_variant": default_variant, "targetings": targetings})
        })
        .boxed()
}

/// Values of a field on its own; none for one that depends on others.
fn value(section: &str, field: &'static Field) -> Option<BoxedStrategy<Json>> {
    Some(match (section, field.name, field.shape) {
        ("entitlements", "aggregation_method", _) => select(vec!["COUNT", "SUM", "MAX"]).prop_map(Json::from).boxed(),
        ("entitlements", "units", _) => {
            (text(1, 9), text(1, 9)).prop_map(|(one, many)| json!({"singular": one, "plural": many})).boxed()
        }
        ("entitlements", "sale_units", _) => (text(1, 9), text(1, 9), 0.5..1.0e6)
            .prop_map(|(one, many, factor)| json!({"singular": one, "plural": many, "factor": factor}))
            .boxed(),
        ("entitlements", "icon", _) => "lucide:[a-z]{1,9}".prop_map(Json::from).boxed(),
        ("entitlements", "groups", _) => {
            subsequence(vec!["red", "blue"], 0..=2).prop_shuffle().prop_map(Json::from).boxed()
        }
        // How a license comes from state to state, and what a new one joins, is not a matter of values.
        ("licenses", "family", _)
        | ("instances", "slug" | "platform", _)
        // These depend on each other.
        | ("feature_flags", "type" | "variants" | "default_variant" | "targetings", _) => return None,
        ("licenses", "lifecycle_state", _) => select(vec!["PUBLISHED", "ARCHIVED"]).prop_map(Json::from).boxed(),
        ("licenses", "entitlements", _) => {
            let seats = prop_oneof![
                (0.0..1.0e6).prop_map(|seats: f64| json!(seats)),
                Just(json!(-1)),
                (0..1000, 0..=32767).prop_map(|(seats, over)| json!({"value": seats, "overage_percent": over})),
            ];
            let sso = prop_oneof![any::<bool>().prop_map(Json::from), Just(Json::Null)];
            (seats, sso).prop_map(|(seats, sso)| json!({"seats": seats, "sso": sso})).boxed()
        }
        ("metadata_fields", "json_schema", _) => subsequence(vec!["a", "b", "c", "d"], 1..=4)
            .prop_map(|words| json!({"type": "string", "enum": words}))
            .boxed(),
        // Others have the plain numbers already.
        (_, "version", _) => text(1, 8).prop_map(|text| format!("v{}", text.as_str().unwrap()).into()).boxed(),
        ("releases", "components", _) => {
            subsequence(vec!["left", "right"], 0..=2).prop_shuffle().prop_map(Json::from).boxed()
        }
        (_, "release", _) => select(vec!["first", "second"]).prop_map(Json::from).boxed(),
        (_, "customer", _) => select(vec!["one", "two"]).prop_map(Json::from).boxed(),
        (_, "license", _) => select(vec!["basic", "large"]).prop_map(Json::from).boxed(),
        (_, "deployment_zone", _) => select(vec!["north", "south"]).prop_map(Json::from).boxed(),
        (_, "start_license_date", _) => instant(2000..2020),
        (_, "end_license_date", _) => instant(2021..2100),
        (_, "domain", _) => "[a-z0-9_-]{1,5}\\.[a-z]{2,3}".prop_map(Json::from).boxed(),
        (_, _, Shape::Text { min, max }) => text(min, max),
        (_, _, Shape::Boolean) => any::<bool>().prop_map(Json::from).boxed(),
        (_, _, Shape::Integer { min, max }) => (min..=max).prop_map(Json::from).boxed(),
        (_, _, Shape::Enum(words)) => select(words).prop_map(Json::from).boxed(),
        (_, _, Shape::Object) => object().boxed(),
        (_, name, shape) => panic!("say what `{section}.{name}` may be: {shape:?}"),
    })
}

/// A body: what is required, any of the rest, and what depends on each other set right.
fn body(section: &'static Section) -> BoxedStrategy<Map<String, Json>> {
    let each = section.fields.iter().filter_map(|field| {
        let value = value(section.name, field)?.prop_map(move |json| (field.name.to_owned(), json));
        let value: BoxedStrategy<_> = value.boxed();
        Some(if field.required { value.prop_map(Some).boxed() } else { proptest::option::of(value).boxed() })
    });
    let each: Vec<BoxedStrategy<Option<(String, Json)>>> = each.collect();
    let more = if section.name == "feature_flags" { flag() } else { Just(json!({})).boxed() };
    let whole = (each, more).prop_map(|(fields, more)| {
        let mut body: Map<String, Json> = fields.into_iter().flatten().collect();
        over(&mut body, &more);
        body
    });
    whole.prop_map(move |body| sound(section, body)).boxed()
}

/// Takes out what another field rules out.
fn sound(section: &Section, mut body: Map<String, Json>) -> Map<String, Json> {
    match section.name {
        "entitlements" => {
            let is_number = body["type"].as_str().is_some_and(|of_type| of_type.starts_with("NUMBER"));
            let of_numbers = [
                "aggregation_method",
                "reset_period",
                "reset_anchor",
                "warning_threshold_percent",
                "units",
                "sale_units",
            ];
            body.retain(|name, _| is_number || !of_numbers.contains(&name.as_str()));
            if !body.contains_key("units") {
                body.remove("sale_units");
            }
            if !body.contains_key("reset_period") {
                body.remove("reset_anchor");
            }
        }
        // Only a published one can be the default, and a default cannot be archived: one that may be, says of both.
        "licenses" if body.contains_key("default") || body.contains_key("lifecycle_state") => {
            let state = body.entry("lifecycle_state").or_insert_with(|| json!("PUBLISHED")).clone();
            let default = body.entry("default").or_insert_with(|| json!(false));
            if state != "PUBLISHED" {
                *default = json!(false);
            }
        }
        _ => {}
    }
    body
}

/// What a later declaration may say of an object that the first one made.
fn later(section: &Section, first: &Map<String, Json>, mut body: Map<String, Json>) -> Map<String, Json> {
    for field in section.fields {
        let stays =
            matches!(field.change, ChangeRule::Never(_)) || ["reset_period", "reset_anchor"].contains(&field.name);
        if stays {
            body.remove(field.name);
            if let Some(value) = first.get(field.name) {
                body.insert(field.name.to_owned(), value.clone());
            }
        }
    }
    sound(section, body)
}

async fn hold(section: &'static Section, declarations: Vec<Map<String, Json>>) {
    let world = Declared::empty().await;
    let text = |body: &Map<String, Json>| yaml(&declaring(section.name, Json::Object(body.clone())));
    let mut declarations = declarations.into_iter();
    let first = declarations.next().unwrap();
    world.converge(&text(&first)).await;
    let mut all = first.clone();
    for body in declarations {
        let body = later(section, &first, body);
        world.converge(&text(&body)).await;
        all.extend(body);
        let writes = world.writes();
        world.converge(&text(&all)).await;
        assert_eq!(world.writes(), writes, "what was declared before has stayed: {all:#?}");
    }
}

fn sections() -> Vec<&'static Section> {
    let registry = crate::providers::registry();
    registry.sections().filter(|section| section.provider == "kaiten" && section.declarable).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn after_an_apply_of_anything_nothing_is_pending_and_what_was_not_declared_again_has_stayed(
        (section, declarations) in select(sections()).prop_flat_map(|section| (Just(section), vec(body(section), 1..4)))
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(hold(section, declarations));
    }
}
