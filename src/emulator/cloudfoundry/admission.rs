//! Whether an instance may be made or changed: what both APIs ask, each refusing in its own words.

use super::errors::{Error, Failure};
use super::store::{Plan, Space, Store};
use super::table::Id;

/// Whether one more instance fits into the quotas, and paid plans do at all. `replaced` makes room for it.
pub(super) fn check_quotas(store: &Store, plan: &Plan, space: &Space, replaced: Option<Id>) -> Result<(), Failure> {
    let organization = store.organizations.by_guid(&space.organization_guid).expect("a space has its organization");
    let held = |space: &Space| {
        let managed = &store.index.instances_in(&space.guid).managed;
        managed.iter().filter(|id| Some(**id) != replaced).count()
    };
    let full =
        |limit: Option<u64>, held: usize| limit.is_some_and(|limit| u64::try_from(held).unwrap_or(u64::MAX) >= limit);
    if let Some(limit) = space.quota.and_then(|quota| quota.services)
        && full(Some(limit), held(space))
    {
        return Err(Error::ServiceInstanceSpaceQuotaExceeded.into());
    }
    if organization.quota.services.is_some() {
        let spaces = store.index.spaces_of(&organization.guid).iter().filter_map(|&id| store.spaces.get(id));
        if full(organization.quota.services, spaces.map(held).sum()) {
            return Err(Error::ServiceInstanceQuotaExceeded.into());
        }
    }
    check_price(store, plan, space)
}

/// Whether a plan's price is allowed in a space.
pub(super) fn check_price(store: &Store, plan: &Plan, space: &Space) -> Result<(), Failure> {
    let organization = store.organizations.by_guid(&space.organization_guid).expect("a space has its organization");
    if !plan.free && space.quota.is_some_and(|quota| !quota.paid_plans) {
        return Err(Error::ServiceInstanceServicePlanNotAllowedBySpaceQuota.into());
    }
    if !plan.free && !organization.quota.paid_plans {
        return Err(Error::ServiceInstanceServicePlanNotAllowed.into());
    }
    Ok(())
}

pub(super) const LONGEST_NAME: usize = 255;
pub(super) const LONGEST_DRAIN_URL: usize = 10_000;

/// Whether tags are too long, all of them together.
pub(super) fn are_too_long(tags: &[String]) -> bool {
    tags.iter().map(|tag| tag.chars().count()).sum::<usize>() > 2048
}

/// `1.2.3`, possibly with a pre-release and build metadata behind it.
pub(super) fn is_semantic(version: &str) -> bool {
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let numbers: Vec<&str> = core.split('.').collect();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    numbers.len() == 3 && numbers.into_iter().all(is_number) && !version.ends_with(['-', '+', '.'])
}

#[cfg(test)]
mod tests {
    use super::is_semantic;

    #[test]
    fn a_semantic_version_has_three_numbers() {
        for good in ["1.2.3", "0.0.0", "10.20.30-rc.1", "1.2.3+build.5"] {
            assert!(is_semantic(good), "{good}");
        }
        for bad in ["", "1", "1.2", "1.2.x", "v1.2.3", "1.2.3.4", "1..3", "1.2.3-"] {
            assert!(!is_semantic(bad), "{bad}");
        }
    }
}
