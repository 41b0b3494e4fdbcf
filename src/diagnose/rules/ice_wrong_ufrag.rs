//! `ice-wrong-ufrag`: connectivity checks are refused for their credentials.

use super::ice_refusals::{accepted, refused_with};
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::fact::{IceEnd, PeerFact};
use crate::model::finding::{Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "ice-wrong-ufrag",
        group: Group::Call,
        level: Level::Fail,
        title: "the ICE credentials belong to another call",
        meaning: "The ice-ufrag and ice-pwd of the description that was received are not those which the other side uses now, or its \
                  candidates are those of another description: one side is still in an earlier call.",
        impact: "The path is fine and the call fails all the same, in checking.",
        proof: "No pair connected, and checks were answered with 401, the other side's checks name another description, or its \
                candidates do, which browsers refuse.",
        look_alikes: "ice-no-path: there nothing answers. offer-altered: a description that was changed on its way ends so, too.",
        remedy: "Look for an old description that is used again: a second offer, a reconnect, two tabs of one account.",
    },
    folds: &["ice-no-path"],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let refused = refused_with(evidence, 401);
    let strange: Vec<_> =
        evidence.peers().filter(|peer| is_checked_by_a_stranger(peer.fact) || gets_stale_alone(peer.fact)).collect();
    let summary = match (refused.first(), strange.first()) {
        (Some(_), _) => {
            "Connectivity checks arrive and are refused with 401: the descriptions belong to different calls.".to_owned()
        }
        (None, Some(peer)) => {
            let other = peer.fact.role.other().name();
            if is_checked_by_a_stranger(peer.fact) {
                format!("The {other}'s connectivity checks name another description than the one that came from it.")
            } else {
                format!("All candidates of the {other} name another description than the one that came from it.")
            }
        }
        (None, None) => return Judgement::ruled_out_by(accepted(evidence)),
    };
    let fails = !refused.is_empty() || strange.iter().any(|peer| peer.fact.ice != IceEnd::Connected);
    Found::new(&RULE.cause, summary)
        .level(if fails { Level::Fail } else { Level::Degrade })
        .because(refused.iter().chain(&strange).map(|peer| peer.cite()))
        .fix(
            Place::Application,
            "Send the description and the candidates of the current peer connection only; look for a second tab or a reconnect.",
        )
        .done()
}

/// Whether the other side checks this one as somebody of another call.
fn is_checked_by_a_stranger(fact: &PeerFact) -> bool {
    fact.stale_checks > 0 && matches!(fact.ice, IceEnd::NeverConnected | IceEnd::NotStarted)
}

/// Whether nothing came but candidates that browsers refuse; what connects then does so by luck.
fn gets_stale_alone(fact: &PeerFact) -> bool {
    fact.stale_candidates > 0 && fact.stale_candidates == fact.received.all()
}
