//! `docs/diagnostics.md` explains every code, and its examples print what it says they print.
//!
//! In the page a section is headed by its code. A `yaml` block is `resources.yaml`, a `toml` block is `trueup.toml`; a
//! `toml` block before the first section of a group, or of the page, is that of all sections after it. Lines of a `text`
//! block that start with `$ ` are run, and all others are what they print at 80 columns. A line `…` stands for lines
//! left out. `http://127.0.0.1:6000` and `:6002` are the sandbox, started afresh for the section; `curl` is done without
//! curl. `TRUEUP_BLESS=1` writes the blocks anew that leave nothing out.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use trueup::emulator::cloudfoundry::{self, CountedIds};
use trueup::emulator::{Clock, Ids, Running, Sandbox, kaiten};
use trueup::model::Code;

use crate::pages;

/// Cannot be run here, so their text is copied from a real run: one takes somebody at a terminal, one a remote that does
/// not keep what it is sent, one somebody who changes what is there meanwhile, one a foundation that warns, one a foundation
/// with quotas, one an instance that is there already under another name, one a repository with another branch.
const COPIED: &[Code] = &[
    Code::Declined,
    Code::NotConverged,
    Code::Moved,
    Code::RemoteWarning,
    Code::Quota,
    Code::LikelyRename,
    Code::BaseUnreadable,
];

/// Cannot be made to happen: it would be a defect.
const WITHOUT_EXAMPLE: &[Code] = &[Code::Internal];

const PAGE: &str = "docs/diagnostics.md";

const PORTS: [&str; 2] = ["127.0.0.1:6000", "127.0.0.1:6002"];

#[test]
fn every_code_has_its_section_in_the_order_of_the_code_and_no_section_is_left_over() {
    let documented: Vec<String> = sections(&pages::page(PAGE)).into_iter().map(|section| section.code).collect();
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(documented, codes);
}

#[test]
fn the_table_of_contents_names_every_group() {
    let page = pages::page(PAGE);
    let groups: Vec<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .map(|title| format!("- [{title}](#{})", title.to_lowercase().replace(' ', "-")))
        .collect();
    let contents: Vec<&str> = page.lines().filter(|line| line.starts_with("- [") && line.contains("](#")).collect();
    assert_eq!(contents, groups);
}

#[test]
fn every_section_shows_its_code_in_an_example() {
    for section in sections(&pages::page(PAGE)) {
        let shows = section.texts.iter().any(|(_, text)| text.contains(&format!("[{}]", section.code)));
        let cannot = WITHOUT_EXAMPLE.iter().any(|code| code.as_str() == section.code);
        assert_ne!(shows, cannot, "{}", section.code);
    }
}

#[test]
fn every_example_prints_what_the_page_says() {
    let page = pages::page(PAGE);
    let mut blessed: Vec<String> = page.lines().map(str::to_owned).collect();
    let mut wrong = String::new();
    // From the end, so that the line numbers before stay right when a block is rewritten.
    for section in sections(&page).into_iter().rev() {
        if COPIED.iter().any(|code| code.as_str() == section.code) {
            continue;
        }
        let printed = run(&section);
        for ((first, text), printed) in section.texts.iter().zip(printed).rev() {
            if pages::same(text, &printed, &[pages::TIME]) {
                continue;
            }
            if pages::bless() && !text.lines().any(|line| line == "…") {
                blessed.splice(*first..*first + text.lines().count(), printed.lines().map(str::to_owned));
            } else {
                write!(wrong, "── {} says ──\n{text}── is ──\n{printed}\n", section.code).unwrap();
            }
        }
    }
    if pages::bless() {
        pages::write(PAGE, &(blessed.join("\n") + "\n"));
    }
    assert!(wrong.is_empty(), "{wrong}TRUEUP_BLESS=1 writes them anew");
}

/// What the page says about one code.
struct Section {
    code: String,
    files: BTreeMap<&'static str, String>,
    /// The text blocks, each with the index of its first line in the page.
    texts: Vec<(usize, String)>,
}

fn sections(page: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut of_page = BTreeMap::new();
    let mut of_group: Option<BTreeMap<&'static str, String>> = None;
    let mut before_sections = true;
    let mut lines = page.lines().enumerate();
    while let Some((_, line)) = lines.next() {
        if line.starts_with("## ") {
            of_group = Some(of_page.clone());
            before_sections = true;
        } else if let Some(code) = line.strip_prefix("### `") {
            let code = code.strip_suffix('`').expect("a heading is a code alone").to_owned();
            let files = of_group.clone().expect("a section is in a group");
            sections.push(Section { code, files, texts: Vec::new() });
            before_sections = false;
        } else if let Some(language) = line.strip_prefix("```") {
            let mut first = None;
            let mut text = String::new();
            for (at, line) in lines.by_ref() {
                if line == "```" {
                    break;
                }
                first.get_or_insert(at);
                text.push_str(line);
                text.push('\n');
            }
            let first = first.expect("no block of the page is empty");
            let file = match language {
                "yaml" => "resources.yaml",
                "toml" => "trueup.toml",
                "text" => {
                    sections.last_mut().expect("a text block is in a section").texts.push((first, text));
                    continue;
                }
                other => panic!("a block of `{other}`"),
            };
            match (before_sections, &mut of_group) {
                (false, _) => sections.last_mut().expect("there is one").files.insert(file, text),
                (true, Some(of_group)) => of_group.insert(file, text),
                (true, None) => of_page.insert(file, text),
            };
        }
    }
    sections
}

