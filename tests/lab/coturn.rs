//! The real TURN server: its configuration, its start, the allocations of other callers, and what is left of ours.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use stun_codec::rfc5389::attributes::ErrorCode;

use crate::certificates::Files;
use crate::clock;
use crate::format::{Credentials, Fault, Placement, Redirect, Scenario};
use crate::namespaces::Host;
use crate::outcome::{Doing, Outcome};
use crate::stun;
use crate::topology::{CALLER, CONTROLS, CONTROLS_V6, Site, TURN, TURN_SECOND, TURN_V6};

/// The secret of the servers with ephemeral credentials.
pub const SECRET: &str = "north-by-northwest-1959";

const START_DEADLINE: Duration = Duration::from_secs(10);
/// coturn may take a second to give a freed allocation back, and a browser that leaves at the end some more.
const RELEASE_DEADLINE: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(5);
const STUN_PORT: u16 = 3478;
const QUOTA_REACHED: u16 = 486;
const NO_CAPACITY: u16 = 508;

/// A running server.
#[derive(Debug)]
pub struct Coturn {
    process: Child,
    site: Site,
    lines: Vec<String>,
    log: PathBuf,
    others: usize,
    holders: Vec<UdpSocket>,
}

/// Starts the scenario's server at a site, and the second one where callers are redirected to it or where it has the same ports; returns
/// when they answer.
pub fn start(scenario: &Scenario, site: Site, certificate: Option<&Files>, folder: &Path) -> Outcome<Coturn> {
    let lines = configuration(scenario, site, certificate);
    let (process, log) = launch("first", site, server(scenario), &lines, folder)?;
    wait_until_ready(scenario, site.host, site.own, &lines)?;
    for fault in &scenario.faults {
        if let Fault::RedirectsTo(redirect @ (Redirect::Working | Redirect::Loop)) = fault {
            let second = second_configuration(&lines, *redirect, scenario.port);
            launch("second", site, Command::new("turnserver"), &second, folder)?;
            wait_until_ready(scenario, site.host, TURN_SECOND, &second)?;
        }
    }
    if let Some(changes) = &scenario.second_process {
        share_ports(scenario, site, &process, (&lines, changes), folder)?;
    }
    let holders = hold_allocations(scenario, site, usize::MAX)?;
    let mut server = Coturn { process, site, lines, log, others: 0, holders };
    server.others = server.relay_sockets()?;
    Ok(server)
}

impl Coturn {
    /// Where it runs.
    pub fn site(&self) -> Site {
        self.site
    }

    /// Its configuration.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Starts it again with another configuration; those who held allocations take them again.
    pub fn restart(&mut self, scenario: &Scenario, lines: Vec<String>, folder: &Path) -> Outcome<()> {
        self.process.kill().doing("ending the server")?;
        self.process.wait().doing("ending the server")?;
        (self.process, self.log) = launch("first", self.site, server(scenario), &lines, folder)?;
        wait_until_ready(scenario, self.site.host, self.site.own, &lines)?;
        self.lines = lines;
        self.holders = hold_allocations(scenario, self.site, self.holders.len())?;
        self.others = 0;
        self.others = self.relay_sockets()?;
        Ok(())
    }

    /// How many allocations the run under test has on the server now, seen by the relay's sockets.
    pub fn allocations(&self) -> Outcome<usize> {
        Ok(self.relay_sockets()?.saturating_sub(self.others))
    }

    /// The end of the server's log.
    pub fn log_tail(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_else(|error| error.to_string());
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(25)..].join("\n")
    }

    /// UDP sockets of the server's namespace which aren't listeners: coturn's listening ports all lie below the relay's.
    fn relay_sockets(&self) -> Outcome<usize> {
        count_sockets(&self.process, |port| port >= 10_000)
    }
}

/// How many UDP sockets the process's namespace has at such ports. Those with a peer of their own are of no relay: a proxy has them.
fn count_sockets(process: &Child, is_counted: impl Fn(u16) -> bool) -> Outcome<usize> {
    let mut count = 0;
    for table in ["udp", "udp6"] {
        let path = format!("/proc/{}/net/{table}", process.id());
        let text = std::fs::read_to_string(&path).doing(&path)?;
        let unconnected =
            text.lines().skip(1).filter(|line| line.split_whitespace().nth(2).is_some_and(|peer| peer.ends_with(":0000")));
        count += unconnected.filter_map(local_port).filter(|port| is_counted(*port)).count();
    }
    Ok(count)
}

