//! Where datagrams end (TR): all distances at once, and the routers' own words about what they drop read from the error queue.
//!
//! Many routers say nothing, or not to everybody, so that a silent one tells nothing by itself: what counts is the comparison with datagrams
//! that go further.

use std::cell::Cell;
use std::net::SocketAddr;
use std::time::Duration;

use futures::future::join_all;
use tokio::time::{Instant, sleep_until};

use super::context::{Context, is_answer};
use crate::model::address::Reach;
use crate::model::duration::milliseconds;
use crate::model::endpoint::{Endpoint, Transport};
use crate::model::fact::{
    Cargo, ControlFact, ControlKind, Fact, Hop, IcmpFact, InboundWay, OWN_SIDE_TRACE, PortProtocol, RELAY_TRACE, TraceFact,
};
use crate::model::outcome::{Outcome, Unreachable};
use crate::net::network::{Arrival, Handling};
use crate::proto::request::Request;

/// The furthest router that is asked: few places are further from anywhere.
const FURTHEST: u8 = 24;

/// How far the own side of the way reaches at the most: the own network's routers and the operator's NAT.
const OWN_SIDE: u8 = 6;

/// When a datagram is repeated, in milliseconds from the trace's start. Linux routers send a host six such errors at once, and one a second
/// then (`icmp_ratelimit`, icmp(7)), so three tries leave room for three traces.
const SENDS_MS: [u64; 3] = [0, 250, 600];

/// When it is given up: half a second after a run's start, a trace ends before silence is established after two.
const GIVE_UP: Duration = Duration::from_millis(1100);

/// When the last requests to a silent endpoint have gone out.
const LAST_SEND: Duration = Duration::from_millis(1600);

/// How many servers are traced in one run.
const MOST: usize = 3;

/// Traces the way to each address of which nothing has answered so far, by what a call sends to its UDP endpoint; beside it, to compare, the
/// way to another port of the same address, and to a control that answers. Nothing is kept of those that answer meanwhile.
///
/// A host that answers anything is reached, and has few errors to tell with: a trace would use up those that say whether a port is closed.
pub async fn trace_silent(context: &Context, servers: &[Endpoint]) {
    let mut silent: Vec<Endpoint> = Vec::new();
    let silent_ones = servers.iter().filter(|endpoint| is_silent(context, **endpoint) && !is_there(context, **endpoint));
    for endpoint in silent_ones {
        if silent.len() < MOST && !silent.iter().any(|known| known.ip() == endpoint.ip()) {
            silent.push(*endpoint);
        }
    }
    let mut controls: Vec<Endpoint> = Vec::new();
    for endpoint in &silent {
        controls.extend(answering_control(context, *endpoint).filter(|control| !controls.contains(control)));
    }
    if silent.iter().any(|endpoint| is_refusing(context, *endpoint)) {
        // A host that refuses connections may refuse datagrams too, and say so only once a second.
        sleep_until(context.record.started() + LAST_SEND).await;
        silent.retain(|endpoint| is_silent(context, *endpoint));
    }
    let traced = silent.iter().map(|endpoint| async move {
        let beside = Endpoint::new(Transport::Udp, SocketAddr::new(endpoint.ip(), unused_port(context)));
        let (own, other) = tokio::join!(trace(context, *endpoint, Cargo::Stun), trace(context, beside, Cargo::Noise));
        if !says_something(context, *endpoint) {
            context.record.add("trace", endpoint, Fact::Trace(own));
            context.record.add("control-trace", beside, Fact::Trace(other));
        }
    });
    let compared = controls.iter().map(|control| async move { (control, trace(context, *control, Cargo::Stun).await) });
    let (_, compared) = tokio::join!(join_all(traced), join_all(compared));
    if silent.iter().any(|endpoint| !says_something(context, *endpoint)) {
        for (control, fact) in compared {
            context.record.add("control-trace", control, Fact::Trace(fact));
        }
    }
}

/// Whether any port of a host takes connections, or answers.
fn is_there(context: &Context, endpoint: Endpoint) -> bool {
    says(context, endpoint, |fact| is_answer(fact) || matches!(fact, Fact::Connect(it) if it.reply.succeeded()))
}

/// Whether connections to a host are refused, by itself or by somebody in its name.
fn is_refusing(context: &Context, endpoint: Endpoint) -> bool {
    let refused = Outcome::Unreachable { reason: Unreachable::Port, from: Some(endpoint.ip()) };
    says(context, endpoint, |fact| matches!(fact, Fact::Connect(it) if it.reply.outcome == refused))
}

