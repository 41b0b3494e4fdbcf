//! `ice-role-conflict`: both sides claim the same ICE role, and neither yields.

use super::ice_refusals::{accepted, refused_with};
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "ice-role-conflict",
        group: Group::Call,
        level: Level::Fail,
        title: "an ICE role conflict is not resolved",
        meaning: "Both sides are controlling, or both controlled, and the conflict that RFC 8445 §7.3.1.1 resolves stays: checks are \
                  answered with 487 until the end.",
        impact: "No pair is ever nominated: the call stays in checking and fails.",
        proof: "Checks were answered with 487, and no pair connected.",
        look_alikes: "ice-wrong-ufrag: there the answers are 401.",
        remedy: "See to it that exactly one side makes the offer; two offers that cross (glare) end so.",
    },
    folds: &["ice-no-path"],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let refused = refused_with(evidence, 487);
    if refused.is_empty() {
        return Judgement::ruled_out_by(accepted(evidence));
    }
    Found::new(&RULE.cause, "Both sides claim the same ICE role: connectivity checks are answered with 487 until the end.")
        .because(refused.iter().map(|peer| peer.cite()))
        .fix(Place::Application, "See to it that one side offers and the other answers; look for offers that cross each other.")
        .done()
}
