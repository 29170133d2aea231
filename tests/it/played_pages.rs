//! Pages of documentation that are played as somebody would who follows them, from an empty directory on: each block of a
//! page in its order.
//!
//! A block whose info names a file (`yaml resources/acme.yaml`) is that file; `diff FILE` changes it. Of a `console` block,
//! lines that begin with `$ ` are run, and all others are what they print; a line `…` stands for lines left out. Other
//! blocks are not played. `trueup.toml` is played with the sandbox in the place of its remotes. `TRUEUP_BLESS=1` writes what
//! is printed anew in blocks that leave nothing out.

use std::fmt::Write as _;
use std::path::Path;

use crate::examples::fits;
use crate::pages::{self, Block};
use crate::support::Project;

/// What is not the same in two runs, beside times: ids, which YAML has in quotes where they look like a number, and digests.
const ID: &str = r#""?\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"?"#;
const DIGEST: &str = r"sha256:[0-9a-f]{64}";

/// Whoever plays makes commits, and one thing after the other, so that what is told of it has one order.
const ENVIRONMENT: &[(&str, &str)] = &[
    ("TRUEUP_PARALLELISM", "1"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_AUTHOR_NAME", "trueup"),
    ("GIT_AUTHOR_EMAIL", "trueup@example.com"),
    ("GIT_COMMITTER_NAME", "trueup"),
    ("GIT_COMMITTER_EMAIL", "trueup@example.com"),
];

/// Settings with the sandbox in the place of the remotes, which needs no sign-in.
fn on_the_sandbox(settings: &str) -> String {
    let signs_in = |line: &&str| ["token", "auth"].iter().any(|key| line.starts_with(key));
    let local =
        |line: &str| if line.starts_with("url") { "url = \"sandbox\"\n".to_owned() } else { format!("{line}\n") };
    settings.lines().filter(|line| !signs_in(line)).map(local).collect()
}

/// Changes a file as a diff says: its lines are there once.
#[track_caller]
fn change(project: &Project, path: &str, diff: &str) {
    let side = |without: char| -> String {
        let kept = diff.lines().filter(|line| !line.starts_with(without));
        kept.flat_map(|line| [line.get(1..).unwrap_or_default(), "\n"]).collect()
    };
    let (before, after) = (side('+'), side('-'));
    let text = project.read(path);
    assert_eq!(text.matches(&before).count(), 1, "{path} is changed where it says\n{before}and is\n{text}");
    project.write(path, text.replacen(&before, &after, 1));
}

/// What a console block comes out as.
fn console(block: &Block, directory: &Path) -> String {
    let mut out = String::new();
    for command in block.text.lines().filter_map(|line| line.strip_prefix("$ ")) {
        writeln!(out, "$ {command}").unwrap();
        let printed = pages::shell(command, directory, ENVIRONMENT);
        let printed = printed.trim_end();
        if !printed.is_empty() {
            writeln!(out, "{printed}").unwrap();
        }
    }
    out
}

/// Plays a page at remotes at which this exists already.
#[track_caller]
fn play(path: &str, exists: &str) {
    let page = pages::page(path);
    let project = Project::empty();
    let (mut wrong, mut printed) = (String::new(), Vec::new());
    for block in pages::blocks(&page) {
        match block.info.split_once(' ') {
            None if block.info == "console" => {
                let is = console(&block, project.path());
                if !pages::same(&block.text, &is, &[pages::TIME, ID, DIGEST]) {
                    if !pages::bless() || block.text.lines().any(|line| line == "…") {
                        writeln!(wrong, "── {path}:{} says ──\n{}── is ──\n{is}", block.first, block.text).unwrap();
                    }
                    printed.push((block, is));
                }
            }
            None => {}
            Some(("diff", file)) => change(&project, file, &block.text),
            Some((_, "trueup.toml")) => {
                project.write("trueup.toml", on_the_sandbox(&block.text));
                if !exists.is_empty() {
                    project.write("resources/scene.yaml", exists);
                    project.run(&["apply", "--yes"]).exits(0);
                    std::fs::remove_file(project.path().join("resources/scene.yaml")).expect("it is there");
                }
            }
            Some((_, file)) => project.write(file, &block.text),
        }
    }
    if pages::bless() {
        let mut lines: Vec<&str> = page.lines().collect();
        // From the end, so that the line numbers before stay right.
        for (block, is) in printed.iter().rev().filter(|(block, _)| !block.text.lines().any(|line| line == "…")) {
            lines.splice(block.first..block.first + block.text.lines().count(), is.lines());
        }
        pages::write(path, &(lines.join("\n") + "\n"));
    }
    assert!(wrong.is_empty(), "{wrong}TRUEUP_BLESS=1 writes them anew");
}

const FOUNDATION: &str = "\
organizations: { acme: {} }
spaces: { production: { organization: acme }, staging: { organization: acme } }
";

const SERVICES: &str = "\
service_instances: { acme-db: { space: acme/production, plan: postgres/small, tags: [acme] } }
service_keys: { reporting: { service_instance: acme-db } }
";

#[test]
fn the_tutorial_prints_what_it_says() {
    play("docs/tutorial.md", "");
}

#[test]
fn every_block_of_the_tutorial_is_played() {
    for block in pages::blocks(&pages::page("docs/tutorial.md")) {
        assert!(
            block.info == "console" || block.info.contains(' '),
            "docs/tutorial.md:{}: {}",
            block.first,
            block.info
        );
    }
}

#[test]
fn the_readme_prints_what_it_says() {
    play("README.md", "");
}

#[test]
fn the_migration_from_terraform_prints_what_it_says() {
    play("docs/migrating-from-terraform.md", &format!("{FOUNDATION}{SERVICES}"));
}

#[test]
fn the_migration_from_cf_mgmt_prints_what_it_says() {
    play("docs/migrating-from-cf-mgmt.md", FOUNDATION);
}

/// Pages with resource files of trueup in them. Those of other programs are named `.yml` on them.
const PAGES: &[&str] = &[
    "README.md",
    "docs/tutorial.md",
    "docs/language.md",
    "docs/migrating-from-terraform.md",
    "docs/migrating-from-cf-mgmt.md",
];

/// For pages that have no `trueup.toml`.
const SETTINGS: &str = "\
[project]
name = \"acme\"
[targets.kaiten]
provider = \"kaiten\"
url = \"sandbox\"
[targets.cf]
provider = \"cloudfoundry\"
url = \"sandbox\"
[variables.region]
default = \"eu-west-1\"
[variables.db_password]
env = \"DB_PASSWORD\"
sensitive = true
";

#[test]
fn every_resource_file_of_a_page_validates() {
    let schema = jsonschema::validator_for(&trueup::schema::resources(&trueup::providers::registry())).unwrap();
    for path in PAGES {
        let blocks = pages::blocks(&pages::page(path));
        let own = blocks.iter().find(|block| block.info == "toml trueup.toml");
        let settings = own.map_or(SETTINGS, |block| &block.text);
        for block in &blocks {
            let place = format!("{path}:{}", block.first);
            // What has a name is played.
            if block.info != "yaml" {
                continue;
            }
            let project = Project::empty().file("a.yaml", &block.text);
            fits(&schema, &place, &block.text);
            let valid = project.file("trueup.toml", settings).env("DB_PASSWORD", "s3cret").run(&["validate"]);
            assert_eq!((valid.code, valid.stderr.as_str()), (0, ""), "{place}: {valid}");
        }
    }
}

#[test]
fn every_trueup_toml_of_a_page_loads() {
    let schema = jsonschema::validator_for(&trueup::schema::settings()).unwrap();
    let environment = regex_lite::Regex::new("env = \"([A-Z_]+)\"").unwrap();
    for path in PAGES.iter().chain(&["docs/adoption.md"]) {
        for block in pages::blocks(&pages::page(path)) {
            if block.info.split(' ').next() != Some("toml") {
                continue;
            }
            let place = format!("{path}:{}", block.first);
            // A part of one goes on after the project's name.
            let is_part = !block.text.contains("[project]");
            let settings =
                if is_part { format!("[project]\nname = \"acme\"\n{}", block.text) } else { block.text.clone() };
            let table: toml::Table = settings.parse().unwrap_or_else(|error| panic!("{place}: {error}"));
            let problems: Vec<String> =
                schema.iter_errors(&serde_json::to_value(table).unwrap()).map(|error| error.to_string()).collect();
            assert!(problems.is_empty(), "{place}: {problems:?}");
            let mut project =
                Project::empty().file("trueup.toml", &settings).file("resources/a.yaml", "customers: {}\n");
            for captured in environment.captures_iter(&settings) {
                project.set(&captured[1], "s3cret");
            }
            let valid = project.run(&["validate"]);
            assert_eq!((valid.code, valid.stderr.as_str()), (0, ""), "{place}: {valid}");
        }
    }
}

#[test]
fn links_between_pages_lead_somewhere() {
    let link = regex_lite::Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let mut lost = Vec::new();
    let root = crate::support::package();
    for path in crate::support::files_below(&root.join("docs"), "md").into_iter().chain([root.join("README.md")]) {
        let text = std::fs::read_to_string(&path).unwrap();
        for captured in link.captures_iter(&text) {
            let target = &captured[1];
            if target.contains("://") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            let found = if anchor.is_empty() {
                file.exists()
            } else {
                let page = std::fs::read_to_string(&file).unwrap_or_default();
                pages::headings(&page).iter().any(|heading| pages::anchor(&heading.1) == anchor)
            };
            if !found {
                lost.push(format!("{}: {target}", path.display()));
            }
        }
    }
    assert!(lost.is_empty(), "{lost:#?}");
}
