//! What a TURN server grants: challenges, allocations, permissions, channels.

use std::net::{IpAddr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::outcome::Reply;

/// No server's nonces end sooner, in milliseconds: coturn counts in whole seconds, and a part of one is spent under way.
pub const SHORTEST_NONCE_LIFE_MS: u64 = 900;

/// An Allocate without credentials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChallengeFact {
    /// How it ended; 401 is what a TURN server answers.
    pub reply: Reply,
    /// REALM: absent, empty or a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub realm: Option<String>,
    /// Whether a NONCE came.
    #[serde(default)]
    pub nonce: bool,
    /// SOFTWARE (RFC 8489 §14.14).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software: Option<String>,
    /// ALTERNATE-SERVER of a 300 (RFC 8489 §10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternate: Option<SocketAddr>,
}

/// An Allocate with credentials.
#[expect(clippy::struct_excessive_bools, reason = "each says something of its own, and saved reports have them")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AllocationFact {
    /// How it ended.
    pub reply: Reply,
    /// The relayed address (XOR-RELAYED-ADDRESS).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relayed: Option<SocketAddr>,
    /// The client's address as the server sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapped: Option<SocketAddr>,
    /// This host's own address and port on that flow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<SocketAddr>,
    /// LIFETIME in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime_s: Option<u32>,
    /// How many times a fresh nonce was demanded (438) of a request that was sent once.
    #[serde(default)]
    pub stale_nonces: u32,
    /// Whether it was made without credentials.
    #[serde(default)]
    pub unauthenticated: bool,
    /// Whether it is one of the extra allocations that sample the relay's ports.
    #[serde(default)]
    pub sample: bool,
    /// Whether it was asked for once all others were given back, but for one before it at most.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub calm: bool,
    /// Other allocations of this run that were alive at the same time.
    #[serde(default)]
    pub others_alive: u32,
    /// Whether another allocation of this run had the same relayed address at the same time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shared: bool,
    /// ALTERNATE-SERVER of a 300.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternate: Option<SocketAddr>,
}

/// A redirection to another server (RFC 8489 §10).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RedirectFact {
    /// Where the server sends its clients, in order.
    pub hops: Vec<SocketAddr>,
    /// How it ended.
    pub end: RedirectEnd,
}

/// How a redirection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RedirectEnd {
    /// The last server answers.
    Arrived,
    /// A server was named that had redirected before, or five hops were passed.
    Loop,
    /// The last server does not answer.
    Dead,
}

/// A `CreatePermission` for one address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PermissionFact {
    /// How it ended.
    pub reply: Reply,
    /// The relayed address that the permission is for.
    pub relayed: SocketAddr,
    /// The peer's address.
    pub peer: IpAddr,
    /// Whose address that is.
    pub whose: PeerKind,
}

/// Whose address a permission was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PeerKind {
    /// The client's own, as servers see it.
    Reflexive,
    /// The relay's own.
    Relayed,
    /// That of the other side of a call.
    Remote,
    /// One that the relay is for, as whoever asks has named it.
    Named,
}

/// A `ChannelBind` and a datagram over the channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelFact {
    /// How the `ChannelBind` ended.
    pub reply: Reply,
    /// Whether a datagram over the channel arrived at the peer; absent where none was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried: Option<bool>,
    /// Whether it arrived with other bytes than it was sent with.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub altered: bool,
}

/// The end of an allocation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReleaseFact {
    /// How the Refresh with LIFETIME 0 ended.
    pub reply: Reply,
}
