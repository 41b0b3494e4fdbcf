//! `ice-no-candidates`: a side offers nothing to check.

use super::candidates_not_forwarded::had_time;
use crate::diagnose::evidence::{Evidence, Seen};
use crate::diagnose::rule::{Found, Judgement, Rule, Symptom};
use crate::model::cause::{Cause, Group};
use crate::model::fact::{ExchangeFact, PeerFact};
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "ice-no-candidates",
        group: Group::Call,
        level: Level::Fail,
        title: "a side has no candidates",
        meaning: "An offer or answer came without candidates, and none came after it.",
        impact: "ICE has nothing to check: iceConnectionState stays new, for ever, and no error is shown.",
        proof: "A side gathered no candidate, or the other one received its description and not a single candidate.",
        look_alikes: "candidates-not-forwarded: there they were sent and got lost in the gateway; from one side alone it looks the same.",
        remedy: "Look at what keeps that side from gathering: a policy that allows nothing, no network, permissions, a VPN.",
    },
    folds: &[],
    judge,
};

/// What it is a symptom of: where only the relay is allowed, the TURN server's fault.
pub const SYMPTOM: Symptom = Symptom { id: RULE.cause.id, ..super::ice_no_relay_candidate::SYMPTOM };

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let peers: Vec<Seen<'_, PeerFact>> = evidence.peers().collect();
    // A call that ended before may have ended before anything was gathered.
    let is_bare = |peer: &PeerFact| peer.gathered.all() == 0 && peer.gathering_complete && peer.described_ms.is_some();
    if let Some(peer) = peers.iter().find(|peer| is_bare(peer.fact)) {
        let path = peer.fact.path;
        let summary = format!("The {} gathers no candidate at all (path {}).", peer.fact.role.name(), path.name());
        let found = Found::new(&RULE.cause, summary).because([peer.cite()]);
        let advice = "Look at that side's network interfaces, its VPN, and at iceTransportPolicy.";
        return found.fix(Place::Client, advice).done();
    }
    let starved = peers.iter().find(|peer| {
        let waited_alone = |exchange: &ExchangeFact| !exchange.sees_both() && had_time(exchange, peer.fact);
        let alone = evidence.exchanges().any(|seen| seen.fact.path == peer.fact.path && waited_alone(seen.fact));
        alone && peer.fact.described_ms.is_some() && peer.fact.received.all() == 0
    });
    let Some(peer) = starved else {
        let received = peers.iter().filter(|peer| peer.fact.received.all() > 0);
        return Judgement::ruled_out_by(received.map(|peer| peer.cite()).collect());
    };
    Found::new(&RULE.cause, format!("The {} sends no candidate.", peer.fact.role.other().name()))
        .confidence(Confidence::Possible)
        .because([peer.cite()])
        .unless("candidates-not-forwarded", "look at the other side: does it emit candidates (chrome://webrtc-internals)?")
        .done()
}
