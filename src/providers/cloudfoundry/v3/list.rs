//! Reading a v3 collection whole: filters, pages, and pages that shift while others write (reference, section 5.2).

use std::collections::HashSet;

use futures_util::future::{try_join, try_join_all};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::super::api::{Filter, Key, LONGEST_ADDRESS};
use super::super::{CloudFoundry, parsed};
use crate::http::segment;
use crate::kind::RemoteError;

/// The most that the remote gives at a time.
const PER_PAGE: u32 = 5000;

/// How many objects are taken at the most where only as many as fit on one page are of use.
const FEW: u32 = 500;

/// How many guids a list has at most, so that the URL stays below 4 KiB.
pub const MOST_VALUES: usize = 100;

/// How often a collection is read at most when it changes while it is read.
const WALKS: usize = 3;

/// What has a guid.
pub trait Listed: DeserializeOwned + Send {
    /// It.
    fn guid(&self) -> &str;
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The collection, `/v3/spaces`.
    pub path: &'a str,
    /// Which of its objects.
    pub filters: &'a [Filter],
    /// More parameters, encoded: `type=managed`.
    pub more: &'a str,
}

#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned, I: DeserializeOwned")]
struct Page<T, I> {
    pagination: Pagination,
    resources: Vec<T>,
    included: Option<I>,
}

/// What a page tells of the others.
#[derive(Deserialize)]
struct Count {
    pagination: Pagination,
}

#[derive(Deserialize)]
struct Pagination {
    total_results: u64,
    total_pages: u32,
    next: Option<IgnoredAny>,
}

/// The path and query of one page. Pages count from 1.
fn address(question: Question<'_>, per_page: u32, page: u32) -> String {
    let mut address = format!("{}?per_page={per_page}", question.path);
    if !question.more.is_empty() {
        address.push('&');
        address.push_str(question.more);
    }
    for filter in question.filters {
        let (key, values) = match filter {
            Filter::Is(key, value) => (key, std::slice::from_ref(value)),
            Filter::In(key, values) => (key, &values[..]),
        };
        address.push('&');
        address.push_str(parameter(*key));
        address.push('=');
        // Each value is decoded once more after it has been split off at its commas.
        let values: Vec<String> = values.iter().map(|value| segment(&segment(value))).collect();
        address.push_str(&values.join(","));
    }
    if page > 1 {
        address.push_str("&page=");
        address.push_str(&page.to_string());
    }
    address
}

fn parameter(key: Key) -> &'static str {
    match key {
        Key::Guid => "guids",
        Key::Name => "names",
        Key::Organization => "organization_guids",
        Key::Space => "space_guids",
        Key::Instance => "service_instance_guids",
    }
}

/// Reads every object of a list, each once.
pub async fn read<T: Listed>(session: &CloudFoundry, question: Question<'_>) -> Result<Vec<T>, RemoteError> {
    Ok(read_included::<T, IgnoredAny>(session, question).await?.0)
}

/// Reads every object of a list that fits into one request and one page. `None`: it does not.
pub async fn read_page<T: Listed>(
    session: &CloudFoundry,
    question: Question<'_>,
) -> Result<Option<Vec<T>>, RemoteError> {
    let address = address(question, FEW, 1);
    if address.len() > LONGEST_ADDRESS {
        return Ok(None);
    }
    let page: Page<T, IgnoredAny> = session.get(address).await?;
    Ok(page.pagination.next.is_none().then_some(page.resources))
}

/// Reads every object of a list, each once, and what is told beside them, by page; all pages after the first at the same
/// time.
pub async fn read_included<T: Listed, I: DeserializeOwned + Send>(
    session: &CloudFoundry,
    question: Question<'_>,
) -> Result<(Vec<T>, Vec<I>), RemoteError> {
    let mut walk = 1;
    loop {
        let first = session.answer(address(question, PER_PAGE, 1)).await?;
        let Count { pagination: Pagination { total_results: total, total_pages: pages, .. } } = parsed(&first)?;
        let rest = (2..=pages).map(|page| session.get::<Page<T, I>>(address(question, PER_PAGE, page)));
        // How many of them are really under way is the client's business. They are while the first one is taken apart.
        let first = async move { parsed::<Page<T, I>>(&first) };
        let (rest, first) = try_join(try_join_all(rest), first).await?;
        // Objects move to other pages when one before them is deleted, and one of them may be missed. A page past the
        // end counts none at all.
        let steady = rest.iter().all(|page| page.pagination.total_results == total);
        if steady || walk == WALKS {
            return gather(session, question, first, rest).await;
        }
        walk += 1;
    }
}

/// Whatever the counts say, the end is where no next page is told of (reference, section 5.2); or where nothing new comes.
async fn gather<T: Listed, I: DeserializeOwned + Send>(
    session: &CloudFoundry,
    question: Question<'_>,
    first: Page<T, I>,
    rest: Vec<Page<T, I>>,
) -> Result<(Vec<T>, Vec<I>), RemoteError> {
    let mut number = u32::try_from(rest.len()).unwrap_or(u32::MAX).saturating_add(1);
    let mut next = rest.last().unwrap_or(&first).pagination.next.is_some();
    let (mut seen, mut resources, mut included) = (HashSet::new(), Vec::new(), Vec::new());
    let mut take = |page: Page<T, I>| {
        let before = resources.len();
        resources.extend(page.resources.into_iter().filter(|resource| seen.insert(resource.guid().to_owned())));
        included.extend(page.included);
        resources.len() > before
    };
    for page in std::iter::once(first).chain(rest) {
        take(page);
    }
    while next {
        number += 1;
        let page: Page<T, I> = session.get(address(question, PER_PAGE, number)).await?;
        next = page.pagination.next.is_some();
        next &= take(page);
    }
    Ok((resources, included))
}

#[cfg(test)]
mod tests {
    use super::super::marketplace::BESIDE_INSTANCES;
    use super::*;

    fn asked(filters: &[Filter], more: &str, page: u32) -> String {
        address(Question { path: "/v3/spaces", filters, more }, PER_PAGE, page)
    }

    #[test]
    fn every_value_is_encoded_twice_because_it_is_decoded_twice() {
        let name = [Filter::Is(Key::Name, "a,b 50%ü".into())];
        assert_eq!(asked(&name, "", 1), "/v3/spaces?per_page=5000&names=a%252Cb%252050%2525%25C3%25BC");
    }

    #[test]
    fn lists_parameters_and_pages_are_asked_for() {
        let filters =
            [Filter::In(Key::Space, vec!["s-1".into(), "s-2".into()]), Filter::Is(Key::Organization, "o-1".into())];
        assert_eq!(
            asked(&filters, "type=managed", 3),
            "/v3/spaces?per_page=5000&type=managed&space_guids=s-1,s-2&organization_guids=o-1&page=3"
        );
    }

    #[test]
    fn the_longest_list_of_values_stays_a_short_url() {
        let guids = vec!["f24c6904-30e0-4559-9523-06d2d93f0c9c".into(); MOST_VALUES];
        assert!(asked(&[Filter::In(Key::Instance, guids)], BESIDE_INSTANCES, 99).len() < 4096);
    }
}
