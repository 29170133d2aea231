//! Manual pages, for whoever packages trueup.

use crate::support::Project;

#[test]
fn the_manual_page_goes_to_stdout() {
    let nowhere = Project::empty();
    insta::assert_snapshot!(
        "trueup_1",
        nowhere.run(&["man"]).exits(0).stdout.replace(env!("CARGO_PKG_VERSION"), "VERSION")
    );
}

#[test]
fn a_page_for_each_command_is_written_into_a_directory_and_once_more_into_the_same() {
    let project = Project::empty();
    let told = project.run(&["man", "--dir", "share/man1"]).exits(0);
    assert_eq!(told.stdout, "");
    let pages = std::fs::read_dir(project.path().join("share/man1")).unwrap().count();
    assert_eq!(told.stderr, format!("Wrote {pages} pages to `share/man1`.\n"));
    assert_eq!(project.read("share/man1/trueup.1"), project.run(&["man"]).exits(0).stdout);
    insta::assert_snapshot!(
        "trueup_init_1",
        project.read("share/man1/trueup-init.1").replace(env!("CARGO_PKG_VERSION"), "VERSION")
    );
    project.run(&["man", "--dir", "share/man1"]).exits(0);
    // From elsewhere.
    project.run(&["man", "-C", "share", "--dir", "other"]).exits(0);
    assert_eq!(std::fs::read_dir(project.path().join("share/other")).unwrap().count(), pages);
}

#[test]
fn a_directory_that_cannot_be_written_to_is_a_failure() {
    let project = Project::empty().file("share", "a file");
    let told = project.run(&["man", "--dir", "share"]).exits(1);
    assert!(told.stderr.starts_with("cannot write `share/trueup.1`: "), "{told}");
}