/// Starts another coturn on the ports that the first one has; the kernel gives each flow to one of them. Its answers can't be told from
/// the first one's, so it is ready when there are twice as many sockets.
fn share_ports(
    scenario: &Scenario,
    site: Site,
    first: &Child,
    (lines, changes): (&[String], &[String]),
    folder: &Path,
) -> Outcome<()> {
    let mut second = lines.to_vec();
    apply(&mut second, changes);
    let listeners = || count_sockets(first, |port| port == scenario.port);
    let alone = listeners()?;
    launch("second", site, Command::new("turnserver"), &second, folder)?;
    poll_until(Instant::now() + START_DEADLINE, "a second server has the ports too", || Ok(listeners()? >= 2 * alone))
}

/// How many allocations of ours are left when the servers had their time to release them.
pub fn allocations_after_release(servers: &[Coturn], expected: usize) -> Outcome<usize> {
    let deadline = Instant::now() + RELEASE_DEADLINE;
    loop {
        let left = servers.iter().map(Coturn::allocations).sum::<Outcome<usize>>()?;
        if left == expected || Instant::now() > deadline {
            return Ok(left);
        }
        std::thread::sleep(POLL);
    }
}

/// The local port in a line of /proc/net/udp: `sl local_address:port …` in hexadecimal.
fn local_port(line: &str) -> Option<u16> {
    let local = line.split_whitespace().nth(1)?;
    u16::from_str_radix(local.rsplit_once(':')?.1, 16).ok()
}

fn launch(name: &str, site: Site, mut command: Command, lines: &[String], folder: &Path) -> Outcome<(Child, PathBuf)> {
    let name = format!("{name}-{}", site.host.name());
    let file = folder.join(format!("{name}.conf"));
    let log = folder.join(format!("{name}.log"));
    let (pid, database) = (folder.join(format!("{name}.pid")), folder.join(format!("{name}.db")));
    let text = format!("{}\npidfile={}\nuserdb={}\n", lines.join("\n"), pid.display(), database.display());
    std::fs::write(&file, text).doing("writing turnserver.conf")?;
    let output = File::create(&log).doing("making the server's log")?;
    let errors = output.try_clone().doing("making the server's log")?;
    let process = site.host.inside(|| {
        command.arg("-c").arg(&file).stdin(Stdio::null()).stdout(output).stderr(errors).spawn().doing("starting turnserver")
    })?;
    Ok((process, log))
}

/// The server, whose clock may be ahead. A search of all ports takes coturn a second of a core of its own, and ever so long of one that it
/// shares with all tests: then it comes before them.
fn server(scenario: &Scenario) -> Command {
    let server = clock::showing("turnserver", clock_ahead(scenario));
    if !scenario.faults.contains(&Fault::RelayAddressAbsent) {
        return server;
    }
    let mut command = Command::new("nice");
    command.args(["-n", "-10"]).arg(server.get_program()).args(server.get_args());
    command
}

fn clock_ahead(scenario: &Scenario) -> i64 {
    let ahead = |fault: &Fault| if let Fault::ServerClockAhead(seconds) = fault { Some(i64::from(*seconds)) } else { None };
    scenario.faults.iter().find_map(ahead).unwrap_or_default()
}

