//! Fills a remote with objects of every kind, as odd as it takes them.

use serde_json::{Value as Json, json};
use trueup::model::{Fields, Observed, Sensitive, Value};

use crate::chance::Chance;
use crate::world::{Dialect, World, link};

/// No export may have it.
pub const SECRET: &str = "hush-canary-4711";

/// What a text can be made of that somebody has an opinion on.
const ODD: [&str; 46] = [
    "yes",
    "No",
    "off",
    "null",
    "~",
    "1e3",
    "0x1f",
    "017",
    "1_000",
    "12:30:45",
    "2024-01-01",
    "-",
    "- a",
    "? b",
    ": c",
    "a: b",
    "a #b",
    "#",
    "&x",
    "*y",
    "!z",
    "|",
    ">",
    "%",
    "@",
    "`",
    "'",
    "\"",
    "[",
    "]",
    "{",
    "}",
    "<<",
    "=",
    ",",
    "${customers.acme.id}",
    "$${",
    "${",
    "\\",
    "\n",
    "\r\n",
    "\t",
    "👩‍👩‍👧",
    "\u{202e}evil",
    "\u{7}",
    "\u{85}",
];

const PLAIN: [&str; 8] = ["acme", "Größe 9", "日本", "twice  spaced", "con", "a/b", "production", "db"];

/// A text that may be anything.
pub fn any(chance: &mut Chance) -> String {
    match chance.below(8) {
        0 | 1 => (*chance.pick(&PLAIN)).to_owned(),
        2..=4 => (*chance.pick(&ODD)).to_owned(),
        5 | 6 => (0..2 + chance.below(4))
            .map(|_| if chance.one_in(3) { *chance.pick(&PLAIN) } else { *chance.pick(&ODD) })
            .collect(),
        _ => format!("{} ", chance.pick(&PLAIN)).repeat(60) + "end",
    }
}

/// A name as Cloud Foundry takes it.
fn name(chance: &mut Chance) -> String {
    let name: String = any(chance).chars().take(60).collect();
    let name = name.trim().to_owned();
    if name.is_empty() { "x".to_owned() } else { name }
}

/// A value that may be anything.
fn value(chance: &mut Chance, depth: usize) -> Json {
    match chance.below(if depth == 0 { 6 } else { 9 }) {
        0 => json!(null),
        1 => json!(chance.one_in(2)),
        2 => chance
            .pick(&[json!(0), json!(-7), json!(1_700_000_000_000_i64), json!(0.25), json!(1e100), json!(-1e-7)])
            .clone(),
        3..=5 => json!(any(chance)),
        6 => (0..chance.below(3)).map(|_| value(chance, depth - 1)).collect(),
        _ => object(chance, depth - 1),
    }
}

fn object(chance: &mut Chance, depth: usize) -> Json {
    (0..chance.below(4)).map(|_| (any(chance), value(chance, depth))).collect::<serde_json::Map<_, _>>().into()
}

