//! Ways to break a drawn world, each with the causes that are then true.

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use callcheck::lab::configuration::RelayAddress;
use callcheck::lab::fault::Fault as ServerFault;
use callcheck::model::asked::Form;
use callcheck::model::endpoint::{Endpoint, Transport};
use callcheck::model::outcome::Unreachable;
use callcheck::model::secret::{Credentials, Secret};
use callcheck::net::tls::unix_seconds;
use callcheck::proto::credentials::hmac_password;
use callcheck::run::plan::Login;

use super::certificate::{Presented, beginning};
use super::firewall::{Action, Content, Memory, Rule};
use super::host::{Placement, Replicas};
use super::nat::Hairpinning;
use super::server::Tls;
use super::world::{AT_ROUTER, CONTROLS, Controls, HOME_ROUTER, PORTAL_PORT, Resolver, World};
use super::worlds::{Dice, Drawn, SECRET, is_at};

/// What a fault does to a run that can see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// Calls fail or run badly, and a run must notice.
    Noticed,
    /// Calls fail or run badly, and a run that samples may miss it.
    Sampled,
    /// A risk.
    Risk,
    /// Nothing of what was asked.
    None,
}

/// A way to break a world.
pub struct Fault {
    pub name: &'static str,
    /// The causes that are true where it is in.
    pub causes: &'static [&'static str],
    /// What such a world may be said to have besides.
    pub consequences: &'static [&'static str],
    /// What is true as well where the ICMP errors that would tell it from that are spent.
    pub unsaid: &'static [&'static str],
    /// Whether it is in the caller's network, and not at one server.
    pub is_of_caller: bool,
    /// Whether chance decides in each run what shows of it.
    pub is_random: bool,
    /// Whether what gives allocations back may not reach the server.
    pub holds_releases: bool,
    /// Breaks the world; `None` where this world can't be broken so.
    pub apply: fn(&mut Drawn, &mut Dice) -> Option<Harm>,
}

const fn fault(name: &'static str, causes: &'static [&'static str], apply: fn(&mut Drawn, &mut Dice) -> Option<Harm>) -> Fault {
    Fault { name, causes, consequences: &[], unsaid: &[], is_of_caller: false, is_random: false, holds_releases: false, apply }
}

impl Fault {
    const fn implying(self, consequences: &'static [&'static str]) -> Self {
        Self { consequences, ..self }
    }

    const fn unsaid(self, unsaid: &'static [&'static str]) -> Self {
        Self { unsaid, ..self }
    }

    const fn of_caller(self) -> Self {
        Self { is_of_caller: true, ..self }
    }

    const fn random(self) -> Self {
        Self { is_random: true, ..self }
    }

    const fn holding_releases(self) -> Self {
        Self { holds_releases: true, ..self }
    }
}

/// Who resets connections at their ports blocks these ports, and looks like a server that does it itself.
const RESETS: &[&str] = &["network-allow-list", "network-blocks-tcp-port", "turn-tcp-closed", "turn-tls-closed"];

