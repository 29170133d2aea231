//! What a plan finds out about a foundation before any write: quotas, names, the marketplace.

use reqwest::Method;
use serde_json::json;
use trueup::emulator::cloudfoundry::{Options, Quota, SeedSpace};
use trueup::emulator::kaiten;

use crate::same_snapshot;
use crate::support::{Foundation, Output, Watched, World};

/// What is said of this; nothing is written whatever is asked for.
fn refused(world: &World) -> Output {
    let plan = world.run(&["plan"]).exits(1);
    world.cf().recorder().clear();
    world.run(&["apply", "--yes"]).exits(1);
    assert_eq!(world.cf().writes(), 0);
    plan
}

/// The sandbox with quotas of the organization `sandbox` and of its space `dev`.
fn limited(organization: Quota, space: Option<Quota>) -> World {
    let mut options = Options::default();
    options.organizations[0].quota = organization;
    options.organizations[0].spaces[0].quota = space;
    World::with(kaiten::Options::default(), options)
}

fn of(services: u64) -> Quota {
    Quota { services: Some(services), paid_plans: true }
}

const FREE_ONLY: Quota = Quota { services: None, paid_plans: false };

const TWO: &str = "service_instances:\n  cache: { space: sandbox/dev, plan: redis/small }\n  queue: { space: sandbox/dev, plan: queue/standard }\n";
const FOUR: &str =
    "  search: { space: sandbox/dev, plan: search/basic }\n  store: { space: sandbox/dev, plan: redis/large }\n";

#[test]
fn a_quota_of_a_space_that_two_of_four_do_not_fit_into() {
    let world = limited(Quota::UNLIMITED, Some(of(2)));
    world.declare(TWO);
    world.run(&["apply", "--yes"]).exits(0);
    world.declare(&format!("{TWO}{FOUR}"));
    if Foundation::tested() == Foundation::V2 {
        // It does not tell quotas: the plan is none the wiser.
        world.run(&["plan"]).exits(0);
        let told = world.run(&["apply", "--yes"]).exits(5);
        assert!(told.stderr.contains("You have exceeded your space's services limit"), "{told}");
        return;
    }
    insta::assert_snapshot!(refused(&world));
}

#[test]
fn a_quota_of_an_organization_counts_the_spaces_that_are_still_to_be_created() {
    let world = limited(of(3), None);
    world.declare(TWO);
    world.run(&["apply", "--yes"]).exits(0);
    let spaces = "spaces:\n  new: { organization: sandbox }\n";
    let instances = "  search: { space: new, plan: search/basic }\n  store: { space: new, plan: redis/large }\n";
    world.declare(&format!("{spaces}{TWO}{instances}"));
    if Foundation::tested() == Foundation::V2 {
        world.run(&["plan"]).exits(0);
        return;
    }
    insta::assert_snapshot!(refused(&world));
    world.declare(&format!("{spaces}{TWO}  search: {{ space: new, plan: search/basic }}\n"));
    world.run(&["apply", "--yes"]).exits(0);
}

#[test]
fn a_paid_plan_where_free_ones_only_are_allowed() {
    if Foundation::tested() == Foundation::V2 {
        return;
    }
    let yaml = "service_instances:\n  db: { space: sandbox/dev, plan: postgres/large }\n";
    let world = limited(FREE_ONLY, None);
    world.declare(yaml);
    insta::assert_snapshot!(refused(&world));
    world.declare(&yaml.replace("large", "small"));
    world.run(&["apply", "--yes"]).exits(0);
    world.declare(yaml);
    let change = refused(&world);
    assert!(change.stderr.contains("trueup::plan::quota"), "{change}");
}

#[test]
fn quotas_are_not_asked_for_where_everything_is_there() {
    let world = limited(of(3), Some(of(2)));
    world.declare(TWO);
    let quotas = |world: &World| {
        let count = world.cf().count("GET", "/v3/organization_quotas") + world.cf().count("GET", "/v3/space_quotas");
        world.cf().recorder().clear();
        count
    };
    world.run(&["plan"]).exits(0);
    assert_eq!(quotas(&world), if Foundation::tested() == Foundation::V2 { 0 } else { 2 });
    world.run(&["apply", "--yes"]).exits(0);
    quotas(&world);
    world.run(&["plan", "--detailed-exitcode"]).exits(0);
    assert_eq!(quotas(&world), 0);
}

macro_rules! refusals {
    ($( $name:ident: $yaml:expr; )+) => { $(
        #[test]
        fn $name() {
            same_snapshot!(stringify!($name), refused(&World::declaring(&instance($yaml))));
        }
    )+ };
}

fn instance(body: &str) -> String {
    format!("service_instances:\n  cache:\n    space: sandbox/dev\n{body}")
}

refusals! {
    a_broker_that_is_misspelt: "    plan: cache/small\n    broker: second-brokr\n";
    a_plan_that_its_offering_does_not_have: "    plan: redis/gigantic\n";
    a_plan_that_is_near_to_a_withdrawn_one_only: "    plan: postgres/legazy\n";
    a_plan_of_a_broker_that_is_not_there: "    plan: elasticsearch/small\n    broker: nobody\n";
}

#[test]
fn a_plan_of_a_broker_of_another_space() {
    let yaml = "service_instances:\n  cache: { space: seed/development, plan: private/small }\n";
    same_snapshot!("a_plan_of_a_broker_of_another_space", refused(&World::declaring(yaml)));
}

