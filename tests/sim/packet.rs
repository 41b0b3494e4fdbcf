//! What travels through the simulated network: datagrams, and the opening of TCP connections.

use std::net::{IpAddr, SocketAddr};

use callcheck::model::outcome::Unreachable;
use callcheck::proto::raw::MAGIC_COOKIE;

/// The transport protocols of the simulated network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// RFC 768.
    Udp,
    /// RFC 9293; only SYNs are packets here, the bytes flow through a [`super::stream::Pipe`].
    Tcp,
}

/// The routers that a packet may pass where nobody wishes otherwise, as Linux has it.
pub const HOPS: u8 = 64;

/// A datagram, or a SYN.
#[derive(Clone, Debug)]
pub struct Packet {
    pub protocol: Protocol,
    pub source: SocketAddr,
    pub destination: SocketAddr,
    pub payload: Vec<u8>,
    /// Who sent it, for ICMP errors about it.
    pub origin: Origin,
    /// How many routers may pass it on, the last of which drops it.
    pub hops: u8,
    /// What the filters on its way will do to the stream that a SYN opens.
    pub fate: Fate,
}

/// The sender of a packet, in its own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    pub site: SiteId,
    pub local: SocketAddr,
    pub to: SocketAddr,
}

/// A place in the network with one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SiteId(pub usize);

/// What the filters on the way will do to a stream after it opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fate {
    /// Nothing passes any more after so many bytes in one direction.
    pub stalls_after: Option<u64>,
    /// Nothing passes any more after a segment longer than this.
    pub longest_segment: Option<usize>,
    /// Nothing passes when the stream begins like STUN.
    pub drops_stun: bool,
}

/// What became of a packet at a hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    Passed,
    Dropped,
    /// Dropped with an ICMP error, or with a reset for TCP.
    Rejected(Unreachable, Option<IpAddr>),
    /// Dropped because it passed as many routers as it may; the router says so, or keeps silent.
    Expired(Option<IpAddr>),
    /// Sent on to a neighbour.
    Redirected(SiteId, SocketAddr),
}

impl Packet {
    pub fn flow(&self) -> Flow {
        Flow { protocol: self.protocol, near: self.source, far: self.destination }
    }

    /// A datagram from the socket that this one came to, back to its sender.
    pub fn answered(&self, site: SiteId, payload: Vec<u8>) -> Self {
        let origin = Origin { site, local: self.destination, to: self.source };
        Self {
            protocol: Protocol::Udp,
            source: self.destination,
            destination: self.source,
            payload,
            origin,
            hops: HOPS,
            fate: Fate::default(),
        }
    }

    pub fn is_stun(&self) -> bool {
        is_stun(&self.payload)
    }
}

/// Whether bytes begin like a STUN message (RFC 8489 §5).
pub fn is_stun(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| first & 0xC0 == 0) && bytes.get(4..8) == Some(&MAGIC_COOKIE.to_be_bytes())
}

/// A 5-tuple as one side sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flow {
    pub protocol: Protocol,
    pub near: SocketAddr,
    pub far: SocketAddr,
}

impl Flow {
    pub fn reversed(self) -> Self {
        Self { protocol: self.protocol, near: self.far, far: self.near }
    }
}
