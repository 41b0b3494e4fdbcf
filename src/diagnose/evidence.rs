//! The observations of a run, arranged by what rules ask for: endpoints, relayed addresses, controls.
//!
//! Nothing here accuses: it only says what was seen where.

use std::net::{IpAddr, SocketAddr};

use super::connection_end::ConnectionEnd;
use super::controls::Controls;
use super::endpoint::EndpointEvidence;
use super::nat::NatEvidence;
use super::relay::RelayEvidence;
use super::signaling::SignalingEvidence;
use super::trace::Traces;
use crate::model::asked::{Asked, Form, Purpose};
use crate::model::call::Path;
use crate::model::cause::Cause;
use crate::model::endpoint::Endpoint;
use crate::model::fact::{
    AllocationFact, ClockFact, ControlFact, CredentialsFact, ExchangeFact, Fact, HandshakeFact, InboundFact, NameFact,
    Observation, PeerFact, PortsFact, ProxyFact, RedirectFact, ResponderFact, RouteFact, SizeFact, Tally,
};
use crate::model::finding::Level;

/// A fact with the observation that states it.
pub struct Seen<'a, F> {
    /// The observation's id.
    pub id: &'a str,
    /// Its target.
    pub target: &'a str,
    /// The fact.
    pub fact: &'a F,
}

impl<F> Clone for Seen<'_, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F> Copy for Seen<'_, F> {}

impl<F> Seen<'_, F> {
    /// The id, to cite.
    #[must_use]
    pub fn cite(&self) -> String {
        self.id.to_owned()
    }

    /// The endpoint that was probed.
    #[must_use]
    pub fn endpoint(&self) -> Option<Endpoint> {
        self.target.parse().ok()
    }
}

/// The least time that a lost segment costs a TCP connection, in milliseconds.
const LEAST_RETRANSMISSION_MS: f64 = 200.0;

/// All that a run has seen.
pub struct Evidence<'a> {
    asked: &'a Asked,
    observations: &'a [Observation],
    endpoints: Vec<EndpointEvidence<'a>>,
    relays: Vec<RelayEvidence<'a>>,
    controls: Controls<'a>,
    traces: Traces<'a>,
    signaling: SignalingEvidence<'a>,
    nats: [NatEvidence<'a>; 2],
}

impl<'a> Evidence<'a> {
    /// Arranges observations.
    #[must_use]
    pub fn new(asked: &'a Asked, observations: &'a [Observation]) -> Self {
        let mut endpoints = EndpointEvidence::all(observations);
        let traces = Traces::new(observations);
        for endpoint in endpoints.iter_mut().filter(|endpoint| !endpoint.alive()) {
            endpoint.end = ConnectionEnd::of(&traces, observations, endpoint.endpoint);
        }
        Self {
            asked,
            observations,
            controls: Controls::new(observations, &endpoints),
            endpoints,
            relays: RelayEvidence::all(observations),
            traces,
            signaling: SignalingEvidence::new(observations),
            nats: [true, false].map(|v4| NatEvidence::new(asked, observations, v4)),
        }
    }

