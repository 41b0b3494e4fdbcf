//! `ice-direct-impossible`: the two networks reach each other through the relay only.

use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::call::{CandidateKind, PairEnd, Path};
use crate::model::cause::{Cause, Group};
use crate::model::fact::{IceEnd, PairFact};
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "ice-direct-impossible",
        group: Group::Call,
        level: Level::Warn,
        title: "only the relay connects these two networks",
        meaning: "Pairs without a relay were checked and none was answered; the call runs through the TURN server.",
        impact: "Calls between these two networks depend on the TURN server, its capacity and its delay.",
        proof: "The selected pair is a relayed one, and every direct pair was checked without an answer.",
        look_alikes: "A call that chose the relay before the direct checks were through.",
        remedy: "Nothing is wrong; see to it that the relay has the capacity.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    for peer in evidence.peers().filter(|peer| peer.fact.path == Path::All && peer.fact.ice == IceEnd::Connected) {
        let Some(selected) = peer.fact.selected() else { continue };
        if !is_relayed(selected) {
            return Judgement::RuledOut(vec![peer.cite()]);
        }
        let direct: Vec<_> = peer.fact.pairs.iter().filter(|pair| !is_relayed(pair) && pair.sent > 0).collect();
        if !direct.is_empty() && direct.iter().all(|pair| pair.end == PairEnd::Unanswered) {
            return Found::new(&RULE.cause, "These two networks reach each other through the relay only.")
                .confidence(Confidence::Likely)
                .because([peer.cite()])
                .fix(Place::Server, "Nothing is wrong; see to it that the relay has the capacity for such calls.")
                .done();
        }
    }
    Judgement::Unknown
}

fn is_relayed(pair: &PairFact) -> bool {
    pair.local == CandidateKind::Relay || pair.remote == CandidateKind::Relay
}
