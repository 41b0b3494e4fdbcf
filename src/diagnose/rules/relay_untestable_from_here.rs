//! `relay-untestable-from-here`: nothing comes through the relay in either direction, which this network may cause as well.

use super::relay_ports_closed;
use crate::diagnose::controls::Answer;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::relay::RelayEvidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::address::Reach;
use crate::model::cause::{Cause, Group};
use crate::model::fact::ControlKind;
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "relay-untestable-from-here",
        group: Group::Relay,
        level: Level::Warn,
        title: "the relay can't be judged from this network",
        meaning: "No datagram comes through the relay in either direction. A closed range behind this network's symmetric NAT looks so, \
                  and so does a network that lets only port 3478 out.",
        impact: "Whether calls through the relay work for users elsewhere can't be told from here.",
        proof: "IN, OUT and the answer to OUT all fail, and nothing shows that this network lets UDP to high ports out.",
        look_alikes: "relay-ports-closed, which a test from another network, or on the server itself, tells apart.",
        remedy: "Run callcheck from another network, or look at the server's firewall.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let stuck = |relay: &&RelayEvidence<'_>| {
        let wrong_reach = !Reach::of(relay.relayed.ip()).is_global() && Reach::of(relay.endpoint.ip()).is_global();
        let elsewhere = !evidence.server_addresses().contains(&relay.relayed.ip());
        relay.lets_in() == Some(false) && !wrong_reach && !elsewhere
    };
    let tried: Vec<_> = evidence.relays().iter().filter(stuck).collect();
    let kept_in = evidence.controls().high_ports_closed();
    let any_way = |relay: &&RelayEvidence<'_>| {
        relay.lets_in() == Some(true)
            || relay.lets_in_alternative() == Some(true)
            || relay.lets_in_solicited() == Some(true)
            || relay.lets_out() == Some(true) && kept_in.is_none()
    };
    let some_pass = evidence.relays().iter().any(|relay| any_way(&relay));
    let closed_for_sure = matches!((relay_ports_closed::RULE.judge)(evidence), Judgement::Found(_));
    if tried.is_empty() || some_pass || closed_for_sure {
        return Judgement::Unknown;
    }
    let nat = match evidence.symmetric_nat() {
        _ if kept_in.is_some() => "this network lets no UDP out to an unrelated host's high port either",
        Some(true) => "this network's NAT is symmetric, so a closed range and a strict network look the same",
        Some(false) | None => "a closed range and a network that lets only some ports out look the same",
    };
    let relay = tried[0].relayed.ip();
    let carried: Vec<_> = evidence.peers().filter(|peer| peer.fact.relayed_beyond_server()).collect();
    let summary = if carried.is_empty() {
        format!("The relay on {relay} can't be judged from here: nothing sent to it arrives, and {nat}.")
    } else {
        format!("The relay on {relay} carries this call, and whether it lets in whom it has not sent to can't be told from here.")
    };
    let found = Found::new(&RULE.cause, summary)
        .confidence(Confidence::Possible)
        .because(tried.iter().flat_map(|relay| relay.cite()))
        .because(evidence.controls().cite(&[ControlKind::HighPort]))
        .because(kept_in.map(|seen| seen.cite()))
        .because(evidence.outside().into_iter().map(|(_, id)| id.to_owned()))
        .because(carried.iter().map(|peer| peer.cite()));
    let found = if carried.is_empty() {
        let decide = "run callcheck from another network, or look at the server's firewall (nft list ruleset)";
        found.unless("relay-ports-closed", decide)
    } else {
        found
    };
    let found = if evidence.symmetric_nat() == Some(false) {
        found
    } else {
        let decide = "run callcheck from a network without a symmetric NAT: if answers pass there, only strangers are kept out";
        found.unless("relay-ports-stateful-only", decide)
    };
    let found = if matches!(evidence.controls().stun(), Answer::Silent(_)) {
        let found = found
            .unless("network-blocks-udp", "run callcheck from another network: no unrelated host answers over UDP here either");
        found.unless("network-blocks-stun", "run callcheck from another network: no unrelated host answers STUN here either")
    } else {
        found
    };
    let knows_own_address = !evidence.outside().is_empty()
        || evidence
            .endpoints()
            .iter()
            .any(|endpoint| endpoint.is_datagram() && endpoint.binding.is_some_and(|binding| binding.fact.mapped.is_some()));
    // Then the relay lets in the address that TCP leaves from, and datagrams may leave from another one.
    let found = if knows_own_address {
        found
    } else {
        found.unless("cgnat", "name a STUN server that answers over UDP (--control): it tells which address datagrams leave from")
    };
    found.fix(Place::Network, "Run callcheck from another network, a phone's hotspot for instance.").done()
}
