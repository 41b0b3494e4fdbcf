//! What a responder on the server's host says of itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::outcome::Reply;
use crate::model::ports::{PortRange, PortSet};

/// The control exchange with a responder over one transport.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResponderFact {
    /// How it ended; success means that an answer came which the token proves.
    pub reply: Reply,
    /// Whether a TCP connection came about, whatever followed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub connected: bool,
    /// By how many seconds the responder's clock is ahead of this host's, where that is too much for it to answer anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_ahead_s: Option<i64>,
    /// What it serves, where it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serves: Option<ServedPorts>,
}

/// What a responder serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServedPorts {
    /// The range that it was asked to serve.
    pub range: PortRange,
    /// Whether it serves TCP there, beside UDP.
    pub tcp: bool,
    /// The UDP ports of the range that other programs have.
    pub udp_taken: PortSet,
    /// The TCP ports of the range that other programs have.
    pub tcp_taken: PortSet,
    /// How long it goes on, in seconds.
    pub ends_in_s: u32,
}
