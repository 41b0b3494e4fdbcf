//! What other hosts tell: controls, proxies, clocks.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::outcome::{Outcome, Reply};

/// A control.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ControlFact {
    /// What was asked.
    pub control: ControlKind,
    /// How it ended.
    pub reply: Reply,
    /// The client's address as that host sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapped: Option<SocketAddr>,
}

/// The kinds of controls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ControlKind {
    /// A Binding to an unrelated STUN server over UDP.
    Stun,
    /// A DNS question over UDP to the system's resolver.
    Dns,
    /// A TCP connection to port 443 of a control host.
    Tcp,
    /// Another of the usual ports of the server itself: a Binding over UDP, or a TCP connection.
    Port,
    /// A datagram to a high UDP port of the server itself, to provoke an ICMP error.
    HighPort,
}

/// An HTTP CONNECT through a proxy of the environment (RFC 9110 §9.3.6).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProxyFact {
    /// The proxy's host and port.
    pub proxy: String,
    /// The HTTP status of the answer, where one came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How the attempt ended.
    pub outcome: Outcome,
    /// Whether a login was sent along.
    #[serde(default)]
    pub login: bool,
}

/// The end of the name of a probe that went through a proxy.
pub const THROUGH_PROXY: &str = "-through-proxy";

/// The time that another host says it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockFact {
    /// That host's time, in seconds since 1970.
    pub theirs: i64,
    /// This host's time, in seconds since 1970.
    pub ours: i64,
}

/// What answered on one of the web's ports of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WebFact {
    /// The status.
    pub status: u16,
    /// The header Server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The network or proxy that its headers show in front of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub front: Option<String>,
}
