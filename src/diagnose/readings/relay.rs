//! The relay's data path: permissions, the ways in and out, and its ports together.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use super::controls::LAST_LOW_PORT;

use super::quality::{CHANCE, held_up, stalls, worst_loss};
use crate::diagnose::ports::TriedPorts;
use crate::diagnose::reading::{Manner, Reading, Readings, State, What};
use crate::diagnose::run::{RelayAt, Relayed, Run, Seen, Service};
use crate::model::address::Reach;
use crate::model::endpoint::Endpoint;
use crate::model::fact::{AllocationFact, InboundFact, InboundWay, OutboundFact, PeerKind, PermissionFact};
use crate::model::message::Arg;
use crate::model::outcome::{Outcome, Reply};
use crate::model::place::Place;

/// The codes by which a server speaks of the user, of its allocation or of a family of addresses: they are about no peer.
const OF_THE_USER: [u16; 6] = [401, 437, 438, 440, 441, 443];

/// As many answers are enough to show what comes in.
const CITED: usize = 4;

pub fn read(run: &Run<'_>, readings: &mut Readings) {
    let known: BTreeSet<IpAddr> = addresses(run);
    let late = held_up(run);
    let from_high_ports = (from_high_ports(run, true), from_high_ports(run, false));
    for (at, ports) in &run.relays {
        let is_offered = |relayed: &Relayed<'_>| {
            relayed.through.iter().any(|endpoint| run.is_promised(*endpoint) || run.is_redirected_to(endpoint.address))
        };
        if !ports.values().any(is_offered) {
            continue;
        }
        address(&known, *at, ports, readings);
        permissions(*at, ports, readings);
        ways_in(run, *at, ports, readings);
        ways_out(run, *at, ports, readings);
        let heard = if at.1.is_ipv4() { &from_high_ports.0 } else { &from_high_ports.1 };
        if !heard.is_empty() {
            readings.add(Reading::new(What::HearsHighPorts, place(*at), State::Holds, heard.clone()));
        }
        pairs(run, *at, ports, readings);
        shared(run, *at, readings);
        channels(run, *at, readings);
        if let Some(tried) = TriedPorts::at(run, *at).filter(|tried| !late.contains(&at.0) || !tried.may_be_held_up(run, *at)) {
            tried.read(*at, readings);
        }
    }
    TriedPorts::of_responders(run, readings);
}

fn place((server, relayed): RelayAt) -> Place {
    Place::Relay { server, relayed }
}

/// The addresses that the asked hosts stand for.
fn addresses(run: &Run<'_>) -> BTreeSet<IpAddr> {
    let resolved = run.names.iter().flat_map(|name| name.fact.addresses.iter().copied());
    resolved.chain(run.services.keys().map(|endpoint| endpoint.ip())).collect()
}

