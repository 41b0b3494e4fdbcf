//! The lab's map: hosts, links, addresses and NATs.
//!
//! ```text
//! client ── nat ── (carrier) ── inet ── (edge) ── server      192.168.1.2 … 198.51.100.2 … 203.0.113.10
//!                                 ├──── other                 203.0.113.20
//!                                 ├──── control               192.0.2.53, 192.0.2.54
//!                                 └──── callee-nat ── callee  198.51.101.2 … 192.168.2.2
//! ```
//!
//! Behind the edge there may be a second server, the replica, at 10.0.0.11, and a host inside at 10.0.1.2.
//!
//! A router's link towards the caller is called `lan`, the one away from it `wan`; those of `inet` bear the neighbour's name, and the
//! hosts at the ends have `eth0`.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::delay;
use crate::format::{AskedFrom, Fault, Nat, Placement, Replicas, Scenario};
use crate::namespaces::Host;
use crate::outcome::Outcome;
use crate::sandbox;

/// The TURN server as the world knows it.
pub const TURN: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 10);
/// Its second address, where it has one.
pub const TURN_SECOND: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 11);
/// The same over IPv6.
pub const TURN_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 5, 0, 0, 0, 0, 0x10);
/// The TURN server's own address behind a 1:1 NAT.
pub const TURN_PRIVATE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 10);
/// The addresses at which replicas relay, where each has one of its own.
const TURN_OF_REPLICAS: [Ipv4Addr; 2] = [TURN_SECOND, Ipv4Addr::new(203, 0, 113, 12)];
/// The replica's own address behind the 1:1 NAT.
const REPLICA_PRIVATE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 11);
/// The other TURN server.
pub const OTHER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 20);
/// A host behind the server's 1:1 NAT.
pub const INSIDE: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 2);
/// The control hosts; the first one is the resolver too.
pub const CONTROLS: [Ipv4Addr; 2] = [Ipv4Addr::new(192, 0, 2, 53), Ipv4Addr::new(192, 0, 2, 54)];
/// The same over IPv6.
pub const CONTROLS_V6: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0x53), Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0x54)];
/// The caller as the world knows it, with or without NAT.
pub const CALLER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);

/// The caller behind its NAT.
pub const CALLER_PRIVATE: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 2);
/// The caller over IPv6, with and without a NAT for IPv4.
pub const CALLER_V6: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 2), Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 2)];
/// Where its TCP leaves from, where that differs.
const CALLER_SECOND: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 3);

const HOME: &str = "192.168.1";
const HOME_V6: &str = "2001:db8:1:";
const ACCESS_V6: &str = "2001:db8:2:";

/// The address at which callers reach the TURN server.
pub fn turn_address(placement: Placement) -> Ipv4Addr {
    match placement {
        Placement::Public | Placement::OneToOneNat => TURN,
        Placement::PrivateNetwork => TURN_PRIVATE,
    }
}

/// Where a TURN server runs.
#[derive(Debug, Clone, Copy)]
pub struct Site {
    /// Its host.
    pub host: Host,
    /// The address on its own interface.
    pub own: Ipv4Addr,
    /// The address at which it relays, as the world knows it.
    pub relay: Ipv4Addr,
    /// The link of `inet` that leads to it.
    pub link: &'static str,
}

/// The other server's site.
pub const OTHER_SITE: Site = Site { host: Host::Other, own: OTHER, relay: OTHER, link: "other" };

/// The sites of the servers that have the scenario's address: one, or two that share it.
pub fn sites(scenario: &Scenario) -> Vec<Site> {
    let own = if scenario.server == Placement::Public { TURN } else { TURN_PRIVATE };
    let first = Site { host: Host::Server, own, relay: TURN, link: "server" };
    let replica = Site { host: Host::Replica, own: REPLICA_PRIVATE, ..first };
    match scenario.replicas {
        None => vec![first],
        Some(Replicas::RelayOnTheCommonAddress) => vec![first, replica],
        Some(Replicas::RelayOnOwnAddresses) => {
            let [relay, other] = TURN_OF_REPLICAS;
            vec![Site { relay, ..first }, Site { relay: other, ..replica }]
        }
    }
}

