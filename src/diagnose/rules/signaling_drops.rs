//! `signaling-drops`: a connection to the gateway is lost during the call.

use crate::diagnose::call::Attempt;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::call::Role;
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "signaling-drops",
        group: Group::Signaling,
        level: Level::Degrade,
        title: "the connection to the gateway drops during the call",
        meaning: "A connection to the gateway was closed or lost while the call was on.",
        impact: "What comes after it is lost: candidates, the answer, the end of the call; many gateways then end the call.",
        proof: "The socket was lost between the call's start and its end, and callcheck hadn't closed it.",
        look_alikes: "One account that is connected twice: many gateways drop the older connection.",
        remedy: "Look at the gateway's log and at the proxy's timeouts (longer than Engine.IO's 25 s ping); use two accounts.",
    },
    folds: &["receiver-offline", "answer-not-forwarded", "candidates-not-forwarded", "no-answer-timeout", "ice-no-candidates"],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let attempts = Attempt::all(evidence);
    let dropped = attempts.iter().find(|it| it.exchange.is_some_and(|seen| !seen.fact.lost.is_empty()));
    let Some(attempt) = dropped else {
        let whole = evidence.exchanges().filter(|seen| seen.fact.answer.received);
        return Judgement::ruled_out_by(whole.map(|seen| seen.cite()).collect());
    };
    let lost: Vec<&str> = attempt.exchange.iter().flat_map(|seen| seen.fact.lost.iter()).map(|role: &Role| role.name()).collect();
    let level = if attempt.carries() { Level::Degrade } else { Level::Fail };
    Found::new(&RULE.cause, format!("The connection to the gateway was lost during the call ({}).", lost.join(" and ")))
        .level(level)
        .because(attempt.cite())
        .fix(
            Place::Signaling,
            "Look at the gateway's log for that moment, and at the timeouts of the proxy before it: over 60 s.",
        )
        .fix(Place::Application, "Use two accounts: many gateways drop the older of two connections of one account.")
        .done()
}