fn configuration(scenario: &Scenario, site: Site, certificate: Option<&Files>) -> Vec<String> {
    let mut lines = vec![
        format!("listening-port={}", scenario.port),
        format!("tls-listening-port={}", scenario.tls_port),
        format!("min-port={}", scenario.relay_ports.first),
        format!("max-port={}", scenario.relay_ports.last),
        format!("realm={}", scenario.realm),
        "fingerprint".into(),
        "verbose".into(),
        "log-file=stdout".into(),
        "no-cli".into(),
    ];
    lines.extend(authentication(scenario.credentials, scenario));
    match certificate {
        Some(files) => {
            lines.push(format!("cert={}", files.chain.display()));
            lines.push(format!("pkey={}", files.key.display()));
        }
        None => lines.extend(["no-tls".into(), "no-dtls".into()]),
    }
    if scenario.second_address && scenario.server == Placement::Public {
        // Left to find them itself, coturn 4.6.1 names its first address with another port as OTHER-ADDRESS.
        lines.extend([TURN, TURN_SECOND].map(|address| format!("listening-ip={address}")));
        lines.extend(scenario.ipv6.then(|| format!("listening-ip={TURN_V6}")));
    }
    if scenario.server == Placement::OneToOneNat {
        lines.push(format!("external-ip={}/{}", site.relay, site.own));
    }
    for fault in &scenario.faults {
        apply(&mut lines, &fault_lines(fault, scenario, site));
    }
    let chain = certificate.map(|files| files.chain.display().to_string()).unwrap_or_default();
    let changes: Vec<String> = scenario.coturn.iter().map(|line| line.replace("{chain}", &chain)).collect();
    apply(&mut lines, &changes);
    lines
}

fn second_configuration(first: &[String], redirect: Redirect, port: u16) -> Vec<String> {
    let mut lines = first.to_vec();
    let mut changes = vec![format!("listening-ip={TURN_SECOND}"), format!("relay-ip={TURN_SECOND}")];
    changes.push(match redirect {
        Redirect::Loop => format!("alternate-server={TURN}:{port}"),
        Redirect::Working | Redirect::Dead => "-alternate-server".into(),
    });
    apply(&mut lines, &changes);
    lines
}

fn authentication(credentials: Credentials, scenario: &Scenario) -> Vec<String> {
    match credentials {
        Credentials::Right
        | Credentials::RightFromEnvironment
        | Credentials::None
        | Credentials::WrongPassword
        | Credentials::UnknownUser => {
            vec!["lt-cred-mech".into(), format!("user={}:{}", scenario.account.user, scenario.account.password)]
        }
        Credentials::Rest
        | Credentials::RestWithName
        | Credentials::RestWrongSecret
        | Credentials::RestExpired
        | Credentials::RestExpiringSoon
        | Credentials::RestMilliseconds
        | Credentials::RestPlainUser => vec!["use-auth-secret".into(), format!("static-auth-secret={SECRET}")],
    }
}

/// Merges `changes`: the lines of a key that they name go first, `-key` adds none instead.
pub fn apply(lines: &mut Vec<String>, changes: &[String]) {
    for change in changes {
        let key = key_of(change.trim_start_matches('-'));
        lines.retain(|line| key_of(line) != key);
    }
    lines.extend(changes.iter().filter(|change| !change.starts_with('-')).cloned());
}

fn key_of(line: &str) -> &str {
    line.split_once('=').map_or(line, |(key, _)| key)
}