/// Where callcheck runs.
pub fn asker(scenario: &Scenario) -> Host {
    match scenario.asked_from {
        AskedFrom::Caller => Host::Client,
        AskedFrom::Server => Host::Server,
        AskedFrom::BehindTheServer => Host::Inside,
    }
}

/// The router of the caller's own network, and its address there.
pub fn caller_gateway(nat: Nat) -> (Host, Ipv4Addr) {
    match nat {
        Nat::None => (Host::Inet, Ipv4Addr::new(198, 51, 100, 1)),
        Nat::FullCone | Nat::AddressRestricted | Nat::PortRestricted | Nat::OpenRouter | Nat::Symmetric => {
            (Host::Nat, Ipv4Addr::new(192, 168, 1, 1))
        }
    }
}

/// Builds the scenario's network, healthy: no fault is in it yet but for a host that is down.
pub fn build(scenario: &Scenario) -> Outcome<()> {
    let chain = caller_chain(scenario);
    let mut hosts = chain.clone();
    hosts.extend([Host::Inet, Host::Server, Host::Control]);
    if scenario.server == Placement::OneToOneNat {
        hosts.push(Host::Edge);
    }
    hosts.extend(scenario.replicas.map(|_| Host::Replica));
    hosts.extend(scenario.other_server.as_ref().map(|_| Host::Other));
    if asker(scenario) == Host::Inside {
        hosts.push(Host::Inside);
    }
    if scenario.callee.is_some() {
        hosts.extend([Host::Callee, Host::CalleeNat]);
    }
    let names: Vec<String> = hosts.iter().map(|host| format!("netns add {}", host.name())).collect();
    sandbox::feed("ip", &["-batch", "-"], &(names.join("\n") + "\n"))?;
    link_all(scenario, &chain)?;
    for host in &hosts {
        configure(*host, scenario)?;
    }
    Ok(())
}

/// The hosts from the caller to the last router before `inet`.
fn caller_chain(scenario: &Scenario) -> Vec<Host> {
    match (scenario.nat, scenario.cgnat) {
        (Nat::None, _) => vec![Host::Client],
        (_, false) => vec![Host::Client, Host::Nat],
        (_, true) => vec![Host::Client, Host::Nat, Host::Carrier],
    }
}

fn link_all(scenario: &Scenario, chain: &[Host]) -> Outcome<()> {
    let mut links: Vec<String> = Vec::new();
    for pair in chain.windows(2) {
        links.push(veth((away(pair[0]), pair[0]), ("lan", pair[1])));
    }
    let last = chain[chain.len() - 1];
    if scenario.rtt_ms == 0 {
        links.push(veth((away(last), last), ("client", Host::Inet)));
    }
    match scenario.server {
        Placement::Public | Placement::PrivateNetwork => links.push(veth(("eth0", Host::Server), ("server", Host::Inet))),
        Placement::OneToOneNat => {
            links.push(veth(("wan", Host::Edge), ("server", Host::Inet)));
            links.push(veth(("eth0", Host::Server), ("lan", Host::Edge)));
        }
    }
    links.extend(scenario.replicas.map(|_| veth(("eth0", Host::Replica), ("replica", Host::Edge))));
    links.extend(scenario.other_server.as_ref().map(|_| veth(("eth0", Host::Other), ("other", Host::Inet))));
    if asker(scenario) == Host::Inside {
        links.push(veth(("eth0", Host::Inside), ("inside", Host::Edge)));
    }
    links.push(veth(("eth0", Host::Control), ("control", Host::Inet)));
    if scenario.callee.is_some() {
        links.push(veth(("eth0", Host::Callee), ("lan", Host::CalleeNat)));
        links.push(veth(("wan", Host::CalleeNat), ("callee", Host::Inet)));
    }
    sandbox::feed("ip", &["-batch", "-"], &(links.join("\n") + "\n"))?;
    if scenario.rtt_ms > 0 {
        delay::link((away(last), last), ("client", Host::Inet), scenario.rtt_ms)?;
    }
    Ok(())
}

fn away(host: Host) -> &'static str {
    if host == Host::Client { "eth0" } else { "wan" }
}

fn veth((device, host): (&str, Host), (other_device, other): (&str, Host)) -> String {
    format!("link add {device} netns {} type veth peer name {other_device} netns {}", host.name(), other.name())
}