/// Whether the address that is advertised can be right.
fn address(known: &BTreeSet<IpAddr>, at: RelayAt, ports: &BTreeMap<u16, Relayed<'_>>, readings: &mut Readings) {
    let (server, relayed) = at;
    let evidence: Vec<usize> = ports.values().filter(|port| !port.is_sample).filter_map(|port| port.allocation).collect();
    let evidence =
        if evidence.is_empty() { ports.values().filter_map(|port| port.allocation).take(1).collect() } else { evidence };
    if evidence.is_empty() {
        return;
    }
    // What the host has for itself alone is no address of a network.
    let is_of_network = matches!(Reach::of(relayed), Reach::Private | Reach::CarrierGrade);
    let own = if is_of_network { relayed.to_string() } else { "PRIVATE-ADDRESS".to_owned() };
    let advertised = |reading: Reading| reading.saying("advertised", relayed.to_string()).saying("private-address", own.clone());
    let state = if leads_outside(relayed, server) { State::Holds } else { State::Broken(Manner::Private) };
    readings.add(advertised(Reading::new(What::KnownPublic, place(at), state, evidence.clone())));
    let other_family = relayed.is_ipv4() != server.is_ipv4();
    // Of a name's other address that lets nothing in nobody knows whose relay it is.
    let arrived =
        ports.values().flat_map(|port| &port.inbound).any(|seen| seen.fact.arrived && seen.fact.sent_to.ip() == relayed);
    // What it sends shows its address. Where its own lets datagrams in and another one sends them, both are the relay's.
    let sent = ports.values().flat_map(|port| &port.outbound).find_map(|seen| Some((seen.at, seen.fact.from?)));
    if let Some((at_sent, from)) = sent {
        let state = if from.ip() == relayed { State::Holds } else { State::Broken(Manner::Different) };
        let evidence: Vec<usize> = evidence.iter().copied().chain([at_sent]).collect();
        let about =
            |what| advertised(Reading::new(what, place(at), state, evidence.clone())).saying("other", from.ip().to_string());
        if arrived {
            readings.add(about(What::SendsAsItself));
        }
        if !arrived || from.ip() == relayed {
            return readings.add(about(What::OwnAddress));
        }
    }
    let state = if relayed == server || known.contains(&relayed) && arrived {
        State::Holds
    } else if other_family && server.is_ipv6() {
        // Asked over IPv6 a server relays over IPv4, at an address that nobody has told.
        return;
    } else {
        State::Broken(if other_family { Manner::Other } else { Manner::Different })
    };
    readings.add(advertised(Reading::new(What::OwnAddress, place(at), state, evidence)));
}

/// Whether an address is one of the internet, where the server is one too.
fn leads_outside(address: IpAddr, server: IpAddr) -> bool {
    Reach::of(address).is_global() || !Reach::of(server).is_global()
}

fn permissions(at: RelayAt, ports: &BTreeMap<u16, Relayed<'_>>, readings: &mut Readings) {
    let is_named = named(at, ports, readings);
    for (whose, what) in [(PeerKind::Reflexive, What::PermitsCaller), (PeerKind::Relayed, What::PermitsItself)] {
        let asked: Vec<_> = ports.values().flat_map(|port| &port.permissions).filter(|seen| seen.fact.whose == whose).collect();
        let granted: Vec<usize> = asked.iter().filter(|seen| seen.fact.reply.succeeded()).map(|seen| seen.at).collect();
        let denied: Vec<_> = asked.iter().filter(|seen| is_refusal(&seen.fact.reply)).collect();
        if !granted.is_empty() {
            readings.add(Reading::new(what, place(at), State::Holds, granted));
        } else if let Some(first) = denied.first().filter(|_| !is_named) {
            let evidence = denied.iter().map(|seen| seen.at).collect();
            readings.add(denial(what, at, first, evidence).saying("mapped", first.fact.peer.to_string()));
        }
    }
}

/// Whether the relay may send to the peers that it is for; where some were named, nobody else matters.
fn named(at: RelayAt, ports: &BTreeMap<u16, Relayed<'_>>, readings: &mut Readings) -> bool {
    let asked = ports.values().flat_map(|port| &port.permissions).filter(|seen| seen.fact.whose == PeerKind::Named);
    let asked: Vec<_> = asked.collect();
    let denied = asked.iter().find(|seen| seen.fact.reply.code() == Some(443) || is_refusal(&seen.fact.reply));
    if let Some(denied) = denied {
        readings.add(denial(What::PermitsNamed, at, denied, vec![denied.at]).saying("peer", denied.fact.peer.to_string()));
    } else if let Some(granted) = asked.iter().find(|seen| seen.fact.reply.succeeded()) {
        readings.add(Reading::new(What::PermitsNamed, place(at), State::Holds, vec![granted.at]));
    }
    !asked.is_empty()
}

/// Whether a permission is refused for its peer; pion's servers do so by an error that has no code.
fn is_refusal(reply: &Reply) -> bool {
    reply.code().map_or(matches!(reply.outcome, Outcome::Unusable { .. }), |code| !OF_THE_USER.contains(&code))
}

