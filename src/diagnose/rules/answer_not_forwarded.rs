//! `answer-not-forwarded`: the callee answers and the caller never hears of it.

use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::fact::ExchangeFact;
use crate::model::finding::{Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "answer-not-forwarded",
        group: Group::Signaling,
        level: Level::Fail,
        title: "the answer doesn't reach the caller",
        meaning: "The callee has emitted its answer and the gateway doesn't pass it on to the caller: it has forgotten who called, or \
                  sends the answer to somebody else.",
        impact: "The caller stays in new, since it has no remote description; the call ends by the no-answer timer.",
        proof: "The answer was sent on the callee's socket and nothing arrived on the caller's, which stayed connected.",
        look_alikes: "receiver-offline: there the offer never arrived. no-answer-timeout: there the gateway had ended the call before.",
        remedy: "Let the gateway remember the caller's socket of each call and emit the answer to it alone.",
    },
    folds: &["no-answer-timeout"],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let exchanges: Vec<_> = evidence.exchanges().filter(|seen| seen.fact.sees_both()).collect();
    let stuck = exchanges.iter().find(|seen| {
        let fact = seen.fact;
        fact.answer.sent && !fact.answer.received && fact.lost.is_empty() && had_time(fact)
    });
    let Some(seen) = stuck else {
        let arrived = evidence.exchanges().filter(|seen| seen.fact.answer.received);
        return Judgement::ruled_out_by(arrived.map(|seen| seen.cite()).collect());
    };
    Found::new(&RULE.cause, "The answer doesn't reach the caller: the callee sent it, and the gateway passed nothing on.")
        .because([seen.cite()])
        .fix(Place::Signaling, "Forward the answer to the socket that initiated the call: remember it with the call.")
        .done()
}

/// How long an answer may be under way, in milliseconds: an end of the call that comes sooner may have crossed it.
pub const UNDER_WAY_MS: u64 = 1000;

/// Whether the answer had the time to arrive before the gateway ended the call.
#[must_use]
pub fn had_time(fact: &ExchangeFact) -> bool {
    let sent = fact.answer.sent_ms.unwrap_or_default();
    fact.ended.as_ref().is_none_or(|ended| fact.answer.sent && ended.after_ms > sent + UNDER_WAY_MS)
}