/// Each text block as it comes out when its commands are run.
fn run(section: &Section) -> Vec<String> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let uses_sandbox = section.files.values().any(|text| PORTS.iter().any(|port| text.contains(port)));
    let served = uses_sandbox.then(Served::start);
    let real = |text: &str| served.as_ref().map_or_else(|| text.to_owned(), |served| served.real(text));
    for (path, text) in &section.files {
        fs::write(directory.path().join(path), real(text)).expect("the file can be written");
    }
    let mut blocks = Vec::new();
    for (_, text) in &section.texts {
        let mut block = String::new();
        for command in text.lines().filter_map(|line| line.strip_prefix("$ ")) {
            writeln!(block, "$ {command}").unwrap();
            if command.starts_with("curl ") {
                served.as_ref().expect("there is a sandbox to talk to").curl(&real(command));
                continue;
            }
            let printed = pages::shell(&real(command), directory.path(), &[]);
            let printed = served.as_ref().map_or_else(|| printed.clone(), |served| served.shown(&printed));
            // A blank line at the end would only be a gap in the page.
            let printed = printed.trim_end();
            if !printed.is_empty() {
                writeln!(block, "{printed}").unwrap();
            }
        }
        blocks.push(block);
    }
    blocks
}

/// Both remotes, with the same ids and times in each run.
struct Served {
    remotes: Option<Running>,
    ports: [String; 2],
    runtime: tokio::runtime::Runtime,
}

impl Served {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        // As many digits as in the page, so that lines break at the same places.
        let first = 6010 + u16::try_from(std::process::id() % 800).expect("a small number") * 4;
        let remotes = (first..9990).step_by(2).find_map(|port| runtime.block_on(Self::sandbox(port).start()).ok());
        let remotes = remotes.expect("two ports are free");
        let address = |url: &str| url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let served = |served: Option<&trueup::emulator::Served>| address(served.expect("it is served").url());
        let ports = [served(remotes.kaiten()), served(remotes.cloud_foundry())];
        Self { remotes: Some(remotes), ports, runtime }
    }

    fn sandbox(port: u16) -> Sandbox {
        let start = "2026-01-01T00:00:00Z".parse().expect("a timestamp");
        let clock = Clock::stepping(start, jiff::SignedDuration::from_secs(1));
        let kaiten = kaiten::Options { ids: Ids::seeded(1), clock, ..kaiten::Options::default() };
        let counted = || std::sync::Arc::new(CountedIds::default());
        let cloud_foundry =
            cloudfoundry::Options { ids: counted(), request_ids: counted(), ..cloudfoundry::Options::default() };
        Sandbox::new().kaiten(port, kaiten).cloud_foundry(port + 1, cloud_foundry)
    }

    fn real(&self, text: &str) -> String {
        text.replace(PORTS[0], &self.ports[0]).replace(PORTS[1], &self.ports[1])
    }

    fn shown(&self, text: &str) -> String {
        text.replace(&self.ports[0], PORTS[0]).replace(&self.ports[1], PORTS[1])
    }

    /// `curl [-X METHOD] [-H 'NAME: VALUE'] [-d 'BODY'] URL`, as far as the page needs it.
    fn curl(&self, command: &str) {
        let mut quoted = command.split('\'').skip(1).step_by(2);
        let mut words = command.split(' ').skip(1);
        let mut method = reqwest::Method::GET;
        let (mut header, mut body) = (None, None);
        while let Some(word) = words.next() {
            match word {
                "-X" => method = words.next().expect("a method").parse().expect("a method"),
                "-H" => header = quoted.next(),
                "-d" => (method, body) = (reqwest::Method::POST, quoted.next().map(str::to_owned)),
                _ => {}
            }
        }
        let url = command.rsplit(' ').next().expect("a URL");
        let mut request = reqwest::Client::new().request(method, url);
        if let Some((name, value)) = header.and_then(|header| header.split_once(": ")) {
            request = request.header(name, value);
        }
        if let Some(body) = body {
            request = request.header("Content-Type", "application/json").body(body);
        }
        let answer = self.runtime.block_on(request.send()).expect("it answers");
        assert!(answer.status().is_success(), "{command}: {}", answer.status());
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(remotes) = self.remotes.take() {
            let _ = self.runtime.block_on(remotes.shutdown());
        }
    }
}
