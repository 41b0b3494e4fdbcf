//! A cause that callcheck can name: a stable id with what is known of it, apart from any run.

use serde::Serialize;

use super::finding::Level;

/// A cause of failing calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// The stable public name.
    pub id: &'static str,
    /// The part of a call's way that it belongs to.
    pub group: Group,
    /// What it does to calls, for a bare host.
    pub level: Level,
    /// The cause in a few words.
    pub title: String,
    /// What it means.
    pub meaning: String,
    /// What it does to calls, in one sentence.
    pub impact: String,
    /// What proves it.
    pub proof: String,
    /// What looks alike, and what tells the two apart.
    pub look_alikes: String,
    /// What mends it.
    pub remedy: String,
}

/// The parts of a call's way, from the name to the relayed media.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// Names and addresses.
    Names,
    /// Reaching the server.
    Reach,
    /// TLS.
    Tls,
    /// STUN and the user's NAT.
    Stun,
    /// TURN authentication.
    Authentication,
    /// TURN allocation.
    Allocation,
    /// The relay's data path.
    Relay,
    /// Signaling.
    Signaling,
    /// ICE, DTLS, media.
    Call,
}

impl Group {
    /// The heading of the group.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Names => "Names and addresses",
            Self::Reach => "Reaching the server",
            Self::Tls => "TLS",
            Self::Stun => "STUN and the user's NAT",
            Self::Authentication => "TURN authentication",
            Self::Allocation => "TURN allocation",
            Self::Relay => "The relay's data path",
            Self::Signaling => "Signaling",
            Self::Call => "ICE, DTLS, media",
        }
    }
}