fn configure(host: Host, scenario: &Scenario) -> Outcome<()> {
    let mut lines = vec!["link set lo up".to_owned()];
    match host {
        Host::Client => {
            client(scenario, &mut lines);
            if scenario.faults.contains(&Fault::CallerHasNoIpv4) {
                lines.retain(|line| line.contains("2001:db8") || line.starts_with("link"));
            }
        }
        Host::Nat => nat(scenario, &mut lines),
        Host::Carrier => {
            attach(&mut lines, "lan", "100.64.0.1/24", "2001:db8:3::1/64", None);
            attach(&mut lines, "wan", "198.51.100.2/24", "2001:db8:2::2/64", Some(("198.51.100.1", "2001:db8:2::1")));
            lines.push("route add 2001:db8:1::/64 via 2001:db8:3::2".into());
        }
        Host::Inet => inet(scenario, &mut lines),
        Host::Edge => {
            attach(&mut lines, "lan", "10.0.0.1/24", "2001:db8:6::1/64", None);
            attach(&mut lines, "wan", "203.0.113.10/24", "2001:db8:5::2/64", Some(("203.0.113.1", "2001:db8:5::1")));
            if scenario.second_address {
                lines.push("addr add 203.0.113.11/24 dev wan".into());
            }
            behind_edge(scenario, &mut lines);
        }
        Host::Server => server(scenario, &mut lines),
        Host::Replica => attach(&mut lines, "eth0", "10.0.0.11/24", "2001:db8:6::11/64", Some(("10.0.0.1", "2001:db8:6::1"))),
        Host::Inside => attach(&mut lines, "eth0", "10.0.1.2/24", "2001:db8:a::2/64", Some(("10.0.1.1", "2001:db8:a::1"))),
        Host::Other => other(scenario, &mut lines),
        Host::Callee => {
            attach(&mut lines, "eth0", "192.168.2.2/24", "2001:db8:8::2/64", Some(("192.168.2.1", "2001:db8:8::1")));
        }
        Host::CalleeNat => {
            attach(&mut lines, "lan", "192.168.2.1/24", "2001:db8:8::1/64", None);
            attach(&mut lines, "wan", "198.51.101.2/24", "2001:db8:9::2/64", Some(("198.51.101.1", "2001:db8:9::1")));
        }
        Host::Control => {
            let gateway = Some(("192.0.2.1", "2001:db8:c::1"));
            attach(&mut lines, "eth0", "192.0.2.53/24", "2001:db8:c::53/64", gateway);
            lines.push("addr add 192.0.2.54/24 dev eth0".into());
            lines.push("addr add 2001:db8:c::54/64 dev eth0 nodad".into());
        }
    }
    lines.extend(narrow_line(host, scenario));
    if !scenario.ipv6 {
        lines.retain(|line| !line.contains("2001:db8"));
    }
    host.ip(&lines)?;
    if matches!(host, Host::Nat | Host::Carrier | Host::Inet | Host::Edge | Host::CalleeNat) {
        host.sysctl("ipv4/ip_forward", "1")?;
        host.sysctl("ipv6/conf/all/forwarding", "1")?;
    }
    // Servers of one network look for each other on their own link.
    if host == Host::Inet && scenario.other_server.is_some() {
        host.sysctl("ipv4/conf/server/proxy_arp", "1")?;
    }
    translate(host, scenario)
}

/// What narrows the line between the caller's last router and the internet, at one end of it.
fn narrow_line(host: Host, scenario: &Scenario) -> Option<String> {
    let bytes =
        scenario.faults.iter().find_map(|fault| if let Fault::LineCarries(bytes) = fault { Some(bytes) } else { None })?;
    let last = *caller_chain(scenario).last()?;
    let device = if host == Host::Inet { "client" } else { away(last) };
    (host == Host::Inet || host == last).then(|| format!("link set {device} mtu {bytes}"))
}

/// Gives a device its addresses, and the host its default routes. The IPv6 lines are dropped where the scenario has none.
fn attach(lines: &mut Vec<String>, device: &str, v4: &str, v6: &str, gateways: Option<(&str, &str)>) {
    lines.push(format!("addr add {v4} dev {device}"));
    lines.push(format!("addr add {v6} dev {device} nodad"));
    lines.push(format!("link set {device} up"));
    if let Some((v4, v6)) = gateways {
        lines.push(format!("route add default via {v4}"));
        lines.push(format!("route add default via {v6}"));
    }
}

