//! The faults that a firewall, a router or a line makes, as nftables rules on the host where they would really be.
//!
//! A rule about the relay range spares loopback, as ufw does. Without that, relay to relay would fail as well, and the lab would hide
//! the very trap that it is there to set.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::controls::{INTERCEPTOR_PORT, PORTAL_PORT};
use crate::format::{Fault, Nat, Placement, Responder, Router, Scenario};
use crate::namespaces::Host;
use crate::outcome::Outcome;
use crate::responder;
use crate::topology::{self, CALLER, CALLER_PRIVATE, OTHER_SITE, Site, TURN_SECOND};

const FROM_OUTSIDE: &str = "iifname != \"lo\"";
const FROM_CALLER: &str = "iifname \"client\"";
const PROHIBITED: &str = "reject with icmp type admin-prohibited";
const HOST_PROHIBITED: &str = "reject with icmp type host-prohibited";
const TO_CALLER: &str = "oifname \"client\"";

/// Where in the kernel a rule stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Hook {
    Redirect,
    Input,
    Forward,
    /// Before any rule of a firewall sees what a program sends.
    Sent,
    Output,
    Rewrite,
}

impl Hook {
    fn declaration(self) -> &'static str {
        match self {
            Self::Redirect => "type nat hook prerouting priority dstnat",
            Self::Input => "type filter hook input priority 0",
            Self::Forward => "type filter hook forward priority 0",
            Self::Sent => "type filter hook output priority -10",
            Self::Output => "type filter hook output priority 0",
            Self::Rewrite => "type filter hook postrouting priority srcnat + 10",
        }
    }
}

/// The rules of all hosts, the router of the caller's own network with its link to the caller, and the server of which rules are made.
struct Rules {
    lines: BTreeMap<(Host, Hook), Vec<String>>,
    gateway: (Host, &'static str),
    site: Site,
}

impl Rules {
    fn new(scenario: &Scenario, site: Site) -> Self {
        // A filter on the NAT itself drops before the mapping is made; one behind it would leave a hole for answers.
        let gateway = if scenario.nat == Nat::None { (Host::Inet, "client") } else { (Host::Nat, "lan") };
        Self { lines: BTreeMap::new(), gateway, site }
    }

    fn add(&mut self, host: Host, hook: Hook, rule: impl Into<String>) {
        self.lines.entry((host, hook)).or_default().push(rule.into());
    }

    fn server_input(&mut self, rule: &str) {
        self.add(self.site.host, Hook::Input, format!("{FROM_OUTSIDE} {rule}"));
    }

    fn server_router(&mut self, rule: &str) {
        self.add(Host::Inet, Hook::Forward, format!("oifname \"{}\" {rule}", self.site.link));
    }

    fn caller_network(&mut self, rule: &str) {
        let (router, device) = self.gateway;
        self.add(router, Hook::Forward, format!("iifname \"{device}\" {rule}"));
    }

