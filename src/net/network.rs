//! The one seam between callcheck and the world: sockets, names, routes, time of day and randomness.

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::SystemTime;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::model::fact::NameAnswer;
use crate::model::outcome::{Outcome, Unreachable};

/// The world that a run happens in. What the network does is an [`Outcome`], never an error.
#[async_trait(?Send)]
pub trait Network {
    /// The local address that would be used to reach another; `None` without a route.
    fn source(&self, to: IpAddr) -> Option<IpAddr>;

    /// A new UDP socket on a port of its own, able to reach addresses of the same family as `towards`.
    ///
    /// # Errors
    ///
    /// What the system says where it gives none.
    fn bind_udp(&self, towards: IpAddr) -> Result<Rc<dyn Datagrams>, Outcome> {
        self.bind_udp_with(towards, Handling::default())
    }

    /// The same, with a wish how it is bound and its datagrams are handled on the way.
    ///
    /// # Errors
    ///
    /// What the system says where it gives none.
    fn bind_udp_with(&self, towards: IpAddr, handling: Handling) -> Result<Rc<dyn Datagrams>, Outcome>;

    /// The largest packet in bytes that goes to an address in one piece, as far as the system knows: by its own link, or by what a router
    /// told (RFC 1191). `None` where it doesn't say.
    fn path_mtu(&self, to: IpAddr) -> Option<u16>;

    /// A TCP connection. Where nothing answers this does not end by itself: the caller sets the limit.
    async fn connect_tcp(&self, to: SocketAddr) -> Result<Box<dyn Stream>, Outcome> {
        self.connect_tcp_within(to, None).await
    }

    /// The same, with a wish how many routers may pass its packets on ([`Handling::hops`]). A router that tells of one that it has dropped
    /// is an [`Outcome::Unreachable`] without its address.
    async fn connect_tcp_within(&self, to: SocketAddr, hops: Option<u8>) -> Result<Box<dyn Stream>, Outcome>;

    /// The addresses of a name.
    async fn addresses(&self, name: &str) -> Lookup<IpAddr>;

    /// The SRV records of a name, in the order of RFC 2782.
    async fn services(&self, name: &str) -> Lookup<(String, u16)>;

    /// The name servers that the system asks.
    fn name_servers(&self) -> Vec<SocketAddr>;

    /// The time of day.
    fn time_of_day(&self) -> SystemTime;

    /// Fills a buffer with random bytes.
    fn randomize(&self, bytes: &mut [u8]);
}

/// How a socket is bound and its datagrams are handled on the way; by default as the system sees fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Handling {
    /// The routers that may pass them on, the last of which drops them instead: TTL (RFC 791 §3.1), or hop limit (RFC 8200 §3).
    pub hops: Option<u8>,
    /// The local port to use; by default one that is free.
    pub port: Option<u16>,
}

/// A byte stream.
pub trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Stream for T {}

/// A UDP socket that is not connected, so that answers from foreign addresses are seen.
#[async_trait(?Send)]
pub trait Datagrams {
    /// The local address; the IP is unspecified where the system chooses it by route.
    fn local(&self) -> SocketAddr;

    /// Sends a datagram; a full buffer drops it as a network would.
    ///
    /// # Errors
    ///
    /// What the system says where it does not send.
    fn send(&self, bytes: &[u8], to: SocketAddr) -> Result<(), Outcome>;

    /// Waits for what comes next.
    async fn receive(&self) -> Arrival;
}

/// What comes to a UDP socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// A datagram.
    Datagram {
        /// Its source.
        from: SocketAddr,
        /// Its payload.
        bytes: Vec<u8>,
    },
    /// An ICMP error about a datagram that was sent.
    Icmp {
        /// Where that datagram was sent to.
        to: SocketAddr,
        /// What the error says.
        reason: Unreachable,
        /// Who sent the error.
        from: Option<IpAddr>,
    },
    /// A router has dropped a datagram that had passed as many routers as it may.
    Expired {
        /// Where that datagram was sent to.
        to: SocketAddr,
        /// The router.
        from: IpAddr,
    },
    /// The other side has ended the association, which only a socket that carries one tells.
    Closed,
}

/// The answer to a question about a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup<T> {
    /// How the question ended.
    pub answer: NameAnswer,
    /// The records.
    pub records: Vec<T>,
}

impl<T> Lookup<T> {
    /// An answer without records.
    #[must_use]
    pub fn empty(answer: NameAnswer) -> Self {
        Self { answer, records: Vec::new() }
    }
}