/// The configuration that makes a fault, where a configuration does.
fn fault_lines(fault: &Fault, scenario: &Scenario, site: Site) -> Vec<String> {
    match fault {
        Fault::ExternalIpMissing => vec!["-external-ip".into()],
        Fault::ExternalIpWrong(address) => vec![format!("external-ip={address}/{}", site.own)],
        Fault::UdpListenerOff => vec!["no-udp".into()],
        Fault::TcpListenerOff | Fault::LoadBalancerWithoutBackend => vec!["no-tcp".into()],
        Fault::StunOff => vec!["no-stun".into()],
        Fault::TurnOff => vec!["stun-only".into()],
        Fault::AnonymousAccess => vec!["-lt-cred-mech".into(), "-user".into(), "no-auth".into()],
        Fault::UserQuotaReached => vec!["user-quota=1".into()],
        Fault::TotalQuotaReached => vec!["total-quota=1".into()],
        Fault::RelayAddressAbsent => vec!["relay-ip=203.0.113.77".into()],
        Fault::UdpRelayOff => vec!["no-udp-relay".into()],
        Fault::RelayLacksIpv4 => vec![format!("relay-ip={TURN_V6}")],
        Fault::OwnAddressDenied => vec![format!("denied-peer-ip={0}-{0}", site.own)],
        Fault::CallerAddressDenied => vec![format!("denied-peer-ip={CALLER}-{CALLER}")],
        Fault::RedirectsTo(Redirect::Working | Redirect::Loop) => {
            vec![format!("alternate-server={TURN_SECOND}:{}", scenario.port), format!("listening-ip={TURN}")]
        }
        Fault::RedirectsTo(Redirect::Dead) => vec![format!("alternate-server=203.0.113.99:{}", scenario.port)],
        Fault::HttpInsideTls | Fault::TlsTooOld => vec!["-cert".into(), "-pkey".into(), "no-tls".into(), "no-dtls".into()],
        Fault::TlsTooOldAndSilent => vec!["no-tlsv1_2".into(), "cipher-list=ALL:@SECLEVEL=0".into()],
        Fault::TurnUdpDropped
        | Fault::TurnUdpRejected
        | Fault::TurnUdpProhibited
        | Fault::TurnUdpProhibitedByServer
        | Fault::TurnUdpDroppedOverIpv6
        | Fault::TurnTcpDropped
        | Fault::TurnTcpReset
        | Fault::TurnTcpProhibited
        | Fault::TurnTlsDropped
        | Fault::TurnDtlsDropped
        | Fault::ServerDropsEverything
        | Fault::ServerDropsIpv6
        | Fault::HostDown
        | Fault::RelayRangeDropped
        | Fault::RelayRangeStateful
        | Fault::RelayRangeRejected
        | Fault::RelayRangeProhibited
        | Fault::RelayRangeOpenOnly(_)
        | Fault::RelayPortsDroppedWhereDivisibleBy(_)
        | Fault::RelayEgressDropped
        | Fault::RelayEgressRefused
        | Fault::RelayLoss(_)
        | Fault::TcpLoss(_)
        | Fault::OneToOneNatForwardsTurnPortsOnly
        | Fault::OneToOneNatRemapsRelayPorts
        | Fault::OneToOneNatDropsHairpin
        | Fault::ServerNatRewritesSources
        | Fault::LoadBalancerHidesTcpSources
        | Fault::RepliesFromOtherAddress
        | Fault::RelaySendsFromOtherAddress
        | Fault::RelayTakesSmallPacketsOnly
        | Fault::NotRunning
        | Fault::RelayPortsExhausted
        | Fault::EmbeddedServer(_)
        | Fault::RelaysCantReachEachOther
        | Fault::LaterAnswersDieOnTheWay
        | Fault::ServerClockAhead(_)
        | Fault::NonceAlwaysStale
        | Fault::RealmMissing
        | Fault::OtherAddressIs(_)
        | Fault::AllocateRefusedWith(_)
        | Fault::HttpOnTurnPort
        | Fault::StreamStallsAfterBytes(_)
        | Fault::ClientNetworkDropsUdp
        | Fault::ClientNetworkDropsStun
        | Fault::ClientNetworkDropsIpv6
        | Fault::ServerUnroutedOverIpv6
        | Fault::ClientNetworkLetsNoUdpIn
        | Fault::ClientNetworkLetsUdpInFromPorts(_)
        | Fault::ClientNetworkPassesUdpPorts(_)
        | Fault::ClientNetworkPassesTcpPorts(_)
        | Fault::ClientNetworkPassesHosts(_)
        | Fault::ClientNetworkDropsHosts(_)
        | Fault::ClientNetworkResetsHosts(_)
        | Fault::ClientNetworkRequiresProxy
        | Fault::TcpLeavesFromOtherAddress
        | Fault::GatewayRewritesMappedAddress
        | Fault::ControlsSilent
        | Fault::LocalFirewallRefusesUdp
        | Fault::CaptivePortal
        | Fault::TlsIntercepted
        | Fault::CallerHasNoIpv4
        | Fault::TurnUdpDroppedByRouter(_)
        | Fault::TurnUdpRejectedByRouter(_)
        | Fault::TurnTcpResetByRouter(_)
        | Fault::RoutersSendNoTimeExceeded
        | Fault::RoutersSendNoFragmentationNeeded
        | Fault::LineCarries(_)
        | Fault::ProxyConnectsToPorts(_)
        | Fault::ProxyWantsLogin
        | Fault::FragmentsDropped
        | Fault::ServerFirewallPassesAnswers
        | Fault::TurnUdpLimited(_)
        | Fault::LargePacketsDropped(_) => Vec::new(),
    }
}

