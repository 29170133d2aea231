//! `trueup init`: a project's first files.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use clap::Args;
use clap::builder::BoolishValueParser;
use ignore::gitignore::Gitignore;
use tokio::sync::watch::Receiver;

use super::exit::Exit;
use super::project::{self, Stop};
use super::question::{self, Answer};
use super::terminal::Terminal;
use super::written::{self, Refused};
use super::{Global, signal};
use crate::init::{self, Answers, File, Place};
use crate::model::{Code, Diagnostic, Diagnostics, Sources};
use crate::providers;
use crate::render::{clean_line, wrap};
use crate::settings::{self, CfCli, FILE_NAME, LoadOptions};

/// Where Kaiten is, for all of its clients.
const KAITEN_URL: &str = "KAITEN_BASE_URL";
const KAITEN_TOKEN: &str = "KAITEN_AUTH_TOKEN";

/// Begin a project: trueup.toml, an example, schemas for editors
#[derive(Debug, Args)]
pub(super) struct Init {
    /// Kaiten and Cloud Foundry are the embedded sandbox: nothing leaves this machine
    #[arg(long, env = "TRUEUP_SANDBOX", hide_env = true, conflicts_with_all = ["kaiten", "cloudfoundry"], value_parser = BoolishValueParser::new())]
    sandbox: bool,
    /// Where Kaiten is: its URL, or `sandbox`
    #[arg(long, value_name = "URL", env = "TRUEUP_KAITEN", hide_env = true)]
    kaiten: Option<String>,
    /// Where Cloud Foundry is: the URL of its API, `cf-cli` for the one that the cf CLI points to, or `sandbox`
    #[arg(long, value_name = "URL", env = "TRUEUP_CLOUDFOUNDRY", hide_env = true)]
    cloudfoundry: Option<String>,
    /// What plans call the project; otherwise it has the name of the directory
    #[arg(long, value_name = "NAME", env = "TRUEUP_NAME", hide_env = true)]
    name: Option<String>,
    #[arg(help = "Ask nothing: what no flag says is as KAITEN_BASE_URL and the cf CLI have it, else the sandbox", short, long, env = "TRUEUP_YES", hide_env = true, value_parser = BoolishValueParser::new())]
    yes: bool,
    /// Replace files that are there already
    #[arg(long, env = "TRUEUP_OVERWRITE", hide_env = true, value_parser = BoolishValueParser::new())]
    overwrite: bool,
}

pub(super) async fn run(command: &Init, global: &Global, terminal: &Terminal) -> Exit {
    let mut interrupt = signal::watch();
    match command.make(global, &mut interrupt, terminal).await {
        Ok(told) if terminal.quiet => {
            drop(told);
            Exit::Success
        }
        Ok(told) => terminal.tell(|out| out.write_all(told.as_bytes())),
        Err(End::Refused(diagnostic)) => {
            terminal.problems(std::slice::from_ref(&*diagnostic), &Sources::default());
            Exit::of([&*diagnostic])
        }
        Err(End::Failed(why)) => {
            terminal.note(&why);
            Exit::Failure
        }
        Err(End::Signal(number)) => {
            terminal.note("interrupted; nothing was written");
            Exit::Signal(number)
        }
    }
}

/// Why there is no project.
enum End {
    Refused(Box<Diagnostic>),
    Failed(String),
    Signal(u8),
}

impl End {
    fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Refused(Box::new(Diagnostic::error(Code::Usage, message).help(help)))
    }

    fn declined(message: &str, help: &str) -> Self {
        Self::Refused(Box::new(Diagnostic::error(Code::Declined, message).help(help)))
    }
}

/// What the surroundings tell of real remotes.
struct Found {
    kaiten: Option<Place>,
    cloud_foundry: Option<Place>,
    session: Option<CfCli>,
}

/// Where both remotes are.
type Places = (Option<Place>, Option<Place>);

impl Found {
    fn new(terminal: &Terminal) -> Self {
        let url = project::environment(KAITEN_URL).filter(|url| !url.is_empty());
        let kaiten = url.and_then(|url| match init::place(&url) {
            Ok(place) => Some(place),
            Err(refused) => {
                terminal.note(&format!("What {KAITEN_URL} says is not used: it {}.", refused.why));
                None
            }
        });
        // That there is none, or none of use, is nothing to tell to somebody who has not asked for it.
        let session = settings::cf_cli_file(&project::environment).and_then(|file| CfCli::read(&file)).ok();
        let cloud_foundry = session.as_ref().and_then(|session| init::place(session.target.as_str()).ok());
        Self { kaiten, cloud_foundry, session }
    }