fn client(scenario: &Scenario, lines: &mut Vec<String>) {
    if scenario.nat == Nat::None {
        attach(lines, "eth0", "198.51.100.2/24", "2001:db8:2::2/64", Some(("198.51.100.1", "2001:db8:2::1")));
    } else {
        let gateways = (format!("{HOME}.1"), format!("{HOME_V6}:1"));
        let own = (format!("{HOME}.2/24"), format!("{HOME_V6}:2/64"));
        attach(lines, "eth0", &own.0, &own.1, Some((&gateways.0, &gateways.1)));
    }
}

fn nat(scenario: &Scenario, lines: &mut Vec<String>) {
    attach(lines, "lan", &format!("{HOME}.1/24"), &format!("{HOME_V6}:1/64"), None);
    if scenario.cgnat {
        attach(lines, "wan", "100.64.0.2/24", "2001:db8:3::2/64", Some(("100.64.0.1", "2001:db8:3::1")));
    } else {
        attach(lines, "wan", "198.51.100.2/24", "2001:db8:2::2/64", Some(("198.51.100.1", "2001:db8:2::1")));
    }
    if scenario.faults.contains(&Fault::TcpLeavesFromOtherAddress) {
        lines.push(format!("addr add {CALLER_SECOND}/24 dev wan"));
    }
}

fn inet(scenario: &Scenario, lines: &mut Vec<String>) {
    attach(lines, "client", "198.51.100.1/24", &format!("{ACCESS_V6}:1/64"), None);
    let towards_server = if scenario.server == Placement::PrivateNetwork { "10.0.0.1/24" } else { "203.0.113.1/24" };
    attach(lines, "server", towards_server, "2001:db8:5::1/64", None);
    attach(lines, "control", "192.0.2.1/24", "2001:db8:c::1/64", None);
    if scenario.other_server.is_some() {
        attach(lines, "other", "203.0.113.1/32", "2001:db8:7::1/64", None);
        lines.push(format!("route add {OTHER}/32 dev other"));
    }
    if scenario.callee.is_some() {
        attach(lines, "callee", "198.51.101.1/24", "2001:db8:9::1/64", None);
    }
    if scenario.nat != Nat::None {
        lines.push(format!("route add {HOME_V6}:/64 via {ACCESS_V6}:2"));
        lines.push(format!("route add 2001:db8:3::/64 via {ACCESS_V6}:2"));
    }
}

fn server(scenario: &Scenario, lines: &mut Vec<String>) {
    if scenario.faults.contains(&Fault::HostDown) {
        return;
    }
    match scenario.server {
        Placement::Public => {
            attach(lines, "eth0", "203.0.113.10/24", &format!("{TURN_V6}/64"), Some(("203.0.113.1", "2001:db8:5::1")));
            if scenario.second_address {
                lines.push("addr add 203.0.113.11/24 dev eth0".into());
            }
        }
        Placement::OneToOneNat | Placement::PrivateNetwork => {
            attach(lines, "eth0", "10.0.0.10/24", "2001:db8:6::10/64", Some(("10.0.0.1", "2001:db8:6::1")));
        }
    }
}

/// The other server, in the first one's network and on a link of its own.
fn other(scenario: &Scenario, lines: &mut Vec<String>) {
    if scenario.of_other_server().is_some_and(|view| view.faults.contains(&Fault::HostDown)) {
        return;
    }
    lines.push(format!("addr add {OTHER}/32 dev eth0"));
    lines.push("link set eth0 up".into());
    lines.push("route add 203.0.113.1 dev eth0".into());
    lines.push("route add default via 203.0.113.1".into());
}

/// What the edge has besides the server behind it, and before it for replicas that relay on addresses of their own.
fn behind_edge(scenario: &Scenario, lines: &mut Vec<String>) {
    if scenario.replicas.is_some() {
        lines.push("link set replica up".into());
        lines.push(format!("route add {REPLICA_PRIVATE}/32 dev replica"));
    }
    if scenario.replicas == Some(Replicas::RelayOnOwnAddresses) {
        lines.extend(TURN_OF_REPLICAS.map(|address| format!("addr add {address}/24 dev wan")));
    }
    if asker(scenario) == Host::Inside {
        attach(lines, "inside", "10.0.1.1/24", "2001:db8:a::1/64", None);
    }
}

