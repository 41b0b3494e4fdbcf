//! The proof of a relay's data path from outside: IN, then OUT; where IN fails, IN-alt, OUT and IN again (the three steps).
//!
//! Relay to relay never proves it: servers pass such packets inside themselves, whatever the firewall and `external-ip` are.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::allocate::{Allocation, Role};
use super::context::Context;
use super::inbox::Inbox;
use super::outside::{Peer, Token};
use super::{control, stream, volume};
use crate::model::address::Reach;
use crate::model::duration::milliseconds;
use crate::model::endpoint::{Endpoint, Transport};
use crate::model::fact::{
    ChannelFact, ControlFact, ControlKind, Fact, InboundFact, InboundWay, OutboundFact, PeerKind, PermissionFact, ReleaseFact,
    SelfPairFact, distance_of_tries,
};
use crate::model::outcome::{Outcome, Reply};
use crate::proto::request::{FIRST_CHANNEL, Request};

/// The least time that a datagram gets after its last try.
const SHORTEST_WAIT: Duration = Duration::from_millis(250);

/// The least tries of a datagram out through the relay: a connection over TCP tells nothing of the loss behind the relay.
const OUTBOUND_TRIES: u32 = 6;

/// The tries of a datagram over a channel: where half of what leaves the relay is lost, all of them are once in 260,000 runs.
const CHANNEL_TRIES: u32 = 18;

/// The least time in which something sent over a channel of a stream comes out: a lost segment holds up whatever follows it.
const CHANNEL_WAIT: Duration = Duration::from_secs(3);

/// The shortest round trip that is worth sharing between the permission and IN.
const WORTH_SHARING: Duration = Duration::from_millis(10);

/// The part of a round trip by which IN leaves after the request for its permission, so that it arrives after it.
const EARLY_PART: u32 = 8;

/// The least time that the early datagram gets once the permission is granted.
const EARLY_WAIT: Duration = Duration::from_millis(15);

/// How long the own outside address is waited for, once everything else is ready.
const MAPPED_LIMIT: Duration = Duration::from_millis(600);

/// Proves an allocation's data path and gives the allocation back. Once the path is judged its connection is filled besides, which
/// may be the end of it.
pub async fn prove(context: &Context, allocation: Allocation, role: Role) {
    let mut relayed = Inbox::of(&allocation.session);
    let (judged, is_judged) = oneshot::channel();
    let proof = Proof { context, allocation: &allocation, role, judged: Cell::new(Some(judged)) };
    let proving = async move {
        if let Some(peer) = context.outside.towards(proof.allocation.relayed.ip()) {
            proof.run(peer, &mut relayed).await;
        } else if proof.permit_relayed().await {
            proof.judged();
            let token = proof.send_to_itself();
            proof.pair_with_itself(&mut relayed, token).await;
        }
        release(context, proof.allocation).await;
    };
    let filling = async {
        if is_judged.await.is_ok() && role == Role::Main && !context.brief {
            volume::measure(context, &allocation).await;
        }
    };
    tokio::join!(proving, filling);
    context.count_losses(allocation.session.tally());
}

/// Gives an allocation back, with the fact of it.
pub async fn release(context: &Context, allocation: &Allocation) {
    if let Some(exchange) = context.ledger.release(allocation.held).await {
        context.record.add("release", allocation.session.endpoint(), Fact::Release(ReleaseFact { reply: exchange.reply }));
    }
}

/// IN's first datagram, where it left beside the request for its permission.
struct Early {
    payload: Vec<u8>,
    at: Instant,
}

struct Proof<'a> {
    context: &'a Context,
    allocation: &'a Allocation,
    role: Role,
    /// Hears when no further judgement rests on the connection.
    judged: Cell<Option<oneshot::Sender<()>>>,
}

/// How many further addresses of this network get a permission.
const MOST_ADDRESSES: usize = 8;

/// The own address that somebody has told.
#[expect(clippy::wildcard_enum_match_arm, reason = "the other facts tell none")]
fn mapped_in(fact: &Fact) -> Option<SocketAddr> {
    match fact {
        Fact::Binding(it) => it.mapped,
        Fact::Allocation(it) => it.mapped,
        Fact::Control(it) => it.mapped,
        _ => None,
    }
}

