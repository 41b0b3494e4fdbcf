//! `external-ip-mismatch`: the advertised relayed address doesn't work, and the server's own address with the same port does.

use crate::diagnose::evidence::Evidence;
use crate::diagnose::relay::RelayEvidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::address::Reach;
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "external-ip-mismatch",
        group: Group::Relay,
        level: Level::Fail,
        title: "the server advertises a wrong address",
        meaning: "The address that the server puts into relayed addresses (external-ip) is not the one at which its relay ports are \
                  reachable: a typing error, or an address that the host had before.",
        impact: "Calls that need the relay fail: the other side sends to an address that isn't the server's.",
        proof: "A datagram to the relayed address never arrives (IN), and one to the server's address with the same port does (IN-alt).",
        look_alikes: "relay-ports-closed: there neither arrives. Several relay addresses or a load balancer: there the relayed address \
                      differs too, and works.",
        remedy: "Set external-ip to the address that works.",
    },
    folds: &["own-address-denied", "external-ip-suspect"],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let wrong = |relay: &&RelayEvidence<'_>| relay.lets_in() == Some(false) && relay.lets_in_alternative() == Some(true);
    let wrong: Vec<_> = evidence.relays().iter().filter(wrong).collect();
    let Some(first) = wrong.first() else {
        return Judgement::ruled_out_by(evidence.relays().iter().flat_map(proofs_of_address).collect());
    };
    // A private address in place of a public one has a rule of its own, with the better words.
    if !Reach::of(first.relayed.ip()).is_global() && Reach::of(first.endpoint.ip()).is_global() {
        return Judgement::Unknown;
    }
    let (right, advertised) = (first.endpoint.ip(), first.relayed.ip());
    let summary = format!(
        "The TURN server advertises {advertised}, which doesn't lead to it; the same relay ports work at {right}: external-ip is wrong."
    );
    let found = Found::new(&RULE.cause, summary)
        .because(wrong.iter().flat_map(|relay| relay.cite()))
        .because(wrong.iter().map(|relay| relay.allocation.to_owned()));
    if evidence.is_coturn() || evidence.endpoints().iter().all(|endpoint| endpoint.software().is_none()) {
        let text =
            "Correct external-ip in turnserver.conf, and restart coturn; behind a 1:1 NAT add \"/\" and the private address.";
        found.fix_by(Place::Server, text, format!("external-ip={right}")).done()
    } else {
        found.fix(Place::Server, format!("Correct the server's public address in its configuration: {right}.")).done()
    }
}

/// The observations that the relayed address leads to the server: what was sent there arrived, or what the relay sent came from it.
fn proofs_of_address(relay: &RelayEvidence<'_>) -> Vec<String> {
    let inbound =
        [relay.unsolicited, relay.solicited].into_iter().flatten().filter(|seen| seen.fact.arrived).map(|seen| seen.cite());
    let outbound = relay.outbound.iter().filter(|seen| seen.fact.from.is_some_and(|from| from.ip() == relay.relayed.ip()));
    inbound.chain(outbound.map(|seen| seen.cite())).collect()
}