fn translate(host: Host, scenario: &Scenario) -> Outcome<()> {
    match host {
        Host::Nat => {
            let own = if scenario.cgnat { Ipv4Addr::new(100, 64, 0, 2) } else { CALLER };
            let (inwards, outwards) = hairpin_rules(scenario);
            if let Some(seconds) = scenario.idle_mapping_s {
                host.sysctl("netfilter/nf_conntrack_udp_timeout", &seconds.to_string())?;
                host.sysctl("netfilter/nf_conntrack_udp_timeout_stream", &seconds.to_string())?;
            }
            host.nft(&nat_rules(scenario.nat, own, CALLER_PRIVATE, (&inwards, &format!("{}\n{outwards}", tcp_rule(scenario)))))
        }
        Host::Carrier => host.nft(&nat_rules(scenario.nat, CALLER, Ipv4Addr::new(100, 64, 0, 2), ("", ""))),
        Host::Edge => host.nft(&edge_rules(scenario)),
        Host::CalleeNat => {
            let kind = scenario.callee.as_ref().map_or(Nat::None, |callee| callee.nat);
            host.nft(&nat_rules(kind, Ipv4Addr::new(198, 51, 101, 2), Ipv4Addr::new(192, 168, 2, 2), ("", "")))
        }
        Host::Client => scenario
            .local_ports
            .map_or(Ok(()), |ports| host.sysctl("ipv4/ip_local_port_range", &format!("{} {}", ports.first, ports.last))),
        Host::Inet | Host::Server | Host::Replica | Host::Inside | Host::Other | Host::Control | Host::Callee => Ok(()),
    }
}

fn tcp_rule(scenario: &Scenario) -> String {
    if !scenario.faults.contains(&Fault::TcpLeavesFromOtherAddress) {
        return String::new();
    }
    format!("oifname \"wan\" meta l4proto tcp snat ip to {CALLER_SECOND}")
}

/// What comes from inside to the NAT's own address goes back in, where the NAT hairpins; then the answer has to come that way too.
fn hairpin_rules(scenario: &Scenario) -> (String, &'static str) {
    if !scenario.hairpinning {
        return (String::new(), "");
    }
    let back = format!("iifname \"lan\" ip daddr {CALLER} udp dport 1024-65535 dnat ip to {CALLER_PRIVATE}");
    (back, "iifname \"lan\" oifname \"lan\" ip daddr 192.168.1.2 snat ip to 198.51.100.2")
}

/// A NAT's rules, the `extra` ones for what comes in and what goes out before its own. The router itself drops packets that it didn't
/// expect: without that, an early packet from outside would take the port and move the caller's mapping.
///
/// What an address-restricted NAT remembers it keeps for each port, as RFC 4787 has it for each mapping; it preserves ports.
fn nat_rules(kind: Nat, own: Ipv4Addr, inner: Ipv4Addr, extra: (&str, &str)) -> String {
    let (extra_inwards, extra_outwards) = extra;
    let closed = "iifname \"wan\" ct state new drop";
    let (prerouting, input, postrouting) = match kind {
        Nat::None => return String::new(),
        Nat::FullCone => (format!("iifname \"wan\" udp dport 1024-65535 dnat ip to {inner}"), "", format!("snat ip to {own}")),
        Nat::AddressRestricted => (
            format!("iifname \"wan\" udp dport 1024-65535 ip saddr . udp dport @seen dnat ip to {inner}"),
            closed,
            format!("snat ip to {own}"),
        ),
        Nat::PortRestricted => (String::new(), closed, "masquerade".to_owned()),
        Nat::OpenRouter => (String::new(), "", "masquerade".to_owned()),
        Nat::Symmetric => (String::new(), closed, "masquerade fully-random".to_owned()),
    };
    format!(
        "table inet translation {{
            set seen {{
                type ipv4_addr . inet_service
            }}
            chain remember {{
                type filter hook forward priority 0
                iifname \"lan\" add @seen {{ ip daddr . udp sport }}
            }}
            chain inwards {{
                type nat hook prerouting priority dstnat
                {extra_inwards}
                {prerouting}
            }}
            chain own {{
                type filter hook input priority 0
                {input}
            }}
            chain outwards {{
                type nat hook postrouting priority srcnat
                {extra_outwards}
                meta nfproto ipv4 oifname \"wan\" {postrouting}
            }}
        }}
        "
    )
}

