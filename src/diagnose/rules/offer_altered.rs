//! `offer-altered`: a description arrives otherwise than it was sent.

use crate::diagnose::call::Attempt;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "offer-altered",
        group: Group::Signaling,
        level: Level::Fail,
        title: "an offer or answer is altered on its way",
        meaning: "The SDP that one side received is not the SDP that the other side sent: something on the way cuts, escapes or rewrites \
                  it. Line endings don't count.",
        impact: "The other side refuses the description, or the DTLS fingerprint or ICE password no longer fits and the call fails.",
        proof: "The description received on one socket differs from the one sent on the other.",
        look_alikes: "dtls-failed: a fingerprint that was altered ends there; then this is the cause.",
        remedy: "Pass descriptions on as they are; look at length limits, HTML escaping and databases in between.",
    },
    folds: &["dtls-failed", "ice-wrong-ufrag"],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let attempts = Attempt::all(evidence);
    for attempt in &attempts {
        let Some(exchange) = attempt.exchange else { continue };
        let ways = [("offer", &exchange.fact.offer), ("answer", &exchange.fact.answer)];
        for (what, way) in ways {
            let summary = match (&way.altered, &way.unusable) {
                (Some(line), _) => format!("The {what} is altered on its way through the gateway: {line}."),
                (None, Some(why)) => format!("The {what} that arrives is no SDP: {why}."),
                (None, None) => continue,
            };
            // What still connects was changed without harm.
            let level = if attempt.carries() { Level::Warn } else { Level::Fail };
            // From one side alone it isn't known what the other one sent.
            let compared = way.altered.is_some() || exchange.fact.sees_both();
            return Found::new(&RULE.cause, summary)
                .level(level)
                .confidence(if compared { Confidence::Certain } else { Confidence::Likely })
                .because(attempt.cite())
                .fix(
                    Place::Signaling,
                    "Pass offers and answers on as they are: no length limit below 1 MB, no escaping, no parsing.",
                )
                .done();
        }
    }
    let compared = evidence.exchanges().filter(|seen| seen.fact.sees_both() && seen.fact.answer.received);
    Judgement::ruled_out_by(compared.map(|seen| seen.cite()).collect())
}
