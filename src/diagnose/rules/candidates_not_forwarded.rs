//! `candidates-not-forwarded`: candidates get lost between the peers.

use super::answer_not_forwarded::UNDER_WAY_MS;
use crate::diagnose::call::Attempt;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::call::DtlsEnd;
use crate::model::cause::{Cause, Group};
use crate::model::fact::{ExchangeFact, Forwarded, PeerFact};
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "candidates-not-forwarded",
        group: Group::Signaling,
        level: Level::Fail,
        title: "candidates don't reach the other side",
        meaning: "One side has emitted candidates and the other one got fewer: the gateway drops them, sends them to the wrong side, or \
                  forgets those that come before the answer.",
        impact: "ICE has nothing to check, or lacks the relay candidates that would have worked: the call stays in checking and fails.",
        proof: "The candidates sent on one socket and those received on the other differ in number.",
        look_alikes: "ice-no-candidates: there nothing was gathered, so there was nothing to send. From one side alone the two look \
                      the same.",
        remedy: "Forward every candidate to the other member of the call, from the moment the call is initiated.",
    },
    folds: &["ice-no-candidates", "ice-no-path"],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let mut attempts = Attempt::all(evidence);
    // One that failed for want of them weighs more than one that connected all the same.
    attempts.sort_by_key(Attempt::connected);
    let mut complete = Vec::new();
    for attempt in &attempts {
        let Some(exchange) = attempt.exchange.filter(|seen| seen.fact.sees_both() && seen.fact.answer.received) else { continue };
        if !exchange.fact.lost.is_empty() {
            continue;
        }
        let ways = [("caller", exchange.fact.caller_candidates), ("callee", exchange.fact.callee_candidates)];
        let lacking: Vec<String> = ways.iter().filter(|(_, way)| lacks(*way)).map(|(from, way)| in_words(from, *way)).collect();
        if lacking.is_empty() {
            complete.push(exchange.cite());
            continue;
        }
        let level = if attempt.connected() { Level::Degrade } else { Level::Fail };
        let summary = format!("Candidates get lost in the gateway: {}.", lacking.join(", "));
        return Found::new(&RULE.cause, summary)
            .level(level)
            .because(attempt.cite())
            .fix(
                Place::Signaling,
                "Forward every candidate event to the other member of the call, in both directions, from its start.",
            )
            .done();
    }
    alone(evidence).unwrap_or_else(|| Judgement::ruled_out_by(complete))
}

/// From one side alone: a description came, and no candidate after it or inside it. Where this side finds none either, with the same
/// servers and only the relay allowed, the other side has no more to send.
fn alone(evidence: &Evidence<'_>) -> Option<Judgement> {
    let exchange = evidence.exchanges().find(|seen| !seen.fact.sees_both())?;
    let peer = evidence.peers().find(|peer| peer.fact.path == exchange.fact.path)?;
    if peer.fact.described_ms.is_none() || peer.fact.received.all() > 0 || !exchange.fact.lost.is_empty() {
        return None;
    }
    if peer.fact.path.is_relay_only() && peer.fact.gathered.relay == 0 || !had_time(exchange.fact, peer.fact) {
        return None;
    }
    let level = if peer.fact.dtls.end == DtlsEnd::Connected { Level::Degrade } else { Level::Fail };
    // Where only the relay is allowed, the other side's network may leave it none.
    let confidence = if peer.fact.path.is_relay_only() { Confidence::Possible } else { Confidence::Likely };
    let summary = format!("No candidate of the {} arrives, although its description did.", peer.fact.role.other().name());
    let found = Found::new(&RULE.cause, summary)
        .level(level)
        .confidence(confidence)
        .because([exchange.cite(), peer.cite()])
        .unless("ice-no-candidates", "look at the other side: does it gather candidates at all (chrome://webrtc-internals)?")
        .fix(
            Place::Signaling,
            "Forward every candidate event to the other member of the call, in both directions, from its start.",
        );
    Some(found.done())
}

/// Whether candidates of the other side had the time to come before the call ended.
#[must_use]
pub fn had_time(exchange: &ExchangeFact, peer: &PeerFact) -> bool {
    exchange.refusal.is_none() && exchange.lasted(peer.described_ms.unwrap_or_default() + UNDER_WAY_MS)
}

fn lacks(way: Forwarded) -> bool {
    way.received < way.sent
}

fn in_words(from: &str, way: Forwarded) -> String {
    format!("{} of {} of the {from}'s arrive", way.received, way.sent)
}
