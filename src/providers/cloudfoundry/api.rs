//! Both APIs in one set of words: what kinds ask for and send, whichever of them a foundation speaks.
//!
//! Kinds call these functions and know nothing of versions; [`super::v2`] and [`super::v3`] spell them.

mod credentials;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

pub use self::credentials::{
    Gone, NewKey, UserProvidedContent, create_service_key, create_user_provided, delete_service_key,
    delete_user_provided, service_keys, update_service_key, update_user_provided, user_provided, with_credentials,
    with_key_credentials,
};
use super::attachment::Attachment;
use super::meant::{Meant, Spaces};
use super::metadata::Metadata;
use super::organization::Organization;
use super::quota::Quota;
use super::service_instance::ServiceInstance;
use super::service_plan::ServicePlan;
use super::space::Space;
use super::user_provided::UserProvided;
use super::{CloudFoundry, v2, v3};
use crate::kind::{Failure, RemoteError, Writer};
use crate::model::{Facts, RemoteId, Section};

/// An API of the Cloud Controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// `/v2`, which foundations of today have switched off.
    V2,
    /// `/v3`.
    V3,
}

impl Api {
    /// Its name in settings and plans.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V2 => "v2",
            Self::V3 => "v3",
        }
    }

    /// The one that a target speaks.
    pub fn of(facts: &Facts) -> Self {
        if facts.api == Self::V2.as_str() { Self::V2 } else { Self::V3 }
    }

    /// Whether a create takes the place of what a failed create left (reference, section 11.3).
    pub fn creates_over_failed(self) -> bool {
        self == Self::V3
    }

    /// Whether managed and user-provided instances are in one list (reference, section 8.6).
    pub fn lists_instances_together(self) -> bool {
        self == Self::V3
    }

    /// How many values a list of guids has at most, so that the URL stays below 4 KiB.
    fn most_values(self) -> usize {
        match self {
            Self::V2 => v2::MOST_VALUES,
            Self::V3 => v3::MOST_VALUES,
        }
    }
}

/// How long the path and query of a request may be, so that the URL stays below 4 KiB.
pub const LONGEST_ADDRESS: usize = 3840;

/// What a list can be filtered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Its own guid; v2 has no such filter.
    Guid,
    /// The object's own name.
    Name,
    /// The guid of its organization.
    Organization,
    /// The guid of its space.
    Space,
    /// The guid of its service instance.
    Instance,
}

/// One condition; several are all to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// The key has this value.
    Is(Key, Arc<str>),
    /// The key has one of these values: guids, or names, of which none holds a comma where the API is v2.
    In(Key, Vec<Arc<str>>),
}

/// The filters that leave what is in these spaces and, where there are too many for one list, as little else as possible.
/// `None`: there is nothing to ask for.
pub fn within(api: Api, spaces: &Meant<Spaces>) -> Option<Vec<Filter>> {
    let most = api.most_values();
    let Meant::These(spaces) = spaces else { return Some(Vec::new()) };
    if spaces.is_empty() {
        return None;
    }
    let guids: Vec<RemoteId> = spaces.keys().cloned().collect();
    let organizations: Option<BTreeSet<RemoteId>> = spaces.values().cloned().collect();
    Some(match organizations {
        _ if guids.len() <= most => vec![Filter::In(Key::Space, guids)],
        Some(organizations) if organizations.len() <= most => {
            vec![Filter::In(Key::Organization, organizations.into_iter().collect())]
        }
        _ => Vec::new(),
    })
}

/// The filters that leave the spaces of these organizations and, where there are too many for one list, all others too.
/// `None`: there is nothing to ask for.
pub fn of_organizations(api: Api, organizations: &Meant<BTreeSet<RemoteId>>) -> Option<Vec<Filter>> {
    match organizations {
        Meant::These(guids) if guids.is_empty() => None,
        Meant::These(guids) if guids.len() <= api.most_values() => {
            Some(vec![Filter::In(Key::Organization, guids.iter().cloned().collect())])
        }
        _ => Some(Vec::new()),
    }
}

