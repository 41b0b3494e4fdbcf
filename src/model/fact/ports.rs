//! The ports of a range, each open, closed or unknown.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reach::Tally;
use crate::model::endpoint::Endpoint;
use crate::model::outcome::{Outcome, Reply, Unreachable};
use crate::model::ports::{PortRange, PortSet};

/// What is known of each port of a range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PortsFact {
    /// What the ports are ports of.
    pub proto: PortProtocol,
    /// What answered for them.
    pub by: PortsBy,
    /// The range in question.
    pub probed: PortRange,
    /// Those at which something from outside arrived.
    pub open: PortSet,
    /// Those at which nothing did, after enough tries.
    pub closed: PortSet,
    /// Those of the closed ones at which something refused: an ICMP error came back, or a TCP reset.
    #[serde(default, skip_serializing_if = "PortSet::is_empty")]
    pub refused: PortSet,
    /// Those that lead to another port of the host, so that they are neither open nor closed.
    #[serde(default, skip_serializing_if = "PortSet::is_empty")]
    pub moved: PortSet,
    /// Those of which nothing is known.
    pub unknown: PortSet,
    /// How often a port was tried before it counted as closed.
    pub tries: u32,
    /// The tries at ports that proved open in the end, a responder's own included, and those that were answered: how lossy the way is.
    pub loss: Tally,
    /// What ended the run through the range before its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<PortsEnd>,
}

/// What ports are ports of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PortProtocol {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
}

impl PortProtocol {
    /// The name that a report and a firewall use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        }
    }
}

/// What answered for the ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PortsBy {
    /// A TURN server, for some ports of its range.
    Samples,
    /// A TURN server, for every port that it gave out.
    Sweep,
    /// A responder on the server's host.
    Responder,
}

/// What ended a run through a range of ports before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum PortsEnd {
    /// The server refused further allocations with this error code: 486, 508.
    Refused {
        /// The code.
        code: u16,
    },
    /// The server answered no more.
    Silent,
    /// The server gives out no port any more that wasn't seen before.
    Repeats,
    /// This host opened no further socket.
    NoSockets,
    /// The run's time was up.
    Deadline,
}

/// What came of a TCP connection or a datagram to a single port.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PortReplyFact {
    /// How it ended.
    pub reply: Reply,
}

/// What a single port's reply says of the way to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PortWay {
    /// Something answers there.
    Open,
    /// The packet reached the host, which has nothing there now.
    ReachedHost,
    /// A filter rejects it, or swallows it while the host answers elsewhere.
    Filtered,
    /// Silence, which a listener that has nothing to say and a filter have in common.
    CantTell,
}

impl PortReplyFact {
    /// What it says of the way to a port of that host.
    ///
    /// A host that answers TCP at all answers each SYN, so silence is a filter's; over UDP only an ICMP error tells.
    #[must_use]
    pub fn way(&self, to: Endpoint, host_answers_tcp: bool) -> PortWay {
        match &self.reply.outcome {
            Outcome::Unreachable { reason: Unreachable::Port, from } if from.is_none_or(|from| from == to.ip()) => {
                PortWay::ReachedHost
            }
            Outcome::Unreachable { .. } => PortWay::Filtered,
            Outcome::Silent if to.transport.is_stream() && host_answers_tcp => PortWay::Filtered,
            Outcome::Silent | Outcome::DeniedLocally | Outcome::NoRoute => PortWay::CantTell,
            Outcome::Success
            | Outcome::Error { .. }
            | Outcome::Closed
            | Outcome::NotStun { .. }
            | Outcome::FromElsewhere { .. }
            | Outcome::Unusable { .. } => PortWay::Open,
        }
    }
}

impl PortWay {
    /// The words that a report uses.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::ReachedHost => "reached the host",
            Self::Filtered => "filtered",
            Self::CantTell => "can't tell",
        }
    }
}
