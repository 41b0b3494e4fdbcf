//! The answer in one word, from the findings and from what was proved.

use super::evidence::Evidence;
use crate::model::asked::Purpose;
use crate::model::finding::{Finding, Level};
use crate::model::report::{CutShort, Verdict};

/// Decides the verdict: what fails is said first, then what is not known, then what runs badly.
pub fn decide(evidence: &Evidence<'_>, findings: &[Finding], cut_short: Option<CutShort>) -> Verdict {
    let worst = findings.iter().map(|finding| finding.level).min();
    let proved = proved(evidence) && cut_short.is_none();
    match (worst, proved) {
        (Some(Level::Fail), _) => Verdict::Failed,
        (_, false) => Verdict::Inconclusive,
        (Some(Level::Degrade), true) => Verdict::Degraded,
        (Some(Level::Warn) | None, true) => Verdict::Ok,
    }
}

/// Whether all that matters was seen to work: the relay from outside and back, or for STUN one answer.
fn proved(evidence: &Evidence<'_>) -> bool {
    match evidence.asked().purpose {
        Purpose::Turn if evidence.wants_relay() => carries(evidence),
        // The advertised address is right once a datagram came in; or a stateful firewall showed it by an answer.
        Purpose::ExternalIp => {
            evidence.relays().iter().any(|relay| relay.lets_in() == Some(true) || relay.lets_in_solicited() == Some(true))
        }
        Purpose::Turn | Purpose::Stun => evidence.promised().any(super::endpoint::EndpointEvidence::alive),
    }
}

fn carries(evidence: &Evidence<'_>) -> bool {
    evidence
        .relays()
        .iter()
        .any(|relay| relay.lets_in() == Some(true) || relay.lets_in_solicited() == Some(true) && relay.lets_out() == Some(true))
}
