//! How an exchange with a host ended: a fact about the network, never an error of callcheck.

use std::net::{IpAddr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The end of one request, whatever it asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// A success response came.
    Success,
    /// A STUN error response came.
    Error {
        /// The STUN error code (RFC 8489 §14.8).
        code: u16,
    },
    /// Nothing came within the schedule.
    Silent,
    /// An ICMP error, or a TCP reset in place of a connection, came.
    Unreachable {
        /// What the error says.
        reason: Unreachable,
        /// The host that sent the error, where the system tells.
        from: Option<IpAddr>,
    },
    /// This host itself refused to send (EPERM, EACCES).
    DeniedLocally,
    /// This host has no route or no address of that family.
    NoRoute,
    /// The connection ended before an answer.
    Closed,
    /// Something answered that doesn't speak STUN.
    NotStun {
        /// What it looks like.
        speaks: Protocol,
    },
    /// An answer came from another address than the one asked (only seen on UDP).
    FromElsewhere {
        /// The address that answered.
        from: SocketAddr,
    },
    /// An answer came that can't be used.
    Unusable {
        /// What is wrong with it.
        defect: Defect,
    },
}

/// What an ICMP error or a TCP reset says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unreachable {
    /// ICMP port unreachable, or a TCP reset: nothing listens.
    Port,
    /// ICMP host unreachable.
    Host,
    /// ICMP network unreachable.
    Network,
    /// ICMP "administratively prohibited": a filter says so.
    Prohibited,
    /// Any other ICMP error.
    Other,
}

/// What an answer that isn't STUN looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// A line such as `HTTP/1.1 400`.
    Http,
    /// A TLS record where plain text was expected.
    Tls,
    /// An SSH banner.
    Ssh,
    /// Anything else.
    Other,
}

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Defect {
    /// MESSAGE-INTEGRITY is missing or does not fit.
    Integrity,
    /// FINGERPRINT does not fit.
    Fingerprint,
    /// The message can't be decoded: truncated, oversized, or malformed attributes.
    Malformed,
    /// The transaction id is not ours.
    Transaction,
    /// A success response lacks what makes it one (an address, say).
    Incomplete,
    /// The server demands an attribute that callcheck doesn't know (RFC 8489 §6.3.1).
    UnknownAttribute,
}

/// One request's end with its cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reply {
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// How often the request was sent.
    pub sends: u32,
    /// From the first send to the answer, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<f64>,
    /// Answers that were thrown away on the way to this end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strays: Vec<Stray>,
}

impl Reply {
    /// A request that never left, or whose end has no time.
    #[must_use]
    pub fn unsent(outcome: Outcome) -> Self {
        Self { outcome, sends: 0, rtt_ms: None, strays: Vec::new() }
    }

    /// Whether a success response came.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.outcome == Outcome::Success
    }

    /// The STUN error code, where one came.
    #[must_use]
    pub fn code(&self) -> Option<u16> {
        if let Outcome::Error { code } = self.outcome { Some(code) } else { None }
    }

    /// Whether any valid STUN answer came.
    #[must_use]
    pub fn answered(&self) -> bool {
        self.succeeded() || self.code().is_some()
    }

    /// Whether nothing at all came, although it was asked often enough to count (three sends on UDP).
    #[must_use]
    pub fn silent(&self) -> bool {
        self.outcome == Outcome::Silent
    }
}

/// Answers that were not accepted, by what was wrong with them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stray {
    /// What was wrong.
    pub defect: StrayKind,
    /// How many of them came.
    pub count: u32,
    /// Where the last one came from.
    pub from: Option<SocketAddr>,
}

/// Why an answer was thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StrayKind {
    /// It came from another address than the one asked.
    ForeignSource,
    /// Its transaction id is not one of ours.
    WrongTransaction,
    /// It is not a well-formed STUN message.
    Malformed,
    /// Its MESSAGE-INTEGRITY is missing or does not fit.
    BadIntegrity,
    /// Its FINGERPRINT does not fit.
    BadFingerprint,
    /// It is not STUN at all.
    NotStun,
}
