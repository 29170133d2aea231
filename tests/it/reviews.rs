//! What reviewers and forges are given: `--format markdown`, `github`, `sarif` and `gitlab`.

use serde_json::Value;

use crate::same_snapshot;
use crate::support::{Project, Watched, World};

const YAML: &str = "\
customers:
  acme: { name: 'Acme @octocat <b>#12</b>' }
service_instances:
  cache: { space: sandbox/dev, plan: redis/small }
";

const BROKEN: &str = "customers:\n  acme: { nmae: '::error::x' }\n";

/// Every format, with the same outcome.
fn exits_alike(world: &World, command: &[&str], formats: &[&str], code: i32) {
    for format in formats {
        world.run(&[command, &["--format", format]].concat()).exits(code);
    }
}

const OF_PLAN: &[&str] = &["human", "json", "markdown", "html", "github", "sarif"];
const OF_VALIDATE: &[&str] = &["human", "json", "github", "sarif", "gitlab"];

#[test]
fn exit_statuses_are_the_same_for_every_format() {
    let world = World::declaring(YAML);
    exits_alike(&world, &["plan"], OF_PLAN, 0);
    exits_alike(&world, &["plan", "--detailed-exitcode"], OF_PLAN, 2);
    exits_alike(&world, &["validate"], OF_VALIDATE, 0);
    exits_alike(&world, &["plan", "--only", "customers.acem"], OF_PLAN, 64);
    world.declare(BROKEN);
    exits_alike(&world, &["plan"], OF_PLAN, 3);
    exits_alike(&world, &["validate"], OF_VALIDATE, 3);
    world.declare("service_instances:\n  cache: { space: sandbox/dev, plan: redis/smal }\n");
    exits_alike(&world, &["plan"], OF_PLAN, 1);
}

#[test]
fn a_plan_is_a_comment_of_at_most_so_many_bytes() {
    let world = World::declaring(YAML);
    same_snapshot!("markdown", world.run(&["plan", "--format", "markdown"]).exits(0));
    let many: String = (0..200).fold("customers:\n".to_owned(), |yaml, at| {
        format!("{yaml}  customer-{at}: {{ name: Customer {at}, domain: customer-{at}.example.com }}\n")
    });
    world.declare(&many);
    let comment = world.run(&["plan", "--format", "markdown", "--max-bytes", "5000"]).exits(0);
    assert!(comment.stdout.len() <= 5000, "{}", comment.stdout.len());
    assert!(comment.stdout.contains("**Left out, to fit: "), "{comment}");
    let digest = world.run(&["plan", "--format", "json"]).json()["digest"].as_str().unwrap().to_owned();
    assert!(comment.stdout.contains(&format!("Digest of the whole plan: `{digest}`")), "of what JSON shows in full");
}

#[test]
fn a_bound_on_bytes_is_refused_where_it_means_nothing() {
    let world = World::declaring(YAML);
    for format in ["human", "json", "html", "github", "sarif"] {
        let output = world.run(&["plan", "--format", format, "--max-bytes", "65000"]).exits(64);
        assert!(format!("{output}").contains("`--max-bytes` is about Markdown only"), "{output}");
    }
    for bad in ["1999", "-1", "many"] {
        world.run(&["plan", "--format", "markdown", "--max-bytes", bad]).exits(64);
    }
    world.run(&["plan", "--format", "markdown", "--max-bytes", "2000"]).exits(0);
    world.run(&["plan", "--format", "gitlab"]).exits(64);
    world.run(&["validate", "--format", "markdown"]).exits(64);
    world.run(&["apply", "--format", "markdown"]).exits(64);
}

#[test]
fn a_comment_is_found_again_also_when_there_is_no_plan() {
    let world = World::declaring(YAML);
    let first = |world: &World| {
        let output = world.run(&["plan", "--format", "markdown"]);
        output.stdout.lines().next().unwrap().to_owned()
    };
    let sound = first(&world);
    assert!(sound.starts_with("<!-- trueup plan "), "{sound}");
    world.declare(BROKEN);
    assert_eq!(first(&world), sound);
    let failed = world.run(&["plan", "--format", "markdown"]).exits(3);
    insta::assert_snapshot!("markdown_failed", failed);
}

#[test]
fn annotations_stand_at_their_place() {
    let world = World::declaring(YAML);
    same_snapshot!("github_plan", world.run(&["plan", "--format", "github"]).exits(0));
    world.declare(BROKEN);
    insta::assert_snapshot!("github_validate", world.run(&["validate", "--format", "github"]).exits(3));
    insta::assert_snapshot!("gitlab_validate", world.run(&["validate", "--format", "gitlab"]).exits(3));
    let sarif = world.run(&["validate", "--format", "sarif"]).exits(3).json();
    let location = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(location["artifactLocation"]["uri"], "resources.yaml");
    assert_eq!((&location["region"]["startLine"], &location["region"]["startColumn"]), (&2.into(), &11.into()));
}

