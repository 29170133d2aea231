//! The remotes: what is particular to each of them.

pub mod cloudfoundry;

use crate::kind::Registry;

/// Every kind trueup knows.
pub fn registry() -> Registry {
    Registry::default()
        .with::<cloudfoundry::Organization>()
        .with::<cloudfoundry::Space>()
        .with_readable::<cloudfoundry::ServicePlan>()
        .with::<cloudfoundry::ServiceInstance>()
        .with_readable::<cloudfoundry::UserProvided>()
}
