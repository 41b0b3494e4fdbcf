//! The web proxy of a network that lets nothing else out: a real tinyproxy, with CONNECT to wherever the router itself can reach.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::format::{Fault, Scenario};
use crate::outcome::{Doing, Outcome};
use crate::sandbox;
use crate::topology;

/// Where it listens.
pub const PORT: u16 = 3128;

/// The login that it wants where it wants one.
pub const LOGIN: (&str, &str) = ("clerk", "typewriter-1874");

const TOOL: &str = "tinyproxy";

const PATIENCE: Duration = Duration::from_secs(5);

/// Why the scenario's proxy can't be had here, or nothing.
pub fn obstacle(scenario: &Scenario) -> Option<String> {
    if is_needed(scenario) { sandbox::lacks(TOOL, TOOL) } else { None }
}

fn is_needed(scenario: &Scenario) -> bool {
    scenario.faults.contains(&Fault::ClientNetworkRequiresProxy)
}

/// Starts the proxy on the router of the caller's network, where the scenario has one; it ends with the sandbox.
pub fn start(scenario: &Scenario, folder: &Path) -> Outcome<()> {
    if !is_needed(scenario) {
        return Ok(());
    }
    let (router, address) = topology::caller_gateway(scenario.nat);
    let file = folder.join("tinyproxy.conf");
    let mut lines = vec![format!("Listen {address}"), format!("Port {PORT}"), "Timeout 30".into(), "MaxClients 20".into()];
    for fault in &scenario.faults {
        lines.extend(lines_of(fault));
    }
    std::fs::write(&file, lines.join("\n") + "\n").doing("writing tinyproxy.conf")?;
    router.inside(|| {
        let mut command = Command::new(TOOL);
        command.arg("-d").arg("-c").arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().doing("starting tinyproxy")?;
        let started = Instant::now();
        while TcpStream::connect((address, PORT)).is_err() {
            if started.elapsed() > PATIENCE {
                return Err("tinyproxy doesn't listen".into());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other faults are not the proxy's")]
fn lines_of(fault: &Fault) -> Vec<String> {
    match fault {
        Fault::ProxyConnectsToPorts(ports) => ports.iter().map(|port| format!("ConnectPort {port}")).collect(),
        Fault::ProxyWantsLogin => vec![format!("BasicAuth {} {}", LOGIN.0, LOGIN.1)],
        _ => Vec::new(),
    }
}
