//! Load, resolve, diff and plan, without HTTP: what is observed was recorded before, and is just what is declared.
//!
//! `cargo bench --bench pipeline` measures 1,000, 10,000 and 50,000 resources; with `-- --test` each case runs once, and
//! with 1,000 only.

#[expect(dead_code, reason = "the script needs more of it")]
mod projects;

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use divan::{Bencher, black_box};
use projects::{Remote, Shape};
use tempfile::TempDir;
use trueup::kind::Registry;
use trueup::model::{
    Collection, Condition, Desired, Diagnostics, Facts, Fields, Identity, Observed, Resource, Snapshot, Sources,
    TargetName, Value,
};
use trueup::plan::{Action, plan};
use trueup::resolve::Knowledge;
use trueup::settings::{self, LoadOptions, Settings};
use trueup::{config, diff, graph, providers};

/// How many resources are in a file.
const PER_FILE: usize = 100;

fn main() {
    divan::main();
}

/// YAML to what is desired.
#[divan::bench(args = cases(), sample_count = 5, sample_size = 1)]
fn a_load(bencher: Bencher<'_, '_>, case: &Case) {
    let project = Project::new(*case);
    bencher.counter(divan::counter::ItemsCount::new(case.count)).bench(|| project.load());
}

/// References looked up, expressions put in.
#[divan::bench(args = cases(), sample_count = 5, sample_size = 1)]
fn b_resolve(bencher: Bencher<'_, '_>, case: &Case) {
    let world = World::new(*case);
    bencher.counter(divan::counter::ItemsCount::new(case.count)).bench(|| {
        let mut knowledge = Knowledge::new(&world.desired, &world.snapshot, &world.registry);
        for address in graph::order(&world.desired) {
            black_box(knowledge.resolve(&world.desired.resources[&address]).expect("everything is there"));
            let object = world.observed(&world.desired.resources[&address]);
            knowledge.learn(address, Cow::Borrowed(object));
        }
    });
}

/// What is declared against what is observed, field by field.
#[divan::bench(args = cases(), sample_count = 5, sample_size = 1)]
fn c_diff(bencher: Bencher<'_, '_>, case: &Case) {
    let world = World::new(*case);
    let section = world.registry.section(case.remote.section()).expect("it is registered");
    let all = resolved(&world.desired, &world.snapshot, &world.registry);
    let pairs: Vec<_> = world.desired.resources.values().map(|resource| world.observed(resource)).zip(&all).collect();
    bencher.counter(divan::counter::ItemsCount::new(case.count)).bench(|| {
        for (object, fields) in &pairs {
            black_box(diff::diff(section, fields, &object.fields, &[]));
        }
    });
}

/// All that is decided once both sides are known: order, resolve, recognise, check, diff.
#[divan::bench(args = cases(), sample_count = 5, sample_size = 1)]
fn d_plan(bencher: Bencher<'_, '_>, case: &Case) {
    let world = World::new(*case);
    bencher.counter(divan::counter::ItemsCount::new(case.count)).bench(|| {
        let plan = plan(&world.desired, &world.snapshot, &world.registry, Diagnostics::default());
        assert_eq!(plan.count(Action::Unchanged), case.count);
        plan
    });
}

/// What is measured.
#[derive(Debug, Clone, Copy)]
struct Case {
    remote: Remote,
    shape: Shape,
    count: usize,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:>6} {}", self.remote.name(), self.count, self.shape.name())
    }
}

fn cases() -> Vec<Case> {
    let counts: &[usize] =
        if std::env::args().any(|argument| argument == "--test") { &[1_000] } else { &[1_000, 10_000, 50_000] };
    let shapes = |remote| if remote == Remote::Kaiten { &Shape::ALL[..] } else { &Shape::ALL[..1] };
    let of_remote = |remote| {
        shapes(remote).iter().flat_map(move |shape| {
            let shape = *shape;
            counts.iter().map(move |count| Case { remote, shape, count: *count })
        })
    };
    Remote::ALL.into_iter().flat_map(of_remote).collect()
}

/// A project on disk.
struct Project {
    _directory: TempDir,
    settings: Settings,
    files: Vec<PathBuf>,
    registry: Registry,
}