fn denial(what: What, at: RelayAt, first: &Seen<'_, PermissionFact>, evidence: Vec<usize>) -> Reading {
    let code = first.fact.reply.code().unwrap_or_default();
    let manner = if code == 403 { Manner::Code(403) } else { Manner::OtherCode };
    Reading::new(what, place(at), State::Broken(manner), evidence).saying("code", code)
}

/// Datagrams from outside: one that arrived at any port shows the address and the way.
fn ways_in(run: &Run<'_>, at: RelayAt, ports: &BTreeMap<u16, Relayed<'_>>, readings: &mut Readings) {
    let all = || ports.values().flat_map(|port| &port.inbound);
    let ways = [
        (InboundWay::Unsolicited, What::In),
        (InboundWay::Alternative, What::InAlt),
        (InboundWay::Solicited, What::InAgain),
        (InboundWay::StunLike, What::InStun),
    ];
    for (way, what) in ways {
        let tried: Vec<&Seen<'_, InboundFact>> = all().filter(|seen| seen.fact.way == way).collect();
        let arrived: Vec<usize> = tried.iter().filter(|seen| seen.fact.arrived).map(|seen| seen.at).collect();
        let Some(first) = tried.first() else { continue };
        // What was sent after the relay had sent out in vain, or to an address that is not ours for this relay, tells nothing more.
        let told = if what == What::InAgain && arrived.is_empty() { went_out(run, at, ports) } else { Told::Us };
        if told == Told::Another {
            continue;
        }
        let manner = tried.iter().find_map(|seen| seen.fact.icmp).map_or(Manner::Silent, |icmp| match icmp.from {
            Some(from) if from == first.fact.sent_to.ip() => Manner::Refused,
            Some(from) if !Reach::of(from).is_global() && Reach::of(first.fact.sent_to.ip()).is_global() => Manner::RejectedHere,
            Some(_) | None => Manner::Rejected,
        });
        let manner = if told == Told::Perhaps && manner == Manner::Silent { Manner::Different } else { manner };
        let state = if arrived.is_empty() { State::Broken(manner) } else { State::Holds };
        let evidence = if arrived.is_empty() { tried.iter().map(|seen| seen.at).collect() } else { arrived };
        let reached: Arg = first.fact.sent_to.ip().to_string().into();
        readings.add(Reading { details: vec![("reached", reached)], ..Reading::new(what, place(at), state, evidence) });
    }
    // A refusal by the host itself shows as well that the datagram left this network and got there.
    let refused: Vec<usize> = all()
        .filter(|seen| seen.fact.icmp.is_some_and(|icmp| icmp.from == Some(seen.fact.sent_to.ip())))
        .map(|seen| seen.at)
        .collect();
    if !refused.is_empty() {
        readings.add(Reading::new(What::InReaches, place(at), State::Holds, refused));
    }
}

/// To whom the relay has sent before this host sent to it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Us,
    /// To an address of ours, if this network's NAT maps alike for all.
    Perhaps,
    /// To none from which this host sends to the relay.
    Another,
}

/// Whether the relay has sent to the address from which this host sends to it. Behind a NAT that maps by destination another address may get
/// there, and a firewall that remembers it lets in nobody else.
fn went_out(run: &Run<'_>, at: RelayAt, ports: &BTreeMap<u16, Relayed<'_>>) -> Told {
    let mut arrived = ports.values().flat_map(|port| &port.outbound).filter(|seen| seen.fact.arrived).peekable();
    if arrived.peek().is_none() {
        return Told::Another;
    }
    match run.maps_by_destination(at.1) {
        _ if arrived.any(|seen| seen.fact.peer_seen_by_relay) => Told::Us,
        Some(false) => Told::Us,
        None => Told::Perhaps,
        Some(true) => Told::Another,
    }
}

