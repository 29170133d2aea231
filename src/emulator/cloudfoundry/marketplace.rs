//! Brokers, what they offer, and how their plans behave.
//!
//! The default marketplace, offering by offering. Every synchronous plan answers at once.
//!
//! | broker | offering/plan | behaves |
//! | --- | --- | --- |
//! | `main-broker` | `postgres/small` | asynchronous, 1 s; version 1.1.0 of its maintenance info |
//! | | `postgres/large` | asynchronous, 2 s; paid |
//! | | `postgres/legacy` | no longer in the catalogue: inactive |
//! | | `redis/small`, `redis/large` | synchronous; its parameters can be read back |
//! | | `queue/standard`, `queue/dedicated` | synchronous; the plan of an instance cannot be changed |
//! | | `object-store/bucket` | synchronous; has a JSON schema for its parameters; they can be read back; not bindable |
//! | | `search/basic` | synchronous; told of a new name (`allow_context_updates`); visible in the organization `sandbox` only |
//! | | `cache/small` | synchronous |
//! | `second-broker` | `cache/small` | asynchronous, 1 s: the same names as the other broker's |
//! | | `faulty/refuses-create` | refuses a create outright, status 500 |
//! | | `faulty/fails-create` | accepts a create, and fails after 1 s |
//! | | `faulty/refuses-update`, `faulty/fails-update` | the same for updates |
//! | | `faulty/refuses-delete`, `faulty/fails-delete` | the same for deletes |
//! | | `faulty/never-finishes` | accepts everything asynchronously and never ends |
//! | | `faulty/times-out` | answers nothing in time |
//! | `seed-broker` | `seed-service/seed-plan` | synchronous; the plan of the seed document, `6df3af55-8f97-4dbe-9d6b-098eb53d8c17` |
//! | `dev-broker` | `private/small` | synchronous; the broker belongs to the space `sandbox/dev` |
//!
//! An [`Order`](super::Order) makes the broker act otherwise on particular requests.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A broker of a fresh foundation.
#[derive(Clone, Debug)]
pub struct SeedBroker {
    /// Its name, unique and case-sensitive.
    pub name: String,
    /// What it offers.
    pub offerings: Vec<SeedOffering>,
    /// The one space that may use it, as `organization/space`; `None` is everybody.
    pub space: Option<String>,
}

impl SeedBroker {
    /// A broker for everybody.
    pub fn new(name: &str, offerings: Vec<SeedOffering>) -> Self {
        Self { name: name.to_owned(), offerings, space: None }
    }
}

/// An offering of a fresh foundation: v2 calls it a service.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "a broker's catalogue has these switches")]
pub struct SeedOffering {
    /// Its name, unique within its broker.
    pub name: String,
    /// Its guid; `None` takes a new one.
    pub guid: Option<String>,
    /// One sentence about it.
    pub description: String,
    /// Whether keys can be made of its instances.
    pub bindable: bool,
    /// Whether the plan of an instance may be changed, where the plan does not say.
    pub plan_updateable: bool,
    /// Whether an instance's parameters can be read back.
    pub instances_retrievable: bool,
    /// Whether the broker is told when an instance is renamed.
    pub allow_context_updates: bool,
    /// Search words.
    pub tags: Vec<String>,
    /// Its plans.
    pub plans: Vec<SeedPlan>,
}

impl SeedOffering {
    /// A bindable offering whose plans can be changed and whose parameters cannot be read back.
    pub fn new(name: &str, plans: Vec<SeedPlan>) -> Self {
        Self {
            name: name.to_owned(),
            guid: None,
            description: format!("The {name} of the sandbox"),
            bindable: true,
            plan_updateable: true,
            instances_retrievable: false,
            allow_context_updates: false,
            tags: vec![name.to_owned()],
            plans,
        }
    }
}

