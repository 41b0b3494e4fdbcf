//! The ports of a range, each open, closed or unknown.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Tally;
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
    /// Those of which nothing is known.
    pub unknown: PortSet,
    /// How often a port was tried before it counted as closed.
    pub tries: u32,
    /// The tries at ports that proved open in the end, and those that were answered: how lossy the way is.
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
    /// The run's time was up.
    Deadline,
}