/// Datagrams to the outside. One to a peer that the relay has not seen proves nothing behind a NAT that maps by destination.
fn ways_out(run: &Run<'_>, at: RelayAt, ports: &BTreeMap<u16, Relayed<'_>>, readings: &mut Readings) {
    let tried: Vec<_> = ports.values().flat_map(|port| &port.outbound).collect();
    let mut arrived: Vec<usize> = tried.iter().filter(|seen| seen.fact.arrived).map(|seen| seen.at).collect();
    if arrived.is_empty() {
        arrived = carried(run, at);
    }
    if !arrived.is_empty() {
        let moved = tried.iter().find_map(|seen| seen.fact.from.filter(|from| from.port() != seen.fact.relayed.port()));
        readings.add(Reading::new(What::Out, place(at), State::Holds, arrived.clone()));
        let let_in =
            ports.values().flat_map(|port| &port.inbound).any(|seen| seen.fact.arrived && seen.fact.way != InboundWay::Solicited);
        if let Some(from) = moved.filter(|_| !let_in) {
            let reading = Reading::new(What::OwnPort, place(at), State::Broken(Manner::Different), arrived);
            readings.add(reading.saying("other", from.to_string()));
        } else if moved.is_none()
            && !let_in
            && twice_given(run, at).is_empty()
            && tried.iter().any(|seen| seen.fact.from.is_some())
        {
            readings.add(Reading::new(What::OwnPort, place(at), State::Holds, arrived));
        }
        return;
    }
    // Where some ports let in, what doesn't leave from another one tells of that port: nothing of ours has passed to it, so that a NAT
    // on this side lets nothing of it in.
    let lets_in = ports.values().flat_map(|port| &port.inbound).any(|seen| seen.fact.arrived);
    let tells = |seen_by_relay: bool| seen_by_relay || !lets_in && run.maps_by_destination(at.1) == Some(false);
    let stalls = |endpoint: Option<Endpoint>| is_over_stalling(run, endpoint);
    let by_chance = |seen: &Seen<'_, OutboundFact>| {
        let loss = seen.endpoint.filter(|endpoint| !endpoint.transport.is_stream()).map_or(0.0, |at| worst_loss(run, at.ip()));
        loss.powf(f64::from(seen.fact.sends)) > CHANCE
    };
    let counts =
        |seen: &&&Seen<'_, OutboundFact>| tells(seen.fact.peer_seen_by_relay) && !stalls(seen.endpoint) && !by_chance(seen);
    let silent: Vec<usize> = tried.iter().filter(counts).map(|seen| seen.at).collect();
    if !silent.is_empty() {
        readings.add(Reading::new(What::Out, place(at), State::Broken(Manner::Silent), silent));
    }
}

/// What left the relay besides: over a channel, or in a stream.
fn carried(run: &Run<'_>, at: RelayAt) -> Vec<usize> {
    let services =
        run.services_at(at.0).filter(|(endpoint, _)| run.relayed_through(*endpoint) == Some(at.1)).map(|(_, service)| service);
    let of_service = |service: &Service<'_>| {
        let channels = service.channels.iter().filter(|seen| seen.fact.carried == Some(true)).map(|seen| seen.at);
        let streams = service.streams.iter().filter(|seen| seen.fact.outbound.arrived > 0).map(|seen| seen.at);
        channels.chain(streams).collect::<Vec<_>>()
    };
    services.flat_map(of_service).collect()
}

/// Some answers that came into this network from high ports, as what relays send does.
fn from_high_ports(run: &Run<'_>, v4: bool) -> Vec<usize> {
    let is_high = |from: SocketAddr| from.port() > LAST_LOW_PORT && from.is_ipv4() == v4 && !from.ip().is_loopback();
    let is_from_high = |endpoint: Option<Endpoint>| endpoint.is_some_and(|it| !it.transport.is_stream() && is_high(it.address));
    let controls = run.controls.iter().filter(|seen| is_from_high(seen.endpoint) && seen.fact.reply.answered());
    let outside = run.outside.iter().filter(|seen| is_from_high(seen.endpoint) && seen.fact.reply.answered());
    let relays = run.relays.values().flat_map(BTreeMap::values).flat_map(|port| &port.outbound);
    let relays = relays.filter(|seen| seen.fact.from.is_some_and(is_high)).map(|seen| seen.at);
    controls.map(|seen| seen.at).chain(outside.map(|seen| seen.at)).chain(relays).take(CITED).collect()
}

