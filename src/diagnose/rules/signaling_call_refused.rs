//! `signaling-call-refused`: the gateway itself says no to the call.

use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "signaling-call-refused",
        group: Group::Signaling,
        level: Level::Fail,
        title: "the gateway refuses the call",
        meaning: "The signaling server accepts the connection and answers the call with an error of its own: the chat isn't between \
                  two people, the account has no part in it, somebody is busy.",
        impact: "The call ends before the other side hears of it; no candidate is ever exchanged.",
        proof: "The gateway answers with its error event, an exception, or an acknowledgement that says no, and its own words.",
        look_alikes: "receiver-offline: some gateways refuse with those words, others accept the call and forward it to nobody. \
                      signaling-auth-refused: there the connection itself is refused.",
        remedy: "Do what its words say: the right chat, two accounts that are its members, both free.",
    },
    folds: &["receiver-offline", "no-answer-timeout", "answer-not-forwarded", "candidates-not-forwarded"],
    judge,
};

/// Words by which gateways say that nobody is there to take the call.
const ABSENT: [&str; 6] = ["offline", "not online", "not connected", "unavailable", "not available", "не в сети"];

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let Some((seen, refusal)) = evidence.exchanges().find_map(|seen| Some((seen, seen.fact.refusal.as_ref()?))) else {
        let answered = evidence.exchanges().filter(|seen| seen.fact.answer.received);
        return Judgement::ruled_out_by(answered.map(|seen| seen.cite()).collect());
    };
    let summary = format!("The gateway refuses the call: it tells the {} \"{}\".", refusal.role.name(), refusal.message);
    let found = Found::new(&RULE.cause, summary).because([seen.cite()]).fix(
        Place::Application,
        "Do what the gateway's words say; the call needs a one-to-one chat, both of its members, and both free.",
    );
    if speaks_of_absence(&refusal.message) {
        let decide = "see on the gateway whether the receiver's account is connected";
        found.confidence(Confidence::Likely).unless("receiver-offline", decide).done()
    } else {
        found.done()
    }
}

/// Whether a gateway's words say that the receiver isn't there.
#[must_use]
pub fn speaks_of_absence(words: &str) -> bool {
    let words = words.to_lowercase();
    ABSENT.iter().any(|word| words.contains(word))
}
