//! What this network does to hosts that have nothing to do with the server.

use std::net::{IpAddr, SocketAddr};

use super::endpoint::EndpointEvidence;
use super::evidence::Seen;
use crate::model::address::Reach;
use crate::model::fact::{ControlFact, ControlKind, Fact, Observation};
use crate::model::outcome::{Outcome, Unreachable};

/// The lowest port that counts as high: no service of the system listens there.
const FIRST_HIGH_PORT: u16 = 10_000;

/// The port of HTTPS; another one is a name server's.
const HTTPS: u16 = 443;

/// The controls of a run.
pub struct Controls<'a> {
    all: Vec<Seen<'a, ControlFact>>,
    /// Those over the families of addresses that the servers were asked over.
    comparable: Vec<Seen<'a, ControlFact>>,
}

/// What controls of one kind say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// One at least passes.
    Passes,
    /// All were asked in vain; that many.
    Silent(usize),
    /// None was asked.
    NotAsked,
}

impl<'a> Controls<'a> {
    /// Collects the controls. Compared are those over the families of addresses that servers were asked over: that IPv6 works says
    /// nothing of IPv4.
    #[must_use]
    pub fn new(observations: &'a [Observation], servers: &[EndpointEvidence<'a>]) -> Self {
        let all = observations.iter().filter_map(|seen| {
            let Fact::Control(fact) = &seen.fact else { return None };
            Some(Seen { id: &seen.id, target: &seen.target, fact })
        });
        let all: Vec<_> = all.collect();
        let is_asked = |v4: bool| servers.is_empty() || servers.iter().any(|server| server.endpoint.ip().is_ipv4() == v4);
        let comparable =
            all.iter().copied().filter(|seen| seen.endpoint().is_some_and(|endpoint| is_asked(endpoint.ip().is_ipv4())));
        Self { comparable: comparable.collect(), all }
    }

    /// Those alone over the family of an address.
    #[must_use]
    pub fn over(&self, family: IpAddr) -> Self {
        let of_family =
            |seen: &Seen<'a, ControlFact>| seen.endpoint().is_some_and(|endpoint| endpoint.ip().is_ipv4() == family.is_ipv4());
        let all: Vec<_> = self.all.iter().copied().filter(of_family).collect();
        Self { comparable: all.clone(), all }
    }

    /// Whether any control passes, by whatever transport.
    #[must_use]
    pub fn any_passes(&self) -> bool {
        [self.stun(), self.dns(), self.tcp()].contains(&Answer::Passes)
    }

    fn of(&self, kind: ControlKind) -> impl Iterator<Item = &Seen<'a, ControlFact>> {
        self.comparable.iter().filter(move |seen| seen.fact.control == kind)
    }

    fn answer(&self, kind: ControlKind) -> Answer {
        answer(self.of(kind))
    }

    /// STUN at unrelated servers.
    #[must_use]
    pub fn stun(&self) -> Answer {
        self.answer(ControlKind::Stun)
    }

    /// DNS over UDP at resolvers outside: one with a private address may be this network's own router, which proves nothing of
    /// the way out.
    #[must_use]
    pub fn dns(&self) -> Answer {
        answer(
            self.of(ControlKind::Dns).filter(|seen| seen.endpoint().is_some_and(|endpoint| Reach::of(endpoint.ip()).is_global())),
        )
    }

    /// The observations that name servers, wherever they stand, answer a question of ours.
    #[must_use]
    pub fn answering_resolvers(&self) -> Vec<String> {
        let resolvers = self.all.iter().filter(|seen| seen.fact.control == ControlKind::Dns);
        resolvers.filter(|seen| seen.fact.reply.succeeded()).map(Seen::cite).collect()
    }

    /// Whether a name server that is silent over UDP is known to be alive: it takes TCP connections.
    #[must_use]
    pub fn silent_dns_is_alive(&self) -> bool {
        let silent = self.of(ControlKind::Dns).filter(|seen| !is_answered(seen));
        let taken = |server: SocketAddr| {
            self.of(ControlKind::Tcp)
                .any(|seen| seen.fact.reply.succeeded() && seen.endpoint().is_some_and(|endpoint| endpoint.address == server))
        };
        silent.filter_map(Seen::endpoint).any(|endpoint| taken(endpoint.address))
    }

    /// Whether a silent STUN control is known to be alive: its host takes TCP connections.
    #[must_use]
    pub fn silent_stun_is_alive(&self) -> bool {
        let alive: Vec<IpAddr> =
            self.of(ControlKind::Tcp).filter(|seen| is_answered(seen)).filter_map(|seen| Some(seen.endpoint()?.ip())).collect();
        let silent = self.of(ControlKind::Stun).filter(|seen| !is_answered(seen));
        silent.filter_map(Seen::endpoint).any(|endpoint| alive.contains(&endpoint.ip()))
    }

    /// TCP to port 443.
    #[must_use]
    pub fn tcp(&self) -> Answer {
        answer(self.of(ControlKind::Tcp).filter(|seen| seen.endpoint().is_some_and(|endpoint| endpoint.address.port() == HTTPS)))
    }

    /// Another of the usual ports of a server that answers, or says itself that nothing listens there, where its refusals are its own:
    /// the host is up.
    #[must_use]
    pub fn answering_port(&self, server: IpAddr, refuses_itself: bool) -> Option<Seen<'a, ControlFact>> {
        let at_server = |seen: &&Seen<'a, ControlFact>| seen.endpoint().is_some_and(|endpoint| endpoint.ip() == server);
        let by_itself = |seen: &&Seen<'a, ControlFact>| match seen.fact.reply.outcome {
            Outcome::Success | Outcome::Error { .. } => true,
            Outcome::Unreachable { reason: Unreachable::Port, from } => refuses_itself && from == Some(server),
            Outcome::Unreachable { .. }
            | Outcome::Silent
            | Outcome::DeniedLocally
            | Outcome::NoRoute
            | Outcome::Closed
            | Outcome::NotStun { .. }
            | Outcome::FromElsewhere { .. }
            | Outcome::Unusable { .. } => false,
        };
        self.of(ControlKind::Port).filter(at_server).find(by_itself).copied()
    }

    /// A control over IPv4, or over IPv6, that passes.
    #[must_use]
    pub fn passes_over(&self, v4: bool) -> Option<Seen<'a, ControlFact>> {
        self.all
            .iter()
            .filter(|seen| seen.fact.control != ControlKind::Port)
            .find(|seen| is_answered(seen) && seen.endpoint().is_some_and(|endpoint| endpoint.address.is_ipv4() == v4))
            .copied()
    }

    /// The control that shows that this network lets UDP to high ports out: an ICMP error of the server itself, or a STUN server
    /// on a high port.
    #[must_use]
    pub fn high_ports_open(&self, server: IpAddr) -> Option<Seen<'a, ControlFact>> {
        let from_server = |seen: &&Seen<'a, ControlFact>| {
            let to_server = seen.endpoint().is_some_and(|endpoint| endpoint.ip() == server);
            to_server
                && matches!(seen.fact.reply.outcome, Outcome::Unreachable { from: Some(from), reason: Unreachable::Port | Unreachable::Prohibited } if from == server)
        };
        let high_stun = |seen: &&Seen<'a, ControlFact>| {
            is_answered(seen) && seen.endpoint().is_some_and(|endpoint| endpoint.address.port() >= FIRST_HIGH_PORT)
        };
        let by_server = self.of(ControlKind::HighPort).find(from_server);
        by_server.or_else(|| self.of(ControlKind::Stun).find(high_stun)).copied()
    }

    /// The control that shows that this network keeps UDP to high ports in: a STUN server on a high port is silent, and one on a
    /// low port answers.
    #[must_use]
    pub fn high_ports_closed(&self) -> Option<Seen<'a, ControlFact>> {
        let is_high =
            |seen: &Seen<'a, ControlFact>| seen.endpoint().is_some_and(|endpoint| endpoint.address.port() >= FIRST_HIGH_PORT);
        let (high, low): (Vec<_>, Vec<_>) = self.of(ControlKind::Stun).copied().partition(is_high);
        let high_silent = high.iter().all(|seen| seen.fact.reply.silent());
        if high_silent && low.iter().any(|seen| is_answered(seen)) { high.first().copied() } else { None }
    }

    /// Whether a STUN control on that very port passes, so that this network doesn't block the port.
    #[must_use]
    pub fn passes_on_port(&self, port: u16) -> bool {
        self.of(ControlKind::Stun)
            .any(|seen| is_answered(seen) && seen.endpoint().is_some_and(|endpoint| endpoint.address.port() == port))
    }

    /// The controls that this host itself refused to send to.
    pub fn denied_locally(&self) -> impl Iterator<Item = &Seen<'a, ControlFact>> {
        self.all.iter().filter(|seen| seen.fact.reply.outcome == Outcome::DeniedLocally)
    }

    /// The observations of some kinds, to cite.
    #[must_use]
    pub fn cite(&self, kinds: &[ControlKind]) -> Vec<String> {
        self.all.iter().filter(|seen| kinds.contains(&seen.fact.control)).map(Seen::cite).collect()
    }
}

fn answer<'s, 'a: 's>(controls: impl Iterator<Item = &'s Seen<'a, ControlFact>>) -> Answer {
    let asked: Vec<_> = controls.filter(|seen| seen.fact.reply.outcome != Outcome::NoRoute).collect();
    if asked.is_empty() {
        Answer::NotAsked
    } else if asked.iter().any(|seen| is_answered(seen)) {
        Answer::Passes
    } else {
        Answer::Silent(asked.len())
    }
}

/// Any answer proves the way: a refusal of the control host came back over it. One that a router on the way sends in its place does not.
fn is_answered(seen: &Seen<'_, ControlFact>) -> bool {
    let is_host = |from: Option<IpAddr>| from.is_none_or(|from| seen.endpoint().is_some_and(|endpoint| endpoint.ip() == from));
    match (&seen.fact.reply.outcome, seen.fact.control) {
        (Outcome::Success | Outcome::Error { .. }, _) => true,
        (Outcome::Unreachable { reason: Unreachable::Port, from }, ControlKind::Dns | ControlKind::Tcp) => is_host(*from),
        (_, _) => false,
    }
}