/// All ways.
pub const ALL: &[Fault] = &[
    // Names
    fault("name not published", &["dns-not-found"], |drawn, _| {
        named(drawn, |world, name| world.zone.names.retain(|published| published.name != name))
    }),
    fault("name without addresses", &["dns-not-found"], |drawn, _| {
        named(drawn, |world, name| world.zone.publication(name).into_iter().for_each(|it| it.addresses.clear()))
    }),
    fault("silent resolver", &["dns-unavailable"], |drawn, _| named(drawn, |world, _| world.caller.resolver = Resolver::Silent))
        .of_caller(),
    fault("IPv6 dropped before the server", &["ipv6-address-dead"], v6_dropped),
    // The way to the server
    fault("UDP dropped", &["turn-udp-closed"], |drawn, _| filter(drawn, Transport::Udp, Action::Drop)),
    fault("UDP rejected", &["turn-not-listening-udp"], |drawn, _| {
        filter(drawn, Transport::Udp, Action::Reject(Unreachable::Port))
    })
    .unsaid(&["turn-udp-closed"]),
    fault("UDP prohibited by a router", &["turn-udp-closed"], |drawn, _| {
        router(drawn, Transport::Udp, Action::Reject(Unreachable::Prohibited))
    }),
    fault("no UDP listener", &["turn-not-listening-udp"], |drawn, _| {
        // Those that keep a server busy hold their allocations over UDP.
        if drawn.host().held > 0 {
            return None;
        }
        drawn.host_mut().listeners.as_mut()?.udp = None;
        asked(drawn, Transport::Udp)
    }),
    fault("TCP dropped", &["turn-tcp-closed"], |drawn, _| filter(drawn, Transport::Tcp, Action::Drop)),
    fault("TCP reset", &["turn-tcp-closed"], |drawn, _| filter(drawn, Transport::Tcp, Action::Reject(Unreachable::Port))),
    fault("TCP prohibited by a router", &["turn-tcp-closed"], |drawn, _| {
        router(drawn, Transport::Tcp, Action::Reject(Unreachable::Prohibited))
    }),
    fault("no TCP listener", &["turn-tcp-closed"], |drawn, _| {
        drawn.host_mut().listeners.as_mut()?.tcp = None;
        asked(drawn, Transport::Tcp)
    }),
    fault("TLS dropped", &["turn-tls-closed"], |drawn, _| {
        drawn.claim("tls")?;
        filter(drawn, Transport::Tls, Action::Drop)
    }),
    fault("everything dropped", &["turn-down", "server-address-blocked"], |drawn, _| {
        drawn.host_mut().filter.insert(0, Rule::any(Action::Drop).inward());
        Some(Harm::Noticed)
    }),
    fault("host down", &["turn-down", "server-address-blocked"], |drawn, _| {
        drawn.host_mut().alive = false;
        Some(Harm::Noticed)
    }),
    fault("nothing listens", &["turn-down"], |drawn, _| {
        drawn.host_mut().listeners = None;
        Some(Harm::Noticed)
    }),
    fault("a web server on the TURN port", &["wrong-host"], |drawn, _| {
        let host = drawn.host_mut();
        host.web = host.listeners.take()?.tcp;
        if drawn.asks_for(Transport::Tcp) { Some(Harm::Noticed) } else { None }
    }),
    fault("streams stall", &["stream-cut"], |drawn, dice| {
        let bytes = dice.number(5000..=9000).into();
        let (plain, tls) = ports(drawn)?;
        let stall = |port| Rule::any(Action::Drop).tcp().port(port).content(Content::BeyondBytes(bytes));
        drawn.host_mut().router.extend([Some(plain), tls].into_iter().flatten().map(stall));
        streams(drawn)
    })
    .holding_releases(),
    fault("large packets lost", &["mtu-blackhole"], |drawn, _| {
        let (plain, tls) = ports(drawn)?;
        // A narrow link is narrow for datagrams as well, which leave in one piece.
        let lose = |port| Rule::any(Action::Drop).port(port).content(Content::LongerThan(1000));
        drawn.host_mut().router.extend([Some(plain), tls].into_iter().flatten().map(lose));
        streams(drawn)
    })
    .holding_releases(),
    // This network
    // Where names are asked for over UDP they are lost with it.
    fault("network without UDP", &["network-blocks-udp", "dns-unavailable"], |drawn, _| {
        gateway(drawn, vec![Rule::any(Action::Drop).outward().udp()])
    })
    .of_caller(),
    fault("network without STUN", &["network-blocks-stun"], |drawn, _| {
        let harm = gateway(drawn, vec![Rule::any(Action::Drop).outward().udp().content(Content::Stun)])?;
        // Who is offered streams alone sends no STUN over UDP.
        Some(if drawn.asks_for(Transport::Udp) { harm } else { Harm::None })
    })
    .of_caller(),
    fault("network with UDP to a few ports", &["relay-untestable-from-here"], |drawn, _| {
        ports(drawn)?;
        let served = drawn.world.hosts.iter().filter_map(|host| host.listeners.as_ref()?.udp);
        let passed = [53, 3478].into_iter().chain(served);
        let mut rules: Vec<Rule> = passed.map(|port| Rule::any(Action::Accept).outward().udp().port(port)).collect();
        rules.push(Rule::any(Action::Drop).outward().udp());
        gateway(drawn, rules).map(|_| Harm::Sampled)
    })
    .of_caller(),
    fault("network with TCP to a few hosts", &["network-allow-list", "dns-unavailable"], |drawn, _| {
        let pass = Rule::any(Action::Accept).outward().tcp().remote(CONTROLS[0].into());
        gateway(drawn, vec![pass, Rule::any(Action::Drop).outward()])
    })
    .implying(&["network-blocks-udp"])
    .of_caller(),
    // Near the server nothing tells its router from the server itself.
    fault("network that resets TURN over TCP", RESETS, |drawn, _| {
        let (plain, tls) = ports(drawn)?;
        let reset = |port| Rule::any(Action::Reject(Unreachable::Port)).outward().tcp().port(port);
        let harm = gateway(drawn, [Some(plain), tls].into_iter().flatten().map(reset).collect())?;
        Some(if drawn.asks_for(Transport::Tcp) { harm } else { Harm::None })
    })
    .of_caller(),
    fault("own host refuses UDP", &["local-firewall"], |drawn, _| {
        let dns = Rule::any(Action::Accept).outward().udp().port(53);
        drawn.world.caller.local = vec![dns, Rule::any(Action::Drop).outward().udp()];
        Some(Harm::Noticed)
    })
    .of_caller(),
    fault("captive portal", &["captive-portal"], |drawn, _| {
        let portal = SocketAddr::new(HOME_ROUTER.into(), PORTAL_PORT);
        let dns = Rule::any(Action::Accept).outward().udp().port(53);
        let drop = Rule::any(Action::Drop).outward().udp();
        gateway(drawn, vec![dns, drop, Rule::any(Action::Redirect(AT_ROUTER, portal)).outward().tcp()])
    })
    .implying(&["network-blocks-udp", "network-blocks-stun"])
    .of_caller(),
    fault("lossy line", &["packet-loss"], |drawn, dice| {
        let loss = dice.share(0.1..=0.2);
        drawn.world.caller.link.loss_outward = loss;
        drawn.world.caller.link.loss_inward = loss;
        drawn.claim_of_caller("line")?;
        asked(drawn, Transport::Udp)
    })
    .random()
    .of_caller(),
    fault("somewhat lossy line", &["packet-loss"], |drawn, dice| {
        let loss = dice.share(0.02..=0.05);
        drawn.world.caller.link.loss_outward = loss;
        drawn.world.caller.link.loss_inward = loss;
        drawn.claim_of_caller("line")?;
        // Some hundred requests don't always tell it from a line that loses just 3 %.
        asked(drawn, Transport::Udp).map(|harm| if harm == Harm::Noticed { Harm::Sampled } else { harm })
    })
    .random()
    .of_caller(),
    // TLS
    fault("certificate expired", &["tls-certificate-expired"], |drawn, _| tls(drawn, Tls::Turn(Presented::Expired))),
    fault("certificate not yet valid", &["tls-certificate-not-yet-valid"], |drawn, _| {
        tls(drawn, Tls::Turn(Presented::NotYetValid))
    }),
    fault("certificate for another name", &["tls-name-mismatch"], |drawn, _| tls(drawn, Tls::Turn(Presented::OtherName))),
    fault("self-signed certificate", &["tls-untrusted-issuer"], |drawn, _| tls(drawn, Tls::Turn(Presented::SelfSigned))),
    fault("certificate below an unknown root", &["tls-untrusted-issuer"], |drawn, _| {
        tls(drawn, Tls::Turn(Presented::UnknownRoot))
    }),
    fault("certificate without its intermediate", &["tls-chain-incomplete"], |drawn, _| {
        tls(drawn, Tls::Turn(Presented::MissingIntermediate))
    }),
    fault("key of another certificate", &["tls-handshake-failed"], |drawn, _| tls(drawn, Tls::KeyMismatch)),
    fault("TLS 1.1", &["tls-protocol-too-old"], |drawn, _| tls(drawn, Tls::TooOld)),
    fault("TLS 1.1 and silence", &["tls-protocol-too-old"], |drawn, _| tls(drawn, Tls::TooOldAndSilent)),
    fault("HTTP inside TLS", &["tls-not-turn"], |drawn, _| tls(drawn, Tls::Http(Presented::Valid))),
    fault("certificate expires soon", &["tls-certificate-expires-soon"], |drawn, _| {
        tls(drawn, Tls::Turn(Presented::ExpiresSoon)).map(|_| Harm::Risk)
    }),
    // STUN
    fault("replies from another address", &["reply-from-other-address"], |drawn, _| {
        let port = ports(drawn)?.0;
        drawn.host_mut().replies_elsewhere = Some(port);
        if drawn.host().placement == Placement::Public { asked(drawn, Transport::Udp) } else { None }
    })
    .holding_releases(),
    fault("callers hidden from the server", &["mapped-address-private"], |drawn, _| {
        drawn.host_mut().hides_callers = true;
        if drawn.host().placement != Placement::OneToOneNat {
            return None;
        }
        // Nobody uses the address that a connection comes from.
        Some(if drawn.asks_for(Transport::Udp) { Harm::Noticed } else { Harm::None })
    }),
    fault("MAPPED-ADDRESS rewritten", &["stun-rewritten"], |drawn, _| {
        asked(drawn, Transport::Udp)?;
        drawn.claim("binding")?;
        server(drawn, ServerFault::StunRewritten)
    }),
    fault("Binding ignored", &["stun-silent"], |drawn, _| {
        drawn.claim("binding")?;
        server(drawn, ServerFault::StunSilent).map(|_| Harm::Risk)
    }),
    fault("Allocate ignored", &["turn-disabled"], |drawn, _| server(drawn, ServerFault::TurnDisabled)),
    // Authentication
    fault("wrong password", &["credentials-rejected"], |drawn, _| log_in(drawn, given("alice", "looking-glass-1871"))),
    fault("unknown user", &["credentials-rejected"], |drawn, _| log_in(drawn, given("mallory", "wonderland-1865"))),
    fault("wrong secret", &["credentials-rejected"], |drawn, _| {
        log_in(drawn, Login::SharedSecret { secret: Secret::new("south"), id: None })
    }),
    fault("expired name", &["credentials-expired"], |drawn, _| {
        share_secret(drawn);
        log_in(drawn, ephemeral(&format!("{}:alice", unix_seconds(beginning()) - 3600)))
    }),
    fault("stamp in milliseconds", &["credentials-malformed"], |drawn, _| {
        share_secret(drawn);
        log_in(drawn, ephemeral(&format!("{}:alice", (unix_seconds(beginning()) + 3600) * 1000)))
    }),
    fault("server's clock ahead", &["clock-skew"], |drawn, _| {
        share_secret(drawn);
        server(drawn, ServerFault::ClockSkew)?;
        log_in(drawn, Login::SharedSecret { secret: Secret::new(SECRET), id: None })
    }),
    fault("no realm", &["realm-missing", "realm-empty"], |drawn, _| {
        drawn.claim("login")?;
        server(drawn, ServerFault::RealmMissing)
    }),
    fault("another realm", &["realm-mismatch"], |drawn, _| {
        drawn.claim("login")?;
        server_with_login(drawn, ServerFault::RealmMismatch)
    }),
    fault("every nonce stale", &["nonce-loop"], |drawn, _| {
        drawn.claim("login")?;
        server_with_login(drawn, ServerFault::NonceLoop)
    }),
    fault("open relay", &["turn-open-relay"], |drawn, _| {
        drawn.claim("login")?;
        server(drawn, ServerFault::TurnOpenRelay).map(|_| Harm::Risk)
    }),
    // Allocation
    fault("Allocate refused", &["allocation-refused"], |drawn, _| server_with_login(drawn, ServerFault::AllocationRefused)),
    fault("quota reached", &["quota-reached", "allocations-too-few"], |drawn, _| {
        server_with_login(drawn, ServerFault::QuotaReached)
    }),
    fault("ports exhausted", &["relay-ports-exhausted", "allocations-too-few"], |drawn, _| {
        server_with_login(drawn, ServerFault::RelayPortsExhausted)
    }),
    fault("relay address absent", &["relay-ports-exhausted"], |drawn, _| {
        drawn.claim("relay addresses")?;
        drawn.host_mut().config.relays = vec![RelayAddress::plain([203, 0, 113, 77].into())];
        with_login(drawn)
    }),
    fault("redirect to a dead server", &["redirect-dead"], |drawn, _| {
        let alternates = alternates(drawn, [203, 0, 113, 99].into())?;
        drawn.host_mut().config.alternates = alternates;
        server(drawn, ServerFault::RedirectDead)
    }),
    fault("redirect in a loop", &["redirect-loop"], |drawn, _| {
        let (own, second) = (drawn.host().reached_at().into(), drawn.host().number.second().into());
        if drawn.host().placement != Placement::Public || drawn.host().v6 {
            return None;
        }
        let alternates = [alternates(drawn, own)?, alternates(drawn, second)?].concat();
        drawn.host_mut().config.alternates = alternates;
        server(drawn, ServerFault::RedirectLoop)
    }),
    fault("no IPv4 relay", &["address-family-refused"], |drawn, _| server_with_login(drawn, ServerFault::AddressFamilyRefused)),
    fault("no UDP relay", &["relay-transport-refused"], |drawn, _| server_with_login(drawn, ServerFault::RelayTransportRefused)),
    fault("draining", &["server-draining"], |drawn, _| server_with_login(drawn, ServerFault::ServerDraining)),
    fault("own address denied", &["own-address-denied"], |drawn, _| server_with_login(drawn, ServerFault::OwnAddressDenied)),
    fault("caller denied", &["peer-denied"], |drawn, _| server_with_login(drawn, ServerFault::PeerDenied)),
    fault("channels refused", &["channel-refused"], |drawn, _| server_with_login(drawn, ServerFault::ChannelRefused)),
    // The relay
    fault("range dropped", &["relay-ports-closed"], |drawn, _| range(drawn, Memory::Stateless, Action::Drop)),
    fault("range closed to strangers", &["relay-ports-stateful-only"], |drawn, _| range(drawn, Memory::Stateful, Action::Drop)),
    fault("range rejected", &["relay-ports-closed"], |drawn, _| {
        range(drawn, Memory::Stateless, Action::Reject(Unreachable::Port))
    }),
    fault("a part of the range open", &["relay-range-mismatch", "relay-ports-partly-closed"], |drawn, dice| {
        drawn.claim("relay range")?;
        let (first, last) = drawn.host().config.ports.clone().into_inner();
        let middle = dice.number(u32::from(first) + u32::from(last - first) / 3..=u32::from(last) - u32::from(last - first) / 3);
        let closed = u16::try_from(middle).unwrap_or(last)..=last;
        drawn.host_mut().filter.push(Rule::any(Action::Drop).inward().udp().ports(closed));
        with_login(drawn).map(|_| Harm::Sampled)
    })
    .random(),
    fault("every second port dropped", &["relay-ports-partly-closed", "relay-range-mismatch"], |drawn, _| {
        drawn.claim("relay range")?;
        let ports = drawn.host().config.ports.clone();
        drawn.host_mut().filter.push(Rule::any(Action::Drop).inward().udp().ports(ports).divisible_by(2));
        with_login(drawn).map(|_| Harm::Sampled)
    })
    .random(),
    fault("relay's egress dropped", &["relay-egress-blocked"], |drawn, _| {
        let ports = drawn.host().config.ports.clone();
        drawn.host_mut().router.push(Rule::any(Action::Drop).outward().udp().source_ports(ports));
        with_login(drawn)
    }),
    fault("lossy relay", &["relay-lossy"], |drawn, dice| {
        let ports = drawn.host().config.ports.clone();
        let lossy = Rule::any(Action::Lose(dice.share(0.15..=0.25))).udp();
        drawn.host_mut().filter.extend([lossy.clone().inward().ports(ports.clone()), lossy.outward().source_ports(ports)]);
        let harm = with_login(drawn)?;
        // Over TCP and TLS alone the way's loss is not measured, and a few packets of a short stream are not counted.
        Some(if drawn.asks_for(Transport::Udp) { harm } else { Harm::Sampled })
    })
    .random(),
    fault("external-ip missing", &["external-ip-missing"], |drawn, _| {
        let private = drawn.host().number.private();
        advertise(drawn, private.into())?;
        if drawn.host().placement == Placement::OneToOneNat { with_login(drawn) } else { None }
    }),
    fault("external-ip wrong", &["external-ip-mismatch", "external-ip-suspect"], |drawn, _| {
        advertise(drawn, [203, 0, 113, 99].into())?;
        if drawn.host().placement == Placement::PrivateNetwork { None } else { with_login(drawn) }
    }),
    fault("1:1 NAT forwards the TURN ports alone", &["relay-ports-stateful-only"], |drawn, _| {
        let (plain, tls) = ports(drawn)?;
        let forwarded = |port| Rule::any(Action::Accept).inward().port(port);
        let mut edge: Vec<Rule> = [Some(plain), tls].into_iter().flatten().map(forwarded).collect();
        edge.push(Rule::any(Action::Drop).inward());
        drawn.host_mut().edge = edge;
        if drawn.host().placement == Placement::OneToOneNat { with_login(drawn) } else { None }
    }),
    fault("1:1 NAT moves the relay's ports", &["relay-nat-remaps-ports"], |drawn, _| {
        // A smaller range would not be moved but squeezed.
        if drawn.host().config.ports.len() < 1000 {
            return None;
        }
        let host = drawn.host_mut();
        host.shifted = Some((*host.config.ports.start(), 100));
        if drawn.host().placement == Placement::OneToOneNat { with_login(drawn) } else { None }
    }),
    fault("one relay port for all", &["relay-multiplexed"], |drawn, _| {
        server(drawn, ServerFault::RelayMultiplexed).map(|_| Harm::Risk)
    }),
];

