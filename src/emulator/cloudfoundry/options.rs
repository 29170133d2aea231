//! What a caller decides about an emulated foundation before it starts.

use std::sync::Arc;
use std::time::Duration;

use super::clock::{Clock, Ids, RandomIds, SystemClock};
use super::marketplace::{self, SeedBroker};

/// Everything that can be chosen about an emulated foundation.
///
/// `organizations` and `brokers` are the contents of a fresh foundation; one that is restored from a saved state keeps
/// what it had. Everything else applies to both.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether the v2 API is served. When off, `/` loses its v2 link, `/v2/info` an `api_version`, and every other v2
    /// path is a 404 in the shape of v3 (reference section 3).
    pub v2: bool,
    /// Whether the v3 API is served. When off, `/` loses its v3 link, and every v3 path is a 404.
    pub v3: bool,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Makes the guids of stored resources.
    pub ids: Arc<dyn Ids>,
    /// Makes ids of what is not stored: requests and tokens. Apart from `ids`, so that the number of requests does not
    /// move the guids.
    pub request_ids: Arc<dyn Ids>,
    /// Who can sign in with a password.
    pub users: Vec<User>,
    /// The OAuth clients.
    pub clients: Vec<Client>,
    /// A ready access token, taken as it is and never expiring, and the name of the user it stands for.
    pub fixed_token: Option<(String, String)>,
    /// How long an access token is good for (600 s in published manifests).
    pub access_token_validity: Duration,
    /// How long a refresh token is good for (30 days in published manifests).
    pub refresh_token_validity: Duration,
    /// What the answer to a refresh holds.
    pub refresh: Refresh,
    /// After how many wrong passwords in a row an account is locked; `None` is never.
    pub lock_after: Option<u32>,
    /// The general limit on requests of one user; admins are exempt (reference section 15).
    pub rate_limit: Option<RateLimit>,
    /// The limit on requests of one user to v2; admins are counted too.
    pub v2_rate_limit: Option<RateLimit>,
    /// The limit on what one user may ask of brokers at a time; admins are exempt.
    pub broker_limit: Option<BrokerLimit>,
    /// Warnings sent in `X-Cf-Warnings` with every answer of the API, and in every job of v3.
    pub warnings: Vec<String>,
    /// Feature flags that differ from their defaults (`service_instance_creation` on, `user_org_creation` off,
    /// `hide_marketplace_from_unauthenticated_users` off). Like the organizations, only for a fresh foundation.
    pub feature_flags: Vec<(String, bool)>,
    /// How long a background job stays queued before it runs: one of v2 (`async=true`), or any of v3.
    pub job_delay: Duration,
    /// How long the foundation waits for a broker to end an operation (a week in published manifests).
    pub longest_operation: Duration,
    /// The organizations of a fresh foundation.
    pub organizations: Vec<SeedOrganization>,
    /// The marketplace of a fresh foundation.
    pub brokers: Vec<SeedBroker>,
}

impl Default for Options {
    /// A foundation on real time with random guids, the default marketplace, and:
    ///
    /// | organization | spaces |
    /// | --- | --- |
    /// | `sandbox` | `dev` |
    /// | `seed` | `development` (`f24c6904-30e0-4559-9523-06d2d93f0c9c`, as in the seed document) |
    ///
    /// | user / password | may |
    /// | --- | --- |
    /// | `admin` / `admin` | everything |
    /// | `manager` / `manager` | manage the organization `sandbox` |
    /// | `developer` / `developer` | develop in `sandbox/dev` |
    /// | `auditor` / `auditor` | read `sandbox/dev` |
    /// | `supporter` / `supporter` | nothing in v2, and read `sandbox/dev` in v3: a space supporter |
    /// | `reader` / `reader` | develop in `sandbox/dev`, but its token has the scope `cloud_controller.read` only |
    ///
    /// Clients: `cf` with an empty secret (password and refresh grants), `ci` / `ci-secret` (client credentials, admin).
    fn default() -> Self {
        Self {
            v2: true,
            v3: true,
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            request_ids: Arc::new(RandomIds),
            users: default_users(),
            clients: vec![Client::cf(), Client::service("ci", "ci-secret", &["cloud_controller.admin"])],
            fixed_token: None,
            access_token_validity: Duration::from_secs(600),
            refresh_token_validity: Duration::from_secs(2_592_000),
            refresh: Refresh::Repeat,
            lock_after: None,
            rate_limit: None,
            v2_rate_limit: None,
            broker_limit: None,
            warnings: Vec::new(),
            feature_flags: Vec::new(),
            job_delay: Duration::from_millis(100),
            longest_operation: Duration::from_secs(604_800),
            organizations: vec![
                SeedOrganization::new("sandbox").space(SeedSpace::new("dev")),
                SeedOrganization::new("seed").space(SeedSpace {
                    guid: Some("f24c6904-30e0-4559-9523-06d2d93f0c9c".to_owned()),
                    ..SeedSpace::new("development")
                }),
            ],
            brokers: marketplace::default_brokers(),
        }
    }
}

const READ_AND_WRITE: &[&str] = &["cloud_controller.read", "cloud_controller.write", "openid", "uaa.user"];

fn default_users() -> Vec<User> {
    let dev = |role| Role { role, organization: "sandbox".to_owned(), space: Some("dev".to_owned()) };
    vec![
        User::new("admin", "admin", &["cloud_controller.admin", "openid", "uaa.user"]),
        User::new("manager", "manager", READ_AND_WRITE).with(Role {
            role: RoleKind::OrganizationManager,
            organization: "sandbox".to_owned(),
            space: None,
        }),
        User::new("developer", "developer", READ_AND_WRITE).with(dev(RoleKind::SpaceDeveloper)),
        User::new("auditor", "auditor", READ_AND_WRITE).with(dev(RoleKind::SpaceAuditor)),
        User::new("supporter", "supporter", READ_AND_WRITE).with(dev(RoleKind::SpaceSupporter)),
        User::new("reader", "reader", &["cloud_controller.read", "openid"]).with(dev(RoleKind::SpaceDeveloper)),
    ]
}

