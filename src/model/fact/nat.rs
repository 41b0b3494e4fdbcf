//! What a NAT does to sockets that only its tests use: how it maps them, and what it lets in.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::outcome::Reply;

/// The address outside that a server sees of one socket (RFC 5780 §4.3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MappingFact {
    /// How the Binding ended, or the datagram to a relayed address.
    pub reply: Reply,
    /// The socket's own address.
    pub local: SocketAddr,
    /// The address outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapped: Option<SocketAddr>,
    /// OTHER-ADDRESS (RFC 5780 §7.4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_address: Option<SocketAddr>,
}

/// Whether a datagram from outside comes in to a socket (RFC 5780 §4.4).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FilteringFact {
    /// The socket's own address.
    pub local: SocketAddr,
    /// The address outside that it was sent to.
    pub mapped: SocketAddr,
    /// Where it was to come from.
    pub from: SocketAddr,
    /// What the socket had sent there before.
    pub contact: Contact,
    /// Who sent it.
    pub way: FilteringWay,
    /// How it ended: success where it came, silence where it didn't.
    pub reply: Reply,
}

/// What a socket had sent to the sender of a datagram before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Contact {
    /// Nothing to its address.
    None,
    /// Something to another port of its address.
    Address,
    /// Something to that very address and port.
    AddressAndPort,
}

/// Who sends to a socket from where it has sent nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FilteringWay {
    /// A STUN server, from its other address, by CHANGE-REQUEST (RFC 5780 §7.2).
    ChangeRequest,
    /// The relay.
    Relay,
}

/// A datagram from one socket of this host to the address outside of another (RFC 4787 §6).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HairpinFact {
    /// The address outside that it was sent to.
    pub to: SocketAddr,
    /// Whether it arrived.
    pub arrived: bool,
    /// How many were sent.
    pub sends: u32,
    /// Where it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<SocketAddr>,
}

/// Whether a mapping was still there after a socket had been idle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LifetimeFact {
    /// How long nothing was sent and nothing came, in milliseconds.
    pub idle_ms: u64,
    /// The address outside.
    pub mapped: SocketAddr,
    /// How it was asked.
    pub way: LifetimeWay,
    /// Whether it was there; absent where this way can't tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alive: Option<bool>,
    /// How often it was asked.
    pub sends: u32,
}

/// How it is asked whether a mapping is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LifetimeWay {
    /// Another socket has the server answer to that port (RESPONSE-PORT, RFC 5780 §4.6).
    ResponsePort,
    /// The relay sends there.
    Relay,
    /// The socket asks again for its address outside: another port shows that the mapping was gone, the same one shows it only where
    /// the NAT draws ports.
    SameSocket,
}

/// The allocation from which a NAT was to be tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NatRelayFact {
    /// How the Allocate ended, or what came before it.
    pub reply: Reply,
    /// The relayed address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relayed: Option<SocketAddr>,
}