/// Conditions over any number of guids, as lists that are short enough.
pub fn in_lists(api: Api, key: Key, guids: &[RemoteId]) -> Vec<Filter> {
    guids.chunks(api.most_values()).map(|guids| Filter::In(key, guids.to_vec())).collect()
}

/// Every organization that the filters leave.
pub async fn organizations(session: &CloudFoundry, filters: &[Filter]) -> Result<Vec<Organization>, RemoteError> {
    match session.speaks {
        Api::V2 => v2::organizations(session, filters).await,
        Api::V3 => v3::organizations(session, filters).await,
    }
}

/// Every space that the filters leave.
pub async fn spaces(session: &CloudFoundry, filters: &[Filter]) -> Result<Vec<Space>, RemoteError> {
    match session.speaks {
        Api::V2 => v2::spaces(session, filters).await,
        Api::V3 => v3::spaces(session, filters).await,
    }
}

/// The spaces of these names, in whatever organization. `None`: they are too many to ask for at once, or there are more
/// than fit on one page, and their organizations are a narrower filter.
pub async fn spaces_named(
    session: &CloudFoundry,
    names: &BTreeSet<Arc<str>>,
) -> Result<Option<Vec<Space>>, RemoteError> {
    if names.is_empty() {
        return Ok(Some(Vec::new()));
    }
    match session.speaks {
        Api::V2 => v2::spaces_named(session, names).await,
        Api::V3 => v3::spaces_named(session, names).await,
    }
}

/// One space.
pub async fn space_of_guid(session: &CloudFoundry, guid: &str) -> Result<Space, RemoteError> {
    match session.speaks {
        Api::V2 => v2::space_of_guid(session, guid).await,
        Api::V3 => v3::space_of_guid(session, guid).await,
    }
}

/// The whole catalogue, as far as it can be seen.
pub async fn service_plans(session: &CloudFoundry) -> Result<Vec<ServicePlan>, RemoteError> {
    match session.speaks {
        Api::V2 => v2::service_plans(session).await,
        Api::V3 => v3::service_plans(session).await,
    }
}

/// The guids of what can be used in a space: of plans, or of offerings where plans are not told reliably.
pub async fn usable_in(session: &CloudFoundry, space: &str) -> Result<HashSet<String>, RemoteError> {
    match session.speaks {
        Api::V2 => v2::offerings_of_space(session, space).await,
        Api::V3 => v3::plans_of_space(session, space).await,
    }
}

/// Instances of both kinds.
#[derive(Debug, Default)]
pub struct Both {
    /// Those that a broker made.
    pub managed: Vec<ServiceInstance>,
    /// Those of them that are of another space than was asked for: shared into one of these, if spaces were asked for.
    pub of_other_spaces: Vec<ServiceInstance>,
    /// Those that a user wrote down; in v3 without their credentials.
    pub user_provided: Vec<UserProvided>,
    /// What is told beside the first of their plans, each once: those that the catalogue hides among them.
    pub plans: Vec<ServicePlan>,
}

/// Every instance of either kind that the filters leave, and maybe some that are shared into a space that they name: in one
/// list, where there is one ([`Api::lists_instances_together`]).
pub async fn instances(session: &CloudFoundry, filters: &[Filter]) -> Result<Both, RemoteError> {
    match session.speaks {
        Api::V2 => unreachable!("it has a list of each kind"),
        Api::V3 => v3::instances(session, filters).await,
    }
}

/// Every managed instance that the filters leave, and maybe some that are shared into a space that they name.
pub async fn service_instances(
    session: &CloudFoundry,
    filters: &[Filter],
) -> Result<Vec<ServiceInstance>, RemoteError> {
    match session.speaks {
        Api::V2 => v2::service_instances(session, filters).await,
        Api::V3 => v3::service_instances(session, filters).await,
    }
}

