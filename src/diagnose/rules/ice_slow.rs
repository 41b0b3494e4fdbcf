//! `ice-slow`: the call connects late.

use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "ice-slow",
        group: Group::Call,
        level: Level::Warn,
        title: "the call connects late",
        meaning: "From the offer to the connection more than five seconds pass.",
        impact: "People hang up before they hear each other.",
        proof: "The time from the offer to ICE being connected.",
        look_alikes: "signaling-slow: there the time is spent before the answer arrives.",
        remedy: "Look at what took the time: the signaling, or TURN servers in the list that don't answer.",
    },
    folds: &[],
    judge,
};

/// What connecting may take, in milliseconds.
const SLOW_MS: u64 = 5000;

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let connected: Vec<_> = evidence.peers().filter_map(|peer| Some((peer, peer.fact.ice_connected_ms?))).collect();
    let Some((peer, at)) = connected.iter().max_by_key(|(_, at)| *at) else { return Judgement::Unknown };
    if *at <= SLOW_MS {
        return Judgement::ruled_out_by(connected.iter().map(|(peer, _)| peer.cite()).collect());
    }
    let described = peer.fact.described_ms.unwrap_or_default();
    let what = if described > at / 2 { "until the other side's description was there" } else { "in connectivity checks" };
    let spent = if described > at / 2 { described } else { at - described };
    Found::new(&RULE.cause, format!("The call connects after {at} ms, of which {spent} ms {what}."))
        .because([peer.cite()])
        .fix(Place::Application, "Take servers out of the list that don't answer, and send candidates as they come (trickle).")
        .done()
}
