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
    let relays = evidence.relays();
    let twice = relays.iter().enumerate().find_map(|(index, relay)| {
        let other =
            relays[..index].iter().find(|other| other.relayed == relay.relayed && other.allocation != relay.allocation)?;
        Some((relay, other))
    });
    let Some((relay, other)) = twice else { return Judgement::Unknown };
    Found::new(&RULE.cause, format!("Two allocations share the relayed address {}.", relay.relayed))
        .because([other.allocation.to_owned(), relay.allocation.to_owned()])
        .fix_by(Place::Server, "Switch it off unless open ports are scarce.", "#multiplex-peer")
        .done()
}
