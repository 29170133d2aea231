//! `trueup init` begins a project that can be used as it is, and touches nothing that is there without consent.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::examples::documents;
use crate::support::{Output, Project, package};

const NO_CHANGES: &str = "No changes. Everything is as declared.\n";
/// Nobody listens there.
const NOWHERE: &str = "http://127.0.0.1:9";

/// All files below a directory with what is in them, but for what the sandbox and the cf CLI remember.
fn all(directory: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in ignore::WalkBuilder::new(directory).standard_filters(false).build().map(Result::unwrap) {
        let name = entry.path().strip_prefix(directory).unwrap().display().to_string();
        if entry.file_type().unwrap().is_file() && !name.starts_with(".trueup/") && !name.starts_with("home/") {
            found.insert(name, fs::read_to_string(entry.path()).unwrap());
        }
    }
    found
}

/// What a person reads of a project's files.
fn written(project: &Project) -> String {
    let files = all(project.path()).into_iter().filter(|(name, _)| !name.starts_with("schemas/"));
    files.flat_map(|(name, text)| ["─── ".to_owned(), name, " ───\n".to_owned(), text]).collect()
}

/// The binary's output, where the project has the name of a directory that has another one each time.
fn told(output: &Output, project: &Project) -> String {
    let name = project.path().file_name().unwrap().to_string_lossy().into_owned();
    output.to_string().replace(&name, "[name]")
}

/// A project with this name for its directory, and the directory around it.
fn inside(name: &std::ffi::OsStr) -> (Project, std::path::PathBuf) {
    let project = Project::empty();
    let directory = project.path().join(name);
    fs::create_dir(&directory).unwrap();
    (project, directory)
}

/// Files fit the schemas that they name, which lie where they say.
#[track_caller]
fn fits(directory: &Path) {
    let read = |path: &str| fs::read_to_string(directory.join(path)).unwrap();
    for name in ["trueup.schema.json", "settings.schema.json"] {
        let committed = fs::read_to_string(package().join("schemas").join(name)).unwrap();
        assert!(read(&format!("schemas/{name}")) == committed, "{name}");
    }
    let (settings, example) = (read("trueup.toml"), read("resources/example.yaml"));
    let named = settings.lines().next().unwrap().strip_prefix("#:schema ./").expect("for taplo");
    let schema = jsonschema::validator_for(&serde_json::from_str(&read(named)).unwrap()).unwrap();
    let table = serde_json::to_value(settings.parse::<toml::Table>().unwrap()).unwrap();
    assert!(schema.is_valid(&table), "{settings}");
    let named =
        example.lines().next().unwrap().strip_prefix("# yaml-language-server: $schema=../").expect("for editors");
    let schema = jsonschema::validator_for(&serde_json::from_str(&read(named)).unwrap()).unwrap();
    for document in documents(&example).into_iter().chain(documents(&without_marks(&example))) {
        let problems: Vec<String> = schema.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(document.is_null() || problems.is_empty(), "{example}: {problems:?}");
    }
}

/// The example as somebody makes it who takes the comment marks away.
fn without_marks(example: &str) -> String {
    let (introduction, rest) = example.split_once("\n\n").expect("an introduction");
    let line = |line: &str| line.strip_prefix("# ").or(line.strip_prefix('#')).unwrap_or(line).to_owned() + "\n";
    format!("{introduction}\n\n{}", rest.lines().map(line).collect::<String>())
}

/// The commands that the output says come next.
fn next(output: &Output) -> Vec<String> {
    let (_, next) = output.stdout.split_once("\nNext, ").unwrap_or_else(|| panic!("{output}"));
    next.lines().filter_map(|line| line.strip_prefix("  ")).map(str::to_owned).collect()
}

#[test]
fn a_project_for_the_sandbox_can_be_applied_as_it_is() {
    let project = Project::empty();
    let begun = project.run(&["init", "--sandbox", "--name", "acme"]).exits(0);
    insta::assert_snapshot!("sandbox", begun);
    insta::assert_snapshot!("sandbox_files", written(&project));
    assert_eq!(next(&begun), ["trueup plan", "trueup apply"]);
    fits(project.path());
    assert_eq!(project.run(&["validate"]).exits(0).stderr, "");
    assert_eq!(project.run(&["plan", "--detailed-exitcode"]).exits(2).stderr, "");
    let applied = project.run(&["apply", "--yes"]).exits(0);
    assert!(applied.stdout.contains("\nApply complete: "), "{applied}");
    let again = project.run(&["plan", "--detailed-exitcode"]).exits(0);
    assert!(again.stdout.contains(NO_CHANGES), "{again}");
}

