//! What a run was asked to test: judging needs it as much as what was seen.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::call::{Path, Role};
use super::endpoint::Transport;
use super::host::Host;

/// What a run was asked to test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Asked {
    /// What the run is for.
    pub purpose: Purpose,
    /// How the servers were named.
    pub form: Form,
    /// The services, before names are resolved.
    pub services: Vec<Service>,
    /// Whether there are credentials.
    pub credentials: bool,
    /// Whether controls were allowed.
    pub controls: bool,
    /// The peers that the relay is for, where they were named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub peers: Vec<IpAddr>,
    /// The longest time that a NAT's mapping was to be left idle, in milliseconds, where its life was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest_idle_ms: Option<u64>,
    /// The call, where one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<AskedCall>,
}

impl Asked {
    /// Whether the call was asked to use nothing but the relay.
    #[must_use]
    pub fn relay_forced(&self) -> bool {
        self.forced().is_some_and(Path::is_relay_only)
    }

    /// Whether a call that fails on this path fails for users, too: a single way that was tried for the matrix alone is theirs only
    /// where it was forced.
    #[must_use]
    pub fn counts(&self, path: Path) -> bool {
        self.forced().is_some() || matches!(path, Path::All | Path::Relay)
    }

    fn forced(&self) -> Option<Path> {
        self.call.as_ref().and_then(|call| call.forced)
    }
}

/// A call that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AskedCall {
    /// The peers that run here.
    pub roles: Vec<Role>,
    /// The path that was forced, where one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forced: Option<Path>,
    /// The paths that were to be attempted, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<Path>,
}

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// `stun`: reachability and the own address.
    Stun,
    /// `turn`: whether calls will work through the relay.
    Turn,
    /// `external-ip`: whether the advertised address is the one that works.
    ExternalIp,
    /// `ports`: which ports of a server are open, its relay's most of all.
    Ports,
    /// `call`: whether two peers connect through the signaling server.
    Call,
}

/// How the servers were named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// A host alone: all usual transports and ports.
    Host,
    /// A host and a port: all transports on that port, none of which is promised.
    HostAndPort,
    /// URIs: exactly these are offered to users.
    Urls,
}

/// One service to test: a host, a port, a transport.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Service {
    /// The host's name or address.
    pub host: Host,
    /// The port; absent where SRV records may name it (RFC 5928 §3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The transport between client and server.
    pub transport: Transport,
    /// Whether it is said to be a TURN server, or a STUN server only.
    pub relay: bool,
}

impl Service {
    /// The port, or the default one of the transport.
    #[must_use]
    pub fn port_or_default(&self) -> u16 {
        self.port.unwrap_or_else(|| self.transport.default_port())
    }
}
