//! `ice-relay-forced-without-turn`: the policy allows nothing but the relay, and there is no relay.

use crate::diagnose::call::Attempt;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::fact::PeerFact;
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "ice-relay-forced-without-turn",
        group: Group::Call,
        level: Level::Fail,
        title: "only the relay is allowed, and there is none",
        meaning: "The application sets iceTransportPolicy to relay while no TURN server gives a relay candidate, so that ICE has nothing \
                  to try although direct candidates were there.",
        impact: "Every call fails, also between users who would connect directly: it stays in new, or ends in failed.",
        proof: "The policy is relay, no relay candidate was gathered, and with the policy all there are other candidates, or the call \
                connects.",
        look_alikes: "The TURN server's own fault is the second half of it and stands beside it: mending that mends these calls too.",
        remedy: "Mend the TURN server, or set iceTransportPolicy to all until it works.",
    },
    folds: &["ice-no-relay-candidate", "ice-no-candidates", "ice-no-path"],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    if !evidence.asked().relay_forced() {
        return Judgement::Unknown;
    }
    let attempts = Attempt::all(evidence);
    let forced = || attempts.iter().filter(|attempt| attempt.path.is_relay_only());
    let peers = || forced().flat_map(|attempt| attempt.peers.iter());
    // A call that ended before may have ended before the servers could answer.
    let has_tried = |peer: &PeerFact| peer.gathering_complete || !peer.relay_expected;
    let without: Vec<_> = peers().filter(|peer| peer.fact.gathered.relay == 0 && has_tried(peer.fact)).collect();
    let Some(first) = without.first() else {
        let gathered = peers().filter(|peer| peer.fact.gathered.relay > 0).map(|peer| peer.cite());
        return Judgement::ruled_out_by(gathered.collect());
    };
    let open = attempts.iter().find(|attempt| !attempt.path.is_relay_only() && attempt.connected());
    let withheld = without.iter().any(|peer| peer.fact.withheld.all() > 0);
    let how = match (open, withheld) {
        (Some(_), _) => "with the policy all the same call connects",
        (None, true) => "with the policy all there would be other candidates",
        (None, false) => return Judgement::Unknown,
    };
    let lacks = if first.fact.relay_expected { "no TURN server gives a relay candidate" } else { "no TURN server is configured" };
    Found::new(&RULE.cause, format!("The policy allows only the relay (iceTransportPolicy: relay), and {lacks}; {how}."))
        .confidence(if open.is_some() || !first.fact.relay_expected { Confidence::Certain } else { Confidence::Likely })
        .because(without.iter().map(|peer| peer.cite()))
        .because(open.iter().flat_map(|attempt| attempt.cite()))
        .fix_by(
            Place::Application,
            "Until the TURN server works, allow direct paths as well.",
            "new RTCPeerConnection({ iceServers, iceTransportPolicy: 'all' })",
        )
        .done()
}
