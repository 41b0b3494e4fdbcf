//! The relay's data path: in, out, to itself, and a stream.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reach::Tally;
use crate::model::outcome::Unreachable;

/// How a datagram reached, or did not reach, a relayed address from outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InboundFact {
    /// The relayed address of the allocation.
    pub relayed: SocketAddr,
    /// The address that the datagram was sent to.
    pub sent_to: SocketAddr,
    /// Which of the ways it is.
    pub way: InboundWay,
    /// Whether it came back as a Data indication.
    pub arrived: bool,
    /// How many datagrams were sent.
    pub sends: u32,
    /// From the first send to the arrival, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<f64>,
    /// The sender's address as the relay saw it (XOR-PEER-ADDRESS).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<SocketAddr>,
    /// The ICMP error that came instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icmp: Option<IcmpFact>,
    /// Whether the allocation is one of the extra ones that sample the relay's ports.
    #[serde(default)]
    pub sample: bool,
}

/// The ways to a relayed address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InboundWay {
    /// Unsolicited, to the relayed address (IN; E1 of the three steps).
    Unsolicited,
    /// Unsolicited, to the server's address and the relayed port (IN-alt).
    Alternative,
    /// Unsolicited, to the relayed address, with the bytes of a STUN message: whether this network filters those.
    StunLike,
    /// To the relayed address, after the relay had sent out (E2 of the three steps).
    Solicited,
}

/// An ICMP error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IcmpFact {
    /// What it says.
    pub reason: Unreachable,
    /// The host that sent it, where the system tells.
    pub from: Option<IpAddr>,
}

/// How a datagram went from the relay to the outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OutboundFact {
    /// The relayed address of the allocation.
    pub relayed: SocketAddr,
    /// The peer that it was sent to.
    pub peer: SocketAddr,
    /// Whether it arrived there.
    pub arrived: bool,
    /// How many were sent.
    pub sends: u32,
    /// Whether the peer's address is the one that the relay itself had seen (in IN).
    pub peer_seen_by_relay: bool,
    /// The address that it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<SocketAddr>,
}

/// A datagram from a relayed address to itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SelfPairFact {
    /// The relayed address.
    pub relayed: SocketAddr,
    /// Whether it came back. This proves nothing about the firewall or the external address.
    pub arrived: bool,
}

/// A paced stream through the relay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StreamFact {
    /// Packets from outside to the relay.
    pub inbound: Tally,
    /// Packets through the relay to the outside.
    pub outbound: Tally,
    /// Those of the outbound packets that were large, 1,200 bytes as in video.
    #[serde(default)]
    pub large: Tally,
    /// Those of the inbound packets that were as large.
    #[serde(default)]
    pub large_inbound: Tally,
    /// The size of a packet's payload in bytes.
    pub packet_bytes: usize,
    /// Interarrival jitter (RFC 3550 §6.4.1) of the worse direction, in milliseconds.
    pub jitter_ms: f64,
    /// The round trip through the relay, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<f64>,
    /// What arrived in the worse direction, in kilobits a second.
    pub throughput_kbps: f64,
    /// How many packets of both directions were lost in rows of ten or more, as where what is above some rate is dropped.
    #[serde(default)]
    pub lost_in_rows: u32,
    /// Whether a longer stream was asked for, so that the throughput is a measurement and not a by-product.
    #[serde(default)]
    pub long: bool,
    /// On a stream transport: the bytes after which the connection took or gave nothing more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stalled_after_bytes: Option<u64>,
}

/// The shortest distance between two tries of a datagram to a relay; ICMP errors are limited to some per second.
const SHORTEST_DISTANCE: Duration = Duration::from_millis(80);

/// The longest one.
const LONGEST_DISTANCE: Duration = Duration::from_millis(400);

/// The distance between two tries of a datagram to a relay, by the round trip to its server.
#[must_use]
pub fn distance_of_tries(round_trip: Duration) -> Duration {
    (round_trip / 2).clamp(SHORTEST_DISTANCE, LONGEST_DISTANCE)
}

/// What a connection is to carry before it counts as a whole one, in bytes: filters are known that cut after 16 to 20 kilobytes, headers and
/// handshakes counted.
pub const ENOUGH_VOLUME: u64 = 18_000;

/// As many small requests over a connection as bring some tens of kilobytes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VolumeFact {
    /// The requests, and those that were answered.
    pub requests: Tally,
    /// The bytes that the connection has brought since it was opened, those inside TLS where there is TLS.
    pub received_bytes: u64,
    /// Whether it answers nothing more.
    pub stalled: bool,
}
