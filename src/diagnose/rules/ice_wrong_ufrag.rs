//! `ice-wrong-ufrag`: connectivity checks are refused for their credentials.

use super::ice_refusals::{accepted, refused_with};
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "ice-wrong-ufrag",
        group: Group::Call,
        level: Level::Fail,
        title: "the ICE credentials belong to another call",
        meaning: "Connectivity checks reach the other side and are answered with 401: the ice-ufrag and ice-pwd of the description that \
                  was received are not those which the other side uses now.",
        impact: "The path is fine and the call fails all the same, in checking.",
        proof: "Checks were answered with 401, and no pair connected.",
        look_alikes: "ice-no-path: there nothing answers. offer-altered: a description that was changed on its way ends so, too.",
        remedy: "Look for an old description that is used again: a second offer, a reconnect, two tabs of one account.",
    },
    folds: &["ice-no-path"],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let refused = refused_with(evidence, 401);
    if refused.is_empty() {
        return Judgement::ruled_out_by(accepted(evidence));
    }
    let summary = "Connectivity checks arrive and are refused with 401: the descriptions belong to different calls.";
    Found::new(&RULE.cause, summary)
        .because(refused.iter().map(|peer| peer.cite()))
        .fix(
            Place::Application,
            "Send the description of the current peer connection only; look for a second tab or a reconnect.",
        )
        .done()
}
