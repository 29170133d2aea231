//! Reading a v2 collection whole: filters, pages, and pages that shift while others write (reference, section 5.1).

use std::collections::HashSet;

use futures_util::future::try_join_all;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::super::CloudFoundry;
use super::super::api::{Filter, Key, LONGEST_ADDRESS};
use crate::http::segment;
use crate::kind::RemoteError;

/// The most that the remote gives at a time.
const PER_PAGE: u32 = 100;

/// How many values an `IN` list has at most, so that the URL stays below 4 KiB.
pub const MOST_VALUES: usize = 50;

/// How often a collection is read at most when it changes while it is read.
const WALKS: usize = 3;

/// A collection of v2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List<'a> {
    /// `/v2/organizations`.
    Organizations,
    /// `/v2/spaces`.
    Spaces,
    /// `/v2/services`.
    Services,
    /// `/v2/spaces/:guid/services`: those that can be used there.
    ServicesOf(&'a str),
    /// `/v2/service_plans`.
    ServicePlans,
    /// `/v2/service_instances`: managed ones only.
    ServiceInstances,
    /// `/v2/user_provided_service_instances`.
    UserProvided,
    /// `/v2/service_bindings`: those of apps.
    ServiceBindings,
    /// `/v2/service_keys`.
    ServiceKeys,
    /// `/v2/service_instances/:guid/routes`.
    RoutesOf(&'a str),
    /// `/v2/user_provided_service_instances/:guid/routes`.
    RoutesOfUserProvided(&'a str),
}

impl List<'_> {
    fn path(self) -> String {
        let path = match self {
            Self::ServicesOf(space) => return format!("/v2/spaces/{}/services", segment(space)),
            Self::RoutesOf(instance) => return format!("/v2/service_instances/{}/routes", segment(instance)),
            Self::RoutesOfUserProvided(instance) => {
                return format!("/v2/user_provided_service_instances/{}/routes", segment(instance));
            }
            Self::ServiceBindings => "/v2/service_bindings",
            Self::ServiceKeys => "/v2/service_keys",
            Self::Organizations => "/v2/organizations",
            Self::Spaces => "/v2/spaces",
            Self::Services => "/v2/services",
            Self::ServicePlans => "/v2/service_plans",
            Self::ServiceInstances => "/v2/service_instances",
            Self::UserProvided => "/v2/user_provided_service_instances",
        };
        path.to_owned()
    }

    /// Whether a `;` in a filter's value separates filters unless it is doubled. Service instances take the whole value of
    /// `q` as one filter.
    fn splits_at_semicolons(self) -> bool {
        self != Self::ServiceInstances
    }
}

/// One page of an answer.
#[derive(Debug, Deserialize)]
pub struct Page<T> {
    total_results: u64,
    total_pages: u32,
    resources: Vec<Resource<T>>,
}

/// One object of an answer.
#[derive(Debug, Deserialize)]
pub struct Resource<T> {
    /// What every object has.
    pub metadata: Metadata,
    /// What its kind has.
    pub entity: T,
}

/// `metadata` of v2: unrelated to labels and annotations.
#[derive(Debug, Deserialize)]
pub struct Metadata {
    /// The object's id.
    pub guid: String,
    /// When it was created.
    pub created_at: Option<String>,
    /// When it was changed; null until then.
    pub updated_at: Option<String>,
}

/// The path and query of one page. Pages count from 1.
fn address(list: List<'_>, filters: &[Filter], page: u32) -> String {
    let mut address = format!("{}?results-per-page={PER_PAGE}", list.path());
    for filter in filters {
        let text = match filter {
            Filter::Is(key, value) => format!("{}:{value}", word(*key)),
            // No comma can be written in such a list; guids have none.
            Filter::In(key, values) => format!("{} IN {}", word(*key), values.join(",")),
        };
        let text = if list.splits_at_semicolons() { text.replace(';', ";;") } else { text };
        address.push_str("&q=");
        address.push_str(&segment(&text));
    }
    if page > 1 {
        address.push_str("&page=");
        address.push_str(&page.to_string());
    }
    address
}

fn word(key: Key) -> &'static str {
    match key {
        Key::Guid => unreachable!("v2 has no filter by guid"),
        Key::Name => "name",
        Key::Organization => "organization_guid",
        Key::Space => "space_guid",
        Key::Instance => "service_instance_guid",
    }
}

/// Reads every object of a list that fits into one request and one page. `None`: it does not.
pub async fn read_page<T: DeserializeOwned + Send>(
    session: &CloudFoundry,
    list: List<'_>,
    filters: &[Filter],
) -> Result<Option<Vec<Resource<T>>>, RemoteError> {
    let address = address(list, filters, 1);
    if address.len() > LONGEST_ADDRESS {
        return Ok(None);
    }
    let page: Page<T> = session.get(address).await?;
    Ok((page.total_pages <= 1).then_some(page.resources))
}

/// Reads every object of a list, each once, all pages after the first at the same time.
pub async fn read<T: DeserializeOwned + Send>(
    session: &CloudFoundry,
    list: List<'_>,
    filters: &[Filter],
) -> Result<Vec<Resource<T>>, RemoteError> {
    let mut walk = 1;
    loop {
        let first: Page<T> = session.get(address(list, filters, 1)).await?;
        let total = first.total_results;
        let rest = (2..=first.total_pages).map(|page| session.get::<Page<T>>(address(list, filters, page)));
        // How many of them are really under way is the client's business.
        let rest = try_join_all(rest).await?;
        // Objects move to other pages when one before them is deleted, and one of them may be missed.
        let steady = rest.iter().all(|page| page.total_results == total);
        if steady || walk == WALKS {
            let mut seen = HashSet::new();
            let resources = std::iter::once(first).chain(rest).flat_map(|page| page.resources);
            return Ok(resources.filter(|resource| seen.insert(resource.metadata.guid.clone())).collect());
        }
        walk += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(key: Key, value: &str) -> Filter {
        Filter::Is(key, value.into())
    }

    #[test]
    fn each_filter_is_a_parameter_of_its_own_and_encoded() {
        let filters = [is(Key::Name, "a&b c:d=ü+%"), is(Key::Space, "s-1")];
        assert_eq!(
            address(List::ServiceInstances, &filters, 1),
            "/v2/service_instances?results-per-page=100&q=name%3Aa%26b%20c%3Ad%3D%C3%BC%2B%25&q=space_guid%3As-1"
        );
    }

    #[test]
    fn a_semicolon_is_doubled_where_it_would_separate_filters() {
        let filter = [is(Key::Name, "a;b")];
        assert!(address(List::Spaces, &filter, 1).ends_with("&q=name%3Aa%3B%3Bb"));
        assert!(address(List::Organizations, &filter, 1).ends_with("&q=name%3Aa%3B%3Bb"));
        assert!(address(List::ServiceInstances, &filter, 1).ends_with("&q=name%3Aa%3Bb"));
    }

    #[test]
    fn a_list_of_values_and_a_page_are_asked_for() {
        let filters = [Filter::In(Key::Space, vec!["s-1".into(), "s-2".into()])];
        assert_eq!(
            address(List::UserProvided, &filters, 3),
            "/v2/user_provided_service_instances?results-per-page=100&q=space_guid%20IN%20s-1%2Cs-2&page=3"
        );
    }

    #[test]
    fn the_longest_list_of_values_stays_a_short_url() {
        let guids = vec!["f24c6904-30e0-4559-9523-06d2d93f0c9c".into(); MOST_VALUES];
        assert!(address(List::UserProvided, &[Filter::In(Key::Organization, guids)], 99).len() < 4096);
    }
}
