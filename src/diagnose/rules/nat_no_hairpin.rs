//! `nat-no-hairpin`: two hosts behind the NAT don't reach each other's addresses outside.

use crate::diagnose::evidence::Evidence;
use crate::diagnose::nat::NatEvidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::asked::Purpose;
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Level, Place};
use crate::model::nat::Known;

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "nat-no-hairpin",
        group: Group::Stun,
        level: Level::Warn,
        title: "this network's NAT doesn't hairpin",
        meaning: "A datagram from behind the NAT to an address outside that the NAT itself holds doesn't come back in (RFC 4787 §6).",
        impact: "Two callers behind this NAT need a relay, unless they reach each other by their local addresses, as in one home.",
        proof: "A second socket of this host sends to the address outside of the first, and nothing arrives although both had sent.",
        look_alikes: "A NAT that maps by destination: there nobody can know the address to send to, and it is not tested.",
        remedy: "A TURN server that works; some routers have a setting (\"NAT loopback\", \"hairpin\").",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    if evidence.asked().purpose != Purpose::Stun {
        return Judgement::Unknown;
    }
    let mut ruled_out = Vec::new();
    for hairpinning in evidence.nats().map(NatEvidence::hairpinning) {
        match hairpinning {
            Known::Known { value: false, evidence } => {
                let summary =
                    "The NAT of this network doesn't hairpin: two hosts behind it don't reach each other's addresses outside.";
                return Found::new(&RULE.cause, summary)
                    .because(evidence)
                    .fix(Place::Application, "See to it that the application has a TURN server that works: callcheck turn tells.")
                    .done();
            }
            Known::Known { value: true, evidence } => ruled_out.extend(evidence),
            Known::NotTested { .. } => {}
        }
    }
    Judgement::ruled_out_by(ruled_out)
}