/// Someone who signs in with a password.
#[derive(Clone, Debug)]
pub struct User {
    /// The user's guid, `user_id` in tokens.
    pub guid: String,
    /// The name to sign in with.
    pub name: String,
    /// The password; this is a sandbox, nothing here protects anything.
    pub password: String,
    /// The identity provider that knows the user; `login_hint` must name it when it is given.
    pub origin: String,
    /// The scopes of the user's tokens.
    pub scopes: Vec<String>,
    /// Roles in organizations and spaces, by name.
    pub roles: Vec<Role>,
}

impl User {
    /// A user of UAA's own user store, without roles.
    pub fn new(name: &str, password: &str, scopes: &[&str]) -> Self {
        Self {
            guid: format!("user-{name}"),
            name: name.to_owned(),
            password: password.to_owned(),
            origin: "uaa".to_owned(),
            scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
            roles: Vec::new(),
        }
    }

    /// The user with one more role.
    #[must_use]
    pub fn with(mut self, role: Role) -> Self {
        self.roles.push(role);
        self
    }
}

/// A role someone has in an organization or one of its spaces.
#[derive(Clone, Debug)]
pub struct Role {
    /// Which role.
    pub role: RoleKind,
    /// The organization's name. It need not exist yet.
    pub organization: String,
    /// The space's name, for the roles in spaces.
    pub space: Option<String>,
}

/// The roles of section 16 of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleKind {
    /// Belongs to the organization and sees it.
    OrganizationUser,
    /// Manages the organization: creates spaces, reads everything in it.
    OrganizationManager,
    /// Creates, changes and deletes service instances in the space.
    SpaceDeveloper,
    /// Manages the space, reads its service instances.
    SpaceManager,
    /// Reads the space.
    SpaceAuditor,
    /// Known to v3 only: v2 turns such a user away.
    SpaceSupporter,
}

/// An OAuth client.
#[derive(Clone, Debug)]
pub struct Client {
    /// The client's id.
    pub id: String,
    /// Its secret, possibly empty.
    pub secret: String,
    /// The grants it may use, as spelled in `grant_type`.
    pub grants: Vec<String>,
    /// The scopes of a token it gets for itself.
    pub authorities: Vec<String>,
}

impl Client {
    /// The cf CLI's client.
    pub fn cf() -> Self {
        Self {
            id: "cf".to_owned(),
            secret: String::new(),
            grants: vec!["password".to_owned(), "refresh_token".to_owned()],
            authorities: vec!["uaa.none".to_owned()],
        }
    }

    /// A client that acts for itself.
    pub fn service(id: &str, secret: &str, authorities: &[&str]) -> Self {
        Self {
            id: id.to_owned(),
            secret: secret.to_owned(),
            grants: vec!["client_credentials".to_owned()],
            authorities: authorities.iter().map(|&authority| authority.to_owned()).collect(),
        }
    }
}

/// What UAA answers to a refresh: clients must survive all three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// The same refresh token again.
    Repeat,
    /// A new one; the old one stops working.
    Rotate,
    /// None: the client keeps the one it has.
    Omit,
}

/// How many requests one user may send in a window of time.
#[derive(Clone, Copy, Debug)]
pub struct RateLimit {
    /// Requests in each window.
    pub requests: u32,
    /// The window's length.
    pub window: Duration,
}

/// How much one user may ask of brokers at a time (reference section 15). The simulated broker answers at once, so each
/// request counts for as long as a real one would have needed.
#[derive(Clone, Copy, Debug)]
pub struct BrokerLimit {
    /// Requests at a time.
    pub requests: u32,
    /// How long each counts.
    pub each: Duration,
    /// How long the foundation waits for a broker's answer. `Retry-After` is between half and one and a half of it.
    pub timeout: Duration,
}

/// An organization of a fresh foundation.
#[derive(Clone, Debug)]
pub struct SeedOrganization {
    /// Its name.
    pub name: String,
    /// Its guid; `None` takes a new one.
    pub guid: Option<String>,
    /// Its spaces.
    pub spaces: Vec<SeedSpace>,
    /// What its spaces may hold together.
    pub quota: Quota,
}

impl SeedOrganization {
    /// An organization without spaces and without limits.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), guid: None, spaces: Vec::new(), quota: Quota::UNLIMITED }
    }

    /// The organization with one more space.
    #[must_use]
    pub fn space(mut self, space: SeedSpace) -> Self {
        self.spaces.push(space);
        self
    }
}

/// A space of a fresh foundation.
#[derive(Clone, Debug)]
pub struct SeedSpace {
    /// Its name.
    pub name: String,
    /// Its guid; `None` takes a new one.
    pub guid: Option<String>,
    /// What it may hold, if less than its organization.
    pub quota: Option<Quota>,
}

impl SeedSpace {
    /// A space without limits of its own.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), guid: None, quota: None }
    }
}

/// What an organization or a space may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Quota {
    /// The most managed service instances; `None` is no limit.
    pub services: Option<u64>,
    /// Whether instances of paid plans are allowed.
    pub paid_plans: bool,
}

impl Quota {
    /// No limits.
    pub const UNLIMITED: Self = Self { services: None, paid_plans: true };
}
