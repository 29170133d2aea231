//! Updates and deletes against the emulator, in both APIs.

use super::*;
use crate::kind::{ErasedKind, Modification};
use crate::model::Path;

fn kind(section: &str) -> Arc<dyn ErasedKind> {
    Arc::clone(registry().kind(section).unwrap())
}

impl World {
    /// Waits until nothing is in progress any more.
    async fn finish(&self, mut object: Observed) -> Option<Observed> {
        for _ in 0..20 {
            if !matches!(object.condition, Condition::InProgress { .. }) {
                return Some(object);
            }
            self.time.advance(Duration::from_secs(1));
            object = self.poll(&[object]).await.pop()?;
        }
        panic!("it never ends: {object:?}");
    }

    async fn made(&self, resource: &Resource) -> Observed {
        let created = self.create(resource, std::slice::from_ref(resource)).await.unwrap();
        self.finish(created).await.unwrap()
    }

    async fn seen(&self, resource: &Resource) -> Option<Observed> {
        let all = [resource.clone()];
        let found = self.observe(&all).await;
        let proposed = Proposed::of(resource, &all, &found);
        let kind = kind(resource.address.section);
        let collection = &found[resource.address.section];
        kind.declared().unwrap().recognise(proposed.proposal(), collection, &self.remote.facts()).pop().cloned()
    }

    /// What would change.
    async fn differences(&self, resource: &Resource) -> Vec<Path> {
        let all = [resource.clone()];
        let found = self.observe(&all).await;
        let proposed = Proposed::of(resource, &all, &found);
        let seen = self.seen(resource).await.unwrap();
        let differences =
            crate::diff::diff(kind(resource.address.section).section(), &proposed.fields, &seen.fields, &[]);
        differences.into_iter().filter(|one| !one.is_unverifiable()).map(|one| one.path).collect()
    }

    /// Makes it as declared, and waits.
    async fn update(&self, resource: &Resource) -> Observed {
        let all = [resource.clone()];
        let found = self.observe(&all).await;
        let proposed = Proposed::of(resource, &all, &found);
        let (seen, changes) = (self.seen(resource).await.unwrap(), self.differences(resource).await);
        assert!(!changes.is_empty());
        let modification = Modification { proposal: proposed.proposal(), observed: &seen, changes: &changes };
        let kind = kind(resource.address.section);
        let updated = kind.declared().unwrap().update(modification, &self.remote).await.unwrap();
        self.finish(updated).await.unwrap()
    }

    async fn delete(&self, object: &Observed) -> Option<Observed> {
        let deleted = kind("service_instances").declared().unwrap().delete(object, false, &self.remote).await.unwrap();
        self.finish(deleted?).await
    }
}

fn map(entries: &[(&str, &str)]) -> Value {
    Value::Map(Box::new(entries.iter().map(|(key, value)| (Arc::from(*key), text(value))).collect()))
}

fn with(mut resource: Resource, field: &'static str, value: Value) -> Resource {
    resource.fields.set(field, value);
    resource
}

#[tokio::test]
async fn an_updated_instance_is_as_declared_whether_its_plan_takes_its_time_or_not() {
    for world in World::of_each_api().await {
        for plan in ["redis", "postgres"] {
            let db = instance(&format!("{plan}-db"), "sandbox/dev", &format!("{plan}/small"));
            assert_eq!(world.made(&db).await.condition, Condition::Ready);
            let tagged = with(db, "tags", Value::List(vec![text("b"), text("a")]));
            let updated = world.update(&tagged).await;
            assert_eq!(updated.condition, Condition::Ready, "{plan}");
            assert_eq!(world.differences(&tagged).await, [], "{plan}");
        }
        let large = instance("postgres-db", "sandbox/dev", "postgres/large");
        assert_eq!(world.differences(&large).await, [Path::field("plan")]);
        let updated = world.update(&large).await;
        assert_eq!(updated.condition, Condition::Ready);
        assert_eq!(updated.fields.link("plan").unwrap().name.as_deref(), Some("postgres/large"));
        assert_eq!(world.differences(&large).await, []);
    }
}

#[tokio::test]
async fn a_deleted_instance_is_gone_and_deleting_it_again_is_no_error() {
    for world in World::of_each_api().await {
        for plan in ["redis/small", "postgres/small"] {
            let db = instance("db", "sandbox/dev", plan);
            let made = world.made(&db).await;
            assert!(world.delete(&made).await.is_none(), "{plan}");
            assert!(world.seen(&db).await.is_none());
            assert!(world.delete(&made).await.is_none());
        }
    }
}

#[tokio::test]
async fn labels_and_annotations_of_others_stay() {
    let world = World::speaking("v3", admin(), |_| {}).await;
    let first = with(instance("db", "sandbox/dev", "redis/small"), "labels", map(&[("theirs", "x"), ("team", "a")]));
    world.made(&first).await;
    let ours = with(instance("db", "sandbox/dev", "redis/small"), "labels", map(&[("team", "b")]));
    let ours = with(ours, "annotations", map(&[("owner", "Ö, b")]));
    let updated = world.update(&ours).await;
    assert_eq!(updated.condition, Condition::Ready);
    assert_eq!(updated.fields.get("labels"), Some(&map(&[("theirs", "x"), ("team", "b")])));
    assert_eq!(world.differences(&ours).await, []);
    let organization = with(declare("organizations", "sandbox", []), "labels", map(&[("team", "a")]));
    world.update(&organization).await;
    assert_eq!(world.differences(&organization).await, []);
}

#[tokio::test]
async fn parameters_that_are_not_told_are_compared_by_their_mark_in_v3_only() {
    for world in World::of_each_api().await {
        let of = |size| with(instance("db", "sandbox/dev", "postgres/small"), "parameters", map(&[("size", size)]));
        world.made(&of("small")).await;
        assert_eq!(world.differences(&of("small")).await, []);
        if world.remote.facts().api == "v2" {
            assert_eq!(world.differences(&of("large")).await, [], "nobody can tell");
            continue;
        }
        assert_eq!(world.differences(&of("large")).await, [Path::field("parameters")]);
        assert_eq!(world.update(&of("large")).await.condition, Condition::Ready);
        assert_eq!(world.differences(&of("large")).await, []);
        assert_eq!(world.seen(&of("large")).await.unwrap().fields.get("annotations"), Some(&map(&[])));
    }
}

#[tokio::test]
async fn v3_creates_in_the_place_of_what_failed_and_v2_after_a_delete() {
    for world in World::of_each_api().await {
        let failing = instance("db", "sandbox/dev", "faulty/fails-create");
        let failed = world.made(&failing).await;
        assert!(matches!(failed.condition, Condition::Failed { operation: Operation::Create, .. }));
        let sound = instance("db", "sandbox/dev", "redis/small");
        if world.remote.facts().api == "v2" {
            assert!(world.create(&sound, std::slice::from_ref(&sound)).await.is_err());
            assert!(world.delete(&failed).await.is_none());
        }
        assert_eq!(world.made(&sound).await.condition, Condition::Ready);
    }
}