/// A plan of a fresh foundation.
#[derive(Clone, Debug)]
pub struct SeedPlan {
    /// Its name, unique within its offering.
    pub name: String,
    /// Its guid; `None` takes a new one.
    pub guid: Option<String>,
    /// Whether it costs nothing. Quotas can forbid what costs.
    pub free: bool,
    /// Whether the broker still lists it.
    pub active: bool,
    /// The organizations, by name, in which alone it may be used; `None` is everywhere.
    pub organizations: Option<Vec<String>>,
    /// Whether an instance may leave this plan; `None` asks the offering.
    pub plan_updateable: Option<bool>,
    /// The version an instance of this plan has, for plans that know upgrades.
    pub maintenance_version: Option<String>,
    /// The JSON Schema of the parameters of a create and an update; `{}` when there is none.
    pub schema: Value,
    /// How the broker acts.
    pub behaviour: Behaviour,
}

impl SeedPlan {
    /// A free, public, active plan that behaves so.
    pub fn new(name: &str, behaviour: Behaviour) -> Self {
        Self {
            name: name.to_owned(),
            guid: None,
            free: true,
            active: true,
            organizations: None,
            plan_updateable: None,
            maintenance_version: None,
            schema: json!({}),
            behaviour,
        }
    }
}

/// How a broker acts on the instances of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Behaviour {
    /// How long an operation on an instance takes, in milliseconds. `None` is a synchronous broker, which answers at once.
    pub milliseconds: Option<u64>,
    /// How long one on a key or another binding takes. `None` is at once, however long those on instances take.
    #[serde(default)]
    pub binding_milliseconds: Option<u64>,
    /// What goes wrong, and when.
    pub faults: Vec<Fault>,
}

impl Behaviour {
    /// Answers at once, and well.
    pub fn synchronous() -> Self {
        Self::default()
    }

    /// Answers "in progress", and ends well after so many milliseconds.
    pub fn asynchronous(milliseconds: u64) -> Self {
        Self { milliseconds: Some(milliseconds), ..Self::default() }
    }

    /// The same, but keys and other bindings take so many milliseconds.
    #[must_use]
    pub fn binding_in(self, milliseconds: u64) -> Self {
        Self { binding_milliseconds: Some(milliseconds), ..self }
    }

    /// The same, with something that goes wrong.
    #[must_use]
    pub fn but(mut self, step: BrokerStep, trouble: Trouble) -> Self {
        self.faults.push(Fault { step, trouble });
        self
    }
}

/// Something a broker does not do as it should.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// In which request.
    pub step: BrokerStep,
    /// What happens instead.
    pub trouble: Trouble,
}

/// The requests a foundation sends to a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BrokerStep {
    /// Create an instance.
    Provision,
    /// Change an instance.
    Update,
    /// Delete an instance.
    Deprovision,
    /// Create a key or another binding.
    Bind,
    /// Delete one.
    Unbind,
}

/// What a faulty broker does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// Answers with this HTTP status and description.
    Refuse {
        /// The broker's HTTP status.
        status: u16,
        /// Its `description`.
        description: String,
    },
    /// Does not answer in time.
    TimeOut,
    /// Accepts, and reports this description as a failure once the time is over.
    FailLater(String),
    /// Accepts, and stays in progress until the foundation has waited long enough, or until the sandbox is told to
    /// end it.
    NeverEnd,
    /// Accepts, and is over when the instance, a list it is in, or the job is looked at for this time: well, or with
    /// this failure.
    EndAtLook {
        /// The look that finds it over, counted from one.
        look: u32,
        /// What the broker reports, if it fails.
        #[serde(default)]
        failure: Option<String>,
    },
}