/// Further ways, of worlds with several servers; beside those above they would change what every seed draws.
pub const FURTHER: &[Fault] = &[
    fault("two servers behind one address", &["several-servers-behind-one-address"], |drawn, _| {
        drawn.claim("relay range")?;
        replicate(drawn, Replicas::SharedRelays)?;
        with_login(drawn).map(|_| Harm::Sampled)
    })
    .random(),
    fault("two servers on one port", &["several-servers-on-a-port"], |drawn, _| {
        drawn.claim("login")?;
        replicate(drawn, Replicas::OtherPasswords)?;
        with_login(drawn).map(|_| Harm::Sampled)
    })
    .random(),
    fault("1:1 NAT without hairpin", &["relay-to-relay-blocked"], |drawn, _| {
        drawn.host_mut().hairpinning = Hairpinning::Unsupported;
        if drawn.host().placement == Placement::OneToOneNat { with_login(drawn) } else { None }
    }),
    fault("quota of one", &["allocations-too-few", "quota-reached"], |drawn, _| {
        drawn.claim("quota")?;
        drawn.host_mut().config.user_quota = Some(1);
        with_login(drawn)
    }),
    fault("busy server with room for one", &["allocations-too-few", "quota-reached"], |drawn, dice| {
        let held = dice.number(1..=3) as usize;
        occupy(drawn, held, 1)
    }),
    fault("busy server without room", &["quota-reached"], |drawn, dice| {
        let held = dice.number(1..=3) as usize;
        occupy(drawn, held, 0)
    }),
];

