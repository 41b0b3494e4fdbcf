//! What was seen of the signaling's gateway: how it is reached, its Engine.IO handshakes, whether it lets the peers in.

use super::evidence::Seen;
use crate::model::fact::{
    ConnectFact, EngineEnd, EngineFact, EnginePollsFact, EngineTransport, Fact, HandshakeEnd, HandshakeFact, NameFact,
    Observation, SocketEnd, SocketFact,
};

/// What a gateway says of a namespace that it doesn't have.
const INVALID_NAMESPACE: &str = "invalid namespace";

/// What was seen of the gateway.
pub struct SignalingEvidence<'a> {
    /// What the resolver said of its name.
    pub name: Option<Seen<'a, NameFact>>,
    /// The TCP connections, one an address.
    pub connects: Vec<Seen<'a, ConnectFact>>,
    /// The TLS handshakes, one an address.
    pub handshakes: Vec<Seen<'a, HandshakeFact>>,
    /// The Engine.IO handshakes, one a transport.
    pub engines: Vec<Seen<'a, EngineFact>>,
    /// The further requests of one session.
    pub polls: Option<Seen<'a, EnginePollsFact>>,
    /// How the peers' connections to the namespace ended.
    pub sockets: Vec<Seen<'a, SocketFact>>,
}

impl<'a> SignalingEvidence<'a> {
    /// Picks it from all observations.
    #[must_use]
    pub fn new(observations: &'a [Observation]) -> Self {
        let mut evidence = Self {
            name: None,
            connects: Vec::new(),
            handshakes: Vec::new(),
            engines: Vec::new(),
            polls: None,
            sockets: Vec::new(),
        };
        for seen in observations {
            evidence.take(seen);
        }
        evidence
    }

    fn take(&mut self, seen: &'a Observation) {
        fn of<'a, F>(seen: &'a Observation, fact: &'a F) -> Seen<'a, F> {
            Seen { id: &seen.id, target: &seen.target, fact }
        }
        match (seen.probe.as_str(), &seen.fact) {
            ("signaling-name", Fact::Name(fact)) => self.name = Some(of(seen, fact)),
            ("signaling-connect", Fact::Connect(fact)) => self.connects.push(of(seen, fact)),
            ("signaling-handshake", Fact::Handshake(fact)) => self.handshakes.push(of(seen, fact)),
            (_, Fact::Engine(fact)) => self.engines.push(of(seen, fact)),
            (_, Fact::EnginePolls(fact)) => self.polls = Some(of(seen, fact)),
            (_, Fact::Socket(fact)) => self.sockets.push(of(seen, fact)),
            _ => {}
        }
    }

    /// The Engine.IO handshake by one transport.
    #[must_use]
    pub fn engine(&self, transport: EngineTransport) -> Option<Seen<'a, EngineFact>> {
        self.engines.iter().find(|seen| seen.fact.transport == transport).copied()
    }

    /// The Engine.IO handshake that users begin with: polling, unless they connect by WebSocket alone.
    #[must_use]
    pub fn first_engine(&self) -> Option<Seen<'a, EngineFact>> {
        let wanted = |transport| self.engine(transport).filter(|seen| seen.fact.wanted);
        wanted(EngineTransport::Polling).or_else(|| wanted(EngineTransport::Websocket))
    }

    /// A session by WebSocket alone that fails where polling works is WebSocket's trouble.
    #[must_use]
    pub fn only_websocket_fails(&self) -> bool {
        let polling = self.engine(EngineTransport::Polling).is_some_and(|seen| is_open(&seen));
        let websocket = self.engine(EngineTransport::Websocket).is_some_and(|seen| !is_open(&seen));
        polling && websocket
    }

    /// The Engine.IO handshake that users begin with, where it failed for a reason that is not WebSocket's alone.
    #[must_use]
    pub fn failed_engine(&self) -> Option<Seen<'a, EngineFact>> {
        let first = self.first_engine().filter(|seen| !is_open(seen) && !self.only_websocket_fails())?;
        if !says_nothing(&first.fact.end) {
            return Some(first);
        }
        // Servers that close an upgrade without a word often say by polling what they don't like.
        let polling = self.engine(EngineTransport::Polling).filter(|seen| !says_nothing(&seen.fact.end));
        Some(polling.filter(|seen| !matches!(seen.fact.end, EngineEnd::Error { code: 0, .. })).unwrap_or(first))
    }

    /// The observations that a session was opened by the transport that users begin with.
    #[must_use]
    pub fn cite_open(&self) -> Vec<String> {
        self.first_engine().filter(is_open).iter().map(|seen| seen.cite()).collect()
    }

    /// The peers that were refused, by whether the namespace was what the gateway didn't like.
    pub fn refusals(&self, for_namespace: bool) -> impl Iterator<Item = (Seen<'a, SocketFact>, &'a str)> {
        let refused = self.sockets.iter().filter_map(|seen| match &seen.fact.end {
            SocketEnd::Refused { message } => Some((*seen, message.as_str())),
            SocketEnd::Connected | SocketEnd::Lost { .. } | SocketEnd::ClosedByServer | SocketEnd::Silent => None,
        });
        refused.filter(move |(_, message)| message.to_ascii_lowercase().contains(INVALID_NAMESPACE) == for_namespace)
    }

    /// The observations that a peer was let in.
    #[must_use]
    pub fn cite_let_in(&self) -> Vec<String> {
        self.sockets.iter().filter(|seen| seen.fact.end == SocketEnd::Connected).map(|seen| seen.cite()).collect()
    }

    /// Whether an address was reached and trusted.
    #[must_use]
    pub fn is_reached(&self) -> bool {
        if self.handshakes.is_empty() {
            return self.connects.iter().any(|seen| seen.fact.reply.succeeded());
        }
        self.handshakes.iter().any(|seen| seen.fact.end == HandshakeEnd::Completed && seen.fact.defects.is_empty())
    }
}

fn says_nothing(end: &EngineEnd) -> bool {
    matches!(end, EngineEnd::Closed | EngineEnd::Silent)
}

/// Whether a handshake opened a session.
#[must_use]
pub fn is_open(seen: &Seen<'_, EngineFact>) -> bool {
    matches!(seen.fact.end, EngineEnd::Open { .. })
}

/// Whether something other than Engine.IO answered, by a page or otherwise, and with which status.
#[must_use]
pub fn foreign_status(seen: &Seen<'_, EngineFact>) -> Option<u16> {
    let is_foreign = matches!(seen.fact.end, EngineEnd::Page | EngineEnd::Foreign);
    seen.fact.status.filter(|_| is_foreign)
}
