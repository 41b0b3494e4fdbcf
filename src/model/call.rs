//! A call as it was seen: the states of both peers, their candidates and pairs, the media, and the signaling between them.
//!
//! Every time counts from the start of the run, for both peers and the signaling alike.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::endpoint::Transport;
use super::verdict::Verdict;

/// The two ends of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It makes the offer.
    Caller,
    /// It answers.
    Callee,
}

impl Role {
    /// The name that a report uses.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Callee => "callee",
        }
    }

    /// The other end.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Caller => Self::Callee,
            Self::Callee => Self::Caller,
        }
    }
}

/// Which candidates an attempt may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Path {
    /// All, as `iceTransportPolicy: all`.
    All,
    /// Relay candidates alone, as `iceTransportPolicy: relay`.
    Relay,
    /// Host candidates alone.
    Host,
    /// Server-reflexive candidates alone: direct, through this network's NAT.
    Srflx,
    /// Relay candidates from a server reached over UDP.
    RelayUdp,
    /// Relay candidates from a server reached over TCP.
    RelayTcp,
    /// Relay candidates from a server reached over TLS.
    RelayTls,
}

impl Path {
    /// The name that a report and the command line use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Relay => "relay",
            Self::Host => "host",
            Self::Srflx => "srflx",
            Self::RelayUdp => "relay-udp",
            Self::RelayTcp => "relay-tcp",
            Self::RelayTls => "relay-tls",
        }
    }

    /// Whether nothing but the relay is left to it.
    #[must_use]
    pub fn is_relay_only(self) -> bool {
        match self {
            Self::Relay | Self::RelayUdp | Self::RelayTcp | Self::RelayTls => true,
            Self::All | Self::Host | Self::Srflx => false,
        }
    }

    /// Whether host candidates may be used.
    #[must_use]
    pub fn includes_host(self) -> bool {
        matches!(self, Self::All | Self::Host)
    }

    /// Whether server-reflexive candidates may be used.
    #[must_use]
    pub fn includes_reflexive(self) -> bool {
        matches!(self, Self::All | Self::Srflx)
    }

    /// Whether a relay candidate of a server that is reached over this transport may be used.
    #[must_use]
    pub fn includes_relay_over(self, transport: Transport) -> bool {
        match self {
            Self::All | Self::Relay => true,
            Self::RelayUdp => transport == Transport::Udp,
            Self::RelayTcp => transport == Transport::Tcp,
            Self::RelayTls => transport == Transport::Tls,
            Self::Host | Self::Srflx => false,
        }
    }
}

/// The kinds of states of a peer connection (W3C WebRTC §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StateKind {
    /// `iceConnectionState`.
    IceConnection,
    /// `connectionState`.
    Connection,
    /// `iceGatheringState`.
    IceGathering,
    /// `signalingState`.
    Signaling,
}

/// One change of a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StateChange {
    /// When, in milliseconds since the start of the run.
    pub at_ms: u64,
    /// Which state.
    pub kind: StateKind,
    /// Its new value, by the W3C's word: `checking`, `connected`.
    pub state: String,
    /// Whether callcheck's own deadline made this change, and not the protocol.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_deadline: bool,
}

/// The types of candidates (RFC 8445 §5.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CandidateKind {
    /// An address of the host itself.
    Host,
    /// The address that a STUN server sees.
    Srflx,
    /// An address learned from a peer's check.
    Prflx,
    /// A relayed address.
    Relay,
}

impl CandidateKind {
    /// The word of SDP (RFC 8839 §5.1).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Srflx => "srflx",
            Self::Prflx => "prflx",
            Self::Relay => "relay",
        }
    }
}

/// A candidate of one peer, gathered or received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Candidate {
    /// Its type.
    pub kind: CandidateKind,
    /// Its address; a host name where it is hidden by mDNS (`.local`).
    pub address: String,
    /// `udp` or `tcp`.
    pub protocol: String,
    /// The transport to the TURN server, of a gathered relay candidate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relay_protocol: Option<Transport>,
    /// The URL of the server that it came from, of a gathered one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// When it was gathered or received, in milliseconds since the start of the run.
    pub at_ms: u64,
    /// Whether a received one names another description than that which was received: browsers refuse such, and no check is sent to it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stale: bool,
}

/// A candidate on its way through signaling, as browsers write it (W3C WebRTC §4.8.2); further keys are passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrickledCandidate {
    /// The candidate in the form of SDP; nothing or an empty text where it says that no more will come.
    #[serde(default)]
    pub candidate: Option<String>,
    /// The media section that it is for.
    #[serde(default)]
    pub sdp_mid: Option<String>,
    /// The number of that section.
    #[serde(default, rename = "sdpMLineIndex")]
    pub sdp_m_line_index: Option<u16>,
}

/// How a pair of candidates ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PairEnd {
    /// It was never checked.
    NotChecked,
    /// Checks went out and none was answered.
    Unanswered,
    /// Checks were due and could not leave: this host refused them, or the relay has no permission for that address.
    Unsendable,
    /// It was answered by an error, whose code is beside it: 401 is a wrong ufrag or password, 487 a role conflict.
    Refused,
    /// A check was answered.
    Succeeded,
    /// It carries the call.
    Selected,
}

