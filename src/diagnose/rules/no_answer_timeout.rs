//! `no-answer-timeout`: the gateway ends the call before the answer could arrive.

use super::answer_not_forwarded::{UNDER_WAY_MS, had_time};
use crate::diagnose::evidence::{Evidence, Seen};
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::fact::{Ended, ExchangeFact};
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

/// What to change.
const FIX: &str = "Raise the no-answer timer to 30 s or more, and stop it when the answer arrives.";

/// An end of the call that comes sooner than this, in milliseconds, leaves nobody the time to answer.
const SOON_MS: u64 = 5000;

/// Words by which gateways say that nobody has answered in time.
const UNANSWERED: [&str; 7] = ["no-answer", "no answer", "not answer", "timeout", "timed out", "missed", "не отвечает"];

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let early = evidence.exchanges().find_map(|seen| {
        let arrives = seen.fact.answer.sent && had_time(seen.fact);
        let ended = seen.fact.ended.as_ref().filter(|ended| !ended.answered && !arrives)?;
        (seen.fact.refusal.is_none() && seen.fact.lost.is_empty()).then_some((seen, ended))
    });
    let Some((seen, ended)) = early else {
        if let Some((seen, ended)) = evidence.exchanges().find_map(crossing) {
            return crossed(&seen, ended);
        }
        let arrived = evidence.exchanges().filter(|seen| seen.fact.answer.received);
        return Judgement::ruled_out_by(arrived.map(|seen| seen.cite()).collect());
    };
    let reason = if ended.reason.is_empty() { String::new() } else { format!(" (\"{}\")", ended.reason) };
    let summary = format!("The gateway ended the call after {} ms{reason}, before an answer could arrive.", ended.after_ms);
    let found = Found::new(&RULE.cause, summary).because([seen.cite()]).fix(Place::Signaling, FIX);
    if seen.fact.sees_both() {
        return found.done();
    }
    found
        .confidence(Confidence::Possible)
        .unless("receiver-offline", "run the receiver as callcheck call --role callee too: it says whether the offer came")
        .unless("answer-not-forwarded", "run the receiver as callcheck call --role callee too: it says whether it had answered")
        .done()
}

/// The callee alone has answered, and the gateway's end for want of an answer was under way already.
fn crossing(seen: Seen<'_, ExchangeFact>) -> Option<(Seen<'_, ExchangeFact>, &Ended)> {
    let fact = seen.fact;
    let ended = fact.ended.as_ref()?;
    let reason = ended.reason.to_lowercase();
    let crosses = ended.answered && ended.after_ms <= fact.answer.sent_ms? + UNDER_WAY_MS;
    let says_so = UNANSWERED.iter().any(|word| reason.contains(word));
    (!fact.sees_both() && fact.answer.sent && crosses && says_so && fact.refusal.is_none()).then_some((seen, ended))
}

fn crossed(seen: &Seen<'_, ExchangeFact>, ended: &Ended) -> Judgement {
    let summary =
        format!("The gateway ended the call after {} ms (\"{}\"), as the answer was under way.", ended.after_ms, ended.reason);
    Found::new(&RULE.cause, summary).confidence(Confidence::Likely).because([seen.cite()]).fix(Place::Signaling, FIX).done()
}

/// Whether an end of the call leaves nobody the time to answer.
#[must_use]
pub fn is_early(ended: &Ended) -> bool {
    ended.after_ms < SOON_MS
}
