//! What is said of a NAT, and what its tests leave open.

use super::staged::{Stage, UDP, is_whole};
use crate::model::fact::{Contact, LifetimeWay};
use crate::model::nat::{Behaviour, Consequence, Dependence, Known, Lifetime};
use crate::model::outcome::Outcome;

const SECOND: &str = "udp 203.0.113.11:3479";
const OTHER: &str = "203.0.113.11:3479";
const OTHER_PORT: &str = "203.0.113.10:3479";
const STRANGER: &str = "udp 192.0.2.54:3478";

fn behaviour(stage: &Stage) -> Behaviour {
    stage.diagnosis().nat.and_then(|nat| nat.ipv4).expect("the NAT was tested over IPv4")
}

/// A server has answered over UDP, and sees the socket.
fn begun() -> Stage {
    Stage::stun(None).binding(UDP, None).mapping(UDP, "198.51.100.2:5000")
}

fn mapping(more: &[(&str, &str)]) -> Option<Dependence> {
    let stage = more.iter().fold(begun(), |stage, (server, mapped)| stage.mapping(server, mapped));
    behaviour(&stage).mapping.value()
}

#[test]
fn the_mapping_is_told_by_what_two_servers_and_two_ports_see() {
    let (same, other, third) = ("198.51.100.2:5000", "198.51.100.2:6000", "198.51.100.2:7000");
    let elsewhere = |mapped| (SECOND, mapped);
    let at_port = |mapped| ("udp 203.0.113.11:3478", mapped);
    assert_eq!(mapping(&[]), None, "one server");
    assert_eq!(mapping(&[("udp 203.0.113.10:3479", same)]), None, "one server's two ports");
    assert_eq!(mapping(&[elsewhere(same)]), Some(Dependence::EndpointIndependent));
    assert_eq!(mapping(&[elsewhere(other)]), Some(Dependence::AtLeastAddressDependent));
    assert_eq!(mapping(&[elsewhere(other), at_port(other)]), Some(Dependence::AddressDependent));
    assert_eq!(mapping(&[elsewhere(other), at_port(third)]), Some(Dependence::AddressAndPortDependent));
    assert_eq!(mapping(&[elsewhere(same), (STRANGER, other)]), None, "a contradiction");
}

#[test]
fn servers_within_the_own_site_are_not_compared_with_those_outside() {
    assert_eq!(mapping(&[("udp 10.0.0.10:3478", "192.168.1.2:5000")]), None);
    assert_eq!(
        mapping(&[("udp 10.0.0.10:3478", "192.168.1.2:5000"), (SECOND, "198.51.100.2:5000")]),
        Some(Dependence::EndpointIndependent)
    );
}

#[test]
fn a_server_whose_own_side_rewrites_sources_tells_nothing_of_the_nat() {
    assert_eq!(mapping(&[(SECOND, "10.0.0.1:5000")]), None);
}

#[test]
fn silence_is_the_filters_only_where_the_same_sender_is_heard_once_the_way_is_open() {
    let known = |stage: Stage| behaviour(&stage).filtering.value();
    let silent = || {
        let stage = begun().mapping(SECOND, "198.51.100.2:5000");
        stage.filtering(OTHER, Contact::None, Outcome::Silent).filtering(OTHER_PORT, Contact::Address, Outcome::Silent)
    };
    assert_eq!(known(silent()), None);
    assert_eq!(known(silent().filtering(OTHER, Contact::AddressAndPort, Outcome::Silent)), None);
    let heard = silent().filtering(OTHER, Contact::AddressAndPort, Outcome::Success);
    assert_eq!(behaviour(&heard).consequence.value(), Some(Consequence::RelayAgainstSymmetric));
    assert_eq!(known(heard), Some(Dependence::AddressAndPortDependent));
}

#[test]
fn an_answer_from_elsewhere_than_asked_tells_nothing_of_the_filter() {
    let from = "203.0.113.10:3478".parse().expect("an address");
    let stage = begun().mapping(SECOND, "198.51.100.2:5000");
    let stage = stage.filtering(OTHER, Contact::None, Outcome::FromElsewhere { from });
    let behaviour = behaviour(&stage.filtering(OTHER_PORT, Contact::Address, Outcome::Error { code: 420 }));
    assert!(matches!(behaviour.filtering, Known::NotTested { .. }));
    assert_eq!(behaviour.consequence.value(), Some(Consequence::DirectLikely));
}

