//! What was seen at one endpoint, from the first packet to the allocation.

use super::connection_end::ConnectionEnd;
use super::evidence::Seen;
use super::interval::{surely_over, surely_under};
use super::trace::Place;
use crate::model::address::Reach;
use crate::model::endpoint::{Endpoint, Transport};
use crate::model::fact::{
    AllocationFact, BindingFact, ChallengeFact, ChannelFact, ConnectFact, Fact, HandshakeEnd, HandshakeFact, LossFact,
    Observation, StreamFact, THROUGH_PROXY, Tally, VolumeFact,
};
use crate::model::outcome::{Outcome, Protocol, Reply, Unreachable};

/// What was seen at one endpoint.
pub struct EndpointEvidence<'a> {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The TCP connection, or the first message of DTLS.
    pub connect: Option<Seen<'a, ConnectFact>>,
    /// The handshake of TLS or DTLS.
    pub handshake: Option<Seen<'a, HandshakeFact>>,
    /// The Binding.
    pub binding: Option<Seen<'a, BindingFact>>,
    /// The Allocate without credentials.
    pub challenge: Option<Seen<'a, ChallengeFact>>,
    /// How many of them, each from another local port, were answered by 437 before any other answer came.
    pub mismatches: u32,
    /// The Allocates with credentials, in order; the samples are not among them.
    pub allocations: Vec<Seen<'a, AllocationFact>>,
    /// The `ChannelBind`.
    pub channel: Option<Seen<'a, ChannelFact>>,
    /// The stream through the relay.
    pub stream: Option<Seen<'a, StreamFact>>,
    /// Some tens of kilobytes over the connection.
    pub volume: Option<Seen<'a, VolumeFact>>,
    /// The loss of the way to the server.
    pub losses: Vec<Seen<'a, LossFact>>,
    /// The router where connections to it end.
    pub end: Option<ConnectionEnd>,
}

/// How far the first packets came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reachability {
    /// Something there speaks STUN.
    Alive,
    /// Nothing came back.
    Silent,
    /// Nothing listens: an ICMP port unreachable or a TCP reset from the server.
    Refused,
    /// A router or a firewall says that it can't or mustn't be reached.
    Rejected,
    /// This host may not send.
    DeniedLocally,
    /// This host has no way there.
    NoRoute,
    /// Something answers that isn't a STUN server.
    Foreign(Protocol),
    /// A connection opens, and then nothing useful comes.
    Mute,
    /// It was not tried to the end.
    Untested,
}

impl<'a> EndpointEvidence<'a> {
    /// Every endpoint that was probed, in the order of the first observation.
    #[must_use]
    pub fn all(observations: &'a [Observation]) -> Vec<Self> {
        Self::of(observations.iter().filter(|seen| seen.is_of_server()))
    }

    /// The endpoints that were asked inside a proxy's tunnel.
    #[must_use]
    pub fn through_proxy(observations: &'a [Observation]) -> Vec<Self> {
        Self::of(observations.iter().filter(|seen| seen.probe.ends_with(THROUGH_PROXY)))
    }

