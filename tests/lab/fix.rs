//! The proof of a fix: what the first finding says is done to the broken lab, and callcheck runs again. It has to find one cause less.
//!
//! What can't be done here stands in `fixes_not_applied.txt`, each with the reason; a scenario that is missing there, or stands there though
//! its fix can be made, fails.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::Value;

use crate::certificates::RENEWED;
use crate::command::{self, Run};
use crate::coturn::{self, Coturn};
use crate::format::{Credentials, FirewallProgram, Level, Scenario, Verdict};
use crate::outcome::{Doing, Outcome};
use crate::topology::{self, Site, TURN_V6};

/// What is not applied: scenario, cause and reason.
const NOT_APPLIED: &str = include_str!("fixes_not_applied.txt");

/// Marks lines of the list whose fix is not even tried.
const BY_HAND: &str = "by hand: ";

/// Names a file to which the lines of that list are added instead, so that it can be written anew.
const UPDATE: &str = "FIXES_NOT_APPLIED";

/// Where an operator's coturn has its configuration.
const CONFIGURATION: &str = "/etc/turnserver.conf";

/// As much of a report as says what to change.
#[derive(Debug, Deserialize)]
struct Told {
    verdict: Verdict,
    findings: Vec<Finding>,
}

#[derive(Debug, Deserialize)]
struct Finding {
    id: String,
    level: Level,
    place: Value,
    fixes: Vec<Fix>,
}

#[derive(Debug, Deserialize)]
struct Fix {
    #[serde(rename = "where")]
    place: String,
    text: String,
    command: Option<String>,
}

impl Finding {
    /// The address of the server that it is about.
    fn server(&self) -> Option<IpAddr> {
        self.place["server"].as_str()?.parse().ok()
    }

    fn is_of(&self, other: &Self) -> bool {
        self.id == other.id && (self.place == other.place || self.server().is_some() && self.server() == other.server())
    }
}

impl Told {
    fn of(run: &Run) -> Outcome<Self> {
        serde_json::from_str(&run.stdout).doing("reading the report")
    }

    /// The findings that are more than a risk.
    fn faults(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.level != Level::Warn)
    }
}

/// What is done.
enum Remedy {
    /// These lines replace those of the same keys in coturn's configuration, and these keys are removed; then coturn starts again.
    Lines { added: Vec<String>, removed: Vec<String> },
    /// A command of the shell on the server's host, after which coturn starts again where it says so.
    Shell(String),
    /// The application lists these URLs; where it is to, the server listens on the port of HTTPS too.
    Urls { listed: Vec<String>, on_https: bool },
}

/// Proves the fix of a run that has found something, or holds the reasons why it can't be proved against the list.
///
/// Fixes are gone through as an operator does: those that only look, and those whose condition doesn't hold, lead to the next.
pub fn prove(name: &str, scenario: &Scenario, servers: &mut [Coturn], run: &Run, folder: &Path) -> Outcome<()> {
    let before = Told::of(run)?;
    let Some(first) = before.faults().next() else { return Ok(()) };
    let listed = NOT_APPLIED.lines().find(|line| line.split_once(": ").is_some_and(|(listed, _)| listed == name));
    if listed.is_some_and(|line| line.contains(BY_HAND)) {
        return Ok(());
    }
    let mut reasons: Vec<String> = Vec::new();
    let mut asked = scenario.clone();
    for fix in &first.fixes {
        match remedy(fix, scenario, servers) {
            Err(why) => reasons.push(why),
            Ok(remedy) if !apply(&remedy, first, &mut asked, servers, folder)? => {
                reasons.push("it changes nothing here".to_owned());
            }
            Ok(_) => {
                let again = command::run(&command::compose(&asked, folder)?, &asked, servers)?;
                let complaints = complaints(&before, first, fix, &Told::of(&again)?, &scenario.expect.after_fix);
                if !complaints.is_empty() && fix.text.starts_with("If ") {
                    reasons.push("its condition doesn't hold".to_owned());
                } else if !complaints.is_empty() {
                    return Err(doesnt_mend(first, fix, &complaints, &again, servers));
                } else if let Some(line) = listed.filter(|_| std::env::var_os(UPDATE).is_none()) {
                    return Err(format!("its fix mends it, and stands in the list of those that are not applied: {line}"));
                } else {
                    return Ok(());
                }
            }
        }
    }
    reasons.dedup();
    hold_against_list(&format!("{name}: {}: {}", first.id, reasons.join("; ")))
}

