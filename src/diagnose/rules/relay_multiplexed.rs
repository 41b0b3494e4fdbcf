//! `relay-multiplexed`: all allocations share one relayed port.

use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "relay-multiplexed",
        group: Group::Relay,
        level: Level::Warn,
        title: "all allocations share one relay port",
        meaning: "The server gives the same relayed address to several allocations and tells their packets apart by the peer \
                  (multiplex-peer in newer coturn).",
        impact: "Two users who talk to the same peer address at once can get each other's packets.",
        proof: "Two live allocations have the same relayed address and port.",
        look_alikes: "A port that is given again after an allocation has ended.",
        remedy: "Switch multiplex-peer off unless open ports are scarce.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let Some(second) = evidence.allocations().find(|seen| seen.fact.shared) else { return Judgement::Unknown };
    let Some(relayed) = second.fact.relayed else { return Judgement::Unknown };
    let both = evidence.allocations().filter(|seen| seen.fact.relayed == Some(relayed));
    Found::new(&RULE.cause, format!("Two allocations share the relayed address {relayed}."))
        .because(both.map(|seen| seen.cite()))
        .fix_by(Place::Server, "Switch it off unless open ports are scarce.", "#multiplex-peer")
        .done()
}
