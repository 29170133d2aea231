//! `plan --base REV`: changes with their causes, by what git knows.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};

use crate::same_snapshot;
use crate::support::{Project, World};

/// Where the tests' own git is found, and where trueup finds it.
fn path() -> String {
    std::env::var("PATH").expect("programs are found by it")
}

/// Runs git in a directory, and tells what it printed.
#[track_caller]
fn git(directory: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(arguments).current_dir(directory).env_clear().env("PATH", path());
    command.envs([("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_CONFIG_GLOBAL", "/dev/null")]);
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "trueup").env(format!("GIT_{who}_EMAIL"), "trueup@example.com");
        command.env(format!("GIT_{who}_DATE"), "2026-01-01T00:00:00Z");
    }
    let output = command.output().expect("git is there");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Makes a repository of a project, with what it has as the first commit on `main`.
fn repository(project: &Project) {
    git(project.path(), &["init", "-q", "-b", "main"]);
    commit(project.path(), "first");
}

fn commit(directory: &Path, message: &str) {
    git(directory, &["add", "-A"]);
    git(directory, &["commit", "-q", "-m", message]);
}

/// A world whose project is a repository with this declared on `main`.
fn world(yaml: &str) -> World {
    let mut world = World::declaring(yaml);
    world.project.set("PATH", &path());
    repository(&world.project);
    world
}

fn switch(world: &World, arguments: &[&str]) {
    git(world.project.path(), &[&["checkout", "-q"], arguments].concat());
}

/// Commits this as declared.
fn declare(world: &World, yaml: &str) {
    world.declare(yaml);
    commit(world.project.path(), "more");
}

fn apply(world: &World) {
    world.run(&["apply", "--yes"]).exits(0);
}

/// Gives a customer another name behind the back of trueup.
fn rename(world: &World, slug: &str, name: &str) {
    let path = format!("/api/customers/{slug}");
    world.send(world.kaiten(), Method::PUT, &path, Some(&json!({ "name": name })));
}

/// `address action cause`, a line each.
fn causes(plan: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let actions = plan["actions"].as_array().expect("actions").iter();
    actions
        .map(|action| format!("{} {} {}", text(&action["address"]), text(&action["action"]), text(&action["cause"])))
        .collect()
}

const FIRST: &str = "\
customers:
  acme: { name: Acme }
  globex: { name: Globex }
  initech: { name: Initech }
";

/// One change of each cause: `acme` is renamed on this branch and `hooli` is new on it, `globex` has been renamed on `main`
/// since, and `initech` by hand.
fn of_each_cause() -> World {
    let world = world(FIRST);
    apply(&world);
    switch(&world, &["-b", "feature"]);
    let here = FIRST.replace("name: Acme ", "name: Acme Corp ");
    declare(&world, &format!("{here}  hooli: {{ name: Hooli }}\n"));
    switch(&world, &["main"]);
    declare(&world, &FIRST.replace("name: Globex ", "name: Globex West "));
    apply(&world);
    rename(&world, "initech", "Edited by hand");
    switch(&world, &["feature"]);
    world
}

#[test]
fn each_change_has_its_cause_in_every_format() {
    let world = of_each_cause();
    let plan = |format: &str| world.run(&["plan", "--base", "main", "--format", format]).exits(0);
    same_snapshot!("base_human", plan("human"));
    same_snapshot!("base_markdown", plan("markdown"));
    same_snapshot!("base_github", plan("github"));
    let document = plan("json").json();
    assert_eq!(
        causes(&document),
        [
            "customers.acme update declared",
            "customers.globex update behind",
            "customers.hooli create declared",
            "customers.initech update drift",
        ]
    );
    for action in document["actions"].as_array().unwrap() {
        let of_changes = action["changes"].as_array().unwrap().iter().map(|change| &change["cause"]);
        assert!(
            of_changes.clone().count() > 0 && of_changes.clone().all(|cause| *cause == action["cause"]),
            "{action}"
        );
    }
    let commit = git(world.project.path(), &["rev-parse", "main"]);
    let merge_base = git(world.project.path(), &["rev-parse", "main~"]);
    let base = json!({ "revision": "main", "commit": commit.trim(), "merge_base": merge_base.trim() });
    assert_eq!(document["base"], base);
    let page = plan("html").stdout;
    for chip in ["declared\">declared here<", "drift\">drift<", "behind\">behind<"] {
        assert!(page.contains(&format!("<span class=\"cause {chip}/span>")), "{page}");
    }
    assert!(page.contains("<p>2 declared here, 1 drift, 1 would undo what main declares.</p>"), "{page}");
    let log = plan("sarif").json();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let of = |cause: &str| results.iter().filter(|result| result["properties"]["cause"] == cause).count();
    assert_eq!([of("declared"), of("drift"), of("behind")], [2, 1, 1], "{log}");
}

