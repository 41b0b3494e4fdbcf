//! The ports of a relay: sampled beside the main allocations, and what came of it as one range.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::model::fact::{Fact, InboundWay, PortProtocol, PortsBy, PortsEnd, PortsFact, Tally};
use crate::model::outcome::Reply;
use crate::model::ports::{PortRange, PortSet, USUAL_RELAY_RANGE};
use crate::net::session::Session;
use crate::probe::allocate::{Allocation, Role, allocate};
use crate::probe::context::Context;
use crate::probe::ice_server::IceServer;
use crate::probe::outside::Outside;
use crate::probe::reach::reach;
use crate::probe::relay;
use crate::probe::sweep::{self, Relay};
use crate::proto::authentication::LongTerm;

/// How many samples are under way at once: a server is not to be flooded, nor its other callers to find it full.
const AT_ONCE: usize = 16;

/// How often a refused login is tried from further ports: that two servers that share them evenly all refuse alike, as one does, is chance once
/// in 256 runs. A browser tries as often, each entry of its list over each interface.
const FURTHER_LOGINS: u32 = 7;

/// How long a sample counts as under way. One that takes longer waits for a port that lets nothing in, which costs the server nothing.
const UNDER_WAY: Duration = Duration::from_millis(100);

/// How long the allocations over other transports are waited for, and how often that is looked at: the run waits for them anyway.
const OTHERS_LIMIT: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(2);

/// How long a server's word on the own address outside is waited for.
const MAPPED_LIMIT: Duration = Duration::from_millis(600);

/// Tries more ports of the relay, each by an allocation of its own. What ended it early comes back.
///
/// Where some let in and some don't, further ones show whether it goes by the port's number or by chance.
pub async fn sample(context: &Context, server: &IceServer, signed: &LongTerm, relayed: IpAddr) -> Option<PortsEnd> {
    let ended = sample_ports(context, server, signed, context.samples, Role::Sample).await;
    if ended.is_some() || context.further_samples == 0 {
        return ended;
    }
    if !is_mixed(context, relayed) {
        // A connection's relay may be the one that lets nothing in, and takes longer to show it.
        let judged = async {
            while context.ledger.alive() > 0 {
                sleep(POLL).await;
            }
        };
        _ = timeout(OTHERS_LIMIT, judged).await;
        if !is_mixed(context, relayed) {
            return None;
        }
    }
    sample_ports(context, server, signed, context.further_samples, Role::FurtherSample).await
}

async fn sample_ports(context: &Context, server: &IceServer, signed: &LongTerm, count: u32, role: Role) -> Option<PortsEnd> {
    let slots = Semaphore::new(AT_ONCE);
    let end = Cell::new(None);
    let samples = (0..count).map(|_| async {
        let slot = slots.acquire().await;
        if end.get().is_some() {
            return;
        }
        let Some(allocated) = allocate_on_a_new_port(context, server, signed).await else { return };
        let allocation = match allocated {
            Ok(allocation) => allocation,
            Err(reply) => return end.set(end.get().or_else(|| end_of(&reply))),
        };
        let mut proof = Box::pin(relay::prove(context, allocation, role));
        if timeout(UNDER_WAY, &mut proof).await.is_err() {
            drop(slot);
            proof.await;
        }
    });
    join_all(samples).await;
    end.get()
}

/// Logs in from further local ports, where the first login was refused. Servers that share a port get each flow by chance, so that one of them
/// may refuse what another takes; what is taken is used as a sample.
pub async fn log_in_elsewhere(context: &Context, server: &IceServer, signed: &LongTerm) {
    let logins = (0..FURTHER_LOGINS).map(|_| async {
        if let Some(Ok(allocation)) = allocate_on_a_new_port(context, server, signed).await {
            relay::prove(context, allocation, Role::Sample).await;
        }
    });
    join_all(logins).await;
}

async fn allocate_on_a_new_port(context: &Context, server: &IceServer, signed: &LongTerm) -> Option<Result<Allocation, Reply>> {
    let session = reach_quietly(context, server).await?;
    let allocated = allocate(context, &session, Some(signed.clone()), Role::Sample).await;
    if !allocated.as_ref().is_err_and(|reply| reply.code() == Some(437)) {
        return Some(allocated);
    }
    // The server remembers an earlier run's allocation from this local port; another port is another 5-tuple.
    let again = reach_quietly(context, server).await?;
    Some(allocate(context, &again, Some(signed.clone()), Role::Sample).await)
}

