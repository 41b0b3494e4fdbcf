//! What one probe saw. Facts state and never judge; "not probed" is the absence of a fact.

use std::net::{IpAddr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::endpoint::Endpoint;
use super::outcome::{Outcome, Reply, Unreachable};

/// One thing that was seen, with its name and its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Observation {
    /// A name within the report, `o17`, which findings cite.
    pub id: String,
    /// The short name of the probe that saw it.
    pub probe: String,
    /// What was probed: `udp 203.0.113.10:3478`, a host name, an address family.
    pub target: String,
    /// When it was known, in milliseconds since `started_at`.
    pub at_ms: u64,
    /// What was seen.
    pub fact: Fact,
}

impl Observation {
    /// The endpoint that was probed, where the target is one.
    #[must_use]
    pub fn endpoint(&self) -> Option<Endpoint> {
        self.target.parse().ok()
    }
}

/// The kinds of things that are seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Fact {
    /// What the credentials look like, without what they say.
    Credentials(CredentialsFact),
    /// What the resolver says of a name.
    Name(NameFact),
    /// Whether this host can send to an address.
    Route(RouteFact),
    /// How a TCP connection attempt ended.
    Connect(ConnectFact),
    /// How a TLS handshake ended and what the server presented.
    Handshake(HandshakeFact),
    /// A STUN Binding (B-udp, B-tcp, B-tls).
    Binding(BindingFact),
    /// An Allocate without credentials (A0).
    Challenge(ChallengeFact),
    /// An Allocate with credentials (A1).
    Allocation(AllocationFact),
    /// A redirection that was followed or given up.
    Redirect(RedirectFact),
    /// A `CreatePermission` (CP).
    Permission(PermissionFact),
    /// A datagram from outside to a relayed address (IN, IN-alt, and IN again after OUT).
    Inbound(InboundFact),
    /// A datagram through the relay to the outside (OUT).
    Outbound(OutboundFact),
    /// A `ChannelBind` and data over the channel.
    Channel(ChannelFact),
    /// A datagram from a relayed address to itself (RR).
    SelfPair(SelfPairFact),
    /// A paced stream through the relay.
    Stream(StreamFact),
    /// Paced Binding requests on the control path.
    Loss(LossFact),
    /// The end of an allocation (Refresh with LIFETIME 0).
    Release(ReleaseFact),
    /// A control: what this network does to hosts that have nothing to do with the server.
    Control(ControlFact),
    /// An HTTP CONNECT through a proxy of the environment.
    Proxy(ProxyFact),
    /// The time that another host says it is.
    Clock(ClockFact),
}

/// What the credentials look like, without what they say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CredentialsFact {
    /// Where they come from.
    pub source: CredentialsSource,
    /// The expiry stamp in the user name, in seconds since 1970, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
    /// This host's clock at the time, in seconds since 1970.
    pub now: i64,
    /// What is unusual about them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub oddities: Vec<CredentialsOddity>,
}

/// Where credentials come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialsSource {
    /// A user name and a password were given.
    Given,
    /// They were computed from the shared secret on the spot.
    Computed,
}

/// What is unusual about credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialsOddity {
    /// The stamp in the user name is in milliseconds.
    StampInMilliseconds,
    /// The stamp is about now: the time of issue in place of the expiry.
    StampIsIssueTime,
    /// The password of an ephemeral name is not the base64 text of an HMAC.
    PasswordNotBase64Hmac,
    /// The password is the hexadecimal text of an HMAC.
    PasswordIsHex,
    /// The user name has a space.
    NameWithSpace,
    /// The user name has characters beyond ASCII.
    NameNotAscii,
    /// The name or password starts or ends with white space.
    SurroundingSpace,
    /// The password has characters beyond ASCII.
    PasswordNotAscii,
}

/// What the resolver says of a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NameFact {
    /// How the question ended.
    pub answer: NameAnswer,
    /// The addresses, if any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
    /// The host and port that SRV records name, if any (RFC 5928 §3).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
}

/// How a question to the resolver ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NameAnswer {
    /// There are addresses.
    Found,
    /// The name does not exist (NXDOMAIN).
    NotFound,
    /// The name exists and has neither A nor AAAA.
    NoAddress,
    /// No resolver answered, or none could.
    Unavailable,
}

/// Whether this host can send to an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RouteFact {
    /// The local address that would be used; absent without a route.
    pub source: Option<IpAddr>,
}

/// How a TCP connection attempt ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConnectFact {
    /// How it ended.
    pub reply: Reply,
}

/// How a TLS handshake ended and what the server presented.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HandshakeFact {
    /// The name that was asked for (SNI), or the address.
    pub server_name: String,
    /// How the handshake ended.
    pub end: HandshakeEnd,
    /// The negotiated version, `TLSv1.3`.
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
    /// From the start of the handshake to its end, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<f64>,
}

/// How a TLS handshake ended.
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
    /// The server offers nothing newer than TLS 1.1.
    TooOld,
    /// The server answered something that isn't TLS.
    NotTls {
        /// What it looks like.
        speaks: super::outcome::Protocol,
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

/// An Allocate without credentials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChallengeFact {
    /// How it ended; 401 is what a TURN server answers.
    pub reply: Reply,
    /// REALM: absent, empty or a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub realm: Option<String>,
    /// Whether a NONCE came.
    #[serde(default)]
    pub nonce: bool,
    /// SOFTWARE (RFC 8489 §14.14).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software: Option<String>,
    /// ALTERNATE-SERVER of a 300 (RFC 8489 §10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternate: Option<SocketAddr>,
}