    fn of(observations: impl Iterator<Item = &'a Observation>) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for seen in observations {
            let Some(endpoint) = seen.endpoint() else { continue };
            let index = all.iter().position(|known| known.endpoint == endpoint).unwrap_or_else(|| {
                all.push(Self::new(endpoint));
                all.len() - 1
            });
            all[index].take(seen);
        }
        all
    }

    fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            connect: None,
            handshake: None,
            binding: None,
            challenge: None,
            mismatches: 0,
            allocations: Vec::new(),
            channel: None,
            stream: None,
            volume: None,
            losses: Vec::new(),
            end: None,
        }
    }

    fn take(&mut self, seen: &'a Observation) {
        fn of<'a, F>(seen: &'a Observation, fact: &'a F) -> Seen<'a, F> {
            Seen { id: &seen.id, target: &seen.target, fact }
        }
        match &seen.fact {
            // The first connection and handshake count; later ones belong to samples and second tries.
            Fact::Connect(fact) => _ = self.connect.get_or_insert(of(seen, fact)),
            Fact::Handshake(fact) => _ = self.handshake.get_or_insert(of(seen, fact)),
            Fact::Binding(fact) => _ = self.binding.get_or_insert(of(seen, fact)),
            Fact::Challenge(fact) => {
                // A local port that the server remembers tells nothing of the server, unless that goes on.
                let told = self.challenge.as_ref().is_some_and(|first| first.fact.reply.code() != Some(437));
                if !told {
                    self.mismatches += u32::from(fact.reply.code() == Some(437));
                    self.challenge = Some(of(seen, fact));
                }
            }
            Fact::Allocation(fact) if !fact.sample => self.allocations.push(of(seen, fact)),
            Fact::Channel(fact) => _ = self.channel.get_or_insert(of(seen, fact)),
            Fact::Stream(fact) => _ = self.stream.get_or_insert(of(seen, fact)),
            Fact::Volume(fact) => _ = self.volume.get_or_insert(of(seen, fact)),
            Fact::Loss(fact) => self.losses.push(of(seen, fact)),
            Fact::Allocation(_)
            | Fact::Credentials(_)
            | Fact::Name(_)
            | Fact::Route(_)
            | Fact::Redirect(_)
            | Fact::Permission(_)
            | Fact::Inbound(_)
            | Fact::Outbound(_)
            | Fact::SelfPair(_)
            | Fact::Ports(_)
            | Fact::PortReply(_)
            | Fact::Responder(_)
            | Fact::Release(_)
            | Fact::Control(_)
            | Fact::Size(_)
            | Fact::Trace(_)
            | Fact::ConnectTrace(_)
            | Fact::Proxy(_)
            | Fact::Clock(_)
            | Fact::Mapping(_)
            | Fact::Filtering(_)
            | Fact::Hairpin(_)
            | Fact::Lifetime(_)
            | Fact::NatRelay(_)
            | Fact::Exchange(_)
            | Fact::Peer(_)
            | Fact::Engine(_)
            | Fact::EnginePolls(_)
            | Fact::Socket(_) => {}
        }
    }

    /// Whether the transport is TLS or DTLS, where the server shows a certificate.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.endpoint.transport.is_secure()
    }

    /// Whether the transport is plain UDP.
    #[must_use]
    pub fn is_udp(&self) -> bool {
        self.endpoint.transport == Transport::Udp
    }

    /// Whether its packets are those of UDP, bare or sealed by DTLS.
    #[must_use]
    pub fn is_datagram(&self) -> bool {
        !self.endpoint.transport.is_stream()
    }

    /// Whether something there speaks STUN.
    #[must_use]
    pub fn alive(&self) -> bool {
        self.replies().any(Reply::answered)
    }

    /// Whether a browser would get as far as a TURN server's answer here: alive, and trusted where it shows a certificate.
    #[must_use]
    pub fn usable(&self) -> bool {
        let answered = match (&self.challenge, &self.binding) {
            (Some(challenge), _) => challenge.fact.reply.succeeded() || challenge.fact.reply.code() == Some(401),
            (None, Some(binding)) => binding.fact.reply.answered(),
            (None, None) => false,
        };
        let trusted = !self.is_secure() || self.handshake.is_some_and(|handshake| handshake.fact.defects.is_empty());
        answered && trusted
    }

    /// The allocation that was got.
    #[must_use]
    pub fn allocation(&self) -> Option<Seen<'a, AllocationFact>> {
        self.allocations.iter().find(|allocation| allocation.fact.relayed.is_some()).copied()
    }

    /// The last answer to an Allocate with credentials, where none was granted.
    #[must_use]
    pub fn refusal(&self) -> Option<Seen<'a, AllocationFact>> {
        if self.allocation().is_some() { None } else { self.allocations.last().copied() }
    }

    /// SOFTWARE, where the server tells it.
    #[must_use]
    pub fn software(&self) -> Option<&'a str> {
        let challenge = self.challenge.and_then(|challenge| challenge.fact.software.as_deref());
        challenge.or_else(|| self.binding.and_then(|binding| binding.fact.software.as_deref()))
    }

    /// All paced requests of the way to the server together; the slow ones alone, where fast ones are limited. `None` where none were sent.
    #[must_use]
    pub fn loss(&self) -> Option<Tally> {
        let (fast, slow) = self.paces();
        match (fast, slow) {
            (Some(fast), Some(slow)) if is_limited(fast, slow) => Some(slow),
            (Some(fast), Some(slow)) => Some(fast.plus(slow)),
            (fast, slow) => fast.or(slow),
        }
    }

    /// The fast requests, where so many more of them than of the slow ones stay unanswered that something limits their number.
    #[must_use]
    pub fn limited(&self) -> Option<Tally> {
        let (fast, slow) = self.paces();
        fast.filter(|fast| slow.is_some_and(|slow| is_limited(*fast, slow)))
    }

    fn paces(&self) -> (Option<Tally>, Option<Tally>) {
        let fast = self.losses.iter().map(|loss| loss.fact.requests).reduce(Tally::plus);
        (fast, self.losses.iter().filter_map(|loss| loss.fact.slow).reduce(Tally::plus))
    }

    /// How far the first packets came.
    #[must_use]
    pub fn reachability(&self) -> Reachability {
        if self.alive() {
            return Reachability::Alive;
        }
        if let Some(connect) = self.connect.filter(|connect| !connect.fact.reply.succeeded()) {
            return self.of_outcome(&connect.fact.reply.outcome, true);
        }
        if let Some(handshake) = self.handshake.filter(|handshake| handshake.fact.end != HandshakeEnd::Completed) {
            return match handshake.fact.end {
                HandshakeEnd::NotTls { speaks } => Reachability::Foreign(speaks),
                HandshakeEnd::Completed
                | HandshakeEnd::Alert { .. }
                | HandshakeEnd::TooOld
                | HandshakeEnd::Closed
                | HandshakeEnd::Silent
                | HandshakeEnd::Failed { .. } => Reachability::Mute,
            };
        }
        // Over DTLS as over a stream silence comes after something has answered.
        let connected = self.connect.is_some();
        let mut reachabilities = self.replies().map(|reply| self.of_outcome(&reply.outcome, false)).collect::<Vec<_>>();
        // What says something wins over silence.
        reachabilities.sort_by_key(|reachability| *reachability == Reachability::Silent);
        match reachabilities.first() {
            Some(Reachability::Silent) if connected => Reachability::Mute,
            Some(reachability) => *reachability,
            None => Reachability::Untested,
        }
    }

    fn of_outcome(&self, outcome: &Outcome, connecting: bool) -> Reachability {
        match outcome {
            Outcome::Success | Outcome::Error { .. } => Reachability::Alive,
            Outcome::Silent => Reachability::Silent,
            Outcome::Unreachable { reason: Unreachable::Port, .. } if self.end.is_some() => Reachability::Rejected,
            // A router that says so speaks for itself.
            Outcome::Unreachable { reason: Unreachable::Port, from } if from.is_none_or(|from| from == self.endpoint.ip()) => {
                Reachability::Refused
            }
            Outcome::Unreachable { .. } => Reachability::Rejected,
            Outcome::DeniedLocally => Reachability::DeniedLocally,
            Outcome::NoRoute => Reachability::NoRoute,
            Outcome::Closed if connecting => Reachability::Refused,
            Outcome::Closed | Outcome::FromElsewhere { .. } | Outcome::Unusable { .. } => Reachability::Mute,
            Outcome::NotStun { speaks } => Reachability::Foreign(*speaks),
        }
    }

    fn replies(&self) -> impl Iterator<Item = &'a Reply> {
        let binding = self.binding.map(|binding| &binding.fact.reply);
        let challenge = self.challenge.map(|challenge| &challenge.fact.reply);
        binding.into_iter().chain(challenge)
    }

    /// The observations on how far the first packets came.
    #[must_use]
    pub fn cite_reachability(&self) -> Vec<String> {
        let ids = [
            self.connect.map(|seen| seen.cite()),
            self.handshake.map(|seen| seen.cite()),
            self.binding.map(|seen| seen.cite()),
            self.challenge.map(|seen| seen.cite()),
        ];
        ids.into_iter().flatten().collect()
    }

    /// Whether the server itself refuses: by a TCP reset, or by an ICMP error that it sent itself.
    #[must_use]
    pub fn refused(&self) -> bool {
        self.reachability() == Reachability::Refused
    }

    /// The router of this network that rejects what goes to the server: a private address is none of the way between two networks.
    #[must_use]
    pub fn rejected_here(&self) -> Option<std::net::IpAddr> {
        if let Some(end) = self.ended_here() {
            return end.router();
        }
        let from = self.icmp()?.1.filter(|_| !self.alive())?;
        let server = self.endpoint.ip();
        (from != server && !Reach::of(from).is_global() && Reach::of(server).is_global()).then_some(from)
    }

    /// The router of this network where connections to it end.
    #[must_use]
    pub fn ended_here(&self) -> Option<&ConnectionEnd> {
        self.end.as_ref().filter(|end| end.place == Place::Here)
    }

    /// Whether this network rejects what goes to the server, or drops it where it can be told.
    #[must_use]
    pub fn is_rejected_here(&self) -> bool {
        self.ended_here().is_some() || self.rejected_here().is_some()
    }

    /// The sender of the ICMP error that came in place of an answer.
    #[must_use]
    pub fn icmp(&self) -> Option<(Unreachable, Option<std::net::IpAddr>)> {
        let connect = self.connect.map(|connect| &connect.fact.reply);
        self.replies().chain(connect).find_map(|reply| {
            let Outcome::Unreachable { reason, from } = reply.outcome else { return None };
            Some((reason, from))
        })
    }
}

/// Whether chance hardly ever loses so many more of the fast requests: a line loses a share, whatever their pace.
fn is_limited(fast: Tally, slow: Tally) -> bool {
    surely_over(fast.lost(), fast.sent) > surely_under(slow.lost(), slow.sent)
}