#[test]
fn without_flags_and_without_a_terminal_it_is_the_sandbox_and_says_so() {
    let project = Project::empty();
    let begun = project.run(&["init"]).exits(0);
    insta::assert_snapshot!("by_itself", told(&begun, &project));
    let settings = project.read("trueup.toml");
    assert_eq!(settings.matches("url = \"sandbox\"").count(), 2, "{settings}");
    assert_eq!(Project::empty().run(&["init", "-q"]).exits(0).to_string(), "exit 0\n─── stdout ───\n─── stderr ───\n");
}

#[test]
fn a_project_for_real_remotes_proposes_nothing() {
    let project = Project::empty();
    let urls = ["--kaiten", "https://kaiten.example.com/", "--cloudfoundry", "https://api.cf.example.com"];
    let begun = project.run(&[&["init", "--name", "acme"], &urls[..]].concat()).exits(0);
    insta::assert_snapshot!("real", begun);
    insta::assert_snapshot!("real_files", written(&project));
    fits(project.path());
    assert_eq!(project.run(&["validate"]).exits(0).stdout, "Valid, but no resource is declared.\n");
    // Nobody need be signed in to be told that nothing is declared.
    let plan = project.run(&["plan", "--detailed-exitcode"]).exits(0);
    assert!(plan.stdout.contains(NO_CHANGES), "{plan}");
}

/// What each answer to where a remote is comes to.
const PLACES: [Option<&str>; 3] = [None, Some("sandbox"), Some(NOWHERE)];
/// Names that would be something else in TOML, in a shell or on a terminal.
const NAMES: [&str; 9] = [
    "acme",
    "my \"proj",
    "it's '''",
    "日本 🚀",
    "--yes",
    "a\\nb\\",
    "# not = [a, comment]",
    "\u{202e}acme",
    "${var.x}",
];

#[test]
fn whatever_is_answered_the_files_are_valid_and_what_comes_next_works() {
    let mut names = NAMES.iter().cycle();
    for (kaiten, foundation) in PLACES.iter().flat_map(|one| PLACES.map(|other| (*one, other))) {
        for sourced in ["flags", "variables"] {
            let name = names.next().unwrap();
            let mut project = Project::empty();
            let mut arguments = vec!["init".to_owned()];
            let given = [("name", Some(*name)), ("kaiten", kaiten), ("cloudfoundry", foundation)];
            for (flag, value) in given.into_iter().filter_map(|(flag, value)| Some((flag, value?))) {
                match sourced {
                    "flags" => arguments.push(format!("--{flag}={value}")),
                    _ => project.set(&format!("TRUEUP_{}", flag.to_uppercase()), value),
                }
            }
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let begun = project.run(&arguments).exits(0);
            assert!(!begun.to_string().contains('\u{202e}'), "{begun}");
            let case = format!("{kaiten:?} {foundation:?} {name}");
            fits(project.path());
            let settings: toml::Table = project.read("trueup.toml").parse().unwrap();
            assert_eq!(settings["project"]["name"].as_str(), Some(*name), "{case}");
            let targets = settings["targets"].as_table().unwrap();
            let url = |target: &str| targets.get(target).map(|target| target["url"].as_str().unwrap());
            let expected =
                if (kaiten, foundation) == (None, None) { [Some("sandbox"); 2] } else { [kaiten, foundation] };
            assert_eq!([url("kaiten"), url("cf")], expected, "{case}");

            let valid = project.run(&["validate"]).exits(0);
            assert_eq!(valid.stderr, "", "{case}");
            let live = expected.contains(&Some("sandbox"));
            // Where nobody listens, nobody is asked.
            let plan = project.run(&["plan", "--detailed-exitcode"]).exits(if live { 2 } else { 0 });
            assert_eq!(plan.stderr, "", "{case}");
            if live {
                project.run(&["apply", "--yes"]).exits(0);
                let again = project.run(&["plan", "--detailed-exitcode"]).exits(0);
                assert!(again.stdout.contains(NO_CHANGES), "{case}: {again}");
            }
            let (before, again) = (all(project.path()), project.run(&arguments).exits(0));
            assert_eq!(again.stdout, "`trueup.toml` is as it would be written. Nothing was changed.\n");
            assert_eq!((again.stderr.as_str(), all(project.path())), ("", before), "{case}");

            project.write("resources/example.yaml", without_marks(&project.read("resources/example.yaml")));
            let valid = project.run(&["validate"]).exits(0);
            assert!(valid.stdout.starts_with("Valid: ") && valid.stderr.is_empty(), "{case}: {valid}");
            let settings = project.read("trueup.toml").replace("# auth = ", "auth = ");
            project.write("trueup.toml", &settings);
            project.run(&["validate"]).exits(0);
        }
    }
}

