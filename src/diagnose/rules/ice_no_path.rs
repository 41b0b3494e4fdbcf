//! `ice-no-path`: pairs were checked and none was answered.

use super::relay_untestable_from_here;
use crate::diagnose::evidence::{Evidence, Seen};
use crate::diagnose::rule::{Found, Judgement, Rule, Symptom};
use crate::model::call::Role;
use crate::model::cause::{Cause, Group};
use crate::model::fact::{IceEnd, PairFact, PeerFact};
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "ice-no-path",
        group: Group::Call,
        level: Level::Fail,
        title: "no path between the two sides",
        meaning: "Both sides have candidates and checked them in pairs, and no check was answered.",
        impact: "The call ends as checking, disconnected, failed.",
        proof: "Every pair was checked until the deadline, and none was answered.",
        look_alikes: "Where the TURN server or a network is at fault, that is named instead, with the pairs as evidence.",
        remedy: "Give both sides a relay that works from their networks.",
    },
    folds: &[],
    judge,
};

/// What it is a symptom of.
pub const SYMPTOM: Symptom = Symptom {
    id: RULE.cause.id,
    failures_in: &[
        Group::Names,
        Group::Reach,
        Group::Tls,
        Group::Stun,
        Group::Authentication,
        Group::Allocation,
        Group::Relay,
        Group::Signaling,
    ],
    causes: &[
        "network-blocks-udp",
        "network-blocks-stun",
        "network-allow-list",
        "proxy-only",
        "turn-udp-closed",
        "relay-ports-stateful-only",
        "relay-ports-partly-closed",
        "relay-range-mismatch",
        "packet-loss",
    ],
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let stuck: Vec<_> = evidence.peers().filter(|peer| is_stuck(peer) && had_time(evidence, peer)).collect();
    let Some(peer) = stuck.first() else {
        let connected = evidence.peers().filter(|peer| peer.fact.ice == IceEnd::Connected);
        return Judgement::ruled_out_by(connected.map(|peer| peer.cite()).collect());
    };
    let checked: Vec<&PairFact> = peer.fact.pairs.iter().filter(|pair| pair.sent > 0).collect();
    let summary = format!("No path between the two sides: {} pairs were checked and none answered.", checked.len());
    let found = Found::new(&RULE.cause, summary)
        .confidence(Confidence::Likely)
        .because(stuck.iter().map(|peer| peer.cite()))
        .fix(Place::Application, "Give both sides a TURN server that works from their networks, over TCP and TLS on 443 too.");
    let found = if peer.fact.gathered.relay > 0 && peer.fact.received.relay == 0 {
        let decide = "run callcheck call on the other side too: only this side has a relay candidate";
        found.unless("ice-no-relay-candidate", decide)
    } else {
        found
    };
    let found = doubts(evidence, peer).into_iter().fold(found, |found, (id, decide)| found.unless(id, decide));
    // What can't be told of the relay from here may be what left no path.
    match (relay_untestable_from_here::RULE.judge)(evidence) {
        Judgement::Found(untestable) => {
            untestable.remaining.iter().fold(found, |found, other| found.unless(&other.id, &other.decide)).done()
        }
        Judgement::RuledOut(_) | Judgement::Unknown => found.done(),
    }
}

/// From one side alone: where no check of the other side has come in either, it may not know of this side.
fn doubts(evidence: &Evidence<'_>, peer: &Seen<'_, PeerFact>) -> Vec<(&'static str, &'static str)> {
    let alone = evidence.exchanges().any(|seen| seen.fact.path == peer.fact.path && !seen.fact.sees_both());
    if !alone || peer.fact.pairs.iter().any(|pair| pair.received > 0) {
        return Vec::new();
    }
    let candidates =
        ("candidates-not-forwarded", "run callcheck call on the other side too: it says whether this side's candidates came");
    let answer = ("answer-not-forwarded", "run the caller as callcheck call --role caller too: it says whether the answer came");
    match peer.fact.role {
        Role::Caller => vec![candidates],
        Role::Callee => vec![candidates, answer],
    }
}

/// How long checks go on at least before a call says something of the path, in milliseconds: callcheck's own deadline comes later.
const LONG_ENOUGH_MS: u64 = 4000;

/// Whether the call lasted long enough for a check to be answered.
fn had_time(evidence: &Evidence<'_>, peer: &Seen<'_, PeerFact>) -> bool {
    evidence.lasted(peer.fact.path, peer.fact.described_ms.unwrap_or_default() + LONG_ENOUGH_MS)
}

fn is_stuck(peer: &Seen<'_, PeerFact>) -> bool {
    let fact = peer.fact;
    let asked = fact.pairs.iter().any(|pair| pair.sent > 0);
    let refused = fact.pairs.iter().any(|pair| pair.code.is_some());
    fact.ice == IceEnd::NeverConnected && asked && !refused
}
