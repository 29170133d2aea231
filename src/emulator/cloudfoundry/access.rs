//! Who is calling and what they may see and do (reference section 16).

use std::collections::{BTreeMap, BTreeSet};

use super::errors::{Error, Failure};
use super::options::{RoleKind, User};
use super::store::{Offering, Plan, Space, Store};

/// The holder of a token, with the roles resolved against what exists.
#[derive(Clone, Debug, Default)]
pub(super) struct Caller {
    /// The user's guid, or the client's id.
    pub(super) id: String,
    scopes: Vec<String>,
    signed_in: bool,
    only_supports: bool,
    managed: BTreeSet<String>,
    belongs_to: BTreeSet<String>,
    spaces: BTreeMap<String, InSpace>,
    /// The spaces that v3 lets a supporter of them read, and v2 does not.
    supported: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default)]
struct InSpace {
    reads: bool,
    develops: bool,
    manages: bool,
}

impl Caller {
    /// The caller of a request without a token.
    pub(super) fn nobody() -> Self {
        Self::default()
    }

    pub(super) fn new(store: &Store, id: &str, scopes: Vec<String>, user: Option<&User>) -> Self {
        let mut caller = Self { id: id.to_owned(), scopes, signed_in: true, ..Self::default() };
        for role in user.map(|user| user.roles.as_slice()).unwrap_or_default() {
            let Some(organization) = store.organization_named(&role.organization) else { continue };
            caller.belongs_to.insert(organization.guid.clone());
            if role.role == RoleKind::OrganizationManager {
                caller.managed.insert(organization.guid.clone());
            }
            let space = role.space.as_ref().and_then(|name| store.space_named(&organization.guid, name));
            if let Some(space) = space {
                let known = caller.spaces.entry(space.guid.clone()).or_default();
                if role.role == RoleKind::SpaceSupporter {
                    caller.supported.push(space.guid.clone());
                } else {
                    known.reads = true;
                }
                known.develops |= role.role == RoleKind::SpaceDeveloper;
                known.manages |= role.role == RoleKind::SpaceManager;
            }
        }
        let roles = user.map(|user| user.roles.as_slice()).unwrap_or_default();
        caller.only_supports = !roles.is_empty()
            && !caller.reads_everything()
            && roles.iter().all(|role| role.role == RoleKind::SpaceSupporter);
        if !caller.reads_everything() {
            for organization in store.organizations.iter().filter(|o| o.managers.iter().any(|manager| manager == id)) {
                caller.managed.insert(organization.guid.clone());
                caller.belongs_to.insert(organization.guid.clone());
            }
            for organization in &caller.managed {
                for space in store.index.spaces_of(organization).iter().filter_map(|&id| store.spaces.get(id)) {
                    caller.spaces.entry(space.guid.clone()).or_default().reads = true;
                }
            }
        }
        caller
    }

    /// The caller as v3 knows them: there, a supporter of a space reads it.
    #[must_use]
    pub(super) fn with_supported_spaces(mut self) -> Self {
        for guid in std::mem::take(&mut self.supported) {
            self.spaces.entry(guid).or_default().reads = true;
        }
        self
    }

    fn has(&self, scope: &str) -> bool {
        self.scopes.iter().any(|held| held == scope)
    }

    pub(super) fn is_signed_in(&self) -> bool {
        self.signed_in
    }

    pub(super) fn is_admin(&self) -> bool {
        self.has("cloud_controller.admin")
    }

    pub(super) fn reads_everything(&self) -> bool {
        self.is_admin() || self.has("cloud_controller.admin_read_only") || self.has("cloud_controller.global_auditor")
    }

    /// Whether every role the caller has is one that v2 does not know.
    pub(super) fn is_for_v3_only(&self) -> bool {
        self.only_supports
    }

    pub(super) fn is_exempt_from_the_v2_limit(&self) -> bool {
        self.has("cloud_controller.v2_api_rate_limit_exempt")
    }

    pub(super) fn has_read_scope(&self) -> bool {
        self.reads_everything() || self.has("cloud_controller.read")
    }

    pub(super) fn has_write_scope(&self) -> bool {
        self.is_admin() || self.has("cloud_controller.write")
    }

