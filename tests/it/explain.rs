//! `trueup explain` asks nobody and needs no project.

use crate::support::Project;

#[test]
fn a_subject_is_explained_on_stdout_without_a_project() {
    let nowhere = Project::empty();
    for (arguments, first) in [
        (&["explain"][..], "trueup explain"),
        (&["explain", "instances"], "instances"),
        (&["explain", "instances.deployment_zone"], "instances.deployment_zone"),
        (&["explain", "lifecycle.was"], "lifecycle.was"),
        (&["explain", "protected"], "trueup::plan::protected"),
    ] {
        let output = nowhere.run(arguments).exits(0);
        assert!(output.stdout.starts_with(first), "{output}");
        assert!(!output.stdout.contains('\u{1b}'), "{output}");
        assert_eq!(output.stderr, "");
    }
}

#[test]
fn lines_are_as_wide_as_the_terminal() {
    let narrow = Project::empty().env("COLUMNS", "50").run(&["explain", "instances"]).exits(0);
    let widest = |text: &str| text.lines().map(|line| line.chars().count()).max();
    assert!(widest(&narrow.stdout) <= Some(50), "{narrow}");
    let wide = Project::empty().env("COLUMNS", "120").run(&["explain", "instances"]).exits(0);
    assert!(widest(&wide.stdout) > Some(80), "{wide}");
}

#[test]
fn what_is_not_known_is_wrong_usage_with_what_may_be_meant() {
    let output = Project::empty().run(&["explain", "instances.licence"]);
    assert_eq!((output.code, output.stdout.as_str()), (64, ""), "{output}");
    insta::assert_snapshot!(output);
}