    fn anything(&self) -> bool {
        self.kaiten.is_some() || self.cloud_foundry.is_some()
    }

    /// Where each remote is if nobody says otherwise.
    fn places(&self) -> Places {
        if self.anything() {
            (self.kaiten.clone(), self.cloud_foundry.clone())
        } else {
            (Some(Place::Sandbox), Some(Place::Sandbox))
        }
    }

    /// Whether the cf CLI is signed in there.
    fn is_signed_in(&self, place: &Place) -> bool {
        let Place::Url(url) = place else { return false };
        self.session.as_ref().is_some_and(|session| session.points_to(url) && session.is_signed_in())
    }
}

impl Init {
    /// Writes the files. What is told when that is done.
    async fn make(
        &self,
        global: &Global,
        interrupt: &mut Receiver<Option<u8>>,
        terminal: &Terminal,
    ) -> Result<String, End> {
        let directory = project::start(global).map_err(|Stop { diagnostics, .. }| {
            let missing = diagnostics.into_iter().next().expect("that is what stopped it");
            End::Refused(Box::new(missing.help("make the directory first, or leave `-C` out")))
        })?;
        let failed = |error: io::Error| End::Failed(format!("cannot look into `{}`: {error}", directory.display()));
        let real = directory.canonicalize().map_err(failed)?;
        let is_project = is_there(&directory.join(FILE_NAME));
        // What is not going to be written need not be asked for.
        let asks = !self.yes && Terminal::can_ask() && (self.overwrite || !is_project);
        let found = Found::new(terminal);
        let said = self.said()?;
        let is_said = said.is_some();
        let name = self.named(&real)?;
        let (name, (kaiten, cloud_foundry)) = if asks {
            if self.name.is_none() || said.is_none() {
                let directory = clean_line(&real.display().to_string()).into_owned();
                tell(
                    &format!("This begins a project in `{directory}`. Enter takes what stands in brackets."),
                    terminal,
                );
            }
            let name = if self.name.is_some() { name } else { ask_name(&name, interrupt).await? };
            let places = match said {
                Some(places) => places,
                None => ask_places(&found, interrupt).await?,
            };
            if self.name.is_none() || !is_said {
                terminal.remark("");
            }
            (name, places)
        } else {
            (name, said.unwrap_or_else(|| found.places()))
        };
        let answers = Answers { name, kaiten, cloud_foundry };
        let files = init::files(&answers, &providers::registry());
        let other: Vec<&File> = files.iter().filter(|file| !holds(&directory.join(file.path), &file.text)).collect();
        if is_project && !self.overwrite {
            return if other.iter().any(|file| file.path == FILE_NAME) {
                Err(End::usage(
                    format!("`{}` is there already, and nothing was written", shown(global, FILE_NAME)),
                    format!(
                        "this is a project already: go on with `{} plan`, or give `--overwrite` to begin anew",
                        invocation(global)
                    ),
                ))
            } else {
                Ok(format!("`{}` is as it would be written. Nothing was changed.\n", shown(global, FILE_NAME)))
            };
        }
        let there: Vec<&str> =
            other.iter().map(|file| file.path).filter(|path| is_there(&directory.join(path))).collect();
        let replace = self.overwrite || !there.is_empty();
        if !there.is_empty() && !self.overwrite {
            consent(&there, global, asks, interrupt, terminal).await?;
        }
        let rules = write(&directory, &real, &other, replace, global)?;
        if let Some(above) = above(&real) {
            tell(&above, terminal);
        }
        let mut told = vec![written_down(&answers, &other, &rules, global)];
        if !is_said && !asks {
            told.extend(by_itself(&found));
        }
        told.extend(missing(&answers, &found));
        told.push(next(&answers, global));
        Ok(paragraphs(&told, terminal.stdout_theme().width))
    }

    /// What the flags say of the remotes, if they say something.
    fn said(&self) -> Result<Option<Places>, End> {
        let refused = |flag: &str, refused: init::Refused| {
            End::usage(format!("the value of `{flag}` {}", refused.why), refused.help)
        };
        if self.sandbox {
            return Ok(Some((Some(Place::Sandbox), Some(Place::Sandbox))));
        }
        let kaiten = self.kaiten.as_deref().map(init::place).transpose().map_err(|why| refused("--kaiten", why))?;
        let cloud_foundry = match self.cloudfoundry.as_deref() {
            Some(CF_CLI) => Some(of_cf_cli().map_err(|(why, help)| End::usage(why, help))?),
            other => other.map(init::place).transpose().map_err(|why| refused("--cloudfoundry", why))?,
        };
        Ok(Some((kaiten, cloud_foundry)).filter(|(kaiten, cloud_foundry)| kaiten.is_some() || cloud_foundry.is_some()))
    }