#[test]
fn without_a_base_no_cause_is_told() {
    let world = of_each_cause();
    let document = world.run(&["plan", "--format", "json"]).exits(0).json();
    assert!(document.get("base").is_none());
    let text = document.to_string();
    assert!(!text.contains("\"cause\""), "{text}");
}

#[test]
fn a_plan_saved_with_causes_is_applied_as_any_other() {
    let world = of_each_cause();
    world.run(&["plan", "--base", "main", "--out", "plan.json"]).exits(0);
    assert!(world.project.read("plan.json").contains("\"cause\": \"behind\""));
    world.run(&["apply", "plan.json"]).exits(0);
    let after = world.run(&["plan", "--base", "main", "--format", "json"]).exits(0).json();
    assert!(causes(&after).iter().all(|line| line.ends_with(" unchanged -")), "{after}");
}

#[test]
fn neither_the_work_tree_nor_the_index_is_touched_and_nothing_is_left_behind() {
    let mut world = of_each_cause();
    let temporary = tempfile::tempdir().unwrap();
    world.project.set("TMPDIR", &temporary.path().display().to_string());
    fs::write(world.project.path().join("untracked.yaml"), "customers: {}\n").unwrap();
    let seen = || {
        let status = git(world.project.path(), &["--no-optional-locks", "status", "--porcelain"]);
        (status, fs::read(world.project.path().join(".git/index")).unwrap())
    };
    let before = seen();
    world.run(&["plan", "--base", "main"]).exits(0);
    assert_eq!(seen(), before);
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
}

#[test]
fn an_interrupt_while_git_is_at_work_leaves_nothing_behind() {
    let world = world(FIRST);
    let temporary = tempfile::tempdir().unwrap();
    let programs = tempfile::tempdir().unwrap();
    let real = std::env::split_paths(&path()).map(|directory| directory.join("git")).find(|git| git.is_file()).unwrap();
    let reached = programs.path().join("reached");
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *checkout-index*) : > '{}'; exec sleep 600;; esac\nexec '{}' \"$@\"\n",
        reached.display(),
        real.display()
    );
    let program = programs.path().join("git");
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let settings = world.project.read("trueup.toml");
    let project = Project::empty().env("TMPDIR", &temporary.path().display().to_string());
    let project = project.env("PATH", &format!("{}:{}", programs.path().display(), path()));
    let project = project.file("trueup.toml", settings).file("resources.yaml", FIRST);
    repository(&project);
    let mut run = project.start(&["plan", "--base", "main"]);
    run.until("at work", |_| reached.exists());
    assert!(fs::read_dir(temporary.path()).unwrap().count() > 0, "it is at work there");
    run.signal(2);
    run.end().exits(130);
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
}

#[test]
fn a_project_below_the_root_has_the_files_of_the_other_revision_that_its_settings_name() {
    let mut world = World::new();
    world.project.set("PATH", &path());
    let settings = |files: &str| world.settings(files, "").replace("[limits]\n", "");
    let at = |path: &str| world.project.path().join(path);
    fs::remove_file(at("trueup.toml")).unwrap();
    let chosen = settings("files = [\"res/**/*.yml\", \"linked/*.yaml\", \"more.txt\"]");
    world.project.write("deploy/trueup.toml", chosen);
    world.project.write("deploy/res/a/one.yml", "customers:\n  one: { name: One }\n");
    world.project.write("deploy/res/ignored.yaml", "customers: [\n");
    world.project.write("deploy/more.txt", "customers:\n  two: { name: Two }\n");
    world.project.write("shared/three.yaml", "customers:\n  three: { name: Three }\n");
    symlink("../shared", at("deploy/linked")).unwrap();
    repository(&world.project);
    let plan = || causes(&world.run(&["-C", "deploy", "plan", "--base", "main", "--format", "json"]).exits(0).json());
    let drift = ["customers.one create drift", "customers.three create drift", "customers.two create drift"];
    assert_eq!(plan(), drift);
    // Without `files`: every YAML that is not git-ignored, be it tracked or not.
    world.project.write("deploy/trueup.toml", settings(""));
    world.project.write("deploy/res/ignored.yaml", "customers:\n  ignored: { name: I }\n");
    commit(world.project.path(), "all");
    world.project.write(".gitignore", "ignored.yaml\n");
    commit(world.project.path(), "ignore");
    assert_eq!(plan(), ["customers.one create drift", "customers.three create drift"]);
    fs::remove_file(at(".gitignore")).unwrap();
    let more = plan();
    assert_eq!(more[0], "customers.ignored create declared", "it is ignored there: {more:?}");
}

