//! A responder of the program's own, on loopback.

#![allow(dead_code, reason = "each file of tests takes what it needs")]

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use callcheck::model::ports::PortRange;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::turn_server::scratch_file;

/// Its token.
pub const TOKEN: &str = "the-token-of-these-tests";

/// How many ports the responders of the tests serve.
const PORTS: u16 = 200;

/// A responder that listens.
pub struct Responding {
    /// The port that it listens on, the first of its range.
    pub listen: SocketAddr,
    /// Its range.
    pub range: PortRange,
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
    said: String,
}

/// How one ended.
pub struct Ended {
    /// The exit code.
    pub code: Option<i32>,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

/// A range of ports that nobody has. They lie below those that the system gives out by itself, and no two tests of a process get the same.
pub fn free_range() -> PortRange {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let first = 12_000 + NEXT.fetch_add(PORTS, Ordering::Relaxed);
        assert!(first < 32_000, "no free ports are left");
        let range = PortRange::new(first, first + PORTS - 1).expect("a range");
        let is_free =
            |port| UdpSocket::bind(("127.0.0.1", port)).is_ok() && std::net::TcpListener::bind(("127.0.0.1", port)).is_ok();
        if range.iter().all(is_free) {
            return range;
        }
    }
}

impl Responding {
    /// Starts one with further arguments.
    pub fn start(more: &[&str]) -> Self {
        Self::start_on(free_range(), more)
    }

    /// Starts one on a range; it listens when this returns.
    pub fn start_on(range: PortRange, more: &[&str]) -> Self {
        let listen = SocketAddr::new([127, 0, 0, 1].into(), range.first());
        let mut child = Command::new(env!("CARGO_BIN_EXE_callcheck"))
            .args(["responder", "--listen", &listen.to_string(), "--range", &range.to_string()])
            .arg("--token-file")
            .arg(scratch_file("token", TOKEN))
            .args(if more.contains(&"--for") { &[][..] } else { &["--for", "1m"] })
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program was built with the tests");
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut said = String::new();
        stdout.read_line(&mut said).expect("stdout is text");
        assert!(said.starts_with("ready"), "{said:?}");
        Self { listen, range, child, stdout, said }
    }

    /// Ends it by a signal.
    pub fn end_by(self, signal: Signal) -> Ended {
        kill(self.id(), signal).expect("it is ours");
        self.wait()
    }

    /// Waits until it ends by itself.
    pub fn wait(mut self) -> Ended {
        let mut stderr = String::new();
        self.stdout.read_to_string(&mut self.said).expect("stdout is text");
        self.child.stderr.take().expect("it is piped").read_to_string(&mut stderr).expect("stderr is text");
        let status = self.child.wait().expect("a child can be waited for");
        Ended { code: status.code(), stdout: std::mem::take(&mut self.said), stderr }
    }

    fn id(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("process ids are positive"))
    }
}

impl Drop for Responding {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
