//! The seed dialect, where the target says that it takes writes: nothing that is there is damaged by any of them.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use super::Declared;
use crate::emulator::kaiten::{Dialect, Options};
use crate::http::{Method, Request};

const INSTANCE: &str = "\
instances:
  mine:
    name: My Instance
    customer: { id: 123e4567-e89b-12d3-a456-426614174003 }
    license: { id: 123e4567-e89b-12d3-a456-426614174004, slug: my-license }
    start_license_date: 2023-10-01T12:00:00Z
    end_license_date: 2024-10-01T12:00:00Z
";

async fn stored(world: &Declared) -> Map<String, Json> {
    let rows = world.kaiten.ask(Request::get("/instances")).await.unwrap().json::<Json>().unwrap();
    let mine = rows.as_array().unwrap().iter().find(|row| row["slug"] == "my-instance").unwrap();
    mine.as_object().unwrap().clone()
}

#[tokio::test]
async fn every_field_moves_alone() {
    for (field, is, member) in [
        ("description", "description: Something", "description"),
        ("license", "license: { id: 123e4567-e89b-12d3-a456-426614174004, slug: my-license }", ""),
        ("start_license_date", "start_license_date: 2023-11-01T12:00:00Z", "startLicenseDate"),
        ("end_license_date", "end_license_date: 2025-10-01T12:00:00Z", "endLicenseDate"),
        ("metadata", "metadata: { mine: { more: 1 } }", "metadata"),
        ("platform", "platform: { type: vm }", "platform"),
    ] {
        let world = Declared::with(Options { dialect: Dialect::Seed { writes: true }, ..Options::default() }).await;
        let whole = format!(
            "{INSTANCE}    description: Some\n    metadata: {{ mine: {{ some: 1 }} }}\n    platform: {{ type: kubernetes, version: \"1.21\" }}\n"
        );
        world.converge(&whole).await;
        // The product writes too.
        let mut row = stored(&world).await;
        let slug = row["slug"].as_str().unwrap().to_owned();
        row["metadata"]["theirs"] = Json::from(7);
        let taken = [
            "name",
            "description",
            "customerId",
            "licenseId",
            "licenseSlug",
            "startLicenseDate",
            "endLicenseDate",
            "metadata",
            "platform",
        ];
        row.retain(|name, _| taken.contains(&name.as_str()));
        let put = Request::write(Method::PUT, format!("/instances/{slug}")).json(&Json::Object(row));
        assert!(world.kaiten.ask(put).await.unwrap().is_success());

        let was = stored(&world).await;
        let kept = INSTANCE.lines().filter(|line| !line.starts_with(&format!("    {field}:")));
        let changed = kept.chain([&*format!("    {is}\n")]).collect::<Vec<_>>().join("\n");
        world.converge(&changed).await;
        let now = stored(&world).await;
        let names: BTreeSet<&String> = was.keys().chain(now.keys()).collect();
        let differ = names.into_iter().filter(|name| was.get(*name) != now.get(*name) && !name.starts_with("updated"));
        let expected: Vec<&str> = [member].into_iter().filter(|member| !member.is_empty()).collect();
        assert_eq!(differ.collect::<Vec<_>>(), expected, "{field}: {was:?} became {now:?}");
        assert_eq!(now["metadata"]["theirs"], 7, "{field}");
        assert_eq!(now["metadata"]["mine"]["some"], 1, "{field}");
    }
}