#[test]
fn parameters_that_do_not_fit_the_schema_are_warned_of_and_left_to_the_broker() {
    let yaml = instance("    plan: object-store/bucket\n    parameters:\n      region: mars\n      size_gbs: 5\n");
    let world = World::declaring(&yaml);
    same_snapshot!("parameters_that_do_not_fit", world.run(&["plan"]).exits(0));
    world.run(&["apply", "--yes"]).exits(0);
    world.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn labels_and_annotations_that_are_refused() {
    if Foundation::tested() == Foundation::V2 {
        // It has none.
        return;
    }
    let yaml = instance(
        "    plan: redis/small\n    labels:\n      team core: a\n      cloudfoundry.org/team: a\n      nodot/team: a\n      team: not a word\n      count: 3\n    annotations:\n      trueup-parameters: mine\n      -note: x\n",
    );
    let world = World::declaring(&yaml);
    insta::assert_snapshot!(world.run(&["plan"]).exits(3));
    world.run(&["apply", "--yes"]).exits(3);
    let many: Vec<String> = (0..51).map(|number| format!("k{number}: a")).collect();
    let world = World::declaring(&instance(&format!("    plan: redis/small\n    labels: {{ {} }}\n", many.join(", "))));
    let warned = world.run(&["plan"]).exits(0);
    assert!(warned.stderr.contains("it would have 51 labels"), "{warned}");
}

/// A world with the spaces `dev` and `ops`, in which `dev` has the instance `cache`, shared with `ops`.
fn shared() -> World {
    let mut options = Options::default();
    options.organizations[0].spaces.push(SeedSpace::new("ops"));
    let world = World::with(kaiten::Options::default(), options);
    world.declare("service_instances:\n  cache: { space: sandbox/dev, plan: redis/small }\n");
    let applied = world.run(&["apply", "--yes", "--format", "json"]).exits(0);
    let guid = world.run(&["plan", "--format", "json"]).json()["actions"][0]["observed"]["id"].clone();
    let guid = guid.as_str().unwrap_or_else(|| panic!("{applied}")).to_owned();
    let spaces = world.get(world.cf(), "/v3/spaces?names=ops");
    let body = json!({ "data": [{ "guid": spaces["resources"][0]["guid"] }] });
    let path = format!("/v3/service_instances/{guid}/relationships/shared_spaces");
    world.send(world.cf(), Method::POST, &path, Some(&body));
    world
}

#[test]
fn a_name_that_an_instance_has_which_another_space_shares() {
    if Foundation::tested() == Foundation::V2 {
        // There is no sharing without v3.
        return;
    }
    let world = shared();
    world.declare(
        "service_instances:\n  cache: { space: sandbox/ops, plan: redis/small }\n  other: { space: sandbox/ops, plan: redis/small }\n",
    );
    insta::assert_snapshot!("a_name_shared_into_the_space", refused(&world));
    // Where both spaces are declared in, it is the instance itself that tells.
    let both = "service_instances:\n  cache: { space: sandbox/dev, plan: redis/small }\n  second: { name: cache, space: sandbox/ops, plan: redis/small }\n  third: { name: else, space: sandbox/dev, plan: redis/small }\n";
    world.declare(both);
    let told = refused(&world);
    assert!(told.stderr.contains("shared into the space"), "{told}");
    world.declare(&both.replace("name: cache", "name: fourth"));
    world.run(&["apply", "--yes"]).exits(0);
}

#[test]
fn user_provided_instances_meet_the_names_of_shared_ones_too() {
    if Foundation::tested() == Foundation::V2 {
        return;
    }
    let world = shared();
    world.declare("user_provided_service_instances:\n  cache: { space: sandbox/ops }\n");
    insta::assert_snapshot!("a_user_provided_name_shared_into_the_space", refused(&world));
}

#[test]
fn a_new_name_that_a_user_provided_instance_has() {
    let world = World::declaring("service_instances:\n  cache: { space: sandbox/dev, plan: redis/small }\n");
    world.run(&["apply", "--yes"]).exits(0);
    world.user_provide("store", "dev");
    world
        .declare("service_instances:\n  store: { space: sandbox/dev, plan: redis/small, lifecycle: { was: cache } }\n");
    same_snapshot!("a_new_name_that_a_user_provided_instance_has", refused(&world));
}

#[test]
fn what_a_change_may_bring_is_known_after_apply_to_those_who_read_it() {
    let yaml = "\
service_instances:
  first: { space: sandbox/dev, plan: redis/small }
  second:
    space: sandbox/dev
    plan: redis/small
    parameters: { since: '${service_instances.first.updated_at}' }
";
    let world = World::declaring(yaml);
    world.run(&["apply", "--yes"]).exits(0);
    world.run(&["plan", "--detailed-exitcode"]).exits(0);
    world.declare(&yaml.replace(
        "first: { space: sandbox/dev, plan: redis/small }",
        "first: { space: sandbox/dev, plan: redis/large }",
    ));
    let plan = world.run(&["plan"]).exits(0);
    assert!(plan.stdout.contains("-> (known after apply)") && plan.stdout.contains("2 to change"), "{plan}");
    world.run(&["apply", "--yes"]).exits(0);
    world.run(&["plan", "--detailed-exitcode"]).exits(0);
}