#[test]
fn files_are_named_from_the_root_of_the_repository() {
    let toml = "[project]\nname = \"acme\"\n\n[targets.kaiten]\nprovider = \"kaiten\"\nurl = \"sandbox\"\n";
    let project = Project::empty().file("deploy/acme/trueup.toml", toml).file("deploy/acme/resources.yaml", BROKEN);
    let path = |arguments: &[&str]| {
        let output = project.run(&[arguments, &["validate", "--format", "gitlab"]].concat()).exits(3);
        output.json()[0]["location"]["path"].as_str().unwrap().to_owned()
    };
    // Without a repository: from the directory of the run.
    assert_eq!(path(&["-C", "deploy/acme"]), "deploy/acme/resources.yaml");
    project.write("deploy/.git", "gitdir: ../elsewhere\n");
    assert_eq!(path(&["-C", "deploy/acme"]), "acme/resources.yaml");
    project.write("deploy/acme/below/.keep", "");
    assert_eq!(path(&["-C", "deploy/acme/below"]), "acme/resources.yaml");
    let human = project.run(&["-C", "deploy/acme", "validate", "--format", "json"]).exits(3).json();
    assert_eq!(human["diagnostics"][0]["labels"][0]["file"], Value::from("resources.yaml"), "JSON is as it was");
}

/// Everything that a format might take for its own, as the name of something.
const EVIL: &str =
    "</script><img src=x onerror=alert(1)> @octocat #12 ```` --> ]]> %0A::error::x | $(id) \u{202e}\u{200b}\u{1b}[31m";

#[test]
fn what_files_and_remotes_say_is_text_in_every_format() {
    let declaring =
        |name: &str| format!("customers:\n  acme: {{ name: {} }}\n  globex: {{ name: Globex }}\n", Value::from(name));
    let world = World::declaring(&declaring(EVIL));
    world.run(&["apply", "--yes"]).exits(0);
    // Now the remote says it, and the file too.
    world.declare(&declaring(&format!("{EVIL} anew")));
    let unsafe_char = |char: char| char == '\u{202e}' || char == '\u{200b}' || (char.is_control() && char != '\n');
    for format in OF_PLAN {
        let written = world.run(&["plan", "--format", format]).exits(0);
        // Annotations name the fields that change, not their values.
        let shows_values = !["github", "sarif"].contains(format);
        assert_eq!(written.stdout.contains("onerror"), shows_values, "{format}: {written}");
        assert!(!written.stdout.contains(unsafe_char), "{format}: {written}");
        assert!(*format != "html" || !written.stdout.contains("<img"), "{written}");
    }
    same_snapshot!("evil_markdown", world.run(&["plan", "--format", "markdown"]).exits(0));
    let page = world.run(&["plan", "--format", "html"]).exits(0).stdout;
    let rows: Vec<&str> = page.lines().filter(|line| line.contains("onerror")).collect();
    insta::assert_snapshot!("evil_html", rows.join("\n"));
    // A sentence about it, in what marks places.
    world.declare(&format!("customers:\n  acme: {{ name: Acme, {}: 1 }}\n", Value::from(EVIL)));
    for format in OF_VALIDATE {
        let written = world.run(&["validate", "--format", format]).exits(3);
        assert!(!written.stdout.contains(unsafe_char) && !written.stderr.contains(unsafe_char), "{format}: {written}");
    }
    insta::assert_snapshot!("evil_github", world.run(&["validate", "--format", "github"]).exits(3).stdout);
    insta::assert_snapshot!("evil_gitlab", world.run(&["validate", "--format", "gitlab"]).exits(3).stdout);
}

#[test]
fn a_graph_shows_what_depends_on_what_and_where_asked_for_what_would_be_done() {
    let yaml =
        "customers:\n  acme: { name: Acme }\n  globex: { name: Globex, domain: '${customers.acme.slug}.example' }\n";
    let world = World::declaring(yaml);
    let offline = world.run(&["graph"]).exits(0);
    assert_eq!(offline.stdout, "graph LR\n  n0[\"customers.acme\"]\n  n1[\"customers.globex\"]\n  n0 --> n1\n");
    assert_eq!(world.kaiten().received("GET", "/api/customers").len(), 0, "it asks nobody");
    let online = world.run(&["graph", "--actions", "--format", "dot"]).exits(0);
    assert!(online.stdout.contains("[label=\"+ customers.acme\", fillcolor="), "{online}");
    assert!(online.stdout.contains("  n0 -> n1;\n"), "{online}");
    world.declare(BROKEN);
    for arguments in
        [&["graph"] as &[&str], &["graph", "--actions"], &["graph", "--format", "svg"], &["graph", "--format", "html"]]
    {
        let output = world.run(arguments).exits(3);
        assert!(output.stdout.is_empty() && output.stderr.contains("unknown field `nmae`"), "{output}");
    }
}

#[test]
fn a_graph_is_a_picture_and_a_page_that_names_files_as_the_repository_does() {
    let world = World::declaring(YAML);
    let picture = world.run(&["graph", "--format", "svg"]).exits(0);
    assert!(
        picture.stdout.starts_with("<svg xmlns=") && picture.stdout.contains("customers.acme</title>"),
        "{picture}"
    );
    let declared = world.run(&["graph", "--format", "html"]).exits(0);
    assert!(declared.stdout.contains("<p class=\"place\">resources.yaml:2</p>"), "{declared}");
    assert!(declared.stdout.contains("name=\"kind\"") && !declared.stdout.contains("name=\"action\""), "{declared}");
    assert_eq!(world.kaiten().received("GET", "/api/customers").len(), 0, "it asks nobody");
    let planned = world.run(&["graph", "--actions", "--format", "html"]).exits(0);
    assert!(planned.stdout.contains("+ create</span> will be created: "), "{planned}");
    world.declare("customers:\n  a: { name: '${customers.b.slug}' }\n  b: { name: '${customers.a.slug}' }\n");
    for format in ["svg", "html"] {
        let refused = world.run(&["graph", "--format", format]).exits(3);
        assert!(refused.stdout.is_empty() && refused.stderr.contains("trueup::config::cycle"), "{refused}");
    }
}
