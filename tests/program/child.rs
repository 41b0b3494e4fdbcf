//! The program as a child process, without anything of this environment that would change what it does.

#![allow(dead_code, reason = "each file of tests takes what it needs")]

use std::io::Write as _;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use callcheck::model::report::Report;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// No run is longer; one that is was going to hang for ever.
const LIMIT: Duration = Duration::from_mins(1);

/// What of the environment the program reads by itself.
const VARIABLES: &[&str] = &[
    "CALLCHECK_CALLEE_TOKEN",
    "CALLCHECK_CALLER_TOKEN",
    "CALLCHECK_ICE_SERVERS_TOKEN",
    "CALLCHECK_TURN_PASSWORD",
    "CALLCHECK_TURN_SECRET",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "NO_COLOR",
    "CLICOLOR_FORCE",
    "SSL_CERT_FILE",
    "XDG_CONFIG_HOME",
];

/// One run of the program in the making.
pub struct Program {
    command: Command,
    input: Vec<u8>,
}

/// How a run ended.
#[derive(Debug)]
pub struct Run {
    /// The exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

/// The program with these arguments.
pub fn callcheck<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Program {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callcheck"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for variable in VARIABLES {
        command.env_remove(variable);
    }
    Program { command, input: Vec::new() }
}

impl Program {
    /// Gives it something to read.
    pub fn input(mut self, text: &str) -> Self {
        self.input = text.as_bytes().to_vec();
        self
    }

    /// Sets a variable of its environment.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it to its end.
    pub fn run(self) -> Run {
        self.run_while(|_| {})
    }

    /// Runs it to its end, and does something with its process id as soon as it is there.
    pub fn run_while(mut self, accompany: impl FnOnce(Pid)) -> Run {
        let mut child = self.command.spawn().expect("the program was built with the tests");
        let id = Pid::from_raw(i32::try_from(child.id()).expect("process ids are positive"));
        // A program that ends before it has read its input leaves the pipe broken, which is its right.
        _ = child.stdin.take().map(|mut stdin| stdin.write_all(&self.input));
        let ended = outcome(child);
        accompany(id);
        let Ok(output) = ended.recv_timeout(LIMIT) else {
            _ = kill(id, Signal::SIGKILL);
            panic!("{:?} has not ended after {LIMIT:?}", self.command);
        };
        Run {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("stdout is text"),
            stderr: String::from_utf8(output.stderr).expect("stderr is text"),
        }
    }
}

impl Run {
    /// The report that it wrote to stdout, as JSON.
    pub fn report(&self) -> Report {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{}\n{}", self.stdout, self.stderr))
    }
}

fn outcome(child: Child) -> mpsc::Receiver<Output> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(child.wait_with_output().expect("a child can be waited for")));
    receiver
}