/// Sweeps all ports of a relay, where that was asked for. It needs one way in: a relayed address at which nothing arrives and which is not
/// the server's own may be anybody's, and is not to be sent thousands of datagrams.
pub async fn sweep(context: &Context, session: &Session, relayed: SocketAddr, signed: &LongTerm) {
    let Some(wish) = context.sweep else { return };
    let server = session.endpoint();
    let came_in = context.record.observations().into_iter().find_map(|seen| {
        let Fact::Inbound(it) = seen.fact else { return None };
        it.peer.filter(|_| it.relayed.ip() == relayed.ip() && it.way == InboundWay::Unsolicited)
    });
    if came_in.is_none() && relayed.ip() != server.ip() {
        return;
    }
    // The sampled ports have answered the socket outside, which opened a firewall with a memory to it.
    let outside = Outside::open(&context.network);
    let Some(socket) = outside.towards(relayed.ip()) else { return };
    let asked = if server.address.is_ipv4() == relayed.is_ipv4() { server.ip() } else { relayed.ip() };
    socket.ask(SocketAddr::new(asked, server.address.port()));
    let told = socket.mapped_within(MAPPED_LIMIT).await.first().map(|(_, mapped)| *mapped);
    let Some(peer) = told.or(came_in).map(|peer| peer.ip()) else { return };
    let round_trip = session.round_trip().unwrap_or_default();
    sweep::sweep(context, &Relay { endpoint: server, signed, relayed, outside: socket, peer, round_trip }, wish).await;
}

/// Whether a refusal means that further requests would be refused, too: a quota, no free port, or no word at all.
fn end_of(reply: &Reply) -> Option<PortsEnd> {
    match reply.code() {
        Some(code @ (486 | 508)) => Some(PortsEnd::Refused { code }),
        Some(_) => None,
        None => reply.silent().then_some(PortsEnd::Silent),
    }
}

/// A session without facts of its own, where it can be had.
pub async fn reach_quietly(context: &Context, server: &IceServer) -> Option<Session> {
    if server.endpoint.transport.is_stream() || server.endpoint.transport.is_secure() {
        // A login follows, so that each connection has to be trusted by itself.
        let reached = reach(context, server.endpoint, &server.host).await.filter(|reached| reached.trusted);
        return reached.map(|reached| reached.session);
    }
    Session::over_udp(&context.network, server.endpoint).ok()
}

/// Records what the single ports come to, one range for each address that relays.
pub fn record_samples(context: &Context, asked: Option<PortRange>, ended_by: Option<PortsEnd>) {
    for (relayed, ports) in ports_by_address(context) {
        let probed = asked.unwrap_or_else(|| ports.keys().fold(USUAL_RELAY_RANGE, |range, port| range.extended_to(*port)));
        let seen = |open: bool| {
            let seen = ports.iter().filter(|(port, seen)| seen.open == open && probed.contains(**port));
            seen.map(|(port, _)| *port).collect::<PortSet>()
        };
        let (open, closed) = (seen(true), seen(false));
        let sends = |open: bool| ports.values().filter(move |seen| seen.open == open).map(|seen| seen.sends);
        let fact = PortsFact {
            proto: PortProtocol::Udp,
            by: PortsBy::Samples,
            probed,
            unknown: PortSet::rest_of(probed, &[&open, &closed]),
            tries: sends(false).max().unwrap_or_default(),
            loss: Tally { sent: sends(true).sum(), arrived: open.count() },
            open,
            closed,
            refused: PortSet::default(),
            moved: PortSet::default(),
            ended_by,
        };
        context.record.add("ports", relayed, Fact::Ports(fact));
    }
}

/// Whether some ports of a relayed address let in, and some don't.
fn is_mixed(context: &Context, relayed: IpAddr) -> bool {
    let ports = ports_by_address(context).remove(&relayed).unwrap_or_default();
    ports.values().any(|seen| seen.open) && ports.values().any(|seen| !seen.open)
}

/// What was seen of one port.
struct Seen {
    open: bool,
    sends: u32,
}

fn ports_by_address(context: &Context) -> BTreeMap<IpAddr, BTreeMap<u16, Seen>> {
    let mut addresses: BTreeMap<IpAddr, BTreeMap<u16, Seen>> = BTreeMap::new();
    for observation in context.record.observations() {
        let Fact::Inbound(inbound) = observation.fact else { continue };
        if inbound.way == InboundWay::Unsolicited {
            let ports = addresses.entry(inbound.relayed.ip()).or_default();
            let seen = ports.entry(inbound.relayed.port()).or_insert(Seen { open: false, sends: inbound.sends });
            // A server may give a port out twice: what passed once is open.
            seen.open |= inbound.arrived;
        }
    }
    addresses
}
