//! The firewall of the server's host, where a scenario gives it one: the real program, set up as an operator would.

use std::fmt::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::coturn::poll_until;
use crate::format::{Firewall, FirewallProgram, Scenario};
use crate::namespaces::Host;
use crate::outcome::{Doing, Outcome};
use crate::sandbox;

/// firewalld is a program in Python that loads half a hundred modules.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why the scenario's firewall can't be had here, or nothing.
pub fn obstacle(scenario: &Scenario) -> Option<String> {
    match scenario.firewall.as_ref()?.program {
        FirewallProgram::Ufw => sandbox::lacks("ufw", "ufw"),
        FirewallProgram::Firewalld => {
            sandbox::lacks("firewall-cmd", "firewalld").or_else(|| sandbox::lacks("dbus-daemon", "dbus"))
        }
        FirewallProgram::Nftables => None,
    }
}

/// Sets it up, where the scenario has one; it ends with the sandbox.
pub fn start(scenario: &Scenario) -> Outcome<()> {
    let Some(firewall) = &scenario.firewall else { return Ok(()) };
    match firewall.program {
        FirewallProgram::Ufw => start_ufw(firewall),
        FirewallProgram::Firewalld => start_firewalld(firewall),
        FirewallProgram::Nftables => Host::Server.nft(&nftables(firewall)?),
    }
}

fn start_ufw(firewall: &Firewall) -> Outcome<()> {
    Host::Server.inside(|| {
        sandbox::run("ufw", &["default", "deny", "incoming"])?;
        for ports in &firewall.lets_in {
            sandbox::run("ufw", &["allow", &ports.replace('-', ":")])?;
        }
        sandbox::run("ufw", &["--force", "enable"])
    })
}

fn start_firewalld(firewall: &Firewall) -> Outcome<()> {
    Host::Server.inside(|| {
        std::fs::create_dir_all("/run/dbus").doing("making the bus's folder")?;
        sandbox::run("dbus-daemon", &["--system", "--fork", "--nopidfile"])?;
        let mut daemon = Command::new("firewalld");
        daemon.args(["--nofork", "--nopid"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        daemon.spawn().doing("starting firewalld")?;
        let state = || {
            let mut asked = Command::new("firewall-cmd");
            asked.arg("--state").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            asked.status().doing("asking firewalld").map(|status| status.success())
        };
        poll_until(Instant::now() + PATIENCE, "firewalld runs", state)?;
        for ports in &firewall.lets_in {
            sandbox::run("firewall-cmd", &["--permanent", &format!("--add-port={ports}")])?;
        }
        sandbox::run("firewall-cmd", &["--reload"])
    })
}

/// The rules as Debian's example for a workstation has them.
fn nftables(firewall: &Firewall) -> Outcome<String> {
    let mut rules = "ct state established,related accept\niif lo accept\nmeta l4proto { icmp, ipv6-icmp } accept\n".to_owned();
    for ports in &firewall.lets_in {
        let (ports, protocol) = ports.split_once('/').ok_or("ports without a protocol")?;
        writeln!(rules, "{protocol} dport {ports} accept").doing("writing rules")?;
    }
    Ok(format!("table inet filter {{\nchain input {{\ntype filter hook input priority filter; policy drop;\n{rules}}}\n}}\n"))
}
