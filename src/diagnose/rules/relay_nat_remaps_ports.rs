//! `relay-nat-remaps-ports`: what the relay sends leaves its NAT from another port, so the relayed address can't work.

use std::net::SocketAddr;

use crate::diagnose::evidence::Evidence;
use crate::diagnose::relay::RelayEvidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::fact::PortProtocol;
use crate::model::finding::{Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "relay-nat-remaps-ports",
        group: Group::Relay,
        level: Level::Fail,
        title: "a NAT before the server changes the relay's ports",
        meaning: "The server sits behind a NAT that gives its packets other ports and forwards only some: the relayed addresses that it \
                  hands out are not the ones that exist outside.",
        impact: "Calls that need the relay fail: the other side sends to ports that lead nowhere.",
        proof: "IN and IN-alt fail, and what the relay sends arrives from another port than the relayed one; or a responder on the host \
                has got a datagram at another port than it was sent to.",
        look_alikes: "relay-ports-closed: there what the relay sends arrives from the relayed port.",
        remedy: "Forward the relay range one to one, or run the server with a public address or host networking.",
    },
    folds: &["relay-ports-closed", "relay-ports-stateful-only", "external-ip-suspect"],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let remapped: Vec<(&RelayEvidence<'_>, SocketAddr)> = evidence.relays().iter().filter_map(remapped_to).collect();
    let Some((first, from)) = remapped.first() else { return by_a_responder(evidence) };
    let summary =
        format!("A NAT before the server changes the relay's ports: what is sent from {} arrives from {from}.", first.relayed);
    let found = Found::new(&RULE.cause, summary).because(remapped.iter().flat_map(|(relay, _)| relay.cite()));
    forward_one_to_one(found)
}

/// A responder on the server's host tells at which port it has got what was sent to another.
fn by_a_responder(evidence: &Evidence<'_>) -> Judgement {
    let moved = evidence.port_ranges().find(|seen| seen.fact.proto == PortProtocol::Udp && !seen.fact.moved.is_empty());
    let Some(seen) = moved else { return Judgement::Unknown };
    let summary = format!(
        "A NAT before the server changes ports: what is sent to {} of {} UDP ports of {} comes to other ports of the host.",
        seen.fact.moved.count(),
        seen.fact.probed.count(),
        seen.target
    );
    let level = if seen.fact.open.is_empty() { Level::Fail } else { Level::Degrade };
    forward_one_to_one(Found::new(&RULE.cause, summary).level(level).because([seen.cite()]))
}

fn forward_one_to_one(found: Found) -> Judgement {
    found
        .fix_by(Place::Server, "In a container, run the server on the host's own network.", "docker run --network=host …")
        .fix(Place::Firewall, "Behind a router, forward UDP 49152-65535 to the server one to one.")
        .done()
}

fn remapped_to<'e, 'a>(relay: &'e RelayEvidence<'a>) -> Option<(&'e RelayEvidence<'a>, SocketAddr)> {
    let from = relay.outbound.iter().find_map(|outbound| outbound.fact.from)?;
    let fails = relay.lets_in() == Some(false) && relay.lets_in_alternative() != Some(true);
    (fails && from.port() != relay.relayed.port()).then_some((relay, from))
}