/// The marketplace of a fresh foundation; the module's documentation has it as a table.
pub(super) fn default_brokers() -> Vec<SeedBroker> {
    let sync = Behaviour::synchronous;
    let slow = Behaviour::asynchronous;
    let schema = json!({
        "$schema": "http://json-schema.org/draft-04/schema#",
        "type": "object",
        "properties": {
            "region": {"type": "string", "enum": ["eu", "us"]},
            "versioning": {"type": "boolean"},
            "size_gb": {"type": "integer", "minimum": 1}
        },
        "required": ["region"],
        "additionalProperties": false
    });
    let main = SeedBroker::new(
        "main-broker",
        vec![
            SeedOffering::new(
                "postgres",
                vec![
                    SeedPlan { maintenance_version: Some("1.1.0".to_owned()), ..SeedPlan::new("small", slow(1000)) },
                    SeedPlan { free: false, ..SeedPlan::new("large", slow(2000)) },
                    SeedPlan { active: false, ..SeedPlan::new("legacy", slow(1000)) },
                ],
            ),
            SeedOffering {
                instances_retrievable: true,
                ..SeedOffering::new("redis", vec![SeedPlan::new("small", sync()), SeedPlan::new("large", sync())])
            },
            SeedOffering {
                plan_updateable: false,
                ..SeedOffering::new(
                    "queue",
                    vec![SeedPlan::new("standard", sync()), SeedPlan::new("dedicated", sync())],
                )
            },
            SeedOffering {
                instances_retrievable: true,
                bindable: false,
                ..SeedOffering::new("object-store", vec![SeedPlan { schema, ..SeedPlan::new("bucket", sync()) }])
            },
            SeedOffering {
                allow_context_updates: true,
                ..SeedOffering::new(
                    "search",
                    vec![SeedPlan {
                        organizations: Some(vec!["sandbox".to_owned()]),
                        ..SeedPlan::new("basic", sync())
                    }],
                )
            },
            SeedOffering::new("cache", vec![SeedPlan::new("small", sync())]),
        ],
    );
    let refuse = || Trouble::Refuse { status: 500, description: "out of disks".to_owned() };
    let fail = || Trouble::FailLater("the disk caught fire".to_owned());
    let second = SeedBroker::new(
        "second-broker",
        vec![
            SeedOffering::new("cache", vec![SeedPlan::new("small", slow(1000))]),
            SeedOffering::new(
                "faulty",
                vec![
                    SeedPlan::new("refuses-create", sync().but(BrokerStep::Provision, refuse())),
                    SeedPlan::new("fails-create", slow(1000).but(BrokerStep::Provision, fail())),
                    SeedPlan::new("refuses-update", sync().but(BrokerStep::Update, refuse())),
                    SeedPlan::new("fails-update", slow(1000).but(BrokerStep::Update, fail())),
                    SeedPlan::new("refuses-delete", sync().but(BrokerStep::Deprovision, refuse())),
                    SeedPlan::new("fails-delete", slow(1000).but(BrokerStep::Deprovision, fail())),
                    SeedPlan::new("never-finishes", slow(1000).but_always(&Trouble::NeverEnd)),
                    SeedPlan::new("times-out", sync().but_always(&Trouble::TimeOut)),
                ],
            ),
        ],
    );
    let seed = SeedBroker::new(
        "seed-broker",
        vec![SeedOffering::new(
            "seed-service",
            vec![SeedPlan {
                guid: Some("6df3af55-8f97-4dbe-9d6b-098eb53d8c17".to_owned()),
                ..SeedPlan::new("seed-plan", sync())
            }],
        )],
    );
    let private = SeedBroker {
        space: Some("sandbox/dev".to_owned()),
        ..SeedBroker::new("dev-broker", vec![SeedOffering::new("private", vec![SeedPlan::new("small", sync())])])
    };
    vec![main, second, seed, private]
}

impl Behaviour {
    fn but_always(self, trouble: &Trouble) -> Self {
        [BrokerStep::Provision, BrokerStep::Update, BrokerStep::Deprovision]
            .into_iter()
            .fold(self, |behaviour, step| behaviour.but(step, trouble.clone()))
    }
}
