//! `server-address-blocked`: this network drops everything to the server's address. One network alone never proves it, so the
//! rule never fires: the cause stands in `remaining` of others.

use super::turn_down::refused_by_itself;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::finding::Level;

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "server-address-blocked",
        group: Group::Reach,
        level: Level::Fail,
        title: "this network blocks the server's address",
        meaning: "Everything that is sent to the server's address is dropped on the way, by an operator's block list for instance; from \
                  elsewhere the server answers.",
        impact: "Users in this network can't reach the server by any transport; others can.",
        proof: "All protocols to that address are silent here, and another network reaches it.",
        look_alikes: "turn-down: from one network alone the two look the same.",
        remedy: "Move the server to another address, or have the operator lift the block.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let reached = evidence.endpoints().iter().filter(|endpoint| endpoint.alive() || refused_by_itself(endpoint));
    Judgement::ruled_out_by(reached.flat_map(super::super::endpoint::EndpointEvidence::cite_reachability).collect())
}
