//! `nat-short-binding`: the NAT forgets a mapping sooner than calls keep it alive.

use crate::diagnose::evidence::Evidence;
use crate::diagnose::nat::NatEvidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::duration::in_words;
use crate::model::finding::{Level, Place};
use crate::model::nat::{Known, Lifetime};

/// The idle time that a mapping must outlive, in milliseconds: what keeps a path alive is sent more often.
const BEARABLE_MS: u64 = 30_000;

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "nat-short-binding",
        group: Group::Stun,
        level: Level::Degrade,
        title: "this network's NAT forgets idle mappings early",
        meaning: "The NAT forgets a UDP mapping after less than 30 seconds without a packet; RFC 4787 wants two minutes.",
        impact: "Calls that are quiet for a moment lose their path, and addresses gathered before an answer are gone when it comes.",
        proof: "`stun --lifetime`: a mapping that was left idle for less than 30 seconds no longer lets in what a server or the relay sends \
                to it, while one that was not idle does; or its socket then has another port outside.",
        look_alikes: "A lossy line: each mapping is asked several times, more often where packets get lost.",
        remedy: "Raise the router's UDP timeout.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let mut ruled_out = Vec::new();
    for lifetime in evidence.nats().filter_map(NatEvidence::lifetime) {
        let Known::Known { value: Lifetime { at_least_ms, less_than_ms }, evidence } = lifetime else { continue };
        match less_than_ms {
            Some(less_than_ms) if less_than_ms < BEARABLE_MS => return found(at_least_ms, less_than_ms, evidence),
            Some(_) | None if at_least_ms >= BEARABLE_MS => ruled_out.extend(evidence),
            Some(_) | None => {}
        }
    }
    Judgement::ruled_out_by(ruled_out)
}

fn found(at_least_ms: u64, less_than_ms: u64, evidence: Vec<String>) -> Judgement {
    let summary = format!(
        "The NAT of this network forgets a UDP mapping after {} to {} without a packet.",
        in_words(at_least_ms),
        in_words(less_than_ms)
    );
    Found::new(&RULE.cause, summary)
        .because(evidence)
        .fix_by(
            Place::Network,
            "Raise the router's UDP timeout to two minutes; where it is Linux:",
            "sysctl -w net.netfilter.nf_conntrack_udp_timeout=120",
        )
        .done()
}
