//! `dtls-failed`: ICE connects and DTLS never completes.

use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::call::DtlsEnd;
use crate::model::cause::{Cause, Group};
use crate::model::fact::IceEnd;
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

/// Handshake packets larger than this are lost first where large packets vanish, in bytes.
const LARGE: u32 = 1000;

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let stuck: Vec<_> =
        evidence.peers().filter(|peer| peer.fact.ice == IceEnd::Connected && peer.fact.dtls.end != DtlsEnd::Connected).collect();
    let Some(peer) = stuck.first() else {
        let done = evidence.peers().filter(|peer| peer.fact.dtls.end == DtlsEnd::Connected);
        return Judgement::ruled_out_by(done.map(|peer| peer.cite()).collect());
    };
    let dtls = &peer.fact.dtls;
    let (why, confidence) = match (dtls.trouble.as_deref(), dtls.sent, dtls.received) {
        (Some("fingerprint"), ..) => ("the certificate doesn't fit the fingerprint of the description", Confidence::Certain),
        (Some(trouble), ..) => (trouble, Confidence::Likely),
        (None, 0, 0) => ("neither side begins the handshake: both have a=setup:passive", Confidence::Likely),
        (None, _, 0) => ("none of its packets is answered", Confidence::Likely),
        (None, ..) if dtls.largest_sent > LARGE && dtls.largest_received < LARGE => {
            ("the large packets of the handshake seem to vanish on the way", Confidence::Likely)
        }
        (None, ..) => ("it is under way and doesn't end", Confidence::Likely),
    };
    let found = Found::new(&RULE.cause, format!("ICE connects and the DTLS handshake doesn't complete: {why}."))
        .confidence(confidence)
        .because(stuck.iter().map(|peer| peer.cite()))
        .fix(Place::Application, "Compare a=fingerprint and a=setup in both descriptions as sent and as received.");
    if confidence == Confidence::Certain || dtls.largest_sent <= LARGE {
        found.done()
    } else {
        found.unless("mtu-blackhole", "run callcheck turn on both sides: it sends large packets through the relay").done()
    }
}