/// Waits until every listener that the configuration has answers: UDP by a STUN message, the streams by accepting.
fn wait_until_ready(scenario: &Scenario, host: Host, address: Ipv4Addr, lines: &[String]) -> Outcome<()> {
    let off = |key: &str| lines.iter().any(|line| line == key);
    let question = if off("no-stun") { stun::allocate() } else { stun::binding() };
    let question = stun::encode(question)?;
    let set = |key: &str| lines.iter().rev().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')?.parse().ok());
    let port: u16 = set("listening-port").unwrap_or(scenario.port);
    let tls_port = set("tls-listening-port").unwrap_or(scenario.tls_port);
    let deadline = Instant::now() + START_DEADLINE;
    host.inside(|| {
        if !off("no-udp") {
            poll_until(deadline, "the server answers over UDP", || answers_udp(&question, (address, port).into()))?;
        }
        let streams = [(port, "no-tcp"), (tls_port, "no-tls")];
        for (port, _) in streams.iter().filter(|(_, switch)| !off(switch)) {
            poll_until(deadline, "the server accepts streams", || Ok(TcpStream::connect((address, *port)).is_ok()))?;
        }
        Ok(())
    })
}

/// Asks again and again until `condition` holds.
pub fn poll_until(deadline: Instant, what: &str, mut condition: impl FnMut() -> Outcome<bool>) -> Outcome<()> {
    while !condition()? {
        if Instant::now() > deadline {
            return Err(format!("waited in vain until {what}"));
        }
        std::thread::sleep(POLL);
    }
    Ok(())
}

/// Waits until the caller gets answers over IPv6. Routers don't find their neighbours in the first second of a new link.
pub fn wait_for_ipv6(scenario: &Scenario) -> Outcome<()> {
    let question = stun::encode(stun::binding())?;
    let deadline = Instant::now() + START_DEADLINE;
    let servers = [(TURN_V6, scenario.port), (CONTROLS_V6[0], STUN_PORT), (CONTROLS_V6[1], STUN_PORT)];
    Host::Client.inside(|| {
        for (address, port) in servers {
            let server = SocketAddr::new(address.into(), port);
            poll_until(deadline, "the caller has IPv6", || answers_udp(&question, server))?;
        }
        Ok(())
    })
}

fn answers_udp(question: &[u8], server: SocketAddr) -> Outcome<bool> {
    let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).doing("binding")?;
    socket.connect(server).doing("connecting")?;
    socket.set_read_timeout(Some(Duration::from_millis(50))).doing("setting a timeout")?;
    let asked = socket.send(question).is_ok();
    Ok(asked && socket.recv(&mut [0; 1500]).is_ok())
}

/// Takes allocations from another host, as many as the server gives, up to a number.
fn hold_allocations(scenario: &Scenario, site: Site, most: usize) -> Outcome<Vec<UdpSocket>> {
    let has = |fault| scenario.faults.contains(&fault);
    let refusal = if has(Fault::UserQuotaReached) || has(Fault::TotalQuotaReached) {
        QUOTA_REACHED
    } else if has(Fault::RelayPortsExhausted) {
        NO_CAPACITY
    } else {
        return Ok(Vec::new());
    };
    Host::Control.inside(|| {
        let mut held = Vec::new();
        while held.len() < most {
            let socket = UdpSocket::bind((CONTROLS[1], 0)).doing("binding a holder")?;
            socket.connect((site.relay, scenario.port)).doing("connecting a holder")?;
            socket.set_read_timeout(Some(Duration::from_secs(2))).doing("setting a timeout")?;
            let challenge = exchange(&socket, stun::allocate())?;
            let answer = exchange(&socket, stun::allocate_as(&scenario.account, &challenge)?)?;
            match answer.get_attribute::<ErrorCode>().map(ErrorCode::code) {
                None => held.push(socket),
                Some(code) if code == refusal => return Ok(held),
                Some(code) => return Err(format!("the server refused a holder with {code}, not {refusal}")),
            }
        }
        Ok(held)
    })
}

fn exchange(socket: &UdpSocket, request: stun_codec::Message<stun::Attribute>) -> Outcome<stun_codec::Message<stun::Attribute>> {
    let mut buffer = [0; 1500];
    socket.send(&stun::encode(request)?).doing("asking for an allocation")?;
    let length = socket.recv(&mut buffer).doing("asking for an allocation")?;
    stun::decode(&buffer[..length]).ok_or_else(|| "the server's answer is no STUN message".to_owned())
}