    /// The name that is given, else that of the directory.
    fn named(&self, directory: &Path) -> Result<String, End> {
        let Some(name) = &self.name else { return Ok(init::name_of(directory)) };
        match init::name_problem(name) {
            None => Ok(name.clone()),
            Some(why) => {
                Err(End::usage(format!("the value of `--name` {why}"), "plans show it: give it a word or two"))
            }
        }
    }
}

/// Stands for the API that the cf CLI points to.
const CF_CLI: &str = "cf-cli";

/// Where the cf CLI points to, or why that cannot be told and what to do.
fn of_cf_cli() -> Result<Place, (String, String)> {
    let session = settings::cf_cli_file(&project::environment).and_then(|file| CfCli::read(&file));
    let session = session
        .map_err(|unusable| (format!("where the cf CLI points to is not known: {}", unusable.why), unusable.help))?;
    init::place(session.target.as_str()).map_err(|refused| {
        (format!("the API that the cf CLI points to {}", refused.why), "run `cf login -a https://…`".to_owned())
    })
}

/// Asks until there is an answer that can be used.
async fn ask<T>(
    question: &str,
    interrupt: &mut Receiver<Option<u8>>,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<T, End> {
    loop {
        match question::ask(question, interrupt).await {
            Answer::Line(line) => match read(&line) {
                Ok(answer) => return Ok(answer),
                Err(why) => drop(writeln!(io::stderr().lock(), "  {why}")),
            },
            Answer::Nothing => {
                let help = "run it again and answer, or give `--yes` to be asked nothing";
                return Err(End::declined("nothing was written: a question was not answered", help));
            }
            Answer::Signal(number) => return Err(End::Signal(number)),
        }
    }
}

async fn ask_name(name: &str, interrupt: &mut Receiver<Option<u8>>) -> Result<String, End> {
    let question = format!("Name of the project [{}]: ", clean_line(name));
    ask(&question, interrupt, |line| match init::name_problem(line) {
        _ if line.is_empty() => Ok(name.to_owned()),
        Some(why) => Err(format!("A name cannot be this: it {why}.")),
        None => Ok(line.to_owned()),
    })
    .await
}

async fn ask_places(found: &Found, interrupt: &mut Receiver<Option<u8>>) -> Result<Places, End> {
    let usual = if found.anything() { None } else { Some(Place::Sandbox) };
    let shown = |found: Option<&Place>, whose: &str| match (found, &usual) {
        (Some(place), _) => format!("{}, as {whose} has it", clean_line(place.text())),
        (None, Some(usual)) => usual.text().to_owned(),
        (None, None) => "none".to_owned(),
    };
    let read = |line: &str, default: Option<&Place>| match line {
        "" => Ok(default.or(usual.as_ref()).cloned()),
        "none" => Ok(None),
        _ => init::place(line).map(Some).map_err(|refused| format!("This {}: {}.", refused.why, refused.help)),
    };
    loop {
        let kaiten = found.kaiten.as_ref();
        let question = format!("Where is Kaiten: a URL, `sandbox` or `none` [{}]: ", shown(kaiten, KAITEN_URL));
        let kaiten = ask(&question, interrupt, |line| read(line, kaiten)).await?;
        let foundation = found.cloud_foundry.as_ref();
        let question =
            format!("Where is Cloud Foundry: a URL, `sandbox` or `none` [{}]: ", shown(foundation, "the cf CLI"));
        let foundation = ask(&question, interrupt, |line| read(line, foundation)).await?;
        if kaiten.is_some() || foundation.is_some() {
            return Ok((kaiten, foundation));
        }
        let _ = writeln!(io::stderr().lock(), "  A project needs one of the two at least.");
    }
}

/// Paragraphs in lines that fit. What stands in is there to be copied, and stays whole.
fn paragraphs(texts: &[String], columns: usize) -> String {
    let lines = |line: &str| if line.starts_with(' ') { vec![line.to_owned()] } else { wrap(line, columns) };
    let paragraph = |text: &String| text.lines().flat_map(lines).collect::<Vec<_>>().join("\n") + "\n";
    texts.iter().map(paragraph).collect::<Vec<_>>().join("\n")
}

/// Tells something by the way, in lines that fit.
fn tell(text: &str, terminal: &Terminal) {
    terminal.remark(&wrap(text, terminal.stderr_theme().width).join("\n"));
}

/// Whether files that are there may be replaced.
async fn consent(
    there: &[&str],
    global: &Global,
    asks: bool,
    interrupt: &mut Receiver<Option<u8>>,
    terminal: &Terminal,
) -> Result<(), End> {
    let (files, are, them) = if there.len() == 1 { ("file", "is", "it") } else { ("files", "are", "them") };
    for path in there {
        terminal.note(&format!("there already: {}", shown(global, path)));
    }
    if !asks {
        return Err(End::usage(
            format!("{} {files} {are} there already, and nothing was written", there.len()),
            format!("move {them} away, or give `--overwrite` to replace {them}"),
        ));
    }
    match question::ask(&format!("Replace {them}? Only `yes` is accepted: "), interrupt).await {
        Answer::Line(line) if line == "yes" => Ok(()),
        Answer::Line(_) | Answer::Nothing => Err(End::declined(
            "nothing was written: the answer was not `yes`",
            &format!("move {them} away, or run it again and answer `yes` in full"),
        )),
        Answer::Signal(number) => Err(End::Signal(number)),
    }
}

/// Writes the files, and lets git ignore what runs leave behind: these rules are new.
fn write(
    directory: &Path,
    real: &Path,
    files: &[&File],
    replace: bool,
    global: &Global,
) -> Result<Vec<&'static str>, End> {
    let rules: Vec<&str> = init::IGNORED.into_iter().filter(|rule| !is_ignored(real, rule)).collect();
    let texts = files.iter().map(|file| (Path::new(file.path), file.text.as_str()));
    let written = written::write(directory, texts, replace).map_err(|refused| match refused {
        // Somebody was faster: it was not there a moment ago.
        Refused::Exist(there) => End::usage(
            format!("`{}` is there already, and nothing was written", clean_line(&there[0].display().to_string())),
            "run it again",
        ),
        Refused::Failed { path, error, written } => {
            let path = clean_line(&path.display().to_string()).into_owned();
            let before = if written.is_empty() { "nothing was written" } else { "run it again to write the rest" };
            End::Failed(format!("cannot write `{path}`: {error}; {before}"))
        }
    });
    written?;
    if !rules.is_empty() {
        ignore_also(&directory.join(IGNORE_FILE), &rules).map_err(|error| {
            let path = shown(global, IGNORE_FILE);
            End::Failed(format!("cannot write `{path}`: {error}; all other files are written"))
        })?;
    }
    Ok(rules)
}