    /// Refuses, in the words of v2, a token that may not read at all.
    pub(super) fn needs_read_scope(&self) -> Result<(), Failure> {
        if self.has_read_scope() { Ok(()) } else { Err(Error::InsufficientScope.into()) }
    }

    /// Refuses, in the words of v2, a token that may not write at all.
    pub(super) fn needs_write_scope(&self) -> Result<(), Failure> {
        if self.has_write_scope() { Ok(()) } else { Err(Error::InsufficientScope.into()) }
    }

    pub(super) fn reads_space(&self, space_guid: &str) -> bool {
        self.reads_everything() || self.spaces.get(space_guid).is_some_and(|space| space.reads)
    }

    pub(super) fn develops(&self, space_guid: &str) -> bool {
        self.is_admin() || self.spaces.get(space_guid).is_some_and(|space| space.develops)
    }

    pub(super) fn manages_space(&self, space_guid: &str) -> bool {
        self.is_admin() || self.spaces.get(space_guid).is_some_and(|space| space.manages)
    }

    /// Whether credentials in this space are shown.
    pub(super) fn sees_secrets_in(&self, space_guid: &str) -> bool {
        self.has("cloud_controller.admin_read_only") || self.develops(space_guid)
    }

    pub(super) fn reads_organization(&self, organization_guid: &str) -> bool {
        self.reads_everything() || self.belongs_to.contains(organization_guid)
    }

    pub(super) fn manages_organization(&self, organization_guid: &str) -> bool {
        self.is_admin() || self.managed.contains(organization_guid)
    }

    /// The guids of the spaces the caller has a role in; of no meaning for one who reads everything.
    pub(super) fn spaces(&self) -> impl Iterator<Item = &str> {
        self.spaces.iter().filter(|(_, space)| space.reads).map(|(guid, _)| guid.as_str())
    }

    /// Whether the caller may change what is in this space: suspension binds everyone but admins.
    pub(super) fn writes_in(&self, store: &Store, space_guid: &str) -> bool {
        self.is_admin() || (self.develops(space_guid) && suspension(store, space_guid).is_none())
    }

    /// Whether the marketplace shows the offering to the caller: one of its plans is enough.
    pub(super) fn sees_offering(&self, store: &Store, offering: &Offering) -> bool {
        store.plans_of(offering).any(|plan| self.sees_plan(store, plan))
    }

    /// Whether the marketplace shows the plan to the caller: an organization they belong to is enough, whichever it is.
    pub(super) fn sees_plan(&self, store: &Store, plan: &Plan) -> bool {
        if self.reads_everything() {
            return true;
        }
        let home = &store.broker_of(store.offering_of(plan)).space_guid;
        match home {
            Some(space_guid) => self.reads_space(space_guid),
            None => {
                plan.public
                    || store
                        .visibilities
                        .iter()
                        .any(|seen| seen.plan_guid == plan.guid && self.belongs_to.contains(&seen.organization_guid))
            }
        }
    }
}

/// Whether the marketplace of a space has a plan: unlike the whole marketplace, this asks the space's own organization.
pub(super) fn plan_enabled_in_space(store: &Store, plan: &Plan, space: &Space) -> bool {
    match &store.broker_of(store.offering_of(plan)).space_guid {
        Some(home) => *home == space.guid,
        None => plan_enabled_in(store, plan, &space.organization_guid),
    }
}

/// Why nobody but admins may write in a space, if that is so.
pub(super) fn suspension(store: &Store, space_guid: &str) -> Option<Error> {
    let space = store.spaces.by_guid(space_guid)?;
    let organization = store.organizations.by_guid(&space.organization_guid)?;
    if organization.suspended {
        Some(Error::OrgSuspended)
    } else if space.suspended {
        Some(Error::SpaceSuspended)
    } else {
        None
    }
}

/// Whether instances of a plan may be made in an organization.
pub(super) fn plan_enabled_in(store: &Store, plan: &Plan, organization_guid: &str) -> bool {
    plan.public
        || store
            .visibilities
            .iter()
            .any(|seen| seen.plan_guid == plan.guid && seen.organization_guid == organization_guid)
}