    /// Another of the usual ports of a server that answers: the host is up. Where a router resets connections to it, none refuses itself.
    #[must_use]
    pub fn answering_port(&self, server: IpAddr) -> Option<Seen<'a, ControlFact>> {
        let is_reset = self.endpoints.iter().any(|endpoint| endpoint.endpoint.ip() == server && endpoint.end.is_some());
        self.controls.answering_port(server, !is_reset)
    }

    /// What the run was asked.
    #[must_use]
    pub fn asked(&self) -> &'a Asked {
        self.asked
    }

    /// Whether the run is about a relay.
    #[must_use]
    pub fn wants_relay(&self) -> bool {
        match self.asked.purpose {
            Purpose::Stun => false,
            Purpose::Turn | Purpose::ExternalIp | Purpose::Ports | Purpose::Call => {
                self.asked.services.iter().any(|service| service.relay)
            }
        }
    }

    /// Every endpoint that was probed, servers that others redirect to included.
    #[must_use]
    pub fn endpoints(&self) -> &[EndpointEvidence<'a>] {
        &self.endpoints
    }

    /// The endpoints that users are promised, as far as that is known; a fault of another is no finding.
    pub fn promised(&self) -> impl Iterator<Item = &EndpointEvidence<'a>> {
        self.endpoints.iter().filter(|endpoint| self.promises(endpoint))
    }

    /// On a host with an explicit port nobody says which transports it serves: those that answer count, and where the port
    /// serves plain TURN both UDP and TCP are expected, as every server offers them together.
    ///
    /// A server that another one redirects to is not promised: what is wrong with it is said of the redirection.
    fn promises(&self, endpoint: &EndpointEvidence<'a>) -> bool {
        let place = endpoint.endpoint.address;
        if self.redirects().any(|redirect| redirect.fact.hops.contains(&place)) {
            return false;
        }
        match self.asked.form {
            Form::Host | Form::Urls => self.lists(endpoint),
            Form::HostAndPort => {
                let same_place = |other: &&EndpointEvidence<'a>| other.endpoint.address == endpoint.endpoint.address;
                let mut others = self.endpoints.iter().filter(same_place);
                let plain_works = others.clone().any(|other| !other.is_secure() && other.alive());
                let any_works = others.any(EndpointEvidence::alive);
                endpoint.alive() || !any_works && !endpoint.is_secure() || plain_works && !endpoint.is_secure()
            }
        }
    }

    /// Whether a list of URLs has an endpoint; others were only asked to tell what is wrong with those that are.
    fn lists(&self, endpoint: &EndpointEvidence<'a>) -> bool {
        let place = endpoint.endpoint;
        let port = place.address.port();
        let by_srv = || {
            let suffix = format!(":{port}");
            self.names().any(|name| name.fact.services.iter().any(|service| service.ends_with(&suffix)))
        };
        self.asked.services.iter().any(|service| {
            let at_port = service.port_or_default() == port || service.port.is_none() && by_srv();
            service.transport == place.transport && at_port
        })
    }

    /// The other endpoints of the same address.
    pub fn siblings(&self, of: &EndpointEvidence<'a>) -> impl Iterator<Item = &EndpointEvidence<'a>> {
        let own = of.endpoint;
        self.endpoints.iter().filter(move |other| other.endpoint.ip() == own.ip() && other.endpoint != own)
    }

    /// Every relayed address that was got.
    #[must_use]
    pub fn relays(&self) -> &[RelayEvidence<'a>] {
        &self.relays
    }

    /// The controls.
    #[must_use]
    pub fn controls(&self) -> &Controls<'a> {
        &self.controls
    }

    /// Whether nothing shows that this network carries packets to such addresses at all: of their family neither a server nor a control
    /// has answered, while of the other family something has.
    #[must_use]
    pub fn family_is_dead(&self, of: IpAddr) -> bool {
        let same = |ip: IpAddr| ip.is_ipv4() == of.is_ipv4();
        let has_answered = |endpoint: &&EndpointEvidence<'a>| endpoint.alive() || endpoint.refused();
        let (own, others): (Vec<_>, Vec<_>) =
            self.endpoints.iter().filter(has_answered).partition(|endpoint| same(endpoint.endpoint.ip()));
        own.is_empty()
            && !self.controls.over(of).any_passes()
            && (!others.is_empty() || self.controls.passes_over(!of.is_ipv4()).is_some())
    }

    /// What was seen of the NAT, over IPv4 and over IPv6.
    pub fn nats(&self) -> impl Iterator<Item = &NatEvidence<'a>> {
        self.nats.iter()
    }

    /// The traces.
    #[must_use]
    pub fn traces(&self) -> &Traces<'a> {
        &self.traces
    }

    /// What was seen of the signaling's gateway.
    #[must_use]
    pub fn signaling(&self) -> &SignalingEvidence<'a> {
        &self.signaling
    }

    /// The level of a fault that takes some endpoints away: with a list of URLs it follows from what is left.
    #[must_use]
    pub fn level_of(&self, cause: &Cause, lost: &[Endpoint]) -> Level {
        match self.asked.form {
            Form::Host => cause.level,
            Form::HostAndPort | Form::Urls => self.level_by_rest(lost),
        }
    }

    /// Fail where nothing else works, degrade where something does.
    #[must_use]
    pub fn level_by_rest(&self, lost: &[Endpoint]) -> Level {
        let serves = |other: &EndpointEvidence<'a>| other.usable() && (!self.wants_relay() || other.challenge.is_some());
        let rest = self.promised().any(|other| !lost.contains(&other.endpoint) && serves(other));
        if rest { Level::Degrade } else { Level::Fail }
    }

    /// Whether SOFTWARE says that a server is coturn, so that a fix may name its settings.
    #[must_use]
    pub fn is_coturn(&self) -> bool {
        self.endpoints
            .iter()
            .filter_map(EndpointEvidence::software)
            .any(|software| software.to_ascii_lowercase().contains("coturn"))
    }

    /// The addresses that the asked hosts stand for.
    #[must_use]
    pub fn server_addresses(&self) -> Vec<IpAddr> {
        let resolved = self.names().flat_map(|name| name.fact.addresses.iter().copied());
        let probed = self.endpoints.iter().map(|endpoint| endpoint.endpoint.ip());
        let mut addresses: Vec<IpAddr> = resolved.chain(probed).collect();
        addresses.sort_unstable();
        addresses.dedup();
        addresses
    }

    /// What the resolver said.
    pub fn names(&self) -> impl Iterator<Item = Seen<'a, NameFact>> {
        self.facts(|fact| if let Fact::Name(it) = fact { Some(it) } else { None })
    }

    /// The answers to an Allocate with credentials.
    pub fn allocations(&self) -> impl Iterator<Item = Seen<'a, AllocationFact>> {
        self.facts(|fact| if let Fact::Allocation(it) = fact { Some(it) } else { None })
    }

    /// Which addresses have a route.
    pub fn routes(&self) -> impl Iterator<Item = Seen<'a, RouteFact>> {
        self.facts(|fact| if let Fact::Route(it) = fact { Some(it) } else { None })
    }

    /// What the credentials look like.
    pub fn credentials(&self) -> impl Iterator<Item = Seen<'a, CredentialsFact>> {
        self.facts(|fact| if let Fact::Credentials(it) = fact { Some(it) } else { None })
    }

    /// What is known of each port of a range.
    pub fn port_ranges(&self) -> impl Iterator<Item = Seen<'a, PortsFact>> {
        self.facts(|fact| if let Fact::Ports(it) = fact { Some(it) } else { None })
    }

    /// What responders on the server's host said of themselves.
    pub fn responders(&self) -> impl Iterator<Item = Seen<'a, ResponderFact>> {
        self.facts(|fact| if let Fact::Responder(it) = fact { Some(it) } else { None })
    }

    /// Where servers redirect to.
    pub fn redirects(&self) -> impl Iterator<Item = Seen<'a, RedirectFact>> {
        self.facts(|fact| if let Fact::Redirect(it) = fact { Some(it) } else { None })
    }

    /// The endpoints inside the tunnels of the proxy of the environment.
    #[must_use]
    pub fn through_proxy(&self) -> Vec<EndpointEvidence<'a>> {
        EndpointEvidence::through_proxy(self.observations)
    }

    /// What the proxy of the environment answered.
    pub fn proxies(&self) -> impl Iterator<Item = Seen<'a, ProxyFact>> {
        self.facts(|fact| if let Fact::Proxy(it) = fact { Some(it) } else { None })
    }

    /// The largest packet that passes to a server over UDP, where some are too large.
    pub fn sizes(&self, server: IpAddr) -> impl Iterator<Item = Seen<'a, SizeFact>> {
        self.all_sizes(server).filter(|seen| seen.fact.lost.is_some())
    }

    /// Whether packets of every size that was tried pass to a server over UDP.
    #[must_use]
    pub fn all_sizes_pass(&self, server: IpAddr) -> bool {
        self.all_sizes(server).any(|seen| seen.fact.lost.is_none())
    }

    fn all_sizes(&self, server: IpAddr) -> impl Iterator<Item = Seen<'a, SizeFact>> {
        let sizes = self.facts(|fact| if let Fact::Size(it) = fact { Some(it) } else { None });
        sizes.filter(move |seen| seen.endpoint().is_some_and(|endpoint| endpoint.ip() == server))
    }

    /// What time other hosts say it is.
    pub fn clocks(&self) -> impl Iterator<Item = Seen<'a, ClockFact>> {
        self.facts(|fact| if let Fact::Clock(it) = fact { Some(it) } else { None })
    }

    /// The signaling of each attempt to call that counts.
    pub fn exchanges(&self) -> impl Iterator<Item = Seen<'a, ExchangeFact>> {
        let exchanges = self.facts(|fact| if let Fact::Exchange(it) = fact { Some(it) } else { None });
        exchanges.filter(|seen| self.asked.counts(seen.fact.path))
    }

    /// Whether nobody ended a call on this path from elsewhere until so many milliseconds after its start.
    #[must_use]
    pub fn lasted(&self, path: Path, until_ms: u64) -> bool {
        self.exchanges().filter(|seen| seen.fact.path == path).all(|seen| seen.fact.lasted(until_ms))
    }

    /// The paths of all attempts to call, those for the matrix alone included.
    pub fn attempted(&self) -> impl Iterator<Item = Path> {
        self.facts(|fact| if let Fact::Exchange(it) = fact { Some(it) } else { None }).map(|seen| seen.fact.path)
    }

    /// The peers of each attempt to call that counts.
    pub fn peers(&self) -> impl Iterator<Item = Seen<'a, PeerFact>> {
        self.peers_on_any_path().filter(|seen| self.asked.counts(seen.fact.path))
    }

    /// The peers of all attempts, those on a single way included that were made for the matrix alone.
    pub fn peers_on_any_path(&self) -> impl Iterator<Item = Seen<'a, PeerFact>> {
        self.facts(|fact| if let Fact::Peer(it) = fact { Some(it) } else { None })
    }

    /// How many seconds this host's clock is behind those of others; of several the one in the middle counts, so that no single
    /// host with a wrong clock decides, and of two the one that says less.
    #[must_use]
    pub fn clock_behind(&self) -> i64 {
        let mut differences: Vec<i64> = self.clocks().map(|clock| clock.fact.theirs - clock.fact.ours).collect();
        differences.sort_unstable();
        match differences[..] {
            [first, second] if first.abs() < second.abs() => first,
            [_, second] => second,
            _ => differences.get(differences.len() / 2).copied().unwrap_or_default(),
        }
    }

    /// The TLS handshakes with control hosts.
    pub fn control_handshakes(&self) -> impl Iterator<Item = Seen<'a, HandshakeFact>> {
        let of_controls = self.observations.iter().filter(|seen| seen.probe == "control-tls");
        of_controls.filter_map(|seen| {
            let Fact::Handshake(fact) = &seen.fact else { return None };
            Some(Seen { id: &seen.id, target: &seen.target, fact })
        })
    }

    /// The socket outside as STUN servers see it.
    #[must_use]
    pub fn outside(&self) -> Vec<(SocketAddr, &'a str)> {
        let bindings = self.observations.iter().filter(|seen| seen.probe == "binding-outside");
        bindings
            .filter_map(|seen| {
                let Fact::Binding(fact) = &seen.fact else { return None };
                fact.mapped.map(|mapped| (mapped, seen.id.as_str()))
            })
            .collect()
    }

    /// Whether a NAT stands between this host and a server: the server sees another address than this host sends from.
    #[must_use]
    pub fn is_translated(&self, server: IpAddr) -> bool {
        let target = server.to_string();
        let Some(source) = self.routes().find(|route| route.target == target).and_then(|route| route.fact.source) else {
            return false;
        };
        let bindings =
            self.endpoints.iter().filter(|endpoint| endpoint.endpoint.ip() == server).filter_map(|endpoint| endpoint.binding);
        let allocations =
            self.endpoints.iter().filter(|endpoint| endpoint.endpoint.ip() == server).filter_map(EndpointEvidence::allocation);
        let mapped = bindings.filter_map(|seen| seen.fact.mapped).chain(allocations.filter_map(|seen| seen.fact.mapped));
        // A NAT that other servers have seen stands before this one as well.
        let mut mapped = mapped.chain(self.outside().into_iter().map(|(mapped, _)| mapped));
        mapped.any(|mapped| mapped.is_ipv4() == source.is_ipv4() && mapped.ip() != source)
    }

    /// The observations that a datagram that is no STUN came through between this network and a relay: UDP as such passes.
    #[must_use]
    pub fn arrived_datagrams(&self) -> Vec<String> {
        let ways = self.relays.iter().flat_map(|relay| [relay.unsolicited, relay.alternative, relay.solicited]);
        let came_back = |seen: &Seen<'a, InboundFact>| {
            // The server's own ICMP error shows as well that the datagram got there.
            seen.fact.arrived || seen.fact.icmp.is_some_and(|icmp| icmp.from == Some(seen.fact.sent_to.ip()))
        };
        ways.flatten().filter(came_back).map(|seen| seen.cite()).collect()
    }

    /// The observations that this network lets the bytes of STUN pass, wherever STUN servers are silent.
    #[must_use]
    pub fn stun_passes(&self) -> Vec<String> {
        let tried = self.relays.iter().filter_map(|relay| relay.stun_like);
        tried.filter(|seen| seen.fact.arrived).map(|seen| seen.cite()).collect()
    }

    /// The answers over TCP and TLS of all endpoints, and those of them that came a retransmission late: a stream hides lost packets
    /// and pays for each with at least 200 ms (Linux's least retransmission timeout; RFC 6298 has a second).
    #[must_use]
    pub fn held_up(&self) -> (Tally, Vec<String>) {
        let streams = self.endpoints.iter().filter(|endpoint| !endpoint.is_datagram());
        streams.map(|endpoint| self.held_up_at(endpoint.endpoint)).fold(Default::default(), |(all, mut ids), (tally, more)| {
            ids.extend(more);
            (all.plus(tally), ids)
        })
    }

    fn held_up_at(&self, endpoint: Endpoint) -> (Tally, Vec<String>) {
        let target = endpoint.to_string();
        let of_endpoint = self.observations.iter().filter(|seen| seen.target == target);
        let answers: Vec<_> = of_endpoint.filter_map(|seen| Some((seen, answered_at_once(&seen.fact)?))).collect();
        let Some(fastest) = answers.iter().map(|(_, rtt_ms)| *rtt_ms).min_by(f64::total_cmp) else { return Default::default() };
        let late = answers.iter().filter(|(_, rtt_ms)| *rtt_ms >= fastest + LEAST_RETRANSMISSION_MS);
        let late: Vec<String> = late.map(|(seen, _)| seen.id.clone()).collect();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        (Tally { sent: count(answers.len()), arrived: count(answers.len() - late.len()) }, late)
    }

    /// Whether anything shows that the socket outside reaches anybody: else a datagram that never arrived tells nothing.
    #[must_use]
    pub fn reaches_out(&self) -> bool {
        let outbound = self.relays.iter().any(|relay| relay.lets_out() == Some(true));
        let refused = self.relays.iter().any(|relay| relay.unsolicited.is_some_and(|seen| seen.fact.icmp.is_some()));
        !self.outside().is_empty() || !self.arrived_datagrams().is_empty() || outbound || refused
    }

    /// Whether the NAT of this network gives one socket another address for each destination; `None` where two servers did
    /// not tell.
    #[must_use]
    pub fn symmetric_nat(&self) -> Option<bool> {
        let outside = self.outside();
        let (first, rest) = outside.split_first()?;
        let same_family: Vec<_> = rest.iter().filter(|(mapped, _)| mapped.is_ipv4() == first.0.is_ipv4()).collect();
        if same_family.is_empty() { None } else { Some(same_family.iter().any(|(mapped, _)| *mapped != first.0)) }
    }

    fn facts<F: 'a>(&self, select: fn(&'a Fact) -> Option<&'a F>) -> impl Iterator<Item = Seen<'a, F>> {
        self.observations
            .iter()
            .filter_map(move |seen| select(&seen.fact).map(|fact| Seen { id: &seen.id, target: &seen.target, fact }))
    }
}

/// The round trip, in milliseconds, of an answer that takes a server no time; an allocation may take it a second.
#[expect(clippy::wildcard_enum_match_arm, reason = "the other facts are no single answer")]
fn answered_at_once(fact: &Fact) -> Option<f64> {
    let reply = match fact {
        Fact::Connect(it) => &it.reply,
        Fact::Binding(it) => &it.reply,
        Fact::Challenge(it) => &it.reply,
        Fact::Permission(it) => &it.reply,
        Fact::Channel(it) => &it.reply,
        Fact::Release(it) => &it.reply,
        _ => return None,
    };
    reply.rtt_ms.filter(|_| reply.answered())
}