fn doesnt_mend(first: &Finding, fix: &Fix, complaints: &[String], again: &Run, servers: &[Coturn]) -> String {
    format!(
        "the fix of {} doesn't mend it: {}\n  {}\n  {}\n\n== stdout ==\n{}\n== server ==\n{}",
        first.id,
        complaints.join(", "),
        fix.text,
        fix.command.as_deref().unwrap_or_default(),
        again.stdout,
        servers.iter().map(Coturn::log_tail).collect::<Vec<_>>().join("\n-- another --\n"),
    )
}

fn complaints(before: &Told, first: &Finding, made: &Fix, after: &Told, expected: &[String]) -> Vec<String> {
    let mut complaints = Vec::new();
    // A network stays as it is, however well an application gets around it: then nothing more is to do there.
    let is_left = |finding: &&Finding| finding.is_of(first) && finding.fixes.iter().any(|fix| fix.text == made.text);
    let is_same = |finding: &&Finding| finding.is_of(first) && made.place != "application";
    if after.findings.iter().any(|finding| is_left(&finding) || is_same(&finding)) {
        complaints.push("it is found again".to_owned());
    }
    let known: BTreeSet<&str> =
        before.findings.iter().map(|finding| finding.id.as_str()).chain(expected.iter().map(String::as_str)).collect();
    for finding in after.faults().filter(|finding| !known.contains(finding.id.as_str())) {
        complaints.push(format!("{} comes up", finding.id));
    }
    if after.verdict == Verdict::Inconclusive && !after.findings.iter().any(|finding| known.contains(finding.id.as_str())) {
        complaints.push("nothing is known any more".to_owned());
    }
    complaints
}

/// What can be done of a fix, or why nothing can.
fn remedy(fix: &Fix, scenario: &Scenario, servers: &[Coturn]) -> Result<Remedy, String> {
    if scenario.network_dies_after_allocation || scenario.interrupt_after_allocation {
        return Err("the run is cut short each time".to_owned());
    }
    if scenario.callee.is_some() {
        return Err("it takes both ends of a call".to_owned());
    }
    match fix.place.as_str() {
        "firewall" => of_firewall(fix, scenario),
        "server" if servers.is_empty() => Err("no coturn serves there".to_owned()),
        "server" => of_server(fix),
        "application" => of_application(fix, scenario),
        place => Err(format!("it is made elsewhere ({place})")),
    }
}

fn of_firewall(fix: &Fix, scenario: &Scenario) -> Result<Remedy, String> {
    let Some(firewall) = &scenario.firewall else {
        return Err("the firewall is a rule of the network, and no program".to_owned());
    };
    let lines = || fix.command.iter().flat_map(|command| command.lines());
    let of_other = |prefix: &str| lines().filter_map(|line| line.strip_prefix(prefix)).map(str::to_owned).collect::<Vec<_>>();
    let chosen = match firewall.program {
        FirewallProgram::Ufw => lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect(),
        FirewallProgram::Firewalld => of_other("# firewalld: "),
        FirewallProgram::Nftables => of_other("# nftables: "),
    };
    if chosen.is_empty() { Err("it has no command for this firewall".to_owned()) } else { Ok(Remedy::Shell(chosen.join("\n"))) }
}

fn of_server(fix: &Fix) -> Result<Remedy, String> {
    let Some(command) = &fix.command else { return Err("a person has to do it".to_owned()) };
    if command.lines().all(is_configuration) {
        if command.contains("ADDRESS-OF-") {
            return Err("it takes an address that a person has to get".to_owned());
        }
        return Ok(Remedy::Lines { added: command.lines().map(str::to_owned).collect(), removed: removed(&fix.text) });
    }
    if ["sed -i", "systemctl restart", "nft add"].iter().any(|word| command.contains(word)) {
        return Ok(Remedy::Shell(command.clone()));
    }
    Err("its command only looks".to_owned())
}