/// A pair of candidates with what its checks came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pair {
    /// The local candidate.
    pub local: Candidate,
    /// The remote candidate.
    pub remote: Candidate,
    /// How it ended.
    pub end: PairEnd,
    /// The error code of the last refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// Checks sent.
    pub sent: u32,
    /// Answers to them.
    pub answered: u32,
    /// Checks of the other side that came in on it.
    pub received: u32,
    /// The shortest round trip of a check, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<f64>,
}

/// How DTLS ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DtlsEnd {
    /// ICE never gave it a path.
    #[default]
    NotStarted,
    /// The handshake was under way.
    Unfinished,
    /// It completed.
    Connected,
    /// It failed.
    Failed,
}

/// DTLS as one peer saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Dtls {
    /// How it ended.
    pub end: DtlsEnd,
    /// Datagrams of DTLS sent.
    pub sent: u32,
    /// Datagrams of DTLS received.
    pub received: u32,
    /// The largest datagram of DTLS sent, in bytes.
    pub largest_sent: u32,
    /// The largest one received, in bytes.
    pub largest_received: u32,
    /// When it completed, in milliseconds since the start of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected_ms: Option<u64>,
    /// What the handshake failed over, as far as it is known: `fingerprint`, `role`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// One kind of media in both directions, as one peer saw it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MediaFlow {
    /// RTP packets sent.
    pub packets_sent: u32,
    /// RTP packets received.
    pub packets_received: u32,
    /// Packets missing among those that the other side sent, by their sequence numbers (RFC 3550 §6.4.1).
    pub lost: u32,
    /// Interarrival jitter (RFC 3550 §6.4.1), in milliseconds.
    pub jitter_ms: f64,
    /// When the first packet came, in milliseconds since the start of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_packet_ms: Option<u64>,
}

/// A round trip of a message on the data channel.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoundTrip {
    /// When the message came back, in milliseconds since the start of the run.
    pub at_ms: u64,
    /// How long it took, in milliseconds.
    pub rtt_ms: f64,
}

/// The media of one peer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Media {
    /// Opus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<MediaFlow>,
    /// VP8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<MediaFlow>,
    /// The shortest round trip of a message on the data channel, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_channel_rtt_ms: Option<f64>,
    /// All of them in the order in which they came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub round_trips: Vec<RoundTrip>,
}

/// One peer of a call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Peer {
    /// Its states as they changed.
    pub states: Vec<StateChange>,
    /// Its own candidates.
    pub candidates: Vec<Candidate>,
    /// The other side's candidates, as they were received.
    pub remote_candidates: Vec<Candidate>,
    /// Checks of the other side that name another description than those of this call, or are signed with another password than that of this
    /// side's description.
    #[serde(default)]
    pub stale_checks: u32,
    /// What was checked.
    pub pairs: Vec<Pair>,
    /// The pair that carries the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selected_pair: Option<Pair>,
    /// DTLS.
    pub dtls: Dtls,
    /// The media.
    pub media: Media,
}

impl Peer {
    /// When `iceConnectionState` was first `connected` or `completed`.
    #[must_use]
    pub fn ice_connected_ms(&self) -> Option<u64> {
        self.first(StateKind::IceConnection, &["connected", "completed"])
    }

    /// When `connectionState` was first `connected`.
    #[must_use]
    pub fn connected_ms(&self) -> Option<u64> {
        self.first(StateKind::Connection, &["connected"])
    }

    /// The last value of a state; none before the first change.
    #[must_use]
    pub fn last(&self, kind: StateKind) -> Option<&str> {
        self.states.iter().rev().find(|change| change.kind == kind).map(|change| change.state.as_str())
    }

    fn first(&self, kind: StateKind, values: &[&str]) -> Option<u64> {
        let reached = |change: &&StateChange| change.kind == kind && values.contains(&change.state.as_str());
        self.states.iter().find(reached).map(|change| change.at_ms)
    }
}

/// The directions of a signaling event, from callcheck's own end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// It was emitted.
    Sent,
    /// It came from the gateway.
    Received,
}

/// One event on a signaling connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SignalingEvent {
    /// When, in milliseconds since the start of the run.
    pub at_ms: u64,
    /// Whose connection to the gateway it went over.
    pub from: Role,
    /// Which way.
    pub direction: Direction,
    /// Its name: `call:offer`.
    pub event: String,
    /// The size of its payload as JSON, in bytes.
    pub bytes: u32,
}

/// One candidate path that was tried, with what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PathResult {
    /// Which candidates were allowed.
    pub path: Path,
    /// Whether the call connected with media.
    pub verdict: Verdict,
    /// From the offer to both sides connected, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected_ms: Option<u64>,
    /// The id of the cause where it didn't.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding: Option<String>,
}

/// The call of a run: the attempt that the verdict rests on, and every path that was tried.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Call {
    /// Which candidates that attempt allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Path>,
    /// The caller, where it ran here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<Peer>,
    /// The callee, where it ran here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callee: Option<Peer>,
    /// The signaling of the whole run.
    pub signaling: Vec<SignalingEvent>,
    /// Every path that was tried.
    pub paths: Vec<PathResult>,
}

/// Where a candidate's address is one and no `.local` name.
#[must_use]
pub fn address_of(candidate: &Candidate) -> Option<SocketAddr> {
    candidate.address.parse().ok()
}