fn replicate(drawn: &mut Drawn, replicas: Replicas) -> Option<()> {
    drawn.claim("replicas")?;
    drawn.host_mut().replicas = replicas;
    (drawn.host().placement == Placement::Public).then_some(())
}

/// Others hold allocations, and there is room for so many more.
fn occupy(drawn: &mut Drawn, held: usize, room: usize) -> Option<Harm> {
    drawn.claim("quota")?;
    drawn.claim("login")?;
    let host = drawn.host_mut();
    host.held = held;
    host.config.total_quota = Some(held + room);
    // They all log in as one user.
    host.config.user_quota = None;
    host.listeners.as_ref()?.udp?;
    with_login(drawn)
}

fn named(drawn: &mut Drawn, change: fn(&mut World, &str)) -> Option<Harm> {
    drawn.claim("name")?;
    let name = drawn.host().number.name();
    drawn.world.zone.publication(name)?;
    change(&mut drawn.world, name);
    Some(Harm::Noticed)
}

/// The caller's network has one filter.
fn gateway(drawn: &mut Drawn, rules: Vec<Rule>) -> Option<Harm> {
    drawn.claim_of_caller("gateway")?;
    drawn.world.caller.gateway = rules;
    Some(Harm::Noticed)
}

fn v6_dropped(drawn: &mut Drawn, _dice: &mut Dice) -> Option<Harm> {
    let name = drawn.host().number.name();
    let two_addresses = drawn.world.zone.publication(name).is_some_and(|published| published.addresses.len() > 1);
    drawn.host_mut().filter.insert(0, Rule::any(Action::Drop).inward().v6());
    if !two_addresses || !drawn.world.caller.v6 {
        return None;
    }
    // Without a control over IPv6 it may as well be this network that is without it.
    Some(if drawn.world.controls == Controls::Everything { Harm::Noticed } else { Harm::Sampled })
}