/// Instances that are being worked on, by guid with the guid of their space, as far as lists tell; others may be among
/// them, and a list that shifts while it is read may miss one.
pub async fn service_instances_again(
    session: &CloudFoundry,
    pending: &BTreeMap<RemoteId, Option<RemoteId>>,
) -> Result<Vec<ServiceInstance>, RemoteError> {
    match session.speaks {
        Api::V2 => v2::service_instances_again(session, pending).await,
        Api::V3 => v3::service_instances_again(session, pending).await,
    }
}

/// One instance.
pub async fn service_instance_of_guid(session: &CloudFoundry, guid: &str) -> Result<ServiceInstance, RemoteError> {
    match session.speaks {
        Api::V2 => v2::service_instance_of_guid(session, guid).await,
        Api::V3 => v3::service_instance_of_guid(session, guid).await,
    }
}

/// The managed ones among some instances, as far as they can be seen.
pub async fn managed_instances(
    session: &CloudFoundry,
    guids: &[RemoteId],
) -> Result<Vec<ServiceInstance>, RemoteError> {
    match session.speaks {
        Api::V2 => v2::managed_instances(session, guids).await,
        Api::V3 => v3::managed_instances(session, guids).await,
    }
}

/// What a new organization is made of.
#[derive(Debug)]
pub struct NewOrganization<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its labels and annotations.
    pub metadata: Metadata,
}

/// Creates an organization.
pub async fn create_organization(
    remote: &Writer<'_, CloudFoundry>,
    new: NewOrganization<'_>,
    section: &'static Section,
) -> Result<Organization, RemoteError> {
    match remote.session().speaks {
        Api::V2 => v2::create_organization(remote, &new, section).await,
        Api::V3 => v3::create_organization(remote, &new, section).await,
    }
}

/// What a new space is made of.
#[derive(Debug)]
pub struct NewSpace<'a> {
    /// The guid of its organization.
    pub organization: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its labels and annotations.
    pub metadata: Metadata,
}

/// Creates a space.
pub async fn create_space(
    remote: &Writer<'_, CloudFoundry>,
    new: NewSpace<'_>,
    section: &'static Section,
) -> Result<Space, RemoteError> {
    match remote.session().speaks {
        Api::V2 => v2::create_space(remote, &new, section).await,
        Api::V3 => v3::create_space(remote, &new, section).await,
    }
}

/// What a new instance is made of. What is `None` is not sent. Nothing that could show its parameters.
pub struct NewInstance<'a> {
    /// The guid of its space.
    pub space: &'a str,
    /// Its name.
    pub name: &'a str,
    /// The guid of its plan.
    pub plan: &'a str,
    /// For brokers of the v1 protocol; only v2 has it, and today's servers accept and ignore it.
    pub gateway_data: Option<serde_json::Value>,
    /// For the broker.
    pub parameters: Option<serde_json::Value>,
    /// Its tags.
    pub tags: Option<serde_json::Value>,
    /// Its labels and annotations.
    pub metadata: Metadata,
}

/// Creates an instance, or begins to: plans that take their time and plans that do not are created alike.
pub async fn create_service_instance(
    remote: &Writer<'_, CloudFoundry>,
    new: NewInstance<'_>,
    section: &'static Section,
) -> Result<ServiceInstance, RemoteError> {
    match remote.session().speaks {
        Api::V2 => v2::create_service_instance(remote, new, section).await,
        Api::V3 => v3::create_service_instance(remote, new, section).await,
    }
}

/// What is to change in an organization or a space. What is `None` or empty stays.
#[derive(Debug)]
pub struct ContainerChange<'a> {
    /// Its name.
    pub name: Option<&'a str>,
    /// Its labels and annotations.
    pub metadata: Metadata,
}

