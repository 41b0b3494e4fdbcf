//! The way to a server: connections, TLS, STUN, loss.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::outcome::Reply;

/// How a TCP connection attempt ended, or the first message of DTLS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConnectFact {
    /// How it ended.
    pub reply: Reply,
}

/// How a handshake of TLS or DTLS ended and what the server presented.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HandshakeFact {
    /// The name that was asked for (SNI), or the address.
    pub server_name: String,
    /// How the handshake ended.
    pub end: HandshakeEnd,
    /// The negotiated version, `TLSv1.3` or `DTLSv1.2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What is wrong with the chain; empty means that it is trusted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub defects: Vec<CertificateDefect>,
    /// The leaf certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
    /// Whether roots were added to the system's for this run.
    #[serde(default)]
    pub own_roots: bool,
    /// Whether the server asked for a client's certificate (`CertificateRequest`, RFC 8446 §4.3.2), of which browsers have none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asks_certificate: bool,
    /// From the start of the handshake to its end, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<f64>,
}

/// How a handshake of TLS or DTLS ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "end", rename_all = "kebab-case")]
pub enum HandshakeEnd {
    /// It completed, whatever the certificate says.
    Completed,
    /// The server sent an alert.
    Alert {
        /// The alert's name, `handshake_failure`.
        alert: String,
    },
    /// The server offers nothing newer than TLS 1.1 or DTLS 1.0.
    TooOld,
    /// The server answered something that isn't TLS.
    NotTls {
        /// What it looks like.
        speaks: crate::model::outcome::Protocol,
    },
    /// The connection ended in the middle of the handshake.
    Closed,
    /// Nothing came.
    Silent,
    /// The handshake failed on our side.
    Failed {
        /// The library's words.
        why: String,
    },
}

/// What a port speaks that was mute to what belongs there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InsteadFact {
    /// Whether STUN without TLS is answered, where TLS was asked for.
    pub plain: bool,
    /// Whether it speaks as it should once the header of a proxy came first (PROXY protocol, version 2).
    pub behind_header: bool,
}

/// The leaf certificate of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Certificate {
    /// The names and addresses that it is for.
    pub names: Vec<String>,
    /// Who issued it.
    pub issuer: String,
    /// Whether it is its own issuer.
    pub self_signed: bool,
    /// Seconds since 1970 from which it is valid.
    pub not_before: i64,
    /// Seconds since 1970 until which it is valid.
    pub not_after: i64,
    /// Whether it names an address at which its issuer's certificate can be had (RFC 5280 §4.2.2.1).
    #[serde(default)]
    pub names_issuer_address: bool,
    /// How many certificates the server sent.
    pub chain_length: usize,
    /// This host's clock at the time, in seconds since 1970.
    pub now: i64,
}

/// What is wrong with a certificate chain (RFC 5280 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateDefect {
    /// notAfter lies in the past.
    Expired,
    /// notBefore lies in the future.
    NotYetValid,
    /// No subject alternative name fits the host.
    NameMismatch,
    /// The issuer of the last certificate is not among the trusted ones.
    UntrustedIssuer,
    /// The leaf came without the intermediate that issued it.
    ChainIncomplete,
    /// Any other defect.
    Invalid,
}

/// A STUN Binding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BindingFact {
    /// How it ended.
    pub reply: Reply,
    /// The local address of the socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<SocketAddr>,
    /// XOR-MAPPED-ADDRESS, or MAPPED-ADDRESS where that is all there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapped: Option<SocketAddr>,
    /// MAPPED-ADDRESS, where it differs from XOR-MAPPED-ADDRESS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapped_plain: Option<SocketAddr>,
    /// Whether FINGERPRINT was there and did not fit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bad_fingerprint: bool,
    /// RESPONSE-ORIGIN (RFC 5780 §7.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_origin: Option<SocketAddr>,
    /// OTHER-ADDRESS (RFC 5780 §7.4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_address: Option<SocketAddr>,
    /// SOFTWARE (RFC 8489 §14.14).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software: Option<String>,
}

impl BindingFact {
    /// A Binding of which only the end is known.
    #[must_use]
    pub fn of(reply: Reply) -> Self {
        Self {
            reply,
            local: None,
            mapped: None,
            mapped_plain: None,
            bad_fingerprint: false,
            response_origin: None,
            other_address: None,
            software: None,
        }
    }
}

/// How many were sent and how many arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tally {
    /// Sent.
    pub sent: u32,
    /// Arrived.
    pub arrived: u32,
}

impl Tally {
    /// Those that did not arrive.
    #[must_use]
    pub fn lost(self) -> u32 {
        self.sent.saturating_sub(self.arrived)
    }

    /// Both tallies together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { sent: self.sent + other.sent, arrived: self.arrived + other.arrived }
    }
}

/// Paced Binding requests, each sent once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LossFact {
    /// Requests and answers, a thousand requests a second.
    pub requests: Tally,
    /// Where these were lossy, as many as a call's voice sends: fifty a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow: Option<Tally>,
    /// The median round trip in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<f64>,
    /// How unevenly the answers came: interarrival jitter (RFC 3550 §6.4.1) in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter_ms: Option<f64>,
}