#[test]
fn a_nat_that_maps_by_destination_is_named_and_nothing_is_said_of_hairpinning() {
    let stage = begun().mapping(SECOND, "198.51.100.2:6000").hairpin(false);
    assert_eq!(stage.diagnosed(), ["nat-symmetric"]);
    stage.findings().iter().for_each(is_whole);
    assert_eq!(behaviour(&stage).hairpinning.value(), None);
    assert_eq!(behaviour(&stage).consequence.value(), Some(Consequence::RelayAgainstSymmetricAndPortRestricted));
}

#[test]
fn a_nat_that_does_not_hairpin_is_a_risk_and_one_that_does_is_none() {
    let stage = |arrived: bool| begun().mapping(SECOND, "198.51.100.2:5000").hairpin(arrived);
    assert_eq!(stage(false).diagnosed(), ["nat-no-hairpin"]);
    stage(false).findings().iter().for_each(is_whole);
    assert!(stage(true).diagnosed().is_empty());
    assert!(stage(true).ruled_out().contains(&"nat-no-hairpin"));
}

fn lifetime(way: LifetimeWay, seen: &[(u64, Option<bool>)]) -> (Option<Lifetime>, Vec<String>) {
    let begun = Stage::stun(Some(40_000)).binding(UDP, None).mapping(UDP, "198.51.100.2:5000");
    let stage = seen.iter().fold(begun, |stage, (idle_ms, alive)| stage.idle(*idle_ms, way, *alive));
    (behaviour(&stage).lifetime.expect("it was asked for").value(), stage.diagnosed())
}

#[test]
fn the_life_of_a_mapping_has_bounds_and_is_short_below_half_a_minute() {
    let of = |at_least_ms, less_than_ms| Some(Lifetime { at_least_ms, less_than_ms });
    let there = [(0, Some(true)), (20_000, Some(true)), (28_000, Some(true))];
    assert_eq!(lifetime(LifetimeWay::Relay, &there), (of(28_000, None), vec![]));
    let linux = [there.as_slice(), &[(35_600, Some(false)), (40_600, Some(false))]].concat();
    assert_eq!(lifetime(LifetimeWay::Relay, &linux), (of(28_000, Some(35_600)), vec![]));
    let short = [(0, Some(true)), (20_000, Some(true)), (25_600, Some(false))];
    assert_eq!(lifetime(LifetimeWay::ResponsePort, &short), (of(20_000, Some(25_600)), vec!["nat-short-binding".to_owned()]));
}

#[test]
fn one_mapping_that_is_lost_early_does_not_shorten_the_life_of_all() {
    let seen = [(0, Some(true)), (10_600, Some(false)), (20_000, Some(true)), (40_000, Some(true))];
    assert_eq!(lifetime(LifetimeWay::Relay, &seen).1, Vec::<String>::new());
}

#[test]
fn a_port_that_stays_the_same_tells_nothing_of_the_mapping() {
    assert_eq!(lifetime(LifetimeWay::SameSocket, &[(0, None), (20_000, None)]).0, None);
    let changed = lifetime(LifetimeWay::SameSocket, &[(0, None), (10_000, None), (20_000, Some(false))]);
    assert_eq!(changed.0, Some(Lifetime { at_least_ms: 0, less_than_ms: Some(20_000) }));
}

#[test]
fn what_calls_and_turn_see_of_a_nat_is_no_finding_of_theirs() {
    let stage = Stage::urls(&[crate::model::endpoint::Transport::Udp]).binding(UDP, None);
    let stage = stage.mapping(UDP, "198.51.100.2:5000").mapping(SECOND, "198.51.100.2:6000").hairpin(false);
    assert!(stage.diagnosed().iter().all(|id| !id.starts_with("nat-")));
    assert_eq!(stage.diagnosis().nat, None);
}