fn says(context: &Context, endpoint: Endpoint, what: impl Fn(&Fact) -> bool) -> bool {
    let observations = context.record.observations();
    let mut of_host =
        observations.iter().filter(|seen| seen.is_of_server() && seen.endpoint().is_some_and(|it| it.ip() == endpoint.ip()));
    of_host.any(|seen| what(&seen.fact))
}

/// Traces the first part of the way to a server, where the routers of the own network and of its operator are.
pub async fn trace_own_side(context: &Context, servers: impl Iterator<Item = Endpoint>) {
    let mut over_udp = servers.filter(|it| it.transport == Transport::Udp && it.ip().is_ipv4() && Reach::of(it.ip()).is_global());
    let Some(server) = over_udp.next() else { return };
    let fact = trace_as_far_as(context, server, Cargo::Stun, OWN_SIDE).await;
    context.record.add(OWN_SIDE_TRACE, server, Fact::Trace(fact));
}

/// Traces the way to a port of a relay, or of a responder, that lets nothing in, beside the way to one that does: a network that drops some
/// ports does it on this side, a server's firewall at the end. Where all are alike there is nothing to compare.
pub async fn trace_closed_port(context: &Context) {
    let Some((closed, open)) = closed_beside_open(context).filter(|(closed, _)| !closed.ip().is_loopback()) else { return };
    let [closed, open] = [closed, open].map(|address| Endpoint::new(Transport::Udp, address));
    let (mut at_closed, at_open) = tokio::join!(trace(context, closed, Cargo::Noise), trace(context, open, Cargo::Noise));
    if furthest_hop(&at_closed) < furthest_hop(&at_open) {
        // A router's word may be lost, and too many of them it keeps to itself.
        at_closed.hops.extend(trace(context, closed, Cargo::Noise).await.hops);
    }
    context.record.add(RELAY_TRACE, closed, Fact::Trace(at_closed));
    context.record.add(RELAY_TRACE, open, Fact::Trace(at_open));
}

fn furthest_hop(fact: &TraceFact) -> Option<u8> {
    fact.hops.iter().map(|hop| hop.distance).max()
}

/// Asks over UDP whether a server is as near as so many routers, and where it isn't, what is on the way to it.
pub async fn compare_within(context: &Context, server: Endpoint, distance: u8) {
    let reached = Cell::new(None);
    let says_something = says_something(context, server);
    if says_something {
        _ = ask(context, server, Cargo::Stun, distance, &reached).await;
    }
    let fact = if reached.get().is_some() {
        TraceFact { reached: reached.get(), ..TraceFact::unanswered(Cargo::Stun, distance) }
    } else if says_something && !context.record.has_answered(server) {
        // Hosts limit how often they say that nothing listens: that one is silent now doesn't make it further away.
        return;
    } else {
        trace(context, server, Cargo::Stun).await
    };
    context.record.add("control-trace", server, Fact::Trace(fact));
}

/// A closed port and an open one at the same address.
#[expect(clippy::wildcard_enum_match_arm, reason = "the other facts tell nothing of it")]
fn closed_beside_open(context: &Context) -> Option<(SocketAddr, SocketAddr)> {
    let (mut open, mut closed): (Vec<SocketAddr>, Vec<SocketAddr>) = Default::default();
    for seen in context.record.observations() {
        match seen.fact {
            Fact::Inbound(it) if it.way == InboundWay::Unsolicited && it.icmp.is_none() => {
                let side = if it.arrived { &mut open } else { &mut closed };
                side.push(it.relayed);
            }
            Fact::Ports(it) if it.proto == PortProtocol::Udp => {
                let Ok(ip) = seen.target.parse() else { continue };
                open.extend(it.open.iter().map(|port| SocketAddr::new(ip, port)));
                let silent = it.closed.iter().filter(|port| !it.refused.contains(*port));
                closed.extend(silent.map(|port| SocketAddr::new(ip, port)));
            }
            _ => {}
        }
    }
    closed.retain(|address| !open.contains(address));
    closed.into_iter().find_map(|closed| Some((closed, *open.iter().find(|open| open.ip() == closed.ip())?)))
}

/// A UDP port where nothing should listen, between those of ordinary services and the usual relay ranges.
#[must_use]
pub fn unused_port(context: &Context) -> u16 {
    let mut random = [0; 2];
    context.network.randomize(&mut random);
    33_434 + u16::from_be_bytes(random) % 1000
}

/// Whether a UDP endpoint that can be sent to has said nothing so far. On loopback there is no way to trace.
fn is_silent(context: &Context, endpoint: Endpoint) -> bool {
    endpoint.transport == Transport::Udp && !endpoint.ip().is_loopback() && !says_something(context, endpoint)
}

