//! What a relay does, from staged evidence: what only few servers of the field show.

use std::net::SocketAddr;

use super::staged::{Stage, UDP, allocation};
use crate::model::fact::{Fact, InboundFact, InboundWay, OutboundFact, SelfPairFact};
use crate::model::outcome::Outcome;

const RELAYED: &str = "203.0.113.10:50000";
const PEER: &str = "198.51.100.2:5000";

fn address(text: &str) -> SocketAddr {
    text.parse().expect("a socket address")
}

fn granted(stage: Stage) -> Stage {
    let mut fact = allocation(Outcome::Success);
    (fact.relayed, fact.mapped) = (Some(address(RELAYED)), Some(address(PEER)));
    stage.binding(UDP, Some("Coturn-4.6.1")).challenge(UDP).see("allocate", UDP, Fact::Allocation(fact))
}

fn silent(stage: Stage) -> Stage {
    let mut fact = allocation(Outcome::Silent);
    fact.sample = true;
    stage.see("relay-ports", UDP, Fact::Allocation(fact))
}

fn carries(stage: Stage) -> Stage {
    let (relayed, peer) = (address(RELAYED), address(PEER));
    let inbound = InboundFact {
        relayed,
        sent_to: relayed,
        way: InboundWay::Unsolicited,
        arrived: true,
        sends: 1,
        rtt_ms: Some(20.0),
        peer: Some(peer),
        icmp: None,
        sample: false,
    };
    let outbound = OutboundFact { relayed, peer, arrived: true, sends: 1, peer_seen_by_relay: true, from: Some(relayed) };
    stage.see("relay-in", UDP, Fact::Inbound(inbound)).see("relay-out", UDP, Fact::Outbound(outbound))
}

fn to_itself(stage: Stage, arrived: bool) -> Stage {
    stage.see("self-pair", UDP, Fact::SelfPair(SelfPairFact { relayed: address(RELAYED), arrived }))
}

#[test]
fn requests_that_get_no_answer_once_one_had_are_limited() {
    let one = silent(granted(Stage::host()));
    assert!(!one.diagnosed().contains(&"requests-limited".to_owned()), "one lost answer is chance");
    let several = silent(silent(one));
    assert!(several.diagnosed().contains(&"requests-limited".to_owned()), "{:?}", several.claims(&[""]));
}

#[test]
fn a_relay_that_carries_for_others_may_not_reach_itself() {
    let well = carries(granted(Stage::host()));
    assert_eq!(to_itself(well, true).claims(&["relay-"]), [""; 0]);
    let ill = to_itself(carries(granted(Stage::host())), false);
    assert_eq!(ill.claims(&["relay-"]), ["relay-to-relay-blocked degrade likely"]);
    let closed = to_itself(granted(Stage::host()), false);
    assert!(
        closed.claims(&["relay-to-relay"]).iter().all(|claim| !claim.contains("certain")),
        "whether anything arrives was not asked"
    );
}