/// Changes an organization.
pub async fn update_organization(
    remote: &Writer<'_, CloudFoundry>,
    guid: &str,
    change: ContainerChange<'_>,
    section: &'static Section,
) -> Result<Organization, RemoteError> {
    match remote.session().speaks {
        Api::V2 => v2::update_organization(remote, guid, &change, section).await,
        Api::V3 => v3::update_organization(remote, guid, &change, section).await,
    }
}

/// Changes a space.
pub async fn update_space(
    remote: &Writer<'_, CloudFoundry>,
    guid: &str,
    change: ContainerChange<'_>,
    section: &'static Section,
) -> Result<Space, RemoteError> {
    match remote.session().speaks {
        Api::V2 => v2::update_space(remote, guid, &change, section).await,
        Api::V3 => v3::update_space(remote, guid, &change, section).await,
    }
}

/// What is to change in an instance. What is `None` or empty is not sent: parameters, an unchanged name or plan would
/// have effects (reference, section 9). Nothing that could show its parameters.
#[derive(Default)]
pub struct InstanceChange<'a> {
    /// Its name.
    pub name: Option<&'a str>,
    /// The guid of its plan.
    pub plan: Option<&'a str>,
    /// For the broker.
    pub parameters: Option<serde_json::Value>,
    /// All its tags.
    pub tags: Option<serde_json::Value>,
    /// The version of its plan that it is upgraded to; never together with another plan.
    pub maintenance: Option<&'a str>,
    /// Its labels and annotations.
    pub metadata: Metadata,
}

/// A change that takes its time.
#[derive(Debug)]
pub struct Begun {
    /// The guid of the job that tells how it goes, where there is one.
    pub job: Option<Arc<str>>,
}

/// What came of a change.
#[derive(Debug)]
pub enum Updated {
    /// It is done; the instance as it is now.
    Done(Box<ServiceInstance>),
    /// It has begun.
    Begun(Begun),
}

/// What came of a delete.
#[derive(Debug)]
pub enum Deleted {
    /// It is gone, or was already.
    Gone,
    /// It has begun.
    Begun(Begun),
}

/// Changes an instance, or begins to.
pub async fn update_service_instance(
    remote: &Writer<'_, CloudFoundry>,
    guid: &str,
    change: InstanceChange<'_>,
    section: &'static Section,
) -> Result<Updated, RemoteError> {
    match remote.session().speaks {
        Api::V2 => v2::update_service_instance(remote, guid, change, section).await,
        Api::V3 => v3::update_service_instance(remote, guid, change, section).await,
    }
}

/// Deletes an instance, or begins to; `along` consents to lose what is attached to it, which v3 never asks for.
pub async fn delete_service_instance(
    remote: &Writer<'_, CloudFoundry>,
    guid: &str,
    along: bool,
    section: &'static Section,
) -> Result<Deleted, RemoteError> {
    match remote.session().speaks {
        Api::V2 => v2::delete_service_instance(remote, guid, along, section).await,
        Api::V3 => v3::delete_service_instance(remote, guid, section).await,
    }
}

/// How a job goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    /// It goes on.
    Running,
    /// It is done, or so old that it is forgotten.
    Done,
    /// It failed, with these words where there are any.
    Failed(Option<Arc<str>>),
}

/// Asks how a job goes that a change has begun.
pub async fn job(session: &CloudFoundry, guid: &str) -> Result<Job, RemoteError> {
    match session.speaks {
        // Instances tell it themselves.
        Api::V2 => Ok(Job::Done),
        Api::V3 => v3::job(session, guid).await,
    }
}

/// What the broker says an instance's parameters are, now. `None`: it does not tell.
pub async fn parameters_of(session: &CloudFoundry, guid: &str) -> Result<Option<serde_json::Value>, RemoteError> {
    let told = match session.speaks {
        Api::V2 => v2::parameters_of(session, guid).await,
        Api::V3 => v3::parameters_of(session, guid).await,
    };
    match told {
        Ok(told) => Ok(Some(told).filter(serde_json::Value::is_object)),
        // Whatever the broker's reason (reference, section 8.7).
        Err(error) if error.problem.status.is_some() && error.failure != Failure::SignIn => Ok(None),
        Err(error) => Err(error),
    }
}