#[test]
fn a_project_has_the_name_of_its_directory_whatever_that_is() {
    let names = NAMES.iter().map(|name| name.as_bytes()).chain([&b"a\nb"[..], b"\xff\xfe", b" ", b"-C"]);
    for name in names {
        let name = std::ffi::OsStr::from_bytes(name);
        let (project, directory) = inside(name);
        let mut command = project.command(&["init"]);
        let begun = command.current_dir(&directory).output().unwrap();
        assert_eq!(begun.status.code(), Some(0), "{name:?}");
        fits(&directory);
        let settings: toml::Table = fs::read_to_string(directory.join("trueup.toml")).unwrap().parse().unwrap();
        let shown = name.to_string_lossy();
        let usable = !shown.trim().is_empty() && !shown.contains('\n');
        let expected = if usable { &*shown } else { "project" };
        assert_eq!(settings["project"]["name"].as_str(), Some(expected));

        // From outside, with commands that can be pasted.
        let (project, directory) = inside(name);
        let Some(text) = directory.file_name().unwrap().to_str() else { continue };
        let begun = project.run(&["init", &format!("--chdir={text}")]).exits(0);
        if text.contains(['\n', '\u{202e}']) {
            continue;
        }
        let commands = next(&begun);
        let binary = Path::new(env!("CARGO_BIN_EXE_trueup")).parent().unwrap();
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &commands[0]]).current_dir(project.path()).env("PATH", binary);
        let planned = shell.output().unwrap();
        let planned = String::from_utf8_lossy(&planned.stdout).into_owned();
        assert!(planned.contains("To carry this out, run"), "{commands:?}: {planned}");
    }
}

/// A cf CLI's session at this API.
fn session(project: Project, api: &str) -> Project {
    let file = json!({ "ConfigVersion": 4, "Target": api, "AccessToken": "bearer canary", "RefreshToken": "canary" });
    let home = project.path().join("home").display().to_string();
    project.file("home/.cf/config.json", file.to_string()).env("CF_HOME", &home)
}

#[test]
fn a_session_of_the_cf_cli_and_kaiten_s_variables_are_found() {
    let project = session(Project::empty(), "https://api.cf.example.com")
        .env("KAITEN_BASE_URL", "https://kaiten.example.com")
        .env("KAITEN_AUTH_TOKEN", "canary");
    let begun = project.run(&["init", "--name", "acme"]).exits(0);
    insta::assert_snapshot!("found", begun);
    let settings = project.read("trueup.toml");
    assert!(settings.contains("url = \"https://kaiten.example.com\""), "{settings}");
    assert!(settings.contains("url = \"https://api.cf.example.com\""), "{settings}");
    assert!(!format!("{begun}{}", written(&project)).contains("canary"), "{settings}");
    project.run(&["validate"]).exits(0);

    // A flag is all that is meant.
    let project =
        session(Project::empty(), "https://api.cf.example.com").env("KAITEN_BASE_URL", "https://kaiten.example.com");
    project.run(&["init", "--cloudfoundry", "cf-cli"]).exits(0);
    let settings = project.read("trueup.toml");
    assert!(
        settings.contains("url = \"https://api.cf.example.com\"") && !settings.contains("kaiten.example.com"),
        "{settings}"
    );
}

#[test]
fn what_is_found_and_of_no_use_is_told_without_its_value() {
    let project = session(Project::empty(), "http://api.cf.example.com")
        .env("KAITEN_BASE_URL", "https://me:canary@kaiten.example.com")
        .env("KAITEN_AUTH_TOKEN", "canary");
    let begun = project.run(&["init", "--name", "acme"]).exits(0);
    assert!(!begun.to_string().contains("canary"), "{begun}");
    insta::assert_snapshot!("found_and_of_no_use", begun);
    assert!(!written(&project).contains("example.com/"), "{}", written(&project));
}

