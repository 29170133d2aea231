//! What tests make of the pages of documentation: their blocks, and what their commands print.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use regex_lite::Regex;
use trueup::emulator::{cloudfoundry, kaiten};

use crate::support::package;

/// A fenced block.
#[derive(Debug)]
pub struct Block {
    /// What stands behind the fence: a language, and what else.
    pub info: String,
    /// The index of its first line in the page.
    pub first: usize,
    /// Its lines.
    pub text: String,
}

/// The text of a page.
pub fn page(path: &str) -> String {
    fs::read_to_string(package().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Writes a page anew.
pub fn write(path: &str, text: &str) {
    fs::write(package().join(path), text).expect("the page can be written");
}

/// Whether pages are to be written anew where they are out of date.
pub fn bless() -> bool {
    std::env::var_os("TRUEUP_BLESS").is_some_and(|value| value == "1")
}

/// The blocks of a page.
pub fn blocks(page: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let info = line.trim_start_matches('`');
        let fence = &line[..line.len() - info.len()];
        if fence.len() < 3 {
            continue;
        }
        let inside: Vec<&str> = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != fence).collect();
        let text = inside.iter().flat_map(|line| [*line, "\n"]).collect();
        found.push(Block { info: info.to_owned(), first: at + 1, text });
    }
    found
}

/// The headings of a page, each with its level.
pub fn headings(page: &str) -> Vec<(usize, String)> {
    let blocks = blocks(page);
    let is_code =
        |at: usize| blocks.iter().any(|block| (block.first..block.first + block.text.lines().count()).contains(&at));
    let lines = page.lines().enumerate().filter(|(at, _)| !is_code(*at));
    lines
        .filter_map(|(_, line)| {
            let text = line.trim_start_matches('#');
            let level = line.len() - text.len();
            (level > 0).then(|| text.strip_prefix(' ').map(|text| (level, text.to_owned()))).flatten()
        })
        .collect()
}

/// The anchor of a heading, as GitHub makes it.
pub fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().replace(' ', "-");
    kept.chars().filter(|char| char.is_alphanumeric() || matches!(char, '-' | '_')).collect()
}

/// Runs a command line as a shell would, 80 columns wide, both streams as one.
pub fn shell(command: &str, directory: &Path, environment: &[(&str, &str)]) -> String {
    let binaries = Path::new(env!("CARGO_BIN_EXE_trueup")).parent().expect("a file is in a directory");
    let output = tempfile::NamedTempFile::new().expect("a temporary file");
    let stream = || fs::OpenOptions::new().append(true).open(output.path()).expect("it is there");
    let mut words = Command::new("/bin/sh");
    let status = words
        .args(["-c", command])
        .current_dir(directory)
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", binaries.display()))
        .env("COLUMNS", "80")
        .env("LC_ALL", "C.UTF-8")
        .env("KAITEN_AUTH_TOKEN", kaiten::SANDBOX_TOKEN)
        .env("CF_PASSWORD", cloudfoundry::DEFAULT_USER.1)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(stream())
        .stderr(stream())
        .status();
    status.expect("there is a shell");
    fs::read_to_string(output.path()).expect("output is UTF-8")
}

/// How long something took.
pub const TIME: &str = r"\b\d+(\.\d+)? s\b";

/// Whether this was printed, with anything in place of `…` lines and of what varies.
pub fn same(said: &str, printed: &str, varies: &[&str]) -> bool {
    let fixed = |text: &str| {
        varies.iter().fold(text.to_owned(), |text, pattern| {
            Regex::new(pattern).expect("a pattern").replace_all(&text, "(varies)").into_owned()
        })
    };
    let lines = |text: &str| fixed(text).lines().map(str::to_owned).collect::<Vec<_>>();
    let (said, printed) = (lines(said), lines(printed));
    let parts: Vec<&[String]> = said.split(|line| line == "…").collect();
    let [first, rest @ ..] = &parts[..] else { return printed.is_empty() };
    let Some(mut left) = printed.strip_prefix(*first) else { return false };
    let Some((last, middle)) = rest.split_last() else { return left.is_empty() };
    for part in middle {
        let Some(at) = (0..left.len()).find(|at| left[*at..].starts_with(part)) else { return false };
        left = &left[at + part.len()..];
    }
    left.ends_with(last)
}
