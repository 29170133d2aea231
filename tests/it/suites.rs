//! All of this once more on a foundation that speaks v2 only, and on one that speaks v3 only: the same YAML, the same
//! plans, the same snapshots.

use std::process::Command;

/// These do not ask the foundation that differs, or name the API themselves: they are of the in-process sandbox, of files, of
/// Kaiten, or of signing in, which tries each API in its turn.
const ELSEWHERE: [&str; 14] = [
    "suites::",
    "bindings::",
    "conflicts::",
    "diagnostics_page::",
    "examples::",
    "export::",
    "grants::",
    "kaiten::",
    "kills::",
    "mistakes::",
    "reviews::",
    "sign_in::",
    "throttle::",
    "waits::",
];

/// Runs the tests of this binary again.
#[track_caller]
fn pass_with(api: &str) {
    if std::env::var_os("TRUEUP_TEST_API").is_some() {
        return;
    }
    let binary = std::env::current_exe().expect("the tests run from a file");
    let skip = ELSEWHERE.iter().flat_map(|name| ["--skip", name]);
    let run = Command::new(binary).args(skip).env("TRUEUP_TEST_API", api).output().expect("it starts again");
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "with {api} only:\n{said}\n{}", String::from_utf8_lossy(&run.stderr));
    assert!(said.contains("weather::cf_fails_after_it_did_it ... ok"), "the tests ran: {said}");
}

#[test]
fn the_suite_passes_where_only_v2_is_spoken() {
    pass_with("v2");
}

#[test]
fn the_suite_passes_where_only_v3_is_spoken() {
    pass_with("v3");
}