#[test]
fn what_cannot_be_meant_is_refused_and_nothing_is_written() {
    let project = session(Project::empty(), "http://api.cf.example.com");
    let nobody = Project::empty().env("HOME", "/nowhere");
    let refused = [
        &["init", "--kaiten", "kaiten.example.com/api"][..],
        &["init", "--kaiten", "localhost:6000"],
        &["init", "--kaiten", "sandbx"],
        &["init", "--kaiten", "https://me:canary@kaiten.example.com"],
        &["init", "--cloudfoundry", "http://api.cf.example.com"],
        &["init", "--cloudfoundry", "cf-cli"],
        &["init", "--name", ""],
        &["init", "--name", "a\nb"],
        &["init", "--sandbox", "--kaiten", "sandbox"],
        &["init", "-C", "nowhere"],
        &["init", "--sandbx"],
        &["init", "acme"],
    ];
    let before = all(project.path());
    let mut said = String::new();
    for arguments in refused {
        let output = project.run(arguments).exits(64);
        assert!(!output.to_string().contains("canary"), "{output}");
        let _ = writeln!(said, "$ trueup {}\n{}", arguments.join(" "), output.stderr);
    }
    let output = nobody.run(&["init", "--cloudfoundry", "cf-cli"]).exits(64);
    let _ = write!(said, "$ trueup init --cloudfoundry cf-cli\n{}", output.stderr);
    insta::assert_snapshot!("refused", said);
    assert_eq!(all(project.path()), before);
}

#[test]
fn nothing_that_is_there_is_touched_without_consent() {
    let whole = Project::empty();
    let init = ["init", "--sandbox", "--name", "acme"];
    whole.run(&init).exits(0);
    let files: Vec<String> = all(whole.path()).into_keys().filter(|name| name != ".gitignore").collect();
    assert_eq!(files.len(), 4);
    for name in &files {
        let project = Project::empty().file(name, "# mine\n");
        let refused = project.run(&init).exits(64);
        let words = refused.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("and nothing was written") && words.contains("give `--overwrite` to"), "{refused}");
        assert_eq!(all(project.path()), BTreeMap::from([(name.clone(), "# mine\n".to_owned())]), "{name}");
        project.run(&[&init[..], &["--overwrite"]].concat()).exits(0);
        assert_eq!(all(project.path()), all(whole.path()), "{name}");
    }
    // What is there as it would be is in nobody's way.
    let project = Project::empty().file("resources/example.yaml", whole.read("resources/example.yaml"));
    let begun = project.run(&init).exits(0);
    assert!(!begun.stdout.contains("example.yaml"), "{begun}");
    assert_eq!(all(project.path()), all(whole.path()));

    let project = Project::empty().file("resources/example.yaml", "mine").file("schemas/trueup.schema.json", "mine");
    insta::assert_snapshot!("there", project.run(&init).exits(64));
    let project = Project::empty().file("infra/trueup.toml", "mine");
    insta::assert_snapshot!("project_already", project.run(&["init", "-C", "infra"]).exits(64));
    // A link to nothing is somebody's too.
    let project = Project::empty();
    std::os::unix::fs::symlink("elsewhere", project.path().join("trueup.toml")).unwrap();
    project.run(&init).exits(64);
    assert!(project.path().join("trueup.toml").is_symlink());
}

#[test]
fn what_cannot_be_written_is_told_and_can_be_done_again() {
    let project = Project::empty().file("schemas", "a file, where a directory would be needed");
    let failed = project.run(&["init", "--sandbox"]).exits(1);
    assert!(failed.stderr.starts_with("cannot write `./schemas/"), "{failed}");
    assert!(failed.stderr.ends_with("; nothing was written\n"), "{failed}");
    assert_eq!(all(project.path()).len(), 1);
    fs::remove_file(project.path().join("schemas")).unwrap();
    project.run(&["init", "--sandbox"]).exits(0);
}

