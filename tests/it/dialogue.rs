//! Somebody at a terminal: questions are read, and answered once they stand there.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::support::{Output, Project};

/// The binary at work on a terminal.
pub struct Dialogue {
    child: Child,
    keyboard: File,
    said: Arc<Mutex<Vec<u8>>>,
    reading: std::thread::JoinHandle<()>,
    /// Up to where it was read.
    read: usize,
    directory: std::path::PathBuf,
}

impl Project {
    /// Starts the binary on a terminal of 80 columns.
    pub fn at_terminal(&self, arguments: &[&str]) -> Dialogue {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("the system has terminals");
        grantpt(&terminal).and_then(|()| unlockpt(&terminal)).expect("it is ours");
        let name = ptsname(&terminal, Vec::new()).expect("it has a name");
        let stream = || -> Stdio {
            let path = std::ffi::OsStr::from_bytes(name.as_bytes());
            OpenOptions::new().read(true).write(true).open(path).expect("it can be opened").into()
        };
        let mut command = self.command(arguments);
        command.env("COLUMNS", "80").stdin(stream()).stdout(stream()).stderr(stream());
        let child = command.spawn().expect("the binary starts");
        // The command holds the terminal open.
        drop(command);
        let keyboard = File::from(terminal);
        let said = Arc::new(Mutex::new(Vec::new()));
        let (mut screen, heard) = (keyboard.try_clone().expect("one more"), Arc::clone(&said));
        let reading = std::thread::spawn(move || {
            let mut piece = [0; 4096];
            // Once nobody holds it any more, reading fails.
            while let Ok(length @ 1..) = screen.read(&mut piece) {
                heard.lock().expect("nobody panics with it").extend_from_slice(&piece[..length]);
            }
        });
        Dialogue { child, keyboard, said, reading, read: 0, directory: self.path().to_owned() }
    }
}

impl Dialogue {
    /// Types an answer when the question stands there.
    #[track_caller]
    pub fn answer(mut self, question: &str, answer: &str) -> Self {
        self.wait_for(question);
        self.keyboard.write_all(answer.as_bytes()).expect("somebody listens");
        self
    }

    /// Sends a signal, by its number, when the question stands there.
    #[track_caller]
    pub fn signal(mut self, question: &str, number: u8) -> Self {
        self.wait_for(question);
        let sent =
            std::process::Command::new("kill").args([format!("-{number}"), self.child.id().to_string()]).status();
        assert!(sent.expect("`kill` is there").success());
        self
    }

    #[track_caller]
    fn wait_for(&mut self, question: &str) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let said = self.text();
            if let Some(at) = said[self.read..].find(question) {
                self.read += at + question.len();
                return;
            }
            assert!(Instant::now() < deadline, "`{question}` is not asked:\n{said}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn text(&self) -> String {
        // An answer may be half there.
        String::from_utf8_lossy(&self.said.lock().expect("nobody panics with it")).replace("\r\n", "\n")
    }

    /// Waits for its end. What stood on the terminal is its stdout.
    #[track_caller]
    pub fn end(mut self) -> Output {
        let deadline = Instant::now() + Duration::from_secs(60);
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("its status can be had") {
                break status;
            }
            if Instant::now() > deadline {
                let _ = self.child.kill();
                panic!("it does not end:\n{}", self.text());
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        while !self.reading.is_finished() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        let code = status.code().unwrap_or_else(|| -status.signal().expect("no code means a signal"));
        let stdout = self.text();
        Output::of(self.directory, stdout, code)
    }
}
