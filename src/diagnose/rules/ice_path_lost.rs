//! `ice-path-lost`: the call was connected and lost its path.

use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::fact::IceEnd;
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "ice-path-lost",
        group: Group::Call,
        level: Level::Fail,
        title: "a path that worked is lost",
        meaning: "ICE was connected, and the path died during the call: a NAT binding that timed out, a switch of networks, a firewall \
                  that cuts after the handshake, an allocation that was not refreshed.",
        impact: "Calls connect and end after a while as connected, disconnected, failed.",
        proof: "connected came before disconnected or failed, and callcheck hadn't ended the call.",
        look_alikes: "ice-no-path: there connected never came.",
        remedy: "Look at what changed at that moment in the network; restart ICE in the application when disconnected lasts.",
    },
    folds: &["media-none", "media-one-way", "media-lossy"],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let lost: Vec<_> = evidence.peers().filter(|peer| peer.fact.ice == IceEnd::Lost).collect();
    if lost.is_empty() {
        let kept = evidence.peers().filter(|peer| peer.fact.ice == IceEnd::Connected);
        return Judgement::ruled_out_by(kept.map(|peer| peer.cite()).collect());
    }
    Found::new(&RULE.cause, "The call was connected and then lost its path.")
        .confidence(Confidence::Likely)
        .because(lost.iter().map(|peer| peer.cite()))
        .fix(Place::Network, "Look at what the network did at that moment: NAT timeouts, a change of networks, a firewall.")
        .fix(Place::Application, "Restart ICE when disconnected lasts (restartIce()).")
        .done()
}