fn fields<const N: usize>(fields: [(&'static str, Json); N]) -> Fields {
    fields.into_iter().map(|(name, json)| (name, Value::from_json(&json))).collect()
}

/// With more, each only sometimes.
fn perhaps<const N: usize>(mut fields: Fields, more: [(&'static str, Json); N], chance: &mut Chance) -> Fields {
    for (name, json) in more {
        if chance.one_in(2) {
            fields.set(name, Value::from_json(&json));
        }
    }
    fields
}

fn with(mut fields: Fields, links: &[(&'static str, Value)]) -> Fields {
    for (name, value) in links {
        fields.set(name, value.clone());
    }
    fields
}

impl World {
    /// Fills it; some of what is tried is refused.
    pub async fn people(&self, chance: &mut Chance) {
        match self.dialect {
            Dialect::Core => self.core(chance).await,
            Dialect::Seed => self.seed(chance).await,
            Dialect::V2 | Dialect::V3 => self.foundation(chance).await,
        }
    }

    async fn slugged(&self, section: &'static str, slug: &str, fields: Fields) -> Option<Observed> {
        self.create(section, &[("slug", slug)], fields).await
    }

    async fn core(&self, chance: &mut Chance) {
        let mut made = 0;
        let mut customers = Vec::new();
        for slug in ["acme", "no", "1e3", "0x1f", "con", "null"] {
            let more = [("domain", json!("acme.example")), ("external_customer_id", json!(any(chance)))];
            let named = perhaps(fields([("name", json!(any(chance)))]), more, chance);
            customers.extend(self.slugged("customers", slug, named).await);
        }
        let components: Vec<Observed> = self
            .some(chance, "components", |chance| {
                perhaps(
                    fields([("name", json!(any(chance))), ("version", json!(any(chance)))]),
                    [("description", json!("x"))],
                    chance,
                )
            })
            .await;
        let slugs: Json = components.iter().map(|one| one.identity.to_string()).collect();
        let releases = self
            .some(chance, "releases", |chance| fields([("version", json!(any(chance))), ("components", slugs.clone())]))
            .await;
        for of_type in ["INSTANCE", "DEPLOYMENT_ZONE"] {
            for key in ["region", "on"] {
                let schema = json!({"type": "string", "description": any(chance)});
                let field = fields([("resource_type", json!(of_type)), ("label", json!(key)), ("json_schema", schema)]);
                let parts = [("resource_type", of_type), ("key", key)];
                made += usize::from(chance.one_in(2) && self.create("metadata_fields", &parts, field).await.is_some());
            }
        }
        let zones = self
            .some(chance, "deployment_zones", |chance| {
                let zone = fields([("name", json!(any(chance))), ("type", json!(any(chance)))]);
                let zone = perhaps(zone, [("description", json!(any(chance)))], chance);
                match releases.first().filter(|_| chance.one_in(2)) {
                    Some(release) => with(zone, &[("release", link(release))]),
                    None => zone,
                }
            })
            .await;
        let groups = self
            .some(chance, "entitlement_groups", |chance| {
                perhaps(fields([("name", json!(any(chance)))]), [("description", json!(any(chance)))], chance)
            })
            .await;
        let groups: Json = groups.iter().map(|one| one.identity.to_string()).collect();
        let entitlements = self
            .some(chance, "entitlements", |chance| {
                let of_type = *chance.pick(&["BOOLEAN", "NUMBER", "CONFIG"]);
                let entitlement = fields([("name", json!(any(chance))), ("type", json!(of_type))]);
                let more = [
                    ("description", json!(any(chance))),
                    ("user_facing", json!(true)),
                    ("display_order", json!(3)),
                    ("groups", groups.clone()),
                ];
                let entitlement = perhaps(entitlement, more, chance);
                if of_type != "NUMBER" {
                    return entitlement;
                }
                let units = json!({"singular": any(chance), "plural": any(chance)});
                perhaps(
                    entitlement,
                    [("units", units), ("aggregation_method", json!("MAX")), ("warning_threshold_percent", json!(80))],
                    chance,
                )
            })
            .await;
        let growth = fields([("name", json!("Growth")), ("type", json!("PAID"))]);
        let growth = self.slugged("licenses", "paid", growth).await.expect("nothing is odd about it");
        let mut licenses = self
            .some(chance, "licenses", |chance| {
                let license = fields([("name", json!(any(chance))), ("type", json!(*chance.pick(&["PAID", "TRIAL"])))]);
                let more = [
                    ("description", json!(any(chance))),
                    ("version_name", json!("no")),
                    ("lifecycle_state", json!("DRAFT")),
                ];
                perhaps(license, more, chance)
            })
            .await;
        licenses.insert(0, growth);
        if let Some(first) = licenses.first() {
            let more = fields([
                ("name", json!("next")),
                ("type", json!("PAID")),
                ("family", json!(first.identity.to_string())),
            ]);
            made += usize::from(self.slugged("licenses", "licenses-next", more).await.is_some());
        }
        for license in &licenses {
            for entitlement in &entitlements {
                let value = match entitlement.fields.text("type") {
                    Some("BOOLEAN") => json!(chance.one_in(2)),
                    Some("NUMBER") => json!(*chance.pick(&[-1, 0, 25])),
                    _ => object(chance, 2),
                };
                let overage = [("overage_percent", json!(20))];
                let grant = if value == json!(25) {
                    perhaps(fields([("value", value)]), overage, chance)
                } else {
                    fields([("value", value)])
                };
                let grant = with(grant, &[("license", link(license)), ("entitlement", link(entitlement))]);
                let (of, on) = (license.identity.to_string(), entitlement.identity.to_string());
                self.create("grants", &[("license", &*of), ("entitlement", &*on)], grant).await;
            }
        }
        self.some(chance, "feature_flags", |chance| {
            let variants = json!([{"name": "on", "value": any(chance), "description": any(chance)}, {"name": "no", "value": any(chance)}]);
            let flag = fields([("name", json!(any(chance))), ("type", json!("string")), ("variants", variants), ("default_variant", json!({"type": "basic", "value": "on"}))]);
            perhaps(flag, [("description", json!(any(chance))), ("enabled", json!(false)), ("metadata", object(chance, 2)), ("event_name", json!(any(chance)))], chance)
        }).await;
        let published: Vec<&Observed> =
            licenses.iter().filter(|one| one.fields.text("lifecycle_state") != Some("DRAFT")).collect();
        for slug in ["production", "yes", "007", "a-b", "true"] {
            let dates = [
                ("start_license_date", json!("2026-09-01T00:00:00Z")),
                ("end_license_date", json!("9999-12-31T23:59:59.123Z")),
            ];
            let instance = perhaps(
                with(
                    fields([("name", json!(any(chance)))]),
                    &dates.map(|(name, json)| (name, Value::from_json(&json))),
                ),
                [
                    ("description", json!(any(chance))),
                    ("metadata", object(chance, 3)),
                    ("status", json!("INCIDENT")),
                    ("lifecycle_stage", json!(any(chance))),
                ],
                chance,
            );
            let Some(license) = published.first() else { continue };
            let mut links = vec![("customer", link(chance.pick(&customers))), ("license", link(license))];
            links.extend(zones.first().filter(|_| chance.one_in(2)).map(|zone| ("deployment_zone", link(zone))));
            made += usize::from(self.slugged("instances", slug, with(instance, &links)).await.is_some());
        }
        assert!(customers.len() > 1 && made > 0, "the world is peopled");
    }

    async fn some(
        &self,
        chance: &mut Chance,
        section: &'static str,
        make: impl Fn(&mut Chance) -> Fields,
    ) -> Vec<Observed> {
        let mut all = Vec::new();
        for number in 0..=chance.below(3) {
            let slug = format!("{}-{number}", section.replace('_', "-"));
            let fields = make(chance);
            all.extend(self.slugged(section, &slug, fields).await);
        }
        all
    }

    async fn seed(&self, chance: &mut Chance) {
        let raw = |name: Option<&str>, id: &str| {
            Value::Link(Box::new(trueup::model::Link { name: name.map(Into::into), id: Some(id.into()) }))
        };
        let mut made = 0;
        for number in 0..4 {
            let instance = fields([
                ("name", json!(if chance.one_in(3) { "Same".to_owned() } else { any(chance) })),
                ("start_license_date", json!("2026-09-01T00:00:00Z")),
                ("end_license_date", json!("2027-09-01T00:00:00Z")),
            ]);
            let platform = json!({"type": "kubernetes", "version": any(chance)});
            let mut instance = perhaps(
                instance,
                [("description", json!(any(chance))), ("metadata", object(chance, 2)), ("platform", platform)],
                chance,
            );
            if chance.one_in(2) {
                instance.set("slug", Value::text(format!("chosen-{number}")));
            }
            let links = [
                ("customer", raw(None, "123e4567-e89b-12d3-a456-426614174003")),
                ("license", raw(Some("my-license"), "123e4567-e89b-12d3-a456-426614174004")),
            ];
            made +=
                usize::from(self.slugged("instances", &format!("i-{number}"), with(instance, &links)).await.is_some());
        }
        assert!(made > 0, "the world is peopled");
    }

    async fn foundation(&self, chance: &mut Chance) {
        let labels = |chance: &mut Chance| {
            let labels = [
                ("labels", json!({"team": "no", "example.com/size": "007"})),
                ("annotations", json!({"note": any(chance)})),
            ];
            if self.dialect == Dialect::V3 { perhaps(Fields::default(), labels, chance) } else { Fields::default() }
        };
        let snapshot = self.observe_whole().await;
        let plans: Vec<Observed> =
            snapshot.collection("it", "service_plans").expect("they are there").iter().cloned().collect();
        let mut spaces = Vec::new();
        for organization in ["acme", "a", "a/b", &name(chance)] {
            let Some(outer) = self.create("organizations", &[("name", organization)], labels(chance)).await else {
                continue;
            };
            for space in ["production", "b/c", "c", &name(chance)] {
                let declared = with(labels(chance), &[("organization", link(&outer))]);
                spaces
                    .extend(self.create("spaces", &[("organization", organization), ("name", space)], declared).await);
            }
        }
        let mut made = 0;
        for space in &spaces {
            for number in 0..2 {
                let own = if number == 0 { "db".to_owned() } else { name(chance) };
                let of = space.identity.to_string();
                let parts = [("space", &*of), ("name", &*own)];
                let tags = [("tags", json!([any(chance), "no"]))];
                let tagged = perhaps(labels(chance), tags, chance);
                if chance.one_in(4) {
                    let mut declared = with(tagged, &[("space", link(space))]);
                    let hidden = [("password".into(), Sensitive::wrap(Value::text(SECRET)))];
                    declared.set("credentials", Value::Map(Box::new(hidden.into_iter().collect())));
                    let declared =
                        perhaps(declared, [("syslog_drain_url", json!("syslog://logs.example:514"))], chance);
                    made +=
                        usize::from(self.create("user_provided_service_instances", &parts, declared).await.is_some());
                    continue;
                }
                let plan = chance.pick(&plans);
                let mut declared = with(tagged, &[("space", link(space)), ("plan", link(plan))]);
                if chance.one_in(2) {
                    declared.set("parameters", Value::from_json(&json!({"password": SECRET})));
                }
                let Some(instance) = self.create("service_instances", &parts, declared).await else { continue };
                made += 1;
                if chance.one_in(3) {
                    let of = instance.identity.to_string();
                    let key = with(labels(chance), &[("service_instance", link(&instance))]);
                    let called = if chance.one_in(2) { "ci".to_owned() } else { name(chance) };
                    self.create("service_keys", &[("service_instance", &*of), ("name", &*called)], key).await;
                }
            }
        }
        assert!(made > 10, "the world is peopled");
    }
}
