//! Everything there is, declared or not.

use super::*;
use crate::model::{Desired, Diagnostics, Snapshot};
use crate::observe::{Sessions, observe_whole};

impl World {
    /// Reads the whole foundation, with nothing declared, and counts what that took.
    async fn whole(self) -> (Snapshot, u64) {
        let before = self.remote.requests().read;
        let sessions = Sessions::from([("cf".into(), Arc::new(self.remote) as _)]);
        let mut problems = Diagnostics::default();
        let snapshot = observe_whole(&Desired::default(), &registry(), &sessions, &mut problems).await;
        assert!(problems.is_empty(), "{problems:?}");
        (snapshot.clone(), snapshot.reads - before)
    }
}

fn keys_of(snapshot: &Snapshot, section: &'static str) -> Vec<String> {
    let collection = snapshot.collection("cf", section).unwrap_or_else(|| panic!("{section} have been read"));
    collection.iter().map(|object| object.identity.to_string()).collect()
}

#[tokio::test]
async fn a_whole_foundation_is_read_with_one_list_for_each_kind() {
    for world in World::of_each_api().await {
        let api = world.remote.facts().api;
        let mut all = vec![declare("organizations", "acme", [])];
        for space in ["dev", "prod"] {
            all.push(declare("spaces", space, [("organization", of_key("organizations", "acme"))]));
        }
        for number in 0..12 {
            let space = if number % 2 == 0 { "acme/dev" } else { "acme/prod" };
            all.push(instance(&format!("i-{number:02}"), space, "cache/small"));
        }
        let in_space = [("space", named("spaces", "acme/dev"))];
        all.push(declare("user_provided_service_instances", "mail", in_space));
        let of = [("service_instance", named("service_instances", "acme/prod/i-01"))];
        all.push(declare("service_keys", "ci", of));
        for resource in &all {
            world.create(resource, &all).await.unwrap();
            world.time.advance(Duration::from_secs(60));
        }

        let (snapshot, requests) = world.whole().await;
        assert_eq!(keys_of(&snapshot, "spaces"), ["acme/dev", "acme/prod", "sandbox/dev", "seed/development"]);
        let instances = keys_of(&snapshot, "service_instances");
        assert_eq!((instances.len(), &*instances[0], &*instances[11]), (12, "acme/dev/i-00", "acme/prod/i-11"));
        assert_eq!(keys_of(&snapshot, "user_provided_service_instances"), ["acme/dev/mail"]);
        assert_eq!(keys_of(&snapshot, "service_keys"), ["acme/prod/i-01/ci"]);
        // v2 lists offerings beside plans, and either kind of instance by itself.
        assert_eq!(requests, if api == "v2" { 7 } else { 5 }, "{api}");
    }
}
