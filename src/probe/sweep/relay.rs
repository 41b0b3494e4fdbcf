//! The relay that is swept: what the main allocation has shown of it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::model::endpoint::Endpoint;
use crate::probe::outside::Peer;
use crate::proto::authentication::LongTerm;

/// A server whose ports are swept, as the main allocation has shown it.
pub struct Relay<'a> {
    /// Its endpoint, over UDP.
    pub endpoint: Endpoint,
    /// What its requests are signed with, but for the nonce.
    pub signed: &'a LongTerm,
    /// A relayed address that it has given out.
    pub relayed: SocketAddr,
    /// An own socket outside to which no relayed address has sent anything: a firewall with a memory lets in whoever was answered.
    pub outside: &'a Peer,
    /// Its address, as the relay sees it.
    pub peer: IpAddr,
    /// The round trip to it.
    pub round_trip: Duration,
}
