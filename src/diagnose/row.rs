//! What a cause is to the explainer: where it can sit, and what it does to readings there. No cause knows another.

use super::reading::{Manner, Reading, State, What};
use crate::model::cause::Group;
use crate::model::endpoint::Transport;
use crate::model::finding::Level;

/// A cause that can be named.
#[derive(Debug)]
pub struct Cause {
    /// The stable public name.
    pub id: &'static str,
    /// The part of a call's way that it belongs to.
    pub group: Group,
    /// What it does to calls, for a bare host.
    pub effect: Effect,
    /// The mechanisms by which it shows.
    pub rows: &'static [Row],
}

/// What a cause does to calls; the level follows from it and from what else works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// They fail where nothing else works.
    Fail,
    /// They fail where nothing else works, and what works at the same address doesn't help.
    FailAll,
    /// They fail for some, or run badly.
    Degrade,
    /// They run badly from this network; the server is none the worse.
    DegradeHere,
    /// They go a long way round from this network, and come through.
    DetourHere,
    /// A closed port that a bare host need not have.
    Optional,
    /// A risk.
    Warn,
    /// Nothing: it only explains.
    Harmless,
    /// Nothing is known of calls from here.
    Open,
}

impl Effect {
    /// The level for a bare host of which nothing else works.
    #[must_use]
    pub fn level(self) -> Level {
        match self {
            Self::Fail | Self::FailAll => Level::Fail,
            Self::Degrade | Self::DegradeHere | Self::DetourHere => Level::Degrade,
            Self::Optional | Self::Warn | Self::Harmless | Self::Open => Level::Warn,
        }
    }
}

/// Where a row can sit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum At {
    /// This host.
    Host,
    /// This network, over one family or both.
    Network,
    /// This network, over IPv6.
    Network6,
    /// A name.
    Name,
    /// The list of servers.
    List,
    /// An address of a server.
    Server,
    /// An IPv6 address of a server that has an IPv4 address by the same name.
    Server6,
    /// An address of a server whose name has another one that answers.
    Sibling,
    /// A port of a server.
    Service,
    /// A port of a server that is listed for STUN alone, beside others that relay.
    StunService,
    /// A relayed address.
    Relay,
    /// A host to compare with.
    Control,
    /// The gateway.
    Gateway,
    /// A peer.
    Peer,
    /// The way between both peers.
    Call,
}

/// One mechanism of a cause.
#[derive(Debug)]
pub struct Row {
    /// Where it can sit.
    pub at: At,
    /// Minus the logarithm of its prior: 1 to 2 for what is said plainly, 3 for common faults, 4 to 5 for rare ones.
    pub cost: f64,
    /// What is broken wherever it was asked; if one of these holds, it is not this.
    pub breaks: &'static [Pattern],
    /// What it explains where it is broken, and what may as well hold.
    pub may: &'static [Pattern],
    /// What must hold.
    pub needs: &'static [Need],
    /// What must be broken.
    pub shows: &'static [Need],
    /// What must have been asked before it is certain.
    pub sure: &'static [What],
    /// The word by which sentences tell this mechanism from the cause's others.
    pub manner: Option<&'static str>,
    /// What it does to calls, where that differs from the cause's other mechanisms.
    pub effect: Option<Effect>,
    /// Whether it is inferred from signs that somebody else may leave too, so that it is never certain.
    pub is_inferred: bool,
}

/// Readings by their question, and by where and how it was asked.
#[derive(Clone, Copy, Debug)]
pub struct Pattern {
    /// The question.
    pub what: What,
    over: Over,
    port: Port,
    manners: &'static [Manner],
}

/// What must hold, or be broken.
#[derive(Clone, Copy, Debug)]
pub struct Need {
    /// Which readings; one of them is enough.
    pub pattern: Pattern,
    /// Whether it must have been asked; else a missing answer only makes the row less plausible.
    pub asked: bool,
}

/// A set of transports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Over(u8);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Port {
    Any,
    Only(u16),
    Except(u16),
    /// The one port that an instance of the row is about.
    That,
    /// The same, if it is this one.
    ThatOnly(u16),
    /// The same, unless it is this one.
    ThatBut(u16),
}

const UDP: u8 = 1;
const TCP: u8 = 2;
const TLS: u8 = 4;
const DTLS: u8 = 8;

const fn bit(transport: Transport) -> u8 {
    match transport {
        Transport::Udp => UDP,
        Transport::Tcp => TCP,
        Transport::Tls => TLS,
        Transport::Dtls => DTLS,
    }
}

/// All readings of a question.
#[must_use]
pub const fn all(what: What) -> Pattern {
    Pattern { what, over: Over(UDP | TCP | TLS | DTLS), port: Port::Any, manners: &[] }
}

impl Pattern {
    /// Over plain UDP alone.
    #[must_use]
    pub const fn udp(self) -> Self {
        Self { over: Over(UDP), ..self }
    }