fn edge_rules(scenario: &Scenario) -> String {
    let has = |fault| scenario.faults.contains(&fault);
    let forwarded = if has(Fault::OneToOneNatForwardsTurnPortsOnly) || has(Fault::OneToOneNatRemapsRelayPorts) {
        format!("meta l4proto {{ tcp, udp }} th dport {{ {}, {} }}", scenario.port, scenario.tls_port)
    } else {
        String::new()
    };
    let remapped = if has(Fault::OneToOneNatRemapsRelayPorts) {
        format!("oifname \"wan\" udp sport {} snat ip to {TURN}:20000-29999 fully-random", scenario.relay_ports)
    } else {
        String::new()
    };
    let hidden = if has(Fault::ServerNatRewritesSources) {
        "oifname \"lan\" masquerade"
    } else if has(Fault::LoadBalancerHidesTcpSources) {
        "oifname \"lan\" meta l4proto tcp masquerade"
    } else {
        ""
    };
    let hairpin = if hairpins_at_edge(scenario) {
        format!("iifname \"lan\" oifname \"lan\" ip daddr {TURN_PRIVATE} snat ip to {TURN}")
    } else {
        String::new()
    };
    let refused = if has(Fault::OneToOneNatDropsHairpin) { format!("ip daddr {TURN} drop") } else { String::new() };
    let (inwards, outwards) = (edge_inwards(scenario, &forwarded), edge_outwards(scenario));
    format!(
        "table inet translation {{
            chain inwards {{
                type nat hook prerouting priority dstnat
                {inwards}
            }}
            chain own {{
                type filter hook input priority 0
                iifname \"wan\" ct state new drop
                {refused}
            }}
            chain outwards {{
                type nat hook postrouting priority srcnat
                {remapped}
                {outwards}
                {hairpin}
                {hidden}
            }}
        }}
        "
    )
}

/// Whether the server's NAT sends what comes from inside to its own address back in.
fn hairpins_at_edge(scenario: &Scenario) -> bool {
    scenario.hairpinning && scenario.nat == Nat::None
}

/// Where what comes to the public addresses goes: to the server, or to the one of two to which the flow belongs.
fn edge_inwards(scenario: &Scenario, forwarded: &str) -> String {
    let from = if hairpins_at_edge(scenario) { "iifname != \"replica\"" } else { "iifname \"wan\"" };
    let [first, replica] = [TURN_PRIVATE, REPLICA_PRIVATE];
    // As load balancers do it: all of a flow goes to one of them. In turn, a flow to a relayed port would always miss, or always hit.
    let flow = "ip saddr . th sport . th dport";
    let shared = format!("{from} meta l4proto {{ tcp, udp }} ip daddr {TURN}");
    let by_flow = format!("{shared} dnat ip to jhash {flow} mod 2 seed 0x1311 map {{ 0 : {first}, 1 : {replica} }}");
    match scenario.replicas {
        None => format!("{from} ip daddr {TURN} {forwarded} dnat ip to {first}"),
        Some(Replicas::RelayOnTheCommonAddress) => by_flow,
        Some(Replicas::RelayOnOwnAddresses) => {
            let own = sites(scenario).into_iter().map(|site| format!("{from} ip daddr {} dnat ip to {}\n", site.relay, site.own));
            own.collect::<String>() + &by_flow
        }
    }
}

/// The addresses with which the hosts behind the edge are seen.
fn edge_outwards(scenario: &Scenario) -> String {
    let servers = sites(scenario).into_iter().map(|site| (site.own, site.relay));
    let inside = (asker(scenario) == Host::Inside).then_some((INSIDE, TURN));
    let rule = |(own, public)| format!("oifname \"wan\" ip saddr {own} snat ip to {public}\n");
    servers.chain(inside).map(rule).collect()
}
