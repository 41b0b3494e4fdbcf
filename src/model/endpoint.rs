//! One place where a server can be reached: a transport and a socket address.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The transport between the client and the server (RFC 8656 §3.1).
///
/// It concerns this leg alone: the relayed side of an allocation is UDP whatever the client uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// UDP, port 3478 by default.
    Udp,
    /// TCP, port 3478 by default.
    Tcp,
    /// TLS over TCP, port 5349 by default.
    Tls,
    /// DTLS over UDP (RFC 7350), port 5349 by default.
    Dtls,
}

impl Transport {
    /// The name that a report uses.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Dtls => "dtls",
        }
    }

    /// The name that a person reads.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Dtls => "DTLS",
        }
    }

    /// The port registered for TURN and STUN over this transport (RFC 8489 §18.6, RFC 8656 §18.7, RFC 7350 §3).
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 3478,
            Self::Tls | Self::Dtls => 5349,
        }
    }

    /// Whether the transport is a byte stream.
    #[must_use]
    pub fn is_stream(self) -> bool {
        match self {
            Self::Udp | Self::Dtls => false,
            Self::Tcp | Self::Tls => true,
        }
    }

    /// Whether the server has to show a certificate.
    #[must_use]
    pub fn is_secure(self) -> bool {
        match self {
            Self::Udp | Self::Tcp => false,
            Self::Tls | Self::Dtls => true,
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A transport and a socket address, written `udp 203.0.113.10:3478`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// How it is reached.
    pub transport: Transport,
    /// Where it is.
    pub address: SocketAddr,
}

impl Endpoint {
    /// Joins a transport and an address.
    #[must_use]
    pub fn new(transport: Transport, address: SocketAddr) -> Self {
        Self { transport, address }
    }

    /// The server's IP address.
    #[must_use]
    pub fn ip(self) -> IpAddr {
        self.address.ip()
    }

    /// The name that a person reads, `UDP 203.0.113.10:3478`.
    #[must_use]
    pub fn title(self) -> String {
        format!("{} {}", self.transport.title(), self.address)
    }

    /// The form in which a report lists contacted hosts, `203.0.113.10:3478/udp`.
    #[must_use]
    pub fn contact(self) -> String {
        let protocol = if self.transport.is_stream() { "tcp" } else { "udp" };
        format!("{}/{protocol}", self.address)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.transport, self.address)
    }
}

/// The text is not an endpoint.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not an endpoint: {0:?}")]
pub struct InvalidEndpoint(String);

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidEndpoint(text.to_owned());
        let (transport, address) = text.split_once(' ').ok_or_else(invalid)?;
        let transport = match transport {
            "udp" => Transport::Udp,
            "tcp" => Transport::Tcp,
            "tls" => Transport::Tls,
            "dtls" => Transport::Dtls,
            _ => return Err(invalid()),
        };
        Ok(Self { transport, address: address.parse().map_err(|_| invalid())? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_survives_its_text_form() {
        for text in ["udp 203.0.113.10:3478", "tls [2001:db8::1]:5349", "dtls 203.0.113.10:5349"] {
            let endpoint: Endpoint = text.parse().expect("a valid endpoint");
            assert_eq!(endpoint.to_string(), text);
        }
        assert!("sctp 203.0.113.10:3478".parse::<Endpoint>().is_err());
    }
}
