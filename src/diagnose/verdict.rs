//! The answer in one word, from the findings and from what was proved.

use super::call::Attempt;
use super::evidence::Evidence;
use super::responder;
use crate::model::asked::Purpose;
use crate::model::fact::PortsEnd;
use crate::model::finding::{Finding, Level};
use crate::model::report::{CutShort, Verdict};

/// Decides the verdict: what fails is said first, then what is not known, then what runs badly.
///
/// A run that was cut short may have missed a fault, so it is never `ok`. What runs badly was seen all the same where the relay was proved.
pub fn decide(evidence: &Evidence<'_>, findings: &[Finding], cut_short: Option<CutShort>) -> Verdict {
    let worst = findings.iter().map(|finding| finding.level).min();
    match (worst, proved(evidence), cut_short) {
        (Some(Level::Fail), ..) => Verdict::Failed,
        (Some(Level::Degrade), true, _) => Verdict::Degraded,
        (_, false, _) | (_, true, Some(_)) => Verdict::Inconclusive,
        (Some(Level::Warn) | None, true, None) => Verdict::Ok,
    }
}

/// Whether all that matters was seen to work: the relay from outside and back, or for STUN one answer.
fn proved(evidence: &Evidence<'_>) -> bool {
    match evidence.asked().purpose {
        Purpose::Turn if evidence.wants_relay() => carries(evidence),
        Purpose::Ports => responder::is_swept(evidence).unwrap_or_else(|| tells_of_ports(evidence)),
        // The advertised address is right once a datagram came in; or a stateful firewall showed it by an answer.
        Purpose::ExternalIp => {
            evidence.relays().iter().any(|relay| relay.lets_in() == Some(true) || relay.lets_in_solicited() == Some(true))
        }
        Purpose::Call => calls(evidence),
        Purpose::Turn | Purpose::Stun => evidence.promised().any(super::endpoint::EndpointEvidence::alive),
    }
}

/// Whether ports of the relay that were asked for are known to be open, and the server went on answering: one that falls silent in a sweep
/// may be down.
fn tells_of_ports(evidence: &Evidence<'_>) -> bool {
    let mut ranges = evidence.port_ranges().peekable();
    if ranges.peek().is_none() {
        return carries(evidence);
    }
    let (told, silent) = ranges.fold((false, false), |(told, silent), range| {
        let tells = !range.fact.open.is_empty() || !range.fact.closed.is_empty() && carries(evidence);
        (told || tells, silent || range.fact.ended_by == Some(PortsEnd::Silent))
    });
    told && !silent
}

/// Whether every attempt connected with media, and the relay was proved where there is one: from outside, or by carrying a call to an
/// address beyond its server. Two peers of one server prove no relay, since the server hands such packets to itself.
fn calls(evidence: &Evidence<'_>) -> bool {
    let attempts = Attempt::all(evidence);
    let connected = !attempts.is_empty() && attempts.iter().all(Attempt::carries);
    let relayed = evidence.peers().any(|peer| peer.fact.relayed_beyond_server());
    connected && (!evidence.wants_relay() || carries(evidence) || relayed)
}

fn carries(evidence: &Evidence<'_>) -> bool {
    evidence
        .relays()
        .iter()
        .any(|relay| relay.lets_in() == Some(true) || relay.lets_in_solicited() == Some(true) && relay.lets_out() == Some(true))
}