fn of_application(fix: &Fix, scenario: &Scenario) -> Result<Remedy, String> {
    let listed: Vec<String> = fix.command.iter().flat_map(|command| command.lines()).map(str::to_owned).collect();
    let is_url = |line: &String| ["turn:", "turns:", "stun:"].iter().any(|scheme| line.starts_with(scheme));
    let on_https = fix.text.contains("must listen there");
    if listed.is_empty() || !listed.iter().all(is_url) || scenario.args.first().is_none_or(|command| command != "turn") {
        Err("it is made elsewhere (application)".to_owned())
    } else if listed.iter().any(|url| url.contains("<host name>")) {
        Err("it takes a name that leads to the server".to_owned())
    } else {
        Ok(Remedy::Urls { listed, on_https })
    }
}

fn is_configuration(line: &str) -> bool {
    let key = line.split_once('=').map_or(line, |(key, _)| key);
    !key.is_empty() && key.chars().all(|char| char.is_ascii_lowercase() || char == '-')
}

/// The keys that a sentence says to remove: `remove no-tls and no-dtls`.
fn removed(text: &str) -> Vec<String> {
    let mut keys = Vec::new();
    for (at, _) in text.match_indices("emove ") {
        let words = text[at + "emove ".len()..].split_whitespace().map(|word| word.trim_end_matches([',', ';', '.', ':']));
        let named = words.filter(|word| *word != "and").take_while(|word| word.contains('-') && is_configuration(word));
        keys.extend(named.map(str::to_owned));
    }
    keys
}

/// Does it on the hosts of the servers that a finding is about; whether it changes anything there.
fn apply(remedy: &Remedy, finding: &Finding, asked: &mut Scenario, servers: &mut [Coturn], folder: &Path) -> Outcome<bool> {
    if let Remedy::Urls { listed, .. } = remedy {
        list(listed, asked);
    }
    let scenario = &*asked;
    let about = finding.server().filter(IpAddr::is_ipv4);
    let is_concerned = |site: Site| about.is_none_or(|ip| ip == IpAddr::from(site.relay) || ip == IpAddr::from(site.own));
    let mut changed = matches!(remedy, Remedy::Urls { .. });
    for server in servers.iter_mut().filter(|server| is_concerned(server.site())) {
        changed |= apply_at(remedy, scenario, server, folder)?;
    }
    Ok(changed)
}

fn apply_at(remedy: &Remedy, scenario: &Scenario, server: &mut Coturn, folder: &Path) -> Outcome<bool> {
    let site = server.site();
    match remedy {
        Remedy::Lines { added, removed } => {
            let added = added.iter().map(|line| filled_in(line, scenario, site, folder));
            let mut changes: Vec<String> = removed.iter().map(|key| format!("-{key}")).chain(added).collect();
            // The certificate that is at hand here comes with a key of its own.
            if changes.iter().any(|line| line.starts_with("cert=")) {
                changes.push(filled_in("pkey=KEY", scenario, site, folder));
            }
            let mut lines = server.lines().to_vec();
            coturn::apply(&mut lines, &changes);
            let changed = lines != server.lines();
            server.restart(scenario, lines, folder)?;
            Ok(changed)
        }
        Remedy::Urls { on_https, .. } => {
            if *on_https {
                let mut lines = server.lines().to_vec();
                let listening = ["-no-tls", "-no-dtls", "cert=CHAIN", "pkey=KEY", "tls-listening-port=443"];
                coturn::apply(&mut lines, &listening.map(|line| filled_in(line, scenario, site, folder)));
                server.restart(scenario, lines, folder)?;
            }
            Ok(true)
        }
        Remedy::Shell(script) => {
            std::fs::write(CONFIGURATION, server.lines().join("\n") + "\n").doing("writing coturn's configuration")?;
            let restarts = run_as_operator(&filled_in(script, scenario, site, folder), site, folder)?;
            if !restarts {
                return Ok(true);
            }
            let text = std::fs::read_to_string(CONFIGURATION).doing("reading coturn's configuration")?;
            let lines: Vec<String> = text.lines().map(str::to_owned).collect();
            let changed = lines != server.lines() || script.contains("certbot");
            server.restart(scenario, lines, folder)?;
            Ok(changed)
        }
    }
}

