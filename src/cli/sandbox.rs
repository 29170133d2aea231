//! `trueup sandbox`: the embedded emulator as a server.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::exit::Exit;
use super::terminal::Terminal;
use super::{Global, signal};
use crate::emulator::{Sandbox, cloudfoundry, kaiten};

/// Serve the embedded emulator of both APIs on this machine
#[derive(Debug, Args)]
pub(super) struct SandboxCommand {
    /// Serve Kaiten on PORT; 0 takes any free one
    #[arg(long, value_name = "PORT", default_value_t = 6000, env = "TRUEUP_KAITEN_PORT", hide_env = true)]
    kaiten_port: u16,
    /// Serve Cloud Foundry and its UAA on PORT; 0 takes any free one
    #[arg(long, value_name = "PORT", default_value_t = 6002, env = "TRUEUP_CF_PORT", hide_env = true)]
    cf_port: u16,
    /// Remember everything in FILE
    #[arg(long, value_name = "FILE", env = "TRUEUP_STATE", hide_env = true)]
    state: Option<PathBuf>,
    /// Which Cloud Foundry API to serve
    #[arg(long, value_name = "VERSION", default_value = "both", env = "TRUEUP_API", hide_env = true)]
    api: Api,
    /// Which Kaiten dialect to serve: today's contract, or that of the seed document
    #[arg(long, value_name = "DIALECT", default_value = "core", env = "TRUEUP_DIALECT", hide_env = true)]
    dialect: Dialect,
    /// Make every request take this many milliseconds longer
    #[arg(long, value_name = "MS", default_value_t = 0, env = "TRUEUP_LATENCY", hide_env = true)]
    latency: u64,
}

/// The versions of the Cloud Foundry API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Api {
    V2,
    V3,
    Both,
}

impl Api {
    fn foundation(self) -> cloudfoundry::Options {
        cloudfoundry::Options { v2: self != Self::V3, v3: self != Self::V2, ..cloudfoundry::Options::default() }
    }
}

/// A Kaiten dialect.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Dialect {
    Core,
    Seed,
}

pub(super) async fn run(command: &SandboxCommand, global: &Global, terminal: &Terminal) -> Exit {
    let SandboxCommand { kaiten_port, cf_port, state, api, dialect, latency } = command;
    let options = match dialect {
        Dialect::Core => kaiten::Options::default(),
        Dialect::Seed => {
            kaiten::Options { dialect: kaiten::Dialect::Seed { writes: false }, ..kaiten::Options::default() }
        }
    };
    let mut sandbox = Sandbox::new().kaiten(*kaiten_port, options).cloud_foundry(*cf_port, api.foundation());
    if let Some(file) = state {
        sandbox = sandbox.state_file(global.path(file));
    }
    let mut interrupt = signal::watch();
    let running = match sandbox.start().await {
        Ok(running) => running,
        Err(error) => {
            terminal.note(&format!("cannot start the sandbox: {error}"));
            return Exit::Failure;
        }
    };
    let (kaiten_served, cf_served) =
        (running.kaiten().expect("asked for"), running.cloud_foundry().expect("asked for"));
    for served in [kaiten_served, cf_served] {
        served.set_latency(Duration::from_millis(*latency));
    }
    let (user, password) = cloudfoundry::DEFAULT_USER;
    let token = kaiten::SANDBOX_TOKEN;
    terminal.result(&format!(
        "Kaiten          {}   token {token}\nCloud Foundry   {}   user {user}, password {password}\n",
        kaiten_served.url(),
        cf_served.url(),
    ));
    terminal.remark("Ctrl-C ends it.");
    let _ = signal::first(&mut interrupt).await;
    match running.shutdown().await {
        // For a server, being told to end is the ordinary end.
        Ok(()) => Exit::Success,
        Err(error) => {
            terminal.note(&format!("the sandbox could not save what it holds: {error}"));
            Exit::Failure
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        sandbox: SandboxCommand,
    }

    #[test]
    fn the_foundation_has_the_versions_that_are_asked_for() {
        let table = [
            (vec!["sandbox"], (true, true)),
            (vec!["sandbox", "--api", "both"], (true, true)),
            (vec!["sandbox", "--api", "v2"], (true, false)),
            (vec!["sandbox", "--api", "v3"], (false, true)),
        ];
        for (arguments, versions) in table {
            let line = Line::try_parse_from(&arguments).expect("the arguments are fine");
            let foundation = line.sandbox.api.foundation();
            assert_eq!((foundation.v2, foundation.v3), versions, "{arguments:?}");
        }
    }
}
