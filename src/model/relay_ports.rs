//! What the ports of a relay that were tried come to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fact::PortsBy;
use super::ports::{PortRange, PortSet};

/// What the ports of a relay that were tried come to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RelayPorts {
    /// The address that relays.
    pub address: String,
    /// What answered for the ports.
    pub by: PortsBy,
    /// How many were tried.
    pub tried: u32,
    /// Those that let a datagram in.
    pub open: PortSet,
    /// Those that don't.
    pub closed: PortSet,
    /// How much of the server's range is open; absent where every port was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_share: Option<Share>,
    /// The range that the server seems to use, or uses where every port was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_range: Option<PortRange>,
    /// Whether every port that the server uses was tried.
    pub complete: bool,
}

/// The 95 % interval of a share (Clopper and Pearson), from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Share {
    /// The lower end.
    pub lower: f64,
    /// The upper end.
    pub upper: f64,
}