/// Has the application list these URLs.
fn list(urls: &[String], asked: &mut Scenario) {
    let host = topology::turn_address(asked.server).to_string();
    let filled = urls.iter().map(|url| url.replace("<public name or address>", &host));
    asked.args = std::iter::once("turn".to_owned()).chain(filled).collect();
    asked.args.extend(["--ca".to_owned(), "{ca}".to_owned()]);
    // The list had the login.
    if asked.ice_servers.take().is_some() {
        asked.credentials = Credentials::Right;
    }
}

/// What a person fills in.
fn filled_in(text: &str, scenario: &Scenario, site: Site, folder: &Path) -> String {
    let own = site.own.to_string();
    let certificate = |part: &str| folder.join(format!("server{RENEWED}{part}.pem")).display().to_string();
    let (name, password) = command::login(scenario);
    text.replace("/etc/coturn/fullchain.pem", "CHAIN")
        .replace("/etc/coturn/privkey.pem", "KEY")
        .replace("=CHAIN", &format!("={}", certificate("")))
        .replace("=KEY", &format!("={}", certificate("-key")))
        .replace("PRIVATE-ADDRESS", &own)
        .replace("IPV4-ADDRESS", &own)
        .replace("IPV6-ADDRESS", &TURN_V6.to_string())
        .replace("NAME:PASSWORD", &format!("{name}:{password}"))
        .replace("=SECRET", &format!("={}", command::secret_of_caller(scenario)))
}

/// Runs a command on the server's host, where `systemctl` only notes what is wanted and `certbot` has a certificate ready; whether coturn is
/// to start again.
fn run_as_operator(script: &str, site: Site, folder: &Path) -> Outcome<bool> {
    let (tools, wanted) = (folder.join("tools"), folder.join("wanted"));
    std::fs::create_dir_all(&tools).doing("making a folder of tools")?;
    File::create(&wanted).doing("making a list of what is wanted")?;
    let renew = |server: &str| {
        let to = folder.join(server).display().to_string();
        format!("for part in .pem -key.pem; do if [ -e {to}$part ]; then cp {to}{RENEWED}$part {to}$part; fi; done\n")
    };
    tool(&tools.join("systemctl"), &format!("echo \"$@\" >> {}\n", wanted.display()))?;
    tool(&tools.join("certbot"), &(renew("server") + &renew("other")))?;
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap_or_default());
    let output = site.host.inside(|| {
        let mut shell = Command::new("sh");
        shell.args(["-ec", script]).env("PATH", path).stdin(Stdio::null()).output().doing(script)
    })?;
    if !output.status.success() {
        return Err(format!("{script}: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    Ok(!std::fs::read_to_string(&wanted).doing("reading what is wanted")?.is_empty())
}

fn tool(file: &Path, script: &str) -> Outcome<()> {
    std::fs::write(file, format!("#!/bin/sh\n{script}")).doing("writing a tool")?;
    std::fs::set_permissions(file, PermissionsExt::from_mode(0o755)).doing("writing a tool")
}

fn hold_against_list(line: &str) -> Outcome<()> {
    if let Some(file) = std::env::var_os(UPDATE) {
        let mut file = OpenOptions::new().create(true).append(true).open(file).doing("opening the list")?;
        return file.write_all(format!("{line}\n").as_bytes()).doing("writing the list");
    }
    // Where several causes remain, which of them comes first may differ from run to run; of one cause the reason is one.
    let scenario_and_cause = |line: &str| line.splitn(3, ": ").take(2).map(str::to_owned).collect::<Vec<_>>();
    let (asked, mut listed) = (scenario_and_cause(line), NOT_APPLIED.lines().filter(|listed| !listed.is_empty()));
    let known = listed.find(|listed| scenario_and_cause(listed)[0] == asked[0]);
    match known {
        Some(known) if known == line || scenario_and_cause(known) != asked => Ok(()),
        Some(_) | None => Err(format!("its fix is not applied, and this is not listed: {line}")),
    }
}
