//! `ice-no-relay-candidate`: a TURN server is configured and gives no candidate.

use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule, Symptom};
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "ice-no-relay-candidate",
        group: Group::Call,
        level: Level::Degrade,
        title: "no relay candidate is gathered",
        meaning: "A TURN server is configured, and gathering ends without a relay candidate of it.",
        impact: "Calls connect only where a direct path exists; users behind strict NATs and firewalls get none.",
        proof: "The peer gathered its candidates with TURN URLs and credentials, and none of type relay came.",
        look_alikes: "It is a symptom: the TURN server's own fault is named instead wherever it is known.",
        remedy: "Mend what the TURN server's own findings say.",
    },
    folds: &[],
    judge,
};

/// What it is a symptom of.
pub const SYMPTOM: Symptom = Symptom {
    id: RULE.cause.id,
    failures_in: &[Group::Names, Group::Reach, Group::Tls, Group::Stun, Group::Authentication, Group::Allocation],
    causes: &["network-blocks-udp", "network-blocks-stun", "proxy-only", "network-allow-list", "turn-udp-closed", "packet-loss"],
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    // A call that ended before may have ended before the servers could answer.
    let expecting: Vec<_> = evidence.peers().filter(|peer| peer.fact.relay_expected && peer.fact.gathering_complete).collect();
    let Some(peer) = expecting.iter().find(|peer| peer.fact.gathered.relay == 0) else {
        return Judgement::ruled_out_by(expecting.iter().map(|peer| peer.cite()).collect());
    };
    let level = if peer.fact.path.is_relay_only() { Level::Fail } else { Level::Degrade };
    Found::new(
        &RULE.cause,
        format!("The {} gathers no relay candidate, although a TURN server is configured.", peer.fact.role.name()),
    )
    .level(level)
    .because(expecting.iter().filter(|peer| peer.fact.gathered.relay == 0).map(|peer| peer.cite()))
    .fix_by(Place::Server, "Ask the TURN server itself what is wrong.", "callcheck turn HOST --user NAME")
    .done()
}