/// All that is attached to these instances, managed and user-provided ones.
pub async fn attachments(
    session: &CloudFoundry,
    managed: &[RemoteId],
    user_provided: &[RemoteId],
) -> Result<Vec<Attachment>, RemoteError> {
    match session.speaks {
        Api::V2 => v2::attachments(session, managed, user_provided).await,
        Api::V3 => v3::attachments(session, managed, user_provided).await,
    }
}

/// The guids of the spaces that an instance is shared with, as far as they can be seen. v2 does not tell them.
pub async fn shared_with(session: &CloudFoundry, guid: &RemoteId) -> Result<Vec<RemoteId>, RemoteError> {
    match session.speaks {
        Api::V2 => Ok(Vec::new()),
        Api::V3 => v3::shared_with(session, guid).await,
    }
}

/// The quotas of these organizations and spaces, as far as they can be seen. None of v2's, whose shapes
/// are not known (reference, section 6.2): there the create is refused.
pub async fn quotas(
    session: &CloudFoundry,
    organizations: &[RemoteId],
    spaces: &[RemoteId],
) -> Result<Vec<Quota>, RemoteError> {
    match session.speaks {
        Api::V2 => Ok(Vec::new()),
        Api::V3 => v3::quotas(session, organizations, spaces).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guids(count: usize) -> Vec<RemoteId> {
        (0..count).map(|number| format!("g-{number:03}").into()).collect()
    }

    fn spaces(count: usize, organizations: usize) -> Meant<Spaces> {
        let of = guids(organizations);
        let space = |(at, guid)| (guid, of.get(at % organizations.max(1)).cloned());
        Meant::These(guids(count).into_iter().enumerate().map(space).collect())
    }

    #[test]
    fn the_narrowest_list_that_fits_is_asked_for() {
        for (api, most) in [(Api::V2, 50), (Api::V3, 100)] {
            let within = |spaces: &Meant<Spaces>| within(api, spaces);
            assert_eq!(within(&spaces(0, 0)), None);
            assert_eq!(within(&spaces(2, 1)), Some(vec![Filter::In(Key::Space, guids(2))]));
            assert_eq!(within(&spaces(most, most)), Some(vec![Filter::In(Key::Space, guids(most))]));
            assert_eq!(within(&spaces(most + 1, 2)), Some(vec![Filter::In(Key::Organization, guids(2))]));
            assert_eq!(within(&spaces(most + 1, most + 1)), Some(Vec::new()));
            assert_eq!(within(&spaces(most + 1, 0)), Some(Vec::new()), "an organization is not known");
            assert_eq!(within(&Meant::Any), Some(Vec::new()));
        }
    }

    #[test]
    fn the_spaces_of_many_organizations_are_read_with_all_others() {
        for (api, most) in [(Api::V2, 50), (Api::V3, 100)] {
            let these = |count| Meant::These(guids(count).into_iter().collect());
            assert_eq!(of_organizations(api, &these(0)), None);
            let list = Filter::In(Key::Organization, guids(most));
            assert_eq!(of_organizations(api, &these(most)), Some(vec![list]));
            assert_eq!(of_organizations(api, &these(most + 1)), Some(Vec::new()));
            assert_eq!(of_organizations(api, &Meant::Any), Some(Vec::new()));
        }
    }

    #[test]
    fn long_lists_are_cut_into_short_ones() {
        for (api, lists) in [(Api::V2, 3), (Api::V3, 2)] {
            let cut = in_lists(api, Key::Space, &guids(101));
            let most = api.most_values();
            let lengths = cut.iter().map(|list| matches!(list, Filter::In(_, guids) if guids.len() <= most));
            assert_eq!(lengths.collect::<Vec<_>>(), vec![true; lists]);
        }
    }
}