const IGNORE_FILE: &str = ".gitignore";

/// Whether git ignores this in the project already, by the files of the directory or of one above in its repository.
fn is_ignored(directory: &Path, rule: &str) -> bool {
    let path = directory.join(rule.trim_end_matches('/'));
    let repository = directory.ancestors().find(|above| above.join(".git").exists()).unwrap_or(directory);
    let files = directory.ancestors().take_while(|above| above.starts_with(repository));
    // The nearest file that says something counts.
    let mut said = files.filter_map(|above| {
        let (rules, _) = Gitignore::new(above.join(IGNORE_FILE));
        let said = rules.matched_path_or_any_parents(&path, rule.ends_with('/'));
        (!said.is_none()).then(|| said.is_ignore())
    });
    said.next().unwrap_or(false)
}

/// Puts rules at the end of a `.gitignore`, which keeps all it has.
fn ignore_also(file: &Path, rules: &[&str]) -> io::Result<()> {
    let before = match fs::read(file) {
        Ok(before) => before,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    let mut open = fs::OpenOptions::new().append(true).create(true).open(file)?;
    open.write_all(init::ignoring(&before, rules).as_bytes())
}

/// What was written.
fn written_down(answers: &Answers, files: &[&File], rules: &[&str], global: &Global) -> String {
    let ignored = rules.iter().map(|rule| format!("`{rule}`")).collect::<Vec<_>>().join(" and ");
    let mut lines: Vec<(&str, String)> = files.iter().rev().map(|file| (file.path, file.what.to_owned())).collect();
    if !rules.is_empty() {
        lines.push((IGNORE_FILE, format!("keeps {ignored} out of git")));
    }
    if lines.is_empty() {
        return "All files are as they would be written. Nothing was changed.".to_owned();
    }
    let widest = lines.iter().map(|(path, _)| path.len()).max().unwrap_or(0);
    let place =
        global.chdir.as_deref().map(|directory| format!(" in `{}`", clean_line(&directory.display().to_string())));
    let mut told = format!("Wrote the project `{}`{}:", clean_line(&answers.name), place.unwrap_or_default());
    for (path, what) in lines {
        let _ = write!(told, "\n  {path:widest$}  {what}");
    }
    told
}

/// Why the remotes are where they are, if nobody has said so.
fn by_itself(found: &Found) -> Vec<String> {
    let kaiten = found.kaiten.as_ref().map(|place| format!("Kaiten at {}, by {KAITEN_URL}", place.text()));
    let foundation =
        found.cloud_foundry.as_ref().map(|place| format!("Cloud Foundry at {}, by the cf CLI", place.text()));
    let places: Vec<String> = kaiten.into_iter().chain(foundation).collect();
    let mut told = vec![match places.as_slice() {
        [] => "No remote was named or found, so both are the embedded sandbox: nothing leaves this machine.".to_owned(),
        places => format!("Found {}.", places.join("; and ")),
    }];
    if found.kaiten.is_none() && has_token() {
        told.push(format!("{KAITEN_TOKEN} is set and not used: for a real Kaiten, give `--kaiten URL`."));
    }
    told
}

/// What has to be done before the remotes can be asked.
fn missing(answers: &Answers, found: &Found) -> Vec<String> {
    let mut told = Vec::new();
    if matches!(answers.kaiten, Some(Place::Url(_))) && !has_token() {
        told.push(format!("Kaiten's token is taken from {KAITEN_TOKEN}: run `export {KAITEN_TOKEN}=…` first."));
    }
    if let Some(place @ Place::Url(_)) = &answers.cloud_foundry
        && !found.is_signed_in(place)
    {
        told.push(format!("The cf CLI is not signed in there: run `cf login -a {}` first.", word(place.text())));
    }
    told
}

fn has_token() -> bool {
    project::environment(KAITEN_TOKEN).is_some_and(|token| !token.is_empty())
}

/// What is to be known of a project that this one is inside of.
fn above(directory: &Path) -> Option<String> {
    let outer = directory.ancestors().skip(1).find(|above| above.join(FILE_NAME).is_file())?;
    let shown = clean_line(&outer.join(FILE_NAME).display().to_string()).into_owned();
    let mut told = format!("`{shown}` above is another project's: commands in here are about the new one.");
    let options = LoadOptions { environment: None, variables: &[], env: &project::environment, unconnected: true };
    let settings = settings::load(outer, options, &mut Sources::default(), &mut Diagnostics::default());
    let example = directory.join(init::EXAMPLE);
    let example = example.strip_prefix(outer).expect("the directory is below");
    if settings.is_some_and(|settings| settings::is_resource_file(&settings, example)) {
        told.push_str(" But the other reads the YAML in here as its own: leave it out of the `files` there.");
    }
    Some(told)
}

/// What to do next.
fn next(answers: &Answers, global: &Global) -> String {
    let trueup = invocation(global);
    let targets = [("kaiten", &answers.kaiten), ("cf", &answers.cloud_foundry)];
    let real = targets.into_iter().filter(|(_, place)| matches!(place, Some(Place::Url(_)))).map(|(target, _)| target);
    let exports: Vec<String> =
        real.map(|target| format!("\n  {trueup} export --target {target} --dir resources")).collect();
    if exports.is_empty() {
        format!("Next, see what would be done, then do it:\n  {trueup} plan\n  {trueup} apply")
    } else {
        let exports = exports.concat();
        format!("Next, write down what is there already, then see that nothing would change:{exports}\n  {trueup} plan")
    }
}

/// How trueup is called for this directory.
fn invocation(global: &Global) -> String {
    let Some(directory) = &global.chdir else { return "trueup".to_owned() };
    let directory = directory.display().to_string();
    // A flag's value may not look like a flag.
    let directory = if directory.starts_with('-') { format!("./{directory}") } else { directory };
    format!("trueup -C {}", word(&directory))
}

/// A word as a shell takes it for one, on one line.
fn word(text: &str) -> String {
    let text = clean_line(text);
    let is_plain = |char: char| char.is_alphanumeric() || "-_./:,+@%=".contains(char);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// A file of the project, as the command line names it.
fn shown(global: &Global, path: &str) -> String {
    clean_line(&global.path(Path::new(path)).display().to_string()).into_owned()
}

fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn holds(path: &Path, text: &str) -> bool {
    fs::read(path).is_ok_and(|before| before == text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_one_to_a_shell() {
        for (text, quoted) in [
            ("acme/infra", "acme/infra"),
            ("https://api.example.com:8443/a", "https://api.example.com:8443/a"),
            ("my project", "'my project'"),
            ("it's", r"'it'\''s'"),
            ("$(rm)", "'$(rm)'"),
            ("日本", "日本"),
            ("a\nb", "'a b'"),
            ("", "''"),
        ] {
            assert_eq!(word(text), quoted);
        }
    }
}