/// The server's ports: for UDP and TCP, and for TLS.
fn ports(drawn: &Drawn) -> Option<(u16, Option<u16>)> {
    let listeners = drawn.host().listeners.as_ref()?;
    Some((listeners.udp.or(listeners.tcp)?, listeners.tls.map(|(port, _)| port)))
}

fn rule(drawn: &Drawn, transport: Transport, action: Action) -> Option<Rule> {
    let (plain, tls) = ports(drawn)?;
    Some(match transport {
        Transport::Udp => Rule::any(action).inward().udp().port(plain),
        Transport::Tcp => Rule::any(action).inward().tcp().port(plain),
        Transport::Tls => Rule::any(action).inward().tcp().port(tls?),
        Transport::Dtls => Rule::any(action).inward().udp().port(tls?),
    })
}

fn filter(drawn: &mut Drawn, transport: Transport, action: Action) -> Option<Harm> {
    let rule = rule(drawn, transport, action)?;
    drawn.host_mut().filter.push(rule);
    asked(drawn, transport)
}

fn router(drawn: &mut Drawn, transport: Transport, action: Action) -> Option<Harm> {
    let rule = rule(drawn, transport, action)?;
    drawn.host_mut().router.push(rule);
    asked(drawn, transport)
}

/// A fault of one transport harms where that transport is asked for; TLS of a bare host is no more than a risk.
#[expect(clippy::unnecessary_wraps, reason = "the functions of the table may decline a world")]
fn asked(drawn: &Drawn, transport: Transport) -> Option<Harm> {
    Some(match (drawn.asks_for(transport), transport, drawn.asks.form) {
        (false, ..) => Harm::None,
        (true, Transport::Tls, Form::Host) | (true, _, Form::HostAndPort) => Harm::Risk,
        (true, ..) => Harm::Noticed,
    })
}