    fn table(&self, host: Host) -> String {
        let mut text = "table inet faults {\n".to_owned();
        for ((_, hook), rules) in self.lines.iter().filter(|((owner, _), _)| *owner == host) {
            let _ = write!(text, "chain {hook:?} {{\n{}\n{}\n}}\n", hook.declaration(), rules.join("\n"));
        }
        text + "}\n"
    }
}

/// Puts the scenario's faults and its line's loss into the network.
pub fn break_network(scenario: &Scenario) -> Outcome<()> {
    let mut rules = Rules::new(scenario, topology::sites(scenario)[0]);
    if scenario.loss_percent > 0.0 {
        lose_of_line(&mut rules, "udp", scenario.loss_percent);
    }
    if let Some(responder) = &scenario.responder {
        close_responder(&mut rules, responder);
    }
    for fault in &scenario.faults {
        add_fault(&mut rules, fault, scenario);
        if matches!(fault, Fault::StreamStallsAfterBytes(_)) {
            Host::Inet.sysctl("netfilter/nf_conntrack_acct", "1")?;
        }
        if *fault == Fault::LaterAnswersDieOnTheWay {
            rules.site.host.sysctl("netfilter/nf_conntrack_acct", "1")?;
        }
    }
    if let Some(view) = scenario.of_other_server() {
        rules.site = OTHER_SITE;
        view.faults.iter().for_each(|fault| add_fault(&mut rules, fault, &view));
    }
    let hosts: BTreeSet<Host> = rules.lines.keys().map(|(host, _)| *host).collect();
    hosts.into_iter().try_for_each(|host| host.nft(&rules.table(host)))
}

fn close_responder(rules: &mut Rules, responder: &Responder) {
    if let Some(open) = &responder.tcp_open_only {
        rules.server_input(&format!("tcp dport {} tcp dport != {} drop", responder.range, set(open)));
    }
    for protocol in &responder.closed {
        rules.server_input(&format!("{protocol} dport {} drop", responder::PORT));
    }
}

/// The table in which the caller's network is dead.
const DEAD: &str = "dead";

/// Has the caller's network drop everything from now on.
pub fn end_callers_network(scenario: &Scenario) -> Outcome<()> {
    let rules = Rules::new(scenario, topology::sites(scenario)[0]);
    let (router, device) = rules.gateway;
    let drop = |way| format!("{way} \"{device}\" drop");
    let (declaration, out, back) = (Hook::Forward.declaration(), drop("iifname"), drop("oifname"));
    router.nft(&format!("table inet {DEAD} {{\nchain everything {{\n{declaration}\n{out}\n{back}\n}}\n}}\n"))
}

/// Undoes that.
pub fn restore_callers_network(scenario: &Scenario) -> Outcome<()> {
    let rules = Rules::new(scenario, topology::sites(scenario)[0]);
    rules.gateway.0.nft(&format!("add table inet {DEAD}\ndelete table inet {DEAD}\n"))
}

/// The caller's line loses packets of a protocol each way.
fn lose_of_line(rules: &mut Rules, protocol: &str, percent: f64) {
    for way in [FROM_CALLER, TO_CALLER] {
        lose(rules, Host::Inet, Hook::Forward, &format!("{way} meta l4proto {protocol}"), percent);
    }
}

/// nft compares what `numgen` gives byte by byte, the lowest first on most machines, so only numbers below 256 compare rightly.
fn lose(rules: &mut Rules, host: Host, hook: Hook, which: &str, percent: f64) {
    rules.add(host, hook, format!("{which} numgen random mod 200 < {:.0} drop", percent * 2.0));
}

/// What a firewall with a memory is made of, where it opens nothing.
const STATEFUL: [Fault; 2] = [Fault::ServerFirewallPassesAnswers, Fault::RelayRangeDropped];

fn add_fault(rules: &mut Rules, fault: &Fault, scenario: &Scenario) {
    let (port, tls_port, range) = (scenario.port, scenario.tls_port, scenario.relay_ports);
    match fault {
        Fault::TurnUdpDropped => rules.server_input(&format!("udp dport {port} drop")),
        Fault::TurnUdpRejected => rules.server_input(&format!("udp dport {port} reject")),
        Fault::TurnUdpProhibited => rules.server_router(&format!("udp dport {port} {PROHIBITED}")),
        Fault::TurnUdpProhibitedByServer => rules.server_input(&format!("udp dport {port} {HOST_PROHIBITED}")),
        Fault::TurnUdpDroppedOverIpv6 => rules.server_input(&format!("meta nfproto ipv6 udp dport {port} drop")),
        Fault::TurnTcpDropped => rules.server_input(&format!("tcp dport {port} drop")),
        Fault::TurnTcpReset => rules.server_input(&format!("tcp dport {port} reject with tcp reset")),
        Fault::TurnTcpProhibited => rules.server_router(&format!("tcp dport {port} {PROHIBITED}")),
        Fault::TurnDtlsDropped => rules.server_input(&format!("udp dport {tls_port} drop")),
        Fault::TurnTlsDropped => rules.server_input(&format!("tcp dport {tls_port} drop")),
        Fault::ServerDropsEverything => rules.server_input("drop"),
        // Neighbour discovery is what ARP is to IPv4: without it nothing would even arrive to be dropped.
        Fault::ServerDropsIpv6 => rules.server_input("meta nfproto ipv6 meta l4proto != icmpv6 drop"),
        Fault::ServerUnroutedOverIpv6 => {
            rules.server_router("meta nfproto ipv6 meta l4proto != icmpv6 reject with icmpv6 type no-route");
        }
        Fault::RepliesFromOtherAddress
        | Fault::StreamStallsAfterBytes(_)
        | Fault::GatewayRewritesMappedAddress
        | Fault::LaterAnswersDieOnTheWay => alter_packets(rules, fault, scenario),
        Fault::RelayRangeDropped => rules.server_input(&format!("udp dport {range} drop")),
        // The first line of most firewalls.
        Fault::ServerFirewallPassesAnswers => rules.server_input("ct state established,related accept"),
        Fault::RelayRangeStateful => STATEFUL.iter().for_each(|part| add_fault(rules, part, scenario)),
        Fault::RelayRangeRejected => rules.server_input(&format!("udp dport {range} reject")),
        Fault::RelayRangeProhibited => rules.server_input(&format!("udp dport {range} {HOST_PROHIBITED}")),
        Fault::RelayRangeOpenOnly(_)
        | Fault::RelayPortsDroppedWhereDivisibleBy(_)
        | Fault::RelayEgressDropped
        | Fault::RelayEgressRefused
        | Fault::RelaySendsFromOtherAddress
        | Fault::RelayTakesSmallPacketsOnly
        | Fault::RelaysCantReachEachOther
        | Fault::RelayLoss(_) => break_relay(rules, fault, scenario),
        Fault::TcpLoss(percent) => lose_of_line(rules, "tcp", *percent),
        Fault::TurnUdpLimited(rate) => limit_requests(rules, port, *rate),
        Fault::LargePacketsDropped(bytes) => rules.caller_network(&format!("ip length > {bytes} drop")),
        Fault::ControlsSilent => {
            rules.add(Host::Control, Hook::Input, format!("{FROM_OUTSIDE} meta l4proto {{ tcp, udp }} th dport != 53 drop"));
        }
        Fault::LocalFirewallRefusesUdp => rules.add(Host::Client, Hook::Output, "oifname != \"lo\" udp dport != 53 drop"),
        Fault::TurnUdpDroppedByRouter(_)
        | Fault::TurnUdpRejectedByRouter(_)
        | Fault::TurnTcpResetByRouter(_)
        | Fault::RoutersSendNoTimeExceeded
        | Fault::RoutersSendNoFragmentationNeeded
        | Fault::FragmentsDropped => break_routers(rules, fault, scenario),
        Fault::ClientNetworkDropsUdp
        | Fault::ClientNetworkDropsStun
        | Fault::ClientNetworkRequiresProxy
        | Fault::ClientNetworkLetsNoUdpIn
        | Fault::ClientNetworkLetsUdpInFromPorts(_)
        | Fault::ClientNetworkDropsIpv6
        | Fault::ClientNetworkPassesUdpPorts(_)
        | Fault::ClientNetworkPassesTcpPorts(_)
        | Fault::ClientNetworkPassesHosts(_)
        | Fault::ClientNetworkDropsHosts(_)
        | Fault::ClientNetworkResetsHosts(_)
        | Fault::CaptivePortal
        | Fault::TlsIntercepted => restrict_caller(rules, fault, scenario),
        // The map, the server's configuration or a fake makes these.
        Fault::HostDown
        | Fault::LineCarries(_)
        | Fault::ProxyConnectsToPorts(_)
        | Fault::ProxyWantsLogin
        | Fault::ExternalIpMissing
        | Fault::ExternalIpWrong(_)
        | Fault::OneToOneNatForwardsTurnPortsOnly
        | Fault::OneToOneNatRemapsRelayPorts
        | Fault::OneToOneNatDropsHairpin
        | Fault::ServerNatRewritesSources
        | Fault::LoadBalancerHidesTcpSources
        | Fault::LoadBalancerWithoutBackend
        | Fault::TcpLeavesFromOtherAddress
        | Fault::NotRunning
        | Fault::UdpListenerOff
        | Fault::TcpListenerOff
        | Fault::StunOff
        | Fault::TurnOff
        | Fault::AnonymousAccess
        | Fault::UserQuotaReached
        | Fault::TotalQuotaReached
        | Fault::RelayPortsExhausted
        | Fault::RelayAddressAbsent
        | Fault::UdpRelayOff
        | Fault::OwnAddressDenied
        | Fault::CallerAddressDenied
        | Fault::EmbeddedServer(_)
        | Fault::RelayLacksIpv4
        | Fault::ServerClockAhead(_)
        | Fault::CallerHasNoIpv4
        | Fault::NonceAlwaysStale
        | Fault::RealmMissing
        | Fault::OtherAddressIs(_)
        | Fault::AllocateRefusedWith(_)
        | Fault::RedirectsTo(_)
        | Fault::HttpOnTurnPort
        | Fault::HttpInsideTls
        | Fault::TlsTooOld
        | Fault::TlsTooOldAndSilent => {}
    }
}

/// The faults that change packets, or look at more of a flow than where it goes.
#[expect(clippy::wildcard_enum_match_arm, reason = "the caller has chosen these faults by a match over all")]
fn alter_packets(rules: &mut Rules, fault: &Fault, scenario: &Scenario) {
    let (port, tls_port) = (scenario.port, scenario.tls_port);
    match fault {
        Fault::RepliesFromOtherAddress => {
            rules.add(Host::Inet, Hook::Rewrite, format!("iifname \"server\" udp sport {port} ip saddr set {TURN_SECOND}"));
        }
        Fault::StreamStallsAfterBytes(bytes) => stall_streams(rules, [port, tls_port], *bytes),
        Fault::GatewayRewritesMappedAddress => rewrite_mapped_address(rules, port),
        // A flow's first question and its answer are two packets.
        Fault::LaterAnswersDieOnTheWay => {
            rules.add(rules.site.host, Hook::Sent, format!("udp sport {port} ct packets > 2 ip ttl set 1"));
        }
        _ => {}
    }
}

/// The faults of a part of the relay's range, and of what leaves it.
fn limit_requests(rules: &mut Rules, port: u16, a_second: u32) {
    rules.server_input(&format!("udp dport {port} limit rate over {a_second}/second burst 10 packets drop"));
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the caller has chosen these faults by a match over all")]
fn break_relay(rules: &mut Rules, fault: &Fault, scenario: &Scenario) {
    let (range, Site { host, link, .. }) = (scenario.relay_ports, rules.site);
    match fault {
        Fault::RelayRangeOpenOnly(open) => {
            rules.server_input(&format!("udp dport {range} udp dport != {} drop", set(open)));
        }
        Fault::RelayPortsDroppedWhereDivisibleBy(divisor) => {
            rules.server_input(&format!("udp dport {range} udp dport & {} == 0 drop", divisor - 1));
        }
        Fault::RelayEgressDropped => {
            rules.add(Host::Inet, Hook::Forward, format!("iifname \"{link}\" udp sport {range} drop"));
        }
        Fault::RelayEgressRefused => {
            rules.add(host, Hook::Output, format!("oifname != \"lo\" udp sport {range} drop"));
        }
        Fault::RelaySendsFromOtherAddress => {
            rules.add(Host::Inet, Hook::Rewrite, format!("iifname \"{link}\" udp sport {range} ip saddr set {TURN_SECOND}"));
        }
        Fault::RelayTakesSmallPacketsOnly => rules.server_input(&format!("udp dport {range} ip length > 1000 drop")),
        // The host hands such packets to itself.
        Fault::RelaysCantReachEachOther => {
            rules.add(host, Hook::Input, format!("iifname \"lo\" udp sport {range} udp dport {range} drop"));
        }
        // On the router: a packet that the host itself drops is an error to the sender, and coturn ends the allocation for it.
        Fault::RelayLoss(percent) => {
            lose(rules, Host::Inet, Hook::Forward, &format!("oifname \"{link}\" udp dport {range}"), *percent);
            lose(rules, Host::Inet, Hook::Forward, &format!("iifname \"{link}\" udp sport {range}"), *percent);
        }
        _ => {}
    }
}

/// The faults of routers that let most things through.
#[expect(clippy::wildcard_enum_match_arm, reason = "the caller has chosen these faults by a match over all")]
fn break_routers(rules: &mut Rules, fault: &Fault, scenario: &Scenario) {
    match fault {
        Fault::TurnUdpDroppedByRouter(router) => drop_at(rules, *router, &format!("udp dport {} drop", scenario.port)),
        Fault::TurnUdpRejectedByRouter(router) => drop_at(rules, *router, &format!("udp dport {} reject", scenario.port)),
        Fault::TurnTcpResetByRouter(router) => {
            drop_at(rules, *router, &format!("tcp dport {} reject with tcp reset", set(&[scenario.port, scenario.tls_port])));
        }
        Fault::RoutersSendNoTimeExceeded => {
            mute_routers(rules, scenario, &["icmp type time-exceeded", "icmpv6 type time-exceeded"]);
        }
        Fault::RoutersSendNoFragmentationNeeded => {
            mute_routers(rules, scenario, &["icmp code frag-needed", "icmpv6 type packet-too-big"]);
        }
        Fault::FragmentsDropped => rules.add(Host::Inet, Hook::Forward, "ip frag-off & 0x3fff != 0 drop"),
        _ => {}
    }
}

/// The faults of the caller's network that let a few things through, or send them elsewhere.
#[expect(clippy::wildcard_enum_match_arm, reason = "the caller has chosen these faults by a match over all")]
fn restrict_caller(rules: &mut Rules, fault: &Fault, scenario: &Scenario) {
    match fault {
        Fault::ClientNetworkDropsUdp => rules.caller_network("meta l4proto udp drop"),
        // The magic cookie stands 4 bytes into a STUN message, which is 12 bytes into the UDP header.
        Fault::ClientNetworkDropsStun => rules.caller_network("meta l4proto udp @th,96,32 0x2112a442 drop"),
        Fault::ClientNetworkRequiresProxy => rules.caller_network("meta l4proto { tcp, udp } th dport != 53 drop"),
        Fault::ClientNetworkDropsIpv6 => rules.caller_network("meta nfproto ipv6 meta l4proto != icmpv6 drop"),
        Fault::ClientNetworkLetsNoUdpIn => {
            let (router, device) = rules.gateway;
            rules.add(router, Hook::Forward, format!("oifname \"{device}\" udp sport != 53 drop"));
        }
        Fault::ClientNetworkLetsUdpInFromPorts(ports) => {
            let (router, device) = rules.gateway;
            let ports = set(ports);
            rules.add(router, Hook::Forward, format!("oifname \"{device}\" udp sport != 53 udp sport != {ports} drop"));
        }
        Fault::ClientNetworkPassesUdpPorts(ports) => {
            rules.caller_network(&format!("udp dport != 53 udp dport != {} drop", set(ports)));
        }
        Fault::ClientNetworkPassesTcpPorts(ports) => {
            rules.caller_network("meta l4proto udp udp dport != 53 drop");
            rules.caller_network(&format!("tcp dport != 53 tcp dport != {} drop", set(ports)));
        }
        Fault::ClientNetworkPassesHosts(hosts) => {
            rules.caller_network("meta l4proto != tcp drop");
            rules.caller_network(&format!("ip daddr != {} drop", set(hosts)));
        }
        Fault::ClientNetworkResetsHosts(hosts) => {
            rules.caller_network(&format!("ip daddr {} meta l4proto tcp reject with tcp reset", set(hosts)));
            rules.caller_network(&format!("ip daddr {} drop", set(hosts)));
        }
        Fault::ClientNetworkDropsHosts(hosts) => rules.caller_network(&format!("ip daddr {} drop", set(hosts))),
        Fault::CaptivePortal => {
            rules.caller_network("udp dport != 53 drop");
            let (router, device) = rules.gateway;
            rules.add(router, Hook::Redirect, format!("iifname \"{device}\" tcp dport != 53 redirect to :{PORTAL_PORT}"));
        }
        Fault::TlsIntercepted => {
            let (router, device) = rules.gateway;
            let ports = set(&[443, scenario.tls_port]);
            let rule = format!("iifname \"{device}\" tcp dport {ports} redirect to :{INTERCEPTOR_PORT}");
            rules.add(router, Hook::Redirect, rule);
        }
        _ => {}
    }
}

/// coturn's Binding answer: 8 bytes of UDP header, 20 of STUN header, 12 of XOR-MAPPED-ADDRESS, then MAPPED-ADDRESS with its address
/// behind 8 more. The checksum of a datagram over IPv4 may be left out.
fn rewrite_mapped_address(rules: &mut Rules, port: u16) {
    let (public, private) = (u32::from(CALLER), u32::from(CALLER_PRIVATE));
    let answer = format!("iifname \"server\" udp sport {port} @th,64,16 0x0101 @th,384,32 {public:#x}");
    rules.add(Host::Inet, Hook::Rewrite, format!("{answer} @th,384,32 set {private:#x} udp checksum set 0"));
}

/// A rule about what goes to the server, on a router of the way.
fn drop_at(rules: &mut Rules, router: Router, rule: &str) {
    match router {
        Router::Callers => rules.caller_network(rule),
        Router::Middle => rules.server_router(rule),
        Router::Servers => rules.add(Host::Edge, Hook::Forward, format!("iifname \"wan\" {rule}")),
    }
}

/// Has the routers keep such words to themselves.
fn mute_routers(rules: &mut Rules, scenario: &Scenario, words: &[&str]) {
    let present = [
        (Host::Nat, scenario.nat != Nat::None),
        (Host::Carrier, scenario.cgnat),
        (Host::Inet, true),
        (Host::Edge, scenario.server == Placement::OneToOneNat),
    ];
    for (router, _) in present.into_iter().filter(|(_, present)| *present) {
        for words in words {
            rules.add(router, Hook::Output, format!("{words} drop"));
        }
    }
}

fn stall_streams(rules: &mut Rules, ports: [u16; 2], bytes: u32) {
    for side in ["dport", "sport"] {
        rules.add(Host::Inet, Hook::Forward, format!("tcp {side} {} ct bytes > {bytes} drop", set(&ports)));
    }
}

fn set(elements: &[impl ToString]) -> String {
    let elements: Vec<String> = elements.iter().map(ToString::to_string).collect();
    format!("{{ {} }}", elements.join(", "))
}
