//! `no-answer-timeout`: the gateway ends the call before the answer could arrive.

use super::answer_not_forwarded::had_time;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "no-answer-timeout",
        group: Group::Signaling,
        level: Level::Fail,
        title: "the gateway gives the call up too early",
        meaning: "The gateway's no-answer timer ended the call before the answer was there.",
        impact: "Calls end while the receiver is about to answer, or right after.",
        proof: "The gateway's end event comes before the answer, and callcheck hadn't ended the call.",
        look_alikes: "answer-not-forwarded: there no end comes, or it comes after an answer that was sent in time. receiver-offline: \
                      there the receiver never got the offer, so the timer is right.",
        remedy: "Give the receiver as long as people need to answer, 30 s or more, and stop the timer when the answer arrives.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let early = evidence.exchanges().find_map(|seen| {
        let arrives = seen.fact.answer.sent && had_time(seen.fact);
        let ended = seen.fact.ended.as_ref().filter(|ended| !ended.answered && !arrives)?;
        (seen.fact.refusal.is_none() && seen.fact.lost.is_empty()).then_some((seen, ended))
    });
    let Some((seen, ended)) = early else {
        let arrived = evidence.exchanges().filter(|seen| seen.fact.answer.received);
        return Judgement::ruled_out_by(arrived.map(|seen| seen.cite()).collect());
    };
    let reason = if ended.reason.is_empty() { String::new() } else { format!(" (\"{}\")", ended.reason) };
    let summary = format!("The gateway ended the call after {} ms{reason}, before an answer could arrive.", ended.after_ms);
    let found = Found::new(&RULE.cause, summary)
        .because([seen.cite()])
        .fix(Place::Signaling, "Raise the no-answer timer to 30 s or more, and stop it when the answer arrives.");
    if seen.fact.sees_both() {
        return found.done();
    }
    found
        .confidence(Confidence::Possible)
        .unless("receiver-offline", "run the receiver as callcheck call --role callee too: it says whether the offer came")
        .done()
}