fn streams(drawn: &Drawn) -> Option<Harm> {
    let asked = drawn.asks_for(Transport::Tcp) || drawn.asks_for(Transport::Tls);
    with_login(drawn).map(|harm| if asked { harm } else { Harm::None })
}

fn tls(drawn: &mut Drawn, tls: Tls) -> Option<Harm> {
    drawn.claim("tls")?;
    drawn.host_mut().listeners.as_mut()?.tls.as_mut()?.1 = tls;
    // A host and a port mean the TLS of that port, which here is always the plain one.
    let asked = drawn.asks_for(Transport::Tls) && drawn.asks.form != Form::HostAndPort;
    Some(if asked { Harm::Noticed } else { Harm::None })
}

#[expect(clippy::unnecessary_wraps, reason = "the functions of the table may decline a world")]
fn server(drawn: &mut Drawn, fault: ServerFault) -> Option<Harm> {
    drawn.host_mut().config.faults.push(fault);
    Some(Harm::Noticed)
}

fn server_with_login(drawn: &mut Drawn, fault: ServerFault) -> Option<Harm> {
    server(drawn, fault)?;
    with_login(drawn)
}

/// What shows only past authentication needs credentials, or a server that wants none.
fn with_login(drawn: &Drawn) -> Option<Harm> {
    drawn.services().any(|planned| planned.login.is_some()).then_some(Harm::Noticed)
}

