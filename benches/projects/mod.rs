//! The projects that are measured: made up, always the same, of documents of about 480 bytes.
//!
//! The one source of what the benchmarks read: `benches/pipeline.rs` includes it, and `benches/process.py` has it written
//! by the example `generate`. Everything a project refers to without declaring it is in its [`ground`].

use std::fmt::Write as _;

/// How many spaces the service instances are spread over.
pub const SPACES: usize = 20;

/// Where the resources live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remote {
    /// Kaiten: instances.
    Kaiten,
    /// Cloud Foundry: service instances.
    CloudFoundry,
}

/// What requires what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Nothing requires anything that is declared.
    Independent,
    /// Ten layers; each resource requires two of the layer before.
    Layered,
    /// Each requires the one before it.
    Chained,
    /// All require the first one.
    Hub,
}

impl Remote {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Kaiten, Self::CloudFoundry];

    /// Its name as a provider.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kaiten => "kaiten",
            Self::CloudFoundry => "cloudfoundry",
        }
    }

    /// The section that is measured.
    pub fn section(self) -> &'static str {
        match self {
            Self::Kaiten => "instances",
            Self::CloudFoundry => "service_instances",
        }
    }
}

impl Shape {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Independent, Self::Layered, Self::Chained, Self::Hub];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Independent => "independent",
            Self::Layered => "layered",
            Self::Chained => "chained",
            Self::Hub => "hub",
        }
    }

    /// The resources that number `at` of `count` requires.
    pub fn requires(self, at: usize, count: usize) -> Vec<usize> {
        match self {
            Self::Independent => Vec::new(),
            Self::Layered => {
                let width = count.div_ceil(10);
                let Some(above) = at.checked_sub(width) else { return Vec::new() };
                let start = above - above % width;
                let beside = start + (above + 1 - start) % width;
                if beside == above { vec![above] } else { vec![above, beside] }
            }
            Self::Chained => at.checked_sub(1).into_iter().collect(),
            Self::Hub if at == 0 => Vec::new(),
            Self::Hub => vec![0],
        }
    }
}

/// `trueup.toml`. Without a URL the target is the one in `$KAITEN_BASE_URL`, or must be given.
pub fn settings(remote: Remote, url: &str) -> String {
    let target = match remote {
        Remote::Kaiten => "token = { env = \"BENCH_SECRET\" }",
        Remote::CloudFoundry => {
            "auth = { method = \"password\", username = \"admin\", password = { env = \"BENCH_SECRET\" } }"
        }
    };
    format!(
        "[project]\nname = \"bench\"\n\n[targets.bench]\nprovider = \"{}\"\nurl = \"{url}\"\n{target}\n",
        remote.name()
    )
}

/// What has to exist before a project can be applied.
pub fn ground(remote: Remote) -> String {
    match remote {
        Remote::Kaiten => "customers:\n  acme:\n    name: Acme\n".to_owned(),
        Remote::CloudFoundry => {
            let mut text = "organizations:\n  bench: {}\nspaces:\n".to_owned();
            for space in 0..SPACES {
                let _ = writeln!(text, "  space-{space:02}:\n    organization: bench");
            }
            text
        }
    }
}

/// The key of a resource.
pub fn key(at: usize) -> String {
    format!("acme-{at:06}")
}

/// The resources `from..to` of `count`, in block style.
pub fn block(remote: Remote, shape: Shape, from: usize, to: usize, count: usize) -> String {
    let mut text = format!("{}:\n", remote.section());
    for at in from..to {
        let key = key(at);
        let customer = at % 977;
        let requires = requires(remote, shape, at, count);
        match remote {
            Remote::Kaiten => {
                let _ = write!(
                    text,
                    "  {key}:\n    name: Acme production {at}\n    description: The deployment of tenant {customer}, \
                     looked after by the team of its region\n    customer: acme\n    license: growth\n    \
                     deployment_zone: eu-west-1\n    start_license_date: 2026-09-01T00:00:00Z\n    \
                     end_license_date: 2027-09-01T00:00:00Z\n    metadata:\n      region: eu-west-1\n      \
                     tenant: tenant-{customer:04}\n      owner: team-{:02}@example.com\n      seats: {}\n      \
                     features: [sso, audit, backup]\n      requires: {requires}\n",
                    at % 37,
                    at % 500 + 1,
                );
            }
            Remote::CloudFoundry => {
                let _ = write!(
                    text,
                    "  {key}:\n    space: bench/space-{:02}\n    plan: queue/standard\n    \
                     tags: [acme, tenant-{customer:04}, team-{:02}]\n    parameters:\n      region: eu-west-1\n      \
                     tenant: tenant-{customer:04}\n      purpose: The cache of tenant {customer}, looked after by the \
                     team of its region\n      owner: team-{:02}@example.com\n      memory_mb: {}\n      \
                     eviction: allkeys-lru\n      backup: {{ enabled: true, at: \"03:00\", keep: 14 }}\n      \
                     features: [persistence, audit]\n      requires: {requires}\n",
                    at % SPACES,
                    at % 37,
                    at % 37,
                    64 * (at % 16 + 1),
                );
            }
        }
    }
    text
}

/// All resources on a single line, in flow style.
pub fn flow(remote: Remote, shape: Shape, count: usize) -> String {
    let mut text = format!("{{ {}: {{ ", remote.section());
    for at in 0..count {
        let (key, customer) = (key(at), at % 977);
        let requires = requires(remote, shape, at, count);
        let comma = if at == 0 { "" } else { ", " };
        let _ = match remote {
            Remote::Kaiten => write!(
                text,
                "{comma}{key}: {{ name: Acme production {at}, description: \"The deployment of tenant {customer}, \
                 looked after by the team of its region\", customer: acme, license: growth, \
                 deployment_zone: eu-west-1, start_license_date: \"2026-09-01T00:00:00Z\", \
                 end_license_date: \"2027-09-01T00:00:00Z\", metadata: {{ region: eu-west-1, \
                 tenant: tenant-{customer:04}, owner: team-{:02}@example.com, seats: {}, \
                 features: [sso, audit, backup], requires: {requires} }} }}",
                at % 37,
                at % 500 + 1,
            ),
            Remote::CloudFoundry => write!(
                text,
                "{comma}{key}: {{ space: bench/space-{:02}, plan: queue/standard, \
                 tags: [acme, tenant-{customer:04}, team-{:02}], parameters: {{ region: eu-west-1, \
                 tenant: tenant-{customer:04}, purpose: \"The cache of tenant {customer}, looked after by the team of \
                 its region\", owner: team-{:02}@example.com, memory_mb: {}, eviction: allkeys-lru, \
                 backup: {{ enabled: true, at: \"03:00\", keep: 14 }}, features: [persistence, audit], \
                 requires: {requires} }} }}",
                at % SPACES,
                at % 37,
                at % 37,
                64 * (at % 16 + 1),
            ),
        };
    }
    text.push_str(" } }\n");
    text
}

/// The requirements of a resource as a list of expressions.
fn requires(remote: Remote, shape: Shape, at: usize, count: usize) -> String {
    let section = remote.section();
    let id = if remote == Remote::Kaiten { "id" } else { "guid" };
    let each = shape.requires(at, count).into_iter().map(|other| format!("\"${{{section}.{}.{id}}}\"", key(other)));
    format!("[{}]", each.collect::<Vec<_>>().join(", "))
}
