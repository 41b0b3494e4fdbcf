//! `receiver-offline`: the gateway takes the call and nobody gets the offer.

use super::no_answer_timeout::is_early;
use super::signaling_call_refused::speaks_of_absence;
use crate::diagnose::evidence::{Evidence, Seen};
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::fact::{Ended, ExchangeFact};
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "receiver-offline",
        group: Group::Signaling,
        level: Level::Fail,
        title: "the offer reaches nobody",
        meaning: "The gateway accepts the call and doesn't deliver the offer to the receiver: it doesn't see the receiver as connected, \
                  or looks for it in another room, node or namespace.",
        impact: "The caller waits for an answer that can't come; the receiver's phone never rings.",
        proof: "The caller's offer was sent and not refused, and no offer arrives at the receiver's connected socket.",
        look_alikes: "answer-not-forwarded: there the receiver has answered, which only the receiver's side can see. \
                      signaling-call-refused: there the gateway says so itself.",
        remedy: "See to it that the receiver is connected to the same gateway under the account that the chat names; with several nodes, \
                 that they share their rooms through an adapter.",
    },
    folds: &["no-answer-timeout"],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let exchanges: Vec<_> = evidence.exchanges().collect();
    let received: Vec<_> = exchanges.iter().filter(|seen| seen.fact.offer.received || seen.fact.answer.received).collect();
    if !received.is_empty() {
        return Judgement::ruled_out_by(received.iter().map(|seen| seen.cite()).collect());
    }
    let Some(seen) = exchanges.iter().find(|seen| unanswered(seen)) else { return Judgement::Unknown };
    let fix = "See on the gateway whether the receiver's account is connected, and to which node; several nodes need an adapter that \
               they share.";
    if seen.fact.sees_both() {
        let summary =
            "The offer reaches nobody: the gateway took the call, and no offer came to the receiver's connected socket.";
        return Found::new(&RULE.cause, summary).because([seen.cite()]).fix(Place::Signaling, fix).done();
    }
    let found = Found::new(&RULE.cause, "Nobody answers: the gateway took the call, and no answer came.")
        .confidence(Confidence::Possible)
        .because([seen.cite()])
        .fix(Place::Signaling, fix)
        .unless("answer-not-forwarded", "run the receiver as callcheck call --role callee too: it says whether the offer came");
    if seen.fact.ended.is_none() {
        return found.done();
    }
    let decide = "run the receiver as callcheck call --role callee too: it says whether it was about to answer";
    found.unless("no-answer-timeout", decide).done()
}

fn unanswered(seen: &Seen<'_, ExchangeFact>) -> bool {
    let fact = seen.fact;
    // From the caller alone, an end that comes sooner than anybody could answer says nothing of the receiver, unless in so many words.
    let is_silent = |ended: &Ended| is_early(ended) && !speaks_of_absence(&ended.reason);
    let given_up = !fact.sees_both() && fact.ended.as_ref().is_some_and(is_silent);
    fact.offer.sent && fact.refusal.is_none() && fact.lost.is_empty() && !fact.answer.received && !given_up
}
