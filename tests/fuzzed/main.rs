//! The fuzz targets on any toolchain: each input that is kept, and so many bent versions of it, always the same ones.
//!
//! `TRUEUP_FUZZ_ROUNDS` says how many of each; `.ci/fuzz 60 TARGET` goes on from here.

#[path = "../chaos/chance.rs"]
#[expect(dead_code, reason = "other tests draw more")]
mod chance;
#[path = "../../fuzz/src/lib.rs"]
mod targets;

use std::path::{Path, PathBuf};

use chance::Chance;

/// How many bent versions of each input are tried unless the environment says otherwise.
const ROUNDS: u64 = 60;
/// Bytes with a meaning to one reader or another.
const TELLING: &[u8] = b"{}[]\"':,-#&*!|>%@`\\\n\t\r \0\xff\xc3\x280159eE.+${}<~";

fn inputs(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let entries = std::fs::read_dir(directory).expect("the corpus is kept");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("it can be read").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), std::fs::read(path).expect("it can be read"))).collect()
}

fn play(target: &str, run: fn(&[u8])) {
    let rounds = std::env::var("TRUEUP_FUZZ_ROUNDS").map_or(ROUNDS, |text| text.parse().expect("it is a number"));
    let inputs = inputs(target);
    assert!(!inputs.is_empty(), "the corpus of {target} is empty");
    for (path, input) in &inputs {
        run(input);
        for round in 0..rounds {
            let other = &inputs[usize::try_from(round).expect("small") % inputs.len()].1;
            let bent = bend(input, other, &mut Chance::new(round));
            let outcome = std::panic::catch_unwind(|| run(&bent));
            assert!(outcome.is_ok(), "{}, round {round}: {:?}", path.display(), String::from_utf8_lossy(&bent));
        }
    }
}

/// The input with a few things wrong.
fn bend(input: &[u8], other: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=chance.below(4) {
        let at = chance.below(bytes.len() + 1);
        let to = (at + chance.below(24)).min(bytes.len());
        match chance.below(6) {
            0 => drop(bytes.drain(at..to)),
            1 => bytes.insert(at, *chance.pick(TELLING)),
            2 if at < bytes.len() => bytes[at] = *chance.pick(TELLING),
            3 => {
                let again = bytes[at..to].to_vec();
                drop(bytes.splice(at..at, again));
            }
            4 => {
                let from = chance.below(other.len() + 1);
                drop(bytes.splice(at..to, other[from..(from + 40).min(other.len())].iter().copied()));
            }
            _ => bytes.truncate(at),
        }
    }
    bytes
}

#[test]
fn any_resource_file_is_read_or_refused_in_words() {
    play("resources", targets::resources);
}

#[test]
fn any_settings_are_read_or_refused_in_words() {
    play("settings", targets::settings);
}

#[test]
fn any_plan_file_is_read_or_refused_in_words() {
    play("plan", targets::plan);
}

#[test]
fn any_snapshot_is_read_or_refused_in_words() {
    play("snapshot", targets::snapshot);
}

#[test]
fn any_answer_of_kaiten_is_taken_or_refused() {
    play("kaiten", targets::kaiten);
}

#[test]
fn any_answer_of_cloud_foundry_is_taken_or_refused() {
    play("cloudfoundry", targets::cloudfoundry);
}