#[test]
fn environments_and_variables_are_those_of_this_run_in_every_revision() {
    let mut world = World::new();
    world.project.set("PATH", &path());
    let variables = "[variables.region]\ndefault = \"eu\"\n";
    world.project.write("trueup.toml", world.settings("", "") + variables);
    world.declare("customers:\n  acme: { name: 'Acme ${var.region}' }\n");
    repository(&world.project);
    apply(&world);
    let plan = |arguments: &[&str]| {
        let all = [&["plan", "--base", "main", "--format", "json"], arguments].concat();
        causes(&world.run(&all).exits(0).json())
    };
    assert_eq!(plan(&["--var", "region=us"]), ["customers.acme update drift"]);
    // An environment and a variable that only this branch has.
    let more = "[environments.staging.variables]\nregion = \"us\"\n[variables.new]\n";
    world.project.write("trueup.toml", world.settings("", "") + variables + more);
    assert_eq!(plan(&["-e", "staging", "--var", "new=x"]), ["customers.acme update declared"]);
    git(world.project.path(), &["commit", "-q", "-a", "-m", "staging"]);
    assert_eq!(plan(&["-e", "staging", "--var", "new=x"]), ["customers.acme update drift"]);
}

#[test]
fn secrets_of_any_revision_are_compared_and_told_nowhere() {
    const CANARY: [&str; 2] = ["canary-one-5d1f", "canary-two-8c2e"];
    let mut world = World::new();
    for (name, value) in [("PATH", path().as_str()), ("ONE", CANARY[0]), ("TWO", CANARY[1])] {
        world.project.set(name, value);
    }
    let variables =
        "[variables.one]\nenv = \"ONE\"\nsensitive = true\n[variables.two]\nenv = \"TWO\"\nsensitive = true\n";
    world.project.write("trueup.toml", world.settings("", "") + variables);
    let yaml = |which: &str| {
        format!(
            "user_provided_service_instances:\n  up: {{ space: sandbox/dev, credentials: {{ a: '${{var.{which}}}', b: '${{var.one}}' }} }}\n"
        )
    };
    world.declare(&yaml("one"));
    repository(&world.project);
    world.declare(&yaml("two"));
    for format in ["human", "json", "markdown", "html", "github", "sarif"] {
        let output = world.run(&["plan", "--base", "main", "-v", "--format", format]).exits(0);
        for canary in CANARY {
            assert!(!format!("{output}").contains(canary), "{output}");
        }
    }
    let plan = world.run(&["plan", "--base", "main", "--format", "json"]).exits(0).json();
    let changes = plan["actions"][0]["changes"].as_array().unwrap();
    let of = |path: &str| changes.iter().find(|change| change["path"] == path).unwrap()["cause"].clone();
    assert_eq!((of("credentials.a"), of("credentials.b")), (json!("declared"), json!("drift")), "{plan}");
}

#[test]
fn a_target_elsewhere_is_another_object() {
    let world = world(FIRST);
    let elsewhere = World::new();
    world.project.write("trueup.toml", elsewhere.settings("", "").replace("[limits]\n", ""));
    let plan = world.run(&["plan", "--base", "main", "--format", "json"]).exits(0).json();
    assert!(causes(&plan).iter().all(|line| line.ends_with("create declared")), "{plan}");
}

