//! Kinds that are made of credentials: user-provided instances and service keys.

use super::*;
use crate::diff::diff;
use crate::kind::{Failure, Modification};
use crate::model::{Path, Sensitive, Template, TemplatePart};

fn mail(more: impl IntoIterator<Item = (&'static str, Value)>) -> Resource {
    let space = [("space", named("spaces", "sandbox/dev"))];
    declare("user_provided_service_instances", "mail", space.into_iter().chain(more))
}

fn secrets(values: &[(&str, &str)]) -> Value {
    let hidden = |text: &str| Sensitive::wrap(Value::text(text));
    Value::Map(Box::new(values.iter().map(|(key, value)| ((*key).into(), hidden(value))).collect()))
}

const APIS: [&str; 2] = ["v2", "v3"];

impl World {
    /// Creates it and waits until that is done.
    async fn create_wholly(&self, resource: &Resource, all: &[Resource]) -> Observed {
        let created = self.create(resource, all).await.unwrap();
        self.finished(created, resource.address.section).await.expect("it is there")
    }

    /// What an object has come to when the remote has finished its work.
    async fn finished(&self, object: Observed, section: &str) -> Option<Observed> {
        let mut object = object;
        while let Condition::InProgress { .. } = object.condition {
            self.time.advance(Duration::from_secs(60));
            let kind = registry().kind(section).unwrap().clone();
            object = kind.declared().unwrap().poll(&[&object], &self.remote).await.unwrap().pop()?;
        }
        assert_eq!(object.condition, Condition::Ready);
        Some(object)
    }

    /// The paths in which a declaration differs from what it is recognised as.
    async fn differences_among(&self, resource: &Resource, all: &[Resource]) -> (Observed, Vec<Path>) {
        let seen = self.observe(all).await;
        let proposed = Proposed::of(resource, all, &seen);
        let section = resource.address.section;
        let kind = registry().kind(section).unwrap().clone();
        let facts = self.remote.facts();
        let found = kind.declared().unwrap().recognise(proposed.proposal(), &seen[section], &facts);
        let [this] = found[..] else { panic!("{} are recognised", found.len()) };
        let differences = diff(kind.section(), &proposed.fields, &this.fields, &[]);
        (this.clone(), differences.into_iter().map(|one| one.path).collect())
    }

    async fn update_among(&self, resource: &Resource, all: &[Resource]) -> Result<Observed, RemoteError> {
        let (observed, changes) = self.differences_among(resource, all).await;
        let seen = self.observe(all).await;
        let proposed = Proposed::of(resource, all, &seen);
        let kind = registry().kind(resource.address.section).unwrap().clone();
        let modification = Modification { proposal: proposed.proposal(), observed: &observed, changes: &changes };
        kind.declared().unwrap().update(modification, &self.remote).await
    }

    /// Deletes it and waits until it is gone.
    async fn delete_wholly(&self, observed: &Observed, section: &str) -> Option<Observed> {
        let kind = registry().kind(section).unwrap().clone();
        let left = kind.declared().unwrap().delete(observed, false, &self.remote).await.unwrap()?;
        self.finished(left, section).await
    }
}

fn shown(paths: &[Path]) -> Vec<String> {
    paths.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_user_provided_instance_is_created_changed_and_deleted_as_declared() {
    for api in APIS {
        let world = World::speaking(api, admin(), |_| {}).await;
        let first = [mail([
            ("credentials", secrets(&[("user", "me"), ("password", "hush")])),
            ("syslog_drain_url", text("syslog://logs.example:514")),
            ("route_service_url", text("https://route.example")),
            ("tags", Value::List(vec![text("b"), text("a")])),
        ])];
        let created = world.create(&first[0], &first).await.unwrap();
        assert_eq!(created.identity.to_string(), "sandbox/dev/mail");
        let (found, differences) = world.differences_among(&first[0], &first).await;
        assert_eq!((&found.id, shown(&differences)), (&created.id, vec![]));
        assert_eq!(world.look_up(&first[0]).await.unwrap().id, created.id);

        let second = [mail([
            ("credentials", secrets(&[("user", "me"), ("token", "x")])),
            ("syslog_drain_url", text("")),
            ("route_service_url", text("https://route.example")),
            ("tags", Value::List(vec![text("a")])),
        ])];
        let (_, differences) = world.differences_among(&second[0], &second).await;
        let expected = ["credentials.token", "credentials.password", "syslog_drain_url", "tags"];
        assert_eq!(shown(&differences), expected);
        let updated = world.update_among(&second[0], &second).await.unwrap();
        assert_eq!(updated.id, created.id);
        assert_eq!(shown(&world.differences_among(&second[0], &second).await.1), [""; 0]);

        assert!(world.delete_wholly(&updated, "user_provided_service_instances").await.is_none());
        assert!(world.look_up(&second[0]).await.is_none());
        assert!(world.delete_wholly(&updated, "user_provided_service_instances").await.is_none(), "it is gone already");
    }
}

#[tokio::test]
async fn an_unset_url_is_an_empty_one() {
    for api in APIS {
        let world = World::speaking(api, admin(), |_| {}).await;
        let all = [mail([])];
        world.create_wholly(&all[0], &all).await;
        let empty = [mail([("syslog_drain_url", text("")), ("route_service_url", text(""))])];
        assert_eq!(shown(&world.differences_among(&empty[0], &empty).await.1), [""; 0]);
    }
}

#[tokio::test]
async fn who_may_not_see_credentials_sees_no_difference_in_them() {
    for api in APIS {
        let world = World::speaking(api, admin(), |_| {}).await;
        let all = [mail([("credentials", secrets(&[("password", "hush")]))])];
        world.create_wholly(&all[0], &all).await;
        let auditor = insist(&world.sandbox, user("auditor"), api).await.unwrap();
        let auditor = World { remote: auditor, ..world };
        let seen = auditor.observe(&all).await;
        let found = seen["user_provided_service_instances"].iter().next().unwrap();
        assert_eq!(found.fields.get("credentials"), None);
    }
}

#[tokio::test]
async fn a_name_that_a_managed_instance_has_is_seen_before_anything_is_written() {
    for api in APIS {
        let world = World::speaking(api, admin(), |_| {}).await;
        let all = [instance("mail", "sandbox/dev", "redis/small")];
        world.create_wholly(&all[0], &all).await;
        let found = world.check(&mail([])).await;
        assert_eq!(found.iter().map(|one| one.code).collect::<Vec<_>>(), [Code::NameTaken]);
        let refused = world.create(&mail([]), &[mail([])]).await.unwrap_err();
        assert_eq!(refused.failure, Failure::Conflict, "{api}");
    }
}

fn key(of: Value) -> Resource {
    declare("service_keys", "ci", [("service_instance", of)])
}

#[tokio::test]
async fn a_key_is_created_read_by_an_expression_and_deleted() {
    for api in APIS {
        let world = World::speaking(api, admin(), |_| {}).await;
        let part = TemplatePart::Field {
            address: Address::new("service_keys", "ci"),
            path: Path::parse("credentials.password").unwrap(),
        };
        let reads = Value::Template(Box::new(Template { parts: vec![part], sensitive: false, redacted: false }));
        let mut all = vec![
            instance("cache", "sandbox/dev", "redis/small"),
            key(of_key("service_instances", "cache")),
            mail([("credentials", Value::Map(Box::new([("password".into(), reads)].into())))]),
        ];
        world.create_wholly(&all[0], &all[..1]).await;
        let created = world.create_wholly(&all[1], &all[..2]).await;
        assert_eq!(created.identity.to_string(), "sandbox/dev/cache/ci");
        let credentials = created.attributes.get("credentials").unwrap().clone();
        assert!(matches!(credentials, Value::Sensitive(_)));

        let (found, differences) = world.differences_among(&all[1], &all).await;
        assert_eq!((&found.id, shown(&differences)), (&created.id, vec![]));
        assert_eq!(found.attributes.get("credentials"), Some(&credentials));
        all.pop();
        let (found, _) = world.differences_among(&all[1], &all).await;
        assert_eq!(found.attributes.get("credentials"), None, "nobody reads them any more");

        let natural = [key(named("service_instances", "sandbox/dev/cache"))];
        assert_eq!(world.differences_among(&natural[0], &natural).await.0.id, created.id);
        assert_eq!(world.look_up(&natural[0]).await.unwrap().id, created.id);
        assert!(world.delete_wholly(&created, "service_keys").await.is_none());
        assert!(world.look_up(&natural[0]).await.is_none());
        assert!(world.delete_wholly(&created, "service_keys").await.is_none(), "it is gone already");
    }
}

#[tokio::test]
async fn a_key_of_an_instance_named_by_its_guid_is_found_wherever_that_is() {
    for api in APIS {
        let world = World::speaking(api, admin(), |_| {}).await;
        let all = [instance("cache", "sandbox/dev", "redis/small")];
        let cache = world.create_wholly(&all[0], &all).await;
        let all = [key(of_guid("service_instances", &cache.id))];
        let created = world.create_wholly(&all[0], &all).await;
        assert_eq!(world.differences_among(&all[0], &all).await.0.id, created.id);
        let user_provided = [mail([])];
        let mail = world.create(&user_provided[0], &user_provided).await.unwrap();
        let seen = world.observe(&[key(of_guid("service_instances", &mail.id))]).await;
        assert!(seen["service_instances"].is_empty(), "user-provided instances are given by the same path");
    }
}

#[tokio::test]
async fn a_plan_that_cannot_be_bound_is_told_before_anything_is_written() {
    for api in APIS {
        let world = World::speaking(api, admin(), |_| {}).await;
        let all = [instance("store", "sandbox/dev", "object-store/bucket")];
        world.create_wholly(&all[0], &all).await;
        let key = key(named("service_instances", "sandbox/dev/store"));
        let found = world.check(&key).await;
        assert_eq!(found.iter().map(|one| one.code).collect::<Vec<_>>(), [Code::PlanUnavailable]);
        let refused = world.create(&key, std::slice::from_ref(&key)).await.unwrap_err();
        assert_eq!(refused.failure, Failure::Refused, "{api}");
    }
}

fn texts(values: &[(&str, &str)]) -> Value {
    Value::Map(Box::new(values.iter().map(|(key, value)| ((*key).into(), text(value))).collect()))
}

#[tokio::test]
async fn labels_can_be_changed_and_parameters_leave_a_mark() {
    let world = World::speaking("v3", admin(), |_| {}).await;
    let cache = [instance("cache", "sandbox/dev", "redis/small")];
    world.create_wholly(&cache[0], &cache).await;
    let key = |label: &str, role: &str| {
        let of = ("service_instance", named("service_instances", "sandbox/dev/cache"));
        let more = [("parameters", texts(&[("role", role)])), ("labels", texts(&[("stage", label)]))];
        [declare("service_keys", "ci", [of].into_iter().chain(more))]
    };
    let first = key("dev", "reader");
    let created = world.create_wholly(&first[0], &first).await;
    assert!(matches!(created.attributes.get("credentials"), Some(Value::Sensitive(_))), "a new one tells them");
    assert_eq!(shown(&world.differences_among(&first[0], &first).await.1), [""; 0]);
    let relabelled = key("production", "reader");
    assert_eq!(shown(&world.differences_among(&relabelled[0], &relabelled).await.1), ["labels.stage"]);
    let updated = world.update_among(&relabelled[0], &relabelled).await.unwrap();
    assert_eq!(updated.id, created.id);
    assert_eq!(shown(&world.differences_among(&relabelled[0], &relabelled).await.1), [""; 0]);
    let other = key("production", "writer");
    assert_eq!(shown(&world.differences_among(&other[0], &other).await.1), ["parameters"]);

    let labelled = |stage: &str| [mail([("labels", texts(&[("stage", stage)]))])];
    world.create(&labelled("dev")[0], &labelled("dev")).await.unwrap();
    let production = labelled("production");
    world.update_among(&production[0], &production).await.unwrap();
    assert_eq!(shown(&world.differences_among(&production[0], &production).await.1), [""; 0]);
}