/// An Allocate with credentials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AllocationFact {
    /// How it ended.
    pub reply: Reply,
    /// The relayed address (XOR-RELAYED-ADDRESS).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relayed: Option<SocketAddr>,
    /// The client's address as the server sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapped: Option<SocketAddr>,
    /// LIFETIME in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime_s: Option<u32>,
    /// How many times a fresh nonce was demanded (438).
    #[serde(default)]
    pub stale_nonces: u32,
    /// Whether it was made without credentials.
    #[serde(default)]
    pub unauthenticated: bool,
    /// Whether it is one of the extra allocations that sample the relay's ports.
    #[serde(default)]
    pub sample: bool,
    /// Other allocations of this run that were alive at the same time.
    #[serde(default)]
    pub others_alive: u32,
    /// ALTERNATE-SERVER of a 300.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternate: Option<SocketAddr>,
}

/// A redirection to another server (RFC 8489 §10).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RedirectFact {
    /// Where the server sends its clients, in order.
    pub hops: Vec<SocketAddr>,
    /// How it ended.
    pub end: RedirectEnd,
}

/// How a redirection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RedirectEnd {
    /// The last server answers.
    Arrived,
    /// A server was named that had redirected before, or five hops were passed.
    Loop,
    /// The last server does not answer.
    Dead,
}

/// A `CreatePermission` for one address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PermissionFact {
    /// How it ended.
    pub reply: Reply,
    /// The relayed address that the permission is for.
    pub relayed: SocketAddr,
    /// The peer's address.
    pub peer: IpAddr,
    /// Whose address that is.
    pub whose: PeerKind,
}

/// Whose address a permission was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PeerKind {
    /// The client's own, as servers see it.
    Reflexive,
    /// The relay's own.
    Relayed,
}

/// How a datagram reached, or did not reach, a relayed address from outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InboundFact {
    /// The relayed address of the allocation.
    pub relayed: SocketAddr,
    /// The address that the datagram was sent to.
    pub sent_to: SocketAddr,
    /// Which of the ways it is.
    pub way: InboundWay,
    /// Whether it came back as a Data indication.
    pub arrived: bool,
    /// How many datagrams were sent.
    pub sends: u32,
    /// From the first send to the arrival, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<f64>,
    /// The sender's address as the relay saw it (XOR-PEER-ADDRESS).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<SocketAddr>,
    /// The ICMP error that came instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icmp: Option<IcmpFact>,
    /// Whether the allocation is one of the extra ones that sample the relay's ports.
    #[serde(default)]
    pub sample: bool,
}

/// The ways to a relayed address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InboundWay {
    /// Unsolicited, to the relayed address (IN; E1 of the three steps).
    Unsolicited,
    /// Unsolicited, to the server's address and the relayed port (IN-alt).
    Alternative,
    /// To the relayed address, after the relay had sent out (E2 of the three steps).
    Solicited,
}

/// An ICMP error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IcmpFact {
    /// What it says.
    pub reason: Unreachable,
    /// The host that sent it, where the system tells.
    pub from: Option<IpAddr>,
}

/// How a datagram went from the relay to the outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OutboundFact {
    /// The relayed address of the allocation.
    pub relayed: SocketAddr,
    /// The peer that it was sent to.
    pub peer: SocketAddr,
    /// Whether it arrived there.
    pub arrived: bool,
    /// How many were sent.
    pub sends: u32,
    /// Whether the peer's address is the one that the relay itself had seen (in IN).
    pub peer_seen_by_relay: bool,
    /// The address that it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<SocketAddr>,
}

/// A `ChannelBind` and a datagram over the channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelFact {
    /// How the `ChannelBind` ended.
    pub reply: Reply,
    /// Whether a datagram over the channel arrived at the peer; absent where none was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried: Option<bool>,
}

/// A datagram from a relayed address to itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SelfPairFact {
    /// The relayed address.
    pub relayed: SocketAddr,
    /// Whether it came back. This proves nothing about the firewall or the external address.
    pub arrived: bool,
}

/// A paced stream through the relay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StreamFact {
    /// Packets from outside to the relay.
    pub inbound: Tally,
    /// Packets through the relay to the outside.
    pub outbound: Tally,
    /// The size of a packet's payload in bytes.
    pub packet_bytes: usize,
    /// Interarrival jitter (RFC 3550 §6.4.1) of the worse direction, in milliseconds.
    pub jitter_ms: f64,
    /// The round trip through the relay, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<f64>,
    /// What arrived in the worse direction, in kilobits a second.
    pub throughput_kbps: f64,
    /// Whether a longer stream was asked for, so that the throughput is a measurement and not a by-product.
    #[serde(default)]
    pub long: bool,
    /// On a stream transport: the bytes after which the connection took or gave nothing more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stalled_after_bytes: Option<u64>,
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
    /// Requests and answers.
    pub requests: Tally,
    /// The median round trip in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<f64>,
}

/// The end of an allocation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReleaseFact {
    /// How the Refresh with LIFETIME 0 ended.
    pub reply: Reply,
}

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
}

/// The time that another host says it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockFact {
    /// That host's time, in seconds since 1970.
    pub theirs: i64,
    /// This host's time, in seconds since 1970.
    pub ours: i64,
}
