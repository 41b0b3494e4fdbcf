//! `signaling-slow`: events take long from one peer to the other.

use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "signaling-slow",
        group: Group::Signaling,
        level: Level::Warn,
        title: "the signaling is slow",
        meaning: "Events take more than a second from one peer to the other.",
        impact: "Every call starts late by several times that, and candidates may come after the other side has given up.",
        proof: "The time between an event's sending on one socket and its arrival on the other, both on this host's clock.",
        look_alikes: "A slow network between callcheck and the gateway: the round trip of the connection shows it.",
        remedy: "Look at what the gateway does before it forwards: database queries, push notifications, a busy event loop.",
    },
    folds: &[],
    judge,
};

/// What forwarding may take, in milliseconds.
const SLOW_MS: u64 = 1000;

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let timed = evidence.exchanges().filter_map(|seen| Some((seen, seen.fact.slowest_ms?)));
    let Some((seen, slowest)) = timed.max_by_key(|(_, slowest)| *slowest) else { return Judgement::Unknown };
    if slowest <= SLOW_MS {
        return Judgement::ruled_out_by(vec![seen.cite()]);
    }
    Found::new(&RULE.cause, format!("The gateway takes up to {slowest} ms to forward an event."))
        .because([seen.cite()])
        .fix(Place::Signaling, "Forward first and write to the database afterwards; measure the event loop's delay.")
        .done()
}
