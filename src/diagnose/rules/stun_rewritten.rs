//! `stun-rewritten`: a middlebox changes addresses inside STUN messages.

use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Level, Place};
use crate::model::outcome::{Defect, Outcome};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "stun-rewritten",
        group: Group::Stun,
        level: Level::Degrade,
        title: "a middlebox rewrites STUN",
        meaning: "A router's application-level gateway finds addresses inside packets and changes them.",
        impact: "Browsers learn a wrong public address, and messages with an integrity check are thrown away.",
        proof: "MAPPED-ADDRESS differs from XOR-MAPPED-ADDRESS in one answer, or its FINGERPRINT does not fit.",
        look_alikes: "A server that fills in the two attributes differently.",
        remedy: "Switch the router's SIP ALG or \"NAT helper\" off.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let changed = evidence.promised().filter_map(|endpoint| endpoint.binding).filter(|binding| {
        let broken = Outcome::Unusable { defect: Defect::Fingerprint };
        binding.fact.bad_fingerprint || binding.fact.mapped_plain.is_some() || binding.fact.reply.outcome == broken
    });
    let changed: Vec<_> = changed.collect();
    let Some(first) = changed.first() else { return Judgement::Unknown };
    let what = match (first.fact.mapped, first.fact.mapped_plain) {
        (Some(mapped), Some(plain)) => format!("one answer names this host {mapped} and {plain}"),
        _ => "an answer's fingerprint does not fit".to_owned(),
    };
    Found::new(&RULE.cause, format!("Something on the way rewrites addresses inside STUN: {what}."))
        .because(changed.iter().map(|binding| binding.cite()))
        .fix(Place::Network, "Switch the router's SIP ALG or NAT helper off.")
        .done()
}
