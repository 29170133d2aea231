//! A target asks for patience: it gets it, and whoever watches is told.

use trueup::emulator::Effect;

use crate::support::{Watched, World};

const CUSTOMERS: &str = "\
customers:
  acme: { name: Acme }
  globex: { name: Globex }
";

const ASKED: &str = "target `kaiten` asks to wait, 3 s more (429 to";

#[test]
fn a_log_says_that_an_apply_waits_and_why() {
    let world = World::declaring(CUSTOMERS);
    world.kaiten().strike("POST", "/api/customers", Effect::too_many_requests(Some("3")));
    let applied = world.run(&["apply", "--yes"]).exits(0);
    assert_eq!(applied.stderr.matches(ASKED).count(), 1, "{applied}");
    assert!(applied.stderr.contains("(429 to POST /api/customers)"), "{applied}");
    assert_eq!(world.slugs("customers"), ["acme", "globex"]);
}

#[test]
fn a_plan_says_that_it_waits_and_why_unless_it_is_to_be_quiet() {
    for (arguments, told) in [(&["plan"][..], 1), (&["plan", "-q"], 0), (&["plan", "--format", "json"], 1)] {
        let world = World::declaring(CUSTOMERS);
        world.kaiten().strike("GET", "/api/customers", Effect::too_many_requests(Some("3")));
        let planned = world.run(arguments).exits(0);
        assert_eq!(planned.stderr.matches(ASKED).count(), told, "{planned}");
        assert!(!planned.stdout.contains("asks to wait"), "{planned}");
    }
}

#[test]
fn a_plan_says_so_while_it_only_connects_too() {
    let world = World::declaring("organizations: { acme: {} }\n");
    world.cf().strike("GET", "/", Effect::too_many_requests(Some("3")));
    let planned = world.run(&["plan"]).exits(0);
    assert_eq!(planned.stderr.matches("target `cf` asks to wait, 3 s more (429 to GET /)").count(), 1, "{planned}");
}

#[test]
fn a_longer_wait_than_a_minute_is_not_begun_but_told() {
    let world = World::declaring(CUSTOMERS);
    world.kaiten().strike_always("POST", "/api/customers", Effect::too_many_requests(Some("3600")));
    let applied = world.run(&["apply", "--yes"]).exits(5);
    assert_eq!(world.kaiten().count("POST", "/api/customers"), 2, "one each: {applied}");
    let told = applied.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(told.matches("Kaiten asks to come back in 3600 s").count(), 2, "{applied}");
}
