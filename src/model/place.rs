//! Where a cause sits: what is true of one server, address or port says nothing of another.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::call::Role;
use super::endpoint::{Endpoint, Transport};

/// The two families of addresses; a network may carry one of them and not the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

impl Family {
    /// The family of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::Ipv4 } else { Self::Ipv6 }
    }

    /// The name that a person reads.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
        }
    }
}

/// Where a cause sits, or what a reading tells of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Place {
    /// The host that callcheck runs on.
    #[default]
    Host,
    /// The network that callcheck runs in.
    Network {
        /// The family of addresses that it concerns; absent where it concerns both.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        family: Option<Family>,
    },
    /// A host name.
    Name {
        /// The name.
        name: String,
    },
    /// The list of servers and its credentials.
    List,
    /// An address of a server.
    Server {
        /// The address.
        server: IpAddr,
    },
    /// A port of a server over one transport.
    Service {
        /// The server's address.
        server: IpAddr,
        /// The transport.
        transport: Transport,
        /// The port.
        port: u16,
    },
    /// An address from which a server relays.
    Relay {
        /// The address at which the server was asked.
        server: IpAddr,
        /// The address from which it relays.
        relayed: IpAddr,
    },
    /// A host that has nothing to do with the servers and was asked to compare.
    Control {
        /// Its address.
        control: IpAddr,
    },
    /// The signaling server.
    Gateway,
    /// One end of a call.
    Peer {
        /// Which end.
        role: Role,
    },
    /// The way between the two ends of a call.
    Call,
}

impl Place {
    /// The service at an endpoint.
    #[must_use]
    pub fn service(endpoint: Endpoint) -> Self {
        Self::Service { server: endpoint.ip(), transport: endpoint.transport, port: endpoint.address.port() }
    }

    /// The endpoint, where the place is a service.
    #[must_use]
    pub fn endpoint(&self) -> Option<Endpoint> {
        let Self::Service { server, transport, port } = self else { return None };
        Some(Endpoint::new(*transport, (*server, *port).into()))
    }

    /// The address at which a server was asked and the one from which it relays, where the place is a relay.
    #[must_use]
    pub fn relay(&self) -> Option<(IpAddr, IpAddr)> {
        let Self::Relay { server, relayed } = self else { return None };
        Some((*server, *relayed))
    }

    /// The server's address, where the place is at a server.
    #[must_use]
    pub fn server(&self) -> Option<IpAddr> {
        match self {
            Self::Server { server } | Self::Service { server, .. } | Self::Relay { server, .. } => Some(*server),
            Self::Host
            | Self::Network { .. }
            | Self::Name { .. }
            | Self::List
            | Self::Control { .. }
            | Self::Gateway
            | Self::Peer { .. }
            | Self::Call => None,
        }
    }
}

impl std::fmt::Display for Place {
    /// The place in short, as listings have it: `udp 203.0.113.10:3478`.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Host => formatter.write_str("this host"),
            Self::Network { family: None } => formatter.write_str("this network"),
            Self::Network { family: Some(family) } => write!(formatter, "this network ({})", family.title()),
            Self::Name { name } => formatter.write_str(name),
            Self::List => formatter.write_str("the list"),
            Self::Server { server } => server.fmt(formatter),
            Self::Service { server, transport, port } => Endpoint::new(*transport, (*server, *port).into()).fmt(formatter),
            Self::Relay { server, relayed } if server == relayed => write!(formatter, "relay {relayed}"),
            Self::Relay { server, relayed } => write!(formatter, "relay {relayed} of {server}"),
            Self::Control { control } => write!(formatter, "control {control}"),
            Self::Gateway => formatter.write_str("the gateway"),
            Self::Peer { role } => formatter.write_str(role.name()),
            Self::Call => formatter.write_str("the call"),
        }
    }
}