/// Whether what goes over a service's connection may wait for good.
fn is_over_stalling(run: &Run<'_>, endpoint: Option<Endpoint>) -> bool {
    endpoint.and_then(|endpoint| run.services.get(&endpoint)).is_some_and(stalls)
}

/// What a relay sends to itself. Over a connection that stalls nobody hears of it.
fn pairs(run: &Run<'_>, at: RelayAt, ports: &BTreeMap<u16, Relayed<'_>>, readings: &mut Readings) {
    let all = ports.values().flat_map(|port| &port.to_itself);
    let tried: Vec<_> = all.filter(|seen| seen.fact.arrived || !is_over_stalling(run, seen.endpoint)).collect();
    let arrived: Vec<usize> = tried.iter().filter(|seen| seen.fact.arrived).map(|seen| seen.at).collect();
    if !arrived.is_empty() {
        readings.add(Reading::new(What::ToItself, place(at), State::Holds, arrived));
    } else if !tried.is_empty() {
        let silent = tried.iter().map(|seen| seen.at).collect();
        readings.add(Reading::new(What::ToItself, place(at), State::Broken(Manner::Silent), silent));
    }
}

/// Whether channels are given, where permissions are, and carry what is sent.
fn channels(run: &Run<'_>, at: RelayAt, readings: &mut Readings) {
    let of_server = run.services_at(at.0);
    for (endpoint, service) in of_server {
        let is_here = run.relayed_through(endpoint) == Some(at.1);
        let permits = readings.know(What::PermitsCaller, &place(at)).holds();
        for seen in service.channels.iter().filter(|_| is_here && permits) {
            let state = match seen.fact.reply.code() {
                None if seen.fact.reply.succeeded() => State::Holds,
                Some(code) if !OF_THE_USER.contains(&code) => State::Broken(Manner::OtherCode),
                Some(_) | None => continue,
            };
            let reading = Reading::new(What::Channel, place(at), state, vec![seen.at]);
            readings.add(reading.saying("code", seen.fact.reply.code().unwrap_or_default()));
            let state = match seen.fact.carried {
                Some(true) if seen.fact.altered => State::Broken(Manner::Altered),
                Some(true) => State::Holds,
                // Where nothing leaves the relay, a channel is not to blame.
                Some(false) if readings.know(What::Out, &place(at)).holds() && !stalls(service) => State::Broken(Manner::Silent),
                Some(false) | None => continue,
            };
            readings.add(Reading::new(What::ChannelData, Place::service(endpoint), state, vec![seen.at]));
        }
    }
}

/// Whether two allocations had one relayed address at the same time.
fn shared(run: &Run<'_>, at: RelayAt, readings: &mut Readings) {
    let twice: Vec<usize> = twice_given(run, at).iter().map(|seen| seen.at).collect();
    let ports: BTreeSet<u16> = allocations(run, at).filter_map(|seen| Some(seen.fact.relayed?.port())).collect();
    if !twice.is_empty() {
        // Where others had ports of their own, the server doesn't use one for all.
        let manner = if ports.len() > 1 { Manner::Scattered } else { Manner::Shared };
        readings.add(Reading::new(What::OwnPort, place(at), State::Broken(manner), twice));
    }
}

fn allocations<'r>(run: &'r Run<'_>, at: RelayAt) -> impl Iterator<Item = Seen<'r, AllocationFact>> {
    let all = run.services_at(at.0).flat_map(|(_, service)| service.allocations.iter().chain(&service.samples));
    all.copied().filter(move |seen| seen.fact.relayed.is_some_and(|relayed| relayed.ip() == at.1))
}

fn twice_given<'r>(run: &'r Run<'_>, at: RelayAt) -> Vec<Seen<'r, AllocationFact>> {
    allocations(run, at).filter(|seen| seen.fact.shared).collect()
}
