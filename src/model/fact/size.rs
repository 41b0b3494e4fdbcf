//! The largest packet that passes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Requests in packets of many sizes up to 1,500 bytes; sizes are those of whole IP packets, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SizeFact {
    /// The largest size below which all were answered.
    pub passed: u16,
    /// The smallest that was never answered; absent where all were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<u16>,
    /// The largest that the system sends in one piece, by its own link or by a router's word (ICMP "fragmentation needed"), where it tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<u16>,
}