impl Project {
    fn new(Case { remote, shape, count }: Case) -> Self {
        let directory = tempfile::tempdir().expect("there is room for temporary files");
        std::fs::write(directory.path().join("trueup.toml"), projects::settings(remote, "https://bench.example"))
            .expect("it is writable");
        for from in (0..count).step_by(PER_FILE) {
            let text = projects::block(remote, shape, from, count.min(from + PER_FILE), count);
            std::fs::write(directory.path().join(format!("{}.yaml", projects::key(from))), text)
                .expect("it is writable");
        }
        let options =
            LoadOptions { environment: None, variables: &[], env: &|_| Some("secret".to_owned()), unconnected: false };
        let settings = settings::load(directory.path(), options, &mut Sources::default(), &mut Diagnostics::default())
            .expect("they are sound");
        let files = settings::resource_files(&settings).expect("there are some");
        Self { _directory: directory, settings, files, registry: providers::registry() }
    }

    fn load(&self) -> Desired {
        let (mut sources, mut problems) = (Sources::default(), Diagnostics::default());
        let desired = config::load(&self.files, &self.settings, &self.registry, &mut sources, &mut problems);
        desired.unwrap_or_else(|| panic!("{problems:?}"))
    }
}

/// A project and a remote that holds all of it.
struct World {
    desired: Desired,
    snapshot: Snapshot,
    registry: Registry,
}

impl World {
    fn new(case: Case) -> Self {
        let project = Project::new(case);
        let desired = project.load();
        let registry = project.registry;
        let target: TargetName = "bench".into();
        let mut snapshot = Snapshot::default();
        let api = if case.remote == Remote::Kaiten { "core" } else { "v2" };
        let facts = Facts { provider: case.remote.name(), url: "https://bench.example".into(), api, read_only: None };
        snapshot.targets.insert(Arc::clone(&target), facts);
        let collections = snapshot.collections.entry(target).or_default();
        let bare = |identity: Identity, id: &str| Observed {
            identity,
            id: id.into(),
            version: None,
            fields: Fields::default(),
            attributes: Fields::default(),
            condition: Condition::Ready,
        };
        let one = |part, name: &str| Collection::new(vec![bare(Identity::single(part, name), name)], false);
        match case.remote {
            Remote::Kaiten => {
                collections.insert("customers", one("slug", "acme"));
                collections.insert("licenses", one("slug", "growth"));
                collections.insert("deployment_zones", one("slug", "eu-west-1"));
            }
            Remote::CloudFoundry => {
                let space = |at| {
                    let name = format!("space-{at:02}");
                    bare(
                        Identity { parts: vec![("organization", "bench".into()), ("name", name.as_str().into())] },
                        &name,
                    )
                };
                collections.insert("spaces", Collection::new((0..projects::SPACES).map(space).collect(), true));
                collections.insert("service_plans", one("name", "queue/standard"));
                collections.insert("user_provided_service_instances", Collection::default());
            }
        }
        collections.insert(case.remote.section(), Collection::default());
        let objects = resolved(&desired, &snapshot, &registry).into_iter().zip(desired.resources.values());
        let objects = objects.map(|(fields, resource)| {
            let knowledge = Knowledge::new(&desired, &snapshot, &registry);
            let identity = knowledge.identity(resource, &fields);
            let mut object = bare(identity, &resource.address.key);
            object.fields = fields.iter().map(|(name, value)| (name, value.clone())).collect();
            if case.remote == Remote::CloudFoundry {
                object.fields.set("name", Value::text(Arc::clone(&resource.address.key)));
            }
            object
        });
        let observed = Collection::new(objects.collect(), false);
        snapshot.collections.values_mut().next().expect("one target").insert(case.remote.section(), observed);
        Self { desired, snapshot, registry }
    }

    fn observed(&self, resource: &Resource) -> &Observed {
        let collection = self.snapshot.collection("bench", resource.address.section).expect("it was observed");
        collection.with_id(&resource.address.key).expect("each id is the key")
    }
}

/// The fields of all resources, with each created under its key as id.
fn resolved(desired: &Desired, snapshot: &Snapshot, registry: &Registry) -> Vec<Fields> {
    let mut knowledge = Knowledge::new(desired, snapshot, registry);
    for resource in desired.resources.values() {
        let object = Observed {
            identity: resource.identity.clone(),
            id: Arc::clone(&resource.address.key),
            version: None,
            fields: Fields::default(),
            attributes: Fields::default(),
            condition: Condition::Ready,
        };
        knowledge.learn(resource.address.clone(), Cow::Owned(object));
    }
    desired.resources.values().map(|resource| knowledge.resolve(resource).expect("everything is there")).collect()
}
