//! A call in short, one fact for the signaling of an attempt and one for each peer: what rules judge. The report's `call` has it in full.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::call::{CandidateKind, Dtls, Media, PairEnd, Path, Role};
use crate::model::endpoint::Transport;

/// What went over the signaling in one attempt, as far as callcheck took part in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExchangeFact {
    /// Which candidates the attempt allowed.
    pub path: Path,
    /// The peers that ran here.
    pub roles: Vec<Role>,
    /// The offer's way from the caller to the callee.
    pub offer: Delivery,
    /// The answer's way from the callee to the caller.
    pub answer: Delivery,
    /// The candidates of the caller.
    pub caller_candidates: Forwarded,
    /// The candidates of the callee.
    pub callee_candidates: Forwarded,
    /// The gateway's first refusal, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// The end of the call, where another side than callcheck's ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
    /// Whose connection to the gateway was lost during the attempt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<Role>,
    /// The longest way of an event from one peer to the other, in milliseconds, where both ran here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slowest_ms: Option<u64>,
    /// Events that came in such numbers or sizes that they were dropped.
    #[serde(default)]
    pub dropped: u32,
}

impl ExchangeFact {
    /// Whether nobody ended the call from elsewhere until so many milliseconds after its start.
    #[must_use]
    pub fn lasted(&self, until_ms: u64) -> bool {
        self.ended.as_ref().is_none_or(|ended| ended.after_ms > until_ms)
    }

    /// Whether both peers ran here, so that what one sent can be compared with what the other got.
    #[must_use]
    pub fn sees_both(&self) -> bool {
        self.roles.contains(&Role::Caller) && self.roles.contains(&Role::Callee)
    }
}

/// A description's way through the gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Delivery {
    /// Whether it was sent from here.
    pub sent: bool,
    /// When it was sent, from the call's start, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_ms: Option<u64>,
    /// Whether it was received here.
    pub received: bool,
    /// The first line that differs between the two, line endings aside; the values of secrets are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub altered: Option<String>,
    /// What was received isn't SDP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unusable: Option<String>,
}

/// The candidates of one side that went through the gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Forwarded {
    /// Sent from here.
    pub sent: u32,
    /// Received here.
    pub received: u32,
}

/// What the gateway said against the call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refusal {
    /// Whom it told.
    pub role: Role,
    /// Its words.
    pub message: String,
}

/// The end of a call that callcheck didn't end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ended {
    /// Who was told.
    pub role: Role,
    /// The reason that came with it.
    pub reason: String,
    /// From the call's start, in milliseconds.
    pub after_ms: u64,
    /// Whether the answer had reached the caller by then, or would have been sent by a callee that ran elsewhere.
    pub answered: bool,
}

/// How ICE ended on one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IceEnd {
    /// It never left `new`: no remote description, or no candidates to check.
    NotStarted,
    /// It was checking until the end.
    NeverConnected,
    /// It was connected until the end.
    Connected,
    /// It was connected and lost the path.
    Lost,
}

/// How many candidates of each type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CandidateCounts {
    /// Host candidates with an address.
    pub host: u32,
    /// Host candidates whose address is hidden by mDNS (`.local`).
    pub mdns: u32,
    /// Server-reflexive ones.
    pub srflx: u32,
    /// Relay candidates.
    pub relay: u32,
}

impl CandidateCounts {
    /// All of them.
    #[must_use]
    pub fn all(self) -> u32 {
        self.host + self.mdns + self.srflx + self.relay
    }
}

/// A pair in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PairFact {
    /// The type of the local candidate.
    pub local: CandidateKind,
    /// The transport to its TURN server, where it is a relay candidate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relay_protocol: Option<Transport>,
    /// The type of the remote candidate.
    pub remote: CandidateKind,
    /// Whether a relay candidate and the remote one may be of one server, which hands such packets to itself.
    pub within_server: bool,
    /// How it ended.
    pub end: PairEnd,
    /// The error code of the last refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// Checks sent.
    pub sent: u32,
    /// Checks of the other side that came in on it.
    pub received: u32,
}

/// One peer of an attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PeerFact {
    /// Which candidates the attempt allowed.
    pub path: Path,
    /// Which peer.
    pub role: Role,
    /// Whether relay candidates were expected: a TURN server is configured and the path allows it.
    pub relay_expected: bool,
    /// The own candidates.
    pub gathered: CandidateCounts,
    /// Whether all servers had given theirs, or were waited for in vain.
    pub gathering_complete: bool,
    /// Own candidates that the path didn't allow.
    pub withheld: CandidateCounts,
    /// The other side's candidates, those inside its description included.
    pub received: CandidateCounts,
    /// Where checks of the other side came from that its STUN server had seen under another port: its NAT maps by destination (RFC 4787
    /// §4.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_remapped: Option<SocketAddr>,
    /// Those of them that name another description than that which was received, so that no check is sent to them.
    #[serde(default)]
    pub stale_candidates: u32,
    /// Checks of the other side that name another description than those of this call, or are signed with another password than that of this
    /// side's description.
    #[serde(default)]
    pub stale_checks: u32,
    /// How ICE ended.
    pub ice: IceEnd,
    /// Whether callcheck's own deadline ended the attempt.
    pub by_deadline: bool,
    /// From the call's start to ICE being connected, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ice_connected_ms: Option<u64>,
    /// From the call's start to DTLS being connected too, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected_ms: Option<u64>,
    /// From the call's start until the other side's description was there, in milliseconds; absent where it never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub described_ms: Option<u64>,
    /// The pairs.
    pub pairs: Vec<PairFact>,
    /// DTLS.
    pub dtls: Dtls,
    /// The media.
    pub media: Media,
    /// How long media was sent, in milliseconds.
    pub media_ms: u64,
}

impl PeerFact {
    /// Whether the other side's media arrived, of any kind.
    #[must_use]
    pub fn hears(&self) -> bool {
        self.flows().any(|flow| flow.packets_received > 0)
    }

    /// The kinds of media.
    pub fn flows(&self) -> impl Iterator<Item = &crate::model::call::MediaFlow> {
        self.media.audio.iter().chain(self.media.video.iter())
    }

    /// Whether the call has shown that the own relay carries to an address beyond its server, and back: media went that way, or a check
    /// did and was answered.
    #[must_use]
    pub fn relayed_beyond_server(&self) -> bool {
        let beyond = |pair: &PairFact| pair.local == CandidateKind::Relay && !pair.within_server;
        let answered = |pair: &PairFact| matches!(pair.end, PairEnd::Selected | PairEnd::Succeeded);
        self.ice == IceEnd::Connected && self.hears() && self.pairs.iter().any(|pair| beyond(pair) && answered(pair))
    }

    /// The pair that carries the call.
    #[must_use]
    pub fn selected(&self) -> Option<&PairFact> {
        self.pairs.iter().find(|pair| pair.end == PairEnd::Selected)
    }
}