/// Whether a UDP endpoint has said anything so far, be it that nothing listens there.
#[expect(clippy::wildcard_enum_match_arm, reason = "the other facts tell nothing of it")]
#[must_use]
pub fn says_something(context: &Context, endpoint: Endpoint) -> bool {
    let target = endpoint.to_string();
    context.record.observations().iter().any(|seen| {
        seen.target == target
            && match &seen.fact {
                Fact::Binding(it) => !it.reply.silent(),
                Fact::Challenge(it) => !it.reply.silent(),
                _ => false,
            }
    })
}

/// A control of the same family that has answered, on the same port if there is one.
fn answering_control(context: &Context, endpoint: Endpoint) -> Option<Endpoint> {
    let observations = context.record.observations();
    let answering = observations.iter().filter_map(|seen| {
        let Fact::Control(ControlFact { control: ControlKind::Stun, reply, .. }) = &seen.fact else { return None };
        seen.endpoint().filter(|_| reply.answered())
    });
    let comparable: Vec<Endpoint> =
        answering.filter(|it| it.ip().is_ipv4() == endpoint.ip().is_ipv4() && it.ip() != endpoint.ip()).collect();
    let same_port = comparable.iter().find(|control| control.address.port() == endpoint.address.port());
    same_port.or(comparable.first()).copied()
}

/// Traces the way to an endpoint.
async fn trace(context: &Context, target: Endpoint, carried: Cargo) -> TraceFact {
    trace_as_far_as(context, target, carried, FURTHEST).await
}

async fn trace_as_far_as(context: &Context, target: Endpoint, carried: Cargo, furthest: u8) -> TraceFact {
    context.record.contact(target);
    let reached = Cell::new(None);
    let asked = (1..=furthest).map(|distance| ask(context, target, carried, distance, &reached));
    let words = join_all(asked).await;
    let mut fact = TraceFact { reached: reached.get(), ..TraceFact::unanswered(carried, furthest) };
    for word in words.into_iter().flatten() {
        match word {
            Word::Passed(hop) => fact.hops.push(hop),
            Word::Refused => fact.refusals += 1,
            Word::Rejected(icmp) => fact.rejected = fact.rejected.or(Some(icmp)),
        }
    }
    fact
}

/// What somebody on the way says.
enum Word {
    /// A router has dropped a datagram that came as far as it.
    Passed(Hop),
    /// The target itself says that nothing listens there.
    Refused,
    /// It must or can't go on.
    Rejected(IcmpFact),
}

/// Sends datagrams that may pass so many routers, until somebody says what became of one. A socket for each distance: not all routers quote
/// enough of a datagram to tell it from others.
async fn ask(context: &Context, target: Endpoint, carried: Cargo, distance: u8, reached: &Cell<Option<u8>>) -> Option<Word> {
    let socket = context.network.bind_udp_with(target.ip(), Handling { hops: Some(distance), ..Handling::default() }).ok()?;
    let started = Instant::now();
    let mut sends = 0;
    loop {
        let next = SENDS_MS.get(sends).map_or(GIVE_UP, |at| Duration::from_millis(*at));
        tokio::select! {
            biased;
            arrival = socket.receive() => match arrival {
                Arrival::Expired { to, from } if to == target.address => {
                    return Some(Word::Passed(Hop { distance, address: from, rtt_ms: milliseconds(started.elapsed()) }));
                }
                Arrival::Datagram { from, .. } if from == target.address => {
                    note(reached, distance);
                    return None;
                }
                Arrival::Icmp { to, from, .. } if to == target.address && from == Some(target.ip()) => {
                    note(reached, distance);
                    return Some(Word::Refused);
                }
                Arrival::Icmp { to, reason, from: from @ Some(_) } if to == target.address => {
                    return Some(Word::Rejected(IcmpFact { reason, from }));
                }
                Arrival::Datagram { .. } | Arrival::Icmp { .. } | Arrival::Expired { .. } => {}
                Arrival::Closed => return None,
            },
            () = sleep_until(started + next) => {
                // What goes further than the target tells nothing more.
                if sends == SENDS_MS.len() || reached.get().is_some_and(|nearest| nearest < distance) {
                    return None;
                }
                socket.send(&cargo(context, carried), target.address).ok()?;
                sends += 1;
            }
        }
    }
}

fn note(reached: &Cell<Option<u8>>, distance: u8) {
    reached.set(Some(reached.get().map_or(distance, |nearest: u8| nearest.min(distance))));
}

fn cargo(context: &Context, carried: Cargo) -> Vec<u8> {
    let mut random = [0; 16];
    context.network.randomize(&mut random);
    match carried {
        Cargo::Noise => random.to_vec(),
        Cargo::Stun => {
            let mut id = [0; 12];
            id.copy_from_slice(&random[..12]);
            Request::binding().seal(id)
        }
    }
}
