//! `relay-ports-stateful-only`: the relay's ports let answers in and no strangers.

use super::relay_ports_closed::{numbers, open_the_range};
use crate::diagnose::evidence::Evidence;
use crate::diagnose::relay::RelayEvidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::finding::Level;

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "relay-ports-stateful-only",
        group: Group::Relay,
        level: Level::Degrade,
        title: "the relay's ports let only answers in",
        meaning: "A stateful firewall before the relay lets a peer in only after the relay has sent to exactly that address and port.",
        impact: "Calls with peers behind symmetric NATs fail, as in many mobile and office networks; others connect.",
        proof: "An unsolicited datagram to the relayed address fails (IN), what the relay sends arrives (OUT), and the answer to it then \
                passes.",
        look_alikes: "relay-ports-closed: there the answer fails too. A 1:1 NAT that forwards port 3478 alone looks exactly like this, and \
                      needs the same remedy.",
        remedy: "Open the relay range for UDP to everyone.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let tried: Vec<_> = evidence.relays().iter().filter(|relay| relay.lets_in().is_some()).collect();
    let opened = |relay: &&&RelayEvidence<'_>| relay.lets_in() == Some(false) && relay.lets_in_solicited() == Some(true);
    let stateful: Vec<_> = tried.iter().filter(opened).copied().collect();
    if tried.iter().any(|relay| relay.lets_in() == Some(true)) {
        let passing = tried.iter().filter(|relay| relay.lets_in() == Some(true));
        return Judgement::ruled_out_by(passing.filter_map(|relay| relay.unsolicited.map(|seen| seen.cite())).collect());
    }
    if stateful.is_empty() || stateful.iter().any(|relay| relay.lets_in_alternative() == Some(true)) {
        return Judgement::Unknown;
    }
    let summary = format!(
        "A firewall before the relay on {} lets in only answers to what the relay has sent: none of {} sampled ports ({}) takes a \
         datagram from a stranger.",
        stateful[0].relayed.ip(),
        tried.len(),
        numbers(&tried)
    );
    let found = Found::new(&RULE.cause, summary).because(tried.iter().flat_map(|relay| relay.cite()));
    open_the_range(evidence, found).done()
}
