//! How the server helps its clients to test their NAT (RFC 5780): the addresses and ports that it answers from.

use std::net::{IpAddr, SocketAddr};

use super::five_tuple::FiveTuple;
use crate::proto::incoming::Incoming;
use crate::proto::raw::{CHANGE_REQUEST, RESPONSE_PORT};

/// The help that the server offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Discovery {
    /// None.
    #[default]
    None,
    /// It listens at each of these addresses on both ports and answers from any of them. With one address of a family it names another
    /// port of it, as coturn does.
    Offered {
        /// The addresses.
        addresses: Vec<IpAddr>,
        /// The ports.
        ports: [u16; 2],
    },
    /// It names an OTHER-ADDRESS and answers from where it was asked, whatever the client wants.
    Feigned {
        /// What it names.
        other: SocketAddr,
    },
}

impl Discovery {
    /// OTHER-ADDRESS of an answer that was asked for at one of the server's addresses.
    #[must_use]
    pub fn other(&self, server: SocketAddr) -> Option<SocketAddr> {
        match self {
            Self::None => None,
            Self::Offered { addresses, ports } => {
                let is_other = |address: &&IpAddr| address.is_ipv4() == server.is_ipv4() && **address != server.ip();
                let address = addresses.iter().find(is_other).copied().unwrap_or_else(|| server.ip());
                Some(SocketAddr::new(address, other_port(*ports, server)))
            }
            Self::Feigned { other } => Some(*other),
        }
    }

    /// The attributes that must be understood and are, beyond those of every server.
    #[must_use]
    pub fn understands(&self, kind: u16) -> bool {
        match self {
            Self::None => false,
            Self::Offered { .. } | Self::Feigned { .. } => kind == CHANGE_REQUEST || kind == RESPONSE_PORT,
        }
    }

    /// From where and to where an answer goes.
    #[must_use]
    pub fn redirect(&self, tuple: FiveTuple, asked: &Incoming) -> FiveTuple {
        let Self::Offered { ports, .. } = self else { return tuple };
        let mut redirected = tuple;
        if asked.change.port {
            redirected.server.set_port(other_port(*ports, tuple.server));
        }
        if let Some(other) = self.other(tuple.server).filter(|_| asked.change.address) {
            redirected.server.set_ip(other.ip());
        }
        if let Some(port) = asked.response_port {
            redirected.client.set_port(port);
        }
        redirected
    }
}

fn other_port(ports: [u16; 2], server: SocketAddr) -> u16 {
    if server.port() == ports[0] { ports[1] } else { ports[0] }
}
