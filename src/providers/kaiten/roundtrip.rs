//! What is declared and carried out is no difference any more, whatever the values (reference §14): against the emulator.

use std::collections::BTreeMap;

use proptest::collection::btree_map;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, json};

use super::change::tests::update;
use super::emulated::World;
use super::*;
use crate::diff::diff;
use crate::model::{ChangeRule, Collection, Fields, Shape, Value};

fn leaf() -> impl Strategy<Value = Json> {
    prop_oneof![
        any::<bool>().prop_map(Json::from),
        (-9_007_199_254_740_992_i64..=9_007_199_254_740_992).prop_map(Json::from),
        (-1.0e6..1.0e6).prop_map(|number: f64| json!(number)),
        "\\PC{0,8}".prop_map(Json::from),
    ]
}

fn object() -> impl Strategy<Value = Json> {
    let inner = prop_oneof![
        leaf(),
        proptest::collection::vec(leaf(), 0..3).prop_map(Json::from),
        btree_map("\\PC{1,4}", leaf(), 0..3).prop_map(|map| Json::Object(map.into_iter().collect())),
    ];
    btree_map("\\PC{1,6}", inner, 0..4).prop_map(|map| Json::Object(map.into_iter().collect::<Map<_, _>>()))
}

fn value(section: &str, field: &'static crate::model::Field) -> Option<BoxedStrategy<Json>> {
    Some(match (section, field.name, field.shape) {
        ("entitlements", "type", _) => Just(json!("NUMBER")).boxed(),
        ("entitlements", "aggregation_method", _) => select(vec!["COUNT", "SUM", "MAX"]).prop_map(Json::from).boxed(),
        // Set once or only together, or with a history: other tests have them.
        ("entitlements", "reset_period" | "reset_anchor" | "sale_units", _)
        | ("licenses", "family" | "default" | "lifecycle_state", _) => return None,
        ("entitlements", "units", _) => {
            ("\\PC{1,9}", "\\PC{1,9}").prop_map(|(one, many)| json!({"singular": one, "plural": many})).boxed()
        }
        ("entitlements", "icon", _) => "lucide:[a-z]{1,9}".prop_map(Json::from).boxed(),
        (_, _, Shape::Text { min, max }) => {
            proptest::string::string_regex(&format!("\\PC{{{min},{}}}", max.min(12))).ok()?.prop_map(Json::from).boxed()
        }
        (_, "domain", _) => "[a-z0-9_-]{1,5}\\.[a-z]{2,3}".prop_map(Json::from).boxed(),
        (_, _, Shape::Boolean) => any::<bool>().prop_map(Json::from).boxed(),
        (_, _, Shape::Integer { min, max }) => (min..=max).prop_map(Json::from).boxed(),
        (_, _, Shape::Enum(words)) => select(words).prop_map(Json::from).boxed(),
        (_, _, Shape::Object) => object().boxed(),
        _ => return None,
    })
}

/// Fields of a section: those that are required, and any of the others.
fn fields(section: &'static Section) -> BoxedStrategy<Fields> {
    let each: Vec<BoxedStrategy<Option<(&'static str, Value)>>> = section
        .fields
        .iter()
        .filter_map(|field| {
            let value = value(section.name, field)?.prop_map(move |json| (field.name, Value::from_json(&json)));
            let value: BoxedStrategy<_> = value.boxed();
            Some(if field.required { value.prop_map(Some).boxed() } else { proptest::option::of(value).boxed() })
        })
        .collect();
    each.prop_map(|fields| fields.into_iter().flatten().collect()).boxed()
}

fn holds(section: &'static Section, declared: &Fields, observed: &Observed) {
    let differences = diff(section, declared, &observed.fields, &[]);
    assert!(differences.is_empty(), "{}: {declared:?} against {:?}: {differences:?}", section.name, observed.fields);
}

/// Creates by the first declaration and changes by the others what of them can be changed.
async fn converge(section: &'static Section, declarations: &[Fields]) {
    let world = World::empty().await;
    let mut now = world.create(section.name, "thing", &declarations[0]).await;
    holds(section, &declarations[0], &now);
    let mut before: BTreeMap<&str, Value> = BTreeMap::new();
    for declared in declarations {
        let changeable: Fields = declared
            .iter()
            .filter(|(name, _)| section.field(name).is_some_and(|field| field.change == ChangeRule::InPlace))
            .map(|(name, value)| (name, value.clone()))
            .collect();
        now = update(&world.kaiten, section.name, "thing", &now, &changeable).await.unwrap();
        holds(section, &changeable, &now);
        let families = BTreeMap::from([("license_families", Collection::default())]);
        let all: Collection = world.observe(section.name, &families).await;
        let listed = all.named("thing", false).next().unwrap();
        holds(section, &changeable, listed);
        before.extend(changeable.iter().map(|(name, value)| (name, value.clone())));
        for (name, value) in before.iter().filter(|(name, _)| changeable.get(name).is_none()) {
            let kept: Fields = [(section.field(name).unwrap().name, value.clone())].into_iter().collect();
            holds(section, &kept, listed);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_was_carried_out_is_no_difference_and_what_was_not_declared_again_has_stayed(
        (section, declarations) in select(vec![
            &customer::SECTION,
            &deployment_zone::SECTION,
            &license::SECTION,
            &entitlement_group::SECTION,
            &entitlement::SECTION,
            &component::SECTION,
        ])
        .prop_flat_map(|section: &'static Section| {
            (Just(section), proptest::collection::vec(fields(section), 1..4))
        })
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(converge(section, &declarations));
    }
}