#[test]
fn git_ignores_what_runs_leave_behind_and_no_rule_is_doubled() {
    let ignored = |before: Option<&str>| {
        let mut project = Project::empty();
        if let Some(before) = before {
            project = project.file(".gitignore", before);
        }
        project.run(&["init", "--sandbox"]).exits(0);
        all(project.path()).remove(".gitignore")
    };
    let both = ".trueup/\nplan.json\n";
    assert_eq!(ignored(None).as_deref(), Some(both));
    assert_eq!(ignored(Some("")).as_deref(), Some(both));
    assert_eq!(ignored(Some("/target\n")), Some(format!("/target\n{both}")));
    assert_eq!(ignored(Some("/target")), Some(format!("/target\n{both}")));
    for (before, more) in [
        (".trueup\n", "plan.json\n"),
        ("/.trueup/\r\n*.json\r\n", ""),
        (".tr*\n!.trueup\nplan.json\n", ".trueup/\n"),
        ("# .trueup/\n", both),
    ] {
        assert_eq!(ignored(Some(before)), Some(format!("{before}{more}")));
    }
}

#[test]
fn what_a_repository_ignores_everywhere_is_ignored_in_its_projects() {
    let project = Project::empty().file(".gitignore", ".trueup/\nplan.json\n").file("infra/x", "");
    fs::create_dir(project.path().join(".git")).unwrap();
    let begun = project.run(&["init", "-C", "infra", "--sandbox"]).exits(0);
    assert!(!begun.stdout.contains(".gitignore"), "{begun}");
    assert!(!project.path().join("infra/.gitignore").exists());
    // What is above the repository is nothing to git.
    fs::create_dir_all(project.path().join("other/.git")).unwrap();
    project.run(&["init", "-C", "other", "--sandbox"]).exits(0);
    assert_eq!(project.read("other/.gitignore"), ".trueup/\nplan.json\n");
}

#[test]
fn a_project_inside_of_another_is_told_what_that_means() {
    let project = Project::empty();
    project.run(&["init", "--sandbox", "--name", "outer"]).exits(0);
    fs::create_dir_all(project.path().join("teams/resources")).unwrap();
    let begun = project.run(&["init", "-C", "teams", "--sandbox", "--name", "inner"]).exits(0);
    insta::assert_snapshot!("inside", begun);
    assert!(project.run(&["-C", "teams", "plan"]).exits(0).stdout.starts_with("inner\n"));
    // This one's files are read by the outer project.
    fs::create_dir_all(project.path().join("resources/team")).unwrap();
    let begun = project.run(&["init", "-C", "resources/team", "--sandbox", "--name", "inner"]).exits(0);
    assert!(begun.stderr.contains("But the other reads"), "{begun}");
    project.run(&["validate"]).exits(3);
}

#[test]
fn somebody_at_a_terminal_can_take_what_is_found_by_pressing_enter() {
    let project = Project::empty();
    let asked = project
        .at_terminal(&["init"])
        .answer("Name of the project", "\n")
        .answer("Where is Kaiten", "\n")
        .answer("Where is Cloud Foundry", "\n")
        .end()
        .exits(0);
    insta::assert_snapshot!("asked", told(&asked, &project));
    assert_eq!(project.read("trueup.toml").matches("url = \"sandbox\"").count(), 2);

    let project = session(Project::empty(), "https://api.cf.example.com").env("KAITEN_AUTH_TOKEN", "canary");
    let asked = project
        .at_terminal(&["init", "--name", "acme"])
        .answer("Where is Kaiten: a URL, `sandbox` or `none` [none]: ", "\n")
        .answer(
            "Where is Cloud Foundry: a URL, `sandbox` or `none` [https://api.cf.example.com, as the cf CLI has it]: ",
            "\n",
        )
        .end()
        .exits(0);
    assert!(!asked.stdout.contains("Name of"), "what a flag says is not asked: {asked}");
    let settings = project.read("trueup.toml");
    assert!(
        settings.contains("url = \"https://api.cf.example.com\"") && !settings.contains("[targets.kaiten]"),
        "{settings}"
    );
}

#[test]
fn an_answer_that_is_of_no_use_is_asked_for_again() {
    let project = Project::empty();
    let asked = project
        .at_terminal(&["init"])
        .answer("Name of the project", "\u{1b}[2J\n")
        .answer("Name of the project", "acme \"one\"\n")
        .answer("Where is Kaiten", "kaiten.example.com\n")
        .answer("Where is Kaiten", "none\n")
        .answer("Where is Cloud Foundry", "none\n")
        .answer("Where is Kaiten", "https://kaiten.example.com\n")
        .answer("Where is Cloud Foundry", "none\n")
        .end()
        .exits(0);
    insta::assert_snapshot!("asked_again", told(&asked, &project));
    let settings: toml::Table = project.read("trueup.toml").parse().unwrap();
    assert_eq!(settings["project"]["name"].as_str(), Some("acme \"one\""));
    assert_eq!(settings["targets"].as_table().unwrap().len(), 1);
}