    /// Over UDP, bare or sealed by DTLS.
    #[must_use]
    pub const fn datagrams(self) -> Self {
        Self { over: Over(UDP | DTLS), ..self }
    }

    /// Over plain TCP alone.
    #[must_use]
    pub const fn tcp(self) -> Self {
        Self { over: Over(TCP), ..self }
    }

    /// Over TCP, bare or below TLS.
    #[must_use]
    pub const fn streams(self) -> Self {
        Self { over: Over(TCP | TLS), ..self }
    }

    /// Over TLS or DTLS.
    #[must_use]
    pub const fn secure(self) -> Self {
        Self { over: Over(TLS | DTLS), ..self }
    }

    /// At one port.
    #[must_use]
    pub const fn port(self, port: u16) -> Self {
        Self { port: Port::Only(port), ..self }
    }

    /// At all ports but one.
    #[must_use]
    pub const fn but_port(self, port: u16) -> Self {
        Self { port: Port::Except(port), ..self }
    }

    /// At the port that the row is about.
    #[must_use]
    pub const fn that_port(self) -> Self {
        Self { port: Port::That, ..self }
    }

    /// At the port that the row is about, which is this one.
    #[must_use]
    pub const fn that_port_only(self, port: u16) -> Self {
        Self { port: Port::ThatOnly(port), ..self }
    }

    /// At the port that the row is about, which is not this one.
    #[must_use]
    pub const fn that_port_but(self, port: u16) -> Self {
        Self { port: Port::ThatBut(port), ..self }
    }

    /// Broken in one of these manners.
    #[must_use]
    pub const fn as_(self, manners: &'static [Manner]) -> Self {
        Self { manners, ..self }
    }

    /// Whether the row is about one port, so that there is one of it for each.
    #[must_use]
    pub fn is_of_a_port(&self) -> bool {
        matches!(self.port, Port::That | Port::ThatOnly(_) | Port::ThatBut(_))
    }

    /// Whether a reading is one of these, in whatever state.
    #[must_use]
    pub fn is_about(&self, reading: &Reading, that_port: Option<u16>) -> bool {
        if self.what != reading.what {
            return false;
        }
        let Some((transport, port)) = reading.endpoint else { return self.port == Port::Any };
        let at_port = match self.port {
            Port::Any => true,
            Port::Only(only) => port == only,
            Port::Except(except) => port != except,
            Port::That => Some(port) == that_port,
            Port::ThatOnly(only) => port == only && Some(port) == that_port,
            Port::ThatBut(except) => port != except && Some(port) == that_port,
        };
        self.over.0 & bit(transport) != 0 && at_port
    }

    /// Whether it is about a question at a service.
    #[must_use]
    pub fn covers(&self, what: What, transport: Transport) -> bool {
        self.what == what && self.over.0 & bit(transport) != 0 && self.port == Port::Any
    }

    /// Whether a reading is one of these, and broken in one of the manners.
    #[must_use]
    pub fn is_broken_by(&self, reading: &Reading, that_port: Option<u16>) -> bool {
        let State::Broken(manner) = reading.state else { return false };
        self.is_about(reading, that_port) && (self.manners.is_empty() || self.manners.contains(&manner))
    }

    /// What must hold, where it was asked.
    #[must_use]
    pub const fn if_asked(self) -> Need {
        Need { pattern: self, asked: false }
    }

    /// What must have been asked, and hold.
    #[must_use]
    pub const fn asked(self) -> Need {
        Need { pattern: self, asked: true }
    }
}

/// A row, to be completed by what follows.
#[must_use]
pub const fn row(at: At, cost: f64, breaks: &'static [Pattern]) -> Row {
    Row { at, cost, breaks, may: &[], needs: &[], shows: &[], sure: &[], manner: None, effect: None, is_inferred: false }
}

impl Row {
    /// What it may break besides.
    #[must_use]
    pub const fn may(self, may: &'static [Pattern]) -> Self {
        Self { may, ..self }
    }

    /// What must hold.
    #[must_use]
    pub const fn needs(self, needs: &'static [Need]) -> Self {
        Self { needs, ..self }
    }

    /// What must be broken.
    #[must_use]
    pub const fn shows(self, shows: &'static [Need]) -> Self {
        Self { shows, ..self }
    }

    /// What must have been asked before it is certain.
    #[must_use]
    pub const fn sure(self, sure: &'static [What]) -> Self {
        Self { sure, ..self }
    }

    /// The word by which sentences tell it from the cause's other mechanisms.
    #[must_use]
    pub const fn manner(self, manner: &'static str) -> Self {
        Self { manner: Some(manner), ..self }
    }

    /// Never certain: others may leave these signs too.
    #[must_use]
    pub const fn inferred(self) -> Self {
        Self { is_inferred: true, ..self }
    }

    /// What it does to calls, where that differs.
    #[must_use]
    pub const fn effect(self, effect: Effect) -> Self {
        Self { effect: Some(effect), ..self }
    }
}