#[test]
fn what_cannot_be_asked_of_git_is_wrong_usage() {
    let world = world(FIRST);
    let mut told = String::new();
    let mut say = |what: &str, output: crate::support::Output| {
        told = format!("{told}# {what}\n{}\n", output.exits(64));
    };
    for revision in ["nowhere", "main..main", "", "HEAD:resources.yaml"] {
        say(&format!("`{revision}`"), world.run(&["plan", "--base", revision]));
    }
    say("an option", world.run(&["plan", "--base=--output=x"]));
    assert!(!world.project.path().join("x").exists());
    switch(&world, &["--orphan", "other"]);
    say("no commit yet", world.run(&["plan", "--base", "main"]));
    declare(&world, FIRST);
    say("nothing in common", world.run(&["plan", "--base", "main"]));

    let settings = world.project.read("trueup.toml");
    let bare = |path: &str| Project::empty().env("PATH", path).file("trueup.toml", &settings).file("a.yaml", FIRST);
    say("no git", bare("/nonexistent").run(&["plan", "--base", "main"]));
    let outside = bare(&path()).run(&["plan", "--base", "main"]);
    assert!(outside.stderr.contains("fatal: not a git repository"), "{outside}");
    outside.exits(64);
    let nowhere = world.run(&["-C", "nowhere", "plan", "--base", "main"]).exits(64);
    assert!(nowhere.stderr.contains("there is no directory"), "{nowhere}");

    let shallow = Project::empty().env("PATH", &path());
    let from = format!("file://{}", world.project.path().display());
    git(shallow.path(), &["clone", "-q", "--depth", "1", "--no-single-branch", &from, "clone"]);
    let say_of = |base: &str| shallow.run(&["-C", "clone", "plan", "--base", base]);
    say("shallow, nothing in common", say_of("origin/main"));
    say("shallow, unknown", say_of("HEAD~3"));
    let json = world.run(&["plan", "--base", "nowhere", "--format", "json"]).exits(64).json();
    assert_eq!(json["diagnostics"][0]["code"], "trueup::cli::usage");
    same_snapshot!("base_usage", told);
}

#[test]
fn of_a_revision_that_cannot_be_read_nothing_is_guessed() {
    let world = world("customers:\n  acme: { nmae: Acme }\n  acme2: { nmae: Acme }\n");
    switch(&world, &["-b", "feature"]);
    declare(&world, FIRST);
    let invalid = world.run(&["plan", "--base", "main"]).exits(0);
    same_snapshot!("base_invalid", invalid);

    // Only the tip is wrong: what is declared here is known, and no more.
    switch(&world, &["main"]);
    declare(&world, FIRST);
    switch(&world, &["-b", "good"]);
    declare(&world, &format!("{FIRST}  hooli: {{ name: Hooli }}\n"));
    switch(&world, &["main"]);
    declare(&world, "customers: [");
    switch(&world, &["good"]);
    let plan = world.run(&["plan", "--base", "main", "--format", "json"]).exits(0).json();
    let expected = [
        "customers.acme create -",
        "customers.globex create -",
        "customers.hooli create declared",
        "customers.initech create -",
    ];
    assert_eq!(causes(&plan), expected);
    assert_eq!(plan["diagnostics"][0]["code"], "trueup::plan::base_unreadable");

    // Unset there, and not declared any more here.
    switch(&world, &["main"]);
    let settings = world.project.read("trueup.toml");
    world.project.write("trueup.toml", format!("{settings}\n[variables.gone]\nenv = \"GONE\"\n"));
    declare(&world, FIRST);
    world.project.write("trueup.toml", &settings);
    let unset = world.run(&["plan", "--base", "main"]).exits(0);
    assert!(unset.stderr.contains("set GONE in the environment"), "{unset}");

    // Moved.
    world.project.write("trueup.toml", &settings);
    commit(world.project.path(), "sound");
    fs::create_dir(world.project.path().join("deploy")).unwrap();
    git(world.project.path(), &["mv", "trueup.toml", "resources.yaml", "deploy"]);
    let moved = world.run(&["-C", "deploy", "plan", "--base", "main"]).exits(0);
    assert!(moved.stderr.contains("it has no `deploy/trueup.toml`, but a"), "{moved}");
    // New.
    world.project.write("trueup.toml", &settings);
    let new = world.run(&["-C", "deploy", "plan", "--base", "main", "--format", "json"]).exits(0).json();
    assert!(causes(&new).iter().all(|line| line.ends_with(" declared")), "{new}");
    assert_eq!(new["diagnostics"], json!([]));
}

#[test]
fn files_of_a_submodule_are_another_repository_s() {
    let inner = Project::empty().file("inner.yaml", "customers:\n  inner: { name: Inner }\n");
    repository(&inner);
    let world = world(FIRST);
    let from = inner.path().display().to_string();
    git(world.project.path(), &["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &from, "vendor"]);
    commit(world.project.path(), "vendor");
    let plan = world.run(&["plan", "--base", "main"]).exits(0);
    assert!(plan.stderr.contains("in the submodule `vendor`, another repository"), "{plan}");
    // One without resource files is nobody's business.
    let chosen =
        world.project.read("trueup.toml").replace("[targets.kaiten]", "files = [\"resources.yaml\"]\n[targets.kaiten]");
    world.project.write("trueup.toml", chosen);
    let plan = world.run(&["plan", "--base", "main", "--format", "json"]).exits(0).json();
    assert!(causes(&plan).iter().all(|line| line.ends_with("create drift")), "{plan}");
}
