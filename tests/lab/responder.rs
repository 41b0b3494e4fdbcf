//! callcheck's responder on the server's host, and a program that has some of its ports.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::format::{Responder, Scenario};
use crate::namespaces::Host;
use crate::outcome::{Doing, Outcome};

/// The port that it listens on.
pub const PORT: u16 = 9999;
/// The caller's token.
pub const TOKEN: &str = "the-man-who-knew-too-much-1956";
/// The file with it.
pub const TOKEN_FILE: &str = "token";

const OTHER_TOKEN: &str = "the-lady-vanishes-in-1938";
const OTHER_TOKEN_FILE: &str = "other-token";

/// Starts the responder where the scenario has one; returns when it has its ports.
pub fn start(scenario: &Scenario, folder: &Path) -> Outcome<Option<Child>> {
    let Some(responder) = &scenario.responder else { return Ok(None) };
    for (name, token) in [(TOKEN_FILE, TOKEN), (OTHER_TOKEN_FILE, OTHER_TOKEN)] {
        std::fs::write(folder.join(name), format!("{token}\n")).doing("writing a token")?;
    }
    take_others(responder)?;
    if responder.absent {
        return Ok(None);
    }
    let token = folder.join(if responder.other_token { OTHER_TOKEN_FILE } else { TOKEN_FILE });
    let mut child = Host::Server.inside(|| {
        Command::new(env!("CARGO_BIN_EXE_callcheck"))
            .args(["responder", "--listen", if scenario.ipv6 { "[::]:9999" } else { "0.0.0.0:9999" }])
            .args(["--range", &responder.range.to_string(), "--for", "1m", "--token-file"])
            .arg(&token)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .doing("starting the responder")
    })?;
    let stdout = child.stdout.take().ok_or("the responder has no stdout")?;
    let mut first = String::new();
    let mut lines = BufReader::new(stdout);
    lines.read_line(&mut first).doing("waiting for the responder")?;
    if !first.starts_with("ready") {
        return Err(format!("the responder says {first:?}"));
    }
    // What it says later has to be read, or it would wait; it ends with the sandbox.
    std::thread::spawn(move || lines.lines().for_each(drop));
    Ok(Some(child))
}

/// Another program takes its ports, and keeps them to the end.
fn take_others(responder: &Responder) -> Outcome<()> {
    Host::Server.inside(|| {
        for port in &responder.taken {
            let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, *port)).doing("taking a port")?;
            std::mem::forget(socket);
        }
        Ok(())
    })
}
