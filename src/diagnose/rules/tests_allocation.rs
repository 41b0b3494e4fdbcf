//! The rules on allocation, by table: refusals by code, redirections, permissions and channels.

use super::staged::{Stage, TCP, UDP, is_whole};
use crate::model::endpoint::Transport;
use crate::model::fact::{PeerKind, RedirectEnd};

const RELAYED: &str = "203.0.113.10:50000";
const CALLER: &str = "198.51.100.7";

const CAUSES: [&str; 10] = [
    "quota-reached",
    "relay-ports-exhausted",
    "redirect",
    "address-family-refused",
    "relay-transport-refused",
    "server-draining",
    "own-address-denied",
    "peer-denied",
    "channel-refused",
    "credentials-",
];

fn said(stage: &Stage) -> Vec<String> {
    stage.findings().iter().filter(|finding| finding.id != "stun-silent").for_each(is_whole);
    stage.claims(&CAUSES)
}

#[test]
fn each_code_has_its_cause() {
    let cases = [
        (486, "quota-reached fail certain"),
        (508, "relay-ports-exhausted fail certain"),
        (440, "address-family-refused fail certain"),
        (443, "address-family-refused fail certain"),
        (442, "relay-transport-refused fail certain"),
        (403, "server-draining fail certain"),
    ];
    for (code, expected) in cases {
        assert_eq!(said(&Stage::host().challenge(UDP).refused(UDP, code)), [expected], "{code}");
    }
    assert!(Stage::host().challenge(UDP).refused(UDP, 508).ruled_out().contains(&"quota-reached"));
}

#[test]
fn a_quota_that_this_run_itself_fills_is_no_finding() {
    let stage = Stage::host().challenge(UDP).challenge(TCP).granted(UDP, RELAYED).refused(TCP, 486).refused(TCP, 486);
    assert!(said(&stage).is_empty());
    let other = "udp 203.0.113.20:3478";
    let another_server = Stage::urls(&[Transport::Udp]).challenge(UDP).challenge(other).granted(UDP, RELAYED).refused(other, 486);
    assert_eq!(said(&another_server), ["quota-reached degrade certain"]);
}

#[test]
fn a_redirection_is_judged_by_its_end() {
    let alternate = "203.0.113.20:3478";
    let at_alternate = "udp 203.0.113.20:3478";
    let arrived = Stage::host()
        .redirecting(UDP, alternate)
        .challenge(at_alternate)
        .granted(at_alternate, "203.0.113.20:50000")
        .redirect(UDP, &[alternate], RedirectEnd::Arrived);
    assert_eq!(said(&arrived), ["redirected warn certain"]);
    let dead = Stage::host().redirecting(UDP, alternate).redirect(UDP, &[alternate], RedirectEnd::Dead);
    assert_eq!(said(&dead), ["redirect-dead fail certain"]);
    let looping = Stage::host().redirecting(UDP, alternate).redirecting(at_alternate, "203.0.113.10:3478").redirect(
        UDP,
        &[alternate, "203.0.113.10:3478"],
        RedirectEnd::Loop,
    );
    assert_eq!(said(&looping), ["redirect-loop fail certain"]);
    let nowhere = Stage::host().challenge_with(UDP, 300, None, false, None);
    assert_eq!(said(&nowhere), ["redirect-dead fail certain"]);
}

#[test]
fn credentials_that_the_alternate_server_rejects_are_found_there() {
    let at_alternate = "udp 203.0.113.20:3478";
    let stage = Stage::host().redirecting(UDP, "203.0.113.20:3478").challenge(at_alternate).refused(at_alternate, 401).redirect(
        UDP,
        &["203.0.113.20:3478"],
        RedirectEnd::Arrived,
    );
    assert_eq!(said(&stage), ["credentials-rejected fail certain", "redirected warn certain"]);
}

fn relaying(relayed: &str) -> Stage {
    Stage::host().challenge(UDP).granted(UDP, relayed)
}

#[test]
fn a_refused_permission_is_named_by_whose_address_it_is() {
    let own = |code| relaying(RELAYED).permission(UDP, RELAYED, "203.0.113.10", PeerKind::Relayed, code);
    let caller = |stage: Stage, code| stage.permission(UDP, RELAYED, CALLER, PeerKind::Reflexive, code);
    assert_eq!(said(&caller(own(403), 0)), ["own-address-denied fail certain"]);
    assert_eq!(said(&caller(own(403), 403)), ["peer-denied fail certain"]);
    assert_eq!(said(&caller(own(0), 403)), ["peer-denied fail certain"]);
    assert_eq!(said(&caller(own(0), 500)), ["peer-denied fail likely"]);
    assert!(said(&caller(own(0), 0)).is_empty());
    assert_eq!(said(&own(403)), ["own-address-denied fail likely peer-denied"]);
    let fine = caller(own(0), 0).ruled_out();
    assert!(fine.contains(&"own-address-denied") && fine.contains(&"peer-denied"));
}

#[test]
fn a_denied_private_relay_address_is_a_symptom_of_the_missing_external_ip() {
    let stage = relaying("10.0.0.10:50000").permission(UDP, "10.0.0.10:50000", "10.0.0.10", PeerKind::Relayed, 403).permission(
        UDP,
        "10.0.0.10:50000",
        CALLER,
        PeerKind::Reflexive,
        0,
    );
    assert!(said(&stage).is_empty());
}

#[test]
fn one_granted_address_of_the_caller_is_enough() {
    let stage = relaying(RELAYED).permission(UDP, RELAYED, "100.64.1.1", PeerKind::Reflexive, 403).permission(
        UDP,
        RELAYED,
        CALLER,
        PeerKind::Reflexive,
        0,
    );
    assert!(said(&stage).is_empty());
}

#[test]
fn a_refused_channel_counts_where_the_permission_was_granted() {
    let permitted = || relaying(RELAYED).permission(UDP, RELAYED, CALLER, PeerKind::Reflexive, 0);
    assert_eq!(said(&permitted().channel(UDP, 400)), ["channel-refused degrade certain"]);
    assert!(permitted().channel(UDP, 0).ruled_out().contains(&"channel-refused"));
    assert!(said(&relaying(RELAYED).channel(UDP, 400)).is_empty());
}
