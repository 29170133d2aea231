//! An apply is killed at any moment. The next one ends with one instance, created once, as declared: after a create, a
//! change and a replacement that take their broker a while, whichever API is spoken. What the killed one has begun is
//! waited for to its end.

use serde_json::json;
use trueup::emulator::{Effect, Fault};

use crate::scene::{Api, Scene};

/// Which request is the last one of a run, and whether the remote has taken it when the run is killed.
#[derive(Debug, Clone, Copy)]
struct Moment {
    request: u32,
    taken: bool,
}

/// Kills an apply at a moment; `false` if it ended before.
fn kill(scene: &Scene, moment: Moment) -> bool {
    let effect = if moment.taken { Effect::SilentAfter } else { Effect::Held };
    scene.world.cf().faults().add(Fault::on("*", "/", effect).skipping(moment.request));
    let mut run = scene.apply();
    while run.runs() && !scene.holds() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let killed = scene.holds();
    if killed {
        run.signal(9);
        assert_eq!(run.end().code, -9);
    } else {
        let output = run.end();
        assert_eq!(output.code, 0, "{output}");
    }
    scene.let_go();
    killed
}

/// Kills an apply of this at each of its requests, before and after the remote has taken it.
fn killed_at_each_moment(api: Api, wanted: &str, slow: &[&str]) {
    let mut moments = 0;
    for taken in [false, true] {
        for request in 0.. {
            let moment = Moment { request, taken };
            let mut scene = Scene::new(api);
            let there_before = wanted != "nothing else";
            if there_before {
                scene.bring("create / succeeded");
            }
            scene.declare(wanted);
            for step in slow {
                scene.order(step, &json!({ "end_at_look": { "look": 2 } }));
            }
            let killed = kill(&scene, moment);
            let next = scene.apply().end();
            assert_eq!(next.code, 0, "{moment:?}: {next}");
            let creates = usize::from(slow.contains(&"provision"));
            assert_eq!(scene.creates(), creates, "{moment:?}: {next}");
            assert_eq!(scene.still_in_progress(), 0, "{moment:?}: it ended while the remote was at work: {next}");
            // There is one at most: whoever looks makes sure of it.
            assert_eq!(scene.is_the_first(), there_before && creates == 0, "{moment:?}: {next}");
            scene.world.run(&["plan", "--detailed-exitcode"]).exits(0);
            if !killed {
                break;
            }
            moments += 1;
        }
    }
    assert!(moments >= 20, "{moments} moments are not many");
}

#[test]
fn before_it_has_said_a_word() {
    for api in [Api::V2, Api::V3] {
        let scene = Scene::new(api);
        scene.declare("nothing else");
        let run = scene.apply();
        run.signal(9);
        assert_eq!(run.end().code, -9);
        assert_eq!(scene.apply().end().code, 0);
        assert_eq!(scene.creates(), 1);
    }
}

#[test]
fn a_slow_create_in_v2() {
    killed_at_each_moment(Api::V2, "nothing else", &["provision"]);
}

#[test]
fn a_slow_create_in_v3() {
    killed_at_each_moment(Api::V3, "nothing else", &["provision"]);
}

#[test]
fn a_slow_change_in_v2() {
    killed_at_each_moment(Api::V2, "large", &["update"]);
}

#[test]
fn a_slow_change_in_v3() {
    killed_at_each_moment(Api::V3, "large", &["update"]);
}

#[test]
fn a_slow_replacement_in_v2() {
    killed_at_each_moment(Api::V2, "plan", &["deprovision", "provision"]);
}

#[test]
fn a_slow_replacement_in_v3() {
    killed_at_each_moment(Api::V3, "plan", &["deprovision", "provision"]);
}
