//! The scenarios of the network lab in the simulated network: the same files, the same verdicts and findings.
//!
//! The few that the simulation can't express are named here and run in the network lab alone.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use callcheck::cli::ice_servers;
use callcheck::lab::configuration::{Config, RelayAddress};
use callcheck::lab::discovery::Discovery;
use callcheck::lab::fault::Fault as ServerFault;
use callcheck::model::asked::{Form, Purpose};
use callcheck::model::endpoint::{Endpoint, Transport};
use callcheck::model::finding::{Confidence, Finding, Level};
use callcheck::model::outcome::Unreachable;
use callcheck::model::report::{CutShort, Report, Verdict};
use callcheck::model::secret::{Credentials, Secret};
use callcheck::model::target::Target;
use callcheck::net::tls::unix_seconds;
use callcheck::proto::credentials::hmac_password;
use callcheck::run::plan::{Login, PortsPlan};
use libtest_mimic::{Failed, Trial};

use super::certificate::{Presented, Told, beginning};
use super::firewall::{Action, Content, Memory, Rule};
use super::host::{Host, Number, Placement};
use super::internet::Link;
use super::nat::Hairpinning;
use super::play::{Asks, Interrupted, Played, play};
use super::resolver::{Published, Zone};
use super::server::{Listeners, Tls};
use super::world::{
    AT_ROUTER, CALLER, CALLER_AT_CARRIER, CALLER_SECOND, Controls, HOME_ROUTER, INTERCEPTOR_PORT, NatKind, PORTAL_PORT, Resolver,
    TURN, TURN_SECOND, TURN_V6, World,
};
use crate::format::{self, Fault, NamedFinding, Redirect, Router, Scenario};

const SCENARIOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios");

/// The secret of the servers with ephemeral credentials.
const SECRET: &str = "north-by-northwest-1959";

const HOUR_S: i64 = 3600;

/// How far the clock of the lab's server is ahead where it is.
const CLOCK_SKEW_S: u32 = 7200;

/// What only a real coturn, a proxy, a second server or another place to ask from can show; these run in the network lab alone, as do calls through
/// the real gateway.
const LAB_ONLY: [&str; 106] = [
    "asked_behind_the_servers_address",
    "asked_behind_the_servers_address_and_its_nat_drops",
    "asked_behind_the_servers_address_with_hairpin",
    "asked_on_the_server_itself",
    "asked_on_the_server_itself_and_range_dropped",
    "asked_on_the_server_itself_behind_one_to_one_nat",
    "asked_on_the_server_itself_that_is_down",
    "balancer_with_a_server_that_is_down",
    "bandwidth_given_away_to_the_first_session",
    "client_network_drops_udp_and_no_controls",
    "external_ip_of_the_other_family",
    "firewalld_without_the_relay_ports",
    "firewalld_without_the_turn_port",
    "healthy_behind_load_balancer_that_hides_sources",
    "healthy_line_that_carries_1000_bytes",
    "healthy_line_that_carries_1280_bytes",
    "healthy_name_in_the_hosts_file_and_resolver_silent",
    "healthy_with_resolver_silent_on_aaaa",
    "healthy_with_two_relay_addresses",
    "healthy_without_controls",
    "large_packets_vanish_on_the_way",
    "later_answers_die_on_the_way",
    "line_carries_1000_bytes_and_fragments_are_dropped",
    "line_carries_1280_bytes_and_no_router_says_so",
    "list_with_localhost_alone",
    "list_with_localhost_beside_a_good_server",
    "load_balancer_without_backend",
    "media_server_denied_as_a_peer",
    "name_of_a_content_network",
    "name_with_two_addresses_and_the_relay_range_of_one_closed",
    "name_with_two_addresses_both_served",
    "name_with_two_addresses_one_of_which_nobody_has",
    "name_with_two_addresses_one_of_which_serves_something_else",
    "network_dies_in_the_middle_of_a_run",
    "nftables_with_half_of_the_relay_ports",
    "nftables_without_the_turn_port",
    "ports_sampled_of_replicas_that_relay_on_the_address_they_share",
    "proxy_carries_listed_turn_over_tls",
    "proxy_carries_turn_over_tls",
    "proxy_demands_a_login",
    "proxy_does_not_reach_the_server",
    "proxy_forbids_the_port",
    "proxy_is_the_only_way_out",
    "proxy_refuses_the_login",
    "realm_of_another_kind",
    "relay_address_of_another_interface",
    "relay_egress_dropped_by_server_and_no_controls",
    "relay_egress_refused_by_servers_firewall",
    "relay_for_a_media_server_alone",
    "relay_ip_on_the_loopback_interface",
    "relay_sends_from_other_address",
    "relay_sends_from_other_address_and_no_controls",
    "relay_takes_small_packets_only",
    "relay_takes_small_packets_only_over_tcp",
    "relay_throttled",
    "relays_of_a_server_that_knows_one_address",
    "relays_without_hairpin_between_them",
    "replicas_that_relay_on_addresses_of_their_own",
    "replicas_that_relay_on_the_address_they_share",
    "server_error_on_allocate",
    "server_refuses_binding",
    "stun_at_server_that_limits_requests",
    "stun_at_server_that_refuses_binding",
    "tcp_expects_proxy_header",
    "tcp_proxy_before_a_server_without_udp",
    "tcp_proxy_before_a_server_without_udp_and_a_bare_host",
    "tcp_proxy_before_a_server_without_udp_and_range_dropped",
    "tls_client_certificate_required",
    "tls_client_certificate_required_and_only_tls_listed",
    "tls_ended_by_a_proxy",
    "tls_expects_proxy_header",
    "tls_port_handed_on_to_the_plain_one",
    "turn_is_down_and_pages_are_served",
    "turn_udp_dropped_by_server_and_no_controls",
    "turn_udp_dropped_by_the_callers_router_and_no_controls",
    "two_processes_on_one_port",
    "two_processes_on_one_port_and_a_wrong_password",
    "two_processes_on_one_port_that_are_alike",
    "two_processes_on_one_port_with_different_secrets",
    "two_processes_on_one_port_with_the_same_secret",
    "two_servers_and_a_part_of_ones_range_closed",
    "two_servers_and_the_certificate_of_one_expired",
    "two_servers_and_the_quota_of_one_reached",
    "two_servers_and_the_relay_egress_of_one_dropped",
    "two_servers_and_the_relay_range_of_each_closed",
    "two_servers_and_the_relay_range_of_one_closed",
    "two_servers_and_the_relay_range_of_one_closed_behind_symmetric_nat",
    "two_servers_healthy",
    "two_servers_in_a_network_that_drops_udp_to_the_turn_port",
    "two_servers_in_a_network_without_udp",
    "two_servers_of_which_one_drops_udp",
    "two_servers_of_which_one_drops_udp_and_one_is_a_web_server",
    "two_servers_of_which_one_host_is_down",
    "two_servers_of_which_one_is_a_web_server",
    "two_servers_of_which_this_network_drops_one",
    "two_servers_that_both_drop_udp",
    "two_servers_with_different_logins_of_which_one_is_wrong",
    "two_servers_with_external_ip_wrong_at_one",
    "two_servers_with_external_ip_wrong_at_one_and_range_closed_at_the_other",
    "udp_proxy_forgets_flows",
    "udp_proxy_keeps_flows",
    "ufw_of_a_server_that_is_not_let_in_at_all",
    "ufw_with_half_of_the_relay_ports",
    "ufw_without_the_relay_ports",
    "ufw_without_the_turn_port",
    "ufw_without_the_turn_port_over_tcp",
];

