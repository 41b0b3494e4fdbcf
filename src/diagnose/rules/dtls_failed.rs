//! `dtls-failed`: ICE connects and DTLS never completes.

use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::call::{Dtls, DtlsEnd};
use crate::model::cause::{Cause, Group};
use crate::model::fact::{IceEnd, PeerFact};
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "dtls-failed",
        group: Group::Call,
        level: Level::Fail,
        title: "ICE connects and DTLS doesn't",
        meaning: "A path was found, and the DTLS handshake over it never completes: a fingerprint that doesn't fit, both sides waiting \
                  for the other, large handshake packets that vanish, or a filter.",
        impact: "connectionState stays in connecting, or ends in failed, while iceConnectionState says connected.",
        proof: "ICE was connected on both sides and the DTLS handshake was not complete by the deadline.",
        look_alikes: "media-none: there DTLS is complete. offer-altered: a fingerprint that was changed on its way ends so.",
        remedy: "Look at a=fingerprint and a=setup of both descriptions, and at the largest packets that pass.",
    },
    folds: &["media-none", "media-one-way"],
    judge,
};

/// The flights that carry a certificate are larger than this, in bytes; callcheck's own have some 700.
const LARGE: u32 = 500;

/// Hellos and alerts are smaller than this, in bytes.
const SMALL: u32 = 300;

/// How long a handshake that is under way may take, in milliseconds: a lost packet is sent again after one second (RFC 6347 §4.2.4.1).
const UNDER_WAY_MS: u64 = 2000;

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let is_stuck = |peer: &PeerFact| peer.ice == IceEnd::Connected && peer.dtls.end != DtlsEnd::Connected;
    let stuck: Vec<_> = evidence.peers().filter(|peer| is_stuck(peer.fact) && had_time(evidence, peer.fact)).collect();
    let reasons = stuck.iter().map(|peer| reason(&peer.fact.dtls));
    let Some(reason) = reasons.min() else {
        let done = evidence.peers().filter(|peer| peer.fact.dtls.end == DtlsEnd::Connected);
        return Judgement::ruled_out_by(done.map(|peer| peer.cite()).collect());
    };
    let (why, confidence) = match &reason {
        Reason::Fingerprint => ("the certificate doesn't fit the fingerprint of the description", Confidence::Certain),
        Reason::Trouble(trouble) => (trouble.as_str(), Confidence::Likely),
        Reason::LargeVanish => ("the large packets of the handshake seem to vanish on the way", Confidence::Likely),
        Reason::Unanswered => ("none of its packets is answered", Confidence::Likely),
        Reason::UnderWay => ("it is under way and doesn't end", Confidence::Likely),
        Reason::NotBegun => ("neither side begins the handshake: both have a=setup:passive", Confidence::Likely),
    };
    let found = Found::new(&RULE.cause, format!("ICE connects and the DTLS handshake doesn't complete: {why}."))
        .confidence(confidence)
        .because(stuck.iter().map(|peer| peer.cite()))
        .fix(Place::Application, "Compare a=fingerprint and a=setup in both descriptions as sent and as received.");
    if reason == Reason::LargeVanish {
        found.unless("mtu-blackhole", "run callcheck turn on both sides: it sends large packets through the relay").done()
    } else {
        found.done()
    }
}

/// Why a handshake doesn't complete; what says more comes first, since of two ends one often sees less.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    Fingerprint,
    Trouble(String),
    LargeVanish,
    Unanswered,
    UnderWay,
    NotBegun,
}

fn reason(dtls: &Dtls) -> Reason {
    match (dtls.trouble.as_deref(), dtls.sent, dtls.received) {
        (Some("fingerprint"), ..) => Reason::Fingerprint,
        (Some(trouble), ..) => Reason::Trouble(trouble.to_owned()),
        (None, 0, 0) => Reason::NotBegun,
        (None, _, 0) => Reason::Unanswered,
        // The other side repeats its hello, as if the flight with the certificate had never come.
        (None, ..) if dtls.largest_sent > LARGE && dtls.largest_received < SMALL => Reason::LargeVanish,
        (None, ..) => Reason::UnderWay,
    }
}

/// Whether the call lasted long enough for the handshake, or the handshake itself has failed.
fn had_time(evidence: &Evidence<'_>, peer: &PeerFact) -> bool {
    peer.dtls.trouble.is_some() || evidence.lasted(peer.path, peer.ice_connected_ms.unwrap_or_default() + UNDER_WAY_MS)
}
