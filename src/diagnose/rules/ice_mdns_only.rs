//! `ice-mdns-only`: the other side's only candidates are hidden by mDNS.

use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::fact::IceEnd;
use crate::model::finding::{Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "ice-mdns-only",
        group: Group::Call,
        level: Level::Degrade,
        title: "only .local candidates come from the other side",
        meaning: "The other side's host candidates are .local names (RFC 8828), which can be resolved in the same local network only, and \
                  it has gathered nothing else.",
        impact: "Calls connect within one local network and fail between two.",
        proof: "All candidates received are .local names.",
        look_alikes: "ice-no-candidates: there nothing came at all.",
        remedy: "Give the application a STUN and a TURN server that work from that side's network.",
    },
    folds: &["ice-no-path"],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let peers: Vec<_> = evidence.peers().filter(|peer| peer.fact.received.all() > 0).collect();
    let hidden = peers.iter().find(|peer| peer.fact.received.mdns == peer.fact.received.all());
    let Some(peer) = hidden else {
        return Judgement::ruled_out_by(peers.iter().map(|peer| peer.cite()).collect());
    };
    let level = if peer.fact.ice == IceEnd::Connected { Level::Degrade } else { Level::Fail };
    let summary = format!("All candidates of the {} are .local names: it has gathered no other.", peer.fact.role.other().name());
    Found::new(&RULE.cause, summary)
        .level(level)
        .because([peer.cite()])
        .fix(Place::Application, "Give the application a STUN and a TURN server which that side reaches.")
        .done()
}
