//! How far datagrams come: a router tells when it drops one that has passed as many routers as it may.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::relay::IcmpFact;

/// The probe of a trace of the own side of a way.
pub const OWN_SIDE_TRACE: &str = "nat-trace";

/// The probe of a trace to a port of the relay, or of a responder.
pub const RELAY_TRACE: &str = "relay-trace";

/// Datagrams to one place, each with another limit of routers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TraceFact {
    /// What the datagrams carried.
    pub carried: Cargo,
    /// The routers that told of a datagram of theirs, by their distance; many never do.
    pub hops: Vec<Hop>,
    /// The largest distance that was asked for.
    pub furthest: u8,
    /// The smallest distance at which the target itself answered, in whatever way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached: Option<u8>,
    /// At how many distances the target itself said that nothing listens there. Hosts say so a few times a second at most: where it is once,
    /// the target may be nearer.
    #[serde(default, skip_serializing_if = "is_none")]
    pub refusals: u32,
    /// The error of somebody on the way who lets none of them pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<IcmpFact>,
}

impl TraceFact {
    /// One that nobody has answered.
    #[must_use]
    pub fn unanswered(carried: Cargo, furthest: u8) -> Self {
        Self { carried, hops: Vec::new(), furthest, reached: None, refusals: 0, rejected: None }
    }

    /// The distance of the target, where it is known and not only that it is no larger.
    #[must_use]
    pub fn distance(&self) -> Option<u8> {
        self.reached.filter(|_| self.refusals != 1)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_none(count: &u32) -> bool {
    *count == 0
}

/// What the datagrams of a trace carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cargo {
    /// Binding requests, so that a filter sees what a call sends.
    Stun,
    /// Random bytes, which no filter takes for anything.
    Noise,
}

/// The probe of connections to a port that is open, which only compare.
pub const COMPARED_CONNECT_TRACE: &str = "control-connect-trace";

/// The probe of connections to a port where none comes about.
pub const CONNECT_TRACE: &str = "connect-trace";

/// TCP connections to one port, the packets of each with another limit of routers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConnectTraceFact {
    /// The largest distance that was asked for.
    pub furthest: u8,
    /// The smallest distance at which a connection was refused. A firewall's reset is signed by the server's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<u8>,
    /// The smallest distance at which a connection was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<u8>,
}

impl ConnectTraceFact {
    /// Whether nobody has said anything of these connections within a distance, neither the host nor a firewall.
    #[must_use]
    pub fn is_beyond(&self, distance: u8) -> bool {
        self.taken.is_none() && self.refused.is_none() && self.furthest >= distance
    }
}

/// A router on the way.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Hop {
    /// Which router it is, counted from 1.
    pub distance: u8,
    /// Its address.
    pub address: IpAddr,
    /// From the datagram to the router's word, in milliseconds.
    pub rtt_ms: f64,
}