#[test]
fn nobody_is_asked_who_wants_no_questions_or_has_said_it_all() {
    for arguments in [&["init", "--yes"][..], &["init", "--sandbox", "--name", "acme"]] {
        let project = Project::empty();
        let begun = project.at_terminal(arguments).end().exits(0);
        assert!(!begun.stdout.contains('?') && !begun.stdout.contains("Name of"), "{begun}");
        assert!(project.path().join("trueup.toml").is_file());
    }
}

#[test]
fn files_that_are_there_are_replaced_if_somebody_says_yes() {
    let mine = || Project::empty().file("resources/example.yaml", "# mine\n");
    let project = mine();
    let init = ["init", "--sandbox", "--name", "acme"];
    let kept = project.at_terminal(&init).answer("Replace it? Only `yes` is accepted: ", "y\n").end().exits(1);
    insta::assert_snapshot!("kept", kept);
    assert_eq!(all(project.path()).len(), 1);
    assert_eq!(project.read("resources/example.yaml"), "# mine\n");

    project.at_terminal(&init).answer("Replace it? Only `yes` is accepted: ", "yes\n").end().exits(0);
    assert!(project.read("resources/example.yaml").contains("customers:"));
    // Now it is a project, and nobody is asked anything.
    let again = project.at_terminal(&["init"]).end().exits(64);
    assert!(again.stdout.contains("`trueup.toml` is there already"), "{again}");
}

#[test]
fn whoever_leaves_a_question_has_written_nothing() {
    let project = Project::empty();
    let left = project.at_terminal(&["init"]).answer("Name of the project", "\u{4}").end().exits(1);
    insta::assert_snapshot!("left", told(&left, &project));
    let left = project.at_terminal(&["init"]).signal("Name of the project", 2).end().exits(130);
    assert!(left.stdout.ends_with("\ninterrupted; nothing was written\n"), "{left}");
    project.at_terminal(&["init"]).signal("Name of the project", 15).end().exits(143);
    assert!(all(project.path()).is_empty());
}

#[test]
fn an_apply_at_a_terminal_is_carried_out_after_yes_alone() {
    let project = Project::empty();
    project.run(&["init", "--sandbox"]).exits(0);
    for answer in ["y\n", "\n", "YES\n", "\u{4}"] {
        let declined = project.at_terminal(&["apply"]).answer("Only `yes` is accepted: ", answer).end().exits(1);
        assert!(declined.stdout.contains("not applied: the answer was not `yes`"), "{declined}");
    }
    project.at_terminal(&["apply"]).signal("Only `yes` is accepted: ", 2).end().exits(130);
    project.run(&["plan", "--detailed-exitcode"]).exits(2);
    let applied = project.at_terminal(&["apply"]).answer("Only `yes` is accepted: ", "yes\n").end().exits(0);
    assert!(applied.stdout.contains("Apply complete"), "{applied}");
}

#[test]
fn who_begins_is_told_how() {
    let mut said = String::new();
    let project = Project::empty()
        .file("empty/trueup.toml", "[project]\nname = \"acme\"\nfiles = [\"resources/**/*.yaml\"]\n")
        .file("none/trueup.toml", "[project]\nname = \"acme\"\n");
    for (arguments, code) in [
        (&[][..], 64),
        (&["plna"], 64),
        (&["int"], 64),
        (&["intialise"], 64),
        (&["plan"], 3),
        (&["-C", "empty", "plan"], 3),
        (&["-C", "none", "plan"], 0),
    ] {
        let output = project.run(arguments).exits(code);
        let line = |line: &str| !["  tip: ", "error"].iter().any(|begin| line.starts_with(begin));
        assert_eq!(output.stderr.lines().all(line), code == 0 || arguments.is_empty(), "{output}");
        let _ = writeln!(said, "$ trueup {}\n{output}", arguments.join(" "));
    }
    insta::assert_snapshot!("first_minutes", said);
    let refused = project.run(&["plna", "--format", "json"]).exits(64).json();
    assert_eq!(refused["diagnostics"][0]["help"], "did you mean `plan`?");
}