fn log_in(drawn: &mut Drawn, login: Login) -> Option<Harm> {
    drawn.claim("login")?;
    let login = Rc::new(login);
    let host = drawn.host().clone();
    for planned in drawn.asks.services.iter_mut().filter(|planned| is_at(&host, planned)) {
        planned.login = Some(Rc::clone(&login));
    }
    Some(Harm::Noticed)
}

fn share_secret(drawn: &mut Drawn) {
    drawn.host_mut().config.users.clear();
    drawn.host_mut().config.secret = Some(Secret::new(SECRET));
}

fn given(user: &str, password: &str) -> Login {
    Login::Given(Credentials { username: Secret::new(user), password: Secret::new(password) })
}

fn ephemeral(name: &str) -> Login {
    given(name, &hmac_password(&Secret::new(SECRET), name))
}

fn range(drawn: &mut Drawn, memory: Memory, action: Action) -> Option<Harm> {
    drawn.claim("relay range")?;
    let ports = drawn.host().config.ports.clone();
    drawn.host_mut().filter.push(Rule::any(action).inward().udp().ports(ports));
    drawn.host_mut().filter_memory = memory;
    with_login(drawn)
}

fn advertise(drawn: &mut Drawn, address: IpAddr) -> Option<()> {
    drawn.claim("relay addresses")?;
    drawn.host_mut().config.relays[0].advertised = address;
    Some(())
}

fn alternates(drawn: &Drawn, address: IpAddr) -> Option<Vec<Endpoint>> {
    let (plain, tls) = ports(drawn)?;
    let at = |transport, port| Endpoint::new(transport, SocketAddr::new(address, port));
    let mut alternates = vec![at(Transport::Udp, plain), at(Transport::Tcp, plain)];
    alternates.extend(tls.map(|port| at(Transport::Tls, port)));
    Some(alternates)
}
