//! What tells the clients of the server apart: each has a 5-tuple of its own.

use std::net::SocketAddr;

use crate::model::endpoint::Transport;

/// A client's connection to the server (RFC 8656 §3: the 5-tuple).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FiveTuple {
    /// How the client reaches the server.
    pub transport: Transport,
    /// The client, as the server sees it.
    pub client: SocketAddr,
    /// The server's own address, as the client asked it.
    pub server: SocketAddr,
}