/// One test a file, but for those of the network lab alone.
pub fn trials() -> Vec<Trial> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(SCENARIOS)
        .expect("the scenarios lie beside this test")
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    let mut trials: Vec<Trial> = files.iter().filter(|path| !is_lab_only(&name(path))).map(|path| trial(path)).collect();
    trials.push(Trial::test("scenarios left to the network lab exist and are beyond the simulation", lab_only_is_right));
    trials
}

fn is_lab_only(name: &str) -> bool {
    name.starts_with("call_") || name.starts_with("responder_") || LAB_ONLY.contains(&name)
}

fn name(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn trial(path: &Path) -> Trial {
    let file = path.to_path_buf();
    Trial::test(format!("scenario: {}", name(path)), move || perform(&file))
}

fn lab_only_is_right() -> Result<(), Failed> {
    for name in LAB_ONLY {
        let scenario = read(&Path::new(SCENARIOS).join(format!("{name}.toml")))?;
        if world(&scenario).is_ok() && asks(&scenario).is_ok() {
            return Err(format!("{name} can be simulated: take it off the list").into());
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Scenario, Failed> {
    Ok(toml::from_str(&std::fs::read_to_string(path)?)?)
}

/// Plays a scenario.
fn perform(path: &Path) -> Result<(), Failed> {
    let scenario = read(path)?;
    let (world, asks) = match (world(&scenario), asks(&scenario)) {
        (Ok(world), Ok(asks)) => (world, asks),
        (Err(Inexpressible(why)), _) | (_, Err(Inexpressible(why))) => {
            return Err(format!("the simulation has no {why}; teach it, or name the scenario in LAB_ONLY").into());
        }
    };
    let played = play(&world, &asks);
    let complaints = complaints(&scenario, &played);
    if complaints.is_empty() {
        return Ok(());
    }
    let report = serde_json::to_string_pretty(&played.report)?;
    let shown = if std::env::var_os("SIM_REPORT").is_some() { report } else { "SIM_REPORT=1 shows the report".to_owned() };
    Err(format!("{}\n  {}\n\n{shown}", scenario.description, complaints.join("\n  ")).into())
}

/// Why a scenario is not for the simulation.
struct Inexpressible(String);

fn no<T>(why: &str) -> Result<T, Inexpressible> {
    Err(Inexpressible(why.to_owned()))
}

fn world(scenario: &Scenario) -> Result<World, Inexpressible> {
    if let Some(what) = beyond_simulation(scenario) {
        return no(what);
    }
    let placement = match scenario.server {
        format::Placement::Public => Placement::Public,
        format::Placement::OneToOneNat => Placement::OneToOneNat,
        format::Placement::PrivateNetwork => Placement::PrivateNetwork,
    };
    let mut world = World::healthy(1, config(scenario, placement)?, listeners(scenario));
    world.hosts[0].placement = placement;
    world.hosts[0].v6 = scenario.ipv6;
    world.caller.v6 = scenario.ipv6;
    world.caller.nats = nats(scenario);
    world.caller.clock_ahead_s = scenario.clock_ahead_s;
    let loss = scenario.loss_percent / 100.0;
    let delay = Duration::from_millis(u64::from(scenario.rtt_ms)) / 2;
    world.caller.link = Link { delay, jitter: Duration::ZERO, loss_outward: loss, loss_inward: loss, ..Link::default() };
    if scenario.dns.silent {
        world.caller.resolver = Resolver::Silent;
    }
    world.zone = zone(scenario);
    for fault in &scenario.faults {
        add_fault(&mut world, fault, scenario)?;
    }
    Ok(world)
}

/// What of a scenario the simulated network has not, or nothing.
fn beyond_simulation(scenario: &Scenario) -> Option<&'static str> {
    let lacking = [
        (scenario.other_server.is_some(), "other server"),
        (scenario.replicas.is_some(), "replicas"),
        (scenario.second_process.is_some(), "second process on a port"),
        (scenario.front.is_some(), "program in front of the server"),
        (scenario.firewall.is_some(), "firewall of a program"),
        (scenario.asked_from != format::AskedFrom::Caller, "callcheck beside the server"),
        (scenario.controls == format::Controls::None, "run without controls"),
        (scenario.dns.silent_on_aaaa, "resolver that answers some questions"),
        (!scenario.dns.hosts.is_empty(), "hosts file"),
        (scenario.network_dies_after_allocation, "network that dies"),
        (scenario.ice_servers.as_ref().is_some_and(|document| document.contains("localhost")), "loopback"),
    ];
    lacking.into_iter().find_map(|(is_asked, what)| is_asked.then_some(what))
}

fn nats(scenario: &Scenario) -> Vec<super::nat::Behaviour> {
    let kind = match scenario.nat {
        format::Nat::None => return Vec::new(),
        format::Nat::FullCone => NatKind::FullCone,
        format::Nat::AddressRestricted => NatKind::AddressRestricted,
        // The simulated router forgets what it has taken for its own.
        format::Nat::OpenRouter | format::Nat::PortRestricted => NatKind::PortRestricted,
        format::Nat::Symmetric => NatKind::Symmetric,
    };
    let mut outermost = kind.behaviour(CALLER);
    if scenario.hairpinning {
        outermost.hairpinning = Hairpinning::Supported;
    }
    if let Some(seconds) = scenario.idle_mapping_s {
        outermost.lifetime = Duration::from_secs(seconds.into());
    }
    if scenario.cgnat { vec![kind.behaviour(CALLER_AT_CARRIER), outermost] } else { vec![outermost] }
}

fn zone(scenario: &Scenario) -> Zone {
    let published = |record: &format::Record| Published {
        name: record.name.clone(),
        addresses: record.a.iter().copied().map(IpAddr::V4).chain(record.aaaa.iter().copied().map(IpAddr::V6)).collect(),
        services: record.srv.iter().map(|service| (service.target.clone(), service.port)).collect(),
    };
    Zone { names: scenario.dns.records.iter().map(published).collect() }
}

fn listeners(scenario: &Scenario) -> Listeners {
    let turn = |presented| Some((scenario.tls_port, Tls::Turn(presented)));
    let tls = match scenario.certificate {
        format::Certificate::None => None,
        format::Certificate::Valid => turn(Presented::Valid),
        format::Certificate::Expired => turn(Presented::Expired),
        format::Certificate::NotYetValid => turn(Presented::NotYetValid),
        format::Certificate::ExpiresSoon => turn(Presented::ExpiresSoon),
        format::Certificate::SelfSigned => turn(Presented::SelfSigned),
        format::Certificate::UnknownRoot => turn(Presented::UnknownRoot),
        format::Certificate::OtherName => turn(Presented::OtherName),
        format::Certificate::MissingIntermediate => turn(Presented::MissingIntermediate),
        format::Certificate::KeyMismatch => Some((scenario.tls_port, Tls::KeyMismatch)),
    };
    Listeners { udp: Some(scenario.port), tcp: Some(scenario.port), tls }
}

fn config(scenario: &Scenario, placement: Placement) -> Result<Config, Inexpressible> {
    let own: IpAddr = Number(0).own(placement).into();
    let mut relays = vec![RelayAddress { bound: own, advertised: Number(0).reached_at(placement).into() }];
    if scenario.ipv6 {
        relays.push(RelayAddress::plain(TURN_V6.into()));
    }
    let mut config = Config::new(relays);
    config.realm.clone_from(&scenario.realm);
    config.ports = scenario.relay_ports.first..=scenario.relay_ports.last;
    config.software = Some("Coturn-4.6.1 'Gorst'".to_owned());
    let account = &scenario.account;
    let users = vec![Credentials { username: Secret::new(&account.user), password: Secret::new(&account.password) }];
    (config.users, config.secret) = match scenario.credentials {
        format::Credentials::Right
        | format::Credentials::RightFromEnvironment
        | format::Credentials::None
        | format::Credentials::WrongPassword
        | format::Credentials::UnknownUser => (users, None),
        format::Credentials::Rest
        | format::Credentials::RestWithName
        | format::Credentials::RestWrongSecret
        | format::Credentials::RestExpired
        | format::Credentials::RestExpiringSoon
        | format::Credentials::RestMilliseconds
        | format::Credentials::RestPlainUser => (Vec::new(), Some(Secret::new(SECRET))),
    };
    // coturn answers 400 to a user name or realm with a space.
    if account.user.contains(' ') || scenario.realm.contains(' ') {
        config.faults.push(ServerFault::AllocationRefused);
    }
    if placement == Placement::Public {
        let second = scenario.second_address.then(|| TURN_SECOND.into());
        let v6 = scenario.ipv6.then(|| TURN_V6.into());
        let addresses = [TURN.into()].into_iter().chain(second).chain(v6).collect();
        config.discovery = Discovery::Offered { addresses, ports: [scenario.port, scenario.port + 1] };
    }
    for line in &scenario.coturn {
        configure(&mut config, line)?;
    }
    Ok(config)
}

/// The few lines of coturn's configuration that the lab's server has too.
fn configure(config: &mut Config, line: &str) -> Result<(), Inexpressible> {
    let number = |text: &str| text.parse::<u32>().map_err(|_| Inexpressible(format!("the line {line:?} for coturn")));
    match line.split_once('=') {
        // It writes no log anyway.
        None if line == "-verbose" => {}
        None if line == "-realm" => config.realm.clear(),
        None if line == "no-rfc5780" => config.discovery = Discovery::None,
        Some(("stale-nonce", seconds)) => config.nonce_lifetime = Duration::from_secs(number(seconds)?.into()),
        Some(("user-quota", quota)) => config.user_quota = Some(number(quota)? as usize),
        Some(_) | None => return no(&format!("line {line:?} for coturn")),
    }
    Ok(())
}

#[expect(clippy::too_many_lines, reason = "a match over all faults")]
fn add_fault(world: &mut World, fault: &Fault, scenario: &Scenario) -> Result<(), Inexpressible> {
    let port = scenario.port;
    let v6 = |action| Rule::any(action).inward().v6();
    let host = &mut world.hosts[0];
    match fault {
        Fault::TurnUdpDropped
        | Fault::TurnUdpRejected
        | Fault::TurnUdpProhibited
        | Fault::TurnUdpProhibitedByServer
        | Fault::TurnUdpDroppedByRouter(_)
        | Fault::TurnUdpRejectedByRouter(_)
        | Fault::TurnUdpDroppedOverIpv6 => close_udp(world, fault, port),
        Fault::RoutersSendNoTimeExceeded => world.caller.routers_mute = true,
        Fault::TurnTcpDropped | Fault::TurnTcpReset | Fault::TurnTcpProhibited => close_tcp(host, fault, port),
        Fault::TurnTcpResetByRouter(router) => reset_tcp_at(world, *router, [port, scenario.tls_port]),
        Fault::TurnDtlsDropped => host.filter.push(Rule::any(Action::Drop).inward().udp().port(scenario.tls_port)),
        Fault::TurnTlsDropped => host.filter.push(Rule::any(Action::Drop).inward().tcp().port(scenario.tls_port)),
        Fault::ServerDropsEverything => host.filter.push(Rule::any(Action::Drop).inward()),
        Fault::ServerDropsIpv6 => host.filter.push(v6(Action::Drop)),
        Fault::ServerUnroutedOverIpv6 => host.router.push(v6(Action::Reject(Unreachable::Network))),
        Fault::HostDown => host.alive = false,
        Fault::ServerFirewallPassesAnswers
        | Fault::RelayRangeDropped
        | Fault::RelayRangeStateful
        | Fault::RelayRangeRejected
        | Fault::RelayRangeProhibited
        | Fault::RelayRangeOpenOnly(_)
        | Fault::RelayPortsDroppedWhereDivisibleBy(_)
        | Fault::RelayEgressDropped
        | Fault::RelayLoss(_) => break_relay(host, fault, scenario),
        Fault::RelayEgressRefused => return no("allocation that coturn gives up because sending fails"),
        Fault::TcpLoss(_) => return no("segment of TCP"),
        Fault::OneToOneNatDropsHairpin => return no("host beside the server"),
        Fault::RelaysCantReachEachOther => return no("relay that can't reach another"),
        Fault::LaterAnswersDieOnTheWay => return no("answers of a short life"),
        Fault::TurnUdpLimited(_) => return no("limit of packets a second"),
        Fault::OneToOneNatForwardsTurnPortsOnly | Fault::OneToOneNatRemapsRelayPorts => {
            let forwarded = |port| Rule::any(Action::Accept).inward().port(port);
            host.edge = vec![forwarded(port), forwarded(scenario.tls_port), Rule::any(Action::Drop).inward()];
            host.shifted = (*fault == Fault::OneToOneNatRemapsRelayPorts).then_some((scenario.relay_ports.first, 1));
        }
        Fault::ServerNatRewritesSources => host.hides_callers = true,
        Fault::LoadBalancerHidesTcpSources | Fault::LoadBalancerWithoutBackend => return no("load balancer"),
        Fault::RelaySendsFromOtherAddress => return no("relay that sends from another address"),
        Fault::RepliesFromOtherAddress => host.replies_elsewhere = Some(port),
        Fault::HttpOnTurnPort => {
            host.listeners = None;
            host.web = Some(port);
        }
        Fault::StreamStallsAfterBytes(bytes) => {
            let stall = |port| Rule::any(Action::Drop).tcp().port(port).content(Content::BeyondBytes((*bytes).into()));
            host.router.extend([stall(port), stall(scenario.tls_port)]);
        }
        Fault::NotRunning => host.listeners = None,
        Fault::ClientNetworkDropsUdp
        | Fault::ClientNetworkDropsStun
        | Fault::ClientNetworkDropsIpv6
        | Fault::ClientNetworkLetsNoUdpIn
        | Fault::ClientNetworkLetsUdpInFromPorts(_)
        | Fault::ClientNetworkPassesUdpPorts(_)
        | Fault::ClientNetworkPassesTcpPorts(_)
        | Fault::ClientNetworkPassesHosts(_)
        | Fault::ClientNetworkDropsHosts(_)
        | Fault::ClientNetworkResetsHosts(_)
        | Fault::LocalFirewallRefusesUdp
        | Fault::TcpLeavesFromOtherAddress
        | Fault::CaptivePortal
        | Fault::TlsIntercepted
        | Fault::CallerHasNoIpv4 => break_caller(world, fault, scenario),
        Fault::LargePacketsDropped(_)
        | Fault::LineCarries(_)
        | Fault::RelayTakesSmallPacketsOnly
        | Fault::RoutersSendNoFragmentationNeeded
        | Fault::FragmentsDropped => return no("limit of packets' length"),
        Fault::ClientNetworkRequiresProxy | Fault::ProxyConnectsToPorts(_) | Fault::ProxyWantsLogin => return no("proxy"),
        Fault::ControlsSilent => world.controls = Controls::DnsAlone,
        Fault::UdpListenerOff | Fault::TcpListenerOff | Fault::HttpInsideTls | Fault::TlsTooOld | Fault::TlsTooOldAndSilent => {
            change_listeners(world, fault, scenario)?;
        }
        Fault::ExternalIpMissing
        | Fault::ExternalIpWrong(_)
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
        | Fault::NonceAlwaysStale
        | Fault::RealmMissing
        | Fault::OtherAddressIs(_)
        | Fault::AllocateRefusedWith(_)
        | Fault::GatewayRewritesMappedAddress
        | Fault::RedirectsTo(_) => break_server(&mut host.config, fault, scenario)?,
    }
    Ok(())
}

/// The faults of the relay's range, and of what leaves it.
#[expect(clippy::wildcard_enum_match_arm, reason = "the caller has chosen these faults by a match over all")]
fn break_relay(host: &mut Host, fault: &Fault, scenario: &Scenario) {
    let range = scenario.relay_ports.first..=scenario.relay_ports.last;
    let prohibited = Rule::any(Action::Reject(Unreachable::Prohibited)).inward().udp();
    let closed = Rule::any(Action::Drop).inward().udp().ports(range.clone());
    match fault {
        Fault::RelayRangeDropped => host.filter.push(closed),
        Fault::ServerFirewallPassesAnswers | Fault::RelayRangeStateful => {
            host.filter_memory = Memory::Stateful;
            host.filter.extend((*fault == Fault::RelayRangeStateful).then_some(closed));
        }
        Fault::RelayRangeRejected => host.filter.push(Rule::any(Action::Reject(Unreachable::Port)).inward().udp().ports(range)),
        Fault::RelayRangeProhibited => host.filter.push(prohibited.ports(range)),
        Fault::RelayRangeOpenOnly(open) => {
            let opened = open.iter().map(|open| Rule::any(Action::Accept).inward().udp().ports(open.first..=open.last));
            host.filter.extend(opened.chain([closed]));
        }
        Fault::RelayPortsDroppedWhereDivisibleBy(divisor) => host.filter.push(closed.divisible_by(*divisor)),
        Fault::RelayEgressDropped => host.router.push(Rule::any(Action::Drop).outward().udp().source_ports(range)),
        Fault::RelayLoss(percent) => host.filter.extend(lossy(percent / 100.0, &range)),
        _ => {}
    }
}

/// Loses a share of the datagrams to and from a range of ports.
fn lossy(share: f64, range: &RangeInclusive<u16>) -> [Rule; 2] {
    let lossy = || Rule::any(Action::Lose(share)).udp();
    [lossy().inward().ports(range.clone()), lossy().outward().source_ports(range.clone())]
}

/// UDP to the TURN port is stopped at the server or on the way.
#[expect(clippy::wildcard_enum_match_arm, reason = "the caller has chosen these faults by a match over all")]
fn close_udp(world: &mut World, fault: &Fault, port: u16) {
    let rule = |action| Rule::any(action).udp().port(port);
    let (dropped, rejected) = (rule(Action::Drop), rule(Action::Reject(Unreachable::Port)));
    let prohibited = rule(Action::Reject(Unreachable::Prohibited));
    match fault {
        Fault::TurnUdpDropped => world.hosts[0].filter.push(dropped.inward()),
        Fault::TurnUdpRejected => world.hosts[0].filter.push(rejected.inward()),
        Fault::TurnUdpProhibited => world.hosts[0].router.push(prohibited.inward()),
        Fault::TurnUdpProhibitedByServer => world.hosts[0].filter.push(prohibited.inward()),
        Fault::TurnUdpDroppedByRouter(router) => stop_at(world, *router, dropped),
        Fault::TurnUdpRejectedByRouter(router) => stop_at(world, *router, rejected),
        Fault::TurnUdpDroppedOverIpv6 => world.hosts[0].filter.push(dropped.inward().v6()),
        _ => {}
    }
}

fn reset_tcp_at(world: &mut World, router: Router, ports: [u16; 2]) {
    for port in ports {
        stop_at(world, router, Rule::any(Action::Reject(Unreachable::Port)).tcp().port(port));
    }
}

/// A rule about what goes to the server, on a router of the way.
fn stop_at(world: &mut World, router: Router, rule: Rule) {
    match router {
        Router::Callers => world.caller.gateway.push(rule.outward()),
        Router::Middle => world.hosts[0].router.push(rule.inward()),
        Router::Servers => world.hosts[0].edge.push(rule.inward()),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the caller has chosen these faults by a match over all")]
fn close_tcp(host: &mut Host, fault: &Fault, port: u16) {
    let close = |action| Rule::any(action).inward().tcp().port(port);
    match fault {
        Fault::TurnTcpDropped => host.filter.push(close(Action::Drop)),
        Fault::TurnTcpReset => host.filter.push(close(Action::Reject(Unreachable::Port))),
        Fault::TurnTcpProhibited => host.router.push(close(Action::Reject(Unreachable::Prohibited))),
        _ => {}
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the caller has chosen these faults by a match over all")]
fn change_listeners(world: &mut World, fault: &Fault, scenario: &Scenario) -> Result<(), Inexpressible> {
    let Some(listeners) = &mut world.hosts[0].listeners else { return no("listeners of a server that is not there") };
    match fault {
        Fault::UdpListenerOff => listeners.udp = None,
        Fault::TcpListenerOff => listeners.tcp = None,
        Fault::HttpInsideTls => listeners.tls = Some((scenario.tls_port, Tls::Http(Presented::Valid))),
        Fault::TlsTooOld => listeners.tls = Some((scenario.tls_port, Tls::TooOld)),
        Fault::TlsTooOldAndSilent => listeners.tls = Some((scenario.tls_port, Tls::TooOldAndSilent)),
        _ => {}
    }
    Ok(())
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the caller has chosen these faults by a match over all")]
fn break_caller(world: &mut World, fault: &Fault, scenario: &Scenario) {
    let drop_udp = Rule::any(Action::Drop).outward().udp();
    let pass_dns = Rule::any(Action::Accept).outward().udp().port(53);
    let caller = &mut world.caller;
    match fault {
        Fault::ClientNetworkDropsUdp => caller.gateway.push(drop_udp),
        Fault::ClientNetworkDropsStun => caller.gateway.push(drop_udp.content(Content::Stun)),
        Fault::ClientNetworkDropsIpv6 => caller.gateway.push(Rule::any(Action::Drop).outward().v6()),
        Fault::ClientNetworkLetsNoUdpIn => {
            let answer = |action| Rule::any(action).inward().udp();
            caller.gateway.extend([answer(Action::Accept).source_ports(53..=53), answer(Action::Drop)]);
        }
        Fault::ClientNetworkLetsUdpInFromPorts(ports) => {
            let answer = |action| Rule::any(action).inward().udp();
            let passed = ports.iter().map(|port| answer(Action::Accept).source_ports(*port..=*port));
            caller.gateway.extend(passed.chain([answer(Action::Accept).source_ports(53..=53), answer(Action::Drop)]));
        }
        Fault::ClientNetworkPassesUdpPorts(ports) => {
            let passed = ports.iter().map(|port| Rule::any(Action::Accept).outward().udp().port(*port));
            caller.gateway.extend(passed.chain([pass_dns, drop_udp]));
        }
        Fault::ClientNetworkPassesTcpPorts(ports) => {
            let passed = ports.iter().map(|port| Rule::any(Action::Accept).outward().tcp().port(*port));
            caller.gateway.extend(passed.chain([pass_dns, Rule::any(Action::Drop).outward()]));
        }
        Fault::ClientNetworkPassesHosts(hosts) => {
            let passed = hosts.iter().map(|host| Rule::any(Action::Accept).outward().tcp().remote((*host).into()));
            caller.gateway.extend(passed.chain([Rule::any(Action::Drop).outward()]));
        }
        Fault::ClientNetworkResetsHosts(hosts) => {
            let reset = Rule::any(Action::Reject(Unreachable::Port)).outward().tcp();
            let to = |host: &Ipv4Addr| [reset.clone(), Rule::any(Action::Drop).outward()].map(|rule| rule.remote((*host).into()));
            caller.gateway.extend(hosts.iter().flat_map(to));
        }
        Fault::ClientNetworkDropsHosts(hosts) => {
            caller.gateway.extend(hosts.iter().map(|host| Rule::any(Action::Drop).outward().remote((*host).into())));
        }
        Fault::LocalFirewallRefusesUdp => caller.local.extend([pass_dns, drop_udp]),
        Fault::TcpLeavesFromOtherAddress => {
            caller.nats.iter_mut().rev().take(1).for_each(|nat| nat.outer[1] = CALLER_SECOND.into());
        }
        Fault::CaptivePortal => {
            let portal = SocketAddr::new(HOME_ROUTER.into(), PORTAL_PORT);
            let redirect = Rule::any(Action::Redirect(AT_ROUTER, portal)).outward().tcp();
            caller.gateway.extend([pass_dns, drop_udp, redirect]);
        }
        Fault::TlsIntercepted => {
            let interceptor = SocketAddr::new(HOME_ROUTER.into(), INTERCEPTOR_PORT);
            let redirect = |port| Rule::any(Action::Redirect(AT_ROUTER, interceptor)).outward().tcp().port(port);
            caller.gateway.extend([redirect(443), redirect(scenario.tls_port)]);
        }
        Fault::CallerHasNoIpv4 => caller.v4 = false,
        _ => {}
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the caller has chosen these faults by a match over all")]
fn break_server(config: &mut Config, fault: &Fault, scenario: &Scenario) -> Result<(), Inexpressible> {
    match fault {
        Fault::ExternalIpMissing => advertise(config, config.relays[0].bound),
        Fault::ExternalIpWrong(address) => advertise(config, (*address).into()),
        Fault::StunOff => config.faults.push(ServerFault::StunSilent),
        Fault::TurnOff => config.faults.push(ServerFault::TurnDisabled),
        Fault::AnonymousAccess => config.faults.push(ServerFault::TurnOpenRelay),
        Fault::UserQuotaReached | Fault::TotalQuotaReached => config.faults.push(ServerFault::QuotaReached),
        Fault::RelayPortsExhausted => config.faults.push(ServerFault::RelayPortsExhausted),
        Fault::RelayAddressAbsent => config.relays = vec![RelayAddress::plain([203, 0, 113, 77].into())],
        Fault::UdpRelayOff => config.faults.push(ServerFault::RelayTransportRefused),
        Fault::OwnAddressDenied => config.faults.push(ServerFault::OwnAddressDenied),
        Fault::CallerAddressDenied => config.faults.push(ServerFault::PeerDenied),
        Fault::EmbeddedServer(name) => {
            config.faults.push(name.parse().map_err(|_| Inexpressible(format!("fault {name} of the server")))?);
        }
        Fault::RelayLacksIpv4 => config.faults.push(ServerFault::AddressFamilyRefused),
        Fault::ServerClockAhead(CLOCK_SKEW_S) => config.faults.push(ServerFault::ClockSkew),
        Fault::ServerClockAhead(seconds) => return no(&format!("server whose clock is {seconds} s ahead")),
        Fault::NonceAlwaysStale => config.faults.push(ServerFault::NonceLoop),
        Fault::RealmMissing => config.faults.push(ServerFault::RealmMissing),
        Fault::OtherAddressIs(other) => config.discovery = Discovery::Feigned { other: (*other).into() },
        Fault::AllocateRefusedWith(code) => config.faults.push(refusal(*code)?),
        // Who puts the wrong address there makes no difference to the caller.
        Fault::GatewayRewritesMappedAddress => config.faults.push(ServerFault::StunRewritten),
        Fault::RedirectsTo(Redirect::Loop) => {
            config.faults.push(ServerFault::RedirectLoop);
            config.alternates = [alternates(TURN, scenario), alternates(TURN_SECOND, scenario)].concat();
        }
        Fault::RedirectsTo(Redirect::Working) => {
            config.faults.push(ServerFault::Redirected);
            config.alternates = alternates(TURN_SECOND, scenario);
        }
        Fault::RedirectsTo(Redirect::Dead) => {
            config.faults.push(ServerFault::RedirectDead);
            config.alternates = alternates([203, 0, 113, 99].into(), scenario);
        }
        _ => {}
    }
    Ok(())
}

/// The fault by which the lab's server refuses an Allocate with that code.
fn refusal(code: u16) -> Result<ServerFault, Inexpressible> {
    match code {
        400 => Ok(ServerFault::AllocationRefused),
        403 => Ok(ServerFault::ServerDraining),
        440 => Ok(ServerFault::AddressFamilyRefused),
        442 => Ok(ServerFault::RelayTransportRefused),
        486 => Ok(ServerFault::QuotaReached),
        508 => Ok(ServerFault::RelayPortsExhausted),
        _ => no(&format!("Allocate refused with {code}")),
    }
}

fn advertise(config: &mut Config, address: IpAddr) {
    config.relays[0].advertised = address;
}

fn alternates(address: Ipv4Addr, scenario: &Scenario) -> Vec<Endpoint> {
    let at = |transport, port| Endpoint::new(transport, SocketAddr::new(address.into(), port));
    vec![
        at(Transport::Udp, scenario.port),
        at(Transport::Tcp, scenario.port),
        at(Transport::Tls, scenario.tls_port),
        at(Transport::Dtls, scenario.tls_port),
    ]
}

fn asks(scenario: &Scenario) -> Result<Asks, Inexpressible> {
    let mut arguments = scenario.args.iter().map(String::as_str);
    let purpose = match arguments.next() {
        Some("turn") => Purpose::Turn,
        Some("external-ip") => Purpose::ExternalIp,
        Some("stun") => Purpose::Stun,
        Some("ports") => Purpose::Ports,
        other => return no(&format!("command {other:?}")),
    };
    let login = login(scenario);
    let mut ports = PortsPlan { beside: Vec::new(), samples: 64, all: false, rate: None, range: None, responder: None };
    let (mut asks, mut longest_idle): (Option<Asks>, Option<Duration>) = (None, None);
    let (mut told, mut timeout) = (Told::Nothing, Duration::from_secs(10));
    while let Some(argument) = arguments.next() {
        match argument {
            "--ca" => {
                told = if arguments.next() == Some("{ca-of-company}") { Told::InspectorsToo } else { Told::OurRoot };
            }
            "--all" => {
                ports.all = true;
                timeout = Duration::from_mins(5);
            }
            "--range" => ports.range = arguments.next().and_then(|range| range.parse().ok()),
            "--timeout" => timeout = duration(arguments.next())?,
            "--ice-servers" => {
                arguments.next();
                asks = Some(listed(scenario)?);
            }
            idle if idle.starts_with("--lifetime=") => longest_idle = Some(duration(idle.strip_prefix("--lifetime="))?),
            target => {
                let target = fill(target, scenario);
                let target =
                    target.parse::<Target>().map_err(|error| Inexpressible(format!("the argument {target:?}: {error}")))?;
                let more = Asks::turn(&target, login.clone());
                asks = Some(match asks {
                    None => more,
                    Some(asks) => Asks { form: Form::Urls, services: [asks.services, more.services].concat(), ..asks },
                });
            }
        }
    }
    let Some(asks) = asks else { return no("command line without a target") };
    let interrupted = if scenario.interrupt_after_allocation { Interrupted::AfterAllocation } else { Interrupted::Never };
    let ports = (purpose == Purpose::Ports).then_some(ports);
    let mut asks = Asks { purpose, told, timeout, longest_idle, interrupted, ports, ..asks };
    if purpose == Purpose::Stun {
        let login = login.map(Rc::new);
        asks.services.iter_mut().for_each(|planned| (planned.service.relay, planned.login) = (false, login.clone()));
    }
    Ok(asks)
}

fn duration(text: Option<&str>) -> Result<Duration, Inexpressible> {
    humantime::parse_duration(text.unwrap_or_default()).map_err(|error| Inexpressible(format!("the time limit: {error}")))
}

fn fill(text: &str, scenario: &Scenario) -> String {
    let places = [
        ("{turn}", world_address(scenario).to_string()),
        ("{turn-second}", TURN_SECOND.to_string()),
        ("{turn6}", TURN_V6.to_string()),
        ("{user}", scenario.account.user.clone()),
        ("{password}", scenario.account.password.clone()),
    ];
    places.iter().fold(text.to_owned(), |text, (place, value)| text.replace(place, value))
}

fn world_address(scenario: &Scenario) -> Ipv4Addr {
    match scenario.server {
        format::Placement::Public | format::Placement::OneToOneNat => TURN,
        format::Placement::PrivateNetwork => Number(0).reached_at(Placement::PrivateNetwork),
    }
}

/// What an `iceServers` document asks for.
fn listed(scenario: &Scenario) -> Result<Asks, Inexpressible> {
    let text = fill(scenario.ice_servers.as_deref().unwrap_or_default(), scenario);
    let login = login(scenario).map(Rc::new);
    let listed =
        ice_servers::read(&text, "-", login.as_ref()).map_err(|error| Inexpressible(format!("the iceServers: {error}")))?;
    let target: Target = TURN.to_string().parse().map_err(|_| Inexpressible("an address".to_owned()))?;
    Ok(Asks { form: Form::Urls, services: listed.planned, list: listed.entries, ..Asks::turn(&target, None) })
}

fn given(user: &str, password: &str) -> Login {
    Login::Given(Credentials { username: Secret::new(user), password: Secret::new(password) })
}

fn login(scenario: &Scenario) -> Option<Login> {
    let account = &scenario.account;
    let now = unix_seconds(beginning());
    let ephemeral = |name: String| {
        let password = hmac_password(&Secret::new(SECRET), &name);
        Login::Given(Credentials { username: Secret::new(name), password: Secret::new(password) })
    };
    let secret = |secret: &str, id: Option<&str>| Login::SharedSecret { secret: Secret::new(secret), id: id.map(Secret::new) };
    match scenario.credentials {
        format::Credentials::None => None,
        format::Credentials::Right | format::Credentials::RightFromEnvironment | format::Credentials::RestPlainUser => {
            Some(given(&account.user, &account.password))
        }
        format::Credentials::WrongPassword => Some(given(&account.user, "looking-glass-1871")),
        format::Credentials::UnknownUser => Some(given("mallory", &account.password)),
        format::Credentials::Rest => Some(secret(SECRET, None)),
        format::Credentials::RestWithName => Some(secret(SECRET, Some(&account.user))),
        format::Credentials::RestWrongSecret => Some(secret("south-by-southeast", Some(&account.user))),
        format::Credentials::RestExpired => Some(ephemeral(format!("{}:{}", now - HOUR_S, account.user))),
        format::Credentials::RestExpiringSoon => Some(ephemeral(format!("{}:{}", now + 300, account.user))),
        format::Credentials::RestMilliseconds => Some(ephemeral(format!("{}:{}", (now + HOUR_S) * 1000, account.user))),
    }
}

/// Everything in which a run differs from what its scenario wants, one line each.
fn complaints(scenario: &Scenario, played: &Played) -> Vec<String> {
    let (expect, report) = (&scenario.expect, &played.report);
    let mut complaints = super::soundness::complaints(report);
    if played.allocations_left != expect.allocations_left {
        complaints.push(format!("{} allocations left, expected {}", played.allocations_left, expect.allocations_left));
    }
    if report.duration_ms > scenario.within_ms {
        complaints.push(format!("took {} ms, may take {}", report.duration_ms, scenario.within_ms));
    }
    if scenario.interrupt_after_allocation && report.cut_short != Some(CutShort::Interrupted) {
        complaints.push("was not interrupted".to_owned());
    }
    if let Some(expected) = expect.verdict.map(verdict).filter(|expected| *expected != report.verdict) {
        complaints.push(format!("verdict {}, expected {}", report.verdict.name(), expected.name()));
    }
    complaints.extend(expect.wrong_findings(&report.findings.iter().map(named).collect::<Vec<_>>()));
    let says = |words: &String| report.findings.first().is_some_and(|finding| finding.summary.contains(words.as_str()));
    complaints.extend(expect.first_says.iter().filter(|words| !says(words)).map(|words| format!("doesn't say {words:?}")));
    let ruled_out = |id: &String| report.ruled_out.iter().any(|entry| entry.id == *id);
    complaints.extend(expect.ruled_out.iter().filter(|id| !ruled_out(id)).map(|id| format!("{id} isn't ruled out")));
    let untested = |words: &String| report.not_tested.iter().any(|entry| entry.what.contains(words.as_str()));
    complaints.extend(expect.relay_ports.as_ref().and_then(|expected| wrong_ports(report, expected)));
    let silent = expect.not_tested.iter().filter(|words| !untested(words));
    complaints.extend(silent.map(|words| format!("doesn't say that {words:?} was not tested")));
    complaints.extend(format::nat::complaints(&serde_json::to_value(&report.nat).unwrap_or_default(), expect));
    complaints
}

fn wrong_ports(report: &Report, expected: &format::ExpectedPorts) -> Option<String> {
    let Some(found) = &report.relay_ports else { return Some("says nothing of the relay's ports".to_owned()) };
    let closed: Vec<String> = found.closed.ranges().iter().map(ToString::to_string).collect();
    let range = found.server_range.map(|range| range.to_string());
    let right = found.tried >= expected.tried_at_least
        && found.complete == expected.complete
        && expected.closed.as_ref().is_none_or(|expected| *expected == closed)
        && (!expected.complete || expected.server_range == range);
    (!right).then(|| format!("{} ports tried, closed {closed:?}, range {range:?}, expected {expected:?}", found.tried))
}

fn named(finding: &Finding) -> NamedFinding {
    NamedFinding {
        id: finding.id.clone(),
        level: finding.level.name().to_owned(),
        confidence: finding.confidence.name().to_owned(),
        remaining: finding.remaining.iter().map(|cause| cause.id.clone()).collect(),
        place: finding.place.to_string(),
    }
}

/// A finding by all that is no prose.
pub fn describe_found(finding: &Finding) -> String {
    let remaining = finding.remaining.iter().map(|cause| cause.id.as_str()).collect();
    describe(&finding.id, finding.level, finding.confidence, remaining)
}

fn describe(id: &str, level: Level, confidence: Confidence, remaining: BTreeSet<&str>) -> String {
    let remaining: Vec<&str> = remaining.into_iter().collect();
    format!("{id}, {level:?}, {confidence:?}, remaining [{}]", remaining.join(", "))
}

fn verdict(expected: format::Verdict) -> Verdict {
    match expected {
        format::Verdict::Ok => Verdict::Ok,
        format::Verdict::Degraded => Verdict::Degraded,
        format::Verdict::Failed => Verdict::Failed,
        format::Verdict::Inconclusive => Verdict::Inconclusive,
    }
}
