//! The remote systems: what each kind is, and how each API spells it.

pub mod cloudfoundry;
mod json_schema;
pub mod kaiten;

use crate::kind::Registry;

/// Every kind trueup knows.
pub fn registry() -> Registry {
    Registry::default()
        .with::<kaiten::Customer>()
        .with::<kaiten::MetadataField>()
        .with::<kaiten::Component>()
        .with::<kaiten::Release>()
        .with::<kaiten::DeploymentZone>()
        .with::<kaiten::EntitlementGroup>()
        .with::<kaiten::Entitlement>()
        .with::<kaiten::FeatureFlag>()
        .with::<kaiten::License>()
        .with::<kaiten::Grant>()
        .with_readable::<kaiten::LicenseFamily>()
        .with::<kaiten::Instance>()
        .with::<cloudfoundry::Organization>()
        .with::<cloudfoundry::Space>()
        .with_readable::<cloudfoundry::ServicePlan>()
        .with::<cloudfoundry::ServiceInstance>()
        .with::<cloudfoundry::UserProvided>()
        .with::<cloudfoundry::ServiceKey>()
        .with_readable::<cloudfoundry::Attachment>()
        .with_readable::<cloudfoundry::Quota>()
        .with_readable::<cloudfoundry::SharedInstance>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Shape;

    #[test]
    fn every_table_is_sound() {
        let registry = registry();
        for section in registry.sections() {
            let mut names = std::collections::BTreeSet::new();
            for field in section.fields {
                let name = format!("{}.{}", section.name, field.name);
                assert!(names.insert(field.name), "{name} is there once");
                assert!(field.doc.ends_with('.') && field.doc.len() > 10, "{name} is documented");
                if let Some(default) = field.default {
                    serde_json::from_str::<serde_json::Value>(default).unwrap_or_else(|_| panic!("{name}: {default}"));
                }
                match field.shape {
                    Shape::Reference { section: of, .. } => {
                        assert!(registry.section(of).is_some(), "{name} refers to a kind there is: {of}");
                    }
                    Shape::Format(format) => {
                        regex_lite::Regex::new(format.pattern).unwrap_or_else(|_| panic!("{name}: {}", format.pattern));
                    }
                    _ => {}
                }
            }
            assert!(!section.attributes.is_empty(), "{} has an id", section.name);
        }
    }
}