/// What became of a datagram over a channel.
#[derive(PartialEq, Eq)]
enum Carried {
    Whole,
    Altered,
    Lost,
}

/// An arrival in answer to an own datagram.
struct Arrived {
    peer: Option<SocketAddr>,
    round_trip: Duration,
}

impl Proof<'_> {
    async fn run(&self, peer: &Peer, relayed: &mut Inbox) {
        let server = self.allocation.session.endpoint().address;
        if server.is_ipv4() != self.allocation.relayed.is_ipv4() {
            // Asked over the other family, the server has not told the own address in this one: its relay's address may.
            let other = SocketAddr::new(self.allocation.relayed.ip(), server.port());
            self.context.record.contact(Endpoint::new(Transport::Udp, other));
            peer.ask(other);
        }
        let outside = peer.mapped_within(MAPPED_LIMIT).await;
        let own = async { self.role == Role::Main && self.permit_relayed().await };
        let (permitted, own, early, ()) =
            tokio::join!(self.permit_reflexive(&outside), own, self.knock_early(peer), self.permit_named());
        if !permitted {
            return;
        }
        // Sent beside IN, so that its way costs no round trip of its own.
        let to_itself = own.then(|| self.send_to_itself());
        let way = self.allocation.relayed;
        let mut came = self.inbound(peer, relayed, way, InboundWay::Unsolicited, early).await;
        if came.is_none() && self.permit_further(&outside).await {
            came = self.inbound(peer, relayed, way, InboundWay::Unsolicited, None).await;
        }
        match came {
            Some(arrived) if self.role == Role::Main => {
                // Datagrams pass and STUN was not answered: whether this network takes offence at its bytes shows in the same way.
                if outside.is_empty() {
                    self.inbound(peer, relayed, way, InboundWay::StunLike, None).await;
                }
                self.outward(peer, relayed, arrived, to_itself).await;
            }
            None if self.role != Role::FurtherSample => self.three_steps(peer, relayed, &outside, to_itself).await,
            Some(_) | None => {}
        }
    }

    /// Permissions for every address under which this host is known outside; one is enough to go on.
    async fn permit_reflexive(&self, outside: &[(SocketAddr, SocketAddr)]) -> bool {
        let own = self.allocation.mapped.map(|mapped| mapped.ip());
        let same_family = |ip: &IpAddr| ip.is_ipv4() == self.allocation.relayed.is_ipv4();
        let addresses: BTreeSet<IpAddr> = outside.iter().map(|(_, mapped)| mapped.ip()).chain(own).filter(same_family).collect();
        let asked = addresses.into_iter().map(|address| self.permit(address, PeerKind::Reflexive));
        futures::future::join_all(asked).await.contains(&true)
    }

    /// Permissions for what others have been told of this network's addresses since: it may have several, and choose one for each flow.
    async fn permit_further(&self, outside: &[(SocketAddr, SocketAddr)]) -> bool {
        let known: BTreeSet<IpAddr> =
            outside.iter().map(|(_, mapped)| *mapped).chain(self.allocation.mapped).map(|mapped| mapped.ip()).collect();
        let is_further =
            |ip: &IpAddr| ip.is_ipv4() == self.allocation.relayed.is_ipv4() && Reach::of(*ip).is_global() && !known.contains(ip);
        let told = self.context.record.observations().into_iter().filter_map(|seen| mapped_in(&seen.fact));
        let further: BTreeSet<IpAddr> = told.map(|mapped| mapped.ip()).filter(is_further).collect();
        let asked = further.into_iter().take(MOST_ADDRESSES).map(|address| self.permit(address, PeerKind::Reflexive));
        futures::future::join_all(asked).await.contains(&true)
    }

    async fn permit_relayed(&self) -> bool {
        self.permit(self.allocation.relayed.ip(), PeerKind::Relayed).await
    }

    /// Permissions for the peers that the relay is for.
    async fn permit_named(&self) {
        if self.role == Role::Main {
            futures::future::join_all(self.context.peers.iter().map(|peer| self.permit(*peer, PeerKind::Named))).await;
        }
    }

    async fn permit(&self, peer: IpAddr, whose: PeerKind) -> bool {
        let session = &self.allocation.session;
        let exchange = session.ask_signed(&Request::create_permission(peer), self.allocation.signed.as_ref()).await;
        let granted = exchange.reply.succeeded();
        let fact = PermissionFact { reply: exchange.reply, relayed: self.allocation.relayed, peer, whose };
        self.context.record.add("permission", session.endpoint(), Fact::Permission(fact));
        granted
    }

    /// Sends IN's first datagram a moment after the permission was asked for, so that the two share a round trip.
    ///
    /// Nothing follows from its absence: where the permission is later than it, the server drops it rightly.
    async fn knock_early(&self, peer: &Peer) -> Option<Early> {
        let round_trip = self.round_trip();
        let to = self.allocation.relayed;
        if round_trip < WORTH_SHARING || !self.may_send_to(to) {
            return None;
        }
        tokio::time::sleep(round_trip / EARLY_PART).await;
        self.context.record.contact(Endpoint::new(Transport::Udp, to));
        let early = Early { payload: self.payload_of(InboundWay::Unsolicited), at: Instant::now() };
        peer.send(&early.payload, to).ok().map(|()| early)
    }

    /// Sends to a relayed address until the datagram comes back through the relay or enough tries were made.
    async fn inbound(
        &self,
        peer: &Peer,
        relayed: &mut Inbox,
        to: SocketAddr,
        way: InboundWay,
        early: Option<Early>,
    ) -> Option<Arrived> {
        if !self.may_send_to(to) {
            return None;
        }
        peer.forget_error(to);
        let mut last_icmp_at = None;
        self.context.record.contact(Endpoint::new(Transport::Udp, to));
        let mut sends = 0;
        let mut arrived = None;
        if let Some(early) = &early {
            let until = Instant::now() + (self.round_trip() / EARLY_PART * 2).max(EARLY_WAIT);
            arrived = wait_for(relayed, &early.payload, early.at, until).await;
            // It is a try of its own only where it arrived.
            sends = u32::from(arrived.is_some());
        }
        let token = early.map_or_else(|| self.payload_of(way), |early| early.payload);
        let started = Instant::now();
        // What is known of the way's loss grows while this waits, and with it the number of tries.
        let tries = || self.context.tries(self.context.samples + 1);
        while arrived.is_none() && sends < tries() {
            if let Err(outcome) = peer.send(&token, to) {
                self.refused_here(to, outcome);
                return None;
            }
            sends += 1;
            let tries = tries();
            let pace = Pace::new(self.round_trip(), tries);
            let until = started + if sends >= tries { pace.end } else { pace.distance * sends };
            arrived = wait_for(relayed, &token, started, until).await;
            // Two tries answered by ICMP errors are enough.
            if peer.error(to).is_some() && last_icmp_at.replace(sends).is_some() {
                break;
            }
        }
        if let Some(arrived) = &arrived {
            let lost = Pace::new(self.round_trip(), tries()).lost_before(arrived.round_trip, self.round_trip());
            self.context.count_losses((lost + 1, 1));
        }
        let icmp = if arrived.is_none() { peer.error(to) } else { None };
        let fact = InboundFact {
            relayed: self.allocation.relayed,
            sent_to: to,
            way,
            arrived: arrived.is_some(),
            sends,
            rtt_ms: arrived.as_ref().map(|arrived| milliseconds(arrived.round_trip)),
            peer: arrived.as_ref().and_then(|arrived| arrived.peer),
            icmp,
            sample: self.role != Role::Main,
        };
        let probe = match way {
            InboundWay::Unsolicited => "relay-in",
            InboundWay::Alternative => "relay-in-alt",
            InboundWay::StunLike => "relay-in-stun",
            InboundWay::Solicited => "relay-in-again",
        };
        self.context.record.add(probe, self.allocation.session.endpoint(), Fact::Inbound(fact));
        arrived
    }

    /// Whether an address that a server names may be a relay's at all. One that means this host itself, its own link or nobody is sent
    /// nothing, unless the server was reached by such an address: else any server could have callcheck knock on its user's own ports.
    fn may_send_to(&self, to: SocketAddr) -> bool {
        let (named, reached) = (Reach::of(to.ip()), Reach::of(self.allocation.session.endpoint().ip()));
        named == reached || matches!(named, Reach::Global | Reach::Private | Reach::CarrierGrade)
    }

    fn payload_of(&self, way: InboundWay) -> Vec<u8> {
        let token = self.context.outside.token();
        match way {
            InboundWay::Unsolicited | InboundWay::Alternative | InboundWay::Solicited => token.to_vec(),
            InboundWay::StunLike => {
                let mut id = [0; 12];
                id.copy_from_slice(&token[..12]);
                Request::binding().seal(id)
            }
        }
    }

    /// This host itself refuses to send to the relay: then nothing was tried.
    fn refused_here(&self, to: SocketAddr, outcome: Outcome) {
        let fact = ControlFact { control: ControlKind::HighPort, reply: Reply::unsent(outcome), mapped: None };
        self.context.record.add("control-high-port", Endpoint::new(Transport::Udp, to), Fact::Control(fact));
    }

    /// After a successful IN: out, over a channel, to itself, and a paced stream, all at once.
    async fn outward(&self, peer: &Peer, relayed: &mut Inbox, arrived: Arrived, to_itself: Option<Token>) {
        let Some(seen) = arrived.peer else { return };
        let streaming = async {
            if !self.context.brief {
                stream::run(self.context, self.allocation, peer, seen, relayed).await;
            }
            if let Some(token) = to_itself {
                self.pair_with_itself(relayed, token).await;
            }
        };
        self.judged();
        tokio::join!(self.outbound(peer, seen, true), self.channel(peer, seen), streaming);
    }

    fn judged(&self) {
        if let Some(judged) = self.judged.take() {
            _ = judged.send(());
        }
    }

    /// After a failed IN: the server's own address with that port, then out, then in again through what that opened.
    async fn three_steps(
        &self,
        peer: &Peer,
        relayed: &mut Inbox,
        outside: &[(SocketAddr, SocketAddr)],
        to_itself: Option<Token>,
    ) {
        let server = self.allocation.session.endpoint().ip();
        let way = self.allocation.relayed;
        if server != way.ip() && server.is_ipv4() == way.is_ipv4() {
            let alternative = SocketAddr::new(server, way.port());
            if self.inbound(peer, relayed, alternative, InboundWay::Alternative, None).await.is_some() {
                return;
            }
        }
        let known: BTreeSet<SocketAddr> =
            outside.iter().map(|(_, mapped)| *mapped).filter(|mapped| mapped.is_ipv4() == way.is_ipv4()).collect();
        for address in known {
            if self.outbound(peer, address, false).await {
                break;
            }
        }
        tokio::join!(
            self.inbound(peer, relayed, way, InboundWay::Solicited, None),
            control::high_port(self.context, self.allocation.session.endpoint().ip())
        );
        self.judged();
        if let Some(token) = to_itself {
            self.pair_with_itself(relayed, token).await;
        }
    }

    /// Sends through the relay to the own socket outside.
    async fn outbound(&self, peer: &Peer, to: SocketAddr, seen_by_relay: bool) -> bool {
        let token = self.context.outside.token();
        let mut heard = peer.expect(token);
        let tries = self.context.tries(1).max(OUTBOUND_TRIES);
        let pace = Pace::new(self.round_trip(), tries);
        let started = Instant::now();
        let mut sends = 0;
        let mut from = None;
        while sends < tries && from.is_none() {
            self.allocation.session.send_to_peer(to, &token);
            sends += 1;
            let until = started + if sends == tries { pace.end } else { pace.distance * sends };
            from = tokio::time::timeout_at(until, heard.recv()).await.ok().flatten().map(|heard| heard.from);
        }
        let fact = OutboundFact {
            relayed: self.allocation.relayed,
            peer: to,
            arrived: from.is_some(),
            sends,
            peer_seen_by_relay: seen_by_relay,
            from,
        };
        self.context.record.add("relay-out", self.allocation.session.endpoint(), Fact::Outbound(fact));
        from.is_some()
    }

    /// Binds a channel and sends over it. Over a stream the server reads one after the other, so that both share a round trip.
    async fn channel(&self, peer: &Peer, to: SocketAddr) {
        let session = &self.allocation.session;
        let request = Request::channel_bind(FIRST_CHANNEL, to);
        let binding = session.ask_signed(&request, self.allocation.signed.as_ref());
        let (reply, carried) = if session.endpoint().transport.is_stream() {
            let after_it = async {
                // Once others had their turn, the request is on its way.
                tokio::task::yield_now().await;
                self.carry(peer).await
            };
            match select(pin!(binding), pin!(after_it)).await {
                Either::Left((exchange, carrying)) if exchange.reply.succeeded() => (exchange.reply, Some(carrying.await)),
                Either::Left((exchange, _)) => (exchange.reply, None),
                Either::Right((carried, binding)) => (binding.await.reply, Some(carried)),
            }
        } else {
            let reply = binding.await.reply;
            let carried = if reply.succeeded() { Some(self.carry(peer).await) } else { None };
            (reply, carried)
        };
        let carried = carried.filter(|_| reply.succeeded());
        let altered = carried.as_ref().is_some_and(|carried| *carried == Carried::Altered);
        let fact = ChannelFact { reply, carried: carried.map(|carried| carried != Carried::Lost), altered };
        self.context.record.add("channel", session.endpoint(), Fact::Channel(fact));
    }

    async fn carry(&self, peer: &Peer) -> Carried {
        let token = self.context.outside.token();
        // On a stream it is padded to a multiple of four bytes, which belong to nobody's data (RFC 8656 §12.5).
        let payload = [&token[..], &[0x5A]].concat();
        let mut heard = peer.expect(token);
        let tries = CHANNEL_TRIES;
        let mut pace = Pace::new(self.round_trip(), tries);
        if self.allocation.session.endpoint().transport.is_stream() {
            pace.end = pace.end.max(CHANNEL_WAIT);
        }
        let started = Instant::now();
        for sends in 1..=tries {
            self.allocation.session.send_over_channel(FIRST_CHANNEL, &payload);
            let until = started + if sends == tries { pace.end } else { pace.distance * sends };
            if let Ok(Some(heard)) = tokio::time::timeout_at(until, heard.recv()).await {
                return if heard.payload == payload { Carried::Whole } else { Carried::Altered };
            }
        }
        Carried::Lost
    }

    /// Sends from the relayed address to itself. It needs a permission for the relay's own address.
    fn send_to_itself(&self) -> Token {
        let token = self.context.outside.token();
        self.allocation.session.send_to_peer(self.allocation.relayed, &token);
        token
    }

    /// Waits for what was sent from the relayed address to itself.
    async fn pair_with_itself(&self, relayed: &mut Inbox, token: Token) {
        let started = Instant::now();
        let pace = Pace::new(self.round_trip(), 3);
        let mut arrived = false;
        for sends in 1..=3 {
            let until = started + if sends == 3 { pace.end } else { pace.distance * sends };
            arrived = wait_for(relayed, &token, started, until).await.is_some();
            if arrived {
                break;
            }
            self.allocation.session.send_to_peer(self.allocation.relayed, &token);
        }
        let fact = SelfPairFact { relayed: self.allocation.relayed, arrived };
        self.context.record.add("self-pair", self.allocation.session.endpoint(), Fact::SelfPair(fact));
    }

    fn round_trip(&self) -> Duration {
        self.allocation.session.round_trip().unwrap_or(Duration::from_millis(100))
    }
}

/// When a datagram is tried again, and when its absence is final.
struct Pace {
    distance: Duration,
    end: Duration,
}

impl Pace {
    fn new(round_trip: Duration, tries: u32) -> Self {
        let distance = distance_of_tries(round_trip);
        Self { distance, end: distance * tries.saturating_sub(1) + SHORTEST_WAIT.max(round_trip * 2) }
    }

    /// How many tries were lost before the one that arrived: those that could have arrived sooner.
    fn lost_before(&self, arrived_after: Duration, round_trip: Duration) -> u32 {
        let spare = arrived_after.saturating_sub(round_trip).as_nanos() / self.distance.as_nanos().max(1);
        u32::try_from(spare).unwrap_or(u32::MAX)
    }
}

async fn wait_for(relayed: &mut Inbox, payload: &[u8], started: Instant, until: Instant) -> Option<Arrived> {
    let arrived = relayed.wait_for(payload, until).await?;
    Some(Arrived { peer: arrived.peer, round_trip: arrived.at.saturating_duration_since(started) })
}
